"""Money that came in, as a payment or on a bank transaction, and what it is matched with.

Returned payments and payments of the wrong customer inherit this: both undo matchings, keep what they undid item by
item (`item_ids`: own_line_id, move_line_id, amount_matched, amount, amount_item), and can match it again to the cent.
"""
from collections import defaultdict

from odoo import Command, api, models
from odoo.exceptions import AccessError, LockError, UserError, ValidationError


class ArMoney(models.AbstractModel):
    _name = 'ar.money'
    _description = "Money That Came In"

    @api.depends('payment_id', 'statement_line_id')
    def _compute_candidate_item_ids(self):
        for record in self:
            record.candidate_item_ids = [Command.set([match['item'].id for match in record._get_matches()])]

    @api.constrains('payment_id', 'statement_line_id')
    def _check_one_source(self):
        for record in self:
            if record.payment_id and record.statement_line_id:
                raise ValidationError(self.env._(
                    "%s: name the payment or the bank transaction, not both.", record.name))

    # === RULES === #

    def _check_clerk(self, operation):
        """:raise AccessError: unless the user works the desk and may do this with these records."""
        self.check_access(operation)
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Payments are returned and moved by a Receivables: User."))

    def _lock_in(self, state):
        """Lock the records, check their state, and return them as superuser in their company, one by one.

        :raise UserError: for a record in another state
        """
        self._check_clerk('write')
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError:  # as it is it would come up as a fault of the server
            raise UserError(self.env._(
                "%s is being worked on by somebody else: try again in a moment.",
                ", ".join(self.mapped('name')))) from None
        self.invalidate_recordset(['state'])
        labels = dict(self._fields['state']._description_selection(self.env))
        for record in self:
            if record.state != state:
                raise UserError(self.env._(
                    "%(name)s is in state %(state)s: somebody dealt with it already.", name=record.name,
                    state=labels[record.state]))
        # sudo: role and company (write access) were checked; entries of a bank journal are not for every clerk
        return [record.sudo().with_company(record.company_id) for record in self]

    @api.model
    def _open(self, context):
        """Return the action that shows a new record, filled in from `context`."""
        self._check_clerk('create')
        action = self.env['ir.actions.act_window']._for_xml_id(f"ar_coordinator.{self._table}_action")
        return {**action, 'views': [(False, 'form')], 'context': context}

    # === FACTS === #

    def _get_own_lines(self):
        """Return the receivable items of the money."""
        move = self.payment_id.move_id or self.statement_line_id.move_id
        return move.line_ids.filtered(lambda line: line.account_type == 'asset_receivable')

    def _get_money(self):
        """Return (what came in, its currency)."""
        if self.payment_id:
            return self.payment_id.amount, self.payment_id.currency_id
        line = self.statement_line_id
        if line.foreign_currency_id:
            return abs(line.amount_currency), line.foreign_currency_id
        return line.amount, line.currency_id

    def _get_earlier(self):
        """Return {record: what came back of the same money before}, in one query."""
        totals = defaultdict(float)
        # sudo: what came back counts, whoever entered it
        groups = self.env['ar.payment.return'].sudo()._read_group([
            ('state', '=', 'confirmed'), '|', ('payment_id', 'in', self.payment_id.ids),
            ('statement_line_id', 'in', self.statement_line_id.ids)],
            ['payment_id', 'statement_line_id'], ['amount:sum'])
        for payment, line, amount in groups:
            totals[payment.id, line.id] = amount
        return {
            record: totals[record.payment_id._origin.id, record.statement_line_id._origin.id]
            - (record.amount if record.state == 'confirmed' and not self._is_move() else 0.0) for record in self}

    def _is_full(self):
        """Return whether it is about all of the money."""
        return not self.currency_id.compare_amounts(self.amount, self.amount_paid)

    def _get_matches(self):
        """Return what the money is matched with, latest first: dicts of own and item (lines), match, amounts.

        Exchange differences are not in it, they follow what they belong to; neither are earlier returns.
        """
        found = []
        for own in self._get_own_lines():
            found += [self._make_match(
                own, match.debit_move_id, match, match.credit_amount_currency, match.debit_amount_currency)
                for match in own.matched_debit_ids]
            found += [self._make_match(
                own, match.credit_move_id, match, match.debit_amount_currency, match.credit_amount_currency)
                for match in own.matched_credit_ids]
        returned = self.env['ar.payment.return'].sudo().search([  # sudo: as in _get_earlier
            ('state', '=', 'confirmed'), ('entry_line_ids', 'in', [one['item'].id for one in found])]).entry_line_ids
        return sorted((
            one for one in found
            if one['item'] not in returned and not one['item'].move_id.exchange_diff_partial_ids),
            key=lambda one: -one['match'].id)

    def _make_match(self, own, item, match, own_amount, item_amount):
        return {'own': own, 'item': item, 'match': match, 'own_amount': own_amount, 'item_amount': item_amount}

    def _check_not_moved(self):
        """:raise UserError: when a transfer gave the money to another customer already."""
        moved = self.env['ar.payment.move'].sudo().search([  # sudo: a fact of the money, whoever moved it
            ('state', '=', 'confirmed'), ('transfer_ids', '!=', False), ('id', '!=', self._is_move() and self.id),
            '|', ('payment_id', 'in', self.payment_id.ids), ('statement_line_id', 'in', self.statement_line_id.ids),
        ], limit=1)
        if moved:
            raise UserError(self.env._(
                "%(name)s: the money was moved to %(customer)s (%(move)s). Undo that first.", name=self.name,
                customer=moved.partner_to_id.display_name, move=moved.name))

    def _is_move(self):
        return self._name == 'ar.payment.move'

    # === WHAT IS UNDONE, AND DONE AGAIN === #

    def _lock_money(self):
        """Keep others off the money and what it paid until the end of the transaction."""
        own = self._get_own_lines()
        lines = own | self.candidate_item_ids
        try:
            (self.payment_id or self.statement_line_id).lock_for_update(allow_referencing=True)
            if not self._is_move():
                self.return_line_id.lock_for_update(allow_referencing=True)
            lines.lock_for_update(allow_referencing=True)
        except LockError:
            raise UserError(self.env._(
                "%s is being worked on by somebody else: try again in a moment.", self.name)) from None
        lines.invalidate_recordset()
        self.invalidate_recordset(['amount_paid', 'amount_left', 'candidate_item_ids'])

    def _share_out(self):
        """Return ({own line: what is taken of it, with the sign of its balance}, matches to undo with `returned`)."""
        matches = self._get_matches()
        if self._is_full():
            return ({own: own.amount_currency for own in self._get_own_lines()},
                    [{**match, 'returned': match['own_amount']} for match in matches])
        if other := self._get_own_lines().currency_id - self.currency_id:
            raise UserError(self.env._(
                "%(name)s: the money came in %(currency)s and is booked in %(other)s. Take all of it, or undo its "
                "matching first.", name=self.name, currency=self.currency_id.name, other=other[:1].name))
        first = [match for match in matches if match['item'] in self.chosen_item_ids]
        free = [{'own': own, 'item': None, 'own_amount': -own.amount_residual_currency}
                for own in self._get_own_lines() if own.amount_residual_currency < 0]
        needed, shares, undone = self.amount, defaultdict(float), []
        for match in [*first, *free, *(match for match in matches if match not in first)]:
            if match['own'].amount_currency > 0:
                continue  # a credit note that was deducted stays so
            returned = self.currency_id.round(min(needed, match['own_amount']))
            if self.currency_id.is_zero(returned):
                continue
            needed -= returned
            shares[match['own']] -= returned
            if match['item']:
                undone.append({**match, 'returned': returned})
        if not self.currency_id.is_zero(needed):
            raise UserError(self.env._(
                "%(name)s: %(amount)s of the payment cannot be found on receivables any more.", name=self.name,
                amount=self.currency_id.format(needed)))
        return shares, undone

    def _open_items(self, undone):
        """Undo the matchings, note each of them, and return the items."""
        items = self.env['account.move.line'].union(*(match['item'] for match in undone))
        self.item_ids = [Command.create({
            'own_line_id': match['own'].id, 'move_line_id': match['item'].id, 'amount_matched': match['own_amount'],
            'amount': match['returned'], 'amount_item': match['item_amount'],
        }) for match in reversed(undone)]
        self.env['account.partial.reconcile'].union(*(match['match'] for match in undone)).unlink()
        return items

    def _match_part(self, own, item, amount):
        """Match no more than an amount, in the currency of `own`."""
        limits = {own.id: amount}
        if own.currency_id == item.currency_id:
            limits[item.id] = amount
        (own + item).with_context(ar_cash_limits=limits).reconcile()

    def _match_again(self):
        """Match what was undone again; what is settled otherwise by now stays on account, and is said."""
        lost = []
        for line in self.item_ids.sorted('id'):
            before = line.own_line_id.amount_residual_currency
            self._match_part(line.own_line_id, line.move_line_id, line.amount)
            missing = line.amount - abs(line.own_line_id.amount_residual_currency - before)
            if not line.own_line_id.currency_id.is_zero(missing):
                lost.append(self.env._(
                    "%(item)s: %(amount)s were settled otherwise", item=line.move_line_id.move_id.name,
                    amount=line.own_line_id.currency_id.format(missing)))
        if lost:
            self._message_log(body=self.env._("Not matched again, and on account: %s", "; ".join(lost)))

    def _end_proposals(self, proposals):
        """End the proposals that applied money that is gone, with what was made of their differences.

        Write-offs are reversed: all of it is owed again. Refunds that did not leave are cancelled: there is nothing to
        pay back. Disputes stay, they are about the invoices.
        """
        requests = proposals.rest_request_ids
        requests.filtered(lambda request: request.state in ('draft', 'requested')).action_cancel()
        requests.filtered(lambda request: request.state == 'done' and (
            request.kind != 'refund' or request.payment_id.state in (False, 'draft', 'canceled'))).action_reverse()
        for request in requests:
            labels = dict(request._fields['state']._description_selection(self.env))
            self._message_log(body=self.env._(
                "Made of the payment's difference: %(request)s, now in state %(state)s.",
                request=request._get_html_link(), state=labels[request.state]))
        proposals.state = 'undone'

    def _log_on_invoices(self, body):
        moves = self.item_ids.move_line_id.move_id
        moves._message_log_batch(dict.fromkeys(moves.ids, body))


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    def _reopen_rest(self):
        """Override: an application is not undone while part of its money came back or was moved since.

        The entry that took the part is matched with the money: undone below it, the part would be owed twice.
        """
        move = self.statement_line_id.move_id or self.payment_line_id.move_id
        since = [
            ('state', '=', 'confirmed'), ('date_confirmed', '>=', self.date_applied), '|',
            ('payment_id', 'in', move.origin_payment_id.ids), ('statement_line_id', 'in', move.statement_line_id.ids)]
        found = [*self.env['ar.payment.return'].search(since, limit=1), *self.env['ar.payment.move'].search(
            [*since, ('transfer_ids', '!=', False)], limit=1)]
        if found:
            raise UserError(self.env._(
                "%(name)s: part of the money came back or was moved since (%(record)s). Undo that first.",
                name=self.name, record=found[0].name))
        return super()._reopen_rest()
