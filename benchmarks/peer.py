"""The peer of the ageing: the aged partner balance of `odoo-addon-account-financial-report` 19.0 (OCA, AGPL-3).

Called through its public wizard and report; see peers.py.
"""
import datetime

from benchmarks import peers

NAME = 'odoo-addon-account-financial-report'
OTHERS = ('odoo-addon-date-range', 'odoo-addon-report-xlsx')  # what it depends on besides Odoo
MODULES = ('account_financial_report',)
REPORT = 'report.account_financial_report.aged_partner_balance'


def fetch(env):
    """Return (addons folder, version), see `peers.fetch`."""
    return peers.fetch(env, NAME, 'peer', OTHERS)


def _wizard(env, day, details):
    accounts = env['account.account'].search([('account_type', '=', 'asset_receivable'), ('non_trade', '=', False)])
    wizard = env['aged.partner.balance.report.wizard'].create({
        'date_at': day or datetime.date.today(), 'account_ids': accounts.ids, 'show_move_line_details': details})
    data = wizard._prepare_report_data()
    return wizard, {**data, 'date_at': str(data['date_at'])}


def aged(env, day):
    """The accounts of the report as of `day`, each with its customers and their amounts."""
    wizard, data = _wizard(env, day, details=False)
    return env[REPORT]._get_report_values(wizard.ids, data)['aged_partner_balance']


def xlsx(env, day):
    """Make the XLSX file of the report with its items."""
    wizard, data = _wizard(env, day, details=True)
    report = env['report.a_f_r.report_aged_partner_balance_xlsx']
    report = report.with_context(active_model=wizard._name, active_ids=wizard.ids)
    content, _extension = report.create_xlsx_report(wizard.ids, data)
    if not content.startswith(b'PK'):
        raise AssertionError("The peer did not return an XLSX file.")
