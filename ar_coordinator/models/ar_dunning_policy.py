"""A ladder of reminders: which levels there are, when an open item reaches each, and whom the policy is for.

Which policy an item follows is decided in this order: the one given to its invoice (ar.dunning.policy.invoice), the
one given to the customer, the first rule that fits the customer (ar.dunning.policy.rule), the company's default. A
policy that is archived or another company's is passed over.
"""
from typing import NamedTuple

from odoo import api, fields, models

from ..engine import dunning


class Resolved(NamedTuple):
    """The policy of a customer and where it comes from: customer, rule, company, or none (and no policy)."""

    policy: models.BaseModel
    source: str
    rule: models.BaseModel


class ArDunningPolicy(models.Model):
    _name = 'ar.dunning.policy'
    _description = "Dunning Policy"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, help="Leave empty to share the policy with all companies.")
    level_ids = fields.One2many(comodel_name='ar.dunning.level', inverse_name='policy_id', string="Levels", copy=True)
    rule_ids = fields.One2many(comodel_name='ar.dunning.policy.rule', inverse_name='policy_id', string="Rules")
    note = fields.Text(string="Internal Note")

    def _engine_levels(self):
        """Return {policy id: tuple of engine levels in the order an item climbs them}."""
        levels = dict.fromkeys(self.ids, ())
        for level in self.env['ar.dunning.level'].search([('policy_id', 'in', self.ids)]):
            levels[level.policy_id.id] += (dunning.Level(level.id, level.delay_days),)
        return levels

    def _usable_in(self, company):
        """Return the policy unless it is archived or another company's."""
        return self if self.active and self.company_id in (self.company_id.browse(), company) else self.browse()

    @api.model
    def _resolve(self, company, partners, overdue=None):
        """Return {partner id: Resolved} for customers, in as many queries for one as for thousands.

        Invoices with a policy of their own are not looked at here.

        :param partners: res.partner, commercial partners
        :param dict overdue: of partner id -> what is past due today, credits not deducted, in the company's currency;
            None: read from the ledger when a rule asks for it
        """
        partners = partners.with_company(company)
        default = company.ar_dunning_policy_id._usable_in(company)
        own = {partner.id: partner.ar_dunning_policy_id._usable_in(company) for partner in partners}
        rules = self.env['ar.dunning.policy.rule']._find(
            company, partners.filtered(lambda partner: not own[partner.id]), overdue)
        resolved = {}
        for partner in partners:
            rule = rules.get(partner.id, self.env['ar.dunning.policy.rule'])
            if own[partner.id]:
                resolved[partner.id] = Resolved(own[partner.id], 'customer', rule)
            elif rule:
                resolved[partner.id] = Resolved(rule.policy_id, 'rule', rule)
            else:
                resolved[partner.id] = Resolved(default, 'company' if default else 'none', rule)
        return resolved
