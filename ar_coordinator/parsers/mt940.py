"""Reads SWIFT MT940 statements with the library mt-940, one by one: a bad transaction does not hide the others."""
import logging
import re
from datetime import date
from decimal import Decimal, InvalidOperation

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
)

TAG = re.compile(r'^:(\d{2}[A-Z]?|NS):', re.MULTILINE)
WORD = re.compile(r'/(TRTP|IBAN|BIC|NAME|REMI|EREF|ORDP|BENM|ACCW|MARF|CSID|ISDT|RTRN|SVCL|PURP|ULTD|ULTC)/')
ORDERED = re.compile(r'/(OCMT|CHGS)/([A-Z]{3})(\d[\d,]*)')
TRANSACTION_TAGS = ('61', '86', 'NS')


def read(data):
    """Return the `BankFile` in the bytes.

    :raise Unreadable: without the library, or when there is no statement in them
    """
    library = load_library('mt940', 'mt-940')
    # what it can't read it also writes to the log as an error; here it is a refused line
    logging.getLogger('mt940').setLevel(logging.CRITICAL)
    text = re.sub(r'\{[1235]:[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\{4:|^-\}', '', decode(data), flags=re.MULTILINE)
    text = text.replace('\r\n', '\n').replace('\r', '\n')
    blocks = [block for block in re.split(r'(?m)^(?=:20:)', text) if block.startswith(':20:')]
    if not blocks:
        raise Unreadable('mt940')
    return BankFile('mt940', [_statement(library, block) for block in blocks])


def _statement(library, block):
    head, groups = _split(block)
    if '60F' not in head and '60M' not in head and '34F' in head:
        raise Unreadable('mt942')
    data = _parse(library, '\n'.join(f':{tag}:{value}' for tag, value in head.items())).data
    statement = Statement(
        account=one_line(head.get('25') or head.get('25P')), name=one_line(head.get('28C') or head.get('28') or ''))
    opening, closing = (
        next((data[name] for name in names if data.get(name)), None) for names in (
            ('final_opening_balance', 'intermediate_opening_balance', 'opening_balance'),
            ('final_closing_balance', 'intermediate_closing_balance', 'closing_balance')))
    statement.opening, statement.currency = _amount(opening)
    statement.closing, _currency = _amount(closing)
    balance = next((f':{tag}:{head[tag]}' for tag in ('60F', '60M') if tag in head), '')
    for group in groups:
        statement.entries.append(_read_entry(library, balance, statement.currency, group))
    check_balance(statement)
    for name, code, sign in (('sum_credit_entries', 'credit', 1), ('sum_debit_entries', 'debit', -1)):
        if data.get(name):
            chosen = [each.amount for each in statement.entries if each.amount and each.amount * sign > 0]
            statement.checks += [
                Check('entries', str(int(data[name].number or 0)), str(len(chosen)), {'which': code}),
                Check('sum', abs(data[name].amount), sum(map(abs, chosen), Decimal(0)), {'which': code})]
    return statement


def _split(block):
    """Return ({tag: text} of the statement, [text of each transaction])."""
    parts = TAG.split(block)
    head, groups = {}, []
    closed = False
    for tag, value in zip(parts[1::2], parts[2::2], strict=True):
        if tag == '61':
            groups.append(f':61:{value}')
        elif tag in TRANSACTION_TAGS and groups and not closed:
            groups[-1] += f':{tag}:{value}'
        else:
            closed = closed or tag.startswith('62')
            head.setdefault(tag, value.strip())
    return head, groups


def _parse(library, text):
    transactions = library.models.Transactions(options=library.options.Options.all())
    try:
        transactions.parse(text)
    except (RuntimeError, ValueError, InvalidOperation, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise Unreadable('mt940_head', detail=one_line(str(error.args[0] if error.args else error), 120)) from error
    return transactions


def _amount(balance):
    """Return (signed amount, currency) of a balance."""
    amount = getattr(balance, 'amount', None)
    if amount is None or amount.amount is None:
        return None, ''
    return amount.amount, one_line(amount.currency, 3)


def _read_entry(library, balance, currency, group):
    raw = group.strip()[:MAX_RAW]
    try:
        return _entry(_parse(library, f':20:X\n{balance}\n{group}').transactions[0].data, currency, raw)
    except Unreadable:
        return Entry(raw=raw, problem=Problem('mt940_line', {'line': one_line(raw.split('\n')[0], 80)}))
    except Refused as refused:
        return Entry(raw=raw, problem=refused.problem)


def _entry(data, currency, raw):
    amount = data['amount'].amount
    if not amount.is_finite() or abs(amount) >= Decimal('1e15'):
        raise Refused('amount', value=str(amount)[:40])
    booked = data.get('entry_date') or data['date']
    details, extra = data.get('transaction_details') or '', data.get('extra_details') or ''
    words = _words(details)
    entry = Entry(
        raw=raw, amount=amount, currency=currency, date=_day(booked), value_date=_day(data['date']),
        bank_reference=own_reference(data.get('bank_reference')),
        is_reversal=(data.get('status') or '').upper().startswith('R'),
        payer=one_line(data.get('applicant_name') or words.get('NAME', '')),
        account=one_line(data.get('applicant_iban') or data.get('gvc_applicant_iban') or words.get('IBAN', '')),
        end_to_end=own_reference(data.get('end_to_end_reference') or words.get('EREF', '')))
    entry.batch_reference, entry.batch_amount = entry.bank_reference, amount
    customer = own_reference(data.get('customer_reference'))
    purpose = words.get('REMI') if words else data.get('purpose') or details
    extra = ORDERED.sub(' ', extra).replace('//', ' ').strip(' /')
    entry.text = one_line(' '.join(filter(None, (
        purpose, data.get('additional_purpose'), data.get('return_debit_notes') and data.get('posting_text'),
        customer, extra))), 1_000)
    for kind, ordered, figure in ORDERED.findall(data.get('extra_details') or '') + ORDERED.findall(details):
        value = Decimal(figure.rstrip(',').replace(',', '.', 1).replace(',', '') or 0)
        if kind == 'CHGS':
            entry.charges = value
        elif ordered != currency:
            entry.foreign_currency, entry.foreign_amount = ordered, value if amount >= 0 else -value
    return entry


def _day(value):
    return check_day(date(value.year, value.month, value.day))


def _words(details):
    """Return {word: text} of details written as /NAME/.../REMI/..., the way of Dutch and Belgian banks.

    >>> _words("/TRTP/SEPA/NAME/Harbour Fish/REMI/INV 42")["NAME"]
    'Harbour Fish'
    """
    parts = WORD.split(''.join(details.splitlines()))
    return {tag: value.strip('/ ') for tag, value in zip(parts[1::2], parts[2::2], strict=True)}
