"""The bank's side of a deposit: its transaction over the total of the slip is matched with the deposit entry in one go.

A bank transaction that may be a deposit on its way is no customer's receipt: cash application leaves it alone.
"""
from collections import defaultdict
from datetime import timedelta

from odoo import Command, api, models
from odoo.exceptions import LockError, UserError

DAYS_AFTER = 30  # a deposit is seen in the bank within so many days


class ArDeposit(models.Model):
    _inherit = 'ar.deposit'

    def action_match_bank(self):
        """Match with the bank's transaction; let the user choose when several might be the one.

        :return: None, or the action that shows the candidates
        :raise AccessError: unless the user works the desk
        :raise UserError: when there is no transaction, or it is matched already
        """
        self.ensure_one()
        [deposit] = self._lock_in('confirmed')
        deposit._check_in_transit()
        candidates = deposit._get_candidates()[deposit]
        if not candidates:
            raise UserError(self.env._(
                "%(deposit)s: %(journal)s has no open bank transaction of %(amount)s since that day.",
                deposit=deposit.name, journal=deposit.journal_id.display_name,
                amount=deposit.currency_id.format(deposit.amount_total)))
        if len(candidates) > 1:
            action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_deposit_candidate_action')
            return {**action, 'domain': [('id', 'in', candidates.ids)], 'context': {'ar_deposit_id': deposit.id}}
        deposit._match(candidates)
        return None

    def action_unmatch_bank(self):
        """Take the match with the bank's transaction back.

        :raise AccessError: unless the user works the desk
        :raise UserError: when it is not matched, or not with one bank transaction
        """
        self.ensure_one()
        [deposit] = self._lock_in('confirmed')
        transaction = deposit._get_transaction()
        if not transaction:
            raise UserError(self.env._("%s is not matched with a bank transaction.", deposit.name))
        deposit.company_id._ar_check_open_period(transaction.date, deposit.journal_id, deposit.name)
        transaction.action_undo_reconciliation()
        deposit._message_log(body=self.env._(
            "No longer matched with the bank transaction %s.", transaction.display_name))

    def action_view_transaction(self):
        """Open the bank transaction."""
        self.ensure_one()
        move = self._get_transaction().move_id
        return move._get_records_action(name=move.display_name)

    def _check_in_transit(self):
        """:raise UserError: when the deposit is matched already."""
        if self.transit_line_id.reconciled:
            raise UserError(self.env._("%s is matched with a bank transaction already.", self.name))

    def _get_transaction(self):
        """Return the bank transaction that the deposit is matched with."""
        line = self.transit_line_id
        return (line.matched_credit_ids.credit_move_id | line.matched_debit_ids.debit_move_id).statement_line_id[:1]

    def _get_candidates(self):
        """Return {deposit: open bank transactions that have its total, in its account and time}, in one query."""
        transactions = self.env['account.bank.statement.line'].search([
            ('journal_id', 'in', self.journal_id.ids), ('is_reconciled', '=', False), ('move_id.state', '=', 'posted'),
            ('amount', '>', 0), ('date', '>=', min(self.mapped('date'), default=False))], order='date, id')
        by_amount = defaultdict(transactions.browse)
        for transaction in transactions:
            by_amount[transaction.journal_id, round(self._get_open_amount(transaction), 6)] |= transaction
        return {
            deposit: by_amount[deposit.journal_id, round(deposit.amount_total, 6)].filtered(
                lambda transaction, deposit=deposit: deposit._has_total(transaction)
                and deposit.date <= transaction.date <= deposit.date + timedelta(days=DAYS_AFTER))
            for deposit in self}

    def _get_open_amount(self, transaction):
        """Return what came in, in the transaction's currency; 0 when something of it is booked."""
        _liquidity, suspense, other = transaction._seek_for_lines()
        return -suspense.amount_currency if len(suspense) == 1 and not other else 0.0

    def _has_total(self, transaction):
        """Return whether nothing of a bank transaction is booked, and its amount is the deposit's."""
        currency = transaction.foreign_currency_id or transaction.currency_id
        return currency == self.currency_id and not currency.compare_amounts(
            self._get_open_amount(transaction), self.amount_total)

    def _match(self, transaction):
        """Book the bank transaction on the deposit's account and match both."""
        self.ensure_one()
        try:
            transaction.lock_for_update(allow_referencing=True)
        except LockError:
            raise UserError(self.env._(
                "%s is being worked on by somebody else: try again in a moment.",
                transaction.display_name)) from None
        transaction.invalidate_recordset()
        if transaction.journal_id != self.journal_id or not self._has_total(transaction):
            raise UserError(self.env._(
                "%(transaction)s is not the whole of %(deposit)s any more: look again.",
                transaction=transaction.display_name, deposit=self.name))
        self.company_id._ar_check_open_period(transaction.date, self.journal_id, self.name)
        _liquidity, suspense, _other = transaction._seek_for_lines()
        move, before = transaction.move_id, transaction.move_id.line_ids
        values = {
            'name': self.name, 'account_id': self.transit_line_id.account_id.id, 'currency_id': self.currency_id.id,
            'amount_currency': suspense.amount_currency, 'balance': suspense.balance}
        move.with_context(skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({
            'line_ids': [Command.delete(suspense.id), Command.create(values)]})
        (move.line_ids - before + self.transit_line_id).reconcile()
        self._message_log(body=self.env._("Matched with the bank transaction %s.", transaction.display_name))

    @api.model
    def _get_in_transit(self, company):
        """Return the company's deposits that the bank does not have yet."""
        return self.search([
            ('company_id', '=', company.id), ('state', '=', 'confirmed'), ('transit_line_id.reconciled', '=', False)])

    @api.model
    def _match_sure(self, company):
        """Match what can be nothing else: one transaction for a deposit, and one deposit for the transaction.

        :return: the deposits that were matched
        """
        deposits = self.with_company(company).sudo()._get_in_transit(company)  # sudo: as the cron's
        candidates = deposits._get_candidates()
        matched = deposits.browse()
        for deposit, transactions in candidates.items():
            if len(transactions) == 1 and sum(transactions in others for others in candidates.values()) == 1:
                try:
                    with self.env.cr.savepoint():
                        deposit._match(transactions)
                    matched |= deposit
                except UserError as error:  # closed period, changed since: a person deals with it
                    deposit._message_log(body=self.env._("Not matched by itself: %s", error.args[0]))
        return matched


class AccountBankStatementLine(models.Model):
    _inherit = 'account.bank.statement.line'

    def action_ar_choose_for_deposit(self):
        """Match the deposit that the list was opened for with this transaction."""
        self.ensure_one()
        deposit = self.env['ar.deposit'].browse(self.env.context.get('ar_deposit_id')).exists()
        if not deposit:
            raise UserError(self.env._("Open the deposit and match it there."))
        self.check_access('read')
        [locked] = deposit._lock_in('confirmed')
        locked._check_in_transit()
        locked._match(self.sudo())  # sudo: who may work on the deposit, and see the transaction, was checked
        return deposit._get_records_action(name=deposit.name)


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_receipts(self, env, company):
        """Override: what may be a deposit on its way is nobody's payment."""
        found = super()._get_receipts(env, company)
        deposits = env['ar.deposit']._get_in_transit(company)
        if not deposits:
            return found
        taken = {transaction.id for candidates in deposits._get_candidates().values() for transaction in candidates}
        return {
            (currency, (kind, key)): receipt for (currency, (kind, key)), receipt in found.items()
            if kind != 'transaction' or key not in taken}

    @api.model
    def _cron_apply(self):
        """Override: deposits first, where the company lets cash be applied by itself."""
        for company in self.env['res.company'].search([('ar_cash_automatic', '=', True)]):
            self.env['ar.deposit']._match_sure(company)
        return super()._cron_apply()
