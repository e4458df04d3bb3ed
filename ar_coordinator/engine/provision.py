"""Expected credit losses: roll rates from month to month, rates per bucket, and the provision they make.

Sources: IFRS 9 5.5.15 and its illustrative example 12 (provision matrix); roll rates as credit risk departments use
them (amount in the next older bucket a month later).
"""
from itertools import pairwise

from .kpi import roll_rate


def roll_rates(series):
    """Roll rates between neighbouring buckets, month by month.

    :param series: list along month ends of amounts per bucket: not due, ..., the last one being only what entered the
        open-ended bucket within the month
    :return: list along the months after the first of lists: share (0..1) of a bucket that was in the next older one a
        month later; None where the bucket was empty

    >>> roll_rates([[1_000_000, 500_000, 0], [900_000, 200_000, 100_000]])
    [[0.2, 0.2]]
    >>> roll_rates([[0, 10], [5, 5]])
    [[None]]
    """
    return [
        [roll_rate(now[bucket + 1], before[bucket]) for bucket in range(len(before) - 1)]
        for before, now in pairwise(series)]


def average_rates(rates):
    """Mean per column over the months that have one; None where none has.

    >>> average_rates([[0.2, None], [0.4, None]])
    [0.30000000000000004, None]
    """
    means = []
    for column in zip(*rates, strict=True):
        known = [rate for rate in column if rate is not None]
        means.append(sum(known) / len(known) if known else None)
    return means


def fill_rates(rates):
    """Rates per bucket; where nothing reached a bucket and it has none, that of the next younger one with a rate.

    What is older is no safer: an unknown rate is not 0, except where no younger bucket has any history.

    >>> fill_rates([None, 0.02, None, 0.5, None])
    [0.0, 0.02, 0.02, 0.5, 0.5]
    """
    filled, known = [], 0.0
    for rate in rates:
        known = known if rate is None else rate
        filled.append(known)
    return filled


def spread(gross, rates, digits=2):
    """Expected loss per bucket: amounts rounded to `digits` that add up to the loss rounded once at the end.

    :param gross: amount per bucket
    :param rates: unrounded rate per bucket (0..1), None counts as 0
    :return: (amounts, total)

    >>> spread([300_000, 140_000, 60_000, 23_000, 5_000], [0.02, 0.04, 2_000 / 23_000, 0.25, 1.0])
    ([6000.0, 5600.0, 5217.39, 5750.0, 5000.0], 27567.39)
    >>> spread([10, 10, 10], [0.0004, 0.0004, 0.0004])
    ([0.01, 0.0, 0.0], 0.01)
    """
    exact = [amount * (rate or 0) for amount, rate in zip(gross, rates, strict=True)]
    total = round(sum(exact), digits)
    amounts = [round(amount, digits) for amount in exact]
    if amounts:
        largest = max(range(len(amounts)), key=lambda number: abs(exact[number]))
        amounts[largest] = round(amounts[largest] + total - sum(amounts), digits)
    return amounts, total
