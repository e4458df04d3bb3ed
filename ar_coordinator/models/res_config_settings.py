"""Receivables settings of the current company, on Odoo's settings screen."""
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_dunning_policy_id = fields.Many2one(related='company_id.ar_dunning_policy_id', readonly=False)
    ar_dunning_automatic = fields.Boolean(related='company_id.ar_dunning_automatic', readonly=False)
    ar_dunning_approval = fields.Boolean(related='company_id.ar_dunning_approval', readonly=False)
    ar_dunning_quiet_days = fields.Integer(related='company_id.ar_dunning_quiet_days', readonly=False)
    ar_dunning_net_credits = fields.Boolean(related='company_id.ar_dunning_net_credits', readonly=False)
    ar_dunning_minimum_amount = fields.Monetary(
        related='company_id.ar_dunning_minimum_amount', readonly=False)
    ar_dunning_snailmail = fields.Boolean(related='company_id.ar_dunning_snailmail', readonly=False)
    ar_dunning_bank_days = fields.Integer(related='company_id.ar_dunning_bank_days', readonly=False)
    ar_dunning_bank_lines = fields.Selection(related='company_id.ar_dunning_bank_lines', readonly=False, required=True)
    ar_dunning_daily_cap = fields.Integer(related='company_id.ar_dunning_daily_cap', readonly=False)
    ar_dunning_breaker_percent = fields.Integer(related='company_id.ar_dunning_breaker_percent', readonly=False)
    ar_dunning_breaker_factor = fields.Float(related='company_id.ar_dunning_breaker_factor', readonly=False)
    ar_dunning_working_hours = fields.Boolean(related='company_id.ar_dunning_working_hours', readonly=False)
    ar_interest_scheme = fields.Selection(related='company_id.ar_interest_scheme', readonly=False)
    ar_interest_points = fields.Float(related='company_id.ar_interest_points', readonly=False)
    ar_interest_compensation = fields.Boolean(related='company_id.ar_interest_compensation', readonly=False)
