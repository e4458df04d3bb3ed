"""A payment plan: a sum over open items, paid in instalments the customer agrees to.

    draft -> proposed -> accepted -> running -> fulfilled
                                             -> broken       an instalment was missed: everything is due again
          -> cancelled                                       offer withdrawn, refused, or out of date

Its items get no reminders from the offer on. The instalment whose turn it is has a promise, the next one follows when
that was kept. One rule for a missed instalment: when its grace days are over, the plan ends. Paying ahead is fine: what
counts is the sum paid up to each day.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools.misc import format_date

from ..engine import promises
from .ar_guard import without_defaults

STATES = [
    ('draft', "Draft"),
    ('proposed', "Proposed"),
    ('accepted', "Accepted"),
    ('running', "Running"),
    ('fulfilled', "Fulfilled"),
    ('broken', "Broken"),
    ('cancelled', "Cancelled"),
]
AGREED_STATES = ('accepted', 'running')
OPEN_STATES = ('proposed', *AGREED_STATES)
GUARDED_FIELDS = {
    'state', 'date_accepted', 'date_ended', 'origin', 'to_judge', 'is_cleared', 'signed_by', 'signed_on', 'signature'}


class ArPromisePlan(models.Model):
    _name = 'ar.promise.plan'
    _description = "Payment Plan"
    _inherit = ['ar.guard', 'portal.mixin', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _check_company_auto = True
    _mail_post_access = 'read'

    name = fields.Char(string="Number", readonly=True, copy=False, required=True, default="/")
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict')
    currency_id = fields.Many2one(comodel_name='res.currency', required=True)
    item_ids = fields.One2many(comodel_name='ar.promise.plan.item', inverse_name='plan_id', string="Items")
    move_ids = fields.Many2many(comodel_name='account.move', string="Invoices", compute='_compute_move_ids')
    instalment_ids = fields.One2many(
        comodel_name='ar.promise.instalment', inverse_name='plan_id', string="Instalments")
    promise_ids = fields.One2many(comodel_name='ar.promise', inverse_name='plan_id', string="Promises")
    amount = fields.Monetary(string="Total", compute='_compute_amounts', store=True)
    amount_paid = fields.Monetary(string="Paid", compute='_compute_amounts', store=True)
    progress = fields.Float(compute='_compute_amounts', store=True, aggregator='avg', help="Share paid, in %.")
    grace_days = fields.Integer(
        string="Days of Grace", required=True, help="So many days after an instalment was missed, the plan ends.")
    state = fields.Selection(
        selection=STATES, default='draft', required=True, index=True, readonly=True, copy=False, tracking=True,
        group_expand=True)
    origin = fields.Selection(
        selection=[('clerk', "Offered by us"), ('portal', "Asked for on the portal"), ('link', "Asked for by a link")],
        default='clerk', required=True, readonly=True)
    date_valid = fields.Date(
        string="Offer Ends", help="Until then the items of the offer get no reminders.")
    date_accepted = fields.Date(string="Accepted on", readonly=True, copy=False)
    date_ended = fields.Date(string="Ended on", readonly=True, copy=False)
    next_date = fields.Date(string="Next Instalment", compute='_compute_next_date')
    user_id = fields.Many2one(
        comodel_name='res.users', string="Collector", index=True, tracking=True, domain=[('share', '=', False)])
    note = fields.Text(help="Internal: why the plan was agreed to.", groups='ar_coordinator.group_ar_base')
    signed_by = fields.Char(readonly=True, copy=False)
    signed_on = fields.Datetime(readonly=True, copy=False)
    signature = fields.Image(readonly=True, copy=False, max_width=1024, max_height=1024)
    to_judge = fields.Boolean(readonly=True, copy=False)
    is_cleared = fields.Boolean(readonly=True, copy=False, help="Cancelled because nothing was left to be paid.")

    _to_judge_idx = models.Index("(company_id) WHERE to_judge")

    # === COMPUTE METHODS === #

    @api.depends('item_ids.move_id')
    def _compute_move_ids(self):
        for plan in self:
            plan.move_ids = plan.item_ids.move_id

    @api.depends('item_ids.amount', 'item_ids.amount_paid')
    def _compute_amounts(self):
        for plan in self:
            plan.amount = sum(plan.item_ids.mapped('amount'))
            plan.amount_paid = min(sum(plan.item_ids.mapped('amount_paid')), plan.amount)
            plan.progress = 100 * plan.amount_paid / plan.amount if plan.amount else 0.0

    @api.depends('instalment_ids.date', 'instalment_ids.state')
    def _compute_next_date(self):
        for plan in self:
            plan.next_date = min(
                (line.date for line in plan.instalment_ids if line.state in ('planned', 'open')), default=False)

    def _compute_access_url(self):
        """Override of `portal` to give plans their page."""
        for plan in self:
            plan.access_url = f'/my/receivables/plan/{plan.id}'

    # === CONSTRAINT AND CRUD METHODS === #

    @api.constrains('item_ids', 'instalment_ids')
    def _check_sums(self):
        for plan in self.filtered(lambda plan: plan.state in ('draft', *OPEN_STATES)):
            total = sum(plan.instalment_ids.mapped('amount'))
            if plan.currency_id.compare_amounts(total, plan.amount):
                raise ValidationError(self.env._(
                    "%(plan)s: the instalments add up to %(total)s, the items to %(amount)s.", plan=plan.name,
                    total=plan.currency_id.format(total), amount=plan.currency_id.format(plan.amount)))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(
                name in GUARDED_FIELDS and value not in (False, 'draft', 'clerk')
                for vals in vals_list for name, value in vals.items()):
            raise AccessError(self.env._("A payment plan starts as a draft and moves by its buttons."))
        for vals in vals_list:
            company = self.env['res.company'].browse(vals.get('company_id')) or self.env.company
            if vals.get('name', "/") == "/":
                # sudo: users need not read sequences
                vals['name'] = self.env['ir.sequence'].sudo().with_company(company).next_by_code('ar.promise.plan')
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._("A payment plan moves by its own buttons: propose, accept, cancel."))
        fixed = set(vals) & {'partner_id', 'company_id', 'currency_id', 'item_ids', 'instalment_ids', 'grace_days'}
        if fixed:
            self._check_draft()
        return super().write(vals)

    def _check_draft(self):
        """:raise UserError: when users would change what was offered or agreed"""
        if not self.env.su and any(plan.state != 'draft' for plan in self):
            raise UserError(self.env._("An offer that was made is not changed: cancel the plan and offer a new one."))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        if any(plan.state != 'draft' for plan in self):
            raise UserError(self.env._("A plan that was offered is part of the record: cancel it instead."))

    # === ACTION METHODS === #

    def action_propose(self):
        """Offer the plan to the customer: from now on its items get no reminders, until the offer ends.

        :raise AccessError: unless the user works the desk
        :raise UserError: for anything but a draft, and when an item is in another open plan
        """
        for plan in self._lock_in_state('draft'):
            plan._check_items_free()
            today = plan.company_id._ar_today()
            if not plan.date_valid or plan.date_valid < today:
                plan.date_valid = fields.Date.add(today, days=plan.company_id.ar_plan_offer_days)
            plan.state = 'proposed'

    def action_accept(self):
        """The customer agreed by other means than the portal (phone, signed letter)."""
        self._lock_in_state('draft', 'proposed')._accept()

    def action_cancel(self):
        """Cancel plans: everything that is open on their items is due again."""
        self._lock_in_state('draft', *OPEN_STATES)._finish('cancelled')

    # === BUSINESS METHODS === #

    def _lock_in_state(self, *states):
        """Lock the plans, check access and state; return them as superuser.

        :raise AccessError: unless the user works the desk and may write the plans
        :raise UserError: when a plan is in another state
        """
        self.check_access('write')
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['state'])
        labels = dict(self._fields['state']._description_selection(self.env))
        for plan in self:
            if plan.state not in states:
                raise UserError(self.env._(
                    "%(plan)s is %(state)s: this step is not possible any more.", plan=plan.name,
                    state=labels[plan.state]))
        return self.sudo()  # sudo: states are guarded; access to the plans was checked above

    @api.model
    def _propose(self, items, n, first_date, interval='months', every=1, origin='clerk', note=''):
        """Draw a plan up: what is open on the items in `n` instalments; rounding goes into the last one.

        It is a draft: `action_propose` offers it to the customer, `_accept` makes it binding.

        :param items: account.move.line, open receivable items of one customer, company and currency
        :param int n: number of instalments
        :param first_date: day of the first
        :param str interval: 'weeks' or 'months'
        :param int every: so many weeks or months between two
        :param str origin: 'clerk', 'portal' or 'link'
        :return: ar.promise.plan
        :raise UserError: for items of several customers, companies or currencies, items that are not open or in another
            plan, a first day in the past, or a sum too small for so many instalments
        """
        # sudo: a contact of another company may stand on the entry; only the customer is read
        partner = items.partner_id.sudo().commercial_partner_id.with_env(self.env)
        company, currency = items.company_id, items.currency_id
        if len(partner) != 1 or len(company) != 1 or len(currency) != 1:
            raise UserError(self.env._(
                "A payment plan is about open items of one customer, one company and one currency."))
        today = company._ar_today()
        first_date = fields.Date.to_date(first_date)
        if first_date < today:
            raise UserError(self.env._("The first instalment cannot be in the past: %s.", format_date(
                self.env, first_date)))
        self.env['ar.promise.line']._check_open(items)
        # sudo: the ledger's facts about items the user may read (checked above)
        residuals = self.env['ar.ledger'].sudo().residuals_of(items.ids)
        amounts = {item.id: residuals[item.id]['owed'] for item in items}
        total = currency.round(sum(amounts.values()))
        try:
            series = promises.instalments(
                total, n, first_date, every, interval, currency.decimal_places,
                round(currency.rounding * 10 ** currency.decimal_places))
        except ValueError as error:
            raise UserError(self.env._(
                "%(amount)s cannot be paid in %(count)s instalments.", amount=currency.format(total),
                count=n)) from error
        collector = partner.with_company(company).ar_collector_id
        user = self.env.user
        plan = self.with_company(company).with_context(mail_auto_subscribe_no_notify=True).create({
            'company_id': company.id, 'partner_id': partner.id, 'currency_id': currency.id, 'note': note,
            'grace_days': company.ar_plan_grace_days,
            'user_id': collector.id or (user.id if user._is_internal() and user.active else False),
            **({} if origin == 'clerk' else {'origin': origin}),
            'item_ids': [Command.create({'move_line_id': item.id}) for item in items.sorted(
                lambda item: (item.date_maturity or item.date, item.id))],
            'instalment_ids': [
                Command.create({'sequence': number, 'date': day, 'amount': amount})
                for number, (day, amount) in enumerate(series, start=1)],
        })
        plan._check_items_free()
        return plan

    def _check_items_free(self):
        """:raise UserError: when an item of the plan is in another plan that is offered or agreed"""
        for plan in self:
            # sudo: names the other plan, which is of the same items and company
            taken = self.env['ar.promise.plan.item'].sudo().search([
                ('move_line_id', 'in', plan.item_ids.move_line_id.ids), ('is_open', '=', True),
                ('plan_id', '!=', plan.id)], limit=1)
            if taken:
                raise UserError(self.env._(
                    "%(item)s is in the payment plan %(plan)s already.", item=taken.move_id.name,
                    plan=taken.plan_id.name))

    def _accept(self, signed_by=None, signature=None):
        """The customer agrees; the first instalment becomes a promise, open promises about the items are replaced.

        Callers check who it is that agrees; as superuser.

        :param str signed_by: name of whoever signed, None if we note it down for him
        :param signature: image, base64
        :raise UserError: when an item is in another plan meanwhile
        """
        self = self.sudo()  # states are guarded; callers checked who agrees (user: `_lock_in_state`; portal: token)
        for plan in self:
            plan._check_items_free()
            open_promises = self.env['ar.promise.line'].search([
                ('move_line_id', 'in', plan.item_ids.move_line_id.ids), ('is_open', '=', True)]).promise_id
            open_promises._end('replaced')
            plan.write({
                'state': 'accepted', 'date_accepted': plan.company_id._ar_today(), 'signed_by': signed_by,
                'signature': signature, 'signed_on': fields.Datetime.now() if signed_by else False})
        self._judge()

    def _finish(self, state):
        """End plans in `state`, with the promise that is open; as superuser."""
        for plan in self:
            plan.promise_ids.filtered(lambda promise: promise.state == 'open')._end('plan_ended')
            plan.write({'state': state, 'date_ended': plan.company_id._ar_today(), 'to_judge': False})
