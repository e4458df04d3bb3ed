"""Moves to customers are checked where they are done: buttons, batches, backorders, scanners, code all come by here."""
from contextlib import contextmanager

from odoo import models

CHECKED = 'ar_coordinator_stock.checked'  # kept by the cursor: documents that passed and are being done


class StockMove(models.Model):
    _inherit = 'stock.move'

    def _action_done(self, cancel_backorder=False):
        """Override: before anything moves."""
        leaving = self.filtered(lambda move: move.picked and move.quantity > 0)
        with leaving._ar_check_deliveries():
            return super()._action_done(cancel_backorder=cancel_backorder)

    def write(self, vals):
        """Override: whoever sets moves to done without `_action_done`."""
        if vals.get('state') != 'done':
            return super().write(vals)
        with self.filtered(lambda move: move.state != 'done')._ar_check_deliveries():
            return super().write(vals)

    @contextmanager
    def _ar_check_deliveries(self):
        """Stop deliveries whose customers are held; inside the block what passed is not asked again.

        :raise UserError: see `ar.credit.hold._check_requests`
        """
        checked = self.env.cr.cache.setdefault(CHECKED, set())
        moves = self._ar_filter_to_customers()
        # sudo: orders may be hidden from the warehouse
        orders = moves.filtered(lambda move: not move.picking_id).sudo().sale_line_id.order_id
        documents = [document for document in (*moves.picking_id, *orders) if document not in checked]
        requests = [request for document in documents for request in document._ar_get_delivery_requests()]
        if requests:
            self.env['ar.credit.hold']._check_requests(requests)
        checked.update(documents)
        try:
            yield
        finally:
            checked.difference_update(documents)

    def _ar_filter_to_customers(self):
        """Return the moves whose goods leave us for a customer: no returns, and nothing a supplier sends directly.

        What a supplier sends was purchased: a transfer that only says it comes from one is ours.
        """
        return self.filtered(lambda move: move.state != 'cancel' and move.location_dest_id.usage == 'customer'
                             and move.location_id.usage != 'customer' and not (
                                 move.location_id.usage == 'supplier' and move._ar_is_purchased()))

    def _ar_is_purchased(self):
        """Whether a purchase order stands behind the move (dropshipping). sudo: the warehouse may not read it."""
        self.ensure_one()
        return 'purchase_line_id' in self._fields and bool(self.sudo().purchase_line_id)

    def _ar_get_payer(self):
        """Return the customer who owes for the goods of this move: the order's, else who gets them."""
        self.ensure_one()
        move = self.sudo()  # sudo: orders may be hidden from the warehouse
        order = move.sale_line_id.order_id
        return order._ar_get_payer() if order else move.picking_id._ar_get_payer()

    def _ar_get_size(self):
        """Return what the goods of this move are sold for, with taxes, in company currency; 0 without an order."""
        self.ensure_one()
        line = self.sale_line_id
        if not line.product_uom_qty:
            return 0.0
        quantity = self.quantity if self.picked or self.state == 'done' else self.product_uom_qty
        share = self.product_uom._compute_quantity(quantity, line.product_uom_id, round=False) / line.product_uom_qty
        return line.price_total * min(share, 1.0) / (line.order_id.currency_rate or 1.0)
