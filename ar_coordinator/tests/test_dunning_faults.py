"""What can go wrong between the preview and the customer's mailbox, and must not take anything else with it."""
from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon

LETTER_LOG = 'odoo.addons.ar_coordinator.models.ar_outbox'
SEND_LOG = 'odoo.addons.ar_coordinator.models.ar_dunning_send'


@tagged('post_install', '-at_install')
class TestDunningFaults(DunningCommon):

    def test_failure_11_paid_after_the_preview(self):
        """An item paid between preview and sending is not asked for; the rest of the letter goes out, corrected."""
        paid = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        partly = self.ar_invoice(80, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        self.assertEqual(run.letter_ids.amount_total, 180.0)
        self.ar_pay(paid, '2026-03-31')
        self.ar_pay(partly, '2026-03-31', 30)
        with self.mock_mail_gateway():
            run.action_send()
        self.assertOutcome(run, paid, 'skipped', 'settled', 0.0)
        self.assertOutcome(run, partly, 'sent', 'due', 50.0)
        self.assertRecordValues(run.letter_ids, [{'state': 'queued', 'amount_total': 50.0, 'line_count': 1}])
        self.assertNotIn(paid.name, run.letter_ids.message)

    def test_failure_11_everything_paid(self):
        paid = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        self.ar_pay(paid, '2026-03-31')
        with self.new_mails() as mails, self.mock_mail_gateway():
            run.action_send()
        self.assertFalse(mails.records)
        self.assertEqual((run.state, run.letter_ids.state), ('done', 'cancelled'))

    def test_gate_dispute_no_followup_and_credit(self):
        """Disputed, marked, or covered by cash since the preview: nothing leaves, and the outcome says why."""
        disputed = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        marked = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        covered = self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        run = self.ar_run()
        self.ar_dispute(disputed, 100)
        marked.no_followup = True
        self.ar_cash(100, '2026-03-31', partner=self.other_customer)
        with self.new_mails() as mails, self.mock_mail_gateway():
            run.action_send()
        self.assertFalse(mails.records)
        self.assertOutcome(run, disputed, 'skipped', 'disputed')
        self.assertOutcome(run, marked, 'skipped', 'no_followup')
        self.assertOutcome(run, covered, 'held', 'covered')

    def test_failure_11_promised_after_the_preview(self):
        """A promise made between preview and send keeps its item off the letter; the customer's other one goes."""
        promised, other = (self.ar_invoice(amount, '2026-03-01', due='2026-03-20') for amount in (100, 50))
        run = self.ar_run()
        self.env['ar.promise'].with_user(self.clerk)._promise(self.ar_lines(promised), '2026-04-10')
        with self.mock_mail_gateway():
            run.action_send()
        self.assertOutcome(run, promised, 'skipped', 'promised')
        self.assertOutcome(run, other, 'sent', 'due', 50.0)
        self.assertEqual(run.letter_ids.line_ids.move_id, other)

    def test_gate_address(self):
        """The address is the one the customer has when the letter leaves."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        theirs = self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        run = self.ar_run()
        self.customer.email = 'new@harbourfish.example.com'
        self.other_customer.email = False
        with self.mock_mail_gateway():
            run.action_send()
        letters = {letter.partner_id: letter for letter in run.letter_ids}
        self.assertEqual(letters[self.customer].email_to, 'new@harbourfish.example.com')
        self.assertRecordValues(
            letters[self.other_customer], [{'channel': 'letter', 'state': 'queued', 'email_to': False}])
        self.assertOutcome(run, theirs, 'letter', 'no_address', 100.0)

    def test_failure_15_broken_template(self):
        """A template that raises for one customer is recorded there; the others get their letters."""
        self.level_1.mail_template_id.body_html = """
            <p>Hello</p><t t-if="object.partner_id.name == 'Alder &amp; Sons'" t-out="1 / 0"/>"""
        mine = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        theirs = self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        run = self.ar_run()
        with self.new_mails() as mails, self.mock_mail_gateway(), self.assertLogs(LETTER_LOG, 'WARNING') as logs:
            run.action_send()
        self.assertEqual(len(logs.output), 1)
        self.assertEqual(len(mails.records), 1)
        self.assertEqual(run.state, 'done')
        letters = {letter.partner_id: letter for letter in run.letter_ids}
        self.assertEqual(letters[self.customer].state, 'queued')
        self.assertEqual(letters[self.other_customer].state, 'failed')
        self.assertEqual(
            letters[self.other_customer].failure_reason,
            "The letter could not be made: ZeroDivisionError: division by zero")
        self.assertOutcome(run, mine, 'sent', 'due', 100.0)
        self.assertOutcome(run, theirs, 'failed', 'error')
        self.level_1.mail_template_id.body_html = "<p>Hello</p>"
        again = self.ar_send()
        self.assertOutcome(again, theirs, 'sent', 'due', 100.0)
        queued = again.letter_ids.filtered(lambda letter: letter.state == 'queued')
        self.assertEqual(queued.partner_id, self.other_customer)

    def test_failure_15_broken_template_of_a_printed_letter(self):
        """Printed letters fail one by one as well, and what they say is frozen when they are ready to print."""
        (self.customer + self.other_customer).email = False
        self.level_1.mail_template_id.body_html = """
            <p>Hello</p><t t-if="object.partner_id.name == 'Alder &amp; Sons'" t-out="1 / 0"/>"""
        for partner in (self.customer, self.other_customer):
            self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=partner)
        run = self.ar_run()
        with self.assertLogs(LETTER_LOG, 'WARNING'), self.mock_mail_gateway():
            run.action_send()
        letters = {letter.partner_id: letter for letter in run.letter_ids}
        self.assertEqual(letters[self.customer].state, 'queued')
        self.assertEqual(letters[self.other_customer].state, 'failed')
        self.level_1.mail_template_id.body_html = "<p>Goodbye</p>"
        letters[self.customer].invalidate_recordset()
        self.assertIn("Hello", letters[self.customer].message)

    def test_failure_15_attachment_cannot_be_made(self):
        self.level_1.attach_invoices = 'all'
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        theirs = self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        run = self.ar_run()
        original = type(theirs)._get_invoice_report_filename

        def broken(move, *args, **kwargs):
            if move == theirs:
                raise ValueError("no such report")
            return original(move, *args, **kwargs)
        self.patch(type(theirs), '_get_invoice_report_filename', broken)
        with self.new_mails() as mails, self.mock_mail_gateway(), self.assertLogs(
                SEND_LOG, 'WARNING'):
            run.action_send()
        self.assertEqual(mails.records.recipient_ids, self.customer)
        failed = run.letter_ids.filtered(lambda letter: letter.state == 'failed')
        self.assertEqual(failed.partner_id, self.other_customer)
        self.assertIn("no such report", failed.failure_reason)

    def test_failure_20_bounce_is_no_reminder(self):
        """A bounced e-mail is recorded and proposed again at the same level, on paper."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        self.ar_deliver(run.letter_ids)
        letter = run.letter_ids
        self.assertEqual(letter.state, 'sent')
        self.env['mail.thread']._routing_handle_bounce(None, {
            'bounced_email': 'office@harbourfish.example.com', 'bounced_partner': self.customer,
            'bounced_msg_ids': [letter.mail_message_id.message_id], 'bounced_message': letter.mail_message_id,
            'body': "<p>Mailbox unknown</p>", 'email_from': 'daemon@example.com', 'to': 'x@example.com',
            'message_id': '<1>'})
        self.assertEqual(letter.state, 'bounced')
        self.assertOutcome(run, invoice, 'failed', 'bounced')
        again = self.ar_send()
        self.assertOutcome(again, invoice, 'letter', 'bounced', 100.0)
        self.assertEqual(again.letter_ids.level_id, self.level_1)

    def test_failure_20_undelivered_mail_is_no_reminder(self):
        """The mail server refuses: the letter failed, and the next run replaces the stuck e-mail."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        notification = self.ar_notification(run.letter_ids)
        mail = notification.mail_mail_id
        mail.write({'state': 'exception'})
        notification.write({
            'notification_status': 'exception', 'failure_type': 'mail_smtp', 'failure_reason': "Connection refused"})
        self.assertRecordValues(run.letter_ids, [{'state': 'failed', 'failure_reason': "Connection refused"}])
        again = self.ar_send()
        self.assertOutcome(again, invoice, 'sent', 'due', 100.0)
        self.assertEqual(mail.state, 'cancel', "sending the old one by hand would remind twice")
        notification.write({'notification_status': 'sent'})
        self.assertEqual(run.letter_ids.state, 'failed', "the newer letter counts")
        self.assertEqual(again.letter_ids.state, 'queued')

    def test_retried_mail_counts_again(self):
        """An e-mail that failed and was sent by hand before the next run is a reminder after all."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        notification = self.ar_notification(run.letter_ids)
        notification.write({'notification_status': 'exception', 'failure_type': 'mail_smtp'})
        self.assertEqual(run.letter_ids.state, 'failed')
        notification.write({'notification_status': 'sent', 'failure_type': False})
        self.assertEqual(run.letter_ids.state, 'sent')
        self.assertOutcome(run, invoice, 'sent', 'due', 100.0)

    def test_delivered_letter_that_does_not_know_cannot_be_cancelled(self):
        """The mail worker was killed between the customer's message and the letter's state: the letter finds out."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        notification = self.ar_notification(run.letter_ids)
        notification.mail_mail_id.unlink()
        notification.with_context(ar_delivery_later=True).write({'notification_status': 'sent'})
        self.assertEqual(run.letter_ids.state, 'queued')
        with self.assertRaises(UserError), self.env.cr.savepoint():
            run.letter_ids.with_user(self.clerk).action_cancel()
        self.assertOutcome(run, invoice, 'sent', 'due', 100.0)
        self.env['ar.dunning.letter'].sudo()._catch_up_delivery()
        self.assertEqual(run.letter_ids.state, 'sent')

    @mute_logger('odoo.sql_db')  # the database refuses, which is the point
    def test_database_keeps_levels_apart(self):
        """No caller can send an item the same level twice: a unique index says so."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        first, second = self.ar_run(), self.ar_run()
        first.letter_ids.sudo().write({'state': 'queued'})
        self.env.flush_all()
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            second.letter_ids.sudo().write({'state': 'queued'})
            self.env.flush_all()
        first.letter_ids.sudo().write({'state': 'failed'})
        self.env.flush_all()
        second.letter_ids.sudo().write({'state': 'queued'})
        self.env.flush_all()

    def test_failure_19_one_invoice_left_out(self):
        """Leaving one invoice out of a letter leaves the customer's others in."""
        out = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        others = [self.ar_invoice(amount, '2026-03-01', due='2026-03-20') for amount in (10, 20)]
        out.no_followup = True
        run = self.ar_send()
        self.assertOutcome(run, out, 'skipped', 'no_followup')
        self.assertEqual(run.letter_ids.amount_total, 30.0)
        self.assertEqual(run.letter_ids.line_ids.move_id.ids, [move.id for move in others])

    def test_interrupted_run_goes_on(self):
        """A run killed half-way: what was queued stays queued once, the rest follows."""
        moves = [self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.env['res.partner'].create(
            {'name': f"Customer {number}", 'email': f'c{number}@example.com'})) for number in range(5)]
        run = self.ar_run().sudo()
        run.state = 'sending'
        with self.new_mails() as mails, self.mock_mail_gateway():
            run._send_batch(run.letter_ids[:2])
            self.assertEqual(len(mails.records), 2)
            run._send_all()
            self.assertEqual(len(mails.records), 5)
        self.assertEqual(run.state, 'done')
        self.assertEqual(mails.records.recipient_ids, self.env['account.move'].union(*moves).partner_id)
        self.assertEqual(set(run.letter_ids.mapped('state')), {'queued'})
