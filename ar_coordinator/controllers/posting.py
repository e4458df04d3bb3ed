"""What changes something is posted. Odoo routes OPTIONS there as well, without a look at the token against forgery.

Called first by each route of ours with `methods=['POST']`: a scanner that tries all methods must change nothing.
"""
from werkzeug.exceptions import MethodNotAllowed

from odoo.http import request


def check_posted():
    """:raise MethodNotAllowed: unless the request is a POST"""
    if request.httprequest.method != 'POST':
        raise MethodNotAllowed(['POST'])
