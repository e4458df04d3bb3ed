"""Settings of cash application."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_cash_automatic = fields.Boolean(
        string="Apply Cash Automatically",
        help="Payments whose customer and items are sure enough are matched by themselves.")
    ar_cash_threshold = fields.Float(
        string="Confidence to Apply (%)", default=95.0, digits=(5, 1),
        help="What is less sure waits for somebody. A payment that can be read in two ways always waits.")
    ar_cash_fee = fields.Monetary(
        string="Largest Bank Fee", help="A payment short by no more than this is taken for one the bank kept a fee of.")
    ar_cash_fee_account_id = fields.Many2one(
        comodel_name='account.account', string="Account for Bank Fees", ondelete='set null',
        domain="[('account_type', 'in', ('expense', 'expense_other', 'expense_direct_cost'))]")

    @api.constrains('ar_cash_threshold', 'ar_cash_fee')
    def _check_ar_cash(self):
        for company in self:
            if not 50 < company.ar_cash_threshold <= 100:
                raise ValidationError(self.env._(
                    "%(company)s: the confidence to apply cash is above 50 and at most 100.", company=company.name))
            if company.ar_cash_fee < 0:
                raise ValidationError(self.env._("%s: the largest bank fee cannot be negative.", company.name))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_cash_automatic = fields.Boolean(related='company_id.ar_cash_automatic', readonly=False)
    ar_cash_threshold = fields.Float(related='company_id.ar_cash_threshold', readonly=False)
    ar_cash_fee = fields.Monetary(
        related='company_id.ar_cash_fee', readonly=False, currency_field='currency_id')
    ar_cash_fee_account_id = fields.Many2one(related='company_id.ar_cash_fee_account_id', readonly=False)
