"""Fixtures of the credit tests: Tuesday 2026-03-31, a limited customer, a clerk and two managers."""
from freezegun import freeze_time

from .common import ArCommon


class CreditCommon(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-03-31 12:00:00'))
        cls.env['ar.credit.rule'].search([]).action_archive()  # each test has the rules it is about
        cls.company.write({'ar_credit_check_posting': True, 'ar_credit_include_drafts': False})
        cls.customer.credit_limit = 1_000
        cls.clerk = cls.ar_user('credit_clerk', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('credit_manager', 'ar_coordinator.group_ar_manager')
        cls.other_manager = cls.ar_user('credit_manager_2', 'ar_coordinator.group_ar_manager')
        cls.reader = cls.ar_user('credit_reader', 'ar_coordinator.group_ar_readonly')
        cls.biller = cls.ar_user('credit_biller', 'account.group_account_invoice')

    @classmethod
    def rule(cls, kind, action='hold', **vals):
        """A rule of the test company."""
        return cls.env['ar.credit.rule'].create({
            'name': kind, 'kind': kind, 'action': action, 'company_id': cls.company.id, **vals})

    def facts(self, partner=None, company=None):
        """The facts of one customer."""
        partner = partner or self.customer
        return self.env['ar.credit.rule']._get_facts(partner, company or self.company)[partner.id]

    def hold(self, partner=None, user=None, **vals):
        """A hold placed by hand."""
        return self.env['ar.credit.hold'].with_user(user or self.clerk).create({
            'partner_id': (partner or self.customer).id, 'company_id': self.company.id, 'reason': "Rumours", **vals})
