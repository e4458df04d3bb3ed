"""No way around a hold leads to a confirmed order: forged totals, templates, options, jobs, mass actions, contacts.

The plain ways (context, state, import, copies, growth, online) are in test_order_hold.py, _growth.py and _online.py.
"""
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderWaysAround(SaleCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')

    def assert_held(self, order, confirm):
        """`confirm` is stopped, and the order is what it was."""
        state = order.state
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            confirm()
        order.invalidate_recordset()
        self.assertEqual(order.state, state)

    def test_totals_written_by_hand(self):
        """Computed amounts can be written over RPC; what counts is what the lines come to."""
        order = self.order(2_000).with_user(self.seller)
        for change in (
            lambda: order.write({'amount_total': 1}),
            lambda: order.write({'amount_total': 1, 'state': 'sale'}),
            lambda: order.order_line.write({'price_total': 1, 'price_subtotal': 1, 'price_tax': 0}),
            lambda: order.write({'order_line': [Command.update(order.order_line.id, {'price_total': 1})]}),
            lambda: order.write({'currency_rate': 2_000}),
        ):
            self.assert_held(order, lambda change=change: (change(), order.action_confirm()))
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            order.copy({'amount_total': 1, 'state': 'sale'})
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            order.create({
                'partner_id': self.customer.id, 'amount_total': 1, 'state': 'sale', 'order_line': [Command.create({
                    'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': 2_000, 'price_total': 1,
                    'tax_ids': []})]})

    def test_amounts_of_a_confirmed_order_written_by_hand(self):
        """What a confirmed order adds to the exposure stays what its lines come to."""
        order = self.order(900, confirm=True).with_user(self.seller)
        line = order.order_line
        line.write({'price_total': 0, 'price_subtotal': 0})
        line.write({'qty_invoiced': 1, 'invoice_status': 'invoiced'})
        order.write({'amount_total': 0, 'currency_rate': 900, 'invoice_status': 'invoiced'})
        self.env.flush_all()
        self.assertEqual(self.parts(), {'orders': 900})
        self.assertEqual((order.amount_total, line.price_total, order.currency_rate), (900, 900, 1))
        self.assert_held(order, lambda: line.write({'price_unit': 1_001, 'price_total': 900}))

    def test_a_paid_order_is_invoiced_whole(self):
        """Odoo sets the quantity to invoice of what is invoiced on delivery, when it invoices an order that is paid."""
        self.goods.invoice_policy = 'delivery'
        order = self.order(900, confirm=True)
        self.assertEqual(order.order_line.qty_to_invoice, 0)
        order._force_lines_to_invoice_policy_order()
        self.env.flush_all()
        self.assertEqual(
            (order.order_line.qty_to_invoice, order.order_line.invoice_status), (1, 'to invoice'))
        self.assertEqual(order._create_invoices().amount_total, 900)

    def test_a_line_is_no_down_payment_because_somebody_says_so(self):
        """What is marked as a down payment would count with the invoices of it alone: nothing."""
        order, next_order = self.order(900, confirm=True), self.order(200).with_user(self.seller)
        order.order_line.with_user(self.seller).write({'is_downpayment': True})
        self.assertEqual(self.parts(), {'orders': 900})
        self.assert_held(next_order, next_order.action_confirm)

    def test_lines_that_lower_an_order_stay(self):
        order = self.order(1_500, product=self.service)
        order.order_line = [Command.create({
            'product_id': self.service.id, 'product_uom_qty': -1, 'price_unit': 600, 'tax_ids': []})]
        order.action_confirm()
        discount = order.order_line[1].with_user(self.seller)
        self.assert_held(order, lambda: discount.write({'product_uom_qty': 0}))
        self.assert_held(order, lambda: discount.write({'price_unit': 0}))
        with self.assertRaises(UserError), self.env.cr.savepoint():
            discount.unlink()  # refused by Odoo: a line of a confirmed order
        order.with_user(self.seller).write({'locked': True})
        self.assert_held(order, lambda: (
            order.action_unlock(), discount.write({'product_uom_qty': -0.5})))

    def test_cancelled_and_confirmed_again(self):
        order = self.order(900, confirm=True).with_user(self.seller)
        order._action_cancel()
        order.action_draft()
        order.order_line.price_unit = 1_100
        self.assert_held(order, order.action_confirm)
        order._action_cancel()
        self.assert_held(order, lambda: order.write({'state': 'sale'}))

    def test_another_currency_after_the_confirmation(self):
        """900 US dollars become 900 euros, which are 1,440 US dollars."""
        order = self.order(900, confirm=True).with_user(self.seller)
        self.assert_held(order, lambda: order.write({'currency_id': self.eur.id}))

    def test_lines_moved_from_one_order_to_another(self):
        """Two orders become one: what is added is judged with it; the other order does not grow."""
        first = self.order(600, confirm=True)
        second = self.order(400, partner=self.other_customer, confirm=True)
        self.assert_held(first, lambda: (
            second.order_line.with_user(self.seller).copy({'order_id': first.id, 'price_unit': 401})))
        self.assert_held(first, lambda: first.with_user(self.seller).write({
            'order_line': [Command.create({
                'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': 401, 'tax_ids': []})]}))

    def test_a_template_fills_the_order(self):
        if 'sale_order_template_id' not in self.env['sale.order']:
            self.assertNotIn('sale.order.template', self.env)  # without the app Quotations there is none
            return
        template = self.env['sale.order.template'].create({'name': "Fleet", 'sale_order_template_line_ids': [
            Command.create({'product_id': self.goods.id, 'product_uom_qty': 20})]})
        order = self.env['sale.order'].with_user(self.seller).create({
            'partner_id': self.customer.id, 'sale_order_template_id': template.id})
        order._onchange_sale_order_template_id()
        self.assertGreater(order.amount_total, 1_000)
        self.assert_held(order, order.action_confirm)

    def test_jobs_mass_actions_and_server_actions(self):
        order = self.order(2_000)
        job = self.env['ir.cron'].create({
            'name': "Confirm", 'model_id': self.env['ir.model']._get_id('sale.order'), 'state': 'code',
            'code': f"model.browse({order.id}).action_confirm()"})
        self.assert_held(order, job.ir_actions_server_id.run)
        self.assert_held(order, lambda: self.env['ir.actions.server'].create({
            'name': "Confirm", 'model_id': self.env['ir.model']._get_id('sale.order'), 'state': 'object_write',
            'update_path': 'state', 'evaluation_type': 'value',
            'selection_value': self.env['ir.model.fields.selection'].search([
                ('field_id.model', '=', 'sale.order'), ('field_id.name', '=', 'state'), ('value', '=', 'sale')]).id,
            'value': 'sale'}).with_context(active_model='sale.order', active_ids=order.ids, active_id=order.id).run())
        wizard = 'sale.mass.cancel.orders'
        self.assertNotIn('confirm', dir(self.env.get(wizard, self.env['sale.order'])))

    def test_immediate_payment_is_no_payment(self):
        """Terms say when the money is due, not that it was paid."""
        order = self.order(
            2_000, payment_term_id=self.env.ref('account.account_payment_term_immediate').id).with_user(self.seller)
        self.assert_held(order, order.action_confirm)

    def test_the_invoice_address_is_moved_to_another_customer(self):
        """Who gets the invoice is who is judged: a contact that moves to a customer on hold brings the hold along."""
        address = self.env['res.partner'].create({
            'name': "Accounts", 'type': 'invoice', 'parent_id': self.other_customer.id})
        order = self.order(900, partner_invoice_id=address.id)
        self.hold(reason="Rumours")
        self.assertEqual(order.ar_credit_state, 'free')
        address.parent_id = self.customer
        order.invalidate_recordset()
        self.assert_held(order, order.action_confirm)

    def test_a_customer_on_hold_becomes_a_contact(self):
        """The hold goes to the customer he now belongs to: who is on hold buys under no other roof."""
        self.hold(reason="Rumours")
        order = self.order(500)
        self.customer.write({'is_company': False, 'parent_id': self.other_customer.id})
        self.assertEqual(order._ar_get_payer(), self.other_customer)
        order.invalidate_recordset()
        self.assert_held(order, order.with_user(self.seller).action_confirm)

    def test_merging_the_customer_keeps_hold_and_limit(self):
        self.hold(reason="Rumours")
        order = self.order(500)
        fresh = self.env['res.partner'].create({'name': "Harbour Fish again", 'is_company': True})
        self.env['base.partner.merge.automatic.wizard']._merge((self.customer + fresh).ids, fresh)
        self.env.invalidate_all()
        self.assertEqual(order.partner_invoice_id, fresh)
        self.assert_held(order, order.with_user(self.seller).action_confirm)
        self.assertEqual((fresh.ar_credit_mode, fresh.credit_limit), ('limited', 1_000))

    def test_an_archived_customer(self):
        self.hold(reason="Rumours")
        order = self.order(500).with_user(self.seller)
        self.customer.action_archive()
        self.assert_held(order, order.action_confirm)
        self.customer.action_unarchive()
        self.assert_held(order, order.action_confirm)

    def test_the_order_is_moved_to_a_sister_of_the_customer(self):
        """Released for one customer, invoiced to another of the same family: that one is judged."""
        order = self.order(2_000).with_user(self.seller)
        order.action_ar_request_release()
        order.sudo().ar_release_id.with_user(self.manager).action_approve("Once")
        sister = self.env['res.partner'].create({'name': "Sister", 'is_company': True, 'credit_limit': 100})
        self.assert_held(order, lambda: order.write({'partner_invoice_id': sister.id, 'state': 'sale'}))
        order.action_confirm()
        self.assert_held(order, lambda: order.write({'partner_invoice_id': sister.id}))
        self.assertEqual(order._ar_get_payer(), self.customer)
