"""Reads a receivables history (CSV or XLSX) row by row. Plain Python: no odoo, no database.

What can be read in more than one way (dates, decimal marks) is never guessed: `Evidence` collects which readings the
file itself allows, and the caller asks when more than one is left. What is wrong is reported by row and column with the
value (`Problem`), as a code that the caller words and translates.
"""
import codecs
import csv
import datetime
import functools
import io
import itertools
import re
import warnings
import zipfile
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal

try:
    import openpyxl
except ImportError:  # Odoo ships it; without it only CSV can be read
    openpyxl = None

FIELDS = (
    'partner_ref', 'partner_name', 'number', 'invoice_date', 'due_date', 'amount', 'currency', 'settled_date',
    'settled_amount', 'disputed', 'delivery', 'email', 'country', 'tag',
)
REQUIRED = ('number', 'invoice_date', 'due_date', 'amount')
DATE_FIELDS = ('invoice_date', 'due_date', 'settled_date')
AMOUNT_FIELDS = ('amount', 'settled_amount')
ORDERS = ('dmy', 'mdy', 'ymd')
DECIMAL_MARKS = ('.', ',')
DELIMITERS = (',', ';', '\t', '|')
# Headers that speak for themselves, normalised by `header_key`; a proposal the user sees and can change.
SYNONYMS = {
    'partner_ref': ('customerid', 'customerno', 'customernumber', 'customercode', 'customerref', 'customerreference',
                    'accountnumber', 'debtorno', 'kundennummer', 'kundennr', 'debitor', 'codeclient', 'numeroclient',
                    'codigocliente', 'klantnummer', 'debiteurnummer'),
    'partner_name': ('customer', 'customername', 'name', 'company', 'client', 'kunde', 'kundenname', 'nomclient',
                     'cliente', 'klant', 'klantnaam'),
    'number': ('invoicenumber', 'invoiceno', 'invoice', 'documentnumber', 'documentno', 'rechnungsnummer',
               'rechnungsnr', 'belegnummer', 'numerofacture', 'facture', 'numerofactura', 'factura', 'factuurnummer'),
    'invoice_date': ('invoicedate', 'documentdate', 'date', 'rechnungsdatum', 'belegdatum', 'datefacture',
                     'fechafactura', 'factuurdatum'),
    'due_date': ('duedate', 'due', 'maturitydate', 'faelligkeit', 'fälligkeit', 'fälligam', 'fälligkeitsdatum',
                 'dateecheance', 'échéance', 'echeance', 'vencimiento', 'fechavencimiento', 'vervaldatum'),
    'amount': ('invoiceamount', 'amount', 'total', 'grossamount', 'betrag', 'bruttobetrag', 'montant', 'montantttc',
               'importe', 'bedrag'),
    'currency': ('currency', 'currencycode', 'währung', 'waehrung', 'devise', 'moneda', 'divisa', 'valuta', 'munt'),
    'settled_date': ('settleddate', 'paiddate', 'paymentdate', 'datepaid', 'clearingdate', 'bezahltam', 'zahlungsdatum',
                     'datepaiement', 'fechapago', 'betaaldatum'),
    'settled_amount': ('settledamount', 'paidamount', 'amountpaid', 'bezahlt', 'montantpayé', 'montantpaye',
                       'importepagado', 'betaald'),
    'disputed': ('disputed', 'dispute', 'indispute', 'strittig', 'litige', 'endisputa', 'betwist'),
    'delivery': ('paperlessbill', 'delivery', 'sendingmethod', 'invoicedelivery'),
    'email': ('email', 'emailaddress', 'mail', 'courriel', 'correo'),
    'country': ('country', 'countryiso', 'isocountry', 'land', 'pays', 'pais'),
    'tag': ('countrycode', 'region', 'segment', 'tag'),
}
YES = {'yes', 'y', 'true', 't', '1', 'x', 'ja', 'j', 'oui', 'o', 'si', 'sí', 's', 'disputed'}
NO = {'', 'no', 'n', 'false', 'f', '0', '-', 'nein', 'non', 'nee'}
ELECTRONIC = {'electronic', 'e-mail', 'email', 'mail', 'pdf', 'digital', 'paperless', 'elektronisch', 'électronique',
              'electrónico'}
PAPER = {'paper', 'letter', 'post', 'print', 'papier', 'brief', 'papel', 'courrier', 'correo'}
MONTHS = {name: number for number, name in enumerate(
    ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'), 1)}
MIN_YEAR, MAX_YEAR = 1970, 2099
MAX_TEXT = {'number': 64, 'partner_ref': 128, 'partner_name': 256, 'tag': 64, 'email': 254}
EXCEL_ERRORS = {'#NULL!', '#DIV/0!', '#VALUE!', '#REF!', '#NAME?', '#NUM!', '#N/A'}
# A correct number with its sign: the only text starting with + or - that a spreadsheet may see as it is.
FORMULA_STARTS = tuple('=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20')  # the last four: full width
PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,' \u00a0\u202f]*")

Problem = namedtuple('Problem', 'row column value code params')
Problem.__doc__ = "One wrong cell: row in the file (header = 1), column's header, the value as read, code, params."


class FileProblem(Exception):
    """The file as a whole can't be read: `code` says why, `params` with which figures."""

    def __init__(self, code, **params):
        super().__init__(code)
        self.code = code
        self.params = params


class CellProblem(ValueError):
    """A cell can't be read: `code` and `params` as in Problem."""

    def __init__(self, code, **params):
        super().__init__(code)
        self.code = code
        self.params = params


class FormulaWithoutValue:
    """An XLSX formula whose result was never stored: there is nothing to read."""

    def __str__(self):
        return "="


@dataclass(slots=True)
class Entry:
    """One invoice of the file. Amounts are Decimal totals in `currency`, negative for a credit note."""

    row: int
    partner_ref: str = ''
    partner_name: str = ''
    number: str = ''
    invoice_date: datetime.date = None
    due_date: datetime.date = None
    amount: Decimal = None
    currency: str = ''
    settled_date: datetime.date = None
    settled_amount: Decimal = None
    disputed: bool = False
    delivery: str = ''  # 'electronic', 'paper' or '' (unknown)
    email: str = ''
    country: str = ''
    tag: str = ''

    @property
    def customer(self):
        """What identifies the customer: the reference, else the name (in one case)."""
        return self.partner_ref or self.partner_name.casefold()

    def dump(self):
        """Return the entry as a JSON array; see `load`."""
        return [
            value if isinstance(value, (bool, int)) else str(value) if value is not None else None
            for value in (getattr(self, name) for name in self.__slots__)]

    @classmethod
    def load(cls, values):
        """Return the entry that `dump` wrote."""
        entry = cls(*values)
        for name in DATE_FIELDS:
            if getattr(entry, name):
                setattr(entry, name, datetime.date.fromisoformat(getattr(entry, name)))
        for name in AMOUNT_FIELDS:
            if getattr(entry, name):
                setattr(entry, name, Decimal(getattr(entry, name)))
        return entry

    def forget_after(self, as_of):
        """Return whether the invoice existed on `as_of`, and drop a settlement that came later."""
        if self.settled_date and self.settled_date > as_of:
            self.settled_date = self.settled_amount = None
        return self.invoice_date <= as_of


# === FILE === #


class Source:
    """A readable file: `headers`, and `rows()` as often as wanted, each time as a fresh stream.

    :param bytes data: the file
    :param str encoding: of a CSV; None = from the file (UTF-8, UTF-16, else Windows-1252), see `encoding_source`
    :param str delimiter: of a CSV; None = what splits the first rows most evenly
    :param str sheet: of an XLSX; None = the first
    :param int max_rows: refuse a file with more rows than this
    :param int max_unpacked: refuse an XLSX that unpacks to more bytes than this
    :raise FileProblem: when nothing can be read
    """

    def __init__(self, data, encoding=None, delimiter=None, sheet=None, max_rows=None, max_unpacked=None):
        self.data = data
        self.max_rows = max_rows
        self.encoding = self.encoding_source = self.delimiter = self.sheet = None
        self.sheets = []
        if not data.strip(b'\x00\t\r\n \xef\xbb\xbf\xff\xfe'):
            raise FileProblem('empty')
        if data.startswith(b'\xd0\xcf\x11\xe0'):
            raise FileProblem('old_excel')
        if data.startswith(b'%PDF'):
            raise FileProblem('not_a_table')
        self.format = 'xlsx' if data.startswith(b'PK\x03\x04') else 'csv'
        if self.format == 'xlsx':
            self._open_workbook(sheet, max_unpacked)
        else:
            self.encoding, self.encoding_source = (encoding, 'chosen') if encoding else detect_encoding(data)
            self.delimiter = delimiter or self._detect_delimiter()
        self.header_row, self.headers = self._read_headers()

    def rows(self):
        """Yield (row number, cells) of the rows below the header that are not blank; at least as many cells as headers.

        :raise FileProblem: when the stream breaks (bytes of another encoding, unbalanced quotes, too many rows)
        """
        width = len(self.headers)
        count = 0
        for number, cells in self._records():
            if number <= self.header_row or not any(cell is not None and str(cell).strip() for cell in cells):
                continue
            count += 1
            if self.max_rows and count > self.max_rows:
                raise FileProblem('too_many_rows', limit=self.max_rows)
            yield number, cells + [''] * (width - len(cells))
        if not count:
            raise FileProblem('no_rows')

    def _read_headers(self):
        for number, cells in itertools.islice(self._records(), 50):
            names = [printable(cell) for cell in cells]
            if any(names):
                while names and not names[-1]:
                    names.pop()
                return number, names
        raise FileProblem('empty')

    def _records(self):
        return self._csv_records() if self.format == 'csv' else self._xlsx_records()

    # --- CSV

    def _text(self):
        return io.TextIOWrapper(io.BytesIO(self.data), encoding=self.encoding, newline='')

    def _csv_records(self):
        # strict: a quote that is never closed would silently swallow the rows after it
        reader = csv.reader(self._text(), delimiter=self.delimiter, strict=True)
        number = 0
        try:
            for number, cells in enumerate(reader, 1):
                if number == 1 and cells:
                    cells[0] = cells[0].lstrip('\ufeff')
                yield number, cells
        except UnicodeError as error:
            raise FileProblem('encoding', encoding=self.encoding, row=number + 1) from error
        except csv.Error as error:
            raise FileProblem('quotes', row=number + 1) from error

    def _detect_delimiter(self):
        text = self._text()
        try:
            lines = list(itertools.islice((line for line in text if line.strip()), 30))
        except UnicodeError as error:
            raise FileProblem('encoding', encoding=self.encoding, row=1) from error
        best, best_score = ',', (0, 0)
        for delimiter in DELIMITERS:
            try:
                widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
            except csv.Error:
                continue
            if widths and widths[0] > 1:
                score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
                best, best_score = max((best, best_score), (delimiter, score), key=lambda pair: pair[1])
        return best

    # --- XLSX

    def _open_workbook(self, sheet, max_unpacked):
        if openpyxl is None:
            raise FileProblem('no_openpyxl')
        try:
            unpacked = sum(info.file_size for info in zipfile.ZipFile(io.BytesIO(self.data)).infolist())
            if max_unpacked and unpacked > max_unpacked:
                raise FileProblem('too_big_unpacked', size=unpacked, limit=max_unpacked)
            self.sheets = self._workbook(True).sheetnames
        except FileProblem:
            raise
        except Exception as error:  # openpyxl raises whatever the broken part of the archive makes it raise
            raise FileProblem('broken_xlsx') from error
        if sheet and sheet not in self.sheets:
            raise FileProblem('no_sheet', sheet=sheet, sheets=", ".join(self.sheets))
        self.sheet = sheet or self.sheets[0]

    def _workbook(self, values):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # styles openpyxl doesn't know: we read values only
            return openpyxl.load_workbook(io.BytesIO(self.data), read_only=True, data_only=values)

    def _xlsx_records(self):
        try:
            values = self._sheet_rows(True)
            # Values hide formulas that were never calculated: look at the formulas beside them.
            formulas = self._sheet_rows(False)
            for number, (cells, raw) in enumerate(zip(values, formulas, strict=True), 1):
                yield number, [
                    FormulaWithoutValue() if cell is None and source is not None else cell
                    for cell, source in zip(cells, raw, strict=True)]
        except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, OSError) as error:
            raise FileProblem('broken_xlsx') from error

    def _sheet_rows(self, values):
        worksheet = self._workbook(values)[self.sheet]
        worksheet.reset_dimensions()  # some programs write wrong ones
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield from worksheet.iter_rows(values_only=True)


def detect_encoding(data):
    """Return (encoding, how it is known: 'bom', 'valid' or 'fallback'); streams, so that size doesn't matter.

    >>> detect_encoding('é'.encode())
    ('utf-8', 'valid')
    >>> detect_encoding('é'.encode('latin-1'))
    ('cp1252', 'fallback')
    """
    for bom, encoding in ((codecs.BOM_UTF8, 'utf-8-sig'), (codecs.BOM_UTF32_LE, 'utf-32'),
                          (codecs.BOM_UTF32_BE, 'utf-32'),
                          (codecs.BOM_UTF16_LE, 'utf-16'), (codecs.BOM_UTF16_BE, 'utf-16')):
        if data.startswith(bom):
            return encoding, 'bom'
    head = data[:4096]
    if len(head) >= 4 and head[1::2].count(0) > len(head) * 0.4:
        return 'utf-16-le', 'valid'
    if len(head) >= 4 and head[0::2].count(0) > len(head) * 0.4:
        return 'utf-16-be', 'valid'
    for encoding, how in (('utf-8', 'valid'), ('cp1252', 'fallback')):
        decoder = codecs.getincrementaldecoder(encoding)()
        view = memoryview(data)
        try:
            for start in range(0, len(data), 1 << 20):
                decoder.decode(view[start:start + (1 << 20)])
            decoder.decode(b'', final=True)
        except UnicodeDecodeError:
            continue
        return encoding, how
    raise FileProblem('encoding_unknown')


def header_key(header):
    """Return a header without case, spaces and punctuation.

    >>> header_key(" Invoice No.")
    'invoiceno'
    """
    return re.sub(r'[\W_]+', '', header.casefold())


def propose_columns(headers):
    """Return {field: column number} for the headers that speak for themselves, each field once."""
    keys = [header_key(header) for header in headers]
    proposal = {}
    for name, synonyms in SYNONYMS.items():
        column = next((keys.index(synonym) for synonym in synonyms if synonym in keys), None)
        if column is not None and column not in proposal.values():
            proposal[name] = column
    return proposal


# === CELLS === #


def clean(cell):
    """Return a cell as text, without spaces around it; a whole number from a spreadsheet without '.0'."""
    if cell is None:
        return ''
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime.datetime):
        cell = cell.date() if cell.time() == datetime.time() else cell
    return str(cell).replace('\u00a0', ' ').strip()


def read_text(cell, limit=None):
    """Return a cell as one line of text.

    :raise CellProblem: for NUL bytes, control characters, spreadsheet errors, and text longer than `limit`
    """
    if isinstance(cell, FormulaWithoutValue):
        raise CellProblem('formula')
    text = re.sub(' +', ' ', clean(cell))
    if text in EXCEL_ERRORS:
        raise CellProblem('cell_error')
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise CellProblem('control_character')
    if limit and len(text) > limit:
        raise CellProblem('too_long', limit=limit)
    return text


def read_date(cell, order):
    """Return the date in a cell; `order` ('dmy', 'mdy', 'ymd') decides where the text doesn't begin with the year.

    :raise CellProblem: when it is no date, no day of the calendar, or not in this century or the last
    """
    if isinstance(cell, datetime.datetime):
        cell = cell.date()
    if not isinstance(cell, datetime.date):
        if isinstance(cell, (int, float)) and not isinstance(cell, bool) and len(str(cell)) != 8:
            raise CellProblem('date_number')
        parts = _date_parts(read_text(cell), order)
        if not parts:
            raise CellProblem('date', order=order)
        try:
            cell = datetime.date(*parts)
        except ValueError as error:
            raise CellProblem('no_such_day') from error
    if not MIN_YEAR <= cell.year <= MAX_YEAR:
        raise CellProblem('year', first=MIN_YEAR, last=MAX_YEAR)
    return cell


@functools.lru_cache(maxsize=100_000)
def _date_parts(text, order):
    """Return (year, month, day) as the text reads in this order, or None where it doesn't; the day may not exist."""
    text = re.sub(r'[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm]|Z)?$', '', text)
    if re.fullmatch(r'(19|20)\d{6}', text):
        return int(text[:4]), int(text[4:6]), int(text[6:])
    match = re.fullmatch(r'(\d{1,2})[ .-]*([A-Za-z]{3,9})\.?[ ,-]*(\d{4})', text)
    if match and match[2][:3].lower() in MONTHS:
        return int(match[3]), MONTHS[match[2][:3].lower()], int(match[1])
    match = re.fullmatch(r'(\d{4}|\d{1,2})([./ -])(\d{1,2})\2(\d{4}|\d{1,2})', text)
    if not match:
        return None
    first, second, third = match[1], match[3], match[4]
    if len(first) == 4:
        order = 'ymd'
    elif len(third) == 4 and order == 'ymd':
        return None
    named = dict(zip(order, (first, second, third), strict=True))
    if len(named['y']) not in (2, 4) or len(named['m']) > 2 or len(named['d']) > 2:
        return None
    year, month, day = int(named['y']), int(named['m']), int(named['d'])
    if len(named['y']) == 2:
        year += 2000 if year < 70 else 1900
    return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def read_amount(cell, mark):
    """Return the amount in a cell as Decimal; `mark` is the decimal mark of texts.

    Thousands may be grouped with the other mark, spaces or apostrophes; 12.50- and (12.50) are negative.

    :raise CellProblem: for anything else; symbols and letters are never dropped

    >>> read_amount("1.234,56", ','), read_amount("1,234.56", '.'), read_amount("(12.50)", '.')
    (Decimal('1234.56'), Decimal('1234.56'), Decimal('-12.50'))
    """
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        if cell != cell or abs(cell) >= 1e15:
            raise CellProblem('amount_size')
        return Decimal(repr(round(cell, 6)))  # what a spreadsheet computes carries noise behind the 15th digit
    value = _amount(read_text(cell), mark)
    if value is None:
        raise CellProblem('amount', mark=mark)
    if abs(value) >= Decimal('1e15'):
        raise CellProblem('amount_size')
    return value


@functools.lru_cache(maxsize=100_000)
def _amount(text, mark):
    other = re.escape(',' if mark == '.' else '.')
    negative = False
    match = re.fullmatch(r'\((.+)\)', text)
    if match:
        text, negative = match[1], True
    match = re.fullmatch(r'(?:([+-])\s*)?(.+?)(?:\s*(-))?', text)
    if not match or (negative and (match[1] or match[3])) or (match[1] and match[3]):
        return None
    negative = negative or '-' in (match[1], match[3])
    digits = match[2]
    if not re.fullmatch(
            rf'(?:[0-9]+|[0-9]{{1,3}}(?P<group>{other}|[ \'’\u202f\u2009])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*)'
            rf'(?:{re.escape(mark)}[0-9]+)?', digits):
        return None
    digits = re.sub(rf'{other}|[ \'’\u202f\u2009]', '', digits).replace(mark, '.')
    return -Decimal(digits) if negative else Decimal(digits)


def read_flag(cell):
    """Return whether a cell says yes (Yes, x, 1, ja, oui, sí, ...); empty is no.

    :raise CellProblem: for a word that is neither yes nor no
    """
    word = read_text(cell).casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise CellProblem('flag')


def read_delivery(cell):
    """Return 'electronic', 'paper' or '' (not said).

    :raise CellProblem: for another word
    """
    word = read_text(cell).casefold()
    if not word:
        return ''
    if word in ELECTRONIC:
        return 'electronic'
    if word in PAPER:
        return 'paper'
    raise CellProblem('delivery')


def read_email(cell):
    """Return an e-mail address or ''.

    :raise CellProblem: when it can't be one
    """
    text = read_text(cell, MAX_TEXT['email'])
    if text and not re.fullmatch(r'[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+', text):
        raise CellProblem('email')
    return text


def printable(cell):
    """Return a cell as text that can be stored and shown: NUL bytes become a replacement character."""
    return clean(cell).replace('\x00', '\ufffd')


def safe_cell(cell):
    """Return a cell as text that a spreadsheet takes as text: nothing in it can become a formula.

    >>> safe_cell("=1+1"), safe_cell("-12.50"), safe_cell("@x")
    ("'=1+1", '-12.50', "'@x")
    """
    return quote_formula(printable(cell))


def quote_formula(text):
    """Return a text of ours for a CSV file, quoted where a spreadsheet would take it for a formula or a command.

    >>> quote_formula("=1+1"), quote_formula("\\t=1+1"), quote_formula("-12.50"), quote_formula("a=b")
    ("'=1+1", "'\\t=1+1", '-12.50', 'a=b')
    """
    if text[:1] in FORMULA_STARTS and not PLAIN_NUMBER.fullmatch(text):
        return "'" + text
    return text


# === EVIDENCE === #


@dataclass
class Evidence:
    """Which of several readings a file allows. Sure when exactly one is left; else somebody must choose.

    :param dict readings: {choice: function(text) -> value, or None where the text can't be read so}
    """

    readings: dict
    count: int = 0  # cells whose readings differ
    example: tuple = None  # the first of them: (row, column, text)
    against: dict = field(default_factory=dict)  # choice -> the first cell that can't be read so

    def add(self, row, column, text):
        """Take one cell into account."""
        values = {choice: read(text) for choice, read in self.readings.items()}
        if len(set(values.values())) == 1:  # the same in every reading, or in none
            return
        self.count += 1
        self.example = self.example or (row, column, text)
        for choice, value in values.items():
            if value is None:
                self.against.setdefault(choice, (row, column, text))

    @property
    def possible(self):
        """Choices that no cell contradicts."""
        return [choice for choice in self.readings if choice not in self.against]

    @property
    def status(self):
        """'same' (nothing to choose), 'sure', 'ambiguous' (several fit) or 'mixed' (none fits all cells)."""
        if not self.count:
            return 'same'
        return {0: 'mixed', 1: 'sure'}.get(len(self.possible), 'ambiguous')

    @property
    def verdict(self):
        """The only reading, or any one where all read the same; None where somebody must choose."""
        return next(iter(self.possible), None) if self.status in ('same', 'sure') else None


def date_evidence():
    """Return the Evidence for the order of day, month and year."""
    return Evidence({order: functools.partial(_date_parts, order=order) for order in ORDERS})


def amount_evidence():
    """Return the Evidence for the decimal mark."""
    return Evidence({mark: functools.partial(_amount, mark=mark) for mark in DECIMAL_MARKS})


def survey(source, columns):
    """Read the whole file once for what a single row can't tell.

    :param dict columns: {field: column number}
    :return: (date evidence, amount evidence, {(customer, number): [rows that share it]})
    """
    dates, amounts = date_evidence(), amount_evidence()
    watched = [(columns[name], dates) for name in DATE_FIELDS if name in columns]
    watched += [(columns[name], amounts) for name in AMOUNT_FIELDS if name in columns]
    seen, repeated = {}, {}
    for row, cells in source.rows():
        for column, evidence in watched:
            cell = cells[column]
            if isinstance(cell, str) and (text := clean(cell)):
                evidence.add(row, source.headers[column], text)
        key = _row_key(cells, columns)
        if key[1] and seen.setdefault(key, row) != row:
            repeated.setdefault(key, [seen[key]]).append(row)
    return dates, amounts, repeated


def _row_key(cells, columns):
    """Return (Entry.customer, Entry.number) of raw cells."""
    ref, name, number = (
        re.sub(' +', ' ', clean(cells[columns[field]])) if field in columns else ''
        for field in ('partner_ref', 'partner_name', 'number'))
    return ref or name.casefold(), number


# === ROWS === #


class RowReader:
    """Turns the cells of a row into an Entry, or says what is wrong with them.

    :param list headers: column names, for the problems
    :param dict columns: {field: column number}
    :param str order: of dates
    :param str mark: decimal mark
    :param dict currencies: {ISO code: decimal places} that may be used; others are problems
    :param str default_currency: where the file has no currency
    :param dict repeated: from `survey`: all rows that repeat a customer's invoice number are wrong, the first as well
    """

    def __init__(self, headers, columns, order, mark, currencies, default_currency, repeated=None):
        self.repeated = repeated or {}
        self.headers = headers
        self.columns = columns
        self.currencies = currencies
        self.default_currency = default_currency
        read = {
            **{name: functools.partial(read_text, limit=MAX_TEXT[name])
               for name in ('number', 'partner_ref', 'partner_name', 'tag')},
            **dict.fromkeys(DATE_FIELDS, functools.partial(read_date, order=order)),
            **dict.fromkeys(AMOUNT_FIELDS, functools.partial(read_amount, mark=mark)),
            'currency': lambda cell: read_text(cell).upper(),
            'country': lambda cell: read_text(cell).upper(),
            'disputed': read_flag,
            'delivery': read_delivery,
            'email': read_email,
        }
        self.readers = {name: read[name] for name in columns}

    def read_row(self, row, cells):
        """Return (Entry, []) or (None, [Problem])."""
        entry = Entry(row)
        problems = []

        def blame(name, code, **params):
            column = self.columns.get(name)
            problems.append(Problem(
                row, '' if column is None else self.headers[column], '' if column is None else printable(cells[column]),
                code, params))

        extra = [clean(cell) for cell in cells[len(self.headers):]]
        if any(extra):
            problems.append(Problem(
                row, '', printable(next(filter(None, extra))), 'too_many_cells', {'expected': len(self.headers)}))
        for name, reader in self.readers.items():
            cell = cells[self.columns[name]]
            optional = name in DATE_FIELDS or name in AMOUNT_FIELDS
            if optional and (cell is None or (isinstance(cell, str) and not cell.strip())):
                continue
            try:
                setattr(entry, name, reader(cell))
            except CellProblem as problem:
                blame(name, problem.code, **problem.params)
        if not problems:
            self._judge(entry, blame)
        return (None, problems) if problems else (entry, problems)

    def _judge(self, entry, blame):
        """Blame what is missing or can't be true together."""
        if rows := self.repeated.get((entry.customer, entry.number)):
            blame('number', 'duplicate', rows=', '.join(str(row) for row in rows if row != entry.row))
        for name in REQUIRED:
            if getattr(entry, name) in (None, ''):
                blame(name, 'missing')
        if not entry.customer:
            blame('partner_ref' if 'partner_ref' in self.columns else 'partner_name', 'missing')
        entry.currency = entry.currency or self.default_currency
        digits = self.currencies.get(entry.currency)
        if digits is None:
            blame('currency', 'currency', currency=entry.currency)
        if entry.invoice_date and entry.due_date and entry.due_date < entry.invoice_date:
            blame('due_date', 'due_before_invoice', date=entry.invoice_date)
        if entry.amount is None:
            return
        if entry.amount == 0:
            blame('amount', 'zero')
        if entry.amount < 0 and entry.disputed:
            blame('disputed', 'disputed_credit')
        for name in AMOUNT_FIELDS:
            value = getattr(entry, name)
            if digits is not None and value is not None and value != round(value, digits):
                blame(name, 'decimals', currency=entry.currency, digits=digits)
        self._judge_settlement(entry, blame)

    def _judge_settlement(self, entry, blame):
        if not entry.settled_amount and entry.settled_amount is not None and not entry.settled_date:
            entry.settled_amount = None  # "paid 0.00" and no date: not paid
        if entry.settled_date:
            if entry.invoice_date and entry.settled_date < entry.invoice_date:
                blame('settled_date', 'settled_before_invoice', date=entry.invoice_date)
            if entry.settled_amount is None:
                entry.settled_amount = entry.amount
        elif entry.settled_amount is not None:
            blame('settled_amount', 'settled_without_date')
        if entry.settled_amount is not None and entry.amount:
            if entry.settled_amount == 0 or (entry.settled_amount > 0) != (entry.amount > 0):
                blame('settled_amount', 'settled_sign')
            elif abs(entry.settled_amount) > abs(entry.amount):
                blame('settled_amount', 'settled_too_much', amount=entry.amount)
