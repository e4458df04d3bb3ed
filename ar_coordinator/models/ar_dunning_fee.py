"""Reminder fees: a flat amount, a percentage or both per letter; claimed in the letter, or invoiced by a draft.

The fee belongs to the letter and not to its items. It is worked out with the draft letter, again at the gate, and stays
as it was sent. Nothing is posted here: a fee invoice is a draft that somebody checks, and while it is one it is no
debt and nobody is reminded of it.
"""
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .ar_outbox import spoken, write_changed


class ArDunningLevel(models.Model):
    _inherit = 'ar.dunning.level'

    fee_amount = fields.Float(
        string="Fee", digits=(16, 2), help="In the company's currency; converted at the rate of the letter's day.")
    fee_percent = fields.Float(string="Fee (%)", digits=(6, 3), help="Of the amount the letter asks for.")
    fee_mode = fields.Selection(
        selection=[('claim', "Claimed in the letter"), ('invoice', "Draft invoice")],
        string="Fee Is", default='claim', required=True,
        help="Claimed: the letter asks for it and nothing is booked. Draft invoice: one per letter, for you to check "
             "and post; the letter itself says nothing of it.")
    fee_product_id = fields.Many2one(
        comodel_name='product.product', ondelete='restrict',
        help="Account and taxes of the fee invoice.")

    @api.constrains('fee_amount', 'fee_percent', 'fee_mode', 'fee_product_id')
    def _check_fee(self):
        for level in self:
            if level.fee_amount < 0 or not 0 <= level.fee_percent <= 100:
                raise ValidationError(self.env._(
                    "%s: a fee is not negative, and its percentage is between 0 and 100.", level.display_name))
            if level._has_fee() and level.fee_mode == 'invoice' and not level.fee_product_id:
                raise ValidationError(self.env._(
                    "%s: choose the product that the fee invoices are made with.", level.display_name))

    def _has_fee(self):
        """Return whether letters of this level come with a fee."""
        return bool(self.fee_amount or self.fee_percent)


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _write_preview(self, decisions):
        """Override: letters come with their fee."""
        letters = super()._write_preview(decisions)
        letters._set_fees()
        return letters

    def _gate(self, letters):
        """Override: the fee follows from the amounts the gate has read."""
        leaving = super()._gate(letters)
        letters._set_fees()
        return leaving


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    amount_fee = fields.Monetary(string="Fee", readonly=True)
    fee_mode = fields.Selection(
        selection=[('claim', "Claimed in the letter"), ('invoice', "Draft invoice")], string="Fee Is", readonly=True)
    fee_original = fields.Json(
        readonly=True, help="The flat fee before conversion: amount, currency; empty when nothing was converted.")
    fee_note = fields.Char(string="No Fee Because", readonly=True)
    fee_move_id = fields.Many2one(
        comodel_name='account.move', string="Fee Invoice", index='btree_not_null', ondelete='set null', readonly=True)

    # === ACTION METHODS === #

    def action_view_fee_invoice(self):
        """Open the fee invoice."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'res_model': 'account.move', 'res_id': self.fee_move_id.id,
            'views': [(False, 'form')], 'name': self.env._("Fee Invoice")}

    # === RENDERING === #

    def _get_claimed_fee(self):
        """Return the fee that the letter's text asks for, in its currency: none when it is invoiced."""
        return self.amount_fee if self.fee_mode == 'claim' else 0.0

    def _get_amount_to_pay(self):
        """Override: the fee is part of what is asked for."""
        if not (fee := self._get_claimed_fee()):
            return super()._get_amount_to_pay()
        return self._format_amount(self.amount_total + self.amount_claim + fee)

    def _get_fee_original(self):
        """Return the flat fee before conversion as the letter says it, or None."""
        if not self.fee_original:
            return None
        return f"{self.fee_original['currency']} {self._format_number(self.fee_original['amount'])}"

    # === BUSINESS METHODS === #

    def _set_fees(self):
        """Work out and store the fees of draft letters; the others keep theirs, cancelled ones have none.

        The flat part is converted at the rate of the letter's day, the percentage is of the amount asked; the sum is
        rounded once.
        """
        for letter in self.filtered(lambda letter: letter.state in ('draft', 'cancelled')):
            level = letter.level_id
            if not (level._has_fee() or letter.amount_fee or letter.fee_note):
                continue
            write_changed(letter, letter._prepare_fee(level if letter.state == 'draft' else level.browse()))

    def _prepare_fee(self, level):
        """Return the values of the letter's fee at a level; of none for no level."""
        vals = {'amount_fee': 0.0, 'fee_mode': False, 'fee_original': False, 'fee_note': False}
        currency = self.company_id.currency_id
        if not level._has_fee():
            return vals
        if level.fee_amount and not self._can_convert(currency):
            vals['fee_note'] = self.env._(
                "There is no exchange rate between %(company)s and %(currency)s.",
                company=currency.name, currency=self.currency_id.name)
            return vals
        flat = currency._convert(level.fee_amount, self.currency_id, self.company_id, self.date, round=False)
        fee = self.currency_id.round(flat + self.amount_total * level.fee_percent / 100)
        if not fee:
            return vals
        vals.update(amount_fee=fee, fee_mode=level.fee_mode)
        if level.fee_amount and currency != self.currency_id:
            vals['fee_original'] = {'amount': level.fee_amount, 'currency': currency.name}
        return vals

    @api.model
    def _get_steps(self):
        """Override: fees are invoiced where the level wants it."""
        return [
            *super()._get_steps(),
            ('_make_fee_invoices', lambda letter: (
                letter.amount_fee and letter.fee_mode == 'invoice' and not letter.fee_move_id))]

    def _make_fee_invoices(self):
        """Create one draft invoice per letter, in the letter's currency, and link it."""
        moves = self.env['account.move'].create([letter._prepare_fee_invoice() for letter in self])
        for letter, move in zip(self, moves, strict=True):
            letter.fee_move_id = move

    def _prepare_fee_invoice(self):
        """Return the values of a draft fee invoice; account and taxes are the product's."""
        letter = self._localized()
        product = letter.level_id.fee_product_id
        if not product:
            raise UserError(self.env._("%s has no product for its fee invoices.", self.level_id.display_name))
        return {
            'move_type': 'out_invoice',
            'company_id': self.company_id.id,
            'partner_id': self.partner_id.id,
            'currency_id': self.currency_id.id,
            'invoice_date': self.date,
            'invoice_origin': self.name,
            'invoice_line_ids': [fields.Command.create({
                'product_id': product.id,
                'name': letter.env._(
                    "%(product)s: %(level)s of %(day)s",
                    product=product.with_context(lang=spoken(self.env, self.lang)).name,
                    level=letter.level_id.name, day=letter._format_date(self.date)),
                'quantity': 1,
                'price_unit': self.amount_fee,
            })],
        }

    def _withdraw_steps(self):
        """Override: a letter that is no reminder costs nothing; drafts are cancelled, posted invoices are told."""
        result = super()._withdraw_steps()
        moves = self.fee_move_id
        moves.filtered(lambda move: move.state == 'draft').button_cancel()
        posted = moves.filtered(lambda move: move.state == 'posted')
        posted._message_log_batch(bodies=dict.fromkeys(
            posted.ids, self.env._("The reminder this fee is for was not delivered, or was cancelled.")))
        return result
