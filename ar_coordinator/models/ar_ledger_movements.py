"""What moved the receivable accounts in a period, every journal item in one class: the facts of the roll-forward.

Of an entry's receivable items, in this order:

    invoices        customer invoices and receipts
    credit_notes    customer credit notes
    exchange        entries of the exchange difference journal, and those a matching made
    opening         the company's opening entry
    write_offs      of money and of miscellaneous entries: the part whose counterpart is an expense account, one of the
                    company's accounts for write-offs and small balances, or the tax on these; also reversed write-offs
    payments        the rest of money: bank, cash and card journals, payments, imported settlements; refunds too
    transfers       miscellaneous entries whose receivable items cancel out: between customers or accounts
    other           what is left: these are the entries that do not fit

A payment of 90 that writes off 10 is one item of 100 with two parts, 90 of payments and 10 of write-offs. An item's
parts add up to its balance, so that opening + movements = closing, whatever is booked.
"""
from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

CLASSES = ('invoices', 'credit_notes', 'payments', 'write_offs', 'exchange', 'opening', 'transfers', 'other')
MOVEMENT_GROUPS = ('company', 'account', 'partner', 'month')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def movements(self, options):
        """Return the movements of the receivable accounts by group and class, and what was there before.

        :param dict options: date_from, date_to (inclusive; `as_of` is not read), company_ids, partner_ids, filters (see
            `_read_options`), group_by (one of MOVEMENT_GROUPS)
        :return: list of (key, company id, class, amount in company currency, number of journal items); key is the id of
            the group or None, of 'month' the month's first day; class is 'opening_balance' (key None for months) or one
            of CLASSES
        :raise AccessError, UserError: as `open_items`; UserError for a period that ends before it starts
        """
        opts, group_by = self._read_movement_options(options)
        key = self._sql_movement_key(group_by)
        before = SQL("NULL::date") if group_by == 'month' else key
        query = self._lines(opts)
        return [
            (key, company_id, kind, float(amount), count)
            for key, company_id, kind, amount, count in self.env.execute_query(SQL(
                """
                %(with)s
                SELECT %(key)s, item.company_id, item.kind, SUM(item.amount), COUNT(*)::int
                  FROM part AS item GROUP BY 1, 2, 3
             UNION ALL
                SELECT %(before)s, item.company_id, 'opening_balance', SUM(item.balance), COUNT(*)::int
                  FROM (SELECT %(columns)s FROM %(from)s %(partner)s
                         WHERE %(where)s AND account_move_line.date < %(date_from)s) AS item
              GROUP BY 1, 2
                """,
                **{'with': self._parts_with(opts), 'from': query.from_clause}, key=key, before=before,
                columns=self._movement_columns(), partner=self._movement_partner(),
                where=query.where_clause or SQL("TRUE"), date_from=opts['date_from']))]

    @api.model
    @api.readonly
    def movement_items(self, options, kinds=None, key=None, company_id=None, limit=None):
        """Return the journal items behind movements, oldest first.

        :param dict options: as `movements`
        :param kinds: list of classes; None: all
        :param key: only this group ('month': its first day as text); False: those without
        :param int company_id: only this company
        :return: list of dict: id (account.move.line), move_id, move_name, ref, date, journal_id, account_id,
            partner_id, partner_name, company_id, company_currency_id, kind, amount (of this class, in company currency)
        :raise AccessError, UserError: as `movements`
        """
        opts, group_by = self._read_movement_options(options)
        conditions = [SQL("TRUE")]
        if kinds is not None:
            conditions.append(SQL("item.kind = ANY(%s)", list(kinds)))
        if key is not None:
            conditions.append(SQL(
                "%s IS NOT DISTINCT FROM %s", self._sql_movement_key(group_by),
                self._read_date(key) if group_by == 'month' else key or None))
        if company_id:
            conditions.append(SQL("item.company_id = %s", company_id))
        rows = self.env.execute_query_dict(SQL(
            """
            %(with)s
            SELECT item.id, item.move_id, move.name AS move_name, move.ref, item.date, move.journal_id,
                   item.account_id, item.partner_id, partner.complete_name AS partner_name, item.company_id,
                   item.company_currency_id, item.kind, item.amount
              FROM part AS item
              JOIN account_move move ON move.id = item.move_id
         LEFT JOIN res_partner partner ON partner.id = item.partner_id
             WHERE %(conditions)s
          ORDER BY item.date, item.id, item.kind %(limit)s
            """, **{'with': self._parts_with(opts)}, conditions=SQL(" AND ").join(conditions),
            limit=SQL("LIMIT %s", limit) if limit else SQL()))
        for row in rows:
            row['amount'] = float(row['amount'])
        return rows

    @api.model
    @api.readonly
    def account_balances(self, options):
        """Return the balance of each receivable account, from the posted journal items alone.

        :param dict options: as_of, company_ids
        :return: list of (company id, account id, whether it is a trade account, balance in company currency)
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        balances = []
        for non_trade in (False, True):
            query = self._lines(opts, non_trade=non_trade)
            balances += [
                (company_id, account_id, not non_trade, float(balance))
                for company_id, account_id, balance in self.env.execute_query(SQL(
                    """SELECT account_move_line.company_id, account_move_line.account_id, SUM(account_move_line.balance)
                         FROM %s WHERE %s GROUP BY account_move_line.company_id, account_move_line.account_id""",
                    query.from_clause, query.where_clause or SQL("TRUE")))]
        return balances

    # === PARTS === #

    def _read_movement_options(self, options):
        """Checked options with date_from, as_of (the last day), and how to group."""
        options = dict(options)
        group_by = options.pop('group_by', None) or 'company'
        if group_by not in MOVEMENT_GROUPS:
            raise UserError(self.env._("Movements cannot be grouped by %s.", group_by))
        options.update(as_of=options.get('date_to'))
        opts = self._read_options(options)
        if 'date_from' not in opts or 'date_to' not in opts:
            raise UserError(self.env._("Movements need a first and a last day (date_from, date_to)."))
        if opts['date_from'] > opts['date_to']:
            raise UserError(self.env._(
                "The period ends on %(last)s, before it starts on %(first)s.",
                first=opts['date_from'], last=opts['date_to']))
        return opts, group_by

    def _sql_movement_key(self, group_by):
        if group_by == 'month':
            return SQL("date_trunc('month', item.date)::date")
        return SQL("item.%s", SQL.identifier(f'{group_by}_id'))

    def _movement_columns(self):
        return SQL(
            """account_move_line.id, account_move_line.move_id, account_move_line.company_id,
               account_move_line.company_currency_id, account_move_line.account_id,
               commercial.commercial_partner_id AS partner_id, account_move_line.date, account_move_line.balance""")

    def _movement_partner(self):
        return SQL("LEFT JOIN res_partner commercial ON commercial.id = account_move_line.partner_id")

    def _parts_with(self, opts):
        """WITH clause giving `part`: (columns of the item, kind, amount), one row per item and class."""
        self._flush_movements()
        query = self._lines(opts)
        return SQL(
            """
            WITH moved AS MATERIALIZED (
                SELECT %(columns)s FROM %(from)s %(partner)s
                 WHERE %(where)s AND account_move_line.date >= %(date_from)s
            ),
            %(shares)s,
            item AS (
                SELECT moved.*, CASE WHEN entry.kind = 'other' AND share.receivable = 0 THEN 'transfers'
                           ELSE entry.kind END AS kind,
                       ROUND(moved.balance * COALESCE(share.written_off, 0), currency.decimal_places) AS written_off
                  FROM moved
                  JOIN entry ON entry.id = moved.move_id
             LEFT JOIN share ON share.id = moved.move_id
                  JOIN res_currency currency ON currency.id = moved.company_currency_id
            ),
            part AS MATERIALIZED (
                SELECT *, balance - written_off AS amount FROM item WHERE balance != written_off OR balance = 0
             UNION ALL
                SELECT id, move_id, company_id, company_currency_id, account_id, partner_id, date, balance,
                       'write_offs', written_off, written_off
                  FROM item WHERE written_off != 0
            )
            """,
            **{'from': query.from_clause}, columns=self._movement_columns(), partner=self._movement_partner(),
            where=query.where_clause or SQL("TRUE"), date_from=opts['date_from'],
            shares=self._sql_shares(SQL("SELECT DISTINCT move_id FROM moved")))

    def _sql_shares(self, touched, is_loss=None):
        """CTEs `entry` (id, kind before write-offs are told apart) and `share` (id, receivable: sum of the entry's
        receivable items, written_off: the part of each that is a write-off, 0 to 1).

        :param touched: query of move_id
        :param is_loss: condition on `line`, `account`, `company` and `chosen` (a further write-off account): what is a
            write-off; None: as in the roll-forward
        """
        return SQL(
            """
            entry AS MATERIALIZED (
                SELECT move.id, %(kind)s AS kind
                  FROM (%(touched)s) AS touched
                  JOIN account_move move ON move.id = touched.move_id
                  JOIN account_journal journal ON journal.id = move.journal_id
                  JOIN res_company company ON company.id = move.company_id
            ),
            sides AS (
                SELECT entry.id,
                       SUM(line.balance) FILTER (WHERE account.account_type = 'asset_receivable') AS receivable,
                       COALESCE(SUM(line.balance) FILTER (WHERE %(is_loss)s), 0) AS loss,
                       COALESCE(SUM(line.balance) FILTER (WHERE line.tax_line_id IS NOT NULL AND NOT %(is_loss)s), 0)
                           AS tax
                  FROM entry
                  JOIN account_move_line line ON line.move_id = entry.id
                  JOIN account_account account ON account.id = line.account_id
                  JOIN res_company company ON company.id = line.company_id
             LEFT JOIN ar_write_off_account_rel chosen
                       ON chosen.account_id = line.account_id AND chosen.company_id = line.company_id
                 WHERE entry.kind IN ('payments', 'other')
              GROUP BY entry.id
            ),
            share AS (
                SELECT id, receivable, CASE WHEN loss * receivable >= 0 OR (loss + tax) * receivable >= 0 THEN 0
                           ELSE LEAST(ABS(loss + tax) / ABS(receivable), 1) END AS written_off
                  FROM sides
            )
            """, touched=touched, kind=self._sql_movement_kind(), is_loss=is_loss or self._sql_is_loss())

    def _sql_is_loss(self):
        """Condition: the item `line` of an entry is the other side of a write-off."""
        return SQL(
            """(account.account_type LIKE %s OR chosen.account_id IS NOT NULL OR COALESCE(line.account_id IN (
                company.ar_write_off_account_id, company.ar_small_balance_account_id,
                company.ar_small_balance_gain_account_id), FALSE))""", 'expense%')

    def _sql_is_deduction(self):
        """Condition: the item `line` of an entry is an early-payment discount or a bank fee."""
        return SQL(
            """COALESCE(line.account_id IN (
                company.ar_cash_fee_account_id, company.account_journal_early_pay_discount_gain_account_id,
                company.account_journal_early_pay_discount_loss_account_id), FALSE)""")

    def _sql_movement_kind(self):
        """Class of the entry `move`, before write-offs and transfers are told apart."""
        return SQL(
            """CASE WHEN move.move_type IN ('out_invoice', 'out_receipt') THEN 'invoices'
                    WHEN move.move_type = 'out_refund' THEN 'credit_notes'
                    WHEN journal.id = company.currency_exchange_journal_id OR EXISTS (
                         SELECT FROM account_partial_reconcile partial WHERE partial.exchange_move_id = move.id)
                         THEN 'exchange'
                    WHEN company.account_opening_move_id = move.id THEN 'opening'
                    WHEN %s THEN 'payments'
                    ELSE 'other' END""", self._sql_is_money())

    def _flush_movements(self):
        """Write what the SQL above reads and `_lines` does not."""
        self._flush_kinds()
        self.env['account.move.line'].flush_model(['tax_line_id'])
        self.env['account.account'].flush_model(['account_type'])
        self.env['res.company'].flush_model([
            'currency_exchange_journal_id', 'account_opening_move_id', 'ar_write_off_account_ids',
            'ar_write_off_account_id', 'ar_small_balance_account_id', 'ar_small_balance_gain_account_id',
            'ar_cash_fee_account_id', 'account_journal_early_pay_discount_gain_account_id',
            'account_journal_early_pay_discount_loss_account_id'])
