"""Cash in closed periods: each lock date and what is tried under it; nothing is half done, the others go on."""
from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_cash_proposal import CashCase


@tagged('post_install', '-at_install')
class TestCashLocks(CashCase):

    def lock(self, name, day='2026-03-31'):
        """Close the books; Odoo refuses that while transactions wait, which those entered under an exception do."""
        with patch.object(self.env.registry['res.company'], '_validate_locks', lambda *args: None):
            self.company[name] = day

    def snapshot(self):
        """All that applying could touch."""
        self.env.invalidate_all()
        return (
            (self.one + self.two).mapped('amount_residual'), self.total(),
            self.env['account.move.line'].search_count([('company_id', '=', self.company.id)]),
            self.env['ar.write.off'].search_count([]), self.env['ar.dispute'].search_count([]))

    def refused(self, callback, pattern):
        before = self.snapshot()
        with self.assertRaisesRegex(UserError, pattern), self.env.cr.savepoint():
            callback()
        self.assertEqual(self.snapshot(), before)

    def test_apply_and_undo_under_the_global_and_the_hard_lock(self):
        waits = self.propose(self.transaction(500, self.two.name))
        done = self.propose(self.transaction(1_000, self.one.name)).with_user(self.clerk)
        done.action_apply()
        for name, label in (('fiscalyear_lock_date', "Global Lock Date"), ('hard_lock_date', "Hard Lock Date")):
            with self.subTest(lock=name), self.env.cr.savepoint() as savepoint:
                self.lock(name)
                pattern = rf"closed \({label} \(03/31/2026\)\)"
                self.refused(waits.with_user(self.clerk).action_apply, pattern)
                self.refused(done.action_undo, pattern)
                self.assertEqual((waits.state, done.state), ('proposed', 'applied'))
                savepoint.close(rollback=True)
            self.env.invalidate_all()

    def test_sales_purchases_and_taxes_may_be_locked(self):
        """These locks are about other entries: money of a bank journal is applied and undone."""
        for name in ('sale_lock_date', 'purchase_lock_date', 'tax_lock_date'):
            self.lock(name)
        proposal = self.propose(self.transaction(1_000, self.one.name)).with_user(self.clerk)
        proposal.action_apply()
        self.assertEqual(self.one.amount_residual, 0)
        proposal.action_undo()
        self.assertEqual((self.one.amount_residual, self.total()), (1_000, 1_800))

    def test_discount_that_lowers_taxes_under_the_tax_lock(self):
        tax = self.env['account.tax'].create({
            'name': "10 %", 'amount': 10, 'amount_type': 'percent', 'type_tax_use': 'sale',
            'company_id': self.company.id})
        term = self.env['account.payment.term'].create({
            'name': "2 %", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 60,
            'early_pay_discount_computation': 'included',
            'line_ids': [(0, 0, {'value': 'percent', 'value_amount': 100, 'nb_days': 60})]})
        invoice = self.ar_invoice(1_000, '2026-03-01', invoice_payment_term_id=term.id, post=False)
        invoice.invoice_line_ids.tax_ids = tax
        invoice.action_post()
        proposal = self.propose(self.transaction(1_078, invoice.name))
        self.assertEqual(proposal.what, 'discount')
        self.lock('tax_lock_date')
        self.refused(proposal.with_user(self.clerk).action_apply, r"Tax Return Lock Date \(03/31/2026\)")

    def test_difference_that_cannot_be_booked_leaves_the_money_alone(self):
        """The bank's day is open, today is not: the write-off fails, and so does all that was before it."""
        self.company.write({
            'ar_cash_small_difference': 50, 'ar_small_balance_limit': 50, 'ar_write_off_limit_user': 100,
            'ar_write_off_account_id': self.company_data['default_account_expense'].id})
        today = self.company._ar_today()
        line = self.transaction(990, self.one.name, date=today + timedelta(days=3))
        proposal = self.propose(line)
        self.assertEqual(proposal.rest_action, 'write_off')
        self.lock('fiscalyear_lock_date', today)
        self.refused(proposal.with_user(self.clerk).action_apply, r"Global Lock Date")
        self.assertFalse(line.is_reconciled)

    def test_payment_on_account_is_matched_and_its_exchange_difference_is_later(self):
        invoice = self.ar_invoice(100, '2026-02-10', currency_id=self.eur.id)
        payment = self.ar_cash(100, '2026-03-05', memo=invoice.name, currency_id=self.eur.id)
        self.lock('hard_lock_date')
        proposal = self.propose(self.ar_lines(payment))
        proposal.with_user(self.clerk).action_apply()
        [exchange] = self.ar_lines(invoice).matched_credit_ids.exchange_move_id | \
            self.ar_lines(payment).matched_debit_ids.exchange_move_id
        self.assertEqual((invoice.amount_residual, sum(self.ar_lines(exchange).mapped('balance'))), (0, -90))
        self.assertGreater(exchange.date, self.company.hard_lock_date)
        self.total()
        proposal.with_user(self.clerk).action_undo()
        self.assertEqual(self.ar_lines(invoice).amount_residual, 250)
        self.total()

    def test_job_goes_on_with_the_others_and_says_why_one_waits(self):
        self.company.ar_cash_automatic = True
        locked = self.propose(self.transaction(1_000, self.one.name))
        good = self.propose(self.transaction(500, self.two.name, date='2026-04-02'))
        self.lock('hard_lock_date')
        self.assertEqual(self.env['ar.cash']._apply_sure(self.company, locked + good), good)
        self.assertEqual((self.one.amount_residual, self.two.amount_residual), (1_000, 0))
        self.assertRegex(locked.problem, r"03/05/2026, in a period that is closed \(Hard Lock Date \(03/31/2026\)\)")
        found = self.env['ar.cash.desk'].with_user(self.clerk).apply_sure(locked.ids, 95)
        self.assertRegex(found['failed'][0]['why'], "Hard Lock Date")
