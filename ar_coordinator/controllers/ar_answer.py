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
from .answer_page import AnswerPage
from .posting import check_posted

MAX_BODY = MAX_FILES * MAX_FILE_SIZE + 1024 * 1024  # bytes of a posted form


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


class ArAnswer(AnswerPage, http.Controller):

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
