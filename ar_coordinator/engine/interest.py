"""Late-payment interest: what the law lets a creditor claim for an overdue invoice, with the working.

Facts in, claim out. Rules (directive 2011/7/EU art. 2, 3 and 6; Late Payment of Commercial Debts (Interest) Act 1998,
s. 4, 5A and 6, with the Rate of Interest (No. 3) Order 2002):

- Simple interest from the day after the due date up to and including the day of payment, days / 365.
- 'eu': reference rate of the half-year (the ECB's main refinancing rate on 1 January / 1 July) + points, floats by
  half-year. Fixed compensation: EUR 40.
- 'uk': base rate on the 31 December / 30 June before the interest starts to run + points, fixed for the life of the
  debt. Fixed compensation by the size of the debt: GBP 40 below 1,000; 70 below 10,000; 100 from there.

Where the law leaves room, the lower claim is made: a payment is counted to its day, what was credited never bore
interest, what is disputed bears none while the dispute lasts, the compensation is asked once per invoice.

Exact until the end: amounts and rates are Decimal, interest is a Fraction and is rounded once, by `round_amount`.
"""
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

DAYS_OF_YEAR = 365
CURRENCIES = {'eu': 'EUR', 'uk': 'GBP'}  # of the fixed compensation
EU_COMPENSATION = Decimal(40)
UK_COMPENSATION = ((Decimal(1000), Decimal(40)), (Decimal(10000), Decimal(70)), (None, Decimal(100)))  # below, amount

ONE_DAY = timedelta(days=1)


class MissingRate(LookupError):
    """There is no reference rate for the half-year that begins on `date_from`."""

    def __init__(self, date_from):
        super().__init__(f"no reference rate for the half-year from {date_from}")
        self.date_from = date_from


@dataclass(frozen=True, slots=True)
class Terms:
    """What is claimed: `scheme` 'eu' or 'uk', `points` added to the reference rate.

    `rates`: {first day of a half-year: reference rate in percent}. For 'uk' the rate of 31 December is the one of the
    half-year that begins on 1 January.
    """

    scheme: str
    points: Decimal
    rates: dict

    def __post_init__(self):
        if self.scheme not in CURRENCIES:
            raise ValueError(f"unknown interest scheme: {self.scheme}")


@dataclass(frozen=True, slots=True)
class Debt:
    """One instalment: `amount` in its currency, `payments` a tuple of (day, amount).

    A payment without a day counts from the beginning: a credit note, money that waits to be matched.
    """

    id: int
    amount: Decimal
    date_due: date
    payments: tuple = ()


@dataclass(frozen=True, slots=True)
class Dispute:
    """A part of the invoice that bears no interest from `date_from` to the day before `date_to` (None: no end)."""

    amount: Decimal
    date_from: date
    date_to: date | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the working: `days` from `date_from` to `date_to`, both included, at one base and rate (percent)."""

    date_from: date
    date_to: date
    days: int
    base: Decimal
    rate: Decimal
    interest: Fraction  # not rounded


def half_year(day):
    """Return the first day of the half-year of `day`.

    >>> half_year(date(2026, 6, 30)), half_year(date(2026, 7, 1))
    (datetime.date(2026, 1, 1), datetime.date(2026, 7, 1))
    """
    return date(day.year, 7 if day.month > 6 else 1, 1)


def simple_interest(base, rate, days):
    """Return base * rate % * days / 365, exact.

    >>> float(simple_interest(Decimal(10000), Decimal('11.75'), 61))  # doctest: +ELLIPSIS
    196.3698...
    """
    return Fraction(base) * Fraction(rate) * days / (100 * DAYS_OF_YEAR)


def round_amount(amount, digits=2, step=1):
    """Return an exact amount as Decimal with `digits` places, halves away from zero.

    :param step: the smallest amount in units of the last place: 5 where amounts are multiples of 0.05

    >>> round_amount(Fraction(2, 3)), round_amount(Fraction(5, 1000)), round_amount(Fraction(99, 2), 0)
    (Decimal('0.67'), Decimal('0.01'), Decimal('50'))
    >>> round_amount(Fraction(10381, 100), step=5)
    Decimal('103.80')
    """
    scaled = Fraction(abs(amount)) * 10 ** digits / step
    units = int(scaled + Fraction(1, 2)) * step
    return Decimal(units if amount >= 0 else -units).scaleb(-digits)


def round_rows(amounts, digits=2, step=1):
    """Return exact amounts rounded so that they add up to the rounded sum: each carries on the rest of those before.

    >>> round_rows([Fraction(1, 3)] * 3)
    [Decimal('0.33'), Decimal('0.34'), Decimal('0.33')]
    """
    rounded, exact, shown = [], Fraction(0), Decimal(0)
    for amount in amounts:
        exact += amount
        rounded.append(round_amount(exact, digits, step) - shown)
        shown += rounded[-1]
    return rounded


def work_out(debts, disputes, until, terms):
    """Return the working of one invoice up to a day.

    :param debts: iterable of Debt: all instalments of the invoice, those that are not due or are paid as well, because
        a dispute is taken from the earliest instalments that are open
    :param disputes: iterable of Dispute over the invoice
    :param until: last day that counts: the day of payment, or of the letter
    :param terms: Terms
    :return: dict of debt id -> list of Row, oldest first; days on which nothing was owed have no row
    :raise MissingRate: when a half-year that is needed has no reference rate

    The day count (days / 365) is the one that gives the contract's figures: 10,000 due on 2026-05-31 and paid on
    2026-07-31 are 30 days at 10.15 % and 31 at 10.40 %, or 61 at 11.75 %; 360 days would make 174.14 and 199.10.

    >>> debt = Debt(1, Decimal(10000), date(2026, 5, 31))
    >>> ecb = {date(2026, 1, 1): Decimal('2.15'), date(2026, 7, 1): Decimal('2.40')}
    >>> rows = work_out([debt], [], date(2026, 7, 31), Terms('eu', Decimal(8), ecb))[1]
    >>> [(row.days, str(row.rate), float(round_amount(row.interest))) for row in rows]
    [(30, '10.15', 83.42), (31, '10.40', 88.33)]
    >>> float(round_amount(sum(row.interest for row in rows)))
    171.75
    >>> terms = Terms('uk', Decimal(8), {date(2026, 1, 1): Decimal('3.75')})
    >>> [row] = work_out([debt], [], date(2026, 7, 31), terms)[1]
    >>> row.days, str(row.rate), float(round_amount(row.interest))
    (61, '11.75', 196.37)
    """
    debts = sorted(debts, key=lambda debt: (debt.date_due, debt.id))
    disputes = list(disputes)
    if not debts:
        return {}
    bases = {}  # of the days on which something changes
    for day in _days_of_change(debts, disputes, until, terms):
        bases[day] = _bases(debts, disputes, day)
    return {debt.id: list(_rows(debt, bases, until, terms)) for debt in debts}


def _days_of_change(debts, disputes, until, terms):
    """Return the days in the period on which a base or rate may change, ascending."""
    first = debts[0].date_due + ONE_DAY
    days = {debt.date_due + ONE_DAY for debt in debts}
    days.update(day + ONE_DAY for debt in debts for day, _amount in debt.payments if day)
    days.update(day for dispute in disputes for day in (dispute.date_from, dispute.date_to) if day)
    if terms.scheme == 'eu':
        days.update(date(year, month, 1) for year in range(first.year, until.year + 1) for month in (1, 7))
    return sorted(day for day in days if first <= day <= until)


def _bases(debts, disputes, day):
    """Return {debt id: what bears interest on `day` if it is due}: open, less its share of what is disputed."""
    disputed = sum(
        (dispute.amount for dispute in disputes
         if dispute.date_from <= day and (dispute.date_to is None or day < dispute.date_to)), Decimal(0))
    bases = {}
    for debt in debts:
        paid = sum((amount for paid_on, amount in debt.payments if paid_on is None or paid_on < day), Decimal(0))
        still_open = max(debt.amount - paid, Decimal(0))
        taken = min(still_open, disputed)
        disputed -= taken
        bases[debt.id] = still_open - taken
    return bases


def _rows(debt, bases, until, terms):
    """Yield the rows of one debt; neighbours with the same base and rate are one."""
    days = [day for day in bases if day > debt.date_due]
    if not days:  # not late yet
        return
    ends = [*(day - ONE_DAY for day in days[1:]), until]
    pending = None
    for first, last in zip(days, ends, strict=True):
        base = bases[first][debt.id]
        if base <= 0:
            continue
        rate = _rate(first if terms.scheme == 'eu' else debt.date_due + ONE_DAY, terms)
        if pending and pending[2:] == (base, rate) and pending[1] + ONE_DAY == first:
            pending = (pending[0], last, base, rate)
            continue
        if pending:
            yield _row(*pending)
        pending = (first, last, base, rate)
    if pending:
        yield _row(*pending)


def _rate(day, terms):
    """Return reference rate + points on `day`, never below zero."""
    date_from = half_year(day)
    if date_from not in terms.rates:
        raise MissingRate(date_from)
    return max(terms.rates[date_from] + terms.points, Decimal(0))


def _row(first, last, base, rate):
    days = (last - first).days + 1
    return Row(first, last, days, base, rate, simple_interest(base, rate, days))


def compensation(scheme, debt):
    """Return the fixed compensation for an invoice that is paid late.

    :param scheme: 'eu' or 'uk'
    :param debt: what was owed when interest began to run, in the scheme's currency (CURRENCIES)
    :return: Decimal in the scheme's currency; 0 when nothing was owed

    >>> [str(compensation('uk', Decimal(debt))) for debt in ('999.99', '1000', '9999.99', '10000')]
    ['40', '70', '70', '100']
    >>> str(compensation('eu', Decimal(10000))), str(compensation('eu', Decimal(0)))
    ('40', '0')
    """
    if debt <= 0:
        return Decimal(0)
    if scheme == 'eu':
        return EU_COMPENSATION
    return next(amount for below, amount in UK_COMPENSATION if below is None or debt < below)
