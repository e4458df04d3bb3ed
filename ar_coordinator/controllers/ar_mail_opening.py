"""The image in an e-mail: whoever fetches it gets the same bytes, whatever its address says.

What follows from it, if anything, is `ar.mail.opening`'s business. No session is made, no cookie is set. Our own users
do not count: their browser shows what they read in Odoo.
"""
import base64

from odoo import http
from odoo.http import request

from ..models.ar_mail_opening import PATH

IMAGE = base64.b64decode('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7')  # 1 x 1, transparent
HEADERS = [
    ('Content-Type', 'image/gif'),
    ('Content-Length', len(IMAGE)),
    ('Cache-Control', 'no-store'),
    ('Referrer-Policy', 'no-referrer'),
    ('X-Robots-Tag', 'noindex, nofollow'),
    ('X-Content-Type-Options', 'nosniff'),
    ('Cross-Origin-Resource-Policy', 'cross-origin'),
]
AHEAD = ('Odoo-Link-Preview', 'X-Moz', 'Purpose', 'X-Purpose', 'Sec-Purpose')  # fetched before anybody looks


class ArMailOpening(http.Controller):

    @http.route(
        f'{PATH}/<string:token>.gif', type='http', auth='public', methods=['GET'], sitemap=False, save_session=False)
    def image(self, token, **_kwargs):
        """Return the image; note that a customer fetched it."""
        headers = request.httprequest.headers
        is_fetched = request.httprequest.method == 'GET' and not any(headers.get(name) for name in AHEAD)
        if is_fetched and request.env.user.share:
            request.env['ar.mail.opening']._note(token)
        return request.make_response(IMAGE, HEADERS)
