"""Money that came in, promises that fell due, what letters brought, what is expected: facts of the collections KPIs.

Money collected is what payments credited to receivable accounts, by their accounting date, whether matched or not:
entries of bank, cash and card journals, payments, and the settlements of an imported history. What was paid back is
deducted. Credit notes, write-offs and exchange differences settle items too, but are no money; nor is the part of a
payment's entry that was written off, or was a discount or a bank fee.
"""
from odoo import api, models
from odoo.tools import SQL

from .ar_ledger import FILTERS
from .ar_ledger_series import SALES_TYPES

SUCCESS_DAYS = 14  # money within so many days of a letter counts as its success
# with the counterpart's account_move as `entry`, its journal and company
IS_MONEY = SQL(
    """entry.move_type = 'entry' AND (
           journal.type IN ('bank', 'cash', 'credit') OR entry.origin_payment_id IS NOT NULL
           OR journal.id = company.ar_import_settlement_journal_id)""")


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def collected(self, options=None):
        """Return the money customers paid, per day.

        :param dict options: date_from, date_to (inclusive), company_ids, partner_ids and the other filters of
            `_read_options`
        :return: list of (date, amount in the report currency), ascending
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        return self._daily_collected({**opts, 'as_of': opts['date_to']}, opts['date_from'])

    def _flush_money(self):
        """Flush what IS_MONEY and `_sql_money_shares` read."""
        self._flush_movements()
        self.env['account.move'].flush_model(['move_type', 'journal_id', 'origin_payment_id', 'company_id'])
        self.env['account.journal'].flush_model(['type'])
        self.env['res.company'].flush_model(['ar_import_settlement_journal_id'])

    def _daily_collected(self, opts, date_from):
        """[(date, amount)] of money from `date_from` to `as_of`."""
        self._flush_money()
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        amount, rate_join = self._converted_sum(self._sql_paid(), rates, currency.decimal_places)
        return [(day, currency.round(float(total))) for day, total in self.env.execute_query(SQL(
            """WITH item AS MATERIALIZED (
                SELECT account_move_line.date, account_move_line.move_id, account_move_line.company_id,
                       account_move_line.balance
                  FROM %(from)s
                  JOIN account_move entry ON entry.id = account_move_line.move_id
                  JOIN account_journal journal ON journal.id = entry.journal_id
                  JOIN res_company company ON company.id = entry.company_id
                 WHERE %(where)s AND account_move_line.date >= %(date_from)s AND %(is_money)s
            ),
            %(shares)s
            SELECT account_move_line.date, %(amount)s
              FROM item AS account_move_line
         LEFT JOIN share ON share.id = account_move_line.move_id
                   %(rate_join)s
          GROUP BY account_move_line.date ORDER BY account_move_line.date""",
            **{'from': query.from_clause}, amount=amount, rate_join=rate_join, is_money=IS_MONEY,
            shares=self._sql_money_shares(SQL("SELECT DISTINCT move_id FROM item")),
            where=query.where_clause or SQL("TRUE"), date_from=date_from))]

    def _collected_of(self, line_ids):
        """{line id: the money that came with a receivable item, in company currency}; what was paid back is negative.

        Items that are no money are left out. Ids only: who asks may read the items.
        """
        self._flush_money()
        return {line_id: float(amount) for line_id, amount in self.env.execute_query(SQL(
            """WITH item AS MATERIALIZED (
                SELECT line.id, line.move_id, line.balance, currency.decimal_places
                  FROM account_move_line line
                  JOIN account_account account ON account.id = line.account_id
                       AND account.account_type = 'asset_receivable'
                  JOIN account_move entry ON entry.id = line.move_id
                  JOIN account_journal journal ON journal.id = entry.journal_id
                  JOIN res_company company ON company.id = entry.company_id
                  JOIN res_currency currency ON currency.id = line.company_currency_id
                 WHERE line.id = ANY(%(ids)s) AND line.parent_state = 'posted' AND %(is_money)s
            ),
            %(shares)s
            SELECT item.id, ROUND(%(paid)s, item.decimal_places)
              FROM item LEFT JOIN share ON share.id = item.move_id""",
            ids=list(line_ids), is_money=IS_MONEY, paid=self._sql_paid('item'),
            shares=self._sql_money_shares(SQL("SELECT DISTINCT move_id FROM item"))))}

    def _sql_money_shares(self, touched):
        """CTEs of `_sql_shares`, with discounts and bank fees among what is no money."""
        return self._sql_shares(touched, SQL("(%s OR %s)", self._sql_is_loss(), self._sql_is_deduction()))

    def _sql_paid(self, table='account_move_line'):
        """The money of an item of `table`, without the `share` of it that was written off."""
        return SQL("-%s.balance * (1 - COALESCE(share.written_off, 0))", SQL.identifier(table))

    def _moved(self, opts, date_from, group_by):
        """What was billed and collected from `date_from` to `as_of`, by group and week. One query.

        :param str group_by: one of GROUPS_BY, or None for totals
        :return: list of (key, Monday, billed, collected) in report currency; the key is 0 for those without, and for
            totals
        """
        self._flush_money()
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        keys, joins = self._group_keys([group_by] if group_by else [], opts)
        rows = self.env.execute_query(SQL(
            """WITH item AS MATERIALIZED (
                SELECT account_move_line.id AS line_id, account_move_line.move_id, account_move_line.company_id,
                       account_move_line.currency_id, account_move_line.account_id,
                       commercial.commercial_partner_id AS partner_id,
                       account_move_line.balance, date_trunc('week', account_move_line.date)::date AS week,
                       entry.move_type IN %(sales)s AS is_sale, %(is_money)s AS is_money
                  FROM %(from)s
             LEFT JOIN res_partner commercial ON commercial.id = account_move_line.partner_id
                  JOIN account_move entry ON entry.id = account_move_line.move_id
                  JOIN account_journal journal ON journal.id = entry.journal_id
                  JOIN res_company company ON company.id = entry.company_id
                 WHERE %(where)s AND account_move_line.date >= %(date_from)s
                       AND (entry.move_type IN %(sales)s OR %(is_money)s)
            ),
            %(shares)s
            SELECT %(key)s AS key, item.week, item.company_id,
                   COALESCE(SUM(item.balance) FILTER (WHERE item.is_sale), 0),
                   COALESCE(SUM(%(paid)s) FILTER (WHERE item.is_money), 0)
              FROM item LEFT JOIN share ON share.id = item.move_id %(joins)s
          GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
            **{'from': query.from_clause}, sales=SALES_TYPES, is_money=IS_MONEY, date_from=date_from,
            shares=self._sql_money_shares(SQL("SELECT DISTINCT move_id FROM item WHERE is_money")),
            paid=self._sql_paid('item'), key=keys[0] if keys else SQL("0"), joins=joins,
            where=query.where_clause or SQL("TRUE")))
        moved = {}
        for group, week, company_id, billed, collected in rows:
            rate = float(rates.get(company_id, 1))
            sums = moved.setdefault((group, week), [0.0, 0.0])
            sums[0] += currency.round(float(billed) * rate)
            sums[1] += currency.round(float(collected) * rate)
        return [(*key, currency.round(billed), currency.round(collected)) for key, (billed, collected) in moved.items()]

    def _daily_promises(self, opts, date_from):
        """[(date, number, sum of kept shares in %)] of the judged promises by their last day. One query.

        What was withdrawn, replaced by a plan or cleared without payment says nothing about keeping.
        """
        self.env['ar.promise'].flush_model(['state', 'date_limit', 'kept_share', 'company_id'])
        query = self._lines(opts)
        return [(day, count, float(share)) for day, count, share in self.env.execute_query(SQL(
            """SELECT promise.date_limit, COUNT(*), SUM(promise.kept_share)
                 FROM ar_promise promise
                WHERE promise.state IN ('kept', 'partly_kept', 'broken')
                      AND promise.date_limit BETWEEN %(date_from)s AND %(as_of)s
                      AND promise.id IN (
                          SELECT promised.promise_id FROM %(from)s
                            JOIN ar_promise_line promised ON promised.move_line_id = account_move_line.id
                           WHERE %(where)s)
             GROUP BY promise.date_limit ORDER BY promise.date_limit""",
            **{'from': query.from_clause}, where=query.where_clause or SQL("TRUE"), date_from=date_from,
            as_of=opts['as_of']))]

    def _letters_brought(self, opts, date_from):
        """[(date, level id, asked, paid)]: what letters asked for, and what of it was paid in SUCCESS_DAYS. One query.

        The day is the one on which the outcome was known: that of the letter and SUCCESS_DAYS more. Only letters that
        were sent count, with what they asked for in the books' currency; an item asked for by two letters counts for
        each with the money of its own days. What a payment's entry wrote off was not paid.
        """
        self._flush_money()
        self.env['ar.dunning.letter.line'].flush_model()
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        rows = self.env.execute_query(SQL(
            """WITH asked AS MATERIALIZED (
                SELECT letter.id, letter.date AS day, letter.level_id, letter.amount_asked AS amount,
                       letter.move_line_id, account_move_line.company_id,
                       CASE WHEN account_move_line.amount_currency = 0 THEN 1
                            ELSE account_move_line.balance / account_move_line.amount_currency END AS rate
                  FROM %(from)s
                  JOIN ar_dunning_letter_line letter ON letter.move_line_id = account_move_line.id
                 WHERE %(where)s AND letter.state = 'sent' AND letter.amount_asked > 0
                       AND letter.date + %(days)s BETWEEN %(date_from)s AND %(as_of)s
            ),
            matched AS MATERIALIZED (
                SELECT asked.id, partial.debit_amount_currency AS amount, other.move_id
                  FROM asked
                  JOIN account_partial_reconcile partial ON partial.debit_move_id = asked.move_line_id
                       AND partial.max_date BETWEEN asked.day AND asked.day + %(days)s
                  JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
                  JOIN account_move entry ON entry.id = other.move_id
                  JOIN account_journal journal ON journal.id = entry.journal_id
                  JOIN res_company company ON company.id = entry.company_id
                 WHERE %(is_money)s
            ),
            %(shares)s,
            paid AS (
                SELECT matched.id, SUM(matched.amount * (1 - COALESCE(share.written_off, 0))) AS amount
                  FROM matched LEFT JOIN share ON share.id = matched.move_id
              GROUP BY matched.id
            )
            SELECT asked.day + %(days)s, asked.level_id, asked.company_id, SUM(asked.amount * asked.rate),
                   SUM(LEAST(asked.amount, COALESCE(paid.amount, 0)) * asked.rate)
              FROM asked LEFT JOIN paid ON paid.id = asked.id
          GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
            **{'from': query.from_clause}, where=query.where_clause or SQL("TRUE"), days=SUCCESS_DAYS,
            date_from=date_from, as_of=opts['as_of'], is_money=IS_MONEY,
            shares=self._sql_money_shares(SQL("SELECT DISTINCT move_id FROM matched"))))
        result = {}
        for day, level_id, company_id, asked, paid in rows:
            rate = float(rates.get(company_id, 1))
            sums = result.setdefault((day, level_id), [0.0, 0.0])
            sums[0] += currency.round(float(asked) * rate)
            sums[1] += currency.round(float(paid) * rate)
        return [(*key, *sums) for key, sums in result.items()]

    @api.model
    def _get_customers_in_scope(self, opts):
        """Return the customers that the filters leave, of those who have any entries.

        :param dict opts: as `_read_options` returns
        :return: {company id: ids of commercial partners}; None when nothing is filtered
        """
        if all(opts.get(name) is None for name in ('partner_ids', *FILTERS)):
            return None
        query = self._lines(opts)
        rows = self.env.execute_query(SQL(
            """SELECT DISTINCT account_move_line.company_id, customer.commercial_partner_id
                 FROM %s JOIN res_partner customer ON customer.id = account_move_line.partner_id
                WHERE %s ORDER BY 1, 2""", query.from_clause, query.where_clause or SQL("TRUE")))
        customers = {}
        for company_id, partner_id in rows:
            customers.setdefault(company_id, []).append(partner_id)
        return customers
