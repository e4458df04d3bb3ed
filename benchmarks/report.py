"""What the benchmark says: results.json, the table, and whether the goals are met."""
import json
import os
import platform

from dev.cache import Problem

EVALUATION = "Dunning run: evaluate, write the letters"
TENTH = "Dunning run, a tenth of the ledger"
EMAILS = "Dunning letters: gate, create the e-mails"
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


def dunning_goals(rows):
    """[(met, sentence)] about dunning."""
    whole, tenth, emails = rows[EVALUATION], rows[TENTH], rows[EMAILS]
    queries = evaluation_queries(whole)
    found = [(queries <= 60, f"A dunning run takes {queries:.0f} queries per 1,000 customers (at most 60)")]
    for row, least, what in ((whole, 20, "Evaluating a dunning run"), (emails, 3, "Creating the dunning e-mails")):
        if row.get('peer_seconds'):
            found.append((
                row['speedup'] >= least, f"{what} is {row['speedup']:.1f} x as fast as the peer (at least {least})"))
        else:
            found.append((False, f"{what}: no comparison with the peer, it could not be fetched"))
    growth = whole['peak_mb'] - tenth['peak_mb']
    found.append((
        growth <= 125, f"A dunning run takes {growth:.0f} MB more on a ledger ten times as large (at most 125)"))
    each, each_tenth = (
        1e6 * row['cpu_seconds'] / (row['dunning']['items'] + row['dunning']['letters']) for row in (whole, tenth))
    found.append((
        each <= 1.15 * each_tenth, f"An item or letter costs {each:.0f} microseconds of processor time, and"
        f" {each_tenth:.0f} in a ledger a tenth of the size (at most 1.15 x)"))
    return found


def goals(results, size):
    """[(met, sentence)] of the goals that are set for LARGE."""
    rows = {row['name']: row for row in results}
    found = []
    for name, row in rows.items():
        if row.get('job') != 'aged' or not row['day']:
            continue
        found.append((row['ratio_to_floor'] <= 2.5, f"{name}: {row['ratio_to_floor']:.2f} x plain SQL (at most 2.5)"))
        if row['peer_seconds']:
            found.append((row['speedup'] >= 30, f"{name}: {row['speedup']:.0f} x as fast as the peer (at least 30)"))
            share = row['peak_mb'] / row['peer_peak_mb']
            found.append((share < 0.25, f"{name}: {100 * share:.0f} % of the peer's memory (under 25 %)"))
        else:
            found.append((False, f"{name}: no comparison with the peer, it could not be fetched"))
    history = rows["Aged today, a third of the paid history"]
    ratio = history['full_history_seconds'] / history['seconds']
    found.append((ratio <= 1.25, f"Aged today takes {ratio:.2f} x as long with 3 x the paid history (at most 1.25)"))
    slower = next(row['slower_percent'] for row in results if 'slower_percent' in row)
    found.append((slower <= 5, f"Posting takes {slower:+.1f} % processor time with the addon (at most +5 %)"))
    found += [
        (row['slower_percent'] <= 10,
         f"{row['name']} takes {row['slower_percent']:+.1f} % processor time with the addons (at most +10 %)")
        for row in results if row['name'].startswith("Confirming") and row['name'].endswith("at once")]
    return found + dunning_goals(rows)


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
        if 'dunning' in row:
            print(f"\n{dunning_sentence(row)}")
        if 'full_history_seconds' in row:
            print(f"\n{row['name']}: {row['seconds'] * 1000:.0f} ms;"
                  f" with all of it {row['full_history_seconds'] * 1000:.0f} ms")
    found = goals(results, settings.invoices)
    print(f"\nGoals at {LARGE:,} invoices" + ("" if settings.invoices >= LARGE else " (this ledger is smaller)"))
    for met, sentence in found:
        print(f"  {'met   ' if met else 'MISSED'}  {sentence}")
    print(f"\nAll figures: {folder / 'results.json'}")
    return 1 if settings.invoices >= LARGE and not all(met for met, _sentence in found) else 0


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
