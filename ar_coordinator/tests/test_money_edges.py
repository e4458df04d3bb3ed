"""Exact amounts where money is unusual: branches, taxes due on payment, rounded invoices, currencies without cents."""
from datetime import date

from odoo import Command
from odoo.tests import tagged

from .dunning_common import DunningCommon

CASH = ('opening', 'received', 'deductions', 'automatic', 'users', 'elsewhere', 'closing')


@tagged('post_install', '-at_install')
class TestMoneyEdges(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expense = cls.company_data['default_account_expense']
        cls.company.write({
            'ar_write_off_account_id': cls.expense.id, 'ar_write_off_limit_manager': 100_000,
            'ar_dispute_limit': 100_000})
        cls.branch = cls.env['res.company'].create({'name': "Harbour branch", 'parent_id': cls.company.id})
        cls.both = cls.company + cls.branch

    def taxed(self, tax, *prices, **vals):
        return self.ar_invoice(0, '2026-02-01', invoice_line_ids=[Command.create({
            'name': "Goods", 'quantity': 1, 'price_unit': price, 'tax_ids': [Command.set(tax.ids)],
            'account_id': self.revenue.id}) for price in prices], **vals)

    def write_off(self, move, amount, **vals):
        request = self.env['ar.write.off'].create({
            'partner_id': self.customer.id, 'kind': 'write_off', 'reason': "Insolvent", 'company_id': self.company.id,
            'currency_id': move.currency_id.id, 'line_ids': [Command.create({
                'move_line_id': self.ar_lines(move).id, 'amount': amount})], **vals})
        request.action_submit()
        self.assertEqual(request.state, 'done')
        return request

    # === BRANCHES === #

    def of_branch(self, amount, day):
        move = self.env['account.move'].with_company(self.branch).create({
            'move_type': 'out_invoice', 'company_id': self.branch.id, 'partner_id': self.customer.id,
            'invoice_date': day, 'date': day, 'invoice_date_due': day, 'invoice_line_ids': [Command.create({
                'name': "Goods", 'price_unit': amount, 'tax_ids': [], 'account_id': self.revenue.id})]})
        move.action_post()
        return move

    def test_branch_paid_on_the_parents_bank_account(self):
        """Journal, proofs and statements hold for each company and for both: 130 pays 100 here and 30 of the branch."""
        own, other = self.ar_invoice(100, '2026-03-01'), self.of_branch(60, '2026-03-01')
        payment = self.ar_cash(130, '2026-03-05')
        self.ar_match(payment, own)
        self.ar_match(payment, other)
        self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': '2026-03-05', 'payment_ref': "x", 'amount': 7,
            'company_id': self.branch.id})
        for companies, cash, waiting in (
                (self.company, (0, 130, 0, 0, 0, 130, 0), [0]),
                (self.branch, (0, 7, 0, 0, 0, 0, 7), [7]),
                (self.both, (0, 137, 0, 0, 0, 130, 7), [0, 7])):
            data = self.env['ar.cash.journal'].get_data({
                'date_from': '2026-03-05', 'date_to': '2026-03-05', 'company_ids': companies.ids})
            [row] = data['rows']
            self.assertEqual((row['id'], *(row[name] for name in CASH)), (self.bank.id, *cash))
            self.assertEqual([(proof['waiting'], proof['ledger']) for proof in data['proofs']], [
                (amount, amount) for amount in waiting])
            for bank in data['banks']:
                self.assertEqual(bank['closing'], bank['ledger'])
        self.assertEqual(sum(bank['closing'] for bank in data['banks']), 7)
        for company, closing in ((self.company, 0), (self.branch, 30)):
            [table] = self.env['ar.statement'].get_data(
                self.customer, company, 'activity', date(2026, 3, 5), date(2026, 3, 31))['tables']
            self.assertEqual(table['closing'], closing)
            moved = sum(row['amount'] for row in table['rows'])
            self.assertEqual(table['opening'] + moved, closing, table['rows'])
        self.assertEqual(
            [(row['kind'], row['amount'], row['balance']) for row in table['rows']], [('transfer', -30, 30)])

    # === TAXES DUE ON PAYMENT === #

    def test_cash_basis_tax_of_what_is_written_off(self):
        """What is never paid never makes its tax due, with or without relief; undone, the tax waits again."""
        tax, final, waiting = self.ar_tax_on_payment()

        def assert_vat(due, not_due, still_open):
            self.assertEqual(
                (*self.ar_balances(final, waiting), invoice.amount_residual), (due, not_due, still_open))

        invoice = self.taxed(tax, 1_000)
        self.ar_pay(invoice, '2026-02-10', amount=600)
        assert_vat(-100, -100, 600)
        dispute = self.ar_dispute(invoice, 120)
        dispute.action_accept()
        dispute.credit_move_ids.action_post()
        assert_vat(-100, -80, 480)
        for relief in (True, False):
            request = self.write_off(invoice, 240, with_tax_relief=relief)
            assert_vat(-100, -40, 240)
            self.assertEqual(
                sorted((line.account_id.code, line.balance) for line in request.move_id.line_ids),
                sorted([(self.expense.code, 200), (waiting.code, 40), (self.receivable.code, -240)]))
            request.with_user(self.manager).action_reverse()
            assert_vat(-100, -80, 480)
        self.ar_pay(invoice, '2026-03-10')
        assert_vat(-180, 0, 0)

    # === ROUNDING === #

    def test_credit_note_over_all_of_a_rounded_invoice(self):
        """99.69 is invoiced as 99.70: the credit note of the whole is 99.70, that of a part what was accepted."""
        tax = self.env['account.tax'].create({'name': "8.1", 'amount': 8.1, 'type_tax_use': 'sale'})
        for strategy in ('add_invoice_line', 'biggest_tax'):
            rounding = self.env['account.cash.rounding'].create({
                'name': strategy, 'rounding': 0.05, 'strategy': strategy, 'rounding_method': 'HALF-UP',
                'profit_account_id': self.revenue.id, 'loss_account_id': self.expense.id})
            for amount, rest in ((None, 0), (50, 49.7)):
                invoice = self.taxed(tax, 99.99, -7.77, invoice_cash_rounding_id=rounding.id)
                self.assertEqual(invoice.amount_total, 99.7)
                dispute = self.env['ar.dispute']._open(invoice, amount=amount)
                dispute.action_accept()
                self.assertEqual(dispute.credit_move_ids.amount_total, amount or 99.7)
                dispute.credit_move_ids.action_post()
                self.assertEqual((dispute.state, invoice.amount_residual), ('closed', rest))

    def test_currency_of_five_centimes(self):
        """Instalments and interest in a currency whose smallest amount is 0.05 are multiples of it."""
        francs = self.setup_other_currency('CHF', rounding=0.05)
        self.assertEqual(francs.rounding, 0.05)
        invoice = self.ar_invoice(2_666.55, '2026-01-10', currency_id=francs.id)
        plan = self.env['ar.promise.plan']._propose(self.ar_lines(invoice), 7, '2026-04-30')
        self.assertEqual(plan.instalment_ids.mapped('amount'), [380.9] * 6 + [381.15])
        self.level_1.claim_interest = True
        self.company.write({'ar_interest_scheme': 'eu', 'ar_interest_points': 8, 'ar_interest_compensation': False})
        self.customer.is_company = True
        plan.action_cancel()
        letter = self.ar_run().letter_ids
        [row] = letter.line_ids.interest_working['rows']
        self.assertEqual((row['days'], round(row['interest'], 2)), (80, 59.32))
        self.assertEqual((row['shown'], letter.line_ids.amount_interest, letter.amount_claim), (59.3, 59.3, 59.3))

    # === KEY FIGURES === #

    def test_write_offs_are_no_late_payments(self):
        """900 of 1,000 come 375 days late and 100 are written off later: what counts is the 900, and 500 on time."""
        invoice = self.ar_invoice(1_000, '2025-03-01')
        self.ar_pay(invoice, '2026-03-11', amount=900)
        on_time = self.ar_invoice(500, '2026-03-01', '2026-03-11')
        self.ar_pay(on_time, '2026-03-11')
        figures = {'as_of': '2026-03-31', 'company_ids': self.company.ids}
        self.write_off(invoice, 100)
        self.assertEqual(self.ar_lines(invoice).amount_residual, 0)
        paid = self.env['ar.kpi.report'].get_data(figures)
        self.assertAlmostEqual(paid['average_payment_delay'], 900 * 375 / 1_400, 6)
        self.assertEqual(paid['collected'], 1_400)

    def test_returned_money_is_not_paid_on_time(self):
        """500 paid on time bounce: nothing was paid. Nor is an exchange difference, or what was paid back."""
        invoice = self.ar_invoice(500, '2026-02-01', '2026-03-21')
        payment = self.ar_pay(invoice, '2026-03-10')
        late = self.ar_invoice(100, '2026-02-01', '2026-03-01', currency_id=self.eur.id)  # 250.00
        self.ar_pay(late, '2026-03-11', currency_id=self.eur.id)  # 160.00, and 90.00 are lost by the rate
        credit = self.ar_cash(40, '2026-03-15')
        back = self.ar_cash(40, '2026-03-16', payment_type='outbound')
        self.ar_match(credit, back)
        self.env['ar.payment.return'].create({'payment_id': payment.id, 'date': '2026-03-20'}).action_confirm()
        figures = self.env['ar.kpi.report'].get_data({'as_of': '2026-03-31', 'company_ids': self.company.ids})
        paid = sum(partial.amount for partial in self.ar_lines(late).matched_credit_ids
                   if partial.credit_move_id.move_id.origin_payment_id)
        self.assertEqual(figures['overdue'], 500)
        self.assertAlmostEqual(figures['average_payment_delay'], (paid * 10 + 500 * 10) / (paid + 500), 6)

    def test_money_that_was_booked_on_the_wrong_customer(self):
        """It came in time: the promise is kept and bears no interest after that day, whenever it is moved."""
        invoice = self.ar_invoice(300, '2026-02-01', partner=self.other_customer)
        item = self.ar_lines(invoice)
        promise = self.env['ar.promise']._promise(item, '2026-04-01')
        payment = self.ar_cash(300, '2026-03-05')
        self.company.fiscalyear_lock_date = '2026-03-10'  # so that an entry has to move it
        move = self.env['ar.payment.move'].create({
            'payment_id': payment.id, 'partner_to_id': self.other_customer.id, 'reason': "Same name",
            'date': '2026-03-25'})
        move.action_confirm()
        self.assertEqual(move.transfer_ids.date, date(2026, 3, 25))
        (item + move.credit_line_ids).reconcile()
        [paid] = self.env['ar.ledger'].payments_of(item.ids)[item.id]
        self.assertEqual((paid['date'], paid['amount'], paid['is_payment']), (date(2026, 3, 5), 300, True))
        self.env.cr.precommit.run()  # what was matched is judged right before the commit
        self.assertEqual(promise.state, 'kept')
