"""The row about cash application: 10,000 bank transactions against 40,000 open items. Part of run.Bench."""
import statistics

from benchmarks import report
from dev.cache import say

ROUNDS = 3
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
