"""The checkout of the shop (website_sale), over HTTP as the customer; only where that module is installed."""
import unittest

from odoo import Command
from odoo.http import root
from odoo.tests import new_test_user, tagged

from odoo.addons.account_payment.tests.common import AccountPaymentCommon
from odoo.addons.payment.tests.http_common import PaymentHttpCommon

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderShop(SaleCreditCommon, AccountPaymentCommon, PaymentHttpCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if 'website_id' not in cls.env['sale.order']._fields:
            raise unittest.SkipTest("website_sale is not installed in this database")
        cls.website = cls.env['website'].search([], limit=1)
        cls.website.company_id = cls.company
        cls.shopper = new_test_user(
            cls.env, login='credit_shopper', groups='base.group_portal', company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)])
        cls.shopper.partner_id.write({
            'parent_id': cls.customer.id, 'email': "ann@harbourfish.example.com", 'street': "Quay 1", 'zip': '1000',
            'city': "Harbourtown", 'phone': '+1 555 0100', 'country_id': cls.env.ref('base.be').id})
        cls.service.website_published = True
        cls.provider.is_published = True
        cls.hold(cls, reason="Rumours of insolvency")

    def cart(self, amount):
        """What the customer has put into the cart."""
        return self.order(
            amount, partner=self.shopper.partner_id, product=self.service, website_id=self.website.id,
            require_signature=False, require_payment=False)

    def check_out(self, order, state=None):
        """Pay in the shop, or order what costs nothing, and return the page the customer gets."""
        self.authenticate('credit_shopper', 'credit_shopper')
        self.update_session(sale_order_id=order.id, sale_last_order_id=order.id)
        if order.amount_total:
            self.make_jsonrpc_request(self._build_url(f'/shop/payment/transaction/{order.id}'), {
                'access_token': order._portal_ensure_token(), 'amount': order.amount_total,
                'provider_id': self.provider.id, 'payment_method_id': self.payment_method.id, 'flow': 'direct',
                'token_id': None, 'tokenization_requested': False, 'landing_route': '/shop/payment/validate'})
            getattr(order.transaction_ids, f'_set_{state}')()
            order.transaction_ids._post_process()
        return self.url_open('/shop/payment/validate')

    def update_session(self, **values):
        """Write into the session of the browser."""
        self.session.update(values)
        root.session_store.save(self.session)

    def assert_nothing_told(self, page):
        self.assertEqual(page.status_code, 200)
        for text in ("Rumours", "credit hold", "on hold"):
            self.assertNotIn(text, page.text)

    def test_a_paid_cart_is_confirmed_and_marked(self):
        order = self.cart(500)
        page = self.check_out(order, 'done')
        self.assertIn(order.name, page.text)
        self.assert_nothing_told(page)
        self.assertEqual((order.state, order.ar_paid_on_hold), ('sale', True))
        self.assertIn("Rumours of insolvency", order.activity_ids.note)

    def test_a_cart_to_be_paid_by_transfer_waits(self):
        order = self.cart(500)
        page = self.check_out(order, 'pending')
        self.assert_nothing_told(page)
        self.assertIn(order.state, ('draft', 'sent'))
        self.assertFalse(order.ar_paid_on_hold)

    def test_a_cart_that_costs_nothing_waits(self):
        self.service.list_price = 0  # the shop takes the price anew
        order = self.cart(0)
        self.assert_nothing_told(self.check_out(order))
        self.assertEqual(order.state, 'draft')
        self.assertIn("the quotation waits", order.activity_ids.note)
        self.env['ar.credit.hold'].search([('partner_id', '=', self.customer.id)]).with_user(
            self.manager).action_lift("Paid")
        self.assert_nothing_told(self.check_out(order))
        self.assertEqual(order.state, 'sale')
