"""The customer's account: balances, open items with states, paging, statements; the same figures as the desk's."""
import io

from openpyxl import load_workbook

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .portal_common import PortalCommon


@tagged('post_install', '-at_install')
class TestPortalAccount(PortalCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = cls.open_invoice(1000, 45, ref="PO-4711")
        cls.young = cls.open_invoice(200, 5)
        cls.later = cls.open_invoice(500, -20)
        cls.credit = cls.ar_invoice(80, cls.due(10), move_type='out_refund')
        cls.money = cls.ar_cash(50, cls.due(3))
        cls.euro = cls.open_invoice(300, 12, currency_id=cls.eur.id)
        cls.theirs = cls.open_invoice(777, 9, partner=cls.other_customer)
        cls.open_dispute(cls.old, 400)

    def items(self, **how):
        return self.portal()._get_items(self.customer, self.company, self.currency, **how)

    def numbers(self, **how):
        return [row['move_name'] for row in self.items(**how)[0]]

    def test_balances(self):
        """One account per currency; the total is the aged report's."""
        dollars, euros = sorted(self.accounts(), key=lambda account: account['currency'] == self.eur)
        self.assertEqual(
            {name: dollars[name] for name in (
                'total', 'overdue', 'not_due', 'credits', 'disputed', 'overdue_disputed', 'to_pay', 'item_count',
                'overdue_count')},
            {'total': 1570, 'overdue': 1200, 'not_due': 500, 'credits': -130, 'disputed': 400,
             'overdue_disputed': 400, 'to_pay': 800, 'item_count': 5, 'overdue_count': 2})
        self.assertEqual((euros['total'], euros['overdue'], euros['to_pay']), (300, 300, 300))
        aged = self.env['ar.ledger'].aged_balance({
            'as_of': self.today, 'company_ids': self.company.ids, 'partner_ids': self.customer.ids})
        [row] = aged['rows']
        in_dollars = sum(line.balance for line in self.ar_lines(self.euro))
        self.assertEqual(row['total'], 1570 + in_dollars)

    def test_contacts_share_the_account(self):
        """What was invoiced to a contact is owed by the customer, and seen by all of the customer's users."""
        self.open_invoice(33, 1, partner=self.anna)
        [dollars] = [account for account in self.accounts() if account['currency'] == self.currency]
        self.assertEqual(dollars['total'], 1603)

    def test_states(self):
        rows = {row['move_name']: row for row in self.items()[0]}
        self.assertEqual(
            [(rows[move.name]['kind'], rows[move.name]['days'], rows[move.name]['residual'],
              rows[move.name]['disputed'], rows[move.name]['payable'])
             for move in (self.old, self.young, self.later, self.credit, self.money.move_id)],
            [('invoice', 45, 1000, 400, 600), ('invoice', 5, 200, 0, 200), ('invoice', -20, 500, 0, 500),
             ('refund', 10, -80, 0, 0), ('payment', 3, -50, 0, 0)])
        self.assertEqual(rows[self.old.name]['url'], f'/my/invoices/{self.old.id}')
        self.assertFalse(rows[self.money.name]['url'], "portal users cannot open payments")

    def test_filters_and_sorting(self):
        self.assertEqual(self.numbers(show='overdue'), [self.old.name, self.young.name])
        self.assertEqual(self.numbers(show='not_due'), [self.later.name])
        self.assertEqual(self.numbers(show='disputed'), [self.old.name])
        self.assertEqual(self.numbers(show='credits'), [self.credit.name, self.money.name])
        self.assertEqual(self.numbers(order='amount')[:2], [self.old.name, self.later.name])
        self.assertEqual(self.numbers(search='po-47'), [self.old.name])
        self.assertEqual(self.numbers(search='100%_'), [], "wildcards are letters")
        with self.assertRaises(UserError):
            self.items(show='everything')

    def test_pages(self):
        page, count = self.items(limit=2, offset=0)
        rest, same = self.items(limit=10, offset=2)
        self.assertEqual((len(page), len(rest), count, same), (2, 3, 5, 5))
        self.assertFalse({row['id'] for row in page} & {row['id'] for row in rest})

    def test_nobody_elses_items(self):
        """Ids of another customer's items find nothing in this account."""
        line = self.ar_lines(self.theirs)
        self.assertEqual(self.items(line_ids=line.ids), ([], 0))

    def test_draft_credit_note_is_not_paid_twice(self):
        """What Odoo already counts as settled by a draft cannot be paid online on top of it."""
        credit = self.young._reverse_moves([{'invoice_date': self.today, 'date': self.today}])
        credit.invoice_line_ids.price_unit = 150
        (self.ar_lines(self.young) + credit.line_ids.filtered(
            lambda line: line.account_id == self.receivable)).reconcile()
        [row] = self.items(line_ids=self.ar_lines(self.young).ids)[0]
        self.assertEqual((row['residual'], row['settled'], row['payable']), (200, 150, 50))

    def test_portal_users_have_no_rights_on_the_models(self):
        """What portal users see comes through the pages only."""
        portal = self.env(user=self.customer_user)
        for model in (
            'ar.dispute', 'ar.dunning.letter', 'ar.dunning.letter.line', 'ar.pause', 'ar.dunning.outcome', 'ar.promise',
            'ar.promise.line', 'ar.promise.plan', 'ar.customer.answer', 'ar.customer.answer.line',
        ):
            with self.assertRaises(AccessError, msg=model):
                portal[model].search([])
        for method, args in (
            ('customer_accounts', [{}]), ('customer_items', [{}]),
            ('statement_movements', [{'date_from': '2026-01-01'}]),
        ):
            with self.assertRaises(AccessError, msg=method):
                getattr(portal['ar.ledger'], method)(*args)

    def test_contact(self):
        """The collector is named, else the company."""
        contact = self.portal()._get_contact(self.customer, self.company)
        self.assertEqual(contact['name'], self.company.name)
        clerk = self.ar_user('carla', 'ar_coordinator.group_ar_user', name="Carla Clerk", email='carla@example.com')
        self.customer.with_company(self.company).ar_collector_id = clerk
        contact = self.portal()._get_contact(self.customer, self.company)
        self.assertEqual((contact['name'], contact['email']), ("Carla Clerk", 'carla@example.com'))

    # === VOLUME === #

    def test_queries_do_not_grow_with_the_items(self):
        """A page of 30 items costs about as many queries as one of 5; paying 42 items as many as paying 2."""
        def count(what):
            what()  # fills the registry's caches
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            what()
            return self.env.cr.sql_log_count - before

        def page():
            self.items(limit=30)

        def pay():
            self.portal()._get_payment(self.customer, self.company, self.currency, 'overdue')

        few = count(page), count(pay)
        for number in range(40):
            self.open_invoice(100 + number, 20)
        many = count(page), count(pay)
        self.assertLess(many[0], few[0] + 10)
        self.assertEqual(many[1], few[1])

    # === STATEMENTS === #

    def statement(self, **how):
        return self.env(user=self.customer_user)['ar.statement'].sudo().get_data(self.customer, self.company, **how)

    def test_statement_of_open_items(self):
        data = self.statement()
        self.assertEqual(data['date_to'], self.today)
        totals = {table['currency_id']: table['total'] for table in data['tables']}
        self.assertEqual(totals, {self.currency.id: 1570, self.eur.id: 300})
        [dollars] = [table for table in data['tables'] if table['currency_id'] == self.currency.id]
        self.assertEqual([row['number'] for row in dollars['rows']], [
            self.old.name, self.credit.name, self.young.name, self.money.name, self.later.name])

    def test_statement_of_activity(self):
        """The balance before, each posting, and a closing balance that is what is open on that day."""
        self.ar_pay(self.young, self.due(2), amount=120)
        data = self.statement(kind='activity', date_from=self.due(20))
        [dollars] = [table for table in data['tables'] if table['currency_id'] == self.currency.id]
        self.assertEqual(dollars['opening'], 1700, "invoiced 75, 35 and 30 days ago")
        self.assertEqual(
            [(row['kind'], row['amount'], row['balance']) for row in dollars['rows']],
            [("credit_note", -80, 1620), ("payment", -50, 1570), ("payment", -120, 1450)])
        self.assertEqual(dollars['closing'], 1450)
        [account] = [account for account in self.accounts() if account['currency'] == self.currency]
        self.assertEqual(account['total'], 1450)

    def test_statement_refuses_nonsense(self):
        with self.assertRaises(UserError):
            self.statement(kind='everything')
        with self.assertRaises(UserError):
            self.statement(kind='activity', date_from=self.due(-5), date_to=self.due(0))

    def test_statement_files(self):
        statement = self.env(user=self.customer_user)['ar.statement'].sudo()
        name, content = statement.get_xlsx(self.customer, self.company)
        self.assertEqual(name, f"Statement {self.today}.xlsx")
        book = load_workbook(io.BytesIO(content), data_only=True)
        self.assertEqual(book.sheetnames, ['EUR', 'USD'])
        rows = list(book['USD'].iter_rows(min_row=6, values_only=True))
        self.assertEqual([row[0] for row in rows], [
            self.old.name, self.credit.name, self.young.name, self.money.name, self.later.name, "Total"])
        self.assertEqual([row[4] for row in rows], [1000, -80, 200, -50, 500, 1570])
        name, content = statement.get_pdf(self.customer, self.company, 'activity', self.due(20), self.today)
        html = content.decode()
        self.assertIn("Account activity", html)
        self.assertIn(self.credit.name, html)
        self.assertNotIn(self.theirs.name, html)

    def test_statement_language(self):
        """Failure 18 for the customer's own download: dates and amounts in the language of the user."""
        self.env['res.lang']._activate_lang('de_DE')
        self.env['ir.module.module']._load_module_terms(['ar_coordinator'], ['de_DE'])
        statement = self.env(user=self.customer_user)['ar.statement'].sudo().with_context(lang='de_DE')
        _name, content = statement.get_pdf(self.customer, self.company)
        html = content.decode().replace('\N{NO-BREAK SPACE}', ' ').replace('&nbsp;', ' ')
        for text in ("Kontoauszug", "Fällig am", "$ 1.570,00", self.due(45).strftime('%d.%m.%Y')):
            self.assertIn(text, html)
        self.assertNotIn("Due date", html)

    def test_empty_statement(self):
        nobody = self.env['res.partner'].create({'name': "Nobody Ltd"})
        statement = self.env['ar.statement'].sudo()
        self.assertEqual(statement.get_data(nobody, self.company)['tables'], [])
        _name, content = statement.get_xlsx(nobody, self.company)
        sheet = load_workbook(io.BytesIO(content)).active
        self.assertEqual(sheet['A5'].value, "Nothing is open.")

    # === OTHER COMPANIES === #

    def test_accounts_of_several_companies(self):
        """Each company is an account of its own; a company the user does not have is not shown."""
        other = self.setup_other_company()['company']
        self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': self.due(10),
            'invoice_date_due': self.due(1), 'company_id': other.id,
            'journal_id': self.env['account.journal'].search(
                [('company_id', '=', other.id), ('type', '=', 'sale')], limit=1).id,
            'invoice_line_ids': [Command.create({'name': "Goods", 'price_unit': 60, 'tax_ids': []})],
        }).action_post()
        both = self.portal()._get_accounts(self.customer, self.company + other)
        self.assertEqual(
            {(account['company'], account['currency']): account['total'] for account in both},
            {(self.company, self.currency): 1570, (self.company, self.eur): 300, (other, other.currency_id): 60})
        self.assertEqual(len(self.accounts()), 2)
