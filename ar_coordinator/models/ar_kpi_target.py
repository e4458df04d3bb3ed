"""What a company wants its key figures to be: the target lines of the dashboard, and what collectors are to collect."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import kpi
from .ar_ledger import FILTERS

# what a target can be set for, and its unit
TARGET_UNITS = {
    'dso': 'days', 'countback_dso': 'days', 'average_days_delinquent': 'days', 'cei': 'percent',
    'average_payment_delay': 'days', 'turnover': 'times', 'overdue_share': 'percent', 'over_90_share': 'percent',
    'disputed_share': 'percent', 'promise_kept_rate': 'percent', 'dunning_success': 'percent',
    'collected_week': 'amount'}


class ArKpiTarget(models.Model):
    _name = 'ar.kpi.target'
    _description = "Receivables Target"
    _inherit = ['ar.guard']
    _order = 'company_id, kpi, user_id, date_from desc'
    _check_company_auto = True

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    kpi = fields.Selection(
        selection=lambda self: self._get_kpi_selection(), string="Key Figure", required=True, default='collected_week')
    user_id = fields.Many2one(
        comodel_name='res.users', string="Collector", index='btree_not_null', ondelete='cascade',
        domain=[('share', '=', False)], help="Empty: for the whole company. Only what is collected has targets per"
                                             " collector.")
    value = fields.Float(
        string="Target", required=True, digits=(16, 2), aggregator=None,
        help="In days, per cent or times, as the figure; what is collected in a week in the company's currency.")
    unit = fields.Char(compute='_compute_unit')
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self.env.company._ar_today().replace(day=1),
        help="The target applies from this day until the next one of the same figure begins.")

    _target_uniq = models.UniqueIndex(
        "(company_id, kpi, (COALESCE(user_id, 0)), date_from)",
        "There is a target for this figure from the same day already.")

    @api.model
    def _get_kpi_selection(self):
        labels = {one['key']: one['label'] for one in self.env['ar.kpi.report']._get_definitions()}
        return [(key, labels[key]) for key in TARGET_UNITS]

    @api.depends('kpi', 'company_id')
    @api.depends_context('lang')
    def _compute_unit(self):
        words = {'days': self.env._("days"), 'percent': "%", 'times': self.env._("times")}
        for target in self:
            target.unit = words.get(TARGET_UNITS.get(target.kpi)) or target.company_id.currency_id.name

    @api.depends('kpi', 'user_id', 'date_from')
    @api.depends_context('lang')
    def _compute_display_name(self):
        labels = dict(self._get_kpi_selection())
        for target in self:
            target.display_name = ", ".join(filter(None, (labels.get(target.kpi), target.user_id.name)))

    @api.constrains('kpi', 'user_id', 'value')
    def _check_target(self):
        for target in self:
            if target.user_id and target.kpi != 'collected_week':
                raise ValidationError(self.env._(
                    "%s: only what is collected in a week has targets per collector. Leave the collector empty.",
                    target.display_name))
            if target.value < 0 and target.kpi != 'average_payment_delay':
                raise ValidationError(self.env._("%s: the target cannot be negative.", target.display_name))

    @api.model
    def _get_targets(self, opts, days, currency, rates):
        """Return the targets of the dashboard along `days`. One query.

        Of several companies amounts are added, and other figures have a target only where the companies agree. When
        collectors are chosen, theirs are added. A target is about whole companies: other filters have none.

        :param dict opts: as `ar.ledger._read_options` returns
        :param days: dates
        :param currency: res.currency of the report
        :param dict rates: {company id: rate to the report's currency} where companies differ, as `_report_currency`
        :return: {kpi: [value or None per day]}, only of figures that have any
        """
        if any(opts.get(name) is not None for name in ('partner_ids', *FILTERS) if name != 'collector_ids'):
            return {}
        collectors = opts.get('collector_ids') or []
        if not all(collectors):  # customers of nobody are nobody's target
            return {}
        own = {}
        for target in self.search([('company_id', 'in', opts['company_ids'])]):
            if bool(collectors) == bool(target.user_id) or target.kpi == 'collected_week':
                own.setdefault((target.kpi, target.company_id.id), {}).setdefault(target.user_id.id, []).append(
                    (target.date_from, target.value))
        targets = {}
        for key in {key for key, _company in own}:
            values = [
                self._combine(key, [
                    self._of_company(own.get((key, company_id), {}), day, collectors) for company_id
                    in opts['company_ids']], [float(rates.get(company_id, 1)) for company_id in opts['company_ids']],
                    currency)
                for day in days]
            if any(value is not None for value in values):
                targets[key] = values
        return targets

    @api.model
    def _get_collector_targets(self, opts, day, currency, rates):
        """Return {user id: what the collector is to collect in the week of a day}, companies added. One query."""
        dated = {}
        for target in self.search([
                ('company_id', 'in', opts['company_ids']), ('kpi', '=', 'collected_week'), ('user_id', '!=', False)]):
            dated.setdefault((target.user_id.id, target.company_id.id), []).append((target.date_from, target.value))
        totals = {}
        for (user_id, company_id), targets in dated.items():
            if (value := kpi.target_at(targets, day)) is not None:
                totals[user_id] = totals.get(user_id, 0.0) + currency.round(value * float(rates.get(company_id, 1)))
        return totals

    def _of_company(self, by_user, day, collectors):
        """The target of one company at a day: of the collectors chosen, else its own, else its collectors' together."""
        users = collectors or ([False] if False in by_user else list(by_user))
        values = [kpi.target_at(by_user.get(user, ()), day) for user in users]
        if collectors:
            return sum(values) if values and None not in values else None
        values = [value for value in values if value is not None]
        return sum(values) if values else None

    def _combine(self, key, values, rates, currency):
        """One target of several companies."""
        if None in values:
            return None
        if TARGET_UNITS[key] == 'amount':
            return currency.round(sum(value * rate for value, rate in zip(values, rates, strict=True)))
        return values[0] if len(set(values)) == 1 else None
