"""What the commands, the demo and the benchmarks work with: Odoo, its Python, its databases. See dev/README.md.

    from dev.environment import Environment
    env = Environment.prepare()
    with env.scratch(env.addon_template()) as db:
        env.odoo("shell", "-c", env.conf(db), "-d", db, "--no-http", stdin=script)
"""
import ast
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from .cache import REPO, Problem, cache_dir, die_with_parent, digest, lock, say, step
from .odoo_source import find_odoo
from .postgres import ROLE, SUPERUSER, Cluster, clean_env
from .system import ensure_packages
from .venv import ensure_venv

CORE_MODULES = ["account", "account_payment"]  # beside what ar_coordinator is tested
BASE_MODULES = ["account", "sale_management", "stock", "sale_stock", "account_payment"]  # beside what the bridges are
SHOP_MODULES = ["website_sale", "stock_picking_batch"]  # other ways an order or delivery goes, see testing.SHOP_TESTS
KEEP_TEMPLATES = 4  # of each kind
PREPARED = "AR_DEV_ENVIRONMENT"  # tells child processes what their parent has prepared
WORLD = "from odoo.addons.ar_coordinator.tests import world\nworld.make()\n"
# What browsers load first. Odoo's own test runner makes it before the tests; otherwise each browser test does.
ASSETS = """
for kind, names in {
    "js": ["web.assets_web", "web.assets_frontend_minimal", "web.assets_frontend_lazy",
           "web.assets_tests", "web.__assets_tests_call__"],
    "css": ["web.assets_web", "web.assets_frontend"],
}.items():
    for name in names:
        getattr(env["ir.qweb"]._get_asset_bundle(name, css=kind == "css", js=kind == "js"), kind)()
env.cr.commit()
"""
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (\w+) ")


@dataclasses.dataclass
class Environment:
    python: Path  # of the virtual environment
    odoo_path: Path  # goes on PYTHONPATH
    core_addons: list  # Odoo's addon folders besides odoo/addons
    odoo_version: str

    # === SET-UP === #

    @classmethod
    def prepare(cls):
        """Set up whatever is missing, start PostgreSQL and return the environment. Quick if all is there."""
        told = os.environ.get(PREPARED)
        if told:
            env = cls._from_json(told)
        else:
            ensure_packages()
            odoo = find_odoo()
            env = cls(ensure_venv(), odoo.path, odoo.addons, odoo.version)
        env.cluster.start()
        return env

    @classmethod
    def _from_json(cls, text):
        python, path, addons, version = json.loads(text)
        return cls(Path(python), Path(path), [Path(addon) for addon in addons], version)

    def _to_json(self):
        addons = [str(path) for path in self.core_addons]
        return json.dumps([str(self.python), str(self.odoo_path), addons, self.odoo_version])

    @property
    def cluster(self):
        return Cluster()

    @property
    def data_dir(self):
        """Odoo's data_dir: filestores, sessions."""
        return self.cluster.home / "odoo-data"

    @property
    def modules(self):
        """The addons of this checkout, by name."""
        return sorted(path.parent.name for path in REPO.glob("*/__manifest__.py"))

    @property
    def core_modules(self):
        """Those of them that do not wait for other apps."""
        return [module for module in self.modules if not self.manifest(module).get("auto_install")]

    @property
    def bridge_modules(self):
        """Those that install themselves as soon as ours and the other app are there."""
        return [module for module in self.modules if module not in self.core_modules]

    def manifest(self, module):
        """The manifest of one of our addons, a dict."""
        return ast.literal_eval((REPO / module / "__manifest__.py").read_text())

    @property
    def addons_path(self):
        """Odoo's addons_path, a list: this checkout, then Odoo's own."""
        return [*([REPO] if self.modules else []), *self.core_addons, self.odoo_path / "odoo/addons"]

    # === RUNNING THINGS === #

    def odoo_env(self):
        """Environment variables for children: Odoo and this checkout importable, nothing inherited that misleads."""
        env = {name: value for name, value in clean_env().items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        env["PYTHONPATH"] = os.pathsep.join([str(self.odoo_path), str(REPO)])
        env["PYTHONUNBUFFERED"] = "1"
        env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(cache_dir() / "hypothesis")
        env["PATH"] = os.pathsep.join([str(self.python.parent), str(self.cluster.bin), env.get("PATH", os.defpath)])
        env[PREPARED] = self._to_json()
        return env

    def conf(self, db=None, **options):
        """Path of an odoo.conf for database `db` (none: any); `options` are added or replace ours, by Odoo's names."""
        values = {
            "addons_path": ",".join(map(str, self.addons_path)), "data_dir": self.data_dir,
            "db_host": self.cluster.socket, "db_port": 5432, "db_user": ROLE, "db_name": db or False,
            "dbfilter": f"^{re.escape(db)}$" if db else "", "list_db": False,
            "http_interface": "127.0.0.1", "workers": 0, "max_cron_threads": 0, "with_demo": False,
            "geoip_city_db": "", "geoip_country_db": "", "screenshots": REPO / "test-output",
            "smtp_server": "localhost", "smtp_port": 1,  # nobody listens: nothing leaves this machine
            **options}
        text = "[options]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
        path = cache_dir() / "conf" / f"{digest(text)}.conf"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{secrets.token_hex(4)}")
            part.write_text(text)
            part.rename(path)
        return path

    def odoo(self, *args, stdin=None, check=True, **kwargs):
        """Run the odoo program and return the CompletedProcess; `stdin` is text for it. Options: subprocess.run's."""
        return subprocess.run(
            [str(self.python), "-m", "odoo", *map(str, args)], env=self.odoo_env(), check=check, text=True,
            **({"input": stdin} if stdin is not None else {}), **kwargs)

    def free_port(self):
        """A TCP port that is free now."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def psql(self, query, database):
        """Run SQL on a database and return its rows, a list of strings each."""
        return self.cluster.psql(query, database)

    def psql_dsn(self, db):
        """Connection string for psycopg2."""
        return f"host='{self.cluster.socket}' port=5432 user={ROLE} dbname={db}"

    # === DATABASES === #

    def dev_database(self):
        """Name of this checkout's development database, which stays; our addons are updated in it if they changed."""
        name = "dev_" + digest(REPO)
        with lock(f"template-{name}"):
            if not self.exists(name):
                self.clone(self.addon_template(), name)
            elif self._note(name) != self.addons_hash():
                with step(f"Updating {', '.join(self.modules)} in {name}"):
                    self._install(name, self.modules, clean_log=True, how="-u")
            self.psql(f"COMMENT ON DATABASE {name} IS '{self.addons_hash()}'", "postgres")
        return name

    def _note(self, db):
        query = f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{db}'"
        return self.psql(query, "postgres")[0][0]

    def exists(self, db):
        return bool(self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{db}'", "postgres"))

    def clone(self, template, name):
        """Make database `name` a copy of `template`, files included (as links: Odoo never changes them)."""
        self.drop(name)
        files = self._filestore(template)
        if files.exists():
            shutil.copytree(files, self._filestore(name), copy_function=os.link)
        self.psql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy', "postgres")
        return name

    def drop(self, name):
        """Remove a database and its files; nothing happens if there is none."""
        # by the superuser: whoever may not stop an autovacuum worker that is busy there is refused
        self.cluster.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', role=SUPERUSER)
        shutil.rmtree(self._filestore(name), ignore_errors=True)

    @contextlib.contextmanager
    def scratch(self, template):
        """A copy of `template` under a name of its own, dropped at the end (or by the next run, if we are killed)."""
        self._sweep()
        name = f"run_{secrets.token_hex(6)}"
        with lock(f"db-{name}"):
            try:
                yield self.clone(template, name)
            finally:
                self.drop(name)
        (cache_dir() / "locks" / f"db-{name}").unlink(missing_ok=True)

    def base_template(self, core=False):
        """Name of a database with Odoo's modules that ours work with, and none of ours; `core`: without other apps."""
        modules = CORE_MODULES if core else BASE_MODULES
        name = ("plain_" if core else "base_") + digest(self.odoo_version, *modules)
        text = f"Building a database with {', '.join(modules)} (about 1 minute)"
        return self.template(name, None, text, lambda part: self._install(part, modules, clean_log=False))

    def addon_template(self, core=False):
        """Name of a database with this checkout's addons installed; built again when their files change.

        `core`: only what installs without sale and stock.
        """
        base = self.base_template(core)
        modules = self.core_modules if core else self.modules
        if not modules:
            return base
        name = ("core_" if core else "addon_") + digest(base, self.addons_hash(modules))
        text = f"Building a database with {', '.join(modules)}"
        return self.template(name, base, text, lambda part: self._install(part, modules, clean_log=True))

    def shop_template(self):
        """Name of a database with this checkout's addons beside an online shop and batch transfers."""
        base = self.addon_template()
        text = f"Building a database with {', '.join(SHOP_MODULES)}"
        return self.template(
            "shop_" + digest(base, *SHOP_MODULES), base, text,
            lambda part: self._install(part, SHOP_MODULES, clean_log=False))

    def test_template(self):
        """Name of a database with the core, what its tests begin with (ar_coordinator/tests/world.py) and ASSETS."""
        base = self.addon_template(core=True)
        world = (REPO / "ar_coordinator/tests/world.py").read_text()
        return self.template(
            "world_" + digest(base, world, ASSETS), base, "Making what the tests begin with",
            lambda part: self.odoo(
                "shell", "-c", self.conf(part), "-d", part, "--no-http", "--log-level=warn", stdin=WORLD + ASSETS,
                stdout=subprocess.PIPE, preexec_fn=die_with_parent))

    def addons_hash(self, modules=None):
        """Changes with every file of the addons that matters to an installation (not the Python tests)."""
        result = hashlib.sha256()
        for module in modules or self.modules:
            for path in sorted((REPO / module).rglob("*")):
                inside = path.relative_to(REPO / module)
                if path.is_file() and "__pycache__" not in inside.parts and inside.parts[0] != "tests":
                    result.update(f"{module}/{inside}".encode() + hashlib.sha256(path.read_bytes()).digest())
        return result.hexdigest()

    def template(self, name, base, text, fill):
        """Name of a database made once: a copy of `base` (None: nothing) that `fill(its name for now)` completes.

        Give it a new name when what goes in changes: `kind_<hash>`; of each kind the latest used stay. `fill` must have
        closed its connections when it returns.
        """
        if base:
            used = cache_dir() / "used" / name
            used.parent.mkdir(exist_ok=True)
            used.touch()
        if self.exists(name):
            return name
        with lock(f"template-{name}"):
            if self.exists(name):
                return name
            part = f"{name}_part"
            self.drop(part)
            with step(text):
                try:
                    if base:
                        self.clone(base, part)
                    fill(part)
                except BaseException:
                    self.drop(part)
                    raise
                shutil.rmtree(self._filestore(name), ignore_errors=True)
                if self._filestore(part).exists():
                    self._filestore(part).rename(self._filestore(name))
                self.psql(f'ALTER DATABASE "{part}" ALLOW_CONNECTIONS false', "postgres")
                self.psql(f'ALTER DATABASE "{part}" RENAME TO "{name}"', "postgres")  # from here on it counts
        if base:
            self._forget_old_templates(name.partition("_")[0])
        return name

    def _install(self, db, modules, clean_log, how="-i"):
        done = self.odoo(
            "server", "-c", self.conf(db), "-d", db, how, ",".join(modules), "--no-http", "--stop-after-init",
            stdin="", check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
            preexec_fn=die_with_parent)
        log = cache_dir() / "logs" / f"install-{db}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(done.stdout)
        bad = bad_records(done.stdout)
        if done.returncode or (bad and clean_log):
            raise Problem("\n".join([
                f"Installing {', '.join(modules)} failed or gave warnings; the whole log is {log}.",
                *(bad or done.stdout.splitlines()[-30:])]))
        installed = self.psql("SELECT name FROM ir_module_module WHERE state = 'installed'", db)
        missing = set(modules) - {row[0] for row in installed}
        if missing:
            raise Problem(f"Not installed, though Odoo did not complain: {', '.join(sorted(missing))}; see {log}")

    def _filestore(self, db):
        return self.data_dir / "filestore" / db

    def _forget_old_templates(self, kind):
        """Keep the templates of a kind used last; a copy does not need its template."""
        used = sorted((cache_dir() / "used").glob(f"{kind}_*"), key=lambda path: path.stat().st_mtime)
        for path in used[:-KEEP_TEMPLATES]:
            with lock(f"template-{path.name}", wait=False) as ours:
                if ours:
                    self.drop(path.name)
                    path.unlink(missing_ok=True)

    def _sweep(self):
        """Drop the databases of runs that were killed: nobody holds their locks any more."""
        for path in (cache_dir() / "locks").glob("db-run_*"):
            with lock(path.name, wait=False) as ours:
                if ours:
                    say(f"  removing {path.name[3:]}, left by an interrupted run")
                    self.drop(path.name[3:])
                    path.unlink(missing_ok=True)


def bad_records(log):
    """The lines of the warnings, errors and tracebacks in the text of a server log."""
    result, bad = [], False
    for line in log.splitlines():
        start = LOG_LINE.match(line)
        bad = start[1] in ("WARNING", "ERROR", "CRITICAL") if start else bad
        if bad:
            result.append(line)
    return result
