"""The DSO family: receivables against sales, as formulas on plain numbers.

Sales include tax because receivables do; credit notes reduce both; disputed invoices stay in. A figure that has no
meaning (no sales to measure against) is None and shown as a dash, never 0.

Sources: Credit Research Foundation (DSO, best possible DSO, ADD, CEI); IFRS 9 5.5.15 (loss-rate matrix).
"""
import bisect
import itertools
from calendar import monthrange
from datetime import timedelta


def dso(receivable, sales, days):
    """Days sales outstanding: receivable / sales * days; None when there were no sales but something is owed.

    >>> dso(15_000, 10_000, 30)
    45.0
    >>> round(dso(1_200_000, 10_000_000, 365), 2)
    43.8
    >>> dso(100, 0, 30) is None
    True
    """
    if sales <= 0:
        return 0.0 if not receivable and not sales else None
    return float(receivable / sales * days)


def best_possible_dso(not_due, sales, days):
    """DSO if everybody paid on the due date: the same method on what is not yet due.

    >>> best_possible_dso(4_000, 10_000, 30)
    12.0
    """
    return dso(not_due, sales, days)


def countback_dso(receivable, months):
    """Countback (exhaustion) DSO: how many days of the latest sales the receivable stands for.

    :param receivable: amount still owed
    :param months: (sales, days) per calendar month, latest first; the first one counts its elapsed days
    :return: (days, exhausted): `exhausted` False means the look-back ended with receivables left: "more than n days"

    A month whose sales are covered by the remaining receivable adds its days; the last adds rest / sales * days; a
    month with sales <= 0 adds its days and consumes nothing.

    >>> days, exhausted = countback_dso(212_000, [(100_000, 31), (80_000, 28), (70_000, 31)])
    >>> round(days, 2), exhausted
    (73.17, True)
    >>> round(countback_dso(120_000, [(100_000, 31), (80_000, 28)])[0], 2)
    38.0
    >>> countback_dso(50, [(20, 31), (0, 30)])
    (61.0, False)
    """
    remaining = receivable
    days = 0.0
    for sales, month_days in months:
        if remaining <= 0:
            return days, True
        if sales <= 0:
            days += month_days
        elif sales <= remaining:
            days += month_days
            remaining -= sales
        else:
            return days + float(remaining / sales * month_days), True
    return days, remaining <= 0


def average_days_delinquent(total, best_possible):
    """DSO minus best possible DSO, both by the same method; None when either is undefined.

    >>> average_days_delinquent(45.0, 12.0)
    33.0
    """
    return None if total is None or best_possible is None else total - best_possible


def collection_effectiveness(begin, sales, end, end_not_due):
    """CEI in per cent: what was collected of what could be collected in the month; None when nothing could be.

    >>> round(collection_effectiveness(100_000, 80_000, 90_000, 70_000), 2)
    81.82
    """
    collectable = begin + sales - end_not_due
    return float((begin + sales - end) / collectable * 100) if collectable > 0 else None


def average_payment_delay(items):
    """Amount-weighted days late (early is negative); None without items.

    :param items: iterable of (amount, days late), for what was paid in the window and for open overdue items

    >>> average_payment_delay([(1_000, 10), (3_000, -2)])
    1.0
    """
    weighted = total = 0
    for amount, days in items:
        weighted += amount * days
        total += amount
    return float(weighted / total) if total > 0 else None


def turnover(sales, begin, end):
    """How often the receivable turned over: sales / mean(begin, end); None when nothing was owed.

    >>> turnover(1_200_000, 90_000, 110_000)
    12.0
    """
    mean = (begin + end) / 2
    return float(sales / mean) if mean > 0 else None


def turnover_days(times, days=365):
    """Days one turn takes.

    >>> round(turnover_days(12.0), 2)
    30.42
    """
    return days / times if times else None


def share(part, whole):
    """Per cent that `part` is of `whole`; None when there is nothing to be a part of.

    >>> share(92_000, 230_000)
    40.0
    >>> share(0, 0) is None
    True
    """
    return float(part / whole * 100) if whole > 0 else None


def roll_rate(amount_next, amount_before):
    """Share (0..1) of last month's bucket that rolled into the next older one; None for an empty bucket.

    >>> roll_rate(200_000, 1_000_000)
    0.2
    """
    return float(amount_next / amount_before) if amount_before > 0 else None


def loss_rates(reached, lost):
    """Loss rate per bucket, unrounded: what was finally lost / what reached the bucket (IFRS 9 provision matrix).

    >>> [round(rate, 4) for rate in loss_rates([100_000, 50_000, 23_000, 8_000, 2_000], 2_000)]
    [0.02, 0.04, 0.087, 0.25, 1.0]
    """
    return [lost / amount if amount else None for amount in reached]


def expected_credit_loss(gross, rates):
    """Expected credit loss: sum of gross * rate, rounded to cents once at the end.

    >>> rates = loss_rates([100_000, 50_000, 23_000, 8_000, 2_000], 2_000)
    >>> expected_credit_loss([300_000, 140_000, 60_000, 23_000, 5_000], rates)
    27567.39
    """
    return round(sum(amount * (rate or 0) for amount, rate in zip(gross, rates, strict=True)), 2)


def month_end(day):
    """Last day of the month of `day`.

    >>> from datetime import date
    >>> month_end(date(2012, 2, 5))
    datetime.date(2012, 2, 29)
    """
    return day.replace(day=monthrange(day.year, day.month)[1])


def previous_month_end(day):
    """Last day of the month before `day`'s.

    >>> from datetime import date
    >>> previous_month_end(date(2012, 1, 31))
    datetime.date(2011, 12, 31)
    """
    return day.replace(day=1) - timedelta(days=1)


def week_start(day):
    """Monday of the week of `day` (ISO 8601).

    >>> from datetime import date
    >>> week_start(date(2026, 4, 1))
    datetime.date(2026, 3, 30)
    """
    return day - timedelta(days=day.weekday())


def week_starts(as_of, before, after):
    """Mondays of `before` weeks before the week of `as_of`, of that week, and of `after` weeks after it.

    >>> from datetime import date
    >>> [day.day for day in week_starts(date(2026, 4, 1), 1, 2)]
    [23, 30, 6, 13]
    """
    monday = week_start(as_of)
    return [monday + timedelta(weeks=number) for number in range(-before, after + 1)]


def target_at(targets, day):
    """The target that applies on a day: the latest that has begun; None before the first.

    :param targets: (first day, value) pairs in any order

    >>> from datetime import date
    >>> [target_at([(date(2026, 1, 1), 45), (date(2026, 4, 1), 40)], date(2026, month, 15)) for month in (3, 4)]
    [45, 40]
    >>> target_at([(date(2026, 1, 1), 45)], date(2025, 12, 31)) is None
    True
    """
    begun = [(first, value) for first, value in targets if first <= day]
    return max(begun, key=lambda pair: pair[0])[1] if begun else None


class DailySums:
    """Sums of amounts per day over any span, each in the time of two look-ups.

    >>> from datetime import date
    >>> sums = DailySums([(date(2026, 1, 1), 10, 1), (date(2026, 1, 3), 5, 2)])
    >>> sums.between(date(2026, 1, 1), date(2026, 1, 2)), sums.between(date(2026, 1, 2), date(2026, 1, 3), column=1)
    (10.0, 2.0)
    """

    def __init__(self, rows):
        """:param rows: (date, amount, ...) tuples, ascending, each day once"""
        self.days = [row[0] for row in rows]
        columns = list(zip(*(row[1:] for row in rows), strict=True))
        self.totals = [[0.0, *itertools.accumulate(map(float, column))] for column in columns]

    def between(self, first, last, column=0):
        """Sum of a column from `first` to `last`, both inclusive; 0.0 without rows."""
        if not self.totals:
            return 0.0
        begin, end = bisect.bisect_left(self.days, first), bisect.bisect_right(self.days, last)
        # rounded: differences of running sums carry the noise of all the days before
        return round(self.totals[column][end] - self.totals[column][begin], 6) if end > begin else 0.0


def points(as_of, months):
    """The `months` dates of a series ending at `as_of`: earlier month ends, then `as_of` itself.

    >>> from datetime import date
    >>> points(date(2012, 3, 15), 3)
    [datetime.date(2012, 1, 31), datetime.date(2012, 2, 29), datetime.date(2012, 3, 15)]
    """
    dates = [as_of]
    while len(dates) < months:
        dates.insert(0, previous_month_end(dates[0]))
    return dates


def countback_months(as_of, months):
    """(first day, last day, days) of the `months` calendar months back from `as_of`, latest first.

    >>> from datetime import date
    >>> [days for _first, _last, days in countback_months(date(2012, 3, 15), 3)]
    [15, 29, 31]
    """
    spans = []
    last = as_of
    for _number in range(months):
        first = last.replace(day=1)
        spans.append((first, last, (last - first).days + 1))
        last = first - timedelta(days=1)
    return spans
