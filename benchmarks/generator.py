"""A large, consistent and deterministic receivables ledger, made with set-based SQL in an Odoo database.

    report = generate(env, Parameters(invoices=20_000))
    validate(env, sample=500)

How it works: Odoo itself posts one specimen of each kind of document (invoice, invoice with two instalments, credit note,
receipt, exchange difference), with one customer. The specimens are read column by column and rolled back. Then SQL plans the
whole ledger in narrow temporary tables (who buys when, who pays when and how much, what is matched with what), and each
planned row becomes a copy of its specimen in which only what differs is replaced. So a generated document has every
stored column an Odoo document has, whatever modules are installed.

What is in it: customers who pay early, late and very late, or not at all; part payments, credit notes (part, full, not yet
applied), overpayments and unapplied cash; 8 % of the invoices in two instalments; a tenth of the customers in a second
currency whose rate changes every month, with exchange differences where Odoo makes them. Nothing depends on the clock except
`Parameters.end`: the same parameters give the same amounts, customers and day offsets. `paid_history` leaves out a share
of the settled invoices with everything matched to them and touches nothing that is open.

Simplified: receipts are entries in the bank journal, one per settlement, not bank statement lines; no chatter messages.
"""
import contextlib
import dataclasses
import datetime
import decimal
import json
import random
import re

from odoo.fields import Command
from odoo.tools import SQL

LOADED = ('account_move', 'account_move_line', 'account_partial_reconcile', 'account_move_line_account_tax_rel')
SETTLED_SALE_SALT, SECOND_CURRENCY = 99, 'EUR'
TABLES = {'partner': 'res_partner', 'move': 'account_move', 'line': 'account_move_line', 'partial': 'account_partial_reconcile',
          'full': 'account_full_reconcile'}


class InconsistentLedger(Exception):
    """A generated ledger differs from what Odoo computes; the text says where."""


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
    """What the ledger has: {table's short name: rows, 'open_items': receivable items with something left, 'overdue': those due}."""
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


class _RollBack(Exception):
    """Ends the savepoint of the specimens."""


def _specimens(env, term):
    """{'partner': row, 'documents': {kind: {'move': row, 'lines': {role: row}}}, 'tax_ids': ids}: what Odoo posts; it is undone."""
    try:
        with env.cr.savepoint():
            specimens = _post_specimens(env, term)
            raise _RollBack
    except _RollBack:
        env.invalidate_all(flush=False)
    return specimens


def _post_specimens(env, term):
    company, moves = env.company, env['account.move'].with_context(tracking_disable=True)
    today = datetime.date.today()
    partner = env['res.partner'].create({'name': "Customer", 'is_company': True, 'customer_rank': 1})
    receivable = partner.property_account_receivable_id

    def document(move_type, **values):
        return moves.create({
            'move_type': move_type, 'partner_id': partner.id, 'invoice_date': today, 'invoice_line_ids': [Command.create(
                {'name': "Goods", 'quantity': 1, 'price_unit': 100, 'tax_ids': company.account_sale_tax_id.ids})], **values})

    def entry(journal, account, sign):
        return moves.create({'move_type': 'entry', 'journal_id': journal.id, 'date': today, 'line_ids': [
            Command.create({'name': journal.name, 'partner_id': partner.id, 'account_id': line_account.id, 'balance': balance})
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


# === THE PLAN: NARROW TEMPORARY TABLES === #

# Every random decision is a hash of (seed, number, salt): it does not depend on order or on what else is generated.
RANDOM = """
    CREATE OR REPLACE FUNCTION pg_temp.random_of(number bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT ((hashint8extended(number, %(seed)s::bigint * 1000 + salt) >> 11) & 4503599627370495) / 4503599627370496.0::float8 $$
"""

# Rate of a month = units of the second currency for one of the company's.
RATES = """
    CREATE TEMP TABLE bench_rate ON COMMIT DROP AS
    SELECT day::date, ROUND((0.9 + 0.06 * sin(n * 0.7) + 0.03 * (pg_temp.random_of(n, 1) - 0.5))::numeric, 6) AS rate
      FROM generate_series(date_trunc('month', %(start)s::date), date_trunc('month', %(end)s::date), '1 month')
           WITH ORDINALITY AS month (day, n)
"""

# habit 1 = in time, 2 = some weeks late, 3 = months late and sometimes never
CUSTOMERS = """
    CREATE TEMP TABLE bench_customer ON COMMIT DROP AS
    SELECT n, %(first_partner)s + n AS partner_id, pg_temp.random_of(n, 11) < 0.1 AS is_foreign,
           CASE WHEN pg_temp.random_of(n, 12) < 0.5 THEN 1 WHEN pg_temp.random_of(n, 12) < 0.9 THEN 2 ELSE 3 END AS habit,
           (ARRAY[14, 30, 30, 30, 45, 60])[1 + floor(6 * pg_temp.random_of(n, 13))::int] AS terms
      FROM generate_series(1, %(partners)s) AS n
"""

SALES = """
    CREATE TEMP TABLE bench_sale ON COMMIT DROP AS
    SELECT sale.*, CASE WHEN is_foreign THEN rate ELSE 1 END AS rate, ROUND(untaxed * %(tax)s, 2) AS tax,
           CASE WHEN pg_temp.random_of(k, 25) < 0.08 THEN 'instalments' ELSE 'invoice' END AS kind
      FROM (SELECT k, partner_id, is_foreign, habit, terms,
                   %(end)s::date - floor(pg_temp.random_of(k, 21) * %(days)s)::int AS day,
                   ROUND((25 * exp(5.5 * pg_temp.random_of(k, 22) * pg_temp.random_of(k, 23)))::numeric, 2) AS untaxed
              FROM generate_series(1, %(invoices)s) AS k
              JOIN bench_customer customer ON customer.n = 1 + floor(%(partners)s * pg_temp.random_of(k, 24) ^ 1.7)
           ) AS sale
      JOIN bench_rate ON bench_rate.day = date_trunc('month', sale.day)
"""

# One receivable line each: an invoice, or an instalment. Amounts in the document's currency (_f) and the company's (_c).
ITEMS = """
    CREATE TEMP TABLE bench_item ON COMMIT DROP AS
    SELECT 10 * k + part AS item, k, part, partner_id, is_foreign, habit, day, due, rate,
           CASE part WHEN 0 THEN total_f WHEN 1 THEN half_f ELSE total_f - half_f END AS amount_f,
           CASE part WHEN 0 THEN total_c WHEN 1 THEN half_c ELSE total_c - half_c END AS amount_c
      FROM (SELECT k, partner_id, is_foreign, habit, day, kind, terms, rate,
                   untaxed + tax AS total_f, ROUND(untaxed / rate, 2) + ROUND(tax / rate, 2) AS total_c,
                   ROUND((untaxed + tax) / 2, 2) AS half_f, ROUND((untaxed + tax) / 2 / rate, 2) AS half_c
              FROM bench_sale) AS sale
CROSS JOIN LATERAL (
            SELECT 0 AS part, day + terms AS due WHERE kind = 'invoice'
         UNION ALL
            SELECT part, day + 30 * part FROM generate_series(1, 2) AS part WHERE kind = 'instalments') AS instalment
"""

# What happens to an item: shares of it settled by up to two documents, each with its day; NULL share = all that is left.
EVENTS = """
    CREATE TEMP TABLE bench_event ON COMMIT DROP AS
    SELECT item.item, step.step, step.kind, step.share, step.day, step.surplus
      FROM (SELECT *,
                   GREATEST(day, due + CASE habit
                       WHEN 1 THEN floor(-6 + 10 * pg_temp.random_of(item, 31))
                       WHEN 2 THEN floor(3 + 60 * pg_temp.random_of(item, 31) ^ 1.5)
                       ELSE floor(25 + 140 * pg_temp.random_of(item, 31)) END::int) AS paid,
                   pg_temp.random_of(item, 32) AS fate, pg_temp.random_of(item, 33) AS share,
                   floor(50 * pg_temp.random_of(item, 34))::int AS wait,
                   CASE habit WHEN 3 THEN 0.2 ELSE 0.012 END AS never
              FROM bench_item) AS item
CROSS JOIN LATERAL (
            SELECT 1 AS step, 'receipt' AS kind, NULL::numeric AS share, paid AS day, 0.0 AS surplus
             WHERE fate >= never + 0.147
         UNION ALL  -- part payment, the rest later
            SELECT 1, 'receipt', 0.3 + 0.4 * item.share, paid, 0 WHERE fate >= never AND fate < never + 0.08
         UNION ALL
            SELECT 2, 'receipt', NULL, paid + 20 + wait, 0 WHERE fate >= never AND fate < never + 0.08
         UNION ALL  -- part payment, the rest never
            SELECT 1, 'receipt', 0.5 + 0.45 * item.share, paid, 0 WHERE fate >= never + 0.08 AND fate < never + 0.09
         UNION ALL  -- credit note for a part, then the rest is paid
            SELECT 1, 'refund', 0.1 + 0.3 * item.share, LEAST(paid, item.day + 5 + wait), 0
             WHERE fate >= never + 0.09 AND fate < never + 0.125
         UNION ALL
            SELECT 2, 'receipt', NULL, paid, 0 WHERE fate >= never + 0.09 AND fate < never + 0.125
         UNION ALL  -- reversed
            SELECT 1, 'refund', NULL, item.day + 5 + wait, 0 WHERE fate >= never + 0.125 AND fate < never + 0.14
         UNION ALL  -- paid too much
            SELECT 1, 'receipt', NULL, paid, CASE WHEN is_foreign THEN 0 ELSE 0.1 END
             WHERE fate >= never + 0.14 AND fate < never + 0.147) AS step
     WHERE step.day <= %(end)s
"""

# Settlements with their amounts. `value_c` is what the settled part is worth in the books, `paid_c` what came in for it at the
# day's rate; the smaller is matched, the rest is an exchange difference. Within two cents the bank used the books' rate:
# there Odoo sees rounding, not a difference.
SETTLEMENTS = """
    CREATE TEMP TABLE bench_settlement ON COMMIT DROP AS
    WITH share AS (
        SELECT event.*, item.k, item.partner_id, item.is_foreign, item.amount_f, item.amount_c,
               CASE WHEN item.is_foreign THEN bench_rate.rate ELSE 1 END AS rate,
               ROUND(item.amount_f * event.share::numeric, 2) AS part_f
          FROM bench_event event
          JOIN bench_item item USING (item)
          JOIN bench_rate ON bench_rate.day = date_trunc('month', event.day)
    ), part AS (
        SELECT share.*, COALESCE(part_f, amount_f - COALESCE(before_f, 0)) AS settled_f,
               CASE WHEN part_f IS NOT NULL THEN ROUND(part_f * amount_c / amount_f, 2)
                    ELSE amount_c - COALESCE(ROUND(before_f * amount_c / amount_f, 2), 0) END AS value_c
          FROM (SELECT *, lag(part_f) OVER (PARTITION BY item ORDER BY step) AS before_f FROM share) AS share
    ), paid AS (
        SELECT part.*, ROUND(settled_f * (1 + surplus), 2) AS document_f,
               CASE WHEN kind = 'refund' THEN ROUND(settled_f / (1 + %(tax)s), 2) END AS untaxed_f,
               CASE WHEN ABS(ROUND(settled_f / rate, 2) - value_c) <= 0.02 THEN value_c ELSE ROUND(settled_f / rate, 2) END AS paid_c
          FROM part
    )
    SELECT item, step, k, kind, day, partner_id, is_foreign, rate, settled_f, document_f, untaxed_f, value_c, paid_c,
           CASE WHEN is_foreign THEN paid_c ELSE document_f END AS document_c,
           LEAST(value_c, paid_c) AS matched_c
      FROM paid
"""

# An item and all that is matched with it: one reconciliation, full when nothing is left on either side.
MATCHINGS = """
    CREATE TEMP TABLE bench_matching ON COMMIT DROP AS
    SELECT item.item, item.k, COUNT(settlement.item) AS settlements,
           item.amount_f - COALESCE(SUM(settled_f), 0) AS residual_f,
           item.amount_c - COALESCE(SUM(value_c), 0) AS residual_c,
           COALESCE(BOOL_OR(settlement.kind = 'refund'), FALSE) AS has_refund,
           item.amount_f = COALESCE(SUM(settled_f), 0) AND item.amount_f = COALESCE(SUM(document_f), 0) AS is_full
      FROM bench_item item
 LEFT JOIN bench_settlement settlement USING (item)
  GROUP BY item.item, item.k, item.amount_f, item.amount_c
"""

DROPPED = """
    CREATE TEMP TABLE bench_dropped ON COMMIT DROP AS
    SELECT k FROM bench_matching GROUP BY k
    HAVING BOOL_AND(is_full) AND pg_temp.random_of(k, %(salt)s) >= %(paid_history)s
"""

UNAPPLIED = """
    CREATE TEMP TABLE bench_unapplied ON COMMIT DROP AS
    SELECT credit.*, ROUND(total_f / %(gross)s, 2) AS untaxed_f, CASE WHEN is_foreign THEN bench_rate.rate ELSE 1 END AS rate
      FROM (SELECT number.n, partner_id, is_foreign, CASE WHEN number.n %% 3 = 0 THEN 'refund' ELSE 'receipt' END AS kind,
                   GREATEST(%(end)s::date - floor(90 * pg_temp.random_of(number.n, 42) ^ 2)::int, %(start)s::date) AS day,
                   ROUND((30 + 900 * pg_temp.random_of(number.n, 43) ^ 2)::numeric, 2) AS total_f
              FROM (SELECT n, 1 + floor(%(partners)s * pg_temp.random_of(n, 41)) AS customer
                      FROM generate_series(1, %(unapplied)s) AS n) AS number
              JOIN bench_customer ON bench_customer.n = number.customer) AS credit
      JOIN bench_rate ON bench_rate.day = date_trunc('month', credit.day)
"""

# Every document, numbered in the order of its date, as if entered day by day. `sign` is that of its receivable lines;
# untaxed_f and tax are null on entries, total_f is 0 on exchange differences.
DOCUMENTS = """
    CREATE TEMP TABLE bench_document ON COMMIT DROP AS
    WITH document AS (
        SELECT kind, 100 * k AS key, k, NULL::int AS item, day, due, partner_id, is_foreign, rate,
               untaxed AS untaxed_f, tax AS tax_f, ROUND(tax / rate, 2) AS tax_c,
               untaxed + tax AS total_f, total_c, residual_f, residual_c,
               CASE WHEN residual_f = 0 AND has_refund THEN 'reversed' WHEN residual_f = 0 THEN 'paid'
                    WHEN settlements > 0 THEN 'partial' ELSE 'not_paid' END AS payment_state
          FROM bench_sale
          JOIN (SELECT item.k, MAX(due) AS due, SUM(amount_c) AS total_c,
                       SUM(residual_f) AS residual_f, SUM(residual_c) AS residual_c,
                       BOOL_OR(has_refund) AS has_refund, SUM(settlements) AS settlements
                  FROM bench_item item JOIN bench_matching USING (item) GROUP BY item.k) AS items USING (k)
     UNION ALL
        SELECT kind, 10 * item + step, k, item, day, day, partner_id, is_foreign, rate,
               untaxed_f, document_f - untaxed_f, ROUND((document_f - untaxed_f) / rate, 2),
               document_f, document_c, document_f - settled_f, document_c - paid_c,
               CASE WHEN kind = 'refund' THEN 'paid' ELSE 'not_paid' END
          FROM bench_settlement
     UNION ALL  -- the item loses, or the receipt has too much, by the change of the rate
        SELECT CASE WHEN value_c > paid_c THEN 'loss' ELSE 'gain' END, 10 * item + step, k, item, day, day, partner_id,
               is_foreign, rate, NULL, NULL, NULL, 0, ABS(value_c - paid_c), 0, 0, 'not_paid'
          FROM bench_settlement WHERE value_c != paid_c
     UNION ALL  -- credits of the last months that nobody has applied yet
        SELECT kind, -n, NULL, NULL, day, day, partner_id, is_foreign, rate,
               CASE WHEN kind = 'refund' THEN untaxed_f END, CASE WHEN kind = 'refund' THEN total_f - untaxed_f END,
               CASE WHEN kind = 'refund' THEN ROUND((total_f - untaxed_f) / rate, 2) END,
               total_f, ROUND(total_f / rate, 2), total_f, ROUND(total_f / rate, 2), 'not_paid'
          FROM bench_unapplied
    ), numbered AS (
        SELECT document.*, digits, prefix,
               %(first_move)s + (row_number() OVER (ORDER BY day, kind, key))::int AS move_id,
               row_number() OVER (PARTITION BY prefix ORDER BY day, kind, key) AS number
          FROM document
          JOIN bench_sequence USING (kind)
    CROSS JOIN LATERAL (SELECT replace(replace(pattern, 'YYYY', to_char(day, 'YYYY')), 'MM', to_char(day, 'MM')) AS prefix) AS year
    )
    SELECT *, CASE WHEN kind IN ('invoice', 'instalments', 'gain') THEN 1 ELSE -1 END AS sign,
           prefix || lpad(number::text, GREATEST(digits, length(number::text)), '0') AS name
      FROM numbered
  ORDER BY move_id
"""

# Every journal item, debit positive. Receivable lines that can be matched carry the `item` of their matching.
LINES = """
    CREATE TEMP TABLE bench_line ON COMMIT DROP AS
    SELECT line.*, %(first_line)s + (row_number() OVER (ORDER BY move_id, position))::int AS line_id
      FROM (SELECT move_id, kind, 'counterpart' AS role, 0 AS position, NULL::int AS item, NULL::date AS due,
                   -sign * COALESCE(untaxed_f, total_f) AS amount_f, -sign * (total_c - COALESCE(tax_c, 0)) AS amount_c,
                   CASE WHEN kind = 'receipt' THEN total_f ELSE 0 END AS residual_f,
                   CASE WHEN kind = 'receipt' THEN total_c ELSE 0 END AS residual_c
              FROM bench_document
         UNION ALL
            SELECT move_id, kind, 'tax', 1, NULL, NULL, -sign * tax_f, -sign * tax_c, 0, 0 FROM bench_document WHERE tax_f != 0
         UNION ALL
            SELECT move_id, document.kind, 'receivable', 2 + part, item.item, item.due, amount_f, amount_c,
                   matching.residual_f, matching.residual_c
              FROM bench_document document
              JOIN bench_item item USING (k)
              JOIN bench_matching matching ON matching.item = item.item
             WHERE document.kind IN ('invoice', 'instalments')
         UNION ALL
            SELECT move_id, kind, 'receivable', 2, item, day, sign * total_f, sign * total_c, sign * residual_f, sign * residual_c
              FROM bench_document WHERE kind NOT IN ('invoice', 'instalments')
           ) AS line
"""

# What is matched with what: a settlement with its item, and the exchange difference with the side it corrects.
PARTIALS = """
    CREATE TEMP TABLE bench_partial ON COMMIT DROP AS
    WITH settled AS (
        SELECT settlement.*, item_line.line_id AS item_line_id, credit.line_id AS credit_line_id,
               exchange.move_id AS exchange_move_id, exchange_line.line_id AS exchange_line_id
          FROM bench_settlement settlement
          JOIN bench_line item_line ON item_line.item = settlement.item AND item_line.kind IN ('invoice', 'instalments')
          JOIN bench_document document ON document.key = 10 * settlement.item + settlement.step AND document.kind = settlement.kind
          JOIN bench_line credit ON credit.move_id = document.move_id AND credit.role = 'receivable'
     LEFT JOIN bench_document exchange ON exchange.key = document.key AND exchange.kind IN ('loss', 'gain')
     LEFT JOIN bench_line exchange_line ON exchange_line.move_id = exchange.move_id AND exchange_line.role = 'receivable'
    )
    SELECT %(first_partial)s + (row_number() OVER (ORDER BY day, item, step, exchange_line_id NULLS FIRST))::int AS partial_id, partial.*
      FROM (SELECT item, step, day, is_foreign, item_line_id AS debit_line_id, credit_line_id, matched_c AS amount_c,
                   settled_f AS amount_f, exchange_move_id, NULL::int AS exchange_line_id
              FROM settled
         UNION ALL
            SELECT item, step, day, is_foreign, item_line_id, exchange_line_id, value_c - paid_c, 0, NULL, exchange_line_id
              FROM settled WHERE value_c > paid_c
         UNION ALL
            SELECT item, step, day, is_foreign, exchange_line_id, credit_line_id, paid_c - value_c, 0, NULL, exchange_line_id
              FROM settled WHERE value_c < paid_c
           ) AS partial
"""

RECONCILIATIONS = """
    CREATE TEMP TABLE bench_reconciliation ON COMMIT DROP AS
    SELECT item, full_id, COALESCE(full_id::text, 'P' || first_partial_id) AS matching_number
      FROM (SELECT item, MIN(partial_id) AS first_partial_id,
                   CASE WHEN is_full THEN %(first_full)s + (row_number() OVER (PARTITION BY is_full ORDER BY MIN(partial_id)))::int END AS full_id
              FROM bench_partial JOIN bench_matching USING (item)
          GROUP BY item, is_full) AS matching
"""


def _plan(env, parameters, specimens, currency):
    """Create the bench_* tables."""
    cr, tax = env.cr, _tax_rate(specimens)
    days = round(parameters.months * 30.4375)
    values = {
        **{f'first_{name}': _last_id(cr, table) for name, table in TABLES.items()},
        'seed': parameters.seed, 'partners': parameters.partners, 'invoices': parameters.invoices,
        'end': parameters.end, 'start': parameters.end - datetime.timedelta(days), 'days': days, 'tax': tax, 'gross': 1 + tax,
        'unapplied': max(parameters.invoices // 150, 6), 'salt': SETTLED_SALE_SALT, 'paid_history': parameters.paid_history,
    }

    def create(*statements):
        for statement in statements:
            cr.execute(statement, values)
            cr.execute(SQL("ANALYZE %s", SQL.identifier(re.search(r"bench_\w+", statement)[0])))
    cr.execute("SET LOCAL work_mem = '256MB'")
    cr.execute(RANDOM, values)
    cr.execute("CREATE TEMP TABLE bench_sequence (kind text, pattern text, digits int) ON COMMIT DROP")
    cr.execute_values("INSERT INTO bench_sequence VALUES %s", _sequences(specimens))
    create(RATES, CUSTOMERS, SALES, ITEMS, EVENTS, SETTLEMENTS, MATCHINGS)
    if parameters.paid_history < 1:
        create(DROPPED)
        for table in ('bench_settlement', 'bench_matching', 'bench_item', 'bench_sale'):
            cr.execute(SQL("DELETE FROM %(table)s USING bench_dropped dropped WHERE dropped.k = %(table)s.k", table=SQL.identifier(table)))
    create(UNAPPLIED, DOCUMENTS, LINES, PARTIALS, RECONCILIATIONS)
    cr.execute("INSERT INTO res_currency_rate (name, rate, currency_id, company_id, create_date, write_date)"
               " SELECT day, rate, %s, %s, now(), now() FROM bench_rate", (currency.id, env.company.id))
    cr.execute("CREATE TEMP TABLE bench_currency ON COMMIT DROP AS SELECT FALSE AS is_foreign, %s AS id UNION ALL SELECT TRUE, %s",
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
    cr.execute("CREATE TEMP TABLE bench_specimen_move ON COMMIT DROP AS SELECT NULL::text AS kind, * FROM account_move WHERE FALSE")
    cr.execute("CREATE TEMP TABLE bench_specimen_line ON COMMIT DROP AS"
               " SELECT NULL::text AS kind, NULL::text AS role, * FROM account_move_line WHERE FALSE")
    for kind, document in specimens['documents'].items():
        cr.execute("INSERT INTO bench_specimen_move SELECT %s, * FROM jsonb_populate_record(NULL::account_move, %s)",
                   (kind, document['move']))
        for role, line in document['lines'].items():
            cr.execute("INSERT INTO bench_specimen_line SELECT %s, %s, * FROM jsonb_populate_record(NULL::account_move_line, %s)",
                       (kind, role, line))
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
                   " WHERE role = 'counterpart' AND kind IN ('invoice', 'instalments', 'refund')", (specimens['tax_ids'],))
    for table in TABLES.values():
        cr.execute(SQL("SELECT setval(pg_get_serial_sequence(%s, 'id'), GREATEST(MAX(id), 1)) FROM %s", table, SQL.identifier(table)))


PARTNER_SOURCE = "bench_customer customer, bench_specimen_partner specimen"
PARTNER_VALUES = {
    'id': "customer.partner_id",
    'commercial_partner_id': "customer.partner_id",
    **dict.fromkeys(('name', 'complete_name', 'commercial_company_name'), "'Customer ' || lpad(customer.n::text, 6, '0')"),
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
    'invoice_partner_display_name': "CASE WHEN specimen.partner_id IS NULL THEN specimen.invoice_partner_display_name ELSE partner.name END",
    'payment_reference': "CASE WHEN specimen.payment_reference IS NOT NULL THEN document.name END",
    'payment_state': "document.payment_state",
    'invoice_currency_rate': "CASE WHEN specimen.invoice_currency_rate IS NOT NULL THEN document.rate END",
    'amount_untaxed': "COALESCE(document.untaxed_f, 0)",
    'amount_tax': "COALESCE(document.tax_f, 0)",
    'amount_total': "document.total_f",
    'amount_residual': f"CASE WHEN {IS_ENTRY} THEN 0 ELSE document.residual_f END",
    'amount_untaxed_signed': f"CASE WHEN {IS_ENTRY} THEN 0 ELSE document.sign * (document.total_c - document.tax_c) END",
    'amount_untaxed_in_currency_signed': "COALESCE(document.sign * document.untaxed_f, 0)",
    'amount_tax_signed': "COALESCE(document.sign * document.tax_c, 0)",
    'amount_total_signed': f"CASE WHEN {IS_ENTRY} THEN document.total_c ELSE document.sign * document.total_c END",
    'amount_total_in_currency_signed': f"CASE WHEN {IS_ENTRY} THEN document.total_f ELSE document.sign * document.total_f END",
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
                    WHEN line.position > 2 THEN document.name || ' installment #' || line.position - 2 ELSE document.name END""",
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
    'tax_base_amount': "CASE WHEN line.role = 'tax' THEN -document.sign * (document.total_c - document.tax_c) ELSE specimen.tax_base_amount END",
    'price_unit': "CASE WHEN specimen.price_unit IS NULL THEN NULL WHEN specimen.price_unit = 0 THEN 0 ELSE document.untaxed_f END",
    'price_subtotal': "CASE WHEN document.untaxed_f IS NULL THEN line.amount_f WHEN line.role = 'counterpart' THEN document.untaxed_f END",
    'price_total': """CASE WHEN document.untaxed_f IS NULL THEN line.amount_f 
                           WHEN line.role = 'counterpart' THEN document.untaxed_f + ROUND(document.untaxed_f * %(tax)s, 2) END""",
}

PARTIAL_INSERT = """
    INSERT INTO account_partial_reconcile (id, debit_move_id, credit_move_id, full_reconcile_id, exchange_move_id, debit_currency_id,
           credit_currency_id, company_id, max_date, amount, debit_amount_currency, credit_amount_currency, create_date, write_date)
    SELECT partial_id, debit_line_id, credit_line_id, full_id, exchange_move_id, currency.id, currency.id, %(company)s, day,
           amount_c, amount_f, amount_f, now(), now()
      FROM bench_partial partial
      JOIN bench_reconciliation USING (item)
      JOIN bench_currency currency USING (is_foreign)
  ORDER BY partial_id
"""


def _insert(cr, table, values, source, parameters=None):
    """Insert a row for each of `source`: the specimen's columns, `values` ({column: SQL}) in their place where given."""
    cr.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
               (table,))
    columns = [name for (name,) in cr.fetchall()]
    if unknown := set(values) - set(columns):
        raise InconsistentLedger(f"{table} has no column {', '.join(sorted(unknown))} in this version of Odoo.")
    expressions = ", ".join(values.get(column) or f'specimen."{column}"' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cr.execute(f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {source}", parameters)  # constants of this file and the catalogue only


@contextlib.contextmanager
def _without_indexes(cr, tables):
    """Drop the plain indexes and foreign keys of `tables` and build them again (checked) at the end: quicker than row by row."""
    cr.execute("""
        SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
          FROM pg_index WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT indisunique
     UNION ALL
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
          FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[]) AND contype = 'f'""", {'tables': list(tables)})
    statements = cr.fetchall()
    for drop, _create in statements:
        cr.execute(drop)
    yield
    for _drop, create in statements:
        cr.execute(create)


# === CHECKS === #

# Each query returns offending rows; all must be empty.
CHECKS = {
    "entries that do not balance": """
        SELECT move_id FROM account_move_line GROUP BY move_id HAVING SUM(balance) != 0""",
    "items whose residual is not balance minus matchings": """
        SELECT line.id
          FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id AND account.account_type = 'asset_receivable'
     LEFT JOIN (SELECT line_id, SUM(amount) AS amount, SUM(amount_currency) AS amount_currency FROM (
                    SELECT debit_move_id AS line_id, amount, debit_amount_currency AS amount_currency FROM account_partial_reconcile
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
          JOIN account_move_line debit ON debit.id = debit_move_id JOIN account_move_line credit ON credit.id = credit_move_id
         WHERE max_date != GREATEST(debit.date, credit.date) OR debit.partner_id != credit.partner_id OR partial.amount <= 0""",
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
    'amount_untaxed', 'amount_tax', 'amount_total', 'amount_residual', 'amount_untaxed_signed', 'amount_untaxed_in_currency_signed',
    'amount_tax_signed', 'amount_total_signed', 'amount_total_in_currency_signed', 'amount_residual_signed', 'payment_state',
    'sequence_prefix', 'sequence_number', 'commercial_partner_id', 'invoice_partner_display_name', 'invoice_currency_rate',
    'invoice_date_due')
LINE_FIELDS = (
    'amount_residual', 'amount_residual_currency', 'reconciled', 'debit', 'credit', 'price_subtotal', 'price_total', 'parent_state',
    'move_name', 'date', 'invoice_date', 'company_currency_id')


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
            checked, wrong = _match_again(moves[:max(len(moves) // 20, 1)])
            raise _RollBack
    except _RollBack:
        env.invalidate_all(flush=False)
    if differences or wrong:
        raise InconsistentLedger("\n".join(["The ledger is not what Odoo computes:", *(differences + wrong)[:20]]))
    return count + checked


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
    lines = moves.line_ids.filtered(lambda line: line.account_id.account_type == 'asset_receivable' and line.matching_number)
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
