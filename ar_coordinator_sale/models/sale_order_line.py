"""Lines of confirmed orders: what makes an order bigger is judged, whoever changes the line and however."""
from odoo import api, models

from .sale_order import LINE_FIELDS, ar_compute_again

# stored and computed: readonly on screens, but not over RPC
COMPUTED_FIELDS = {'price_subtotal', 'price_tax', 'price_total', 'qty_invoiced', 'qty_to_invoice', 'invoice_status'}


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        default = self.env.context.get('default_order_id')
        orders = self.env['sale.order'].browse({vals.get('order_id', default) for vals in vals_list} - {None, False})
        with orders._ar_watch():
            lines = super().create(vals_list)
            ar_compute_again(lines, COMPUTED_FIELDS.intersection(name for vals in vals_list for name in vals))
            return lines

    def write(self, vals):
        computed = COMPUTED_FIELDS & vals.keys()
        if LINE_FIELDS.isdisjoint(vals):
            result = super().write(vals)
            ar_compute_again(self, computed)
            return result
        with (self.order_id | self.order_id.browse(vals.get('order_id') or ()))._ar_watch():
            result = super().write(vals)
            ar_compute_again(self, computed)
            return result
