"""A payment plan's life: drawn up, offered, agreed, paid, missed; the promise of the instalment whose turn it is."""
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .promise_common import TODAY, PromiseCommon


@tagged('post_install', '-at_install')
class TestPromisePlan(PromiseCommon):

    def ar_plan(self, moves, n=3, first='2026-06-30', interval='months', every=1, accept=True, **kwargs):
        """A plan over all open items of `moves`, drawn up by the clerk and agreed to."""
        items = self.ar_lines(moves).filtered(lambda item: not item.reconciled)
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(
            items.with_user(self.clerk), n, first, interval, every, **kwargs)
        if accept:
            plan.action_accept()
        return plan

    def run_reasons(self, day=TODAY):
        """{invoice: reason} of a dunning run's preview."""
        with freeze_time(f'{day} 13:00:00'):
            run = self.env['ar.dunning.run'].with_user(self.clerk).create(
                {'as_of': day, 'company_id': self.company.id})
            run.action_preview()
        return {outcome.move_id: outcome.reason for outcome in run.outcome_ids.sudo()}

    def test_drawn_up_exact_with_rounding_on_the_last(self):
        """100.00 in three: 33.33, 33.33, 33.34, on the last days of the months."""
        invoice = self.ar_invoice(100, '2026-05-01')
        plan = self.ar_plan(invoice, first='2026-06-30', accept=False)
        self.assertEqual(
            [(line.date.isoformat(), line.amount) for line in plan.instalment_ids],
            [('2026-06-30', 33.33), ('2026-07-30', 33.33), ('2026-08-30', 33.34)])
        self.assertEqual((plan.state, plan.amount, plan.progress, plan.user_id), ('draft', 100.0, 0.0, self.collector))
        self.assertEqual(self.run_reasons()[invoice], 'due', "a draft keeps nothing waiting")
        self.assertFalse(plan.promise_ids)

    def test_offered_items_wait_until_the_offer_ends(self):
        invoice = self.ar_invoice(100, '2026-05-01')
        plan = self.ar_plan(invoice, accept=False)
        plan.action_propose()
        self.assertEqual((plan.state, plan.date_valid.isoformat()), ('proposed', '2026-06-24'))
        self.assertEqual(self.run_reasons()[invoice], 'promised')
        self.assertEqual(self.run_reasons('2026-06-25')[invoice], 'due', "also before the job has ended the offer")
        self.ar_night('2026-06-25')
        self.assertEqual(plan.state, 'cancelled')

    def test_paid_instalment_by_instalment(self):
        """Each instalment is a promise when its turn comes; the last one fulfils the plan."""
        first, second = self.ar_invoice(60, '2026-05-01'), self.ar_invoice(40, '2026-05-02')
        plan = self.ar_plan(first + second)
        self.assertEqual(plan.state, 'accepted')
        [promise] = plan.promise_ids
        self.assertEqual((promise.amount, promise.date_promised.isoformat()), (33.33, '2026-06-30'))
        self.assertEqual((promise.origin, promise.user_id, promise.tolerance_days), ('plan', self.collector, 5))
        self.assertEqual(promise.move_ids, first, "the oldest items first")
        self.assertEqual(set(self.run_reasons().values()), {'promised'}, "also items whose instalment comes later")
        self.assertEqual(self.aged(TODAY)['totals']['promised'], 100.0)
        with freeze_time('2026-06-29 12:00:00'):
            self.ar_pay(first, '2026-06-29', 33.33)
            self.ar_commit()
        self.assertEqual((promise.state, plan.state, plan.amount_paid), ('kept', 'running', 33.33))
        self.assertEqual((promise.amount_paid, promise.amount_in_time), (33.33, 33.33))
        self.assertAlmostEqual(plan.progress, 33.33)
        follower = plan.promise_ids - promise
        self.assertEqual((follower.amount, follower.date_promised.isoformat()), (33.33, '2026-07-30'))
        self.assertEqual({line.move_id: line.amount for line in follower.line_ids}, {first: 26.67, second: 6.66})
        with freeze_time('2026-08-01 12:00:00'):
            self.ar_pay(first, '2026-08-01')
            self.ar_pay(second, '2026-08-01')
            self.ar_commit()
        self.assertEqual((plan.state, plan.progress, plan.amount_paid), ('fulfilled', 100.0, 100.0))
        self.assertEqual(set(plan.promise_ids.mapped('state')), {'kept'})
        self.assertEqual(plan.instalment_ids.mapped('state'), ['kept'] * 3)
        self.assertFalse(self.ar_tasks(plan))

    def test_paying_ahead_is_fine(self):
        """Two instalments at once: the third has its turn; nothing is expected on the second day."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        self.ar_pay(invoice, TODAY, 60)
        self.ar_commit()
        self.assertEqual(plan.instalment_ids.mapped('state'), ['kept', 'kept', 'open'])
        self.ar_night('2026-08-06')
        self.assertEqual(plan.state, 'running')
        self.assertEqual(plan.next_date.isoformat(), '2026-08-30')

    def test_a_missed_instalment_ends_the_plan(self):
        """Missing after the days of grace: broken, one task, everything is due again, one broken promise counted."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        self.ar_night('2026-07-05')
        self.assertEqual(plan.state, 'accepted', "06-30 and five days of grace")
        self.ar_night('2026-07-06')
        self.assertEqual((plan.state, plan.date_ended.isoformat()), ('broken', '2026-07-06'))
        self.assertEqual(plan.instalment_ids.mapped('state'), ['broken', 'void', 'void'])
        self.assertEqual(plan.promise_ids.mapped('state'), ['broken'])
        self.assertEqual(self.ar_tasks(plan).user_id, self.collector)
        self.assertFalse(self.ar_tasks(plan.promise_ids), "one task, not two")
        self.assertEqual(self.run_reasons('2026-07-06')[invoice], 'due')
        self.assertEqual(
            self.env['ar.promise']._get_broken_promises(self.customer, self.company),
            {self.customer.id: [plan.date_ended]})

    def test_money_in_time_that_is_found_later_mends_the_plan(self):
        """The bank statement of 06-30 is imported on 07-08: the plan runs again, the task is gone."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        self.ar_night('2026-07-06')
        with freeze_time('2026-07-08 12:00:00'):
            self.ar_pay(invoice, '2026-06-30', 30)
            self.ar_commit()
        self.assertEqual((plan.state, plan.date_ended), ('running', False))
        self.assertEqual(plan.instalment_ids.mapped('state'), ['kept', 'open', 'planned'])
        self.assertFalse(self.ar_tasks(plan))
        self.assertEqual(self.run_reasons('2026-07-08')[invoice], 'promised')

    def test_undoing_a_match_judges_the_plan_again(self):
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        payment = self.ar_pay(invoice, TODAY, 30)
        self.ar_commit()
        first = plan.instalment_ids[0].promise_id
        self.assertEqual((plan.state, first.state), ('running', 'kept'))
        self.ar_lines(payment).remove_move_reconcile()
        self.ar_commit()
        self.assertEqual((plan.state, first.state), ('accepted', 'open'))
        self.assertEqual(plan.instalment_ids.mapped('state'), ['open', 'planned', 'planned'])
        self.assertEqual(plan.promise_ids.filtered(lambda promise: promise.state == 'open'), first)
        self.ar_match(invoice, payment)
        self.ar_commit()
        self.assertEqual((plan.state, first.state), ('running', 'kept'))
        self.assertEqual(plan.instalment_ids[1].promise_id.state, 'open')

    def test_credit_notes_shorten_the_plan(self):
        """30 of 90 credited: the last instalment is done with; credited in full: cancelled."""
        invoice, other = self.ar_invoice(90, '2026-05-01'), self.ar_invoice(
            50, '2026-05-01', partner=self.other_customer)
        plan, second = self.ar_plan(invoice), self.ar_plan(other)
        self.ar_match(invoice, self.ar_invoice(30, TODAY, move_type='out_refund'))
        self.ar_pay(invoice, TODAY, 60)
        self.ar_match(other, self.ar_invoice(50, TODAY, move_type='out_refund', partner=self.other_customer))
        self.ar_commit()
        self.assertEqual(plan.state, 'fulfilled')
        self.assertEqual(second.state, 'cancelled')
        self.assertEqual((second.promise_ids.state, second.promise_ids.outcome), ('withdrawn', 'cleared'))
        self.assertFalse(self.env['ar.promise']._get_broken_promises(
            self.customer + self.other_customer, self.company))
        self.ar_lines(other).remove_move_reconcile()
        self.ar_commit()
        self.assertEqual((second.state, second.promise_ids.filtered(lambda own: own.state == 'open').amount), (
            'accepted', 16.66), "it comes back when the credit note is taken off")

    def test_writing_off_after_a_missed_instalment_mends_nothing(self):
        """Broken on 07-06, written off on 09-30: the plan and its promise stay broken."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        self.ar_night('2026-07-06')
        with freeze_time('2026-09-30 12:00:00'):
            self.ar_match(invoice, self.ar_misc(-90, '2026-09-30'))
            self.ar_commit()
        self.assertEqual((plan.state, plan.promise_ids.mapped('state')), ('broken', ['broken']))
        self.assertEqual(plan.instalment_ids.mapped('state'), ['broken', 'void', 'void'])

    def test_items_matched_with_a_draft(self):
        """50 of 90 matched with a credit note in draft, 30 paid: the next promise is about the 10 that can be paid."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        note = self.ar_invoice(50, TODAY, move_type='out_refund')
        self.ar_match(invoice, note)
        note.button_draft()
        self.ar_pay(invoice, TODAY, 30)
        self.ar_commit()
        self.assertEqual((plan.state, plan.to_judge), ('running', False))
        self.assertEqual(plan.instalment_ids.mapped('state'), ['kept', 'open', 'planned'])
        self.assertEqual(plan.instalment_ids[1].promise_id.amount, 10.0)

    def test_items_matched_with_drafts_in_full(self):
        """Nothing can be promised until the draft is posted: the plan waits for the job, which ends it then."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice)
        note = self.ar_invoice(60, TODAY, move_type='out_refund')
        self.ar_match(invoice, note)
        note.button_draft()
        self.ar_pay(invoice, TODAY, 30)
        self.ar_commit()
        self.assertEqual((plan.state, plan.to_judge), ('running', True))
        self.assertFalse(plan.instalment_ids[1].promise_id)
        note.action_post()
        self.ar_night('2026-06-11')
        self.assertEqual((plan.state, plan.to_judge), ('fulfilled', False))

    def test_agreeing_replaces_open_promises(self):
        """The promise given before counts neither for nor against the customer; a new one about a plan's item not."""
        invoice = self.ar_invoice(90, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        plan = self.ar_plan(invoice)
        self.assertEqual((promise.state, promise.outcome), ('withdrawn', 'replaced'))
        self.assertEqual(plan.promise_ids.level, 0)
        with self.assertRaisesRegex(UserError, "is promised already"):
            self.ar_promise(invoice, '2026-06-24')

    def test_one_open_plan_per_item(self):
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.ar_plan(invoice, accept=False)
        other = self.ar_plan(invoice, accept=False)
        plan.action_propose()
        with self.assertRaisesRegex(UserError, "is in the payment plan PLAN"):
            other.action_propose()
        with self.assertRaisesRegex(UserError, "is in the payment plan PLAN"):
            self.ar_plan(invoice)
        with self.assertRaisesRegex(UserError, "is in the payment plan PLAN"):
            self.ar_promise(invoice, '2026-06-24')

    def test_what_cannot_be_a_plan(self):
        invoice, other = self.ar_invoice(0.02, '2026-05-01'), self.ar_invoice(
            5, '2026-05-01', partner=self.other_customer)
        with self.assertRaisesRegex(UserError, "cannot be paid in 3 instalments"):
            self.ar_plan(invoice)
        with self.assertRaisesRegex(UserError, "one customer"):
            self.ar_plan(invoice + other)
        with self.assertRaisesRegex(UserError, "in the past"):
            self.ar_plan(other, first='2026-06-09')

    def test_states_move_by_the_buttons(self):
        plan = self.ar_plan(self.ar_invoice(90, '2026-05-01'), accept=False)
        with self.assertRaises(AccessError):
            plan.with_user(self.manager).state = 'accepted'
        with self.assertRaises(AccessError):
            plan.with_user(self.reader).action_accept()
        plan.action_accept()
        with self.assertRaises(UserError):
            plan.action_accept()
        with self.assertRaises(UserError):
            plan.with_user(self.clerk).grace_days = 100
        with self.assertRaises(UserError):
            plan.with_user(self.clerk).unlink()
        plan.action_cancel()
        self.assertEqual((plan.state, plan.promise_ids.state), ('cancelled', 'withdrawn'))
        self.assertEqual(plan.promise_ids.outcome, 'plan_ended')
