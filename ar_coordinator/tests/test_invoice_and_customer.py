"""Receivables on Odoo's own screens: disputes on invoices, what a customer owes."""
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestInvoiceDisputes(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env['ar.dispute.reason'].search([], limit=1)
        cls.invoice = cls.ar_invoice(1_000, '2026-03-01', '2026-03-31')

    def dispute(self, action):
        """Fill in the dialog that `action` opens."""
        with Form(self.env[action['res_model']].with_context(**action['context'])) as form:
            form.reason_id = self.reason
        return self.env['ar.dispute'].browse(form.record.action_open()['res_id'])

    def test_new_dispute_proposes_what_is_not_disputed_yet(self):
        first = self.dispute(self.invoice.action_ar_new_dispute())
        self.assertEqual((first.move_id, first.amount), (self.invoice, 1_000))
        first.amount = 400
        second = self.dispute(self.invoice.action_ar_new_dispute())
        self.assertEqual(second.amount, 600)
        self.assertEqual(self.invoice.ar_disputed_amount, 1_000)
        self.assertEqual(self.invoice.ar_dispute_count, 2)
        with self.assertRaisesRegex(UserError, "everything that is unpaid is disputed already"):
            self.invoice.action_ar_new_dispute()

    def test_only_posted_customer_invoices(self):
        for move in (
            self.ar_invoice(10, '2026-03-01', post=False),
            self.ar_invoice(10, '2026-03-01', move_type='out_refund'),
            self.ar_misc(10, '2026-03-01'),
        ):
            with self.assertRaisesRegex(UserError, "is not a posted customer invoice"):
                move.action_ar_new_dispute()

    def test_view_disputes(self):
        first = self.dispute(self.invoice.action_ar_new_dispute())
        self.assertEqual(self.invoice.action_ar_view_disputes()['res_id'], first.id)
        first.amount = 400
        second = self.dispute(self.invoice.action_ar_new_dispute())
        action = self.invoice.action_ar_view_disputes()
        self.assertEqual(self.env['ar.dispute'].search(action['domain']), first | second)

    def test_filter_disputed(self):
        """The filter finds unpaid invoices with an open dispute, no others."""
        other = self.ar_invoice(50, '2026-03-01')
        self.dispute(self.invoice.action_ar_new_dispute())
        self.dispute(other.action_ar_new_dispute()).action_withdraw()
        domain = [('ar_dispute_ids.is_open', '=', True), ('amount_residual', '!=', 0),
                  ('company_id', '=', self.company.id)]
        self.assertEqual(self.env['account.move'].search(domain), self.invoice)
        self.ar_pay(self.invoice, '2026-04-01')
        self.assertFalse(self.env['account.move'].search(domain))
        self.assertEqual(self.invoice.ar_disputed_amount, 0)

    def test_form_without_the_role(self):
        """Somebody who only invoices gets the invoice as before: no field, no button, no error."""
        clerk = self.ar_user('ar_clerk', 'account.group_account_invoice')
        arch = self.env['account.move'].with_user(clerk).get_view(view_type='form')['arch']
        self.assertNotIn('ar_disputed_amount', arch)
        self.assertNotIn('action_ar_new_dispute', arch)
        with self.assertRaises(AccessError):
            self.invoice.with_user(clerk).read(['ar_disputed_amount'])


@tagged('post_install', '-at_install')
class TestCustomerAmounts(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        today = cls.company._ar_today().isoformat()
        cls.contact = cls.env['res.partner'].create({'name': "Accounts", 'parent_id': cls.customer.id})
        cls.ar_invoice(700, '2025-01-01', '2025-01-31')
        cls.ar_invoice(200, today, '2999-12-31', partner=cls.contact)
        cls.ar_cash(50, today)

    def test_amounts(self):
        """Contacts roll up to their customer; overdue is not reduced by unapplied cash."""
        for partner in (self.customer, self.contact):
            self.assertEqual((partner.ar_receivable_amount, partner.ar_overdue_amount), (850, 700))
            self.assertEqual(partner.ar_currency_id, self.company.currency_id)
        self.assertEqual(self.other_customer.ar_receivable_amount, 0)

    def test_another_company_sees_its_own(self):
        other = self.setup_other_company()['company']
        partner = self.customer.with_company(other)
        self.assertEqual((partner.ar_receivable_amount, partner.ar_overdue_amount), (0, 0))

    def test_one_query_for_many(self):
        """The number of queries does not grow with the number of customers."""
        partners = self.env['res.partner'].create([{'name': f"Customer {number}"} for number in range(30)])

        def queries(records):
            self.env.invalidate_all()
            records.mapped('name')
            before = self.cr.sql_log_count
            records.mapped('ar_overdue_amount')
            return self.cr.sql_log_count - before

        queries(partners[:1])  # warm caches
        self.assertEqual(queries(partners), queries(partners[:1]))

    def test_unsaved_customer(self):
        self.assertEqual(self.env['res.partner'].new({'name': "New"}).ar_overdue_amount, 0)

    def test_role_needed(self):
        seller = self.ar_user('ar_seller', 'base.group_user')
        with self.assertRaises(AccessError):
            self.customer.with_user(seller).read(['ar_overdue_amount'])

    def test_button_opens_the_report(self):
        action = self.contact.action_ar_open_items()
        self.assertEqual(action['tag'], 'ar_aging_report')
        self.assertEqual(action['params'], {
            'partner_ids': self.customer.ids, 'company_ids': self.company.ids, 'unfold': True})


@tagged('post_install', '-at_install')
class TestInvoiceDisputeTour(ArCommon, HttpCase):

    def test_dispute_an_invoice(self):
        """In the browser: open a dispute from the invoice and see it there."""
        invoice = self.ar_invoice(1_000, '2026-03-01', '2026-03-31')
        self.env['ar.dispute.reason'].create({'name': "Wrong colour", 'code': 'tour', 'sequence': 0})
        self.ar_user('ar_tour', 'ar_coordinator.group_ar_user')
        self.start_tour(f'/odoo/account.move/{invoice.id}', 'ar_dispute_an_invoice', login='ar_tour')
        self.assertEqual(
            [(dispute.amount, dispute.reason_id.name) for dispute in invoice.ar_dispute_ids], [(250, "Wrong colour")])
