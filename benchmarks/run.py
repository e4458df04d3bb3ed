"""`make bench`: measure this project on a generated ledger against plain SQL and against a peer. See README.md.

    make bench                           20,000 invoices
    make bench INVOICES=200000           the large one
    make bench AR_BENCH_KEEP=1           keep the databases (and use them again for the same ledger)

Also PARTNERS (default: a twentieth of the invoices), MONTHS (24), SEED (1), ROUNDS (7).
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
        self.tenth = max(self.invoices // 10, 100)
        self.keep = environ.get('AR_BENCH_KEEP', '0') not in ('', '0')
        self.today = datetime.date.today()

    def past(self, days):
        return (self.today - datetime.timedelta(days)).isoformat()


# === DATABASES === #

class Databases:
    """The bench's own databases: `core` (Odoo only) and `thin` (a third of the paid history), and copies with ours."""

    def __init__(self, env, settings):
        self.env, self.settings = env, settings
        self.prefix = f"bench_{digest(REPO)}"

    def name(self, role):
        return f"{self.prefix}_{role}"

    def build(self):
        """Generate the ledgers and install the addon."""
        self._ledger('core', 1.0)
        self._with_addon('core', 'addon')
        self._ledger('thin', 1 / 3)
        self._with_addon('thin', 'thin_addon')
        for source, role, invoices in (
                ('dunning_core', 'dunning', self.settings.invoices), ('tenth_core', 'tenth', self.settings.tenth)):
            self._ledger(source, 1.0, invoices, max(invoices // DUNNING_CUSTOMERS, 10))
            self._with_addon(source, role)

    def _ledger(self, role, paid_history, invoices=None, partners=None):
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
        for role in (
                'core', 'addon', 'thin', 'thin_addon', 'dunning_core', 'dunning', 'tenth_core', 'tenth'):
            self.env.drop(self.name(role))


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


class Bench:
    """The measurements; `results` are the rows of results.json."""

    def __init__(self, env, settings, databases):
        self.env, self.settings, self.databases = env, settings, databases
        self.results = []

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
        return self.env.conf(database)

    def against_floor(self, name, job, day=None):
        """Measure a job in alternation with plain SQL that gives the same table, each in a process of its own."""
        say(f"  {name}")
        arguments = {'day': day} if day else {}
        has_table = job != 'xlsx'
        with self.workers('addon', 'sql:addon') as (ours, floor):
            first = ours.do(job, table=has_table, **arguments)
            expected = floor.do(job, table=has_table, **arguments)
            if has_table:
                report.check_same(name, first['table'], expected['table'])
            rounds = [(ours.do(job, **arguments), floor.do(job, **arguments)) for _round in range(self.settings.rounds)]
        seconds, floor_seconds = medians(rounds)
        self.results.append({
            'name': name, 'size': self.settings.invoices, 'seconds': seconds, 'queries': rounds[0][0]['queries'],
            'peak_mb': rounds[-1][0]['peak_mb'], 'floor_seconds': floor_seconds,
            'ratio_to_floor': seconds / floor_seconds, 'peer': None, 'peer_seconds': None, 'speedup': None,
            'peer_queries': None, 'peer_peak_mb': None,
            'all_seconds': [mine['seconds'] for mine, _floor in rounds], 'job': job, 'day': day})
        return first.get('table')

    def paid_history(self):
        """Today's ageing on the ledger with a third of the paid history: the same table, in the same time."""
        say("  today's ageing with a third of the paid history")
        with self.workers('addon', 'thin_addon') as (full, thin):
            tables = [worker.do('aged', table=True)['table'] for worker in (thin, full)]
            report.check_same("a third of the paid history", *tables)
            rounds = [(full.do('aged'), thin.do('aged')) for _round in range(2 * self.settings.rounds)]
        full_seconds, thin_seconds = medians(rounds)
        self.results.append({
            'name': "Aged today, a third of the paid history", 'size': self.settings.invoices, 'seconds': thin_seconds,
            'queries': rounds[0][1]['queries'], 'peak_mb': rounds[-1][1]['peak_mb'],
            'full_history_seconds': full_seconds, 'ratio_to_full_history': thin_seconds / full_seconds})

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
        path = self._install_peer(peer_dunning, 'dunning')
        if not path:
            return
        label = f"{peer_dunning.NAME} {path[1]}"
        rows = {row['name']: row for row in self.results}
        conf, self._conf = self._conf, lambda database: self.env.conf(database, addons_path=path[0])
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
        self._conf = conf

    def _install_peer(self, module, role):
        """Return (addons path with the peer, its version), or None when it cannot be fetched."""
        try:
            addons, version = module.fetch(self.env)
        except subprocess.CalledProcessError as error:
            why = (error.stderr.strip().splitlines() or ["pip failed"])[-1]
            say(f"  {module.NAME} could not be fetched from PyPI, its columns stay empty: {why}")
            return None
        path = ','.join(map(str, [*self.env.addons_path, addons]))
        with step(f"Installing {module.NAME} {version}"):
            self.databases.install(role, module.MODULES, addons_path=path)
            self.databases._vacuum(self.databases.name(role))
        return path, version

    def _beside_peer(self, row, rounds, label, factor=1):
        """Add a peer's figures to a row; `rounds` are (theirs, ours), `factor` makes theirs as much work as ours."""
        theirs, ours = medians(rounds)
        row.update(
            peer=label, peer_seconds=theirs * factor, speedup=theirs * factor / ours, seconds_beside_peer=ours,
            peer_queries=round(rounds[0][0]['queries'] * factor), peer_peak_mb=rounds[-1][0]['peak_mb'],
            peer_counts=rounds[0][0].get('counts'))

    def peer(self, totals):
        """Install the peer in the same database and measure it; it must show `totals`, {day: {customer: total}}."""
        found = self._install_peer(peer, 'addon')
        if not found:
            for row in self.results:
                if not row.get('peer'):
                    row['peer'] = f"{peer.NAME}: could not be fetched"
            return
        path, version = found
        self._conf = lambda database: self.env.conf(database, addons_path=path)
        for row in self.results:
            job = {'aged': 'peer_aged', 'xlsx': 'peer_xlsx'}.get(row.get('job'))
            if job:
                self._measure_peer(row, job, f"{peer.NAME} {version}", totals)

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

    def run(self):
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
        self.posting()
        self.confirming()
        self.dunning()
        with self.workers('addon') as (worker,):
            idle = worker.do('idle')['peak_mb']
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
