"""What the cash forecast is made of, as it was known at the end of a day: open items, what was promised and planned
about them, how customers have paid, and (for looking back) what then came.
"""
from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from .ar_ledger import DISPUTE_ROUNDS
from .ar_promise import JUDGED_STATES

HISTORY_DAYS = 365  # invoices that habits are read from: every season once, and what was long ago no more
MINOR_UNITS = {
    'residual': SQL("ROUND(item.residual * POWER(10::numeric, company_currency.decimal_places))::bigint"),
    'residual_currency': SQL("ROUND(item.residual_currency * POWER(10::numeric, currency.decimal_places))::bigint"),
}


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    # === WHAT IS OPEN === #

    def _forecast_items(self, opts):
        """Return the open items as of a day with what is disputed and promised of them. Two queries.

        :param dict opts: see `_read_options`
        :return: list of dict, oldest first: line_id, move_id, move_name, key (of opts['groups']), name (customer),
            partner_id, company_id, currency_id, due, invoice_date, residual (minor units of the company's currency),
            residual_currency, disputed, given (what is left of a promise), all three in minor units of the item's
            currency; date_promised, plan_id, class_id
        """
        self._flush_groupings()
        [key], joins = self._group_keys(opts['groups'][:1], opts)
        return self.env.execute_query_dict(SQL(
            """
            %(with)s,
            given AS (
                SELECT DISTINCT ON (move_line_id) move_line_id, date_promised, plan_id, amount - GREATEST(0, LEAST(
                       amount_paid, amount_open - item.residual_currency)) AS amount
                  FROM (SELECT move_line_id, date_promised, NULL AS plan_id, amount, amount_open,
                               COALESCE(amount_paid, 0) AS amount_paid, date_made AS since, id
                          FROM ar_promise_line
                         WHERE plan_id IS NULL AND date_made <= %(as_of)s
                               AND (date_ended IS NULL OR date_ended > %(as_of)s)
                     UNION ALL
                        SELECT move_line_id, NULL, plan_id, amount, amount, COALESCE(amount_paid, 0), date_accepted, id
                          FROM ar_promise_plan_item
                         WHERE date_accepted <= %(as_of)s AND (date_ended IS NULL OR date_ended > %(as_of)s)) AS own
                  JOIN item ON item.line_id = own.move_line_id AND item.residual_currency > 0
              ORDER BY move_line_id, since DESC, plan_id NULLS LAST, own.id DESC
            )
            SELECT item.line_id, item.move_id, item.move_name, %(key)s AS key, partner.complete_name AS name,
                   item.partner_id,
                   item.company_id, item.currency_id, item.age_date AS due,
                   COALESCE(item.invoice_date, item.date) AS invoice_date,
                   %(residual)s AS residual, %(residual_currency)s AS residual_currency,
                   COALESCE(ROUND(disputed.amount_currency * POWER(10::numeric, currency.decimal_places)), 0)::bigint
                       AS disputed,
                   COALESCE(ROUND(given.amount * POWER(10::numeric, currency.decimal_places)), 0)::bigint AS given,
                   given.date_promised, given.plan_id,
                   %(class_id)s AS class_id
              FROM item
              JOIN res_currency currency ON currency.id = item.currency_id
              JOIN res_currency company_currency ON company_currency.id = item.company_currency_id
         LEFT JOIN disputed ON disputed.line_id = item.line_id
         LEFT JOIN given ON given.move_line_id = item.line_id
              %(joins)s
          ORDER BY item.age_date, item.line_id
            """,
            **{'with': self._items_with({**opts, 'basis': 'due'})}, as_of=opts['as_of'], key=key, joins=joins,
            class_id=self._sql_of_company('ar_credit_class_id', 'partner', SQL("item.company_id"), opts),
            **MINOR_UNITS))

    def _instalments_of(self, plan_ids):
        """Return {plan id: [(date, amount in minor units)]}: what plans said when they were agreed. One query."""
        self.env['ar.promise.instalment'].flush_model(['plan_id', 'sequence', 'date', 'amount'])
        plans = defaultdict(list)
        if not plan_ids:
            return plans
        for plan_id, day, amount in self.env.execute_query(SQL(
            """SELECT part.plan_id, part.date, ROUND(part.amount * POWER(10::numeric, currency.decimal_places))::bigint
                 FROM ar_promise_instalment part
                 JOIN ar_promise_plan plan ON plan.id = part.plan_id
                 JOIN res_currency currency ON currency.id = plan.currency_id
                WHERE part.plan_id = ANY(%s)
             ORDER BY part.plan_id, part.date, part.sequence""", list(plan_ids))):
            plans[plan_id].append((day, amount))
        return plans

    # === HOW CUSTOMERS PAY === #

    def _payment_days(self, opts, partner_ids):
        """Return how many days after the due date money came, for customers, risk classes and companies. One query.

        Invoices of the last year, with what was known of them on `as_of`. Credit notes and exchange differences
        are no payments: what they settled is left out. What was written off, by an entry or with a payment, left
        without being paid (discounts and fees that were deducted too: only money counts). Invoices that were disputed
        are left out, as what is disputed is forecast to come on no day: they say nothing of the others.

        :param partner_ids: customers whose own history is wanted
        :return: dict of (company id, kind ('company', 'class', 'partner'), id of it) -> list of (days past the due
            date, amount paid on that day, amount unpaid until then, sum of the squares), in company currency
        """
        self._flush_groupings()
        self._flush_movements()
        self.env['account.move.line'].flush_model([
            'account_id', 'partner_id', 'company_id', 'move_id', 'date', 'date_maturity', 'invoice_date', 'balance',
            'parent_state', 'journal_id', 'payment_id'])
        self.env['account.partial.reconcile'].flush_model()
        # sudo: ids only
        exchange = self.env['res.company'].sudo().browse(opts['company_ids']).currency_exchange_journal_id
        history = defaultdict(list)
        # the habit is read over the whole history of the company, whatever the user's rules on entries: shares by day
        # are all that leaves
        for company_id, kind, record_id, *figures in self.env.execute_query(SQL(
            """
            WITH cohort AS MATERIALIZED (
                SELECT line.id, line.company_id, payer.commercial_partner_id AS partner_id, line.balance,
                       COALESCE(line.date_maturity, line.invoice_date, line.date) AS due
                  FROM account_move_line line
                  JOIN account_move invoice ON invoice.id = line.move_id
                       AND invoice.move_type IN ('out_invoice', 'out_receipt')
                  JOIN res_partner payer ON payer.id = line.partner_id
                 WHERE line.company_id = ANY(%(companies)s) AND line.account_id = ANY(%(accounts)s)
                       AND line.parent_state = 'posted' AND line.balance > 0
                       AND line.date > %(as_of)s::date - %(history)s AND line.date <= %(as_of)s
                       AND NOT EXISTS (SELECT FROM (%(rounds)s) AS dispute
                                        WHERE dispute.move_id = line.move_id AND dispute.date_held <= %(as_of)s)
            ),
            counterpart AS MATERIALIZED (
                SELECT cohort.id, cohort.company_id, cohort.partner_id, other.move_id, other.date,
                       other.date - cohort.due AS day, partial.amount, %(is_payment)s AS is_payment,
                       payment.move_type = 'entry' AND NOT other.journal_id = ANY(%(exchange)s) AS is_entry
                  FROM cohort
                  JOIN account_partial_reconcile partial ON partial.debit_move_id = cohort.id
                       AND partial.max_date <= %(as_of)s
                  JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
                  JOIN account_move payment ON payment.id = other.move_id
            ),
            %(shares)s,
            matched AS MATERIALIZED (
                SELECT counterpart.*, CASE WHEN is_payment THEN amount * (1 - COALESCE(share.written_off, 0)) ELSE 0 END
                           AS money
                  FROM counterpart LEFT JOIN share ON share.id = counterpart.move_id
            ),
            seen AS MATERIALIZED (
                SELECT company_id, partner_id, day, SUM(money)::float8 AS paid, SUM(amount - money)::float8 AS unpaid,
                       SUM(amount::float8 * amount::float8) AS squares
                  FROM matched WHERE is_payment OR is_entry
              GROUP BY company_id, partner_id, day
             UNION ALL
                SELECT company_id, partner_id, %(as_of)s::date - due, 0, open::float8, open::float8 * open::float8
                  FROM (SELECT cohort.*, cohort.balance - COALESCE(settled.amount, 0) AS open
                          FROM cohort
                     LEFT JOIN (SELECT id, SUM(amount) AS amount FROM matched GROUP BY id) AS settled
                               ON settled.id = cohort.id) AS rest
                 WHERE open > 0
            )
            SELECT company_id, 'company' AS kind, 0 AS record_id, day, SUM(paid), SUM(unpaid), SUM(squares)
              FROM seen GROUP BY company_id, day
         UNION ALL
            SELECT company_id, 'class', class_id, day, SUM(paid), SUM(unpaid), SUM(squares)
              FROM (SELECT seen.*, %(class_id)s AS class_id
                      FROM seen JOIN res_partner partner ON partner.id = seen.partner_id) AS classed
             WHERE class_id IS NOT NULL
          GROUP BY company_id, class_id, day
         UNION ALL
            SELECT company_id, 'partner', partner_id, day, SUM(paid), SUM(unpaid), SUM(squares)
              FROM seen WHERE partner_id = ANY(%(partners)s)
          GROUP BY company_id, partner_id, day
            """,
            companies=opts['company_ids'], accounts=self._receivable_accounts(opts), as_of=opts['as_of'],
            history=HISTORY_DAYS, rounds=DISPUTE_ROUNDS, exchange=exchange.ids, partners=list(partner_ids),
            is_payment=SQL(
                "(%s OR payment.id IN (SELECT account_move_id FROM ar_payment_move_transfer_rel))",
                self._sql_is_paid(opts)),
            shares=self._sql_shares(self._sql_with_loss(opts, SQL("(SELECT MIN(date) FROM counterpart)"))),
            class_id=self._sql_of_company('ar_credit_class_id', 'partner', SQL("seen.company_id"), opts))):
            history[company_id, kind, record_id].append(tuple(figures))
        return history

    def _sql_is_paid(self, opts):
        """Condition: the journal item `other`, of the entry `payment`, is of money, not a credit note or a correction.

        By ids of journals, which has PostgreSQL expect as many rows as there are.
        """
        return SQL(
            "(payment.move_type = 'entry' AND (other.payment_id IS NOT NULL OR other.journal_id = ANY(%s)))",
            self._money_journals(opts))

    def _money_journals(self, opts):
        """Ids of the journals whose entries are money: bank, cash, cards, imported settlements. sudo: ids only."""
        companies = self.env['res.company'].sudo().browse(opts['company_ids'])
        journals = self.env['account.journal'].sudo().with_context(active_test=False).search([
            ('company_id', 'in', companies.ids), ('type', 'in', ('bank', 'cash', 'credit'))])
        return (journals | companies.ar_import_settlement_journal_id).ids

    def _sql_with_loss(self, opts, since):
        """SELECT move_id: entries that write something off, few as a rule: only they have shares of money to be told.

        :param SQL since: the first day
        """
        return SQL(
            """SELECT DISTINCT line.move_id
                 FROM account_move_line line
                 JOIN account_account account ON account.id = line.account_id
                 JOIN res_company company ON company.id = line.company_id
            LEFT JOIN ar_write_off_account_rel chosen
                      ON chosen.account_id = line.account_id AND chosen.company_id = line.company_id
                WHERE line.company_id = ANY(%(companies)s) AND line.parent_state = 'posted'
                      AND line.date >= %(since)s AND line.date <= %(until)s
                      AND (line.payment_id IS NOT NULL OR line.journal_id = ANY(%(journals)s)) AND %(is_loss)s""",
            companies=opts['company_ids'], since=since, until=opts.get('until') or opts['as_of'],
            journals=self._money_journals(opts), is_loss=self._sql_is_loss())

    def _kept_promises(self, opts, partner_ids):
        """Return how promises were kept that were judged up to `as_of`. One query.

        :return: {(company id, partner id, None for all): (number judged, how many of them were kept, in shares)}
        """
        domain = [('company_id', 'in', opts['company_ids']), ('state', 'in', JUDGED_STATES),
                  ('date_ended', '<=', opts['as_of'])]
        wanted, kept = set(partner_ids), defaultdict(lambda: (0, 0.0))
        # sudo: the rate of the company's customers together, as for the days above
        for company, partner, count, share in self.env['ar.promise'].sudo()._read_group(
                domain, ['company_id', 'partner_id'], ['__count', 'kept_share:sum']):
            for key in {partner.id} & wanted | {None}:
                before = kept[company.id, key]
                kept[company.id, key] = (before[0] + count, before[1] + share / 100)
        return kept

    # === WHAT CAME === #

    @api.model
    def _receipts_after(self, opts, until):
        """Return the money that came on items that were open as of a day, as the books have it now. Few queries.

        :param dict opts: see `_read_options`; `as_of` is the day of the forecast
        :param date until: last day that counts
        :return: list of (company id, date, amount, amount on the disputed part of the items), in company currency; the
            disputed part of an item counts as paid with the rest, in proportion. What a payment wrote off (or deducted)
            is no receipt
        """
        self._flush_movements()
        self.env['account.move.line'].flush_model(['journal_id', 'payment_id'])
        return [(company_id, day, float(amount), float(disputed)) for company_id, day, amount, disputed in (
            self.env.execute_query(SQL(
                """
                %(with)s,
                paid AS MATERIALIZED (
                    SELECT item.company_id, item.company_currency_id, other.date, other.move_id, partial.amount,
                           COALESCE(disputed.amount_currency, 0) / item.residual_currency AS disputed
                      FROM item
                 LEFT JOIN disputed ON disputed.line_id = item.line_id
                      JOIN account_partial_reconcile partial ON partial.debit_move_id = item.line_id
                      JOIN account_move_line other ON other.id = partial.credit_move_id
                           AND other.parent_state = 'posted' AND other.date > %(as_of)s AND other.date <= %(until)s
                      JOIN account_move payment ON payment.id = other.move_id
                     WHERE item.residual > 0 AND item.residual_currency > 0 AND %(is_payment)s
                ),
                %(shares)s
                SELECT company_id, date, SUM(money * (1 - disputed)), SUM(money * disputed)
                  FROM (SELECT paid.company_id, paid.date, paid.disputed, ROUND(
                               paid.amount * (1 - COALESCE(share.written_off, 0)), currency.decimal_places) AS money
                          FROM paid
                     LEFT JOIN share ON share.id = paid.move_id
                          JOIN res_currency currency ON currency.id = paid.company_currency_id) AS receipt
              GROUP BY company_id, date
              ORDER BY date, company_id
                """,
                **{'with': self._items_with({**opts, 'basis': 'due'})}, as_of=opts['as_of'], until=until,
                is_payment=self._sql_is_paid(opts), shares=self._sql_shares(self._sql_with_loss(
                    {**opts, 'until': until}, SQL("%s::date", opts['as_of']))))))]
