"""Aged receivables: the table every renderer (screen, XLSX, PDF, RPC) shows."""
from odoo import api, models

from ..engine import buckets


class ArAgingReport(models.AbstractModel):
    _name = 'ar.aging.report'
    _description = "Aged Receivables"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the aged receivables as JSON.

        :param dict options: all optional: as_of (which entries and matchings count; default today in the company's time
            zone), age_at (the day ages are counted at; default as_of), basis ('due' or 'invoice'), bucket_limits
            (default [30, 60, 90, 120]), company_ids (default: those switched on), partner_ids, group_by ('partner',
            'salesperson', 'collector', 'country', 'currency' or 'company'), limit, offset, order ('name', 'total
            desc', 'b1', ...), tie_out (default True; False leaves the comparison with the general ledger out, see
            `get_tie_out`)
        :return: {as_of, age_at, basis, group_by, currency_id, buckets: [{key, label, min_days, max_days}],
            rows: [{id, name, amounts, unapplied, total, disputed, promised, item_count}], totals: {the same},
            row_count, difference_to_ledger, differences}; in every row sum(amounts) + unapplied == total
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
            'group_by': opts['group_by'],
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
        for bucket in buckets.make_buckets(opts['bucket_limits']):
            if bucket.min_days is None:
                label = self.env._("Not due")
            elif bucket.max_days is None:
                label = self.env._("Over %(days)s", days=bucket.min_days - 1)
            else:
                label = self.env._("%(first)s-%(last)s", first=bucket.min_days, last=bucket.max_days)
            columns.append({
                'key': bucket.key, 'label': label, 'min_days': bucket.min_days, 'max_days': bucket.max_days})
        return columns
