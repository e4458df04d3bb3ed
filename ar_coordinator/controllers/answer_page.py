"""What the controllers of a letter's link have in common: finding the letter, showing its page, safe headers."""
from odoo.http import request

from ..models.ar_answer_link import PATH

HEADERS = {
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',  # no other site learns the link
    'X-Robots-Tag': 'noindex, nofollow, noarchive',
    'Content-Security-Policy': "frame-ancestors 'none'",
    'X-Frame-Options': 'DENY',
}


class AnswerPage:
    """Mixin of controllers; no controller itself, or it would have routes of its own."""

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
        payable, processing = letter._get_payable()
        return self._harden(request.render('ar_coordinator.answer_page', {
            **values,
            'letter': letter,
            'asked': {line.move_line_id.id: line.amount_asked for line in letter.line_ids},
            'payable': payable,
            'processing': processing,
            'credits': letter._get_credits(),
            'answers': letter.answer_ids,
            'action': f'{PATH}/{token}',
            'show_lines': letter._shows_invoice_lines(),
            'done': done in letter.answer_ids.mapped('kind'),
            'paid': done == 'payment',
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
