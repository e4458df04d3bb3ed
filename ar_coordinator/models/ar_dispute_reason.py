"""Why customers dispute invoices: the root causes a desk counts and sends to their owners."""
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

STANDARD = ('dispute_reason_unclear', 'dispute_reason_imported')


class ArDisputeReason(models.Model):
    _name = 'ar.dispute.reason'
    _description = "Dispute Reason"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help="Short key for imports and integrations.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    root_cause = fields.Selection(
        selection=[
            ('pricing', "Pricing"),
            ('logistics', "Logistics"),
            ('quality', "Quality"),
            ('billing', "Billing"),
            ('customer', "Customer"),
            ('unknown', "Unknown"),
        ],
        required=True,
        default='unknown',
    )
    is_our_fault = fields.Boolean(
        string="Our Fault", help="The disputed part is our problem to solve, not a credit risk of the customer.")
    sla_days = fields.Integer(
        string="Days to Resolve", default=10,
        help="Default deadline of a dispute: working days of the company after it was opened.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Default Owner", domain=[('share', '=', False)])

    department_id = fields.Many2one(comodel_name='ar.dispute.department', string="Default Department")
    escalation_user_id = fields.Many2one(
        comodel_name='res.users', string="Escalate to", domain=[('share', '=', False)],
        help="Hears of disputes with this reason that are past their deadline; empty: the department's manager.")

    _code_uniq = models.Constraint('UNIQUE (code)', "A dispute reason with this code exists already.")

    @api.constrains('sla_days')
    def _check_sla_days(self):
        for reason in self:
            if not 0 <= reason.sla_days <= 366:
                raise ValidationError(self.env._(
                    "%s: the days to resolve are between 0 and 366.", reason.name))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_standard(self):
        """E-mails, short payments and imports fall back on these reasons."""
        for name in STANDARD:
            if (standard := self.env.ref(f'ar_coordinator.{name}', raise_if_not_found=False)) in self:
                raise UserError(self.env._(
                    "%s: e-mails, short payments and imports use this reason. Archive or rename it instead.",
                    standard.name))

    @api.model
    def _get_standard(self, name='dispute_reason_unclear'):
        """Return one of the STANDARD reasons, or the first there is where somebody deleted it.

        :raise UserError: when there is no reason left
        """
        reason = self.env.ref(f'ar_coordinator.{name}', raise_if_not_found=False) or self.search([], limit=1)
        if not reason:
            raise UserError(self.env._("There is no dispute reason left: make one under Configuration first."))
        return reason

    def _get_deadline(self, date_open, company):
        """Return the day a dispute opened on `date_open` is due: working days by the company's calendar, in its zone.

        :param date_open: date
        :param company: res.company
        :return: date
        """
        self.ensure_one()
        calendar = company.resource_calendar_id
        if not self.sla_days or not calendar.attendance_ids:
            return date_open + timedelta(days=self.sla_days)
        # the days after the opening count; a calendar that never works again in sight has no such day
        start = datetime.combine(date_open + timedelta(days=1), time.min, tzinfo=ZoneInfo(calendar.tz or 'UTC'))
        last = calendar.plan_days(self.sla_days, start, compute_leaves=True)
        return last.date() if last else date_open + timedelta(days=self.sla_days)
