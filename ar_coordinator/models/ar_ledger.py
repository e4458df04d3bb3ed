"""The only place with SQL on the books: open items as of a date and aged totals.

The comparison with the general ledger is in ar_ledger_tie_out.py, sales and series over months in ar_ledger_series.py.

Facts only; policies and formulas live in `engine/`. Everything is one set-based query per fact, for the companies the
user has switched on, with the user's record rules.

Residual of a posted receivable item at the end of day D (odoo.tools.SQL below says the same):

    residual now + matchings with max_date > D (they had not happened) + matchings with an entry that is not posted

The last term keeps the books right: core lets a posted invoice be matched with a *draft* credit note and shows the
rest as its residual, while the general ledger knows nothing of the draft. Here such an item stays open in full, so
that the sum of the residuals is the balance of the accounts; `draft_matched` says how much of it core already counts
as settled.
"""
import datetime
from contextlib import contextmanager

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import buckets
from .account_move_line import UNPOSTED_MATCHED

GROUPS_BY = ('partner', 'salesperson', 'collector', 'country', 'currency', 'company')
# filters, see ar_ledger_filters.py: of the items themselves; of the customer or the invoice behind them
ITEM_FILTERS = ('account_ids', 'currency_ids')
CUSTOMER_FILTERS = (
    'collector_ids', 'salesperson_ids', 'country_ids', 'tag_ids', 'risk_class_ids', 'credit_group_ids')
FILTERS = (*ITEM_FILTERS, *CUSTOMER_FILTERS)
OPTIONS = {
    'as_of', 'age_at', 'basis', 'bucket_limits', 'company_ids', 'partner_ids', 'group_by', 'group_id', 'limit',
    'offset', 'order', 'date_from', 'date_to', 'tie_out', 'window_days', 'months', *FILTERS,
}
DUE_DATE = SQL("COALESCE(account_move_line.date_maturity, account_move_line.invoice_date, account_move_line.date)")
# what was held when: a dispute's current round and its earlier ones
DISPUTE_ROUNDS = SQL(
    """SELECT move_id, amount_held, date_held, date_closed, reason_id FROM ar_dispute
    UNION ALL
       SELECT period.move_id, period.amount_held, period.date_held, period.date_closed, dispute.reason_id
         FROM ar_dispute_period period JOIN ar_dispute dispute ON dispute.id = period.dispute_id""")
INVOICE_DATE = SQL("COALESCE(account_move_line.invoice_date, account_move_line.date)")


class ArLedger(models.AbstractModel):
    _name = 'ar.ledger'
    _description = "Receivables Ledger"

    # === PUBLIC FACTS === #

    @api.model
    @api.readonly
    def open_items(self, options=None):
        """Return the open receivable items as of a date, oldest first.

        :param dict options: as_of, age_at, basis, bucket_limits, company_ids, partner_ids, limit, offset (see
            `_read_options`); with group_by and group_id, the items behind one row of the aged report
        :return: list of dict: id (account.move.line), move_id, move_name, move_type, ref, partner_id, partner_name,
            company_id, company_currency_id, currency_id, date, invoice_date, date_maturity, age_date, days, bucket
            (index), residual, disputed and promised in company currency as the books have them, residual_currency,
            disputed_currency and promised_currency in the item's own, draft_matched (see the module's docstring)
        :raise AccessError: when the user may not read receivables
        :raise UserError: when an option makes no sense
        """
        opts = self._read_options(options)
        limits = list(opts['bucket_limits'])
        bucket_starts = [1, *(limit + 1 for limit in limits)]
        condition = SQL("TRUE")
        if 'group_id' in opts:
            key, _joins = self._group_key(opts['group_by'])
            condition = SQL("%s IS NOT DISTINCT FROM %s", key, opts['group_id'] or None)
        _key, joins = self._group_key(opts['group_by'])
        rows = self.env.execute_query_dict(SQL(
            """
            %(with)s
            SELECT item.line_id AS id, item.move_id, item.move_name, move.move_type, move.ref,
                   item.partner_id, partner.complete_name AS partner_name, item.company_id,
                   item.company_currency_id, item.currency_id,
                   item.date, item.invoice_date, item.date_maturity, item.age_date,
                   %(age_at)s - item.age_date AS days,
                   width_bucket(%(age_at)s - item.age_date, %(starts)s) AS bucket,
                   item.residual, item.residual_currency, item.draft_matched, item.no_followup,
                   COALESCE(disputed.amount, 0) AS disputed,
                   COALESCE(disputed.amount_currency, 0) AS disputed_currency,
                   COALESCE(promised.amount, 0) AS promised,
                   COALESCE(promised.amount_currency, 0) AS promised_currency
              FROM item
              JOIN account_move move ON move.id = item.move_id
         LEFT JOIN disputed ON disputed.line_id = item.line_id
         LEFT JOIN promised ON promised.line_id = item.line_id
              %(joins)s
             WHERE %(condition)s
          ORDER BY item.age_date, item.line_id
             %(limit)s
            """,
            **{'with': self._items_with(opts)}, age_at=opts['age_at'], starts=bucket_starts, joins=joins,
            condition=condition, limit=self._sql_limit(opts)))
        numbers = (
            'residual', 'residual_currency', 'draft_matched', 'disputed', 'disputed_currency', 'promised',
            'promised_currency')
        for row in rows:
            row.update((number, float(row[number])) for number in numbers)
        return rows

    @api.model
    @api.readonly
    def owing_customers(self, options=None, due_by=None):
        """Return the ids of the customers who owe something, in order; None, for items without customer, comes first.

        :param dict options: as_of, basis, company_ids, partner_ids (see `_read_options`)
        :param date due_by: only customers with an item due on or before this day
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        due = SQL("AND age_date <= %s", due_by) if due_by else SQL()
        return [partner_id for [partner_id] in self.env.execute_query(SQL(
            "%s SELECT DISTINCT partner_id FROM item WHERE residual_currency > 0 %s ORDER BY partner_id NULLS FIRST",
            self._items_with(opts), due))]

    @api.model
    @api.readonly
    def aged_balance(self, options=None):
        """Return the open items summed by group and bucket.

        :param dict options: see `_read_options`
        :return: dict with `rows` (list of dict: id, name, amounts (one per bucket, first = not due), unapplied, total,
            disputed, promised, item_count), `totals` (the same over all groups, not only this page), `row_count`,
            `currency_id` (of all amounts: the companies' common currency, else the current company's, converted at the
            rate of `as_of`)
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        currency, rates = self._report_currency(opts)
        limits = list(opts['bucket_limits'])
        columns = ['not_due', *(f'b{number}' for number in range(1, len(limits) + 2))]
        starts = [1, *(limit + 1 for limit in limits)]
        key, joins = self._group_key(opts['group_by'])
        amounts = SQL(", ").join(
            SQL("COALESCE(SUM(residual) FILTER (WHERE residual >= 0 AND bucket = %s), 0) AS %s",
                number, SQL.identifier(column))
            for number, column in enumerate(columns))
        measures = [*columns, 'unapplied', 'total', 'disputed', 'promised']
        if rates:
            # one group may hold items of companies with different currencies: convert cell by cell, round, then add
            rate_values = SQL(", ").join(SQL("(%s, %s)", company, rate) for company, rate in rates.items())
            cells = [measure for measure in measures if measure != 'total']
            converted = SQL(", ").join(
                SQL("SUM(ROUND(%(cell)s * rate.rate, %(digits)s)) AS %(cell)s",
                    cell=SQL.identifier(cell), digits=currency.decimal_places) for cell in cells)
            total = SQL(" + ").join(SQL.identifier(cell) for cell in [*columns, 'unapplied'])
            grouped = SQL(
                """SELECT *, %(total)s AS total FROM (
                       SELECT key, %(converted)s, SUM(item_count)::int AS item_count
                         FROM by_company JOIN (VALUES %(rates)s) AS rate (company_id, rate) USING (company_id)
                     GROUP BY key) AS by_key""",
                total=total, converted=converted, rates=rate_values)
            company = SQL("company_id, ")
        else:
            grouped = SQL("SELECT * FROM by_company")
            company = SQL()
        name = SQL("partner.complete_name") if opts['group_by'] == 'partner' else SQL("NULL")
        partner_join = SQL("LEFT JOIN res_partner partner ON partner.id = grouped.key") \
            if opts['group_by'] == 'partner' else SQL()
        numbers = SQL(", ").join(SQL.identifier(measure) for measure in measures)
        totals = SQL(", ").join(SQL("COALESCE(SUM(%s), 0)", SQL.identifier(measure)) for measure in measures)
        by_sql = opts['group_by'] == 'partner'  # few groups otherwise: sorted and sliced below, by translated name
        rows = self.env.execute_query(SQL(
            """
            %(with)s,
            aged AS MATERIALIZED (
                SELECT %(key)s AS key, item.company_id, item.residual, COALESCE(disputed.amount, 0) AS disputed,
                       COALESCE(promised.amount, 0) AS promised,
                       width_bucket(%(age_at)s - item.age_date, %(starts)s) AS bucket
                  FROM item
             LEFT JOIN disputed ON disputed.line_id = item.line_id
             LEFT JOIN promised ON promised.line_id = item.line_id
                  %(joins)s
            ),
            by_company AS (
                SELECT key, %(company)s %(amounts)s,
                       COALESCE(SUM(residual) FILTER (WHERE residual < 0), 0) AS unapplied,
                       SUM(residual) AS total, SUM(disputed) AS disputed, SUM(promised) AS promised,
                       COUNT(*)::int AS item_count
                  FROM aged
              GROUP BY %(company)s key
            ),
            grouped AS MATERIALIZED (%(grouped)s),
            named AS (
                SELECT grouped.*, %(name)s AS name FROM grouped %(partner_join)s
            ),
            page AS (
                SELECT ROW_NUMBER() OVER (ORDER BY %(order)s) AS position, * FROM named ORDER BY position %(limit)s
            )
            SELECT 0 AS position, COUNT(*) AS key, NULL AS name, COALESCE(SUM(item_count), 0) AS item_count, %(totals)s
              FROM grouped
         UNION ALL
            SELECT position, key, name, item_count, %(numbers)s
              FROM page
          ORDER BY position
            """,
            **{'with': self._items_with(opts)}, key=key, joins=joins, age_at=opts['age_at'], starts=starts,
            company=company, amounts=amounts, grouped=grouped, name=name, totals=totals, numbers=numbers,
            partner_join=partner_join,
            order=self._sql_order(opts, columns) if by_sql else SQL("key"),
            limit=self._sql_limit(opts) if by_sql else SQL()))
        return self._aged_result(rows, columns, opts, currency)

    # === OPTIONS === #

    def _check_reader(self):
        """:raise AccessError: for users who may not read receivables; superuser jobs pass."""
        if not self.env.su and not self.env.user.has_groups('ar_coordinator.group_ar_base'):
            raise AccessError(self.env._(
                "You are not allowed to see receivables. Ask for the role Receivables: Reader."))

    def _read_options(self, options):
        """Check and complete `options` (JSON: dates as ISO text or date).

        :return: dict: as_of (default today in the company's time zone), age_at (default as_of), basis ('due' or
            'invoice'), bucket_limits, company_ids (default: the companies switched on), partner_ids (None = all),
            the filters of ar_ledger_filters.py (None = all), group_by, limit, offset, order, and date_from/date_to,
            group_id where given
        :raise AccessError: not allowed, or a company that is not switched on
        :raise UserError: an option that makes no sense
        """
        self._check_reader()
        options = dict(options or {})
        if unknown := set(options) - OPTIONS:
            raise UserError(self.env._("Unknown option: %s", ", ".join(sorted(unknown))))
        opts = {
            'as_of': self._read_date(options.get('as_of')) or self.env.company._ar_today(),
            'basis': options.get('basis') or 'due',
            'group_by': options.get('group_by') or 'partner',
            'order': options.get('order') or 'name',
            'limit': self._read_whole('limit', options.get('limit')),
            'offset': self._read_whole('offset', options.get('offset')) or 0,
        }
        opts['age_at'] = self._read_date(options.get('age_at')) or opts['as_of']
        for name in ('date_from', 'date_to'):
            if options.get(name):
                opts[name] = self._read_date(options[name])
        if 'group_id' in options:
            opts['group_id'] = self._read_whole('group_id', options['group_id'])
        if opts['basis'] not in ('due', 'invoice'):
            raise UserError(self.env._("The ageing basis must be 'due' or 'invoice', not %s.", opts['basis']))
        if opts['group_by'] not in GROUPS_BY:
            raise UserError(self.env._("Ageing cannot be grouped by %s.", opts['group_by']))
        try:
            opts['bucket_limits'] = buckets.check_limits(options.get('bucket_limits') or buckets.DEFAULT_LIMITS)
        except (TypeError, ValueError) as error:
            raise UserError(self.env._("These bucket limits cannot be used: %s", error)) from error
        company_ids = self._read_ids('company_ids', options.get('company_ids'))
        opts['company_ids'] = sorted(company_ids or self.env.companies.ids)
        if not self.env.su and set(opts['company_ids']) - set(self.env.user._get_company_ids()):
            raise AccessError(self.env._("You asked for the receivables of a company you have no access to."))
        partner_ids = self._read_ids('partner_ids', options.get('partner_ids'))
        if partner_ids is not None:
            # sudo: only ids are read, to turn contacts into customers
            partners = self.env['res.partner'].sudo().with_context(active_test=False)
            commercial = partners.browse(partner_ids).exists().commercial_partner_id
            opts['partner_ids'] = commercial.ids
        else:
            opts['partner_ids'] = None
        opts.update(self._read_filters(options))
        return opts

    def _read_date(self, value):
        """Return a date for ISO text or a date; None for nothing."""
        if not value:
            return None
        if isinstance(value, datetime.date):
            return value
        try:
            return datetime.date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise UserError(self.env._("%s is not a date (YYYY-MM-DD).", value)) from error

    def _read_whole(self, name, value):
        """Return a whole number from 0 up; None for nothing."""
        if value is None or value is False:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UserError(self.env._("%(name)s must be a whole number, not %(value)s.", name=name, value=value))
        return value

    def _read_ids(self, name, value):
        """Return a list of record ids; None for nothing."""
        if value is None or value is False:
            return None
        if not isinstance(value, list | tuple) or not all(isinstance(number, int) for number in value):
            raise UserError(self.env._("%(name)s must be a list of record ids, not %(value)s.", name=name, value=value))
        return list(value)

    def _sql_order(self, opts, columns):
        """ORDER BY of the aged rows: '<column> [asc|desc]', column = name, total, unapplied, a bucket, ..."""
        column, _blank, direction = opts['order'].partition(' ')
        if column not in ('name', 'total', 'unapplied', 'disputed', 'promised', 'item_count', *columns) \
                or direction.lower() not in ('', 'asc', 'desc'):
            raise UserError(self.env._("Ageing cannot be sorted by %s.", opts['order']))
        direction = SQL("DESC") if direction.lower() == 'desc' else SQL()
        return SQL("%s %s NULLS LAST, key", SQL.identifier(column), direction)

    def _sql_limit(self, opts):
        if opts['limit'] is None and not opts['offset']:
            return SQL()
        return SQL("LIMIT %s OFFSET %s", opts['limit'], opts['offset'])

    def _report_currency(self, opts):
        """Return the currency of the report and, when companies differ, {company_id: rate at as_of} (else {}).

        Rates are those of the current company's rate table, whose currency the report is in.
        """
        companies = self.env['res.company'].browse(opts['company_ids'])
        currencies = companies.currency_id
        if len(currencies) <= 1:
            return currencies or self.env.company.currency_id, {}
        currency = self.env.company.currency_id
        return currency, {
            company.id: self.env['res.currency']._get_conversion_rate(
                company.currency_id, currency, self.env.company, opts['as_of'])
            for company in companies
        }

    # === SQL PARTS === #

    def _receivable_accounts(self, opts, non_trade=None):
        """Ids of the receivable accounts; archived ones too. sudo: ids only, lines are read with the user's rules."""
        # branches share the accounts of the companies above them; parent_ids needs no query, parent_of does
        companies = self.env['res.company'].sudo().browse(opts['company_ids']).parent_ids
        domain = Domain([('account_type', '=', 'asset_receivable'), ('company_ids', 'in', companies.ids)])
        if non_trade is not None:
            domain &= Domain('non_trade', '=', non_trade)
        return self.env['account.account'].sudo().with_context(active_test=False).search(domain).ids

    def _lines(self, opts, non_trade=False):
        """Query over the posted receivable lines up to `as_of`, with the user's rules, as table account_move_line.

        Also flushes what the raw column names below read.
        """
        lines = self.env['account.move.line'].with_context(active_test=False)
        lines.flush_model([
            'account_id', 'partner_id', 'company_id', 'move_id', 'date', 'date_maturity', 'invoice_date', 'balance',
            'amount_currency', 'amount_residual', 'amount_residual_currency', 'reconciled', 'parent_state',
            'currency_id', 'company_currency_id', 'move_name', 'no_followup'])
        self.env['account.partial.reconcile'].flush_model()
        self.env['account.move'].flush_model(['move_type', 'ref', 'invoice_user_id', 'state'])
        self.env['res.partner'].flush_model(['commercial_partner_id', 'complete_name', 'country_id', 'user_id'])
        self.env['ar.dispute'].flush_model(['move_id', 'amount_held', 'date_held', 'date_closed', 'reason_id'])
        self.env['ar.dispute.reason'].flush_model(['is_our_fault'])
        self.env['ar.dispute.period'].flush_model(['move_id', 'amount_held', 'date_held', 'date_closed'])
        self.env['ar.promise.line'].flush_model()
        self.env['ar.promise.plan.item'].flush_model()
        domain = Domain([
            ('company_id', 'in', opts['company_ids']),
            ('account_id', 'in', self._receivable_accounts(opts, non_trade=non_trade)),
            ('parent_state', '=', 'posted'),
            ('date', '<=', opts['as_of']),
        ])
        if opts['partner_ids'] is not None:
            # sudo: the family of the customers asked for; lines are still subject to the user's rules
            family = self.env['res.partner'].sudo().with_context(active_test=False)._search(
                [('commercial_partner_id', 'in', opts['partner_ids'])])
            domain &= Domain('partner_id', 'in', family)
        query = lines._search(domain & self._item_filters(opts))
        self._add_customer_filters(query, opts)
        return query

    def _undone(self, opts):
        """SQL for what has to be added back to today's residual per line, or None when there is nothing.

        Most later matchings are between two later lines, and those are no part of the report: NOT EXISTS leaves them
        out before anything is summed or looked up (speed only; the lines' own conditions are applied by the caller).
        """
        later, unposted = self.env.execute_query(SQL(
            """SELECT COALESCE((SELECT MAX(max_date) FROM account_partial_reconcile) > %s, FALSE),
                      EXISTS (SELECT FROM account_move_line WHERE %s)
            """, opts['as_of'], SQL(UNPOSTED_MATCHED)))[0]
        parts = []
        if later:
            parts.append(SQL(
                """SELECT debit_move_id AS line_id, amount, debit_amount_currency AS amount_currency, 0 AS draft
                     FROM account_partial_reconcile partial
                    WHERE max_date > %(as_of)s AND NOT EXISTS (
                          SELECT FROM account_move_line later WHERE later.id = partial.debit_move_id
                             AND later.account_id = ANY(%(accounts)s) AND later.date > %(as_of)s)
                UNION ALL
                   SELECT credit_move_id, -amount, -credit_amount_currency, 0
                     FROM account_partial_reconcile partial
                    WHERE max_date > %(as_of)s AND NOT EXISTS (
                          SELECT FROM account_move_line later WHERE later.id = partial.credit_move_id
                             AND later.account_id = ANY(%(accounts)s) AND later.date > %(as_of)s)""",
                as_of=opts['as_of'], accounts=self._receivable_accounts(opts)))
        if unposted:
            parts.append(SQL(
                """SELECT partial.debit_move_id AS line_id, partial.amount,
                          partial.debit_amount_currency AS amount_currency, partial.amount AS draft
                     FROM (SELECT id FROM account_move_line WHERE %(unposted)s) AS draft
                     JOIN account_partial_reconcile partial ON partial.credit_move_id = draft.id
                    WHERE partial.max_date <= %(as_of)s
                UNION ALL
                   SELECT partial.credit_move_id, -partial.amount, -partial.credit_amount_currency, -partial.amount
                     FROM (SELECT id FROM account_move_line WHERE %(unposted)s) AS draft
                     JOIN account_partial_reconcile partial ON partial.debit_move_id = draft.id
                    WHERE partial.max_date <= %(as_of)s""",
                as_of=opts['as_of'], unposted=SQL(UNPOSTED_MATCHED)))
        if not parts:
            return None
        return SQL(
            """SELECT line_id, SUM(amount) AS amount, SUM(amount_currency) AS amount_currency, SUM(draft) AS draft
                 FROM (%s) AS part GROUP BY line_id""", SQL(" UNION ALL ").join(parts))

    def _items_with(self, opts):
        """WITH clause giving `item` (one row per open item), `disputed` and `promised` (line_id, amount,
        amount_currency; of a dispute also our_fault, in company currency).

        A promise is used up by what was paid since: by the fall of the residual, as far as payments made it fall.
        """
        query = self._lines(opts)
        where = query.where_clause or SQL("TRUE")
        undone = self._undone(opts)
        age_date = DUE_DATE if opts['basis'] == 'due' else INVOICE_DATE
        columns = SQL(
            """account_move_line.id AS line_id, account_move_line.move_id, account_move_line.move_name,
               commercial.commercial_partner_id AS partner_id,
               account_move_line.company_id, account_move_line.company_currency_id, account_move_line.currency_id,
               account_move_line.date, account_move_line.invoice_date, account_move_line.date_maturity,
               account_move_line.no_followup, %s AS age_date""", age_date)
        partner = SQL("LEFT JOIN res_partner commercial ON commercial.id = account_move_line.partner_id")
        if undone is None:
            items = SQL(
                """SELECT %(columns)s, account_move_line.amount_residual AS residual,
                          account_move_line.amount_residual_currency AS residual_currency, 0 AS draft_matched
                     FROM %(from)s %(partner)s
                    WHERE %(where)s AND account_move_line.reconciled IS NOT TRUE""",
                **{'from': query.from_clause}, columns=columns, partner=partner, where=where)
            undone_with = SQL()
        else:
            undone_with = SQL("undone AS MATERIALIZED (%s),", undone)
            items = SQL(
                """SELECT %(columns)s,
                          account_move_line.amount_residual + COALESCE(undone.amount, 0) AS residual,
                          account_move_line.amount_residual_currency + COALESCE(undone.amount_currency, 0)
                              AS residual_currency,
                          COALESCE(undone.draft, 0) AS draft_matched
                     FROM %(from)s
                LEFT JOIN undone ON undone.line_id = account_move_line.id %(partner)s
                    WHERE %(where)s AND account_move_line.reconciled IS NOT TRUE
                UNION ALL
                   SELECT %(columns)s,
                          account_move_line.amount_residual + undone.amount,
                          account_move_line.amount_residual_currency + undone.amount_currency,
                          undone.draft
                     FROM %(from)s
                     JOIN undone ON undone.line_id = account_move_line.id %(partner)s
                    WHERE %(where)s AND account_move_line.reconciled""",
                **{'from': query.from_clause}, columns=columns, partner=partner, where=where)
        # the disputed part of an invoice is taken from its earliest instalments, so that none of it is ever chased
        return SQL(
            """WITH %(undone)s
            item AS (
                SELECT * FROM (%(items)s) AS open_item WHERE residual != 0 OR residual_currency != 0
            ),
            disputed AS (
                SELECT line_id, taken AS amount_currency,
                       CASE WHEN residual_currency = taken THEN residual
                            ELSE ROUND(residual * taken / residual_currency, decimal_places) END AS amount,
                       ROUND(residual * taken / residual_currency * fault_share, decimal_places) AS our_fault
                  FROM (
                    SELECT item.line_id, item.residual, item.residual_currency, currency.decimal_places,
                           held.fault_share,
                           LEAST(item.residual_currency, held.amount - COALESCE(SUM(item.residual_currency) OVER (
                               PARTITION BY item.move_id ORDER BY item.date_maturity, item.line_id
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS taken
                      FROM (SELECT move_id, SUM(amount_held) AS amount,
                                   COALESCE(SUM(amount_held) FILTER (WHERE reason.is_our_fault), 0)
                                       / NULLIF(SUM(amount_held), 0) AS fault_share
                              FROM (%(rounds)s) AS dispute
                              JOIN ar_dispute_reason reason ON reason.id = dispute.reason_id
                             WHERE date_held <= %(as_of)s AND (date_closed IS NULL OR date_closed > %(as_of)s)
                          GROUP BY move_id) AS held
                      JOIN item ON item.move_id = held.move_id AND item.residual_currency > 0
                      JOIN res_currency currency ON currency.id = item.company_currency_id
                  ) AS allocated
                 WHERE taken > 0
            ),
            promised AS (
                SELECT line_id, taken AS amount_currency,
                       CASE WHEN residual_currency = taken THEN residual
                            ELSE ROUND(residual * taken / residual_currency, decimal_places) END AS amount
                  FROM (
                    SELECT item.line_id, item.residual, item.residual_currency, currency.decimal_places,
                           LEAST(item.residual_currency, SUM(given.amount - GREATEST(0, LEAST(
                               given.amount_paid, given.amount_open - item.residual_currency)))) AS taken
                      FROM (SELECT move_line_id, amount, amount_open, COALESCE(amount_paid, 0) AS amount_paid
                              FROM ar_promise_line
                             WHERE plan_id IS NULL AND date_made <= %(as_of)s
                                   AND (date_ended IS NULL OR date_ended > %(as_of)s)
                         UNION ALL
                            SELECT move_line_id, amount, amount, COALESCE(amount_paid, 0)
                              FROM ar_promise_plan_item
                             WHERE date_accepted <= %(as_of)s AND (date_ended IS NULL OR date_ended > %(as_of)s)
                           ) AS given
                      JOIN item ON item.line_id = given.move_line_id AND item.residual_currency > 0
                      JOIN res_currency currency ON currency.id = item.company_currency_id
                  GROUP BY item.line_id, item.residual, item.residual_currency, currency.decimal_places
                  ) AS allocated
                 WHERE taken > 0
            )""", undone=undone_with, items=items, rounds=DISPUTE_ROUNDS, as_of=opts['as_of'])

    def _group_key(self, group_by):
        """Return (SQL key, SQL joins on `item`) of a grouping; `partner` is always joined."""
        partner = SQL("LEFT JOIN res_partner partner ON partner.id = item.partner_id")
        if group_by == 'partner':
            return SQL("item.partner_id"), partner
        if group_by == 'salesperson':
            return SQL("COALESCE(invoice.invoice_user_id, partner.user_id)"), SQL(
                "%s LEFT JOIN account_move invoice ON invoice.id = item.move_id", partner)
        if group_by == 'collector':  # company-dependent: jsonb {company: value}
            self.env['res.partner'].flush_model(['ar_collector_id'])
            return SQL("(partner.ar_collector_id ->> item.company_id::text)::int"), partner
        if group_by == 'country':
            return SQL("partner.country_id"), partner
        return SQL("item.%s", SQL.identifier(f'{group_by}_id')), partner

    def _aged_result(self, rows, columns, opts, currency):
        """Shape the rows of `aged_balance`: (position, key, name, item_count, *amounts, unapplied, total, disputed,
        promised).

        The first is that of the totals, with the number of groups for a key.
        """
        count = len(columns)

        def shape(item_count, *cells):
            unapplied, total, disputed, promised = cells[count:]
            return {'amounts': list(cells[:count]), 'unapplied': unapplied, 'total': total, 'disputed': disputed,
                    'promised': promised, 'item_count': item_count}

        (_position, row_count, _name, *totals), *rows = rows
        totals = shape(int(totals[0]), *map(float, totals[1:]))
        result = [{'id': key or False, 'name': name, **shape(*cells)} for _position, key, name, *cells in rows]
        if opts['group_by'] == 'partner':
            for row in result:
                row['name'] = row['name'] or self.env._("No customer")
        else:
            result = self._name_and_page(result, columns, opts)
        return {'rows': result, 'totals': totals, 'row_count': row_count, 'currency_id': currency.id}

    def _name_and_page(self, rows, columns, opts):
        """Name groups other than customers (few), then sort and slice in Python."""
        model, missing = {
            'salesperson': ('res.users', self.env._("No salesperson")),
            'collector': ('res.users', self.env._("No collector")),
            'country': ('res.country', self.env._("No country")),
            'currency': ('res.currency', ""),
            'company': ('res.company', ""),
        }[opts['group_by']]
        # sudo: names of the groups the user's own items fall into
        records = self.env[model].sudo().browse([row['id'] for row in rows if row['id']])
        names = {record.id: record.display_name for record in records}
        for row in rows:
            row['name'] = names.get(row['id'], missing)
        self._sql_order(opts, columns)  # raises on an order that makes no sense
        column, _blank, direction = opts['order'].partition(' ')

        def sort_key(row):
            if column in columns:
                return row['amounts'][columns.index(column)]
            return row[column]
        rows.sort(key=sort_key, reverse=direction.lower() == 'desc')
        end = None if opts['limit'] is None else opts['offset'] + opts['limit']
        return rows[opts['offset']:end]

    @contextmanager
    def _index_plans(self):
        """While imports fill (nearly) empty tables: make PostgreSQL look rows up by index, whatever its statistics say.

        With the statistics of an empty table, core's query for the payments of an invoice (joins with OR) reads whole
        tables for every row of every other one, which takes minutes for the first hundred invoices. The setting ends
        with the block, with the transaction, or with the savepoint that an exception rolls back.
        """
        seqscan, jit = self.env.execute_query(SQL(
            "SELECT current_setting('enable_seqscan'), current_setting('jit')"))[0]
        # jit: what has no index gets a huge cost estimate, which would switch the compiler on for tiny queries
        self.env.cr.execute(SQL("SELECT set_config('enable_seqscan', 'off', TRUE), set_config('jit', 'off', TRUE)"))
        yield
        self.env.flush_all()
        self.env.cr.execute(SQL(
            "SELECT set_config('enable_seqscan', %s, TRUE), set_config('jit', %s, TRUE)", seqscan, jit))
