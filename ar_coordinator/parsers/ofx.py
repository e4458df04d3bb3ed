"""Reads OFX (1.x and 2.x, and QFX) bank statements.

Without a library: ofxtools is GPL-3.0-only, which does not go with this addon's licence, and ofxparse was last released
in 2021, moves days between time zones, and leaves out the currency and the other account of a transaction.
"""
import re
from datetime import datetime
from decimal import Decimal
from html import unescape

from .base import MAX_RAW, BankFile, Entry, Refused, Statement, Unreadable, check_day, decode, one_line, own_reference

TOKEN = re.compile(r'<(/?)([A-Z0-9_.]{1,40})>([^<]*)', re.IGNORECASE)
STATEMENTS = ('STMTRS', 'CCSTMTRS')
PARTS = ('BANKACCTFROM', 'CCACCTFROM', 'BANKACCTTO', 'CCACCTTO', 'PAYEE', 'CURRENCY', 'ORIGCURRENCY', 'LEDGERBAL',
         'AVAILBAL')


def read(data):
    """Return the `BankFile` in the bytes.

    :raise Unreadable: when there is no bank statement in them
    """
    if re.search(rb'<!(DOCTYPE|ENTITY)', data, re.IGNORECASE):
        raise Unreadable('doctype')
    text = decode(data)
    start = text.upper().find('<OFX>')
    if start < 0:
        raise Unreadable('ofx')
    reader = _Reader()
    for token in TOKEN.finditer(text, start):
        reader.take(token)
    if not reader.statements:
        raise Unreadable('ofx')
    if not reader.ended:
        raise Unreadable('truncated')
    return BankFile('ofx', reader.statements)


def _amount(text):
    """Return an amount; the last of point and comma is the decimal mark, the other one groups thousands.

    >>> _amount("-1,234.50"), _amount("12,5")
    (Decimal('-1234.50'), Decimal('12.5'))
    """
    match = re.fullmatch(r'([+-]?)(\d{1,3}(?:([.,])\d{3}(?:\3\d{3})*(?=[.,]))?|\d+)(?:([.,])(\d*))?', text.strip())
    if not match or (match[3] and match[3] == match[4]) or len(text) > 20:
        raise Refused('amount', value=text[:40])
    whole = re.sub(r'[.,]', '', match[2])
    return Decimal(f"{match[1]}{whole}.{match[5] or '0'}")


def _day(text):
    """Return the day as the bank wrote it: 22:00 in New York is still that day."""
    try:
        return check_day(datetime.strptime(text[:8], '%Y%m%d').date())
    except ValueError as error:
        raise Refused('date', value=text[:40]) from error


class _Reader:
    """Takes the elements in their order; those without an end (OFX 1) end where the next begins."""

    def __init__(self):
        self.statements = []
        self.statement = None
        self.part = ''
        self.values = None  # of the transaction that is open
        self.raw = []
        self.ended = False

    def take(self, token):
        is_end, name, text = bool(token[1]), token[2].upper(), one_line(unescape(token[3]))
        if name in STATEMENTS:
            self._close_transaction()
            self.statement = None if is_end else Statement()
            if self.statement:
                self.statements.append(self.statement)
        elif name == 'OFX':
            self.ended = is_end
        elif name == 'STMTTRN':
            self._close_transaction()
            if not is_end and self.statement:
                self.values = {}
        elif name == 'BANKTRANLIST':
            self._close_transaction()
        elif name in PARTS:
            self.part = '' if is_end else f'{name}.'
        elif self.statement and not is_end:
            self._note(name, text)
        if self.values is not None:
            self.raw.append(token[0])

    def _note(self, name, text):
        if self.values is not None:
            self.values.setdefault(self.part + name, text)
        elif name == 'CURDEF':
            self.statement.currency = text[:3].upper()
        elif name == 'ACCTID' and self.part in ('BANKACCTFROM.', 'CCACCTFROM.') and not self.statement.account:
            self.statement.account = text

    def _close_transaction(self):
        self.part = ''
        if self.values is not None:
            raw = ''.join(self.raw)[:MAX_RAW]
            try:
                entry = _entry(self.values, self.statement.currency, raw)
            except Refused as refused:
                entry = Entry(raw=raw, problem=refused.problem)
            self.statement.entries.append(entry)
        self.values, self.raw = None, []


def _entry(values, currency, raw):
    def value(name):
        return values.get(name, '')

    amount = _amount(value('TRNAMT'))
    if value('CURRENCY.CURSYM') not in ('', currency):
        raise Refused('other_currency', currency=value('CURRENCY.CURSYM')[:3])
    entry = Entry(
        raw=raw, amount=amount, currency=currency, date=_day(value('DTPOSTED')),
        bank_reference=own_reference(value('FITID')), end_to_end=own_reference(value('REFNUM')),
        payer=value('NAME') or value('PAYEE.NAME'), account=value('BANKACCTTO.ACCTID'),
        is_reversal=bool(value('CORRECTFITID')))
    entry.batch_reference, entry.batch_amount = entry.bank_reference, amount
    if value('DTAVAIL'):
        entry.value_date = _day(value('DTAVAIL'))
    entry.text = one_line(' '.join(filter(None, (
        value('MEMO') or value('NAME'), own_reference(value('CHECKNUM'))))), 1_000)
    if value('ORIGCURRENCY.CURSYM') not in ('', currency) and value('ORIGCURRENCY.CURRATE'):
        rate = _amount(value('ORIGCURRENCY.CURRATE'))
        if rate > 0:
            entry.foreign_currency = value('ORIGCURRENCY.CURSYM')[:3]
            entry.foreign_amount = round(amount / rate, 2)
    return entry
