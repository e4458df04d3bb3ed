"""A bank's sum of several payments, and its parts: the details of a booking that came in another file.

The statement's one transaction stays the money. The parts (lines of the detail file that are not loaded a second time)
say who paid what of it: each is read like a payment of its own, and where every one is explained to the cent the
transaction's proposal is all of them together.
"""
from dataclasses import replace

from odoo import fields, models
from odoo.tools import float_compare

from ..engine import cash, cash_claims

PARTS = 'parts'


class ArCashFileLine(models.Model):
    _inherit = 'ar.cash.file.line'

    part_of_id = fields.Many2one(
        comodel_name='account.bank.statement.line', string="Part of", index='btree_not_null', ondelete='set null',
        readonly=True, help="The bank transaction that is the sum of this and others.")

    def _mark_part(self, other):
        """Override: a detail of a booking that is loaded as one sum is a part of its transaction."""
        result = super()._mark_part(other)
        self.part_of_id = other.statement_line_id
        return result


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    what = fields.Selection(selection_add=[(PARTS, "Each part of the bank's sum, as its payer says")])

    def _get_seen(self):
        """Override: what several customers paid at once is nobody's habit."""
        return {} if self.what == PARTS else super()._get_seen()

    def _apply_transaction(self):
        """Override: a sum of several customers' payments is nobody's alone."""
        result = super()._apply_transaction()
        customers = self.line_ids.move_line_id.partner_id.commercial_partner_id
        if self.what == PARTS and self.is_partner_set and len(customers) > 1:
            self.statement_line_id.with_context(skip_account_move_synchronization=True).partner_id = False
            self.is_partner_set = False
        return result


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _read(self, receipts, books):
        """Override: a sum whose parts are known is read part by part."""
        readings = super()._read(receipts, books)
        sums = {source[1]: (currency, source) for currency, source in receipts if source[0] == 'transaction'}
        parts = self.env['ar.cash.file.line'].sudo().search([  # sudo: as `_propose`
            ('part_of_id', 'in', list(sums)), ('state', '=', 'twice'), ('amount', '>', 0)], order='id')
        if not parts:
            return readings
        own = {sums[line.id] for line in parts.part_of_id}
        taken = frozenset(
            item for key, reading in readings.items() if reading and key not in own for item in reading.paid)
        asked = []
        for line in parts:
            key = sums[line.part_of_id.id]
            receipt = self._make_part(key[0], receipts[key]['receipt'], line)
            asked.append(((key, line.id), books[key[0], 'transaction'], receipt))
        found = cash_claims.propose_all(asked)
        for key in own:
            mine = [found[part] for part, _book, _receipt in asked if part[0] == key]
            money = [receipt.amount for part, _book, receipt in asked if part[0] == key]
            if sum(money) == receipts[key]['receipt'].amount:
                readings[key] = self._join(mine, taken) or readings[key]
        return readings

    def _make_part(self, currency, whole, line):
        """Return the engine's receipt of one part: the sum's day, the part's own payer, amount and words."""
        return replace(
            whole, key=-line.id, amount=round(line.amount * 10 ** currency.decimal_places), customer=None, token='',
            payer=line.payer or '', account=line.account_number or '',
            text=' '.join(filter(None, (line.text, line.reference))))

    def _join(self, readings, taken):
        """Return the reading of a sum by those of its parts, None unless each is explained to the cent.

        As sure as the least sure of them; in doubt where another payment wants one of the items.
        """
        if not all(reading and reading.paid and not reading.rest for reading in readings):
            return None
        joined = cash.Reading(
            readings[0].customer, min(readings, key=lambda each: cash.WHO.get(each.who, 0)).who, PARTS, {},
            confidence=min(reading.confidence for reading in readings))
        for reading in readings:
            if set(reading.paid) & set(joined.paid):
                return None
            joined.paid.update(reading.paid)
            joined.discounts.update(reading.discounts)
            joined.foreign.update(reading.foreign)
            joined.named.update(reading.named)
        if taken & set(joined.paid) or any(reading.ambiguous for reading in readings):
            joined.doubt()
        return joined


class ArCashDesk(models.AbstractModel):
    _inherit = 'ar.cash.desk'

    def _get_details(self, kind, source):
        """Override: the parts of a bank's sum, [{payer, text, amount}]."""
        details = super()._get_details(kind, source)
        parts = self.env['ar.cash.file.line'].sudo().search([  # sudo: of a transaction the user was let see
            ('part_of_id', '=', source.id), ('state', '=', 'twice')], order='id') if kind == 'transaction' else ()
        details['parts'] = [{
            'id': part.id, 'payer': part.payer or "", 'amount': part.amount,
            'text': ' '.join(filter(None, (part.text, part.reference)))} for part in parts]
        details['parts_agree'] = not parts or not float_compare(
            sum(part['amount'] for part in details['parts']), source.amount,
            precision_digits=source.currency_id.decimal_places)
        return details
