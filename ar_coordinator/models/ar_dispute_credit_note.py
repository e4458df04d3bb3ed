"""The draft credit note of an accepted dispute: over exactly what was accepted.

- Quantities were accepted: the invoice's lines with these quantities, their taxes, discounts and accounts.
- An amount was accepted: its share of every tax and account of the disputed lines (or of the invoice), to the cent.
- All of an invoice was accepted: the invoice reversed, as Odoo does it.

Posting it matches it with the invoice (Odoo does) and closes the dispute. A credit note that leaves the books again
(back to draft, cancelled, deleted) opens it again: what was accepted is held until another one is posted.
"""
from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from .ar_dispute import ACCEPTED_STATES

LINE_FIELDS = (
    'name', 'product_id', 'product_uom_id', 'price_unit', 'discount', 'account_id', 'analytic_distribution', 'tax_ids',
    'extra_tax_data', 'deductible_amount')


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    amount_to_credit = fields.Monetary(
        string="Still to Credit", compute='_compute_amount_to_credit',
        help="What was accepted and stands on no credit note yet.")

    # === COMPUTE METHODS === #

    @api.depends('state', 'amount_accepted', 'credit_move_ids')
    def _compute_amount_to_credit(self):
        for dispute in self.sudo():  # sudo: totals of credit notes, for who reads the dispute but no journal entries
            is_accepted = dispute.state in ACCEPTED_STATES
            dispute.amount_to_credit = (
                dispute._get_uncredited(dispute._get_live_credit_notes()) if is_accepted else 0.0)

    # === ACTION METHODS === #

    def action_create_credit_note(self):
        """Make the draft credit note of an accepted dispute again, after somebody deleted, cancelled or reduced it.

        :return: action that shows it
        :raise UserError: when the dispute is not accepted, or has a credit note
        """
        self.ensure_one()
        self.check_access('write')
        if self.state not in ACCEPTED_STATES:
            raise UserError(self.env._("%s: only what is accepted is credited.", self.name))
        rest = self._get_uncredited(self._get_live_credit_notes())
        if not rest or any(move.state == 'draft' for move in self._get_live_credit_notes()):
            raise UserError(self.env._("%s has a credit note already.", self.name))
        self._create_credit_note(rest)
        return self.action_view_credit_notes()

    def action_view_credit_notes(self):
        """Open the credit notes of this dispute."""
        self.ensure_one()
        notes = self.credit_move_ids
        action = {'name': self.env._("Credit Notes"), 'type': 'ir.actions.act_window', 'res_model': 'account.move'}
        if len(notes) == 1:
            return {**action, 'res_id': notes.id, 'views': [(False, 'form')]}
        return {**action, 'domain': [('id', 'in', notes.ids)], 'views': [(False, 'list'), (False, 'form')]}

    # === BUSINESS METHODS === #

    def _get_live_credit_notes(self):
        """Return the credit notes that are not cancelled."""
        return self.credit_move_ids.filtered(lambda move: move.state != 'cancel')

    def _get_accepted(self):
        """Return the accepted amount, in the invoice's currency: 0 while nothing is accepted."""
        self.ensure_one()
        if not self.date_decided or self.state in ('rejected', 'withdrawn'):
            return 0.0
        return self.amount_accepted

    def _get_uncredited(self, notes):
        """Return what was accepted and is not on `notes`, in the invoice's currency; never below zero.

        Notes of earlier rounds stand against what was accepted in these rounds.
        """
        self.ensure_one()
        rounds = self.period_ids.filtered(
            lambda period: period.closed_by == 'credited' and period.move_id == self.move_id)
        accepted = self.amount_accepted + sum(rounds.mapped('amount_accepted'))
        rest = self.currency_id.round(accepted - sum(notes.mapped('amount_total')))
        return min(max(rest, 0.0), self.amount_accepted)

    def _create_credit_note(self, amount=None):
        """Create and link the draft credit note over `amount` (None: `amount_accepted`).

        :param amount: in the invoice's currency, with tax: all that was accepted, or what is left of it
        :return: account.move
        :raise UserError: when Odoo's taxes make another total of it
        """
        self.ensure_one()
        amount = self.amount_accepted if amount is None else amount
        is_all = not self.currency_id.compare_amounts(amount, self.amount_accepted)
        move = self.move_id.with_company(self.company_id)
        values = self._prepare_credit_note()
        quantities = {line.move_line_id: line.quantity_accepted for line in self.line_ids if line.quantity_accepted}
        if quantities and is_all:
            values['line_ids'] = []
            values['invoice_line_ids'] = [
                Command.create(self._prepare_quantity_line(line, quantity)) for line, quantity in quantities.items()]
        elif self.currency_id.compare_amounts(amount, move.amount_total):
            values['line_ids'] = []
            values['invoice_line_ids'] = [Command.create(line) for line in self._prepare_amount_lines(amount)]
        else:  # all of the invoice: what was rounded comes back, too
            values['invoice_cash_rounding_id'] = move.invoice_cash_rounding_id.id
        note = move._reverse_moves([values])
        if self.currency_id.compare_amounts(note.amount_total, amount):
            raise UserError(self.env._(
                "%(dispute)s: the credit note would be over %(total)s instead of %(accepted)s, because of the taxes or "
                "the rounding of %(invoice)s. Accept an amount instead of quantities.",
                dispute=self.name, total=self.currency_id.format(note.amount_total),
                accepted=self.currency_id.format(amount), invoice=move.display_name))
        # sudo: the dispute's write access was checked by its actions; the link is not for users to write
        self.sudo().credit_move_ids = [Command.link(note.id)]
        note._message_log(body=self.env._("Credit note for %s", self._get_html_link()))
        return note

    def _prepare_credit_note(self):
        """Return the values that differ from a copy of the invoice."""
        move, today = self.move_id, self.company_id._ar_today()
        here = self.with_context(lang=move.partner_id.lang or self.env.lang)
        return {
            'ref': here.env._(
                "Credit for %(invoice)s: %(reason)s", invoice=move.name, reason=here.reason_id.name),
            'date': today,
            'invoice_date': today,
            'invoice_date_due': today,
            'invoice_payment_term_id': False,
            'invoice_cash_rounding_id': False,
            'invoice_user_id': move.invoice_user_id.id,
            'invoice_origin': move.name,
            'auto_post': 'no',
        }

    def _prepare_quantity_line(self, line, quantity):
        """Return the values of a credit note line over `quantity` of an invoice line."""
        values = {
            name: line._fields[name].convert_to_write(line[name], line) for name in LINE_FIELDS if name in line._fields}
        values['quantity'] = quantity
        line._copy_data_extend_business_fields(values)
        return values

    def _prepare_amount_lines(self, amount):
        """Return the values of credit note lines that share `amount` by account and taxes, to the cent."""
        engine, company = self.env['account.tax'], self.company_id
        quantities = {line.move_line_id: line.quantity for line in self.line_ids} or {
            line: line.quantity for line in self.move_id.invoice_line_ids if line.display_type == 'product'}
        base_lines = self.env['ar.dispute.line']._prepare_base_lines(quantities)
        shares = engine._prepare_down_payment_lines(
            base_lines, company, 'fixed', amount, computation_key=f'ar_dispute,{self.id}',
            grouping_function=lambda base_line: {'account_id': base_line['account_id']})
        for share in shares:
            if not share['tax_ids']:  # the engine fixes rounded amounts of taxed lines only
                details = share['tax_details']
                share['price_unit'] = self.currency_id.round(
                    details['total_excluded_currency'] + details['delta_total_excluded_currency'])
        here = self.with_context(lang=self.move_id.partner_id.lang or self.env.lang)
        return [{
            'name': here.env._(
                "Credit for %(invoice)s: %(reason)s", invoice=self.move_id.name, reason=here.reason_id.name),
            'quantity': share['quantity'],
            'price_unit': share['price_unit'],
            'tax_ids': [Command.set(share['tax_ids'].ids)],
            'account_id': share['account_id'].id,
            'analytic_distribution': share['analytic_distribution'],
            'extra_tax_data': engine._export_base_line_extra_tax_data(share),
        } for share in shares]

    def _check_credit_note(self, note):
        """:raise UserError: when a credit note has become bigger than what was accepted (and approved), or has become
            another customer's or in another currency."""
        for dispute in self:
            customer, currency = dispute.move_id.commercial_partner_id, dispute.currency_id
            if note.commercial_partner_id != customer or note.currency_id != currency:
                raise UserError(self.env._(
                    "%(note)s no longer has the customer and currency of %(invoice)s. Change it back to %(customer)s, "
                    "%(currency)s.", note=note.display_name, invoice=dispute.move_id.name,
                    customer=customer.display_name, currency=currency.name))
            total = note.amount_total
            if dispute.currency_id.compare_amounts(
                    total, dispute._get_uncredited(dispute._get_live_credit_notes() - note)) > 0:
                raise UserError(self.env._(
                    "%(note)s credits %(total)s, but only %(accepted)s was accepted for %(dispute)s. Change the credit "
                    "note, or make another one that has nothing to do with the dispute.",
                    note=note.display_name, total=dispute.currency_id.format(total), dispute=dispute.name,
                    accepted=dispute.currency_id.format(dispute.amount_accepted)))


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _post(self, soft=True):
        """Override of `account`: a dispute's credit note is over what was accepted, and ends the dispute."""
        notes = self.filtered(lambda move: move.move_type == 'out_refund')
        # sudo: whoever posts a credit note; only its amount is compared
        disputes = self.env['ar.dispute'].sudo()
        if notes:
            disputes = disputes.search([('credit_move_ids', 'in', notes.ids)])
            for note in notes & disputes.credit_move_ids:
                disputes.filtered(lambda dispute, note=note: note in dispute.credit_move_ids)._check_credit_note(note)
        posted = super()._post(soft=soft)
        disputes._close_credited()
        return posted

    def write(self, vals):
        """Override: a dispute's credit note that leaves the books credits nothing."""
        lost = self._ar_get_disputes_credited() if vals.get('state') in ('draft', 'cancel') else {}
        result = super().write(vals)
        for dispute, notes in lost.items():
            dispute._reopen_credited(notes)
        return result

    def unlink(self):
        """Override: as `write`, for credit notes that are deleted while they are posted."""
        for dispute, notes in self._ar_get_disputes_credited().items():
            dispute._reopen_credited(notes)
        return super().unlink()

    def _ar_get_disputes_credited(self):
        """Return the decided disputes that posted ones of these credit notes credit.

        :return: dict of ar.dispute (as superuser) -> account.move
        """
        notes = self.filtered(lambda move: move.move_type == 'out_refund' and move.state == 'posted')
        if not notes:
            return {}
        # sudo: whoever takes a credit note out of the books
        disputes = self.env['ar.dispute'].sudo().search([
            ('credit_move_ids', 'in', notes.ids), ('date_decided', '!=', False), ('amount_accepted', '>', 0)])
        return {dispute: notes & dispute.credit_move_ids.with_env(self.env) for dispute in disputes}
