"""Asks why a hold is lifted or a release is decided; the records do the rest, and check who may."""
from odoo import fields, models


class ArCreditReasonWizard(models.TransientModel):
    _name = 'ar.credit.reason.wizard'
    _description = "Reason of a Credit Decision"

    hold_ids = fields.Many2many(comodel_name='ar.credit.hold', string="Holds")
    release_ids = fields.Many2many(comodel_name='ar.credit.release', string="Releases")
    decision = fields.Selection(
        selection=[('lift', "Lift"), ('approve', "Approve"), ('refuse', "Refuse")], required=True, readonly=True)
    reason = fields.Char(required=True)

    def action_lift(self):
        """Lift the holds; see `ar.credit.hold.action_lift`."""
        self.ensure_one()
        self.hold_ids.action_lift(self.reason)
        return {'type': 'ir.actions.act_window_close'}

    def action_approve(self):
        """Approve the releases; see `ar.credit.release.action_approve`."""
        self.ensure_one()
        self.release_ids.action_approve(self.reason)
        return {'type': 'ir.actions.act_window_close'}

    def action_refuse(self):
        """Refuse the releases; see `ar.credit.release.action_refuse`."""
        self.ensure_one()
        self.release_ids.action_refuse(self.reason)
        return {'type': 'ir.actions.act_window_close'}
