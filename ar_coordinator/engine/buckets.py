"""Ageing buckets: from limits in days to labelled columns, from dates to a column.

Source of the rules: the age of an item is `age_at - date` in days; up to 0 it is not due; limits [30, 60] make the
columns "not due", 1-30, 31-60 and 61+. The last column is open-ended, so that nothing can fall out of the table.
"""
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

DEFAULT_LIMITS = (30, 60, 90, 120)


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


def make_buckets(limits=DEFAULT_LIMITS):
    """Return the columns for `limits`: not due, one per limit, and the open-ended last.

    >>> [(b.key, b.min_days, b.max_days) for b in make_buckets([30, 60])]
    [('not_due', None, 0), ('b1', 1, 30), ('b2', 31, 60), ('b3', 61, None)]
    """
    limits = check_limits(limits)
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
    limits = check_limits(limits)
    amounts = [0] * (len(limits) + 2)
    unapplied = 0
    for date, amount in items:
        if amount < 0:
            unapplied += amount
        else:
            amounts[bucket_index((age_at - date).days, limits)] += amount
    return amounts, unapplied, sum(amounts) + unapplied
