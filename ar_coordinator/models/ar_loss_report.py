"""Roll rates and loss-rate matrix: how receivables age from month to month, what is lost, and what that means today."""
from itertools import pairwise

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools.misc import format_date

from ..engine import kpi, provision

MONTHS = (12, 18, 24)
LONG_OVERDUE = 365


class ArLossReport(models.AbstractModel):
    _name = 'ar.loss.report'
    _inherit = ['ar.table.report']
    _description = "Roll Rates and Loss Rates"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return roll rates and loss rates from the history of the ledger.

        :param dict options: as_of, months (12, 18 or 24), lost ('written_off', or 'open_too_long': what is open a year
            after its due date is lost too), bucket_limits, risk_class_ids, partner_ids, company_ids
        :return: {as_of, months, lost, company_ids, partner_ids, risk_class_ids, currency_id, bucket_limits,
            buckets: [{key, label, min_days, max_days}],
            roll: [{date, amounts: [per bucket], rates: [share of each bucket that a month later, at `date`, was in the
                next older one]}], the first without rates; of the last bucket rates count what entered it,
            roll_average: [mean rates],
            history: see `ar.ledger.loss_history`, with date_from and date_to (due dates of the invoices looked at:
                so old that each had the time to reach the last bucket),
            matrix: [{reached, rate (lost / reached, unrounded), is_taken_over (nothing reached the bucket: the rate is
                that of the next younger one that has one, as a provision takes it), gross (open at as_of), loss}],
            loss: sum(gross * rate), rounded once}
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options, own=('lost', 'months'), also=('bucket_limits',))
        months = self._read_choice(opts, 'months', MONTHS[0])
        lost = self._read_choice(opts, 'lost', 'written_off')
        ledger = self.env['ar.ledger']
        limits = list(opts['bucket_limits'])
        scope = {name: opts[name] for name in ('company_ids', 'partner_ids', 'risk_class_ids') if opts.get(name)}
        scope['bucket_limits'] = limits
        currency, _rates = ledger._report_currency(opts)
        history = self._get_history(opts, scope, months, lost)
        observed = kpi.loss_rates(history['reached'], history['lost'])
        rates = provision.fill_rates(observed)
        gross = ledger.aged_balance({**scope, 'as_of': opts['as_of'], 'limit': 1})['totals']['amounts']
        losses, loss = provision.spread(gross, rates, currency.decimal_places)
        roll = self._get_roll(opts, scope, months)
        return {
            'as_of': opts['as_of'].isoformat(), 'months': months, 'lost': lost, 'company_ids': opts['company_ids'],
            'partner_ids': opts['partner_ids'] or [], 'risk_class_ids': opts.get('risk_class_ids') or [],
            'currency_id': currency.id, 'bucket_limits': limits, 'buckets': self.env['ar.aging.report']._buckets(opts),
            'roll': roll, 'roll_average': provision.average_rates([month['rates'] for month in roll[1:]]),
            'history': history,
            'matrix': [
                {'reached': reached, 'rate': rate, 'is_taken_over': own is None, 'gross': amount, 'loss': part}
                for reached, own, rate, amount, part in zip(
                    history['reached'], observed, rates, gross, losses, strict=True)],
            'loss': loss,
        }

    def _get_history(self, opts, scope, months, lost):
        """What happened to the invoices due in the last `months` months that could have reached the last bucket."""
        last = opts['as_of'] - relativedelta(days=opts['bucket_limits'][-1] + 1)
        first = last - relativedelta(months=months) + relativedelta(days=1)
        history = self.env['ar.ledger'].loss_history(
            {**scope, 'as_of': opts['as_of'], 'date_from': first, 'date_to': last},
            LONG_OVERDUE if lost == 'open_too_long' else 0)
        return {**history, 'date_from': first.isoformat(), 'date_to': last.isoformat()}

    def _get_roll(self, opts, scope, months):
        """Amounts per bucket at the last month ends, and the rates between them."""
        as_of = opts['as_of']
        last = as_of if as_of == kpi.month_end(as_of) else kpi.previous_month_end(as_of)
        points = kpi.points(last, months + 1)
        # one bucket more: what is in it has been in the open-ended one for over a month
        limits = [*scope['bucket_limits'], scope['bucket_limits'][-1] + 30]
        series = self.env['ar.ledger'].bucket_series({**scope, 'bucket_limits': limits}, points)
        rates = provision.roll_rates([amounts[:-1] for amounts in series])
        currency = self.env['ar.ledger']._report_currency(opts)[0]
        return [
            {'date': point.isoformat(), 'amounts': [*amounts[:-2], currency.round(amounts[-2] + amounts[-1])],
             'rates': rates[number - 1] if number else None}
            for number, (point, amounts) in enumerate(zip(points, series, strict=True))]

    # === TABLES === #

    def _get_filters(self):
        return [
            self._filter_as_of(),
            self._filter_choice('months', self.env._("History"), [
                (months, self.env._("%s months", months)) for months in MONTHS]),
            self._filter_choice('lost', self.env._("Lost is"), [
                ('written_off', self.env._("What was written off")),
                ('open_too_long', self.env._("Written off, or open a year after its due date"))]),
            {'key': 'risk_class_ids', 'type': 'records', 'model': 'ar.credit.class', 'domain': [],
             'label': self.env._("Risk classes")},
            self._filter_customers(),
        ]

    def _get_tables(self, data):
        return [self._get_matrix_table(data), self._get_roll_table(data)]

    def _get_matrix_table(self, data):
        history = data['history']
        rows = [
            {'key': bucket['key'], 'level': 0, 'cells': {
                'name': bucket['label'], **{key: cell[key] for key in ('reached', 'rate', 'gross', 'loss')}}}
            for bucket, cell in zip(data['buckets'], data['matrix'], strict=True)]
        currency = self.env['res.currency'].browse(data['currency_id'])
        rows.append({'key': 'total', 'level': 'total', 'cells': {
            'name': self.env._("Total"), 'gross': currency.round(sum(cell['gross'] for cell in data['matrix'])),
            'loss': data['loss']}})
        note = self.env._(
            "Invoices due from %(first)s to %(last)s: %(lost)s was lost (%(written_off)s written off). Rate = lost "
            "/ what was still open on the first day of the bucket.",
            first=format_date(self.env, history['date_from']), last=format_date(self.env, history['date_to']),
            lost=currency.format(history['lost']), written_off=currency.format(history['written_off']))
        if any(cell['is_taken_over'] for cell in data['matrix']):
            note += " " + self.env._("What no invoice reached has the rate of the bucket before it.")
        return {
            'key': 'matrix', 'title': self.env._("Loss rates"), 'rows': rows, 'currency_id': data['currency_id'],
            'note': note,
            'columns': [
                {'key': 'name', 'label': self.env._("Days overdue"), 'type': 'text'},
                {'key': 'reached', 'label': self.env._("Reached it"), 'type': 'amount', 'phone': False},
                {'key': 'rate', 'label': self.env._("Loss rate"), 'type': 'percent'},
                {'key': 'gross', 'label': self.env._("Open now"), 'type': 'amount', 'phone': False},
                {'key': 'loss', 'label': self.env._("Expected loss"), 'type': 'amount'}],
        }

    def _get_roll_table(self, data):
        labels = [bucket['label'] for bucket in data['buckets']]
        steps = [
            {'key': f'rate_{number}', 'type': 'percent', 'phone': False,
             'label': self.env._("%(first)s → %(next)s", first=first, next=second)}
            for number, (first, second) in enumerate(pairwise(labels))]
        steps[0]['phone'] = steps[-1]['phone'] = True
        rows = [
            {'key': month['date'], 'level': 0,
             'drill': {'action': 'ar_coordinator.ar_aging_action', 'options': {
                 'as_of': month['date'], 'bucket_limits': data['bucket_limits']}},
             'cells': {
                 'month': format_date(self.env, month['date'], date_format='MMMM yyyy'),
                 'open': sum(month['amounts']),
                 **{f'rate_{number}': rate for number, rate in enumerate(month['rates'])}}}
            for month in reversed(data['roll'][1:])]
        rows.append({'key': 'mean', 'level': 'total', 'cells': {
            'month': self.env._("Average"),
            **{f'rate_{number}': rate for number, rate in enumerate(data['roll_average'])}}})
        return {
            'key': 'roll', 'title': self.env._("Roll rates"), 'rows': rows, 'currency_id': data['currency_id'],
            'note': self.env._(
                "Share of a bucket that a month later was in the next older one; of the last bucket, what entered it."),
            'columns': [
                {'key': 'month', 'label': self.env._("Month"), 'type': 'text'},
                {'key': 'open', 'label': self.env._("Open items"), 'type': 'amount', 'phone': False}, *steps],
        }
