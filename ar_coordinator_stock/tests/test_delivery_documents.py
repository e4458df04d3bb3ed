"""From the exposure to the deliveries; what rules would have done to past deliveries."""
from odoo.tests import Form, tagged

from .common import StockCreditCommon


@tagged('post_install', '-at_install')
class TestDeliveryDocuments(StockCreditCommon):

    def documents(self, part):
        action = self.customer.action_ar_view_exposure(part, self.company.id)
        return self.env[action['res_model']].search(action['domain'])

    def delivered(self, amount, quantity, done):
        """An order, of which so many are delivered; returns (order, the delivery)."""
        order = self.order(amount, product=self.stored, quantity=quantity, confirm=True)
        return order, self.done(self.delivery(order, done))

    def test_the_deliveries_behind_the_exposure(self):
        order, delivery = self.delivered(500, 5, 2)
        self.assertEqual(self.parts(), {'orders': 300, 'delivered': 200})
        self.assertEqual(self.documents('delivered'), delivery)
        self.assertEqual(self.documents('orders'), order)
        self.bill(order)
        self.assertEqual(self.parts(), {'open': 200, 'orders': 300})
        self.assertFalse(self.documents('delivered'))

    def test_services_that_were_delivered_are_shown_as_their_orders(self):
        order = self.order(500, product=self.service, quantity=5, confirm=True)
        order.order_line.qty_delivered = 2
        self.assertEqual(self.parts()['delivered'], 200)
        self.assertEqual(self.documents('delivered'), order)

    def test_deliveries_that_wait(self):
        order = self.order(500, product=self.stored, quantity=5, confirm=True)
        self.hold()
        self.assertIn("Deliveries that wait (1)", self.customer.ar_waiting_text)
        self.assertEqual(self.documents('waiting:stock.picking'), order.picking_ids)

    def test_simulation(self):
        """A delivery adds nothing to what its order has in the exposure; it is judged as it leaves."""
        order, delivery = self.delivered(600, 6, 6)
        order.date_order = '2026-02-01 10:00:00'
        delivery.date_done = '2026-03-10 10:00:00'
        self.ar_invoice(600, '2026-03-05')
        rule = self.rule('over_limit', active=False)
        rule.on_order = False
        action = rule.with_user(self.manager).action_simulate()
        simulation = Form(self.env['ar.credit.simulation'].with_user(self.manager).with_context(
            **action['context'])).save()
        simulation.action_simulate()
        self.assertEqual((simulation.document_count, simulation.held_count), (1, 1))
        self.assertEqual((simulation.line_ids.document, simulation.line_ids.amount), (delivery, 600))
        self.assertIn("over the limit of $\xa01,000.00: $\xa01,200.00", simulation.line_ids.reason)
        rule.write({'on_order': True, 'on_delivery': False})
        simulation.action_simulate()
        self.assertEqual((simulation.document_count, simulation.held_count), (1, 0))
