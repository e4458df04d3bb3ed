"""A test bed for cash application: receipts made from open items with stated perturbations, and what is right for each.

Pure Python: `make_bed(seed)` returns items, what is known of customers, and receipts with their truth; `judge`
compares proposals with it. No item is paid by two receipts (but for payments made twice), and who pays all he owes
pays once.
Run as a program it prints the figures of seeds: python3 -m benchmarks.cash_bed [SEED ...]. The engine's weights were
set on seeds 1 to 3; the figures that count are those of others.
"""
import random
import sys
import time
import types
from datetime import date, timedelta
from pathlib import Path

# share of receipts with each perturbation; several may meet in one receipt
SHARES = {
    'several': 0.30,  # pays 2 to 8 invoices at once
    'statement': 0.05,  # pays all that is open
    'no_reference': 0.15,
    'typo': 0.08,  # one digit of one reference
    'messy': 0.30,  # prefix left out, other signs, zeros dropped
    'short': 0.03,  # pays less, for a reason
    'discount': 0.06,  # early-payment discount taken
    'fee': 0.02,  # the bank kept up to 15.00
    'credit': 0.03,  # a credit note deducted
    'wrong_name': 0.10,  # the payer's name is unknown
    'no_account': 0.40,  # no bank account of the customer on file
    'round': 0.15,  # of the items: whole hundreds
    'noise': 0.20,  # dates and other numbers in the text
    'twice': 0.005,  # the payment before, made again by mistake: pays nothing
}
FEE = 1500
TODAY = date(2026, 6, 30)
SYLLABLES = (
    "bar", "bel", "cor", "dan", "del", "fer", "gal", "har", "jon", "kel", "lan", "mar", "nor", "pel", "quin", "ros",
    "sal", "tor", "val", "wes")
FORMS = ("Ltd", "GmbH", "Inc.", "BV", "SARL", "SA", "AG", "Corp")


def make_bed(seed, customers=4_000, items=40_000, receipts=10_000):
    """Return (items, names, accounts, receipts): items as dicts, receipts as (values, truth {item: amount})."""
    rng = random.Random(seed)
    names = {}
    for customer in range(1, customers + 1):
        words = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))).title() for _word in range(rng.randint(1, 2))]
        names[customer] = f"{' '.join(words)} {rng.choice(FORMS)}"
    accounts = {customer: f"DE{rng.randrange(10 ** 19, 10 ** 20)}" for customer in names}
    book = [_make_item(rng, key, customers) for key in range(1, items + 1)]
    by_customer = {}
    for item in book:
        by_customer.setdefault(item['customer'], []).append(item)
    free = {customer: list(rows) for customer, rows in by_customer.items()}  # what nobody pays yet
    rows = []
    for number in range(1, receipts + 1):
        flags = {name for name, share in SHARES.items() if rng.random() < share}
        if 'twice' in flags and rows:
            values, _truth = rng.choice(rows)
            rows.append(({**values, 'key': number}, {}))
            continue
        customer = _choose_customer(rng, flags, free, by_customer, names)
        rows.append(_make_receipt(rng, number, free[customer], flags, names[customer], accounts[customer]))
        paid = rows[-1][1]
        free[customer] = [row for row in free[customer] if row['key'] not in paid]
        if 'statement' in flags:
            free[customer] = []
    known = {customer: account for customer, account in accounts.items() if customer % 10 >= SHARES['no_account'] * 10}
    return book, names, known, rows


def _make_item(rng, key, customers):
    year = 2026 if key % 3 else 2025
    is_round = rng.random() < SHARES['round']
    amount = rng.randint(1, 200) * 10_000 if is_round else int(rng.lognormvariate(11.5, 1.1)) + 500
    credit = rng.random() < 0.03
    day = TODAY - timedelta(days=rng.randint(0, 120))
    discount = 0 if credit or rng.random() > 0.3 else round(amount * 0.02)
    return {
        'key': key, 'customer': rng.randint(1, customers), 'residual': -round(amount * 0.2) if credit else amount,
        'numbers': (f"{'RINV' if credit else 'INV'}/{year}/{key:05}", f"PO{rng.randint(100_000, 999_999)}"),
        'due': day + timedelta(days=30), 'discount': discount,
        'discount_until': TODAY + timedelta(days=rng.randint(0, 5)) if discount else None}


def _choose_customer(rng, flags, free, by_customer, names):
    """Return a customer with something to pay; who pays by statement has not paid anything else."""
    while True:
        customer = rng.randint(1, len(names))
        rows = free.get(customer, ())
        if not any(row['residual'] > 0 for row in rows):
            continue
        if 'statement' not in flags or (
                len(rows) == len(by_customer[customer]) and sum(row['residual'] for row in rows) > 0):
            return customer


def _make_receipt(rng, number, rows, flags, name, account):
    debts = [row for row in rows if row['residual'] > 0]
    credits = [row for row in rows if row['residual'] < 0]
    if 'statement' in flags:
        chosen = list(rows)
    else:
        count = min(len(debts), rng.randint(2, 8)) if 'several' in flags else 1
        chosen = rng.sample(debts, count)
        if 'credit' in flags and credits:
            chosen.append(rng.choice(credits))
            if sum(row['residual'] for row in chosen) <= 0:
                chosen.pop()
    truth = {row['key']: row['residual'] for row in chosen}
    if 'discount' in flags:
        truth = {row['key']: row['residual'] - row['discount'] for row in chosen}
    amount = sum(truth.values())
    if 'short' in flags:
        short = rng.choice(sorted(key for key in truth if truth[key] > 0))
        cut = max(truth[short] * rng.randint(5, 60) // 100, FEE + 1)
        if truth[short] > cut:
            truth[short] -= cut
            amount -= cut
    elif 'fee' in flags and amount > 100_000:
        amount -= rng.randint(100, FEE)
    values = {
        'key': number, 'amount': amount, 'date': TODAY, 'text': _make_text(rng, chosen, flags),
        'payer': _make_payer(rng, name, flags),
        'account': '' if 'wrong_name' in flags else account}
    return values, truth


def _make_payer(rng, name, flags):
    if 'wrong_name' in flags:
        return f"{''.join(rng.choices(SYLLABLES, k=3)).title()} Treuhand"
    words = name.split()
    return rng.choice((name, name.upper(), ' '.join(words[:-1]) or name, ' '.join(reversed(words))))


def _make_text(rng, chosen, flags):
    words = []
    if 'noise' in flags:
        words.append(rng.choice((
            f"date {TODAY:%d.%m.%Y}", f"our ref {rng.randint(1000, 99_999)}", f"client {rng.randint(10_000, 99_999)}",
            f"tel {rng.randint(10 ** 8, 10 ** 9)}")))
    if 'no_reference' not in flags:
        for place, row in enumerate(chosen):
            number = row['numbers'][1 if rng.random() < 0.1 else 0]
            if 'messy' in flags:
                number = rng.choice((
                    number.replace('/', ''), number.replace('/', ' '), number.replace('/', '-'), number.lower(),
                    number.replace('INV/', '').replace('R', ''), number.replace('/0', '/').replace('/0', '/')))
            if 'typo' in flags and not place:
                number = _misspell(rng, number)
            words.append(number)
    return rng.choice((" ", ", ", " + ", "/ ")).join(words) or "payment"


def _misspell(rng, number):
    places = [place for place, sign in enumerate(number) if sign.isdigit()]
    place = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        return number[:place] + str((int(number[place]) + rng.randint(1, 9)) % 10) + number[place + 1:]
    if kind == 1:
        return number[:place] + number[place + 1:]
    if kind == 2:
        return number[:place] + str(rng.randrange(10)) + number[place:]
    return number[:place] + number[place:place + 2][::-1] + number[place + 2:]


def judge(proposals, receipts, threshold):
    """Return the figures of a run: {applied, right, precision, recall, by_kind} of {receipt: Reading or None}."""
    applied = right = 0
    wrong = []
    for values, truth in receipts:
        reading = proposals[values['key']]
        if reading and not reading.ambiguous and reading.confidence >= threshold:
            applied += 1
            if {key for key, amount in reading.paid.items() if amount} == set(truth):
                right += 1
            else:
                wrong.append((values, truth, reading))
    payable = sum(1 for _values, truth in receipts if truth)
    return {
        'receipts': len(receipts), 'applied': applied, 'right': right, 'wrong': wrong,
        'precision': right / applied if applied else 1.0, 'recall': right / payable}


def run(cash, cash_claims, seed, threshold=0.95, **sizes):
    """Return (figures, proposals, receipts) of the engine on one seed's bed; the threshold is a company's default."""
    items, names, accounts, receipts = make_bed(seed, **sizes)
    start = time.perf_counter()
    book = cash.Book(
        [cash.Item(**item) for item in items], names={customer: [name] for customer, name in names.items()},
        accounts={account: customer for customer, account in accounts.items()}, rules=cash.Rules(fee=FEE))
    proposals = cash_claims.propose_all(
        (values['key'], book, cash.Receipt(**values)) for values, _truth in receipts)
    seconds = time.perf_counter() - start
    return {**judge(proposals, receipts, threshold), 'seconds': seconds}, proposals, receipts


def main(seeds):
    """Print the figures of each seed."""
    package = types.ModuleType('ar_cash_engine')  # the addon's own package would import Odoo
    package.__path__ = [str(Path(__file__).resolve().parent.parent / 'ar_coordinator' / 'engine')]
    sys.modules['ar_cash_engine'] = package
    from ar_cash_engine import cash, cash_claims
    for seed in seeds:
        figures, _proposals, _receipts = run(cash, cash_claims, seed)
        print(f"seed {seed}: {figures['receipts']} receipts in {figures['seconds']:.1f} s, "
              f"{figures['applied']} applied, precision {figures['precision']:.4f}, recall {figures['recall']:.4f}")


if __name__ == '__main__':
    main(map(int, sys.argv[1:] or ['1']))
