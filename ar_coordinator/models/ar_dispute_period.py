"""Earlier rounds of a dispute that was taken up again: what was held, from when until when.

Reports as of a past day read them, so that taking a dispute up again changes no figure of the past.
"""
from odoo import fields, models


class ArDisputePeriod(models.Model):
    _name = 'ar.dispute.period'
    _description = "Earlier Round of a Dispute"
    _order = 'date_closed, id'
    _rec_name = 'dispute_id'

    dispute_id = fields.Many2one(
        comodel_name='ar.dispute', required=True, index=True, ondelete='cascade', readonly=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index='btree_not_null', ondelete='restrict', readonly=True)
    company_id = fields.Many2one(related='dispute_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='dispute_id.currency_id')
    date_held = fields.Date(string="From", required=True, readonly=True)
    date_closed = fields.Date(string="Until", required=True, readonly=True)
    amount = fields.Monetary(string="Disputed", readonly=True)
    amount_held = fields.Monetary(string="Held Amount", readonly=True)
    state = fields.Selection(
        selection=[
            ('rejected', "Rejected"),
            ('withdrawn', "Withdrawn"),
            ('closed', "Closed"),
        ],
        string="Ended as", readonly=True)
    outcome_note = fields.Text(string="Answer", readonly=True)
