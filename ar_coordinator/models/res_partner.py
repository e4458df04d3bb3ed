"""Who looks after a customer's receivables. Company-dependent; nothing that depends on today is stored."""
from odoo import fields, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_collector_id = fields.Many2one(
        comodel_name='res.users', string="Collector", company_dependent=True, domain=[('share', '=', False)],
        groups='ar_coordinator.group_ar_base', help="Works this customer's open items, in this company.")
