"""Our own screens and pages, looked at by axe-core (WCAG 2.1, A and AA) in a browser, with the demo's story in them.

axe-core (MPL-2.0) is fetched from PyPI into the cache, in a package that brings it along; nothing of it is part of this
repository. Looked at is our own markup, not Odoo's around it. Beside it: whoever goes by Tab sees where he is.
"""
import contextlib
import json
import subprocess
import time

import pytest

from dev.cache import build, cache_dir, digest
from dev.environment import Environment
from dev.screenshots import browser, log_in

AXE = (
    "axe-playwright-python==0.1.8"
    " --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8\n")
# path in the client, what to wait for, then what to click and to wait for again (CSS), what is ours
SCREENS = {
    "worklist": ("ar-worklist", ".o_ar_work_row", (), ".o_ar_worklist"),
    "customer sheet": ("ar-worklist", ".o_ar_work_row", (".o_ar_open", ".o_ar_timeline"), ".o_ar_customer_sheet"),
    "aged receivables": ("ar-aging", ".o_ar_aging .o_ar_row", (".o_ar_toggle", ".o_ar_item"), ".o_ar_aging"),
    "key figures": ("ar-kpi", ".o_ar_kpi canvas", (), ".o_ar_kpi"),
    "report of tables": ("ar-cash-forecast", ".o_ar_report_table", (), ".o_ar_report"),
    "cash desk": ("ar-cash-desk", ".o_ar_cash_desk", (), ".o_ar_cash_desk"),
    "first steps": ("ar-first-steps", ".o_ar_first_run", (), ".o_ar_report"),
}
PAGES = {"account online": "/my/receivables", "credit application": "/my/credit-application"}
LOOK = """
    axe.run({ours}, {{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
                      resultTypes: ['violations']}})
        .then(({{violations}}) => violations
            .filter(rule => ['serious', 'critical'].includes(rule.impact))
            .flatMap(rule => rule.nodes.map(node => `${{rule.id}} ${{node.target}}: ${{node.failureSummary}}`)))
"""
# what has the focus, if it is ours: its markup when nothing shows it, "" when something does
FOCUSED = """
    (() => {{
        const element = document.activeElement, ours = document.querySelector({ours});
        if (!ours || !ours.contains(element)) return null;
        const style = getComputedStyle(element);
        const shown = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
        return shown ? "" : element.outerHTML.slice(0, 200);
    }})()
"""
TABS = 25


@pytest.fixture(scope="module")
def axe():
    """The script."""
    env = Environment.prepare()

    def fetch(folder):
        (folder / "requirements.txt").write_text(AXE)
        subprocess.run(
            [env.python, "-m", "pip", "install", "-q", "--no-input", "--no-deps", "--no-compile", "--require-hashes",
             "--target", folder, "-r", folder / "requirements.txt"], check=True, capture_output=True, text=True)

    folder = build(cache_dir() / "axe" / digest(AXE), "Fetching axe-core from PyPI", fetch)
    return (folder / "axe_playwright_python/axe.min.js").read_text()


def _look(page, axe, ours):
    """What axe has to say about a part of the page."""
    page.run(axe + "; true")
    return page.run(LOOK.format(ours=json.dumps(ours)))


def _tab(page, ours):
    """Go through a part of the page by Tab; return (how many stops, those that nothing shows)."""
    page.run(f"const start = document.querySelector({json.dumps(ours)}); start.tabIndex = -1; start.focus()")
    stops, unseen = 0, set()
    for _number in range(TABS):
        for kind in ("rawKeyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        found = page.run(FOCUSED.format(ours=json.dumps(ours)))
        if found is not None:
            stops += 1
            unseen |= {found} - {""}
    return stops, unseen


def test_screens_and_pages(axe, story):
    """No serious or critical complaint; every screen can be walked through by Tab, and the focus is seen."""
    found, address = {}, story.address
    with browser() as page:
        page.size(1500, 900)
        log_in(page, address, "manager", ".o_main_navbar")
        for name, (path, ready, clicks, ours) in SCREENS.items():
            page.open(f"{address}/odoo/{path}")
            page.wait_for(ready)
            with contextlib.suppress(ValueError):
                click, after = clicks
                page.run(f"document.querySelector({json.dumps(click)}).click()")
                page.wait_for(after)
            time.sleep(1)  # colours change slowly
            found[name] = _look(page, axe, ours)
            stops, unseen = _tab(page, ours)
            found[name] += [f"no stop by Tab: {ours}"] * (not stops) + [f"focus not seen: {text}" for text in unseen]
        log_in(page, address, "customer", "#wrap")
        for name, path in PAGES.items():
            page.open(address + path)
            page.wait_for("#wrap")
            found[name] = _look(page, axe, "#wrap")
    assert not any(found.values()), "\n".join(f"{name}: {text}" for name, texts in found.items() for text in texts)
