"""Random ledgers built through Odoo: whatever happens to them, the open items are the general ledger, at any date."""
from collections import defaultdict
from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.tests import tagged

from odoo.addons.ar_coordinator.engine import buckets
from odoo.addons.ar_coordinator.models.ar_ledger import GROUPS_BY

from .common import ArCommon

START = date(2026, 1, 1)
DAYS = st.integers(0, 120)
CENTS = st.integers(1, 500_000)
PICK = st.integers(0, 10_000)

# what is booked: (kind, day, cents, customer and term)
DOCUMENTS = st.lists(
    st.tuples(
        st.sampled_from(('invoice', 'foreign', 'instalments', 'refund', 'cash', 'foreign cash', 'misc')),
        DAYS, CENTS, PICK),
    min_size=5, max_size=9)
# what then happens to it: (action, day, cents, which of the possible ones)
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(('pay', 'match', 'match', 'unmatch', 'draft')), DAYS, CENTS, PICK),
    min_size=4, max_size=9)


class _RollBack(Exception):
    """Ends an example: undoes what it created."""


class LedgerPropertiesCase(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.terms = cls.env['account.payment.term'].create({'name': "three parts", 'line_ids': [
            Command.create({'value': 'percent', 'value_amount': 20, 'nb_days': 0}),
            Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 20}),
            Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': 45})]})
        cls.env.user.write({'group_ids': [Command.link(cls.env.ref('account.group_account_user').id)]})

    def _book(self, documents):
        """Post the documents; return their entries."""
        moves = self.env['account.move']
        foreign = {'currency_id': self.eur.id}
        for kind, day, cents, pick in documents:
            amount, on = cents / 100, START + timedelta(days=day)
            partner = self.other_customer if pick % 4 == 0 else self.customer
            due = on + timedelta(days=pick % 60)
            if kind == 'invoice':
                moves |= self.ar_invoice(amount, on, due, partner=partner)
            elif kind == 'foreign':
                moves |= self.ar_invoice(amount, on, due, partner=partner, **foreign)
            elif kind == 'instalments':
                moves |= self.ar_invoice(amount, on, partner=partner, invoice_payment_term_id=self.terms.id)
            elif kind == 'refund':
                moves |= self.ar_invoice(amount, on, partner=partner, move_type='out_refund')
            elif kind == 'cash':
                moves |= self.ar_cash(amount, on, partner=partner).move_id
            elif kind == 'foreign cash':
                moves |= self.ar_cash(amount, on, partner=partner, **foreign).move_id
            else:
                moves |= self.ar_misc(amount if pick % 2 else -amount, on, partner=partner)
        return moves

    def _act(self, moves, action, day, cents, pick):
        """Do one of the possible things of this kind; return how many were done (0: none is possible)."""
        posted = moves.filtered(lambda move: move.state == 'posted')
        lines = self.ar_lines(posted)
        if action == 'pay':
            choice = posted.filtered(
                lambda move: move.move_type == 'out_invoice' and move.payment_state in ('not_paid', 'partial'))
        elif action == 'match':
            open_lines = lines.filtered(lambda line: not line.reconciled)
            choice = [
                debit | credit
                for debit in open_lines.filtered(lambda line: line.amount_residual > 0)
                for credit in open_lines.filtered(lambda line: line.amount_residual < 0)
                if debit.partner_id == credit.partner_id
            ]
        elif action == 'unmatch':
            choice = lines.filtered(lambda line: line.matched_debit_ids or line.matched_credit_ids)
        else:
            matched = posted.filtered(lambda move: any(
                line.matched_debit_ids or line.matched_credit_ids for line in self.ar_lines(move)))
            choice = (matched or posted).filtered(lambda move: move.move_type in ('out_invoice', 'out_refund'))
        if not choice:
            return 0
        chosen = choice[pick % len(choice)]
        if action == 'pay':
            on = START + timedelta(days=day)
            self.ar_pay(chosen, on, amount=min(cents / 100, chosen.amount_residual), currency_id=chosen.currency_id.id)
        elif action == 'match':
            chosen.reconcile()
        elif action == 'unmatch':
            chosen.remove_move_reconcile()
        else:
            chosen.button_draft()
        return 1

    def _check(self, days, limits):
        currency = self.company.currency_id
        as_of_dates = [START + timedelta(days=day) for day in days]
        ledger = self.env['ar.ledger']
        aged = {}
        for as_of in as_of_dates:
            expected = self.ledger_balance(as_of)
            items = self.items(as_of, bucket_limits=limits)
            self.assertEqual(currency.round(sum(item['residual'] for item in items)), expected, as_of)
            data = self.aged(as_of, bucket_limits=limits)
            self.assertEqual((data['difference_to_ledger'], data['differences']), (0, []), as_of)
            self.assertEqual(currency.round(data['totals']['total']), expected, as_of)
            self._check_rows(data, items, as_of, limits)
            aged[as_of] = data
        for as_of, before in zip(as_of_dates[:2], as_of_dates[2:4], strict=True):
            self._check_views(as_of, before, limits)
        points = sorted(set(as_of_dates))
        opts = ledger._read_options({'as_of': points[-1], 'company_ids': self.company.ids})
        facts = ledger._point_facts(opts, points)
        for number, as_of in enumerate(points):
            totals = aged[as_of]['totals']
            self.assertEqual(facts['receivable'][number], currency.round(totals['total']), as_of)
            self.assertEqual(facts['not_due'][number], currency.round(totals['amounts'][0]), as_of)
            self.assertEqual(facts['overdue'][number], currency.round(sum(totals['amounts'][1:])), as_of)
        return self._check_against_odoo()

    def _check_views(self, as_of, before, limits):
        """However it is grouped, filtered, compared or shown: rows are the totals, and these are the ledger's."""
        pick = as_of.toordinal()
        groups = [GROUPS_BY[pick % len(GROUPS_BY)], GROUPS_BY[(pick // 3 + 1) % len(GROUPS_BY)]]
        groups = groups if groups[0] != groups[1] else groups[:1]
        filters = [
            {}, {'currency_ids': self.eur.ids}, {'partner_ids': self.customer.ids}, {'country_ids': [0]},
            {'account_ids': self.receivable.ids, 'salesperson_ids': [0, self.env.uid]}][pick % 5]
        options = {
            **filters, 'group_by': groups, 'compare_to': before, 'columns': ['overdue', 'oldest_days', 'average_days'],
            'bucket_by': buckets.UNITS[pick % 3], 'bucket_limits': [limit % 12 + 1 for limit in limits[:1]]}
        data = self.aged(as_of, **options)
        cents = self._cents
        if 'currency_ids' in filters:  # what is matched across currencies has one side outside the filter, and is named
            self.assertLessEqual({part['kind'] for part in data['differences']}, {'other_company'}, options)
            explained = sum(cents(part['amount']) for part in data['differences'])
            self.assertEqual(explained, cents(data['difference_to_ledger']), options)
        else:
            self.assertEqual((data['difference_to_ledger'], data['differences']), (0, []), options)
        items = self.items(as_of, **filters)
        self.assertEqual(cents(data['totals']['total']), sum(cents(item['residual']) for item in items), options)
        earlier = self.items(before, **filters)
        self.assertEqual(
            cents(data['totals']['compare']['total']), sum(cents(item['residual']) for item in earlier), options)
        self._check_sums(data['rows'], data['totals'])
        for row in data['rows'] if len(groups) == 2 else ():
            inside = self.aged(as_of, **options, group_ids=[row['id'] or 0], tie_out=False)
            self.assertEqual(inside['totals']['amounts'], row['amounts'], options)
            self._check_sums(inside['rows'], row)
        data = self.aged(as_of, **{**options, 'amounts_in': 'document'}, tie_out=False)
        by_currency = defaultdict(int)
        for item in items:
            if item['residual_currency']:
                by_currency[item['currency_id']] += cents(item['residual_currency'])
        found = {totals['currency_id']: cents(totals['total']) for totals in data['totals_by_currency']
                 if totals['item_count']}
        self.assertEqual(found, dict(by_currency), options)

    def _cents(self, amount):
        return round(amount * 100)

    def _check_sums(self, rows, totals):
        """Rows add up to the totals in every column; each row's columns to its total."""
        cents = self._cents
        for part in (lambda row: row, lambda row: row['compare']):
            for name in ('unapplied', 'total'):
                self.assertEqual(sum(cents(part(row)[name]) for row in rows), cents(part(totals)[name]))
            for number in range(len(totals['amounts'])):
                self.assertEqual(
                    sum(cents(part(row)['amounts'][number]) for row in rows), cents(part(totals)['amounts'][number]))
            for row in rows:
                self.assertEqual(
                    sum(map(cents, part(row)['amounts'])) + cents(part(row)['unapplied']), cents(part(row)['total']))
        self.assertEqual(max((row['oldest_days'] for row in rows), default=0), totals['oldest_days'])

    def _check_rows(self, data, items, as_of, limits):
        """Every row of the table is its own items, aged by the engine."""
        by_partner = defaultdict(list)
        for item in items:
            by_partner[item['partner_id'] or False].append(item)
        self.assertEqual({row['id'] for row in data['rows']}, set(by_partner))
        for row in data['rows']:
            amounts, unapplied, total = buckets.age(
                [(item['age_date'], round(item['residual'] * 100)) for item in by_partner[row['id']]], as_of, limits)
            self.assertEqual([round(amount * 100) for amount in row['amounts']], amounts)
            self.assertEqual((round(row['unapplied'] * 100), round(row['total'] * 100)), (unapplied, total))
            self.assertEqual(round((sum(row['amounts']) + row['unapplied']) * 100), round(row['total'] * 100))

    def _check_against_odoo(self):
        """Return how many drafts settle a posted item.

        Once everything has happened, residuals are Odoo's own (less what Odoo already counts as settled by a draft).
        """
        items = {item['id']: item for item in self.items(date(2030, 1, 1))}
        lines = self.env['account.move.line'].search([
            ('company_id', '=', self.company.id), ('account_type', '=', 'asset_receivable'),
            ('parent_state', '=', 'posted')])
        drafts = sum(1 for item in items.values() if item['draft_matched'])
        for line in lines:
            item = items.pop(line.id, {'residual': 0, 'draft_matched': 0, 'residual_currency': 0})
            self.assertAlmostEqual(item['residual'] - item['draft_matched'], line.amount_residual, 6)
            if not item['draft_matched']:
                self.assertAlmostEqual(item['residual_currency'], line.amount_residual_currency, 6)
        self.assertFalse(items)
        return drafts


@tagged('post_install', '-at_install')
class TestLedgerProperties(LedgerPropertiesCase):

    def test_open_items_are_the_general_ledger(self):
        """Sum of residuals == balance of the accounts at 20 dates; today's residuals are Odoo's; reports agree."""
        seen = defaultdict(int)

        # no shrinking: building a ledger takes a second, a failure would take minutes
        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(documents=DOCUMENTS, actions=ACTIONS, days=st.lists(DAYS, min_size=20, max_size=20), limits=st.lists(
            st.integers(1, 150), min_size=1, max_size=5, unique=True).map(sorted))
        def example(documents, actions, days, limits):
            try:
                with self.env.cr.savepoint():
                    moves = self._book(documents)
                    for action in actions:
                        seen[action[0]] += self._act(moves, *action)
                    self.env.flush_all()
                    seen['draft counterpart'] += self._check(days, limits)
                    raise _RollBack
            except _RollBack:
                self.env.invalidate_all()
        example()
        self.assertTrue(all(seen[action] for action in ('pay', 'match', 'unmatch', 'draft')), dict(seen))
