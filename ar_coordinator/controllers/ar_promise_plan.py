"""The customer's page of a payment plan: read it, sign it, decline it.

Whoever has the link of the e-mail (with its token) or is logged in as the customer sees the plan. Looking changes
nothing, whatever mail scanners do with the link: accepting and declining are POSTs.
"""
import binascii

from odoo import SUPERUSER_ID, http
from odoo.exceptions import AccessError, UserError
from odoo.http import request
from odoo.tools import consteq

from odoo.addons.portal.controllers.portal import CustomerPortal

from .posting import check_posted

URL = '/my/receivables/plan/<int:plan_id>'


class ArPlanPortal(CustomerPortal):

    def _ar_get_plan(self, plan_id, access_token=None, answering=False):
        """Return the plan as superuser, for whoever may see it (or answer it); None for everybody else.

        Drafts are nobody's business outside; a wrong token and a plan that does not exist look the same.
        """
        plan = request.env['ar.promise.plan'].with_user(SUPERUSER_ID).browse(plan_id).exists()
        if not plan or plan.state == 'draft':
            return None
        has_token = bool(access_token and plan.access_token and consteq(plan.access_token, access_token))
        user = request.env.user
        is_customer = not user._is_public() and user.share \
            and user.partner_id.commercial_partner_id == plan.partner_id
        if not has_token and not is_customer:
            if answering:
                return None  # colleagues note down what the customer said with the plan's button
            try:
                plan.with_user(user).check_access('read')
            except AccessError:
                return None
        if user._is_public():
            request.update_context(lang=plan._get_lang())
        return plan.with_context(lang=request.env.lang)

    @http.route([URL], type='http', auth='public', website=True, sitemap=False)
    def ar_plan_page(self, plan_id, access_token=None, report_type=None, download=False, message=None, **kwargs):
        """Show a plan, or its agreement as PDF."""
        plan = self._ar_get_plan(plan_id, access_token)
        if not plan:
            return request.redirect('/my')
        if report_type in ('html', 'pdf', 'text'):
            return self._show_report(
                model=plan, report_type=report_type, report_ref='ar_coordinator.action_report_ar_plan',
                download=download)
        values = {'plan': plan, 'message': message, 'report_type': 'html', 'res_company': plan.company_id}
        return request.render('ar_coordinator.portal_plan_page', self._get_page_view_values(
            plan, access_token, values, 'my_plans_history', False, **kwargs))

    @http.route([f'{URL}/accept'], type='jsonrpc', auth='public', website=True)
    def ar_plan_accept(self, plan_id, access_token=None, name=None, signature=None):
        """Accept a plan with a signature; called by the portal's signature form."""
        access_token = access_token or request.httprequest.args.get('access_token')
        plan = self._ar_get_plan(plan_id, access_token, answering=True)
        if not plan:
            return {'error': request.env._("This payment plan does not exist.")}
        if not (name or '').strip() or not signature:
            return {'error': request.env._("Please enter your name and sign.")}
        try:
            with request.env.cr.savepoint():
                plan._sign(name.strip()[:100], signature)
        except UserError as error:
            return {'error': str(error)}
        except (TypeError, binascii.Error):
            return {'error': request.env._("This signature cannot be read. Please sign again.")}
        return {'force_refresh': True, 'redirect_url': plan.get_portal_url(query_string='&message=accepted')}

    @http.route([f'{URL}/decline'], type='http', auth='public', methods=['POST'], website=True)
    def ar_plan_decline(self, plan_id, access_token=None, reason=None, **kwargs):
        """Decline a plan, with a word for the collector."""
        check_posted()
        plan = self._ar_get_plan(plan_id, access_token, answering=True)
        if not plan:
            return request.redirect('/my')
        try:
            plan._decline((reason or '').strip()[:2000])
        except UserError:
            return request.redirect(plan.get_portal_url(query_string='&message=too_late'))
        return request.redirect(plan.get_portal_url(query_string='&message=declined'))
