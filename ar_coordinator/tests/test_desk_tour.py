"""The desk in a browser: a morning's work, the keyboard, a phone."""
from odoo import Command
from odoo.tests import HttpCase, tagged

from .desk_common import DeskCommon


class DeskTourCommon(DeskCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.third = cls.env['res.partner'].create({
            'name': "Quayside Catering", 'email': 'q@quayside.example.com', 'lang': 'en_US'})
        cls.customer.phone = '+44 20 7946 0999'
        cls.first_invoice = cls.ar_invoice(9000, '2026-04-01')
        cls.second_invoice = cls.ar_invoice(2000, '2026-04-01', partner=cls.other_customer)
        cls.third_invoice = cls.ar_invoice(500, '2026-04-01', partner=cls.third)


@tagged('post_install', '-at_install')
class TestDeskTour(DeskTourCommon):

    def test_a_mornings_work(self):
        """Worklist, call with a promise, next, dispute, next, letter; then nothing needs anybody."""
        self.start_tour('/odoo/ar-worklist', 'ar_morning', login='promise_clerk')
        call = self.env['ar.call'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual((call.outcome, call.user_id, call.promise_id.amount), ('promised', self.clerk, 9000.0))
        self.assertEqual(call.promise_id.date_promised.isoformat(), '2026-06-19')
        self.assertEqual(self.second_invoice.ar_disputed_amount, 2000.0)
        letter = self.env['ar.dunning.letter'].search([('partner_id', '=', self.third.id)])
        self.assertEqual((letter.state, letter.amount_total), ('queued', 500.0))
        self.assertEqual(self.page()['rows'], [])

    def test_a_call_in_five_clicks(self):
        """Outcome, who, what was promised, next contact date: counted by the tour."""
        self.start_tour('/odoo/ar-worklist', 'ar_call_clicks', login='promise_clerk')
        first, second = self.env['ar.call'].search([('company_id', '=', self.company.id)], order='id')
        self.assertEqual((first.outcome, first.phone, first.date_next.isoformat()), (
            'will_check', '+44 20 7946 0999', '2026-06-15'))
        self.assertEqual((second.outcome, second.promise_id.amount), ('promised', 2000.0))

    def test_the_managers_review(self):
        """Team, a collector's customers, re-assign, approve a write-off, release one and refuse another, KPIs."""
        self.company.write({
            'ar_write_off_account_id': self.company_data['default_account_expense'].id, 'ar_write_off_limit_user': 50,
            'ar_write_off_limit_manager': 1000})
        request = self.env['ar.write.off'].with_user(self.clerk).create({
            'partner_id': self.third.id, 'reason': "Insolvent", 'cause': 'insolvent', 'company_id': self.company.id,
            'currency_id': self.company.currency_id.id,
            'line_ids': [Command.create({'move_line_id': self.ar_lines(self.third_invoice).id})]})
        request.action_submit()
        releases = self.env['ar.credit.release'].with_user(self.clerk)
        for partner in (self.other_customer, self.third):
            self.env['ar.credit.hold'].with_user(self.clerk).create({
                'partner_id': partner.id, 'company_id': self.company.id, 'reason': "Rumours"})
            releases += releases.create({
                'partner_id': partner.id, 'company_id': self.company.id, 'valid_until': '2026-06-30',
                'reason': "Pays today"})
        releases.action_request()
        size, self.browser_size = self.browser_size, '1920x1080'  # all menus side by side
        self.start_tour('/odoo/ar-team', 'ar_manager_review', login='promise_manager')
        self.browser_size = size
        self.env.invalidate_all()
        self.assertEqual(self.customer.with_company(self.company).ar_collector_id, self.clerk)
        last = self.customer.ar_assignment_ids[0]
        self.assertEqual((last.from_user_id, last.assigned_by_id, last.reason), (
            self.collector, self.manager, "On leave"))
        self.assertEqual((request.state, request.approved_by_id, self.third_invoice.amount_residual), (
            'done', self.manager, 0.0))
        self.assertEqual(releases.mapped('state'), ['approved', 'refused'])

    def test_keyboard(self):
        self.start_tour('/odoo/ar-worklist', 'ar_worklist_keys', login='promise_clerk')
        snooze = self.env['ar.worklist.snooze'].search([('company_id', '=', self.company.id)])
        self.assertEqual((snooze.reason, snooze.ended_by_id), ("Pays on the 20th", self.clerk))


@tagged('post_install', '-at_install')
class TestDeskTourPhone(DeskTourCommon):
    browser_size = '375x667'
    touch_enabled = True

    def test_phone(self):
        self.start_tour('/odoo/ar-worklist', 'ar_desk_phone', login='promise_clerk')
        self.assertEqual(self.customer.with_company(self.company).ar_note, "Ask for Ada")
