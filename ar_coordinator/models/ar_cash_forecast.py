"""Cash forecast: when the open items will be money, week by week, in the best, likely and worst case.

Facts from `ar.ledger` (ar_ledger_forecast.py), arithmetic in engine/forecast.py, tables in
ar_cash_forecast_tables.py, method and measured accuracy in docs/forecast.md. Only what is open is forecast: invoices
that are still to be written bring money on top.
"""
from collections import defaultdict
from datetime import timedelta
from itertools import accumulate

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..engine import forecast
from .ar_ledger import FILTERS

OWN_OPTIONS = {'scenario', 'calendar', 'column', 'group_id'}
REST = ('later', 'doubtful', 'disputed', 'credits')  # what does not come in the weeks, in the order of the cells


class ArCashForecast(models.AbstractModel):
    _name = 'ar.cash.forecast'
    _inherit = ['ar.table.report']
    _description = "Cash Forecast"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the expected receipts of 13 weeks from the items that are open as of a date.

        :param dict options: all optional: as_of (default today; of an earlier day only what was known then), scenario
            ('best', 'likely' or 'worst': what `rows`, `totals` and `items` show), calendar (default True: weeks end as
            the user's weeks do, the first one is what is left of it; False: seven days each), column ('w1' to 'w13',
            'later', 'doubtful', 'disputed' or 'credits': the items behind it come along), company_ids, partner_ids and
            the other filters of `ar.ledger._read_options` (collector_ids, currency_ids, ...); group_by, group_id (only
            the row and the items of one group; the totals and cases stay those of all), limit, offset, order ('total
            desc', 'name', or a column, ' desc' after it)
        :return: {as_of, scenario, group_by, currency_id (of all amounts; of companies with different currencies the
            current company's, at the rate of as_of), weeks: [{key, date_from, date_to, label}],
            rows: [{id, name, weeks: [amount per week], later (due after the weeks), doubtful (due in them or before,
            but not expected in them), disputed, credits (unapplied credits, less the items they cover), total}],
            totals: {the same}, scenarios: {best, likely, worst: {the same, cumulative: [amounts]}},
            row_count, item_count, difference_to_ledger, differences (see `ar.ledger.tie_out`), items: [] or [{id
            (account.move.line), move_id, partner_id, name, due, source ('promise', 'plan', 'habit', ''), amount (in the
            column), open}], biggest first, in company currency, and the filters}; in every row
            sum(weeks) + later + doubtful + disputed + credits == total
        :raise AccessError: without the role, or for a company the user may not see
        :raise UserError: for an option that makes no sense
        """
        opts = self._read_options(options)
        outlook = self._get_outlook(opts)
        currency, digits = outlook['currency'], outlook['currency'].decimal_places
        rows = self._sort(self._get_rows(outlook, opts), opts, digits)
        if opts['group_id'] is not None:
            rows = [row for row in rows if (row['id'] or 0) == opts['group_id']]
        end = None if opts['limit'] is None else opts['offset'] + opts['limit']
        return {
            'as_of': opts['as_of'].isoformat(),
            **{name: opts[name] for name in ('scenario', 'group_by', 'column', 'company_ids', 'partner_ids', *FILTERS)},
            'currency_id': currency.id,
            'weeks': self._get_weeks(opts),
            'rows': rows[opts['offset']:end],
            'totals': self._shape(outlook['totals'][opts['scenario']], digits),
            'scenarios': {
                scenario: self._with_cumulative(self._shape(cells, digits))
                for scenario, cells in outlook['totals'].items()},
            'row_count': len(rows),
            'item_count': len(outlook['outlooks']),
            'group_id': opts['group_id'],
            'items': self._get_items(outlook, opts),
            **self._tie_out(outlook, opts),
        }

    # === OPTIONS === #

    def _read_options(self, options, own=(), also=()):
        """Check and complete `options`: those of `ar.ledger._read_options`, and scenario, column, ends.

        :raise AccessError, UserError: see `get_data`
        """
        options = dict(options or {})
        own = {name: options.pop(name) for name in OWN_OPTIONS & set(options)}
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({'order': 'total desc', **options})
        if len(opts['groups']) != 1:
            raise UserError(self.env._("The forecast is grouped by one thing at a time."))
        opts['group_by'] = opts['groups'][0]
        # not the ledger's option: the cases are those of all items, also when one group is looked into
        opts['group_id'] = ledger._read_whole('group_id', own.get('group_id'))
        opts['scenario'] = self._read_choice(own, 'scenario', 'likely')
        opts['column'] = own.get('column') or None
        if opts['column'] not in (None, *self._get_columns()):
            raise UserError(self.env._("There is no column %s in the forecast.", opts['column']))
        last_weekday = None
        if own.get('calendar', True):
            # sudo: the first day of the week of the user's language, which he sees in every calendar
            language = self.env['res.lang'].sudo()._lang_get(self.env.lang or 'en_US')
            last_weekday = (int(language.week_start or 1) - 2) % 7
        opts['ends'] = forecast.period_ends(opts['as_of'], forecast.WEEKS, last_weekday)
        return opts

    def _get_weeks(self, opts):
        """Return the columns: the first begins on the day after `as_of`."""
        starts = [opts['as_of'], *opts['ends'][:-1]]
        return [{
            'key': f'w{number}',
            'date_from': fields_date(start, 1),
            'date_to': end.isoformat(),
            'label': format_date(self.env, end, date_format='d MMM'),
        } for number, (start, end) in enumerate(zip(starts, opts['ends'], strict=True), 1)]

    def _get_columns(self):
        """Return the keys of the cells, in their order."""
        return [*(f'w{number}' for number in range(1, forecast.WEEKS + 1)), *REST]

    # === THE FORECAST === #

    def _get_facts(self, opts):
        """Return (open items, forecaster that knows what was known on `as_of`). A fixed number of queries."""
        ledger = self.env['ar.ledger']
        items = ledger._forecast_items(opts)
        partners = {item['partner_id'] for item in items if item['partner_id']}
        return items, forecast.Forecaster(
            opts['as_of'], opts['ends'], ledger._payment_days(opts, partners), ledger._kept_promises(opts, partners),
            ledger._instalments_of({item['plan_id'] for item in items if item['plan_id']}))

    def _get_calendar_weeks(self, opts, count):
        """Return the likely receipts of `count` weeks from Monday to Sunday, the first being the rest of this one, as
        the report has them.

        :param dict opts: as `ar.ledger._read_options` returns
        :return: ({Monday: amount}, amount that is due in these weeks or before, but doubtful), in the report currency
        """
        opts = {**opts, 'groups': ('partner',), 'path': [], 'scenario': 'likely',
                'ends': forecast.period_ends(opts['as_of'], count, last_weekday=6)}
        outlook = self._get_outlook(opts, ('likely',))
        shape = self._shape(outlook['totals']['likely'], outlook['currency'].decimal_places)
        mondays = [end - timedelta(days=6) for end in opts['ends']]
        return dict(zip(mondays, shape['weeks'], strict=True)), shape['doubtful']

    def _get_outlook(self, opts, scenarios=forecast.SCENARIOS):
        """Return {outlooks, groups: {(key, company id): cells of the scenario}, names, totals: {scenario: cells}, ...},
        cells in minor units of the report currency."""
        items, forecaster = self._get_facts(opts)
        outlooks = forecaster.outlooks(items)
        powers = {scenario: power for scenario, power in self._get_powers(outlooks).items() if scenario in scenarios}
        width = len(opts['ends']) + len(REST)
        sums = {scenario: defaultdict(lambda: [0] * width) for scenario in powers}
        for outlook in outlooks:
            row = outlook.row
            for scenario, power in powers.items():
                key = (row['key'] if scenario == opts['scenario'] else None), row['company_id']
                cells = sums[scenario][key]
                for number, amount in enumerate(forecaster.cells(outlook, power)):
                    if amount:
                        cells[number] += amount
        currency, rates = self._get_rates(opts)
        converted = {scenario: _convert(groups, rates, width) for scenario, groups in sums.items()}
        return {
            'outlooks': outlooks,
            'forecaster': forecaster,
            'powers': powers,
            'currency': currency,
            'names': {outlook.row['key']: outlook.row['name'] for outlook in outlooks},
            'groups': converted[opts['scenario']],
            'totals': {
                scenario: [sum(cells[number] for cells in converted[scenario].values()) for number in range(width)]
                for scenario in scenarios},
        }

    def _get_powers(self, outlooks):
        """Return {scenario: power}, see `engine.forecast.pace`; of the money that may come."""
        count = forecast.effective_count(
            sum(part.amount for part in outlook.parts) for outlook in outlooks if outlook.parts)
        return {scenario: forecast.pace(scenario, count) for scenario in forecast.SCENARIOS}

    def _get_rates(self, opts):
        """Return (report currency, {company id: minor units of it for a minor unit of the company's currency})."""
        currency, rates = self.env['ar.ledger']._report_currency(opts)
        return currency, {
            company.id: float(rates.get(company.id, 1)) * 10.0 ** (
                currency.decimal_places - company.currency_id.decimal_places)
            for company in self.env['res.company'].browse(opts['company_ids'])}

    def _get_items(self, outlook, opts):
        """Return the items behind a column, see `get_data`."""
        if not opts['column']:
            return []
        number = self._get_columns().index(opts['column'])
        power, cells = outlook['powers'][opts['scenario']], outlook['forecaster'].cells
        companies = self.env['res.company'].browse(opts['company_ids'])
        digits = {company.id: company.currency_id.decimal_places for company in companies}
        found = []
        for own in outlook['outlooks']:
            row = own.row
            if opts['group_id'] not in (None, row['key']):
                continue
            if amount := cells(own, power)[number]:
                found.append({
                    'id': row['line_id'], 'move_id': row['move_id'], 'partner_id': row['partner_id'],
                    'company_id': row['company_id'], 'name': row['move_name'], 'partner_name': row['name'],
                    'due': row['due'].isoformat(), 'source': own.parts[0].source if own.parts else '',
                    'amount': _units(amount, digits[row['company_id']]),
                    'open': _units(row['residual'], digits[row['company_id']])})
        return sorted(found, key=lambda item: (-abs(item['amount']), item['due'], item['id']))

    # === SHAPES === #

    def _get_rows(self, outlook, opts):
        """Return one dict per group, see `get_data`."""
        groups = defaultdict(lambda: [0] * (len(opts['ends']) + len(REST)))
        for (key, _company), cells in outlook['groups'].items():
            for number, amount in enumerate(cells):
                groups[key][number] += amount
        names = self._get_names(groups, outlook['names'], opts)
        return [
            {'id': key or False, 'name': names[key], **self._shape(cells, outlook['currency'].decimal_places)}
            for key, cells in groups.items()]

    def _get_names(self, keys, partner_names, opts):
        """Return {key: name in the user's language}."""
        if opts['group_by'] == 'partner':
            return {key: partner_names.get(key) or self.env._("No customer") for key in keys}
        model, missing = self.env['ar.ledger']._group_model(opts['group_by'])
        # sudo: names of the groups the user's own items fall into
        records = self.env[model].sudo().browse([key for key in keys if key])
        names = {record.id: record.display_name for record in records}
        return {key: names.get(key, missing) for key in keys}

    def _shape(self, cells, digits):
        """Return {weeks, later, doubtful, disputed, credits, total} in currency units."""
        weeks = cells[:-len(REST)]
        return {
            'weeks': [_units(amount, digits) for amount in weeks],
            **{name: _units(amount, digits) for name, amount in zip(REST, cells[-len(REST):], strict=True)},
            'total': _units(sum(cells), digits),
        }

    def _with_cumulative(self, shape):
        return {**shape, 'cumulative': [round(amount, 6) for amount in accumulate(shape['weeks'])]}

    def _sort(self, rows, opts, digits):
        """Sort by 'name', 'total', a week or the rest, '... desc' for descending."""
        column, _blank, direction = opts['order'].partition(' ')
        weeks = {f'w{number}': number - 1 for number in range(1, len(opts['ends']) + 1)}
        if column not in ('name', 'total', *REST, *weeks) or direction.lower() not in ('', 'asc', 'desc'):
            raise UserError(self.env._("The forecast cannot be sorted by %s.", opts['order']))

        def value(row):
            return row['weeks'][weeks[column]] if column in weeks else row[column]
        rows.sort(key=lambda row: (row['name'] or '', row['id'] or 0))
        rows.sort(key=value, reverse=direction.lower() == 'desc')
        return rows

    def _tie_out(self, outlook, opts):
        """Return {difference_to_ledger, differences}: what the accounts have and the forecast's total has not."""
        tie_out = self.env['ar.ledger'].tie_out({
            name: opts[name] for name in ('as_of', 'company_ids', 'partner_ids', *FILTERS)})
        total = _units(sum(outlook['totals']['likely']), outlook['currency'].decimal_places)
        return {
            'difference_to_ledger': outlook['currency'].round(tie_out['ledger'] - total),
            'differences': tie_out['differences']}


def fields_date(day, days):
    """ISO text of so many days after a day."""
    return day.fromordinal(day.toordinal() + days).isoformat()


def _units(amount, digits):
    """Minor units as a number of the currency."""
    return round(amount / 10 ** digits, digits)


def _convert(groups, rates, width):
    """Convert cells of groups to the report currency, company by company, so that each company's total is exact.

    :param dict groups: {(key, company id): cells}
    """
    if set(rates.values()) == {1.0}:
        return groups
    result = {key: [0] * width for key in groups}
    for company, rate in rates.items():
        keys = [key for key in groups if key[1] == company]
        places = [(number, key) for number in range(width) for key in keys]
        amounts = forecast.convert([groups[key][number] for number, key in places], rate)
        for (number, key), amount in zip(places, amounts, strict=True):
            result[key][number] = amount
    return result
