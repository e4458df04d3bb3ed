"""Cash application: who paid, and for what. Facts in, proposals with confidence and reasons out. Plain Python, no odoo.

A *reading* is one way to understand a receipt: items of one family of customers (a parent and its subsidiaries) and how
much of each it pays. Every reading has a confidence between 0 and 1, the product of three things:

    how sure it is who paid (`WHO`)  x  how well the items explain the amount (`WHAT`)  x  how well they are named

The best reading is the proposal. Where another one is about as likely (`MARGIN`), the proposal is *ambiguous*: it is
shown, and never applied by itself, whatever its figures. Amounts are whole numbers of the currency's smallest unit.
"""
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from math import gcd

from .cash_rates import Rates, match_foreign
from .cash_references import DIGITS, EXACT, STRENGTH, References, groups_of
from .cash_sums import find_prefix, find_sums

MARGIN = 0.04
AMBIGUOUS = 0.5  # the most an ambiguous proposal gets
FAMILY_LIMIT = 150  # open items that are searched for sums
ADVICE_DAYS = 30  # between a remittance advice and the money it announces, where only customer and amount agree
REPEAT_DAYS = 10  # between two payments of one customer and amount, the later may be the first one made twice
ADVICE_UNPROVEN = 0.45  # at most, of a reading by an advice that anybody may have sent: a person decides, always
ADVICE_DIFFERS = 0.75  # how much an advice is worth that does not agree with the amount or with what is open

# who paid
CHOSEN, ADVISED, ACCOUNT, TOKEN, ALIAS, NAME, NAMED, SIMILAR, NOBODY = (
    'chosen', 'advised', 'account', 'token', 'alias', 'name', 'named', 'similar', 'nobody')
WHO = {
    CHOSEN: 1.0, ADVISED: 0.99, ACCOUNT: 0.99, TOKEN: 0.99, ALIAS: 0.98, NAME: 0.97, NAMED: 0.98, SIMILAR: 0.9,
    NOBODY: 0.6}

CLAIMED = 'claimed'  # nothing is left: another receipt is surer of what this one would pay
# what for: an advice (ADVISED, as above), or
REFERENCED, DISCOUNT, FEE, PART_NAMED, WITH_OTHERS, SHORT, OVER, ONE, ONE_DISCOUNT, ALL, UP_TO, SUM, SUM_DISCOUNT, \
    OLDEST, ONE_FEE, LESS, CONVERTED, CONVERTED_ONE, CONVERTED_OFF = (
        'referenced', 'discount', 'fee', 'part_named', 'with_others', 'short', 'over', 'one', 'one_discount', 'all',
        'up_to', 'sum', 'sum_discount', 'oldest', 'one_fee', 'less', 'converted', 'converted_one', 'converted_off')
WHAT = {
    ADVISED: 1.0, REFERENCED: 1.0, DISCOUNT: 0.99, FEE: 0.975, PART_NAMED: 0.85, WITH_OTHERS: 0.96, SHORT: 0.75,
    OVER: 0.75,
    ONE: 0.98, ONE_DISCOUNT: 0.95, ALL: 0.97, UP_TO: 0.94, SUM: 0.965, SUM_DISCOUNT: 0.95, OLDEST: 0.98, ONE_FEE: 0.8,
    LESS: 0.98, CONVERTED: 0.93, CONVERTED_ONE: 0.8, CONVERTED_OFF: 0.7}
AGREED = (REFERENCED, DISCOUNT, FEE, LESS)  # the items named in the text have the amount
# habits of payers: readings that follow one are likelier, others less likely beside them
BY_STATEMENT, SEVERAL = 'statement', 'several'
USUAL = {BY_STATEMENT: {ALL: 0.99, UP_TO: 0.985}, SEVERAL: {SUM: 0.985, SUM_DISCOUNT: 0.985}}
UNUSUAL = 0.93

LEGAL_FORMS = frozenset((
    'INC', 'LLC', 'LTD', 'LIMITED', 'CORP', 'CORPORATION', 'CO', 'COMPANY', 'PLC', 'GMBH', 'MBH', 'AG', 'KG', 'OHG',
    'UG', 'SE', 'SA', 'SARL', 'SAS', 'SASU', 'SL', 'SLU', 'SRL', 'SPA', 'BV', 'NV', 'AB', 'AS', 'OY', 'APS', 'THE',
    'AND', 'UND', 'ET', 'Y', 'DE', 'DER', 'DIE'))


@dataclass(frozen=True, slots=True)
class Item:
    """An open item; credits negative. `numbers`: what a payment may name it by. `discount`: what may be deducted until
    `discount_until`.
    """

    key: int
    customer: int
    numbers: tuple
    residual: int
    due: date
    discount: int = 0
    discount_until: date | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in.

    :ivar customer: chosen by a user, else None
    :ivar token: of the card or mandate it was taken from
    """

    key: int
    amount: int
    date: date
    text: str = ''
    payer: str = ''
    account: str = ''
    customer: int | None = None
    token: str = ''


@dataclass(frozen=True, slots=True)
class Advice:
    """What a customer announced that a payment is for.

    :ivar customer: whose it is, None: the items' own
    :ivar int amount: of the payment, in the smallest unit
    :ivar reference: what the payment is announced to be named by ('' if nothing)
    :ivar tuple lines: (item key, amount paid, deduction) each; the deduction is what the customer keeps back
    :ivar bool proven: it came by a way, or was looked at by somebody, that makes it the customer's own word
    """

    key: int
    customer: int | None
    amount: int
    date: date
    reference: str
    lines: tuple
    proven: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """What payers may do, and what some of them usually do.

    :ivar int fee: what banks keep at most, in the smallest unit
    :ivar int grace: days a discount may be late
    :ivar frozenset oldest_first: customers with whom that is agreed
    :ivar frozenset by_statement: customers who pay all they owe up to a day
    :ivar frozenset several: customers who pay several invoices with one transfer
    :ivar dict less: {customer: hundredths of a percent he always keeps back}
    :ivar float rates: how far from the rate of the day the payer's may be (0.02 is 2 %)
    """

    fee: int = 0
    grace: int = 0
    oldest_first: frozenset = frozenset()
    by_statement: frozenset = frozenset()
    several: frozenset = frozenset()
    less: dict = field(default_factory=dict)
    rates: float = 0.0


@dataclass(slots=True)
class Reading:
    """One way to understand a receipt: {item: amount}, {item: discount}, what is left (<0: too little).

    :ivar dict deductions: {item: amount} the customer's advice says he kept back; it stays open, and is in `rest`
    :ivar dict named: {item: how the text names it}
    :ivar habit: of the payer's that it follows, '' if none
    :ivar advice: key of the advice it follows
    :ivar dict claims: {item: key of the receipt} of what it would have paid if another receipt were not surer to
    :ivar dict foreign: {item: (settled of it, what all that is open of it is worth)} of items in other currencies, the
        first in the item's smallest unit, the second in the receipt's at the rate of its day
    :ivar repeats: day of another payment of the same customer and amount, which this may be once more
    """

    customer: int | None
    who: str
    what: str
    paid: dict
    discounts: dict = field(default_factory=dict)
    rest: int = 0
    confidence: float = 0.0
    named: dict = field(default_factory=dict)
    looked_at: int = 0
    ambiguous: bool = False
    deductions: dict = field(default_factory=dict)
    habit: str = ''
    advice: int | None = None
    claims: dict = field(default_factory=dict)
    foreign: dict = field(default_factory=dict)
    repeats: date | None = None

    def settles(self, key):
        """Return what it settles of an item, in the item's smallest unit."""
        if key in self.foreign:
            return self.foreign[key][0]
        return self.paid[key] + self.discounts.get(key, 0)

    @property
    def is_stated(self):
        """Whether the customer says himself what is paid: in the text, clearly, or in an advice."""
        return self.what == ADVISED or all(self.named.get(key) in (EXACT, DIGITS) for key in self.paid)

    def doubt(self):
        """Note that something else is about as likely: it is shown, and never applied by itself."""
        self.ambiguous = True
        self.confidence = min(self.confidence, AMBIGUOUS)


def normalise_name(name):
    """Return a payer's name without legal form, punctuation and order of words.

    >>> normalise_name("The Muller & Sons, Ltd.") == normalise_name("SONS MULLER LIMITED")
    True
    """
    words = re.findall(r'[^\W_]+', name.upper())
    return ' '.join(sorted(word for word in words if word not in LEGAL_FORMS)) or ' '.join(sorted(words))


def normalise_account(account):
    """Return an account number without blanks and signs.

    >>> normalise_account("DE89 3704 0044 0532 0130 00")
    'DE89370400440532013000'
    """
    return re.sub(r'[^A-Z0-9]', '', account.upper())


def _is_part(amount, residual):
    """Return whether an amount can be paid of what is open: of the same sign, and no more."""
    return 0 < amount <= residual or residual <= amount < 0


class Book:
    """The open items of one company and currency, and what is known of who pays how.

    :param items: `Item`s
    :param dict names: {customer: names}; `aliases` {normalised name: customer} of names users confirmed; `accounts`
        {normalised account: customer}; `tokens` {token of a card or mandate: customer}; `parents` {customer: head of
        the family}; `settled` numbers of documents that are not open any more: a text that names one of them is about
        something else than what is open
    :param rules: `Rules`
    :param advices: `Advice`s that no payment was applied by yet
    :param foreign: (`Item`, currency) each of what is open in other currencies
    :param rates: `cash_rates.Rates` of those currencies; `into` is the key of the book's own in it
    :param dict earlier: {(customer, amount): days} of payments that were applied lately

    >>> day = date(2026, 3, 1)
    >>> book = Book([Item(1, 7, ("INV/2026/00042",), 10_000, day), Item(2, 7, ("INV/2026/00043",), 5_500, day)],
    ...     names={7: ["Muller Ltd"]})
    >>> best = book.propose(Receipt(1, 15_500, day, "inv 2026/42 + 2026/43", "MULLER LIMITED"))
    >>> best.what, best.who, best.paid, best.ambiguous
    ('referenced', 'named', {1: 10000, 2: 5500}, False)
    >>> book.propose(Receipt(2, 5_500, day, "thank you", "Muller")).what
    'one'
    >>> book.propose(Receipt(3, 4_000, day, "INV/2026/00042", "Muller")).rest  # too little
    -6000
    >>> book.propose(Receipt(4, 4_000, day, "hello", "Somebody")) is None
    True
    >>> advice = Advice(5, 7, 14_000, day, "REM-2026-118", ((1, 8_500, 1_500), (2, 5_500, 0)))
    >>> book = Book(book.items.values(), advices=[advice])
    >>> best = book.propose(Receipt(6, 14_000, day, "rem 2026 118"))
    >>> best.what, best.paid, best.deductions, best.rest
    ('advised', {1: 8500, 2: 5500}, {1: 1500}, -1500)
    """

    def __init__(
            self, items, names=None, aliases=None, accounts=None, tokens=None, parents=None, rules=None, settled=(),
            advices=(), foreign=(), rates=None, into=None, earlier=None):
        self.rules = rules or Rules()
        self.rates, self.into = rates or Rates({}), into
        self.foreign = {item.key: item for item, _currency in foreign if item.residual > 0}
        self._currencies = {item.key: currency for item, currency in foreign}
        self.items = {item.key: item for item in items if item.residual}
        self.parents = parents or {}
        self._oldest_first = {self._family(customer) for customer in self.rules.oldest_first}
        self._habits = {
            BY_STATEMENT: {self._family(customer) for customer in self.rules.by_statement},
            SEVERAL: {self._family(customer) for customer in self.rules.several}}
        self._less = {self._family(customer): share for customer, share in self.rules.less.items()}
        self.aliases = aliases or {}
        self.accounts = accounts or {}
        self.tokens = tokens or {}
        self._taken = frozenset()
        self._settled = References(with_typos=False)
        for key, number in enumerate(settled):
            self._settled.add(key, number)
        self._by_family = defaultdict(list)
        self._by_amount = defaultdict(list)
        self._references = References()
        for item in sorted(self.items.values(), key=lambda item: (item.due, item.key)):
            self._by_family[self._family(item.customer)].append(item)
            self._by_amount[item.residual].append(item)
            for number in item.numbers:
                self._references.add(item.key, number)
        self._foreign_by_family = defaultdict(list)
        self._foreign_references = References(with_typos=False)
        for item in sorted(self.foreign.values(), key=lambda item: (item.due, item.key)):
            self._foreign_by_family[self._family(item.customer)].append(item)
            for number in item.numbers:
                self._foreign_references.add(item.key, number)
        self._earlier = defaultdict(list)
        for (customer, amount), days in (earlier or {}).items():
            self._earlier[self._family(customer), amount] += days
        self._advices = {advice.key: advice for advice in advices}
        self._advice_numbers = References(with_typos=False)
        self._advices_by_amount = defaultdict(list)
        for advice in self._advices.values():
            self._advice_numbers.add(advice.key, advice.reference)
            self._advices_by_amount[advice.amount].append(advice)
        self._names = defaultdict(set)
        self._words = defaultdict(set)
        for customer, texts in (names or {}).items():
            for text in texts:
                name = normalise_name(text)
                self._names[name].add(customer)
                for word in name.split():
                    if len(word) > 3:
                        self._words[word].add(customer)

    def _family(self, customer):
        return self.parents.get(customer, customer)

    def get_item(self, key):
        """Return an open item, of the book's currency or another."""
        return self.items.get(key) or self.foreign[key]

    def get_currency(self, key):
        """Return the currency of an item that is not in the book's."""
        return self._currencies[key]

    def get_payment(self, reading, receipt):
        """Return what two payments that may be the same made twice have in common."""
        return self._family(reading.customer), receipt.amount

    # === WHO === #

    def find_payers(self, receipt, named):
        """Return {family: (how sure, customer)} of who may have paid."""
        found = {}

        def note(customer, how):
            family = self._family(customer)
            if family not in found or WHO[how] > WHO[found[family][0]]:
                found[family] = (how, customer)

        if receipt.customer:
            note(receipt.customer, CHOSEN)
            return found
        account = self.accounts.get(normalise_account(receipt.account)) if receipt.account else None
        if account:
            note(account, ACCOUNT)
        if receipt.token in self.tokens:
            note(self.tokens[receipt.token], TOKEN)
        name = normalise_name(receipt.payer) if receipt.payer else ''
        if name in self.aliases:
            note(self.aliases[name], ALIAS)
        for customer in self._names.get(name, ()):
            note(customer, NAME)
        if name and not found:
            for customer in self._find_similar(name):
                note(customer, SIMILAR)
        for key, how in named.items():
            if how in (EXACT, DIGITS):
                note(self.get_item(key).customer, NAMED)
        for key in named:
            note(self.get_item(key).customer, NOBODY)
        return found

    def _find_similar(self, name):
        """Return the customers that share most words with the name, if few do."""
        words = [word for word in name.split() if len(word) > 3]
        hits = defaultdict(int)
        for word in words:
            for customer in self._words.get(word, ()):
                hits[customer] += 1
        most = max(hits.values(), default=0)
        best = [customer for customer, count in hits.items() if count == most]
        return best if most * 2 >= len(words) and len(best) == 1 else []

    # === WHAT === #

    def propose(self, receipt, taken=frozenset()):
        """Return the best `Reading` of a receipt, or None when nothing explains it.

        :param taken: keys of items that are not open for this receipt: a text that names one is about something settled
        """
        if receipt.amount <= 0:
            return None
        self._taken = taken
        found = self._references.find(receipt.text)
        abroad = self._find_foreign(receipt)
        if abroad:  # what is like a number that is named clearly is not meant
            found = {**abroad, **{key: how for key, how in found.items() if how in (EXACT, DIGITS)}}
        named = {key: how for key, how in found.items() if key not in taken and key in self.items}
        abroad = {key: how for key, how in abroad.items() if key not in taken}
        payers = self.find_payers(receipt, found)
        readings = self._read_advices(receipt, payers)
        if readings:  # what the customer says is worth more than what amounts suggest
            others = [reading for reading in self._read_all(receipt, payers, named) if reading.named]
            return self._finish(receipt, found, readings + others)
        readings = self._read_all(receipt, payers, named)
        if abroad or not readings:
            readings += self._read_foreign(receipt, payers, named, abroad)
        if not readings and not receipt.customer:
            readings = self._read_amount_alone(receipt)
        return self._finish(receipt, found, readings)

    def _find_foreign(self, receipt):
        """Return {item: how} of the items in other currencies that the text names clearly."""
        if not self.foreign:
            return {}
        found = self._foreign_references.find(receipt.text)
        return {key: how for key, how in found.items() if how in (EXACT, DIGITS)}

    def _read_foreign(self, receipt, payers, named, abroad):
        """Return the readings as a payment of items in other currencies, at the rate of its day: of those the text
        names, with the others it names; where it names none, of the one whose worth is about the amount.
        """
        readings = []
        for family, (who, customer) in payers.items():
            worth = {
                item.key: round(item.residual * rate) for item in self._foreign_by_family.get(family, ())
                if item.key not in self._taken
                and (rate := self.rates.worth(self._currencies[item.key], self.into, receipt.date))}
            chosen = [key for key in worth if key in abroad]
            own = {
                key: self.items[key].residual for key in named if self._family(self.items[key].customer) == family}
            if chosen:
                found = [self._convert(receipt, chosen, own, worth)]
            elif who != NOBODY and not abroad and not own:
                found = [
                    self._convert(receipt, [key], {}, worth) for key, value in worth.items()
                    if match_foreign(receipt.amount, [value], self.rules.rates) is not None]
            else:
                continue
            for reading in filter(None, found):
                reading.what = reading.what if chosen else CONVERTED_ONE
                reading.who, reading.customer = who, customer
                reading.named = {key: how for key, how in {**named, **abroad}.items() if key in reading.paid}
                reading.confidence = WHO[who] * WHAT[reading.what] * min(
                    (STRENGTH[how] for how in reading.named.values()), default=1.0)
                readings.append(reading)
        return readings

    def _convert(self, receipt, chosen, own, worth):
        """Return the reading in which items in other currencies are paid, and `own` in full before them; or None."""
        left = receipt.amount - sum(own.values())
        if left <= 0:
            return None
        rest = match_foreign(left, [worth[key] for key in chosen], self.rules.rates)
        reading = Reading(None, NOBODY, CONVERTED_OFF if rest is None else CONVERTED, dict(own))
        reading.rest = left - sum(worth[key] for key in chosen)
        for key in chosen:
            paid = min(worth[key], left)
            if paid:
                residual = self.foreign[key].residual
                settled = residual if rest is not None or paid == worth[key] else round(residual * paid / worth[key])
                reading.paid[key], reading.foreign[key] = paid, (settled, worth[key])
                left -= paid
        return reading

    def _read_all(self, receipt, payers, named):
        """Return the readings as a payment of any of those who may have paid."""
        readings = []
        for family, (who, customer) in payers.items():
            names = {key: how for key, how in named.items() if self._family(self.items[key].customer) == family}
            readings += self._read(receipt, family, who, customer, names)
        return readings

    def _finish(self, receipt, named, readings):
        """Return the best of the readings; where the text names something else, it is ambiguous."""
        best = self._choose(readings)
        if best and self._names_other(receipt, named, best):
            best.doubt()
        if best and best.paid:
            self.doubt_repeated(best, receipt, self._earlier.get(self.get_payment(best, receipt), ()))
        return best

    def doubt_repeated(self, reading, receipt, days):
        """Doubt a reading the customer does not state where he paid the same amount about that day: this may be the
        same payment made twice, which pays nothing.
        """
        near = [day for day in days if abs((receipt.date - day).days) <= REPEAT_DAYS]
        if near and not reading.is_stated:
            reading.repeats = min(near, key=lambda day: abs((receipt.date - day).days))
            reading.doubt()

    def _read_advices(self, receipt, payers):
        """Return the readings that follow an advice: one the text names, or one of the payer's of this amount."""
        named = [
            key for key, how in self._advice_numbers.find(receipt.text).items() if how in (EXACT, DIGITS)]
        readings = [self._follow(self._advices[key], receipt, ADVISED, None) for key in named]
        for advice in self._advices_by_amount.get(receipt.amount, ()):
            owner = advice.customer or next((
                self.items[key].customer for key, _paid, _kept in advice.lines if key in self.items), None)
            who, _customer = payers.get(self._family(owner), (None, None))
            if who and advice.key not in named and abs((receipt.date - advice.date).days) <= ADVICE_DAYS:
                readings.append(self._follow(advice, receipt, who, owner))
        return [reading for reading in readings if reading]

    def _follow(self, advice, receipt, who, customer):
        """Return the reading of a receipt by an advice, None when nothing of it is open as announced."""
        reading = Reading(customer or advice.customer, who, ADVISED, {}, advice=advice.key)
        agrees = advice.amount == receipt.amount
        for key, paid, kept in advice.lines:
            item = self.items.get(key)
            if item is None or key in self._taken or key in reading.paid or not _is_part(paid + kept, item.residual) \
                    or not _is_part(paid, item.residual):
                agrees = False
                continue
            reading.paid[key] = paid
            if kept and kept == item.residual - self._net(item, receipt) and paid + kept == item.residual:
                reading.discounts[key] = kept
            elif kept:
                reading.deductions[key] = kept
        left = receipt.amount - sum(reading.paid.values())
        if not reading.paid or left < 0:
            return None
        if left and not reading.deductions:
            reading.rest = left
        elif left:  # announced with deductions, and other money than announced: nobody can say what is left
            return None
        else:
            reading.rest = -sum(reading.deductions.values())
        reading.customer = reading.customer or self.items[next(iter(reading.paid))].customer
        reading.confidence = WHO[who] * WHAT[ADVISED] * (1.0 if agrees and not left else ADVICE_DIFFERS)
        if not advice.proven:
            reading.confidence = min(reading.confidence, ADVICE_UNPROVEN)
        return reading

    def _names_other(self, receipt, named, reading):
        """Return whether the text clearly names a document that the reading does not pay: settled, or another's."""
        clear = {key for key, how in named.items() if how in (EXACT, DIGITS)}
        if clear - set(reading.paid) and clear & set(reading.paid):
            clear -= self._same_numbers(reading, clear)
        if reading.what == ADVISED and not clear - set(reading.paid):
            return False  # what is settled may have part of the advice's number
        if clear - set(reading.paid) and reading.what != PART_NAMED:
            return True
        if clear & set(reading.paid):
            return False  # what is settled beside it was paid before: the amount agrees without it
        return any(how in (EXACT, DIGITS) for how in self._settled.find(receipt.text).values())

    def _same_numbers(self, reading, keys):
        """Return the items that only share a number with one that is paid: two customers' orders of one number."""
        paid = {
            tuple(groups_of(number)) for key in reading.paid if key in keys for number in self.get_item(key).numbers}
        return {
            key for key in keys - set(reading.paid)
            if any(tuple(groups_of(number)) in paid for number in self.get_item(key).numbers)}

    def _choose(self, readings):
        """Return the most likely reading; one that is not clearly ahead of another is ambiguous."""
        if not readings:
            return None
        readings.sort(key=lambda reading: -reading.confidence)
        best = readings[0]
        for other in readings[1:]:
            if best.confidence - other.confidence > MARGIN:
                break
            if other.paid != best.paid:
                best.doubt()
                break
        return best

    def _read(self, receipt, family, who, customer, named):
        """Return the readings of a receipt as one family's."""
        items = [item for item in self._by_family[family] if item.key not in self._taken]
        readings = []
        if named:
            readings = self._read_named(receipt, items, family, named)
        if not any(reading.what in AGREED for reading in readings):
            before = [reading.paid for reading in readings]
            own = [item for item in items if item.customer == customer]
            readings += self._read_open(receipt, own, family, named, who != NOBODY) or (
                self._read_open(receipt, items, family, named, who != NOBODY) if len(own) < len(items) else [])
            readings = [  # what the text says of the same items goes further than the amount alone
                reading for place, reading in enumerate(readings)
                if place < len(before) or reading.paid not in before]
        for reading in readings:
            reading.who, reading.customer = who, customer
            reading.habit = next((
                habit for habit, readings_of in USUAL.items()
                if reading.what in readings_of and family in self._habits[habit]), reading.habit)
        has_usual = any(reading.habit for reading in readings)
        for reading in readings:
            strength = min((STRENGTH[how] for how in reading.named.values()), default=1.0)
            if reading.what in AGREED and strength < 1:  # the amount confirms what was misspelt
                strength = 1 - (1 - strength) * 0.1
            weight = USUAL.get(reading.habit, WHAT).get(reading.what, WHAT[reading.what])
            if has_usual and not reading.habit and not reading.named:
                weight *= UNUSUAL
            reading.confidence = WHO[who] * weight * strength * self._chance(reading, items, receipt)
        return readings

    def _net(self, item, receipt):
        """Return what pays an item with its early-payment discount."""
        late = (receipt.date - item.discount_until).days if item.discount_until else None
        return item.residual - item.discount if item.discount and late <= self.rules.grace else item.residual

    def _take(self, what, items, receipt, named=None, net=False, rest=0):
        paid = {item.key: self._net(item, receipt) if net else item.residual for item in items}
        discounts = {item.key: item.residual - paid[item.key] for item in items if paid[item.key] != item.residual}
        return Reading(None, NOBODY, what, paid, discounts, rest, named=named or {})

    def _read_less(self, items, receipt, family, named=None):
        """Return the reading in which the payer kept back his usual share of each item, cents rounded as he likes."""
        share = self._less.get(family)
        if not share:
            return []
        paid = {
            item.key: item.residual - (round(item.residual * share / 10_000) if item.residual > 0 else 0)
            for item in items}
        off = receipt.amount - sum(paid.values())
        last = max(items, key=lambda item: item.residual)
        if abs(off) > len(items) or not 0 < paid[last.key] + off < last.residual:
            return []
        paid[last.key] += off
        deductions = {item.key: item.residual - paid[item.key] for item in items if paid[item.key] != item.residual}
        return [Reading(
            None, NOBODY, LESS, paid, rest=-sum(deductions.values()), named=named or {}, deductions=deductions,
            habit=LESS)]

    def _read_named(self, receipt, items, family, named):
        """Return the readings in which the items named in the text are paid."""
        chosen = [item for item in items if item.key in named]
        amount, gross = receipt.amount, sum(item.residual for item in chosen)
        net = sum(self._net(item, receipt) for item in chosen)
        if gross == amount:
            return [self._take(REFERENCED, chosen, receipt, named)]
        if len({item.numbers for item in chosen}) == 1:  # instalments of one invoice: those that are due first
            count = find_prefix([(item.key, item.residual) for item in chosen], amount)
            if count:
                paid = chosen[:count]
                return [self._take(REFERENCED, paid, receipt, {item.key: named[item.key] for item in paid})]
        if net == amount:
            return [self._take(DISCOUNT, chosen, receipt, named, net=True)]
        if less := self._read_less(chosen, receipt, family, named):
            return less
        if 0 < gross - amount <= self.rules.fee:
            return [self._take(FEE, chosen, receipt, named, rest=amount - gross)]
        others = [item for item in items if item.key not in named]
        readings = []
        if len(chosen) > 1:
            readings += self._read_sums(PART_NAMED, chosen, receipt, amount, named, smallest=1)
        if 0 < len(others) <= FAMILY_LIMIT:
            for reading in self._read_sums(WITH_OTHERS, others, receipt, amount - gross, named, smallest=1):
                reading.paid.update((item.key, item.residual) for item in chosen)
                readings.append(reading)
        if gross > amount:
            readings.append(self._take_oldest(SHORT, chosen, receipt, named))
        elif gross > 0:
            readings.append(self._take(OVER, chosen, receipt, named, rest=amount - gross))
        return readings

    def _take_oldest(self, what, items, receipt, named=None):
        """Return the reading in which the oldest of the items are paid as far as the money goes."""
        left, paid = receipt.amount, {}
        for item in items:
            amount = min(item.residual, left) if item.residual > 0 else 0
            if amount:
                paid[item.key] = amount
                left -= amount
        short = receipt.amount - sum(item.residual for item in items if item.key in paid)
        return Reading(None, NOBODY, what, paid, rest=left or min(short, 0), named=named or {})

    def _read_sums(self, what, items, receipt, target, named=None, smallest=2):
        """Return the readings in which some of the items add up to the target: one, two (in doubt), or none."""
        found = find_sums({item.key: item.residual for item in items}, target, smallest)
        readings = []
        for keys in found.answers:
            reading = self._take(what, [self.items[key] for key in keys], receipt)
            reading.named = {key: how for key, how in (named or {}).items() if what == WITH_OTHERS or key in keys}
            reading.looked_at = found.looked_at
            readings.append(reading)
        return readings

    def _read_open(self, receipt, items, family, named, is_known):
        """Return the readings by the amount alone, among what the family owes; sums only of payers who are known."""
        amount = receipt.amount
        readings = [self._take(ONE, [item], receipt) for item in items if item.residual == amount]
        if not readings:
            readings = [
                self._take(ONE_DISCOUNT, [item], receipt, net=True) for item in items
                if item.discount and self._net(item, receipt) == amount]
        if is_known and len(items) > 1 and (not readings or family in self._habits[BY_STATEMENT]):
            many = self._read_many(receipt, items)
            readings += [reading for reading in many if not readings or reading.what in USUAL[BY_STATEMENT]]
        if not readings:
            for chosen in [*([item] for item in items), items]:
                readings += self._read_less(chosen, receipt, family) if chosen else []
        if not readings:
            readings = [
                self._take(ONE_FEE, [item], receipt, rest=amount - item.residual) for item in items
                if 0 < item.residual - amount <= self.rules.fee]
        if family in self._oldest_first and not named and items:
            oldest = self._take_oldest(OLDEST, items, receipt)
            oldest.habit = OLDEST
            readings.append(oldest)
        return readings

    def _read_many(self, receipt, items):
        """Return the readings in which several items are paid: all of them, all up to a day, or some that add up."""
        amount = receipt.amount
        count = find_prefix([(item.key, item.residual) for item in items], amount)
        if count:
            return [self._take(ALL if count == len(items) else UP_TO, items[:count], receipt)]
        if len(items) > FAMILY_LIMIT:
            return []
        readings = self._read_sums(SUM, items, receipt, amount)
        if not readings and any(item.discount for item in items):
            net = {item.key: self._net(item, receipt) for item in items}
            found = find_sums(net, amount)
            for keys in found.answers:
                reading = self._take(SUM_DISCOUNT, [self.items[key] for key in keys], receipt, net=True)
                reading.looked_at = found.looked_at
                readings.append(reading)
        return readings

    def _read_amount_alone(self, receipt):
        """Return the readings of a receipt from nobody known: the one item of this amount among all customers'."""
        readings = [
            self._take(ONE, [item], receipt) for item in self._by_amount.get(receipt.amount, ())
            if item.key not in self._taken]
        for reading in readings:
            reading.customer = self.items[next(iter(reading.paid))].customer
            reading.confidence = WHO[NOBODY] * WHAT[ONE]
        return readings

    def _chance(self, reading, items, receipt):
        """Return how likely it is that sums found among many are no accident: 1 / (1 + how many accidents to expect).

        Amounts that are all multiples of something (whole hundreds) meet by accident more often.
        """
        if not reading.looked_at:
            return 1.0
        unit = receipt.amount
        for item in items:
            unit = gcd(unit, abs(item.residual))
        spread = max(sum(abs(item.residual) for item in items) // unit, 1)
        return 1 / (1 + reading.looked_at / spread)
