"""The cash forecast as tables: weeks by customer, the three cases side by side, or the items behind one column."""
from odoo import models
from odoo.tools.misc import format_date

from ..engine.forecast import SCENARIOS
from .ar_ledger import FILTERS

ROWS_WITH_DRILLS = 1000  # more rows than anybody unfolds; the drills of all would weigh more than the figures
PHONE_WEEKS = 2


class ArCashForecast(models.AbstractModel):
    _inherit = 'ar.cash.forecast'

    def _get_title(self, data):
        title = self.env._("Cash Forecast")
        parts = [self._get_labels(data)[data['column']]] if data['column'] else []
        parts += [row['name'] for row in data['rows']] if data['group_id'] is not None else []
        return self.env._("%(title)s: %(what)s", title=title, what=", ".join(parts)) if parts else title

    def _get_filters(self):
        def chosen(key, label, model):
            return {'key': key, 'type': 'records', 'model': model, 'domain': [], 'label': label}
        return [
            self._filter_as_of(),
            self._filter_choice('scenario', self.env._("Case"), [
                ('best', self.env._("Best case")), ('likely', self.env._("Likely")),
                ('worst', self.env._("Worst case"))]),
            self._filter_choice('group_by', self.env._("Group by"), [
                ('partner', self.env._("Customer")), ('parent', self.env._("Parent")),
                ('credit_group', self.env._("Credit group")), ('collector', self.env._("Collector")),
                ('salesperson', self.env._("Salesperson")), ('country', self.env._("Country")),
                ('tag', self.env._("Tag")), ('risk_class', self.env._("Risk class")),
                ('currency', self.env._("Currency")), ('account', self.env._("Account")),
                ('company', self.env._("Company"))]),
            self._filter_customers(),
            chosen('collector_ids', self.env._("Collectors"), 'res.users'),
            chosen('risk_class_ids', self.env._("Risk Classes"), 'ar.credit.class'),
            chosen('currency_ids', self.env._("Currencies"), 'res.currency'),
        ]

    def _get_tables(self, data):
        if data['column']:
            return [self._get_items_table(data)]
        if not data['item_count']:
            return [{'key': 'forecast', 'columns': [], 'rows': [], 'empty': self.env._(
                "Nothing is open on this date: there is no money to wait for.")}]
        return [self._get_main_table(data), self._get_cases_table(data)]

    # === WEEKS === #

    def _get_labels(self, data):
        """Return {column: its heading}."""
        return {
            **{week['key']: self._span(week['date_from'], week['date_to']) for week in data['weeks']},
            'later': self.env._("Later"), 'doubtful': self.env._("Doubtful"), 'disputed': self.env._("Disputed"),
            'credits': self.env._("Credits"),
        }

    def _span(self, first, last):
        """Return the days of a week, short."""
        if first == last:
            return self._day(last)
        same_month = first[:7] == last[:7]
        return f"{format_date(self.env, first, date_format='d' if same_month else 'd MMM')}–{self._day(last)}"

    def _day(self, day):
        return format_date(self.env, day, date_format='d MMM')

    def _get_amount_columns(self, data):
        """Return the columns of the cells."""
        titles = {
            'later': self.env._("Not due before the end of these weeks"),
            'doubtful': self.env._("Due in these weeks or before them, but not expected in them"),
            'disputed': self.env._("There is no day for what is disputed"),
            'credits': self.env._("Unapplied credits, less the items they cover: no money will come for these"),
        }
        columns = []
        for number, (key, label) in enumerate(self._get_labels(data).items()):
            column = {'key': key, 'label': label, 'type': 'amount', 'phone': number < PHONE_WEEKS}
            if key in titles:
                column['title'] = titles[key]
            columns.append(column)
        columns.insert(len(data['weeks']), {
            'key': 'weeks', 'label': self.env._("%s weeks", len(data['weeks'])), 'type': 'amount',
            'title': self.env._("Expected in these weeks together")})
        return columns

    def _get_main_table(self, data):
        name = next(
            choice['label'] for one in self._get_filters() if one['key'] == 'group_by'
            for choice in one['choices'] if choice['value'] == data['group_by'])
        rows = [
            self._make_row(data, row, number < ROWS_WITH_DRILLS) for number, row in enumerate(data['rows'])]
        rows.append({
            'key': 'total', 'level': 'total', 'drill': None, 'drills': self._get_drills(data, data['totals'], {}),
            'cells': {'name': self.env._("Total"), **self._get_cells(data, data['totals'])}})
        difference = data['difference_to_ledger']
        return {
            'key': 'forecast', 'currency_id': data['currency_id'], 'rows': rows,
            'columns': [
                {'key': 'name', 'label': name, 'type': 'text'}, *self._get_amount_columns(data),
                {'key': 'total', 'label': self.env._("Open"), 'type': 'amount'}],
            'note': self.env._(
                "Money expected on what is open on %(day)s. Invoices still to be written bring money on top.",
                day=format_date(self.env, data['as_of'])),
            'checks': [{
                'label': self.env._("Difference to the general ledger"), 'amount': difference, 'ok': not difference}],
            'chart': self._get_chart(data),
        }

    def _get_cells(self, data, row):
        return {
            **{week['key']: amount for week, amount in zip(data['weeks'], row['weeks'], strict=True)},
            'weeks': round(sum(row['weeks']), 6),
            **{name: row[name] for name in ('later', 'doubtful', 'disputed', 'credits', 'total')},
        }

    def _make_row(self, data, row, with_drills):
        is_customer = data['group_by'] == 'partner' and row['id']
        return {
            'key': f'{data["group_by"]}-{row["id"] or 0}', 'level': 0,
            'drill': {'model': 'res.partner', 'res_id': row['id'], 'name': row['name']} if is_customer else None,
            'drills': self._get_drills(data, row, {'group_id': row['id'] or 0}) if with_drills else {},
            'cells': {'name': row['name'], **self._get_cells(data, row)},
        }

    def _get_drills(self, data, row, group):
        """Return {column: the items behind it}; nothing leads nowhere."""
        options = {
            **{name: data[name] for name in ('as_of', 'scenario', 'group_by', 'partner_ids', *FILTERS)
               if data[name] is not None}, **group}
        return {
            key: {'action': 'ar_coordinator.ar_cash_forecast_action', 'options': {**options, 'column': key}}
            for key, amount in self._get_cells(data, row).items() if amount and key not in ('weeks', 'total')}

    # === CASES === #

    def _get_cases_table(self, data):
        labels = {one['value']: one['label'] for one in self._get_filters()[1]['choices']}
        rows = []
        for scenario in SCENARIOS:
            case = data['scenarios'][scenario]
            cells = {week['key']: amount for week, amount in zip(data['weeks'], case['cumulative'], strict=True)}
            rows.append({'key': scenario, 'level': 0, 'drill': None, 'cells': {'name': labels[scenario], **cells}})
        return {
            'key': 'cases', 'title': self.env._("Received by the end of the week"), 'rows': rows,
            'note': self.env._(
                "One in ten is better than the best case, one in ten worse than the worst, as far as the past goes."),
            'columns': [{'key': 'name', 'label': self.env._("Case"), 'type': 'text'}, *(
                {'key': week['key'], 'label': self._day(week['date_to']), 'type': 'amount',
                 'phone': number in (3, len(data['weeks']) - 1)}
                for number, week in enumerate(data['weeks']))],
        }

    def _get_chart(self, data):
        """Bars by week in the chosen case, and a line for each case: what has come by then."""
        labels = {one['value']: one['label'] for one in self._get_filters()[1]['choices']}
        return {
            'title': self.env._("Expected receipts"), 'type': 'bar',
            'labels': [self._day(week['date_to']) for week in data['weeks']],
            'datasets': [
                {'label': self.env._("%s, by week", labels[data['scenario']]), 'data': data['totals']['weeks'],
                 'order': 1},
                *({'label': self.env._("%s, together", labels[scenario]), 'type': 'line',
                   'data': data['scenarios'][scenario]['cumulative']} for scenario in SCENARIOS)],
        }

    # === ITEMS === #

    def _get_items_table(self, data):
        """The items behind one column, the biggest amounts first."""
        sources = {
            'promise': self.env._("Promise"), 'plan': self.env._("Payment plan"), 'habit': self.env._("Habit"), '': ""}
        companies = self.env['res.company'].browse(data['company_ids'])
        currencies = {company.id: company.currency_id.id for company in companies}
        label = self._get_labels(data)[data['column']]
        rows = [{
            'key': f'item-{item["id"]}', 'level': 0, 'currency_id': currencies[item['company_id']],
            'drill': {'model': 'account.move', 'res_id': item['move_id'], 'name': item['name']},
            'cells': {
                'name': item['name'], 'customer': item['partner_name'] or self.env._("No customer"), 'due': item['due'],
                'source': sources[item['source']], 'open': item['open'], 'amount': item['amount'],
                'share': item['amount'] / item['open'] if item['open'] else None},
        } for item in data['items']]
        if rows:
            whole = data['totals'] if data['group_id'] is None else data['rows'][0]
            rows.append({'key': 'total', 'level': 'total', 'drill': None, 'cells': {
                'name': self.env._("Total"), 'amount': self._get_cells(data, whole)[data['column']]}})
        return {
            'key': 'items', 'title': self._get_title(data), 'currency_id': data['currency_id'], 'rows': rows,
            'empty': self.env._("Nothing is expected here."),
            'columns': [
                {'key': 'name', 'label': self.env._("Item"), 'type': 'text'},
                {'key': 'customer', 'label': self.env._("Customer"), 'type': 'text', 'phone': False},
                {'key': 'due', 'label': self.env._("Due Date"), 'type': 'date'},
                {'key': 'source', 'label': self.env._("Expected by"), 'type': 'text', 'phone': False,
                 'title': self.env._("What the day is taken from: a promise, a payment plan, or how customers pay")},
                {'key': 'open', 'label': self.env._("Open"), 'type': 'amount', 'phone': False},
                {'key': 'share', 'label': self.env._("Share"), 'type': 'percent', 'phone': False,
                 'title': self.env._("How likely it is that the money comes in this column")},
                {'key': 'amount', 'label': label, 'type': 'amount'}],
        }

    def _get_parameters(self, data):
        """Override of `ar.table.report`: files say which column they are about."""
        parameters = super()._get_parameters(data)
        if data['column']:
            parameters.insert(1, (self.env._("Column"), self._get_labels(data)[data['column']]))
        return parameters
