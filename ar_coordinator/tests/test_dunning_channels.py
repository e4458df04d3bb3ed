"""By which means a level reaches a customer, and who gets its tasks."""
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon

CHANNELS_LOG = 'odoo.addons.ar_coordinator.models.ar_dunning_channels'


@tagged('post_install', '-at_install')
class TestDunningChannels(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref('base.us')
        (cls.customer + cls.other_customer).country_id = cls.env.ref('base.us')
        cls.invoice = cls.ar_invoice(1234.5, '2026-03-01', due='2026-03-20')

    def sms_of(self, letter):
        return self.env['sms.sms'].sudo().search([('mail_message_id', '=', letter.sms_message_id.id)]) \
            if letter.sms_message_id else self.env['sms.sms'].sudo()

    def calls_of(self, record):
        return self.env['mail.activity'].sudo().search(
            [('res_model', '=', record._name), ('res_id', '=', record.id)])

    # === ONE CHANNEL AFTER THE OTHER === #

    def test_default_is_email_only(self):
        """The policy that comes with the addon: one e-mail, nothing beside it."""
        run = self.ar_send()
        letter = run.letter_ids
        self.assertRecordValues(letter, [{
            'channel': 'email', 'also_printed': False, 'channel_note': False, 'call_activity_id': False,
            'sms_message_id': False, 'hold_requested': False, 'step_failure': False, 'responsible_id': self.clerk.id}])
        self.assertFalse(self.calls_of(letter))

    def test_no_address_at_all_is_a_call_task(self):
        """Neither e-mail nor postal address, and the level calls: a call task, which counts as a reminder."""
        self.level_1.call_activity = True
        self.customer.write({'email': False, 'street': False, 'city': False, 'phone': '(201) 555-0123'})
        self.customer.with_company(self.company).ar_collector_id = self.manager
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'call', 'no_contact', 1234.5)
        self.assertFalse(self.calls_of(run.letter_ids), "a preview makes no tasks")
        run.action_send()
        letter = run.letter_ids
        self.assertOutcome(run, self.invoice, 'call', 'no_contact', 1234.5)
        self.assertRecordValues(letter, [{
            'channel': 'call', 'state': 'queued', 'mail_message_id': False, 'amount_total': 1234.5}])
        call = self.calls_of(letter)
        self.assertRecordValues(call, [{'user_id': self.manager.id, 'id': letter.call_activity_id.id}])
        self.assertEqual(call.activity_type_id, self.env.ref('mail.mail_activity_data_call'))
        self.assertEqual(call.summary, "Call Harbour Fish Ltd about $\N{NO-BREAK SPACE}1,234.50")
        for text in (self.invoice.name, "03/20/2026", "1,234.50", "(201) 555-0123"):
            self.assertIn(text, call.note)
        call.with_user(self.manager).action_feedback("Promised to pay")
        self.assertEqual(letter.state, 'sent')
        self.assertFalse(self.ar_run().letter_ids, "the call was the first reminder")

    def test_mark_as_called(self):
        self.customer.write({'email': False, 'street': False, 'city': False})
        letter = self.ar_send().letter_ids
        with self.assertRaises(AccessError):
            letter.with_user(self.reader).action_mark_sent()
        letter.with_user(self.clerk).action_mark_sent()
        self.assertEqual((letter.state, letter.user_id), ('sent', self.clerk))
        self.assertFalse(letter.call_activity_id.active, "the task is done with it")

    def test_printed_letter_beside_the_email(self):
        """The e-mail counts; the printed letter waits until somebody posted it."""
        self.level_1.send_letter = True
        run = self.ar_send()
        letter = run.letter_ids
        self.assertRecordValues(letter, [{'channel': 'email', 'also_printed': True, 'date_posted': False}])
        self.assertOutcome(run, self.invoice, 'sent', 'due', 1234.5)
        to_post = self.env.ref('ar_coordinator.ar_dunning_letter_view_search')
        self.assertIn('also_printed', to_post.arch)
        self.assertEqual(run.action_print_letters()['report_name'], 'ar_coordinator.report_ar_dunning_letter')
        self.assertFalse(letter.date_posted, "printing says nothing about posting")
        letter.with_user(self.clerk).action_mark_sent()
        self.assertTrue(letter.date_posted)
        self.assertEqual(letter.state, 'queued', "the e-mail is still on its way")
        with self.assertRaises(UserError):
            letter.with_user(self.clerk).action_mark_sent()

    def test_bounced_email_of_a_posted_letter(self):
        """Posted: the customer was reminded. Not posted: the level is proposed again."""
        self.level_1.send_letter = True
        self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        letters = self.ar_send().letter_ids.grouped('partner_id')
        posted, unposted = letters[self.customer], letters[self.other_customer]
        posted.with_user(self.clerk).action_mark_sent()
        for letter in (posted, unposted):
            letter.sudo()._message_receive_bounce(letter.email_to, letter.recipient_id)
            self.ar_notification(letter).write({'notification_status': 'bounce'})
        self.assertEqual((posted.state, unposted.state), ('queued', 'bounced'))
        self.assertEqual(self.ar_run().letter_ids.partner_id, self.other_customer)
        with self.assertRaises(UserError):
            unposted.with_user(self.clerk).action_mark_sent()

    def test_letter_only_level(self):
        """No e-mail wanted: a printed letter, because it is due and not because something is missing."""
        self.level_1.write({'send_email': False, 'send_letter': True})
        run = self.ar_send()
        self.assertOutcome(run, self.invoice, 'letter', 'due', 1234.5)
        self.assertRecordValues(run.letter_ids, [{'channel': 'letter', 'state': 'queued', 'also_printed': False}])

    def test_letter_only_level_without_postal_address(self):
        self.level_1.write({'send_email': False, 'send_letter': True})
        self.customer.write({'street': False, 'city': False})
        run = self.ar_send()
        self.assertOutcome(run, self.invoice, 'call', 'no_post', 1234.5)
        self.assertEqual(run.letter_ids.channel_note, "No printed letter: Harbour Fish Ltd has no postal address.")

    def test_no_address_at_all_is_a_printed_letter(self):
        """A level that makes no calls: a letter to print, the outcome says why."""
        self.customer.write({'email': False, 'street': False, 'city': False})
        run = self.ar_send()
        self.assertOutcome(run, self.invoice, 'letter', 'no_address', 1234.5)
        self.assertRecordValues(run.letter_ids, [{'channel': 'letter', 'state': 'queued', 'email_to': False}])

    def test_address_mended_between_preview_and_send(self):
        """The gate chooses the channel again."""
        self.customer.write({'email': False, 'street': False, 'city': False})
        run = self.ar_run()
        self.assertEqual(run.letter_ids.channel, 'letter')
        self.customer.email = 'new@harbourfish.example.com'
        with self.mock_mail_gateway():
            run.action_send()
        self.assertRecordValues(run.letter_ids, [{'channel': 'email', 'email_to': 'new@harbourfish.example.com'}])
        self.assertOutcome(run, self.invoice, 'sent', 'due', 1234.5)
        self.assertFalse(self.calls_of(run.letter_ids))

    # === SEVERAL AT ONCE === #

    def test_all_channels_at_once(self):
        """E-mail, printed letter, SMS and call for one letter; one reminder."""
        self.customer.phone = '(201) 555-0123'
        self.level_1.write({'send_letter': True, 'send_sms': True, 'call_activity': True})
        run = self.ar_send()
        letter = run.letter_ids
        self.assertRecordValues(letter, [{
            'channel': 'email', 'state': 'queued', 'also_printed': True, 'channel_note': False, 'step_failure': False}])
        self.assertRecordValues(self.sms_of(letter), [{
            'number': '+12015550123', 'state': 'outgoing', 'partner_id': self.customer.id,
            'body': f"{self.company.name}: please remember to pay $\N{NO-BREAK SPACE}1,234.50 by 04/10/2026. "
                    "Thank you!"}])
        self.assertEqual(len(self.calls_of(letter)), 1)
        self.assertOutcome(run, self.invoice, 'sent', 'due', 1234.5)
        again = self.ar_send()
        self.assertFalse(again.letter_ids, "the second run of the day does nothing")

    def test_cancel_takes_everything_back(self):
        self.customer.phone = '(201) 555-0123'
        self.level_1.write({'send_sms': True, 'call_activity': True})
        letter = self.ar_send().letter_ids
        sms = self.sms_of(letter)
        letter.with_user(self.clerk).action_cancel()
        self.assertEqual((letter.state, sms.state), ('cancelled', 'canceled'))
        self.assertFalse(self.calls_of(letter))

    # === SMS === #

    def test_sms_only_level(self):
        """The SMS is the reminder; its delivery is the letter's."""
        self.customer.phone = '(201) 555-0123'
        self.level_1.write({
            'send_email': False, 'send_sms': True, 'sms_text': "%(customer)s owes %(amount)s, 100 %%"})
        run = self.ar_send()
        letter = run.letter_ids
        self.assertOutcome(run, self.invoice, 'sms', 'due', 1234.5)
        self.assertRecordValues(letter, [{'channel': 'sms', 'state': 'queued'}])
        self.assertEqual(self.sms_of(letter).body, "Harbour Fish Ltd owes $\N{NO-BREAK SPACE}1,234.50, 100 %")
        self.ar_notification(letter).write({'notification_status': 'sent'})
        self.assertEqual(letter.state, 'sent')
        self.ar_notification(letter).write({'notification_status': 'exception', 'failure_type': 'sms_number_format'})
        self.assertEqual(letter.state, 'failed', "a failed SMS is no reminder")
        self.assertEqual(len(self.ar_run().letter_ids), 1)

    def test_bounced_sms_is_not_a_bounced_email(self):
        """The e-mail address had no part in it, and stays good for later levels."""
        self.customer.phone = '(201) 555-0123'
        self.level_1.write({'send_email': False, 'send_sms': True})
        letter = self.ar_send().letter_ids
        self.assertFalse(letter.email_to)
        letter.sudo()._message_receive_bounce(self.customer.email, self.customer)
        self.assertEqual(letter.state, 'queued', "somebody's copy of a message in the chatter")
        self.ar_notification(letter).write({'notification_status': 'bounce'})
        self.assertEqual(letter.state, 'bounced')
        self.level_1.write({'send_email': True, 'send_sms': False})
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'sent', 'due', 1234.5)

    def test_sms_without_phone_number(self):
        """Said on the letter; the e-mail goes. Where the SMS was all there is, a call task takes its place."""
        self.level_1.send_sms = True
        run = self.ar_run()
        self.assertEqual(
            run.letter_ids.channel_note, "No SMS: Harbour Fish Ltd has no phone number that takes one.")
        self.level_1.send_email = False
        run.action_preview()
        self.assertOutcome(run, self.invoice, 'call', 'no_phone', 1234.5)

    def test_sms_blacklisted_number(self):
        self.customer.phone = '(201) 555-0123'
        self.env['phone.blacklist'].create({'number': '+12015550123'})
        self.level_1.send_sms = True
        letter = self.ar_send().letter_ids
        self.assertFalse(letter.sms_message_id)
        self.assertIn("no phone number that takes one", letter.channel_note)

    def test_sms_text_takes_its_placeholders_only(self):
        for text in ("%(amount)d", "%(password)s", "100 %", "%s"):
            with self.subTest(text=text), self.assertRaises(ValidationError):
                self.level_1.sms_text = text

    def test_failing_sms_stops_nothing_else(self):
        """Failure 15 for what goes beside the letter: the e-mail goes, and the letter says what was not done."""
        self.customer.phone = self.other_customer.phone = '(201) 555-0123'
        self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        self.level_1.send_sms = True
        original = type(self.env['ar.dunning.letter'])._get_sms_text

        def broken(letter):
            if letter.partner_id == self.customer:
                raise ValueError("No text today")
            return original(letter)

        with patch.object(type(self.env['ar.dunning.letter']), '_get_sms_text', broken), \
                mute_logger(CHANNELS_LOG):  # the warning about the broken text is what is tested
            letters = self.ar_send().letter_ids.grouped('partner_id')
        self.assertEqual([letter.state for letter in letters.values()], ['queued', 'queued'])
        self.assertEqual(letters[self.customer].step_failure, "ValueError: No text today")
        self.assertFalse(letters[self.customer].sms_message_id)
        self.assertEqual(len(self.sms_of(letters[self.other_customer])), 1)

    # === RESPONSIBLE === #

    def test_responsible(self):
        """As the level says; else the collector; else whoever sends."""
        salesperson = self.ar_user('dunning_sales', 'base.group_user')
        fixed = self.ar_user('dunning_fixed', 'ar_coordinator.group_ar_user')
        self.level_1.call_activity = True
        cases = [
            ({'responsible': 'collector'}, None, self.clerk),
            ({'responsible': 'collector'}, self.manager, self.manager),
            ({'responsible': 'salesperson'}, self.manager, salesperson),
            ({'responsible': 'user', 'responsible_user_id': fixed.id}, self.manager, fixed),
        ]
        self.customer.user_id = salesperson
        for vals, collector, expected in cases:
            with self.subTest(**vals):
                self.level_1.write(vals)
                self.customer.with_company(self.company).ar_collector_id = collector
                letter = self.ar_send().letter_ids
                self.assertEqual((letter.responsible_id, letter.call_activity_id.user_id), (expected, expected))
                # a salesperson who does not see letters gets the task on the customer
                self.assertEqual(
                    letter.call_activity_id.res_model, 'res.partner' if expected == salesperson else letter._name)
                letter.with_user(self.clerk).action_cancel()

    def test_fixed_responsible_needs_a_user(self):
        with self.assertRaises(ValidationError):
            self.level_1.responsible = 'user'

    def test_level_needs_a_channel(self):
        with self.assertRaises(ValidationError):
            self.level_1.send_email = False

    # === CREDIT HOLD === #

    def test_hold_is_requested_once_and_recorded(self):
        """The hook gets the customers and the level, after the letter is on its way; without it, it is recorded."""
        self.level_1.place_hold = True
        asked = []

        def hold(letters, partners, level):
            asked.append((letters.mapped('state'), partners, level))

        with patch.object(type(self.env['ar.dunning.letter']), '_request_credit_hold', hold):
            letter = self.ar_send().letter_ids
        self.assertEqual(asked, [(['queued'], self.customer, self.level_1)])
        self.assertTrue(letter.hold_requested)
        self.assertIn("Payment Reminder: credit hold requested.", "".join(letter.message_ids.mapped('body')))

    def test_no_hold_without_the_letter(self):
        self.level_1.place_hold = True
        run = self.ar_run()
        self.ar_pay(self.invoice, '2026-03-31')
        run.action_send()
        self.assertRecordValues(run.letter_ids, [{'state': 'cancelled', 'hold_requested': False}])

    # === SNAILMAIL === #

    def test_snailmail_is_off_by_default(self):
        self.customer.email = False
        letter = self.ar_send().letter_ids
        self.assertEqual(letter.channel, 'letter')
        self.assertFalse(letter.can_snailmail)
        with self.assertRaises(UserError):
            letter.with_user(self.clerk).action_snailmail()

    def test_snailmail_queue(self):
        """Switched on: the letter goes into Snailmail's own queue, once; its notification says what became of it."""
        if 'snailmail.letter' not in self.env:
            self.assertFalse(self.env['ar.dunning.letter'].new({}).can_snailmail)
            return
        self.company.ar_dunning_snailmail = True
        self.customer.email = False
        letter = self.ar_send().letter_ids
        with self.assertRaises(AccessError):
            letter.with_user(self.reader).action_snailmail()
        letter.with_user(self.clerk).action_snailmail()
        post = self.env['snailmail.letter'].search([('model', '=', letter._name), ('res_id', '=', letter.id)])
        self.assertRecordValues(post, [{'partner_id': self.customer.id, 'state': 'pending', 'street': "Quay 1"}])
        self.assertEqual(letter.state, 'queued')
        with self.assertRaises(UserError):
            letter.with_user(self.clerk).action_snailmail()
        self.ar_notification(letter).write({'notification_status': 'sent'})
        self.assertEqual(letter.state, 'sent')
        self.assertTrue(letter.date_posted)
