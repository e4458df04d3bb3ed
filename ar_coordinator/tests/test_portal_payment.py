"""Online payment of several items: what it comes to, and that each item gets what was paid for it."""
import math

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .dunning_common import instalment_terms
from .portal_common import PortalCommon


@tagged('post_install', '-at_install')
class TestPortalPayment(PortalCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.open_invoice(1000, 40)
        cls.second = cls.open_invoice(500, 10)
        cls.later = cls.open_invoice(300, -5)

    def payment(self, selection='overdue', currency=None, **how):
        return self.portal()._get_payment(self.customer, self.company, currency or self.currency, selection, **how)

    def select(self, *moves):
        return '-'.join(str(line_id) for move in moves for line_id in self.ar_lines(move).ids)

    def residuals(self, *moves):
        return [move.amount_residual for move in moves]

    def test_everything_overdue(self):
        payment = self.payment()
        self.assertEqual((payment['amount'], payment['moves']), (1500, self.first + self.second))
        transaction = self.pay_online(payment)
        self.assertEqual(self.residuals(self.first, self.second, self.later), [0, 0, 300])
        self.assertEqual(transaction.payment_id.partner_id, self.customer)
        self.assertEqual(len(self.ar_lines(transaction.payment_id)), 1, "nothing to split")

    def test_chosen_items(self):
        payment = self.payment(self.select(self.first, self.later))
        self.assertEqual(payment['amount'], 1300)
        self.pay_online(payment)
        self.assertEqual(self.residuals(self.first, self.second, self.later), [0, 500, 0])

    def test_disputed_part_stays_open(self):
        """Odoo alone would pay the disputed 400 of the older invoice and leave 400 of the other one to be chased."""
        dispute = self.open_dispute(self.first, 400)
        payment = self.payment()
        self.assertEqual(payment['amount'], 1100)
        transaction = self.pay_online(payment)
        self.assertEqual(self.residuals(self.first, self.second), [400, 0])
        self.assertEqual(self.first.payment_state, 'partial')
        self.assertEqual(self.second.payment_state, self.second._get_invoice_in_payment_state())
        self.assertEqual(sorted(self.ar_lines(transaction.payment_id).mapped('balance')), [-600, -500])
        self.assertFalse(dispute.date_closed)
        [account] = self.accounts()
        self.assertEqual((account['overdue'], account['disputed'], account['to_pay'], account['credits']),
                         (400, 400, 0, 0))

    def test_two_disputes(self):
        self.open_dispute(self.first, 400)
        self.open_dispute(self.second, 100)
        payment = self.payment('open')
        self.assertEqual(payment['amount'], 600 + 400 + 300)
        self.pay_online(payment)
        self.assertEqual(self.residuals(self.first, self.second, self.later), [400, 100, 0])

    def test_only_partly_paid_items(self):
        self.open_dispute(self.first, 400)
        self.open_dispute(self.second, 100)
        self.pay_online(self.payment())
        self.assertEqual(self.residuals(self.first, self.second), [400, 100])

    def test_disputed_part_may_be_paid(self):
        self.open_dispute(self.first, 400)
        payment = self.payment(with_disputed=True)
        self.assertEqual(payment['amount'], 1500)
        self.pay_online(payment)
        self.assertEqual(self.residuals(self.first, self.second), [0, 0])

    def test_wholly_disputed_items_are_left_out(self):
        self.open_dispute(self.first, 1000)
        payment = self.payment()
        self.assertEqual((payment['amount'], payment['moves']), (500, self.second))
        self.assertEqual([row['move_name'] for row in payment['left_out']], [self.first.name])
        with self.assertRaises(UserError):
            self.payment(self.select(self.first))

    def test_instalment(self):
        """Failure 12: the chosen instalment is paid, not the invoice."""
        invoice = self.ar_invoice(
            1000, self.due(30), invoice_payment_term_id=instalment_terms(self.env).id)
        early, late = self.ar_lines(invoice).sorted('date_maturity')
        self.assertEqual(self.payment(str(late.id))['amount'], 700)
        self.pay_online(self.payment(str(late.id)))
        self.assertEqual((early.amount_residual, late.amount_residual), (300, 0))

    def test_foreign_currency(self):
        """Paid in the invoice's currency; the payment's lines add up in company currency."""
        euro = self.open_invoice(200, 20, currency_id=self.eur.id)
        other = self.open_invoice(80, 5, currency_id=self.eur.id)
        self.open_dispute(euro, 50)
        payment = self.payment(currency=self.eur)
        self.assertEqual(payment['amount'], 230)
        transaction = self.pay_online(payment)
        self.assertEqual(self.residuals(euro, other), [50, 0])
        self.assertEqual(transaction.payment_id.move_id.state, 'posted')
        self.assertEqual(sum(transaction.payment_id.move_id.line_ids.mapped('balance')), 0)

    def test_two_receivable_accounts(self):
        """Invoices booked on different receivable accounts are paid at once; each account gets its part."""
        account = self.receivable.copy({'code': '121999'})
        self.ar_lines(self.second).account_id = account
        self.pay_online(self.payment())
        self.assertEqual(self.residuals(self.first, self.second), [0, 0])

    def test_changed_meanwhile(self):
        """An invoice paid by bank after the customer pressed the button: nothing is lost, the rest is a credit."""
        payment = self.payment()
        self.ar_pay(self.first, self.today)
        self.pay_online(payment)
        self.assertEqual(self.residuals(self.first, self.second), [0, 0])
        [account] = self.accounts()
        self.assertEqual((account['overdue'], account['credits']), (0, -1000))

    def test_underway_is_not_paid_again(self):
        """While an online payment is under way its invoices cannot be paid a second time."""
        payment = self.payment()
        self._create_transaction(
            'direct', amount=payment['amount'], currency_id=self.currency.id, partner_id=self.anna.id,
            invoice_ids=[Command.set(payment['moves'].ids)])._set_done()
        rows, _count = self.portal()._get_items(self.customer, self.company, self.currency)
        self.assertEqual([(row['processing'], row['payable']) for row in rows], [(True, 0), (True, 0), (False, 300)])
        for check in (self.payment, lambda: self.payment(with_disputed=True)):
            with self.assertRaises(UserError):
                check()

    def test_announced_transfer(self):
        """Who chose a bank transfer may still pay in another way; the item says what was chosen."""
        payment = self.payment(self.select(self.second))
        self._create_transaction(
            'direct', amount=payment['amount'], currency_id=self.currency.id, partner_id=self.anna.id,
            invoice_ids=[Command.set(payment['moves'].ids)])._set_pending()
        rows, _count = self.portal()._get_items(self.customer, self.company, self.currency)
        self.assertEqual(
            [(row['announced'], row['payable']) for row in rows], [(False, 1000), (True, 500), (False, 300)])

    def test_selection(self):
        """Only the customer's own items in this currency; whatever is not a list of ids is refused."""
        theirs = self.open_invoice(50, 3, partner=self.other_customer)
        euro = self.open_invoice(200, 20, currency_id=self.eur.id)
        self.assertEqual(self.payment(self.select(self.second, theirs, euro))['moves'], self.second)
        for selection in (self.select(theirs), self.select(euro), '', '1;2', '0', '999999999999', '²', '-1'):
            with self.assertRaises(UserError, msg=selection):
                self.payment(selection)

    def test_reference(self):
        portal = self.portal()
        self.assertEqual(portal._get_payment_reference(self.payment(self.select(self.first)), self.company),
                         self.first.name)
        self.assertRegex(portal._get_payment_reference(self.payment(), self.company), r'^[A-Z]+/\d{4}/\d+$')

    def test_early_payment_discount_is_named(self):
        """Paying at once would lose the discount: the page says so."""
        terms = self.env['account.payment.term'].create({
            'name': "2 % in 10 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'line_ids': [Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        invoice = self.ar_invoice(400, self.today, invoice_payment_term_id=terms.id)
        self.assertEqual(self.payment('open')['discounted'], invoice)
        self.assertFalse(self.payment('overdue')['discounted'])

    def test_transaction_without_allocation(self):
        """Odoo's own payment pages work as before."""
        transaction = self._create_transaction(
            'direct', amount=1000, currency_id=self.currency.id, partner_id=self.anna.id,
            invoice_ids=[Command.set(self.first.ids)])
        transaction._set_done()
        transaction._post_process()
        self.assertEqual(self.first.amount_residual, 0)

    def test_credits_are_deducted(self):
        """Oldest first; matched to the cent when the payment is in the books, the disputed part left alone."""
        self.open_dispute(self.first, 400)
        refund = self.ar_invoice(700, self.due(20), move_type='out_refund')
        payment = self.payment(credits=math.inf)
        self.assertEqual((payment['amount'], payment['credits']), (400, 700))
        self.assertEqual(payment['netting'], [
            [self.ar_lines(self.first).id, self.ar_lines(refund).id, 600],
            [self.ar_lines(self.second).id, self.ar_lines(refund).id, 100]])
        self.pay_online(payment, ar_netting=payment['netting'])
        self.assertEqual(self.residuals(self.first, self.second, refund), [400, 0, 0])

    def test_credits_cover_everything(self):
        self.ar_invoice(2000, self.due(20), move_type='out_refund')
        with self.assertRaisesRegex(UserError, "there is nothing to pay"):
            self.payment(credits=math.inf)
        self.assertEqual(self.payment()['amount'], 1500)

    def test_credit_used_meanwhile(self):
        """Nothing is matched wrongly: what the credit was to cover is open again, and the payment says so."""
        refund = self.ar_invoice(200, self.due(20), move_type='out_refund')
        payment = self.payment(credits=math.inf)
        self.ar_match(refund, self.later)
        transaction = self.pay_online(payment, ar_netting=payment['netting'])
        self.assertEqual(self.residuals(self.first, self.second, self.later), [200, 0, 100])
        self.assertIn("used otherwise meanwhile", transaction.payment_id.message_ids[0].body)

    def test_credits_with_other_plans(self):
        """Not what is to be paid back, nor where the company wants everything in full."""
        refund = self.ar_invoice(200, self.due(20), move_type='out_refund')
        request = self.env['ar.write.off'].create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'kind': 'refund', 'cause': 'overpaid',
            'reason': "Paid twice", 'line_ids': [Command.create({'move_line_id': self.ar_lines(refund).id})]})
        self.assertEqual(self.payment(credits=math.inf)['credits'], 0)
        request.action_cancel()
        self.assertEqual(self.payment(credits=150.0)['credits'], 150)
        self.company.ar_dunning_net_credits = False
        self.assertEqual(self.payment(credits=math.inf)['credits'], 0)
