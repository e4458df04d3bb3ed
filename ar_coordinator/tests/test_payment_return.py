"""Returned payments: what they paid is open again, the money is out, who has to know knows; and undone to the cent."""
from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .till_common import TillCase


@tagged('post_install', '-at_install')
class TestPaymentReturn(TillCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expense = cls.company_data['default_account_expense']
        cls.company.ar_return_cost_account_id = cls.expense
        cls.eur_bank = cls.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURR', 'currency_id': cls.eur.id,
            'company_id': cls.company.id})

    def enter(self, source, user=None, **values):
        """A clerk's draft."""
        name = 'payment_id' if source._name == 'account.payment' else 'statement_line_id'
        return self.env['ar.payment.return'].with_user(user or self.clerk).create({
            name: source.id, 'date': '2026-03-20', **values})

    def undo(self, record):
        record.with_user(self.manager).action_undo()

    def residuals(self, *moves):
        return [move.amount_residual for move in moves]

    def test_a_bounced_cheque_opens_what_it_paid(self):
        payment = self.ar_pay(self.one, '2026-03-05')
        state = payment.state
        self.assertEqual((self.one.amount_residual, self.total()), (0, 800))
        record = self.enter(payment, bank_fee=7.5)
        self.assertEqual(
            (record.partner_id, record.amount, record.amount_left, record.currency_id, record.company_id),
            (self.customer, 1_000, 1_000, self.company.currency_id, self.company))
        record.action_confirm()
        self.assertEqual((self.one.amount_residual, self.total(), payment.state), (1_000, 1_800, 'rejected'))
        self.assertEqual(
            {(line.account_id.account_type, line.balance) for line in record.move_id.line_ids},
            {('asset_receivable', 1_000), ('expense', 7.5), ('asset_current', -1_007.5)})
        self.assertEqual(record.item_ids.move_id, self.one)
        self.assertIn("Not enough funds", self.one.message_ids[0].body)
        self.assertFalse(record.is_in_bank)
        transaction = self.transaction(-1_007.5, "RETURN", date='2026-03-21')
        record.action_match_bank()
        self.assertTrue(record.is_in_bank and transaction.is_reconciled)
        self.assertEqual(self.env['ar.payment.return'].search([('is_in_bank', '=', True)]), record)
        with self.assertRaisesRegex(UserError, "matched with a bank transaction: undo that first"):
            self.undo(record)
        record.action_unmatch_bank()
        self.undo(record)
        self.assertEqual((self.one.amount_residual, self.total(), payment.state), (0, 800, state))
        self.assertEqual((record.state, record.move_id.state), ('undone', 'cancel'))
        self.assertFalse(transaction.is_reconciled)
        self.assertFalse(self.env['ar.payment.return'].search([('is_in_bank', '=', True)]))

    def test_the_banks_own_transaction_takes_the_money(self):
        """From the negative transaction: the payment of the amount is found; the charge has to add up."""
        payment = self.ar_pay(self.one, '2026-03-05')
        transaction = self.transaction(-1_000, "RETURN CHEQUE", date='2026-03-19')
        context = transaction.with_user(self.clerk).action_ar_return()['context']
        self.assertEqual(context['default_payment_id'], payment.id)
        record = self.env['ar.payment.return'].with_user(self.clerk).with_context(**context).create({})
        self.assertEqual((record.return_line_id, str(record.date)), (transaction, '2026-03-19'))
        record.bank_fee = 10
        with self.assertRaisesRegex(UserError, "bank took .*1,000.00.*come to .*1,010.00"):
            record.action_confirm()
        record.bank_fee = 0
        record.action_confirm()
        self.assertTrue(transaction.is_reconciled and record.is_in_bank)
        self.assertFalse(record.move_id)
        self.assertEqual((self.one.amount_residual, self.total()), (1_000, 1_800))
        self.undo(record)
        self.assertEqual((self.one.amount_residual, self.total(), transaction.is_reconciled), (0, 800, False))

    def test_a_direct_debit_that_was_booked_on_its_transaction(self):
        """Applied by a proposal on the bank transaction: the proposal says so and is not applied any more."""
        line = self.transaction(1_300, f"{self.one.name} {self.two.name}", date='2026-03-05')
        proposal = self.env['ar.cash']._propose(self.company)
        proposal.with_user(self.clerk).action_apply()
        self.assertEqual(self.residuals(self.one, self.two), [0, 200])
        record = self.enter(line, reason='mandate')
        record.action_confirm()
        self.assertEqual((self.residuals(self.one, self.two), self.total()), ([1_000, 500], 1_800))
        self.assertEqual(proposal.state, 'undone')
        self.assertIn("came back", proposal.message_ids[0].body)
        self.assertFalse(self.env['ar.cash']._propose(self.company), "what came back is not to apply")
        with self.assertRaisesRegex(UserError, "0.00 of .* are left"):
            self.enter(line, amount=1_300).action_confirm()
        self.undo(record)
        self.assertEqual((self.residuals(self.one, self.two), self.total()), ([0, 200], 500))

    def test_a_chargeback_of_a_part(self):
        """1,200 paid 1,000 and 200 of 500: 250 come back of the first, by choice; the rest stays as it was."""
        payment = self.ar_cash(1_200, '2026-03-05')
        self.ar_match(self.one, payment)
        self.ar_match(self.two, payment)
        self.assertEqual(self.residuals(self.one, self.two), [0, 300])
        record = self.enter(payment, amount=250, reason='chargeback')
        self.assertEqual(record.candidate_item_ids.move_id, self.one + self.two)
        record.chosen_item_ids = self.ar_lines(self.one)
        record.action_confirm()
        self.assertEqual((self.residuals(self.one, self.two), self.total()), ([250, 300], 850))
        self.assertEqual(record.item_ids.mapped('amount'), [250])
        self.assertNotEqual(payment.state, 'rejected')
        second = self.enter(payment, amount=951)
        self.assertEqual(second.amount_left, 950)
        with self.assertRaisesRegex(UserError, "951.00 cannot be taken, .*950.00 of .* are left"):
            second.action_confirm()
        second.amount = 300  # nothing chosen: what was matched last comes first
        second.action_confirm()
        self.assertEqual((self.residuals(self.one, self.two), self.total()), ([550, 300], 1_150))
        self.undo(second)
        self.undo(record)
        self.assertEqual((self.residuals(self.one, self.two), self.total()), ([0, 300], 600))

    def test_what_is_on_account_comes_back_first(self):
        payment = self.ar_cash(1_200, '2026-03-05')
        self.ar_match(self.one, payment)
        record = self.enter(payment, amount=150)
        record.action_confirm()
        self.assertEqual((self.one.amount_residual, -self.ar_lines(payment).amount_residual), (0, 50))
        self.assertFalse(record.item_ids)
        self.undo(record)
        self.assertEqual((self.one.amount_residual, -self.ar_lines(payment).amount_residual), (0, 200))

    def test_two_currencies(self):
        """500 EUR owed at 0.4 (1,250.00), paid at 0.625 (800.00) and returned: nothing is left of the exchange."""
        invoice = self.ar_invoice(500, '2026-02-10', currency_id=self.eur.id)
        item = self.ar_lines(invoice)
        before = self.total()
        payment = self.ar_pay(invoice, '2026-03-05', journal_id=self.eur_bank.id, currency_id=self.eur.id)
        self.assertEqual((item.amount_residual, item.amount_residual_currency), (0, 0))
        record = self.enter(payment)
        self.assertEqual((record.amount, record.currency_id), (500, self.eur))
        record.action_confirm()
        self.assertEqual((item.amount_residual, item.amount_residual_currency), (1_250, 500))
        self.assertEqual(record.entry_line_ids.mapped('balance'), [800])
        self.assertEqual(self.total(), before)
        self.undo(record)
        self.assertEqual((item.amount_residual, item.amount_residual_currency), (0, 0))
        self.assertEqual(self.total(), before - 1_250)
        part = self.enter(payment, amount=125)
        part.action_confirm()
        self.assertEqual(item.amount_residual_currency, 125)
        self.undo(part)
        self.assertEqual(item.amount_residual_currency, 0)
        self.total()

    def test_two_currencies_on_the_banks_transaction(self):
        """Paid in February at 0.4, returned in March at 0.625: the difference is an exchange entry."""
        invoice = self.ar_invoice(500, '2026-02-10', currency_id=self.eur.id)
        item = self.ar_lines(invoice)
        payment = self.ar_pay(invoice, '2026-02-15', journal_id=self.eur_bank.id, currency_id=self.eur.id)
        transaction = self.transaction(-500, journal=self.eur_bank, date='2026-03-10')
        record = self.enter(payment, return_line_id=transaction.id)
        record.action_confirm()
        self.assertTrue(transaction.is_reconciled)
        self.assertEqual((item.amount_residual, item.amount_residual_currency), (1_250, 500))
        self.assertEqual(self.ar_lines(payment).amount_residual, 0)
        self.assertEqual(self.total(), 1_800 + 1_250)
        self.undo(record)
        self.assertEqual(item.amount_residual_currency, 0)
        self.total()

    def test_the_discount_comes_back_too(self):
        """980 paid with 2 % discount: when it returns, 1,000 are owed, and the discount is taken back."""
        term = self.env['account.payment.term'].create({
            'name': "2 % in 10 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        invoice = self.ar_invoice(1_000, '2026-03-01', invoice_payment_term_id=term.id)
        payment = self.ar_pay(invoice, '2026-03-05')
        self.assertEqual((payment.amount, invoice.amount_residual), (980, 0))
        loss = self.company.account_journal_early_pay_discount_loss_account_id
        record = self.enter(payment)
        record.action_confirm()
        self.assertEqual((invoice.amount_residual, self.total()), (1_000, 2_800))
        self.assertEqual(record.move_id.line_ids.filtered(lambda line: line.account_id == loss).balance, -20)
        self.undo(record)
        self.assertEqual(invoice.amount_residual, 0)

    def test_the_fee_is_a_draft_and_a_managers_to_waive(self):
        product = self.env['product.product'].create({
            'name': "Return fee", 'taxes_id': [Command.clear()], 'property_account_income_id': self.revenue.id})
        self.company.write({'ar_return_fee': 15, 'ar_return_fee_product_id': product.id})
        payment = self.ar_pay(self.one, '2026-03-05')
        record = self.enter(payment)
        self.assertEqual(record.charge_amount, 15)
        record.charge_amount = 5
        with self.assertRaisesRegex(AccessError, "the fee is .*15.00. A Receivables: Manager may charge less"):
            record.action_confirm()
        record.with_user(self.manager).action_confirm()
        invoice = record.fee_move_id
        self.assertEqual(
            (invoice.state, invoice.amount_total, invoice.partner_id, invoice.invoice_line_ids.product_id),
            ('draft', 5, self.customer, product))
        self.assertEqual(self.total(), 1_800, "a draft is no debt")
        invoice.action_post()
        with self.assertRaisesRegex(UserError, "Make a credit note for it first"):
            self.undo(record)
        invoice._reverse_moves([{'date': '2026-03-21', 'invoice_date': '2026-03-21'}], cancel=True)
        self.undo(record)
        mistake = self.enter(payment, reason='bank_error')
        self.assertEqual(mistake.charge_amount, 0)
        with self.assertRaisesRegex(AccessError, "the bank's mistake is for a Receivables: Manager"):
            mistake.action_confirm()
        mistake.with_user(self.manager).action_confirm()
        self.assertFalse(mistake.fee_move_id)

    def test_credit_rule_counts_returns_of_its_days(self):
        """Two in 30 days hold the customer; mistakes of the bank and older ones do not count; undone: lifted."""
        self.env['ar.credit.rule'].search([]).action_archive()
        self.env['ar.credit.rule'].create({
            'name': "Returned", 'kind': 'returned_payment', 'action': 'hold', 'company_id': self.company.id,
            'count': 2, 'days': 30})
        holds = self.env['ar.credit.hold']
        domain = [('partner_id', '=', self.customer.id), ('date_end', '=', False)]
        payments = [self.ar_cash(10, '2026-01-05') for _number in range(4)]
        for payment, values in zip(payments, (
                {'date': '2026-03-20'}, {'date': '2026-02-20'}, {'date': '2026-03-21', 'reason': 'bank_error'},
        ), strict=False):
            self.enter(payment, self.manager, **values).action_confirm()
        holds._evaluate(self.company, self.customer)
        self.assertFalse(holds.search(domain))
        facts = self.env['ar.credit.rule']._get_facts(self.customer, self.company)[self.customer.id]
        self.assertEqual(sorted(facts.returned_payments), [11, 39], "each once, from the day it came back")
        last = self.enter(payments[3], date='2026-03-25')
        last.action_confirm()
        holds._evaluate(self.company, self.customer)
        self.assertEqual(holds.search(domain).reason, "payments returned: 2")
        self.undo(last)
        holds._evaluate(self.company, self.customer)
        self.assertFalse(holds.search(domain))

    def test_a_promise_is_judged_again(self):
        promise = self.env['ar.promise']._promise(self.ar_lines(self.one), '2026-03-31')
        payment = self.ar_pay(self.one, '2026-03-31')
        self.env.cr.precommit.run()
        self.assertEqual(promise.state, 'kept')
        self.enter(payment, date='2026-03-31').action_confirm()
        self.env.cr.precommit.run()
        self.assertEqual(promise.state, 'open', "its last day is not over")

    def test_worklist_timeline_and_the_collectors_task(self):
        self.customer.with_company(self.company).ar_collector_id = self.other_clerk
        payment = self.ar_pay(self.one, '2026-03-05')
        record = self.enter(payment, reason='stopped')
        record.action_confirm()
        self.assertEqual(record.activity_ids.user_id, self.other_clerk)
        page = self.env['ar.worklist'].with_user(self.clerk).get_page(
            {'company_ids': self.company.ids, 'kinds': ['returned']})
        self.assertEqual([row['partner_id'] for row in page['rows']], [self.customer.id])
        self.assertIn(
            "Payment of $ 1,000.00 returned on 03/20/2026: Stopped by the payer",
            [reason.replace('\xa0', ' ') for reason in page['rows'][0]['reasons']])
        entries = self.env['ar.customer.sheet'].with_user(self.clerk).get_timeline(
            self.customer.id, self.company.id, kinds=['return'])['entries']
        self.assertEqual([(entry['amount'], entry['text']) for entry in entries], [(1_000, "Stopped by the payer")])
        self.undo(record)
        self.assertFalse(record.activity_ids)
        self.assertFalse(self.env['ar.worklist'].with_user(self.clerk).get_page(
            {'company_ids': self.company.ids, 'kinds': ['returned']})['rows'])

    def test_undo_when_the_item_was_paid_otherwise(self):
        """The customer paid again: the first payment is on account then, and the trail says so."""
        payment = self.ar_pay(self.one, '2026-03-05')
        record = self.enter(payment)
        record.action_confirm()
        self.ar_pay(self.one, '2026-03-25', amount=600)
        self.undo(record)
        self.assertEqual((self.one.amount_residual, -self.ar_lines(payment).amount_residual), (0, 600))
        self.assertIn("600.00 were settled otherwise", ''.join(record.message_ids.mapped('body')))
        self.assertEqual(self.total(), 200)

    def test_a_cheque_that_bounced_may_be_deposited_again(self):
        values = {
            'journal_id': self.bank.id, 'date': '2026-03-05', 'control_total': 1_000, 'line_ids': [Command.create({
                'partner_id': self.customer.id, 'number': '55', 'amount': 1_000, 'memo': self.one.name})]}
        deposit = self.env['ar.deposit'].with_user(self.clerk).create(values)
        deposit.action_confirm()
        record = self.enter(deposit.line_ids.payment_id)
        record.action_confirm()
        again = self.env['ar.deposit'].with_user(self.clerk).create({**values, 'date': '2026-03-25'})
        again.action_confirm()
        self.assertEqual(self.total(), 800)
        with self.assertRaisesRegex(UserError, "one of its payments came back or was moved .RET-.*Undo that first"):
            deposit.with_user(self.manager).action_cancel()

    def test_what_is_refused(self):
        payment = self.ar_pay(self.one, '2026-03-05')
        record = self.enter(payment)
        self.company.fiscalyear_lock_date = '2026-03-20'
        with self.assertRaisesRegex(UserError, "RET-.* 03/20/2026 is in a period that is closed"):
            record.action_confirm()
        record.date = '2026-03-21'
        record.action_confirm()
        with self.assertRaisesRegex(UserError, "somebody dealt with it already"):
            record.with_user(self.other_clerk).action_confirm()
        self.company.fiscalyear_lock_date = '2026-03-21'
        with self.assertRaisesRegex(UserError, "is in a period that is closed"):
            self.undo(record)
        with self.assertRaises(AccessError):
            record.action_undo()
        with self.assertRaisesRegex(UserError, "no payment of a customer that is posted"):
            self.enter(payment, amount=1).action_confirm()
        with self.assertRaisesRegex(UserError, "say which payment"):
            self.env['ar.payment.return'].with_user(self.clerk).create({}).action_confirm()
        with self.assertRaises(ValidationError):
            self.enter(payment, statement_line_id=self.transaction(5).id)
        with self.assertRaisesRegex(UserError, "not booked on receivables"):
            self.enter(self.transaction(5), date='2026-03-30').action_confirm()

    def test_what_only_buttons_change(self):
        record = self.enter(self.ar_pay(self.one, '2026-03-05'))
        with self.assertRaises(AccessError):
            record.state = 'confirmed'
        other = self.env['ar.payment.return'].with_user(self.clerk).with_context(default_state='confirmed').create({})
        self.assertEqual(other.state, 'draft')
        reader = self.ar_user('return_reader', 'ar_coordinator.group_ar_readonly')
        self.assertEqual(record.with_user(reader).amount, 1_000)
        with self.assertRaises(AccessError):
            record.with_user(reader).action_confirm()
        record.date = '2026-03-04'  # out of sight of the credit rules
        with self.assertRaisesRegex(UserError, "cannot have come back before"):
            record.action_confirm()
        record.date = '2026-03-20'
        record.action_confirm()
        for change in (lambda: record.write({'amount': 1}), record.unlink):
            with self.assertRaises(UserError):
                change()
        with self.assertRaises(AccessError):
            record.item_ids.amount = 5
        for name, value in (
                ('partner_id', self.other_customer), ('journal_id', self.eur_bank), ('currency_id', self.eur)):
            with self.subTest(name), self.assertRaises(AccessError):  # whose return it is, credit rules count
                record.write({name: value.id})

    def applied(self, amount, text, **choice):
        """A transaction that a clerk applied by its proposal: (transaction, proposal)."""
        self.company.write({
            'ar_write_off_account_id': self.expense.id, 'ar_small_balance_gain_account_id': self.revenue.id,
            'ar_small_balance_limit': 5, 'ar_write_off_limit_user': 20})
        line = self.transaction(amount, text)
        proposal = self.env['ar.cash']._propose(self.company).filtered(
            lambda row: row.statement_line_id == line).with_user(self.clerk)
        if choice:
            proposal.write(choice)
        proposal.action_apply()
        return line, proposal

    def test_an_application_is_not_undone_below_a_part_that_came_back(self):
        """The entry of the return is matched with the money: without it the part would be owed twice."""
        line, proposal = self.applied(1_500, f"{self.one.name} {self.two.name}")
        record = self.enter(line, amount=400)
        record.action_confirm()
        self.assertEqual(self.total(), 700)
        with self.assertRaisesRegex(UserError, "part of the money came back or was moved since .RET-"):
            proposal.action_undo()
        self.assertEqual((proposal.state, self.total()), ('applied', 700))
        self.undo(record)
        proposal.action_undo()
        self.assertEqual((self.residuals(self.one, self.two), self.total()), ([1_000, 500], 1_800))

    def test_an_application_after_a_part_came_back_is_undone(self):
        payment = self.ar_cash(1_400, '2026-03-05', memo=self.one.name)
        record = self.enter(payment, amount=400)
        record.action_confirm()
        record.sudo().date_confirmed = '2026-03-30 12:00:00'
        proposal = self.env['ar.cash']._propose(self.company).with_user(self.clerk)
        proposal.action_apply()
        self.assertEqual(self.one.amount_residual, 0)
        proposal.action_undo()
        self.assertEqual((proposal.state, self.one.amount_residual, self.total()), ('undone', 1_000, 800))

    def test_what_was_written_off_with_the_money_is_owed_again(self):
        line, proposal = self.applied(997, self.one.name, rest_action='write_off')
        self.assertEqual((proposal.rest_request_ids.state, self.total()), ('done', 800))
        record = self.enter(line)
        record.action_confirm()
        self.assertEqual((proposal.state, proposal.rest_request_ids.state), ('undone', 'reversed'))
        self.assertEqual((self.one.amount_residual, self.total()), (1_000, 1_800))
        request = proposal.rest_request_ids
        entry, asked = request.move_id, (request.requested_by_id, request.approved_by_id)
        self.undo(record)
        self.assertEqual((self.one.amount_residual, self.total(), proposal.state), (0, 800, 'applied'))
        self.assertEqual(
            (request.state, request.reversal_move_id, (request.requested_by_id, request.approved_by_id)),
            ('done', self.env['account.move'], asked))
        self.assertNotEqual(request.move_id, entry)
        self.assertEqual(
            [(one.account_id, one.balance) for one in request.move_id.line_ids.sorted('id')],
            [(one.account_id, one.balance) for one in entry.line_ids.sorted('id')])
        proposal.action_undo()
        self.assertEqual((request.state, self.one.amount_residual, self.total()), ('reversed', 1_000, 1_800))

    def test_what_was_too_much_of_it_is_neither_written_off_nor_paid_back(self):
        line, proposal = self.applied(1_003, self.one.name, rest_action='write_off')
        self.assertEqual((proposal.rest_request_ids.state, self.total()), ('done', 800))
        record = self.enter(line)
        record.action_confirm()
        self.assertEqual((proposal.rest_request_ids.state, self.total()), ('reversed', 1_800))
        self.undo(record)
        self.assertEqual((proposal.rest_request_ids.state, self.total()), ('done', 800))
        self.enter(line).action_confirm()  # twice is as once
        self.assertEqual((proposal.rest_request_ids.state, self.total()), ('reversed', 1_800))
        line, proposal = self.applied(1_200, self.one.name, rest_action='refund')
        request = proposal.rest_request_ids
        self.assertEqual((request.state, self.total()), ('requested', 600))
        record = self.enter(line)
        record.action_confirm()
        self.assertEqual((request.state, request.activity_ids.ids, self.total()), ('cancelled', [], 1_800))
        self.undo(record)
        self.assertEqual((request.state, len(request.activity_ids), self.total()), ('requested', 1, 600))

    def test_a_write_off_that_does_not_fit_any_more_stays_reversed(self):
        """Its invoice was paid otherwise while the money was away: nothing is written off that nobody owes."""
        line, proposal = self.applied(997, self.one.name, rest_action='write_off')
        record = self.enter(line)
        record.action_confirm()
        self.ar_pay(self.one, '2026-03-25')
        self.undo(record)
        request = proposal.rest_request_ids
        self.assertEqual((request.state, proposal.state, self.one.amount_residual), ('reversed', 'undone', 0))
        self.assertEqual(self.total(), 800 - 997)
        log = " ".join(record.message_ids.mapped('body'))
        self.assertIn("997.00 were settled otherwise", log.replace('\xa0', ' '))
        self.assertIn("is not in force again", log)

    def test_a_part_of_money_that_is_booked_in_another_currency(self):
        """50.00 of the account's currency are not 50.00 of the invoice's."""
        invoice = self.ar_invoice(300, '2026-01-15', '2026-03-01', currency_id=self.eur.id)
        item = self.ar_lines(invoice)
        line = self.transaction(item.balance, "matched by hand")
        _liquidity, suspense, _other = line._seek_for_lines()
        before = line.move_id.line_ids
        line.move_id.with_context(
            skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({'line_ids': [
                Command.delete(suspense.id), Command.create({
                    'account_id': item.account_id.id, 'partner_id': self.customer.id, 'currency_id': self.eur.id,
                    'amount_currency': -300, 'balance': -item.balance})]})
        (line.move_id.line_ids - before + item).reconcile()
        self.assertEqual((invoice.amount_residual, self.total()), (0, 1_800))
        with self.assertRaisesRegex(UserError, "came in USD and is booked in EUR"):
            self.enter(line, amount=50).action_confirm()
        self.enter(line).action_confirm()
        self.assertEqual((invoice.amount_residual, self.total()), (300, 1_800 + item.balance))
