"""Requests to write open items off, to clear small balances, and to pay credits back.

    draft -> requested -> done -> reversed        (refused, cancelled)

Whoever asks for more than his limit needs somebody else's approval; nobody approves his own request, whatever his role.
Limits count what the same user wrote off for the same customer in the last year, so that splitting does not help.
Execution reads the items again under lock, posts one entry at the books' values (no exchange difference is left) and
matches it; a refund becomes a draft payment. A write-off is no payment: promises and KPIs do not take it for one.
"""
from collections import defaultdict

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
REFUND_FIELDS = {'state', 'amount', 'currency_id', 'partner_id', 'payment_type', 'partner_type'}
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

    # === EXECUTION === #

    def _execute(self):
        """Read the items again under lock, then post the entry or draft the payment."""
        self.ensure_one()
        if self.kind == 'refund':  # two that pay one credit back at the same instant would not see each other
            self.env['ar.ledger'].sudo()._take_turns(  # sudo: the table is no user's
                [f'ar.write.off,refund,{self.company_id.id},{self.partner_id.id}'])
        items = self.line_ids.move_line_id
        items.lock_for_update(allow_referencing=True)
        items.invalidate_recordset()
        self.line_ids.invalidate_recordset(['amount_open', 'amount_company'])
        self._check_content()
        for line in self.line_ids:  # the figures of what is done stay, whatever is matched
            line.amount_posted = line.amount_company
        today = self.company_id._ar_today()
        vals = {'state': 'done', 'date_done': today}
        if self.kind == 'refund':
            vals['payment_id'] = self._create_payment().id
        else:
            self.company_id._ar_check_open_period(today, self._get_journal(), self.name)
            vals['move_id'] = self._create_entry(today).id
        self.write(vals)

    def _create_payment(self):
        """Return the draft payment of a refund."""
        amount = -sum(self.line_ids.mapped('amount'))
        return self.env['account.payment'].create({
            'payment_type': 'outbound', 'partner_type': 'customer', 'partner_id': self.partner_id.id,
            'amount': amount, 'currency_id': self.currency_id.id, 'company_id': self.company_id.id,
            'memo': self.name, 'destination_account_id': self.line_ids.move_line_id.account_id[:1].id})

    def _create_entry(self, day):
        """Post the entry of a write-off or of small balances, match it with the items, and return it."""
        commands, matched = [], []
        for line in self.line_ids:
            item, amount, balance = line.move_line_id, line.amount, line.amount_company
            commands.append(Command.create({
                'account_id': item.account_id.id, 'partner_id': item.partner_id.id, 'name': self.name,
                'currency_id': self.currency_id.id, 'amount_currency': -amount, 'balance': -balance}))
            matched.append(item)
            commands += map(Command.create, self._prepare_counterparts(line))
        # taxes are computed here by Odoo's engine; left to itself the entry would compute them again
        moves = self.env['account.move'].with_context(skip_invoice_sync=True)
        move = moves.create({
            'move_type': 'entry', 'journal_id': self._get_journal().id, 'date': day, 'company_id': self.company_id.id,
            'ref': self.name, 'line_ids': commands})
        move.action_post()
        move._message_log(body=self.env._("Write-off: %s", self._get_html_link()))
        receivables = move.line_ids.filtered(lambda one: one.account_id.account_type == 'asset_receivable')
        for item, own in zip(matched, receivables.sorted('id'), strict=True):
            (item + own).reconcile()
        return move

    def _get_journal(self):
        """Return the journal of write-offs.

        :raise UserError: when the company has none
        """
        journal = self.company_id.ar_write_off_journal_id or self.env['account.journal'].search(
            [*self.env['account.journal']._check_company_domain(self.company_id), ('type', '=', 'general')], limit=1)
        if not journal:
            raise UserError(self.env._("%s has no journal for miscellaneous entries.", self.company_id.name))
        return journal

    def _get_account(self, amount):
        """Return the account that a write-off of `amount` (negative: a credit) goes to.

        :raise UserError: when the settings name none
        """
        company = self.company_id
        if self.kind == 'write_off':
            account = company.ar_write_off_account_id
        elif amount < 0:
            account = company.ar_small_balance_gain_account_id or company.ar_small_balance_account_id
        else:
            account = company.ar_small_balance_account_id or company.ar_write_off_account_id
        if not account:
            raise UserError(self.env._(
                "%(company)s: choose the account for this in the settings of Receivables, Write-offs.",
                company=company.name))
        return account

    def _prepare_counterparts(self, line):
        """Return the values of the other side of an item: expense, with the tax taken back where that is wanted."""
        account = self._get_account(line.amount)
        common = {'partner_id': self.partner_id.id, 'currency_id': self.currency_id.id, 'name': self.name}
        move = line.move_line_id.move_id
        taxes = move.is_sale_document() and move.line_ids.tax_ids.flatten_taxes_hierarchy()
        # a tax that is due on payment never fell due for what is not paid: left alone, matching would make it due
        is_never_due = taxes and set(taxes.mapped('tax_exigibility')) == {'on_payment'}
        if not (self.kind == 'write_off' and taxes and (self.with_tax_relief or is_never_due)):
            return [{
                **common, 'account_id': account.id, 'amount_currency': line.amount, 'balance': line.amount_company}]
        bases, taxes = self._compute_relief(move, line.amount, account)
        parts = [{**common, **values, 'account_id': account.id} for values in bases] + [
            {**common, **values} for values in taxes]
        # the books' value of the item is the truth: what rounding leaves goes to the expense
        bases_first = parts[0]
        for name, total in (('amount_currency', line.amount), ('balance', line.amount_company)):
            currency = self.currency_id if name == 'amount_currency' else self.company_currency_id
            rest = currency.round(total - sum(values[name] for values in parts))
            if abs(rest) > 100 * currency.rounding:
                raise UserError(self.env._(
                    "%(invoice)s: its taxes cannot be taken back in this amount. Write it off without the tax, or make"
                    " a credit note.", invoice=move.display_name))
            bases_first[name] = currency.round(bases_first[name] + rest)
        return parts

    def _compute_relief(self, move, amount, account):
        """Return (values of expense lines with taxes, values of tax lines) of `amount` of an invoice, tax included.

        By Odoo's tax engine, in the proportions of the invoice's lines, with the taxes' refund accounts and tags.
        """
        engine = self.env['account.tax']
        products = move.invoice_line_ids.filtered(lambda line: line.display_type == 'product')
        base_lines = self.env['ar.dispute.line']._prepare_base_lines({line: line.quantity for line in products})
        shares = engine._prepare_down_payment_lines(
            base_lines, self.company_id, 'fixed', amount, computation_key=f'ar_write_off,{self.id},{move.id}',
            grouping_function=lambda base_line: {'account_id': account})
        for share in shares:
            share.update(is_refund=True, sign=1)
        # a tax that is due on payment goes back to its waiting account; Odoo's entries for it, made when this entry
        # and the invoice are matched, cancel out. Only those carry its tags.
        engine._add_accounting_data_in_base_lines_tax_details(shares, self.company_id, include_caba_tags=False)
        result = engine._prepare_tax_lines(shares, self.company_id)
        bases = [{
            'amount_currency': values['amount_currency'], 'balance': values['balance'],
            'tax_tag_ids': values['tax_tag_ids'], 'tax_ids': [Command.set(share['tax_ids'].ids)],
        } for share, values in result['base_lines_to_update']]
        taxes = [
            {name: value for name, value in values.items() if name in self.env['account.move.line']._fields
             and name not in ('partner_id', 'currency_id')}
            for values in result['tax_lines_to_add']]
        return bases, taxes


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


class ArWriteOffLimit(models.Model):
    _name = 'ar.write.off.limit'
    _description = "Write-Off Limit of a User"
    _inherit = ['ar.guard']
    _rec_name = 'user_id'
    _order = 'company_id, user_id'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        comodel_name='res.users', required=True, index=True, ondelete='cascade', domain=[('share', '=', False)])
    amount_alone = fields.Monetary(
        string="Without Approval", help="Per customer and year. Instead of what the role may do.")
    amount_approve = fields.Monetary(string="Approves up to", help="Managers only. 0: any amount.")

    _user_uniq = models.UniqueIndex("(company_id, user_id)", "A user has one limit per company.")

    @api.model_create_multi
    def create(self, vals_list):
        limits = super().create(vals_list)
        limits._check_not_own()
        return limits

    def write(self, vals):
        self._check_not_own()
        result = super().write(vals)
        self._check_not_own()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_not_own(self):
        self._check_not_own()

    def _check_not_own(self):
        """:raise AccessError: for one's own limit: it would be an approval of one's own requests"""
        if not self.env.su and self.env.user in self.user_id:
            raise AccessError(self.env._("Your own limit is set by another manager."))

    @api.constrains('amount_alone', 'amount_approve')
    def _check_amounts(self):
        for limit in self:
            if limit.amount_alone < 0 or limit.amount_approve < 0:
                raise ValidationError(self.env._("%s: limits cannot be negative.", limit.user_id.name))


class AccountPayment(models.Model):
    _inherit = 'account.payment'

    def write(self, vals):
        """Override: a refund that is on its way is what was approved, however it was posted or edited."""
        result = super().write(vals)
        if REFUND_FIELDS & set(vals):
            self.filtered(lambda payment: payment.state in ('in_process', 'paid'))._ar_check_refunds()
        return result

    def action_post(self):
        """Override of `account`: a refund that is posted uses up the credits it pays back.

        :raise UserError: when less of a credit is open than is to be paid back
        """
        self._check_refunded_credits()
        requests = self._ar_check_refunds()
        result = super().action_post()
        for request in requests:
            own = request.payment_id.move_id.line_ids.filtered(
                lambda line: line.account_id.account_type == 'asset_receivable' and not line.reconciled)
            items = request.line_ids.move_line_id.filtered(
                lambda item, own=own: not item.reconciled and item.account_id in own.account_id)
            if own and items:
                (own + items).reconcile()
        return result

    def _ar_check_refunds(self):
        """Return the requests that these payments pay; what was asked for (and approved) must be what is paid.

        :raise UserError: for a payment of another amount, currency, customer or direction
        """
        # sudo: whoever posts the payment; it is compared and matched with what the approved request names
        requests = self.env['ar.write.off'].sudo().search(
            [('payment_id', 'in', self.ids), ('kind', '=', 'refund'), ('state', '=', 'done')])
        for request in requests:
            payment, amount = request.payment_id, -request.amount_total
            if (payment.payment_type, payment.partner_type) != ('outbound', 'customer') \
                    or payment.partner_id != request.partner_id or payment.currency_id != request.currency_id \
                    or request.currency_id.compare_amounts(payment.amount, amount) != 0:
                raise UserError(self.env._(
                    "%(payment)s: %(request)s allows to pay %(amount)s to %(customer)s. Change the payment back, or"
                    " reverse the request and make another one.", payment=payment.display_name, request=request.name,
                    amount=request.currency_id.format(amount), customer=request.partner_id.display_name))
        return requests

    def _check_refunded_credits(self):
        """Lock the credits that these drafts pay back, and see that they are still there.

        :raise UserError: when less is open: somebody matched a credit with something else meanwhile
        """
        # sudo: whoever posts the payment; the credit is what the approved request names
        lines = self.env['ar.write.off.line'].sudo().search([
            ('request_id.payment_id', 'in', self.filtered(lambda payment: payment.state in (False, 'draft')).ids),
            ('request_id.kind', '=', 'refund'), ('request_id.state', '=', 'done')])
        items = lines.move_line_id
        items.lock_for_update(allow_referencing=True)
        items.invalidate_recordset(['amount_residual', 'amount_residual_currency', 'reconciled'])
        for item, own in lines.grouped('move_line_id').items():
            amount, is_open = sum(own.mapped('amount')), item.amount_residual_currency
            if item.currency_id.compare_amounts(-amount, -is_open) > 0:
                raise UserError(self.env._(
                    "%(item)s: %(amount)s cannot be taken off, %(open)s is open.", item=item.display_name,
                    amount=item.currency_id.format(amount), open=item.currency_id.format(is_open)))
