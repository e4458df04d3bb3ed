"""Letters that did not arrive, or not everywhere: what they count as, who hears of it, when that is over."""
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from .dunning_common import DunningCommon, contact

MAIL_LOG = 'odoo.addons.mail.models.mail_mail'
LETTER_LOG = 'odoo.addons.ar_coordinator.models.ar_outbox'
UNDELIVERED = 'ar_coordinator.mail_activity_type_undelivered'
PAULA, PETER = 'paula@harbourfish.example.com', 'peter@harbourfish.example.com'


@tagged('post_install', '-at_install')
class TestDunningDelivery(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.company.ar_dunning_quiet_days = 0
        cls.undelivered = cls.env.ref(UNDELIVERED)
        cls.collector = cls.ar_user('delivery_collector', 'ar_coordinator.group_ar_user')
        cls.customer.with_company(cls.company).ar_collector_id = cls.collector
        for name, email in (("Paula", PAULA), ("Peter", PETER)):
            contact(cls.env, cls.customer, name, email=email, ar_is_receivables_contact=True)

    @contextmanager
    def refuse(self, *addresses):
        """The mail server refuses these recipients; what it takes is collected in the list."""
        taken = []

        def send_email(server, message, *args, **kwargs):
            everybody = f"{message['To']} {message['Cc']}"
            if any(address in everybody for address in addresses):
                raise MailDeliveryException("Mail Delivery Failed", f"550 No such user: {everybody}")
            taken.append(message['To'])
            return message['Message-Id']
        with self.mock_mail_gateway(), patch.object(type(self.env['ir.mail_server']), 'send_email', send_email):
            yield taken

    def deliver(self, letters, *refused):
        """Let the mail queue send; return whom the server took a message for."""
        mails = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', letters.mail_message_id.ids)])
        with self.refuse(*refused) as taken:
            if refused:
                with self.assertLogs(MAIL_LOG, 'ERROR'):
                    mails.send()
            else:
                mails.send()
        return sorted(taken)

    def tasks(self, *records):
        return [
            activity for record in records for activity in record.activity_ids
            if activity.activity_type_id == self.undelivered]

    def outcome(self, run):
        return [(outcome.result, outcome.reason) for outcome in run.outcome_ids]

    def test_refused_copy(self):
        """The mail server does not know the company's address for copies: the letter reached the customer, and counts;
        the refusal is on the letter and a task is made."""
        self.company.ar_dunning_email_cc = 'nobody@company.example.com, file@company.example.com'
        run = self.ar_send()
        letter = run.letter_ids
        self.assertEqual(self.deliver(letter, 'nobody@company'), [
            '"Paula" <paula@harbourfish.example.com>', '"Peter" <peter@harbourfish.example.com>',
            'file@company.example.com'])
        self.assertEqual((letter.state, self.outcome(run)), ('sent', [('sent', 'due')]))
        self.assertRegex(letter.delivery_note, r"^nobody@company\.example\.com: .*550 No such user")
        [task] = self.tasks(letter)
        self.assertEqual(task.user_id, self.collector)
        self.assertIn("counts as a reminder", task.note)
        self.assertEqual(self.ar_run().outcome_ids.level_id, self.level_2, "it is not proposed again")
        self.deliver(letter)
        self.assertEqual((letter.state, len(self.tasks(letter))), ('sent', 1), "nothing else is tried")

    def test_refused_second_contact(self):
        run = self.ar_send()
        letter = run.letter_ids
        self.assertEqual(self.deliver(letter, PETER), ['"Paula" <paula@harbourfish.example.com>'])
        self.assertEqual(letter.state, 'sent')
        self.assertIn('"Peter" <peter@harbourfish.example.com>: ', letter.delivery_note)
        self.assertEqual(len(self.tasks(letter)), 1)

    def test_refused_recipient_others_take_it(self):
        """The first address is refused: the second has the letter, so that it counts; the first gets a task."""
        letter = self.ar_send().letter_ids
        self.assertEqual(self.deliver(letter, PAULA), ['"Peter" <peter@harbourfish.example.com>'])
        self.assertEqual(letter.state, 'sent')
        self.assertIn(PAULA, letter.delivery_note)
        self.assertEqual(len(self.tasks(letter)), 1)

    def test_copy_delivered_customer_refused(self):
        """That the company's own copy arrived reminds nobody."""
        self.company.ar_dunning_email_cc = 'file@company.example.com'
        run = self.ar_send()
        letter = run.letter_ids
        self.assertEqual(self.deliver(letter, PAULA, PETER), ['file@company.example.com'])
        self.assertEqual((letter.state, self.outcome(run)), ('failed', [('failed', 'error')]))
        self.assertFalse(letter.delivery_note)
        [task] = self.tasks(letter)
        self.assertIn("does not count as a reminder", task.note)
        self.assertIn("No such user", task.note)

    def test_failed_letter_is_proposed_again_and_its_task_ends(self):
        """Nobody could be reached: a task, the same level again, and no task when that arrives."""
        first = self.ar_send().letter_ids
        self.deliver(first, PAULA, PETER)
        [task] = self.tasks(first)
        again = self.ar_send().letter_ids
        self.assertEqual((again.level_id, again.state), (self.level_1, 'queued'))
        self.assertTrue(task.active)
        self.assertEqual(len(self.deliver(again)), 2)
        self.assertEqual((again.state, task.active, task.feedback), ('sent', False, "Delivered"))

    def test_failure_20_bounced_letter_opens_a_task_and_goes_again_to_the_mended_address(self):
        letter = self.ar_send().letter_ids
        self.deliver(letter)
        paula = letter.recipient_id.sudo()
        bounced = {
            'bounced_email': PAULA, 'bounced_partner': paula, 'bounced_msg_ids': [letter.mail_message_id.message_id],
            'bounced_message': letter.mail_message_id, 'body': "<p>Mailbox unknown</p>",
            'email_from': 'daemon@example.com', 'to': 'x@example.com', 'message_id': '<1>'}
        self.env['mail.thread']._routing_handle_bounce(None, bounced)
        self.assertEqual(letter.state, 'bounced', "although the second contact got it: this one is to be mended")
        [task] = self.tasks(letter)
        self.assertEqual(task.user_id, self.collector)
        letter.sudo()._refresh_delivery()
        self.assertEqual((letter.state, len(self.tasks(letter))), ('bounced', 1))
        paula.email = 'paula.new@harbourfish.example.com'
        again = self.ar_send().letter_ids
        self.assertEqual((again.level_id, again.email_to), (self.level_1, 'paula.new@harbourfish.example.com'))
        self.deliver(again)
        self.assertEqual((again.state, task.active), ('sent', False))

    def test_mail_server_down_is_one_task(self):
        """No mail server: no address is to blame. Whoever sent the run gets one task for all of its letters."""
        self.ar_invoice(50, '2026-02-01', '2026-03-01', partner=self.other_customer)
        run = self.ar_send()
        self.assertEqual(len(run.letter_ids), 2)
        mails = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', run.letter_ids.mail_message_id.ids)])
        with self.mock_mail_gateway(), patch.object(
                type(self.env['ir.mail_server']), '_connect__', side_effect=ConnectionRefusedError("refused")):
            mails.send()
        self.assertEqual(run.letter_ids.mapped('state'), ['failed', 'failed'])
        self.assertFalse(self.tasks(*run.letter_ids))
        [task] = self.tasks(run)
        self.assertEqual(task.user_id, self.clerk)
        with self.mock_mail_gateway():
            mails.mark_outgoing()
            mails.send()
        self.assertEqual(run.letter_ids.mapped('state'), ['sent', 'sent'])
        self.assertFalse(self.tasks(run), "sent by hand: the task is over")

    def test_broken_template_is_one_task(self):
        self.ar_invoice(50, '2026-02-01', '2026-03-01', partner=self.other_customer)
        self.level_1.mail_template_id.body_html = """
            <p t-if="object.partner_id.name in ('Alder &amp; Sons', 'Harbour Fish Ltd')" t-out="1 / 0"/>"""
        run = self.ar_run()
        with self.mock_mail_gateway(), self.assertLogs(LETTER_LOG, 'WARNING'):
            run.action_send()
        self.assertEqual(run.letter_ids.mapped('state'), ['failed', 'failed'])
        self.assertEqual(len(self.tasks(run)), 1)

    def test_three_contacts_one_without_address(self):
        """A customer with three receivables contacts: who can be written to is."""
        contact(self.env, self.customer, "Penny", ar_is_receivables_contact=True)
        letter = self.ar_send().letter_ids
        self.assertEqual(len(self.deliver(letter)), 2)
        self.assertEqual((letter.state, letter.delivery_note, self.tasks(letter)), ('sent', False, []))

    def test_collector_without_the_role_gets_the_task_on_the_customer(self):
        salesman = self.ar_user('delivery_sales', 'base.group_user')
        self.customer.with_company(self.company).ar_collector_id = salesman
        letter = self.ar_send().letter_ids
        self.deliver(letter, PAULA, PETER)
        [task] = self.tasks(self.customer)
        self.assertEqual(task.user_id, salesman)
