"""`make bench`: measure this project on a generated ledger against plain SQL and against a peer. See README.md.

    make bench                           20,000 invoices
    make bench INVOICES=200000           the large one
    make bench ROWS=dunning,credit       only these rows; see GROUPS
    make bench AR_BENCH_KEEP=1           keep the databases (and use them again for the same ledger)

Also PARTNERS (default: a twentieth of the invoices), MONTHS (24), SEED (1), ROUNDS (7), PEERS=0 (ours alone).
"""
import contextlib
import datetime
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import peer, peer_dunning, report
from benchmarks.rows_cash import LOAD, SEED, CashRows
from benchmarks.rows_credit import CreditRows
from benchmarks.rows_install import InstallRows
from benchmarks.rows_reports import ReportRows
from dev.cache import REPO, Problem, digest, say, step
from dev.environment import Environment

OUT = Path(__file__).parent / 'out'
POSTED = 300
CONFIRMED = 200  # orders
MAILED = 500  # dunning letters
PEER_MAILED = 100  # of the peer, which is slower
MAIL_BATCH = 50  # letters per transaction, as the background job has it
RECIPE = ('generator.py', 'plan.py')
PEER_ROUNDS = 3
# rows that can be chosen -> the databases they need
GROUPS = {
    'ageing': ('addon', 'thin', 'fifth'), 'posting': ('core', 'addon'), 'confirming': ('core', 'addon'),
    'dunning': ('tenth', 'dunning'), 'credit': ('credit',), 'kpi': ('addon',), 'xlsx': ('addon',),
    'screen': ('wide',), 'worklist': ('desk',), 'statements': ('addon',),
    'install': ('core',), 'cash': ('cash',)}
WIDE = 50_000
DUNNING_CUSTOMERS = 10  # invoices per customer in the ledgers for dunning: half the customers have something due


class Settings:
    """What was asked for on the command line."""

    def __init__(self, environ):
        def number(name, default):
            try:
                value = int(environ.get(name) or default)
            except ValueError:
                value = 0
            if value <= 0:
                raise Problem(f"{name} must be a whole number above 0, not {environ[name]!r}.")
            return value
        self.invoices = number('INVOICES', 20_000)
        self.partners = number('PARTNERS', max(self.invoices // 20, 10))
        self.months, self.seed, self.rounds = number('MONTHS', 24), number('SEED', 1), number('ROUNDS', 7)
        self.tenth, self.fifth = max(self.invoices // 10, 100), max(self.invoices // 5, 100)
        self.wide = max(min(self.invoices // 4, WIDE), self.partners)  # customers of the ledger with many of them
        chosen = {name.strip() for name in (environ.get('ROWS') or '').split(',') if name.strip()}
        if unknown := chosen - set(GROUPS):
            raise Problem(f"ROWS has {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}.")
        self.rows = [name for name in GROUPS if not chosen or name in chosen]
        self.keep = environ.get('AR_BENCH_KEEP', '0') not in ('', '0')
        self.peers = environ.get('PEERS', '1') not in ('', '0')
        self.today = datetime.date.today()

    def past(self, days):
        return (self.today - datetime.timedelta(days)).isoformat()


# === DATABASES === #

class Databases:
    """The bench's own databases, made when rows need them: generated ledgers with Odoo only, copies with our addons.

    `core` and `addon`: one ledger without and with ours; `thin`: the same with a third of the paid history; `fifth`: of
    a fifth of the size; `dunning`, `tenth` and `credit`: with few invoices per customer; `wide`: with many customers;
    `desk`: the same, and each of them owes something overdue.
    """

    def __init__(self, env, settings):
        self.env, self.settings = env, settings
        self.prefix = f"bench_{digest(REPO)}"

    def name(self, role):
        if role == 'wide' and self.settings.wide == self.settings.partners:
            role = 'addon'
        return f"{self.prefix}_{role}"

    def build(self):
        """Generate the ledgers that the chosen rows need, and install the addons."""
        settings = self.settings
        roles = {role for group in settings.rows for role in GROUPS[group]}
        if settings.wide == settings.partners:
            roles = {'addon' if role == 'wide' else role for role in roles}
        few = max(settings.invoices // DUNNING_CUSTOMERS, 10)
        plans = (  # source, its ledger, copies with our addons
            ('core', {}, ('addon',)),
            ('thin_core', {'paid_history': 1 / 3}, ('thin',)),
            ('fifth_core', {'invoices': settings.fifth, 'partners': max(settings.partners // 5, 10)}, ('fifth',)),
            ('wide_core', {'partners': settings.wide}, ('wide', 'desk')),
            ('dunning_core', {'partners': few}, ('dunning', 'credit')),
            ('tenth_core', {'invoices': settings.tenth, 'partners': max(few // 10, 10)}, ('tenth',)))
        if 'cash' in roles:
            self._cash()
        for source, ledger, copies in plans:
            wanted = [role for role in copies if role in roles]
            if not wanted and source not in roles:
                continue
            self._ledger(source, **ledger)
            for role in wanted:
                self._with_addon(source, role)
            if source not in roles and not settings.keep:
                self.env.drop(self.name(source))  # a large ledger takes gigabytes

    def _cash(self):
        """The test bed of cash application, in a database with our addons and nothing else."""
        name = self.name('cash')
        self.env.clone(self.env.base_template(), name)
        with step("Generating 10,000 bank transactions and 40,000 open items"):
            self.install('cash', self.env.modules)
            self._odoo(name, LOAD.format(seed=SEED))
            self._vacuum(name)

    def _ledger(self, role, paid_history=1.0, invoices=None, partners=None):
        settings, name = self.settings, self.name(role)
        invoices, partners = invoices or settings.invoices, partners or settings.partners
        recipe = digest(
            invoices, partners, settings.months, settings.seed, settings.today, paid_history,
            self.env.base_template(), *((REPO / 'benchmarks' / file).read_text() for file in RECIPE))
        if self.env.exists(name) and self._recipe(name) == recipe:
            say(f"  using the ledger of an earlier run ({name})")
            return
        self.env.clone(self.env.base_template(), name)
        share = "" if paid_history == 1 else " with a third of the paid history"
        with step(f"Generating {invoices:,} invoices of {partners:,} customers{share}"):
            parameters = {
                'invoices': invoices, 'partners': partners, 'months': settings.months,
                'seed': settings.seed, 'paid_history': paid_history}
            self._odoo(name, GENERATE.format(parameters=parameters))
        self._vacuum(name)
        self.env.psql(f"COMMENT ON DATABASE {name} IS '{recipe}'", 'postgres')  # complete

    def _recipe(self, name):
        return self.env.psql(
            f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{name}'", 'postgres')[0][0]

    def _with_addon(self, source, role):
        name = self.name(role)
        with step(f"Copying {self.name(source)} and installing {', '.join(self.env.modules)}"):
            self.env.clone(self.name(source), name)
            self.install(role, self.env.modules)
            self._vacuum(name)

    def install(self, role, modules, **conf):
        name = self.name(role)
        done = self.env.odoo(
            'server', '-c', self.env.conf(name, **conf), '-d', name, '-i', ','.join(modules), '--no-http',
            '--stop-after-init', '--log-level=warn', check=False, stdin="", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        states = dict(self.env.psql("SELECT name, state FROM ir_module_module", name))
        if done.returncode or any(states.get(module) != 'installed' for module in modules):
            raise Problem(f"{', '.join(modules)} could not be installed in {name}:\n{done.stdout[-2000:]}")

    def _odoo(self, name, script):
        done = self.env.odoo(
            'shell', '-c', self.env.conf(name), '-d', name, '--no-http', '--log-level=warn', check=False, stdin=script,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=REPO)
        if done.returncode or 'Traceback' in done.stdout:
            raise Problem(f"The ledger could not be generated:\n{done.stdout[-3000:]}")
        say("  " + done.stdout.strip().splitlines()[-1])

    def _vacuum(self, name):
        """What autovacuum does in a database that lives: statistics and visibility map up to date."""
        self.env.psql('VACUUM (ANALYZE)', name)

    def drop(self):
        """Drop all databases of this checkout's benchmarks."""
        for [name] in self.env.psql(
                f"SELECT datname FROM pg_database WHERE starts_with(datname, '{self.prefix}_')", 'postgres'):
            self.env.drop(name)


GENERATE = """
from benchmarks import generator
counts = generator.generate(env, generator.Parameters(**{parameters}))
values = generator.validate(env, sample=500)
env.cr.commit()
counts = ', '.join(f'{{name}} {{count:,}}' for name, count in counts.items())
print(f'{{counts}}; {{values:,}} values agree with Odoo')
"""


# === MEASURING === #

class Worker:
    """A child process that does jobs, see worker.py."""

    def __init__(self, env, *arguments):
        self.process = subprocess.Popen(
            [str(env.python), '-m', 'benchmarks.worker', *map(str, arguments)], cwd=REPO, env=env.odoo_env(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def do(self, job, table=False, **arguments):
        """Do a job and return the answer.

        :raise Problem: when the job failed or the process died
        """
        self.process.stdin.write(json.dumps({'job': job, 'arguments': arguments, 'table': table}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {'error': "the process ended"}
        if 'error' in answer:
            raise Problem(f"Measuring {job} failed: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def medians(rounds, key='seconds'):
    """Median of `key` for each side of [(answer, answer)]."""
    return [statistics.median(answer[key] for answer in side) for side in zip(*rounds, strict=True)]


class Bench(CashRows, CreditRows, InstallRows, ReportRows):
    """The measurements; `results` are the rows of results.json."""

    def __init__(self, env, settings, databases):
        self.env, self.settings, self.databases = env, settings, databases
        self.results = []
        self.addons = {}  # {database: addons path with its peers}

    @contextlib.contextmanager
    def workers(self, *wanted):
        """Yield a fresh worker for each of `wanted`: 'sql:<database role>' or a role."""
        workers = []
        try:
            for role in wanted:
                kind, _colon, name = role.rpartition(':')
                database = self.databases.name(name)
                if kind == 'sql':
                    dsn = self.env.psql_dsn(database)
                    workers.append(Worker(self.env, '--sql', dsn, self.settings.today.isoformat()))
                else:
                    workers.append(Worker(self.env, self._conf(database), database))
            yield workers
        finally:
            for worker in workers:
                worker.close()

    def _conf(self, database):
        path = self.addons.get(database)
        return self.env.conf(database, **({'addons_path': ','.join(map(str, path))} if path else {}))

    def against_floor(self, name, job, day=None, role='addon'):
        """Measure a job in alternation with plain SQL that gives the same table, each in a process of its own."""
        say(f"  {name}")
        arguments = {'day': day} if day else {}
        has_table = job != 'xlsx'
        with self.workers(role, f'sql:{role}') as (ours, floor):
            first = ours.do(job, table=has_table, **arguments)
            expected = floor.do(job, table=has_table, **arguments)
            if has_table:
                report.check_same(name, first['table'], expected['table'])
            rounds = [(ours.do(job, **arguments), floor.do(job, **arguments)) for _round in range(self.settings.rounds)]
        self.floor_row(name, rounds, job=job, day=day)
        return first.get('table')

    def floor_row(self, name, rounds, **more):
        """Keep what `rounds` of (ours, floor) took."""
        seconds, floor_seconds = medians(rounds)
        self.results.append({
            'name': name, 'size': self.settings.invoices, 'seconds': seconds, 'queries': rounds[0][0]['queries'],
            'peak_mb': rounds[-1][0]['peak_mb'], 'floor_seconds': floor_seconds,
            'ratio_to_floor': seconds / floor_seconds, 'peer': None, 'peer_seconds': None, 'speedup': None,
            'peer_queries': None, 'peer_peak_mb': None,
            'all_seconds': [mine['seconds'] for mine, _floor in rounds], **more})

    def paid_history(self):
        """Today's ageing on the ledger with a third of the paid history: the same table, in the same time."""
        say("  today's ageing with a third of the paid history")
        with self.workers('addon', 'thin') as (full, thin):
            tables = [worker.do('aged', table=True)['table'] for worker in (thin, full)]
            report.check_same("a third of the paid history", *tables)
            rounds = [(full.do('aged'), thin.do('aged')) for _round in range(2 * self.settings.rounds)]
        full_seconds, thin_seconds = medians(rounds)
        self.results.append({
            'name': "Aged today, a third of the paid history", 'size': self.settings.invoices, 'seconds': thin_seconds,
            'queries': rounds[0][1]['queries'], 'peak_mb': rounds[-1][1]['peak_mb'],
            'full_history_seconds': full_seconds, 'ratio_to_full_history': thin_seconds / full_seconds})

    def growth(self):
        """Past ageing in turns with that of a ledger of a fifth of the size: cost grows no faster than the ledger.

        Beside it plain SQL on both, which shows what a larger ledger costs on this machine whoever reads it.
        """
        say("  ageing as of a year ago in a ledger of a fifth of the size")
        day = self.settings.past(365)
        with self.workers('addon', 'fifth', 'sql:addon', 'sql:fifth') as workers:
            for worker in workers:
                worker.do('aged', day=day)
            rounds = [tuple(worker.do('aged', day=day) for worker in workers) for _round in range(self.settings.rounds)]
            rows_read = [worker.do('aged_rows_read', day=day)['rows_read'] for worker in workers[:2]]
        whole_seconds, seconds, floor_whole_seconds, floor_seconds = medians(rounds)
        self.results.append({
            'name': report.FIFTH, 'size': self.settings.fifth, 'seconds': seconds, 'queries': rounds[0][1]['queries'],
            'peak_mb': rounds[-1][1]['peak_mb'], 'whole_ledger_seconds': whole_seconds,
            'growth': whole_seconds / seconds, 'floor_growth': floor_whole_seconds / floor_seconds,
            'rows_read': rows_read[1], 'rows_growth': rows_read[0] / rows_read[1],
            'times_as_large': self.settings.invoices / self.settings.fifth})

    def posting(self):
        """Post invoices with and without the addon, in turns; both databases are copies of one ledger."""
        name = f"Posting {POSTED} invoices"
        say(f"  {name}, with and without the addon")
        with self.workers('addon', 'core') as (with_addon, without):
            for worker in (with_addon, without):
                worker.do('create_drafts', count=POSTED)
                worker.do('post')
            rounds = [(with_addon.do('post'), without.do('post')) for _round in range(self.settings.rounds)]
        self._beside_odoo(name, rounds)

    def confirming(self):
        """Confirm orders, with goods to deliver, with and without the addons, in turns."""
        with self.workers('addon', 'core') as (with_addon, without):
            for worker in (with_addon, without):
                worker.do('create_orders', count=CONFIRMED)
                worker.do('confirm')
            for how, each in (("at once", False), ("one by one", True)):
                name = f"Confirming {CONFIRMED} orders {how}"
                say(f"  {name}, with and without the addons")
                rounds = [
                    (with_addon.do('confirm', each=each), without.do('confirm', each=each))
                    for _round in range(PEER_ROUNDS)]
                self._beside_odoo(name, rounds)

    def _beside_odoo(self, name, rounds):
        """Keep what a job of Odoo's takes: `rounds` of (with the addons, without)."""
        mine, theirs = medians(rounds)
        cpu, cpu_without = medians(rounds, 'cpu_seconds')
        self.results.append({
            'name': name, 'size': self.settings.invoices, 'seconds': mine, 'queries': rounds[0][0]['queries'],
            'peak_mb': rounds[-1][0]['peak_mb'], 'without_addon_seconds': theirs,
            'without_addon_queries': rounds[0][1]['queries'], 'cpu_seconds': cpu,
            'without_addon_cpu_seconds': cpu_without, 'slower_percent': 100 * (cpu / cpu_without - 1),
            'all_seconds': [[answer['seconds'] for answer in side] for side in zip(*rounds, strict=True)]})

    def dunning(self):
        """Evaluate dunning runs over a ledger and one of a tenth of its size, and create e-mails of some letters."""
        say("  dunning: evaluation and e-mails")
        for role, name, size in (
                ('tenth', report.TENTH, self.settings.tenth), ('dunning', report.EVALUATION, self.settings.invoices)):
            with self.workers(role) as (worker,):
                counts = worker.do('dunning_prepare', count=MAILED)['counts']
                rounds = [worker.do('dunning_evaluate') for _round in range(PEER_ROUNDS)]
                self._dunning_row(name, rounds, counts, size)
        with self.workers('dunning') as (worker,):
            counts = worker.do('dunning_prepare', count=MAILED)['counts']
            rounds = [worker.do('dunning_send', batch=MAIL_BATCH) for _round in range(PEER_ROUNDS)]
            self._dunning_row(report.EMAILS, rounds, counts, self.settings.invoices)
        self.peer_dunning()

    def _dunning_row(self, name, rounds, counts, size):
        self.results.append({
            'name': name, 'size': size, 'queries': rounds[-1]['queries'],
            'seconds': statistics.median(answer['seconds'] for answer in rounds), 'peak_mb': rounds[-1]['peak_mb'],
            'cpu_seconds': statistics.median(answer['cpu_seconds'] for answer in rounds),
            'all_seconds': [answer['seconds'] for answer in rounds], 'dunning': counts})

    def peer_dunning(self):
        """Install the peer in the same database and let it do the same work, in turns with ours."""
        label = self._install_peer(peer_dunning, 'dunning')
        if not label:
            return
        rows = {row['name']: row for row in self.results}
        with self.workers('dunning', 'dunning') as (ours, theirs):
            ours.do('dunning_prepare', count=MAILED)
            say("  dunning: the peer's three steps, which take minutes on a large ledger")
            theirs.do('peer_dunning_prepare')
            rounds = [(theirs.do('peer_dunning_evaluate'), ours.do('dunning_evaluate'))]
            self._beside_peer(rows[report.EVALUATION], rounds, label)
            report.check_asked(rounds[0][0]['asked'], ours.do('dunning_asked')['asked'])
            rounds = [
                (theirs.do('peer_dunning_send', count=PEER_MAILED), ours.do('dunning_send', batch=MAIL_BATCH))
                for _round in range(PEER_ROUNDS)]
            self._beside_peer(rows[report.EMAILS], rounds, label, MAILED / PEER_MAILED)

    def _install_peer(self, module, role):
        """Install a peer in a database, whose workers have it from now on; return its name and version.

        None when it cannot be fetched, or peers are not wanted.
        """
        if not self.settings.peers:
            return None
        try:
            addons, version = module.fetch(self.env)
        except subprocess.CalledProcessError as error:
            why = (error.stderr.strip().splitlines() or ["pip failed"])[-1]
            say(f"  {module.NAME} could not be fetched from PyPI, its columns stay empty: {why}")
            return None
        database = self.databases.name(role)
        path = self.addons[database] = [*self.addons.get(database, self.env.addons_path), addons]
        with step(f"Installing {module.NAME} {version}"):
            self.databases.install(role, module.MODULES, addons_path=','.join(map(str, path)))
            self.databases._vacuum(database)
        return f"{module.NAME} {version}"

    def _beside_peer(self, row, rounds, label, factor=1):
        """Add a peer's figures to a row; `rounds` are (theirs, ours), `factor` makes theirs as much work as ours."""
        theirs, ours = medians(rounds)
        row.update(
            peer=label, peer_seconds=theirs * factor, speedup=theirs * factor / ours, seconds_beside_peer=ours,
            peer_queries=round(rounds[0][0]['queries'] * factor), peer_peak_mb=rounds[-1][0]['peak_mb'],
            peer_counts=rounds[0][0].get('counts'))

    def peer(self, totals):
        """Install the peer in the same database and measure it; it must show `totals`, {day: {customer: total}}."""
        label = self._install_peer(peer, 'addon')
        for row in self.results:
            job = {'aged': 'peer_aged', 'xlsx': 'peer_xlsx'}.get(row.get('job'))
            if job and label:
                self._measure_peer(row, job, label, totals)
            elif job:
                row['peer'] = f"{peer.NAME}: {'could not be fetched' if self.settings.peers else 'left out'}"

    def _measure_peer(self, row, job, label, totals):
        say(f"  {row['name']}: peer")
        day = row['day']
        with self.workers('addon', 'addon') as (worker, ours):
            first = worker.do(job, table=job == 'peer_aged', day=day)
            if job == 'peer_aged':
                report.check_same(label, first['table'], totals[day])
            ours.do(row['job'], day=day)
            rounds = []
            for _round in range(PEER_ROUNDS if first['seconds'] < 10 else 1):
                theirs = worker.do(job, day=day)
                rounds += [(theirs, ours.do(row['job'], day=day)) for _turn in range(PEER_ROUNDS)]
        seconds, beside = medians(rounds)
        row.update(
            peer=label, peer_seconds=seconds, speedup=seconds / beside, seconds_beside_peer=beside,
            peer_queries=first['queries'], peer_peak_mb=rounds[-1][0]['peak_mb'])

    def ageing(self):
        """Ageing, with and without tie-out, and its XLSX; returns the totals that the peer must show."""
        year, quarter = self.settings.past(365), self.settings.past(90)
        totals = {}
        for name, day in (("Aged as of a year ago", year), ("Aged as of 90 days ago", quarter), ("Aged today", None)):
            table = self.against_floor(name, 'aged', day)
            totals[day] = {customer: row[-2] for customer, row in table.items()}
        self.against_floor("Aged as of a year ago, with tie-out", 'aged_tie_out', year)
        self.against_floor("Aged today, with tie-out", 'aged_tie_out')
        self.against_floor("XLSX as of a year ago", 'xlsx', year)
        self.against_floor("XLSX today", 'xlsx')
        self.paid_history()
        self.growth()
        return totals

    def run(self):
        """Measure the chosen rows; peers are installed last, so that ours don't have them in the way.

        :return: MB that an Odoo process takes that did nothing
        """
        rows = self.settings.rows
        totals = self.ageing() if 'ageing' in rows else None
        for group in rows:
            if group != 'ageing':
                getattr(self, group)()
        some = next((role for group in rows for role in GROUPS[group] if role != 'core'), 'core')
        with self.workers(some) as (worker,):
            idle = worker.do('idle')['peak_mb']
        if 'statements' in rows:
            self.peer_statements()
        if totals:
            self.peer(totals)
        return idle


def main():
    settings = Settings(os.environ)
    env = Environment.prepare()
    databases = Databases(env, settings)
    bench = Bench(env, settings, databases)
    try:
        databases.build()
        say("Measuring")
        idle = bench.run()
    finally:
        if settings.keep:
            say(f"The databases {databases.name('*')} are kept; make bench without AR_BENCH_KEEP drops them.")
        else:
            databases.drop()
    return report.publish(bench.results, settings, idle, OUT)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Problem as problem:
        say(f"make bench: {problem}")
        sys.exit(1)
