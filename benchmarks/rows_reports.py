"""The rows about reports: KPIs, statements, an XLSX's cells, the first screen of many customers. Part of run.Bench."""
import tempfile
from pathlib import Path

from benchmarks import peer_statement, report
from dev.cache import say

STATEMENTS = 1000
ROUNDS = 3


class ReportRows:
    """Methods of run.Bench."""

    def kpi(self):
        self.against_floor(report.KPI, 'kpi')

    def screen(self):
        self.against_floor(report.SCREEN, 'screen', role='wide')

    def worklist(self):
        """The first page of the worklist, with every customer on it."""
        say(f"  {report.WORKLIST}")
        with self.workers('desk') as (ours,):
            count = ours.do('worklist_prepare')['counts']['customers']
            ours.do('worklist', count=count)
            done = [ours.do('worklist', count=count) for _round in range(self.settings.rounds)]
            middle = len(done) // 2
            self.results.append({
                'name': report.WORKLIST, 'size': self.settings.invoices, 'customers': count,
                'seconds': sorted(answer['seconds'] for answer in done)[middle],
                'cpu_seconds': sorted(answer['cpu_seconds'] for answer in done)[middle],
                'queries': done[0]['queries'], 'peak_mb': done[-1]['peak_mb'],
                'all_seconds': [answer['seconds'] for answer in done]})

    def xlsx(self):
        """Our XLSX in turns with xlsxwriter writing the same cells and nothing else."""
        say("  XLSX beside its cells alone")
        with tempfile.TemporaryDirectory() as folder, self.workers('addon', 'sql:addon') as (ours, alone):
            path = str(Path(folder) / 'report.xlsx')
            ours.do('save_xlsx', path=path)
            counts = alone.do('read_cells', path=path)['counts']
            ours.do('xlsx')
            alone.do('write_cells')
            rounds = [(ours.do('xlsx'), alone.do('write_cells')) for _round in range(self.settings.rounds)]
        self.floor_row(report.CELLS, rounds, cells=counts)

    def statements(self):
        """Statements of many customers: their data, and the pages that are printed."""
        say(f"  statements of {STATEMENTS:,} customers")
        with self.workers('addon') as (ours,):
            count = ours.do('statements_prepare', count=STATEMENTS)['counts']['customers']
            for name, job in ((report.STATEMENTS, 'statements'), (report.STATEMENT_PAGES, 'statements_html')):
                ours.do(job)
                done = [ours.do(job) for _round in range(ROUNDS)]
                self.results.append({
                    'name': name, 'size': self.settings.invoices, 'customers': count,
                    'seconds': sorted(answer['seconds'] for answer in done)[ROUNDS // 2],
                    'queries': done[0]['queries'], 'peak_mb': done[-1]['peak_mb'],
                    'all_seconds': [answer['seconds'] for answer in done]})

    def peer_statements(self):
        """The peer's statements of the same customers, in turns with ours; both must ask for the same amounts."""
        label = self._install_peer(peer_statement, 'addon')
        if not label:
            return
        rows = {row['name']: row for row in self.results}
        with self.workers('addon', 'addon') as (ours, theirs):
            for worker in (ours, theirs):
                worker.do('statements_prepare', count=STATEMENTS)
            report.check_same(
                label, theirs.do('peer_statements', table=True)['table'], ours.do('statements', table=True)['table'])
            for name, job in ((report.STATEMENTS, 'statements'), (report.STATEMENT_PAGES, 'statements_html')):
                rounds = [(theirs.do(f'peer_{job}'), ours.do(job)) for _round in range(ROUNDS)]
                self._beside_peer(rows[name], rounds, label)
