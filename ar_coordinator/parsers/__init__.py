"""Reads files of banks and payers: bytes in, `Statement`s with `Entry`s out. Plain Python: no odoo, no database.

| file | read with |
|---|---|
| camt.053, camt.054 | lxml |
| MT940 | mt-940 (optional) |
| OFX, QFX | own reader |
| BAI2 | bai2 (optional) |
| BAI2 lockbox | own reader |
| CSV, XLSX | engine/history_file.py |
"""
import logging
import re

from . import advice, bai2, camt, lockbox, mt940, ofx
from .base import Unreadable, decode

_logger = logging.getLogger(__name__)

READERS = {
    'camt': camt.read, 'mt940': mt940.read, 'ofx': ofx.read, 'bai2': bai2.read, 'lockbox': lockbox.read}
NO_TEXT = {b'%PDF': 'pdf', b'\xd0\xcf\x11\xe0': 'old_excel', b'\x89PNG': 'picture', b'\xff\xd8\xff': 'picture',
           b'GIF8': 'picture', b'\x1f\x8b': 'archive', b'7z\xbc\xaf': 'archive', b'Rar!': 'archive'}


def detect(data):
    """Return what the bytes are by what they begin with, not by what they are called: 'camt', 'mt940', 'ofx', 'bai2',
    'lockbox' or 'table'.

    :raise Unreadable: when they are empty, or known to be something else

    >>> detect(b"01,BANK,US,260305,0900,1,,,2/")
    'bai2'
    """
    if not data.strip(b'\x00\t\r\n \xef\xbb\xbf\xff\xfe'):
        raise Unreadable('empty')
    for start, code in NO_TEXT.items():
        if data.startswith(start):
            raise Unreadable(code)
    if data.startswith(b'PK\x03\x04'):
        return 'table'
    text = decode(data)
    start = text.lstrip()[:2_000]
    if re.search(r'<OFX>|^OFXHEADER|<\?OFX', text[:4_000], re.IGNORECASE | re.MULTILINE):
        return 'ofx'
    if start.startswith('<'):
        return 'camt'
    if re.search(r'^:20:', text[:4_000], re.MULTILINE):
        return 'mt940'
    if re.match(r'01,[^\n]*,', start):
        return 'bai2'
    return 'lockbox' if lockbox.looks_like(text) else 'table'


def read_bank_file(data):
    """Return the `BankFile` in the bytes, or None if they are a table (a remittance advice).

    :raise Unreadable: with what is wrong
    """
    kind = detect(data)
    if kind == 'table':
        return None
    try:
        return READERS[kind](data)
    except Unreadable:
        raise
    except Exception as error:  # a reader's own mistake: a message to the user, who still has the file, and the log
        _logger.warning("A %s file could not be read", kind, exc_info=True)
        raise Unreadable('broken', kind=kind) from error
