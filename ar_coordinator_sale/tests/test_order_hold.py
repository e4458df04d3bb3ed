"""No way around a hold leads to a confirmed order; a release does."""
from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderHold(SaleCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')

    def assert_held(self, order, confirm):
        """`confirm` is stopped with an error that says why, and the order stays what it was."""
        state = order.state
        with self.assertRaisesRegex(UserError, "is on credit hold") as caught, self.env.cr.savepoint():
            confirm()
        order.invalidate_recordset()
        self.assertEqual(order.state, state)
        return str(caught.exception)

    def test_the_error_says_what_why_and_what_to_do(self):
        self.ar_invoice(700, '2026-03-01')
        order = self.order(301).with_user(self.seller)
        message = self.assert_held(order, order.action_confirm)
        self.assertIn(order.name, message)
        self.assertIn(self.customer.name, message)
        self.assertIn("over the limit of $\xa01,000.00: $\xa01,001.00 with this document of $\xa0301.00", message)
        self.assertIn("Request Release", message)
        order.order_line.price_unit = 300
        order.action_confirm()
        self.assertEqual(order.state, 'sale')

    def test_order_confirmation_is_stopped_whatever_the_context(self):
        """Failure 4 for orders."""
        order = self.order(1_001).with_user(self.seller)
        for context in (
            {'bypass_risk': True}, {'skip_credit': True}, {'ar_skip_credit': True}, {'force': True},
            {'ar_coordinator_sale.paid': [order.id]}, {'ar_coordinator_sale.watched': [order.id]},
            {'install_mode': True}, {'tracking_disable': True}, {'import_file': True}, {'skip_procurement': True},
            {'active_test': False, 'default_state': 'sale'},
        ):
            held = order.with_context(**context)
            self.assert_held(order, held.action_confirm)
            self.assert_held(order, lambda held=held: held.write({'state': 'sale'}))
        self.assert_held(order, order.sudo().action_confirm)
        self.assert_held(order, order.with_user(self.env.ref('base.user_root')).action_confirm)

    def test_writing_the_state(self):
        order = self.order(1_001).with_user(self.seller)
        self.assert_held(order, lambda: order.write({'state': 'sale'}))
        self.assert_held(order, lambda: order.write({'state': 'sale', 'date_order': fields.Datetime.now()}))
        order._action_cancel()
        self.assert_held(order, lambda: order.write({'state': 'sale'}))

    def test_writing_the_state_and_the_amount_at_once(self):
        order = self.order(900).with_user(self.seller)
        self.assert_held(order, lambda: order.write({
            'state': 'sale', 'order_line': [Command.update(order.order_line.id, {'price_unit': 1_001})]}))

    def test_creating_confirmed_orders(self):
        line = {'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': 600, 'tax_ids': []}
        vals = {'partner_id': self.customer.id, 'state': 'sale', 'order_line': [Command.create(line)]}
        orders = self.env['sale.order'].with_user(self.seller)
        self.assertEqual(orders.create(dict(vals)).state, 'sale')
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            orders.create(dict(vals))

    def test_importing_confirmed_orders(self):
        fields_ = ['partner_id/.id', 'state', 'order_line/product_id/.id', 'order_line/product_uom_qty',
                   'order_line/price_unit']
        row = [str(self.customer.id), 'sale', str(self.goods.id), '1', '1001']
        count = self.env['sale.order'].search_count([])
        result = self.env['sale.order'].with_user(self.seller).load(fields_, [row])
        self.assertFalse(result['ids'])
        self.assertIn("is on credit hold", result['messages'][0]['message'])
        self.assertEqual(self.env['sale.order'].search_count([]), count)

    def test_a_copy_of_a_confirmed_order_is_a_quotation_and_held(self):
        order = self.order(600, confirm=True)
        copy = order.copy()
        self.assertEqual(copy.state, 'draft')
        self.assertFalse(copy.ar_release_id)
        self.assert_held(copy, copy.action_confirm)
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            order.copy({'state': 'sale'})

    def test_two_orders_at_once_add_up(self):
        orders = self.order(600) + self.order(600)
        message = self.assert_held(orders[0], orders.action_confirm)
        self.assertNotIn(orders[0].name, message)
        self.assertIn(orders[1].name, message)

    def test_the_order_s_company_decides(self):
        """Failure 14 for orders: a limit of the wrong company."""
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        self.seller.company_ids |= other
        order = self.order(1_001)
        self.assert_held(order, order.with_company(other).with_user(self.seller).with_company(other).action_confirm)
        there = self.env['sale.order'].with_company(other).create({
            'partner_id': self.customer.id, 'company_id': other.id,
            'order_line': [Command.create({'product_id': self.goods.id, 'price_unit': 5_000, 'tax_ids': []})]})
        there.with_company(self.company).action_confirm()
        self.assertEqual(there.state, 'sale')

    def test_a_eur_order_is_compared_in_company_currency(self):
        pricelist = self.env['product.pricelist'].create({'name': "EUR", 'currency_id': self.eur.id})
        order = self.order(626, pricelist_id=pricelist.id)  # 1,001.60 USD
        message = self.assert_held(order, order.action_confirm)
        self.assertIn("$\xa01,001.60", message)
        order.order_line.price_unit = 625
        order.action_confirm()
        self.assertEqual(order.state, 'sale')
        self.assertEqual(self.parts(), {'orders': 1_000})

    def test_a_hold_by_hand(self):
        hold = self.hold(reason="Rumours of insolvency")
        order = self.order(1)
        self.assertIn("Rumours of insolvency", self.assert_held(order, order.action_confirm))
        hold.with_user(self.manager).action_lift("Paid")
        order.action_confirm()
        self.assertEqual(order.state, 'sale')

    def test_a_hold_that_is_not_for_orders(self):
        self.hold(on_order=False)
        order = self.order(1, confirm=True)
        self.assertEqual(order.state, 'sale')

    def test_the_invoice_of_an_order_is_not_counted_beside_it(self):
        self.company.ar_credit_check_posting = True
        order = self.order(800, taxes=self.tax, confirm=True)  # 960
        down_payment = self.down_payment(order, 25, post=False)
        self.assertEqual(down_payment._ar_get_counted_amount(), 240)
        down_payment.action_post()
        final = self.bill(order, post=False, final=True)
        self.assertEqual(final._ar_get_counted_amount(), 720)
        final.action_post()
        self.assertEqual(self.parts(), {'open': 960})
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            self.ar_invoice(41, '2026-03-31')

    def test_an_invoice_above_its_order_is_checked_for_the_difference(self):
        self.company.ar_credit_check_posting = True
        order = self.order(900, confirm=True)
        invoice = self.bill(order, post=False, price_unit=1_001)
        with self.assertRaisesRegex(UserError, "is on credit hold"), self.env.cr.savepoint():
            invoice.action_post()
        invoice.invoice_line_ids.price_unit = 1_000
        invoice.action_post()

    # === RELEASE === #

    def test_release(self):
        order = self.order(1_500).with_user(self.seller)
        self.assertEqual(order.ar_credit_state, 'held')
        action = order.action_ar_request_release()
        self.assertEqual(action['params']['type'], 'success')
        self.assertEqual(order.ar_release_state, 'requested')
        self.assert_held(order, order.action_confirm)
        release = order.sudo().ar_release_id
        self.assertEqual(release.requested_by_id, self.seller)
        self.assertEqual((release.partner_id, release.max_amount), (self.customer, 1_500))
        release.with_user(self.manager).action_approve("Long-standing customer")
        order.invalidate_recordset()
        self.assertEqual((order.ar_credit_state, order.ar_release_state), ('released', 'approved'))
        order.action_confirm()
        self.assertEqual(order.state, 'sale')
        self.assertEqual(release.use_ids.document, order.sudo())
        self.assertEqual((release.state, release.used_amount), ('used', 1_500))

    def test_a_refused_release(self):
        order = self.order(1_500).with_user(self.seller)
        order.action_ar_request_release()
        order.sudo().ar_release_id.with_user(self.manager).action_refuse("Let them pay first")
        order.invalidate_recordset()
        self.assertEqual((order.ar_credit_state, order.ar_release_state), ('held', 'refused'))
        self.assert_held(order, order.action_confirm)

    def test_a_quotation_that_grows_beyond_its_release_is_held_again(self):
        order = self.order(1_500).with_user(self.seller)
        order.action_ar_request_release()
        order.sudo().ar_release_id.with_user(self.manager).action_approve("Once")
        order.order_line.price_unit = 1_576
        self.assertEqual(order.ar_credit_state, 'held')
        self.assert_held(order, order.action_confirm)
        order.order_line.price_unit = 1_575  # 5 % tolerance
        order.action_confirm()
        self.assertEqual(order.state, 'sale')

    def test_a_release_is_for_its_order_only(self):
        order = self.order(1_500).with_user(self.seller)
        order.action_ar_request_release()
        order.sudo().ar_release_id.with_user(self.manager).action_approve("This one")
        other = self.order(1_500)
        self.assert_held(other, other.action_confirm)

    # === MANY === #

    def test_of_fifty_orders_the_three_that_are_held_are_named_and_the_others_confirmed(self):
        orders = self.env['sale.order']
        for number in range(50):
            partner = self.env['res.partner'].create({'name': f"Buyer {number}", 'credit_limit': 100})
            orders += self.order(101 if number in (7, 20, 49) else 100, partner=partner)
        held = orders[7] + orders[20] + orders[49]
        with self.assertRaisesRegex(UserError, "is on credit hold") as caught, self.env.cr.savepoint():
            orders.with_user(self.seller).action_confirm()
        for order in orders:
            self.assertEqual(order.name in str(caught.exception), order in held)
        orders.invalidate_recordset()
        self.assertEqual(set(orders.mapped('state')), {'draft'})  # callers of action_confirm get all or nothing

        params = orders.with_user(self.seller).action_ar_confirm()['params']
        self.assertEqual(params['title'], "Confirmed: 47. On credit hold: 3.")
        for order in orders:
            self.assertEqual(order.name in params['message'], order in held)
            self.assertEqual(order.state, 'draft' if order in held else 'sale')

    def test_many_that_are_free(self):
        orders = self.order(400) + self.order(500)
        self.assertEqual(orders.action_ar_confirm()['params']['type'], 'success')
        with self.assertRaisesRegex(UserError, "none of these orders waits"):
            orders.action_ar_confirm()

    # === SCREENS === #

    def test_filter(self):
        held, free = self.order(1_001), self.order(900)
        confirmed = self.order(10, confirm=True)
        own = [('partner_id', '=', self.customer.id)]
        self.assertEqual(self.env['sale.order'].search([*own, ('ar_credit_state', '=', 'held')]), held)
        self.assertEqual(
            self.env['sale.order'].search([*own, ('ar_credit_state', '!=', 'held')]), free + confirmed)

    def test_panel(self):
        self.ar_invoice(700, '2026-03-01')
        order = self.order(400)
        panel = str(order.ar_credit_panel)
        for text in ("This order adds", "400.00", "Exposure with this order", "1,100.00", "Over the limit by"):
            self.assertIn(text, panel)
        order.order_line.price_unit = 100
        order.action_confirm()
        panel = str(order.ar_credit_panel)
        self.assertNotIn("This order adds", panel)
        for text in ("Orders not invoiced", "800.00", "Available", "200.00"):
            self.assertIn(text, panel)

    def test_one_banner(self):
        self.company.account_use_credit_limit = True
        order = self.order(1_001)
        self.assertEqual(order.ar_credit_state, 'held')
        self.assertFalse(order.partner_credit_warning)
        self.env['ar.credit.rule'].search([]).action_archive()
        order.invalidate_recordset()
        self.assertEqual(order.ar_credit_state, 'free')
        self.assertTrue(order.partner_credit_warning)  # core's own, where no rule says more


@tagged('post_install', '-at_install')
class TestOrderRpc(SaleCreditCommon, HttpCase):

    def test_a_salesperson_cannot_confirm_over_rpc(self):
        """Failure 5 for orders: the caller gets an error, not a dialog and the belief that it worked."""
        self.rule('over_limit')
        order = self.order(1_001)
        key = self.env['res.users.apikeys'].with_user(self.seller).sudo()._generate(
            'rpc', "test", fields.Datetime.to_datetime('2099-12-31'))  # PostgreSQL's clock is not frozen
        for method, body in (
            ('action_confirm', {'ids': order.ids}),
            ('action_confirm', {'ids': order.ids, 'context': {'bypass_risk': True}}),
            ('write', {'ids': order.ids, 'vals': {'state': 'sale'}}),
        ):
            with mute_logger('odoo.http'):
                response = self.url_open(
                    f'/json/2/sale.order/{method}', json=body, headers={'Authorization': f'bearer {key}'})
            self.assertEqual(response.status_code, 422, response.text)
            self.assertIn("is on credit hold", response.text)
            order.invalidate_recordset()
            self.assertEqual(order.state, 'draft')
