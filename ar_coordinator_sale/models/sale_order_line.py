"""Lines of confirmed orders: what makes an order bigger is judged, whoever changes the line and however."""
from odoo import api, models

from .sale_order import LINE_FIELDS


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        default = self.env.context.get('default_order_id')
        orders = self.env['sale.order'].browse({vals.get('order_id', default) for vals in vals_list} - {None, False})
        with orders._ar_watch():
            return super().create(vals_list)

    def write(self, vals):
        if LINE_FIELDS.isdisjoint(vals):
            return super().write(vals)
        with (self.order_id | self.order_id.browse(vals.get('order_id') or ()))._ar_watch():
            return super().write(vals)
