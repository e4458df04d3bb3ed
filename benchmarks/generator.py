"""A large, consistent and deterministic receivables ledger, made with set-based SQL in an Odoo database.

    report = generate(env, Parameters(invoices=20_000))
    validate(env, sample=500)

How it works: Odoo itself posts one specimen of each kind of document (invoice, invoice with two instalments, credit
note, receipt, exchange difference), with one customer. The specimens are read column by column and rolled back. Then
SQL plans the whole ledger in narrow temporary tables (plan.py: who buys when, who pays when and how much, what is
matched with what), and each planned row becomes a copy of its specimen in which only what differs is replaced. So a
generated document has every stored column an Odoo document has, whatever modules are installed.

What is in it: customers who pay early, late and very late, or not at all; part payments, credit notes (part, full, not
yet applied), overpayments and unapplied cash; 8 % of the invoices in two instalments; a tenth of the customers in a
second currency whose rate changes every month, with exchange differences where Odoo makes them. Nothing depends on the
clock except `Parameters.end`: the same parameters give the same amounts, customers and day offsets. `paid_history`
leaves out a share of the settled invoices with everything matched to them and touches nothing that is open.

Simplified: receipts are entries in the bank journal, one per settlement, not bank statement lines; no chatter messages.
"""
import contextlib
import dataclasses
import datetime
import decimal
import json
import re

from odoo.fields import Command
from odoo.tools import SQL

from benchmarks import plan
from benchmarks.checks import InconsistentLedger, RollBack, check_books, validate  # noqa: F401  validate: for users

LOADED = ('account_move', 'account_move_line', 'account_partial_reconcile', 'account_move_line_account_tax_rel')
SETTLED_SALE_SALT, SECOND_CURRENCY = 99, 'EUR'
TABLES = {'partner': 'res_partner', 'move': 'account_move', 'line': 'account_move_line',
          'partial': 'account_partial_reconcile', 'full': 'account_full_reconcile'}


@dataclasses.dataclass(frozen=True)
class Parameters:
    invoices: int = 20_000
    partners: int = 1_000
    months: int = 24
    seed: int = 1
    end: datetime.date = dataclasses.field(default_factory=datetime.date.today)  # last day of the ledger
    paid_history: float = 1.0  # share of the settled invoices that is kept


def generate(env, parameters):
    """Fill the current company's empty receivables ledger; the caller commits.

    :param env: Odoo environment of a superuser
    :return: dict of row counts, see `_counts`
    :raise InconsistentLedger: when the result breaks a rule of double entry or matching (all rows are checked)
    """
    company = env.company
    env.flush_all()
    if env['account.move'].search_count([('company_id', '=', company.id)], limit=1):
        raise InconsistentLedger(f"{company.name} has entries already; generate into an empty company.")
    currency = _activate_second_currency(env)
    term = env['account.payment.term'].create({'name': "Half in 30 days, half in 60 days", 'line_ids': [
        Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': days}) for days in (30, 60)]})
    specimens = _specimens(env, term)
    _plan(env, parameters, specimens, currency)
    large = parameters.invoices >= 5_000
    with _without_indexes(env.cr, LOADED if large else ()):
        _write(env, specimens, parameters)
    env.invalidate_all()
    for table in TABLES.values():
        env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
    check_books(env)
    return _counts(env)


def _counts(env):
    """{table's short name: rows}, and the receivable items with something left: open_items, of which overdue debits."""
    counts = {}
    for name, table in TABLES.items():
        counts[name] = env.execute_query(SQL("SELECT COUNT(*) FROM %s", SQL.identifier(table)))[0][0]
    counts['open_items'], counts['overdue'] = env.execute_query(SQL("""
        SELECT COUNT(*), COUNT(*) FILTER (WHERE line.balance > 0 AND line.date_maturity < CURRENT_DATE)
          FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id AND account.account_type = 'asset_receivable'
         WHERE line.reconciled IS NOT TRUE AND line.parent_state = 'posted'"""))[0]
    return counts


# === SPECIMENS === #

def _activate_second_currency(env):
    currency = env.ref(f'base.{SECOND_CURRENCY}')
    if currency == env.company.currency_id:
        currency = env.ref('base.USD')
    currency.active = True
    return currency


def _specimens(env, term):
    """What Odoo posts, then undone: {'partner': row, 'documents': {kind: {'move': row, 'lines': {role: row}}}}."""
    try:
        with env.cr.savepoint():
            specimens = _post_specimens(env, term)
            raise RollBack
    except RollBack:
        env.invalidate_all(flush=False)
    return specimens


def _post_specimens(env, term):
    company, moves = env.company, env['account.move'].with_context(tracking_disable=True)
    today = datetime.date.today()
    partner = env['res.partner'].create({'name': "Customer", 'is_company': True, 'customer_rank': 1})
    receivable = partner.property_account_receivable_id

    def document(move_type, **values):
        line = {'name': "Goods", 'quantity': 1, 'price_unit': 100, 'tax_ids': company.account_sale_tax_id.ids}
        return moves.create({
            'move_type': move_type, 'partner_id': partner.id, 'invoice_date': today,
            'invoice_line_ids': [Command.create(line)], **values})

    def entry(journal, account, sign):
        return moves.create({'move_type': 'entry', 'journal_id': journal.id, 'date': today, 'line_ids': [
            Command.create({
                'name': journal.name, 'partner_id': partner.id, 'account_id': line_account.id, 'balance': balance})
            for line_account, balance in ((account, 100 * sign), (receivable, -100 * sign))]})
    bank = env['account.journal'].search([('type', '=', 'bank'), ('company_id', '=', company.id)], limit=1)
    exchange = company.currency_exchange_journal_id
    kinds = {
        'invoice': document('out_invoice'),
        'instalments': document('out_invoice', invoice_payment_term_id=term.id),
        'refund': document('out_refund'),
        'receipt': entry(bank, bank.default_account_id, 1),
        'loss': entry(exchange, company.expense_currency_exchange_account_id, 1),
        'gain': entry(exchange, company.income_currency_exchange_account_id, -1),
    }
    env['account.move'].union(*kinds.values()).action_post()
    env.flush_all()
    result = {'partner': _row(env, partner), 'documents': {}, 'tax_ids': company.account_sale_tax_id.ids}
    for kind, move in kinds.items():
        lines = {}
        for line in move.line_ids:
            role = 'receivable' if line.account_id == receivable else 'tax' if line.tax_line_id else 'counterpart'
            lines.setdefault(role, _row(env, line))
            if line.tax_tag_ids:
                raise InconsistentLedger("The company's sales tax has report tags, which the generator does not copy.")
        result['documents'][kind] = {'move': _row(env, move), 'lines': lines}
    return result


def _row(env, record):
    """The stored columns of a record as JSON text."""
    return env.execute_query(SQL(
        "SELECT row_to_json(t)::text FROM %s t WHERE id = %s", SQL.identifier(record._table), record.id))[0][0]


def _plan(env, parameters, specimens, currency):
    """Create the bench_* tables."""
    cr, tax = env.cr, _tax_rate(specimens)
    days = round(parameters.months * 30.4375)
    values = {
        **{f'first_{name}': _last_id(cr, table) for name, table in TABLES.items()},
        'seed': parameters.seed, 'partners': parameters.partners, 'invoices': parameters.invoices,
        'end': parameters.end, 'start': parameters.end - datetime.timedelta(days), 'days': days, 'tax': tax,
        'unapplied': max(parameters.invoices // 150, 6), 'salt': SETTLED_SALE_SALT,
        'paid_history': parameters.paid_history,
    }

    def create(*statements):
        for statement in statements:
            cr.execute(statement, values)
            cr.execute(SQL("ANALYZE %s", SQL.identifier(re.search(r"bench_\w+", statement)[0])))
    cr.execute("SET LOCAL work_mem = '256MB'")
    cr.execute(plan.RANDOM, values)
    cr.execute("CREATE TEMP TABLE bench_sequence (kind text, pattern text, digits int) ON COMMIT DROP")
    cr.execute_values("INSERT INTO bench_sequence VALUES %s", _sequences(specimens))
    create(*plan.BEFORE_DROPPING)
    if parameters.paid_history < 1:
        create(plan.DROPPED)
        for table in ('bench_settlement', 'bench_matching', 'bench_item', 'bench_sale'):
            cr.execute(SQL("DELETE FROM %(table)s USING bench_dropped dropped WHERE dropped.k = %(table)s.k",
                           table=SQL.identifier(table)))
    create(*plan.AFTER_DROPPING)
    cr.execute("INSERT INTO res_currency_rate (name, rate, currency_id, company_id, create_date, write_date)"
               " SELECT day, rate, %s, %s, now(), now() FROM bench_rate", (currency.id, env.company.id))
    cr.execute("CREATE TEMP TABLE bench_currency ON COMMIT DROP AS"
               " SELECT FALSE AS is_foreign, %s AS id UNION ALL SELECT TRUE, %s",
               (env.company.currency_id.id, currency.id))


def _last_id(cr, table):
    cr.execute(SQL("SELECT COALESCE(MAX(id), 0) FROM %s", SQL.identifier(table)))
    return cr.fetchone()[0]


def _tax_rate(specimens):
    """Rate of the company's sales tax as Odoo applied it to the specimen, e.g. 0.15."""
    invoice = json.loads(specimens['documents']['invoice']['move'])
    return decimal.Decimal(str(invoice['amount_tax'])) / decimal.Decimal(str(invoice['amount_untaxed']))


def _sequences(specimens):
    """[(kind, prefix with YYYY and MM for year and month, least number of digits)] of the specimens' numbers."""
    result = []
    for kind, document in specimens['documents'].items():
        move = json.loads(document['move'])
        year, month, _day = move['date'].split('-')
        prefix = move['sequence_prefix']
        pattern = prefix.replace(year, 'YYYY').replace(f'/{month}/', '/MM/')
        result.append((kind, pattern, len(move['name']) - len(prefix)))
    return result


# === WRITING: COPIES OF THE SPECIMENS === #

def _write(env, specimens, parameters):
    """Turn the bench_* tables into Odoo's rows."""
    cr = env.cr
    cr.execute("CREATE TEMP TABLE bench_specimen_partner ON COMMIT DROP AS"
               " SELECT * FROM jsonb_populate_record(NULL::res_partner, %s)", (specimens['partner'],))
    cr.execute("CREATE TEMP TABLE bench_specimen_move ON COMMIT DROP AS"
               " SELECT NULL::text AS kind, * FROM account_move WHERE FALSE")
    cr.execute("CREATE TEMP TABLE bench_specimen_line ON COMMIT DROP AS"
               " SELECT NULL::text AS kind, NULL::text AS role, * FROM account_move_line WHERE FALSE")
    for kind, document in specimens['documents'].items():
        cr.execute("INSERT INTO bench_specimen_move SELECT %s, * FROM jsonb_populate_record(NULL::account_move, %s)",
                   (kind, document['move']))
        for role, line in document['lines'].items():
            cr.execute("INSERT INTO bench_specimen_line"
                       " SELECT %s, %s, * FROM jsonb_populate_record(NULL::account_move_line, %s)", (kind, role, line))
    cr.execute("ANALYZE bench_specimen_move; ANALYZE bench_specimen_line; ANALYZE bench_currency")
    _insert(cr, 'res_partner', PARTNER_VALUES, PARTNER_SOURCE)
    _insert(cr, 'account_move', MOVE_VALUES, MOVE_SOURCE)
    cr.execute("INSERT INTO account_full_reconcile (id, create_date, write_date)"
               " SELECT full_id, now(), now() FROM bench_reconciliation WHERE full_id IS NOT NULL ORDER BY full_id")
    _insert(cr, 'account_move_line', LINE_VALUES, LINE_SOURCE, {'tax': _tax_rate(specimens)})
    cr.execute(PARTIAL_INSERT, {'company': env.company.id})
    if specimens['tax_ids']:
        cr.execute("INSERT INTO account_move_line_account_tax_rel (account_move_line_id, account_tax_id)"
                   " SELECT line_id, tax FROM bench_line, unnest(%s) AS tax"
                   " WHERE role = 'counterpart' AND kind IN ('invoice', 'instalments', 'refund')",
                   (specimens['tax_ids'],))
    for table in TABLES.values():
        cr.execute(SQL("SELECT setval(pg_get_serial_sequence(%s, 'id'), GREATEST(MAX(id), 1)) FROM %s",
                       table, SQL.identifier(table)))


PARTNER_SOURCE = "bench_customer customer, bench_specimen_partner specimen"
PARTNER_VALUES = {
    'id': "customer.partner_id",
    'commercial_partner_id': "customer.partner_id",
    **dict.fromkeys(('name', 'complete_name', 'commercial_company_name'),
                    "'Customer ' || lpad(customer.n::text, 6, '0')"),
}

MOVE_SOURCE = """bench_document document
    JOIN bench_specimen_move specimen USING (kind)
    JOIN bench_currency currency ON currency.is_foreign = document.is_foreign AND document.kind NOT IN ('loss', 'gain')
      OR document.kind IN ('loss', 'gain') AND NOT currency.is_foreign
    JOIN res_partner partner ON partner.id = document.partner_id"""
IS_ENTRY = "specimen.move_type = 'entry'"
MOVE_VALUES = {
    'id': "document.move_id",
    'name': "document.name",
    'sequence_prefix': "document.prefix",
    'sequence_number': "document.number",
    'currency_id': "currency.id",
    'date': "document.day",
    'invoice_date': "CASE WHEN specimen.invoice_date IS NOT NULL THEN document.day END",
    'invoice_date_due': "document.due",
    **{column: f"CASE WHEN specimen.{column} IS NOT NULL THEN document.partner_id END"
       for column in ('partner_id', 'commercial_partner_id', 'partner_shipping_id')},
    'invoice_partner_display_name':
        "CASE WHEN specimen.partner_id IS NULL THEN specimen.invoice_partner_display_name ELSE partner.name END",
    'payment_reference': "CASE WHEN specimen.payment_reference IS NOT NULL THEN document.name END",
    'payment_state': "document.payment_state",
    'invoice_currency_rate': "CASE WHEN specimen.invoice_currency_rate IS NOT NULL THEN document.rate END",
    'amount_untaxed': "COALESCE(document.untaxed_f, 0)",
    'amount_tax': "COALESCE(document.tax_f, 0)",
    'amount_total': "document.total_f",
    'amount_residual': f"CASE WHEN {IS_ENTRY} THEN 0 ELSE document.residual_f END",
    'amount_untaxed_signed':
        f"CASE WHEN {IS_ENTRY} THEN 0 ELSE document.sign * (document.total_c - document.tax_c) END",
    'amount_untaxed_in_currency_signed': "COALESCE(document.sign * document.untaxed_f, 0)",
    'amount_tax_signed': "COALESCE(document.sign * document.tax_c, 0)",
    'amount_total_signed': f"CASE WHEN {IS_ENTRY} THEN document.total_c ELSE document.sign * document.total_c END",
    'amount_total_in_currency_signed':
        f"CASE WHEN {IS_ENTRY} THEN document.total_f ELSE document.sign * document.total_f END",
    'amount_residual_signed': f"CASE WHEN {IS_ENTRY} THEN 0 ELSE document.sign * document.residual_c END",
}

LINE_SOURCE = """bench_line line
    JOIN bench_document document USING (move_id)
    JOIN bench_specimen_line specimen ON specimen.kind = line.kind AND specimen.role = line.role
    JOIN bench_currency currency ON currency.is_foreign = document.is_foreign
    LEFT JOIN bench_reconciliation reconciliation ON reconciliation.item = line.item"""
LINE_VALUES = {
    'id': "line_id",
    'move_id': "line.move_id",
    'move_name': "document.name",
    'name': """CASE WHEN line.role != 'receivable' OR document.kind NOT IN ('invoice', 'instalments') THEN specimen.name
                    WHEN line.position > 2 THEN document.name || ' installment #' || line.position - 2
                    ELSE document.name END""",
    'partner_id': "document.partner_id",
    'currency_id': "currency.id",
    'date': "document.day",
    'invoice_date': "CASE WHEN specimen.invoice_date IS NOT NULL THEN document.day END",
    'date_maturity': "CASE WHEN specimen.date_maturity IS NOT NULL THEN line.due END",
    'balance': "line.amount_c",
    'debit': "GREATEST(line.amount_c, 0)",
    'credit': "GREATEST(-line.amount_c, 0)",
    'amount_currency': "line.amount_f",
    'amount_residual': "line.residual_c",
    'amount_residual_currency': "line.residual_f",
    'reconciled': "line.role = 'receivable' AND line.residual_c = 0 AND line.residual_f = 0",
    'full_reconcile_id': "reconciliation.full_id",
    'matching_number': "reconciliation.matching_number",
    'tax_base_amount': """CASE WHEN line.role = 'tax' THEN -document.sign * (document.total_c - document.tax_c)
                               ELSE specimen.tax_base_amount END""",
    'price_unit': """CASE WHEN specimen.price_unit IS NULL THEN NULL WHEN specimen.price_unit = 0 THEN 0
                          ELSE document.untaxed_f END""",
    'price_subtotal': """CASE WHEN document.untaxed_f IS NULL THEN line.amount_f
                              WHEN line.role = 'counterpart' THEN document.untaxed_f END""",
    'price_total': """CASE WHEN document.untaxed_f IS NULL THEN line.amount_f
                           WHEN line.role = 'counterpart'
                           THEN document.untaxed_f + ROUND(document.untaxed_f * %(tax)s, 2) END""",
}

PARTIAL_INSERT = """
    INSERT INTO account_partial_reconcile (
           id, debit_move_id, credit_move_id, full_reconcile_id, exchange_move_id, debit_currency_id,
           credit_currency_id, company_id, max_date, amount, debit_amount_currency, credit_amount_currency,
           create_date, write_date)
    SELECT partial_id, debit_line_id, credit_line_id, full_id, exchange_move_id, currency.id, currency.id,
           %(company)s, day, amount_c, amount_f, amount_f, now(), now()
      FROM bench_partial partial
      JOIN bench_reconciliation USING (item)
      JOIN bench_currency currency USING (is_foreign)
  ORDER BY partial_id
"""


def _insert(cr, table, values, source, parameters=None):
    """Insert a row for each of `source`: the specimen's columns, or `values` ({column: SQL}) where given."""
    cr.execute("SELECT attname FROM pg_attribute"
               " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", (table,))
    columns = [name for (name,) in cr.fetchall()]
    if unknown := set(values) - set(columns):
        raise InconsistentLedger(f"{table} has no column {', '.join(sorted(unknown))} in this version of Odoo.")
    expressions = ", ".join(values.get(column) or f'specimen."{column}"' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    # only constants of this file and names from the catalogue
    cr.execute(f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {source}", parameters)


@contextlib.contextmanager
def _without_indexes(cr, tables):
    """Drop the plain indexes and foreign keys of `tables` and build them again, checked: quicker than row by row."""
    cr.execute("""
        SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
          FROM pg_index WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT indisunique
     UNION ALL
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
          FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[]) AND contype = 'f'
        """, {'tables': list(tables)})
    statements = cr.fetchall()
    for drop, _create in statements:
        cr.execute(drop)
    yield
    for _drop, create in statements:
        cr.execute(create)
