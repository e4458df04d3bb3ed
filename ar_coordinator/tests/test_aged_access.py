"""Salespeople and the aged receivables: their own customers where the company allows it; saved filters; cells."""
import io

from openpyxl import load_workbook
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .aging_common import AgingCommon


@tagged('post_install', '-at_install')
class TestOwnCustomers(AgingCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seller = cls.ar_user('seller', 'ar_coordinator.group_ar_own_customers')
        cls.rival = cls.ar_user('rival', 'ar_coordinator.group_ar_own_customers')
        cls.customer.user_id = cls.seller
        cls.other_customer.user_id = cls.rival
        cls.late.invoice_user_id = cls.rival  # the customer's salesperson counts, whoever wrote the invoice
        cls.of_branch.invoice_user_id = cls.seller
        cls.branch.user_id = False
        cls.company.ar_own_customers = True
        cls.options = {'as_of': cls.as_of, 'company_ids': cls.company.ids}

    def report_of(self, user):
        return self.env['ar.aging.report'].with_user(user)

    def test_own_customers_and_no_others(self):
        for group_by in ('partner', 'salesperson', 'country', 'currency', 'tag'):
            data = self.report_of(self.seller).get_data({**self.options, 'group_by': group_by})
            self.assertEqual(data['totals']['total'], 320, group_by)
            self.assertTrue(data['is_restricted'])
        self.assertEqual([row['name'] for row in self.report_of(self.seller).get_data(self.options)['rows']],
                         ["Harbour Fish Ltd"])
        data = self.report_of(self.seller).get_data({**self.options, 'partner_ids': self.other_customer.ids})
        self.assertEqual((data['rows'], data['totals']['total']), ([], 0))
        self.assertEqual(self.report_of(self.rival).get_data(self.options)['totals']['total'], 70)

    def test_items_payments_and_comparison_too(self):
        report = self.report_of(self.seller)
        self.assertEqual({item['partner_id'] for item in report.get_items(self.options)}, {self.customer.id})
        self.assertEqual(report.get_items({**self.options, 'group_id': self.other_customer.id}), [])
        columns = ['last_payment', 'last_payment_amount', 'on_hold', 'limit', 'limit_used', 'oldest_days']
        data = report.get_data({**self.options, 'columns': columns, 'compare_to': '2026-02-28', 'group_by': 'company'})
        [row] = data['rows']
        self.assertEqual((row['compare']['total'], row['last_payment_amount'], row['oldest_days']), (245, 25, 49))

    def test_no_difference_to_the_ledger(self):
        """The balance of the ledger is not theirs to know."""
        data = self.report_of(self.seller).get_data(self.options)
        self.assertEqual((data['difference_to_ledger'], data['differences']), (None, []))
        self.assertEqual(self.report_of(self.seller).get_tie_out(self.options)['difference_to_ledger'], None)
        with self.assertRaises(AccessError):
            self.env['ar.ledger'].with_user(self.seller).tie_out(self.options)

    def test_files_carry_no_more_than_the_screen(self):
        book = load_workbook(io.BytesIO(self.report_of(self.seller).get_xlsx(
            {**self.options, 'unfolded': [{'path': [self.customer.id]}]})), data_only=True)
        texts = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row}
        self.assertIn("Harbour Fish Ltd", texts)
        self.assertFalse([text for text in texts if "Alder" in text or "Scotland" in text or "Difference" in text])
        html = self.report_of(self.seller)._get_pdf_html(self.options)
        self.assertIn("Harbour Fish Ltd", html)
        self.assertNotIn("Alder", html)
        self.assertNotIn("Difference to the general ledger", html)

    def test_limit_of_a_group_is_not_shown(self):
        """Its use would tell of other customers."""
        group = self.env['ar.credit.group'].create({
            'name': "Fish", 'limit_amount': 1_000, 'company_ids': self.company.ids})
        (self.customer | self.other_customer).ar_credit_group_id = group
        options = {**self.options, 'columns': ['limit', 'limit_used']}
        [row] = self.report_of(self.seller).get_data(options)['rows']
        self.assertEqual((row['limit'], row['limit_used']), (None, None))

    def test_only_where_the_company_allows_it(self):
        self.company.ar_own_customers = False
        for method in ('get_data', 'get_items', 'get_tie_out', 'get_xlsx', 'get_pdf'):
            with self.assertRaisesRegex(AccessError, "does not show salespeople", msg=method):
                getattr(self.report_of(self.seller), method)(self.options)

    def test_everything_else_stays_shut(self):
        """The role opens the aged receivables, nothing more; without the role the setting opens nothing."""
        env = self.env(user=self.seller)
        for model, method in (
            ('ar.kpi.report', 'get_data'), ('ar.ledger', 'sales'), ('ar.ledger', 'expected_dates'),
            ('ar.ledger', 'owing_customers'), ('ar.aging.report', 'get_cell_action'),
        ):
            with self.assertRaises(AccessError, msg=f'{model}.{method}'):
                getattr(env[model], method)({**self.options, 'partner_ids': self.customer.ids})
        with self.assertRaises(AccessError):
            env['ar.ledger'].exposure(self.customer)
        for login, groups in (('clerk2', 'base.group_user'), ('portal2', 'base.group_portal')):
            user = new_test_user(self.env, login=login, groups=groups)
            self.customer.user_id = user if login == 'clerk2' else self.seller
            for method in ('get_data', 'get_items', 'get_choices', 'get_xlsx'):
                with self.assertRaises(AccessError, msg=f'{login} {method}'):
                    getattr(self.report_of(user), method)(*([] if method == 'get_choices' else [{}]))

    def test_menu(self):
        """The app of salespeople is there for them where the company allows it; readers have the large one."""
        menu = self.env.ref('ar_coordinator.menu_ar_own_customers').id
        self.assertIn(menu, self.env['ir.ui.menu'].with_user(self.seller).load_menus(False))
        both = self.ar_user('both', 'ar_coordinator.group_ar_own_customers,ar_coordinator.group_ar_user')
        self.assertNotIn(menu, self.env['ir.ui.menu'].with_user(both).load_menus(False))
        self.env['res.config.settings'].create({'ar_own_customers': False}).execute()
        self.assertFalse(self.company.ar_own_customers)
        self.assertNotIn(menu, self.env['ir.ui.menu'].with_user(self.seller).load_menus(False))


@tagged('post_install', '-at_install')
class TestSavedFilters(AgingCommon):

    def create_filter(self, user, **values):
        return self.env['ar.report.filter'].with_user(user).create({
            'name': "Mine", 'report': 'ar.aging.report', 'options': {'group_by': ['country', 'tag']}, **values})

    def test_own_and_shared(self):
        mine = self.create_filter(self.ann)
        shared = self.create_filter(self.ann, name="Ours", is_shared=True)
        seen = self.env['ar.report.filter'].with_user(self.bob).search([])
        self.assertIn(shared, seen)
        self.assertNotIn(mine, seen)
        self.assertEqual(seen.filtered(lambda one: one == shared).options, {'group_by': ['country', 'tag']})
        with self.assertRaises(AccessError):
            mine.with_user(self.bob).read(['options'])
        with self.assertRaises(AccessError):
            shared.with_user(self.bob).write({'name': "Bob's"})
        with self.assertRaises(AccessError):
            shared.with_user(self.bob).unlink()
        with self.assertRaises(AccessError):
            self.create_filter(self.bob, user_id=self.ann.id)
        shared.unlink()  # a manager tidies up

    def test_one_default_per_user(self):
        first = self.create_filter(self.ann, is_default=True)
        of_bob = self.create_filter(self.bob, is_default=True)
        second = self.create_filter(self.ann, name="Second", is_default=True)
        self.assertEqual([first.is_default, second.is_default, of_bob.is_default], [False, True, True])
        first.is_default = True
        self.assertEqual([first.is_default, second.is_default], [True, False])
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError):  # the database refuses a second one
            self.env.cr.execute("UPDATE ar_report_filter SET is_default = TRUE WHERE id = %s", [second.id])

    def test_what_a_report_opens_with_is_its_owners_choice(self):
        """A manager may tidy up a shared filter of somebody else's, but not say what his report opens with."""
        theirs = self.create_filter(self.bob, name="Of Bob", is_shared=True)
        manager = self.ar_user('filter_manager', 'ar_coordinator.group_ar_manager')
        shared = theirs.with_user(manager)
        shared.name = "Of all"
        for is_default in (True, False):
            with self.assertRaisesRegex(AccessError, "save “Of all” under your own name"):
                shared.write({'is_default': is_default})
        with self.assertRaises(AccessError):
            self.create_filter(manager, user_id=self.bob.id, is_default=True, is_shared=True)
        theirs.is_default = True
        shared.unlink()

    def test_strangers_have_none(self):
        stranger = self.ar_user('stranger', 'base.group_user')
        with self.assertRaises(AccessError):
            self.env['ar.report.filter'].with_user(stranger).search([])


@tagged('post_install', '-at_install')
class TestAgedCells(AgingCommon):

    def open_cell(self, cell, **options):
        report = self.env['ar.aging.report']
        action = report.get_cell_action({'as_of': self.as_of, 'company_ids': self.company.ids, **options}, cell)
        model = self.env[action['res_model']].with_context(**action['context'])
        return model.search(action['domain'])

    def test_every_cell_opens_its_entries(self):
        """The list behind a cell has the amounts of the report's date, which add up to the cell."""
        self.ar_pay(self.late, '2026-04-02')
        data = self.get_table(group_by='country', columns=['buckets', 'unapplied', 'total', 'overdue'])
        for row in data['rows']:
            for column in data['columns']:
                lines = self.open_cell(column['key'], group_by='country', group_ids=[row['id'] or 0])
                amount = self.env['ar.aging.report']._get_value(row, column['key'], data)
                self.assertEqual(sum(lines.mapped('ar_open_amount')), amount, (row['name'], column['key']))
        self.assertEqual(sum(self.open_cell('total').mapped('ar_open_amount')), 899)
        self.assertEqual(self.late.amount_residual, 0)  # paid since, and yet in the list

    def test_document_currencies_and_comparison(self):
        """Totals of a currency open its items, with the amounts in it; those of the other date what was open then."""
        data = self.get_table(amounts_in='document', compare_to='2026-02-28')
        for total in data['totals_by_currency']:
            options = {'amounts_in': 'document', 'currency_ids': [total['currency_id']], 'compare_to': '2026-02-28'}
            for cell, amount in (('total', total['total']), ('before', total['compare']['total'])):
                lines = self.open_cell(cell, **options)
                self.assertEqual(lines.currency_id.ids, [total['currency_id']])
                context = self.env['ar.aging.report'].get_cell_action(
                    {'as_of': self.as_of, 'company_ids': self.company.ids, **options}, cell)['context']
                self.assertEqual(sum(lines.with_context(**context).mapped('ar_open_amount_currency')), amount)
        self.assertEqual(
            {total['currency_id']: total['total'] for total in data['totals_by_currency']},
            {self.usd.id: 769, self.eur.id: 30, self.jpy.id: 7_000})

    def test_last_payment_and_limit(self):
        lines = self.open_cell('last_payment', group_ids=[self.customer.id])
        self.assertEqual(lines, self.ar_lines(self.cash))
        lines = self.open_cell('last_payment', group_by=['country', 'partner'], group_ids=[
            self.quick_ref('base.fr').id, self.customer.id])
        self.assertEqual(lines, self.ar_lines(self.cash))
        action = self.env['ar.aging.report'].get_cell_action({'group_ids': [self.customer.id]}, 'limit')
        self.assertEqual((action['res_model'], action['res_id']), ('res.partner', self.customer.id))

    def test_no_such_cell(self):
        with self.assertRaises(UserError):
            self.open_cell('b77')
        with self.assertRaises(UserError):
            self.env['account.move.line'].search([('ar_aged_cell', '=', 'nonsense')])
