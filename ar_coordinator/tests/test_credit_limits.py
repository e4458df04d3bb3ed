"""Limits: approval and history, temporary ones, groups over companies, risk classes, reviews, reports, insurance."""
from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .credit_common import CreditCommon
from .test_credit_evaluation import EvaluationCommon


@tagged('post_install', '-at_install')
class TestCreditChange(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_credit_approval_amount = 5_000
        for user in (cls.clerk, cls.manager):
            user.group_ids = [Command.link(cls.env.ref('base.group_partner_manager').id)]

    def change(self, amount, user=None, **vals):
        change = self.env['ar.credit.change'].with_user(user or self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'limit_amount': amount, **vals})
        change.action_request()
        return change

    def test_history_of_every_change(self):
        self.customer.with_user(self.clerk).credit_limit = 2_000
        self.customer.with_user(self.clerk).ar_credit_mode = 'none'
        self.customer.with_user(self.clerk).with_context(ar_change_is_recorded=True).credit_limit = 3_000
        self.assertEqual(
            [(change.old_mode, change.old_limit, change.mode, change.limit_amount, change.user_id)
             for change in self.customer.ar_credit_change_ids[:3]],
            [('none', 0, 'limited', 3_000, self.clerk), ('limited', 2_000, 'none', 0, self.clerk),
             ('limited', 1_000, 'limited', 2_000, self.clerk)])
        self.customer.credit_limit = 3_000  # no change
        self.assertEqual(len(self.customer.ar_credit_change_ids), 4)

    def test_above_the_companys_amount_a_second_person_is_needed(self):
        customer = self.customer.with_user(self.manager)
        customer.credit_limit = 5_000
        for vals in ({'credit_limit': 5_001}, {'ar_credit_mode': 'unlimited'}):
            with self.assertRaisesRegex(UserError, "needs a second person"), self.env.cr.savepoint():
                customer.write(vals)
            with self.assertRaisesRegex(UserError, "needs a second person"), self.env.cr.savepoint():
                customer.with_context(ar_change_is_recorded=True, skip_approval=True).write(vals)
        with self.assertRaisesRegex(UserError, "needs a second person"), self.env.cr.savepoint():
            self.env['res.partner'].with_user(self.manager).create({'name': "New", 'credit_limit': 9_000})
        change = self.change(8_000, user=self.manager)
        self.assertEqual((change.state, self.customer.credit_limit), ('requested', 5_000))
        with self.assertRaisesRegex(AccessError, "nobody approves their own request"):
            change.with_user(self.manager).action_approve()
        with self.assertRaisesRegex(AccessError, "not among the approvers"):
            change.with_user(self.clerk).action_approve()
        for vals in ({'state': 'approved'}, {'limit_amount': 99}, {'user_id': self.clerk.id}):
            with self.assertRaises(AccessError):
                change.with_user(self.other_manager).write(vals)
        with self.assertRaises(AccessError):
            self.env['ar.credit.change'].with_user(self.clerk).create({
                'partner_id': self.customer.id, 'limit_amount': 9, 'state': 'approved'})
        change.with_user(self.other_manager).action_approve()
        self.assertEqual((change.state, self.customer.credit_limit), ('approved', 8_000))
        self.assertEqual((change.old_limit, change.approved_by_id), (5_000, self.other_manager))
        self.assertEqual(self.customer.ar_credit_change_ids[0], change)  # it is its own history
        customer.credit_limit = 7_000  # less than before needs nobody
        self.assertEqual(self.customer.credit_limit, 7_000)

    def test_refused_and_cancelled(self):
        change = self.change(8_000)
        change.with_user(self.manager).action_refuse()
        self.assertEqual((change.state, self.customer.credit_limit), ('refused', 1_000))
        change = self.change(8_000)
        colleague = self.ar_user('credit_colleague', 'ar_coordinator.group_ar_user')
        with self.assertRaises(AccessError):
            change.with_user(colleague).action_cancel()
        change.with_user(self.clerk).action_cancel()
        self.assertEqual(change.state, 'cancelled')
        with self.assertRaisesRegex(UserError, "does not wait"):
            change.with_user(self.manager).action_approve()
        with self.assertRaises(UserError):
            change.with_user(self.clerk).unlink()

    def test_below_the_amount_it_is_done_at_once(self):
        change = self.change(4_000)
        self.assertEqual((change.state, self.customer.credit_limit), ('done', 4_000))
        self.assertEqual(self.customer.ar_credit_change_ids[0], change)

    def test_temporary_limit(self):
        """Counts on its days only, and then the limit of before counts again."""
        self.rule('over_limit')
        draft = self.ar_invoice(1_500, '2026-03-31', post=False)
        change = self.change(2_000, is_temporary=True, date_from='2026-04-01', date_to='2026-04-30')
        self.assertEqual(self.customer.credit_limit, 1_000)
        self.assertEqual(draft._ar_get_held()[0], draft)
        change.sudo().date_from = '2026-03-31'
        self.assertFalse(draft._ar_get_held()[0])
        self.assertEqual(self.customer.ar_credit_limit, 2_000)
        change.sudo().write({'date_from': '2026-03-01', 'date_to': '2026-03-30'})
        self.assertEqual(draft._ar_get_held()[0], draft)
        change.sudo().date_to = '2026-03-31'
        change.with_user(self.clerk).action_cancel()
        self.assertEqual(draft._ar_get_held()[0], draft)
        with self.assertRaisesRegex(ValidationError, "a first and a last day"), self.env.cr.savepoint():
            self.change(2_000, is_temporary=True, date_from='2026-04-02', date_to='2026-04-01')

    def test_form_and_buttons(self):
        action = self.customer.with_user(self.clerk).action_ar_request_limit()
        with Form(self.env['ar.credit.change'].with_user(self.clerk).with_context(**action['context'])) as form:
            form.limit_amount = 1_800
            form.reason = "Grows"
        form.record.action_request()
        self.assertEqual(self.customer.credit_limit, 1_800)
        domain = self.customer.action_ar_view_changes()['domain']
        self.assertIn(form.record, self.env['ar.credit.change'].search(domain))


@tagged('post_install', '-at_install')
class TestCreditApprovers(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = cls.ar_user('credit_boss', 'ar_coordinator.group_ar_manager')
        cls.risky = cls.env['ar.credit.class'].create({'name': "C", 'limit_amount': 100, 'tolerance': 1})
        approvers = cls.env['ar.credit.approver']
        cls.small = approvers.create({'user_id': cls.manager.id, 'company_id': cls.company.id, 'amount_to': 1_000})
        cls.big = approvers.create({'user_id': cls.boss.id, 'company_id': cls.company.id})
        approvers.create({
            'user_id': cls.other_manager.id, 'company_id': cls.company.id, 'class_ids': [Command.set(cls.risky.ids)]})

    def users(self, amount, risk_class=None, requester=None):
        return self.env['ar.credit.approver']._get_users(
            self.company, amount, risk_class or self.env['ar.credit.class'], requester or self.clerk)

    def test_by_amount_and_class(self):
        self.assertEqual(self.users(1_000), self.manager | self.boss)
        self.assertEqual(self.users(1_000.01), self.boss)
        self.assertEqual(self.users(None), self.boss)
        self.assertEqual(self.users(1_000.01, self.risky), self.other_manager | self.boss)
        self.assertFalse(self.users(5_000, requester=self.boss))

    def test_a_manager_who_is_no_approver_does_not_decide(self):
        self.rule('over_limit')
        draft = self.ar_invoice(1_500, '2026-03-31', post=False)
        draft.with_user(self.biller).action_ar_request_release()
        release = draft.ar_release_id
        self.assertEqual(release.activity_ids.user_id, self.boss)
        with self.assertRaisesRegex(AccessError, "not among its approvers"):
            release.with_user(self.manager).action_approve()
        release.with_user(self.boss).action_approve()
        self.assertEqual(release.state, 'approved')

    def test_the_tolerance_is_part_of_an_approver_s_amount(self):
        """What may pass in the end counts: nobody gets a big document past a small approver, not by 5 % either."""
        self.rule('over_limit')
        self.ar_invoice(1_000, '2026-03-01')
        for amount, approvers in ((952.38, self.manager | self.boss), (952.39, self.boss), (1_000, self.boss)):
            draft = self.ar_invoice(amount, '2026-03-31', post=False)
            draft.with_user(self.biller).action_ar_request_release()
            release = draft.ar_release_id
            self.assertEqual((release.tolerance, release._get_approvers()), (5, approvers), amount)
        release.sudo().tolerance = 0
        self.assertEqual(release._get_approvers(), self.manager | self.boss)
        with self.assertRaises(UserError):
            release.with_user(self.manager).action_approve()
            release.with_user(self.manager).tolerance = 50  # a release that was decided stays as it is

    def test_releases_without_a_document_have_no_tolerance(self):
        self.rule('over_limit')
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'max_amount': 1_100, 'reason': "Please",
            'tolerance': 10_000})
        release.action_request()
        self.assertEqual(release.sudo()._get_approvers(), self.boss)
        release.with_user(self.boss).action_approve()
        self.ar_invoice(1_000, '2026-03-30')
        self.ar_invoice(1_100, '2026-03-31')
        with self.assertRaisesRegex(UserError, "over the limit"):
            self.ar_invoice(0.01, '2026-03-31')

    def test_stand_in_while_away(self):
        self.big.write({'away_from': '2026-03-30', 'away_to': '2026-03-31', 'delegate_id': self.other_manager.id})
        self.assertEqual(self.users(5_000), self.other_manager)
        self.assertEqual(self.users(5_000, requester=self.other_manager), self.env['res.users'])
        self.big.away_to = '2026-03-30'
        self.assertEqual(self.users(5_000), self.boss)

    def test_the_stand_in_decides_what_waits(self):
        """Asked before the approver went away, or while: the stand-in gets the task and approves; releases and limits.
        """
        self.rule('over_limit')
        self.company.ar_credit_approval_amount = 2_000
        self.clerk.group_ids = [Command.link(self.env.ref('base.group_partner_manager').id)]
        draft = self.ar_invoice(1_500, '2026-03-31', post=False)
        draft.with_user(self.biller).action_ar_request_release()
        release = draft.ar_release_id
        change = self.env['ar.credit.change'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'limit_amount': 3_000})
        change.action_request()
        for record in (release, change):
            self.assertEqual(record.activity_ids.user_id, self.boss)
            with self.assertRaises(AccessError):
                record.with_user(self.other_manager).action_approve()
        self.big.write({'away_from': '2026-04-01', 'away_to': '2026-04-30', 'delegate_id': self.other_manager.id})
        self.assertEqual(release.activity_ids.user_id, self.boss)  # not yet
        with freeze_time('2026-04-01 12:00:00'):
            self.env['ar.credit.release']._cron_expire()
            for record in (release, change):
                record.invalidate_recordset()
                self.assertEqual(record.activity_ids.user_id, self.boss | self.other_manager)
                with self.assertRaises(AccessError):
                    record.with_user(self.boss).action_approve()
                record.with_user(self.other_manager).action_approve()
                self.assertEqual((record.state, record.approved_by_id), ('approved', self.other_manager))
            other = self.ar_invoice(4_000, '2026-04-01', post=False)
            other.with_user(self.biller).action_ar_request_release()
            self.assertEqual(other.ar_release_id.activity_ids.user_id, self.other_manager)

    def test_values(self):
        for vals in ({'amount_to': -1}, {'away_from': '2026-04-01'},
                     {'away_from': '2026-04-02', 'away_to': '2026-04-01', 'delegate_id': self.clerk.id}):
            with self.assertRaises(ValidationError, msg=vals):
                self.big.write(vals)

    def test_tolerance_of_the_class(self):
        self.customer.ar_credit_class_id = self.risky
        self.rule('over_limit')
        draft = self.ar_invoice(1_500, '2026-03-31', post=False)
        draft.with_user(self.biller).action_ar_request_release()
        self.assertEqual(draft.ar_release_id.tolerance, 1)


@tagged('post_install', '-at_install')
class TestCreditGroup(EvaluationCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group = cls.env['ar.credit.group'].create({
            'name': "Harbour Group", 'limit_amount': 1_000, 'company_ids': [Command.set(cls.company.ids)],
            'currency_id': cls.company.currency_id.id,
            'partner_ids': [Command.set((cls.customer | cls.other_customer).ids)]})

    def test_one_limit_for_all(self):
        self.rule('over_limit')
        self.customer.credit_limit = 100_000  # the group's counts
        self.ar_invoice(600, '2026-03-01', partner=self.other_customer)
        draft = self.ar_invoice(400.01, '2026-03-31', post=False)
        with self.assertRaisesRegex(UserError, r"over the limit of \$.1,000\.00: \$.1,000\.01"):
            draft.action_post()
        other = self.ar_invoice(400, '2026-03-31', post=False, partner=self.other_customer)
        draft.invoice_line_ids.price_unit = 0.01
        with self.assertRaisesRegex(UserError, "over the limit"):  # they add up over the customers
            (other | draft).action_post()
        other.action_post()
        self.assertEqual((self.group.exposure, self.group.available), (1_000, 0))
        self.assertEqual(self.customer.ar_credit_available, 0)
        self.assertIn("Harbour Group", self.customer.ar_credit_text)

    def test_joining_is_for_managers(self):
        """A group's limit takes the place of the customer's own: whoever may edit contacts must not give it."""
        loner = self.env['res.partner'].create({'name': "Loner"})
        editor = self.ar_user('group_editor', 'ar_coordinator.group_ar_user,base.group_partner_manager')
        with self.assertRaisesRegex(AccessError, "join a credit group"):
            loner.with_user(editor).ar_credit_group_id = self.group
        with self.assertRaisesRegex(AccessError, "join a credit group"):
            self.env['res.partner'].with_user(editor).create({'name': "New", 'ar_credit_group_id': self.group.id})
        loner.with_user(editor).ar_credit_group_id = False
        boss = self.ar_user('group_boss', 'ar_coordinator.group_ar_manager,base.group_partner_manager')
        loner.with_user(boss).ar_credit_group_id = self.group
        self.assertIn(loner, self.group.partner_ids)

    def test_over_companies_with_conversion(self):
        """EUR limit, USD companies: 1 USD is 0.625 EUR, so 500 EUR are 800 USD, over both companies."""
        other = self.setup_other_company()
        self.group.write({
            'company_ids': [Command.link(other['company'].id)], 'currency_id': self.eur.id, 'limit_amount': 500})
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'company_id': other['company'].id, 'partner_id': self.other_customer.id,
            'journal_id': other['default_journal_sale'].id, 'invoice_date': '2026-03-01',
            'invoice_line_ids': [Command.create({
                'name': "x", 'price_unit': 700, 'tax_ids': [], 'account_id': other['default_account_revenue'].id})]})
        invoice.action_post()
        self.rule('over_limit')
        self.assertEqual(self.group.exposure, 437.5)
        facts = self.facts()
        self.assertEqual((facts.mode, facts.limit, facts.exposure), ('limited', 800, 700))
        with self.assertRaisesRegex(UserError, r"over the limit of \$.800\.00: \$.800\.01"):
            self.ar_invoice(100.01, '2026-03-31')
        self.assertEqual(self.ar_invoice(100, '2026-03-31').state, 'posted')

    def test_all_members_are_judged(self):
        self.rule('over_limit')
        self.company.ar_credit_check_posting = False
        self.ar_invoice(1_001, '2026-03-01')
        self.run_job()
        self.assertTrue(self.holds() and self.holds(self.other_customer))
        self.group.limit_amount = 2_000
        self.run_job()
        self.assertFalse(self.holds() | self.holds(self.other_customer))
        self.group.limit_amount = 5
        self.other_customer.ar_credit_group_id = False
        self.run_job()
        self.assertTrue(self.holds())
        self.assertFalse(self.holds(self.other_customer))

    def test_documents_add_up_only_where_the_groups_limit_is_used(self):
        """In a company outside the group, in an archived group, and without credit, each customer is on its own."""
        self.rule('over_limit')
        members = self.customer | self.other_customer
        members.credit_limit = 1_000

        def post():
            drafts = self.env['account.move'].union(*(
                self.ar_invoice(600, '2026-03-31', post=False, partner=member) for member in members))
            with self.env.cr.savepoint() as savepoint:
                drafts.action_post()
                states = set(drafts.mapped('state'))
                savepoint.rollback()
            return states
        with self.assertRaisesRegex(UserError, "over the limit"):
            post()
        self.group.active = False
        self.assertEqual(post(), {'posted'})
        self.group.write({
            'active': True, 'company_ids': [Command.set(self.setup_other_company()['company'].ids)]})
        self.assertEqual(post(), {'posted'})
        self.group.company_ids = self.company
        with self.assertRaisesRegex(UserError, "over the limit"):
            post()
        self.other_customer.ar_credit_mode = 'none'  # its prepaid documents take nothing of the group's room
        self.assertEqual(members._ar_get_limit_keys(self.company), {
            self.customer.id: ('ar.credit.group', self.group.id),
            self.other_customer.id: ('res.partner', self.other_customer.id)})

    def test_no_credit_stays_no_credit(self):
        self.customer.ar_credit_mode = 'none'
        self.assertEqual(self.facts().mode, 'none')
        with self.assertRaisesRegex(ValidationError, "needs a limit above zero"), self.env.cr.savepoint():
            self.group.limit_amount = 0


@tagged('post_install', '-at_install')
class TestCreditInformation(EvaluationCommon):

    def test_class_defaults(self):
        terms = self.env['account.payment.term'].create({'name': "14 days"})
        policy = self.env.ref('ar_coordinator.ar_dunning_policy_default')
        with self.assertRaisesRegex(UserError, "choose a risk class first"):
            self.customer.action_ar_apply_class()
        self.customer.ar_credit_class_id = self.env['ar.credit.class'].create({
            'name': "B", 'mode': 'limited', 'limit_amount': 700, 'payment_term_id': terms.id,
            'dunning_policy_id': policy.id, 'review_months': 6})
        self.customer.action_ar_apply_class()
        self.assertEqual(
            (self.customer.credit_limit, self.customer.property_payment_term_id, self.customer.ar_dunning_policy_id,
             str(self.customer.ar_credit_review_date)), (700, terms, policy, '2026-09-30'))
        with self.assertRaisesRegex(ValidationError, "needs a limit above zero"):
            self.env['ar.credit.class'].create({'name': "x", 'mode': 'limited'})

    def test_review(self):
        """Due: one task for the collector; reviewed: the next one an interval later."""
        self.customer.ar_credit_review_date = '2026-04-01'
        self.customer.ar_collector_id = self.clerk
        remind = self.env['res.partner']._ar_remind_of_reviews
        remind(self.company)
        self.assertFalse(self.customer.activity_ids)
        self.customer.ar_credit_review_date = '2026-03-31'
        remind(self.company)
        remind(self.company)
        self.assertEqual(self.customer.activity_ids.user_id, self.clerk)
        self.assertEqual(len(self.customer.activity_ids), 1)
        with self.assertRaisesRegex(UserError, "how often"):
            self.customer.action_ar_reviewed()
        self.customer.ar_credit_review_months = 3
        self.customer.action_ar_reviewed()
        self.assertEqual(str(self.customer.ar_credit_review_date), '2026-06-30')
        self.assertFalse(self.customer.activity_ids)

    def test_no_information(self):
        self.rule('no_information')
        draft = self.ar_invoice(10, '2026-03-31', post=False)
        self.assertEqual(draft._ar_get_held()[0], draft)
        report = self.env['ar.credit.report'].create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'source': "Agency", 'date': '2026-01-01',
            'valid_until': '2026-03-30', 'rating': "BB+"})
        self.assertEqual(draft._ar_get_held()[0], draft)
        report.valid_until = '2026-03-31'
        self.assertFalse(draft._ar_get_held()[0])
        self.assertIn("BB+", self.customer.ar_credit_text)

    def test_insurance_is_shown_beside(self):
        insurer = self.env['res.partner'].create({'name': "Insurer"})
        vals = {'partner_id': self.customer.id, 'company_id': self.company.id, 'insurer_id': insurer.id}
        guarantee = self.env['ar.credit.guarantee'].create({**vals, 'amount': 4_321, 'date_from': '2026-01-01'})
        self.assertIn("4,321.00", self.customer.ar_credit_text)
        self.assertEqual(self.customer.ar_credit_limit, 1_000)
        guarantee.date_to = '2026-03-30'
        self.customer.invalidate_recordset(['ar_credit_text'])
        self.assertNotIn("4,321.00", self.customer.ar_credit_text)
        with self.assertRaisesRegex(ValidationError, "above zero"):
            self.env['ar.credit.guarantee'].create({**vals, 'amount': 0})

    def test_people_are_told_once(self):
        """Salesperson and collector get one message each, whatever the number of their customers."""
        self.rule('over_limit')
        self.company.ar_credit_check_posting = False
        customers = self.customer | self.other_customer
        customers.write({'credit_limit': 5, 'user_id': self.biller.id, 'ar_collector_id': self.clerk.id})
        for customer in customers:
            self.ar_invoice(10, '2026-03-01', partner=customer)
        messages = self.env['mail.message'].sudo()
        before = messages.search([], order='id desc', limit=1).id
        self.env['ar.credit.hold']._evaluate(self.company, customers)
        told = messages.search([('id', '>', before), ('message_type', '=', 'user_notification')])
        self.assertEqual(told.partner_ids, (self.biller | self.clerk).partner_id)
        self.assertEqual(len(told), 2)
        for name in customers.mapped('name'):
            self.assertIn(name.split()[0], told[0].body)
        self.company.ar_credit_notify = False
        customers.credit_limit = 500
        before = told.ids[-1]
        self.env['ar.credit.hold']._evaluate(self.company, customers)
        self.assertFalse(messages.search([('id', '>', max(told.ids)), ('message_type', '=', 'user_notification')]))

    def test_board(self):
        """Who is on hold, why, how long, and what waits."""
        self.hold()
        self.ar_invoice(30, '2026-03-31', post=False)
        self.ar_invoice(12, '2026-03-31', post=False)
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.res_partner_action_ar_credit_board')
        board = self.env['res.partner'].with_user(self.reader).search(
            [('ar_on_hold', '=', True), '|', ('is_company', '=', True), ('parent_id', '=', False)])
        self.assertIn('ar_on_hold', action['domain'])
        self.assertEqual(board, self.customer)
        self.assertEqual(
            (board.ar_hold_reason, board.ar_hold_days, board.ar_waiting_count, board.ar_waiting_amount),
            ("Rumours", 0, 2, 42))

    def test_releases_run_out(self):
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'valid_until': '2026-03-30'})
        release.action_request()
        release.with_user(self.manager).action_approve()
        lasting = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'valid_until': '2026-03-31'})
        lasting.action_request()
        with self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_credit_expire').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((release.state, lasting.state), ('expired', 'requested'))
        self.assertFalse(release.activity_ids)
