"""Credit settings of a company; its default limit and the default mode of its customers go together."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_credit_check_posting = fields.Boolean(
        string="Check Invoices", help="Customer invoices of customers on hold cannot be posted without a release.")
    ar_credit_include_drafts = fields.Boolean(
        string="Count Draft Invoices", help="Draft customer invoices are part of the exposure.")
    ar_credit_exclude_our_fault = fields.Boolean(
        string="Leave Out What Is Our Fault", default=True,
        help="What is disputed for a reason that is our fault is neither exposure nor overdue for the credit rules.")
    ar_credit_approval_amount = fields.Monetary(
        string="Limits to Approve above", help="A higher limit needs a second person. 0: none does.")
    ar_credit_notify = fields.Boolean(
        string="Tell Salesperson and Collector", default=True, help="By mail, when rules hold or free their customers.")
    ar_release_tolerance = fields.Float(
        string="Release Tolerance (%)", digits=(5, 2), default=5.0,
        help="A released document may grow by this much, unless the customer's risk class says otherwise.")

    ar_credit_application_online = fields.Boolean(
        string="Applications Online", default=True,
        help="Customers find the credit application on the home page of the portal.")

    @api.constrains('ar_release_tolerance', 'ar_credit_approval_amount')
    def _check_ar_credit(self):
        for company in self:
            if company.ar_credit_approval_amount < 0:
                raise ValidationError(self.env._("%s: the amount from which limits are approved cannot be negative.",
                                                 company.name))
            if not 0 <= company.ar_release_tolerance <= 100:
                raise ValidationError(self.env._(
                    "%(company)s: the release tolerance is between 0 and 100 %%, not %(percent)s.",
                    company=company.name, percent=company.ar_release_tolerance))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_credit_check_posting = fields.Boolean(related='company_id.ar_credit_check_posting', readonly=False)
    ar_credit_include_drafts = fields.Boolean(related='company_id.ar_credit_include_drafts', readonly=False)
    ar_credit_exclude_our_fault = fields.Boolean(related='company_id.ar_credit_exclude_our_fault', readonly=False)
    ar_credit_approval_amount = fields.Monetary(related='company_id.ar_credit_approval_amount', readonly=False)
    ar_credit_notify = fields.Boolean(related='company_id.ar_credit_notify', readonly=False)
    ar_release_tolerance = fields.Float(related='company_id.ar_release_tolerance', readonly=False)
    ar_credit_application_online = fields.Boolean(
        related='company_id.ar_credit_application_online', readonly=False)

    def _inverse_account_default_credit_limit(self):
        """Override: with a default limit, customers without one of their own are limited to it; without, unlimited."""
        modes = {
            setting.company_id: 'limited' if setting.account_default_credit_limit else 'unlimited' for setting in self}
        result = super()._inverse_account_default_credit_limit()
        for company, mode in modes.items():
            self.env['ir.default'].set('res.partner', 'ar_credit_mode', mode, company_id=company.id)
        return result
