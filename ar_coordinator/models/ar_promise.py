"""A customer's promise to pay open items by a day: told to a clerk, on the portal, by a letter's link, or in a plan.

    open -> kept | partly_kept | broken     judged from the payments (ar_promise_judge.py), again when they change
         -> withdrawn                       by a person, replaced by a plan, or cleared without payment

While it is open, its items get no reminders; the customer's others do. What was promised is not edited afterwards: a
new day is a new promise, and the old one counts as not kept. An item has one open promise at most; the database sees
to it.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date

from ..engine import promises
from .ar_guard import without_defaults

STATES = [
    ('open', "Open"),
    ('kept', "Kept"),
    ('partly_kept', "Partly Kept"),
    ('broken', "Broken"),
    ('withdrawn', "Withdrawn"),
]
ORIGINS = [
    ('clerk', "Told to us"),
    ('portal', "Portal"),
    ('link', "Link in a letter"),
    ('plan', "Payment plan"),
]
OUTCOMES = [
    ('in_time', "Paid in time"),
    ('part_in_time', "Partly paid in time"),
    ('not_in_time', "Not paid in time"),
    ('cleared', "Cleared without payment"),  # credit note, write-off: neither for nor against the customer
    ('withdrawn', "Withdrawn"),
    ('replaced', "Replaced by a plan"),
    ('plan_ended', "Its plan has ended"),
]
JUDGED_STATES = ('kept', 'partly_kept', 'broken')
GUARDED_FIELDS = {
    'state', 'outcome', 'date_ended', 'date_made', 'origin', 'plan_id', 'to_judge', 'amount_in_time'}
FIXED_FIELDS = {'partner_id', 'company_id', 'currency_id', 'date_promised', 'tolerance_days', 'line_ids'}


class ArPromise(models.Model):
    _name = 'ar.promise'
    _description = "Promise to Pay"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date_promised desc, id desc'
    _check_company_auto = True
    _mail_post_access = 'read'
    _rec_names_search = ['partner_id', 'line_ids.move_id']

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, compute='_compute_currency_id', store=True, readonly=False,
        precompute=True)
    line_ids = fields.One2many(comodel_name='ar.promise.line', inverse_name='promise_id', string="Items")
    move_ids = fields.Many2many(
        comodel_name='account.move', string="Invoices", compute='_compute_move_ids', search='_search_move_ids')
    amount = fields.Monetary(string="Promised", compute='_compute_amounts', store=True)
    amount_paid = fields.Monetary(
        string="Paid Since", compute='_compute_amounts', store=True, help="Paid after the promise was given, whenever.")
    amount_in_time = fields.Monetary(
        string="Paid in Time", readonly=True, copy=False, help="Paid up to the last day of the promise.")
    kept_share = fields.Float(
        string="Kept (%)", compute='_compute_kept_share', store=True, aggregator='avg',
        help="Share paid in time; 0 for what is open or was withdrawn.")
    date_made = fields.Date(string="Given on", required=True, default=lambda self: self.env.company._ar_today())
    date_promised = fields.Date(string="Promised for", required=True, tracking=True)
    tolerance_days = fields.Integer(
        string="Tolerance", required=True, compute='_compute_tolerance_days', store=True, readonly=False,
        precompute=True, help="Days after the promised day on which the money may still come in.")
    date_limit = fields.Date(
        string="Last Day", compute='_compute_date_limit', store=True, help="Promised day and tolerance.")
    state = fields.Selection(
        selection=STATES, default='open', required=True, index=True, copy=False, tracking=True, group_expand=True)
    outcome = fields.Selection(selection=OUTCOMES, string="What Happened", readonly=True, copy=False, tracking=True)
    date_ended = fields.Date(string="Ended on", readonly=True, copy=False)
    level = fields.Integer(
        compute='_compute_level', help="How many promises about the same items were not kept before this one.")
    origin = fields.Selection(selection=ORIGINS, default='clerk', required=True, readonly=True)
    plan_id = fields.Many2one(
        comodel_name='ar.promise.plan', string="Payment Plan", index='btree_not_null', ondelete='restrict',
        readonly=True)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Collector", index=True, tracking=True, domain=[('share', '=', False)],
        compute='_compute_user_id', store=True, readonly=False, precompute=True)
    note = fields.Text(help="What the customer said.")
    to_judge = fields.Boolean(readonly=True, copy=False, help="Payments of its items changed since it was judged.")

    _customer_idx = models.Index("(partner_id, company_id, state)")
    _to_judge_idx = models.Index("(company_id) WHERE to_judge")
    _open_idx = models.Index("(company_id, date_limit) WHERE state = 'open'")
    _tolerance_positive = models.Constraint('CHECK (tolerance_days >= 0)', "The tolerance cannot be negative.")

    # === COMPUTE METHODS === #

    @api.depends('partner_id.name', 'date_promised', 'amount')
    @api.depends_context('lang')
    def _compute_name(self):
        for promise in self:
            promise.name = self.env._(
                "%(customer)s: %(amount)s by %(day)s", customer=promise.partner_id.name or "",
                amount=promise.currency_id.format(promise.amount) if promise.currency_id else "",
                day=format_date(self.env, promise.date_promised) if promise.date_promised else "")

    @api.depends('name')
    def _compute_display_name(self):
        for promise in self:
            promise.display_name = promise.name

    @api.depends('line_ids.move_line_id')
    def _compute_currency_id(self):
        for promise in self:
            promise.currency_id = (
                promise.line_ids.move_line_id.currency_id[:1] or promise.currency_id or promise.company_id.currency_id)

    @api.depends('line_ids.amount', 'line_ids.amount_paid')
    def _compute_amounts(self):
        for promise in self:
            promise.amount = sum(promise.line_ids.mapped('amount'))
            promise.amount_paid = sum(promise.line_ids.mapped('amount_paid'))

    @api.depends('state', 'amount', 'amount_in_time')
    def _compute_kept_share(self):
        for promise in self:
            promise.kept_share = 100.0 if promise.state == 'kept' else (
                min(100.0 * promise.amount_in_time / promise.amount, 100.0)
                if promise.state == 'partly_kept' and promise.amount else 0.0)

    @api.depends('line_ids.move_id')
    def _compute_move_ids(self):
        for promise in self:
            promise.move_ids = promise.line_ids.move_id

    def _search_move_ids(self, operator, value):
        return Domain('line_ids.move_id', operator, value)

    @api.depends('company_id')
    def _compute_tolerance_days(self):
        for promise in self:
            promise.tolerance_days = promise.company_id.ar_promise_tolerance_days

    @api.depends('date_promised', 'tolerance_days')
    def _compute_date_limit(self):
        for promise in self:
            promise.date_limit = promise.date_promised and promises.last_day(
                promise.date_promised, promise.tolerance_days)

    @api.depends('partner_id', 'company_id')
    def _compute_user_id(self):
        """The customer's collector, else whoever notes the promise down, when that is one of the desk."""
        user = self.env.user
        default = user if user._is_internal() and user.active else self.env['res.users']
        for company, own in self.grouped('company_id').items():
            for promise in own:
                collector = promise.partner_id.with_company(company).ar_collector_id
                promise.user_id = promise.user_id or (collector if collector.active else False) or default

    @api.depends('line_ids.level')
    def _compute_level(self):
        for promise in self:
            promise.level = max(promise.line_ids.mapped('level'), default=0)

    # === CONSTRAINT AND CRUD METHODS === #

    @api.constrains('date_promised', 'date_made')
    def _check_dates(self):
        for promise in self:
            if promise.date_promised < promise.date_made:
                raise ValidationError(self.env._(
                    "%(customer)s cannot promise to pay in the past: %(day)s is before %(made)s.",
                    customer=promise.partner_id.name, day=format_date(self.env, promise.date_promised),
                    made=format_date(self.env, promise.date_made)))

    @api.constrains('line_ids', 'partner_id', 'company_id', 'currency_id')
    def _check_lines(self):
        """One customer, company and currency; something is promised."""
        for promise in self:
            items = promise.line_ids.move_line_id
            if not promise.line_ids:
                raise ValidationError(self.env._(
                    "%s: choose at least one open item that the customer promises to pay.", promise.partner_id.name))
            for item in items:
                # sudo: a contact of another company may stand on the entry; only the customer's id is compared
                if item.partner_id.sudo().commercial_partner_id != promise.partner_id:
                    raise ValidationError(self.env._(
                        "%(item)s is not an item of %(customer)s.", item=item.move_name,
                        customer=promise.partner_id.name))
            if items.company_id - promise.company_id or items.currency_id - promise.currency_id:
                raise ValidationError(self.env._(
                    "A promise is about items of one company and one currency: note down one promise for each (%s).",
                    promise.partner_id.name))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(
                value and (name, value) not in (('state', 'open'), ('origin', 'clerk'))
                for vals in vals_list for name, value in vals.items()
                if name in GUARDED_FIELDS - {'date_made'}):
            raise AccessError(self.env._("A promise starts open; what becomes of it is judged from the payments."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._(
                "Promises are judged from the payments: nobody sets their state by hand. You may withdraw one."))
        if not self.env.su and FIXED_FIELDS & set(vals):
            raise UserError(self.env._(
                "What was promised stays as it was. Withdraw the promise and note down the new one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A promise is part of the customer's record: withdraw it instead."))

    # === ACTION METHODS === #

    def action_withdraw(self):
        """The customer takes the promise back, or it was noted down by mistake; reminders go on with the next run.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a promise that is not open, or is an instalment of a plan
        """
        self.check_access('write')
        for promise in self:
            if promise.state != 'open':
                raise UserError(self.env._("%s has ended already.", promise.name))
            if promise.plan_id:
                raise UserError(self.env._(
                    "%(promise)s is an instalment of %(plan)s: cancel the plan.", promise=promise.name,
                    plan=promise.plan_id.name))
        # sudo: the state is guarded; access to the promises was checked above
        self.sudo()._end('withdrawn')

    # === BUSINESS METHODS === #

    @api.model
    def _promise(self, items, date, amounts=None, origin='clerk', note='', tolerance_days=None):
        """Note down that a customer promises to pay open items.

        :param items: account.move.line, open receivable items of one customer, company and currency
        :param date: the day promised
        :param dict amounts: {item id: amount in its currency} where less than the open amount is promised
        :param str origin: 'clerk', 'portal', 'link' or 'plan'
        :param str note: what the customer said
        :param tolerance_days: None: as the company has it
        :return: ar.promise, open
        :raise AccessError: unless the user may make promises (callers for portal users check and use sudo)
        :raise UserError: when an item is not open, or has an open promise already
        :raise ValidationError: for items of several customers, companies or currencies, a day in the past, an amount
            that is not positive or more than is open
        """
        if not items:
            raise UserError(self.env._("Choose at least one open item that the customer promises to pay."))
        company = items.company_id[:1]
        # sudo: see `_check_lines`
        partner = items[:1].partner_id.sudo().commercial_partner_id.sudo(False)
        # the collector need not be told of every promise: a broken one makes a task
        return self.with_company(company).with_context(mail_auto_subscribe_no_notify=True).create({
            'company_id': company.id,
            'partner_id': partner.id,
            'date_made': company._ar_today(),
            'date_promised': date,
            'origin': origin,
            'note': note,
            'line_ids': [Command.create({
                'move_line_id': item.id,
                **({'amount': amounts[item.id]} if amounts and item.id in amounts else {}),
            }) for item in items],
            **({} if tolerance_days is None else {'tolerance_days': tolerance_days}),
        })

    def _end(self, outcome, state='withdrawn'):
        """End promises; as superuser."""
        for company, own in self.grouped('company_id').items():
            own.write({'state': state, 'outcome': outcome, 'date_ended': company._ar_today(), 'to_judge': False})
