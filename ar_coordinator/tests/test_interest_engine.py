"""The interest engine alone: the contract's vectors, part payments, disputes, properties over any debts and dates."""
import doctest
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.ar_coordinator.engine import interest
from odoo.addons.ar_coordinator.engine.interest import Debt, Dispute, Terms

YEARS = range(2012, 2031)
RATES = {
    date(year, month, 1): Decimal(year * 7 % 45) / 10 + (month == 7) * Decimal('0.25') - Decimal('0.5')
    for year in YEARS for month in (1, 7)}
ECB = {date(2026, 1, 1): Decimal('2.15'), date(2026, 7, 1): Decimal('2.40')}
BANK_OF_ENGLAND = {date(2026, 1, 1): Decimal('3.75')}

DAYS = st.dates(date(2013, 1, 1), date(2026, 12, 31))
AMOUNTS = st.integers(1, 10**8).map(lambda cents: Decimal(cents) / 100)
SPANS = st.integers(0, 900)
SCHEMES = st.sampled_from(('eu', 'uk'))
EVENTS = st.lists(st.tuples(SPANS, st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100)), max_size=4)


def given(*strategies):
    """hypothesis' `given`; how fast the machine is decides nothing."""
    def decorate(test):
        slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        return slow(hypothesis_given(*strategies)(test))
    return decorate


def eu(points=8):
    return Terms('eu', Decimal(points), ECB)


def uk(points=8):
    return Terms('uk', Decimal(points), BANK_OF_ENGLAND)


def any_terms(scheme):
    return Terms(scheme, Decimal(8), RATES)


def total(rows):
    return sum(row.interest for row in rows)


def make(amount, due, payments=(), disputes=()):
    """A debt and its disputes from days counted from the due date."""
    debt = Debt(1, amount, due, tuple((due + timedelta(days), paid) for days, paid in payments))
    return debt, [Dispute(held, due + timedelta(days), due + timedelta(days + 40)) for days, held in disputes]


@tagged('post_install', '-at_install')
class TestInterestEngine(BaseCase):

    def one(self, terms, until='2026-07-31', amount='10000', due='2026-05-31', payments=(), disputes=()):
        """Working of one debt as [(from, to, days, base, rate, rounded interest)] and the rounded sum, all as text."""
        debt = Debt(1, Decimal(amount), date.fromisoformat(due), tuple(
            (day and date.fromisoformat(day), Decimal(paid)) for day, paid in payments))
        rows = interest.work_out([debt], [
            Dispute(Decimal(held), date.fromisoformat(start), end and date.fromisoformat(end))
            for held, start, end in disputes], date.fromisoformat(until), terms)[1]
        return [
            (str(row.date_from), str(row.date_to), row.days, str(row.base), str(row.rate),
             str(interest.round_amount(row.interest)))
            for row in rows], str(interest.round_amount(total(rows)))

    # === VECTORS OF THE CONTRACT === #

    def test_doctests(self):
        result = doctest.testmod(interest)
        self.assertGreater(result.attempted, 10)
        self.assertEqual(result.failed, 0)

    def test_eu_vector(self):
        rows, claim = self.one(eu())
        self.assertEqual(rows, [
            ('2026-06-01', '2026-06-30', 30, '10000', '10.15', '83.42'),
            ('2026-07-01', '2026-07-31', 31, '10000', '10.40', '88.33')])
        self.assertEqual(claim, '171.75')
        self.assertEqual(interest.compensation('eu', Decimal(10000)), 40)

    def test_uk_vector(self):
        rows, claim = self.one(uk())
        self.assertEqual(rows, [('2026-06-01', '2026-07-31', 61, '10000', '11.75', '196.37')])
        self.assertEqual(claim, '196.37')

    def test_only_act_365_gives_the_vectors(self):
        """360 days a year, or days counted without the day of payment, would miss both."""
        by_360 = [interest.round_amount(part * 365 / 360) for part in (
            interest.simple_interest(10000, Decimal('10.15'), 30)
            + interest.simple_interest(10000, Decimal('10.40'), 31),
            interest.simple_interest(10000, Decimal('11.75'), 61))]
        self.assertEqual(by_360, [Decimal('174.14'), Decimal('199.10')])
        self.assertEqual(self.one(uk(), until='2026-07-30')[1], '193.15')

    def test_compensation_bands(self):
        for debt, expected in (
            ('0', 0), ('0.01', 40), ('999.99', 40), ('1000', 70), ('9999.99', 70), ('10000', 100), ('1000000', 100),
        ):
            self.assertEqual(interest.compensation('uk', Decimal(debt)), expected, debt)

    # === RATES === #

    def test_uk_rate_is_that_of_the_day_interest_begins(self):
        """Due on 30 June: interest begins in the second half-year, with the rate of 30 June."""
        rates = {**BANK_OF_ENGLAND, date(2026, 7, 1): Decimal('4.00')}
        terms = Terms('uk', Decimal(8), rates)
        self.assertEqual(self.one(terms, due='2026-06-30')[0][0][4], '12.00')
        self.assertEqual([row[4] for row in self.one(terms, due='2026-06-29')[0]], ['11.75'])

    def test_missing_rate_is_said(self):
        with self.assertRaises(interest.MissingRate) as raised:
            self.one(eu(), until='2027-01-01')
        self.assertEqual(raised.exception.date_from, date(2027, 1, 1))
        self.one(uk(), until='2027-01-01')  # fixed for the life of the debt: no later rate is needed
        with self.assertRaises(interest.MissingRate):
            self.one(uk(), due='2026-06-30')

    def test_no_rate_is_needed_for_what_was_paid_before(self):
        self.assertEqual(self.one(eu(), until='2027-03-01', payments=[('2026-07-31', '10000')])[1], '171.75')

    def test_negative_reference_rate(self):
        """A negative reference rate reduces the points; the claim never turns round."""
        rates = {date(2026, 1, 1): Decimal('-0.88'), date(2026, 7, 1): Decimal('-9')}
        rows, _claim = self.one(Terms('eu', Decimal(8), rates))
        self.assertEqual([(row[4], row[5]) for row in rows], [('7.12', '58.52'), ('0', '0.00')])

    def test_unknown_scheme(self):
        with self.assertRaises(ValueError):
            Terms('us', Decimal(8), {})

    # === PAYMENTS AND DISPUTES === #

    def test_part_payment_reduces_the_base_from_the_next_day(self):
        rows, claim = self.one(eu(), payments=[('2026-06-15', '4000')])
        self.assertEqual(rows, [
            ('2026-06-01', '2026-06-15', 15, '10000', '10.15', '41.71'),
            ('2026-06-16', '2026-06-30', 15, '6000', '10.15', '25.03'),
            ('2026-07-01', '2026-07-31', 31, '6000', '10.40', '53.00')])
        self.assertEqual(claim, '119.74')

    def test_credit_note_counts_from_the_beginning(self):
        rows, _claim = self.one(uk(), payments=[(None, '4000')])
        self.assertEqual(rows, [('2026-06-01', '2026-07-31', 61, '6000', '11.75', '117.82')])

    def test_payment_before_or_on_the_due_date(self):
        self.assertEqual(self.one(uk(), payments=[('2026-05-31', '10000')]), ([], '0.00'))
        self.assertEqual(self.one(uk(), payments=[('2026-05-01', '9000')])[0][0][3], '1000')

    def test_disputed_part_bears_no_interest_while_it_lasts(self):
        rows, claim = self.one(uk(), disputes=[('2500', '2026-06-11', '2026-07-01')])
        self.assertEqual(rows, [
            ('2026-06-01', '2026-06-10', 10, '10000', '11.75', '32.19'),
            ('2026-06-11', '2026-06-30', 20, '7500', '11.75', '48.29'),
            ('2026-07-01', '2026-07-31', 31, '10000', '11.75', '99.79')])
        self.assertEqual(claim, '180.27')

    def test_wholly_disputed(self):
        self.assertEqual(self.one(uk(), disputes=[('10000', '2026-05-01', None)]), ([], '0.00'))
        self.assertEqual(self.one(uk(), disputes=[('99999', '2026-05-01', None)]), ([], '0.00'))

    def test_dispute_is_taken_from_the_earliest_open_instalment(self):
        first = Debt(1, Decimal(300), date(2026, 2, 28), ((date(2026, 3, 31), Decimal(300)),))
        second = Debt(2, Decimal(700), date(2026, 2, 28))
        terms = Terms('uk', Decimal(8), BANK_OF_ENGLAND)
        rows = interest.work_out([second, first], [Dispute(Decimal(400), date(2026, 1, 1))], date(2026, 4, 30), terms)
        self.assertEqual(rows[1], [])
        self.assertEqual([(row.days, row.base) for row in rows[2]], [(31, 600), (30, 300)])

    def test_instalments_run_from_their_own_due_dates(self):
        debts = [Debt(1, Decimal(300), date(2026, 3, 31)), Debt(2, Decimal(700), date(2026, 5, 31))]
        rows = interest.work_out(debts, [], date(2026, 6, 30), uk())
        self.assertEqual([[row.days for row in rows[debt.id]] for debt in debts], [[91], [30]])

    def test_nothing_to_work_out(self):
        self.assertEqual(interest.work_out([], [], date(2026, 6, 30), uk()), {})

    def test_rows_of_a_table_add_up(self):
        debt = Debt(1, Decimal('33.33'), date(2012, 1, 31))
        rows = interest.work_out([debt], [], date(2025, 1, 31), any_terms('eu'))[1]
        shown = interest.round_rows([row.interest for row in rows])
        self.assertEqual(sum(shown), interest.round_amount(total(rows)))

    # === PROPERTIES === #

    @given(SCHEMES, AMOUNTS, DAYS, SPANS, EVENTS, EVENTS, SPANS)
    def test_splitting_a_period_changes_nothing_before_rounding(
            self, scheme, amount, due, span, payments, disputes, cut):
        """A cut that carries no money (a payment and a dispute of 0) leaves the exact sum as it is."""
        until, terms = due + timedelta(span), any_terms(scheme)
        debt, held = make(amount, due, payments, disputes)
        whole = interest.work_out([debt], held, until, terms)[1]
        debt_cut, held_cut = make(amount, due, [*payments, (cut, Decimal(0))], [*disputes, (cut, Decimal(0))])
        self.assertEqual(interest.work_out([debt_cut], held_cut, until, terms)[1], whole)
        day = min(due + timedelta(cut), until)
        first = interest.work_out([debt], held, day, terms)[1]
        rest = sum(
            interest.simple_interest(row.base, row.rate, (row.date_to - max(row.date_from - timedelta(1), day)).days)
            for row in whole if row.date_to > day)
        self.assertEqual(total(first) + rest, total(whole))

    @given(AMOUNTS, DAYS, SPANS, SPANS)
    def test_eu_interest_of_two_periods_is_that_of_both(self, amount, due, first, second):
        """Interest from the due date to a day, and from that day on, is interest over both."""
        middle, until, terms = due + timedelta(first), due + timedelta(first + second), any_terms('eu')
        parts = (
            total(interest.work_out([Debt(1, amount, due)], [], middle, terms)[1])
            + total(interest.work_out([Debt(1, amount, middle)], [], until, terms)[1]))
        self.assertEqual(parts, total(interest.work_out([Debt(1, amount, due)], [], until, terms)[1]))

    @given(SCHEMES, AMOUNTS, AMOUNTS, DAYS, SPANS, SPANS, EVENTS, EVENTS)
    def test_more_days_or_more_debt_never_cost_less(self, scheme, amount, more, due, span, longer, payments, disputes):
        terms = any_terms(scheme)

        def claim(amount, span):
            debt, held = make(amount, due, payments, disputes)
            return total(interest.work_out([debt], held, due + timedelta(span), terms)[1])
        self.assertLessEqual(claim(amount, span), claim(amount, span + longer))
        self.assertLessEqual(claim(amount, span), claim(amount + more, span))

    @given(SCHEMES, AMOUNTS, DAYS, SPANS, EVENTS, EVENTS)
    def test_payments_and_disputes_never_raise_the_claim(self, scheme, amount, due, span, payments, disputes):
        terms, until = any_terms(scheme), due + timedelta(span)
        debt, held = make(amount, due, payments, disputes)
        rows = interest.work_out([debt], held, until, terms)[1]
        self.assertLessEqual(total(rows), total(interest.work_out([Debt(1, amount, due)], [], until, terms)[1]))
        self.assertTrue(all(row.base > 0 and due < row.date_from <= row.date_to <= until for row in rows))
        self.assertTrue(all(first.date_to < second.date_from for first, second in pairwise(rows)))
        self.assertEqual([row.days for row in rows], [(row.date_to - row.date_from).days + 1 for row in rows])

    @given(SCHEMES, AMOUNTS, DAYS, SPANS, SPANS)
    def test_paid_on_time_costs_nothing(self, scheme, amount, due, early, later):
        debt = Debt(1, amount, due, ((due - timedelta(early), amount),))
        self.assertEqual(interest.work_out([debt], [], due + timedelta(later), any_terms(scheme))[1], [])
        self.assertEqual(interest.work_out([Debt(1, amount, due)], [], due, any_terms(scheme))[1], [])

    @given(st.lists(st.fractions(0, 10**6), max_size=12), st.integers(0, 3))
    def test_rounded_rows_add_up_to_the_rounded_sum(self, amounts, digits):
        shown = interest.round_rows(amounts, digits)
        self.assertEqual(sum(shown, Decimal(0)), interest.round_amount(sum(amounts), digits))
        self.assertTrue(all(
            abs(Fraction(row) - amount) < Fraction(2, 10 ** digits)
            for row, amount in zip(shown, amounts, strict=True)))
