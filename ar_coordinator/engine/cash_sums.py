"""Which open items add up to an amount: bounded searches that say when there is more than one answer. No odoo.

Amounts are whole numbers of the currency's smallest unit (cents), so that sums are exact.
"""
from bisect import bisect_right
from itertools import accumulate

HALVED = 22  # items that are searched in full, half by half
PAIRED = 150  # items of which pairs and triples are searched
MOST_PAIRS = 60_000


class Sums:
    """What a search found: at most two answers (one is a proposal, two are a doubt), and how many sums it looked at."""

    __slots__ = ('answers', 'looked_at')

    def __init__(self):
        self.answers = []
        self.looked_at = 0

    def add(self, keys):
        """Note an answer; True when a second one makes going on useless."""
        keys = tuple(sorted(keys))
        if keys not in self.answers:
            self.answers.append(keys)
        return len(self.answers) > 1


def find_sums(values, target, smallest=2):
    """Return the `Sums` of at least `smallest` of the values that add up to the target.

    :param dict values: {key: amount in the smallest unit}, credits negative
    :param int target: the same unit

    >>> find_sums({1: 100, 2: 250, 3: 70, 4: 45}, 320).answers
    [(2, 3)]
    >>> find_sums({1: 100, 2: 250, 3: 70, 4: -20}, 330).answers
    [(1, 2, 4)]
    >>> find_sums({1: 100, 2: 100, 3: 50}, 150).answers  # two readings
    [(1, 3), (2, 3)]
    >>> find_sums({1: 100, 2: 250}, 5).answers
    []
    """
    result = Sums()
    if len(values) < smallest:
        return result
    keys = sorted(values)
    if len(keys) <= HALVED:
        _search_halves(keys, values, target, smallest, result)
    elif len(keys) <= PAIRED:
        _search_pairs(keys, values, target, result)
    return result


def _search_halves(keys, values, target, smallest, result):
    """All subsets: those of one half by their sums, those of the other looked up."""
    middle = len(keys) // 2
    left, right = _subsets(keys[:middle], values), _subsets(keys[middle:], values)
    by_sum = {}
    for total, chosen in left:
        by_sum.setdefault(total, []).append(chosen)
    result.looked_at = len(left) * len(right)
    for total, chosen in right:
        for other in by_sum.get(target - total, ()):
            if len(other) + len(chosen) >= smallest and result.add(other + chosen):
                return


def _subsets(keys, values):
    """Return [(sum, keys)] of all subsets."""
    rows = [(0, ())]
    for key in keys:
        value = values[key]
        rows += [(total + value, (*chosen, key)) for total, chosen in rows]
    return rows


def _search_pairs(keys, values, target, result):
    """Pairs and triples of many items."""
    places = {}
    for place, key in enumerate(keys):
        places.setdefault(values[key], []).append(place)
    pairs = 0
    for one, first in enumerate(keys):
        for two in range(one + 1, len(keys)):
            pairs += 1
            if pairs > MOST_PAIRS:
                return
            rest = target - values[first] - values[keys[two]]
            if rest == 0 and result.add((first, keys[two])):
                return
            candidates = places.get(rest, ())
            for three in candidates[bisect_right(candidates, two):]:
                if result.add((first, keys[two], keys[three])):
                    return
    result.looked_at = pairs * len(keys) // 3


def find_prefix(ordered, target):
    """Return how many of the items in a row add up to the target: an account paid up to a day. None: no number does.

    >>> find_prefix([(1, 100), (2, 50), (3, 70)], 150), find_prefix([(1, 100), (2, 50)], 120)
    (2, None)
    """
    for count, total in enumerate(accumulate(value for _key, value in ordered), start=1):
        if total == target:
            return count
    return None
