"""Money that came in, as a payment or on a bank transaction, and what it is matched with.

Returned payments and payments of the wrong customer inherit this: both undo matchings, take the money from the customer
by lines at the books' values, keep what they undid item by item (`item_ids`, of a model that inherits `ar.money.item`),
and can match it again to the cent.
"""
from collections import defaultdict

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError

from .ar_cash_document import GUARDED_FIELDS

MONEY_FIELDS = GUARDED_FIELDS | {
    'item_ids', 'undone_by_id', 'ended_proposal_ids', 'ended_request_ids',
    'partner_id', 'currency_id'}  # the last two are those of the money


class ArMoney(models.AbstractModel):
    _name = 'ar.money'
    _description = "Money That Came In"
    _inherit = ['ar.cash.document']

    payment_id = fields.Many2one(
        comodel_name='account.payment', index='btree_not_null', ondelete='restrict', tracking=True,
        domain="[('payment_type', '=', 'inbound'), ('partner_type', '=', 'customer'),"
               " ('state', 'in', ('in_process', 'paid'))]")
    statement_line_id = fields.Many2one(
        comodel_name='account.bank.statement.line', string="Or Bank Transaction", index='btree_not_null',
        ondelete='restrict', domain="[('amount', '>', 0), ('is_reconciled', '=', True)]",
        help="The transaction by which the money came in, when there is no payment for it.")
    company_id = fields.Many2one(compute='_compute_source', store=True, precompute=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", compute='_compute_source', store=True, precompute=True,
        index=True)
    currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_source', store=True, precompute=True)
    amount = fields.Monetary(
        compute='_compute_amount', store=True, readonly=False, precompute=True, tracking=True)
    amount_paid = fields.Monetary(string="Paid", compute='_compute_amount_paid')
    amount_left = fields.Monetary(string="Not Returned Yet", compute='_compute_amount_paid')
    candidate_item_ids = fields.Many2many(
        comodel_name='account.move.line', string="What It Paid", compute='_compute_candidate_item_ids')
    undone_by_id = fields.Many2one(comodel_name='res.users', string="Undone by", readonly=True, copy=False)

    # === COMPUTE METHODS === #

    @api.depends('payment_id', 'statement_line_id')
    def _compute_source(self):
        for record in self:
            source = record.payment_id or record.statement_line_id
            record.company_id = source.company_id or self.env.company
            record.partner_id = (source.partner_id or record._get_own_lines().partner_id[:1]).commercial_partner_id
            record.currency_id = record._get_money()[1]

    @api.depends('payment_id', 'statement_line_id')
    def _compute_amount_paid(self):
        earlier = self._get_earlier()
        for record in self:
            record.amount_paid = record._get_money()[0]
            record.amount_left = record.amount_paid - earlier[record]

    @api.depends('payment_id', 'statement_line_id')
    def _compute_amount(self):
        for record in self:
            record.amount = max(record.amount_left, 0.0)

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

    def action_undo(self):
        """Take it back: what was matched before is matched again, to the cent.

        :raise AccessError: unless the user may
        :raise UserError: when something was built on it since, or the period is closed
        """
        self._take_back()

    def action_view_source(self):
        """Open the payment or the bank transaction."""
        self.ensure_one()
        record = self.payment_id or self.statement_line_id.move_id
        return record._get_records_action(name=record.display_name)

    # === RULES === #

    def _check_source(self, source):
        """:raise UserError: when the money is not a customer's, or not booked on receivables."""
        payment, own = self.payment_id, self._get_own_lines()
        if payment and (payment.payment_type != 'inbound' or payment.partner_type != 'customer'
                        or payment.state not in ('in_process', 'paid')):
            raise UserError(self.env._(
                "%(name)s: %(payment)s is no payment of a customer that is posted.", name=self.name,
                payment=payment.display_name))
        if not own or own.move_id.state != 'posted':
            raise UserError(self.env._(
                "%(name)s: %(payment)s is not booked on receivables, there is nothing to open again.", name=self.name,
                payment=source.display_name))

    def _check_amount(self, source):
        """:raise UserError: for more than there is of the money, or nothing."""
        currency = self.currency_id
        if currency.compare_amounts(self.amount, 0.0) <= 0 or currency.compare_amounts(
                self.amount, self.amount_left) > 0:
            raise UserError(self.env._(
                "%(name)s: %(amount)s cannot be taken, %(left)s of %(payment)s are left.", name=self.name,
                amount=currency.format(self.amount), left=currency.format(self.amount_left),
                payment=source.display_name))

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
        lines = self._get_own_lines() | self.candidate_item_ids
        for records in (self.payment_id or self.statement_line_id, lines):
            self._lock_others_out(records, self.name)
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
        """Match no more than an amount, in the currency of `own`, and nothing where one of them is settled."""
        if own.reconciled or item.reconciled:
            return
        limits = {own.id: amount}
        if own.currency_id == item.currency_id:
            limits[item.id] = amount
        (own + item).with_context(ar_cash_limits=limits).reconcile()

    def _prepare_takes(self, shares):
        """Return the values of the lines that take the money from the customer's account, at the books' values."""
        currency = self.company_id.currency_id
        return [{
            'name': self.name, 'account_id': own.account_id.id, 'partner_id': own.partner_id.id,
            'currency_id': own.currency_id.id, 'amount_currency': -share,
            'balance': -currency.round(own.balance * share / own.amount_currency),
        } for own, share in shares.items()]

    def _match_takes(self, shares, takes):
        """Match the money with the lines that take it out."""
        for own, take in zip(shares, takes, strict=True):
            self._match_part(own, take, abs(shares[own]))

    def _match_rest(self, undone):
        """Match what stays paid with its items."""
        for match in undone:
            if rest := self.currency_id.round(match['own_amount'] - match['returned']):
                self._match_part(match['own'], match['item'], rest)

    def _match_again(self):
        """Match what was undone again; what is settled otherwise by now stays on account, and is said.

        Then what ended with the money is in force again (ar_money_again.py), as far as it still fits.
        """
        lost = []
        for line in self.item_ids.sorted('id'):
            if line.move_line_id.move_id in self.ended_request_ids.move_id:
                continue  # the entry of a write-off, which was reversed: made again below
            before = line.own_line_id.amount_residual_currency
            self._match_part(line.own_line_id, line.move_line_id, line.amount)
            missing = line.amount - abs(line.own_line_id.amount_residual_currency - before)
            if not line.own_line_id.currency_id.is_zero(missing):
                lost.append(self.env._(
                    "%(item)s: %(amount)s were settled otherwise", item=line.move_line_id.move_id.name,
                    amount=line.own_line_id.currency_id.format(missing)))
        if lost:
            self._message_log(body=self.env._("Not matched again, and on account: %s", "; ".join(lost)))
        self._renew_requests()
        if not lost:
            self._renew_proposals()

    def _get_applied(self):
        """Return the proposals that applied the money."""
        return self.env['ar.cash.proposal'].search([
            ('state', '=', 'applied'), '|', ('payment_line_id', 'in', self._get_own_lines().ids),
            ('statement_line_id', 'in', self.statement_line_id.ids)])

    def _end_proposals(self, proposals):
        """End the proposals that applied money that is gone, with what was made of their differences.

        Write-offs are reversed: all of it is owed again. Refunds that did not leave are cancelled: there is nothing to
        pay back. Disputes stay, they are about the invoices.
        """
        requests = proposals.rest_request_ids
        waiting = requests.filtered(lambda request: request.state in ('draft', 'requested'))
        waiting.action_cancel()
        done = requests.filtered(lambda request: request.state == 'done' and (
            request.kind != 'refund' or request.payment_id.state in (False, 'draft', 'canceled')))
        done.action_reverse()
        for request in requests:
            self._log_request(self.env._("Made of the payment's difference"), request)
        proposals.state = 'undone'
        self.write({
            'ended_proposal_ids': [Command.set(proposals.ids)],
            'ended_request_ids': [Command.set((waiting | done).ids)]})

    def _log_on_invoices(self, body):
        moves = self.item_ids.move_line_id.move_id
        moves._message_log_batch(dict.fromkeys(moves.ids, body))


class ArMoneyItem(models.AbstractModel):
    _name = 'ar.money.item'
    _description = "Item Open Again"
    _order = 'return_id desc, id'

    return_id = fields.Many2one(comodel_name='ar.money', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='return_id.company_id', store=True, precompute=True, index=True)
    own_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Payment Item", required=True, index=True, ondelete='cascade')
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", required=True, index=True, ondelete='cascade')
    move_id = fields.Many2one(related='move_line_id.move_id', string="Invoice")
    date_maturity = fields.Date(related='move_line_id.date_maturity')
    currency_id = fields.Many2one(related='own_line_id.currency_id')
    item_currency_id = fields.Many2one(related='move_line_id.currency_id', string="Currency of the Item")
    amount_matched = fields.Monetary(string="Was Paid")
    amount = fields.Monetary(string="Open Again")
    amount_item = fields.Monetary(string="In the Item's Currency", currency_field='item_currency_id')


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
