"""Who looked after a customer since when, why, and who said so: written whenever a collector changes."""
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError

ORIGINS = [('hand', "By hand"), ('rule', "By rule")]


@dataclass(frozen=True)
class Cause:
    """Why a collector changes. An object of this class in the context cannot come from outside."""

    origin: str
    rule: Any = None
    reason: str = ''


class ArCollectorAssignment(models.Model):
    _name = 'ar.collector.assignment'
    _description = "Assignment of a Collector"
    _order = 'id desc'
    _rec_name = 'partner_id'

    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, readonly=True, index=True, ondelete='cascade')
    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    from_user_id = fields.Many2one(comodel_name='res.users', string="From", readonly=True, ondelete='restrict')
    user_id = fields.Many2one(
        comodel_name='res.users', string="To", readonly=True, index='btree_not_null', ondelete='restrict')
    origin = fields.Selection(selection=ORIGINS, required=True, readonly=True)
    rule_id = fields.Many2one(comodel_name='ar.collector.rule', readonly=True, index='btree_not_null',
                              ondelete='set null')
    reason = fields.Char(readonly=True)
    assigned_by_id = fields.Many2one(
        comodel_name='res.users', string="Decided by", required=True, readonly=True, ondelete='restrict')

    _customer_idx = models.Index("(partner_id, company_id, id DESC)")

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("The history of collectors writes itself."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            raise AccessError(self.env._("The history of collectors stays as it was."))
        return super().write(vals)

    @api.model
    def _get_made_by_hand(self, partners, company):
        """Return the ids of customers whose collector (or that they have none) is the decision of a person: the last
        change was made by hand, or there is a collector from before this history. Two queries.

        :param partners: res.partner, with their collectors of `company`
        """
        last_ids = [last_id for _partner, last_id in self._read_group(
            [('company_id', '=', company.id), ('partner_id', 'in', partners.ids)], ['partner_id'], ['id:max'])]
        last = {own.partner_id.id: own.origin for own in self.browse(last_ids)}
        return {
            partner.id for partner in partners.with_company(company)
            if last.get(partner.id, 'hand' if partner.ar_collector_id else 'rule') == 'hand'}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_assignment_ids = fields.One2many(
        comodel_name='ar.collector.assignment', inverse_name='partner_id', string="Collectors So Far",
        groups='ar_coordinator.group_ar_base')

    @api.model_create_multi
    def create(self, vals_list):
        """Override to begin the history of customers who come with a collector."""
        partners = super().create(vals_list)
        with_collector = partners.browse([
            partner.id for partner, vals in zip(partners, vals_list, strict=True) if vals.get('ar_collector_id')])
        with_collector._ar_log_assignment({})
        return partners

    def write(self, vals):
        """Override to keep the history of collectors, whoever changes them."""
        if 'ar_collector_id' not in vals:
            return super().write(vals)
        # sudo: the collector of before, for the history
        before = {partner.id: partner.ar_collector_id for partner in self.sudo()}
        result = super().write(vals)
        self._ar_log_assignment(before)
        return result

    def _ar_assign(self, user, origin, rule=None, reason=''):
        """Give customers to a collector in the current company, for a reason that the history keeps. As superuser.

        :param user: res.users, may be empty
        :param str origin: 'hand' or 'rule'
        :param rule: ar.collector.rule that decided
        """
        cause = Cause(origin, rule, reason)
        # sudo: callers checked the role; it gives customers out without the right to change their data
        return self.sudo().with_context(ar_collector_cause=cause).write({'ar_collector_id': user.id})

    def _ar_log_assignment(self, before):
        """Write the history and the chatter of customers whose collector changed.

        :param dict before: {partner id: res.users}
        """
        cause = self.env.context.get('ar_collector_cause')
        if not isinstance(cause, Cause):
            cause = Cause('hand')
        company, nobody = self.env.company, self.env['res.users']
        # sudo: the history writes itself, whoever may change customers
        changed = self.sudo().filtered(
            lambda partner: partner.commercial_partner_id == partner
            and partner.ar_collector_id != before.get(partner.id, nobody))
        reason = cause.reason or (cause.rule.name if cause.rule else '')
        self.env['ar.collector.assignment'].sudo().create([{
            'company_id': company.id, 'partner_id': partner.id, 'origin': cause.origin, 'reason': reason,
            'from_user_id': before.get(partner.id, nobody).id, 'user_id': partner.ar_collector_id.id,
            'rule_id': cause.rule.id if cause.rule else False, 'assigned_by_id': self.env.user.id,
        } for partner in changed])
        if changed:
            changed._message_log_batch({
                partner.id: self._ar_describe_assignment(partner, before.get(partner.id, nobody), reason)
                for partner in changed})

    def _ar_describe_assignment(self, partner, before, reason):
        """Text of the chatter."""
        text = self.env._(
            "Collector in %(company)s: %(old)s → %(new)s", company=self.env.company.name,
            old=before.name or self.env._("nobody"), new=partner.ar_collector_id.name or self.env._("nobody"))
        return Markup("%s<br/>%s") % (text, reason) if reason else text

    def action_ar_assignments(self):
        """Open the history of this customer's collectors."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_collector_assignment_action')
        return {**action, 'domain': [('partner_id', '=', self.commercial_partner_id.id)], 'context': {}}
