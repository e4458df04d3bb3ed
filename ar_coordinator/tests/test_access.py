"""Who may read receivables, and whose."""
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestAccess(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = cls.ar_user('ar_reader', 'ar_coordinator.group_ar_readonly')
        cls.clerk = cls.ar_user('ar_clerk', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('ar_manager', 'ar_coordinator.group_ar_manager')
        cls.salesman = cls.ar_user('ar_sales', 'base.group_user')
        cls.portal = new_test_user(cls.env, login='ar_portal', groups='base.group_portal')
        cls.invoice = cls.ar_invoice(100, '2026-01-01')

    def test_who_reads_the_figures(self):
        for user in (self.reader, self.clerk, self.manager):
            data = self.env['ar.aging.report'].with_user(user).get_data({'as_of': '2026-01-31'})
            self.assertEqual(data['totals']['total'], 100, user.login)
            data = self.env['ar.kpi.report'].with_user(user).get_data({'as_of': '2026-01-31'})
            self.assertEqual(data['receivable'], 100)
        for user in (self.salesman, self.portal):
            for model, method in (
                ('ar.aging.report', 'get_data'), ('ar.aging.report', 'get_items'), ('ar.aging.report', 'get_tie_out'),
                ('ar.kpi.report', 'get_data'), ('ar.ledger', 'open_items'), ('ar.ledger', 'aged_balance'),
                ('ar.ledger', 'sales'), ('ar.ledger', 'tie_out'),
            ):
                with self.assertRaises(AccessError, msg=f"{user.login} {model}.{method}"):
                    getattr(self.env[model].with_user(user), method)({'as_of': '2026-01-31'})
            with self.assertRaises(AccessError):
                self.env['ar.ledger'].with_user(user).exposure(self.customer)

    def test_a_read_only_accountant_is_a_reader(self):
        accountant = self.ar_user('ar_accountant', 'account.group_account_readonly')
        data = self.env['ar.aging.report'].with_user(accountant).get_data({'as_of': '2026-01-31'})
        self.assertEqual(data['totals']['total'], 100)

    def test_other_companies_are_refused(self):
        other = self.setup_other_company()['company']
        for user in (self.reader, self.clerk, self.manager):
            with self.assertRaises(AccessError):
                self.env['ar.aging.report'].with_user(user).get_data({'company_ids': other.ids})

    def test_disputes(self):
        values = {'move_id': self.invoice.id, 'amount': 10,
                  'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id}
        dispute = self.env['ar.dispute'].with_user(self.clerk).create(dict(values))
        self.assertEqual(dispute.with_user(self.reader).amount, 10)
        self.assertEqual(self.invoice.with_user(self.reader).ar_disputed_amount, 10)
        for user in (self.reader, self.salesman, self.portal):
            with self.assertRaises(AccessError, msg=user.login):
                self.env['ar.dispute'].with_user(user).create(dict(values))
            with self.assertRaises(AccessError, msg=user.login):
                dispute.with_user(user).write({'amount': 5})
        for user in (self.salesman, self.portal):
            with self.assertRaises(AccessError, msg=user.login):
                dispute.with_user(user).read(['amount'])
        with self.assertRaises(AccessError):
            dispute.with_user(self.clerk).unlink()
        with self.assertRaises(AccessError):
            self.env['ar.dispute.reason'].with_user(self.clerk).create({'name': "x"})

    def test_disputes_of_other_companies_are_hidden(self):
        other = self.setup_other_company()
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'company_id': other['company'].id, 'partner_id': self.customer.id,
            'invoice_date': '2026-01-01', 'invoice_line_ids': [(0, 0, {
                'name': "x", 'price_unit': 30, 'tax_ids': [], 'account_id': other['default_account_revenue'].id})]})
        invoice.action_post()
        dispute = self.env['ar.dispute'].create({
            'move_id': invoice.id, 'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.assertEqual(dispute.amount, 30)
        self.assertFalse(self.env['ar.dispute'].with_user(self.clerk).search([('id', '=', dispute.id)]))
        with self.assertRaises(AccessError):
            dispute.with_user(self.clerk).read(['amount'])
