"""Ageing buckets: from limits in days or months to columns, from dates to a column.

Source of the rules: the age of an item is `age_at - date` in days; up to 0 it is not due; limits [30, 60] make the
columns "not due", 1-30, 31-60 and 61+. The last column is open-ended, so that nothing can fall out of the table.

Limits in months count back from `age_at` to the same day of an earlier month (its last day where it is shorter), or, as
calendar months, to the first day of a month. As `age_at` is one day, both are limits in days (`day_limits`).
"""
import calendar
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

DEFAULT_LIMITS = (30, 60, 90, 120)
DEFAULT_MONTHS = (1, 2, 3, 4)
UNITS = ('days', 'months', 'calendar')


@dataclass(frozen=True)
class Bucket:
    """One column; days inclusive on both ends, None = unbounded."""

    key: str
    min_days: int | None
    max_days: int | None


def check_limits(limits):
    """Return `limits` as a tuple of ascending positive whole days.

    :raise ValueError: for anything else (empty, not ascending, zero, negative, not a whole number)

    >>> check_limits([30, 60])
    (30, 60)
    >>> check_limits([30, 30])
    Traceback (most recent call last):
    ValueError: bucket limits must ascend: 30, 30
    """
    limits = tuple(limits)
    if not limits:
        raise ValueError("at least one bucket limit is needed")
    if any(isinstance(limit, bool) or not isinstance(limit, int) or limit < 1 for limit in limits):
        raise ValueError(f"bucket limits must be whole days above zero: {', '.join(map(str, limits))}")
    if any(first >= second for first, second in pairwise(limits)):
        raise ValueError(f"bucket limits must ascend: {', '.join(map(str, limits))}")
    return limits


def months_before(day, months):
    """Return the same day so many months earlier, or the last day of that month where it is shorter.

    >>> months_before(date(2026, 3, 31), 1), months_before(date(2026, 1, 15), 13)
    (datetime.date(2026, 2, 28), datetime.date(2024, 12, 15))
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def first_days(limits, unit, age_at):
    """Return, per limit, the first day of its column: the oldest date that still falls into it.

    :param limits: ascending whole numbers: days, months, or calendar months (1: the month of `age_at`)
    :param str unit: one of UNITS

    >>> [str(day) for day in first_days([1, 3], 'months', date(2026, 3, 31))]
    ['2026-02-28', '2025-12-31']
    >>> [str(day) for day in first_days([1, 3], 'calendar', date(2026, 3, 31))]
    ['2026-03-01', '2026-01-01']
    """
    if unit == 'days':
        return [date.fromordinal(age_at.toordinal() - limit) for limit in limits]
    if unit == 'months':
        return [months_before(age_at, limit) for limit in limits]
    return [months_before(age_at, limit - 1).replace(day=1) for limit in limits]


def day_limits(limits, unit, age_at):
    """Return `limits` as limits in days at `age_at`; calendar months begun on `age_at` itself have no day yet (0).

    >>> day_limits([1, 2], 'months', date(2026, 3, 31)), day_limits([1, 2], 'calendar', date(2026, 3, 1))
    ((31, 59), (0, 28))
    """
    return tuple((age_at - day).days for day in first_days(limits, unit, age_at))


def make_buckets(limits=DEFAULT_LIMITS):
    """Return the columns for `limits` in days: not due, one per limit, and the open-ended last.

    >>> [(b.key, b.min_days, b.max_days) for b in make_buckets([30, 60])]
    [('not_due', None, 0), ('b1', 1, 30), ('b2', 31, 60), ('b3', 61, None)]
    """
    limits = tuple(limits)
    starts = (1, *(limit + 1 for limit in limits))
    return [
        Bucket('not_due', None, 0),
        *(Bucket(f'b{number}', start, end)
          for number, (start, end) in enumerate(zip(starts, (*limits, None), strict=True), start=1)),
    ]


def bucket_index(days, limits=DEFAULT_LIMITS):
    """Return the column of an item that is `days` old (0 = not due).

    >>> [bucket_index(days) for days in (-5, 0, 1, 30, 31, 60, 61, 120, 121, 9999)]
    [0, 0, 1, 1, 2, 2, 3, 4, 5, 5]
    """
    return 0 if days <= 0 else 1 + bisect_left(limits, days)


def age(items, age_at, limits=DEFAULT_LIMITS):
    """Sum items into columns.

    :param items: iterable of (date, amount), date being the due date or the invoice date as the report's basis says;
        amounts in one currency; a negative amount is an unapplied credit
    :return: (amounts, unapplied, total): `amounts` one per column, `sum(amounts) + unapplied == total`

    >>> from datetime import date
    >>> age([(date(2026, 3, 30), 100), (date(2026, 3, 31), 50), (date(2026, 1, 1), -20)], date(2026, 3, 31))
    ([50, 100, 0, 0, 0, 0], -20, 130)
    """
    limits = tuple(limits)
    amounts = [0] * (len(limits) + 2)
    unapplied = 0
    for day, amount in items:
        if amount < 0:
            unapplied += amount
        else:
            amounts[bucket_index((age_at - day).days, limits)] += amount
    return amounts, unapplied, sum(amounts) + unapplied
