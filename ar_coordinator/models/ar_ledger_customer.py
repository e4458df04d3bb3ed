"""What one customer sees of his account: open items by page, totals by currency.

The same facts as the aged receivables (the common table expressions are theirs), in the items' own currencies, which
is what a customer owes. Items of 0.00 in their own currency (exchange rate remainders in the books) are no part of it.
"""
from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

ITEM_FILTERS = {
    'all': SQL("TRUE"),
    'overdue': SQL("residual > 0 AND days > 0"),
    'not_due': SQL("residual > 0 AND days <= 0"),
    'disputed': SQL("disputed > 0"),
    'credits': SQL("residual < 0"),
}
ITEM_ORDERS = {
    'due': SQL("due, id"),
    'newest': SQL("COALESCE(invoice_date, date) DESC, id DESC"),
    'amount': SQL("residual DESC, id"),
    'number': SQL("move_name, id"),
}
ACCOUNT_NUMBERS = ('total', 'overdue', 'not_due', 'credits', 'disputed', 'overdue_disputed')
ITEM_NUMBERS = ('residual', 'disputed', 'settled')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def customer_accounts(self, options):
        """Return the balances of customers' accounts today, one per customer, company and currency.

        :param dict options: partner_ids, company_ids (one), as_of; see `_read_options`
        :return: list of dict: partner_id, currency_id, total, overdue (disputed parts included), not_due, credits
            (negative), disputed, overdue_disputed, in that currency; item_count, overdue_count
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        rows = self.env.execute_query_dict(SQL(
            """
            %(listed)s
            SELECT partner_id, currency_id, COUNT(*)::int AS item_count, SUM(residual) AS total,
                   COUNT(*) FILTER (WHERE residual > 0 AND days > 0)::int AS overdue_count,
                   COALESCE(SUM(residual) FILTER (WHERE residual > 0 AND days > 0), 0) AS overdue,
                   COALESCE(SUM(residual) FILTER (WHERE residual > 0 AND days <= 0), 0) AS not_due,
                   COALESCE(SUM(residual) FILTER (WHERE residual < 0), 0) AS credits,
                   SUM(disputed) AS disputed,
                   COALESCE(SUM(disputed) FILTER (WHERE days > 0), 0) AS overdue_disputed
              FROM listed
          GROUP BY partner_id, currency_id
          ORDER BY partner_id, currency_id
            """, listed=self._listed_with(opts)))
        for row in rows:
            row.update((number, float(row[number])) for number in ACCOUNT_NUMBERS)
        return rows

    @api.model
    @api.readonly
    def customer_items(self, options, currency_id=None, show='all', order='due', search='', line_ids=None):
        """Return open items of customers' accounts, a page of them.

        :param dict options: as `customer_accounts`, with limit and offset
        :param int currency_id: only items in this currency
        :param str show: one of ITEM_FILTERS
        :param str order: one of ITEM_ORDERS
        :param str search: part of the document's number or reference
        :param line_ids: only these journal items (ids); what is not an open item of these customers is left out
        :return: (list of dict, number of items without limit); the dicts have id (account.move.line), account_id,
            move_id, move_name, move_type, ref, payment_id, partner_id, currency_id, date, invoice_date, due, days
            (overdue; negative: until due), residual, disputed, and settled (how much of the residual Odoo counts as
            paid already, by an entry in draft or dated later), in the item's currency
        :raise AccessError, UserError: as `open_items`; UserError for an unknown filter or order
        """
        if show not in ITEM_FILTERS or order not in ITEM_ORDERS:
            raise UserError(self.env._(
                "Open items cannot be shown by %(show)s and %(order)s.", show=show, order=order))
        opts = self._read_options(options)
        conditions = [ITEM_FILTERS[show]]
        if currency_id:
            conditions.append(SQL("currency_id = %s", currency_id))
        if line_ids is not None:
            conditions.append(SQL("id = ANY(%s)", list(line_ids)))
        if search:
            pattern = '%' + search.replace('\\', r'\\').replace('%', r'\%').replace('_', r'\_') + '%'
            conditions.append(SQL("(move_name ILIKE %(pattern)s OR ref ILIKE %(pattern)s)", pattern=pattern))
        rows = self.env.execute_query_dict(SQL(
            """
            %(listed)s
            SELECT *, COUNT(*) OVER ()::int AS row_count
              FROM listed
             WHERE %(conditions)s
          ORDER BY %(order)s
             %(limit)s
            """, listed=self._listed_with(opts), conditions=SQL(" AND ").join(conditions), order=ITEM_ORDERS[order],
            limit=self._sql_limit(opts)))
        count = rows[0]['row_count'] if rows else 0
        for row in rows:
            del row['row_count']
            row.update((number, float(row[number])) for number in ITEM_NUMBERS)
        return rows, count

    def _listed_with(self, opts):
        """WITH clause giving `listed`: the open items a customer is shown, one row each."""
        self.env['account.move.line'].flush_model(['payment_id'])
        return SQL(
            """%(items)s,
            listed AS (
                SELECT item.line_id AS id, line.account_id, item.move_id, item.move_name, move.move_type, move.ref,
                       line.payment_id, item.partner_id, item.currency_id, item.date, item.invoice_date,
                       item.age_date AS due, %(day)s - item.age_date AS days,
                       item.residual_currency AS residual, COALESCE(disputed.amount_currency, 0) AS disputed,
                       item.residual_currency - line.amount_residual_currency AS settled
                  FROM item
                  JOIN account_move_line line ON line.id = item.line_id
                  JOIN account_move move ON move.id = item.move_id
             LEFT JOIN disputed ON disputed.line_id = item.line_id
                 WHERE item.residual_currency != 0
            )""", items=self._items_with(opts), day=opts['age_at'])
