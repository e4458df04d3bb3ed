"""A private PostgreSQL cluster in the cache: no port, no password, only a Unix socket in a folder that is ours.

PostgreSQL refuses to run as root. Root therefore runs it in a user namespace of its own, where root's files belong
to an ordinary user; where namespaces are forbidden (containers), as the system's user `postgres`.
"""
import os
import pwd
import shutil
import subprocess
import time

from .cache import Problem, cache_dir, digest, lock, run, step
from .system import postgres_bin

ROLE = "odoo"
SUPERUSER = "postgres"
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
jit = off
# The databases can be made again at any time: no waiting for the disk.
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum_naptime = 10min
log_timezone = UTC
timezone = UTC
"""


class Cluster:
    """The cluster of this cache; `start` makes and starts it, however often it is called."""

    def __init__(self, home=None):
        self.bin = postgres_bin()
        self.home = home or cache_dir() / f"postgresql-{digest(SETTINGS, self.bin)}"
        self.data = self.home / "data"
        self.socket = self.home / "run"
        if len(str(self.socket / ".s.PGSQL.5432.lock")) > 107:
            raise Problem(
                "The cache folder's path is too long for PostgreSQL's socket: set AR_CACHE to a folder with a shorter "
                f"path than {cache_dir()}.")

    def answers(self):
        return self.socket.exists() and not subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", self.socket], env=clean_env()).returncode

    def start(self):
        if self.answers():
            return
        with lock("postgresql"):
            if self.answers():
                return
            prefix = self._as_other_user()
            if not (self.data / "PG_VERSION").exists() or not (self.home / ".complete").exists():
                self._create(prefix)
            elif self._recovering():
                return
            for stale in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            with step("Starting PostgreSQL"):
                log = self.home / "log"
                run([*prefix, self.bin / "pg_ctl", "start", "-w", "-t", "120", "-D", self.data, "-l", log],
                    f"PostgreSQL did not start, see {log}; if it never does: make clean", env=clean_env(),
                    preexec_fn=None)

    def stop(self):
        if self.answers() or (self.data / "postmaster.pid").exists():
            subprocess.run([*self._as_other_user(), self.bin / "pg_ctl", "stop", "-m", "immediate", "-D", self.data],
                           capture_output=True, env=clean_env())

    def psql(self, query, database="postgres", role=ROLE):
        """Run SQL and return its rows, a list of strings each."""
        out = run([self.bin / "psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", role,
                   "-d", database, "-c", query], "PostgreSQL refused a statement", env=clean_env())
        return [line.split("\t") for line in out.splitlines()]

    def _create(self, prefix):
        with step("Creating a private PostgreSQL cluster"):
            shutil.rmtree(self.home, ignore_errors=True)
            for folder in (self.home, self.data, self.socket):
                folder.mkdir(parents=True, mode=0o700)
            if prefix[:1] == ["setpriv"]:
                self._give_away(prefix)
            run([*prefix, self.bin / "initdb", "-D", self.data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync"], "PostgreSQL's cluster could not be created", env=clean_env())
            with open(self.data / "postgresql.conf", "a") as conf:
                conf.write(f"{SETTINGS}unix_socket_directories = '{self.socket}'\n")
            single = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\n"
            done = subprocess.run([*prefix, self.bin / "postgres", "--single", "-D", self.data, "postgres"], text=True,
                                  input=single, capture_output=True, env=clean_env())
            if done.returncode:
                raise Problem(f"PostgreSQL's role could not be created:\n{done.stderr}")
            (self.home / ".complete").touch()

    def _recovering(self):
        """Is a server of this cluster alive but not ready (start-up, crash recovery)? Then wait for it."""
        try:
            pid = (self.data / "postmaster.pid").read_text().split()[0]
            alive = os.path.samefile(f"/proc/{pid}/cwd", self.data)
        except (OSError, IndexError):
            return False  # a stale file, whatever else runs under that number now
        deadline = time.monotonic() + 60
        while alive and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.2)
        return False

    def _as_other_user(self):
        """What to put before a command so that it doesn't run as root; nothing for anybody else."""
        if os.geteuid() != 0:
            return []
        owner = self.data.stat().st_uid if self.data.exists() else None
        candidates = [["unshare", "--user", "--map-user=1000", "--map-group=1000"]] if not owner else []
        if owner != 0:
            user = pwd.getpwuid(owner) if owner else _first_user("postgres", "nobody")
            drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            # The cache is in root's home as a rule, which others may not enter: that one right is kept.
            candidates += [drop, [*drop, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]]
        cache_dir().mkdir(parents=True, exist_ok=True)
        for prefix in candidates:
            if shutil.which(prefix[0]) and not subprocess.run(
                    [*prefix, "stat", cache_dir() / "."], capture_output=True).returncode:
                return prefix
        raise Problem(
            f"PostgreSQL does not run as root, and no other user may enter {cache_dir()}: set AR_CACHE to a folder "
            "that every user can enter, such as /var/tmp/ar_coordinator, or run this as an ordinary user.")

    def _give_away(self, setpriv):
        uid, gid = (int(part.split("=")[1]) for part in setpriv[1:3])
        for folder in (self.home, self.data, self.socket):
            os.chown(folder, uid, gid)


def _first_user(*names):
    return next(user for name in names for user in pwd.getpwall() if user.pw_name == name)


def stop_all():
    """Stop every cluster of the cache."""
    for home in cache_dir().glob("postgresql-*"):
        Cluster(home).stop()


def clean_env():
    """This process's environment without what would lead PostgreSQL's or Odoo's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "ODOO_", "OPENERP_"))}
