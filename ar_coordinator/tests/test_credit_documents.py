"""From a figure of the credit to its documents: parts of the exposure, what waits, on the customer and the board."""
from lxml import html

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, new_test_user, tagged

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditDocuments(CreditCommon):

    def documents(self, part, user=None, partner=None):
        """The documents that a click on a part of the exposure lists."""
        action = (partner or self.customer).with_user(user or self.reader).action_ar_view_exposure(
            part, self.company.id)
        return self.env[action['res_model']].with_user(user or self.reader).search(action['domain'])

    def test_each_part_has_its_documents(self):
        self.company.ar_credit_include_drafts = True
        posted = self.ar_invoice(600, '2026-03-01')
        later = self.ar_invoice(50, '2026-04-15')
        draft = self.ar_invoice(30, '2026-03-31', post=False)
        self.ar_invoice(9, '2026-03-31', post=False, partner=self.other_customer)
        dispute = self.env['ar.dispute']._open(
            posted, amount=100, reason=self.env.ref('ar_coordinator.dispute_reason_price'))
        parts = self.env['ar.ledger'].exposure(self.customer, self.company)[self.customer.id]['parts']
        self.assertEqual(parts, {'open': 600, 'our_fault': -100, 'later': 50, 'drafts': 30})
        self.assertEqual(self.documents('later'), later)
        self.assertEqual(self.documents('drafts'), draft)
        self.assertEqual(self.documents('our_fault'), dispute)
        action = self.customer.with_user(self.reader).action_ar_view_exposure('open', self.company.id)
        self.assertEqual(action['tag'], 'ar_aging_report')
        self.assertEqual(action['params']['partner_ids'], self.customer.ids)

    def test_every_part_that_is_shown_can_be_opened(self):
        """Also those that other apps add: none is a dead link."""
        for part in self.env['ar.ledger']._get_exposure_labels():
            self.assertTrue(self.customer.action_ar_view_exposure(part, self.company.id), part)
        with self.assertRaisesRegex(UserError, "Load the page again"):
            self.customer.action_ar_view_exposure('nonsense')

    def test_what_waits(self):
        self.rule('over_limit')
        self.hold()
        drafts = self.ar_invoice(600, '2026-03-31', post=False) + self.ar_invoice(50, '2026-03-31', post=False)
        text = html.fromstring(self.customer.with_user(self.reader).ar_waiting_text)
        [link] = text.xpath("//a[@data-ar-part='waiting:account.move']")
        self.assertEqual(link.text_content(), "Draft invoices that wait (2)")
        self.assertIn("650.00", text.text_content())
        self.assertEqual(self.documents('waiting:account.move'), drafts)
        self.hold(self.other_customer)
        self.assertFalse(self.other_customer.ar_waiting_text)
        self.assertFalse(self.env['res.partner'].create({'name': "Free"}).ar_waiting_text)

    def test_the_links_say_whose_they_are(self):
        self.ar_invoice(600, '2026-03-01')
        contact = self.env['res.partner'].create({'name': "Ann", 'parent_id': self.customer.id})
        for partner in (self.customer, contact):
            [link] = html.fromstring(partner.ar_credit_text).xpath("//a[@data-ar-part]")
            self.assertEqual(dict(link.attrib), {
                'href': '#', 'data-ar-part': 'open', 'data-ar-partner': str(self.customer.id),
                'data-ar-company': str(self.company.id), 'title': "Documents"})

    def test_who_may(self):
        stranger = self.ar_user('documents_stranger', 'base.group_user')
        with self.assertRaises(AccessError):
            self.customer.with_user(stranger).action_ar_view_exposure('drafts')
        other = self.setup_other_company()['company']
        with self.assertRaises(AccessError):
            self.customer.with_user(self.reader).action_ar_view_exposure('drafts', other.id)

    def test_dialog(self):
        self.ar_invoice(600, '2026-03-01')
        action = self.customer.with_user(self.reader).action_ar_open_exposure()
        self.assertEqual((action['target'], action['res_id']), ('new', self.customer.id))
        form = Form(self.customer.with_user(self.reader), view=action['views'][0][0])
        self.assertIn("600.00", form.ar_credit_text)


@tagged('post_install', '-at_install')
class TestCreditPortalHome(CreditCommon, HttpCase):

    def test_the_portal_links_to_the_application(self):
        new_test_user(
            self.env, login='credit_home', groups='base.group_portal', company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)])
        self.authenticate('credit_home', 'credit_home')

        def links():
            return html.fromstring(self.url_open('/my').text).xpath("//a[@href='/my/credit-application']")
        [link] = links()
        self.assertIn("Buying on Account", link.text_content())
        self.assertNotIn('d-none', link.getparent().get('class'))
        self.assertIn("Limit you need", self.url_open(link.get('href')).text)
        self.company.ar_credit_application_online = False
        self.assertFalse(links())
