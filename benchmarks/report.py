"""What the benchmark says: results.json, the table, and whether the goals are met."""
import json
import os
import platform

from dev.cache import Problem

EVALUATION = "Dunning run: evaluate, write the letters"
TENTH = "Dunning run, a tenth of the ledger"
EMAILS = "Dunning letters: gate, create the e-mails"
FIFTH = "Aged as of a year ago, a fifth of the ledger"
EXPOSURE = "Exposure of all customers"
RULES = "All credit rules, all customers"
KPI = "KPIs of 24 months"
SCREEN = "First screen of many customers"
WORKLIST = "Worklist, everybody is on it"
CELLS = "XLSX beside its cells alone"
STATEMENTS = "Statements of 1,000 customers"
STATEMENT_PAGES = "Statements of 1,000 customers, pages"
INSTALL = "Installing on the ledger"
CASH = "Cash: 10,000 payments proposed"
CASH_APPLIED = "Cash: 100 payments applied"
CASH_MB = 600  # it holds 40,000 open items and 10,000 payments at once, in a background job; other rows have 300
LARGE = 200_000  # from this size on a missed goal fails the run: smaller ledgers measure overheads


def check_same(name, got, expected):
    """Compare two tables {customer: amount or list of amounts}, to the cent.

    :raise Problem: naming the first customer that differs; a fast wrong answer is no result
    """
    def rounded(value):
        return [round(float(cell), 2) + 0.0 for cell in (value if isinstance(value, list) else [value])]
    for customer in sorted(set(got) | set(expected)):
        if customer not in got or customer not in expected or rounded(got[customer]) != rounded(expected[customer]):
            raise Problem(f"{name}: {customer} has {got.get(customer)} and should have {expected.get(customer)}.")


def check_asked(theirs, ours):
    """Check that the peer looked at the same ledger: it asks for every item ours asks for, with the same open amount.

    It asks for more: it knows neither unmatched credits nor disputes.

    :raise Problem: naming the first item that differs
    """
    for item, amount in ours.items():
        if round(theirs.get(item, 0.0), 2) != round(amount, 2):
            raise Problem(f"Dunning: the peer has {theirs.get(item)} open for item {item}, ours {amount}.")


def goals(results, size):
    """[(met, sentence)] of the goals that are set for LARGE, for the rows that were measured."""
    rows = {row['name']: row for row in results}
    found = []
    for goal in (ageing_goals, addon_goals, dunning_goals, credit_goals, report_goals, cash_goals):
        found += goal(rows)
    return found


def _at_most(rows, name, most, what="plain SQL"):
    """Goal: a row takes at most so many times what its floor takes. Empty when it was not measured."""
    if name not in rows:
        return []
    ratio = rows[name]['ratio_to_floor']
    return [(ratio <= most, f"{name}: {ratio:.2f} x {what} (at most {most:g})")]


def _faster(rows, name, least, what=None):
    """Goal: a row is at least so many times as fast as its peer. Empty when it was not measured."""
    if name not in rows:
        return []
    what, row = what or name, rows[name]
    if row.get('peers_left_out'):
        return []  # PEERS=0
    if not row.get('peer_seconds'):
        return [(False, f"{what}: no comparison with the peer, it could not be fetched")]
    return [(row['speedup'] >= least, f"{what} is {row['speedup']:.1f} x as fast as the peer (at least {least:g})")]


def ageing_goals(rows):
    """[(met, sentence)] about ageing."""
    found = []
    for name, row in rows.items():
        if row.get('job') == 'aged' and row['day']:
            found += _at_most(rows, name, 2) + _faster(rows, name, 30)
            if row['peer_seconds']:
                share = row['peak_mb'] / row['peer_peak_mb']
                found.append((share < 0.25, f"{name}: {100 * share:.0f} % of the peer's memory (under 25 %)"))
    history, fifth = rows.get("Aged today, a third of the paid history"), rows.get(FIFTH)
    if history:
        ratio = history['full_history_seconds'] / history['seconds']
        found.append((
            ratio <= 1.25, f"Aged today takes {ratio:.2f} x as long with 3 x the paid history (at most 1.25)"))
    if fifth:
        found += growth_goals(fifth)
    return found


def growth_goals(fifth):
    """[(met, sentence)]: past ageing is not slower than linear.

    The rows it reads grow no faster than the ledger. Nor does its time, unless the machine's caches make everybody's
    time grow faster: plain SQL shows by how much, and ours must not grow faster than that.
    """
    most, rows, growth, floor = (fifth[key] for key in ('times_as_large', 'rows_growth', 'growth', 'floor_growth'))
    job = "Aged as of a year ago, on a ledger"
    return [
        (rows <= most, f"{job} {most:g} x as large, reads {rows:.2f} x as many rows (at most {most:g})"),
        (growth <= max(most, floor), f"{job} {most:g} x as large, takes {growth:.2f} x as long, and plain SQL"
         f" {floor:.2f} x (at most {most:g}, or what plain SQL takes)")]


def addon_goals(rows):
    """[(met, sentence)] about what our addons add to Odoo's own work."""
    found = []
    for name, row in rows.items():
        if 'slower_percent' in row and not name.endswith("one by one"):
            most = 5 if name.startswith("Posting") else 10
            found.append((
                row['slower_percent'] <= most,
                f"{name} takes {row['slower_percent']:+.1f} % processor time with the addons (at most +{most} %)"))
    if INSTALL in rows:
        extra = rows[INSTALL]['extra_seconds']
        found.append((extra < 30, f"{INSTALL} takes {extra:.1f} s more than on an empty database (under 30)"))
    return found


def dunning_goals(rows):
    """[(met, sentence)] about dunning."""
    if EMAILS not in rows:
        return []
    whole, tenth = rows[EVALUATION], rows[TENTH]
    queries = evaluation_queries(whole)
    found = [(queries <= 60, f"A dunning run takes {queries:.0f} queries per 1,000 customers (at most 60)")]
    found += _faster(rows, EVALUATION, 20, "Evaluating a dunning run")
    found += _faster(rows, EMAILS, 3, "Creating the dunning e-mails")
    growth = whole['peak_mb'] - tenth['peak_mb']
    found.append((
        growth <= 125, f"A dunning run takes {growth:.0f} MB more on a ledger ten times as large (at most 125)"))
    each, each_tenth = (
        1e6 * row['cpu_seconds'] / (row['dunning']['items'] + row['dunning']['letters']) for row in (whole, tenth))
    found.append((
        each <= 1.15 * each_tenth, f"An item or letter costs {each:.0f} microseconds of processor time, and"
        f" {each_tenth:.0f} in a ledger a tenth of the size (at most 1.15 x)"))
    return found


def credit_goals(rows):
    """[(met, sentence)] about credit."""
    return _faster(rows, EXPOSURE, 20) + _at_most(rows, RULES, 10)


def report_goals(rows):
    """[(met, sentence)] about the other reports, and about the memory of all of them."""
    found = (
        _at_most(rows, KPI, 3) + _at_most(rows, SCREEN, 2.5) + _at_most(rows, CELLS, 3, "xlsxwriter alone")
        + _faster(rows, STATEMENTS, 1) + _faster(rows, STATEMENT_PAGES, 1))
    if WORKLIST in rows:
        row = rows[WORKLIST]
        found.append((
            row['cpu_seconds'] < 1, f"The worklist's first page with {row['customers']:,} customers on it takes"
            f" {row['cpu_seconds']:.2f} s of processor time (under 1), {row['seconds']:.2f} s by the clock"))
    measured = [row for row in rows.values() if 'peak_mb' in row and 'cash' not in row]  # cash has its own limit
    if measured:
        largest = max(measured, key=lambda row: row['peak_mb'])
        found.append((
            largest['peak_mb'] < 300, f"No process took more than {largest['peak_mb']:.0f} MB, for {largest['name']}"
            " (under 300)"))
    return found


def publish(results, settings, idle, folder):
    """Write results.json, print the table and the goals; return the exit code."""
    folder.mkdir(exist_ok=True)
    (folder / 'results.json').write_text(json.dumps(results, indent=1) + "\n")
    print(f"\n{settings.invoices:,} invoices, {settings.partners:,} customers, {settings.months} months; {machine()};"
          f" an idle Odoo process takes {idle:.0f} MB\n")
    print(table(results))
    for row in results:
        if 'slower_percent' in row:
            print(
                f"\n{row['name']}: {row['seconds']:.2f} s with the addon, {row['without_addon_seconds']:.2f} s without"
                f" (processor time {row['cpu_seconds']:.2f} and {row['without_addon_cpu_seconds']:.2f} s,"
                f" {row['slower_percent']:+.1f} %); {row['queries']} and {row['without_addon_queries']} queries")
        if 'extra_seconds' in row:
            print(
                f"\n{row['name']}: {row['seconds']:.1f} s, on an empty database {row['empty_seconds']:.1f} s:"
                f" {row['extra_seconds']:+.1f} s")
        if 'cash' in row:
            print(f"\n{cash_sentence(row)}")
        if 'dunning' in row:
            print(f"\n{dunning_sentence(row)}")
        if 'full_history_seconds' in row or 'whole_ledger_seconds' in row:
            whole = row.get('full_history_seconds') or row['whole_ledger_seconds']
            print(f"\n{row['name']}: {row['seconds'] * 1000:.0f} ms; with all of it {whole * 1000:.0f} ms")
        if 'customers' in row:
            holds = f", {row['holds']:,} holds" if 'holds' in row else ""
            print(f"\n{row['name']}: {row['customers']:,} customers{holds}")
        if 'cells' in row:
            print(f"\n{row['name']}: {row['cells']['rows']:,} rows on {row['cells']['sheets']} sheets")
    if not settings.peers:
        for row in results:
            row['peers_left_out'] = True
    found = goals(results, settings.invoices)
    print(f"\nGoals at {LARGE:,} invoices" + ("" if settings.invoices >= LARGE else " (this ledger is smaller)"))
    for met, sentence in found:
        print(f"  {'met   ' if met else 'MISSED'}  {sentence}")
    print(f"\nAll figures: {folder / 'results.json'}")
    return 1 if settings.invoices >= LARGE and not all(met for met, _sentence in found) else 0


def cash_sentence(row):
    """What a cash row found, beside what is right."""
    counts = row['cash']
    sentence = (
        f"{row['name']}: {counts['sure']:,} of {counts['receipts']:,} sure enough to apply by themselves, precision"
        f" {counts['precision']:.2%}, recall {counts['recall']:.2%}; processor time {row['cpu_seconds']:.1f} s,"
        f" {row['queries']} queries")
    theirs = row.get('peer_counts')
    if theirs:
        sentence += (
            f"\n  {row['peer']} applied {theirs['sure']:,} of {theirs['receipts']:,}, precision"
            f" {theirs['precision']:.2%}, recall {theirs['recall']:.2%}; in turns"
            f" {row['peer_seconds'] / theirs['receipts']:.3f} s per payment, ours"
            f" {row['seconds_beside_peer'] / counts['receipts']:.3f} s")
    return sentence


def cash_goals(rows):
    """[(met, sentence)] about cash application."""
    found = _faster(rows, CASH_APPLIED, 1)
    if CASH not in rows:
        return found
    row = rows[CASH]
    counts = row['cash']
    return [
        (counts['precision'] >= 0.995, f"{CASH}: precision {counts['precision']:.2%} (at least 99.5 %)"),
        (counts['recall'] >= 0.85, f"{CASH}: recall {counts['recall']:.2%} (at least 85 %)"),
        (row['seconds'] < 20, f"{CASH}: {row['seconds']:.1f} s (less than 20)"),
        (row['peak_mb'] < CASH_MB, f"{CASH}: {row['peak_mb']:.0f} MB (under {CASH_MB})"), *found]


def dunning_sentence(row):
    """What a dunning row comes to per customer and per e-mail."""
    counts = row['dunning']
    if row['name'] != EMAILS:
        return (
            f"{row['name']}: {counts['items']:,} items of {counts['customers']:,} customers,"
            f" {counts['letters']:,} letters in {row['seconds']:.2f} s;"
            f" {evaluation_queries(row):.0f} queries per 1,000 customers")
    return (
        f"{row['name']}: {counts['sent']:,} e-mails, {1000 * row['seconds'] / counts['sent']:.1f} ms and"
        f" {row['queries'] / counts['sent']:.1f} queries each")


def evaluation_queries(row):
    """Queries of an evaluation per 1,000 customers considered."""
    return 1000 * row['queries'] / row['dunning']['customers']


def table(results):
    """The rows as a text table."""
    columns = (  # heading, key, digits
        ("seconds", 'seconds', 3), ("queries", 'queries', 0), ("peak MB", 'peak_mb', 0),
        ("SQL floor s", 'floor_seconds', 3), ("x floor", 'ratio_to_floor', 2), ("peer s", 'peer_seconds', 2),
        ("peer queries", 'peer_queries', 0), ("peer MB", 'peer_peak_mb', 0), ("speed-up", 'speedup', 1))
    lines = [["", *(heading for heading, _key, _digits in columns)]]
    lines += [[row['name'], *(_number(row.get(key), digits) for _heading, key, digits in columns)] for row in results]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns) + 1)]
    return "\n".join(
        "  ".join(cell.ljust(width) if not column else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines)


def _number(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"


def machine():
    """One line about the machine: processor, cores, load."""
    model = platform.processor() or platform.machine()
    with open('/proc/cpuinfo') as info:
        model = next((line.split(':', 1)[1].strip() for line in info if line.startswith('model name')), model)
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
