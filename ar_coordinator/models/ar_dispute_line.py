"""Lines of a dispute: which invoice lines the customer objects to, and how much of each."""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import float_compare, float_is_zero


class ArDisputeLine(models.Model):
    _name = 'ar.dispute.line'
    _description = "Disputed Invoice Line"
    _inherit = ['ar.guard']
    _order = 'dispute_id, id'
    _rec_name = 'move_line_id'

    dispute_id = fields.Many2one(
        comodel_name='ar.dispute', required=True, index=True, ondelete='cascade')
    move_id = fields.Many2one(related='dispute_id.move_id')
    company_id = fields.Many2one(related='dispute_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='dispute_id.currency_id')
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Invoice Line", required=True, index=True, ondelete='restrict',
        domain="[('move_id', '=', move_id), ('display_type', '=', 'product')]")
    product_id = fields.Many2one(related='move_line_id.product_id', store=True, index='btree_not_null')
    product_uom_id = fields.Many2one(related='move_line_id.product_uom_id')
    quantity_invoiced = fields.Float(
        related='move_line_id.quantity', string="Invoiced", digits='Product Unit')
    quantity = fields.Float(
        string="Disputed", digits='Product Unit', required=True,
        compute='_compute_quantity', store=True, readonly=False, precompute=True)
    quantity_accepted = fields.Float(
        string="Accepted", digits='Product Unit', readonly=True, copy=False,
        help="What the credit note takes back.")
    amount = fields.Monetary(
        compute='_compute_amount', store=True, help="Disputed quantity with tax, as the invoice computes it.")

    _move_line_uniq = models.Constraint(
        'UNIQUE (dispute_id, move_line_id)', "An invoice line is listed once in a dispute; change its quantity.")

    # === COMPUTE METHODS === #

    @api.depends('move_line_id')
    def _compute_quantity(self):
        for line in self:
            line.quantity = line.quantity or line.move_line_id.quantity

    @api.depends('move_line_id', 'quantity', 'dispute_id.line_ids.quantity', 'dispute_id.line_ids.move_line_id')
    def _compute_amount(self):
        """The lines of a dispute are computed together: some companies round taxes per invoice, not per line."""
        for dispute in self.dispute_id:
            lines = dispute.line_ids.filtered('move_line_id')
            amounts = self._compute_tax_included({line.move_line_id: line.quantity for line in lines})
            for line in lines:
                line.amount = amounts[line.move_line_id]
        for line in self:
            if not line.move_line_id or not line.dispute_id:
                line.amount = 0.0

    # === CONSTRAINT METHODS === #

    @api.constrains('move_line_id', 'dispute_id')
    def _check_move_line(self):
        for line in self:
            if line.move_line_id.move_id != line.dispute_id.move_id or line.move_line_id.display_type != 'product':
                raise ValidationError(self.env._(
                    "%(line)s is not a product line of the disputed invoice %(invoice)s.",
                    line=line.move_line_id.display_name, invoice=line.dispute_id.move_id.display_name))

    @api.constrains('quantity')
    def _check_quantity(self):
        for line in self:
            if not self._is_part(line.quantity, line.move_line_id):
                raise ValidationError(self.env._(
                    "%(line)s: %(quantity)s is not a part of the %(invoiced)s on the invoice.",
                    line=line.move_line_id.name or line.product_id.display_name, quantity=line.quantity,
                    invoiced=line.quantity_invoiced))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self._check_accepted(*vals_list)
            default = self.env.context.get('default_dispute_id')
            disputes = {vals.get('dispute_id') or default for vals in vals_list} - {None, False}
            self.env['ar.dispute'].browse(disputes)._check_undecided({'line_ids': True})
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._check_accepted(vals)
            self.dispute_id._check_undecided({'line_ids': True})
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_undecided(self):
        if not self.env.su:
            self.dispute_id._check_undecided({'line_ids': True})

    @api.model
    def _check_accepted(self, *vals_list):
        """:raise AccessError: when values hold what only a decision writes."""
        if any(vals.get('quantity_accepted') for vals in vals_list):
            raise AccessError(self.env._("Accepted quantities are set by deciding the dispute, not by hand."))

    # === BUSINESS METHODS === #

    @api.model
    def _is_part(self, quantity, move_line):
        """Say whether `quantity` is more than nothing and at most what `move_line` has, of the same sign."""
        digits = self.env['decimal.precision'].precision_get('Product Unit')
        if float_is_zero(quantity, precision_digits=digits) or quantity * move_line.quantity < 0:
            return False
        return float_compare(abs(quantity), abs(move_line.quantity), precision_digits=digits) <= 0

    @api.model
    def _compute_tax_included(self, quantities):
        """Return what these quantities of invoice lines cost with tax, exactly as a credit note over them will.

        Discounts, price-included taxes, and the company's way to round are the tax engine's; amounts of lines that
        are taken in full, all lines of the invoice, are those of the invoice, with taxes that were edited by hand.

        :param quantities: dict of account.move.line (product lines of one invoice) -> quantity
        :return: dict of account.move.line -> amount with tax, in the invoice's currency
        :raise UserError: for lines of more than one invoice
        """
        lines = self.env['account.move.line'].union(*quantities)
        if not lines:
            return {}
        if len(lines.move_id) != 1:
            raise UserError(self.env._("The lines of a dispute belong to one invoice."))
        move = lines.move_id
        if self._is_whole_invoice(quantities):
            base_lines, _tax_lines = move._get_rounded_base_and_tax_lines()
        else:
            base_lines = self._prepare_base_lines(quantities)
        amounts = dict.fromkeys(lines, 0.0)
        for base_line in base_lines:
            details = base_line['tax_details']
            if base_line['record'] in amounts:
                amounts[base_line['record']] = move.currency_id.round(
                    details['total_excluded_currency'] + details['delta_total_excluded_currency']
                    + sum(tax['tax_amount_currency'] for tax in details['taxes_data']))
        return amounts

    @api.model
    def _prepare_base_lines(self, quantities):
        """Return the tax engine's base lines, computed and rounded, for these quantities of lines of one invoice."""
        engine = self.env['account.tax']
        base_lines = []
        for line, quantity in quantities.items():
            move = line.move_id
            base_lines.append(engine._prepare_base_line_for_taxes_computation(
                line, price_unit=line.price_unit, quantity=quantity, discount=line.discount, sign=move.direction_sign,
                rate=move._get_product_base_line_currency_rate(line), name=line.name))
        if base_lines:
            engine._add_tax_details_in_base_lines(base_lines, move.company_id)
            engine._round_base_lines_tax_details(base_lines, move.company_id)
        return base_lines

    @api.model
    def _is_whole_invoice(self, quantities):
        """Say whether `quantities` are all product lines of their invoice, in full."""
        lines = self.env['account.move.line'].union(*quantities)
        products = lines.move_id.invoice_line_ids.filtered(lambda line: line.display_type == 'product')
        return products == lines and all(line.quantity == quantity for line, quantity in quantities.items())
