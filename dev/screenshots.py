"""`make screenshots`: the pictures of the README and the manual, taken from the running demo.

    make demo                          in one terminal
    make screenshots                   in another; ADDRESS=http://127.0.0.1:8069 by default

Chromium is driven over its DevTools protocol: log in, open a screen, wait until what matters is there, take the
picture. The letter is a page of the demo's mail folder.
"""
import base64
import contextlib
import html
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import websocket

from . import store
from .cache import REPO, Problem, say
from .system import CHROMIUM_NAMES

IMAGES = REPO / "docs/images"
WAIT_SECONDS = 60
CLICK = "document.querySelectorAll({selector})[{which}].click()"
CLICK_TEXT = "[...document.querySelectorAll({selector})].find(item => item.textContent.includes({which})).click()"
# name, path in the client, what to wait for (CSS), then what to click (CSS, which of them: number or a text in it) and
# to wait for again
SCREENS = (
    ("worklist", "/odoo/ar-worklist", ".o_ar_work_row", ()),
    ("customer_sheet", "/odoo/ar-worklist", ".o_ar_work_row", ((".o_ar_open", 0, ".o_ar_timeline .o_ar_entry"),)),
    ("aged_receivables", "/odoo/ar-aging", ".o_ar_aging .o_ar_row", (
        ("th[data-column=total] button", 0, "th[data-column=total][aria-sort]"),
        (".o_ar_toggle", 0, ".o_ar_open_item"), (".o_ar_toggle", 2, ".o_ar_row[data-id] ~ .o_ar_item"))),
    ("kpi", "/odoo/ar-kpi", ".o_ar_kpi canvas", ()),
    ("cash_desk", "/odoo/ar-cash-desk", ".o_ar_receipt", (
        (".o_ar_receipt", "damaged", ".o_ar_cash_items .o_ar_rest"),)),
    ("cash_journal", "/odoo/ar-cash-journal", ".o_ar_report_table", ()),
    ("deposit", "/odoo/ar-deposits", ".o_data_row", ((".o_data_row .o_data_cell", "0871", ".o_form_view"),)),
    ("returned_payment", "/odoo/ar-returned-payments", ".o_data_row", (
        (".o_data_row .o_data_cell[name=partner_id]", 0, ".o_form_view"),)),
    ("misdirected_payment", "/odoo/ar-misdirected-payments", ".o_data_row", (
        (".o_data_row .o_data_cell[name=partner_id]", 0, ".o_form_view"),)),
    ("cash_forecast", "/odoo/ar-cash-forecast", ".o_ar_chart canvas", ()),
    ("collectors", "/odoo/ar-collectors", ".o_ar_report_table", ()),
    ("team", "/odoo/ar-team", ".o_ar_team_card", ()),
    ("escalations", "/odoo/ar-escalations", ".o_data_row", ()),
    ("at_agencies", "/odoo/ar-at-agencies", ".o_ar_report_table", ()),
    # above it in the list: the second runs of the day, which sent nothing, and the other company's
    ("dunning_run", "/odoo/ar-dunning", ".o_data_row", ((".o_data_row .o_data_cell[name=as_of]", 3, ".o_form_view"),)),
    ("disputes", "/odoo/ar-disputes", ".o_kanban_record", ()),
    ("dispute", "/odoo/ar-disputes", ".o_kanban_record", (
        (".o_kanban_record", "8,138.75", ".o_form_view"),
        (".nav-link[name=lines]", 0, ".tab-pane.active .o_data_row"))),
    ("dispute_analysis", "/odoo/ar-dispute-analysis", ".o_pivot table", ()),
    ("promises", "/odoo/ar-promises", ".o_data_row", ()),
    ("payment_plan", "/odoo/ar-payment-plans", ".o_data_row", (
        (".o_data_row .o_data_cell[name=partner_id]", "Ironbridge", ".o_form_view"),)),
    ("collections", "/odoo/ar-collections", ".o_ar_report_table", ()),
    ("invoice_delivery", "/odoo/ar-delivery", ".o_group_header", ((".o_group_header", 0, ".o_data_row"),)),
    ("statement_run", "/odoo/ar-statement-runs", ".o_data_row", (
        (".o_data_row .o_data_cell[name=name]", 1, ".o_form_view"),)),
    ("write_offs", "/odoo/ar-write-offs", ".o_data_row", ()),
    ("provision", "/odoo/ar-provisions", ".o_data_row", ((".o_data_row .o_data_cell", 0, ".o_form_view"),)),
    ("month_end", "/odoo/ar-month-end", ".o_data_row", ((".o_data_row .o_data_cell", 0, ".o_form_view"),)),
    ("first_steps", "/odoo/ar-first-steps", ".o_ar_first_run", ()),
    ("customer_answers", "/odoo/ar-answers", ".o_data_row", ()),
    ("on_hold", "/odoo/ar-on-hold", ".o_data_row", ()),
    ("customer_credit", "/odoo/ar-exposure", ".o_data_row", (
        (".o_data_row .o_data_cell", "Pinecrest", ".o_form_view"),
        (".nav-link[name=ar_receivables]", 0, ".tab-pane.active [name=ar_credit_mode]"))),
)
# name of a picture, what stands in its middle
SCROLLED = {"customer_credit": "[name=ar_credit_mode]"}
# name, path for a customer, window
PORTAL_SCREENS = (
    ("portal", "/my/receivables", (1280, 900)),
    ("portal_phone", "/my/receivables", (375, 812)),
)
WINDOW = (1500, 900)
PHONE = (375, 812)
LINK_PATH = "/ar/answer"  # see ar_answer_link.py
LETTER_WINDOW = (900, 1100)
# The web client shows the companies of this cookie.
ALL_COMPANIES = """
    fetch('/web/session/get_session_info', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})
        .then(answer => answer.json())
        .then(({result}) => {
            const ids = Object.keys(result.user_companies.allowed_companies);
            document.cookie = `cids=${ids.join('-')}; path=/`;
        })"""


def main():
    """Take all pictures; returns the exit code."""
    address = os.environ.get("ADDRESS") or "http://127.0.0.1:8069"
    output = Path(os.environ.get("DEMO_OUTPUT") or REPO / "demo-output")
    letter = _letter(output / "mail")
    _check_server(address)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with browser() as page:
        page.size(*WINDOW)
        log_in(page, address, "admin", ".o_main_navbar")
        page.run(ALL_COMPANIES)
        for name, path, ready, clicks in SCREENS:
            page.open(address + path)
            page.wait_for(ready)
            for selector, which, after in clicks:
                click = CLICK_TEXT if isinstance(which, str) else CLICK
                time.sleep(1)  # what was clicked before may still be drawn
                page.run(click.format(selector=json.dumps(selector), which=json.dumps(which)))
                page.wait_for(after)
            if name in SCROLLED:
                page.run(f"document.querySelector('{SCROLLED[name]}').scrollIntoView({{block: 'center'}})")
            page.shoot(IMAGES / f"{name}.png")
        page.size(*LETTER_WINDOW)
        page.open(letter.as_uri())
        page.wait_for("main table")
        page.shoot(IMAGES / "dunning_letter.png", whole="body")
        page.size(*PHONE)
        page.open(_link(letter))
        page.wait_for(".o_ar_answer_page .o_ar_choice")
        page.shoot(IMAGES / "letter_link.png")
        log_in(page, address, "customer", "#wrap")
        for name, path, window in PORTAL_SCREENS:
            page.size(*window)
            page.open(address + path)
            page.wait_for("#wrap .o_ar_overdue")
            page.shoot(IMAGES / f"{name}.png")
    say(f"Pictures are in {IMAGES}.")
    return store.main()


class Page:
    """A page of the browser: what a person would do with it."""

    def __init__(self, socket):
        self.socket = socket
        self.numbers = itertools.count(1)
        self.call("Page.enable")

    def call(self, method, **params):
        """Send a command of the DevTools protocol and return its result."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                if "error" in answer:
                    raise Problem(f"The browser refused {method}: {answer['error']['message']}")
                return answer["result"]

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.wait_until("document.readyState === 'complete'", f"{address} to load")

    def run(self, script):
        """Evaluate JavaScript and return its value."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Problem(f"The page failed with {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait_for(self, selector):
        self.wait_until(f"document.querySelector({json.dumps(selector)})?.checkVisibility() || false", selector)

    def wait_until(self, condition, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._holds(condition):
            if time.monotonic() > deadline:
                failed = REPO / "demo-output/screenshot_failed.png"
                failed.parent.mkdir(exist_ok=True)
                self.shoot(failed)
                raise Problem(f"Waited {WAIT_SECONDS} s in vain for {what}; see demo-output/screenshot_failed.png.")
            time.sleep(0.2)

    def _holds(self, condition):
        # while a page is being replaced there is nothing to ask: ask again
        with contextlib.suppress(Problem):
            return self.run(condition)
        return False

    def shoot(self, path, whole=None):
        """Save a picture of the window, or of a `whole` element."""
        time.sleep(1)  # pictures, fonts and animations
        clip = {}
        if whole:
            box = self.run(f"document.querySelector({json.dumps(whole)}).getBoundingClientRect().toJSON()")
            box = {name: box[name] for name in ("x", "y", "width", "height")}
            clip = {"clip": {**box, "scale": 1}, "captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"]))
        say(f"  {path.name}")


@contextlib.contextmanager
def browser():
    """A browser of our own with a fresh profile, and a Page in it."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not program:
        raise Problem("No Chromium or Chrome is on the PATH: apt-get install -y chromium")
    with tempfile.TemporaryDirectory() as profile:
        process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
             "--no-first-run", "--force-color-profile=srgb", "--lang=en-US", f"--user-data-dir={profile}",
             "--remote-debugging-port=0", "--remote-allow-origins=*", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            socket = websocket.create_connection(_page_address(Path(profile), process), timeout=WAIT_SECONDS)
            yield Page(socket)
            socket.close()
        finally:
            process.terminate()
            process.wait()


def _page_address(profile, process):
    """The WebSocket of the browser's first page; the browser writes its port into its profile."""
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if port_file.exists() and port_file.read_text().strip():
            port = port_file.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [page for page in json.load(answer) if page["type"] == "page"]
            if pages:
                return pages[0]["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise Problem("Chromium did not start.")


def log_in(page, address, login, ready):
    """Log in as somebody else whose password is the login, as the demo's users have it."""
    page.open(f"{address}/web/session/logout?redirect=/web/login")
    page.wait_for("input[name=login]")
    page.run(f"""document.querySelector('input[name=login]').value = '{login}';
                 document.querySelector('input[name=password]').value = '{login}';
                 document.querySelector('form.oe_login_form').submit();""")
    page.wait_for(ready)


def _link(letter):
    """Where the letter's button leads."""
    return html.unescape(re.search(rf'href="([^"]*{LINK_PATH}/[^"]+)"', letter.read_text())[1])


def _letter(folder):
    """The letter to show: an English one, with a disputed part if there is one, and the most items."""
    texts = {page: page.read_text() for page in sorted(folder.glob("[0-9]*.html"))}
    english = [page for page, text in texts.items() if re.search(r"<title>.*[Rr]eminder", text)]
    if not english:
        raise Problem(f"There is no letter in {folder}; run make demo first (without LEDGER) and leave it running.")
    return max(english, key=lambda page: ("isputed" in texts[page], texts[page].count("<tr")))


def _check_server(address):
    try:
        urllib.request.urlopen(f"{address}/web/health", timeout=10).close()
    except (urllib.error.URLError, TimeoutError):
        raise Problem(
            f"Nothing answers at {address}: leave make demo running, or set ADDRESS to what it printed.") from None
