"""What a dunning run decides about open items: facts of the ledger and our records in, the engine's decisions out.

The same for previews, for the send gate and for questions in between. Other reasons to leave an item alone join by
`_get_stops` and `_make_item`.
"""
from collections import defaultdict

from odoo import models

from ..engine import dunning
from .ar_outbox import COUNTED_STATES


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    # === FACTS AND DECISIONS === #

    def _evaluate(self, partner_ids=None):
        """Decide about the open items of the company, or of some customers, with today's facts.

        :return: list of engine decisions
        """
        self = self._in_company()
        rows = self._get_rows(partner_ids)
        partners = self.env['res.partner'].browse({row['partner_id'] for row in rows if row['partner_id']})
        levels, without_policy = self._get_levels(partners, rows)
        invoice_levels = self._get_invoice_levels(rows)
        earliest = min(
            (level.delay_days for own in (*levels.values(), *invoice_levels.values()) for level in own[:1]), default=1)
        considered, credits = self._split(rows, min(earliest, 1))
        sent_levels = self._get_sent_levels([row['id'] for row in considered], [row['move_id'] for row in considered])
        owing = {row['partner_id'] for row in considered}
        contacts = self._get_last_contacts(owing)
        customers = {
            partner_id: dunning.Customer(
                levels=levels.get(partner_id, ()), has_policy=partner_id not in without_policy,
                last_contact=contacts.get(partner_id), credits=credits.get(partner_id, {}))
            for partner_id in owing if partner_id}
        stops = self._get_stops(considered)
        items = [self._make_item(row, sent_levels, stops, invoice_levels) for row in considered]
        currencies = self.env['res.currency'].browse({row['currency_id'] for row in considered})
        return dunning.decide(items, customers, self._get_rules(currencies | self.company_id.currency_id))

    def _get_rows(self, partner_ids):
        """Return the ledger's open items of today, aged at the run's day; of some customers, or of all (None).

        Among the ids of customers, None stands for the items without one.
        """
        ledger = self.env['ar.ledger']
        options = {
            'as_of': max(self.company_id._ar_today(), self.as_of), 'age_at': self.as_of,
            'company_ids': self.company_id.ids}
        if partner_ids is None:
            return ledger.open_items(options)
        rows = ledger.open_items({**options, 'group_by': 'partner', 'group_id': 0}) if None in partner_ids else []
        return rows + ledger.open_items({**options, 'partner_ids': [number for number in partner_ids if number]})

    def _get_rules(self, currencies):
        """Return the company's rules for the engine."""
        pre_due = self.env['ar.dunning.level'].with_context(active_test=False).search([('delay_days', '<', 0)])
        return dunning.Rules(
            as_of=self.as_of, quiet_days=self.company_id.ar_dunning_quiet_days,
            minimum=self.company_id.ar_dunning_minimum_amount, company_currency_id=self.company_id.currency_id.id,
            digits={currency.id: currency.decimal_places for currency in currencies},
            pre_due=frozenset(pre_due.ids), net_credits=self.company_id.ar_dunning_net_credits)

    def _get_levels(self, partners, rows):
        """Return ({partner id: engine levels}, {ids of partners without policy}); see `ar.dunning.policy._resolve`."""
        overdue = defaultdict(float)
        for row in rows:
            if row['days'] > 0 and row['residual'] > 0:
                overdue[row['partner_id']] += row['residual']
        resolved = self.env['ar.dunning.policy']._resolve(self.company_id, partners, overdue)
        all_levels = self.env['ar.dunning.policy'].union(
            *(found.policy for found in resolved.values()))._engine_levels()
        return (
            {partner_id: all_levels[found.policy.id] for partner_id, found in resolved.items() if found.policy},
            {partner_id for partner_id, found in resolved.items() if not found.policy})

    def _get_invoice_levels(self, rows):
        """Return {invoice id: engine levels} for the invoices that were given a policy of their own."""
        policies = self.env['ar.dunning.policy.invoice']._get_policies(
            self.company_id, {row['move_id'] for row in rows})
        all_levels = self.env['ar.dunning.policy'].union(*policies.values())._engine_levels()
        return {move_id: all_levels[policy.id] for move_id, policy in policies.items()}

    def _split(self, rows, min_days):
        """Split ledger rows into items to consider and credits.

        Credits are {partner id: {currency id: (amount, in company currency)}}.

        Money paid out to a customer is no debt to remind him of: it uses up his credit.
        """
        considered, totals = [], defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
        candidates = [
            row for row in rows
            if row['residual_currency'] > 0 and (row['days'] >= min_days or row['move_type'] == 'entry')]
        lines = self.env['account.move.line'].with_context(active_test=False).search_fetch(
            [('id', 'in', [row['id'] for row in candidates])],
            ['amount_currency', 'amount_residual_currency', 'journal_id'])
        details = {line.id: line for line in lines}
        payouts = set()
        for row in candidates:
            line = details[row['id']]
            if row['move_type'] == 'entry' and line.journal_id.type in ('bank', 'cash', 'credit'):
                payouts.add(row['id'])
            elif row['days'] >= min_days and row['date'] <= self.as_of:
                considered.append({
                    **row, 'owed': line.amount_residual_currency, 'amount_original': line.amount_currency})
        for row in rows:
            if row['residual_currency'] < 0 or row['id'] in payouts:
                total = totals[row['partner_id']][row['currency_id']]
                total[0] -= row['residual_currency']
                total[1] -= row['residual']
        credits = {
            partner_id: {currency: tuple(total) for currency, total in by_currency.items() if total[0] > 0}
            for partner_id, by_currency in totals.items()}
        return considered, credits

    def _get_sent_levels(self, line_ids, move_ids):
        """Return {move line id: frozenset of level ids}: what letters that count have asked for, in any run.

        An invoice that was reset to draft gets new items; what was sent for the old ones counts for all of them.
        """
        lines = self.env['ar.dunning.letter.line']
        counted = [('company_id', '=', self.company_id.id), ('state', 'in', COUNTED_STATES)]
        by_line = {
            line.id: frozenset(levels) for line, levels in lines._read_group(
                [*counted, ('move_line_id', 'in', line_ids)], ['move_line_id'], ['level_id:array_agg'])}
        by_move = {
            move.id: frozenset(levels) for move, levels in lines._read_group(
                [*counted, ('move_line_id', '=', False), ('move_id', 'in', move_ids)],
                ['move_id'], ['level_id:array_agg'])}
        nothing = frozenset()
        return {
            line_id: by_line.get(line_id, nothing) | by_move.get(move_id, nothing)
            for line_id, move_id in zip(line_ids, move_ids, strict=True)}

    def _get_last_contacts(self, partner_ids):
        """Return {partner id: date of the last reminder} of other runs: letters of one run do not wait for others."""
        return {
            partner.id: last for partner, last in self.env['ar.dunning.letter']._read_group([
                ('company_id', '=', self.company_id.id), ('partner_id', 'in', list(partner_ids)),
                ('state', 'in', COUNTED_STATES), ('run_id', '!=', self._origin.id)], ['partner_id'], ['date:max'])}

    def _get_stops(self, rows):
        """Return {item id: {engine flag: True}} for items to leave alone. Hook: other reasons add theirs."""
        pauses, today = self.env['ar.pause'], self.company_id._ar_today()
        partner_ids = {row['partner_id'] for row in rows if row['partner_id']}
        customers, moves = pauses._paused(self.company_id, today, partner_ids)
        items = pauses._paused_items(self.company_id, today, partner_ids)
        return {
            row['id']: {'paused': True} for row in rows
            if row['partner_id'] in customers or row['move_id'] in moves or row['id'] in items}

    def _make_item(self, row, sent_levels, stops, invoice_levels):
        """Turn a ledger row into an engine item."""
        item = dunning.Item(
            id=row['id'], partner_id=row['partner_id'], currency_id=row['currency_id'], date_due=row['age_date'],
            days=row['days'], residual=row['residual_currency'], residual_company=row['residual'], owed=row['owed'],
            disputed=row['disputed_currency'], no_followup=bool(row['no_followup']), sent_levels=sent_levels[row['id']],
            levels=invoice_levels.get(row['move_id']), facts=row, **stops.get(row['id'], {}))
        return item
