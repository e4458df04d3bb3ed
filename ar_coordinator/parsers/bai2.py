"""Reads BAI2 cash management files with the library bai2, one by one: a bad transaction does not hide the others.

The totals are added up here and not by the library, which would refuse the whole file at the first that disagrees.
"""
import re
from datetime import datetime

from .base import (
    MAX_RAW,
    BankFile,
    Check,
    Entry,
    Problem,
    Refused,
    Statement,
    Unreadable,
    check_balance,
    check_day,
    decode,
    load_library,
    one_line,
    own_reference,
    read_minor,
)

FILE, GROUP, ACCOUNT, TRANSACTION, END_ACCOUNT, CONTINUED, END_GROUP, END_FILE = (
    '01', '02', '03', '16', '49', '88', '98', '99')
OPENING, CLOSING = '010', '015'
PAYER = re.compile(r'(?:ORIG CO NAME|ORIGINATOR|BY ORDER OF|ORDERING PARTY|SENDER|REMITTER)[:=] ?'
                   r'([^/;,]+?)(?= (?:CO ENTRY DESCR|ORIG ID|DESC DATE|[A-Z]+)[:=]|[/;,]|$)', re.IGNORECASE)
MINIMAL = ('01,X,Y,260101,0000,1,,,2/', '49,0,0/', '98,0,1,0/', '99,0,1,0/')


def read(data):
    """Return the `BankFile` in the bytes.

    :raise Unreadable: without the library, when it is no BAI2 file, or its records are not in order
    """
    library = load_library('bai2.bai2', 'bai2')
    records = _records(decode(data))
    reader = _Reader(library)
    for code, rows in records:
        reader.take(code, rows)
    return BankFile('bai2', reader.finish())


def _records(text):
    """Return [(code, [lines])]: continuations belong to the record they continue."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        code = line[:2]
        if not found and code != FILE:
            raise Unreadable('bai2')
        if code == CONTINUED:
            found[-1][1].append(line)
        elif line[2:3] not in (',', '/', ''):
            raise Unreadable('bai2_record', record=one_line(line, 60))
        else:
            found.append((code, [line]))
    return found


def _fields(rows):
    return rows[0].rstrip('/').split(',')


def _number(text):
    text = (text or '').strip().rstrip('/')
    return int(text) if re.fullmatch(r'[+-]?\d{1,17}', text) else None


class _Reader:
    """Takes the records one after the other; counts and adds up as it goes."""

    def __init__(self, bai2):
        self.bai2 = bai2
        self.statements, self.checks = [], []
        self.rows = {'file': 0, 'group': 0, 'account': 0}
        self.totals = {'file': 0, 'group': 0, 'account': 0}
        self.children = {'file': 0, 'group': 0}
        self.group = None  # its fields
        self.statement = None
        self.header = ''
        self.ended = False
        self.deleted = False

    def take(self, code, rows):
        for level in self.rows:
            self.rows[level] += len(rows)
        step = {
            FILE: self._file, GROUP: self._group, ACCOUNT: self._account, TRANSACTION: self._transaction,
            END_ACCOUNT: self._end_account, END_GROUP: self._end_group, END_FILE: self._end_file}.get(code)
        if step is None:
            raise Unreadable('bai2_record', record=one_line(rows[0], 60))
        step(rows)

    def finish(self):
        if not self.ended:
            raise Unreadable('truncated')
        if not self.statements:
            raise Unreadable('bai2')
        self.statements[0].checks += self.checks
        return self.statements

    def _file(self, rows):
        version = _fields(rows)[8:9]
        if version and version[0].strip() not in ('2', ''):
            raise Unreadable('bai2_version', version=version[0][:5])

    def _group(self, rows):
        self.rows['group'] = len(rows)
        self.totals['group'] = self.children['group'] = 0
        self.group = _fields(rows) + [''] * 8
        self.deleted = self.group[3] in ('2', '4')  # a deletion, a test

    def _account(self, rows):
        if self.group is None:
            raise Unreadable('bai2_record', record=one_line(rows[0], 60))
        self.rows['account'], self.totals['account'] = len(rows), 0
        head = _fields(rows) + ['', '', '']
        self.statement = Statement(
            account=one_line(head[1]), currency=(head[2] or self.group[6] or 'USD')[:3].upper(), name=self.group[4])
        self.header = f'02,{self.group[1]},{self.group[2]},1,{self.group[4]},,{self.statement.currency},/'
        self.statements.append(self.statement)
        try:
            account = self._parse([*rows, MINIMAL[1]])
        except Unreadable:
            self.checks.append(Check('bai2_header', one_line(rows[0], 60), '', {'account': self.statement.account}))
            return
        for summary in account.header.summary_items:
            self.totals['account'] += summary.amount or 0
            if summary.type_code and summary.amount is not None:
                figure = read_minor(str(summary.amount), self.statement.currency)
                if summary.type_code.code == OPENING:
                    self.statement.opening = figure
                elif summary.type_code.code == CLOSING:
                    self.statement.closing = figure

    def _parse(self, rows):
        """Return the account the library reads in these rows."""
        try:
            parsed = self.bai2.parse_from_lines(
                [MINIMAL[0], self.header, *rows, MINIMAL[2], MINIMAL[3]], check_integrity=False)
            return parsed.children[0].children[0]
        except Exception as error:  # its own exceptions, and whatever a broken record makes it raise
            raise Unreadable('bai2_line', detail=one_line(str(error), 120)) from error

    def _transaction(self, rows):
        if self.statement is None:
            raise Unreadable('bai2_record', record=one_line(rows[0], 60))
        raw = '\n'.join(rows)[:MAX_RAW]
        self.totals['account'] += _number((_fields(rows) + ['', ''])[2]) or 0
        if self.deleted:
            self.statement.entries.append(Entry(raw=raw, is_pending=True, text=one_line(rows[0], 80)))
            return
        try:
            account = f'03,{self.statement.account or 0},{self.statement.currency},,,,/'
            parsed = self._parse([account, *rows, MINIMAL[1]])
            entry = self._entry(parsed.children[0], raw)
        except Unreadable as error:
            entry = Entry(raw=raw, problem=Problem('bai2_line', error.params))
        except Refused as refused:
            entry = Entry(raw=raw, problem=refused.problem)
        if entry:
            self.statement.entries.append(entry)

    def _entry(self, detail, raw):
        direction = detail.type_code.transaction
        if direction is None or direction.value == 'misc' or detail.type_code.level.value == 'status':
            if detail.amount:
                raise Refused('bai2_type', type=detail.type_code.code)
            return None  # a message without money
        if detail.amount is None:
            raise Refused('missing', what="amount")
        amount = read_minor(str(detail.amount), self.statement.currency)
        if amount < 0:
            raise Refused('amount', value=str(amount))
        amount = amount if direction.value == 'credit' else -amount
        text = one_line(detail.text, 1_000)
        payer = PAYER.search(text)
        day = self._day()
        valued = (detail.availability or {}).get('date')
        entry = Entry(
            raw=raw, amount=amount, currency=self.statement.currency, date=day, value_date=valued or day,
            bank_reference=own_reference(detail.bank_reference), payer=one_line(payer[1]) if payer else '',
            end_to_end=own_reference(detail.customer_reference), text=text or detail.type_code.description)
        entry.batch_reference, entry.batch_amount = entry.bank_reference, amount
        return entry

    def _day(self):
        try:
            return check_day(datetime.strptime(self.group[4].strip(), '%y%m%d').date())
        except ValueError as error:
            raise Refused('date', value=self.group[4][:40]) from error

    def _end_account(self, rows):
        if self.statement is None:
            raise Unreadable('bai2_record', record=one_line(rows[0], 60))
        self._compare('account', rows, rows_at=2)
        check_balance(self.statement)
        self.totals['group'] += self.totals['account']
        self.children['group'] += 1
        self.statement = None

    def _end_group(self, rows):
        if self.group is None or self.statement is not None:
            raise Unreadable('bai2_record', record=one_line(rows[0], 60))
        self._compare('group', rows, rows_at=3, children_at=2)
        self.totals['file'] += self.totals['group']
        self.children['file'] += 1
        self.group = None

    def _end_file(self, rows):
        if self.group is not None:
            raise Unreadable('truncated')
        self._compare('file', rows, rows_at=3, children_at=2)
        self.ended = True

    def _compare(self, level, rows, rows_at, children_at=None):
        """Note what a trailer says and what was found."""
        fields = _fields(rows) + [''] * 4
        where = {'level': level, 'account': self.statement.account if self.statement else ''}
        self.checks.append(Check('bai2_total', _number(fields[1]), self.totals[level], where))
        self.checks.append(Check('bai2_records', _number(fields[rows_at]), self.rows[level], where))
        if children_at:
            self.checks.append(Check('bai2_parts', _number(fields[children_at]), self.children[level], where))


