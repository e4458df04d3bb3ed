"""Receivables settings of a company, and its own calendar day."""
from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    def _ar_today(self):
        """Return today's date in the company's time zone (its address', else the user's, else UTC)."""
        self.ensure_one()
        tz = self.partner_id.tz or self.env.user.tz or 'UTC'
        return fields.Date.context_today(self.with_context(tz=tz))
