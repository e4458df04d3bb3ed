"""Requests to write open items off, to clear small balances, and to pay credits back.

    draft -> requested -> done -> reversed        (refused, cancelled)

Whoever asks for more than his limit needs somebody else's approval; nobody approves his own request, whatever his role.
Limits count what the same user wrote off for the same customer in the last year, so that splitting does not help.
Execution reads the items again under lock, posts one entry at the books' values (no exchange difference is left) and
matches it; a refund becomes a draft payment. A write-off is no payment: promises and KPIs do not take it for one.

The entry is in ar_write_off_entry.py, items, limits and payments of refunds in files of their own beside it.
"""
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .ar_guard import of_customers, without_defaults

KINDS = [('write_off', "Write-off"), ('small', "Small balance"), ('refund', "Refund")]
CAUSES = [
    ('insolvent', "Insolvent"), ('untraceable', "Not to be found"), ('barred', "Time-barred"), ('goodwill', "Goodwill"),
    ('rounding', "Rounding or bank charge"), ('overpaid', "Paid too much"), ('other', "Other")]
GUARDED_FIELDS = {
    'state', 'requested_by_id', 'date_requested', 'approved_by_id', 'date_done', 'move_id', 'payment_id',
    'reversal_move_id'}
CONTENT_FIELDS = {'company_id', 'partner_id', 'kind', 'currency_id', 'line_ids', 'cause', 'reason', 'with_tax_relief'}
LOOK_BACK_DAYS = 365
APPROVAL_ACTIVITY = 'mail.mail_activity_data_todo'


class ArWriteOff(models.Model):
    _name = 'ar.write.off'
    _description = "Write-Off Request"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _check_company_auto = True

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', tracking=True)
    kind = fields.Selection(selection=KINDS, required=True, default='write_off', tracking=True)
    cause = fields.Selection(selection=CAUSES, required=True, default='other', tracking=True)
    reason = fields.Text(required=True, tracking=True, help="For whoever approves, and for the auditor.")
    with_tax_relief = fields.Boolean(
        string="Take the Tax Back", default=lambda self: self.env.company.ar_write_off_tax_relief,
        help="The tax of the invoices is taken back with the write-off, by their taxes' refund accounts and tags."
             " Only where the law gives relief for bad debts. A tax that is due on payment never falls due for what is"
             " written off, with or without this.")
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, default=lambda self: self.env.company.currency_id)
    line_ids = fields.One2many(comodel_name='ar.write.off.line', inverse_name='request_id', string="Items", copy=False)
    amount_total = fields.Monetary(string="Amount", compute='_compute_amounts', help="Credits are negative.")
    amount_company = fields.Monetary(
        string="In Company Currency", compute='_compute_amounts', currency_field='company_currency_id',
        help="As the books have it.")
    state = fields.Selection(
        selection=[
            ('draft', "Draft"), ('requested', "To approve"), ('done', "Done"), ('reversed', "Reversed"),
            ('refused', "Refused"), ('cancelled', "Cancelled")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True)
    requested_by_id = fields.Many2one(
        comodel_name='res.users', string="Asked for by", readonly=True, copy=False, tracking=True)
    date_requested = fields.Datetime(string="Asked for on", readonly=True, copy=False)
    approved_by_id = fields.Many2one(
        comodel_name='res.users', string="Decided by", readonly=True, copy=False, tracking=True)
    date_done = fields.Date(string="Posted on", readonly=True, copy=False)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Entry", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict')
    payment_id = fields.Many2one(
        comodel_name='account.payment', readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    reversal_move_id = fields.Many2one(
        comodel_name='account.move', string="Reversal", readonly=True, copy=False, ondelete='restrict')
    needs_approval = fields.Boolean(compute='_compute_needs_approval')
    can_approve = fields.Boolean(compute='_compute_needs_approval')

    # === COMPUTE METHODS === #

    @api.depends('kind', 'partner_id.name')
    @api.depends_context('lang')
    def _compute_name(self):
        labels = dict(self._fields['kind']._description_selection(self.env))
        for request in self:
            number = f"WO-{request._origin.id or 0:05}"
            request.name = f"{labels.get(request.kind, '')} {number}: {request.partner_id.name or ''}"

    @api.depends('line_ids.amount', 'line_ids.amount_company')
    def _compute_amounts(self):
        for request in self:
            request.amount_total = sum(request.line_ids.mapped('amount'))
            request.amount_company = sum(request.line_ids.mapped('amount_company'))

    @api.depends('amount_company', 'state', 'requested_by_id', 'company_id', 'partner_id')
    @api.depends_context('uid')
    def _compute_needs_approval(self):
        for request in self:
            request.needs_approval = request.state == 'draft' and not request._is_within_limit(self.env.user)
            request.can_approve = request.state == 'requested' and not request._why_not_approve(self.env.user)

    # === CONSTRAINT AND CRUD METHODS === #

    @api.constrains('state', 'requested_by_id', 'approved_by_id')
    def _check_four_eyes(self):
        for request in self:
            if request.approved_by_id and request.approved_by_id == request.requested_by_id:
                raise ValidationError(self.env._(
                    "%s: nobody approves their own request. Ask another manager.", request.name))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(
                GUARDED_FIELDS & {name for name, value in vals.items() if value and value != 'draft'}
                for vals in vals_list):
            raise AccessError(self.env._("A write-off is asked for, approved and reversed with its buttons."))
        return super().create(of_customers(self.env, vals_list))

    def write(self, vals):
        if not self.env.su:
            if GUARDED_FIELDS & set(vals):
                raise AccessError(self.env._("A write-off is asked for, approved and reversed with its buttons."))
            if CONTENT_FIELDS & set(vals) and any(request.state != 'draft' for request in self):
                raise UserError(self.env._(
                    "What is asked for cannot be changed any more: cancel the request and make another one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        if any(request.state != 'draft' for request in self):
            raise UserError(self.env._("Requests are part of the record: cancel the request instead."))

    # === ACTION METHODS === #

    def action_submit(self):
        """Do it, where the user's limit allows; else ask for approval.

        :raise AccessError: unless the user works the desk
        :raise UserError: when there is nothing to do, or nobody may approve
        """
        self._check_user()
        requests = self._lock_in('draft')
        # who uses up the same limit at the same instant would not see the other's; sudo: the table is no user's
        self.env['ar.ledger'].sudo()._take_turns(
            f'ar.write.off,{request.company_id.id},{request.partner_id.id},{self.env.uid}' for request in requests)
        for request in requests:
            request._check_content()
            asked = {'requested_by_id': self.env.uid, 'date_requested': fields.Datetime.now()}
            if request._is_within_limit(self.env.user):
                request.write(asked)
                request._execute()
            else:
                approvers = request._get_approvers(self.env.user)
                if not approvers:
                    raise UserError(self.env._(
                        "%(request)s: %(amount)s is above your limit, and nobody else in %(company)s may approve it."
                        " Ask for a second manager, or for other limits in the settings.", request=request.name,
                        amount=request.company_currency_id.format(request._get_size()),
                        company=request.company_id.name))
                request.write({**asked, 'state': 'requested'})
                request.activity_schedule(
                    APPROVAL_ACTIVITY, user_id=approvers[0].id, date_deadline=request.company_id._ar_today(),
                    summary=self.env._("Decide about %s", request.name), note=request.reason)

    def action_approve(self):
        """Approve and do it.

        :raise AccessError: for one's own request, for users who are no managers, and above the user's limit
        :raise UserError: when the items changed since
        """
        for request in self:
            request._check_approver()
        for request in self._lock_in('requested'):
            request.approved_by_id = self.env.user
            request._execute()
            request.activity_unlink([APPROVAL_ACTIVITY])

    def action_refuse(self):
        """Refuse; the items stay open.

        :raise AccessError: as `action_approve`
        """
        for request in self:
            request._check_approver()
        for request in self._lock_in('requested'):
            request.write({'state': 'refused', 'approved_by_id': self.env.uid})
            request.activity_unlink([APPROVAL_ACTIVITY])

    def action_cancel(self):
        """Take a request back before it is decided.

        :raise AccessError: unless the user works the desk
        """
        self._check_user()
        for request in self._lock_in('draft', 'requested'):
            request.state = 'cancelled'
            request.activity_unlink([APPROVAL_ACTIVITY])

    def action_reverse(self):
        """Undo: the entry is reversed today and the items are open again; a refund's draft payment is cancelled.

        An entry that an accountant reversed or reset to draft is in force no more: it is not reversed once more. A
        draft is cancelled, for Odoo keeps it matched with the items, and nobody shall post it again.

        :raise AccessError: unless the user is a manager
        :raise UserError: when the money of a refund has left
        """
        self._check_user()
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Write-offs are reversed by a Receivables: Manager."))
        for request in self._lock_in('done'):
            if request.kind == 'refund':
                if request.payment_id.state not in (False, 'draft', 'canceled'):
                    raise UserError(self.env._(
                        "%(request)s: %(payment)s is posted. Reset it to draft first.", request=request.name,
                        payment=request.payment_id.display_name))
                request.payment_id.action_cancel()
                request.state = 'reversed'
                continue
            today = request.company_id._ar_today()
            reversal = request.move_id.reversal_move_ids.filtered(lambda move: move.state == 'posted')[:1]
            if reversal or request.move_id.state != 'posted':
                request.move_id.filtered(lambda move: move.state == 'draft').button_cancel()
                request.write({'state': 'reversed', 'reversal_move_id': reversal.id})
                continue
            reversal = request.move_id._reverse_moves(
                [{'date': today, 'ref': self.env._("Reversal of %s", request.name)}], cancel=True)
            request.write({'state': 'reversed', 'reversal_move_id': reversal.id})

    def action_fill(self):
        """Put everything that is open of the customer in the currency on a draft, as far as the kind allows."""
        for request in self:
            request.line_ids = [Command.clear(), *(
                Command.create({'move_line_id': line.id}) for line in request._get_candidates())]

    def action_open_entry(self):
        """Open the entry or the payment."""
        self.ensure_one()
        record = self.payment_id or self.move_id
        return {
            'type': 'ir.actions.act_window', 'name': record.display_name, 'res_model': record._name,
            'res_id': record.id, 'views': [(False, 'form')]}

    # === RULES === #

    def _check_user(self):
        """:raise AccessError: unless the user works the desk and may change these requests."""
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Write-offs are asked for by a Receivables: User."))

    def _lock_in(self, *states):
        """Lock the requests, check their state, and return them as superuser in their company, one by one.

        :raise UserError: for a request in another state
        """
        self.check_access('write')
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['state'])
        labels = dict(self._fields['state']._description_selection(self.env))
        for request in self:
            if request.state not in states:
                raise UserError(self.env._(
                    "%(request)s is in state %(state)s: this step is not possible.", request=request.name,
                    state=labels[request.state]))
        # sudo: role and company (write access) were checked; states and entries are not for users to write
        return [request.sudo().with_company(request.company_id) for request in self]

    def _get_limits(self, user):
        """Return (what the user may do alone, what he may approve), in company currency; None: any amount."""
        company = self.company_id
        own = self.env['ar.write.off.limit'].sudo().search(  # sudo: one's own limit, or that of who is asked
            [('company_id', '=', company.id), ('user_id', '=', user.id)], limit=1)
        is_manager = user.has_group('ar_coordinator.group_ar_manager')
        if own:
            return own.amount_alone, (own.amount_approve or None) if is_manager else 0.0
        alone = company.ar_write_off_limit_manager if is_manager else company.ar_write_off_limit_user
        return alone, None if is_manager else 0.0

    def _get_size(self):
        """Return what a request is about, in company currency: credits do not make debts smaller."""
        return sum(abs(line.amount_company) for line in self.line_ids)

    def _is_within_limit(self, user):
        """Return whether the user may do it without approval, with what he did for the customer in the last year."""
        company = self.company_id
        if not company:
            return False
        since = fields.Date.subtract(company._ar_today(), days=LOOK_BACK_DAYS)
        earlier = self.sudo().search([  # sudo: all of them count, whoever may see them
            ('company_id', '=', company.id), ('partner_id', '=', self.partner_id.id), ('state', '=', 'done'),
            ('requested_by_id', '=', user.id), ('approved_by_id', '=', False), ('date_done', '>=', since),
            ('id', '!=', self._origin.id)])
        total = sum(request._get_size() for request in earlier) + self._get_size()
        return company.currency_id.compare_amounts(total, self._get_limits(user)[0]) <= 0

    def _why_not_approve(self, user):
        """Return why the user cannot decide, or nothing."""
        if user == self.requested_by_id:
            return self.env._("%s: nobody approves their own request. Ask another manager.", self.name)
        if not user.has_group('ar_coordinator.group_ar_manager'):
            return self.env._("%s: only a Receivables: Manager approves.", self.name)
        limit = self._get_limits(user)[1]
        if limit is not None and self.company_currency_id.compare_amounts(self._get_size(), limit) > 0:
            return self.env._(
                "%(request)s: you may approve up to %(limit)s.", request=self.name,
                limit=self.company_currency_id.format(limit))
        return None

    def _check_approver(self):
        """:raise AccessError: unless the user may decide."""
        self.check_access('write')
        if why := self._why_not_approve(self.env.user):
            raise AccessError(why)

    def _get_approvers(self, requester):
        """Return the users who may approve a request of `requester`."""
        # sudo: names of colleagues
        managers = self.env.ref('ar_coordinator.group_ar_manager').sudo().all_user_ids.filtered(
            lambda user: user.active and not user.share and user != requester and self.company_id in user.company_ids)
        return managers.filtered(lambda user: not self._why_not_approve(user)).sorted('id')

    def _get_candidates(self):
        """Return the open items of the customer that the kind is for."""
        sign = {'write_off': '>', 'refund': '<'}.get(self.kind, '!=')
        return self.env['account.move.line'].search([
            ('company_id', '=', self.company_id.id), ('account_id.account_type', '=', 'asset_receivable'),
            ('parent_state', '=', 'posted'), ('reconciled', '=', False), ('currency_id', '=', self.currency_id.id),
            ('partner_id', 'child_of', self.partner_id.id), ('amount_residual_currency', sign, 0.0),
        ], order='date_maturity, id').filtered(
            lambda line: line.partner_id.commercial_partner_id == self.partner_id)

    def _check_content(self):
        """:raise UserError: when there is nothing to do, or an item is not what the kind is for."""
        self.ensure_one()
        if not self.line_ids:
            raise UserError(self.env._("%s has no items: choose what to write off.", self.name))
        self.line_ids._check_items()
        if self.kind == 'refund' and len(self.line_ids.move_line_id.account_id) > 1:
            raise UserError(self.env._(
                "%s: its credits are on several accounts. Pay those of each account back with a request of its own.",
                self.name))
        if self.kind == 'small':
            limit = self.company_id.ar_small_balance_limit
            if any(self.company_currency_id.compare_amounts(abs(line.amount_company), limit) > 0
                   for line in self.line_ids):
                raise UserError(self.env._(
                    "%(request)s: small balances are at most %(limit)s each. Ask for a write-off instead.",
                    request=self.name, limit=self.company_currency_id.format(limit)))
