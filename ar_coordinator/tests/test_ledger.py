"""ar.ledger on hand-built ledgers: the vectors, exact amounts, instalments, currencies, companies."""
from datetime import date

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestLedger(ArCommon):

    def test_part_payments_before_and_after(self):
        """10,000 paid 1,500 + 1,000 + 2,000: 5,500 and 35 days at 2017-04-04; 7,500 not due at year end."""
        invoice = self.ar_invoice(10_000, '2016-11-30', '2017-02-28')
        for day, amount in (('2016-11-09', 1_500), ('2016-11-30', 1_000), ('2017-01-30', 2_000)):
            self.ar_match(invoice, self.ar_cash(amount, day))
        [item] = self.items('2017-04-04')
        self.assertEqual((item['residual'], item['days'], item['bucket']), (5_500.0, 35, 2))
        self.assertEqual(self.aged('2017-04-04')['rows'][0]['amounts'], [0, 0, 5_500.0, 0, 0, 0])
        [item] = self.items('2016-12-31')
        self.assertEqual((item['residual'], item['bucket']), (7_500.0, 0))
        # between the first payment and the invoice's own date there is only unapplied cash
        self.assertEqual([row['residual'] for row in self.items('2016-11-29')], [-1_500.0])

    def test_paid_later_is_open_before(self):
        invoice = self.ar_invoice(400, '2020-04-30')
        self.ar_pay(invoice, '2020-06-30')
        self.assertEqual([item['residual'] for item in self.items('2020-05-31')], [400.0])
        self.assertEqual([item['residual'] for item in self.items('2020-06-29')], [400.0])
        self.assertEqual(self.items('2020-06-30'), [])

    def test_split_by_max_date(self):
        """A payment of February, invoices of March and April, a payment in May matched with all but April."""
        early = self.ar_cash(1_000, '2019-02-15')
        march = self.env['account.move']
        for day in range(1, 6):
            march |= self.ar_invoice(10_000, f'2019-03-{day:02}')
        self.ar_invoice(100_000, '2019-04-10')
        late = self.ar_cash(49_000, '2019-05-20')
        self.ar_match(march[0], early)
        self.ar_match(march, late)
        self.assertFalse(any(self.ar_lines(march).mapped('amount_residual')))
        items = self.items('2019-04-30')
        self.assertEqual(sum(item['residual'] for item in items), 149_000)
        by_month = {}
        for item in items:
            by_month[item['date'].month] = by_month.get(item['date'].month, 0) + item['residual']
        self.assertEqual(by_month, {3: 49_000, 4: 100_000})  # nothing of February
        self.assertEqual(self.aged('2019-04-30')['difference_to_ledger'], 0)

    def test_matched_on_both_sides_does_not_come_back(self):
        """An entry whose debit and credit items are matched with each other is not open, before or after."""
        entry = self.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-10', 'line_ids': [
            Command.create({'account_id': self.receivable.id, 'balance': 70, 'partner_id': self.customer.id}),
            Command.create({'account_id': self.receivable.id, 'balance': -70, 'partner_id': self.customer.id}),
        ]})
        entry.action_post()
        self.ar_match(entry)
        for day in ('2026-01-10', '2026-01-31'):
            self.assertEqual(self.items(day), [])
        self.assertEqual(self.items('2026-01-09'), [])

    def test_instalments_are_items_of_their_own(self):
        terms = self.env['account.payment.term'].create({'name': "30/70", 'line_ids': [
            Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 0}),
            Command.create({'value': 'percent', 'value_amount': 70, 'nb_days': 30})]})
        self.ar_invoice(1_000, '2026-01-01', invoice_payment_term_id=terms.id)
        items = self.items('2026-01-20')
        self.assertEqual([(item['residual'], item['date_maturity'], item['bucket']) for item in items],
                         [(300.0, date(2026, 1, 1), 1), (700.0, date(2026, 1, 31), 0)])

    def test_buckets_to_the_day(self):
        """The ageing vectors as of 2026-03-31, through Odoo, one customer each way."""
        for number, due in enumerate(
                ('2026-03-31', '2026-03-30', '2026-03-01', '2026-02-28', '2026-01-30', '2026-01-29', '2025-12-31',
                 '2025-12-30')):
            self.ar_invoice(10 ** number, '2025-12-01', due)
        row = self.aged('2026-03-31')['totals']
        self.assertEqual(row['amounts'], [1, 110, 11_000, 1_100_000, 10_000_000, 0])
        self.assertEqual(row['total'], 11_111_111)

    def test_custom_limits_lose_nothing(self):
        """What is older than the last limit stays in the table, in the open-ended column."""
        self.ar_invoice(100, '2020-01-01')
        self.ar_invoice(50, '2026-03-25')
        data = self.aged('2026-03-31', bucket_limits=[5, 10])
        self.assertEqual(data['totals']['amounts'], [0, 0, 50, 100])
        self.assertEqual([column['label'] for column in data['buckets']], ["Not due", "1-5", "6-10", "Over 10"])
        self.assertEqual([column['max_days'] for column in data['buckets']], [0, 5, 10, None])

    def test_thirty_days_is_the_same_column_everywhere(self):
        """An item exactly 30 days overdue: table, item list, invoice-date basis and engine agree."""
        self.ar_invoice(80, '2026-03-01', '2026-03-01')
        for basis in ('due', 'invoice'):
            self.assertEqual(self.aged('2026-03-31', basis=basis)['totals']['amounts'][1], 80)
            self.assertEqual([item['bucket'] for item in self.items('2026-03-31', basis=basis)], [1])

    def test_ageing_date_apart_from_balance_date(self):
        invoice = self.ar_invoice(100, '2026-01-01', '2026-01-31')
        self.ar_pay(invoice, '2026-03-15')
        data = self.aged('2026-02-28', age_at='2026-05-31')
        self.assertEqual(data['totals']['amounts'], [0, 0, 0, 0, 100, 0])  # 120 days at the end of May

    def test_unapplied_credits_have_their_own_column(self):
        self.ar_invoice(300, '2026-01-01')
        self.ar_invoice(120, '2025-01-01', move_type='out_refund')
        self.ar_cash(50, '2024-01-01')
        [row] = self.aged('2026-03-31')['rows']
        self.assertEqual((row['amounts'], row['unapplied'], row['total']), ([0, 0, 0, 300, 0, 0], -170, 130))
        self.assertEqual(row['item_count'], 3)

    def test_invoice_date_basis(self):
        self.ar_invoice(10, '2026-03-01', '2026-04-30')
        self.assertEqual(self.aged('2026-03-31')['totals']['amounts'][:2], [10, 0])
        self.assertEqual(self.aged('2026-03-31', basis='invoice')['totals']['amounts'][:2], [0, 10])

    def test_no_due_date_ages_from_the_accounting_date(self):
        move = self.ar_misc(40, '2026-02-01')
        self.ar_lines(move).date_maturity = False
        [item] = self.items('2026-03-31')
        self.assertEqual((item['age_date'], item['days']), (date(2026, 2, 1), 58))

    def test_misc_entry_of_a_contact_belongs_to_the_customer(self):
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id, 'type': 'contact'})
        move = self.ar_misc(40, '2026-02-01')
        self.ar_lines(move).partner_id = contact
        self.ar_invoice(60, '2026-02-01')
        [row] = self.aged('2026-03-31')['rows']
        self.assertEqual((row['id'], row['total']), (self.customer.id, 100))
        self.assertEqual(self.aged('2026-03-31', partner_ids=contact.ids)['totals']['total'], 100)

    def test_without_a_customer(self):
        move = self.ar_misc(40, '2026-02-01')
        self.ar_lines(move).partner_id = False
        [row] = self.aged('2026-03-31')['rows']
        self.assertEqual((row['id'], row['name'], row['total']), (False, "No customer", 40))
        self.assertEqual(len(self.env['ar.ledger'].open_items({
            'as_of': '2026-03-31', 'group_by': 'partner', 'group_id': False, 'company_ids': self.company.ids})), 1)

    def test_two_identical_lines_are_two_items(self):
        move = self.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-10', 'line_ids': [
            Command.create({'account_id': self.receivable.id, 'balance': 25, 'partner_id': self.customer.id}),
            Command.create({'account_id': self.receivable.id, 'balance': 25, 'partner_id': self.customer.id}),
            Command.create({'account_id': self.revenue.id, 'balance': -50})]})
        move.action_post()
        self.assertEqual([item['residual'] for item in self.items('2026-01-31')], [25, 25])

    def test_open_in_its_own_currency_only(self):
        """0.00 in company currency and 50.00 EUR is open."""
        move = self.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-10', 'line_ids': [
            Command.create({'account_id': self.receivable.id, 'balance': 0, 'amount_currency': 50,
                            'currency_id': self.eur.id, 'partner_id': self.customer.id}),
            Command.create({'account_id': self.receivable.id, 'balance': 0, 'amount_currency': -50,
                            'currency_id': self.eur.id, 'partner_id': self.other_customer.id}),
        ]})
        move.action_post()
        items = self.items('2026-01-31')
        self.assertEqual(sorted((item['residual'], item['residual_currency']) for item in items), [(0, -50), (0, 50)])
        self.assertEqual(self.aged('2026-01-31')['row_count'], 2)

    def test_foreign_currency_comes_from_the_books(self):
        """100 EUR booked at 0.5 (200 USD), half paid when a dollar buys 0.4: amounts stay those of the books."""
        invoice = self.ar_invoice(100, '2026-01-15', currency_id=self.eur.id)
        self.ar_pay(invoice, '2026-02-10', amount=50, currency_id=self.eur.id)
        [item] = self.items('2026-02-28')
        self.assertEqual(item['residual_currency'], 50.0)
        self.assertEqual(item['residual'], self.ar_lines(invoice).amount_residual)
        [item] = self.items('2026-01-31')
        self.assertEqual((item['residual'], item['residual_currency']), (200.0, 100.0))
        for day in ('2026-01-31', '2026-02-10', '2026-02-28', '2026-03-31'):
            self.assertEqual(self.aged(day)['difference_to_ledger'], 0, day)

    def test_two_companies_two_currencies(self):
        """Each company's items in its own currency; together, in the current company's at the rate of the date."""
        other = self.setup_other_company(currency_id=self.eur.id)
        company = other['company']
        self.ar_invoice(100, '2026-01-01')
        self.env['account.move'].create({
            'move_type': 'out_invoice', 'company_id': company.id, 'partner_id': self.customer.id,
            'invoice_date': '2026-01-01', 'invoice_date_due': '2026-01-01', 'currency_id': self.eur.id,
            'invoice_line_ids': [Command.create({
                'name': "x", 'price_unit': 30, 'tax_ids': [], 'account_id': other['default_account_revenue'].id})],
        }).action_post()
        self.env.user.company_ids |= company
        report = self.env['ar.aging.report'].with_context(allowed_company_ids=[self.company.id, company.id])
        both = report.get_data({'as_of': '2026-01-31'})
        self.assertEqual(both['currency_id'], self.company.currency_id.id)
        self.assertEqual(both['totals']['total'], 100 + 30 / 0.5)
        self.assertEqual(both['difference_to_ledger'], 0)
        self.assertEqual([row['total'] for row in report.get_data(
            {'as_of': '2026-01-31', 'group_by': 'company', 'order': 'total'})['rows']], [60, 100])
        kpis = report.env['ar.kpi.report'].get_data({'as_of': '2026-01-31'})
        self.assertEqual((kpis['receivable'], kpis['overdue']), (160, 160))
        alone = report.get_data({'as_of': '2026-01-31', 'company_ids': company.ids})
        self.assertEqual((alone['currency_id'], alone['totals']['total']), (self.eur.id, 30))

    def test_draft_counterpart_does_not_settle(self):
        """A posted invoice matched with a draft credit note stays open in full, as in the general ledger."""
        invoice = self.ar_invoice(1_000, '2026-01-01')
        note = self.ar_invoice(300, '2026-01-10', move_type='out_refund')
        self.ar_match(invoice, note)
        note.button_draft()
        line = self.ar_lines(invoice)
        [item] = self.items('2026-01-31')
        self.assertEqual(item['residual'], 1_000.0)
        self.assertEqual(item['draft_matched'], 300.0)
        self.assertEqual(item['residual'] - item['draft_matched'], line.amount_residual)
        self.assertEqual(self.aged('2026-01-31')['difference_to_ledger'], 0)

    def test_non_trade_accounts_are_a_named_difference(self):
        account = self.receivable.copy({'name': "Receivable from staff", 'code': '121999', 'non_trade': True})
        self.ar_invoice(100, '2026-01-01')
        self.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-10', 'line_ids': [
            Command.create({'account_id': account.id, 'balance': 33, 'partner_id': self.customer.id}),
            Command.create({'account_id': self.revenue.id, 'balance': -33})]}).action_post()
        data = self.aged('2026-01-31')
        self.assertEqual((data['totals']['total'], data['difference_to_ledger']), (100, 33))
        self.assertEqual([(part['kind'], part['amount']) for part in data['differences']], [('non_trade', 33)])

    def test_a_wrong_stored_residual_is_named(self):
        """A residual that does not follow from its matchings shows as a difference with exactly that entry."""
        invoice = self.ar_invoice(100, '2026-01-01')
        line = self.ar_lines(invoice)
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_move_line SET amount_residual = 90 WHERE id = %s", [line.id])
        self.env.invalidate_all()
        data = self.aged('2026-01-31')
        self.assertEqual(data['difference_to_ledger'], 10)
        [part] = data['differences']
        self.assertEqual((part['kind'], part['move_line_ids'], part['amount']), ('residual', line.ids, 10))

    def test_unreconciling_opens_again(self):
        invoice = self.ar_invoice(100, '2026-01-01')
        self.ar_pay(invoice, '2026-01-15')
        self.assertEqual(self.items('2026-01-31'), [])
        self.ar_lines(invoice).remove_move_reconcile()
        self.assertEqual(sorted(item['residual'] for item in self.items('2026-01-31')), [-100, 100])

    def test_disputed_part_comes_from_the_earliest_instalment(self):
        terms = self.env['account.payment.term'].create({'name': "halves", 'line_ids': [
            Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': 0}),
            Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': 30})]})
        invoice = self.ar_invoice(1_000, '2026-01-01', invoice_payment_term_id=terms.id)
        dispute = self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 600, 'date_open': '2026-01-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.assertEqual([item['disputed'] for item in self.items('2026-01-31')], [500, 100])
        self.assertEqual(self.aged('2026-01-31')['totals']['disputed'], 600)
        self.assertEqual(self.aged('2026-01-09')['totals']['disputed'], 0)
        dispute._transition(('new',), 'rejected', date_closed='2026-02-15')
        self.assertEqual(self.aged('2026-02-14')['totals']['disputed'], 600)
        self.assertEqual(self.aged('2026-02-15')['totals']['disputed'], 0)

    def test_disputed_is_never_more_than_open(self):
        invoice = self.ar_invoice(1_000, '2026-01-01')
        self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 600, 'date_open': '2026-01-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.ar_pay(invoice, '2026-02-01', amount=700)
        self.assertEqual(self.aged('2026-02-28')['totals']['disputed'], 300)
        self.assertEqual(invoice.ar_disputed_amount, 300)

    def test_grouping_paging_and_totals(self):
        self.ar_invoice(100, '2026-01-01')
        self.ar_invoice(30, '2026-01-01', partner=self.other_customer)
        data = self.aged('2026-01-31', limit=1, order='total desc')
        self.assertEqual([row['total'] for row in data['rows']], [100])
        self.assertEqual((data['totals']['total'], data['row_count']), (130, 2))
        data = self.aged('2026-01-31', limit=1, offset=1, order='total desc')
        self.assertEqual([row['total'] for row in data['rows']], [30])
        data = self.aged('2026-01-31', limit=1, offset=7)
        self.assertEqual((data['rows'], data['totals']['total'], data['row_count']), ([], 130, 2))
        self.customer.country_id = self.env.ref('base.fr')
        for group_by, names in (
            ('partner', ["Alder & Sons", "Harbour Fish Ltd"]), ('country', ["France", "No country"]),
            ('company', [self.company.name]), ('currency', ["USD"]), ('salesperson', [self.env.user.name]),
            ('collector', ["No collector"]),
        ):
            data = self.aged('2026-01-31', group_by=group_by)
            self.assertEqual([row['name'] for row in data['rows']], names)
            self.assertEqual(data['totals']['total'], 130)
            self.assertEqual(data['row_count'], len(names))
            for row in data['rows']:
                items = self.items('2026-01-31', group_by=group_by, group_id=row['id'])
                self.assertEqual(sum(item['residual'] for item in items), row['total'])

    def test_collector_is_the_companys(self):
        self.customer.ar_collector_id = self.env.user
        self.ar_invoice(100, '2026-01-01')
        [row] = self.aged('2026-01-31', group_by='collector')['rows']
        self.assertEqual((row['id'], row['total']), (self.env.user.id, 100))

    def test_options_that_make_no_sense(self):
        for options in ({'as_of': '31/12/2026'}, {'basis': 'x'}, {'group_by': 'x'}, {'bucket_limits': [30, 10]},
                        {'order': 'id; DROP TABLE x'}, {'order': 'total sideways'}, {'limit': -1}, {'limit': 'x'},
                        {'bucket_limits': 'abc'}, {'surprise': 1}, {'window_days': 0.5},
                        {'company_ids': 'x'}, {'partner_ids': 7}, {'partner_ids': ['x']}):
            with self.assertRaises(UserError, msg=options):
                if 'window_days' in options:
                    self.env['ar.kpi.report'].get_data(options)
                else:
                    self.env['ar.aging.report'].get_data(options)

    def test_query_count_does_not_depend_on_the_ledger(self):
        """get_data takes the same number of queries for 3 items as for 30."""
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.aged('2026-01-31')
            return self.env.cr.sql_log_count - before
        for number in range(3):
            self.ar_invoice(100 + number, '2026-01-01')
        few = min(count() for _turn in range(3))  # the first ones warm caches
        for number in range(27):
            self.ar_invoice(100 + number, '2026-01-01', partner=self.env['res.partner'].create({'name': f"C{number}"}))
        self.env.flush_all()
        self.assertEqual(min(count() for _turn in range(3)), few)

    def test_exposure(self):
        self.ar_invoice(100, '2020-01-01')
        self.ar_cash(30, '2020-02-01')
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        exposure = self.env['ar.ledger'].exposure(contact | self.other_customer)
        days = (self.company._ar_today() - date(2020, 1, 1)).days
        self.assertEqual(exposure[self.customer.id], {
            'receivable': 70, 'not_due': 0, 'overdue': 100, 'unapplied': -30, 'disputed': 0, 'our_fault': 0,
            'overdue_checked': 70, 'oldest_days': days, 'parts': {'open': 70}, 'exposure': 70})
        self.assertEqual(exposure[self.other_customer.id]['receivable'], 0)

    def test_draft_counterpart_without_a_matching_number(self):
        """Matched, unmatched, matched again, then drafted: core leaves the matching number empty; it still counts."""
        invoice = self.ar_invoice(1_000, '2026-01-01')
        note = self.ar_invoice(300, '2026-01-10', move_type='out_refund')
        self.ar_match(invoice, note)
        self.ar_lines(note).remove_move_reconcile()
        self.ar_match(invoice, note)
        note.button_draft()
        [item] = self.items('2026-01-31')
        self.assertEqual((item['residual'], item['draft_matched']), (1_000, 300))
        self.assertEqual(self.aged('2026-01-31')['difference_to_ledger'], 0)
