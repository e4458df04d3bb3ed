"""The guard notices tests that would be lost, and what nobody expected in the server log."""
from dev import guard
from dev.guard import check_package

pytest_plugins = ["pytester"]
CASES = """
import logging, unittest

class TestLog(unittest.TestCase):
    def test_expected(self):
        with self.assertLogs():
            logging.warning("expected")

    def test_unexpected(self):
        logging.error("unexpected")

    def test_after(self):
        pass

class TestSkip(unittest.TestCase):
    def test_reason(self):
        self.skipTest("not on Sundays")

    def test_no_reason(self):
        self.skipTest("")

class TestBrowser(unittest.TestCase):
    browser_js = "as Odoo's HttpCase"

    def test_tour(self):
        self.skipTest("Chrome executable not found")
"""


def test_check_package(tmp_path):
    tests = tmp_path / "some_addon/tests"
    (tests / "deeper").mkdir(parents=True)
    (tests / "__init__.py").write_text("from . import test_seen\n")
    (tests / "test_seen.py").write_text("class A:\n    def test_x(self): pass\n    def test_y(self): pass\n")
    (tests / "test_forgotten.py").write_text("def test_z(): pass\n")
    (tests / "deeper/test_deep.py").write_text("")
    package = "odoo.addons.some_addon.tests"
    collected = {(f"{package}.test_seen", "A.test_x"), (f"{package}.test_forgotten", "test_z")}
    complaints = "\n".join(check_package(tests, collected))
    assert "A.test_y was not collected" in complaints
    assert "test_forgotten.py: not imported" in complaints
    assert "test_deep.py: tests go directly" in complaints
    assert len(complaints.splitlines()) == 3
    assert list(check_package(tmp_path / "bare_addon/tests", collected)) == ["bare_addon has no tests"]


def test_run(pytester):
    pytester.makepyfile(test_cases=CASES)
    result = pytester.runpytest_subprocess("-p", "no:odoo", "-p", "dev.guard")
    result.assert_outcomes(passed=3, skipped=3, errors=1)  # the test itself passes, its tear-down complains
    result.stdout.fnmatch_lines([
        "*ERROR root: unexpected*", "skipped without a reason:*test_no_reason", "browser test skipped*test_tour"])
    assert "not on Sundays" not in str(result.stdout)


def test_skipped_browser_test_fails_the_run(pytester):
    pytester.makepyfile(test_cases=CASES)
    result = pytester.runpytest_subprocess("-p", "no:odoo", "-p", "dev.guard", "-k", "test_tour")
    assert result.ret == 1


def test_parts_are_all_of_it():
    """Every test is in one part and in one only, whatever the number of parts; files stay together."""
    nodeids = [f"tests/test_{name}.py::test_{number}" for name in "abcde" for number in range(ord(name) % 7 + 1)]
    for shards in (1, 2, 3):
        parts = [guard.in_shard(nodeids, number, shards) for number in range(1, shards + 1)]
        assert sorted(nodeid for part in parts for nodeid in part) == sorted(nodeids)
        homes = [{nodeid.partition("::")[0] for nodeid in part} for part in parts]
        assert sum(map(len, homes)) == 5
        assert max(map(len, parts)) - min(map(len, parts)) <= 7


def test_shard_is_read(monkeypatch):
    monkeypatch.setenv("AR_SHARD", "2/3")
    assert guard.shard() == (2, 3)
    monkeypatch.setenv("AR_SHARD", "")
    assert guard.shard() == (1, 1)
