"""The orders and quotations behind the exposure of a customer."""
from odoo import api, models
from odoo.fields import Domain


class ResPartner(models.Model):
    _inherit = 'res.partner'

    @api.model
    def _ar_get_waiting_labels(self):
        """Override: quotations."""
        return {**super()._ar_get_waiting_labels(), 'sale.order': self.env._("Quotations that wait")}

    def _ar_get_exposure_documents(self, part, company):
        """Override: orders of which something is left to invoice, and quotations that count."""
        self.ensure_one()
        label = self.env['ar.ledger']._get_exposure_labels().get(part)
        if part in ('orders', 'delivered'):
            # the figure is made of whole orders, also of those the user may not see; the list shows what he may
            rest = self.env['ar.ledger'].with_company(company)._get_orders_behind(self, company)
            return 'sale.order', [('id', 'in', list(rest[part]))], label
        if part == 'quotations':
            return 'sale.order', Domain([
                ('company_id', '=', company.id), ('state', '=', 'sent'),
                ('partner_invoice_id.commercial_partner_id', '=', self.id),
                '|', ('validity_date', '=', False), ('validity_date', '>=', company._ar_today())]), label
        return super()._ar_get_exposure_documents(part, company)
