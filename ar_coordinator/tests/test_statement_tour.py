"""Statement runs and write-offs in the browser."""
from odoo.tests import HttpCase, tagged

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestStatementTour(DunningCommon, HttpCase):

    def test_run(self):
        """A clerk starts a run, looks at the preview with its reasons, and sends."""
        self.ar_invoice(1000, '2026-02-10', due='2026-03-10')
        self.ar_invoice(50, '2026-02-10', partner=self.other_customer)
        self.ar_cash(50, '2026-03-01', partner=self.other_customer)
        self.start_tour('/odoo/ar-statement-runs', 'ar_statement_run', login='dunning_clerk')
        run = self.env['ar.statement.run'].search([('company_id', '=', self.company.id)])
        self.assertEqual((run.state, run.user_id), ('done', self.clerk))
        self.assertEqual(
            {line.partner_id: (line.state, line.reason) for line in run.line_ids},
            {self.customer: ('queued', False), self.other_customer: ('skipped', 'zero')})

    def test_write_off(self):
        """A clerk asks for a write-off above the limit; nothing is posted, and the screen says who decides."""
        self.company.ar_write_off_account_id = self.company_data['default_account_expense']
        invoice = self.ar_invoice(1000, '2026-02-10', due='2026-03-10')
        request = self.env['ar.write.off'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'reason': "Insolvent"})
        self.start_tour('/odoo/ar-write-offs', 'ar_write_off_ask', login='dunning_clerk')
        self.assertEqual((request.state, request.amount_total), ('requested', 1000))
        self.assertEqual(invoice.amount_residual, 1000)
