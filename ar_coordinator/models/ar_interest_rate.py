"""Reference rates of late-payment interest: one per half-year and scheme, with where it was published."""
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import format_date

from ..engine import interest

MISSING_RATE_ACTIVITY = 'ar_coordinator.mail_activity_type_missing_rate'


class ArInterestRate(models.Model):
    _name = 'ar.interest.rate'
    _description = "Reference Rate of Late-Payment Interest"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'scheme, country_id, date_from desc, id'

    scheme = fields.Selection(
        selection=[('eu', "EU: directive 2011/7/EU"), ('uk', "UK: Late Payment Act 1998")],
        string="Law", required=True, default='eu', index=True)
    country_id = fields.Many2one(
        comodel_name='res.country', index='btree_not_null', ondelete='restrict',
        help="A country's own reference rate, for companies of that country. Empty: for all.")
    company_id = fields.Many2one(
        comodel_name='res.company', index='btree_not_null', ondelete='cascade',
        help="A rate for one company only, before the others. Empty: for all.")
    date_from = fields.Date(
        string="Half-Year from", required=True,
        help="1 January or 1 July: the half-year in which the rate applies. UK: the Bank Rate of the day before.")
    rate = fields.Float(
        string="Reference Rate (%)", digits=(6, 3), required=True, aggregator=None, tracking=True,
        help="Without the points that are added to it.")
    source = fields.Char(required=True, help="Where the rate was published.")
    source_url = fields.Char(string="Link")

    _rate_uniq = models.UniqueIndex(
        "(scheme, date_from, COALESCE(country_id, 0), COALESCE(company_id, 0))",
        "There is a rate of this scheme for this half-year already.")

    # === COMPUTE METHODS === #

    @api.depends('scheme', 'country_id', 'date_from')
    def _compute_display_name(self):
        schemes = dict(self._fields['scheme']._description_selection(self.env))
        for rate in self:
            place = rate.country_id.name or schemes.get(rate.scheme, "")
            rate.display_name = f"{place} {rate.date_from or ''}"

    # === CONSTRAINT METHODS === #

    @api.constrains('date_from')
    def _check_date_from(self):
        for rate in self:
            if rate.date_from != interest.half_year(rate.date_from):
                raise ValidationError(self.env._(
                    "%(day)s: a reference rate applies to a half-year and begins on 1 January or 1 July.",
                    day=rate.date_from))

    @api.constrains('rate')
    def _check_rate(self):
        for rate in self:
            if not -10 <= rate.rate <= 100:
                raise ValidationError(self.env._(
                    "%(rate)s: a reference rate is between -10 and 100 percent; enter 2.15 for 2.15 %%.",
                    rate=rate.rate))

    # === REMINDER === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: who has been asked for a rate has added it."""
        rates = super().create(vals_list)
        rates._remind()
        return rates

    @api.model
    def _cron_remind(self):
        """Weekly job: ask for the rate of the half-year where a company claims interest and there is none."""
        self._remind()

    @api.model
    def _remind(self):
        """Bring the tasks in line with what is missing: one per law and manager of a company that claims by it."""
        activity_type = self.env.ref(MISSING_RATE_ACTIVITY, raise_if_not_found=False)
        if not activity_type:
            return
        # sudo: the companies and their managers, whoever adds a rate; tasks are made for others
        rates = self.sudo()
        missing = rates._get_missing()
        known = self.env['mail.activity'].sudo().search([
            ('res_model', '=', self._name), ('activity_type_id', '=', activity_type.id)])
        wanted = {(scheme, manager): day for scheme, (day, managers) in missing.items() for manager in managers}
        for activity in known:
            scheme = rates.browse(activity.res_id).scheme
            if not wanted.pop((scheme, activity.user_id), None):
                activity.action_feedback(feedback=self.env._("The rate was added."))
        labels = dict(self._fields['scheme']._description_selection(self.env))
        for (scheme, manager), day in wanted.items():
            rates.search([('scheme', '=', scheme)], order='date_from desc, id', limit=1).activity_schedule(
                MISSING_RATE_ACTIVITY, user_id=manager.id, date_deadline=fields.Date.context_today(self),
                summary=self.env._(
                    "Add the reference rate from %(day)s: %(law)s", day=format_date(self.env, day), law=labels[scheme]),
                note=self.env._(
                    "Letters claim no late-payment interest for the time from that day until the rate is there."))

    @api.model
    def _get_missing(self):
        """Return {scheme: (first day of the half-year, res.users to ask)} for rates that are missing now."""
        missing = {}
        claiming = self.env['res.company'].search([('ar_interest_scheme', '!=', 'none')])
        managers = claiming and self.env.ref('ar_coordinator.group_ar_manager').all_user_ids.filtered(
            lambda user: user.active and not user.share)
        for company in claiming:
            scheme, day = company.ar_interest_scheme, interest.half_year(company._ar_today())
            if day not in self._get_rates(company, scheme):
                own = managers.filtered(lambda user, company=company: company in user.company_ids)
                missing[scheme] = (day, missing.get(scheme, (day, managers.browse()))[1] | own)
        return missing

    # === BUSINESS METHODS === #

    @api.model
    def _get_rates(self, company, scheme):
        """Return the reference rates that count for a company.

        A rate of the company itself goes before one of its country, that before one for all.

        :param company: res.company
        :param str scheme: 'eu' or 'uk'
        :return: dict of first day of a half-year -> Decimal, percent
        """
        found = self.search([
            ('scheme', '=', scheme), ('company_id', 'in', (False, company.id)),
            ('country_id', 'in', (False, company.account_fiscal_country_id.id))])
        rates = {}
        for rate in found.sorted(lambda rate: (bool(rate.company_id), bool(rate.country_id))):
            rates[rate.date_from] = Decimal(f'{rate.rate:.3f}')
        return rates
