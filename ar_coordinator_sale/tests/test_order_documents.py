"""From the exposure to the orders; what rules would have done to past orders."""
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderDocuments(SaleCreditCommon):

    def documents(self, part, partner=None):
        action = (partner or self.customer).action_ar_view_exposure(part, self.company.id)
        return self.env[action['res_model']].search(action['domain'])

    def test_the_orders_behind_the_exposure(self):
        order = self.order(300, confirm=True)
        part = self.order(200, confirm=True, quantity=2)
        done = self.order(100, confirm=True)
        self.order(50)
        self.order(70, confirm=True, partner=self.other_customer)
        self.bill(done)
        self.bill(part, post=False).invoice_line_ids.quantity = 1
        part.invoice_ids.action_post()
        self.assertEqual(self.parts()['orders'], 400)
        self.assertEqual(self.documents('orders'), order + part)

    def test_quotations_that_count(self):
        self.company.ar_credit_include_quotations = True
        sent, _draft = self.order(50), self.order(60)
        expired = self.order(70, validity_date='2026-03-30')
        (sent + expired).write({'state': 'sent'})
        self.assertEqual(self.documents('quotations'), sent)

    def test_quotations_that_wait(self):
        self.hold()
        order = self.order(50)
        self.assertIn("Quotations that wait (1)", self.customer.ar_waiting_text)
        self.assertEqual(self.documents('waiting:sale.order'), order)


@tagged('post_install', '-at_install')
class TestOrderSimulation(SaleCreditCommon):

    @classmethod
    def past_order(cls, amount, day, **vals):
        """An order that was confirmed on a day."""
        order = cls.order(amount, confirm=True, **vals)
        order.date_order = f'{day} 10:00:00'
        return order

    def simulate(self, rule, **vals):
        action = rule.with_user(self.manager).action_simulate()
        with Form(self.env['ar.credit.simulation'].with_user(self.manager).with_context(**action['context'])) as form:
            for name, value in vals.items():
                form[name] = value
        form.record.action_simulate()
        return form.record

    def test_orders_until_they_are_invoiced_and_paid(self):
        """Limit 1,000. 600 ordered; 500 more is stopped; invoiced it still counts, paid it does not."""
        first = self.past_order(600, '2026-01-10')
        stopped = self.past_order(500, '2026-01-20')
        stopped.action_cancel()
        stopped = self.past_order(500, '2026-01-20')
        invoice = self.bill(first, post=False)
        invoice.invoice_date = '2026-02-01'
        invoice.action_post()
        also = self.past_order(300, '2026-02-05')  # 600 invoiced + 500 ordered + 300
        self.ar_pay(invoice, '2026-02-10')
        self.past_order(400, '2026-02-20')  # 500 + 300 + 400
        rule = self.rule('over_limit', active=False)
        simulation = self.simulate(rule)
        self.assertEqual((simulation.document_count, simulation.held_count), (4, 3))
        lines = {line.document: line.reason for line in simulation.line_ids}
        self.assertIn("1,100.00 with this document of", lines[stopped])
        self.assertIn("1,400.00 with this document of", lines[also])
        self.assertNotIn(first, lines)
        self.ar_invoice(100, '2026-02-21')
        self.assertEqual(self.simulate(rule).document_count, 4)  # postings are not checked here

    def test_an_invoice_of_an_order_is_no_second_exposure(self):
        order = self.past_order(800, '2026-02-01')
        invoice = self.bill(order, post=False)
        invoice.invoice_date = '2026-02-01'
        invoice.action_post()
        other = self.past_order(150, '2026-03-01')
        bill = self.bill(other, post=False)
        bill.invoice_date = '2026-03-05'
        bill.action_post()
        rule = self.rule('over_limit', active=False)
        self.company.ar_credit_check_posting = True
        simulation = self.simulate(rule)
        self.assertEqual((simulation.document_count, simulation.held_count), (4, 0))
        rule.on_order = False
        self.customer.credit_limit = 940
        simulation = self.simulate(rule)
        self.assertEqual((simulation.document_count, simulation.held_count), (2, 1))
        self.assertEqual(simulation.line_ids.document, bill)
        self.assertIn("950.00", simulation.line_ids.reason)

    def test_orders_of_before_the_period_count(self):
        self.past_order(600, '2025-06-01')
        stopped = self.past_order(500, '2026-03-01')
        simulation = self.simulate(self.rule('over_limit', active=False))
        self.assertEqual(simulation.line_ids.document, stopped)

    def test_an_order_in_another_currency(self):
        """500 EUR are 1,250 USD at the rate of February and 800 USD at the one of March."""
        pricelist = self.env['product.pricelist'].create({'name': "EUR", 'currency_id': self.eur.id})
        order = self.past_order(500, '2026-02-10', pricelist_id=pricelist.id)
        self.assertEqual(order._ar_get_size(), 1_250)
        simulation = self.simulate(self.rule('over_limit', active=False))
        self.assertEqual((simulation.held_count, simulation.held_amount), (1, 1_250))

    def test_sizes_and_refusals(self):
        self.past_order(900, '2026-03-01', partner=self.other_customer)
        self.past_order(901, '2026-03-02', partner=self.other_customer)
        self.assertEqual(self.simulate(self.rule('order_size', amount=900, active=False)).held_amount, 901)
        with self.assertRaisesRegex(UserError, "cannot be simulated"):
            self.simulate(self.rule('dunning_step'))
