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

    ar_cash_mail_server = fields.Char(
        string="Mail Server That Checks Senders",
        help="The name your own mail server writes into the header Authentication-Results, for instance"
             " mx.example.com. Advices by e-mail that it vouches for (DMARC or DKIM of the sender's domain) count as"
             " the customer's own word. It must remove headers of that name from what comes in. Empty: no e-mail does.")

    ar_cash_rate_tolerance = fields.Float(
        string="Difference of Exchange Rates (%)", default=2.0, digits=(5, 2),
        help="How far the rate a customer paid at may be from the rate of the day. Up to there an item in another"
             " currency counts as paid, and what is left is an exchange difference.")
    ar_cash_registered_days = fields.Integer(
        string="Days a Registered Payment Waits", default=14,
        help="For so many days around its date, a registered payment is taken for a bank transaction of the same"
             " customer and amount.")

    @api.constrains('ar_cash_rate_tolerance', 'ar_cash_registered_days')
    def _check_ar_cash_rates(self):
        for company in self:
            if not 0 <= company.ar_cash_rate_tolerance <= 20:
                raise ValidationError(self.env._(
                    "%s: rates may differ by 0 to 20 %% from the rate of the day.", company.name))
            if not 0 <= company.ar_cash_registered_days <= 366:
                raise ValidationError(self.env._(
                    "%s: a registered payment waits for 0 to 366 days.", company.name))

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
    ar_cash_mail_server = fields.Char(related='company_id.ar_cash_mail_server', readonly=False)
    ar_cash_fee_account_id = fields.Many2one(related='company_id.ar_cash_fee_account_id', readonly=False)
    ar_cash_rate_tolerance = fields.Float(related='company_id.ar_cash_rate_tolerance', readonly=False)
    ar_cash_registered_days = fields.Integer(related='company_id.ar_cash_registered_days', readonly=False)
