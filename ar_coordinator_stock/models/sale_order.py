"""Confirmed orders that still have something to deliver show the hold that will stop the delivery."""
from odoo import api, models

from odoo.addons.ar_coordinator.engine import credit
from odoo.addons.ar_coordinator.models.ar_credit_hold import CreditRequest

TO_DELIVER = ('pending', 'started', 'partial')


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    @api.depends('delivery_status')
    def _compute_ar_credit_state(self):
        """Override: an order that waits for its delivery can be held."""
        return super()._compute_ar_credit_state()

    def _ar_get_credit_request(self):
        """Override: what is still to be delivered; a release asked for on the order is good for its deliveries."""
        self.ensure_one()
        if self.state == 'sale' and self.delivery_status in TO_DELIVER and self.partner_invoice_id:
            return self._ar_get_delivery_request()
        return super()._ar_get_credit_request()

    def _ar_get_delivery_requests(self):
        """Return the CreditRequest to deliver this order, in a list as transfers have it."""
        return [self._ar_get_delivery_request()]

    def _ar_get_delivery_request(self):
        """Return the CreditRequest to deliver this order; the exposure has it already."""
        self.ensure_one()
        size = self._ar_get_size()
        return CreditRequest(
            self, self.partner_invoice_id, self.company_id, size, self.company_id.currency_id, credit.DELIVERY,
            counted=size)

    def _ar_get_credit_domain(self):
        """Override: quotations, and orders that wait for their delivery."""
        return [
            '|', *super()._ar_get_credit_domain(),
            '&', ('state', '=', 'sale'), ('delivery_status', 'in', TO_DELIVER)]
