"""Reminder fees: how much, in which currency, said how, invoiced when."""
from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .dunning_common import DunningCommon

NBSP = "\N{NO-BREAK SPACE}"
FEE_WORDS = {
    'en_US': ("Reminder fee", "Amount to pay, this fee included", "converted at the rate of"),
    'de_DE': ("Mahngebühr", "Zu zahlender Betrag einschließlich dieser Gebühr", "umgerechnet zum Kurs vom"),
    'fr_FR': ("Frais de rappel", "Montant à payer, frais de rappel compris", "converti au cours du"),
    'es_ES': ("Gastos de reclamación", "Importe a pagar, incluidos estos gastos", "convertido al cambio del"),
    'nl_NL': ("Aanmaningskosten", "Te betalen bedrag, inclusief deze kosten", "omgerekend tegen de koers van"),
}


@tagged('post_install', '-at_install')
class TestDunningFee(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in FEE_WORDS:
            cls.env['res.lang']._activate_lang(code)
        cls.env['ir.module.module']._load_module_terms(['ar_coordinator'], list(FEE_WORDS))
        cls.product = cls.env['product.product'].create({
            'name': "Reminder fee", 'type': 'service', 'taxes_id': False,
            'property_account_income_id': cls.revenue.id})
        cls.invoice = cls.ar_invoice(1000, '2026-03-01', due='2026-03-20')

    def text(self, letter):
        """What the letter says, with spaces as characters."""
        return letter.message.replace('&nbsp;', NBSP)

    # === HOW MUCH === #

    def test_no_fee_by_default(self):
        letter = self.ar_send().letter_ids
        self.assertRecordValues(letter, [{
            'amount_fee': 0, 'fee_mode': False, 'fee_move_id': False, 'fee_note': False, 'fee_original': False}])
        self.assertNotIn("fee", letter.message)

    def test_claimed_fee(self):
        """Flat and percentage of the amount asked; stated in the letter, asked for in one sum, booked nowhere."""
        self.level_1.write({'fee_amount': 12.5, 'fee_percent': 1.25})
        self.ar_dispute(self.invoice, 200)
        before = self.env['account.move'].search_count([])
        letter = self.ar_send().letter_ids
        self.assertRecordValues(letter, [{
            'amount_total': 800, 'amount_fee': 22.5, 'fee_mode': 'claim', 'fee_move_id': False, 'fee_original': False}])
        for text in ("Reminder fee", f"${NBSP}22.50", "Amount to pay, this fee included",
                     f"transfer <strong>${NBSP}822.50</strong>"):
            self.assertIn(text, self.text(letter))
        self.assertNotIn("converted", letter.message)
        self.assertEqual(self.env['account.move'].search_count([]), before)

    def test_fee_is_rounded_once(self):
        """12.345 % of 100.05 and 0.33 flat: 12.3511725 + 0.33 = 12.68."""
        self.invoice.button_cancel()
        self.ar_invoice(100.05, '2026-03-01', due='2026-03-20')
        self.level_1.write({'fee_amount': 0.33, 'fee_percent': 12.345})
        self.assertEqual(self.ar_run().letter_ids.amount_fee, 12.68)

    def test_fee_in_another_currency(self):
        """The flat fee is the company's; converted at the rate of the letter's day, which the letter says."""
        self.invoice.button_cancel()
        self.ar_invoice(500, '2026-03-01', due='2026-03-20', currency_id=self.eur.id)
        self.level_1.write({'fee_amount': 40, 'fee_percent': 1})
        letter = self.ar_send().letter_ids
        # 40 USD at 0.625 EUR per USD, and 1 % of 500 EUR
        self.assertRecordValues(letter, [{
            'currency_id': self.eur.id, 'amount_total': 500, 'amount_fee': 30,
            'fee_original': {'amount': 40.0, 'currency': 'USD'}}])
        for text in ("USD 40.00", "converted at the rate of", "03/31/2026", f"30.00{NBSP}€", f"530.00{NBSP}€"):
            self.assertIn(text, self.text(letter))

    def test_fee_without_an_exchange_rate(self):
        """No rate, no fee: the letter goes, and says to the desk why."""
        currency = self.env['res.currency'].with_context(active_test=False).search(
            [('rate_ids', '=', False), ('id', '!=', self.company.currency_id.id)], limit=1)
        currency.active = True
        self.invoice.button_cancel()
        self.ar_invoice(500, '2026-03-01', due='2026-03-20', currency_id=currency.id)
        self.level_1.fee_amount = 40
        letter = self.ar_send().letter_ids
        self.assertRecordValues(letter, [{'state': 'queued', 'amount_fee': 0, 'fee_mode': False}])
        self.assertEqual(letter.fee_note, f"There is no exchange rate between USD and {currency.name}.")

    def test_fee_follows_the_gate_and_is_frozen_with_the_letter(self):
        """Part paid after the preview: the percentage is of what is asked; a later change of the level is no change."""
        self.level_1.fee_percent = 2
        run = self.ar_run()
        self.assertEqual(run.letter_ids.amount_fee, 20)
        self.ar_pay(self.invoice, '2026-03-31', 400)
        with self.mock_mail_gateway():
            run.action_send()
        letter = run.letter_ids
        self.assertRecordValues(letter, [{'amount_total': 600, 'amount_fee': 12}])
        sent = letter.message
        self.level_1.write({'fee_percent': 50, 'fee_amount': 99})
        letter.invalidate_recordset()
        self.assertEqual((letter.amount_fee, letter.message), (12, sent))

    def test_no_fee_for_a_letter_that_has_nothing_left(self):
        self.level_1.fee_amount = 40
        run = self.ar_run()
        self.ar_pay(self.invoice, '2026-03-31')
        run.action_send()
        self.assertRecordValues(run.letter_ids, [{'state': 'cancelled', 'amount_fee': 0, 'fee_mode': False}])

    def test_fee_of_the_highest_level_once(self):
        """One letter, one fee: that of the level which sets its tone."""
        self.ar_send()
        self.ar_invoice(100, '2026-03-10', due='2026-04-10')
        self.level_1.fee_amount, self.level_2.fee_amount = 5, 12
        with self.subTest("two levels in one letter"), freeze_time('2026-04-20 12:00:00'):
            letter = self.ar_run('2026-04-20').letter_ids
            self.assertEqual(sorted(letter.line_ids.mapped('level_id.delay_days')), [3, 15])
            self.assertRecordValues(letter, [{'level_id': self.level_2.id, 'amount_total': 1100, 'amount_fee': 12}])


    def test_fee_languages(self):
        """Failure 18 for the fee: in the recipient's language, all of it."""
        self.invoice.button_cancel()
        self.ar_invoice(500, '2026-03-01', due='2026-03-20', currency_id=self.eur.id)
        self.level_1.fee_amount = 40
        for lang, words in FEE_WORDS.items():
            with self.subTest(lang=lang):
                self.customer.lang = lang
                message = self.ar_run().letter_ids.message
                for word in words:
                    self.assertIn(word, message)
                if lang != 'en_US':
                    for word in FEE_WORDS['en_US']:
                        self.assertNotIn(word, message)

    def test_fee_settings_are_checked(self):
        for vals in ({'fee_amount': -1}, {'fee_percent': -1}, {'fee_percent': 101},
                     {'fee_amount': 5, 'fee_mode': 'invoice', 'fee_product_id': False}):
            with self.subTest(**vals), self.assertRaises(ValidationError):
                self.level_1.write(vals)
        with self.assertRaises(AccessError):
            self.level_1.with_user(self.clerk).fee_amount = 5

    # === INVOICED === #

    def invoiced(self, **vals):
        self.level_1.write({'fee_amount': 40, 'fee_mode': 'invoice', 'fee_product_id': self.product.id, **vals})

    def test_fee_invoice_is_a_draft(self):
        """One draft per letter, linked, in the letter's currency; the letter itself asks for the debt alone."""
        self.invoiced()
        run = self.ar_run()
        self.assertFalse(run.letter_ids.fee_move_id, "a preview invoices nothing")
        with self.mock_mail_gateway():
            run.action_send()
        letter = run.letter_ids
        self.assertRecordValues(letter, [{
            'amount_total': 1000, 'amount_fee': 40, 'fee_mode': 'invoice', 'step_failure': False}])
        self.assertRecordValues(letter.fee_move_id, [{
            'state': 'draft', 'move_type': 'out_invoice', 'partner_id': self.customer.id, 'amount_total': 40,
            'company_id': self.company.id, 'invoice_origin': letter.name}])
        self.assertEqual(letter.fee_move_id.invoice_line_ids.name, "Reminder fee: Payment Reminder of 03/31/2026")
        self.assertIn(f"transfer <strong>${NBSP}1,000.00</strong>", self.text(letter))
        self.assertNotIn("fee", letter.message)

    def test_fee_invoice_in_the_letters_currency(self):
        self.invoice.button_cancel()
        self.ar_invoice(500, '2026-03-01', due='2026-03-20', currency_id=self.eur.id)
        self.invoiced()
        move = self.ar_send().letter_ids.fee_move_id
        self.assertRecordValues(move, [{'currency_id': self.eur.id, 'amount_total': 25, 'state': 'draft'}])

    def test_draft_fee_invoice_is_no_debt(self):
        """Nobody is reminded of a fee that nobody posted, and the ledger does not know of it."""
        self.invoiced()
        letter = self.ar_send().letter_ids
        run = self.ar_run()
        self.assertNotIn(letter.fee_move_id, run.outcome_ids.move_id)
        self.assertEqual(sum(row['residual'] for row in self.items('2027-12-31')), 1000)

    def test_cancelled_letter_cancels_the_draft(self):
        self.invoiced()
        letter = self.ar_send().letter_ids
        letter.with_user(self.clerk).action_cancel()
        self.assertEqual((letter.state, letter.fee_move_id.state), ('cancelled', 'cancel'))

    def test_bounced_letter_cancels_the_draft(self):
        self.invoiced()
        letter = self.ar_send().letter_ids
        self.ar_notification(letter).write({'notification_status': 'bounce'})
        self.assertEqual((letter.state, letter.fee_move_id.state), ('bounced', 'cancel'))

    def test_posted_fee_invoice_is_left_to_people(self):
        """It is in the books: cancelling the letter notes it there and touches nothing."""
        self.invoiced()
        letter = self.ar_send().letter_ids
        letter.fee_move_id.action_post()
        letter.with_user(self.clerk).action_cancel()
        self.assertEqual(letter.fee_move_id.state, 'posted')
        self.assertIn("was not delivered, or was cancelled", letter.fee_move_id.message_ids[0].body)

    def test_failing_fee_invoice_stops_no_letter(self):
        """Failure 15 for fees: no sales journal, the letter goes and says what was not done."""
        self.invoiced()
        self.env['account.journal'].search(
            [('company_id', '=', self.company.id), ('type', '=', 'sale')]).active = False
        with self.assertLogs('odoo.addons.ar_coordinator.models.ar_dunning_channels', 'WARNING'):
            letter = self.ar_send().letter_ids
        self.assertEqual(letter.state, 'queued')
        self.assertFalse(letter.fee_move_id)
        self.assertTrue(letter.step_failure)
