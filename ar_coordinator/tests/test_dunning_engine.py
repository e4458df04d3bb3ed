"""The decisions by themselves: rules as vectors, promises as properties of random customers."""
import doctest
from datetime import date, timedelta
from time import perf_counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..engine import dunning
from ..engine.dunning import Customer, Item, Level, Rules

AS_OF = date(2026, 3, 31)
LEVELS = (Level(1, 3), Level(2, 15), Level(3, 30))


def make_item(number, days, residual, **vals):
    return Item(number, 1, vals.pop('currency_id', 1), AS_OF - timedelta(days=days), days, residual,
                vals.pop('residual_company', residual), **vals)


def decide(items, rules=None, **customer):
    customer.setdefault('levels', LEVELS)
    return {
        decision.item.id: decision
        for decision in dunning.decide(items, {1: Customer(**customer)}, rules or Rules(AS_OF))}


cents = st.integers(min_value=1, max_value=10**7).map(lambda number: number / 100)
items = st.lists(st.tuples(
    st.integers(-5, 60), cents, st.integers(0, 120), st.sets(st.sampled_from([1, 2, 3])).filter(
        lambda sent: sorted(sent) == list(range(1, len(sent) + 1))), st.sampled_from([1, 2])), max_size=12).map(
    lambda rows: [
        make_item(number, days, residual, disputed=round(min(residual * share / 100, residual), 2),
                  sent_levels=frozenset(sent), currency_id=currency)
        for number, (days, residual, share, sent, currency) in enumerate(rows)])
credits = st.dictionaries(st.sampled_from([1, 2]), cents.map(lambda amount: (amount, amount)))


@tagged('post_install', '-at_install')
class TestDunningEngine(BaseCase):

    def test_doctests(self):
        failed, count = doctest.testmod(dunning)
        self.assertEqual(failed, 0)
        self.assertGreater(count, 0)

    def test_level_boundaries(self):
        """Three days after the due date, not two; pre-due on its day, not before."""
        found = decide([make_item(1, 2, 10.0), make_item(2, 3, 10.0), make_item(3, 0, 10.0)])
        self.assertEqual({number: one.reason for number, one in found.items()}, {1: 'not_due', 2: 'due'})
        levels = (Level(9, -3), *LEVELS)
        found = decide([make_item(1, -4, 10.0), make_item(2, -3, 10.0)], levels=levels)
        self.assertEqual([(number, one.level.id) for number, one in found.items()], [(2, 9)])

    def test_reasons_in_the_order_people_name_them(self):
        """A disputed item says so even when it is not due for its level or marked besides."""
        for vals, reason in (
            ({'disputed': 10.0, 'no_followup': True}, 'disputed'),
            ({'promised': True, 'no_followup': True}, 'promised'),
            ({'paused': True}, 'paused'),
            ({'no_followup': True, 'sent_levels': frozenset({1, 2, 3})}, 'no_followup'),
            ({'sent_levels': frozenset({1, 2, 3})}, 'last_level'),
            ({'owed': 0.0}, 'settled'),
        ):
            [decision] = decide([make_item(1, 40, 10.0, **vals)]).values()
            self.assertEqual((decision.result, decision.reason), ('skipped', reason))

    def test_change_of_policy(self):
        """One level sent under another policy counts as one level here; none is repeated on the way back."""
        own, other = LEVELS, (Level(11, 5), Level(12, 20))
        self.assertEqual(dunning.next_level(other, frozenset({1})).id, 12)
        self.assertEqual(dunning.next_level(own, frozenset({1, 12})).id, 3)
        self.assertIsNone(dunning.next_level(other, frozenset({1, 2})))

    def test_credit_in_another_currency(self):
        """Credit in dollars covers an invoice in euros as a whole by its value in the books, never a part of it."""
        item = make_item(1, 10, 50.0, currency_id=2, residual_company=100.0)
        [covered] = decide([item], credits={1: (100.0, 100.0)}).values()
        self.assertEqual((covered.result, covered.reason, covered.amount), ('held', 'covered', 0.0))
        [asked] = decide([item], credits={1: (99.99, 99.99)}).values()
        self.assertEqual((asked.result, asked.amount), ('sent', 50.0))

    def test_quiet_days(self):
        for last, result in ((AS_OF, 'held'), (AS_OF - timedelta(days=6), 'held'), (AS_OF - timedelta(days=7), 'sent')):
            [decision] = decide([make_item(1, 10, 10.0)], Rules(AS_OF, quiet_days=7), last_contact=last).values()
            self.assertEqual(decision.result, result)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(items, credits, st.integers(0, 50))
    def test_properties(self, rows, credits, minimum):
        """Whatever the customer looks like:

        - nothing is asked beyond residual less dispute, and all that is asked is at most what is overdue less the
          credits;
        - who gets a message gets the next level, when it is due;
        - a message asks for at least the minimum;
        - deciding again after sending asks for no level twice.
        """
        rules = Rules(AS_OF, minimum=minimum)
        found = decide(rows, rules, credits=credits)
        asked = {1: 0.0, 2: 0.0}
        for decision in found.values():
            item = decision.item
            self.assertLessEqual(decision.amount, round(item.residual - item.disputed, 2))
            if decision.amount:
                self.assertAlmostEqual(decision.amount + decision.credit + decision.disputed, decision.open, 2)
            if decision.result == 'sent':
                asked[item.currency_id] += decision.amount
                self.assertGreater(decision.amount, 0)
                self.assertEqual(decision.level.id, len(item.sent_levels) + 1)
                self.assertGreaterEqual(item.days, decision.level.delay_days)
        for currency, total in asked.items():
            owed = sum(
                item.residual - item.disputed for item in rows if item.currency_id == currency and item.days > 0)
            self.assertLessEqual(round(total, 2), round(max(owed - credits.get(currency, (0, 0))[0], 0), 2))
            if total:
                self.assertGreaterEqual(round(total, 2), minimum)
        again = [
            Item(item.id, 1, item.currency_id, item.date_due, item.days, item.residual, item.residual_company,
                 disputed=item.disputed, sent_levels=item.sent_levels | {found[item.id].level.id})
            for item in rows if item.id in found and found[item.id].result == 'sent']
        for decision in decide(again, rules).values():
            if decision.result == 'sent':
                self.assertEqual(decision.level.id, found[decision.item.id].level.id + 1)

    def test_failure_22_linear(self):
        """Twenty times the items take about twenty times as long, not four hundred times."""
        def measure(count):
            many = [Item(n, n // 3, 1, AS_OF - timedelta(days=n % 90), n % 90, 10.0, 10.0) for n in range(count)]
            customers = {n: Customer(levels=LEVELS, credits={1: (5.0, 5.0)}) for n in range(count // 3 + 1)}
            start = perf_counter()
            dunning.decide(many, customers, Rules(AS_OF))
            return perf_counter() - start
        small = min(measure(1000) for _turn in range(3))
        self.assertLess(measure(20000), 100 * small)
