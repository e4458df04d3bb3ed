"""The team: what each collector looks after, and what came of it this week, against target."""
from collections import defaultdict
from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain


class ArCollectorTeam(models.AbstractModel):
    _name = 'ar.collector.team'
    _inherit = ['ar.table.report']
    _description = "Collectors"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the work of each collector. A fixed number of queries per company.

        :param dict options: as_of (default today), company_ids
        :return: {as_of, week_from (Monday), company_ids, currency_id, rows: [{id (user, False for nobody), name,
            away (name of the substitute today, or ''), customers (number), open, overdue, promises_due (number: open
            promises whose day has come), calls (logged since Monday), collected (since Monday), target (of a week, None
            without), share (of the target reached, None without)}], most overdue first, totals: {the same}}
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options)
        ledger, as_of = self.env['ar.ledger'], opts['as_of']
        monday = as_of - timedelta(days=as_of.weekday())
        scope = {'as_of': as_of, 'company_ids': opts['company_ids'], 'group_by': 'collector'}
        currency, rates = ledger._report_currency(opts)
        companies = self.env['res.company'].browse(opts['company_ids'])
        rows = defaultdict(lambda: {
            'customers': 0, 'open': 0.0, 'overdue': 0.0, 'promises_due': 0, 'calls': 0, 'collected': 0.0,
            'target': None})
        aged = ledger.aged_balance(scope)
        for own in aged['rows']:
            rows[own['id'] or False].update(open=own['total'], overdue=currency.round(sum(own['amounts'][1:])))
        for user_id, count in self._count_customers(companies).items():
            rows[user_id]['customers'] = count
        for user_id, count in self._count_promises_due(companies, as_of).items():
            rows[user_id]['promises_due'] = count
        for user_id, count in self._count_calls(companies, monday, as_of).items():
            rows[user_id]['calls'] = count
        for user_id, _week, _billed, collected in ledger._moved(ledger._read_options(scope), monday, 'collector'):
            rows[user_id or False]['collected'] += collected
        targets = self.env['ar.kpi.target']._get_collector_targets(opts, monday, currency, rates)
        for user_id, target in targets.items():
            rows[user_id]['target'] = target
        return {
            'as_of': as_of.isoformat(), 'week_from': monday.isoformat(), 'company_ids': opts['company_ids'],
            'currency_id': currency.id, **self._finish(rows, companies, currency, aged['totals'])}

    @api.model
    @api.readonly
    def get_board(self, options=None):
        """Return the team as cards: what `get_data` returns, and what opens behind each figure.

        :param dict options: as `get_data`
        :return: dict of `get_data`, can_assign (whether the user may give customers to others), each row with drills
            {figure: {model, name, domain}, or {action, options}}, one of them 'worklist'
        :raise AccessError, UserError: as `ar.ledger`
        """
        data = self.get_data(options)
        data['can_assign'] = self.env.user.has_group('ar_coordinator.group_ar_manager')
        for row in data['rows']:
            row['drills'] = {**self._get_drills(data, row), **self._get_board_drills(data, row)}
        return data

    # === FACTS === #

    def _count_customers(self, companies):
        """{user id: number of customers}, of several companies together."""
        counts = defaultdict(int)
        for company in companies:
            customers = self.env['res.partner'].with_company(company).search_fetch(
                [('ar_collector_id', '!=', False)], ['ar_collector_id'])
            for customer in customers:
                counts[customer.ar_collector_id.id] += 1
        return counts

    def _count_promises_due(self, companies, as_of):
        """{user id or False: number of promises whose day has come, still open on `as_of`}."""
        domain = Domain([
            ('company_id', 'in', companies.ids), ('date_made', '<=', as_of), ('date_promised', '<=', as_of)])
        domain &= Domain('date_ended', '=', False) | Domain('date_ended', '>', as_of)
        return {user.id: count for user, count in self.env['ar.promise']._read_group(
            domain, ['user_id'], ['__count'])}

    def _count_calls(self, companies, first, last):
        """Hook: {user id: number of calls logged in a span of days}."""
        return {user.id: count for user, count in self.env['ar.call']._read_group([
            ('company_id', 'in', companies.ids), ('day', '>=', first), ('day', '<=', last)],
            ['user_id'], ['__count'])}

    def _finish(self, rows, companies, currency, aged):
        """Return {rows, totals}: names, shares, order. `aged`: the totals of the aged receivables, for what is open.

        Where companies' currencies are converted, rounded rows may differ from the total by cents: the total is the
        same on every screen.
        """
        # sudo: names of colleagues
        users = self.env['res.users'].sudo().browse([user_id for user_id in rows if user_id])
        names = {user.id: user.name for user in users}
        away = {}
        for company in companies:
            away.update(self.env['ar.collector.absence']._get_substitutes(company))
        substitutes = {user.id: user.name for user in self.env['res.users'].sudo().browse(set(away.values()))}
        result = [{
            'id': user_id, 'name': names.get(user_id) or self.env._("No collector"),
            'away': substitutes.get(away.get(user_id), ''), **own, 'share': _share(own),
        } for user_id, own in rows.items()]
        result.sort(key=lambda row: (not row['id'], -row['overdue'], row['name']))
        targets = [row['target'] for row in result if row['target'] is not None]
        totals = {
            'open': aged['total'], 'overdue': currency.round(sum(aged['amounts'][1:])),
            'collected': currency.round(sum(row['collected'] for row in result)),
            **{name: sum(row[name] for row in result) for name in ('customers', 'promises_due', 'calls')},
            'target': currency.round(sum(targets)) if targets else None}
        # of those who have one: what others collected is not what it was set for
        reached = sum(row['collected'] for row in result if row['target'] is not None)
        return {'rows': result, 'totals': {**totals, 'share': _share({**totals, 'collected': reached})}}

    # === TABLE === #

    def _get_title(self, data):
        return self.env._("Collectors")

    def _get_filters(self):
        return [self._filter_as_of()]

    def _get_tables(self, data):
        columns = [
            {'key': 'name', 'label': self.env._("Collector"), 'type': 'text'},
            {'key': 'away', 'label': self.env._("Away, Substitute"), 'type': 'text', 'phone': False},
            {'key': 'customers', 'label': self.env._("Customers"), 'type': 'integer', 'phone': False},
            {'key': 'open', 'label': self.env._("Open"), 'type': 'amount', 'phone': False,
             'title': self.env._("Credits deducted")},
            {'key': 'overdue', 'label': self.env._("Overdue"), 'type': 'amount'},
            {'key': 'promises_due', 'label': self.env._("Promises Due"), 'type': 'integer', 'phone': False,
             'title': self.env._("Open promises whose day has come")},
            {'key': 'calls', 'label': self.env._("Calls"), 'type': 'integer', 'phone': False,
             'title': self.env._("Logged since Monday")},
            {'key': 'collected', 'label': self.env._("Collected"), 'type': 'amount',
             'title': self.env._("Since Monday, from the collector's customers")},
            {'key': 'target', 'label': self.env._("Target"), 'type': 'amount', 'phone': False,
             'title': self.env._("Of the week")},
            {'key': 'share', 'label': self.env._("Reached"), 'type': 'percent'},
        ]
        keys = [column['key'] for column in columns]
        rows = [{
            'key': f'user-{row["id"] or 0}', 'level': 0, 'cells': {key: row[key] for key in keys},
            'drill': {'model': 'res.partner', 'name': row['name'], 'domain': [('ar_collector_id', '=', row['id'])]}
            if row['id'] else None,
            'drills': self._get_drills(data, row),
        } for row in data['rows']]
        if rows:
            rows.append({'key': 'total', 'level': 'total', 'drill': None, 'cells': {
                'name': self.env._("Total"), **data['totals']}})
        return [{
            'key': 'team', 'columns': columns, 'rows': rows, 'currency_id': data['currency_id'],
            'empty': self.env._(
                "Nobody looks after a customer yet: write a rule, or choose a collector on a customer."),
        }]

    def _get_drills(self, data, row):
        """Amounts lead to the aged receivables of the collector, promises to the promises."""
        aged = {'action': 'ar_coordinator.ar_aging_action', 'options': {
            'as_of': data['as_of'], 'collector_ids': [row['id'] or 0]}}
        promises = {
            'model': 'ar.promise', 'name': self.env._("Promises Due"), 'domain': [
                ('state', '=', 'open'), ('user_id', '=', row['id']), ('date_promised', '<=', data['as_of'])]}
        return {'open': aged, 'overdue': aged, 'promises_due': promises}

    def _get_board_drills(self, data, row):
        """Customers, calls and money of the week, and the collector's worklist."""
        drills = {
            'customers': {
                'model': 'res.partner', 'name': row['name'], 'domain': [
                    ('ar_collector_id', '=', row['id']), *([] if row['id'] else [('customer_rank', '>', 0)])]},
            'collected': {'action': 'ar_coordinator.ar_collections_action', 'options': {
                'as_of': data['as_of'], 'collector_ids': [row['id'] or 0]}},
            'worklist': {'action': 'ar_coordinator.ar_worklist_action', 'options': {
                'collector': row['id'] or 'none'}},
        }
        if row['id']:
            drills['calls'] = {'model': 'ar.call', 'name': self.env._("Calls"), 'domain': [
                ('user_id', '=', row['id']), ('day', '>=', data['week_from']), ('day', '<=', data['as_of']),
                ('company_id', 'in', data['company_ids'])]}
        return drills


def _share(row):
    """Share of the target that was reached; None without a target."""
    return row['collected'] / row['target'] if row['target'] else None
