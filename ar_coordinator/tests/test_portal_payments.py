"""What customers see of their payments, and only of theirs; and who paid by the card or online payment a text names."""
from odoo import Command
from odoo.tests import tagged

from .portal_common import PortalHttpCommon


@tagged('post_install', '-at_install')
class TestPortalPayments(PortalHttpCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.open_invoice(1000, 45)
        cls.other = cls.open_invoice(300, 5)
        cls.theirs = cls.open_invoice(777, 9, partner=cls.other_customer)

    def payments(self, partner=None, currency=None, **how):
        return self.portal()._get_payments(partner or self.customer, self.company, currency or self.currency, **how)[0]

    def transaction(self, amount, text, **values):
        return self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': self.due(2), 'payment_ref': text, 'amount': amount, **values})

    def test_states(self):
        applied = self.ar_pay(self.invoice, self.due(20), amount=400)
        money = self.ar_cash(500, self.due(10), memo="Thank you")
        waiting = self.transaction(50, "On its way", partner_id=self.customer.id)
        self.ar_cash(5, self.due(1), partner=self.other_customer)
        rows = {row['name']: row for row in self.payments()}
        self.assertEqual(len(rows), 3, "not the other customer's")
        self.assertEqual(
            {name: rows[applied.name][name] for name in ('state', 'amount', 'applied', 'on_account', 'items')},
            {'state': 'applied', 'amount': 400, 'applied': 400, 'on_account': 0, 'items': [
                {'name': self.invoice.name, 'url': f'/my/invoices/{self.invoice.id}', 'amount': 400}]})
        self.assertEqual((rows[money.name]['state'], rows[money.name]['text']), ('on_account', ''), "our own memo")
        row = rows[waiting.move_id.name]
        self.assertEqual((row['state'], row['amount'], row['text']), ('waiting', 50, "On its way"))
        self.ar_match(self.other, money)
        proposal_of = self.env['ar.cash']._propose(self.company).mapped('payment_line_id.move_id')
        row = next(row for row in self.payments() if row['name'] == money.name)
        self.assertEqual((row['applied'], row['on_account']), (300, 200))
        self.assertEqual(row['state'], 'applying' if money.move_id in proposal_of else 'part')
        self.env['ar.cash.proposal'].search([]).unlink()
        row = next(row for row in self.payments() if row['name'] == money.name)
        self.assertEqual(row['state'], 'part')
        self.assertEqual([row['name'] for row in self.payments(limit=1, offset=1)], [money.name], "latest first")

    def test_returned_and_moved(self):
        bounced = self.ar_pay(self.invoice, self.due(20))
        self.env['ar.payment.return'].create({'payment_id': bounced.id, 'date': self.due(5)}).action_confirm()
        part = self.ar_pay(self.other, self.due(19))
        self.env['ar.payment.return'].create({
            'payment_id': part.id, 'date': self.due(5), 'amount': 100}).action_confirm()
        wrong = self.transaction(80, "For Alder, not you", partner_id=self.customer.id)
        wrong.move_id.with_context(skip_account_move_synchronization=True, skip_readonly_check=True).line_ids.filtered(
            lambda line: line.account_id == self.bank.suspense_account_id).account_id = self.receivable
        self.env['ar.payment.move'].create({
            'statement_line_id': wrong.id, 'amount': 30, 'partner_to_id': self.other_customer.id,
            'reason': "Typed wrong", 'date': self.due(4)}).action_confirm()
        rows = {row['name']: row for row in self.payments()}
        self.assertEqual((rows[bounced.name]['state'], rows[bounced.name]['items']), ('returned', []))
        self.assertEqual(
            (rows[part.name]['state'], rows[part.name]['applied'], rows[part.name]['returned']), ('applied', 200, 100))
        row = rows[wrong.move_id.name]
        self.assertEqual((row['on_account'], row['items'], row['text']), (50, [], ''))
        self.assertEqual(
            [(row['amount'], row['on_account'], row['text']) for row in self.payments(self.other_customer)],
            [(30, 30, '')])

    def test_a_transfer_for_several_customers_names_none_of_the_others(self):
        line = self.transaction(100, f"{self.invoice.name} {self.theirs.name} Alder", partner_id=self.customer.id)
        quiet = {'skip_account_move_synchronization': True, 'skip_readonly_check': True, 'force_delete': True}
        suspense = line.move_id.line_ids.filtered(lambda item: item.account_id == self.bank.suspense_account_id)
        line.move_id.with_context(**quiet).write({'line_ids': [
            Command.delete(suspense.id), *(Command.create({
                'account_id': self.receivable.id, 'partner_id': partner.id, 'name': "Part", 'balance': -50})
                for partner in (self.customer, self.other_customer))]})
        for partner in (self.customer, self.other_customer):
            [row] = self.payments(partner)
            self.assertEqual((row['amount'], row['text']), (50, ''))

    def test_a_joint_transfer_that_came_back_shows_each_his_part(self):
        """The customer reads what of his own money came back, not what the others paid."""
        line = self.transaction(100, "For two", partner_id=self.customer.id)
        quiet = {'skip_account_move_synchronization': True, 'skip_readonly_check': True, 'force_delete': True}
        suspense = line.move_id.line_ids.filtered(lambda item: item.account_id == self.bank.suspense_account_id)
        line.move_id.with_context(**quiet).write({'line_ids': [
            Command.delete(suspense.id), *(Command.create({
                'account_id': self.receivable.id, 'partner_id': partner.id, 'name': "Part", 'balance': -amount})
                for partner, amount in ((self.customer, 30), (self.other_customer, 70)))]})
        self.env['ar.payment.return'].create({'statement_line_id': line.id, 'date': self.due(1)}).action_confirm()
        for partner, amount in ((self.customer, 30), (self.other_customer, 70)):
            row = next(row for row in self.payments(partner) if row['name'] == line.move_id.name)
            self.assertEqual((row['amount'], row['returned'], row['state']), (amount, amount, 'returned'))

    def test_other_currencies_have_their_own_list(self):
        self.ar_cash(70, self.due(3), currency_id=self.eur.id)
        self.assertEqual(
            self.portal()._get_payment_currencies(self.customer, self.company), self.eur)
        self.assertFalse(self.payments())
        self.assertEqual([row['amount'] for row in self.payments(currency=self.eur)], [70])

    def test_pages(self):
        """Only one's own payments, in one's own language; nothing for accounts that are not one's own."""
        self.assertIn("not received any payments", self.get('/payments').text)
        self.ar_pay(self.invoice, self.due(20), amount=400)
        theirs = self.ar_pay(self.theirs, self.due(20))
        deposit = self.env['ar.deposit'].create({
            'journal_id': self.bank.id, 'date': self.due(10), 'control_total': 123.45, 'line_ids': [Command.create({
                'partner_id': self.customer.id, 'number': '99', 'amount': 123.45, 'memo': "For our eyes"})]})
        deposit.action_confirm()
        self.env['ar.payment.return'].create({
            'payment_id': deposit.line_ids.payment_id.id, 'date': self.due(5)}).action_confirm()
        page = self.get('/payments').text
        for text in ("400.00", self.invoice.name, "Applied to your invoices", "Cheque 99", "Returned by the bank"):
            self.assertIn(text, page)
        for text in ("777", self.theirs.name, theirs.name, "For our eyes"):
            self.assertNotIn(text, page)
        self.assertEqual(self.get(f'/payments?account={self.account_key()}').status_code, 200)
        other = self.setup_other_company()['company']
        for account in (f'{other.id}-{self.currency.id}', f'{self.company.id}-999999', 'x'):
            self.assertEqual(self.get(f'/payments?account={account}').status_code, 404, account)
        self.assertEqual(self.get('/payments/page/99').status_code, 200)

    def test_the_stranger_sees_nothing_of_it(self):
        self.ar_pay(self.invoice, self.due(20), amount=400)
        page = self.get('/payments', user='alder').text
        self.assertIn("not received any payments", page)
        self.assertNotIn(self.invoice.name, page)
        abroad = self.setup_other_company()['company']
        self.ar_portal_user('abroad', self.customer.copy({'name': "Abroad"}), company=abroad)
        page = self.get('/payments', user='abroad').text
        self.assertNotIn(self.invoice.name, page)
        self.assertEqual(self.get(f'/payments?account={self.account_key()}', user='abroad').status_code, 404)

    # === CARDS AND ONLINE PAYMENTS === #

    def tokens(self, *lines):
        """Whom the texts of bank transactions name."""
        cash = self.env['ar.cash'].sudo().with_company(self.company)
        found = cash._get_tokens(cash.env, self.company, [('transaction', line.id) for line in lines])
        return [found.get(('transaction', line.id)) for line in lines]

    def test_card_tokens_and_online_payments_say_who_paid(self):
        token = self._create_token(provider_ref='mandate-HF-0001', partner_id=self.anna.id)
        self._create_transaction(
            'direct', reference='SHOP-2026-77', provider_reference='ch_3PqXyZ81', partner_id=self.anna.id,
            state='done')
        mine = f'customer {self.customer.id}'
        self.assertEqual(
            self.tokens(*(self.transaction(5, text) for text in (
                "SEPA DD mandate-HF-0001 MARCH", "PAYOUT ch_3PqXyZ81", "Order SHOP-2026-77.", "mandate-HF-00011",
                "nothing"))), [mine, mine, mine, None, None])
        self._create_token(provider_ref='mandate-HF-0001', partner_id=self.other_customer.id)
        line = self.transaction(5, "mandate-HF-0001")
        self.assertEqual(self.tokens(line), [None], "of two customers: it says nothing")
        token.unlink()
        self.assertEqual(self.tokens(line), [f'customer {self.other_customer.id}'])

    def test_the_token_finds_the_payer_of_an_amount(self):
        """Two customers owe the same amount; the mandate in the text decides."""
        rival = self.open_invoice(640, 3, partner=self.other_customer)
        mine = self.open_invoice(640, 3)
        self._create_token(provider_ref='mandate-HF-0002', partner_id=self.customer.id)
        line = self.transaction(640, "DD mandate-HF-0002")
        proposal = self.env['ar.cash']._propose(self.company).filtered(lambda one: one.statement_line_id == line)
        self.assertEqual((proposal.partner_id, proposal.who), (self.customer, 'token'))
        self.assertEqual(proposal.line_ids.move_id, mine)
        self.assertFalse(proposal.is_ambiguous)
        self.assertEqual(rival.amount_residual, 640)
