"""A salesperson sees why an order is held and can ask for a release; the customer's figures stay with receivables."""
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderAccess(SaleCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')
        cls.own = cls.ar_user('credit_own_seller', 'sales_team.group_sale_salesman')

    def test_a_salesperson_sees_the_banner_and_the_button(self):
        order = self.order(1_500, user=self.own).with_user(self.own)
        self.assertEqual(order.ar_credit_state, 'held')
        self.assertIn("over the limit", order.ar_credit_message)
        arch = self.env['sale.order'].with_user(self.own).get_view(view_type='form')['arch']
        self.assertIn('action_ar_request_release', arch)
        self.assertIn('ar_credit_message', arch)
        self.assertNotIn('ar_credit_panel', arch)
        order.action_ar_request_release()
        self.assertEqual(order.ar_release_state, 'requested')

    def test_a_salesperson_sees_no_figures_of_the_customer(self):
        order = self.order(1_500, user=self.own).with_user(self.own)
        with self.assertRaises(AccessError):
            order.read(['ar_credit_panel'])
        with self.assertRaises(AccessError):
            order.partner_id.read(['ar_exposure'])
        with self.assertRaises(AccessError):
            self.env['ar.ledger'].with_user(self.own).exposure(self.customer)
        self.hold()
        for model in ('ar.credit.hold', 'ar.credit.rule', 'ar.credit.class'):
            with self.assertRaises(AccessError, msg=model):
                self.env[model].with_user(self.own).search([])

    def test_orders_of_colleagues_count_though_they_are_not_seen(self):
        self.order(800, user=self.seller, confirm=True)
        order = self.order(300, user=self.own).with_user(self.own)
        self.assertNotIn(self.seller, self.env['sale.order'].with_user(self.own).search([]).user_id)
        self.assertEqual(order.ar_credit_state, 'held')

    def test_a_reader_sees_the_panel(self):
        reader = self.ar_user(
            'credit_panel', 'ar_coordinator.group_ar_readonly,sales_team.group_sale_salesman_all_leads')
        panel = self.order(1_500).with_user(reader).ar_credit_panel
        self.assertIn("This order adds", panel)
        self.assertIn('ar_credit_panel', self.env['sale.order'].with_user(reader).get_view(view_type='form')['arch'])

    def test_nobody_marks_an_order_as_paid(self):
        """The mark is set by payments, and says nothing to the check."""
        order = self.order(1_500).with_user(self.seller)
        order.write({'ar_paid_on_hold': True})
        self.assertEqual(order.ar_credit_state, 'held')

    def test_customers_see_nothing_of_it(self):
        portal = new_test_user(self.env, login='credit_portal', groups='base.group_portal')
        portal.partner_id.parent_id = self.customer
        order = self.order(1_500, partner=portal.partner_id)
        order.action_quotation_sent()
        order.message_subscribe(portal.partner_id.ids)
        self.assertEqual(order.with_user(portal).read(['name'])[0]['name'], order.name)
        with self.assertRaises(AccessError):
            order.with_user(portal).read(['ar_credit_state'])
        with self.assertRaises(AccessError):
            order.with_user(portal).read(['ar_credit_message'])
