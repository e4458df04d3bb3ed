"""Settings of the till: deposits on their way to the bank, returned payments; and which days are closed."""
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_deposit_account_id = fields.Many2one(
        comodel_name='account.account', string="Deposits in Transit", ondelete='set null',
        domain="[('reconcile', '=', True), ('account_type', 'in', ('asset_current', 'asset_cash'))]",
        help="Where a deposit is until the bank has it. Empty: on the account of outstanding receipts.")
    ar_return_fee = fields.Monetary(
        string="Fee for Returned Payments", help="Proposed to be charged to the customer. Zero: nothing is.")
    ar_return_fee_product_id = fields.Many2one(
        comodel_name='product.product', string="Product of the Fee", ondelete='set null',
        help="Its income account and taxes are those of the fee.")
    ar_return_cost_account_id = fields.Many2one(
        comodel_name='account.account', string="Account for the Bank's Charges", ondelete='set null',
        domain="[('account_type', 'in', ('expense', 'expense_other', 'expense_direct_cost'))]",
        help="What the bank charges the company for a returned payment. Empty: the account for bank fees.")

    @api.constrains('ar_return_fee')
    def _check_ar_return_fee(self):
        for company in self:
            if company.ar_return_fee < 0:
                raise ValidationError(self.env._(
                    "%s: the fee for returned payments cannot be negative.", company.name))

    def _ar_check_open_period(self, day, journal, name):
        """Refuse to book on a closed day. Odoo would move the entry to another day, or say less.

        :param day: date
        :param journal: account.journal
        :param str name: what is to be booked, for the message
        :raise UserError: when a lock date of the company covers the day
        """
        self.ensure_one()
        locks = self._get_violated_lock_dates(day, False, journal)
        if locks:
            raise UserError(self.env._(
                "%(name)s: %(day)s is in a period that is closed (%(locks)s). Take a later date, or ask an accountant.",
                name=name, day=format_date(self.env, day), locks=self._format_lock_dates(locks)))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_deposit_account_id = fields.Many2one(related='company_id.ar_deposit_account_id', readonly=False)
    ar_return_fee = fields.Monetary(
        related='company_id.ar_return_fee', readonly=False, currency_field='currency_id')
    ar_return_fee_product_id = fields.Many2one(related='company_id.ar_return_fee_product_id', readonly=False)
    ar_return_cost_account_id = fields.Many2one(related='company_id.ar_return_cost_account_id', readonly=False)
