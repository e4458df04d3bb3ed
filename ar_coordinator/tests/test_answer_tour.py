"""A letter's link on a phone, in a browser: a customer disputes half of an invoice and promises the rest."""
from odoo.tests import HttpCase, freeze_time, tagged

from .answer_common import AnswerCommon


@tagged('post_install', '-at_install')
class TestAnswerTour(AnswerCommon, HttpCase):
    browser_size = '375x667'

    def test_half_and_half(self):
        """The next runs treat both halves right: promised, then asked for once broken; disputed all the while."""
        self.ar_pay(self.second, '2026-03-20')
        letter = self.ar_letter()
        path = letter._get_answer_url().removeprefix(letter.get_base_url())
        self.start_tour(path, 'ar_answer_half_and_half')
        dispute, promise = letter.answer_ids.dispute_ids, letter.answer_ids.promise_id
        self.assertRecordValues(dispute, [{
            'move_id': self.first.id, 'amount': 150.0, 'origin': 'link', 'customer_note': "We agreed on half of it"}])
        self.assertRecordValues(promise, [{'amount': 150.0, 'origin': 'link', 'state': 'open'}])

        def outcome(day):
            with freeze_time(f'{day} 12:00:00'):
                promise._judge()
                [outcome] = self.ar_run(as_of=day).outcome_ids.filtered(
                    lambda outcome: outcome.move_id == self.first)
            return outcome.result, outcome.reason, outcome.amount_asked
        self.assertEqual(outcome('2026-04-10')[:2], ('skipped', 'promised'))
        self.assertEqual(outcome('2026-04-20'), ('sent', 'due', 150.0))
