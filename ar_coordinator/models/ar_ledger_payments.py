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
            date (its accounting date: the day the money came, not the day of matching), amount (positive, in the
            item's currency), move_type of the counterpart, is_posted. Exchange differences settle nothing in the
            item's currency and are left out.
        :raise AccessError: when the user may not read receivables
        """
        self._check_reader()
        payments = defaultdict(list)
        if not line_ids:
            return {}
        lines = self.env['account.move.line'].with_context(active_test=False)
        lines.flush_model(['date', 'move_id', 'parent_state'])
        self.env['account.partial.reconcile'].flush_model()
        self.env['account.move'].flush_model(['move_type'])
        query = lines._search([('id', 'in', list(line_ids))], order='id')
        for row in self.env.execute_query_dict(SQL(
            """
            WITH asked AS MATERIALIZED (%(lines)s)
            SELECT part.item_id, part.line_id, part.amount, other.date, move.move_type,
                   other.parent_state = 'posted' AS is_posted
              FROM (SELECT debit_move_id AS item_id, credit_move_id AS line_id, debit_amount_currency AS amount
                      FROM account_partial_reconcile WHERE debit_move_id IN (SELECT id FROM asked)
                 UNION ALL
                    SELECT credit_move_id, debit_move_id, credit_amount_currency
                      FROM account_partial_reconcile WHERE credit_move_id IN (SELECT id FROM asked)) AS part
              JOIN account_move_line other ON other.id = part.line_id
              JOIN account_move move ON move.id = other.move_id
             WHERE part.amount != 0
          ORDER BY other.date, part.line_id
            """, lines=query.select())):
            payments[row.pop('item_id')].append({**row, 'amount': float(row['amount'])})
        return dict(payments)
