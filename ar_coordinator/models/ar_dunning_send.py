"""Sending a dunning run: in batches, each behind the send gate, which reads everything again under lock."""
import logging

from psycopg2 import OperationalError

from odoo import models

from ..engine import dunning
from .ar_outbox import describe, write_changed

_logger = logging.getLogger(__name__)

BATCH_LETTERS = 50  # per transaction in the background
INLINE_LETTERS = 50  # at most so many are sent while the user waits
INLINE_PDFS = 10  # and with at most so many PDFs still to be made, which takes a second each


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    # === SENDING === #

    def _sends_at_once(self):
        """Return whether the letters leave while the user waits: few, with few files still to be made."""
        return len(self.letter_ids) <= INLINE_LETTERS and self._count_missing_pdfs() <= INLINE_PDFS

    def _count_missing_pdfs(self):
        """Return how many PDFs have to be made before the letters leave. Hook: others add theirs."""
        moves = self.letter_ids.filtered(lambda letter: letter.level_id.attach_invoices == 'all').line_ids.move_id
        return len(moves.filtered(lambda move: move.is_invoice() and not move.invoice_pdf_report_id))

    def _get_batch_size(self):
        """Override: a setting of this file."""
        return BATCH_LETTERS

    def _prepare_batch(self, letters):
        """Override: PDFs take their time; the gate sees what came in meanwhile by a transaction that starts after them.
        """
        if any(letter._wants_attachments() for letter in letters):
            self._in_company()._render_missing_pdfs(letters)
            self.env['ir.cron']._commit_progress()

    def _send_batch(self, letters):
        """Render what is missing, lock, look at everything once more, queue."""
        self = self._in_company()
        self._render_missing_pdfs(letters)
        letters = letters.try_lock_for_update(allow_referencing=True)
        letters.invalidate_recordset()
        letters = letters.filtered(lambda letter: letter.state == 'draft')
        lines = letters.line_ids.move_line_id
        free = lines.try_lock_for_update(allow_referencing=True)
        letters = letters.filtered(lambda letter: letter.line_ids.move_line_id <= free)
        self._gate(letters)._queue()

    def _render_missing_pdfs(self, letters):
        """Render missing invoices before anything is locked: it takes a second each. Errors come up when queueing."""
        for letter in letters.filtered(
                lambda letter: letter.channel in ('email', 'letter') and letter._wants_attachments()):
            try:
                with self.env.cr.savepoint():
                    letter._get_attachments()
            except OperationalError:
                raise
            except Exception as error:
                _logger.warning("Dunning letter %s: an invoice could not be rendered", letter.id, exc_info=True)
                letter._fail(self.env._("An invoice could not be attached: %s", describe(error)))

    def _gate(self, letters):
        """Read everything again and drop what is no longer due; return the letters that may leave.

        Amounts are today's; an item that is settled, disputed, marked, covered or contacted meanwhile is taken off,
        with the reason; a letter without items is cancelled. The address is resolved again.
        """
        if not letters:
            return letters
        self.env.invalidate_all()
        fresh = {decision.item.id: decision for decision in self._evaluate(letters.partner_id.ids)}
        addresses = self._get_addresses(letters.partner_id.ids)
        outcomes = self.env['ar.dunning.outcome'].search([('letter_id', 'in', letters.ids)])
        outcomes = {(outcome.letter_id, outcome.move_line_id): outcome for outcome in outcomes}
        for letter in letters:
            recipient, reason = addresses[letter.partner_id.id]
            for line in letter.line_ids:
                decision = fresh.get(line.move_line_id.id)
                outcome = outcomes.get((letter, line.move_line_id), self.env['ar.dunning.outcome'])
                if decision and decision.result == dunning.SENT and decision.level.id == line.level_id.id:
                    amounts = self._prepare_amounts(decision)
                    write_changed(line, amounts)
                    write_changed(outcome, {
                        **amounts, 'amount_asked_company': decision.amount_company,
                        'result': dunning.LETTER if reason else dunning.SENT, 'reason': reason or dunning.DUE})
                else:
                    outcome.write(self._prepare_dropped(decision))
                    line.unlink()
            write_changed(letter, {
                'line_count': len(letter.line_ids),
                'amount_total': sum(letter.line_ids.mapped('amount_asked')),
                **self._prepare_address(recipient, reason)})
            if not letter.line_ids:
                letter.state = 'cancelled'
            else:
                write_changed(letter, {
                    'level_id': max(letter.line_ids.level_id, key=lambda level: level.delay_days).id})
        return letters.filtered(lambda letter: letter.state == 'draft')

    def _prepare_dropped(self, decision):
        """Return the outcome values of an item taken off its letter at the gate."""
        if not decision:
            return {'result': dunning.SKIPPED, 'reason': dunning.SETTLED, 'amount_asked': 0, 'amount_asked_company': 0}
        result, reason = decision.result, decision.reason
        if result == dunning.SENT:  # at another level by now
            result, reason = dunning.HELD, 'changed'
        return {
            'result': result, 'reason': reason, **self._prepare_amounts(decision),
            'amount_asked_company': decision.amount_company}
