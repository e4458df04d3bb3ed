"""Risk classes: what customers of one kind of risk are given unless they have something of their own."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ArCreditClass(models.Model):
    _name = 'ar.credit.class'
    _description = "Risk Class"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True, help="Empty: for all companies.")
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_currency_id')
    mode = fields.Selection(
        selection=[('unlimited', "Unlimited"), ('limited', "Limited"), ('none', "No credit")], string="Credit",
        required=True, default='limited', help="What customers get with Apply Defaults.")
    limit_amount = fields.Float(string="Limit", digits='Account', help="In the company's currency.")
    review_months = fields.Integer(
        string="Review Every (months)", default=12, help="A review sets the next one so many months later.")
    payment_term_id = fields.Many2one(comodel_name='account.payment.term', string="Payment Terms")
    dunning_policy_id = fields.Many2one(comodel_name='ar.dunning.policy')
    tolerance = fields.Float(
        string="Release Tolerance (%)", digits=(5, 2), default=5.0,
        help="A released document may grow by this much before it is held again.")
    note = fields.Text()

    @api.depends('company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for risk_class in self:
            risk_class.currency_id = (risk_class.company_id or self.env.company).currency_id

    @api.constrains('mode', 'limit_amount', 'tolerance', 'review_months')
    def _check_numbers(self):
        for risk_class in self:
            if risk_class.mode == 'limited' and risk_class.limit_amount <= 0:
                raise ValidationError(self.env._(
                    "%s: a limited class needs a limit above zero, or choose No credit.", risk_class.name))
            if risk_class.tolerance < 0 or risk_class.review_months < 0:
                raise ValidationError(self.env._("%s: the numbers of a class cannot be negative.", risk_class.name))
