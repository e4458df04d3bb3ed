"""What `make demo` prints: what was loaded, the aged table, key figures, the dunning result, where everything is."""
import sys

SHOWN_CUSTOMERS = 15
SPARKS = "▁▂▃▄▅▆▇█"
NAME_WIDTH = 32
WIDTH = 12


class Printer:
    def __init__(self):
        self.bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")

    def progress(self, text):
        print(f"    {text}", file=sys.stderr, flush=True)

    def _print(self, text=""):
        print(text, flush=True)

    def _title(self, text):
        self._print(f"\n{self.bold[0]}{text}{self.bold[1]}")

    def loaded(self, env, ledger, day):
        """How much there is in the books."""
        self._title(f"Loaded: {ledger.name if ledger else 'the story of Larkfield Instruments'}, as of {day}")
        moves = env["account.move"]
        posted = [("state", "=", "posted"), ("date", "<=", day), ("company_id", "in", env.companies.ids)]
        for company, count, customers, first, last in moves._read_group(
                [*posted, ("move_type", "=", "out_invoice")], ["company_id"],
                ["__count", "commercial_partner_id:count_distinct", "invoice_date:min", "invoice_date:max"]):
            own = [("company_id", "=", company.id)]
            others = [
                (moves.search_count([*posted, *own, ("move_type", "=", "out_refund")]), "credit notes"),
                (env["account.payment"].search_count([*own, ("state", "in", ("in_process", "paid"))]), "payments"),
                (env["ar.dispute"].search_count(own), "disputes")]
            rest = ", ".join(f"{number:,} {name}" for number, name in others if number)
            self._print(f"  {company.name}: {count:,} invoices of {customers} customers, {first} to {last}; {rest}")

    def aging(self, env, data):
        """The aged table, the largest customers by name."""
        currency = env["res.currency"].browse(data["currency_id"]).name
        self._title(f"Aged receivables as of {data['as_of']}, by due date, in {currency}")
        heads = [bucket["label"] for bucket in data["buckets"]] + ["Unapplied", "Total", "Disputed"]
        self._row("Customer", heads)
        self._print("  " + "─" * (NAME_WIDTH + len(heads) * (WIDTH + 1)))
        rows = sorted(data["rows"], key=lambda row: -row["total"])
        for row in rows[:SHOWN_CUSTOMERS]:
            self._row(row["name"] or "", _cells(row))
        rest = rows[SHOWN_CUSTOMERS:]
        if rest:
            self._row(f"{len(rest)} others", [sum(cells) for cells in zip(*map(_cells, rest), strict=True)])
        self._print("  " + "─" * (NAME_WIDTH + len(heads) * (WIDTH + 1)))
        self._row("Total", _cells(data["totals"]))
        self._print(f"  Difference to the general ledger: {data['difference_to_ledger']:,.2f}")

    def _row(self, name, cells):
        texts = [cell if isinstance(cell, str) else f"{cell + 0.0:,.2f}" for cell in cells]
        name = name if len(name) <= NAME_WIDTH else name[:NAME_WIDTH - 1] + "…"
        self._print(f"  {name:<{NAME_WIDTH}}" + "".join(f" {text:>{WIDTH}}" for text in texts))

    def kpi(self, env, data):
        """The DSO family, with a line of the last months each."""
        self._title(f"Key figures as of {data['as_of']}, sales of {data['window_days']} days")
        for name, label, unit in (
            ("dso", "DSO", "days"), ("countback_dso", "Countback DSO", "days"),
            ("best_possible_dso", "Best possible DSO", "days"),
            ("average_days_delinquent", "Average days delinquent", "days"),
            ("average_payment_delay", "Average payment delay", "days"), ("cei", "Collection effectiveness", "%"),
            ("receivable", "Receivable", ""), ("overdue", "Overdue", ""), ("sales", "Sales of the window", ""),
        ):
            value = data[name]
            text = "–" if value is None else f"{value:,.2f}"
            values = [point[name] for point in data["series"]]
            self._print(f"  {label:<28} {text:>14} {unit:<4}  {_sparkline(values)}")

    def desk(self, env):
        """Promises, plans, disputes, answers and credit: how many in each state."""
        self._title("The desk")
        companies = [("company_id", "in", env.companies.ids)]
        for name, label, field in (
            ("ar.promise", "Promises", "state"), ("ar.promise.plan", "Payment plans", "state"),
            ("ar.dispute", "Disputes", "state"), ("ar.customer.answer", "Customer answers", "kind"),
            ("ar.credit.release", "Releases", "state"), ("ar.credit.change", "Requested limits", "state"),
        ):
            labels = dict(env[name]._fields[field]._description_selection(env))
            counts = dict(env[name]._read_group(companies, [field], ["__count"]))
            texts = [f"{labels[key].lower()} {counts[key]}" for key in labels if key in counts]
            self._print(f"  {label:<20} {', '.join(texts) or 'none'}")
        for company in env.companies:
            customers = env["res.partner"].with_company(company).search([("ar_credit_mode", "=", "limited")])
            held = env["ar.credit.hold"].search([("company_id", "=", company.id), ("is_open", "=", True)]).partner_id
            money = company.currency_id.name
            self._print(
                f"  Credit               {company.name}: {len(customers)} limits of"
                f" {sum(customers.mapped('credit_limit')):,.2f} {money}, exposure"
                f" {sum(customers.mapped('ar_exposure')):,.2f} {money}, {len(held)} customers on hold")

    def dunning(self, env, runs, summary):
        """Letters by level and language, items by result and reason."""
        self._title("Dunning run")
        letters = runs.letter_ids.filtered(lambda letter: letter.state != "cancelled")
        for run in runs:
            self._print(f"  {run.company_id.name}: {run.letter_count} letters")
        channels = dict(env["ar.dunning.letter"]._fields["channel"]._description_selection(env))
        for channel, some in letters.grouped("channel").items():
            languages = ", ".join(f"{lang} {len(own)}" for lang, own in sorted(some.grouped("lang").items()))
            self._print(f"  {channels[channel]:<20} {len(some):>4}   {languages}")
        levels = letters.grouped("level_id")
        for level in letters.level_id.sorted("delay_days"):
            self._print(f"  {level.name:<20} {len(levels[level]):>4}")
        fields = env["ar.dunning.outcome"]._fields
        results, reasons = (dict(fields[name]._description_selection(env)) for name in ("result", "reason"))
        self._print("\n  What happened to every overdue item, and why")
        for result in results:
            counts = summary["items_by_result_and_reason"].get(result, {})
            for reason, count in sorted(counts.items(), key=lambda pair: -pair[1]):
                self._print(f"  {results[result]:<16} {reasons[reason]:<34} {count:>5}")

    def second_run(self, summary):
        self._print(f"\n  A second run on the same day: {summary['letters']} letters")

    def files(self, output, dunning, mails, seconds):
        self._title(f"Done in {seconds:.0f} s. Everything is in {output}")
        printed = dunning["letters_by_channel"].get("letter", 0)
        for name, text in (
            ("aged_receivables.xlsx", "the aged table, the open items behind it"),
            ("aged_receivables.pdf", "the same to print"),
            ("mail/index.html", f"{mails} e-mails as the customers got them"),
            ("letters/", f"{printed} letters to print"),
            ("summary.json", "all of the figures above"),
        ):
            self._print(f"  {name:<24} {text}")

    def serving(self, address, users):
        self._title(f"Odoo is running at {address}")
        for login, text in users.items():
            self._print(f"  user {login:<10} password {login:<10} {text}")
        self._print("  Mail you send from there goes to the mail folder as well.")
        self._print("  Ctrl-C stops the server and removes its database.")


def _cells(row):
    return [*row["amounts"], row["unapplied"], row["total"], row["disputed"]]


def _sparkline(values):
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    scale = (len(SPARKS) - 1) / ((high - low) or 1)
    return "".join(" " if value is None else SPARKS[round((value - low) * scale)] for value in values)
