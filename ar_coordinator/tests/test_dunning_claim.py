"""Late-payment interest in letters, the whole road: invoice, payments, disputes, preview, gate, letter, waiver."""
import re

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .dunning_common import DunningCommon, instalment_terms
from .test_dunning_letters import ENGLISH

NBSP = '\N{NO-BREAK SPACE}'
DUE, TODAY = '2026-05-31', '2026-07-31'


class ClaimCommon(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-07-31 12:00:00'))
        cls.customer.is_company = cls.other_customer.is_company = True
        cls.gbp = cls.setup_other_currency('GBP', rates=[('1900-01-01', 0.8)])
        cls.company.ar_interest_scheme = 'eu'
        cls.level_1.claim_interest = True

    def invoice(self, amount=10000, currency=None, due=DUE, **vals):
        """An invoice due on 2026-05-31, in EUR unless said otherwise."""
        return self.ar_invoice(amount, '2026-05-01', due=due, currency_id=(currency or self.eur).id, **vals)

    def letter(self, **kwargs):
        """The one letter of a previewed run of 2026-07-31."""
        return self.ar_run(TODAY, **kwargs).letter_ids.ensure_one()

    def rows(self, letter):
        """[(from, to, days, base, rate, shown)] of a letter."""
        return [
            (row['date_from'], row['date_to'], row['days'], row['base'], row['rate'], row['shown'])
            for line in letter.line_ids for row in (line.interest_working or {}).get('rows', ())]

    def assertClaim(self, letter, interest, compensation):
        """Letter, lines and outcomes claim the same."""
        self.assertEqual((letter.amount_interest, letter.amount_compensation), (interest, compensation))
        self.assertEqual(letter.amount_claim, letter.currency_id.round(interest + compensation))
        outcomes = letter.run_id.outcome_ids.filtered(lambda outcome: outcome.letter_id == letter)
        for records in (letter.line_ids, outcomes):
            self.assertAlmostEqual(sum(records.mapped('amount_interest')), interest, 9)
            self.assertAlmostEqual(sum(records.mapped('amount_compensation')), compensation, 9)


@tagged('post_install', '-at_install')
class TestDunningClaim(ClaimCommon):

    # === VECTORS === #

    def test_eu_vector(self):
        """EUR 10,000 due 2026-05-31, letter of 2026-07-31: 83.42 + 88.33 = 171.75, + 40."""
        self.invoice()
        letter = self.letter()
        self.assertEqual(self.rows(letter), [
            ('2026-06-01', '2026-06-30', 30, 10000.0, 10.15, 83.42),
            ('2026-07-01', '2026-07-31', 31, 10000.0, 10.4, 88.33)])
        self.assertClaim(letter, 171.75, 40.0)
        self.assertEqual((letter.amount_total, letter.claim_note), (10000.0, False))
        amounts = [f"{amount}{NBSP}€" for amount in ("83.42", "88.33", "40.00", "211.75", "10,211.75")]
        for text in ("06/01/2026", "06/30/2026", "10.15", "10.40", *amounts, "Fixed compensation", "2011/7/EU"):
            self.assertIn(text, letter.message)
        self.assertNotIn("converted", letter.message)

    def test_every_level_asks_for_the_claim_as_well(self):
        """The request below the tables names the same sum as the table: debt, interest and compensation."""
        self.invoice()
        letter = self.letter().sudo()
        for level in self.policy.level_ids:
            letter.level_id = level
            letter.invalidate_recordset(['message'])
            self.assertIn(f"transfer <strong>10,211.75{NBSP}€</strong>", letter.message)
            self.assertNotIn(f"transfer <strong>10,000.00{NBSP}€</strong>", letter.message)

    def test_uk_vector(self):
        """GBP 10,000, same dates: 196.37 + 100, at 3.75 + 8."""
        self.company.ar_interest_scheme = 'uk'
        self.invoice(currency=self.gbp)
        letter = self.letter()
        self.assertEqual(self.rows(letter), [('2026-06-01', '2026-07-31', 61, 10000.0, 11.75, 196.37)])
        self.assertClaim(letter, 196.37, 100.0)
        for text in ("11.75", f"£{NBSP}296.37", f"£{NBSP}10,296.37", "Act 1998"):
            self.assertIn(text, letter.message)

    def test_the_mail_that_leaves_says_so(self):
        """What is sent is what was previewed; what was claimed stays when rates change."""
        self.invoice()
        letter = self.ar_send(TODAY).letter_ids
        [mail] = self.ar_deliver(letter)
        self.assertIn(f"211.75{NBSP}€", mail['body'])
        self.env['ar.interest.rate'].search([]).rate = 1
        self.company.ar_interest_scheme = 'none'
        letter.invalidate_recordset()
        self.assertClaim(letter, 171.75, 40.0)
        self.assertIn("211.75", letter.message)

    def test_a_printed_letter_is_frozen(self):
        self.customer.email = False
        self.invoice()
        letter = self.ar_send(TODAY).letter_ids
        self.assertEqual((letter.channel, letter.state), ('letter', 'queued'))
        self.env['ar.interest.rate'].search([]).rate = 1
        self.level_1.claim_interest = False
        letter.invalidate_recordset()
        self.assertIn("211.75", letter.message)
        self.assertEqual(letter.amount_claim, 211.75)

    # === OFF UNLESS ASKED FOR === #

    def test_off_by_default(self):
        """Without the level's flag a letter is what it was, whatever the company's law."""
        self.assertEqual(set((self.level_2 + self.level_3).mapped('claim_interest')), {False})
        self.level_1.claim_interest = False
        self.invoice()
        letter = self.letter()
        self.assertClaim(letter, 0.0, 0.0)
        self.assertFalse(letter.claim_note)
        self.assertNotIn("claim", letter.message)
        links = re.compile(r'href="[^"]*"')  # signed for each letter
        with_law = links.sub("", letter.message)
        self.company.ar_interest_scheme = 'none'
        self.assertEqual(links.sub("", self.letter().message), with_law)

    def test_level_claims_without_a_law(self):
        self.company.ar_interest_scheme = 'none'
        self.invoice()
        letter = self.letter()
        self.assertClaim(letter, 0.0, 0.0)
        self.assertIn("no law set", letter.claim_note)

    def test_only_items_at_a_claiming_level(self):
        """The letter claims for the item whose level says so, not for the newer one beside it."""
        self.level_1.claim_interest = False
        self.level_2.claim_interest = True
        old = self.invoice()
        self.company.ar_dunning_quiet_days = 0
        self.ar_send('2026-07-01')
        new = self.invoice(500, due='2026-07-10')
        letter = self.letter()
        self.assertEqual(letter.line_ids.filtered('amount_interest').move_id, old)
        self.assertEqual(letter.line_ids.move_id, old + new)
        self.assertClaim(letter, 171.75, 40.0)

    def test_not_late_yet(self):
        """A reminder before the due date claims nothing."""
        self.level_1.delay_days = -5
        self.invoice(due='2026-08-03')
        letter = self.letter()
        self.assertClaim(letter, 0.0, 0.0)
        self.assertNotIn("claim", letter.message)

    def test_without_compensation(self):
        self.company.ar_interest_compensation = False
        self.invoice()
        letter = self.letter()
        self.assertClaim(letter, 171.75, 0.0)
        self.assertNotIn("Fixed compensation", letter.message)

    def test_points_of_the_company(self):
        """German law adds 9 points between businesses."""
        self.company.ar_interest_points = 9
        self.invoice()
        self.assertEqual([row[4] for row in self.rows(self.letter())], [11.15, 11.4])

    # === PAYMENTS, CREDITS, DISPUTES === #

    def test_part_payment(self):
        """The base falls from the day after the payment, by the day the money came and not by that of matching."""
        invoice = self.invoice()
        payment = self.ar_cash(4000, '2026-06-15', currency_id=self.eur.id)
        self.ar_match(invoice, payment)
        letter = self.letter()
        self.assertEqual([row[:4] for row in self.rows(letter)], [
            ('2026-06-01', '2026-06-15', 15, 10000.0), ('2026-06-16', '2026-06-30', 15, 6000.0),
            ('2026-07-01', '2026-07-31', 31, 6000.0)])
        self.assertClaim(letter, 119.74, 40.0)
        self.assertEqual(letter.amount_total, 6000.0)

    def test_part_payment_before_the_due_date(self):
        invoice = self.invoice()
        self.ar_pay(invoice, '2026-05-20', 4000, currency_id=self.eur.id)
        self.assertEqual({row[3] for row in self.rows(self.letter())}, {6000.0})

    def test_credited_part_never_bore_interest(self):
        invoice = self.invoice()
        credit_note = self.ar_invoice(4000, '2026-07-20', move_type='out_refund', currency_id=self.eur.id)
        self.ar_match(invoice, credit_note)
        self.assertEqual({row[3] for row in self.rows(self.letter())}, {6000.0})

    def test_unmatched_money_bears_no_interest(self):
        """Money that waits to be matched reduces what is asked, and the base."""
        self.invoice()
        self.ar_cash(4000, '2026-07-20', currency_id=self.eur.id)
        letter = self.letter()
        self.assertEqual(letter.amount_total, 6000.0)
        self.assertEqual({row[3] for row in self.rows(letter)}, {6000.0})

    def test_disputed_part_is_left_out(self):
        invoice = self.invoice()
        dispute = self.ar_dispute(invoice, 2500, date_open='2026-06-11')
        letter = self.letter()
        self.assertEqual([(row[2], row[3]) for row in self.rows(letter)], [(10, 10000.0), (20, 7500.0), (31, 7500.0)])
        dispute._transition(('new',), 'rejected', date_closed='2026-07-01')
        self.assertEqual([(row[2], row[3]) for row in self.rows(self.letter())], [(10, 10000), (20, 7500), (31, 10000)])

    def test_dispute_credited_is_not_left_out_twice(self):
        """2,500 disputed, accepted and credited: interest on 7,500 all the time, not on 5,000."""
        invoice = self.invoice()
        dispute = self.ar_dispute(invoice, 2500, date_open='2026-06-11')
        self.company.ar_dispute_limit = 10_000
        dispute.action_accept()
        dispute.credit_move_ids.invoice_date = '2026-07-10'
        dispute.credit_move_ids.action_post()
        self.assertEqual(dispute.state, 'closed')
        self.assertEqual({row[3] for row in self.rows(self.letter())}, {7500.0})

    def test_gate_reads_again(self):
        """Money that arrived after the preview: the letter that leaves claims less."""
        invoice = self.invoice()
        run = self.ar_run(TODAY)
        self.ar_match(invoice, self.ar_cash(4000, '2026-06-15', currency_id=self.eur.id))
        with self.mock_mail_gateway():
            run.action_send()
        self.assertClaim(run.letter_ids, 119.74, 40.0)
        self.assertIn("159.74", run.letter_ids.message)

    def test_item_dropped_at_the_gate_takes_its_claim_along(self):
        invoice, other = self.invoice(), self.invoice(1000)
        run = self.ar_run(TODAY)
        self.assertEqual(run.letter_ids.amount_interest, 188.93)
        self.ar_dispute(other, 1000, date_open='2026-07-31')
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(run.letter_ids.line_ids.move_id, invoice)
        self.assertClaim(run.letter_ids, 171.75, 40.0)

    def test_everything_settled_at_the_gate(self):
        """A letter that is dropped whole claims nothing any more."""
        invoice = self.invoice()
        run = self.ar_run(TODAY)
        self.ar_pay(invoice, TODAY, currency_id=self.eur.id)
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(run.letter_ids.state, 'cancelled')
        self.assertClaim(run.letter_ids, 0.0, 0.0)
        self.assertEqual(run.outcome_ids.mapped('amount_interest'), [0.0])

    def test_instalments(self):
        """Each runs from its own due date; the compensation is claimed once per invoice."""
        self.ar_invoice(10000, '2026-05-01', invoice_payment_term_id=instalment_terms(self.env).id,
                        currency_id=self.eur.id)
        letter = self.letter()
        self.assertEqual([(row[0], row[3]) for row in self.rows(letter)], [
            ('2026-05-12', 3000.0), ('2026-07-01', 3000.0), ('2026-07-01', 7000.0)])
        self.assertEqual(letter.line_ids.mapped('amount_compensation'), [40.0, 0.0])

    # === CURRENCIES === #

    def test_compensation_in_another_currency(self):
        """EUR 40 at 0.625 to the dollar are $ 64.00, and the letter says how."""
        self.invoice(currency=self.company.currency_id)
        letter = self.letter()
        self.assertClaim(letter, 171.75, 64.0)
        self.assertIn("EUR 40.00", letter.message)
        self.assertRegex(letter.message, r"converted at the rate of</span>\s*07/31/2026")

    def test_uk_band_by_the_debt_in_pounds(self):
        """EUR 10,000 are GBP 12,800 here: the highest band, GBP 100, is EUR 78.13."""
        self.company.ar_interest_scheme = 'uk'
        self.invoice()
        self.assertClaim(self.letter(), 196.37, 78.13)
        self.invoice(900 * 0.625 / 0.8, partner=self.other_customer)
        letter = self.ar_run(TODAY).letter_ids.filtered(lambda letter: letter.partner_id == self.other_customer)
        self.assertEqual(letter.amount_compensation, 31.25)

    def test_exchange_rates_shared_by_all_companies(self):
        self.eur.rate_ids.company_id = False
        self.invoice(currency=self.company.currency_id)
        self.assertClaim(self.letter(), 171.75, 64.0)

    def test_no_exchange_rate_no_compensation(self):
        """Odoo takes 1:1 where there is no rate: no compensation rather than a wrong one."""
        self.eur.rate_ids.unlink()
        self.invoice(currency=self.company.currency_id)
        letter = self.letter()
        self.assertClaim(letter, 171.75, 0.0)
        self.assertIn("no exchange rate", letter.claim_note)

    # === NO CLAIM === #

    def test_missing_rate(self):
        """Without the rate of a half-year nothing is guessed: the letter goes out without the claim and says why."""
        self.env['ar.interest.rate'].search([('scheme', '=', 'eu'), ('date_from', '=', '2026-07-01')]).unlink()
        self.invoice()
        letter = self.letter()
        self.assertClaim(letter, 0.0, 0.0)
        self.assertIn("07/01/2026", letter.claim_note)
        self.assertNotIn("claim", letter.message)
        self.assertEqual(letter.amount_total, 10000.0)

    def test_private_person(self):
        self.customer.is_company = False
        self.invoice()
        letter = self.letter()
        self.assertClaim(letter, 0.0, 0.0)
        self.assertIn("private person", letter.claim_note)
        self.customer.vat = 'BE0477472701'
        self.assertClaim(self.letter(), 171.75, 40.0)

    def test_entry_without_invoice(self):
        """What an opening entry is about nobody knows: it is reminded, without interest."""
        entry = self.ar_misc(500, '2026-05-31', date_maturity='2026-05-31', no_followup=False)
        self.assertEqual(self.letter().line_ids.move_id, entry)
        self.assertClaim(self.letter(), 0.0, 0.0)

    # === LANGUAGES === #

    def test_failure_18_claim_in_five_languages(self):
        """Table, dates, numbers and amounts of the claim are in the recipient's language."""
        texts = [
            ('en_US', "Annual rate", "06/30/2026", "10.15", f"${NBSP}10,235.75", "Fixed compensation"),
            ('de_DE', "Zinssatz", "30.06.2026", "10,15", "10.235,75", "Pauschale Entschädigung"),
            ('fr_FR', "Taux annuel", "30/06/2026", "10,15", f"10{NBSP}235,75", "Indemnité forfaitaire"),
            ('es_ES', "Tipo anual", "30/06/2026", "10,15", "10.235,75", "Indemnización fija"),
            ('nl_NL', "Rente per jaar", "30-06-2026", "10,15", "10.235,75", "Vaste vergoeding"),
        ]
        codes = [text[0] for text in texts]
        for code in codes:
            self.env['res.lang']._activate_lang(code)
        self.env['ir.module.module']._load_module_terms(['ar_coordinator'], codes)
        self.invoice(currency=self.company.currency_id)
        for lang, *words in texts:
            with self.subTest(lang=lang):
                self.customer.lang = lang
                message = self.letter().message
                for word in words:
                    self.assertIn(word, message)
                if lang != 'en_US':
                    for word in (*ENGLISH, "claim", "Interest", "compensation", "converted", "Days"):
                        self.assertNotIn(word, message)

    # === WAIVING === #

    def test_manager_waives_with_a_reason(self):
        self.invoice()
        run = self.ar_run(TODAY)
        letter = run.letter_ids.with_user(self.manager)
        action = letter.action_waive_claim()
        wizard = Form(self.env[action['res_model']].with_user(self.manager).with_context(**action['context']))
        wizard.reason = "Agreed on the phone"
        wizard.save().action_waive()
        self.assertClaim(letter, 0.0, 0.0)
        self.assertEqual(letter.state, 'draft')
        self.assertNotIn("claim", letter.message)
        self.assertIn("Agreed on the phone", letter.claim_note)
        for record in (letter, run):
            self.assertIn("Agreed on the phone", record.message_ids[0].body)
            self.assertIn("211.75", record.message_ids[0].body)
            self.assertEqual(record.message_ids[0].author_id, self.manager.partner_id)
        waiver = run.waiver_ids
        self.assertEqual((waiver.amount, waiver.user_id), (211.75, self.manager))
        run.action_preview()
        self.assertClaim(run.letter_ids, 0.0, 0.0)
        with self.mock_mail_gateway():
            run.action_send()
        self.assertClaim(run.letter_ids, 0.0, 0.0)
        self.assertEqual(run.letter_ids.state, 'queued')

    def test_waiving_one_leaves_the_others(self):
        self.invoice()
        self.invoice(partner=self.other_customer)
        run = self.ar_run(TODAY)
        letter = run.letter_ids.filtered(lambda letter: letter.partner_id == self.customer)
        letter.with_user(self.manager).waive_claim("Goodwill")
        self.assertEqual((letter.amount_claim, (run.letter_ids - letter).amount_claim), (0.0, 211.75))

    def test_waiving_is_for_managers(self):
        self.invoice()
        letter = self.letter()
        for user in (self.clerk, self.reader):
            with self.assertRaises(AccessError):
                letter.with_user(user).waive_claim("Because")
            with self.assertRaises(AccessError):
                letter.with_user(user).action_waive_claim()
        self.assertEqual(letter.amount_claim, 211.75)

    def test_waiving_needs_a_reason_and_a_draft(self):
        self.invoice()
        run = self.ar_run(TODAY)
        letter = run.letter_ids.with_user(self.manager)
        for reason in ("", "  ", False):
            with self.assertRaises(UserError):
                letter.waive_claim(reason)
        with self.mock_mail_gateway():
            run.action_send()
        with self.assertRaisesRegex(UserError, "has left already"):
            letter.waive_claim("Too late")
        self.assertClaim(letter, 171.75, 40.0)

    def test_nothing_to_waive(self):
        self.level_1.claim_interest = False
        self.invoice()
        with self.assertRaisesRegex(UserError, "claims no interest"):
            self.letter().with_user(self.manager).waive_claim("Because")

    def test_waivers_are_written_by_letters_only(self):
        self.invoice()
        run = self.ar_run(TODAY)
        with self.assertRaises(AccessError):
            self.env['ar.interest.waiver'].with_user(self.manager).create({
                'run_id': run.id, 'partner_id': self.customer.id, 'currency_id': self.eur.id, 'reason': "x",
                'user_id': self.manager.id})

    # === VOLUME === #

    def test_query_count_does_not_depend_on_the_letters(self):
        def count(customers):
            partners = self.env['res.partner'].create([
                {'name': f"Claim {number}", 'is_company': True, 'email': f'claim{number}@example.com', 'lang': 'en_US'}
                for number in range(customers)])
            for partner in partners:
                self.invoice(1000, partner=partner)
            letters = self.ar_run(TODAY).letter_ids.sudo()
            letters = letters.browse(letters.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            letters._set_claims()
            self.env.flush_all()
            self.assertTrue(all(letters.mapped('amount_claim')))
            return self.env.cr.sql_log_count - before
        few = count(2)
        self.assertLessEqual(count(12), few + 2)


@tagged('post_install', '-at_install')
class TestLedgerPayments(ClaimCommon):

    def payments(self, *moves):
        lines = [self.ar_lines(move) for move in moves]
        found = self.env['ar.ledger'].payments_of([line.id for own in lines for line in own])
        return [[
            (str(payment['date']), payment['amount'], payment['move_type'], payment['is_posted'])
            for line in own for payment in found.get(line.id, ())] for own in lines]

    def test_payments_of(self):
        """Payments by their own date and in the item's currency, oldest first; both sides; nothing for the unpaid."""
        paid, unpaid = self.invoice(), self.invoice(500)
        self.ar_pay(paid, '2026-07-10', 1000, currency_id=self.eur.id)
        early = self.ar_cash(4000, '2026-06-15', currency_id=self.eur.id)
        self.ar_match(paid, early)
        refund = self.ar_invoice(500, '2026-07-20', move_type='out_refund', currency_id=self.eur.id)
        self.ar_match(paid, refund)
        self.assertEqual(self.payments(paid, unpaid, early), [
            [('2026-06-15', 4000.0, 'entry', True), ('2026-07-10', 1000.0, 'entry', True),
             ('2026-07-20', 500.0, 'out_refund', True)],
            [],
            [('2026-05-01', 4000.0, 'out_invoice', True)]])

    def test_payments_explain_the_residual(self):
        """Amount less payments is what is open, in the item's currency, also after exchange differences."""
        invoice = self.ar_invoice(10000, '2026-02-10', due='2026-02-28', currency_id=self.eur.id)
        self.ar_pay(invoice, '2026-03-10', 4000, currency_id=self.eur.id)
        self.ar_pay(invoice, '2026-07-10', 6000, currency_id=self.eur.id)
        [payments] = self.payments(invoice)
        self.assertEqual([payment[:2] for payment in payments], [('2026-03-10', 4000.0), ('2026-07-10', 6000.0)])
        self.assertEqual(self.ar_lines(invoice).amount_residual_currency, 0)

    def test_one_query(self):
        invoices = [self.invoice(100) for _number in range(3)]
        for invoice in invoices:
            self.ar_pay(invoice, '2026-07-10', 40, currency_id=self.eur.id)
        ids = [self.ar_lines(invoice).id for invoice in invoices]
        ledger = self.env['ar.ledger']
        ledger.payments_of(ids)  # warms rules and field caches
        with self.assertQueryCount(1):
            found = ledger.payments_of(ids)
        self.assertEqual(set(found), set(ids))
        self.assertEqual(ledger.payments_of([]), {})

    def test_access(self):
        """Readers of receivables only, and only items of their companies."""
        invoice = self.invoice()
        self.ar_pay(invoice, '2026-07-10', 40, currency_id=self.eur.id)
        line = self.ar_lines(invoice)
        employee = self.ar_user('claim_employee', 'base.group_user')
        with self.assertRaises(AccessError):
            self.env['ar.ledger'].with_user(employee).payments_of(line.ids)
        other = self.env['res.company'].create({'name': "Payments Other Co"})
        stranger = self.ar_user('claim_stranger', 'ar_coordinator.group_ar_user')
        stranger.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        self.assertEqual(self.env['ar.ledger'].with_user(stranger).payments_of(line.ids), {})
        self.assertTrue(self.env['ar.ledger'].with_user(self.reader).payments_of(line.ids))
