"""What statements of account show, for many customers at once: open items, and what happened in a period.

In the items' own currencies. A customer's account in a currency moves by what is posted on it, and where an item is
settled in another currency, from another customer's account or at another branch of the company: both accounts then
show the transfer, so that what is open on a day is always what was open before the period plus what happened in it.
`tests/test_statement_properties.py` shows it on random ledgers.
"""
import datetime
from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

TOTALS = ('total', 'overdue', 'credits', 'disputed', 'promised', 'total_company', 'overdue_company')


def get_kind(move_type, is_payment):
    """Return what a posting is: invoice, credit_note, payment or entry."""
    if move_type in ('out_invoice', 'out_receipt'):
        return 'invoice'
    if move_type == 'out_refund':
        return 'credit_note'
    return 'payment' if is_payment else 'entry'


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def statement_items(self, options):
        """Return the open items of customers as of a day, in one query.

        :param dict options: partner_ids, company_ids, as_of, age_at, bucket_limits; see `_read_options`
        :return: list of dict by customer, currency name and due date: id (account.move.line), move_id, number, ref,
            kind (invoice, credit_note, payment, entry), date, due, days (overdue, 0 for credits), open, disputed,
            promised (in the item's currency), is_credit; and key: (partner id, currency id, bucket, open in company
            currency)
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        self.env['account.move.line'].flush_model(['payment_id', 'journal_id'])
        starts = [1, *(limit + 1 for limit in opts['bucket_limits'])]
        rows = self.env.execute_query(SQL(
            """
            %(with)s
            SELECT item.partner_id, item.currency_id, item.line_id, item.move_id, item.move_name, move.ref,
                   move.move_type, %(is_payment)s, COALESCE(item.invoice_date, item.date), item.age_date,
                   %(age_at)s - item.age_date, width_bucket(%(age_at)s - item.age_date, %(starts)s),
                   item.residual_currency::float, COALESCE(disputed.amount_currency, 0)::float,
                   COALESCE(promised.amount_currency, 0)::float, item.residual::float
              FROM item
              JOIN account_move_line line ON line.id = item.line_id
              JOIN account_move move ON move.id = item.move_id
              JOIN res_currency currency ON currency.id = item.currency_id
         LEFT JOIN disputed ON disputed.line_id = item.line_id
         LEFT JOIN promised ON promised.line_id = item.line_id
             WHERE item.residual_currency != 0
          ORDER BY item.partner_id, currency.name, item.age_date, item.line_id
            """,
            **{'with': self._items_with(opts)}, age_at=opts['age_at'], starts=starts, is_payment=self._is_payment()))
        return [{
            'id': line_id, 'move_id': move_id, 'number': number, 'ref': ref, 'kind': get_kind(move_type, is_payment),
            'date': date, 'due': due, 'days': max(days, 0) if amount > 0 else 0, 'open': amount, 'disputed': disputed,
            'promised': promised, 'is_credit': amount < 0, 'key': (partner_id, currency_id, bucket, company_amount),
        } for (partner_id, currency_id, line_id, move_id, number, ref, move_type, is_payment, date, due, days, bucket,
               amount, disputed, promised, company_amount) in rows]

    @api.model
    @api.readonly
    def statement_totals(self, options):
        """Return what is open of customers as of a day, in one query.

        :param dict options: as `statement_items`
        :return: {partner id: {currency id: {total, overdue (disputed parts included), credits (negative), disputed,
            promised, in that currency; total_company, overdue_company}}}; items without customer are under None
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        rows = self.env.execute_query(SQL(
            """
            %(with)s
            SELECT item.partner_id, item.currency_id, SUM(item.residual_currency)::float,
                   COALESCE(SUM(item.residual_currency) FILTER (WHERE %(overdue)s), 0)::float,
                   COALESCE(SUM(item.residual_currency) FILTER (WHERE item.residual_currency < 0), 0)::float,
                   COALESCE(SUM(disputed.amount_currency), 0)::float, COALESCE(SUM(promised.amount_currency), 0)::float,
                   SUM(item.residual)::float, COALESCE(SUM(item.residual) FILTER (WHERE %(overdue)s), 0)::float
              FROM item
         LEFT JOIN disputed ON disputed.line_id = item.line_id
         LEFT JOIN promised ON promised.line_id = item.line_id
             WHERE item.residual_currency != 0
          GROUP BY item.partner_id, item.currency_id
            """, **{'with': self._items_with(opts)}, overdue=SQL(
                "item.residual_currency > 0 AND item.age_date < %s", opts['age_at'])))
        totals = defaultdict(dict)
        for partner_id, currency_id, *figures in rows:
            totals[partner_id][currency_id] = dict(zip(TOTALS, figures, strict=True))
        return dict(totals)

    @api.model
    @api.readonly
    def statement_movements(self, options):
        """Return what happened on customers' accounts in a period, in two queries.

        :param dict options: partner_ids, company_ids, date_from, as_of (the period's last day)
        :return: list of dict by day: partner_id, currency_id, id (account.move.line), move_id, number, ref, kind
            (invoice, credit_note, payment, entry; settled in another currency: exchange, from another customer's
            account: transfer), date, due, amount, what is open of it on the last day: open, disputed, promised;
            is_credit
        :raise AccessError, UserError: as `open_items`; without a first day
        """
        opts = self._read_options(options)
        if 'date_from' not in opts:
            raise UserError(self.env._("Movements need a first day (date_from)."))
        rows = [*self._posted_in_period(opts), *self._transferred_in_period(opts)]
        return sorted(rows, key=lambda row: (row['date'], row['kind'] in ('exchange', 'transfer'), row['id']))

    @api.model
    @api.readonly
    def statement_customers(self, options):
        """Return the ids of the customers a statement would say something to, in order; never None.

        :param dict options: as_of, company_ids; with date_from also those with something posted since
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        moved = SQL()
        if 'date_from' in opts:
            query = self._lines(opts)
            moved = SQL(
                """UNION SELECT commercial.commercial_partner_id FROM %s
                     JOIN res_partner commercial ON commercial.id = account_move_line.partner_id
                    WHERE %s AND account_move_line.date >= %s AND account_move_line.amount_currency != 0""",
                query.from_clause, query.where_clause, opts['date_from'])
        return [partner_id for [partner_id] in self.env.execute_query(SQL(
            """%s SELECT partner_id FROM (
                SELECT partner_id FROM item WHERE residual_currency != 0 %s
            ) AS customer WHERE partner_id IS NOT NULL ORDER BY partner_id""", self._items_with(opts), moved))]

    # === SQL PARTS === #

    def _is_payment(self):
        """SQL: whether a posting (`line`, `move`) is money: a payment, or from a bank, cash or card journal."""
        self.env['account.move'].flush_model(['origin_payment_id', 'journal_id'])
        journals = self.env['account.journal'].sudo().with_context(active_test=False).search(
            [('type', 'in', ('bank', 'cash', 'credit'))])  # sudo: ids only
        return SQL(
            "(line.payment_id IS NOT NULL OR move.origin_payment_id IS NOT NULL OR move.journal_id = ANY(%s))",
            journals.ids)

    def _posted_in_period(self, opts):
        """Return the rows of `statement_movements` that were posted."""
        query = self._lines(opts)
        self.env['account.move.line'].flush_model(['payment_id'])
        rows = self.env.execute_query_dict(SQL(
            """
            %(with)s
            SELECT commercial.commercial_partner_id AS partner_id, line.currency_id, line.id, line.move_id,
                   line.move_name AS number, move.ref, move.move_type, %(is_payment)s AS is_payment, line.date,
                   line.date_maturity AS due, line.amount_currency::float AS amount,
                   COALESCE(item.residual_currency, 0)::float AS open,
                   COALESCE(disputed.amount_currency, 0)::float AS disputed,
                   COALESCE(promised.amount_currency, 0)::float AS promised
              FROM (SELECT account_move_line.* FROM %(from)s WHERE %(where)s) AS line
              JOIN account_move move ON move.id = line.move_id
         LEFT JOIN res_partner commercial ON commercial.id = line.partner_id
         LEFT JOIN item ON item.line_id = line.id
         LEFT JOIN disputed ON disputed.line_id = line.id
         LEFT JOIN promised ON promised.line_id = line.id
             WHERE line.date >= %(date_from)s AND line.amount_currency != 0
            """, **{'with': self._items_with(opts), 'from': query.from_clause}, where=query.where_clause,
            is_payment=self._is_payment(), date_from=opts['date_from']))
        for row in rows:
            row.update(kind=get_kind(row.pop('move_type'), row.pop('is_payment')), is_credit=row['open'] < 0)
        return rows

    def _transferred_in_period(self, opts):
        """Return the rows of `statement_movements` for items settled in another currency, with another customer, or in
        another company (branches share accounts)."""
        query = self._lines(opts)
        lines = SQL(
            """SELECT account_move_line.id, account_move_line.move_id, account_move_line.move_name,
                      account_move_line.currency_id, commercial.commercial_partner_id AS partner_id
                 FROM %s
            LEFT JOIN res_partner commercial ON commercial.id = account_move_line.partner_id
                WHERE %s""", query.from_clause, query.where_clause)
        sides = SQL(" UNION ALL ").join(SQL(
            """SELECT mine.partner_id, mine.currency_id, mine.id, partial.max_date AS date,
                      (%(sign)s partial.%(amount)s)::float AS amount, mine.move_id, mine.move_name AS number,
                      CASE WHEN theirs.commercial_partner_id IS DISTINCT FROM mine.partner_id
                                OR NOT other.company_id = ANY(%(companies)s) THEN 'transfer'
                           ELSE 'exchange' END AS kind
                 FROM account_partial_reconcile partial
                 JOIN line mine ON mine.id = partial.%(own)s
                 JOIN account_move_line other ON other.id = partial.%(other)s AND other.parent_state = 'posted'
            LEFT JOIN res_partner theirs ON theirs.id = other.partner_id
                WHERE partial.max_date BETWEEN %(date_from)s AND %(as_of)s AND partial.%(amount)s != 0
                  AND (other.currency_id != mine.currency_id OR NOT other.company_id = ANY(%(companies)s)
                       OR theirs.commercial_partner_id IS DISTINCT FROM mine.partner_id)""",
            sign=sign, amount=SQL.identifier(amount), own=SQL.identifier(own), other=SQL.identifier(other),
            date_from=opts['date_from'], as_of=opts['as_of'], companies=opts['company_ids'])
            for sign, amount, own, other in (
                (SQL("-"), 'debit_amount_currency', 'debit_move_id', 'credit_move_id'),
                (SQL("+"), 'credit_amount_currency', 'credit_move_id', 'debit_move_id')))
        rows = self.env.execute_query_dict(SQL("WITH line AS (%s) %s", lines, sides))
        for row in rows:
            row.update(ref=None, due=None, open=0.0, disputed=0.0, promised=0.0, is_credit=False)
        return rows

    @api.model
    def _day_before(self, day):
        """Return the day before a date."""
        return day - datetime.timedelta(days=1)
