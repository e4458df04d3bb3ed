"""A ladder of reminders: which levels there are, and when an open item reaches each."""
from odoo import fields, models

from ..engine import dunning


class ArDunningPolicy(models.Model):
    _name = 'ar.dunning.policy'
    _description = "Dunning Policy"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, help="Leave empty to share the policy with all companies.")
    level_ids = fields.One2many(comodel_name='ar.dunning.level', inverse_name='policy_id', string="Levels", copy=True)
    note = fields.Text(string="Internal Note")

    def _engine_levels(self):
        """Return {policy id: tuple of engine levels in the order an item climbs them}."""
        levels = dict.fromkeys(self.ids, ())
        for level in self.env['ar.dunning.level'].search([('policy_id', 'in', self.ids)]):
            levels[level.policy_id.id] += (dunning.Level(level.id, level.delay_days),)
        return levels
