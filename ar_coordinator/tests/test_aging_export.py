"""XLSX and PDF of the aged receivables: the figures of get_data, typed, safe, and only for those who may see them."""
import io
import json
from unittest.mock import patch

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..reports import ar_aging_export, ar_aging_xlsx
from .common import ArCommon


class AgingExportCommon(ArCommon):
    """35 days overdue and part-paid; 30 days overdue and half disputed with cash on account; not due in EUR."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_customer.name = '=HYPERLINK("http://evil.example.com","Click")'
        cls.overdue = cls.ar_invoice(10_000, '2016-11-30', '2017-02-28')
        cls.ar_pay(cls.overdue, '2017-01-30', 4_500)
        cls.disputed = cls.ar_invoice(800, '2017-02-03', '2017-03-05', partner=cls.other_customer)
        cls.ar_cash(250, '2017-03-01', partner=cls.other_customer)
        cls.foreign = cls.ar_invoice(100, '2017-04-01', '2017-05-01', currency_id=cls.eur.id)  # 200.00 in USD
        cls.env['ar.dispute'].create({
            'move_id': cls.disputed.id, 'amount': 300, 'date_open': '2017-03-10',
            'reason_id': cls.env['ar.dispute.reason'].search([], limit=1).id})
        cls.options = {'as_of': '2017-04-04', 'company_ids': cls.company.ids}

    def workbook(self, values=True, **options):
        content = self.env['ar.aging.report'].get_xlsx({**self.options, **options})
        return load_workbook(io.BytesIO(content), data_only=values)


@tagged('post_install', '-at_install')
class TestAgingXlsx(AgingExportCommon):

    def test_table_is_get_data(self):
        """Every cell of the table equals get_data; totals carry their values."""
        data = self.env['ar.aging.report'].get_data(self.options)
        sheet = self.workbook()["Aged Receivables"]
        rows = [list(row) for row in sheet.iter_rows(min_row=6, values_only=True)]
        self.assertEqual(rows[:-1], [
            [row['name'], *row['amounts'], row['unapplied'], row['total'], row['disputed']]
            for row in data['rows']])
        totals = data['totals']
        self.assertEqual(rows[-1], [
            "Total", *totals['amounts'],
            *(totals[name] for name in ('unapplied', 'total', 'disputed'))])
        self.assertEqual(rows, [
            ['=HYPERLINK("http://evil.example.com","Click")', 0, 800, 0, 0, 0, 0, -250, 550, 300],
            ["Harbour Fish Ltd", 200, 0, 5500, 0, 0, 0, 0, 5700, 0],
            ["Total", 200, 800, 5500, 0, 0, 0, -250, 6250, 300],
        ])

    def test_30_days_overdue_is_one_bucket_in_every_report(self):
        """semantics 9.23: an item exactly 30 days overdue is in 1-30, one of 31 days in 31-60, wherever one looks."""
        items = {
            30: self.disputed.name,  # due 2017-03-05
            31: self.ar_invoice(99, '2017-03-01', '2017-03-04', partner=self.other_customer).name,
        }
        report = self.env['ar.aging.report']
        data = report.get_data(self.options)
        [row] = [row for row in data['rows'] if row['id'] == self.other_customer.id]
        self.assertEqual(row['amounts'][:3], [0, 800, 99])
        found = {item['move_name']: item for item in report.get_items(self.options)}
        in_sheet = {row[1]: row[7] for row in self.workbook()["Open Items"].iter_rows(values_only=True)}
        for days, label in ((30, "1-30"), (31, "31-60")):
            item = found[items[days]]
            self.assertEqual((item['days'], data['buckets'][item['bucket']]['label']), (days, label))
            self.assertEqual(in_sheet[items[days]], label)
        page = report._pdf_values({**self.options, 'limit': None, 'offset': 0})['pages'][0]
        [cells] = [cells for name, cells, _level in page if name == self.other_customer.name]
        self.assertEqual(cells[:3], ["0.00", "800.00", "99.00"])

    def test_totals_are_formulas(self):
        sheet = self.workbook(values=False)["Aged Receivables"]
        self.assertEqual(
            [cell.value for cell in sheet[8]],
            ["Total", *(f'=SUM({letter}6:{letter}7)' for letter in 'BCDEFGHIJ')])
        self.assertEqual(sheet['I6'].value, '=SUM(B6:H6)')

    def test_headings_and_formats(self):
        sheet = self.workbook()["Aged Receivables"]
        self.assertEqual([cell.value for cell in sheet[5]], [
            "Customer", "Not due", "1-30", "31-60", "61-90", "91-120", "Over 120", "Unapplied", "Total",
            "Disputed"])
        self.assertEqual(sheet.freeze_panes, 'B6')
        self.assertEqual(sheet['B6'].number_format, '#,##0.00')

    def test_number_format_follows_the_currency(self):
        """An amount in a currency without decimals shows none."""
        yen = self.setup_other_currency('JPY', rates=[('1900-01-01', 100.0)])
        self.ar_invoice(5_000, '2017-04-02', '2017-05-01', currency_id=yen.id)
        sheet = self.workbook()["Open Items"]
        [row] = [row for row in sheet.iter_rows(min_row=2) if row[9].value == 'JPY']
        self.assertEqual((row[10].value, row[10].number_format), (5000, '#,##0'))
        self.assertEqual((row[13].value, row[13].number_format), (50, '#,##0.00'))

    def test_open_items(self):
        """The second sheet lists the items, in their own and in company currency."""
        sheet = self.workbook()["Open Items"]
        rows = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
        items = {row[1]: row for row in rows[:-1]}
        self.assertEqual(len(items), 4)
        foreign = items[self.foreign.name]
        self.assertEqual(foreign[0], "Harbour Fish Ltd")
        self.assertEqual(foreign[6].date().isoformat(), '2017-05-01')
        self.assertEqual(foreign[7:], ["Not due", -27, 'EUR', 100, 0, self.company.currency_id.name, 200, 0])
        disputed = items[self.disputed.name]
        self.assertEqual(disputed[7:9] + disputed[13:], ["1-30", 30, 800, 300])
        [credit] = [row for row in rows[:-1] if row[13] < 0]
        self.assertEqual((credit[7], credit[13]), ("Unapplied credits", -250))
        self.assertEqual(rows[-1][13:], [6250, 300])
        self.assertEqual(rows[-1][0], "Total")

    def test_items_split_over_sheets(self):
        """More items than a sheet holds go on on the next: none is lost."""
        with patch.object(ar_aging_xlsx, 'ITEMS_PER_SHEET', 3), patch.object(ar_aging_export, 'ITEMS_PER_QUERY', 2):
            workbook = self.workbook()
        self.assertEqual(workbook.sheetnames, ["Aged Receivables", "Open Items", "Open Items 2", "Parameters"])
        first = list(workbook["Open Items"].iter_rows(min_row=2, values_only=True))
        second = list(workbook["Open Items 2"].iter_rows(min_row=2, values_only=True))
        self.assertEqual((len(first), len(second)), (4, 2))  # 3 and 1 items, and the totals
        self.assertEqual(first[-1][13] + second[-1][13], 6250)

    def test_no_formula_injection(self):
        """Names and references of others stay text, whatever they begin with."""
        self.disputed.ref = '+1+cmd|calc'
        workbook = self.workbook(values=False)
        self.assertEqual(workbook["Aged Receivables"]['A6'].data_type, 's')
        formulas = [
            cell.value for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.data_type == 'f']
        self.assertTrue(formulas)
        self.assertEqual([formula for formula in formulas if not formula.startswith('=SUM(')], [])
        self.assertIn('+1+cmd|calc', [cell.value for cell in workbook["Open Items"]['C']])

    def test_parameters(self):
        sheet = self.workbook()["Parameters"]
        parameters = {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}
        self.assertEqual(parameters["As of"].date().isoformat(), '2017-04-04')
        self.assertEqual(parameters["Basis"], "Aged by due date")
        self.assertEqual(parameters["Last day of each column"], "30, 60, 90, 120")
        self.assertEqual(parameters["Companies"], self.company.name)
        self.assertEqual(parameters["User"], self.env.user.name)
        self.assertEqual(parameters["Difference to the general ledger"], 0)

    def test_nothing_open(self):
        """Without open items the file is empty, not broken."""
        workbook = self.workbook(as_of='2010-01-01')
        self.assertEqual(workbook["Aged Receivables"].max_row, 5)
        self.assertEqual(workbook["Open Items"].max_row, 1)

    def test_page_of_the_screen_does_not_limit_the_file(self):
        sheet = self.workbook(limit=1, offset=1)["Aged Receivables"]
        self.assertEqual(sheet.max_row, 8)


@tagged('post_install', '-at_install')
class TestAgingPdf(AgingExportCommon):

    def test_page_shows_get_data(self):
        html = self.env['ar.aging.report']._get_pdf_html(self.options)
        for text in ("5,500.00", "-250.00", "6,250.00", "As of 04/04/2017", self.company.name, "Page 1 of 1"):
            self.assertIn(text, html)
        self.assertIn("Difference to the general ledger: <strong>0.00</strong>", " ".join(html.split()))
        self.assertNotIn('src=', html)  # self-contained: renders without a server

    def test_names_are_escaped(self):
        self.customer.name = "<script>alert(1)</script>"
        html = self.env['ar.aging.report']._get_pdf_html(self.options)
        self.assertNotIn("<script>", html)
        self.assertIn("&lt;script&gt;", html)

    def test_heading_on_every_page(self):
        with patch.object(ar_aging_export, 'ROWS_PER_PAGE', 1):
            html = self.env['ar.aging.report']._get_pdf_html(self.options)
        self.assertEqual(html.count("<thead>"), 2)
        self.assertIn("Page 2 of 2", html)
        self.assertEqual(html.count("6,250.00"), 1)  # the totals, at the end

    def test_pdf(self):
        """One landscape page, made without a server."""
        pdf = PdfReader(io.BytesIO(self.env['ar.aging.report'].get_pdf(self.options)))
        self.assertEqual(len(pdf.pages), 1)
        self.assertGreater(pdf.pages[0].mediabox.width, pdf.pages[0].mediabox.height)
        self.assertIn("6,250.00", pdf.pages[0].extract_text())

    def test_many_columns_fit_the_page(self):
        """No amount is cut off at the edge of the page: thirteen columns of long amounts, read back from the PDF."""
        self.ar_invoice(1_234_567_890.12, '2016-01-01', '2016-01-31')
        options = {**self.options, 'bucket_limits': [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]}
        page = PdfReader(io.BytesIO(self.env['ar.aging.report'].get_pdf(options))).pages[0]
        text = page.extract_text()
        self.assertIn("1,234,567,890.12", text)
        self.assertIn("1,234,574,140.12", text)  # the total
        self.assertIn("Disputed", text)  # the last column

    def test_without_wkhtmltopdf(self):
        report = self.env.registry['ir.actions.report']
        with patch.object(report, 'get_wkhtmltopdf_state', lambda _self: 'install'), \
                self.assertRaisesRegex(UserError, "wkhtmltopdf is missing"):
            self.env['ar.aging.report'].get_pdf(self.options)


@tagged('post_install', '-at_install')
class TestAgingRoutes(AgingExportCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ar_user('ar_reader', 'ar_coordinator.group_ar_readonly')
        cls.ar_user('ar_stranger', 'base.group_user')
        cls.ar_user('ar_portal', 'base.group_portal')
        cls.foreign_company = cls.env['res.company'].create({'name': "AR test company of others"})

    def download(self, login, file_format='xlsx', **options):
        self.authenticate(login, login)
        return self.url_open(
            f'/ar_coordinator/aging/{file_format}', params={'options': json.dumps({**self.options, **options})})

    def test_reader_gets_both_files(self):
        answer = self.download('ar_reader')
        self.assertEqual(answer.status_code, 200)
        workbook = load_workbook(io.BytesIO(answer.content), data_only=True)
        self.assertEqual(workbook["Aged Receivables"]['I8'].value, 6250)
        self.assertIn("2017-04-04.xlsx", answer.headers['Content-Disposition'])
        answer = self.download('ar_reader', 'pdf')
        self.assertEqual((answer.status_code, answer.content[:5]), (200, b'%PDF-'))

    @mute_logger('odoo.http')  # the refusals are the point
    def test_others_are_refused(self):
        for login in ('ar_stranger', 'ar_portal'):
            for file_format in ('xlsx', 'pdf'):
                answer = self.download(login, file_format)
                self.assertEqual(answer.status_code, 403, f"{login} {file_format}")
                self.assertNotIn(b'6,250.00', answer.content)

    def test_public_is_asked_to_log_in(self):
        answer = self.url_open('/ar_coordinator/aging/xlsx', allow_redirects=False)
        self.assertEqual(answer.status_code, 303)
        self.assertIn('/web/login', answer.headers['Location'])

    @mute_logger('odoo.http')  # the refusal is the point
    def test_company_not_allowed_is_refused(self):
        answer = self.download('ar_reader', company_ids=[self.company.id, self.foreign_company.id])
        self.assertEqual(answer.status_code, 403)

    @mute_logger('odoo.http')  # the refusals are the point
    def test_bad_options_are_refused(self):
        self.authenticate('ar_reader', 'ar_reader')
        for options in ('{', '[]', '{"company_ids": "1"}', '{"company_ids": [true]}'):
            answer = self.url_open('/ar_coordinator/aging/xlsx', params={'options': options})
            self.assertEqual(answer.status_code, 400, options)

    def test_first_company_gives_the_currency(self):
        """Where currencies differ, the company that is first in the switcher decides, as on the screen."""
        euro_company = self.env['res.company'].create({'name': "AR test branch in euros", 'currency_id': self.eur.id})
        self.env['res.users'].search([('login', '=', 'ar_reader')]).company_ids = [Command.link(euro_company.id)]
        answer = self.download('ar_reader', company_ids=[euro_company.id, self.company.id])
        parameters = {
            row[0]: row[1]
            for row in load_workbook(io.BytesIO(answer.content))["Parameters"].iter_rows(values_only=True)}
        self.assertEqual(parameters["Currency"], 'EUR')
