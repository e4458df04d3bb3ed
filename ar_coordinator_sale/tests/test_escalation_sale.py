"""Escalations reach the leader of the salesperson's team."""
from odoo import Command
from odoo.tests import tagged

from odoo.addons.ar_coordinator.tests.common import ArCommon


@tagged('post_install', '-at_install')
class TestEscalationSale(ArCommon):

    def test_leader_of_the_sales_team(self):
        """The leader of the team in the company; of a leader's own customers a receivables manager is told."""
        seller, leader, manager = (self.ar_user(f'escalation_{name}', groups) for name, groups in (
            ('seller', 'sales_team.group_sale_salesman'), ('leader', 'sales_team.group_sale_manager'),
            ('manager', 'ar_coordinator.group_ar_manager')))
        self.company.ar_dispute_manager_id = manager
        self.env['crm.team'].sudo().create({
            'name': "Coast", 'user_id': leader.id, 'company_id': self.company.id,
            'member_ids': [Command.set((seller + leader).ids)]})
        step = self.env['ar.escalation.path'].create({
            'name': "Path", 'company_id': self.company.id,
            'step_ids': [Command.create({'name': "Step", 'days': 30, 'to': 'sales_leader'})]}).step_ids
        self.customer.user_id = seller
        self.assertEqual(step._find_user(self.customer, self.company), (leader, False))
        self.customer.user_id = leader
        self.assertEqual(step._find_user(self.customer, self.company), (manager, True))
