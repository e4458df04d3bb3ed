"""Files of month-end packs are made and replaced by the pack alone."""
from odoo import api, models
from odoo.exceptions import UserError


class IrAttachment(models.Model):
    _inherit = 'ir.attachment'

    def write(self, vals):
        """Override: the files of a month-end pack are written by it alone."""
        self._check_month_end_files()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_month_end_files(self):
        self._check_month_end_files()

    def _check_month_end_files(self):
        """:raise UserError: when one is a file of a pack; jobs and the pack itself (sudo) pass"""
        if self.env.su:
            return
        files = self.filtered(lambda attachment: attachment.res_model == 'ar.month.end.pack')
        # sudo: whether it is one of the two files; another attachment on the pack is its owner's
        packs = files and self.env['ar.month.end.pack'].sudo().search([
            '|', ('xlsx_id', 'in', files.ids), ('pdf_id', 'in', files.ids)], limit=1)
        if packs:
            raise UserError(self.env._("This file belongs to %s and stays as it was made.", packs.name))
