"""The first-run guide: from an installed addon to a first preview, for managers, without being in anybody's way."""
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from odoo.addons.mail.tests.common import MailCase

from .common import ArCommon


class FirstRunCase(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.ar_user('ar_first_manager', 'ar_coordinator.group_ar_manager')
        cls.manager.email = 'manager@example.com'
        cls.company.partner_id.write({'email': False, 'street': False})

    def _steps(self, user=None):
        data = self.env['ar.first.run'].with_user(user or self.manager).get_data()
        return {step['key']: step['done'] for step in data['steps']}

    def _open(self, key, user=None):
        steps = self.env['onboarding.onboarding.step'].with_user(user or self.manager)
        return getattr(steps, f'action_open_step_ar_{key}')()


@tagged('post_install', '-at_install')
class TestFirstRun(FirstRunCase):

    def test_steps_follow_the_data(self):
        self.assertEqual(self._steps(), dict.fromkeys(('company', 'mail', 'policy', 'collector', 'preview'), False))
        self.company.partner_id.write({
            'email': 'ar@example.com', 'street': "1 Main St", 'city': "Springfield",
            'country_id': self.env.ref('base.us').id})
        self.customer.ar_collector_id = self.manager
        self.assertEqual(self._steps(), {
            'company': True, 'mail': False, 'policy': False, 'collector': True, 'preview': False})

    def test_policy_is_done_once_looked_at_in_this_company_only(self):
        action = self._open('policy')
        self.assertEqual(action['res_id'], self.company.ar_dunning_policy_id.id)
        self.assertTrue(self._steps()['policy'])
        other = self.env['res.company'].create({'name': "Other"})
        self.manager.company_ids += other
        there = self.env['ar.first.run'].with_user(self.manager).with_company(other).get_data()
        self.assertFalse(any(step['done'] for step in there['steps'] if step['key'] == 'policy'))

    def test_preview_opens_the_run_that_waits(self):
        self.ar_invoice(100, '2026-01-05', '2026-02-05')
        first = self._open('preview')
        run = self.env['ar.dunning.run'].browse(first['res_id'])
        self.assertEqual((run.state, run.company_id, len(run.letter_ids)), ('preview', self.company, 1))
        self.assertTrue(self._steps()['preview'])
        self.assertEqual(self._open('preview')['res_id'], run.id, "not a second one")

    def test_company_data_are_for_administrators(self):
        with self.assertRaisesRegex(UserError, "changed by an administrator"):
            self._open('company')
        admin = self.env.ref('base.user_admin')
        self.assertEqual(self._open('company', admin)['res_id'], admin.company_id.id)

    def test_collectors_are_for_those_who_change_customers(self):
        with self.assertRaisesRegex(UserError, "may not change customers"):
            self._open('collector')
        self.manager.group_ids += self.env.ref('base.group_partner_manager')
        self.assertEqual(self._open('collector')['res_model'], 'res.partner')

    def test_closed_per_company_and_shown_again(self):
        guide = self.env['ar.first.run'].with_user(self.manager)
        self.assertFalse(guide.get_data()['closed'])
        guide.set_closed(True)
        self.assertTrue(guide.get_data()['closed'])
        guide.set_closed(False)
        self.assertFalse(guide.get_data()['closed'])

    def test_roles(self):
        """Those who don't configure see no steps and can take none."""
        for login, group in (
                ('ar_first_user', 'ar_coordinator.group_ar_user'),
                ('ar_first_reader', 'ar_coordinator.group_ar_readonly'),
                ('ar_first_sales', 'base.group_user')):
            user = self.ar_user(login, group)
            self.assertFalse(self._steps(user))
            for key in ('company', 'mail', 'policy', 'collector', 'preview'):
                with self.assertRaises(AccessError):
                    self._open(key, user)
            with self.assertRaises(AccessError):
                self.env['ar.first.run'].with_user(user).set_closed(True)

    def test_guide_deleted_by_an_administrator(self):
        self.env.ref('ar_coordinator.ar_first_run').unlink()
        self.assertFalse(self._steps())
        self._open('policy')  # no error


@tagged('post_install', '-at_install')
class TestFirstRunMail(FirstRunCase, MailCase):

    def _wizard(self, **values):
        return self.env['ar.first.run.mail'].with_user(self.manager).create(values)

    def test_sample_goes_to_oneself_and_nobody_else(self):
        self.company.partner_id.email = 'ar@example.com'
        wizard = self._wizard()
        self.assertEqual((wizard.email_to, wizard.warning), ('manager@example.com', False))
        self.assertIn('ar@example.com', wizard.email_from)
        with self.mock_mail_gateway():
            wizard.action_send()
        [mail] = self._mails
        self.assertEqual(mail['email_to'], ['manager@example.com'])
        self.assertIn('ar@example.com', mail['email_from'])
        self.assertTrue(self._steps()['mail'])
        self.assertFalse(self.env['ar.dunning.letter'].search_count([]))

    def test_dead_mail_server_is_said(self):
        refused = OSError("Connection refused")
        server = self.env.registry['ir.mail_server']
        with self.mock_mail_gateway(), patch.object(server, '_connect__', side_effect=refused), \
                self.assertRaisesRegex(UserError, "did not leave.*refused.*outgoing mail server"):
            self._wizard().action_send()
        self.assertFalse(self._steps()['mail'])

    def test_rubbish_address_and_no_policy(self):
        with self.assertRaisesRegex(UserError, "not an e-mail address"):
            self._wizard(email_to="nobody").action_send()
        self.company.ar_dunning_policy_id = False
        with self.assertRaisesRegex(UserError, "no default dunning policy"):
            self._wizard().action_send()

    def test_company_without_address_is_warned(self):
        self.assertIn("has no e-mail address", self._wizard().warning)


@tagged('post_install', '-at_install')
class TestFirstRunTour(FirstRunCase, HttpCase):

    def test_first_steps(self):
        """Five steps from the menu to a preview in one go."""
        self.manager.group_ids += self.env.ref('base.group_partner_manager')
        self.ar_invoice(250, '2026-01-05', '2026-02-05')
        self.start_tour('/odoo/ar-first-steps', 'ar_first_steps', login='ar_first_manager')
        run = self.env['ar.dunning.run'].search([('company_id', '=', self.company.id)])
        self.assertEqual((run.state, run.letter_ids.amount_total), ('preview', 250))
        self.assertEqual(self.customer.ar_collector_id, self.manager)
