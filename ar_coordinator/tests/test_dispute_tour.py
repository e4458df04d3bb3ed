"""In the browser: a clerk decides a dispute into a credit note and posts it."""
from odoo.tests import HttpCase, tagged

from .dispute_common import DisputeCommon


@tagged('post_install', '-at_install')
class TestDisputeTour(DisputeCommon, HttpCase):

    def test_clerk_resolves_a_dispute_into_a_credit_note(self):
        invoice = self.goods((100, 10, self.tax_19, 0))
        dispute = self.open_dispute(invoice, lines={invoice.invoice_line_ids: 3})
        self.start_tour('/odoo/ar-disputes', 'ar_dispute_into_credit_note', login='dispute_clerk')
        self.assertEqual((dispute.state, dispute.closed_by, dispute.amount_accepted), ('closed', 'credited', 238))
        self.assertEqual(dispute.credit_move_ids.state, 'posted')
        self.assertEqual((invoice.amount_residual, dispute.outcome_note), (952, "Two were missing, one was delivered."))
