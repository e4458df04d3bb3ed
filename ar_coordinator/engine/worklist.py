"""Who needs something now, why, and in which order: facts about customers in, points with reasons out.

A customer is on the worklist when at least one *reason* applies (something overdue that nobody waits for, a broken
promise, a reply that waits, ...). Every reason gives points; what makes a customer more urgent without being a
reason itself (days overdue, risk class) adds to them. The score is the sum, and the parts are what is shown: there is
no other weight.

Amounts grow by orders of magnitude, so that one large debtor does not hide everybody else and still comes first:

    points = weight * log10(1 + 9 * amount / full_at)      the full weight at `full_at`, twice that at ten times as much

What is left alone is no reason: facts carry what is overdue and neither disputed, promised, paused nor handed over,
credits deducted.
"""
from dataclasses import dataclass
from datetime import date
from math import log10

# reasons, in the order in which the next best action is chosen
(
    ANSWER, FAILED, RETURNED, ESCALATION, FOLLOW_UP, BROKEN, DISPUTE_LATE, HELD, UNAPPLIED, PROMISE_DUE, OVERDUE,
    BIG_DUE) = REASONS = (
        'answer', 'failed', 'returned', 'escalation', 'follow_up', 'broken', 'dispute_late', 'held', 'unapplied',
        'promise_due', 'overdue', 'big_due')
# what adds points to a customer who is there for a reason
DAYS, RISK = ADDED = ('days', 'risk')
# a customer whom somebody contacted lately is not there for what is overdue only
REST = 'rest'
KINDS = (*REASONS, *ADDED, REST)

# next best actions
LOOK, CALL, WRITE, LETTER, PROMISE, DISPUTE, RELEASE, FIX, ESCALATE, APPLY = ACTIONS = (
    'look', 'call', 'write', 'letter', 'promise', 'dispute', 'release', 'fix', 'escalate', 'apply')
BY_REASON = {
    ANSWER: LOOK, FAILED: FIX, RETURNED: CALL, ESCALATION: ESCALATE, FOLLOW_UP: CALL, BROKEN: CALL,
    DISPUTE_LATE: DISPUTE, HELD: RELEASE, UNAPPLIED: APPLY, PROMISE_DUE: CALL, BIG_DUE: CALL}
# asked for as a person would: only when somebody would answer the phone, else by e-mail
NEEDS_PHONE = frozenset({RETURNED, FOLLOW_UP, BROKEN, PROMISE_DUE, BIG_DUE})


@dataclass(frozen=True, slots=True)
class Rule:
    """A weight. `minimum` and `full_at` in company currency; `days` by kind; classes: only for these risk classes."""

    kind: str
    weight: float = 0.0
    minimum: float = 0.0
    full_at: float = 0.0
    days: int = 0
    classes: frozenset = frozenset()


@dataclass(slots=True)
class Facts:
    """What is known of a customer in a company today; amounts in company currency, 0 or None where there is nothing."""

    partner_id: int
    company_id: int
    chased: float = 0.0  # overdue, left alone by nobody, credits deducted
    days: int = 0  # of the oldest item of it
    class_id: int | None = None
    broken: float = 0.0  # what is still open, and left alone by nobody, of promises that were not kept
    broken_on: date | None = None
    promise_due: float = 0.0  # promised for today or before, and still waited for
    promise_on: date | None = None
    coming: float = 0.0  # the largest item about to fall due
    coming_on: date | None = None
    disputes_late: int = 0
    answers: int = 0
    failed: int = 0
    returned_on: date | None = None  # the latest payment that came back
    escalation: int = 0  # a step is due, or somebody gave the customer back
    waiting: int = 0  # documents that a hold stops
    waiting_amount: float = 0.0
    unapplied: int = 0  # payments that pay nothing, and have to be followed up
    unapplied_amount: float = 0.0
    follow_up_on: date | None = None
    contacted_on: date | None = None


def by_amount(weight, amount, full_at):
    """Return points that grow with the order of magnitude of an amount.

    >>> by_amount(40, 10_000, 10_000), by_amount(40, 0, 10_000)
    (40.0, 0.0)
    >>> round(by_amount(40, 100_000, 10_000), 1), round(by_amount(40, 1_000, 10_000), 1)
    (78.4, 11.2)
    >>> by_amount(40, 5, 0)  # no scale: any amount counts in full
    40.0
    """
    if amount <= 0:
        return 0.0
    return float(weight) if full_at <= 0 else weight * log10(1.0 + 9.0 * amount / full_at)


def is_resting(facts, rest_days, today):
    """Return whether a customer was contacted so lately that what is overdue waits for an answer.

    >>> is_resting(Facts(1, 1, contacted_on=date(2026, 3, 28)), 7, date(2026, 3, 31))
    True
    >>> is_resting(Facts(1, 1, contacted_on=date(2026, 3, 24)), 7, date(2026, 3, 31))
    False
    """
    return facts.contacted_on is not None and (today - facts.contacted_on).days < rest_days


def score(facts, rules, today):
    """Return the parts of a customer's score: [(kind, points)], reasons first; nothing when nobody is needed.

    :param facts: Facts
    :param dict rules: kind -> list of Rule; what is not in it, or has no weight, counts for nothing
    :param date today: of the company

    >>> rules = {OVERDUE: [Rule(OVERDUE, 40, minimum=50, full_at=10_000)], DAYS: [Rule(DAYS, 20, days=90)],
    ...          BROKEN: [Rule(BROKEN, 30)], REST: [Rule(REST, days=7)]}
    >>> today = date(2026, 3, 31)
    >>> score(Facts(1, 1, chased=10_000, days=45), rules, today)
    [('overdue', 40.0), ('days', 10.0)]
    >>> score(Facts(1, 1, chased=49.99, days=45), rules, today)  # below the minimum
    []
    >>> resting = Facts(1, 1, chased=10_000, days=45, contacted_on=date(2026, 3, 30))
    >>> score(resting, rules, today)
    []
    >>> resting.broken, resting.broken_on = 500, date(2026, 3, 31)  # broken after we spoke
    >>> score(resting, rules, today)
    [('broken', 30.0), ('days', 10.0)]
    >>> resting.follow_up_on = date(2026, 4, 2)  # somebody said when he is contacted again
    >>> score(resting, rules, today)
    []
    """
    rest = rules.get(REST)
    agreed = facts.follow_up_on is not None and facts.follow_up_on > today
    resting = agreed or (rest and is_resting(facts, rest[0].days, today))
    # what most customers on a long list have nothing of, asked in one go
    has_more = facts.answers or facts.failed or facts.escalation or facts.follow_up_on or facts.disputes_late \
        or facts.waiting or facts.unapplied or facts.returned_on or facts.broken > 0 or facts.promise_due > 0
    parts = _get_events(facts, rules, today, agreed, resting) if has_more else []
    if facts.chased > 0 and not resting and OVERDUE in rules:
        rule = rules[OVERDUE][0]
        if facts.chased >= rule.minimum and (points := by_amount(rule.weight, facts.chased, rule.full_at)):
            parts.append((OVERDUE, points))
    if facts.coming > 0 and not resting and BIG_DUE in rules:
        rule = rules[BIG_DUE][0]
        if facts.coming >= rule.minimum and rule.weight:
            parts.append((BIG_DUE, float(rule.weight)))
    if parts:
        _add(parts, facts, rules)
    return parts


def _get_events(facts, rules, today, agreed, resting):
    """Return the parts of a score that something which happened gives; see `score`."""
    return [
        (kind, float(rules[kind][0].weight)) for kind, applies in (
            (ANSWER, facts.answers), (FAILED, facts.failed), (ESCALATION, facts.escalation),
            (RETURNED, facts.returned_on is not None and not agreed and (
                facts.contacted_on is None or facts.contacted_on < facts.returned_on)),
            (FOLLOW_UP, facts.follow_up_on is not None and facts.follow_up_on <= today),
            (DISPUTE_LATE, facts.disputes_late), (HELD, facts.waiting), (UNAPPLIED, facts.unapplied),
            (BROKEN, facts.broken > 0 and not agreed and (
                facts.contacted_on is None or facts.broken_on is None or facts.contacted_on < facts.broken_on
                or not resting)),
            (PROMISE_DUE, facts.promise_due > 0 and facts.contacted_on != today),
        ) if applies and kind in rules and rules[kind][0].weight]


def _add(parts, facts, rules):
    """Add what makes a customer who is there more urgent."""
    if facts.days > 0 and DAYS in rules:
        rule = rules[DAYS][0]
        if rule.weight:
            parts.append((DAYS, rule.weight * min(facts.days / max(rule.days, 1), 1.0)))
    if facts.class_id:
        for rule in rules.get(RISK, ()):
            if rule.weight and facts.class_id in rule.classes:
                parts.append((RISK, float(rule.weight)))


def total(parts):
    """Return the score of parts, to one decimal place: what the parts shown add up to.

    >>> total([('overdue', 39.96), ('days', 10.04)])
    50.0
    """
    score = 0.0
    for _kind, points in parts:  # a loop: a generator costs more than the sum, 50,000 times
        score += round(points, 1)
    return round(score, 1)


def next_action(parts, letter_due=False, has_phone=False, has_email=False):
    """Return the next best action for a customer's reasons; the first reason in the order of REASONS decides.

    What is only overdue gets the reminder that is due; else a call; without a number, an e-mail.

    >>> next_action([('overdue', 40.0), ('days', 10.0)], letter_due=True, has_phone=True)
    'letter'
    >>> next_action([('overdue', 40.0)], has_email=True), next_action([('overdue', 40.0)], has_phone=True)
    ('write', 'call')
    >>> next_action([('overdue', 40.0), ('answer', 35.0)], letter_due=True)
    'look'
    """
    kinds = {kind for kind, _points in parts}
    first = next((kind for kind in REASONS if kind in kinds), OVERDUE)
    if first == OVERDUE:
        if letter_due:
            return LETTER
    elif first not in NEEDS_PHONE:
        return BY_REASON[first]
    return CALL if has_phone or not has_email else WRITE
