"""Who stands above a salesperson: the leader of the sales team."""
from odoo import models


class ArEscalationStep(models.Model):
    _inherit = 'ar.escalation.step'

    def _get_sales_leader(self, salesperson, company):
        """Override: the leader of the salesperson's team in the company, unless that is the salesperson."""
        teams = salesperson.crm_team_ids.filtered(lambda team: team.company_id in (company, company.browse()))
        leaders = teams.sorted(lambda team: not team.company_id).user_id - salesperson
        return leaders[:1] or super()._get_sales_leader(salesperson, company)
