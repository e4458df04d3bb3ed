"""What ended with money that came back, or that was another customer's, is in force again when that is undone.

A write-off of the payment's difference is booked again by reversing its reversal: the same accounts, taxes and amounts,
under the approval it had. A request that waited waits again. What does not fit any more (its items were settled
otherwise, the limits changed, the period is closed) stays ended, and the document says so.
"""
from odoo import fields, models
from odoo.exceptions import UserError

from .ar_write_off import APPROVAL_ACTIVITY


class ArMoney(models.AbstractModel):
    _inherit = 'ar.money'

    ended_proposal_ids = fields.Many2many(
        comodel_name='ar.cash.proposal', string="Applications That Ended", readonly=True, copy=False)
    ended_request_ids = fields.Many2many(
        comodel_name='ar.write.off', string="Write-Offs That Ended", readonly=True, copy=False)

    def _renew_requests(self):
        """Put write-offs and refunds in force again, each by itself."""
        for request in self.ended_request_ids.filtered(lambda one: one.state in ('cancelled', 'reversed')):
            try:
                with self.env.cr.savepoint():
                    request._renew()
            except UserError as error:  # a person decides what becomes of it
                self._message_log(body=self.env._(
                    "%(request)s is not in force again: %(why)s", request=request._get_html_link(),
                    why=error.args[0]))
            else:
                self._log_request(self.env._("In force again"), request)

    def _renew_proposals(self):
        """Let the applications of the money count again: all it paid is paid again."""
        for proposal in self.ended_proposal_ids.filtered(lambda one: one.state == 'undone'):
            proposal.state = 'applied'
            if proposal.payment_line_id:
                own, items = proposal.payment_line_id, proposal.line_ids.move_line_id
                proposal.match_ids = (own.matched_debit_ids | own.matched_credit_ids).filtered(
                    lambda match, items=items: match.debit_move_id in items or match.credit_move_id in items)
            proposal._message_log(body=self.env._("Applied again: %s was undone.", self._get_html_link()))

    def _log_request(self, what, request):
        labels = dict(request._fields['state']._description_selection(self.env))
        self._message_log(body=self.env._(
            "%(what)s: %(request)s, now in state %(state)s.", what=what, request=request._get_html_link(),
            state=labels[request.state]))


class ArWriteOff(models.Model):
    _inherit = 'ar.write.off'

    def _renew(self):
        """Put a request in force again that ended with its money: what was done is done again, what waited waits.

        :raise UserError: when its items, the limits or the period do not allow it any more
        """
        self.ensure_one()
        self._check_content()
        if self.state == 'cancelled':
            self.state = 'requested' if self.requested_by_id else 'draft'
            approvers = self._get_approvers(self.requested_by_id) if self.requested_by_id else None
            if approvers:
                self.activity_schedule(
                    APPROVAL_ACTIVITY, user_id=approvers[0].id, date_deadline=self.company_id._ar_today(),
                    summary=self.env._("Decide about %s", self.name), note=self.reason)
        elif self.kind == 'refund':
            self._execute()
        else:
            self._book_again()

    def _book_again(self):
        """Reverse the reversal today, and match it with the items."""
        items, today = [line.move_line_id for line in self.line_ids], self.company_id._ar_today()
        reversal = self.reversal_move_id
        if not reversal:
            raise UserError(self.env._(
                "%s: its entry was taken back by hand. Ask for another write-off.", self.name))
        self.company_id._ar_check_open_period(today, reversal.journal_id, self.name)
        self.env['ar.cash.document']._lock_others_out(self.line_ids.move_line_id, self.name)
        move = reversal._reverse_moves([{'date': today, 'ref': self.name}])
        move.action_post()
        receivables = move.line_ids.filtered(lambda one: one.account_id.account_type == 'asset_receivable')
        for item, own in zip(items, receivables.sorted('id'), strict=True):
            (item + own).reconcile()
        self.write({'state': 'done', 'date_done': today, 'move_id': move.id, 'reversal_move_id': False})
        self._message_log(body=self.env._(
            "Booked again by %(entry)s, as before %(reversal)s reversed it.",
            entry=move._get_html_link(), reversal=reversal._get_html_link()))
