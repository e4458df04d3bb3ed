"""Odoo for the demo: in this process to do the job, and as a web server beside it."""
import contextlib
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from .cache import Problem

START_SECONDS = 90


class Books:
    """Odoo in this process, on one database; `open` gives an environment. One at a time."""

    def __init__(self, env, db, log):
        self.env = env
        self.db = db
        self.log = Path(log)

    def __enter__(self):
        from odoo.modules.registry import Registry
        from odoo.service.server import load_server_wide_modules
        from odoo.tools import config
        options = {"logfile": self.log, "log_level": "warn"}
        config.parse_config(["-c", str(self.env.conf(self.db, **options)), "-d", self.db], setup_logging=True)
        load_server_wide_modules()
        threading.current_thread().dbname = self.db
        self.registry = Registry(self.db)
        return self

    def __exit__(self, *exc_info):
        from odoo.modules.registry import Registry
        from odoo.sql_db import close_db
        Registry.delete(self.db)
        close_db(self.db)

    @contextlib.contextmanager
    def open(self, login=None):
        """A transaction, committed at the end: the superuser's, or a user's with all of their companies switched on."""
        from odoo import SUPERUSER_ID, api
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"lang": "en_US"})
            if login:
                user = env["res.users"].search([("login", "=", login)])
                companies = (user.company_id | user.company_ids).ids
                env = env(user=user, context={"lang": "en_US", "tz": user.tz, "allowed_company_ids": companies})
            yield env


class Server:
    """The web server on a database, as another process; `address` is where it answers."""

    def __init__(self, env, db, port, smtp_port, log):
        self.env, self.db, self.port, self.smtp_port, self.log = env, db, port, smtp_port, Path(log)
        self.address = f"http://127.0.0.1:{port}"

    def __enter__(self):
        conf = self.env.conf(self.db, http_port=self.port, smtp_port=self.smtp_port, max_cron_threads=1)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM",  # ends with the demo, however that happens
                 self.env.python, "-m", "odoo", "server", "-c", conf, "-d", self.db],
                env=self.env.odoo_env(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise Problem(f"Odoo's web server did not start on port {self.port}; see {self.log}:\n{tail}")
            time.sleep(0.1)
        return self

    def __exit__(self, *exc_info):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def wait(self):
        """Until the server ends by itself; its exit code."""
        return self.process.wait()

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.address}/web/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
