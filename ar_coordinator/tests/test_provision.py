"""Roll rates, loss rates and the provision made of them: the vectors of the field, entries, roles, two companies."""
import io
import json
from datetime import timedelta

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, tagged

from ..engine import kpi
from .common import ArCommon


class ProvisionCommon(ArCommon):
    """As of 2026-03-31, buckets to 30, 60, 90: of 100,000 invoiced, 2,000 were written off in the end.

    What reached each bucket: 100,000 / 50,000 / 23,000 / 8,000 / 2,000 (IFRS 9 matrix vector).
    Open: 300,000 / 140,000 / 60,000 / 23,000 / 5,000, so the expected loss is 27,567.39.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expense = cls.company_data['default_account_expense']
        cls.bad_debt = cls.env['account.account'].create({
            'code': '680001', 'name': "Credit losses", 'account_type': 'expense'})
        cls.allowance = cls.env['account.account'].create({
            'code': '129001', 'name': "Allowance for credit losses", 'account_type': 'asset_current'})
        cls.company.write({
            'ar_provision_expense_account_id': cls.bad_debt.id, 'ar_provision_allowance_account_id': cls.allowance.id})
        for amount, paid in ((50_000, '2025-09-30'), (27_000, '2025-10-10'), (15_000, '2025-11-09'),
                             (6_000, '2025-12-09')):
            cls.ar_pay(cls.ar_invoice(amount, '2025-09-01', '2025-09-30'), paid)
        lost = cls.ar_invoice(2_000, '2025-09-01', '2025-09-30')
        entry = cls.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-28', 'line_ids': [
            Command.create({'account_id': cls.receivable.id, 'balance': -2_000, 'partner_id': cls.customer.id}),
            Command.create({'account_id': cls.expense.id, 'balance': 2_000})]})
        entry.action_post()
        cls.ar_match(lost, entry)
        cls.open = cls.env['account.move']
        for amount, due in ((300_000, '2026-04-15'), (140_000, '2026-03-10'), (60_000, '2026-02-10'),
                            (23_000, '2026-01-15'), (5_000, '2024-06-30')):
            cls.open |= cls.ar_invoice(amount, '2024-06-01', due)
        cls.options = {'as_of': '2026-03-31', 'bucket_limits': [30, 60, 90], 'company_ids': cls.company.ids}

    def rates(self, **options):
        return self.env['ar.loss.report'].get_data({**self.options, **options})

    def provision(self, **values):
        record = self.env['ar.provision'].create({
            'date': '2026-03-31', 'bucket_limits': "30, 60, 90", 'company_id': self.company.id, **values})
        record.action_calculate()
        return record


@tagged('post_install', '-at_install')
class TestLossRates(ProvisionCommon):

    def test_loss_rate_matrix_vector(self):
        """semantics 3: reached, lost and gross from the ledger, unrounded rates, ECL 27,567.39."""
        data = self.rates()
        self.assertEqual([row['reached'] for row in data['matrix']], [100_000, 50_000, 23_000, 8_000, 2_000])
        self.assertEqual((data['history']['lost'], data['history']['item_count']), (2_000, 5))
        self.assertEqual([row['gross'] for row in data['matrix']], [300_000, 140_000, 60_000, 23_000, 5_000])
        self.assertEqual([row['rate'] for row in data['matrix']], [0.02, 0.04, 2_000 / 23_000, 0.25, 1])
        self.assertEqual([row['loss'] for row in data['matrix']], [6_000, 5_600, 5_217.39, 5_750, 5_000])
        self.assertEqual(data['loss'], 27_567.39)
        self.assertEqual(
            data['loss'],
            kpi.expected_credit_loss([row['gross'] for row in data['matrix']], [row['rate'] for row in data['matrix']]))

    def test_two_companies_three_currencies(self):
        """A second company's books are in EUR, its invoice in GBP: 80 GBP are 100 EUR, 160 in the first one's USD."""
        branch = self.setup_other_company(name="AR branch", currency_id=self.eur.id)
        company = branch['company']
        self.env.user.company_ids |= company
        gbp = self.setup_other_currency('GBP', rates=[])
        self.env['res.currency.rate'].create({
            'name': '1900-01-01', 'currency_id': gbp.id, 'rate': 0.8, 'company_id': company.id})
        invoice = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2025-09-01',
            'date': '2025-09-01', 'invoice_date_due': '2025-10-01', 'invoice_payment_term_id': False,
            'currency_id': gbp.id, 'invoice_line_ids': [Command.create({
                'name': "Goods", 'price_unit': 80, 'tax_ids': [],
                'account_id': branch['default_account_revenue'].id})]})
        invoice.action_post()
        data = self.rates(company_ids=[self.company.id, company.id])
        self.assertEqual(data['currency_id'], self.company.currency_id.id)
        self.assertEqual([row['reached'] for row in data['matrix']], [100_160, 50_160, 23_160, 8_160, 2_160])
        self.assertEqual([row['gross'] for row in data['matrix']], [300_000, 140_000, 60_000, 23_000, 5_160])
        self.assertEqual(sum(data['roll'][-1]['amounts']), 528_160)

    def test_only_invoices_old_enough_are_looked_at(self):
        """Due 91 days before the date or earlier, within the months: younger ones had no time to be lost."""
        history = self.rates()['history']
        self.assertEqual((history['date_from'], history['date_to']), ('2024-12-31', '2025-12-30'))
        self.assertEqual(self.rates(months=24)['history']['item_count'], 6)  # with the one due in June 2024
        self.assertEqual(self.rates(as_of='2025-12-30')['history']['item_count'], 5)
        self.assertEqual(self.rates(as_of='2025-12-29')['history']['item_count'], 0)

    def test_known_by_the_date_only(self):
        """As of a day before the write-off nothing is lost; payments after it do not count."""
        data = self.rates(as_of='2026-01-27')
        self.assertEqual(data['history']['lost'], 0)
        self.assertEqual([row['rate'] for row in data['matrix']], [0, 0, 0, 0, 0])

    def test_open_for_a_year_is_lost(self):
        """The choice: what is open a year after its due date counts as lost beside what was written off."""
        history = self.rates(months=24, lost='open_too_long')['history']
        self.assertEqual((history['written_off'], history['open_too_long'], history['lost']), (2_000, 5_000, 7_000))
        self.assertEqual(self.rates(lost='open_too_long')['history']['lost'], 2_000)

    def test_short_payment_is_a_loss_in_part(self):
        """A payment that writes off its rest: that part is lost, not the money."""
        invoice = self.ar_invoice(1_000, '2025-09-01', '2025-09-30')
        self.ar_pay(invoice, '2025-10-05', amount=900, payment_difference_handling='reconcile',
                    writeoff_account_id=self.expense.id)
        history = self.rates()['history']
        self.assertEqual((history['lost'], history['reached']), (2_100, [101_000, 51_000, 23_000, 8_000, 2_000]))

    def bank_pays(self, invoice, amount, day):
        """A bank transaction that names the invoice, applied as proposed."""
        line = self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': day, 'payment_ref': invoice.name, 'amount': amount})
        proposal = self.env['ar.cash']._propose(self.company).filtered(lambda one: one.statement_line_id == line)
        proposal.action_apply()
        self.assertEqual(invoice.amount_residual, 0)
        return proposal.what

    def written_off(self, day):
        """Of the invoices due on a day."""
        return self.env['ar.ledger'].loss_history({
            **self.options, 'as_of': '2026-12-31', 'date_from': day, 'date_to': day})['written_off']

    def test_discounts_and_bank_fees_are_no_losses(self):
        """What a customer may deduct and what the bank keeps is no credit risk: a real write-off of 100 is."""
        term = self.env['account.payment.term'].create({
            'name': "2 % in 10 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        self.company.write({'ar_cash_fee': 10, 'ar_cash_fee_account_id': self.expense.copy().id})
        early = self.ar_invoice(1_000, '2025-11-01', invoice_payment_term_id=term.id)
        self.assertEqual(self.bank_pays(early, 980, '2025-11-08'), 'discount')
        short = self.ar_invoice(1_000, '2025-11-01', '2025-12-01')
        self.assertEqual(self.bank_pays(short, 992.5, '2025-12-01'), 'fee')
        self.assertEqual(early.invoice_date_due.isoformat(), '2025-12-01')
        real = self.ar_invoice(1_000, '2025-11-01', '2025-12-02')
        self.ar_pay(real, '2025-12-05', amount=900, payment_difference_handling='reconcile',
                    writeoff_account_id=self.expense.id)
        self.assertEqual((self.written_off('2025-12-01'), self.written_off('2025-12-02')), (0, 100))
        self.company.ar_write_off_account_id = self.bad_debt  # others are ordinary expenses from now on
        self.assertEqual((self.written_off('2025-12-01'), self.written_off('2025-12-02')), (0, 0))
        self.company.ar_write_off_account_ids += self.expense
        self.assertEqual((self.written_off('2025-12-01'), self.written_off('2025-12-02')), (0, 100))

    def test_write_off_requests_are_losses_small_balances_are_not(self):
        """On the very same account: the request says what it is."""
        self.company.write({'ar_write_off_account_id': self.bad_debt.id, 'ar_write_off_limit_manager': 1_000,
                            'ar_small_balance_limit': 5})
        manager = self.ar_user('loss_manager', 'ar_coordinator.group_ar_manager')
        for kind, amount, due in (('write_off', 100, '2025-12-01'), ('small', 4, '2025-12-02')):
            invoice = self.ar_invoice(amount, '2025-11-01', due)
            request = self.env['ar.write.off'].with_user(manager).create({
                'partner_id': self.customer.id, 'kind': kind, 'reason': "Gone", 'company_id': self.company.id,
                'line_ids': [Command.create({'move_line_id': self.ar_lines(invoice).id})]})
            request.action_submit()
            self.assertEqual((request.state, invoice.amount_residual), ('done', 0))
            self.assertEqual(request.move_id.line_ids.filtered('debit').account_id, self.bad_debt)
        self.assertEqual((self.written_off('2025-12-01'), self.written_off('2025-12-02')), (100, 0))
        self.company.ar_write_off_account_id = self.expense  # another account later: the request is still one
        self.company.ar_write_off_account_ids = False
        self.assertEqual((self.written_off('2025-12-01'), self.written_off('2025-12-02')), (100, 0))

    def test_small_losses_account_is_no_choice_of_write_off_accounts(self):
        """Only an account for small balances is set: expenses still count, that account does not."""
        small = self.expense.copy()
        self.company.ar_small_balance_account_id = small
        for account, due in ((self.expense, '2025-12-01'), (small, '2025-12-02')):
            invoice = self.ar_invoice(1_000, '2025-11-01', due)
            self.ar_pay(invoice, '2025-12-05', amount=900, payment_difference_handling='reconcile',
                        writeoff_account_id=account.id)
        self.assertEqual((self.written_off('2025-12-01'), self.written_off('2025-12-02')), (100, 0))

    def test_roll_rate_vector(self):
        """semantics 3: 200,000 in the next bucket of 1,000,000 a month before is 20 %."""
        company = self.setup_other_company(name="AR roll")
        self.env.user.company_ids |= company['company']
        partner = self.env['res.partner'].create({'name': "Roll"})
        for amount, due, paid in ((200_000, '2026-02-10', None), (800_000, '2026-02-10', '2026-03-20')):
            move = self.env['account.move'].with_company(company['company']).create({
                'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': '2026-01-10',
                'date': '2026-01-10', 'invoice_date_due': due, 'invoice_payment_term_id': False,
                'invoice_line_ids': [Command.create({
                    'name': "Goods", 'price_unit': amount, 'tax_ids': [],
                    'account_id': company['default_account_revenue'].id})]})
            move.action_post()
            if paid:
                self.env['account.payment.register'].with_context(
                    active_model='account.move', active_ids=move.ids).with_company(company['company']).create({
                        'payment_date': paid, 'journal_id': company['default_journal_bank'].id})._create_payments()
        data = self.env['ar.loss.report'].get_data({'as_of': '2026-03-31', 'company_ids': company['company'].ids})
        january, february, march = data['roll'][-3:]
        self.assertEqual((january['date'], january['amounts'][:3]), ('2026-01-31', [1_000_000, 0, 0]))
        self.assertEqual((february['amounts'][:3], february['rates'][0]), ([0, 1_000_000, 0], 1.0))
        self.assertEqual((march['amounts'][:3], march['rates'][1]), ([0, 0, 200_000], 0.2))
        self.assertIsNone(march['rates'][0])
        self.assertEqual(data['roll_average'][1], 0.2)
        self.assertEqual(len(data['roll']), 13)

    def test_roll_series_is_the_aged_report(self):
        """The amounts per bucket at each month end are those of the aged receivables."""
        for month in self.rates(months=24)['roll']:
            aged = self.aged(month['date'], bucket_limits=[30, 60, 90])
            self.assertEqual(month['amounts'], aged['totals']['amounts'], month['date'])

    def test_queries_do_not_grow_with_months(self):
        """24 months cost as many queries as 12: one pass."""
        counts = []
        self.rates()  # what is cached between requests
        for months in (12, 24):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.rates(months=months)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_files(self):
        workbook = load_workbook(io.BytesIO(self.env['ar.loss.report'].get_xlsx(self.options)))
        self.assertEqual(workbook.sheetnames, ["Loss rates", "Roll rates", "Parameters"])
        lines = list(workbook["Loss rates"].iter_rows(min_row=6, max_row=11, values_only=True))
        data = self.rates()
        self.assertEqual([line[1:] for line in lines[:5]], [
            (row['reached'], row['rate'], row['gross'], row['loss']) for row in data['matrix']])
        self.assertEqual(lines[5], ("Total", None, None, 528_000, 27_567.39))
        pdf = PdfReader(io.BytesIO(self.env['ar.loss.report'].get_pdf(self.options)))
        text = " ".join("".join(page.extract_text() for page in pdf.pages).split())
        for part in ("27,567.39", "8.70 %", "March 2026", "History: 12 months", "Lost is: What was written off"):
            self.assertIn(part, text)

    def test_roles(self):
        stranger = self.ar_user('loss_stranger', 'base.group_user')
        for method in ('get_data', 'get_xlsx', 'get_pdf'):
            with self.assertRaises(AccessError):
                getattr(self.env['ar.loss.report'].with_user(stranger), method)(self.options)


@tagged('post_install', '-at_install')
class TestProvision(ProvisionCommon):

    def test_proposal_vector(self):
        """The matrix at the rates of history: 27,567.39, bucket by bucket, the gross is the aged report's."""
        record = self.provision()
        self.assertEqual(
            [(line.name, line.gross, line.apart, line.amount) for line in record.line_ids], [
                ("Not due", 300_000, 0, 6_000), ("1-30", 140_000, 0, 5_600), ("31-60", 60_000, 0, 5_217.39),
                ("61-90", 23_000, 0, 5_750), ("Over 90", 5_000, 0, 5_000)])
        self.assertEqual(
            (record.amount_matrix, record.amount_individual, record.amount_total, record.amount_change),
            (27_567.39, 0, 27_567.39, 27_567.39))
        self.assertEqual(json.loads(record.basis)['lost'], 2_000)

    def test_rates_by_hand(self):
        """A rate set by hand stays when the proposal is calculated again, and the chatter says who set it."""
        record = self.provision()
        line = record.line_ids[1]
        line.rate = 0.1
        self.assertEqual((line.amount, line.is_manual, record.amount_total), (14_000, True, 35_967.39))
        self.assertIn("Rate of 1-30: 4.0 % → 10.0 %", "".join(record.message_ids.mapped('body')))
        record.action_calculate()
        self.assertEqual((line.rate, line.proposed_rate, record.amount_total), (0.1, 0.04, 35_967.39))
        with self.assertRaisesRegex(ValidationError, "between 0 and 100 %"):
            line.rate = 1.5

    def test_individual_provisions_leave_the_matrix(self):
        """Customers handed over to lawyers and those who dispute most are provided for one by one."""
        third = self.env['res.partner'].create({'name': "Third & Co"})
        self.ar_invoice(10_000, '2026-01-01', '2026-03-10', partner=self.other_customer)
        disputed = self.ar_invoice(4_000, '2026-01-01', '2026-02-10', partner=third)
        self.env['ar.hand.over'].create({
            'partner_id': self.other_customer.id, 'to': 'legal', 'reason': "Insolvency opened", 'date': '2026-03-01',
            'company_id': self.company.id})
        self.env['ar.dispute'].create({
            'move_id': disputed.id, 'amount': 3_000,
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        record = self.provision(date=self.company._ar_today())
        individuals = {line.partner_id: (line.reason, line.gross, line.amount) for line in record.individual_ids}
        self.assertEqual(individuals, {
            self.other_customer: ('handed_over', 10_000, 10_000), third: ('disputed', 4_000, 2_000)})
        self.assertEqual(sum(record.line_ids.mapped('apart')), 14_000)
        self.assertEqual(sum(record.line_ids.mapped('base')), 528_000)
        aged = self.aged(self.company._ar_today(), bucket_limits=[30, 60, 90])
        self.assertEqual(record.line_ids.mapped('gross'), aged['totals']['amounts'])
        self.assertEqual(record.amount_total, record.amount_matrix + 12_000)

    def test_adding_a_customer_needs_another_calculation(self):
        record = self.provision()
        record.individual_ids = [Command.create({
            'partner_id': self.env['res.partner'].create(
                {'name': "Accounts", 'parent_id': self.customer.id}).id, 'reason': 'insolvent', 'rate': 0.5})]
        self.assertEqual(record.individual_ids.partner_id, self.customer)  # the contact's customer
        self.assertTrue(record.is_stale)
        with self.assertRaisesRegex(UserError, "Calculate it again"):
            record.action_book()
        record.action_calculate()
        self.assertEqual((record.amount_matrix, record.amount_individual), (0, 264_000))
        record.individual_ids.unlink()
        record.action_calculate()
        self.assertEqual(record.amount_total, 27_567.39)

    def test_draft_entry_then_posted_and_reversed(self):
        """A draft entry over both accounts; posted, it is reversed by Odoo on the first day of the next month."""
        record = self.provision()
        action = record.action_book()
        move = record.move_id
        self.assertEqual((action['res_id'], move.state, str(move.date)), (move.id, 'draft', '2026-03-31'))
        self.assertEqual({(line.account_id, line.balance) for line in move.line_ids}, {
            (self.bad_debt, 27_567.39), (self.allowance, -27_567.39)})
        self.assertFalse(record.reversal_move_id)
        record.action_post()
        reversal = record.reversal_move_id
        self.assertEqual((move.state, str(reversal.date), reversal.reversed_entry_id), ('posted', '2026-04-01', move))
        self.assertEqual({(line.account_id, line.balance) for line in reversal.line_ids}, {
            (self.bad_debt, -27_567.39), (self.allowance, 27_567.39)})
        self.assertEqual(reversal.state, 'posted')  # its day is past
        record.action_post()  # again: nothing more
        self.assertEqual(self.env['account.move'].search_count([('reversed_entry_id', '=', move.id)]), 1)
        with self.assertRaisesRegex(UserError, "is posted"):
            record.action_cancel()
        self.assertEqual(self.ledger_balance('2026-04-30'), 528_000)  # receivables stay untouched

    def test_reversal_of_the_future_waits(self):
        """A reversal whose day has not come is a draft that Odoo posts by itself."""
        today = self.company._ar_today()
        record = self.provision(date=today, rate_source='own')
        record.line_ids[-1].rate = 0.5
        record.action_book()
        record.action_post()
        self.assertEqual((record.reversal_move_id.state, record.reversal_move_id.auto_post), ('draft', 'at_date'))
        self.assertEqual(record.reversal_move_id.date, kpi.month_end(today) + timedelta(days=1))

    def test_change_against_the_previous_one(self):
        """Booked as a change: only the difference; rates of the previous provision at hand."""
        first = self.provision(date='2026-02-28', booking='change', rate_source='own')
        for line in first.line_ids:
            line.rate = 0.01
        self.assertEqual(first.amount_total, 5_280)
        first.action_book()
        first.action_post()
        second = self.provision(booking='change', rate_source='previous')
        self.assertEqual((second.previous_id, second.amount_previous), (first, 5_280))
        self.assertEqual(second.line_ids.mapped('rate'), [0.01] * 5)
        self.assertEqual((second.amount_total, second.amount_change), (5_280, 0))
        with self.assertRaisesRegex(UserError, "nothing to book"):
            second.action_book()
        second.line_ids[4].rate = 0.0
        self.assertEqual(second.amount_change, -50)
        second.action_book()
        self.assertEqual({(line.account_id, line.balance) for line in second.move_id.line_ids}, {
            (self.bad_debt, -50), (self.allowance, 50)})

    def by_hand(self, date, rate, booking='change'):
        """A provision of 528,000 times a rate that is the same for all buckets."""
        record = self.provision(date=date, rate_source='own', booking=booking)
        record.line_ids.write({'rate': rate})
        return record

    def post(self, record):
        record.action_book()
        record.action_post()
        return record

    def allowance_at(self, date):
        return -sum(self.env['account.move.line'].search([
            ('account_id', '=', self.allowance.id), ('parent_state', '=', 'posted'),
            ('date', '<=', date)]).mapped('balance'))

    def test_nothing_is_booked_before_or_beside_a_booked_one(self):
        """April, then March, then April again, each as a change: the allowance would be 540 for 360."""
        self.post(self.by_hand('2026-04-30', 0.01))
        for date in ('2026-03-31', '2026-04-30'):
            with self.assertRaisesRegex(UserError, "04/30/2026 is booked. Cancel it first"):
                self.by_hand(date, 0.02).action_book()
        self.assertEqual(self.allowance_at('2026-12-31'), 5_280)
        self.post(self.by_hand('2026-05-31', 0.02))
        self.assertEqual(self.allowance_at('2026-12-31'), 10_560)

    def test_not_in_full_on_top_of_a_change(self):
        """A change stays in the books: the next one in full would double it."""
        self.post(self.by_hand('2026-03-31', 0.01))
        second = self.by_hand('2026-04-30', 0.01, 'reverse')
        with self.assertRaisesRegex(UserError, "booked the change and stays in the books"):
            second.action_book()
        second.booking = 'change'
        second.line_ids.write({'rate': 0.015})
        self.post(second)
        self.assertEqual(self.allowance_at('2026-04-30'), 7_920)

    def test_change_after_one_in_full(self):
        """What was booked in full and is reversed counts no more; without its reversal nothing is booked on it."""
        first = self.by_hand('2026-03-31', 0.01, 'reverse')
        first.action_book()
        second = self.by_hand('2026-04-30', 0.02)
        with self.assertRaisesRegex(UserError, "03/31/2026 is still a draft"):
            second.action_book()
        first.move_id.action_post()  # past the button: no reversal
        with self.assertRaisesRegex(UserError, "03/31/2026 was booked in full and is not reversed by 04/30/2026"):
            second.action_book()
        first.action_post()
        self.post(second)
        self.assertEqual((second.amount_previous, second.amount_change), (0, 10_560))
        self.assertEqual(
            [self.allowance_at(date) for date in ('2026-03-31', '2026-04-01', '2026-04-30')], [5_280, 0, 10_560])

    def test_previous_whose_entry_is_gone(self):
        """An entry that was deleted as a draft, or posted and reversed, is nothing to book a change against."""
        march = self.post(self.by_hand('2026-02-28', 0.005))
        deleted = self.by_hand('2026-03-31', 0.01)
        deleted.action_book()
        deleted.move_id.unlink()
        self.assertEqual(deleted.state, 'booked')
        undone = self.post(self.by_hand('2026-04-30', 0.01))
        self.assertEqual((undone.previous_id, undone.amount_change), (march, 2_640))
        undone.move_id._reverse_moves([{'date': '2026-05-01'}], cancel=True)
        last = self.post(self.by_hand('2026-05-31', 0.02))
        self.assertEqual((last.previous_id, last.amount_previous, last.amount_change), (march, 2_640, 7_920))
        self.assertEqual(self.allowance_at('2026-05-31'), 10_560)

    def test_previous_of_another_company(self):
        """Another company's provision is neither the previous one nor in the way."""
        branch = self.setup_other_company(name="AR branch")['company']
        self.env.user.company_ids |= branch
        other = self.env['ar.provision'].sudo().create({
            'company_id': branch.id, 'date': '2026-05-31', 'state': 'booked'})
        self.assertEqual(other.state, 'booked')
        self.assertEqual(self.post(self.by_hand('2026-04-30', 0.01)).amount_change, 5_280)

    def test_rates_of_other_buckets_are_not_copied(self):
        """Rates of the previous provision are for its buckets: not by position for others; also when it is reversed."""
        first = self.by_hand('2026-03-31', 0.0, 'reverse')
        for line, rate in zip(first.line_ids, (0.01, 0.02, 0.05, 0.1, 1.0), strict=True):
            line.rate = rate
        self.post(first)
        with self.assertRaisesRegex(UserError, "for buckets of 30, 60, 90 days"):
            self.provision(date='2026-04-30', rate_source='previous', bucket_limits="90, 180, 365")
        second = self.provision(date='2026-04-30', rate_source='previous', bucket_limits="30,60,90")
        self.assertEqual(second.line_ids.mapped('rate'), [0.01, 0.02, 0.05, 0.1, 1.0])
        self.assertEqual(json.loads(second.basis), {'previous': first.id})
        self.assertEqual((second.previous_id, second.amount_previous), (first, first.amount_total))
        second.booking = 'change'  # it is reversed: nothing to book a change against
        self.assertEqual((second.previous_id.id, second.amount_previous), (False, 0))

    def test_bucket_without_history_takes_the_younger_rate(self):
        """Nothing reached the last buckets: their rate is unknown, not 0."""
        history = self.rates(bucket_limits=[30, 60, 90, 120, 150], as_of='2026-03-31')
        self.assertEqual([(row['rate'], row['is_taken_over']) for row in history['matrix']][-3:], [
            (1, False), (1, True), (1, True)])
        [note] = {table['note'] for table in self.env['ar.loss.report']._get_tables(history)[:1]}
        self.assertIn("What no invoice reached has the rate of the bucket before it.", note)
        record = self.provision(bucket_limits="30, 60, 90, 120, 150")
        self.assertEqual(
            record.line_ids.mapped('amount'), [row['loss'] for row in history['matrix']], "one matrix in both")
        self.assertEqual(record.line_ids.mapped('rate')[-3:], [1, 1, 1])
        self.assertEqual(record.line_ids[-1].amount, 5_000)

    def test_cancel_and_start_again(self):
        record = self.provision()
        record.action_book()
        move = record.move_id
        with self.assertRaisesRegex(UserError, "is booked"):
            record.unlink()
        with self.assertRaisesRegex(UserError, "no proposal any more"):
            record.line_ids[0].rate = 0.5
        with self.assertRaisesRegex(UserError, "no proposal any more"):
            record.date = '2026-02-28'
        record.action_cancel()
        self.assertFalse(move.exists())
        record.action_draft()
        record.action_calculate()
        record.action_book()
        self.assertEqual(record.move_id.state, 'draft')

    def test_what_is_missing_is_said(self):
        self.company.ar_provision_allowance_account_id = False
        record = self.provision()
        with self.assertRaisesRegex(UserError, "choose the expense account"):
            record.action_book()
        with self.assertRaisesRegex(ValidationError, "receivable or payable"):
            self.company.ar_provision_allowance_account_id = self.receivable
        with self.assertRaisesRegex(ValidationError, "bucket limits"):
            record.bucket_limits = "60, 30"
        with self.assertRaisesRegex(ValidationError, "day is not over"):
            record.date = '2999-01-01'

    def test_roles_and_guards(self):
        """Managers make provisions, others read; amounts and states are not for typing, not even as defaults."""
        record = self.provision()
        reader = self.ar_user('prov_reader', 'ar_coordinator.group_ar_readonly')
        clerk = self.ar_user('prov_clerk', 'ar_coordinator.group_ar_user')
        stranger = self.ar_user('prov_stranger', 'base.group_user')
        manager = self.ar_user('prov_manager', 'ar_coordinator.group_ar_manager')
        for user in (reader, clerk):
            self.assertEqual(record.with_user(user).amount_total, 27_567.39)
            for method in ('action_calculate', 'action_book', 'action_cancel', 'action_draft', 'action_post'):
                with self.assertRaises(AccessError):
                    getattr(record.with_user(user), method)()
            with self.assertRaises(AccessError):
                self.env['ar.provision'].with_user(user).create({'date': '2026-03-31'})
        with self.assertRaises(AccessError):
            record.with_user(stranger).read(['amount_total'])
        mine = record.with_user(manager)
        mine.action_calculate()
        for vals in ({'state': 'booked'}, {'amount_previous': 5}, {'move_id': False}, {'is_stale': False}):
            with self.assertRaises(AccessError):
                mine.write(vals)
        for vals in ({'base': 1}, {'amount': 1}, {'is_manual': True}):
            with self.assertRaises(AccessError):
                mine.line_ids[0].write(vals)
        with self.assertRaises(AccessError):
            self.env['ar.provision.line'].with_user(manager).create({'provision_id': record.id, 'base': 10})
        with self.assertRaises(AccessError):
            mine.individual_ids = [Command.create({'partner_id': self.customer.id, 'gross': 10})]
        sneaky = self.env['ar.provision'].with_user(manager).with_context(
            default_state='booked', default_amount_previous=9).create({'date': '2026-03-31'})
        self.assertEqual((sneaky.state, sneaky.amount_previous), ('draft', 0))
        mine.action_book()
        self.assertEqual(record.move_id.create_uid, manager)

    def test_what_is_booked_keeps_its_lines(self):
        manager = self.ar_user('prov_keeper', 'ar_coordinator.group_ar_manager')
        record = self.provision().with_user(manager)
        draft = self.provision(date='2026-02-28').with_user(manager)
        record.individual_ids = [Command.create({'partner_id': self.customer.id, 'rate': 0.5})]
        individual = record.individual_ids.filtered(lambda line: line.rate == 0.5)
        with self.assertRaises(AccessError):
            individual.amount = 1
        with self.assertRaises(AccessError):
            record.line_ids.unlink()
        record.action_calculate()
        record.action_book()
        before = record.amount_total
        with self.assertRaises(AccessError):
            record.line_ids.unlink()
        for vals in ({'provision_id': draft.id}, {'rate': 0.1}):
            with self.assertRaisesRegex(UserError, "no proposal"), self.env.cr.savepoint():
                individual.write(vals)
        self.env.invalidate_all()
        self.assertEqual((individual.provision_id, record.amount_total), (record, before))
        free = draft.individual_ids.create({'provision_id': draft.id, 'partner_id': self.other_customer.id})
        with self.assertRaisesRegex(UserError, "no proposal"), self.env.cr.savepoint():
            free.provision_id = record

    def test_two_companies(self):
        """Each company has its own provision in its own currency, from its own books and accounts."""
        branch = self.setup_other_company(name="AR branch", currency_id=self.eur.id)
        company = branch['company']
        self.env.user.company_ids |= company
        invoice = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-01-10',
            'date': '2026-01-10', 'invoice_date_due': '2026-03-10', 'invoice_payment_term_id': False,
            'invoice_line_ids': [Command.create({
                'name': "Goods", 'price_unit': 1_000, 'tax_ids': [],
                'account_id': branch['default_account_revenue'].id})]})
        invoice.action_post()
        record = self.provision(company_id=company.id, rate_source='own')
        self.assertEqual((record.currency_id, record.line_ids.mapped('gross')), (self.eur, [0, 1_000, 0, 0, 0]))
        record.line_ids[1].rate = 0.05
        self.assertEqual(record.amount_total, 50)
        with self.assertRaisesRegex(UserError, "AR branch: choose the expense account"):
            record.action_book()
        self.assertEqual(self.provision().amount_total, 27_567.39)
        outsider = self.ar_user('prov_outsider', 'ar_coordinator.group_ar_manager')
        self.assertFalse(self.env['ar.provision'].with_user(outsider).search([('company_id', '=', company.id)]))

    def test_form(self):
        """The form as a user fills it: new, calculate, a rate, a customer."""
        form = Form(self.env['ar.provision'])
        form.date = '2026-03-31'
        form.bucket_limits = "30, 60, 90"
        record = form.save()
        record.action_calculate()
        with Form(record) as form, form.line_ids.edit(0) as line:
            line.rate = 0.03
        self.assertEqual(record.amount_total, 30_567.39)


@tagged('post_install', '-at_install')
class TestProvisionTour(ProvisionCommon, HttpCase):

    def test_provision(self):
        """Make a proposal, look at its matrix, book it; then the rates behind it."""
        self.ar_user('prov_tour', 'ar_coordinator.group_ar_manager,account.group_account_user')
        self.start_tour('/odoo/ar-provisions', 'ar_provision', login='prov_tour')
        record = self.env['ar.provision'].search([('company_id', '=', self.company.id)])
        self.assertEqual((record.state, record.move_id.state), ('booked', 'draft'))

    def test_loss_rates(self):
        self.ar_user('prov_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour('/odoo/ar-loss-rates?as_of=2026-03-31', 'ar_loss_rates', login='prov_tour')
