"""Fixtures of the tests of promises: Wednesday 2026-06-10, a clerk, short helpers."""
from freezegun import freeze_time

from odoo.addons.mail.tests.common import MailCommon

from .common import ArCommon

TODAY = '2026-06-10'


class PromiseCommon(ArCommon, MailCommon):

    @classmethod
    def default_env_context(cls):
        return {}  # mail features on

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(f'{TODAY} 12:00:00'))
        cls.company.write({
            'ar_promise_tolerance_days': 1, 'ar_plan_grace_days': 5, 'ar_plan_offer_days': 14,
            'email': 'ar@company.example.com', 'ar_dunning_minimum_amount': 0, 'ar_dunning_working_hours': False,
            'ar_dunning_policy_id': cls.env.ref('ar_coordinator.ar_dunning_policy_default').id})
        (cls.customer + cls.other_customer).write({'lang': 'en_US', 'street': "Quay 1", 'city': "Harbourtown"})
        cls.collector = cls.ar_user('promise_collector', 'ar_coordinator.group_ar_user')
        cls.clerk = cls.ar_user('promise_clerk', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('promise_manager', 'ar_coordinator.group_ar_manager')
        cls.reader = cls.ar_user('promise_reader', 'ar_coordinator.group_ar_readonly')
        cls.customer.with_company(cls.company).ar_collector_id = cls.collector

    @classmethod
    def ar_promise(cls, moves, date, amounts=None, user=None, **kwargs):
        """A promise about all open items of `moves`, noted down by the clerk."""
        items = cls.ar_lines(moves).filtered(lambda item: not item.reconciled)
        return cls.env['ar.promise'].with_user(user or cls.clerk)._promise(
            items.with_user(user or cls.clerk), date, amounts, **kwargs)

    def ar_commit(self):
        """What happens right before a transaction is committed."""
        self.env.flush_all()
        self.env.cr.precommit.run()

    def ar_night(self, day):
        """The job that judges, at noon of `day`."""
        with freeze_time(f'{day} 12:00:00'), self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_promise').method_direct_trigger()
        self.env.invalidate_all()

    def ar_tasks(self, record):
        """The open tasks because of broken promises on a record."""
        return record.sudo().activity_ids.filtered(
            lambda task: task.activity_type_id == self.env.ref('ar_coordinator.ar_activity_broken_promise'))
