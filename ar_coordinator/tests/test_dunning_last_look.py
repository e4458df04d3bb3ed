"""The last look: what changes while a letter waits in the mail queue keeps it from leaving."""
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningLastLook(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.second = cls.ar_invoice(200, '2026-02-01', '2026-03-01')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-01', partner=cls.other_customer)

    def letter(self, run, partner=None):
        return run.letter_ids.filtered(lambda letter: letter.partner_id == (partner or self.customer))

    def outcomes(self, run):
        return {outcome.move_id: (outcome.result, outcome.reason) for outcome in run.outcome_ids}

    def recipients(self, run):
        return sorted(email for mail in self.ar_deliver(run.letter_ids) for email in mail['email_to'])

    def assert_withdrawn(self, run, reason):
        """Only the other customer's letter leaves; the customer's is withdrawn and does not count as a reminder."""
        recipients = self.recipients(run)
        self.assertEqual(len(recipients), 1)
        self.assertIn('post@alder.example.com', recipients[0])
        self.assertEqual((self.letter(run).state, self.letter(run, self.other_customer).state), ('cancelled', 'sent'))
        self.assertEqual(self.outcomes(run)[self.first], reason)
        self.assertEqual(self.outcomes(run)[self.second], ('held', 'changed'))
        self.assertEqual(self.outcomes(run)[self.other], ('sent', 'due'))

    def test_nothing_changed(self):
        run = self.ar_send()
        self.assertEqual(len(self.recipients(run)), 2)
        self.assertEqual(set(run.letter_ids.mapped('state')), {'sent'})

    def test_failure_11_paid_while_in_the_mail_queue(self):
        run = self.ar_send()
        self.ar_pay(self.first, '2026-03-31')
        self.assert_withdrawn(run, ('skipped', 'settled'))
        again = self.ar_send()
        self.assertEqual(self.letter(again).line_ids.mapped('amount_asked'), [200], "the rest, at the same level")
        self.assertEqual(self.letter(again).level_id, self.level_1)

    def test_part_paid_while_in_the_mail_queue(self):
        run = self.ar_send()
        self.ar_pay(self.first, '2026-03-31', amount=30)
        self.assert_withdrawn(run, ('held', 'changed'))
        self.assertEqual(sorted(self.letter(self.ar_send()).line_ids.mapped('amount_asked')), [70, 200])

    def test_disputed_while_in_the_mail_queue(self):
        run = self.ar_send()
        self.env['ar.dispute'].create({
            'move_id': self.first.id, 'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.assert_withdrawn(run, ('skipped', 'disputed'))

    def test_no_followup_while_in_the_mail_queue(self):
        run = self.ar_send()
        self.first.no_followup = True
        self.assert_withdrawn(run, ('skipped', 'no_followup'))

    def test_paused_while_in_the_mail_queue(self):
        run = self.ar_send()
        self.env['ar.pause'].create({
            'company_id': self.company.id, 'move_id': self.first.id, 'reason': "x", 'date_end': '2026-04-30'})
        self.assert_withdrawn(run, ('skipped', 'paused'))

    def test_covered_while_in_the_mail_queue(self):
        """Money that came in and is not matched yet."""
        run = self.ar_send()
        self.ar_cash(100, '2026-03-31')
        self.assert_withdrawn(run, ('held', 'covered'))

    def test_reminder_before_the_due_date_leaves(self):
        self.policy.level_ids.create({
            'policy_id': self.policy.id, 'name': "Friendly notice", 'delay_days': -5,
            'mail_template_id': self.level_1.mail_template_id.id, 'attach_invoices': 'no'})
        early = self.ar_invoice(300, '2026-03-15', '2026-04-03', partner=self.env['res.partner'].create({
            'name': "Early Bird", 'email': 'early@bird.example.com', 'lang': 'en_US'}))
        run = self.ar_send()
        letter = self.letter(run, early.partner_id)
        self.ar_deliver(letter)
        self.assertEqual(letter.state, 'sent')

    def test_trouble_keeps_letters_in_the_queue_and_lets_other_mail_go(self):
        run = self.ar_send()
        stranger = self.env['mail.mail'].create({
            'subject': "Hello", 'body_html': "<p>x</p>", 'email_to': 'someone@else.example.com'})
        mails = self.env['mail.mail'].search([('mail_message_id', 'in', run.letter_ids.mail_message_id.ids)])
        with patch.object(type(run), '_evaluate', side_effect=ValueError("no answer")), \
                mute_logger('odoo.addons.ar_coordinator.models.mail_mail'), self.mock_mail_gateway():
            (mails + stranger).send()
        self.assertEqual([mail['email_to'] for mail in self._mails], [['someone@else.example.com']])
        self.assertEqual(set(mails.mapped('state')), {'outgoing'})
        self.assertEqual(set(run.letter_ids.mapped('state')), {'queued'})
        self.assertEqual(len(self.recipients(run)), 2, "the next call sends them")
