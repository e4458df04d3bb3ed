"""Opened e-mails: what leaves with an image, what fetching it tells, and who cannot make it tell anything."""
import base64
import re
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..controllers.ar_mail_opening import IMAGE
from ..models.ar_answer_link import SCOPE as ANSWERS
from ..models.ar_mail_opening import PATH
from .dunning_common import DunningCommon, contact

FOUND = re.compile(rf'<img src="[^"]*({PATH}/[\w-]+\.gif)"')


@tagged('post_install', '-at_install')
class TestMailOpening(DunningCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_track_openings = True
        cls.invoice = cls.ar_invoice(1000, '2026-02-01', '2026-03-01')
        cls.openings = cls.env['ar.mail.opening']

    # === HELPERS === #

    def setUp(self):
        super().setUp()
        self.authenticate(None, None)

    def send_invoice(self, invoice=None, partners=None):
        """Send an invoice by Odoo's sender; return {address: path of the image or None} of what left."""
        settings = {'mail_partner_ids': partners.ids} if partners else {}
        with self.mock_mail_gateway():
            self.env['account.move.send']._generate_and_send_invoices(
                invoice or self.invoice, sending_methods={'email'}, **settings)
            self.env['mail.mail'].sudo().search([('state', '=', 'outgoing')]).send()
        return self.images(self._mails)

    def make_path(self):
        """The image of a message as the invoice's sender makes it, without sending it."""
        message = self.invoice.message_post(body="Your invoice", attachments=[('invoice.pdf', b'%PDF')])
        self.assertEqual(self.openings._get_tracked(message), self.invoice)
        [path] = FOUND.findall(self.openings._add_image("<p>Your invoice</p>", self.invoice, message, self.customer))
        return path

    def send_letter(self):
        run = self.ar_send()
        return run.letter_ids, self.images(self.ar_deliver(run.letter_ids))

    def images(self, mails):
        found = {}
        for mail in mails:
            paths = FOUND.findall(mail['body'])
            self.assertLessEqual(len(paths), 1)
            self.assertNotIn(PATH, mail['body_alternative'] or '')
            found[mail['email_to'][0].rpartition('<')[2].rstrip('>')] = paths[0] if paths else None
        return found

    def fetch(self, path, method='GET', **headers):
        """Fetch an image from a mail program; whatever happens, it is the same answer."""
        answer = self.opener.request(
            method, self.base_url() + path, headers=headers, allow_redirects=False, timeout=20)
        self.assertEqual((answer.status_code, answer.headers['Content-Type']), (200, 'image/gif'))
        self.assertNotIn('Set-Cookie', answer.headers)
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')
        if method == 'GET':
            self.assertEqual(answer.content, IMAGE)
        self.env.invalidate_all()
        return answer

    def delivery(self):
        return (self.invoice.ar_delivery_state, self.invoice.ar_delivery_channel, str(self.invoice.ar_delivery_date))

    # === WHAT LEAVES === #

    def test_setting_off_no_image_at_all(self):
        self.assertFalse(self.env['res.company'].create({'name': "New Co"}).ar_track_openings, "off by default")
        self.company.ar_track_openings = False
        self.assertEqual(self.send_invoice(), {'office@harbourfish.example.com': None})
        self.assertEqual(self.send_letter()[1], {'office@harbourfish.example.com': None})

    def test_image_only_in_what_leaves(self):
        """Not in the chatter, which colleagues read, nor in what a letter keeps of its text."""
        [path] = self.send_invoice().values()
        self.assertTrue(path)
        letter, images = self.send_letter()
        self.assertTrue(images['office@harbourfish.example.com'])
        self.assertNotEqual(path, images['office@harbourfish.example.com'])
        bodies = [*self.invoice.message_ids.mapped('body'), *letter.message_ids.mapped('body'), letter.body_sent]
        self.assertTrue(any(bodies))
        self.assertNotIn(PATH, "".join(map(str, bodies)))

    def test_other_mails_have_no_image(self):
        """A comment without a document, and a mail about something else."""
        with self.mock_mail_gateway():
            self.invoice.message_post(body="Hello", partner_ids=self.customer.ids, subtype_xmlid='mail.mt_comment')
            self.customer.message_post(body="Hello", partner_ids=self.customer.ids, subtype_xmlid='mail.mt_comment')
            self.env['mail.mail'].sudo().search([('state', '=', 'outgoing')]).send()
        self.assertEqual(len(self._mails), 2)
        self.assertNotIn(PATH, "".join(mail['body'] for mail in self._mails))

    # === STATES === #

    def test_invoice_opened_in_its_e_mail(self):
        [path] = self.send_invoice().values()
        notification = self.invoice.message_ids.notification_ids.filtered(lambda one: one.notification_type == 'email')
        notification.sudo().notification_status = 'sent'
        self.assertEqual(self.delivery(), ('sent', 'email', '2026-03-31'))
        with freeze_time('2026-04-02 08:00:00'):
            self.fetch(path)
        self.assertEqual(self.delivery(), ('opened', 'opened_email', '2026-04-02'))
        opened = self.env['account.move'].search([
            ('company_id', '=', self.company.id), ('ar_delivery_channel', '=', 'opened_email')])
        self.assertEqual(opened, self.invoice)
        self.assertRecordValues(self.invoice.ar_delivery_ids, [{
            'kind': 'opened_email', 'partner_id': self.customer.id, 'user_id': False}])
        report = self.env['ar.collections.report'].with_user(self.reader).get_data({'company_ids': self.company.ids})
        self.assertEqual([report['deliveries'][part]['count'] for part in report['deliveries']], [0, 0, 0])
        timeline = self.env['ar.customer.sheet'].with_user(self.reader).get_timeline(
            self.customer.id, self.company.id, ['opened'])
        [entry] = timeline['entries']
        self.assertEqual(
            (entry['model'], entry['res_id'], entry['date'][:10], entry['user']),
            ('account.move', self.invoice.id, '2026-04-02', "Harbour Fish Ltd"))
        self.assertIn(self.invoice.name, entry['title'])
        # opening it online is certain, and says so
        self.env['ar.invoice.delivery'].sudo()._note_opened(self.invoice, self.customer)
        self.env.invalidate_all()
        self.assertEqual(self.delivery(), ('opened', 'online', '2026-03-31'))

    def test_letter_and_statement_opened(self):
        letter, images = self.send_letter()
        messages = self.env['ar.dunning.letter'].with_user(self.reader)
        never = [('is_opened', '=', False), ('company_id', '=', self.company.id)]
        self.assertEqual(messages.search(never), letter)
        self.assertFalse(messages.search([('is_opened', '=', True)]))
        with freeze_time('2026-04-01 09:30:00'):
            self.fetch(images['office@harbourfish.example.com'])
        seen = letter.with_user(self.reader)
        self.assertEqual(
            (str(seen.date_opened), seen.opened_by, seen.is_opened), ('2026-04-01 09:30:00', "Harbour Fish Ltd", True))
        self.assertEqual(letter.state, 'sent')
        self.assertEqual(messages.search([('is_opened', '=', True)]), letter)
        self.assertFalse(messages.search(never))
        run = self.env['ar.statement.run'].with_user(self.clerk).create({'kind': 'open'})
        run.action_preview()
        with self.mock_mail_gateway():
            run.action_send()
            self.env['mail.mail'].sudo().search([('mail_message_id', 'in', run.line_ids.mail_message_id.ids)]).send()
        [path] = self.images(self._mails).values()
        self.assertFalse(run.line_ids.is_opened)
        self.fetch(path)
        self.assertTrue(run.line_ids.is_opened)
        self.assertEqual(self.invoice.ar_delivery_state, 'not_sent', "a letter about it is not the invoice")

    def test_copies_to_several_recipients(self):
        """Each is told apart; our own users' copies, and addresses of nobody, have no image."""
        second = contact(self.env, self.customer, "Accounts", email='accounts@harbourfish.example.com')
        colleague = self.clerk.partner_id
        colleague.email = 'clerk@company.example.com'
        paths = self.send_invoice(partners=self.customer + second + colleague)
        self.assertEqual(set(paths), {
            'office@harbourfish.example.com', 'accounts@harbourfish.example.com', 'clerk@company.example.com'})
        self.assertIsNone(paths['clerk@company.example.com'])
        self.fetch(paths['accounts@harbourfish.example.com'])
        self.assertEqual(self.invoice.ar_delivery_ids.partner_id, second)
        self.fetch(paths['office@harbourfish.example.com'])
        opened = self.openings.search([('company_id', '=', self.company.id)])
        self.assertEqual(opened.partner_id, self.customer + second)
        # several customers' letters share nothing
        self.ar_invoice(70, '2026-02-01', '2026-03-01', partner=self.other_customer)
        letters, images = self.send_letter()
        self.fetch(images['post@alder.example.com'])
        self.assertEqual(letters.filtered('is_opened').partner_id, self.other_customer)

    # === WHAT TELLS NOTHING === #

    def test_replay_writes_nothing(self):
        path = self.make_path()
        self.fetch(path)
        self.fetch(path)
        with freeze_time('2026-04-05 08:00:00'), patch.object(type(self.openings), 'create') as create:
            self.fetch(path)
        create.assert_not_called()
        self.assertEqual(len(self.openings.search([('company_id', '=', self.company.id)])), 1)
        self.assertEqual(len(self.invoice.ar_delivery_ids), 1)

    def test_changed_and_foreign_tokens(self):
        path = self.make_path()
        token = path.rpartition('/')[2].removesuffix('.gif')
        content = bytearray(base64.urlsafe_b64decode(token + '=' * (-len(token) % 4)))
        content[-2] ^= 1  # another recipient
        letter = self.send_letter()[0]
        signed = letter._get_answer_url().rpartition('/')[2]
        self.assertTrue(signed)
        self.assertIn('answer', ANSWERS)
        for wrong in (
                'x', '1', str(self.invoice.id), token[:-1], token + 'A', token.swapcase(), 'A' * 4000, signed,
                base64.urlsafe_b64encode(bytes(content)).decode().rstrip('='), '%00', 'é'):
            self.fetch(f'{PATH}/{wrong}.gif')
        with freeze_time('2026-10-31 12:00:00'):
            self.fetch(path)  # too old
        self.assertFalse(self.openings.search([('company_id', '=', self.company.id)]))

    def test_colleagues_reading_does_not_count(self):
        """What our users fetch, whatever page has the image; a forwarded reply loses it on its way into the chatter."""
        path = self.make_path()
        self.authenticate(self.clerk.login, self.clerk.login)
        answer = self.url_open(path)
        self.assertEqual((answer.status_code, answer.content), (200, IMAGE))
        self.assertFalse(self.openings.search([('company_id', '=', self.company.id)]))
        body = f'<p>Why?</p><blockquote>Our invoice<img src="https://x.example.com{path}" width="1"></blockquote>'
        payload = self.env['mail.thread']._message_parse_extract_payload_postprocess(
            None, {'body': body, 'attachments': []})
        self.assertIn("Our invoice", payload['body'])
        self.assertNotIn(PATH, payload['body'])

    def test_previews_and_other_methods_do_not_count(self):
        path = self.make_path()
        self.fetch(path, 'HEAD')
        self.fetch(path, **{'Odoo-Link-Preview': 'True'})
        self.fetch(path, **{'Sec-Purpose': 'prefetch'})
        with mute_logger('odoo.http'):
            self.assertEqual(self.opener.post(self.base_url() + path, timeout=20).status_code, 405)
        self.assertFalse(self.openings.search([('company_id', '=', self.company.id)]))

    def test_switched_off_meanwhile(self):
        """What is out tells nothing any more; what came before stays."""
        path = self.make_path()
        self.company.ar_track_openings = False
        self.fetch(path)
        self.assertFalse(self.openings.search([('company_id', '=', self.company.id)]))

    def test_database_that_only_reads(self):
        """A replica refuses the note; the image is served all the same."""
        path = self.make_path()
        token = path.rpartition('/')[2].removesuffix('.gif')
        self.env.flush_all()
        with mute_logger('odoo.sql_db'), self.assertLogs('odoo.addons.ar_coordinator.models.ar_mail_opening') as logs, \
                self.env.cr.savepoint(flush=False) as savepoint:
            self.env.cr.execute('SET LOCAL transaction_read_only TO on')
            self.openings._note(token)
            savepoint.rollback()
        self.assertIn('ReadOnlySqlTransaction', logs.output[0])
        self.assertFalse(self.openings.search([('company_id', '=', self.company.id)]))

    # === WHO SEES IT === #

    def test_another_company(self):
        """Its setting decides for its invoices; its users see nothing of ours."""
        other = self.setup_other_company()['company']
        foreign = self.env['account.move'].with_company(other).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-03-01',
            'invoice_line_ids': [Command.create({'name': "Goods", 'price_unit': 50, 'tax_ids': []})]})
        foreign.action_post()
        self.assertEqual(set(self.send_invoice(foreign).values()), {None})
        path = self.make_path()
        self.fetch(path)
        stranger = self.ar_user('opening_stranger', 'ar_coordinator.group_ar_manager')
        stranger.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        self.assertFalse(self.openings.with_user(stranger).search([]).filtered(
            lambda one: one.company_id != other))
        opening = self.openings.search([('company_id', '=', self.company.id)])
        with self.assertRaises(AccessError):
            opening.with_user(stranger).read(['date'])
        self.assertEqual(opening.with_user(self.reader).partner_id, self.customer)

    def test_nobody_makes_or_changes_openings(self):
        path = self.make_path()
        self.fetch(path)
        opening = self.openings.search([('company_id', '=', self.company.id)])
        for user in (self.reader, self.clerk, self.manager):
            own = opening.with_user(user)
            with self.assertRaises(AccessError):
                own.copy()
            with self.assertRaises(AccessError):
                own.date = '2026-01-01 00:00:00'
            with self.assertRaises(AccessError):
                own.unlink()
        seller = self.ar_user('opening_seller', 'sales_team.group_sale_salesman') \
            if self.env.ref('sales_team.group_sale_salesman', raise_if_not_found=False) \
            else self.ar_user('opening_seller', 'base.group_user')
        with self.assertRaises(AccessError):
            self.openings.with_user(seller).search([])
