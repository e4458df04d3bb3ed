"""Opens disputes over invoices: all that is unpaid, an amount, or lines and quantities. The model does the rest."""
from odoo import Command, api, fields, models
from odoo.exceptions import UserError


class ArDisputeOpenWizard(models.TransientModel):
    _name = 'ar.dispute.open.wizard'
    _description = "Dispute Invoices"

    move_ids = fields.Many2many(comodel_name='account.move', string="Invoices", required=True, readonly=True)
    move_id = fields.Many2one(comodel_name='account.move', string="Invoice", compute='_compute_move_id')
    company_id = fields.Many2one(related='move_id.company_id')
    currency_id = fields.Many2one(related='move_id.currency_id')
    is_part_paid = fields.Boolean(compute='_compute_move_id')
    undisputed = fields.Monetary(string="Unpaid", compute='_compute_move_id', help="Unpaid and not disputed yet.")
    scope = fields.Selection(
        selection=[
            ('open', "All that is unpaid"),
            ('amount', "An amount"),
            ('lines', "Lines and quantities"),
        ],
        string="Disputed", default='open', required=True)
    amount = fields.Monetary(
        compute='_compute_amount', store=True, readonly=False, help="With tax, in the invoice's currency.")
    line_ids = fields.One2many(
        comodel_name='ar.dispute.open.line', inverse_name='wizard_id', string="Lines",
        compute='_compute_line_ids', store=True, readonly=False)
    reason_id = fields.Many2one(comodel_name='ar.dispute.reason', required=True)
    note = fields.Text(string="Customer's Words")
    attachment_ids = fields.Many2many(comodel_name='ir.attachment', string="Files")
    acknowledge = fields.Boolean(string="Send an acknowledgement", help="An e-mail to the customer, in their language.")

    @api.model
    def default_get(self, fields):
        """Override: the invoices selected in a list."""
        values = super().default_get(fields)
        context = self.env.context
        if 'move_ids' in fields and not values.get('move_ids') and context.get('active_model') == 'account.move':
            values['move_ids'] = [Command.set(context.get('active_ids', []))]
        return values

    @api.depends('move_ids')
    def _compute_move_id(self):
        for wizard in self:
            moves = wizard.move_ids._origin
            wizard.move_id = moves if len(moves) == 1 else False
            wizard.is_part_paid = wizard.move_id.payment_state == 'partial'
            wizard.undisputed = wizard.move_id._ar_get_undisputed() if wizard.move_id else 0

    @api.depends('move_ids', 'scope', 'line_ids.amount')
    def _compute_amount(self):
        for wizard in self:
            if wizard.scope == 'lines':
                wizard.amount = sum(wizard.line_ids.mapped('amount'))
            elif wizard.scope == 'open' or not wizard.amount:
                wizard.amount = wizard.undisputed

    @api.depends('move_ids')
    def _compute_line_ids(self):
        for wizard in self:
            products = wizard.move_id.invoice_line_ids.filtered(lambda line: line.display_type == 'product')
            wizard.line_ids = [Command.clear(), *(Command.create({'move_line_id': line.id}) for line in products)]

    def action_open(self):
        """Open the disputes and show them.

        :raise UserError: when an invoice cannot be disputed, or nothing was chosen
        """
        self.ensure_one()
        kwargs = {}
        if self.move_id and self.scope == 'amount':
            kwargs['amount'] = self.amount
        elif self.move_id and self.scope == 'lines':
            kwargs['lines'] = {line.move_line_id: line.quantity for line in self.line_ids if line.quantity}
            if not kwargs['lines']:
                raise UserError(self.env._("Enter the disputed quantity of at least one line."))
        files = [(file.name, file.raw) for file in self.attachment_ids]
        disputes = self.env['ar.dispute']
        for move in self.move_ids:
            disputes |= disputes._open(move, reason=self.reason_id, note=self.note or "", attachments=files, **kwargs)
        if self.acknowledge:
            disputes.action_acknowledge()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_dispute_action')
        if len(disputes) == 1:
            return {**action, 'views': [(False, 'form')], 'res_id': disputes.id, 'context': {}}
        return {**action, 'views': [(False, 'list'), (False, 'form')], 'domain': [('id', 'in', disputes.ids)],
                'context': {}}


class ArDisputeOpenLine(models.TransientModel):
    _name = 'ar.dispute.open.line'
    _description = "Invoice Line to Dispute"

    wizard_id = fields.Many2one(comodel_name='ar.dispute.open.wizard', required=True, ondelete='cascade')
    move_line_id = fields.Many2one(comodel_name='account.move.line', string="Line", required=True)
    name = fields.Char(related='move_line_id.name', string="Description")
    currency_id = fields.Many2one(related='move_line_id.currency_id')
    quantity_invoiced = fields.Float(related='move_line_id.quantity', string="Invoiced", digits='Product Unit')
    price_total = fields.Monetary(related='move_line_id.price_total', string="Total")
    quantity = fields.Float(string="Disputed", digits='Product Unit')
    amount = fields.Monetary(string="Disputed Amount", compute='_compute_amount')

    @api.depends('quantity', 'wizard_id.line_ids.quantity')
    def _compute_amount(self):
        for wizard in self.wizard_id:
            lines = wizard.line_ids.filtered('quantity')
            amounts = self.env['ar.dispute.line']._compute_tax_included(
                {line.move_line_id._origin: line.quantity for line in lines})
            for line in wizard.line_ids:
                line.amount = amounts.get(line.move_line_id._origin, 0.0)
        for line in self:
            if not line.wizard_id:
                line.amount = 0.0
