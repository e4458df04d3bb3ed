"""What a letter asked for, item by item, frozen; and the guarantee that no item gets the same level twice."""
from odoo import fields, models


class ArDunningLetterLine(models.Model):
    _name = 'ar.dunning.letter.line'
    _description = "Dunning Letter Item"
    _order = 'letter_id desc, date_due, id'

    letter_id = fields.Many2one(
        comodel_name='ar.dunning.letter', required=True, index=True, ondelete='cascade', readonly=True)
    company_id = fields.Many2one(related='letter_id.company_id', store=True, precompute=True, index=True)
    partner_id = fields.Many2one(related='letter_id.partner_id', store=True, precompute=True)
    state = fields.Selection(related='letter_id.state', store=True, precompute=True)
    date = fields.Date(related='letter_id.date', store=True, precompute=True)
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", index='btree_not_null', ondelete='set null',
        readonly=True,
        help="Empty when the invoice was reset to draft and got new items: the history stays with the invoice.")
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index='btree_not_null', ondelete='set null', readonly=True)
    level_id = fields.Many2one(
        comodel_name='ar.dunning.level', required=True, index=True, ondelete='restrict', readonly=True)
    name = fields.Char(string="Number", readonly=True)
    date_invoice = fields.Date(string="Invoice Date", readonly=True)
    date_due = fields.Date(string="Due Date", readonly=True)
    days_overdue = fields.Integer(readonly=True, aggregator=None)
    currency_id = fields.Many2one(related='letter_id.currency_id', store=True, precompute=True)
    amount_original = fields.Monetary(string="Original", readonly=True)
    amount_open = fields.Monetary(string="Open", readonly=True)
    amount_disputed = fields.Monetary(string="Disputed", readonly=True)
    amount_credit = fields.Monetary(string="Credits", readonly=True, help="Unmatched credit set against this item.")
    amount_asked = fields.Monetary(string="Asked", readonly=True)

    email_to = fields.Char(related='letter_id.email_to')
    user_id = fields.Many2one(related='letter_id.user_id', string="Sent by")

    # The promise that matters most is kept by the database: whoever calls, an item gets a level once.
    _item_level_uniq = models.UniqueIndex(
        "(move_line_id, level_id) WHERE state IN ('queued', 'sent')",
        "An open item cannot be sent the same dunning level twice.")

    def action_open_letter(self):
        """Open the letter as it was sent."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'name': self.letter_id.name, 'res_model': 'ar.dunning.letter',
            'res_id': self.letter_id.id, 'views': [(False, 'form')]}
