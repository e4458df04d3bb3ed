"""Odoo's own lint tests that look at models, fields, manifests and routes of an installed addon."""
import subprocess

from dev.environment import Environment

CLASSES = (
    "TestIndex", "TestNaming", "TestLintOverrideSignatures", "ManifestLinter", "TestOnchangeDomains", "TestDunderinit",
    "TestDocstring", "RoutesLinter", "TestTestHoles")


def test_registry_lint():
    env = Environment.prepare()
    with env.scratch(env.addon_template()) as db:
        tags = ",".join(f"/test_lint:{name}" for name in CLASSES)
        done = env.odoo(
            "server", "-c", env.conf(db, log_level="warn", http_port=env.free_port()), "-d", db, "-i", "test_lint",
            "--test-tags", tags, "--log-handler=odoo.tests.result:INFO", "--no-http", "--stop-after-init", check=False,
            stdin="", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-8000:]
    assert "0 failed, 0 error(s) of" in done.stdout, done.stdout[-8000:]
    assert "0 failed, 0 error(s) of 0 tests" not in done.stdout, done.stdout[-8000:]
