"""Further columns of the aged receivables, buckets in months, and the comparison with another date: exact amounts."""
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from .aging_common import AgingCommon


@tagged('post_install', '-at_install')
class TestAgedColumns(AgingCommon):

    def get_row(self, name="Harbour Fish Ltd", **options):
        [row] = [row for row in self.get_table(**options)['rows'] if row['name'] == name]
        return row

    def test_nothing_more_than_asked_for(self):
        """Columns that cost more are only computed when they are asked for."""
        self.assertEqual(set(self.get_row()), {
            'id', 'name', 'amounts', 'unapplied', 'total', 'disputed', 'promised', 'item_count'})

    def test_ages(self):
        """Oldest: the days of the oldest late debit item; average: weighted by amount, not due yet counts backwards."""
        options = {'columns': ['oldest_days', 'average_days', 'overdue']}
        row = self.get_row(**options)
        # (100 * -15 + 200 * 30 + 60 * 49) / 360
        self.assertEqual((row['oldest_days'], row['average_days'], row['overdue']), (49, 20.7, 260))
        totals = self.get_table(**options)['totals']
        # (7,440 + 500 * 59 + 70 * 120 + 9 * 89) / 939
        self.assertEqual((totals['oldest_days'], totals['average_days'], totals['overdue']), (120, 49.1, 839))
        row = self.get_row(**options, age_at='2026-04-30')
        self.assertEqual((row['oldest_days'], row['average_days']), (79, 50.7))
        self.ar_cash(5, '2026-03-01', partner=self.env['res.partner'].create({'name': "Payer"}))
        row = self.get_row("Payer", **options)
        self.assertEqual((row['oldest_days'], row['average_days']), (0, None))

    def test_on_hold(self):
        """The net total of customers who were on hold when the day ended in the company's time zone."""
        self.company.partner_id.tz = 'Asia/Tokyo'
        with freeze_time('2026-02-10 14:59:00'):  # 23:59 on 10 February in Tokyo
            hold = self.env['ar.credit.hold'].create({
                'partner_id': self.customer.id, 'company_id': self.company.id, 'reason': "Cheque returned"})
        with freeze_time('2026-03-31 15:01:00'):  # 00:01 on 1 April
            hold.action_lift("paid")
        options = {'columns': ['on_hold']}
        self.assertEqual(self.get_row(**options)['on_hold'], 320)
        self.assertEqual(self.get_table(**options)['totals']['on_hold'], 320)
        self.assertEqual(self.get_table(**options, as_of='2026-04-01')['totals']['on_hold'], 0)
        self.assertEqual(self.get_table(**options, as_of='2026-02-09')['totals']['on_hold'], 0)
        self.assertEqual(self.get_table(**options, as_of='2026-02-10')['totals']['on_hold'], 245)
        self.assertEqual(
            [item['residual'] for item in self.items(self.as_of, cell='on_hold')], [-15, 60, 200, -25, 100])

    def test_disputed_and_promised(self):
        self.env['ar.dispute'].create({
            'move_id': self.late.id, 'amount': 50, 'date_open': '2026-03-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.env['ar.dispute'].create({
            'move_id': self.in_eur.id, 'amount': 10, 'date_open': '2026-03-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.assertEqual(self.get_row()['disputed'], 70)  # 50 + 10 of 30 EUR that are 60 in the books
        by_currency = {
            row['currency_id']: row['disputed'] for row in self.get_table(amounts_in='document')['rows']
            if row['name'] == "Harbour Fish Ltd"}
        self.assertEqual(by_currency, {self.usd.id: 50, self.eur.id: 10})
        self.assertEqual([item['disputed'] for item in self.items(self.as_of, cell='disputed')], [20, 50])

    def test_last_payment(self):
        """The last money by the date, all of that day; matched or not, of the customer, not after the date."""
        options = {'columns': ['last_payment', 'last_payment_amount']}
        self.ar_pay(self.late, '2026-03-05', 60)
        self.ar_pay(self.late, '2026-04-02', 1)
        self.ar_invoice(33, '2026-03-20', move_type='out_refund')  # no money
        row = self.get_row(**options)
        self.assertEqual((row['last_payment'], row['last_payment_amount']), ('2026-03-05', 85))
        row = self.get_row(**options, as_of='2026-02-15')
        self.assertEqual((row['last_payment'], row['last_payment_amount']), ('2026-01-20', 15))
        row = self.get_row("Alder & Sons", **options)
        self.assertEqual((row['last_payment'], row['last_payment_amount']), (None, None))
        row = self.get_row("France", group_by='country', **options)
        self.assertEqual((row['last_payment'], row['last_payment_amount']), ('2026-03-05', 85))
        self.ar_cash(1_000, '2026-03-20', currency_id=self.jpy.id)
        rows = self.get_table(amounts_in='document', **options)['rows']
        self.assertEqual(
            {row['currency_id']: (row['last_payment'], row['last_payment_amount']) for row in rows
             if row['name'] == "Harbour Fish Ltd"},
            {self.usd.id: ('2026-03-05', 85), self.eur.id: (None, None), self.jpy.id: ('2026-03-20', 1_000)})

    def test_limit_and_use(self):
        self.customer.write({'ar_credit_mode': 'limited', 'credit_limit': 1_280})
        options = {'columns': ['limit', 'limit_used'], 'as_of': '2026-03-31'}
        with freeze_time('2026-03-31'):
            row = self.get_row(**options)
            self.assertEqual((row['limit'], row['limit_used']), (1_280, 25.0))
            row = self.get_row("Alder & Sons", **options)
            self.assertEqual((row['limit'], row['limit_used']), (None, None))
            self.customer.ar_credit_mode = 'none'
            row = self.get_row(**options)
            self.assertEqual((row['limit'], row['limit_used']), (0, None))
            row = self.get_row("France", group_by='country', **options)
            self.assertEqual((row['limit'], row['limit_used']), (None, None))

    def test_sort_by_what_is_read_later(self):
        """By last payment and limit, also over pages; what has none comes last."""
        self.customer.write({'ar_credit_mode': 'limited', 'credit_limit': 1_280})
        self.branch.write({'ar_credit_mode': 'limited', 'credit_limit': 900})
        self.ar_cash(7, '2026-03-20', partner=self.branch)
        columns = ['last_payment', 'last_payment_amount', 'limit', 'limit_used']
        fish, branch = "Harbour Fish Ltd", self.branch.complete_name

        def names(order, **options):
            return [row['name'] for row in self.get_table(columns=columns, order=order, **options)['rows']]
        for order, first in (
                ('last_payment', [fish, branch]), ('last_payment desc', [branch, fish]),
                ('last_payment_amount desc', [fish, branch]), ('limit', [branch, fish]), ('limit desc', [fish, branch]),
                ('limit_used', [fish, branch]), ('limit_used desc', [branch, fish])):
            everything = names(order)
            self.assertEqual((everything[:2], len(everything)), (first, 4), order)
            self.assertEqual(names(order, limit=1, offset=1), everything[1:2], order)
        self.assertEqual(names('last_payment', group_by='country'), ["France", "United Kingdom", "No country"])
        data = self.get_table(columns=columns, order='last_payment desc', limit=1)
        self.assertEqual((data['row_count'], data['totals']['total']), (4, 892))
        with self.assertRaises(UserError):
            self.get_table(order='limit')

    def test_comparison(self):
        """Each bucket beside what it was; groups that were paid since are still there; order by change."""
        self.ar_pay(self.in_jpy, '2026-03-10')
        data = self.get_table(compare_to='2026-02-28')
        rows = {row['name']: row for row in data['rows']}
        alder = rows["Alder & Sons"]
        self.assertEqual((alder['total'], alder['item_count']), (0, 0))
        self.assertEqual(alder['compare'], {'amounts': [0, 0, 0, 70, 0, 0], 'unapplied': 0, 'total': 70})  # 89 days
        fish = rows["Harbour Fish Ltd"]
        self.assertEqual(fish['amounts'], [100, 200, 60, 0, 0, 0])
        self.assertEqual(fish['compare'], {'amounts': [200, 60, 0, 0, 0, 0], 'unapplied': -15, 'total': 245})
        before = self.get_table(as_of='2026-02-28')
        self.assertEqual(data['totals']['compare'], {
            name: before['totals'][name] for name in ('amounts', 'unapplied', 'total')})
        self.assertEqual(
            [row['total'] - row['compare']['total'] for row in self.get_table(
                compare_to='2026-02-28', order='change desc')['rows']], [75, 0, 0, -70])
        self.assertEqual(
            [row['total'] - row['compare']['total'] for row in self.get_table(
                compare_to='2026-02-28', order='change', group_by='country')['rows']], [-70, 0, 75])
        data = self.get_table(compare_to='2026-02-28', amounts_in='document')
        self.assertEqual(
            {totals['currency_id']: totals['compare']['total'] for totals in data['totals_by_currency']},
            {self.usd.id: 694, self.eur.id: 30, self.jpy.id: 7_000})

    def test_buckets_in_months(self):
        """Months back from the day; an item of exactly one month ago is in the first, as one of 30 days is."""
        data = self.get_table(bucket_by='months', bucket_limits=[1, 2, 4])
        self.assertEqual([bucket['label'] for bucket in data['buckets']], [
            "Not due", "1 month", "2 months", "3-4 months", "Over 4 months"])
        self.assertEqual([bucket['max_days'] for bucket in data['buckets']], [0, 31, 59, 121, None])
        self.assertEqual(data['totals']['amounts'], [100, 200, 560, 79, 0])
        self.ar_invoice(1, '2026-02-28')  # one month before 31 March
        self.ar_invoice(2, '2026-02-27')
        self.assertEqual(
            self.get_table(bucket_by='months', bucket_limits=[1, 2, 4])['totals']['amounts'], [100, 201, 562, 79, 0])

    def test_calendar_months(self):
        data = self.get_table(bucket_by='calendar', bucket_limits=[1, 2, 4])
        self.assertEqual([bucket['label'] for bucket in data['buckets']], [
            "Not due", "Mar 2026", "Feb 2026", "Dec 2025 - Jan 2026", "Before Dec 2025"])
        self.assertEqual(data['totals']['amounts'], [100, 200, 60, 579, 0])
        # on the first of a month nothing can be overdue of that month
        data = self.get_table(bucket_by='calendar', bucket_limits=[1, 2, 4], as_of='2026-04-01')
        self.assertEqual([bucket['label'] for bucket in data['buckets']][1:], [
            "Apr 2026", "Mar 2026", "Jan 2026 - Feb 2026", "Before Jan 2026"])
        self.assertEqual(data['totals']['amounts'], [100, 0, 200, 569, 70])
        self.assertEqual([
            (item['bucket'], item['age_date']) for item in self.items(
                '2026-04-01', bucket_by='calendar', bucket_limits=[1, 2, 4]) if item['residual'] == 200],
            [(2, date(2026, 3, 1))])

    def test_query_count_does_not_grow_with_the_rows(self):
        """As many queries for many customers as for few, with every column."""
        options = {'columns': [
            'overdue', 'on_hold', 'oldest_days', 'average_days', 'last_payment', 'last_payment_amount', 'limit',
            'limit_used'], 'compare_to': '2026-02-28', 'tie_out': False}

        def count_queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.get_table(**options)
            return self.env.cr.sql_log_count - before
        count_queries()
        few = count_queries()
        for number in range(6):
            self.ar_invoice(1, '2026-03-01', partner=self.env['res.partner'].create({
                'name': f"Customer {number}", 'credit_limit': 50}))
        self.assertLessEqual(count_queries(), few)
