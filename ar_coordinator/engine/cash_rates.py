"""Exchange rates of a day, and what is open in one currency against money that came in another. No odoo.

A payer's bank has a rate of its own, so an amount agrees when it is within a tolerance of the worth at the rate of the
day. No rate is guessed: before the first known day there is none.
"""
from bisect import bisect_right


class Rates:
    """Exchange rates by day.

    :param dict rows: {currency: [(day, units of the currency for one of the common unit)]}, days ascending; amounts in
        smallest units make the rate per smallest unit (the caller scales them)

    >>> from datetime import date
    >>> rates = Rates({'EUR': [(date(2026, 1, 1), 0.9)], 'USD': [(date(2026, 1, 1), 1.2), (date(2026, 3, 1), 1.0)]})
    >>> round(rates.worth('USD', 'EUR', date(2026, 2, 28)), 4), rates.worth('USD', 'EUR', date(2026, 3, 1))
    (0.75, 0.9)
    >>> rates.worth('USD', 'EUR', date(2025, 12, 31)), rates.worth('GBP', 'EUR', date(2026, 3, 1))
    (None, None)
    """

    def __init__(self, rows):
        self._rows = {currency: ([day for day, _rate in known], known) for currency, known in rows.items()}

    def on(self, currency, day):
        """Return (day, rate) of the last rate until a day, None where there is none."""
        days, known = self._rows.get(currency, ((), ()))
        place = bisect_right(days, day)
        return known[place - 1] if place else None

    def worth(self, of, into, day):
        """Return what one unit of a currency is worth in another on a day, None where a rate is missing."""
        sold, bought = self.on(of, day), self.on(into, day)
        return bought[1] / sold[1] if sold and bought else None


def match_foreign(amount, values, tolerance):
    """Return by how much money is more than what items are worth together, None where it is too far off.

    :param int amount: in smallest units, as `values`
    :param float tolerance: share of the worth; rounding of one unit for each item is always allowed

    >>> match_foreign(91_800, [92_000], 0.02), match_foreign(90_000, [92_000], 0.02), match_foreign(92_001, [92_000], 0)
    (-200, None, 1)
    """
    total = sum(values)
    rest = amount - total
    return rest if abs(rest) <= max(total * tolerance, len(values)) else None
