"""Credit groups: customers, of one or several companies of ours, that share one limit."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import credit
from .ar_credit_partner import Limit


class ArCreditGroup(models.Model):
    _name = 'ar.credit.group'
    _description = "Credit Group"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'name, id'

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_ids = fields.Many2many(
        comodel_name='res.company', string="Companies", required=True, default=lambda self: self.env.company,
        help="The limit is for what the customers owe to all of these.")
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, default=lambda self: self.env.company.currency_id, tracking=True)
    limit_amount = fields.Monetary(string="Limit", tracking=True, help="Shared by the customers, in this currency.")
    partner_ids = fields.One2many(
        comodel_name='res.partner', inverse_name='ar_credit_group_id', string="Customers",
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    exposure = fields.Monetary(compute='_compute_exposure', help="Of all customers in all companies, at today's rates.")
    available = fields.Monetary(compute='_compute_exposure')

    @api.depends('partner_ids', 'company_ids', 'currency_id', 'limit_amount')
    def _compute_exposure(self):
        for group in self:
            group.exposure = group._get_exposures(group.currency_id, self.env.company).get(group._origin.id, 0.0)
            group.available = max(group.limit_amount - group.exposure, 0.0)

    @api.constrains('limit_amount')
    def _check_limit_amount(self):
        for group in self:
            if group.limit_amount <= 0:
                raise ValidationError(self.env._("%s: a credit group needs a limit above zero.", group.name))

    def write(self, vals):
        result = super().write(vals)
        if {'limit_amount', 'currency_id', 'company_ids', 'partner_ids', 'active'} & set(vals):
            self._judge_again()
        return result

    def _judge_again(self):
        """What changes the group's limit may hold its customers, or end their holds."""
        self.env['ar.credit.queue']._put({
            # sudo: ids only
            (partner_id, company_id) for group in self.sudo()
            for partner_id in group.partner_ids.ids for company_id in group.company_ids.ids})

    def _get_exposures(self, currency, rates_of):
        """Return {group id: exposure of its customers in its companies}, in a few queries per company.

        :param currency: res.currency of the result
        :param rates_of: res.company whose exchange rates of today are taken
        """
        # sudo: a shared limit is about all companies of the group, whichever the user works in
        self = self.sudo()
        totals = dict.fromkeys(self.ids, 0.0)
        for company in self.company_ids:
            groups = self.filtered(lambda group, company=company: company in group.company_ids)
            exposure = self.env['ar.ledger'].exposure(groups.partner_ids, company)
            for group in groups:
                total = sum(exposure[partner.id]['exposure'] for partner in group.partner_ids.commercial_partner_id)
                totals[group.id] += company.currency_id._convert(
                    total, currency, rates_of, rates_of._ar_today(), round=False)
        return {group_id: currency.round(total) for group_id, total in totals.items()}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_credit_group_id = fields.Many2one(
        comodel_name='ar.credit.group', string="Credit Group", index='btree_not_null', copy=False,
        groups='ar_coordinator.group_ar_base', help="Shares the group's limit, in the group's companies.")

    def _ar_get_limits(self, company, exposure):
        """Override: customers of a group are compared by the group's limit and exposure, unless they have no credit."""
        limits = super()._ar_get_limits(company, exposure)
        members = self._ar_get_group_members(company, limits)
        if not members:
            return limits
        groups = members.ar_credit_group_id
        exposures = groups._get_exposures(company.currency_id, company)
        amounts = {
            group.id: group.currency_id._convert(
                group.limit_amount, company.currency_id, company, company._ar_today()) for group in groups}
        for partner in members:
            group = partner.ar_credit_group_id
            limits[partner.id] = Limit(credit.LIMITED, amounts[group.id], exposures[group.id], group.name)
        return limits

    def _ar_get_group_members(self, company, limits):
        """Return the customers that their group's limit holds for in a company, by their own `limits`."""
        partners = self.sudo()  # sudo: rules apply whoever acts
        groups = partners.ar_credit_group_id.filtered(lambda group: group.active and company in group.company_ids)
        return partners.filtered(
            lambda partner: partner.ar_credit_group_id in groups and limits[partner.id].mode != credit.NO_CREDIT
        ) if groups else partners.browse()

    def _ar_get_limit_keys(self, company):
        """Override: documents of customers add up where the limit of their group is used."""
        keys = super()._ar_get_limit_keys(company)
        if not self.sudo().ar_credit_group_id:  # sudo: rules apply whoever acts
            return keys
        own_limits = super()._ar_get_limits(company, {})  # pylint: disable=super-method-mismatch  # before the group's
        members = self._ar_get_group_members(company, own_limits)
        return keys | {partner.id: ('ar.credit.group', partner.ar_credit_group_id.id) for partner in members}

    def write(self, vals):
        """Override: who joins or leaves a group is judged, and so are the others."""
        groups = self.sudo().ar_credit_group_id if 'ar_credit_group_id' in vals else None  # sudo: to queue only
        result = super().write(vals)
        if groups is not None:
            (groups | self.sudo().ar_credit_group_id)._judge_again()  # sudo: as above
            self.env['ar.credit.queue']._touch('res.partner', self.ids)
        return result


class ArCreditQueue(models.Model):
    _inherit = 'ar.credit.queue'

    @api.model
    def _put(self, pairs):
        """Override: what one customer of a group owes counts for the others."""
        pairs = set(pairs)
        partners = self.env['res.partner'].sudo().browse({partner_id for partner_id, _company_id in pairs})  # sudo: ids
        for partner in partners.exists():
            if group := partner.ar_credit_group_id:
                pairs |= {(other, company) for other in group.partner_ids.ids for company in group.company_ids.ids}
        return super()._put(pairs)
