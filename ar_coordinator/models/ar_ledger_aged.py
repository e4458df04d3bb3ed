"""Open items summed by group and bucket, at one date or compared with another.

One query gives the page and the totals of all groups. What costs more (payments, limits) is only read when it is asked
for, and for the rows of the page.

Amounts are in company currency, as the books have them; those of companies with another currency than the report's are
converted at the rate of `as_of`, also at the date compared with, so that a change is one of receivables and not of
exchange rates. Each open item is converted and rounded by itself (`_sql_converted`): whatever it is grouped by, it
counts with the same amount, so that totals are the same for every grouping, page and level. `tie_out` says what that
rounds. With `amounts_in='document'` a row is one group in one currency, and so are the totals: currencies are never
added up.
"""
import datetime
from collections import defaultdict

import pytz

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import credit


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def aged_balance(self, options=None):
        """Return the open items summed by group and bucket.

        :param dict options: see `_read_options`. With two groupings the rows are those of the first, or, with group_ids
            of one id, those of the second in that group
        :return: dict with `rows` (list of dict: id, name, amounts (one per bucket, first = not due), unapplied, total,
            disputed, promised, item_count), `totals` (the same over all groups, not only this page), `row_count`,
            `currency_id` (of all amounts: the companies' common currency, else the current company's, converted at the
            rate of `as_of`). With `compare_to` also `compare` in rows and totals: {amounts, unapplied, total} at that
            date, ages counted at it. The option `columns` adds to the rows: overdue and on_hold (net total of customers
            on credit hold at `as_of`), oldest_days (of debit items; 0: nothing is late), average_days (age of debit
            items weighted by amount, negative: not due yet; None without any), last_payment (date) and
            last_payment_amount (all that came on that day), limit and limit_used (per cent; of customers, as of today;
            None: unlimited). With amounts_in='document': `currency_id` in each row, `totals_by_currency` (list of
            totals with currency_id), and `totals` None where there is more than one
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options, own_customers=True)
        depth = len(opts['path'])
        if depth == len(opts['groups']):
            raise UserError(self.env._("Below the last grouping there are open items only."))
        currency, rates = self._report_currency(opts)
        columns = ['not_due', *(f'b{number}' for number in range(1, len(opts['bucket_limits']) + 2))]
        in_document = opts['amounts_in'] == 'document'
        measures = self._aged_measures(opts, columns)
        names = [*measures, *(f'before_{name}' for name in self._compared(opts, columns))]
        by_sql = self._named_by_sql(opts['groups'][depth])
        rows = self.env.execute_query(SQL(
            """
            WITH grouped AS MATERIALIZED (%(grouped)s),
            %(page)s
            SELECT 0 AS position, COUNT(*) AS key, %(currency)s AS currency_id, NULL AS name,
                   COALESCE(SUM(item_count), 0) AS item_count, %(totals)s
              FROM grouped %(by_currency)s
         UNION ALL
            SELECT position, key, %(currency)s, name, item_count, %(numbers)s
              FROM page
          ORDER BY position
            """,
            grouped=self._sql_compared(opts, columns, currency, rates),
            page=self._sql_page(opts, columns, by_sql),
            currency=SQL("currency_id") if in_document else SQL("NULL::int"),
            by_currency=SQL("GROUP BY currency_id") if in_document else SQL(),
            totals=SQL(", ").join(
                SQL("COALESCE(%s(%s), 0)", SQL("MAX") if name == 'oldest_days' else SQL("SUM"), SQL.identifier(name))
                for name in names),
            numbers=SQL(", ").join(SQL.identifier(name) for name in names)))
        return self._aged_result(rows, names, columns, opts, currency)

    # === SQL === #

    def _sql_page(self, opts, columns, by_sql):
        """Tables of the WITH clause that end in `page`: the groups asked for with their names, numbered in order.

        :param bool by_sql: whether the groups are customers, who are named and sorted here
        """
        is_paged = by_sql and not self._sorted_later(opts)
        values = {
            'keys': SQL("key, currency_id") if opts['amounts_in'] == 'document' else SQL("key"),
            'name': SQL("partner.complete_name") if by_sql else SQL("NULL"),
            'partner': SQL("LEFT JOIN res_partner partner ON partner.id = grouped.key") if by_sql else SQL(),
            'order': self._sql_order(opts, columns) if is_paged else SQL("key"),
            'limit': self._sql_limit(opts) if is_paged else SQL()}
        if not values['limit']:  # all of them: sorted once
            return SQL(
                """page AS (
                    SELECT ROW_NUMBER() OVER (ORDER BY %(order)s) AS position, *
                      FROM (SELECT grouped.*, %(name)s AS name FROM grouped %(partner)s) AS named)""", **values)
        return SQL(  # only keys and names are sorted
            """named AS (
                SELECT %(keys)s, %(name)s AS name FROM grouped %(partner)s ORDER BY %(order)s %(limit)s
            ),
            page AS (
                SELECT ROW_NUMBER() OVER (ORDER BY %(order)s) AS position, * FROM named JOIN grouped USING (%(keys)s)
            )""", **values)

    def _aged_measures(self, opts, columns):
        """Names of what is summed per group, in the order of the query."""
        extra = []
        if 'on_hold' in opts['columns']:
            extra.append('on_hold')
        if 'oldest_days' in opts['columns']:
            extra.append('oldest_days')
        if 'average_days' in opts['columns']:
            extra += ['weighted', 'debit']
        return [*columns, 'unapplied', 'total', 'disputed', 'promised', *extra]

    def _compared(self, opts, columns):
        """Names of what is compared with another date."""
        return [*columns, 'unapplied', 'total'] if opts['compare_to'] else []

    def _sql_compared(self, opts, columns, currency, rates):
        """SELECT key, [currency_id,] item_count, measures and, with another date, before_*: one row per group."""
        measures = self._aged_measures(opts, columns)
        now = self._sql_grouped(opts, columns, measures, currency, rates)
        if not opts['compare_to']:
            return now
        compared = self._compared(opts, columns)
        before = self._sql_grouped(self._options_before(opts), columns, compared, currency, rates)
        keys = ['key', 'currency_id'] if opts['amounts_in'] == 'document' else ['key']
        return SQL(
            """SELECT %(keys)s, COALESCE(now.item_count, 0) AS item_count, %(now_measures)s, %(before_measures)s
                 FROM (%(now)s) AS now FULL JOIN (%(before)s) AS before USING (%(keys)s)""",
            keys=SQL(", ").join(map(SQL.identifier, keys)), now=now, before=before,
            now_measures=SQL(", ").join(
                SQL("COALESCE(now.%(name)s, 0) AS %(name)s", name=SQL.identifier(name)) for name in measures),
            before_measures=SQL(", ").join(
                SQL("COALESCE(before.%s, 0) AS %s", SQL.identifier(name), SQL.identifier(f'before_{name}'))
                for name in compared))

    def _options_before(self, opts):
        """The same options at the date compared with; ages are counted as many days after it as they are now."""
        return self._options_at(opts, opts['compare_to'], opts['compare_to'] + (opts['age_at'] - opts['as_of']))

    def _sql_grouped(self, opts, columns, measures, currency, rates):
        """SELECT key, [currency_id,] item_count, measures: one row per group, at one date."""
        in_document = opts['amounts_in'] == 'document'
        keys, joins = self._group_keys(opts['groups'][:len(opts['path']) + 1], opts)
        conditions = [SQL("%s = %s", key, group_id) for key, group_id in zip(keys[:-1], opts['path'], strict=True)]
        amounts = [
            SQL("item.residual_currency"), SQL("disputed.amount_currency"), SQL("promised.amount_currency")
        ] if in_document else [
            self._sql_converted(amount, currency, rates)
            for amount in (SQL("item.residual"), SQL("disputed.amount"), SQL("promised.amount"))]
        if in_document:
            conditions.append(SQL("item.residual_currency != 0"))
        held_with = held_join = held = SQL()
        if 'on_hold' in measures:
            held_with = SQL(", held AS (%s)", self._sql_held(opts))
            held_join = SQL(
                "LEFT JOIN held ON held.partner_id = item.partner_id AND held.company_id = item.company_id")
            held = SQL(", held.partner_id IS NOT NULL AS is_held")
        return SQL(
            """%(with)s %(held_with)s
            SELECT %(by)s, %(sums)s, COUNT(*)::int AS item_count
              FROM (
                SELECT %(key)s AS key, item.currency_id, %(residual)s AS residual,
                       %(disputed)s AS disputed, %(promised)s AS promised,
                       %(age_at)s - item.age_date AS days,
                       CASE WHEN %(residual)s >= 0 THEN width_bucket(%(age_at)s - item.age_date, %(starts)s) END
                           AS bucket %(held)s
                  FROM item
             LEFT JOIN disputed ON disputed.line_id = item.line_id
             LEFT JOIN promised ON promised.line_id = item.line_id
                  %(held_join)s
                  %(joins)s
                 WHERE %(condition)s
                OFFSET 0  -- a fence: ages and buckets are worked out once per item, and not once per column
              ) AS aged
          GROUP BY %(by)s""",
            **{'with': self._items_with(opts, is_lean=True)}, key=keys[-1], joins=joins, held_with=held_with,
            held_join=held_join, held=held, residual=amounts[0], disputed=amounts[1], promised=amounts[2],
            age_at=opts['age_at'], starts=self._bucket_starts(opts),
            condition=SQL(" AND ").join(conditions) or SQL("TRUE"),
            by=SQL("key, currency_id") if in_document else SQL("key"),
            sums=SQL(", ").join(
                SQL("%s AS %s", self._sql_measure(name, columns), SQL.identifier(name)) for name in measures))

    def _sql_measure(self, name, columns):
        """Aggregate of the table `aged`."""
        if name in columns:
            return SQL("COALESCE(SUM(residual) FILTER (WHERE bucket = %s), 0)", columns.index(name))
        return {
            'unapplied': SQL("COALESCE(SUM(residual) FILTER (WHERE bucket IS NULL), 0)"),  # credits are in no bucket
            'total': SQL("SUM(residual)"),
            'disputed': SQL("COALESCE(SUM(disputed), 0)"),
            'promised': SQL("COALESCE(SUM(promised), 0)"),
            'on_hold': SQL("COALESCE(SUM(residual) FILTER (WHERE is_held), 0)"),
            'oldest_days': SQL("COALESCE(MAX(days) FILTER (WHERE residual > 0 AND days > 0), 0)"),
            'weighted': SQL("COALESCE(SUM(residual * days) FILTER (WHERE residual > 0), 0)"),
            'debit': SQL("COALESCE(SUM(residual) FILTER (WHERE residual > 0), 0)"),
        }[name]

    def _sql_converted(self, amount, currency, rates):
        """An amount of the table `item` in the currency of the report, rounded item by item.

        :param SQL amount: in the currency of the item's company
        :param currency, rates: see `_report_currency`
        """
        cases = [
            SQL("WHEN %s THEN ROUND(%s * %s, %s)", company_id, amount, rate, currency.decimal_places)
            for company_id, rate in rates.items() if rate != 1]
        return SQL("CASE item.company_id %s ELSE %s END", SQL(" ").join(cases), amount) if cases else amount

    def _sql_held(self, opts):
        """SELECT partner_id, company_id: customers on credit hold when `as_of` ends in their company's time zone."""
        self.env['ar.credit.hold'].flush_model(['partner_id', 'company_id', 'date_start', 'date_end'])
        ends = SQL(", ").join(
            SQL("(%s, %s)", company.id, self._end_of_day(company, opts['as_of']))
            for company in self.env['res.company'].browse(opts['company_ids']))
        return SQL(
            """SELECT DISTINCT hold.partner_id, hold.company_id
                 FROM ar_credit_hold hold
                 JOIN (VALUES %s) AS day (company_id, ends) ON day.company_id = hold.company_id
                WHERE hold.date_start < day.ends AND (hold.date_end IS NULL OR hold.date_end >= day.ends)""", ends)

    def _end_of_day(self, company, day):
        """The moment (naive, UTC) at which a day is over in a company's time zone."""
        midnight = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time())
        local = pytz.timezone(company._ar_timezone()).localize(midnight)
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    def _sql_path(self, opts):
        """Return (SQL joins, SQL condition) on the table `item` for the row and the cell asked for."""
        keys, joins = self._group_keys(opts['groups'][:len(opts['path'])] or ['partner'], opts)
        conditions = [SQL("%s = %s", key, group_id) for key, group_id in zip(keys, opts['path'], strict=False)]
        if opts['amounts_in'] == 'document':
            conditions.append(SQL("item.residual_currency != 0"))
        cell, days = opts['cell'], SQL("%s - item.age_date", opts['age_at'])
        if cell == 'not_due' or (cell and cell.startswith('b')):
            number = 0 if cell == 'not_due' else self._read_bucket(opts)
            conditions.append(SQL(
                "item.residual >= 0 AND width_bucket(%s, %s) = %s", days, self._bucket_starts(opts), number))
        elif cell == 'on_hold':
            conditions.append(SQL("(item.partner_id, item.company_id) IN (%s)", self._sql_held(opts)))
        elif cell:
            known = {
                'overdue': SQL("item.residual >= 0 AND %s > 0", days),
                'unapplied': SQL("item.residual < 0"),
                'total': SQL("TRUE"),
                'disputed': SQL("disputed.line_id IS NOT NULL"),
                'promised': SQL("promised.line_id IS NOT NULL"),
            }
            if cell not in known:
                raise UserError(self.env._("There are no open items behind %s.", cell))
            conditions.append(known[cell])
        return joins, SQL(" AND ").join(conditions) or SQL("TRUE")

    def _read_bucket(self, opts):
        """Number of the bucket the option `cell` names.

        :raise UserError: when there is no such bucket
        """
        number = opts['cell'][1:]
        if not number.isdecimal() or not 1 <= int(number) <= len(opts['bucket_limits']) + 1:
            raise UserError(self.env._("There are no open items behind %s.", opts['cell']))
        return int(number)

    # === RESULT === #

    def _aged_result(self, rows, names, columns, opts, currency):
        """Shape the rows of the query: (position, key, currency_id, name, item_count, *measures); totals first."""
        count = len(columns)
        places = {name: number for number, name in enumerate(names)}
        extra = [name for name in ('on_hold', 'oldest_days') if name in places]
        start_before = places.get('before_unapplied')
        is_average, is_overdue = 'weighted' in places, 'overdue' in opts['columns']

        def shape(item_count, cells, own):
            row = {
                'amounts': list(cells[:count]), 'unapplied': cells[count], 'total': cells[count + 1],
                'disputed': cells[count + 2], 'promised': cells[count + 3], 'item_count': item_count}
            for name in extra:
                row[name] = cells[places[name]]
            if is_overdue:
                row['overdue'] = own.round(sum(cells[1:count]))
            if is_average:
                weighted, debit = cells[places['weighted']], cells[places['debit']]
                row['average_days'] = round(float(weighted) / float(debit), 1) if debit else None
            if start_before is not None:
                row['compare'] = {
                    'amounts': list(cells[start_before - count:start_before]), 'unapplied': cells[start_before],
                    'total': cells[start_before + 1]}
            return row

        in_document = opts['amounts_in'] == 'document'
        row_count, totals, result = 0, [], []
        for position, key, currency_id, name, item_count, *cells in rows:
            own = self.env['res.currency'].browse(currency_id) if in_document else currency
            own_currency = {'currency_id': currency_id} if in_document else {}
            if position:
                result.append({'id': key or False, 'name': name, **own_currency, **shape(item_count, cells, own)})
            else:
                row_count += key
                totals.append({**own_currency, **shape(int(item_count), [float(cell) for cell in cells], own)})
        group_by = opts['groups'][len(opts['path'])]
        self._name_rows(result, group_by)
        is_later = self._sorted_later(opts)
        if not is_later and not self._named_by_sql(group_by):
            result = self._sort_and_slice(result, columns, opts)
        self._add_last_payments(result, group_by, opts, currency)
        self._add_limits(result, group_by, opts, currency)
        if is_later:
            result = self._sort_and_slice(result, columns, opts)
        data = {'rows': result, 'totals': totals[0] if len(totals) == 1 else None, 'row_count': row_count,
                'currency_id': currency.id}
        if in_document:
            data['totals_by_currency'] = totals
        return data

    # === LAST PAYMENTS === #

    def _add_last_payments(self, rows, group_by, opts, currency):
        """Add last_payment and last_payment_amount to rows, in one query, if asked for."""
        if not {'last_payment', 'last_payment_amount'} & set(opts['columns']):
            return
        payments = self._last_payments(opts, [row['id'] or 0 for row in rows], currency) if rows else {}
        for row in rows:
            date, amount = payments.get((row['id'] or 0, row.get('currency_id')), (None, None))
            row.update(last_payment=date, last_payment_amount=amount)

    def _last_payments(self, opts, keys, currency):
        """Return {(group id, currency id or None): (date, amount)}: the last money up to `as_of`, all of that day.

        Money is what `payments_of` calls so: credits from a bank, cash or card journal, of a payment, or from the
        journal of imported settlements. It counts from its own date, matched or not, in the group of its customer.
        """
        in_document = opts['amounts_in'] == 'document'
        _currency, rates = self._report_currency(opts)
        depth = len(opts['path'])
        scope = {**opts, 'groups': opts['groups'][:depth + 1]}
        if opts['groups'][depth] == 'partner' and 0 not in keys and not self._sorted_later(opts):
            scope['partner_ids'] = keys  # the rows' own customers: those the filters let through
        found = defaultdict(lambda: [None, 0.0])
        for key, currency_id, company_id, date, amount in self.env.execute_query(SQL(
            """%s SELECT key, currency_id, company_id, date, SUM(amount)
                 FROM last WHERE key = ANY(%s) GROUP BY key, currency_id, company_id, date""",
            self._last_with(scope), keys)):
            payment = found[key, currency_id]
            payment[0] = date
            payment[1] += float(amount) if in_document else currency.round(
                float(amount) * float(rates.get(company_id, 1)))
        return {key: (date.isoformat(), amount) for key, (date, amount) in found.items()}

    def _last_payment_lines(self, opts):
        """Ids of the journal items that are the last payment of the row `opts['path']` stands for."""
        depth = len(opts['path'])
        last = self._last_with({**opts, 'path': opts['path'][:-1], 'groups': opts['groups'][:max(depth, 1)]})
        condition = SQL("WHERE key = %s", opts['path'][-1]) if depth else SQL()
        return [line_id for [line_id] in self.env.execute_query(SQL("%s SELECT line_id FROM last %s", last, condition))]

    def _last_with(self, opts):
        """WITH clause giving `last` (line_id, key, currency_id, company_id, date, amount): of each group of the last of
        the groupings, inside the path, the payments of the day of the last one."""
        in_document = opts['amounts_in'] == 'document'
        group_keys, joins = self._group_keys(opts['groups'], opts)
        conditions = [SQL("%s = %s", key, group_id) for key, group_id in zip(group_keys, opts['path'], strict=False)]
        query = self._lines(opts)
        self.env['account.move'].flush_model(['journal_id', 'origin_payment_id'])
        self.env['res.company'].flush_model(['ar_import_settlement_journal_id'])
        return SQL(
            """
            WITH item AS (
                SELECT account_move_line.id AS line_id, account_move_line.move_id, account_move_line.company_id,
                       account_move_line.account_id, account_move_line.currency_id, account_move_line.date,
                       commercial.commercial_partner_id AS partner_id, -account_move_line.%(amount)s AS amount
                  FROM %(from)s
             LEFT JOIN res_partner commercial ON commercial.id = account_move_line.partner_id
                  JOIN account_move payment ON payment.id = account_move_line.move_id AND payment.move_type = 'entry'
                  JOIN account_journal journal ON journal.id = payment.journal_id
                  JOIN res_company company ON company.id = payment.company_id
                 WHERE %(where)s AND account_move_line.balance < 0
                   AND (journal.type IN ('bank', 'cash', 'credit') OR payment.origin_payment_id IS NOT NULL
                        OR journal.id = company.ar_import_settlement_journal_id)
            ),
            paid AS (
                SELECT item.line_id, %(key)s AS key, %(currency)s AS currency_id, item.company_id, item.date,
                       item.amount
                  FROM item %(joins)s WHERE %(condition)s
            ),
            last AS (
                SELECT * FROM (SELECT *, MAX(date) OVER (PARTITION BY key, currency_id) AS last_date FROM paid) AS dated
                 WHERE date = last_date
            )
            """, **{'from': query.from_clause}, where=query.where_clause or SQL("TRUE"), key=group_keys[-1],
            amount=SQL("amount_currency") if in_document else SQL("balance"), joins=joins,
            currency=SQL("item.currency_id") if in_document else SQL("NULL::int"),
            condition=SQL(" AND ").join(conditions) or SQL("TRUE"))

    # === LIMITS === #

    def _add_limits(self, rows, group_by, opts, currency):
        """Add limit and limit_used (per cent) to rows of customers, if asked for: of today, over all companies."""
        if not {'limit', 'limit_used'} & set(opts['columns']):
            return
        for row in rows:
            row.update(limit=None, limit_used=None)
        customers = {row['id']: row for row in rows if row['id']}
        if group_by != 'partner' or opts['amounts_in'] == 'document' or not customers:
            return
        _currency, rates = self._report_currency(opts)
        partners = self.env['res.partner'].browse(customers)
        found = {partner_id: [0.0, 0.0] for partner_id in customers}
        for company in self.env['res.company'].browse(opts['company_ids']):
            rate = float(rates.get(company.id, 1))
            # sudo: for salespeople; the rows are customers the caller may see
            exposure = (self.sudo() if opts['own_user_id'] else self).exposure(partners, company)
            for partner_id, limit in partners._ar_get_limits(company, exposure).items():
                if limit.mode == credit.UNLIMITED or (opts['own_user_id'] and limit.source):
                    # a group's use would tell of customers that are not the salesperson's
                    found.pop(partner_id, None)
                elif partner_id in found:
                    found[partner_id][0] += limit.amount * rate
                    found[partner_id][1] += limit.exposure * rate
        for partner_id, (limit, used) in found.items():
            customers[partner_id].update(
                limit=currency.round(limit), limit_used=round(used / limit * 100, 1) if limit else None)
