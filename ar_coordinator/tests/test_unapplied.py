"""Unapplied cash and credit balances: amounts, ages, files, roles; the first report made of tables."""
import io
import json
from unittest.mock import patch

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..models import ar_table_report
from ..reports import ar_table_export
from .common import ArCommon


class UnappliedCommon(ArCommon):
    """Harbour owes 500, has 120 cash (30 days) and a credit note of 30 (91 days); Alder has 50 more than it owes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ar_invoice(500, '2026-03-01', '2026-03-15')
        cls.cash = cls.ar_cash(120, '2026-03-01')
        cls.refund = cls.ar_invoice(30, '2025-12-30', move_type='out_refund')
        cls.ar_invoice(200, '2026-02-15', partner=cls.other_customer)
        cls.eur_cash = cls.ar_cash(100, '2026-02-10', partner=cls.other_customer, currency_id=cls.eur.id)  # 250 in USD
        part = cls.ar_invoice(70, '2026-03-05')
        cls.ar_pay(part, '2026-03-20')  # matched: no part of the list
        cls.options = {'as_of': '2026-03-31', 'company_ids': cls.company.ids}

    def data(self, **options):
        return self.env['ar.unapplied.report'].get_data({**self.options, **options})


@tagged('post_install', '-at_install')
class TestUnapplied(UnappliedCommon):

    def test_exact_amounts(self):
        """Customers by what is unapplied; ages in their columns; the balance beside."""
        data = self.data()
        self.assertEqual(
            [(row['name'], row['ages'], row['unapplied'], row['balance'], row['oldest_days'])
             for row in data['rows']], [
                ("Alder & Sons", [0, -250, 0, 0], -250, -50, 49),
                ("Harbour Fish Ltd", [-120, 0, 0, -30], -150, 350, 91)])
        self.assertEqual(data['totals'], {'ages': [-120, -250, 0, -30], 'unapplied': -400, 'balance': 300})
        [item] = data['rows'][0]['items']
        self.assertEqual(
            (item['kind'], item['residual'], item['residual_currency'], item['currency_id'], item['date']),
            ('payment', -250, -100, self.eur.id, '2026-02-10'))
        self.assertEqual(
            [(item['kind'], item['days'], item['residual']) for item in data['rows'][1]['items']],
            [('credit_note', 91, -30), ('payment', 30, -120)])

    def test_total_is_the_aged_reports(self):
        """Two screens cannot disagree: the total is the column Unapplied of the aged receivables, at any date."""
        for as_of in ('2025-12-30', '2026-02-12', '2026-03-10', '2026-03-31', '2026-04-30'):
            total = self.data(as_of=as_of)['totals']['unapplied']
            self.assertEqual(total, self.aged(as_of)['totals']['unapplied'], as_of)

    def test_past_date(self):
        """What is matched later was unapplied before."""
        [line] = self.ar_lines(self.cash)
        invoice = self.ar_invoice(120, '2026-04-10')
        self.ar_match(self.cash, invoice)
        self.assertEqual(self.data()['totals']['unapplied'], -400)
        self.assertEqual(self.data(as_of='2026-04-10')['totals']['unapplied'], -280)
        self.assertTrue(line.reconciled)

    def test_choices(self):
        self.assertEqual(self.data(show='payments')['totals']['unapplied'], -370)
        self.assertEqual([row['name'] for row in self.data(show='credit_balances')['rows']], ["Alder & Sons"])
        self.assertEqual(self.data(partner_ids=self.customer.ids)['totals']['unapplied'], -150)
        with self.assertRaisesRegex(UserError, "no choice everything"):
            self.data(show='everything')
        with self.assertRaisesRegex(UserError, "Unknown option: bucket_limits"):
            self.data(bucket_limits=[30])
        with self.assertRaisesRegex(UserError, "not a date"):
            self.data(as_of='yesterday')

    def test_two_companies_three_currencies(self):
        """Columns add up to the row and to the aged report where companies' currencies differ."""
        branch = self.setup_other_company(name="AR branch", currency_id=self.eur.id)['company']
        self.env.user.company_ids |= branch
        gbp = self.setup_other_currency('GBP', rates=[])
        self.env['res.currency.rate'].create({
            'name': '1900-01-01', 'currency_id': gbp.id, 'rate': 0.87, 'company_id': branch.id})
        for amount, date, currency in ((33.33, '2026-03-01', self.eur), (10.01, '2026-02-01', gbp)):
            journal = self.env['account.journal'].search(
                [('company_id', '=', branch.id), ('type', '=', 'bank')], limit=1)
            self.env['account.payment'].with_company(branch).create({
                'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': self.customer.id,
                'amount': amount, 'date': date, 'journal_id': journal.id, 'currency_id': currency.id}).action_post()
        both = {'company_ids': [self.company.id, branch.id]}
        data = self.data(**both)
        aged = self.aged('2026-03-31', **both)
        self.assertEqual(data['currency_id'], self.company.currency_id.id)
        self.assertAlmostEqual(data['totals']['unapplied'], aged['totals']['unapplied'], 2)
        for row in data['rows']:
            self.assertAlmostEqual(sum(row['ages']), row['unapplied'], 2)
        harbour = next(row for row in data['rows'] if row['id'] == self.customer.id)
        # 33.33 EUR and 10.01 GBP (11.51 EUR) are 44.84 EUR in the branch's books; at 0.625 per USD 53.33 + 18.42
        branch_total = sum(item['residual'] for item in harbour['items'] if item['company_id'] == branch.id)
        self.assertAlmostEqual(branch_total, -44.84, 2)
        self.assertAlmostEqual(harbour['unapplied'], -221.75, 2)

    def test_roles(self):
        reader = self.ar_user('unapplied_reader', 'ar_coordinator.group_ar_readonly')
        report = self.env['ar.unapplied.report']
        self.assertEqual(report.with_user(reader).get_data(self.options)['totals']['unapplied'], -400)
        stranger = self.ar_user('unapplied_stranger', 'base.group_user')
        for method in ('get_data', 'get_screen', 'get_xlsx', 'get_pdf'):
            with self.assertRaises(AccessError):
                getattr(report.with_user(stranger), method)(self.options)
        other = self.env['res.company'].create({'name': "AR of others"})
        with self.assertRaises(AccessError):
            report.with_user(reader).get_data({'company_ids': other.ids})

    def test_xlsx_is_get_data(self):
        """The sheet reopened: every row and amount of the report, typed, and how it was made."""
        data = self.data()
        workbook = load_workbook(io.BytesIO(self.env['ar.unapplied.report'].get_xlsx(self.options)))
        self.assertEqual(workbook.sheetnames, ["Unapplied Credits", "Parameters"])
        sheet = workbook["Unapplied Credits"]
        self.assertEqual([cell.value for cell in sheet[5]], [
            "Customer", "Kind", "Date", "Age", "0-30 days", "31-60 days", "61-90 days", "Over 90 days", "Unapplied",
            "Balance", "In its currency", "Owner", "Next Step", "Follow-Up on"])
        lines = list(sheet.iter_rows(min_row=6, max_row=11, values_only=True))
        alder, harbour = data['rows']
        self.assertEqual(lines[0][:10], ("Alder & Sons", None, None, 49, *alder['ages'], -250, -50))
        self.assertEqual(lines[1][3:10], (49, None, -250, None, None, -250, None))
        self.assertEqual(str(lines[1][2])[:10], '2026-02-10')
        self.assertEqual(lines[2][:10], ("Harbour Fish Ltd", None, None, 91, *harbour['ages'], -150, 350))
        self.assertEqual(lines[5][:10], ("Total", None, None, None, *data['totals']['ages'], -400, 300))
        parameters = dict(workbook["Parameters"].iter_rows(values_only=True))
        self.assertEqual(str(parameters["As of"])[:10], '2026-03-31')
        self.assertEqual(
            (parameters["Companies"], parameters["Show"], parameters["User"], parameters["Currency"]),
            (self.company.name, "All unapplied credits", self.env.user.name, 'USD'))
        self.assertIn("Generated at", parameters)

    def test_no_text_becomes_a_formula(self):
        self.customer.name = "=1+1"
        sheet = load_workbook(io.BytesIO(self.env['ar.unapplied.report'].get_xlsx(self.options))).worksheets[0]
        cell = next(cell for cell in sheet['A'] if cell.value == "=1+1")
        self.assertEqual(cell.data_type, 's')

    def test_pdf(self):
        """Amounts, parameters, user and page number on paper."""
        pdf = PdfReader(io.BytesIO(self.env['ar.unapplied.report'].get_pdf(self.options)))
        [page] = pdf.pages
        text = " ".join(page.extract_text().split())
        for part in ("Unapplied Credits", self.company.name, "As of: 03/31/2026", "-400.00", "Alder & Sons",
                     self.env.user.name, "Page 1 of 1", "-100.00 EUR"):
            self.assertIn(part, text)

    def test_pdf_breaks_pages(self):
        """A long list has its heading on every page; no row gets lost."""
        for number in range(12):
            partner = self.env['res.partner'].create({'name': f"Customer {number:02}"})
            self.ar_misc(-10 - number, '2026-03-30', partner=partner)
        with patch.object(ar_table_export, 'LINES_PER_PAGE', 14):
            pdf = PdfReader(io.BytesIO(self.env['ar.unapplied.report'].get_pdf(self.options)))
        texts = [" ".join(page.extract_text().split()) for page in pdf.pages]
        self.assertEqual(len(texts), 4)  # 30 rows, 9 on a page beside title and headings
        for text in texts:
            self.assertIn("61-90 days", text)
        whole = " ".join(texts)
        self.assertTrue(all(f"Customer {number:02}" in whole for number in range(12)))
        self.assertEqual(whole.count("-586.00"), 1)  # the total, at the end: 400 + 12 * 10 + 66

    def test_screen(self):
        """What the screen gets: filters with their values, rows cut to a step, totals always."""
        report = self.env['ar.unapplied.report']
        with patch.object(ar_table_report, 'ROWS_PER_STEP', 3):
            screen = report.get_screen(self.options)
            [more] = report.get_screen(self.options, {'unapplied': 5})['tables']
        [table] = screen['tables']
        self.assertEqual((screen['title'], screen['values']['as_of']), ("Unapplied Credits", '2026-03-31'))
        self.assertEqual((table['row_count'], len(table['rows'])), (6, 4))
        self.assertEqual(table['rows'][-1]['level'], 'total')
        self.assertEqual(len(more['rows']), 6)
        screen = report.get_screen({'company_ids': self.company.ids}, None, {
            'as_of': '2026-02-12', 'show': 'payments', 'partner_ids': f'{self.customer.id}', 'action': 'x'})
        self.assertEqual(screen['options'], {
            'company_ids': self.company.ids, 'as_of': '2026-02-12', 'show': 'payments',
            'partner_ids': self.customer.ids})
        for nonsense in ({'as_of': 'soon'}, {'show': 'x'}, {'partner_ids': 'a-b'}):
            self.assertEqual(report.get_screen(self.options, None, nonsense)['options'], self.options)

    def test_queries_do_not_grow(self):
        """The same queries for 2 customers and for 40."""
        report = self.env['ar.unapplied.report']
        report.get_screen(self.options)
        self.env.invalidate_all()
        with self.assertQueryCount(25):
            report.get_screen(self.options)
        for number in range(40):
            self.ar_misc(-10, '2026-03-30', partner=self.env['res.partner'].create({'name': f"Customer {number:02}"}))
        self.env.invalidate_all()
        with self.assertQueryCount(25):
            report.get_screen(self.options)


@tagged('post_install', '-at_install')
class TestUnappliedRoutes(UnappliedCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ar_user('unapplied_reader', 'ar_coordinator.group_ar_readonly')
        cls.ar_user('unapplied_stranger', 'base.group_user')

    def download(self, login, model='ar.unapplied.report', file_format='xlsx'):
        self.authenticate(login, login)
        return self.url_open(
            f'/ar_coordinator/table/{model}/{file_format}', params={'options': json.dumps(self.options)})

    def test_files(self):
        answer = self.download('unapplied_reader')
        self.assertEqual(answer.status_code, 200)
        self.assertIn("Unapplied%20Credits%202026-03-31.xlsx", answer.headers['Content-Disposition'])
        self.assertEqual(load_workbook(io.BytesIO(answer.content)).worksheets[0]['A6'].value, "Alder & Sons")
        answer = self.download('unapplied_reader', file_format='pdf')
        self.assertEqual((answer.status_code, answer.content[:5]), (200, b'%PDF-'))

    @mute_logger('odoo.http')  # the refusals are the point
    def test_refused(self):
        self.assertEqual(self.download('unapplied_stranger').status_code, 403)
        for model in ('res.users', 'ar.table.report', 'ar.aging.report', 'no.such.model'):
            self.assertEqual(self.download('unapplied_reader', model).status_code, 404, model)


@tagged('post_install', '-at_install')
class TestUnappliedTour(UnappliedCommon, HttpCase):

    def test_unapplied_report(self):
        """Open, unfold, another date and choice, drill down and back, export."""
        self.ar_user('unapplied_tour', 'ar_coordinator.group_ar_user')
        self.start_tour('/odoo/ar-unapplied?as_of=2026-03-31', 'ar_unapplied_report', login='unapplied_tour')


@tagged('post_install', '-at_install')
class TestUnappliedTourPhone(UnappliedCommon, HttpCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_unapplied_report_phone(self):
        self.ar_user('unapplied_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour('/odoo/ar-unapplied?as_of=2026-03-31', 'ar_unapplied_report_phone', login='unapplied_tour')
