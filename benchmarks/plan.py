"""The plan of a generated ledger: SQL that fills narrow temporary tables, run one after the other by generator.py.

    bench_customer -> bench_sale -> bench_item (receivable lines) -> bench_event (what happens to them)
    -> bench_settlement (with amounts) -> bench_matching -> bench_document (all entries) -> bench_line, bench_partial

Every random decision is a hash of (seed, number, salt): it does not depend on the order or on what else is generated.
Amounts end in _f (in the document's currency) or _c (in the company's).
"""

RANDOM = """
    CREATE OR REPLACE FUNCTION pg_temp.random_of(number bigint, salt int) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT ((hashint8extended(number, %(seed)s::bigint * 1000 + salt) >> 11) & ((1::bigint << 52) - 1))
              / (1::bigint << 52)::float8 $$
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
           width_bucket(pg_temp.random_of(n, 12), ARRAY[0, 0.5, 0.9]) AS habit,
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

# A receivable line each: an invoice, or an instalment. Amounts in the document's currency (_f) and the company's (_c).
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

# What happens to an item: up to two documents that settle a share of it; NULL = all that is left.
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

# Settlements with their amounts. `value_c` is what the settled part is worth in the books, `paid_c` what came in for it
# at the day's rate; the smaller is matched, the rest is an exchange difference. Within two cents the bank used the
# books' rate: there Odoo sees rounding, not a difference.
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
               CASE WHEN ABS(ROUND(settled_f / rate, 2) - value_c) <= 0.02 THEN value_c
                    ELSE ROUND(settled_f / rate, 2) END AS paid_c
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
    SELECT credit.*, ROUND(total_f / (1 + %(tax)s), 2) AS untaxed_f,
           CASE WHEN is_foreign THEN bench_rate.rate ELSE 1 END AS rate
      FROM (SELECT number.n, partner_id, is_foreign,
                   CASE WHEN number.n %% 3 = 0 THEN 'refund' ELSE 'receipt' END AS kind,
                   GREATEST(%(end)s::date - floor(90 * pg_temp.random_of(number.n, 42) ^ 2)::int, %(start)s) AS day,
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
    CROSS JOIN LATERAL (
               SELECT replace(replace(pattern, 'YYYY', to_char(day, 'YYYY')), 'MM', to_char(day, 'MM'))
                      AS prefix) AS month
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
            SELECT move_id, kind, 'tax', 1, NULL, NULL, -sign * tax_f, -sign * tax_c, 0, 0
              FROM bench_document WHERE tax_f != 0
         UNION ALL
            SELECT move_id, document.kind, 'receivable', 2 + part, item.item, item.due, amount_f, amount_c,
                   matching.residual_f, matching.residual_c
              FROM bench_document document
              JOIN bench_item item USING (k)
              JOIN bench_matching matching ON matching.item = item.item
             WHERE document.kind IN ('invoice', 'instalments')
         UNION ALL
            SELECT move_id, kind, 'receivable', 2, item, day, sign * total_f, sign * total_c,
                   sign * residual_f, sign * residual_c
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
          JOIN bench_document document ON document.key = 10 * settlement.item + settlement.step
               AND document.kind = settlement.kind
          JOIN bench_line credit ON credit.move_id = document.move_id AND credit.role = 'receivable'
     LEFT JOIN bench_document exchange ON exchange.key = document.key AND exchange.kind IN ('loss', 'gain')
     LEFT JOIN bench_line exchange_line ON exchange_line.move_id = exchange.move_id
               AND exchange_line.role = 'receivable'
    )
    SELECT %(first_partial)s + (row_number() OVER (ORDER BY day, item, step, exchange_line_id NULLS FIRST))::int
               AS partial_id, partial.*
      FROM (SELECT item, step, day, is_foreign, item_line_id AS debit_line_id, credit_line_id, matched_c AS amount_c,
                   settled_f AS amount_f, exchange_move_id, NULL::int AS exchange_line_id
              FROM settled
         UNION ALL
            SELECT item, step, day, is_foreign, item_line_id, exchange_line_id, value_c - paid_c,
                   0, NULL, exchange_line_id
              FROM settled WHERE value_c > paid_c
         UNION ALL
            SELECT item, step, day, is_foreign, exchange_line_id, credit_line_id, paid_c - value_c,
                   0, NULL, exchange_line_id
              FROM settled WHERE value_c < paid_c
           ) AS partial
"""

RECONCILIATIONS = """
    CREATE TEMP TABLE bench_reconciliation ON COMMIT DROP AS
    SELECT item, full_id, COALESCE(full_id::text, 'P' || first_partial_id) AS matching_number
      FROM (SELECT item, MIN(partial_id) AS first_partial_id,
                   CASE WHEN is_full THEN %(first_full)s
                        + (row_number() OVER (PARTITION BY is_full ORDER BY MIN(partial_id)))::int END AS full_id
              FROM bench_partial JOIN bench_matching USING (item)
          GROUP BY item, is_full) AS matching
"""

# In this order; DROPPED only when a part of the paid history is left out.
BEFORE_DROPPING = (RATES, CUSTOMERS, SALES, ITEMS, EVENTS, SETTLEMENTS, MATCHINGS)
AFTER_DROPPING = (UNAPPLIED, DOCUMENTS, LINES, PARTIALS, RECONCILIATIONS)
