"""The last look: a letter that waited in the mail queue is read once more right before the mail server gets it.

The send gate looks when a letter is queued, and the queue usually goes on at once. When it does not (mail server down,
jobs stopped overnight), money may come in meanwhile. A letter that no longer says what is true is withdrawn, not
changed: the customer would get figures nobody has seen. The next run proposes what is still due.
"""
from odoo import models

from ..engine import dunning

# what makes a queued letter wrong; that its own level counts as sent by now (not due, last level, quiet time) does not
STOPPED = {
    dunning.SETTLED, dunning.DISPUTED, dunning.NO_CUSTOMER, dunning.PROMISED, dunning.PAUSED, dunning.NO_FOLLOWUP,
    dunning.COVERED, dunning.INCOMING, dunning.HANDED_OVER, 'bank_line',
}


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    def _withdraw_outdated(self):
        """Cancel e-mails that are about to leave and whose items changed since they were written; return those letters.

        Number of queries per run, not per letter. Failed ones are looked at too: somebody may send them again by hand.
        """
        outdated = self.browse()
        queued = self.filtered(lambda letter: letter.state in ('queued', 'failed') and letter.channel == 'email')
        for run, letters in queued.grouped('run_id').items():
            self.env.invalidate_all()
            decisions = {decision.item.id: decision for decision in run._evaluate(letters.partner_id.ids)}
            for letter in letters:
                lines = letter.line_ids._get_outdated(decisions)
                if lines:
                    letter._withdraw(lines, decisions)
                    outdated += letter
        return outdated

    def _withdraw(self, lines, decisions):
        """Cancel this letter because of `lines`; their outcomes say why, the others wait for the next run."""
        self._cancel(self.env.user)
        for outcome in self.env['ar.dunning.outcome'].search([('letter_id', '=', self.id)]):
            changed = outcome.move_line_id in lines.move_line_id
            values = self.run_id._prepare_dropped(decisions.get(outcome.move_line_id.id)) if changed else {
                'result': dunning.HELD, 'reason': 'changed'}
            if values['result'] not in (dunning.HELD, dunning.SKIPPED) or values['reason'] not in STOPPED:
                values.update(result=dunning.HELD, reason='changed')
            outcome.write(values)
        self.message_post(body=self.env._(
            "Withdrawn from the mail queue: %s changed since the letter was written. The next run proposes what is"
            " due.", ", ".join(lines.mapped('name'))))


class ArDunningLetterLine(models.Model):
    _inherit = 'ar.dunning.letter.line'

    def _get_outdated(self, decisions):
        """Return the lines that ask for something else than today's `decisions` {item id: decision} say."""
        return self.filtered(lambda line: line._is_outdated(decisions.get(line.move_line_id.id)))

    def _is_outdated(self, decision):
        """Return whether today's decision about the item says something else than this line asks."""
        self.ensure_one()
        if not decision:  # settled; or not due yet, when this is a reminder before the due date
            return not self.move_line_id or self.move_line_id.reconciled or self.days_overdue > 0
        same = all(
            self.currency_id.compare_amounts(now, then) == 0 for now, then in (
                (decision.open, self.amount_open), (decision.disputed, self.amount_disputed),
                (decision.credit, self.amount_credit)))
        return decision.reason in STOPPED or not same
