"""The download of the records that uninstalling deletes."""
from odoo import http
from odoo.http import content_disposition, request


class ArUninstall(http.Controller):

    @http.route('/ar_coordinator/records.zip', type='http', auth='user', methods=['GET'], readonly=True)
    def ar_records(self):
        """A ZIP for administrators, see `base.module.uninstall._ar_get_zip`; others get Odoo's page of a refusal."""
        return request.make_response(request.env['base.module.uninstall']._ar_get_zip(), [
            ('Content-Type', 'application/zip'), ('Content-Disposition', content_disposition('receivables.zip'))])
