"""What a payment plan is about (items) and how it is paid (instalments)."""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .ar_guard import without_defaults
from .ar_promise_plan import OPEN_STATES

JUDGED_FIELDS = {'state', 'amount_paid', 'promise_id'}


class ArPromisePlanItem(models.Model):
    _name = 'ar.promise.plan.item'
    _description = "Item of a Payment Plan"
    _inherit = ['ar.guard']
    _order = 'date_maturity, id'
    _rec_name = 'move_id'

    plan_id = fields.Many2one(comodel_name='ar.promise.plan', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='plan_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='plan_id.currency_id')
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", index='btree_not_null', ondelete='set null')
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index=True, ondelete='restrict', compute='_compute_from_item',
        store=True, precompute=True)
    date_maturity = fields.Date(string="Due Date", compute='_compute_from_item', store=True, precompute=True)
    amount = fields.Monetary(readonly=True, help="What was open when the plan was drawn up.")
    amount_paid = fields.Monetary(string="Paid Since", readonly=True, copy=False)
    settled_before = fields.Json(readonly=True, copy=False)
    is_open = fields.Boolean(compute='_compute_is_open', store=True, precompute=True)
    date_accepted = fields.Date(related='plan_id.date_accepted', store=True)
    date_ended = fields.Date(related='plan_id.date_ended', store=True)

    _open_uniq = models.UniqueIndex("(move_line_id) WHERE is_open", "This item is in another payment plan already.")

    @api.depends('move_line_id')
    def _compute_from_item(self):
        for line in self:
            item = line.move_line_id
            if item:  # what it was about stays when the item is gone
                line.move_id = item.move_id
                line.date_maturity = item.date_maturity or item.date

    @api.depends('plan_id.state')
    def _compute_is_open(self):
        for item in self:
            item.is_open = item.plan_id.state in OPEN_STATES

    @api.model_create_multi
    def create(self, vals_list):
        """Look at the items as they are now: what is open, what was paid before."""
        item_ids = [vals['move_line_id'] for vals in vals_list if vals.get('move_line_id')]
        self.env['ar.promise.line']._check_open(self.env['account.move.line'].browse(item_ids))
        facts = self.env['ar.promise.line']._get_baseline(item_ids)
        items = super().create([
            {**vals, 'amount': facts[vals['move_line_id']]['amount_open'], 'amount_paid': 0.0,
             'settled_before': facts[vals['move_line_id']]['settled_before']} for vals in vals_list])
        items.plan_id._check_draft()
        return items

    def write(self, vals):
        if not self.env.su:
            raise UserError(self.env._("The items of a plan stay as they were: cancel it and draw up a new one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_of_drafts(self):
        self.plan_id._check_draft()


class ArPromiseInstalment(models.Model):
    _name = 'ar.promise.instalment'
    _description = "Instalment of a Payment Plan"
    _inherit = ['ar.guard']
    _order = 'plan_id, sequence'
    _rec_name = 'date'

    plan_id = fields.Many2one(comodel_name='ar.promise.plan', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='plan_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='plan_id.currency_id')
    sequence = fields.Integer(string="No.", required=True)
    date = fields.Date(required=True)
    amount = fields.Monetary(required=True)
    amount_paid = fields.Monetary(string="Paid", readonly=True, copy=False)
    promise_id = fields.Many2one(
        comodel_name='ar.promise', index='btree_not_null', ondelete='set null', readonly=True, copy=False)
    state = fields.Selection(
        selection=[
            ('planned', "Planned"), ('open', "Open"), ('kept', "Paid"), ('partly_kept', "Partly Paid"),
            ('broken', "Missed"), ('void', "Ended with the plan"),
        ],
        default='planned', required=True, readonly=True, copy=False)

    _plan_sequence_uniq = models.Constraint('UNIQUE (plan_id, sequence)', "Instalments are numbered.")
    _amount_positive = models.Constraint('CHECK (amount > 0)', "An instalment is more than nothing.")

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, JUDGED_FIELDS)
        if not self.env.su:
            vals_list = [{name: value for name, value in vals.items() if name not in JUDGED_FIELDS}
                         for vals in vals_list]
        instalments = super().create(vals_list)
        instalments.plan_id._check_draft()
        return instalments

    def write(self, vals):
        self.plan_id._check_draft()
        if not self.env.su and JUDGED_FIELDS & set(vals):
            raise AccessError(self.env._("A payment plan moves by its own buttons: propose, accept, cancel."))
        result = super().write(vals)
        self.plan_id._check_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_of_drafts(self):
        self.plan_id._check_draft()
