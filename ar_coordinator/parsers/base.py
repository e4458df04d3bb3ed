"""What the readers of bank files and remittance advices have in common. Plain Python: no odoo, no database.

A reader gets bytes and returns `Statement`s of `Entry`s. What is wrong with one entry is noted on the entry
(`problem`), as a code and params that the caller words and translates; what is wrong with the whole file raises
`Unreadable`. Amounts are `Decimal`s as the file has them, positive for money that came in.
"""
import datetime
import importlib
import re
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal

from ..engine.history_file import detect_encoding

MAX_RAW = 4_000  # characters of a refused entry that are kept on its line; the file keeps all
MAX_DIGITS = 15
DECIMALS = {
    **dict.fromkeys(('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF',
                     'XOF', 'XPF'), 0),
    **dict.fromkeys(('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'), 3)}
NOTHING = {'', 'NONREF', 'NOTPROVIDED', 'NOT PROVIDED', 'NONE', 'N/A', 'UNKNOWN', '0'}

Problem = namedtuple('Problem', 'code params')
Problem.__doc__ = "Why an entry was refused: a code, and the values its sentence needs."

Check = namedtuple('Check', 'code expected found params')
Check.__doc__ = "A control figure of the file and what was found; they agree or the file is not loaded without a look."


class Unreadable(Exception):
    """The file as a whole can't be read: `code` says why, `params` with which figures."""

    def __init__(self, code, **params):
        super().__init__(code)
        self.code = code
        self.params = params


class Refused(ValueError):
    """One entry can't be read."""

    def __init__(self, code, **params):
        super().__init__(code)
        self.problem = Problem(code, params)


@dataclass(slots=True)
class Remitted:
    """What a payer says a payment is for: a document's number as written, what is paid of it, what is deducted."""

    number: str
    amount: Decimal | None = None
    deduction: Decimal | None = None
    reason: str = ''
    date: datetime.date | None = None


@dataclass(slots=True)
class Entry:
    """One transaction. `bank_reference`: the bank's own, '' if it gives none; `batch_reference` and `batch_amount`: of
    the booking this is a detail of (or is, where there are no details)."""

    raw: str = ''
    date: datetime.date | None = None
    value_date: datetime.date | None = None
    amount: Decimal | None = None
    currency: str = ''
    foreign_amount: Decimal | None = None
    foreign_currency: str = ''
    is_ordered_only: bool = False  # so the payer ordered it; it came in the account's currency
    charges: Decimal = Decimal(0)
    payer: str = ''
    account: str = ''
    text: str = ''
    references: tuple = ()
    end_to_end: str = ''
    bank_reference: str = ''
    batch_reference: str = ''
    batch_amount: Decimal | None = None
    batch_total: int = 0  # transactions in the batch
    is_reversal: bool = False
    is_pending: bool = False
    remitted: list = field(default_factory=list)
    problem: Problem | None = None


@dataclass(slots=True)
class Statement:
    """What a file says about one bank account."""

    account: str = ''
    currency: str = ''
    name: str = ''
    lockbox: str = ''
    opening: Decimal | None = None
    closing: Decimal | None = None
    entries: list = field(default_factory=list)
    checks: list = field(default_factory=list)


@dataclass(slots=True)
class BankFile:
    kind: str
    statements: list = field(default_factory=list)


def load_library(module, package):
    """Return an optional library.

    :raise Unreadable: when it is not installed, naming the package
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unreadable('no_library', package=package) from error


def decode(data):
    """Return bytes as text: UTF-8, UTF-16, else Windows-1252; bytes none of them knows are no text."""
    try:
        encoding, _how = detect_encoding(data)
        return data.decode(encoding).lstrip('\ufeff')
    except Exception as error:  # FileProblem of the detection, a broken UTF-16
        raise Unreadable('encoding') from error


def read_amount(text, code='amount', digits=5):
    """Return a plain amount with a decimal point; `digits` behind it at most.

    >>> read_amount("12.50")
    Decimal('12.50')
    """
    text = (text or '').strip()
    if not re.fullmatch(rf'[+-]?\d{{1,15}}(\.\d{{0,{digits}}})?', text):
        raise Refused(code, value=text[:40])
    return Decimal(text)


def read_minor(text, currency):
    """Return an amount written in the currency's smallest unit.

    >>> read_minor("0001250", "USD"), read_minor("1250", "JPY")
    (Decimal('12.50'), Decimal('1250'))
    """
    if not re.fullmatch(r'[+-]?\d{1,17}', (text or '').strip()):
        raise Refused('amount', value=(text or '')[:40])
    return Decimal(int(text)).scaleb(-DECIMALS.get(currency, 2))


def read_iso_date(text):
    """Return the day of an ISO date or time, as the bank wrote it: days are not moved between time zones."""
    try:
        day = datetime.date.fromisoformat((text or '').strip()[:10])
    except ValueError as error:
        raise Refused('date', value=(text or '')[:40]) from error
    return check_day(day)


def check_day(day):
    """Return a day of this century or the last; anything else is a typing error."""
    if not 1970 <= day.year <= 2099:
        raise Refused('date', value=str(day))
    return day


def one_line(text, limit=None):
    """Return text on one line, without characters nobody can see.

    >>> one_line(" Invoice\\n  42 ")
    'Invoice 42'
    """
    text = ' '.join(''.join(char if char.isprintable() else ' ' for char in text or '').split())
    return text[:limit] if limit else text


def own_reference(text):
    """Return a bank's reference, or '' for the words banks write where they have none."""
    text = one_line(text)
    return '' if text.upper() in NOTHING else text


def is_creditor_reference(text):
    """Say whether a text is a creditor reference of ISO 11649 with the right check digits.

    >>> is_creditor_reference("RF18 5390 0754 7034"), is_creditor_reference("RF19539007547034")
    (True, False)
    """
    text = text.replace(' ', '').upper()
    if not re.fullmatch(r'RF\d{2}[A-Z0-9]{1,21}', text):
        return False
    return int(''.join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def is_qr_reference(text):
    """Say whether a text is a Swiss QR reference: 27 digits, the last a check digit (modulo 10, recursive).

    >>> is_qr_reference("21 00000 00003 13947 14300 09017"), is_qr_reference("210000000003139471430009018")
    (True, False)
    """
    text = text.replace(' ', '')
    if not re.fullmatch(r'\d{27}', text):
        return False
    carry = 0
    for digit in text[:-1]:
        carry = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)[(carry + int(digit)) % 10]
    return (10 - carry) % 10 == int(text[-1])


def check_balance(statement):
    """Note whether opening balance and transactions make the closing balance."""
    if statement.opening is not None and statement.closing is not None:
        total = sum((entry.amount for entry in statement.entries if entry.amount is not None and not entry.is_pending),
                    statement.opening)
        statement.checks.append(Check('balance', statement.closing, total, {}))


def occurrences(keys):
    """Yield each key with its occurrence number: what tells two equal transactions of one day apart.

    >>> list(occurrences("aba"))
    [('a', 1), ('b', 1), ('a', 2)]
    """
    seen = Counter()
    for key in keys:
        seen[key] += 1
        yield key, seen[key]
