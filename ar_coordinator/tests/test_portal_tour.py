"""The customer's account in a browser the size of a phone."""
from datetime import timedelta

from odoo.tests import tagged

from .portal_common import PortalHttpCommon


@tagged('post_install', '-at_install')
class TestPortalTour(PortalHttpCommon):
    browser_size = '375x667'
    touch_enabled = True

    def test_phone(self):
        """Dispute half of an invoice, promise the rest, pay another one; each item gets what is its own."""
        self.dummy_provider.redirect_form_view_id.arch = (
            '<form action="/my/receivables" method="get"><input type="hidden" name="done" value="paid"/></form>')
        first, second = self.open_invoice(1000, 40), self.open_invoice(400, 10)
        later = self.open_invoice(300, -10)
        self.start_tour('/my/receivables', 'ar_portal_phone', login='anna')

        dispute = self.env['ar.dispute'].search([('move_id', '=', first.id)])
        self.assertEqual((dispute.amount, dispute.origin), (500, 'portal'))
        promise = self.env['ar.promise'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual(
            (promise.amount, promise.date_promised, promise.line_ids.move_id, promise.state),
            (500, self.today + timedelta(days=7), first, 'open'))
        transaction = self.env['payment.transaction'].search([('partner_id', '=', self.anna.id)])
        self.assertEqual((transaction.amount, transaction.invoice_ids, transaction.currency_id), (
            400, second, self.currency))
        transaction._set_done()
        transaction._post_process()
        self.assertEqual([move.amount_residual for move in (first, second, later)], [1000, 0, 300])
        [account] = self.accounts()
        self.assertEqual(
            {name: account[name] for name in ('total', 'overdue', 'disputed', 'to_pay', 'credits')},
            {'total': 1300, 'overdue': 1000, 'disputed': 500, 'to_pay': 500, 'credits': 0})
