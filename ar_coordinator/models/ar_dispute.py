"""A customer's objection to (part of) an invoice.

From `date_held` until `date_closed` its `amount_held` is left alone by dunning. Accepting a dispute does not end that:
the customer is not chased for what we agreed to credit, until the credit note is in the books and the dispute closed.
A dispute that is taken up again keeps its earlier rounds in `ar.dispute.period`, so that past reports do not change.

Files: ar_dispute_line.py (lines and quantities), ar_dispute_resolution.py (decision, approval, credit note, end),
ar_dispute_mail.py (e-mails in and out), ar_dispute_deadline.py (deadlines), ar_dispute_merge.py (duplicates).
"""
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .ar_guard import without_defaults

UNDECIDED_STATES = ('new', 'investigating')
ACCEPTED_STATES = ('accepted', 'partly_accepted')
ENDED_STATES = ('rejected', 'withdrawn', 'closed')
# what only the actions may write, so that nobody goes around the approval of credit notes
GUARDED_FIELDS = frozenset({
    'state', 'date_closed', 'date_held', 'closed_by', 'credit_move_ids', 'approval_state', 'requested_by_id',
    'approved_by_id', 'date_decided', 'decided_by_id', 'merged_into_id', 'period_ids', 'date_escalated', 'origin'})
# what a decision was about
DISPUTED_FIELDS = frozenset({'move_id', 'amount', 'amount_accepted', 'line_ids', 'partner_id', 'company_id'})


class ArDispute(models.Model):
    _name = 'ar.dispute'
    _description = "Dispute"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date_open desc, id desc'
    _check_company_auto = True
    _mail_post_access = 'read'

    name = fields.Char(compute='_compute_name', store=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index=True, ondelete='restrict', check_company=True,
        tracking=True,
        domain="[('move_type', 'in', ('out_invoice', 'out_receipt')), ('state', '=', 'posted')]",
        help="Empty for a customer's e-mail whose invoice is still to be found.")
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True,
        compute='_compute_from_move', store=True, readonly=False, precompute=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index=True,
        compute='_compute_from_move', store=True, readonly=False, precompute=True)
    contact_id = fields.Many2one(
        comodel_name='res.partner', string="Raised by", index='btree_not_null',
        help="Gets the acknowledgement and the outcome; empty: the customer's receivables contact.")
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_currency_id')
    line_ids = fields.One2many(
        comodel_name='ar.dispute.line', inverse_name='dispute_id', string="Disputed Lines", copy=False)
    amount = fields.Monetary(
        compute='_compute_amount', store=True, readonly=False, tracking=True,
        help="Disputed part of the invoice including tax, in the invoice's currency.")
    amount_accepted = fields.Monetary(
        tracking=True, copy=False, help="What was accepted of a partly accepted dispute.")
    amount_held = fields.Monetary(
        string="Held Amount", compute='_compute_amount_held', store=True,
        help="What dunning leaves alone: the disputed amount; once partly accepted, the accepted part.")
    move_residual = fields.Monetary(related='move_id.amount_residual', string="Open on Invoice")
    reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', required=True, ondelete='restrict', index=True, tracking=True)
    root_cause = fields.Selection(related='reason_id.root_cause', store=True)
    is_our_fault = fields.Boolean(related='reason_id.is_our_fault', string="Our Fault")
    origin = fields.Selection(
        selection=[
            ('clerk', "Receivables desk"),
            ('portal', "Customer portal"),
            ('link', "Link in a letter"),
            ('email', "E-mail"),
        ],
        required=True, default='clerk', readonly=True, copy=False)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Owner", index=True, tracking=True, domain=[('share', '=', False)],
        compute='_compute_from_reason', store=True, readonly=False, precompute=True)
    department_id = fields.Many2one(
        comodel_name='ar.dispute.department', tracking=True, index='btree_not_null',
        domain="[('company_id', 'in', (False, company_id))]",
        compute='_compute_from_reason', store=True, readonly=False, precompute=True)
    date_open = fields.Date(
        string="Opened on", required=True,
        compute='_compute_date_open', store=True, readonly=False, precompute=True)
    date_held = fields.Date(
        string="Held since", readonly=True, copy=False,
        compute='_compute_date_held', store=True, precompute=True,
        help="Start of the current round: the day the dispute was opened, or opened again.")
    date_deadline = fields.Date(
        string="Deadline", tracking=True,
        compute='_compute_from_reason', store=True, readonly=False, precompute=True)
    date_closed = fields.Date(
        string="Closed on", readonly=True, copy=False,
        help="From this day on the amount counts as undisputed again.")
    state = fields.Selection(
        selection=[
            ('new', "New"),
            ('investigating', "Investigating"),
            ('accepted', "Accepted"),
            ('partly_accepted', "Partly Accepted"),
            ('rejected', "Rejected"),
            ('withdrawn', "Withdrawn"),
            ('closed', "Closed"),
        ],
        default='new', required=True, index=True, copy=False, tracking=True, group_expand=True)
    credit_move_ids = fields.Many2many(
        comodel_name='account.move', relation='ar_dispute_credit_move_rel', column1='dispute_id', column2='move_id',
        string="Credit Notes", readonly=True, copy=False, check_company=True)
    period_ids = fields.One2many(
        comodel_name='ar.dispute.period', inverse_name='dispute_id', string="Earlier Rounds", readonly=True, copy=False)
    is_late = fields.Boolean(compute='_compute_is_late', help="Undecided after the deadline.")
    is_open = fields.Boolean(compute='_compute_is_open', search='_search_is_open')
    customer_note = fields.Text(string="Customer's Words")
    internal_note = fields.Html()

    _open_move_idx = models.Index("(move_id) WHERE date_closed IS NULL")
    _move_or_triage = models.Constraint(
        "CHECK (move_id IS NOT NULL OR state IN ('new', 'rejected', 'withdrawn', 'closed'))",
        "A dispute is decided about an invoice: enter the invoice first.")

    # === COMPUTE METHODS === #

    @api.depends('move_id')  # not on its name, which it got before: every posting would look for disputes
    def _compute_name(self):
        for dispute in self:
            if dispute.move_id:
                dispute.name = self.env._("Dispute on %s", dispute.move_id.name or "")
            else:
                dispute.name = dispute.name or self.env._("Dispute without invoice")

    @api.depends('move_id')
    def _compute_from_move(self):
        for dispute in self:
            dispute.company_id = dispute.move_id.company_id or dispute.company_id or self.env.company
            dispute.partner_id = dispute.move_id.commercial_partner_id or dispute.partner_id

    @api.depends('move_id', 'company_id')
    def _compute_currency_id(self):
        for dispute in self:
            dispute.currency_id = dispute.move_id.currency_id or dispute.company_id.currency_id

    @api.depends('move_id', 'line_ids.amount')
    def _compute_amount(self):
        for dispute in self:
            if dispute.line_ids:
                dispute.amount = sum(dispute.line_ids.mapped('amount'))
            else:
                dispute.amount = dispute.amount or dispute.move_id.amount_residual

    @api.depends('reason_id', 'date_open')
    def _compute_from_reason(self):
        for dispute in self:
            reason, company = dispute.reason_id, dispute.company_id
            if not dispute.department_id and reason.department_id.company_id in (company.browse(), company):
                dispute.department_id = reason.department_id
            dispute.user_id = dispute.user_id or dispute._get_default_owner()
            if reason and dispute.date_open and not dispute.date_deadline:
                dispute.date_deadline = reason._get_deadline(dispute.date_open, company)

    @api.depends('amount', 'amount_accepted', 'state')
    def _compute_amount_held(self):
        for dispute in self:
            dispute.amount_held = dispute.amount_accepted if dispute.state == 'partly_accepted' else dispute.amount

    @api.depends('move_id')
    def _compute_date_open(self):
        """The company's day: with the day of a user further east, reminders would go on until it comes there."""
        for dispute in self:
            if not dispute.date_open:
                dispute.date_open = (dispute.move_id.company_id or self.env.company)._ar_today()

    @api.depends('date_open')
    def _compute_date_held(self):
        for dispute in self:
            if not dispute.period_ids:
                dispute.date_held = dispute.date_open
            else:
                dispute.date_held = dispute.date_held

    @api.depends('name', 'partner_id.name', 'move_id.name')
    def _compute_display_name(self):
        for dispute in self:
            parts = [dispute.move_id.name or dispute.name, dispute.partner_id.name]
            dispute.display_name = " · ".join(part for part in parts if part)

    @api.depends('state', 'date_deadline', 'company_id')
    def _compute_is_late(self):
        for dispute in self:
            dispute.is_late = bool(
                dispute.state in UNDECIDED_STATES and dispute.date_deadline
                and dispute.date_deadline < dispute.company_id._ar_today())

    @api.depends('date_closed')
    def _compute_is_open(self):
        for dispute in self:
            dispute.is_open = not dispute.date_closed

    def _search_is_open(self, operator, value):
        if operator != 'in':
            return NotImplemented
        wanted = set(value)
        if wanted == {True, False}:
            return fields.Domain.TRUE
        return [('date_closed', '=' if True in wanted else '!=', False)]

    def _get_default_owner(self):
        """Return who answers a dispute: its reason's owner, its department's manager, the customer's collector, or
        whoever enters it (a customer in the portal or a technical user answers nothing)."""
        # sudo: whoever opens the dispute, a customer included; only the user's name goes into the dispute
        partner = self.sudo().partner_id.with_company(self.company_id)
        candidates = (
            self.reason_id.user_id, self.department_id.user_id,
            partner.ar_collector_id._ar_on_duty(self.company_id), self.env.user)
        return next((
            user for user in candidates
            if user.active and not user.share and (user == self.env.user or self.company_id in user.sudo().company_ids)
        ), self.env['res.users'])

    # === CONSTRAINT METHODS === #

    @api.constrains('amount', 'move_id')
    def _check_amount(self):
        self.line_ids._check_quantity()  # says more than the amount that comes of it
        for dispute in self.filtered('move_id'):
            if dispute.currency_id.compare_amounts(dispute.amount, 0) <= 0:
                raise ValidationError(self.env._("%s: the disputed amount must be positive.", dispute.name))
            if dispute.currency_id.compare_amounts(dispute.amount, dispute.move_id.amount_total) > 0:
                raise ValidationError(self.env._(
                    "%(dispute)s: the disputed amount %(amount)s is more than the invoice's total %(total)s.",
                    dispute=dispute.name, amount=dispute.currency_id.format(dispute.amount),
                    total=dispute.currency_id.format(dispute.move_id.amount_total)))

    @api.constrains('move_id', 'partner_id', 'company_id')
    def _check_move(self):
        for dispute in self.filtered('move_id'):
            move = dispute.move_id
            if move.move_type not in ('out_invoice', 'out_receipt'):
                raise ValidationError(self.env._("%s is not a customer invoice.", move.display_name))
            if dispute.partner_id != move.commercial_partner_id:
                raise ValidationError(self.env._(
                    "%(invoice)s is not an invoice of %(customer)s.", invoice=move.display_name,
                    customer=dispute.partner_id.display_name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su:
            for vals in vals_list:
                self._check_guarded({
                    name: value for name, value in vals.items()
                    if value and (name, value) not in (('state', 'new'), ('origin', 'clerk'))})
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._check_guarded(vals)
            self._check_undecided(vals)
        return super().write(vals)

    @api.model
    def _check_guarded(self, vals):
        """:raise AccessError: when `vals` hold what only the actions decide."""
        if guarded := sorted(GUARDED_FIELDS & vals.keys()):
            labels = [self._fields[name]._description_string(self.env) or name for name in guarded]
            raise AccessError(self.env._(
                "%s: set by the buttons of a dispute (investigate, accept, reject...), not by hand.",
                ", ".join(labels)))

    def _check_undecided(self, vals):
        """:raise UserError: when `vals` would change what was decided about."""
        if not DISPUTED_FIELDS & vals.keys():
            return
        for dispute in self:
            if dispute.state not in UNDECIDED_STATES:
                raise UserError(self.env._(
                    "%s is decided: its invoice, lines and amounts stay as they are.", dispute.name))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_new(self):
        if any(dispute.state != 'new' or dispute.sudo().merged_ids for dispute in self):  # sudo: whether there are any
            raise UserError(self.env._("A dispute that was worked on is part of the record: withdraw it instead."))

    # === ACTION METHODS === #

    def action_investigate(self):
        """Take the dispute up (new -> investigating).

        :raise UserError: for a dispute whose invoice is still to be found
        """
        if triage := self.filtered(lambda dispute: not dispute.move_id):
            raise UserError(self.env._("%s: enter the invoice first.", triage[0].name))
        self._transition(('new',), 'investigating')

    def action_view_move(self):
        """Open the disputed invoice."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'account.move',
            'res_id': self.move_id.id,
            'views': [(False, 'form')],
        }

    # === BUSINESS METHODS === #

    @api.model
    def _open(self, move, amount=None, lines=None, reason=None, note='', origin='clerk', attachments=None):
        """Open a dispute over an invoice: over chosen lines, over an amount, or over all that is unpaid.

        Whoever calls checks that the person may do this; over what is paid, disputed already or not posted it raises.

        :param move: account.move, one posted customer invoice
        :param amount: in the invoice's currency with tax; None: everything that is unpaid and not disputed yet
        :param lines: dict of account.move.line (product lines of `move`) -> disputed quantity; the amount follows
        :param reason: ar.dispute.reason; None: to be clarified
        :param note: the customer's words, text
        :param origin: 'clerk', 'portal', 'link' or 'email'
        :param attachments: list of (file name, bytes)
        :return: ar.dispute
        :raise UserError: when that cannot be disputed
        """
        move.ensure_one()
        undisputed = move._ar_get_undisputed()
        dispute = self.sudo().create({  # sudo: `origin` is not for users to write; access is checked below
            'move_id': move.id,
            'reason_id': (reason or self.env['ar.dispute.reason']._get_standard()).id,
            'customer_note': note,
            'origin': origin,
            **({'line_ids': [Command.create({'move_line_id': line.id, 'quantity': quantity})
                             for line, quantity in lines.items()]} if lines else
               {'amount': undisputed if amount is None else amount}),
        }).with_env(self.env)
        dispute.check_access('create')
        if attachments:
            dispute.message_post(body=self.env._("Files that came with the dispute"), attachments=attachments)
        return dispute

    def _transition(self, sources, target, date_closed=None, **values):
        """Move to `target`; an ended dispute gets its closing date, `values` are written with the state.

        :raise UserError: when a dispute is not in one of the `sources` states
        """
        self.check_access('write')
        for dispute in self:
            if dispute.state not in sources:
                states = dict(self._fields['state']._description_selection(self.env))
                raise UserError(self.env._(
                    "%(dispute)s is %(state)s and cannot become %(target)s.",
                    dispute=dispute.name, state=states[dispute.state], target=states[target]))
        ended = target in ENDED_STATES
        for company, disputes in self.grouped('company_id').items():
            # sudo: access was checked above; states are written by the actions only
            disputes.sudo().write({
                **values, 'state': target, **({'date_closed': date_closed or company._ar_today()} if ended else {})})
