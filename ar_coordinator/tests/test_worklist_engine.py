"""The worklist's scoring alone: doctests, and what must hold for any facts."""
import doctest
from datetime import date, timedelta

from odoo.tests import BaseCase, tagged

from odoo.addons.ar_coordinator.engine import worklist
from odoo.addons.ar_coordinator.engine.worklist import Facts, Rule

TODAY = date(2026, 6, 10)
RULES = {kind: [Rule(kind, 10, full_at=100, days=10)] for kind in worklist.KINDS}
RULES[worklist.REST] = [Rule(worklist.REST, days=7)]
ALL = {'chased': 100, 'days': 5, 'broken': 50, 'broken_on': TODAY, 'promise_due': 5, 'coming': 5, 'disputes_late': 1,
       'answers': 1, 'failed': 1, 'waiting': 1, 'escalation': 1, 'follow_up_on': TODAY, 'unapplied': 1,
       'returned_on': TODAY}


@tagged('post_install', '-at_install')
class TestWorklistEngine(BaseCase):

    def test_doctests(self):
        result = doctest.testmod(worklist, raise_on_error=False)
        self.assertGreater(result.attempted, 0)
        self.assertEqual(result.failed, 0)

    def test_every_reason_is_a_part_and_the_parts_are_the_score(self):
        parts = worklist.score(Facts(1, 1, **ALL), RULES, TODAY)
        self.assertEqual({kind for kind, _points in parts}, {*worklist.REASONS, worklist.DAYS})
        self.assertEqual(worklist.total(parts), round(sum(points for _kind, points in parts), 1))

    def test_no_fact_no_reason(self):
        self.assertEqual(worklist.score(Facts(1, 1), RULES, TODAY), [])
        self.assertEqual(worklist.score(Facts(1, 1, days=90, class_id=1), RULES, TODAY), [], "what only adds")

    def test_a_rule_without_weight_is_no_reason(self):
        for kind in worklist.REASONS:
            parts = worklist.score(Facts(1, 1, **ALL), {**RULES, kind: [Rule(kind)]}, TODAY)
            self.assertNotIn(kind, dict(parts), kind)

    def test_a_follow_up_of_tomorrow_waits(self):
        self.assertEqual(worklist.score(Facts(1, 1, follow_up_on=TODAY + timedelta(1)), RULES, TODAY), [])

    def test_a_contact_today_answers_what_was_promised_for_today(self):
        facts = Facts(1, 1, promise_due=5, contacted_on=TODAY)
        self.assertEqual(worklist.score(facts, RULES, TODAY), [])

    def test_every_reason_has_a_next_step(self):
        for kind in worklist.REASONS:
            for phone in (True, False):
                self.assertIn(worklist.next_action([(kind, 1.0)], has_phone=phone), worklist.ACTIONS)
