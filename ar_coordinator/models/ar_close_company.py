"""Settings of a company for its month end: write-off accounts; accounts and journal of the provision."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

PROVISION_ACCOUNTS = ('ar_provision_expense_account_id', 'ar_provision_allowance_account_id')


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_write_off_account_ids = fields.Many2many(
        comodel_name='account.account', relation='ar_write_off_account_rel', column1='company_id', column2='account_id',
        string="Further Write-Off Accounts",
        help="Entries against these accounts are write-offs in the roll-forward, too; expense accounts and those of "
             "write-offs and small balances always are.")
    ar_provision_expense_account_id = fields.Many2one(
        comodel_name='account.account', string="Provision Expense Account", check_company=True,
        domain="[('account_type', 'in', ('expense', 'expense_other'))]",
        help="Where additions to the provision for expected credit losses are booked, and what is released.")
    ar_provision_allowance_account_id = fields.Many2one(
        comodel_name='account.account', string="Allowance Account", check_company=True,
        domain="[('account_type', 'not in', ('asset_receivable', 'liability_payable', 'off_balance'))]",
        help="The balance sheet account of the provision, deducted from receivables; no receivable account itself.")
    ar_provision_journal_id = fields.Many2one(
        comodel_name='account.journal', string="Provision Journal", check_company=True,
        domain="[('type', '=', 'general')]", help="Empty: the first journal for miscellaneous entries.")

    ar_provision_rate_handed_over = fields.Float(
        string="Rate for Customers Handed Over (%)", digits=(5, 2), default=100.0,
        help="Proposed for customers handed over to an agency or lawyers.")
    ar_provision_rate_disputed = fields.Float(
        string="Rate for Disputing Customers (%)", digits=(5, 2), default=50.0,
        help="Proposed for customers who dispute at least half of what they owe.")

    @api.constrains('ar_provision_rate_handed_over', 'ar_provision_rate_disputed')
    def _check_ar_provision_rates(self):
        for company in self:
            for rate in (company.ar_provision_rate_handed_over, company.ar_provision_rate_disputed):
                if not 0 <= rate <= 100:
                    raise ValidationError(self.env._(
                        "%(company)s: rates of individual provisions are between 0 and 100 %%, not %(rate)s.",
                        company=company.name, rate=rate))

    @api.constrains('ar_provision_allowance_account_id')
    def _check_ar_allowance_account(self):
        for company in self:
            account = company.ar_provision_allowance_account_id
            if account.account_type in ('asset_receivable', 'liability_payable'):
                raise ValidationError(self.env._(
                    "%(company)s: the provision cannot be booked on %(account)s, which is a receivable or payable "
                    "account. Choose an account of its own, so that open items stay untouched.",
                    company=company.name, account=account.display_name))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_write_off_account_ids = fields.Many2many(related='company_id.ar_write_off_account_ids', readonly=False)
    ar_provision_expense_account_id = fields.Many2one(
        related='company_id.ar_provision_expense_account_id', readonly=False)
    ar_provision_allowance_account_id = fields.Many2one(
        related='company_id.ar_provision_allowance_account_id', readonly=False)
    ar_provision_rate_handed_over = fields.Float(related='company_id.ar_provision_rate_handed_over', readonly=False)
    ar_provision_rate_disputed = fields.Float(related='company_id.ar_provision_rate_disputed', readonly=False)
    ar_provision_journal_id = fields.Many2one(related='company_id.ar_provision_journal_id', readonly=False)
