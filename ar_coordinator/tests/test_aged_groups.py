"""Aged receivables by every grouping, in two levels, in the currencies of the documents, and page by page."""
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.ar_coordinator.models.ar_ledger import GROUPS_BY

from .aging_common import AgingCommon


@tagged('post_install', '-at_install')
class TestAgedGroups(AgingCommon):

    def test_each_grouping(self):
        """Exact amounts by each key; all groupings add up to the same total, which is the ledger's."""
        expected = {
            'partner': {"Alder & Sons": 70, "Harbour Fish Ltd": 320, "Harbour Fish Scotland": 500, "No customer": 9},
            'parent': {"Alder & Sons": 70, "Harbour Fish Ltd": 820, "No customer": 9},
            'credit_group': {"No credit group": 899},
            'salesperson': {"Bob": 500, "No salesperson": 399},
            'collector': {"Ann": 320, "No collector": 579},
            'country': {"France": 320, "No country": 9, "United Kingdom": 570},
            'tag': {"No tag": 79, "North": 320, "Retail": 500},
            'currency': {"EUR": 60, "JPY": 70, "USD": 769},
            'company': {self.company.name: 899},
            'account': {self.receivable.display_name: 890, self.second.display_name: 9},
            'risk_class': {"No risk class": 579, "Risky": 320},
        }
        for group_by, totals in expected.items():
            data = self.get_table(group_by=group_by)
            self.assertEqual({row['name']: row['total'] for row in data['rows']}, totals, group_by)
            self.assertEqual(data['totals']['total'], 899, group_by)
            self.assertEqual(data['totals']['amounts'], [100, 200, 560, 9, 70, 0], group_by)
            self.assertEqual(data['totals']['unapplied'], -40, group_by)
            self.assertEqual((data['difference_to_ledger'], data['row_count']), (0, len(totals)), group_by)

    def test_credit_group(self):
        group = self.env['ar.credit.group'].create({
            'name': "Fish family", 'limit_amount': 100, 'company_ids': self.company.ids})
        (self.customer | self.branch).ar_credit_group_id = group
        self.assertEqual(self.get_totals(group_by='credit_group'), {"Fish family": 820, "No credit group": 79})

    def test_customer_at_the_top_of_a_family(self):
        """A branch of a branch is in the group of the one at the top."""
        shop = self.env['res.partner'].create({
            'name': "Shop", 'is_company': True, 'parent_id': self.branch.id})
        self.ar_invoice(1, '2026-03-01', partner=shop)
        self.assertEqual(self.get_totals(group_by='parent')["Harbour Fish Ltd"], 821)

    def test_customer_with_two_tags_counts_once(self):
        """Under the first tag by name; with a filter by tag, under the one that was asked for."""
        self.assertEqual(self.get_totals(group_by='tag', tag_ids=self.retail.ids), {"Retail": 820})
        self.assertEqual(self.get_totals(group_by='tag', tag_ids=self.north.ids), {"North": 320})
        self.assertEqual(
            self.get_totals(group_by='tag', tag_ids=[0, *self.retail.ids]), {"No tag": 79, "Retail": 820})

    def test_two_levels(self):
        """The rows of a group of the first level add up to it; those of each unfold to their items."""
        options = {'group_by': ['country', 'tag']}
        data = self.get_table(**options)
        self.assertEqual((data['group_by'], data['groups']), ('country', ['country', 'tag']))
        self.assertEqual({row['name']: row['total'] for row in data['rows']},
                         {"France": 320, "No country": 9, "United Kingdom": 570})
        for row in data['rows']:
            inside = self.get_table(**options, group_ids=[row['id']])
            self.assertEqual(inside['totals']['amounts'], row['amounts'])
            self.assertEqual(inside['totals']['total'], row['total'])
            for inner in inside['rows']:
                items = self.items(self.as_of, **options, group_ids=[row['id'], inner['id']])
                self.assertEqual(sum(item['residual'] for item in items), inner['total'])
                self.assertEqual(len(items), inner['item_count'])
        [kingdom] = [row for row in data['rows'] if row['name'] == "United Kingdom"]
        self.assertEqual(self.get_totals(**options, group_ids=[kingdom['id']]), {"No tag": 70, "Retail": 500})

    def test_cells_are_their_items(self):
        """The items behind a cell add up to it, for each row and column."""
        data = self.get_table(group_by='country', columns=['overdue'])
        for row in data['rows']:
            cells = {bucket['key']: amount for bucket, amount in zip(data['buckets'], row['amounts'], strict=True)}
            cells.update((name, row[name]) for name in ('unapplied', 'total', 'overdue'))
            for cell, amount in cells.items():
                items = self.items(self.as_of, group_by='country', group_ids=[row['id']], cell=cell)
                self.assertEqual(sum(item['residual'] for item in items), amount, (row['name'], cell))

    def test_document_currency(self):
        """One row per customer and currency, totals per currency, nothing added up over currencies."""
        data = self.get_table(amounts_in='document')
        self.assertEqual(
            [(row['name'], row['currency_id'], row['total']) for row in data['rows']], [
                ("Alder & Sons", self.jpy.id, 7_000), *sorted([
                    ("Harbour Fish Ltd", self.usd.id, 260), ("Harbour Fish Ltd", self.eur.id, 30)],
                    key=lambda row: row[1]),
                ("Harbour Fish Scotland", self.usd.id, 500), ("No customer", self.usd.id, 9)])
        self.assertIsNone(data['totals'])
        self.assertEqual(
            {totals['currency_id']: (totals['total'], totals['amounts']) for totals in data['totals_by_currency']}, {
                self.usd.id: (769, [100, 200, 500, 9, 0, 0]), self.eur.id: (30, [0, 0, 30, 0, 0, 0]),
                self.jpy.id: (7_000, [0, 0, 0, 0, 7_000, 0])})
        self.assertEqual(data['row_count'], 5)
        only = self.get_table(amounts_in='document', currency_ids=self.eur.ids)
        self.assertEqual((only['totals']['total'], only['totals']['currency_id']), (30, self.eur.id))

    def test_document_currency_sorts_within_currencies(self):
        data = self.get_table(amounts_in='document', order='total desc')
        by_currency = {}
        for row in data['rows']:
            by_currency.setdefault(row['currency_id'], []).append(row['total'])
        self.assertEqual(by_currency[self.usd.id], [500, 260, 9])
        self.assertEqual(len(by_currency), 3)
        currencies = [row['currency_id'] for row in data['rows']]
        self.assertEqual(currencies, sorted(currencies))

    def test_pages_are_the_whole(self):
        """Pages put together are the table, in each order; totals are of all rows on each page."""
        for group_by, order in (
            ('partner', 'name'), ('partner', 'total desc'), ('country', 'b2 desc'), ('tag', 'name'),
        ):
            whole = self.get_table(group_by=group_by, order=order)
            pages = [self.get_table(group_by=group_by, order=order, limit=2, offset=offset) for offset in (0, 2, 4)]
            self.assertEqual([row for page in pages for row in page['rows']], whole['rows'])
            self.assertTrue(all(page['totals'] == whole['totals'] for page in pages))

    def test_orders(self):
        self.assertEqual(list(self.get_totals(order='total desc').values()), [500, 320, 70, 9])
        self.assertEqual(list(self.get_totals(group_by='country', order='total').values()), [9, 320, 570])
        self.assertEqual(list(self.get_totals(order='overdue desc').values()), [500, 320, 70, 9])
        self.assertEqual(
            list(self.get_totals(order='average_days desc', columns=['average_days']).values()), [70, 9, 500, 320])

    def test_two_companies(self):
        """Another company in euros: its items are converted once, cell by cell, and stay in its own groups."""
        other = self.setup_other_company(name="Euro Ltd")
        company = other['company']
        company.currency_id = self.eur
        move = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.other_customer.id, 'invoice_date': '2026-03-01',
            'invoice_date_due': '2026-03-21', 'currency_id': self.eur.id, 'invoice_user_id': False,
            'invoice_line_ids': [Command.create({
                'name': "x", 'price_unit': 50, 'tax_ids': [], 'account_id': other['default_account_revenue'].id})]})
        move.action_post()
        options = {'company_ids': [self.company.id, company.id]}
        report = self.env['ar.aging.report'].with_context(allowed_company_ids=options['company_ids'])
        data = report.get_data({'as_of': self.as_of, 'group_by': ['company', 'currency'], **options})
        self.assertEqual({row['name']: row['total'] for row in data['rows']}, {self.company.name: 899, "Euro Ltd": 80})
        self.assertEqual((data['totals']['total'], data['difference_to_ledger']), (979, 0))
        data = report.get_data({
            'as_of': self.as_of, 'group_by': ['company', 'currency'], 'group_ids': [self.company.id], **options})
        self.assertEqual({row['name']: row['total'] for row in data['rows']}, {"EUR": 60, "JPY": 70, "USD": 769})
        data = report.get_data({'as_of': self.as_of, 'group_by': 'currency', 'amounts_in': 'document', **options})
        self.assertEqual({row['name']: row['total'] for row in data['rows']}, {"EUR": 80, "JPY": 7000, "USD": 769})
        # collectors and risk classes are those of the item's company
        self.other_customer.with_company(company).ar_collector_id = self.bob
        data = report.get_data({'as_of': self.as_of, 'group_by': 'collector', **options})
        self.assertEqual(
            {row['name']: row['total'] for row in data['rows']}, {"Ann": 320, "Bob": 80, "No collector": 579})

    def _euro_company(self, amounts):
        """A company in euros (1.60 on 2026-03-31) with one entry of these open items: [(customer, euros)]."""
        other = self.setup_other_company(name="Euro Ltd")
        company = other['company']
        company.currency_id = self.eur
        self._euro_entry(other, amounts)
        return other

    def _euro_entry(self, other, amounts):
        lines = [Command.create({
            'account_id': other['default_account_receivable'].id, 'partner_id': partner.id, 'balance': amount,
            'date_maturity': '2026-03-21'}) for partner, amount in amounts]
        lines.append(Command.create({
            'account_id': other['default_account_revenue'].id, 'balance': -sum(amount for _who, amount in amounts)}))
        self.env['account.move'].with_company(other['company']).create({
            'move_type': 'entry', 'date': '2026-03-01', 'company_id': other['company'].id,
            'journal_id': other['default_journal_misc'].id, 'line_ids': lines}).action_post()

    def _two(self, company, **options):
        ids = [self.company.id, company.id]
        return self.env['ar.aging.report'].with_context(allowed_company_ids=ids).get_data({
            'as_of': self.as_of, 'company_ids': ids, **options})

    def test_items_are_converted_one_by_one(self):
        """EUR 10.01 is USD 16.016, so 16.02: an item counts with that amount wherever it is counted.

        Three of them are EUR 30.03 or 48.048, so 48.05, in the ledger: one cent of rounding, no difference.
        """
        other = self._euro_company([(self.customer, 10.01), (self.customer, 10.01), (self.other_customer, 10.01)])
        company = other['company']
        for group_by, totals in {
            'company': {self.company.name: 899, "Euro Ltd": 48.06},
            'partner': {"Alder & Sons": 86.02, "Harbour Fish Ltd": 352.04, "Harbour Fish Scotland": 500,
                        "No customer": 9},
            'currency': {"EUR": 108.06, "JPY": 70, "USD": 769},
        }.items():
            data = self._two(company, group_by=group_by, compare_to='2026-03-30')
            self.assertEqual({row['name']: row['total'] for row in data['rows']}, totals)
            self.assertEqual((data['totals']['total'], data['totals']['compare']['total']), (947.06, 947.06))
            self.assertEqual(data['totals']['amounts'][1], 248.06)
            self.assertEqual((data['difference_to_ledger'], data['differences'], data['rounding']), (0, [], 0.01))
        page = self._two(company, limit=1, offset=1)
        self.assertEqual((page['rows'][0]['total'], page['totals']['total']), (352.04, 947.06))
        inside = self._two(company, group_by=['company', 'partner'], group_ids=[company.id])
        self.assertEqual({row['name']: row['total'] for row in inside['rows']},
                         {"Alder & Sons": 16.02, "Harbour Fish Ltd": 32.04})
        items = self.env['ar.ledger'].open_items({
            'as_of': self.as_of, 'company_ids': [company.id, self.company.id], 'group_by': 'company',
            'group_ids': [company.id]})
        self.assertEqual([(item['residual'], item['residual_report']) for item in items], [(10.01, 16.02)] * 3)
        parameters = dict(self.env['ar.aging.report']._aging_parameters(data, {}))
        self.assertEqual(parameters["Rounding: each open item is converted by itself"], 0.01)
        self.assertEqual(self.get_table()['rounding'], 0)

    def test_every_grouping_has_the_same_totals(self):
        """Random items of two companies: each grouping and pair of groupings adds up to the same totals."""
        other = self._euro_company([(self.customer, 1.01)])
        company = other['company']
        customers = [self.customer, self.other_customer, self.branch, self.env['res.partner']]
        cents = st.integers(-100_000, 100_000).filter(bool)

        @settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(st.lists(st.tuples(st.sampled_from(customers), cents), min_size=8, max_size=25), st.data())
        def example(drawn, data):
            self._euro_entry(other, [(partner, amount / 100) for partner, amount in drawn])
            whole = self._two(company, columns=['overdue', 'on_hold'])
            for group_by in GROUPS_BY:
                second = data.draw(st.sampled_from([name for name in GROUPS_BY if name != group_by]))
                table = self._two(company, group_by=[group_by, second], columns=['overdue', 'on_hold'], tie_out=False)
                self.assertEqual(table['totals'], whole['totals'], group_by)
                for row in table['rows'] if second in ('partner', 'company') else ():
                    inside = self._two(
                        company, group_by=[group_by, second], group_ids=[row['id'] or 0], tie_out=False)
                    self.assertEqual(inside['totals']['amounts'], row['amounts'])
                    self.assertEqual(round(sum(line['total'] for line in inside['rows']), 2), row['total'])
                for name in ('total', 'unapplied', 'overdue', 'disputed', 'promised'):
                    self.assertEqual(
                        round(sum(row[name] for row in table['rows']), 2), table['totals'][name], (group_by, name))
            self.assertEqual((whole['difference_to_ledger'], whole['differences']), (0, []))
            items = self.env['ar.ledger'].open_items({
                'as_of': self.as_of, 'company_ids': [company.id, self.company.id]})
            self.assertEqual(round(sum(item['residual_report'] for item in items), 2), whole['totals']['total'])
        example()

    def test_what_makes_no_sense_is_refused(self):
        for options in (
            {'group_by': 'colour'}, {'group_by': ['partner', 'tag', 'country']}, {'group_by': ['tag', 'tag']},
            {'group_by': [1]}, {'group_ids': [1]}, {'group_by': 'tag', 'group_ids': [1, 2]},
            {'columns': ['shoe size']}, {'order': 'oldest_days'}, {'order': 'change'}, {'amounts_in': 'gold'},
            {'bucket_by': 'weeks'}, {'basis': 'guess'},
        ):
            with self.assertRaises(UserError, msg=options):
                self.get_table(**options)
        for cell in ('b9', 'bx', 'limit'):
            with self.assertRaises(UserError, msg=cell):
                self.items(self.as_of, cell=cell)
