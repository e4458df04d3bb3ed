"""Money that waits to be applied, with what is proposed for it; who may have sent it. For the desk of cash.

A *receipt* is a bank transaction that is not reconciled, or a payment with something left on account. Facts only: how
sure is sure enough is the company's setting, read here so that 10,000 receipts are filtered and counted in one query.
"""
from odoo import api, models
from odoo.tools import SQL

CASH_SHOWS = {
    'all': SQL("TRUE"),
    'sure': SQL("is_sure"),
    'doubtful': SQL("proposal_id IS NOT NULL AND NOT is_sure"),
    'nothing': SQL("proposal_id IS NULL"),
    'mine': SQL("is_mine"),
}
CASH_ORDERS = {
    'day': SQL("date, kind DESC, id"),
    'journal': SQL("journal_sequence, journal_id, date, kind DESC, id"),
    'sure': SQL("is_sure DESC, confidence DESC NULLS LAST, date, kind DESC, id"),
    'amount': SQL("amount DESC, date, kind DESC, id"),
}
CANDIDATES = 12


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _cash_receipts(self, options, show='all', order='day', journal_id=None, search='', collectors=None, keys=None):
        """Return a page of the money that waits, and how much waits in all. Two queries.

        :param dict options: company_ids, limit, offset (see `_read_options`)
        :param str show: one of CASH_SHOWS
        :param str order: one of CASH_ORDERS
        :param int journal_id: only this bank account
        :param str search: part of the text, payer, customer or an item's number, or the amount
        :param dict collectors: {company id: users whose customers are `mine` there}
        :param keys: only these receipts: list of (kind, id)
        :return: (rows, counts): rows as list of dict: kind ('transaction' or 'payment'), id, move_id, move_name, date,
            journal_id, company_id, currency_id, amount (open), amount_booked (share of a transaction that was booked by
            hand), text, payer, partner_id (customer set on it), proposal_id, is_sure; counts as list of dict: show,
            currency_id, count, amount
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        self._flush_cash()
        listed = self._sql_receipts(opts, journal_id, search, collectors or {}, keys)
        rows = self.env.execute_query_dict(SQL(
            "%s SELECT * FROM listed WHERE %s ORDER BY %s %s",
            listed, CASH_SHOWS[show], CASH_ORDERS[order], self._sql_limit(opts)))
        for row in rows:
            row.update(amount=float(row['amount']), amount_booked=float(row['amount_booked']))
        counts = self.env.execute_query_dict(SQL(
            "%s %s", listed, SQL(" UNION ALL ").join(
                SQL("""SELECT %s AS show, currency_id, COUNT(*)::int AS count, SUM(amount)::float8 AS amount
                         FROM listed WHERE %s GROUP BY currency_id""", name, condition)
                for name, condition in CASH_SHOWS.items())))
        return rows, counts

    @api.model
    def _cash_candidates(self, options, currency_id, amount, payer='', search=''):
        """Return customers who may have sent money, most likely first. One query.

        :param dict options: company_ids (see `_read_options`)
        :param float amount: received, in the currency
        :param str payer: name on the payment; its longer words are looked for in customers' names
        :param str search: part of a customer's name or reference, or of an item's number; then only these
        :return: list of dict: partner_id, name, owed (in the currency), item_count, exact (number of an item of this
            amount or None), numbered (number that was searched for, or None), is_named
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        words = [f'%{_escape(word)}%' for word in (search or payer).split() if len(word) > (0 if search else 3)]
        which = SQL("ALL" if search else "ANY")
        named = SQL("partner.complete_name ILIKE %s(%s)", which, words) if words else SQL("FALSE")
        pattern = f'%{_escape(search)}%'
        if search:
            named = SQL("(%s OR partner.ref ILIKE %s)", named, pattern)
        numbered = SQL("item.move_name ILIKE %s", pattern) if search else SQL("FALSE")
        return self.env.execute_query_dict(SQL(
            """
            %(with)s
            SELECT item.partner_id, partner.complete_name AS name, SUM(item.residual_currency)::float8 AS owed,
                   COUNT(*)::int AS item_count,
                   MIN(item.move_name) FILTER (WHERE item.residual_currency = %(amount)s) AS exact,
                   MIN(item.move_name) FILTER (WHERE %(numbered)s) AS numbered, %(named)s AS is_named
              FROM item
              JOIN res_partner partner ON partner.id = item.partner_id
             WHERE item.currency_id = %(currency)s
          GROUP BY item.partner_id, partner.id
            HAVING %(named)s OR BOOL_OR(%(numbered)s)
                   OR %(by_amount)s AND BOOL_OR(item.residual_currency = %(amount)s)
          ORDER BY BOOL_OR(%(numbered)s) DESC,
                   (%(named)s)::int + BOOL_OR(item.residual_currency = %(amount)s)::int DESC, partner.complete_name
             LIMIT %(limit)s
            """, **{'with': self._items_with(opts)}, currency=currency_id, amount=amount, numbered=numbered,
            named=named, by_amount=not search, limit=CANDIDATES))

    # === PARTS === #

    def _sql_receipts(self, opts, journal_id, search, collectors, keys):
        """WITH clause giving `listed`: one row per receipt, see `_cash_receipts`."""
        conditions = [SQL("TRUE")]
        if journal_id:
            conditions.append(SQL("receipt.journal_id = %s", journal_id))
        if keys is not None:
            conditions.append(SQL(" OR ").join([SQL("FALSE"), *(
                SQL("receipt.kind = %s AND receipt.id = ANY(%s)", kind, [key for one, key in keys if one == kind])
                for kind in ('transaction', 'payment'))]))
        if search:
            conditions.append(self._sql_searched(search))
        collector = self._sql_of_company('ar_collector_id', 'ar_customer', SQL("receipt.company_id"), opts)
        mine = SQL(" OR ").join([SQL("FALSE"), *(
            SQL("(receipt.company_id = %s AND %s = ANY(%s))", company_id, collector, list(user_ids))
            for company_id, user_ids in collectors.items())])
        return SQL(
            """
            WITH receipt AS (
                SELECT 'transaction' AS kind, line.id, move.id AS move_id, move.name AS move_name, move.date,
                       move.journal_id, move.company_id, COALESCE(line.foreign_currency_id, line.currency_id)
                       AS currency_id, -line.amount_residual::numeric AS amount,
                       CASE WHEN line.foreign_currency_id IS NULL THEN line.amount ELSE line.amount_currency END
                           + line.amount_residual::numeric AS amount_booked,
                       line.payment_ref AS text, line.partner_name AS payer, line.partner_id
                  FROM account_bank_statement_line line
                  JOIN account_move move ON move.id = line.move_id
                 WHERE line.is_reconciled IS NOT TRUE AND line.amount > 0 AND line.amount_residual < 0
                       AND move.state = 'posted' AND move.company_id = ANY(%(companies)s)
             UNION ALL
                SELECT 'payment', item.id, item.move_id, item.move_name, item.date, item.journal_id, item.company_id,
                       item.currency_id, -item.amount_residual_currency, 0,
                       COALESCE(payment.memo, item.move_name), NULL, item.partner_id
                  FROM account_move_line item
                  JOIN account_account account ON account.id = item.account_id
                       AND account.account_type = 'asset_receivable'
                  JOIN account_move move ON move.id = item.move_id
                  JOIN account_payment payment ON payment.id = move.origin_payment_id
                 WHERE item.reconciled IS NOT TRUE AND item.parent_state = 'posted'
                       AND item.amount_residual_currency < 0 AND item.company_id = ANY(%(companies)s)
            ),
            listed AS (
                SELECT receipt.kind, receipt.id, receipt.move_id, receipt.move_name, receipt.date, receipt.journal_id,
                       journal.sequence AS journal_sequence, receipt.company_id, receipt.currency_id, receipt.amount,
                       receipt.amount_booked, receipt.text, receipt.payer,
                       sender.commercial_partner_id AS partner_id, proposal.id AS proposal_id, proposal.confidence,
                       proposal.id IS NOT NULL AND proposal.is_ambiguous IS NOT TRUE
                           AND proposal.confidence >= company.ar_cash_threshold AS is_sure,
                       COALESCE(%(mine)s, FALSE) AS is_mine
                  FROM receipt
                  JOIN res_company company ON company.id = receipt.company_id
                  JOIN account_journal journal ON journal.id = receipt.journal_id
             LEFT JOIN res_partner sender ON sender.id = receipt.partner_id
             LEFT JOIN ar_cash_proposal proposal ON proposal.state = 'proposed'
                       AND CASE receipt.kind WHEN 'transaction' THEN proposal.statement_line_id
                           ELSE proposal.payment_line_id END = receipt.id
             LEFT JOIN res_partner ar_customer
                       ON ar_customer.id = COALESCE(proposal.partner_id, sender.commercial_partner_id)
                 WHERE %(conditions)s
            )
            """, companies=opts['company_ids'], mine=mine,
            conditions=SQL(" AND ").join(SQL("(%s)", condition) for condition in conditions))

    def _sql_searched(self, search):
        pattern = f'%{_escape(search)}%'
        amount = _read_amount(search)
        return SQL(
            """receipt.text ILIKE %(pattern)s OR receipt.payer ILIKE %(pattern)s OR receipt.move_name ILIKE %(pattern)s
            OR ar_customer.complete_name ILIKE %(pattern)s OR %(by_amount)s OR EXISTS (
                SELECT FROM ar_cash_proposal_line paid JOIN account_move_line line ON line.id = paid.move_line_id
                 WHERE paid.proposal_id = proposal.id AND line.move_name ILIKE %(pattern)s)""",
            pattern=pattern,
            by_amount=SQL("FALSE") if amount is None else SQL("receipt.amount = %s", amount))

    def _flush_cash(self):
        """Write what the SQL above reads."""
        self.env['account.bank.statement.line'].flush_model([
            'move_id', 'amount', 'amount_currency', 'amount_residual', 'is_reconciled', 'currency_id', 'partner_id',
            'foreign_currency_id', 'partner_name', 'payment_ref'])
        self.env['account.move'].flush_model([
            'name', 'state', 'date', 'journal_id', 'company_id', 'origin_payment_id'])
        self.env['account.move.line'].flush_model([
            'move_id', 'move_name', 'date', 'journal_id', 'company_id', 'currency_id', 'account_id', 'partner_id',
            'amount_residual_currency', 'reconciled', 'parent_state'])
        self.env['account.payment'].flush_model(['memo'])
        self.env['account.account'].flush_model(['account_type'])
        self.env['account.journal'].flush_model(['sequence'])
        self.env['res.company'].flush_model(['ar_cash_threshold'])
        self.env['res.partner'].flush_model(['commercial_partner_id', 'complete_name', 'ref', 'ar_collector_id'])
        self.env['ar.cash.proposal'].flush_model([
            'state', 'statement_line_id', 'payment_line_id', 'partner_id', 'confidence', 'is_ambiguous'])
        self.env['ar.cash.proposal.line'].flush_model(['proposal_id', 'move_line_id'])


def _escape(text):
    return text.replace('\\', '\\\\').replace('%', '\\%').replace('_', '\\_')


def _read_amount(text):
    """Return the number in a text such as "1,234.50" or "1.234,50", or None."""
    text = ''.join(text.split()).replace("'", '')
    if ',' in text and '.' in text:
        thousands = min(',.', key=text.rfind)
        text = text.replace(thousands, '')
    text = text.replace(',', '.')
    return text if text.replace('.', '', 1).isdecimal() and text[-1:] != '.' else None
