"""What a write-off that waits for approval means for reminders: its items are left alone until somebody has decided.

Whoever wants to write an item off does not chase the customer for it. Refused or cancelled, the next run takes it up.
"""
from odoo import fields, models
from odoo.exceptions import UserError

from ..engine import dunning


class ArWriteOff(models.Model):
    _inherit = 'ar.write.off'

    def _get_waiting_items(self, company, item_ids):
        """Return the ids, among these, of the items whose write-off waits for approval."""
        # sudo: reminders follow all requests of the company, whoever may see them
        lines = self.env['ar.write.off.line'].sudo().search([
            ('move_line_id', 'in', item_ids), ('request_id.company_id', '=', company.id),
            ('request_id.state', '=', 'requested'), ('request_id.kind', '!=', 'refund')])
        return set(lines.move_line_id.ids)


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _get_stops(self, rows):
        """Override: items whose write-off waits for approval are left alone."""
        stops = super()._get_stops(rows)
        for item_id in self.env['ar.write.off']._get_waiting_items(self.company_id, [row['id'] for row in rows]):
            stops.setdefault(item_id, {})[dunning.WRITE_OFF] = True
        return stops


class ArLeftAlone(models.Model):
    _inherit = 'ar.left.alone'

    kind = fields.Selection(selection_add=[('write_off', "Write-off asked for")])
    write_off_id = fields.Many2one(comodel_name='ar.write.off', string="Write-Off", readonly=True)

    def _get_reason(self):
        """Override: the request's reason."""
        if self.write_off_id:
            return self.env._("Write-off waits for approval: %s", self.write_off_id.reason)
        return super()._get_reason()

    def _get_record(self):
        """Override: the request."""
        return self.write_off_id or super()._get_record()

    def action_end(self):
        """Override: a request ends with its decision.

        :raise UserError: for the items of one
        """
        if requests := self.write_off_id:
            raise UserError(self.env._(
                "%s: approve, refuse or cancel the request, then reminders go on.",
                ", ".join(requests.mapped('name'))))
        return super().action_end()
