"""Payments that come back, in cases easily forgotten: of a batch, of instalments, with taxes, of closed months."""
from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from .till_common import TillCase


@tagged('post_install', '-at_install')
class TestReturnCases(TillCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expense = cls.company_data['default_account_expense']
        cls.company.ar_return_cost_account_id = cls.expense

    def bounce(self, payment, **values):
        record = self.env['ar.payment.return'].with_user(self.clerk).create({
            'payment_id': payment.id, 'date': '2026-03-20', **values})
        record.action_confirm()
        return record

    def undo(self, record):
        record.with_user(self.manager).action_undo()

    def book_on(self, transaction, lines):
        """Match a bank transaction with items of outstanding receipts, as somebody does at the bank screen."""
        _liquidity, suspense, _other = transaction._seek_for_lines()
        before = transaction.move_id.line_ids
        transaction.move_id.with_context(
            skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({
                'line_ids': [Command.delete(suspense.id), *(Command.create({
                    'account_id': line.account_id.id, 'partner_id': line.partner_id.id, 'name': line.name,
                    'amount_currency': -line.amount_currency, 'balance': -line.balance,
                    'currency_id': line.currency_id.id}) for line in lines)]})
        for line, own in zip(lines, (transaction.move_id.line_ids - before).sorted('id'), strict=True):
            (line + own).reconcile()

    def test_one_direct_debit_out_of_a_batch(self):
        """1,500.00 came as one transaction for two debits; one of 500.00 is returned with 5.00 of charge."""
        first, second = self.ar_pay(self.one, '2026-03-05'), self.ar_pay(self.two, '2026-03-05')
        batch = self.transaction(1_500, "SEPA DD batch")
        self.book_on(batch, [payment._seek_for_lines()[0] for payment in (first, second)])
        taken = self.transaction(-505, "RETURN", date='2026-03-20')
        record = self.bounce(second, return_line_id=taken.id, bank_fee=5, reason='mandate')
        self.assertEqual((self.one.amount_residual, self.two.amount_residual, self.total()), (0, 500, 800))
        self.assertEqual((second.state, first.is_matched, batch.is_reconciled), ('rejected', True, True))
        self.assertEqual(sorted(taken.move_id.line_ids.mapped('balance')), [-505, 5, 500])
        self.undo(record)
        self.assertEqual((self.two.amount_residual, taken.is_reconciled, batch.is_reconciled), (0, False, True))

    def test_an_instalment_is_open_again_at_its_own_day(self):
        """300 and 700 in instalments, both paid by one payment; 700 come back: the first one stays paid."""
        terms = self.env['account.payment.term'].create({'name': "30/70", 'line_ids': [
            Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 10}),
            Command.create({'value': 'percent', 'value_amount': 70, 'nb_days': 40})]})
        invoice = self.ar_invoice(1_000, '2026-02-01', invoice_payment_term_id=terms.id)
        first, second = self.ar_lines(invoice).sorted('date_maturity')
        payment = self.ar_pay(invoice, '2026-03-05', amount=1_000)
        record = self.bounce(payment, amount=700, chosen_item_ids=[Command.set(second.ids)])
        self.assertEqual((first.amount_residual, second.amount_residual), (0, 700))
        self.assertEqual(record.item_ids.mapped(lambda item: (item.date_maturity, item.amount)), [
            (second.date_maturity, 700)])
        self.bounce(payment)  # what is left of it
        self.assertEqual((first.amount_residual, second.amount_residual, self.total()), (300, 700, 2_800))

    def test_a_return_after_the_month_was_closed(self):
        """February is closed: nothing of it is touched, the return is March's; undone in March as well."""
        payment = self.ar_pay(self.one, '2026-02-15')
        self.company.fiscalyear_lock_date = '2026-02-28'
        balance = self.balance('2026-02-28')
        record = self.bounce(payment)
        self.assertEqual((self.one.amount_residual, str(record.move_id.date)), (1_000, '2026-03-20'))
        self.assertEqual((self.balance('2026-02-28'), self.balance('2026-03-31')), (balance, balance + 1_000))
        self.undo(record)
        self.assertEqual((self.one.amount_residual, self.balance('2026-03-31')), (0, balance))

    def balance(self, day):
        self.env.flush_all()
        [[found]] = self.env['account.move.line']._read_group([
            ('company_id', '=', self.company.id), ('account_type', '=', 'asset_receivable'), ('date', '<=', day),
            ('parent_state', '=', 'posted')], [], ['balance:sum'])
        return found

    def test_the_fee_has_its_tax(self):
        tax = self.env['account.tax'].create({'name': "20 %", 'amount': 20, 'type_tax_use': 'sale'})
        self.company.write({'ar_return_fee': 15, 'ar_return_fee_product_id': self.env['product.product'].create({
            'name': "Return fee", 'taxes_id': [Command.set(tax.ids)],
            'property_account_income_id': self.revenue.id}).id})
        fee = self.bounce(self.ar_pay(self.one, '2026-03-05')).fee_move_id
        self.assertEqual((fee.amount_untaxed, fee.amount_tax, fee.amount_total, fee.state), (15, 3, 18, 'draft'))

    def test_tax_that_is_due_on_payment_waits_again(self):
        """1,200 with 200 of tax: due when it is paid, not due any more when the payment comes back, due when undone."""
        tax, final, waiting = self.ar_tax_on_payment()
        invoice = self.ar_invoice(1_000, '2026-02-01', post=False)
        invoice.invoice_line_ids.tax_ids = tax
        invoice.action_post()

        def vat():
            return (*self.ar_balances(final, waiting), invoice.amount_residual)

        payment = self.ar_pay(invoice, '2026-03-05')
        self.assertEqual(vat(), (-200, 0, 0))
        part = self.bounce(payment, amount=300)
        self.assertEqual(vat(), (-150, -50, 300))
        rest = self.bounce(payment)
        self.assertEqual(vat(), (0, -200, 1_200))
        self.undo(rest)
        self.undo(part)
        self.assertEqual(vat(), (-200, 0, 0))

    def test_a_kept_promise_is_broken_when_its_money_comes_back(self):
        promise = self.env['ar.promise'].with_user(self.clerk)._promise(
            self.ar_lines(self.one).with_user(self.clerk), '2026-03-31')
        payment = self.ar_pay(self.one, '2026-03-05')
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.assertEqual(promise.state, 'kept')
        with freeze_time('2026-04-05 12:00:00'):  # the day is over
            record = self.bounce(payment, date='2026-04-03')
            self.env.flush_all()
            self.env.cr.precommit.run()
            self.assertEqual(promise.state, 'broken')
            self.undo(record)
            self.env.flush_all()
            self.env.cr.precommit.run()
            self.assertEqual(promise.state, 'kept', "the money came in time after all")
