"""When open items will be paid, as chances instead of one day: the arithmetic of the cash forecast.

A customer's habit is a curve: the share of the money that is still unpaid so many days after the due date. It is read
from what was paid *and* from what is still open (an item 40 days overdue says that it was not paid in 40 days),
weighted by amount: the product-limit estimator of Kaplan and Meier (1958). Thin histories are drawn towards the risk
class, that towards the company, that towards a general curve: with a beta process for prior (Hjort 1990), the chance of
being paid on a day is

    (paid that day + k * chance on the curve above) / (at risk that day + k)

so that n observations at risk count n / (n + k), day by day. Observations are counted by Kish's effective number,
(sum of amounts)^2 / (sum of squared amounts): one big invoice among many small ones is nearly one observation.

An item that is d days past its due date, unpaid, follows the curve given that: S(t) / S(d). What is left of the curve
after the last week is no cash of these weeks.

Amounts are whole minor units of a currency (cents), so that nothing is lost: the amount paid up to each day is rounded,
and weeks are differences of these.
"""
import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

WEEKS = 13
EARLIEST = -60  # days before the due date; what is paid earlier counts as paid then
CUSTOMER_STRENGTH = 3.0  # k of a customer against its risk class or company; docs/forecast.md says how they were found
GROUP_STRENGTH = 3.0  # k of a risk class against its company
COMPANY_STRENGTH = 1.0  # k of a company against the general curve
GENERAL_HALF = 15.0  # days in which half of what was not paid on the due date is paid, without any history
KEPT_STRENGTH = 3.0  # promises judged until a customer is believed as much as the company's others
GENERAL_KEPT_RATE = 0.7  # of promises, without any history
QUANTILE = 1.2816  # of the normal distribution at 90 %: one in ten is better than best, one worse than worst
VARIATION = 0.25  # standard deviation of the logarithm of the pace of all customers together
SCENARIOS = ('best', 'likely', 'worst')
LONGEST_WAIT = 365  # days; what is not as likely paid as not by then is expected on no day


def general_survival(day):
    """Return the share unpaid after `day` (days past the due date) when nothing is known: half is paid on the due date,
    the rest ever more slowly.

    >>> [round(general_survival(day), 4) for day in (-1, 0, 15, 45)]
    [1.0, 0.5, 0.25, 0.125]
    """
    return 1.0 if day < 0 else 0.5 / (1.0 + day / GENERAL_HALF)


class Curve:
    """Share of the money still unpaid after so many days past the due date.

    >>> habit = Curve([(0, 100.0, 0.0, 100.0 ** 2), (10, 100.0, 0.0, 100.0 ** 2)], general_survival, 0.5)
    >>> [round(habit(day), 3) for day in (-1, 0, 9, 10)]
    [1.0, 0.5, 0.427, 0.137]
    """

    __slots__ = ('_above', '_days', '_known', '_left', '_share', 'count')

    def __init__(self, observations, above, strength):
        """:param observations: iterable of (day, amount paid on it, amount that was unpaid until then and of which no
            more is known, sum of the squared amounts of both); days past the due date
        :param above: function day -> share unpaid, that thin histories are drawn towards; above 0 everywhere
        :param float strength: k, in observations
        """
        paid_on, left_on, squares = defaultdict(float), defaultdict(float), 0.0
        for day, paid, left, square in observations:
            day = max(day, EARLIEST)
            paid_on[day] += paid
            left_on[day] += left
            squares += square
        total = math.fsum(paid_on.values()) + math.fsum(left_on.values())
        scale = total / squares if squares else 0.0
        self.count = total * scale  # Kish's effective number
        self._above = above
        self._days, self._left, self._known = [EARLIEST - 1], [1.0], {}
        at_risk = self.count
        self._share = [strength / (strength + at_risk)]
        for day in sorted(paid_on):
            paid = paid_on[day] * scale
            chance = 1.0 - above(day) / above(day - 1)
            survival = self(day - 1) * (1.0 - (paid + strength * chance) / (max(at_risk, paid) + strength))
            at_risk = max(at_risk - paid - left_on[day] * scale, 0.0)
            self._days.append(day)
            self._left.append(survival)
            self._share.append(strength / (strength + at_risk))
        self._known.clear()

    def __call__(self, day):
        """Return the share still unpaid at the end of the day, above 0."""
        known = self._known.get(day)
        if known is None:
            index = bisect_right(self._days, day) - 1
            if index < 0:
                return 1.0
            since = self._days[index]
            known = self._left[index]
            if day > since:
                known *= (self._above(day) / self._above(since)) ** self._share[index]
            self._known[day] = known
        return known


def unpaid(curve, age, days):
    """Return the share of an item still unpaid after so many days from now, given that it is unpaid now.

    :param curve: function day -> share unpaid
    :param int age: days past its due date now, negative before it
    :param days: days from now, ascending

    >>> [round(share, 3) for share in unpaid(general_survival, 15, [15, 45])]
    [0.667, 0.4]
    """
    now = curve(age)
    return [curve(age + day) / now for day in days]


def days_until_paid(curve, age, last=LONGEST_WAIT):
    """Return in how many days (1 or more) an item is as likely paid as not, given that it is unpaid now.

    :param curve: function day -> share unpaid
    :param int age: days past its due date now, negative before it
    :param int last: no day further away is named
    :return: days from now, or None when more than half is still unpaid after `last` days

    >>> [days_until_paid(general_survival, age) for age in (-30, -1, 0, 15, 400)]
    [30, 1, 15, 30, None]
    """
    half = curve(age) / 2.0
    if curve(age + last) > half:
        return None
    first = 1
    while first < last:
        middle = (first + last) // 2
        if curve(age + middle) <= half:
            last = middle
        else:
            first = middle + 1
    return first


def promised(day, chance, otherwise, days):
    """Return the share unpaid of something promised for a day, after so many days from now.

    It is paid on that day with the given chance; else it goes the way it would have gone without the promise.

    :param int day: days from now; a day that is over counts as tomorrow (the last days of a promise's tolerance)
    :param float chance: 0 to 1, see `kept_rate`
    :param otherwise: see `unpaid`, for the same days

    >>> [round(share, 3) for share in promised(10, 0.8, [0.6, 0.5], [7, 14])]
    [0.92, 0.1]
    """
    day = max(day, 1)
    return [
        (chance if after < day else 0.0) + (1.0 - chance) * share
        for after, share in zip(days, otherwise, strict=True)]


def planned(curve, day, chance, days):
    """Return the share unpaid of an instalment: paid on its day with the given chance, else as late as any other item
    that is due on that day.

    >>> [round(share, 3) for share in planned(general_survival, 7, 0.5, [6, 7, 22])]
    [1.0, 0.5, 0.25]
    """
    day = max(day, 1)
    due = curve(0)
    return [1.0 if after < day else (1.0 - chance) * curve(after - day) / due for after in days]


def kept_rate(count, kept, above=GENERAL_KEPT_RATE, strength=KEPT_STRENGTH):
    """Return the chance that a promise is kept: the customer's own rate, drawn towards that of all the fewer he gave.

    :param int count: promises judged
    :param float kept: of these, how many were kept, in shares of their amounts
    :param float above: the rate of the company's customers together

    >>> [round(kept_rate(*own), 3) for own in ((0, 0.0, 0.7), (3, 3.0, 0.5), (7, 0.0, 0.5))]
    [0.7, 0.75, 0.15]
    """
    return (kept + strength * above) / (count + strength)


def pace(scenario, count, variation=VARIATION):
    """Return how fast money comes in a scenario, as the power of the share unpaid: 1 is expected.

    In the best case every chance to be paid is so much higher, in the worst one lower: proportional hazards. The number
    is the 90 % (10 %) quantile of observed / expected payments, whose logarithm varies by `variation` for all customers
    together and by 1 / count for single payers. The same power for every item and day: the money paid up to any day is
    never less in the best case than expected, never more in the worst.

    :param scenario: one of SCENARIOS
    :param float count: number of items (Kish's effective one, see `effective_count`)

    >>> [round(pace(scenario, 100), 3) for scenario in SCENARIOS]
    [1.412, 1.0, 0.708]
    """
    sign = {'best': 1, 'likely': 0, 'worst': -1}[scenario]
    return math.exp(sign * QUANTILE * math.sqrt(variation ** 2 + 1.0 / max(count, 1.0)))


def effective_count(amounts):
    """Return how many equal items vary as much as these: (sum)^2 / (sum of squares).

    >>> effective_count([10, 10, 10, 10]), round(effective_count([1000, 1, 1, 1]), 2), effective_count([])
    (4.0, 1.01, 0.0)
    """
    amounts = list(amounts)
    squares = sum(amount * amount for amount in amounts)
    return sum(amounts) ** 2 / squares if squares else 0.0


def spread(amount, shares):
    """Split a whole amount by what comes in each period, to the unit; the last number is what does not come in them.

    :param int amount: minor units
    :param shares: share unpaid at the end of each period, never rising

    >>> spread(100, [0.675, 0.1, 0.1])
    [32, 58, 0, 10]
    """
    result, before = [], amount
    for share in shares:
        left = round(amount * share)
        result.append(before - left)
        before = left
    return [*result, before]


def portions(total, whole, parts):
    """Split `total` as `parts` of `whole` say; the last number is the rest.

    :param int total: minor units, e.g. of the company's currency
    :param int whole: minor units, e.g. of the item's currency
    :param parts: of `whole`, together at most that

    >>> portions(1000, 300, [100, 100])
    [333, 334, 333]
    """
    result, taken, before = [], 0, 0
    for part in parts:
        taken += part
        now = round(total * taken / whole)
        result.append(now - before)
        before = now
    return [*result, total - before]


def cover(credit, items):
    """Spread a customer's credits over his items, oldest first: that much money will not come.

    :param int credit: minor units, positive
    :param items: [(key, amount)] in minor units, in order
    :return: {key: amount covered}

    >>> cover(150, [('a', 100), ('b', 100)]), cover(0, [('a', 100)])
    ({'a': 100, 'b': 50}, {})
    """
    covered = {}
    for key, amount in items:
        taken = min(credit, amount)
        if taken > 0:
            covered[key] = taken
            credit -= taken
    return covered


def instalments(items, dues):
    """Say of which instalments the open part of each item of a plan will be paid.

    What was paid so far was for the first instalments: what is open is the last ones, and if instalments do not suffice
    (they were cut short by nothing that can happen in the books) the rest falls to the first.

    :param items: [(key, open amount)], oldest first, in minor units
    :param dues: [(day, amount)] by day, as planned at first
    :return: {key: [(day, amount)]}, adding up to each item's open amount

    >>> instalments([('a', 60), ('b', 40)], [(1, 50), (2, 50), (3, 50)])
    {'a': [(2, 50), (3, 10)], 'b': [(3, 40)]}
    """
    owed = sum(amount for _key, amount in items)
    open_dues = []
    for day, amount in reversed(dues):
        taken = min(amount, owed)
        if taken > 0:
            open_dues.insert(0, [day, taken])
        owed -= taken
    if owed > 0:
        if not open_dues:
            return {}
        open_dues[0][1] += owed
    result, turn = {}, 0
    for key, amount in items:
        own = result.setdefault(key, [])
        while amount > 0:
            day, room = open_dues[turn]
            taken = min(room, amount)
            own.append((day, taken))
            amount -= taken
            open_dues[turn][1] -= taken
            if not open_dues[turn][1]:
                turn += 1
    return result


class Forecaster:
    """Says what of open items comes when. Facts as `ar.ledger` returns them go in; every cent is in one of the cells.

    Of an item, in this order: the disputed part has no day; what the customer's credits cover is no cash; then comes
    what was planned or promised; the rest goes by habit.
    """

    def __init__(self, as_of, ends, history=None, kept=None, plans=None):
        """:param date as_of: the day of the forecast; nothing later is known
        :param ends: last days of the weeks, ascending
        :param dict history: {(company id, 'company' | 'class' | 'partner', id): observations}, see `Curve`
        :param dict kept: {(company id, partner id or None for all): (promises judged, kept of them)}
        :param dict plans: {plan id: [(date, amount in minor units of its currency)]}
        """
        self.as_of = as_of
        self.last = (ends[-1] - as_of).days
        self.days = [(end - as_of).days for end in ends]
        self._history, self._kept, self._plans = history or {}, kept or {}, plans or {}
        self._curves, self._shares, self._powered, self._waits = {}, {}, {}, {}

    def curve(self, company, risk_class, partner):
        """Return the delay curve of a customer (ids); of the risk class or company when he has none of his own."""
        above = general_survival
        for kind, record, strength in (
                ('company', 0, COMPANY_STRENGTH), ('class', risk_class, GROUP_STRENGTH),
                ('partner', partner, CUSTOMER_STRENGTH)):
            key = company, kind, record
            if key in self._history:
                if key not in self._curves:
                    self._curves[key] = Curve(self._history[key], above, strength)
                above = self._curves[key]
        return above

    def chance(self, company, partner):
        """Return the chance that a customer's promise is kept."""
        everybody = kept_rate(*self._kept.get((company, None), (0, 0.0)))
        return kept_rate(*self._kept.get((company, partner), (0, 0.0)), above=everybody)

    def outlooks(self, rows):
        """Return what will become of each open item.

        :param rows: dicts of `ar.ledger._forecast_items`, oldest first, credits among them
        :return: list of Outlook, in the same order
        """
        owed = [row for row in rows if row['residual'] > 0 and row['residual_currency'] > 0]
        covered = self._cover(rows, owed)
        planned_parts = self._plan(owed, covered)
        return [
            self._outlook(row, covered.get(row['line_id'], 0), planned_parts.get(row['line_id'], ()))
            if row['residual'] > 0 and row['residual_currency'] > 0 else Outlook(row, [], 0, row['residual'])
            for row in rows]

    def expected_days(self, rows):
        """Return one day per open item, where `outlooks` has chances: the promised day, else the day of the instalment
        that completes it, else the first day by which it is as likely paid as not.

        :param rows: as `outlooks`
        :return: dict of line id -> (date or None: none within a year, 'promise', 'plan' or 'habit'), of items owed
        """
        owed = [row for row in rows if row['residual_currency'] > 0]
        planned_parts = self._plan(owed, {})
        days = {}
        for row in owed:
            given = [day for day, amount in planned_parts.get(row['line_id'], ()) if amount > 0]
            if given:
                days[row['line_id']] = max(given), 'plan'
            elif row['date_promised'] and row['given'] > 0:
                days[row['line_id']] = row['date_promised'], 'promise'
            else:
                days[row['line_id']] = self._habitual_day(row), 'habit'
        return days

    def _habitual_day(self, row):
        """Return the day by which an item is as likely paid as not, today at the earliest: what was not paid by
        yesterday may come today. None: no day within a year."""
        curve = self.curve(row['company_id'], row['class_id'], row['partner_id'])
        age = (self.as_of - row['due']).days - 1
        key = id(curve), age
        if key not in self._waits:
            self._waits[key] = days_until_paid(curve, age)
        wait = self._waits[key]
        return None if wait is None else self.as_of + timedelta(days=wait - 1)

    def _cover(self, rows, owed):
        """Return {line id: amount that the customer's own credits cover}, per company, customer and currency."""
        def account(row):
            return row['company_id'], row['partner_id'], row['currency_id']
        credits, items, covered = defaultdict(int), defaultdict(list), {}
        for row in rows:
            if row['residual_currency'] < 0 and row['residual'] <= 0 and row['partner_id']:
                credits[account(row)] -= row['residual_currency']
        if credits:
            for row in owed:
                if account(row) in credits:
                    items[account(row)].append((row['line_id'], row['residual_currency'] - row['disputed']))
        for key, own in items.items():
            covered.update(cover(credits[key], own))
        return covered

    def _plan(self, owed, covered):
        """Return {line id: [(date, amount)]} of items in payment plans."""
        members = defaultdict(list)
        for row in owed:
            if row['plan_id']:
                free = row['residual_currency'] - row['disputed'] - covered.get(row['line_id'], 0)
                members[row['plan_id']].append((row['line_id'], max(min(row['given'], free), 0)))
        parts = {}
        for plan, items in members.items():
            parts.update(instalments(items, self._plans.get(plan, ())))
        return parts

    def _outlook(self, row, covered, plan):
        """Return the Outlook of one item that is owed."""
        company, partner = row['company_id'], row['partner_id']
        free = row['residual_currency'] - row['disputed'] - covered
        curve = self.curve(company, row['class_id'], partner)
        age = (self.as_of - row['due']).days
        habit = self._habit(curve, age)
        given = [(day, amount) for day, amount in plan if amount > 0]
        if row['date_promised'] and min(row['given'], free) > 0:
            given = [(row['date_promised'], min(row['given'], free))]
        disputed, credit, *amounts, rest = portions(
            row['residual'], row['residual_currency'], [row['disputed'], covered, *(amount for _day, amount in given)])
        parts = []
        for (day, _amount), amount in zip(given, amounts, strict=True):
            after, chance = (day - self.as_of).days, self.chance(company, partner)
            shares = planned(curve, after, chance, self.days) if row['plan_id'] else promised(
                after, chance, habit, self.days)
            parts.append(Part('plan' if row['plan_id'] else 'promise', amount, shares, after > self.last))
        if rest:
            parts.append(Part('habit', rest, habit, -age > self.last))
        return Outlook(row, parts, disputed, credit)

    def _habit(self, curve, age):
        """Return `unpaid` for an age, made once for all items that share it."""
        key = id(curve), age
        if key not in self._shares:
            self._shares[key] = tuple(unpaid(curve, age, self.days))
        return self._shares[key]

    def cells(self, outlook, power=1.0):
        """Return what comes of an item: one amount per week, then what comes later, what is doubtful, what is disputed,
        and what is no cash (credits, less what they cover). They add up to its residual.

        :param float power: see `pace`
        """
        weeks, later, doubtful = [0] * len(self.days), 0, 0
        for part in outlook.parts:
            *own, rest = spread(part.amount, self._power(part.shares, power))
            for number, amount in enumerate(own):
                weeks[number] += amount
            if part.is_later:
                later += rest
            else:
                doubtful += rest
        return [*weeks, later, doubtful, outlook.disputed, outlook.no_cash]

    def naive(self, outlook, day):
        """Return what comes of an item by week if all of its cash is paid on one day, see `naive`."""
        amount = sum(part.amount for part in outlook.parts)
        return spread(amount, naive((day - self.as_of).days, self.days))[:-1]

    def _power(self, shares, power):
        """Return the shares unpaid at a pace; those of habits are made once."""
        if power == 1.0:
            return shares
        if not isinstance(shares, tuple):
            return [share ** power for share in shares]
        key = id(shares), power
        if key not in self._powered:
            self._powered[key] = tuple(share ** power for share in shares)
        return self._powered[key]


@dataclass(frozen=True, slots=True)
class Part:
    """Of an item: an amount (minor units of the company's currency) with one outlook."""

    source: str  # 'promise', 'plan' or 'habit'
    amount: int
    shares: tuple  # unpaid at the end of each week
    is_later: bool  # it is not due in these weeks: what does not come in them is late, not doubtful


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of an open item; amounts in minor units of the company's currency."""

    row: dict
    parts: list
    disputed: int
    no_cash: int


def convert(amounts, rate):
    """Convert whole amounts so that the sum of the results is the converted sum: sums are rounded, not single amounts.

    :param amounts: minor units
    :param float rate: minor units of the other currency for one

    >>> convert([1, 1, 1, 1], 0.5), convert([10, -4], 2)
    ([1, 0, 1, 0], [20, -8])
    """
    result, total, before = [], 0, 0
    for amount in amounts:
        total += amount
        now = math.floor(total * rate + 0.5)
        result.append(now - before)
        before = now
    return result


def period_ends(as_of, count=WEEKS, last_weekday=None):
    """Return the last day of each week after a day.

    :param date as_of: the weeks begin on the day after
    :param last_weekday: 0 (Monday) to 6 (Sunday): calendar weeks that end on it, the first one as short as it has to
        be; None: seven days each

    >>> from datetime import date
    >>> [day.isoformat() for day in period_ends(date(2026, 6, 24), 2)]
    ['2026-07-01', '2026-07-08']
    >>> [day.isoformat() for day in period_ends(date(2026, 6, 24), 2, last_weekday=6)]
    ['2026-06-28', '2026-07-05']
    >>> [day.isoformat() for day in period_ends(date(2026, 6, 28), 2, last_weekday=6)]
    ['2026-07-05', '2026-07-12']
    """
    first = 7 if last_weekday is None else (last_weekday - as_of.weekday() - 1) % 7 + 1
    return [as_of + timedelta(days=first + 7 * number) for number in range(count)]


def naive(day, days):
    """Return the share unpaid of an item that is paid on one day for sure, which is tomorrow when that day is over.

    :param int day: days from now
    :param days: days from now, ascending

    >>> naive(-5, [7, 14]), naive(10, [7, 14])
    ([0.0, 0.0], [1.0, 0.0])
    """
    return [1.0 if after < max(day, 1) else 0.0 for after in days]


def mean_absolute_errors(forecasts, actuals):
    """Return the mean absolute error by week: how far forecasts were from what came, on average, whatever the sign.

    :param forecasts: one list of amounts per week for each forecast
    :param actuals: the same of what came
    :return: list, one per week; None without any forecast

    >>> mean_absolute_errors([[10, 5], [20, 5]], [[12, 5], [10, 6]])
    [6.0, 0.5]
    """
    return [
        math.fsum(abs(own[week] - real[week]) for own, real in zip(forecasts, actuals, strict=True)) / len(forecasts)
        for week in range(len(forecasts[0]))] if forecasts else None
