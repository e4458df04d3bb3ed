"""The DSO family at a date and over the months before it: facts from `ar.ledger`, formulas from `engine/kpi.py`."""
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError

from ..engine import kpi

LOOK_BACK_MONTHS = 24  # how far countback DSO walks


class ArKpiReport(models.AbstractModel):
    _name = 'ar.kpi.report'
    _description = "Receivables KPIs"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the key figures at a date, and the same for each month end before it.

        :param dict options: as_of (default today), window_days (default 90: sales and payments of (as_of - 90, as_of]),
            months (default 12 points in `series`, the last one being as_of), company_ids, partner_ids
        :return: {as_of, window_days, currency_id, dso, countback_dso, countback_exhausted (False: more than that),
            best_possible_dso, average_days_delinquent, best_possible_countback_dso, cei (per cent, month to date),
            average_payment_delay (days, early is negative), turnover (times in the window), turnover_days, receivable,
            not_due, overdue, disputed, sales (of the window), series: [{month, ...the same}]}; None = undefined
        :raise AccessError, UserError: as `ar.ledger`
        """
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        window = self._positive(options, 'window_days', 90)
        months = self._positive(options, 'months', 12)
        opts = ledger._read_options(options)
        as_of = opts['as_of']
        currency, _rates = ledger._report_currency(opts)

        points = kpi.points(as_of, months)
        facts = self._facts(opts, points, window)
        # today's amounts are those of the aged report, to the cent also where companies' currencies are converted
        scope = {'as_of': as_of, 'company_ids': opts['company_ids'], 'partner_ids': opts['partner_ids']}
        totals = ledger.aged_balance({**scope, 'limit': 1})['totals']
        facts['at'][as_of].update(
            receivable=totals['total'], not_due=totals['amounts'][0],
            overdue=currency.round(sum(totals['amounts'][1:])))
        facts['disputed'][as_of] = totals['disputed']
        series = [{'month': point.isoformat(), **self._figures(point, facts, window)} for point in points]
        current = dict(series[-1])
        current.pop('month')
        return {
            'as_of': as_of.isoformat(),
            'window_days': window,
            'currency_id': currency.id,
            **current,
            'series': series,
        }

    def _positive(self, options, name, default):
        value = options.get(name) or default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 3660:
            raise UserError(self.env._("%(name)s must be a whole number of days or months, not %(value)s.",
                                       name=name, value=value))
        return value

    def _facts(self, opts, points, window):
        """Everything the formulas need for all points, in a fixed number of queries."""
        ledger = self.env['ar.ledger']
        earlier = {kpi.previous_month_end(point) for point in points} | {
            point - timedelta(days=window) for point in points}
        dates = sorted(earlier | set(points))
        at_dates = ledger._point_facts(opts, dates)
        first_needed = min(
            points[0] - timedelta(days=window), kpi.countback_months(points[0], LOOK_BACK_MONTHS)[-1][0])
        return {
            'at': {
                date: {name: values[number] for name, values in at_dates.items()} for number, date in enumerate(dates)},
            'disputed': dict(zip(points, ledger._disputed_at(opts, points), strict=True)),
            'sales': ledger._daily_sales(opts, first_needed, opts['as_of']),
            'payments': ledger._daily_payments(opts, min(earlier) + timedelta(days=1)),
            'first_sale': ledger._first_sale(opts),
        }

    def _figures(self, point, facts, window):
        """The key figures at one date."""
        at = facts['at'][point]
        begin = point - timedelta(days=window)  # the window is (begin, point]
        sales = _between(facts['sales'], begin + timedelta(days=1), point)
        # a ledger younger than the window is measured over the days it has
        first_sale = facts['first_sale']
        days = min(window, (point - first_sale).days + 1) if first_sale and first_sale <= point else window
        receivable, not_due = at['receivable'], at['not_due']
        total = kpi.dso(receivable, sales, days)
        best = kpi.best_possible_dso(not_due, sales, days)
        months = [
            (_between(facts['sales'], first, last), month_days)
            for first, last, month_days in kpi.countback_months(point, LOOK_BACK_MONTHS)
        ]
        countback, exhausted = kpi.countback_dso(receivable, months)
        best_countback, _exhausted = kpi.countback_dso(not_due, months)
        times = kpi.turnover(sales, facts['at'][begin]['receivable'], receivable)
        month_begin = kpi.previous_month_end(point)
        paid = [row for row in facts['payments'] if begin < row[0] <= point]
        weight = sum(row[1] for row in paid) + at['overdue']
        delay = sum(row[2] for row in paid) + at['overdue_days']
        return {
            'dso': total,
            'countback_dso': countback,
            'countback_exhausted': exhausted,
            'best_possible_dso': best,
            'best_possible_countback_dso': best_countback,
            'average_days_delinquent': kpi.average_days_delinquent(total, best),
            'cei': kpi.collection_effectiveness(
                facts['at'][month_begin]['receivable'],
                _between(facts['sales'], month_begin + timedelta(days=1), point), receivable, not_due),
            'average_payment_delay': delay / weight if weight > 0 else None,
            'turnover': times,
            'turnover_days': kpi.turnover_days(times, window),
            'receivable': receivable,
            'not_due': not_due,
            'overdue': at['overdue'],
            'disputed': facts['disputed'][point],
            'sales': sales,
        }


def _between(daily, first, last):
    """Sum of (date, amount) rows from `first` to `last`, both inclusive."""
    return sum(amount for day, amount in daily if first <= day <= last)
