"""An open item of a promise: how much of it is promised, and what was matched with it when the promise was given."""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date

# counts against the customer; cleared without payment, or replaced by a plan, does not
UNKEPT_DOMAIN = Domain('state', 'in', ('broken', 'partly_kept')) | Domain('outcome', '=', 'withdrawn')


class ArPromiseLine(models.Model):
    _name = 'ar.promise.line'
    _description = "Promised Item"
    _inherit = ['ar.guard']
    _order = 'date_maturity, id'
    _rec_name = 'move_id'
    _check_company_auto = True

    promise_id = fields.Many2one(comodel_name='ar.promise', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='promise_id.company_id', store=True, index=True)
    partner_id = fields.Many2one(related='promise_id.partner_id', store=True, index=True)
    plan_id = fields.Many2one(related='promise_id.plan_id', store=True)
    currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_from_item', store=True, precompute=True)
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", index='btree_not_null', ondelete='set null',
        domain=[('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'), ('reconciled', '=', False),
                ('amount_residual_currency', '>', 0)],
        help="Empty when the invoice was reset to draft and got new items: the invoice stands for them.")
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index=True, ondelete='restrict',
        compute='_compute_from_item', store=True, precompute=True)
    date_maturity = fields.Date(
        string="Due Date", compute='_compute_from_item', store=True, precompute=True)
    amount = fields.Monetary(
        string="Promised", required=True, compute='_compute_amount', store=True, readonly=False, precompute=True)
    amount_open = fields.Monetary(
        string="Open Then", readonly=True, help="What was open on the item when the promise was given.")
    amount_paid = fields.Monetary(string="Paid Since", readonly=True, copy=False)
    settled_before = fields.Json(
        readonly=True, copy=False, help="What was matched when the promise was given: {counterpart id: amount}.")
    state = fields.Selection(related='promise_id.state', store=True)
    is_open = fields.Boolean(compute='_compute_is_open', store=True, precompute=True)
    date_made = fields.Date(related='promise_id.date_made', store=True)
    date_ended = fields.Date(related='promise_id.date_ended', store=True)
    date_promised = fields.Date(related='promise_id.date_promised', store=True)
    level = fields.Integer(compute='_compute_level')

    _open_uniq = models.UniqueIndex(
        "(move_line_id) WHERE is_open",
        "There is an open promise for this item already: withdraw it before noting down a new one.")
    _promise_item_uniq = models.Constraint(
        'UNIQUE (promise_id, move_line_id)', "An item is in a promise once.")

    # === COMPUTE METHODS === #

    @api.depends('move_line_id')
    def _compute_from_item(self):
        for line in self:
            item = line.move_line_id
            if item:  # what it was about stays when the item is gone
                line.move_id = item.move_id
                line.currency_id = item.currency_id
                line.date_maturity = item.date_maturity or item.date

    @api.depends('move_line_id')
    def _compute_amount(self):
        for line in self:
            line.amount = line.amount or line.move_line_id.amount_residual_currency

    @api.depends('promise_id.state')
    def _compute_is_open(self):
        for line in self:
            line.is_open = line.promise_id.state == 'open'

    @api.depends('move_line_id', 'move_id')
    def _compute_level(self):
        """Unkept promises of the same item given before; of the invoice's, for items that are gone."""
        items = self.move_line_id
        earlier = {}
        for promised in self.search(
                Domain('move_line_id', 'in', items.ids) & Domain('promise_id', 'any', UNKEPT_DOMAIN), order='id'):
            earlier.setdefault(promised.move_line_id.id, []).append(promised.id)
        for line in self:
            own = line._origin.id or float('inf')
            line.level = sum(1 for number in earlier.get(line.move_line_id.id, ()) if number < own)

    # === CONSTRAINT AND CRUD METHODS === #

    @api.constrains('amount')
    def _check_amount(self):
        for line in self:
            if line.currency_id.compare_amounts(line.amount, 0) <= 0:
                raise ValidationError(self.env._("%s: the promised amount must be positive.", line.move_id.name))
            if line.currency_id.compare_amounts(line.amount, line.amount_open) > 0:
                raise ValidationError(self.env._(
                    "%(item)s: %(amount)s cannot be promised, %(open)s are open.", item=line.move_id.name,
                    amount=line.currency_id.format(line.amount), open=line.currency_id.format(line.amount_open)))

    @api.model_create_multi
    def create(self, vals_list):
        """Look at the items as they are now: what is open, what was paid before."""
        item_ids = [vals.get('move_line_id') for vals in vals_list]
        if not all(item_ids):
            raise UserError(self.env._("Choose at least one open item that the customer promises to pay."))
        self._check_open(self.env['account.move.line'].browse(item_ids))
        self._check_free(item_ids)
        facts = self._get_baseline(item_ids)
        return super().create([
            {'amount': facts[item_id]['amount_open'], **vals, 'amount_paid': 0.0, **facts[item_id]}
            for item_id, vals in zip(item_ids, vals_list, strict=True)])

    def write(self, vals):
        if not self.env.su:
            raise UserError(self.env._(
                "What was promised stays as it was. Withdraw the promise and note down the new one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if not self.env.su:
            raise AccessError(self.env._("A promise is part of the customer's record: withdraw it instead."))

    # === BUSINESS METHODS === #

    @api.model
    def _get_baseline(self, item_ids):
        """Return {item id: {amount_open, settled_before}}: what is open on items now, and what is matched with them.

        Callers checked that the user may read the items.
        """
        # sudo: all payments of the items decide what counts as paid since
        ledger = self.env['ar.ledger'].sudo()
        residuals, payments = ledger.residuals_of(item_ids), ledger.payments_of(item_ids)
        return {
            item_id: {
                'amount_open': residuals[item_id]['owed'],
                'settled_before': {
                    str(payment['line_id']): payment['amount'] for payment in payments.get(item_id, ())},
            } for item_id in item_ids}

    @api.model
    def _check_open(self, items):
        """:raise AccessError: for items the user may not read

        :raise UserError: for anything but open items of a customer
        """
        items.check_access('read')
        for item in items:
            if item.account_type != 'asset_receivable' or item.parent_state != 'posted' \
                    or item.currency_id.compare_amounts(item.amount_residual_currency, 0) <= 0:
                raise UserError(self.env._(
                    "%s is not an open item of a customer: nothing is left to be paid.", item.display_name))

    @api.model
    def _check_free(self, item_ids):
        """:raise UserError: for items that are promised already, or in a payment plan"""
        # sudo: names what stands in the way, which is about the same items
        taken = self.sudo().search([('move_line_id', 'in', item_ids), ('is_open', '=', True)], limit=1)
        if taken:
            raise UserError(self.env._(
                "%(item)s is promised already, for %(day)s. Withdraw that promise before noting down a new one.",
                item=taken.move_id.name, day=format_date(self.env, taken.date_promised)))
        if self.env.context.get('ar_promise_of_plan'):
            return
        planned = self.env['ar.promise.plan.item'].sudo().search(
            [('move_line_id', 'in', item_ids), ('is_open', '=', True)], limit=1)
        if planned:
            raise UserError(self.env._(
                "%(item)s is in the payment plan %(plan)s already.", item=planned.move_id.name,
                plan=planned.plan_id.name))
