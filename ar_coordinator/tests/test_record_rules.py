"""Record rules hold after a write too: nobody moves a record to a company or an owner he has no access to."""
from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .credit_common import CreditCommon

NEVER_MOVED = {'ar.dispute.report'}  # a view


@tagged('post_install', '-at_install')
class TestRecordRules(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.setup_other_company(name="AR branch")['company']
        cls.stranger = new_test_user(
            cls.env, login='rules_stranger', groups='ar_coordinator.group_ar_user', company_id=cls.branch.id,
            company_ids=[Command.set(cls.branch.ids)])

    def assert_stays(self, record, vals):
        """`vals` are refused by the record rules, and would not have been before the write."""
        record.check_access('write')
        self.env.flush_all()
        with self.subTest(model=record._name, vals=vals):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                record.write(vals)
            self.env.invalidate_all()
            record.check_access('write')

    def test_every_model_with_rules_and_writers_is_guarded(self):
        rules = self.env['ir.rule'].search([('model_id.model', '=like', 'ar.%')]).model_id.mapped('model')
        writers = set(self.env['ir.model.access'].search(
            [('model_id.model', 'in', rules), ('perm_write', '=', True)]).model_id.mapped('model'))
        models = [
            name for name in writers - NEVER_MOVED
            if self.env[name]._module == 'ar_coordinator' and not self.env[name]._transient]
        self.assertGreater(len(models), 35)
        for name in models:
            self.assertIn('ar.guard', self.env[name]._inherit_module, name)

    def test_records_of_clerks_stay_in_their_company(self):
        for model, vals in (
            ('ar.write.off', {'partner_id': self.customer.id, 'reason': "Small"}),
            ('ar.statement.run', {}),
            ('ar.dunning.run', {}),
            ('ar.credit.change', {
                'partner_id': self.customer.id, 'mode': 'limited', 'limit_amount': 5, 'reason': "Please"}),
            ('ar.pause', {'partner_id': self.customer.id, 'reason': "Talks", 'date_end': '2026-04-30'}),
        ):
            record = self.env[model].with_user(self.clerk).create({'company_id': self.company.id, **vals})
            self.assert_stays(record, {'company_id': self.branch.id})

    def test_records_of_managers_stay_in_their_company(self):
        company = {'company_id': self.company.id}
        both = self.ar_user('rules_both', 'ar_coordinator.group_ar_user')
        both.company_ids += self.branch
        for model, vals in (
            ('ar.write.off.limit', {'user_id': self.clerk.id, 'amount_alone': 10}),
            ('ar.credit.approver', {'user_id': self.other_manager.id}),
            ('ar.payer.alias', {'payer': "ACME X", 'partner_id': self.customer.id}),
            ('ar.provision', {}),
            ('ar.kpi.target', {'value': 10}),
            ('ar.worklist.rule', {'name': "Late"}),
            ('ar.call.script', {'name': "First", 'body': "Ask"}),
            ('ar.collector.rule', {'name': "North", 'collector_ids': [Command.set(both.ids)]}),
            ('ar.month.end.pack', {'date_to': '2026-02-28'}),
            ('ar.credit.class', {'name': "Class", 'limit_amount': 100}),
            ('ar.dispute.department', {'name': "Quality"}),
            ('ar.dunning.policy', {'name': "Own"}),
        ):
            record = self.env[model].with_user(self.manager).create({**company, **vals})
            self.assert_stays(record, {'company_id': self.branch.id})

    def test_a_line_has_the_company_of_its_parent(self):
        """Neither the parent of another company, nor a company that is not the parent's."""
        manager, date = self.manager, '2026-03-01'
        own = self.env['ar.provision'].create({'company_id': self.company.id, 'date': date})
        theirs = self.env['ar.provision'].create({'company_id': self.branch.id, 'date': date})
        individual = self.env['ar.provision.individual'].with_user(manager).create({
            'provision_id': own.id, 'partner_id': self.customer.id, 'company_id': self.branch.id})
        self.assertEqual(individual.company_id, self.company)
        self.assert_stays(individual, {'provision_id': theirs.id})
        individual.write({'company_id': self.branch.id, 'note': "Noted"})
        self.assertEqual((individual.company_id, individual.note), (self.company, "Noted"))
        for context in ({}, {'default_company_id': self.company.id}):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                individual.with_context(**context).create({
                    'provision_id': theirs.id, 'partner_id': self.customer.id, 'company_id': self.company.id})

    def test_nobody_makes_himself_a_managers_substitute(self):
        absence = self.env['ar.collector.absence'].with_user(self.clerk).create({
            'user_id': self.clerk.id, 'substitute_id': self.other_manager.id,
            'date_from': '2026-03-31', 'date_to': '2026-12-31'})
        self.assert_stays(absence, {'user_id': self.manager.id, 'substitute_id': self.clerk.id})
        absence.with_user(self.manager).user_id = self.other_manager.id  # managers plan for everybody
        self.assertEqual(absence.user_id, self.other_manager)

    def test_nobody_plants_a_default_filter(self):
        one = self.env['ar.report.filter'].with_user(self.reader).create({
            'name': "Mine", 'report': 'ar.aging.report', 'options': {'columns': ['total']}, 'is_default': True})
        self.assert_stays(one, {'user_id': self.manager.id})
        one.is_shared = True
        shared = one.with_user(self.manager)
        self.assert_stays(shared, {'user_id': self.clerk.id})
        shared.is_shared = False  # what was shared may be taken back by a manager
        self.assertFalse(one.is_shared)

    def test_other_writes_and_companies_of_their_own_go_on(self):
        self.manager.company_ids += self.branch
        targets = self.env['ar.kpi.target'].with_user(self.manager).with_context(
            allowed_company_ids=[self.company.id, self.branch.id])
        target = targets.create({'company_id': self.company.id, 'value': 10})
        target.company_id = self.branch
        self.assertEqual(target.company_id, self.branch)
