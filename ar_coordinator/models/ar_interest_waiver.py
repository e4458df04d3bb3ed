"""A claim of late-payment interest that a manager took out of a letter before it left, and why."""
from odoo import fields, models


class ArInterestWaiver(models.Model):
    _name = 'ar.interest.waiver'
    _description = "Waived Late-Payment Interest"
    _order = 'id desc'
    _rec_name = 'reason'

    run_id = fields.Many2one(
        comodel_name='ar.dunning.run', required=True, index=True, ondelete='cascade', readonly=True,
        help="Counts for this run, also when it is previewed again; the next run claims anew.")
    company_id = fields.Many2one(related='run_id.company_id', store=True, index=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', required=True, readonly=True)
    amount = fields.Monetary(string="Waived", readonly=True)
    reason = fields.Char(required=True, readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Waived by", required=True, readonly=True)
    is_merged = fields.Boolean(readonly=True, copy=False, help="Of a customer that was merged into this one.")

    _letter_uniq = models.UniqueIndex(
        "(run_id, partner_id, currency_id) WHERE is_merged IS NOT TRUE", "The claim of this letter was waived already.")
