"""Misdirected payments: moved to the right customer, by changing the entry or by a transfer; undone to the cent."""
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .till_common import TillCase


@tagged('post_install', '-at_install')
class TestPaymentMove(TillCase):

    def enter(self, source, user=None, **values):
        """A clerk's draft: from the customer to the other one."""
        name = 'payment_id' if source._name == 'account.payment' else 'statement_line_id'
        return self.env['ar.payment.move'].with_user(user or self.clerk).create({
            name: source.id, 'partner_to_id': self.other_customer.id, 'reason': "Same name", 'date': '2026-03-25',
            **values})

    def owed(self):
        """What the two customers owe, after the total ties out."""
        self.total()
        rows = {row['id']: row['total'] for row in self.aged('2026-12-31')['rows']}
        return rows.get(self.customer.id, 0), rows.get(self.other_customer.id, 0)

    def test_the_customer_is_changed_on_the_payment(self):
        payment = self.ar_cash(300, '2026-03-05')
        self.ar_match(self.two, payment)
        self.assertEqual(self.owed(), (1_200, 300))
        record = self.enter(payment)
        self.assertEqual((record.partner_id, record.amount, record.currency_id), (
            self.customer, 300, self.company.currency_id))
        record.action_confirm()
        self.assertEqual((self.two.amount_residual, self.owed()), (500, (1_500, 0)))
        self.assertFalse(record.transfer_ids)
        self.assertEqual(payment.partner_id | payment.move_id.line_ids.partner_id, self.other_customer)
        for partner in (self.customer, self.other_customer):
            body = partner.message_ids[0].body
            for words in ("300.00", payment.name, "Harbour Fish Ltd to Alder", "till_clerk", "Same name"):
                self.assertIn(words, body)
        self.assertIn("payment was another customer's", self.two.message_ids[0].body)
        record.action_apply()
        proposal = self.env['ar.cash.proposal'].search([('state', '=', 'proposed')])
        self.assertEqual(proposal.partner_id, self.other_customer)
        proposal.with_user(self.clerk).action_apply()
        self.assertEqual(self.three.amount_residual, 0)
        record.action_undo()
        self.assertEqual((self.two.amount_residual, self.three.amount_residual, self.owed()), (200, 300, (1_200, 300)))
        self.assertEqual(payment.partner_id | payment.move_id.line_ids.partner_id, self.customer)
        self.assertEqual((record.state, record.undone_by_id), ('undone', self.clerk))

    def test_a_part_is_moved_by_a_transfer_entry(self):
        payment = self.ar_cash(1_200, '2026-03-05')
        self.ar_match(self.one, payment)
        record = self.enter(payment, amount=300)
        record.action_confirm()
        self.assertEqual((self.one.amount_residual, self.owed()), (100, (600, 0)), "200 were on account")
        self.assertEqual(
            [(line.account_id, line.partner_id, line.balance) for line in record.transfer_ids.line_ids.sorted('id')],
            [(self.receivable, self.customer, 300), (self.receivable, self.other_customer, -300)])
        self.assertEqual(record.credit_line_ids.amount_residual, -300)
        record.action_apply()
        proposal = self.env['ar.cash.proposal'].search([
            ('state', '=', 'proposed'), ('payment_line_id', 'in', record.credit_line_ids.ids)])
        proposal.with_user(self.clerk).action_apply()
        self.assertEqual(self.three.amount_residual, 0)
        with self.assertRaisesRegex(UserError, "was moved to Alder & Sons .*Undo that first"):
            self.enter(payment, amount=5).action_confirm()
        with self.assertRaisesRegex(UserError, "was moved to Alder & Sons .*Undo that first"):
            self.env['ar.payment.return'].with_user(self.clerk).create({'payment_id': payment.id}).action_confirm()
        record.action_undo()
        self.assertEqual((self.one.amount_residual, self.three.amount_residual), (0, 300))
        self.assertEqual((record.transfer_ids.state, self.owed()), ('cancel', (300, 300)))
        self.assertEqual(-self.ar_lines(payment).amount_residual, 200)

    def test_closed_periods(self):
        """The payment's month is closed: a transfer of today; the transfer's is closed, too: a clear message."""
        payment = self.ar_pay(self.two, '2026-02-25')
        self.company.fiscalyear_lock_date = '2026-02-28'
        record = self.enter(payment)
        record.action_confirm()
        self.assertEqual(str(record.transfer_ids.date), '2026-03-25')
        self.assertEqual((payment.partner_id, self.owed()), (self.customer, (1_500, -200)))
        self.company.fiscalyear_lock_date = '2026-03-25'
        with self.assertRaisesRegex(UserError, "MOV-.* 03/25/2026 is in a period that is closed"):
            record.action_undo()
        self.company.fiscalyear_lock_date = '2026-02-28'
        record.action_undo()
        self.assertEqual((self.two.amount_residual, self.owed()), (0, (1_000, 300)))
        self.company.fiscalyear_lock_date = '2026-03-25'
        with self.assertRaisesRegex(UserError, "MOV-.* 03/25/2026 is in a period that is closed"):
            self.enter(payment).action_confirm()
        self.assertEqual(self.two.amount_residual, 0)

    def test_the_bank_transaction_and_the_name_that_was_learned(self):
        line = self.transaction(500, self.two.name, partner_name="H. Fisher Trading")
        proposal = self.env['ar.cash']._propose(self.company)
        proposal.with_user(self.clerk).action_apply()
        alias = self.env['ar.payer.alias'].search([('company_id', '=', self.company.id)])
        self.assertEqual((alias.partner_id, alias.count), (self.customer, 1))
        record = self.enter(line)
        record.action_confirm()
        self.assertEqual((alias.count, alias.active, proposal.state), (0, False, 'undone'))
        self.assertEqual((self.two.amount_residual, line.partner_id), (500, self.other_customer))
        self.assertTrue(line.is_reconciled, "the bank's side stays as it was")
        self.assertEqual(self.owed(), (1_500, -200))
        record.action_undo()
        self.assertEqual((self.two.amount_residual, line.partner_id, self.owed()), (0, self.customer, (1_000, 300)))

    def test_foreign_currency_at_the_books_value(self):
        """500 EUR at 0.625 are 800.00 on the right account too, whatever the rate of the transfer's day."""
        payment = self.ar_cash(500, '2026-03-05', currency_id=self.eur.id)
        record = self.enter(payment, amount=200)
        record.action_confirm()
        self.assertEqual(
            (record.credit_line_ids.amount_currency, record.credit_line_ids.balance), (-200, -320))
        self.assertEqual(self.ar_lines(payment).amount_residual_currency, -300)
        self.assertFalse(self.ar_lines(payment).matched_debit_ids.exchange_move_id)
        record.action_undo()
        self.assertEqual(self.ar_lines(payment).amount_residual_currency, -500)
        self.total()

    def test_the_wrong_company(self):
        """Taken from the customer here, given to the other one there; a manager of both only."""
        other = self.setup_other_company(name="AR north")['company']
        payment = self.ar_pay(self.two, '2026-03-05')
        record = self.enter(payment, user=self.manager, company_to_id=other.id)
        with self.assertRaisesRegex(AccessError, "Manager of both companies"):
            record.action_confirm()
        self.manager.company_ids += other
        with self.assertRaisesRegex(UserError, "set the account for money of other companies"):
            record.action_confirm()
        for company in (self.company, other):
            company.ar_between_account_id = self.env['account.account'].with_company(company).create({
                'name': "Between companies", 'code': '139900', 'account_type': 'asset_current',
                'company_ids': [Command.set(company.ids)]})
        record.action_confirm()
        here, there = record.transfer_ids.sorted(lambda move: move.company_id != self.company)
        self.assertEqual((here.company_id, there.company_id), (self.company, other))
        self.assertEqual(here.line_ids.filtered(
            lambda line: line.account_id == self.company.ar_between_account_id).balance, -500)
        self.assertEqual(there.line_ids.filtered(
            lambda line: line.account_id == other.ar_between_account_id).amount_currency, 500)
        self.assertEqual(
            (record.credit_line_ids.company_id, record.credit_line_ids.partner_id,
             record.credit_line_ids.amount_residual_currency), (other, self.other_customer, -500))
        self.assertEqual((self.two.amount_residual, self.owed()), (500, (1_500, 300)))
        record.action_undo()
        self.assertEqual((self.two.amount_residual, self.owed()), (0, (1_000, 300)))
        self.assertEqual(set(record.transfer_ids.mapped('state')), {'cancel'})

    def test_what_is_refused(self):
        payment = self.ar_pay(self.two, '2026-03-05')
        for values, message in (
            ({'reason': "  "}, "say why"), ({'partner_to_id': False}, "and to whom"),
            ({'partner_to_id': self.customer.id}, "is this customer's already"),
            ({'amount': 501}, "501.00 cannot be taken, .*500.00 of .* are left"), ({'amount': 0}, "cannot be taken"),
        ):
            with self.subTest(message), self.assertRaisesRegex(UserError, message):
                self.enter(payment, **values).action_confirm()
        with self.assertRaisesRegex(UserError, "not booked on receivables"):
            self.enter(self.transaction(5)).action_confirm()
        term = self.env['account.payment.term'].create({
            'name': "2 %", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        discounted = self.ar_pay(self.ar_invoice(100, '2026-03-01', invoice_payment_term_id=term.id), '2026-03-05')
        with self.assertRaisesRegex(UserError, "booked with a discount or a fee"):
            self.enter(discounted).action_confirm()
        record = self.enter(payment)
        contact = self.env['res.partner'].create({'name': "Ann", 'parent_id': self.other_customer.id})
        record.partner_to_id = contact
        self.assertEqual(record.partner_to_id, self.other_customer)
        with self.assertRaises(AccessError):
            record.state = 'confirmed'
        reader = self.ar_user('move_reader', 'ar_coordinator.group_ar_readonly')
        with self.assertRaises(AccessError):
            record.with_user(reader).action_confirm()
        record.action_confirm()
        with self.assertRaisesRegex(UserError, "somebody dealt with it already"):
            record.with_user(self.other_clerk).action_confirm()
        for change in (lambda: record.write({'amount': 1}), record.unlink):
            with self.assertRaises(UserError):
                change()
        with self.assertRaises(AccessError):  # undoing gives the money back to this one
            record.partner_id = self.other_customer

    def test_returned_and_moved_are_undone_in_the_reverse_order(self):
        payment = self.ar_pay(self.two, '2026-03-05')
        first = self.env['ar.payment.return'].create({'payment_id': payment.id, 'amount': 200})
        first.action_confirm()
        record = self.enter(payment)
        self.assertEqual(record.amount, 300)
        record.action_confirm()
        with self.assertRaisesRegex(UserError, "was moved to Alder & Sons|moved since. Undo that first"):
            first.action_undo()
        self.assertEqual((self.two.amount_residual, self.owed()), (500, (1_500, 0)))
        record.action_undo()
        self.assertEqual((self.two.amount_residual, self.owed()), (200, (1_200, 300)))
        first.action_undo()
        self.assertEqual((self.two.amount_residual, self.owed()), (0, (1_000, 300)))
        again = self.enter(payment)
        again.action_confirm()
        last = self.env['ar.payment.return'].create({'payment_id': payment.id})
        self.assertEqual(last.partner_id, self.other_customer)
        last.action_confirm()
        self.assertEqual(self.owed(), (1_500, 300))
        with self.assertRaisesRegex(UserError, "came back since .RET-.* Undo that first"):
            again.action_undo()
        last.action_undo()
        again.action_undo()
        self.assertEqual((self.two.amount_residual, self.owed()), (0, (1_000, 300)))

    def test_an_application_is_not_undone_below_a_part_that_was_moved(self):
        line = self.transaction(1_500, f"{self.one.name} {self.two.name}")
        proposal = self.env['ar.cash']._propose(self.company).with_user(self.clerk)
        proposal.action_apply()
        record = self.enter(line, amount=400)
        record.action_confirm()
        with self.assertRaisesRegex(UserError, "came back or was moved since"):
            proposal.action_undo()
        record.action_undo()
        proposal.action_undo()
        self.assertEqual((self.one.amount_residual, self.two.amount_residual), (1_000, 500))
