"""The file reader of the import: what is read, what is asked, what is refused. No database."""

import datetime
import io
from decimal import Decimal

import openpyxl

from odoo.tests import BaseCase, tagged

from ..engine import history_file
from ..engine.history_file import CellProblem, FileProblem

HEAD = "Customer No,Invoice No,Invoice Date,Due Date,Amount"


def source(text, **options):
    return history_file.Source(text.encode() if isinstance(text, str) else text, **options)


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@tagged('post_install', '-at_install')
class TestImportFile(BaseCase):
    def rows(self, data, **options):
        return [cells for _row, cells in source(data, **options).rows()]

    def assert_file_problem(self, code, data, **options):
        with self.assertRaises(FileProblem) as caught:
            list(source(data, **options).rows())
        self.assertEqual(caught.exception.code, code)
        return caught.exception.params

    def assert_cell_problem(self, code, function, *args):
        with self.assertRaises(CellProblem) as caught:
            function(*args)
        self.assertEqual(caught.exception.code, code)

    # --- files

    def test_comma_file(self):
        file = source(f"{HEAD}\r\nC1,1,2013-01-02,2013-02-01,55.94\r\n\r\nC2,2,2013-01-03,2013-02-02,\"1,000.00\"\r\n")
        self.assertEqual((file.format, file.encoding, file.delimiter), ('csv', 'utf-8', ','))
        self.assertEqual(file.headers, HEAD.split(','))
        self.assertEqual(
            list(file.rows()),
            [
                (2, ['C1', '1', '2013-01-02', '2013-02-01', '55.94']),
                (4, ['C2', '2', '2013-01-03', '2013-02-02', '1,000.00']),
            ],
        )

    def test_semicolons_tabs_and_bars(self):
        for mark in ';\t|':
            self.assertEqual(
                self.rows(f"a{mark}b{mark}c\n1,5{mark}2{mark}3\n1,6{mark}2{mark}3\n"),
                [['1,5', '2', '3'], ['1,6', '2', '3']],
            )

    def test_encodings(self):
        text = "Kunde;Betrag\nMüller & Söhne;5\n"
        for encoding, expected in (
            ('utf-8', 'utf-8'),
            ('utf-8-sig', 'utf-8-sig'),
            ('utf-16', 'utf-16'),
            ('utf-16-le', 'utf-16-le'),
            ('latin-1', 'cp1252'),
        ):
            file = source(text.encode(encoding))
            self.assertEqual(file.encoding, expected)
            self.assertEqual(file.headers, ['Kunde', 'Betrag'])
            self.assertEqual(next(file.rows()), (2, ['Müller & Söhne', '5']))

    def test_wrong_encoding_chosen(self):
        params = self.assert_file_problem('encoding', "a,b\n1,2\n1,\xe9\n".encode('latin-1'), encoding='utf-8')
        self.assertEqual(params['encoding'], 'utf-8')

    def test_empty_files(self):
        for data in (b'', b'  \r\n\r\n', b'\xef\xbb\xbf', b'\xff\xfe'):
            self.assert_file_problem('empty', data)
        self.assert_file_problem('no_rows', f"{HEAD}\n\n")
        self.assert_file_problem('empty', workbook())
        self.assert_file_problem('no_rows', workbook(HEAD.split(',')))

    def test_not_a_table(self):
        self.assert_file_problem('old_excel', b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' + bytes(100))
        self.assert_file_problem('not_a_table', b'%PDF-1.4 ...')
        self.assert_file_problem('broken_xlsx', b'PK\x03\x04 this is no archive')
        self.assert_file_problem('no_sheet', workbook(['a'], [1]), sheet='Nowhere')

    def test_open_quote_does_not_swallow_the_rest(self):
        self.assert_file_problem('quotes', f"{HEAD}\nC1,\"1,2013-01-02,2013-02-01,5\nC2,2,2013-01-02,2013-02-01,5\n")

    def test_limits(self):
        self.assertEqual(self.assert_file_problem('too_many_rows', "a,b\n" + "1,2\n" * 11, max_rows=10), {'limit': 10})
        params = self.assert_file_problem('too_big_unpacked', workbook(['a'], ['x' * 30000]), max_unpacked=20000)
        self.assertGreater(params['size'], 30000)

    def test_xlsx_types(self):
        data = workbook(
            ["Customer No", "Invoice No", "Invoice Date", "Amount", None],
            [4711, 611365.0, datetime.datetime(2013, 1, 2), 0.1 + 0.2, None],
            [None, None, None, None, None],
            ["C2", "=1+1", "2013-01-02", "#REF!", None],
        )
        file = source(data)
        self.assertEqual(file.headers, ["Customer No", "Invoice No", "Invoice Date", "Amount"])
        (first, cells), (second, formula) = file.rows()
        self.assertEqual((first, second), (2, 4))
        self.assertEqual([history_file.read_text(cell) for cell in cells[:2]], ['4711', '611365'])
        self.assertEqual(history_file.read_date(cells[2], 'dmy'), datetime.date(2013, 1, 2))
        self.assertEqual(history_file.read_amount(cells[3], '.'), Decimal('0.3'))
        self.assert_cell_problem('formula', history_file.read_text, formula[1])
        self.assert_cell_problem('cell_error', history_file.read_amount, formula[3], '.')
        self.assert_cell_problem('date_number', history_file.read_date, 41276, 'dmy')

    # --- cells

    def test_dates(self):
        day = datetime.date(2013, 2, 1)
        for text, order in (
            ('1/2/2013', 'dmy'),
            ('2/1/2013', 'mdy'),
            ('2013-02-01', 'dmy'),
            ('20130201', 'mdy'),
            ('01.02.13', 'dmy'),
            ('13/02/01', 'ymd'),
            ('2/1/2013 0:00', 'mdy'),
            ('2013-02-01T00:00:00', 'dmy'),
            ('1-Feb-2013', 'mdy'),
            ('2/1/2013 12:00:00 AM', 'mdy'),
        ):
            self.assertEqual(history_file.read_date(text, order), day, text)

    def test_what_is_no_date(self):
        for text, order, code in (
            ('31/02/2013', 'dmy', 'no_such_day'),
            ('2/30/2013', 'mdy', 'no_such_day'),
            ('13/01/2013', 'mdy', 'date'),
            ('1/2/2013', 'ymd', 'date'),
            ('1/2-2013', 'dmy', 'date'),
            ('yesterday', 'dmy', 'date'),
            ('41276', 'dmy', 'date'),
            ('1/1/1800', 'dmy', 'year'),
            ('0203-01-05', 'dmy', 'year'),
            ('5', 'dmy', 'date'),
            ('1/2/203', 'dmy', 'date'),
        ):
            self.assert_cell_problem(code, history_file.read_date, text, order)

    def test_amounts(self):
        for text, mark, value in (
            ('1,234.56', '.', '1234.56'),
            ('1.234,56', ',', '1234.56'),
            ("1'234.56", '.', '1234.56'),
            ('1 234,5', ',', '1234.5'),
            ('1\u00a0234,56', ',', '1234.56'),
            ('-12.50', '.', '-12.50'),
            ('12.50-', '.', '-12.50'),
            ('(12.50)', '.', '-12.50'),
            ('1234', ',', '1234'),
            ('+5', '.', '5'),
            ('1,234,567', '.', '1234567'),
        ):
            self.assertEqual(history_file.read_amount(text, mark), Decimal(value), text)

    def test_what_is_no_amount(self):
        for text, mark in (
            ('twelve', '.'),
            ('12 USD', '.'),
            ('$12', '.'),
            ('1.234,56', '.'),
            ('1,234.56', ','),
            ('12,34,56', '.'),
            ('1e3', '.'),
            ('--5', '.'),
            ('(-5)', '.'),
            ('-5-', '.'),
            ('NaN', '.'),
            ('.5', '.'),
            ('1 23', '.'),
            ('١٢', '.'),
            ('=5', '.'),
        ):
            self.assert_cell_problem('amount', history_file.read_amount, text, mark)
        self.assert_cell_problem('amount_size', history_file.read_amount, '9' * 16, '.')
        self.assert_cell_problem('amount', history_file.read_amount, True, '.')

    def test_other_cells(self):
        self.assertEqual(
            [history_file.read_flag(text) for text in ('Yes', 'x', 'OUI', 'no', '', 'Nein')],
            [True, True, True, False, False, False],
        )
        self.assert_cell_problem('flag', history_file.read_flag, 'maybe')
        self.assertEqual(
            [history_file.read_delivery(text) for text in ('Paper', 'ELECTRONIC', '')], ['paper', 'electronic', '']
        )
        self.assert_cell_problem('delivery', history_file.read_delivery, 'pigeon')
        self.assert_cell_problem('control_character', history_file.read_text, "a\x00b")
        self.assert_cell_problem('control_character', history_file.read_text, "a\nb")
        self.assert_cell_problem('too_long', history_file.read_text, 'x' * 65, 64)
        self.assert_cell_problem('email', history_file.read_email, 'nobody at home')
        self.assertEqual(history_file.read_email('a.b@example.com'), 'a.b@example.com')

    def test_no_cell_becomes_a_formula(self):
        for text, safe in (
            ('=cmd()', "'=cmd()"),
            ('+1+cmd|x', "'+1+cmd|x"),
            ('-2+3', "'-2+3"),
            ('@sum', "'@sum"),
            ('-12.50', '-12.50'),
            ('+49 170', '+49 170'),
            ('plain', 'plain'),
            ('|x', "'|x"),
            ('a\x00', 'a\ufffd'),
        ):
            self.assertEqual(history_file.safe_cell(text), safe)

    # --- evidence

    def evidence(self, *values):
        evidence = history_file.date_evidence()
        for row, value in enumerate(values, 2):
            evidence.add(row, "Date", value)
        return evidence

    def test_one_row_proves_the_order(self):
        evidence = self.evidence('1/2/2013', '3/4/2013', '1/26/2013')
        self.assertEqual((evidence.status, evidence.verdict), ('sure', 'mdy'))
        self.assertEqual(evidence.against['dmy'], (4, "Date", '1/26/2013'))

    def test_a_day_that_does_not_exist_still_proves_the_order(self):
        self.assertEqual(self.evidence('1/2/2013', '31/02/2013').verdict, 'dmy')

    def test_ambiguous_dates_have_no_verdict(self):
        evidence = self.evidence('1/2/2013', '12/11/2013')
        self.assertEqual((evidence.status, evidence.possible, evidence.verdict), ('ambiguous', ['dmy', 'mdy'], None))
        self.assertEqual(evidence.example, (2, "Date", '1/2/2013'))

    def test_mixed_dates_have_no_verdict(self):
        evidence = self.evidence('13/1/2013', '1/13/2013')
        self.assertEqual((evidence.status, evidence.verdict), ('mixed', None))
        self.assertEqual((evidence.against['mdy'][0], evidence.against['dmy'][0]), (2, 3))

    def test_nothing_to_choose(self):
        evidence = self.evidence('2013-01-02', '20130103', 'rubbish')
        self.assertEqual((evidence.status, bool(evidence.verdict)), ('same', True))

    def test_two_digit_years_are_ambiguous(self):
        self.assertEqual(self.evidence('25/12/13').status, 'ambiguous')

    def test_decimal_marks(self):
        for values, status, verdict in (
            (['1.234,56'], 'sure', ','),
            (['1,234.56', '5'], 'sure', '.'),
            (['12,5'], 'sure', ','),
            (['5', '1234'], 'same', '.'),
            (['1,234'], 'ambiguous', None),
            (['1.234'], 'ambiguous', None),
            (['1,50', '2.50'], 'mixed', None),
        ):
            evidence = history_file.amount_evidence()
            for value in values:
                evidence.add(2, "Amount", value)
            self.assertEqual((evidence.status, evidence.verdict), (status, verdict), values)

    # --- rows

    def read_line(self, line, head=HEAD, **options):
        file = source(f"{head}\n{line}\n")
        columns = history_file.propose_columns(file.headers)
        reader = history_file.RowReader(file.headers, columns, 'dmy', '.', {'USD': 2, 'JPY': 0}, 'USD', **options)
        row, cells = next(file.rows())
        return reader.read_row(row, cells)

    def codes(self, line, **options):
        entry, problems = self.read_line(line, **options)
        self.assertEqual(entry is None, bool(problems))
        return [(problem.row, problem.column, problem.value, problem.code) for problem in problems]

    def test_a_good_row(self):
        entry, problems = self.read_line("C1,1,2/1/2013,1/2/2013,55.94")
        self.assertEqual(problems, [])
        self.assertEqual(
            (entry.partner_ref, entry.number, entry.invoice_date, entry.due_date, entry.amount, entry.currency),
            ('C1', '1', datetime.date(2013, 1, 2), datetime.date(2013, 2, 1), Decimal('55.94'), 'USD'),
        )
        self.assertEqual(history_file.Entry.load(entry.dump()), entry)

    def test_every_wrong_cell_is_named(self):
        self.assertEqual(
            self.codes(",,31/02/2013,x,abc"),
            [
                (2, 'Invoice Date', '31/02/2013', 'no_such_day'),
                (2, 'Due Date', 'x', 'date'),
                (2, 'Amount', 'abc', 'amount'),
            ],
        )
        self.assertEqual(
            self.codes(",,1/2/2013,,"),
            [
                (2, 'Invoice No', '', 'missing'),
                (2, 'Due Date', '', 'missing'),
                (2, 'Amount', '', 'missing'),
                (2, 'Customer No', '', 'missing'),
            ],
        )
        self.assertEqual(self.codes("C1,1,2/2/2013,1/2/2013,5"), [(2, 'Due Date', '1/2/2013', 'due_before_invoice')])
        self.assertEqual(self.codes("C1,1,1/2/2013,1/2/2013,0"), [(2, 'Amount', '0', 'zero')])
        self.assertEqual(self.codes("C1,1,1/2/2013,1/2/2013,5.123"), [(2, 'Amount', '5.123', 'decimals')])
        self.assertEqual(self.codes("C1,1,1/2/2013,1/2/2013,1,234.56"), [(2, '', '234.56', 'too_many_cells')])
        self.assertEqual(
            self.codes("C1,a\x00b,1/2/2013,1/2/2013,5"), [(2, 'Invoice No', 'a\ufffdb', 'control_character')]
        )

    def test_settlements(self):
        head = HEAD + ",Settled Date,Settled Amount,Currency,Disputed"
        good = "C1,1,1/2/2013,3/3/2013,100,"
        for tail, expected in (
            ("2/2/2013,,,", (datetime.date(2013, 2, 2), Decimal('100'))),
            (",,,", (None, None)),
            (",0,,", (None, None)),
            ("2/2/2013,40,,", (datetime.date(2013, 2, 2), Decimal('40'))),
        ):
            entry, _problems = self.read_line(good + tail, head)
            self.assertEqual((entry.settled_date, entry.settled_amount), expected)
        for tail, code in (
            ("31/1/2013,,,", 'settled_before_invoice'),
            (",40,,", 'settled_without_date'),
            ("2/2/2013,100.01,,", 'settled_too_much'),
            ("2/2/2013,-5,,", 'settled_sign'),
            ("2/2/2013,0,,", 'settled_sign'),
            (",,XXX,", 'currency'),
        ):
            self.assertEqual([problem[3] for problem in self.codes(good + tail, head=head)], [code], tail)
        self.assertEqual(
            [problem[3] for problem in self.codes("C1,1,1/2/2013,3/3/2013,-5,,,,Yes", head=head)], ['disputed_credit']
        )
        self.assertEqual(
            [problem[3] for problem in self.codes("C1,1,1/2/2013,3/3/2013,1.5,,,JPY,", head=head)], ['decimals']
        )

    def test_duplicates_blame_all_rows(self):
        file = source(f"{HEAD}\nC1,1,1/2/2013,1/3/2013,5\nC2,1,1/2/2013,1/3/2013,5\nC1,1,1/2/2013,1/3/2013,6\n")
        columns = history_file.propose_columns(file.headers)
        _dates, _amounts, repeated = history_file.survey(file, columns)
        self.assertEqual(repeated, {('C1', '1'): [2, 4]})
        reader = history_file.RowReader(file.headers, columns, 'dmy', '.', {'USD': 2}, 'USD', repeated)
        problems = [problem for row, cells in file.rows() for problem in reader.read_row(row, cells)[1]]
        self.assertEqual(
            [(problem.row, problem.code, problem.params) for problem in problems],
            [(2, 'duplicate', {'rows': '4'}), (4, 'duplicate', {'rows': '2'})],
        )

    def test_as_it_stood(self):
        entry, _problems = self.read_line("C1,1,1/2/2013,3/3/2013,100,5/2/2013", HEAD + ",Settled Date")
        self.assertFalse(history_file.Entry.load(entry.dump()).forget_after(datetime.date(2013, 1, 31)))
        self.assertTrue(entry.forget_after(datetime.date(2013, 2, 5)))
        self.assertEqual(entry.settled_amount, Decimal('100'))
        self.assertTrue(entry.forget_after(datetime.date(2013, 2, 4)))
        self.assertIsNone(entry.settled_date)
        self.assertIsNone(entry.settled_amount)

    def test_headers_that_speak_for_themselves(self):
        headers = ['Kundennr.', 'Rechnungsnummer', 'Rechnungsdatum', 'Fällig am', 'Betrag', 'Währung', 'Bemerkung']
        self.assertEqual(
            history_file.propose_columns(headers),
            {'partner_ref': 0, 'number': 1, 'invoice_date': 2, 'due_date': 3, 'amount': 4, 'currency': 5},
        )
