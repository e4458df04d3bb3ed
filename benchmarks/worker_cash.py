"""Jobs of a measured process about cash application, see worker.py: proposals for a whole test bed, a part applied."""
import importlib
import json

TRUTH = 'ar_coordinator.bench_cash'  # parameter with what is right, written with the bed


class CashJobs:
    """Methods of worker.OdooJobs."""

    def cash_propose(self, env):
        """Propose for all bank transactions; what the default threshold lets pass is compared with the truth."""
        proposals = env['ar.cash']._propose(env.company)
        env.flush_all()
        sure = proposals.filtered(
            lambda row: not row.is_ambiguous and row.confidence >= env.company.ar_cash_threshold)
        found = {row.statement_line_id.id: set(row.line_ids.move_line_id.ids) for row in sure}
        return {'counts': {'proposals': len(proposals), **judge(found, _truth(env))}}

    def cash_sample(self, env, count):
        """Leave `count` bank transactions, evenly chosen, to be applied, and keep that; all open items stay."""
        lines = env['account.bank.statement.line'].search([('is_reconciled', '=', False)], order='id')
        sample = lines.ids[::len(lines) // count][:count]
        env.cr.execute("UPDATE account_bank_statement_line SET is_reconciled = TRUE WHERE id != ALL(%s)", (sample,))
        env.cr.commit()

    def cash_apply(self, env):
        """Propose for the bank transactions that were left and apply what is sure enough, as the nightly job does."""
        env.company.ar_cash_automatic = True
        truth = _truth(env, self._waiting(env))
        cash = env['ar.cash'].sudo()
        applied = cash._apply_sure(env.company, cash._propose(env.company))
        env.flush_all()
        found = {row.statement_line_id.id: set(row.line_ids.move_line_id.ids) for row in applied}
        return {'counts': judge(found, truth)}

    def peer_cash_apply(self, env):
        """Let the peer match the bank transactions that were left, all in one call."""
        transactions = self._waiting(env)
        truth = _truth(env, transactions)
        return {'counts': judge(importlib.import_module('benchmarks.peer_cash').apply(transactions), truth)}

    def _waiting(self, env):
        return env['account.bank.statement.line'].search([('is_reconciled', '=', False)], order='id')


def _truth(env, transactions=None):
    """{bank transaction's id: set of journal items' ids} of what is right, of all or of some."""
    truth = json.loads(env['ir.config_parameter'].sudo().get_param(TRUTH))
    return {
        int(key): set(map(int, items)) for key, items in truth.items()
        if transactions is None or int(key) in transactions._ids}


def judge(found, truth):
    """Compare {transaction: set of items} of what is sure or applied with what is right; return the figures."""
    right = sum(items == truth[key] for key, items in found.items())
    payable = sum(1 for items in truth.values() if items)
    return {
        'receipts': len(truth), 'sure': len(found), 'right': right,
        'precision': right / len(found) if found else 0, 'recall': right / payable}
