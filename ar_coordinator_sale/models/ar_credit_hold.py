"""Quotations wait for a hold to be lifted: the board of holds counts them."""
from odoo import api, models


class ArCreditHold(models.Model):
    _inherit = 'ar.credit.hold'

    @api.model
    def _get_waiting(self, company, customers):
        """Override: quotations, those that have run out left out."""
        waiting = super()._get_waiting(company, customers)
        # sudo: amounts of the whole customer; shown to readers of receivables only
        orders = self.env['sale.order'].sudo()
        for order in orders.search([
                ('state', 'in', ('draft', 'sent')), ('company_id', '=', company.id),
                ('partner_invoice_id.commercial_partner_id', 'in', customers.ids),
                '|', ('validity_date', '=', False), ('validity_date', '>=', company._ar_today())]):
            amount = company.currency_id.round(order.amount_total / (order.currency_rate or 1))
            waiting.setdefault(order.partner_invoice_id.commercial_partner_id.id, []).append((order, amount))
        return waiting
