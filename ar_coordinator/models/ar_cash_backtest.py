"""How good the cash forecast has been: forecasts as they would have been made on past days, beside the money that came.

The forecast of a day knows what was known on it (`ar.cash.forecast`); the money is what came on the items that were
open then. Beside it stand two forecasts anybody can make: every item is paid on its due date; 30 days after its invoice
date. What was disputed had no day in the forecast: money that came on it is shown, and is part of no comparison.
"""
from datetime import timedelta
from itertools import accumulate

from odoo import api, models
from odoo.exceptions import UserError

from ..engine import forecast
from .ar_ledger import FILTERS

METHODS = ('forecast', 'due_date', 'thirty_days')
OWN_OPTIONS = {'count', 'every_days'}
MOST_FORECASTS = 60


class ArCashBacktest(models.AbstractModel):
    _name = 'ar.cash.backtest'
    _inherit = ['ar.table.report']
    _description = "Cash Forecast: Back-Test"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return past forecasts beside the money that came.

        :param dict options: all optional: as_of (the last day of the last comparison; default today: the last forecast
            was made 13 weeks earlier), count (of forecasts, default 12), every_days (days between them, default
            28), company_ids, partner_ids and the other filters of `ar.ledger._read_options`
        :return: {as_of, count, every_days, currency_id, methods: ['forecast', 'due_date', 'thirty_days'],
            weeks: [{week, actual (mean receipts), error: {method: mean absolute error}}],
            totals: {weeks_4, weeks_13: {actual, error}, by_week: sum over the weeks}, inside: share of the comparisons
            in which the receipts up to a week were between worst and best, in per cent, by week, None without any,
            forecasts: [{as_of, open (what was forecast), actual: [by week], on_disputed (receipts in these weeks on
            what was disputed), forecast: [by week], best and worst: [cumulative], due_date, thirty_days: [by week]}],
            oldest first}; days without any open item are left out
        :raise AccessError, UserError: as `ar.cash.forecast`
        """
        opts = self._read_options(options)
        days = self._get_days(opts)
        found = [record for record in (self._compare({**opts, 'as_of': day}) for day in days) if record]
        weeks = range(forecast.WEEKS)
        actuals = [record['actual'] for record in found]
        errors = {
            method: forecast.mean_absolute_errors([record[method] for record in found], actuals) for method in METHODS}
        currency, _rates = self.env['ar.ledger']._report_currency(opts)
        return {
            'as_of': opts['as_of'].isoformat(),
            **{name: opts[name] for name in ('count', 'every_days', 'company_ids', 'partner_ids', *FILTERS)},
            'currency_id': currency.id,
            'methods': list(METHODS),
            'weeks': [{
                'week': week + 1,
                'actual': _mean(actual[week] for actual in actuals),
                'error': {method: errors[method][week] for method in METHODS},
            } for week in weeks] if found else [],
            'totals': {
                'by_week': {
                    'actual': _mean(map(sum, actuals)),
                    'error': {method: sum(errors[method]) for method in METHODS}},
                **{f'weeks_{count}': self._total(found, count) for count in (4, forecast.WEEKS)},
            } if found else {},
            'inside': self._inside(found),
            'forecasts': found,
        }

    # === OPTIONS === #

    def _read_options(self, options, own=(), also=()):
        """Check and complete `options`: those of `ar.ledger._read_options`, and count, every_days.

        :raise AccessError, UserError: see `get_data`
        """
        options = dict(options or {})
        own = {name: options.pop(name) for name in OWN_OPTIONS & set(options)}
        opts = self.env['ar.ledger']._read_options(options)
        opts['count'], opts['every_days'] = own.get('count', 12), own.get('every_days', 28)
        if not isinstance(opts['count'], int) or not 0 < opts['count'] <= MOST_FORECASTS:
            raise UserError(self.env._(
                "%(count)s forecasts cannot be compared: choose 1 to %(most)s.", count=opts['count'],
                most=MOST_FORECASTS))
        if not isinstance(opts['every_days'], int) or not 0 < opts['every_days'] <= 366:
            raise UserError(self.env._(
                "There must be 1 to 366 days between two forecasts, not %s.", opts['every_days']))
        return opts

    def _get_days(self, opts):
        """Return the days forecasts are made on, ascending."""
        last = opts['as_of'] - timedelta(weeks=forecast.WEEKS)
        return [last - timedelta(days=opts['every_days'] * number) for number in reversed(range(opts['count']))]

    # === COMPARISON === #

    def _compare(self, opts):
        """Return one forecast beside what came, see `get_data`; None when nothing was open."""
        as_of = opts['as_of']
        ends = forecast.period_ends(as_of)
        report = self.env['ar.cash.forecast']
        items, forecaster = report._get_facts({**opts, 'ends': ends})
        outlooks = [outlook for outlook in forecaster.outlooks(items) if outlook.parts]
        if not outlooks:
            return None
        currency, rates = report._get_rates(opts)
        unit = 10.0 ** currency.decimal_places

        def amounts(expected):
            """Receipts by week; `expected(outlook)` -> whole amounts by week."""
            weeks = [0.0] * forecast.WEEKS
            for outlook in outlooks:
                rate = rates[outlook.row['company_id']]
                for week, amount in enumerate(expected(outlook)):
                    weeks[week] += amount * rate
            return [currency.round(amount / unit) for amount in weeks]
        powers = report._get_powers(outlooks)
        best, likely, worst = (
            amounts(lambda outlook, power=powers[scenario]: forecaster.cells(outlook, power)[:forecast.WEEKS])
            for scenario in forecast.SCENARIOS)
        return {
            'as_of': as_of.isoformat(),
            'open': currency.round(sum(
                part.amount * rates[outlook.row['company_id']]
                for outlook in outlooks for part in outlook.parts) / unit),
            **self._get_actual(opts, ends, currency, rates, unit),
            'forecast': likely,
            'best': _cumulative(best),
            'worst': _cumulative(worst),
            'due_date': amounts(lambda outlook: forecaster.naive(outlook, outlook.row['due'])),
            'thirty_days': amounts(
                lambda outlook: forecaster.naive(outlook, outlook.row['invoice_date'] + timedelta(days=30))),
        }

    def _get_actual(self, opts, ends, currency, rates, unit):
        """Return {actual: receipts by week on what was forecast, on_disputed: receipts on what was disputed}."""
        weeks, on_disputed = [0.0] * len(ends), 0.0
        companies = {company.id: company for company in self.env['res.company'].browse(opts['company_ids'])}
        for company_id, day, amount, disputed in self.env['ar.ledger']._receipts_after(opts, ends[-1]):
            rate = rates[company_id] * 10.0 ** companies[company_id].currency_id.decimal_places / unit
            weeks[((day - opts['as_of']).days - 1) // 7] += amount * rate
            on_disputed += disputed * rate
        return {
            'actual': [currency.round(amount) for amount in weeks], 'on_disputed': currency.round(on_disputed)}

    def _total(self, found, count):
        """Return {actual, error} of what came in the first so many weeks together."""
        return {
            'actual': _mean(sum(record['actual'][:count]) for record in found),
            'error': {
                method: _mean(abs(sum(record[method][:count]) - sum(record['actual'][:count])) for record in found)
                for method in METHODS},
        }

    def _inside(self, found):
        """Return by week how often (%) the receipts up to it were between worst and best; None without any forecast."""
        if not found:
            return None
        actuals = [_cumulative(record['actual']) for record in found]
        return [
            100.0 * sum(
                record['worst'][week] <= actual[week] <= record['best'][week]
                for record, actual in zip(found, actuals, strict=True)) / len(found)
            for week in range(forecast.WEEKS)]

    # === TABLES === #

    def _get_title(self, data):
        return self.env._("Cash Forecast: Back-Test")

    def _get_filters(self):
        return [
            self._filter_as_of(self.env._("Up to")),
            self._filter_choice('count', self.env._("Forecasts"), [
                (count, self.env._("%s forecasts", count)) for count in (6, 12, 26, 52)]),
            self._filter_choice('every_days', self.env._("Every"), [
                (7, self.env._("every week")), (14, self.env._("every 2 weeks")), (28, self.env._("every 4 weeks"))]),
            self._filter_customers(),
        ]

    def _get_tables(self, data):
        labels = {
            'forecast': self.env._("Forecast"), 'due_date': self.env._("Paid when due"),
            'thirty_days': self.env._("30 days after invoice")}
        if not data['forecasts']:
            return [{'key': 'weeks', 'columns': [], 'rows': [], 'empty': self.env._(
                "Nothing was open on the days of these forecasts: choose another day.")}]
        return [self._get_errors_table(data, labels), self._get_forecasts_table(data, labels)]

    def _get_errors_table(self, data, labels):
        rows = [
            self._make_error_row(f'w{week["week"]}', self.env._("Week %s", week['week']), week, inside)
            for week, inside in zip(data['weeks'], data['inside'], strict=True)]
        totals = data['totals']
        rows += [
            self._make_error_row('weeks_4', self.env._("First 4 weeks together"), totals['weeks_4'], None),
            self._make_error_row('weeks_13', self.env._("13 weeks together"), totals['weeks_13'], None),
            {**self._make_error_row('by_week', self.env._("Sum of the weeks"), totals['by_week'], None),
             'level': 'total'}]
        return {
            'key': 'weeks', 'title': self.env._("Mean absolute error by week"), 'rows': rows,
            'currency_id': data['currency_id'],
            'note': self.env._(
                "How far forecasts were from the money that came on what was open then, on average, whatever the sign."
                " Smaller is better."),
            'columns': [
                {'key': 'name', 'label': self.env._("Week after the Forecast"), 'type': 'text'},
                {'key': 'actual', 'label': self.env._("Received"), 'type': 'amount',
                 'title': self.env._("What came in that week, on average")},
                *({'key': method, 'label': label, 'type': 'amount'} for method, label in labels.items()),
                {'key': 'inside', 'label': self.env._("Within Worst and Best"), 'type': 'percent', 'phone': False,
                 'title': self.env._("How often what had come by the end of the week was between the two cases")}],
            'chart': {
                'title': self.env._("Mean absolute error by week"), 'type': 'line',
                'labels': [row['cells']['name'] for row in rows[:forecast.WEEKS]],
                'datasets': [
                    {'label': label, 'data': [week['error'][method] for week in data['weeks']]}
                    for method, label in labels.items()]},
        }

    def _make_error_row(self, key, name, record, inside):
        cells = {'name': name, 'actual': record['actual'], **record['error']}
        if inside is not None:
            cells['inside'] = inside / 100
        return {'key': key, 'level': 0, 'drill': None, 'cells': cells}

    def _get_forecasts_table(self, data, labels):
        """One row per forecast; a click leads to it as it was made."""
        rows = [{
            'key': record['as_of'], 'level': 0,
            'drill': {'action': 'ar_coordinator.ar_cash_forecast_action', 'options': {
                'as_of': record['as_of'],
                **{name: data[name] for name in ('partner_ids', *FILTERS) if data[name] is not None}}},
            'cells': {
                'name': record['as_of'], 'open': record['open'],
                'actual': round(sum(record['actual']), 6), 'on_disputed': record['on_disputed'],
                **{f'{name}_4': round(sum(record[name][:4]), 6) for name in ('actual', *labels)},
                'forecast': round(sum(record['forecast']), 6),
            }} for record in data['forecasts']]
        return {
            'key': 'forecasts', 'title': self.env._("Every forecast"), 'rows': rows,
            'currency_id': data['currency_id'],
            'columns': [
                {'key': 'name', 'label': self.env._("Forecast of"), 'type': 'date'},
                {'key': 'open', 'label': self.env._("Open Then"), 'type': 'amount', 'phone': False,
                 'title': self.env._("Without what was disputed or covered by credits")},
                {'key': 'actual_4', 'label': self.env._("Received in 4 Weeks"), 'type': 'amount'},
                *({'key': f'{method}_4', 'label': label, 'type': 'amount', 'phone': method == 'forecast'}
                  for method, label in labels.items()),
                {'key': 'actual', 'label': self.env._("Received in 13 Weeks"), 'type': 'amount', 'phone': False},
                {'key': 'forecast', 'label': self.env._("Forecast, 13 Weeks"), 'type': 'amount', 'phone': False},
                {'key': 'on_disputed', 'label': self.env._("On Disputed"), 'type': 'amount', 'phone': False,
                 'title': self.env._("Money that came on what was disputed: there was no forecast for it")}],
        }


def _mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def _cumulative(amounts):
    """Running sums, to the cent."""
    return [round(amount, 6) for amount in accumulate(amounts)]
