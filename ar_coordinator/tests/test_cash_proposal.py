"""Cash application end to end: proposals from bank transactions and payments, applied, undone; the ledger ties out."""
import json
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import ArCommon


class CashCase(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.ar_user('cash_clerk', 'ar_coordinator.group_ar_user')
        cls.one = cls.ar_invoice(1_000, '2026-01-10', '2026-02-10')
        cls.two = cls.ar_invoice(500, '2026-01-20', '2026-02-20')
        cls.three = cls.ar_invoice(300, '2026-01-15', '2026-03-01', partner=cls.other_customer)

    @classmethod
    def transaction(cls, amount, text, date='2026-03-05', journal=None, **values):
        """A bank transaction that waits on the suspense account."""
        return cls.env['account.bank.statement.line'].create({
            'journal_id': (journal or cls.bank).id, 'date': date, 'payment_ref': text, 'amount': amount, **values})

    def propose(self, source=None):
        """The proposals that wait, or the one of a source."""
        proposals = self.env['ar.cash']._propose(self.company)
        if source is None:
            return proposals
        name = 'statement_line_id' if source._name == 'account.bank.statement.line' else 'payment_line_id'
        return proposals.filtered(lambda proposal: proposal[name] == source)

    def total(self):
        """What is owed, tied out with the general ledger."""
        data = self.aged('2026-12-31')
        self.assertEqual((data['difference_to_ledger'], data['differences']), (0, []))
        return data['totals']['total']


@tagged('post_install', '-at_install')
class TestCashTransactions(CashCase):

    def test_named_items_are_paid_and_open_again(self):
        line = self.transaction(1_500, f"{self.one.name} {self.two.name}")
        proposal = self.propose(line)
        self.assertEqual(proposal.line_ids.mapped('amount'), [1_000, 500])
        self.assertEqual((proposal.what, proposal.partner_id, proposal.rest), ('referenced', self.customer, 0))
        self.assertEqual(self.total(), 1_800, "a proposal changes nothing")
        proposal.with_user(self.clerk).action_apply()
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [0, 0])
        self.assertEqual((proposal.state, proposal.applied_by_id), ('applied', self.clerk))
        self.assertTrue(line.is_reconciled)
        self.assertEqual(line.partner_id, self.customer)
        self.assertEqual(self.total(), 300)
        proposal.with_user(self.clerk).action_undo()
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [1_000, 500])
        self.assertFalse(line.is_reconciled)
        self.assertEqual((proposal.state, self.total()), ('undone', 1_800))
        self.assertFalse(self.propose(line), "what was undone is not proposed again as it was")

    def test_what_was_booked_differently_since_is_not_undone(self):
        """An accountant undid it and booked the transaction elsewhere: the clerk's Undo leaves that alone."""
        line = self.transaction(1_000, self.one.name)
        proposal = self.propose(line)
        proposal.with_user(self.clerk).action_apply()
        line.action_undo_reconciliation()
        income = self.company_data['default_account_revenue']
        _liquidity, suspense, _other = line._seek_for_lines()
        line.move_id.with_context(
            skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write(
            {'line_ids': [(1, suspense.id, {'account_id': income.id})]})
        with self.assertRaisesRegex(UserError, "booked differently since"):
            proposal.with_user(self.clerk).action_undo()
        self.assertIn(income, line.line_ids.account_id)
        self.assertEqual(proposal.state, 'applied')

    def test_too_little_and_too_much(self):
        short = self.propose(self.transaction(900, self.one.name))
        self.assertEqual((short.what, short.rest), ('short', -100))
        short.action_apply()
        self.assertEqual(self.one.amount_residual, 100)
        over = self.propose(self.transaction(550, self.two.name))
        self.assertEqual((over.what, over.rest), ('over', 50))
        over.action_apply()
        self.assertEqual(self.two.amount_residual, 0)
        data = self.aged('2026-12-31')
        row = next(row for row in data['rows'] if row['id'] == self.customer.id)
        self.assertEqual((row['total'], row['unapplied']), (50, -50), "100 open, 50 on account, 100 - 50")
        self.assertEqual(self.total(), 350)

    def test_bank_fee_goes_to_its_account(self):
        account = self.company_data['default_account_expense']
        self.company.write({'ar_cash_fee': 10, 'ar_cash_fee_account_id': account.id})
        line = self.transaction(992.5, self.one.name)
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.rest), ('fee', -7.5))
        proposal.action_apply()
        self.assertEqual(self.one.amount_residual, 0)
        fee = line.line_ids.filtered(lambda item: item.account_id == account)
        self.assertEqual(fee.balance, 7.5)
        self.assertEqual(self.total(), 800)

    def test_bank_fee_without_account_says_what_to_do(self):
        self.company.ar_cash_fee = 10
        proposal = self.propose(self.transaction(992.5, self.one.name))
        with self.assertRaisesRegex(UserError, "account for bank fees"):
            proposal.action_apply()
        self.assertEqual((self.one.amount_residual, proposal.state), (1_000, 'proposed'))

    def test_early_payment_discount_as_odoo_books_it(self):
        term = self.env['account.payment.term'].create({
            'name': "2 % in 10 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [(0, 0, {'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        invoice = self.ar_invoice(1_000, '2026-03-01', invoice_payment_term_id=term.id)
        late = self.propose(self.transaction(980, invoice.name, date='2026-03-20'))
        self.assertEqual((late.what, late.rest), ('short', -20))
        late.action_dismiss()
        line = self.transaction(980, invoice.name, date='2026-03-08')
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.line_ids.discount), ('discount', 20))
        proposal.action_apply()
        self.assertEqual((invoice.amount_residual, sum(line.line_ids.mapped('balance'))), (0, 0))
        discount = line.line_ids.filtered(
            lambda item: item.account_id == self.company.account_journal_early_pay_discount_loss_account_id)
        self.assertEqual(discount.balance, 20)
        self.total()

    def test_credit_note_deducted(self):
        note = self.ar_invoice(200, '2026-02-01', move_type='out_refund')
        line = self.transaction(800, self.one.name)
        proposal = self.propose(line)
        self.assertCountEqual(proposal.line_ids.mapped('amount'), [1_000, -200])
        proposal.action_apply()
        self.assertEqual((self.one + note).mapped('amount_residual'), [0, 0])
        self.assertEqual(self.total(), 800)

    def test_foreign_currency_with_exchange_difference(self):
        """1,000 EUR owed at 0.4, paid at 0.625: nothing is left in either currency, the rest is an exchange entry."""
        journal = self.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURB', 'currency_id': self.eur.id,
            'company_id': self.company.id})
        invoice = self.ar_invoice(1_000, '2026-02-10', currency_id=self.eur.id)
        other = self.ar_invoice(1_000, '2026-02-11')  # the same figure in company currency is another amount
        line = self.transaction(1_000, invoice.name, journal=journal)
        proposal = self.propose(line)
        self.assertEqual((proposal.currency_id, proposal.line_ids.move_id), (self.eur, invoice))
        proposal.action_apply()
        item = invoice.line_ids.filtered(lambda row: row.account_id == self.receivable)
        self.assertEqual((item.amount_residual, item.amount_residual_currency), (0, 0))
        self.assertEqual((invoice.amount_residual, other.amount_residual), (0, 1_000))
        self.assertTrue(item.matched_credit_ids.exchange_move_id)
        self.assertEqual(self.total(), 2_800)
        proposal.action_undo()
        self.assertEqual((invoice.amount_residual, item.amount_residual_currency), (1_000, 1_000))
        self.assertEqual(self.total(), 2_800 + 2_500)

    def test_other_company_is_left_alone(self):
        other = self._create_company(name="Other")
        self.transaction(1_000, self.one.name)
        self.assertFalse(self.env['ar.cash']._propose(other))

    def test_names_are_learned_inspected_and_unlearned(self):
        line = self.transaction(300, self.three.name, partner_name="Nordic Treuhand")
        proposal = self.propose(line)
        proposal.action_apply()
        alias = self.env['ar.payer.alias'].search([('company_id', '=', self.company.id)])
        self.assertEqual((alias.payer, alias.partner_id, alias.count), ("Nordic Treuhand", self.other_customer, 1))
        again = self.ar_invoice(77, '2026-03-01', partner=self.other_customer)
        second = self.propose(self.transaction(77, "thanks", partner_name="NORDIC TREUHAND AG"))
        self.assertEqual((second.who, second.line_ids.move_id), ('alias', again))
        alias.active = False
        self.assertEqual(self.propose(second.statement_line_id).who, 'nobody', "switched off")
        alias.active = True
        proposal.action_undo()
        self.assertEqual((alias.count, alias.active), (0, False))

    def test_changed_since_is_refused(self):
        proposal = self.propose(self.transaction(1_000, self.one.name))
        self.ar_pay(self.one, '2026-03-01', 400)
        with self.assertRaisesRegex(UserError, "600.00 are open now, not .*1,000.00"):
            proposal.action_apply()
        self.assertEqual(self.one.amount_residual, 600)
        self.assertEqual(self.propose(proposal.statement_line_id).what, 'over')

    def test_twice_is_refused(self):
        proposal = self.propose(self.transaction(1_000, self.one.name))
        proposal.action_apply()
        with self.assertRaisesRegex(UserError, "dealt with already"):
            proposal.action_apply()
        with self.assertRaisesRegex(UserError, "only proposals can be dismissed"):
            proposal.action_dismiss()
        self.assertEqual(self.total(), 800)

    def test_proposing_again_changes_nothing_that_stands(self):
        self.transaction(1_000, self.one.name)
        first = self.propose()
        self.assertEqual(self.propose(), first)


@tagged('post_install', '-at_install')
class TestCashPayments(CashCase):

    def _money(self, amount, memo, **values):
        payment = self.ar_cash(amount, '2026-03-05', memo=memo, **values)
        return payment.move_id.line_ids.filtered(lambda item: item.account_id == self.receivable)

    def test_money_on_account_pays_what_it_names(self):
        money = self._money(1_000, self.one.name)
        proposal = self.propose(money)
        self.assertEqual((proposal.who, proposal.what), ('chosen', 'referenced'))
        proposal.action_apply()
        self.assertEqual((self.one.amount_residual, money.amount_residual), (0, 0))
        self.assertEqual(self.total(), 800)
        proposal.action_undo()
        self.assertEqual((self.one.amount_residual, money.amount_residual), (1_000, -1_000))
        self.assertEqual(self.total(), 800, "money on account counts either way")

    def test_part_of_it_was_matched_by_hand(self):
        """Undoing takes back what was applied here, and nothing else."""
        money = self._money(1_500, "")
        item = self.one.line_ids.filtered(lambda row: row.account_id == self.receivable)
        (money + item).reconcile()
        proposal = self.propose(money)
        self.assertEqual((proposal.amount, proposal.line_ids.move_id), (500, self.two))
        proposal.action_apply()
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [0, 0])
        proposal.action_undo()
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [0, 500])

    def test_matchings_of_others_stay(self):
        """A credit note matched with the invoice before the application stays matched when that is undone."""
        note = self.ar_invoice(400, '2026-02-01', move_type='out_refund')
        items = (self.one + note).line_ids.filtered(lambda row: row.account_id == self.receivable)
        items.reconcile()
        proposal = self.propose(self._money(600, self.one.name))
        proposal.action_apply()
        self.assertEqual(self.one.amount_residual, 0)
        proposal.action_undo()
        self.assertEqual((self.one.amount_residual, note.amount_residual), (600, 0))

    def test_no_fee_on_a_payment_that_is_booked(self):
        self.company.ar_cash_fee = 10
        self.assertEqual(self.propose(self._money(995, self.one.name)).what, 'short')


@tagged('post_install', '-at_install')
class TestCashChosen(CashCase):
    """What a user ticks himself on the screen."""

    def choose(self, source, *rows, **kwargs):
        return self.env['ar.cash.proposal'].with_user(self.clerk)._apply_chosen(source, [
            {'move_line_id': self.ar_lines(move).id, 'amount': amount, **(extra[0] if extra else {})}
            for move, amount, *extra in rows], **kwargs)

    def test_other_items_than_proposed(self):
        line = self.transaction(1_000, self.one.name, partner_name="Nordic Treuhand")
        proposed = self.propose(line)
        chosen = self.choose(line, (self.two, 500), (self.three, 200))
        self.assertFalse(proposed.exists())
        self.assertEqual((chosen.what, chosen.state, chosen.rest), ('chosen', 'applied', 300))
        self.assertEqual(chosen.partner_id, self.customer)
        self.assertEqual((self.one + self.two + self.three).mapped('amount_residual'), [1_000, 0, 100])
        self.assertEqual((line.is_reconciled, self.total()), (True, 800))
        alias = self.env['ar.payer.alias'].search([('company_id', '=', self.company.id)])
        self.assertEqual((alias.payer, alias.partner_id), ("Nordic Treuhand", self.customer))
        chosen.with_user(self.clerk).action_undo()
        self.assertEqual((self.one + self.two + self.three).mapped('amount_residual'), [1_000, 500, 300])
        self.assertEqual((line.is_reconciled, line.partner_id.id, alias.active), (False, False, False))
        self.assertEqual(self.total(), 1_800)

    def test_parts_of_items_from_a_payment(self):
        note = self.ar_invoice(50, '2026-02-01', move_type='out_refund')
        payment = self.ar_cash(900, '2026-03-05')
        money = self.ar_lines(payment)
        chosen = self.choose(money, (self.one, 400), (self.two, 300), (note, -20))
        self.assertEqual(chosen.rest, 220)
        moves = self.one + self.two + note
        self.assertEqual(moves.mapped('amount_residual'), [600, 200, 30])
        self.assertEqual((money.amount_residual, len(chosen.match_ids), self.total()), (-220, 3, 850))
        again = self.choose(money, (self.one, 220))
        self.assertEqual((self.one.amount_residual, money.amount_residual), (380, 0))
        chosen.action_undo()
        self.assertEqual((*moves.mapped('amount_residual'), money.amount_residual), (780, 500, 50, -680))
        again.action_undo()
        self.assertEqual((self.one.amount_residual, money.amount_residual, self.total()), (1_000, -900, 850))

    def test_as_proposed_is_the_proposal(self):
        line = self.transaction(1_000, self.one.name)
        proposed = self.propose(line)
        self.assertEqual(self.choose(line, (self.one, 1_000)), proposed)
        self.assertEqual((proposed.what, proposed.state), ('referenced', 'applied'))

    def test_all_of_it_on_account(self):
        line = self.transaction(700, "deposit")
        chosen = self.choose(line, partner=self.other_customer)
        self.assertEqual((chosen.what, chosen.rest, line.is_reconciled), ('on_account', 700, True))
        self.assertEqual(self.total(), 1_100)
        chosen.action_undo()
        self.assertEqual((line.is_reconciled, self.total()), (False, 1_800))

    def test_what_cannot_be_chosen(self):
        line = self.transaction(1_000, self.one.name)
        draft = self.ar_invoice(100, '2026-02-10', post=False)
        other = self.ar_invoice(100, '2026-02-10')
        self.ar_pay(other, '2026-02-11')
        for rows, words in (
                ([(self.one, 1_000.01)], "up to .*1,000.00, not with .*1,000.01"),
                ([(self.one, -5)], "up to"), ([(self.one, 0)], "up to"), ([(other, 100)], "up to .*0.00"),
                ([(self.one, 980, {'discount': 20})], "discount of .* is .*0.00, not .*20.00"),
                ([(self.one, 10), (self.one, 10)], "can be chosen once"),
                ([(draft, 100)], "not an open item"),
                ([(self.one, 1_000), (self.two, 500)], "more than"), ([], "choose the customer")):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, words), self.env.cr.savepoint():
                self.choose(line, *rows)
        with self.assertRaises(AccessError):
            self.env['ar.cash.proposal'].with_user(self.ar_user('cash_r', 'ar_coordinator.group_ar_readonly')) \
                ._apply_chosen(line, [])
        stranger = self.ar_user('cash_s', 'ar_coordinator.group_ar_user')
        other_company = self._create_company(name="Other")
        stranger.write({'company_ids': [(6, 0, other_company.ids)], 'company_id': other_company.id})
        with self.assertRaisesRegex(AccessError, "not switched on"):
            self.env['ar.cash.proposal'].with_user(stranger)._apply_chosen(line, [])
        self.assertEqual((self.one.amount_residual, line.is_reconciled), (1_000, False))


@tagged('post_install', '-at_install')
class TestCashAlone(CashCase):
    """What happens by itself."""

    def setUp(self):
        super().setUp()
        self.company.ar_cash_automatic = True

    def _cron(self):
        with patch.object(self.env.registry['ir.cron'], '_commit_progress', return_value=0):
            self.env['ar.cash']._cron_apply()

    def test_sure_ones_are_applied_doubtful_ones_wait(self):
        sure = self.transaction(1_000, self.one.name)
        named = self.propose(sure)
        self.assertGreaterEqual(named.confidence, 95)
        self.transaction(500, "thank you", partner_name="Somebody")
        self._cron()
        self.assertEqual((named.state, named.is_automatic), ('applied', True))
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [0, 500])
        waiting = self.env['ar.cash.proposal'].search(
            [('company_id', '=', self.company.id), ('state', '=', 'proposed')])
        self.assertEqual(waiting.what, 'one')

    def test_two_readings_wait_whatever_the_threshold(self):
        self.ar_invoice(500, '2026-01-25', '2026-02-25')
        self.company.ar_cash_threshold = 50.1
        line = self.transaction(500, "thank you", partner_id=self.customer.id)
        self._cron()
        self.assertTrue(self.propose(line).is_ambiguous)
        self.assertFalse(line.is_reconciled)

    def test_text_names_a_paid_invoice(self):
        """The number of an invoice that is paid already: another item of the same amount is not paid by itself."""
        paid = self.ar_invoice(500, '2026-01-10')
        self.ar_pay(paid, '2026-02-01')
        line = self.transaction(500, paid.name, date='2026-03-06', partner_id=self.customer.id)
        self.env['account.payment'].search([('company_id', '=', self.company.id)]).write({'amount': 501})
        self._cron()
        self.assertFalse(line.is_reconciled)
        self.assertEqual(self.two.amount_residual, 500)

    def test_money_that_is_registered_already(self):
        """A payment on account waits for its bank transaction: the transaction pays nothing a second time."""
        payment = self.ar_cash(1_000, '2026-03-05')
        self.assertEqual(payment.state, 'in_process')
        line = self.transaction(1_000, self.one.name, partner_id=self.customer.id)
        self.assertFalse(self.propose(line))
        self._cron()
        self.assertFalse(line.is_reconciled)

    def test_off_nothing_is_applied(self):
        self.company.ar_cash_automatic = False
        line = self.transaction(1_000, self.one.name)
        self._cron()
        self.assertFalse(line.is_reconciled)

    def test_one_failure_does_not_stop_the_others(self):
        """semantics section 9, 15: a payment in a closed period is said on its proposal, the next one is applied."""
        self.transaction(1_000, self.one.name)
        second = self.transaction(300, f"{self.three.name} Alder")
        first = self.propose().filtered(lambda row: row.line_ids.move_id == self.one)
        origin = type(first)._apply_transaction

        def refuse(proposal):
            if proposal == first:
                raise UserError(self.env._("The period is closed."))
            return origin(proposal)

        with patch.object(type(first), '_apply_transaction', refuse):
            self._cron()
        self.assertEqual((first.state, self.one.amount_residual), ('proposed', 1_000))
        self.assertIn("The period is closed", first.message_ids[0].body)
        self.assertTrue(second.is_reconciled)

    def test_threshold_makes_sense(self):
        for value in (50, 101):
            with self.assertRaises(ValidationError):
                self.company.ar_cash_threshold = value


@tagged('post_install', '-at_install')
class TestCashRoles(CashCase):

    def test_roles(self):
        proposal = self.propose(self.transaction(1_000, self.one.name))
        reader = self.ar_user('cash_reader', 'ar_coordinator.group_ar_readonly')
        self.assertEqual(proposal.with_user(reader).amount, 1_000)
        for user in (reader, self.ar_user('cash_sales', 'base.group_user')):
            for action in ('action_apply', 'action_dismiss', 'action_propose'):
                with self.assertRaises(AccessError):
                    getattr(proposal.with_user(user), action)()
        portal = self.ar_user('cash_portal', 'base.group_portal')
        with self.assertRaises(AccessError):
            proposal.with_user(portal).read(['amount'])
        self.assertEqual(self.one.amount_residual, 1_000)

    def test_proposals_are_not_made_or_moved_by_hand(self):
        proposal = self.propose(self.transaction(1_000, self.one.name)).with_user(self.clerk)
        for values in ({'state': 'applied'}, {'partner_id': self.other_customer.id}, {'line_ids': [(5, 0, 0)]}):
            with self.assertRaises(AccessError):
                proposal.write(values)
        with self.assertRaises(AccessError):
            proposal.with_context(default_state='applied').copy()
        self.assertEqual(proposal.state, 'proposed')

    def test_clerk_of_another_company(self):
        other = self._create_company(name="Other")
        stranger = self.ar_user('cash_stranger', 'ar_coordinator.group_ar_user')
        stranger.write({'company_ids': [(6, 0, other.ids)], 'company_id': other.id})
        proposal = self.propose(self.transaction(1_000, self.one.name))
        with self.assertRaises(AccessError):
            proposal.with_user(stranger).action_apply()
        self.assertEqual(self.one.amount_residual, 1_000)


@tagged('post_install', '-at_install')
class TestCashProperties(CashCase):

    @settings(
        max_examples=8, suppress_health_check=list(HealthCheck), deadline=None, phases=(Phase.explicit, Phase.generate))
    @given(st.lists(st.tuples(
        st.sampled_from([100, 300, 500, 550, 800, 1_000, 1_500, 1_800]), st.integers(0, 7), st.booleans()),
        min_size=1, max_size=4), st.randoms(use_true_random=False))
    def test_money_is_conserved(self, receipts, rng):
        """Received = applied + on account, whatever is applied and undone in whatever order; the ledger ties out."""
        with self.env.cr.savepoint() as savepoint:
            owed, moves, received = 1_800, (self.one, self.two, self.three), 0
            for amount, mask, is_payment in receipts:
                text = ' '.join(move.name for bit, move in enumerate(moves) if mask >> bit & 1) or "payment"
                if is_payment:
                    self.ar_cash(amount, '2026-03-05', memo=text)
                    received += amount
                else:
                    self.transaction(amount, text)
            applied = self.env['ar.cash.proposal']
            for _round in range(4):
                waiting = self.propose().filtered('line_ids')
                if waiting and (not applied or rng.random() < 0.7):
                    chosen = rng.choice(waiting.sorted('id'))
                    chosen.action_apply()
                    applied |= chosen
                elif applied:
                    chosen = rng.choice(applied.sorted('id'))
                    chosen.action_undo()
                    applied -= chosen
                booked = sum(row.amount for row in applied if row.statement_line_id)
                self.assertEqual(self.total(), owed - received - booked, json.dumps(receipts))
            savepoint.close(rollback=True)
            self.env.invalidate_all()
