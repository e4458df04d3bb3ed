"""What is left alone: pauses, open items that Odoo's own flag keeps out of follow-ups for good, and open items whose
write-off waits for approval."""
from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _left_alone_query(self):
        """Return the rows of `ar.left.alone` as SQL: one per pause, one per unpaid invoice marked no
        follow-up, one per open item whose write-off waits for approval.

        An invoice's mark has no date of its own: it counts from the invoice's day. Ids: the kinds take turns.
        """
        self.env['ar.pause'].flush_model()
        self.env['account.move.line'].flush_model([
            'no_followup', 'reconciled', 'account_id', 'parent_state', 'amount_residual', 'amount_residual_currency',
            'move_id', 'partner_id', 'company_id', 'date', 'invoice_date'])
        self.env['account.move'].flush_model(['invoice_user_id'])
        self.env['ar.write.off'].flush_model()
        self.env['ar.write.off.line'].flush_model()
        return SQL(
            """
            SELECT pause.id * 3 AS id, CASE WHEN pause.move_id IS NULL THEN 'customer' ELSE 'invoice' END AS kind,
                   pause.id AS pause_id, NULL::integer AS write_off_id, pause.partner_id, pause.move_id,
                   pause.move_line_id, pause.company_id, pause.user_id, pause.date_start, pause.date_end
              FROM ar_pause pause
         UNION ALL
            SELECT MIN(line.id) * 3 + 1, 'no_followup', NULL::integer, NULL::integer, line.partner_id, line.move_id,
                   NULL::integer, line.company_id, move.invoice_user_id,
                   MIN(COALESCE(line.invoice_date, line.date)), NULL::date
              FROM account_move_line line
              JOIN account_account account
                ON account.id = line.account_id AND account.account_type = 'asset_receivable'
              JOIN account_move move ON move.id = line.move_id
             WHERE line.no_followup AND line.reconciled IS NOT TRUE AND line.parent_state = 'posted'
               AND (line.amount_residual > 0 OR line.amount_residual_currency > 0)
          GROUP BY line.move_id, line.partner_id, line.company_id, move.invoice_user_id
         UNION ALL
            SELECT asked.id * 3 + 2, 'write_off', NULL::integer, request.id, request.partner_id, line.move_id, line.id,
                   request.company_id, request.requested_by_id, request.date_requested::date, NULL::date
              FROM ar_write_off_line asked
              JOIN ar_write_off request
                ON request.id = asked.request_id AND request.state = 'requested' AND request.kind != 'refund'
              JOIN account_move_line line ON line.id = asked.move_line_id AND line.reconciled IS NOT TRUE
            """)
