"""Analysis of disputes: counts, amounts, days, share accepted, cost; the causes on the dashboard; whose disputes."""
from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from .dispute_common import DisputeCommon


@tagged('post_install', '-at_install')
class TestDisputeReport(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_dispute_limit = 100_000
        cls.price = cls.env.ref('ar_coordinator.dispute_reason_price')
        cls.fish, cls.ice = cls.env['product.product'].create([{'name': "Fish"}, {'name': "Ice"}])
        cls.seller.write({'group_ids': [Command.link(cls.env.ref('account.group_account_invoice').id)]})
        cls.invoice = cls.ar_invoice(0, '2026-03-01', invoice_user_id=cls.seller.id, invoice_line_ids=[
            Command.create({'product_id': product.id, 'quantity': 10, 'price_unit': price, 'tax_ids': tax.ids})
            for product, price, tax in ((cls.fish, 100, cls.tax_19), (cls.ice, 50, cls.tax_7))])
        cls.foreign = cls.ar_invoice(1_000, '2026-03-01', partner=cls.other_customer, currency_id=cls.eur.id)

    def setUp(self):
        super().setUp()
        fish, ice = self.invoice.invoice_line_ids
        first = self.open_dispute(self.invoice, lines={fish: 2, ice: 4})  # 238 + 214
        first.sudo().date_open = '2026-03-21'
        first._accept(quantities={first.line_ids[0]: 2})  # 238
        first.credit_move_ids.action_post()
        second = self.open_dispute(self.invoice, amount=50, reason=self.price)
        second.sudo().date_open = '2026-01-30'
        second.outcome_note = "No."
        second.action_reject()
        self.third = self.open_dispute(self.foreign, amount=500, reason=self.price)  # 800 in the books

    def figures(self, groupby, user=None, domain=()):
        """{group: (disputes, amount, days, share accepted, cost)}"""
        report = self.env['ar.dispute.report'].with_user(user or self.reader)
        rows = report._read_group(
            [('company_id', '=', self.company.id), *domain], [groupby],
            ['dispute_count:count_distinct', 'amount:sum', 'days_to_resolve:avg', 'share_accepted:avg',
             'amount_credited:sum'])
        return {
            group: (count, round(amount, 2), days, share if share is None else round(share, 2), round(credited, 2))
            for group, count, amount, days, share, credited in rows}

    def test_by_reason(self):
        self.assertEqual(self.figures('reason_id'), {
            self.reason: (1, 452, 10, 52.65, 238),  # 238 / 452
            self.price: (2, 850, 60, 0, 0)})  # the open one counts neither for the days nor for the share

    def test_by_root_cause_customer_salesperson_and_month(self):
        self.assertEqual({cause: row[:2] for cause, row in self.figures('root_cause').items()}, {
            'logistics': (1, 452), 'pricing': (2, 850)})
        self.assertEqual({customer: row[:2] for customer, row in self.figures('partner_id').items()}, {
            self.customer: (2, 502), self.other_customer: (1, 800)})
        self.assertEqual(self.figures('salesperson_id')[self.seller][:2], (2, 502))
        self.assertEqual({month.month: row[:2] for month, row in self.figures('date_open:month').items()}, {
            1: (1, 50), 3: (2, 1_252)})

    def test_by_product(self):
        """Lines by their product, an amount by the invoice's products: 1190 to 535 of 1725."""
        figures = {product: row[:2] for product, row in self.figures('product_id').items()}
        self.assertEqual(figures[self.fish], (2, round(238 + 50 * 1190 / 1725, 2)))
        self.assertEqual(figures[self.ice], (2, round(214 + 50 * 535 / 1725, 2)))
        self.assertEqual(figures[self.fish.browse()], (1, 800))

    def test_merged_duplicates_do_not_count(self):
        again = self.open_dispute(self.foreign, amount=400, reason=self.price)
        self.third._merge(again)
        self.assertEqual(self.figures('reason_id')[self.price][:2], (2, 850))

    def test_other_companies_and_roles(self):
        other = self.setup_other_company()['company']
        stranger = self.env['res.users'].create({
            'name': "Stranger", 'login': 'report_stranger', 'company_id': other.id,
            'company_ids': [Command.set(other.ids)],
            'group_ids': [Command.set(self.env.ref('ar_coordinator.group_ar_user').ids)]})
        self.assertEqual(self.figures('reason_id', user=stranger), {})
        for user in (self.portal, self.ar_user('report_seller', 'base.group_user')):
            with self.assertRaises(AccessError):
                self.figures('reason_id', user=user)
            with self.assertRaises(AccessError):
                self.env['ar.dispute.report'].with_user(user).get_top_causes()

    def test_top_causes_of_the_quarter(self):
        data = self.env['ar.dispute.report'].with_user(self.reader).get_top_causes({'as_of': '2026-03-31'})
        self.assertEqual((data['date_from'], data['date_to']), ('2026-01-01', '2026-03-31'))
        self.assertEqual(
            [(cause['reason_id'], cause['count'], cause['amount'], cause['credited']) for cause in data['causes']],
            [(self.price.id, 2, 850, 0), (self.reason.id, 1, 452, 238)])
        earlier = self.env['ar.dispute.report'].get_top_causes(
            {'as_of': '2026-02-28', 'company_ids': self.company.ids})
        self.assertEqual([cause['amount'] for cause in earlier['causes']], [50])
        nothing = self.env['ar.dispute.report'].get_top_causes({'as_of': '2025-12-31'})
        self.assertEqual(nothing['causes'], [])


@tagged('post_install', '-at_install')
class TestDisputeReportTour(DisputeCommon, HttpCase):

    def test_top_causes_on_the_dashboard(self):
        self.open_dispute(self.ar_invoice(1_000, '2026-03-01'), amount=400)
        self.start_tour('/odoo/ar-kpi', 'ar_dispute_top_causes', login='dispute_clerk')
