"""`make demo SERVE=0`, on the story and on a ledger file: every figure of its summary against sums made another way."""
import csv
import datetime
import email
import email.policy
import json
import os
import subprocess
from collections import Counter, defaultdict
from decimal import Decimal

import openpyxl
import pytest
from pypdf import PdfReader

from dev.cache import REPO
from dev.demo_story_data import story_today
from dev.environment import Environment, bad_records

# Runs the demo and asks the database, before it is dropped, what plain SQL thinks of it.
PROBE = """
import json, os, sys
from pathlib import Path
from dev import demo
from dev.environment import Environment

class Probe(demo.Demo):
    def _job(self):
        super()._job()
        queries = json.loads(Path(sys.argv[1]).read_text())
        facts = {name: self.env.psql(query, self.books.db) for name, query in queries.items()}
        (self.output / "probe.json").write_text(json.dumps(facts))

demo.Demo = Probe
given = os.environ.get
sys.exit(demo.main(Environment.prepare(), ledger=given("LEDGER"), as_of=given("AS_OF"), serve=False))
"""
OPEN_ITEMS = """
    SELECT line.company_id, customer.name, move.name, line.amount_residual,
           '{day}'::date - COALESCE(line.date_maturity, line.date) AS days
      FROM account_move_line line
      JOIN account_account account ON account.id = line.account_id AND account.account_type = 'asset_receivable'
      JOIN account_move move ON move.id = line.move_id AND move.state = 'posted'
      JOIN res_partner partner ON partner.id = line.partner_id
      JOIN res_partner customer ON customer.id = partner.commercial_partner_id
     WHERE line.amount_residual != 0 AND line.date <= '{day}'"""
RATES = """
    SELECT company.id, currency.name, (SELECT rate FROM res_currency_rate rate
                                        WHERE rate.currency_id = currency.id AND rate.name <= '{day}'
                                     ORDER BY rate.name DESC LIMIT 1)
      FROM res_company company JOIN res_currency currency ON currency.id = company.currency_id"""
OUTCOMES = """
    SELECT outcome.result, outcome.reason, move.name, customer.name, outcome.amount_open, outcome.amount_asked,
           COALESCE((SELECT SUM(dispute.amount_held) FROM ar_dispute dispute
                      WHERE dispute.move_id = move.id AND dispute.date_closed IS NULL), 0),
           line.no_followup, outcome.days_overdue
      FROM ar_dunning_outcome outcome
      JOIN account_move_line line ON line.id = outcome.move_line_id
      JOIN account_move move ON move.id = outcome.move_id
      JOIN res_partner customer ON customer.id = outcome.partner_id
     WHERE outcome.run_id IN ({runs})"""
RUNS = "SELECT MIN(id) FROM ar_dunning_run WHERE as_of = '{day}' GROUP BY company_id"  # without the second ones
LETTERS = """
    SELECT letter.channel, letter.state, letter.lang, recipient.lang, letter.email_to, customer.name
      FROM ar_dunning_letter letter
      JOIN res_partner recipient ON recipient.id = letter.recipient_id
      JOIN res_partner customer ON customer.id = letter.partner_id
     WHERE letter.state != 'cancelled' AND letter.run_id IN ({runs})"""
STORY = """
    SELECT (SELECT COUNT(DISTINCT commercial_partner_id) FROM account_move WHERE move_type = 'out_invoice'),
           (SELECT COUNT(DISTINCT company_id) FROM account_move),
           (SELECT COUNT(DISTINCT currency_id) FROM account_move WHERE move_type = 'out_invoice'),
           (SELECT COUNT(*) FROM mail_mail WHERE state = 'outgoing'),
           (SELECT COUNT(*) FROM ar_dispute WHERE date_closed IS NULL)"""
DESK = """
    SELECT 'promise', state FROM ar_promise
    UNION ALL SELECT 'plan', state FROM ar_promise_plan
    UNION ALL SELECT 'instalment', instalment.state FROM ar_promise_instalment instalment
                JOIN ar_promise_plan plan ON plan.id = instalment.plan_id AND plan.state = 'running'
    UNION ALL SELECT 'dispute', state FROM ar_dispute
    UNION ALL SELECT 'approval', approval_state FROM ar_dispute WHERE approval_state IS NOT NULL
    UNION ALL SELECT 'credit note', move.state FROM account_move move
                JOIN ar_dispute dispute ON dispute.move_id = move.reversed_entry_id
               WHERE dispute.state IN ('accepted', 'partly_accepted') AND move.move_type = 'out_refund'
    UNION ALL SELECT 'dispute line', dispute.state FROM ar_dispute_line line
                JOIN ar_dispute dispute ON dispute.id = line.dispute_id
    UNION ALL SELECT origin, kind FROM ar_customer_answer WHERE letter_id IS NOT NULL
    UNION ALL SELECT 'release', state FROM ar_credit_release
    UNION ALL SELECT 'limit', state FROM ar_credit_change
    UNION ALL SELECT 'hold', CASE WHEN is_manual THEN 'hand' ELSE 'rule' END FROM ar_credit_hold
               WHERE date_end IS NULL"""


class Job:
    """One run of the demo, and what it left behind."""

    def __init__(self, folder, day, ledger=None):
        env = Environment.prepare()
        self.day = day
        self.output = folder / "output"
        queries = {"open_items": OPEN_ITEMS, "rates": RATES, "outcomes": OUTCOMES, "letters": LETTERS, "story": STORY,
                   "desk": DESK}
        runs = RUNS.format(day=day)
        (folder / "queries.json").write_text(json.dumps(
            {name: sql.format(day=day, runs=runs) for name, sql in queries.items()}))
        child = {**env.odoo_env(), "DEMO_OUTPUT": str(self.output), "AS_OF": str(day), "LEDGER": str(ledger or "")}
        done = subprocess.run(
            [env.python, "-c", PROBE, folder / "queries.json"], env=child, cwd=REPO, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.printed = done.stdout
        assert done.returncode == 0, done.stdout
        self.summary = json.loads((self.output / "summary.json").read_text())
        self.facts = json.loads((self.output / "probe.json").read_text())
        self.mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                      for path in sorted((self.output / "mail").glob("*.eml"))]

    def aged(self):
        """{customer: [not due, 1-30, ..., over 120, unapplied]} in dollars, each item converted by itself."""
        rates, result = self.rates(), defaultdict(lambda: [Decimal(0)] * 7)
        for company, customer, _move, amount, days in self.facts["open_items"]:
            bucket = 6 if Decimal(amount) < 0 else sum(int(days) > limit for limit in (0, 30, 60, 90, 120))
            result[customer][bucket] += round(Decimal(amount) * rates[company], 2)
        return result

    def rates(self):
        """Dollars for one unit of each company's currency."""
        return {company: Decimal(1) if name == "USD" else 1 / Decimal(rate)
                for company, name, rate in self.facts["rates"]}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Job(tmp_path_factory.mktemp("story"), story_today())


def test_aged_table_is_the_sum_of_the_open_items(story):
    expected = story.aged()
    rows = {row["name"]: [*row["amounts"], row["unapplied"]] for row in story.summary["aging"]["rows"]}
    assert rows.keys() == expected.keys()
    for customer, cells in expected.items():
        assert rows[customer] == pytest.approx([float(cell) for cell in cells], abs=0.001), customer
    totals = story.summary["aging"]["totals"]
    assert [*totals["amounts"], totals["unapplied"]] == pytest.approx(
        [float(sum(column)) for column in zip(*expected.values(), strict=True)], abs=0.001)
    assert story.summary["aging"]["difference_to_ledger"] == 0
    assert story.summary["kpi"]["receivable"] == pytest.approx(
        totals["total"] - story.summary["aging"]["rounding"], abs=0.001)  # key figures convert by company


def test_story_has_every_situation(story):
    customers, companies, currencies, waiting, disputes = map(int, story.facts["story"][0])
    assert (customers, companies, currencies) == (60, 2, 3)
    assert waiting == 0
    assert disputes >= 6
    assert all(amount > 0 for amount in story.summary["aging"]["totals"]["amounts"]), "an empty column"
    assert story.summary["aging"]["totals"]["unapplied"] < 0
    items = story.summary["dunning"]["items_by_result_and_reason"]
    reasons = {(result, reason) for result, some in items.items() for reason in some}
    assert reasons >= {("sent", "due"), ("letter", "no_address"), ("skipped", "disputed"), ("skipped", "no_followup"),
                       ("skipped", "paused"), ("skipped", "promised"), ("held", "covered")}
    assert len(story.summary["kpi"]["series"]) == 12
    assert all(point["dso"] > 0 for point in story.summary["kpi"]["series"])


def test_story_of_the_desk(story):
    found = Counter(tuple(row) for row in story.facts["desk"])
    assert found[("promise", "kept")] == found[("promise", "broken")] == 1
    assert found[("promise", "open")] >= 3
    assert found[("plan", "running")] == 1
    assert [found[("instalment", state)] for state in ("kept", "open", "planned")] == [1, 1, 2]
    for state in ("new", "investigating", "partly_accepted", "rejected", "closed"):
        assert found[("dispute", state)], state
    assert found[("dispute line", "new")] == 2
    assert found[("approval", "requested")] == 1
    assert found[("credit note", "draft")] == 1
    assert {kind for origin, kind in found if origin == "link"} >= {"promise", "dispute", "paid"}
    assert found[("release", "requested")] == found[("limit", "requested")] == 1
    assert found[("hold", "hand")] == 1
    assert found[("hold", "rule")] >= 3
    for text in ("The desk", "Payment plans", "customers on hold"):
        assert text in story.printed


def test_disputed_items_are_left_alone(story):
    wholly = partly = 0
    for result, reason, move, _customer, amount_open, asked, held, _no_followup, _days in story.facts["outcomes"]:
        if Decimal(held) >= Decimal(amount_open):
            wholly += 1
            assert (result, reason) == ("skipped", "disputed"), move
        elif Decimal(held):
            partly += 1
            assert Decimal(asked) == Decimal(amount_open) - Decimal(held), move
    assert wholly >= 2
    assert partly >= 3


def test_no_followup_and_what_is_due_today_are_left_alone(story):
    for result, reason, move, _customer, _open, _asked, _held, no_followup, days in story.facts["outcomes"]:
        if no_followup == "t":
            assert (result, reason) == ("skipped", "no_followup"), move
        if int(days) < 3:
            assert result not in ("sent", "letter"), move


def test_every_letter_by_email_has_come_and_no_other(story):
    by_email = [row for row in story.facts["letters"] if row[0] == "email"]
    assert {state for _channel, state, *_rest in by_email} == {"sent"}
    assert len(story.mails) == len(by_email) == story.summary["dunning"]["letters_by_channel"]["email"] > 20
    addresses = Counter(address for *_rest, address, _customer in by_email)
    assert Counter(mail["To"].addresses[0].addr_spec for mail in story.mails) == addresses
    assert {row[2] for row in by_email} == {"en_US", "de_DE", "fr_FR", "es_ES", "nl_NL"}
    assert all(row[2] == row[3] for row in story.facts["letters"]), "a letter is not in its recipient's language"
    assert len({mail["Subject"] for mail in story.mails}) > 5


def test_customers_without_email_get_letters_to_print(story):
    printed = [row for row in story.facts["letters"] if row[0] == "letter"]
    files = list((story.output / "letters").glob("*.pdf"))
    assert len(files) == len(printed) == story.summary["dunning"]["letters_by_channel"]["letter"] > 0
    # Debian's wkhtmltopdf draws web fonts as outlines: there is no text to read, so the names of the files must do
    assert {path.stem.partition("_")[2] for path in files} == {
        "".join(char if char.isalnum() else "_" for char in customer) for *_rest, customer in printed}
    assert all(PdfReader(path).pages for path in files)


def test_second_run_sends_nothing(story):
    assert story.summary["dunning"]["second_run"]["letters"] == 0
    assert not {"sent", "letter"} & story.summary["dunning"]["second_run"]["items_by_result_and_reason"].keys()


def test_files(story):
    sheet = openpyxl.load_workbook(story.output / "aged_receivables.xlsx", data_only=True).worksheets[0]
    cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row if isinstance(cell, int | float)]
    assert round(story.summary["aging"]["totals"]["total"], 2) in [round(cell, 2) for cell in cells]
    assert PdfReader(story.output / "aged_receivables.pdf").pages
    index = (story.output / "mail/index.html").read_text()
    assert index.count(".html\"") == len(story.mails)
    for name in ("odoo.log", "server.log"):
        assert bad_records((story.output / name).read_text()) == []
    for text in ("Aged receivables as of", "Countback DSO", "Disputed", str(story.output)):
        assert text in story.printed


# === A LEDGER FILE === #

HEADERS = ("countryCode", "customerID", "PaperlessDate", "invoiceNumber", "InvoiceDate", "DueDate", "InvoiceAmount",
           "Disputed", "SettledDate", "PaperlessBill", "DaysToSettle", "DaysLate")


def _small_ledger(folder):
    """A file in the format of the example, and what it owes at 2013-03-31, by hand."""
    rows = (
        # number, customer, invoiced, amount, disputed, settled, bill
        (1, "1111-AAAAA", "1/10/2013", "100.00", "No", "2/1/2013", "Electronic"),
        (2, "1111-AAAAA", "2/20/2013", "70.50", "No", "4/5/2013", "Electronic"),  # due 3/22: 9 days
        (3, "1111-AAAAA", "3/25/2013", "30.25", "No", "4/20/2013", "Electronic"),  # not due
        (4, "2222-BBBBB", "1/15/2013", "55.00", "No", "4/2/2013", "Paper"),  # due 2/14: 45 days
        (5, "2222-BBBBB", "2/25/2013", "45.00", "Yes", "5/1/2013", "Paper"),  # due 3/27: 4 days, disputed
        (6, "3333-CCCCC", "12/1/2012", "20.00", "Yes", "1/20/2013", "Electronic"),
        (7, "3333-CCCCC", "4/1/2013", "99.00", "No", "4/30/2013", "Electronic"),  # after the date
        (8, "4444-DDDDD", "3/1/2013", "10.00", "No", "4/1/2013", "Electronic"),  # due on the date: not due
    )
    path = folder / "ledger.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for number, customer, invoiced, amount, disputed, settled, bill in rows:
            start = datetime.datetime.strptime(invoiced, "%m/%d/%Y").date()
            due = start + datetime.timedelta(days=30)
            writer.writerow([391, customer, "1/1/2012", number, invoiced, f"{due.month}/{due.day}/{due.year}", amount,
                             disputed, settled, bill, 0, 0])
    return path, datetime.date(2013, 3, 31), {
        "open_items": 5, "customers": 3, "total": "210.75",
        "aged_by_due_date": ["40.25", "115.50", "55.00", "0", "0", "0"], "disputed_open": "45.00",
        "largest_customers": [["1111-AAAAA", "100.75"], ["2222-BBBBB", "100.00"], ["4444-DDDDD", "10.00"]],
        # sales since 1/1: all but numbers 6 and 7; the ledger is older than the 90 days
        "sales_window": "310.75", "dso": f"{Decimal('210.75') / Decimal('310.75') * 90:.2f}"}


def _given_ledger():
    """The example file, from AR_EXAMPLE_DATA or beside the repository, with one of its known balances; or None."""
    folder = os.environ.get("AR_EXAMPLE_DATA") or REPO.parent / "shared/data"
    known = REPO.parent.joinpath(folder) / "known_balances.json"
    files = sorted(known.parent.glob("*.csv"))
    if not known.exists() or len(files) != 1:
        return None
    expected = json.loads(known.read_text())[0]
    return files[0], datetime.date.fromisoformat(expected["as_of"]), expected


def _letters_of(path, day):
    """({bill: customers due for a letter}, number of disputed items) among what is at least three days overdue."""
    def date(text):
        return datetime.datetime.strptime(text, "%m/%d/%Y").date()
    letters, disputed = defaultdict(set), 0
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            is_open = date(row["InvoiceDate"]) <= day < date(row["SettledDate"])
            if is_open and (day - date(row["DueDate"])).days > 0 and row["Disputed"] == "Yes":
                disputed += 1
            elif is_open and (day - date(row["DueDate"])).days >= 3:
                letters[row["PaperlessBill"]].add(row["customerID"])
    return letters, disputed


def test_ledger_as_it_stood(tmp_path):
    path, day, expected = _given_ledger() or _small_ledger(tmp_path)
    job = Job(tmp_path, day, path)
    aging, kpi = job.summary["aging"], job.summary["kpi"]
    totals = aging["totals"]
    assert totals["item_count"] == expected["open_items"]
    assert aging["row_count"] == expected["customers"]
    assert totals["amounts"] == [float(amount) for amount in expected["aged_by_due_date"]]
    assert totals["unapplied"] == 0
    assert totals["total"] == float(expected["total"])
    assert totals["disputed"] == float(expected["disputed_open"])
    assert aging["difference_to_ledger"] == 0
    largest = sorted(aging["rows"], key=lambda row: -row["total"])[:len(expected["largest_customers"])]
    assert [[row["name"], f"{row['total']:.2f}"] for row in largest] == expected["largest_customers"]
    assert kpi["sales"] == float(expected["sales_window"])
    for name, key in (
        ("dso", "dso"), ("best_possible_dso", "best_possible_dso"), ("countback_dso", "countback_dso"),
        ("average_days_delinquent", "average_days_delinquent"), ("cei", "cei_month_to_date"),
        ("average_payment_delay", "average_payment_delay"),
    ):
        if key in expected:
            assert f"{kpi[name]:.2f}" == expected[key], name
    dunning = job.summary["dunning"]
    letters, disputed = _letters_of(path, day)
    assert dunning["letters_by_channel"] == {
        {"Electronic": "email", "Paper": "letter"}[bill]: len(customers) for bill, customers in letters.items()}
    assert {mail["To"].addresses[0].addr_spec for mail in job.mails} == {
        f"{customer.lower()}@example.com" for customer in letters.get("Electronic", ())}
    assert len(list((job.output / "letters").glob("*.pdf"))) == len(letters.get("Paper", ()))
    assert dunning["items_by_result_and_reason"]["skipped"]["disputed"] == disputed > 0
    assert dunning["second_run"]["letters"] == 0
