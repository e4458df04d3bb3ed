"""Files of the aged receivables print what is on the screen: columns, order, filters, unfolded rows; nothing else."""
import io

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo.exceptions import UserError
from odoo.tests import tagged

from .aging_common import AgingCommon


@tagged('post_install', '-at_install')
class TestAgedFiles(AgingCommon):

    def get_sheet(self, name="Aged Receivables", **options):
        content = self.env['ar.aging.report'].get_xlsx({
            'as_of': self.as_of, 'company_ids': self.company.ids, **options})
        return load_workbook(io.BytesIO(content), data_only=True)[name]

    def get_rows(self, **options):
        """Rows of the table's sheet, from its headings on."""
        return [list(row) for row in self.get_sheet(**options).iter_rows(min_row=5, values_only=True)]

    def get_pdf_text(self, **options):
        content = self.env['ar.aging.report'].get_pdf({
            'as_of': self.as_of, 'company_ids': self.company.ids, **options})
        pages = PdfReader(io.BytesIO(content)).pages
        return " ".join(" ".join(page.extract_text() for page in pages).split())

    def test_columns_and_their_order(self):
        """The file has the columns of the screen in their order, each cell being that of get_data."""
        options = {
            'columns': ['oldest_days', 'total', 'buckets', 'last_payment', 'average_days', 'limit_used'],
            'order': 'total desc'}
        rows = self.get_rows(**options)
        data = self.get_table(**options)
        report = self.env['ar.aging.report']
        self.assertEqual(rows[0], ["Customer", *(column['label'] for column in data['columns'])])
        self.assertEqual(rows[0][:4], ["Customer", "Oldest (days)", "Total", "Not due"])
        for line, row in zip(rows[1:-1], data['rows'], strict=True):
            expected = [report._get_value(row, column['key'], data) for column in data['columns']]
            found = [value.date().isoformat() if hasattr(value, 'date') else value for value in line[1:]]
            self.assertEqual((line[0], found), (row['name'], expected))
        self.assertEqual(rows[-1], ["Total", 120, 899, 100, 200, 560, 9, 70, 0, None, 49.1, None])

    def test_unfolded_rows(self):
        """Two levels: the group that is unfolded is followed by its groups, these by their items; others stay shut."""
        kingdom, france = self.quick_ref('base.uk').id, self.quick_ref('base.fr').id
        options = {'group_by': ['country', 'tag'], 'columns': ['total'], 'unfolded': [
            {'path': [kingdom]}, {'path': [kingdom, self.retail.id]}, {'path': [france, self.north.id]}]}
        rows = self.get_rows(**options)
        self.assertEqual(rows[0], ["Country / Tag", "Total"])
        self.assertEqual([row for row in rows[1:] if "INV/" not in row[0]], [
            ["France", 320], ["No country", 9], ["United Kingdom", 570], ["No tag", 70], ["Retail", 500],
            ["Total", 899]])
        [item] = [row for row in rows if "INV/" in row[0]]
        self.assertEqual((item[0].split(" · ")[0], item[1]), (self.of_branch.name, 500))
        self.assertEqual(rows.index(item), 6)
        text = self.get_pdf_text(**options)
        self.assertIn(self.of_branch.name, text)
        self.assertNotIn(self.late.name, text)
        with self.assertRaises(UserError):
            self.get_rows(unfolded=['all'])

    def test_items_under_their_columns(self):
        rows = self.get_rows(unfolded=[{'path': [self.customer.id]}])
        items = {row[0].split(" · ")[0]: row[1:] for row in rows if "INV/" in row[0]}
        self.assertEqual(items, {
            self.not_due.name: [100, None, None, None, None, None, None, 100, None],
            self.late.name: [None, 200, None, None, None, None, None, 200, None],
            self.in_eur.name: [None, None, 60, None, None, None, None, 60, None]})

    def test_comparison(self):
        """Each bucket is followed by its change, the total by the total before and the change."""
        rows = self.get_rows(compare_to='2026-02-28', columns=['buckets', 'unapplied', 'total'], group_by='company')
        self.assertEqual(rows[0][:5], ["Company", "Not due", "Change: Not due", "1-30", "Change: 1-30"])
        self.assertEqual(rows[0][-5:], ["Unapplied", "Change: Unapplied", "Total", "Total before", "Change"])
        self.assertEqual(rows[1][1:], [100, -100, 200, -360, 560, 551, 9, -61, 70, 70, 0, 0, -40, -25, 899, 824, 75])
        self.assertEqual(rows[2][1:], rows[1][1:])
        self.assertIn("compared with 02/28/2026", self.get_sheet(compare_to='2026-02-28')['A3'].value)

    def test_document_currency(self):
        """A currency column, a total per currency, numbers with the currency's decimals."""
        options = {'amounts_in': 'document', 'columns': ['total']}
        sheet = self.get_sheet(**options)
        rows = [list(row) for row in sheet.iter_rows(min_row=5, values_only=True)]
        self.assertEqual(rows[0], ["Customer", "Currency", "Total"])
        self.assertEqual(rows[1], ["Alder & Sons", "JPY", 7000])
        self.assertEqual(sheet['C6'].number_format, '#,##0')
        self.assertEqual(
            {row[1]: row[2] for row in rows if row[0] == "Total"}, {"USD": 769, "EUR": 30, "JPY": 7000})
        text = self.get_pdf_text(**options)
        for part in ("7,000", "769.00", "JPY", "Amounts in the documents' currencies"):
            self.assertIn(part, text)

    def test_filters_are_named(self):
        sheet = self.get_sheet("Parameters", tag_ids=[0, self.north.id], collector_ids=[self.ann.id])
        parameters = {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}
        self.assertEqual((parameters["Tag"], parameters["Collector"]), ("North, No tag", "Ann"))
        names = [row[0] for row in self.get_rows(tag_ids=[0, self.north.id])]
        self.assertEqual(names[1:], ["Alder & Sons", "Harbour Fish Ltd", "No customer", "Total"])
        items = self.get_sheet("Open Items", tag_ids=[self.north.id])
        names = {row[0] for row in items.iter_rows(min_row=2, values_only=True)}
        self.assertEqual(names, {"Harbour Fish Ltd", "Total"})
