"""ar.kpi.report on hand-built ledgers: exact figures, undefined ones, agreement with the aged report."""
from odoo.tests import tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestKpi(ArCommon):

    def kpis(self, as_of, **options):
        return self.env['ar.kpi.report'].get_data({'as_of': as_of, 'company_ids': self.company.ids, **options})

    def test_without_anything(self):
        data = self.kpis('2026-03-31')
        self.assertEqual((data['receivable'], data['sales'], data['dso']), (0, 0, 0))
        self.assertIsNone(data['cei'])
        self.assertIsNone(data['average_payment_delay'])
        self.assertEqual(len(data['series']), 12)

    def test_no_sales_but_receivables_is_undefined(self):
        self.ar_invoice(100, '2024-01-15')
        data = self.kpis('2026-03-31')
        self.assertIsNone(data['dso'])
        self.assertIsNone(data['average_days_delinquent'])
        self.assertFalse(data['countback_exhausted'], "more than the look-back")

    def test_countback_vectors(self):
        """Sales 100,000 / 80,000 / 70,000 in March, February, January; 212,000 owed, 120,000 of it not due."""
        opening = self.ar_invoice(70_000, '2026-01-10', '2026-02-10')
        self.ar_pay(opening, '2026-01-31', amount=38_000)
        self.ar_invoice(60_000, '2026-02-10', '2026-03-12')
        self.ar_invoice(20_000, '2026-02-20', '2026-04-20')
        self.ar_invoice(100_000, '2026-03-10', '2026-04-09')
        data = self.kpis('2026-03-31')
        self.assertEqual((data['receivable'], data['not_due'], data['overdue']), (212_000, 120_000, 92_000))
        self.assertAlmostEqual(data['countback_dso'], 73.17, 2)
        self.assertAlmostEqual(data['best_possible_countback_dso'], 38.00, 2)
        self.assertAlmostEqual(data['countback_dso'] - data['best_possible_countback_dso'], 35.17, 2)
        # the ledger is 81 days old: the 90-day window is shortened to them
        self.assertAlmostEqual(data['dso'], 212_000 / 250_000 * 81, 6)

    def test_cei(self):
        """Begin 100k, sales 80k, end 90k, not due 70k: 81.82 %."""
        old = self.ar_invoice(100_000, '2026-02-01', '2026-02-28')
        self.ar_invoice(70_000, '2026-03-20', '2026-04-20')
        self.ar_invoice(10_000, '2026-03-05', '2026-03-06')
        self.ar_pay(old, '2026-03-25', amount=90_000)
        data = self.kpis('2026-03-31')
        self.assertEqual((data['receivable'], data['not_due']), (90_000, 70_000))
        self.assertAlmostEqual(data['cei'], 81.82, 2)
        self.assertEqual(data['series'][-1]['cei'], data['cei'])
        self.assertEqual(data['series'][-2]['receivable'], 100_000)

    def test_average_payment_delay(self):
        """1,000 ten days late and 3,000 two days early: +1.0; an open item five days overdue joins with its amount."""
        late = self.ar_invoice(1_000, '2026-02-01', '2026-02-10')
        early = self.ar_invoice(3_000, '2026-02-01', '2026-02-22')
        self.ar_pay(late, '2026-02-20')
        self.ar_pay(early, '2026-02-20')
        self.assertAlmostEqual(self.kpis('2026-03-31')['average_payment_delay'], 1.0, 6)
        self.ar_invoice(4_000, '2026-03-01', '2026-03-26')
        self.assertAlmostEqual(self.kpis('2026-03-31')['average_payment_delay'], (4_000 + 5 * 4_000) / 8_000, 6)

    def test_credit_notes_are_not_payments(self):
        invoice = self.ar_invoice(1_000, '2026-02-01', '2026-02-10')
        note = self.ar_invoice(400, '2026-03-10', move_type='out_refund')
        self.ar_match(invoice, note)
        self.ar_pay(invoice, '2026-02-20')
        data = self.kpis('2026-03-31')
        self.assertAlmostEqual(data['average_payment_delay'], 10.0, 6)
        self.assertEqual(data['sales'], 600)

    def test_turnover(self):
        first = self.ar_invoice(100_000, '2025-03-01', '2025-03-31')
        self.ar_invoice(1_100_000, '2026-01-01', '2026-02-01')
        self.ar_pay(first, '2026-03-01', amount=100_000)
        data = self.kpis('2026-03-31', window_days=365)
        self.assertEqual(data['sales'], 1_100_000)
        self.assertAlmostEqual(data['turnover'], 1_100_000 / 600_000, 6)
        self.assertAlmostEqual(data['turnover_days'], 365 / (1_100_000 / 600_000), 6)

    def test_disputed_and_series(self):
        invoice = self.ar_invoice(500, '2026-01-10', '2026-02-10')
        dispute = self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 200, 'date_open': '2026-01-20',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        dispute._transition(('new',), 'withdrawn', date_closed='2026-03-10')
        data = self.kpis('2026-03-31', months=4)
        self.assertEqual([point['month'] for point in data['series']],
                         ['2025-12-31', '2026-01-31', '2026-02-28', '2026-03-31'])
        self.assertEqual([point['disputed'] for point in data['series']], [0, 200, 200, 0])
        self.assertEqual([point['receivable'] for point in data['series']], [0, 500, 500, 500])
        self.assertEqual([point['not_due'] for point in data['series']], [0, 500, 0, 0])
        self.assertEqual([point['overdue'] for point in data['series']], [0, 0, 500, 500])

    def test_query_count_does_not_depend_on_months(self):
        self.ar_invoice(500, '2026-01-10', '2026-02-10')

        def count(months):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.kpis('2026-03-31', months=months)
            return self.env.cr.sql_log_count - before
        count(1)
        self.assertEqual(count(2), count(24))
