"""Online payments: an order is not refused after its money was taken."""
from contextlib import contextmanager

from odoo import models

from .sale_order import PAID


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    def _check_amount_and_confirm_order(self):
        """Override: orders that are paid, or whose payment was authorised, are confirmed and marked instead of held."""
        with self._ar_mark_paid():
            return super()._check_amount_and_confirm_order()

    def _invoice_sale_orders(self):
        """Override: their invoices are posted, too."""
        with self._ar_mark_paid():
            return super()._invoice_sale_orders()

    def _post_process(self):
        """Override: the invoices of paid orders are posted at the end of it."""
        with self._ar_mark_paid():
            return super()._post_process()

    @contextmanager
    def _ar_mark_paid(self):
        """For the block: remember the orders of these transactions whose money was taken."""
        taken = self.filtered(lambda transaction: transaction.state in ('authorized', 'done'))
        paid = self.env.cr.cache.setdefault(PAID, set())
        new = set(taken.sale_order_ids.ids) - paid
        paid |= new
        try:
            yield
        finally:
            paid -= new
