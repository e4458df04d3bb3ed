"""Deposits: a slip of cheques and cash becomes payments and one entry, which one bank transaction closes."""
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .till_common import TillCase


@tagged('post_install', '-at_install')
class TestDeposit(TillCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.transit = cls.env['account.account'].create({
            'name': "Deposits in transit", 'code': '101777', 'account_type': 'asset_current', 'reconcile': True})
        cls.company.ar_deposit_account_id = cls.transit

    def deposit(self, *lines, control=None, **values):
        """A clerk's draft; a line is (customer, cheque number or None for cash, amount, memo)."""
        vals_list = [{
            'partner_id': partner.id, 'kind': 'cheque' if number else 'cash', 'number': number, 'amount': amount,
            'memo': memo, **(more[0] if more else {})} for partner, number, amount, memo, *more in lines]
        return self.env['ar.deposit'].with_user(self.clerk).create({
            'journal_id': self.bank.id, 'date': '2026-03-05', 'reference': "4711",
            'control_total': sum(vals['amount'] for vals in vals_list) if control is None else control,
            'line_ids': [Command.create(vals) for vals in vals_list], **values})

    def slip(self, **values):
        """The slip most tests start from: 1,000 and 300 in cheques, 500 in cash."""
        return self.deposit(
            (self.customer, '000123', 1_000, self.one.name), (self.other_customer, '77', 300, False),
            (self.customer, None, 500, self.two.name), **values)

    def test_one_payment_per_line_and_one_entry(self):
        deposit = self.slip()
        deposit.action_confirm()
        payments = deposit.line_ids.payment_id
        self.assertEqual(payments.mapped('amount'), [1_000, 300, 500])
        self.assertEqual(payments.partner_id, self.customer + self.other_customer)
        self.assertEqual(payments[0].payment_reference, f"Cheque 000123 ({deposit.name})")
        self.assertEqual(payments[0].memo, self.one.name, "a cheque's number is not taken for an invoice's")
        self.assertEqual(
            [(line.account_id, line.balance) for line in deposit.move_id.line_ids.sorted('id')][:2],
            [(self.transit, 1_800), (payments[0]._seek_for_lines()[0].account_id, -1_000)])
        self.assertEqual(len(deposit.move_id.line_ids), 4)
        self.assertEqual((deposit.amount_cheques, deposit.amount_cash, deposit.cheque_count), (1_300, 500, 2))
        self.assertEqual(set(payments.mapped('is_matched')), {True}, "nothing is left on outstanding receipts")
        self.assertEqual((deposit.state, deposit.confirmed_by_id), ('confirmed', self.clerk))
        self.assertEqual(deposit.transit_line_id.amount_residual, 1_800, "one open item for the bank")
        self.assertEqual(self.total(), 0, "1,800 owed, 1,800 on account")

    def test_payments_are_applied_and_the_bank_matches_in_one_go(self):
        deposit = self.slip()
        deposit.action_confirm()
        deposit.action_apply()
        proposals = self.env['ar.cash.proposal'].search([('state', '=', 'proposed')])
        self.assertEqual(
            proposals.payment_line_id.move_id, deposit.line_ids.payment_id.move_id, "each payment has its proposal")
        proposals.with_user(self.clerk).action_apply()
        self.assertEqual((self.one + self.two + self.three).mapped('amount_residual'), [0, 0, 0])
        transaction = self.transaction(1_800, "DEPOSIT 4711", date='2026-03-07')
        self.assertFalse(
            self.env['ar.cash']._propose(self.company).filtered('statement_line_id'), "a deposit is nobody's payment")
        waiting = self.env['ar.cash.desk'].with_user(self.clerk).get_items('transaction', transaction.id)['waiting']
        self.assertEqual([one['name'] for one in waiting], [f"Deposit {deposit.name}"], "the desk says what it is")
        deposit.action_match_bank()
        self.assertTrue(deposit.is_in_bank)
        self.assertTrue(transaction.is_reconciled)
        self.assertEqual(deposit.transit_line_id.amount_residual, 0)
        self.assertEqual(self.env['ar.deposit'].search([('is_in_bank', '=', True)]), deposit)
        self.assertEqual(self.total(), 0)
        with self.assertRaisesRegex(UserError, "matched with a bank transaction"):
            deposit.with_user(self.manager).action_cancel()
        deposit.action_unmatch_bank()
        self.assertEqual((deposit.is_in_bank, transaction.is_reconciled), (False, False))
        self.assertEqual(deposit.transit_line_id.amount_residual, 1_800)

    def test_what_the_bank_may_mean_is_asked(self):
        """Two transactions of the amount: neither is matched by itself, the clerk says which."""
        deposit = self.slip()
        deposit.action_confirm()
        first, second = (self.transaction(1_800, text, date='2026-03-06') for text in ("DEP A", "DEP B"))
        self.assertFalse(self.env['ar.deposit']._match_sure(self.company))
        action = deposit.action_match_bank()
        self.assertEqual(action['domain'], [('id', 'in', (first + second).ids)])
        self.assertEqual(action['context'], {'ar_in_transit': ['ar.deposit', deposit.id]})
        first, second = (first + second).with_user(self.clerk).with_context(
            ar_in_transit=['ar.deposit', deposit.id])
        second.action_ar_choose_in_transit()
        self.assertEqual((first.is_reconciled, second.is_reconciled), (False, True))
        with self.assertRaisesRegex(UserError, "matched with a bank transaction already"):
            first.action_ar_choose_in_transit()

    def test_the_only_transaction_is_matched_by_itself(self):
        deposit = self.slip()
        deposit.action_confirm()
        self.transaction(1_800, date='2026-03-01')  # before the deposit
        self.transaction(1_799.99, date='2026-03-06')
        self.assertFalse(self.env['ar.deposit']._match_sure(self.company))
        transaction = self.transaction(1_800, date='2026-03-06')
        self.assertEqual(self.env['ar.deposit']._match_sure(self.company), deposit)
        self.assertTrue(transaction.is_reconciled)

    def test_a_slip_that_does_not_tie_is_refused(self):
        deposit = self.slip(control=1_790)
        self.assertEqual((deposit.amount_total, deposit.difference), (1_800, -10))
        with self.assertRaisesRegex(UserError, "slip says .*1,790.00.*add up to .*1,800.00"):
            deposit.action_confirm()
        self.assertFalse(deposit.line_ids.payment_id)

    def test_the_same_cheque_twice(self):
        deposit = self.slip()
        deposit.action_confirm()
        self.env.flush_all()
        again = self.deposit((self.customer, ' 123', 1_000, False))
        self.assertEqual(again.line_ids.known_as, deposit.name)
        with self.assertRaisesRegex(UserError, "Cheque  123 .*Harbour Fish.* is on DEP-.* already"):
            again.action_confirm()
        for lines in (  # another amount, another customer, on one slip
            [(self.customer, '123', 999, False)], [(self.other_customer, '123', 1_000, False)],
        ):
            other = self.deposit(*lines)
            self.assertFalse(other.line_ids.known_as)
            other.action_confirm()
        twice = self.deposit((self.customer, '8', 5, False), (self.customer, '008', 5, False))
        self.assertEqual(twice.line_ids.mapped('known_as'), ["Again on this slip"] * 2)
        with self.assertRaisesRegex(UserError, "already"):
            twice.action_confirm()
        deposit.with_user(self.manager).action_cancel()
        again.action_confirm()  # the first one does not count any more
        self.assertEqual(again.state, 'confirmed')

    def test_the_same_cheque_at_the_same_instant(self):
        """Whom the other's deposit is hidden from is stopped by the database."""
        self.slip().action_confirm()
        self.env.flush_all()
        again = self.deposit((self.customer, '123', 1_000, False))
        with patch.object(self.env.registry['ar.deposit.line'], '_check_complete', lambda lines: None), \
                mute_logger('odoo.sql_db'), self.assertRaisesRegex(IntegrityError, "cheque_once"), \
                self.env.cr.savepoint():
            again.action_confirm()
            self.env.flush_all()
        self.assertEqual(again.state, 'draft')

    def test_two_users_confirm_the_same_deposit(self):
        deposit = self.slip()
        theirs = deposit.with_user(self.other_clerk)
        self.assertEqual(theirs.state, 'draft')
        deposit.action_confirm()
        with self.assertRaisesRegex(UserError, "somebody dealt with it already"):
            theirs.action_confirm()
        self.assertEqual(self.env['account.payment'].search_count([
            ('company_id', '=', self.company.id), ('date', '=', '2026-03-05')]), 3)

    def test_killed_between_payments_and_entry(self):
        deposit = self.slip()

        def die(*_args):
            raise KeyboardInterrupt

        with patch.object(self.env.registry['ar.deposit'], '_create_entry', die), \
                self.assertRaises(KeyboardInterrupt), self.env.cr.savepoint():
            deposit.action_confirm()
        self.env.invalidate_all()
        self.assertEqual((deposit.state, len(deposit.line_ids.payment_id)), ('draft', 0))
        self.assertFalse(self.env['account.payment'].search([('date', '=', '2026-03-05')]))
        deposit.action_confirm()
        self.assertEqual(self.total(), 0)

    def test_post_dated_cheques_wait(self):
        deposit = self.deposit(
            (self.customer, '1', 1_000, False), (self.customer, '2', 400, False, {'date_cheque': '2026-04-30'}),
            (self.other_customer, '3', 50, False, {'date_cheque': '2026-04-30'}), control=1_000)
        self.assertEqual((deposit.amount_total, deposit.amount_waiting), (1_000, 450))
        deposit.action_confirm()
        self.assertEqual(deposit.line_ids.mapped('number'), ['1'])
        draft = self.env['ar.deposit'].search([('is_post_dated', '=', True)])
        self.assertEqual(
            (draft.line_ids.mapped('number'), str(draft.date), draft.control_total, draft.state),
            (['2', '3'], '2026-04-30', 450, 'draft'))
        self.assertEqual(draft.activity_ids.user_id, self.clerk)
        with self.assertRaisesRegex(UserError, "its cheques wait until then"):
            draft.with_user(self.clerk).action_confirm()
        with patch.object(self.env.registry['res.company'], '_ar_today', lambda company: draft.date):
            draft.with_user(self.clerk).action_confirm()
        self.assertEqual(draft.line_ids.payment_id.mapped('amount'), [400, 50])
        self.assertFalse(draft.activity_ids)

    def test_cancelled_deposits_leave_everything_as_it_was(self):
        deposit = self.slip()
        deposit.action_confirm()
        deposit.action_apply()
        self.env['ar.cash.proposal'].search([('state', '=', 'proposed')]).with_user(self.clerk).action_apply()
        self.assertEqual((self.one + self.two + self.three).mapped('amount_residual'), [0, 0, 0])
        with self.assertRaises(AccessError):
            deposit.action_cancel()
        deposit.with_user(self.manager).action_cancel()
        self.assertEqual((self.one + self.two + self.three).mapped('amount_residual'), [1_000, 500, 300])
        self.assertEqual(set(deposit.line_ids.payment_id.mapped('state')), {'canceled'})
        self.assertEqual((deposit.move_id.state, deposit.state), ('cancel', 'cancelled'))
        self.assertEqual(deposit.cancelled_by_id, self.manager)
        self.assertIn(deposit.name, self.one.message_ids[0].body)
        self.assertEqual(self.total(), 1_800)
        draft = self.env['ar.deposit'].browse(deposit.action_copy_draft()['res_id'])
        self.assertEqual(draft.line_ids.mapped('amount'), [1_000, 300, 500])
        draft.action_confirm()
        self.assertEqual(self.total(), 0)

    def test_a_closed_period_says_so(self):
        deposit = self.slip()
        self.company.fiscalyear_lock_date = '2026-03-31'
        with self.assertRaisesRegex(UserError, "DEP-.*03/05/2026 is in a period that is closed"):
            deposit.action_confirm()
        self.company.fiscalyear_lock_date = False
        deposit.action_confirm()
        self.company.fiscalyear_lock_date = '2026-03-31'
        with self.assertRaisesRegex(UserError, "is in a period that is closed"):
            deposit.with_user(self.manager).action_cancel()
        self.assertEqual(deposit.state, 'confirmed')

    def test_a_slip_in_foreign_currency_leaves_no_exchange_difference(self):
        """400 EUR at 0.625 are 640.00; the bank has them a month later, at the same rate."""
        journal = self.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURT', 'currency_id': self.eur.id,
            'company_id': self.company.id})
        invoice = self.ar_invoice(400, '2026-02-10', currency_id=self.eur.id)
        deposit = self.deposit((self.customer, '5', 150, invoice.name), (self.customer, '6', 250, invoice.name),
                               journal_id=journal.id)
        self.assertEqual(deposit.currency_id, self.eur)
        deposit.action_confirm()
        self.assertEqual(
            [(line.amount_currency, line.balance) for line in deposit.move_id.line_ids.sorted('id')],
            [(400, 640), (-150, -240), (-250, -400)])
        transaction = self.transaction(400, journal=journal, date='2026-03-20')
        deposit.action_match_bank()
        self.assertTrue(transaction.is_reconciled)
        self.assertFalse(deposit.transit_line_id.matched_credit_ids.exchange_move_id)
        self.total()

    def test_an_account_that_cannot_be_matched_is_named(self):
        self.company.ar_deposit_account_id = False
        self.bank.inbound_payment_method_line_ids.payment_account_id = self.bank.default_account_id
        deposit = self.slip()
        with self.assertRaisesRegex(UserError, "cannot be matched. Set an account of outstanding receipts"):
            deposit.action_confirm()

    def test_what_only_buttons_change(self):
        deposit = self.slip()
        for vals in ({'state': 'confirmed'}, {'transit_line_id': False}):
            with self.assertRaises(AccessError):
                deposit.write(vals)
        with self.assertRaises(AccessError):
            deposit.line_ids[0].is_live = True
        with self.assertRaises(AccessError):
            deposit.amount_total = 1  # what ties with the control total is added up
        with self.assertRaises(AccessError):
            deposit.line_ids[0].number_key = "another cheque"
        created = self.env['ar.deposit'].with_user(self.clerk).with_context(default_state='confirmed').create({
            'journal_id': self.bank.id})
        self.assertEqual(created.state, 'draft')
        reader = self.ar_user('till_reader', 'ar_coordinator.group_ar_readonly')
        self.assertEqual(deposit.with_user(reader).amount_total, 1_800)
        with self.assertRaises(AccessError):
            deposit.with_user(reader).action_confirm()
        deposit.action_confirm()
        for change in (
            lambda: deposit.write({'control_total': 1}), lambda: deposit.line_ids[0].write({'amount': 1}),
            lambda: deposit.line_ids[0].unlink(), deposit.unlink,
        ):
            with self.assertRaises(UserError):
                change()

    def test_keyboard_entry_shows_the_difference(self):
        with Form(self.env['ar.deposit'].with_user(self.clerk)) as form:
            form.journal_id = self.bank
            form.control_total = 150
            for number in ('1', '01'):
                with form.line_ids.new() as line:
                    line.partner_id = self.customer
                    line.number = number
                    line.amount = 75
            self.assertEqual((form.amount_total, form.difference), (150, 0))
        self.assertEqual(form.record.line_ids.mapped('known_as'), ["Again on this slip"] * 2)

    def test_the_slip_on_paper(self):
        deposit = self.slip()
        deposit.action_confirm()
        html = self.env['ir.actions.report'].with_user(self.clerk)._render_qweb_html(
            'ar_coordinator.report_ar_deposit', deposit.ids)[0].decode()
        for text in ("Deposit slip", "000123", "Harbour Fish Ltd", "1,300.00", "500.00", "1,800.00", "4711",
                     "signature of the depositor"):
            self.assertIn(text, html)
