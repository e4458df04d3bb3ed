"""Is a generated ledger what Odoo would have booked? All rows by SQL, a sample by Odoo itself."""
import random


class InconsistentLedger(Exception):
    """A generated ledger differs from what Odoo computes; the text says where."""


class RollBack(Exception):
    """Ends a savepoint whose changes are not wanted."""


# Each query returns offending rows; all must be empty.
CHECKS = {
    "entries that do not balance": """
        SELECT move_id FROM account_move_line GROUP BY move_id HAVING SUM(balance) != 0""",
    "items whose residual is not balance minus matchings": """
        SELECT line.id
          FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id AND account.account_type = 'asset_receivable'
     LEFT JOIN (SELECT line_id, SUM(amount) AS amount, SUM(amount_currency) AS amount_currency FROM (
                    SELECT debit_move_id AS line_id, amount, debit_amount_currency AS amount_currency
                      FROM account_partial_reconcile
                 UNION ALL
                    SELECT credit_move_id, -amount, -credit_amount_currency FROM account_partial_reconcile) AS side
                GROUP BY line_id) AS matched ON matched.line_id = line.id
         WHERE line.amount_residual != line.balance - COALESCE(matched.amount, 0)
            OR line.amount_residual_currency != line.amount_currency - COALESCE(matched.amount_currency, 0)
            OR line.amount_residual * line.balance < 0
            OR line.reconciled != (line.amount_residual = 0 AND line.amount_residual_currency = 0)
            OR (line.matching_number IS NULL) != (matched.line_id IS NULL)""",
    "matchings whose date is not that of their later side": """
        SELECT partial.id FROM account_partial_reconcile partial
          JOIN account_move_line debit ON debit.id = debit_move_id
          JOIN account_move_line credit ON credit.id = credit_move_id
         WHERE max_date != GREATEST(debit.date, credit.date) OR debit.partner_id != credit.partner_id
            OR partial.amount <= 0""",
    "full reconciliations with something left": """
        SELECT full_reconcile_id FROM account_move_line WHERE full_reconcile_id IS NOT NULL
      GROUP BY full_reconcile_id HAVING BOOL_OR(amount_residual != 0 OR amount_residual_currency != 0)""",
}


def check_books(env):
    """Check every row of the ledger with SQL.

    :raise InconsistentLedger: with the first ids that break a rule
    """
    for what, query in CHECKS.items():
        env.cr.execute(f"{query} LIMIT 5")
        if rows := env.cr.fetchall():
            raise InconsistentLedger(f"The ledger has {what}: {', '.join(str(row[0]) for row in rows)} ...")


MOVE_FIELDS = (
    'amount_untaxed', 'amount_tax', 'amount_total', 'amount_residual', 'amount_untaxed_signed',
    'amount_untaxed_in_currency_signed', 'amount_tax_signed', 'amount_total_signed', 'amount_total_in_currency_signed',
    'amount_residual_signed', 'payment_state', 'sequence_prefix', 'sequence_number', 'commercial_partner_id',
    'invoice_partner_display_name', 'invoice_currency_rate', 'invoice_date_due')
LINE_FIELDS = (
    'amount_residual', 'amount_residual_currency', 'reconciled', 'debit', 'credit', 'price_subtotal', 'price_total',
    'parent_state', 'move_name', 'date', 'invoice_date', 'company_currency_id')


def validate(env, sample=500, seed=1):
    """Let Odoo compute its stored fields again for a random sample of entries and compare them with what is stored.

    For a twentieth of the sample Odoo also undoes and repeats the matching itself. Nothing is changed.

    :return: number of values that were compared
    :raise InconsistentLedger: naming records, fields and both values
    """
    ids = env['account.move'].search([('state', '=', 'posted')]).ids
    moves = env['account.move'].browse(sorted(random.Random(seed).sample(ids, min(sample, len(ids)))))
    try:
        with env.cr.savepoint():
            differences = _recompute(moves, MOVE_FIELDS) + _recompute(moves.line_ids, LINE_FIELDS)
            count = len(moves) * len(MOVE_FIELDS) + len(moves.line_ids) * len(LINE_FIELDS)
            if not differences:
                checked, differences = _match_again(moves[:max(len(moves) // 20, 1)])
                count += checked
            raise RollBack
    except RollBack:
        env.invalidate_all(flush=False)
    if differences:
        raise InconsistentLedger("\n".join(["The ledger is not what Odoo computes:", *differences[:20]]))
    return count


def _recompute(records, names):
    """Differences between stored and newly computed values, as texts."""
    env = records.env
    env.invalidate_all()
    stored = {record.id: {name: record[name] for name in names} for record in records}
    for name in names:
        if records._fields[name].compute:
            env.add_to_compute(records._fields[name], records)
    return [
        f"{record._name} {record.id} {name}: stored {stored[record.id][name]}, Odoo computes {record[name]}"
        for record in records for name in names if not _same(stored[record.id][name], record[name])]


def _match_again(moves):
    """Undo and repeat the matchings of some entries' receivable lines; return (values compared, differences)."""
    lines = moves.line_ids.filtered(
        lambda line: line.account_id.account_type == 'asset_receivable' and line.matching_number)
    lines = lines._all_reconciled_lines()
    names = ('amount_residual', 'amount_residual_currency', 'reconciled')
    groups = lines.filtered(
        lambda line: line.journal_id != line.company_id.currency_exchange_journal_id).grouped('matching_number')
    before = {line.id: {name: line[name] for name in names} for group in groups.values() for line in group}
    states = {move.id: move.payment_state for group in groups.values() for move in group.move_id}
    differences = []
    for group in groups.values():
        group.remove_move_reconcile()
        item = group.filtered(lambda line: line.balance > 0)
        for credit in (group - item).sorted('date, id'):
            (item + credit).reconcile()
        differences += [
            f"account.move.line {line.id} {name}: stored {before[line.id][name]}, after matching again {line[name]}"
            for line in group for name in names if not _same(before[line.id][name], line[name])]
        differences += [
            f"account.move {move.id} payment_state: stored {states[move.id]}, after matching again {move.payment_state}"
            for move in group.move_id if states[move.id] != move.payment_state]
    return len(before) * len(names) + len(states), differences


def _same(stored, computed):
    if isinstance(stored, float):
        return abs(stored - computed) < 0.005
    return (stored or False) == (computed or False)
