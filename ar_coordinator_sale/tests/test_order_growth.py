"""A confirmed order that grows is judged again: small orders are no way to big ones."""
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderGrowth(SaleCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')

    def assert_stopped(self, order, change):
        """`change` is stopped, and the order's total stays what it was."""
        total = order.amount_total
        with self.assertRaisesRegex(UserError, "put what is added on a quotation of its own") as caught, \
                self.env.cr.savepoint():
            change()
        order.invalidate_recordset()
        self.assertEqual(order.amount_total, total)
        return str(caught.exception)

    def test_every_way_of_making_a_confirmed_order_bigger(self):
        order = self.order(900, quantity=9, confirm=True).with_user(self.seller)
        line = order.order_line
        new = {'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': 101, 'tax_ids': []}
        for change in (
            lambda: line.write({'product_uom_qty': 11}),
            lambda: line.write({'price_unit': 112}),
            lambda: line.write({'tax_ids': [Command.set(self.tax.ids)]}),
            lambda: order.write({'order_line': [Command.update(line.id, {'product_uom_qty': 11})]}),
            lambda: order.write({'order_line': [Command.create(new)]}),
            lambda: line.create({**new, 'order_id': order.id}),
            lambda: line.with_context(bypass_risk=True).create({**new, 'order_id': order.id}),
            lambda: self.order(200).order_line.with_user(self.seller).write({'order_id': order.id}),
        ):
            message = self.assert_stopped(order, change)
            self.assertIn("over the limit of $\xa01,000.00", message)
            self.assertIn("$\xa0900.00", message)

    def test_growth_within_the_limit_and_shrinking_pass(self):
        order = self.order(900, quantity=9, confirm=True).with_user(self.seller)
        order.order_line.product_uom_qty = 10
        self.assertEqual(self.parts(), {'orders': 1_000})
        self.hold(reason="Rumours")
        order.order_line.product_uom_qty = 5
        self.assertEqual(self.parts(), {'orders': 500})
        self.assertIn("Rumours", self.assert_stopped(order, lambda: order.order_line.write({'product_uom_qty': 6})))

    def test_changes_that_cancel_out_are_judged_together(self):
        order = self.order(500, quantity=5)
        order.order_line = [Command.create({
            'product_id': self.goods.id, 'product_uom_qty': 5, 'price_unit': 100, 'tax_ids': []})]
        order.action_confirm()
        first, second = order.order_line
        order.with_user(self.seller).write({'order_line': [
            Command.update(first.id, {'product_uom_qty': 8}), Command.update(second.id, {'product_uom_qty': 2})]})
        self.assertEqual(order.amount_total, 1_000)

    def test_a_changed_amount_after_the_release(self):
        order = self.order(2_000).with_user(self.seller)
        order.action_ar_request_release()
        release = order.sudo().ar_release_id
        release.with_user(self.manager).action_approve("Once")
        order.action_confirm()
        order.order_line.price_unit = 2_100  # 5 % tolerance
        self.assertEqual(release.used_amount, 2_100)
        self.assert_stopped(order, lambda: order.order_line.write({'price_unit': 2_100.01}))

    def test_another_customer_after_the_confirmation(self):
        order = self.order(900, confirm=True).with_user(self.seller)
        self.other_customer.credit_limit = 800
        with self.assertRaisesRegex(UserError, "is on credit hold") as caught, self.env.cr.savepoint():
            order.write({'partner_invoice_id': self.other_customer.id})
        self.assertIn(self.other_customer.name, str(caught.exception))
        self.other_customer.credit_limit = 900
        order.write({'partner_invoice_id': self.other_customer.id})
        self.assertEqual(self.parts(self.other_customer), {'orders': 900})

    def test_what_does_not_change_the_amount_is_not_judged(self):
        order = self.order(900, confirm=True).with_user(self.seller)
        self.hold(reason="Rumours")
        order.write({
            'client_order_ref': "PO 7", 'order_line': [Command.update(order.order_line.id, {'name': "Crates"})]})
        order.order_line.write({'qty_delivered': 1})
        self.bill(order.sudo())
        self.assertEqual(self.parts(), {'open': 900})
