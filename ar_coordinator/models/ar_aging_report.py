"""Aged receivables: the table every renderer (screen, XLSX, PDF, RPC) shows."""
from odoo import api, models
from odoo.tools.misc import format_date

from ..engine import buckets


class ArAgingReport(models.AbstractModel):
    _name = 'ar.aging.report'
    _description = "Aged Receivables"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the aged receivables as JSON.

        :param dict options: all optional:
            as_of (which entries and matchings count; default today in the company's time zone), age_at (the day ages are
            counted at; default as_of), basis ('due' or 'invoice'), compare_to (another date to show the change since);
            bucket_by ('days', 'months' back from age_at, or 'calendar' months), bucket_limits (default [30, 60, 90, 120]
            days, [1, 2, 3, 4] months);
            company_ids (default: those switched on), partner_ids and the filters of ar_ledger_filters.py;
            group_by ('partner', 'parent', 'credit_group', 'salesperson', 'collector', 'country', 'tag', 'currency',
            'company', 'account', 'risk_class', or a list of two), group_ids ([id]: the rows of the second grouping in
            this group of the first), amounts_in ('company' or 'document' currency), columns (more than the usual, see
            `ar.ledger.aged_balance`), limit, offset, order ('name', 'total desc', 'b1', 'change', ...);
            tie_out (default True; False leaves the comparison with the general ledger out, see `get_tie_out`)
        :return: {as_of, age_at, basis, compare_to, group_by (of these rows), groups, amounts_in, currency_id, buckets:
            [{key, label, min_days, max_days}], rows: [{id, name, amounts, unapplied, total, disputed, promised,
            item_count, ...}], totals: {the same}, row_count, difference_to_ledger, differences}; in every row
            sum(amounts) + unapplied == total. More keys: see `ar.ledger.aged_balance`
        :raise AccessError: without the role, or for a company the user may not see
        :raise UserError: for an option that makes no sense
        """
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        opts = ledger._read_options(options)
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
            'buckets': self._buckets(opts),
            'difference_to_ledger': None,
            'differences': [],
            **data,
        }
        if options.get('tie_out', True):
            result.update(self.get_tie_out(options))
        return result

    @api.model
    @api.readonly
    def get_tie_out(self, options=None):
        """Return {difference_to_ledger, differences} for the same `options` (see `ar.ledger.tie_out`)."""
        tie_out = self.env['ar.ledger'].tie_out(options)
        return {'difference_to_ledger': tie_out['difference'], 'differences': tie_out['differences']}

    @api.model
    @api.readonly
    def get_items(self, options=None):
        """Return the open items behind the table or, with group_id, behind one row (see `ar.ledger.open_items`)."""
        rows = self.env['ar.ledger'].open_items(options)
        for row in rows:
            for name in ('date', 'invoice_date', 'date_maturity', 'age_date'):
                row[name] = row[name] and row[name].isoformat()
        return rows

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
        return [*labels, self.env._("Over %(count)s months", count=previous)]

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
