"""Promises to pay: judged from the money. Facts in, verdicts with their reason out. Plain Python, no odoo.

A promise is a sum over one or more open items, and a day. What counts is the *payment date* of what was matched with
its items after it was given, up to its last day (promised day + tolerance): all of it -> kept, some -> partly kept,
none -> broken once that day is over. Credit notes and write-offs are no payment, but what they clear up to the last day
is not owed any more; clearing after it forgives the debt, not the promise:

    expected of an item = min(promised, paid since by any day + still open + cleared without payment after the last day)

A promise of which nothing was left to pay by its last day, and nothing was paid, was cleared: it counts neither for nor
against the customer. [promise-to-pay rules of SAP Collections Management: levels, tolerance, payment date]
"""
from dataclasses import dataclass
from datetime import date, timedelta

OPEN, KEPT, PARTLY_KEPT, BROKEN, CLEARED = 'open', 'kept', 'partly_kept', 'broken', 'cleared'


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was matched with an item; `amount` positive, in the item's currency."""

    id: int  # of the counterpart
    date: date  # the day the money came, not the day of matching
    amount: float
    is_payment: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a promise. Amounts in its currency."""

    id: int
    promised: float
    residual: float  # open now
    settlements: tuple = ()  # everything matched with it, whenever
    before: tuple = ()  # ((counterpart id, amount), ...) that were matched when the promise was given

    def new_payments(self):
        """Return [(date, amount)] paid since the promise was given.

        A payment that was undone and matched again is not new; only what it pays more is.

        >>> day = date(2026, 6, 1)
        >>> Item(1, 50, 0, (Settlement(7, day, 80.0), Settlement(8, day, 20.0)), ((7, 50.0),)).new_payments()
        [(datetime.date(2026, 6, 1), 30.0), (datetime.date(2026, 6, 1), 20.0)]
        """
        return [(day, amount) for day, amount, is_payment in self._new() if is_payment]

    def expected(self, limit):
        """Return what has to be paid by `limit`, the last day: only what was cleared up to it is deducted.

        >>> paid, note = Settlement(7, date(2026, 6, 1), 40.0), Settlement(8, date(2026, 7, 1), 60.0, False)
        >>> late = Item(1, 100, 0, (paid, note))
        >>> late.expected(date(2026, 6, 30)), late.expected(date(2026, 7, 1))
        (100, 40.0)
        """
        paid = sum(amount for _day, amount in self.new_payments())
        forgiven = sum(amount for day, amount, is_payment in self._new() if not is_payment and day > limit)
        return min(self.promised, paid + max(self.residual, 0.0) + forgiven)

    def _new(self):
        """Return [(date, amount, is_payment)] matched since the promise was given."""
        before = dict(self.before)
        settled = []
        for settlement in self.settlements:
            known = min(before.get(settlement.id, 0.0), settlement.amount)
            before[settlement.id] = before.get(settlement.id, 0.0) - known
            if settlement.amount > known:
                settled.append((settlement.date, settlement.amount - known, settlement.is_payment))
        return settled


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise. Amounts in its currency."""

    state: str  # OPEN, KEPT, PARTLY_KEPT, BROKEN or CLEARED
    expected: float  # what had to be paid by now or until its last day, credit notes up to then deducted
    paid: float  # paid in time
    late: float  # paid after the last day


def last_day(promised, tolerance):
    """Return the last day on which a payment keeps a promise.

    >>> last_day(date(2026, 6, 24), 1)
    datetime.date(2026, 6, 25)
    """
    return promised + timedelta(days=tolerance)


def judge(items, limit, today, digits=2):
    """Judge a promise.

    :param items: list of Item
    :param limit: its last day, see `last_day`
    :param today: the company's day
    :param digits: decimal places of the currency
    :return: Verdict

    >>> invoice = Item(1, 100.0, 100.0)
    >>> limit = last_day(date(2026, 6, 24), 1)
    >>> judge([invoice], limit, date(2026, 6, 25)).state, judge([invoice], limit, date(2026, 6, 26)).state
    ('open', 'broken')
    >>> some = Item(1, 100.0, 60.0, (Settlement(7, date(2026, 6, 25), 40.0),))
    >>> judge([some], limit, date(2026, 6, 26)).state
    'partly_kept'
    >>> late = Item(1, 100.0, 0.0, (Settlement(7, date(2026, 6, 26), 100.0),))
    >>> judge([late], limit, date(2026, 6, 26)).state
    'broken'
    >>> judge([Item(1, 100.0, 0.0, (Settlement(7, date(2026, 6, 1), 100.0, False),))], limit, date(2026, 6, 2)).state
    'cleared'
    >>> forgiven = Item(1, 100.0, 0.0, (Settlement(7, date(2026, 9, 30), 100.0, False),))
    >>> judge([forgiven], limit, date(2026, 10, 1)).state
    'broken'
    """
    expected = in_time = late = 0.0
    for item in items:
        payments = item.new_payments()
        paid = sum(amount for _day, amount in payments)
        own = sum(amount for day, amount in payments if day <= limit)
        in_time += own
        late += paid - own
        expected += item.expected(limit)
    expected, in_time, late = (round(amount, digits) for amount in (expected, in_time, late))
    if expected <= 0:
        state = CLEARED
    elif in_time >= expected:
        state = KEPT
    elif today <= limit:
        state = OPEN
    else:
        state = PARTLY_KEPT if in_time > 0 else BROKEN
    return Verdict(state, expected, in_time, late)


def judge_plan(items, instalments, grace, today, digits=2):
    """Judge a payment plan: what counts is the sum paid up to the last day of each instalment; paying ahead is fine.

    Credit notes and write-offs reduce what is expected, from the last instalment backwards, and of each instalment only
    those up to its last day.

    :param items: list of Item: everything the plan is about
    :param instalments: list of (key, date, amount) by date
    :param grace: days after its date on which an instalment may still come in
    :param today: the company's day
    :return: (state of the plan, {key: (state, paid, left)}): the plan is KEPT when all instalments are, BROKEN when
        one was missed, CLEARED when nothing was left to be paid; an instalment is OPEN, KEPT, PARTLY_KEPT or BROKEN,
        `paid` what was paid of it by any day, `left` what is missing

    >>> invoice = Item(1, 100.0, 40.0, (Settlement(7, date(2026, 1, 5), 60.0),))
    >>> series = [('a', date(2026, 1, 31), 50.0), ('b', date(2026, 2, 28), 50.0)]
    >>> judge_plan([invoice], series, 0, date(2026, 2, 28))
    ('open', {'a': ('kept', 50.0, 0.0), 'b': ('open', 10.0, 40.0)})
    >>> judge_plan([invoice], series, 0, date(2026, 3, 1))
    ('broken', {'a': ('kept', 50.0, 0.0), 'b': ('partly_kept', 10.0, 40.0)})
    """
    payments = [payment for item in items for payment in item.new_payments()]
    paid = round(sum(amount for _day, amount in payments), digits)
    verdicts, planned, target = {}, 0.0, 0.0
    for key, day, amount in instalments:
        limit = last_day(day, grace)
        before, planned = target, round(planned + amount, digits)
        expected = round(sum(item.expected(limit) for item in items), digits)
        target = max(before, min(planned, expected))  # what was due on an earlier day stays due
        in_time = round(sum(own for paid_on, own in payments if paid_on <= limit), digits)
        own_paid = round(min(max(paid - before, 0.0), target - before), digits)
        if in_time >= target:
            state = KEPT
        elif today <= limit:
            state = OPEN
        else:
            state = PARTLY_KEPT if in_time > before else BROKEN
        verdicts[key] = (state, own_paid, round(target - before - own_paid, digits))
    states = {state for state, _paid, _left in verdicts.values()}
    if target <= 0:
        return CLEARED, verdicts
    if states & {BROKEN, PARTLY_KEPT}:
        return BROKEN, verdicts
    return (OPEN if OPEN in states else KEPT), verdicts


def instalments(total, count, first, every, unit='months', digits=2, step=1):
    """Split a sum into instalments; the last one takes the rounding.

    Months count from the first day, so that the 31st stays the last day of shorter months and comes back after them.

    :param total: sum to split
    :param count: how many, at least 1
    :param first: day of the first
    :param every: interval, in `unit`s
    :param unit: 'weeks' or 'months'
    :param digits: decimal places of the currency
    :param step: its smallest amount in units of the last of these places: 5 where amounts are multiples of 0.05
    :return: list of (date, amount); the amounts add up to `total` exactly
    :raise ValueError: when the sum is too small for so many, or an argument makes no sense

    >>> [amount for _day, amount in instalments(100.0, 3, date(2026, 1, 31), 1)]
    [33.33, 33.33, 33.34]
    >>> [day.isoformat() for day, _amount in instalments(100.0, 3, date(2026, 1, 31), 1)]
    ['2026-01-31', '2026-02-28', '2026-03-31']
    >>> [amount for _day, amount in instalments(100.0, 3, date(2026, 1, 31), 1, step=5)]
    [33.3, 33.3, 33.4]
    """
    if count < 1 or every < 1 or unit not in ('weeks', 'months'):
        raise ValueError(f"{count} instalments every {every} {unit}")
    units = round(total * 10 ** digits)
    share = units // count // step * step
    if share < 1:
        raise ValueError(f"{total} cannot be split into {count} instalments")
    amounts = [share] * (count - 1) + [units - share * (count - 1)]
    return [
        (_step(first, number * every, unit), round(amount / 10 ** digits, digits))
        for number, amount in enumerate(amounts)]


def _step(first, steps, unit):
    """Return the day `steps` units after `first`."""
    if unit == 'weeks':
        return first + timedelta(weeks=steps)
    month = first.month - 1 + steps
    year, month = first.year + month // 12, month % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(first.day, (following - timedelta(days=1)).day))


def allocate(amount, items, digits=2):
    """Spread an amount over items, the first ones first.

    :param amount: to spread, in the items' currency
    :param items: list of (key, most it takes)
    :return: dict of key -> amount; keys that get nothing are left out

    >>> allocate(120.0, [('a', 100.0), ('b', 50.0), ('c', 10.0)])
    {'a': 100.0, 'b': 20.0}
    """
    spread = {}
    for key, room in items:
        taken = round(min(amount, room), digits)
        if taken > 0:
            spread[key] = taken
            amount = round(amount - taken, digits)
    return spread
