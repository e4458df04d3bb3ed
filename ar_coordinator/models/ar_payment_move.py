"""Misdirected payments: money of the wrong customer, or in the wrong company, is moved with a trail.

    draft -> confirmed -> undone

Its matchings are undone. Where nothing forbids it the customer is changed on the payment's own entry; else (a part of
the money, a closed period, a hashed entry, another company) a transfer entry moves it between the two customers on the
same account, at the books' values. What was learned about who pays is unlearned, and both customers' notes say who
moved what, when and why. Undoing restores every matching to the cent.
"""
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from .ar_guard import of_customers
from .ar_money import MONEY_FIELDS


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_between_account_id = fields.Many2one(
        comodel_name='account.account', string="Money of Other Companies", ondelete='set null',
        domain="[('account_type', 'in', ('asset_current', 'liability_current'))]",
        help="The other side of a payment that is moved to or from another company.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_between_account_id = fields.Many2one(related='company_id.ar_between_account_id', readonly=False)


class ArPaymentMove(models.Model):
    _name = 'ar.payment.move'
    _description = "Misdirected Payment"
    _inherit = ['ar.money', 'ar.guard', 'mail.thread']
    _order = 'id desc'
    _check_company_auto = True

    _number_prefix = 'MOV'
    _guarded_fields = MONEY_FIELDS | {'transfer_ids', 'credit_line_ids'}
    _content_fields = frozenset({
        'payment_id', 'statement_line_id', 'partner_to_id', 'company_to_id', 'amount', 'date', 'reason',
        'chosen_item_ids'})

    statement_line_id = fields.Many2one(help=False)
    partner_id = fields.Many2one(string="Wrong Customer")
    partner_to_id = fields.Many2one(
        comodel_name='res.partner', string="Right Customer", index=True, ondelete='restrict', tracking=True)
    company_to_id = fields.Many2one(
        comodel_name='res.company', string="Right Company", tracking=True, help="Empty: the same company.")
    amount_left = fields.Monetary(string="Can Be Moved")
    date = fields.Date(string="Transfer Date", help="Of the transfer entry, where one is needed.")
    reason = fields.Text(tracking=True, help="For both customers' notes.")
    chosen_item_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_payment_move_chosen_rel', string="Open Again First",
        domain="[('id', 'in', candidate_item_ids)]",
        help="For a part: which items it did not pay. Empty: what is on account, then what was matched last.")
    item_ids = fields.One2many(
        comodel_name='ar.payment.move.item', inverse_name='return_id', string="Open Again", readonly=True, copy=False)
    transfer_ids = fields.Many2many(
        comodel_name='account.move', relation='ar_payment_move_transfer_rel', string="Transfer Entries", readonly=True,
        copy=False)
    credit_line_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_payment_move_credit_rel', string="On the Right Account",
        readonly=True, copy=False)
    state = fields.Selection(
        selection=[('draft', "Draft"), ('confirmed', "Moved"), ('undone', "Undone")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True)
    confirmed_by_id = fields.Many2one(string="Moved by")
    date_confirmed = fields.Datetime(string="Moved on")

    # === COMPUTE METHODS === #

    @api.depends('partner_id.name', 'partner_to_id.name')
    @api.depends_context('lang')
    def _compute_name(self):
        for record in self:
            names = " → ".join(filter(None, (record.partner_id.name, record.partner_to_id.name)))
            record.name = f"{record._get_number()}: {names}" if names else record._get_number()

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: the right customer is a commercial partner."""
        return super().create(self._to_customers(vals_list))

    def write(self, vals):
        """Override: the right customer is a commercial partner."""
        return super().write(self._to_customers([vals])[0])

    def _to_customers(self, vals_list):
        """Return the values with the commercial partner for the contact that was chosen."""
        found = of_customers(self.env, [
            {'partner_id': vals['partner_to_id']} if vals.get('partner_to_id') else {} for vals in vals_list])
        return [
            {**vals, 'partner_to_id': own['partner_id']} if own else vals
            for vals, own in zip(vals_list, found, strict=True)]

    # === ACTION METHODS === #

    def _check_may_confirm(self):
        self._check_companies()

    def _check_may_undo(self):
        """Override: who may move may move back."""
        self._check_companies()

    def _confirm(self):
        self._lock_money()
        self._check_content()
        shares, undone = self._share_out()
        self._open_items(undone)
        if self._can_change():
            self._change(self.partner_to_id)
            self.credit_line_ids = self._get_own_lines()
        else:
            self._transfer(shares)
        self._match_rest(undone)
        self._unlearn()
        self._set_confirmed()
        self._tell(self.env.user)

    def _undo(self):
        self._lock_money()
        self._check_not_returned_since()
        self._check_periods()
        matches = self.credit_line_ids.matched_debit_ids | self.credit_line_ids.matched_credit_ids
        since = (matches.debit_move_id | matches.credit_move_id).move_id - self.credit_line_ids.move_id
        matches.unlink()
        if self.transfer_ids:
            self.transfer_ids.button_cancel()
        else:
            self._change(self.partner_id)
        self._match_again()
        self.ended_proposal_ids.filtered(lambda proposal: proposal.state == 'applied')._learn()
        link, partners = self._get_html_link(), self.partner_id | self.partner_to_id
        since._message_log_batch(dict.fromkeys(
            since.ids, self.env._("Open again: the payment went back to another customer, %s.", link)))
        partners._message_log_batch(dict.fromkeys(
            partners.ids, self.env._("%(link)s was undone by %(user)s.", link=link, user=self.env.user.name)))

    def action_apply(self):
        """Look for what the money is for now, and show the proposals."""
        self.ensure_one()
        self._check_clerk('read')
        company = self.company_to_id or self.company_id
        self.env['ar.cash']._propose(company)
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_proposal_action')
        return {**action, 'domain': [('partner_id', '=', self.partner_to_id.id), ('company_id', '=', company.id)]}

    def action_view_transfers(self):
        """Open the transfer entries."""
        self.ensure_one()
        return self.transfer_ids._get_records_action(name=self.env._("Transfer Entries"))

    # === RULES === #

    def _is_between(self):
        """Return whether the money goes to another company."""
        return bool(self.company_to_id) and self.company_to_id != self.company_id

    def _check_companies(self):
        """:raise AccessError: when money is moved between companies by whom that is not for"""
        if self.env.su:
            return
        for record in self.filtered(lambda record: record._is_between()):
            if not self.env.user.has_group('ar_coordinator.group_ar_manager') \
                    or record.company_to_id not in self.env.user.company_ids:
                raise AccessError(self.env._(
                    "%(name)s: money is moved to %(company)s by a Receivables: Manager of both companies.",
                    name=record.name, company=record.company_to_id.name))

    def _check_content(self):
        """:raise UserError: when this money cannot be moved."""
        source = self.payment_id or self.statement_line_id
        if not source or not self.partner_to_id:
            raise UserError(self.env._("%s: say which payment is to be moved, and to whom.", self.name))
        if not (self.reason or '').strip():
            raise UserError(self.env._("%s: say why, for both customers' notes.", self.name))
        self._check_source(source)
        if self.partner_to_id == self.partner_id and not self._is_between():
            raise UserError(self.env._("%s: the money is this customer's already.", self.name))
        self._check_not_moved()
        self._check_amount(source)
        own = self._get_own_lines()
        if self.currency_id.compare_amounts(-sum(own.mapped('amount_currency')), self.amount_paid):
            raise UserError(self.env._(
                "%s was booked with a discount or a fee: undo its application first, then move it.",
                source.display_name))
        self._check_periods()

    def _check_not_returned_since(self):
        """:raise UserError: when the money came back after it was moved"""
        returned = self.env['ar.payment.return'].search([
            ('state', '=', 'confirmed'), ('date_confirmed', '>=', self.date_confirmed),
            '|', ('payment_id', 'in', self.payment_id.ids), ('statement_line_id', 'in', self.statement_line_id.ids),
            ('partner_id', '=', self.partner_to_id.id)], limit=1)
        if returned:
            raise UserError(self.env._(
                "%(name)s: the money came back since (%(record)s). Undo that first.", name=self.name,
                record=returned.name))

    def _check_periods(self):
        """:raise UserError: when an entry would have to be booked, changed or cancelled in a closed period"""
        if self.transfer_ids:
            for move in self.transfer_ids:
                move.company_id._ar_check_open_period(move.date, move.journal_id, self.name)
        elif self.state == 'confirmed' or self._can_change():
            move = self._get_own_lines().move_id
            self.company_id._ar_check_open_period(move.date, move.journal_id, self.name)
        else:
            for company in self.company_id | self.company_to_id:
                company._ar_check_open_period(self.date, self._get_journal(company), self.name)

    def _can_change(self):
        """Return whether the customer can be changed on the entry itself."""
        own = self._get_own_lines()
        move = own.move_id
        return bool(
            not self._is_between() and self._is_full() and len(own.partner_id.commercial_partner_id) == 1
            and not move.inalterable_hash
            and not self.company_id._get_violated_lock_dates(move.date, False, move.journal_id))

    def _get_journal(self, company):
        """Return the journal of transfer entries of a company."""
        journals = self.env['account.journal'].with_company(company)
        journal = company.ar_write_off_journal_id or journals.search(
            [*journals._check_company_domain(company), ('type', '=', 'general')], limit=1)
        if not journal:
            raise UserError(self.env._("%s has no journal for miscellaneous entries.", company.name))
        return journal

    # === BOOKING === #

    def _change(self, partner):
        """Put another customer on the payment, its entry and its journal items."""
        move = self._get_own_lines().move_id
        quiet = {'skip_account_move_synchronization': True, 'skip_readonly_check': True}
        move.line_ids.filtered('partner_id').with_context(**quiet).partner_id = partner
        if self.payment_id:
            self.payment_id.partner_id = partner
        else:
            self.statement_line_id.with_context(**quiet).partner_id = partner
        move.with_context(**quiet).partner_id = partner

    def _transfer(self, shares):
        """Move the money by an entry, or by one in each company."""
        if self._is_between():
            self._transfer_between(shares)
            return
        takes = self._prepare_takes(shares)
        gives = [{**take, 'partner_id': self.partner_to_id.id, 'amount_currency': -take['amount_currency'],
                  'balance': -take['balance']} for take in takes]
        move = self._post(self.company_id, [*takes, *gives])
        lines = move.line_ids.sorted('id')
        self._match_takes(shares, lines[:len(takes)])
        self.write({'transfer_ids': [Command.set(move.ids)], 'credit_line_ids': [Command.set(lines[len(takes):].ids)]})

    def _transfer_between(self, shares):
        """Take the money from the customer here, give it to the other one there, over the companies' accounts."""
        to = self.company_to_id
        for company in self.company_id | to:
            if not company.ar_between_account_id:
                raise UserError(self.env._(
                    "%s: set the account for money of other companies (Settings, Deposits and Returned Payments).",
                    company.name))
        takes = self._prepare_takes(shares)
        amount = sum(take['amount_currency'] for take in takes)
        here = self._post(self.company_id, [*takes, {
            **self._prepare_between(self.company_id), 'amount_currency': -amount,
            'balance': -sum(take['balance'] for take in takes)}])
        self._match_takes(shares, here.line_ids.sorted('id')[:len(takes)])
        balance = self.currency_id._convert(amount, to.currency_id, to, self.date)
        there = self._post(to, [
            {**self._prepare_between(to), 'amount_currency': amount, 'balance': balance},
            {**self._prepare_between(to), 'amount_currency': -amount, 'balance': -balance,
             'account_id': self.partner_to_id.with_company(to).property_account_receivable_id.id,
             'partner_id': self.partner_to_id.id}])
        self.write({
            'transfer_ids': [Command.set((here | there).ids)],
            'credit_line_ids': [Command.set(there.line_ids.sorted('id')[-1:].ids)]})

    def _prepare_between(self, company):
        return {'name': self.name, 'account_id': company.ar_between_account_id.id, 'currency_id': self.currency_id.id}

    def _post(self, company, values):
        """Post a transfer entry of a company and return it."""
        move = self.env['account.move'].with_company(company).create({
            'move_type': 'entry', 'journal_id': self._get_journal(company).id, 'date': self.date, 'ref': self.name,
            'company_id': company.id, 'line_ids': [Command.create(line) for line in values]})
        move.action_post()
        return move

    # === TRAIL === #

    def _unlearn(self):
        """Take back what was learned from applying the money to the wrong customer."""
        line = self.statement_line_id or self.payment_id.reconciled_statement_line_ids[:1]
        proposals = self._get_applied()
        if proposals:
            proposals._unlearn()
            for proposal in proposals:
                proposal._message_log(body=self.env._("The payment was another customer's: %s", self._get_html_link()))
            if self._is_full():
                self._end_proposals(proposals)
        elif line.partner_name:
            self.env['ar.payer.alias']._unlearn(self.company_id, self.partner_id, line.partner_name)

    def _tell(self, user):
        """Note it on both customers and on the invoices that are open again."""
        body = self.env._(
            "%(amount)s of %(payment)s moved from %(wrong)s to %(right)s by %(user)s: %(reason)s (%(link)s)",
            amount=self.currency_id.format(self.amount),
            payment=(self.payment_id or self.statement_line_id.move_id).display_name, wrong=self.partner_id.name,
            right=self.partner_to_id.name, user=user.name, reason=self.reason, link=self._get_html_link())
        partners = self.partner_id | self.partner_to_id
        partners._message_log_batch(dict.fromkeys(partners.ids, body))
        self._log_on_invoices(self.env._(
            "Open again: the payment was another customer's, %s.", self._get_html_link()))


class ArPaymentMoveItem(models.Model):
    _name = 'ar.payment.move.item'
    _description = "Item a Misdirected Payment Had Paid"
    _inherit = ['ar.money.item']

    return_id = fields.Many2one(comodel_name='ar.payment.move', string="Misdirected Payment")


class AccountPayment(models.Model):
    _inherit = 'account.payment'

    def action_ar_move(self):
        """Enter that this payment is another customer's."""
        self.ensure_one()
        return self.env['ar.payment.move']._open({'default_payment_id': self.id})


class AccountMove(models.Model):
    _inherit = 'account.move'

    def action_ar_move(self):
        """Enter that the money of this bank transaction is another customer's."""
        self.ensure_one()
        return self.env['ar.payment.move']._open({'default_statement_line_id': self.statement_line_id.id})


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_receipts(self, env, company):
        """Override: money that was moved by a transfer entry waits like the payment it came from."""
        found = super()._get_receipts(env, company)
        moves = env['ar.payment.move'].search([
            ('state', '=', 'confirmed'), ('transfer_ids', '!=', False), '|', ('company_to_id', '=', company.id),
            '&', ('company_to_id', '=', False), ('company_id', '=', company.id)])
        for move in moves:
            source = move.payment_id.memo or move.statement_line_id.payment_ref or move.name
            for line in move.credit_line_ids:
                if not line.reconciled and line.amount_residual_currency < 0:
                    found[line.currency_id, ('payment', line.id)] = self._make_receipt(
                        line.currency_id, line.id, -line.amount_residual_currency, line.date, source, source, '', '',
                        line.partner_id)
        return found
