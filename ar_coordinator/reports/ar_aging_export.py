"""Files of the aged receivables: XLSX (written by ar_aging_xlsx.py) and PDF, of the same data as the screen: the same
columns in the same order, filters, rows and, where rows are unfolded, what they unfold to. All pages of the rows.

The PDF is landscape A4 with the heading of the table on every page, totals and tie-out at the end. Its page is
self-contained (styles inside, no picture, no link), so that it renders from a script without a running server and with
any build of wkhtmltopdf: titles and page numbers are part of the body, as unpatched builds know no page headers.
"""
import io

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date, format_datetime, formatLang

from ..models.ar_ledger import FILTERS
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
        :return: bytes; sheets "Aged Receivables" (the rows of `get_data` and what is unfolded of them), "Open Items"
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
            writer.add_table(subtitle, self._file_lines(data, options))
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

    # === WHAT THE FILES SHOW === #

    def _file_lines(self, data, options):
        """Yield the lines of the table from top to bottom.

        :return: (level, label, currency, {column: value}); label of an item: document, reference and day
        """
        unfolded = {self._path_key(place) for place in options.get('unfolded') or ()}
        options = {name: value for name, value in options.items() if name not in ('unfolded', 'limit', 'offset')}
        options.update(as_of=data['as_of'], age_at=data['age_at'])
        yield from self._group_lines(data, options, [], unfolded)

    def _path_key(self, place):
        """(path, currency) of an unfolded row; the option `unfolded` is checked here.

        :raise UserError: for anything else
        """
        try:
            return tuple(map(int, place['path'])), int(place.get('currency_id') or 0)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise UserError(self.env._("This is not a row of the report: %s", place)) from error

    def _group_lines(self, data, options, path, unfolded):
        """Lines of the rows below `path`. What is unfolded is read row by row, as a person has unfolded it."""
        for row in data['rows']:
            currency = self.env['res.currency'].browse(row.get('currency_id') or data['currency_id'])
            yield len(path), row['name'] or "", currency, {
                column['key']: self._get_value(row, column['key'], data) for column in data['columns']}
            own_path = [*path, row['id'] or 0]
            if (tuple(own_path), row.get('currency_id') or 0) not in unfolded:
                continue
            inside = {**options, 'group_ids': own_path}
            if 'currency_id' in row:
                inside['currency_ids'] = [row['currency_id']]
            if len(own_path) < len(data['groups']):
                yield from self._group_lines(
                    {**data, **self.env['ar.ledger'].aged_balance(inside)}, inside, own_path, unfolded)
            else:
                for item in self.env['ar.ledger'].open_items(inside):
                    yield self._item_line(item, data, len(own_path))

    def _item_line(self, item, data, level):
        """One open item below its row: each amount under the column it counts in."""
        in_document = data['amounts_in'] == 'document'
        suffix = '_currency' if in_document else '_report'
        amount = item[f'residual{suffix}']
        values = dict.fromkeys(column['key'] for column in data['columns'])
        values.update({
            'total': amount, 'unapplied': amount if item['residual'] < 0 else None,
            'disputed': item[f'disputed{suffix}'] or None, 'promised': item[f'promised{suffix}'] or None})
        if item['residual'] >= 0:
            values[data['buckets'][item['bucket']]['key']] = amount
            values['overdue'] = amount if item['bucket'] else None
        currency = self.env['res.currency'].browse(item['currency_id'] if in_document else data['currency_id'])
        label = " · ".join(filter(None, (
            item['move_name'] or '/', item['ref'], item['partner_name'] if data['groups'][-1] != 'partner' else None,
            format_date(self.env, item['age_date']))))
        return level, label, currency, values

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
        headings = [column['label'] for column in data['columns']]
        in_document = data['amounts_in'] == 'document'
        if in_document:
            headings.insert(0, self.env._("Currency"))

        def line(label, currency, values, level=0):
            cells = [self._pdf_cell(values.get(column['key']), column['type'], currency) for column in data['columns']]
            return label, [currency.name, *cells] if in_document else cells, level
        rows = [line(label, currency, values, level)
                for level, label, currency, values in self._file_lines(data, options)]
        totals = [
            line(self.env._("Total"), currency, values) for currency, values in self._total_lines(data)]
        pages = [rows[start:start + ROWS_PER_PAGE] for start in range(0, len(rows), ROWS_PER_PAGE)] or [[]]
        if len(pages[-1]) + len(totals) + len(data['differences']) > ROWS_PER_PAGE + 1:
            pages.append([])  # the totals and what explains a difference stay together
        currency = self.env['res.currency'].browse(data['currency_id'])

        def amount(value):
            return formatLang(self.env, value + 0.0, digits=currency.decimal_places)
        keys = [column['key'] for column in data['columns']]
        return {
            'lang': (self.env.lang or 'en_US').replace('_', '-'),
            'title': self.env._("Aged Receivables"),
            'companies': self._aging_companies(options),
            'subtitle': self._aging_subtitle(data, options),
            'generated': self.env._(
                "%(user)s, %(time)s", user=self.env.user.name, time=format_datetime(self.env, fields.Datetime.now())),
            'name_heading': self._aging_group_label(data),
            'headings': headings,
            'total_column': keys.index('total') + in_document if 'total' in keys else -1,
            'pages': pages,
            'font_size': self._pdf_font_size(headings, [row[1] for row in (*totals, *rows)]),
            'totals': totals,
            'zero': amount(0),
            'difference': None if data['difference_to_ledger'] is None else amount(data['difference_to_ledger']),
            'differences': [(difference['label'], amount(difference['amount'])) for difference in data['differences']],
            'rounding': (data['rounding'] and not in_document
                         and f"{self._rounding_label()}: {amount(data['rounding'])}"),
            'page_label': lambda number: self.env._("Page %(number)s of %(count)s", number=number, count=len(pages)),
        }

    def _pdf_cell(self, value, kind, currency):
        """A value as text in the user's language; nothing for what does not apply."""
        if value is None:
            return ""
        if kind == 'amount':
            return formatLang(self.env, value + 0.0, digits=currency.decimal_places)
        if kind == 'date':
            return format_date(self.env, value)
        if kind == 'percent':
            return self.env._("%s %%", formatLang(self.env, value, digits=0))
        return formatLang(self.env, value, digits=1 if isinstance(value, float) else 0)

    def _total_lines(self, data):
        """[(currency, {column: value})]: the totals, one per currency where amounts are those of the documents."""
        totals = data.get('totals_by_currency') or ([data['totals']] if data['totals'] else [])
        return [(
            self.env['res.currency'].browse(total.get('currency_id') or data['currency_id']),
            {column['key']: self._get_value(total, column['key'], data) for column in data['columns']},
        ) for total in totals]

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
        labels = self._group_labels()
        return " / ".join(labels[group] for group in data['groups'])

    def _aging_subtitle(self, data, options):
        """One line: what the table shows."""
        currency = self.env['res.currency'].browse(data['currency_id'])
        parts = [self.env._("As of %s", format_date(self.env, data['as_of']))]
        if data['age_at'] != data['as_of']:
            parts.append(self.env._("aged at %s", format_date(self.env, data['age_at'])))
        if data['compare_to']:
            parts.append(self.env._("compared with %s", format_date(self.env, data['compare_to'])))
        parts += [self._aging_basis(data), self.env._("Amounts in the documents' currencies")
                  if data['amounts_in'] == 'document' else self.env._("Amounts in %s", currency.name)]
        if options.get('partner_ids'):
            parts.append(self.env._("Selected customers only"))
        if any(options.get(name) is not None for name in FILTERS):
            parts.append(self.env._("Filtered"))
        return " · ".join(parts)

    def _aging_parameters(self, data, options):
        """[(label, value)] of everything one needs to make the same report again; values are text, numbers or dates."""
        currency = self.env['res.currency'].browse(data['currency_id'])
        limits = [
            str(bucket['max_days']) if options.get('bucket_by', 'days') == 'days' else bucket['label']
            for bucket in data['buckets'][1:-1]]
        parameters = [
            (self.env._("As of"), fields.Date.to_date(data['as_of'])),
            (self.env._("Age counted at"), fields.Date.to_date(data['age_at'])),
            (self.env._("Basis"), self._aging_basis(data)),
            (self.env._("Last day of each column"), ", ".join(limits)),
            (self.env._("Grouped by"), self._aging_group_label(data)),
            (self.env._("Companies"), self._aging_companies(options)),
            (self.env._("Currency"), currency.name if data['amounts_in'] == 'company' else self.env._("Documents'")),
        ]
        if data['compare_to']:
            parameters.append((self.env._("Compared with"), fields.Date.to_date(data['compare_to'])))
        if options.get('partner_ids'):
            partners = self.env['res.partner'].browse(options['partner_ids']).exists()
            parameters.append((self.env._("Customers"), ", ".join(partners.mapped('display_name'))))
        parameters += self._aging_filters(options)
        parameters += [
            (self.env._("User"), self.env.user.name),
            (self.env._("Generated at"), format_datetime(self.env, fields.Datetime.now())),
        ]
        if data['difference_to_ledger'] is not None:
            parameters.append((self.env._("Difference to the general ledger"), data['difference_to_ledger']))
            parameters += [(difference['label'], difference['amount']) for difference in data['differences']]
            if data['rounding'] and data['amounts_in'] == 'company':
                parameters.append((self._rounding_label(), data['rounding']))
        return parameters

    def _aging_filters(self, options):
        """[(label, names)] of the filters that are set."""
        labels, ledger = self._group_labels(), self.env['ar.ledger']
        found = []
        for name in FILTERS:
            if (ids := options.get(name)) is None:
                continue
            group = name.removesuffix('_ids')
            model, missing = ledger._group_model(group)
            # sudo: names of what the user filtered by
            records = self.env[model].sudo().browse([number for number in ids if number]).exists()
            names = records.mapped('display_name') + ([] if all(ids) else [missing])
            found.append((labels[group], ", ".join(names)))
        return found
