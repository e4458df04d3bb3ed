"""Index for balances as of a past date: which matchings happened after it."""
from odoo import models


class AccountPartialReconcile(models.Model):
    _inherit = 'account.partial.reconcile'

    # Core has no index on max_date; a report as of D undoes the partials with max_date > D.
    _ar_max_date_idx = models.Index("(max_date)")
