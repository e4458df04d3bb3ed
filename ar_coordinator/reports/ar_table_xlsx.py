"""Tables of `ar.table.report` as a workbook: one sheet per table, one that says how it was made.

Cells are typed (numbers, dates, text) and no text can become a formula. Rows are written to disk as they come
(constant_memory), strictly from top to bottom.
"""
import re
from datetime import date

from ..models.ar_table_report import is_date
from .ar_aging_xlsx import TITLE_LENGTH

HEAD_ROWS = 4  # title, companies, parameters, note
NUMBER_FORMATS = {'percent': '0.00%', 'days': '0.0', 'integer': '#,##0', 'number': '#,##0.00'}
WIDTHS = {'text': 28, 'date': 12, 'amount': 16, 'percent': 10, 'days': 10, 'integer': 10, 'number': 12}


def name_currencies(env, table, currency_id):
    """Return the table with a column of currencies, if amounts are in others than the report's `currency_id`."""
    own = table.get('currency_id') or currency_id
    used = [row.get('currency_id') or own for row in table['rows']]
    first, *columns = table['columns']
    if {*used} <= {own} or not any(column['type'] == 'amount' for column in columns):
        return table
    return {
        **table,
        'columns': [first, {'key': '_currency', 'label': env._("Currency"), 'type': 'text', 'width': 10}, *columns],
        'rows': [{**row, 'cells': {**row['cells'], '_currency': env['res.currency'].browse(currency).name or ""}}
                 for row, currency in zip(table['rows'], used, strict=True)]}


class TableWorkbook:
    """Writes reports into an open xlsxwriter workbook; several reports may share one."""

    def __init__(self, env, workbook):
        self.env = env
        self.workbook = workbook
        self._formats = {}
        self._names = set()

    def format(self, **properties):
        """A format with these properties, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(properties)
        return self._formats[key]

    def add_report(self, report, data):
        """Write all tables of a report, each on a sheet of its own.

        :param report: model inheriting ar.table.report
        :param data: result of its `get_data`
        """
        parameters = dict(report._get_parameters(data))
        head = (report._get_title(data), parameters.get(self.env._("Companies")) or "", report._get_subtitle(data))
        for table in report._get_tables(data):
            self.add_table(head, table, data.get('currency_id'))

    def add_parameters(self, parameters):
        """A sheet of (label, value); a float is written as a number, a date as a date."""
        sheet = self.workbook.add_worksheet(self._sheet_name(self.env._("Parameters")))
        sheet.set_column(0, 0, 36)
        sheet.set_column(1, 1, 60)
        for row, (label, value) in enumerate(parameters):
            sheet.write_string(row, 0, label, self.format(bold=True))
            if isinstance(value, date):
                sheet.write_datetime(row, 1, value, self.format(num_format='yyyy-mm-dd', align='left'))
            elif isinstance(value, int | float):
                sheet.write_number(row, 1, value, self.format(num_format='#,##0.00', align='left'))
            else:
                sheet.write_string(row, 1, value or "")

    # === ONE TABLE === #

    def add_table(self, head, table, currency_id=None):
        """Write one table on a sheet of its own.

        :param head: (title, companies, parameters), texts
        :param table: see `ar.table.report._get_tables`
        :param currency_id: of amounts, where neither row nor table name one
        """
        table = name_currencies(self.env, table, currency_id)
        columns = table['columns']
        sheet = self.workbook.add_worksheet(self._sheet_name(table.get('title') or head[0]))
        for number, column in enumerate(columns):
            sheet.set_column(number, number, 40 if not number else column.get('width') or WIDTHS[column['type']])
        sheet.freeze_panes(HEAD_ROWS + 1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(HEAD_ROWS)
        title = head[0] if table.get('title') in (None, head[0]) else f"{head[0]}: {table['title']}"
        sheet.write_string(0, 0, title, self.format(bold=True, font_size=14))
        sheet.write_string(1, 0, head[1], self.format(bold=True))
        muted = self.format(font_color='#666666')
        sheet.write_string(2, 0, head[2], muted)
        sheet.write_string(3, 0, table.get('note') or "", muted)
        for number, column in enumerate(columns):
            align = {} if column['type'] in ('text', 'date') else {'align': 'right'}
            sheet.write_string(HEAD_ROWS, number, column['label'], self.format(
                bold=True, bottom=1, bg_color='#EEEEEE', text_wrap=True, valign='top', **align))
        line = HEAD_ROWS + 1
        currency_id = table.get('currency_id') or currency_id
        for row in table['rows']:
            self._write_row(sheet, line, row, columns, row.get('currency_id') or currency_id)
            line += 1
        if not table['rows']:
            sheet.write_string(line, 0, table.get('empty') or self.env._("Nothing here."), muted)
        elif all(not row.get('level') for row in table['rows'][:-1]):  # sorting would tear parts from what they are of
            last = line - 1 - (table['rows'][-1].get('level') == 'total')
            sheet.autofilter(HEAD_ROWS, 0, max(last, HEAD_ROWS + 1), len(columns) - 1)
        self._write_checks(sheet, line + 1, table, currency_id)

    def _write_row(self, sheet, line, row, columns, currency_id):
        level = row.get('level') or 0
        style = {'bold': True, 'top': 1} if level == 'total' else {}
        if level == 1:
            sheet.set_row(line, None, None, {'level': 1})
        for number, column in enumerate(columns):
            value = row['cells'].get(column['key'])
            indent = {'indent': 1} if level == 1 and not number else {}
            if value is None or value is False:
                sheet.write_blank(line, number, None, self.format(**style))
            elif column['type'] == 'text' or (column['type'] == 'date' and not is_date(value)):
                sheet.write_string(line, number, str(value), self.format(**style, **indent))
            elif column['type'] == 'date':
                sheet.write_datetime(line, number, date.fromisoformat(str(value)), self.format(
                    num_format='yyyy-mm-dd', align='left', **style))
            elif column['type'] == 'amount':
                digits = self._get_digits(currency_id)
                sheet.write_number(line, number, round(value, digits) + 0.0, self.format(
                    num_format=self._amount_format(currency_id), **style))
            else:
                number_format = NUMBER_FORMATS[column['type']]
                sheet.write_number(line, number, value, self.format(num_format=number_format, **style))

    def _write_checks(self, sheet, line, table, currency_id):
        for check in table.get('checks') or []:
            style = {} if check['ok'] else {'font_color': '#AA0000', 'bold': True}
            sheet.write_string(line, 0, check['label'], self.format(**style))
            if check.get('amount') is not None:
                own = check.get('currency_id') or currency_id
                sheet.write_number(line, 1, check['amount'], self.format(num_format=self._amount_format(own), **style))
                if own != currency_id:
                    sheet.write_string(line, 2, self.env['res.currency'].browse(own).name, self.format(**style))
            line += 1

    def _amount_format(self, currency_id):
        digits = self._get_digits(currency_id)
        return f"#,##0.{'0' * digits}" if digits else '#,##0'

    def _get_digits(self, currency_id):
        return self.env['res.currency'].browse(currency_id).decimal_places if currency_id else 2

    def _sheet_name(self, text):
        """A name Excel takes, and no other sheet has; a long one ends with a whole word."""
        base = re.sub(r"[\[\]:*?/\\]", " ", text).strip("' ") or "Sheet"
        if len(base) > TITLE_LENGTH:
            base = f"{base[:TITLE_LENGTH].rpartition(' ')[0].rstrip(' ,;-') or base[:TITLE_LENGTH - 1]}…"
        name, number = base, 2
        while name.lower() in self._names:
            suffix = f" {number}"
            name, number = base[:TITLE_LENGTH - len(suffix)] + suffix, number + 1
        self._names.add(name.lower())
        return name
