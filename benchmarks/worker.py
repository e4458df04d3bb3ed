"""A process that is measured: does one job at a time for run.py and says how long it took and what it needed.

    python -m benchmarks.worker CONF DATABASE     an Odoo process; jobs are the methods of OdooJobs
    python -m benchmarks.worker --sql DSN TODAY   plain SQL, Odoo is not loaded; jobs are the methods of floor.Floor

A line on stdin is a job as JSON: {"job": name, "arguments": {...}, "table": true if the result's table is wanted}. The
answer is a line on stdout: {"seconds", "queries", "cpu_seconds" (of this process and its PostgreSQL
backend, without parallel workers), "peak_mb" (of the process so far), "table"}, or {"error": text}.
"""
import contextlib
import datetime
import gc
import importlib
import itertools
import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.worker_cash import CashJobs
from benchmarks.worker_credit import CreditJobs
from benchmarks.worker_reports import ReportJobs


class OdooJobs(CashJobs, CreditJobs, ReportJobs):
    """Jobs in Odoo, with the administrator's rights and rules; each in a transaction that is rolled back."""

    def __init__(self, conf, db):
        config = importlib.import_module('odoo.tools').config
        config.parse_config(['-c', conf, '-d', db, '--no-http', '--log-level=warn'], setup_logging=True)
        self.registry = importlib.import_module('odoo.modules.registry').Registry(db)
        self.drafts = []
        self.run_id, self.letters, self.communications = None, [], []
        self.customers = []

    @contextlib.contextmanager
    def call(self, job):
        """Yield (function, its query counter, its backend's process id)."""
        api = importlib.import_module('odoo.api')
        with self.registry.cursor() as cr:
            admin = api.Environment(cr, api.SUPERUSER_ID, {}).ref('base.user_admin')
            env = api.Environment(cr, admin.id, {'lang': 'en_US'})
            env.user.has_group('base.group_user')  # the session's own queries are not the report's
            pid = cr._cnx.get_backend_pid()
            yield lambda **arguments: getattr(self, job)(env, **arguments), lambda: cr.sql_log_count, pid
            cr.rollback()

    def idle(self, env):
        """Nothing: shows what an Odoo process takes before it does anything."""

    def aged(self, env, day=None):
        return env['ar.aging.report'].get_data({'as_of': day, 'tie_out': False})

    def aged_rows_read(self, env, day=None):
        """How many rows of tables PostgreSQL reads for that: a measure of work that no machine's memory changes."""
        def rows_read():
            env.cr.execute(
                "SELECT SUM(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables")
            return int(env.cr.fetchone()[0])
        env.cr.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # workers' reads are counted elsewhere
        before = rows_read()
        self.aged(env, day)
        return {'rows_read': rows_read() - before}

    def aged_tie_out(self, env, day=None):
        data = env['ar.aging.report'].get_data({'as_of': day})
        if data['difference_to_ledger']:
            raise AssertionError(f"Difference to the general ledger: {data['difference_to_ledger']}")
        return data

    def xlsx(self, env, day=None):
        if not env['ar.aging.report'].get_xlsx({'as_of': day}).startswith(b'PK'):
            raise AssertionError("get_xlsx did not return an XLSX file.")

    def peer_aged(self, env, day=None):
        return importlib.import_module('benchmarks.peer').aged(env, day)

    def peer_xlsx(self, env, day=None):
        importlib.import_module('benchmarks.peer').xlsx(env, day)

    def create_drafts(self, env, count):
        """Make draft invoices for the first customers in turn, and keep them."""
        partners = env['res.partner'].search([('name', 'like', 'Customer ')], limit=count, order='id')
        today = datetime.date.today()
        line = {'name': "Goods", 'quantity': 1, 'price_unit': 100, 'tax_ids': env.company.account_sale_tax_id.ids}
        self.drafts = env['account.move'].create([{
            'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': today,
            'invoice_line_ids': [(0, 0, line)],
        } for partner in itertools.islice(itertools.cycle(partners), count)]).ids
        env.cr.commit()

    def post(self, env):
        """Post those drafts; the transaction is rolled back, so it can be done again."""
        moves = env['account.move'].browse(self.drafts)
        moves.action_post()
        env.flush_all()
        if set(moves.mapped('state')) != {'posted'}:
            raise AssertionError("The drafts were not posted.")

    def create_orders(self, env, count):
        """Make quotations for the first customers in turn, all of them with limits that are far away, and keep them."""
        partners = env['res.partner'].search([('name', 'like', 'Customer ')], limit=count, order='id')
        partners.credit_limit = 1_000_000_000
        if 'ar.credit.rule' in env:
            env['ar.credit.rule'].search([('kind', '=', 'over_limit')]).action = 'hold'
        goods = env['product.product'].create({'name': "Goods", 'type': 'consu', 'taxes_id': []})
        lines = [(0, 0, {'product_id': goods.id, 'product_uom_qty': number, 'price_unit': 10}) for number in (1, 2, 3)]
        self.orders = env['sale.order'].create([
            {'partner_id': partner.id, 'order_line': lines}
            for partner in itertools.islice(itertools.cycle(partners), count)]).ids
        env.cr.commit()

    def confirm(self, env, each=False):
        """Confirm those quotations, at once or one by one; rolled back as in `post`."""
        orders = env['sale.order'].browse(self.orders)
        for part in orders if each else [orders]:
            part.action_confirm()
            env.flush_all()
        if set(orders.mapped('state')) != {'sale'}:
            raise AssertionError("The quotations were not confirmed.")

    def dunning_prepare(self, env, count):
        """Give the customers e-mail addresses, preview a run and keep it with `count` of its letters."""
        env.cr.execute("""
            UPDATE res_partner
               SET email = 'c' || id || '@example.com', email_normalized = 'c' || id || '@example.com', lang = 'en_US'
             WHERE name LIKE 'Customer %'""")
        env.invalidate_all()
        env.company.email = 'office@example.com'
        env['ar.dunning.level'].search([]).attach_invoices = 'no'
        run = env['ar.dunning.run'].create({})
        run.action_preview()
        letters = env['ar.dunning.letter'].search(
            [('run_id', '=', run.id), ('channel', '=', 'email')], limit=count, order='id')
        self.run_id, self.letters = run.id, letters.ids
        env.cr.commit()
        return {'counts': {
            'items': run.outcome_count, 'letters': run.letter_count, 'sent': len(letters),
            'customers': len(run.outcome_ids.partner_id)}}

    def dunning_evaluate(self, env):
        """Decide about every overdue item and write letters and outcomes."""
        env['ar.dunning.run'].create({}).action_preview()
        env.flush_all()

    def dunning_send(self, env, batch):
        """Gate the letters that were kept and create their e-mails, in batches; nothing reaches a mail server."""
        run = env['ar.dunning.run'].sudo().browse(self.run_id)
        letters = env['ar.dunning.letter'].sudo().browse(self.letters)
        for start in range(0, len(letters), batch):
            run._send_batch(letters[start:start + batch])
            env.flush_all()
        if set(letters.mapped('state')) != {'queued'}:
            raise AssertionError("The letters were not queued.")

    def peer_dunning_prepare(self, env):
        """Set up the peer's policy, and keep it."""
        importlib.import_module('benchmarks.peer_dunning').prepare(env)
        env.cr.commit()

    def peer_dunning_evaluate(self, env):
        """Let the peer find what is due and make its communications, and keep them for `peer_dunning_send`."""
        communications = importlib.import_module('benchmarks.peer_dunning').evaluate(env)
        self.communications = communications.ids
        asked = importlib.import_module('benchmarks.peer_dunning').asked(communications)
        env.cr.commit()
        return {'counts': {'items': len(asked), 'letters': len(communications)}, 'asked': asked}

    def dunning_asked(self, env):
        """Say what the kept run asks for."""
        outcomes = env['ar.dunning.outcome'].sudo().search([('run_id', '=', self.run_id), ('letter_id', '!=', False)])
        return {'asked': {outcome.move_line_id.id: outcome.amount_open for outcome in outcomes}}

    def peer_dunning_send(self, env, count):
        """Create the e-mails of some of those communications; nothing reaches a mail server."""
        module = importlib.import_module('benchmarks.peer_dunning')
        module.send(env, env['credit.control.communication'].browse(self.communications[:count]))

    @staticmethod
    def table_aged(data):
        """{customer: [buckets ..., unapplied, total, number of items]}."""
        return {
            row['name']: [*row['amounts'], row['unapplied'], row['total'], row['item_count']] for row in data['rows']}

    table_aged_tie_out = table_aged

    @staticmethod
    def table_peer_aged(data):
        """{customer: total}."""
        return {row['name']: row['residual'] for account in data for row in account['partners']}


class SqlJobs:
    """Jobs without Odoo."""

    def __init__(self, dsn, today):
        self.floor = importlib.import_module('benchmarks.floor').Floor(dsn, today)

    def __getattr__(self, name):
        """Tables are shaped by the floor: table_<job>."""
        return getattr(self.floor, name)

    @contextlib.contextmanager
    def call(self, job):
        before = self.floor.queries
        yield getattr(self.floor, job), lambda: self.floor.queries - before, self.floor.connection.get_backend_pid()


def cpu_seconds(backend):
    """Processor time used so far by this process and by a PostgreSQL backend."""
    nanoseconds = int(Path(f'/proc/{backend}/schedstat').read_text().split()[0])
    return time.process_time() + nanoseconds / 1e9


def measure(jobs, order):
    with jobs.call(order['job']) as (function, queries, backend):
        gc.collect()
        before, cpu, start = queries(), cpu_seconds(backend), time.perf_counter()
        result = function(**order.get('arguments', {}))
        seconds = time.perf_counter() - start
        answer = {
            'seconds': seconds, 'cpu_seconds': cpu_seconds(backend) - cpu, 'queries': queries() - before,
            'peak_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # kB on Linux
    if isinstance(result, dict):
        answer.update((key, result[key]) for key in ('counts', 'asked', 'rows_read') if key in result)
    if order.get('table'):
        answer['table'] = getattr(jobs, f"table_{order['job']}")(result)
    return answer


def main(arguments):
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever prints must not spoil the answers
    jobs = SqlJobs(*arguments[1:]) if arguments[0] == '--sql' else OdooJobs(*arguments)
    for line in sys.stdin:
        try:
            answer = measure(jobs, json.loads(line))
        except Exception as error:  # handed to the parent, which raises it
            answer = {'error': f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])
