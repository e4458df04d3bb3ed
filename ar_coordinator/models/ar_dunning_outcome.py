"""What a run decided about each item it considered, and why."""
from odoo import api, fields, models

RESULTS = [
    ('sent', "E-mail"),
    ('letter', "Letter to print"),
    ('sms', "SMS"),
    ('call', "Call task"),
    ('held', "Held back"),
    ('skipped', "Not now"),
    ('failed', "Failed"),
]
GOING = ('sent', 'letter', 'sms', 'call')  # the customer is reminded, by whatever means
REASONS = [
    ('due', "Due for this level"),
    # results letter, sms and call: also due, but not by the means its level prefers
    ('no_address', "No e-mail address"),
    ('bounced', "E-mail address bounced"),
    ('blacklisted', "E-mail address is blacklisted"),
    ('no_contact', "Neither e-mail nor postal address"),
    ('no_post', "No postal address"),
    ('no_phone', "No phone number for an SMS"),
    # result skipped
    ('disputed', "Disputed"),
    ('handed_over', "Handed over"),
    ('write_off', "Write-off waits for approval"),
    ('promised', "Promised"),
    ('paused', "Paused"),
    ('no_followup', "Marked no follow-up"),
    ('settled', "Settled meanwhile"),
    ('not_due', "Not due for its next level"),
    ('last_level', "Had the last level"),
    ('no_policy', "Customer has no policy"),
    ('no_customer', "Item without customer"),
    # result held
    ('covered', "Covered by unmatched credit"),
    ('incoming', "Paid by money that waits to be applied"),
    ('quiet', "Contacted recently"),
    ('below_minimum', "Below the minimum amount"),
    ('changed', "Changed since the preview"),
    ('left_out', "Left out by hand"),
    ('bank_stale', "No recent bank data"),
    ('bank_line', "Named by a bank transaction not reconciled yet"),
    ('daily_cap', "Daily cap reached"),
    ('hold', "Customer on hold"),
    ('cancelled', "Letter cancelled"),
    # result failed
    ('error', "Could not be sent"),
]


class ArDunningOutcome(models.Model):
    _name = 'ar.dunning.outcome'
    _description = "Dunning Outcome"
    _order = 'run_id desc, partner_id, date_due, id'
    _rec_name = 'move_line_id'

    run_id = fields.Many2one(
        comodel_name='ar.dunning.run', required=True, index=True, ondelete='cascade', readonly=True)
    company_id = fields.Many2one(
        comodel_name='res.company', compute='_compute_company', store=True, precompute=True, index=True)
    company_currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_company', store=True, precompute=True)
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", index='btree_not_null', ondelete='set null',
        readonly=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index='btree_not_null', ondelete='set null', readonly=True)
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", index=True, readonly=True)
    level_id = fields.Many2one(comodel_name='ar.dunning.level', ondelete='restrict', readonly=True)
    result = fields.Selection(selection=RESULTS, required=True, readonly=True)
    reason = fields.Selection(selection=REASONS, required=True, readonly=True)
    letter_id = fields.Many2one(
        comodel_name='ar.dunning.letter', index='btree_not_null', ondelete='set null', readonly=True)
    letter_state = fields.Selection(related='letter_id.state', string="Letter State")
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    date_due = fields.Date(string="Due Date", readonly=True)
    days_overdue = fields.Integer(readonly=True, aggregator=None)
    amount_open = fields.Monetary(string="Open", readonly=True)
    amount_disputed = fields.Monetary(string="Disputed", readonly=True)
    amount_credit = fields.Monetary(string="Credits", readonly=True, help="Unmatched credit set against this item.")
    amount_asked = fields.Monetary(string="Asked", readonly=True)
    amount_asked_company = fields.Monetary(
        string="Asked (Company Currency)", currency_field='company_currency_id', readonly=True)

    @api.depends('run_id.company_id')
    def _compute_company(self):
        for outcome in self:
            outcome.company_id = outcome.run_id.company_id
            outcome.company_currency_id = outcome.company_id.currency_id
