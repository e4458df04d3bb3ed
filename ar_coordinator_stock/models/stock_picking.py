"""Deliveries under credit control: what goes to a customer on hold does not leave without a release.

The check is in stock.move, where every way of validating ends; this is what it asks, and what the screen shows.
"""
from odoo import api, models

from odoo.addons.ar_coordinator.engine import credit
from odoo.addons.ar_coordinator.models.ar_credit_hold import CreditRequest


class StockPicking(models.Model):
    _name = 'stock.picking'
    _inherit = ['stock.picking', 'ar.credit.mixin']

    @api.depends('state', 'partner_id', 'sale_id', 'move_ids.state', 'location_dest_id')
    def _compute_ar_credit_state(self):
        """Override: the customer is who gets the order's invoice."""
        return super()._compute_ar_credit_state()

    def _ar_get_credit_request(self):
        """Override: deliveries to customers that have not left yet."""
        self.ensure_one()
        if self.state in ('done', 'cancel'):
            return super()._ar_get_credit_request()
        return self._ar_get_delivery_request() or super()._ar_get_credit_request()

    def _ar_get_delivery_request(self):
        """Return the CreditRequest to deliver this, or None when nothing goes to a customer.

        Where orders of several customers leave together, it is the one of who is on hold, if any is.
        """
        self.ensure_one()
        requests = self._ar_get_delivery_requests()
        if len(requests) > 1:
            verdicts = self.env['ar.credit.hold']._judge(requests, apart=True)
            requests = [verdict.request for verdict in sorted(
                verdicts, key=lambda verdict: (not verdict.reasons, bool(verdict.release), not verdict.warnings))]
        return requests[0] if requests else None

    def _ar_get_delivery_requests(self):
        """Return a CreditRequest for each customer who owes for what leaves with this.

        What is sold at a counter (point of sale) has been handed over when its transfer is written.
        """
        self.ensure_one()
        moves = self.sudo().move_ids._ar_filter_to_customers()  # sudo: orders may be hidden from the warehouse
        if not moves or ('pos_session_id' in self._fields and self.sudo().pos_session_id):
            return []
        currency, requests = self.company_id.currency_id, []
        for payer, own in moves.grouped(lambda move: move._ar_get_payer()).items():
            if payer:
                size = currency.round(sum(move._ar_get_size() for move in own))
                requests.append(
                    CreditRequest(self, payer, self.company_id, size, currency, credit.DELIVERY, counted=size))
        return requests

    def _ar_get_payer(self):
        """Return the customer who owes for this: the order's, else who gets the goods."""
        self.ensure_one()
        order = self.sudo().move_ids.sale_line_id.order_id[:1]  # sudo: as above
        return order._ar_get_payer() if order else self.sudo().partner_id.commercial_partner_id

    def _ar_get_credit_domain(self):
        """Override: transfers of goods that have not left yet and may go to a customer."""
        return [('state', 'not in', ('done', 'cancel')), ('location_dest_id.usage', '=', 'customer')]

    def _ar_get_release_documents(self):
        """Override: the release of the order. A transfer for several orders needs one of its own."""
        self.ensure_one()
        order = self.sudo().move_ids.sale_line_id.order_id  # sudo: as above
        if len(order) != 1:
            return super()._ar_get_release_documents()
        return [(order, order._ar_get_size()), *super()._ar_get_release_documents()]
