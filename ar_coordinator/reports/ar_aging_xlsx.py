"""Aged receivables as a workbook: the table of `get_data`, the open items behind it, and how it was made.

Cells are typed (numbers, dates, text), totals are formulas with their value stored beside them (readers that do not
calculate show them too), and no text can become a formula. Rows are written to disk as they come (constant_memory).
"""
from datetime import date

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range

HEAD_ROWS = 4  # title, companies, basis, blank
ITEMS_PER_SHEET = 1_000_000  # Excel ends at 1,048,576 rows and xlsxwriter drops what lies behind
TITLE_LENGTH = 31  # longest name of a sheet


def open_workbook(buffer):
    """An xlsxwriter workbook writing into `buffer`, in which a text stays a text."""
    return Workbook(buffer, {
        'constant_memory': True, 'strings_to_formulas': False, 'strings_to_urls': False, 'strings_to_numbers': False})


class AgingWorkbook:
    """Writes one report into an open xlsxwriter workbook; rows strictly from top to bottom (constant_memory)."""

    def __init__(self, env, workbook, data, companies):
        self.env = env
        self.workbook = workbook
        self.data = data
        self.companies = companies
        self.currency = env['res.currency'].browse(data['currency_id'])
        self.title = workbook.add_format({'bold': True, 'font_size': 14})
        self.muted = workbook.add_format({'font_color': '#666666'})
        self.bold = workbook.add_format({'bold': True})
        head = {'bold': True, 'bottom': 1, 'bg_color': '#EEEEEE', 'text_wrap': True, 'valign': 'top'}
        self.head = workbook.add_format(head)
        self.head_number = workbook.add_format({**head, 'align': 'right'})
        self.total_label = workbook.add_format({'bold': True, 'top': 1})
        self.day = workbook.add_format({'num_format': 'yyyy-mm-dd', 'align': 'left'})
        self._amounts, self._names = {}, {}
        self._sums = [0.0, 0.0]  # open and disputed on the current sheet of items

    def amount_format(self, currency, total=False):
        """Number format with the decimals of `currency`, cached."""
        key = (currency.decimal_places, total)
        if key not in self._amounts:
            zeros = f".{'0' * currency.decimal_places}" if currency.decimal_places else ''
            style = {'num_format': f'#,##0{zeros}'}
            if total:
                style.update(bold=True, top=1)
            self._amounts[key] = self.workbook.add_format(style)
        return self._amounts[key]

    def number_format(self, number_format, total=False):
        """Format of what is no amount, cached."""
        key = (number_format, total)
        if key not in self._amounts:
            style = {'bold': True, 'top': 1} if total else {}
            self._amounts[key] = self.workbook.add_format({'num_format': number_format, **style})
        return self._amounts[key]

    def add_sheet(self, name, widths, head_rows):
        """A sheet with columns of `widths`, everything down to the row `head_rows` (the headings) frozen."""
        sheet = self.workbook.add_worksheet(name[:TITLE_LENGTH])
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(head_rows + 1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(head_rows)
        return sheet

    def write_head(self, sheet, row, text_labels, number_labels):
        for column, label in enumerate(text_labels):
            sheet.write_string(row, column, label, self.head)
        for column, label in enumerate(number_labels, start=len(text_labels)):
            sheet.write_string(row, column, label, self.head_number)

    def write_total(self, sheet, row, column, first_row, value, currency, is_count=False):
        """SUM of the column from `first_row` to the row above, with its value."""
        cells = xl_range(first_row, column, row - 1, column)
        style = self.total_label if is_count else self.amount_format(currency, total=True)
        sheet.write_formula(row, column, f'=SUM({cells})', style, value)

    # === SHEETS === #

    def add_table(self, subtitle, lines):
        """The rows of get_data with what is unfolded of them, and their totals.

        :param lines: see `ar.aging.report._file_lines`
        """
        data, report = self.data, self.env['ar.aging.report']
        columns = data['columns']
        in_document = data['amounts_in'] == 'document'
        texts = [report._aging_group_label(data), *([self.env._("Currency")] if in_document else [])]
        first_column = len(texts)
        sheet = self.add_sheet(
            self.env._("Aged Receivables"), [40, *[9] * in_document, *[14] * len(columns)], HEAD_ROWS)
        sheet.write_string(0, 0, self.env._("Aged Receivables"), self.title)
        sheet.write_string(1, 0, ", ".join(self.companies.mapped('name')), self.bold)
        sheet.write_string(2, 0, subtitle, self.muted)
        self.write_head(sheet, HEAD_ROWS, texts, [column['label'] for column in columns])

        cells_of_total = self._cells_of_total([column['key'] for column in columns], first_column)
        row, is_flat = HEAD_ROWS + 1, not in_document
        for level, label, currency, values in lines:
            if level:
                is_flat = False
                sheet.set_row(row, None, None, {'level': level})
            sheet.write_string(row, 0, label, self._name_format(level))
            if in_document:
                sheet.write_string(row, 1, currency.name)
            for number, column in enumerate(columns, start=first_column):
                value = values.get(column['key'])
                if column['key'] == 'total' and cells_of_total and not level:
                    cells = xl_range(row, cells_of_total[0], row, cells_of_total[1])
                    sheet.write_formula(row, number, f'=SUM({cells})', self.amount_format(currency), value)
                else:
                    self._write_value(sheet, row, number, value, column['type'], currency)
            row += 1
        sheet.autofilter(HEAD_ROWS, 0, max(row - 1, HEAD_ROWS), first_column + len(columns) - 1)
        if data['rows']:
            self._write_totals(sheet, row, columns, first_column, is_flat)

    def _cells_of_total(self, keys, first_column):
        """(first, last) column of what the total is the sum of, where these columns are all there and in a row."""
        parts = [*(bucket['key'] for bucket in self.data['buckets']), 'unapplied']
        if parts[0] not in keys or 'total' not in keys:
            return None
        start = keys.index(parts[0])
        if keys[start:start + len(parts)] != parts or keys.index('total') < start:
            return None
        return first_column + start, first_column + start + len(parts) - 1

    def _name_format(self, level):
        if level not in self._names:
            self._names[level] = self.workbook.add_format({'indent': level})
        return self._names[level]

    def _write_value(self, sheet, row, column, value, kind, currency, total=False):
        """A typed cell; empty for what does not apply."""
        if value is None:
            return
        if kind == 'date':
            sheet.write_datetime(row, column, date.fromisoformat(value), self.day)
        elif kind == 'amount':
            sheet.write_number(row, column, value, self.amount_format(currency, total=total))
        else:
            number_format = '0" %"' if kind == 'percent' else '0.0' if isinstance(value, float) else '#,##0'
            sheet.write_number(row, column, value, self.number_format(number_format, total))

    def _write_totals(self, sheet, row, columns, first_column, is_flat):
        """Totals; formulas where the rows above are what adds up."""
        for currency, values in self.env['ar.aging.report']._total_lines(self.data):
            sheet.write_string(row, 0, self.env._("Total"), self.total_label)
            if first_column > 1:
                sheet.write_string(row, 1, currency.name, self.total_label)
            for number, column in enumerate(columns, start=first_column):
                value = values[column['key']]
                if is_flat and value is not None and column['type'] in ('amount', 'integer'):
                    self.write_total(sheet, row, number, HEAD_ROWS + 1, value, currency, column['type'] == 'integer')
                else:
                    self._write_value(sheet, row, number, value, column['type'], currency, total=True)
            row += 1

    def add_items(self, items):
        """The open items, on as many sheets as they need."""
        sheet, row_number, number = None, 0, 0
        for item in items:
            if sheet is None or row_number > ITEMS_PER_SHEET:
                if sheet is not None:
                    self._finish_items(sheet, row_number)
                number += 1
                sheet, row_number = self._items_sheet(number), 1
                self._sums = [0.0, 0.0]
            self._write_item(sheet, row_number, item)
            row_number += 1
        if sheet is None:
            self._items_sheet(1)
        else:
            self._finish_items(sheet, row_number)

    def _items_sheet(self, number):
        name = self.env._("Open Items") if number == 1 else self.env._("Open Items %s", number)
        sheet = self.add_sheet(name, [32, 22, 24, 20, 12, 12, 12, 16, 10, 9, 14, 14, 9, 14, 14], 0)
        texts = [
            self.env._("Customer"), self.env._("Document"), self.env._("Reference"), self.env._("Company"),
            self.env._("Accounting date"), self.env._("Invoice date"), self.env._("Due date"), self.env._("Bucket")]
        numbers = [
            self.env._("Days"), self.env._("Currency"), self.env._("Open in currency"),
            self.env._("Disputed in currency"), self.env._("Company currency"), self.env._("Open"),
            self.env._("Disputed")]
        self.write_head(sheet, 0, texts, numbers)
        return sheet

    def _write_item(self, sheet, row, item):
        currencies = self.env['res.currency']
        own, books = currencies.browse(item['currency_id']), currencies.browse(item['company_currency_id'])
        company = self.env['res.company'].browse(item['company_id'])
        for column, text in enumerate((item['partner_name'], item['move_name'], item['ref'], company.name)):
            sheet.write_string(row, column, text or "")
        for column, day in enumerate((item['date'], item['invoice_date'], item['date_maturity']), start=4):
            if day:
                sheet.write_datetime(row, column, day, self.day)
        is_credit = item['residual'] < 0
        label = self.env._("Unapplied credits") if is_credit else self.data['buckets'][item['bucket']]['label']
        sheet.write_string(row, 7, label)
        sheet.write_number(row, 8, item['days'])
        sheet.write_string(row, 9, own.name)
        sheet.write_number(row, 10, item['residual_currency'], self.amount_format(own))
        sheet.write_number(row, 11, item['disputed_currency'], self.amount_format(own))
        sheet.write_string(row, 12, books.name)
        sheet.write_number(row, 13, item['residual'], self.amount_format(books))
        sheet.write_number(row, 14, item['disputed'], self.amount_format(books))
        self._sums[0] += item['residual']
        self._sums[1] += item['disputed']

    def _finish_items(self, sheet, row):
        """Filter and, where all amounts are in one currency, totals."""
        sheet.autofilter(0, 0, row - 1, 14)
        if len(self.companies.currency_id) > 1:
            return
        sheet.write_string(row, 0, self.env._("Total"), self.total_label)
        for column, value in zip((13, 14), self._sums, strict=True):
            self.write_total(sheet, row, column, 1, self.currency.round(value), self.currency)

    def add_parameters(self, parameters):
        """How the report was made, and whether it agrees with the ledger."""
        sheet = self.workbook.add_worksheet(self.env._("Parameters")[:TITLE_LENGTH])
        sheet.set_column(0, 0, 36)
        sheet.set_column(1, 1, 60)
        amount = self.amount_format(self.currency)
        left = self.workbook.add_format({'align': 'left', 'num_format': amount.num_format})
        for row, (label, value) in enumerate(parameters):
            sheet.write_string(row, 0, label, self.bold)
            if isinstance(value, date):
                sheet.write_datetime(row, 1, value, self.day)
            elif isinstance(value, float):
                sheet.write_number(row, 1, value, left)
            else:
                sheet.write_string(row, 1, value or "")
