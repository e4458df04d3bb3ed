"""The peer in statements: `odoo-addon-partner-statement` 19.0 (OCA, AGPL-3). See peers.py.

Its outstanding statement, all customers in one call, as its wizard asks for it.
"""
from benchmarks import peers

NAME = 'odoo-addon-partner-statement'
OTHERS = ('odoo-addon-report-xlsx', 'odoo-addon-report-xlsx-helper')  # what it depends on besides Odoo
MODULES = ('partner_statement',)
REPORT = 'partner_statement.outstanding_statement'


def fetch(env):
    """Return (addons folder, version), see `peers.fetch`."""
    return peers.fetch(env, NAME, 'peer_statement', OTHERS)


def _options(partners):
    """What the wizard hands to the report."""
    wizard = partners.env['outstanding.statement.wizard'].with_context(active_ids=partners.ids)
    return wizard.create({'filter_partners_non_due': False, 'filter_negative_balances': False})._prepare_statement()


def data(partners):
    """Return {customer id: {currency id: amount due}}."""
    values = partners.env[f'report.{REPORT}']._get_report_values(partners.ids, _options(partners))
    return {
        partner_id: {currency_id: own['amount_due'] for currency_id, own in statement['currencies'].items()}
        for partner_id, statement in values['data'].items()}


def html(partners):
    """Render the statements into the page that is printed."""
    content, _type = partners.env['ir.actions.report']._render_qweb_html(REPORT, partners.ids, _options(partners))
    return content
