"""What customers tell us in the portal: for their own items only, by POST only, within the company's limits."""
import re
from datetime import timedelta

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .portal_common import PortalHttpCommon

PNG = bytes.fromhex(
    '89504e470d0a1a0a0000000d4948445200000001000000010806000000'
    '1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082')


@tagged('post_install', '-at_install')
class TestPortalAnswers(PortalHttpCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.ar_user('carla', 'ar_coordinator.group_ar_user', email='carla@example.com')
        cls.customer.with_company(cls.company).ar_collector_id = cls.clerk
        cls.first = cls.open_invoice(1000, 40)
        cls.second = cls.open_invoice(500, 10)
        cls.theirs = cls.open_invoice(777, 9, partner=cls.other_customer)
        cls.reason = cls.env.ref('ar_coordinator.dispute_reason_price')

    def item(self, *moves):
        return '-'.join(str(self.ar_lines(move).id) for move in moves)

    def answer(self, kind, *moves, user='anna', selection=None, files=None, token=True, **form):
        """Post a form of the page, with a token fetched from it."""
        self.authenticate(user, user)
        page = self.url_open(f'/my/receivables/answer?account={self.account_key()}&kind=contact').text
        csrf = re.search('name="csrf_token" value="([^"]+)"', page)[1] if token else ''
        return self.url_open(
            f'/my/receivables/answer/{self.account_key()}/{selection or self.item(*moves)}/{kind}',
            data={'csrf_token': csrf, 'item': [self.ar_lines(move).id for move in moves], **form},
            files=files, allow_redirects=False)

    def alerts(self, page):
        """What a page complains about."""
        return re.findall('role="alert"[^>]*>([^<]*)', page.text)

    def answers(self, customer=None):
        return self.env['ar.customer.answer'].search([('partner_id', '=', (customer or self.customer).id)])

    def balance(self):
        [account] = self.accounts()
        return account

    # === WHAT CAN BE TOLD === #

    def test_dispute_a_part(self):
        """Half of an invoice with a photo: the dispute, its state on the pages, and what is left to pay."""
        page = self.answer(
            'dispute', self.first, move=self.first.id, scope='part', amount='400', reason=self.reason.id,
            note="Two boxes were broken", files=[('files', ('boxes.png', PNG, 'image/png'))])
        self.assertEqual(page.status_code, 303, self.alerts(page))
        answer = self.answers()
        self.assertEqual((answer.origin, answer.author_id, answer.amount), ('portal', self.anna, 400))
        self.assertTrue(page.headers['Location'].endswith(f'/my/receivables/answers/{answer.id}'))
        dispute = answer.dispute_ids
        self.assertEqual((dispute.move_id, dispute.amount, dispute.origin, dispute.customer_note), (
            self.first, 400, 'portal', "Two boxes were broken"))
        self.assertEqual(answer.activity_id.user_id, self.clerk)
        self.assertEqual((self.balance()['disputed'], self.balance()['to_pay']), (400, 1100))
        self.assertIn("You dispute $\N{NO-BREAK SPACE}400.00", self.get(f'/answers/{answer.id}').text)
        self.assertIn("We are looking into it", self.get('/disputes').text)
        self.assertIn("In dispute", self.get('').text)

    def test_outcome_of_a_dispute(self):
        """Our answer stands beside the dispute once it is decided, not while it is being written."""
        dispute = self.open_dispute(self.first, 400)
        dispute.write({
            'outcome_note': "The price is that of the order.", 'internal_note': "<p>He always does that.</p>"})
        page = self.get('/disputes').text
        self.assertIn("We are looking into it", page)
        self.assertNotIn("that of the order", page)
        dispute.action_reject()
        page = self.get('/disputes').text
        self.assertIn("Not accepted, please pay", page)
        self.assertIn("that of the order", page)
        self.assertNotIn("He always does that", page)

    def test_credited_dispute(self):
        """An accepted dispute leads to its credit note once that is posted."""
        dispute = self.open_dispute(self.first, 400)
        dispute.action_accept()
        page = self.get('/disputes').text
        self.assertIn("Accepted, credit note follows", page)
        note = dispute.credit_move_ids
        self.assertNotIn(f'/my/invoices/{note.id}', page, "a draft is not shown")
        note.action_post()
        page = self.get('/disputes').text
        self.assertIn(f'/my/invoices/{note.id}', page)
        self.assertEqual(self.get('', allow_redirects=True).status_code, 200)

    def test_dispute_lines(self):
        """Two of the ten boxes of one line of an invoice with two lines."""
        invoice = self.ar_invoice(0, self.due(30), due=self.due(5), invoice_line_ids=[
            Command.create({'name': "Boxes", 'quantity': 10, 'price_unit': 30, 'tax_ids': [],
                            'account_id': self.revenue.id}),
            Command.create({'name': "Freight", 'quantity': 1, 'price_unit': 50, 'tax_ids': [],
                            'account_id': self.revenue.id})])
        boxes = invoice.invoice_line_ids[0]
        self.assertIn("Freight", self.get(f'/answer?account={self.account_key()}&item={self.item(invoice)}').text)
        page = self.answer('dispute', invoice, move=invoice.id, scope='lines', reason=self.reason.id, **{
            f'line_{boxes.id}': '1', f'quantity_{boxes.id}': '2'})
        self.assertEqual(page.status_code, 303, self.alerts(page))
        dispute = self.answers().dispute_ids
        self.assertEqual(
            [(line.move_line_id, line.quantity, line.amount) for line in dispute.line_ids], [(boxes, 2, 60)])
        self.assertEqual(dispute.amount, 60)

    def test_promise(self):
        """The rest of it: the items are promised, and say so."""
        day = self.today + timedelta(days=7)
        page = self.answer('promise', self.first, self.second, date=day)
        self.assertEqual(page.status_code, 303, self.alerts(page))
        promise = self.env['ar.promise'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual((promise.amount, promise.date_promised, promise.origin), (1500, day, 'portal'))
        rows, _count = self.portal()._get_items(self.customer, self.company, self.currency)
        self.assertEqual([row['promised'] for row in rows], [day, day])
        self.assertIn("1,500.00", self.get('/promises').text)

    def test_plan(self):
        """A request: nothing is agreed by asking."""
        page = self.answer(
            'plan', self.first, instalments='3', interval='month', date=self.today + timedelta(days=5))
        self.assertEqual(page.status_code, 303, self.alerts(page))
        plan = self.env['ar.promise.plan'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual((plan.amount, len(plan.instalment_ids), plan.state), (1000, 3, 'draft'))
        self.assertIn("We are looking at your request", self.get('/plans').text)

    def test_paid_already(self):
        self.assertEqual(
            self.answer('paid', self.second, date=self.due(2), reference="SEPA 4711").status_code, 303)
        [row] = [row for row in self.portal()._get_items(self.customer, self.company, self.currency)[0]
                 if row['move'] == self.second]
        self.assertEqual(row['reported'], self.due(2))
        self.assertTrue(self.second.ar_is_paused or self.env['ar.pause'].search([('move_id', '=', self.second.id)]))

    def test_contact(self):
        """Another contact can be named whether or not something is open."""
        page = self.answer('contact', selection='none', contact_name="Ben", contact_email='ben@harbourfish.example.com')
        self.assertEqual(page.status_code, 303, self.alerts(page))
        self.assertEqual((self.answers().company_id, self.answers().contact_name), (self.company, "Ben"))

    def test_forms(self):
        """The page offers what the company allows, for the chosen items."""
        page = self.get(f'/answer?account={self.account_key()}&kind=dispute&item={self.item(self.first)}').text
        self.assertIn(self.first.name, page)
        self.assertNotIn(self.second.name, page)
        self.assertIn('id="answer_dispute"', page)
        self.company.ar_answer_dispute_percent = 0
        page = self.get(f'/answer?account={self.account_key()}&item={self.item(self.first)}').text
        self.assertNotIn('id="answer_dispute"', page)
        self.assertEqual(self.get(f'/answer?account={self.account_key()}').status_code, 400, "nothing selected")

    def test_limits(self):
        """What is refused is said on the page, and nothing is recorded."""
        page = self.answer('promise', self.first, date=self.today + timedelta(days=15))
        self.assertEqual(page.status_code, 422)
        self.assertIn("You can promise a payment until", page.text)
        page = self.answer(
            'dispute', self.first, move=self.first.id, scope='part', amount='1000.01', reason=self.reason.id)
        self.assertEqual(page.status_code, 422)
        self.assertIn("you cannot dispute more", page.text)
        self.assertFalse(self.answers())
        self.assertFalse(self.env['ar.dispute'].search([('partner_id', '=', self.customer.id)]))

    # === WHO CANNOT === #

    def test_items_of_another_customer(self):
        """A guessed id of somebody else's item, alone or beside one's own."""
        day = self.today + timedelta(days=7)
        page = self.answer('promise', self.theirs, date=day)
        self.assertEqual(page.status_code, 422)
        self.assertNotIn(self.theirs.name, page.text)
        page = self.answer('promise', self.first, self.theirs, date=day)
        self.assertEqual(page.status_code, 303)
        self.assertEqual(self.answers().line_ids.move_id, self.first)
        self.assertFalse(self.answers(self.other_customer))

    def test_answers_of_another_customer(self):
        """An answer, like a letter, is found by its own customer only; others get what unknown ids get."""
        self.answer('contact', selection='none', contact_name="Ben", contact_email='ben@harbourfish.example.com')
        answer = self.answers()
        self.assertEqual(self.get(f'/answers/{answer.id}').status_code, 200)
        self.assertEqual(self.get(f'/answers/{answer.id}', user='alder').status_code, 404)
        self.assertEqual(self.get('/answers/99999999', user='alder').status_code, 404)
        self.assertNotIn("Another contact", self.get('/answers', user='alder').text)

    def test_looking_changes_nothing(self):
        """Answers are posted: opening the address of a form, as scanners do, does nothing."""
        self.authenticate('anna', 'anna')
        for kind in ('promise', 'dispute', 'plan', 'paid', 'contact'):
            page = self.url_open(
                f'/my/receivables/answer/{self.account_key()}/{self.item(self.first)}/{kind}?date={self.today}')
            self.assertIn(page.status_code, (404, 405), kind)
        self.assertFalse(self.answers())

    def test_other_methods_change_nothing(self):
        """OPTIONS comes without a token against forgery."""
        self.authenticate('anna', 'anna')
        item = self.item(self.first)
        for method in ('GET', 'HEAD', 'OPTIONS', 'PUT'):
            page = self.url_open(
                f'/my/receivables/answer/{self.account_key()}/{item}/paid', method=method,
                data={'item': item, 'date': self.due(2).isoformat(), 'reference': "X"})
            self.assertIn(page.status_code, (404, 405), method)
        self.assertFalse(self.answers())

    @mute_logger('odoo.http')  # says that the token is missing
    def test_forged_post(self):
        """Without Odoo's token nothing is recorded."""
        page = self.answer('promise', self.first, token=False, date=self.today + timedelta(days=7))
        self.assertEqual(page.status_code, 400)
        self.assertFalse(self.answers())

    @mute_logger('odoo.http')  # as above
    def test_public_post(self):
        self.authenticate(None, None)
        page = self.url_open(
            f'/my/receivables/answer/{self.account_key()}/{self.item(self.first)}/contact',
            data={'contact_name': "Eve", 'contact_email': 'eve@example.com'}, allow_redirects=False)
        self.assertNotEqual(page.status_code, 200)
        self.assertFalse(self.answers())

    def test_colleague(self):
        """Another portal user of the same customer sees what was told, and by whom."""
        colleague = self.env['res.partner'].create({'name': "Bert Fisher", 'parent_id': self.customer.id})
        self.ar_portal_user('bert', colleague)
        page = self.answer('promise', self.first, date=self.today + timedelta(days=7))
        self.assertEqual(page.status_code, 303, self.alerts(page))
        page = self.get(f'/answers/{self.answers().id}', user='bert')
        self.assertIn(self.anna.name, page.text)

    # === DRAFT PLANS OF THE DESK === #

    def test_plans_being_drawn_up(self):
        """A plan the desk is still drawing up is not the customer's business; once offered, it is."""
        plan = self.env['ar.promise.plan']._propose(
            self.ar_lines(self.first), 2, self.today + timedelta(days=5))
        self.assertNotIn(plan.name, self.get('/plans').text)
        plan.action_propose()
        self.assertIn("Please accept or decline", self.get('/plans').text)
        self.assertIn(plan.name, self.get(f'/plan/{plan.id}').text)
        self.assertNotIn(plan.name, self.get(f'/plan/{plan.id}', user='alder').text)
        self.assertNotIn(plan.name, self.get('/plans', user='alder').text)
