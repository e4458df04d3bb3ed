"""Receivables roll-forward: what was owed at the begin of a period, what moved it, what is owed at its end."""
from collections import defaultdict
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools.misc import format_date

COLUMNS = ('invoices', 'credit_notes', 'payments', 'write_offs', 'exchange', 'other')
OTHER = ('opening', 'transfers', 'other')  # classes that make the column `other`; their entries are listed


class ArRollForward(models.AbstractModel):
    _name = 'ar.roll.forward'
    _inherit = ['ar.table.report']
    _description = "Receivables Roll-Forward"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the roll-forward of the receivable accounts between two days.

        :param dict options: date_from (default: first day of date_to's month), date_to (default: today), group_by
            ('company', 'account', 'partner' or 'month'), partner_ids, company_ids
        :return: {date_from, date_to, group_by, partner_ids, company_ids, currency_id,
            rows: [{id, name, opening, invoices, credit_notes, payments, write_offs, exchange, other, closing}] where
                opening + the six = closing, amounts signed as in the ledger (payments are negative),
            totals: the same, entries: [see `ar.ledger.movement_items`, dates as text] of the column `other`,
            proofs: [{company_id, currency_id, opening, opening_ledger, closing, closing_ledger, open_items}] in each
                company's currency: the roll-forward, the balance of its trade receivable accounts in the general
                ledger, and the open items of the aged report}
        :raise AccessError, UserError: as `ar.ledger.movements`
        """
        opts, scope = self._read_scope(options)
        ledger = self.env['ar.ledger']
        group_by = self._read_choice(opts, 'group_by', 'company')
        currency, rates = ledger._report_currency(opts)
        movements = ledger.movements({**scope, 'group_by': group_by})
        sums = defaultdict(lambda: dict.fromkeys(('opening', *COLUMNS), 0.0))
        for key, company_id, kind, amount, _count in movements:
            column = 'opening' if kind == 'opening_balance' else 'other' if kind in OTHER else kind
            sums[key][column] += currency.round(amount * float(rates.get(company_id, 1)))
        if group_by == 'month':
            sums = self._make_months(sums, opts, currency)
        rows = self._make_rows(sums, group_by, currency)
        totals = {
            column: currency.round(sum(row[column] for row in rows)) for column in ('opening', *COLUMNS, 'closing')}
        if group_by == 'month' and rows:
            totals.update(opening=rows[0]['opening'], closing=rows[-1]['closing'])
        entries = ledger.movement_items(scope, kinds=OTHER)
        for entry in entries:
            entry['date'] = entry['date'].isoformat()
        return {
            'date_from': opts['date_from'].isoformat(), 'date_to': opts['as_of'].isoformat(), 'group_by': group_by,
            'partner_ids': opts['partner_ids'] or [], 'company_ids': opts['company_ids'], 'currency_id': currency.id,
            'rows': rows, 'totals': totals, 'entries': entries, 'proofs': self._get_proofs(movements, opts),
        }

    @api.model
    def action_entries(self, options, kinds=None, key=None, company_id=None):
        """Return the action that lists the journal items behind an amount (see `ar.ledger.movement_items`)."""
        opts, scope = self._read_scope(options)
        items = self.env['ar.ledger'].movement_items(
            {**scope, 'group_by': opts.get('group_by')}, kinds, key, company_id)
        return {
            'type': 'ir.actions.act_window', 'res_model': 'account.move.line',
            'views': [(False, 'list'), (False, 'form')], 'name': self.env._("Journal items of the roll-forward"),
            'domain': [('id', 'in', sorted({item['id'] for item in items}))],
        }

    def _read_scope(self, options):
        """(checked options, those of `ar.ledger.movements`)"""
        options = dict(options or {})
        last = self.env['ar.ledger']._read_date(options.get('date_to')) or self.env.company._ar_today()
        first = self.env['ar.ledger']._read_date(options.get('date_from')) or last.replace(day=1)
        options.update(date_from=first, date_to=last)
        opts = self._read_options(options, own=('group_by',))
        opts['as_of'] = last
        return opts, {'date_from': first, 'date_to': last, 'company_ids': opts['company_ids'],
                      'partner_ids': opts['partner_ids']}

    # === ROWS === #

    def _make_months(self, sums, opts, currency):
        """Every month of the period, each opening with what the one before closed with."""
        opening = sums.pop(None, {}).get('opening', 0.0)
        months = {}
        day = opts['date_from'].replace(day=1)
        while day <= opts['as_of']:
            months[day] = {**sums[day], 'opening': opening}
            opening = currency.round(sum(months[day].values()))
            day += relativedelta(months=1)
        return months

    def _make_rows(self, sums, group_by, currency):
        names = self._get_names(list(sums), group_by)
        rows = []
        for key, amounts in sums.items():
            amounts = {column: currency.round(amount) for column, amount in amounts.items()}
            if group_by == 'month' or any(amounts.values()):
                rows.append({
                    'id': key.isoformat() if group_by == 'month' else key or False, 'name': names[key], **amounts,
                    'closing': currency.round(sum(amounts.values()))})
        return rows if group_by == 'month' else sorted(rows, key=lambda row: row['name'])

    def _get_names(self, keys, group_by):
        if group_by == 'month':
            return {key: format_date(self.env, key, date_format='MMMM yyyy') for key in keys}
        model, missing = {
            'company': ('res.company', ""), 'account': ('account.account', ""),
            'partner': ('res.partner', self.env._("No customer")),
        }[group_by]
        # sudo: names of groups of journal items the user may read
        records = self.env[model].sudo().with_context(active_test=False).browse([key for key in keys if key])
        return {None: missing, **{record.id: record.display_name for record in records}}

    def _get_proofs(self, movements, opts):
        """Per company: the roll-forward's ends, the ledger's, and the open items."""
        ledger = self.env['ar.ledger']
        opening, closing, open_items = defaultdict(float), defaultdict(float), defaultdict(float)
        for _key, company_id, kind, amount, _count in movements:
            closing[company_id] += amount
            if kind == 'opening_balance':
                opening[company_id] += amount
        before = ledger._ledger_balances({**opts, 'as_of': opts['date_from'] - timedelta(days=1)})
        after = ledger._ledger_balances(opts)
        scope = {'as_of': opts['as_of'], 'company_ids': opts['company_ids'], 'partner_ids': opts['partner_ids']}
        for (_partner, company_id), amount in ledger.customer_balances(scope).items():
            open_items[company_id] += amount
        proofs = []
        for company in self.env['res.company'].browse(opts['company_ids']):
            currency = company.currency_id
            proofs.append({
                'company_id': company.id, 'currency_id': currency.id,
                'opening': currency.round(opening[company.id]),
                'opening_ledger': currency.round(float(before.get(company.id, (0, 0))[0])),
                'closing': currency.round(closing[company.id]),
                'closing_ledger': currency.round(float(after.get(company.id, (0, 0))[0])),
                'open_items': currency.round(open_items[company.id])})
        return proofs

    # === TABLES === #

    def _get_filters(self):
        return [
            self._filter_period(),
            self._filter_choice('group_by', self.env._("Group by"), [
                ('company', self.env._("Company")), ('account', self.env._("Account")),
                ('partner', self.env._("Customer")), ('month', self.env._("Month"))]),
            self._filter_customers(),
        ]

    def _get_labels(self):
        """{column or class: label}"""
        return {
            'opening': self.env._("Opening"), 'invoices': self.env._("Invoices"),
            'credit_notes': self.env._("Credit notes"), 'payments': self.env._("Payments"),
            'write_offs': self.env._("Write-offs"), 'exchange': self.env._("Exchange"), 'other': self.env._("Other"),
            'closing': self.env._("Closing")}

    def _get_tables(self, data):
        labels = self._get_labels()
        groups = {choice['value']: choice['label'] for choice in self._get_filters()[1]['choices']}
        titles = {
            'payments': self.env._("Money received, less money paid back"),
            'write_offs': self.env._("Booked against expense or write-off accounts, discounts and fees included"),
            'other': self.env._("Opening entries, transfers and what fits nowhere: listed below")}
        columns = [{'key': 'name', 'label': groups[data['group_by']], 'type': 'text'}, *(
            {'key': key, 'label': labels[key], 'type': 'amount', 'title': titles.get(key),
             'phone': key in ('opening', 'closing')}
            for key in ('opening', *COLUMNS, 'closing'))]
        rows = [self._make_table_row(data, row) for row in data['rows']]
        if rows:
            rows.append({'key': 'total', 'level': 'total', 'drills': self._get_drills(data, None),
                         'cells': {'name': self.env._("Total"), **data['totals']}})
        return [
            {'key': 'roll_forward', 'columns': columns, 'rows': rows, 'currency_id': data['currency_id'],
             'checks': self._get_checks(data),
             'empty': self.env._("Nothing was owed and nothing moved in this period.")},
            self._get_other_table(data),
        ]

    def _make_table_row(self, data, row):
        return {
            'key': f'row-{row["id"]}', 'level': 0, 'drills': self._get_drills(data, row['id']),
            'cells': {'name': row['name'], **{key: row[key] for key in ('opening', *COLUMNS, 'closing')}}}

    def _get_drills(self, data, key):
        """Amounts open their journal items, the balances the aged receivables."""
        options = {name: data[name] for name in ('date_from', 'date_to', 'group_by', 'company_ids')}
        scope = {}
        if data['partner_ids']:
            options['partner_ids'] = scope['partner_ids'] = data['partner_ids']
        drills = {
            column: {'method': 'action_entries',
                     'args': [options, list(OTHER) if column == 'other' else [column], key]}
            for column in COLUMNS}
        if data['group_by'] == 'partner' and key:
            scope = {'partner_ids': [key]}
        if key is None or data['group_by'] == 'company' or scope.get('partner_ids') == [key]:
            if key and data['group_by'] == 'company':
                scope = {**scope, 'company_ids': [key]}
            before = (self.env['ar.ledger']._read_date(data['date_from']) - timedelta(days=1)).isoformat()
            for column, day in (('opening', before), ('closing', data['date_to'])):
                drills[column] = {'action': 'ar_coordinator.ar_aging_action', 'options': {**scope, 'as_of': day}}
        return drills

    def _get_checks(self, data):
        checks = []
        companies = self.env['res.company'].browse(proof['company_id'] for proof in data['proofs'])
        for company, proof in zip(companies, data['proofs'], strict=True):
            for label, ours, theirs in (
                (self.env._("%s: opening balance less the general ledger", company.name), 'opening', 'opening_ledger'),
                (self.env._("%s: closing balance less the general ledger", company.name), 'closing', 'closing_ledger'),
                (self.env._("%s: closing balance less the open items", company.name), 'closing', 'open_items'),
            ):
                difference = company.currency_id.round(proof[ours] - proof[theirs])
                check = {
                    'label': label, 'amount': difference, 'ok': not difference, 'currency_id': proof['currency_id']}
                if difference:
                    check['drill'] = {'action': 'ar_coordinator.ar_sub_ledger_action',
                                      'options': {'as_of': data['date_to']}}
                checks.append(check)
        return checks

    def _get_other_table(self, data):
        """The entries of the column Other, one line each, and why they are there."""
        reasons = {
            'opening': self.env._("Opening entry"), 'transfers': self.env._("Transfer between customers or accounts"),
            'other': self.env._("Other entry")}
        rows = [
            {'key': f'entry-{entry["id"]}', 'level': 0, 'currency_id': entry['company_currency_id'],
             'drill': {'model': 'account.move', 'res_id': entry['move_id'], 'name': entry['move_name']},
             'cells': {
                 'name': entry['move_name'], 'date': entry['date'], 'ref': entry['ref'] or None,
                 'partner': entry['partner_name'] or None, 'reason': reasons[entry['kind']], 'amount': entry['amount']}}
            for entry in data['entries']]
        return {
            'key': 'other', 'title': self.env._("Entries in Other"), 'rows': rows, 'currency_id': data['currency_id'],
            'empty': self.env._("Every entry of the period is an invoice, a credit note, a payment, a write-off or an "
                                "exchange difference."),
            'columns': [
                {'key': 'name', 'label': self.env._("Entry"), 'type': 'text'},
                {'key': 'date', 'label': self.env._("Date"), 'type': 'date'},
                {'key': 'ref', 'label': self.env._("Reference"), 'type': 'text', 'phone': False},
                {'key': 'partner', 'label': self.env._("Customer"), 'type': 'text', 'phone': False},
                {'key': 'reason', 'label': self.env._("Reason"), 'type': 'text', 'phone': False},
                {'key': 'amount', 'label': self.env._("Amount"), 'type': 'amount'}],
        }
