"""Why customers dispute invoices: the root causes a desk counts and sends to their owners."""
from odoo import fields, models


class ArDisputeReason(models.Model):
    _name = 'ar.dispute.reason'
    _description = "Dispute Reason"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help="Short key for imports and integrations.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    root_cause = fields.Selection(
        selection=[
            ('pricing', "Pricing"),
            ('logistics', "Logistics"),
            ('quality', "Quality"),
            ('billing', "Billing"),
            ('customer', "Customer"),
            ('unknown', "Unknown"),
        ],
        required=True,
        default='unknown',
    )
    is_our_fault = fields.Boolean(
        string="Our Fault", help="The disputed part is our problem to solve, not a credit risk of the customer.")
    sla_days = fields.Integer(
        string="Days to Resolve", default=10, help="Default deadline of a dispute: days after it was opened.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Default Owner", domain=[('share', '=', False)])

    _code_uniq = models.Constraint('UNIQUE (code)', "A dispute reason with this code exists already.")
