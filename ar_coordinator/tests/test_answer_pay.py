"""Paying from a letter's link: Odoo's own payment page, for what is open and not disputed."""
import re
from urllib.parse import parse_qs, urlsplit

from odoo import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_payment.tests.common import AccountPaymentCommon

from .answer_common import AnswerCommon


@tagged('post_install', '-at_install')
class TestAnswerPay(AnswerCommon, AccountPaymentCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data['company']  # payment's own fixtures name another
        cls.dummy_provider.available_currency_ids = [Command.link(cls.company.currency_id.id)]
        cls.env['ir.config_parameter'].set_param('web.base.url', cls.base_url())

    def setUp(self):
        super().setUp()
        self.letter = self.ar_letter()
        self.url = self.letter._get_answer_url()

    def pay(self, move):
        """Press the button of an invoice."""
        token = re.search(r'name="csrf_token" value="(\w+)"', self.url_open(self.url).text)[1]
        return self.url_open(f'{self.url}/pay/{move.id}', data={'csrf_token': token}, allow_redirects=False)

    def test_pay_what_is_not_disputed(self):
        self.answer('dispute', self.ar_lines(self.first), self.letter, amount=120.0, reason=self.price)
        self.assertIn(f"Pay {self.first.name} now", re.sub(r'<[^>]+>', '', self.url_open(self.url).text))
        response = self.pay(self.first)
        self.assertEqual(response.status_code, 303)
        target = urlsplit(response.headers['Location'])
        self.assertEqual(target.path.replace('//', '/'), f'/my/invoices/{self.first.id}')
        query = parse_qs(target.query)
        self.assertEqual((float(query['amount'][0]), query['access_token']), (180.0, [self.first.access_token]))
        self.assertEqual(self.url_open(response.headers['Location']).status_code, 200)

    def test_nothing_else_can_be_paid(self):
        """Not another customer's invoice, nor one of this customer that is not in the letter."""
        later = self.ar_invoice(77, '2026-03-01', '2026-05-01')
        for move in (self.foreign, later):
            response = self.pay(move)
            self.assertNotIn('Location', response.headers)
            self.assertIn("cannot be paid online", response.text)
            self.assertFalse(move.access_token)

    def test_paid_meanwhile(self):
        self.ar_pay(self.first, '2026-03-15')
        self.assertNotIn(f"Pay {self.first.name} now", re.sub(r'<[^>]+>', '', self.url_open(self.url).text))
        self.assertIn("cannot be paid online", self.pay(self.first).text)

    def test_opening_the_page_gives_no_access(self):
        """The invoice's own token is made when somebody pays, not when a scanner looks."""
        self.url_open(self.url)
        self.assertFalse(self.first.access_token)

    def test_without_a_way_to_pay_online(self):
        self.dummy_provider.state = 'disabled'
        self.assertNotIn("now</button>", self.url_open(self.url).text)
