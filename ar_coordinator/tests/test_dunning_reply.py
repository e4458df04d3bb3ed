"""Replies to letters: a task for the collector, the customer's next message waits; further recipients and copies."""
from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .dunning_common import DunningCommon, contact

REPLY = """From: {sender}
To: ar@company.example.com
Subject: Re: payment reminder
Message-ID: <{number}@harbourfish.example.com>
In-Reply-To: {message_id}
References: {message_id}
{extra}MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

The delivery was incomplete, please call me.
"""


@tagged('post_install', '-at_install')
class TestDunningReply(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-10', partner=cls.other_customer)
        cls.company.ar_dunning_quiet_days = 0
        cls.collector = cls.ar_user('reply_collector', 'ar_coordinator.group_ar_user')
        cls.customer.with_company(cls.company).ar_collector_id = cls.collector
        cls.dunning_run = cls.env['ar.dunning.run'].with_user(cls.clerk).create(
            {'as_of': '2026-03-31', 'company_id': cls.company.id})

    def setUp(self):
        super().setUp()
        self.dunning_run.action_preview()
        with self.mock_mail_gateway():
            self.dunning_run.action_send()
        self.letter = self.letter_of(self.customer)

    def letter_of(self, partner):
        return self.dunning_run.letter_ids.filtered(lambda letter: letter.partner_id == partner)

    def receive(self, letter=None, sender="office@harbourfish.example.com", extra="", number=1):
        """An e-mail that answers the letter's, as the mail gateway gets it."""
        mail = REPLY.format(
            sender=sender, number=number, extra=extra,
            message_id=(letter or self.letter).sudo().mail_message_id.message_id)
        with self.mock_mail_gateway():
            self.env['mail.thread'].sudo().message_process(None, mail)

    def reasons(self, run):
        return {outcome.move_id: outcome.reason for outcome in run.outcome_ids}

    def test_reply(self):
        """It stands in the letter's chatter, makes a task for the collector, and only this customer waits."""
        self.receive()
        self.assertIn("delivery was incomplete", self.letter.message_ids[0].body)
        self.assertRecordValues(self.letter.activity_ids, [{
            'user_id': self.collector.id, 'date_deadline': date(2026, 3, 31),
            'activity_type_id': self.env.ref('ar_coordinator.mail_activity_type_reply').id}])
        self.assertRecordValues(self.letter.reply_pause_id, [{
            'partner_id': self.customer.id, 'user_id': self.collector.id, 'reason': "Reply waiting",
            'date_start': date(2026, 3, 31), 'date_end': date(2026, 4, 14), 'is_active': True}])
        self.assertEqual(self.letter.reply_state, 'waiting')
        self.assertEqual(self.reasons(self.ar_run()), {self.invoice: 'paused', self.other: 'due'})
        self.assertEqual(self.letter.state, 'queued', "the reminder itself stays one")

    def test_reply_handled(self):
        """The button ends the pause and the task; nothing is sent, the next run proposes the item."""
        self.receive()
        with self.new_mails() as mails:
            self.letter.with_user(self.clerk).action_reply_handled()
        self.assertFalse(mails.records)
        self.assertEqual((self.letter.reply_state, self.letter.reply_pause_id.is_active), ('handled', False))
        self.assertFalse(self.letter.activity_ids)
        self.assertEqual(self.reasons(self.ar_run())[self.invoice], 'due')
        with self.assertRaises(UserError):
            self.letter.with_user(self.clerk).action_reply_handled()

    def test_task_done_is_handled(self):
        self.receive()
        self.letter.activity_ids.with_user(self.collector).action_feedback(feedback="Called")
        self.assertEqual((self.letter.reply_state, self.letter.reply_pause_id.is_active), ('handled', False))

    def test_replies_again(self):
        """A second reply makes no second task and no second pause; one after it was handled does."""
        self.receive()
        self.receive(number=2)
        self.assertEqual(len(self.letter.activity_ids), 1)
        self.assertEqual(self.env['ar.pause'].search_count([('partner_id', '=', self.customer.id)]), 1)
        self.letter.action_reply_handled()
        self.receive(number=3)
        self.assertEqual((self.letter.reply_state, len(self.letter.activity_ids)), ('waiting', 1))
        self.assertTrue(self.letter.reply_pause_id.is_active)

    def test_without_collector(self):
        """The run's user gets the task."""
        self.receive(self.letter_of(self.other_customer), sender="post@alder.example.com")
        self.assertEqual(self.letter_of(self.other_customer).activity_ids.user_id, self.clerk)

    def test_company_does_not_wait(self):
        self.company.ar_dunning_reply_pause = False
        self.receive()
        self.assertEqual((len(self.letter.activity_ids), len(self.letter.reply_pause_id)), (1, 0))
        self.assertEqual(self.reasons(self.ar_run())[self.invoice], 'due')

    def test_out_of_office(self):
        """An automatic reply is only filed."""
        self.receive(extra="Auto-Submitted: auto-replied\n")
        self.assertIn("delivery was incomplete", self.letter.message_ids[0].body)
        self.assertFalse(self.letter.activity_ids + self.letter.reply_activity_id)
        self.assertFalse(self.letter.reply_pause_id)

    def test_a_colleague_writes(self):
        self.receive(sender=self.collector.email_formatted)
        self.assertFalse(self.letter.reply_state)
        self.assertFalse(self.letter.activity_ids)

    def test_who_may(self):
        self.receive()
        with self.assertRaises(AccessError):
            self.letter.with_user(self.reader).action_reply_handled()
        self.assertEqual(self.letter.reply_state, 'waiting')


@tagged('post_install', '-at_install')
class TestDunningRecipients(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.paula, cls.peter, cls.silent = (
            contact(cls.env, cls.customer, name, email=email, ar_is_receivables_contact=True)
            for name, email in (("Paula", 'paula@harbourfish.example.com'), ("Peter", 'peter@harbourfish.example.com'),
                                ("Silent", False)))
        contact(cls.env, cls.other_customer, "Stranger", email='stranger@alder.example.com',
                ar_is_receivables_contact=True)

    def sent_to(self, letter):
        return sorted(
            address for mail in self.ar_deliver(letter)
            for address in (mail['email_to'] or []) + (mail['email_cc'] or []))

    def test_several_contacts(self):
        """The first is the recipient, the others get it too; nobody of another customer."""
        run = self.ar_run()
        self.assertRecordValues(run.letter_ids, [{
            'recipient_id': self.paula.id, 'other_recipient_ids': self.peter.ids,
            'email_to': 'paula@harbourfish.example.com'}])
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(self.sent_to(run.letter_ids), [
            '"Paula" <paula@harbourfish.example.com>', '"Peter" <peter@harbourfish.example.com>'])
        self.assertEqual(self.ar_notification(run.letter_ids).res_partner_id, self.paula + self.peter)
        self.assertEqual(set(self.ar_notification(run.letter_ids).mapped('notification_status')), {'sent'})
        self.assertEqual(run.letter_ids.state, 'sent')

    def test_another_contacts_bounce(self):
        """Only the recipient's bounce undoes the reminder."""
        run = self.ar_send()
        letter = run.letter_ids.sudo()
        self.ar_deliver(letter)
        letter._message_receive_bounce('peter@harbourfish.example.com', self.peter)
        self.assertEqual(letter.state, 'sent')
        letter._message_receive_bounce('paula@harbourfish.example.com', self.paula)
        self.assertEqual(letter.state, 'bounced')

    def test_contacts_change_before_sending(self):
        run = self.ar_run()
        self.peter.ar_is_receivables_contact = False
        with self.mock_mail_gateway():
            run.action_send()
        self.assertFalse(run.letter_ids.other_recipient_ids)
        self.assertEqual(self.sent_to(run.letter_ids), ['"Paula" <paula@harbourfish.example.com>'])

    def test_copy_to_the_company(self):
        self.peter.ar_is_receivables_contact = False
        self.company.ar_dunning_email_cc = 'ar@company.example.com, file@company.example.com'
        run = self.ar_send()
        self.assertEqual(run.letter_ids.email_cc, 'ar@company.example.com, file@company.example.com')
        self.assertEqual(self.sent_to(run.letter_ids), [
            '"Paula" <paula@harbourfish.example.com>', 'ar@company.example.com', 'file@company.example.com'])
        self.assertEqual(run.letter_ids.state, 'sent')
        with self.assertRaises(ValidationError):
            self.company.ar_dunning_email_cc = 'ar@company.example.com; nobody'
