"""Who has to be told next about a customer: steps of a path and facts in, the step that is due out.

A step is about a customer when all of its conditions that are set hold. Steps are climbed in order, one at a time, with
days between them, so that an old debt does not wake everybody on the same morning. Nobody is told twice about the same
state: a step that was told stays told until what it was about is over; a path may say that it is repeated after days.
"""
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Step:
    """Conditions of a step, 0: not looked at; `wait_days` after the step before, `repeat_days` 0: told once."""

    id: int
    days: int = 0  # the oldest item has been overdue for so many days
    amount: float = 0.0  # overdue, company currency
    broken: int = 0  # promises not kept whose items are open
    letters: int = 0  # reminders about open items without a word from the customer since,
    answer_days: int = 0  # each so many days ago at least
    level: int = 0  # the customer got a reminder of this level (1 is the first of the policy) about an open item
    dispute_days: int = 0  # a dispute is so many days past its deadline
    wait_days: int = 1
    repeat_days: int = 0


@dataclass(slots=True)
class Facts:
    """What is known of a customer today; what is disputed, promised, paused or handed over is not in it."""

    chased: float = 0.0
    days: int = 0
    broken: int = 0
    letters: tuple = ()  # ages in days of the reminders nobody answered
    level: int = 0
    dispute_days: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A step that was told and whose cause is not over; `is_stopped`: somebody took it back, so it is not repeated."""

    on: date
    is_stopped: bool = False


def holds(step, facts):
    """Return whether a step is about a customer.

    >>> holds(Step(1, days=30), Facts(chased=10.0, days=30)), holds(Step(1, days=30), Facts(chased=10.0, days=29))
    (True, False)
    >>> holds(Step(1, days=30, amount=500), Facts(chased=499.99, days=90))  # all of the conditions
    False
    >>> holds(Step(1, letters=2, answer_days=7), Facts(chased=1.0, letters=(20, 6)))  # time to answer the second one
    False
    >>> holds(Step(1), Facts(chased=1.0, days=500)), holds(Step(1, broken=1), Facts(broken=1))  # nothing is chased
    (False, False)
    >>> holds(Step(1, dispute_days=5), Facts(dispute_days=5))  # about what is disputed
    True
    """
    checks = (
        (step.days, facts.days >= step.days), (step.amount, facts.chased >= step.amount),
        (step.broken, facts.broken >= step.broken),
        (step.letters, len([age for age in facts.letters if age >= step.answer_days]) >= step.letters),
        (step.level, facts.level >= step.level),
        (step.dispute_days, facts.dispute_days >= step.dispute_days))
    wanted = [holding for condition, holding in checks if condition]
    if not wanted or not all(wanted):
        return False
    return facts.chased > 0 or step.dispute_days > 0


def next_step(steps, facts, told, today):
    """Return the step that is due today, or None.

    :param steps: list of Step, in the order in which they are climbed
    :param facts: Facts
    :param dict told: {step id: Told}, as long as what they were about lasts
    :param date today: of the company

    >>> steps, day = [Step(1, days=30), Step(2, days=60, wait_days=7)], date(2026, 6, 10)
    >>> old = Facts(chased=100.0, days=90)
    >>> next_step(steps, old, {}, day).id  # the first one first, however old the debt is
    1
    >>> print(next_step(steps, old, {1: Told(date(2026, 6, 4))}, day))  # six days ago
    None
    >>> next_step(steps, old, {1: Told(date(2026, 6, 3))}, day).id
    2
    >>> print(next_step(steps, old, {1: Told(date(2026, 5, 1)), 2: Told(date(2026, 6, 1))}, day))  # everybody knows
    None
    >>> again = [Step(1, days=30, repeat_days=14)]
    >>> next_step(again, old, {1: Told(date(2026, 5, 27))}, day).id  # it lasts
    1
    >>> print(next_step(again, old, {1: Told(date(2026, 5, 27), is_stopped=True)}, day))
    None
    """
    last = max((number for number, step in enumerate(steps) if step.id in told), default=-1)
    latest = max((told[step.id].on for step in steps if step.id in told), default=None)
    for step in steps[last + 1:]:
        if holds(step, facts):
            if latest is None or (today - latest).days >= max(step.wait_days, 1):
                return step
            break
    if last < 0:
        return None
    step = steps[last]
    own = told[step.id]
    is_due = step.repeat_days and not own.is_stopped and (today - own.on).days >= step.repeat_days
    return step if is_due and holds(step, facts) else None
