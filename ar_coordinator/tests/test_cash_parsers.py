"""Readers of bank files: exact amounts of sample files written by hand; rubbish ends in a message, no traceback."""
import doctest
import random
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from .. import parsers
from ..models import ar_cash_file_texts as texts
from ..parsers.base import Unreadable

FILES = Path(__file__).parent / 'files'
BANK_FILES = ('statement.camt053.xml', 'notification.camt054.xml', 'statement.mt940', 'statement.ofx', 'statement.bai2',
              'deposit.lockbox')


def sample(name):
    return (FILES / name).read_bytes()


def amounts(statement):
    return [str(entry.amount) for entry in statement.entries]


def failed(found):
    return [check.code for statement in found.statements for check in statement.checks
            if check.expected != check.found]


@tagged('post_install', '-at_install')
class TestCashParsers(BaseCase):

    def parse(self, data):
        return parsers.read_bank_file(data.encode() if isinstance(data, str) else data)

    def assert_unreadable(self, code, data):
        with self.assertRaises(Unreadable) as caught:
            self.parse(data)
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    def test_camt_has_one_entry_per_detail(self):
        found = self.parse(sample('statement.camt053.xml'))
        [statement] = found.statements
        self.assertEqual((found.kind, statement.account, failed(found)), ('camt053', 'CH5604835012345678009', []))
        self.assertEqual((statement.opening, statement.closing), (Decimal('1000.00'), Decimal('3284.25')))
        self.assertEqual(
            amounts(statement), ['1500.00', '300.00', '250.00', '300.00', '1000.00', '-15.75', '-1050.00', '-100.00'])
        first, qr, rf, named, foreign, fee, returned, pending = statement.entries
        self.assertEqual(
            (first.payer, first.account, first.text, first.end_to_end, first.bank_reference, first.date,
             first.value_date),
            ('Harbour Fish Ltd', 'GB33BUKB20201555555555', 'INV/2026/00001 and INV/2026/00002', 'HF-77', 'BANK-0001',
             date(2026, 3, 5), date(2026, 3, 4)))
        self.assertEqual((qr.references, rf.references), (('210000000003139471430009017',), ('RF18539007547034',)))
        self.assertEqual({entry.batch_amount for entry in (qr, rf, named)}, {Decimal('850.00')})
        [document] = named.remitted
        self.assertEqual(
            (document.number, document.amount, document.deduction, document.reason),
            ('INV/2026/00003', Decimal('300.00'), Decimal('20.00'), 'broken box'))
        self.assertEqual(
            (foreign.foreign_amount, foreign.foreign_currency, foreign.charges, foreign.is_ordered_only),
            (Decimal('640.00'), 'EUR', Decimal('24.00'), True), "moved in dollars: ordered in euros only")
        self.assertEqual((fee.text, returned.is_reversal, returned.payer), ('Account fee', True, 'Harbour Fish Ltd'))
        self.assertEqual(returned.text, 'INV/2025/00990 AM04')
        self.assertTrue(pending.is_pending)

    def test_camt_amounts_in_another_currency(self):
        """TxAmt is what came, CntrValAmt what it was exchanged to, InstdAmt what was ordered: a rate links them."""
        old = '<InstdAmt><Amt Ccy="EUR">640.00</Amt></InstdAmt><TxAmt><Amt Ccy="USD">1000.00</Amt></TxAmt>'
        rate = '<CcyXchg><SrcCcy>EUR</SrcCcy><TrgtCcy>USD</TrgtCcy><XchgRate>%s</XchgRate></CcyXchg>'
        booked = '<CntrValAmt><Amt Ccy="USD">1000.00</Amt>%s</CntrValAmt>'
        for amounts_in, expected in (
                ('<InstdAmt><Amt Ccy="EUR">640.00</Amt></InstdAmt>', ('640.00', True)),
                ('<InstdAmt><Amt Ccy="EUR">640.00</Amt></InstdAmt>' + booked % rate % '1.6000000', ('640.00', False)),
                ('<InstdAmt><Amt Ccy="EUR">640.00</Amt></InstdAmt>' + booked % rate % '0.625', ('640.00', False)),
                ('<InstdAmt><Amt Ccy="EUR">640.00</Amt></InstdAmt>' + booked % rate % '1.8', ('640.00', True)),
                ('<InstdAmt><Amt Ccy="EUR">700.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">640.00</Amt></TxAmt>'
                 + booked % '', ('640.00', False))):
            with self.subTest(amounts=amounts_in):
                text = sample('statement.camt053.xml').decode()
                self.assertIn(old, text)
                entry = self.parse(text.replace(old, amounts_in)).statements[0].entries[4]
                self.assertEqual((str(entry.foreign_amount), entry.is_ordered_only), expected)
                self.assertEqual((entry.amount, entry.foreign_currency), (Decimal('1000.00'), 'EUR'))

    def test_camt_bookings_whose_details_do_not_add_up_stay_whole(self):
        text = sample('notification.camt054.xml').decode().replace('>600.00<', '>500.00<')
        [statement] = self.parse(text).statements
        self.assertEqual(amounts(statement), ['850.00'])
        charges = '<Chrgs><TtlChrgsAndTaxAmt Ccy="USD">100.00</TtlChrgsAndTaxAmt></Chrgs>'
        charged = text.replace('<NtryDtls>', f'{charges}<NtryDtls>').replace('<Amt Ccy="USD">850', '<Amt Ccy="USD">650')
        [statement] = self.parse(charged).statements
        self.assertEqual(amounts(statement), ['500.00', '250.00', '-100.00'], "the charges are an entry of their own")

    def test_camt_control_figures(self):
        text = sample('statement.camt053.xml').decode()
        for old, new, codes in (
            ('>3284.25<', '>3284.26<', ['balance']), ('<NbOfNtries>6<', '<NbOfNtries>7<', ['entries']),
            ('<Sum>3350.00<', '<Sum>3351.00<', ['sum']),
        ):
            self.assertEqual(failed(self.parse(text.replace(old, new))), codes)

    def test_a_bad_booking_does_not_hide_the_others(self):
        found = self.parse(sample('statement.camt053.xml').decode().replace('>15.75<', '>15,75<'))
        [wrong] = [entry for entry in found.statements[0].entries if entry.problem]
        self.assertEqual((wrong.problem.code, wrong.problem.params), ('amount', {'value': '15,75'}))
        self.assertIn('BANK-0004', wrong.raw)
        self.assertEqual((len(found.statements[0].entries), failed(found)), (8, ['balance', 'sum']))

    def test_xml_attacks(self):
        """Entities, external files and document types are refused; nothing is expanded or fetched."""
        inner = '<Document><BkToCstmrStmt><Stmt><Id>&a;</Id></Stmt></BkToCstmrStmt></Document>'
        levels = ''.join(
            f'<!ENTITY {one} "{f"&{other};" * 10}">' for one, other in zip('abcdefgh', 'bcdefghi', strict=True))
        for declared in (
            '<!ENTITY a SYSTEM "file:///etc/passwd">', f'{levels}<!ENTITY i "lol">', '<!ENTITY a "x">',
            '<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;',
        ):
            with self.assertRaises(Unreadable) as caught:
                self.parse(f'<?xml version="1.0"?><!DOCTYPE Document [{declared}]>{inner}')
            self.assertIn(caught.exception.code, ('doctype', 'xml'))
        self.assert_unreadable('doctype', 'OFXHEADER:100\n<!DOCTYPE x [<!ENTITY a "b">]><OFX></OFX>')

    def test_mt940(self):
        found = self.parse(sample('statement.mt940'))
        [statement] = found.statements
        self.assertEqual((found.kind, statement.account, statement.currency), ('mt940', 'NL91ABNA0417164300', 'EUR'))
        self.assertEqual(failed(found), [])
        self.assertEqual(amounts(statement), ['500.00', '250.50', '-10.25', '10.00', '10.00', '-100.00'])
        german, dutch, _fee, _one, _two, returned = statement.entries
        self.assertEqual(
            (german.payer, german.account, german.end_to_end, german.bank_reference, german.text),
            ('Harbour Fish Ltd', 'DE89370400440532013000', 'E2E-1', 'B4E05PGX1',
             'INV/2026/00001 and INV/2026/00002 INV 42'))
        self.assertEqual(
            (dutch.payer, dutch.account, dutch.text, dutch.bank_reference),
            ('Alder en Zonen', 'NL20INGB0001234567', 'factuur 2026-0003', ''))
        self.assertEqual(
            (dutch.foreign_amount, dutch.foreign_currency, dutch.charges), (Decimal('400.00'), 'USD', Decimal('2.50')))
        self.assertEqual((returned.is_reversal, returned.amount), (True, Decimal('-100.00')))
        wrong = self.parse(sample('statement.mt940').decode().replace(':61:2603050305D10,25', ':61:26030X0305D10,25'))
        self.assertEqual(
            [entry.problem and entry.problem.code for entry in wrong.statements[0].entries],
            [None, None, 'mt940_line', None, None, None])
        self.assertEqual(failed(wrong), ['balance'])

    def test_encodings(self):
        text = sample('statement.mt940').decode().replace('Harbour Fish Ltd', 'Müller & Söhne')
        for encoding in ('utf-8', 'utf-8-sig', 'cp1252', 'utf-16'):
            self.assertEqual(self.parse(text.encode(encoding)).statements[0].entries[0].payer, 'Müller & Söhne')

    def test_ofx_days_are_the_banks(self):
        """22:00 in New York is still the 5th; a line without a day is refused, the others stay."""
        found = self.parse(sample('statement.ofx'))
        [statement] = found.statements
        self.assertEqual((statement.account, statement.currency), ('000111222333', 'USD'))
        first, cheque, fee, wrong = statement.entries
        self.assertEqual(
            (first.date, first.amount, first.bank_reference), (date(2026, 3, 5), Decimal('1500.00'), 'FIT-1'))
        self.assertEqual((cheque.text, fee.amount), ('ALDER AND SONS 1007', Decimal('-12.50')))
        self.assertEqual(wrong.problem.code, 'date')
        self.assertIn('FIT-4', wrong.raw)
        xml = sample('statement.ofx').decode().replace('<NAME>ALDER AND SONS', '<NAME>Alder &amp; Sons</NAME>')
        self.assertEqual(self.parse(xml).statements[0].entries[1].payer, "Alder & Sons")
        self.assert_unreadable('truncated', xml.replace('</OFX>', ''))
        converted = xml.replace('<FITID>FIT-1', '<FITID>FIT-1<ORIGCURRENCY><CURRATE>1.6<CURSYM>EUR</ORIGCURRENCY>')
        other = self.parse(converted).statements[0].entries[0]
        self.assertEqual((other.foreign_amount, other.foreign_currency), (Decimal('937.50'), 'EUR'))

    def test_bai2_control_figures(self):
        found = self.parse(sample('statement.bai2'))
        [statement] = found.statements
        self.assertEqual((failed(found), statement.opening, statement.closing), ([], Decimal(1000), Decimal('2887.50')))
        self.assertEqual(amounts(statement), ['1500.00', '400.00', '-12.50'], "a message without money is none")
        self.assertEqual(
            (statement.entries[0].payer, statement.entries[0].text),
            ('HARBOUR FISH LTD', 'ORIG CO NAME:HARBOUR FISH LTD DESC:INV/2026/00001 INV/2026/00002'))
        text = sample('statement.bai2').decode()
        self.assertEqual(failed(self.parse(text.replace('49,580000,7', '49,580001,7'))), ['bai2_total'])
        self.assertEqual(
            failed(self.parse(text.replace('98,580000,1,9', '98,580000,2,8'))), ['bai2_records', 'bai2_parts'])
        wrong = self.parse(text.replace('16,115,40000', '16,999,40000'))
        self.assertEqual([bool(entry.problem) for entry in wrong.statements[0].entries], [False, True, False])
        self.assertEqual(failed(wrong), ['balance'], "what was refused is missing in the balance, not in the file")
        self.assert_unreadable('truncated', text.rsplit('\n', 2)[0])

    def test_lockbox_cheques_and_their_documents(self):
        found = self.parse(sample('deposit.lockbox'))
        [statement] = found.statements
        self.assertEqual((found.kind, statement.lockbox, failed(found)), ('lockbox', '1234567', []))
        self.assertEqual(amounts(statement), ['1500.00', '280.00'])
        first, second = statement.entries
        self.assertEqual(
            (first.payer, first.account, first.end_to_end), ('HARBOUR FISH LTD', '021000021 0001112223', '1007'))
        self.assertEqual(
            [(each.number, each.amount) for each in first.remitted],
            [('INV/2026/00001', Decimal(1000)), ('INV/2026/00002', Decimal(500))])
        self.assertEqual((second.remitted[0].deduction, second.remitted[0].reason), (Decimal(20), 'DMG'))
        text = sample('deposit.lockbox').decode()
        self.assertEqual(failed(self.parse(text.replace('0000178000', '0000178001', 1))), ['lockbox_total'])
        self.assert_unreadable('truncated', text[:400])

    def test_advice_table(self):
        source = parsers.advice.open_table(sample('advice.csv'))
        table = parsers.advice.read_table(source, parsers.advice.propose_columns(source.headers))
        self.assertEqual(
            [(line.number, line.amount, line.deduction, line.reason) for _row, line in table['lines']],
            [('INV/2026/00001', Decimal('1000.00'), None, ''),
             ('INV/2026/00002', Decimal('480.00'), Decimal('20.00'), 'two boxes broken')])
        self.assertEqual((table['total'], table['reference'], table['question']), (Decimal('1480.00'), 'HF-77', None))
        self.assertEqual(
            [(row, column, code) for row, _text, column, code, _params in table['refused']],
            [(4, 'Amount paid', 'amount')])

    def test_a_missing_package_is_one_sentence(self):
        for name, module, package in (
            ('statement.mt940', 'mt940', 'mt-940'), ('statement.bai2', 'bai2.bai2', 'bai2'),
        ):
            with patch.dict(sys.modules, {module: None}):
                error = self.assert_unreadable('no_library', sample(name))
                self.assertEqual(error.params, {'package': package})
                self.assertEqual(self.parse(sample('statement.camt053.xml')).kind, 'camt053', "nothing else breaks")

    def test_examples_in_docstrings(self):
        for module in (parsers, *(getattr(parsers, name) for name in (
                'advice', 'bai2', 'base', 'camt', 'lockbox', 'mt940', 'ofx'))):
            result = doctest.testmod(module)
            self.assertEqual(result.failed, 0, module.__name__)

    def test_rubbish_ends_in_a_message(self):
        """Random bytes, truncated and damaged files: a sentence that exists, or entries; never a traceback."""
        random.seed(940)
        files = [sample(name) for name in (*BANK_FILES, 'advice.csv')]
        for number in range(400):
            data = bytearray(random.choice(files))
            if number % 4 == 0:
                data = data[:random.randrange(len(data))]
            elif number % 4 == 1:
                data = bytearray(random.randrange(256) for _ in range(random.randrange(200)))
            else:
                for _ in range(random.randrange(1, 10)):
                    data[random.randrange(len(data))] = random.choice((*b'0123456789,:/<>\n;"', random.randrange(256)))
            with self.subTest(number=number):
                self.assert_no_traceback(bytes(data))

    def assert_no_traceback(self, data):
        try:
            if parsers.read_bank_file(data) is None:
                source = parsers.advice.open_table(data)
                parsers.advice.read_table(source, parsers.advice.propose_columns(source.headers))
        except Unreadable as error:
            self.assertNotEqual(error.code, 'broken')
            self.assertTrue(error.code == 'table' or texts.FILE_PROBLEMS[error.code]._source % error.params)
