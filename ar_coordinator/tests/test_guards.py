"""What moves by buttons only cannot be had by defaults in the context, nor by methods meant for the mail gateway."""
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestGuards(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(500, '2026-03-01', due='2026-03-20')
        cls.item = cls.invoice.line_ids.filtered(lambda line: line.account_type == 'asset_receivable')
        cls.portal = new_test_user(cls.env, login='guards_portal', groups='base.group_portal')

    def as_clerk(self, model, **defaults):
        """The model as a clerk calls it, with default values in the context."""
        return self.env[model].with_user(self.clerk).with_context(
            **{f'default_{name}': value for name, value in defaults.items()})

    def test_a_release_is_not_approved_by_default(self):
        release = self.as_clerk('ar.credit.release', state='approved', approved_by_id=self.manager.id).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'valid_until': '2026-04-30',
            'reason': "Please"})
        self.assertEqual((release.state, release.approved_by_id), ('draft', self.env['res.users']))

    def test_a_limit_is_not_done_by_default(self):
        change = self.as_clerk('ar.credit.change', state='done', user_id=self.manager.id).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'mode': 'limited',
            'limit_amount': 1_000_000, 'is_temporary': True, 'date_from': '2026-03-31', 'date_to': '2026-04-30',
            'reason': "Please"})
        self.assertEqual((change.state, change.user_id), ('draft', self.clerk))

    def test_a_dispute_is_not_accepted_by_default(self):
        dispute = self.as_clerk('ar.dispute', state='accepted', origin='portal').create({
            'move_id': self.invoice.id, 'amount': 500,
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_unclear').id})
        self.assertEqual((dispute.state, dispute.origin), ('new', 'clerk'))

    def test_a_plan_stays_as_it_was_offered(self):
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(self.item, 2, '2026-04-30', 'months')
        plan.action_propose()
        instalment = plan.instalment_ids[0]
        for change in (
            lambda: instalment.write({'amount': 1}), lambda: instalment.write({'date': '2027-01-01'}),
            instalment.unlink, plan.item_ids.unlink,
        ):
            with self.assertRaises(UserError):
                change()

    def test_judgements_of_instalments_are_not_written_by_hand(self):
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(self.item, 2, '2026-04-30', 'months')
        with self.assertRaises(AccessError):
            plan.instalment_ids[0].write({'state': 'kept'})

    def test_a_portal_user_is_not_the_mail_gateway(self):
        """Nobody stops reminders by saying that a customer wrote, nor gets the link of somebody else's plan."""
        dispute = self.env['ar.dispute']._open(self.invoice, amount=100)
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(
            self.item, 2, '2026-04-30', 'months')
        run = self.env['ar.dunning.run'].create({'company_id': self.company.id})
        run.action_preview()
        for record in (dispute, run.letter_ids):
            with self.assertRaises(AccessError):
                record.with_user(self.portal).message_update({'email_from': "x@example.com"}, {})
        with self.assertRaises(AccessError):
            plan.with_user(self.portal).action_preview()
