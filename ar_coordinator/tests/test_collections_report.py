"""The weekly collections report on a hand-built ledger: exact amounts, files that say the same, who may see it."""
import io
from datetime import datetime

from freezegun import freeze_time
from openpyxl import load_workbook
from pypdf import PdfReader

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from .test_invoice_delivery import DeliveryCommon


class CollectionsCommon(DeliveryCommon):
    """Tuesday 2026-03-31: the week began on the 30th. Kit collects from Harbour Fish, nobody from Alder & Sons."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-03-31 12:00:00'))
        cls.kit = cls.ar_user('collections_kit', 'ar_coordinator.group_ar_user', name="Kit Collector")
        cls.customer.with_company(cls.company).ar_collector_id = cls.kit
        old = cls.ar_invoice(1_000, '2026-03-02', '2026-03-20')
        cls.ar_pay(old, '2026-03-24', amount=300)
        cls.ar_pay(old, '2026-03-30', amount=250)
        cls.old = old
        cls.other = cls.ar_invoice(400, '2026-03-31', '2026-04-10', partner=cls.other_customer)
        cls.ar_cash(90, '2026-03-31', partner=cls.other_customer)
        for user, value in ((False, 500), (cls.kit, 200)):
            cls.env['ar.kpi.target'].create({
                'kpi': 'collected_week', 'value': value, 'date_from': '2026-03-30', 'company_id': cls.company.id,
                'user_id': user and user.id})

    def report(self, **options):
        return self.env['ar.collections.report'].get_data({
            'as_of': '2026-03-31', 'company_ids': self.company.ids, **options})


@tagged('post_install', '-at_install')
class TestCollectionsReport(CollectionsCommon):

    def test_course(self):
        data = self.report(weeks=4)
        self.assertEqual(data['course'], [
            {'week': '2026-03-09', 'date_to': '2026-03-15', 'billed': 0, 'collected': 0, 'target': None,
             'achieved': None, 'outstanding': 1_000, 'overdue': 0},
            {'week': '2026-03-16', 'date_to': '2026-03-22', 'billed': 0, 'collected': 0, 'target': None,
             'achieved': None, 'outstanding': 1_000, 'overdue': 1_000},
            {'week': '2026-03-23', 'date_to': '2026-03-29', 'billed': 0, 'collected': 300, 'target': None,
             'achieved': None, 'outstanding': 700, 'overdue': 700},
            {'week': '2026-03-30', 'date_to': '2026-03-31', 'billed': 400, 'collected': 340, 'target': 500,
             'achieved': 0.68, 'outstanding': 760, 'overdue': 450},
        ])
        self.assertEqual(data['totals'], {'billed': 400, 'collected': 340, 'outstanding': 760, 'overdue': 450})

    def test_groups(self):
        data = self.report()
        self.assertEqual(data['collectors'], [
            {'id': self.kit.id, 'name': "Kit Collector", 'billed': 0, 'collected': 250, 'outstanding': 450,
             'overdue': 450, 'target': 200, 'achieved': 1.25},
            {'id': False, 'name': "No collector", 'billed': 400, 'collected': 90, 'outstanding': 310, 'overdue': 0,
             'target': None, 'achieved': None}])
        self.assertEqual(data['customers'], [
            {'id': self.customer.id, 'name': "Harbour Fish Ltd", 'billed': 0, 'collected': 250, 'outstanding': 450,
             'overdue': 450},
            {'id': self.other_customer.id, 'name': "Alder & Sons", 'billed': 400, 'collected': 90, 'outstanding': 310,
             'overdue': 0}])
        self.assertEqual(
            [(row['name'], row['collected']) for row in self.report(collector_ids=self.kit.ids)['customers']],
            [("Harbour Fish Ltd", 250)])

    def test_earlier_week(self):
        """A past week is what it was, whatever came later."""
        data = self.report(as_of='2026-03-29')
        self.assertEqual(data['totals'], {'billed': 0, 'collected': 300, 'outstanding': 700, 'overdue': 700})
        self.assertEqual([row['name'] for row in data['customers']], ["Harbour Fish Ltd"])

    def test_somebody_who_owes_nothing_any_more(self):
        """Paid in full in the week: the customer is named, with nothing outstanding."""
        self.ar_pay(self.old, '2026-03-31')
        [row] = [row for row in self.report()['customers'] if row['id'] == self.customer.id]
        self.assertEqual((row['name'], row['collected'], row['outstanding']), ("Harbour Fish Ltd", 700, 0))

    def test_deliveries(self):
        """Not sent, never opened and due soon, bounced; what was opened or is not due for long is no trouble."""
        sent = self.ar_invoice(50, '2026-03-20', '2026-04-14')
        later = self.ar_invoice(60, '2026-03-20', '2026-04-15')
        bounced = self.ar_invoice(70, '2026-03-20', '2026-05-20')
        opened = self.ar_invoice(80, '2026-03-20', '2026-04-01')
        for move, status in ((sent, 'sent'), (later, 'sent'), (bounced, 'bounce'), (opened, 'sent')):
            self.deliver(self.send(move), status)
        self.env['ar.invoice.delivery'].sudo()._note_opened(opened, self.env['res.partner'])
        paid = self.ar_invoice(90, '2026-03-20', '2026-04-01')
        self.ar_pay(paid, '2026-03-25')
        parts = self.report()['deliveries']
        self.assertEqual({reason: (part['count'], part['amount'], [row['id'] for row in part['rows']])
                          for reason, part in parts.items()}, {
            'not_sent': (2, 850, [self.old.id, self.other.id]),
            'never_opened': (1, 50, [sent.id]),
            'rejected': (1, 70, [bounced.id])})
        [row] = parts['never_opened']['rows']
        self.assertEqual((row['days'], row['date_due'], row['day'], row['state'], row['channel']),
                         (14, '2026-04-14', '2026-03-31', 'sent', 'email'))
        self.assertEqual(
            self.report(collector_ids=self.kit.ids)['deliveries']['not_sent']['rows'][0]['id'], self.old.id)

    def test_two_companies_three_currencies(self):
        """The second company keeps its books in EUR: 0.625 EUR for 1 of the first's, as of the report's day."""
        other = self.setup_other_company(name="Alder BV", currency_id=self.eur.id)
        gbp = self.setup_other_currency('GBP', rates=[('2026-01-01', 0.5)])
        self.env['res.currency.rate'].create([
            {'currency_id': gbp.id, 'company_id': other['company'].id, 'name': '2026-01-01', 'rate': 0.8},
            {'currency_id': self.company.currency_id.id, 'company_id': other['company'].id, 'name': '2026-01-01',
             'rate': 1.6}])
        self.env.user.company_ids |= other['company']
        invoice = self.env['account.move'].with_company(other['company']).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'currency_id': gbp.id,
            'invoice_date': '2026-03-30', 'date': '2026-03-30', 'invoice_date_due': '2026-04-30',
            'journal_id': other['default_journal_sale'].id, 'company_id': other['company'].id,
            'invoice_line_ids': [Command.create({
                'name': "Goods", 'price_unit': 400, 'tax_ids': [],
                'account_id': other['default_account_revenue'].id})]})
        invoice.action_post()
        self.assertEqual(sum(self.ar_lines(invoice).mapped('balance')), 500, "400 GBP are 500 EUR in its books")
        companies = [self.company.id, other['company'].id]
        env = self.env(context={**self.env.context, 'allowed_company_ids': companies})
        data = env['ar.collections.report'].get_data({'as_of': '2026-03-31', 'company_ids': companies})
        self.assertEqual(data['currency_id'], self.company.currency_id.id)
        self.assertEqual(data['totals'], {'billed': 1_200, 'collected': 340, 'outstanding': 1_560, 'overdue': 450})
        rows = {row['id']: (row['billed'], row['outstanding']) for row in data['customers']}
        self.assertEqual(rows[self.customer.id], (800, 1_250))
        self.assertIsNone(data['course'][-1]['target'], "the second company has none")
        self.assertIn(800, [row['amount'] for row in data['deliveries']['not_sent']['rows']])

    def test_drill_down(self):
        """Every figure that opens something opens what it is the sum of."""
        data = self.report()
        report = self.env['ar.collections.report']
        for table in report._get_tables(data):
            for row in table['rows']:
                for key, drill in row.get('drills', {}).items():
                    action = report.get_drill(*drill['args'])
                    records = self.env[action['res_model']].search(action['domain'])
                    field = {'account.move': 'amount_total_signed', 'account.move.line': 'balance'}[records._name]
                    sign = -1 if key == 'collected' else 1
                    self.assertEqual(sign * sum(records.mapped(field)), row['cells'][key], (table['key'], row, key))
        action = report.get_drill('not_sent', {'as_of': '2026-03-31', 'company_ids': self.company.ids})
        self.assertEqual(self.env['account.move'].search(action['domain']), self.other + self.old)

    def test_xlsx(self):
        """The file reopened has the tables of the screen, and the parameters."""
        options = {'as_of': '2026-03-31', 'company_ids': self.company.ids, 'weeks': 4}
        report = self.env['ar.collections.report']
        data = report.get_data(options)
        book = load_workbook(io.BytesIO(report.get_xlsx(options)))
        tables = report._get_tables(data)
        self.assertEqual(book.sheetnames[:-1], [table['title'] for table in tables])
        for table, sheet in zip(tables, book.worksheets, strict=False):
            cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
            for row in table['rows']:
                [line] = [line for line in cells if line[0] == row['cells']['name']]
                for number, column in enumerate(table['columns']):
                    value = row['cells'].get(column['key'])
                    if column['type'] in ('amount', 'percent', 'integer'):
                        self.assertEqual(line[number], value, (table['key'], column['key']))
        parameters = {row[0].value: row[1].value for row in book.worksheets[-1].iter_rows()}
        self.assertEqual(parameters["Course"], "4 weeks")
        self.assertEqual(str(parameters["Week of"])[:10], '2026-03-31')

    def pdf_text(self, report, **options):
        """The text of a report's PDF, on one line."""
        pdf = PdfReader(io.BytesIO(report.get_pdf({
            'as_of': '2026-03-31', 'company_ids': self.company.ids, **options})))
        return ' '.join(' '.join(page.extract_text() for page in pdf.pages).split())

    def test_pdf_text(self):
        """The pages have every amount of the tables, and who made them."""
        pages = self.pdf_text(self.env['ar.collections.report'])
        for text in ("By Week", "By Collector", "By Customer", "Not Sent Yet", "Sent, Never Opened",
                     "Bounced or Failed", "Kit Collector", "Harbour Fish Ltd", "340.00", "760.00", "125.00",
                     self.env.user.name, self.old.name):
            self.assertIn(text, pages)

    def test_kpi_files(self):
        """The key figures as files: a row per month and the targets, equal to the dashboard's."""
        options = {'as_of': '2026-03-31', 'company_ids': self.company.ids, 'months': 3}
        self.env['ar.kpi.target'].create({
            'kpi': 'overdue_share', 'value': 25, 'date_from': '2026-01-01', 'company_id': self.company.id})
        report = self.env['ar.kpi.report']
        data = report.get_data(options)
        book = load_workbook(io.BytesIO(report.get_xlsx(options)))
        head = [cell.value for cell in next(
            row for row in book['Shares'].iter_rows() if row[0].value == "As of")]
        rows = {row[0].value: dict(zip(head, (cell.value for cell in row), strict=True))
                for row in book['Shares'].iter_rows()}
        self.assertAlmostEqual(rows[datetime(2026, 3, 31)]["Overdue share"], data['overdue_share'] / 100, 9)
        self.assertAlmostEqual(rows["Target"]["Overdue share"], 0.25, 9)
        self.assertAlmostEqual(rows[datetime(2026, 2, 28)]["Overdue share"] or 0, 0, 9)
        pages = self.pdf_text(report, months=3)
        for text in ("Dunning Success by Level", "Collected this month", "640.00"):
            self.assertIn(text, pages)

    def test_who_may_see_it(self):
        options = {'as_of': '2026-03-31', 'company_ids': self.company.ids}
        reader = self.env['ar.collections.report'].with_user(self.reader)
        self.assertEqual(reader.get_data(options)['totals']['collected'], 340)
        nobody = self.ar_user('collections_nobody', 'base.group_user')
        other = self.setup_other_company(name="Elsewhere")['company']
        stranger = new_test_user(self.env, login='collections_stranger', groups='ar_coordinator.group_ar_manager',
                                 company_id=other.id, company_ids=[Command.set(other.ids)])
        for user in (nobody, stranger):
            report = self.env['ar.collections.report'].with_user(user)
            for call in (report.get_data, report.get_xlsx, report.get_pdf, report.get_screen,
                         lambda options, report=report: report.get_drill('billed', options)):
                with self.assertRaises(AccessError):
                    call(options)
        for options in ({'weeks': 5}, {'group_by': 'partner'}):
            with self.assertRaises(UserError):
                self.report(**options)


@tagged('post_install', '-at_install')
class TestCollectionsTour(CollectionsCommon, HttpCase):

    def test_collections_report(self):
        self.ar_user('ar_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour('/odoo/ar-collections', 'ar_collections_report', login='ar_tour')
