"""Note down a promise to pay, or draw up a payment plan, about open items chosen before."""
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_amount, format_date

from ..engine import promises


class ArPromiseWizard(models.TransientModel):
    _name = 'ar.promise.wizard'
    _description = "Note a Promise to Pay"

    item_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_promise_wizard_item_rel', string="Open Items", required=True,
        domain=[('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'),
                ('amount_residual_currency', '>', 0)])
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_from_items')
    is_single = fields.Boolean(compute='_compute_from_items', help="One customer, company and currency: one promise.")
    amount_open = fields.Monetary(string="Open", compute='_compute_from_items')
    amount = fields.Monetary(
        string="Promised Amount", compute='_compute_amount', store=True, readonly=False,
        help="Less than what is open: the oldest items first.")
    date_promised = fields.Date(string="Promised for", required=True)
    promised_line_ids = fields.Many2many(comodel_name='ar.promise.line', compute='_compute_from_items')
    replace = fields.Boolean(
        string="Replace Open Promises", default=True, help="The promise given before counts as not kept.")
    note = fields.Text(help="What the customer said.")

    @api.depends('item_ids')
    def _compute_from_items(self):
        for wizard in self:
            items = wizard.item_ids._origin
            customers = items.partner_id.commercial_partner_id
            wizard.currency_id = items.currency_id[:1]
            wizard.is_single = len(customers) == len(items.company_id) == len(items.currency_id) == 1
            wizard.amount_open = sum(items.mapped('amount_residual_currency')) if wizard.is_single else 0.0
            wizard.promised_line_ids = self.env['ar.promise.line'].search(
                [('move_line_id', 'in', items.ids), ('is_open', '=', True)])

    @api.depends('item_ids')
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = wizard.amount_open

    def action_promise(self):
        """Note the promise down: one for each customer, company and currency.

        :raise AccessError: unless the user may make promises
        :raise UserError: for a plan's items, or an amount that is more than what is open
        """
        self.ensure_one()
        if self.replace:
            self.promised_line_ids.promise_id.action_withdraw()
        made = self.env['ar.promise']
        groups = self.item_ids.grouped(
            lambda item: (item.partner_id.commercial_partner_id, item.company_id, item.currency_id))
        for items in groups.values():
            ordered = items.sorted(lambda item: (item.date_maturity or item.date, item.id))
            amounts = self._spread(ordered) if self.is_single else None
            if amounts is not None:
                ordered = ordered.filtered(lambda item, amounts=amounts: item.id in amounts)
            made += self.env['ar.promise']._promise(ordered, self.date_promised, amounts, note=self.note or '')
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
                'type': 'success', 'message': self.env._("Noted. %s", "; ".join(made.mapped('name'))),
                'next': {'type': 'ir.actions.act_window_close'}}}

    def _spread(self, items):
        """Return {item id: amount} of the promised amount, the oldest items first.

        :raise UserError: for an amount that is not positive, or more than what is open
        """
        compare = self.currency_id.compare_amounts
        if compare(self.amount, 0) <= 0 or compare(self.amount, self.amount_open) > 0:
            raise UserError(self.env._(
                "Enter an amount between 0 and %s, which is open.", self.currency_id.format(self.amount_open)))
        return promises.allocate(
            self.amount, [(item.id, item.amount_residual_currency) for item in items], self.currency_id.decimal_places)


class ArPromisePlanWizard(models.TransientModel):
    _name = 'ar.promise.plan.wizard'
    _description = "Draw up a Payment Plan"

    item_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_promise_plan_wizard_item_rel', string="Open Items",
        required=True)
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_from_items')
    amount = fields.Monetary(string="Total", compute='_compute_from_items')
    count = fields.Integer(string="Instalments", default=3, required=True)
    date_first = fields.Date(
        string="First on", required=True, default=lambda self: fields.Date.add(self.env.company._ar_today(), days=14))
    every = fields.Integer(default=1, required=True)
    interval = fields.Selection(
        selection=[('weeks', "weeks"), ('months', "months")], default='months', required=True)
    preview = fields.Html(compute='_compute_preview')
    note = fields.Text(help="Internal: why the plan is agreed to.")

    @api.depends('item_ids')
    def _compute_from_items(self):
        for wizard in self:
            items = wizard.item_ids._origin
            wizard.currency_id = items.currency_id[:1]
            wizard.amount = sum(items.mapped('amount_residual_currency'))

    @api.depends('item_ids', 'count', 'date_first', 'every', 'interval')
    def _compute_preview(self):
        for wizard in self:
            try:
                series = promises.instalments(
                    wizard.amount, wizard.count, wizard.date_first, wizard.every, wizard.interval,
                    wizard.currency_id.decimal_places,
                    round(wizard.currency_id.rounding * 10 ** wizard.currency_id.decimal_places),
                ) if wizard.date_first else []
            except ValueError:
                wizard.preview = self.env._("This cannot be split into so many instalments.")
                continue
            wizard.preview = Markup("<ol>%s</ol>") % Markup().join(
                Markup("<li>%s: <b>%s</b></li>") % (
                    format_date(self.env, day), format_amount(self.env, amount, wizard.currency_id))
                for day, amount in series)

    def action_plan(self):
        """Draw the plan up and open it; nothing is sent yet.

        :raise UserError: see `ar.promise.plan._propose`
        """
        self.ensure_one()
        plan = self.env['ar.promise.plan']._propose(
            self.item_ids, self.count, self.date_first, self.interval, self.every, note=self.note or '')
        return plan._get_form_action()
