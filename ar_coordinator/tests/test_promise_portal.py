"""The customer's page of a payment plan: who sees it, what a click does, what is written to the customer."""
import base64
import json

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from .promise_common import PromiseCommon

SIGNATURE = base64.b64encode(base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')).decode()


@tagged('post_install', '-at_install')
class TestPromisePortal(PromiseCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('de_DE')
        cls.customer.lang = 'de_DE'
        cls.invoice = cls.ar_invoice(100, '2026-05-01')
        items = cls.ar_lines(cls.invoice)
        cls.plan = cls.env['ar.promise.plan'].with_user(cls.clerk)._propose(
            items.with_user(cls.clerk), 2, '2026-06-30').sudo()

    def offer(self):
        """Send the offer; return the e-mail that left."""
        with self.mock_mail_gateway():
            self.plan.with_user(self.clerk).action_send()
        return self.env['mail.mail'].sudo().search([('model', '=', 'ar.promise.plan')], order='id desc', limit=1)

    def post_json(self, url, **params):
        """POST as the signature form does."""
        response = self.url_open(
            url, data=json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': params}),
            headers={'Content-Type': 'application/json'})
        return response.json()['result']

    def test_the_offer_goes_out_in_the_customers_language(self):
        """With the amounts, the agreement and the link; dates as in German; the items wait."""
        mail = self.offer()
        self.assertEqual(self.plan.state, 'proposed')
        self.assertEqual(mail.email_to or mail.recipient_ids.email, 'office@harbourfish.example.com')
        for text in ('30.06.2026', '30.07.2026', '50,00', self.plan._get_link()):
            self.assertIn(text, mail.body_html.replace('&amp;', '&'))
        self.assertEqual(len(mail.attachment_ids), 1)
        self.assertIn('PLAN', mail.attachment_ids.name)

    def test_no_address_no_offer(self):
        self.customer.email = False
        with self.assertRaisesRegex(UserError, "has no e-mail address"):
            self.plan.with_user(self.clerk).action_send()
        self.assertEqual(self.plan.state, 'draft')

    def test_looking_changes_nothing(self):
        """A mail scanner opens the link, the PDF and guesses the others: still an offer."""
        self.offer()
        url = self.plan.get_portal_url()
        page = self.url_open(url)
        self.assertIn('50,00', page.text)
        self.assertIn('portal.signature_form', page.text)
        self.assertEqual(self.url_open(self.plan.get_portal_url(report_type='pdf')).status_code, 200)
        accept = self.plan.get_portal_url(suffix='/accept')
        decline = self.plan.get_portal_url(suffix='/decline')
        self.assertIn(self.url_open(accept).status_code, (400, 404, 405, 415))
        for method in ('GET', 'HEAD', 'OPTIONS', 'PUT'):
            self.assertIn(self.url_open(decline, method=method).status_code, (400, 404, 405), method)
        self.env.invalidate_all()
        self.assertEqual((self.plan.state, self.plan.signed_by), ('proposed', False))

    def test_signing_makes_it_binding(self):
        """Signed: accepted, promise of the first instalment, confirmation; a second click does nothing."""
        self.offer()
        url = self.plan.get_portal_url(suffix='/accept')
        self.assertIn('error', self.post_json(url, name="Ada Harbour", signature=''))
        self.assertIn('error', self.post_json(url, name=" ", signature=SIGNATURE))
        result = self.post_json(url, name="Ada Harbour", signature=SIGNATURE)
        self.assertIn('message=accepted', result['redirect_url'])
        self.env.invalidate_all()
        self.assertEqual((self.plan.state, self.plan.signed_by), ('accepted', "Ada Harbour"))
        self.assertEqual(self.plan.promise_ids.amount, 50.0)
        self.assertTrue(self.plan.signature)
        mails = self.env['mail.mail'].sudo().search([('model', '=', 'ar.promise.plan')])
        self.assertEqual(len(mails), 2, mails.mapped(lambda own: (own.subject, own.recipient_ids.mapped('name'))))
        self.assertIn('error', self.post_json(url, name="Ada Harbour", signature=SIGNATURE))
        page = self.url_open(result['redirect_url'])
        self.assertIn('o_ar_plan_accepted', page.text)
        self.assertIn("Ada Harbour", page.text)
        self.assertNotIn('portal.signature_form', page.text)

    def test_an_offer_that_has_ended_cannot_be_signed(self):
        self.offer()
        with freeze_time('2026-06-25 12:00:00'):
            result = self.post_json(
                self.plan.get_portal_url(suffix='/accept'), name="Ada Harbour", signature=SIGNATURE)
        self.assertIn('error', result)
        self.env.invalidate_all()
        self.assertEqual(self.plan.state, 'proposed')

    def test_declined(self):
        """With a word for the collector, who gets a task; the items are due again."""
        self.offer()
        self.authenticate(None, None)
        page = self.url_open(self.plan.get_portal_url())
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        self.url_open(self.plan.get_portal_url(suffix='/decline'), data={
            'csrf_token': token, 'access_token': self.plan.access_token, 'reason': "Fifty is <too> much"})
        self.env.invalidate_all()
        self.assertEqual(self.plan.state, 'cancelled')
        self.assertEqual(self.plan.activity_ids.user_id, self.collector)
        self.assertIn("Fifty is &lt;too&gt; much", "".join(self.plan.message_ids.mapped('body')))

    def test_strangers_see_nothing(self):
        """No token, a wrong one, that of another plan, another customer's portal user, a salesperson; drafts nobody."""
        draft = self.plan
        draft._portal_ensure_token()
        self.assertNotIn('50,00', self.url_open(draft.get_portal_url()).text)
        self.offer()
        url = f'/my/receivables/plan/{self.plan.id}'
        other_invoice = self.ar_invoice(70, '2026-05-01', partner=self.other_customer)
        other = self.env['ar.promise.plan']._propose(self.ar_lines(other_invoice), 2, '2026-06-30')
        other.action_propose()
        other._portal_ensure_token()
        for token in ('', 'x' * 36, other.access_token):
            self.assertNotIn(self.plan.name, self.url_open(f'{url}?access_token={token}').text)
            self.assertIn('error', self.post_json(
                f'{url}/accept?access_token={token}', name="Eve", signature=SIGNATURE))
        contact = self.env['res.partner'].create({
            'name': "Eve", 'email': 'eve@alder.example.com', 'parent_id': self.other_customer.id})
        own = self.env['res.partner'].create({
            'name': "Ada", 'email': 'ada@harbourfish.example.com', 'parent_id': self.customer.id})
        for partner, sees in ((contact, False), (own, True)):
            login = f'portal_{partner.name}'
            self.env['res.users'].with_context(no_reset_password=True).create({
                'name': partner.name, 'login': login, 'password': login, 'partner_id': partner.id,
                'group_ids': [Command.set(self.env.ref('base.group_portal').ids)]})
            self.authenticate(login, login)
            self.assertEqual(self.plan.name in self.url_open(url).text, sees)
        self.ar_user('plan_sales', 'base.group_user', password='plan_sales')
        self.authenticate('plan_sales', 'plan_sales')
        self.assertNotIn(self.plan.name, self.url_open(url).text)
        self.env.invalidate_all()
        self.assertEqual(self.plan.state, 'proposed')
