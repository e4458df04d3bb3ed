"""Whether quotations are part of the exposure, per company."""
from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_credit_include_quotations = fields.Boolean(
        string="Count Quotations", help="Quotations that were sent and are still valid are part of the exposure.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_credit_include_quotations = fields.Boolean(
        related='company_id.ar_credit_include_quotations', readonly=False)
