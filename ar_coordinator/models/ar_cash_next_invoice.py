"""What bank transactions left on account is to be applied like any other money; what is kept for the next invoice pays
that one.

It is not matched when the invoice is posted: posting would become slower and match by itself what nobody looked at. It
is proposed first for what is invoiced from then on, oldest first, and applied by the next hourly job where the company
applies sure proposals by itself.
"""
from odoo import fields, models

from ..engine import cash

NEXT_INVOICE = 'next_invoice'
CONFIDENCE = 0.98  # agreed, and not named by the customer


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    what = fields.Selection(selection_add=[(NEXT_INVOICE, "Kept for the next invoice")])

    def _close_next_invoice(self):
        """Keep what is too much for the next invoice."""
        self.env['ar.unapplied.follow']._of(self._get_credits()).next_step = NEXT_INVOICE

    def _reopen_rest(self):
        """Override: what is undone is kept for nothing."""
        result = super()._reopen_rest()
        if self.rest_action == NEXT_INVOICE and self.payment_line_id:
            follows = self.env['ar.unapplied.follow'].search([('move_line_id', '=', self.payment_line_id.id)])
            follows.filtered(lambda follow: follow.next_step == NEXT_INVOICE).next_step = False
        return result

    def _apply_payment(self):
        """Override: who followed the credit up has nothing to do any more."""
        result = super()._apply_payment()
        self.env['ar.unapplied.follow'].search([('move_line_id', '=', self.payment_line_id.id)])._close_settled()
        return result


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_receipts(self, env, company):
        """Override: what bank transactions left on account. Its text was about what it paid already."""
        found = super()._get_receipts(env, company)
        for line in env['account.move.line'].search([
                ('company_id', '=', company.id), ('account_type', '=', 'asset_receivable'), ('reconciled', '=', False),
                ('parent_state', '=', 'posted'), ('amount_residual_currency', '<', 0),
                ('move_id.statement_line_id', '!=', False)], order='date, id'):
            transaction = line.move_id.statement_line_id
            found[line.currency_id, ('payment', line.id)] = self._make_receipt(
                line.currency_id, line.id, -line.amount_residual_currency, line.date,
                self.env._("Left of %s", transaction.payment_ref or line.move_id.name), '', '', '', line.partner_id)
        return found

    def _read(self, receipts, books):
        """Override: what is kept for the next invoice pays what was invoiced since, and nothing that was open before.

        What is named by the payment itself counts more.
        """
        readings = super()._read(receipts, books)
        follows = self.env['ar.unapplied.follow'].sudo().search([  # sudo: as `_propose`
            ('move_line_id', 'in', [key for _currency, (kind, key) in receipts if kind == 'payment']),
            ('next_step', '=', NEXT_INVOICE)])
        kept = {follow.move_line_id.id: follow for follow in follows}
        if not kept:
            return readings
        taken = {item for reading in readings.values() if reading for item in reading.paid}
        for (currency, source), receipt in receipts.items():
            follow = kept.get(source[1]) if source[0] == 'payment' else None
            reading = readings.get((currency, source))
            if not follow or (reading and reading.named):
                continue
            taken -= set(reading.paid) if reading else set()
            reading = self._read_kept(books[currency, source[0]], receipt['receipt'], follow, taken)
            readings[currency, source] = reading
            taken |= set(reading.paid) if reading else set()
        return readings

    def _read_kept(self, book, receipt, follow, taken):
        """Return the reading of money that is kept: what was invoiced since, oldest first, or None."""
        items = [
            item for item in book.items.values()
            if item.customer == receipt.customer and item.residual > 0 and item.key not in taken]
        moves = {line.id: line.move_id for line in self.env['account.move.line'].sudo().browse(
            [item.key for item in items])}  # sudo: as `_propose`
        since = fields.Datetime.context_timestamp(
            self.with_context(tz=follow.company_id._ar_timezone()), follow.date_kept).date()
        left, paid = receipt.amount, {}
        for item in sorted(items, key=lambda item: (item.due, item.key)):
            move = moves[item.key]
            is_new = move.id > follow.last_move or (move.invoice_date or move.date) > since
            if is_new and left and move.is_sale_document(include_receipts=True):
                paid[item.key] = min(item.residual, left)
                left -= paid[item.key]
        if not paid:
            return None
        short = receipt.amount - sum(book.items[key].residual for key in paid)
        return cash.Reading(
            receipt.customer, cash.CHOSEN, NEXT_INVOICE, paid, rest=left or min(short, 0), confidence=CONFIDENCE)
