"""What was matched with receivable items, and when: the other side of the residual."""
from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def payments_of(self, line_ids):
        """Return what was matched with receivable items: payments, credit notes, write-offs. One query for all items.

        :param list line_ids: ids of account.move.line; those the user may not read are left out
        :return: dict of line id -> list of dict, oldest first, for every item that has any: line_id (the counterpart),
            date (its accounting date: the day the money came, not the day of matching; of money that was moved to the
            right customer the day it came to us), amount (positive, in the item's currency; core converts other
            currencies at that day), move_type of the counterpart, is_posted, is_payment (money, not a credit note or a
            write-off: from a bank, cash or card journal, a payment, the journal of imported settlements, or moved from
            another customer). Exchange differences settle nothing in the item's currency and are
            left out.
        :raise AccessError: when the user may not read receivables
        """
        self._check_reader()
        payments = defaultdict(list)
        if not line_ids:
            return {}
        lines = self.env['account.move.line'].with_context(active_test=False)
        lines.flush_model(['date', 'move_id', 'parent_state'])
        self.env['account.partial.reconcile'].flush_model()
        self.env['account.move'].flush_model(['move_type', 'journal_id', 'origin_payment_id', 'company_id'])
        self.env['res.company'].flush_model(['ar_import_settlement_journal_id'])
        self.env['ar.payment.move'].flush_model(['transfer_ids', 'payment_id', 'statement_line_id', 'state'])
        self.env['account.payment'].flush_model(['date'])
        query = lines._search([('id', 'in', list(line_ids))], order='id')
        for row in self.env.execute_query_dict(SQL(
            """
            WITH asked AS MATERIALIZED (%(lines)s),
            moved AS MATERIALIZED (
                SELECT transfer.account_move_id AS move_id, MIN(COALESCE(bank.date, paid.date)) AS date
                  FROM ar_payment_move_transfer_rel transfer
                  JOIN ar_payment_move record ON record.id = transfer.ar_payment_move_id AND record.state = 'confirmed'
             LEFT JOIN account_payment paid ON paid.id = record.payment_id
             LEFT JOIN account_bank_statement_line transaction ON transaction.id = record.statement_line_id
             LEFT JOIN account_move bank ON bank.id = transaction.move_id
              GROUP BY transfer.account_move_id
            )
            SELECT part.item_id, part.line_id, part.amount, COALESCE(moved.date, other.date) AS date, move.move_type,
                   other.parent_state = 'posted' AS is_posted,
                   move.move_type = 'entry' AND (
                       journal.type IN ('bank', 'cash', 'credit') OR move.origin_payment_id IS NOT NULL
                       OR journal.id = company.ar_import_settlement_journal_id OR moved.move_id IS NOT NULL
                   ) AS is_payment
              FROM (SELECT debit_move_id AS item_id, credit_move_id AS line_id, debit_amount_currency AS amount
                      FROM account_partial_reconcile WHERE debit_move_id IN (SELECT id FROM asked)
                 UNION ALL
                    SELECT credit_move_id, debit_move_id, credit_amount_currency
                      FROM account_partial_reconcile WHERE credit_move_id IN (SELECT id FROM asked)) AS part
              JOIN account_move_line other ON other.id = part.line_id
              JOIN account_move move ON move.id = other.move_id
              JOIN account_journal journal ON journal.id = move.journal_id
              JOIN res_company company ON company.id = move.company_id
         LEFT JOIN moved ON moved.move_id = move.id AND other.balance < 0
             WHERE part.amount != 0
          ORDER BY COALESCE(moved.date, other.date), part.line_id
            """, lines=query.select())):
            payments[row.pop('item_id')].append({**row, 'amount': float(row['amount'])})
        return dict(payments)

    @api.model
    @api.readonly
    def residuals_of(self, line_ids):
        """Return what is open on receivable items now, posted or not. One query for all items.

        :param list line_ids: ids of account.move.line; those the user may not read are left out
        :return: dict of line id -> {residual: by the ledger, owed: less what is matched with drafts, both in the item's
            currency; state of its entry ('posted', 'draft', 'cancel')}
        :raise AccessError: when the user may not read receivables
        """
        self._check_reader()
        if not line_ids:
            return {}
        lines = self.env['account.move.line'].with_context(active_test=False)
        lines.flush_model(['amount_residual_currency', 'parent_state'])
        self.env['account.partial.reconcile'].flush_model()
        query = lines._search([('id', 'in', list(line_ids))], order='id')
        return {
            line_id: {'residual': float(owed + draft), 'owed': float(owed), 'state': state}
            for line_id, owed, draft, state in self.env.execute_query(SQL(
                """
                WITH asked AS MATERIALIZED (%(lines)s),
                drafts AS (
                    SELECT line_id, SUM(amount) AS amount
                      FROM (SELECT debit_move_id AS line_id, debit_amount_currency AS amount, credit_move_id AS other_id
                              FROM account_partial_reconcile WHERE debit_move_id IN (SELECT id FROM asked)
                         UNION ALL
                            SELECT credit_move_id, -credit_amount_currency, debit_move_id
                              FROM account_partial_reconcile WHERE credit_move_id IN (SELECT id FROM asked)) AS part
                      JOIN account_move_line other ON other.id = part.other_id AND other.parent_state != 'posted'
                  GROUP BY line_id
                )
                SELECT line.id, line.amount_residual_currency, COALESCE(drafts.amount, 0), line.parent_state
                  FROM asked JOIN account_move_line line USING (id)
             LEFT JOIN drafts ON drafts.line_id = line.id
                """, lines=query.select()))}
