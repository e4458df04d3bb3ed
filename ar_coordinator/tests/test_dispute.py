"""Disputes: defaults, states, what is held while they last."""
from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestDispute(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env.ref('ar_coordinator.dispute_reason_price')
        cls.owner = cls.ar_user('dispute_owner', 'ar_coordinator.group_ar_user')
        cls.reason.write({'user_id': cls.owner.id, 'sla_days': 10})
        cls.invoice = cls.ar_invoice(1_000, '2026-01-01', '2026-01-31')

    def dispute(self, **vals):
        return self.env['ar.dispute'].create({
            'move_id': self.invoice.id, 'reason_id': self.reason.id, 'date_open': '2026-02-01', **vals})

    def held(self, as_of='2026-03-31'):
        return self.aged(as_of)['totals']['disputed']

    def test_defaults_come_from_the_invoice_and_the_reason(self):
        dispute = self.dispute()
        self.assertEqual((dispute.amount, dispute.amount_held), (1_000, 1_000))
        self.assertEqual((dispute.user_id, dispute.date_deadline), (self.owner, date(2026, 2, 13)), "working days")
        self.assertEqual((dispute.partner_id, dispute.company_id, dispute.state), (self.customer, self.company, 'new'))
        self.assertEqual(dispute.name, f"Dispute on {self.invoice.name}")
        self.assertTrue(dispute.is_open)

    def test_amount_within_the_invoice(self):
        for amount in (0, -5, 1_000.01):
            with self.assertRaises(ValidationError, msg=amount):
                self.dispute(amount=amount)

    def test_rejected_is_owed_again(self):
        dispute = self.dispute(amount=400)
        dispute.action_investigate()
        self.assertEqual(self.held(), 400)
        with self.assertRaisesRegex(UserError, "write an answer to the customer first"):
            dispute.action_reject()
        dispute.outcome_note = "The price list is part of the contract."
        dispute.action_reject()
        self.assertEqual((dispute.state, dispute.is_open), ('rejected', False))
        self.assertEqual(dispute.date_closed, self.company._ar_today())
        self.assertEqual(self.held(dispute.date_closed), 0)
        self.assertEqual(self.held('2026-03-31'), 400, "it was disputed then")

    def test_accepted_stays_held_until_it_is_closed(self):
        """The customer is not chased for what we agreed to credit."""
        dispute = self.dispute(amount=400)
        dispute.action_accept()
        today = self.company._ar_today()
        self.assertEqual(self.held(today), 400)
        with self.assertRaisesRegex(UserError, "closes itself when its credit note"):
            dispute.action_close()
        dispute.credit_move_ids.unlink()
        dispute.action_close()
        self.assertEqual((dispute.state, dispute.closed_by, self.held(today)), ('closed', 'hand', 0))

    def test_partly_accepted_holds_the_accepted_part(self):
        dispute = self.dispute(amount=400)
        for accepted in (0, 400, 500):
            dispute.amount_accepted = accepted
            with self.assertRaises(UserError, msg=accepted):
                dispute.action_accept_partly()
        dispute.amount_accepted = 150
        dispute.action_accept_partly()
        self.assertEqual((dispute.amount_held, self.held(self.company._ar_today())), (150, 150))

    def test_an_ended_dispute_stays_ended(self):
        dispute = self.dispute(amount=400, outcome_note="No")
        dispute.action_withdraw()
        for action in ('action_investigate', 'action_accept', 'action_reject', 'action_withdraw', 'action_close'):
            with self.assertRaises(UserError, msg=action):
                getattr(dispute, action)()
        with self.assertRaises(UserError):
            dispute.unlink()

    def test_two_disputes_add_up_to_what_is_open_at_most(self):
        self.dispute(amount=700)
        self.dispute(amount=600)
        self.assertEqual(self.held(), 1_000)
        self.assertEqual(self.invoice.ar_disputed_amount, 1_000)

    def test_search_open(self):
        first, second = self.dispute(amount=100), self.dispute(amount=200)
        second.action_withdraw()
        own = [('move_id', '=', self.invoice.id)]
        self.assertEqual(self.env['ar.dispute'].search([*own, ('is_open', '=', True)]), first)
        self.assertEqual(self.env['ar.dispute'].search([*own, ('is_open', '=', False)]), second)
        self.assertEqual(self.env['ar.dispute'].search([*own, ('is_open', '!=', False)]), first)

    def test_changes_are_in_the_chatter(self):
        dispute = self.dispute(amount=400).with_context(
            tracking_disable=False, mail_notrack=False)
        self.env.cr.flush()  # tracking is written at the end of a transaction
        dispute.action_investigate()
        self.env.cr.flush()
        self.assertIn('state', dispute.message_ids.tracking_value_ids.field_id.mapped('name'))
