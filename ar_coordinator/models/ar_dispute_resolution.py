"""How a dispute ends: accepted in full or in part, rejected, withdrawn, taken up again, closed with its invoice.

Accepting is giving money away: up to the company's limit per invoice the desk decides alone; above it a manager other
than the person who asked approves. The rule is here, in the model; the buttons only show it.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .ar_dispute import ACCEPTED_STATES, ENDED_STATES, UNDECIDED_STATES

APPROVAL_ACTIVITY = 'ar_coordinator.mail_activity_type_dispute_approval'
CLOSED_BY = [
    ('credited', "Credited"),
    ('paid', "Paid"),
    ('written_off', "Written off"),
    ('cancelled', "Invoice cancelled"),
    ('merged', "Merged into another dispute"),
    ('hand', "Closed by hand"),
]


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    approval_state = fields.Selection(
        selection=[('requested', "Waiting for approval"), ('approved', "Approved"), ('refused', "Not approved")],
        string="Approval", readonly=True, copy=False, tracking=True, index='btree_not_null')
    requested_by_id = fields.Many2one(
        comodel_name='res.users', string="Approval asked by", readonly=True, copy=False)
    approved_by_id = fields.Many2one(comodel_name='res.users', string="Approved by", readonly=True, copy=False)
    decided_by_id = fields.Many2one(comodel_name='res.users', string="Decided by", readonly=True, copy=False)
    date_decided = fields.Date(string="Decided on", readonly=True, copy=False)
    outcome_note = fields.Text(
        string="Answer to the Customer", copy=False, help="Stands in the letter that tells the customer the outcome.")
    closed_by = fields.Selection(
        selection=CLOSED_BY, string="Closed because", readonly=True, copy=False, tracking=True)
    can_approve = fields.Boolean(compute='_compute_can_approve')

    # === COMPUTE METHODS === #

    @api.depends('approval_state', 'requested_by_id')
    @api.depends_context('uid')
    def _compute_can_approve(self):
        is_manager = self.env.user.has_group('ar_coordinator.group_ar_manager')
        for dispute in self:
            dispute.can_approve = (
                is_manager and dispute.approval_state == 'requested' and dispute.requested_by_id != self.env.user)

    def _check_undecided(self, vals):
        """Override: what waits for approval does not change either."""
        result = super()._check_undecided(vals)
        if {'amount', 'amount_accepted', 'line_ids', 'move_id'} & vals.keys():
            for dispute in self:
                if dispute.approval_state == 'requested':
                    raise UserError(self.env._(
                        "%s waits for approval: take the request back before you change it.", dispute.name))
        return result

    # === ACTION METHODS === #

    def action_decide(self):
        """Open the dialog that accepts (a part of) the dispute or rejects it."""
        self.ensure_one()
        return {
            'name': self.env._("Decide: %s", self.name),
            'type': 'ir.actions.act_window',
            'res_model': 'ar.dispute.resolve.wizard',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_dispute_id': self.id},
        }

    def action_accept(self):
        """Accept the whole disputed amount: draft credit note, or a request for approval above the limit."""
        for dispute in self:
            dispute._accept()

    def action_accept_partly(self):
        """Accept `amount_accepted`; the rest is owed again. Draft credit note, or a request for approval.

        :raise UserError: when the accepted amount is not between zero and the disputed amount
        """
        for dispute in self:
            compare = dispute.currency_id.compare_amounts
            if compare(dispute.amount_accepted, 0) <= 0 or compare(dispute.amount_accepted, dispute.amount) >= 0:
                raise UserError(self.env._(
                    "%(dispute)s: enter an accepted amount between 0 and %(amount)s first.",
                    dispute=dispute.name, amount=dispute.currency_id.format(dispute.amount)))
            dispute._accept(amount=dispute.amount_accepted)

    def action_approve(self):
        """Approve what was asked for: the dispute is accepted and its credit note drafted.

        :raise AccessError: for anybody but a manager other than the one who asked
        """
        for dispute in self:
            dispute._check_approver()
            dispute._grant(approved_by=self.env.user)

    def action_refuse_approval(self):
        """Do not approve: the dispute goes back to whoever asked.

        :raise AccessError: as `action_approve`
        """
        for dispute in self:
            dispute._check_approver()
            asked_by = dispute.requested_by_id
            # sudo: the approver was checked; approvals are not for users to write
            dispute.sudo().write({'approval_state': 'refused', 'approved_by_id': self.env.uid})
            dispute._close_approval_activities()
            dispute._notify_user(asked_by, self.env._("Not approved: %s", dispute.name))

    def action_take_back_request(self):
        """Take a request for approval back, to change what is accepted.

        :raise UserError: when nothing waits for approval
        """
        self.check_access('write')
        for dispute in self:
            if dispute.approval_state != 'requested':
                raise UserError(self.env._("%s does not wait for approval.", dispute.name))
        # sudo: write access was checked; approvals are not for users to write
        self.sudo().write({'approval_state': False, 'requested_by_id': False, 'amount_accepted': 0})
        self.sudo().line_ids.quantity_accepted = 0
        self._close_approval_activities()

    def action_reject(self):
        """Reject: the whole amount is owed, the customer is told why, dunning resumes at the next level.

        :raise UserError: without an answer to the customer
        """
        for dispute in self:
            if not (dispute.outcome_note or '').strip():
                raise UserError(self.env._(
                    "%s: write an answer to the customer first, so that they learn why.", dispute.name))
        self._no_request_waits()
        for dispute in self:
            dispute._transition(UNDECIDED_STATES, 'rejected', amount_accepted=0, **dispute._decided())
        self._send_outcome()

    def action_withdraw(self):
        """The customer no longer disputes."""
        self._no_request_waits()
        for dispute in self:
            dispute._transition(UNDECIDED_STATES, 'withdrawn', amount_accepted=0, **dispute._decided())

    def action_close(self):
        """Close an accepted dispute whose credit came another way; nothing is held any more.

        :raise UserError: while its credit note is a draft: the customer would be asked for what was accepted
        """
        for dispute in self:
            if drafts := dispute.credit_move_ids.filtered(lambda move: move.state == 'draft'):
                raise UserError(self.env._(
                    "%(dispute)s closes itself when its credit note %(note)s is posted. Post it, or delete it if the "
                    "customer was credited another way.", dispute=dispute.name, note=drafts[0].display_name))
        self._transition(ACCEPTED_STATES, 'closed', closed_by='hand')

    def action_reopen(self):
        """Take ended disputes up again, with a new deadline; the round that ended stays on record.

        :raise UserError: for disputes that are open, were merged, or whose invoice has nothing left to dispute
        """
        self.check_access('write')
        for dispute in self:
            if dispute.state not in ENDED_STATES:
                raise UserError(self.env._("%s is open.", dispute.name))
            if dispute.closed_by == 'merged':
                raise UserError(self.env._("%s was merged into another dispute: open that one.", dispute.name))
            if dispute.move_id:
                rest = dispute.currency_id.round(dispute.amount - dispute._get_accepted()) or dispute.amount
                dispute._reopen(min(rest, dispute.move_id._ar_get_undisputed()))
            else:
                dispute._reopen(dispute.amount)

    # === DECISIONS === #

    def _decided(self):
        """Return the values that say who decided when."""
        self.ensure_one()
        return {'date_decided': self.company_id._ar_today(), 'decided_by_id': self.env.uid}

    def _no_request_waits(self):
        for dispute in self:
            if dispute.approval_state == 'requested':
                raise UserError(self.env._(
                    "%s waits for approval: take the request back, or have it refused, first.", dispute.name))

    def _accept(self, amount=None, quantities=None):
        """Accept all, an amount, or quantities of the disputed lines.

        :param amount: accepted amount with tax, in the invoice's currency; None: all, or what the quantities come to
        :param quantities: dict of ar.dispute.line -> accepted quantity (0: nothing of this line)
        :raise UserError: for more than is disputed, for nothing, or in the wrong state
        """
        self.ensure_one()
        self.check_access('write')
        self._no_request_waits()
        if self.state not in UNDECIDED_STATES or not self.move_id:
            self._transition(UNDECIDED_STATES if self.move_id else (), 'accepted')  # says what is wrong
        if amount is None and quantities is None and self.line_ids:
            quantities = {line: line.quantity for line in self.line_ids}
        if quantities is not None:
            amount = self._value_quantities(quantities)
        elif amount is None:
            amount = self.amount
        compare = self.currency_id.compare_amounts
        if compare(amount, 0) <= 0 or compare(amount, self.amount) > 0:
            raise UserError(self.env._(
                "%(dispute)s: what is accepted is more than 0 and at most the disputed %(amount)s.",
                dispute=self.name, amount=self.currency_id.format(self.amount)))
        self._check_invoice_total(amount)
        # sudo: write access was checked; from here on the amount is the one that is approved and credited
        dispute = self.sudo()
        for line in dispute.line_ids:
            line.quantity_accepted = (quantities or {}).get(line, 0)
        dispute.amount_accepted = amount
        if self._needs_approval():
            self._request_approval()
        else:
            self._grant()

    def _check_invoice_total(self, amount):
        """:raise UserError: when all disputes together would credit more than the invoice."""
        self.ensure_one()
        others, earlier = self._get_accepted_on_invoice()
        # ends that say nothing about a credit (paid, invoice cancelled...) count towards the limit only
        credited = [
            round_.amount_accepted for rounds in (others, earlier) for round_ in rounds
            if round_.closed_by in (False, 'credited', 'hand')]
        rest = self.currency_id.round(self.move_id.amount_total - sum(credited))
        if self.currency_id.compare_amounts(amount, rest) > 0:
            raise UserError(self.env._(
                "%(dispute)s: the rest of the invoice is credited by other decisions. Accept at most %(rest)s.",
                dispute=self.name, rest=self.currency_id.format(max(rest, 0.0))))

    def _get_accepted_on_invoice(self):
        """Return the other disputes of the invoice that were decided or wait for approval, and its earlier rounds.

        :return: ar.dispute, ar.dispute.period; as superuser
        """
        # sudo: amounts of all disputes of the invoice, whoever may see them
        own = [('move_id', '=', self.move_id.id)]
        others = self.sudo().search([
            *own, ('id', '!=', self.id), '|', ('date_decided', '!=', False), ('approval_state', '=', 'requested')])
        return others, self.period_ids.sudo().search(own)

    def _value_quantities(self, quantities):
        """Return what accepted quantities come to, computed together by the tax engine.

        :raise UserError: for quantities that were not disputed
        """
        part_of = self.env['ar.dispute.line']._is_part
        accepted = {line: quantity for line, quantity in quantities.items() if quantity}
        for line, quantity in accepted.items():
            is_part = line.dispute_id == self and part_of(quantity, line.move_line_id)
            if not is_part or abs(quantity) > abs(line.quantity):
                raise UserError(self.env._(
                    "%(line)s: %(quantity)s is more than the disputed %(disputed)s.",
                    line=line.move_line_id.name or line.display_name, quantity=quantity, disputed=line.quantity))
        amounts = self.line_ids._compute_tax_included(
            {line.move_line_id: quantity for line, quantity in accepted.items()})
        return self.currency_id.round(sum(amounts.values()))

    def _grant(self, approved_by=None):
        """Carry an acceptance out: state, draft credit note, letter to the customer."""
        self.ensure_one()
        whole = not self.currency_id.compare_amounts(self.amount_accepted, self.amount)
        approval = {'approval_state': 'approved', 'approved_by_id': approved_by.id} if approved_by else {
            'approval_state': False}
        self._transition(
            UNDECIDED_STATES, 'accepted' if whole else 'partly_accepted', **self._decided(), **approval)
        self._close_approval_activities()
        self._create_credit_note()
        self._send_outcome()

    # === APPROVAL === #

    def _needs_approval(self, amount=None):
        """Say whether somebody else has to approve `amount` (None: `amount_accepted`).

        All that is accepted on the invoice counts, so that splitting a dispute does not help.
        """
        self.ensure_one()
        amount = self.amount_accepted if amount is None else amount
        others, earlier = self._get_accepted_on_invoice()
        total = amount + sum(others.mapped('amount_accepted')) + sum(earlier.mapped('amount_accepted'))
        move, limit = self.move_id, self.company_id.ar_dispute_limit
        rate = abs(move.amount_total_signed / move.amount_total) if move.amount_total else 1.0  # of the books
        return self.company_id.currency_id.compare_amounts(total * rate, limit) > 0

    def _request_approval(self):
        """Ask a manager other than the current user, by an activity.

        :raise UserError: when nobody else may approve
        """
        approver = self._get_approver()
        if not approver:
            raise UserError(self.env._(
                "%(dispute)s: %(amount)s is above what may be accepted without approval in %(company)s, and nobody "
                "else has the role Receivables: Manager. Ask for a second manager, or for another limit in the "
                "settings.",
                dispute=self.name, amount=self.currency_id.format(self.amount_accepted), company=self.company_id.name))
        # sudo: write access was checked; approvals are not for users to write
        self.sudo().write({
            'approval_state': 'requested', 'requested_by_id': self.env.uid, 'approved_by_id': False,
            'state': 'investigating'})
        self.activity_schedule(
            APPROVAL_ACTIVITY, user_id=approver.id, date_deadline=self.company_id._ar_today(),
            summary=self.env._(
                "Approve a credit of %(amount)s to %(customer)s", customer=self.partner_id.display_name,
                amount=self.currency_id.format(self.amount_accepted)))

    def _get_approver(self):
        """Return the manager who is asked: the department's, the company's, or any other; never the current user."""
        # sudo: names of colleagues
        group = self.env.ref('ar_coordinator.group_ar_manager').sudo()
        managers = group.all_user_ids.filtered(
            lambda user: user.active and self.company_id in user.company_ids) - self.env.user
        preferred = self.department_id.user_id | self.company_id.ar_dispute_manager_id
        return ((preferred & managers) or managers)[:1]

    def _check_approver(self):
        """:raise AccessError: for anybody but a manager other than the one who asked."""
        self.ensure_one()
        self.check_access('write')
        if not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("%s: only a Receivables manager approves.", self.name))
        if self.approval_state != 'requested':
            raise UserError(self.env._("%s does not wait for approval.", self.name))
        if self.requested_by_id == self.env.user:
            raise AccessError(self.env._(
                "%s: nobody approves their own request. Ask another manager.", self.name))

    def _close_approval_activities(self):
        # sudo: the task is another user's; the decision it asked for was just made
        self.sudo().activity_unlink([APPROVAL_ACTIVITY])

    def _notify_user(self, user, text):
        """Give `user` a task about this dispute."""
        if user and user != self.env.user:
            self.activity_schedule(
                'mail.mail_activity_data_todo', user_id=user.id, summary=text,
                date_deadline=self.company_id._ar_today())

    # === ENDS === #

    def _reopen(self, amount):
        """Start another round over `amount`; the one that ended is kept, for reports of past days and for people."""
        self.ensure_one()
        today = self.company_id._ar_today()
        # sudo: write access was checked; rounds and states are not for users to write
        dispute = self.sudo()
        dispute.period_ids.create({
            'dispute_id': self.id, 'move_id': self.move_id.id, 'date_held': self.date_held,
            'date_closed': self.date_closed, 'amount': self.amount, 'amount_held': self.amount_held,
            'amount_accepted': self.amount_accepted, 'state': self.state, 'closed_by': self.closed_by,
            'outcome_note': self.outcome_note})
        if self.currency_id.compare_amounts(amount, self.amount):
            dispute.line_ids.unlink()  # part of it was settled: what is left is an amount
        dispute.line_ids.quantity_accepted = 0
        dispute.write({
            'amount': amount, 'amount_accepted': 0, 'state': 'investigating' if self.move_id else 'new',
            'date_held': today, 'date_closed': False, 'closed_by': False, 'outcome_note': False, 'date_decided': False,
            'decided_by_id': False, 'approval_state': False, 'requested_by_id': False, 'approved_by_id': False,
            'date_escalated': False, 'date_deadline': self.reason_id._get_deadline(today, self.company_id)})

    def _close_credited(self):
        """Close accepted disputes whose posted credit notes come to what was accepted; what is missing stays held."""
        done = self.browse()
        for dispute in self:
            notes = dispute.credit_move_ids.filtered(lambda move: move.state == 'posted')
            if dispute.state not in ACCEPTED_STATES or not notes:
                continue
            if rest := dispute._get_uncredited(notes):
                dispute._hold_uncredited(rest, notes)
            else:
                done |= dispute
        if done:
            done._transition(ACCEPTED_STATES, 'closed', closed_by='credited')

    def _reopen_credited(self, lost):
        """Hold again what posted credit notes `lost` credited, in the same round: the books know of no credit now.

        :param lost: account.move that are posted no more
        """
        self.ensure_one()
        if self.closed_by == 'credited':
            whole = not self.currency_id.compare_amounts(self.amount_accepted, self.amount)
            self.write({
                'state': 'accepted' if whole else 'partly_accepted', 'date_closed': False, 'closed_by': False})
        if self.state in ACCEPTED_STATES:
            notes = self.credit_move_ids.filtered(lambda move: move.state == 'posted')
            notes = notes.filtered(lambda move: move.id not in lost.ids)
            self._hold_uncredited(self._get_uncredited(notes), lost)

    def _hold_uncredited(self, rest, notes):
        """Hold what is left to credit after a credit note was posted over less, or taken out of the books."""
        self.ensure_one()
        self.amount_held = rest  # computed from decisions, not from entries: see docs, write storms
        self._message_log(body=self.env._(
            "%(notes)s: %(rest)s of the accepted %(accepted)s is still to be credited.",
            notes=", ".join(notes.mapped('display_name')), rest=self.currency_id.format(rest),
            accepted=self.currency_id.format(self.amount_accepted)))

    @api.model
    def _close_cleared(self, moves):
        """Close the open disputes of invoices that are cleared, and say how.

        Matchings with draft entries clear nothing: see `ar.ledger`.

        :param moves: account.move
        :return: ar.dispute that were closed
        """
        closed = self.browse()
        # sudo: whoever matches a payment, also somebody who reads no disputes
        disputes = self.sudo().search([('move_id', 'in', moves.ids), ('date_closed', '=', False)])
        if not disputes:
            return closed
        cleared = self._get_clearing(disputes.move_id)
        for dispute in disputes:
            if dispute.move_id not in cleared:
                continue
            matchings = cleared[dispute.move_id]
            since = [matching for matching in matchings if matching['date'] >= dispute.date_held] or matchings
            kinds = {matching['kind'] for matching in since}
            how = next((kind for kind in ('credited', 'written_off') if kind in kinds), 'paid')
            last = max([dispute.date_held, *(matching['date'] for matching in matchings)])
            day = max(dispute.date_held, min(last, dispute.company_id._ar_today()))
            dispute._transition((dispute.state,), 'closed', date_closed=day, closed_by=how, approval_state=False)
            dispute._close_approval_activities()
            dispute._message_log(body=self.env._(
                "%(invoice)s is cleared: %(entries)s", invoice=dispute.move_id.name,
                entries=", ".join(dict.fromkeys(matching['name'] for matching in since)) or "-"))
            closed |= dispute
        return closed

    @api.model
    def _get_clearing(self, moves):
        """Return what cleared those of `moves` that are cleared by posted entries.

        :param moves: account.move, as superuser
        :return: dict of account.move -> list of dict: date, name (of the entry), kind ('paid', 'credited' or
            'written_off')
        """
        items = moves.line_ids.filtered(lambda line: line.account_id.account_type == 'asset_receivable')
        payments = self.env['ar.ledger'].sudo().payments_of(items.ids)
        lines = self.env['account.move.line'].sudo().browse({
            payment['line_id'] for matched in payments.values() for payment in matched})
        lines.fetch(['move_id'])
        cleared = {}
        for move, own in items.grouped('move_id').items():
            matched = [payment for item in own for payment in payments.get(item.id, ())]
            if not all(item.reconciled for item in own) or not all(payment['is_posted'] for payment in matched):
                continue
            cleared[move] = [{
                'date': payment['date'], 'name': entry.name or entry.ref or "", 'kind': self._get_clearing_kind(entry)}
                for payment in matched for entry in [lines.browse(payment['line_id']).move_id]]
        return cleared

    @api.model
    def _get_clearing_kind(self, entry):
        """Say what an entry that clears an invoice is; a payment that writes the difference off is a write-off."""
        if entry.move_type == 'out_refund':
            return 'credited'
        if entry.origin_payment_id:
            _liquidity, _counterpart, written_off = entry.origin_payment_id._seek_for_lines()
            return 'written_off' if written_off else 'paid'
        return 'paid' if entry.statement_line_id or entry.move_type != 'entry' else 'written_off'


class ArDisputePeriod(models.Model):
    _inherit = 'ar.dispute.period'

    amount_accepted = fields.Monetary(string="Accepted", readonly=True)
    closed_by = fields.Selection(selection=CLOSED_BY, string="Closed because", readonly=True)


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    def _reconcile_post_hook(self, data):
        """Override of `account`: disputes end with their invoice."""
        result = super()._reconcile_post_hook(data)
        invoices = (data['not_paid_invoices'] | data['in_payment_invoices']).filtered(
            lambda move: move.move_type in ('out_invoice', 'out_receipt')
            and move.currency_id.is_zero(move.amount_residual))
        if invoices:
            self.env['ar.dispute']._close_cleared(invoices)
        return result


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dispute_limit = fields.Monetary(
        string="Credit without Approval", default=500,
        help="What the desk may accept of disputes on one invoice. Above it a manager other than the person who asks "
             "approves. 0: everything is approved.")
    ar_dispute_manager_id = fields.Many2one(
        comodel_name='res.users', string="Receivables Manager", domain=[('share', '=', False)],
        help="Is asked for approvals and hears of disputes past their deadline, where no department has a manager.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_dispute_limit = fields.Monetary(related='company_id.ar_dispute_limit', readonly=False)
    ar_dispute_manager_id = fields.Many2one(related='company_id.ar_dispute_manager_id', readonly=False)
