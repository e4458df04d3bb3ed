"""The peer in credit: `odoo-addon-account-financial-risk` 19.0 (OCA, AGPL-3). See peers.py.

It has a computed field per part of a customer's risk and their total; both kinds of open items count, as with us.
"""
from benchmarks import peers

NAME = 'odoo-addon-account-financial-risk'
MODULES = ('account_financial_risk',)


def fetch(env):
    """Return (addons folder, version), see `peers.fetch`."""
    return peers.fetch(env, NAME, 'peer_credit')


def prepare(env, partners):
    """Let open items count, due or not; drafts don't."""
    env.user.group_ids |= env.ref('account_financial_risk.group_account_financial_risk_manager')
    partners.write({'risk_invoice_open_include': True, 'risk_invoice_unpaid_include': True})


def exposure(partners):
    """Return {customer id: total risk} as its field has it."""
    return {partner.id: partner.risk_total for partner in partners}
