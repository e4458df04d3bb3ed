"""How a dispute ends: accepted in full or in part, rejected, withdrawn, closed."""
from odoo import models
from odoo.exceptions import UserError

from .ar_dispute import ACCEPTED_STATES, UNDECIDED_STATES


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    # === ACTION METHODS === #

    def action_accept(self):
        """Accept the whole disputed amount; it stays held until the credit note is made and the dispute closed."""
        self._transition(UNDECIDED_STATES, 'accepted')

    def action_accept_partly(self):
        """Accept `amount_accepted`; the rest is owed again.

        :raise UserError: when the accepted amount is not between zero and the disputed amount
        """
        for dispute in self:
            compare = dispute.currency_id.compare_amounts
            if compare(dispute.amount_accepted, 0) <= 0 or compare(dispute.amount_accepted, dispute.amount) >= 0:
                raise UserError(self.env._(
                    "%(dispute)s: enter an accepted amount between 0 and %(amount)s first.",
                    dispute=dispute.name, amount=dispute.currency_id.format(dispute.amount)))
        self._transition(UNDECIDED_STATES, 'partly_accepted')

    def action_reject(self):
        """Reject: the whole amount is owed, dunning resumes at the next level."""
        self._transition(UNDECIDED_STATES, 'rejected')

    def action_withdraw(self):
        """The customer no longer disputes."""
        self._transition(UNDECIDED_STATES, 'withdrawn')

    def action_close(self):
        """Close an accepted dispute once it is credited; nothing is held any more."""
        self._transition(ACCEPTED_STATES, 'closed')
