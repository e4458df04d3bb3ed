"""Roll-forward and sub-ledger: a ledger with one of everything by hand, files, drill-down, companies and currencies."""
import io
import json

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import SQL

from .common import ArCommon

FIELDS = ('opening', 'invoices', 'credit_notes', 'payments', 'write_offs', 'exchange', 'other', 'closing')


class RollForwardCommon(ArCommon):
    """March 2026 with one of everything; amounts in USD, EUR at 0.4 per USD in February and 0.625 in March."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expense = cls.company_data['default_account_expense']
        cls.account_kit = cls.env['account.account'].create({
            'code': '480099', 'name': "Debtors written off", 'account_type': 'liability_current'})
        old = cls.ar_invoice(1000, '2026-02-10', '2026-03-10')
        foreign = cls.ar_invoice(100, '2026-02-15', '2026-03-15', currency_id=cls.eur.id)  # 250 USD
        cls.march = cls.ar_invoice(500, '2026-03-02', '2026-04-02')
        cls.ar_invoice(40, '2026-03-03', move_type='out_refund')
        cls.ar_pay(old, '2026-03-05', amount=300)
        # 200 are settled by 190: the rest is written off with the payment
        short = cls.ar_invoice(200, '2026-03-06')
        cls.short_payment = cls.ar_pay(
            short, '2026-03-08', amount=190, payment_difference_handling='reconcile',
            writeoff_account_id=cls.expense.id)
        cls.ar_pay(foreign, '2026-03-20', currency_id=cls.eur.id)  # 160 USD, exchange difference 90
        cls.bad_debt = cls.ar_entry('2026-03-21', (cls.receivable, -30), (cls.expense, 30))
        cls.transfer = cls.ar_entry(
            '2026-03-22', (cls.receivable, -25), (cls.receivable, 25, cls.other_customer))
        cls.other_entry = cls.ar_misc(15, '2026-03-23')
        cls.ar_cash(10, '2026-03-24', payment_type='outbound')  # money paid back
        cls.ar_misc(999, '2026-03-25', post=False)  # a draft is nothing
        cls.ar_invoice(70, '2026-04-01')
        cls.options = {'date_from': '2026-03-01', 'date_to': '2026-03-31', 'company_ids': cls.company.ids}

    @classmethod
    def ar_entry(cls, day, *lines):
        """A posted miscellaneous entry of (account, balance[, partner]); the partner defaults to the customer."""
        move = cls.env['account.move'].create({'move_type': 'entry', 'date': day, 'line_ids': [
            Command.create({'account_id': account.id, 'balance': balance,
                            'partner_id': (partner[0] if partner else cls.customer).id})
            for account, balance, *partner in lines]})
        move.action_post()
        return move

    def data(self, **options):
        return self.env['ar.roll.forward'].get_data({**self.options, **options})

    def amounts(self, row):
        return tuple(row[name] for name in FIELDS)

    def sub_ledger(self, as_of):
        return self.env['ar.sub.ledger'].get_data({'as_of': as_of, 'company_ids': self.company.ids})


@tagged('post_install', '-at_install')
class TestRollForward(RollForwardCommon):

    def test_exact_amounts(self):
        """1,250 + 700 - 40 - 640 - 40 - 90 + 15 = 1,155: each entry in its column, the end is the ledger's."""
        data = self.data()
        [row] = data['rows']
        self.assertEqual(self.amounts(row), (1250, 700, -40, -640, -40, -90, 15, 1155))
        self.assertEqual(self.amounts(data['totals']), self.amounts(row))
        self.assertEqual(self.ledger_balance('2026-02-28'), 1250)
        self.assertEqual(self.ledger_balance('2026-03-31'), 1155)
        self.assertEqual(data['proofs'], [{
            'company_id': self.company.id, 'currency_id': self.company.currency_id.id, 'opening': 1250,
            'opening_ledger': 1250, 'closing': 1155, 'closing_ledger': 1155, 'open_items': 1155}])

    def test_entries_that_do_not_fit_are_listed(self):
        entries = [(entry['move_id'], entry['kind'], entry['amount']) for entry in self.data()['entries']]
        self.assertEqual(sorted(entries), sorted([
            (self.transfer.id, 'transfers', -25), (self.transfer.id, 'transfers', 25),
            (self.other_entry.id, 'other', 15)]))

    def test_by_customer_account_and_month(self):
        rows = {row['id']: self.amounts(row) for row in self.data(group_by='partner')['rows']}
        self.assertEqual(rows, {
            self.customer.id: (1250, 700, -40, -640, -40, -90, -10, 1130),
            self.other_customer.id: (0, 0, 0, 0, 0, 0, 25, 25)})
        [row] = self.data(group_by='account')['rows']
        self.assertEqual((row['id'], row['closing']), (self.receivable.id, 1155))
        data = self.data(group_by='month', date_from='2026-02-01', date_to='2026-04-30')
        self.assertEqual([(row['name'], *self.amounts(row)) for row in data['rows']], [
            ("February 2026", 0, 1250, 0, 0, 0, 0, 0, 1250),
            ("March 2026", 1250, 700, -40, -640, -40, -90, 15, 1155),
            ("April 2026", 1155, 70, 0, 0, 0, 0, 0, 1225)])
        self.assertEqual(self.amounts(data['totals']), (0, 2020, -40, -640, -40, -90, 15, 1225))
        only = self.data(partner_ids=self.other_customer.ids)
        self.assertEqual(self.amounts(only['totals']), (0, 0, 0, 0, 0, 0, 25, 25))

    def test_write_off_accounts_of_the_company(self):
        """A balance sheet account counts as a write-off account once the company says so, tax on it included."""
        tax = self.company_data['default_tax_sale']
        move = self.env['account.move'].create({'move_type': 'entry', 'date': '2026-03-26', 'line_ids': [
            Command.create({'account_id': self.receivable.id, 'balance': -120, 'partner_id': self.customer.id}),
            Command.create({'account_id': self.account_kit.id, 'balance': 100}),
            Command.create({
                'account_id': self.company_data['default_account_tax_sale'].id, 'balance': 20, 'tax_line_id': tax.id,
                'tax_repartition_line_id': tax.invoice_repartition_line_ids.filtered(
                    lambda line: line.repartition_type == 'tax')[:1].id})]})
        move.action_post()
        self.assertEqual((self.data()['totals']['write_offs'], self.data()['totals']['other']), (-40, -105))
        self.company.ar_write_off_account_ids = self.account_kit
        self.assertEqual((self.data()['totals']['write_offs'], self.data()['totals']['other']), (-160, 15))

    def test_small_balances_are_write_offs(self):
        """The accounts set for write-offs and small balances count, gains as well."""
        income = self.company_data['default_account_revenue'].copy({'code': '480098', 'name': "Small balances"})
        self.ar_entry('2026-03-26', (self.receivable, 0.02), (income, -0.02))
        self.assertEqual((self.data()['totals']['write_offs'], self.data()['totals']['other']), (-40, 15.02))
        self.company.ar_small_balance_gain_account_id = income
        self.assertEqual((self.data()['totals']['write_offs'], self.data()['totals']['other']), (-39.98, 15))

    def test_opening_entry(self):
        """The company's opening entry is no movement of its own: it is named among the others."""
        opening = self.ar_entry('2026-03-27', (self.receivable, 60), (self.account_kit, -60))
        self.company.account_opening_move_id = opening
        self.assertEqual(self.data()['totals']['other'], 75)
        self.assertEqual(
            [(entry['kind'], entry['amount']) for entry in self.data()['entries'] if entry['move_id'] == opening.id],
            [('opening', 60)])

    def test_undone_matching_keeps_the_identity(self):
        """Breaking a foreign payment's match reverses its exchange entry: the column shows both."""
        before = self.data()['totals']
        foreign = self.env['account.move'].search([
            ('partner_id', '=', self.customer.id), ('currency_id', '=', self.eur.id),
            ('move_type', '=', 'out_invoice')])
        self.ar_lines(foreign).remove_move_reconcile()
        after = self.data(date_to='2030-12-31')
        self.assertEqual(after['totals']['exchange'], 0)
        self.assertEqual(after['totals']['payments'], before['payments'])
        [proof] = after['proofs']
        self.assertEqual((proof['closing'], proof['closing_ledger'], proof['open_items']), (1315, 1315, 1315))

    def test_drill_down(self):
        """An amount opens the journal items it is made of."""
        report = self.env['ar.roll.forward']

        def lines(kinds, key=None, **options):
            action = report.action_entries({**self.options, **options}, kinds, key)
            return self.env['account.move.line'].search(action['domain'])
        self.assertEqual(lines(['write_offs']).move_id, self.bad_debt | self.short_payment.move_id)
        self.assertEqual(sum(lines(['invoices']).mapped('balance')), 700)
        self.assertEqual(sum(lines(['payments']).mapped('balance')), -650)  # with the 10 written off
        self.assertEqual(
            lines(['opening', 'transfers', 'other'], self.other_customer.id, group_by='partner').mapped('balance'),
            [25])
        self.assertFalse(lines(['invoices'], '2026-02-01', group_by='month'))

    def test_options(self):
        for options, message in (
            ({'date_from': '2026-04-01'}, "before it starts"), ({'group_by': 'salesperson'}, "no choice salesperson"),
            ({'as_of': '2026-03-31'}, "Unknown option: as_of"), ({'date_to': 'x'}, "not a date"),
        ):
            with self.assertRaisesRegex(UserError, message):
                self.data(**options)
        data = self.env['ar.roll.forward'].get_data({'date_to': '2026-03-17', 'company_ids': self.company.ids})
        self.assertEqual(data['date_from'], '2026-03-01')

    def test_roles(self):
        reader = self.ar_user('roll_reader', 'ar_coordinator.group_ar_readonly')
        stranger = self.ar_user('roll_stranger', 'base.group_user')
        for model, options in (('ar.roll.forward', self.options), ('ar.sub.ledger', {})):
            self.assertTrue(self.env[model].with_user(reader).get_data(options)['rows'])
            for method in ('get_data', 'get_screen', 'get_xlsx', 'get_pdf'):
                with self.assertRaises(AccessError):
                    getattr(self.env[model].with_user(stranger), method)(options)
        with self.assertRaises(AccessError):
            self.env['ar.roll.forward'].with_user(stranger).action_entries(self.options)

    def test_xlsx_is_get_data(self):
        workbook = load_workbook(io.BytesIO(self.env['ar.roll.forward'].get_xlsx(self.options)))
        self.assertEqual(
            workbook.sheetnames, ["Receivables Roll-Forward", "Entries in Other", "Parameters"])
        lines = list(workbook["Receivables Roll-Forward"].iter_rows(min_row=6, values_only=True))
        data = self.data()
        self.assertEqual(lines[0], (self.company.name, *self.amounts(data['rows'][0])))
        self.assertEqual(lines[1], ("Total", *self.amounts(data['totals'])))
        self.assertEqual(
            lines[3][:2], (f"{self.company.name}: opening balance less the general ledger", 0))
        others = list(workbook["Entries in Other"].iter_rows(min_row=6, max_row=8, values_only=True))
        self.assertEqual([line[5] for line in others], [entry['amount'] for entry in data['entries']])
        parameters = dict(workbook["Parameters"].iter_rows(values_only=True))
        self.assertEqual([str(parameters[name])[:10] for name in ("From", "To")], ['2026-03-01', '2026-03-31'])

    def test_pdf(self):
        pdf = PdfReader(io.BytesIO(self.env['ar.roll.forward'].get_pdf(self.options)))
        text = " ".join("".join(page.extract_text() for page in pdf.pages).split())
        for part in ("Receivables Roll-Forward", "From: 03/01/2026", "1,250.00", "-640.00", "1,155.00",
                     "closing balance less the general ledger: 0.00", "Transfer between customers", "Page 1 of 1"):
            self.assertIn(part, text)

    def test_two_companies_three_currencies(self):
        """Each company ties out in its own currency; the total is in the first one's."""
        branch = self.setup_other_company(name="AR branch", currency_id=self.eur.id)
        company = branch['company']
        self.env.user.company_ids |= company
        gbp = self.setup_other_currency('GBP', rates=[])
        self.env['res.currency.rate'].create([
            {'name': day, 'currency_id': gbp.id, 'rate': rate, 'company_id': company.id}
            for day, rate in (('1900-01-01', 0.8), ('2026-03-15', 0.5))])
        invoice = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-03-10',
            'date': '2026-03-10', 'currency_id': gbp.id, 'invoice_line_ids': [Command.create({
                'name': "Goods", 'price_unit': 80, 'tax_ids': [],
                'account_id': branch['default_account_revenue'].id})]})
        invoice.action_post()  # 100 EUR
        self.env['account.payment.register'].with_company(company).with_context(
            active_model='account.move', active_ids=invoice.ids,
        ).create({'payment_date': '2026-03-20', 'currency_id': gbp.id, 'amount': 40,
                  'journal_id': branch['default_journal_bank'].id})._create_payments()  # 80 EUR for 50: 30 gained
        data = self.data(company_ids=[self.company.id, company.id])
        rows = {row['id']: self.amounts(row) for row in data['rows']}
        self.assertEqual(rows[self.company.id], (1250, 700, -40, -640, -40, -90, 15, 1155))
        # 100 - 80 + 30 = 50 EUR, at 0.625 EUR per USD
        self.assertEqual(rows[company.id], (0, 160, 0, -128, 0, 48, 0, 80))
        proof = data['proofs'][1]
        self.assertEqual((proof['closing'], proof['closing_ledger'], proof['open_items']), (50, 50, 50))
        self.assertEqual(data['totals']['closing'], 1235)
        sub_ledger = self.env['ar.sub.ledger'].get_data(
            {'as_of': '2026-03-31', 'company_ids': [self.company.id, company.id]})
        self.assertEqual(
            {row['company_id']: (row['ledger'], row['open_items']) for row in sub_ledger['rows']},
            {self.company.id: (1155, 1155), company.id: (50, 50)})
        self.assertIsNone(sub_ledger['currency_id'])


@tagged('post_install', '-at_install')
class TestSubLedger(RollForwardCommon):

    def test_agrees(self):
        data = self.sub_ledger('2026-03-31')
        [row] = data['rows']
        self.assertEqual(
            (row['account_id'], row['ledger'], row['open_items'], row['difference'], row['entries']),
            (self.receivable.id, 1155, 1155, 0, []))
        self.assertEqual((data['differences'][0]['amount'], data['differences'][0]['unexplained']), (0, 0))

    def test_non_trade_account_is_named(self):
        loans = self.receivable.copy({'non_trade': True, 'code': '121999', 'name': "Staff loans"})
        self.ar_misc(75, '2026-03-01', account_id=loans.id)
        rows = {row['account_id']: row for row in self.sub_ledger('2026-03-31')['rows']}
        self.assertEqual(
            (rows[loans.id]['ledger'], rows[loans.id]['open_items'], rows[loans.id]['is_trade']), (75, 0, False))
        self.assertEqual(rows[self.receivable.id]['difference'], 0)

    def test_the_entry_behind_a_difference(self):
        """A residual that somebody changed past Odoo: the report names the very item and amount."""
        line = self.ar_lines(self.march)
        self.env.flush_all()
        self.env.cr.execute(SQL("UPDATE account_move_line SET amount_residual = 460 WHERE id = %s", line.id))
        self.env.invalidate_all()
        data = self.sub_ledger('2026-03-31')
        [row] = data['rows']
        self.assertEqual((row['ledger'], row['open_items'], row['difference']), (1155, 1115, 40))
        [entry] = row['entries']
        self.assertEqual((entry['id'], entry['kind'], entry['amount']), (line.id, 'residual', 40))
        self.assertEqual((data['differences'][0]['amount'], data['differences'][0]['unexplained']), (40, 0))
        [table] = self.env['ar.sub.ledger']._get_tables(data)
        self.assertEqual([check['ok'] for check in table['checks']], [False])
        self.assertEqual(table['rows'][1]['drill']['res_id'], self.march.id)
        [proof] = self.data()['proofs']
        self.assertEqual((proof['closing_ledger'], proof['open_items']), (1155, 1115))

    def test_xlsx_and_pdf(self):
        options = {'as_of': '2026-03-31', 'company_ids': self.company.ids}
        workbook = load_workbook(io.BytesIO(self.env['ar.sub.ledger'].get_xlsx(options)))
        line = next(workbook.worksheets[0].iter_rows(min_row=6, values_only=True))
        self.assertEqual(line[1:], (self.company.name, None, 8, 1155, 1155, 0))
        pdf = PdfReader(io.BytesIO(self.env['ar.sub.ledger'].get_pdf(options)))
        text = " ".join(pdf.pages[0].extract_text().split())
        self.assertIn("1,155.00", text)
        self.assertIn("general ledger less sub-ledger, trade accounts: 0.00", text)


@tagged('post_install', '-at_install')
class TestRollForwardTour(RollForwardCommon, HttpCase):

    def test_roll_forward(self):
        """Open, group, drill down and back, another period, export; then the sub-ledger."""
        self.ar_user('roll_tour', 'ar_coordinator.group_ar_user,account.group_account_readonly')
        self.start_tour(
            '/odoo/ar-roll-forward?date_from=2026-03-01&date_to=2026-03-31', 'ar_roll_forward', login='roll_tour')

    def test_sub_ledger(self):
        self.ar_user('roll_tour', 'ar_coordinator.group_ar_user,account.group_account_readonly')
        self.start_tour('/odoo/ar-sub-ledger?as_of=2026-03-31', 'ar_sub_ledger', login='roll_tour')

    def test_files(self):
        self.ar_user('roll_reader', 'ar_coordinator.group_ar_readonly')
        self.authenticate('roll_reader', 'roll_reader')
        for model, options in (('ar.roll.forward', self.options), ('ar.sub.ledger', {'as_of': '2026-03-31'})):
            answer = self.url_open(f'/ar_coordinator/table/{model}/xlsx', params={'options': json.dumps(options)})
            self.assertEqual(answer.status_code, 200)
            self.assertIn('2026-03-31.xlsx', answer.headers['Content-Disposition'])


@tagged('post_install', '-at_install')
class TestRollForwardToday(ArCommon):

    def test_empty_ledger(self):
        """Nothing owed, nothing moved: no row, and it still ties out."""
        data = self.env['ar.roll.forward'].get_data({'company_ids': self.company.ids})
        self.assertEqual((data['rows'], data['totals']['closing']), ([], 0))
        self.assertEqual(data['date_to'], self.company._ar_today().isoformat())
        self.assertEqual(self.env['ar.roll.forward']._get_tables(data)[0]['checks'][2]['amount'], 0)
