"""Index for matchings with entries that are not posted (see ar.ledger)."""
from odoo import models


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    # Tiny: only unposted items that are matched all the same.
    _ar_unposted_matched_idx = models.Index(
        "(id) WHERE parent_state != 'posted' AND matching_number IS NOT NULL")
