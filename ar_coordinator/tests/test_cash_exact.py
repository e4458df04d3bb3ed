"""Each way of matching to the cent, in the company's currency and in a foreign one whose rate moved; what stops it."""
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.ar_coordinator.engine.cash import WHAT, Advice

from .test_cash_proposal import CashCase

INVOICED, PAID = 2.5, 1.6  # what a euro is worth in the company's currency in February and in March


@tagged('post_install', '-at_install')
class TestCashExact(CashCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({
            'ar_cash_fee': 10, 'ar_cash_fee_account_id': cls.company_data['default_account_expense'].id})
        cls.term = cls.env['account.payment.term'].create({
            'name': "2 % in 60 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 60,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [(0, 0, {'value': 'percent', 'value_amount': 100, 'nb_days': 60})]})
        cls.euro_bank = cls.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURB', 'currency_id': cls.eur.id,
            'company_id': cls.company.id})
        cls.payer = cls.env['res.partner'].create({'name': "Quay Traders"})

    # === THE WAYS === #
    # what: (amounts owed, amount that came in, items named, what is open afterwards, what is left on account, options)
    WAYS = {
        'referenced': ([1_000, 500], 1_500, [0, 1], [0, 0], 0, {}),
        'discount': ([1_000], 980, [0], [0], 0, {'term': True, 'discount': 20}),
        'fee': ([1_000], 995, [0], [0], 0, {'fee': 5}),
        'part_named': ([1_000.40, 500.20, 300.60], 1_301, [0, 1, 2], [0, 500.20, 0], 0, {}),
        'with_others': ([1_000, -200, 77], 800, [0], [0, 0, 77], 0, {}),
        'short': ([1_000, 500], 1_200, [0, 1], [0, 300], 0, {}),
        'over': ([1_000], 1_050, [0], [0], 50, {}),
        'one': ([1_000, 333.40], 333.40, [], [1_000, 0], 0, {}),
        'one_discount': ([1_000, 333], 980, [], [0, 333], 0, {'term': True, 'discount': 20}),
        'one_fee': ([1_000, 333], 995, [], [0, 333], 0, {'fee': 5}),
        'all': ([1_000, 333.40, 20.20], 1_353.60, [], [0, 0, 0], 0, {}),
        'up_to': ([1_000, 333.40, 20.20], 1_333.40, [], [0, 0, 20.20], 0, {}),
        'sum': ([1_000, 333.40, 20.20], 1_020.20, [], [0, 333.40, 0], 0, {}),
        'sum_discount': ([1_000, 333, 500], 1_470, [], [0, 333, 0], 0, {'term': True, 'discount': 30}),
        'oldest': ([1_000, 500], 1_200, [], [0, 300], 0, {'habit': {'kind': 'oldest'}}),
        'less': ([1_000, 500], 1_455, [0, 1], [30, 15], 0, {'habit': {'kind': 'less', 'percent': 3}}),
        'advised': ([1_000, 500], 1_390, [], [110, 0], 0, {'advice': [(0, 890, 110), (1, 500, 0)]}),
    }

    def test_all_ways_are_here(self):
        across = {what for what in WHAT if what.startswith('converted')}  # test_cash_currency
        self.assertEqual(set(self.WAYS), set(WHAT) - across)

    def test_in_the_currency_of_the_company(self):
        for what in self.WAYS:
            with self.subTest(what=what), self.rolled_back():
                self.check_way(what, self.company.currency_id, self.bank, 1, 1)

    def test_in_a_foreign_currency_whose_rate_moved(self):
        """The item leaves the books at the rate it was invoiced at, the bank has the day's, an entry has the rest."""
        for what in self.WAYS:
            with self.subTest(what=what), self.rolled_back():
                self.check_way(what, self.eur, self.euro_bank, INVOICED, PAID)

    def test_payments_on_account(self):
        """The same from a payment: what is paid in part is matched in part."""
        for what in ('with_others', 'less', 'over', 'oldest'):
            with self.subTest(what=what), self.rolled_back():
                self.check_way(what, self.eur, self.euro_bank, INVOICED, PAID, as_payment=True)

    def test_payments_carry_no_discounts_and_fees(self):
        for what in ('discount', 'fee'):
            amounts, received, _named, _left, _rest, options = self.WAYS[what]
            with self.subTest(what=what), self.rolled_back():
                [move] = self.make_moves(amounts, self.eur, options)
                payment = self.ar_cash(received, '2026-03-05', partner=self.payer, memo=move.name,
                                       journal_id=self.euro_bank.id, currency_id=self.eur.id)
                self.assertEqual(self.propose(self.ar_lines(payment)).what, 'short')

    @contextmanager
    def rolled_back(self):
        with self.env.cr.savepoint() as savepoint:
            yield
            savepoint.close(rollback=True)
        self.env.invalidate_all()

    def check_way(self, what, currency, journal, invoiced, paid, as_payment=False):
        amounts, received, named, left, on_account, options = self.WAYS[what]
        moves = self.make_moves(amounts, currency, options)
        advice = self.make_advice(moves, received, currency, options)
        text = ' '.join(moves[place].name for place in named) or "payment"
        before = self.total()
        with patch.object(self.env.registry['ar.cash'], '_get_advices', lambda *args: advice):
            if as_payment:
                payment = self.ar_cash(
                    received, '2026-03-05', partner=self.payer, memo=text, journal_id=journal.id,
                    currency_id=currency.id)
                source = self.ar_lines(payment)
            else:
                source = self.transaction(received, text, journal=journal, partner_name="Quay Traders")
            proposal = self.propose(source)
        self.assertEqual((proposal.what, proposal.currency_id, proposal.partner_id), (what, currency, self.payer))
        proposal.action_apply()
        for move, rest in zip(moves, left, strict=True):
            item = self.ar_lines(move)
            self.assertEqual(item.amount_residual_currency, rest)
            self.assertAlmostEqual(item.amount_residual, rest * invoiced, 2)
        settled = round(sum(amounts) - sum(left), 2)
        self.assertAlmostEqual(
            before - self.total(), settled * invoiced + on_account * paid, 2, "the ledger, tied out")
        matches = proposal.match_ids if as_payment else source.line_ids.matched_debit_ids \
            | source.line_ids.matched_credit_ids
        exchange = matches.exchange_move_id.line_ids.filtered(lambda row: row.account_type == 'asset_receivable')
        self.assertAlmostEqual(
            -sum(exchange.mapped('balance')), settled * (invoiced - paid), 2, "exchange difference")
        if not as_payment:
            self.check_entry(source, invoiced, paid, options)
        if currency == self.company.currency_id:
            return
        proposal.action_undo()
        self.assertEqual([self.ar_lines(move).amount_residual_currency for move in moves], amounts)
        self.assertAlmostEqual(self.total(), before - (received * paid if as_payment else 0), 2)

    # === MORE THAN AMOUNTS === #

    def test_discount_with_its_taxes(self):
        """A discount that lowers the tax base: the tax of it goes back to the tax account."""
        tax = self.env['account.tax'].create({
            'name': "10 %", 'amount': 10, 'amount_type': 'percent', 'type_tax_use': 'sale',
            'company_id': self.company.id})
        self.term.early_pay_discount_computation = 'included'
        invoice = self.ar_invoice(
            1_000, '2026-02-10', partner=self.payer, invoice_payment_term_id=self.term.id, post=False)
        invoice.invoice_line_ids.tax_ids = tax
        invoice.action_post()
        line = self.transaction(1_078, invoice.name)
        proposal = self.propose(line)
        self.assertEqual((invoice.amount_total, proposal.what, proposal.line_ids.discount), (1_100, 'discount', 22))
        proposal.action_apply()
        loss = self.company.account_journal_early_pay_discount_loss_account_id
        self.assertEqual(sum(line.line_ids.filtered(lambda row: row.account_id == loss).mapped('balance')), 20)
        self.assertEqual(sum(line.line_ids.filtered('tax_line_id').mapped('balance')), 2)
        self.assertEqual((invoice.amount_residual, sum(line.line_ids.mapped('balance'))), (0, 0))
        self.total()

    def test_instalments_are_items_of_their_own(self):
        term = self.env['account.payment.term'].create({'name': "Halves", 'line_ids': [
            (0, 0, {'value': 'percent', 'value_amount': 50, 'nb_days': days}) for days in (10, 40)]})
        invoice = self.ar_invoice(800, '2026-02-10', partner=self.payer, invoice_payment_term_id=term.id)
        first, second = self.ar_lines(invoice).sorted('date_maturity')
        proposal = self.propose(self.transaction(400, invoice.name))
        self.assertEqual((proposal.what, proposal.is_ambiguous), ('referenced', False))
        self.assertEqual(proposal.line_ids.move_line_id, first, "the one that is due first")
        proposal.action_apply()
        self.assertEqual((first.amount_residual, second.amount_residual), (0, 400))
        self.assertEqual(self.propose(self.transaction(400, invoice.name)).line_ids.move_line_id, second)

    def test_draft_counterparts_leave_the_item_alone(self):
        """An invoice reconciled with a draft credit note is not what it looks like: nothing is proposed for it."""
        invoice = self.ar_invoice(700, '2026-02-10', partner=self.payer)
        note = self.ar_invoice(200, '2026-02-11', partner=self.payer, move_type='out_refund', post=False)
        (self.ar_lines(invoice) + self.ar_lines(note)).reconcile()
        self.assertNotIn(invoice, self.propose(self.transaction(497, invoice.name)).line_ids.move_id)

    def test_a_locked_period_is_said_and_leaves_nothing(self):
        line = self.transaction(1_000, self.one.name)
        proposal = self.propose(line)
        entry = line.line_ids
        with patch.object(type(self.company), '_validate_locks'):  # Odoo wants such transactions dealt with before
            self.company.sudo().fiscalyear_lock_date = '2026-03-31'
        with self.assertRaisesRegex(UserError, "(?i)lock"), self.env.cr.savepoint():
            proposal.with_user(self.clerk).action_apply()
        self.assertEqual((proposal.state, line.is_reconciled, self.one.amount_residual), ('proposed', False, 1_000))
        self.assertEqual(line.line_ids, entry)
        self.company.ar_cash_automatic = True
        self.assertFalse(self.env['ar.cash']._apply_sure(self.company, proposal))
        self.assertRegex(proposal.problem, "(?i)lock")
        notes = len(proposal.message_ids)
        self.env['ar.cash']._apply_sure(self.company, proposal)
        self.assertEqual(len(proposal.message_ids), notes, "said once, not every hour")
        self.company.sudo().fiscalyear_lock_date = False
        self.assertEqual(self.env['ar.cash']._apply_sure(self.company, proposal), proposal)

    def test_two_companies_with_the_same_numbers(self):
        """Invoices of both companies have one number: each company's money pays its own."""
        other = self.setup_other_company()
        theirs = self.env['account.move'].with_company(other['company']).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-01-10',
            'company_id': other['company'].id,
            'invoice_line_ids': [(0, 0, {'name': "Goods", 'price_unit': 1_000, 'tax_ids': []})]})
        theirs.action_post()
        self.assertEqual(theirs.name, self.one.name)
        line = self.transaction(1_000, theirs.name, journal=other['default_journal_bank'])
        self.assertFalse(self.propose())
        proposal = self.env['ar.cash']._propose(other['company'])
        self.assertEqual((proposal.statement_line_id, proposal.line_ids.move_id), (line, theirs))
        proposal.with_context(allowed_company_ids=(self.company + other['company']).ids).action_apply()
        self.assertEqual((theirs.amount_residual, self.one.amount_residual), (0, 1_000))

    # === FAULTS === #

    def test_queries_do_not_grow_with_receipts(self):
        def count(number):
            for _each in range(number):
                invoice = self.ar_invoice(70, '2026-02-10', partner=self.payer)
                self.transaction(70, invoice.name)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertGreaterEqual(len(self.propose()), number)
            return self.cr.sql_log_count - before
        self.propose()
        few, many = count(3), count(15)
        self.assertLessEqual(many, few + 2)

    def test_stopped_in_the_middle(self):
        """An error after the bank's entry was changed takes everything of this payment back, and stops no other."""
        first = self.propose(self.transaction(1_000, self.one.name))
        second = self.propose(self.transaction(300, f"{self.three.name} Alder"))
        both = first | second
        origin = type(first)._close_rest

        def stop(proposal):
            if proposal == first:
                self.assertEqual(self.one.amount_residual, 0, "in the middle")
                raise ZeroDivisionError
            return origin(proposal)

        self.company.ar_cash_automatic = True
        with patch.object(type(first), '_close_rest', stop), \
                mute_logger('odoo.addons.ar_coordinator.models.ar_cash'):
            self.assertEqual(self.env['ar.cash']._apply_sure(self.company, both), second)
        self.assertEqual((first.state, first.statement_line_id.is_reconciled), ('proposed', False))
        self.assertEqual((self.one.amount_residual, self.three.amount_residual), (1_000, 0))
        self.assertIn("server's log", first.problem)
        self.assertEqual(self.total(), 1_500)

    def test_the_job_keeps_what_it_did_and_goes_on(self):
        """Kept in batches; a job whose time is up goes on where it was."""
        self.company.ar_cash_automatic = True
        lines = [self.transaction(move.amount_total, f"{move.name} {move.partner_id.name}")
                 for move in (self.one, self.two, self.three)]
        kept = []

        def commit(cron, processed=0, remaining=None):
            kept.append((processed, [line.is_reconciled for line in lines]))
            return 0 if processed else 1  # no time is left

        others = self.env['res.company'].search([('id', '!=', self.company.id)])
        others.ar_cash_automatic = False
        with patch.object(self.env.registry['ir.cron'], '_commit_progress', commit), \
                patch('odoo.addons.ar_coordinator.models.ar_cash.BATCH', 2):
            self.env['ar.cash']._cron_apply()
            self.assertEqual(sum(line.is_reconciled for line in lines), 2)
            self.env['ar.cash']._cron_apply()
        self.assertEqual([line.is_reconciled for line in lines], [True] * 3)
        self.assertEqual([processed for processed, _done in kept if processed > 1], [2])

    def make_moves(self, amounts, currency, options):
        moves = []
        for place, amount in enumerate(amounts):
            moves.append(self.ar_invoice(
                abs(amount), '2026-02-10', partner=self.payer, currency_id=currency.id,
                move_type='out_invoice' if amount > 0 else 'out_refund', due=f'2026-02-{11 + place}',
                **({'invoice_payment_term_id': self.term.id} if options.get('term') and amount != 333 else {})))
        if options.get('habit'):
            self.env['ar.payer.habit'].create({
                'partner_id': self.payer.id, 'company_id': self.company.id, **options['habit']})
        return moves

    def make_advice(self, moves, received, currency, options):
        if 'advice' not in options:
            return {}
        lines = tuple(
            (self.ar_lines(moves[place]).id, paid * 100, kept * 100) for place, paid, kept in options['advice'])
        return {currency: [Advice(1, self.payer.id, received * 100, date(2026, 3, 4), "", lines)]}

    def check_entry(self, source, invoiced, paid, options):
        """The bank's entry: nothing on the suspense account, fee and discount on theirs, in balance.

        A discount is worth what it was when it was invoiced (as Odoo has it, with an exchange line beside it).
        """
        self.assertTrue(source.is_reconciled)
        self.assertAlmostEqual(sum(source.line_ids.mapped('balance')), 0, 2)
        booked = {
            'fee': self.company.ar_cash_fee_account_id,
            'discount': self.company.account_journal_early_pay_discount_loss_account_id}
        for name, account in booked.items():
            lines = source.line_ids.filtered(lambda row, account=account: row.account_id == account)
            self.assertAlmostEqual(sum(lines.mapped('amount_currency')), options.get(name, 0), 2, name)
            rate = invoiced if name == 'discount' else paid
            self.assertAlmostEqual(sum(lines.mapped('balance')), options.get(name, 0) * rate, 2, name)
