"""Simulation of credit rules: deliveries that were done. Their orders have them in the exposure already."""
from odoo import api, fields, models

from odoo.addons.ar_coordinator.engine import credit
from odoo.addons.ar_coordinator.wizards.ar_credit_simulation import PastDocument


class ArCreditSimulation(models.TransientModel):
    _inherit = 'ar.credit.simulation'

    @api.model
    def _get_kinds(self):
        """Override: deliveries."""
        return super()._get_kinds() | {credit.DELIVERY}

    @api.model
    def _get_documents(self, date_from):
        """Override: deliveries, after the orders and invoices of the same day."""
        pickings = self.env['stock.picking'].search([
            ('company_id', '=', self.env.company.id), ('state', '=', 'done'),
            ('location_dest_id.usage', '=', 'customer'),
            ('date_done', '>=', fields.Datetime.to_datetime(date_from))], order='date_done, id')
        documents = super()._get_documents(date_from)
        for picking in pickings:
            request = picking._ar_get_delivery_request()
            if request:
                day = fields.Datetime.context_timestamp(
                    picking.with_context(tz=self.env.company._ar_timezone()), picking.date_done).date()
                documents.append(PastDocument(
                    picking, request.partner.commercial_partner_id.sudo(False), day, request.amount, credit.DELIVERY))
        return documents
