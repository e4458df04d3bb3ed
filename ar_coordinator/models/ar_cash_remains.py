"""What remains of a payment that is not exactly what is open: left open or disputed, written off, kept as a bank fee;
kept on account, paid back, or kept for the next invoice.

    too little:  open | dispute (with a reason) | write_off (a small difference) | fee | rate
    too much:    account | next_invoice | refund | write_off | rate

`rate` is for items in another currency than the payment's only: they are paid in full at the payer's rate.

The proposal says what will happen, by the customer's or company's defaults; whoever applies it may choose otherwise.
Disputes, write-offs and refunds are those of the rest of the desk, with their limits and their four eyes: what is
above a limit waits for approval and stays open meanwhile. What was made is linked to the proposal, and undone with it.
What happens is in ar_cash_rest.py; this file has the choice and its defaults.
"""
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

SHORT_ACTIONS = [
    ('open', "Leave open"),
    ('dispute', "Dispute it"),
    ('write_off', "Write the difference off"),
    ('fee', "Bank fee"),
    ('rate', "Exchange difference"),
]
OVER_DEFAULTS = [
    ('account', "Keep on account"),
    ('next_invoice', "Keep for the next invoice"),
    ('refund', "Ask to pay it back"),
]
OVER_ACTIONS = [*OVER_DEFAULTS, SHORT_ACTIONS[2], SHORT_ACTIONS[4]]
REST_ACTIONS = SHORT_ACTIONS + OVER_DEFAULTS
SHORT_DEFAULTS = [row for row in SHORT_ACTIONS if row[0] in ('open', 'dispute')]
FEE_READINGS = ('fee', 'one_fee')
RATE_READINGS = ('converted', 'converted_one')
CHOICES = {'rest_action', 'rest_reason_id'}


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_cash_small_difference = fields.Monetary(
        string="Write Off Differences up to",
        help="A payment short by no more than this is written off as a small balance when it is applied, within the"
             " limits of write-offs. 0: never by default.")
    ar_cash_short_action = fields.Selection(
        selection=SHORT_DEFAULTS, string="Paid Too Little", default='open', required=True,
        help="What happens to what a payment leaves open, unless the customer has another rule.")
    ar_cash_short_reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', string="Reason of Short Payments", ondelete='set null',
        help="Of disputes over what a payment left open, unless its text says more.")
    ar_cash_over_action = fields.Selection(
        selection=OVER_DEFAULTS, string="Paid Too Much", default='account', required=True,
        help="What happens to money that nothing is open for, unless the customer has another rule.")

    @api.constrains('ar_cash_small_difference')
    def _check_ar_cash_small_difference(self):
        for company in self:
            if company.ar_cash_small_difference < 0:
                raise ValidationError(self.env._(
                    "%s: the difference to write off cannot be negative.", company.name))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_cash_small_difference = fields.Monetary(
        related='company_id.ar_cash_small_difference', readonly=False, currency_field='currency_id')
    ar_cash_short_action = fields.Selection(
        related='company_id.ar_cash_short_action', readonly=False, required=True)
    ar_cash_short_reason_id = fields.Many2one(related='company_id.ar_cash_short_reason_id', readonly=False)
    ar_cash_over_action = fields.Selection(
        related='company_id.ar_cash_over_action', readonly=False, required=True)


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_cash_short_action = fields.Selection(
        selection=SHORT_DEFAULTS, string="Paid Too Little", company_dependent=True, copy=False,
        groups='ar_coordinator.group_ar_base', tracking=True, help="Empty: as the company does it.")
    ar_cash_short_reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', string="Reason of Short Payments", company_dependent=True, copy=False,
        groups='ar_coordinator.group_ar_base', tracking=True)
    ar_cash_over_action = fields.Selection(
        selection=OVER_DEFAULTS, string="Paid Too Much", company_dependent=True, copy=False,
        groups='ar_coordinator.group_ar_base', tracking=True, help="Empty: as the company does it.")


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    rest_action = fields.Selection(
        selection=REST_ACTIONS, string="What Remains", compute='_compute_rest_action', store=True, readonly=False,
        precompute=True, tracking=True, help="What happens to the difference when the payment is applied.")
    rest_reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', string="Reason", compute='_compute_rest_reason_id', store=True,
        readonly=False, precompute=True, help="Of the dispute over what was paid too little.")

    @api.depends('rest', 'what', 'partner_id')
    def _compute_rest_action(self):
        for proposal in self:
            proposal.rest_action = proposal._get_rest_default()

    @api.depends('rest_action')
    def _compute_rest_reason_id(self):
        for proposal in self:
            if proposal.rest_action != 'dispute':
                proposal.rest_reason_id = False
            elif not proposal.rest_reason_id:
                proposal.rest_reason_id = proposal._get_reason_default()

    def _get_rest_default(self):
        """Return what happens to the difference by default, False when there is none. Hook."""
        company, partner = self.company_id, self.partner_id.with_company(self.company_id)
        sign = self.currency_id.compare_amounts(self.rest, 0) if self.currency_id else 0
        if not sign:
            return False
        if self.what in RATE_READINGS:
            return 'rate'
        if sign > 0:
            return partner.ar_cash_over_action or company.ar_cash_over_action
        if self.what in FEE_READINGS:
            return 'fee'
        if self._is_deduction_explained():
            return 'dispute'
        size = self.currency_id._convert(-self.rest, company.currency_id, company, self.date)
        if company.currency_id.compare_amounts(size, company.ar_cash_small_difference) <= 0:
            return 'write_off'
        return partner.ar_cash_short_action or company.ar_cash_short_action

    def _is_deduction_explained(self):
        """Return whether the customer's advice gives a reason for what is missing that means a dispute."""
        return any(line._get_coded_reason() for line in self.line_ids if line.deduction)

    def _get_reason_default(self):
        """Return the reason of disputes over short payments of the customer."""
        partner = self.partner_id.with_company(self.company_id)
        return (
            partner.ar_cash_short_reason_id or self.company_id.ar_cash_short_reason_id
            or self.env['ar.dispute.reason']._get_standard())

    def write(self, vals):
        """Override: what remains is chosen while the proposal waits."""
        if CHOICES & set(vals) and not self.env.su:
            for proposal in self:
                if proposal.state != 'proposed':
                    raise UserError(self.env._(
                        "%s was dealt with already: undo it before you choose something else.", proposal.name))
        return super().write(vals)
