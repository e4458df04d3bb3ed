"""Payments of refunds: what was approved is paid, once, and only what is still there."""
from odoo import models
from odoo.exceptions import UserError

REFUND_FIELDS = {'state', 'amount', 'currency_id', 'partner_id', 'payment_type', 'partner_type'}


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
