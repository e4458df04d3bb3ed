"""`make test`: every test of the addons and of dev/, counted, with a clean server log."""
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter

from .cache import REPO, Problem, say
from .system import CHROMIUM_NAMES

OUTPUT = REPO / "test-output"


def run_tests(env, args):
    """Run all tests, or those named: `args` are paths and options for pytest. Returns the exit code."""
    _check_browser(env)
    paths = [arg for arg in args if not arg.startswith("-") and (REPO / arg.split("::")[0]).exists()]
    options = [arg for arg in args if arg not in paths]
    addons = [path for path in paths if not path.startswith("dev/")] or ([] if paths else _addon_tests(env))
    own = [path for path in paths if path.startswith("dev/")] or ([] if paths else ["dev/tests"])
    OUTPUT.mkdir(exist_ok=True)
    codes = []
    if addons:
        template = env.addon_template()
        with env.scratch(template) as db:
            say(f"Testing {' '.join(addons)} on database {db}")
            codes.append(_pytest(env, "addons", addons, options, not args, [
                "-p", "dev.guard", f"--odoo-config={env.conf(db)}", f"--odoo-database={db}", "--odoo-http",
                "--odoo-log-level=warn", "-p", "no:warnings"]))
    if own:
        codes.append(_pytest(env, "dev", own, options, not args, ["-p", "no:odoo"]))
    passed, failed, skipped = _count([name for name, asked in (("addons", addons), ("dev", own)) if asked])
    # pytest's 5 is "nothing matched": fine for one of the parts when a choice was made.
    bad = [code for code in codes if code != 0 and not (code == 5 and args)]
    if bad and not failed:
        failed = 1  # nothing counted it: a guard's complaint, or an interrupted run
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if bad or failed or not passed else 0


def _addon_tests(env):
    return [f"{name}/tests" for name in env.modules if any((REPO / name / "tests").glob("test_*.py"))]


def _pytest(env, name, paths, options, everything, extra):
    report = OUTPUT / f"{name}.xml"
    report.unlink(missing_ok=True)
    child = {**env.odoo_env(), "AR_EVERYTHING": "1" if everything else ""}
    command = [env.python, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *extra, *options, *paths]
    return subprocess.run(command, cwd=REPO, env=child, stdin=subprocess.DEVNULL).returncode


def _count(names):
    """How many tests passed, failed and were skipped, by pytest's reports; a report that is missing is a failure."""
    worst = {}
    for name in names:
        report = OUTPUT / f"{name}.xml"
        if not report.exists():
            worst[name] = "failed"
            continue
        for case in ET.parse(report).iter("testcase"):
            outcomes = {child.tag for child in case}
            key = name, case.get("classname"), case.get("name")
            if outcomes & {"failure", "error"}:
                worst[key] = "failed"
            else:
                worst.setdefault(key, "skipped" if "skipped" in outcomes else "passed")
    counts = Counter(worst.values())
    return counts["passed"], counts["failed"], counts["skipped"]


def _check_browser(env):
    """Odoo skips browser tests when it finds no browser; say so before, not after."""
    if not any(map(shutil.which, CHROMIUM_NAMES)):
        raise Problem("No Chromium or Chrome is on the PATH, the browser tests need one: apt-get install -y chromium")
    if subprocess.run([env.python, "-c", "import websocket"], capture_output=True).returncode:
        raise Problem("The virtual environment lacks websocket-client, the browser tests need it: make clean setup")
