"""Jobs of a measured process about cash application, see worker.py: proposals for a whole test bed."""
import json

TRUTH = 'ar_coordinator.bench_cash'  # parameter with what is right, written with the bed


class CashJobs:
    """Methods of worker.OdooJobs."""

    def cash_propose(self, env):
        """Propose for all bank transactions; what the default threshold lets pass is compared with the truth."""
        proposals = env['ar.cash']._propose(env.company)
        env.flush_all()
        truth = {
            int(key): set(map(int, items))
            for key, items in json.loads(env['ir.config_parameter'].sudo().get_param(TRUTH)).items()}
        sure = proposals.filtered(
            lambda row: not row.is_ambiguous and row.confidence >= env.company.ar_cash_threshold)
        right = sum(set(row.line_ids.move_line_id.ids) == truth[row.statement_line_id.id] for row in sure)
        payable = sum(1 for items in truth.values() if items)
        return {'counts': {
            'receipts': len(truth), 'proposals': len(proposals), 'sure': len(sure), 'right': right,
            'precision': right / len(sure) if sure else 0, 'recall': right / payable}}
