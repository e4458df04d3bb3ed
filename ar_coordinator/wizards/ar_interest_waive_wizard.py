"""Asks a manager why late-payment interest is waived; the letter does the rest."""
from odoo import fields, models


class ArInterestWaiveWizard(models.TransientModel):
    _name = 'ar.interest.waive.wizard'
    _description = "Waive Late-Payment Interest"

    letter_ids = fields.Many2many(comodel_name='ar.dunning.letter', string="Letters", required=True)
    reason = fields.Char(required=True)

    def action_waive(self):
        """Waive the claims of the letters; see `ar.dunning.letter.waive_claim`."""
        self.ensure_one()
        self.letter_ids.waive_claim(self.reason)
        return {'type': 'ir.actions.act_window_close'}
