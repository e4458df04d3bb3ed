"""What an invoice knows about its receivable: disputes. Nothing stored here (see docs: write storms)."""
from odoo import api, fields, models


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_dispute_ids = fields.One2many(
        comodel_name='ar.dispute', inverse_name='move_id', string="Disputes", groups='ar_coordinator.group_ar_base')
    ar_disputed_amount = fields.Monetary(
        string="Disputed", compute='_compute_ar_disputed_amount',
        groups='ar_coordinator.group_ar_base',
        help="Open disputes on this invoice, at most what is still unpaid, in the invoice's currency.")

    @api.depends('ar_dispute_ids.amount_held', 'ar_dispute_ids.date_closed', 'amount_residual')
    def _compute_ar_disputed_amount(self):
        totals = dict(self.env['ar.dispute']._read_group(
            [('move_id', 'in', self.ids), ('is_open', '=', True)], ['move_id'], ['amount_held:sum']))
        for move in self:
            move.ar_disputed_amount = min(totals.get(move._origin, 0.0), move.amount_residual)
