"""Departments that answer disputes: a name, a manager for what is late, and an e-mail address that opens disputes.

Small on purpose, so that disputes do not need the Employees app.
"""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ArDisputeDepartment(models.Model):
    _name = 'ar.dispute.department'
    _description = "Dispute Department"
    _inherit = ['ar.guard', 'ar.alias.guard']
    _order = 'sequence, name, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, help="Empty: for all companies. Needed for an e-mail address.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Manager", domain=[('share', '=', False)],
        help="Hears of disputes of this department that are past their deadline.")

    @api.constrains('company_id', 'alias_id')
    def _check_alias_company(self):
        for department in self:
            if department.alias_name and not department.company_id:
                raise ValidationError(self.env._(
                    "%s: choose the company whose customers write to this e-mail address.", department.name))

    def _alias_get_creation_values(self):
        """Override of `mail`: e-mails to the address open disputes of this department and company."""
        values = super()._alias_get_creation_values()
        values['alias_model_id'] = self.env['ir.model']._get_id('ar.dispute')
        if self.id:
            values['alias_defaults'] = repr({'department_id': self.id, 'company_id': self.company_id.id})
        return values

    def write(self, vals):
        """Override: the address opens disputes in the company the department moved to."""
        result = super().write(vals)
        if 'company_id' in vals:
            for department in self.filtered('alias_id'):
                # sudo: the department's write access was checked; its address follows it
                department.alias_id.sudo().write(department._alias_get_creation_values())
        return result
