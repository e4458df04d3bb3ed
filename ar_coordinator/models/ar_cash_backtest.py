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

METHODS = ('forecast', 'due_date', 'thirty_days')
OWN_OPTIONS = {'forecasts', 'every_days'}
MOST_FORECASTS = 60


class ArCashBacktest(models.AbstractModel):
    _name = 'ar.cash.backtest'
    _description = "Cash Forecast: Back-Test"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return past forecasts beside the money that came.

        :param dict options: all optional: as_of (the last day of the last comparison; default today: the last forecast
            was made 13 weeks earlier), forecasts (how many, default 12), every_days (days between them, default 28),
            company_ids, partner_ids and the other filters of `ar.ledger._read_options`
        :return: {as_of, currency_id, methods: ['forecast', 'due_date', 'thirty_days'], weeks: [{week, actual (mean
            receipts), error: {method: mean absolute error}}], totals: {weeks_4, weeks_13: {actual, error}, by_week: sum
            over the weeks}, inside: share of the comparisons in which the receipts up to a week were between worst and
            best, in per cent, by week, None without any, forecasts: [{as_of, open (what was forecast), actual:
            [by week], on_disputed (receipts in these weeks on what was disputed), forecast: [by week], best and worst:
            [cumulative], due_date, thirty_days: [by week]}], oldest first}; days without any open item are left out
        :raise AccessError, UserError: as `ar.cash.forecast`
        """
        opts, days = self._read_options(options)
        found = [record for record in (self._compare({**opts, 'as_of': day}) for day in days) if record]
        weeks = range(forecast.WEEKS)
        actuals = [record['actual'] for record in found]
        errors = {
            method: forecast.mean_absolute_errors([record[method] for record in found], actuals) for method in METHODS}
        currency, _rates = self.env['ar.ledger']._report_currency(opts)
        return {
            'as_of': opts['as_of'].isoformat(),
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

    def _read_options(self, options):
        """Return (options as `ar.ledger._read_options` has them, days the forecasts are made on, ascending)."""
        options = dict(options or {})
        own = {name: options.pop(name) for name in OWN_OPTIONS & set(options)}
        opts = self.env['ar.ledger']._read_options(options)
        count, every = own.get('forecasts', 12), own.get('every_days', 28)
        if not isinstance(count, int) or not 0 < count <= MOST_FORECASTS:
            raise UserError(self.env._(
                "%(count)s forecasts cannot be compared: choose 1 to %(most)s.", count=count, most=MOST_FORECASTS))
        if not isinstance(every, int) or not 0 < every <= 366:
            raise UserError(self.env._("There must be 1 to 366 days between two forecasts, not %s.", every))
        last = opts['as_of'] - timedelta(weeks=forecast.WEEKS)
        return opts, [last - timedelta(days=every * number) for number in reversed(range(count))]

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


def _mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def _cumulative(amounts):
    """Running sums, to the cent."""
    return [round(amount, 6) for amount in accumulate(amounts)]
