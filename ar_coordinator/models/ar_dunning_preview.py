"""The preview of a dunning run: decisions become draft letters and outcomes, some customers at a time."""
from collections import defaultdict
from datetime import timedelta

from odoo import models
from odoo.tools.misc import split_every

from ..engine import dunning
from .ar_bulk import insert_rows

PREVIEW_CUSTOMERS = 2000  # decided about and written at a time
BATCH_MODELS = (
    'ar.dunning.letter', 'ar.dunning.letter.line', 'ar.dunning.outcome', 'account.move', 'account.move.line',
    'res.partner')


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    # === PREVIEW === #

    def _preview(self):
        """Decide about all open items and store the decisions, some customers at a time: memory follows these and not
        the ledger.
        """
        run = self._in_company()
        for partner_ids in run._get_batches():
            run._write_preview(run._evaluate(partner_ids))
            run._forget_batch()
        run._finish_preview()

    def _forget_batch(self):
        """Let go of the records of the customers that were done; settings stay at hand."""
        self.env.flush_all()
        for model in BATCH_MODELS:
            self.env[model].invalidate_model(flush=False)

    def _get_batches(self):
        """Return what to give `_evaluate` one after the other: customers with something due; None is all at once."""
        [(earliest,)] = self.env['ar.dunning.level'].with_context(active_test=False)._read_group(
            [], [], ['delay_days:min'])
        customers = self.env['ar.ledger'].owing_customers({
            'as_of': max(self.company_id._ar_today(), self.as_of), 'company_ids': self.company_id.ids,
        }, due_by=self.as_of - timedelta(days=min(earliest or 1, 1)))
        if len(customers) <= PREVIEW_CUSTOMERS:
            return [None]
        return list(split_every(PREVIEW_CUSTOMERS, customers, list))

    def _finish_preview(self):
        """Hook: what follows from the preview as a whole."""

    def _write_preview(self, decisions):
        """Store the decisions: a draft letter per customer and currency, an outcome per item.

        :return: the letters, ar.dunning.letter
        """
        self = self._in_company()
        groups = defaultdict(list)
        for decision in decisions:
            if decision.result == dunning.SENT:
                groups[decision.item.partner_id, decision.item.currency_id].append(decision)
        for own in groups.values():
            own.sort(key=lambda decision: (decision.item.date_due, decision.item.id))
        addresses = self._get_addresses({partner_id for partner_id, _currency in groups})
        letters = self.env['ar.dunning.letter'].with_context(
            tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True, mail_notrack=True,
        ).create([
            self._prepare_letter(partner_id, currency_id, own, addresses[partner_id])
            for (partner_id, currency_id), own in groups.items()])
        letter_ids, lines = {}, []
        for letter, own in zip(letters, groups.values(), strict=True):
            related = {
                'letter_id': letter.id, 'company_id': self.company_id.id, 'partner_id': letter.partner_id.id,
                'state': letter.state, 'date': letter.date, 'currency_id': letter.currency_id.id}
            lines += [{**related, **self._prepare_line(decision)} for decision in own]
            letter_ids.update((decision.item.id, (letter.id, addresses[letter.partner_id.id])) for decision in own)
        insert_rows(self.env['ar.dunning.letter.line'], lines)
        insert_rows(self.env['ar.dunning.outcome'], [
            self._prepare_outcome(decision, *letter_ids.get(decision.item.id, (False, None)))
            for decision in decisions])
        letters.invalidate_recordset(['line_ids'])
        self.invalidate_recordset()
        return letters

    def _prepare_letter(self, partner_id, currency_id, decisions, address):
        """Return the values of a draft letter; the highest level among its items sets the tone."""
        recipient, reason = address
        return {
            'run_id': self.id,
            'date': self.as_of,
            'partner_id': partner_id,
            'currency_id': currency_id,
            'level_id': max(decisions, key=lambda decision: decision.level.delay_days).level.id,
            'line_count': len(decisions),
            'amount_total': sum(decision.amount for decision in decisions),
            **self._prepare_address(recipient, reason),
        }

    def _prepare_address(self, recipient, reason):
        """Return the letter's values that follow from the recipient."""
        return {
            'recipient_id': recipient.id,
            'email_to': recipient.email_normalized if not reason else False,
            'lang': self._get_language(recipient),
            'channel': 'letter' if reason else 'email',
        }

    def _prepare_line(self, decision):
        """Return the values of a letter's item."""
        row = decision.item.facts
        return {
            'move_line_id': row['id'],
            'move_id': row['move_id'],
            'level_id': decision.level.id,
            'name': row['move_name'],
            'date_invoice': row['invoice_date'] or row['date'],
            'date_due': row['age_date'],
            'days_overdue': row['days'],
            'amount_original': row['amount_original'],
            **self._prepare_amounts(decision),
        }

    def _prepare_amounts(self, decision):
        """Return the amounts a letter's item and an outcome have in common."""
        return {
            'amount_open': decision.open,
            'amount_disputed': decision.disputed,
            'amount_credit': decision.credit,
            'amount_asked': decision.amount,
        }

    def _prepare_outcome(self, decision, letter_id, address):
        """Return the values of an outcome; an item whose letter cannot go by e-mail says so."""
        row, result, reason = decision.item.facts, decision.result, decision.reason
        if address and address[1]:
            result, reason = dunning.LETTER, address[1]
        return {
            'run_id': self.id,
            'company_id': self.company_id.id,
            'company_currency_id': self.company_id.currency_id.id,
            'currency_id': row['currency_id'],
            'move_line_id': row['id'],
            'move_id': row['move_id'],
            'partner_id': row['partner_id'],
            'level_id': decision.level.id if decision.level else False,
            'result': result,
            'reason': reason,
            'letter_id': letter_id,
            'date_due': row['age_date'],
            'days_overdue': row['days'],
            'amount_asked_company': decision.amount_company,
            **self._prepare_amounts(decision),
        }
