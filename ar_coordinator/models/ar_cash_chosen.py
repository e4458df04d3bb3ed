"""What a user ticked himself: other items or amounts than proposed, made a proposal of its own and applied at once."""
from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

KINDS = {'account.bank.statement.line': 'statement_line_id', 'account.move.line': 'payment_line_id'}


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    def _apply_chosen(self, source, lines, rest_action=None, reason=None, partner=None):
        """Apply money to what a user chose. A choice that is what was proposed applies the proposal as it is.

        :param source: an `account.bank.statement.line` that waits, or the open receivable item of a payment
        :param list lines: dict each: `move_line_id`, `amount` (credits negative) and perhaps `discount` (what the
            item's early-payment terms give, no other amount), in the currency of the source; empty: all on account
        :param str rest_action: what happens with the difference, as `rest_action` of the model; None: as usual
        :param reason: `ar.dispute.reason` of a short payment, or None
        :param partner: `res.partner` who paid; None: the customer of the first item
        :return: the proposal, applied
        :raise AccessError: not a Receivables: User, or money or items of a company that is not switched on
        :raise UserError: money or items that are not open, of another currency, or more than is open
        """
        self.browse()._check_clerk()
        company = source.sudo().company_id  # sudo: bank transactions; the company is checked here
        if company not in self.env.companies:
            raise AccessError(self.env._("This money belongs to %s, which is not switched on.", company.name))
        proposals = self.sudo().with_company(company)  # sudo: guarded model, bank data; role and company were checked
        proposals._lock_records(source.sudo().move_id.name, source.sudo())
        values = proposals._prepare_chosen(
            source.sudo(), lines, partner, proposals._books_shortfall(source, rest_action))
        values.update(proposals._prepare_chosen_rest(rest_action, reason))
        waiting = proposals.search([(KINDS[source._name], '=', source.id), ('state', '=', 'proposed')])
        if not waiting or not waiting._is_chosen(values):
            waiting.unlink()
            waiting = proposals.create(values)
        waiting = waiting.with_env(self.env)
        waiting._apply()
        waiting._learn()
        return waiting

    def _books_shortfall(self, source, rest_action):
        """Return whether the action books what is missing in the transaction's entry, so that items may be chosen for
        more than came in (a bank fee, a write-off); hook of what owns `rest_action`, see `_is_rest_booked`.
        """
        return False

    def _prepare_chosen_rest(self, rest_action, reason):
        """Return the values that say what happens with the difference; hook of what owns `rest_action`."""
        values = {'rest_action': rest_action, 'rest_reason_id': reason.id if reason else None}
        return {name: value for name, value in values.items() if value}

    def _prepare_chosen(self, source, lines, partner, may_exceed):
        """Return the values of the proposal that is chosen; checks everything that can be said before the lock."""
        currency, money, receipt = self._read_source(source)
        items = self.env['account.move.line'].browse([line['move_line_id'] for line in lines])
        if len(set(items.exists().ids)) != len(lines):
            raise UserError(self.env._("%s: each open item can be chosen once, and has to exist.", receipt['name']))
        foreign = items.filtered(lambda item: item.currency_id != currency)
        worths = self._get_chosen_worths(source, currency, receipt, foreign)
        rows = [
            self._prepare_chosen_line(receipt['name'], source.company_id, currency, item, line, worths.get(item))
            for item, line in zip(items, lines, strict=True)]
        if any(row['discount'] for row in rows) and source._name == 'account.move.line':
            raise UserError(self.env._(
                "%s is booked already: an early-payment discount cannot be taken with it.", receipt['name']))
        partner = partner or items[:1].partner_id or receipt['partner']
        if not partner:
            raise UserError(self.env._("%s: choose the customer who paid.", receipt['name']))
        rest = currency.round(money - sum(row['amount'] for row in rows))
        if currency.compare_amounts(rest, 0) < 0 and not may_exceed:
            raise UserError(self.env._(
                "%(name)s: the items are paid with %(paid)s, that is more than the %(money)s that came in.",
                name=receipt['name'], paid=currency.format(money - rest), money=currency.format(money)))
        if currency.is_zero(rest):
            rest = -sum(row['residual'] - row['amount'] - row['discount'] for row in rows if row['amount'] > 0)
        return {
            'name': receipt['name'], 'company_id': source.company_id.id, 'date': receipt['date'],
            'payer': receipt['payer'], 'partner_id': partner.commercial_partner_id.id, 'currency_id': currency.id,
            KINDS[source._name]: source.id, 'amount': money, 'rest': currency.round(rest), 'confidence': 100,
            'what': 'chosen' if rows else 'on_account', 'who': 'chosen',
            'line_ids': [
                fields.Command.create({**row, 'sequence': place}) for place, row in enumerate(rows)]}

    def _read_source(self, source):
        """Return (currency, what is open of it, {name, date, payer, partner}) of money."""
        if source._name == 'account.bank.statement.line':
            currency = source.foreign_currency_id or source.currency_id
            _liquidity, suspense, other = source._seek_for_lines()
            money = -sum(suspense.mapped('amount_currency')) if not other and len(suspense) == 1 else 0.0
            receipt = {'name': source.payment_ref or source.move_id.name, 'payer': source.partner_name}
        elif source._name == 'account.move.line' and source.account_type == 'asset_receivable':
            currency, money = source.currency_id, -source.amount_residual_currency
            receipt = {'name': source.move_id.origin_payment_id.memo or source.move_id.name, 'payer': False}
        else:
            raise UserError(self.env._("Only bank transactions and payments of customers can be applied."))
        if source.move_id.state != 'posted' or currency.compare_amounts(money, 0) <= 0:
            raise UserError(self.env._("%s: nothing of it is to apply any more.", receipt['name']))
        return currency, money, {**receipt, 'date': source.date, 'partner': source.partner_id}

    def _get_chosen_worths(self, source, currency, receipt, items):
        """Return {item: what is open of it in the currency of the money, at the rate of its day}.

        :raise UserError: for money or items that cannot be matched across currencies
        """
        if not items:
            return {}
        item = items[0]
        names = {'name': receipt['name'], 'currency': currency.name, 'item': item.move_id.name,
                 'other': item.currency_id.name, 'date': format_date(self.env, receipt['date'])}
        if source._name == 'account.move.line':
            raise UserError(self.env._(
                "%(name)s is in %(currency)s and booked already, %(item)s is in %(other)s: only a bank transaction can"
                " pay an item in another currency.", **names))
        worths = self.env['ar.cash']._get_worths(source.company_id, items, currency, receipt['date'])
        for item, worth in worths.items():
            names.update(item=item.move_id.name, other=item.currency_id.name)
            if not worth:
                raise UserError(self.env._(
                    "%(name)s: there is no exchange rate from %(other)s to %(currency)s for %(date)s, which %(item)s"
                    " needs. Enter the rate (Accounting, Configuration, Currencies).", **names))
            if worth < 0:
                raise UserError(self.env._(
                    "%(name)s: %(item)s is a credit in %(other)s. Match it with items in %(other)s first.", **names))
        return worths

    def _prepare_chosen_line(self, name, company, currency, item, line, worth=None):
        """Return the values of one chosen item.

        :param float worth: of what is open of an item in another currency, at the rate of the day
        :raise UserError: not an open item of this company and currency, or more than is open of it
        """
        if item.account_type != 'asset_receivable' or item.parent_state != 'posted' or item.company_id != company:
            raise UserError(self.env._(
                "%(name)s: %(item)s is not an open item of %(company)s.", name=name, item=item.move_id.display_name,
                company=company.name))
        residual = item.amount_residual_currency if worth is None else worth
        amount, discount = currency.round(line['amount']), currency.round(line.get('discount') or 0.0)
        taken = currency.round(amount + discount)
        sign = 1 if residual > 0 else -1
        if sign * amount <= 0 or currency.compare_amounts(sign * taken, sign * residual) > 0:
            raise UserError(self.env._(
                "%(name)s: %(item)s can be paid with up to %(open)s, not with %(amount)s.", name=name,
                item=item.move_id.name, open=currency.format(residual), amount=currency.format(taken)))
        if discount and worth is not None:
            raise UserError(self.env._(
                "%(name)s: the early-payment discount of %(item)s cannot be taken in another currency.", name=name,
                item=item.move_id.name))
        if discount and currency.compare_amounts(discount, self.env['ar.cash']._get_discount(item)):
            raise UserError(self.env._(
                "%(name)s: the early-payment discount of %(item)s is %(right)s, not %(discount)s.", name=name,
                item=item.move_id.name, right=currency.format(self.env['ar.cash']._get_discount(item)),
                discount=currency.format(discount)))
        foreign = {} if worth is None else {
            'item_currency_id': item.currency_id.id, 'item_residual': item.amount_residual_currency}
        return {'move_line_id': item.id, 'residual': residual, 'amount': amount, 'discount': discount, **foreign}

    def _is_chosen(self, values):
        """Return whether this proposal says just what was chosen."""
        self.ensure_one()
        chosen = {
            (row['move_line_id'], row['amount'], row['discount'])
            for _command, _id, row in values['line_ids']}
        mine = {(line.move_line_id.id, line.amount, line.discount) for line in self.line_ids}
        return bool(mine) and chosen == mine and values['partner_id'] == self.partner_id.id and all(
            self[name] == value for name, value in values.items()
            if name in ('amount', 'rest', 'rest_action')) and values.get('rest_reason_id', self.rest_reason_id.id) == \
            self.rest_reason_id.id
