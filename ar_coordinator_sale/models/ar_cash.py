"""Payments may name an invoice by its order's number, or by the customer's own."""
from odoo import models


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_numbers(self, env, moves):
        """Override: the numbers of the orders behind the invoices."""
        numbers = super()._get_numbers(env, moves)
        for order in env['sale.order'].search_fetch(
                [('invoice_ids', 'in', moves.ids)], ['name', 'client_order_ref', 'invoice_ids'], order='id'):
            names = tuple(filter(None, (order.name, order.client_order_ref)))
            for move_id in order.invoice_ids.ids:
                if move_id in numbers:
                    numbers[move_id] += names
        return numbers
