"""What became of a customer's payments, on the pages of his own account: received, being applied, applied, returned.

Each method is called with sudo by the controller, as those of `ar.portal`, and reads that customer's money in that
company and currency only.
"""
from collections import defaultdict

from odoo import api, models
from odoo.fields import Domain


class ArPortal(models.AbstractModel):
    _inherit = 'ar.portal'

    @api.model
    def _get_payment_currencies(self, partner, company):
        """Return the currencies in which the customer paid this company, or owes something."""
        groups = self.env['account.move.line']._read_group(
            self._payments_domain(partner, company), ['currency_id'])
        return self.env['res.currency'].union(*(currency for [currency] in groups))

    @api.model
    def _payments_domain(self, partner, company, currency=None):
        """Return the domain of the receivable items that are money of this customer."""
        moved = self.env['ar.payment.move'].search([
            ('state', '=', 'confirmed'), ('partner_to_id', '=', partner.id), ('transfer_ids', '!=', False)])
        own = Domain([
            ('company_id', '=', company.id), ('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'),
            ('partner_id.commercial_partner_id', '=', partner.id), ('amount_currency', '<', 0)])
        money = Domain('move_id.origin_payment_id.payment_type', '=', 'inbound') | Domain(
            'move_id.statement_line_id', '!=', False) | Domain('id', 'in', moved.credit_line_ids.ids)
        return own & money & (Domain('currency_id', '=', currency.id) if currency else Domain.TRUE)

    @api.model
    def _get_payments(self, partner, company, currency, limit=None, offset=0):
        """Return a page of the customer's payments, the latest first, in a fixed number of queries.

        :return: (list of dict: date, name (its number), text (what stood on it), amount, applied, on_account, returned,
            state ('waiting', 'applying', 'applied', 'part', 'on_account', 'returned', 'corrected'), items (list of
            dict: name, url, amount)), number of all payments). Amounts in the currency, above zero
        """
        groups = self.env['account.move.line']._read_group(
            self._payments_domain(partner, company, currency), ['move_id'], ['id:recordset', 'date:max'])
        found = [(day, move.id, move, lines) for move, lines, day in groups]
        waiting = self.env['account.bank.statement.line'].search([
            ('company_id', '=', company.id), ('partner_id.commercial_partner_id', '=', partner.id),
            ('is_reconciled', '=', False), ('amount', '>', 0), ('move_id.state', '=', 'posted'),
            ('move_id', 'not in', [move.id for _day, _key, move, _lines in found])]).filtered(
            lambda line: (line.foreign_currency_id or line.currency_id) == currency)
        found += [(line.date, line.move_id.id, line.move_id, self.env['account.move.line']) for line in waiting]
        found.sort(key=lambda one: one[:2], reverse=True)
        page = found[offset:][:limit]
        lines = self.env['account.move.line'].union(*(lines for _day, _key, _move, lines in page))
        facts = self._get_payment_facts(lines, waiting)
        return [self._make_payment(day, move, own, currency, facts) for day, _key, move, own in page], len(found)

    @api.model
    def _get_payment_facts(self, lines, waiting):
        """Return what has to be known of the money of a page: {name: value}."""
        returns = self.env['ar.payment.return'].search([
            ('state', '=', 'confirmed'), '|', ('payment_id', 'in', lines.move_id.origin_payment_id.ids),
            ('statement_line_id', 'in', lines.move_id.statement_line_id.ids)])
        returned = defaultdict(float)
        customers = lines.partner_id.commercial_partner_id
        for record in returns:  # of one transfer for several customers, this customer's part
            own = record.entry_line_ids.filtered(
                lambda line: line.account_type == 'asset_receivable'
                and line.partner_id.commercial_partner_id in customers)
            returned[record._get_own_lines().move_id.id] += sum(own.mapped('amount_currency'))
        proposals = self.env['ar.cash.proposal'].search([
            ('state', '=', 'proposed'), '|', ('payment_line_id', 'in', lines.ids),
            ('statement_line_id', 'in', waiting.ids)])
        moves = self.env['ar.payment.move'].search([
            ('state', '=', 'confirmed'), '|', '|', ('payment_id', 'in', lines.move_id.origin_payment_id.ids),
            ('statement_line_id', 'in', lines.move_id.statement_line_id.ids),
            ('transfer_ids', 'in', lines.move_id.ids)])
        cheques = self.env['ar.deposit.line'].search([('payment_id', 'in', lines.move_id.origin_payment_id.ids)])
        return {
            'returned': returned, 'not_paid': returns.entry_line_ids | moves.transfer_ids.line_ids,
            'corrected': moves.transfer_ids,
            'moved': (moves.payment_id.move_id | moves.statement_line_id.move_id | moves.transfer_ids).ids,
            'cheques': {line.payment_id.move_id.id: line._get_kind_name() for line in cheques},
            'proposed': (proposals.payment_line_id.move_id | proposals.statement_line_id.move_id).ids}

    @api.model
    def _make_payment(self, day, move, lines, currency, facts):
        """Return what the customer is told about one payment; see `_get_payments`."""
        items, corrected = [], 0.0
        for line in lines:
            for match in line.matched_debit_ids:
                counterpart, amount = match.debit_move_id, match.credit_amount_currency
                if counterpart.move_id in facts['corrected']:
                    corrected += amount
                elif counterpart not in facts['not_paid'] and not currency.is_zero(amount):
                    invoice = counterpart.move_id
                    items.append({
                        'name': invoice.name, 'amount': amount,
                        'url': f'/my/invoices/{invoice.id}' if invoice.is_sale_document() else ''})
        amount = -sum(lines.mapped('amount_currency')) if lines else abs(
            move.statement_line_id.amount_currency if move.statement_line_id.foreign_currency_id
            else move.statement_line_id.amount)
        values = {
            'date': day, 'name': move.name, 'text': self._get_payment_text(move, facts),
            'amount': currency.round(amount), 'items': items,
            'applied': currency.round(sum(item['amount'] for item in items)),
            'on_account': currency.round(-sum(lines.mapped('amount_residual_currency'))),
            'returned': facts['returned'][move.id], 'corrected': currency.round(corrected)}
        return {**values, 'state': self._get_payment_state(move, lines, currency, values, facts)}

    @api.model
    def _get_payment_text(self, move, facts):
        """Return the customer's own words on a payment: no memo of ours, and nothing of money that was moved."""
        payers = move.line_ids.filtered(
            lambda line: line.account_type == 'asset_receivable').partner_id.commercial_partner_id
        if move.id in facts['moved'] or len(payers) > 1:  # one transfer for several customers names the others
            return ''
        payment = move.origin_payment_id
        return (facts['cheques'].get(move.id) or payment.payment_transaction_id.reference
                or move.statement_line_id.payment_ref or '')

    @api.model
    def _get_payment_state(self, move, lines, currency, values, facts):
        """Return the state in which the customer finds a payment."""
        if values['returned'] and not values['applied'] and not values['on_account']:
            return 'returned'
        if values['corrected'] and not values['applied'] and not values['on_account']:
            return 'corrected'
        if move.id in facts['proposed']:
            return 'applying'
        if not lines:
            return 'waiting'
        if currency.is_zero(values['on_account']):
            return 'applied'
        return 'part' if values['applied'] else 'on_account'
