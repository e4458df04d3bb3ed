"""Money is conserved through applications, deposits, returns and moves, and undoing all of it leaves nothing behind."""
import json
import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .till_common import TillCase

STEPS = ('apply', 'apply', 'deposit', 'bounce', 'bounce', 'part', 'move', 'move', 'take_back', 'take_back')


@tagged('post_install', '-at_install')
class TestTillConservation(TillCase):
    """For each customer: invoiced = owed + received - returned +- moved + written off; undone, it is as it was."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        expense = cls.company_data['default_account_expense']
        cls.company.write({
            'ar_write_off_account_id': expense.id, 'ar_small_balance_limit': 50, 'ar_write_off_limit_user': 9_000,
            'ar_small_balance_gain_account_id': expense.id})
        eur_bank = cls.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURT', 'currency_id': cls.eur.id,
            'company_id': cls.company.id})
        cls.four = cls.ar_invoice(800, '2026-01-25', currency_id=cls.eur.id)
        cls.invoices = cls.one + cls.two + cls.three + cls.four
        cls.customers = cls.customer + cls.other_customer
        cls.lines = cls.env['account.bank.statement.line'].union(*(
            cls.transaction(amount, move.name, journal=eur_bank if move == cls.four else None)
            for move, amount in ((cls.one, 970), (cls.two, 500), (cls.three, 340), (cls.four, 790))))
        cls.proposals = cls.env['ar.cash']._propose(cls.company)
        cls.proposals.filtered('rest').rest_action = 'write_off'

    @settings(max_examples=2, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
    @given(st.integers(1, 10 ** 9))
    def test_money_is_conserved(self, seed):
        rng, story = random.Random(seed), [seed]
        with self.env.cr.savepoint() as savepoint:
            self.deposits = self.env['ar.deposit'].with_user(self.clerk)
            self.returns = self.env['ar.payment.return'].with_user(self.clerk)
            self.moved = self.env['ar.payment.move'].with_user(self.clerk)
            for step in ['apply', *rng.choices(STEPS, k=9)]:
                self.attempt(story, step, getattr(self, f'do_{step}'), rng)
                self.check(story)
            self.undo_all(rng, story)
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def attempt(self, story, step, call, *args):
        """Do a step; refused, nothing of it is done. Returns whether it was done."""
        try:
            with self.env.cr.savepoint():
                story.append((step, call(*args)))
                self.env.flush_all()
        except UserError as error:
            story.append((step, error.args[0]))
            self.env.invalidate_all()
            return False
        return True

    def check(self, story):
        """What each customer owes follows from the documents in force, to the cent, and from the ledger."""
        items = self.env['account.move.line'].search([
            ('company_id', '=', self.company.id), ('account_type', '=', 'asset_receivable'),
            ('parent_state', '=', 'posted')])
        found = Counter()
        for item in items:
            found[item.partner_id, item.currency_id] += item.amount_residual_currency
        expected = Counter()
        for invoice in self.invoices:
            expected[invoice.partner_id, invoice.currency_id] += invoice.amount_total
        for line in self.lines.filtered('is_reconciled'):
            proposal = self.proposals.filtered(lambda row, line=line: row.statement_line_id == line)
            expected[proposal.partner_id, proposal.currency_id] -= proposal.amount
        for line in self.deposits.filtered(lambda one: one.state == 'confirmed').line_ids:
            expected[line.partner_id, line.currency_id] -= line.amount
        for record in self.returns.filtered(lambda one: one.state == 'confirmed'):
            expected[record.partner_id, record.currency_id] += record.amount
        for record in self.moved.filtered(lambda one: one.state == 'confirmed'):
            expected[record.partner_id, record.currency_id] += record.amount
            expected[record.partner_to_id, record.currency_id] -= record.amount
        for request in self.proposals.rest_request_ids.filtered(lambda one: one.state == 'done'):
            expected[request.partner_id, request.currency_id] -= request.amount_total
        for key in found.keys() | expected.keys():
            self.assertAlmostEqual(found[key], expected[key], 2, json.dumps(story, default=str))
        self.total()

    def undo_all(self, rng, story):
        """Take everything back in any order: what is refused is possible once what it waits for is taken back."""
        left = self.get_undoable()
        while left:
            rng.shuffle(left)
            done = [self.attempt(story, 'undo', call) for call in left]
            self.check(story)
            self.assertTrue(any(done), json.dumps(story, default=str))
            left = self.get_undoable()
        self.assertEqual(
            [move.amount_residual for move in self.invoices], [1_000, 500, 300, 800], json.dumps(story, default=str))
        self.assertFalse(self.lines.filtered('is_reconciled'), story)
        self.assertNotIn('done', self.proposals.rest_request_ids.mapped('state'))

    def get_undoable(self):
        records = (
            *self.returns.filtered(lambda one: one.state == 'confirmed'),
            *self.moved.filtered(lambda one: one.state == 'confirmed'),
            *self.proposals.filtered(lambda one: one.state == 'applied'))
        deposits = self.deposits.filtered(lambda one: one.state == 'confirmed')
        return [record.with_user(self.manager).action_undo for record in records] + [
            deposit.with_user(self.manager).action_cancel for deposit in deposits]

    # === STEPS === #

    def choose(self, rng, records):
        return rng.choice(list(records)) if records else records

    def get_money(self):
        """Bank transactions that are booked, and payments of deposits."""
        return [*self.lines.filtered('is_reconciled'), *self.deposits.sudo().line_ids.payment_id.filtered(
            lambda payment: payment.state in ('in_process', 'paid'))]

    def do_apply(self, rng):
        chosen = self.choose(rng, self.proposals.filtered(lambda row: row.state == 'proposed'))
        chosen.with_user(self.clerk).action_apply()
        return chosen.mapped('name')

    def do_deposit(self, rng):
        """Two cheques, matched with what is open."""
        deposit = self.deposits.create({
            'journal_id': self.bank.id, 'date': '2026-03-10', 'control_total': 450, 'line_ids': [
                Command.create({'partner_id': partner.id, 'number': str(rng.randrange(10 ** 6)), 'amount': amount})
                for partner, amount in zip(self.customers, (300, 150), strict=True)]})
        deposit.action_confirm()
        self.deposits |= deposit
        for line in deposit.sudo().line_ids:
            credit = line.payment_id.move_id.line_ids.filtered(lambda one: one.account_type == 'asset_receivable')
            owed = self.invoices.filtered(lambda move, line=line: (
                move.partner_id == line.partner_id and move.amount_residual and move.currency_id == line.currency_id))
            if owed:
                (credit + self.ar_lines(owed[0])).reconcile()
        return deposit.name

    def do_bounce(self, rng, share=1):
        source = self.choose(rng, self.get_money())
        if not source:
            return None
        name = 'payment_id' if source._name == 'account.payment' else 'statement_line_id'
        record = self.returns.create({name: source.id, 'date': '2026-03-20'})
        record.amount = round(record.amount * share, 2)
        record.action_confirm()
        self.returns |= record
        return record.name, record.amount

    def do_part(self, rng):
        return self.do_bounce(rng, rng.choice([0.25, 0.333, 0.9]))

    def do_move(self, rng):
        source = self.choose(rng, self.get_money())
        if not source:
            return None
        name = 'payment_id' if source._name == 'account.payment' else 'statement_line_id'
        record = self.moved.create({name: source.id, 'date': '2026-03-21', 'reason': "Not theirs"})
        record.partner_to_id = self.customers - record.partner_id
        record.amount = round(record.amount * rng.choice([1, 1, 0.4]), 2)
        record.action_confirm()
        self.moved |= record
        return record.name, record.amount

    def do_take_back(self, rng):
        call = self.choose(rng, self.get_undoable())
        if call:
            call()
        return str(call and call.__self__.mapped('name'))
