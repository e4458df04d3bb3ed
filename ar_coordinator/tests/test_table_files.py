"""Files of table reports, from tables made by hand: what a reader of the XLSX or the page would stumble over."""
import io
from datetime import datetime

from openpyxl import load_workbook

from odoo.tests import TransactionCase, tagged

from ..reports.ar_aging_xlsx import open_workbook
from ..reports.ar_table_xlsx import TableWorkbook


@tagged('post_install', '-at_install')
class TestTableFiles(TransactionCase):

    def setUp(self):
        super().setUp()
        currencies = self.env['res.currency'].with_context(active_test=False)
        self.euro, self.yen = (currencies.search([('name', '=', name)]) for name in ('EUR', 'JPY'))
        self.table = {
            'key': 'main', 'title': "Settled and undone, by those who did it",
            'columns': [
                {'key': 'day', 'label': "As of", 'type': 'date'}, {'key': 'sum', 'label': "Sum", 'type': 'amount'}],
            'rows': [
                {'key': 'a', 'cells': {'day': '2026-03-31', 'sum': 570185.0399999999}},
                {'key': 'b', 'cells': {'day': '2026-02-28', 'sum': -0.001}},
                {'key': 't', 'level': 'total', 'cells': {'day': "Target", 'sum': 12}}],
            'checks': [{'label': "Proof", 'ok': True, 'amount': 0.0, 'currency_id': self.yen.id}]}

    def _write(self, table):
        buffer = io.BytesIO()
        with open_workbook(buffer) as workbook:
            TableWorkbook(self.env, workbook).add_table(("Report", "Company", "Parameters"), table, self.euro.id)
        [sheet] = load_workbook(buffer)
        return sheet

    def _print(self, table):
        [(part, _height)] = self.env['ar.unapplied.report']._get_pdf_parts(table, self.euro.id)
        return part

    def test_typed_cells(self):
        """Amounts have the currency's decimals, days are dates, the label of a total among them stays a text."""
        sheet = self._write(self.table)
        self.assertEqual([[cell.value for cell in row] for row in sheet['A5:B8']], [
            ["As of", "Sum"], [datetime(2026, 3, 31), 570185.04], [datetime(2026, 2, 28), 0], ["Target", 12]])
        self.assertEqual(sheet.auto_filter.ref, 'A5:B7')  # not the total
        self.assertEqual(self._print(self.table)['rows'][2]['cells'], ["Target", "12.00"])

    def test_amounts_of_other_currencies_say_so(self):
        """An amount in another currency than the report's is never printed bare."""
        self.table['rows'][1]['currency_id'] = self.yen.id
        sheet = self._write(self.table)
        self.assertEqual([sheet.cell(line, 2).value for line in range(5, 9)], ["Currency", "EUR", "JPY", "EUR"])
        self.assertEqual(sheet.cell(7, 3).number_format, '#,##0')
        self.assertEqual([sheet.cell(10, column).value for column in (1, 2, 3)], ["Proof", 0, "JPY"])
        part = self._print(self.table)
        self.assertEqual([heading['label'] for heading in part['headings']], ["As of", "Currency", "Sum"])
        self.assertEqual([row['cells'][1] for row in part['rows']], ["EUR", "JPY", "EUR"])
        self.assertEqual(part['checks'][0]['amount'], "0 JPY")

    def test_sheet_names_end_with_a_word(self):
        self.assertEqual(self._write(self.table).title, "Settled and undone, by those…")

    def test_empty_tables_say_so(self):
        sheet = self._write({**self.table, 'rows': [], 'empty': "No day yet."})
        self.assertEqual(sheet['A6'].value, "No day yet.")

    def test_wide_tables_break_their_headings(self):
        """Many long headings make lines of headings, not letters nobody can read."""
        columns = [{'key': f'c{number}', 'label': "Average days beyond terms", 'type': 'days'} for number in range(14)]
        table = {'key': 'wide', 'columns': columns, 'rows': [
            {'key': 'r', 'cells': {column['key']: 1 for column in columns}}]}
        [(part, height)] = self.env['ar.unapplied.report']._get_pdf_parts(table, self.euro.id)
        self.assertGreater(part['font_size'], 11)
        self.assertEqual(height, 7)  # title and space, four lines of headings, the row
