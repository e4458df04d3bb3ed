"""The peer in cash application: `odoo-addon-account-reconcile-oca` 19.0 (OCA, AGPL-3). See peers.py.

Its automatic matching of bank transactions, in the two steps it takes when transactions are imported: who paid, then
which item. Odoo 19 has no reconciliation models that match invoices (those with the trigger `auto_reconcile` post the
whole amount to an account of their own), so there is none to set up: matching invoices is built in.
"""
from benchmarks import peers

NAME = 'odoo-addon-account-reconcile-oca'
OTHERS = ('odoo-addon-account-statement-base',)  # what it depends on besides Odoo
MODULES = ('account_reconcile_oca',)


def fetch(env):
    """Return (addons folder, version), see `peers.fetch`."""
    return peers.fetch(env, NAME, 'peer_cash', OTHERS)


def apply(transactions):
    """Find the customers of bank transactions and reconcile those that it is able to.

    :return: {id of a bank transaction that was reconciled: ids of the journal items it was matched with}
    """
    transactions.env.user.group_ids |= transactions.env.ref('account.group_account_basic')  # its access rows ask for it
    transactions._retrieve_partner()
    transactions._auto_reconcile()
    transactions.env.flush_all()
    found = {}
    for line in transactions.filtered('is_reconciled'):
        own = line.move_id.line_ids
        partials = own.matched_debit_ids | own.matched_credit_ids
        found[line.id] = set(((partials.debit_move_id | partials.credit_move_id) - own).ids)
    return found
