"""Credit applications: filled in by the customer in the portal, decided at the desk."""
from lxml import html

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditApplication(CreditCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = new_test_user(
            cls.env, login='credit_portal', groups='base.group_portal', company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)])
        cls.portal.partner_id.parent_id = cls.customer
        cls.clerk.group_ids = [Command.link(cls.env.ref('base.group_partner_manager').id)]

    def send(self, **values):
        """Fill in the form as the customer's portal user."""
        self.authenticate('credit_portal', 'credit_portal')
        page = html.fromstring(self.url_open('/my/credit-application').text)
        token = page.xpath("//form//input[@name='csrf_token']/@value")
        return self.url_open('/my/credit-application', data={'csrf_token': token[0] if token else '', **values})

    def applications(self):
        return self.env['ar.credit.application'].search([('partner_id', '=', self.customer.id)])

    def test_from_the_portal_to_the_limit(self):
        page = self.send(
            amount="2,500", contact_name="Ann", contact_email="ann@harbourfish.example.com", vat="US99",
            partner_id=str(self.other_customer.id), state='accepted')
        self.assertIn("We have your application", page.text)
        application = self.applications()
        self.assertEqual((application.state, application.amount, application.company_id),
                         ('submitted', 2_500, self.company))
        self.assertIn(self.manager, application.activity_ids.user_id)
        application.with_user(self.clerk).action_accept()
        self.assertEqual(
            (application.state, self.customer.credit_limit, self.customer.vat), ('accepted', 2_500, 'US99'))
        contact = self.customer.child_ids.filtered('ar_is_receivables_contact')
        self.assertEqual((contact.name, contact.email), ("Ann", "ann@harbourfish.example.com"))
        self.assertEqual(application.change_id.state, 'done')

    def test_a_big_limit_waits_for_a_second_person(self):
        self.company.ar_credit_approval_amount = 1_500
        self.send(amount="2500")
        self.applications().with_user(self.clerk).action_accept()
        self.assertEqual((self.applications().change_id.state, self.customer.credit_limit), ('requested', 1_000))

    def test_what_makes_no_sense(self):
        for amount in ("", "much", "-5", "nan", "1e99"):
            page = self.send(amount=amount, note="As <b>agreed</b>").text
            self.assertIn("alert-danger", page, amount)
            # what was written is still there, and the empty field can be filled in
            texts = html.fromstring(page).xpath("//form//textarea")
            self.assertEqual([(text.get('name'), text.text or "") for text in texts],
                             [('trade_references', ""), ('note', "As <b>agreed</b>")])
        self.assertFalse(self.applications())
        self.send(amount="5")
        with self.assertRaisesRegex(UserError, "already"):
            self.env['ar.credit.application']._apply(self.customer, self.company, {'amount': "7"})
        self.assertEqual(len(self.applications()), 1)

    def test_refused_and_guarded(self):
        self.send(amount="5000")
        application = self.applications()
        with self.assertRaises(AccessError):
            application.with_user(self.clerk).state = 'accepted'
        with self.assertRaises(AccessError):
            application.with_user(self.reader).action_refuse()
        with self.assertRaises(AccessError):
            application.with_user(self.portal).read(['amount'])
        application.with_user(self.clerk).action_refuse()
        self.assertEqual((application.state, self.customer.credit_limit), ('refused', 1_000))
        with self.assertRaisesRegex(UserError, "is refused"):
            application.with_user(self.clerk).action_accept()
