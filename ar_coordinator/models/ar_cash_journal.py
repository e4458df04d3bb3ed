"""The day's journal of cash: received, applied by whom, unapplied; what was undone.

Tied to the bank accounts and to the receivable ledger, with the documents that make a difference. What each amount
means is in ar_ledger_cash_journal.py.
"""
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.misc import format_date

from .ar_guard import without_defaults
from .ar_ledger_cash_journal import CASH_JOURNALS

UNDONE = {'date_undone', 'undone_by_id'}
APPLIED = ('automatic', 'users', 'elsewhere')
COLUMNS = ('opening', 'received', 'deductions', *APPLIED, 'closing')
BANK = ('opening', 'customers', 'other_in', 'paid_out', 'other')


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    date_undone = fields.Datetime(string="Undone on", readonly=True, copy=False)
    undone_by_id = fields.Many2one(comodel_name='res.users', string="Undone by", readonly=True, copy=False)

    @api.model_create_multi
    def create(self, vals_list):
        return super(ArCashProposal, without_defaults(self, UNDONE)).create(vals_list)

    def write(self, vals):
        if UNDONE & set(vals) and not self.env.su:
            raise AccessError(self.env._("Proposals are undone by their button."))
        return super().write(vals)

    def _undo(self):
        """Override: the journal says who undid what, and when."""
        result = super()._undo()
        # sudo: guarded fields; super checked the role and the state
        self.sudo().write({'date_undone': fields.Datetime.now(), 'undone_by_id': self.env.uid})
        return result


class ArCashJournal(models.AbstractModel):
    _name = 'ar.cash.journal'
    _inherit = ['ar.table.report']
    _description = "Cash Journal"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the journal of cash between two days.

        :param dict options: date_from, date_to (default: today, both), journal_ids (bank accounts), company_ids
        :return: {date_from, date_to, journal_ids, company_ids, currency_id (of the report),
            rows: [{id (bank journal), name, currency_id (of its company), opening, received, deductions, automatic,
                users, elsewhere, closing, received_currency, own_currency_id, days: [the same with date]}] in the
                company's currency, opening + received + deductions - automatic - users - elsewhere = closing,
            totals: those amounts in report currency,
            done: [{who, currency_id, applied, applied_amount, undone, undone_amount}] by the day it was done,
            rests: [{action, label, currency_id, count, amount}] of what was applied in the period,
            banks: [{id, name, currency_id, opening, customers, other_in, paid_out, other, closing, ledger}],
            entries: [{id (move), name, ref, date, journal_id, amount}] on bank accounts, no bank transactions,
            proofs: [{company_id, currency_id, waiting (this journal's closing on receivable accounts and suspense),
                ledger (open by the receivable ledger, and on suspense), items: [{move_id, name, date, amount}] of money
                that the ledger has on account and no bank account brought}]}
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_scope(options)
        ledger = self.env['ar.ledger']
        # sudo: names and accounts of bank journals of companies the user may read the receivables of
        journals = self.env['account.journal'].sudo().search([
            # a branch books on the bank accounts of the companies above it, too
            ('company_id', 'in', self.env['res.company'].sudo().browse(opts['company_ids']).parent_ids.ids),
            ('type', 'in', CASH_JOURNALS),
            *([('id', 'in', opts['journal_ids'])] if opts['journal_ids'] else [])], order='company_id, sequence, id')
        rows = self._get_rows(opts, journals)
        currency, rates = ledger._report_currency(opts)
        totals = {name: currency.round(sum(
            row[name] * float(rates.get(row['company_id'], 1)) for row in rows)) for name in COLUMNS[:-1]}
        totals['closing'] = currency.round(totals['opening'] + totals['received'] + totals['deductions'] - sum(
            totals[name] for name in APPLIED))
        return {
            'date_from': opts['date_from'].isoformat(), 'date_to': opts['as_of'].isoformat(),
            'journal_ids': opts['journal_ids'], 'company_ids': opts['company_ids'], 'currency_id': currency.id,
            'rows': rows, 'totals': totals, 'done': self._get_done(opts), 'rests': self._get_rests(opts),
            'banks': self._get_banks(opts, journals), 'entries': self._get_entries(opts, journals),
            'proofs': self._get_proofs(opts),
        }

    @api.model
    def action_documents(self, options, column, journal_id=None, day=None):
        """Return the action that lists the entries behind an amount: of the money, or of what it was applied to.

        :raise AccessError, UserError: as `get_data`
        """
        opts = self._read_scope(options)
        day = self.env['ar.ledger']._read_date(day)
        kind = column if column in ('received', 'deductions') else 'applied'
        ids = self.env['ar.ledger']._cash_documents(opts, kind, journal_id, day)
        return {
            'type': 'ir.actions.act_window', 'res_model': 'account.move', 'name': self._get_labels()[column],
            'views': [(False, 'list'), (False, 'form')], 'domain': [('id', 'in', ids)]}

    def _read_scope(self, options):
        """Checked options, with date_from, as_of (the last day) and journal_ids."""
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        last = ledger._read_date(options.get('date_to')) or self.env.company._ar_today()
        first = min(ledger._read_date(options.get('date_from')) or last, last)
        options.update(date_from=first, date_to=last)
        opts = self._read_options(options, own=('journal_ids',))
        opts.update(as_of=last, date_from=first)
        opts['journal_ids'] = ledger._read_ids('journal_ids', opts['journal_ids']) or []
        return opts

    # === FIGURES === #

    def _get_rows(self, opts, journals):
        """Return a row per bank account with anything to say, and its days."""
        ledger = self.env['ar.ledger']
        opening = defaultdict(float)
        for (_company_id, journal_id), amount in ledger._cash_waiting(
                opts, opts['date_from'] - timedelta(days=1)).items():
            opening[journal_id] += amount
        days = defaultdict(lambda: defaultdict(lambda: dict.fromkeys((*COLUMNS[1:-1], 'received_currency'), 0.0)))
        for _company_id, journal_id, day, received, deductions, in_currency, _count in ledger._cash_received(opts):
            own = days[journal_id][day]
            own['received'] += received
            own['deductions'] += deductions
            own['received_currency'] += in_currency
        for _company_id, journal_id, day, who, amount in ledger._cash_applied(opts):
            days[journal_id][day][who] += amount
        rows = []
        for journal in journals:
            own = days[journal.id]
            if opening.get(journal.id) or own:
                rows.append(self._make_row(journal, opening.get(journal.id, 0.0), own))
        return rows

    def _make_row(self, journal, opening, days):
        currency = journal.company_id.currency_id
        waiting, parts = currency.round(opening), []
        for day in sorted(days):
            amounts = {name: currency.round(amount) for name, amount in days[day].items()}
            closing = currency.round(waiting + amounts['received'] + amounts['deductions'] - sum(
                amounts[name] for name in APPLIED))
            parts.append({'date': day.isoformat(), 'opening': waiting, **amounts, 'closing': closing})
            waiting = closing
        return {
            'id': journal.id, 'name': journal.name, 'company_id': journal.company_id.id,
            'company': journal.company_id.name, 'currency_id': currency.id,
            'own_currency_id': (journal.currency_id or currency).id, 'opening': currency.round(opening),
            **{name: currency.round(sum(part[name] for part in parts))
               for name in (*COLUMNS[1:-1], 'received_currency')},
            'closing': waiting, 'days': parts}

    def _get_moments(self, opts):
        """Domains of a moment in the period, in each company's time zone: [(company id, first, end)]."""
        ledger = self.env['ar.ledger']
        return [
            (company.id, ledger._end_of_day(company, opts['date_from'] - timedelta(days=1)),
             ledger._end_of_day(company, opts['as_of']))
            for company in self.env['res.company'].browse(opts['company_ids'])]

    def _in_period(self, opts, name):
        """Domain: the proposal's moment `name` lies in the period."""
        moments = self._get_moments(opts)
        domain = ['|'] * (len(moments) - 1)
        for company_id, first, end in moments:
            domain += ['&', '&', ('company_id', '=', company_id), (name, '>=', first), (name, '<', end)]
        if opts['journal_ids']:
            domain += ['|', ('statement_line_id.journal_id', 'in', opts['journal_ids']),
                       ('payment_line_id.journal_id', 'in', opts['journal_ids'])]
        return domain

    def _get_done(self, opts):
        """Return who applied and undid how much in the period, automatic first."""
        # sudo: bank accounts of proposals, and names of users; the role was checked
        proposals = self.env['ar.cash.proposal'].sudo()
        found = defaultdict(lambda: {'applied': 0, 'applied_amount': 0.0, 'undone': 0, 'undone_amount': 0.0})
        for automatic, user, currency, count, amount in proposals._read_group(
                [*self._in_period(opts, 'date_applied'), ('state', 'in', ('applied', 'undone'))],
                ['is_automatic', 'applied_by_id', 'currency_id'], ['__count', 'amount:sum']):
            row = found['' if automatic else user.name or "", currency]
            row['applied'] += count
            row['applied_amount'] = currency.round(row['applied_amount'] + amount)
        for user, currency, count, amount in proposals._read_group(
                self._in_period(opts, 'date_undone'), ['undone_by_id', 'currency_id'], ['__count', 'amount:sum']):
            found[user.name or "", currency].update(undone=count, undone_amount=currency.round(amount))
        return [
            {'who': who, 'currency_id': currency.id, **row}
            for (who, currency), row in sorted(found.items(), key=lambda one: (one[0][0], one[0][1].name))]

    def _get_rests(self, opts):
        """Return what happened to the differences of what was applied in the period."""
        proposals = self.env['ar.cash.proposal'].sudo()  # sudo: as above
        labels = dict(proposals._fields['rest_action']._description_selection(self.env))
        return [
            {'action': action or "", 'label': labels.get(action, self.env._("Left open")), 'currency_id': currency.id,
             'count': count, 'amount': currency.round(amount)}
            for action, currency, count, amount in proposals._read_group(
                [*self._in_period(opts, 'date_applied'), ('state', '=', 'applied'), ('rest', '!=', 0)],
                ['rest_action', 'currency_id'], ['__count', 'rest:sum'])]

    def _get_banks(self, opts, journals):
        """Return what moved each bank account, and what the general ledger says."""
        ledger = self.env['ar.ledger']
        moved = defaultdict(dict)
        for journal_id, kind, amount in ledger._bank_movements(opts):
            moved[journal_id][kind] = amount
        balances = ledger._bank_balances(opts, opts['as_of'])
        banks = []
        for journal in journals.filtered('default_account_id'):
            currency = journal.company_id.currency_id
            amounts = {kind: currency.round(moved[journal.id].get(kind, 0.0)) for kind in BANK}
            if any(amounts.values()):
                banks.append({
                    'id': journal.id, 'name': journal.name, 'company': journal.company_id.name,
                    'account': journal.default_account_id.with_company(journal.company_id).display_name,
                    'currency_id': currency.id, **amounts, 'closing': currency.round(sum(amounts.values())),
                    'ledger': currency.round(balances.get(journal.id, 0.0))})
        return banks

    def _get_entries(self, opts, journals):
        own = set(journals.ids)
        return [{
            'id': entry['move_id'], 'name': entry['move_name'], 'ref': entry['ref'] or "",
            'date': entry['date'].isoformat(), 'journal_id': entry['journal_id'], 'amount': entry['amount']}
            for entry in self.env['ar.ledger']._bank_entries(opts) if entry['journal_id'] in own]

    def _get_proofs(self, opts):
        """Return per company: what this journal leaves unapplied on receivable accounts, and what the ledger has."""
        ledger = self.env['ar.ledger']
        before = ledger._cash_waiting(opts, opts['date_from'] - timedelta(days=1))
        ours = defaultdict(float)
        for (company_id, _journal_id), amount in before.items():
            ours[company_id] += amount
        for company_id, _journal_id, _day, received, deductions, _own, _count in ledger._cash_received(opts):
            ours[company_id] += received + deductions
        for company_id, _journal_id, _day, _who, amount in ledger._cash_applied(opts):
            ours[company_id] -= amount
        theirs, elsewhere = defaultdict(float), defaultdict(list)
        for item in ledger._unapplied_money(opts, opts['as_of']):
            theirs[item['company_id']] += item['amount']
            if not item['is_cash_journal']:
                elsewhere[item['company_id']].append({
                    'move_id': item['move_id'], 'name': item['move_name'], 'date': item['date'].isoformat(),
                    'amount': item['amount']})
        suspense = ledger._suspense_balances(opts, opts['as_of'])
        proofs = []
        for company in self.env['res.company'].browse(opts['company_ids']):
            currency = company.currency_id
            proofs.append({
                'company_id': company.id, 'currency_id': currency.id, 'waiting': currency.round(ours[company.id]),
                'suspense': currency.round(suspense.get(company.id, 0.0)),
                'ledger': currency.round(theirs[company.id] + suspense.get(company.id, 0.0)),
                'items': elsewhere[company.id]})
        return proofs

    # === TABLES === #

    def _get_filters(self):
        return [self._filter_period(), {
            'key': 'journal_ids', 'type': 'records', 'model': 'account.journal', 'label': self.env._("Bank accounts"),
            'domain': [['type', 'in', list(CASH_JOURNALS)], ['company_id', 'in', self.env.companies.parent_ids.ids]]}]

    def _get_labels(self):
        return {
            'opening': self.env._("Waiting before"), 'received': self.env._("Received"),
            'deductions': self.env._("Fees and discounts"), 'automatic': self.env._("Applied by itself"),
            'users': self.env._("Applied by users"), 'elsewhere': self.env._("Matched elsewhere"),
            'closing': self.env._("Unapplied")}

    def _get_tables(self, data):
        return [
            self._get_cash_table(data), self._get_done_table(data), self._get_rest_table(data),
            self._get_bank_table(data), self._get_entry_table(data)]

    def _get_cash_table(self, data):
        labels = self._get_labels()
        titles = {
            'received': self.env._("Came to the bank account, or was registered as a payment of a customer"),
            'deductions': self.env._("Booked with the money: bank fees, early-payment discounts, other amounts"),
            'elsewhere': self.env._("Matched in the accounting app, refunds and exchange differences included"),
            'closing': self.env._("On account of customers, and bank transactions nobody applied yet")}
        columns = [{'key': 'name', 'label': self.env._("Bank account and day"), 'type': 'text'}, *(
            {'key': key, 'label': labels[key], 'type': 'amount', 'title': titles.get(key),
             'phone': key in ('received', 'closing')} for key in COLUMNS)]
        if any(row['own_currency_id'] != row['currency_id'] for row in data['rows']):
            columns.append(
                {'key': 'own', 'label': self.env._("Received in its currency"), 'type': 'text', 'phone': False})
        rows = []
        for row in data['rows']:
            rows.append(self._make_cash_row(data, row, None))
            rows += [self._make_cash_row(data, {**row, **day}, day['date']) for day in row['days']]
        if rows:
            rows.append({'key': 'total', 'level': 'total', 'drills': self._get_drills(data, None, None), 'cells': {
                'name': self.env._("Total"), **data['totals']}})
        return {
            'key': 'cash', 'columns': columns, 'rows': rows, 'currency_id': data['currency_id'],
            'checks': self._get_ledger_checks(data),
            'empty': self.env._("No money came in this period, and none waits.")}

    def _make_cash_row(self, data, row, day):
        own = self.env['res.currency'].browse(row['own_currency_id'])
        several = len(data['company_ids']) > 1
        name = self._show_day(day) if day else f"{row['company']}: {row['name']}" if several else row['name']
        return {
            'key': f'{row["id"]}-{day or 0}', 'level': 1 if day else 0, 'currency_id': row['currency_id'],
            'drills': self._get_drills(data, row['id'], day),
            'cells': {
                'name': name, **{key: row[key] for key in COLUMNS},
                'own': own.format(row['received_currency'])
                if row['own_currency_id'] != row['currency_id'] and row['received_currency'] else None}}

    def _show_day(self, day):
        return format_date(self.env, day)

    def _get_drills(self, data, journal_id, day):
        options = {name: data[name] for name in ('date_from', 'date_to', 'company_ids')}
        return {column: {'method': 'action_documents', 'args': [options, column, journal_id, day]}
                for column in ('received', 'deductions', *APPLIED)}

    def _get_ledger_checks(self, data):
        checks = []
        companies = self.env['res.company'].browse(proof['company_id'] for proof in data['proofs'])
        for company, proof in zip(companies, data['proofs'], strict=True):
            elsewhere = company.currency_id.round(sum(item['amount'] for item in proof['items']))
            difference = company.currency_id.round(proof['waiting'] + elsewhere - proof['ledger'])
            checks.append({
                'label': self.env._(
                    "%s: unapplied less what the receivable ledger and the suspense account have", company.name),
                'amount': difference, 'ok': not difference, 'currency_id': proof['currency_id']})
            if proof['items']:
                checks.append({
                    'label': self.env._("%s: besides, on account by entries of other journals", company.name),
                    'amount': elsewhere, 'ok': True, 'currency_id': proof['currency_id'], 'drill': {
                        'model': 'account.move', 'name': self.env._("Money on account that no bank account brought"),
                        'domain': [['id', 'in', [item['move_id'] for item in proof['items']]]]}})
        return checks

    def _get_done_table(self, data):
        rows = [{
            'key': f'done-{number}', 'level': 0, 'currency_id': row['currency_id'],
            'cells': {'name': row['who'] or self.env._("By itself"), **{
                name: row[name] or None
                for name in ('applied', 'applied_amount', 'undone', 'undone_amount')}},
        } for number, row in enumerate(data['done'])]
        return {
            'key': 'done', 'title': self.env._("Applied and undone, by who did it in this period"), 'rows': rows,
            'currency_id': data['currency_id'],
            'empty': self.env._("Nothing was applied from proposals or undone in this period."),
            'columns': [
                {'key': 'name', 'label': self.env._("Who"), 'type': 'text'},
                {'key': 'applied', 'label': self.env._("Applied"), 'type': 'integer', 'phone': False},
                {'key': 'applied_amount', 'label': self.env._("Amount applied"), 'type': 'amount'},
                {'key': 'undone', 'label': self.env._("Undone"), 'type': 'integer', 'phone': False},
                {'key': 'undone_amount', 'label': self.env._("Amount undone"), 'type': 'amount'}]}

    def _get_rest_table(self, data):
        return {
            'key': 'rests', 'title': self.env._("Differences, and what happened with them"),
            'currency_id': data['currency_id'],
            'empty': self.env._("What was applied in this period left no difference."),
            'rows': [{
                'key': f'rest-{number}', 'level': 0, 'currency_id': row['currency_id'],
                'cells': {'name': row['label'], 'count': row['count'], 'amount': row['amount']},
            } for number, row in enumerate(data['rests'])],
            'columns': [
                {'key': 'name', 'label': self.env._("What happened"), 'type': 'text'},
                {'key': 'count', 'label': self.env._("Payments"), 'type': 'integer'},
                {'key': 'amount', 'label': self.env._("Amount"), 'type': 'amount',
                 'title': self.env._("Above zero: too much was paid. Below zero: too little")}]}

    def _get_bank_table(self, data):
        labels = {
            'opening': self.env._("Balance before"), 'customers': self.env._("From customers"),
            'other_in': self.env._("Other money in"), 'paid_out': self.env._("Paid out"),
            'other': self.env._("Other entries"), 'closing': self.env._("Balance")}
        several = len(data['company_ids']) > 1
        checks = []
        for bank in data['banks']:
            currency = self.env['res.currency'].browse(bank['currency_id'])
            difference = currency.round(bank['closing'] - bank['ledger'])
            checks.append({
                'label': self.env._("%s: balance less the general ledger", bank['account']), 'amount': difference,
                'ok': not difference, 'currency_id': bank['currency_id']})
        return {
            'key': 'banks', 'title': self.env._("Bank accounts"), 'currency_id': data['currency_id'], 'checks': checks,
            'empty': self.env._("No bank account moved."),
            'rows': [{
                'key': f'bank-{bank["id"]}', 'level': 0, 'currency_id': bank['currency_id'],
                'cells': {
                    'name': f"{bank['company']}: {bank['name']}" if several else bank['name'],
                    **{key: bank[key] for key in (*BANK, 'closing')}},
            } for bank in data['banks']],
            'columns': [{'key': 'name', 'label': self.env._("Bank account"), 'type': 'text'}, *(
                {'key': key, 'label': labels[key], 'type': 'amount', 'phone': key in ('customers', 'closing')}
                for key in (*BANK, 'closing'))]}

    def _get_entry_table(self, data):
        banks = {bank['id']: bank for bank in data['banks']}
        return {
            'key': 'entries', 'title': self.env._("Other entries on bank accounts: no transactions of the bank"),
            'currency_id': data['currency_id'],
            'empty': self.env._("Every entry on the bank accounts is a transaction of the bank."),
            'rows': [{
                'key': f'entry-{entry["journal_id"]}-{entry["id"]}', 'level': 0,
                'currency_id': banks[entry['journal_id']]['currency_id'],
                'drill': {'model': 'account.move', 'res_id': entry['id'], 'name': entry['name']},
                'cells': {'name': entry['name'], 'date': entry['date'], 'ref': entry['ref'] or None,
                          'bank': banks[entry['journal_id']]['name'], 'amount': entry['amount']},
            } for entry in data['entries'] if entry['journal_id'] in banks],
            'columns': [
                {'key': 'name', 'label': self.env._("Entry"), 'type': 'text'},
                {'key': 'date', 'label': self.env._("Date"), 'type': 'date'},
                {'key': 'ref', 'label': self.env._("Reference"), 'type': 'text', 'phone': False},
                {'key': 'bank', 'label': self.env._("Bank account"), 'type': 'text', 'phone': False},
                {'key': 'amount', 'label': self.env._("Amount"), 'type': 'amount'}]}
