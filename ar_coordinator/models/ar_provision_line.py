"""What a provision is made of: a rate per bucket, and doubtful customers provided for one by one.

Amounts are calculated; people set rates and choose customers, and the provision's chatter says so.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..engine import provision
from .ar_guard import of_customers, without_defaults

CALCULATED = {'gross', 'amount', 'is_merged'}
REASONS = [('handed_over', "Handed over"), ('insolvent', "Insolvent"), ('disputed', "Disputed"), ('other', "Other")]


class ArProvisionLine(models.Model):
    _name = 'ar.provision.line'
    _description = "Bucket of a Provision"
    _inherit = ['ar.guard']
    _order = 'provision_id, sequence'

    provision_id = fields.Many2one(comodel_name='ar.provision', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='provision_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='provision_id.currency_id')
    sequence = fields.Integer(readonly=True)
    name = fields.Char(string="Days Overdue", readonly=True)
    gross = fields.Monetary(string="Open", readonly=True)
    apart = fields.Monetary(string="Provided Individually", readonly=True)
    base = fields.Monetary(string="In the Matrix", readonly=True)
    reached = fields.Monetary(readonly=True, help="Of the invoices looked at, what was still open when it got here.")
    lost = fields.Monetary(readonly=True, help="What of the invoices looked at was lost.")
    proposed_rate = fields.Float(string="Calculated Rate", readonly=True, digits=(16, 8))
    rate = fields.Float(digits=(16, 8))
    is_manual = fields.Boolean(string="Set by Hand", readonly=True)
    amount = fields.Monetary(string="Expected Loss", readonly=True)

    @api.constrains('rate')
    def _check_rate(self):
        for line in self:
            if not 0 <= line.rate <= 1:
                raise ValidationError(self.env._(
                    "The rate of %(bucket)s is between 0 and 100 %%, not %(rate)s %%.", bucket=line.name,
                    rate=line.rate * 100))

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("The matrix of a provision is calculated: only its rates may be changed."))
        return super().create(vals_list)

    def write(self, vals):
        if 'base' in vals or not {'rate', 'is_manual'} & set(vals):
            self._check_amounts(vals)
            return super().write(vals)
        self._check_amounts(set(vals) - {'rate'})
        _check_proposals(self)
        before = {line.id: line.rate for line in self}
        result = super().write(vals)
        changed = self.filtered(lambda line: line.rate != before[line.id])
        super(ArProvisionLine, changed.sudo()).write({'is_manual': True})  # sudo: says who set the rate
        self._spread()
        for line in changed:
            line.provision_id.message_post(body=self.env._(
                "Rate of %(bucket)s: %(before)s %% → %(after)s %%", bucket=line.name,
                before=round(before[line.id] * 100, 4), after=round(line.rate * 100, 4)))
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_when_calculated(self):
        self._check_amounts({'amount'})

    def _check_amounts(self, names):
        if names and not self.env.su:
            raise AccessError(self.env._("The matrix of a provision is calculated: only its rates may be changed."))

    def _spread(self):
        """Amounts of the whole matrix: rounded, adding up to the loss rounded once."""
        for record in self.provision_id:
            lines = record.line_ids.sorted('sequence').sudo()  # sudo: calculated fields
            amounts, _total = provision.spread(
                lines.mapped('base'), lines.mapped('rate'), record.currency_id.decimal_places)
            for line, amount in zip(lines, amounts, strict=True):
                line.amount = amount


class ArProvisionIndividual(models.Model):
    _name = 'ar.provision.individual'
    _description = "Individual Provision"
    _inherit = ['ar.guard']
    _order = 'provision_id, amount desc, id'

    provision_id = fields.Many2one(comodel_name='ar.provision', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='provision_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='provision_id.currency_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict')
    reason = fields.Selection(selection=REASONS, required=True, default='insolvent')
    gross = fields.Monetary(string="Open", readonly=True, help="Debit items at the date of the provision.")
    rate = fields.Float(required=True, default=1.0, digits=(16, 8))
    amount = fields.Monetary(string="Provided", compute='_compute_amount', store=True)
    note = fields.Char()

    is_merged = fields.Boolean(readonly=True, copy=False, help="Of a customer that was merged into this one.")

    _partner_uniq = models.UniqueIndex(
        "(provision_id, partner_id) WHERE is_merged IS NOT TRUE", "This customer is in the list already.")

    @api.depends('gross', 'rate')
    def _compute_amount(self):
        for individual in self:
            currency = individual.currency_id or individual.env.company.currency_id
            individual.amount = currency.round(individual.gross * individual.rate)

    @api.constrains('rate')
    def _check_rate(self):
        for individual in self:
            if not 0 <= individual.rate <= 1:
                raise ValidationError(self.env._(
                    "The rate for %(customer)s is between 0 and 100 %%, not %(rate)s %%.",
                    customer=individual.partner_id.display_name, rate=individual.rate * 100))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, CALCULATED)
        if not self.env.su and any(CALCULATED & set(vals) for vals in vals_list):
            raise AccessError(self.env._("What a customer owes is taken from the ledger."))
        individuals = super().create(of_customers(self.env, vals_list))
        individuals._changed(self.env._("Individual provision added"))
        return individuals

    def write(self, vals):
        if CALCULATED & set(vals) and not self.env.su:
            raise AccessError(self.env._("What a customer owes is taken from the ledger."))
        if CALCULATED & set(vals):
            return super().write(vals)
        _check_proposals(self)
        if 'provision_id' in vals:
            self.provision_id.sudo().is_stale = True  # sudo: guarded field; access to the lines is checked by write
        result = super().write(of_customers(self.env, [vals])[0])
        self._changed(
            self.env._("Individual provision changed"), stale=bool({'partner_id', 'provision_id'} & set(vals)))
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_from_proposals(self):
        self._changed(self.env._("Individual provision removed"))

    def _changed(self, what, stale=True):
        """Say so in the chatter; another choice of customers needs another calculation."""
        _check_proposals(self)
        if stale:
            self.provision_id.sudo().is_stale = True  # sudo: guarded field; access to the lines was checked
        for record, individuals in self.grouped('provision_id').items():
            record.message_post(body=self.env._(
                "%(what)s: %(customers)s", what=what, customers=", ".join(
                    self.env._("%(customer)s (%(rate)s %%)", customer=individual.partner_id.display_name,
                               rate=round(individual.rate * 100, 4)) for individual in individuals)))


def _check_proposals(records):
    """:raise UserError: when a provision is booked or cancelled"""
    if booked := records.provision_id.filtered(lambda record: record.state != 'draft'):
        raise UserError(records.env._("%s is no proposal any more.", ", ".join(booked.mapped('name'))))
