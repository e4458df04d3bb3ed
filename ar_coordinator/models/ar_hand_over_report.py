"""What agencies and lawyers make of the customers who were handed over to them: recovered, fees, what is still open."""
from collections import defaultdict

from odoo import api, models

FIGURES = ('start', 'recovered', 'fees', 'open')


class ArHandOverReport(models.AbstractModel):
    _name = 'ar.hand.over.report'
    _inherit = ['ar.table.report']
    _description = "At Agencies"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the hand-overs by agency.

        :param dict options: show ('open': those who are there now, 'all': also those who were taken back), company_ids
        :return: {show, company_ids, currency_id, rows: [{id (agency or False), name, count, start (owed when handed
            over), recovered, fees, open (owed now; 0 of who was taken back), share (recovered / start, None without),
            cost (fees / recovered, None without), customers: [{id (of the hand-over), name, date, state, the same
            figures}]}], most handed over first, totals: {count and the same figures}}; amounts in report currency
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options, own=('show',))
        show = self._read_choice(opts, 'show', 'open')
        currency, rates = self.env['ar.ledger']._report_currency(opts)
        records = self.env['ar.hand.over'].search([
            ('company_id', 'in', opts['company_ids']), ('to', '!=', 'management'),
            *([('state', '=', 'open')] if show == 'open' else [])])
        groups = defaultdict(list)
        for record in records:
            groups[record.agency_id].append(self._make_customer(record, currency, rates.get(record.company_id.id, 1.0)))
        rows = [{
            'id': agency.id, 'name': agency.display_name or self.env._("Nobody named"), 'count': len(customers),
            **self._sum(customers, currency), 'customers': sorted(customers, key=lambda own: -own['start']),
        } for agency, customers in groups.items()]
        rows.sort(key=lambda row: (-row['start'], row['name']))
        return {
            'show': show, 'company_ids': opts['company_ids'], 'currency_id': currency.id, 'rows': rows,
            'totals': {'count': len(records), **self._sum(rows, currency)}}

    def _make_customer(self, record, currency, rate):
        """Return the figures of a hand-over."""
        amounts = {
            'start': record.amount_start, 'recovered': record.amount_recovered, 'fees': record.amount_fees,
            'open': record.amount_receivable if record.state == 'open' else 0.0}
        figures = {key: currency.round(amount * rate) for key, amount in amounts.items()}
        return {
            'id': record.id, 'name': record.partner_id.display_name, 'date': record.date.isoformat(),
            'state': dict(record._fields['state']._description_selection(self.env))[record.state], **figures,
            **_shares(figures)}

    def _sum(self, rows, currency):
        figures = {key: currency.round(sum(row[key] for row in rows)) for key in FIGURES}
        return {**figures, **_shares(figures)}

    # === TABLE === #

    def _get_title(self, data):
        return self.env._("At Agencies")

    def _get_filters(self):
        return [self._filter_choice('show', self.env._("Show"), [
            ('open', self.env._("There now")), ('all', self.env._("Also taken back"))])]

    def _get_tables(self, data):
        columns = [
            {'key': 'name', 'label': self.env._("Agency, Customer"), 'type': 'text'},
            {'key': 'date', 'label': self.env._("Since"), 'type': 'date', 'phone': False},
            {'key': 'state', 'label': self.env._("State"), 'type': 'text', 'phone': False},
            {'key': 'count', 'label': self.env._("Customers"), 'type': 'integer', 'phone': False},
            {'key': 'start', 'label': self.env._("Handed Over"), 'type': 'amount',
             'title': self.env._("What was owed on that day")},
            {'key': 'recovered', 'label': self.env._("Recovered"), 'type': 'amount',
             'title': self.env._("As the agency reported it")},
            {'key': 'share', 'label': self.env._("Share"), 'type': 'percent', 'phone': False},
            {'key': 'fees', 'label': self.env._("Fees"), 'type': 'amount'},
            {'key': 'cost', 'label': self.env._("Cost"), 'type': 'percent', 'phone': False,
             'title': self.env._("Fees of what was recovered")},
            {'key': 'open', 'label': self.env._("Open Now"), 'type': 'amount'},
        ]
        keys = [column['key'] for column in columns]
        rows = []
        for agency in data['rows']:
            rows.append({
                'key': f'agency-{agency["id"] or 0}', 'level': 0, 'cells': {
                    key: agency[key] for key in keys if key in agency},
                'drill': {'model': 'ar.hand.over', 'name': agency['name'], 'domain': [
                    ('id', 'in', [own['id'] for own in agency['customers']])]}})
            rows += [{
                'key': f'hand-over-{own["id"]}', 'level': 1, 'cells': {
                    key: own[key] for key in keys if key in own},
                'drill': {'model': 'ar.hand.over', 'res_id': own['id']}} for own in agency['customers']]
        if rows:
            rows.append({'key': 'total', 'level': 'total', 'drill': None, 'cells': {
                'name': self.env._("Total"), **data['totals']}})
        return [{
            'key': 'agencies', 'columns': columns, 'rows': rows, 'currency_id': data['currency_id'],
            'empty': self.env._("No customer is with an agency or lawyers.")}]


def _shares(figures):
    """Share that was recovered, and what of it the fees took; None where there is nothing to divide by."""
    return {
        'share': figures['recovered'] / figures['start'] if figures['start'] > 0 else None,
        'cost': figures['fees'] / figures['recovered'] if figures['recovered'] > 0 else None}
