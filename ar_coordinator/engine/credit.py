"""Credit decisions: which rule stops or warns about a customer or a document, and with which figures. No Odoo here.

Facts in, decisions out. Amounts are in the company's currency and already converted; a document that is judged adds
`amount` to the exposure (0 if the exposure counts it already) and has a `size` of its own. Without a document the
customer as such is judged: that is what standing holds follow.

A customer is unlimited, limited, or without credit. "Without credit" is not a limit of zero by accident: a payment in
advance lets a document of the same amount pass, and nothing else does.
"""
from dataclasses import dataclass, field

UNLIMITED, LIMITED, NO_CREDIT = 'unlimited', 'limited', 'none'
WARN, HOLD = 'warn', 'hold'
POSTING, ORDER, DELIVERY = 'posting', 'order', 'delivery'
DOCUMENTS = frozenset({POSTING, ORDER, DELIVERY})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a company; which of amount, percent, days and count it reads depends on its kind (see CHECKS)."""

    id: int
    kind: str
    action: str = HOLD
    amount: float = 0.0  # company currency
    percent: float = 0.0
    days: int = 0
    count: int = 0
    documents: frozenset = DOCUMENTS
    classes: frozenset = frozenset()  # risk classes it is for; empty: all
    countries: frozenset = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a customer in a company, or of the group that shares its limit."""

    mode: str = UNLIMITED
    limit: float = 0.0
    exposure: float = 0.0
    overdue: float = 0.0  # without what is disputed as our fault, and what open credits cover
    oldest_days: int = 0  # of the oldest item in `overdue`
    broken_promises: tuple = ()  # days since each was broken
    returned_payments: tuple = ()  # days since each came back
    dunning_step: int = 0  # reminders sent for the open item that had most
    review_days: int | None = None  # days since the review was due; None: no review planned
    has_information: bool = False  # a credit report that is valid today
    risk_class: int | None = None
    country: int | None = None
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be posted, confirmed or delivered."""

    kind: str
    amount: float = 0.0  # added to the exposure
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule that applies, and why: `figures` for a sentence."""

    rule: Rule
    figures: dict = field(default_factory=dict)

    def get_key(self):
        """Return the figures as text: the same for the same words.

        >>> Decision(Rule(1, 'over_limit'), {'limit': 5.0, 'exposure': 7}).get_key()
        "{'limit': 5.0, 'exposure': 7}"
        """
        return repr(self.figures)


def decide(facts, rules, document=None):
    """Return the rules that apply, in their order, each with its figures.

    :param Facts facts: the customer
    :param rules: iterable of Rule, most important first
    :param Document document: None judges the customer as such
    :return: list of Decision

    >>> rules = [Rule(1, 'over_limit', percent=10), Rule(2, 'overdue_days', WARN, days=30)]
    >>> facts = Facts(LIMITED, limit=1000, exposure=900, overdue=200, oldest_days=31)
    >>> [(decision.rule.id, decision.rule.action) for decision in decide(facts, rules)]
    [(2, 'warn')]
    >>> decide(facts, rules, Document(ORDER, amount=200.01, size=200.01))[0].figures
    {'exposure': 900, 'amount': 200.01, 'total': 1100.01, 'limit': 1000, 'percent': 10}
    >>> len(decide(facts, rules, Document(ORDER, amount=200, size=200)))
    1
    """
    decisions = []
    for rule in rules:
        if _is_for(rule, facts, document):
            figures = CHECKS[rule.kind](rule, facts, document)
            if figures is not None:
                decisions.append(Decision(rule, figures))
    return decisions


def _is_for(rule, facts, document):
    """Tell whether a rule looks at this customer and document at all."""
    if document is not None and document.kind not in rule.documents:
        return False
    if rule.classes and facts.risk_class not in rule.classes:
        return False
    return not rule.countries or facts.country in rule.countries


def _total(facts, document):
    return round(facts.exposure + (document.amount if document else 0.0), facts.digits)


def _sum_of(facts, document):
    return {
        'exposure': facts.exposure, 'amount': document.amount if document else 0.0, 'total': _total(facts, document)}


def over_limit(rule, facts, document=None):
    """A limited customer's exposure with the document is more than the limit and the tolerance in per cent.

    >>> over_limit(Rule(1, 'over_limit'), Facts(LIMITED, limit=500, exposure=500)) is None
    True
    """
    if facts.mode != LIMITED:
        return None
    if _total(facts, document) <= round(facts.limit * (1 + rule.percent / 100), facts.digits):
        return None
    return {**_sum_of(facts, document), 'limit': facts.limit, 'percent': rule.percent}


def without_credit(_rule, facts, document=None):
    """A customer without credit would owe something.

    >>> facts = Facts(NO_CREDIT, exposure=-100)  # paid in advance
    >>> without_credit(None, facts, Document(ORDER, 100, 100)) is None
    True
    >>> without_credit(None, facts, Document(ORDER, 100.01, 100.01))['total']
    0.01
    """
    if facts.mode != NO_CREDIT or _total(facts, document) <= 0:
        return None
    return _sum_of(facts, document)


def share_used(rule, facts, document=None):
    """A limited customer has used `percent` of the limit or more.

    >>> share_used(Rule(1, 'share_used', WARN, percent=80), Facts(LIMITED, limit=200, exposure=160))['share']
    80.0
    """
    if facts.mode != LIMITED or facts.limit <= 0:
        return None
    share = _total(facts, document) / facts.limit * 100
    if round(share, 6) < rule.percent:
        return None
    return {**_sum_of(facts, document), 'limit': facts.limit, 'share': share}


def overdue_days(rule, facts, _document=None):
    """The oldest overdue item is more than `days` overdue."""
    if facts.oldest_days <= rule.days:
        return None
    return {'oldest_days': facts.oldest_days, 'days': rule.days, 'overdue': facts.overdue}


def overdue_amount(rule, facts, _document=None):
    """More than `amount` is overdue."""
    if round(facts.overdue - rule.amount, facts.digits) <= 0:
        return None
    return {'overdue': facts.overdue, 'amount': rule.amount}


def _recent(ages, rule):
    """Return how many events are `days` old or younger (days 0: any), if there are `count` of them.

    >>> _recent((3, 40, 100), Rule(1, '', days=50, count=2)), _recent((3, 60), Rule(1, '', days=50, count=2))
    (2, None)
    """
    number = sum(1 for age in ages if not rule.days or age <= rule.days)
    return number if number >= max(rule.count, 1) else None


def broken_promises(rule, facts, _document=None):
    """At least `count` promises were broken in the last `days`."""
    number = _recent(facts.broken_promises, rule)
    return None if number is None else {'number': number, 'days': rule.days}


def returned_payment(rule, facts, _document=None):
    """At least `count` payments came back in the last `days`."""
    number = _recent(facts.returned_payments, rule)
    return None if number is None else {'number': number, 'days': rule.days}


def dunning_step(rule, facts, _document=None):
    """An open item had `count` reminders or more."""
    if facts.dunning_step < max(rule.count, 1):
        return None
    return {'step': facts.dunning_step}


def review_expired(rule, facts, _document=None):
    """The review of the customer's credit is more than `days` late."""
    if facts.review_days is None or facts.review_days <= rule.days:
        return None
    return {'late': facts.review_days}


def no_information(_rule, facts, document=None):
    """There is no credit report that is valid, and the customer owes or would owe something."""
    if facts.has_information or _total(facts, document) <= 0:
        return None
    return _sum_of(facts, document)


def order_size(rule, _facts, document=None):
    """One document is bigger than `amount`.

    >>> order_size(Rule(1, 'order_size', amount=100), Facts(), Document(ORDER, 0, 100.01))
    {'size': 100.01, 'amount': 100}
    """
    if document is None or document.size <= rule.amount:
        return None
    return {'size': document.size, 'amount': rule.amount}


CHECKS = {
    'over_limit': over_limit,
    'without_credit': without_credit,
    'share_used': share_used,
    'overdue_days': overdue_days,
    'overdue_amount': overdue_amount,
    'broken_promises': broken_promises,
    'dunning_step': dunning_step,
    'review_expired': review_expired,
    'returned_payment': returned_payment,
    'no_information': no_information,
    'order_size': order_size,
}


def covers(released, tolerance_percent, amount, digits=2):
    """Tell whether a release up to `released` covers a document of `amount`, which may have grown by the tolerance.

    >>> covers(1000, 5, 1050), covers(1000, 5, 1050.01), covers(1000, 0, 1000)
    (True, False, True)
    """
    return amount <= round(released * (1 + tolerance_percent / 100), digits)
