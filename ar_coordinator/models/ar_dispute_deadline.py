"""Deadlines of disputes: what is late is told to the owner's manager, once; the daily job closes what is cleared."""
from odoo import api, fields, models

LATE_ACTIVITY = 'ar_coordinator.mail_activity_type_dispute_late'


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    date_escalated = fields.Date(
        string="Escalated on", readonly=True, copy=False, tracking=True,
        help="The day somebody above the owner was told that the deadline is over. A new deadline starts afresh.")

    def write(self, vals):
        """Override: whoever sets a new deadline is trusted with it; it is escalated again when it is missed."""
        result = super().write(vals)
        if vals.get('date_deadline') and 'date_escalated' not in vals:
            # sudo: the deadline's write access was checked; the note of an escalation is not for users to write
            self.sudo().filtered('date_escalated').date_escalated = False
        return result

    @api.model
    def _cron_disputes(self):
        """Close what is cleared or cancelled, escalate what is late, company by company."""
        groups = self._read_group([('date_closed', '=', False)], ['company_id'])
        companies = self.env['res.company'].union(*(company for [company] in groups))
        for number, company in enumerate(companies, 1):
            disputes = self.with_company(company)
            disputes._close_settled(company)
            disputes._escalate_late(company)
            self.env['ir.cron']._commit_progress(1, remaining=len(companies) - number)

    @api.model
    def _close_settled(self, company):
        """Close open disputes whose invoice was settled or cancelled in a way that told nobody."""
        disputes = self.search([('company_id', '=', company.id), ('date_closed', '=', False), ('move_id', '!=', False)])
        self._close_cleared(disputes.move_id.filtered(
            lambda move: move.state == 'posted' and move.currency_id.is_zero(move.amount_residual)))
        cancelled = disputes.filtered(lambda dispute: dispute.move_id.state == 'cancel')
        for dispute in cancelled:
            dispute._transition((dispute.state,), 'closed', closed_by='cancelled', approval_state=False)
            dispute._close_approval_activities()

    @api.model
    def _escalate_late(self, company):
        """Tell the manager of each owner of the company's disputes that are past their deadline, once per deadline."""
        today = company._ar_today()
        late = self.search([
            ('company_id', '=', company.id), ('state', 'in', ('new', 'investigating')),
            ('date_deadline', '<', today), ('date_escalated', '=', False)])
        for dispute in late:
            manager = dispute._get_escalation_user()
            if not manager:
                continue
            dispute.activity_schedule(
                LATE_ACTIVITY, user_id=manager.id, date_deadline=today,
                summary=self.env._(
                    "Past its deadline: %(dispute)s, %(customer)s, owner %(owner)s", dispute=dispute.name,
                    customer=dispute.partner_id.display_name or "-", owner=dispute.user_id.name or "-"))
            dispute.sudo().date_escalated = today  # sudo: not for users to write

    def _get_escalation_user(self):
        """Return who stands above the owner: named by the reason, the department's manager, the company's receivables
        manager; the owner when nobody else is named.

        Hook: an addon that knows employees can name the owner's superior.
        """
        self.ensure_one()
        candidates = (
            self.reason_id.escalation_user_id, self.department_id.user_id, self.company_id.ar_dispute_manager_id)
        return next((
            user for user in candidates
            if user.active and user != self.user_id and self.company_id in user.company_ids), self.user_id)
