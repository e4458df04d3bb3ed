"""Reference rates of late-payment interest: one per half-year and scheme, with where it was published."""
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import interest


class ArInterestRate(models.Model):
    _name = 'ar.interest.rate'
    _description = "Reference Rate of Late-Payment Interest"
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
        string="Reference Rate (%)", digits=(6, 3), required=True, aggregator=None,
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
