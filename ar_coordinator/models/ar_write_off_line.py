"""The items of a write-off request: how much of each, checked against what is open of it."""
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .ar_guard import without_defaults


class ArWriteOffLine(models.Model):
    _name = 'ar.write.off.line'
    _description = "Item of a Write-Off Request"
    _inherit = ['ar.guard']
    _order = 'request_id desc, id'

    request_id = fields.Many2one(
        comodel_name='ar.write.off', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='request_id.company_id', store=True, precompute=True, index=True)
    partner_id = fields.Many2one(related='request_id.partner_id')
    state = fields.Selection(related='request_id.state')
    currency_id = fields.Many2one(related='request_id.currency_id')
    company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", required=True, index=True, ondelete='restrict',
        domain="[('account_id.account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'),"
               " ('reconciled', '=', False), ('company_id', '=', company_id)]")
    date_due = fields.Date(related='move_line_id.date_maturity', string="Due Date")
    amount_open = fields.Monetary(string="Open", compute='_compute_amount_open')
    amount = fields.Monetary(
        compute='_compute_amount', store=True, readonly=False, precompute=True,
        help="What of it is written off or paid back: with the sign of what is open.")
    amount_company = fields.Monetary(
        string="In Company Currency", compute='_compute_amount_company', currency_field='company_currency_id',
        help="The books' value of the amount.")
    amount_posted = fields.Monetary(
        string="Posted", currency_field='company_currency_id', readonly=True, copy=False)

    _item_uniq = models.UniqueIndex("(request_id, move_line_id)", "An item is on a request only once.")

    @api.depends('move_line_id.amount_residual_currency')
    def _compute_amount_open(self):
        for line in self:
            line.amount_open = line.move_line_id.amount_residual_currency

    @api.depends('move_line_id')
    def _compute_amount(self):
        for line in self:
            line.amount = line.move_line_id.amount_residual_currency

    @api.depends('amount', 'amount_posted', 'move_line_id.amount_residual', 'move_line_id.amount_residual_currency')
    def _compute_amount_company(self):
        for line in self:
            item, currency = line.move_line_id, line.company_id.currency_id
            if line.amount_posted:
                line.amount_company = line.amount_posted
            elif line.currency_id.compare_amounts(line.amount, item.amount_residual_currency) == 0:
                line.amount_company = item.amount_residual  # all of it, to the cent
            else:
                share = line.amount / item.amount_residual_currency if item.amount_residual_currency else 0.0
                line.amount_company = currency.round(item.amount_residual * share)

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, {'amount_posted'})
        if not self.env.su and any(vals.get('amount_posted') for vals in vals_list):
            raise AccessError(self.env._("What was posted is not for users to write."))
        lines = super().create(vals_list)
        lines._check_draft()
        return lines

    def write(self, vals):
        if not self.env.su and 'amount_posted' in vals:
            raise AccessError(self.env._("What was posted is not for users to write."))
        self._check_draft()
        result = super().write(vals)
        self._check_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        self._check_draft()

    def _check_draft(self):
        """:raise UserError: for items of a request that was made; superuser jobs pass"""
        if not self.env.su and any(line.request_id.state != 'draft' for line in self):
            raise UserError(self.env._(
                "What is asked for cannot be changed any more: cancel the request and make another one."))

    def _check_items(self):
        """:raise UserError: for an item of another customer or currency, settled, or not what the kind is for"""
        sums = self._get_paid_back_elsewhere()
        for line in self:
            request, item = line.request_id, line.move_line_id
            if item.company_id != request.company_id or item.currency_id != request.currency_id \
                    or item.partner_id.commercial_partner_id != request.partner_id \
                    or item.account_id.account_type != 'asset_receivable' or item.parent_state != 'posted':
                raise UserError(self.env._(
                    "%(item)s is not an open item of %(customer)s in %(currency)s.", item=item.display_name,
                    customer=request.partner_id.display_name, currency=request.currency_id.name))
            compare, is_open = request.currency_id.compare_amounts, item.amount_residual_currency
            sums[item] += line.amount
            is_allowed = {'write_off': is_open > 0, 'refund': is_open < 0}.get(request.kind, bool(is_open))
            if not is_allowed or compare(line.amount, 0) == 0 or line.amount * is_open < 0 \
                    or compare(abs(sums[item]), abs(is_open)) > 0:
                raise UserError(self.env._(
                    "%(item)s: %(amount)s cannot be taken off, %(open)s is open.", item=item.display_name,
                    amount=request.currency_id.format(line.amount), open=request.currency_id.format(is_open)))

    def _get_paid_back_elsewhere(self):
        """Return {credit: amount} that other refunds are for: asked for, or not matched with their payment yet.

        The credit stays open until the payment is matched with it; it must not be paid back a second time meanwhile:
        not while the payment is a draft, and not when somebody takes the matching of a posted one apart.
        """
        sums = defaultdict(float)
        # sudo: all requests count, whoever may see them
        others = self.sudo().search([
            ('move_line_id', 'in', self.move_line_id.ids), ('request_id', 'not in', self.request_id.ids),
            ('request_id.kind', '=', 'refund'), ('request_id.state', 'in', ('requested', 'done'))])
        for line in others:
            payment = line.request_id.payment_id
            if line.request_id.state == 'requested':
                sums[line.move_line_id] += line.amount
            elif payment and payment.state not in ('canceled', 'rejected'):
                own = line.move_line_id.matched_debit_ids.filtered(
                    lambda partial, payment=payment: partial.debit_move_id.move_id == payment.move_id)
                sums[line.move_line_id] += min(line.amount + sum(own.mapped('credit_amount_currency')), 0.0)
        return sums
