"""Decides a dispute: all, quantities, an amount, or nothing of it, with the answer to the customer."""
from odoo import Command, api, fields, models


class ArDisputeResolveWizard(models.TransientModel):
    _name = 'ar.dispute.resolve.wizard'
    _description = "Decide a Dispute"

    dispute_id = fields.Many2one(comodel_name='ar.dispute', required=True, readonly=True)
    currency_id = fields.Many2one(related='dispute_id.currency_id')
    amount_disputed = fields.Monetary(related='dispute_id.amount', string="Disputed")
    has_lines = fields.Boolean(compute='_compute_has_lines')
    decision = fields.Selection(
        selection=[('accept', "Accept"), ('part', "Accept a part"), ('reject', "Reject")],
        required=True, default='accept')
    part_by = fields.Selection(
        selection=[('quantity', "Quantities"), ('amount', "An amount")], string="Part",
        compute='_compute_part_by', store=True, readonly=False)
    amount = fields.Monetary(
        string="Credit Note", compute='_compute_amount', store=True, readonly=False,
        help="With tax, in the invoice's currency.")
    line_ids = fields.One2many(
        comodel_name='ar.dispute.resolve.line', inverse_name='wizard_id', string="Lines",
        compute='_compute_line_ids', store=True, readonly=False)
    outcome_note = fields.Text(string="Answer to the Customer")
    needs_approval = fields.Boolean(compute='_compute_needs_approval')
    recipient_id = fields.Many2one(
        comodel_name='res.partner', string="Told to", compute='_compute_recipient_id')

    @api.depends('dispute_id')
    def _compute_has_lines(self):
        for wizard in self:
            wizard.has_lines = bool(wizard.dispute_id.line_ids)

    @api.depends('dispute_id')
    def _compute_recipient_id(self):
        for wizard in self:
            tells = wizard.dispute_id.company_id.ar_dispute_letters
            wizard.recipient_id = tells and wizard.dispute_id._get_recipient()

    @api.depends('has_lines')
    def _compute_part_by(self):
        for wizard in self:
            wizard.part_by = 'quantity' if wizard.has_lines else 'amount'

    @api.depends('dispute_id')
    def _compute_line_ids(self):
        for wizard in self:
            wizard.line_ids = [Command.clear(), *(
                Command.create({'line_id': line.id, 'quantity': line.quantity}) for line in wizard.dispute_id.line_ids)]

    @api.depends('decision', 'part_by', 'line_ids.amount')
    def _compute_amount(self):
        for wizard in self:
            if wizard.decision == 'reject':
                wizard.amount = 0
            elif wizard.decision == 'accept':
                wizard.amount = wizard.amount_disputed
            elif wizard.part_by == 'quantity':
                wizard.amount = sum(wizard.line_ids.mapped('amount'))

    @api.depends('amount', 'decision')
    def _compute_needs_approval(self):
        for wizard in self:
            wizard.needs_approval = wizard.decision != 'reject' and wizard.dispute_id._needs_approval(wizard.amount)

    def action_decide(self):
        """Carry the decision out.

        :raise UserError: see `ar.dispute` `_accept` and `action_reject`
        """
        self.ensure_one()
        dispute = self.dispute_id
        dispute.outcome_note = self.outcome_note
        if self.decision == 'reject':
            dispute.action_reject()
        elif self.decision == 'accept':
            dispute.action_accept()
        elif self.part_by == 'quantity':
            dispute._accept(quantities={line.line_id: line.quantity for line in self.line_ids})
        else:
            dispute._accept(amount=self.amount)
        return {'type': 'ir.actions.act_window_close'}


class ArDisputeResolveLine(models.TransientModel):
    _name = 'ar.dispute.resolve.line'
    _description = "Disputed Line to Decide"

    wizard_id = fields.Many2one(comodel_name='ar.dispute.resolve.wizard', required=True, ondelete='cascade')
    line_id = fields.Many2one(comodel_name='ar.dispute.line', required=True)
    name = fields.Char(related='line_id.move_line_id.name', string="Description")
    currency_id = fields.Many2one(related='line_id.currency_id')
    quantity_disputed = fields.Float(related='line_id.quantity', string="Disputed", digits='Product Unit')
    quantity = fields.Float(string="Accepted", digits='Product Unit')
    amount = fields.Monetary(string="Credited", compute='_compute_amount')

    @api.depends('quantity', 'wizard_id.line_ids.quantity')
    def _compute_amount(self):
        for wizard in self.wizard_id:
            lines = wizard.line_ids.filtered('quantity')
            amounts = self.env['ar.dispute.line']._compute_tax_included(
                {line.line_id._origin.move_line_id: line.quantity for line in lines})
            for line in wizard.line_ids:
                line.amount = amounts.get(line.line_id._origin.move_line_id, 0.0)
        for line in self:
            if not line.wizard_id:
                line.amount = 0.0
