"""The company's dunning settings for receivables managers, who need not be administrators.

Odoo's own settings screen is for administrators. This one shows and writes the dunning settings of the current company
and nothing else.
"""
import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError

_logger = logging.getLogger(__name__)

SETTINGS = (
    'ar_dunning_policy_id', 'ar_dunning_automatic', 'ar_dunning_approval', 'ar_dunning_quiet_days',
    'ar_dunning_minimum_amount', 'ar_dunning_net_credits',
    'ar_dunning_bank_days', 'ar_dunning_bank_lines', 'ar_dunning_daily_cap',
    'ar_dunning_breaker_percent', 'ar_dunning_breaker_factor', 'ar_dunning_working_hours', 'ar_dunning_snailmail',
    'ar_dunning_note_on_invoices', 'ar_dunning_reply_pause', 'ar_dunning_reply_days', 'ar_dunning_email_cc',
    'ar_answer_links', 'ar_answer_link_days', 'ar_answer_promise_days', 'ar_answer_dispute_percent', 'ar_answer_plans',
    'ar_answer_plan_count', 'ar_answer_paid_days')


class ArDunningSettings(models.TransientModel):
    _name = 'ar.dunning.settings'
    _description = "Dunning Settings"
    _rec_name = 'company_id'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    ar_dunning_policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', string="Default Policy", domain="[('company_id', 'in', (False, company_id))]")
    ar_dunning_automatic = fields.Boolean(string="Send Automatically")
    ar_dunning_approval = fields.Boolean(string="Approve Each Run")
    ar_dunning_quiet_days = fields.Integer(string="Quiet Days")
    ar_dunning_minimum_amount = fields.Monetary(string="Minimum Amount")
    ar_dunning_net_credits = fields.Boolean(string="Deduct Unmatched Credits")
    ar_dunning_bank_days = fields.Integer(string="Bank Data Not Older Than (Days)")
    ar_dunning_bank_lines = fields.Selection(
        selection=lambda self: self.env['res.company'].fields_get(
            ['ar_dunning_bank_lines'])['ar_dunning_bank_lines']['selection'],
        string="Unreconciled Bank Transactions", required=True)
    ar_dunning_daily_cap = fields.Integer(string="Letters per Day")
    ar_dunning_breaker_percent = fields.Integer(string="Stop above % of Customers")
    ar_dunning_breaker_factor = fields.Float(string="Stop above Times the Usual", digits=(6, 1))
    ar_dunning_working_hours = fields.Boolean(string="In Working Hours Only")

    ar_dunning_snailmail = fields.Boolean(string="Letters by Snailmail")
    ar_dunning_note_on_invoices = fields.Boolean(string="Note Reminders on Invoices")

    ar_dunning_reply_pause = fields.Boolean(string="Wait after Replies")
    ar_dunning_reply_days = fields.Integer(string="At Most (Days)")
    ar_dunning_email_cc = fields.Char(string="Copy of Letters to")

    ar_answer_links = fields.Boolean(string="Links in Letters")
    ar_answer_link_days = fields.Integer(string="Links Are Valid (Days)")
    ar_answer_promise_days = fields.Integer(string="Longest Promise (Days)")
    ar_answer_dispute_percent = fields.Integer(string="Largest Dispute (%)")
    ar_answer_plans = fields.Boolean(string="Payment Plans")
    ar_answer_plan_count = fields.Integer(string="Most Instalments")
    ar_answer_paid_days = fields.Integer(string="Wait for a Payment (Days)")

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        company = self.env.company
        values.update(
            (name, company._fields[name].convert_to_write(company[name], company))
            for name in SETTINGS if name in fields)
        return values

    def action_save(self):
        """Write the settings to the company.

        :raise AccessError: unless the user is a manager of this company
        :raise ValidationError: for values the company does not take
        """
        self.ensure_one()
        if not self.env.user.has_group('ar_coordinator.group_ar_manager') \
                or self.company_id not in self.env.user.company_ids:
            raise AccessError(self.env._(
                "The dunning settings of %s are changed by its Receivables: Manager.", self.company_id.name))
        changed = {
            name: self._fields[name].convert_to_write(self[name], self) for name in SETTINGS
            if self[name] != self.company_id[name]}
        _logger.info("Dunning settings of %s changed by %s: %s", self.company_id.name, self.env.user.login, changed)
        # sudo: companies are written by administrators; role and company were checked, only dunning fields are written
        self.company_id.sudo().write(changed)
        return {'type': 'ir.actions.act_window_close'}
