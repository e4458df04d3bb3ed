"""Exposure with its parts, mode and limit in step with core's, figures that are searched and sorted by."""
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditExposure(CreditCommon):

    def exposure(self, partner=None, company=None):
        partner = partner or self.customer
        return self.env['ar.ledger'].exposure(partner, company or self.company)[partner.id]

    def test_parts(self):
        """Open items, what is dated later, drafts if the company counts them; contacts count as their customer."""
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        self.ar_invoice(300, '2026-03-01', '2026-04-15', partner=contact)
        self.ar_invoice(200, '2026-01-01', '2026-01-31')
        self.ar_cash(50, '2026-03-02')
        self.ar_invoice(70, '2026-05-01')
        self.ar_invoice(40, '2026-03-30', post=False)
        self.ar_invoice(25, '2026-03-30', move_type='out_refund', post=False)
        self.assertEqual(self.exposure()['parts'], {'open': 450, 'later': 70})
        self.assertEqual(self.exposure()['exposure'], 520)
        self.company.ar_credit_include_drafts = True
        self.assertEqual(self.exposure()['parts'], {'open': 450, 'later': 70, 'drafts': 40})
        self.assertEqual(self.env['ar.ledger'].exposure(contact, self.company)[self.customer.id]['exposure'], 560)
        everybody = self.env['ar.ledger'].exposure(None, self.company)
        self.assertEqual({partner: own['exposure'] for partner, own in everybody.items()}, {self.customer.id: 560})

    def test_prepaid_invoices_dated_later_count_once(self):
        """A payment of today settles next week's invoice: the books of today have it as credit, the invoice in full."""
        self.ar_match(self.ar_invoice(1_000, '2026-04-07'), self.ar_cash(1_000, '2026-03-31').move_id)
        self.assertEqual(self.exposure()['parts'], {'open': -1_000, 'later': 1_000})
        self.assertEqual(self.exposure()['exposure'], 0)
        partly = self.ar_invoice(1_000, '2026-04-07', partner=self.other_customer)
        self.ar_match(partly, self.ar_cash(400, '2026-03-31', partner=self.other_customer).move_id)
        self.assertEqual(self.exposure(self.other_customer)['exposure'], 600)

    def test_invoices_dated_later_less_the_credits_dated_later(self):
        """An invoice of next week that was reversed on its day is gone; nothing of that is in today's books."""
        invoice = self.ar_invoice(1_000, '2026-04-07')
        self.ar_match(invoice, self.ar_invoice(300, '2026-04-08', move_type='out_refund'))
        self.ar_match(invoice, self.ar_cash(200, '2026-03-31').move_id)
        self.assertEqual(self.exposure()['parts'], {'open': -200, 'later': 700})
        self.ar_match(invoice, self.ar_invoice(500, '2026-04-07', move_type='out_refund'))
        self.assertEqual(self.exposure()['parts'], {'open': -200, 'later': 200})
        self.assertEqual(self.exposure()['exposure'], 0)

    def test_our_fault_is_taken_out(self):
        """Of two disputes only the part that is our fault leaves the exposure; the setting switches it off."""
        reasons = self.env['ar.dispute.reason'].search([])
        ours, theirs = (reasons.filtered(lambda reason, flag=flag: reason.is_our_fault is flag)[0]
                        for flag in (True, False))
        invoice = self.ar_invoice(1_000, '2026-01-01', '2026-01-31')
        for reason, amount in ((ours, 300), (theirs, 100)):
            self.env['ar.dispute'].create({
                'move_id': invoice.id, 'amount': amount, 'reason_id': reason.id, 'date_open': '2026-03-01'})
        self.assertEqual(self.exposure()['parts'], {'open': 1_000, 'our_fault': -300})
        self.assertEqual(self.exposure()['exposure'], 700)
        self.assertEqual((self.exposure()['disputed'], self.exposure()['overdue_checked']), (400, 700))
        self.company.ar_credit_exclude_our_fault = False
        self.assertEqual((self.exposure()['exposure'], self.exposure()['overdue_checked']), (1_000, 1_000))

    def test_open_credits_settle_the_oldest_overdue_first(self):
        self.ar_invoice(100, '2026-01-01', '2026-01-10')  # 80 days
        self.ar_invoice(60, '2026-02-01', '2026-03-01')  # 30 days
        self.assertEqual((self.exposure()['overdue_checked'], self.exposure()['oldest_days']), (160, 80))
        self.ar_cash(100, '2026-03-20')
        self.assertEqual((self.exposure()['overdue_checked'], self.exposure()['oldest_days']), (60, 30))
        self.ar_cash(60, '2026-03-21')
        self.assertEqual((self.exposure()['overdue_checked'], self.exposure()['oldest_days']), (0, 0))

    def test_semantics_9_6_foreign_currency_is_not_converted_twice(self):
        """EUR 100 at 0.4 is 250 in the books, and 250 in the exposure whatever today's rate is."""
        self.ar_invoice(100, '2026-02-10', currency_id=self.eur.id)
        self.assertEqual(self.exposure()['exposure'], 250)
        self.customer.credit_limit = 249.99
        self.rule('over_limit')
        with self.assertRaisesRegex(UserError, r"limit of \$.249\.99: \$.250\.01 with this document of \$.0\.01"):
            self.ar_invoice(0.01, '2026-03-31')

    def test_semantics_9_14_the_limit_of_the_documents_company_counts(self):
        """Whatever company the user works in: limit, rules and exposure are those of the document's company."""
        other = self.setup_other_company()
        other['company'].ar_credit_check_posting = True
        self.rule('over_limit', company_id=False)
        self.customer.with_company(other['company']).credit_limit = 50
        vals = {
            'company_id': other['company'].id, 'journal_id': other['default_journal_sale'].id,
            'invoice_line_ids': [(0, 0, {'name': "x", 'price_unit': 60, 'tax_ids': [],
                                         'account_id': other['default_account_revenue'].id})]}
        self.assertEqual(self.customer.credit_limit, 1_000)
        with self.assertRaisesRegex(UserError, "over the limit of .*50.00"):
            self.ar_invoice(60, '2026-03-31', **vals)
        self.customer.with_company(other['company']).credit_limit = 60
        self.customer.credit_limit = 10
        self.assertEqual(self.ar_invoice(60, '2026-03-31', **vals).state, 'posted')
        self.assertEqual(self.exposure()['exposure'], 0)
        self.assertEqual(self.exposure(company=other['company'])['exposure'], 60)

    def test_at_most_five_queries_for_one_customer(self):
        self.ar_invoice(100, '2026-01-01')
        self.env.flush_all()
        self.exposure()
        partner = self.customer.with_env(self.env)
        self.assertEqual(partner.commercial_partner_id, partner)  # the record somebody looks at is read already
        for drafts in (False, True):
            self.company.ar_credit_include_drafts = drafts
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.exposure(partner)
            self.assertLessEqual(self.env.cr.sql_log_count - before, 5)

    def test_as_many_queries_for_thirty_customers_as_for_one(self):
        def count(partners):
            self.env.flush_all()
            self.env.invalidate_all()
            partners.mapped('commercial_partner_id')
            before = self.env.cr.sql_log_count
            self.env['ar.ledger'].exposure(partners, self.company)
            return self.env.cr.sql_log_count - before
        partners = self.env['res.partner'].create([{'name': f"C{number}"} for number in range(30)])
        for partner in partners:
            self.ar_invoice(10, '2026-01-01', partner=partner)
        count(partners)
        self.assertEqual(count(partners), count(partners[0]))

    def test_who_may_see_it(self):
        salesman = self.ar_user('credit_sales', 'base.group_user')
        for user in (self.reader, self.clerk, self.manager):
            exposure = self.env['ar.ledger'].with_user(user).exposure(self.customer)
            self.assertEqual(exposure[self.customer.id]['exposure'], 0)
        with self.assertRaises(AccessError):
            self.env['ar.ledger'].with_user(salesman).exposure(self.customer)
        with self.assertRaises(AccessError):
            self.customer.with_user(salesman).read(['ar_exposure'])
        other = self.setup_other_company()['company']
        with self.assertRaises(AccessError):
            self.env['ar.ledger'].with_user(self.reader).exposure(self.customer, other)


@tagged('post_install', '-at_install')
class TestCreditMode(CreditCommon):

    def test_a_limit_makes_a_customer_limited(self):
        partner = self.env['res.partner'].create({'name': "New"})
        self.assertEqual(partner.ar_credit_mode, 'unlimited')
        partner.credit_limit = 500
        self.assertEqual(partner.ar_credit_mode, 'limited')
        partner.credit_limit = 0  # core's "no check"
        self.assertEqual(partner.ar_credit_mode, 'unlimited')
        partner.write({'ar_credit_mode': 'limited', 'credit_limit': 700})
        partner.ar_credit_mode = 'none'
        self.assertEqual((partner.ar_credit_mode, partner.credit_limit), ('none', 0))
        partner.credit_limit = 0
        self.assertEqual(partner.ar_credit_mode, 'none')
        self.assertEqual(
            self.env['res.partner'].create({'name': "Limited", 'credit_limit': 5}).ar_credit_mode, 'limited')

    def test_limited_needs_a_limit(self):
        for vals in ({'ar_credit_mode': 'limited', 'credit_limit': 0}, {'credit_limit': -1}):
            with self.assertRaisesRegex(ValidationError, "enter a credit limit above zero"):
                self.other_customer.write(vals)

    def test_installation(self):
        """Customers with a limit become limited, the others unlimited; a company's default limit counts."""
        other = self.setup_other_company()['company']
        limited, without, own_zero = self.env['res.partner'].create([
            {'name': "Limited", 'credit_limit': 900}, {'name': "Without"}, {'name': "Own zero"}])
        self.env['ir.default'].set('res.partner', 'credit_limit', 100, company_id=other.id)
        own_zero.with_company(other).write({'credit_limit': 0})
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET ar_credit_mode = NULL")
        self.env['ir.default'].search([('field_id.name', '=', 'ar_credit_mode')]).unlink()
        self.env.invalidate_all()
        self.env['res.partner']._ar_init_credit_mode()
        modes = [partner.with_company(company).ar_credit_mode for company in (self.company, other)
                 for partner in (limited, without, own_zero)]
        self.assertEqual(modes, ['limited', 'unlimited', 'unlimited', 'limited', 'limited', 'unlimited'])

    def test_default_limit_of_the_company(self):
        settings = self.env['res.config.settings'].create({})
        settings.account_default_credit_limit = 250
        partner = self.env['res.partner'].create({'name': "By default"})
        self.assertEqual((partner.ar_credit_mode, partner.credit_limit), ('limited', 250))
        settings.account_default_credit_limit = 0
        partner = self.env['res.partner'].create({'name': "By default"})
        self.assertEqual((partner.ar_credit_mode, partner.credit_limit), ('unlimited', 0))

    def test_cores_warning_and_ours_agree(self):
        self.company.account_use_credit_limit = True
        self.rule('over_limit', 'warn')
        self.rule('without_credit', 'warn')
        self.ar_invoice(900, '2026-03-01')
        for mode, limit, amount, warned in (
            ('limited', 1_000, 100, False), ('limited', 1_000, 100.01, True), ('unlimited', 0, 5_000, False),
            ('none', 0, 1, True),
        ):
            self.customer.write({'ar_credit_mode': mode, 'credit_limit': limit})
            draft = self.ar_invoice(amount, '2026-03-31', post=False)
            self.assertEqual(bool(draft.partner_credit_warning), warned, mode)
            self.assertEqual(draft.ar_credit_state, 'warning' if warned else 'free', mode)
            if warned:
                self.assertIn(draft.ar_credit_message.split(":")[0], draft.partner_credit_warning)

    def test_figures_on_the_customer(self):
        self.ar_invoice(250, '2026-01-01', '2026-01-31')
        customer = self.customer.with_user(self.reader)
        self.assertEqual(
            (customer.ar_exposure, customer.ar_credit_limit, customer.ar_credit_available, customer.ar_credit_used),
            (250, 1_000, 750, 25))
        self.assertIn("Open items", customer.ar_credit_text)
        self.assertIn("750.00", customer.ar_credit_text)
        self.assertEqual(self.env['res.partner'].new({'name': "New"}).ar_exposure, 0)

    def test_search_and_sort(self):
        small, big, none = self.env['res.partner'].create([{'name': name} for name in ("Small", "Big", "None")])
        self.ar_invoice(10, '2026-01-01', partner=small)
        self.ar_invoice(90, '2026-01-01', '2026-05-01', partner=big)
        own = [('id', 'in', (small | big | none).ids)]
        search = self.env['res.partner'].with_user(self.reader).search
        for domain, expected in (
            ([('ar_exposure', '>', 10)], big), ([('ar_exposure', '>=', 10)], small | big),
            ([('ar_exposure', '=', 0)], none), ([('ar_exposure', '!=', 0)], small | big),
            ([('ar_exposure', '<', 50)], small | none), ([('ar_overdue_amount', '>', 0)], small),
            ([('ar_exposure', 'in', [10, 90])], small | big),
        ):
            self.assertEqual(set(search(own + domain).ids), set(expected.ids), domain)
        for order, expected in (
            ('ar_exposure desc', big + small + none), ('ar_exposure', none + small + big),
            ('ar_overdue_amount desc, id desc', small + none + big),
        ):
            self.assertEqual(search(own, order=order).ids, expected.ids, order)
        self.assertTrue(self.env['res.partner'].fields_get(['ar_exposure'])['ar_exposure']['sortable'])
        big.credit_limit = 60
        self.assertEqual(search([*own, ('ar_credit_used', '>', 100)]), big)

    def test_form_of_a_customer(self):
        with Form(self.customer.with_user(self.env.user)) as form:
            form.ar_credit_mode = 'limited'
            form.credit_limit = 1_200
        self.assertEqual((self.customer.ar_credit_mode, self.customer.credit_limit), ('limited', 1_200))
