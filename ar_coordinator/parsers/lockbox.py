"""Reads BAI2 lockbox files: fixed positions, one cheque per record 6, the documents it pays in its records 4.

Positions as in the BAI's format of 1987 and as SAP, Oracle and NetSuite read it by default (counted from 1):

    5  batch 2-4, lockbox 8-14, deposit date 15-20
    6  batch 2-4, item 5-7, amount 8-17, routing number 18-26 (or 18-25), account and cheque number ten each behind it,
       then the payer's name if the bank writes one
    4  batch 2-4, item 5-7, document 12-27, paid 28-37, deduction 38-47, reason 48-50
    7  batch: count 21-23, total 24-33     8  lockbox: count 21-24, total 25-34     9  records 2-7

There is no library for it on PyPI. Amounts have two decimals and no mark.
"""
import re
from datetime import datetime
from decimal import Decimal

from .base import (
    MAX_RAW,
    BankFile,
    Check,
    Entry,
    Problem,
    Refused,
    Remitted,
    Statement,
    Unreadable,
    check_day,
    decode,
    one_line,
    read_minor,
)

CURRENCY = 'USD'


def looks_like(text):
    """Say whether the lines are a lockbox file's.

    >>> looks_like("100 5555555550987654321260305 0900\\n5001000123456726030") or looks_like("a,b")
    False
    """
    kinds = [line[:1] for line in text.splitlines() if line.strip()]
    return bool(kinds) and kinds[0] == '1' and {'5', '6'} <= set(kinds) and set(kinds) <= set('12456789')


def read(data):
    """Return the `BankFile` in the bytes: a statement per lockbox.

    :raise Unreadable: when it is none, or its end is missing
    """
    lines = [line.rstrip('\r') for line in decode(data).split('\n') if line.strip()]
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        reader.take(number, line)
    if not reader.statements or not reader.ended:
        raise Unreadable('truncated' if reader.statements else 'lockbox')
    return BankFile('lockbox', list(reader.statements.values()))


def _is_routing(text):
    """Say whether nine digits are an American bank's routing number.

    >>> _is_routing("021000021"), _is_routing("021000022")
    (True, False)
    """
    return bool(re.fullmatch(r'\d{9}', text)) and sum(
        weight * int(digit) for weight, digit in zip((3, 7, 1) * 3, text, strict=True)) % 10 == 0


class _Reader:
    def __init__(self):
        self.statements = {}
        self.lockbox, self.day = '', None
        self.batch = []  # entries since the last batch total
        self.counted = self.seen = 0
        self.ended = False

    def take(self, number, line):
        step = {'5': self._head, '6': self._cheque, '4': self._document, '7': self._batch, '8': self._total,
                '9': self._end}.get(line[0])
        self.seen = number
        if step:
            step(line)

    def _statement(self):
        if self.lockbox not in self.statements:
            self.statements[self.lockbox] = Statement(
                lockbox=self.lockbox, currency=CURRENCY, name=str(self.day or ''))
        return self.statements[self.lockbox]

    def _head(self, line):
        self.lockbox = one_line(line[7:14])
        try:
            self.day = check_day(datetime.strptime(line[14:20], '%y%m%d').date())
        except (ValueError, Refused):
            self.day = None

    def _cheque(self, line):
        entry = Entry(raw=line[:MAX_RAW], currency=CURRENCY, date=self.day, value_date=self.day)
        try:
            if self.day is None:
                raise Refused('date', value="")
            entry.amount = read_minor(line[7:17], CURRENCY)
            start = 26 if _is_routing(line[17:26]) else 25
            routing, account, cheque = (
                one_line(line[17:start]), one_line(line[start:start + 10]), one_line(line[start + 10:start + 20]))
            entry.account = f'{routing} {account}'.strip()
            entry.end_to_end = cheque.lstrip('0')
            entry.payer = one_line(line[start + 20:])
            entry.bank_reference = f'{self.lockbox}/{self.day:%y%m%d}/{one_line(line[1:7])}/{entry.end_to_end}'
            entry.batch_reference, entry.batch_amount = entry.bank_reference, entry.amount
            entry.text = f'{entry.end_to_end}'
        except Refused as refused:
            entry.problem = refused.problem
        self._statement().entries.append(entry)
        self.batch.append(entry)

    def _document(self, line):
        if not self.batch:
            return
        entry = self.batch[-1]
        try:
            paid, taken = line[27:37].strip(), line[37:47].strip()
            entry.remitted.append(Remitted(
                number=one_line(line[11:27]), amount=read_minor(paid, CURRENCY) if paid else None,
                deduction=(read_minor(taken, CURRENCY) if taken else None) or None, reason=one_line(line[47:50])))
            entry.text = one_line(f'{entry.text} {line[11:27]}', 1_000)
        except Refused as refused:
            entry.problem = entry.problem or Problem('lockbox_document', refused.problem.params)
        entry.raw = f'{entry.raw}\n{line}'[:MAX_RAW]

    def _compare(self, entries, count, total, level):
        found = sum((entry.amount for entry in entries if entry.amount is not None), Decimal(0))
        checks = self._statement().checks
        checks.append(Check('lockbox_count', _number(count), len(entries), {'level': level, 'name': self.lockbox}))
        try:
            expected = read_minor(total, CURRENCY)
        except Refused:
            expected = total.strip()
        checks.append(Check('lockbox_total', expected, found, {'level': level, 'name': self.lockbox}))

    def _batch(self, line):
        self._compare(self.batch, line[20:23], line[23:33], 'batch')
        self.batch = []

    def _total(self, line):
        self._compare(self._statement().entries, line[20:24], line[24:34], 'lockbox')

    def _end(self, line):
        self.ended = True
        if _number(line[1:7]):
            for statement in list(self.statements.values())[:1]:
                statement.checks.append(Check('lockbox_records', _number(line[1:7]), self.seen, {}))


def _number(text):
    text = text.strip()
    return int(text) if text.isdecimal() else None
