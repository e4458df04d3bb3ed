"""The collections report of a week: billed, collected and outstanding against target, by collector and customer; and
the invoices that did not arrive, so that "I never got it" is heard before the due date.
"""
from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from ..engine import kpi

WEEKS = (4, 8, 13, 26)
LISTED = 200  # invoices listed per reason; the list behind the table has them all
PARTS = ('not_sent', 'never_opened', 'rejected')  # reasons why an invoice may not have arrived
DUE_DAYS = 14  # sent and never opened matters when it falls due so soon


class ArCollectionsReport(models.AbstractModel):
    _name = 'ar.collections.report'
    _inherit = ['ar.table.report']
    _description = "Collections Report"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return a week's collections, and what did not arrive.

        :param dict options: as_of (the week it is in, up to that day; default today), weeks (4, 8, 13 or 26 in the
            course, this one included; default 8), collector_ids, risk_class_ids, company_ids
        :return: {as_of, weeks, company_ids, collector_ids, risk_class_ids, currency_id, date_from (Monday),
            course: [{week (Monday), date_to, billed, collected, target, achieved (collected / target), outstanding and
                overdue (at its end)}], latest last,
            collectors: [{id (False: nobody), name, billed, collected, target, achieved, outstanding, overdue}] of the
                week, by name,
            customers: [{id, name, billed, collected, outstanding, overdue}] of those who were billed or paid in the
                week, most collected first,
            totals: {billed, collected, outstanding, overdue}: of the week,
            deliveries: {'not_sent', 'never_opened', 'rejected': {count, amount, rows: [{id, name, partner_name,
                invoice_date, date_due, days (until due), amount, state, channel, day, reason}]}}: of the unpaid
                invoices as it is now, whatever as_of; at most LISTED rows each, first due first}
            amounts in report currency; None = undefined
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options, own=('weeks',))
        count = self._read_choice(opts, 'weeks', 8)
        ledger = self.env['ar.ledger']
        currency, rates = ledger._report_currency(opts)
        mondays = kpi.week_starts(opts['as_of'], count - 1, 0)
        course = self._get_course(opts, mondays, currency, rates)
        collectors = self._get_groups(opts, 'collector', mondays[-1])
        targets = self.env['ar.kpi.target']._get_collector_targets(opts, mondays[-1], currency, rates)
        for row in collectors:
            row['target'] = targets.get(row['id'])
            row['achieved'] = _achieved(row['collected'], row['target'])
        customers = [row for row in self._get_groups(opts, 'partner', mondays[-1]) if row['billed'] or row['collected']]
        customers.sort(key=lambda row: (-row['collected'], -row['billed'], row['name']))
        return {
            'as_of': opts['as_of'].isoformat(),
            'weeks': count,
            'company_ids': opts['company_ids'],
            'collector_ids': opts['collector_ids'] or [],
            'risk_class_ids': opts['risk_class_ids'] or [],
            'currency_id': currency.id,
            'date_from': mondays[-1].isoformat(),
            'course': course,
            'collectors': collectors,
            'customers': customers,
            'totals': {key: course[-1][key] for key in ('billed', 'collected', 'outstanding', 'overdue')},
            'deliveries': self._get_deliveries(opts, currency, rates),
        }

    # === FACTS === #

    def _get_course(self, opts, mondays, currency, rates):
        """A row per week, in a fixed number of queries."""
        ledger = self.env['ar.ledger']
        ends = [min(monday + timedelta(days=6), opts['as_of']) for monday in mondays]
        moved = {week: (billed, collected) for _key, week, billed, collected in ledger._moved(opts, mondays[0], None)}
        points = ledger._point_facts(opts, ends)
        targets = self.env['ar.kpi.target']._get_targets(opts, mondays, currency, rates).get('collected_week')
        # today's are the aged receivables', to the cent also where companies' currencies are converted
        scope = {key: opts[key] for key in ('as_of', 'company_ids', 'collector_ids', 'risk_class_ids')}
        now = ledger.aged_balance({**scope, 'bucket_limits': [90], 'limit': 1})['totals']
        points['receivable'][-1] = now['total']
        points['overdue'][-1] = currency.round(sum(now['amounts'][1:]))
        rows = []
        for number, (monday, end) in enumerate(zip(mondays, ends, strict=True)):
            billed, collected = moved.get(monday, (0.0, 0.0))
            target = targets[number] if targets else None
            rows.append({
                'week': monday.isoformat(), 'date_to': end.isoformat(), 'billed': billed, 'collected': collected,
                'target': target, 'achieved': _achieved(collected, target),
                'outstanding': points['receivable'][number], 'overdue': points['overdue'][number]})
        return rows

    def _get_groups(self, opts, group_by, monday):
        """What was billed and collected since Monday and is outstanding now, by group, in order of names."""
        ledger = self.env['ar.ledger']
        moved = {key or False: (billed, collected)
                 for key, _week, billed, collected in ledger._moved(opts, monday, group_by)}
        scope = {key: opts[key] for key in ('as_of', 'company_ids', 'collector_ids', 'risk_class_ids')}
        if group_by == 'partner':
            scope['partner_ids'] = [key for key in moved if key]
        aged = ledger.aged_balance({**scope, 'group_by': group_by, 'bucket_limits': [90]})['rows']
        found = {row['id']: (row['name'], row['total'], sum(row['amounts'][1:])) for row in aged}
        names = self._get_names(group_by, [key for key in moved if key not in found])
        rows = []
        for key in {**found, **moved}:
            name, outstanding, overdue = found.get(key) or (names[key], 0.0, 0.0)
            billed, collected = moved.get(key, (0.0, 0.0))
            rows.append({'id': key, 'name': name, 'billed': billed, 'collected': collected,
                         'outstanding': outstanding, 'overdue': overdue})
        return sorted(rows, key=lambda row: (not row['id'], row['name']))

    def _get_names(self, group_by, keys):
        """{id: name} of groups that owe nothing any more."""
        model = 'res.users' if group_by == 'collector' else 'res.partner'
        # sudo: names of the groups the user's own items fall into
        records = self.env[model].sudo().browse([key for key in keys if key])
        names = {record.id: record.display_name for record in records}
        names[False] = self.env._("No collector") if group_by == 'collector' else self.env._("No customer")
        return names

    def _delivery_domains(self, opts):
        """{reason: domain over account.move} of unpaid invoices that may not have arrived."""
        soon = (self.env.company._ar_today() + timedelta(days=DUE_DAYS)).isoformat()
        unpaid = self.env['ar.kpi.report']._of_customers(opts) & Domain([
            ('move_type', 'in', ('out_invoice', 'out_receipt')), ('state', '=', 'posted'),
            ('amount_residual', '!=', 0)])
        return {
            'not_sent': unpaid & Domain('ar_delivery_state', 'in', ('not_sent', 'untraced')),
            'never_opened': unpaid & Domain('invoice_date_due', '<=', soon) & Domain('ar_delivery_state', '=', 'sent'),
            'rejected': unpaid & Domain('ar_delivery_state', 'in', ('bounced', 'failed')),
        }

    def _get_deliveries(self, opts, currency, rates):
        """What did not arrive, by reason: two queries each."""
        moves = self.env['account.move']
        today = self.env.company._ar_today()
        result = {}
        for reason, domain in self._delivery_domains(opts).items():
            groups = moves._read_group(domain, ['company_id'], ['__count', 'amount_residual_signed:sum'])
            listed = moves.search(domain, order='invoice_date_due, id', limit=LISTED) if groups else moves
            result[reason] = {
                'count': sum(count for _company, count, _amount in groups),
                'amount': currency.round(sum(
                    currency.round(amount * float(rates.get(company.id, 1))) for company, _count, amount in groups)),
                'rows': [{
                    'id': move.id, 'name': move.name, 'partner_name': move.commercial_partner_id.name,
                    'invoice_date': move.invoice_date and move.invoice_date.isoformat(),
                    'date_due': move.invoice_date_due and move.invoice_date_due.isoformat(),
                    'days': move.invoice_date_due and (move.invoice_date_due - today).days,
                    'amount': currency.round(move.amount_residual_signed * float(rates.get(move.company_id.id, 1))),
                    'state': move.ar_delivery_state, 'channel': move.ar_delivery_channel,
                    'day': move.ar_delivery_date and move.ar_delivery_date.isoformat(),
                    'reason': move.ar_delivery_reason,
                } for move in listed],
            }
        return result

    # === DRILL-DOWN === #

    @api.model
    @api.readonly
    def get_drill(self, key, options):
        """Return the action that shows what is behind a figure.

        :param str key: 'billed', 'collected', or a reason of `deliveries`
        :param dict options: as `get_data`; as_of: the last day of the week (from its Monday on)
        :raise AccessError, UserError: as `get_data`
        """
        opts = self._read_options(options, own=('weeks', 'partner_ids'))
        opts['partner_ids'] = self.env['ar.ledger']._read_ids('partner_ids', options.get('partner_ids'))
        report = self.env['ar.kpi.report']
        begin, end = kpi.week_start(opts['as_of']) - timedelta(days=1), opts['as_of']
        if key in PARTS:
            return {**self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_delivery_action'),
                    'domain': list(self._delivery_domains(opts)[key]), 'context': {'create': False}}
        make = report._drill_sales if key == 'billed' else report._drill_collected_week
        return {'type': 'ir.actions.act_window', 'views': [(False, 'list'), (False, 'form')], **make(opts, begin, end)}

    # === TABLES === #

    def _get_filters(self):
        return [
            self._filter_as_of(self.env._("Week of")),
            self._filter_choice('weeks', self.env._("Course"), [
                (count, self.env._("%s weeks", count)) for count in WEEKS]),
            {'key': 'collector_ids', 'type': 'records', 'model': 'res.users', 'domain': [('share', '=', False)],
             'label': self.env._("Collectors")},
            {'key': 'risk_class_ids', 'type': 'records', 'model': 'ar.credit.class', 'domain': [],
             'label': self.env._("Risk Classes")},
        ]

    def _get_tables(self, data):
        scope = {key: data[key] for key in ('collector_ids', 'risk_class_ids', 'company_ids') if data[key]}
        return [
            self._make_course_table(data, scope), self._make_group_table(data, scope, 'collectors'),
            self._make_group_table(data, scope, 'customers'),
            *(self._make_delivery_table(data, scope, reason) for reason in PARTS)]

    def _make_columns(self, name, keys):
        labels = {
            'billed': self.env._("Billed"), 'collected': self.env._("Collected"), 'target': self.env._("Target"),
            'achieved': self.env._("Achieved"), 'outstanding': self.env._("Outstanding"),
            'overdue': self.env._("Overdue")}
        titles = {
            'billed': self.env._("Invoiced in the week, with tax, credit notes deducted"),
            'collected': self.env._("Money that came in, matched or not; what was paid back is deducted"),
            'achieved': self.env._("Collected, as a share of the target"),
            'outstanding': self.env._("Open items at the end of the week, unapplied credits deducted"),
            'overdue': self.env._("Past the due date at the end of the week, credits not deducted")}
        return [{'key': 'name', 'label': name, 'type': 'text'}, *({
            'key': key, 'label': labels[key], 'type': 'percent' if key == 'achieved' else 'amount',
            **({'title': titles[key]} if key in titles else {}), 'phone': key not in ('billed', 'target', 'overdue'),
        } for key in keys)]

    def _make_drills(self, options):
        return {key: {'method': 'get_drill', 'args': [key, options]} for key in ('billed', 'collected')}

    def _make_course_table(self, data, scope):
        """The weeks, the latest first."""
        keys = ('billed', 'collected', 'target', 'achieved', 'outstanding', 'overdue')
        labels = [format_date(self.env, row['week']) for row in data['course']]
        datasets = [{'label': self.env._("Collected"), 'data': [row['collected'] for row in data['course']]}]
        if any(row['target'] is not None for row in data['course']):
            datasets.append({'label': self.env._("Target"), 'data': [row['target'] for row in data['course']],
                             'isTarget': True})
        return {
            'key': 'course', 'title': self.env._("By Week"), 'columns': self._make_columns(self.env._("Week"), keys),
            'chart': {'title': self.env._("Collected by week"), 'type': 'bar', 'labels': labels, 'datasets': datasets},
            'rows': [{
                'key': row['week'], 'level': 0, 'drill': None, 'drills': self._make_drills(
                    {**scope, 'as_of': row['date_to']}),
                'cells': {**{key: row[key] for key in keys}, 'name': self.env._(
                    "%(first)s to %(last)s", first=format_date(self.env, row['week']),
                    last=format_date(self.env, row['date_to']))},
            } for row in reversed(data['course'])]}

    def _make_group_table(self, data, scope, group):
        """The week by collector or by customer, with its total."""
        is_collector = group == 'collectors'
        keys = ('billed', 'collected', *(('target', 'achieved') if is_collector else ()), 'outstanding', 'overdue')
        week = self.env._(
            "%(first)s to %(last)s", first=format_date(self.env, data['date_from']),
            last=format_date(self.env, data['as_of']))
        rows = [{
            'key': f"{group}-{row['id'] or 0}", 'level': 0,
            'drill': None if is_collector or not row['id'] else {
                'model': 'res.partner', 'res_id': row['id'], 'name': row['name']},
            'drills': self._make_drills({
                **scope, 'as_of': data['as_of'],
                ('collector_ids' if is_collector else 'partner_ids'): [row['id'] or 0]}) if is_collector or row['id']
            else {},
            'cells': {key: row[key] for key in ('name', *keys)}} for row in data[group]]
        if rows:
            summed = ('billed', 'collected', *(('outstanding', 'overdue') if is_collector else ()))
            rows.append({'key': 'total', 'level': 'total', 'drill': None, 'cells': {
                'name': self.env._("Total"), **{key: data['totals'][key] for key in summed}}})
        return {
            'key': group, 'title': self.env._("By Collector") if is_collector else self.env._("By Customer"),
            'note': week if is_collector else self.env._("%s: customers who were billed or paid.", week),
            'columns': self._make_columns(
                self.env._("Collector") if is_collector else self.env._("Customer"), keys),
            'rows': rows, 'empty': self.env._("Nothing was billed, collected or owed.") if is_collector
            else self.env._("Nobody was billed or paid in this week.")}

    def _make_delivery_table(self, data, scope, reason):
        """Unpaid invoices that may not have arrived."""
        part = data['deliveries'][reason]
        titles = {
            'not_sent': self.env._("Not Sent Yet"), 'never_opened': self.env._("Sent, Never Opened"),
            'rejected': self.env._("Bounced or Failed")}
        notes = {
            'not_sent': self.env._("Unpaid invoices that did not leave Odoo, as it is now."),
            'never_opened': self.env._(
                "Sent, due within %s days or overdue, and neither opened (online, or the e-mail where that is tracked)"
                " nor answered, as it is now.", DUE_DAYS),
            'rejected': self.env._("Unpaid invoices whose e-mail, letter or e-invoice came back or failed, as it is"
                                   " now.")}
        states = dict(self.env['account.move']._fields['ar_delivery_state']._description_selection(self.env))
        rows = [{
            'key': f"{reason}-{row['id']}", 'level': 0,
            'drill': {'model': 'account.move', 'res_id': row['id'], 'name': row['name']},
            'cells': {**{key: row[key] for key in (
                'name', 'partner_name', 'invoice_date', 'date_due', 'days', 'amount', 'day', 'reason')},
                'state': states[row['state']]}} for row in part['rows']]
        if rows:
            rows.append({
                'key': 'total', 'level': 'total', 'drill': {'method': 'get_drill', 'args': [
                    reason, {**scope, 'as_of': data['as_of']}]},
                'cells': {'name': self.env._("All %s", part['count']), 'amount': part['amount']}})
        return {
            'key': reason, 'title': titles[reason], 'note': notes[reason], 'rows': rows,
            'empty': self.env._("None."), 'columns': [
                {'key': 'name', 'label': self.env._("Invoice"), 'type': 'text'},
                {'key': 'partner_name', 'label': self.env._("Customer"), 'type': 'text'},
                {'key': 'invoice_date', 'label': self.env._("Invoice Date"), 'type': 'date', 'phone': False},
                {'key': 'date_due', 'label': self.env._("Due Date"), 'type': 'date', 'phone': False},
                {'key': 'days', 'label': self.env._("Days until Due"), 'type': 'integer'},
                {'key': 'amount', 'label': self.env._("Open"), 'type': 'amount'},
                {'key': 'state', 'label': self.env._("Delivery"), 'type': 'text', 'phone': False},
                {'key': 'day', 'label': self.env._("Date"), 'type': 'date', 'phone': False},
                {'key': 'reason', 'label': self.env._("Reason"), 'type': 'text', 'phone': False}]}


def _achieved(collected, target):
    """Share of a target; None without one."""
    share = kpi.share(collected, target or 0)
    return None if share is None else share / 100
