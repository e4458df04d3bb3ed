"""The floor of the other reports: KPIs over months, a customer list's first page, credit rules, an XLSX's cells.

As floor.py: the fastest plain SQL we know for the same figures on the same database, one company, one known receivable
account, no access rules. Jobs are methods of `ReportFloor`, which floor.Floor inherits.
"""
import datetime
import io

import openpyxl
import xlsxwriter

WINDOW, MONTHS, OLD = 90, 24, 90  # days of sales, points of the series, days after which an item is old

# What begins, becomes overdue and becomes old at which of the dates; matchings take it away again on both sides.
KPI_POINTS = """
    WITH line AS MATERIALIZED (
        SELECT id, balance, balance > 0 AS is_debit, due - %(base)s::date AS due_day,
               width_bucket(date - 1, %(dates)s) AS starts,
               GREATEST(width_bucket(due, %(dates)s), width_bucket(date - 1, %(dates)s)) AS overdue,
               GREATEST(width_bucket(due + %(old)s, %(dates)s), width_bucket(date - 1, %(dates)s)) AS old
          FROM (SELECT id, balance, date, COALESCE(date_maturity, invoice_date, date) AS due
                  FROM account_move_line
                 WHERE account_id = %(account)s AND parent_state = 'posted' AND date <= %(day)s) AS line
    )
    SELECT starts, overdue, old, is_debit, SUM(balance), SUM(balance * due_day) FROM line GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT matched, GREATEST(overdue, matched), GREATEST(old, matched), is_debit, SUM(-amount), SUM(-amount * due_day)
      FROM (SELECT debit_move_id, amount, width_bucket(max_date - 1, %(dates)s) AS matched
              FROM account_partial_reconcile WHERE max_date <= %(day)s) AS partial
      JOIN line ON line.id = debit_move_id GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT matched, overdue, old, is_debit, SUM(amount), 0
      FROM (SELECT credit_move_id, amount, width_bucket(max_date - 1, %(dates)s) AS matched
              FROM account_partial_reconcile WHERE max_date <= %(day)s) AS partial
      JOIN line ON line.id = credit_move_id GROUP BY 1, 2, 3, 4"""
KPI_SALES = """
    SELECT line.date, SUM(balance)
      FROM account_move_line line
      JOIN account_move sale ON sale.id = move_id AND move_type IN ('out_invoice', 'out_refund', 'out_receipt')
     WHERE account_id = %(account)s AND parent_state = 'posted' AND line.date BETWEEN %(first)s AND %(day)s
  GROUP BY line.date"""
KPI_PAYMENTS = """
    SELECT max_date, SUM(partial.amount),
           SUM(partial.amount * (max_date - COALESCE(item.date_maturity, item.invoice_date, item.date)))
      FROM account_partial_reconcile partial
      JOIN account_move_line item ON item.id = debit_move_id AND item.account_id = %(account)s
           AND item.parent_state = 'posted' AND item.date <= %(day)s
      JOIN account_move_line payment ON payment.id = credit_move_id AND payment.parent_state = 'posted'
           AND payment.journal_id NOT IN (
               SELECT currency_exchange_journal_id FROM res_company WHERE currency_exchange_journal_id IS NOT NULL)
      JOIN account_move entry ON entry.id = payment.move_id AND entry.move_type != 'out_refund'
     WHERE max_date BETWEEN %(first)s AND %(day)s
  GROUP BY max_date"""
KPI_COLLECTED = """
    SELECT date, SUM(-balance)
      FROM account_move_line line
     WHERE account_id = %(account)s AND parent_state = 'posted' AND date BETWEEN %(first)s AND %(day)s
       AND journal_id IN (SELECT id FROM account_journal WHERE type IN ('bank', 'cash', 'credit'))
  GROUP BY date"""

COLUMNS = [f'c{number}' for number in range(9)]  # buckets, unapplied, total, number of items
SCREEN = f"""
    WITH aged (partner_id, {", ".join(COLUMNS)}) AS MATERIALIZED ({{grouped}})
    SELECT 0 AS position, COUNT(*)::text AS name, {", ".join(f"SUM({column})" for column in COLUMNS)} FROM aged
 UNION ALL
    (SELECT 1, complete_name, {", ".join(COLUMNS)}
       FROM aged JOIN res_partner partner ON partner.id = partner_id ORDER BY complete_name LIMIT 80)"""

# One row per customer: the figures that rules judge, the holds that stand, and how many of the rules of
# `worker_credit.RULES` apply.
CREDIT = """
    WITH owed AS (
        SELECT partner_id, residual, %(day)s::date - due AS days,
               SUM(GREATEST(residual, 0)) OVER (PARTITION BY partner_id ORDER BY due, id) AS running,
               SUM(LEAST(residual, 0)) OVER (PARTITION BY partner_id) AS credits
          FROM (SELECT id, partner_id, amount_residual AS residual,
                       COALESCE(date_maturity, invoice_date, date) AS due
                  FROM account_move_line
                 WHERE account_id = %(account)s AND reconciled IS NOT TRUE AND parent_state = 'posted'
                   AND date <= %(day)s) AS item
    ), figures AS (
        SELECT partner_id, SUM(residual) AS exposure,
               GREATEST(COALESCE(SUM(residual) FILTER (WHERE days > 0 AND residual > 0), 0) + MIN(credits), 0)
                   AS overdue,
               COALESCE(MAX(days) FILTER (WHERE days > 0 AND residual > 0 AND running + credits > 0), 0) AS oldest
          FROM owed GROUP BY partner_id
    ), broken AS (
        SELECT partner_id, COUNT(*) AS number FROM ar_promise WHERE state = 'broken' GROUP BY partner_id
    ), reminded AS (
        SELECT partner_id, MAX(number) AS number
          FROM (SELECT line.partner_id, COUNT(DISTINCT level_id) AS number
                  FROM ar_dunning_letter_line line
                  JOIN account_move_line item ON item.id = move_line_id AND item.amount_residual > 0
                 WHERE line.state IN ('queued', 'sent') GROUP BY line.partner_id, move_line_id) AS sent
      GROUP BY partner_id
    ), returned AS (
        SELECT partner_id, COUNT(*) AS number FROM account_payment
         WHERE payment_type = 'inbound' AND partner_type = 'customer' AND state = 'rejected' GROUP BY partner_id
    ), ordered AS (
        SELECT partner_invoice_id AS partner_id, SUM(amount_total) AS amount FROM sale_order
         WHERE state = 'sale' AND invoice_status = 'to invoice' GROUP BY partner_invoice_id
    ), later AS (
        SELECT commercial_partner_id AS partner_id, SUM(amount_total_signed) AS amount FROM account_move
         WHERE move_type IN ('out_invoice', 'out_receipt') AND state = 'posted' AND date > %(day)s
      GROUP BY commercial_partner_id
    ), held AS (
        SELECT partner_id, array_agg(rule_id) AS rules, array_agg(reason) AS reasons
          FROM ar_credit_hold WHERE date_end IS NULL GROUP BY partner_id
    )
    SELECT partner.id, total, overdue, oldest, held.rules, held.reasons,
           (total > credit)::int + (total >= 0.8 * credit)::int
           + (COALESCE(oldest, 0) > 60)::int + (COALESCE(overdue, 0) > 500)::int
           + (COALESCE(broken.number, 0) > 0)::int + (COALESCE(reminded.number, 0) > 1)::int
           + (COALESCE(returned.number, 0) > 0)::int AS holds
      FROM (SELECT id, (credit_limit->>%(company)s)::numeric AS credit
              FROM res_partner WHERE name LIKE 'Customer %%') AS partner
 LEFT JOIN figures ON figures.partner_id = partner.id
 LEFT JOIN broken ON broken.partner_id = partner.id
 LEFT JOIN reminded ON reminded.partner_id = partner.id
 LEFT JOIN returned ON returned.partner_id = partner.id
 LEFT JOIN ordered ON ordered.partner_id = partner.id
 LEFT JOIN later ON later.partner_id = partner.id
 LEFT JOIN held ON held.partner_id = partner.id
CROSS JOIN LATERAL (
           SELECT COALESCE(exposure, 0) + COALESCE(ordered.amount, 0) + COALESCE(later.amount, 0) AS total) AS sums"""


def month_ends(day, number):
    """The `number` dates of a series that ends on `day`: earlier month ends, then `day` itself."""
    days = [day]
    while len(days) < number:
        days.insert(0, days[0].replace(day=1) - datetime.timedelta(1))
    return days


class ReportFloor:
    """Jobs beside those of floor.Floor, which has `_rows` and `grouped`."""

    cells = ()

    def kpi(self):
        """The facts of a series of months: receivables at its dates, sales, payments and money by day."""
        today = datetime.date.fromisoformat(self.today)
        points = month_ends(today, MONTHS)
        window = datetime.timedelta(WINDOW)
        dates = sorted({*points, *(point - window for point in points), *month_ends(points[0], 2),
                        *(point.replace(day=1) - datetime.timedelta(1) for point in points)})
        values = {'dates': dates, 'base': dates[0], 'old': OLD, 'first': points[0].replace(day=1) - window * 9}
        return {
            'points': points, 'dates': dates,
            'steps': self._rows(KPI_POINTS, values=values),
            'sales': self._rows(KPI_SALES, values=values),
            'payments': self._rows(KPI_PAYMENTS, values={**values, 'first': dates[0]}),
            'collected': self._rows(KPI_COLLECTED, values={**values, 'first': dates[0]}),
        }

    @staticmethod
    def table_kpi(facts):
        """{month: [receivable, not due, overdue, over 90, sales of the window]}."""
        table = {}
        for point in facts['points']:
            number = facts['dates'].index(point)
            receivable = not_due = overdue = old = 0
            for starts, late, very_late, is_debit, amount, _weighted in facts['steps']:
                receivable += amount if starts <= number else 0
                if is_debit:
                    not_due += amount * ((starts <= number) - (late <= number))
                    overdue += amount if late <= number else 0
                    old += amount if very_late <= number else 0
            begin = point - datetime.timedelta(WINDOW)
            sales = sum(amount for day, amount in facts['sales'] if begin < day <= point)
            table[point.isoformat()] = [float(value) for value in (receivable, not_due, overdue, old, sales)]
        return table

    def screen(self, day=None):
        """Totals of all customers and the first 80 of them."""
        return self._rows(SCREEN.format(grouped=self.grouped(day)), day)

    @staticmethod
    def table_screen(rows):
        """{customer, or 'totals': [buckets ..., unapplied, total, number of items]}."""
        return {"totals" if position == 0 else name: [float(value) for value in values]
                for position, name, *values in rows}

    def credit(self):
        """What rules judge of every customer, and how many rules hold each."""
        return self._rows(CREDIT)

    @staticmethod
    def table_credit(rows):
        """{customer: number of holds} of those with any."""
        return {str(row[0]): row[-1] for row in rows if row[-1]}

    def exposure(self):
        """What every customer owes."""
        return self._rows("""
            SELECT partner_id, SUM(amount_residual) FROM account_move_line
             WHERE account_id = %(account)s AND reconciled IS NOT TRUE AND parent_state = 'posted' AND date <= %(day)s
          GROUP BY partner_id""")

    @staticmethod
    def table_exposure(rows):
        return {str(partner_id): float(amount) for partner_id, amount in rows if amount}

    def read_cells(self, path):
        """Keep the cells of an XLSX file for `write_cells`; return how many rows these are."""
        workbook = openpyxl.load_workbook(path, read_only=True)
        self.cells = [
            [[(column, value) for column, value in enumerate(row) if value is not None]
             for row in sheet.iter_rows(values_only=True)] for sheet in workbook]
        return {'counts': {'rows': sum(map(len, self.cells)), 'sheets': len(self.cells)}}

    def write_cells(self):
        """Write these cells with xlsxwriter and nothing else: no formats but that of dates, no widths."""
        options = {'constant_memory': True, 'default_date_format': 'yyyy-mm-dd'}
        with xlsxwriter.Workbook(io.BytesIO(), options) as workbook:
            for rows in self.cells:
                sheet = workbook.add_worksheet()
                for number, row in enumerate(rows):
                    for column, value in row:
                        sheet.write(number, column, value)
