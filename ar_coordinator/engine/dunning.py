"""Dunning decisions: which open item gets which reminder now, and why the others do not. Facts in, decisions out.

Rules (the customer's point of view first):

- An item climbs one level at a time: the next one it has not been sent. Debts that were old when dunning was switched
  on therefore start with the first level, not with the last.
- A level is due `delay_days` after the due date. Levels with negative delay are reminders before the due date; once the
  item is due they are passed over, and neither the customer's other items nor the quiet time hold them back.
- What is asked is what is open, less its disputed part, less unmatched credits of the customer, which settle his oldest
  debts first. Nothing is asked that is already covered. A company may rather ask for everything in full and only name
  the credits, unless these cover all of it.
- Money that came in and waits to be applied counts for the items it is going to pay: they are not asked for.
- One message per customer and currency; it carries all of their items that are due for a level.

Work grows with the number of items, not with its square: items are grouped once and sorted within their customer.
"""
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

# results
SENT, LETTER, HELD, SKIPPED = 'sent', 'letter', 'held', 'skipped'
# reasons of SENT and LETTER
DUE = 'due'
# reasons of SKIPPED: nothing to be asked for this item now
NO_CUSTOMER, NO_POLICY, SETTLED, DISPUTED, HANDED_OVER, WRITE_OFF = (
    'no_customer', 'no_policy', 'settled', 'disputed', 'handed_over', 'write_off')
PROMISED, PAUSED, NO_FOLLOWUP, LAST_LEVEL, NOT_DUE = 'promised', 'paused', 'no_followup', 'last_level', 'not_due'
# reasons of HELD: it is time, but something stands in the way
COVERED, QUIET, BELOW_MINIMUM, LEFT_OUT, INCOMING = 'covered', 'quiet', 'below_minimum', 'left_out', 'incoming'


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a policy; `delay_days` after the due date (negative: before it)."""

    id: int
    delay_days: int


@dataclass(frozen=True, slots=True)
class Item:
    """An open debit item. Amounts in the item's currency unless they say company; `days` overdue on the run's day."""

    id: int
    partner_id: int | None
    currency_id: int
    date_due: date
    days: int
    residual: float  # by the ledger
    residual_company: float  # the same, from the books
    owed: float | None = None  # what the books still show as unpaid when that is less, e.g. matched with a draft
    disputed: float = 0.0
    no_followup: bool = False
    promised: bool = False
    paused: bool = False
    handed_over: bool = False  # the customer is with an agency, say
    write_off: bool = False  # somebody asked to write it off, and nobody has decided yet
    levels: tuple | None = None  # of the policy given to the invoice; None: the customer's
    sent_levels: frozenset = frozenset()  # ids of the levels it has been sent, of any policy
    facts: dict | None = field(default=None, compare=False, repr=False)  # the caller's own, carried along
    incoming: float = 0.0  # what money that waits to be applied is surely going to pay of it
    left_out: bool = False  # by a person, from this run
    chosen_level: int | None = None  # id of the level a person chose for this run; counts if it is one it may get


@dataclass(frozen=True, slots=True)
class Customer:
    """What counts for all items of one customer."""

    levels: tuple = ()  # the policy's levels in order
    has_policy: bool = True
    last_contact: date | None = None
    credits: dict = field(default_factory=dict)  # {currency_id: (amount, amount in company currency)}, positive


@dataclass(frozen=True, slots=True)
class Rules:
    """The company's rules; `minimum` in its currency, `digits` decimal places by currency id."""

    as_of: date
    quiet_days: int = 0
    minimum: float = 0.0
    company_currency_id: int = 0
    digits: dict = field(default_factory=dict)
    pre_due: frozenset = frozenset()  # ids of all levels before the due date, of any policy
    net_credits: bool = True  # else credits are named and not deducted


@dataclass(slots=True)
class Decision:
    """What happens to an item. `open`, `disputed`, `credit` and `amount` (asked) in its currency."""

    item: Item
    result: str
    reason: str
    level: Level | None = None
    open: float = 0.0
    disputed: float = 0.0
    credit: float = 0.0
    amount: float = 0.0
    amount_company: float = 0.0


def next_level(levels, sent_levels, overdue=True, pre_due=frozenset()):
    """Return the level an item gets next, or None when it has had the last one.

    It is the one after the highest it was sent, and not before as many levels as it was sent under whatever policy,
    so that a change of policy neither repeats nor restarts. Reminders before the due date (`pre_due`: their ids, of
    all policies) do not count towards that number, and once an item is overdue they are passed over.

    >>> levels = (Level(1, -3), Level(2, 3), Level(3, 15))
    >>> next_level(levels, frozenset()).id, next_level(levels, frozenset(), overdue=False).id
    (2, 1)
    >>> next_level(levels, frozenset({1, 2}), pre_due={1}).id, next_level(levels, frozenset({2, 3}))
    (3, None)
    >>> next_level((Level(8, 5), Level(9, 20)), frozenset({1, 2}), pre_due={1}).id
    9
    """
    allowed = allowed_levels(levels, sent_levels, overdue, pre_due)
    return allowed[0] if allowed else None


def allowed_levels(levels, sent_levels, overdue=True, pre_due=frozenset()):
    """Return the levels an item may be sent, lowest first: see `next_level`, which is the first of them.

    >>> levels = (Level(1, -3), Level(2, 3), Level(3, 15), Level(4, 30))
    >>> [level.id for level in allowed_levels(levels, frozenset({2}))]
    [3, 4]
    >>> [level.id for level in allowed_levels(levels, frozenset({2, 4}))]
    []
    """
    highest = max((position for position, level in enumerate(levels) if level.id in sent_levels), default=-1)
    steps = len(sent_levels - pre_due)
    if steps:
        steps += sum(1 for level in levels if level.delay_days < 0)
    return [level for level in levels[max(highest + 1, steps):] if level.delay_days >= 0 or not overdue]


def decide(items, customers, rules):
    """Decide about every item that is overdue, or due for a reminder before its due date.

    :param items: iterable of Item of one company
    :param customers: dict of partner id -> Customer
    :param rules: Rules
    :return: list of Decision; items that are neither overdue nor due for a level are left out

    >>> item = Item(1, 7, 1, date(2026, 3, 1), 30, 100.0, 100.0, disputed=25.0)
    >>> customer = Customer(levels=(Level(1, 3), Level(2, 15)))
    >>> [decision] = decide([item], {7: customer}, Rules(date(2026, 3, 31)))
    >>> decision.result, decision.reason, decision.level.id, decision.amount
    ('sent', 'due', 1, 75.0)
    """
    by_partner = defaultdict(list)
    for item in items:
        by_partner[item.partner_id].append(item)
    decisions = []
    for partner_id, own in by_partner.items():
        decisions += _decide_customer(own, customers.get(partner_id, Customer(has_policy=False)), rules)
    return decisions


def _decide_customer(items, customer, rules):
    """Decide about one customer's items: each by itself, then credits, quiet time and minimum together."""
    decisions = [decision for decision in (_judge(item, customer, rules) for item in items) if decision]
    _apply_incoming(decisions, rules)
    _apply_credits(decisions, customer, rules)
    if customer.last_contact and (rules.as_of - customer.last_contact).days < rules.quiet_days:
        for decision in decisions:
            if decision.result == SENT and decision.level.delay_days >= 0:
                decision.result, decision.reason = HELD, QUIET
    totals = defaultdict(float)
    for decision in decisions:
        if decision.result == SENT:
            totals[decision.item.currency_id] += decision.amount_company
    digits = rules.digits.get(rules.company_currency_id, 2)
    for decision in decisions:
        if decision.result == SENT and round(totals[decision.item.currency_id], digits) < rules.minimum:
            decision.result, decision.reason = HELD, BELOW_MINIMUM
    return decisions


def _judge(item, customer, rules):
    """Decide about an item by itself; None when there is nothing to consider."""
    levels = customer.levels if item.levels is None else item.levels
    level = next_level(levels, item.sent_levels, overdue=item.days > 0, pre_due=rules.pre_due)
    is_time = level is not None and item.days >= level.delay_days
    if item.chosen_level and item.days > 0:
        for allowed in allowed_levels(levels, item.sent_levels, pre_due=rules.pre_due):
            if allowed.id == item.chosen_level:
                level, is_time = allowed, True
    if item.days <= 0 and not is_time:
        return None
    digits = rules.digits.get(item.currency_id, 2)
    owed = item.residual if item.owed is None else min(item.residual, item.owed)
    disputed = min(item.disputed, max(owed, 0.0))
    decision = Decision(
        item, SENT, DUE, level, open=round(owed, digits), disputed=round(disputed, digits),
        amount=round(owed - disputed, digits))
    reason = _reason_to_skip(decision, customer, is_time)
    if reason:
        decision.result, decision.reason = SKIPPED, reason
    elif item.left_out:
        decision.result, decision.reason = HELD, LEFT_OUT
    _value(decision, rules)
    return decision


def _reason_to_skip(decision, customer, is_time):
    """Return why nothing is asked for an item now, or None; the reasons a person would name first come first."""
    item = decision.item
    for reason, applies in (
        (SETTLED, decision.open <= 0),
        (DISPUTED, decision.amount <= 0),
        (NO_CUSTOMER, not item.partner_id),
        (HANDED_OVER, item.handed_over),
        (WRITE_OFF, item.write_off),
        (PROMISED, item.promised),
        (PAUSED, item.paused),
        (NO_FOLLOWUP, item.no_followup),
        (NO_POLICY, item.levels is None and not customer.has_policy),
        (LAST_LEVEL, decision.level is None),
        (NOT_DUE, not is_time),
    ):
        if applies:
            return reason
    return None


def _value(decision, rules):
    """Set the asked amount in company currency: its share of the books' residual, never converted again."""
    item = decision.item
    share = decision.amount / item.residual if item.residual else 0.0
    decision.amount_company = round(item.residual_company * share, rules.digits.get(rules.company_currency_id, 2))


def _apply_incoming(decisions, rules):
    """Take off each item what waits to be applied to it; what is paid that way is held."""
    for decision in decisions:
        taken = min(decision.item.incoming, decision.amount)
        if taken > 0:
            digits = rules.digits.get(decision.item.currency_id, 2)
            decision.credit = taken
            decision.amount = round(decision.amount - taken, digits)
            _value(decision, rules)
            if decision.amount <= 0 and decision.result == SENT:
                decision.result, decision.reason = HELD, INCOMING


def _apply_credits(decisions, customer, rules):
    """Let unmatched credits settle the oldest debts; what they cover is held, what they reduce is asked for the rest.

    Debts that are skipped for another reason (at their last level, say) absorb credit like any other. Credit left in
    one currency still covers whole items in another, by their value in the books. Where credits are only named, they
    take nothing from what is asked, unless they cover all of it.
    """
    if not customer.credits:
        return
    in_full = [(one, one.amount, one.amount_company) for one in decisions if one.result == SENT]
    left = {currency: amount for currency, (amount, _company) in customer.credits.items()}
    targets = sorted(
        (decision for decision in decisions if decision.amount > 0),
        key=lambda decision: (decision.item.date_due, decision.item.id))
    for decision in targets:
        currency = decision.item.currency_id
        if taken := min(left.get(currency, 0.0), decision.amount):
            digits = rules.digits.get(currency, 2)
            left[currency] = round(left[currency] - taken, digits)
            decision.credit = round(decision.credit + taken, digits)
            decision.amount = round(decision.amount - taken, digits)
            _value(decision, rules)
    pool = sum(
        company * left[currency] / amount for currency, (amount, company) in customer.credits.items() if amount)
    for decision in targets:
        if decision.amount > 0:
            if not pool or pool < decision.amount_company:
                break
            pool -= decision.amount_company
            decision.amount = decision.amount_company = 0.0
    if not rules.net_credits and any(decision.amount > 0 for decision, _amount, _company in in_full):
        for decision, amount, amount_company in in_full:
            decision.amount, decision.amount_company = amount, amount_company
    for decision in targets:
        if decision.amount <= 0 and decision.result == SENT:
            decision.result, decision.reason = HELD, COVERED
