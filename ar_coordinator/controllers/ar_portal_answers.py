"""What the customer tells us about his open items, and what became of it: disputes, promises, plans, messages.

Looking changes nothing; answers are posted, with Odoo's token against forgery. Items are those of the customer's own
account (see ar_portal.py); limits, record, task and confirmation are `ar.customer.answer`'s.
"""
from werkzeug.exceptions import NotFound

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import pager

from ..models.ar_customer_answer_kind import MAX_FILE_SIZE, MAX_FILES
from .ar_portal import HOME, ArPortal
from .posting import check_posted

MAX_BODY = MAX_FILES * MAX_FILE_SIZE + 1024 * 1024  # bytes of a posted form
KINDS = 'promise,paid,dispute,plan,contact'
NOTHING = 'none'  # the selection of a message that is about no item
MAX_MOVES_WITH_LINES = 10  # invoices whose lines are shown to dispute some of them


class ArPortalAnswers(ArPortal):

    # === ANSWERS === #

    @http.route(f'{HOME}/answer', type='http', auth='user', methods=['GET'], website=True, readonly=True)
    def ar_answer_forms(self, account, kind='', **_kwargs):
        """The forms about the items given as (several) `item`, that of `kind` unfolded."""
        customer = self._ar_customer()
        if not customer:
            return request.redirect('/my')
        company, currency = self._ar_account(account)
        selection = '-'.join(request.httprequest.args.getlist('item')) or (NOTHING if kind == 'contact' else '')
        try:
            items = self._ar_answerable(customer, company, currency, selection)
        except UserError as error:
            return self._ar_problem(str(error), account)
        return self._ar_render_forms(customer, company, account, selection, items, kind)

    @http.route(
        f'{HOME}/answer/<string:account>/<string:selection>/<any({KINDS}):kind>', type='http', auth='user',
        methods=['POST'], website=True, max_content_length=MAX_BODY)
    def ar_answer(self, account, selection, kind, **_kwargs):
        """Record an answer, then show it. What is refused is said beside the form."""
        check_posted()
        customer = self._ar_customer()
        if not customer:
            raise NotFound()
        company, currency = self._ar_account(account)
        form, files = request.httprequest.form, request.httprequest.files.getlist('files')
        items = request.env['account.move.line'].sudo()  # sudo: the customer's own items, see `_ar_answerable`
        # sudo: portal users have no rights on answers; whose items these are is checked by `_ar_answerable`
        answers = request.env['ar.customer.answer'].sudo().with_company(company)
        try:
            items = self._ar_answerable(customer, company, currency, selection)
            with request.env.cr.savepoint():
                chosen, values = answers._read_form(kind, form, files, items)
                answer = answers._record(kind, chosen, values, 'portal', request.env.user.partner_id)
        except AccessError:  # a UserError, but not one for customers to read
            raise
        except UserError as error:
            return self._ar_render_forms(
                customer, company, account, selection, items, kind, filled=form, error=str(error), status=422)
        return request.redirect(f'{HOME}/answers/{answer.id}', code=303)

    def _ar_answerable(self, customer, company, currency, selection):
        """Return the items of a selection that can be answered for, as superuser; none for NOTHING.

        :raise UserError: when there is none
        """
        portal = self._ar_portal()
        if selection == NOTHING:
            return portal.env['account.move.line']
        return portal._get_answerable(customer, company, currency, selection)

    def _ar_render_forms(
            self, customer, company, account, selection, items, kind, filled=None, error=None, status=200):
        """Return the page with the forms."""
        # sudo: about the customer's own items only, see `_ar_answerable`
        values = request.env['ar.customer.answer'].sudo()._get_form_values(items, company, customer)
        if not items:
            values['kinds'] = [offered for offered in values['kinds'] if offered == 'contact']
        values.update(
            account_key=account, action=f'{HOME}/answer/{account}/{selection}', filled=filled or {}, filled_kind=kind,
            error=error, show_lines=len(items.move_id) <= MAX_MOVES_WITH_LINES,
            contact=self._ar_portal()._get_contact(customer, company))
        return self._ar_render('portal_answer', 'ar_answer', status=status, **values)

    # === WHAT BECAME OF IT === #

    @http.route(
        [f'{HOME}/<any(disputes,promises,plans,answers):what>',
         f'{HOME}/<any(disputes,promises,plans,answers):what>/page/<int:page>'],
        type='http', auth='user', methods=['GET'], website=True, readonly=True)
    def ar_cases(self, what, page=1, **_kwargs):
        """The customer's disputes, promises, payment plans, or messages, the latest first."""
        customer = self._ar_customer()
        if not customer:
            return request.redirect('/my')
        model, domain = self._ar_portal()._cases(what, customer, self._ar_companies())
        # sudo: the user's own customer and companies, see the domain
        records = request.env[model].sudo()
        pages = pager(
            url=f'{HOME}/{what}', total=records.search_count(domain), page=page, step=self._ar_items_per_page)
        return self._ar_render(
            'portal_cases', 'ar_cases', what=what, pager=pages, records=records.search(
                domain, order='id desc', limit=self._ar_items_per_page, offset=pages['offset']))

    @http.route(
        f'{HOME}/answers/<int:answer_id>', type='http', auth='user', methods=['GET'], website=True, readonly=True)
    def ar_answer_page(self, answer_id, **_kwargs):
        """What the customer told us once, as we noted it.

        :raise NotFound: for another customer's, and for ids that do not exist: nothing tells them apart
        """
        customer = self._ar_customer()
        if not customer:
            raise NotFound()
        model, domain = self._ar_portal()._cases('answers', customer, self._ar_companies())
        # sudo: the user's own customer and companies, see the domain
        answer = request.env[model].sudo().search([('id', '=', answer_id), *domain])
        if not answer:
            raise NotFound()
        return self._ar_render('portal_answer_done', 'ar_cases', what='answers', answer=answer)
