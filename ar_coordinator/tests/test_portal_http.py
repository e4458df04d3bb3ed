"""The pages of the customer's account over HTTP: who gets in, and that guessing gets nobody further."""
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .portal_common import PortalHttpCommon


@tagged('post_install', '-at_install')
class TestPortalHttp(PortalHttpCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.open_invoice(1234.5, 20)
        cls.theirs = cls.open_invoice(777, 9, partner=cls.other_customer)

    def transaction(self, user='anna', account=None, selection='overdue', amount=1234.5, **vals):
        """Ask for a transaction as the payment form does; return the message of the error, if any."""
        self.authenticate(user, user)
        answer = self.url_open(f'/my/receivables/pay/{account or self.account_key()}/{selection}/0/1', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'amount': amount, 'provider_id': self.dummy_provider.id, 'payment_method_id': self.payment_method_id,
                'token_id': None, 'flow': 'direct', 'tokenization_requested': False, 'is_validation': False,
                'landing_route': '/my/receivables', 'access_token': '', **vals}}).json()
        return answer.get('error', {}).get('data', {}).get('message')

    # === PAGES === #

    def test_page(self):
        page = self.get('').text
        for text in (self.invoice.name, "1,234.50", "20 days overdue", self.company.name):
            self.assertIn(text, page)
        self.assertNotIn(self.theirs.name, page)

    def test_odd_addresses(self):
        """Whatever stands in the address, there is a page."""
        for query in ('/page/0', '/page/99', '?filterby=x&sortby=y', '?search=%00%25_\'', f'?search={"x" * 500}'):
            self.assertEqual(self.get(query).status_code, 200, query)
        self.assertIn("No open items found", self.get('?search=nothing').text)
        self.assertIn(self.invoice.name, self.get(f'?search={self.invoice.name}').text)

    def test_customer_without_items(self):
        self.ar_pay(self.invoice, self.today)
        page = self.get('')
        self.assertEqual(page.status_code, 200)
        self.assertIn("Nothing is open on your account", page.text)

    def test_tile(self):
        self.authenticate('anna', 'anna')
        counters = self.make_jsonrpc_request('/my/counters', {'counters': ['ar_item_count', 'ar_overdue_text']})
        self.assertEqual(counters['ar_item_count'], 1)
        self.assertIn("1,234.50", counters['ar_overdue_text'])
        self.ar_pay(self.invoice, self.today)
        counters = self.make_jsonrpc_request('/my/counters', {'counters': ['ar_item_count', 'ar_overdue_text']})
        self.assertEqual((counters['ar_item_count'], counters['ar_overdue_text']), (0, 0))

    def test_statement(self):
        key = self.account_key()
        pdf = self.get(f'/statement/pdf?account={key}')
        self.assertEqual((pdf.status_code, pdf.headers['Content-Type']), (200, 'application/pdf'))
        self.assertIn("attachment", pdf.headers['Content-Disposition'])
        xlsx = self.get(f'/statement/xlsx?account={key}&kind=activity&date_from={self.due(60)}&date_to={self.today}')
        self.assertEqual(xlsx.content[:2], b'PK')
        for query in ('kind=activity', 'kind=activity&date_from=yesterday', 'kind=nonsense'):
            self.assertEqual(self.get(f'/statement/pdf?account={key}&{query}').status_code, 400, query)

    # === WHO GETS IN === #

    def test_sent_statements(self):
        """The customer downloads what he was sent, with his subsidiaries' sections; nobody else does."""
        branch = self.env['res.partner'].create({
            'name': "Harbour Fish Scotland", 'is_company': True, 'parent_id': self.customer.id})
        self.customer.with_company(self.company).ar_statement_with_subsidiaries = True
        self.open_invoice(100, 10)
        invoice = self.open_invoice(40, 10, partner=branch)
        run = self.env['ar.statement.run'].create({'kind': 'open', 'company_id': self.company.id})
        run.action_preview()
        self.assertNotIn("o_ar_sent_statement", self.get('').text, "a preview is nobody's")
        run.action_send()
        line = run.line_ids.filtered(lambda one: one.partner_id == self.customer)
        self.assertEqual(line.state, 'queued')
        path = f'/statement/sent/{line.id}/pdf'
        self.assertIn(f'/my/receivables{path}', self.get('').text)
        response = self.get(path)
        self.assertEqual((response.status_code, response.content), (200, line.attachment_id.raw))
        self.assertIn(invoice.name, response.text)
        self.assertEqual(self.get(path.replace('pdf', 'xlsx')).status_code, 404, "it had no table")
        self.assertEqual(self.get(path, user='alder').status_code, 404)
        self.assertEqual(self.get(f'/statement/sent/{line.id + 1000}/pdf').status_code, 404)

    def test_stranger_sees_his_own(self):
        """A portal user of another customer."""
        page = self.get('', user='alder').text
        self.assertIn(self.theirs.name, page)
        self.assertNotIn(self.invoice.name, page)
        self.assertNotIn("1,234.50", page)
        line = self.ar_lines(self.invoice)
        answer = self.get(f'/pay?account={self.account_key()}&item={line.id}', user='alder')
        self.assertEqual(answer.status_code, 400)
        self.assertNotIn(self.invoice.name, answer.text)

    @mute_logger('odoo.http')
    def test_stranger_cannot_pay_by_guessed_ids(self):
        """The transaction route takes items of the caller's own account only."""
        line = self.ar_lines(self.invoice)
        self.assertIn("nothing to pay", self.transaction('alder', selection=str(line.id)))
        self.assertFalse(self.env['payment.transaction'].search([('invoice_ids', 'in', self.invoice.ids)]))

    def test_public(self):
        """Not logged in: to the login page, whatever the address."""
        self.authenticate(None, None)
        for path in ('', '/letters', '/letters/1', f'/pay?account={self.account_key()}&what=overdue',
                     f'/statement/pdf?account={self.account_key()}'):
            answer = self.url_open(f'/my/receivables{path}', allow_redirects=False)
            self.assertEqual(answer.status_code, 303, path)
            self.assertIn('/web/login', answer.headers['Location'])

    def test_employee_without_invoicing(self):
        """An employee of ours who may not read invoices sees no account, not even as a contact of a customer."""
        new_test_user(self.env, login='eve', groups='base.group_user', company_id=self.company.id,
                      company_ids=[(6, 0, self.company.ids)])
        self.env['res.users'].search([('login', '=', 'eve')]).partner_id.parent_id = self.customer
        for path in ('', '/letters', f'/statement/pdf?account={self.account_key()}'):
            answer = self.get(path, user='eve', allow_redirects=False)
            self.assertEqual((answer.status_code, answer.headers['Location'].rsplit(':')[-1][-3:]), (303, '/my'), path)

    def test_bookkeeper(self):
        """Who may read invoices sees the account of his own contact here, and no customer's."""
        self.ar_user('ada', 'account.group_account_invoice')
        page = self.get('', user='ada')
        self.assertEqual(page.status_code, 200)
        self.assertIn("Nothing is open on your account", page.text)
        line = self.ar_lines(self.invoice)
        self.assertEqual(self.get(f'/pay?account={self.account_key()}&item={line.id}', user='ada').status_code, 400)

    def test_language(self):
        """Amounts and dates in the formats of the user's language."""
        self.env['res.lang']._activate_lang('de_DE')
        self.customer_user.lang = 'de_DE'
        page = self.get('').text
        self.assertIn("1.234,50", page)
        self.assertIn('lang="de-DE"', page)
        self.assertIn(self.due(20).strftime('%d.%m.%Y'), page)

    def test_other_company(self):
        """An account of a company that is not the user's does not exist, nor does one of garbage."""
        other = self.setup_other_company()['company']
        for key in (f'{other.id}-{self.currency.id}', '1', '-', 'x-y', f'{self.company.id}-999999', '²-1'):
            for path in (f'?account={key}', f'/pay?account={key}&what=overdue', f'/statement/pdf?account={key}'):
                self.assertEqual(self.get(path).status_code, 404, path)

    # === PAYMENT === #

    def test_pay_page(self):
        page = self.get(f'/pay?account={self.account_key()}&what=overdue')
        self.assertEqual(page.status_code, 200)
        self.assertIn(f'/my/receivables/pay/{self.account_key()}/overdue/0/1', page.text)
        self.assertIn("1,234.50", page.text)
        self.assertFalse(self.env['payment.transaction'].search([]), "looking changes nothing")

    def test_transaction(self):
        self.assertIsNone(self.transaction())
        transaction = self.env['payment.transaction'].search([('invoice_ids', 'in', self.invoice.ids)])
        self.assertEqual(
            (transaction.amount, transaction.partner_id, transaction.state, transaction.ar_allocation),
            (1234.5, self.anna, 'draft', {str(self.ar_lines(self.invoice).id): 1234.5}))
        self.assertTrue(transaction.reference.startswith(self.invoice.name))

    @mute_logger('odoo.http')
    def test_transaction_of_another_amount(self):
        """The amount is what the items come to now, not what the browser says."""
        for amount in (1, 1234.51, -1234.5, None, '1234.5'):
            self.assertIn("changed meanwhile", self.transaction(amount=amount))
        self.ar_pay(self.invoice, self.today, amount=234.5)
        self.assertIn("changed meanwhile", self.transaction())
        self.assertIsNone(self.transaction(amount=1000))

    @mute_logger('odoo.http')
    def test_transaction_values_from_the_browser(self):
        """Neither a provider that is not offered nor further values get into the transaction."""
        hidden = self.dummy_provider.copy({'is_published': False, 'state': 'disabled'})
        self.assertIn("not available", self.transaction(provider_id=hidden.id))
        self.assertIn("not whitelisted", self.transaction(partner_id=self.other_customer.id))
        self.assertFalse(self.env['payment.transaction'].search([]))
        self.assertIsNone(self.transaction(is_validation=True))
        transaction = self.env['payment.transaction'].search([])
        self.assertEqual((transaction.amount, transaction.operation), (1234.5, 'online_direct'))

    # === LETTERS === #

    def letter(self, **vals):
        """A letter to the customer that went out."""
        run = self.env['ar.dunning.run'].create({'company_id': self.company.id})
        run.action_preview()
        letter = run.letter_ids.sudo().filtered(lambda letter: letter.partner_id == self.customer)
        letter.write({
            'state': 'sent', 'subject': "Payment reminder", 'body_sent': "<p>Frozen words</p>",
            'date_sent': '2026-01-05 10:00:00', 'email_to': 'office@harbourfish.example.com', **vals})
        return letter

    def test_letters(self):
        """A letter is shown and printed as it was sent."""
        letter = self.letter()
        self.assertIn("Payment reminder", self.get('/letters').text)
        page = self.get(f'/letters/{letter.id}').text
        self.assertIn("Frozen words", page)
        self.assertIn('office@harbourfish.example.com', page)
        pdf = self.get(f'/letters/{letter.id}?report_type=pdf')
        self.assertEqual((pdf.status_code, pdf.headers['Content-Type']), (200, 'application/pdf'))
        self.assertIn(b"Frozen words", pdf.content)

    def test_letters_of_others(self):
        """Another customer's letter, one that never left, and one of another company do not exist."""
        letter = self.letter()
        self.assertEqual(self.get(f'/letters/{letter.id}', user='alder').status_code, 404)
        self.assertEqual(self.get('/letters/99999999', user='alder').status_code, 404)
        self.assertNotIn("Payment reminder", self.get('/letters', user='alder').text)
        for state in ('draft', 'queued', 'failed', 'bounced', 'cancelled'):
            letter.state = state
            self.assertEqual(self.get(f'/letters/{letter.id}').status_code, 404, state)
        letter.state = 'sent'
        other = self.setup_other_company()['company']
        self.customer_user.write({'company_ids': [(6, 0, other.ids)], 'company_id': other.id})
        self.assertEqual(self.get(f'/letters/{letter.id}').status_code, 404)
