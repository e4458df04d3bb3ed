"""The test bed of cash application as Odoo's own rows: open invoices and credit notes, bank transactions that wait.

Odoo posts one specimen of each kind; the bed's rows become copies of them by SQL, as in generator.py.
"""
from odoo.tools import SQL

from benchmarks import cash_bed
from benchmarks.checks import RollBack
from benchmarks.generator import _insert, _last_id, _row, _without_indexes

TABLES = {'partner': 'res_partner', 'move': 'account_move', 'line': 'account_move_line',
          'transaction': 'account_bank_statement_line'}
LOADED = ('account_move', 'account_move_line', 'account_bank_statement_line')


def load(env, seed, **sizes):
    """Write a bed into the current company, which has no entries; the caller commits.

    :return: {bank transaction's id: {journal item's id: amount}} of what is right, and the number of open items
    """
    items, names, accounts, receipts = cash_bed.make_bed(seed, **sizes)
    specimens = _make_specimens(env)
    first = {name: _last_id(env.cr, table) for name, table in TABLES.items()}
    env.cr.execute("CREATE TEMP TABLE bench_payer (n int, name text) ON COMMIT DROP")
    env.cr.execute_values("INSERT INTO bench_payer VALUES %s", sorted(names.items()))
    env.cr.execute("CREATE TEMP TABLE bench_open (n int, customer int, kind text, amount numeric, name text, ref text,"
                   " due date, discount numeric, discount_until date) ON COMMIT DROP")
    env.cr.execute_values("INSERT INTO bench_open VALUES %s", [(
        item['key'], item['customer'], 'refund' if item['residual'] < 0 else 'invoice', item['residual'] / 100,
        *item['numbers'], item['due'], item['discount'] / 100, item['discount_until']) for item in items])
    env.cr.execute("CREATE TEMP TABLE bench_receipt (n int, amount numeric, day date, text text, payer text,"
                   " account text) ON COMMIT DROP")
    env.cr.execute_values("INSERT INTO bench_receipt VALUES %s", [(
        place, values['amount'] / 100, values['date'], values['text'], values['payer'], values['account'])
        for place, (values, _truth) in enumerate(receipts, start=1)])
    env.cr.execute("ANALYZE bench_payer; ANALYZE bench_open; ANALYZE bench_receipt")
    with _without_indexes(env.cr, LOADED):
        _write(env.cr, specimens, first, len(items))
    for table in TABLES.values():
        env.cr.execute(SQL("SELECT setval(pg_get_serial_sequence(%s, 'id'), MAX(id)) FROM %s", table,
                           SQL.identifier(table)))
        env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
    env.invalidate_all(flush=False)
    env['res.partner.bank'].create([
        {'acc_number': account, 'partner_id': first['partner'] + customer} for customer, account in accounts.items()])
    # a receivable line is the first of each two
    return {
        first['transaction'] + place: {first['line'] + 2 * key - 1: amount / 100 for key, amount in truth.items()}
        for place, (_values, truth) in enumerate(receipts, start=1)}, len(items)


def _make_specimens(env):
    """Return {name of a temporary table: JSON of the row}; what was posted for it is rolled back."""
    partner = {'name': "Customer", 'is_company': True, 'customer_rank': 1}
    try:
        with env.cr.savepoint():
            partner = env['res.partner'].create(partner)
            rows = {'partner': ('res_partner', _row(env, partner))}
            for kind, move_type in (('invoice', 'out_invoice'), ('refund', 'out_refund')):
                move = env['account.move'].create({
                    'move_type': move_type, 'partner_id': partner.id, 'invoice_date': cash_bed.TODAY,
                    'invoice_line_ids': [(0, 0, {'name': "Goods", 'price_unit': 100, 'tax_ids': []})]})
                move.action_post()
                env.flush_all()
                rows[kind] = ('account_move', _row(env, move))
                for line in move.line_ids:
                    role = 'receivable' if line.account_id.account_type == 'asset_receivable' else 'revenue'
                    rows[f'{kind}_{role}'] = ('account_move_line', _row(env, line))
            journal = env['account.journal'].search(
                [('type', '=', 'bank'), ('company_id', '=', env.company.id)], limit=1)
            transaction = env['account.bank.statement.line'].create({
                'journal_id': journal.id, 'date': cash_bed.TODAY, 'payment_ref': "Text", 'amount': 100})
            env.flush_all()
            rows['transaction'] = ('account_bank_statement_line', _row(env, transaction))
            rows['transaction_move'] = ('account_move', _row(env, transaction.move_id))
            liquidity, suspense, _other = transaction._seek_for_lines()
            rows['liquidity'] = ('account_move_line', _row(env, liquidity))
            rows['suspense'] = ('account_move_line', _row(env, suspense))
            raise RollBack
    except RollBack:
        env.invalidate_all(flush=False)
    return rows


def _write(cr, specimens, first, items):
    for name, (table, row) in specimens.items():
        # names of this file
        cr.execute(f"CREATE TEMP TABLE specimen_{name} ON COMMIT DROP AS"
                   f" SELECT * FROM jsonb_populate_record(NULL::{table}, %s)", (row,))
    first = {**first, 'transaction_move': first['move'] + items, 'transaction_line': first['line'] + 2 * items}
    _insert(cr, 'res_partner', {
        'id': "%(partner)s + payer.n", 'commercial_partner_id': "%(partner)s + payer.n",
        **dict.fromkeys(('name', 'complete_name', 'commercial_company_name'), "payer.name"),
    }, "bench_payer payer, specimen_partner specimen", first)
    for kind in ('invoice', 'refund'):
        source = f"specimen_{kind} specimen, bench_open item WHERE item.kind = '{kind}'"
        _insert(cr, 'account_move', MOVE, source, first)
        for role, values in (('receivable', RECEIVABLE), ('revenue', REVENUE)):
            _insert(cr, 'account_move_line', {**LINE, **values}, source.replace(
                f"specimen_{kind}", f"specimen_{kind}_{role}"), first)
    source = "specimen_transaction_move specimen, bench_receipt receipt"
    _insert(cr, 'account_move', TRANSACTION_MOVE, source, first)
    _insert(cr, 'account_bank_statement_line', TRANSACTION, source.replace("transaction_move", "transaction"), first)
    for role, sign, place in (('liquidity', 1, 1), ('suspense', -1, 0)):
        _insert(cr, 'account_move_line', {
            'id': f"%(transaction_line)s + 2 * receipt.n - {place}", 'move_id': "%(transaction_move)s + receipt.n",
            'name': "receipt.text", 'move_name': "'BANK/' || receipt.n", 'date': "receipt.day",
            **dict.fromkeys(('balance', 'amount_currency'), f"{sign} * receipt.amount"),
            **dict.fromkeys(
                ('amount_residual', 'amount_residual_currency'),
                f"CASE WHEN specimen.amount_residual = 0 THEN 0 ELSE {sign} * receipt.amount END"),
            'debit': f"GREATEST({sign} * receipt.amount, 0)", 'credit': f"GREATEST({-sign} * receipt.amount, 0)",
        }, source.replace("transaction_move", role), first)


MOVE = {
    'id': "%(move)s + item.n", 'name': "item.name", 'ref': "item.ref", 'payment_reference': "item.name",
    'sequence_prefix': "regexp_replace(item.name, '[0-9]+$', '')",
    'sequence_number': "regexp_replace(item.name, '^.*/', '')::int",
    **dict.fromkeys(
        ('partner_id', 'commercial_partner_id', 'partner_shipping_id'), "%(partner)s + item.customer"),
    **dict.fromkeys(('date', 'invoice_date'), "item.due - 30"), 'invoice_date_due': "item.due",
    **dict.fromkeys(('amount_untaxed', 'amount_total', 'amount_residual'), "ABS(item.amount)"),
    **dict.fromkeys((
        'amount_untaxed_signed', 'amount_untaxed_in_currency_signed', 'amount_total_signed',
        'amount_total_in_currency_signed', 'amount_residual_signed'), "item.amount"),
}
LINE = {
    'move_id': "%(move)s + item.n", 'move_name': "item.name", 'partner_id': "%(partner)s + item.customer",
    'ref': "item.ref", 'date': "item.due - 30", 'invoice_date': "item.due - 30",
}
RECEIVABLE = {
    'id': "%(line)s + 2 * item.n - 1", 'date_maturity': "item.due",
    **dict.fromkeys(('balance', 'amount_currency', 'amount_residual', 'amount_residual_currency'), "item.amount"),
    'debit': "GREATEST(item.amount, 0)", 'credit': "GREATEST(-item.amount, 0)",
    'discount_date': "item.discount_until",
    **dict.fromkeys(
        ('discount_amount_currency', 'discount_balance'),
        "CASE WHEN item.discount > 0 THEN item.amount - item.discount ELSE 0 END"),
}
REVENUE = {
    'id': "%(line)s + 2 * item.n",
    **dict.fromkeys(('balance', 'amount_currency'), "-item.amount"),
    'debit': "GREATEST(-item.amount, 0)", 'credit': "GREATEST(item.amount, 0)",
    **dict.fromkeys(('price_unit', 'price_subtotal', 'price_total'), "ABS(item.amount)"),
}
TRANSACTION_MOVE = {
    'id': "%(transaction_move)s + receipt.n", 'name': "'BANK/' || receipt.n",
    'statement_line_id': "%(transaction)s + receipt.n", 'sequence_prefix': "'BANK/'", 'sequence_number': "receipt.n",
    'date': "receipt.day", 'amount_total': "receipt.amount", 'amount_total_signed': "receipt.amount",
}
TRANSACTION = {
    'id': "%(transaction)s + receipt.n", 'move_id': "%(transaction_move)s + receipt.n",
    'payment_ref': "receipt.text", 'partner_name': "receipt.payer", 'account_number': "receipt.account",
    'amount': "receipt.amount", 'amount_residual': "-receipt.amount",
    'internal_index': "to_char(receipt.day, 'YYYYMMDD') || lpad((2147483647 - 1)::text, 10, '0')"
                      " || lpad((%(transaction)s + receipt.n)::text, 10, '0')",
}
