"""Files of the aged receivables: XLSX (written by ar_aging_xlsx.py) and PDF, of the same data as the screen.

The PDF is landscape A4 with the heading of the table on every page, totals and tie-out at the end. Its page is
self-contained (styles inside, no picture, no link), so that it renders from a script without a running server and with
any build of wkhtmltopdf: titles and page numbers are part of the body, as unpatched builds know no page headers.
"""
import io

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date, format_datetime, formatLang

from .ar_aging_xlsx import AgingWorkbook, open_workbook

ITEMS_PER_QUERY = 20_000
ROWS_PER_PAGE = 28  # of the PDF
AMOUNTS_WIDTH = 800  # px of a PDF page beside the names
DIGIT_WIDTH = 0.54  # of the font size, on average over digits and separators


class ArAgingReport(models.AbstractModel):
    _inherit = 'ar.aging.report'

    @api.model
    def get_xlsx(self, options=None):
        """Return the report as an XLSX file.

        :param dict options: as `get_data`; limit and offset do not apply, a file has all rows
        :return: bytes; sheets "Aged Receivables" (the rows of `get_data`, amounts in its currency), "Open Items"
            (amounts in the item's and in its company's currency) and "Parameters" (options, user, time, difference to
            the ledger)
        :raise AccessError, UserError: as `get_data`
        """
        options = {**(options or {}), 'limit': None, 'offset': 0}
        data = self.get_data(options)
        # the items and the tie-out at the date the table was made at, even over midnight
        options.update(as_of=data['as_of'], age_at=data['age_at'])
        buffer = io.BytesIO()
        with open_workbook(buffer) as workbook:
            subtitle = self._aging_subtitle(data, options)
            workbook.set_properties({'title': self.env._("Aged Receivables"), 'comments': subtitle})
            writer = AgingWorkbook(self.env, workbook, data, self._aging_company_records(options))
            writer.add_table(subtitle)
            writer.add_items(self._items_in_batches(options))
            writer.add_parameters(self._aging_parameters(data, options))
        return buffer.getvalue()

    @api.model
    def get_pdf(self, options=None):
        """Return the report as a PDF.

        :param dict options: as `get_data`; limit and offset do not apply, a file has all rows
        :return: bytes
        :raise AccessError, UserError: as `get_data`; UserError when wkhtmltopdf is not installed
        """
        html = self._get_pdf_html(options)
        report = self.env['ir.actions.report']
        if report.get_wkhtmltopdf_state() in ('install', 'broken'):
            raise UserError(self.env._(
                "The PDF cannot be made: wkhtmltopdf is missing on the server. Ask your administrator to install it, or"
                " export XLSX."))
        return report._run_wkhtmltopdf([html], report_ref='ar_coordinator.action_report_ar_aging')

    # === XLSX === #

    def _items_in_batches(self, options):
        """Yield all open items, fetched by thousands."""
        offset = 0
        ledger = self.env['ar.ledger']
        while batch := ledger.open_items({**options, 'limit': ITEMS_PER_QUERY, 'offset': offset}):
            yield from batch
            if len(batch) < ITEMS_PER_QUERY:
                return
            offset += ITEMS_PER_QUERY

    # === PDF === #

    def _get_pdf_html(self, options=None):
        """Return the page as HTML text."""
        options = {**(options or {}), 'limit': None, 'offset': 0}
        html = self.env['ir.qweb']._render('ar_coordinator.report_ar_aging', self._pdf_values(options))
        return f'<!DOCTYPE html>{html}'

    def _pdf_values(self, options):
        """Everything the template shows, as text in the user's language."""
        data = self.get_data(options)
        currency = self.env['res.currency'].browse(data['currency_id'])

        def amount(value):
            return formatLang(self.env, value + 0.0, digits=currency.decimal_places)

        has_promises = bool(data['totals'].get('promised'))

        def cells(row):
            values = [*row['amounts'], row['unapplied'], row['total'], row['disputed']]
            return [amount(value) for value in values + ([row['promised']] if has_promises else [])]

        headings = [*(bucket['label'] for bucket in data['buckets']), self.env._("Unapplied"), self.env._("Total"),
                    self.env._("Disputed")]
        if has_promises:
            headings.append(self.env._("Promised"))
        rows = [(row['name'] or "", cells(row)) for row in data['rows']]
        pages = [rows[start:start + ROWS_PER_PAGE] for start in range(0, len(rows), ROWS_PER_PAGE)] or [[]]
        return {
            'lang': (self.env.lang or 'en_US').replace('_', '-'),
            'title': self.env._("Aged Receivables"),
            'companies': self._aging_companies(options),
            'subtitle': self._aging_subtitle(data, options),
            'generated': self.env._(
                "%(user)s, %(time)s", user=self.env.user.name, time=format_datetime(self.env, fields.Datetime.now())),
            'name_heading': self._aging_group_label(data),
            'headings': headings,
            'total_column': len(data['buckets']) + 1,
            'pages': pages,
            'font_size': self._pdf_font_size(headings, [cells(data['totals']), *(row[1] for row in rows)]),
            'totals': cells(data['totals']),
            'zero': amount(0),
            'difference': None if data['difference_to_ledger'] is None else amount(data['difference_to_ledger']),
            'differences': [(difference['label'], amount(difference['amount'])) for difference in data['differences']],
            'page_label': lambda number: self.env._("Page %(number)s of %(count)s", number=number, count=len(pages)),
        }

    def _pdf_font_size(self, headings, rows):
        """Size in px at which all columns fit the page: an amount that does not fit would be cut off."""
        columns = zip(headings, *rows, strict=True)
        characters = sum(max(map(len, column)) for column in columns)
        padding = 8 * len(headings)
        return round(min(12.0, max(5.0, (AMOUNTS_WIDTH - padding) / (characters * DIGIT_WIDTH))), 1)

    # === TEXTS SHARED BY XLSX AND PDF === #

    def _aging_company_records(self, options):
        """The report's companies, those get_data has let the user see."""
        return self.env['res.company'].browse(options.get('company_ids') or self.env.companies.ids)

    def _aging_companies(self, options):
        return ", ".join(self._aging_company_records(options).mapped('name'))

    def _aging_basis(self, data):
        return self.env._("Aged by due date") if data['basis'] == 'due' else self.env._("Aged by invoice date")

    def _aging_group_label(self, data):
        return {
            'partner': self.env._("Customer"),
            'salesperson': self.env._("Salesperson"),
            'collector': self.env._("Collector"),
            'country': self.env._("Country"),
            'currency': self.env._("Currency"),
            'company': self.env._("Company"),
        }[data['group_by']]

    def _aging_subtitle(self, data, options):
        """One line: what the table shows."""
        currency = self.env['res.currency'].browse(data['currency_id'])
        parts = [self.env._("As of %s", format_date(self.env, data['as_of']))]
        if data['age_at'] != data['as_of']:
            parts.append(self.env._("aged at %s", format_date(self.env, data['age_at'])))
        parts += [self._aging_basis(data), self.env._("Amounts in %s", currency.name)]
        if options.get('partner_ids'):
            parts.append(self.env._("Selected customers only"))
        return " · ".join(parts)

    def _aging_parameters(self, data, options):
        """[(label, value)] of everything one needs to make the same report again; values are text, numbers or dates."""
        currency = self.env['res.currency'].browse(data['currency_id'])
        limits = [bucket['max_days'] for bucket in data['buckets'][1:-1]]
        parameters = [
            (self.env._("As of"), fields.Date.to_date(data['as_of'])),
            (self.env._("Age counted at"), fields.Date.to_date(data['age_at'])),
            (self.env._("Basis"), self._aging_basis(data)),
            (self.env._("Last day of each column"), ", ".join(map(str, limits))),
            (self.env._("Grouped by"), self._aging_group_label(data)),
            (self.env._("Companies"), self._aging_companies(options)),
            (self.env._("Currency"), currency.name),
        ]
        if options.get('partner_ids'):
            partners = self.env['res.partner'].browse(options['partner_ids']).exists()
            parameters.append((self.env._("Customers"), ", ".join(partners.mapped('display_name'))))
        parameters += [
            (self.env._("User"), self.env.user.name),
            (self.env._("Generated at"), format_datetime(self.env, fields.Datetime.now())),
        ]
        if data['difference_to_ledger'] is not None:
            parameters.append((self.env._("Difference to the general ledger"), data['difference_to_ledger']))
            parameters += [(difference['label'], difference['amount']) for difference in data['differences']]
        return parameters
