"""Paying from the page behind a letter's link: some or all of the letter's items at once, by Odoo's own payment form.

Nobody is logged in: there are no saved cards to choose from and none can be saved. The amount is computed again when
the transaction starts. An invoice by itself goes to Odoo's own page of it, which knows early payment discounts.
"""
from werkzeug.exceptions import NotFound

from odoo import http
from odoo.exceptions import UserError, ValidationError
from odoo.http import request

from ..models.ar_answer_link import PATH
from .answer_page import AnswerPage
from .ar_portal import ArPortal
from .posting import check_posted


class ArAnswerPay(AnswerPage, ArPortal):

    @http.route(
        f'{PATH}/<string:token>/pay', type='http', auth='public', methods=['POST'], website=True, multilang=False,
        sitemap=False)
    def pay(self, token, **_kwargs):
        """Go to where the ticked items are paid; what cannot be paid is said on the letter's page."""
        check_posted()
        letter = self._find(token)
        if not letter:
            return self._render_gone()
        ticked = request.httprequest.form.getlist('item')
        payable, _processing = letter._get_payable()
        selection = 'all' if set(map(str, payable)) <= set(ticked) else '-'.join(ticked)
        try:
            payment = letter._get_payment(selection)
        except UserError as error:
            return self._render_page(letter, token, error=str(error))
        if len(payment['moves']) == 1 and not payment['netting']:
            return self._redirect(letter._get_payment_url(payment['moves'], payment['amount']))
        return self._redirect(f'{PATH}/{token}/pay/{selection}')

    @http.route(
        f'{PATH}/<string:token>/pay/<string:selection>', type='http', auth='public', methods=['GET'], website=True,
        multilang=False, sitemap=False)
    def pay_page(self, token, selection, **_kwargs):
        """The payment form for some of the letter's items. Loading it changes nothing."""
        letter = self._find(token)
        if not letter:
            return self._render_gone()
        try:
            payment = letter._get_payment(selection)
        except UserError as error:
            return self._render_page(letter, token, error=str(error))
        values = self._get_common_page_view_values({
            'partner': letter.recipient_id, 'company': letter.company_id, 'total_amount': payment['amount'],
            'currency': letter.currency_id, 'amount_residual': payment['amount'],
            'landing_route': f'{PATH}/{token}?done=payment',
            'transaction_route': f'{PATH}/{token}/pay/{selection}/start'})
        values['tokens_sudo'] = request.env['payment.token']  # whoever has the letter sees nobody's cards
        values['show_tokenize_input_mapping'] = dict.fromkeys(values['show_tokenize_input_mapping'], False)
        return self._harden(request.render('ar_coordinator.answer_page_pay', {
            **values, 'letter': letter, 'company': letter.company_id, 'payment': payment, 'amount': payment['amount'],
            'action': f'{PATH}/{token}', 'format_amount': letter._format_amount, 'format_date': letter._format_date,
            'html_data': {'lang': (letter.lang or '').replace('_', '-')},
        }))

    @http.route(
        f'{PATH}/<string:token>/pay/<string:selection>/start', type='jsonrpc', auth='public', methods=['POST'],
        website=True, multilang=False)
    def pay_start(self, token, selection, amount, provider_id, access_token=None, **kwargs):
        """Create the draft transaction for some of the letter's items and return its processing values.

        :raise NotFound: for a link that opens nothing
        :raise ValidationError: when the amount on the page is not what these items come to any more
        """
        letter = self._find(token)
        if not letter:
            raise NotFound()
        payer = letter.recipient_id if request.env.user._is_public() else request.env.user.partner_id
        if kwargs.get('flow') not in ('direct', 'redirect'):
            raise ValidationError(request.env._("This way of paying is not available. Please load the page again."))
        kwargs.update(tokenization_requested=False, token_id=None, landing_route=f'{PATH}/{token}?done=payment')
        return self._ar_start_payment(
            letter._get_payment(selection), letter.company_id, letter.currency_id, payer, amount, provider_id, **kwargs)
