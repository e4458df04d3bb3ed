"""Customers' statements of account: what is open, or what happened in a period; as rows, PDF and XLSX.

Numbers are the ledger's, amounts in the items' own currency; words, dates and amounts in the language of the context.
Statements of many customers are read together, in as many queries as that of one. Callers of the files have checked
that the reader may see the customer's account.
"""
import io
from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_amount, format_date

from ..engine import buckets
from ..reports.ar_aging_xlsx import open_workbook

HEAD_ROWS = 4  # title, customer, company and period, blank
ROW_AMOUNTS = {'open': ('open', 'disputed', 'promised'), 'activity': ('amount', 'balance', 'disputed', 'promised')}
TABLE_AMOUNTS = {
    'open': ('total', 'overdue', 'credits', 'disputed', 'promised'), 'activity': ('opening', 'closing', 'overdue')}


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
        :return: dict, see `get_many`
        :raise AccessError: when the user may not read receivables
        :raise UserError: for an unknown kind, or a period that ends before it starts
        """
        return self.get_many(partner, company, kind, date_from, date_to)[partner.id]

    @api.model
    def get_many(self, partners, company, kind='open', date_from=None, date_to=None):
        """Return the statements of many customers, unformatted; a constant number of queries for all of them.

        :param partners: res.partner, commercial partners
        :param company: res.company
        :param str kind: see `get_data`
        :param date_from: date or ISO text, for 'activity'
        :param date_to: date or ISO text, default today in the company's time zone
        :return: dict of partner id -> {kind, date_from, date_to, partner_id, balance and overdue (in company currency),
            tables: one per currency, by its name}; a customer without anything open or posted has no tables.
            Tables of 'open': {currency_id, rows, total, overdue, credits (negative), disputed, promised, aging: [not
            due, 1-30, 31-60, 61-90, 91-120, older]}; `total` is the sum of the rows' `open`, and of `aging` and
            `credits`. Rows: {id, number, ref, kind, date, due, days, open, disputed, promised, is_credit}.
            Tables of 'activity': {currency_id, rows, opening, closing, overdue}; rows: {id, number, ref, kind, date,
            due, amount, balance, open, disputed, promised, is_credit}; opening and closing are what was open on the
            days before and at the end. `kind` of a row: invoice, credit_note, payment, entry, exchange or
            transfer (see `ar.ledger.statement_movements`)
        :raise AccessError: when the user may not read receivables
        :raise UserError: as `get_data`
        """
        ledger = self.env['ar.ledger']
        day, first = ledger._read_date(date_to) or company._ar_today(), ledger._read_date(date_from)
        if kind not in TABLE_AMOUNTS or (kind == 'activity' and not first):
            raise UserError(self.env._("There is no statement of this kind: %s", kind))
        if kind == 'open':
            first = None
        elif first > day:
            raise UserError(self.env._(
                "The statement's first day %(first)s is after its last day %(last)s.",
                first=format_date(self.env, first), last=format_date(self.env, day)))
        options = {'as_of': day, 'company_ids': company.ids, 'partner_ids': partners.ids}
        statements = {partner.id: {
            'kind': kind, 'date_from': first, 'date_to': day, 'partner_id': partner.id, 'balance': 0.0, 'overdue': 0.0,
            'tables': []} for partner in partners}
        if kind == 'open':
            self._add_open(statements, options)
        else:
            self._add_activity(statements, {**options, 'date_from': first})
        for statement in statements.values():
            for name in ('balance', 'overdue'):
                statement[name] = company.currency_id.round(statement[name])
        return statements

    def _add_open(self, statements, options):
        """Fill statements {partner id: statement} with what is open."""
        tables = {}
        for row in self.env['ar.ledger'].statement_items(options):
            partner_id, currency_id, bucket, company_open = row.pop('key')
            table = tables.get((partner_id, currency_id))
            if table is None:
                table = tables[partner_id, currency_id] = {
                    'currency_id': currency_id, 'rows': [], **dict.fromkeys(TABLE_AMOUNTS['open'], 0.0),
                    'aging': [0.0] * (len(buckets.DEFAULT_LIMITS) + 2)}
                statements[partner_id]['tables'].append(table)
            table['rows'].append(row)
            for name in ('disputed', 'promised'):
                table[name] += row[name]
            table['total'] += row['open']
            statements[partner_id]['balance'] += company_open
            if row['is_credit']:
                table['credits'] += row['open']
                continue
            table['aging'][bucket] += row['open']
            if row['days']:
                table['overdue'] += row['open']
                statements[partner_id]['overdue'] += company_open
        currencies = self._get_currencies(currency_id for _partner_id, currency_id in tables)
        for (_partner_id, currency_id), table in tables.items():
            currency = currencies[currency_id]
            table.update({name: currency.round(table[name]) for name in TABLE_AMOUNTS['open']})
            table['aging'] = [currency.round(amount) for amount in table['aging']]

    def _add_activity(self, statements, options):
        """Fill statements {partner id: statement} with what happened."""
        ledger, first = self.env['ar.ledger'], options['date_from']
        until = {name: value for name, value in options.items() if name != 'date_from'}
        openings = ledger.statement_totals({**until, 'as_of': ledger._day_before(first)})
        closings = ledger.statement_totals(until)
        moved = defaultdict(lambda: defaultdict(list))
        for row in ledger.statement_movements(options):
            moved[row.pop('partner_id')][row.pop('currency_id')].append(row)
        for partner_id, statement in statements.items():
            opening, closing, rows = openings.get(partner_id, {}), closings.get(partner_id, {}), moved[partner_id]
            for currency in self._get_currencies({*opening, *closing, *rows}).values():
                now, own = closing.get(currency.id, {}), rows[currency.id]
                balance = start = currency.round(opening.get(currency.id, {}).get('total', 0.0))
                for row in own:
                    balance = row['balance'] = currency.round(balance + row['amount'])
                statement['tables'].append({
                    'currency_id': currency.id, 'opening': start, 'rows': own,
                    'closing': currency.round(now.get('total', 0.0)),
                    'overdue': currency.round(now.get('overdue', 0.0))})
                statement['balance'] += now.get('total_company', 0.0)
                statement['overdue'] += now.get('overdue_company', 0.0)

    def _get_currencies(self, ids):
        """Return {currency id: res.currency} in the order of their names."""
        return {currency.id: currency for currency in self.env['res.currency'].browse(set(ids)).sorted('name')}

    def _get_open(self, partner, company, day):
        """Return what is open with one customer on `day`: the tables of `get_many`."""
        return self.get_data(partner, company, date_to=day)['tables']

    # === TEXT === #

    def _get_kind(self, row):
        """Return the word for a row's document. Whose account settled an item is nothing to tell another customer."""
        return {
            'invoice': self.env._("Invoice"), 'credit_note': self.env._("Credit note"),
            'payment': self.env._("Payment"), 'entry': self.env._("Entry"),
            'exchange': self.env._("Settled in another currency"),
            'transfer': self.env._("Settled from another account")}[row['kind']]

    def _get_note(self, row, currency):
        """Return what a row has to be marked with: disputed, promised or not assigned yet; with a part's amount."""
        notes = []
        for name, label in (('disputed', self.env._("Disputed")), ('promised', self.env._("Promised"))):
            if row[name]:
                is_all = currency.compare_amounts(row[name], row['open']) == 0
                notes.append(label if is_all else f"{label}: {format_amount(self.env, row[name], currency)}")
        if row['is_credit'] and row['open']:
            notes.append(self.env._("Not assigned yet"))
        return ", ".join(notes)

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

    def _get_bucket_labels(self):
        """Return the headings of `aging`."""
        limits = buckets.DEFAULT_LIMITS
        starts = [1, *(limit + 1 for limit in limits)]
        return [
            self.env._("Not due"), *(f"{start}–{limit}" for start, limit in zip(starts, limits, strict=False)),
            self.env._("over %(days)s", days=limits[-1])]

    def _get_tables(self, data):
        """Return the tables of `get_data` with dates and amounts as text, and the currency's name beside its id."""
        kind, tables = data['kind'], []
        for table in data['tables']:
            currency = self.env['res.currency'].browse(table['currency_id'])
            rows = [{
                **row, 'date': format_date(self.env, row['date']),
                'due': format_date(self.env, row['due']) if row['due'] else "",
                'kind': self._get_kind(row), 'note': self._get_note(row, currency),
                **{name: format_amount(self.env, row[name], currency) for name in ROW_AMOUNTS[kind]},
            } for row in table['rows']]
            aging = table.get('aging')
            tables.append({
                **table, 'currency': currency.name, 'rows': rows,
                'has_notes': any(row['note'] for row in rows), 'has_credits': any(row['is_credit'] for row in rows),
                'aging': aging and [
                    (label, format_amount(self.env, amount, currency))
                    for label, amount in zip(self._get_bucket_labels(), aging, strict=True)],
                **{name: format_amount(self.env, table[name], currency) for name in TABLE_AMOUNTS[kind]}})
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
        return self._get_filename(data, 'xlsx'), self._write_xlsx([(partner.name, data)], company)

    def _write_xlsx(self, sections, company):
        """Return the bytes of a workbook with the statements of one or several customers.

        :param list sections: (customer's name, data of `get_data`)
        """
        buffer = io.BytesIO()
        with open_workbook(buffer) as workbook:
            writer = StatementWorkbook(self.env, workbook, len(sections) > 1)
            for name, data in sections:
                head = (self._get_title(data), name, f"{company.name} · {self._get_period(data)}")
                for table in data['tables'] or [None]:
                    writer.add_table(head, data['kind'], table)
        return buffer.getvalue()


class StatementWorkbook:
    """Writes the tables of statements into an open xlsxwriter workbook."""

    def __init__(self, env, workbook, is_consolidated=False):
        self.env = env
        self.workbook = workbook
        self.is_consolidated = is_consolidated
        self.statement = env['ar.statement']
        self.title = workbook.add_format({'bold': True, 'font_size': 14})
        self.bold = workbook.add_format({'bold': True})
        self.head = workbook.add_format({'bold': True, 'bottom': 1, 'bg_color': '#EEEEEE'})
        self.day = workbook.add_format({'num_format': 'yyyy-mm-dd', 'align': 'left'})

    def add_table(self, head, kind, table):
        """Write a sheet: three lines of `head`, the headings, the rows, the total; no table: nothing is open."""
        currency = self.env['res.currency'].browse(table['currency_id']) if table else None
        sheet = self.workbook.add_worksheet(self._get_sheet_name(currency))
        for row, (text, style) in enumerate(zip(head, (self.title, self.bold, None), strict=True)):
            sheet.write_string(row, 0, text or "", style)
        if not table:
            sheet.write_string(HEAD_ROWS, 0, self.env._("Nothing is open."))
            return
        zeros = f".{'0' * currency.decimal_places}" if currency.decimal_places else ''
        amount = self.workbook.add_format({'num_format': f'#,##0{zeros}'})
        total = self.workbook.add_format({'num_format': f'#,##0{zeros}', 'bold': True, 'top': 1})
        write = self._write_open if kind == 'open' else self._write_activity
        write(sheet, table, currency, amount, total)
        sheet.freeze_panes(HEAD_ROWS + 1, 1)

    def _get_sheet_name(self, currency):
        """Return the currency's name; with several customers a number makes it unique."""
        name = currency.name if currency else None
        if not self.is_consolidated:
            return name
        return " ".join(filter(None, (str(len(self.workbook.worksheets()) + 1), name)))

    def _write_head(self, sheet, labels, widths):
        for column, (label, width) in enumerate(zip(labels, widths, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(HEAD_ROWS, column, label, self.head)

    def _write_days(self, sheet, row, days):
        for column, day in days:
            if day:
                sheet.write_datetime(row, column, day, self.day)

    def _write_open(self, sheet, table, currency, amount, total):
        self._write_head(sheet, (
            self.env._("Number"), self.env._("Date"), self.env._("Due date"), self.env._("Days overdue"),
            self.env._("Open amount"), self.env._("Document"), self.env._("Reference"), self.env._("Remark")),
            (24, 12, 12, 14, 16, 14, 24, 28))
        for row, item in enumerate(table['rows'], start=HEAD_ROWS + 1):
            sheet.write_string(row, 0, item['number'] or "")
            self._write_days(sheet, row, ((1, item['date']), (2, item['due'])))
            sheet.write_number(row, 3, item['days'])
            sheet.write_number(row, 4, item['open'], amount)
            self._write_texts(sheet, row, 5, item, currency)
        row = HEAD_ROWS + 1 + len(table['rows'])
        sheet.write_string(row, 0, self.env._("Total"), total)
        sheet.write_formula(row, 4, f'=SUM(E{HEAD_ROWS + 2}:E{row})', total, table['total'])

    def _write_texts(self, sheet, row, column, item, currency):
        """Write what a row is, its reference and its remark, from a column on."""
        texts = (self.statement._get_kind(item), item['ref'], self.statement._get_note(item, currency))
        for number, text in enumerate(texts, start=column):
            sheet.write_string(row, number, text or "")

    def _write_activity(self, sheet, table, currency, amount, total):
        self._write_head(sheet, (
            self.env._("Date"), self.env._("Due date"), self.env._("Number"), self.env._("Amount"),
            self.env._("Balance"), self.env._("Document"), self.env._("Reference"), self.env._("Remark")),
            (12, 12, 24, 16, 16, 24, 24, 28))
        first = HEAD_ROWS + 1
        sheet.write_string(first, 2, self.env._("Balance before"), self.bold)
        sheet.write_number(first, 4, table['opening'], amount)
        for row, item in enumerate(table['rows'], start=first + 1):
            self._write_days(sheet, row, ((0, item['date']), (1, item['due'])))
            sheet.write_string(row, 2, item['number'] or "")
            sheet.write_number(row, 3, item['amount'], amount)
            sheet.write_number(row, 4, item['balance'], amount)
            self._write_texts(sheet, row, 5, item, currency)
        last = first + 1 + len(table['rows'])
        sheet.write_string(last, 2, self.env._("Balance"), total)
        sheet.write_number(last, 4, table['closing'], total)


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
