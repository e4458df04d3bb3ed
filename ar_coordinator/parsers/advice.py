"""Reads remittance advices from tables (CSV, XLSX): which documents a payer pays, with what deductions.

The table is read by the same code as the history import (engine/history_file.py); here is what its columns mean.
"""
import itertools
from decimal import Decimal

from ..engine.history_file import (
    CellProblem,
    FileProblem,
    FormulaWithoutValue,
    Source,
    amount_evidence,
    clean,
    date_evidence,
    header_key,
    printable,
    read_amount,
    read_date,
    read_text,
)
from .base import Remitted, Unreadable

# What columns are called, by `header_key`: a proposal that is shown and can be changed.
SYNONYMS = {
    'number': ('invoicenumber', 'invoiceno', 'invoice', 'documentnumber', 'documentno', 'document', 'reference',
               'yourreference', 'billnumber', 'rechnungsnummer', 'rechnungsnr', 'rechnung', 'belegnummer', 'beleg',
               'numerofacture', 'facture', 'numerofactura', 'factura', 'factuurnummer', 'factuur', 'refnumber'),
    'date': ('invoicedate', 'documentdate', 'rechnungsdatum', 'belegdatum', 'datefacture', 'fechafactura',
             'factuurdatum'),
    'gross': ('grossamount', 'gross', 'invoiceamount', 'originalamount', 'bruttobetrag', 'montantbrut', 'montantttc',
              'importebruto', 'brutobedrag'),
    'amount': ('amountpaid', 'paidamount', 'netamount', 'paid', 'net', 'paymentamount', 'amount', 'zahlbetrag',
               'nettobetrag', 'betrag', 'montantpayé', 'montantpaye', 'montantnet', 'montant', 'importepagado',
               'importe', 'betaald', 'bedrag'),
    'deduction': ('deduction', 'discount', 'deductionamount', 'discountamount', 'adjustment', 'skonto', 'abzug',
                  'escompte', 'déduction', 'deduccion', 'descuento', 'korting'),
    'reason': ('reason', 'deductionreason', 'comment', 'remarks', 'remark', 'note', 'grund', 'bemerkung', 'motif',
               'motivo', 'reden', 'opmerking'),
    'reference': ('paymentreference', 'paymentnumber', 'paymentno', 'chequenumber', 'checknumber', 'remittancenumber',
                  'zahlungsreferenz', 'referencepaiement', 'referenciapago', 'betalingskenmerk'),
    'payment_date': ('paymentdate', 'valuedate', 'zahlungsdatum', 'datepaiement', 'fechapago', 'betaaldatum'),
    'currency': ('currency', 'currencycode', 'währung', 'waehrung', 'devise', 'moneda', 'valuta', 'munt'),
}
REQUIRED = ('number',)
AMOUNTS = ('gross', 'amount', 'deduction')
DATES = ('date', 'payment_date')
TOTAL_WORDS = {'total', 'totals', 'sum', 'summe', 'gesamt', 'gesamtbetrag', 'totaal', 'grandtotal', 'subtotal',
               'zwischensumme', 'suma', 'somme'}
MAX_ROWS = 20_000
MAX_UNPACKED = 200 * 1024 * 1024


def open_table(data, encoding=None, delimiter=None):
    """Return the `Source` of a table.

    :raise Unreadable: when there is none in the bytes
    """
    try:
        return Source(data, encoding, delimiter, max_rows=MAX_ROWS, max_unpacked=MAX_UNPACKED)
    except FileProblem as problem:
        raise Unreadable('table', problem=problem) from problem
    except Exception as error:  # odd bytes in CSV, UTF-16 cut in the middle
        raise Unreadable('unknown') from error


def propose_columns(headers):
    """Return {meaning: column number} for the headers that speak for themselves.

    >>> propose_columns(["Invoice No.", "Amount paid", "Discount"])
    {'number': 0, 'amount': 1, 'deduction': 2}
    """
    keys = [header_key(header) for header in headers]
    found = {}
    for meaning, synonyms in SYNONYMS.items():
        columns = (keys.index(name) for name in synonyms if name in keys)
        column = next((each for each in columns if each not in found.values()), None)
        if column is not None:
            found[meaning] = column
    return found


def get_samples(source):
    """Return the first values of each column, as texts.

    :raise Unreadable: when the stream breaks
    """
    samples = [[] for _header in source.headers]
    for _row, cells in itertools.islice(_rows(source), 3):
        for texts, cell in zip(samples, cells, strict=False):
            if printable(cell) and not isinstance(cell, FormulaWithoutValue):
                texts.append(printable(cell)[:40])
    return samples


def _rows(source):
    try:
        yield from source.rows()
    except FileProblem as problem:
        raise Unreadable('table', problem=problem) from problem
    except Exception as error:  # odd bytes in CSV, UTF-16 cut in the middle
        raise Unreadable('unknown') from error


def read_table(source, columns, order=None, mark=None):
    """Return what a table says: {'lines': [(row, `Remitted`)], 'refused': [(row, text, header, code, params)], 'total',
    'reference', 'payment_date', 'currency', 'question'}; `question` is 'dates' or 'amounts' where only a person knows
    how they are written.

    :param columns: {meaning: column number}
    :raise Unreadable: when the stream breaks
    """
    rows = list(_rows(source))
    order, mark, question = _find_formats(rows, columns, order, mark)
    reader = _Reader(source.headers, columns, order or 'ymd', mark or '.')
    for row, cells in rows:
        reader.take(row, cells)
    return {
        'lines': reader.lines, 'refused': reader.refused, 'total': reader.total, 'reference': reader.only('reference'),
        'payment_date': reader.only('payment_date'), 'currency': reader.only('currency'), 'question': question}


def _find_formats(rows, columns, order, mark):
    """Return (order of dates, decimal mark, what has to be asked), as far as the table itself proves them."""
    question = None
    for name, wanted, chosen in (('amounts', AMOUNTS, mark), ('dates', DATES, order)):
        if chosen:
            continue
        evidence = amount_evidence() if name == 'amounts' else date_evidence()
        for row, cells in rows:
            for meaning in wanted:
                cell = cells[columns[meaning]] if meaning in columns else None
                if isinstance(cell, str) and cell.strip():
                    evidence.add(row, meaning, clean(cell))
        if evidence.status in ('ambiguous', 'mixed'):
            question = name
        elif name == 'amounts':
            mark = evidence.verdict
        else:
            order = evidence.verdict
    return order, mark, question


class _Reader:
    def __init__(self, headers, columns, order, mark):
        self.headers, self.columns, self.order, self.mark = headers, columns, order, mark
        self.at = ''  # the column that is being read
        self.lines, self.refused = [], []
        self.total = None
        self.said = {'reference': [], 'payment_date': [], 'currency': []}

    def only(self, meaning):
        """What every row says, if they agree."""
        values = set(self.said[meaning])
        return values.pop() if len(values) == 1 else None

    def _cell(self, cells, meaning):
        if meaning not in self.columns:
            return ''
        self.at = self.headers[self.columns[meaning]]
        return cells[self.columns[meaning]]

    def take(self, row, cells):
        try:
            self._take(row, cells)
        except CellProblem as problem:
            text = ' | '.join(printable(cell) for cell in cells if not isinstance(cell, FormulaWithoutValue))[:200]
            self.refused.append((row, text, self.at, problem.code, problem.params))

    def _take(self, row, cells):
        amounts = {
            meaning: read_amount(cell, self.mark) if clean(cell) else None
            for meaning in AMOUNTS for cell in [self._cell(cells, meaning)]}
        number = read_text(self._cell(cells, 'number'), 64)
        words = {header_key(clean(cell)) for cell in cells if isinstance(cell, str)}
        if (not number or header_key(number) in TOTAL_WORDS) and (words & TOTAL_WORDS or not any(words - {''})):
            self.total = amounts.get('amount') if amounts.get('amount') is not None else self.total
            return
        if not number:
            self._cell(cells, 'number')
            raise CellProblem('missing')
        line = Remitted(number, amounts.get('amount'), amounts.get('deduction'))
        if line.amount is None and amounts.get('gross') is not None:
            line.amount = amounts['gross'] - abs(line.deduction or Decimal(0))
        if line.amount is None:
            raise CellProblem('missing_amount')
        if line.deduction is None and amounts.get('gross') is not None and amounts['gross'] != line.amount:
            line.deduction = amounts['gross'] - line.amount
        elif line.deduction is not None and line.amount >= 0:
            line.deduction = abs(line.deduction)  # some write -20.00, some 20.00
        line.reason = read_text(self._cell(cells, 'reason'), 200)
        if clean(self._cell(cells, 'date')):
            line.date = read_date(self._cell(cells, 'date'), self.order)
        for meaning in self.said:
            cell = self._cell(cells, meaning)
            if clean(cell):
                self.said[meaning].append(
                    read_date(cell, self.order) if meaning == 'payment_date' else read_text(cell, 64))
        self.lines.append((row, line))
