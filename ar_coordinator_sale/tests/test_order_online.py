"""What customers do online: a signature is kept, money that was taken is not answered with an error."""
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from odoo.addons.account_payment.tests.common import AccountPaymentCommon

from .common import SaleCreditCommon

SIGNATURE = "R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="  # one pixel


@tagged('post_install', '-at_install')
class TestOrderSigned(SaleCreditCommon, HttpCase):

    def sign(self, order):
        """Sign as the customer who got the link."""
        return self.make_jsonrpc_request(f'/my/orders/{order.id}/accept', {
            'access_token': order._portal_ensure_token(), 'name': "Ann Buyer", 'signature': SIGNATURE})

    def test_a_signed_order_on_hold_waits(self):
        self.hold(reason="Rumours of insolvency")
        order = self.order(500, require_signature=True, require_payment=False)
        result = self.sign(order)
        self.assertTrue(result['force_refresh'])
        self.assertEqual((order.state, order.signed_by), ('draft', "Ann Buyer"))
        self.assertTrue(order.signature)
        self.assertEqual(order.activity_ids.user_id, self.seller)
        self.assertIn("Rumours of insolvency", order.activity_ids.note)
        page = self.url_open(order.get_portal_url(query_string='&message=sign_ok')).text
        self.assertIn("Your order has been signed", page)
        self.assertNotIn("Rumours", page)
        self.assertNotIn("credit hold", page)
        messages = self.make_jsonrpc_request('/mail/chatter_fetch', {
            'thread_model': 'sale.order', 'thread_id': order.id, 'token': order.access_token})
        self.assertNotIn("Rumours", str(messages))
        self.assertIn("Ann Buyer", str(messages))

        order.with_user(self.seller).action_ar_request_release()
        order.ar_release_id.with_user(self.manager).action_approve("They pay")
        order.with_user(self.seller).action_confirm()
        self.assertEqual(order.state, 'sale')

    def test_a_signed_order_is_confirmed(self):
        order = self.order(500, require_signature=True, require_payment=False)
        self.sign(order)
        self.assertEqual(order.state, 'sale')
        self.assertFalse(order.activity_ids)


@tagged('post_install', '-at_install')
class TestOrderPaid(SaleCreditCommon, AccountPaymentCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')

    def pay(self, order, state='done', amount=None):
        """The provider tells that the customer has paid, then Odoo does the rest."""
        transaction = self._create_transaction(
            flow='direct', reference=f'{order.name}-{state}', state=state, partner_id=order.partner_id.id,
            amount=order.amount_total if amount is None else amount, currency_id=order.currency_id.id,
            sale_order_ids=[Command.set(order.ids)])
        with patch.object(type(self.env['sale.order']), '_send_order_notification_mail'):
            transaction._post_process()
        return transaction

    def test_a_paid_order_is_confirmed_and_marked(self):
        self.hold(reason="Rumours")
        order = self.order(500)
        self.pay(order)
        self.assertEqual(order.state, 'sale')
        self.assertTrue(order.ar_paid_on_hold)
        self.assertEqual(order.activity_ids.user_id, self.seller)
        self.assertIn("Paid online and confirmed", order.activity_ids.note)
        self.assertIn("Rumours", order.message_ids.filtered(lambda message: "Paid online" in message.body).body)
        self.assertEqual(self.parts(), {'open': -500, 'orders': 500})
        own = [('partner_id', '=', self.customer.id)]
        self.assertEqual(self.env['sale.order'].search([*own, ('ar_paid_on_hold', '=', True)]), order)

    def test_an_authorised_order_is_confirmed_and_marked(self):
        self.provider.write({'support_manual_capture': 'full_only', 'capture_manually': True})
        self.hold(reason="Rumours")
        order = self.order(500)
        self.pay(order, state='authorized')
        self.assertEqual((order.state, order.ar_paid_on_hold), ('sale', True))

    def test_what_is_paid_in_advance_does_not_go_over_the_limit(self):
        order = self.order(5_000)
        self.pay(order)
        self.assertEqual((order.state, order.ar_paid_on_hold), ('sale', False))
        self.assertFalse(order.activity_ids)

    def test_a_customer_without_credit_pays_in_advance(self):
        self.customer.ar_credit_mode = 'none'
        self.rule('without_credit')
        order = self.order(500)
        with self.assertRaisesRegex(UserError, "no credit"), self.env.cr.savepoint():
            order.action_confirm()
        self.pay(order)
        self.assertEqual((order.state, order.ar_paid_on_hold), ('sale', False))

    def test_the_invoice_of_a_paid_order_is_posted(self):
        self.company.ar_credit_check_posting = True
        self.env['ir.config_parameter'].sudo().set_param('sale.automatic_invoice', 'True')
        self.hold(reason="Rumours")
        order = self.order(500)
        with patch.object(type(self.env['payment.transaction']), '_send_invoice'):
            transaction = self.pay(order)
        self.assertEqual(order.state, 'sale')
        self.assertEqual(transaction.invoice_ids.state, 'posted')

    def test_a_payment_says_nothing_about_the_next_order(self):
        self.hold(reason="Rumours")
        self.pay(self.order(500))
        order = self.order(500)
        with self.assertRaisesRegex(UserError, "Rumours"):
            order.action_confirm()

    def test_too_little_does_not_confirm(self):
        self.hold(reason="Rumours")
        order = self.order(500, require_payment=True, prepayment_percent=1.0)
        self.pay(order, amount=100)
        self.assertEqual(order.state, 'draft')
        with self.assertRaisesRegex(UserError, "Rumours"):
            order.action_confirm()

    def test_an_order_to_be_paid_later_waits(self):
        """Cash on delivery, payment on site: other apps confirm these orders while the payment is pending."""
        self.hold(reason="Rumours")
        order = self.order(500)
        self._create_transaction(
            flow='direct', reference='later', state='pending', partner_id=self.customer.id, amount=500,
            currency_id=order.currency_id.id, sale_order_ids=[Command.set(order.ids)])
        order.sudo().action_confirm()
        self.assertEqual(order.state, 'draft')
        self.assertEqual(order.activity_ids.user_id, self.seller)
        self.assertIn("Rumours", order.activity_ids.note)
        with self.assertRaisesRegex(UserError, "Rumours"):
            order.with_user(self.seller).action_confirm()

    def test_an_order_online_without_salesperson(self):
        self.hold(reason="Rumours")
        order = self.order(500)
        order.user_id = False
        self.pay(order)
        self.assertEqual(order.state, 'sale')
        self.assertTrue(order.activity_ids.user_id.has_group('ar_coordinator.group_ar_manager'))
