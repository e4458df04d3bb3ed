"""The guard notices tests that would be lost."""
from dev.guard import check_package


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
