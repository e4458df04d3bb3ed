"""Write-offs, small balances and refunds: exact entries, four eyes, and nothing that a write-off is not."""
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestWriteOff(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expense = cls.company_data['default_account_expense']
        cls.gain = cls.company_data['default_account_revenue'].copy({'account_type': 'income_other'})
        cls.company.write({
            'ar_write_off_account_id': cls.expense.id, 'ar_small_balance_gain_account_id': cls.gain.id,
            'ar_write_off_limit_user': 50, 'ar_write_off_limit_manager': 200, 'ar_small_balance_limit': 5,
            'ar_small_balance_days': 10})
        cls.second = cls.ar_user('second_manager', 'ar_coordinator.group_ar_manager')
        cls.tax = cls.env['account.tax'].create({
            'name': "VAT 19", 'amount': 19, 'type_tax_use': 'sale', 'company_id': cls.company.id,
            'invoice_repartition_line_ids': [
                Command.create({'repartition_type': 'base'}),
                Command.create({'repartition_type': 'tax', 'account_id': cls.tax_account('VAT').id})],
            'refund_repartition_line_ids': [
                Command.create({'repartition_type': 'base'}),
                Command.create({'repartition_type': 'tax', 'account_id': cls.tax_account('VAT back').id})]})

    @classmethod
    def tax_account(cls, name):
        return cls.env['account.account'].create({
            'name': name, 'code': f"TX{len(name)}{name[-1]}", 'account_type': 'liability_current',
            'company_ids': [Command.link(cls.company.id)]})

    def ask(self, *moves, user=None, amount=None, kind='write_off', **vals):
        """A draft over the receivable items of these moves (payments: give their entries)."""
        lines = self.env['account.move.line'].union(*(self.ar_lines(move) for move in moves))
        return self.env['ar.write.off'].with_user(user or self.clerk).create({
            'partner_id': lines.partner_id.id, 'kind': kind, 'reason': "Insolvency file 12", 'cause': 'insolvent',
            'currency_id': lines.currency_id.id, 'company_id': lines.company_id.id,
            'line_ids': [Command.create({
                'move_line_id': line.id, **({'amount': amount} if amount else {})}) for line in lines], **vals})

    def booked(self, request):
        """[(account, amount in company currency, in the items' currency)] of the entry."""
        return sorted((line.account_id.code, line.balance, line.amount_currency) for line in request.move_id.line_ids)

    def taxed(self, amount, **vals):
        """An invoice of `amount` plus 19 % VAT."""
        return self.ar_invoice(amount, '2026-02-01', invoice_line_ids=[Command.create({
            'name': "Goods", 'quantity': 1, 'price_unit': amount, 'tax_ids': [Command.set(self.tax.ids)],
            'account_id': self.revenue.id})], **vals)

    # === ENTRIES === #

    def test_within_the_limit(self):
        """A small one is posted at once; the item is settled, by no payment; the request says by whom and why."""
        invoice = self.ar_invoice(50, '2026-02-01')
        request = self.ask(invoice)
        self.assertFalse(request.needs_approval)
        request.action_submit()
        self.assertRecordValues(request, [{
            'state': 'done', 'requested_by_id': self.clerk.id, 'approved_by_id': False, 'amount_company': 50,
            'date_done': self.env['ar.ledger']._read_date('2026-03-31')}])
        self.assertEqual(self.booked(request), sorted([
            (self.expense.code, 50, 50), (self.receivable.code, -50, -50)]))
        item = self.ar_lines(invoice)
        self.assertTrue(item.reconciled)
        [payment] = self.env['ar.ledger'].payments_of(item.ids)[item.id]
        self.assertFalse(payment['is_payment'])
        self.assertEqual(self.items('2026-03-31'), [])
        self.assertEqual(request.amount_company, 50, "stays, though nothing is open any more")

    def test_part_in_euros(self):
        """A part of an item in another currency goes at the books' value; no exchange difference is left."""
        invoice = self.ar_invoice(40, '2026-02-10', currency_id=self.eur.id)  # 0.4: 100 in the books
        entries = self.env['account.move'].search_count([('company_id', '=', self.company.id)])
        request = self.ask(invoice, amount=10)
        self.assertEqual(request.amount_company, 25)
        request.action_submit()
        self.assertEqual(self.booked(request), sorted([
            (self.expense.code, 25, 10), (self.receivable.code, -25, -10)]))
        item = self.ar_lines(invoice)
        self.assertEqual((item.amount_residual_currency, item.amount_residual), (30, 75))
        self.assertEqual(
            self.env['account.move'].search_count([('company_id', '=', self.company.id)]), entries + 1)

    def test_tax_relief(self):
        """With relief the tax goes back on the tax's refund account; base and tax are what Odoo's engine says."""
        whole, part, plain = (self.taxed(100) for _number in range(3))
        back = self.tax.refund_repartition_line_ids.account_id
        request = self.ask(whole, user=self.manager, with_tax_relief=True)
        request.action_submit()
        self.assertEqual(self.booked(request), sorted([
            (self.expense.code, 100, 100), (back.code, 19, 19), (self.receivable.code, -119, -119)]))
        tax_line = request.move_id.line_ids.filtered(lambda line: line.account_id == back)
        self.assertEqual(tax_line.tax_repartition_line_id.document_type, 'refund')
        self.assertEqual(tax_line.tax_line_id, self.tax)
        self.assertEqual(
            request.move_id.line_ids.filtered(lambda line: line.account_id == self.expense).tax_ids, self.tax)
        request = self.ask(part, amount=33.33, with_tax_relief=True)
        request.action_submit()
        self.assertEqual(self.booked(request), sorted([
            (self.expense.code, 28.01, 28.01), (back.code, 5.32, 5.32), (self.receivable.code, -33.33, -33.33)]))
        self.assertEqual(part.amount_residual, 85.67)
        self.env['ar.write.off.limit'].create({
            'user_id': self.second.id, 'company_id': self.company.id, 'amount_alone': 1000})
        request = self.ask(plain, user=self.second, with_tax_relief=False)
        request.action_submit()
        self.assertEqual(self.booked(request), sorted([
            (self.expense.code, 119, 119), (self.receivable.code, -119, -119)]))

    def test_tax_relief_in_euros(self):
        """In another currency the tax goes back at the invoice's rate, and the entry balances to the cent."""
        invoice = self.taxed(13.37, currency_id=self.eur.id)
        request = self.ask(invoice, with_tax_relief=True)
        request.action_submit()
        self.assertAlmostEqual(sum(balance for _account, balance, _amount in self.booked(request)), 0, 9)
        self.assertTrue(self.ar_lines(invoice).reconciled)
        back = self.tax.refund_repartition_line_ids.account_id
        [tax] = [row for row in self.booked(request) if row[0] == back.code]
        original = invoice.line_ids.filtered('tax_repartition_line_id')
        self.assertEqual((tax[1], tax[2]), (-original.balance, -original.amount_currency))

    def test_roll_forward(self):
        """The month's roll-forward calls it a write-off, not a payment, a credit note or something else."""
        invoice = self.ar_invoice(50, '2026-02-01')
        self.ask(invoice).action_submit()
        totals = self.env['ar.roll.forward'].get_data({
            'date_from': '2026-03-01', 'date_to': '2026-03-31', 'company_ids': self.company.ids})['totals']
        self.assertEqual(totals['write_offs'], -50)
        self.assertEqual((totals['payments'], totals['credit_notes'], totals['other']), (0, 0, 0))

    def test_promise_is_not_kept_by_it(self):
        """A write-off is no payment: the promise ends as cleared, and does not count for the customer."""
        invoice = self.ar_invoice(50, '2026-02-01')
        promise = self.env['ar.promise']._promise(self.ar_lines(invoice), '2026-04-10')
        self.ask(invoice).action_submit()
        self.env['ar.promise']._cron_judge()
        self.assertNotEqual(promise.state, 'kept')

    # === FOUR EYES === #

    def test_above_the_limit(self):
        """A clerk asks, a manager decides; nothing is posted before."""
        invoice = self.ar_invoice(500, '2026-02-01')
        request = self.ask(invoice)
        self.assertTrue(request.needs_approval)
        request.action_submit()
        self.assertEqual((request.state, request.move_id.id), ('requested', False))
        self.assertTrue(request.activity_ids.user_id.has_group('ar_coordinator.group_ar_manager'))
        with self.assertRaises(AccessError):
            request.action_approve()
        self.assertFalse(invoice.line_ids.filtered('matched_credit_ids'))
        request.with_user(self.manager).action_approve()
        self.assertRecordValues(request, [{'state': 'done', 'approved_by_id': self.manager.id}])
        self.assertEqual(invoice.amount_residual, 0)
        self.assertFalse(request.activity_ids)

    def test_nobody_approves_his_own(self):
        """Not by the button, not by RPC, not through context defaults, not by import."""
        invoice = self.ar_invoice(500, '2026-02-01')
        request = self.ask(invoice, user=self.manager)
        request.action_submit()
        self.assertEqual(request.state, 'requested', "above what managers do alone")
        with self.assertRaises(AccessError):
            request.action_approve()
        with self.assertRaises(AccessError):
            request.write({'state': 'done'})
        with self.assertRaises(AccessError):
            request.write({'requested_by_id': self.clerk.id})
        with self.assertRaises(AccessError):
            self.ask(invoice, user=self.manager, requested_by_id=self.clerk.id)
        sneaky = self.ask(self.ar_invoice(1, '2026-02-01'), user=self.manager)
        sneaky = sneaky.with_context(default_state='requested', default_requested_by_id=self.clerk.id).copy()
        self.assertEqual((sneaky.state, sneaky.requested_by_id.id), ('draft', False))
        with self.assertRaises(ValidationError):
            request.sudo().approved_by_id = self.manager
        with self.assertRaises(UserError):
            request.line_ids.amount = 1
        with self.assertRaises(UserError):
            request.line_ids.unlink()
        request.with_user(self.second).action_refuse()
        self.assertEqual((request.state, invoice.amount_residual), ('refused', 500))

    def test_splitting_does_not_help(self):
        """What a user did for the customer without approval counts; what was approved does not."""
        for number in range(2):
            request = self.ask(self.ar_invoice(30, '2026-02-01'))
            request.action_submit()
            self.assertEqual(request.state, 'requested' if number else 'done')

    def test_two_at_once_do_not_share_the_limit(self):
        """The later of two transactions that use the same limit fails to serialize, and Odoo repeats it."""
        request = self.ask(self.ar_invoice(30, '2026-02-01'))
        elsewhere = self.ask(self.ar_invoice(30, '2026-02-01', partner=self.other_customer))
        key = f'ar.write.off,{self.company.id},{self.customer.id},{self.clerk.id}'
        with self.registry.cursor() as other:
            self.env(cr=other)['ar.ledger']._take_turns([key])
            other.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                request.action_submit()
            other.execute("DELETE FROM ar_credit_turn WHERE name = %s", [key])
        self.assertEqual(request.state, 'draft')
        elsewhere.action_submit()
        self.assertEqual(elsewhere.state, 'done', "another customer's limit stops nobody")

    def test_limits_of_users(self):
        """A user's own limits stand before the role's, for asking and for approving."""
        self.env['ar.write.off.limit'].create([
            {'user_id': self.clerk.id, 'company_id': self.company.id, 'amount_alone': 0},
            {'user_id': self.manager.id, 'company_id': self.company.id, 'amount_alone': 10, 'amount_approve': 100}])
        request = self.ask(self.ar_invoice(500, '2026-02-01'))
        request.action_submit()
        self.assertNotEqual(request.activity_ids.user_id, self.manager, "he may not approve so much")
        with self.assertRaises(AccessError):
            request.with_user(self.manager).action_approve()
        small = self.ask(self.ar_invoice(1, '2026-02-01'))
        small.action_submit()
        self.assertEqual(small.state, 'requested')

    def test_nobody_sets_his_own_limit(self):
        limits = self.env['ar.write.off.limit'].with_user(self.manager)
        with self.assertRaises(AccessError):
            limits.create({'user_id': self.manager.id, 'company_id': self.company.id, 'amount_alone': 1_000_000})
        own = limits.with_user(self.second).create(
            {'user_id': self.manager.id, 'company_id': self.company.id, 'amount_alone': 10})
        for change in (lambda: own.with_user(self.manager).write({'amount_alone': 1_000}),
                       lambda: own.with_user(self.manager).unlink()):
            with self.assertRaises(AccessError):
                change()
        other = limits.create({'user_id': self.clerk.id, 'company_id': self.company.id, 'amount_alone': 10})
        with self.assertRaises(AccessError):
            other.write({'user_id': self.manager.id})

    def test_nobody_else_may_approve(self):
        managers = self.env.ref('ar_coordinator.group_ar_manager').all_user_ids
        self.env['ar.write.off.limit'].sudo().create([
            {'user_id': user.id, 'company_id': self.company.id, 'amount_approve': 100} for user in managers])
        with self.assertRaises(UserError):
            self.ask(self.ar_invoice(500, '2026-02-01')).action_submit()

    # === CHANGES MEANWHILE, UNDO === #

    def test_paid_meanwhile(self):
        """Paid between request and approval: nothing is posted, the approver is told."""
        invoice = self.ar_invoice(500, '2026-02-01')
        request = self.ask(invoice)
        request.action_submit()
        self.ar_pay(invoice, '2026-03-31', 100)
        with self.assertRaises(UserError):
            request.with_user(self.manager).action_approve()
        self.assertEqual(invoice.amount_residual, 400)

    def test_reverse(self):
        """Undone by a reversal: the item is open again, both entries stay."""
        invoice = self.ar_invoice(50, '2026-02-01')
        request = self.ask(invoice)
        request.action_submit()
        with self.assertRaises(AccessError):
            request.action_reverse()
        request.with_user(self.manager).action_reverse()
        self.assertEqual((request.state, request.reversal_move_id.state), ('reversed', 'posted'))
        self.assertEqual([row['residual'] for row in self.items('2026-03-31')], [50])
        with self.assertRaises(UserError):
            request.with_user(self.manager).action_reverse()

    def balance(self):
        """What the customer owes by the books."""
        return sum(self.env['account.move.line'].search([
            ('partner_id', '=', self.customer.id), ('parent_state', '=', 'posted'),
            ('account_id.account_type', '=', 'asset_receivable')]).mapped('balance'))

    def test_reverse_what_an_accountant_reversed(self):
        """The entry is reversed already: the request takes note of it, and no second reversal doubles the debt."""
        invoice = self.ar_invoice(50, '2026-02-01')
        request = self.ask(invoice)
        request.action_submit()
        reversal = request.move_id._reverse_moves([{'date': '2026-03-31'}], cancel=True)
        self.assertEqual((request.state, invoice.amount_residual, self.balance()), ('done', 50, 50))
        request.with_user(self.manager).action_reverse()
        self.assertEqual((request.state, request.reversal_move_id), ('reversed', reversal))
        self.assertEqual(request.move_id.reversal_move_ids, reversal)
        self.assertEqual((invoice.amount_residual, self.balance()), (50, 50))

    def test_reverse_what_is_a_draft_again(self):
        """The entry was reset to draft: nothing is in the books and nothing is reversed; the draft is cancelled."""
        invoice = self.ar_invoice(50, '2026-02-01')
        request = self.ask(invoice)
        request.action_submit()
        request.move_id.button_draft()
        self.assertEqual((invoice.amount_residual, self.balance()), (0, 50), "Odoo leaves the draft matched")
        request.with_user(self.manager).action_reverse()
        self.assertRecordValues(request, [{'state': 'reversed', 'reversal_move_id': False}])
        self.assertEqual((request.move_id.state, request.move_id.reversal_move_ids.ids), ('cancel', []))
        self.assertEqual((invoice.amount_residual, self.balance()), (50, 50))

    def test_refuses_nonsense(self):
        """Another customer's item, more than is open, a credit, another company's item, nothing at all."""
        invoice, credit = self.ar_invoice(50, '2026-02-01'), self.ar_invoice(20, '2026-02-01', move_type='out_refund')
        cases = (
            self.ask(invoice, amount=60), self.ask(invoice, amount=-10), self.ask(credit),
            self.ask(self.ar_invoice(50, '2026-02-01', partner=self.other_customer), partner_id=self.customer.id),
            self.ask(invoice, kind='small'), self.ask(invoice, line_ids=[]), self.ask(invoice, kind='refund'))
        for number, request in enumerate(cases):
            with self.subTest(number=number), self.assertRaises(UserError):
                request.action_submit()
        self.company.ar_write_off_account_id = False
        with self.assertRaises(UserError):
            self.ask(invoice).action_submit()

    def test_roles(self):
        """Readers see and change nothing; other companies' requests are not seen."""
        invoice = self.ar_invoice(50, '2026-02-01')
        request = self.ask(invoice)
        with self.assertRaises(AccessError):
            request.with_user(self.reader).action_submit()
        with self.assertRaises(AccessError):
            self.ask(invoice, user=self.reader)
        self.assertEqual(request.with_user(self.reader).amount_total, 50)
        other = self.setup_other_company()['company']
        stranger = self.ar_user('stranger', 'ar_coordinator.group_ar_manager')
        stranger.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        self.assertFalse(self.env['ar.write.off'].with_user(stranger).search([('id', '=', request.id)]))

    # === SMALL BALANCES === #

    def test_small_balances(self):
        """Small, past their due date and undisputed ones are proposed, and cleaned up with one click."""
        rest = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        self.ar_pay(rest, '2026-03-01', 96.5)
        over = self.ar_cash(3, '2026-03-01', partner=self.other_customer)
        self.ar_invoice(4, '2026-03-20', due='2026-03-25')  # not long enough
        self.ar_invoice(6, '2026-02-01', due='2026-02-01')  # too much
        disputed = self.ar_invoice(2, '2026-02-01', due='2026-02-01')
        self.ar_dispute(disputed, 2)
        rows = self.env['ar.small.balance'].with_user(self.clerk).search([('company_id', '=', self.company.id)])
        self.assertEqual(
            {(row.partner_id, row.amount_open) for row in rows}, {(self.customer, 3.5), (self.other_customer, -3)})
        action = rows.action_clean_up()
        requests = self.env['ar.write.off'].search(action['domain'])
        self.assertEqual(requests.mapped('state'), ['done', 'done'])
        self.assertEqual(rest.amount_residual, 0)
        self.assertTrue(self.ar_lines(over).reconciled)
        gained = requests.filtered(lambda request: request.partner_id == self.other_customer)
        self.assertEqual(self.booked(gained), sorted([(self.gain.code, -3, -3), (self.receivable.code, 3, 3)]))
        self.assertFalse(self.env['ar.small.balance'].search([('company_id', '=', self.company.id)]))

    # === REFUNDS === #

    def test_refund(self):
        """A credit is paid back by a draft payment; posting it settles the credit."""
        credit = self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        request = self.ask(credit, kind='refund', cause='overpaid')
        request.action_submit()
        payment = request.payment_id
        self.assertRecordValues(payment, [{
            'state': 'draft', 'amount': 40, 'payment_type': 'outbound', 'partner_type': 'customer',
            'partner_id': self.customer.id}])
        self.assertFalse(self.ar_lines(credit).reconciled)
        payment.action_post()
        self.assertTrue(self.ar_lines(credit).reconciled)
        self.assertEqual(self.items('2026-03-31'), [])
        with self.assertRaises(UserError):
            request.with_user(self.manager).action_reverse()

    def test_refund_pays_what_was_approved(self):
        """The draft payment of an approved refund can be edited, but only what was approved is paid."""
        credit = self.ar_invoice(100, '2026-02-01', move_type='out_refund')
        request = self.ask(credit, kind='refund', cause='overpaid')
        request.action_submit()
        request.with_user(self.manager).action_approve()
        payment = request.payment_id
        for vals in (
                {'amount': 9000}, {'amount': 99.99}, {'currency_id': self.eur.id},
                {'partner_id': self.other_customer.id}, {'payment_type': 'inbound'}, {'partner_type': 'supplier'}):
            for post in (payment.action_post, payment.action_validate, lambda: payment.write({'state': 'paid'})):
                with self.subTest(**vals), self.cr.savepoint() as savepoint:
                    payment.write(vals)
                    with self.assertRaisesRegex(UserError, r"\$.100\.00 to Harbour Fish"):
                        post()
                    savepoint.rollback()
                self.assertRecordValues(payment, [{'state': 'draft', 'amount': 100}])
        self.assertFalse(self.ar_lines(credit).reconciled)
        payment.date = '2026-03-30'
        payment.action_post()
        self.assertTrue(self.ar_lines(credit).reconciled)
        self.assertRecordValues(payment, [{'amount': 100, 'partner_id': self.customer.id}])
        with self.assertRaisesRegex(UserError, "Change the payment back"):
            payment.amount = 9000

    def test_other_payments_are_free(self):
        """Payments that no request is for are edited and posted as before."""
        payment = self.env['account.payment'].create({
            'payment_type': 'outbound', 'partner_type': 'customer', 'partner_id': self.customer.id, 'amount': 10,
            'company_id': self.company.id})
        payment.amount = 20
        payment.action_post()
        self.assertEqual((payment.amount, payment.state != 'draft'), (20, True))

    def test_refund_taken_back(self):
        """While its payment is a draft a refund can be undone."""
        credit = self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        request = self.ask(credit, kind='refund')
        request.action_submit()
        request.with_user(self.manager).action_reverse()
        self.assertEqual((request.state, request.payment_id.state), ('reversed', 'canceled'))

    def test_a_credit_is_paid_back_once(self):
        """While the first refund's payment is a draft the credit is open, and not to be paid back a second time."""
        credit = self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        first = self.ask(credit, kind='refund', amount=-30)
        first.action_submit()
        second = self.ask(credit, kind='refund')
        with self.assertRaisesRegex(UserError, "cannot be taken off"):
            second.action_submit()
        second.line_ids.amount = -10
        second.action_submit()
        self.assertEqual((first.payment_id.amount, second.payment_id.amount), (30, 10))
        first.with_user(self.manager).action_reverse()
        third = self.ask(credit, kind='refund', amount=-30)
        third.action_submit()
        self.assertEqual(third.state, 'done')

    def test_credit_used_before_the_refund_is_posted(self):
        """The credit was matched with an invoice meanwhile: what is gone is not paid out; the rest stays a draft."""
        invoice, credit = self.ar_invoice(30, '2026-02-01'), self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        request = self.ask(credit, kind='refund')
        request.action_submit()
        (self.ar_lines(invoice) + self.ar_lines(credit)).reconcile()
        with self.assertRaisesRegex(UserError, "cannot be taken off"):
            request.payment_id.action_post()
        self.assertEqual((request.payment_id.state, self.ar_lines(credit).amount_residual), ('draft', -10))
        self.ar_lines(invoice).remove_move_reconcile()
        request.payment_id.action_post()
        self.assertTrue(self.ar_lines(credit).reconciled)
        request.payment_id.action_post()  # again, as from the list: it is posted already
        self.assertEqual(request.payment_id.state, 'paid')

    def test_refunds_posted_together(self):
        """Two refunds of one credit that are posted in one go are looked at together."""
        invoice, credit = self.ar_invoice(5, '2026-02-01'), self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        first, second = (self.ask(credit, kind='refund', amount=amount) for amount in (-30, -10))
        first.action_submit()
        second.action_submit()
        (self.ar_lines(invoice) + self.ar_lines(credit)).reconcile()
        with self.assertRaisesRegex(UserError, "cannot be taken off"):
            (first.payment_id + second.payment_id).action_post()
        first.payment_id.action_post()
        self.assertEqual(self.ar_lines(credit).amount_residual, -5)

    def test_refund_of_one_account(self):
        """Credits on two accounts are not paid back by one payment: it would settle one account only."""
        special = self.receivable.copy()
        first = self.ar_invoice(10, '2026-02-01', move_type='out_refund')
        self.customer.with_company(self.company).property_account_receivable_id = special
        second = self.ar_invoice(20, '2026-02-01', move_type='out_refund')
        self.assertEqual(self.ar_lines(second).account_id, special)
        request = self.ask(first, second, kind='refund')
        with self.assertRaisesRegex(UserError, "several accounts"):
            request.action_submit()
        self.assertFalse(request.payment_id)
        for credit, account in ((first, self.receivable), (second, special)):
            request = self.ask(credit, kind='refund')
            request.action_submit()
            self.assertEqual(request.payment_id.destination_account_id, account)
            request.payment_id.action_post()
            self.assertTrue(self.ar_lines(credit).reconciled)

    def test_refunds_take_turns(self):
        """Refunds of one customer, whoever asks, write one row: of two at the same instant the later starts again."""
        credit = self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        key = f'ar.write.off,refund,{self.company.id},{self.customer.id}'
        with patch.object(self.registry['ar.ledger'], '_take_turns', autospec=True) as take_turns:
            for user in (self.clerk, self.manager):
                self.ask(credit, kind='refund', amount=-10, user=user).action_submit()
            self.ask(self.ar_invoice(10, '2026-02-01')).action_submit()
        taken = [one for call in take_turns.call_args_list for one in call.args[1]]
        self.assertEqual(taken.count(key), 2)

    def test_refund_taken_apart(self):
        """Paid, and the matching taken apart: the credit is open, but the money has left."""
        credit = self.ar_invoice(40, '2026-02-01', move_type='out_refund')
        first = self.ask(credit, kind='refund', amount=-30)
        first.action_submit()
        first.payment_id.action_post()
        rest = self.ask(credit, kind='refund', amount=-10)
        self.assertEqual(rest.line_ids._get_paid_back_elsewhere()[self.ar_lines(credit)], 0)
        self.ar_lines(credit).remove_move_reconcile()
        self.assertEqual(self.ar_lines(credit).amount_residual, -40)
        with self.assertRaisesRegex(UserError, "cannot be taken off"):
            self.ask(credit, kind='refund', amount=-10.01).action_submit()
        rest.action_submit()
        self.assertEqual(rest.payment_id.amount, 10)
        first.payment_id.action_draft()
        first.payment_id.action_cancel()
        again = self.ask(credit, kind='refund', amount=-30, user=self.manager)
        again.action_submit()
        self.assertEqual(again.state, 'done', "the first payment is off")
