"""What follows from the difference of a payment, in the database transaction that applies it, and how it is taken back.

A dispute that somebody worked on stays when the payment is undone: it is about the invoice. A request that waits is
cancelled, a write-off's entry is reversed; a refund whose payment was posted has to be taken back first.
"""
from collections import defaultdict

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..engine import cash_rates
from .ar_cash_remains import OVER_ACTIONS, SHORT_ACTIONS
from .ar_write_off import LOOK_BACK_DAYS

LINKS = {'rest_dispute_ids', 'rest_request_ids'}
REQUESTS = ('write_off', 'refund')  # choices that make a request


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    origin = fields.Selection(selection_add=[('payment', "Short payment")], ondelete={'payment': 'set clerk'})


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    rest_dispute_ids = fields.Many2many(
        comodel_name='ar.dispute', relation='ar_cash_proposal_dispute_rel', string="Disputes", readonly=True,
        copy=False, help="Opened over what was paid too little.")
    rest_request_ids = fields.Many2many(
        comodel_name='ar.write.off', relation='ar_cash_proposal_request_rel', string="Write-Offs and Refunds",
        readonly=True, copy=False, help="Made of the difference.")

    def action_view_rest(self):
        """Open what was made of the difference: disputes, else write-offs and refunds."""
        self.ensure_one()
        records = self.rest_dispute_ids or self.rest_request_ids
        action = {'type': 'ir.actions.act_window', 'name': self.env._("Difference: %s", self.name),
                  'res_model': records._name}
        if len(records) == 1:
            return {**action, 'res_id': records.id, 'views': [(False, 'form')]}
        return {**action, 'domain': [('id', 'in', records.ids)], 'views': [(False, 'list'), (False, 'form')]}

    # === BEFORE THE MONEY IS MATCHED === #

    def _apply_transaction(self):
        """Override: the lines say what is paid, by what happens to the difference."""
        self._check_rest()
        self._fit_lines()
        self._check_fee()
        self._check_rate()
        return super()._apply_transaction()

    def _apply_payment(self):
        """Override: as for transactions; a payment's entry is booked, no fee can be taken out of it."""
        self._check_rest()
        if self.line_ids.item_currency_id:
            raise UserError(self.env._(
                "%s is booked already: items in another currency are paid with the bank transaction itself.",
                self.name))
        if self.rest_action == 'fee':
            raise UserError(self.env._(
                "%s is booked already, no bank fee can be taken out of it. Leave the difference open or write it off.",
                self.name))
        self._fit_lines()
        return super()._apply_payment()

    def _is_rest_booked(self):
        """Override: what was chosen counts, and not only what was read."""
        return self.rest < 0 and bool(self.statement_line_id) and self.rest_action == 'fee'

    def _books_shortfall(self, source, rest_action):
        """Override: with a bank fee or another exchange rate the items may be paid with more than came in."""
        return super()._books_shortfall(source, rest_action) or (
            rest_action in ('fee', 'rate') and source._name == 'account.bank.statement.line')

    def _prepare_chosen_rest(self, rest_action, reason):
        """Override: hand on the choice."""
        values = super()._prepare_chosen_rest(rest_action, reason)
        if rest_action:
            values['rest_action'] = rest_action
        if reason:
            values['rest_reason_id'] = reason.id
        return values

    def _check_rest(self):
        """:raise UserError: when the choice does not go with the sign of the difference"""
        sign = self.currency_id.compare_amounts(self.rest, 0)
        allowed = {name for name, _label in (SHORT_ACTIONS if sign < 0 else OVER_ACTIONS)}
        if sign and self.rest_action and self.rest_action not in allowed:
            raise UserError(self.env._(
                "%(name)s: “%(choice)s” does not go with a difference of %(rest)s. Choose what happens to it.",
                name=self.name, choice=self._get_label('rest_action'), rest=self.currency_id.format(self.rest)))

    def _check_fee(self):
        """Refuse a bank fee that is more than banks keep and more than the user may write off alone, with the fees he
        booked for the customer in the last year: calling a difference a fee is no way around the approval.

        :raise UserError: then
        """
        company, user = self.company_id, self.env.user
        fee = self._get_fee()
        if company.currency_id.compare_amounts(fee, company.ar_cash_fee) <= 0:
            return
        earlier = self.search([
            ('company_id', '=', company.id), ('partner_id', '=', self.partner_id.id), ('state', '=', 'applied'),
            ('rest_action', '=', 'fee'), ('applied_by_id', '=', user.id),
            ('date_applied', '>=', fields.Datetime.subtract(fields.Datetime.now(), days=LOOK_BACK_DAYS))])
        total = fee + sum(
            own for own in (row._get_fee() for row in earlier)
            if company.currency_id.compare_amounts(own, company.ar_cash_fee) > 0)
        limit = self.env['ar.write.off'].new({'company_id': company.id})._get_limits(user)[0]
        if company.currency_id.compare_amounts(total, limit) > 0:
            raise UserError(self.env._(
                "%(name)s: a bank fee of %(fee)s is more than you may book without approval. Write the difference off:"
                " that asks a manager.", name=self.name, fee=company.currency_id.format(fee)))

    def _check_rate(self):
        """Refuse an exchange difference that is none: without items in another currency, or further from the rate of
        the day than the company allows. Calling a difference one is no way around the approval of write-offs.

        :raise UserError: then
        """
        if self.rest_action != 'rate' or self.currency_id.is_zero(self.rest):
            return
        lines = self.line_ids.filtered('item_currency_id')
        units = 10 ** self.currency_id.decimal_places
        paid, worths = sum(lines.mapped('amount')), lines.mapped('residual')
        if not lines or cash_rates.match_foreign(
                round(paid * units), [round(worth * units) for worth in worths],
                self.company_id.ar_cash_rate_tolerance / 100) is None:
            raise UserError(self.env._(
                "%(name)s: a difference of %(rest)s is no exchange difference: rates may be %(percent)s %% from the"
                " rate of the day. Choose what else happens to it.", name=self.name,
                rest=self.currency_id.format(self.rest), percent=f'{self.company_id.ar_cash_rate_tolerance:g}'))

    def _fit_rate(self):
        """Let the items in another currency be paid with all that came in for them, by what they are worth."""
        lines = self.line_ids.filtered('item_currency_id')
        off = self.currency_id.round(self.amount - sum(self.line_ids.mapped('amount')))
        total = sum(lines.mapped('residual'))
        for line in lines:
            share = off if line == lines[-1] else self.currency_id.round(off * line.residual / total)
            line.amount += share
            off -= share
            total -= line.residual

    def _get_fee(self):
        """Return the bank fee that is booked with the transaction, in company currency."""
        if not self._is_rest_booked():
            return 0.0
        company = self.company_id
        return self.currency_id._convert(-self.rest, company.currency_id, company, self.date)

    def _fit_lines(self):
        """Let the lines pay in full where the difference is booked with them, else no more than what came in."""
        if self.rest_action == 'rate':
            self._fit_rate()
            return
        if self.currency_id.compare_amounts(self.rest, 0) >= 0:
            return
        paid = sum(self.line_ids.mapped('amount'))
        if self._is_rest_booked():
            if self.currency_id.compare_amounts(paid, self.amount) > 0:
                return  # amounts that were chosen hold: what they exceed the money by is booked, the rest stays open
            for line in self.line_ids.filtered(lambda line: line.amount > 0):
                line.amount = line.residual - line.discount
            self.write({  # the choice stays what it is
                'rest': self.currency_id.round(self.amount - sum(self.line_ids.mapped('amount'))),
                'rest_action': self.rest_action})
            return
        gap = self.currency_id.round(paid - self.amount)
        for line in self.line_ids.sorted('sequence', reverse=True):
            taken = min(gap, max(line.amount, 0.0))
            if self.currency_id.compare_amounts(taken, 0) > 0:
                line.amount -= taken
                gap = self.currency_id.round(gap - taken)

    # === AFTER IT WAS MATCHED === #

    def _close_rest(self):
        """Override: what follows from the difference."""
        result = super()._close_rest()
        if not self.currency_id.is_zero(self.rest):
            getattr(self, f'_close_{self.rest_action or "open"}', lambda: None)()
        return result

    def _get_shorts(self):
        """Return {proposal line: what of it was paid too little, in the item's currency}."""
        shorts = {}
        for line in self.line_ids.filtered(lambda line: line.amount > 0):
            currency = line.item_currency_id or line.currency_id
            before = line.item_residual if line.item_currency_id else line.residual
            amount = currency.round(before - line._get_settled())
            if currency.compare_amounts(amount, 0) > 0:
                shorts[line] = amount
        return shorts

    def _get_credits(self):
        """Return the items that hold what is too much: of the transaction's entry, or the payment's own."""
        if self.payment_line_id:
            return self.payment_line_id
        return self.statement_line_id.move_id.line_ids.filtered(
            lambda item: item.account_type == 'asset_receivable' and not item.reconciled
            and item.amount_residual_currency < 0)

    def _close_dispute(self):
        """Open a dispute over what was paid too little, for each invoice and reason; not over what is disputed already.
        """
        sums = defaultdict(float)
        for line, amount in self._get_shorts().items():
            sums[line.move_id, line._get_rest_reason()] += amount
        for (move, reason), amount in sums.items():
            if not move.is_sale_document(include_receipts=True):
                raise UserError(self.env._(
                    "%(name)s: %(item)s is no invoice and cannot be disputed. Leave the difference open.",
                    name=self.name, item=move.display_name))
            currency = move.currency_id
            free = currency.round(move.amount_residual - move.ar_disputed_amount)
            amount = min(amount, free)
            if currency.compare_amounts(amount, 0) <= 0:
                self.message_post(body=self.env._("%s: what was not paid is disputed already.", move.name))
                continue
            texts = self.line_ids.filtered(lambda line, move=move: line.move_id == move).mapped('deduction_reason')
            self.rest_dispute_ids |= self.env['ar.dispute']._open(
                move, amount=amount, reason=reason, origin='payment', note="\n".join([*filter(None, texts), self.env._(
                    "Payment of %(day)s over %(amount)s: %(short)s less than invoiced.", day=self.date,
                    amount=self.currency_id.format(self.amount), short=currency.format(amount))]))

    def _close_write_off(self):
        """Ask to write the difference off: done at once within the limit of whoever applies, else it waits."""
        if self.currency_id.compare_amounts(self.rest, 0) > 0:
            items = {item: item.amount_residual_currency for item in self._get_credits()}
        else:
            items = {line.move_line_id: amount for line, amount in self._get_shorts().items()}
        for (partner, currency), own in self._group_by_customer(items).items():
            self._request('write_off', partner, currency, own)

    def _close_refund(self):
        """Ask to pay back what is too much."""
        items = {item: item.amount_residual_currency for item in self._get_credits()}
        for (partner, currency), own in self._group_by_customer(items).items():
            self._request('refund', partner, currency, own)

    def _group_by_customer(self, items):
        """Return {(customer, currency): {item: amount}}."""
        groups = defaultdict(dict)
        for item, amount in items.items():
            groups[item.partner_id.commercial_partner_id, item.currency_id][item] = amount
        return groups

    def _request(self, kind, partner, currency, items):
        """Make a request of the kind ('small' where small balances may be this much) and hand it in.

        :param dict items: {account.move.line: amount in its currency, with the sign of what is open}
        :raise UserError: above the limit, when nobody may approve it
        """
        request = self.env['ar.write.off'].create({
            'company_id': self.company_id.id, 'partner_id': partner.id, 'currency_id': currency.id,
            'kind': kind, 'cause': 'overpaid' if self.rest > 0 else 'other',
            'reason': self.env._(
                "Difference of the payment %(name)s of %(day)s over %(amount)s", name=self.name, day=self.date,
                amount=self.currency_id.format(self.amount)),
            'line_ids': [
                Command.create({'move_line_id': item.id, 'amount': amount}) for item, amount in items.items()]})
        if kind == 'write_off':
            limit = self.company_id.ar_small_balance_limit
            compare = self.company_id.currency_id.compare_amounts
            if self.rest > 0 or all(compare(abs(line.amount_company), limit) <= 0 for line in request.line_ids):
                request.write({'kind': 'small', 'cause': 'rounding'})
        request.action_submit()
        self.rest_request_ids |= request

    # === UNDOING === #

    def _reopen_rest(self):
        """Override: take back what was made of the difference.

        :raise UserError: when money of it was used or paid back since
        """
        result = super()._reopen_rest()
        for request in self.rest_request_ids:
            if request.state in ('draft', 'requested'):
                request.action_cancel()
            elif request.state == 'done':
                request.action_reverse()  # as superuser: what applying wrote off is owed again, nothing is given away
        self._check_rest_unused()
        self._forget_credits()
        for dispute in self.rest_dispute_ids:
            if dispute.state == 'new' and not dispute.approval_state:
                dispute.action_withdraw()
            elif dispute.is_open:
                self.message_post(body=self.env._(
                    "%s is being worked on and stays: it is about the invoice.", dispute._get_html_link()))
        return result

    def _get_own_credits(self):
        """Return the receivable items of the transaction that pay none of the proposal's items."""
        own = self.line_ids.move_line_id
        return self.statement_line_id.move_id.line_ids.filtered(
            lambda item: item.account_type == 'asset_receivable'
            and not (item.matched_debit_ids.debit_move_id | item.matched_credit_ids.credit_move_id) & own)

    def _check_rest_unused(self):
        """:raise UserError: when what was too much was matched with something else since"""
        for item in self._get_own_credits():
            others = item.matched_debit_ids.debit_move_id | item.matched_credit_ids.credit_move_id
            if others:
                raise UserError(self.env._(
                    "%(name)s: what was left of it was used for %(other)s since. Undo that first.", name=self.name,
                    other=others[0].move_id.display_name))

    def _forget_credits(self):
        """Let go of items that undoing deletes: requests and proposals keep their figures without them."""
        credits = self._get_own_credits()
        self.env['ar.write.off.line'].search([('move_line_id', 'in', credits.ids)])._forget_item()
        others = self.search([('payment_line_id', 'in', credits.ids)])
        others.filtered(lambda proposal: proposal.state == 'proposed').unlink()
        others.exists().payment_line_id = False

    def write(self, vals):
        """Override: what was made of the difference is not for users to write."""
        if LINKS & set(vals) and not self.env.su:
            raise UserError(self.env._("What was made of a difference is linked when the payment is applied."))
        return super().write(vals)


class ArCashProposalLine(models.Model):
    _inherit = 'ar.cash.proposal.line'

    reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', ondelete='set null',
        help="Of the dispute over what was paid too little; empty: the proposal's.")

    def _get_rest_reason(self):
        """Return the reason of a dispute over what this item was paid too little."""
        proposal = self.proposal_id
        return (
            self.reason_id or self._get_coded_reason() or proposal.rest_reason_id or proposal._get_reason_default())

    def _get_coded_reason(self):
        """Return what the customer's words beside a deduction mean, or nothing."""
        return self.env['ar.deduction.code']._find_reason(
            self.proposal_id.company_id, self.move_line_id.partner_id, self.deduction_reason)


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _create_proposals(self, proposals, rows):
        """Override: what an advice explains is disputed by default; the lines that say so are there only now."""
        result = super()._create_proposals(proposals, rows)
        explained = [values for values, lines in rows if any(line['deduction'] for line in lines)]
        if explained:
            made = proposals.search([('state', '=', 'proposed'), '|', *(
                (name, 'in', [values[name] for values in explained if values[name]])
                for name in ('statement_line_id', 'payment_line_id'))])
            made.filtered(lambda row: row.rest < 0 and row._is_deduction_explained()).rest_action = 'dispute'
        return result

    def _get_sure(self, company, proposals):
        """Override: what somebody chose to write off or to pay back waits for somebody to apply it.

        The job would ask for it in nobody's name, and whoever chose it could approve it himself.
        """
        return super()._get_sure(company, proposals).filtered(
            lambda row: row.rest_action not in REQUESTS or row.rest_action == row._get_rest_default())


class ArWriteOff(models.Model):
    _inherit = 'ar.write.off'

    def _get_limits(self, user):
        """Override: what is applied by itself may be written off as far as any user may without approval."""
        if user._is_superuser():
            return self.company_id.ar_write_off_limit_user, 0.0
        return super()._get_limits(user)


class ArWriteOffLine(models.Model):
    _inherit = 'ar.write.off.line'

    # the database lets go of items that are undone; a request in force keeps its own (`_check_items`, `_forget_item`)
    move_line_id = fields.Many2one(required=False)

    def _forget_item(self):
        """Keep the figures of requests that are over, without the item, which is about to be deleted.

        :raise UserError: for a request in force
        """
        for line in self:
            if line.request_id.state not in ('cancelled', 'refused', 'reversed'):
                raise UserError(self.env._(
                    "%(request)s is about %(item)s: cancel or reverse it first.", request=line.request_id.name,
                    item=line.move_line_id.display_name))
            line.write({
                'move_line_id': False, 'amount': line.amount,
                'amount_posted': line.amount_posted or line.amount_company})
