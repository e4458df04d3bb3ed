"""The desk of cash: what it shows, applies and undoes, who may, and that its queries do not grow with the payments."""
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .test_cash_proposal import CashCase


class DeskCase(CashCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = cls.ar_user('cash_reader', 'ar_coordinator.group_ar_readonly')
        cls.sure = cls.transaction(1_000, cls.one.name, partner_name="Harbour Fish")
        cls.short = cls.transaction(450, cls.two.name, date='2026-03-06', partner_name="Harbour Fish")
        cls.unknown = cls.transaction(77.7, "thank you", date='2026-03-07', partner_name="Somebody Else")
        cls.payment = cls.ar_cash(300.1, '2026-03-04', partner=cls.other_customer, memo="Cheque 12")

    def desk(self, user=None, company=None):
        company = company or self.company
        return self.env['ar.cash.desk'].with_user(user or self.clerk).with_context(allowed_company_ids=company.ids)

    def receipts(self, **options):
        """Texts of the receipts shown, and the answer."""
        data = self.desk().get_receipts(options)
        return [row['text'] for row in data['rows']], data

    def details(self, source, **kwargs):
        """get_items of a transaction or payment, and its items by number."""
        kind = 'payment' if source._name == 'account.payment' else 'transaction'
        key = self.ar_lines(source).id if kind == 'payment' else source.id
        data = self.desk().get_items(kind, key, **kwargs)
        return data, {item['name']: item for item in data['items']}

    def pay(self, source, *rows, **kwargs):
        """Apply chosen (move, amount) rows."""
        return self.desk().apply('transaction', source.id, [
            {'id': self.ar_lines(move).id, 'amount': amount, 'discount': 0} for move, amount in rows], **kwargs)


@tagged('post_install', '-at_install')
class TestCashDesk(DeskCase):

    def setUp(self):
        super().setUp()
        self.propose()

    def test_receipts_and_filters(self):
        texts, data = self.receipts()
        self.assertEqual(texts, ["Cheque 12", self.one.name, self.two.name, "thank you"], "oldest first")
        self.assertEqual(data['counts'], {'all': 4, 'sure': 1, 'doubtful': 1, 'nothing': 2, 'mine': 0})
        self.assertEqual(
            (data['row_count'], data['totals']), (4, [{'currency_id': self.company.currency_id.id, 'amount': 1_827.8}]))
        self.assertEqual([row['state'] for row in data['rows']], ['nothing', 'sure', 'doubtful', 'nothing'])
        self.assertTrue(data['can_work'] and data['has_bank'])
        self.assertEqual(self.receipts(show='sure')[0], [self.one.name])
        self.assertEqual(self.receipts(show='nothing', order='amount')[0], ["Cheque 12", "thank you"])
        for search, found in (
                ("somebody", ["thank you"]), ("77.70", ["thank you"]), ("77,70", ["thank you"]),
                ("alder", ["Cheque 12"]),
                (self.two.name, [self.two.name]), ("100%", [])):
            self.assertEqual(self.receipts(search=search)[0], found, search)
        self.assertEqual(self.receipts(limit=1, offset=2)[0], [self.two.name])
        self.customer.with_company(self.company).ar_collector_id = self.clerk
        self.assertEqual(self.receipts(show='mine')[0], [self.one.name, self.two.name])
        self.assertEqual(self.receipts(journal_id=self.bank.id, show='sure')[0], [self.one.name])
        for options, words in (({'show': 'x'}, "show"), ({'journal_id': "1; DROP"}, "bank account"), ({'x': 1}, "x")):
            with self.assertRaisesRegex(UserError, words):
                self.receipts(**options)

    def test_items_say_what_is_proposed_and_what_else_is_open(self):
        foreign = self.ar_misc(40, '2026-02-01', currency_id=self.eur.id, amount_currency=100)
        self.env['ar.dispute'].create({
            'move_id': self.two.id, 'amount': 20,
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_unclear').id})
        data, items = self.details(self.short)
        two, one = items[self.two.name], items[self.one.name]
        self.assertEqual(
            [item['name'] for item in data['items']], [self.two.name, self.one.name, foreign.name],
            "ticked ones first, other currencies last")
        self.assertEqual((items[foreign.name]['residual'], items[foreign.name]['item_residual']), (160, 100))
        self.assertEqual((two['chosen'], two['amount'], two['residual'], two['disputed']), (True, 500, 500, 20))
        self.assertEqual((one['chosen'], one['amount'], one['residual']), (False, 0, 1_000))
        self.assertEqual((data['partner']['id'], data['other_currencies'], data['receipt']['rest']),
                         (self.customer.id, 0, -50))
        self.assertEqual(data['why'][-1], "The text names the items, the amount is too small.")
        self.assertEqual(
            [row['value'] for row in data['short_actions']], ['open', 'dispute', 'write_off', 'fee', 'rate'])
        self.assertEqual(data['defaults']['short'], self.company.ar_cash_short_action)
        data, items = self.details(self.unknown)
        self.assertEqual((data['partner'], data['items']), (False, []))
        data, items = self.details(self.unknown, partner_id=self.other_customer.id)
        self.assertEqual((list(items), data['partner']['name']), (
            [self.three.name, self.payment.move_id.name], "Alder & Sons"), "what is on account can be used as well")

    def test_discount_and_subsidiary_and_registered_payment(self):
        term = self.env['account.payment.term'].create({
            'name': "2 % in 10 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [(0, 0, {'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        child = self.env['res.partner'].create({
            'name': "Harbour Smokehouse", 'is_company': True, 'parent_id': self.customer.id})
        invoice = self.ar_invoice(900, '2026-03-01', partner=child, invoice_payment_term_id=term.id)
        early, late = (self.transaction(882, "fish", date=day, partner_id=self.customer.id)
                       for day in ('2026-03-09', '2026-03-12'))
        data, items = self.details(early)
        item = items[invoice.name]
        self.assertEqual((item['discount'], item['discount_until'], item['customer'], data['family']),
                         (18, '2026-03-11', child.complete_name, True))
        self.assertEqual(self.details(late)[1][invoice.name]['discount'], 0, "too late")
        money = self.transaction(300.1, "alder", partner_id=self.other_customer.id)
        self.assertEqual([row['id'] for row in self.details(money)[0]['waiting']], self.payment.ids, "the same money")

    def test_customers_and_what_speaks_for_them(self):
        found = self.desk().find_customers('transaction', self.unknown.id)
        self.assertEqual(found, [])
        exact = self.ar_invoice(77.7, '2026-02-01', partner=self.other_customer)
        [row] = self.desk().find_customers('transaction', self.unknown.id)
        self.assertEqual((row['id'], row['owed']), (self.other_customer.id, 77.6), "300.10 is on account")
        self.assertIn(f"{exact.name} is exactly this amount", row['why'])
        [row] = self.desk().find_customers('transaction', self.unknown.id, self.one.name)
        self.assertEqual((row['id'], f"{self.one.name} is open" in row['why']), (self.customer.id, True))
        [row] = self.desk().find_customers('transaction', self.unknown.id, "alder sons")
        self.assertEqual(row['id'], self.other_customer.id)
        self.env['res.partner'].create({'name': "Newcomer Nets"})
        [row] = self.desk().find_customers('transaction', self.unknown.id, "newcomer")
        self.assertEqual((row['owed'], row['why']), (0, "Owes nothing in USD"))

    def test_apply_as_proposed_and_undo(self):
        result = self.pay(self.sure, (self.one, 1_000))
        proposal = self.env['ar.cash.proposal'].browse(result['id'])
        self.assertEqual((proposal.state, proposal.what, proposal.applied_by_id), ('applied', 'referenced', self.clerk))
        self.assertIn("1,000.00 applied to", result['message'])
        self.assertEqual((self.one.amount_residual, self.receipts()[1]['counts']['all']), (0, 3))
        applied = self.desk().get_applied()
        self.assertEqual((applied['count'], applied['rows'][0]['by'], applied['rows'][0]['items']),
                         (1, self.clerk.name, self.one.name))
        with self.assertRaisesRegex(UserError, "applied or changed meanwhile"):
            self.pay(self.sure, (self.one, 1_000))
        undone = self.desk().undo(proposal.id)
        self.assertEqual((undone['kind'], undone['id'], self.one.amount_residual), ('transaction', self.sure.id, 1_000))
        self.assertEqual((self.desk().get_applied()['count'], self.receipts()[1]['counts']['all']), (0, 4))
        self.assertEqual(self.details(self.sure)[0]['partner']['id'], self.customer.id, "whom it was undone for")
        self.assertEqual(self.total(), 1_800 - 300.1)

    def test_other_items_than_proposed(self):
        """Two invoices are ticked for 450: the last one stays open by what is missing; nothing is lost."""
        result = self.pay(
            self.short, (self.three, 300), (self.two, 500), rest_action='open', partner_id=self.customer.id)
        proposal = self.env['ar.cash.proposal'].browse(result['id'])
        self.assertEqual((proposal.what, proposal.partner_id, proposal.rest), ('chosen', self.customer, -350))
        self.assertEqual((self.three + self.two).mapped('amount_residual'), [0, 350])
        self.assertEqual(self.total(), 1_800 - 300.1 - 450)
        self.desk().undo(result['id'])
        self.assertEqual((self.three + self.two).mapped('amount_residual'), [300, 500])

    def test_on_account_of_a_chosen_customer(self):
        with self.assertRaisesRegex(UserError, "choose the customer"):
            self.desk().apply('transaction', self.unknown.id, [])
        self.desk().apply('transaction', self.unknown.id, [], 'account', None, self.other_customer.id)
        self.assertEqual((self.unknown.is_reconciled, self.unknown.partner_id), (True, self.other_customer))
        self.assertEqual(self.total(), 1_800 - 300.1 - 77.7)

    def test_all_above_a_threshold(self):
        """Only what one reading explains, as sure as asked for; what cannot be applied says why, the rest goes on."""
        other = self.transaction(300, self.three.name)
        self.propose()
        self.assertEqual(self.desk().get_sure(95)['totals'],
                         [{'currency_id': self.company.currency_id.id, 'count': 2, 'amount': 1_300}])
        found = self.desk().get_sure(70)
        self.assertEqual(found['count'], 3)
        self.ar_pay(self.one, '2026-03-01', 400)  # paid meanwhile
        short = self.env['ar.cash.proposal'].search([('statement_line_id', '=', self.short.id)])
        result = self.desk().apply_sure(found['ids'], 95)
        self.assertEqual((len(result['applied']), result['skipped']), (1, 1))
        self.assertEqual(result['totals'], [
            {'currency_id': self.company.currency_id.id, 'count': 1, 'amount': 300}])
        [failed] = result['failed']
        self.assertEqual((failed['name'], failed['amount']), (self.one.name, 1_000))
        self.assertRegex(failed['why'], "600.00 are open now")
        self.assertEqual((other.is_reconciled, self.sure.is_reconciled, short.state), (True, False, 'proposed'))
        for threshold in (49, 101, "95"):
            with self.assertRaisesRegex(UserError, "confidence"):
                self.desk().apply_sure(found['ids'], threshold)
        with self.assertRaisesRegex(UserError, "At most 50"):
            self.desk().apply_sure(list(range(51)), 95)

    def test_changed_since_it_was_proposed(self):
        """What is open now is what is shown and applied, not what the proposal said."""
        self.ar_pay(self.one, '2026-03-01', 400)
        _data, items = self.details(self.sure)
        self.assertEqual(items[self.one.name]['residual'], 600)
        self.pay(self.sure, (self.one, 600), rest_action='account')
        self.assertEqual((self.one.amount_residual, round(self.total(), 2)), (0, 99.9))

    def test_two_currencies(self):
        journal = self.env['account.journal'].create({
            'name': "EUR bank", 'type': 'bank', 'code': 'EURB', 'currency_id': self.eur.id,
            'company_id': self.company.id})
        invoice = self.ar_invoice(100.1, '2026-02-10', currency_id=self.eur.id)
        line = self.transaction(100.1, invoice.name, journal=journal)
        self.propose()
        _texts, data = self.receipts()
        self.assertEqual(
            {total['currency_id']: total['amount'] for total in data['totals']},
            {self.company.currency_id.id: 1_827.8, self.eur.id: 100.1})
        _data, items = self.details(line)
        self.assertEqual(list(items), [invoice.name, self.one.name, self.two.name], "its own currency first")
        self.assertEqual((items[self.one.name]['residual'], items[self.one.name]['item_residual']), (625, 1_000))
        self.pay(line, (invoice, 100.1))
        self.assertEqual(invoice.amount_residual, 0)

    def test_booked_in_part_by_hand(self):
        _liquidity, suspense, _other = self.sure._seek_for_lines()
        self.sure.move_id.with_context(
            skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({'line_ids': [
                (1, suspense.id, {'balance': -900, 'amount_currency': -900}),
                (0, 0, {'account_id': self.revenue.id, 'balance': -100, 'name': "interest"})]})
        row = next(row for row in self.receipts()[1]['rows'] if row['id'] == self.sure.id)
        self.assertEqual((row['is_partly'], row['amount']), (True, 900))
        with self.assertRaisesRegex(UserError, "finish it on the bank transaction"):
            self.pay(self.sure, (self.one, 900))
        self.assertNotIn(row['proposal_id'], self.desk().get_sure(60)['ids'])

    def test_dismiss(self):
        proposal = self.env['ar.cash.proposal'].search([('statement_line_id', '=', self.short.id)])
        self.desk().dismiss(proposal.id)
        self.assertEqual((proposal.state, self.receipts()[1]['counts']['doubtful']), ('dismissed', 0))
        self.assertEqual(self.desk().propose(), len(self.propose()))

    # === ACCESS === #

    def test_readers_read_and_strangers_do_not(self):
        reader = self.desk(self.reader)
        self.assertFalse(reader.get_receipts()['can_work'])
        self.assertTrue(reader.get_items('transaction', self.sure.id)['items'])
        for call in (
                lambda: reader.apply('transaction', self.sure.id), lambda: reader.apply_sure([1], 95),
                lambda: reader.undo(1), lambda: reader.dismiss(1), lambda: reader.get_sure(95), reader.propose):
            with self.assertRaisesRegex(AccessError, "Receivables: User"):
                call()
        stranger = self.desk(self.ar_user('cash_employee', 'base.group_user'))
        for call in (
                stranger.get_receipts, lambda: stranger.get_items('transaction', self.sure.id), stranger.get_applied,
                lambda: stranger.find_customers('transaction', self.sure.id)):
            with self.assertRaises(AccessError):
                call()

    def test_only_the_companies_switched_on(self):
        other = self.setup_other_company(name="Other Cash Company")
        company = other['company']
        self.clerk.company_ids |= company
        line = self.env['account.bank.statement.line'].create({
            'journal_id': other['default_journal_bank'].id, 'date': '2026-03-05', 'payment_ref': "theirs",
            'amount': 10, 'company_id': company.id})
        self.assertEqual([row['text'] for row in self.desk(company=company).get_receipts()['rows']], ["theirs"])
        self.assertNotIn("theirs", self.receipts()[0])
        both = self.desk(company=self.company + company).get_receipts()
        self.assertEqual(both['row_count'], 5)
        self.assertEqual({journal['company'] for journal in both['journals']}, {self.company.name, company.name})
        for call in (
                lambda: self.desk().get_items('transaction', line.id),
                lambda: self.desk().apply('transaction', line.id),
                lambda: self.desk(company=company).get_items('transaction', self.sure.id),
                lambda: self.desk(company=company).undo(
                    self.env['ar.cash.proposal'].search([('statement_line_id', '=', self.sure.id)]).id)):
            with self.assertRaises(UserError):
                call()
        with self.assertRaises(AccessError):
            self.desk(self.reader).get_receipts({'company_ids': company.ids})
        theirs = self.env['res.partner'].create({'name': "Customer of theirs", 'company_id': company.id})
        for call in (
                lambda: self.desk().get_items('transaction', self.unknown.id, partner_id=theirs.id),
                lambda: self.desk().apply('transaction', self.unknown.id, [], partner_id=theirs.id)):
            with self.assertRaises(AccessError):
                call()
        both = self.desk(company=self.company + company)
        with self.assertRaisesRegex(UserError, "is a customer of Other Cash Company only"):
            both.apply('transaction', self.unknown.id, [], partner_id=theirs.id)


@tagged('post_install', '-at_install')
class TestCashDeskQueries(DeskCase):

    def count(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        call()
        return self.env.cr.sql_log_count - before

    def test_queries_do_not_grow_with_receipts_and_items(self):
        self.propose()
        reads = (
            lambda: self.desk().get_receipts({'limit': 40}),
            lambda: self.desk().get_items('transaction', self.sure.id),
            lambda: self.desk().get_sure(60))
        for call in reads:
            call()  # caches of the registry
        few = [self.count(call) for call in reads]
        for number in range(10):
            invoice = self.ar_invoice(100 + number, '2026-02-01')
            self.transaction(100 + number, invoice.name)
        self.propose()
        self.assertEqual(self.desk().get_receipts()['counts']['sure'], 11)
        many = [self.count(call) for call in reads]
        self.assertTrue(all(now <= before for now, before in zip(many, few, strict=True)), f"{many} after {few}")
