"""Attacks that an audit thought of, one test each: what is tried, and that it gets nobody anywhere."""
import csv
import io
from contextlib import nullcontext

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..models.ar_hand_over_file import _make_csv
from ..models.res_partner import DESK_FIELDS
from .desk_common import DeskCommon

QUIET = ('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule', 'odoo.models')


@tagged('post_install', '-at_install')
class TestAttacks(DeskCommon):
    OURS = ('ar_coordinator', 'ar_coordinator_sale', 'ar_coordinator_stock')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(mute_logger(*QUIET))  # refusals are what is tested
        cls.reader = cls.ar_user(
            'attack_reader', 'ar_coordinator.group_ar_readonly,base.group_partner_manager')
        cls.boss = cls.ar_user('attack_manager', 'ar_coordinator.group_ar_manager,base.group_partner_manager')
        cls.other_company = cls.setup_other_company()['company']
        cls.stranger = cls.ar_user('attack_stranger', 'ar_coordinator.group_ar_manager')
        cls.stranger.write({'company_ids': [Command.set(cls.other_company.ids)], 'company_id': cls.other_company.id})

    # === WHAT READERS CHANGE === #

    def test_a_reader_who_may_write_contacts_treats_no_customer_otherwise(self):
        """By writing, creating, defaults of the context, or an import."""
        values = {
            'ar_cash_short_action': 'dispute', 'ar_cash_over_action': 'refund', 'ar_is_statement_contact': True,
            'ar_statement_kind': 'activity', 'ar_statement_frequency': 'none', 'ar_note': "x",
            'ar_statement_with_subsidiaries': True, 'ar_collector_id': self.reader.id,
            'ar_credit_review_date': '2030-01-01', 'ar_dunning_policy_id': False, 'ar_credit_class_id': False,
            'ar_cash_short_reason_id': False}
        self.assertEqual(set(values), DESK_FIELDS)
        customer = self.customer.with_user(self.reader)
        partners = self.env['res.partner'].with_user(self.reader)
        customer.comment = "readers may write contacts, if they are given that"
        for name, value in values.items():
            with self.subTest(field=name):
                with self.assertRaises(AccessError):
                    customer.write({name: value})
                with self.assertRaises(AccessError) if value else nullcontext():
                    partners.create({'name': "New", name: value})
        made = partners.with_context(
            default_ar_is_statement_contact=True, default_ar_cash_over_action='refund').create({'name': "New"})
        self.assertFalse(made.ar_is_statement_contact or made.ar_cash_over_action)
        result = partners.load(['name', 'ar_cash_over_action'], [["New", "Ask to pay it back"]])
        self.assertFalse(result['ids'])
        self.assertTrue(result['messages'])
        self.assertTrue(partners.fields_get(['ar_note'])['ar_note']['readonly'])
        self.customer.with_user(self.boss).ar_cash_over_action = 'refund'

    def test_readers_and_others_make_contacts_with_the_form(self):
        """Forms send fields nobody filled in, copies what is not seen: whoever may make contacts still can."""
        others = self.ar_user('attack_contacts', 'base.group_user,base.group_partner_manager')
        for user in (self.reader, others):
            with Form(self.env['res.partner'].with_user(user)) as form:
                form.name = user.login
            self.assertEqual(form.record.name, user.login)
            self.customer.sudo().write({'ar_is_statement_contact': True, 'ar_cash_over_action': 'refund'})
            self.assertFalse(self.customer.with_user(user).copy().sudo().ar_is_statement_contact)

    def test_an_administrator_without_accounting_makes_users(self):
        """Odoo gives new users the defaults of contacts as values; a credit he chooses is refused as ever."""
        administrator = self.ar_user('attack_admin', 'base.group_system,base.group_partner_manager')
        users = self.env['res.users'].with_user(administrator)
        made = users.create({'name': "New", 'login': 'attack_new'})
        self.assertEqual(made.copy().partner_id.sudo().ar_credit_mode, 'unlimited')
        for mode in ('none', 'limited'):
            with self.assertRaises(AccessError):
                users.create({'name': "New", 'login': 'attack_other', 'ar_credit_mode': mode})

    def test_no_copy_needs_our_rights(self):
        """Odoo copies a field whether the user may read it or not, and fails: what has groups is not copied."""
        self.assertFalse([
            field for model in self.env.registry.values() if not model._name.startswith('ar.') and not model._abstract
            for field in model._fields.values()
            if field._module in self.OURS and field.groups and field.copy and field.store])

    def test_who_changes_how_a_customer_is_treated_is_on_record(self):
        customer = self.customer.with_user(self.boss)
        customer.with_context(tracking_disable=False, mail_notrack=False).write({
            'ar_cash_over_action': 'refund', 'ar_is_statement_contact': True, 'ar_is_receivables_contact': True})
        self.flush_tracking()
        tracked = self.customer.message_ids.sudo().tracking_value_ids.field_id.mapped('name')
        self.assertLessEqual(
            {'ar_cash_over_action', 'ar_is_statement_contact', 'ar_is_receivables_contact'}, set(tracked))

    # === E-MAIL ADDRESSES === #

    def test_a_manager_lets_no_address_make_records_in_another_company(self):
        """Neither by default values, nor by taking over the alias of its record, nor by a default of the context."""
        for name in ('ar.cash.inbox', 'ar.dispute.department'):
            foreign = self.env[name].sudo().create({
                'name': "Theirs", 'company_id': self.company.id, 'alias_name': f'theirs-{name}'.replace('.', '-')})
            inboxes = self.env[name].with_user(self.stranger)
            own = inboxes.create({
                'name': "Ours", 'company_id': self.other_company.id, 'alias_name': f'ours-{name}'.replace('.', '-')})
            before = own.sudo().alias_id.alias_defaults
            self.assertIn(f"'company_id': {self.other_company.id}", before)
            evil = repr({'company_id': self.company.id})
            for vals in ({'alias_defaults': evil}, {'alias_id': foreign.alias_id.id}):
                with self.subTest(model=name, vals=vals):
                    with self.assertRaises(AccessError):
                        own.write(vals)
                    with self.assertRaises(AccessError):
                        inboxes.create({'name': "Ours", 'company_id': self.other_company.id, **vals})
            made = inboxes.with_context(
                default_alias_id=foreign.alias_id.id, default_alias_defaults=evil).create({
                    'name': "More", 'company_id': self.other_company.id,
                    'alias_name': f'more-{name}'.replace('.', '-')})
            self.assertNotEqual(made.sudo().alias_id, foreign.alias_id)
            self.assertIn(f"'company_id': {self.other_company.id}", made.sudo().alias_id.alias_defaults)
            self.assertEqual(own.sudo().alias_id.alias_defaults, before)
            own.alias_name = f'moved-{name}'.replace('.', '-')
            self.assertEqual(own.sudo().alias_id.alias_defaults, before, "a new name makes nothing else")

    # === FILES === #

    def test_no_exported_text_is_a_formula(self):
        """Agencies' lists and the records saved before uninstalling, by one helper; numbers stay numbers."""
        evil = ("=1+1", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "|calc", "%x", "\uff1d1+1")
        wizard = self.env['base.module.uninstall']
        for text in evil:
            [[cell]] = csv.reader(io.StringIO(_make_csv((text,), ()).decode('utf-8-sig')), delimiter=';')
            self.assertEqual(cell, "'" + text)
            self.assertEqual(wizard._ar_as_text(text), "'" + text)
            self.assertEqual(wizard._ar_as_text((7, text)), "'" + text)
        for text in ("-12.50", "1,000.00", "Ada = Bo"):
            self.assertEqual(wizard._ar_as_text(text), text)

    # === RECORDS THAT OTHERS RELY ON === #

    def test_deleted_standard_records_have_clear_consequences(self):
        reasons = self.env['ar.dispute.reason']
        unclear = self.env.ref('ar_coordinator.dispute_reason_unclear')
        self.assertEqual(reasons._get_standard(), unclear)
        with self.assertRaises(UserError):
            unclear.unlink()
        self.env['ir.model.data'].search([('module', '=', 'ar_coordinator'), ('name', '=', unclear.get_external_id(
        )[unclear.id].split('.')[1])]).unlink()
        self.assertTrue(reasons._get_standard(), "the first there is stands in")
        self.env['mail.template'].browse(self.env.ref('ar_coordinator.mail_template_ar_statement').id).sudo().unlink()
        line = self.env['ar.statement.run.line'].new({'company_id': self.company.id})
        with self.assertRaises(UserError):
            line._get_template()
