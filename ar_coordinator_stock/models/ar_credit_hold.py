"""Deliveries wait for a hold to be lifted: the board of holds counts them."""
from odoo import api, models


class ArCreditHold(models.Model):
    _inherit = 'ar.credit.hold'

    @api.model
    def _get_waiting(self, company, customers):
        """Override: transfers to the customers, or of their orders, that have not left."""
        waiting = super()._get_waiting(company, customers)
        # sudo: amounts of the whole customer; shown to readers of receivables only
        pickings = self.env['stock.picking'].sudo()
        for picking in pickings.search([
                *pickings._ar_get_credit_domain(), ('state', '!=', 'draft'), ('company_id', '=', company.id),
                '|', ('partner_id.commercial_partner_id', 'in', customers.ids),
                ('move_ids.sale_line_id.order_id.partner_invoice_id.commercial_partner_id', 'in', customers.ids)]):
            request = picking._ar_get_delivery_request()
            if request and request.partner.commercial_partner_id in customers:
                waiting.setdefault(request.partner.commercial_partner_id.id, []).append((picking, request.amount))
        return waiting
