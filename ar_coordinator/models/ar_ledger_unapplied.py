"""Credits that are matched with nothing yet: cash on account, credit notes, other credit entries, with their age."""
from odoo import api, models
from odoo.tools import SQL

UNAPPLIED_KINDS = ('payment', 'credit_note', 'other')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def unapplied_credits(self, options=None):
        """Return the open credits as of a date, oldest first; one query.

        :param dict options: as_of, company_ids, partner_ids (see `_read_options`)
        :return: list of dict: id (account.move.line), move_id, move_name, ref, kind (one of UNAPPLIED_KINDS),
            partner_id, partner_name, company_id, company_currency_id, currency_id, date (accounting date), days (since
            then), residual (company currency) and residual_currency, both negative
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        self._flush_kinds()
        rows = self.env.execute_query_dict(SQL(
            """
            %(with)s
            SELECT item.line_id AS id, item.move_id, item.move_name, move.ref, item.partner_id,
                   partner.complete_name AS partner_name, item.company_id, item.company_currency_id, item.currency_id,
                   item.date, %(as_of)s - item.date AS days, item.residual, item.residual_currency,
                   CASE WHEN move.move_type = 'out_refund' THEN 'credit_note'
                        WHEN %(is_money)s THEN 'payment' ELSE 'other' END AS kind
              FROM item
              JOIN account_move move ON move.id = item.move_id
              JOIN account_journal journal ON journal.id = move.journal_id
              JOIN res_company company ON company.id = move.company_id
         LEFT JOIN res_partner partner ON partner.id = item.partner_id
             WHERE item.residual < 0 OR item.residual = 0 AND item.residual_currency < 0
          ORDER BY item.date, item.line_id
            """, **{'with': self._items_with(opts)}, as_of=opts['as_of'], is_money=self._sql_is_money()))
        for row in rows:
            row.update(residual=float(row['residual']), residual_currency=float(row['residual_currency']))
        return rows

    @api.model
    @api.readonly
    def customer_balances(self, options=None):
        """Return what customers owe in all, credits deducted, in company currency.

        :param dict options: as `unapplied_credits`
        :return: dict of (partner id or None, company id) -> amount
        """
        opts = self._read_options(options)
        return {
            (partner_id, company_id): float(amount)
            for partner_id, company_id, amount in self.env.execute_query(SQL(
                "%s SELECT partner_id, company_id, SUM(residual) FROM item GROUP BY partner_id, company_id",
                self._items_with(opts)))}

    @api.model
    def _unapplied_query(self, substitutes):
        """SQL of the open credits of today with who follows them up, and what is next; ids are the items'.

        :param dict substitutes: company id -> {user id: id of who stands in today}
        """
        opts = self._read_options({})
        self._flush_kinds()
        self.env['ar.unapplied.follow'].flush_model()
        self.env['res.partner'].flush_model(['ar_collector_id'])
        away = [
            SQL("(%s, %s, %s)", company_id, user_id, substitute_id)
            for company_id, own in substitutes.items() for user_id, substitute_id in own.items()
        ] or [SQL("(0, 0, 0)")]
        return SQL(
            """%(with)s
            SELECT item.line_id AS id, item.line_id AS move_line_id, item.move_id, item.partner_id, item.company_id,
                   item.currency_id, item.company_currency_id, item.date, (%(day)s - item.date)::int AS days,
                   item.residual_currency AS amount, item.residual AS amount_company, move.ref,
                   CASE WHEN move.move_type = 'out_refund' THEN 'credit_note'
                        WHEN %(is_money)s THEN 'payment' ELSE 'other' END AS kind,
                   follow.id AS follow_id, follow.user_id IS NOT NULL AS is_owner_chosen,
                   COALESCE(follow.user_id, away.substitute_id, collector.user_id) AS user_id,
                   follow.next_step, follow.date_next, follow.note
              FROM item
              JOIN LATERAL (  -- credits are few: looked up one by one, and not by reading all entries
                SELECT own.* FROM account_move own WHERE own.id = item.move_id LIMIT 1) AS move ON TRUE
              JOIN account_journal journal ON journal.id = move.journal_id
              JOIN res_company company ON company.id = move.company_id
         LEFT JOIN ar_unapplied_follow follow ON follow.move_line_id = item.line_id
         LEFT JOIN res_partner partner ON partner.id = item.partner_id
         LEFT JOIN LATERAL (
                SELECT (partner.ar_collector_id ->> item.company_id::text)::int AS user_id) AS collector ON TRUE
         LEFT JOIN (VALUES %(away)s) AS away (company_id, user_id, substitute_id)
                ON away.company_id = item.company_id AND away.user_id = collector.user_id
             WHERE item.residual < 0 OR item.residual = 0 AND item.residual_currency < 0""",
            **{'with': self._items_with(opts)}, day=opts['as_of'], is_money=self._sql_is_money(),
            away=SQL(", ").join(away))

    def _sql_is_money(self):
        """Condition: the entry `move` (in `journal`, of `company`) is money, not a credit note or a correction."""
        return SQL(
            """(move.move_type = 'entry' AND (
                journal.type IN ('bank', 'cash', 'credit') OR move.origin_payment_id IS NOT NULL
                OR move.statement_line_id IS NOT NULL OR journal.id = company.ar_import_settlement_journal_id))""")

    def _flush_kinds(self):
        """Write what `_sql_is_money` reads."""
        self.env['account.move'].flush_model([
            'move_type', 'journal_id', 'company_id', 'origin_payment_id', 'statement_line_id', 'ref'])
        self.env['account.journal'].flush_model(['type'])
        self.env['res.company'].flush_model(['ar_import_settlement_journal_id'])
