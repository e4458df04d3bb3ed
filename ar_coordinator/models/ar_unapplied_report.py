"""Unapplied cash and credit balances: credits that are matched with nothing, by customer and age."""
from collections import defaultdict

from odoo import api, models
from odoo.tools.misc import formatLang

from ..engine import buckets

AGE_LIMITS = (30, 60, 90)
SHOWS = ('all', 'payments', 'credit_balances')


class ArUnappliedReport(models.AbstractModel):
    _name = 'ar.unapplied.report'
    _inherit = ['ar.table.report']
    _description = "Unapplied Credits"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the credits that are matched with nothing.

        :param dict options: as_of, partner_ids, company_ids, show ('all', 'payments': money only, 'credit_balances':
            only customers whose credits exceed what they owe)
        :return: {as_of, show, partner_ids, company_ids, currency_id, age_limits (last day of each column but the last),
            rows: [{id (customer or False), name, ages (amount per column, negative), unapplied (their sum), balance
                (all the customer owes, credits deducted), oldest_days, items: [see `ar.ledger.unapplied_credits`, dates
                as text, with `column`: index of its age; owner, next_step and date_next as of now]}], most unapplied
                first,
            totals: {ages, unapplied, balance}}; amounts in report currency, of items in their company's
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options, own=('show',))
        show = self._read_choice(opts, 'show', 'all')
        ledger = self.env['ar.ledger']
        scope = {'as_of': opts['as_of'], 'company_ids': opts['company_ids'], 'partner_ids': opts['partner_ids']}
        currency, rates = ledger._report_currency(opts)
        items = [item for item in ledger.unapplied_credits(scope)
                 if show != 'payments' or item['kind'] == 'payment']
        self._add_follow_ups(items)
        balances = self._convert_balances(ledger.customer_balances(scope), currency, rates)
        groups = defaultdict(list)
        for item in items:
            groups[item['partner_id']].append(item)
        rows = [self._make_row(partner_id, group, balances.get(partner_id, 0.0), currency, rates)
                for partner_id, group in groups.items()]
        if show == 'credit_balances':
            rows = [row for row in rows if row['balance'] < 0]
        rows.sort(key=lambda row: (row['unapplied'], row['name']))
        return {
            'as_of': opts['as_of'].isoformat(),
            'show': show,
            'partner_ids': opts['partner_ids'] or [],
            'company_ids': opts['company_ids'],
            'currency_id': currency.id,
            'age_limits': list(AGE_LIMITS),
            'rows': rows,
            'totals': {
                'ages': [currency.round(sum(column)) for column in zip(*(row['ages'] for row in rows), strict=True)]
                or [0.0] * (len(AGE_LIMITS) + 1),
                'unapplied': currency.round(sum(row['unapplied'] for row in rows)),
                'balance': currency.round(sum(row['balance'] for row in rows)),
            },
        }

    def _add_follow_ups(self, items):
        """Add to items who follows them up, what is next and when: what people say today, whatever the report's day."""
        open_items = self.env['ar.unapplied.item'].search([('id', 'in', [item['id'] for item in items])])
        steps = dict(open_items._fields['next_step']._description_selection(self.env))
        found = {item.id: item for item in open_items}
        nobody = open_items.browse()
        for item in items:
            own = found.get(item['id'], nobody)
            item.update(
                owner=own.user_id.sudo().name or "",  # sudo: a colleague's name
                next_step=steps.get(own.next_step, ""), date_next=own.date_next.isoformat() if own.date_next else None)

    def _convert_balances(self, balances, currency, rates):
        """{customer: what he owes in report currency}; each company's balance converted once."""
        converted = defaultdict(float)
        for (partner_id, company_id), amount in balances.items():
            converted[partner_id] += currency.round(amount * float(rates.get(company_id, 1)))
        return {partner_id: currency.round(amount) for partner_id, amount in converted.items()}

    def _make_row(self, partner_id, items, balance, currency, rates):
        """One customer. Each item is converted and rounded by itself, as in the aged report."""
        ages = [0.0] * (len(AGE_LIMITS) + 1)
        for item in items:
            # age 0 belongs to the first column: money that came today is unapplied today
            item['column'] = buckets.bucket_index(max(item['days'], 1), AGE_LIMITS) - 1
            ages[item['column']] += currency.round(item['residual'] * float(rates.get(item['company_id'], 1)))
            item['date'] = item['date'].isoformat()
        ages = [currency.round(amount) for amount in ages]
        unapplied = currency.round(sum(ages))
        return {
            'id': partner_id or False, 'name': items[0]['partner_name'] or self.env._("No customer"),
            'ages': ages, 'unapplied': unapplied, 'balance': balance,
            'oldest_days': max(item['days'] for item in items), 'items': items,
        }

    # === TABLE === #

    def _get_filters(self):
        return [
            self._filter_as_of(),
            self._filter_choice('show', self.env._("Show"), [
                ('all', self.env._("All unapplied credits")), ('payments', self.env._("Unapplied cash only")),
                ('credit_balances', self.env._("Credit balances only"))]),
            self._filter_customers(),
        ]

    def _get_tables(self, data):
        limits = data['age_limits']
        labels = [
            self.env._("%(first)s-%(last)s days", first=first, last=last)
            for first, last in zip([0, *(limit + 1 for limit in limits)], limits, strict=False)
        ] + [self.env._("Over %s days", limits[-1])]
        columns = [
            {'key': 'name', 'label': self.env._("Customer"), 'type': 'text'},
            {'key': 'kind', 'label': self.env._("Kind"), 'type': 'text', 'phone': False},
            {'key': 'date', 'label': self.env._("Date"), 'type': 'date', 'phone': False},
            {'key': 'days', 'label': self.env._("Age"), 'type': 'integer',
             'title': self.env._("Days since the accounting date; of a customer, of the oldest credit")},
            *({'key': f'age_{number}', 'label': label, 'type': 'amount', 'phone': False}
              for number, label in enumerate(labels)),
            {'key': 'unapplied', 'label': self.env._("Unapplied"), 'type': 'amount'},
            {'key': 'balance', 'label': self.env._("Balance"), 'type': 'amount',
             'title': self.env._("All the customer owes, credits deducted; negative: a credit balance")},
            {'key': 'original', 'label': self.env._("In its currency"), 'type': 'text', 'phone': False},
            {'key': 'owner', 'label': self.env._("Owner"), 'type': 'text', 'phone': False,
             'title': self.env._("Who follows it up today: the customer's collector, unless somebody took it")},
            {'key': 'next_step', 'label': self.env._("Next Step"), 'type': 'text', 'phone': False},
            {'key': 'date_next', 'label': self.env._("Follow-Up on"), 'type': 'date', 'phone': False},
        ]
        rows = []
        for row in data['rows']:
            rows.append(self._make_customer_row(row))
            rows += [self._make_item_row(item) for item in row['items']]
        if data['rows']:
            totals = data['totals']
            rows.append({'key': 'total', 'level': 'total', 'drill': None, 'cells': {
                'name': self.env._("Total"), 'unapplied': totals['unapplied'], 'balance': totals['balance'],
                **{f'age_{number}': amount for number, amount in enumerate(totals['ages'])}}})
        return [{
            'key': 'unapplied', 'columns': columns, 'rows': rows, 'folded': True, 'currency_id': data['currency_id'],
            'empty': self.env._("No credit waits to be matched on this date."),
        }]

    def _make_customer_row(self, row):
        return {
            'key': f'customer-{row["id"] or 0}', 'level': 0,
            'drill': {'model': 'res.partner', 'res_id': row['id'], 'name': row['name']} if row['id'] else None,
            'cells': {
                'name': row['name'], 'days': row['oldest_days'], 'unapplied': row['unapplied'],
                'balance': row['balance'],
                **{f'age_{number}': amount for number, amount in enumerate(row['ages'])}}}

    def _make_item_row(self, item):
        kinds = {
            'payment': self.env._("Payment"), 'credit_note': self.env._("Credit note"), 'other': self.env._("Entry")}
        own = self.env['res.currency'].browse(item['currency_id'])
        original = f'{formatLang(self.env, item["residual_currency"], digits=own.decimal_places)} {own.name}'
        name = f'{item["move_name"]} {item["ref"]}' if item['ref'] else item['move_name']
        return {
            'key': f'item-{item["id"]}', 'level': 1, 'currency_id': item['company_currency_id'],
            'drill': {'model': 'account.move', 'res_id': item['move_id'], 'name': item['move_name']},
            'cells': {
                'name': name, 'kind': kinds[item['kind']], 'date': item['date'], 'days': item['days'],
                f'age_{item["column"]}': item['residual'], 'unapplied': item['residual'],
                'original': original if item['currency_id'] != item['company_currency_id'] else None,
                'owner': item['owner'], 'next_step': item['next_step'], 'date_next': item['date_next']}}
