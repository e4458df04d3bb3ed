"""engine/forecast.py alone: doctests, and what must hold for any ledger: no cent is lost, best >= likely >= worst."""
import doctest
import itertools
from datetime import date, timedelta

from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..engine import forecast
from .test_engine import given

AS_OF = date(2026, 6, 10)
ENDS = forecast.period_ends(AS_OF)
AMOUNTS = st.integers(-10**7, 10**7).filter(bool)


@st.composite
def ledgers(draw):
    """Open items of some customers and currencies, disputes, promises and plans among them, and a history."""
    rows = []
    for number in range(draw(st.integers(1, 12))):
        amount = draw(AMOUNTS)
        own = round(amount * draw(st.sampled_from((1, 1.25, 0.01)))) or 1
        disputed = draw(st.integers(0, max(own, 0)))
        given_amount = draw(st.integers(0, max(own, 0)))
        kind = draw(st.sampled_from(('', 'promise', 'plan')))
        rows.append({
            'line_id': number, 'key': None, 'partner_id': draw(st.sampled_from((None, 1, 2))), 'company_id': 1,
            'currency_id': draw(st.integers(1, 2)), 'class_id': draw(st.sampled_from((None, 5))),
            'due': AS_OF + timedelta(days=draw(st.integers(-900, 200))), 'residual': amount, 'residual_currency': own,
            'disputed': disputed if own > 0 else 0, 'given': given_amount,
            'date_promised': AS_OF + timedelta(days=draw(st.integers(-5, 150))) if kind == 'promise' else None,
            'plan_id': 9 if kind == 'plan' else None})
    observation = st.tuples(
        st.integers(-90, 400), st.floats(0, 10**6), st.floats(0, 10**6)).map(
        lambda own: (*own, own[1] ** 2 + own[2] ** 2))
    history = {
        key: draw(st.lists(observation, max_size=6))
        for key in ((1, 'company', 0), (1, 'class', 5), (1, 'partner', 1))}
    plans = {9: [(AS_OF + timedelta(days=30 * turn), draw(st.integers(1, 10**6))) for turn in range(4)]}
    kept = {(1, None): (4, 3.0), (1, 1): (draw(st.integers(0, 5)), 0.0)}
    return rows, history, kept, plans


@tagged('post_install', '-at_install')
class TestForecastEngine(BaseCase):

    def test_doctests(self):
        """Every example in the docstrings is true."""
        result = doctest.testmod(forecast)
        self.assertGreater(result.attempted, 15)
        self.assertEqual(result.failed, 0)

    @given(ledgers())
    def test_no_cent_is_lost(self, ledger):
        """Every item's cells add up to it, in every case, and nothing negative is expected of what is owed."""
        rows, *facts = ledger
        forecaster = forecast.Forecaster(AS_OF, ENDS, *facts)
        outlooks = forecaster.outlooks(rows)
        self.assertEqual([outlook.row for outlook in outlooks], rows)
        for outlook in outlooks:
            for scenario in forecast.SCENARIOS:
                cells = forecaster.cells(outlook, forecast.pace(scenario, 3))
                self.assertEqual(sum(cells), outlook.row['residual'])
                self.assertTrue(all(amount >= 0 for amount in cells[:-2]))

    @given(ledgers())
    def test_cases_are_in_order(self, ledger):
        """What has come by any day is never less in the best case, never more in the worst."""
        rows, *facts = ledger
        forecaster = forecast.Forecaster(AS_OF, ENDS, *facts)
        for outlook in forecaster.outlooks(rows):
            best, likely, worst = (
                forecaster.cells(outlook, forecast.pace(scenario, 3)) for scenario in forecast.SCENARIOS)
            for week in range(1, len(ENDS) + 1):
                self.assertGreaterEqual(sum(best[:week]), sum(likely[:week]))
                self.assertGreaterEqual(sum(likely[:week]), sum(worst[:week]))

    @given(ledgers())
    def test_curves_fall_and_never_end(self, ledger):
        """A share between 0 and 1 that never rises; there is always something left to go on from."""
        forecaster = forecast.Forecaster(AS_OF, ENDS, *ledger[1:])
        for partner, risk_class in ((1, 5), (1, None), (2, 5), (None, None)):
            shares = [forecaster.curve(1, risk_class, partner)(day) for day in range(-70, 500)]
            self.assertLessEqual(shares[0], 1)
            self.assertGreater(shares[-1], 0)
            self.assertTrue(all(after <= before for before, after in itertools.pairwise(shares)))

    @given(st.lists(st.integers(-10**9, 10**9), max_size=30), st.floats(0.001, 1000))
    def test_conversion_is_exact_in_sum(self, amounts, rate):
        converted = forecast.convert(amounts, rate)
        self.assertAlmostEqual(sum(converted), sum(amounts) * rate, delta=0.51 + abs(sum(amounts) * rate) * 1e-9)
