"""Deposits: cheques and cash typed from the slip, one payment per line, one entry for the whole slip.

    draft -> confirmed -> cancelled        (the bank has it: its transaction is matched, see ar_in_transit.py)

Confirming makes Odoo's payments (Dr outstanding receipts, Cr receivable) and the deposit entry (Dr deposits in transit,
Cr outstanding receipts), which closes the payments' outstanding items. The one open item that is left, the total of the
slip, is what the bank transaction is matched with. Cheques dated later than the deposit wait on a draft of their own.
"""
from collections import defaultdict

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from .ar_cash_document import GUARDED_FIELDS
from .ar_guard import of_customers, without_defaults

LINE_GUARDED_FIELDS = {'payment_id', 'is_live', 'number_key'}
TODO = 'mail.mail_activity_data_todo'


class ArDeposit(models.Model):
    _name = 'ar.deposit'
    _description = "Deposit"
    _inherit = ['ar.in.transit', 'ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date desc, id desc'
    _check_company_auto = True

    _number_prefix = 'DEP'
    _guarded_fields = GUARDED_FIELDS | {
        'move_id', 'transit_line_id', 'cancelled_by_id', 'is_post_dated', 'amount_cheques', 'amount_cash',
        'amount_total', 'amount_waiting', 'cheque_count'}  # the last five are added up
    _content_fields = frozenset({
        'company_id', 'journal_id', 'date', 'currency_id', 'reference', 'control_total', 'line_ids'})
    _ended = ('cancelled', 'cancelled_by_id')

    company_id = fields.Many2one(default=lambda self: self.env.company)
    journal_id = fields.Many2one(
        comodel_name='account.journal', string="Bank Account", required=True, check_company=True, ondelete='restrict',
        domain="[('type', '=', 'bank'), ('company_id', '=', company_id)]", tracking=True,
        default=lambda self: self._get_default_journal())
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, compute='_compute_currency_id', store=True, readonly=False,
        precompute=True, help="One slip, one currency.")
    date = fields.Date(help="When it is taken to the bank: the date of the payments.")
    reference = fields.Char(string="Slip Number", tracking=True)
    control_total = fields.Monetary(
        tracking=True, help="The total as it stands on the slip, or as it was added up before typing.")
    line_ids = fields.One2many(comodel_name='ar.deposit.line', inverse_name='deposit_id', string="Cheques and Cash")
    amount_cheques = fields.Monetary(string="Cheques", compute='_compute_amounts', store=True)
    amount_cash = fields.Monetary(string="Notes and coins", compute='_compute_amounts', store=True)
    amount_total = fields.Monetary(
        string="Total", compute='_compute_amounts', store=True, help="Without the cheques that are dated later.")
    amount_waiting = fields.Monetary(string="Dated Later", compute='_compute_amounts', store=True)
    difference = fields.Monetary(
        compute='_compute_difference', help="Control total less what was typed: zero when it ties.")
    cheque_count = fields.Integer(string="Number of Cheques", compute='_compute_amounts', store=True)
    is_post_dated = fields.Boolean(string="Post-Dated Cheques", readonly=True)
    state = fields.Selection(
        selection=[('draft', "Draft"), ('confirmed', "Deposited"), ('cancelled', "Cancelled")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Deposit Entry", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict')
    payment_count = fields.Integer(compute='_compute_payment_count')
    cancelled_by_id = fields.Many2one(comodel_name='res.users', string="Cancelled by", readonly=True, copy=False)

    # === COMPUTE METHODS === #

    @api.model
    def _get_default_journal(self):
        return self.env['account.journal'].search([
            ('type', '=', 'bank'), ('company_id', '=', self.env.company.id)], limit=1)

    @api.depends('reference')
    @api.depends_context('lang')
    def _compute_name(self):
        for deposit in self:
            number = deposit._get_number()
            deposit.name = f"{number} ({deposit.reference})" if deposit.reference else number

    @api.depends('journal_id')
    def _compute_currency_id(self):
        for deposit in self:
            deposit.currency_id = deposit.journal_id.currency_id or (deposit.company_id or self.env.company).currency_id

    @api.depends('line_ids.amount', 'line_ids.kind', 'line_ids.date_cheque', 'date')
    def _compute_amounts(self):
        for deposit in self:
            later = deposit._get_later_lines()
            now = deposit.line_ids - later
            cheques = now.filtered(lambda line: line.kind == 'cheque')
            deposit.amount_cheques = sum(cheques.mapped('amount'))
            deposit.amount_cash = sum((now - cheques).mapped('amount'))
            deposit.amount_total = deposit.amount_cheques + deposit.amount_cash
            deposit.amount_waiting = sum(later.mapped('amount'))
            deposit.cheque_count = len(cheques)

    @api.depends('control_total', 'amount_total')
    def _compute_difference(self):
        for deposit in self:
            deposit.difference = deposit.control_total - deposit.amount_total

    @api.depends('line_ids.payment_id')
    def _compute_payment_count(self):
        for deposit in self:
            deposit.payment_count = len(deposit.line_ids.payment_id)

    # === ACTION METHODS === #

    def _confirm(self):
        """Override: make the payments and the deposit entry; cheques dated later go to a draft of their own."""
        later = self._get_later_lines()
        self._check_content(later)
        if later:
            self._put_off(later)
        payments = self._create_payments()
        move = self._create_entry(payments)
        self._set_confirmed(move_id=move.id, transit_line_id=move.line_ids.sorted('id')[0].id)
        self.line_ids.is_live = True
        self.activity_unlink([TODO])

    def action_cancel(self):
        """Undo a deposit that the bank does not have: payments and entry are cancelled, what they paid is open again.

        The cancelled entries stay in the books' list, the deposit keeps its lines and who cancelled it.

        :raise AccessError: unless the user is a manager
        :raise UserError: when the bank has it, or the period is closed
        """
        self._take_back()

    def _undo(self):
        if self.transit_line_id.matched_debit_ids or self.transit_line_id.matched_credit_ids:
            raise UserError(self.env._(
                "%s is matched with a bank transaction. Undo that first, or enter the cheque that came back as a"
                " returned payment.", self.name))
        self.company_id._ar_check_open_period(self.move_id.date, self.journal_id, self.name)
        payments = self.line_ids.payment_id.filtered(lambda payment: payment.state != 'canceled')
        self._check_untouched(payments)
        paid = payments.reconciled_invoice_ids
        for proposal in self.env['ar.cash.proposal'].sudo().search([  # sudo: as the deposit's
                ('payment_line_id', 'in', payments.move_id.line_ids.ids), ('state', '=', 'applied')]):
            proposal._undo()
        self.move_id.button_cancel()
        payments.action_cancel()
        self.line_ids.is_live = False
        paid._message_log_batch({
            invoice.id: self.env._("%s was cancelled: its payments are undone.", self._get_html_link())
            for invoice in paid})

    def action_copy_draft(self):
        """Return a new draft with the lines of a cancelled deposit, to be corrected."""
        self.ensure_one()
        self._check_clerk('read')
        lines = [Command.create({
            'partner_id': line.partner_id.id, 'kind': line.kind, 'number': line.number, 'bank_name': line.bank_name,
            'date_cheque': line.date_cheque, 'amount': line.amount, 'memo': line.memo}) for line in self.line_ids]
        draft = self.create({
            'company_id': self.company_id.id, 'journal_id': self.journal_id.id, 'currency_id': self.currency_id.id,
            'date': self.date, 'reference': self.reference, 'control_total': self.control_total, 'line_ids': lines})
        return draft._get_records_action(name=draft.name)

    def action_view_payments(self):
        """Open the payments."""
        self.ensure_one()
        return self.line_ids.payment_id._get_records_action(name=self.env._("Payments of %s", self.name))

    def action_view_entry(self):
        """Open the deposit entry."""
        self.ensure_one()
        return self.move_id._get_records_action(name=self.move_id.display_name)

    def action_apply(self):
        """Look for what the payments are for, and show the proposals.

        :raise AccessError: unless the user works the desk
        """
        self._check_clerk('read')
        for company in self.company_id:
            self.env['ar.cash']._propose(company)
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_proposal_action')
        lines = self.line_ids.payment_id.move_id.line_ids
        return {**action, 'domain': [('payment_line_id', 'in', lines.ids)]}

    # === RULES === #

    def _check_untouched(self, payments):
        """:raise UserError: when a payment came back or was moved since: its entry would be left alone"""
        since = [('payment_id', 'in', payments.ids), ('state', '=', 'confirmed')]
        for record in (*self.env['ar.payment.return'].search(since), *self.env['ar.payment.move'].search(since)):
            raise UserError(self.env._(
                "%(deposit)s: one of its payments came back or was moved (%(record)s). Undo that first.",
                deposit=self.name, record=record.name))

    def _get_later_lines(self):
        """Return the cheques that are dated later than the deposit."""
        return self.line_ids.filtered(
            lambda line: line.kind == 'cheque' and line.date_cheque and self.date and line.date_cheque > self.date)

    def _get_bank_amount(self):
        return self.amount_total

    def _get_slip_lines(self):
        """Return what stands on the slip: what is deposited, or waits for the day of a later cheque's own slip."""
        return self.line_ids - self._get_later_lines()

    def _check_content(self, later):
        """:raise UserError: when the slip is not complete, does not tie, or the day is not one to book on."""
        self.ensure_one()
        if not self.line_ids - later:
            raise UserError(self.env._("%s: there is nothing to deposit on its day.", self.name))
        if self.date > self.company_id._ar_today():
            raise UserError(self.env._(
                "%(deposit)s is dated %(day)s: its cheques wait until then.", deposit=self.name,
                day=format_date(self.env, self.date)))
        if not self.currency_id.is_zero(self.difference):
            raise UserError(self.env._(
                "%(deposit)s: the slip says %(control)s, the lines add up to %(total)s. Look for the difference of "
                "%(difference)s.", deposit=self.name, control=self.currency_id.format(self.control_total),
                total=self.currency_id.format(self.amount_total),
                difference=self.currency_id.format(self.difference)))
        self.company_id._ar_check_open_period(self.date, self.journal_id, self.name)
        self.line_ids._check_complete()

    def _put_off(self, later):
        """Move cheques that are dated later to a draft deposit of their day, with a task for whoever deposits."""
        for day, lines in later.grouped('date_cheque').items():
            draft = self.search([
                ('state', '=', 'draft'), ('is_post_dated', '=', True), ('date', '=', day),
                ('journal_id', '=', self.journal_id.id), ('currency_id', '=', self.currency_id.id)], limit=1)
            if not draft:
                draft = self.create({
                    'company_id': self.company_id.id, 'journal_id': self.journal_id.id, 'date': day,
                    'currency_id': self.currency_id.id, 'is_post_dated': True})
                draft.activity_schedule(
                    TODO, user_id=self.env.uid, date_deadline=day, summary=self.env._("Deposit post-dated cheques"))
            lines.deposit_id = draft
            draft.control_total = draft.amount_total
            self._message_log(body=self.env._(
                "Cheques dated later wait on %(deposit)s: %(numbers)s", deposit=draft._get_html_link(),
                numbers=", ".join(lines.mapped('number'))))

    # === BOOKING === #

    def _create_payments(self):
        """Post one payment per line, and return them in the lines' order."""
        method = self.journal_id.inbound_payment_method_line_ids.sorted(lambda line: line.code != 'manual')[:1]
        if not method:
            raise UserError(self.env._(
                "%s has no incoming payment method: add one in its settings.", self.journal_id.display_name))
        payments = self.env['account.payment'].create([{
            'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': line.partner_id.id,
            'company_id': self.company_id.id, 'journal_id': self.journal_id.id, 'payment_method_line_id': method.id,
            'amount': line.amount, 'currency_id': self.currency_id.id, 'date': self.date,
            'memo': line.memo, 'payment_reference': line._get_reference()} for line in self.line_ids])
        payments.action_post()
        for line, payment in zip(self.line_ids, payments, strict=True):
            line.payment_id = payment
        return payments

    def _create_entry(self, payments):
        """Post the deposit entry, close the payments' outstanding items with it, and return it.

        Its first line is the total, at the values the payments have in the books: no exchange difference is left.
        """
        outstanding = [payment._seek_for_lines()[0] for payment in payments]
        accounts = payments.browse().move_id.line_ids.account_id.union(*(lines.account_id for lines in outstanding))
        transit = self.company_id.ar_deposit_account_id or accounts[:1]
        for account in accounts | transit:
            if not account.reconcile:
                raise UserError(self.env._(
                    "%(deposit)s: payments of %(journal)s go to %(account)s, which cannot be matched. Set an account of"
                    " outstanding receipts on its payment method.", deposit=self.name,
                    journal=self.journal_id.display_name, account=account.display_name))
        common = {'currency_id': self.currency_id.id}
        credits = [{
            **common, 'name': payment.payment_reference, 'account_id': line.account_id.id,
            'partner_id': line.partner_id.id, 'amount_currency': -line.amount_currency,
            'balance': -line.balance,
        } for payment, lines in zip(payments, outstanding, strict=True) for line in lines]
        total = {
            **common, 'name': self.name, 'account_id': transit.id,
            'amount_currency': -sum(values['amount_currency'] for values in credits),
            'balance': -sum(values['balance'] for values in credits)}
        move = self.env['account.move'].create({
            'move_type': 'entry', 'journal_id': self.journal_id.id, 'date': self.date,
            'company_id': self.company_id.id, 'ref': self.name,
            'line_ids': [Command.create(values) for values in (total, *credits)]})
        move.action_post()
        own = move.line_ids.sorted('id')[1:]
        for line, theirs in zip(own, [line for lines in outstanding for line in lines], strict=True):
            (line + theirs).reconcile()
        return move


class ArDepositLine(models.Model):
    _name = 'ar.deposit.line'
    _description = "Cheque or Cash of a Deposit"
    _inherit = ['ar.guard']
    _order = 'deposit_id desc, sequence, id'

    deposit_id = fields.Many2one(comodel_name='ar.deposit', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='deposit_id.company_id', store=True, precompute=True, index=True)
    currency_id = fields.Many2one(related='deposit_id.currency_id')
    state = fields.Selection(related='deposit_id.state')
    sequence = fields.Integer(default=10)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict')
    kind = fields.Selection(
        selection=[('cheque', "Cheque"), ('cash', "Notes and coins")], required=True, default='cheque')
    number = fields.Char(string="Cheque Number")
    number_key = fields.Char(
        compute='_compute_number_key', store=True, precompute=True, help="Without spaces and leading zeros.")
    bank_name = fields.Char(string="Drawn on")
    date_cheque = fields.Date(string="Cheque Date", help="A later date than the deposit's: the cheque waits.")
    amount = fields.Monetary(required=True)
    memo = fields.Char(string="For", help="Invoice numbers, or what else stands on the remittance slip.")
    known_as = fields.Char(
        string="Known", compute='_compute_known_as', help="Another deposit with the same cheque.")
    payment_id = fields.Many2one(
        comodel_name='account.payment', readonly=True, copy=False, index='btree_not_null', ondelete='restrict')
    is_live = fields.Boolean(
        string="Counts", readonly=True, copy=False, help="Deposited, and neither cancelled nor returned.")

    _amount_positive = models.Constraint("CHECK (amount > 0)", "The amount of a cheque or of cash is more than zero.")
    _cheque_once = models.UniqueIndex(
        "(company_id, partner_id, number_key, amount) WHERE is_live AND kind = 'cheque'",
        "A cheque of this customer with this number and amount was deposited before.")

    @api.depends('number')
    def _compute_number_key(self):
        for line in self:
            key = ''.join(filter(str.isalnum, line.number or '')).upper()
            line.number_key = key.lstrip('0') or key

    @api.depends('number_key', 'partner_id', 'amount', 'kind', 'deposit_id.line_ids.number_key')
    def _compute_known_as(self):
        for line, same in self._get_same().items():
            is_here = same and same.deposit_id._origin == line.deposit_id._origin
            line.known_as = self.env._("Again on this slip") if is_here else same.deposit_id.name

    def _get_same(self):
        """Return {line: another line with the same cheque, or none}, in one query."""
        cheques = self.filtered(lambda line: line.kind == 'cheque' and line.number_key and line.partner_id)
        known = self.sudo().search([  # sudo: recognised on other people's deposits, too
            ('company_id', 'in', (cheques.deposit_id.company_id or self.env.company).ids), ('kind', '=', 'cheque'),
            ('number_key', 'in', cheques.mapped('number_key')), '|', ('is_live', '=', True),
            ('deposit_id.state', '=', 'draft')], order='is_live desc, id')
        by_key = defaultdict(list)
        for line in [*known, *cheques.deposit_id.line_ids]:
            by_key[line._get_key()].append(line)
        found = dict.fromkeys(self, self.browse())
        for line in cheques:
            others = (other for other in by_key[line._get_key()] if (other._origin or other) != (line._origin or line))
            found[line] = next(others, self.browse())
        return found

    def _get_key(self):
        """Return what makes two cheques the same one."""
        self.ensure_one()
        return self.kind, self.number_key, self.partner_id.commercial_partner_id._origin, round(self.amount, 6)

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, LINE_GUARDED_FIELDS)
        if not self.env.su and any(LINE_GUARDED_FIELDS & {name for name in vals if vals[name]} for vals in vals_list):
            raise AccessError(self.env._("A deposit is confirmed and cancelled with its buttons."))
        lines = super().create(of_customers(self.env, vals_list))
        lines._check_draft()
        return lines

    def write(self, vals):
        if not self.env.su and LINE_GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._("A deposit is confirmed and cancelled with its buttons."))
        self._check_draft()
        result = super().write(of_customers(self.env, [vals])[0])
        self._check_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        self._check_draft()

    def _check_draft(self):
        """:raise UserError: when the deposit of a line was confirmed already."""
        if not self.env.su and any(deposit.state != 'draft' for deposit in self.deposit_id):
            raise UserError(self.env._("A deposit that was confirmed cannot be changed: cancel it."))

    def _check_complete(self):
        """:raise UserError: for a cheque without number or a cheque that was deposited before."""
        for line, same in self._get_same().items():
            label = f"{line.partner_id.display_name}, {line.currency_id.format(line.amount)}"
            if line.kind == 'cheque' and not line.number_key:
                raise UserError(self.env._("%s: type the number of the cheque, or say that it is cash.", label))
            if same.is_live or same.deposit_id == line.deposit_id:
                raise UserError(self.env._(
                    "Cheque %(number)s (%(label)s) is on %(deposit)s already.", number=line.number, label=label,
                    deposit=same.deposit_id.name))

    def _get_reference(self):
        """Return what identifies the cheque or cash on the payment. Not its memo: matching would read the number."""
        return f"{self._get_kind_name()} ({self.deposit_id.name})"

    def _get_kind_name(self):
        """Return the words for the cheque or the cash."""
        return self.env._("Cheque %s", self.number) if self.kind == 'cheque' else self.env._("Notes and coins")
