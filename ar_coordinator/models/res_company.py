"""Receivables settings of a company, and its own calendar day."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dunning_policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', string="Default Dunning Policy", ondelete='restrict',
        domain="[('company_id', 'in', (False, id))]",
        default=lambda self: self.env.ref('ar_coordinator.ar_dunning_policy_default', raise_if_not_found=False),
        help="For customers without a policy of their own. Empty: only those with one are reminded.")
    ar_dunning_automatic = fields.Boolean(
        string="Send Reminders Automatically", help="Evaluate and send a dunning run every day.")
    ar_dunning_approval = fields.Boolean(
        string="Approve Runs", help="A manager approves each dunning run before it is sent, the automatic ones too.")
    ar_dunning_quiet_days = fields.Integer(
        string="Quiet Days", default=7, help="A customer gets no further reminder within so many days of the last one.")
    ar_dunning_minimum_amount = fields.Monetary(
        string="Minimum Amount", help="Messages that ask for less than this, in company currency, are held back.")

    ar_dunning_net_credits = fields.Boolean(
        string="Deduct Unmatched Credits", default=True,
        help="Payments and credit notes not matched yet are deducted from what letters ask for. Off: letters ask for "
             "the items in full and name them; a customer whose credits cover everything gets no letter either way.")

    ar_import_journal_id = fields.Many2one(
        comodel_name='account.journal', string="Journal for Imported Invoices", ondelete='set null',
        help="Sales journal of the receivables history; its numbers are the customers' invoice numbers.")
    ar_import_settlement_journal_id = fields.Many2one(
        comodel_name='account.journal', string="Journal for Imported Settlements", ondelete='set null')

    ar_interest_scheme = fields.Selection(
        selection=[
            ('none', "None"), ('eu', "EU: directive 2011/7/EU"), ('uk', "UK: Late Payment Act 1998"),
        ],
        string="Late-Payment Interest", default='none', required=True,
        help="The law under which letters claim interest, at the levels that are set to claim it. "
             "It is for dealings between businesses.")
    ar_interest_points = fields.Float(
        string="Points above the Reference Rate", default=8.0, digits=(6, 3),
        help="8 by law; more where a country's law says so.")
    ar_interest_compensation = fields.Boolean(
        string="Fixed Compensation", default=True,
        help="EUR 40, or GBP 40, 70 or 100, claimed once per overdue invoice.")

    @api.constrains('ar_interest_points')
    def _check_ar_interest_points(self):
        for company in self:
            if not 0 <= company.ar_interest_points <= 50:
                raise ValidationError(self.env._(
                    "%(company)s: the points above the reference rate are between 0 and 50, not %(points)s.",
                    company=company.name, points=company.ar_interest_points))

    @api.constrains('ar_dunning_quiet_days', 'ar_dunning_minimum_amount')
    def _check_ar_dunning(self):
        for company in self:
            if company.ar_dunning_quiet_days < 0 or company.ar_dunning_minimum_amount < 0:
                raise ValidationError(self.env._(
                    "%s: quiet days and minimum amount of dunning cannot be negative.", company.name))

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        if any(vals.get('ar_dunning_automatic') for vals in vals_list):
            self._ar_toggle_dunning_cron()
        return companies

    def write(self, vals):
        result = super().write(vals)
        if 'ar_dunning_automatic' in vals:
            self._ar_toggle_dunning_cron()
        return result

    def _ar_toggle_dunning_cron(self):
        """Run the daily job as long as any company wants it."""
        # sudo: whoever may change the company's setting switches the job that serves it
        cron = self.env.ref('ar_coordinator.ir_cron_ar_dunning_run', raise_if_not_found=False)
        if cron:
            cron.sudo().active = bool(self.sudo().search_count([('ar_dunning_automatic', '=', True)], limit=1))

    @api.model
    def _ar_set_default_dunning_policy(self):
        """Give the companies that exist when the addon is installed the default policy."""
        policy = self.env.ref('ar_coordinator.ar_dunning_policy_default')
        self.sudo().search([('ar_dunning_policy_id', '=', False)]).ar_dunning_policy_id = policy  # sudo: at install

    def _ar_timezone(self):
        """Return the company's time zone (its address', else the user's, else UTC)."""
        self.ensure_one()
        return self.partner_id.tz or self.env.user.tz or 'UTC'

    def _ar_today(self):
        """Return today's date in the company's time zone."""
        return fields.Date.context_today(self.with_context(tz=self._ar_timezone()))
