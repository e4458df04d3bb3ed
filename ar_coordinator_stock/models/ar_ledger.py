"""Delivered and not invoiced: a part of its own beside what is ordered and still to be delivered."""
from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _get_exposure_labels(self):
        """Override: the delivered part comes after the orders."""
        return {**super()._get_exposure_labels(), 'delivered': self.env._("Delivered, not invoiced")}

    @api.model
    def _sql_delivered(self):
        """Override: what has left, whatever it is invoiced by."""
        return SQL("COALESCE(l.qty_delivered, 0)")

    @api.model
    def _sql_target(self):
        """Override: of what is invoiced by delivery nothing more comes when its transfers are done or cancelled."""
        return SQL(
            """CASE WHEN l.qty_delivered_method = 'stock_move' AND template.invoice_policy = 'delivery'
                         AND EXISTS (SELECT FROM stock_move done
                                      WHERE done.sale_line_id = l.id AND done.state = 'done')
                         AND NOT EXISTS (SELECT FROM stock_move waiting
                                          WHERE waiting.sale_line_id = l.id AND waiting.state NOT IN ('done', 'cancel'))
                    THEN COALESCE(l.qty_delivered, 0) ELSE %s END""", super()._sql_target())

    def _flush_orders(self):
        """Override: transfers too."""
        self.env['stock.move'].flush_model(['state', 'sale_line_id'])
        self.env['sale.order.line'].flush_model(['qty_delivered_method'])
        return super()._flush_orders()
