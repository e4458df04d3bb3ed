"""Invoices under credit control: posting is checked in the model, if the company wants it."""
from odoo import api, models

from ..engine import credit
from .ar_credit_hold import CreditRequest
from .ar_guard import without_defaults


class AccountMove(models.Model):
    _name = 'account.move'
    _inherit = ['account.move', 'ar.credit.mixin']

    def _ar_get_credit_request(self):
        """Override: a draft customer invoice of a company that checks postings; credit notes lower the exposure."""
        self.ensure_one()
        if self.state != 'draft' or self.move_type not in ('out_invoice', 'out_receipt') or not self.partner_id:
            return super()._ar_get_credit_request()
        company = self.company_id
        if not company.ar_credit_check_posting:
            return None
        # in company currency already, by the invoice's own rate: nothing is converted a second time
        return CreditRequest(
            self, self.partner_id, company, self._ar_get_size(), company.currency_id, credit.POSTING,
            counted=self._ar_get_counted_amount())

    def _ar_get_size(self):
        """Return what the customer will owe by this, in company currency: what the lines come to, not a total that
        somebody wrote (RPC).
        """
        self.ensure_one()
        items = self.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        return self.company_id.currency_id.round(sum(items.mapped('balance'))) if items else self.amount_total_signed

    def _ar_get_credit_domain(self):
        """Override: drafts of companies that check postings."""
        return [
            ('state', '=', 'draft'), ('move_type', 'in', ('out_invoice', 'out_receipt')),
            ('company_id.ar_credit_check_posting', '=', True)]

    def _ar_get_counted_amount(self):
        """Hook: return how much of this draft the exposure has already, in company currency."""
        self.ensure_one()
        return self._ar_get_size() if self.company_id.ar_credit_include_drafts and self._origin.id else 0.0

    @api.model_create_multi
    def create(self, vals_list):
        """Override: nobody makes a posted entry with a default of the context, which core does not look at."""
        return super(AccountMove, without_defaults(self, {'state'})).create(vals_list)

    def write(self, vals):
        """Override: whichever way an invoice gets posted, this is where its state changes."""
        if vals.get('state') == 'posted':
            self._ar_check_credit()
        result = super().write(vals)
        if 'state' in vals:
            self.env['ar.credit.queue']._touch('account.move', self.ids)
        return result

    def _build_credit_warning_message(
            self, record, current_amount=0.0, exclude_current=False, exclude_amount=0.0):
        """Override: core's banner on invoices and orders, by the mode and the exposure that holds are judged by."""
        # sudo: who writes the document may be warned; company: the document's, not the user's
        customer = record.sudo().partner_id.commercial_partner_id.with_company(record.company_id)
        exposure = self.env['ar.ledger'].sudo().with_company(record.company_id).exposure(
            customer, record.company_id)
        limit = customer._ar_get_limits(record.company_id, exposure).get(customer.id)
        if not limit or limit.mode == credit.UNLIMITED:
            return ""
        company_currency = record.company_id.currency_id
        total = company_currency.round(limit.exposure + current_amount - exclude_amount)
        facts = credit.Facts(mode=limit.mode, limit=limit.amount, exposure=total)
        if limit.mode == credit.NO_CREDIT:
            decisions = credit.decide(facts, [credit.Rule(0, 'without_credit')])
        else:
            decisions = credit.decide(facts, [credit.Rule(0, 'over_limit')])
        if not decisions:
            return ""
        return self.env._(
            "%(customer)s: %(reason)s.", customer=customer.name,
            reason=self.env['ar.credit.rule']._describe(decisions[0], record.company_id))
