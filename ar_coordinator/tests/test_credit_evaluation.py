"""Automatic holds: placed and lifted nightly, and at once when something changes; nothing else gets slower by it."""
from odoo.exceptions import UserError
from odoo.tests import tagged

from .credit_common import CreditCommon
from .dunning_common import DunningCommon


class EvaluationCommon(CreditCommon):

    @classmethod
    def queued(cls):
        """Customers in the queue, after the precommit hooks."""
        cls.env.flush_all()
        cls.env.cr.precommit.run()
        return cls.env['ar.credit.queue'].search([('company_id', '=', cls.company.id)]).partner_id

    def run_job(self, name='ir_cron_ar_credit'):
        self.queued()
        with self.enter_registry_test_mode():
            self.env.ref(f'ar_coordinator.{name}').method_direct_trigger()
        self.env.invalidate_all()

    def holds(self, partner=None):
        return self.env['ar.credit.hold'].search([
            ('partner_id', '=', (partner or self.customer).id), ('is_open', '=', True)])


@tagged('post_install', '-at_install')
class TestCreditEvaluation(EvaluationCommon):

    def test_placed_and_lifted(self):
        """Over the limit: held, with reason and figures; paid: lifted at once, and the past stays on record."""
        rule = self.rule('over_limit', on_posting=False)
        invoice = self.ar_invoice(1_200, '2026-03-01')
        self.assertIn(self.customer, self.queued())
        self.run_job()
        hold = self.holds()
        self.assertEqual((hold.rule_id, hold.exposure, hold.limit_amount), (rule, 1_200, 1_000))
        self.assertIn("over the limit of", hold.reason)
        self.assertFalse(hold.is_manual or hold.on_posting)
        self.assertTrue(self.customer.ar_on_hold)
        self.assertFalse(self.env['ar.credit.queue'].search([]))
        self.ar_pay(invoice, '2026-03-31', 200)
        self.run_job()
        self.assertFalse(self.holds())
        self.assertEqual(hold.lift_reason, "The cause is gone.")

    def test_warnings_and_documents_place_no_hold(self):
        self.rule('over_limit', 'warn')
        self.rule('order_size', amount=1)
        self.ar_invoice(1_200, '2026-03-01', post=False)
        self.company.ar_credit_check_posting = False
        self.ar_invoice(1_200, '2026-03-01')
        self.assertFalse(self.queued())  # nothing to judge: nothing is queued
        self.run_job('ir_cron_ar_credit_nightly')
        self.run_job()
        self.assertFalse(self.holds())

    def test_nightly_takes_what_time_brings(self):
        self.rule('overdue_days', days=30)
        self.ar_invoice(100, '2026-02-01', '2026-03-01')
        self.run_job()
        self.assertFalse(self.holds())  # 30 days
        self.ar_lines(self.env['account.move'].search([('partner_id', '=', self.customer.id)])).write(
            {'date_maturity': '2026-02-28'})
        self.run_job()
        self.assertEqual(self.holds().overdue_amount, 100)
        self.env['ar.credit.hold'].sudo().search([])._lift("test")
        self.env.cr.precommit.clear()
        self.run_job('ir_cron_ar_credit_nightly')
        self.run_job()
        self.assertTrue(self.holds())

    def test_manual_holds_stay(self):
        self.rule('over_limit')
        hold = self.hold()
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.assertFalse(hold.date_end)
        with self.assertRaisesRegex(UserError, "ends by itself"):
            self.ar_hold_of_rule().with_user(self.manager).action_lift()

    def ar_hold_of_rule(self):
        self.customer.credit_limit = 10
        self.company.ar_credit_check_posting = False
        self.ar_invoice(20, '2026-03-01')
        placed, _lifted = self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        return placed

    def test_evaluating_twice_changes_nothing(self):
        self.rule('over_limit')
        self.rule('overdue_amount', amount=5)
        self.ar_hold_of_rule()
        self.assertEqual(len(self.holds()), 2)
        placed, lifted = self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.assertFalse(placed | lifted)

    def test_what_changes_the_answer_queues(self):
        """Payments, undone matches, disputes, limits, due dates, drafts: each queues the customer, once."""
        self.rule('over_limit')
        self.company.ar_credit_check_posting = False
        invoice = self.ar_invoice(100, '2026-03-01')
        reason = self.env['ar.dispute.reason'].search([('is_our_fault', '=', True)], limit=1)
        queue = self.env['ar.credit.queue'].sudo()

        def changes():
            payment = self.ar_pay(invoice, '2026-03-31', 40)
            yield "payment"
            self.ar_lines(payment).remove_move_reconcile()
            yield "undone match"
            dispute = self.env['ar.dispute'].create({
                'move_id': invoice.id, 'amount': 10, 'reason_id': reason.id, 'date_open': '2026-03-01'})
            yield "dispute"
            dispute.action_withdraw()
            yield "dispute ended"
            self.customer.credit_limit = 5_000
            yield "limit"
            self.customer.ar_credit_mode = 'none'
            yield "mode"
            self.ar_lines(invoice).date_maturity = '2026-02-01'
            yield "due date"
            invoice.button_draft()
            yield "reset to draft"

        self.queued()
        queue.search([]).unlink()
        for what in changes():
            self.assertEqual(self.queued(), self.customer, what)
            queue.search([]).unlink()
        self.customer.comment = "x"
        self.assertFalse(self.queued())

    def test_no_write_storms(self):
        """Matching thirty invoices at once costs two reads (who; whom somebody was told of) and one insert."""
        self.company.ar_credit_check_posting = False
        invoices = self.env['account.move'].union(*(self.ar_invoice(10, '2026-03-01') for _number in range(30)))
        self.rule('over_limit')
        self.queued()
        self.env['ar.credit.queue'].sudo().search([]).unlink()
        touched = self.ar_lines(invoices).ids
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        self.env['ar.credit.queue']._touch('account.move.line', touched)
        self.env.cr.precommit.run()
        self.assertEqual(len(self.env['ar.credit.queue'].search([('company_id', '=', self.company.id)])), 1)
        self.assertLessEqual(self.env.cr.sql_log_count - before, 9)

    def test_one_customers_trouble_stops_no_other(self):
        self.rule('over_limit')
        self.company.ar_credit_check_posting = False
        (self.customer | self.other_customer).credit_limit = 5
        self.ar_invoice(10, '2026-03-01')
        self.ar_invoice(10, '2026-03-01', partner=self.other_customer)
        self.queued()
        hold_class = type(self.env['ar.credit.hold'])
        create, bad = hold_class.create, self.customer.id

        def create_or_fail(holds, vals_list):
            if any(vals['partner_id'] == bad for vals in vals_list):
                raise ValueError("cannot be")
            return create(holds, vals_list)
        self.patch(hold_class, 'create', create_or_fail)
        with self.assertLogs('odoo.addons.ar_coordinator.models.ar_credit_queue', 'ERROR') as logs:
            self.run_job()
        self.assertIn("Harbour Fish Ltd", logs.output[0])
        self.assertFalse(self.holds())
        self.assertTrue(self.holds(self.other_customer))
        self.assertEqual(self.queued(), self.customer)  # nothing is lost: judged again the next time
        self.patch(hold_class, 'create', create)
        self.run_job()
        self.assertTrue(self.holds())
        self.assertFalse(self.queued())

    def test_as_many_queries_for_thirty_customers_as_for_three(self):
        self.rule('over_limit')
        self.rule('overdue_days', days=1)
        self.rule('returned_payment')
        self.rule('broken_promises')
        self.rule('dunning_step')
        self.company.ar_credit_check_posting = False
        partners = self.env['res.partner'].create([{'name': f"C{number}"} for number in range(30)])
        for partner in partners:
            self.ar_invoice(10, '2026-03-31', partner=partner)

        def count(customers):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env['ar.credit.hold']._evaluate(self.company, customers)
            return self.env.cr.sql_log_count - before
        count(partners)
        self.assertEqual(count(partners), count(partners[:3]))

    def test_broken_promises_and_returned_payments(self):
        self.rule('broken_promises', days=30)
        self.rule('returned_payment', days=30)
        invoice = self.ar_invoice(500, '2026-02-01')
        self.assertEqual((self.facts().broken_promises, self.facts().returned_payments), ((), ()))
        promise = self.env['ar.promise']._promise(self.ar_lines(invoice), '2026-04-02')
        promise.sudo().write({'state': 'broken', 'date_ended': '2026-03-20'})
        self.assertEqual(self.facts().broken_promises, (11,))
        promise.sudo().write({'state': 'partly_kept'})
        self.assertEqual(self.facts().broken_promises, (11,), "kept in part is not kept")
        payment = self.ar_pay(invoice, '2026-03-10')
        payment.move_id._reverse_moves([{'date': '2026-03-21'}], cancel=True)
        self.assertEqual(self.facts().returned_payments, (10,))
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.assertEqual(
            set(self.holds().mapped('reason')), {"promises broken: 1", "payments returned: 1"})

    def test_review(self):
        self.rule('review_expired', days=5)
        self.customer.ar_credit_review_date = '2026-03-26'
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.assertFalse(self.holds())
        self.customer.ar_credit_review_date = '2026-03-25'
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.assertEqual(self.holds().reason, "the credit review was due on 03/25/2026")

    def test_rules_that_change_judge_everybody(self):
        rule = self.rule('over_limit', 'warn')
        self.customer.credit_limit = 5
        self.company.ar_credit_check_posting = False
        self.ar_invoice(10, '2026-03-01')
        rule.action = 'hold'
        self.run_job('ir_cron_ar_credit_nightly')
        self.run_job()
        self.assertTrue(self.holds())
        rule.unlink()
        self.assertFalse(self.holds())


@tagged('post_install', '-at_install')
class TestCreditDunning(DunningCommon):

    def test_a_reminder_places_a_hold_that_ends_with_the_payment(self):
        self.level_1.place_hold = True
        self.env['ar.credit.rule'].search([]).action_archive()
        self.company.ar_credit_check_posting = True
        invoice = self.ar_invoice(100, '2026-01-01', '2026-03-01')
        self.ar_send()
        hold = self.env['ar.credit.hold'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual((hold.level_id, hold.is_manual, hold.exposure), (self.level_1, False, 100))
        self.assertIn("was sent and is not paid", hold.reason)
        draft = self.ar_invoice(5, '2026-03-31', post=False)
        with self.assertRaisesRegex(UserError, "was sent and is not paid"):
            draft.action_post()
        self.ar_pay(invoice, '2026-03-31')
        draft.action_post()  # live: the job need not have run
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.assertTrue(hold.date_end)

    def test_reminders_sent_is_a_fact(self):
        self.ar_invoice(100, '2026-01-01', '2026-03-01')
        facts = self.env['ar.credit.rule']._get_facts(self.customer, self.company)
        self.assertEqual(facts[self.customer.id].dunning_step, 0)
        self.ar_send()
        facts = self.env['ar.credit.rule']._get_facts(self.customer, self.company)
        self.assertEqual(facts[self.customer.id].dunning_step, 1)
