"""Online payments of several open items: each gets what the customer chose to pay of it.

Odoo matches the payment of a transaction with the oldest of its invoices first. With a disputed part left unpaid, that
would settle the disputed part and leave another invoice short; so the payment is matched item by item before.

Credits the customer had are deducted where the page said so: they are matched with their items when the payment is in
the books, and not before, and only if they are still there.
"""
from odoo import fields, models


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    ar_allocation = fields.Json(
        string="Paid Open Items", readonly=True, copy=False,
        help="What the customer chose to pay: amount per journal item, in the transaction's currency.")

    ar_netting = fields.Json(
        string="Deducted Credits", readonly=True, copy=False,
        help="Credits that were deducted from the payment: [journal item, credit's journal item, amount], in the "
             "transaction's currency.")

    def _create_payment(self, **extra_create_values):
        """Override of `account_payment`: a line of the payment for each item that is paid in part."""
        parts = self._ar_get_parts()
        if len(parts) > 1:
            extra_create_values['write_off_line_vals'] = [self._ar_prepare_line(*part) for part in parts[1:]]
        transaction = self.with_context(ar_match_items=True) if parts else self
        return super(PaymentTransaction, transaction)._create_payment(**extra_create_values)

    def _ar_get_parts(self):
        """Return the lines the payment needs, the main one first.

        Items of an account that are paid in full share a line, an item paid in part has its own.

        :return: list of (journal items, amount); empty when there is no allocation, or it is not what was paid (a
            partial capture, an invoice that changed in between): Odoo's own way is taken then
        """
        self.ensure_one()
        allocation = {int(line_id): amount for line_id, amount in (self.ar_allocation or {}).items()}
        if not allocation or self.currency_id.compare_amounts(sum(allocation.values()), self.amount) != 0:
            return []
        terms = self.invoice_ids.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        lines = terms.filtered(lambda line: line.id in allocation and not line.reconciled)
        if len(lines) < len(allocation):
            return []
        parts = []
        for items in lines.grouped('account_id').values():
            whole = items.filtered(lambda line: self.currency_id.compare_amounts(
                allocation[line.id], line.amount_residual_currency) >= 0)
            if whole:
                parts.append((whole, self.currency_id.round(sum(allocation[line.id] for line in whole))))
            parts += [(line, allocation[line.id]) for line in items - whole]
        main_account = terms[:1].account_id  # the one core gives the payment
        parts.sort(key=lambda part: part[0].account_id != main_account)
        return parts if parts[0][0].account_id == main_account else []

    def _ar_prepare_line(self, items, amount):
        """Return the values of a further line of the payment."""
        company = self.provider_id.company_id
        return {
            'name': ", ".join(items.move_id.mapped('name')),
            'account_id': items.account_id.id,
            'partner_id': self.partner_id.commercial_partner_id.id,
            'currency_id': self.currency_id.id,
            'amount_currency': -amount,
            'balance': -self.currency_id._convert(
                amount, company.currency_id, company, fields.Date.context_today(self)),
        }

    def _ar_match(self, payment):
        """Match each line of the payment with the items it is for."""
        free = payment.move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == 'asset_receivable' and not line.reconciled)
        for items, amount in self._ar_get_parts():
            line = free.filtered(
                lambda line, items=items, amount=amount: line.account_id == items.account_id
                and not line.currency_id.compare_amounts(-line.amount_currency, amount))[:1]
            free -= line
            if line:
                (line + items).reconcile()
        self._ar_match_credits(payment)

    def _ar_match_credits(self, payment):
        """Match the deducted credits, to the cent, with the items they were deducted from.

        A credit that was used otherwise meanwhile stays out: what it was to cover is open then, and the payment says
        so.
        """
        lines, missing = self.env['account.move.line'], []
        for item_id, credit_id, amount in self.ar_netting or ():
            item, credit = lines.browse(item_id).exists(), lines.browse(credit_id).exists()
            if self._ar_is_left(item, amount, 1) and self._ar_is_left(credit, amount, -1):
                (item + credit).with_context(ar_cash_limits={item.id: amount, credit.id: amount}).reconcile()
            elif item:
                missing.append(item.move_id.name)
        if missing:
            payment._message_log(body=self.env._(
                "Credits that were deducted from this payment have been used otherwise meanwhile. Look at %s.",
                ", ".join(dict.fromkeys(missing))))

    def _ar_is_left(self, line, amount, sign):
        """Return whether `amount` is open on a posted journal item of the transaction's customer and currency."""
        return bool(
            line and line.parent_state == 'posted' and line.currency_id == self.currency_id
            and line.partner_id.commercial_partner_id == self.partner_id.commercial_partner_id
            and self.currency_id.compare_amounts(sign * line.amount_residual_currency, amount) >= 0)


class AccountPayment(models.Model):
    _inherit = 'account.payment'

    def action_post(self):
        """Override: match the payment of an online transaction item by item, before core matches the rest."""
        result = super().action_post()
        if self.env.context.get('ar_match_items'):
            for payment in self.with_context(ar_match_items=False):
                payment.payment_transaction_id._ar_match(payment)
        return result
