"""In the browser: stopped, asked, found on the board of a phone, approved, posted; from exposure to documents."""
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditTour(CreditCommon, HttpCase):

    def test_from_the_board_to_the_document_that_passes(self):
        self.rule('over_limit')
        self.company.ar_credit_check_posting = False
        self.ar_invoice(1_100, '2026-03-01')
        self.company.ar_credit_check_posting = True
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        draft = self.ar_invoice(500, '2026-03-31', post=False)
        url = f'/odoo/customer-invoices/{draft.id}'
        with mute_logger('odoo.http'):  # the error that the clerk gets
            self.start_tour(url, 'ar_credit_invoice_stopped_and_asked', login='credit_biller')
        self.assertEqual((draft.state, draft.ar_release_state), ('draft', 'requested'))
        size, touch = self.browser_size, self.touch_enabled
        self.browser_size, self.touch_enabled = '375x667', True
        self.start_tour('/odoo/ar-on-hold', 'ar_credit_board_on_the_phone', login='credit_manager')
        self.browser_size, self.touch_enabled = size, touch
        draft.invalidate_recordset()
        self.assertEqual((draft.ar_release_id.state, draft.ar_release_id.approved_by_id), ('approved', self.manager))
        self.start_tour(url, 'ar_credit_invoice_passes', login='credit_biller')
        self.assertEqual((draft.state, draft.ar_release_state), ('posted', 'used'))

    def test_from_the_exposure_to_its_documents(self):
        self.ar_invoice(600, '2026-03-01')
        self.ar_invoice(50, '2026-04-15')
        self.start_tour('/odoo/ar-exposure', 'ar_credit_exposure_parts', login='credit_manager')
