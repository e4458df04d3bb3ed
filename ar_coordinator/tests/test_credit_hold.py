"""Holds that hold: posting by users, RPC, imports and crons; releases by four eyes; who may do what."""
from freezegun import freeze_time
from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditHold(CreditCommon):

    def test_over_the_limit_with_tolerance(self):
        self.rule('over_limit', percent=10)
        self.ar_invoice(600, '2026-03-01')
        draft = self.ar_invoice(500.01, '2026-03-31', post=False)
        with self.assertRaisesRegex(UserError, r"(?s)Harbour Fish Ltd.*over the limit of \$.1,000\.00 plus 10 %: "
                                               r"\$.1,100\.01 with this document of \$.500\.01.*Request Release"):
            draft.action_post()
        self.assertEqual(draft.state, 'draft')
        draft.invoice_line_ids.price_unit = 500
        draft.action_post()
        self.assertEqual(draft.state, 'posted')

    def test_only_if_the_company_checks_postings(self):
        self.rule('over_limit')
        self.company.ar_credit_check_posting = False
        self.assertEqual(self.ar_invoice(5_000, '2026-03-31').state, 'posted')

    def test_rules_that_warn_stop_nothing(self):
        self.rule('over_limit', 'warn')
        draft = self.ar_invoice(5_000, '2026-03-31', post=False)
        self.assertEqual(draft.ar_credit_state, 'warning')
        draft.action_post()
        self.assertEqual(draft.state, 'posted')

    def test_semantics_9_4_no_way_around(self):
        """Context keys, direct _post, a write of the state, the mass action, sudo: all are stopped."""
        self.rule('over_limit')
        draft = self.ar_invoice(1_001, '2026-03-31', post=False)
        biller = draft.with_user(self.biller)
        contexts = {
            key: value for key in (
                'bypass_risk', 'skip_credit_check', 'force_post', 'install_mode', 'import_file', 'tracking_disable',
                'ar_skip_credit', 'no_check', 'check_move_validity', 'bypass_credit', 'module')
            for value in (True,)}
        for post in (
            biller.action_post, biller._post, draft.sudo()._post, draft.with_context(**contexts)._post,
            lambda: draft.with_context(**contexts).action_post(),
            lambda: draft.write({'state': 'posted'}),
            lambda: setattr(draft.sudo(), 'state', 'posted'),
            lambda: self.env['validate.account.move'].with_context(
                active_model='account.move', active_ids=draft.ids).create({}).validate_move(),
        ):
            with self.assertRaisesRegex(UserError, "over the limit"):
                post()
            self.assertEqual(draft.state, 'draft')

    def test_cron_posts_the_others(self):
        """The nightly posting of drafts leaves the held one and posts the rest."""
        self.rule('over_limit')
        held = self.ar_invoice(1_001, '2026-03-31', post=False, auto_post='at_date')
        free = self.ar_invoice(10, '2026-03-31', post=False, partner=self.other_customer, auto_post='at_date')
        with self.enter_registry_test_mode():
            self.env.ref('account.ir_cron_auto_post_draft_entry').method_direct_trigger()
        self.assertEqual((held.state, free.state), ('draft', 'posted'))

    def test_documents_of_one_customer_add_up(self):
        self.rule('over_limit')
        drafts = self.env['account.move'].union(*(
            self.ar_invoice(400, '2026-03-31', post=False) for _number in range(3)))
        with self.assertRaisesRegex(UserError, r"\$.1,200\.00 with this document of \$.400\.00"):
            drafts.action_post()
        drafts[:2].action_post()
        self.assertEqual(drafts.mapped('state'), ['posted', 'posted', 'draft'])
        held, message = drafts[2]._ar_get_held()
        self.assertEqual(held, drafts[2])
        self.assertIn("over the limit", message)

    def test_two_who_post_at_once_do_not_share_the_room(self):
        """The later of two transactions that use the same limit fails to serialize, and Odoo repeats it."""
        key = 'test,turn'
        with self.registry.cursor() as first, self.registry.cursor() as second:
            second.execute("SELECT 1")  # its snapshot is older than what the first commits
            self.env(cr=first)['ar.ledger']._take_turns([key])
            first.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.env(cr=second)['ar.ledger']._take_turns([key])
            second.rollback()
            self.env(cr=second)['ar.ledger']._take_turns([key])  # the repetition passes
            second.rollback()
            first.execute("DELETE FROM ar_credit_turn WHERE name = %s", [key])
        self.ar_invoice(10, '2026-03-31')
        self.ar_invoice(10, '2026-03-31', partner=self.other_customer)  # without a limit nobody waits
        turns = self.env['ar.credit.turn'].sudo().search([]).mapped('name')
        self.assertIn(f'res.partner,{self.customer.id},{self.company.id}', turns)
        self.assertNotIn(f'res.partner,{self.other_customer.id},{self.company.id}', turns)

    def test_credit_notes_and_bills_pass(self):
        self.hold()
        self.assertEqual(self.ar_invoice(10, '2026-03-31', move_type='out_refund').state, 'posted')
        self.assertEqual(self.ar_misc(10, '2026-03-31').state, 'posted')

    def test_without_credit_only_in_advance(self):
        self.rule('without_credit')
        self.customer.ar_credit_mode = 'none'
        draft = self.ar_invoice(100, '2026-03-31', post=False)
        with self.assertRaisesRegex(UserError, "has no credit"):
            draft.action_post()
        self.ar_cash(100, '2026-03-30')
        draft.action_post()
        self.assertEqual(draft.state, 'posted')

    def test_rule_for_other_documents_countries_classes(self):
        draft = self.ar_invoice(2_000, '2026-03-31', post=False)
        risky = self.env['ar.credit.class'].create({'name': "C", 'limit_amount': 100})
        for vals in (
            {'on_posting': False}, {'country_ids': [(6, 0, self.env.ref('base.fr').ids)]},
            {'class_ids': [(6, 0, risky.ids)]}, {'company_id': self.setup_other_company()['company'].id},
            {'active': False},
        ):
            rule = self.rule('over_limit', **vals)
            self.assertFalse(draft._ar_get_held()[0], vals)
            rule.unlink()
        self.customer.write({'country_id': self.env.ref('base.fr').id, 'ar_credit_class_id': risky.id})
        self.rule('over_limit', country_ids=[(6, 0, self.env.ref('base.fr').ids)], class_ids=[(6, 0, risky.ids)])
        self.assertEqual(draft._ar_get_held()[0], draft)

    def test_drafts_that_count_are_not_counted_twice(self):
        self.rule('over_limit')
        self.company.ar_credit_include_drafts = True
        draft = self.ar_invoice(1_000, '2026-03-31', post=False)
        draft.action_post()
        self.assertEqual(draft.state, 'posted')

    def test_manual_hold(self):
        """Stays until a manager lifts it with a reason; stops only the documents it names."""
        hold = self.hold(on_posting=False)
        draft = self.ar_invoice(10, '2026-03-31', post=False)
        self.assertFalse(draft._ar_get_held()[0])
        hold.with_user(self.clerk).on_posting = True
        with self.assertRaises(AccessError):
            hold.with_user(self.clerk).on_posting = False  # as good as lifting it
        with self.assertRaisesRegex(UserError, "Rumours"):
            draft.action_post()
        self.assertTrue(self.customer.ar_on_hold)
        self.assertEqual(self.customer.ar_hold_reason, "Rumours")
        self.assertEqual(self.env['res.partner'].search([('ar_on_hold', '=', True)]), self.customer)
        with self.assertRaises(AccessError):
            hold.with_user(self.clerk).action_lift("please")
        with Form(self.env['ar.credit.reason.wizard'].with_user(self.manager).with_context(
                **hold.with_user(self.manager).action_ar_open_lift()['context'])) as form:
            form.reason = "Talked to them"
        form.record.action_lift()
        self.assertEqual((hold.lift_reason, hold.lifted_by_id), ("Talked to them", self.manager))
        self.assertFalse(self.customer.ar_on_hold)
        draft.action_post()
        with self.assertRaisesRegex(UserError, "was lifted already"):
            hold.with_user(self.manager).action_lift()

    def test_filter_on_invoices(self):
        """The filter finds the drafts that cannot be posted, and no others."""
        self.rule('over_limit')
        held = self.ar_invoice(1_001, '2026-03-31', post=False)
        free = self.ar_invoice(10, '2026-03-31', post=False)
        own = [('company_id', '=', self.company.id)]
        self.assertEqual(self.env['account.move'].search([*own, ('ar_credit_state', '=', 'held')]), held)
        self.assertIn(free, self.env['account.move'].search([*own, ('ar_credit_state', '=', 'free')]))
        self.assertNotIn(held, self.env['account.move'].search([*own, ('ar_credit_state', '!=', 'held')]))

    def test_one_open_hold_per_reason(self):
        self.hold()
        with mute_logger('odoo.sql_db'), self.assertRaises(UniqueViolation):  # the database refuses
            self.hold()
        self.assertFalse(self.env['ar.credit.hold']._place(self.customer, self.company, "again"))

    def test_holds_of_contacts_hold_the_customer(self):
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        self.assertEqual(self.hold(contact).partner_id, self.customer)
        draft = self.ar_invoice(10, '2026-03-31', post=False, partner=contact)
        self.assertEqual(draft.ar_credit_state, 'held')

    def test_roles(self):
        hold = self.hold()
        with self.assertRaises(AccessError):
            self.hold(self.other_customer, user=self.reader)
        for user in (self.reader, self.biller):
            with self.assertRaises(AccessError, msg=user.login):
                hold.with_user(user).write({'reason': "x"})
        with self.assertRaises(AccessError):
            hold.with_user(self.biller).read(['reason'])
        for vals in ({'date_end': '2026-03-31 00:00:00'}, {'is_manual': False}, {'partner_id': self.other_customer.id}):
            with self.assertRaises(AccessError, msg=vals):
                hold.with_user(self.manager).write(vals)
        with self.assertRaises(AccessError):
            hold.with_user(self.manager).unlink()
        with self.assertRaises(AccessError):
            self.rule('over_limit').with_user(self.clerk).write({'action': 'warn'})
        self.assertEqual(hold.with_user(self.reader).exposure, 0)

    def test_rules_describe_themselves(self):
        kinds = [kind for kind, _label in self.env['ar.credit.rule']._fields['kind'].selection]
        for kind in kinds:
            self.assertTrue(self.rule(kind, amount=1, percent=5, days=3).description, kind)
        with self.assertRaisesRegex(ValidationError, "cannot be negative"):
            self.rule('over_limit', percent=-1)


@tagged('post_install', '-at_install')
class TestCreditRelease(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')
        cls.draft = cls.ar_invoice(1_500, '2026-03-31', post=False)

    def request(self, document=None, user=None):
        document = (document or self.draft).with_user(user or self.biller)
        document.action_ar_request_release()
        document.invalidate_recordset()
        return document.sudo().ar_release_id

    def test_request_approve_post(self):
        """A biller asks with one click, somebody else approves, the invoice passes; the trail is complete."""
        release = self.request()
        self.assertEqual(
            (release.state, release.requested_by_id, release.amount, release.max_amount, release.tolerance),
            ('requested', self.biller, 1_500, 1_500, 5))
        self.assertIn("over the limit", release.hold_reasons)
        self.assertIn(self.manager, release.activity_ids.user_id)
        with self.assertRaisesRegex(UserError, "over the limit"):
            self.draft.action_post()
        with self.assertRaisesRegex(UserError, "was asked for already"):
            self.request()
        release.with_user(self.manager).action_approve("Paid by phone")
        self.assertFalse(release.activity_ids)
        self.assertEqual(self.draft.ar_credit_state, 'released')
        self.draft.with_user(self.biller).action_post()
        self.assertEqual((self.draft.state, release.state), ('posted', 'used'))
        self.assertEqual((release.use_ids.amount, release.used_amount), (1_500, 1_500))
        notes = " ".join(self.draft.message_ids.mapped('body'))
        for text in ("asked for a credit release", "approved by", "Passed the credit hold"):
            self.assertIn(text, notes)

    def test_a_document_that_grows_past_its_release_is_held_again(self):
        self.request().with_user(self.manager).action_approve()
        self.draft.invoice_line_ids.price_unit = 1_575.01
        with self.assertRaisesRegex(UserError, "over the limit"):
            self.draft.action_post()
        self.draft.invoice_line_ids.price_unit = 1_575
        self.draft.action_post()
        self.assertEqual(self.draft.state, 'posted')

    def test_a_release_is_for_its_document(self):
        self.request().with_user(self.manager).action_approve()
        copy = self.draft.copy({'invoice_date': '2026-03-31'})
        with self.assertRaisesRegex(UserError, "over the limit"):
            copy.action_post()

    def test_four_eyes(self):
        release = self.request(user=self.manager)
        self.assertNotIn(self.manager, release.activity_ids.user_id)
        with self.assertRaisesRegex(AccessError, "nobody approves their own request"):
            release.with_user(self.manager).action_approve()
        with self.assertRaisesRegex(AccessError, "nobody approves their own request"):
            release.with_user(self.manager).sudo().action_approve()
        with self.assertRaisesRegex(ValidationError, "approved by somebody else"), self.env.cr.savepoint():
            release.sudo().write({'state': 'approved', 'approved_by_id': self.manager.id})
        with self.assertRaisesRegex(AccessError, "not among its approvers"):
            release.with_user(self.clerk).action_approve()
        for vals in ({'state': 'approved'}, {'requested_by_id': self.clerk.id}, {'approved_by_id': self.clerk.id}):
            with self.assertRaises(AccessError, msg=vals):
                release.with_user(self.other_manager).write(vals)
        with self.assertRaises(AccessError):
            self.env['ar.credit.release'].with_user(self.clerk).create({
                'partner_id': self.customer.id, 'state': 'approved', 'max_amount': 5})
        release.with_user(self.other_manager).action_approve()
        self.assertEqual((release.state, release.approved_by_id), ('approved', self.other_manager))
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            release.with_user(self.other_manager).max_amount = 99_999

    def test_refuse_with_a_reason(self):
        release = self.request()
        with Form(self.env['ar.credit.reason.wizard'].with_user(self.manager).with_context(
                **release.with_user(self.manager).action_ar_open_refuse()['context'])) as form:
            form.reason = "Not before they pay"
        form.record.action_refuse()
        self.assertEqual((release.state, release.decision_reason), ('refused', "Not before they pay"))
        with self.assertRaises(UserError):
            self.draft.action_post()
        self.assertEqual(self.request().state, 'requested')  # one may ask again

    def test_for_a_customer_up_to_an_amount(self):
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'max_amount': 2_000})
        release.action_request()
        release.with_user(self.manager).action_approve()
        self.draft.action_post()
        self.assertEqual((release.state, release.used_amount), ('approved', 1_500))
        second = self.ar_invoice(500.01, '2026-03-31', post=False)
        with self.assertRaisesRegex(UserError, "over the limit"):
            second.action_post()
        second.invoice_line_ids.price_unit = 500
        second.action_post()
        self.assertEqual((release.state, release.used_amount), ('used', 2_000))
        with self.assertRaisesRegex(UserError, "over the limit"):
            self.ar_invoice(1, '2026-03-31')

    def test_until_a_day(self):
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'valid_until': '2026-03-30'})
        release.action_request()
        release.with_user(self.manager).action_approve()
        with self.assertRaisesRegex(UserError, "over the limit"):
            self.draft.action_post()
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'valid_until': '2026-03-31'})
        release.action_request()
        release.with_user(self.manager).action_approve()
        self.draft.action_post()
        self.assertEqual(self.draft.state, 'posted')

    def test_a_release_has_an_end(self):
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id})
        with self.assertRaisesRegex(ValidationError, "ends with a document, at a day, or at an amount"):
            release.action_request()

    def test_a_hold_by_hand_after_the_release_holds(self):
        self.request().with_user(self.manager).action_approve()
        with freeze_time('2026-03-31 12:00:01'):
            self.hold(reason="Insolvent")
        with self.assertRaisesRegex(UserError, "Insolvent"):
            self.draft.action_post()

    def test_of_another_customer_or_company_is_refused(self):
        for vals in ({'partner_id': self.other_customer.id},
                     {'partner_id': self.customer.id, 'company_id': self.setup_other_company()['company'].id}):
            with self.assertRaisesRegex(ValidationError, "is not a document of"):
                self.env['ar.credit.release'].create({'document': f'account.move,{self.draft.id}', **vals})

    def test_not_held_needs_no_release(self):
        free = self.ar_invoice(10, '2026-03-31', post=False)
        with self.assertRaisesRegex(UserError, "no release is needed"):
            self.request(free)

    def test_who_sees_what(self):
        release = self.request()
        self.assertEqual(release.with_user(self.biller).state, 'requested')
        stranger = self.ar_user('credit_stranger', 'base.group_user')
        self.assertFalse(self.env['ar.credit.release'].with_user(stranger).search([('id', '=', release.id)]))
        self.assertEqual(release.with_user(self.reader).state, 'requested')
        with self.assertRaises(AccessError):
            release.with_user(self.reader).write({'max_amount': 5})
        with self.assertRaises(AccessError):
            self.draft.with_user(self.reader).action_ar_request_release()

    def test_cancel(self):
        release = self.request()
        with self.assertRaisesRegex(AccessError, "asked for by somebody else"):
            release.with_user(self.clerk).action_cancel()
        release.with_user(self.biller).action_cancel()
        self.assertEqual(release.state, 'cancelled')
        release = self.request()
        release.with_user(self.manager).action_approve()
        release.with_user(self.other_manager).action_cancel()
        with self.assertRaisesRegex(UserError, "over the limit"):
            self.draft.action_post()
