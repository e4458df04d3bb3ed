"""Salespeople who may see the receivables of their own customers: the company's setting, and the menu it opens.

What they see is decided in `ar.ledger._read_scope` and `_lines`, not here.
"""
from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_own_customers = fields.Boolean(
        string="Salespeople See Their Customers' Receivables",
        help="Users with the role Own Customers see the aged receivables of the customers whose salesperson they are.")

    def write(self, vals):
        """Override: the setting shows or hides a menu."""
        result = super().write(vals)
        if 'ar_own_customers' in vals:
            self.env.registry.clear_cache()
        return result


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_own_customers = fields.Boolean(related='company_id.ar_own_customers', readonly=False)


class IrUiMenu(models.Model):
    _inherit = 'ir.ui.menu'

    def _load_menus_blacklist(self):
        """Override: the app of salespeople is for those whose company allows it, and who have no larger one."""
        blacklist = super()._load_menus_blacklist()
        user = self.env.user
        if user.has_group('ar_coordinator.group_ar_base') or not any(user.company_ids.mapped('ar_own_customers')):
            menu = self.env.ref('ar_coordinator.menu_ar_own_customers', raise_if_not_found=False)
            blacklist += menu.ids if menu else []
        return blacklist
