"""Receivables sub-ledger against the general ledger, account by account, with the entries behind any difference."""
from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def open_items_by_account(self, options):
        """Return the open items per receivable account.

        :param dict options: as_of, company_ids
        :return: dict of (company id, account id) -> (sum of residuals in company currency, number of items)
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        return {
            (company_id, account_id): (float(amount), count)
            for company_id, account_id, amount, count in self.env.execute_query(SQL(
                """%s SELECT item.company_id, line.account_id, SUM(item.residual), COUNT(*)::int
                     FROM item JOIN account_move_line line ON line.id = item.line_id GROUP BY 1, 2""",
                self._items_with(opts)))}

    @api.model
    @api.readonly
    def differing_items(self, options, company):
        """Return the journal items behind a difference between the ledger and the open items of one company.

        :param dict options: as_of
        :param company: res.company, one of the user's
        :return: list of dict: id (account.move.line), kind ('other_company' or 'residual', see `tie_out`), amount (its
            part of ledger less open items)
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options({**options, 'company_ids': company.ids})
        return [
            {'id': line_id, 'kind': kind, 'amount': float(amount)}
            for kind, rows in (
                ('other_company', self._crossing_items(opts, company)), ('residual', self._wrong_items(opts, company)))
            for line_id, amount in rows]


class ArSubLedger(models.AbstractModel):
    _name = 'ar.sub.ledger'
    _inherit = ['ar.table.report']
    _description = "Sub-Ledger and General Ledger"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the open items against the general ledger, by company and account.

        :param dict options: as_of, company_ids
        :return: {as_of, company_ids, currency_id (None where companies' differ), rows: [{company_id, company_name,
            currency_id, account_id, name, is_trade, ledger, open_items, item_count, difference, entries: [{id, move_id,
            move_name, date, partner_name, kind, amount}]}] in the companies' own currencies; `unexplained`: what no
            entry explains}, differences: sum per company [{company_id, currency_id, name, amount, unexplained}]}
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options)
        scope = {'as_of': opts['as_of'], 'company_ids': opts['company_ids']}
        ledger = self.env['ar.ledger']
        balances = {(company, account): (is_trade, amount)
                    for company, account, is_trade, amount in ledger.account_balances(scope)}
        items = ledger.open_items_by_account(scope)
        # sudo: names of accounts whose journal items the user may read
        accounts = self.env['account.account'].sudo().with_context(active_test=False)
        companies = self.env['res.company'].browse(opts['company_ids'])
        rows = []
        for company in companies:
            keys = {account for owner, account in {**balances, **items} if owner == company.id}
            for account in accounts.browse(keys).with_company(company).sorted('code'):
                is_trade, balance = balances.get((company.id, account.id), (not account.non_trade, 0.0))
                residual, count = items.get((company.id, account.id), (0.0, 0))
                currency = company.currency_id
                row = {
                    'company_id': company.id, 'company_name': company.name, 'currency_id': currency.id,
                    'account_id': account.id, 'name': account.display_name, 'is_trade': is_trade,
                    'ledger': currency.round(balance), 'open_items': currency.round(residual), 'item_count': count,
                    'difference': currency.round(balance - residual), 'entries': []}
                if row['ledger'] or row['open_items'] or row['item_count']:
                    rows.append(row)
        self._explain_differences(rows, companies, opts)
        return {
            'as_of': opts['as_of'].isoformat(), 'company_ids': opts['company_ids'],
            'currency_id': companies.currency_id.id if len(companies.currency_id) == 1 else None,
            'rows': rows, 'differences': self._sum_differences(rows, companies)}

    def _explain_differences(self, rows, companies, opts):
        """Fill the entries of the accounts that differ."""
        for company in companies:
            differing = {
                row['account_id']: row for row in rows
                if row['company_id'] == company.id and row['is_trade'] and row['difference']}
            if not differing:
                continue
            found = self.env['ar.ledger'].differing_items({'as_of': opts['as_of']}, company)
            lines = self.env['account.move.line'].browse({item['id'] for item in found})
            lines.fetch(['account_id', 'move_id', 'move_name', 'date', 'partner_id'])
            parts = defaultdict(float)
            for item in found:
                parts[item['id'], item['kind']] += item['amount']
            for (line_id, kind), amount in sorted(parts.items()):
                line = lines.browse(line_id)
                if line.account_id.id in differing and company.currency_id.round(amount):
                    differing[line.account_id.id]['entries'].append({
                        'id': line_id, 'move_id': line.move_id.id, 'move_name': line.move_name,
                        'date': line.date.isoformat(), 'partner_name': line.partner_id.display_name or "",
                        'kind': kind, 'amount': company.currency_id.round(amount)})

    def _sum_differences(self, rows, companies):
        differences = []
        for company in companies:
            trade = [row for row in rows if row['company_id'] == company.id and row['is_trade']]
            amount = company.currency_id.round(sum(row['difference'] for row in trade))
            explained = sum(entry['amount'] for row in trade for entry in row['entries'])
            differences.append({
                'company_id': company.id, 'currency_id': company.currency_id.id, 'name': company.name, 'amount': amount,
                'unexplained': company.currency_id.round(amount - explained)})
        return differences

    # === TABLE === #

    def _get_filters(self):
        return [self._filter_as_of()]

    def _get_tables(self, data):
        columns = [
            {'key': 'name', 'label': self.env._("Account"), 'type': 'text'},
            {'key': 'company', 'label': self.env._("Company"), 'type': 'text', 'phone': False},
            {'key': 'note', 'label': self.env._("Remark"), 'type': 'text', 'phone': False},
            {'key': 'count', 'label': self.env._("Open items"), 'type': 'integer', 'phone': False},
            {'key': 'ledger', 'label': self.env._("General ledger"), 'type': 'amount', 'phone': False},
            {'key': 'open_items', 'label': self.env._("Sub-ledger"), 'type': 'amount'},
            {'key': 'difference', 'label': self.env._("Difference"), 'type': 'amount'},
        ]
        rows = []
        for row in data['rows']:
            rows.append(self._make_account_row(data, row))
            rows += [self._make_entry_row(row, entry) for entry in row['entries']]
        checks = []
        for difference in data['differences']:
            checks.append({
                'label': self.env._("%s: general ledger less sub-ledger, trade accounts", difference['name']),
                'amount': difference['amount'], 'ok': not difference['amount'],
                'currency_id': difference['currency_id']})
            if difference['unexplained']:
                checks.append({
                    'label': self.env._("%s: not explained by any entry", difference['name']), 'ok': False,
                    'amount': difference['unexplained'], 'currency_id': difference['currency_id']})
        return [{
            'key': 'accounts', 'columns': columns, 'rows': rows, 'checks': checks, 'currency_id': data['currency_id'],
            'empty': self.env._("No receivable account has a balance on this date."),
        }]

    def _make_account_row(self, data, row):
        return {
            'key': f'account-{row["company_id"]}-{row["account_id"]}', 'level': 0, 'currency_id': row['currency_id'],
            'drill': {
                'model': 'account.move.line', 'name': row['name'],
                'domain': [('account_id', '=', row['account_id']), ('company_id', '=', row['company_id']),
                           ('parent_state', '=', 'posted'), ('date', '<=', data['as_of'])]},
            'cells': {
                'name': row['name'], 'company': row['company_name'], 'count': row['item_count'],
                'note': None if row['is_trade'] else self.env._("Marked non-trade: kept out of ageing"),
                'ledger': row['ledger'], 'open_items': row['open_items'], 'difference': row['difference']}}

    def _make_entry_row(self, row, entry):
        remarks = {
            'other_company': self.env._("Matched with another company's entry"),
            'residual': self.env._("Its stored residual does not follow from its matchings")}
        return {
            'key': f'entry-{entry["kind"]}-{entry["id"]}', 'level': 1, 'currency_id': row['currency_id'],
            'drill': {'model': 'account.move', 'res_id': entry['move_id'], 'name': entry['move_name']},
            'cells': {
                'name': " · ".join(filter(None, (entry['move_name'], entry['partner_name']))),
                'note': remarks[entry['kind']], 'difference': entry['amount']}}
