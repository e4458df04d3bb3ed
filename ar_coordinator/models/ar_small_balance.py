"""Small open amounts, past their due date and not disputed: suggestions to clean up. A view, nothing is stored."""
from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _small_balances_query(self):
        """SQL of the open items whose amount, in company currency, is at most their company's limit."""
        opts = self._read_options({})
        self.env['res.company'].flush_model(['ar_small_balance_limit', 'ar_small_balance_days'])
        return SQL(
            """%(with)s
            SELECT item.line_id AS id, item.line_id AS move_line_id, item.move_id, item.partner_id, item.company_id,
                   item.currency_id, item.company_currency_id, item.age_date AS date_due,
                   item.residual_currency AS amount_open, item.residual AS amount_company
              FROM item
              JOIN res_company company ON company.id = item.company_id
         LEFT JOIN disputed ON disputed.line_id = item.line_id
             WHERE disputed.line_id IS NULL AND item.partner_id IS NOT NULL AND item.residual_currency != 0
                   AND item.draft_matched = 0
                   AND ABS(item.residual) <= COALESCE(company.ar_small_balance_limit, 0)
                   AND %(day)s - item.age_date >= COALESCE(company.ar_small_balance_days, 0)""",
            **{'with': self._items_with(opts)}, day=opts['as_of'])


class ArSmallBalance(models.Model):
    _name = 'ar.small.balance'
    _description = "Small Balance"
    _auto = False
    _order = 'partner_id, date_due, id'
    _rec_name = 'move_id'

    move_line_id = fields.Many2one(comodel_name='account.move.line', string="Open Item", readonly=True)
    move_id = fields.Many2one(comodel_name='account.move', string="Document", readonly=True)
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    company_currency_id = fields.Many2one(
        comodel_name='res.currency', readonly=True)
    date_due = fields.Date(string="Due Date", readonly=True)
    amount_open = fields.Monetary(string="Open", readonly=True, help="Credits are negative.")
    amount_company = fields.Monetary(
        string="In Company Currency", currency_field='company_currency_id', readonly=True)

    @property
    def _table_query(self):
        return self.env['ar.ledger']._small_balances_query()

    def action_clean_up(self):
        """Write these off: a request per customer, company and currency, done at once within the user's limit.

        :return: action that shows the requests
        :raise AccessError: unless the user works the desk
        :raise UserError: when nothing was chosen
        """
        if not self:
            raise UserError(self.env._("Choose what to write off."))
        requests = self.env['ar.write.off'].create([{
            'company_id': company.id, 'partner_id': partner.id, 'currency_id': currency.id, 'kind': 'small',
            'cause': 'rounding', 'reason': self.env._("Small balance"),
            'line_ids': [Command.create({'move_line_id': row.move_line_id.id}) for row in rows],
        } for (company, partner, currency), rows in self.grouped(
            lambda row: (row.company_id, row.partner_id, row.currency_id)).items()])
        requests.action_submit()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_write_off_action')
        return {**action, 'domain': [('id', 'in', requests.ids)], 'context': {}}


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_write_off_account_id = fields.Many2one(
        comodel_name='account.account', string="Bad Debts", check_company=True,
        domain="[('account_type', 'in', ('expense', 'expense_other'))]",
        help="Expense account of write-offs.")
    ar_small_balance_account_id = fields.Many2one(
        comodel_name='account.account', string="Small Losses", check_company=True,
        domain="[('account_type', 'in', ('expense', 'expense_other', 'income_other'))]",
        help="Empty: the account of bad debts.")
    ar_small_balance_gain_account_id = fields.Many2one(
        comodel_name='account.account', string="Small Gains", check_company=True,
        domain="[('account_type', 'in', ('income', 'income_other', 'expense', 'expense_other'))]",
        help="Of small credits nobody asks for. Empty: the account of small losses.")
    ar_write_off_journal_id = fields.Many2one(
        comodel_name='account.journal', string="Write-Off Journal", check_company=True,
        domain="[('type', '=', 'general')]", help="Empty: the first journal for miscellaneous entries.")
    ar_write_off_tax_relief = fields.Boolean(
        string="Take the Tax Back", help="Proposed for write-offs: the invoices' tax is taken back with them.")
    ar_write_off_limit_user = fields.Monetary(
        string="Users Without Approval", help="Per customer and year, in company currency. 0: always with approval.")
    ar_write_off_limit_manager = fields.Monetary(
        string="Managers Without Approval", help="Per customer and year. 0: always with another manager's approval.")
    ar_small_balance_limit = fields.Monetary(
        string="Small Balances up to", default=5.0, help="Open items up to this amount are proposed to be cleaned up.")
    ar_small_balance_days = fields.Integer(
        string="After (Days)", default=30, help="So many days after their due date.")

    def write(self, vals):
        """Override: accounts of write-offs are write-off accounts in the roll-forward."""
        result = super().write(vals)
        names = {'ar_write_off_account_id', 'ar_small_balance_account_id', 'ar_small_balance_gain_account_id'}
        for name in names & set(vals):
            for company in self.filtered(name):
                company.ar_write_off_account_ids = [Command.link(company[name].id)]
        return result


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_write_off_account_id = fields.Many2one(related='company_id.ar_write_off_account_id', readonly=False)
    ar_small_balance_account_id = fields.Many2one(related='company_id.ar_small_balance_account_id', readonly=False)
    ar_small_balance_gain_account_id = fields.Many2one(
        related='company_id.ar_small_balance_gain_account_id', readonly=False)
    ar_write_off_journal_id = fields.Many2one(related='company_id.ar_write_off_journal_id', readonly=False)
    ar_write_off_tax_relief = fields.Boolean(related='company_id.ar_write_off_tax_relief', readonly=False)
    ar_write_off_limit_user = fields.Monetary(related='company_id.ar_write_off_limit_user', readonly=False)
    ar_write_off_limit_manager = fields.Monetary(related='company_id.ar_write_off_limit_manager', readonly=False)
    ar_small_balance_limit = fields.Monetary(related='company_id.ar_small_balance_limit', readonly=False)
    ar_small_balance_days = fields.Integer(related='company_id.ar_small_balance_days', readonly=False)
