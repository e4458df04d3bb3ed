"""When open items will be paid: as promised, as planned, else as late as the customer usually is."""
from datetime import date

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .promise_common import PromiseCommon


@tagged('post_install', '-at_install')
class TestExpectedDate(PromiseCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number, delay in enumerate((4, 30, 10)):  # median 10
            invoice = cls.ar_invoice(100, f'2026-0{number + 1}-01', f'2026-0{number + 1}-10')
            cls.ar_pay(invoice, date.fromordinal(date(2026, number + 1, 10).toordinal() + delay))

    def test_promise_plan_habit(self):
        """The customer's median of 10 days; a promise and a plan say better; each instalment its own day."""
        terms = self.env['account.payment.term'].create({'name': "halves", 'line_ids': [
            Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': 10}),
            Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': 40})]})
        habit = self.ar_invoice(100, '2026-06-01', invoice_payment_term_id=terms.id)
        promised = self.ar_invoice(100, '2026-06-01', '2026-06-05')
        first, second = self.ar_invoice(60, '2026-05-01'), self.ar_invoice(40, '2026-05-02')
        self.ar_promise(promised, '2026-07-01')
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(
            self.ar_lines(first + second).with_user(self.clerk), 4, '2026-06-30')  # 25 each
        plan.action_accept()
        lines = self.ar_lines(habit).sorted('date_maturity')
        self.assertEqual(lines.mapped('ar_expected_date'), [date(2026, 6, 21), date(2026, 7, 21)])
        self.assertEqual(habit.ar_expected_date, date(2026, 7, 21), "with the last of its items")
        self.assertEqual(promised.ar_expected_date, date(2026, 7, 1))
        self.assertEqual(first.ar_expected_date, date(2026, 8, 30), "75 are paid by then, 50 on 07-30")
        self.assertEqual(second.ar_expected_date, date(2026, 9, 30))
        facts = self.env['ar.ledger'].expected_dates({'company_ids': self.company.ids})
        self.assertEqual(
            [facts[line.id]['source'] for line in (*lines, *self.ar_lines(promised + first))],
            ['habit', 'habit', 'promise', 'plan'])
        self.assertEqual(facts[lines[0].id]['delay'], 10)

    def test_search(self):
        early, late = self.ar_invoice(100, '2026-06-01', '2026-06-10'), self.ar_invoice(100, '2026-06-01', '2026-07-10')
        paid = self.ar_invoice(5, '2026-05-01')
        self.ar_pay(paid, '2026-05-11')
        own = [('company_id', '=', self.company.id)]
        moves, lines = (self.env[model].with_company(self.company) for model in ('account.move', 'account.move.line'))
        self.assertEqual(moves.search([*own, ('ar_expected_date', '=', '2026-06-20')]), early)
        self.assertEqual(moves.search([*own, ('ar_expected_date', '>', '2026-06-20')]), late)
        self.assertEqual(moves.search([*own, ('ar_expected_date', '<=', '2026-07-20')]), early + late)
        self.assertEqual(lines.search([*own, ('ar_expected_date', '>=', '2026-07-01')]), self.ar_lines(late))
        nothing = moves.search([*own, ('ar_expected_date', '=', False)])
        self.assertIn(paid, nothing)
        self.assertFalse(nothing & (early + late))

    def test_without_a_habit_the_due_date_counts(self):
        """Two payments say nothing yet; credit notes are no payments; another customer's habit is his own."""
        for day in ('2026-03-01', '2026-04-01'):
            self.ar_pay(self.ar_invoice(100, day, partner=self.other_customer), '2026-05-30')
        credited = self.ar_invoice(100, '2026-03-01', partner=self.other_customer)
        self.ar_match(credited, self.ar_invoice(100, '2026-06-01', move_type='out_refund', partner=self.other_customer))
        invoice = self.ar_invoice(100, '2026-06-01', '2026-06-25', partner=self.other_customer)
        self.assertEqual(invoice.ar_expected_date, date(2026, 6, 25))

    def test_nothing_is_stored(self):
        """The day moves with what happens, and with nothing else."""
        for model in ('account.move', 'account.move.line'):
            self.assertFalse(self.env[model]._fields['ar_expected_date'].store)
        invoice = self.ar_invoice(100, '2026-06-01', '2026-06-25')
        self.assertEqual(invoice.ar_expected_date, date(2026, 7, 5))
        promise = self.ar_promise(invoice, '2026-08-01')
        invoice.invalidate_recordset()
        self.assertEqual(invoice.ar_expected_date, date(2026, 8, 1))
        promise.action_withdraw()
        invoice.invalidate_recordset()
        self.assertEqual(invoice.ar_expected_date, date(2026, 7, 5))

    def test_cost_does_not_grow_with_the_items(self):
        """Two queries for one invoice, two for thirty."""
        moves = self.ar_invoice(100, '2026-06-01')
        for number in range(30):
            moves += self.ar_invoice(10 + number, '2026-06-02')
        counts = []
        for sample in (moves[:1], moves):
            self.env.flush_all()
            self.env.invalidate_all()
            sample.mapped('amount_residual')
            sample.line_ids.mapped('account_type')
            before = self.env.cr.sql_log_count
            sample.mapped('ar_expected_date')
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])

    def test_readers_only(self):
        outsider = self.ar_user('expected_sales', 'base.group_user')
        with self.assertRaises(AccessError):
            self.env['ar.ledger'].with_user(outsider).expected_dates({})
