"""Applying and undoing: from a proposal to Odoo's journal items and partial reconciles, and back.

A bank transaction's line on the suspense account becomes one receivable line for each item, matched with it; a
payment's open item is matched as it stands. What is left over goes where `_prepare_rest` says. All of it happens in one
database transaction, under lock, or not at all.
"""
from odoo import fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import format_date


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    def _apply(self, automatic=False):
        """Apply one proposal under lock."""
        self.ensure_one()
        proposal = self.sudo().with_company(self.company_id)  # sudo: bank entries; role and company were checked
        proposal._lock()
        if proposal.state != 'proposed':
            raise UserError(self.env._("%s was dealt with already.", proposal.name))
        if not proposal.line_ids and not (proposal.what == 'on_account' and proposal.statement_line_id):
            raise UserError(self.env._(
                "%s: nothing is open for it. Choose the items it pays, or put it on account.", proposal.name))
        proposal._check_unchanged()
        if proposal.statement_line_id:
            proposal._apply_transaction()
        else:
            proposal._apply_payment()
        proposal.write({
            'state': 'applied', 'is_automatic': automatic, 'applied_by_id': self.env.uid,
            'date_applied': fields.Datetime.now()})
        proposal._close_rest()

    def _lock(self):
        """Keep others off the money and its items until the end of the transaction."""
        self._lock_records(self.name, self, self.statement_line_id or self.payment_line_id, self.line_ids.move_line_id)
        self.invalidate_recordset()
        self.line_ids.move_line_id.invalidate_recordset()

    def _lock_records(self, name, *sets):
        """:raise UserError: when somebody else works with one of the records"""
        try:
            for records in sets:
                records.lock_for_update(allow_referencing=records._name != self._name)
        except LockError as error:  # a LockError itself would come up as a fault of the server
            raise UserError(self.env._(
                "%s is being worked on by somebody else: try again in a moment.", name)) from error

    def _check_unchanged(self):
        """Refuse what is not open any more as it was when it was proposed."""
        money = self._get_open_money()
        if self.currency_id.compare_amounts(money, self.amount):
            raise UserError(self.env._(
                "%(name)s: %(open)s of it are open now, not %(amount)s. Look for proposals again.", name=self.name,
                open=self.currency_id.format(money), amount=self.currency_id.format(self.amount)))
        for line in self.line_ids:
            item, currency = line.move_line_id, line.item_currency_id or self.currency_id
            before = line.item_residual if line.item_currency_id else line.residual
            if item.parent_state != 'posted' or currency.compare_amounts(item.amount_residual_currency, before):
                raise UserError(self.env._(
                    "%(item)s: %(now)s are open now, not %(before)s. Look for proposals again.",
                    item=item.move_id.name, now=currency.format(item.amount_residual_currency),
                    before=currency.format(before)))
        self._check_worths()

    def _check_worths(self):
        """Refuse what is worth something else by now: the rate of the day was entered or corrected since."""
        lines = self.line_ids.filtered('item_currency_id')
        if not lines:
            return
        worths = self.env['ar.cash']._get_worths(self.company_id, lines.move_line_id, self.currency_id, self.date)
        for line in lines:
            if self.currency_id.compare_amounts(worths[line.move_line_id] or 0.0, line.residual):
                raise UserError(self.env._(
                    "%(item)s: the exchange rate of %(date)s was changed since. Look for proposals again.",
                    item=line.move_id.name, date=format_date(self.env, self.date)))

    def _get_open_money(self):
        if self.statement_line_id:
            _liquidity, suspense, other = self.statement_line_id._seek_for_lines()
            return -sum(suspense.mapped('amount_currency')) if not other else 0.0
        return -self.payment_line_id.amount_residual_currency

    def _apply_transaction(self):
        """Replace the transaction's line on the suspense account by one per item, and match each with its item."""
        transaction = self.statement_line_id
        self._check_open_period()
        _liquidity, suspense, _other = transaction._seek_for_lines()
        values = [self._prepare_paid(line) for line in self.line_ids]
        values += self._prepare_discounts()
        if any(row.get('tax_repartition_line_id') or row.get('tax_ids') for row in values):
            self._check_open_period(has_tax=True)
        values += self._prepare_rest()
        values += self._prepare_exchange(values)
        self._balance(values, suspense)
        move, before = transaction.move_id, transaction.move_id.line_ids
        move.with_context(skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({
            'line_ids': [fields.Command.delete(suspense.id), *map(fields.Command.create, values)]})
        if not transaction.partner_id:
            transaction.with_context(skip_account_move_synchronization=True).partner_id = self.partner_id
            self.is_partner_set = True
        created = (move.line_ids - before).sorted('id')
        self.env['account.move.line']._reconcile_plan([
            counterpart + line.move_line_id
            for line, counterpart in zip(self.line_ids, created[:len(self.line_ids)], strict=True)])

    def _prepare_counterpart(self, account, partner, amount, name=None):
        """Return a line of the transaction's entry that credits `amount` (currency of the proposal) to the account."""
        amounts = self.statement_line_id._prepare_counterpart_amounts_using_st_line_rate(
            self.currency_id, -amount, -amount)
        return {
            'name': name or self.name, 'account_id': account.id, 'partner_id': partner.id,
            'currency_id': self.currency_id.id, **amounts}

    def _check_open_period(self, has_tax=False):
        """Refuse to change a bank transaction's entry on a closed day, before anything is done.

        Payments on account are matched as they are booked: no entry changes, and what Odoo books for exchange
        differences it dates after the lock.

        :param bool has_tax: whether taxes are booked with it (of an early-payment discount)
        :raise UserError: naming the locks
        """
        locks = self.company_id._get_violated_lock_dates(self.statement_line_id.date, has_tax, False)
        if locks:
            raise UserError(self.env._(
                "%(name)s: the bank transaction is of %(day)s, in a period that is closed (%(locks)s). Nothing was"
                " changed. Ask an accountant to open the period, or to book it in a later one.", name=self.name,
                day=format_date(self.env, self.statement_line_id.date),
                locks=self.company_id._format_lock_dates(locks)))

    def _prepare_paid(self, line):
        """Return the line of the transaction's entry that pays an item: in the item's currency, worth what came in."""
        item = line.move_line_id
        values = self._prepare_counterpart(item.account_id, item.partner_id, line.amount + line.discount)
        if line.item_currency_id:
            values.update(currency_id=item.currency_id.id, amount_currency=-line._get_settled())
            if item.currency_id == self.company_id.currency_id and item.currency_id.compare_amounts(
                    line._get_settled(), item.amount_residual_currency):
                values['amount_currency'] = values['balance']  # a part: as much as came in
        return values

    def _prepare_exchange(self, values):
        """Return the line for the exchange difference of items in the company's currency that were paid in another.

        With items in other currencies Odoo books it when they are matched. The items' lines are corrected to what they
        settle.
        """
        own, difference = self.company_id.currency_id, 0.0
        for row in values[:len(self.line_ids)] if self.currency_id != own else ():
            if row['currency_id'] == own.id:
                difference += row['balance'] - row['amount_currency']
                row['balance'] = row['amount_currency']
        return [] if own.is_zero(difference) else [self._prepare_exchange_line(own.round(difference))]

    def _prepare_exchange_line(self, balance):
        company = self.company_id
        account = company.expense_currency_exchange_account_id if balance > 0 \
            else company.income_currency_exchange_account_id
        if not account:
            raise UserError(self.env._(
                "%(name)s: an exchange difference of %(amount)s has to be booked. Set the accounts for it (Settings,"
                " Accounting, Default Accounts).", name=self.name, amount=company.currency_id.format(abs(balance))))
        return {
            'name': self.env._("Exchange difference: %s", self.name), 'account_id': account.id, 'partner_id': False,
            'currency_id': company.currency_id.id, 'amount_currency': balance, 'balance': balance}

    def _prepare_rest(self):
        """Return the lines of a bank transaction's entry for the difference (`rest`); hook.

        Above zero it stays on account. Below zero a bank fee is booked (`_is_rest_booked`), all else stays open on the
        items and needs no line. Not called for payments: their entries are booked already.

        :return: list of values as of `_prepare_counterpart`, which together are worth `rest` in the proposal's currency
        """
        self.ensure_one()
        if self.rest_action == 'rate':
            return []  # the items are paid at the payer's rate
        if self.currency_id.compare_amounts(self.rest, 0) > 0:
            account = self.line_ids[-1:].move_line_id.account_id or self.partner_id.with_company(
                self.company_id).property_account_receivable_id
            partner = self.line_ids[-1:].move_line_id.partner_id or self.partner_id
            return [self._prepare_counterpart(account, partner, self.rest)]
        return [self._prepare_fee()] if self._is_rest_booked() else []

    def _is_rest_booked(self):
        """Return whether a difference below zero is booked in the transaction's entry, the items paid in full; hook."""
        self.ensure_one()
        return self.rest < 0 and bool(self.statement_line_id) and self.what in ('fee', 'one_fee')

    def _close_rest(self):
        """Do what follows from an application, in the same database transaction; hook (disputes, write-offs, ...)."""

    def _reopen_rest(self):
        """Take back what `_close_rest` did, before the application is undone; hook.

        :raise UserError: when that is not possible any more; nothing is undone then
        """

    def _prepare_fee(self):
        account = self.company_id.ar_cash_fee_account_id
        if not account:
            raise UserError(self.env._(
                "%(name)s: the bank kept %(fee)s. Set the account for bank fees (Settings, Receivables), or apply it "
                "by hand.", name=self.name, fee=self.currency_id.format(-self.rest)))
        return self._prepare_counterpart(account, self.partner_id, self.rest, self.env._("Bank fee: %s", self.name))

    def _prepare_discounts(self):
        """Return the lines of the early-payment discounts, with their taxes, as Odoo works them out."""
        lines = self.line_ids.filtered('discount')
        if not lines:
            return []
        matched = [{
            'aml': line.move_line_id, 'amount_currency': -line.move_line_id.amount_residual_currency,
            'balance': self._to_company(-line.move_line_id.amount_residual_currency)} for line in lines]
        values = self.env['account.move']._get_invoice_counterpart_amls_for_early_payment_discount(
            matched, self._to_company(sum(lines.mapped('discount'))))
        return [row for rows in values.values() for row in rows]

    def _to_company(self, amount):
        return self.currency_id._convert(amount, self.company_id.currency_id, self.company_id, self.date)

    def _balance(self, values, suspense):
        """Put what rounding of rates left into the first line, so that the entry balances to the cent."""
        company_currency = self.company_id.currency_id
        missing = suspense.balance - sum(row['balance'] for row in values)
        if not company_currency.is_zero(missing):
            if self.currency_id == company_currency:
                raise UserError(self.env._(
                    "%s: the items don't add up to the amount. Look for proposals again.", self.name))
            for row in values:
                if row['currency_id'] != company_currency.id:
                    row['balance'] = company_currency.round(row['balance'] + missing)
                    return
            values.append(self._prepare_exchange_line(company_currency.round(missing)))

    def _apply_payment(self):
        """Match the payment's item on account with the items, in their order."""
        items = self.line_ids.move_line_id
        involved = self.payment_line_id + items
        before = involved.matched_debit_ids | involved.matched_credit_ids
        if self._pays_in_full():
            involved.reconcile()
        else:
            self._match_in_order()
        self.match_ids = (involved.matched_debit_ids | involved.matched_credit_ids) - before

    def _pays_in_full(self):
        """Return whether each item is paid with all that is open of it, and none is left to choose from."""
        return self.rest >= 0 and not any(
            self.currency_id.compare_amounts(line.amount, line.residual) for line in self.line_ids)

    def _match_in_order(self):
        """Match credits, then the payment, with the items in their order, each up to its amount."""
        credits = [(line.move_line_id, -line.amount) for line in self.line_ids if line.amount < 0]
        credits.append((self.payment_line_id, self.amount))
        item, credit = None, None
        debits = iter([(line.move_line_id, line.amount) for line in self.line_ids if line.amount > 0])
        credits = iter(credits)
        wanted = left = 0.0
        while True:
            if self.currency_id.is_zero(wanted):
                item, wanted = next(debits, (None, 0.0))
            if self.currency_id.is_zero(left):
                credit, left = next(credits, (None, 0.0))
            if not item or not credit:
                return
            amount = min(wanted, left)
            (item + credit).with_context(ar_cash_limits={item.id: amount, credit.id: amount}).reconcile()
            wanted -= amount
            left -= amount

    def _undo(self):
        """Undo one application under lock."""
        self.ensure_one()
        proposal = self.sudo().with_company(self.company_id)  # sudo: as _apply
        if proposal.state != 'applied':
            raise UserError(self.env._("%s is not applied: there is nothing to undo.", proposal.name))
        proposal._lock()
        if proposal.statement_line_id:
            proposal._check_open_period()
        proposal._reopen_rest()
        if proposal.statement_line_id:
            proposal._check_still_applied()
            proposal.statement_line_id.action_undo_reconciliation()
            if proposal.is_partner_set:  # who paid was part of what is undone
                proposal.statement_line_id.partner_id = False
        else:
            proposal.match_ids.unlink()  # those made since by others stay
        proposal.state = 'undone'
        proposal._unlearn()

    def _check_still_applied(self):
        """:raise UserError: when somebody booked the transaction differently since: that is not ours to undo"""
        items = self.line_ids.move_line_id
        _liquidity, suspense, other = self.statement_line_id._seek_for_lines()
        receivable = other.filtered(lambda line: line.account_id.account_type == 'asset_receivable')
        matches = receivable.matched_debit_ids | receivable.matched_credit_ids
        ours = matches.debit_move_id | matches.credit_move_id
        if suspense or not receivable or not items <= ours:
            raise UserError(self.env._(
                "%s was booked differently since: undo it on the bank transaction.", self.name))
