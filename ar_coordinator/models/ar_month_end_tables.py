"""Parts of the month-end pack that have screens of their own elsewhere: aged receivables, key figures, provision."""
from odoo import api, models


class ArMonthEndAging(models.AbstractModel):
    _name = 'ar.month.end.aging'
    _inherit = ['ar.table.report']
    _description = "Aged Receivables"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the aged receivables as `ar.aging.report.get_data` has them, with company_ids beside.

        :param dict options: as_of, company_ids, group_by
        :raise AccessError, UserError: as there
        """
        opts = self._read_options(options)
        data = self.env['ar.aging.report'].get_data({
            'as_of': opts['as_of'], 'company_ids': opts['company_ids'], 'group_by': opts['groups'][0]})
        return {**data, 'company_ids': opts['company_ids']}

    def _get_title(self, data):
        """Override: says what the rows are."""
        return self.env._(
            "Aged Receivables by %s", self.env['ar.aging.report']._group_labels()[data['group_by']])

    def _get_filters(self):
        labels = self.env['ar.aging.report']._group_labels()
        return [self._filter_as_of(), self._filter_choice('group_by', self.env._("Grouped by"), list(labels.items()))]

    def _get_tables(self, data):
        labels = {'unapplied': self.env._("Unapplied"), 'total': self.env._("Total"),
                  'disputed': self.env._("Disputed"), 'promised': self.env._("Promised")}
        columns = [
            {'key': 'name', 'label': self.env['ar.aging.report']._group_labels()[data['group_by']], 'type': 'text'},
            *({'key': bucket['key'], 'label': bucket['label'], 'type': 'amount'} for bucket in data['buckets']),
            *({'key': key, 'label': label, 'type': 'amount'} for key, label in labels.items())]
        keys = [bucket['key'] for bucket in data['buckets']]

        def make_row(row, key, name, **more):
            cells = dict(zip(keys, row['amounts'], strict=True))
            return {'key': key, 'cells': {'name': name, **cells, **{label: row[label] for label in labels}}, **more}
        rows = [make_row(row, f'group-{row["id"]}', row['name']) for row in data['rows']]
        if rows:
            rows.append(make_row(data['totals'], 'total', self.env._("Total"), level='total'))
        difference = data['difference_to_ledger']
        checks = [{'label': self.env._("Difference to the general ledger"), 'amount': difference, 'ok': not difference}]
        checks += [{'label': part['label'], 'amount': part['amount'], 'ok': False} for part in data['differences']]
        return [{'key': 'aging', 'columns': columns, 'rows': rows, 'checks': checks, 'currency_id': data['currency_id'],
                 'empty': self.env._("No receivable was open on this date.")}]


class ArMonthEndKpi(models.AbstractModel):
    _name = 'ar.month.end.kpi'
    _inherit = ['ar.table.report']
    _description = "Key Figures of Receivables"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the key figures at a date and at the end of the month before (see `ar.kpi.report.get_data`).

        :param dict options: as_of, company_ids
        :return: {as_of, company_ids, currency_id, window_days, figures: [{key, label, unit, formula, value, before}]}
        :raise AccessError, UserError: as there
        """
        opts = self._read_options(options)
        data = self.env['ar.kpi.report'].get_data(
            {'as_of': opts['as_of'], 'company_ids': opts['company_ids'], 'months': 2})
        before, now = data['series']
        return {
            'as_of': data['as_of'], 'company_ids': opts['company_ids'], 'currency_id': data['currency_id'],
            'window_days': data['window_days'], 'before': before['month'],
            'figures': [
                {**{name: definition[name] for name in ('key', 'label', 'unit', 'formula')},
                 'value': now[definition['key']], 'before': before[definition['key']]}
                for definition in data['definitions'] if definition['key'] in now]}

    def _get_filters(self):
        return [self._filter_as_of()]

    def _get_tables(self, data):
        units = {'days': self.env._("days"), 'percent': "%", 'times': self.env._("times"),
                 'amount': self.env['res.currency'].browse(data['currency_id']).name}
        return [{
            'key': 'kpi',
            'note': self.env._(
                "Sales and payments of %s days. A dash: the figure has no meaning.", data['window_days']),
            'columns': [
                {'key': 'name', 'label': self.env._("Figure"), 'type': 'text'},
                {'key': 'unit', 'label': self.env._("Unit"), 'type': 'text'},
                {'key': 'value', 'label': self.env._("At the date"), 'type': 'number'},
                {'key': 'before', 'label': self.env._("A month before"), 'type': 'number'}],
            'rows': [
                {'key': figure['key'], 'cells': {
                    'name': figure['label'], 'unit': units[figure['unit']], 'value': figure['value'],
                    'before': figure['before']}} for figure in data['figures']]}]


class ArMonthEndProvision(models.AbstractModel):
    _name = 'ar.month.end.provision'
    _inherit = ['ar.table.report']
    _description = "Provision for Expected Credit Losses"

    @api.model
    @api.readonly
    def get_data(self, options=None):
        """Return the provision of a company for a day: the booked one, else the proposal.

        :param dict options: as_of, company_ids (one provision per company)
        :return: {as_of, company_ids, currency_id, provisions: [{id, company_id, currency_id, state, entry, matrix,
            individual, total, previous, change, lines: [{name, gross, apart, base, rate, amount, is_manual}],
            individuals: [{name, reason, gross, rate, amount}]}]}
        :raise AccessError, UserError: as `ar.ledger`
        """
        opts = self._read_options(options)
        records = self.env['ar.provision'].search([
            ('company_id', 'in', opts['company_ids']), ('date', '=', opts['as_of']), ('state', '!=', 'cancelled')],
            order='state, id desc')  # booked before draft
        chosen = self.env['ar.provision']
        for record in records:
            if record.company_id not in chosen.company_id:
                chosen |= record
        currency, _rates = self.env['ar.ledger']._report_currency(opts)
        return {
            'as_of': opts['as_of'].isoformat(), 'company_ids': opts['company_ids'], 'currency_id': currency.id,
            'provisions': [self._read_provision(record) for record in chosen]}

    def _read_provision(self, record):
        reasons = dict(record.individual_ids._fields['reason']._description_selection(self.env))
        return {
            'id': record.id, 'company_id': record.company_id.id, 'currency_id': record.currency_id.id,
            'state': record.state, 'entry': record.move_id.name or "", 'matrix': record.amount_matrix,
            'individual': record.amount_individual, 'total': record.amount_total, 'previous': record.amount_previous,
            'change': record.amount_change,
            'lines': [
                {name: line[name] for name in ('name', 'gross', 'apart', 'base', 'rate', 'amount', 'is_manual')}
                for line in record.line_ids],
            'individuals': [
                {'name': line.partner_id.display_name, 'reason': reasons[line.reason], 'gross': line.gross,
                 'rate': line.rate, 'amount': line.amount} for line in record.individual_ids]}

    def _get_filters(self):
        return [self._filter_as_of()]

    def _get_tables(self, data):
        if not data['provisions']:
            return [{'key': 'none', 'columns': [{'key': 'name', 'label': "", 'type': 'text'}], 'rows': [],
                     'empty': self.env._("There is no provision for this date.")}]
        tables = []
        for values in data['provisions']:
            tables += [self._get_matrix(values), self._get_individuals(values)]
        return tables

    def _get_matrix(self, values):
        rows = [
            {'key': f'line-{number}', 'cells': {
                **line, 'remark': self.env._("Set by hand") if line['is_manual'] else None}}
            for number, line in enumerate(values['lines'])]
        for key, label in (
            ('matrix', self.env._("By matrix")), ('individual', self.env._("Individual")),
            ('total', self.env._("Provision")), ('previous', self.env._("Previous provision")),
            ('change', self.env._("Change")),
        ):
            rows.append({'key': key, 'level': 'total', 'cells': {'name': label, 'amount': values[key]}})
        booked = values['state'] == 'booked'
        state = self.env._("Booked: %s", values['entry']) if booked else self.env._("Proposal, not booked")
        return {
            'key': f'matrix-{values["id"]}', 'title': self.env._("Matrix"), 'note': state, 'rows': rows,
            'currency_id': values['currency_id'], 'columns': [
                {'key': 'name', 'label': self.env._("Days overdue"), 'type': 'text'},
                {'key': 'gross', 'label': self.env._("Open"), 'type': 'amount'},
                {'key': 'apart', 'label': self.env._("Individual"), 'type': 'amount'},
                {'key': 'base', 'label': self.env._("In the matrix"), 'type': 'amount'},
                {'key': 'rate', 'label': self.env._("Rate"), 'type': 'percent'},
                {'key': 'amount', 'label': self.env._("Provision"), 'type': 'amount'},
                {'key': 'remark', 'label': self.env._("Remark"), 'type': 'text'}]}

    def _get_individuals(self, values):
        return {
            'key': f'individual-{values["id"]}', 'title': self.env._("Individual provisions"),
            'currency_id': values['currency_id'], 'empty': self.env._("No customer is provided for individually."),
            'rows': [{'key': f'customer-{number}', 'cells': line} for number, line in enumerate(values['individuals'])],
            'columns': [
                {'key': 'name', 'label': self.env._("Customer"), 'type': 'text'},
                {'key': 'reason', 'label': self.env._("Reason"), 'type': 'text'},
                {'key': 'gross', 'label': self.env._("Open"), 'type': 'amount'},
                {'key': 'rate', 'label': self.env._("Rate"), 'type': 'percent'},
                {'key': 'amount', 'label': self.env._("Provision"), 'type': 'amount'}]}
