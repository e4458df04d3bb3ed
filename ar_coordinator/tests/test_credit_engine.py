"""engine/credit.py alone: doctests, every rule at its edge, properties over any figures."""
import doctest

from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.ar_coordinator.engine import credit
from odoo.addons.ar_coordinator.engine.credit import Document, Facts, Rule

CENTS = st.integers(-10**9, 10**9).map(lambda cents: cents / 100)
POSITIVE = st.integers(1, 10**9).map(lambda cents: cents / 100)
PERCENT = st.integers(0, 100)


def given(*strategies):
    """hypothesis' `given`; how fast the machine is decides nothing."""
    def decorate(test):
        slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        return slow(hypothesis_given(*strategies)(test))
    return decorate


@tagged('post_install', '-at_install')
class TestCreditEngine(BaseCase):

    def applies(self, rule, facts, document=None):
        return bool(credit.decide(facts, [rule], document))

    def test_doctests(self):
        results = doctest.testmod(credit)
        self.assertGreater(results.attempted, 10)
        self.assertFalse(results.failed)

    def test_every_rule_at_its_edge(self):
        order = Document('order', 10, 10)
        for rule, below, above in (
            (Rule(1, 'over_limit'), Facts('limited', 100, 90), Facts('limited', 100, 90.01)),
            (Rule(1, 'over_limit', percent=5), Facts('limited', 100, 95), Facts('limited', 100, 95.01)),
            (Rule(1, 'over_limit'), Facts('unlimited', 0, 10**9), Facts('limited', 1, 0)),
            (Rule(1, 'without_credit'), Facts('none', exposure=-10), Facts('none', exposure=-9.99)),
            (Rule(1, 'share_used', percent=80), Facts('limited', 100, 69.99), Facts('limited', 100, 70)),
            (Rule(1, 'overdue_days', days=30), Facts(oldest_days=30), Facts(oldest_days=31)),
            (Rule(1, 'overdue_days'), Facts(), Facts(oldest_days=1)),
            (Rule(1, 'overdue_amount', amount=50), Facts(overdue=50), Facts(overdue=50.01)),
            (Rule(1, 'broken_promises', count=2, days=90), Facts(broken_promises=(10, 91)),
             Facts(broken_promises=(10, 90))),
            (Rule(1, 'returned_payment', count=1, days=30), Facts(returned_payments=(31,)),
             Facts(returned_payments=(30,))),
            (Rule(1, 'returned_payment', count=0), Facts(), Facts(returned_payments=(3000,))),
            (Rule(1, 'dunning_step', count=3), Facts(dunning_step=2), Facts(dunning_step=3)),
            (Rule(1, 'review_expired', days=10), Facts(review_days=10), Facts(review_days=11)),
            (Rule(1, 'review_expired'), Facts(review_days=None), Facts(review_days=1)),
            (Rule(1, 'no_information'), Facts(has_information=True), Facts()),
            (Rule(1, 'no_information'), Facts(exposure=-10), Facts(exposure=-9)),
            (Rule(1, 'order_size', amount=10), Facts(), None),
        ):
            self.assertFalse(self.applies(rule, below, order), (rule, below))
            if above:
                self.assertTrue(self.applies(rule, above, order), (rule, above))
        self.assertEqual(set(credit.CHECKS), {
            'over_limit', 'without_credit', 'share_used', 'overdue_days', 'overdue_amount', 'broken_promises',
            'returned_payment', 'dunning_step', 'review_expired', 'no_information', 'order_size'})

    def test_order_size_is_about_a_document(self):
        rule = Rule(1, 'order_size', amount=10)
        self.assertTrue(self.applies(rule, Facts(), Document('order', 0, 10.01)))
        self.assertFalse(self.applies(rule, Facts(exposure=10**6)))

    def test_rule_for_some_documents_classes_countries(self):
        facts = Facts('limited', 1, 5, risk_class=7, country=3)
        for rule, expected in (
            (Rule(1, 'over_limit', documents=frozenset({'delivery'})), False),
            (Rule(1, 'over_limit', classes=frozenset({7}), countries=frozenset({3, 4})), True),
            (Rule(1, 'over_limit', classes=frozenset({8})), False),
            (Rule(1, 'over_limit', countries=frozenset({4})), False),
        ):
            self.assertIs(self.applies(rule, facts, Document('order', 1, 1)), expected, rule)

    @given(POSITIVE, CENTS, CENTS, PERCENT)
    def test_over_limit_is_a_threshold(self, limit, exposure, amount, percent):
        """A bigger document is never allowed where a smaller one is not; a bigger limit never stops more."""
        rule, facts = Rule(1, 'over_limit', percent=percent), Facts('limited', limit, exposure)
        if self.applies(rule, facts, Document('order', amount, amount)):
            self.assertTrue(self.applies(rule, facts, Document('order', amount + 1, amount + 1)))
        else:
            bigger = Facts('limited', limit + 1, exposure)
            self.assertFalse(self.applies(rule, bigger, Document('order', amount, amount)))

    @given(POSITIVE, CENTS, CENTS)
    def test_the_split_between_exposure_and_document_does_not_matter(self, limit, exposure, amount):
        rule = Rule(1, 'over_limit')
        self.assertEqual(
            self.applies(rule, Facts('limited', limit, exposure), Document('order', amount, amount)),
            self.applies(rule, Facts('limited', limit, exposure + amount)))

    @given(POSITIVE, PERCENT, POSITIVE)
    def test_releases_cover_up_to_their_tolerance(self, released, percent, amount):
        self.assertTrue(credit.covers(released, percent, released))
        if credit.covers(released, percent, amount):
            self.assertTrue(credit.covers(released, percent, amount - 0.01))
        else:
            self.assertGreater(amount, released)
