"""The page behind a dunning letter's link: what the letter asks for, and what the customer can answer.

Opening it changes nothing, whoever opens it (customer, mail scanner, crawler): the route reads only, by a cursor that
cannot write. Answers are posted, with a token against forgery. A link that is wrong, changed, too old or revoked gets
one and the same page, which says nothing.
"""
import logging
import re

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import request

from ..models.ar_answer_link import PATH, TooManyAnswers
from ..models.ar_customer_answer_kind import MAX_FILE_SIZE, MAX_FILES
from .posting import check_posted

MAX_BODY = MAX_FILES * MAX_FILE_SIZE + 1024 * 1024  # bytes of a posted form
HEADERS = {
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',  # no other site learns the link
    'X-Robots-Tag': 'noindex, nofollow, noarchive',
    'Content-Security-Policy': "frame-ancestors 'none'",
    'X-Frame-Options': 'DENY',
}


class HideLinks(logging.Filter):
    """Keeps links out of the server's log: whoever reads it could answer for customers."""

    pattern = re.compile(rf'({PATH}/)[\w=.-]+')

    def filter(self, record):
        """Take the token out of any text that names one of our addresses."""
        if PATH in (message := record.getMessage()):
            record.msg, record.args = self.pattern.sub(r'\1***', message), ()
        return True


for name in ('werkzeug', 'odoo.http'):  # the access log, and complaints about requests
    logging.getLogger(name).addFilter(HideLinks())


class ArAnswer(http.Controller):

    @http.route(
        f'{PATH}/<string:token>', type='http', auth='public', methods=['GET'], website=True, multilang=False,
        sitemap=False, readonly=True)
    def page(self, token, done=None, **_kwargs):
        """Show the letter's items and what can be answered. Changes nothing."""
        letter = self._find(token)
        if not letter:
            return self._render_gone()
        return self._render_page(letter, token, done=done)

    @http.route(
        f'{PATH}/<string:token>/<any(promise,dispute,plan,paid,contact):kind>', type='http', auth='public',
        methods=['POST'], website=True, multilang=False, sitemap=False, max_content_length=MAX_BODY)
    def answer(self, token, kind, **_kwargs):
        """Record an answer, then show the page again. What is refused is said beside the form."""
        check_posted()
        letter = self._find(token)
        if not letter:
            return self._render_gone()
        form, files = request.httprequest.form, request.httprequest.files.getlist('files')
        try:
            with request.env.cr.savepoint():
                letter._answer(kind, form, files, request.httprequest.remote_addr)
        except AccessError:  # a UserError, but not one for customers to read
            raise
        except TooManyAnswers as error:
            return self._render_page(letter, token, error=str(error), filled=form, filled_kind=kind, status=429)
        except UserError as error:
            return self._render_page(letter, token, error=str(error), filled=form, filled_kind=kind, status=422)
        return self._redirect(f'{PATH}/{token}?done={kind}')

    @http.route(
        f'{PATH}/<string:token>/pay/<int:move_id>', type='http', auth='public', methods=['POST'], website=True,
        multilang=False, sitemap=False)
    def pay(self, token, move_id, **_kwargs):
        """Go to Odoo's own page to pay one of the letter's invoices, what is open and not disputed of it."""
        check_posted()
        letter = self._find(token)
        if not letter:
            return self._render_gone()
        rows = [row for row in self._get_values(letter)['items'] if row['move'].id == move_id]
        move = letter._get_payable_moves(rows)
        if not move:
            return self._render_page(letter, token, error=letter.env._("This invoice cannot be paid online now."))
        return self._redirect(letter._get_payment_url(move, sum(row['to_pay'] for row in rows)))

    # === HELPERS === #

    def _find(self, token):
        """Return the letter a link opens, in its language, or None."""
        letter = request.env['ar.dunning.letter']._find_by_token(token)
        if letter:
            request.update_context(lang=letter.env.lang)
        return letter

    def _get_values(self, letter):
        """Return what the forms show, see `ar.customer.answer._get_form_values`."""
        return letter.env['ar.customer.answer']._get_form_values(
            letter._get_link_items(), letter.company_id, letter.partner_id)

    def _render_page(self, letter, token, done=None, error=None, filled=None, filled_kind=None, status=200):
        """Return the page of a letter."""
        values = self._get_values(letter)
        moves = letter._get_payable_moves(values['items'])
        first_rows = {row['move']: row['item'].id for row in reversed(values['items'])}
        return self._harden(request.render('ar_coordinator.answer_page', {
            **values,
            'letter': letter,
            'asked': {line.move_line_id.id: line.amount_asked for line in letter.line_ids},
            'payable': {first_rows[move] for move in moves},  # a button per invoice, at its first item
            'answers': letter.answer_ids,
            'action': f'{PATH}/{token}',
            'show_lines': letter._shows_invoice_lines(),
            'done': done in letter.answer_ids.mapped('kind'),
            'error': error,
            'filled': filled or {},
            'filled_kind': filled_kind,
            'html_data': {'lang': (letter.lang or '').replace('_', '-')},
        }, status=status))

    def _render_gone(self):
        """Return the page for links that open nothing, for whatever reason."""
        return self._harden(request.render('ar_coordinator.answer_page_gone', {}, status=404))

    def _redirect(self, url):
        """Return a redirect that is fetched with GET."""
        return self._harden(request.redirect(url, code=303, local=False))

    def _harden(self, response):
        """Add the headers that keep the page out of caches, frames, search engines and other sites' logs."""
        response.headers.update(HEADERS)
        return response
