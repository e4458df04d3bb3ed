"""The key figures as tables, for files: a row per month, the latest first, and what was wanted."""
from odoo import models

GROUPS = {
    'duration': (
        'dso', 'countback_dso', 'best_possible_dso', 'average_days_delinquent', 'average_payment_delay', 'turnover'),
    'shares': ('cei', 'overdue_share', 'over_90_share', 'disputed_share', 'promise_kept_rate', 'dunning_success'),
    'amounts': ('receivable', 'overdue', 'disputed', 'sales', 'collected', 'collected_week'),
}
TYPES = {'days': 'days', 'times': 'number', 'percent': 'percent', 'amount': 'amount'}


class ArKpiReport(models.AbstractModel):
    _inherit = 'ar.kpi.report'

    def _get_tables(self, data):
        """One table per kind of figure, and what each level's letters brought."""
        definitions = {one['key']: one for one in data['definitions']}
        titles = {
            'duration': self.env._("Days and Turnover"), 'shares': self.env._("Shares"),
            'amounts': self.env._("Amounts")}
        tables = [{
            'key': group, 'title': titles[group],
            'columns': [{'key': 'month', 'label': self.env._("As of"), 'type': 'date'}, *(
                {'key': key, 'label': definitions[key]['label'], 'type': TYPES[definitions[key]['unit']],
                 'title': definitions[key]['formula']} for key in keys)],
            'rows': self._make_rows(data, {key: definitions[key]['unit'] for key in keys}),
        } for group, keys in GROUPS.items()]
        return [*tables, self._make_levels_table(data)]

    def _make_rows(self, data, units):
        """A row per month and one of today's targets; per cent become shares."""
        def cells(values):
            return {key: values.get(key) / 100 if unit == 'percent' and values.get(key) is not None
                    else values.get(key) for key, unit in units.items()}

        rows = [{
            'key': point['month'], 'level': 0, 'drill': None,
            'cells': {'month': point['month'], **cells(point)},
        } for point in reversed(data['series'])]
        if any(key in data['targets'] for key in units):
            rows.append({'key': 'target', 'level': 'total', 'drill': None, 'cells': {
                'month': self.env._("Target"),
                **{key: value for key, value in cells(data['targets']).items() if value is not None}}})
        return rows

    def _make_levels_table(self, data):
        return {
            'key': 'levels', 'title': self.env._("Dunning Success by Level"),
            'note': next(one['formula'] for one in data['definitions'] if one['key'] == 'dunning_success'),
            'empty': self.env._("No letter's days to pay ended in the window."),
            'columns': [
                {'key': 'name', 'label': self.env._("Level"), 'type': 'text'},
                {'key': 'asked', 'label': self.env._("Asked"), 'type': 'amount'},
                {'key': 'paid', 'label': self.env._("Paid"), 'type': 'amount'},
                {'key': 'share', 'label': self.env._("Success"), 'type': 'percent'}],
            'rows': [{
                'key': f"level-{level['level_id']}", 'level': 0, 'drill': None,
                'cells': {'name': level['name'], 'asked': level['asked'], 'paid': level['paid'],
                          'share': None if level['share'] is None else level['share'] / 100}}
                for level in data['dunning_levels']],
        }
