"""The desk in a browser: a morning's work, the keyboard, a phone."""
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
