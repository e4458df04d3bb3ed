"""pytest plugin for the addons' tests: nothing gets lost on the way, and the server log stays clean.

It fails the run when a test that is in the source was not collected, a test module is missing from its package, a test
was skipped without a reason or needed a browser and was skipped, or the server logged a warning or worse that no test
expected (with assertLogs or mute_logger).
"""
import ast
import logging
import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

REPO = Path(__file__).resolve().parent.parent


def pytest_configure(config):
    hypothesis.settings.register_profile(
        "ar", deadline=None, database=None, derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("ar")
    config.pluginmanager.register(Guard(), "ar-guard")


class LogWatch(logging.Handler):
    """Keeps the text of what the server logs at WARNING and above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.texts = []

    def emit(self, record):
        self.texts.append(self.format(record))

    def take(self):
        texts, self.texts = self.texts, []
        return texts


class Guard:
    def __init__(self):
        self.log = LogWatch()
        self.complaints = []
        self.browser_tests = set()
        self.finished = set()
        self.collected = set()

    # === LOG === #

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session):
        logging.getLogger().addHandler(self.log)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        for text in self.log.take():
            self.complaints.append(f"logged before the first test, or between two, seen at {item.nodeid}: {text}")
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item, nextitem):
        result = yield
        texts = self.log.take()
        if texts:
            pytest.fail("the server log has what the test did not expect:\n" + "\n".join(texts), pytrace=False)
        return result

    # === COMPLETENESS === #

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        self.collected = {_written_as(item) for item in items}  # before others take their part of them
        number, shards = shard()
        if shards > 1:
            chosen = in_shard([item.nodeid for item in items], number, shards)
            dropped = [item for item in items if item.nodeid not in chosen]
            items[:] = [item for item in items if item.nodeid in chosen]
            config.hook.pytest_deselected(items=dropped)

    def pytest_collection_finish(self, session):
        for name in complete_addons():
            self.complaints += check_package(REPO / name / "tests", self.collected)

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            self.finished.add(report.nodeid)
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped").strip(": "):
            self.complaints.append(f"skipped without a reason: {report.nodeid}")
        if report.nodeid in self.browser_tests:
            self.complaints.append(f"browser test skipped ({reason}): {report.nodeid}")

    def pytest_itemcollected(self, item):
        if hasattr(item.cls, "browser_js"):  # HttpCase
            self.browser_tests.add(item.nodeid)

    def pytest_sessionfinish(self, session):
        if complete_addons() and len(self.finished) < session.testscollected:
            self.complaints.append(f"only {len(self.finished)} of {session.testscollected} tests ran")
        self.complaints += [f"logged after the last test: {text}" for text in self.log.take()]
        if self.complaints and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.complaints:
            terminalreporter.section("guard", red=True)
            for complaint in self.complaints:
                terminalreporter.line(complaint)


def complete_addons():
    """Names of the addons of which every test has to run; none when the user chose tests."""
    return os.environ.get("AR_COMPLETE", "").split()


def shard():
    """(number, of how many) parts of the tests run here."""
    number, _of, shards = os.environ.get("AR_SHARD", "").partition("/")
    return (int(number), int(shards)) if shards else (1, 1)


def in_shard(nodeids, number, shards):
    """The tests of part `number` (from 1): whole files, each to the part that has the fewest tests so far."""
    files = Counter(nodeid.partition("::")[0] for nodeid in nodeids)
    load, part = [0] * shards, {}
    for name, count in sorted(files.items(), key=lambda item: (-item[1], item[0])):
        place = load.index(min(load))
        load[place] += count
        part[name] = place + 1
    return {nodeid for nodeid in nodeids if part[nodeid.partition("::")[0]] == number}


def _written_as(item):
    """(module, qualified name) of the function an item runs: an inherited test counts for the class that has it."""
    name = item.originalname
    for cls in item.cls.__mro__ if item.cls else ():
        if name in vars(cls):
            return cls.__module__, f"{cls.__qualname__}.{name}"
    return item.module.__name__, name


def check_package(tests, collected):
    """What is wrong with a folder of tests, given the collected (module, qualified name)s."""
    package = f"odoo.addons.{tests.parent.name}.tests"
    init = tests / "__init__.py"
    if not init.exists():
        yield f"{tests.parent.name} has no tests"
    imported = set()
    for node in ast.walk(ast.parse(init.read_text() if init.exists() else "")):
        if isinstance(node, ast.ImportFrom) and node.level:
            imported |= {alias.name for alias in node.names} | {node.module}
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(REPO) if path.is_relative_to(REPO) else path
        if path.parent != tests:
            yield f"{where}: tests go directly into {tests.name}/, Odoo finds no others"
        elif path.stem not in imported:
            yield f"{where}: not imported in {tests.name}/__init__.py, so Odoo's own runner does not see it"
        for name in tests_in(path):
            if (f"{package}.{path.stem}", name) not in collected:
                yield f"{where}: {name} was not collected"


def tests_in(path):
    """Qualified names of the test functions written in a file: test_x, Class.test_x."""
    for node in ast.parse(path.read_text()).body:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and node.name.startswith("test_"):
            yield node.name
        if isinstance(node, ast.ClassDef):
            methods = (sub.name for sub in node.body if isinstance(sub, kinds))
            yield from (f"{node.name}.{name}" for name in methods if name.startswith("test_"))
