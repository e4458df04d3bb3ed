"""Real Odoo processes that are killed and race each other, for the tests of faults (dev/tests/test_*_faults.py)."""
import signal
import subprocess
import time

from .environment import bad_records

PATIENCE = 180  # seconds for any one step on a busy machine
# Before every worker's script. `at` says that a point is reached, and waits until the test says `go`.
POINTS = """
import time
from pathlib import Path
from unittest.mock import patch
FOLDER = Path(%r)
def at(point):
    (FOLDER / f'at {point}').touch()
    while not (FOLDER / f'go {point}').exists():
        time.sleep(0.02)
"""


class Worker:
    """An `odoo shell` process that executes `script`, in which `at(point)` waits for `go(point)`."""

    def __init__(self, arena, script, smtp_port=1):
        self.arena = arena
        arena.workers.append(self)
        self.log = arena.folder / f"worker{len(arena.workers)}.log"
        source = self.log.with_suffix(".py")
        source.write_text(POINTS % str(arena.folder) + arena.head + script)
        env = arena.env
        conf = env.conf(arena.db, log_level="warn", smtp_port=smtp_port)
        with source.open() as stdin, self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL",  # ends with the tests, however that happens
                 env.python, "-m", "odoo", "shell", "-c", conf, "-d", arena.db, "--no-http"], env=env.odoo_env(),
                stdin=stdin, stdout=log, stderr=subprocess.STDOUT)

    def until(self, reached, what, pause=0.05):
        """Wait for something that this worker will bring about."""
        deadline = time.monotonic() + PATIENCE
        while not reached():
            assert self.process.poll() is None, f"ended before {what}:\n{self.log.read_text()[-6000:]}"
            assert time.monotonic() < deadline, f"waited too long for {what}:\n{self.log.read_text()[-6000:]}"
            time.sleep(pause)

    def reach(self, point):
        self.until((self.arena.folder / f"at {point}").exists, point)

    def go(self, point):
        (self.arena.folder / f"go {point}").touch()

    def kill(self):
        """SIGKILL, and wait until the database has noticed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + PATIENCE
        query = f"SELECT 1 FROM pg_stat_activity WHERE application_name = 'odoo-{self.process.pid}'"
        while self.arena.env.psql(query, "postgres"):
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def finish(self, errors=()):
        """Wait for the end; it must have logged no warning or error but one for each of `errors`, in this order."""
        code = self.process.wait(PATIENCE)
        log = self.log.read_text()
        assert code == 0, log[-6000:]
        bad = [line for line in bad_records(log) if line[:4].isdigit()]
        assert len(bad) == len(errors), log[-6000:]
        assert all(text in line for text, line in zip(errors, bad, strict=True)), log[-6000:]


class Arena:
    """A database of its own, and the workers that fight over it; `head` goes before each one's script."""

    def __init__(self, env, db, folder, head=""):
        self.env, self.db, self.folder, self.head = env, db, folder, head
        self.workers = []

    def work(self, script, smtp_port=1):
        return Worker(self, script, smtp_port)

    def close(self):
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
