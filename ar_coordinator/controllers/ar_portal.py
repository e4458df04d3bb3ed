"""The customer's own account online: open items, statements, payment, letters.

Whose account it is follows from who is logged in: the user's commercial partner, in the user's companies. Nothing in
a request can name another customer; what a request names (items, letters) is looked up within that account only.
Users may see it who may read invoices, as with Odoo's own invoices page.
"""
import math
import re

from werkzeug.exceptions import NotFound

from odoo import fields, http
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.http import content_disposition, request
from odoo.tools.misc import format_amount

from odoo.addons.account_payment.controllers.portal import PortalAccount
from odoo.addons.portal.controllers.portal import pager

HOME = '/my/receivables'
ACCOUNT_KEY = re.compile('([0-9]{1,9})-([0-9]{1,9})')  # company id - currency id
STATEMENT_TYPES = {
    'pdf': ('get_pdf', 'application/pdf'),
    'xlsx': ('get_xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'),
}


class ArPortal(PortalAccount):
    _ar_items_per_page = 30

    # === WHOSE ACCOUNT === #

    def _ar_customer(self):
        """Return the customer whose account the user sees; nobody for users who may not read invoices."""
        if not request.env['account.move'].has_access('read'):
            return request.env['res.partner']
        return request.env.user.partner_id.commercial_partner_id  # env.user is always sudoed

    def _ar_companies(self):
        """Return the user's companies. sudo: their time zone is on a partner that a portal user may not read."""
        return request.env.companies.sudo()

    def _ar_portal(self):
        """Return `ar.portal` with rights to read receivables.

        sudo: portal users have none on our models; everything asked of it is about `_ar_customer` in the user's
        companies, see its docstring.
        """
        return request.env['ar.portal'].sudo()

    def _ar_account(self, account):
        """Return (company, currency) of a key like '1-2', when the company is one of the user's.

        :raise NotFound: for anything else
        """
        match = ACCOUNT_KEY.fullmatch(account or '')
        company, currency = map(int, match.groups()) if match else (0, 0)
        if company not in self._ar_companies().ids:
            raise NotFound()
        # sudo: a portal user may not read currencies that are archived; ids are checked to exist
        currency = request.env['res.currency'].sudo().with_context(active_test=False).browse(currency).exists()
        if not currency:
            raise NotFound()
        return self._ar_companies().browse(company), currency

    def _ar_render(self, template, page_name, status=200, **values):
        """Return one of our pages, with what all of them need."""
        response = request.render(f'ar_coordinator.{template}', {
            **self._prepare_portal_layout_values(),
            'page_name': page_name,
            'title': request.env._("Your account"),
            'html_data': {'lang': (request.env.lang or '').replace('_', '-')},  # how screen readers speak
            **values,
        })
        response.status_code = status
        return response

    # === HOME === #

    def _prepare_home_portal_values(self, counters):
        """Override: the number of open items, and what is overdue."""
        values = super()._prepare_home_portal_values(counters)
        if {'ar_item_count', 'ar_overdue_text'} & set(counters):
            customer = self._ar_customer()
            accounts = self._ar_portal()._get_accounts(customer, self._ar_companies()) if customer else []
            if 'ar_item_count' in counters:
                values['ar_item_count'] = sum(account['item_count'] for account in accounts)
            if 'ar_overdue_text' in counters:
                values['ar_overdue_text'] = self._ar_overdue_text(accounts) if accounts else 0
        return values

    def _ar_overdue_text(self, accounts):
        """Return the words for what is overdue, by currency."""
        amounts = [
            format_amount(request.env, account['overdue'], account['currency'])
            for account in accounts if account['overdue'] > 0]
        if not amounts:
            return request.env._("Nothing is overdue")
        return request.env._("Overdue: %(amounts)s", amounts=" · ".join(amounts))

    # === OPEN ITEMS === #

    @http.route(
        [HOME, f'{HOME}/page/<int:page>'], type='http', auth='user', methods=['GET'], website=True, readonly=True)
    def ar_receivables(self, page=1, account=None, sortby='due', filterby='all', search='', **kwargs):
        """The customer's open items, one account (company and currency) at a time.

        :param str account: '<company id>-<currency id>', default the one with something overdue
        """
        customer, portal = self._ar_customer(), self._ar_portal()
        if not customer:
            return request.redirect('/my')
        accounts = portal._get_accounts(customer, self._ar_companies())
        chosen = accounts[0] if accounts else None
        if account:
            company, currency = self._ar_account(account)
            chosen = next((one for one in accounts if (one['company'], one['currency']) == (company, currency)), chosen)
        page, search = max(page, 1), search.replace('\0', '')[:100]
        sortings, filters = self._ar_sortings(), self._ar_filters()
        sortby, filterby = sortby if sortby in sortings else 'due', filterby if filterby in filters else 'all'
        values = {
            'customer': customer, 'accounts': accounts, 'account': chosen, 'items': [], 'item_count': 0,
            'default_url': HOME,
            'searchbar_sortings': sortings, 'sortby': sortby, 'searchbar_filters': filters, 'filterby': filterby,
            'search': search, 'notice': self._ar_notice(kwargs),
        }
        if chosen:
            values['account_key'] = key = f'{chosen["company"].id}-{chosen["currency"].id}'
            step = self._ar_items_per_page
            find = {'show': filterby, 'order': sortby, 'search': search}
            items, count = portal._get_items(
                customer, chosen['company'], chosen['currency'], limit=step, offset=(page - 1) * step, **find)
            if not items and page > 1:  # items were paid since the page was numbered
                return request.redirect(f'{HOME}?account={key}')
            values.update(
                items=items, item_count=count, contact=portal._get_contact(customer, chosen['company']),
                sent_statements=portal._get_sent_statements(customer, chosen['company']))
            values['pager'] = pager(
                url=HOME, total=count, page=page, step=step,
                url_args={'account': key, 'sortby': sortby, 'filterby': filterby, 'search': search})
        return self._ar_render('portal_receivables', 'ar_receivables', **values)

    def _ar_sortings(self):
        """Return the ways to sort, as Odoo's search bar wants them."""
        env = request.env
        return {
            'due': {'label': env._("Due Date")},
            'newest': {'label': env._("Newest")},
            'amount': {'label': env._("Amount")},
            'number': {'label': env._("Number")},
        }

    def _ar_filters(self):
        """Return the filters, as Odoo's search bar wants them."""
        env = request.env
        return {
            'all': {'label': env._("All")},
            'overdue': {'label': env._("Overdue")},
            'not_due': {'label': env._("Not Due")},
            'disputed': {'label': env._("Disputed")},
            'credits': {'label': env._("Credits")},
        }

    def _ar_notice(self, params):
        """Return the text shown once at the top of the list, after an action that led back to it."""
        env = request.env
        return {
            'paid': env._("Thank you. Your payment shows here as soon as it is confirmed."),
        }.get(params.get('done'))

    # === STATEMENTS === #

    @http.route(
        f'{HOME}/statement/<any(pdf,xlsx):file_type>', type='http', auth='user', methods=['GET'], website=True,
        readonly=True)
    def ar_statement(self, file_type, account, kind='open', date_from=None, date_to=None, **_kwargs):
        """The statement of one company, all currencies: open items as of today, or what happened in a period."""
        customer = self._ar_customer()
        if not customer:
            return request.redirect('/my')
        company, _currency = self._ar_account(account)
        method, mimetype = STATEMENT_TYPES[file_type]
        # sudo: the customer's own account in one of the user's companies, see `_ar_account`
        statement = request.env['ar.statement'].sudo().with_company(company)
        try:
            dates = [fields.Date.to_date(value) if value else None for value in (date_from, date_to)]
            period = dates if kind == 'activity' else [None, None]  # open items are today's
            name, content = getattr(statement, method)(customer.sudo(), company, kind, *period)
        except (UserError, ValueError) as error:
            return self._ar_problem(str(error), account)
        return self._ar_file(name, content, mimetype)

    @http.route(
        f'{HOME}/statement/sent/<int:line_id>/<any(pdf,xlsx):file_type>', type='http', auth='user', methods=['GET'],
        website=True, readonly=True)
    def ar_statement_sent(self, line_id, file_type, **_kwargs):
        """A statement as it was sent to the customer, with those of his subsidiaries where it covers them."""
        customer = self._ar_customer()
        if not customer:
            return request.redirect('/my')
        line = self._ar_portal()._get_sent_statements(customer, self._ar_companies()).filtered(
            lambda one: one.id == line_id)
        file = line.attachment_id if file_type == 'pdf' else line.table_attachment_id
        if not file:
            raise NotFound()
        return self._ar_file(file.name, file.raw, STATEMENT_TYPES[file_type][1])

    def _ar_file(self, name, content, mimetype):
        """Return a download."""
        return request.make_response(content, headers=[
            ('Content-Type', mimetype),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(name)),
        ])

    def _ar_problem(self, message, account=None, status=400):
        """Return a page that says why something could not be done, with the way back."""
        return self._ar_render(
            'portal_problem', 'ar_receivables', status=status, message=message, account_key=account)

    # === PAYMENT === #

    @http.route(f'{HOME}/pay', type='http', auth='user', methods=['GET'], website=True)
    def ar_pay(self, account, what='', whole='', full='', **_kwargs):
        """The payment form for items of one account; loading it changes nothing.

        :param str what: 'overdue', 'open', or empty for the items given as (several) `item`
        :param str whole: set: disputed parts are paid, too
        :param str full: set: unapplied credits are not deducted
        """
        customer, portal = self._ar_customer(), self._ar_portal()
        if not customer:
            return request.redirect('/my')
        company, currency = self._ar_account(account)
        selection = what if what in ('overdue', 'open') else '-'.join(request.httprequest.args.getlist('item'))
        try:
            payment = portal._get_payment(
                customer, company, currency, selection, with_disputed=bool(whole), credits=0.0 if full else math.inf)
        except UserError as error:
            return self._ar_problem(str(error), account)
        values = {
            'account_key': account, 'company': company, 'payment': payment, 'amount': payment['amount'],
            'selection': selection, 'whole': whole, 'full': full,
            'credits': full and portal._get_free_credits(customer, company, currency),
            'disputed': currency.round(sum(row['disputed'] for row in payment['rows'])),
            **self._get_common_page_view_values({
                'partner': customer, 'company': company, 'total_amount': payment['amount'], 'currency': currency,
                'amount_residual': payment['amount'], 'landing_route': f'{HOME}?account={account}&done=paid',
                'transaction_route': f'{HOME}/pay/{account}/{selection}/{int(bool(whole))}/{int(not full)}',
            }),
        }
        return self._ar_render('portal_pay', 'ar_pay', **values)

    @http.route(
        f'{HOME}/pay/<string:account>/<string:selection>/<int:whole>/<int:net>', type='jsonrpc', auth='user',
        methods=['POST'])
    def ar_pay_transaction(self, account, selection, whole, net, amount, provider_id, access_token=None, **kwargs):
        """Create the draft transaction for items of the customer's account and return its processing values.

        :raise ValidationError: when the amount on the page is not what these items come to any more
        """
        customer, portal = self._ar_customer(), self._ar_portal()
        if not customer:
            raise NotFound()
        company, currency = self._ar_account(account)
        payment = portal._get_payment(
            customer, company, currency, selection, with_disputed=bool(whole), credits=math.inf if net else 0.0)
        return self._ar_start_payment(
            payment, company, currency, request.env.user.partner_id, amount, provider_id, **kwargs)

    def _ar_start_payment(self, payment, company, currency, partner, amount, provider_id, **kwargs):
        """Create the draft transaction of a payment and return its processing values.

        :param dict payment: of `ar.portal._get_payment`, taken just now
        :param partner: res.partner who pays
        :param amount: what the page said
        :raise ValidationError: when that is not what the items come to any more, or another provider is asked for
        """
        if not isinstance(amount, int | float) or currency.compare_amounts(payment['amount'], amount) != 0:
            raise ValidationError(request.env._("What is open has changed meanwhile. Please load the page again."))
        # sudo: only to see that the provider is one the page offers
        offered = request.env['payment.provider'].sudo()._get_compatible_providers(
            company.id, partner.id, amount, currency_id=currency.id)
        if not self._can_partner_pay_in_company(partner, company) or provider_id not in offered.ids:
            raise ValidationError(request.env._("This way of paying is not available. Please load the page again."))
        self._validate_transaction_kwargs(kwargs)
        kwargs['is_validation'] = False  # whatever the browser says, it is a payment
        transaction = self._create_transaction(
            provider_id=provider_id, amount=payment['amount'], currency_id=currency.id, partner_id=partner.id,
            reference_prefix=request.env['ar.portal'].sudo()._get_payment_reference(payment, company),  # sudo: a number
            custom_create_values={
                'invoice_ids': [Command.set(payment['moves'].ids)], 'ar_allocation': payment['allocation'],
                'ar_netting': payment['netting'] or False},
            **kwargs)
        return transaction._get_processing_values()

    # === LETTERS === #

    @http.route(
        [f'{HOME}/letters', f'{HOME}/letters/page/<int:page>'], type='http', auth='user', methods=['GET'],
        website=True, readonly=True)
    def ar_letters(self, page=1, **_kwargs):
        """The letters the customer got, the latest first."""
        customer = self._ar_customer()
        if not customer:
            return request.redirect('/my')
        # sudo: letters of the user's own customer and companies, see the domain
        letters = request.env['ar.dunning.letter'].sudo()
        domain = self._ar_portal()._letters_domain(customer, self._ar_companies())
        pages = pager(
            url=f'{HOME}/letters', total=letters.search_count(domain), page=page, step=self._ar_items_per_page)
        return self._ar_render(
            'portal_letters', 'ar_letters', pager=pages,
            letters=letters.search(domain, limit=self._ar_items_per_page, offset=pages['offset']))

    @http.route(f'{HOME}/letters/<int:letter_id>', type='http', auth='user', methods=['GET'], website=True)
    def ar_letter(self, letter_id, report_type=None, **_kwargs):
        """A letter as it was sent; `report_type=pdf`: as a file."""
        letter = self._ar_letter(letter_id)
        if report_type == 'pdf':
            # sudo: as `letter`
            content, _type = request.env['ir.actions.report'].sudo()._render_qweb_pdf(
                'ar_coordinator.action_report_ar_dunning_letter', letter.ids)
            return self._ar_file(f'{letter.subject}.pdf', content, 'application/pdf')
        return self._ar_render('portal_letter', 'ar_letters', letter=letter)

    def _ar_letter(self, letter_id):
        """Return a letter of the user's own customer.

        :raise NotFound: for any other, and for ids that do not exist: nothing tells them apart
        """
        customer = self._ar_customer()
        # sudo: a letter of the user's own customer and companies, see the domain
        letter = request.env['ar.dunning.letter'].sudo().search([
            ('id', '=', letter_id), *self._ar_portal()._letters_domain(customer, self._ar_companies())])
        if not customer or not letter:
            raise NotFound()
        return letter

    # === PAYMENTS === #

    @http.route(
        [f'{HOME}/payments', f'{HOME}/payments/page/<int:page>'], type='http', auth='user', methods=['GET'],
        website=True, readonly=True)
    def ar_payments(self, page=1, account=None, **_kwargs):
        """What became of the customer's payments, the latest first, one account (company and currency) at a time."""
        customer, portal = self._ar_customer(), self._ar_portal()
        if not customer:
            return request.redirect('/my')
        keys = [
            (company, currency) for company in self._ar_companies()
            for currency in portal._get_payment_currencies(customer, company)]
        chosen = self._ar_account(account) if account else (keys or [(None, None)])[0]
        values, step = {'payments': [], 'payment_accounts': keys, 'chosen': chosen}, self._ar_items_per_page
        if all(chosen):
            page = max(page, 1)
            values['payments'], count = portal._get_payments(
                customer, *chosen, limit=step, offset=(page - 1) * step)
            values['account_key'] = key = f'{chosen[0].id}-{chosen[1].id}'
            values['pager'] = pager(
                url=f'{HOME}/payments', total=count, page=page, step=step, url_args={'account': key})
        return self._ar_render('portal_payments', 'ar_payments', **values)
