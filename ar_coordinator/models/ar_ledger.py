"""The only place with SQL on the books: open items as of a date.

Filters are in ar_ledger_filters.py, aged totals and their groups in ar_ledger_aged.py and ar_ledger_groups.py, the
comparison with the general ledger in ar_ledger_tie_out.py, sales and series over months in ar_ledger_series.py.

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

GROUPS_BY = (
    'partner', 'parent', 'credit_group', 'salesperson', 'collector', 'country', 'tag', 'currency', 'company', 'account',
    'risk_class')
# columns of the aged report: those it always has, and those that are only computed when asked for
PLAIN_COLUMNS = ('buckets', 'unapplied', 'total', 'disputed', 'promised', 'item_count')
EXTRA_COLUMNS = (
    'overdue', 'on_hold', 'oldest_days', 'average_days', 'last_payment', 'last_payment_amount', 'limit', 'limit_used')
# filters, see ar_ledger_filters.py: of the items themselves; of the customer or the invoice behind them
ITEM_FILTERS = ('account_ids', 'currency_ids')
CUSTOMER_FILTERS = (
    'collector_ids', 'salesperson_ids', 'country_ids', 'tag_ids', 'risk_class_ids', 'credit_group_ids')
FILTERS = (*ITEM_FILTERS, *CUSTOMER_FILTERS)
OPTIONS = {
    'as_of', 'age_at', 'basis', 'bucket_limits', 'bucket_by', 'company_ids', 'partner_ids', 'group_by', 'group_id',
    'group_ids', 'cell', 'columns', 'compare_to', 'amounts_in', 'limit', 'offset', 'order', 'date_from', 'date_to',
    'tie_out', 'unfolded', 'window_days', 'months', *FILTERS,
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

        :param dict options: as_of, age_at, basis, bucket_limits, company_ids, partner_ids, filters, limit, offset (see
            `_read_options`); with group_by and group_ids (or group_id), the items behind one row of the aged report;
            with cell, those behind one of its amounts: a bucket's key, 'overdue', 'unapplied', 'total', 'disputed',
            'promised' or 'on_hold'
        :return: list of dict: id (account.move.line), move_id, move_name, move_type, ref, partner_id, partner_name,
            company_id, company_currency_id, currency_id, date, invoice_date, date_maturity, age_date, days, bucket
            (index), residual, disputed and promised in company currency as the books have them, residual_currency,
            disputed_currency and promised_currency in the item's own, residual_report, disputed_report and
            promised_report in the currency of the report (what the item counts with in the aged receivables),
            draft_matched (see the module's docstring)
        :raise AccessError: when the user may not read receivables
        :raise UserError: when an option makes no sense
        """
        opts = self._read_options(options, own_customers=True)
        joins, condition = self._sql_path(opts)
        currency, rates = self._report_currency(opts)
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
                   COALESCE(promised.amount_currency, 0) AS promised_currency,
                   %(residual_report)s AS residual_report, COALESCE(%(disputed_report)s, 0) AS disputed_report,
                   COALESCE(%(promised_report)s, 0) AS promised_report
              FROM item
              JOIN account_move move ON move.id = item.move_id
         LEFT JOIN disputed ON disputed.line_id = item.line_id
         LEFT JOIN promised ON promised.line_id = item.line_id
              %(joins)s
             WHERE %(condition)s
          ORDER BY item.age_date, item.line_id
             %(limit)s
            """,
            **{'with': self._items_with(opts)}, age_at=opts['age_at'], starts=self._bucket_starts(opts),
            joins=joins, condition=condition, limit=self._sql_limit(opts), **{
                f'{name}_report': self._sql_converted(amount, currency, rates) for name, amount in (
                    ('residual', SQL("item.residual")), ('disputed', SQL("disputed.amount")),
                    ('promised', SQL("promised.amount")))}))
        numbers = ('draft_matched', *(
            f'{name}{end}' for name in ('residual', 'disputed', 'promised') for end in ('', '_currency', '_report')))
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

    # === OPTIONS === #

    def _check_reader(self):
        """:raise AccessError: for users who may not read receivables; superuser jobs pass."""
        if not self.env.su and not self.env.user.has_groups('ar_coordinator.group_ar_base'):
            raise AccessError(self.env._(
                "You are not allowed to see receivables. Ask for the role Receivables: Reader."))

    def _read_scope(self, company_ids, own_customers):
        """Return (company ids, None), or (company ids, user id) for one who sees his own customers only.

        :param list company_ids: as asked for; None or empty: the companies switched on
        :param bool own_customers: whether the caller restricts what it returns to them
        :raise AccessError: not allowed at all, or not in one of the companies
        """
        user = self.env.user
        if self.env.su or user.has_groups('ar_coordinator.group_ar_base'):
            own_user_id = None
        elif own_customers and user.has_groups('ar_coordinator.group_ar_own_customers'):
            own_user_id = user.id
        else:
            self._check_reader()
        wanted = company_ids or self.env.companies.ids
        if not self.env.su and set(wanted) - set(user._get_company_ids()):
            raise AccessError(self.env._("You asked for the receivables of a company you have no access to."))
        if own_user_id:
            companies = self.env['res.company'].browse(wanted)
            allowed = companies.filtered('ar_own_customers')
            if not allowed or (company_ids and allowed != companies):
                raise AccessError(self.env._(
                    "%s does not show salespeople the receivables of their customers. Ask a Receivables: Manager.",
                    (companies - allowed)[:1].name))
            wanted = allowed.ids
        return sorted(wanted), own_user_id

    def _read_options(self, options, own_customers=False):
        """Check and complete `options` (JSON: dates as ISO text or date).

        :param bool own_customers: also let in who may only see the customers he is the salesperson of. What the caller
            returns must then all come from `_lines`, which is narrowed to them
        :return: dict: as_of (default today in the company's time zone), age_at (default as_of), basis ('due' or
            'invoice'), bucket_limits, company_ids (default: the companies switched on), partner_ids (None = all),
            the filters of ar_ledger_filters.py (None = all), group_by, limit, offset, order, and date_from/date_to,
            group_id where given
        :raise AccessError: not allowed, or a company that is not switched on
        :raise UserError: an option that makes no sense
        """
        options = dict(options or {})
        if not own_customers:
            self._check_reader()
        if unknown := set(options) - OPTIONS:
            raise UserError(self.env._("Unknown option: %s", ", ".join(sorted(unknown))))
        opts = {
            'as_of': self._read_date(options.get('as_of')) or self.env.company._ar_today(),
            'basis': self._read_choice('basis', options.get('basis'), ('due', 'invoice')),
            'amounts_in': self._read_choice('amounts_in', options.get('amounts_in'), ('company', 'document')),
            'compare_to': self._read_date(options.get('compare_to')),
            'cell': options.get('cell') or None,
            'order': options.get('order') or 'name',
            'limit': self._read_whole('limit', options.get('limit')),
            'offset': self._read_whole('offset', options.get('offset')) or 0,
        }
        opts['age_at'] = self._read_date(options.get('age_at')) or opts['as_of']
        for name in ('date_from', 'date_to'):
            if options.get(name):
                opts[name] = self._read_date(options[name])
        self._read_groups(options, opts)
        self._read_columns(options, opts)
        company_ids = self._read_ids('company_ids', options.get('company_ids'))
        opts['company_ids'], opts['own_user_id'] = self._read_scope(company_ids, own_customers)
        partner_ids = self._read_ids('partner_ids', options.get('partner_ids'))
        if partner_ids is not None:
            # sudo: only ids are read, to turn contacts into customers
            partners = self.env['res.partner'].sudo().with_context(active_test=False)
            commercial = partners.browse(partner_ids).exists().commercial_partner_id
            opts['partner_ids'] = commercial.ids
        else:
            opts['partner_ids'] = None
        opts.update(self._read_filters(options))
        for group, group_id in zip(opts['groups'], opts['path'], strict=False):
            if group == 'partner' and group_id and (opts['partner_ids'] is None or group_id in opts['partner_ids']):
                opts['partner_ids'] = [group_id]  # says the same as the row asked for, but is found by index
        return opts

    def _options_at(self, opts, as_of, age_at):
        """The same options at another date."""
        return {**opts, 'as_of': as_of, 'age_at': age_at, 'day_limits': buckets.day_limits(
            opts['bucket_limits'], opts['bucket_by'], age_at)}

    def _read_groups(self, options, opts):
        """Read `group_by` (a key, or a list of two: the rows of the first unfold to those of the second), `group_ids`
        (the group looked into, level by level) and `group_id`, which is the same for one level.
        """
        groups = options.get('group_by') or 'partner'
        groups = [groups] if isinstance(groups, str) else groups
        if not isinstance(groups, list | tuple) or not 1 <= len(groups) <= 2 or len(set(groups)) < len(groups) \
                or set(groups) - set(GROUPS_BY):
            raise UserError(self.env._("Ageing cannot be grouped by %s.", options['group_by']))
        path = self._read_ids('group_ids', options.get('group_ids')) or []
        if 'group_id' in options:
            path = [self._read_whole('group_id', options['group_id']) or 0]
        if len(path) > len(groups):
            raise UserError(self.env._("There are only %s levels of groups.", len(groups)))
        opts.update(groups=tuple(groups), path=[int(group_id) for group_id in path])

    def _read_columns(self, options, opts):
        """Read `bucket_by`, `bucket_limits` and `columns`."""
        opts['bucket_by'] = self._read_choice('bucket_by', options.get('bucket_by'), buckets.UNITS)
        default = buckets.DEFAULT_LIMITS if opts['bucket_by'] == 'days' else buckets.DEFAULT_MONTHS
        try:
            opts['bucket_limits'] = buckets.check_limits(options.get('bucket_limits') or default)
            opts['day_limits'] = buckets.day_limits(opts['bucket_limits'], opts['bucket_by'], opts['age_at'])
        except (TypeError, ValueError) as error:
            raise UserError(self.env._("These bucket limits cannot be used: %s", error)) from error
        columns = options.get('columns') or ()
        if not isinstance(columns, list | tuple) or set(columns) - {*PLAIN_COLUMNS, *EXTRA_COLUMNS}:
            raise UserError(self.env._("These columns cannot be shown: %s", columns))
        opts['columns'] = tuple(columns)

    def _read_choice(self, name, value, choices):
        """Return one of `choices`, the first for nothing."""
        if value and value not in choices:
            raise UserError(self.env._(
                "%(name)s must be one of %(choices)s, not %(value)s.", name=name, choices=", ".join(choices),
                value=value))
        return value or choices[0]

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

    def _bucket_starts(self, opts):
        """First day of age of each bucket but 'not due', for width_bucket."""
        return [1, *(limit + 1 for limit in opts['day_limits'])]

    def _receivable_accounts(self, opts, non_trade=None):
        """Ids of the receivable accounts; archived ones too. sudo: ids only, lines are read with the user's rules."""
        # branches share the accounts of the companies above them; parent_ids needs no query, parent_of does
        companies = self.env['res.company'].sudo().browse(opts['company_ids']).parent_ids
        domain = Domain([('account_type', '=', 'asset_receivable'), ('company_ids', 'in', companies.ids)])
        if non_trade is not None:
            domain &= Domain('non_trade', '=', non_trade)
        return self.env['account.account'].sudo().with_context(active_test=False).search(domain).ids

    def _lines(self, opts, non_trade=False, is_open=False):
        """Query over the posted receivable lines up to `as_of`, with the user's rules, as table account_move_line.

        Also flushes what the raw column names below read.

        :param bool is_open: only few of them will be read, found by core's index of what is not reconciled. PostgreSQL
            takes open receivable items for as frequent as open items of other accounts and would rather read all lines
            up to the day by their dates: "+ 0" keeps it from that
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
        ])
        if not is_open:
            domain &= Domain('date', '<=', opts['as_of'])
        if opts['partner_ids'] is not None:
            # sudo: the family of the customers asked for; lines are still subject to the user's rules
            family = self.env['res.partner'].sudo().with_context(active_test=False)._search(
                [('commercial_partner_id', 'in', opts['partner_ids'])])
            domain &= Domain('partner_id', 'in', family)
        if opts.get('line_ids') is not None:
            domain &= Domain('id', 'in', opts['line_ids'])
        if opts.get('own_user_id'):
            # sudo: salespeople need not read journal items; `_add_customer_filters` leaves those of their customers
            lines = lines.sudo()
        query = lines._search(domain & self._item_filters(opts))
        if is_open:
            query.add_where(SQL("account_move_line.date + 0 <= %s", opts['as_of']))
        self._add_customer_filters(query, opts)
        return query

    def _probe(self, opts):
        """Return (later, unposted, disputed, promised): whether there are matchings after `as_of`, matchings with
        entries that are not posted, disputes and promises that held on it. What there is none of costs nothing.
        """
        return self.env.execute_query(SQL(
            """SELECT COALESCE((SELECT MAX(max_date) FROM account_partial_reconcile) > %(as_of)s, FALSE),
                      EXISTS (SELECT FROM account_move_line WHERE %(unposted)s),
                      EXISTS (SELECT FROM (%(rounds)s) AS dispute
                               WHERE date_held <= %(as_of)s AND (date_closed IS NULL OR date_closed > %(as_of)s)),
                      EXISTS (SELECT FROM (%(given)s) AS given)
            """, as_of=opts['as_of'], unposted=SQL(UNPOSTED_MATCHED), rounds=DISPUTE_ROUNDS,
            given=self._sql_given(opts)))[0]

    def _sql_given(self, opts):
        """SELECT of what was promised of items as of a day, by itself or in plans."""
        return SQL(
            """SELECT move_line_id, amount, amount_open, COALESCE(amount_paid, 0) AS amount_paid
                 FROM ar_promise_line
                WHERE plan_id IS NULL AND date_made <= %(as_of)s AND (date_ended IS NULL OR date_ended > %(as_of)s)
            UNION ALL
               SELECT move_line_id, amount, amount, COALESCE(amount_paid, 0)
                 FROM ar_promise_plan_item
                WHERE date_accepted <= %(as_of)s AND (date_ended IS NULL OR date_ended > %(as_of)s)""",
            as_of=opts['as_of'])

    def _undone(self, opts, later, unposted):
        """SQL for what has to be added back to today's residual per line, or None when there is nothing.

        Most later matchings are between two later lines, and those are no part of the report: NOT EXISTS leaves them
        out before anything is summed or looked up (speed only; the lines' own conditions are applied by the caller).
        Both sides of the matchings are held against the later lines at once: that table is the largest here.

        :param later, unposted: see `_probe`
        """
        parts = []
        if later:
            parts.append(SQL(
                """SELECT line_id, amount, amount_currency, 0 AS draft
                     FROM (SELECT debit_move_id AS line_id, amount, debit_amount_currency AS amount_currency
                             FROM account_partial_reconcile WHERE max_date > %(as_of)s
                        UNION ALL
                           SELECT credit_move_id, -amount, -credit_amount_currency
                             FROM account_partial_reconcile WHERE max_date > %(as_of)s) AS side
                    WHERE NOT EXISTS (
                          SELECT FROM account_move_line later WHERE later.id = side.line_id
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

    def _items_with(self, opts, is_lean=False):
        """WITH clause giving `item` (one row per open item), `disputed` and `promised` (line_id, amount,
        amount_currency; of a dispute also our_fault, in company currency).

        A promise is used up by what was paid since: by the fall of the residual, as far as payments made it fall.

        :param bool is_lean: leave out the columns of `item` that sums do not need (number, dates, draft_matched):
            PostgreSQL keeps the whole table in memory
        """
        query = self._lines(opts, is_open=True)
        where = query.where_clause or SQL("TRUE")
        later, unposted, has_disputes, has_promises = self._probe(opts)
        undone = self._undone(opts, later, unposted)
        age_date = DUE_DATE if opts['basis'] == 'due' else INVOICE_DATE
        columns = SQL(
            """account_move_line.id AS line_id, account_move_line.move_id,
               commercial.commercial_partner_id AS partner_id,
               account_move_line.company_id, account_move_line.company_currency_id, account_move_line.currency_id,
               account_move_line.account_id, account_move_line.date_maturity, %s %s AS age_date""",
            SQL() if is_lean else SQL(
                """account_move_line.move_name, account_move_line.date, account_move_line.invoice_date,
                account_move_line.no_followup,"""), age_date)
        of_drafts = SQL() if is_lean else SQL(", 0 AS draft_matched")
        of_undone = SQL() if is_lean else SQL(", COALESCE(undone.draft, 0) AS draft_matched")
        partner = SQL("LEFT JOIN res_partner commercial ON commercial.id = account_move_line.partner_id")
        if undone is None:
            items = SQL(
                """SELECT %(columns)s, account_move_line.amount_residual AS residual,
                          account_move_line.amount_residual_currency AS residual_currency %(of_drafts)s
                     FROM %(from)s %(partner)s
                    WHERE %(where)s AND account_move_line.reconciled IS NOT TRUE""",
                **{'from': query.from_clause}, columns=columns, partner=partner, where=where, of_drafts=of_drafts)
            undone_with = SQL()
        else:
            undone_with = SQL("undone AS MATERIALIZED (%s),", undone)
            items = SQL(
                """SELECT %(columns)s,
                          account_move_line.amount_residual + COALESCE(undone.amount, 0) AS residual,
                          account_move_line.amount_residual_currency + COALESCE(undone.amount_currency, 0)
                              AS residual_currency %(of_undone)s
                     FROM %(from)s
                LEFT JOIN undone ON undone.line_id = account_move_line.id %(partner)s
                    WHERE %(where)s AND account_move_line.reconciled IS NOT TRUE
                UNION ALL
                   SELECT %(columns)s,
                          account_move_line.amount_residual + undone.amount,
                          account_move_line.amount_residual_currency + undone.amount_currency %(of_undone)s
                     FROM %(from)s
                     JOIN undone ON undone.line_id = account_move_line.id %(partner)s
                    WHERE %(where)s AND account_move_line.reconciled""",
                **{'from': query.from_clause}, columns=columns, partner=partner, where=where, of_undone=of_undone)
        nothing = SQL(
            "SELECT 0 AS line_id, 0::numeric AS amount_currency, 0::numeric AS amount, 0::numeric AS our_fault"
            " WHERE FALSE")
        return SQL(
            """WITH %(undone)s
            item AS (
                SELECT * FROM (%(items)s) AS open_item WHERE residual != 0 OR residual_currency != 0
            ),
            disputed AS (%(disputed)s),
            promised AS (%(promised)s)""",
            undone=undone_with, items=items,
            disputed=self._sql_disputed(opts) if has_disputes else nothing,
            promised=self._sql_promised(opts) if has_promises else nothing)

    def _sql_disputed(self, opts):
        """SELECT line_id, amount_currency, amount, our_fault: what is disputed of the table `item`.

        The disputed part of an invoice is taken from its earliest instalments, so that none of it is ever chased.
        Grouping (one row per item as it is) tells PostgreSQL that there is one.
        """
        return SQL(
            """SELECT line_id, MAX(taken) AS amount_currency,
                      MAX(CASE WHEN residual_currency = taken THEN residual
                               ELSE ROUND(residual * taken / residual_currency, decimal_places) END) AS amount,
                      MAX(ROUND(residual * taken / residual_currency * fault_share, decimal_places)) AS our_fault
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
             GROUP BY line_id""", rounds=DISPUTE_ROUNDS, as_of=opts['as_of'])

    def _sql_promised(self, opts):
        """SELECT line_id, amount_currency, amount: what is left of promises about the table `item`."""
        return SQL(
            """SELECT line_id, taken AS amount_currency,
                      CASE WHEN residual_currency = taken THEN residual
                           ELSE ROUND(residual * taken / residual_currency, decimal_places) END AS amount
                 FROM (
                    SELECT item.line_id, MAX(item.residual) AS residual,
                           MAX(item.residual_currency) AS residual_currency,
                           MAX(currency.decimal_places) AS decimal_places,
                           LEAST(MAX(item.residual_currency), SUM(given.amount - GREATEST(0, LEAST(
                               given.amount_paid, given.amount_open - item.residual_currency)))) AS taken
                      FROM (%(given)s) AS given
                      JOIN item ON item.line_id = given.move_line_id AND item.residual_currency > 0
                      JOIN res_currency currency ON currency.id = item.company_currency_id
                  GROUP BY item.line_id
                  ) AS allocated
                WHERE taken > 0""", given=self._sql_given(opts))

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
