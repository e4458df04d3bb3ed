"""Index for matchings with entries that are not posted (see ar.ledger)."""
from odoo import models

# An item of a draft entry that is matched all the same: what is left of it is not what it was. `matching_number` would
# say so too, but core leaves it empty on some of them.
UNPOSTED_MATCHED = """parent_state != 'posted' AND (
    reconciled
    OR (amount_residual != balance AND amount_residual != 0)
    OR (amount_residual_currency != amount_currency AND amount_residual_currency != 0))"""


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    _ar_unposted_matched_idx = models.Index(f"(id) WHERE {UNPOSTED_MATCHED}")  # tiny: hardly ever more than a few items
