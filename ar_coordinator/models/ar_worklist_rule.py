"""What puts a customer on the worklist and how much it weighs: data, with sensible rules installed.

A company's own rules of a kind take the place of the shared ones; a weight of 0 switches the kind off there.
"""
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from ..engine import worklist
from .ar_wording import counted

KINDS = [
    (worklist.ANSWER, "Customer's reply waits"),
    (worklist.FAILED, "Letter did not arrive"),
    (worklist.RETURNED, "Payment returned"),
    (worklist.ESCALATION, "To be escalated, or given back"),
    (worklist.FOLLOW_UP, "Next contact date reached"),
    (worklist.BROKEN, "Promise not kept"),
    (worklist.DISPUTE_LATE, "Dispute past its deadline"),
    (worklist.HELD, "On hold, documents waiting"),
    (worklist.UNAPPLIED, "Payment not applied"),
    (worklist.PROMISE_DUE, "Promised for today, not paid yet"),
    (worklist.OVERDUE, "Amount overdue"),
    (worklist.BIG_DUE, "Large item about to fall due"),
    (worklist.DAYS, "Days overdue"),
    (worklist.RISK, "Risk class"),
    (worklist.REST, "Contacted lately"),
]
WITH_AMOUNT = (worklist.OVERDUE, worklist.BIG_DUE)
WITH_DAYS = (worklist.BIG_DUE, worklist.DAYS, worklist.REST, worklist.PROMISE_DUE)


class ArWorklistRule(models.Model):
    _name = 'ar.worklist.rule'
    _description = "Worklist Rule"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, default=lambda self: self.env.company, help="Empty: all companies.")
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_currency_id')
    kind = fields.Selection(selection=KINDS, string="When", required=True, default=worklist.OVERDUE)
    weight = fields.Float(digits=(6, 1), default=20.0, help="Points. 0: not looked at.")
    minimum = fields.Float(
        string="From", digits='Account',
        help="Less than this, in the company's currency, is no reason. Of a large item: what counts as large.")
    full_at = fields.Float(
        string="Full Weight at", digits='Account',
        help="The amount that gets the full weight; ten times as much gets about twice the weight.")
    days = fields.Integer(
        help="Days overdue: so many get the full weight. Large item and promise: so many days ahead. Contacted lately:"
             " for so many days what is overdue is no reason by itself.")
    class_ids = fields.Many2many(
        comodel_name='ar.credit.class', string="Risk Classes", help="Customers of these classes get the weight.")
    description = fields.Char(string="In Words", compute='_compute_description')

    _not_negative = models.Constraint(
        'CHECK (weight >= 0 AND minimum >= 0 AND full_at >= 0 AND days >= 0)',
        "Weights, amounts and days of a worklist rule cannot be negative.")

    @api.depends('company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for rule in self:
            rule.currency_id = (rule.company_id or self.env.company).currency_id

    @api.depends('kind', 'weight', 'minimum', 'full_at', 'days', 'class_ids', 'company_id')
    @api.depends_context('company', 'lang')
    def _compute_description(self):
        for rule in self:
            values = {
                'points': f'{rule.weight:g}', 'days': rule.days,
                'minimum': formatLang(self.env, rule.minimum, currency_obj=rule.currency_id),
                'full': formatLang(self.env, rule.full_at, currency_obj=rule.currency_id),
                'classes': ", ".join(rule.class_ids.mapped('name')) or self.env._("no class chosen")}
            rule.description = {
                worklist.OVERDUE: lambda values=values: self.env._(
                    "%(points)s points for %(full)s overdue, more for more; from %(minimum)s on", **values),
                worklist.BIG_DUE: lambda values=values: counted(
                    values['days'],
                    self.env._("%(points)s points for an item of %(minimum)s or more due by tomorrow", **values),
                    self.env._(
                        "%(points)s points for an item of %(minimum)s or more due within %(days)s days", **values)),
                worklist.DAYS: lambda values=values: counted(
                    values['days'], self.env._("up to %(points)s points, all of them at one day", **values),
                    self.env._("up to %(points)s points, all of them at %(days)s days", **values)),
                worklist.RISK: lambda values=values: self.env._("%(points)s points: %(classes)s", **values),
                worklist.REST: lambda values=values: counted(
                    values['days'], self.env._("what is overdue waits one day after a letter or call"),
                    self.env._("what is overdue waits %(days)s days after a letter or call", **values)),
                worklist.PROMISE_DUE: lambda values=values: counted(
                    values['days'],
                    self.env._("%(points)s points from the day before the promised day on", **values),
                    self.env._("%(points)s points from %(days)s days before the promised day on", **values)),
            }.get(rule.kind, lambda values=values: self.env._("%(points)s points", **values))()

    @api.constrains('kind', 'days')
    def _check_days(self):
        for rule in self:
            if rule.kind == worklist.DAYS and not rule.days:
                raise ValidationError(self.env._(
                    "%s: enter after how many days an item gets the full weight.", rule.name))

    @api.model
    def _get_rules(self, companies):
        """Return {company id: {kind: [engine Rule]}} of the rules in force; one query.

        :param companies: res.company
        """
        # sudo: rules are the same for everybody; those of the companies asked for
        rules = self.sudo().search([('company_id', 'in', [False, *companies.ids])])
        found = {}
        for company in companies:
            own, shared = {}, {}
            for rule in rules:
                if rule.company_id in (company, company.browse()):
                    (own if rule.company_id else shared).setdefault(rule.kind, []).append(rule._to_engine())
            found[company.id] = {**shared, **own}
        return found

    def _to_engine(self):
        return worklist.Rule(
            self.kind, self.weight, self.minimum, self.full_at, self.days, frozenset(self.class_ids.ids))
