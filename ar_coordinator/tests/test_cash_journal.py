"""The cash journal: exact amounts by day and bank account, two currencies and companies, past days; its proofs."""
import io

from openpyxl import load_workbook

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .test_cash_proposal import CashCase

AMOUNTS = ('opening', 'received', 'deductions', 'automatic', 'users', 'elsewhere', 'closing')


@tagged('post_install', '-at_install')
class TestCashJournal(CashCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fees = cls.company_data['default_account_expense']
        cls.company.write({'ar_cash_fee': 10, 'ar_cash_fee_account_id': fees.id, 'ar_cash_automatic': True})
        cls.over = cls.transaction(1_200, cls.one.name, date='2026-03-04')
        cls.fee = cls.transaction(492.5, cls.two.name, date='2026-03-05', partner_id=cls.customer.id)
        cls.unknown = cls.transaction(77.7, "thank you", date='2026-03-05')
        cls.payment = cls.ar_cash(300.1, '2026-03-06', partner=cls.other_customer)
        cls.ar_match(cls.payment, cls.three)
        cls.transaction(-50, "bank charges", date='2026-03-06')
        cls.entry = cls.env['account.move'].create({
            'move_type': 'entry', 'date': '2026-03-06', 'ref': "petty cash", 'line_ids': [
                (0, 0, {'account_id': cls.bank.default_account_id.id, 'balance': 20}),
                (0, 0, {'account_id': cls.revenue.id, 'balance': -20})]})
        cls.entry.action_post()

    def setUp(self):
        super().setUp()
        proposals = self.propose()
        self.by_clerk = proposals.filtered(lambda row: row.statement_line_id == self.over)
        self.by_itself = proposals.filtered(lambda row: row.statement_line_id == self.fee)
        self.by_clerk.with_user(self.clerk).action_apply()
        self.by_itself._apply(automatic=True)

    def journal(self, first='2026-03-05', last='2026-03-06', **options):
        return self.env['ar.cash.journal'].get_data({
            'date_from': first, 'date_to': last, 'company_ids': self.company.ids, **options})

    def row(self, data, journal=None):
        return next(row for row in data['rows'] if row['id'] == (journal or self.bank).id)

    def amounts(self, row):
        return tuple(row[name] for name in AMOUNTS)

    def assertTies(self, data):
        """The journal's own identity, the ledger's unapplied money, the banks' balances."""
        days = [day for row in data['rows'] for day in row['days']]
        for one in [*data['rows'], *days]:
            opening, received, deductions, automatic, users, elsewhere, closing = self.amounts(one)
            self.assertEqual(
                round(opening + received + deductions - automatic - users - elsewhere - closing, 2), 0, one)
        for proof in data['proofs']:
            self.assertEqual(proof['waiting'] + sum(item['amount'] for item in proof['items']), proof['ledger'])
        for bank in data['banks']:
            self.assertEqual(bank['closing'], bank['ledger'])

    def test_days_and_bank_accounts(self):
        data = self.journal()
        row = self.row(data)
        self.assertEqual([day['date'] for day in row['days']], ['2026-03-05', '2026-03-06'])
        first, second = row['days']
        self.assertEqual(self.amounts(first), (200, 570.2, 7.5, 500, 0, 0, 277.7))
        self.assertEqual(self.amounts(second), (277.7, 300.1, 0, 0, 0, 300, 277.8))
        self.assertEqual(self.amounts(row), (200, 870.3, 7.5, 500, 0, 300, 277.8))
        self.assertEqual(self.amounts(data['totals']), self.amounts(row))
        self.assertEqual([(proof['waiting'], proof['suspense']) for proof in data['proofs']], [(277.8, 77.7)])
        [bank] = data['banks']
        self.assertEqual(
            [bank[name] for name in ('opening', 'customers', 'other_in', 'paid_out', 'other', 'closing', 'ledger')],
            [1_200, 570.2, 0, -50, 20, 1_740.2, 1_740.2])
        self.assertEqual([(entry['id'], entry['amount']) for entry in data['entries']], [(self.entry.id, 20)])
        self.assertTies(data)

    def test_as_of_a_past_day(self):
        """What happened since does not change a day that is over."""
        data = self.journal('2026-03-04', '2026-03-04')
        self.assertEqual(self.amounts(self.row(data)), (0, 1_200, 0, 0, 1_000, 0, 200))
        self.assertEqual((data['banks'][0]['closing'], data['entries']), (1_200, []))
        self.assertTies(data)
        later = self.ar_invoice(150, '2026-03-10')
        rest = self.over.line_ids.filtered(lambda line: line.amount_residual < 0)
        (rest + self.ar_lines(later)).reconcile()
        self.assertEqual(self.amounts(self.row(self.journal('2026-03-04', '2026-03-04'))), (
            0, 1_200, 0, 0, 1_000, 0, 200))
        data = self.journal('2026-03-07', '2026-03-31')
        self.assertEqual(self.amounts(self.row(data)), (277.8, 0, 0, 0, 0, 150, 127.8))
        self.assertTies(data)

    def test_undone(self):
        self.by_itself.with_user(self.clerk).action_undo()
        today = self.company._ar_today()
        data = self.journal()
        self.assertEqual(self.amounts(self.row(data)), (200, 870.3, 0, 0, 0, 300, 770.3))
        self.assertTies(data)
        done = {row['who']: row for row in self.journal(today, today)['done']}
        self.assertEqual((done['']['applied'], done['']['applied_amount'], done['']['undone']), (1, 492.5, 0))
        own = done[self.clerk.name]
        self.assertEqual((own['applied'], own['applied_amount'], own['undone'], own['undone_amount']),
                         (1, 1_200, 1, 492.5))
        self.assertEqual(self.by_itself.undone_by_id, self.clerk)
        with self.assertRaises(AccessError):
            self.by_itself.with_user(self.clerk).date_undone = False

    def test_differences(self):
        today = self.company._ar_today()
        rests = {row['action']: (row['count'], row['amount']) for row in self.journal(today, today)['rests']}
        self.assertEqual(rests, {'account': (1, 200), 'fee': (1, -7.5)})

    def test_foreign_currency_with_exchange_difference(self):
        """1,000 EUR owed at 2,500.00, paid at 1,600.00: what was applied is what was received."""
        journal = self.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURB', 'currency_id': self.eur.id,
            'company_id': self.company.id})
        invoice = self.ar_invoice(1_000, '2026-02-10', currency_id=self.eur.id)
        line = self.transaction(1_000, invoice.name, journal=journal)
        self.propose(line).with_user(self.clerk).action_apply()
        data = self.journal()
        row = self.row(data, journal)
        self.assertEqual(self.amounts(row), (0, 1_600, 0, 0, 1_600, 0, 0))
        self.assertEqual((row['received_currency'], row['own_currency_id']), (1_000, self.eur.id))
        self.assertEqual(data['totals']['received'], 2_470.3)
        self.assertEqual(self.amounts(self.row(self.journal(journal_ids=self.bank.ids))), (
            200, 870.3, 7.5, 500, 0, 300, 277.8))
        self.assertTies(data)

    def test_two_companies(self):
        other = self.setup_other_company(name="Other Journal Company")
        company, bank = other['company'], other['default_journal_bank']
        self.env['account.bank.statement.line'].create({
            'journal_id': bank.id, 'date': '2026-03-05', 'payment_ref': "x", 'amount': 40, 'company_id': company.id})
        data = self.journal(company_ids=(self.company + company).ids)
        self.assertEqual(self.amounts(self.row(data, bank)), (0, 40, 0, 0, 0, 0, 40))
        self.assertEqual(self.amounts(self.row(data)), (200, 870.3, 7.5, 500, 0, 300, 277.8))
        self.assertEqual(data['totals']['received'], 910.3)
        self.assertTies(data)
        self.assertNotIn(bank.id, [row['id'] for row in self.journal()['rows']])

    def test_money_that_no_bank_account_brought(self):
        """A payment booked in another journal is on account by the ledger: named by document, not hidden."""
        settlement = self.env['account.journal'].create({
            'name': "Old system", 'type': 'general', 'code': 'OLDS', 'company_id': self.company.id})
        self.company.ar_import_settlement_journal_id = settlement
        old = self.ar_misc(-60, '2026-03-01', post=False)
        old.journal_id = settlement
        old.action_post()
        data = self.journal()
        [proof] = data['proofs']
        self.assertEqual([(item['move_id'], item['amount']) for item in proof['items']], [(old.id, 60)])
        self.assertEqual((proof['waiting'], proof['ledger']), (277.8, 337.8))
        self.assertTies(data)

    def test_screen_drill_down_and_files(self):
        report = self.env['ar.cash.journal']
        options = {'date_from': '2026-03-05', 'date_to': '2026-03-06', 'company_ids': self.company.ids}
        screen = report.get_screen(options)
        cash, _done, _rests, banks, entries = screen['tables']
        self.assertTrue(all(check['ok'] for check in [*cash['checks'], *banks['checks']]))
        self.assertEqual([row['cells']['amount'] for row in entries['rows']], [20])
        total = cash['rows'][-1]
        self.assertEqual((total['level'], total['cells']['closing']), ('total', 277.8))

        def moves(column, *args):
            return self.env['account.move'].browse(
                report.action_documents(options, column, *args)['domain'][0][2])

        self.assertEqual(moves('received'), self.fee.move_id + self.unknown.move_id + self.payment.move_id)
        self.assertEqual(moves('received', self.bank.id, '2026-03-06'), self.payment.move_id)
        self.assertEqual(moves('deductions'), self.fee.move_id)
        self.assertEqual(moves('automatic', self.bank.id, '2026-03-05'), self.two)
        sheet = load_workbook(io.BytesIO(report.get_xlsx(options))).worksheets[0]
        values = [cell.value for line in sheet.iter_rows() for cell in line]
        self.assertIn(870.3, values)
        self.assertTrue(report.get_pdf(options))

    def test_access(self):
        reader = self.ar_user('journal_reader', 'ar_coordinator.group_ar_readonly')
        report = self.env['ar.cash.journal'].with_user(reader).with_context(allowed_company_ids=self.company.ids)
        data = report.get_data({'date_from': '2026-03-05', 'date_to': '2026-03-06'})
        self.assertEqual(data['totals']['closing'], 277.8)
        stranger = self.ar_user('journal_stranger', 'base.group_user')
        theirs = report.with_user(stranger)
        for call in (theirs.get_data, lambda: theirs.action_documents({}, 'users')):
            with self.assertRaises(AccessError):
                call()
