"""Orders not invoiced are part of the exposure: once, with taxes, less down payments, in company currency."""
from odoo import Command
from odoo.tests import tagged

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderExposure(SaleCreditCommon):

    def test_an_order_counts_with_taxes_until_it_is_invoiced(self):
        order = self.order(500, taxes=self.tax)
        self.assertEqual(self.parts(), {})
        order.action_confirm()
        self.assertEqual(self.parts(), {'orders': 600})
        invoice = self.bill(order, post=False)
        self.assertEqual(self.parts(), {'orders': 600})  # a draft is not owed yet, the order still is to come
        invoice.action_post()
        self.assertEqual(self.parts(), {'open': 600})

    def test_a_cancelled_order_does_not_count(self):
        order = self.order(500, confirm=True)
        order._action_cancel()
        self.assertEqual(self.parts(), {})

    def test_drafts_that_count_are_not_counted_twice(self):
        self.company.ar_credit_include_drafts = True
        order = self.order(500, quantity=5, taxes=self.tax, confirm=True)
        invoice = self.bill(order, post=False, quantity=2)
        self.assertEqual(self.parts(), {'drafts': 240, 'orders': 360})
        invoice.action_post()
        self.assertEqual(self.parts(), {'open': 240, 'orders': 360})

    def test_part_invoiced_and_credited(self):
        order = self.order(500, quantity=5, confirm=True)
        invoice = self.bill(order, quantity=2)
        self.assertEqual(self.parts(), {'open': 200, 'orders': 300})
        self.ar_pay(invoice, '2026-03-31')
        self.assertEqual(self.parts(), {'orders': 300})
        invoice._reverse_moves([{'invoice_date': '2026-03-31'}], cancel=False).action_post()
        self.assertEqual(self.parts(), {'open': -200, 'orders': 500})  # credited: Odoo offers to invoice it again

    def test_an_invoice_at_another_price_leaves_nothing(self):
        order = self.order(500, confirm=True)
        self.bill(order, price_unit=450)
        self.assertEqual(self.parts(), {'open': 450})

    def test_more_invoiced_than_ordered_is_no_negative_exposure(self):
        order = self.order(500, quantity=5, confirm=True)
        self.bill(order, quantity=7)
        self.assertEqual(self.parts(), {'open': 700})

    def test_down_payment(self):
        order = self.order(1_000, taxes=self.tax, confirm=True)
        down_payment = self.down_payment(order, 25, post=False)
        self.assertEqual(self.parts(), {'orders': 1_200})
        down_payment.action_post()
        self.assertEqual(self.parts(), {'open': 300, 'orders': 900})
        self.ar_pay(down_payment, '2026-03-31')
        self.assertEqual(self.parts(), {'orders': 900})
        final = self.bill(order, post=False, final=True)
        self.assertEqual(final.amount_total, 900)
        self.assertEqual(self.parts(), {'orders': 900})
        final.action_post()
        self.assertEqual(self.parts(), {'open': 900})

    def test_down_payment_with_drafts_that_count(self):
        self.company.ar_credit_include_drafts = True
        order = self.order(1_000, taxes=self.tax, confirm=True)
        down_payment = self.down_payment(order, 25, post=False)
        self.assertEqual(self.parts(), {'drafts': 300, 'orders': 900})
        down_payment.action_post()
        self.assertEqual(self.parts(), {'open': 300, 'orders': 900})
        self.bill(order, post=False, final=True)
        self.assertEqual(self.parts(), {'open': 300, 'drafts': 900})

    def test_down_payment_that_was_credited(self):
        order = self.order(1_000, confirm=True)
        down_payment = self.down_payment(order, 25)
        down_payment._reverse_moves([{'invoice_date': '2026-03-31'}], cancel=True)
        self.assertEqual(self.parts(), {'orders': 1_000})

    def test_a_eur_order_in_a_usd_company_is_converted_once(self):
        """Failure 6 for orders: 1,000 EUR at 0.625 EUR for a dollar are 1,600 USD, whoever asks from where."""
        pricelist = self.env['product.pricelist'].create({'name': "EUR", 'currency_id': self.eur.id})
        self.order(1_000, pricelist_id=pricelist.id, confirm=True)
        self.assertEqual(self.parts(), {'orders': 1_600})
        facts = self.facts()
        self.assertEqual(facts.exposure, 1_600)
        other = self.setup_other_company()['company']
        exposure = self.env['ar.ledger'].with_company(other).exposure(self.customer, self.company)
        self.assertEqual(exposure[self.customer.id]['exposure'], 1_600)

    def test_a_eur_down_payment_lowers_the_order_in_its_own_currency(self):
        pricelist = self.env['product.pricelist'].create({'name': "EUR", 'currency_id': self.eur.id})
        order = self.order(1_000, pricelist_id=pricelist.id, confirm=True)
        down_payment = self.down_payment(order, 25)
        self.assertEqual(down_payment.currency_id, self.eur)
        self.assertEqual(self.parts(), {'open': 400, 'orders': 1_200})

    def test_orders_of_another_company_count_there(self):
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        order = self.env['sale.order'].with_company(other).create({
            'partner_id': self.customer.id, 'company_id': other.id,
            'order_line': [Command.create({'product_id': self.goods.id, 'price_unit': 700, 'tax_ids': []})]})
        order.action_confirm()
        self.assertEqual(self.parts(), {})
        self.assertEqual(self.parts(company=other), {'orders': other.currency_id.round(700)})

    def test_the_customer_is_who_gets_the_invoice(self):
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        self.order(300, partner=contact, confirm=True)
        self.order(200, partner=contact, confirm=True, partner_invoice_id=self.other_customer.id)
        self.assertEqual(self.parts(), {'orders': 300})
        self.assertEqual(self.parts(self.other_customer), {'orders': 200})

    def test_by_delivery_what_is_ordered_counts_and_what_is_delivered_beyond_it(self):
        order = self.order(500, product=self.service, quantity=5, confirm=True)
        self.assertEqual(self.parts(), {'orders': 500})
        order.order_line.qty_delivered = 7
        self.assertEqual(self.not_invoiced(), 700)
        self.bill(order)
        self.assertEqual(self.parts(), {'open': 700})

    def test_a_line_without_quantity_counts_what_was_delivered(self):
        order = self.order(500, confirm=True)
        order.order_line = [Command.create({
            'product_id': self.service.id, 'product_uom_qty': 0, 'qty_delivered': 2, 'price_unit': 100, 'discount': 10,
            'tax_ids': self.tax.ids})]
        self.assertEqual(self.not_invoiced(), 500 + 216)

    def test_taxes_in_the_price(self):
        included = self.tax.copy({'price_include_override': 'tax_included'})
        order = self.order(600, taxes=included, confirm=True)
        self.assertEqual(self.parts(), {'orders': 600})
        order.order_line = [Command.create({
            'product_id': self.service.id, 'product_uom_qty': 0, 'qty_delivered': 1, 'price_unit': 120,
            'tax_ids': included.ids})]
        self.assertEqual(self.not_invoiced(), 720)

    def test_units_of_measure(self):
        dozen = self.env.ref('uom.product_uom_dozen')
        order = self.order(600, product=self.goods, quantity=2, confirm=True)
        order.order_line.product_uom_id = dozen
        order.order_line.price_unit = 300
        self.assertEqual(self.parts(), {'orders': 600})
        unit = self.goods.uom_id
        self.bill(order, product_uom_id=unit.id, quantity=6, price_unit=25)
        self.assertEqual(self.parts(), {'open': 150, 'orders': 450})

    def test_discount_lines_lower_the_order(self):
        order = self.order(500)
        order.order_line = [Command.create({
            'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': -50, 'tax_ids': []})]
        order.action_confirm()
        self.assertEqual(self.parts(), {'orders': 450})

    def test_quotations_if_the_company_counts_them(self):
        order = self.order(500, validity_date='2026-04-30')
        draft = self.order(70)
        order.action_quotation_sent()
        self.assertEqual(self.parts(), {})
        self.company.ar_credit_include_quotations = True
        self.assertEqual(self.parts(), {'quotations': 500})
        self.assertEqual(order._ar_get_added(), 0)
        self.assertEqual(draft._ar_get_added(), 70)
        order.action_confirm()
        self.assertEqual(self.parts(), {'orders': 500})
        draft.action_quotation_sent()
        draft.validity_date = '2026-03-30'
        self.assertEqual(self.parts(), {'orders': 500})
        self.assertEqual(draft._ar_get_added(), 70)

    def test_all_customers_are_the_sum_of_each(self):
        order = self.order(500, confirm=True)
        self.down_payment(order, 25)
        self.order(300, partner=self.other_customer, confirm=True)
        self.ar_invoice(40, '2026-03-01')
        everybody = self.env['ar.ledger'].exposure(None, self.company)
        self.assertEqual(everybody[self.customer.id]['parts'], {'open': 165, 'orders': 375})
        self.assertEqual(everybody[self.other_customer.id]['parts'], {'orders': 300})
        for customer in self.customer | self.other_customer:
            self.assertEqual(everybody[customer.id]['parts'], self.parts(customer))

    def test_the_exposure_of_a_customer_takes_five_queries_at_most(self):
        self.order(500, confirm=True)
        self.company.ar_credit_include_quotations = True
        self.env.flush_all()
        self.env['ar.ledger'].exposure(self.customer, self.company)  # what is cached once
        self.env.flush_all()
        with self.assertQueryCount(5):
            self.env['ar.ledger'].exposure(self.customer, self.company)

    def test_quotations_wait_for_a_hold(self):
        """The board of holds counts them, in company currency, as long as they are valid."""
        self.order(500, taxes=self.tax)
        self.order(100, partner=self.other_customer)
        self.order(70, validity_date='2026-03-30')
        self.order(300)._action_cancel()
        waiting = self.env['ar.credit.hold']._get_waiting(self.company, self.customer)
        self.assertEqual([amount for _document, amount in waiting[self.customer.id]], [600])
        self.assertEqual(self.customer.with_company(self.company).ar_waiting_amount, 600)
        self.assertEqual(self.customer.with_company(self.company).ar_waiting_count, 1)
