"""The credit application in the portal: /my/credit-application. Whose it is follows from who is logged in."""
from odoo import http
from odoo.exceptions import UserError
from odoo.http import request


class ArCreditApplication(http.Controller):

    @http.route('/my/credit-application', type='http', auth='user', methods=['GET', 'POST'], website=True)
    def credit_application(self, **values):
        """Show the form; a filled-in one becomes an application of the user's customer in the user's company."""
        customer = request.env.user.partner_id.commercial_partner_id  # env.user is always sudoed
        company = request.env.company.sudo()  # sudo: its name and currency are shown
        # sudo: whether this customer's own application waits
        waiting = request.env['ar.credit.application'].sudo().search(
            [('partner_id', '=', customer.id), ('company_id', '=', company.id)], limit=1)
        page = {
            'page_name': 'ar_credit_application', 'customer': customer, 'company': company, 'values': values,
            'application': waiting, 'problem': None}
        if request.httprequest.method == 'POST':
            try:
                request.env['ar.credit.application']._apply(customer, company, values)
                return request.redirect('/my/credit-application')
            except UserError as error:
                page['problem'] = str(error)
        return request.render('ar_coordinator.portal_credit_application', page)
