"""A customer's objection to (part of) an invoice.

From `date_open` until `date_closed` its `amount_held` is left alone by dunning. Accepting a dispute does not end that:
the customer is not chased for what we agreed to credit, until the credit note is there and the dispute is closed.
"""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

UNDECIDED_STATES = ('new', 'investigating')
ACCEPTED_STATES = ('accepted', 'partly_accepted')


class ArDispute(models.Model):
    _name = 'ar.dispute'
    _description = "Dispute"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'date_open desc, id desc'
    _check_company_auto = True
    _mail_post_access = 'read'

    name = fields.Char(compute='_compute_name', store=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", required=True, index=True, ondelete='restrict',
        check_company=True, domain=[('move_type', 'in', ('out_invoice', 'out_receipt')), ('state', '=', 'posted')])
    company_id = fields.Many2one(related='move_id.company_id', store=True, index=True)
    partner_id = fields.Many2one(
        related='move_id.commercial_partner_id', string="Customer", store=True, index=True)
    currency_id = fields.Many2one(related='move_id.currency_id')
    amount = fields.Monetary(
        required=True, compute='_compute_amount', store=True, readonly=False, precompute=True, tracking=True,
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
    user_id = fields.Many2one(
        comodel_name='res.users', string="Owner", index=True, tracking=True, domain=[('share', '=', False)],
        compute='_compute_from_reason', store=True, readonly=False, precompute=True)
    date_open = fields.Date(
        string="Opened on", required=True,
        compute='_compute_date_open', store=True, readonly=False, precompute=True)
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
    is_open = fields.Boolean(compute='_compute_is_open', search='_search_is_open')
    customer_note = fields.Text(string="Customer's Words")
    internal_note = fields.Html()

    _open_move_idx = models.Index("(move_id) WHERE date_closed IS NULL")

    # === COMPUTE METHODS === #

    @api.depends('move_id.name')
    def _compute_name(self):
        for dispute in self:
            dispute.name = self.env._("Dispute on %s", dispute.move_id.name or "")

    @api.depends('move_id')
    def _compute_amount(self):
        for dispute in self:
            dispute.amount = dispute.amount or dispute.move_id.amount_residual

    @api.depends('reason_id', 'date_open')
    def _compute_from_reason(self):
        for dispute in self:
            dispute.user_id = dispute.user_id or dispute.reason_id.user_id or self.env.user
            if dispute.reason_id and dispute.date_open and not dispute.date_deadline:
                dispute.date_deadline = dispute.date_open + timedelta(days=dispute.reason_id.sla_days)

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

    # === CONSTRAINT METHODS === #

    @api.constrains('amount', 'move_id')
    def _check_amount(self):
        for dispute in self:
            if dispute.currency_id.compare_amounts(dispute.amount, 0) <= 0:
                raise ValidationError(self.env._("%s: the disputed amount must be positive.", dispute.name))
            if dispute.currency_id.compare_amounts(dispute.amount, dispute.move_id.amount_total) > 0:
                raise ValidationError(self.env._(
                    "%(dispute)s: the disputed amount %(amount)s is more than the invoice's total %(total)s.",
                    dispute=dispute.name, amount=dispute.currency_id.format(dispute.amount),
                    total=dispute.currency_id.format(dispute.move_id.amount_total)))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_new(self):
        if any(dispute.state != 'new' for dispute in self):
            raise UserError(self.env._("A dispute that was worked on is part of the record: withdraw it instead."))

    # === ACTION METHODS === #

    def action_investigate(self):
        """Take the dispute up (new -> investigating)."""
        self._transition(('new',), 'investigating')

    def action_accept(self):
        """Accept the whole disputed amount; it stays held until the credit note is made and the dispute closed."""
        self._transition(UNDECIDED_STATES, 'accepted')

    def action_accept_partly(self):
        """Accept `amount_accepted`; the rest is owed again.

        :raise UserError: when the accepted amount is not between zero and the disputed amount
        """
        for dispute in self:
            compare = dispute.currency_id.compare_amounts
            if compare(dispute.amount_accepted, 0) <= 0 or compare(dispute.amount_accepted, dispute.amount) >= 0:
                raise UserError(self.env._(
                    "%(dispute)s: enter an accepted amount between 0 and %(amount)s first.",
                    dispute=dispute.name, amount=dispute.currency_id.format(dispute.amount)))
        self._transition(UNDECIDED_STATES, 'partly_accepted')

    def action_reject(self):
        """Reject: the whole amount is owed, dunning resumes at the next level."""
        self._transition(UNDECIDED_STATES, 'rejected')

    def action_withdraw(self):
        """The customer no longer disputes."""
        self._transition(UNDECIDED_STATES, 'withdrawn')

    def action_close(self):
        """Close an accepted dispute once it is credited; nothing is held any more."""
        self._transition(ACCEPTED_STATES, 'closed')

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

    def _transition(self, sources, target, date_closed=None):
        """Move to `target`; an ended dispute gets its closing date.

        :raise UserError: when a dispute is not in one of the `sources` states
        """
        for dispute in self:
            if dispute.state not in sources:
                states = dict(self._fields['state']._description_selection(self.env))
                raise UserError(self.env._(
                    "%(dispute)s is %(state)s and cannot become %(target)s.",
                    dispute=dispute.name, state=states[dispute.state], target=states[target]))
        ended = target in ('rejected', 'withdrawn', 'closed')
        for company, disputes in self.grouped('company_id').items():
            disputes.write({
                'state': target, **({'date_closed': date_closed or company._ar_today()} if ended else {})})
