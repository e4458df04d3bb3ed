"""The engine alone: doctests, the vectors of ageing and KPIs, and properties over any dates and limits."""
import doctest
import itertools
from datetime import date, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.ar_coordinator.engine import buckets, kpi

LIMITS = st.lists(st.integers(1, 400), min_size=1, max_size=8, unique=True).map(sorted)
DATES = st.dates(date(2010, 1, 1), date(2035, 12, 31))
CENTS = st.integers(-10**9, 10**9)


def given(*strategies):
    """hypothesis' `given`; how fast the machine is decides nothing."""
    def decorate(test):
        slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        return slow(hypothesis_given(*strategies)(test))
    return decorate


@tagged('post_install', '-at_install')
class TestEngine(BaseCase):

    def test_doctests(self):
        """Every example in the docstrings is true; the vectors of the definitions are among them."""
        for module in (buckets, kpi):
            result = doctest.testmod(module, raise_on_error=False)
            self.assertGreater(result.attempted, 0, module)
            self.assertEqual(result.failed, 0, module)

    def test_ageing_vectors(self):
        as_of = date(2026, 3, 31)
        for due, days, column in (
            (date(2026, 3, 31), 0, 0),
            (date(2026, 3, 30), 1, 1),
            (date(2026, 3, 1), 30, 1),
            (date(2026, 2, 28), 31, 2),
            (date(2026, 1, 30), 60, 2),
            (date(2026, 1, 29), 61, 3),
            (date(2025, 12, 31), 90, 3),
            (date(2025, 12, 30), 91, 4),
        ):
            self.assertEqual((as_of - due).days, days)
            self.assertEqual(buckets.bucket_index(days), column, due)

    def test_limits_that_make_no_sense(self):
        for limits in ([], [0, 30], [30, 30], [60, 30], [-1], [1.5], ['30'], [True]):
            with self.assertRaises(ValueError, msg=limits):
                buckets.check_limits(limits)

    def test_dso_without_sales_is_undefined_not_zero(self):
        self.assertIsNone(kpi.dso(100, 0, 30))
        self.assertIsNone(kpi.best_possible_dso(100, -5, 30))
        self.assertIsNone(kpi.average_days_delinquent(None, 12))
        self.assertEqual(kpi.dso(0, 0, 30), 0)

    def test_kpi_vectors(self):
        sales = [(100_000, 31), (80_000, 28), (70_000, 31)]  # March, February, January 2026
        self.assertAlmostEqual(kpi.dso(15_000, 10_000, 30), 45.00, 2)
        self.assertAlmostEqual(kpi.dso(1_200_000, 10_000_000, 365), 43.80, 2)
        self.assertAlmostEqual(kpi.countback_dso(212_000, sales)[0], 73.17, 2)
        self.assertAlmostEqual(kpi.best_possible_dso(4_000, 10_000, 30), 12, 2)
        self.assertAlmostEqual(kpi.countback_dso(120_000, sales)[0], 38.00, 2)
        self.assertAlmostEqual(kpi.average_days_delinquent(45, 12), 33, 2)
        self.assertAlmostEqual(kpi.average_days_delinquent(
            kpi.countback_dso(212_000, sales)[0], kpi.countback_dso(120_000, sales)[0]), 35.17, 2)
        self.assertAlmostEqual(kpi.collection_effectiveness(100_000, 80_000, 90_000, 70_000), 81.82, 2)
        self.assertAlmostEqual(kpi.average_payment_delay([(1_000, 10), (3_000, -2)]), 1.0, 2)
        self.assertAlmostEqual(kpi.turnover(1_200_000, 100_000, 100_000), 12.00, 2)
        self.assertAlmostEqual(kpi.turnover_days(12), 30.42, 2)
        self.assertAlmostEqual(kpi.roll_rate(200_000, 1_000_000), 0.20, 4)
        rates = kpi.loss_rates([100_000, 50_000, 23_000, 8_000, 2_000], 2_000)
        self.assertEqual(kpi.expected_credit_loss([300_000, 140_000, 60_000, 23_000, 5_000], rates), 27_567.39)

    def test_countback_edges(self):
        self.assertEqual(kpi.countback_dso(0, [(100, 31)]), (0.0, True))
        self.assertEqual(kpi.countback_dso(100, [(100, 31), (50, 28)]), (31.0, True))
        self.assertEqual(kpi.countback_dso(150, [(100, 31), (-20, 30), (100, 28)]), (75.0, True))
        self.assertEqual(kpi.countback_dso(500, [(100, 31), (100, 28)]), (59.0, False), "more than 59 days")

    @given(LIMITS)
    def test_buckets_cover_every_day_once(self, limits):
        columns = buckets.make_buckets(limits)
        for days in {-1, 0, 1, *limits, *(limit + 1 for limit in limits), 10_000}:
            hits = [
                number for number, column in enumerate(columns)
                if (column.min_days is None or days >= column.min_days)
                and (column.max_days is None or days <= column.max_days)
            ]
            self.assertEqual(hits, [buckets.bucket_index(days, limits)])

    @given(st.lists(st.tuples(DATES, CENTS), max_size=40), DATES, LIMITS)
    def test_columns_sum_to_the_total(self, items, age_at, limits):
        amounts, unapplied, total = buckets.age(items, age_at, limits)
        self.assertEqual(len(amounts), len(limits) + 2)
        self.assertEqual(sum(amounts) + unapplied, total)
        self.assertEqual(total, sum(amount for _date, amount in items))
        self.assertLessEqual(unapplied, 0)

    @given(DATES, st.integers(1, 36))
    def test_points_and_months(self, as_of, months):
        points = kpi.points(as_of, months)
        self.assertEqual(len(points), months)
        self.assertEqual(points[-1], as_of)
        self.assertTrue(all(point == kpi.month_end(point) for point in points[:-1]))
        spans = kpi.countback_months(as_of, months)
        self.assertEqual(spans[0][1], as_of)
        self.assertTrue(all(
            later[0] - timedelta(days=1) == earlier[1] for later, earlier in itertools.pairwise(spans)))

    @given(st.integers(0, 10**9), st.lists(st.tuples(st.integers(-10**6, 10**8), st.integers(1, 31)), max_size=24))
    def test_countback_is_bounded_and_monotonous(self, receivable, months):
        days, exhausted = kpi.countback_dso(receivable, months)
        self.assertLessEqual(days, sum(span for _sales, span in months))
        if exhausted:
            self.assertGreaterEqual(kpi.countback_dso(receivable + 1, months)[0], days)
