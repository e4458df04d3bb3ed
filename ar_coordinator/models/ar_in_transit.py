"""What is on its way to or from the bank: an entry with one open item that one bank transaction is matched with.

Deposits and returned payments inherit this. They define `journal_id`, `currency_id` and `_get_bank_amount`; in state
`confirmed` they have an entry.
"""
from collections import defaultdict
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

DAYS_AFTER = 30  # it is seen in the bank within so many days
MODELS = ('ar.deposit', 'ar.payment.return')


class ArInTransit(models.AbstractModel):
    _name = 'ar.in.transit'
    _description = "On Its Way to or from the Bank"
    _inherit = ['ar.cash.document']

    transit_line_id = fields.Many2one(
        comodel_name='account.move.line', string="In Transit", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    is_in_bank = fields.Boolean(
        string="In the Bank", compute='_compute_is_in_bank', search='_search_is_in_bank',
        help="Matched with a bank transaction.")

    @api.depends('transit_line_id.reconciled')
    def _compute_is_in_bank(self):
        for record in self:
            record.is_in_bank = record.transit_line_id.reconciled

    def _search_is_in_bank(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return [('transit_line_id.reconciled', 'in', value)]

    def _get_bank_amount(self):
        """Return the amount of its bank transaction, in its currency; negative: money that leaves."""
        raise NotImplementedError

    def action_match_bank(self):
        """Match with the bank's transaction; let the user choose when several might be the one.

        :return: None, or the action that shows the candidates
        :raise AccessError: unless the user works the desk
        :raise UserError: when there is no transaction, or it is matched already
        """
        self.ensure_one()
        [record] = self._lock_in('confirmed')
        record._check_in_transit()
        candidates = record._get_candidates()[record]
        if not candidates:
            raise UserError(self.env._(
                "%(name)s: %(journal)s has no open bank transaction of %(amount)s since that day.",
                name=record.name, journal=record.journal_id.display_name,
                amount=record.currency_id.format(record._get_bank_amount())))
        if len(candidates) > 1:
            action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_in_transit_candidate_action')
            return {**action, 'domain': [('id', 'in', candidates.ids)],
                    'context': {'ar_in_transit': [record._name, record.id]}}
        record._match(candidates)
        return None

    def action_unmatch_bank(self):
        """Take the match with the bank's transaction back.

        :raise AccessError: unless the user works the desk
        :raise UserError: when it is not matched, or not with one bank transaction
        """
        self.ensure_one()
        [record] = self._lock_in('confirmed')
        transaction = record._get_transaction()
        if not transaction:
            raise UserError(self.env._("%s is not matched with a bank transaction.", record.name))
        record.company_id._ar_check_open_period(transaction.date, record.journal_id, record.name)
        transaction.action_undo_reconciliation()
        record._message_log(body=self.env._(
            "No longer matched with the bank transaction %s.", transaction.display_name))

    def action_view_transaction(self):
        """Open the bank transaction."""
        self.ensure_one()
        move = self._get_transaction().move_id
        return move._get_records_action(name=move.display_name)

    def _check_in_transit(self):
        """:raise UserError: when the record is matched already."""
        if self.transit_line_id.reconciled:
            raise UserError(self.env._("%s is matched with a bank transaction already.", self.name))

    def _get_transaction(self):
        """Return the bank transaction that the record is matched with."""
        line = self.transit_line_id
        return (line.matched_credit_ids.credit_move_id | line.matched_debit_ids.debit_move_id).statement_line_id[:1]

    def _get_candidates(self):
        """Return {record: open bank transactions that have its total, in its account and time}, in one query."""
        if not self:
            return {}
        transactions = self.env['account.bank.statement.line'].search([
            ('journal_id', 'in', self.journal_id.ids), ('is_reconciled', '=', False), ('move_id.state', '=', 'posted'),
            ('date', '>=', min(self.mapped('date')))], order='date, id')
        by_amount = defaultdict(transactions.browse)
        for transaction in transactions:
            by_amount[transaction.journal_id, round(self._get_open_amount(transaction), 6)] |= transaction
        return {
            record: by_amount[record.journal_id, round(record._get_bank_amount(), 6)].filtered(
                lambda transaction, record=record: record._has_total(transaction)
                and record.date <= transaction.date <= record.date + timedelta(days=DAYS_AFTER))
            for record in self}

    def _get_open_amount(self, transaction):
        """Return what came in, in the transaction's currency; 0 when something of it is booked."""
        _liquidity, suspense, other = transaction._seek_for_lines()
        return -suspense.amount_currency if len(suspense) == 1 and not other else 0.0

    def _has_total(self, transaction):
        """Return whether nothing of a bank transaction is booked, and its amount is the record's."""
        currency = transaction.foreign_currency_id or transaction.currency_id
        return currency == self.currency_id and not currency.compare_amounts(
            self._get_open_amount(transaction), self._get_bank_amount())

    def _match(self, transaction):
        """Book the bank transaction on the record's account and match both."""
        self.ensure_one()
        self._lock_others_out(transaction, transaction.display_name)
        transaction.invalidate_recordset()
        if transaction.journal_id != self.journal_id or not self._has_total(transaction):
            raise UserError(self.env._(
                "%(transaction)s is not the whole of %(name)s any more: look again.",
                transaction=transaction.display_name, name=self.name))
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
        """Return the company's records that the bank does not have yet."""
        return self.search([
            ('company_id', '=', company.id), ('state', '=', 'confirmed'), ('transit_line_id', '!=', False),
            ('transit_line_id.reconciled', '=', False)])

    @api.model
    def _match_sure(self, company):
        """Match what can be nothing else: one transaction for a record, and one record for the transaction.

        :return: the records that were matched
        """
        records = self.with_company(company).sudo()._get_in_transit(company)  # sudo: as the cron's
        candidates = records._get_candidates()
        matched = records.browse()
        for record, transactions in candidates.items():
            if len(transactions) == 1 and sum(transactions in others for others in candidates.values()) == 1:
                try:
                    with self.env.cr.savepoint():
                        record._match(transactions)
                    matched |= record
                except UserError as error:  # closed period, changed since: a person deals with it
                    record._message_log(body=self.env._("Not matched by itself: %s", error.args[0]))
        return matched


class AccountBankStatementLine(models.Model):
    _inherit = 'account.bank.statement.line'

    def action_ar_choose_in_transit(self):
        """Match the deposit or returned payment that the list was opened for with this transaction."""
        self.ensure_one()
        model, key = self.env.context.get('ar_in_transit') or (None, None)
        record = self.env[model].browse(key).exists() if model in MODELS else None
        if not record:
            raise UserError(self.env._("Open the deposit or the returned payment, and match it there."))
        self.check_access('read')
        [locked] = record._lock_in('confirmed')
        locked._check_in_transit()
        locked._match(self.sudo())  # sudo: who may work on the record, and see the transaction, was checked
        return record._get_records_action(name=record.display_name)
