"""Paying from a letter's link: Odoo's own payment page, for what is open and not disputed."""
import re
from urllib.parse import parse_qs, urlsplit

from odoo import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

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

    def text(self, response=None):
        """The page, without tags and line breaks."""
        return " ".join(re.sub(r'<[^>]+>', ' ', (response or self.url_open(self.url)).text)
                        .replace('\ufeff', '').replace('\xa0', ' ').split())

    def pay(self, *moves):
        """Press the button with these invoices ticked."""
        token = re.search(r'name="csrf_token" value="(\w+)"', self.url_open(self.url).text)[1]
        return self.url_open(f'{self.url}/pay', allow_redirects=False, data={
            'csrf_token': token, 'item': [str(line.id) for move in moves for line in self.ar_lines(move)]})

    def start(self, page, amount, **kwargs):
        """What the payment form does when the customer confirms: (transaction or nothing, answer)."""
        route = re.search(r'data-transaction-route="([^"]+)"', page.text)[1]
        answer = self.url_open(route, json={'params': {
            'provider_id': self.dummy_provider.id, 'payment_method_id': self.payment_method_id, 'token_id': None,
            'amount': amount, 'flow': 'direct', 'tokenization_requested': True, 'landing_route': '/elsewhere',
            **kwargs}}).json()
        transaction = self.env['payment.transaction'].search(
            [('reference', '=', answer.get('result', {}).get('reference'))])
        return transaction, answer

    def finish(self, transaction):
        """The provider confirms."""
        transaction._set_done()
        transaction._post_process()

    def test_pay_what_is_not_disputed(self):
        """A single invoice goes to Odoo's own page of it."""
        self.answer('dispute', self.ar_lines(self.first), self.letter, amount=120.0, reason=self.price)
        self.assertIn("Pay the ticked invoices now", self.text())
        response = self.pay(self.first)
        self.assertEqual(response.status_code, 303)
        target = urlsplit(response.headers['Location'])
        self.assertEqual(target.path.replace('//', '/'), f'/my/invoices/{self.first.id}')
        query = parse_qs(target.query)
        self.assertEqual((float(query['amount'][0]), query['access_token']), (180.0, [self.first.access_token]))
        self.assertEqual(self.url_open(response.headers['Location']).status_code, 200)

    def test_pay_several_at_once(self):
        """All of the letter in one payment, without the disputed part; each invoice gets its own."""
        self.answer('dispute', self.ar_lines(self.first), self.letter, amount=120.0, reason=self.price)
        response = self.pay(self.first, self.second)
        self.assertTrue(f"{self.base_url()}{response.headers['Location']}".endswith(f'{self.url}/pay/all'))
        page = self.url_open(response.headers['Location'])
        self.assertIn("To pay now $ 280.00", self.text(page))
        self.assertNotIn("save my payment details", page.text.lower())
        transaction, _answer = self.start(page, 280.0)
        self.assertRecordValues(transaction, [{
            'amount': 280.0, 'partner_id': self.letter.recipient_id.id, 'tokenize': False}])
        self.assertTrue(transaction.landing_route.startswith('/ar/answer/'))
        self.finish(transaction)
        self.assertEqual((self.first.amount_residual, self.second.amount_residual), (120, 0))

    def test_a_changed_amount_is_refused(self):
        page = self.url_open(self.pay(self.first, self.second).headers['Location'])
        with mute_logger('odoo.http'):
            for params in ({'amount': 1.0}, {'flow': 'token'}):
                transaction, answer = self.start(page, params.pop('amount', 400.0), **params)
                self.assertFalse(transaction)
                self.assertIn('error', answer)

    def test_credits_are_deducted(self):
        """The letter asks for 250, so the page does; the credit settles the oldest invoice when the money is there."""
        self.ar_invoice(50, '2026-02-10', move_type='out_refund')
        self.letter.action_cancel()
        letter = self.ar_letter()
        self.assertEqual(letter.amount_total, 350)
        self.url = letter._get_answer_url()
        self.assertIn("Your credits $ -50.00 Still to pay $ 350.00", self.text())
        page = self.url_open(self.pay(self.first).headers['Location'])
        self.assertIn("To pay now $ 250.00", self.text(page))
        transaction, _answer = self.start(page, 250.0)
        self.assertEqual(self.first.amount_residual, 300, "nothing is matched before the money is there")
        self.finish(transaction)
        self.assertEqual((self.first.amount_residual, self.second.amount_residual), (0, 100))

    def test_nothing_else_can_be_paid(self):
        """Not another customer's invoice, nor one of this customer that is not in the letter."""
        later = self.ar_invoice(77, '2026-03-01', '2026-05-01')
        for move in (self.foreign, later):
            response = self.pay(move)
            self.assertNotIn('Location', response.headers)
            self.assertIn("cannot be paid online", response.text)
            self.assertFalse(move.access_token)
            page = self.url_open(f'{self.url}/pay/{self.ar_lines(move).id}')
            self.assertIn("cannot be paid online", page.text)

    def test_paid_meanwhile(self):
        self.ar_pay(self.first, '2026-03-15')
        self.assertIn(f"Pay {self.second.name} now", self.text())
        self.assertIn("nothing to pay online", self.pay(self.first).text)

    def test_opening_the_page_gives_no_access(self):
        """The invoice's own token is made when somebody pays, not when a scanner looks."""
        self.url_open(self.url)
        self.assertFalse(self.first.access_token)

    def test_without_a_way_to_pay_online(self):
        self.dummy_provider.state = 'disabled'
        self.assertNotIn("now </button>", self.text())
        self.assertNotIn('type="submit" class="btn btn-primary w-100">Pay', self.url_open(self.url).text)
