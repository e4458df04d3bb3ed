"""References in the text of a payment: invoice and order numbers, however people write them. Plain Python, no odoo.

A number is a row of groups, letters and digits apart, zeros in front dropped: INV/2026/00042 is ('INV', '2026', '42').
A text is read the same way, so that "inv 2026-42", "INV2026/0042" and "Inv. 2026 / 42" name the same invoice. What is
written in one piece ("INV202600042", "202600042") is found by its digits. A number of at least `TYPO_LENGTH` digits is
also found with one digit wrong, missing, too many, or two swapped; that is weak evidence by itself and says so.
"""
import re
from collections import defaultdict
from itertools import pairwise

EXACT, DIGITS, TAIL, TYPO = 'exact', 'digits', 'tail', 'typo'  # how well a text names a number, best first
STRENGTH = {EXACT: 1.0, DIGITS: 0.95, TAIL: 0.8, TYPO: 0.6}
GROUPS = re.compile(r'[A-Z]+|[0-9]+')
TYPO_LENGTH = 7
PIECE_LENGTH = 6  # digits that stand for a whole number without its letters
TAIL_LENGTH = 4  # digits of a running number that may stand alone
MAX_GROUPS = 5
MAX_TEXT = 2000  # characters that are read; a remittance advice is a file, not a text


def groups_of(text):
    """Return the groups of a text.

    >>> groups_of("Inv. 2026/00042, thanks")
    ['INV', '2026', '42', 'THANKS']
    """
    return [group.lstrip('0') or '0' if group[0].isdigit() else group for group in GROUPS.findall(text.upper())]


def digits_of(text):
    """Return the digits of a number in one piece.

    >>> digits_of("INV/2026/00042")
    '202600042'
    """
    return ''.join(re.findall(r'[0-9]', text))


def shortened(digits):
    """Return every text that is left when one digit is taken away: two texts that share one are a typo apart.

    >>> sorted(shortened('123'))
    ['12', '13', '23']
    """
    return {digits[:place] + digits[place + 1:] for place in range(len(digits))}


def is_typo(one, other):
    """True when the digits differ by one digit wrong, missing or too many, or by two neighbours swapped.

    >>> is_typo('202600042', '202600024'), is_typo('202600042', '20260042'), is_typo('202600042', '202600092')
    (True, True, True)
    >>> is_typo('202600042', '202600019'), is_typo('202600042', '202600042')
    (False, False)
    """
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) != len(other):
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return shorter in shortened(longer)
    places = [place for place in range(len(one)) if one[place] != other[place]]
    if len(places) == 1:
        return True
    return len(places) == 2 and places[1] == places[0] + 1 \
        and one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]


class References:
    """The numbers of open items, to be found in texts.

    >>> refs = References()
    >>> for key, number in ((1, "INV/2026/00042"), (2, "INV/2026/00043"), (3, "PO 7781-B")):
    ...     refs.add(key, number)
    >>> refs.find("pays inv 2026-42 and 202600043")
    {1: 'exact', 2: 'digits'}
    >>> refs.find("order PO7781B"), refs.find("Invoice 00043"), refs.find("202600024")
    ({3: 'exact'}, {}, {1: 'typo'})
    >>> refs.find("thank you, 2026")
    {}
    """

    def __init__(self, with_typos=True):
        self._with_typos = with_typos
        self._rows = defaultdict(set)  # groups -> (key, how well they name it)
        self._tails = defaultdict(set)  # the running number alone, where it is long enough -> keys
        self._pieces = defaultdict(set)  # digits in one piece -> keys
        self._typos = {}  # digits less one -> digits, as tuples: there are ten for a number, and sets take more memory

    def add(self, key, number):
        """Let `key` be found by `number`. Without a digit, or with less than three characters, it names nothing."""
        groups = groups_of(number or '')
        if not any(group[0].isdigit() for group in groups) or sum(map(len, groups)) < 3:
            return
        self._rows[tuple(groups)].add((key, EXACT))
        numeric = tuple(group for group in groups if group[0].isdigit())
        if len(numeric) > 1 and numeric != tuple(groups):  # the prefix is often left out; what is left may be a date
            self._rows[numeric].add((key, DIGITS if len(numeric[-1]) > 2 else TAIL))
        raw = GROUPS.findall(number.upper())
        if raw[-1].isdigit() and len(raw[-1]) >= TAIL_LENGTH and len(groups[-1]) >= TAIL_LENGTH:
            self._tails[groups[-1]].add(key)
        digits = digits_of(number)
        if self._with_typos and len(digits) >= TYPO_LENGTH and digits not in self._pieces:
            for near in {digits, *shortened(digits)}:
                self._typos[near] = (*self._typos.get(near, ()), digits)
        if len(digits) >= PIECE_LENGTH:
            self._pieces[digits].add(key)

    def find(self, text):
        """Return {key: how it is named} of the numbers in the text; a number named in several ways has the best one."""
        found = {}
        text = (text or '')[:MAX_TEXT].upper()
        used = self._find_rows(text, found)
        for piece in self._get_pieces(text):
            if piece in used:
                continue
            for key in self._pieces.get(piece, ()):
                found.setdefault(key, DIGITS)
            if piece not in self._pieces:
                self._find_tails_and_typos(piece, found)
        return found

    def _find_rows(self, text, found):
        """Note the numbers whose groups stand in the text, the longest first; return the digits they are made of."""
        raw = GROUPS.findall(text)
        groups = [group.lstrip('0') or '0' if group[0].isdigit() else group for group in raw]
        used, taken = set(), set()
        for size in range(min(MAX_GROUPS, len(groups)), 0, -1):
            for start in range(len(groups) - size + 1):
                places = range(start, start + size)
                row = tuple(groups[start:start + size])
                if row not in self._rows or taken.intersection(places):
                    continue
                if size == 1 and not self._stands_alone(row[0]):
                    continue
                for key, how in self._rows[row]:
                    found.setdefault(key, how)
                taken.update(places)
                used.update(raw[place] for place in places)
        return used

    @staticmethod
    def _stands_alone(group):
        return len(group) >= TAIL_LENGTH

    @staticmethod
    def _get_pieces(text):
        """Return the runs of digits in the text, and those that a blank or a line break has cut in two."""
        runs = re.findall(r'[0-9]+', text)
        return runs + [one + two for one, two in pairwise(runs) if len(one + two) <= 20]

    def _find_tails_and_typos(self, piece, found):
        for key in self._tails.get(piece.lstrip('0') or '0', ()):
            found.setdefault(key, TAIL)
        if len(piece) < TYPO_LENGTH - 1:
            return
        near = set(self._typos.get(piece, ()))
        for rest in shortened(piece):
            near.update(self._typos.get(rest, ()))
        for digits in near:
            if is_typo(piece, digits):
                for key in self._pieces[digits]:
                    found.setdefault(key, TYPO)
