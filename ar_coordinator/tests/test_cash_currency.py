"""Items paid in another currency: proposed at the rate of the day, applied to the cent in three currencies, undone.

The company is in dollars here; a euro is worth 2.5 in February and 1.6 in March, a franc 1.25 and 2 (in dollars).
"""
from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_cash_proposal import CashCase


@tagged('post_install', '-at_install')
class TestCashCurrency(CashCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chf = cls.setup_other_currency('CHF', rates=[('2026-02-01', 0.8), ('2026-03-01', 0.5)])
        cls.chf_bank = cls.env['account.journal'].create({
            'name': "CHF bank", 'type': 'bank', 'code': 'CHFB', 'currency_id': cls.chf.id,
            'company_id': cls.company.id})
        cls.payer = cls.env['res.partner'].create({'name': "Quay Traders"})
        cls.abroad = cls.ar_invoice(1_000, '2026-02-10', partner=cls.payer, currency_id=cls.eur.id)
        cls.desk = cls.env['ar.cash.desk'].with_company(cls.company)

    def pay(self, amount, text=None, journal=None, **values):
        return self.transaction(
            amount, text or self.abroad.name, journal=journal, partner_name="Quay Traders", **values)

    def exchange(self, item):
        """Balance of the exchange entries on the receivable account."""
        moves = (item.matched_credit_ids | item.matched_debit_ids).exchange_move_id
        return sum(moves.line_ids.filtered(lambda row: row.account_id == item.account_id).mapped('balance'))

    def check_open(self, move, own, company):
        item = self.ar_lines(move)
        self.assertEqual((item.amount_residual_currency, item.amount_residual), (own, company))

    # === PROPOSED === #

    def test_company_currency_for_a_foreign_invoice(self):
        """1,000 EUR owed at 2.5, paid with 1,600 USD, which they are worth in March."""
        before = self.total()
        line = self.pay(1_600)
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.rest, proposal.is_ambiguous), ('converted', 0, False))
        self.assertLess(proposal.confidence, self.company.ar_cash_threshold, "a person looks at rates")
        row = proposal.line_ids
        self.assertEqual(
            (row.move_id, row.amount, row.residual, row.item_currency_id, row.item_residual, row.rate),
            (self.abroad, 1_600, 1_600, self.eur, 1_000, 1.6))
        self.assertIn("1,000.00", proposal.reasons)
        self.assertIn("1 EUR = 1.6 USD", proposal.reasons)
        proposal.with_user(self.clerk).action_apply()
        self.check_open(self.abroad, 0, 0)
        counterpart = line.line_ids.filtered(lambda item: item.account_id == self.receivable)
        self.assertEqual(
            (counterpart.currency_id, counterpart.amount_currency, counterpart.balance), (self.eur, -1_000, -1_600))
        self.assertEqual(self.exchange(self.ar_lines(self.abroad)), -900)
        self.assertEqual(before - self.total(), 2_500)
        proposal.with_user(self.clerk).action_undo()
        self.check_open(self.abroad, 1_000, 2_500)
        self.assertEqual((self.total(), line.is_reconciled), (before, False))

    def test_payers_own_rate_is_an_exchange_difference(self):
        """1,580 or 1,620 USD for what is worth 1,600: within 2 %, the invoice is paid; 1,560 is not."""
        for received in (1_580, 1_620):
            with self.subTest(received=received), self.env.cr.savepoint() as savepoint:
                line = self.pay(received)
                proposal = self.propose(line)
                self.assertEqual(
                    (proposal.what, proposal.rest, proposal.rest_action), ('converted', received - 1_600, 'rate'))
                proposal.with_user(self.clerk).action_apply()
                self.check_open(self.abroad, 0, 0)
                self.assertEqual(self.exchange(self.ar_lines(self.abroad)), received - 2_500)
                self.assertEqual(self.ar_lines(line.move_id).mapped('balance'), [-received])
                self.assertEqual(proposal.line_ids.rate, received / 1_000)
                self.total()
                savepoint.close(rollback=True)
            self.env.invalidate_all()
        proposal = self.propose(self.pay(1_560))
        self.assertEqual((proposal.what, proposal.rest, proposal.rest_action), ('converted_off', -40, 'open'))

    def test_part_is_paid_at_the_rate_of_the_day(self):
        line = self.pay(400)
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.rest, proposal.line_ids.amount), ('converted_off', -1_200, 400))
        proposal.with_user(self.clerk).action_apply()
        self.check_open(self.abroad, 750, 1_875)
        self.assertEqual(proposal.line_ids.rate, 1.6)
        self.total()
        proposal.with_user(self.clerk).action_undo()
        self.check_open(self.abroad, 1_000, 2_500)

    def test_too_much_stays_on_account(self):
        line = self.pay(2_000)
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.rest, proposal.rest_action), ('converted_off', 400, 'account'))
        proposal.with_user(self.clerk).action_apply()
        self.check_open(self.abroad, 0, 0)
        left = self.ar_lines(line.move_id).filtered(lambda item: not item.reconciled)
        self.assertEqual((left.amount_residual, left.currency_id), (-400, self.company.currency_id))
        self.total()

    def test_foreign_payment_for_an_invoice_in_company_currency(self):
        """500 USD owed; 248 CHF are worth 496 in March: paid, the 4 are a loss on exchange of the company."""
        two = self.ar_invoice(500, '2026-02-20', partner=self.payer)
        before = self.total()
        line = self.pay(248, two.name, journal=self.chf_bank)
        proposal = self.propose(line)
        self.assertEqual(
            (proposal.what, proposal.currency_id, proposal.rest, proposal.rest_action),
            ('converted', self.chf, -2, 'rate'))
        proposal.with_user(self.clerk).action_apply()
        self.check_open(two, 0, 0)
        loss = line.line_ids.filtered(lambda row: row.account_id == self.company.expense_currency_exchange_account_id)
        self.assertEqual((loss.balance, sum(line.line_ids.mapped('balance'))), (4, 0))
        self.assertEqual(before - self.total(), 500)
        proposal.with_user(self.clerk).action_undo()
        self.check_open(two, 500, 500)

    def test_two_foreign_currencies(self):
        """1,000 EUR (2,500 when invoiced), paid with 800 CHF worth 1,600."""
        line = self.pay(800, journal=self.chf_bank)
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.rest, proposal.line_ids.rate), ('converted', 0, 0.8))
        proposal.with_user(self.clerk).action_apply()
        self.check_open(self.abroad, 0, 0)
        self.assertEqual(self.exchange(self.ar_lines(self.abroad)), -900)
        self.assertEqual(sum(line.line_ids.mapped('balance')), 0)
        self.total()

    def test_named_beside_items_of_the_payments_currency(self):
        own = self.ar_invoice(77, '2026-02-20', partner=self.payer)
        proposal = self.propose(self.pay(1_677, f"{own.name} {self.abroad.name}"))
        self.assertEqual((proposal.what, proposal.line_ids.mapped('amount')), ('converted', [77, 1_600]))
        proposal.with_user(self.clerk).action_apply()
        self.check_open(own, 0, 0)
        self.check_open(self.abroad, 0, 0)

    def test_amount_alone_is_less_sure_and_two_are_ambiguous(self):
        proposal = self.propose(self.pay(1_590, "thanks"))
        self.assertEqual((proposal.what, proposal.rest, proposal.is_ambiguous), ('converted_one', -10, False))
        self.assertLess(proposal.confidence, 80)
        self.ar_invoice(1_010, '2026-02-12', partner=self.payer, currency_id=self.eur.id)
        self.company.ar_cash_threshold = 51
        again = self.propose(proposal.statement_line_id)
        self.assertTrue(again.is_ambiguous)
        self.assertFalse(self.env['ar.cash']._get_sure(self.company, again))

    def test_text_that_names_a_foreign_item_is_not_for_another(self):
        """An own-currency item of just this amount: the text says otherwise, so a person decides."""
        other = self.ar_invoice(900, '2026-02-12', partner=self.payer)
        proposal = self.propose(self.pay(900))
        self.assertTrue(proposal.is_ambiguous)
        self.assertEqual(self.env['ar.cash']._get_sure(self.company, proposal), proposal.browse())
        self.assertEqual(other.amount_residual, 900)

    def test_no_rate_no_proposal(self):
        gbp = self.setup_other_currency('GBP', rates=[])
        invoice = self.ar_invoice(100, '2026-02-10', partner=self.payer, currency_id=gbp.id)
        line = self.pay(100, invoice.name)
        self.assertFalse(self.propose(line).line_ids.move_id & invoice)
        data = self.desk.get_items('transaction', line.id, self.payer.id)
        self.assertNotIn(invoice.name, [item['name'] for item in data['items']])
        self.assertEqual(data['other_currencies'], 1)
        with self.assertRaisesRegex(UserError, "no exchange rate from GBP to USD"):
            self.desk.apply('transaction', line.id, [{'id': self.ar_lines(invoice).id, 'amount': 100}])

    def test_no_item_is_paid_twice_by_two_currencies(self):
        euro_bank = self.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURB', 'currency_id': self.eur.id,
            'company_id': self.company.id})
        dollars, euros = self.pay(1_600), self.pay(1_000, journal=euro_bank)
        proposals = self.propose()
        self.assertEqual(proposals.filtered(lambda row: row.statement_line_id == euros).what, 'referenced')
        left = proposals.filtered(lambda row: row.statement_line_id == dollars)
        self.assertEqual((left.what, left.line_ids.ids), ('claimed', []))

    # === AT THE DESK === #

    def test_desk_shows_and_takes_items_in_other_currencies(self):
        line = self.pay(1_595, "thanks for all")
        line.partner_name = "Unknown"
        data = self.desk.get_items('transaction', line.id, self.payer.id)
        [item] = data['items']
        self.assertEqual(
            (item['residual'], item['item_currency_id'], item['item_residual']), (1_600, self.eur.id, 1_000))
        self.assertEqual((data['defaults']['rates'], data['other_currencies']), (0.02, 0))
        done = self.desk.with_user(self.clerk).apply(
            'transaction', line.id, [{'id': item['id'], 'amount': 1_600}], 'rate', None, self.payer.id)
        self.check_open(self.abroad, 0, 0)
        proposal = self.env['ar.cash.proposal'].browse(done['id'])
        self.assertEqual((proposal.rest, proposal.line_ids.amount, proposal.line_ids.rate), (-5, 1_595, 1.595))
        self.desk.with_user(self.clerk).undo(done['id'])
        self.check_open(self.abroad, 1_000, 2_500)
        part = self.desk.with_user(self.clerk).apply(
            'transaction', line.id, [{'id': item['id'], 'amount': 160}], 'account', None, self.payer.id)
        self.check_open(self.abroad, 900, 2_250)
        self.desk.with_user(self.clerk).undo(part['id'])

    def test_proposal_taken_at_the_desk_as_it_is(self):
        line = self.pay(1_580)
        proposal = self.propose(line)
        data = self.desk.get_items('transaction', line.id)
        [item] = data['items']
        self.assertEqual((item['chosen'], item['amount'], data['rest_action']), (True, 1_600, 'rate'))
        done = self.desk.with_user(self.clerk).apply(
            'transaction', line.id, [{'id': item['id'], 'amount': item['amount'], 'discount': 0}], 'rate')
        self.assertEqual(done['id'], proposal.id)
        self.check_open(self.abroad, 0, 0)

    def test_an_exchange_difference_is_no_way_around_a_write_off(self):
        line = self.pay(1_500)
        item = self.ar_lines(self.abroad)
        with self.assertRaisesRegex(UserError, "no exchange difference"):
            self.desk.with_user(self.clerk).apply(
                'transaction', line.id, [{'id': item.id, 'amount': 1_600}], 'rate', None, self.payer.id)
        same = self.pay(995, self.one.name)
        with self.assertRaisesRegex(UserError, "no exchange difference"):
            self.desk.with_user(self.clerk).apply(
                'transaction', same.id, [{'id': self.ar_lines(self.one).id, 'amount': 1_000}], 'rate')
        self.check_open(self.abroad, 1_000, 2_500)

    def test_what_is_missing_is_disputed_in_the_items_currency(self):
        line = self.pay(1_200)
        proposal = self.propose(line)
        proposal.rest_action = 'dispute'
        proposal.with_user(self.clerk).action_apply()
        dispute = proposal.rest_dispute_ids
        self.assertEqual((dispute.amount, dispute.currency_id, dispute.move_id), (250, self.eur, self.abroad))
        proposal.with_user(self.clerk).action_undo()
        self.check_open(self.abroad, 1_000, 2_500)

    def test_reminders_know_what_it_pays_in_the_items_currency(self):
        """800 USD on the way for 1,000 EUR that are worth 1,600: 500 EUR of it are not asked for, not 800."""
        proposal = self.propose(self.pay(800))
        self.assertEqual(self.env['ar.cash']._get_incoming(self.company)[0], {}, "not sure")
        self.company.ar_cash_threshold = 60
        items, _booked = self.env['ar.cash']._get_incoming(self.company)
        self.assertEqual(items, {proposal.line_ids.move_line_id.id: 500})

    def test_rate_corrected_since(self):
        proposal = self.propose(self.pay(1_600))
        self.eur.rate_ids.filtered(lambda rate: str(rate.name) == '2026-03-01').rate = 0.5
        with self.assertRaisesRegex(UserError, "the exchange rate of .* was changed since"):
            proposal.with_user(self.clerk).action_apply()
        self.check_open(self.abroad, 1_000, 2_500)

    def test_a_payment_that_is_booked_cannot_cross_currencies(self):
        payment = self.ar_cash(1_600, '2026-03-05', partner=self.payer, memo=self.abroad.name)
        source = self.ar_lines(payment)
        self.assertFalse(self.propose(source).line_ids.item_currency_id)
        with self.assertRaisesRegex(UserError, "only a bank transaction can pay"):
            self.desk.with_user(self.clerk).apply(
                'payment', source.id, [{'id': self.ar_lines(self.abroad).id, 'amount': 1_600}])


@tagged('post_install', '-at_install')
class TestCashOnce(CashCase):
    """One payment is counted once: registered ones, and ones made twice."""

    def test_registered_payment_stands_for_one_transaction(self):
        """Two equal transactions, one payment registered: one is that money, the other is proposed."""
        self.company.ar_cash_registered_days = 14
        payment = self.ar_cash(1_000, '2026-03-04')
        payment.action_draft()
        payment.action_post()
        near = self.transaction(1_000, self.one.name, date='2026-03-05')
        far = self.transaction(1_000, f"{self.one.name} again", date='2026-03-09')
        found = self.propose()
        self.assertNotIn(near, found.statement_line_id)
        self.assertIn(far, found.statement_line_id)

    def test_registered_payment_ages(self):
        """A cheque that never reached the bank hides the next month's payment no longer."""
        self.company.ar_cash_registered_days = 14
        self.ar_cash(1_000, '2026-02-10')
        within, after = self.transaction(1_000, "a", date='2026-02-24', partner_id=self.customer.id), \
            self.transaction(1_000, self.one.name, date='2026-02-25')
        found = self.propose().statement_line_id
        self.assertNotIn(within, found)
        self.assertIn(after, found)

    def test_registered_payment_that_the_bank_took_is_used_up(self):
        payment = self.ar_cash(1_000, '2026-03-04')
        first = self.transaction(1_000, "cheque", date='2026-03-05')
        second = self.transaction(1_000, self.one.name, date='2026-03-06')
        self.assertEqual(len(self.propose().filtered('statement_line_id')), 1)
        _liquidity, suspense, _other = first._seek_for_lines()
        outstanding = payment.move_id.line_ids - self.ar_lines(payment)
        suspense.account_id = outstanding.account_id
        (suspense + outstanding).reconcile()
        self.assertTrue(payment.is_matched)
        self.assertIn(second, self.propose().statement_line_id)

    def test_payment_made_twice_pays_nothing_else(self):
        """The same payment again finds another item by its amount alone: that waits for somebody, with the reason."""
        self.ar_invoice(600, '2026-01-20')
        self.ar_invoice(400, '2026-01-21')
        first = self.transaction(1_000, "payment", partner_id=self.customer.id)
        proposal = self.propose(first)
        self.assertEqual((proposal.what, proposal.line_ids.move_id), ('one', self.one))
        second = self.transaction(1_000, "payment", date='2026-03-07', partner_id=self.customer.id)
        both = self.propose()
        later = both.filtered(lambda row: row.statement_line_id == second)
        self.assertTrue(later.is_ambiguous, "beside the first")
        both.filtered(lambda row: row.statement_line_id == first).action_apply()
        later = self.propose(second)
        self.assertTrue(later.is_ambiguous, "after the first was applied")
        self.assertIn("made twice", later.reasons)
        self.assertFalse(self.env['ar.cash']._get_sure(self.company, later))

    def test_text_or_time_says_it_is_another_payment(self):
        again = self.ar_invoice(1_000, '2026-01-11', '2026-04-01')
        self.propose(self.transaction(1_000, self.one.name)).action_apply()
        named = self.propose(self.transaction(1_000, again.name, date='2026-03-06'))
        self.assertEqual((named.what, named.is_ambiguous), ('referenced', False))
        named.action_apply()
        third = self.ar_invoice(1_000, '2026-03-10', '2026-04-10')
        month = self.propose(self.transaction(1_000, "rent", date='2026-03-17', partner_id=self.customer.id))
        self.assertEqual((month.line_ids.move_id, month.is_ambiguous), (third, False))
