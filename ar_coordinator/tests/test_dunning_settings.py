"""Managers who are not administrators switch automatic reminders on, in their own company, and nothing else."""
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from .dunning_common import DunningCommon

WIZARD_LOG = 'odoo.addons.ar_coordinator.wizards.ar_dunning_settings'


@tagged('post_install', '-at_install')
class TestDunningSettings(DunningCommon):

    def settings(self, user):
        return Form(self.env['ar.dunning.settings'].with_user(user).with_company(self.company))

    def test_manager_switches_automatic_on(self):
        """The form shows what the company has; saving changes what was changed, and the job wakes up."""
        self.company.write({'ar_dunning_automatic': False, 'ar_dunning_quiet_days': 9, 'ar_dunning_daily_cap': 0})
        self.assertFalse(self.manager.has_group('base.group_system'))
        with self.assertRaises(AccessError):
            self.company.with_user(self.manager).ar_dunning_automatic = True
        form = self.settings(self.manager)
        self.assertEqual((form.ar_dunning_quiet_days, form.ar_dunning_policy_id), (9, self.policy))
        form.ar_dunning_automatic = True
        form.ar_dunning_daily_cap = 40
        with patch(f'{WIZARD_LOG}._logger.info') as log:
            form.save().action_save()
        self.assertEqual(log.call_args.args[1:], (
            self.company.name, 'dunning_manager', {'ar_dunning_automatic': True, 'ar_dunning_daily_cap': 40}))
        self.assertRecordValues(self.company, [{
            'ar_dunning_automatic': True, 'ar_dunning_daily_cap': 40, 'ar_dunning_quiet_days': 9,
            'ar_dunning_policy_id': self.policy.id}])
        self.assertTrue(self.env.ref('ar_coordinator.ir_cron_ar_dunning_run').active)

    def test_others_may_not(self):
        for user in (self.clerk, self.reader):
            with self.assertRaises(AccessError):
                self.env['ar.dunning.settings'].with_user(user).create({})

    def test_not_for_another_company(self):
        other = self.setup_other_company()['company']
        settings = self.env['ar.dunning.settings'].with_user(self.manager).create({'ar_dunning_automatic': True})
        settings.sudo().company_id = other
        with self.assertRaises(AccessError):
            settings.action_save()
        self.assertFalse(other.ar_dunning_automatic)

    def test_values_are_checked(self):
        for name, value in (
            ('ar_dunning_daily_cap', -1), ('ar_dunning_bank_days', -1), ('ar_dunning_breaker_percent', 101),
            ('ar_dunning_breaker_factor', -0.5), ('ar_dunning_quiet_days', -1),
        ):
            form = self.settings(self.manager)
            form[name] = value
            with self.subTest(name=name), self.assertRaises(ValidationError):
                form.save().action_save()
