"""Lines of confirmed orders: what makes an order bigger is judged, whoever changes the line and however."""
from odoo import api, models

from .sale_order import LINE_FIELDS, ar_compute_again

# stored and computed: readonly on screens, but not over RPC
COMPUTED_FIELDS = {'price_subtotal', 'price_tax', 'price_total', 'qty_invoiced'}
NOT_IN_EXPOSURE = {'invoiced', 'upselling'}  # states of invoicing


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        default = self.env.context.get('default_order_id')
        orders = self.env['sale.order'].browse({vals.get('order_id', default) for vals in vals_list} - {None, False})
        with orders._ar_watch():
            lines = super().create(vals_list)
            for line, vals in zip(lines, vals_list, strict=True):
                ar_compute_again(line, self._ar_get_forged(vals))
            return lines

    def write(self, vals):
        computed = self._ar_get_forged(vals)
        if LINE_FIELDS.isdisjoint(vals):
            result = super().write(vals)
            ar_compute_again(self, computed)
            return result
        with (self.order_id | self.order_id.browse(vals.get('order_id') or ()))._ar_watch():
            result = super().write(vals)
            ar_compute_again(self, computed)
            return result

    @api.model
    def _ar_get_forged(self, vals):
        """Return the names of what `vals` sets though it is computed, as far as it tells what is owed.

        Odoo itself sets `qty_to_invoice` (invoices of paid orders, timesheets of a period) and an `invoice_status` that
        counts: these stay.
        """
        forged = COMPUTED_FIELDS & vals.keys()
        return forged | {'invoice_status'} if vals.get('invoice_status') in NOT_IN_EXPOSURE else forged
