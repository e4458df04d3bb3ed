"""The cash forecast on the screen and in files: the same figures as get_data, and the items behind a column."""
import io

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from .test_cash_forecast import ForecastCommon

AS_OF = '2026-06-10'


class ForecastScreenCommon(ForecastCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.options = {'as_of': AS_OF, 'company_ids': cls.company.ids}
        cls.soon = cls.ar_invoice(1000, '2026-06-10', '2026-06-12')
        cls.overdue = cls.ar_invoice(333.33, '2026-04-01', '2026-05-01', partner=cls.other_customer)
        cls.far = cls.ar_invoice(200, '2026-06-10', '2026-12-31', partner=cls.other_customer)
        cls.promised = cls.ar_invoice(500, '2026-05-01', partner=cls.other_customer)
        cls.ar_promise(cls.promised, '2026-06-16')
        paid = cls.ar_invoice(100, '2026-02-01', '2026-02-15')
        cls.ar_pay(paid, '2026-02-20')


@tagged('post_install', '-at_install')
class TestCashForecastTables(ForecastScreenCommon):

    def screen(self, **options):
        return self.env['ar.cash.forecast'].get_screen({**self.options, **options})

    def test_tables_are_get_data(self):
        data = self.env['ar.cash.forecast'].get_data(self.options)
        main, cases = self.screen()['tables']
        self.assertEqual(
            [column['key'] for column in main['columns']],
            ['name', *(f'w{week}' for week in range(1, 14)), 'weeks', 'later', 'doubtful', 'disputed', 'credits',
             'total'])
        self.assertEqual(main['columns'][1]['label'], "11–13 Jun", "what is left of the week")
        for row, own in zip(main['rows'], (*data['rows'], data['totals']), strict=True):
            self.assertEqual([row['cells'][f'w{week}'] for week in range(1, 14)], own['weeks'])
            for name in ('later', 'doubtful', 'disputed', 'credits', 'total'):
                self.assertEqual(row['cells'][name], own[name])
        self.assertEqual(main['checks'], [{'label': "Difference to the general ledger", 'amount': 0, 'ok': True}])
        self.assertEqual(
            [[row['cells'][f'w{week}'] for week in range(1, 14)] for row in cases['rows']],
            [data['scenarios'][name]['cumulative'] for name in ('best', 'likely', 'worst')])
        self.assertEqual(main['chart']['datasets'][0]['data'], data['totals']['weeks'])

    def test_drill_down_to_the_items(self):
        """The items behind a cell add up to it, to the cent, in every column and case, by every grouping."""
        report = self.env['ar.cash.forecast']
        for options in ({}, {'scenario': 'worst'}, {'group_by': 'collector'}, {'partner_ids': self.other_customer.ids}):
            main = self.screen(**options)['tables'][0]
            for row in main['rows']:
                for key, drill in row['drills'].items():
                    data = report.get_data({**drill['options'], 'company_ids': self.company.ids})
                    self.assertAlmostEqual(
                        sum(item['amount'] for item in data['items']), row['cells'][key], 6, (row['key'], key))
                missing = [name for name, amount in row['cells'].items() if isinstance(amount, float) and amount
                           and name not in (*row['drills'], 'weeks', 'total')]
                self.assertEqual(missing, [])
        [table] = self.screen(column='w2', group_by='partner')['tables']
        first = table['rows'][0]
        self.assertEqual((first['cells']['name'], first['cells']['source']), (self.promised.name, "Promise"))
        self.assertEqual(first['drill']['res_id'], self.promised.id)
        self.assertEqual(self.screen(column='w2')['title'], "Cash Forecast: 14–20 Jun")
        self.assertEqual(
            self.screen(column='later', group_id=self.other_customer.id)['title'], "Cash Forecast: Later, Alder & Sons")

    def test_group_without_record(self):
        """Customers nobody works are a group of their own that can be opened, too."""
        row = next(row for row in self.screen(group_by='collector')['tables'][0]['rows']
                   if row['cells']['name'] == "No collector")
        self.assertEqual(row['drills']['w1']['options']['group_id'], 0)

    def test_xlsx_reopened(self):
        data = self.env['ar.cash.forecast'].get_data(self.options)
        workbook = load_workbook(io.BytesIO(self.env['ar.cash.forecast'].get_xlsx(self.options)))
        values = [row for sheet in workbook.worksheets for row in sheet.iter_rows(values_only=True)]
        for own, name in ((data['rows'][0], "Alder & Sons"), (data['rows'][1], "Harbour Fish Ltd"),
                          (data['totals'], "Total")):
            line = next(row for row in values if row[0] == name)
            self.assertEqual(line[1:20], (
                *own['weeks'], round(sum(own['weeks']), 2), own['later'], own['doubtful'], own['disputed'],
                own['credits'], own['total']))
        line = next(row for row in values if row[0] == "Worst case" and row[2] is not None)
        self.assertEqual(list(line[1:14]), data['scenarios']['worst']['cumulative'])
        parameters = dict(row[:2] for row in workbook["Parameters"].iter_rows(values_only=True))
        self.assertEqual((parameters["Case"], parameters["User"]), ("Likely", self.env.user.name))

    def test_pdf(self):
        text = " ".join(" ".join(
            page.extract_text() for page in PdfReader(io.BytesIO(
                self.env['ar.cash.forecast'].get_pdf(self.options))).pages).split())
        data = self.env['ar.cash.forecast'].get_data(self.options)
        for part in ("Cash Forecast", "As of: 06/10/2026", "Alder & Sons", self.env.user.name,
                     "Difference to the general ledger", f"{data['totals']['total']:,.2f}",
                     f"{data['scenarios']['best']['cumulative'][0]:,.2f}"):
            self.assertIn(part, text)

    def test_empty(self):
        [table] = self.screen(as_of='2025-01-01')['tables']
        self.assertEqual((table['rows'], table['empty'][:15]), ([], "Nothing is open"))
        [table] = self.env['ar.cash.backtest'].get_screen({**self.options, 'as_of': '2025-01-01'})['tables']
        self.assertEqual(table['empty'][:16], "Nothing was open")

    def test_backtest_tables(self):
        options = {**self.options, 'count': 6}
        data = self.env['ar.cash.backtest'].get_data(options)
        errors, forecasts = self.env['ar.cash.backtest'].get_screen(options)['tables']
        self.assertEqual(
            [row['cells']['forecast'] for row in errors['rows'][:13]],
            [week['error']['forecast'] for week in data['weeks']])
        self.assertEqual(errors['rows'][0]['cells']['inside'], data['inside'][0] / 100)
        self.assertEqual(len(forecasts['rows']), len(data['forecasts']))
        self.assertEqual(forecasts['rows'][0]['drill']['options']['as_of'], data['forecasts'][0]['as_of'])
        self.assertTrue(self.env['ar.cash.backtest'].get_xlsx(options))

    def test_stranger(self):
        stranger = self.ar_user('forecast_stranger', 'base.group_user')
        for model in ('ar.cash.forecast', 'ar.cash.backtest'):
            for method in ('get_data', 'get_screen', 'get_xlsx', 'get_pdf'):
                with self.assertRaises(AccessError):
                    getattr(self.env[model].with_user(stranger), method)(self.options)


@tagged('post_install', '-at_install')
class TestCashForecastTour(ForecastScreenCommon, HttpCase):

    def test_cash_forecast(self):
        """Open, another case and date, down to the items and a document and back, export; the back-test."""
        self.ar_user('forecast_tour', 'ar_coordinator.group_ar_user')
        self.start_tour(f'/odoo/ar-cash-forecast?as_of={AS_OF}', 'ar_cash_forecast', login='forecast_tour')

    def test_cash_backtest(self):
        self.ar_user('forecast_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour(f'/odoo/ar-cash-backtest?as_of={AS_OF}', 'ar_cash_backtest', login='forecast_tour')


@tagged('post_install', '-at_install')
class TestCashForecastTourPhone(ForecastScreenCommon, HttpCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_cash_forecast_phone(self):
        self.ar_user('forecast_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour(f'/odoo/ar-cash-forecast?as_of={AS_OF}', 'ar_cash_forecast_phone', login='forecast_tour')
