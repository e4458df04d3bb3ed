"""Money on bank accounts by day: what customers paid, what it was applied to, what waits; and the bank accounts' books.

The journal's identity holds line by line, and so for every day and bank account:

    waiting before + received + deductions booked with it - applied = waiting after

*Waiting* is what a bank journal's entries have on receivable accounts (open as of the day, as the ledger says) and on
the suspense account of its incoming transactions. *Received* is what came to the bank or to the outstanding account.
*Applied* are the matchings of the day (their `max_date`). All in company currency. A branch uses the bank accounts of
the companies above it: what counts is whose entry it is, not whose bank account.
"""
from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

CASH_JOURNALS = ('bank', 'cash', 'credit')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _cash_waiting(self, opts, day):
        """Return {(company id, journal id): money of customers that waited at the end of a day}, in company currency.

        One query.

        :param dict opts: of `_read_options`
        """
        at_day = self._options_at(opts, day, day)
        self._flush_cash_journal()
        waiting = defaultdict(float)
        for company_id, journal_id, amount in self.env.execute_query(SQL(
            """
            %(with)s
            SELECT item.company_id, move.journal_id, -SUM(item.residual)::float8
              FROM item
              JOIN account_move_line line ON line.id = item.line_id AND line.balance < 0
              JOIN account_move move ON move.id = item.move_id
              JOIN account_journal journal ON journal.id = move.journal_id AND journal.type = ANY(%(types)s)
          GROUP BY item.company_id, move.journal_id
         UNION ALL
            SELECT company_id, journal_id, -SUM(balance)::float8 FROM (%(suspense)s) AS suspense WHERE date <= %(day)s
          GROUP BY company_id, journal_id
            """, **{'with': self._items_with(at_day)}, types=list(CASH_JOURNALS), suspense=self._sql_suspense(opts),
                day=day)):
            waiting[company_id, journal_id] += amount
        return waiting

    @api.model
    def _cash_received(self, opts):
        """Return what customers paid from `date_from` to `as_of`: list of (company id, journal id, day, received,
        deductions, received in the journal's currency, number of entries). One query.
        """
        self._flush_cash_journal()
        return self.env.execute_query(SQL(
            """
            %(with)s
            SELECT company_id, journal_id, date, SUM(money)::float8, SUM(credits - money)::float8,
                   SUM(money_currency)::float8, COUNT(*)::int
              FROM receipt WHERE credits != 0
          GROUP BY company_id, journal_id, date ORDER BY company_id, journal_id, date
            """, **{'with': self._receipts_with(opts)}))

    @api.model
    def _cash_applied(self, opts):
        """Return what was applied from `date_from` to `as_of`: list of (company id, journal id, day, 'automatic',
        'users' or 'elsewhere', amount). One query.

        *Elsewhere* is what was matched in Odoo's accounting, not from a proposal.
        """
        self._flush_cash_journal()
        return self.env.execute_query(SQL(
            """
            WITH done AS (
                SELECT proposal.statement_line_id, paid.move_line_id, BOOL_OR(proposal.is_automatic) AS is_automatic
                  FROM ar_cash_proposal proposal
                  JOIN ar_cash_proposal_line paid ON paid.proposal_id = proposal.id
                 WHERE proposal.state = 'applied' AND proposal.statement_line_id IS NOT NULL
              GROUP BY proposal.statement_line_id, paid.move_line_id
            ),
            matched AS (
                SELECT rel.account_partial_reconcile_id AS id, BOOL_OR(proposal.is_automatic) AS is_automatic
                  FROM ar_cash_proposal_match_rel rel
                  JOIN ar_cash_proposal proposal ON proposal.id = rel.ar_cash_proposal_id
                 WHERE proposal.state = 'applied'
              GROUP BY rel.account_partial_reconcile_id
            ),
            part AS (
                SELECT id, credit_move_id AS line_id, debit_move_id AS other_id, amount, max_date
                  FROM account_partial_reconcile WHERE max_date BETWEEN %(date_from)s AND %(as_of)s
             UNION ALL
                SELECT id, debit_move_id, credit_move_id, -amount, max_date
                  FROM account_partial_reconcile WHERE max_date BETWEEN %(date_from)s AND %(as_of)s
            )
            SELECT line.company_id, line.journal_id, part.max_date,
                   CASE COALESCE(matched.is_automatic, done.is_automatic)
                       WHEN TRUE THEN 'automatic' WHEN FALSE THEN 'users' ELSE 'elsewhere' END, SUM(part.amount)::float8
              FROM part
              JOIN account_move_line line ON line.id = part.line_id AND line.balance < 0
                   AND line.parent_state = 'posted' AND line.company_id = ANY(%(companies)s)
              JOIN account_account account ON account.id = line.account_id
                   AND account.account_type = 'asset_receivable' AND account.non_trade IS NOT TRUE
              JOIN account_journal journal ON journal.id = line.journal_id AND journal.type = ANY(%(types)s)
              JOIN account_move_line other ON other.id = part.other_id AND other.parent_state = 'posted'
              JOIN account_move move ON move.id = line.move_id
         LEFT JOIN matched ON matched.id = part.id
         LEFT JOIN done ON done.statement_line_id = move.statement_line_id AND done.move_line_id = part.other_id
          GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            """, date_from=opts['date_from'], as_of=opts['as_of'], companies=opts['company_ids'],
            types=list(CASH_JOURNALS)))

    @api.model
    def _cash_documents(self, opts, column, journal_id=None, day=None):
        """Return the ids of the entries behind an amount of the journal.

        :param str column: 'received' or 'deductions' (entries of the money), 'applied' (of the items that were paid)
        """
        conditions = [SQL("TRUE")]
        if journal_id:
            conditions.append(SQL("receipt.journal_id = %s", journal_id))
        if column in ('received', 'deductions'):
            if day:
                conditions.append(SQL("receipt.date = %s", day))
            if column == 'deductions':
                conditions.append(SQL("credits != money"))
            return [row[0] for row in self.env.execute_query(SQL(
                "%s SELECT id FROM receipt WHERE credits != 0 AND %s ORDER BY date, id", self._receipts_with(opts),
                SQL(" AND ").join(conditions)))]
        return [row[0] for row in self.env.execute_query(SQL(
            """
            SELECT DISTINCT other.move_id
              FROM account_partial_reconcile part
              JOIN account_move_line receipt ON receipt.id = part.credit_move_id AND receipt.parent_state = 'posted'
                   AND receipt.company_id = ANY(%(companies)s)
              JOIN account_account account ON account.id = receipt.account_id
                   AND account.account_type = 'asset_receivable'
              JOIN account_journal journal ON journal.id = receipt.journal_id AND journal.type = ANY(%(types)s)
              JOIN account_move_line other ON other.id = part.debit_move_id
             WHERE part.max_date BETWEEN %(first)s AND %(last)s AND %(conditions)s
            """, first=day or opts['date_from'], last=day or opts['as_of'], companies=opts['company_ids'],
            types=list(CASH_JOURNALS), conditions=SQL(" AND ").join(conditions)))]

    @api.model
    def _bank_movements(self, opts):
        """Return what moved the bank accounts from `date_from` to `as_of`, by class. One query.

        :return: list of (journal id, class, amount): 'opening', 'customers' (their money), 'other_in', 'paid_out'
            (bank transactions), 'other' (entries that are no transactions of this bank account)
        """
        self._flush_cash_journal()
        return self.env.execute_query(SQL(
            """
            %(with)s,
            moved AS (%(moved)s)
            SELECT bank_id, kind, SUM(balance)::float8 FROM moved GROUP BY bank_id, kind
            """, **{'with': self._receipts_with(opts)}, moved=self._sql_bank_lines(opts)))

    @api.model
    def _bank_entries(self, opts):
        """Return the entries on bank accounts that are no bank transactions: list of dict: journal_id, move_id,
        move_name, ref, date, amount; oldest first.
        """
        self._flush_cash_journal()
        return self.env.execute_query_dict(SQL(
            """
            %(with)s,
            moved AS (%(moved)s)
            SELECT moved.bank_id AS journal_id, moved.move_id, move.name AS move_name, move.ref, move.date,
                   SUM(moved.balance)::float8 AS amount
              FROM moved JOIN account_move move ON move.id = moved.move_id
             WHERE moved.kind = 'other'
          GROUP BY moved.bank_id, moved.move_id, move.id ORDER BY move.date, move.id
            """, **{'with': self._receipts_with(opts)}, moved=self._sql_bank_lines(opts)))

    @api.model
    def _bank_balances(self, opts, day):
        """Return {journal id: balance of its bank account in the general ledger at the end of a day}. One query."""
        return dict(self.env.execute_query(SQL(
            """
            SELECT journal.id, SUM(line.balance)::float8
              FROM account_journal journal
              JOIN account_move_line line ON line.account_id = journal.default_account_id
                   AND line.parent_state = 'posted' AND line.date <= %s
              %s
             WHERE journal.type = ANY(%s)
          GROUP BY journal.id
            """, day, self._sql_own_lines(opts), list(CASH_JOURNALS))))

    @api.model
    def _suspense_balances(self, opts, day):
        """Return {company id: what incoming transactions have on suspense accounts at the end of a day}. One query."""
        return dict(self.env.execute_query(SQL(
            """SELECT company_id, -SUM(balance)::float8 FROM (%s) AS suspense
                WHERE date <= %s GROUP BY company_id""", self._sql_suspense(opts), day)))

    @api.model
    def _unapplied_money(self, opts, day):
        """Return the money on account by the ledger at the end of a day: list of dict: id, move_id, move_name, date,
        company_id, journal_id, amount (positive), is_cash_journal. One query; the other side of `_cash_waiting`.
        """
        at_day = self._options_at(opts, day, day)
        self._flush_kinds()
        return self.env.execute_query_dict(SQL(
            """
            %(with)s
            SELECT item.line_id AS id, item.move_id, item.move_name, item.date, item.company_id, move.journal_id,
                   (-item.residual)::float8 AS amount, journal.type = ANY(%(types)s) AS is_cash_journal
              FROM item
              JOIN account_move move ON move.id = item.move_id
              JOIN account_journal journal ON journal.id = move.journal_id
              JOIN res_company company ON company.id = move.company_id
             WHERE item.residual < 0 AND %(is_money)s
          ORDER BY item.date, item.line_id
            """, **{'with': self._items_with(at_day)}, types=list(CASH_JOURNALS), is_money=self._sql_is_money()))

    # === PARTS === #

    def _receipts_with(self, opts):
        """WITH clause giving `receipt`: an entry of a bank journal in the period: id, company_id, journal_id, date,
        credits (receivable and suspense), money (bank and outstanding account; of entries with credits all that is no
        credit of a customer counts as deduction), money_currency (currency of the entry).
        """
        return SQL(
            """
            WITH outstanding AS (
                SELECT payment_account_id AS id FROM account_payment_method_line WHERE payment_account_id IS NOT NULL
             UNION SELECT outstanding_account_id FROM account_payment WHERE outstanding_account_id IS NOT NULL
             UNION SELECT transfer_account_id FROM res_company WHERE transfer_account_id IS NOT NULL
            ),
            receipt AS MATERIALIZED (
                SELECT move.id, move.company_id, move.journal_id, move.date,
                       -COALESCE(SUM(line.balance) FILTER (
                           WHERE account.account_type = 'asset_receivable' AND account.non_trade IS NOT TRUE
                                 AND line.balance < 0
                              OR transaction.amount > 0 AND line.account_id = journal.suspense_account_id), 0)
                           AS credits,
                       COALESCE(SUM(line.balance) FILTER (
                           WHERE line.account_id = journal.default_account_id OR outstanding.id IS NOT NULL), 0)
                           AS money,
                       COALESCE(SUM(line.amount_currency) FILTER (
                           WHERE line.account_id = journal.default_account_id OR outstanding.id IS NOT NULL), 0)
                           AS money_currency
                  FROM account_move move
                  JOIN account_journal journal ON journal.id = move.journal_id AND journal.type = ANY(%(types)s)
                  JOIN account_move_line line ON line.move_id = move.id
                  JOIN account_account account ON account.id = line.account_id
             LEFT JOIN outstanding ON outstanding.id = line.account_id
             LEFT JOIN account_bank_statement_line transaction ON transaction.id = move.statement_line_id
                 WHERE move.state = 'posted' AND move.company_id = ANY(%(companies)s)
                       AND move.date BETWEEN %(date_from)s AND %(as_of)s
              GROUP BY move.id
            )
            """, types=list(CASH_JOURNALS), companies=opts['company_ids'], date_from=opts['date_from'],
            as_of=opts['as_of'])

    def _sql_suspense(self, opts):
        """Query of what waits on suspense accounts: company_id, journal_id, date, balance, of incoming transactions."""
        return SQL(
            """
            SELECT line.company_id, line.journal_id, line.date, line.balance
              FROM account_journal journal
              JOIN account_move_line line ON line.account_id = journal.suspense_account_id
                   AND line.journal_id = journal.id AND line.parent_state = 'posted'
              JOIN account_move move ON move.id = line.move_id
              JOIN account_bank_statement_line transaction ON transaction.id = move.statement_line_id
                   AND transaction.amount > 0
             WHERE journal.type = ANY(%s) AND line.company_id = ANY(%s)
            """, list(CASH_JOURNALS), opts['company_ids'])

    def _sql_own_lines(self, opts):
        """JOIN that leaves the lines of a bank account (`journal`, `line`) that are its company's or a branch's of it,
        and of the companies of the report.
        """
        return SQL(
            """JOIN res_company owner ON owner.id = journal.company_id
                JOIN res_company booked_in ON booked_in.id = line.company_id AND booked_in.id = ANY(%s)
                     AND booked_in.parent_path LIKE owner.parent_path || '%%'""", opts['company_ids'])

    def _sql_bank_lines(self, opts):
        """Query of what moved the bank accounts: bank_id (journal), move_id, kind, balance; needs `receipt`."""
        return SQL(
            """
            SELECT journal.id AS bank_id, line.move_id, line.balance,
                   CASE WHEN line.date < %(date_from)s THEN 'opening'
                        WHEN move.statement_line_id IS NULL OR move.journal_id != journal.id THEN 'other'
                        WHEN receipt.credits != 0 THEN 'customers'
                        WHEN transaction.amount > 0 THEN 'other_in' ELSE 'paid_out' END AS kind
              FROM account_journal journal
              JOIN account_move_line line ON line.account_id = journal.default_account_id
                   AND line.parent_state = 'posted' AND line.date <= %(as_of)s
                   %(own_lines)s
              JOIN account_move move ON move.id = line.move_id
         LEFT JOIN receipt ON receipt.id = move.id
         LEFT JOIN account_bank_statement_line transaction ON transaction.id = move.statement_line_id
             WHERE journal.type = ANY(%(types)s)
            """, date_from=opts['date_from'], as_of=opts['as_of'], types=list(CASH_JOURNALS),
            own_lines=self._sql_own_lines(opts))

    def _flush_cash_journal(self):
        """Write what the SQL above reads."""
        self._flush_cash()
        self.env['account.bank.statement.line'].flush_model(['amount'])
        self.env['account.move'].flush_model(['statement_line_id', 'state', 'date', 'journal_id', 'company_id'])
        self.env['account.move.line'].flush_model(
            ['account_id', 'journal_id', 'balance', 'amount_currency', 'date', 'parent_state', 'company_id'])
        self.env['account.journal'].flush_model(['type', 'default_account_id', 'suspense_account_id', 'company_id'])
        self.env['account.payment'].flush_model(['outstanding_account_id'])
        self.env['account.payment.method.line'].flush_model(['payment_account_id'])
        self.env['account.partial.reconcile'].flush_model()
        self.env['ar.cash.proposal'].flush_model(['is_automatic', 'match_ids'])
