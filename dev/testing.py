"""`make test`: every test of the addons and of dev/, counted, with a clean server log.

The core's tests run where no other app is installed, the bridges' in a second database with sale and stock; there the
core's rights are tested again (BESIDE), because other apps bring groups, rules and overrides of their own.
"""
import contextlib
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter

from .cache import REPO, Problem, say
from .system import CHROMIUM_NAMES

OUTPUT = REPO / "test-output"
BESIDE = ["ar_coordinator/tests/test_access.py", "ar_coordinator/tests/test_rpc.py"]
SHOP_TESTS = [  # need an online shop and batch transfers, which the other tests do without
    "ar_coordinator_sale/tests/test_order_shop.py", "ar_coordinator_stock/tests/test_delivery_batch.py"]
SHARDS = 2  # the core's tests run in so many halves at once, each in a database of its own (see guard.in_shard)


def run_tests(env, args):
    """Run all tests, or those named: `args` are paths and options for pytest. Returns the exit code."""
    _check_browser(env)
    paths = [arg for arg in args if not arg.startswith("-") and (REPO / arg.split("::")[0]).exists()]
    options = [arg for arg in args if arg not in paths]
    own = [path for path in paths if path.startswith("dev/")] or ([] if paths else ["dev/tests"])
    OUTPUT.mkdir(exist_ok=True)
    names, codes = [], []
    # the tests of dev/ have databases and folders of their own: they run beside the others, and say so at the end
    beside = _start_dev(env, own, options) if own and not paths else None
    try:
        codes += _run_addons(env, paths, options, names)
    finally:
        if beside:
            names.append("dev")
            codes.append(_finish_beside(beside))
    if own and not beside:
        names.append("dev")
        codes.append(_pytest(env, "dev", own, options, (), ["-p", "no:odoo"]))
    passed, failed, skipped = _count(names)
    # pytest's 5 is "nothing matched": fine for one of the parts when a choice was made.
    bad = [code for code in codes if code != 0 and not (code == 5 and args)]
    if bad and not failed:
        failed = 1  # nothing counted it: a guard's complaint, or an interrupted run
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if bad or failed or not passed else 0


def _run_addons(env, paths, options, names):
    """Run the addons' tests, part by part; `names` gets the parts that ran. Returns their exit codes."""
    codes = []
    for name, core, modules, extra in _parts(env):
        shop = [path for path in paths if path.split("::")[0] in SHOP_TESTS]
        if name == "shop":
            asked = shop if paths else extra
        elif paths:
            asked = [path for path in paths if path.split("/")[0] in modules and path not in shop]
        else:
            asked = [*_addon_tests(modules), *extra]
        if not asked:
            continue
        complete = () if paths or options else modules
        shards = SHARDS if complete and core else 1
        template = {"addons": env.test_template, "shop": env.shop_template}.get(name, env.addon_template)()
        with contextlib.ExitStack() as stack:
            running = []
            for number in range(shards, 0, -1):  # the last one in the foreground
                db = stack.enter_context(env.scratch(template))
                part = name if shards == 1 else f"{name}-{number}"
                say(f"Testing {' '.join(asked)} on database {db}" + (f", part {number} of {shards}" * (shards > 1)))
                names.append(part)
                command = [
                    "-p", "dev.guard", f"--odoo-config={env.conf(db, http_port=env.free_port())}",
                    f"--odoo-database={db}", "--odoo-http", "--odoo-log-level=warn", "-p", "no:warnings"]
                if name == "bridges":  # they have a part of their own
                    command += [f"--deselect={path}" for path in SHOP_TESTS]
                shard = f"{number}/{shards}" if shards > 1 else ""
                if number > 1:
                    running.append(_start_beside(env, part, asked, options, complete, command, shard))
                    stack.callback(running[-1][0].kill)  # when the foreground is interrupted
                else:
                    codes.append(_pytest(env, part, asked, options, complete, command, shard=shard))
            codes += [_finish_beside(beside) for beside in running]
    return codes


def _start_beside(env, name, paths, options, complete, command, shard=""):
    """Start pytest with its output in a file; returns (process, its log)."""
    log = OUTPUT / f"{name}.log"
    with log.open("w") as output:
        return _pytest(env, name, paths, options, complete, command, output, shard), log


def _start_dev(env, own, options):
    """Start the tests of dev/; returns (process, its log)."""
    say(f"Testing {' '.join(own)} beside them, what they say comes at the end")
    return _start_beside(env, "dev", own, options, (), ["-p", "no:odoo"])


def _finish_beside(beside):
    """Wait for tests that run beside others and show what they said; returns their exit code."""
    process, log = beside
    try:
        code = process.wait()
    finally:
        process.kill()  # nothing, once it has ended
    print(log.read_text(), flush=True)
    return code


def _parts(env):
    """[(name, without other apps?, the addons whose tests are all run, more tests)]: each has a database of its own."""
    extra = [path for path in BESIDE if (REPO / path).exists()]
    parts = [
        ("addons", True, env.core_modules, []), ("bridges", False, env.bridge_modules, extra),
        ("shop", False, [], [path for path in SHOP_TESTS if (REPO / path).exists()])]
    return [part for part in parts if part[2] or part[3]]


def _addon_tests(modules):
    return [f"{name}/tests" for name in modules if any((REPO / name / "tests").glob("test_*.py"))]


def _pytest(env, name, paths, options, complete, extra, output=None, shard=""):
    """Run pytest on `paths`; `complete`: addons none of whose tests may be missing. Returns the exit code.

    `shard` ("1/2"): only that part of the tests. With an `output` file it is only started; returns the process.
    """
    report = OUTPUT / f"{name}.xml"
    report.unlink(missing_ok=True)
    child = {**env.odoo_env(), "AR_COMPLETE": " ".join(complete), "AR_SHARD": shard}
    command = [env.python, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *extra, *options, *paths]
    if output:
        return subprocess.Popen(
            command, cwd=REPO, env=child, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
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
