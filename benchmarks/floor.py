"""The floor: the fastest plain SQL we know for the same tables, on the same database with the same indexes.

No ORM, no access rules, no disputes, one company, one known receivable account, no drafts: what remains is the work
that nobody can avoid. Times include fetching the rows with psycopg2, not shaping them. Whoever finds a faster statement
that gives the same table should put it here.
"""
import io
import time

import psycopg2
import xlsxwriter

from benchmarks.floor_reports import ReportFloor

BUCKETS = ", ".join([
    "COALESCE(SUM(residual) FILTER (WHERE residual >= 0 AND days <= 0), 0)",
    *(f"COALESCE(SUM(residual) FILTER (WHERE residual >= 0 AND days BETWEEN {first} AND {first + 29}), 0)"
      for first in (1, 31, 61, 91)),
    "COALESCE(SUM(residual) FILTER (WHERE residual >= 0 AND days > 120), 0)"])

# Items of today: the residuals are stored.
ITEMS_TODAY = """
    SELECT id, partner_id, amount_residual AS residual,
           %(day)s::date - COALESCE(date_maturity, invoice_date, date) AS days
      FROM account_move_line
     WHERE account_id = %(account)s AND reconciled IS NOT TRUE AND parent_state = 'posted' AND date <= %(day)s"""

# Items of a past day: today's residuals, plus the matchings that had not happened yet, summed by item. Two ways: join
# the later matchings with the lines of the time, or leave out those between later lines and look up what remains. The
# quicker one counts.
ITEMS_BY_JOIN = """
    SELECT id, partner_id, SUM(amount) AS residual, %(day)s::date - due AS days
      FROM (SELECT id, partner_id, COALESCE(date_maturity, invoice_date, date) AS due, amount_residual AS amount
              FROM account_move_line
             WHERE account_id = %(account)s AND reconciled IS NOT TRUE AND parent_state = 'posted' AND date <= %(day)s
         UNION ALL
            SELECT line.id, partner_id, COALESCE(date_maturity, invoice_date, date), partial.amount
              FROM account_partial_reconcile partial
              JOIN account_move_line line ON line.id = partial.debit_move_id
             WHERE max_date > %(day)s AND line.account_id = %(account)s AND parent_state = 'posted' AND date <= %(day)s
         UNION ALL
            SELECT line.id, partner_id, COALESCE(date_maturity, invoice_date, date), -partial.amount
              FROM account_partial_reconcile partial
              JOIN account_move_line line ON line.id = partial.credit_move_id
             WHERE max_date > %(day)s AND line.account_id = %(account)s AND parent_state = 'posted' AND date <= %(day)s
           ) AS part
  GROUP BY id, partner_id, due"""
ITEMS_BY_EXCLUSION = """
    SELECT id, partner_id, amount_residual + amount AS residual,
           %(day)s::date - COALESCE(date_maturity, invoice_date, date) AS days
      FROM (SELECT id, SUM(amount) AS amount
              FROM (SELECT id, 0 AS amount
                      FROM account_move_line
                     WHERE account_id = %(account)s AND reconciled IS NOT TRUE AND parent_state = 'posted'
                       AND date <= %(day)s
                 UNION ALL
                    SELECT debit_move_id, amount
                      FROM account_partial_reconcile
                     WHERE max_date > %(day)s AND NOT EXISTS (
                           SELECT FROM account_move_line later
                            WHERE later.id = debit_move_id AND account_id = %(account)s AND date > %(day)s)
                 UNION ALL
                    SELECT credit_move_id, -amount
                      FROM account_partial_reconcile
                     WHERE max_date > %(day)s AND NOT EXISTS (
                           SELECT FROM account_move_line later
                            WHERE later.id = credit_move_id AND account_id = %(account)s AND date > %(day)s)
                   ) AS part
          GROUP BY id) AS change
      JOIN account_move_line USING (id)
     WHERE account_id = %(account)s AND parent_state = 'posted' AND date <= %(day)s"""

GROUPED = f"""
    SELECT partner_id, {BUCKETS}, COALESCE(SUM(residual) FILTER (WHERE residual < 0), 0), SUM(residual), COUNT(*)
      FROM ({{items}}) AS item WHERE residual != 0 GROUP BY partner_id"""
AGED = f"""
    SELECT partner.id, partner.complete_name, aged.*
      FROM ({GROUPED}) AS aged
 LEFT JOIN res_partner partner ON partner.id = aged.partner_id
  ORDER BY partner.complete_name"""

LEDGER = """
    SELECT SUM(balance) FROM account_move_line
     WHERE account_id = %(account)s AND parent_state = 'posted' AND date <= %(day)s"""

DETAILS = """
    SELECT partner.complete_name, line.move_name, move.ref, line.date, line.invoice_date, line.date_maturity, item.days,
           currency.name, item.residual, line.amount_residual_currency
      FROM ({items}) AS item
      JOIN account_move_line line ON line.id = item.id
      JOIN account_move move ON move.id = line.move_id
      JOIN res_currency currency ON currency.id = line.currency_id
      JOIN res_partner partner ON partner.id = line.partner_id
     WHERE item.residual != 0
  ORDER BY item.days DESC, line.id"""


class Floor(ReportFloor):
    """Plain SQL on one database. Jobs take `day`: a past day as ISO text, or None for today."""

    def __init__(self, dsn, today):
        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.today, self.account, self.company, self.queries = today, None, None, 0
        self.quickest = {}  # {day: statement}
        self.account, self.company = self._rows(
            "SELECT account_id, company_id::text"
            " FROM account_move_line line JOIN account_account account ON account.id = account_id"
            " WHERE account_type = 'asset_receivable' LIMIT 1")[0]

    def _rows(self, query, day=None, values=None):
        self.queries += 1
        self.cursor.execute(query, {
            'day': day or self.today, 'account': self.account, 'company': self.company, **(values or {})})
        return self.cursor.fetchall()

    def _items(self, day):
        """The statement for the items of `day`: the quicker one, by the better of two tries each."""
        if not day:
            return ITEMS_TODAY
        if day not in self.quickest:
            def seconds(statement):
                start = time.perf_counter()
                self._rows(AGED.format(items=statement), day)
                return time.perf_counter() - start
            statements = (ITEMS_BY_JOIN, ITEMS_BY_EXCLUSION)
            self.quickest[day] = min(statements, key=lambda statement: min(seconds(statement), seconds(statement)))
        return self.quickest[day]

    def grouped(self, day):
        """The statement that gives a row per customer, without names."""
        return GROUPED.format(items=self._items(day))

    def aged(self, day=None):
        return self._rows(AGED.format(items=self._items(day)), day)

    def aged_tie_out(self, day=None):
        rows = self.aged(day)
        ledger = self._rows(LEDGER, day)[0][0]
        if sum(row[-2] for row in rows) != ledger:
            raise AssertionError("The floor's table does not add up to the ledger.")
        return rows

    def xlsx(self, day=None):
        """The same two sheets, written cell by cell without formats."""
        rows, items = self.aged(day), self._rows(DETAILS.format(items=self._items(day)), day)
        with xlsxwriter.Workbook(io.BytesIO(), {'constant_memory': True}) as workbook:
            for sheet, lines in (workbook.add_worksheet(), rows), (workbook.add_worksheet(), items):
                for number, line in enumerate(lines):
                    sheet.write_row(number, 0, line)

    @staticmethod
    def table_aged(rows):
        """{customer: [buckets ..., unapplied, total, number of items]} of what `aged` returned."""
        return {row[1]: [round(float(value), 2) for value in row[3:]] for row in rows}

    table_aged_tie_out = table_aged
