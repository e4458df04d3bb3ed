"""What the worklist knows from the books: one row per customer and company, in one query, whatever their number.

The open items are those of the aged receivables (`_items_with`). On top of them it is seen what is chased: overdue,
matched with nothing in draft, and neither disputed, promised, paused, marked no follow-up nor handed over; the
customer's open credits are deducted, the oldest items first.
"""
from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _worklist_figures(self, opts, wanted, keys=(), collectors=None, domain=None):
        """Return what the books say of the customers who may need something now.

        :param dict opts: of `_read_options`
        :param dict wanted: company id -> (least amount chased, least large item, days ahead, days before a promise)
        :param keys: iterable of (customer id, company id) that are wanted whatever the books say
        :param collectors: {company id: ids of users whose customers are wanted}, [False]: those without; None: all
        :param domain: over res.partner, any contact of the customers wanted; None: all
        :return: list of tuples: partner_id, company_id, chased, days, class_id, broken, broken_on, promise_due,
            promise_on, coming, coming_on, receivable, overdue, disputed, promised; amounts in company currency
        """
        self.env['res.partner'].flush_model(['ar_collector_id', 'ar_credit_class_id', 'commercial_partner_id'])
        self.env['ar.pause'].flush_model()
        self.env['ar.hand.over'].flush_model(['company_id', 'partner_id', 'state'])
        self.env['ar.promise.line'].flush_model()
        keys = list(keys)
        conditions = [SQL("TRUE")]
        if collectors == [False]:
            conditions.append(SQL("(partner.ar_collector_id ->> line.company_id::text) IS NULL"))
        elif collectors is not None:
            pairs = [(company_id, user_id) for company_id, own in collectors.items() for user_id in own]
            conditions.append(SQL(
                "(line.company_id, (partner.ar_collector_id ->> line.company_id::text)::int) IN %s", tuple(pairs)))
        if domain is not None:
            contacts = self.env['res.partner'].with_context(active_test=False)._search(domain)
            conditions.append(SQL("partner.id IN %s", contacts.subselect('commercial_partner_id')))
        return self.env.execute_query(SQL(
            """
            %(with)s,
            wanted (company_id, minimum, large, ahead, before) AS (VALUES %(wanted)s),
            asked AS (
                SELECT TRUE AS is_asked, key.* FROM unnest(%(partner_ids)s::int[], %(company_ids)s::int[])
                       AS key (partner_id, company_id)
            ),
            paused AS (
                SELECT company_id, partner_id, move_id, move_line_id FROM ar_pause
                 WHERE date_start <= %(today)s AND date_end >= %(today)s
            ),
            marked AS MATERIALIZED (
                SELECT line_id, SUM(disputed) AS disputed, SUM(promised) AS promised, BOOL_OR(alone) AS alone,
                       MAX(ended) AS ended, MAX(date_promised) AS date_promised, SUM(given) AS given
                  FROM (SELECT line_id, amount AS disputed, NULL::numeric AS promised, FALSE AS alone,
                               NULL::date AS ended, NULL::date AS date_promised, NULL::numeric AS given
                          FROM disputed
                     UNION ALL
                        SELECT line_id, NULL, amount, FALSE, NULL, NULL, NULL FROM promised
                     UNION ALL
                        SELECT item.line_id, NULL, NULL, TRUE, NULL, NULL, NULL
                          FROM item JOIN paused ON paused.move_id = item.move_id
                               AND (paused.move_line_id IS NULL OR paused.move_line_id = item.line_id)
                     UNION ALL
                        SELECT move_line_id, NULL, NULL, FALSE, date_ended, NULL, NULL
                          FROM ar_promise_line WHERE state IN ('broken', 'partly_kept')
                     UNION ALL
                        SELECT move_line_id, NULL, NULL, FALSE, NULL, date_promised, amount - COALESCE(amount_paid, 0)
                          FROM ar_promise_line WHERE is_open
                  ) AS mark
                 WHERE line_id IS NOT NULL
              GROUP BY line_id
            ),
            line AS MATERIALIZED (
                SELECT item.partner_id, item.company_id, item.line_id, item.age_date, item.residual,
                       %(today)s - item.age_date AS days, marked.disputed, marked.promised, marked.ended,
                       CASE WHEN item.residual <= 0 OR item.no_followup OR marked.alone THEN 0
                            WHEN marked.line_id IS NULL THEN GREATEST(item.residual - item.draft_matched, 0)
                            ELSE GREATEST(item.residual - item.draft_matched - COALESCE(marked.disputed, 0)
                                          - COALESCE(marked.promised, 0), 0) END AS free,
                       marked.date_promised,
                       CASE WHEN marked.promised IS NULL OR item.residual_currency <= 0 THEN 0
                            ELSE LEAST(marked.promised, marked.given * item.residual / item.residual_currency)
                        END AS given
                  FROM item
             LEFT JOIN marked ON marked.line_id = item.line_id
                 WHERE item.partner_id IS NOT NULL
            ),
            summed AS MATERIALIZED (
                SELECT line.partner_id, line.company_id,
                       COALESCE(SUM(free) FILTER (WHERE days > 0), 0) AS free,
                       COALESCE(SUM(residual) FILTER (WHERE residual < 0), 0) AS credits,
                       COALESCE(MAX(days) FILTER (WHERE days > 0 AND free > 0), 0) AS days,
                       COALESCE(SUM(free) FILTER (WHERE ended IS NOT NULL), 0) AS broken,
                       MAX(ended) FILTER (WHERE free > 0) AS broken_on,
                       COALESCE(SUM(given) FILTER (WHERE date_promised <= %(today)s + wanted.before), 0) AS promise_due,
                       MIN(date_promised) FILTER (WHERE given > 0 AND date_promised <= %(today)s + wanted.before)
                           AS promise_on,
                       COALESCE(MAX(free) FILTER (
                           WHERE days BETWEEN -wanted.ahead AND 0 AND free >= wanted.large), 0) AS coming,
                       MIN(age_date) FILTER (WHERE days BETWEEN -wanted.ahead AND 0 AND free >= wanted.large)
                           AS coming_on,
                       SUM(residual) AS receivable,
                       COALESCE(SUM(residual) FILTER (WHERE residual > 0 AND days > 0), 0) AS overdue,
                       SUM(disputed) AS disputed, SUM(promised) AS promised,
                       MAX(wanted.minimum) AS minimum
                  FROM line
                  JOIN wanted ON wanted.company_id = line.company_id
              GROUP BY line.partner_id, line.company_id
            ),
            uncovered AS (
                SELECT partner_id, company_id, MAX(days) AS days
                  FROM (SELECT line.partner_id, line.company_id, line.days, line.free, summed.credits,
                               SUM(line.free) OVER (PARTITION BY line.partner_id, line.company_id
                                                    ORDER BY line.age_date, line.line_id) AS until
                          FROM line JOIN summed ON summed.partner_id = line.partner_id
                               AND summed.company_id = line.company_id AND summed.credits < 0
                         WHERE line.days > 0 AND line.free > 0) AS running
                 WHERE until + credits > 0
              GROUP BY partner_id, company_id
            )
            SELECT line.partner_id, line.company_id,
                   CASE WHEN away.partner_id IS NULL THEN line.chased ELSE 0 END::float8,
                   CASE WHEN away.partner_id IS NOT NULL THEN 0
                        WHEN line.credits < 0 THEN COALESCE(uncovered.days, 0) ELSE COALESCE(line.days, 0) END,
                   (partner.ar_credit_class_id ->> line.company_id::text)::int,
                   CASE WHEN away.partner_id IS NULL THEN LEAST(line.broken, line.chased) ELSE 0 END::float8,
                   line.broken_on, COALESCE(line.promise_due, 0)::float8, line.promise_on,
                   CASE WHEN away.partner_id IS NULL THEN COALESCE(line.coming, 0) ELSE 0 END::float8, line.coming_on,
                   COALESCE(line.receivable, 0)::float8, COALESCE(line.overdue, 0)::float8,
                   COALESCE(line.disputed, 0)::float8, COALESCE(line.promised, 0)::float8
              FROM (SELECT partner_id, company_id, GREATEST(COALESCE(free + credits, 0), 0) AS chased, days, credits,
                           COALESCE(broken, 0) AS broken, broken_on, promise_due, promise_on, coming, coming_on,
                           receivable, overdue, disputed, promised, minimum, asked.is_asked
                      FROM summed FULL JOIN asked USING (partner_id, company_id)) AS line
              JOIN res_partner partner ON partner.id = line.partner_id
         LEFT JOIN uncovered ON uncovered.partner_id = line.partner_id AND uncovered.company_id = line.company_id
         LEFT JOIN (SELECT company_id, partner_id FROM ar_hand_over WHERE state = 'open'
                     UNION SELECT company_id, partner_id FROM paused WHERE move_id IS NULL) AS away
                ON away.partner_id = line.partner_id AND away.company_id = line.company_id
             WHERE ((away.partner_id IS NULL AND (line.chased > 0 AND line.chased >= line.minimum OR line.coming > 0))
                     OR line.promise_due > 0 OR line.is_asked)
                   AND %(whose)s
            """,
            **{'with': self._items_with(opts)}, today=opts['as_of'], partner_ids=[key[0] for key in keys],
            company_ids=[key[1] for key in keys], whose=SQL(" AND ").join(conditions),
            wanted=SQL(", ").join(
                SQL("(%s, %s::numeric, %s::numeric, %s, %s)", company_id, *values)
                for company_id, values in wanted.items())))

    @api.model
    def _get_collector_ids(self):
        """Return the ids of users who look after customers in the companies switched on; one query."""
        self.env['res.partner'].flush_model(['ar_collector_id'])
        return [user_id for [user_id] in self.env.execute_query(SQL(
            """SELECT DISTINCT own.value::int FROM res_partner partner, jsonb_each_text(partner.ar_collector_id) AS own
                WHERE own.key = ANY(%s) AND own.value IS NOT NULL""",
            [str(company_id) for company_id in self.env.companies.ids]))]
