"""An invoice that somebody opens online is known to have arrived."""
from odoo import http
from odoo.http import request

from odoo.addons.account_payment.controllers.portal import PortalAccount


class ArInvoiceView(PortalAccount):

    @http.route()
    def portal_my_invoice_detail(self, invoice_id, access_token=None, report_type=None, download=False, **kw):
        """Override: note down who opened it, page or PDF; our own users and link previews do not count."""
        response = super().portal_my_invoice_detail(
            invoice_id, access_token=access_token, report_type=report_type, download=download, **kw)
        headers = request.httprequest.headers
        if response.status_code == 200 and request.env.user.share and not headers.get('Odoo-Link-Preview') \
                and request.httprequest.method == 'GET':
            # sudo: whoever got the page may see the invoice; openings are noted down by the system
            move = request.env['account.move'].sudo().browse(invoice_id)
            if move.state == 'posted' and move.is_sale_document(include_receipts=True):
                person = request.env['res.partner'].sudo() if request.env.user._is_public() \
                    else request.env.user.partner_id
                move.env['ar.invoice.delivery']._note_opened(move, person)
        return response
