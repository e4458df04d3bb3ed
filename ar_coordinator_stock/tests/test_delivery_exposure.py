"""What was delivered and not invoiced is a part of its own; nothing is counted as ordered and as delivered."""
from odoo.tests import tagged

from .common import StockCreditCommon


@tagged('post_install', '-at_install')
class TestDeliveryExposure(StockCreditCommon):

    def test_from_order_to_invoice_the_sum_stays(self):
        order = self.order(1_000, product=self.stored, quantity=10, taxes=self.tax, confirm=True)
        self.assertEqual(self.parts(), {'orders': 1_200})
        self.done(self.delivery(order, 4))
        self.assertEqual(self.parts(), {'orders': 720, 'delivered': 480})
        invoice = self.bill(order)
        self.assertEqual(self.parts(), {'orders': 720, 'open': 480})
        self.done(self.delivery(order, 6))
        self.assertEqual(self.parts(), {'delivered': 720, 'open': 480})
        self.ar_pay(invoice, '2026-03-31')
        self.bill(order)
        self.assertEqual(self.parts(), {'open': 720})

    def test_the_rest_that_is_not_delivered_any_more(self):
        order = self.order(1_000, product=self.stored, quantity=10, confirm=True)
        self.done(self.delivery(order, 4), backorder=False)
        self.assertEqual(self.parts(), {'delivered': 400})
        self.bill(order)
        self.assertEqual(self.parts(), {'open': 400})

    def test_a_backorder_that_was_cancelled(self):
        order = self.order(1_000, product=self.stored, quantity=10, confirm=True)
        self.done(self.delivery(order, 4))
        self.delivery(order).action_cancel()
        self.assertEqual(self.parts(), {'delivered': 400})

    def test_invoiced_before_it_is_delivered(self):
        order = self.order(1_000, product=self.goods, quantity=10, confirm=True)
        self.bill(order)
        self.assertEqual(self.parts(), {'open': 1_000})
        self.done(self.delivery(order, 10))
        self.assertEqual(self.parts(), {'open': 1_000})

    def test_delivered_before_it_is_invoiced_by_order(self):
        order = self.order(1_000, product=self.goods, quantity=10, confirm=True)
        self.done(self.delivery(order, 7))
        self.assertEqual(self.parts(), {'orders': 300, 'delivered': 700})

    def test_a_return_to_be_credited(self):
        order = self.order(1_000, product=self.stored, quantity=10, confirm=True)
        picking = self.done(self.delivery(order, 10))
        self.assertEqual(self.parts(), {'delivered': 1_000})
        wizard = self.env['stock.return.picking'].with_context(
            active_id=picking.id, active_ids=picking.ids, active_model='stock.picking').create({})
        wizard.product_return_moves.write({'quantity': 3, 'to_refund': True})
        returned = self.env['stock.picking'].browse(wizard.action_create_returns()['res_id'])
        self.hold()  # returns are never held
        returned.move_ids.write({'quantity': 3, 'picked': True})
        self.done(returned)
        self.assertEqual(returned.state, 'done')
        self.assertEqual(self.parts(), {'delivered': 700})

    def test_a_down_payment_lowers_what_is_ordered_first(self):
        order = self.order(1_000, product=self.stored, quantity=10, confirm=True)
        self.down_payment(order, 25)
        self.done(self.delivery(order, 4))
        self.assertEqual(self.parts(), {'open': 250, 'orders': 350, 'delivered': 400})
        self.done(self.delivery(order, 6))
        self.assertEqual(self.parts(), {'open': 250, 'delivered': 750})

    def test_a_eur_delivery_in_a_usd_company_is_converted_once(self):
        """Failure 6 for deliveries: 400 EUR at 0.625 EUR for a dollar are 640 USD."""
        pricelist = self.env['product.pricelist'].create({'name': "EUR", 'currency_id': self.eur.id})
        order = self.order(1_000, product=self.stored, quantity=10, pricelist_id=pricelist.id, confirm=True)
        self.done(self.delivery(order, 4))
        self.assertEqual(self.parts(), {'orders': 960, 'delivered': 640})

    def test_the_exposure_of_a_customer_takes_five_queries_at_most(self):
        order = self.order(1_000, product=self.stored, quantity=10, confirm=True)
        self.done(self.delivery(order, 4))
        self.env.flush_all()
        self.env['ar.ledger'].exposure(self.customer, self.company)  # what is cached once
        self.env.flush_all()
        with self.assertQueryCount(5):
            self.env['ar.ledger'].exposure(self.customer, self.company)
