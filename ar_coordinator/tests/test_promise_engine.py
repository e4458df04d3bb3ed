"""The verdicts by themselves: vectors as doctests, and what holds for every promise and plan."""
import doctest
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..engine import promises
from ..engine.promises import Item, Settlement

PROMISED = date(2026, 6, 24)
cents = st.integers(0, 100_000).map(lambda number: number / 100)
days = st.integers(-20, 40).map(lambda number: PROMISED + timedelta(days=number))
settlements = st.lists(st.tuples(days, cents, st.booleans(), st.sampled_from([0, 0, 50, 100])), max_size=4)


@st.composite
def make_item(draw, number=0):
    """An item with some of its settlements known when it was promised."""
    rows = draw(settlements)
    matched = tuple(
        Settlement(number * 100 + index, day, amount, is_payment)
        for index, (day, amount, is_payment, _known) in enumerate(rows))
    before = tuple((own.id, own.amount * known / 100) for own, (*_row, known) in zip(matched, rows, strict=True))
    residual, promised = draw(cents), draw(cents) + 0.01
    return Item(number, promised, residual, matched, before)


items = st.integers(1, 3).flatmap(lambda count: st.tuples(*(make_item(number) for number in range(count))))


@tagged('post_install', '-at_install')
class TestPromiseEngine(BaseCase):

    def test_doctests(self):
        self.assertFalse(doctest.testmod(promises).failed)
        self.assertGreater(doctest.testmod(promises).attempted, 10)

    @settings(max_examples=300, deadline=None)
    @given(items=items, tolerance=st.integers(0, 10), today=days)
    def test_verdicts_are_final_after_the_last_day(self, items, tolerance, today):
        """Kept at once when paid; open only until the last day; after it the same on every later day."""
        limit = promises.last_day(PROMISED, tolerance)
        verdict = promises.judge(items, limit, today)
        later = promises.judge(items, limit, limit + timedelta(days=1))
        self.assertEqual(promises.judge(items, limit, limit + timedelta(days=99)), later)
        self.assertNotEqual(later.state, promises.OPEN)
        if verdict.state == promises.OPEN:
            self.assertLessEqual(today, limit)
            self.assertIn(later.state, (promises.BROKEN, promises.PARTLY_KEPT))
        else:
            self.assertEqual(verdict, later)
        self.assertLessEqual(verdict.expected, round(sum(item.promised for item in items), 2) + 0.005)
        if verdict.state == promises.KEPT:
            self.assertGreaterEqual(verdict.paid, verdict.expected)
        if later.state == promises.BROKEN:
            self.assertEqual(verdict.paid, 0)

    @settings(max_examples=300, deadline=None)
    @given(items=items, today=days)
    def test_credit_notes_and_old_payments_keep_nothing(self, items, today):
        """Without a new payment a promise is never kept, whatever else was matched."""
        silent = [
            Item(item.id, item.promised, item.residual, tuple(
                own for own in item.settlements if not own.is_payment or own.amount <= dict(item.before)[own.id]),
                item.before) for item in items]
        verdict = promises.judge(silent, PROMISED, today)
        self.assertEqual(verdict.paid, 0)
        self.assertIn(verdict.state, (promises.OPEN, promises.BROKEN, promises.CLEARED))

    def test_writing_off_what_was_broken_mends_nothing(self):
        """1,000 promised for 06-24, nothing paid, written off on 09-30: broken. In time: cleared."""
        limit = promises.last_day(PROMISED, 1)
        for day, state in ((date(2026, 9, 30), promises.BROKEN), (limit, promises.CLEARED)):
            item = Item(1, 1000.0, 0.0, (Settlement(7, day, 1000.0, False),))
            self.assertEqual(promises.judge([item], limit, date(2026, 10, 1)).state, state)

    def test_a_credit_note_of_next_year_keeps_nothing(self):
        """40 of 100 in time, the other 60 credited 60 weeks later: partly kept. Credited on the last day: kept."""
        limit = promises.last_day(PROMISED, 1)
        for day, state in ((limit + timedelta(weeks=60), promises.PARTLY_KEPT), (limit, promises.KEPT)):
            item = Item(1, 100.0, 0.0, (Settlement(7, PROMISED, 40.0), Settlement(8, day, 60.0, False)))
            self.assertEqual(promises.judge([item], limit, date(2027, 12, 1)).state, state)

    def test_writing_off_a_missed_instalment_mends_no_plan(self):
        """First of two instalments missed, everything written off afterwards: broken. Before it was due: cleared."""
        series = [('a', PROMISED, 50.0), ('b', PROMISED + timedelta(days=30), 50.0)]
        for day, state in ((PROMISED + timedelta(days=1), promises.BROKEN), (PROMISED, promises.CLEARED)):
            item = Item(1, 100.0, 0.0, (Settlement(7, day, 100.0, False),))
            self.assertEqual(promises.judge_plan([item], series, 0, date(2026, 12, 1))[0], state)
        paid = Item(1, 100.0, 0.0, (Settlement(7, PROMISED, 50.0), Settlement(8, series[1][1], 50.0, False)))
        self.assertEqual(
            promises.judge_plan([paid], series, 0, date(2026, 12, 1)),
            (promises.KEPT, {'a': (promises.KEPT, 50.0, 0.0), 'b': (promises.KEPT, 0.0, 0.0)}),
            "credited before the second was due")

    @settings(max_examples=300, deadline=None)
    @given(items=items, today=days, wait=st.integers(1, 500), share=st.sampled_from([0.5, 1]))
    def test_clearing_after_the_last_day_changes_no_verdict(self, items, today, wait, share):
        """Whatever of the open amount is written off or credited later."""
        items = [replace(item, before=()) for item in items]
        written_off = []
        for item in items:
            amount = round(item.residual * share, 2)
            late = Settlement(item.id * 100 + 50, PROMISED + timedelta(days=wait), amount, False)
            written_off.append(replace(
                item, residual=round(item.residual - amount, 2), settlements=(*item.settlements, late)))
        self.assertEqual(promises.judge(written_off, PROMISED, today), promises.judge(items, PROMISED, today))

    @settings(max_examples=300, deadline=None)
    @given(items=items, today=days, more=cents)
    def test_a_longer_tolerance_never_hurts(self, items, today, more):
        order = (promises.BROKEN, promises.PARTLY_KEPT, promises.OPEN, promises.KEPT, promises.CLEARED)
        verdicts = [promises.judge(items, promises.last_day(PROMISED, days), today) for days in (0, 3, 10)]
        ranks = [order.index(verdict.state) for verdict in verdicts]
        self.assertEqual(ranks, sorted(ranks))

    @settings(max_examples=300, deadline=None)
    @given(units=st.integers(1, 10**9), count=st.integers(1, 60), digits=st.sampled_from([0, 2, 3]),
           first=st.dates(date(2026, 1, 1), date(2030, 12, 31)), every=st.integers(1, 6),
           unit=st.sampled_from(['weeks', 'months']))
    def test_instalments_add_up(self, units, count, digits, first, every, unit):
        """Exactly, in the currency; all but the last are the same, and the last is the biggest; days go up."""
        total = units / 10 ** digits
        if units < count:
            with self.assertRaises(ValueError):
                promises.instalments(total, count, first, every, unit, digits)
            return
        series = promises.instalments(total, count, first, every, unit, digits)
        amounts = [round(amount * 10 ** digits) for _day, amount in series]
        self.assertEqual(sum(amounts), units)
        self.assertEqual(set(amounts[:-1]), {amounts[0]} if count > 1 else set())
        self.assertEqual(max(amounts), amounts[-1])
        self.assertLess(amounts[-1] - amounts[0], count)
        self.assertEqual(sorted(day for day, _amount in series), [day for day, _amount in series])
        self.assertEqual(series[0][0], first)

    @settings(max_examples=300, deadline=None)
    @given(items=items, count=st.integers(1, 5), grace=st.integers(0, 10), today=days)
    def test_a_plan_of_one_instalment_is_a_promise(self, items, count, grace, today):
        """Same facts, same verdict; with more instalments, what is paid and what is left add up to what is expected.

        Of each instalment: what was planned up to it, at most what the items expect by its last day.
        """
        total = round(sum(item.promised for item in items), 2)
        verdict = promises.judge(items, promises.last_day(PROMISED, grace), today)
        state, verdicts = promises.judge_plan(items, [('only', PROMISED, total)], grace, today)
        if verdict.state != promises.CLEARED:
            self.assertEqual(verdicts['only'][0], verdict.state)
        else:
            self.assertEqual(state, promises.CLEARED)
        units = round(total * 100)
        if units >= count:
            series = [(number, *own) for number, own in enumerate(promises.instalments(total, count, PROMISED, 1))]
            state, verdicts = promises.judge_plan(items, series, grace, today)
            planned, expected = 0.0, 0.0
            for _number, day, amount in series:
                planned += amount
                own = promises.judge(items, promises.last_day(day, grace), today).expected
                expected = max(expected, min(planned, own))
            self.assertAlmostEqual(
                sum(paid + left for _state, paid, left in verdicts.values()), expected, places=2)
            if state == promises.KEPT:
                self.assertEqual({own for own, _paid, _left in verdicts.values()}, {promises.KEPT})
