"""How receivables age from month to month and what of them is lost: the facts of roll rates and of the provision."""
import itertools

from odoo import api, models
from odoo.tools import SQL

from .ar_ledger import DUE_DATE


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def bucket_series(self, options, points):
        """Return what was open per bucket at several dates, in one pass over items and matchings.

        Every item and matching is counted at the first date it concerns, per boundary it has crossed; running sums do
        the rest.

        :param dict options: bucket_limits, company_ids, partner_ids, filters; ages are counted from the due date
        :param points: ascending dates
        :return: list along `points` of lists: open invoices and other debit items (no credits deducted) not due, then
            per bucket, in the report currency at the rate of the last date
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options({**options, 'as_of': points[-1]})
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        starts = [1, *(limit + 1 for limit in opts['bucket_limits'])]
        names = [SQL.identifier(f'from_{number}') for number in range(len(starts) + 1)]
        # from_0: when the item is there; from_n: when it is there and has reached bucket n
        entered = SQL(", ").join([
            SQL("there.point AS from_0"),
            *(SQL("GREATEST(there.point, width_bucket(due.day + %s, %s)) AS %s", start - 1, points, name)
              for start, name in zip(starts, names[1:], strict=True))])
        columns = SQL(", ").join(names)
        later = SQL(", ").join(SQL("GREATEST(line.%s, matched.point)", name) for name in names)
        rows = self.env.execute_query(SQL(
            """
            WITH line AS MATERIALIZED (
                SELECT account_move_line.id, account_move_line.company_id, account_move_line.balance, %(entered)s
                  FROM %(from)s
           CROSS JOIN LATERAL (SELECT %(due)s AS day) AS due
           CROSS JOIN LATERAL (SELECT width_bucket(account_move_line.date - 1, %(points)s) AS point) AS there
                 WHERE %(where)s AND account_move_line.balance > 0
            )
            SELECT company_id, SUM(amount), %(columns)s
              FROM (SELECT company_id, balance AS amount, %(columns)s FROM line
                 UNION ALL
                    SELECT line.company_id, -partial.amount, %(later)s
                      FROM account_partial_reconcile partial
                      JOIN line ON line.id = partial.debit_move_id
                      JOIN account_move_line other
                           ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
               CROSS JOIN LATERAL (SELECT width_bucket(partial.max_date - 1, %(points)s) AS point) AS matched
                     WHERE partial.max_date <= %(last)s) AS step (company_id, amount, %(columns)s)
          GROUP BY company_id, %(columns)s
            """,
            **{'from': query.from_clause}, entered=entered, due=DUE_DATE, points=points, columns=columns, later=later,
            where=query.where_clause or SQL("TRUE"), last=points[-1]))
        steps = [[0.0] * (len(points) + 1) for _name in names]
        for company_id, amount, *entered_at in rows:
            amount = float(amount) * float(rates.get(company_id, 1))
            for number, point in enumerate(entered_at):
                steps[number][point] += amount
        reached = [list(itertools.accumulate(values[:-1])) for values in steps]
        return [
            [currency.round(reached[number][point] - (reached[number + 1][point] if number < len(starts) else 0)) + 0.0
             for number in range(len(names))]  # + 0.0: no minus before a zero
            for point in range(len(points))]

    @api.model
    @api.readonly
    def loss_history(self, options, lost_after=0):
        """Return what of the invoices due in a period reached each bucket, and what of them was lost; one query.

        :param dict options: date_from and date_to (due dates, inclusive), as_of (what is known by then counts),
            bucket_limits, company_ids, partner_ids, filters
        :param int lost_after: what is open so many days after the due date is lost as well; 0: only what was written
            off (see `_sql_is_credit_loss`; not discounts, bank fees and small balances)
        :return: {reached: [amount invoiced, amount still open on the first day of each bucket], lost: amount,
            written_off, open_too_long (lost is their sum), item_count}, in the report currency
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        currency, rates = self._report_currency(opts)
        self._flush_movements()
        self.env['ar.write.off'].flush_model(['move_id', 'kind'])
        query = self._lines(opts)
        starts = [1, *(limit + 1 for limit in opts['bucket_limits'])]
        reached = SQL(", ").join([SQL("SUM(sale.balance)"), *(
            SQL("SUM(sale.balance - COALESCE(paid.by_%s, 0))", number) for number in range(1, len(starts) + 1))])
        paid = SQL(", ").join(
            SQL("SUM(part.amount) FILTER (WHERE part.max_date < part.due + %s) AS by_%s", start, number)
            for number, start in enumerate(starts, start=1))
        rows = self.env.execute_query(SQL(
            """
            WITH sale AS MATERIALIZED (
                SELECT account_move_line.id, account_move_line.company_id, account_move_line.balance, due.day AS due
                  FROM %(from)s
                  JOIN account_move invoice ON invoice.id = account_move_line.move_id
                       AND invoice.move_type IN ('out_invoice', 'out_receipt')
           CROSS JOIN LATERAL (SELECT %(due)s AS day) AS due
                 WHERE %(where)s AND account_move_line.balance > 0
                   AND due.day BETWEEN %(date_from)s AND %(date_to)s
            ),
            part AS MATERIALIZED (
                SELECT sale.id, sale.due, partial.amount, partial.max_date, other.move_id
                  FROM sale
                  JOIN account_partial_reconcile partial
                       ON partial.debit_move_id = sale.id AND partial.max_date <= %(as_of)s
                  JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
            ),
            %(shares)s,
            paid AS (
                SELECT part.id, SUM(part.amount) AS amount, %(paid)s,
                       SUM(part.amount * COALESCE(share.written_off, 0)) AS written_off
                  FROM part LEFT JOIN share ON share.id = part.move_id
              GROUP BY part.id
            )
            SELECT sale.company_id, COUNT(*)::int, COALESCE(SUM(paid.written_off), 0),
                   COALESCE(SUM(sale.balance - COALESCE(paid.amount, 0))
                       FILTER (WHERE %(lost_after)s > 0 AND sale.due + %(lost_after)s <= %(as_of)s), 0), %(reached)s
              FROM sale LEFT JOIN paid ON paid.id = sale.id
          GROUP BY sale.company_id
            """,
            **{'from': query.from_clause}, due=DUE_DATE, where=query.where_clause or SQL("TRUE"),
            date_from=opts['date_from'], date_to=opts['date_to'], as_of=opts['as_of'], paid=paid, reached=reached,
            lost_after=lost_after, shares=self._sql_shares(
                SQL("SELECT DISTINCT move_id FROM part"), self._sql_is_credit_loss())))
        totals = [0.0] * (len(starts) + 3)
        item_count = 0
        for company_id, count, *amounts in rows:
            item_count += count
            for number, amount in enumerate(amounts):
                totals[number] += float(amount) * float(rates.get(company_id, 1))
        written_off, open_too_long, *amounts = map(currency.round, totals)
        return {
            'reached': amounts, 'lost': currency.round(written_off + open_too_long), 'written_off': written_off,
            'open_too_long': open_too_long, 'item_count': item_count}

    def _sql_is_credit_loss(self):
        """Condition: the item `line` of an entry (see `_sql_shares`) is the other side of a debt given up.

        That is what a request for a write-off booked, and what is booked on the company's write-off accounts; of a
        company that has chosen none, on any expense account. Discounts, bank fees and small balances are none.
        """
        no_loss = SQL(
            """(%s OR COALESCE(line.account_id IN (
                company.ar_small_balance_account_id, company.ar_small_balance_gain_account_id), FALSE))""",
            self._sql_is_deduction())
        return SQL(
            """(account.account_type != 'asset_receivable' AND CASE
                WHEN line.tax_line_id IS NOT NULL THEN FALSE
                WHEN EXISTS (
                    SELECT FROM ar_write_off request
                     WHERE request.move_id = line.move_id AND request.kind != 'write_off') THEN FALSE
                WHEN EXISTS (SELECT FROM ar_write_off request WHERE request.move_id = line.move_id) THEN TRUE
                WHEN line.account_id = company.ar_write_off_account_id THEN TRUE
                WHEN %(no_loss)s THEN FALSE
                WHEN company.ar_write_off_account_id IS NOT NULL OR EXISTS (
                    SELECT FROM ar_write_off_account_rel other
                     WHERE other.company_id = company.id
                           AND other.account_id IS DISTINCT FROM company.ar_small_balance_account_id
                           AND other.account_id IS DISTINCT FROM company.ar_small_balance_gain_account_id)
                    THEN chosen.account_id IS NOT NULL
                ELSE account.account_type LIKE %(expense)s END)""", no_loss=no_loss, expense='expense%')

    @api.model
    @api.readonly
    def gross_by_bucket(self, options, apart=()):
        """Return the open debit items per bucket, as the aged receivables show them, some customers apart.

        :param dict options: as_of, bucket_limits, company_ids (see `_read_options`)
        :param apart: ids of customers to be shown by themselves
        :return: dict of customer id (None: all others) -> list of amounts: not due, then per bucket; company currency
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        starts = [1, *(limit + 1 for limit in opts['bucket_limits'])]
        amounts = {}
        for partner_id, bucket, amount in self.env.execute_query(SQL(
            """%(with)s
            SELECT CASE WHEN item.partner_id = ANY(%(apart)s) THEN item.partner_id END,
                   width_bucket(%(age_at)s - item.age_date, %(starts)s), SUM(item.residual)
              FROM item WHERE item.residual > 0 GROUP BY 1, 2""",
            **{'with': self._items_with(opts)}, apart=list(apart), age_at=opts['age_at'], starts=starts,
        )):
            amounts.setdefault(partner_id, [0.0] * (len(starts) + 1))[bucket] = float(amount)
        return amounts

    @api.model
    @api.readonly
    def doubtful_customers(self, options):
        """Return customers whose open items are disputed, with how much: one query.

        :param dict options: as_of, company_ids
        :return: list of (customer id, gross: open debit items, disputed), in company currency, largest dispute first
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        return [
            (partner_id, float(gross), float(disputed)) for partner_id, gross, disputed in self.env.execute_query(SQL(
                """%s
                SELECT item.partner_id, SUM(item.residual), SUM(disputed.amount)
                  FROM item LEFT JOIN disputed ON disputed.line_id = item.line_id
                 WHERE item.residual > 0 AND item.partner_id IS NOT NULL
              GROUP BY item.partner_id HAVING SUM(disputed.amount) > 0
              ORDER BY SUM(disputed.amount) DESC, item.partner_id""", self._items_with(opts)))]
