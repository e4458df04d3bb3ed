"""Returned payments: a cheque that bounced, a direct debit that came back, a chargeback on a card.

    draft -> confirmed -> undone

Confirming undoes the matchings of what came back, so that its items are open again, and takes the money out: on the
bank's own transaction when it is known, else by an entry over outstanding receipts that the bank transaction is matched
with later (ar_in_transit.py). What was undone is kept item by item, so that undoing restores it to the cent. The bank's
charge is a cost; the fee for the customer is a draft invoice. The return is no payment and no sale: promises are judged
again from what is matched, credit rules count it, the worklist shows it.
"""
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from .ar_money import MONEY_FIELDS

REASONS = [
    ('funds', "Not enough funds"), ('stopped', "Stopped by the payer"), ('account', "Account closed or unknown"),
    ('mandate', "No mandate, or direct debit disputed"), ('chargeback', "Chargeback on a card"),
    ('signature', "Signature or date of the cheque"), ('bank_error', "Mistake of the bank"), ('other', "Other")]
NOT_THE_CUSTOMER = ('bank_error',)  # no fee, and no credit rule counts it
TODO = 'mail.mail_activity_data_todo'


class ArPaymentReturn(models.Model):
    _name = 'ar.payment.return'
    _description = "Returned Payment"
    _inherit = ['ar.money', 'ar.in.transit', 'ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date desc, id desc'
    _check_company_auto = True

    _number_prefix = 'RET'
    _guarded_fields = MONEY_FIELDS | {
        'move_id', 'transit_line_id', 'fee_move_id', 'entry_line_ids', 'payment_state', 'journal_id'}
    _content_fields = frozenset({
        'payment_id', 'statement_line_id', 'return_line_id', 'amount', 'date', 'reason', 'bank_fee', 'charge_amount',
        'chosen_item_ids'})

    return_line_id = fields.Many2one(
        comodel_name='account.bank.statement.line', string="Bank Transaction of the Return", index='btree_not_null',
        ondelete='restrict', domain="[('amount', '<', 0), ('is_reconciled', '=', False)]",
        help="Empty: not seen in the bank yet; it is matched later.")
    company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")
    journal_id = fields.Many2one(
        comodel_name='account.journal', string="Bank Account", compute='_compute_source', store=True, precompute=True)
    date = fields.Date(help="When the money left the bank account again.")
    amount = fields.Monetary(help="What came back of it; less than the payment for a chargeback of a part.")
    amount_left = fields.Monetary(help="The payment less what came back before.")
    reason = fields.Selection(selection=REASONS, required=True, default='funds', tracking=True)
    note = fields.Text()
    bank_fee = fields.Monetary(
        string="Bank's Charge", tracking=True, help="What the bank takes from us for it: a cost.")
    charge_amount = fields.Monetary(
        string="Fee for the Customer", compute='_compute_charge_amount', store=True, readonly=False, precompute=True,
        currency_field='company_currency_id', tracking=True,
        help="On a draft invoice, for somebody to check and post. Less than the company's fee: a manager's decision.")
    chosen_item_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_payment_return_chosen_rel', string="Open Again First",
        domain="[('id', 'in', candidate_item_ids)]",
        help="For a part: which items it is about. Empty: what is on account, then what was matched last.")
    item_ids = fields.One2many(
        comodel_name='ar.payment.return.item', inverse_name='return_id', string="Open Again", readonly=True, copy=False)
    entry_line_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_payment_return_entry_rel', string="Journal Items of the Return",
        readonly=True, copy=False)
    state = fields.Selection(
        selection=[('draft', "Draft"), ('confirmed', "Returned"), ('undone', "Undone")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Entry", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict')
    fee_move_id = fields.Many2one(
        comodel_name='account.move', string="Fee Invoice", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    payment_state = fields.Char(readonly=True, copy=False, help="Of the payment before, for undoing.")

    _positive = models.Constraint(
        "CHECK (amount >= 0 AND bank_fee >= 0 AND charge_amount >= 0)", "The amounts of a return are not negative.")

    # === COMPUTE METHODS === #

    @api.depends('partner_id.name')
    @api.depends_context('lang')
    def _compute_name(self):
        for record in self:
            number = record._get_number()
            record.name = f"{number}: {record.partner_id.name}" if record.partner_id else number

    @api.depends('payment_id', 'statement_line_id', 'return_line_id')
    def _compute_source(self):
        """Override: the bank account; a draft that was begun with what the bank took has its company and currency."""
        result = super()._compute_source()
        for record in self:
            source, line = record.payment_id or record.statement_line_id, record.return_line_id
            record.journal_id = source.journal_id or line.journal_id
            if not source and line:
                record.company_id = line.company_id
            record.currency_id = record.currency_id or line.currency_id
        return result

    @api.depends('reason', 'company_id')
    def _compute_charge_amount(self):
        for record in self:
            record.charge_amount = record._get_usual_fee()

    @api.depends('transit_line_id.reconciled', 'return_line_id')
    def _compute_is_in_bank(self):
        for record in self:
            record.is_in_bank = record.state == 'confirmed' and bool(
                record.transit_line_id.reconciled or record.return_line_id)

    def _search_is_in_bank(self, operator, value):
        if operator != 'in':
            return NotImplemented
        found = ['&', ('state', '=', 'confirmed'), '|', ('transit_line_id.reconciled', '=', True),
                 ('return_line_id', '!=', False)]
        return found if True in value else ['!', *found]

    # === ACTION METHODS === #

    def _check_may_confirm(self):
        self._check_fee()

    def _confirm(self):
        self._lock_money()
        self._check_content()
        shares, undone = self._share_out()
        reopened = self._open_items(undone)
        self._book(shares)
        self._match_takes(shares, self.entry_line_ids.sorted('id'))
        self._match_rest(undone)
        if self.payment_id and self._is_full():
            self.payment_state = self.payment_id.state
            self.payment_id.state = 'rejected'
        self._create_fee_invoice()
        self._set_confirmed()
        self._tell(reopened)

    def _undo(self):
        """Override: the entry is cancelled, and what was matched before is matched again."""
        self._lock_money()
        self._check_undo()
        matches = self.entry_line_ids.matched_debit_ids | self.entry_line_ids.matched_credit_ids
        matches.filtered(lambda match: match.debit_move_id.account_type == 'asset_receivable').unlink()
        if self.return_line_id:
            self.return_line_id.action_undo_reconciliation()
        else:
            self.move_id.button_cancel()
        if self.payment_state:
            self.payment_id.state = self.payment_state
        self._match_again()
        self._get_deposit_lines().is_live = True
        self.fee_move_id.filtered(lambda move: move.state == 'draft').button_cancel()
        self.activity_unlink([TODO])
        self._log_on_invoices(self.env._("%s was undone: it is paid again.", self._get_html_link()))

    def _lock_money(self):
        """Override: nor may anybody book what the bank took."""
        result = super()._lock_money()
        self._lock_others_out(self.return_line_id, self.name)
        return result

    def action_view_entry(self):
        """Open the entry that took the money out."""
        self.ensure_one()
        move = self.move_id or self.return_line_id.move_id
        return move._get_records_action(name=move.display_name)

    def action_view_fee(self):
        """Open the invoice over the fee."""
        self.ensure_one()
        return self.fee_move_id._get_records_action(name=self.env._("Fee Invoice"))

    # === FACTS === #

    def _get_usual_fee(self):
        return 0.0 if self.reason in NOT_THE_CUSTOMER else self.company_id.ar_return_fee

    # === RULES === #

    def _check_fee(self):
        """:raise AccessError: when a clerk would charge less than the company usually does, or let no rule count it."""
        if self.env.su or self.env.user.has_group('ar_coordinator.group_ar_manager'):
            return
        for record in self:
            if record.reason in NOT_THE_CUSTOMER:
                raise AccessError(self.env._(
                    "%s: that it was the bank's mistake is for a Receivables: Manager to confirm. No credit rule counts"
                    " it then.", record.name))
            currency, fee = record.company_currency_id, record._get_usual_fee()
            if currency.compare_amounts(record.charge_amount, fee) < 0:
                raise AccessError(self.env._(
                    "%(name)s: the fee is %(fee)s. A Receivables: Manager may charge less.", name=record.name,
                    fee=currency.format(fee)))

    def _check_content(self):
        """:raise UserError: when this cannot be what came back."""
        source = self.payment_id or self.statement_line_id
        if not source:
            raise UserError(self.env._("%s: say which payment or bank transaction came back.", self.name))
        self._check_source(source)
        self._check_not_moved()
        if self.date < source.date:
            raise UserError(self.env._(
                "%(name)s: the payment came in on %(day)s, it cannot have come back before.", name=self.name,
                day=format_date(self.env, source.date)))
        self._check_amount(source)
        if self.return_line_id:
            self._check_return_line()
        else:
            self.company_id._ar_check_open_period(self.date, self.journal_id, self.name)

    def _check_return_line(self):
        """:raise UserError: when the bank's transaction is not over the return and the charge."""
        line = self.return_line_id
        self.company_id._ar_check_open_period(line.date, line.journal_id, self.name)
        taken, currency = -self._get_open_amount(line), line.foreign_currency_id or line.currency_id
        expected = self.amount + self.bank_fee
        if line.company_id != self.company_id or currency != self.currency_id or currency.compare_amounts(
                taken, expected):
            raise UserError(self.env._(
                "%(name)s: the bank took %(taken)s, the return and the bank's charge come to %(expected)s.",
                name=self.name, taken=currency.format(taken), expected=self.currency_id.format(expected)))

    def _check_undo(self):
        """:raise UserError: when the return cannot be taken back."""
        self.company_id._ar_check_open_period(
            (self.move_id or self.return_line_id.move_id).date, self.journal_id, self.name)
        self._check_not_moved()
        if self._get_own_lines().partner_id.commercial_partner_id != self.partner_id:
            raise UserError(self.env._("%s: the rest of the money was moved since. Undo that first.", self.name))
        if self.transit_line_id.matched_debit_ids or self.transit_line_id.matched_credit_ids:
            raise UserError(self.env._(
                "%s is matched with a bank transaction: undo that first.", self.name))
        if self.fee_move_id.state == 'posted' and self.fee_move_id.payment_state != 'reversed':
            raise UserError(self.env._(
                "%(name)s: the fee was invoiced by %(invoice)s. Make a credit note for it first.", name=self.name,
                invoice=self.fee_move_id.name))

    # === WHAT CAME BACK === #

    def _get_bank_amount(self):
        return -(self.amount + self.bank_fee)

    # === BOOKING === #

    def _book(self, shares):
        """Take the money out: on the bank's transaction if there is one, else by an entry."""
        values = self._prepare_takes(shares)
        extra = (self._prepare_reversals() if self._is_full() else []) + self._prepare_cost()
        if self.return_line_id:
            self._book_on_transaction(values, extra)
        else:
            self._book_entry(values, extra)

    def _prepare_reversals(self):
        """Return the values that take discounts and the like of the payment back, with their taxes."""
        if self.payment_id:
            liquidity, _counterpart, _rest = self.payment_id._seek_for_lines()
        else:
            liquidity, _suspense, _other = self.statement_line_id._seek_for_lines()
        others = liquidity.move_id.line_ids - liquidity - self._get_own_lines()
        return [{
            'name': self.name, 'account_id': line.account_id.id, 'partner_id': line.partner_id.id,
            'currency_id': line.currency_id.id, 'amount_currency': -line.amount_currency, 'balance': -line.balance,
            'tax_ids': [Command.set(line.tax_ids.ids)], 'tax_tag_ids': [Command.set(line.tax_tag_ids.ids)],
            'tax_repartition_line_id': line.tax_repartition_line_id.id, 'tax_base_amount': -line.tax_base_amount,
            'analytic_distribution': line.analytic_distribution,
        } for line in others]

    def _prepare_cost(self):
        """Return the values of the bank's charge."""
        if self.currency_id.is_zero(self.bank_fee):
            return []
        company = self.company_id
        account = company.ar_return_cost_account_id or company.ar_cash_fee_account_id
        if not account:
            raise UserError(self.env._(
                "%(name)s: set the account for the bank's charges of %(fee)s (Settings, Deposits and Returned "
                "Payments).", name=self.name, fee=self.currency_id.format(self.bank_fee)))
        return [{
            'name': self.env._("Bank's charge: %s", self.name), 'account_id': account.id,
            'currency_id': self.currency_id.id, 'amount_currency': self.bank_fee,
            'balance': self.currency_id._convert(self.bank_fee, company.currency_id, company, self.date)}]

    def _book_entry(self, values, extra):
        """Post an entry over outstanding receipts; its open item is for the bank's transaction."""
        account = self._get_outstanding_account()
        values = [*values, *extra]
        money = {
            'name': self.name, 'account_id': account.id, 'partner_id': self.partner_id.id,
            'currency_id': self.currency_id.id, 'amount_currency': self._get_bank_amount(),
            'balance': -sum(line['balance'] for line in values)}
        # taxes of discounts are taken back as they were booked; left to itself the entry would compute them again
        move = self.env['account.move'].with_context(skip_invoice_sync=True).create({
            'move_type': 'entry', 'journal_id': self.journal_id.id, 'date': self.date, 'ref': self.name,
            'company_id': self.company_id.id, 'line_ids': [Command.create(line) for line in (*values, money)]})
        move.action_post()
        lines = move.line_ids.sorted('id')
        self.write({
            'move_id': move.id, 'entry_line_ids': [Command.set(lines[:len(values) - len(extra)].ids)],
            'transit_line_id': lines[-1:].id if account.reconcile else False})

    def _get_outstanding_account(self):
        """Return the account over which the money leaves: where it came in for a payment."""
        if self.payment_id:
            return self.payment_id._seek_for_lines()[0].account_id[:1]
        method = self.journal_id.outbound_payment_method_line_ids.payment_account_id[:1]
        return method or self.env['account.payment'].new({'company_id': self.company_id.id})._get_outstanding_account(
            'outbound')

    def _book_on_transaction(self, values, extra):
        """Replace the suspense line of the bank's transaction; receivables at the bank's rate, rounding first."""
        transaction = self.return_line_id
        _liquidity, suspense, _other = transaction._seek_for_lines()
        for line in values:
            if line['currency_id'] == self.currency_id.id:
                line.update(transaction._prepare_counterpart_amounts_using_st_line_rate(
                    self.currency_id, line['balance'], line['amount_currency']))
        lines = [*values, *extra]
        missing = suspense.balance - sum(line['balance'] for line in lines)
        values[0]['balance'] = self.company_id.currency_id.round(values[0]['balance'] + missing)
        move, before = transaction.move_id, transaction.move_id.line_ids
        move.with_context(skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({
            'line_ids': [Command.delete(suspense.id), *map(Command.create, lines)]})
        created = (move.line_ids - before).sorted('id')
        self.entry_line_ids = created[:len(values)]

    def _create_fee_invoice(self):
        """Draft the invoice over the fee."""
        if self.company_currency_id.is_zero(self.charge_amount):
            return
        product = self.company_id.ar_return_fee_product_id
        label = self.with_context(lang=self.partner_id.lang).env._(
            "Fee for a payment that was returned: %s", self._get_source_name())
        self.fee_move_id = self.env['account.move'].create({
            'move_type': 'out_invoice', 'company_id': self.company_id.id, 'partner_id': self.partner_id.id,
            'currency_id': self.company_currency_id.id, 'invoice_date': self.date, 'invoice_origin': self.name,
            'invoice_line_ids': [Command.create({
                **({'product_id': product.id} if product else {'tax_ids': []}), 'name': label, 'quantity': 1,
                'price_unit': self.charge_amount})]})

    # === WHO HAS TO KNOW === #

    def _get_source_name(self):
        payment = self.payment_id
        return payment.payment_reference or payment.memo or payment.name or self.statement_line_id.payment_ref or ""

    def _tell(self, items):
        """Note it on invoices and proposals, and give the collector a task."""
        reason = dict(self._fields['reason']._description_selection(self.env))[self.reason]
        self._log_on_invoices(self.env._(
            "Open again: the payment came back (%(reason)s), %(link)s.", reason=reason, link=self._get_html_link()))
        proposals = self._get_applied()
        for proposal in proposals:
            proposal._message_log(body=self.env._("The payment came back: %s", self._get_html_link()))
        if self._is_full():
            self._end_proposals(proposals)  # who paid was right: the name stays learned
            self._get_deposit_lines().is_live = False  # the cheque may be deposited once more
        collector = self.partner_id.ar_collector_id._ar_on_duty(self.company_id) or self.env.user
        self.activity_schedule(
            TODO, user_id=collector.id, date_deadline=self.company_id._ar_today(),
            summary=self.env._("Payment returned: %s", reason),
            note=self.env._(
                "%(amount)s of %(customer)s came back. Open again: %(items)s", customer=self.partner_id.name,
                amount=self.currency_id.format(self.amount),
                items=", ".join(items.move_id.mapped('name')) or self.env._("nothing, it was on account")))

    def _get_deposit_lines(self):
        return self.env['ar.deposit.line'].search([
            ('payment_id', 'in', self.payment_id.ids), ('deposit_id.state', '=', 'confirmed')])


class ArPaymentReturnItem(models.Model):
    _name = 'ar.payment.return.item'
    _description = "Item Open Again"
    _inherit = ['ar.money.item']

    return_id = fields.Many2one(comodel_name='ar.payment.return')
