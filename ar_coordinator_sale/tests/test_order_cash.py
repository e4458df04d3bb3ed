"""A payment that names the customer's purchase order finds the invoice, whatever reference the invoice has itself."""
from odoo.tests import tagged

from .common import SaleCreditCommon


@tagged('post_install', '-at_install')
class TestOrderCash(SaleCreditCommon):

    def test_order_numbers_name_the_invoice(self):
        order = self.order(250, confirm=True, client_order_ref="PO-4711-88", name="S04712")
        invoice = self.bill(order)
        invoice.write({'ref': "Crates", 'invoice_origin': False, 'payment_reference': False})
        self.bill(self.order(250, confirm=True))
        for text in ("po 4711 88", order.name):
            with self.subTest(text=text):
                line = self.env['account.bank.statement.line'].create({
                    'journal_id': self.bank.id, 'date': '2026-03-31', 'payment_ref': text, 'amount': 250})
                proposal = self.env['ar.cash']._propose(self.company).filtered(
                    lambda row, line=line: row.statement_line_id == line)
                self.assertEqual((proposal.what, proposal.line_ids.move_id), ('referenced', invoice))
                line.unlink()
