"""Quantities that are added to a delivery after it was done."""
from odoo import api, models


class StockMoveLine(models.Model):
    _inherit = 'stock.move.line'

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        with lines.filtered(lambda line: line.state == 'done' and line.quantity > 0).move_id._ar_check_deliveries():
            return lines

    def write(self, vals):
        if 'quantity' not in vals:
            return super().write(vals)
        more = self.filtered(lambda line: line.state == 'done' and line.quantity < vals['quantity'])
        with more.move_id._ar_check_deliveries():
            return super().write(vals)
