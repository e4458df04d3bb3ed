"""Fixtures of the order tests: a salesperson, products with and without tax, short helpers for orders and invoices."""
from odoo import Command

from odoo.addons.ar_coordinator.tests.credit_common import CreditCommon


class SaleCreditCommon(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_credit_check_posting = False  # these tests are about orders
        cls.tax = cls.env['account.tax'].create({
            'name': "20 %", 'amount': 20, 'amount_type': 'percent', 'type_tax_use': 'sale',
            'company_id': cls.company.id})
        cls.goods = cls.env['product.product'].create({
            'name': "Crate", 'type': 'consu', 'invoice_policy': 'order', 'list_price': 100, 'taxes_id': []})
        cls.service = cls.env['product.product'].create({
            'name': "Hours", 'type': 'service', 'invoice_policy': 'delivery', 'list_price': 100, 'taxes_id': []})
        cls.seller = cls.ar_user('credit_seller', 'sales_team.group_sale_salesman_all_leads')

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref('sales_team.group_sale_manager')

    @classmethod
    def order(cls, amount, partner=None, confirm=False, user=None, product=None, quantity=1, taxes=None, **vals):
        """A quotation over one line (or a confirmed order)."""
        order = cls.env['sale.order'].create({
            'partner_id': (partner or cls.customer).id, 'user_id': (user or cls.seller).id,
            'order_line': [Command.create({
                'product_id': (product or cls.goods).id, 'product_uom_qty': quantity, 'price_unit': amount / quantity,
                'tax_ids': [Command.set(taxes.ids if taxes else [])]})],
            **vals})
        if confirm:
            order.action_confirm()
        return order

    @classmethod
    def bill(cls, order, post=True, final=False, **line_vals):
        """Invoice what can be invoiced of an order; `line_vals` change the invoice's lines before it is posted."""
        invoice = order._create_invoices(final=final)
        invoice.invoice_date = '2026-03-31'
        if line_vals:
            invoice.invoice_line_ids.write(line_vals)
        if post:
            invoice.action_post()
        return invoice

    @classmethod
    def down_payment(cls, order, percentage, post=True):
        """Invoice a down payment."""
        wizard = cls.env['sale.advance.payment.inv'].with_context(
            active_model='sale.order', active_ids=order.ids,
        ).create({
            'advance_payment_method': 'percentage', 'amount': percentage, 'sale_order_ids': order.ids})
        invoice = wizard._create_invoices(order)
        invoice.invoice_date = '2026-03-31'
        if post:
            invoice.action_post()
        return invoice

    def parts(self, partner=None, company=None):
        """The parts of a customer's exposure."""
        partner = partner or self.customer
        exposure = self.env['ar.ledger'].exposure(partner, company or self.company)[partner.id]
        self.assertAlmostEqual(sum(exposure['parts'].values()), exposure['exposure'], 2)
        return exposure['parts']

    def not_invoiced(self):
        """What is ordered and not invoiced; with the app Inventory what is delivered of it is a part of its own."""
        parts = self.parts()
        self.assertLessEqual(set(parts), {'orders', 'delivered'})
        return sum(parts.values())
