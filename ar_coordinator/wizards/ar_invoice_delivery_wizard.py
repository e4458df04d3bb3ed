"""The dialog that notes down how invoices were delivered without Odoo."""
from odoo import api, fields, models

from ..models.ar_invoice_delivery import KINDS, OPENED


class ArInvoiceDeliveryWizard(models.TransientModel):
    _name = 'ar.invoice.delivery.wizard'
    _description = "Delivered Otherwise"

    move_ids = fields.Many2many(comodel_name='account.move', string="Invoices", required=True)
    move_count = fields.Integer(string="Number of Invoices", compute='_compute_move_count')
    kind = fields.Selection(
        selection=[kind for kind in KINDS if kind[0] not in OPENED], string="How", required=True, default='hand')
    date = fields.Date(string="Delivered on", required=True, default=lambda self: self.env.company._ar_today())
    note = fields.Char()

    @api.depends('move_ids')
    def _compute_move_count(self):
        for wizard in self:
            wizard.move_count = len(wizard.move_ids)

    def action_confirm(self):
        """Note it down.

        :raise AccessError, UserError: see `ar.invoice.delivery._note_delivered`
        """
        self.ensure_one()
        self.env['ar.invoice.delivery']._note_delivered(self.move_ids, self.kind, self.date, self.note)
        return {'type': 'ir.actions.act_window_close'}
