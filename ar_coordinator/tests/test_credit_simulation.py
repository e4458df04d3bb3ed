"""Simulation of rules over the past, score with its working, checklist of the set-up."""
import doctest

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.ar_coordinator.engine import credit_score

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditSimulation(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_credit_check_posting = False

    def simulate(self, rule, user=None, **vals):
        self.company.ar_credit_check_posting = True
        action = rule.with_user(user or self.manager).action_simulate()
        with Form(self.env['ar.credit.simulation'].with_user(user or self.manager).with_context(
                **action['context'])) as form:
            for name, value in vals.items():
                form[name] = value
        form.record.action_simulate()
        return form.record

    def test_over_the_limit_day_by_day(self):
        """1,000 of limit: 600, then 500 is stopped; paid in between, 500 would have passed."""
        self.ar_invoice(600, '2026-02-01')
        stopped = self.ar_invoice(500, '2026-02-10')
        self.ar_pay(self.env['account.move'].search([('partner_id', '=', self.customer.id)]), '2026-02-20')
        self.ar_invoice(500, '2026-03-01')
        self.ar_invoice(600, '2025-01-01')  # before the period, and open: the base
        rule = self.rule('over_limit', active=False)
        simulation = self.simulate(rule)
        self.assertEqual((simulation.document_count, simulation.held_count, simulation.customer_count), (3, 3, 1))
        self.ar_pay(self.env['account.move'].search([('invoice_date', '=', '2025-01-01')]), '2025-01-02')
        simulation = self.simulate(rule)
        self.assertEqual((simulation.held_count, simulation.held_amount), (1, 500))
        self.assertEqual(simulation.line_ids.document, stopped)
        self.assertIn("over the limit of", simulation.line_ids.reason)
        self.assertEqual(self.simulate(rule, days=20).held_count, 0)

    def test_overdue_is_judged_at_the_day(self):
        self.ar_invoice(100, '2026-01-01', '2026-01-10')
        self.ar_invoice(50, '2026-02-09')  # 30 days overdue then
        self.ar_invoice(50, '2026-02-10')  # 31
        simulation = self.simulate(self.rule('overdue_days', days=30))
        self.assertEqual((simulation.document_count, simulation.held_count), (3, 1))
        self.assertEqual(str(simulation.line_ids.date), '2026-02-10')

    def test_documents_of_a_day_add_up(self):
        for _number in range(3):
            self.ar_invoice(400, '2026-03-01')
        self.assertEqual(self.simulate(self.rule('over_limit')).held_amount, 400)

    def test_what_cannot_be_simulated(self):
        with self.assertRaisesRegex(UserError, "cannot be simulated"):
            self.simulate(self.rule('review_expired'))
        with self.assertRaisesRegex(UserError, "between 1 and 365"):
            self.simulate(self.rule('over_limit'), days=0)
        with self.assertRaises(AccessError):
            self.simulate(self.rule('over_limit'), user=self.clerk)

    def test_customers_of_a_group_share_its_limit(self):
        """What one owed on the day counts for the other, and what was posted that day before; until it was paid."""
        self.env['ar.credit.group'].create({
            'name': "G", 'limit_amount': 1_000, 'partner_ids': [(6, 0, (self.customer + self.other_customer).ids)],
            'company_ids': [(6, 0, self.company.ids)], 'currency_id': self.company.currency_id.id})
        first = self.ar_invoice(700, '2026-02-01', partner=self.other_customer)
        stopped = self.ar_invoice(301, '2026-02-10')  # 1,001 together; within the customer's own limit
        self.ar_pay(first, '2026-02-20')
        self.ar_invoice(400, '2026-03-01')
        same_day = self.ar_invoice(300, '2026-03-01', partner=self.other_customer)  # 301 + 400 + 300
        simulation = self.simulate(self.rule('over_limit'))
        self.assertEqual(simulation.line_ids.mapped('document'), [same_day, stopped])
        self.assertEqual((simulation.document_count, simulation.held_count, simulation.held_amount), (4, 2, 601))
        self.assertIn("1,001.00", simulation.line_ids[1].reason)

    def test_a_group_of_two_companies(self):
        """What is owed to the other company counts, converted once; the manager need not work there."""
        other = self.setup_other_company()
        company = other['company']
        company.currency_id = self.eur
        self.env['ar.credit.group'].sudo().create({
            'name': "G", 'limit_amount': 1_000, 'partner_ids': [(6, 0, self.customer.ids)],
            'company_ids': [(6, 0, (self.company + company).ids)], 'currency_id': self.company.currency_id.id})
        there = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-02-01',
            'journal_id': other['default_journal_sale'].id, 'currency_id': self.eur.id, 'invoice_line_ids': [(0, 0, {
                'name': "x", 'price_unit': 320, 'tax_ids': [], 'account_id': other['default_account_revenue'].id})]})
        there.action_post()
        self.ar_invoice(200, '2026-02-10')  # 800 there, at that day's rate
        stopped = self.ar_invoice(1, '2026-02-11')
        simulation = self.simulate(self.rule('over_limit'))
        self.assertEqual(simulation.line_ids.mapped('document'), [stopped])
        self.assertIn("1,001.00", simulation.line_ids.reason)


@tagged('post_install', '-at_install')
class TestCreditScore(CreditCommon):

    def test_doctests(self):
        results = doctest.testmod(credit_score)
        self.assertGreater(results.attempted, 5)
        self.assertFalse(results.failed)

    def test_score_with_its_working(self):
        """10 days late on average, one dispute lost, an account of one year: 100 - 10 - 3 - 8."""
        self.company.ar_credit_check_posting = False
        self.assertFalse(self.customer.ar_credit_score_text)
        old = self.ar_invoice(100, '2024-06-01')
        self.ar_pay(old, '2024-06-01')
        invoice = self.ar_invoice(100, '2026-01-01', '2026-01-31')
        self.ar_pay(invoice, '2026-02-10')
        open_invoice = self.ar_invoice(50, '2026-03-31', '2026-04-30')
        dispute = self.env['ar.dispute'].create({
            'move_id': open_invoice.id, 'amount': 5, 'date_open': '2026-03-31',
            'reason_id': self.env['ar.dispute.reason'].search([('is_our_fault', '=', False)], limit=1).id})
        dispute.action_withdraw()
        self.customer.invalidate_recordset()
        customer = self.customer.with_user(self.reader)
        self.assertEqual(customer.ar_credit_score, 79)
        for text in ("79", "10.0", "Disputes rejected or withdrawn"):
            self.assertIn(text, customer.ar_credit_score_text)

    def test_checklist(self):
        self.assertEqual(
            self.customer.ar_credit_missing,
            "billing address, payment terms, delivery of invoices, bank account or mandate")
        self.customer.write({
            'street': "Quay 1", 'city': "Harbour", 'country_id': self.env.ref('base.us').id,
            'invoice_sending_method': 'manual', 'property_payment_term_id': self.pay_terms_a.id,
            'bank_ids': [(0, 0, {'acc_number': '123'})], 'is_company': True})
        self.assertEqual(self.customer.ar_credit_missing, "tax id")
        self.customer.write({'vat': 'US12', 'email': False})
        self.assertEqual(self.customer.ar_credit_missing, "receivables contact with an e-mail address")
