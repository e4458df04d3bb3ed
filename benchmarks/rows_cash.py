"""The rows about cash application: 10,000 bank transactions against 40,000 open items. Part of run.Bench."""
import statistics

from benchmarks import peer_cash, report
from dev.cache import say

ROUNDS = 3
SAMPLE = 100  # payments that are applied, with all open items there: the peer takes about half a second for each
SEED = 11  # the engine's weights were set on 1 to 3
LOAD = """
import json
from benchmarks import cash_ledger, worker_cash
truth, items = cash_ledger.load(env, {seed})
env['ir.config_parameter'].set_param(worker_cash.TRUTH, json.dumps(truth))
env.cr.commit()
print(f'{{items:,}} open items, {{len(truth):,}} bank transactions')
"""


class CashRows:
    """Methods of run.Bench."""

    def cash(self):
        """Propose for the whole bed, from nothing, each round rolled back."""
        say("  cash: proposals for 10,000 bank transactions")
        with self.workers('cash') as (worker,):
            rounds = [worker.do('cash_propose') for _round in range(ROUNDS)]
        self.results.append({
            'name': report.CASH, 'size': rounds[0]['counts']['receipts'], 'queries': rounds[-1]['queries'],
            'seconds': statistics.median(answer['seconds'] for answer in rounds), 'peak_mb': rounds[-1]['peak_mb'],
            'cpu_seconds': statistics.median(answer['cpu_seconds'] for answer in rounds),
            'all_seconds': [answer['seconds'] for answer in rounds], 'cash': rounds[-1]['counts']})
        self._cash_applied()

    def _cash_applied(self):
        """Apply some of the bank transactions, alone and then in turns with the peer; each round rolled back."""
        say(f"  cash: {SAMPLE} payments applied")
        with self.workers('cash') as (worker,):
            worker.do('cash_sample', count=SAMPLE)
        with self.workers('cash') as (worker,):
            rounds = [worker.do('cash_apply') for _round in range(ROUNDS)]
        row = {
            'name': report.CASH_APPLIED, 'size': rounds[0]['counts']['receipts'], 'queries': rounds[-1]['queries'],
            'seconds': statistics.median(answer['seconds'] for answer in rounds), 'peak_mb': rounds[-1]['peak_mb'],
            'cpu_seconds': statistics.median(answer['cpu_seconds'] for answer in rounds),
            'all_seconds': [answer['seconds'] for answer in rounds], 'cash': rounds[-1]['counts']}
        self.results.append(row)
        label = self._install_peer(peer_cash, 'cash')
        if not label:
            return
        say(f"  cash: the peer with the same {SAMPLE} payments, which takes minutes")
        with self.workers('cash', 'cash') as (ours, theirs):
            ours.do('cash_apply')
            their = theirs.do('peer_cash_apply')
            self._beside_peer(row, [(their, ours.do('cash_apply')) for _round in range(ROUNDS)], label)
