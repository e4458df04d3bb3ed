"""The rows about credit: exposure of all customers, evaluation of all rules. Part of run.Bench."""
from benchmarks import peer_credit, report
from dev.cache import say

ROUNDS = 3


class CreditRows:
    """Methods of run.Bench."""

    def credit(self):
        """Exposure and rules over a ledger with few invoices per customer, then the peer's exposure beside ours."""
        customers = self._rules()
        say("  exposure of all customers")
        with self.workers('credit', 'sql:credit') as (ours, floor):
            mine, plain = ours.do('exposure', table=True), floor.do('exposure', table=True)
            report.check_same(report.EXPOSURE, mine['table'], plain['table'])
            self.floor_row(
                report.EXPOSURE, [(ours.do('exposure'), floor.do('exposure')) for _round in range(ROUNDS)],
                customers=customers)
        row = self.results[-1]
        label = self._install_peer(peer_credit, 'credit')
        if not label:
            return
        with self.workers('credit', 'credit') as (ours, theirs):
            foreign = set(theirs.do('peer_exposure_prepare')['counts']['foreign'])
            first = theirs.do('peer_exposure', table=True)
            tables = [
                {customer: amount for customer, amount in table.items() if customer not in foreign}
                for table in (first['table'], ours.do('exposure', table=True)['table'])]
            report.check_same(label, *tables)
            rounds = [(theirs.do('peer_exposure'), ours.do('exposure')) for _round in range(ROUNDS)]
            self._beside_peer(row, rounds, label)

    def _rules(self):
        """Evaluate a rule of each kind for all customers, in turns with plain SQL; return how many customers."""
        say("  all credit rules for all customers")
        with self.workers('credit') as (worker,):
            first = worker.do('credit_prepare')
        with self.workers('credit', 'sql:credit') as (ours, floor):
            ours.do('credit_customers')
            rounds = [(ours.do('credit_evaluate'), floor.do('credit')) for _round in range(ROUNDS + 1)][1:]
            report.check_same(
                report.RULES, ours.do('credit_held', table=True)['table'], floor.do('credit', table=True)['table'])
            changed = rounds[-1][0]['counts']
            if changed['placed'] or changed['lifted']:
                raise report.Problem(f"{report.RULES}: holds changed from one evaluation to the next, {changed}.")
        self.floor_row(report.RULES, rounds, **first['counts'])
        return first['counts']['customers']
