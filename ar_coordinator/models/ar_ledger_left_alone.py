"""What is left alone: pauses, and open items that Odoo's own flag keeps out of follow-ups for good."""
from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _left_alone_query(self):
        """Return the rows of `ar.left.alone` as SQL: one per pause, one per unpaid invoice marked no follow-up.

        An invoice's mark has no date of its own: it counts from the invoice's day. Ids: even for pauses, odd for marks.
        """
        self.env['ar.pause'].flush_model()
        self.env['account.move.line'].flush_model([
            'no_followup', 'reconciled', 'account_id', 'parent_state', 'amount_residual', 'amount_residual_currency',
            'move_id', 'partner_id', 'company_id', 'date', 'invoice_date'])
        self.env['account.move'].flush_model(['invoice_user_id'])
        return SQL(
            """
            SELECT pause.id * 2 AS id, CASE WHEN pause.move_id IS NULL THEN 'customer' ELSE 'invoice' END AS kind,
                   pause.id AS pause_id, pause.partner_id, pause.move_id, pause.company_id, pause.user_id,
                   pause.date_start, pause.date_end
              FROM ar_pause pause
         UNION ALL
            SELECT MIN(line.id) * 2 + 1, 'no_followup', NULL::integer, line.partner_id, line.move_id, line.company_id,
                   move.invoice_user_id, MIN(COALESCE(line.invoice_date, line.date)), NULL::date
              FROM account_move_line line
              JOIN account_account account
                ON account.id = line.account_id AND account.account_type = 'asset_receivable'
              JOIN account_move move ON move.id = line.move_id
             WHERE line.no_followup AND line.reconciled IS NOT TRUE AND line.parent_state = 'posted'
               AND (line.amount_residual > 0 OR line.amount_residual_currency > 0)
          GROUP BY line.move_id, line.partner_id, line.company_id, move.invoice_user_id
            """)
