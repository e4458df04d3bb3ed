"""Reads ISO 20022 bank statements (camt.053) and notifications (camt.054), all versions since 001.02.

With lxml, which Odoo brings: the readers on PyPI were too young or read one version only. Nothing outside the file is
ever loaded, entities are not expanded, and a file with a document type is refused: bank files have none.
"""
from decimal import Decimal

from lxml import etree

from .base import (
    MAX_RAW,
    BankFile,
    Check,
    Entry,
    Refused,
    Remitted,
    Statement,
    Unreadable,
    check_balance,
    one_line,
    own_reference,
    read_amount,
    read_iso_date,
)

CONTENT = {'BkToCstmrStmt': ('camt053', 'Stmt'), 'BkToCstmrDbtCdtNtfctn': ('camt054', 'Ntfctn')}
OPENING, CLOSING = ('OPBD', 'PRCD'), ('CLBD',)
BOOKED = ('BOOK', '')
RATE_ROUNDING = Decimal('0.005')  # how far rounded rates may be off


def read(data):
    """Return the `BankFile` in the bytes.

    :raise Unreadable: when they are no camt.053 or camt.054
    """
    root = _tree(data)
    for tag, (kind, child) in CONTENT.items():
        content = root if root.tag == tag else root.find(tag)
        if content is not None:
            return BankFile(kind, [_statement(node) for node in content.findall(child)])
    if any(node.tag == 'BkToCstmrAcctRpt' for node in (root, *root)):
        raise Unreadable('camt052')  # of the day so far: the same bookings come again, under other references
    raise Unreadable('camt_kind', found=one_line(root[0].tag if len(root) else root.tag, 60))


def _tree(data):
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
        remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, 'lineno', None) or 0
        raise Unreadable('xml', line=line, detail=one_line(str(error), 120)) from error
    if root.getroottree().docinfo.doctype:
        raise Unreadable('doctype')
    for node in root.iter():
        if isinstance(node.tag, str):
            node.tag = etree.QName(node).localname
    return root


def _text(node, *paths):
    """Return the first of the paths that says something."""
    for path in paths:
        text = one_line(node.findtext(path)) if node is not None else ''
        if text:
            return text
    return ''


def _money(node, path, sign_of=None):
    """Return (amount, currency); signed where `sign_of` has a direction."""
    found = node.find(path)
    if found is None:
        raise Refused('missing', what='Amt')
    amount = read_amount(found.text)
    if amount < 0:
        raise Refused('amount', value=one_line(found.text, 40))
    if sign_of is not None:
        amount *= _sign(sign_of)
    return amount, one_line(found.get('Ccy'), 3)


def _sign(node):
    direction = _text(node, 'CdtDbtInd')
    if direction not in ('CRDT', 'DBIT'):
        raise Refused('direction', value=direction[:20])
    return 1 if direction == 'CRDT' else -1


def _statement(node):
    statement = Statement(
        account=_text(node, 'Acct/Id/IBAN', 'Acct/Id/Othr/Id'), currency=_text(node, 'Acct/Ccy'),
        name=_text(node, 'ElctrncSeqNb', 'LglSeqNb', 'Id'))
    statement.opening, currency = _balance(node, OPENING)
    statement.closing, _currency = _balance(node, CLOSING)
    bookings = node.findall('Ntry')
    for booking in bookings:
        statement.entries += _read_booking(booking)
    statement.currency = statement.currency or currency or next(
        (entry.currency for entry in statement.entries if entry.currency), '')
    check_balance(statement)
    _check_summary(node, statement, bookings)
    return statement


def _balance(node, codes):
    for code in codes:
        for balance in node.findall('Bal'):
            if _text(balance, 'Tp/CdOrPrtry/Cd') == code:
                try:
                    return _money(balance, 'Amt', balance)
                except Refused:
                    return None, ''
    return None, ''


def _check_summary(node, statement, bookings):
    """Compare the bank's own counts and sums of bookings with the bookings."""
    amounts = []
    for booking in bookings:
        try:
            amounts.append(_money(booking, 'Amt', booking)[0])
        except Refused:
            amounts.append(Decimal(0))
    for tag, code, chosen in (
            ('TtlNtries', 'all', amounts), ('TtlCdtNtries', 'credit', [each for each in amounts if each > 0]),
            ('TtlDbtNtries', 'debit', [each for each in amounts if each < 0])):
        if count := _text(node, f'TxsSummry/{tag}/NbOfNtries'):
            statement.checks.append(Check('entries', count, str(len(chosen)), {'which': code}))
        if total := _text(node, f'TxsSummry/{tag}/Sum'):
            found = sum(map(abs, chosen), Decimal(0))
            statement.checks.append(Check('sum', _or_text(total), found, {'which': code}))


def _or_text(text):
    try:
        return read_amount(text)
    except Refused:
        return text


def _raw(node):
    return etree.tostring(node, encoding='unicode', with_tail=False)[:MAX_RAW]


def _read_booking(node):
    """Return the transactions of one booking: one per detail, or the booking itself."""
    try:
        return _details(node)
    except Refused as refused:
        reference = own_reference(node.findtext('AcctSvcrRef'))
        return [Entry(
            raw=_raw(node), text=_text(node, 'NtryDtls/TxDtls/RmtInf/Ustrd', 'AddtlNtryInf'), problem=refused.problem,
            date=_lenient_date(_text(node, 'BookgDt/Dt', 'BookgDt/DtTm')), bank_reference=reference,
            batch_reference=reference, payer=_text(
                node, 'NtryDtls/TxDtls/RltdPties/Dbtr/Nm', 'NtryDtls/TxDtls/RltdPties/Dbtr/Pty/Nm'))]


def _details(node):
    amount, currency = _money(node, 'Amt', node)
    status = _text(node, 'Sts/Cd', 'Sts')
    reference = own_reference(node.findtext('AcctSvcrRef'))
    common = {
        'currency': currency, 'batch_reference': reference, 'batch_amount': amount,
        'is_pending': status not in BOOKED, 'is_reversal': _text(node, 'RvslInd') in ('true', '1'),
        'date': read_iso_date(_text(node, 'BookgDt/Dt', 'BookgDt/DtTm', 'ValDt/Dt', 'ValDt/DtTm')),
        'value_date': _optional_date(_text(node, 'ValDt/Dt', 'ValDt/DtTm'))}
    details = node.findall('NtryDtls/TxDtls')
    if len(details) < 2:
        entry = Entry(raw=_raw(node), amount=amount, bank_reference=reference, **common)
        _describe(entry, details[0] if details else None, node)
        count = _text(node, 'NtryDtls/Btch/NbOfTxs')
        entry.batch_total = int(count) if count.isdecimal() and len(count) < 9 else 0
        return [entry]
    return _split(node, details, amount, common)


def _optional_date(text):
    return read_iso_date(text) if text else None


def _split(node, details, amount, common):
    """Return an entry per detail, and one for charges the bank kept; or one for all if the details don't add up."""
    entries = []
    for detail in details:
        own = own_reference(detail.findtext('Refs/AcctSvcrRef'))
        entry = Entry(raw=_raw(detail), batch_total=len(details), **common)
        entry.bank_reference = _detail_reference(detail, common['batch_reference'], own)
        entry.amount = _detail_amount(detail, node, common['currency'])
        _describe(entry, detail, node)
        entries.append(entry)
    if all(entry.amount is not None for entry in entries):
        missing = amount - sum(entry.amount for entry in entries)
        if missing and abs(missing) in (_charges(node), sum(entry.charges for entry in entries)):
            entries.append(Entry(
                raw=_raw(node)[:MAX_RAW], amount=missing, text=_text(node, 'AddtlNtryInf'), batch_total=len(details),
                bank_reference=f"{common['batch_reference']}/CHRG" if common['batch_reference'] else '', **common))
            missing = 0
        if not missing:
            return entries
    whole = Entry(raw=_raw(node), amount=amount, bank_reference=common['batch_reference'], **common)
    whole.batch_total = len(details)
    whole.text = one_line(' '.join(filter(None, (entry.text for entry in entries))), 1_000)
    whole.references = tuple(reference for entry in entries for reference in entry.references)
    return [whole]


def _detail_reference(detail, booking, own):
    """Return the bank's reference of a detail: its own, with the booking's, and the payer's where that is all."""
    if not (booking or own):
        return ''
    payers = next(filter(None, (own_reference(detail.findtext(path)) for path in (
        'Refs/TxId', 'Refs/EndToEndId', 'RmtInf/Strd/CdtrRefInf/Ref'))), '')
    return '/'.join(filter(None, (booking, own if own != booking else '', payers)))


def _detail_amount(detail, booking, currency):
    """Return a detail's signed amount in the account's currency, or None."""
    direction = detail if _text(detail, 'CdtDbtInd') else booking
    for path in ('Amt', 'AmtDtls/TxAmt/Amt', 'AmtDtls/CntrValAmt/Amt'):
        found = detail.find(path)
        if found is not None and found.get('Ccy') == currency:
            return _money(detail, path, direction)[0]
    return None


def _charges(node):
    """Return the charges stated on a booking or detail."""
    total = Decimal(0)
    for path in ('Chrgs/TtlChrgsAndTaxAmt', 'Chrgs/Amt'):
        if node.find(path) is not None:
            return sum((read_amount(each.text) for each in node.findall(path)), Decimal(0))
    for record in node.findall('Chrgs/Rcrd'):
        total += read_amount(_text(record, 'Amt'))
    return total


def _describe(entry, detail, booking):
    """Fill in who, why and with what references."""
    if detail is None:
        entry.text = _text(booking, 'AddtlNtryInf')
        return
    party, account = ('Dbtr', 'DbtrAcct') if entry.amount is None or entry.amount >= 0 else ('Cdtr', 'CdtrAcct')
    if entry.is_reversal:  # the other party of what is taken back
        party, account = ('Cdtr', 'CdtrAcct') if party == 'Dbtr' else ('Dbtr', 'DbtrAcct')
    related = detail.find('RltdPties')
    entry.payer = _text(related, f'{party}/Nm', f'{party}/Pty/Nm', f'Ultmt{party}/Nm', f'Ultmt{party}/Pty/Nm')
    entry.account = _text(related, f'{account}/Id/IBAN', f'{account}/Id/Othr/Id')
    entry.end_to_end = own_reference(detail.findtext('Refs/EndToEndId'))
    texts = [one_line(each.text) for each in detail.findall('RmtInf/Ustrd')]
    references = [own_reference(each.text) for each in detail.findall('RmtInf/Strd/CdtrRefInf/Ref')]
    entry.references = tuple(filter(None, references))
    for remittance in detail.findall('RmtInf/Strd'):
        texts += [one_line(each.text) for each in remittance.findall('AddtlRmtInf')]
        entry.remitted += _remitted(remittance)
    cheque = own_reference(detail.findtext('Refs/ChqNb'))
    reason = _text(detail, 'RtrInf/AddtlInf', 'RtrInf/Rsn/Cd', 'RtrInf/Rsn/Prtry')
    texts += [reason, _text(detail, 'AddtlTxInf') or (_text(booking, 'AddtlNtryInf') if not any(texts) else ''), cheque]
    entry.text = one_line(' '.join(filter(None, texts)), 1_000)
    entry.charges = _charges(detail) or (_charges(booking) if entry.amount == entry.batch_amount else Decimal(0))
    _read_foreign(entry, detail)


def _read_foreign(entry, detail):
    """Note the amount in another currency, and whether it is what came to the account and was exchanged there.

    ISO 20022 has the amount as the payer ordered it (`InstdAmt`), as it was moved between the banks (`TxAmt`), and its
    counter value in the account's currency (`CntrValAmt`). What was moved in another currency was exchanged by the bank
    of the account. What was only ordered in one was exchanged on the payer's side, unless the bank states a rate
    between the two that makes one amount of the other.
    """
    paths = ('AmtDtls/TxAmt', 'AmtDtls/InstdAmt')
    foreign = [
        found for found in (*(detail.find(f'{path}/Amt') for path in paths), detail.find('Amt'))
        if found is not None and found.get('Ccy') and found.get('Ccy') != entry.currency]
    if not foreign:
        return
    amount = read_amount(foreign[0].text)
    entry.foreign_amount = -amount if entry.amount is not None and entry.amount < 0 else amount
    entry.foreign_currency = one_line(foreign[0].get('Ccy'), 3)
    ordered = detail.find('AmtDtls/InstdAmt/Amt')
    entry.is_ordered_only = foreign[0] is ordered and not _is_exchanged(entry, detail)


def _is_exchanged(entry, detail):
    """Say whether a stated rate makes the booked amount, charges added, of the foreign one (or the other way round)."""
    if entry.amount is None or not entry.foreign_amount:
        return False
    for node in detail.findall('AmtDtls/*/CcyXchg'):
        pair = {_text(node, path) for path in ('SrcCcy', 'TrgtCcy', 'UnitCcy')} - {''}
        rate = read_amount(_text(node, 'XchgRate').rstrip('0') or '0', digits=10)
        if rate and entry.foreign_currency in pair and pair <= {entry.foreign_currency, entry.currency}:
            booked = {abs(entry.amount), abs(entry.amount) + entry.charges}
            worths = (abs(entry.foreign_amount) * rate, abs(entry.foreign_amount) / rate)
            if any(abs(worth - each) <= each * RATE_ROUNDING for worth in worths for each in booked):
                return True
    return False


def _remitted(node):
    """Return what the payer says is paid: the documents of one structured remittance, with its amounts on the last."""
    found = [
        Remitted(number=_text(each, 'Nb'), date=_lenient_date(_text(each, 'RltdDt', 'RltdDt/Dt')))
        for each in node.findall('RfrdDocInf') if _text(each, 'Nb')]
    if not found:
        return []
    amounts = node.find('RfrdDocAmt')
    if amounts is not None:
        last = found[-1]
        for path, sign in (('RmtdAmt', 1), ('CdtNoteAmt', -1), ('DuePyblAmt', 1)):
            if last.amount is None and _text(amounts, path):
                last.amount = sign * read_amount(_text(amounts, path))
        taken = [
            read_amount(_text(each, 'Amt')) * (-1 if _text(each, 'CdtDbtInd') == 'CRDT' else 1)
            for each in amounts.findall('AdjstmntAmtAndRsn') if _text(each, 'Amt')]
        taken += [read_amount(_text(amounts, path)) for path in ('DscntApldAmt', 'DscntApldAmt/Amt')
                  if _text(amounts, path)]
        last.deduction = sum(taken, Decimal(0)) or None
        last.reason = one_line(' '.join(
            _text(each, 'AddtlInf') or _text(each, 'Rsn') for each in amounts.findall('AdjstmntAmtAndRsn')), 200)
    return found


def _lenient_date(text):
    try:
        return read_iso_date(text) if text else None
    except Refused:
        return None


