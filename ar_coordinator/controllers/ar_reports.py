"""Downloads of the reports. Access is checked where the figures come from (ar.ledger); here only the request."""
import json

from werkzeug.exceptions import BadRequest, NotFound

from odoo import fields, http
from odoo.http import content_disposition, request

FORMATS = {
    'xlsx': ('get_xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'),
    'pdf': ('get_pdf', 'application/pdf'),
}


class ArReports(http.Controller):

    @http.route(
        '/ar_coordinator/aging/<any(xlsx,pdf):file_format>',
        type='http', auth='user', methods=['GET', 'POST'], readonly=True)
    def aging(self, file_format, options='{}', token=None):
        """The aged receivables as a file.

        :param str options: JSON, see `ar.aging.report.get_data`; company_ids in the order of the company switcher
            (the first one's currency is the report's, where they differ)
        :param str token: ignored; the web client's download sends one
        :raise BadRequest: options that are not a JSON object
        :raise AccessError: as `get_data`
        """
        options = self._read_options(options)
        env = self._get_env(options)
        method, mimetype = FORMATS[file_format]
        content = getattr(env['ar.aging.report'], method)(options)
        as_of = options.get('as_of') or fields.Date.to_string(env.company._ar_today())
        return self._make_file(env._("Aged Receivables %(date)s", date=as_of), file_format, mimetype, content)

    @http.route(
        '/ar_coordinator/table/<string:model>/<any(xlsx,pdf):file_format>',
        type='http', auth='user', methods=['GET', 'POST'], readonly=True)
    def table(self, model, file_format, options='{}', token=None):
        """A report made of tables as a file.

        :param str model: a model that inherits `ar.table.report`
        :param str options: JSON, see its `get_data`; company_ids as for `aging`
        :param str token: ignored; the web client's download sends one
        :raise NotFound: for any other model
        :raise BadRequest: options that are not a JSON object
        :raise AccessError: as `get_data`
        """
        options = self._read_options(options)
        env = self._get_env(options)
        report = env.get(model)
        if not getattr(report, '_is_ar_table_report', False) or model == 'ar.table.report':
            raise NotFound
        method, mimetype = FORMATS[file_format]
        content = getattr(report, method)(options)
        date = options.get('as_of') or options.get('date_to') or fields.Date.to_string(env.company._ar_today())
        title = env['ir.model']._get(model).name
        return self._make_file(f'{title} {date}', file_format, mimetype, content)

    def _get_env(self, options):
        """The environment with the companies of the options switched on, in their order."""
        env = request.env
        if company_ids := options.get('company_ids'):
            env = env(context={**env.context, 'allowed_company_ids': company_ids})
        return env

    def _make_file(self, name, file_format, mimetype, content):
        return request.make_response(content, headers=[
            ('Content-Type', mimetype),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(f'{name}.{file_format}')),
        ])

    def _read_options(self, text):
        """Options from JSON text; the right companies are checked by the report, here only that they are ids."""
        try:
            options = json.loads(text)
        except ValueError as error:
            raise BadRequest("options must be JSON") from error
        company_ids = options.get('company_ids', []) if isinstance(options, dict) else None
        if not isinstance(company_ids, list) or any(type(company_id) is not int for company_id in company_ids):
            raise BadRequest("options must be an object, company_ids a list of ids")
        return options
