"""When open items will be paid: as promised, as planned, else by habit, as the cash forecast has it."""
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
        for number, delay in enumerate((4, 30, 10)):  # after 10 days more than half of the money is there
            invoice = cls.ar_invoice(100, f'2026-0{number + 1}-01', f'2026-0{number + 1}-10')
            cls.ar_pay(invoice, date.fromordinal(date(2026, number + 1, 10).toordinal() + delay))

    def test_promise_plan_habit(self):
        """By habit 10 days late; a promise and a plan say better; each instalment its own day."""
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
        # 20 days late instead of 10: what he left unpaid in May is part of his habit
        self.assertEqual(lines.mapped('ar_expected_date'), [date(2026, 7, 1), date(2026, 7, 31)])
        self.assertEqual(habit.ar_expected_date, date(2026, 7, 31), "with the last of its items")
        self.assertEqual(promised.ar_expected_date, date(2026, 7, 1))
        self.assertEqual(first.ar_expected_date, date(2026, 8, 30), "75 are paid by then, 50 on 07-30")
        self.assertEqual(second.ar_expected_date, date(2026, 9, 30))
        facts = self.env['ar.ledger'].expected_dates({'company_ids': self.company.ids})
        self.assertEqual(
            [facts[line.id]['source'] for line in (*lines, *self.ar_lines(promised + first))],
            ['habit', 'habit', 'promise', 'plan'])

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

    def test_same_as_the_forecast(self):
        """A thin habit is drawn to the company's, credit notes are no payments, an item that is late is late again:
        always the first day by which the forecast's curve has half of the money."""
        for day in ('2026-03-01', '2026-04-01'):
            self.ar_pay(self.ar_invoice(100, day, partner=self.other_customer), '2026-05-30')
        credited = self.ar_invoice(100, '2026-03-01', partner=self.other_customer)
        self.ar_match(credited, self.ar_invoice(100, '2026-06-01', move_type='out_refund', partner=self.other_customer))
        moves = [
            self.ar_invoice(100, '2026-04-01', due, partner=partner)
            for partner in (self.customer, self.other_customer, self.env['res.partner'].create({'name': "New"}))
            for due in ('2026-04-20', '2026-06-25')]
        today = self.company._ar_today()
        _items, forecaster = self.env['ar.cash.forecast']._get_facts(
            {**self.env['ar.ledger']._read_options({'company_ids': self.company.ids}), 'ends': [today]})
        for move in moves:
            curve = forecaster.curve(self.company.id, None, move.partner_id.id)
            late = (move.ar_expected_date - move.invoice_date_due).days
            half = curve((today - move.invoice_date_due).days - 1) / 2
            self.assertGreaterEqual(move.ar_expected_date, today)
            self.assertLessEqual(curve(late), half)
            self.assertTrue(move.ar_expected_date == today or curve(late - 1) > half)

    def test_nobody_knows(self):
        """What is late by more than a year's chance has no day, and is found as such."""
        old = self.ar_invoice(100, '2023-01-01')
        self.assertFalse(old.ar_expected_date)
        self.assertIn(old, self.env['account.move'].search([('ar_expected_date', '=', False)]))
        self.assertIsNone(self.env['ar.ledger'].expected_dates({
            'company_ids': self.company.ids})[self.ar_lines(old).id]['date'])

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
