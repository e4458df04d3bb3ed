"""The key figures at a date and over the months before it: facts from `ar.ledger`, formulas from `engine/kpi.py`.

What they mean in words is in ar_kpi_definition.py, what is behind them in ar_kpi_drill.py.
"""
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError

from ..engine import kpi
from .ar_ledger import FILTERS

LOOK_BACK_MONTHS = 24  # how far countback DSO walks
SCOPE = ('company_ids', 'partner_ids', *FILTERS)  # options that say whose figures
WEEKS_BEFORE, WEEKS_AFTER = 8, 13  # of the cash graph


class ArKpiReport(models.AbstractModel):
    _name = 'ar.kpi.report'
    _inherit = ['ar.table.report']
    _description = "Receivables KPIs"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the key figures at a date, and the same for each month end before it.

        :param dict options: as_of (default today), window_days (default 90: sales and payments of (as_of - 90, as_of]),
            months (default 12 points in `series`, the last one being as_of), company_ids, partner_ids, and the filters
            of every report (collector_ids, risk_class_ids, ...)
        :return: {as_of, window_days, months, company_ids, collector_ids, risk_class_ids (empty: all), currency_id,
            filters (see `_get_filters`), definitions (see `_get_definitions`), dso, countback_dso,
            countback_exhausted (False: more than that), best_possible_dso, average_days_delinquent,
            best_possible_countback_dso, cei (per cent, month to date), average_payment_delay (days, early is negative),
            turnover (times in the window), turnover_days, receivable, not_due, overdue, over_90, disputed, sales (of
            the window), overdue_share, over_90_share, disputed_share (per cent of not_due + overdue),
            promise_kept_rate, promises_judged, dunning_success (per cent of what the letters of the window asked for),
            collected (month to date), collected_week (week to date), targets: {key: value}, series: [{month, ...the
            same}], dunning_levels: [{level_id, name, asked, paid, share}] of the window}; None = undefined
        :raise AccessError, UserError: as `ar.ledger`
        """
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        window = self._positive(options, 'window_days', 90)
        months = self._positive(options, 'months', 12)
        opts = ledger._read_options(options)
        as_of = opts['as_of']
        currency, rates = ledger._report_currency(opts)

        points = kpi.points(as_of, months)
        facts = self._facts(opts, points, window)
        self._take_today(facts, options, as_of, currency)
        targets = self.env['ar.kpi.target']._get_targets(opts, points, currency, rates)
        series = [
            {'month': point.isoformat(), **self._figures(point, facts, window),
             'targets': {key: values[number] for key, values in targets.items()}}
            for number, point in enumerate(points)]
        current = dict(series[-1])
        current.pop('month')
        return {
            'as_of': as_of.isoformat(),
            'window_days': window,
            'months': months,
            'company_ids': opts['company_ids'],
            'collector_ids': opts['collector_ids'] or [],
            'risk_class_ids': opts['risk_class_ids'] or [],
            'currency_id': currency.id,
            'filters': self._get_filters(),
            'definitions': self._get_definitions(),
            **current,
            'dunning_levels': self._dunning_levels(facts['letters'], as_of - timedelta(days=window), as_of),
            'series': series,
        }

    @api.model
    @api.readonly
    def get_weeks(self, options=None):
        """Return the money of the weeks around a date: collected before it, expected after it.

        :param dict options: as_of and the filters, as `get_data`
        :return: {as_of, currency_id, doubtful (due in these weeks or before them, but not expected in them), weeks:
            [{week (its Monday), collected (None for weeks to come), expected (None for weeks that are over; the likely
            case of `ar.cash.forecast`), target}], WEEKS_BEFORE weeks before that of as_of, itself, and WEEKS_AFTER
            after it}
        :raise AccessError, UserError: as `ar.ledger`
        """
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({key: options[key] for key in ('as_of', *SCOPE) if key in options})
        as_of = opts['as_of']
        currency, rates = ledger._report_currency(opts)
        mondays = kpi.week_starts(as_of, WEEKS_BEFORE, WEEKS_AFTER)
        money = kpi.DailySums(ledger._daily_collected(opts, mondays[0]))
        expected, doubtful = self.env['ar.cash.forecast']._get_calendar_weeks(opts, WEEKS_AFTER + 1)
        targets = self.env['ar.kpi.target']._get_targets(opts, mondays, currency, rates).get('collected_week', {})
        this_week = kpi.week_start(as_of)
        return {
            'as_of': as_of.isoformat(),
            'currency_id': currency.id,
            'doubtful': doubtful,
            'weeks': [{
                'week': monday.isoformat(),
                'collected': currency.round(money.between(monday, min(monday + timedelta(days=6), as_of)))
                if monday <= this_week else None,
                'expected': expected.get(monday, 0.0) if monday >= this_week else None,
                'target': targets[number] if targets else None,
            } for number, monday in enumerate(mondays)],
        }

    def _get_filters(self):
        """What the dashboard offers."""
        return [
            self._filter_as_of(),
            self._filter_choice('window_days', self.env._("Sales and payments of"), [
                (days, self.env._("Last %s days", days)) for days in (30, 60, 90, 180, 365)]),
            self._filter_choice('months', self.env._("Months shown"), [
                (months, self.env._("%s months", months)) for months in (12, 18, 24)]),
            {'key': 'collector_ids', 'type': 'records', 'model': 'res.users', 'domain': [('share', '=', False)],
             'label': self.env._("Collectors")},
            {'key': 'risk_class_ids', 'type': 'records', 'model': 'ar.credit.class', 'domain': [],
             'label': self.env._("Risk Classes")},
        ]

    def _positive(self, options, name, default):
        value = options.get(name) or default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 3660:
            raise UserError(self.env._("%(name)s must be a whole number of days or months, not %(value)s.",
                                       name=name, value=value))
        return value

    # === FACTS === #

    def _facts(self, opts, points, window):
        """Everything the formulas need for all points, in a fixed number of queries."""
        ledger = self.env['ar.ledger']
        earlier = {kpi.previous_month_end(point) for point in points} | {
            point - timedelta(days=window) for point in points}
        dates = sorted(earlier | set(points))
        at_dates = ledger._point_facts(opts, dates)
        since = min(earlier) + timedelta(days=1)
        first_needed = min(
            points[0] - timedelta(days=window), kpi.countback_months(points[0], LOOK_BACK_MONTHS)[-1][0])
        return {
            'at': {
                date: {name: values[number] for name, values in at_dates.items()} for number, date in enumerate(dates)},
            'disputed': dict(zip(points, ledger._disputed_at(opts, points), strict=True)),
            'sales': kpi.DailySums(ledger._daily_sales(opts, first_needed, opts['as_of'])),
            'payments': kpi.DailySums(ledger._daily_payments(opts, since)),
            'collected': kpi.DailySums(ledger._daily_collected(opts, min(since, kpi.week_start(points[0])))),
            'promises': kpi.DailySums(ledger._daily_promises(opts, since)),
            'letters': ledger._letters_brought(opts, since),
            'first_sale': ledger._first_sale(opts),
        }

    def _take_today(self, facts, options, as_of, currency):
        """Today's amounts are those of the aged report, to the cent also where companies' currencies are converted."""
        scope = {key: options[key] for key in SCOPE if key in options}
        totals = self.env['ar.ledger'].aged_balance({
            **scope, 'as_of': as_of, 'bucket_limits': [90], 'limit': 1})['totals']
        not_due, late, old = totals['amounts']
        facts['at'][as_of].update(
            receivable=totals['total'], not_due=not_due, overdue=currency.round(late + old), over_90=old)
        facts['disputed'][as_of] = totals['disputed']

    def _dunning_levels(self, letters, begin, end):
        """What the letters of each level brought, best first."""
        sums = {}
        for day, level_id, asked, paid in letters:
            if begin < day <= end:
                own = sums.setdefault(level_id, [0.0, 0.0])
                own[0] += asked
                own[1] += paid
        # sudo: names of the levels of letters the user may read
        levels = self.env['ar.dunning.level'].sudo().with_context(active_test=False).browse(sums).sorted()
        return [{
            'level_id': level.id, 'name': level.name, 'asked': sums[level.id][0], 'paid': sums[level.id][1],
            'share': kpi.share(sums[level.id][1], sums[level.id][0])} for level in levels]

    # === FIGURES === #

    def _figures(self, point, facts, window):
        """The key figures at one date."""
        at = facts['at'][point]
        begin = point - timedelta(days=window)  # the window is (begin, point]
        sales = facts['sales'].between(begin + timedelta(days=1), point)
        return {
            **self._dso_figures(point, facts, window, sales),
            **self._collecting_figures(point, facts, begin),
            **self._share_figures(at, facts['disputed'][point]),
            'receivable': at['receivable'],
            'not_due': at['not_due'],
            'overdue': at['overdue'],
            'over_90': at['over_90'],
            'disputed': facts['disputed'][point],
            'sales': sales,
        }

    def _dso_figures(self, point, facts, window, sales):
        """Receivables against sales."""
        receivable, not_due = facts['at'][point]['receivable'], facts['at'][point]['not_due']
        # a ledger younger than the window is measured over the days it has
        first_sale = facts['first_sale']
        days = min(window, (point - first_sale).days + 1) if first_sale and first_sale <= point else window
        total = kpi.dso(receivable, sales, days)
        best = kpi.best_possible_dso(not_due, sales, days)
        months = [
            (facts['sales'].between(first, last), month_days)
            for first, last, month_days in kpi.countback_months(point, LOOK_BACK_MONTHS)
        ]
        countback, exhausted = kpi.countback_dso(receivable, months)
        best_countback, _exhausted = kpi.countback_dso(not_due, months)
        times = kpi.turnover(sales, facts['at'][point - timedelta(days=window)]['receivable'], receivable)
        return {
            'dso': total,
            'countback_dso': countback,
            'countback_exhausted': exhausted,
            'best_possible_dso': best,
            'best_possible_countback_dso': best_countback,
            'average_days_delinquent': kpi.average_days_delinquent(total, best),
            'turnover': times,
            'turnover_days': kpi.turnover_days(times, window),
        }

    def _collecting_figures(self, point, facts, begin):
        """What came in, and what made it come."""
        at = facts['at'][point]
        first = begin + timedelta(days=1)
        month_begin = kpi.previous_month_end(point)
        month_first = month_begin + timedelta(days=1)
        weight = facts['payments'].between(first, point) + at['overdue']
        delay = facts['payments'].between(first, point, column=1) + at['overdue_days']
        judged = facts['promises'].between(first, point)
        letters = [row for row in facts['letters'] if begin < row[0] <= point]
        return {
            'cei': kpi.collection_effectiveness(
                facts['at'][month_begin]['receivable'], facts['sales'].between(month_first, point),
                at['receivable'], at['not_due']),
            'average_payment_delay': delay / weight if weight > 0 else None,
            'promises_judged': int(judged),
            'promise_kept_rate': facts['promises'].between(first, point, column=1) / judged if judged else None,
            'dunning_success': kpi.share(sum(row[3] for row in letters), sum(row[2] for row in letters)),
            'collected': facts['collected'].between(month_first, point),
            'collected_week': facts['collected'].between(kpi.week_start(point), point),
        }

    def _share_figures(self, at, disputed):
        """Parts of what is open, credits not deducted."""
        owed = at['not_due'] + at['overdue']
        return {
            'overdue_share': kpi.share(at['overdue'], owed),
            'over_90_share': kpi.share(at['over_90'], owed),
            'disputed_share': kpi.share(disputed, owed),
        }
