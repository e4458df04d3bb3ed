"""Lines of confirmed orders: what makes an order bigger is judged, whoever changes the line and however."""
from odoo import api, models

from .sale_order import LINE_FIELDS


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        orders = self.env['sale.order'].browse({vals['order_id'] for vals in vals_list if vals.get('order_id')})
        with orders._ar_watch():
            return super().create(vals_list)

    def write(self, vals):
        if LINE_FIELDS.isdisjoint(vals):
            return super().write(vals)
        with (self.order_id | self.order_id.browse(vals.get('order_id') or ()))._ar_watch():
            return super().write(vals)
