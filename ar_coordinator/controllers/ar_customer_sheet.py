"""Files of the customer sheet: the statement of account, for who works the desk or reads it."""
from odoo import http
from odoo.http import content_disposition, request


class ArCustomerSheet(http.Controller):

    @http.route(
        '/ar_coordinator/customer/<int:partner_id>/statement', type='http', auth='user', methods=['GET'], readonly=True)
    def statement(self, partner_id, company_id, **_kwargs):
        """The open items of a customer as PDF, in the customer's language.

        AccessError (shown as "not allowed") unless the user reads the receivables of the company.
        """
        partner, company = request.env['ar.customer.sheet']._check_reader(partner_id, int(company_id))
        statements = request.env['ar.statement'].with_company(company).with_context(
            lang=partner.lang or request.env.lang)
        name, content = statements.get_pdf(partner, company)
        return request.make_response(content, [
            ('Content-Type', 'application/pdf'), ('Content-Disposition', content_disposition(name))])
