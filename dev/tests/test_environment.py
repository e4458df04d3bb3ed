"""Setting up: what a machine of another making must not break."""
import secrets
import subprocess
import time

from dev import venv
from dev.environment import Environment
from dev.postgres import SUPERUSER, clean_env


def test_a_database_in_which_others_are_busy_is_dropped():
    """PostgreSQL's own workers (autovacuum) belong to no role of ours: only a superuser may stop them."""
    env = Environment.prepare()
    name = f"busy_{secrets.token_hex(6)}"
    env.psql(f'CREATE DATABASE "{name}"', "postgres")
    busy = subprocess.Popen(
        [env.cluster.bin / "psql", "-XAtq", "-h", env.cluster.socket, "-U", SUPERUSER, "-d", name, "-c",
         "SELECT pg_sleep(60)"], env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        asked = f"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{name}'"
        while env.psql(asked, "postgres") != [["1"]] and time.monotonic() < deadline:
            time.sleep(0.1)
        assert env.psql(asked, "postgres") == [["1"]]
        env.drop(name)
        assert not env.exists(name)
    finally:
        busy.kill()
        busy.wait()
        env.drop(name)


def test_what_builds_packages_is_pinned_and_installed_first():
    """The setuptools a Python comes with may be too old to build a wheel: ours comes first, by version and hash."""
    first, *hashes = venv._pinned("setuptools").splitlines()
    assert first.startswith("setuptools==")
    assert hashes and all(line.strip().startswith("--hash=sha256:") for line in hashes)
