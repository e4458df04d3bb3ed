"""In the browser: stopped, asked, released on a phone, confirmed; many quotations from the list."""
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderTour(SaleCreditCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')

    def test_stopped_asked_released_on_a_phone_confirmed(self):
        order = self.order(1_500)
        with mute_logger('odoo.http'):  # the error that the salesperson gets
            self.start_tour(f'/odoo/sale.order/{order.id}', 'ar_order_stopped_and_asked', login='credit_seller')
        self.assertEqual((order.state, order.ar_release_state), ('draft', 'requested'))
        size, touch = self.browser_size, self.touch_enabled
        self.browser_size, self.touch_enabled = '375x667', True
        self.start_tour('/odoo/ar-credit-releases', 'ar_order_released_on_the_phone', login='credit_manager')
        self.browser_size, self.touch_enabled = size, touch
        order.invalidate_recordset()
        self.assertEqual(order.ar_release_id.approved_by_id, self.manager)
        self.start_tour(f'/odoo/sale.order/{order.id}', 'ar_order_goes_through', login='credit_seller')
        self.assertEqual(order.state, 'sale')

    def test_many_from_the_list(self):
        self.env['sale.order'].search([('state', 'in', ('draft', 'sent'))]).action_cancel()
        held, free = self.order(1_500), self.order(500, partner=self.other_customer)
        self.start_tour(
            '/odoo/action-sale.action_quotations', 'ar_orders_confirmed_from_the_list', login='credit_seller')
        self.assertEqual((held.state, free.state), ('draft', 'sale'))
