"""Sales, payments and receivables over time: what the KPIs and their series are made of."""
import itertools

from odoo import api, models
from odoo.tools import SQL

from .ar_ledger import DISPUTE_ROUNDS, DUE_DATE

OLD_DAYS = 90  # overdue by more than this
SALES_TYPES = ('out_invoice', 'out_refund', 'out_receipt')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def sales(self, options=None):
        """Return invoiced sales including tax, credit notes deducted, per day.

        :param dict options: date_from, date_to (inclusive), company_ids, partner_ids
        :return: list of (date, amount in the report currency), ascending
        """
        opts = self._read_options(options)
        return self._daily_sales(opts, opts['date_from'], opts['date_to'])

    def _converted_sum(self, amount, rates, digits):
        """SQL: `amount` summed in report currency (rounded per row only when companies' currencies differ)."""
        if not rates:
            return SQL("SUM(%s)", amount), SQL()
        values = SQL(", ").join(SQL("(%s, %s)", company, rate) for company, rate in rates.items())
        return SQL("SUM(ROUND(%s * rate.rate, %s))", amount, digits), SQL(
            "JOIN (VALUES %s) AS rate (company_id, rate) ON rate.company_id = account_move_line.company_id", values)

    def _daily_sales(self, opts, date_from, date_to):
        """[(date, amount)] of invoices, receipts and credit notes, from their receivable lines."""
        currency, rates = self._report_currency(opts)
        query = self._lines({**opts, 'as_of': date_to})
        amount, rate_join = self._converted_sum(SQL("account_move_line.balance"), rates, currency.decimal_places)
        return [(day, float(total)) for day, total in self.env.execute_query(SQL(
            """SELECT account_move_line.date, %(amount)s
                 FROM %(from)s
                 JOIN account_move sale ON sale.id = account_move_line.move_id AND sale.move_type IN %(types)s
                 %(rate_join)s
                WHERE %(where)s AND account_move_line.date >= %(date_from)s
             GROUP BY account_move_line.date ORDER BY account_move_line.date""",
            **{'from': query.from_clause}, amount=amount, types=SALES_TYPES, rate_join=rate_join,
            where=query.where_clause or SQL("TRUE"), date_from=date_from))]

    def _first_sale(self, opts):
        """Date of the first sale up to `as_of`, or None."""
        query = self._lines(opts)
        return self.env.execute_query(SQL(
            """SELECT (SELECT account_move_line.date FROM %s
                         JOIN account_move sale ON sale.id = account_move_line.move_id AND sale.move_type IN %s
                        WHERE %s ORDER BY account_move_line.date LIMIT 1)""",
            query.from_clause, SALES_TYPES, query.where_clause or SQL("TRUE")))[0][0]

    def _point_facts(self, opts, points):
        """Receivables at several dates in one pass over lines and one over matchings each side.

        Every line and matching is counted at the first point it concerns; running sums do the rest.

        :param points: ascending dates; nothing after `opts['as_of']`
        :return: dict of lists along `points`, in report currency (rate of `as_of` throughout, so that a trend is one of
            receivables and not of exchange rates): receivable (net of credits), not_due and overdue (debit items),
            over_90 (of overdue, what is more than 90 days past its due date), overdue_days (sum of open overdue
            amount * days overdue)
        """
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        where = query.where_clause or SQL("TRUE")
        base = points[0]
        # width_bucket(day, points) = how many points lie at or before that day; in days since the first point, as
        # floats, which PostgreSQL compares by a short cut
        days = SQL("%s::float8[]", [(point - base).days for point in points])
        line = SQL(
            """SELECT account_move_line.id, account_move_line.company_id, account_move_line.balance,
                      account_move_line.balance > 0 AS is_debit, %(due)s - %(base)s::date AS due_day,
                      width_bucket((account_move_line.date - 1 - %(base)s::date)::float8, %(days)s) AS starts,
                      width_bucket((%(due)s - %(base)s::date)::float8, %(days)s) AS overdue,
                      width_bucket((%(due)s + %(old)s - %(base)s::date)::float8, %(days)s) AS old
                 FROM %(from)s
                WHERE %(where)s""",
            **{'from': query.from_clause}, due=DUE_DATE, base=base, days=days, where=where, old=OLD_DAYS)
        grouped = self.env.execute_query(SQL(
            """WITH line AS MATERIALIZED (%(line)s)
            SELECT company_id, starts, overdue, old, is_debit, SUM(balance), SUM(balance * due_day)
              FROM line GROUP BY company_id, starts, overdue, old, is_debit
            UNION ALL
            SELECT line.company_id, width_bucket((partial.max_date - 1 - %(base)s::date)::float8, %(days)s) AS matched,
                   line.overdue, line.old, line.is_debit, SUM(-partial.amount), SUM(-partial.amount * line.due_day)
              FROM account_partial_reconcile partial
              JOIN line ON line.id = partial.debit_move_id
              JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
             WHERE partial.max_date <= %(as_of)s
          GROUP BY line.company_id, matched, line.overdue, line.old, line.is_debit
            UNION ALL
            SELECT line.company_id, width_bucket((partial.max_date - 1 - %(base)s::date)::float8, %(days)s) AS matched,
                   0, 0, FALSE, SUM(partial.amount), 0
              FROM account_partial_reconcile partial
              JOIN line ON line.id = partial.credit_move_id
              JOIN account_move_line other ON other.id = partial.debit_move_id AND other.parent_state = 'posted'
             WHERE partial.max_date <= %(as_of)s
          GROUP BY line.company_id, matched""",
            line=line, base=base, days=days, as_of=opts['as_of']))
        steps = {name: [0.0] * (len(points) + 1) for name in (
            'receivable', 'not_due', 'overdue', 'over_90', 'weighted')}
        for company_id, starts, overdue, old, is_debit, amount, weighted in grouped:
            rate = float(rates.get(company_id, 1))
            amount, weighted = float(amount) * rate, float(weighted) * rate
            steps['receivable'][starts] += amount
            if is_debit:
                late = max(overdue, starts)  # what is matched ends where it is, be it due or not
                steps['not_due'][starts] += amount
                steps['not_due'][late] -= amount
                steps['overdue'][late] += amount
                steps['over_90'][max(old, starts)] += amount
                steps['weighted'][late] += weighted
        running = {name: list(itertools.accumulate(values[:-1])) for name, values in steps.items()}
        weighted = running.pop('weighted')
        facts = {name: [currency.round(value) for value in values] for name, values in running.items()}
        facts['overdue_days'] = [
            running['overdue'][number] * (point - base).days - weighted[number] for number, point in enumerate(points)]
        return facts

    def _daily_payments(self, opts, date_from):
        """[(date, amount, amount * days late)]: what was paid on debit items per day from `date_from` to `as_of`.

        Credit notes, exchange differences and write-offs settle items too, but are not payments. What undoes or moves
        money (a return, a refund, a transfer) is not an item that was paid.
        """
        self._flush_movements()
        self.env['ar.payment.move'].flush_model(['transfer_ids'])
        self.env['account.move.line'].flush_model(['journal_id', 'payment_id'])
        currency, rates = self._report_currency(opts)
        # sudo: ids only
        exchange = self.env['res.company'].browse(opts['company_ids']).sudo().currency_exchange_journal_id.ids
        query = self._lines(opts)
        paid = SQL("account_move_line.amount * (1 - COALESCE(share.written_off, 0))")
        amount, rate_join = self._converted_sum(paid, rates, currency.decimal_places)
        weighted, _join = self._converted_sum(
            SQL("%s * account_move_line.days", paid), rates, currency.decimal_places)
        return [(day, float(paid), float(late)) for day, paid, late in self.env.execute_query(SQL(
            """WITH part AS MATERIALIZED (
                SELECT account_move_line.company_id, partial.max_date, partial.amount,
                       partial.max_date - %(due)s AS days, payment.move_id, payment.journal_id
                  FROM %(from)s
                  JOIN account_partial_reconcile partial ON partial.debit_move_id = account_move_line.id
                       AND partial.max_date BETWEEN %(date_from)s AND %(as_of)s
                  JOIN account_move_line payment ON payment.id = partial.credit_move_id
                       AND payment.parent_state = 'posted' AND NOT payment.journal_id = ANY(%(exchange)s)
                  JOIN account_move entry ON entry.id = payment.move_id AND entry.move_type != 'out_refund'
                 WHERE %(where)s AND account_move_line.payment_id IS NULL
                       AND NOT account_move_line.journal_id = ANY(%(no_items)s)
                       AND account_move_line.move_id NOT IN (SELECT account_move_id FROM ar_payment_move_transfer_rel)
            ),
            %(shares)s
            SELECT account_move_line.max_date, %(amount)s, %(weighted)s
              FROM part AS account_move_line
         LEFT JOIN share ON share.id = account_move_line.move_id
                   %(rate_join)s
          GROUP BY account_move_line.max_date ORDER BY account_move_line.max_date""",
            **{'from': query.from_clause}, amount=amount, weighted=weighted, date_from=date_from, as_of=opts['as_of'],
            due=DUE_DATE, exchange=exchange, no_items=[*exchange, *self._money_journals(opts)], rate_join=rate_join,
            where=query.where_clause or SQL("TRUE"),
            # only miscellaneous entries are looked into: what is written off with money came on its day
            shares=self._sql_shares(SQL(
                """SELECT DISTINCT part.move_id
                     FROM part JOIN account_journal journal ON journal.id = part.journal_id AND journal.type = 'general'
                """))))]

    def _disputed_at(self, opts, points):
        """Open disputed amount at each of `points`, in report currency; per invoice, at most what was then unpaid."""
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        rows = self.env.execute_query(SQL(
            """WITH held AS (
                SELECT point.day, dispute.move_id, SUM(dispute.amount_held) AS amount
                  FROM unnest(%(points)s) AS point (day)
                  JOIN (%(rounds)s) AS dispute ON dispute.date_held <= point.day
                       AND (dispute.date_closed IS NULL OR dispute.date_closed > point.day)
              GROUP BY point.day, dispute.move_id
            ),
            residual AS (
                SELECT held.day, held.amount AS held, account_move_line.company_id,
                       SUM(account_move_line.balance - COALESCE(matched.amount, 0)) AS residual,
                       SUM(account_move_line.amount_currency - COALESCE(matched.amount_currency, 0))
                           AS residual_currency
                  FROM %(from)s
                  JOIN held ON held.move_id = account_move_line.move_id AND account_move_line.date <= held.day
             LEFT JOIN LATERAL (
                       SELECT SUM(partial.amount) AS amount, SUM(partial.debit_amount_currency) AS amount_currency
                         FROM account_partial_reconcile partial
                         JOIN account_move_line other ON other.id = partial.credit_move_id
                              AND other.parent_state = 'posted'
                        WHERE partial.debit_move_id = account_move_line.id AND partial.max_date <= held.day
                       ) AS matched ON TRUE
                 WHERE %(where)s
              GROUP BY held.day, held.move_id, held.amount, account_move_line.company_id
            )
            SELECT day, company_id, SUM(residual * LEAST(held, residual_currency) / residual_currency)
              FROM residual WHERE residual_currency > 0 GROUP BY day, company_id""",
            **{'from': query.from_clause}, points=points, rounds=DISPUTE_ROUNDS,
            where=query.where_clause or SQL("TRUE")))
        totals = dict.fromkeys(points, 0.0)
        for day, company_id, amount in rows:
            totals[day] += float(amount) * float(rates.get(company_id, 1))
        return [currency.round(totals[point]) for point in points]
