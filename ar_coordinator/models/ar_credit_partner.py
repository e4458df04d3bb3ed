"""Credit of a customer: mode and limit beside core's, exposure and holds. What depends on today is never stored.

Core knows a limit, where 0 means "no check". `ar_credit_mode` says what is meant; both are kept in step here, so that
core's warning and the rules never disagree: who has no limit of core's is unlimited, or without credit by decision.
"""
from collections import namedtuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from ..engine import credit
from .ar_dunning_history import search_flag

MODES = [('unlimited', "Unlimited"), ('limited', "Limited"), ('none', "No credit")]
FIGURE_FIELDS = ('ar_exposure', 'ar_overdue_amount', 'ar_credit_used')
JUDGED_FIELDS = {'credit_limit', 'ar_credit_mode', 'ar_credit_class_id', 'ar_credit_review_date', 'country_id'}
COMPARE = {
    '<': lambda left, right: left < right, '<=': lambda left, right: left <= right,
    '>': lambda left, right: left > right, '>=': lambda left, right: left >= right,
}

Limit = namedtuple('Limit', 'mode amount exposure source', defaults=('',))
Limit.__doc__ = """What holds today: mode, limit and the exposure it is compared with (of a group: the group's), and
whose."""


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_credit_mode = fields.Selection(
        selection=MODES, string="Credit", company_dependent=True, copy=False,
        groups='ar_coordinator.group_ar_base,account.group_account_invoice,account.group_account_readonly',
        help="In this company. Limited: up to the credit limit. No credit: payment in advance only.")
    ar_credit_class_id = fields.Many2one(
        comodel_name='ar.credit.class', string="Risk Class", company_dependent=True, copy=False,
        domain="[('company_id', 'in', (False, allowed_company_ids and allowed_company_ids[0]))]",
        groups='ar_coordinator.group_ar_base')
    ar_credit_review_date = fields.Date(
        string="Next Credit Review", company_dependent=True, copy=False, groups='ar_coordinator.group_ar_base')
    ar_exposure = fields.Monetary(
        string="Exposure", compute='_compute_ar_credit', search='_search_ar_exposure', currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base',
        help="What the whole customer has been trusted with in the current company: open items and what other apps add,"
             " less what is disputed as our fault.")
    ar_credit_limit = fields.Monetary(
        string="Limit in Force", compute='_compute_ar_credit', currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base', help="Today, with temporary limits and the credit group's.")
    ar_credit_available = fields.Monetary(
        string="Available", compute='_compute_ar_credit', currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base')
    ar_credit_used = fields.Float(
        string="Limit Used (%)", compute='_compute_ar_credit', search='_search_ar_credit_used', digits=(16, 0),
        groups='ar_coordinator.group_ar_base')
    ar_credit_text = fields.Html(
        string="Exposure in Parts", compute='_compute_ar_credit_text', sanitize=False,
        groups='ar_coordinator.group_ar_base')
    ar_credit_hold_ids = fields.One2many(
        comodel_name='ar.credit.hold', inverse_name='partner_id', string="Credit Holds",
        groups='ar_coordinator.group_ar_base')
    ar_on_hold = fields.Boolean(
        string="On Credit Hold", compute='_compute_ar_on_hold', search='_search_ar_on_hold',
        groups='ar_coordinator.group_ar_base', help="In the current company.")
    ar_hold_reason = fields.Char(
        string="Hold Reasons", compute='_compute_ar_on_hold', groups='ar_coordinator.group_ar_base')
    ar_hold_days = fields.Integer(
        string="Days on Hold", compute='_compute_ar_on_hold', groups='ar_coordinator.group_ar_base')
    ar_waiting_amount = fields.Monetary(
        string="Waiting", compute='_compute_ar_waiting', currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base', help="Documents that the hold stops, in company currency.")
    ar_waiting_count = fields.Integer(
        string="Waiting Documents", compute='_compute_ar_waiting', groups='ar_coordinator.group_ar_base')

    # === COMPUTE METHODS === #

    @api.depends('ar_credit_mode', 'credit_limit', 'commercial_partner_id')
    @api.depends_context('company')
    def _compute_ar_credit(self):
        """One set of ledger queries for the whole batch; contacts show their customer's figures."""
        company = self.env.company
        customers = self._origin.commercial_partner_id
        exposure = self.env['ar.ledger'].exposure(customers, company)
        limits = customers._ar_get_limits(company, exposure)
        for partner in self:
            limit = limits.get(partner._origin.commercial_partner_id.id, Limit(credit.UNLIMITED, 0.0, 0.0))
            limited = limit.mode == credit.LIMITED
            partner.ar_exposure = exposure.get(partner._origin.commercial_partner_id.id, {}).get('exposure', 0.0)
            partner.ar_credit_limit = limit.amount
            partner.ar_credit_available = max(limit.amount - limit.exposure, 0.0) if limited else 0.0
            partner.ar_credit_used = limit.exposure / limit.amount * 100 if limited and limit.amount else 0.0

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'lang')
    def _compute_ar_credit_text(self):
        """The parts of the exposure, and what it is compared with, as a table."""
        company, ledger = self.env.company, self.env['ar.ledger']
        customers = self._origin.commercial_partner_id
        exposure = ledger.exposure(customers, company)
        labels = ledger._get_exposure_labels()
        limits = customers._ar_get_limits(company, exposure)
        for partner in self:
            customer = partner._origin.commercial_partner_id
            own = exposure.get(customer.id)
            partner.ar_credit_text = own and self.env['ir.qweb']._render('ar_coordinator.ar_credit_exposure', {
                'parts': [(labels[part], own['parts'][part], part) for part in labels if part in own['parts']],
                'customer': customer, 'company': company, 'figures': own, 'limit': limits[customer.id],
                'beside': customer._ar_get_credit_beside(company),
                'money': lambda amount: formatLang(self.env, amount, currency_obj=company.currency_id)})

    @api.depends('ar_credit_hold_ids.date_end')
    @api.depends_context('company')
    def _compute_ar_on_hold(self):
        holds = self.env['ar.credit.hold']._get_open(self.env.company, self._origin.commercial_partner_id)
        for partner in self:
            own = holds.get(partner._origin.commercial_partner_id.id)
            partner.ar_on_hold = bool(own)
            partner.ar_hold_reason = "; ".join(own.mapped('reason')) if own else False
            partner.ar_hold_days = max(own.mapped('age_days')) if own else 0

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_ar_waiting(self):
        waiting = self.env['ar.credit.hold']._get_waiting(self.env.company, self._origin.commercial_partner_id)
        for partner in self:
            own = waiting.get(partner._origin.commercial_partner_id.id, ())
            partner.ar_waiting_count = len(own)
            partner.ar_waiting_amount = sum(amount for _document, amount in own)

    # === SEARCH AND ORDER: figures that are not stored === #

    def _search_ar_on_hold(self, operator, value):
        return search_flag(operator, value, lambda: Domain(
            'commercial_partner_id', 'in', self.env['ar.credit.hold']._get_held_ids(self.env.company)))

    def _search_ar_exposure(self, operator, value):
        return self._ar_search_figure('ar_exposure', operator, value)

    def _search_ar_overdue_amount(self, operator, value):
        return self._ar_search_figure('ar_overdue_amount', operator, value)

    def _search_ar_credit_used(self, operator, value):
        return self._ar_search_figure('ar_credit_used', operator, value)

    def _ar_search_figure(self, name, operator, value):
        """Return the domain for a comparison with a figure of the current company; others than those named have 0."""
        digits = self.env.company.currency_id.decimal_places
        if operator in COMPARE:
            def test(number):
                return COMPARE[operator](round(number, digits), float(value))
        elif operator == 'in':
            wanted = {round(float(number), digits) for number in value}

            def test(number):
                return round(number, digits) in wanted
        else:
            return NotImplemented
        values = self._ar_get_figures(name)
        zero = test(0.0)
        odd = [partner_id for partner_id, number in values.items() if test(number) != zero]
        return Domain('commercial_partner_id', 'not in' if zero else 'in', odd)

    @api.model
    def _ar_get_figures(self, name):
        """Return {commercial partner id: figure} of every customer of the current company with anything."""
        exposure = self.env['ar.ledger'].exposure(None, self.env.company)
        if name == 'ar_exposure':
            return {partner_id: own['exposure'] for partner_id, own in exposure.items()}
        if name == 'ar_overdue_amount':
            return {partner_id: own['overdue'] for partner_id, own in exposure.items()}
        limits = self.browse(exposure)._ar_get_limits(self.env.company, exposure)
        return {
            partner_id: limit.exposure / limit.amount * 100 for partner_id, limit in limits.items()
            if limit.mode == credit.LIMITED and limit.amount}

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """Override: sort by figures that are not stored. Without a direction the client only asks whether it can be."""
        if field_name in FIGURE_FIELDS:
            self._check_field_access(self._fields[field_name], 'read')
            values = self._ar_get_figures(field_name) if direction.code or nulls.code else {}
            return self.env['ar.ledger']._order_by_values(query, alias, values, direction, nulls)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _order_to_sql(self, order, query, alias=None, reverse=False):
        """Override: a figure without a direction is sorted upwards."""
        if order and any(name in order for name in FIGURE_FIELDS):
            order = ','.join(f'{term} ASC' if term.strip() in FIGURE_FIELDS else term for term in order.split(','))
        return super()._order_to_sql(order, query, alias, reverse)

    # === CONSTRAINT METHODS === #

    @api.constrains('ar_credit_mode', 'credit_limit')
    def _check_ar_credit(self):
        for partner in self:
            if partner.credit_limit < 0 or (partner.ar_credit_mode == 'limited' and not partner.credit_limit):
                raise ValidationError(self.env._(
                    "%s: enter a credit limit above zero, or choose Unlimited or No credit.", partner.display_name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: keep mode and limit in step.

        Odoo hands the defaults of contacts to those of new users as if somebody had chosen them: for who may not see
        them they are left to the field, or administrators without accounting could make no users.
        """
        if not self._has_field_access(self._fields['ar_credit_mode'], 'write'):
            unchosen = dict(zip(('ar_credit_mode', 'credit_limit'), self._ar_get_credit_fallbacks(), strict=True))
            vals_list = [
                {name: value for name, value in vals.items() if name not in unchosen or value != unchosen[name]}
                for vals in vals_list]
        return super().create([self._ar_in_step(vals) for vals in vals_list])

    def write(self, vals):
        if JUDGED_FIELDS & set(vals):
            self.env['ar.credit.queue']._touch('res.partner', self.ids)
        if 'credit_limit' not in vals and 'ar_credit_mode' not in vals:
            return super().write(vals)
        if vals.get('credit_limit') == 0 and 'ar_credit_mode' not in vals:
            # core's 0 is "no check"; for a customer without credit it says nothing new
            without = self.filtered(lambda partner: partner.ar_credit_mode == 'none')
            super(ResPartner, without).write(vals)
            return super(ResPartner, self - without).write({**vals, 'ar_credit_mode': 'unlimited'})
        return super().write(self._ar_in_step(vals))

    @api.model
    def _ar_in_step(self, vals):
        """Return `vals` with core's limit and our mode in step; a limit alone makes a customer limited."""
        if 'ar_credit_mode' in vals:
            if vals['ar_credit_mode'] in ('unlimited', 'none'):
                return {**vals, 'credit_limit': 0.0}
            return vals
        if 'credit_limit' in vals:
            return {**vals, 'ar_credit_mode': 'limited' if vals['credit_limit'] else 'unlimited'}
        return vals

    # === BUSINESS METHODS === #

    def _ar_get_limits(self, company, exposure):
        """Hook: return what limit holds today for commercial partners.

        :param company: res.company; amounts are in its currency
        :param dict exposure: what `ar.ledger.exposure` returned for them
        :return: dict of partner id -> Limit
        """
        limits = {}
        # sudo: rules apply whoever acts; callers show the figures to readers only
        for partner in self.sudo().with_company(company):
            amount = partner.credit_limit
            mode = partner.ar_credit_mode or (credit.LIMITED if amount else credit.UNLIMITED)
            if mode == credit.LIMITED and not amount:  # core's 0: no check
                mode = credit.UNLIMITED
            limits[partner.id] = Limit(
                mode, amount if mode == credit.LIMITED else 0.0,
                exposure.get(partner.id, {}).get('exposure', 0.0))
        return limits

    def _ar_get_limit_keys(self, company):
        """Hook: return {partner id: (model, id) of what documents add up by}: itself, or whose limit it shares.

        :param company: res.company of the documents
        """
        return {partner_id: ('res.partner', partner_id) for partner_id in self.ids}

    def _ar_get_credit_beside(self, company):
        """Hook: return [(label, amount or text)] shown beside the exposure, such as what is insured."""
        self.ensure_one()
        return []

    @api.model
    def _ar_init_credit_mode(self):
        """At installation, once: customers with a limit become limited, the others unlimited, in every company.

        What is not set follows Odoo's default limit of the company, so that both say the same from the first day.
        """
        defaults = self.env['ir.default'].sudo()  # sudo: at install
        if defaults.search_count([('field_id', '=', self.env['ir.model.fields']._get(
                'res.partner', 'ar_credit_mode').id), ('company_id', '=', False)], limit=1):
            return
        field = self._fields['credit_limit']
        for company in self.env['res.company'].sudo().search([('active', 'in', (True, False))]):  # sudo: at install
            partners = self.sudo().with_company(company).with_context(active_test=False)
            fallback = field.get_company_dependent_fallback(partners)
            defaults.set('res.partner', 'ar_credit_mode', 'limited' if fallback else 'unlimited', company_id=company.id)
            own = partners.search([('credit_limit', '!=', fallback)])
            limited = own.filtered('credit_limit')
            limited.ar_credit_mode = 'limited'
            (own - limited).ar_credit_mode = 'unlimited'
        defaults.set('res.partner', 'ar_credit_mode', 'unlimited')
