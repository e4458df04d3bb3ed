"""A customer's score from its own history with us, with the working: points taken off 100, and for what. No Odoo here.

House rules, not statistics: every point can be explained to the customer. Nothing is known of a customer without
history, so there is no score then.
"""
from dataclasses import dataclass
from datetime import date

FULL = 100
# points per unit, most points taken
DAYS_LATE, BROKEN_PROMISES, DISPUTES_LOST, RETURNED_PAYMENTS = (1, 40), (10, 30), (3, 15), (10, 20)
YOUNG = ((1, 15), (2, 8), (5, 3))  # accounts younger than so many years


@dataclass(frozen=True, slots=True)
class History:
    """What a customer did: `days_late` is the average payment delay weighted by amount, None if nothing was paid."""

    first_invoice: date | None = None
    days_late: float | None = None
    broken_promises: int = 0
    disputes_lost: int = 0
    returned_payments: int = 0


def years_between(start, end):
    """Return full years.

    >>> years_between(date(2024, 3, 1), date(2026, 2, 28)), years_between(date(2024, 3, 1), date(2026, 3, 1))
    (1, 2)
    """
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def score(history, today):
    """Return (score 0-100, working); (None, ()) without history.

    :return: working is a tuple of (key, figure, points taken), for what was looked at, also where it costs nothing

    >>> good = History(first_invoice=date(2019, 1, 1), days_late=-2.0)
    >>> score(good, date(2026, 3, 31))[0]
    100
    >>> bad = History(date(2025, 6, 1), 12.4, broken_promises=2, disputes_lost=1, returned_payments=1)
    >>> score(bad, date(2026, 3, 31))[0]
    40
    >>> [(key, taken) for key, _figure, taken in score(bad, date(2026, 3, 31))[1]]
    [('days_late', 12), ('broken_promises', 20), ('disputes_lost', 3), ('returned_payments', 10), ('age', 15)]
    >>> score(History(), date(2026, 3, 31))
    (None, ())
    """
    if not history.first_invoice:
        return None, ()

    def points(figure, rate):
        per_unit, most = rate
        return min(round(max(figure, 0) * per_unit), most)

    age = years_between(history.first_invoice, today)
    working = [
        ('broken_promises', history.broken_promises, points(history.broken_promises, BROKEN_PROMISES)),
        ('disputes_lost', history.disputes_lost, points(history.disputes_lost, DISPUTES_LOST)),
        ('returned_payments', history.returned_payments, points(history.returned_payments, RETURNED_PAYMENTS)),
        ('age', age, next((taken for years, taken in YOUNG if age < years), 0)),
    ]
    if history.days_late is not None:
        working.insert(0, ('days_late', history.days_late, points(history.days_late, DAYS_LATE)))
    return max(FULL - sum(taken for _key, _figure, taken in working), 0), tuple(working)
