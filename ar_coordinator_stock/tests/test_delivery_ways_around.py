"""No way around a hold leads to a delivery: other transfers, other orders, returns sent again, transfers made by hand.

The plain ways (context, `_action_done`, backorders, done moves that grow) are in test_delivery_hold.py.
"""
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import StockCreditCommon


@tagged('post_install', '-at_install')
class TestDeliveryWaysAround(StockCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls.env.ref('stock.stock_location_customers')
        cls.suppliers = cls.env.ref('stock.stock_location_suppliers')
        cls.stock = cls.warehouse.lot_stock_id

    def assert_held(self, picking, deliver):
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            deliver()
        self.env.invalidate_all()
        self.assertNotEqual(picking.state, 'done')

    def held(self, quantity=5):
        """A delivery whose customer was put on hold after the order, as the storekeeper sees it."""
        order = self.order(100 * quantity, product=self.stored, quantity=quantity, confirm=True)
        self.hold(reason="Rumours of insolvency")
        return self.delivery(order, quantity).with_user(self.storekeeper)

    def test_another_address_on_the_delivery(self):
        """Who owes for it is who ordered it, whatever address the goods go to."""
        picking = self.held()
        picking.partner_id = self.other_customer
        self.assert_held(picking, picking.button_validate)
        picking.partner_id = False
        self.assert_held(picking, picking.button_validate)

    def test_taken_off_its_order(self):
        """Without its order the transfer is its customer's still."""
        picking = self.held()
        picking.sudo().sale_id = False
        self.assert_held(picking, picking.button_validate)

    def test_moved_into_the_transfer_of_somebody_else(self):
        """Two transfers become one: each customer on it is judged."""
        picking = self.held()
        free = self.delivery(
            self.order(300, partner=self.other_customer, product=self.stored, quantity=3, confirm=True), 3)
        picking.move_ids.write({'picking_id': free.id})
        free = free.with_user(self.storekeeper)
        self.assert_held(free, free.button_validate)
        self.assertEqual(free.ar_credit_state, 'held')
        self.assertIn("Rumours", free.ar_credit_message)
        free.action_ar_request_release()
        release = free.sudo().ar_release_id
        self.assertEqual((release.partner_id, release.max_amount), (self.customer, 500))
        release.with_user(self.manager).action_approve("Both may leave")
        free.button_validate()
        self.assertEqual(free.state, 'done')

    def test_from_a_supplier_on_paper(self):
        """A transfer that somebody lets come from a supplier does not come from one: no purchase sent it."""
        picking = self.held()
        picking.move_line_ids.sudo().unlink()
        picking.write({'location_id': self.suppliers.id})
        picking.move_ids.write({'location_id': self.suppliers.id, 'quantity': 5, 'picked': True})
        self.assert_held(picking, picking.button_validate)
        by_hand = self.transfer(self.customer, self.suppliers, self.customers, self.warehouse.out_type_id)
        self.assert_held(by_hand, by_hand.with_user(self.storekeeper).button_validate)

    def test_returned_and_sent_again(self):
        order = self.order(500, product=self.stored, quantity=5, confirm=True)
        self.done(self.delivery(order, 5))
        self.hold()
        back = self.turn_back(order.picking_ids)
        back.button_validate()
        self.assertEqual(back.state, 'done')  # what comes back is never held
        again = self.turn_back(back)
        self.assertEqual(again.ar_credit_state, 'held')
        self.assert_held(again, again.with_user(self.storekeeper).button_validate)

    def turn_back(self, picking):
        """The return of a transfer, with everything picked."""
        wizard = self.env['stock.return.picking'].with_context(
            active_id=picking.id, active_ids=picking.ids, active_model='stock.picking').create({})
        wizard.product_return_moves.quantity = 5
        back = self.env['stock.picking'].browse(wizard.action_create_returns()['res_id'])
        back.move_ids.write({'quantity': 5, 'picked': True})
        return back

    def test_invoiced_and_paid_first(self):
        """The order is invoiced; the hold is about the customer, and its goods stay here."""
        order = self.order(500, product=self.goods, quantity=5, confirm=True)
        invoice = self.bill(order)
        self.hold()
        picking = self.delivery(order, 5)
        self.assert_held(picking, picking.button_validate)
        self.assertEqual(invoice.state, 'posted')

    def test_by_hand_without_an_order(self):
        """A transfer, its moves and what is added to it over RPC are its customer's."""
        self.hold()
        picking = self.env['stock.picking'].with_user(self.storekeeper).create({
            'partner_id': self.customer.id, 'picking_type_id': self.warehouse.out_type_id.id,
            'location_id': self.stock.id, 'location_dest_id': self.customers.id})
        self.env['stock.move'].with_user(self.storekeeper).create({
            'product_id': self.stored.id, 'product_uom_qty': 1, 'picking_id': picking.id, 'picked': True,
            'location_id': self.stock.id, 'location_dest_id': self.customers.id, 'quantity': 1})
        self.assert_held(picking, picking.button_validate)
        contact = self.env['res.partner'].create({'name': "Gate 2", 'type': 'delivery', 'parent_id': self.customer.id})
        picking.partner_id = contact
        self.assert_held(picking, picking.button_validate)

    def test_the_order_is_moved_to_the_customer_on_hold_later(self):
        order = self.order(500, partner=self.other_customer, product=self.stored, quantity=5, confirm=True)
        self.hold(on_order=False)
        order.partner_invoice_id = self.customer
        picking = self.delivery(order, 5)
        self.assert_held(picking, picking.button_validate)

    def test_an_exchange(self):
        """What is sent in exchange for a return is a delivery like any other."""
        order = self.order(500, product=self.stored, quantity=5, confirm=True)
        self.done(self.delivery(order, 5))
        self.hold()
        sent = order.picking_ids
        wizard = self.env['stock.return.picking'].with_context(
            active_id=sent.id, active_ids=sent.ids, active_model='stock.picking').create({})
        wizard.product_return_moves.quantity = 5
        wizard.action_create_exchanges()
        exchange = (order.picking_ids | self.env['stock.picking'].search([('id', '>', sent.id)])).filtered(
            lambda picking: picking.location_dest_id.usage == 'customer' and picking.state not in ('done', 'cancel'))
        self.assertTrue(exchange)
        for picking in exchange:
            picking.move_ids.write({'quantity': 5, 'picked': True})
            self.assert_held(picking, picking.button_validate)

    def test_a_scrap_to_the_customer(self):
        """Scrapping goods "to a customer" names nobody and no order: it makes no exposure, and is no sale."""
        scrap = self.env['stock.scrap'].create({
            'product_id': self.stored.id, 'scrap_qty': 1, 'location_id': self.stock.id,
            'scrap_location_id': self.customers.id, 'picking_id': self.held().id})
        with self.assertRaisesRegex(UserError, "is on credit hold"):
            scrap.do_scrap()
