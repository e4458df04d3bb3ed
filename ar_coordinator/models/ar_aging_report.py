"""Aged receivables: the table every renderer (screen, XLSX, PDF, RPC) shows."""
import json

from odoo import api, models
from odoo.tools.misc import format_date

from ..engine import buckets
from .ar_ledger import EXTRA_COLUMNS, PLAIN_COLUMNS
from .ar_wording import counted

DEFAULT_COLUMNS = ('buckets', 'unapplied', 'total', 'disputed', 'promised')


class ArAgingReport(models.AbstractModel):
    _name = 'ar.aging.report'
    _description = "Aged Receivables"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the aged receivables as JSON.

        :param dict options: all optional:
            as_of (which entries and matchings count; default today in the company's time zone), age_at (the day ages
            are counted at; default as_of), basis ('due' or 'invoice'), compare_to (another date to show the change
            since);
            bucket_by ('days', 'months' back from age_at, or 'calendar' months), bucket_limits (default [30, 60, 90,
            120] days, [1, 2, 3, 4] months);
            company_ids (default: those switched on), partner_ids and the filters of ar_ledger_filters.py;
            group_by ('partner', 'parent', 'credit_group', 'salesperson', 'collector', 'country', 'tag', 'currency',
            'company', 'account', 'risk_class', or a list of two), group_ids ([id]: the rows of the second grouping in
            this group of the first), amounts_in ('company' or 'document' currency), columns (in their order, of
            PLAIN_COLUMNS and EXTRA_COLUMNS; see `ar.ledger.aged_balance`), limit, offset, order ('name', 'total desc',
            'b1', 'change', ...); unfolded (for files: [{path, currency_id}] of the rows that are unfolded);
            tie_out (default True; False leaves the comparison with the general ledger out, see `get_tie_out`)
        :return: {as_of, age_at, basis, compare_to, group_by (of these rows), groups, amounts_in, currency_id, buckets:
            [{key, label, min_days, max_days}], rows: [{id, name, amounts, unapplied, total, disputed, promised,
            item_count, ...}], totals: {the same}, row_count, difference_to_ledger, differences, rounding, columns: what
            the screen and the files show, in this order: [{key, label, title, type, sortable, aside, change_of}]}; in
            every row sum(amounts) + unapplied == total. More keys: see `ar.ledger.aged_balance`
        :raise AccessError: without the role, or for a company the user may not see
        :raise UserError: for an option that makes no sense
        """
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        opts = ledger._read_options(options, own_customers=True)
        # from here on one date, even over midnight
        options.update(as_of=opts['as_of'].isoformat(), age_at=opts['age_at'].isoformat())
        data = ledger.aged_balance(options)
        result = {
            'as_of': opts['as_of'].isoformat(),
            'age_at': opts['age_at'].isoformat(),
            'basis': opts['basis'],
            'compare_to': opts['compare_to'] and opts['compare_to'].isoformat(),
            'group_by': opts['groups'][min(len(opts['path']), len(opts['groups']) - 1)],
            'groups': list(opts['groups']),
            'amounts_in': opts['amounts_in'],
            'is_restricted': bool(opts['own_user_id']),
            'buckets': self._buckets(opts),
            'difference_to_ledger': None,
            'differences': [],
            'rounding': 0.0,
            **data,
        }
        result['columns'] = self._columns(opts, result)
        if options.get('tie_out', True):
            result.update(self.get_tie_out(options))
        return result

    @api.model
    @api.readonly
    def get_tie_out(self, options=None):
        """Return {difference_to_ledger, differences, rounding} for the same `options` (see `ar.ledger.tie_out`).

        Salespeople, who see their own customers only, get None: the ledger's balance is not theirs to know.
        """
        if self.env['ar.ledger']._read_options(options, own_customers=True)['own_user_id']:
            return {'difference_to_ledger': None, 'differences': [], 'rounding': 0.0}
        tie_out = self.env['ar.ledger'].tie_out(options)
        return {
            'difference_to_ledger': tie_out['difference'], 'differences': tie_out['differences'],
            'rounding': tie_out['rounding']}

    @api.model
    @api.readonly
    def get_items(self, options=None):
        """Return the open items behind the table or, with group_id, behind one row (see `ar.ledger.open_items`)."""
        rows = self.env['ar.ledger'].open_items(options)
        for row in rows:
            for name in ('date', 'invoice_date', 'date_maturity', 'age_date'):
                row[name] = row[name] and row[name].isoformat()
        return rows

    @api.model
    @api.readonly
    def get_cell_action(self, options=None, cell='total'):
        """Return the window action for what is behind a cell of the table.

        :param dict options: those of the table, with group_ids of the row (none: the totals)
        :param str cell: key of a column
        :return: act_window: the journal items (open items, or the last payments), or the customer for its limit
        :raise AccessError, UserError: as `get_data`
        """
        compare_to = (options or {}).get('compare_to')
        options = {name: value for name, value in dict(options or {}).items()
                   if name not in ('limit', 'offset', 'order', 'columns', 'unfolded', 'tie_out', 'compare_to')}
        ledger = self.env['ar.ledger']
        opts = ledger._read_options(options)
        path = opts['path']
        if cell in ('limit', 'limit_used') and path and opts['groups'][len(path) - 1] == 'partner':
            return {'type': 'ir.actions.act_window', 'res_model': 'res.partner', 'res_id': path[-1],
                    'views': [(False, 'form')]}
        options.update(
            as_of=opts['as_of'].isoformat(), age_at=opts['age_at'].isoformat(), company_ids=opts['company_ids'])
        if cell in ('last_payment', 'last_payment_amount'):
            return self._list_action(
                self.env._("Last Payment"), [('id', 'in', ledger._last_payment_lines(opts))], options)
        if cell == 'before':
            opts = ledger._options_before({**opts, 'compare_to': ledger._read_date(compare_to) or opts['as_of']})
            options.update(as_of=opts['as_of'].isoformat(), age_at=opts['age_at'].isoformat())
            cell = 'total'
        if cell in ('oldest_days', 'average_days', 'item_count', 'limit', 'limit_used', 'change'):
            cell = 'total'
        options['cell'] = cell
        ledger._sql_path(ledger._read_options(options))  # refuses cells that do not exist
        return self._list_action(
            self.env._("Open Items on %s", format_date(self.env, opts['as_of'])),
            [('ar_aged_cell', '=', json.dumps(options, sort_keys=True))], options)

    def _list_action(self, name, domain, options):
        return {
            'type': 'ir.actions.act_window', 'name': name, 'res_model': 'account.move.line', 'domain': domain,
            'views': [(self.env.ref('ar_coordinator.account_move_line_view_list_ar_aged').id, 'list'), (False, 'form')],
            'search_view_id': (self.env.ref('ar_coordinator.account_move_line_view_search_ar_aged').id, 'search'),
            'context': {'ar_aged_options': json.dumps(options, sort_keys=True), 'create': False},
        }

    def _rounding_label(self):
        return self.env._("Rounding: each open item is converted by itself")

    # === COLUMNS === #

    @api.model
    @api.readonly
    def get_choices(self):
        """Return what can be chosen on the screen, in the user's language.

        :return: {columns: [{key, label, title, by_default}], groups: [{key, label}]}
        :raise AccessError: when the user may not read receivables
        """
        self.env['ar.ledger']._read_options({}, own_customers=True)  # checks access
        labels = self._column_labels()
        return {
            'columns': [
                {'key': key, 'label': labels[key][0], 'title': labels[key][1], 'by_default': key in DEFAULT_COLUMNS}
                for key in (*PLAIN_COLUMNS, *EXTRA_COLUMNS)],
            'groups': [{'key': key, 'label': label} for key, label in self._group_labels().items()
                       if key != 'company' or len(self.env.user._get_company_ids()) > 1],
        }

    def _group_labels(self):
        return {
            'partner': self.env._("Customer"),
            'parent': self.env._("Parent company"),
            'credit_group': self.env._("Credit group"),
            'salesperson': self.env._("Salesperson"),
            'collector': self.env._("Collector"),
            'country': self.env._("Country"),
            'tag': self.env._("Tag"),
            'risk_class': self.env._("Risk class"),
            'currency': self.env._("Currency"),
            'account': self.env._("Account"),
            'company': self.env._("Company"),
        }

    def _column_labels(self):
        """{column: (label, what it means, type)}."""
        return {
            'buckets': (self.env._("Not due and overdue"), self.env._("The open debit items by age"), 'amount'),
            'unapplied': (self.env._("Unapplied"), self.env._(
                "Credit notes and payments that are not matched with an invoice yet"), 'amount'),
            'total': (self.env._("Total"), self.env._("All open items, unapplied credits deducted"), 'amount'),
            'before': (self.env._("Total before"), self.env._("Total on the date compared with"), 'amount'),
            'change': (self.env._("Change"), self.env._("Total less the total on the date compared with"), 'amount'),
            'disputed': (self.env._("Disputed"), self.env._("Part of the total that customers dispute"), 'amount'),
            'promised': (
                self.env._("Promised"), self.env._("Part of the total that customers promised to pay"), 'amount'),
            'item_count': (self.env._("Open items"), self.env._("Number of open items"), 'integer'),
            'overdue': (self.env._("Overdue"), self.env._("All open debit items that are overdue"), 'amount'),
            'on_hold': (self.env._("On hold"), self.env._("Total of customers on credit hold"), 'amount'),
            'oldest_days': (self.env._("Oldest (days)"), self.env._("Days of the oldest overdue item"), 'days'),
            'average_days': (self.env._("Average (days)"), self.env._(
                "Age of the open debit items, weighted by amount; below zero: not due yet"), 'days'),
            'last_payment': (self.env._("Last payment"), self.env._("When money came last"), 'date'),
            'last_payment_amount': (
                self.env._("Last amount"), self.env._("Everything that came on the day of the last payment"), 'amount'),
            'limit': (self.env._("Limit"), self.env._("Credit limit of the customer, as of today"), 'amount'),
            'limit_used': (self.env._("Limit used"), self.env._(
                "Exposure in per cent of the limit, as of today"), 'percent'),
        }

    def _columns(self, opts, data):
        """Columns of the table, in the order asked for."""
        keys = list(opts['columns'])
        if not set(keys) & set(PLAIN_COLUMNS):  # none of the usual: they come first
            keys = [key for key in DEFAULT_COLUMNS if key != 'promised' or self._has_promises(data)] + keys
        labels, columns = self._column_labels(), []

        def add(name, **more):
            label, title, kind = labels[name]
            columns.append({
                'key': name, 'label': label, 'title': title, 'type': kind, 'sortable': True,
                'aside': name not in ('total', 'unapplied', 'overdue'), 'change_of': None, **more})

        def add_change(key, label):
            add('change', key=f'change_{key}', label=self.env._("Change: %s", label), sortable=False, change_of=key,
                aside=False)
        for key in keys:
            if key == 'buckets':
                for bucket in data['buckets']:
                    add('buckets', key=bucket['key'], label=bucket['label'], aside=False, sortable=True,
                        title=self._bucket_title(bucket, data))
                    if data['compare_to']:
                        add_change(bucket['key'], bucket['label'])
                continue
            add(key)
            if data['compare_to'] and key == 'unapplied':
                add_change(key, labels[key][0])
            elif data['compare_to'] and key == 'total':
                add('before', sortable=False)
                add('change')
        return columns

    def _has_promises(self, data):
        totals = [data['totals']] if data['totals'] else data['totals_by_currency']
        return any(total['promised'] for total in totals)

    def _bucket_title(self, bucket, data):
        if bucket['min_days'] is None:
            return self.env._("Due on or after %s", format_date(self.env, data['age_at']))
        if bucket['max_days'] is None:
            return self.env._("%s days or more", bucket['min_days'])
        if bucket['max_days'] == bucket['min_days'] == 1:
            return self.env._("1 day")
        return self.env._("%(first)s to %(last)s days", first=bucket['min_days'], last=bucket['max_days'])

    @api.model
    def _get_value(self, row, key, data):
        """Value of a row (or of totals) in a column."""
        if key.startswith('change_'):
            part = key.removeprefix('change_')
            return self._get_value(row, part, data) - self._get_value(row['compare'], part, data)
        if key == 'change':
            return row['total'] - row['compare']['total']
        if key == 'before':
            return row['compare']['total']
        if key == 'not_due':
            return row['amounts'][0]
        if key[0] == 'b' and key[1:].isdecimal():
            return row['amounts'][int(key[1:])]
        return row.get(key)  # totals have no last payment and no limit

    # === BUCKETS === #

    def _buckets(self, opts):
        """Columns with labels in the user's language."""
        columns = []
        made = buckets.make_buckets(opts['day_limits'])
        labels = [self.env._("Not due"), *getattr(self, f"_labels_by_{opts['bucket_by']}")(opts, made[1:])]
        for bucket, label in zip(made, labels, strict=True):
            columns.append({
                'key': bucket.key, 'label': label, 'min_days': bucket.min_days, 'max_days': bucket.max_days})
        return columns

    def _labels_by_days(self, opts, made):
        return [
            *(self.env._("%(first)s-%(last)s", first=bucket.min_days, last=bucket.max_days) for bucket in made[:-1]),
            self.env._("Over %(days)s", days=made[-1].min_days - 1)]

    def _labels_by_months(self, opts, made):
        """"1 month", "2 months", "3-4 months", "Over 4 months"."""
        labels, previous = [], 0
        for limit in opts['bucket_limits']:
            if limit == 1:
                labels.append(self.env._("1 month"))
            elif limit == previous + 1:
                labels.append(self.env._("%(count)s months", count=limit))
            else:
                labels.append(self.env._("%(first)s-%(last)s months", first=previous + 1, last=limit))
            previous = limit
        return [*labels, counted(
            previous, self.env._("Over 1 month"), self.env._("Over %(count)s months", count=previous))]

    def _labels_by_calendar(self, opts, made):
        """"Mar 2026", "Jan 2026 - Feb 2026", "Before Jan 2026"."""
        labels, previous = [], 0
        starts = buckets.first_days(opts['bucket_limits'], 'calendar', opts['age_at'])

        def name(day):
            return format_date(self.env, day, date_format='MMM y')
        for limit, start in zip(opts['bucket_limits'], starts, strict=True):
            last = buckets.months_before(opts['age_at'], previous)
            labels.append(name(start) if limit == previous + 1 else self.env._(
                "%(first)s - %(last)s", first=name(start), last=name(last)))
            previous = limit
        return [*labels, self.env._("Before %(month)s", month=name(starts[-1]))]
