"""Invoices of orders: what they are for is in the exposure already, and what was paid online is not refused."""
from odoo import models

from .sale_order import PAID


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _ar_get_credit_request(self):
        """Override: the invoice of an order that is being paid online is posted, on hold or not."""
        paid_ids = self.env.cr.cache.get(PAID, ())
        if paid_ids and self.line_ids.sale_line_ids.order_id.ids and set(
                self.line_ids.sale_line_ids.order_id.ids) <= set(paid_ids):
            return None
        return super()._ar_get_credit_request()

    def _ar_get_counted_amount(self):
        """Override: the exposure has what is left of the invoice's orders, unless drafts are counted themselves."""
        self.ensure_one()
        counted = super()._ar_get_counted_amount()
        orders = self.line_ids.sale_line_ids.order_id
        if counted or not orders:
            return counted
        # sudo: what the check compares with, whoever posts
        ledger = self.env['ar.ledger'].sudo().with_company(self.company_id)
        customers_orders = orders.filtered(lambda order: order._ar_get_payer() == self.commercial_partner_id)
        left = sum(ledger._get_order_rest(customers_orders, self.company_id).values())
        of_orders = sum(self.invoice_line_ids.filtered('sale_line_ids').mapped('price_total'))
        of_orders = self.company_id.currency_id.round(of_orders / (self.invoice_currency_rate or 1.0))
        return max(min(left, of_orders), 0.0)
