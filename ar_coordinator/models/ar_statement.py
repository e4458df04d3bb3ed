"""A customer's statement of account: what is open, or what happened in a period; as rows, PDF and XLSX.

Numbers are the ledger's, amounts in the items' own currency; words, dates and amounts in the language of the context.
Callers have checked that the reader may see the customer's account.
"""
import io

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_amount, format_date

from ..reports.ar_aging_xlsx import open_workbook

HEAD_ROWS = 4  # title, customer, company and period, blank


class ArStatement(models.AbstractModel):
    _name = 'ar.statement'
    _description = "Statement of Account"

    # === DATA === #

    @api.model
    def get_data(self, partner, company, kind='open', date_from=None, date_to=None):
        """Return a statement, unformatted.

        :param partner: res.partner, a commercial partner
        :param company: res.company
        :param str kind: 'open' (open items as of `date_to`) or 'activity' (movements from `date_from` to `date_to`)
        :param date_from: date, for 'activity'
        :param date_to: date, default today in the company's time zone
        :return: dict: kind, date_from, date_to, tables (list of {currency_id, rows, total} as `_get_open`, or
            {currency_id, opening, rows, closing} as `_get_activity`)
        :raise UserError: for an unknown kind, or a period that ends before it starts
        """
        day = date_to or company._ar_today()
        if kind == 'open':
            return {'kind': kind, 'date_from': None, 'date_to': day, 'tables': self._get_open(partner, company, day)}
        if kind != 'activity' or not date_from:
            raise UserError(self.env._("There is no statement of this kind: %s", kind))
        if date_from > day:
            raise UserError(self.env._(
                "The statement's first day %(first)s is after its last day %(last)s.",
                first=format_date(self.env, date_from), last=format_date(self.env, day)))
        return {
            'kind': kind, 'date_from': date_from, 'date_to': day,
            'tables': self._get_activity(partner, company, date_from, day)}

    def _get_open(self, partner, company, day):
        """Return everything that is open with the customer on `day`, by currency and due date.

        :return: list of {currency_id, rows: [{number, date, due, days, open}], total}; credits are negative
        """
        rows = self.env['ar.ledger'].open_items({
            'as_of': day, 'company_ids': company.ids, 'partner_ids': partner.ids})
        groups = {}
        for row in sorted(rows, key=lambda row: (row['age_date'], row['id'])):
            group = groups.setdefault(row['currency_id'], {'currency_id': row['currency_id'], 'rows': [], 'total': 0.0})
            group['rows'].append({
                'number': row['move_name'], 'date': row['invoice_date'] or row['date'], 'due': row['age_date'],
                'days': max(row['days'], 0), 'open': row['residual_currency']})
            group['total'] += row['residual_currency']
        currencies = self.env['res.currency'].browse(groups)
        for currency in currencies:
            groups[currency.id]['total'] = currency.round(groups[currency.id]['total'])
        return [groups[currency.id] for currency in currencies.sorted('name')]

    def _get_activity(self, partner, company, date_from, date_to):
        """Return what was posted in the period, by currency and date.

        :return: list of {currency_id, opening, closing, rows: [{number, kind, date, due, amount, balance}]}
        """
        tables = self.env['ar.ledger'].customer_movements({
            'as_of': date_to, 'date_from': date_from, 'company_ids': company.ids, 'partner_ids': partner.ids})
        for table in tables:
            currency, balance = self.env['res.currency'].browse(table['currency_id']), table['opening']
            for number, row in enumerate(table['rows']):
                balance = currency.round(balance + row['amount'])
                table['rows'][number] = {
                    'number': row['move_name'], 'kind': self._get_kind(row), 'date': row['date'], 'due': row['due'],
                    'amount': row['amount'], 'balance': balance}
        return tables

    def _get_kind(self, row):
        """Return the word for a row's document: Invoice, Credit note, Payment or Entry."""
        if row['move_type'] in ('out_invoice', 'out_receipt'):
            return self.env._("Invoice")
        if row['move_type'] == 'out_refund':
            return self.env._("Credit note")
        return self.env._("Payment") if row['payment_id'] else self.env._("Entry")

    # === TEXT === #

    def _get_title(self, data):
        """Return the statement's title."""
        return self.env._("Statement of account") if data['kind'] == 'open' else self.env._("Account activity")

    def _get_period(self, data):
        """Return the words for the statement's day or period."""
        if data['kind'] == 'open':
            return format_date(self.env, data['date_to'])
        return self.env._(
            "%(first)s to %(last)s",
            first=format_date(self.env, data['date_from']), last=format_date(self.env, data['date_to']))

    def _get_filename(self, data, extension):
        """Return the file's name, in the language of the context."""
        if data['kind'] == 'open':
            return self.env._("Statement %(day)s", day=data['date_to']) + f'.{extension}'
        return self.env._(
            "Account activity %(first)s to %(last)s", first=data['date_from'], last=data['date_to']) + f'.{extension}'

    def _get_tables(self, data):
        """Return the tables of `get_data` with dates and amounts as text, and the currency's name beside its id."""
        numbers = {'open': ('open',), 'activity': ('amount', 'balance')}[data['kind']]
        totals = {'open': ('total',), 'activity': ('opening', 'closing')}[data['kind']]
        tables = []
        for table in data['tables']:
            currency = self.env['res.currency'].browse(table['currency_id'])
            rows = [{
                **row, 'date': format_date(self.env, row['date']), 'due': format_date(self.env, row['due']),
                **{name: format_amount(self.env, row[name], currency) for name in numbers},
            } for row in table['rows']]
            tables.append({
                **table, 'currency': currency.name, 'rows': rows,
                **{name: format_amount(self.env, table[name], currency) for name in totals}})
        return tables

    # === FILES === #

    @api.model
    def get_pdf(self, partner, company, kind='open', date_from=None, date_to=None):
        """Return the statement as a PDF.

        :return: (file name, bytes)
        :raise UserError: as `get_data`
        """
        data = self.get_data(partner, company, kind, date_from, date_to)
        content, _type = self.env['ir.actions.report']._render_qweb_pdf(
            'ar_coordinator.action_report_ar_statement', partner.ids, data={'statement': data, 'company': company})
        return self._get_filename(data, 'pdf'), content

    @api.model
    def get_xlsx(self, partner, company, kind='open', date_from=None, date_to=None):
        """Return the statement as an XLSX file, one sheet per currency; cells are numbers and dates.

        :return: (file name, bytes)
        :raise UserError: as `get_data`
        """
        data = self.get_data(partner, company, kind, date_from, date_to)
        buffer = io.BytesIO()
        with open_workbook(buffer) as workbook:
            writer = StatementWorkbook(self.env, workbook, data)
            head = (self._get_title(data), partner.name, f"{company.name} · {self._get_period(data)}")
            for table in data['tables'] or [None]:
                writer.add_table(head, table)
        return self._get_filename(data, 'xlsx'), buffer.getvalue()


class StatementWorkbook:
    """Writes the tables of one statement into an open xlsxwriter workbook."""

    def __init__(self, env, workbook, data):
        self.env = env
        self.workbook = workbook
        self.data = data
        self.title = workbook.add_format({'bold': True, 'font_size': 14})
        self.bold = workbook.add_format({'bold': True})
        self.head = workbook.add_format({'bold': True, 'bottom': 1, 'bg_color': '#EEEEEE'})
        self.day = workbook.add_format({'num_format': 'yyyy-mm-dd', 'align': 'left'})

    def add_table(self, head, table):
        """Write a sheet: three lines of `head`, the headings, the rows, the total; no table: nothing is open."""
        currency = self.env['res.currency'].browse(table['currency_id']) if table else None
        sheet = self.workbook.add_worksheet(currency.name if table else None)
        for row, (text, style) in enumerate(zip(head, (self.title, self.bold, None), strict=True)):
            sheet.write_string(row, 0, text or "", style)
        if not table:
            sheet.write_string(HEAD_ROWS, 0, self.env._("Nothing is open."))
            return
        zeros = f".{'0' * currency.decimal_places}" if currency.decimal_places else ''
        amount = self.workbook.add_format({'num_format': f'#,##0{zeros}'})
        total = self.workbook.add_format({'num_format': f'#,##0{zeros}', 'bold': True, 'top': 1})
        write = self._write_open if self.data['kind'] == 'open' else self._write_activity
        write(sheet, table, amount, total)
        sheet.freeze_panes(HEAD_ROWS + 1, 1)

    def _write_head(self, sheet, labels, widths):
        for column, (label, width) in enumerate(zip(labels, widths, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(HEAD_ROWS, column, label, self.head)

    def _write_days(self, sheet, row, days):
        for column, day in days:
            if day:
                sheet.write_datetime(row, column, day, self.day)

    def _write_open(self, sheet, table, amount, total):
        self._write_head(sheet, (
            self.env._("Number"), self.env._("Date"), self.env._("Due date"), self.env._("Days overdue"),
            self.env._("Open amount")), (24, 12, 12, 14, 16))
        for row, item in enumerate(table['rows'], start=HEAD_ROWS + 1):
            sheet.write_string(row, 0, item['number'] or "")
            self._write_days(sheet, row, ((1, item['date']), (2, item['due'])))
            sheet.write_number(row, 3, item['days'])
            sheet.write_number(row, 4, item['open'], amount)
        row = HEAD_ROWS + 1 + len(table['rows'])
        sheet.write_string(row, 0, self.env._("Total"), total)
        sheet.write_formula(row, 4, f'=SUM(E{HEAD_ROWS + 2}:E{row})', total, table['total'])

    def _write_activity(self, sheet, table, amount, total):
        self._write_head(sheet, (
            self.env._("Date"), self.env._("Document"), self.env._("Number"), self.env._("Due date"),
            self.env._("Amount"), self.env._("Balance")), (12, 14, 24, 12, 16, 16))
        first = HEAD_ROWS + 1
        sheet.write_string(first, 2, self.env._("Balance before"), self.bold)
        sheet.write_number(first, 5, table['opening'], amount)
        for row, item in enumerate(table['rows'], start=first + 1):
            self._write_days(sheet, row, ((0, item['date']), (3, item['due'])))
            sheet.write_string(row, 1, item['kind'])
            sheet.write_string(row, 2, item['number'] or "")
            sheet.write_number(row, 4, item['amount'], amount)
            sheet.write_number(row, 5, item['balance'], amount)
        last = first + 1 + len(table['rows'])
        sheet.write_string(last, 2, self.env._("Balance"), total)
        sheet.write_number(last, 5, table['closing'], total)


class ReportArStatement(models.AbstractModel):
    _name = 'report.ar_coordinator.report_ar_statement'
    _description = "Statement of Account: PDF"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template shows: the statement's words and tables, in the language of the context.

        :param data: {statement: `ar.statement.get_data`, company: res.company}
        """
        statement, data = self.env['ar.statement'], data or {}
        return {
            'doc_ids': docids,
            'partner': self.env['res.partner'].browse(docids),
            'company': data['company'],
            'kind': data['statement']['kind'],
            'period': statement._get_period(data['statement']),
            'tables': statement._get_tables(data['statement']),
        }
