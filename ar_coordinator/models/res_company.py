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
