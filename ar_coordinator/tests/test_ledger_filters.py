"""Filters of the reports: which items count, in every figure alike."""
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestLedgerFilters(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ann = cls.ar_user('ann', 'ar_coordinator.group_ar_user')
        cls.bob = cls.ar_user('bob', 'ar_coordinator.group_ar_user')
        cls.tags = cls.env['res.partner.category'].create([{'name': "North"}, {'name': "Retail"}])
        cls.risk = cls.env['ar.credit.class'].create({'name': "Risky", 'limit_amount': 100})
        cls.group = cls.env['ar.credit.group'].create({
            'name': "Fish family", 'limit_amount': 100, 'company_ids': cls.company.ids})
        cls.customer.write({
            'ar_collector_id': cls.ann.id, 'country_id': cls.quick_ref('base.fr').id, 'category_id': cls.tags.ids,
            'ar_credit_class_id': cls.risk.id, 'user_id': cls.bob.id, 'ar_credit_group_id': cls.group.id})
        cls.other_customer.write({'country_id': cls.quick_ref('base.de').id, 'user_id': False})
        cls.nobody = cls.env['res.partner'].create({'name': "Contact of nobody's"})
        cls.nobody.country_id = False
        contact = cls.env['res.partner'].create({'name': "Buyer", 'parent_id': cls.customer.id})
        cls.env.user.group_ids += cls.env.ref('account.group_account_user')
        cls.ar_invoice(100, '2026-01-01', '2026-01-31', invoice_user_id=False)
        cls.ar_invoice(20, '2026-01-01', '2026-03-31', partner=contact, invoice_user_id=cls.ann.id)
        cls.ar_invoice(3, '2026-01-01', partner=cls.other_customer, invoice_user_id=False)
        cls.ar_cash(0.4, '2026-01-05', partner=cls.nobody)
        cls.ar_invoice(10, '2026-01-01', currency_id=cls.eur.id, invoice_user_id=cls.bob.id)  # 20.00
        cls.second = cls.receivable.copy({'code': '121999'})
        cls.entry = cls.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-01', 'line_ids': [
            Command.create({'account_id': cls.second.id, 'balance': 5000}),
            Command.create({'account_id': cls.revenue.id, 'balance': -5000})]})
        cls.entry.action_post()

    def assertTotal(self, expected, **options):
        """Table, list of items and comparison with the ledger are about the same items."""
        data = self.aged('2026-02-28', **options)
        self.assertAlmostEqual(data['totals']['total'], expected, 6, msg=options)
        self.assertEqual((data['difference_to_ledger'], data['differences']), (0, []), options)
        items = self.items('2026-02-28', **options)
        self.assertAlmostEqual(sum(item['residual'] for item in items), expected, 6, msg=options)
        opts = self.env['ar.ledger']._read_options({
            'as_of': '2026-02-28', 'company_ids': self.company.ids, **options})
        facts = self.env['ar.ledger']._point_facts(opts, [opts['as_of']])
        self.assertAlmostEqual(facts['receivable'][0], expected, 6, msg=options)

    def test_each_filter(self):
        self.assertTotal(5142.6)
        self.assertTotal(140, collector_ids=[self.ann.id])
        self.assertTotal(0, collector_ids=[self.bob.id])
        self.assertTotal(5002.6, collector_ids=[0])
        self.assertTotal(5142.6, collector_ids=[0, self.ann.id])
        self.assertTotal(140, country_ids=[self.quick_ref('base.fr').id])
        self.assertTotal(4999.6, country_ids=[False])
        self.assertTotal(140, tag_ids=[self.tags[0].id])
        self.assertTotal(140, tag_ids=self.tags.ids)  # both tags, counted once
        self.assertTotal(5002.6, tag_ids=[0])
        self.assertTotal(5142.6, tag_ids=[0, self.tags[1].id])
        self.assertTotal(140, risk_class_ids=[self.risk.id])
        self.assertTotal(5002.6, risk_class_ids=[0])
        self.assertTotal(140, credit_group_ids=[self.group.id])
        self.assertTotal(20, currency_ids=[self.eur.id])
        self.assertTotal(5122.6, currency_ids=[self.company.currency_id.id])
        self.assertTotal(5000, account_ids=[self.second.id])
        self.assertTotal(142.6, account_ids=[self.receivable.id])
        self.assertTotal(0, account_ids=[])

    def test_salesperson_of_the_invoice_goes_before_the_customers(self):
        self.assertTotal(20, salesperson_ids=[self.ann.id])
        self.assertTotal(120, salesperson_ids=[self.bob.id])
        self.assertTotal(5002.6, salesperson_ids=[0])

    def test_filters_add_up(self):
        self.assertTotal(20, collector_ids=[self.ann.id], currency_ids=[self.eur.id])
        self.assertTotal(120, country_ids=[self.quick_ref('base.fr').id], salesperson_ids=[self.bob.id])
        self.assertTotal(0, partner_ids=[self.other_customer.id], tag_ids=self.tags.ids)

    def test_default_of_a_company_counts(self):
        """Customers of whom nothing was said have the company's default; who was given none has none."""
        self.env['ir.default'].set('res.partner', 'ar_credit_class_id', self.risk.id, company_id=self.company.id)
        self.nobody.ar_credit_class_id = False
        self.other_customer.ar_credit_class_id = False
        self.assertFalse(self.other_customer.ar_credit_class_id)
        someone = self.env['res.partner'].create({'name': "New"})
        self.assertEqual(someone.ar_credit_class_id, self.risk)
        self.ar_invoice(7, '2026-01-01', partner=someone)
        self.assertTotal(147, risk_class_ids=[self.risk.id])

    def test_not_ids(self):
        for name in ('collector_ids', 'tag_ids', 'account_ids'):
            with self.assertRaises(UserError, msg=name):
                self.aged('2026-02-28', **{name: 'all'})

    def test_sales_and_disputes_over_time(self):
        """What the KPIs are made of takes the filters, too."""
        ledger = self.env['ar.ledger']
        scope = {'as_of': '2026-02-28', 'company_ids': self.company.ids, 'collector_ids': [self.ann.id]}
        self.assertEqual(
            sum(amount for _day, amount in ledger.sales({
                **scope, 'date_from': '2026-01-01', 'date_to': '2026-02-28'})), 140)
        invoice = self.ar_invoice(50, '2026-01-02', partner=self.other_customer)
        for move in (invoice, self.entry.search([('amount_total', '=', 20), ('partner_id', '!=', False)], limit=1)):
            self.env['ar.dispute'].create({
                'move_id': move.id, 'amount': 8, 'date_open': '2026-01-05',
                'reason_id': self.env['ar.dispute.reason'].search([], limit=1).id})
        opts = ledger._read_options(scope)
        self.assertEqual(ledger._disputed_at(opts, [opts['as_of']]), [8])
