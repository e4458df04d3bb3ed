"""Delivery of invoices: what is known of each from Odoo's own messages, openings and what users noted down."""
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.mail.tests.common import MailCommon

from .common import ArCommon

TODAY = '2026-03-31'


class DeliveryCommon(ArCommon, MailCommon):

    @classmethod
    def default_env_context(cls):
        return {}  # mail features on

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(f'{TODAY} 12:00:00'))
        cls.company.email = 'ar@company.example.com'
        cls.clerk = cls.ar_user('delivery_clerk', 'ar_coordinator.group_ar_user')
        cls.reader = cls.ar_user('delivery_reader', 'ar_coordinator.group_ar_readonly')

    def send(self, moves, **settings):
        """Send invoices with Odoo's own sender; the mail queue does not run."""
        with self.mock_mail_gateway():
            self.env['account.move.send']._generate_and_send_invoices(moves, **settings)
        self.env.flush_all()
        return self.notifications(moves)

    def notifications(self, moves):
        messages = self.env['mail.message'].sudo().search([
            ('model', '=', 'account.move'), ('res_id', 'in', moves.ids), ('attachment_ids', '!=', False)])
        return messages.notification_ids.filtered(lambda one: one.notification_type == 'email')

    def deliver(self, notifications, status, **vals):
        """What the mail queue, or a bounce, writes."""
        notifications.sudo().write({'notification_status': status, **vals})

    def state(self, move):
        move.invalidate_recordset(['ar_delivery_state', 'ar_delivery_channel', 'ar_delivery_date',
                                   'ar_delivery_reason'])
        return move.ar_delivery_state, move.ar_delivery_channel

    def found(self, *states):
        return self.env['account.move'].search([
            ('company_id', '=', self.company.id), ('ar_delivery_state', 'in', states)])


@tagged('post_install', '-at_install')
class TestInvoiceDelivery(DeliveryCommon):

    def test_not_sent(self):
        invoice = self.ar_invoice(100, '2026-03-01', '2026-03-31')
        draft = self.ar_invoice(100, '2026-03-01', '2026-03-31', post=False)
        self.assertEqual(self.state(invoice), ('not_sent', False))
        self.assertEqual(self.state(draft), (False, False))
        self.assertEqual(self.state(self.ar_misc(10, '2026-03-01')), (False, False), "an entry is sent to nobody")
        self.assertEqual(self.found('not_sent'), invoice)

    def test_e_mail(self):
        """In the queue, out, back: each as the notification says."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        notifications = self.send(invoice)
        self.assertTrue(notifications)
        self.deliver(notifications, 'ready')
        self.assertEqual(self.state(invoice), ('sending', 'email'))
        self.deliver(notifications, 'sent')
        self.assertEqual(self.state(invoice), ('sent', 'email'))
        self.assertEqual(str(invoice.ar_delivery_date), TODAY)
        self.deliver(notifications, 'exception', failure_type='mail_smtp', failure_reason="No route to host")
        self.assertEqual(self.state(invoice), ('failed', 'email'))
        self.assertEqual(invoice.ar_delivery_reason, "No route to host")
        self.deliver(notifications, 'bounce', failure_type='mail_bounce', failure_reason="550 no such user")
        self.assertEqual(self.state(invoice), ('bounced', 'email'))
        self.assertEqual(invoice.ar_delivery_reason, "550 no such user")
        self.deliver(notifications, 'canceled', failure_reason=False)
        self.assertEqual(self.state(invoice), ('failed', 'email'), "what was cancelled did not arrive")

    def test_sent_again(self):
        """The latest e-mail counts: it may arrive after one that bounced, or bounce after one that arrived."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        first = self.send(invoice)
        self.deliver(first, 'bounce')
        second = self.send(invoice) - first
        self.assertTrue(second)
        self.deliver(second, 'sent')
        self.assertEqual(self.state(invoice), ('sent', 'email'))
        self.deliver(first, 'sent')
        self.deliver(second, 'bounce')
        self.assertEqual(self.state(invoice), ('bounced', 'email'))

    def test_one_of_two_addresses(self):
        """It arrived when it reached one of them."""
        second = self.env['res.partner'].create({
            'name': "Accounts", 'parent_id': self.customer.id, 'email': 'accounts@harbourfish.example.com'})
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        notifications = self.send(invoice, mail_partner_ids=(self.customer + second).ids)
        self.assertEqual(len(notifications), 2)
        self.deliver(notifications[0], 'bounce', failure_reason="550 no such user")
        self.deliver(notifications[1], 'sent')
        self.assertEqual(self.state(invoice), ('sent', 'email'))
        self.assertEqual(invoice.ar_delivery_reason, "550 no such user", "and it says whom it missed")

    def test_untraced(self):
        """Odoo marks an invoice of a customer without address as sent, though nothing leaves: that is found."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        self.customer.email = False
        self.assertFalse(self.send(invoice))
        self.assertTrue(invoice.is_move_sent)
        self.assertEqual(self.state(invoice), ('untraced', False))
        self.customer.with_company(self.company).invoice_sending_method = 'manual'
        self.assertEqual(self.state(invoice), ('sent', 'manual'), "of this customer it was to be expected")
        self.assertEqual(invoice.ar_sending_method, 'manual')

    def test_letters_by_snailmail(self):
        """Odoo's own post: on its way, posted, refused with Snailmail's reason; an e-mail that arrived counts more."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-03-31')
        if 'snailmail.letter' not in self.env:
            self.assertEqual(self.state(invoice), ('not_sent', False))
            return
        self.customer.write({
            'street': "Quay 1", 'zip': '1000', 'city': "Harbourtown", 'country_id': self.quick_ref('base.be').id})
        letter = self.env['snailmail.letter'].create({
            'model': 'account.move', 'res_id': invoice.id, 'partner_id': self.customer.id,
            'user_id': self.env.uid, 'company_id': self.company.id,
            'report_template': self.env.ref('account.account_invoices').id})
        self.env.flush_all()
        self.assertEqual(self.state(invoice), ('sending', 'snail'))
        answer = {'request_code': 200, 'request': {'documents': [{'letter_id': letter.id, 'send_id': 7, 'sent': True}]}}
        with patch.object(type(letter), '_snailmail_create', lambda self, route: {'documents': []}), \
                patch('odoo.addons.iap.tools.iap_tools.iap_jsonrpc', lambda *args, **kwargs: answer), \
                patch.object(type(self.env['iap.account']), '_send_success_notification', lambda *args, **kwargs: None):
            letter._snailmail_print_valid_address()
            self.env.flush_all()
            self.assertEqual((letter.state, self.state(invoice)), ('sent', ('sent', 'snail')))
            answer['request']['documents'][0].update(sent=False, error='NO_PRICE_AVAILABLE')
            letter._snailmail_print_valid_address()
            self.env.flush_all()
        self.assertEqual((letter.state, self.state(invoice)), ('error', ('failed', 'snail')))
        self.assertIn("An error occurred when sending the document by post", invoice.ar_delivery_reason)
        self.assertIn(invoice, self.found('failed'))
        self.deliver(self.send(invoice), 'sent')
        self.assertEqual(self.state(invoice), ('sent', 'email'))

    def test_peppol(self):
        """Every state of Odoo's Peppol app says what it means for the delivery; without the app its column is made
        here."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-03-31')
        if 'peppol_move_state' not in invoice._fields:
            self.assertFalse(self.env['ar.ledger']._has_peppol())
            self.env.cr.execute("ALTER TABLE account_move ADD COLUMN peppol_move_state varchar")
            self.patch(type(self.env['ar.ledger']), '_has_peppol', lambda ledger: True)
        for peppol, expected in (
                (None, ('not_sent', False)), ('ready', ('not_sent', False)), ('to_send', ('sending', 'einvoice')),
                ('processing', ('sent', 'einvoice')), ('done', ('sent', 'einvoice')),
                ('error', ('failed', 'einvoice')), ('skipped', ('failed', 'einvoice'))):
            self.env.flush_all()
            self.env.cr.execute("UPDATE account_move SET peppol_move_state = %s WHERE id = %s", [peppol, invoice.id])
            self.assertEqual(self.state(invoice), expected, peppol)
            self.assertIn(invoice, self.found(expected[0]))

    def test_notes_and_reminders_are_no_delivery(self):
        """A message without the invoice, or to colleagues, delivers nothing."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        with self.mock_mail_gateway():
            invoice.message_post(body="Hello", partner_ids=self.customer.ids, subtype_xmlid='mail.mt_comment')
            invoice.message_post(
                body="See here", partner_ids=self.clerk.partner_id.ids, attachments=[('invoice.pdf', b'x')],
                subtype_xmlid='mail.mt_comment')
        self.assertEqual(self.state(invoice), ('not_sent', False))

    def test_answer_of_the_customer(self):
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        self.deliver(self.send(invoice), 'sent')
        contact = self.env['res.partner'].create({'name': "Eva", 'parent_id': self.customer.id})
        invoice.message_post(body="Thanks", author_id=contact.id, message_type='email')
        self.assertEqual(self.state(invoice), ('opened', 'answer'))

    def test_answer_of_somebody_else(self):
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        self.deliver(self.send(invoice), 'sent')
        invoice.message_post(body="Spam", author_id=self.other_customer.id, message_type='email')
        self.assertEqual(self.state(invoice), ('sent', 'email'))

    def test_delivered_otherwise(self):
        """Noted down by a user, in the chatter, and taken back; the records stay."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        self.deliver(self.send(invoice), 'bounce')
        wizard = self.env['ar.invoice.delivery.wizard'].with_user(self.clerk).create({
            'move_ids': [Command.set(invoice.ids)], 'kind': 'customer_portal', 'date': '2026-03-30', 'note': "No. 77"})
        wizard.action_confirm()
        self.assertEqual(self.state(invoice), ('delivered', 'customer_portal'))
        self.assertEqual(str(invoice.ar_delivery_date), '2026-03-30')
        delivery = invoice.ar_delivery_ids
        self.assertEqual((delivery.user_id, delivery.note), (self.clerk, "No. 77"))
        self.assertIn("Customer's own portal", invoice.message_ids[0].body)
        self.assertIn("No. 77", invoice.message_ids[0].body)
        delivery.with_user(self.clerk).action_take_back()
        self.assertEqual(self.state(invoice), ('bounced', 'email'))
        self.assertIn("taken back", invoice.message_ids[0].body)
        self.assertTrue(delivery.exists())
        with self.assertRaises(UserError):
            delivery.with_user(self.clerk).action_take_back()

    def test_what_cannot_be_noted_down(self):
        invoice = self.ar_invoice(100, '2026-03-10', '2026-04-30')
        draft = self.ar_invoice(100, '2026-03-01', '2026-03-31', post=False)
        note = self.env['ar.invoice.delivery'].with_user(self.clerk)._note_delivered
        day = invoice.invoice_date
        for moves, kind, date in (
                (draft, 'hand', day), (self.ar_misc(10, '2026-03-01'), 'hand', day), (invoice, 'opened', day),
                (invoice, 'pigeon', day), (invoice, 'hand', day.replace(day=9)),
                (invoice, 'hand', day.replace(month=4))):
            with self.assertRaises(UserError):
                note(moves, kind, date, False)

    def test_roles(self):
        """Readers see it; nobody writes it by hand, with defaults neither; other companies' invoices are refused."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        self.assertEqual(invoice.with_user(self.reader).ar_delivery_state, 'not_sent')
        deliveries = self.env['ar.invoice.delivery']
        with self.assertRaises(AccessError):
            deliveries.with_user(self.reader)._note_delivered(
                invoice.with_user(self.reader), 'hand', invoice.invoice_date, False)
        manager = self.ar_user('delivery_manager', 'ar_coordinator.group_ar_manager')
        for user in (self.clerk, manager):
            with self.assertRaises(AccessError):
                deliveries.with_user(user).create({'move_id': invoice.id, 'kind': 'hand', 'date': TODAY})
        delivery = deliveries.with_user(self.clerk).with_context(default_kind='opened', default_active=False)\
            ._note_delivered(invoice.with_user(self.clerk), 'hand', invoice.invoice_date, False)
        self.assertEqual((delivery.kind, delivery.active), ('hand', True))
        with self.assertRaises(AccessError):
            delivery.with_user(manager).write({'kind': 'post'})
        other = self.setup_other_company(name="Elsewhere")['company']
        stranger = new_test_user(self.env, login='delivery_stranger', groups='ar_coordinator.group_ar_manager',
                                 company_id=other.id, company_ids=[Command.set(other.ids)])
        with self.assertRaises(AccessError):
            deliveries.with_user(stranger)._note_delivered(
                invoice.with_user(stranger), 'hand', invoice.invoice_date, False)
        with self.assertRaises(AccessError):
            delivery.with_user(stranger).action_take_back()
        with self.assertRaises(AccessError):
            invoice.with_user(self.ar_user('delivery_nobody', 'account.group_account_invoice')).read(
                ['ar_delivery_state'])

    def test_search_and_group(self):
        """The states of a list come from the same SQL as its filters and groups, in one query for all."""
        moves = self.env['account.move']
        for status in (None, 'sent', 'bounce', 'exception', 'ready'):
            invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
            moves += invoice
            if status:
                self.deliver(self.send(invoice), status)
        states = ['not_sent', 'sent', 'bounced', 'failed', 'sending']
        self.assertEqual(moves.mapped('ar_delivery_state'), states)
        for move, state in zip(moves, states, strict=True):
            self.assertEqual(self.found(state), move)
        self.assertEqual(self.found('not_sent', 'bounced'), moves[0] + moves[2])
        domain = [('id', 'in', moves.ids)]
        others = self.env['account.move'].search([*domain, ('ar_delivery_state', '!=', 'sent')], order='id')
        self.assertEqual(others, moves - moves[1])
        groups = self.env['account.move']._read_group(domain, ['ar_delivery_state'], ['amount_residual:sum'])
        self.assertEqual(dict(groups), dict.fromkeys(states, 100.0))
        self.assertEqual(self.env['account.move'].search(domain, order='ar_delivery_state')[0], moves[2])
        more = moves + moves.browse([self.ar_invoice(1, '2026-03-01').id for _number in range(10)])

        def count(records):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            records.mapped('ar_delivery_state')
            return self.env.cr.sql_log_count - before
        count(moves)
        self.assertEqual(count(moves), count(more))

    def test_buttons(self):
        """The button opens Odoo's own dialog, for one and for many."""
        first, second = (self.ar_invoice(100, '2026-03-01', '2026-04-30') for _number in range(2))
        self.assertEqual(first.action_ar_send_again()['res_model'], 'account.move.send.wizard')
        self.assertEqual((first + second).action_ar_send_again()['res_model'], 'account.move.send.batch.wizard')
        with self.assertRaises(UserError):
            self.ar_misc(10, '2026-03-01').action_ar_send_again()
        action = (first + second).with_user(self.clerk).action_ar_note_delivery()
        wizard = self.env[action['res_model']].with_user(self.clerk).with_context(**action['context']).create({})
        self.assertEqual(wizard.move_count, 2)


@tagged('post_install', '-at_install')
class TestInvoiceOpened(DeliveryCommon, HttpCase):

    def open(self, invoice, **kwargs):
        response = self.url_open(invoice.get_portal_url(**kwargs.pop('portal', {})), allow_redirects=False, **kwargs)
        invoice.invalidate_recordset()
        return response

    def test_opened_by_the_link(self):
        """Somebody with the link counts once a day; wrong links, previews and our own users do not count."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        url = invoice.get_portal_url()
        self.url_open(f'/my/invoices/{invoice.id}?access_token=wrong', allow_redirects=False)
        self.url_open(url, headers={'Odoo-Link-Preview': 'True'})
        self.authenticate('delivery_clerk', 'delivery_clerk')
        self.assertEqual(self.url_open(url).status_code, 200)
        self.assertFalse(invoice.ar_delivery_ids)
        self.authenticate(None, None)
        for _time in range(2):
            self.assertEqual(self.open(invoice).status_code, 200)
        self.assertEqual(invoice.ar_delivery_ids.mapped(lambda one: (one.kind, str(one.date), one.partner_id.id)), [
            ('opened', TODAY, False)])
        self.assertEqual(self.state(invoice), ('opened', 'online'))
        with self.assertRaises(UserError):
            invoice.ar_delivery_ids.action_take_back()

    def test_opened_by_the_customer(self):
        """A portal user is known by name."""
        user = new_test_user(self.env, login='delivery_portal', groups='base.group_portal')
        user.partner_id.parent_id = self.customer
        invoice = self.ar_invoice(100, '2026-03-01', '2026-04-30')
        invoice.message_subscribe(user.partner_id.ids)
        self.authenticate('delivery_portal', 'delivery_portal')
        self.assertEqual(self.open(invoice).status_code, 200)
        self.assertEqual(invoice.ar_delivery_ids.partner_id, user.partner_id)

    def test_delivery_tour(self):
        """From the list to the dialog: a bounced invoice is noted as delivered by hand."""
        bounced = self.ar_invoice(100, '2026-03-01', '2026-04-10')
        self.ar_invoice(250, '2026-03-01', '2026-04-20', partner=self.other_customer)
        self.deliver(self.send(bounced), 'bounce', failure_type='mail_bounce', failure_reason="550 no such user")
        self.start_tour('/odoo/ar-delivery', 'ar_invoice_delivery', login='delivery_clerk')
        self.assertEqual(self.state(bounced), ('delivered', 'hand'))
