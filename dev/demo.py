"""`make demo`: a ledger loaded, aged, measured, dunned and exported on real Odoo; then a server to look around in.

    make demo                                     the story of demo_story.py, made once a day and kept as a template
    make demo LEDGER=<csv or xlsx> AS_OF=<date>   that file through the import wizard, as it stood on that date
    make demo SERVE=0                             only the job

Results are in demo-output/ (or the folder in DEMO_OUTPUT): summary.json, the reports, letters to print, and mail/,
where everything that was sent ends up; nothing leaves this machine.
"""
import base64
import contextlib
import datetime
import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from .cache import REPO, Problem, digest, lock, step
from .demo_print import Printer
from .demo_server import Books, Server
from .demo_story_data import story_today
from .smtp_sink import MailSink

PORT = 8069
STORY_FILES = (
    "demo_story.py", "demo_story_data.py", "demo_desk.py", "demo_close.py", "demo_cash.py")
OURS = ("summary.json", "aged_receivables.xlsx", "aged_receivables.pdf", "mail", "letters", "odoo.log", "server.log")
# Services on the internet that Odoo would ask now and then.
SERVICES = ("iap.endpoint", "iap.partner_autocomplete.endpoint", "enrich.endpoint", "sms.endpoint",
            "snailmail.endpoint")
NOWHERE = "http://127.0.0.1:1"
KEPT_CRONS = ("mail.ir_cron_mail_scheduler_action", "ar_coordinator.ir_cron_ar_dunning_send")


def main(env, ledger=None, as_of=None, serve=True):
    """Run the demo and return the exit code. See the module's docstring.

    :param Environment env: prepared
    :param ledger: path of a file to import; None: the story
    :param as_of: ISO date of the job; None: today
    :raise Problem: for what the user can put right
    """
    day = _read_day(as_of)
    ledger = _read_path(ledger)
    output = Path(os.environ.get("DEMO_OUTPUT") or REPO / "demo-output").absolute()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants it ignored
            signal.signal(number, _stop)
    with lock(f"demo-{digest(output)}", wait=False) as ours:
        if not ours:
            raise Problem(f"another make demo is running with {output}; stop it, or set DEMO_OUTPUT to another folder.")
        _clean(output)
        return Demo(env, output, ledger, day, serve).run()


def story_template(env, output, day):
    """Name of a database with the story as of a day, made if there is none; its log goes to the folder `output`."""
    return Demo(env, output, None, day, serve=False)._story_template()


class Demo:
    def __init__(self, env, output, ledger, day, serve):
        self.env = env
        self.output = output
        self.ledger = ledger
        self.day = day
        self.serve = serve
        self.show = Printer()
        self.start = time.monotonic()

    def run(self):
        template = self.env.addon_template() if self.ledger else self._story_template()
        with contextlib.ExitStack() as stack:
            self.sink = stack.enter_context(MailSink(self.output / "mail"))
            db = stack.enter_context(self.env.scratch(template))
            port = self._port()
            with Books(self.env, db, self.output / "odoo.log") as self.books:
                with self.books.open() as odoo:
                    connect(odoo, port, self.sink.port)
                server = stack.enter_context(Server(self.env, db, port, self.sink.port, self.output / "server.log"))
                self._job()
                if self.serve:
                    with self.books.open() as odoo:
                        _switch_crons(odoo, on=True)
            if self.serve:
                return self._serve(server)
        return 0

    def _port(self):
        """Odoo's usual port if it is free and somebody will look at it."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", PORT if self.serve else 0))
            except OSError:
                return self.env.free_port()
            return probe.getsockname()[1]

    # === LOADING === #

    def _story_template(self):
        """A database with the story as of `self.day`, kept for the next run of the same day and code."""
        base = self.env.addon_template()
        code = [hashlib.sha256((REPO / "dev" / name).read_bytes()).hexdigest() for name in STORY_FILES]
        name = "story_" + digest(base, *code, self.day)
        return self.env.template(name, base, f"Writing fifteen months of business until {self.day}", self._write_story)

    def _write_story(self, db):
        from . import demo_close
        from .demo_cash import receive
        from .demo_desk import answer_letters, lead_team, play
        from .demo_story import PAST_RUNS, build, date_letters, render_invoices
        port = self.env.free_port()
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(MailSink(stack.enter_context(tempfile.TemporaryDirectory())))
            books = stack.enter_context(Books(self.env, db, self.output / "odoo.log"))
            with books.open() as odoo:
                connect(odoo, port, sink.port)
                build(odoo, self.day, lambda text: self.show.progress(text))
                self.show.progress("promises, a payment plan, credit limits")
                play(odoo, self.day)
                demo_close.play(odoo, self.day)
            stack.enter_context(Server(self.env, db, port, sink.port, self.output / "server.log"))
            with books.open() as odoo:
                self.show.progress("PDFs of the overdue invoices, as they were sent then")
                render_invoices(odoo, self.day)
            self.show.progress("dunning runs of the last weeks")
            for days in PAST_RUNS:
                runs = dun(books, self.day - datetime.timedelta(days=days))
                send_mail(books)
                with books.open() as odoo:
                    date_letters(odoo["ar.dunning.run"].browse(runs))
            with books.open() as odoo:
                self.show.progress("last month's statements and month-end pack")
                demo_close.close_month(odoo, self.day)
            with books.open() as odoo:
                self.show.progress("what customers answered")
                answer_letters(odoo, runs)
                self.show.progress("yesterday's and today's cash")
                receive(odoo, self.day)
                self.show.progress("the team, escalations, a customer with an agency")
                lead_team(odoo, self.day)
            send_mail(books)

    def _import_ledger(self):
        """The file through the wizard, as a user would do it; electronic bills get an address at example.com."""
        from .demo_story import dress_company
        from .demo_story_data import US
        with self.books.open() as odoo:
            dress_company(odoo, odoo.ref("base.main_company"), US)
        with step(f"Importing {self.ledger.name}, as it stood on {self.day}"), self.books.open("admin") as odoo:
            wizard = odoo["ar.import.wizard"].create({
                "file": base64.b64encode(self.ledger.read_bytes()), "file_name": self.ledger.name, "as_of": self.day,
                "email_domain": "example.com"})
            wizard.action_check()
            self._check_file(wizard)

            def progress(done, total):
                odoo.cr.commit()
                self.show.progress(f"{done:,} of {total:,} rows")
            wizard._import_all(progress=progress, batch_size=250)

    def _check_file(self, wizard):
        """:raise Problem: with what the wizard found, row by row"""
        if wizard.state != "checked":
            raise Problem(f"{self.ledger.name} can be read in more than one way: {wizard.question}")
        if wizard.bad_count:
            lines = [f"  row {problem.row}, {problem.column}: {problem.value}: {problem.message}"
                     for problem in wizard.problem_ids[:20]]
            raise Problem("\n".join([
                f"{self.ledger.name} has {wizard.bad_count} wrong rows, nothing was imported:", *lines]))
        if not wizard.new_count:
            raise Problem(f"{self.ledger.name} has no invoice of {self.day} or before.")

    # === THE JOB === #

    def _job(self):
        if self.ledger:
            self._import_ledger()
        options = {"as_of": self.day.isoformat()}
        with self.books.open("admin") as odoo:
            self.show.loaded(odoo, self.ledger, self.day)
            aging = odoo["ar.aging.report"].get_data(options)
            self.show.aging(odoo, aging)
            kpi = odoo["ar.kpi.report"].get_data(options)
            self.show.kpi(odoo, kpi)
            with step("Writing the reports"):
                (self.output / "aged_receivables.xlsx").write_bytes(odoo["ar.aging.report"].get_xlsx(options))
                (self.output / "aged_receivables.pdf").write_bytes(odoo["ar.aging.report"].get_pdf(options))
        with step("Dunning: preview, then send"):
            runs = dun(self.books, self.day)
        with step("Emptying the mail queue"):
            send_mail(self.books)
        with self.books.open("admin") as odoo:
            runs = odoo["ar.dunning.run"].browse(runs)
            with step("Printing the letters of customers without e-mail"):
                self._print_letters(runs)
            dunning = _summarize(runs)
            self.show.dunning(odoo, runs, dunning)
            if not self.ledger:
                self.show.desk(odoo)
        with step("Dunning again on the same day"):
            runs = dun(self.books, self.day)
            send_mail(self.books)
            with self.books.open("admin") as odoo:
                again = _summarize(odoo["ar.dunning.run"].browse(runs))
        self.show.second_run(again)
        mails = len(self.sink.messages)
        summary = {"aging": aging, "kpi": kpi, "dunning": {**dunning, "second_run": again}, "mails": mails}
        (self.output / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False, default=str) + "\n")
        self.show.files(self.output, dunning, mails, time.monotonic() - self.start)

    def _print_letters(self, runs):
        """Letters to print, a PDF each."""
        folder = self.output / "letters"
        folder.mkdir(exist_ok=True)
        for letter in _letters(runs).filtered(lambda letter: letter.channel == "letter"):
            content, _kind = runs.env["ir.actions.report"]._render_qweb_pdf(
                "ar_coordinator.action_report_ar_dunning_letter", letter.ids)
            name = "".join(char if char.isalnum() else "_" for char in letter.partner_id.name)
            (folder / f"{letter.id:04d}_{name}.pdf").write_bytes(content)

    def _serve(self, server):
        from .demo_story_data import SHOWN_USERS
        self.show.serving(server.address, {"admin": "everything"} if self.ledger else SHOWN_USERS)
        try:
            code = server.wait()
        except (KeyboardInterrupt, SystemExit):
            self.show.progress("Stopping")
            return 0
        raise Problem(f"Odoo's web server ended by itself (code {code}); see {self.output / 'server.log'}.")


def dun(books, day):
    """Preview and send a run for every company, as the admin would; returns their ids."""
    with books.open("admin") as odoo:
        runs = odoo["ar.dunning.run"].create([{"company_id": company.id, "as_of": day} for company in odoo.companies])
        runs.action_preview()
    with books.open("admin") as odoo:
        runs.with_env(odoo).action_send()
    with books.open() as odoo:
        odoo["ar.dunning.run"]._cron_send()  # what action_send left to the background job
    return runs.ids


def send_mail(books):
    """Let Odoo send what is in its queue.

    :raise Problem: when something stays there
    """
    waiting = [("state", "=", "outgoing")]
    with books.open() as odoo:
        mails = odoo["mail.mail"]
        while count := mails.search_count(waiting):
            mails.process_email_queue()
            if mails.search_count(waiting) == count:
                raise Problem(f"Odoo did not send {count} e-mails; see {books.log}.")


def connect(odoo, port, smtp_port):
    """Tell a database where it runs, where its mail goes, and to leave the rest of the world alone."""
    parameters = odoo["ir.config_parameter"]
    address = f"http://127.0.0.1:{port}"
    for key, value in (
        ("web.base.url", address), ("web.base.url.freeze", "True"), ("report.url", address),
        *((service, NOWHERE) for service in SERVICES),
    ):
        parameters.set_param(key, value)
    _switch_crons(odoo, on=False)
    servers = odoo["ir.mail_server"].with_context(active_test=False)
    servers.search([]).unlink()
    servers.create({
        "name": "Demo: kept, not delivered", "smtp_host": "127.0.0.1", "smtp_port": smtp_port,
        "smtp_encryption": "none"})


def _switch_crons(odoo, on):
    """No background job but those that send what the user has sent, and not before the job is done."""
    crons = odoo["ir.cron"].with_context(active_test=False)
    kept = crons.union(*(odoo.ref(name, raise_if_not_found=False) or crons for name in KEPT_CRONS))
    (crons.search([]) - kept).active = False
    kept.active = on


def _summarize(runs):
    """The summaries of several runs as one, with the letters by channel."""
    letters = _letters(runs)
    items = {}
    for run in runs:
        for result, reasons in run._summary()["items_by_result_and_reason"].items():
            for reason, count in reasons.items():
                items.setdefault(result, {}).setdefault(reason, 0)
                items[result][reason] += count
    return {
        "letters": len(letters),
        "letters_by_channel": {channel: len(some) for channel, some in letters.grouped("channel").items()},
        "items_by_result_and_reason": items,
    }


def _letters(runs):
    return runs.letter_ids.filtered(lambda letter: letter.state != "cancelled")


def _read_day(text):
    if not text:
        return story_today()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise Problem(f"AS_OF must be a date like 2026-12-31, not {text}.") from None


def _read_path(text):
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise Problem(f"LEDGER: there is no file {path}.")
    return path


def _clean(output):
    """Remove what an earlier demo left; nothing else, whatever the folder is."""
    output.mkdir(parents=True, exist_ok=True)
    for name in OURS:
        if (output / name).is_dir():
            shutil.rmtree(output / name)
        else:
            (output / name).unlink(missing_ok=True)


def _stop(signum, frame):
    sys.exit(128 + signum)
