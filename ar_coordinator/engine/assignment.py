"""Who looks after which customer: rules in order, and the work spread evenly. Plain Python, no odoo.

The first rule (by sequence) whose conditions all hold says who: one collector, or one of several, the one with the
least work so far. The biggest customers are given out first, which spreads amounts well (Graham 1969, longest
processing time first).
"""
from dataclasses import dataclass, field

NUMBER, OVERDUE = 'number', 'overdue'


@dataclass(frozen=True, slots=True)
class Customer:
    """What rules look at. Amounts in the company's currency."""

    id: int
    name: str = ''
    country: int | None = None
    industry: int | None = None
    tags: frozenset = frozenset()
    salesperson: int | None = None
    open: float = 0.0  # receivable, credits deducted
    overdue: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that are empty hold for everybody. `collectors`: ids, those on duty or not."""

    id: int
    collectors: tuple
    balance: str = NUMBER  # by number of customers, or by overdue amount
    countries: frozenset = frozenset()
    industries: frozenset = frozenset()
    tags: frozenset = frozenset()  # one of them
    salespersons: frozenset = frozenset()
    amount_from: float = 0.0
    amount_to: float = 0.0  # 0: no limit
    name_from: str = ''
    name_to: str = ''


@dataclass(slots=True)
class Load:
    """The work of a collector."""

    number: int = 0
    overdue: float = 0.0
    added: list = field(default_factory=list)  # ids of customers given to him now

    def of(self, balance):
        """Return what is compared; the other measure decides between equals."""
        return (self.number, self.overdue) if balance == NUMBER else (self.overdue, self.number)


def holds(rule, customer):
    """Return whether all conditions of a rule hold for a customer.

    >>> dutch = Rule(1, (7,), countries=frozenset({31}), amount_from=100.0)
    >>> [holds(dutch, Customer(1, country=country, open=owed)) for country, owed in ((31, 100), (31, 99), (32, 500))]
    [True, False, False]
    >>> names = Rule(1, (7,), name_from="D", name_to="Kl")
    >>> [holds(names, Customer(1, name)) for name in ("Cox", "De Boer", "Klein", "kLUG", "Koch", "de Vries")]
    [False, True, True, True, False, True]
    """
    name = customer.name.strip().casefold()
    first, last = rule.name_from.strip().casefold(), rule.name_to.strip().casefold()
    return (
        (not rule.countries or customer.country in rule.countries)
        and (not rule.industries or customer.industry in rule.industries)
        and (not rule.tags or bool(rule.tags & customer.tags))
        and (not rule.salespersons or customer.salesperson in rule.salespersons)
        and customer.open >= rule.amount_from
        and (not rule.amount_to or customer.open < rule.amount_to)
        and name[:len(first)] >= first
        and (not last or name[:len(last)] <= last))


def assign(customers, rules, loads):
    """Say who gets which customer.

    :param customers: list of Customer, those to be given out
    :param rules: list of Rule, in order
    :param loads: {collector: Load} of what they have already; it grows
    :return: {customer id: (collector, rule id)}; customers no rule is about are left out

    >>> people = [Customer(1, open=900.0, overdue=900.0), Customer(2, overdue=500.0), Customer(3, overdue=300.0)]
    >>> assign(people, [Rule(5, (7, 8), OVERDUE)], {})
    {1: (7, 5), 2: (8, 5), 3: (8, 5)}
    >>> assign(people, [Rule(4, (9,), amount_from=100.0), Rule(5, (7, 8))], {7: Load(1)})
    {1: (9, 4), 2: (8, 5), 3: (7, 5)}
    """
    given = {}
    for customer in sorted(customers, key=lambda one: (-one.overdue, -one.open, one.id)):
        rule = next((rule for rule in rules if rule.collectors and holds(rule, customer)), None)
        if not rule:
            continue
        collector = min(rule.collectors, key=lambda one: (loads.setdefault(one, Load()).of(rule.balance)))
        load = loads[collector]
        load.number += 1
        load.overdue += max(customer.overdue, 0.0)
        load.added.append(customer.id)
        given[customer.id] = collector, rule.id
    return given


def on_duty(user, absences, most=5):
    """Return who stands in for a user: his substitute, or the substitute's if he is away as well; the user himself when
    nobody is there.

    :param dict absences: {user: substitute} of today

    >>> on_duty(1, {}), on_duty(1, {1: 2}), on_duty(1, {1: 2, 2: 3}), on_duty(1, {1: 2, 2: 1})
    (1, 2, 3, 1)
    """
    stand_in = user
    for _turn in range(most):
        if stand_in not in absences:
            return stand_in
        stand_in = absences[stand_in]
    return user
