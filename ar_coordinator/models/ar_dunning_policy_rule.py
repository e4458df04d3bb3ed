"""Which customers follow a dunning policy without being given it one by one: by tag, country, salesperson, amount."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ArDunningPolicyRule(models.Model):
    _name = 'ar.dunning.policy.rule'
    _description = "Dunning Policy Rule"
    _inherit = ['ar.guard']
    _order = 'company_id, sequence, id'
    _check_company_auto = True

    name = fields.Char(compute='_compute_name')
    sequence = fields.Integer(default=10, help="The first rule that fits a customer is taken.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', required=True, index=True, ondelete='cascade', check_company=True)
    category_ids = fields.Many2many(
        comodel_name='res.partner.category', string="Tags", help="Customers with any of these, or a tag below one.")
    country_ids = fields.Many2many(
        comodel_name='res.country', string="Countries", help="Customers whose address is in one of these.")
    user_ids = fields.Many2many(
        comodel_name='res.users', string="Salespersons", domain=[('share', '=', False)],
        help="Customers one of these looks after.")
    amount_from = fields.Monetary(
        string="Overdue from", help="Customers who owe at least this much past due, in the company's currency.")
    amount_to = fields.Monetary(
        string="Overdue below",
        help="Customers who owe less than this past due, in the company's currency. 0: no limit.")

    # === COMPUTE METHODS === #

    @api.depends('category_ids.name', 'country_ids.name', 'user_ids.name', 'amount_from', 'amount_to', 'currency_id')
    @api.depends_context('lang')
    def _compute_name(self):
        for rule in self:
            parts = [", ".join(records.mapped('display_name')) for records in (
                rule.category_ids, rule.country_ids, rule.user_ids) if records]
            if rule.amount_from:
                parts.append(self.env._("overdue from %s", rule.currency_id.format(rule.amount_from)))
            if rule.amount_to:
                parts.append(self.env._("overdue below %s", rule.currency_id.format(rule.amount_to)))
            rule.name = "; ".join(parts)

    # === CONSTRAINT METHODS === #

    @api.constrains('policy_id', 'category_ids', 'country_ids', 'user_ids', 'amount_from', 'amount_to')
    def _check_conditions(self):
        for rule in self:
            if rule.amount_from < 0 or rule.amount_to < 0 or (rule.amount_to and rule.amount_to <= rule.amount_from):
                raise ValidationError(self.env._(
                    "%(policy)s: a rule's amounts cannot be negative, and the upper one must be above the lower one.",
                    policy=rule.policy_id.name))
            if not (rule.category_ids or rule.country_ids or rule.user_ids or rule.amount_from or rule.amount_to):
                raise ValidationError(self.env._(
                    "%(policy)s: say which customers the rule is for. For everybody, make the policy the company's"
                    " default.", policy=rule.policy_id.name))

    # === BUSINESS METHODS === #

    @api.model
    def _find(self, company, partners, overdue=None):
        """Return {partner id: the first rule that fits}; customers no rule fits are left out.

        :param partners: res.partner, commercial partners
        :param dict overdue: as in `ar.dunning.policy._resolve`
        """
        rules = self.search([('company_id', '=', company.id)]).filtered(lambda rule: rule.policy_id._usable_in(company))
        if not rules or not partners:
            return {}
        if overdue is None and any(rule.amount_from or rule.amount_to for rule in rules):
            exposure = self.env['ar.ledger'].with_company(company).exposure(partners)
            overdue = {partner_id: figures['overdue'] for partner_id, figures in exposure.items()}
        conditions = [(rule, rule._get_conditions()) for rule in rules]
        found = {}
        for partner in partners:
            amount = company.currency_id.round((overdue or {}).get(partner.id, 0.0))
            facts = (
                {int(number) for tag in partner.category_id for number in tag.parent_path.split('/') if number},
                {partner.country_id.id}, {partner.user_id.id})
            for rule, (wanted, lower, upper) in conditions:
                if all(not some or some & own for some, own in zip(wanted, facts, strict=True)) \
                        and amount >= lower and (not upper or amount < upper):
                    found[partner.id] = rule
                    break
        return found

    def _get_conditions(self):
        """Return ((tag ids, country ids, user ids), from, below) to compare customers with."""
        return (
            (set(self.category_ids.ids), set(self.country_ids.ids), set(self.user_ids.ids)),
            self.amount_from, self.amount_to)
