"""Several receipts that want the same open item: who is surer gets it. Plain Python, no odoo.

Each receipt is read by itself; then the surest takes its items, and one that comes too late is read again without them.
Where two are about equally sure of the same item, both wait for a person, except for the same payment made twice: the
earlier one takes the item, the later has nothing to pay any more. Whatever else would fit its amount is in doubt,
unless the customer says himself what it is for.
"""
import heapq
from collections import defaultdict

from .cash import CLAIMED, MARGIN, Reading


def propose_all(rows):
    """Return {key: `Reading` or None} of many receipts, so that together they pay no item more than is open.

    A reading's `claims` says {item: key of the receipt that was surer}. A receipt that is left with nothing has a
    reading without items, confidence 0.

    :param rows: (key, `Book`, `Receipt`) each, oldest first; keys are ordered only by their place. The books have the
        same items, as far as they have them

    >>> from datetime import date
    >>> from .cash import Book, Item, Receipt
    >>> day = date(2026, 3, 1)
    >>> book = Book([Item(1, 7, ("INV/2026/00042",), 10_000, day)], names={7: ["Muller Ltd"]})
    >>> found = propose_all([
    ...     ('a', book, Receipt(1, 10_000, day, "thanks", "Muller")),
    ...     ('b', book, Receipt(2, 10_000, day, "INV/2026/00042", "Muller"))])
    >>> found['b'].paid, found['a'].paid, found['a'].claims
    ({1: 10000}, {}, {1: 'b'})
    """
    rows = list(rows)
    found = {key: book.propose(receipt) for key, book, receipt in rows}
    places = {key: place for place, (key, _book, _receipt) in enumerate(rows)}
    queue = [(-found[key].confidence, place) for key, place in places.items() if found[key]]
    heapq.heapify(queue)
    holders = {}  # item -> [(place, amount)]
    while queue:
        _confidence, place = heapq.heappop(queue)
        key, book, receipt = rows[place]
        reading = found[key]
        lost = _find_lost(reading, book, holders)
        rivals = {item: holder for item, holder in lost.items() if _is_rival(
            reading, found[rows[holder][0]], receipt, rows[holder][2])}
        if rivals:  # about as sure as they are: a person decides
            for holder in rivals.values():
                found[rows[holder][0]].doubt()
            reading.doubt()
            reading.claims.update((item, rows[holder][0]) for item, holder in rivals.items())
        elif lost:
            found[key] = _read_again(reading, book, receipt, {item: rows[holder][0] for item, holder in lost.items()})
            heapq.heappush(queue, (-found[key].confidence, place))
            continue
        for item in reading.paid:
            holders.setdefault(item, []).append((place, reading.settles(item)))
    _doubt_repeated(rows, found)
    return found


def _doubt_repeated(rows, found):
    """Of payments of one customer and amount the first stands; the others only where the customer states the items."""
    same = defaultdict(list)
    for place, (key, book, receipt) in enumerate(rows):
        reading = found[key]
        if reading and reading.paid:
            same[id(book), book.get_payment(reading, receipt)].append((not reading.is_stated, place))
    for group in same.values():
        days = []
        for _is_unstated, place in sorted(group) if len(group) > 1 else ():
            key, book, receipt = rows[place]
            book.doubt_repeated(found[key], receipt, days)
            days.append(receipt.date)


def _find_lost(reading, book, holders):
    """Return {item: place of the receipt that took it} of the items of which not enough is left."""
    lost = {}
    for item in reading.paid:
        taken = sum(held for _place, held in holders.get(item, ()))
        if taken and abs(taken + reading.settles(item)) > abs(book.get_item(item).residual):
            lost[item] = holders[item][0][0]
    return lost


def _is_rival(reading, other, receipt, its_receipt):
    """Return whether two readings of different payments are about equally sure of an item."""
    twice = reading.paid == other.paid and reading.customer == other.customer and receipt.amount == its_receipt.amount
    return not twice and abs(reading.confidence - other.confidence) <= MARGIN


def _read_again(reading, book, receipt, claims):
    """Return the best reading without the items that others are surer of; never surer than it was with them."""
    claims = {**reading.claims, **claims}
    again = book.propose(receipt, taken=frozenset(claims))
    if again is None:
        again = Reading(reading.customer, reading.who, CLAIMED, {}, rest=receipt.amount)
    again.confidence = min(again.confidence, reading.confidence)
    again.claims = claims
    return again
