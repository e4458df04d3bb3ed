"""Credit groups by four eyes, whichever way; groups of a parent company and its subsidiaries."""
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from .credit_common import CreditCommon
from .test_credit_evaluation import EvaluationCommon


class GroupCommon(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_credit_approval_amount = 5_000
        for user in (cls.clerk, cls.manager, cls.other_manager):
            user.group_ids = [Command.link(cls.env.ref('base.group_partner_manager').id)]
        cls.small = cls.group(1_000)
        cls.big = cls.group(9_000)

    @classmethod
    def group(cls, limit, **vals):
        """A credit group of the test company; made by a job, which is not asked who approved it."""
        return cls.env['ar.credit.group'].sudo().create({
            'name': f"Group of {limit}", 'limit_amount': limit, 'company_ids': [Command.set(cls.company.ids)],
            'currency_id': cls.company.currency_id.id, **vals}).sudo(False)

    def ask(self, user=None, **vals):
        """A change that is asked for."""
        change = self.env['ar.credit.change'].with_user(user or self.manager).create({
            'company_id': self.company.id, 'mode': 'limited', **vals})
        change.action_request()
        return change


@tagged('post_install', '-at_install')
class TestCreditGroupChange(GroupCommon):

    def refused(self, action):
        with self.assertRaisesRegex(UserError, "second person|somebody else"), self.env.cr.savepoint():
            action()
        self.env.invalidate_all()

    def test_a_group_s_limit_above_the_companies_amount_needs_a_second_person(self):
        group = self.small.with_user(self.manager)
        group.limit_amount = 5_000
        for vals in (
            {'limit_amount': 5_001}, {'currency_id': self.eur.id, 'limit_amount': 3_200},
            {'currency_id': self.eur.id},  # 5,000 EUR are 8,000 USD
        ):
            self.refused(lambda vals=vals: group.write(vals))
            self.refused(lambda vals=vals: group.with_context(
                ar_change_is_recorded=True, skip_approval=True, install_mode=True).write(vals))
        self.refused(lambda: group.create({'name': "New", 'limit_amount': 5_001}))
        self.refused(lambda: group.with_context(default_limit_amount=5_001).create({'name': "New"}))
        change = self.ask(group_id=group.id, limit_amount=8_000)
        self.assertEqual((change.state, group.limit_amount, change.old_limit), ('requested', 5_000, 5_000))
        self.assertEqual(change.activity_ids.user_id & (self.manager | self.other_manager), self.other_manager)
        with self.assertRaisesRegex(AccessError, "nobody approves their own request"):
            change.with_user(self.manager).action_approve()
        with self.assertRaisesRegex(AccessError, "not among the approvers"):
            change.with_user(self.clerk).action_approve()
        change.with_user(self.other_manager).action_approve()
        self.assertEqual((change.state, group.limit_amount), ('approved', 8_000))
        self.assertEqual(group.change_ids[0], change)  # it is its own history
        group.limit_amount = 7_000  # less than before needs nobody
        self.env.invalidate_all()
        self.assertEqual(
            [(done.old_limit, done.limit_amount, done.state, done.user_id) for done in group.change_ids[:3]],
            [(8_000, 7_000, 'done', self.manager), (5_000, 8_000, 'approved', self.manager),
             (1_000, 5_000, 'done', self.manager)])

    def test_a_company_is_not_added_to_a_limit_it_would_have_to_approve(self):
        other = self.setup_other_company()['company']
        other.ar_credit_approval_amount = 100
        self.manager.company_ids = [Command.link(other.id)]
        self.refused(lambda: self.small.with_user(self.manager).write({'company_ids': [Command.link(other.id)]}))
        self.small.sudo().company_ids = [Command.link(other.id)]
        change = self.ask(group_id=self.small.id, limit_amount=1_500)  # above the other company's amount only
        self.assertEqual(change.state, 'requested')
        with self.assertRaisesRegex(AccessError, "not among the approvers"):  # who works there decides
            change.with_user(self.other_manager).action_approve()
        boss = self.ar_user('group_boss', 'ar_coordinator.group_ar_manager')
        boss.company_ids = [Command.link(other.id)]
        change.with_user(boss).action_approve()
        self.assertEqual(self.small.limit_amount, 1_500)

    def test_joining_a_group_with_room_needs_a_second_person(self):
        """By the customer, the group, an import, a default of the context, and as a new customer."""
        customer, group = self.customer.with_user(self.manager), self.big.with_user(self.manager)
        partners = self.env['res.partner'].with_user(self.manager)
        # commands are carried out by whom a request is from, which a test has to say
        self.patch(self.env.transaction, 'default_env', customer.env)
        for join in (
            lambda: customer.write({'ar_credit_group_id': self.big.id}),
            lambda: customer.with_context(ar_change_is_recorded=True).write({'ar_credit_group_id': self.big.id}),
            lambda: group.write({'partner_ids': [Command.link(customer.id)]}),
            lambda: group.write({'partner_ids': [Command.set(customer.ids)]}),
            lambda: group.write({'partner_ids': [Command.create({'name': "New"})]}),
            lambda: partners.create({'name': "New", 'ar_credit_group_id': self.big.id}),
            lambda: partners.with_context(default_ar_credit_group_id=self.big.id).create({'name': "New"}),
        ):
            with self.subTest(join=join.__code__.co_firstlineno):
                self.refused(join)
                self.assertFalse(self.big.partner_ids)
        result = partners.load(['.id', 'ar_credit_group_id/.id'], [[str(customer.id), str(self.big.id)]])
        self.assertIn("somebody else approves who joins", result['messages'][0]['message'])
        self.assertFalse(self.big.partner_ids)
        customer.ar_credit_group_id = self.small  # its limit is no more than one person may give
        self.refused(lambda: customer.write({'ar_credit_group_id': self.big.id}))
        change = self.ask(partner_id=customer.id, group_id=self.big.id, limit_amount=1)
        self.assertEqual((change.state, change.limit_amount), ('requested', 9_000))
        self.assertEqual(change.display_name, "Harbour Fish Ltd / Group of 9000")
        change.with_user(self.other_manager).action_approve()
        self.assertEqual(customer.ar_credit_group_id, self.big)
        customer.ar_credit_group_id = self.small  # less
        self.env.invalidate_all()
        self.assertEqual(
            [(done.group_id, done.state) for done in self.customer.ar_credit_change_ids[:3]],
            [(self.small, 'done'), (self.big, 'approved'), (self.small, 'done')])

    def test_who_has_no_credit_does_not_get_it_by_a_group(self):
        """Joined while without credit, then made limited to little: the group's limit would count."""
        self.customer.sudo().ar_credit_mode = 'none'
        self.refused(lambda: self.customer.with_user(self.manager).write({'ar_credit_group_id': self.big.id}))

    def test_an_unlimited_customer_joins_with_less(self):
        self.other_customer.with_user(self.manager).ar_credit_group_id = self.big
        self.assertEqual(self.big.partner_ids, self.other_customer)
        self.other_customer.with_user(self.manager).ar_credit_group_id = False
        self.assertIn("Left the credit group", self.other_customer.ar_credit_change_ids[0].reason)

    def test_clerks_ask(self):
        """Who may not change groups may ask, whatever the amount."""
        self.customer.sudo().ar_credit_group_id = self.small
        for vals in ({'group_id': self.small.id, 'limit_amount': 1_100},
                     {'group_id': self.small.id, 'partner_id': self.other_customer.id}):
            change = self.ask(self.clerk, **vals)
            self.assertEqual(change.state, 'requested')
            change.with_user(self.manager).action_approve()
        self.assertEqual(self.small.limit_amount, 1_100)
        self.assertEqual(self.small.partner_ids, self.customer | self.other_customer)
        with self.assertRaises(AccessError):
            self.small.with_user(self.clerk).limit_amount = 1_200

    def test_what_was_approved_is_what_counts(self):
        change = self.ask(partner_id=self.customer.id, group_id=self.big.id)
        self.big.sudo().limit_amount = 50_000
        with self.assertRaisesRegex(UserError, "has another limit now"):
            change.with_user(self.other_manager).action_approve()
        change = self.ask(group_id=self.small.id, limit_amount=6_000)
        self.small.sudo().currency_id = self.eur
        with self.assertRaisesRegex(UserError, "has another limit now"):
            change.with_user(self.other_manager).action_approve()

    def test_a_change_is_in_the_currency_of_its_group(self):
        group = self.group(100, currency_id=self.eur.id)
        change = self.ask(self.clerk, group_id=group.id, limit_amount=200)
        self.assertEqual(change.currency_id, self.eur)
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            self.env['ar.credit.change'].with_user(self.clerk).create({
                'partner_id': self.customer.id, 'limit_amount': 100, 'currency_id': self.eur.id})
        change = self.env['ar.credit.change'].with_user(self.clerk).with_context(
            default_currency_id=self.eur.id).create({'partner_id': self.customer.id, 'limit_amount': 100})
        self.assertEqual(change.currency_id, self.company.currency_id)

    def test_values(self):
        with self.assertRaisesRegex(ValidationError, "Choose the customer"), self.env.cr.savepoint():
            self.env['ar.credit.change'].create({'limit_amount': 5})
        with self.assertRaisesRegex(UserError, "for good"):
            self.ask(group_id=self.small.id, limit_amount=5, is_temporary=True, date_from='2026-03-31',
                     date_to='2026-04-30')
        with self.assertRaisesRegex(UserError, "archive it instead"):
            self.small.unlink()

    def test_form_and_buttons(self):
        action = self.small.with_user(self.manager).action_ar_request_limit()
        with Form(self.env['ar.credit.change'].with_user(self.manager).with_context(**action['context'])) as form:
            form.limit_amount = 2_000
        form.record.action_request()
        self.assertEqual((form.record.state, self.small.limit_amount), ('done', 2_000))
        self.assertIn(form.record, self.env['ar.credit.change'].search(self.small.action_ar_view_changes()['domain']))
        action = self.customer.with_user(self.manager).action_ar_request_limit()
        with Form(self.env['ar.credit.change'].with_user(self.manager).with_context(**action['context'])) as form:
            form.group_id = self.big
            self.assertEqual(form.limit_amount, 9_000)
        form.record.action_request()
        self.assertEqual(form.record.state, 'requested')

    # === the customer's own limit, the same ways === #

    def test_a_customer_s_limit_does_not_come_in_by_a_default_or_an_import(self):
        partners = self.env['res.partner'].with_user(self.manager)
        limit = {'default_credit_limit': 9_000}
        for defaults in (limit, {**limit, 'default_ar_credit_mode': 'limited'}):
            self.refused(lambda defaults=defaults: partners.with_context(**defaults).create({'name': "New"}))
        result = partners.load(['name', 'credit_limit'], [["New", '9000']])
        self.assertIn("needs a second person", result['messages'][0]['message'])
        result = partners.load(['.id', 'credit_limit'], [[str(self.customer.id), '9000']])
        self.assertIn("needs a second person", result['messages'][0]['message'])
        self.assertEqual(self.customer.credit_limit, 1_000)
        copy = self.customer.copy()
        self.assertEqual((copy.credit_limit, copy.ar_credit_group_id), (0, self.env['ar.credit.group']))

    def test_a_contact_of_a_big_customer_is_no_way_to_its_limit(self):
        """Contacts follow the limit of their customer; a customer of its own does not keep it."""
        self.customer.sudo().credit_limit = 50_000
        contact = self.env['res.partner'].with_user(self.manager).create({
            'name': "Buyer", 'parent_id': self.customer.id})
        contact.sudo().credit_limit = 50_000
        for vals in ({'is_company': True}, {'parent_id': False}):
            alone = contact.copy({'parent_id': self.customer.id})
            alone.sudo().credit_limit = 50_000
            alone.with_user(self.manager).write(vals)
            self.assertEqual(alone.commercial_partner_id, alone)
            self.assertEqual((alone.credit_limit, alone.ar_credit_mode), (0, 'unlimited'), vals)


@tagged('post_install', '-at_install')
class TestCreditGroupRpc(GroupCommon, HttpCase):

    def test_over_rpc(self):
        """A manager with an API key: group's limit, membership, own limit; a seller: not even the fields."""
        seller = self.ar_user('group_rpc_seller', 'base.group_user,base.group_partner_manager')
        calls = (
            ('ar.credit.group', {'ids': self.small.ids, 'vals': {'limit_amount': 99_000}}),
            ('ar.credit.group', {'ids': self.big.ids, 'vals': {'partner_ids': [[4, self.customer.id, 0]]}}),
            ('res.partner', {'ids': self.customer.ids, 'vals': {'ar_credit_group_id': self.big.id}}),
            ('res.partner', {'ids': self.customer.ids, 'vals': {'credit_limit': 99_000}}),
            ('res.partner', {'ids': self.customer.ids, 'vals': {'ar_credit_mode': 'unlimited'}}),
        )
        for user, statuses in ((self.manager, {422}), (seller, {403})):
            key = self.env['res.users.apikeys'].with_user(user).sudo()._generate(
                'rpc', "test", fields.Datetime.to_datetime('2099-12-31'))  # PostgreSQL's clock is not frozen
            for model, body in calls:
                for context in ({}, {'ar_change_is_recorded': True, 'skip_approval': True}):
                    with mute_logger('odoo.http', 'odoo.models', 'odoo.addons.base.models.ir_access'):
                        response = self.url_open(
                            f'/json/2/{model}/write', json={**body, 'context': context},
                            headers={'Authorization': f'bearer {key}'})
                    self.assertIn(response.status_code, statuses, response.text)
        self.env.invalidate_all()
        self.assertEqual((self.small.limit_amount, self.customer.credit_limit), (1_000, 1_000))
        self.assertFalse(self.customer.ar_credit_group_id)


@tagged('post_install', '-at_install')
class TestCreditGroupFollow(GroupCommon, EvaluationCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parent = cls.env['res.partner'].create({'name': "Quay Holding", 'is_company': True})

    def company_of(self, parent, name="Quay North", **vals):
        return self.env['res.partner'].create({'name': name, 'is_company': True, 'parent_id': parent.id, **vals})

    def test_a_parent_and_its_subsidiaries_share_one_limit(self):
        """Made with the parent alone; who is below it, now and later, joins by itself; contacts do not."""
        north = self.company_of(self.parent)
        contact = self.env['res.partner'].create({'name': "Ann", 'parent_id': north.id})
        group = self.group(1_000, root_id=self.parent.id)
        self.assertEqual(group.partner_ids, self.parent | north)
        yard = self.company_of(north, "Quay Yard")
        self.assertEqual(yard.ar_credit_group_id, group)
        moved = self.env['res.partner'].create({'name': "Bought", 'is_company': True})
        moved.parent_id = yard
        self.assertEqual(moved.ar_credit_group_id, group)
        self.assertFalse(contact.ar_credit_group_id)
        self.rule('over_limit')
        self.ar_invoice(600, '2026-03-01', partner=yard)
        self.assertEqual(self.ar_invoice(400, '2026-03-31', partner=contact).state, 'posted')
        with self.assertRaisesRegex(UserError, r"over the limit of \$.1,000\.00: \$.1,000\.01"):
            self.ar_invoice(0.01, '2026-03-31', partner=self.parent)

    def test_a_group_chosen_by_hand_and_a_nearer_parent_stay(self):
        group = self.group(1_000, root_id=self.parent.id)
        north = self.company_of(self.parent)
        own = self.group(500, root_id=north.id)
        yard = self.company_of(north, "Quay Yard")
        self.assertEqual((north | yard).ar_credit_group_id, own)
        self.other_customer.write({'ar_credit_group_id': self.small.id, 'is_company': True})
        self.other_customer.parent_id = self.parent
        self.assertEqual(self.other_customer.ar_credit_group_id, self.small)
        self.assertEqual(group.partner_ids, self.parent)
        with self.assertRaisesRegex(ValidationError, "is a contact of"), self.env.cr.savepoint():
            group.root_id = self.env['res.partner'].create({'name': "Ann", 'parent_id': north.id})

    def test_moving_a_company_gives_nobody_credit(self):
        """Whoever edits contacts could move a customer below a parent with room: joining is asked for instead."""
        group = self.group(9_000, root_id=self.parent.id)
        self.customer.is_company = True
        editor = self.ar_user('follow_editor', 'base.group_user,base.group_partner_manager')
        self.customer.with_user(editor).parent_id = self.parent
        self.assertFalse(self.customer.ar_credit_group_id)
        [change] = self.customer.ar_credit_change_ids.filtered('group_id')
        self.assertEqual((change.state, change.group_id, change.limit_amount), ('requested', group, 9_000))
        self.assertEqual(change.user_id, editor)
        self.run_job('ir_cron_ar_credit_nightly')  # does not ask twice, and joins nobody
        self.assertEqual(self.customer.ar_credit_change_ids.filtered('group_id'), change)
        self.assertFalse(self.customer.ar_credit_group_id)
        change.with_user(self.manager).action_approve()
        self.assertEqual(self.customer.ar_credit_group_id, group)

    def test_a_manager_lets_a_company_join_by_moving_it(self):
        group = self.group(4_000, root_id=self.parent.id)
        self.customer.is_company = True
        self.customer.with_user(self.manager).parent_id = self.parent
        self.assertEqual(self.customer.ar_credit_group_id, group)

    def test_nobody_leaves_by_itself(self):
        """It could end a shared limit that is used up: a manager decides."""
        group = self.group(1_000, root_id=self.parent.id)
        north = self.company_of(self.parent)
        north.parent_id = False
        self.assertEqual(north.ar_credit_group_id, group)
        self.run_job('ir_cron_ar_credit_nightly')
        self.assertEqual(len(group.activity_ids), 1)
        self.assertIn("Quay North is not below Quay Holding any more", group.activity_ids.summary)

    def test_the_night_finds_who_moved_unseen(self):
        group = self.group(1_000, root_id=self.parent.id)
        north = self.company_of(self.parent)
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET ar_credit_group_id = NULL WHERE id = %s", [north.id])
        self.env.invalidate_all()
        self.run_job('ir_cron_ar_credit_nightly')
        self.assertEqual(north.ar_credit_group_id, group)
