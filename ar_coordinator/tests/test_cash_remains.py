"""What remains of a payment: disputed, written off, fee, on account, next invoice, refund; undone in any order."""
import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models.ar_cash_remains import OVER_ACTIONS, SHORT_ACTIONS
from .common import ArCommon

STEPS = ('apply', 'apply', 'apply', 'undo', 'undo', 'refund', 'refund', 'write_off', 'dismiss')


class CashRemainsCase(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.ar_user('remains_clerk', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('remains_manager', 'ar_coordinator.group_ar_manager')
        cls.expense = cls.company_data['default_account_expense']
        cls.company.write({
            'ar_write_off_account_id': cls.expense.id, 'ar_small_balance_limit': 5, 'ar_write_off_limit_user': 20,
            'ar_cash_fee_account_id': cls.company_data['default_account_assets'].copy({
                'name': "Bank fees", 'account_type': 'expense', 'code': '669999'}).id})
        cls.eur_bank = cls.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURB', 'currency_id': cls.eur.id,
            'company_id': cls.company.id})
        cls.one = cls.ar_invoice(1_000, '2026-01-10', '2026-02-10')
        cls.two = cls.ar_invoice(500, '2026-01-20', '2026-02-20')

    def proposal(self, amount, text, journal=None, **choice):
        """The proposal for a bank transaction, with what somebody chose for the difference."""
        line = self.env['account.bank.statement.line'].create({
            'journal_id': (journal or self.bank).id, 'date': '2026-03-05', 'payment_ref': text, 'amount': amount})
        proposal = self.propose().filtered(lambda row: row.statement_line_id == line).with_user(self.clerk)
        if choice:
            proposal.write(choice)
        return proposal

    def propose(self):
        return self.env['ar.cash']._propose(self.company)

    def total(self):
        """What is owed, credits deducted, tied out with the general ledger."""
        self.env.flush_all()
        data = self.aged('2027-12-31')
        self.assertEqual((data['difference_to_ledger'], data['differences']), (0, []))
        return data['totals']['total']


@tagged('post_install', '-at_install')
class TestCashRemains(CashRemainsCase):

    # === TOO LITTLE === #

    def test_a_fee_is_what_the_chosen_amounts_exceed_the_money_by(self):
        """And not all that is open of the items."""
        line = self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': '2026-03-05', 'payment_ref': "Transfer", 'amount': 1_000})
        proposal = self.env['ar.cash.proposal'].with_user(self.clerk)._apply_chosen(line, [
            {'move_line_id': self.ar_lines(self.one).id, 'amount': 600},
            {'move_line_id': self.ar_lines(self.two).id, 'amount': 410}], 'fee')
        self.assertEqual(
            (proposal.rest, self.one.amount_residual, self.two.amount_residual, self.total()), (-10, 400, 90, 490))

    def test_left_open(self):
        proposal = self.proposal(900, self.one.name)
        self.assertEqual((proposal.rest, proposal.rest_action), (-100, 'open'))
        proposal.action_apply()
        self.assertEqual((self.one.amount_residual, self.one.ar_disputed_amount), (100, 0))
        self.assertFalse(proposal.rest_dispute_ids + self.env['ar.dispute'].search([('move_id', '=', self.one.id)]))

    def test_disputed_for_exactly_what_is_missing_and_withdrawn_when_undone(self):
        reason = self.env.ref('ar_coordinator.dispute_reason_terms')
        proposal = self.proposal(900, self.one.name, rest_action='dispute', rest_reason_id=reason.id)
        proposal.action_apply()
        dispute = proposal.rest_dispute_ids
        self.assertEqual(
            (dispute.move_id, dispute.amount, dispute.reason_id, dispute.origin, dispute.state),
            (self.one, 100, reason, 'payment', 'new'))
        self.assertIn("100.00 less than invoiced", dispute.customer_note)
        self.assertEqual((self.one.amount_residual, self.one.ar_disputed_amount), (100, 100))
        proposal.action_undo()
        self.assertEqual((dispute.state, self.one.amount_residual), ('withdrawn', 1_000))
        self.env.invalidate_all()
        self.assertEqual((self.one.ar_disputed_amount, self.total()), (0, 1_500))

    def test_dispute_that_is_worked_on_stays(self):
        proposal = self.proposal(900, self.one.name, rest_action='dispute')
        self.assertEqual(proposal.rest_reason_id, self.env.ref('ar_coordinator.dispute_reason_unclear'))
        proposal.action_apply()
        proposal.rest_dispute_ids.with_user(self.clerk).action_investigate()
        proposal.action_undo()
        self.assertEqual(proposal.rest_dispute_ids.state, 'investigating')
        self.assertIn("is being worked on and stays", proposal.message_ids[0].body)

    def test_what_is_disputed_already_is_not_disputed_twice(self):
        self.env['ar.dispute'].create({
            'move_id': self.one.id, 'amount': 70, 'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        proposal = self.proposal(900, self.one.name, rest_action='dispute')
        proposal.action_apply()
        self.assertEqual(proposal.rest_dispute_ids.amount, 30)
        self.assertEqual(self.one.ar_disputed_amount, 100)

    def test_deductions_of_an_advice_by_their_codes(self):
        """Each item's own reason, from the customer's code; the other one the customer's default."""
        price, short = (self.env.ref(f'ar_coordinator.dispute_reason_{name}') for name in ('price', 'short'))
        self.customer.with_company(self.company).ar_cash_short_reason_id = price
        self.env['ar.deduction.code'].create({'code': "31", 'reason_id': short.id, 'partner_id': self.customer.id})
        advice = self.env['ar.remittance.advice'].sudo().create({
            'name': "REM-2026-118", 'company_id': self.company.id, 'partner_id': self.customer.id,
            'date': '2026-03-05', 'currency_id': self.company.currency_id.id, 'amount': 1_400, 'state': 'open',
            'line_ids': [
                (0, 0, {'number': self.one.name, 'move_line_id': self.ar_lines(self.one).id, 'amount': 930,
                        'deduction': 70, 'deduction_reason': "31 / 7 pcs missing"}),
                (0, 0, {'number': self.two.name, 'move_line_id': self.ar_lines(self.two).id, 'amount': 470,
                        'deduction': 30})]})
        proposal = self.proposal(1_400, "REM-2026-118")
        self.assertEqual((proposal.what, proposal.rest, proposal.rest_action), ('advised', -100, 'dispute'))
        proposal.action_apply()
        self.assertEqual(
            [(row.move_id, row.amount, row.reason_id) for row in proposal.rest_dispute_ids.sorted('id')],
            [(self.one, 70, short), (self.two, 30, price)])
        self.assertIn("31 / 7 pcs missing", proposal.rest_dispute_ids.filtered(
            lambda dispute: dispute.move_id == self.one).customer_note)
        self.assertEqual((advice.state, self.total()), ('used', 100))

    def test_small_difference_is_written_off_and_owed_again_when_undone(self):
        self.company.ar_cash_small_difference = 4
        proposal = self.proposal(997.5, self.one.name)
        self.assertEqual((proposal.rest, proposal.rest_action), (-2.5, 'write_off'))
        proposal.action_apply()
        request = proposal.rest_request_ids
        self.assertEqual(
            (request.kind, request.state, request.amount_total, request.requested_by_id, request.approved_by_id.ids),
            ('small', 'done', 2.5, self.clerk, []))
        self.assertEqual(
            request.move_id.line_ids.filtered(lambda line: line.account_id == self.expense).balance, 2.5)
        self.assertEqual((self.one.amount_residual, self.total()), (0, 500))
        proposal.action_undo()
        self.assertEqual((request.state, self.one.amount_residual, self.total()), ('reversed', 1_000, 1_500))
        self.assertTrue(request.reversal_move_id)

    def test_above_the_limit_somebody_else_approves(self):
        """Four eyes: 30 are more than the clerk's 20; it waits, stays open, and is cancelled when undone."""
        proposal = self.proposal(970, self.one.name, rest_action='write_off')
        proposal.action_apply()
        request = proposal.rest_request_ids
        self.assertEqual((request.kind, request.state, self.one.amount_residual), ('write_off', 'requested', 30))
        with self.assertRaises(AccessError):
            request.with_user(self.clerk).action_approve()
        request.with_user(self.manager).action_approve()
        self.assertEqual((request.state, self.one.amount_residual, self.total()), ('done', 0, 500))
        proposal.action_undo()
        self.assertEqual((request.state, self.one.amount_residual, self.total()), ('reversed', 1_000, 1_500))
        again = self.proposal(971, self.one.name, rest_action='write_off')
        again.action_apply()
        again.action_undo()
        self.assertEqual((again.rest_request_ids.state, self.total()), ('cancelled', 1_500))

    def test_limits_count_together(self):
        """Splitting does not help: 12 and 12 of one customer are more than 20."""
        for amount, move, state in ((988, self.one, 'done'), (488, self.two, 'requested')):
            proposal = self.proposal(amount, move.name, rest_action='write_off')
            proposal.action_apply()
            self.assertEqual(proposal.rest_request_ids.state, state)

    def test_applied_by_itself_nobody_writes_off_more_than_a_user_may(self):
        """The superuser is nobody: without a limit for users, what the cron writes off waits for a manager."""
        self.company.write({
            'ar_cash_automatic': True, 'ar_cash_small_difference': 4, 'ar_write_off_limit_user': 0,
            'ar_cash_threshold': 60})
        proposal = self.proposal(997, self.one.name)
        self.env['ar.cash'].with_user(self.env.ref('base.user_root'))._apply_sure(self.company, proposal.with_user(
            self.env.ref('base.user_root')))
        self.assertEqual((proposal.state, proposal.rest_request_ids.state), ('applied', 'requested'))
        self.assertEqual(self.one.amount_residual, 3)

    def test_what_somebody_chose_to_write_off_is_not_asked_for_in_nobodys_name(self):
        """A manager's choice, applied by the job, could be approved by the same manager."""
        self.company.write({'ar_cash_automatic': True, 'ar_cash_threshold': 60})
        proposal = self.proposal(900, self.one.name)
        self.assertEqual(self.env['ar.cash']._get_sure(self.company, proposal), proposal)
        proposal.with_user(self.manager).rest_action = 'write_off'
        self.assertFalse(self.env['ar.cash']._get_sure(self.company, proposal))
        self.company.ar_cash_small_difference = 100
        self.assertEqual(self.env['ar.cash']._get_sure(self.company, proposal), proposal, "the company's own rule")

    def test_bank_fee_chosen_for_a_short_payment_and_not_for_a_fee(self):
        short = self.proposal(960, self.one.name, rest_action='fee')
        self.assertEqual(short.what, 'short')
        with self.assertRaisesRegex(UserError, "bank fee of .*40.00 is more than you may book"):
            short.action_apply()
        self.company.ar_write_off_limit_user = 60
        short.action_apply()
        other = self.proposal(475, self.two.name, rest_action='fee')
        with self.assertRaisesRegex(UserError, "Write the difference off: that asks a manager"):
            other.action_apply()  # 40 and 25 of one customer are more than 60
        other.action_dismiss()
        fee = short.statement_line_id.line_ids.filtered(
            lambda line: line.account_id == self.company.ar_cash_fee_account_id)
        self.assertEqual((fee.balance, self.one.amount_residual, self.total()), (40, 0, 500))
        short.action_undo()
        self.company.ar_cash_fee = 50
        read_as_fee = self.proposal(470, self.two.name)
        self.assertEqual((read_as_fee.what, read_as_fee.rest_action), ('fee', 'fee'))
        read_as_fee.rest_action = 'dispute'
        read_as_fee.action_apply()
        self.assertEqual((self.two.amount_residual, self.two.ar_disputed_amount), (30, 30))

    def test_no_fee_out_of_a_booked_payment(self):
        money = self.ar_lines(self.ar_cash(900, '2026-03-05', memo=self.one.name))
        proposal = self.propose().filtered(lambda row: row.payment_line_id == money).with_user(self.clerk)
        proposal.rest_action = 'fee'
        with self.assertRaisesRegex(UserError, "is booked already, no bank fee"):
            proposal.action_apply()
        proposal.rest_action = 'dispute'
        proposal.action_apply()
        self.assertEqual((self.one.amount_residual, proposal.rest_dispute_ids.amount), (100, 100))

    # === TOO MUCH === #

    def test_on_account_and_applied_from_there(self):
        """What a transaction left on account is proposed for a later invoice, and given back before undoing."""
        first = self.proposal(1_100, self.one.name)
        self.assertEqual((first.rest, first.rest_action), (100, 'account'))
        first.action_apply()
        later = self.ar_invoice(100, '2026-03-06')
        [second] = self.propose().filtered('payment_line_id').with_user(self.clerk)
        self.assertEqual((second.line_ids.move_id, second.amount), (later, 100))
        second.action_apply()
        self.assertEqual((later.amount_residual, self.total()), (0, 500))
        with self.assertRaisesRegex(UserError, f"was used for {later.name} since"):
            first.action_undo()
        self.assertEqual(self.one.amount_residual, 0)
        second.action_undo()
        first.action_undo()
        self.assertEqual((second.state, second.payment_line_id.ids, self.total()), ('undone', [], 1_600))

    def test_kept_for_the_next_invoice(self):
        """Not for what was open before; for what is invoiced since, also in part; undoing forgets it."""
        self.customer.with_company(self.company).ar_cash_over_action = 'next_invoice'
        proposal = self.proposal(1_700, self.one.name)
        self.assertEqual((proposal.what, proposal.rest_action), ('over', 'next_invoice'))
        proposal.action_apply()
        [kept] = self.env['ar.unapplied.item'].search([('next_step', '=', 'next_invoice')])
        self.assertEqual((kept.amount, kept.partner_id), (-700, self.customer))
        self.assertFalse(self.propose(), "500 are open, but they are not the next invoice")
        later = self.ar_invoice(800, '2026-03-06')
        [second] = self.propose().filtered('payment_line_id')
        self.assertEqual(
            (second.what, second.line_ids.move_id, second.line_ids.amount, second.rest, second.confidence),
            ('next_invoice', later, 700, -100, 98))
        self.assertEqual(second.rest_action, 'open')
        second.with_user(self.clerk).action_apply()
        self.assertEqual((later.amount_residual, self.two.amount_residual), (100, 500))
        second.with_user(self.clerk).action_undo()
        proposal.action_undo()
        self.assertFalse(self.env['ar.unapplied.item'].search([('next_step', '=', 'next_invoice')]))
        self.assertEqual(self.total(), 2_300)

    def test_refund_is_asked_for_and_cancelled_when_undone(self):
        self.company.ar_write_off_limit_user = 200
        proposal = self.proposal(1_100, self.one.name, rest_action='refund')
        proposal.action_apply()
        request = proposal.rest_request_ids
        self.assertEqual((request.kind, request.state, request.amount_total), ('refund', 'done', -100))
        self.assertEqual((request.payment_id.state, request.payment_id.amount), ('draft', 100))
        request.payment_id.action_post()
        self.assertEqual(self.total(), 500)
        with self.assertRaisesRegex(UserError, "is posted. Reset it to draft first"):
            proposal.action_undo()
        request.payment_id.action_draft()
        proposal.action_undo()
        self.assertEqual(
            (request.state, request.payment_id.state, request.amount_total, request.line_ids.move_line_id.ids),
            ('reversed', 'canceled', -100, []))
        self.assertEqual(self.total(), 1_500)

    def test_a_request_in_force_keeps_its_item(self):
        """Undoing the transaction by hand does not delete a credit that is to be paid back."""
        self.company.ar_write_off_limit_user = 200
        proposal = self.proposal(1_100, self.one.name, rest_action='refund')
        proposal.action_apply()
        with self.assertRaisesRegex(UserError, "cancel or reverse it first"):
            proposal.rest_request_ids.line_ids.sudo()._forget_item()

    def test_small_gain(self):
        self.company.ar_small_balance_gain_account_id = self.revenue
        proposal = self.proposal(1_003, self.one.name, rest_action='write_off')
        proposal.action_apply()
        self.assertEqual((proposal.rest_request_ids.state, self.total()), ('done', 500))
        proposal.action_undo()
        self.assertEqual((proposal.rest_request_ids.amount_total, self.total()), (-3, 1_500))

    # === DEFAULTS AND ROLES === #

    def test_defaults_of_company_and_customer(self):
        terms, price = (self.env.ref(f'ar_coordinator.dispute_reason_{name}') for name in ('terms', 'price'))
        self.company.write({
            'ar_cash_short_action': 'dispute', 'ar_cash_short_reason_id': terms.id, 'ar_cash_over_action': 'refund'})
        short = self.proposal(900, self.one.name)
        self.assertEqual((short.rest_action, short.rest_reason_id), ('dispute', terms))
        self.assertEqual(self.proposal(550, self.two.name).rest_action, 'refund')
        self.customer.with_company(self.company).write({
            'ar_cash_short_action': 'open', 'ar_cash_over_action': 'account', 'ar_cash_short_reason_id': price.id})
        other = self.ar_invoice(100, '2026-02-01', '2026-02-28')
        short = self.proposal(90, other.name)
        self.assertEqual(short.rest_action, 'open')
        short.rest_action = 'dispute'
        self.assertEqual(short.rest_reason_id, price)
        with self.assertRaises(ValidationError):
            self.company.ar_cash_small_difference = -1

    def test_choice_and_roles(self):
        proposal = self.proposal(900, self.one.name)
        proposal.rest_action = 'refund'
        with self.assertRaisesRegex(UserError, "does not go with a difference of"):
            proposal.action_apply()
        reader = self.ar_user('remains_reader', 'ar_coordinator.group_ar_readonly')
        with self.assertRaises(AccessError):
            proposal.with_user(reader).rest_action = 'open'
        proposal.rest_action = 'open'
        proposal.action_apply()
        for vals in ({'rest_action': 'dispute'}, {'rest_request_ids': [(5, 0, 0)]}):
            with self.assertRaises(UserError):
                proposal.write(vals)
        self.assertEqual(self.one.amount_residual, 100)

    def test_chosen_on_the_desk(self):
        """`_apply_chosen` takes what happens to the difference, and the reason, along."""
        reason = self.env.ref('ar_coordinator.dispute_reason_quality')
        line = self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': '2026-03-05', 'payment_ref': "transfer", 'amount': 1_430})
        proposal = self.env['ar.cash.proposal'].with_user(self.clerk)._apply_chosen(line, [
            {'move_line_id': self.ar_lines(self.one).id, 'amount': 950},
            {'move_line_id': self.ar_lines(self.two).id, 'amount': 480}], 'dispute', reason)
        self.assertEqual(
            [(dispute.amount, dispute.reason_id) for dispute in proposal.rest_dispute_ids.sorted('id')],
            [(50, reason), (20, reason)])
        self.assertEqual(self.total(), 70)


@tagged('post_install', '-at_install')
class TestCashConservation(CashRemainsCase):
    """Received = applied + written off + on account + refunded + fees, whatever is done and undone in what order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({
            'ar_write_off_limit_user': 9_000, 'ar_small_balance_limit': 900,
            'ar_small_balance_gain_account_id': cls.expense.id})
        cls.three = cls.ar_invoice(800, '2026-01-25', currency_id=cls.eur.id)
        cls.moves = cls.one + cls.two + cls.three
        cls.accounts = {
            'receivable': cls.receivable, 'lost': cls.expense, 'fee': cls.company.ar_cash_fee_account_id}

    def balances(self):
        """Balances of the accounts that money goes through, in company currency, and what is invoiced."""
        self.env.flush_all()
        sums = dict(self.env['account.move.line']._read_group(
            [('company_id', '=', self.company.id), ('parent_state', '=', 'posted'),
             ('account_id', 'in', [account.id for account in self.accounts.values()])], ['account_id'],
            ['balance:sum']))
        return {name: sums.get(account, 0.0) for name, account in self.accounts.items()}

    def check_conserved(self, received, refunded, story):
        """Each currency by itself, from journal items; then the books as a whole, and the tie-out.

        What a customer owes went down by exactly what came in, what was written off and what the bank kept, and up by
        what was paid back: nothing is lost between receipt, application, account and refund.
        """
        receivable = self.env['account.move.line'].search([
            ('company_id', '=', self.company.id), ('account_id', '=', self.receivable.id),
            ('parent_state', '=', 'posted')])
        for currency in (self.company.currency_id, self.eur):
            own = receivable.filtered(lambda line, currency=currency: line.currency_id == currency)
            invoiced = sum(move.amount_total for move in self.moves if move.currency_id == currency)
            open_now = sum(own.mapped('amount_residual_currency'))
            lost = sum(self.env['account.move.line'].search([
                ('company_id', '=', self.company.id), ('parent_state', '=', 'posted'),
                ('currency_id', '=', currency.id),
                ('account_id', 'in', (self.expense + self.accounts['fee']).ids)]).mapped('amount_currency'))
            booked = sum(row.amount for row in received if row.currency_id == currency and row.state == 'applied')
            paid_back = sum(request.payment_id.amount for request in refunded if request.currency_id == currency)
            self.assertAlmostEqual(open_now, invoiced - booked - lost + paid_back, 2, story)
        self.assertAlmostEqual(self.total(), self.balances()['receivable'], 2, story)

    @settings(max_examples=4, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
    @given(st.integers(1, 10 ** 9))
    def test_money_is_conserved(self, seed):
        rng, story = random.Random(seed), [seed]
        with self.env.cr.savepoint() as savepoint:
            for move in (*self.moves, rng.choice(list(self.moves))):
                self.env['account.bank.statement.line'].create({
                    'journal_id': (self.eur_bank if move == self.three else self.bank).id, 'date': '2026-03-05',
                    'payment_ref': move.name, 'amount': move.amount_total + rng.choice([-400, -30, 3, 200, 450])})
            self.done = self.used = self.env['ar.cash.proposal'].with_user(self.clerk)
            self.refunded = self.env['ar.write.off']
            for step in ['apply', *rng.choices(STEPS, k=8)]:
                try:
                    with self.env.cr.savepoint():
                        story.append((step, getattr(self, f'do_{step}')(rng)))
                except UserError as error:  # refused, and nothing is done: the wrong choice, used up since
                    story.append((step, error.args[0]))
                    self.env.invalidate_all()
                self.check_conserved(self.done.exists(), self.refunded, json.dumps(story, default=str))
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def do_apply(self, rng):
        """Apply a proposal with a choice that mostly goes with its difference."""
        waiting = self.propose().with_user(self.clerk).filtered('line_ids').sorted('id')
        if not waiting:
            return None
        chosen = rng.choice(waiting)
        if chosen.rest:
            allowed = SHORT_ACTIONS if chosen.rest < 0 else OVER_ACTIONS
            chosen.rest_action = rng.choice([name for name, _label in allowed if rng.random() < 0.9] or ['open'])
        chosen.action_apply()
        self.done |= chosen.filtered('statement_line_id')  # from account to an item nothing comes in
        self.used |= chosen
        return chosen.name, chosen.amount, chosen.rest, chosen.rest_action

    def do_undo(self, rng):
        """Undo an application, of a transaction or from account."""
        applied = self.used.exists().filtered(lambda row: row.state == 'applied').sorted('id')
        if not applied:
            return None
        chosen = rng.choice(applied)
        chosen.action_undo()
        return chosen.name, chosen.amount

    def do_dismiss(self, rng):
        """Dismiss a proposal."""
        waiting = self.propose().with_user(self.clerk).sorted('id')
        if waiting:
            rng.choice(waiting).action_dismiss()

    def do_refund(self, _rng):
        """Post what is to be paid back."""
        requests = self.done.exists().rest_request_ids.sudo().filtered(lambda row: row.payment_id.state == 'draft')
        requests.payment_id.action_post()
        self.refunded |= requests
        return requests.mapped('amount_total')

    def do_write_off(self, rng):
        """Write 7 of an invoice off, as the desk does."""
        move = rng.choice(list(self.moves))
        if move.amount_residual > 7:
            self.env['ar.write.off'].with_user(self.clerk).create({
                'company_id': self.company.id, 'partner_id': self.customer.id, 'currency_id': move.currency_id.id,
                'kind': 'write_off', 'reason': "Small", 'line_ids': [
                    (0, 0, {'move_line_id': self.ar_lines(move).id, 'amount': 7})]}).action_submit()
