"""The only place with SQL on the books: open items as of a date, aged totals, sales, month-end facts, tie-out.

Facts only; policies and formulas live in `engine/`. Everything is one set-based query per fact, for the companies the user
has switched on, with the user's record rules.

Residual of a posted receivable item at the end of day D (odoo.tools.SQL below says the same):

    residual now + matchings with max_date > D (they had not happened) + matchings with an entry that is not posted

The last term keeps the books right: core lets a posted invoice be matched with a *draft* credit note and shows the rest as
its residual, while the general ledger knows nothing of the draft. Here such an item stays open in full, so that the sum of
the residuals is the balance of the accounts; `draft_matched` says how much of it core already counts as settled.
"""
import datetime
import itertools

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import buckets

GROUPS_BY = ('partner', 'salesperson', 'collector', 'country', 'currency', 'company')
SALES_TYPES = ('out_invoice', 'out_refund', 'out_receipt')


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
            company_id, company_currency_id, currency_id, date, invoice_date, date_maturity, age_date, days, bucket (index),
            residual and disputed in company currency as the books have them, residual_currency and disputed_currency in the
            item's own, draft_matched (see the module's docstring)
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
                   COALESCE(disputed.amount_currency, 0) AS disputed_currency
              FROM item
              JOIN account_move move ON move.id = item.move_id
         LEFT JOIN disputed ON disputed.line_id = item.line_id
              %(joins)s
             WHERE %(condition)s
          ORDER BY item.age_date, item.line_id
             %(limit)s
            """,
            **{'with': self._items_with(opts)}, age_at=opts['age_at'], starts=bucket_starts, joins=joins,
            condition=condition, limit=self._sql_limit(opts)))
        numbers = ('residual', 'residual_currency', 'draft_matched', 'disputed', 'disputed_currency')
        for row in rows:
            row.update((number, float(row[number])) for number in numbers)
        return rows

    @api.model
    @api.readonly
    def aged_balance(self, options=None):
        """Return the open items summed by group and bucket.

        :param dict options: see `_read_options`
        :return: dict with `rows` (list of dict: id, name, amounts (one per bucket, first = not due), unapplied, total,
            disputed, item_count), `totals` (the same over all groups, not only this page), `row_count`, `currency_id` (of all
            amounts: the companies' common currency, else the current company's, converted at the rate of `as_of`)
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
        measures = [*columns, 'unapplied', 'total', 'disputed']
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
        window = SQL(", ").join(
            SQL("SUM(%s) OVER () AS %s", SQL.identifier(column), SQL.identifier(f'all_{column}'))
            for column in [*measures, 'item_count'])
        by_sql = opts['group_by'] == 'partner'  # few groups otherwise: sorted and sliced below, by translated name
        rows = self.env.execute_query_dict(SQL(
            """
            %(with)s,
            aged AS (
                SELECT %(key)s AS key, item.company_id, item.residual, COALESCE(disputed.amount, 0) AS disputed,
                       width_bucket(%(age_at)s - item.age_date, %(starts)s) AS bucket
                  FROM item
             LEFT JOIN disputed ON disputed.line_id = item.line_id
                  %(joins)s
            ),
            by_company AS (
                SELECT key, %(company)s %(amounts)s,
                       COALESCE(SUM(residual) FILTER (WHERE residual < 0), 0) AS unapplied,
                       SUM(residual) AS total, SUM(disputed) AS disputed, COUNT(*)::int AS item_count
                  FROM aged
              GROUP BY %(company)s key
            ),
            grouped AS (%(grouped)s)
            SELECT grouped.*, %(name)s AS name, COUNT(*) OVER () AS row_count, %(window)s
              FROM grouped
              %(partner_join)s
          ORDER BY %(order)s
             %(limit)s
            """,
            **{'with': self._items_with(opts)}, key=key, joins=joins, age_at=opts['age_at'], starts=starts,
            company=company, amounts=amounts, grouped=grouped, name=name, window=window, partner_join=partner_join,
            order=self._sql_order(opts, columns) if by_sql else SQL("key"),
            limit=self._sql_limit(opts) if by_sql else SQL()))
        return self._aged_result(rows, columns, opts, currency)

    @api.model
    @api.readonly
    def sales(self, options=None):
        """Return invoiced sales including tax, credit notes deducted, per day.

        :param dict options: date_from, date_to (inclusive), company_ids, partner_ids
        :return: list of (date, amount in the report currency), ascending
        """
        opts = self._read_options(options)
        return self._daily_sales(opts, opts['date_from'], opts['date_to'])

    @api.model
    @api.readonly
    def exposure(self, partners):
        """Return what customers owe now, in the current company's currency.

        :param partners: res.partner recordset or list of ids; contacts count as their commercial partner
        :return: dict of commercial partner id -> {receivable, not_due, overdue, unapplied, disputed}
        """
        ids = partners.ids if isinstance(partners, models.BaseModel) else list(partners)
        data = self.aged_balance({'partner_ids': ids, 'company_ids': self.env.company.ids})
        exposure = {
            row['id']: {
                'receivable': row['total'],
                'not_due': row['amounts'][0],
                'overdue': sum(row['amounts'][1:]),
                'unapplied': row['unapplied'],
                'disputed': row['disputed'],
            }
            for row in data['rows']
        }
        commercial = self.env['res.partner'].browse(ids).commercial_partner_id
        nothing = dict.fromkeys(('receivable', 'not_due', 'overdue', 'unapplied', 'disputed'), 0.0)
        return {partner.id: exposure.get(partner.id, dict(nothing)) for partner in commercial}

    @api.model
    @api.readonly
    def tie_out(self, options=None):
        """Compare the open items with the receivable accounts of the general ledger.

        :param dict options: as_of, company_ids, partner_ids
        :return: dict: ledger (balance of all receivable accounts), open_items, difference (ledger - open items) in the
            report currency, and `differences`: list of {company_id, kind, label, amount, move_line_ids}, which add up to the
            difference; kind: `non_trade` (accounts kept out of ageing), `other_company` (matched across companies),
            `residual` (an item's stored residual does not follow from its matchings)
        """
        opts = self._read_options(options)
        currency, rates = self._report_currency(opts)
        ledger = self._ledger_balances(opts)
        items = dict(self.env.execute_query(SQL(
            "%s SELECT company_id, SUM(residual) FROM item GROUP BY company_id", self._items_with(opts))))
        differences = []
        for company in self.env['res.company'].browse(opts['company_ids']):
            trade, other = ledger.get(company.id, (0, 0))
            if other:
                differences.append({
                    'company_id': company.id, 'kind': 'non_trade', 'amount': float(other), 'move_line_ids': [],
                    'label': self.env._("%s: receivable accounts marked non-trade, kept out of ageing", company.name)})
            if trade != items.get(company.id, 0):
                differences += self._explain(opts, company, trade - items.get(company.id, 0))

        def convert(company_id, amount):
            return currency.round(float(amount) * float(rates.get(company_id, 1)))
        total_ledger = sum(convert(company, trade) + convert(company, other) for company, (trade, other) in ledger.items())
        total_items = sum(convert(company, amount) for company, amount in items.items())
        for difference in differences:
            difference['amount'] = convert(difference['company_id'], difference['amount'])
        return {
            'ledger': currency.round(total_ledger),
            'open_items': currency.round(total_items),
            'difference': currency.round(total_ledger - total_items),
            'differences': differences,
        }

    # === OPTIONS === #

    def _check_access(self):
        """:raise AccessError: for users who may not read receivables; superuser jobs pass."""
        if not self.env.su and not self.env.user.has_groups('ar_coordinator.group_ar_base'):
            raise AccessError(self.env._("You are not allowed to see receivables. Ask for the role Receivables: Reader."))

    def _read_options(self, options):
        """Check and complete `options` (JSON: dates as ISO text or date).

        :return: dict: as_of (default today in the company's time zone), age_at (default as_of), basis ('due' or 'invoice'),
            bucket_limits, company_ids (default: the companies switched on), partner_ids (None = all), group_by, limit,
            offset, order, and date_from/date_to, group_id where given
        :raise AccessError: not allowed, or a company that is not switched on
        :raise UserError: an option that makes no sense
        """
        self._check_access()
        options = dict(options or {})
        known = {'as_of', 'age_at', 'basis', 'bucket_limits', 'company_ids', 'partner_ids', 'group_by', 'group_id', 'limit',
                 'offset', 'order', 'date_from', 'date_to', 'tie_out', 'window_days', 'months'}
        if unknown := set(options) - known:
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
        opts['company_ids'] = sorted(options.get('company_ids') or self.env.companies.ids)
        if not self.env.su and set(opts['company_ids']) - set(self.env.user._get_company_ids()):
            raise AccessError(self.env._("You asked for the receivables of a company you have no access to."))
        partner_ids = options.get('partner_ids')
        if partner_ids is not None:
            # sudo: only ids are read, to turn contacts into customers
            partners = self.env['res.partner'].sudo().with_context(active_test=False)
            commercial = partners.browse(partner_ids).exists().commercial_partner_id
            opts['partner_ids'] = commercial.ids
        else:
            opts['partner_ids'] = None
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

    def _sql_order(self, opts, columns):
        """ORDER BY for the aged rows: '<column> [asc|desc]', column = name, total, unapplied, disputed or a bucket key."""
        column, _blank, direction = opts['order'].partition(' ')
        if column not in ('name', 'total', 'unapplied', 'disputed', 'item_count', *columns) \
                or direction.lower() not in ('', 'asc', 'desc'):
            raise UserError(self.env._("Ageing cannot be sorted by %s.", opts['order']))
        return SQL("%s %s NULLS LAST, key", SQL.identifier(column), SQL("DESC") if direction.lower() == 'desc' else SQL())

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
        domain = Domain('account_type', '=', 'asset_receivable') & Domain('company_ids', 'parent_of', opts['company_ids'])
        if non_trade is not None:
            domain &= Domain('non_trade', '=', non_trade)
        return self.env['account.account'].sudo().with_context(active_test=False).search(domain).ids

    def _lines(self, opts, non_trade=False):
        """Query over the posted receivable lines up to `as_of`, with the user's rules; its only table alias is the model's.

        Also flushes what the raw column names below read.
        """
        lines = self.env['account.move.line'].with_context(active_test=False)
        lines.flush_model([
            'account_id', 'partner_id', 'company_id', 'move_id', 'date', 'date_maturity', 'invoice_date', 'balance',
            'amount_currency', 'amount_residual', 'amount_residual_currency', 'reconciled', 'parent_state', 'matching_number',
            'currency_id', 'company_currency_id', 'move_name', 'no_followup'])
        self.env['account.partial.reconcile'].flush_model()
        self.env['account.move'].flush_model(['move_type', 'ref', 'invoice_user_id', 'state'])
        self.env['res.partner'].flush_model(['commercial_partner_id', 'complete_name', 'country_id', 'user_id'])
        self.env['ar.dispute'].flush_model(['move_id', 'amount_held', 'date_open', 'date_closed'])
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
        return lines._search(domain)

    def _undone(self, opts):
        """SQL for what has to be added back to today's residual per line, or None when there is nothing."""
        later, unposted = self.env.execute_query(SQL(
            """SELECT EXISTS (SELECT FROM account_partial_reconcile WHERE max_date > %s),
                      EXISTS (SELECT FROM account_move_line WHERE parent_state != 'posted' AND matching_number IS NOT NULL)
            """, opts['as_of']))[0]
        parts = []
        if later:
            parts.append(SQL(
                """SELECT debit_move_id AS line_id, amount, debit_amount_currency AS amount_currency, 0 AS draft
                     FROM account_partial_reconcile WHERE max_date > %(as_of)s
                UNION ALL
                   SELECT credit_move_id, -amount, -credit_amount_currency, 0
                     FROM account_partial_reconcile WHERE max_date > %(as_of)s""", as_of=opts['as_of']))
        if unposted:
            parts.append(SQL(
                """SELECT partial.debit_move_id AS line_id, partial.amount, partial.debit_amount_currency AS amount_currency,
                          partial.amount AS draft
                     FROM account_move_line draft
                     JOIN account_partial_reconcile partial ON partial.credit_move_id = draft.id
                    WHERE draft.parent_state != 'posted' AND draft.matching_number IS NOT NULL
                      AND partial.max_date <= %(as_of)s
                UNION ALL
                   SELECT partial.credit_move_id, -partial.amount, -partial.credit_amount_currency, -partial.amount
                     FROM account_move_line draft
                     JOIN account_partial_reconcile partial ON partial.debit_move_id = draft.id
                    WHERE draft.parent_state != 'posted' AND draft.matching_number IS NOT NULL
                      AND partial.max_date <= %(as_of)s""", as_of=opts['as_of']))
        if not parts:
            return None
        return SQL(
            """SELECT line_id, SUM(amount) AS amount, SUM(amount_currency) AS amount_currency, SUM(draft) AS draft
                 FROM (%s) AS part GROUP BY line_id""", SQL(" UNION ALL ").join(parts))

    def _items_with(self, opts):
        """WITH clause giving `item` (one row per open item) and `disputed` (line_id, amount, amount_currency)."""
        query = self._lines(opts)
        where = query.where_clause or SQL("TRUE")
        undone = self._undone(opts)
        age_date = SQL("COALESCE(account_move_line.date_maturity, account_move_line.invoice_date, account_move_line.date)") \
            if opts['basis'] == 'due' else SQL("COALESCE(account_move_line.invoice_date, account_move_line.date)")
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
                            ELSE ROUND(residual * taken / residual_currency, decimal_places) END AS amount
                  FROM (
                    SELECT item.line_id, item.residual, item.residual_currency, currency.decimal_places,
                           LEAST(item.residual_currency, held.amount - COALESCE(SUM(item.residual_currency) OVER (
                               PARTITION BY item.move_id ORDER BY item.date_maturity, item.line_id
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS taken
                      FROM (SELECT move_id, SUM(amount_held) AS amount
                              FROM ar_dispute
                             WHERE date_open <= %(as_of)s AND (date_closed IS NULL OR date_closed > %(as_of)s)
                          GROUP BY move_id) AS held
                      JOIN item ON item.move_id = held.move_id AND item.residual_currency > 0
                      JOIN res_currency currency ON currency.id = item.company_currency_id
                  ) AS allocated
                 WHERE taken > 0
            )""", undone=undone_with, items=items, as_of=opts['as_of'])

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
        """Shape the rows of `aged_balance`."""
        measures = ('unapplied', 'total', 'disputed')

        def shape(row, prefix=''):
            return {
                'amounts': [float(row[prefix + column]) for column in columns],
                **{measure: float(row[prefix + measure]) for measure in measures},
                'item_count': int(row[f'{prefix}item_count']),
            }

        if rows:
            totals, row_count = shape(rows[0], 'all_'), rows[0]['row_count']
        elif opts['offset']:  # a page behind the last one still says what the totals are
            first = self.aged_balance({**self._as_options(opts), 'offset': 0, 'limit': 1})
            totals, row_count = first['totals'], first['row_count']
        else:
            totals, row_count = {
                'amounts': [0.0] * len(columns), **dict.fromkeys(measures, 0.0), 'item_count': 0}, 0
        result = [{'id': row['key'] or False, 'name': row['name'], **shape(row)} for row in rows]
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

    def _as_options(self, opts):
        """Turn checked options back into public ones."""
        return {name: value for name, value in opts.items() if value is not None}

    # === TIE-OUT === #

    def _ledger_balances(self, opts):
        """{company_id: (trade balance, non-trade balance)} of the receivable accounts, from the posted lines themselves."""
        balances = {}
        for non_trade in (False, True):
            query = self._lines(opts, non_trade=non_trade)
            for company_id, balance in self.env.execute_query(SQL(
                "SELECT account_move_line.company_id, SUM(account_move_line.balance) FROM %s WHERE %s"
                " GROUP BY account_move_line.company_id",
                query.from_clause, query.where_clause or SQL("TRUE"),
            )):
                balances.setdefault(company_id, [0, 0])[non_trade] = balance
        return balances

    def _explain(self, opts, company, difference):
        """Name the entries behind a difference between the ledger and the open items of one company.

        An item's residual is balance - matchings. Summed over all items that is the ledger, unless a matching has only one
        of its sides in the report (the other one is another company's), or a stored residual is wrong.
        """
        query = self._lines({**opts, 'company_ids': company.ids})
        lines = SQL(
            "SELECT account_move_line.id, account_move_line.balance, account_move_line.amount_residual FROM %s WHERE %s",
            query.from_clause, query.where_clause or SQL("TRUE"))
        crossing = self.env.execute_query(SQL(
            """WITH line AS MATERIALIZED (%s)
            SELECT CASE WHEN debit.id IS NULL THEN partial.credit_move_id ELSE partial.debit_move_id END,
                   CASE WHEN debit.id IS NULL THEN -partial.amount ELSE partial.amount END
              FROM account_partial_reconcile partial
         LEFT JOIN line debit ON debit.id = partial.debit_move_id
         LEFT JOIN line credit ON credit.id = partial.credit_move_id
              JOIN account_move_line debit_line ON debit_line.id = partial.debit_move_id
              JOIN account_move_line credit_line ON credit_line.id = partial.credit_move_id
             WHERE partial.max_date <= %s
               AND (debit.id IS NULL) != (credit.id IS NULL)
               AND debit_line.parent_state = 'posted' AND credit_line.parent_state = 'posted'""",
            lines, opts['as_of']))
        wrong = self.env.execute_query(SQL(
            """WITH line AS MATERIALIZED (%s)
            SELECT line.id, line.balance - line.amount_residual - COALESCE(matched.amount, 0)
              FROM line
         LEFT JOIN (SELECT line_id, SUM(amount) AS amount FROM (
                        SELECT debit_move_id AS line_id, amount FROM account_partial_reconcile
                    UNION ALL
                        SELECT credit_move_id, -amount FROM account_partial_reconcile) AS part
                  GROUP BY line_id) AS matched ON matched.line_id = line.id
             WHERE line.balance - line.amount_residual != COALESCE(matched.amount, 0)""", lines))
        found = []
        for kind, label, rows in (
            ('other_company', self.env._("%s: items matched with another company or customer", company.name), crossing),
            ('residual', self.env._("%s: items whose stored residual does not follow from their matchings", company.name),
             wrong),
        ):
            if rows:
                found.append({
                    'company_id': company.id, 'kind': kind, 'label': label, 'move_line_ids': [row[0] for row in rows],
                    'amount': float(sum(row[1] for row in rows))})
        rest = company.currency_id.round(float(difference) - sum(part['amount'] for part in found))
        if rest:
            found.append({
                'company_id': company.id, 'kind': 'unexplained', 'amount': rest, 'move_line_ids': [],
                'label': self.env._("%s: not explained by any entry", company.name)})
        return found

    # === SALES AND MONTH-END FACTS === #

    def _converted_sum(self, amount, rates, digits):
        """SQL: `amount` summed in report currency (rounded per row only when companies' currencies differ)."""
        if not rates:
            return SQL("SUM(%s)", amount), SQL()
        values = SQL(", ").join(SQL("(%s, %s)", company, rate) for company, rate in rates.items())
        return (SQL("SUM(ROUND(%s * rate.rate, %s))", amount, digits),
                SQL("JOIN (VALUES %s) AS rate (company_id, rate) ON rate.company_id = account_move_line.company_id", values))

    def _daily_sales(self, opts, date_from, date_to):
        """[(date, amount)] of invoices, receipts and credit notes, from their receivable lines."""
        currency, rates = self._report_currency(opts)
        query = self._lines({**opts, 'as_of': date_to})
        amount, rate_join = self._converted_sum(SQL("account_move_line.balance"), rates, currency.decimal_places)
        return [(day, float(total)) for day, total in self.env.execute_query(SQL(
            """SELECT account_move_line.date, %(amount)s
                 FROM %(from)s
                 JOIN account_move sale ON sale.id = account_move_line.move_id AND sale.move_type IN %(types)s
                 %(rate_join)s
                WHERE %(where)s AND account_move_line.date >= %(date_from)s
             GROUP BY account_move_line.date ORDER BY account_move_line.date""",
            **{'from': query.from_clause}, amount=amount, types=SALES_TYPES, rate_join=rate_join,
            where=query.where_clause or SQL("TRUE"), date_from=date_from))]

    def _first_sale(self, opts):
        """Date of the first sale up to `as_of`, or None."""
        query = self._lines(opts)
        return self.env.execute_query(SQL(
            """SELECT MIN(account_move_line.date) FROM %s
                 JOIN account_move sale ON sale.id = account_move_line.move_id AND sale.move_type IN %s
                WHERE %s""", query.from_clause, SALES_TYPES, query.where_clause or SQL("TRUE")))[0][0]

    def _point_facts(self, opts, points):
        """Receivables at several dates in one pass over lines and one over matchings each side.

        Every line and matching is counted at the first point it concerns; running sums do the rest.

        :param points: ascending dates; nothing after `opts['as_of']`
        :return: dict of lists along `points`, in report currency (rate of `as_of` throughout, so that a trend is one of
            receivables and not of exchange rates): receivable (net of credits), not_due and overdue (debit items),
            overdue_days (sum of open overdue amount * days overdue)
        """
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        where = query.where_clause or SQL("TRUE")
        base = points[0]
        # width_bucket(day, points) = how many points lie at or before that day
        line = SQL(
            """SELECT account_move_line.id, account_move_line.company_id, account_move_line.balance,
                      account_move_line.balance > 0 AS is_debit, due.day - %(base)s::date AS due_day,
                      width_bucket(account_move_line.date - 1, %(points)s) AS starts,
                      GREATEST(width_bucket(due.day, %(points)s),
                               width_bucket(account_move_line.date - 1, %(points)s)) AS overdue
                 FROM %(from)s
           CROSS JOIN LATERAL (SELECT COALESCE(
                      account_move_line.date_maturity, account_move_line.invoice_date, account_move_line.date) AS day) AS due
                WHERE %(where)s""",
            **{'from': query.from_clause}, base=base, points=points, where=where)
        grouped = self.env.execute_query(SQL(
            """WITH line AS MATERIALIZED (%(line)s)
            SELECT company_id, starts, overdue, is_debit, SUM(balance), SUM(balance * due_day)
              FROM line GROUP BY company_id, starts, overdue, is_debit
            UNION ALL
            SELECT line.company_id, width_bucket(partial.max_date - 1, %(points)s) AS matched,
                   GREATEST(line.overdue, width_bucket(partial.max_date - 1, %(points)s)), line.is_debit,
                   SUM(-partial.amount), SUM(-partial.amount * line.due_day)
              FROM account_partial_reconcile partial
              JOIN line ON line.id = partial.debit_move_id
              JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
             WHERE partial.max_date <= %(as_of)s
          GROUP BY line.company_id, matched, 3, line.is_debit
            UNION ALL
            SELECT line.company_id, width_bucket(partial.max_date - 1, %(points)s) AS matched, line.overdue, line.is_debit,
                   SUM(partial.amount), 0
              FROM account_partial_reconcile partial
              JOIN line ON line.id = partial.credit_move_id
              JOIN account_move_line other ON other.id = partial.debit_move_id AND other.parent_state = 'posted'
             WHERE partial.max_date <= %(as_of)s
          GROUP BY line.company_id, matched, line.overdue, line.is_debit""",
            line=line, points=points, as_of=opts['as_of']))
        steps = {name: [0.0] * (len(points) + 1) for name in ('receivable', 'not_due', 'overdue', 'weighted')}
        for company_id, starts, overdue, is_debit, amount, weighted in grouped:
            rate = float(rates.get(company_id, 1))
            amount, weighted = float(amount) * rate, float(weighted) * rate
            steps['receivable'][starts] += amount
            if is_debit:
                steps['not_due'][starts] += amount
                steps['not_due'][overdue] -= amount
                steps['overdue'][overdue] += amount
                steps['weighted'][overdue] += weighted
        running = {name: list(itertools.accumulate(values[:-1])) for name, values in steps.items()}
        weighted = running.pop('weighted')
        facts = {name: [currency.round(value) for value in values] for name, values in running.items()}
        facts['overdue_days'] = [
            running['overdue'][number] * (point - base).days - weighted[number] for number, point in enumerate(points)]
        return facts

    def _daily_payments(self, opts, date_from):
        """[(date, amount, amount * days late)]: what was paid on debit items per day from `date_from` to `as_of`.

        Credit notes and exchange differences settle items too, but are not payments.
        """
        currency, rates = self._report_currency(opts)
        exchange = self.env['res.company'].browse(opts['company_ids']).sudo().currency_exchange_journal_id.ids  # ids only
        query = self._lines(opts)
        amount, rate_join = self._converted_sum(SQL("partial.amount"), rates, currency.decimal_places)
        weighted, _join = self._converted_sum(SQL(
            "partial.amount * (partial.max_date - COALESCE(account_move_line.date_maturity,"
            " account_move_line.invoice_date, account_move_line.date))"), rates, currency.decimal_places)
        return [(day, float(paid), float(late)) for day, paid, late in self.env.execute_query(SQL(
            """SELECT partial.max_date, %(amount)s, %(weighted)s
                 FROM %(from)s
                 JOIN account_partial_reconcile partial ON partial.debit_move_id = account_move_line.id
                      AND partial.max_date BETWEEN %(date_from)s AND %(as_of)s
                 JOIN account_move_line payment ON payment.id = partial.credit_move_id
                      AND payment.parent_state = 'posted' AND NOT payment.journal_id = ANY(%(exchange)s)
                 JOIN account_move entry ON entry.id = payment.move_id AND entry.move_type != 'out_refund'
                 %(rate_join)s
                WHERE %(where)s
             GROUP BY partial.max_date ORDER BY partial.max_date""",
            **{'from': query.from_clause}, amount=amount, weighted=weighted, date_from=date_from, as_of=opts['as_of'],
            exchange=exchange, rate_join=rate_join, where=query.where_clause or SQL("TRUE")))]

    def _disputed_at(self, opts, points):
        """Open disputed amount at each of `points`, in report currency; per invoice, at most what was then unpaid."""
        currency, rates = self._report_currency(opts)
        query = self._lines(opts)
        rows = self.env.execute_query(SQL(
            """WITH held AS (
                SELECT point.day, dispute.move_id, SUM(dispute.amount_held) AS amount
                  FROM unnest(%(points)s) AS point (day)
                  JOIN ar_dispute dispute ON dispute.date_open <= point.day
                       AND (dispute.date_closed IS NULL OR dispute.date_closed > point.day)
              GROUP BY point.day, dispute.move_id
            ),
            residual AS (
                SELECT held.day, held.amount AS held, account_move_line.company_id,
                       SUM(account_move_line.balance - COALESCE(matched.amount, 0)) AS residual,
                       SUM(account_move_line.amount_currency - COALESCE(matched.amount_currency, 0)) AS residual_currency
                  FROM held
                  JOIN account_move_line ON account_move_line.move_id = held.move_id AND account_move_line.date <= held.day
             LEFT JOIN LATERAL (
                       SELECT SUM(partial.amount) AS amount, SUM(partial.debit_amount_currency) AS amount_currency
                         FROM account_partial_reconcile partial
                         JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
                        WHERE partial.debit_move_id = account_move_line.id AND partial.max_date <= held.day) AS matched ON TRUE
                 WHERE %(where)s
              GROUP BY held.day, held.move_id, held.amount, account_move_line.company_id
            )
            SELECT day, company_id, SUM(residual * LEAST(held, residual_currency) / residual_currency)
              FROM residual WHERE residual_currency > 0 GROUP BY day, company_id""",
            points=points, where=query.where_clause or SQL("TRUE")))
        totals = dict.fromkeys(points, 0.0)
        for day, company_id, amount in rows:
            totals[day] += float(amount) * float(rates.get(company_id, 1))
        return [currency.round(totals[point]) for point in points]
