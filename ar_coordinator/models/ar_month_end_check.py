"""What has to be in order at a month end, as it was when the pack was made; a note may be added until it is locked."""
from odoo import api, fields, models
from odoo.exceptions import AccessError


class ArMonthEndCheck(models.Model):
    _name = 'ar.month.end.check'
    _description = "Check of a Month End"
    _inherit = ['ar.guard']
    _order = 'pack_id, id'

    pack_id = fields.Many2one(comodel_name='ar.month.end.pack', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='pack_id.company_id', store=True, index=True)
    name = fields.Char(string="Check", required=True, readonly=True)
    amount = fields.Float(string="Amount or Number", readonly=True, digits=(16, 2))
    is_ok = fields.Boolean(string="In Order", readonly=True)
    note = fields.Char(help="What was found out about it, for the auditor.")

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("Checks are made with the pack."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and set(vals) - {'note'}:
            raise AccessError(self.env._("Checks are made with the pack; a note may be added."))
        self.pack_id._check_open()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_made_again(self):
        if not self.env.su:
            raise AccessError(self.env._("Checks are made with the pack; a note may be added."))
        self.pack_id._check_open()
