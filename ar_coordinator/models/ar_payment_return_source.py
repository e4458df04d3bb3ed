"""Where returned payments are entered from, and who sees them: credit rules, worklist, timeline."""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from ..engine import worklist
from .ar_payment_return import NOT_THE_CUSTOMER

GUESS_DAYS = 120  # a payment that comes back was made within so many days
WORKLIST_DAYS = 30


class AccountPayment(models.Model):
    _inherit = 'account.payment'

    ar_return_ids = fields.One2many(comodel_name='ar.payment.return', inverse_name='payment_id', string="Returns")

    def action_ar_return(self):
        """Enter that this payment came back."""
        self.ensure_one()
        return self.env['ar.payment.return']._open({'default_payment_id': self.id})


class AccountBankStatementLine(models.Model):
    _inherit = 'account.bank.statement.line'

    def action_ar_return(self):
        """Enter that the money of this transaction came back, or that this transaction took it back.

        :raise UserError: for a transaction that is neither booked on a customer, nor an open one that takes money
        """
        self.ensure_one()
        if self.amount > 0 and self.is_reconciled:
            return self.env['ar.payment.return']._open({'default_statement_line_id': self.id})
        if self.amount < 0 and not self.is_reconciled:
            payments = self.env['account.payment'].search([
                ('company_id', '=', self.company_id.id), ('payment_type', '=', 'inbound'),
                ('partner_type', '=', 'customer'), ('state', 'in', ('in_process', 'paid')),
                ('currency_id', '=', (self.foreign_currency_id or self.currency_id).id),
                ('amount', '=', abs(self.amount_currency if self.foreign_currency_id else self.amount)),
                ('date', '<=', self.date), ('date', '>=', self.date - timedelta(days=GUESS_DAYS))], limit=2)
            return self.env['ar.payment.return']._open({
                'default_return_line_id': self.id, 'default_date': self.date, 'default_reason': 'funds',
                **({'default_payment_id': payments.id} if len(payments) == 1 else {})})
        raise UserError(self.env._(
            "%s: money comes back of a transaction that is booked on a customer, or is taken by an open one.",
            self.display_name))


class AccountMove(models.Model):
    _inherit = 'account.move'

    def action_ar_return(self):
        """Enter that the payment or the bank transaction of this entry came back."""
        self.ensure_one()
        return (self.origin_payment_id or self.statement_line_id).action_ar_return()


class ArCreditRule(models.Model):
    _inherit = 'ar.credit.rule'

    def _get_returned_payments(self, customers, company):
        """Override: what was entered as returned counts from its day, once; mistakes of the bank do not count."""
        days = super()._get_returned_payments(customers, company)
        for record in self.env['ar.payment.return'].search_fetch([
                ('company_id', '=', company.id), ('partner_id', 'in', customers.ids), ('state', '=', 'confirmed'),
                ('reason', 'not in', NOT_THE_CUSTOMER)], ['partner_id', 'date']):
            days.setdefault(record.partner_id.id, []).append(record.date)
        return days


class ArWorklist(models.AbstractModel):
    _inherit = 'ar.worklist'

    def _get_events(self, companies, rules):
        """Override: payments that came back lately; contacts since then are compared by engine/worklist.py."""
        events = super()._get_events(companies, rules)
        since = self.env.company._ar_today() - timedelta(days=WORKLIST_DAYS)
        for record in self.env['ar.payment.return'].search_fetch([
                ('company_id', 'in', companies.ids), ('state', '=', 'confirmed'), ('date', '>=', since),
                ('partner_id', '!=', False)], ['partner_id', 'company_id', 'date'], order='date, id'):
            events[record.partner_id.id, record.company_id.id].update(returned_on=record.date, payment_return=record)
        return events

    def _get_reason(self, kind, own, event, money):
        """Override: which payment came back, and why."""
        if kind != worklist.RETURNED:
            return super()._get_reason(kind, own, event, money)
        record = event['payment_return']
        return self.env._(
            "Payment of %(amount)s returned on %(day)s: %(reason)s", amount=record.currency_id.format(record.amount),
            day=format_date(self.env, record.date),
            reason=dict(record._fields['reason']._description_selection(self.env))[record.reason])


class ArCustomerSheet(models.AbstractModel):
    _inherit = 'ar.customer.sheet'

    @api.model
    def _get_timeline_kinds(self):
        """Override: payments that came back."""
        return {**super()._get_timeline_kinds(), 'return': (self.env._("Returned Payments"), 'fa-undo')}

    def _timeline_return(self, partner, company, limit):
        records = self.env['ar.payment.return'].search(
            self._own(partner, company) & Domain('state', '=', 'confirmed'), limit=limit)
        return [self._entry(
            'return', record, record.date, self.env._("Payment returned"), self._state(record, 'reason'),
            record.amount, record.currency_id) for record in records]
