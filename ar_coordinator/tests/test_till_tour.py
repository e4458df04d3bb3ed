"""The till in a browser: three cheques, the slip, one bounces and is chased again, one was another customer's."""
from odoo.tests import HttpCase, tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestTillTour(ArCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.ar_user('till_tour_clerk', 'ar_coordinator.group_ar_user')
        cls.company.write({
            'ar_return_fee': 15, 'ar_return_cost_account_id': cls.company_data['default_account_expense'].id,
            'ar_dunning_policy_id': cls.env.ref('ar_coordinator.ar_dunning_policy_default').id,
            'ar_dunning_minimum_amount': 0, 'ar_dunning_working_hours': False})
        cls.customer.write({'email': "ap@harbour.example.com", 'lang': 'en_US'})
        cls.one = cls.ar_invoice(1_000, '2026-01-10', '2026-02-10', name="INV-ONE")
        cls.two = cls.ar_invoice(500, '2026-01-20', '2026-02-20', name="INV-TWO")
        cls.three = cls.ar_invoice(300, '2026-01-15', '2026-03-01', partner=cls.other_customer, name="INV-THREE")
        cls.moves = cls.one + cls.two + cls.three

    def test_three_cheques(self):
        self.start_tour('/odoo/ar-deposits', 'ar_till', login='till_tour_clerk')
        deposit = self.env['ar.deposit'].search([('company_id', '=', self.company.id)])
        self.assertEqual((deposit.state, deposit.amount_total, deposit.cheque_count), ('confirmed', 1_800, 3))
        self.assertEqual(self.moves.mapped('amount_residual'), [1_000, 500, 0])
        returned = self.env['ar.payment.return'].search([('company_id', '=', self.company.id)])
        self.assertEqual((returned.payment_id, returned.fee_move_id.amount_total, returned.fee_move_id.state), (
            deposit.line_ids[0].payment_id, 15, 'draft'))
        moved = self.env['ar.payment.move'].search([('company_id', '=', self.company.id)])
        self.assertEqual(
            (moved.partner_id, moved.partner_to_id, moved.credit_line_ids.amount_residual),
            (self.customer, self.other_customer, -500))
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'company_id': self.company.id})
        run.action_preview()
        chased = run.outcome_ids.filtered(lambda row: row.result == 'sent' or row.letter_id)
        self.assertEqual(chased.move_line_id.move_id, self.one + self.two, "what is open again is chased")
