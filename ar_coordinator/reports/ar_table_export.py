"""Files of reports made of tables: XLSX (written by ar_table_xlsx.py) and PDF, of the tables the screen shows.

The PDF is landscape A4; title, companies, parameters, user, time and page number are on every page, headings of a table
on every page it fills. Pages are self-contained and made up here, as unpatched wkhtmltopdf knows no page headers.
"""
import io
import textwrap

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date, format_datetime, formatLang

from ..models.ar_table_report import _first_rows, is_date
from ..models.ar_wording import counted
from .ar_aging_xlsx import open_workbook
from .ar_table_xlsx import TableWorkbook, name_currencies

LINES_PER_PAGE = 29  # of 21 px each, below the head of the page
TABLE_WIDTH = 1040  # px of a page
PADDING = 12  # px between columns, on average
LARGEST_FONT = 12.0  # px
MOST_ROWS = 3000  # of one table on paper: a hundred pages; more are in the XLSX only
CHARACTER_WIDTH = 0.54  # of the font size, on average
LONGEST_TEXT, LONGEST_OF_FEW = 42, 90  # characters of a text cell, of few columns; longer ones are cut
DASH = "–"


class ArTableReport(models.AbstractModel):
    _inherit = 'ar.table.report'

    @api.model
    def get_xlsx(self, options=None):
        """Return the report as an XLSX file: a sheet per table, and the parameters.

        :param dict options: as `get_data`
        :return: bytes
        :raise AccessError, UserError: as `get_data`
        """
        data = self.get_data(options)
        buffer = io.BytesIO()
        with open_workbook(buffer) as workbook:
            workbook.set_properties({'title': self._get_title(data), 'comments': self._get_subtitle(data)})
            writer = TableWorkbook(self.env, workbook)
            writer.add_report(self, data)
            writer.add_parameters([*self._get_parameters(data), *self._get_signature()])
        return buffer.getvalue()

    @api.model
    def get_pdf(self, options=None):
        """Return the report as a PDF.

        :param dict options: as `get_data`
        :return: bytes
        :raise AccessError, UserError: as `get_data`; UserError when wkhtmltopdf is not installed
        """
        return self._print_pages(self._get_pdf_html(options))

    def _print_pages(self, html):
        report = self.env['ir.actions.report']
        if report.get_wkhtmltopdf_state() in ('install', 'broken'):
            raise UserError(self.env._(
                "The PDF cannot be made: wkhtmltopdf is missing on the server. Ask your administrator to install it, or"
                " export XLSX."))
        return report._run_wkhtmltopdf([html], report_ref='ar_coordinator.action_report_ar_tables')

    def _get_pdf_html(self, options=None):
        """Return the pages as HTML text."""
        return self._render_pages(self._get_pdf_pages(self.get_data(options)))

    def _render_pages(self, pages):
        """:param pages: list of `_get_pdf_pages`, of one report or several."""
        html = self.env['ir.qweb']._render('ar_coordinator.report_ar_tables', {
            'lang': (self.env.lang or 'en_US').replace('_', '-'),
            'pages': pages,
            'generated': self.env._(
                "%(user)s, %(time)s", user=self.env.user.name, time=format_datetime(self.env, fields.Datetime.now())),
            'page_label': lambda number: self.env._("Page %(number)s of %(count)s", number=number, count=len(pages)),
        })
        return f'<!DOCTYPE html>{html}'

    # === PAGES === #

    def _get_pdf_pages(self, data):
        """Return the pages of a report, texts in the user's language.

        :return: list of {title, companies, subtitle, parts: [{title, note, headings, rows, checks, font_size}]}
        """
        parameters = dict(self._get_parameters(data))
        head = {
            'title': self._get_title(data),
            'companies': parameters.get(self.env._("Companies")) or "",
            'subtitle': self._get_subtitle(data),
        }
        pages, room = [], 0
        for table in self._get_tables(data):
            for part, height in self._get_pdf_parts(table, data.get('currency_id')):
                if height > room:
                    pages.append({**head, 'parts': []})
                    room = LINES_PER_PAGE
                pages[-1]['parts'].append(part)
                room -= height
        return pages or [{**head, 'parts': []}]

    def _get_pdf_parts(self, table, currency_id):
        """[(part, height in lines)]: a table in pieces that fit a page each."""
        table = name_currencies(self.env, table, currency_id)
        columns = table['columns']
        longest = LONGEST_TEXT if len(columns) > 4 else LONGEST_OF_FEW
        currency_id = table.get('currency_id') or currency_id
        rows = [
            {'level': row.get('level') or 0,
             'cells': [self._format_cell(
                 row['cells'].get(column['key'], ""), column['type'], row.get('currency_id') or currency_id, longest)
                 for column in columns]}
            for row in _first_rows(table['rows'], MOST_ROWS)]
        headings = [
            {'label': column['label'], 'is_text': column['type'] in ('text', 'date')} for column in columns]
        font_size, heading_lines = self._get_font_size(
            [column['label'] for column in columns], [row['cells'] for row in rows])
        checks = [
            {**check, 'amount': self._format_check(check, currency_id)}
            for check in table.get('checks') or []]
        if len(rows) < len(table['rows']):
            left = len(table['rows']) - len(rows)
            checks.append({'ok': False, 'amount': "", 'label': counted(
                left, self.env._("1 more row is not printed. It is in the XLSX file."),
                self.env._("%s more rows are not printed. They are in the XLSX file.", left))})
        note = table.get('note') or ""
        overhead = 2 + heading_lines + (1 + len(note) // 160 if note else 0)
        per_page = LINES_PER_PAGE - overhead
        parts = []
        for start in range(0, max(len(rows), 1), per_page):
            chunk = rows[start:start + per_page]
            parts.append(({
                'title': table.get('title') or "", 'note': note, 'headings': headings, 'rows': chunk,
                'empty': '' if rows else table.get('empty') or self.env._("Nothing here."), 'checks': [],
                'font_size': font_size}, overhead + max(len(chunk), 1)))
        if checks:
            part, height = parts[-1]
            if height + len(checks) <= LINES_PER_PAGE:
                part['checks'] = checks
                parts[-1] = (part, height + len(checks))
            else:
                parts.append(({**part, 'rows': [], 'headings': [], 'checks': checks}, overhead + len(checks)))
        return parts

    def _get_font_size(self, labels, rows):
        """(size in px, lines of the headings) at which all columns fit the page: what does not fit is cut off.

        Headings are broken into lines only where the table is too wide otherwise.
        """
        columns = zip(*rows, strict=True)
        cells = [max((len(cell) for cell in column), default=1) for column in columns] or [1] * len(labels)
        widths = [max(len(label), cell) for label, cell in zip(labels, cells, strict=True)]
        lines = 1
        if self._fit_font(widths) < LARGEST_FONT:
            widths = [max(cell, *map(len, (label or "-").split())) for label, cell in zip(labels, cells, strict=True)]
            lines = max(len(textwrap.wrap(label, width)) for label, width in zip(labels, widths, strict=True))
        return self._fit_font(widths), max(lines, 1)

    def _fit_font(self, widths):
        """Size in px for columns of so many characters."""
        room = TABLE_WIDTH - PADDING * len(widths)
        return round(min(LARGEST_FONT, max(5.0, room / (sum(widths) * CHARACTER_WIDTH))), 1)

    def _format_check(self, check, currency_id):
        """The amount of a proof, with its currency where that is not the table's."""
        own = check.get('currency_id') or currency_id
        amount = self._format_cell(check.get('amount', ""), 'amount', own)
        return f"{amount} {self.env['res.currency'].browse(own).name}" if amount and own != currency_id else amount

    def _format_cell(self, value, kind, currency_id, longest=LONGEST_TEXT):
        """A value as text in the user's language."""
        if value is None or value is False or value == "":
            return DASH if value is None and kind not in ('text', 'date') else ""
        if kind == 'text':
            text = str(value)
            return text if len(text) <= longest else f"{text[:longest - 1]}…"
        if kind == 'date':
            return format_date(self.env, value) if is_date(value) else value
        if kind == 'percent':
            return self.env._("%s %%", formatLang(self.env, value * 100, digits=2))
        if kind == 'amount':
            digits = self.env['res.currency'].browse(currency_id).decimal_places if currency_id else 2
        else:
            digits = {'days': 1, 'integer': 0, 'number': 2}[kind]
        return formatLang(self.env, value + 0.0, digits=digits)
