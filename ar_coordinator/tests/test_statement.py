"""Statements of account for many customers: exact amounts, currencies, marks; the same as the ledger, always."""
import io
import random

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon, instalment_terms


@tagged('post_install', '-at_install')
class TestStatement(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gbp = cls.setup_other_currency('GBP', rates=[('1900-01-01', 0.8)])
        cls.statement = cls.env['ar.statement']

    def get(self, *partners, **how):
        partners = self.env['res.partner'].union(*(partners or [self.customer]))
        return self.statement.get_many(partners, self.company, **how)

    def table(self, data, currency=None):
        """The table of one currency."""
        currency = currency or self.company.currency_id
        [table] = [table for table in data['tables'] if table['currency_id'] == currency.id]
        return table

    # === OPEN ITEMS === #

    def test_open_items_of_many_customers(self):
        """Part payment, credit note and money on account; each customer has his own; ages and totals to the cent."""
        first = self.ar_invoice(1000, '2026-01-10', due='2026-02-09')
        self.ar_pay(first, '2026-02-20', 300.55)
        late = self.ar_invoice(200, '2026-03-01', due='2026-03-30')
        later = self.ar_invoice(50, '2026-03-20', due='2026-04-20')
        refund = self.ar_invoice(80, '2026-03-05', move_type='out_refund')
        cash = self.ar_cash(25.25, '2026-03-06')
        theirs = self.ar_invoice(77, '2026-03-01', due='2026-03-31', partner=self.other_customer)
        nobody = self.env['res.partner'].create({'name': "Nobody Ltd"})
        many = self.get(self.customer, self.other_customer, nobody)
        table = self.table(many[self.customer.id])
        self.assertEqual(
            [(row['number'], row['kind'], row['open'], row['days'], row['is_credit']) for row in table['rows']],
            [(first.name, 'invoice', 699.45, 50, False), (refund.name, 'credit_note', -80, 0, True),
             (cash.move_id.name, 'payment', -25.25, 0, True), (late.name, 'invoice', 200, 1, False),
             (later.name, 'invoice', 50, 0, False)])
        self.assertEqual(
            (table['total'], table['overdue'], table['credits']), (844.2, 899.45, -105.25))
        self.assertEqual(table['aging'], [50, 200, 699.45, 0, 0, 0])
        self.assertEqual((many[self.customer.id]['balance'], many[self.customer.id]['overdue']), (844.2, 899.45))
        [row] = self.table(many[self.other_customer.id])['rows']
        self.assertEqual((row['number'], row['open'], row['days']), (theirs.name, 77, 0))
        self.assertEqual(many[nobody.id]['tables'], [])

    def test_instalments_disputed_and_promised(self):
        """Each instalment is a line of its own; what is disputed or promised is marked, a part with its amount."""
        move = self.ar_invoice(1000, '2026-01-01', invoice_payment_term_id=instalment_terms(self.env).id)
        promised = self.ar_invoice(60, '2026-03-01', due='2026-03-10')
        self.ar_dispute(move, 350)
        self.env['ar.promise']._promise(self.ar_lines(promised), '2026-04-10')
        data = self.get()[self.customer.id]
        table = self.table(data)
        self.assertEqual(
            [(row['number'], row['open'], row['disputed'], row['promised']) for row in table['rows']],
            [(move.name, 300, 300, 0), (move.name, 700, 50, 0), (promised.name, 60, 0, 60)])
        self.assertEqual((table['disputed'], table['promised']), (350, 60))
        [words] = self.statement._get_tables(data)
        self.assertEqual(
            [row['note'].replace('\N{NO-BREAK SPACE}', ' ') for row in words['rows']],
            ["Disputed", "Disputed: $ 50.00", "Promised"])

    def test_three_currencies(self):
        """One table per currency, in that currency; the balance in company currency is the books'."""
        self.ar_invoice(100, '2026-02-10')
        self.ar_invoice(40, '2026-02-10', currency_id=self.eur.id)  # 0.4: 100 in the books
        self.ar_invoice(80, '2026-02-10', currency_id=self.gbp.id)  # 0.8: 100 in the books
        data = self.get()[self.customer.id]
        self.assertEqual(
            [(self.env['res.currency'].browse(table['currency_id']).name, table['total']) for table in data['tables']],
            [('EUR', 40), ('GBP', 80), ('USD', 100)])
        self.assertEqual(data['balance'], 300)

    def test_two_companies(self):
        """A statement is one company's: what the other is owed stands on its own statement."""
        other = self.setup_other_company()
        self.ar_invoice(100, '2026-02-10')
        self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-02-10',
            'invoice_date_due': '2026-02-10', 'company_id': other['company'].id,
            'journal_id': other['default_journal_sale'].id,
            'invoice_line_ids': [Command.create({'name': "Goods", 'price_unit': 60, 'tax_ids': []})]}).action_post()
        self.assertEqual(self.get()[self.customer.id]['balance'], 100)
        theirs = self.statement.get_many(self.customer, other['company'])
        self.assertEqual(theirs[self.customer.id]['balance'], 60)

    def test_past_day(self):
        """What was paid after the day is open on it."""
        move = self.ar_invoice(100, '2026-01-10')
        self.ar_pay(move, '2026-03-02')
        self.assertEqual(self.get(date_to='2026-02-28')[self.customer.id]['balance'], 100)
        self.assertEqual(self.get(date_to='2026-03-02')[self.customer.id]['tables'], [])

    # === ACTIVITY === #

    def test_activity(self):
        """The balance before, every posting, the running balance; what is still open of it is marked."""
        old = self.ar_invoice(500, '2026-01-10', due='2026-02-09')
        new = self.ar_invoice(200, '2026-03-02', due='2026-04-01')
        payment = self.ar_pay(old, '2026-03-03', 450)
        self.ar_dispute(new, 30)
        data = self.get(kind='activity', date_from='2026-03-01', date_to='2026-03-31')[self.customer.id]
        table = self.table(data)
        self.assertEqual(
            [(row['number'], row['kind'], row['amount'], row['balance'], row['open'], row['disputed'])
             for row in table['rows']],
            [(new.name, 'invoice', 200, 700, 200, 30), (payment.move_id.name, 'payment', -450, 250, 0, 0)])
        self.assertEqual((table['opening'], table['closing'], table['overdue']), (500, 250, 50))
        self.assertEqual((data['balance'], data['overdue']), (250, 50))

    def test_settled_in_another_currency(self):
        """EUR 100 paid in USD: both accounts show it, and both end with what is open."""
        invoice = self.ar_invoice(100, '2026-02-10', currency_id=self.eur.id)  # 250 in the books
        cash = self.ar_cash(250, '2026-02-20')
        self.ar_match(invoice, cash.move_id)
        data = self.get(kind='activity', date_from='2026-02-01', date_to='2026-03-31')[self.customer.id]
        euros, dollars = self.table(data, self.eur), self.table(data)
        self.assertEqual(
            [(row['kind'], row['number'], row['amount']) for row in euros['rows']],
            [('invoice', invoice.name, 100), ('exchange', invoice.name, -100)])
        self.assertEqual(
            [(row['kind'], row['amount']) for row in dollars['rows']], [('payment', -250), ('exchange', 250)])
        self.assertEqual((euros['closing'], dollars['closing']), (0, 0))

    def test_paid_by_another_customer(self):
        """Another customer's payment settles the invoice: both accounts end with what is open, nobody is named."""
        invoice = self.ar_invoice(100, '2026-03-10')
        cash = self.ar_cash(100, '2026-03-20', partner=self.other_customer)
        self.ar_match(invoice, cash.move_id)
        many = self.get(
            self.customer, self.other_customer, kind='activity', date_from='2026-03-01', date_to='2026-03-31')
        mine, theirs = self.table(many[self.customer.id]), self.table(many[self.other_customer.id])
        self.assertEqual(
            [(row['kind'], row['number'], row['amount'], row['balance']) for row in mine['rows']],
            [('invoice', invoice.name, 100, 100), ('transfer', invoice.name, -100, 0)])
        self.assertEqual(
            [(row['kind'], row['number'], row['amount']) for row in theirs['rows']],
            [('payment', cash.move_id.name, -100), ('transfer', cash.move_id.name, 100)])
        self.assertEqual((mine['closing'], theirs['closing']), (0, 0))
        _name, content = self.statement.get_pdf(
            self.customer, self.company, 'activity', '2026-03-01', '2026-03-31')
        self.assertNotIn(self.other_customer.name, content.decode())

    def test_refuses_nonsense(self):
        for how in (
                {'kind': 'everything'}, {'kind': 'activity'}, {'date_to': "yesterday"},
                {'kind': 'activity', 'date_from': '2026-03-02', 'date_to': '2026-03-01'}):
            with self.subTest(how=how), self.assertRaises(UserError):
                self.get(**how)

    def test_access(self):
        """Readers of receivables get statements; other users and other companies' readers don't."""
        self.ar_invoice(100, '2026-03-10')
        statement = self.statement.with_user(self.reader)
        self.assertEqual(statement.get_many(self.customer, self.company)[self.customer.id]['balance'], 100)
        other = self.setup_other_company()['company']
        with self.assertRaises(AccessError):
            statement.get_many(self.customer, other)
        stranger = self.ar_user('stranger', 'base.group_user')
        with self.assertRaises(AccessError):
            self.statement.with_user(stranger).get_many(self.customer, self.company)

    # === FILES === #

    def test_xlsx_shows_what_get_data_says(self):
        """Reopened: the same rows, marks in words, a total that adds up."""
        move = self.ar_invoice(1000.5, '2026-01-10', due='2026-02-09', ref="PO 7")
        cash = self.ar_cash(200, '2026-03-06')
        self.ar_dispute(move, 100)
        _name, content = self.statement.get_xlsx(self.customer, self.company)
        rows = list(load_workbook(io.BytesIO(content), data_only=True).active.iter_rows(min_row=6, values_only=True))
        [table] = self.get()[self.customer.id]['tables']
        self.assertEqual([row[4] for row in rows], [*(row['open'] for row in table['rows']), table['total']])
        self.assertEqual([row[0] for row in rows], [move.name, cash.move_id.name, "Total"])
        self.assertEqual([row[5] for row in rows[:2]], ["Invoice", "Payment"])
        self.assertEqual(
            [row[7].replace('\N{NO-BREAK SPACE}', ' ') for row in rows[:2]], ["Disputed: $ 100.00", "Not assigned yet"])
        _name, content = self.statement.get_xlsx(
            self.customer, self.company, 'activity', '2026-01-01', '2026-03-31')
        rows = list(load_workbook(io.BytesIO(content), data_only=True).active.iter_rows(min_row=6, values_only=True))
        self.assertEqual([row[3] for row in rows[1:-1]], [1000.5, -200])
        self.assertEqual([row[4] for row in rows], [0, 1000.5, 800.5, 800.5])

    # === VOLUME === #

    def test_pdf_text(self):
        """The printed page says what get_data says."""
        invoice = self.ar_invoice(1000, '2026-02-10', due='2026-03-10')
        self.ar_cash(30.5, '2026-03-20')
        with mute_logger('odoo.addons.base.models.ir_actions_report'):  # a wkhtmltopdf without patched Qt
            name, content = self.statement.with_context(force_report_rendering=True).get_pdf(
                self.customer, self.company)
        self.assertEqual(name, "Statement 2026-03-31.pdf")
        text = " ".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())
        data = self.get()[self.customer.id]
        [table] = data['tables']
        self.assertEqual(table['total'], 969.5)
        for part in (invoice.name, "03/10/2026", "1,000.00", "30.50", "969.50", "Not assigned yet", self.customer.name):
            self.assertIn(part, text)

    def test_queries_do_not_grow_with_the_customers(self):
        """Failure 22 for statements: 30 customers cost as many queries as one, of either kind."""
        partners = self.env['res.partner'].create([{'name': f"Customer {number}"} for number in range(30)])
        for partner in partners:
            self.ar_invoice(10, '2026-03-10', partner=partner)

        def count(partners, **how):
            self.statement.get_many(partners, self.company, **how)  # fills the registry's caches
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.statement.get_many(partners, self.company, **how)
            return self.env.cr.sql_log_count - before
        for how in ({}, {'kind': 'activity', 'date_from': '2026-03-01', 'date_to': '2026-03-31'}):
            with self.subTest(how=how):
                single, many = count(partners[0], **how), count(partners, **how)
                self.assertLessEqual(many, single)

    # === PROPERTY === #

    def test_statements_are_the_ledger(self):
        """On random ledgers and days: opening + activity = closing = what is open, and all statements together are the
        balance of the receivable accounts.
        """
        partners = self.customer + self.other_customer
        for seed in range(6):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                self.fill(random.Random(seed), partners)
                for first, last in (('2026-01-01', '2026-03-31'), ('2026-02-03', '2026-03-05')):
                    self.check_statements(partners, first, last)
                savepoint.rollback()
                self.env.invalidate_all()

    def fill(self, dice, partners):
        """Post and match at random: three currencies, two customers, part payments, notes, money of the other one."""
        moves = self.env['account.move']
        for _number in range(14):
            currency = dice.choice((self.company.currency_id, self.eur, self.gbp))
            day = f'2026-0{dice.randint(1, 3)}-{dice.randint(1, 28):02}'
            how = {'partner': dice.choice(partners), 'currency_id': currency.id}
            amount = dice.randint(1, 99999) / 100
            kind = dice.choice(('invoice', 'invoice', 'invoice', 'refund', 'cash', 'cash'))
            if kind == 'cash':
                moves += self.ar_cash(amount, day, **how).move_id
            else:
                moves += self.ar_invoice(
                    amount, day, move_type='out_invoice' if kind == 'invoice' else 'out_refund', **how)
        for _number in range(8):
            self.ar_match(*(moves.browse(number) for number in dice.sample(moves.ids, 2)))

    def check_statements(self, partners, first, last):
        opened = self.get(*partners, date_to=last)
        moved = self.get(*partners, kind='activity', date_from=first, date_to=last)
        for partner in partners:
            totals = {table['currency_id']: table['total'] for table in opened[partner.id]['tables']}
            for table in moved[partner.id]['tables']:
                currency = self.env['res.currency'].browse(table['currency_id'])
                balance = table['rows'][-1]['balance'] if table['rows'] else table['opening']
                self.assertEqual(currency.compare_amounts(balance, table['closing']), 0, (first, last, currency.name))
                self.assertEqual(table['closing'], totals.pop(currency.id, 0.0))
            self.assertFalse(totals, "what is open and did not move has an opening balance")
            self.assertEqual(moved[partner.id]['balance'], opened[partner.id]['balance'])
        for table in (table for data in opened.values() for table in data['tables']):
            currency = self.env['res.currency'].browse(table['currency_id'])
            parts = (sum(table['aging']) + table['credits'], sum(row['open'] for row in table['rows']))
            for part in parts:
                self.assertEqual(currency.compare_amounts(part, table['total']), 0)
        # items of 0.00 in their own currency are no part of statements: exchange remainders in the books
        rest = sum(row['residual'] for row in self.items(last) if not row['residual_currency'])
        books = self.ledger_balance(last)
        self.assertAlmostEqual(sum(data['balance'] for data in opened.values()) + rest, books, 2)
