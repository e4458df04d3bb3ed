"""Collectors on holiday: their new tasks and mails go to a substitute, their customers stay theirs."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import assignment


class ArCollectorAbsence(models.Model):
    _name = 'ar.collector.absence'
    _description = "Absence of a Collector"
    _inherit = ['ar.guard']
    _order = 'date_from desc, id desc'
    _rec_name = 'user_id'

    user_id = fields.Many2one(
        comodel_name='res.users', string="Collector", required=True, index=True, ondelete='cascade',
        domain=[('share', '=', False)], default=lambda self: self.env.user)
    substitute_id = fields.Many2one(
        comodel_name='res.users', required=True, ondelete='cascade', domain=[('share', '=', False)])
    date_from = fields.Date(string="From", required=True, default=fields.Date.context_today)
    date_to = fields.Date(string="To", required=True, help="Last day.")
    company_id = fields.Many2one(comodel_name='res.company', index=True, help="Empty: in all companies.")
    note = fields.Char()

    _dates = models.Constraint('CHECK (date_to >= date_from)', "An absence ends after it begins.")
    _other = models.Constraint('CHECK (substitute_id != user_id)', "Nobody stands in for themselves.")

    @api.constrains('substitute_id', 'company_id')
    def _check_substitute(self):
        for absence in self.filtered('company_id'):
            # sudo: the companies of another user
            if absence.company_id not in absence.substitute_id.sudo().company_ids:
                raise ValidationError(self.env._(
                    "%(user)s does not work for %(company)s and cannot stand in there.",
                    user=absence.substitute_id.name, company=absence.company_id.name))

    @api.depends('user_id', 'date_from', 'date_to')
    def _compute_display_name(self):
        for absence in self:
            absence.display_name = self.env._(
                "%(user)s, %(first)s to %(last)s", user=absence.user_id.name or "", first=absence.date_from or "",
                last=absence.date_to or "")

    @api.model
    def _get_substitutes(self, company):
        """Return {user id: id of who stands in today} in a company; substitutes who left, or have no access to the
        company, stand in for nobody. One query.
        """
        # sudo: who is away is no secret to the jobs and colleagues that make tasks
        absences = self.sudo().search([
            ('company_id', 'in', (False, company.id)), ('date_from', '<=', company._ar_today()),
            ('date_to', '>=', company._ar_today())], order='company_id NULLS LAST, id')
        found = {}
        for absence in absences:
            if absence.substitute_id.active and company in absence.substitute_id.company_ids:
                found.setdefault(absence.user_id.id, absence.substitute_id.id)
        return found


class ResUsers(models.Model):
    _inherit = 'res.users'

    def _ar_on_duty(self, company):
        """Return who gets the tasks and mails of these users in a company today: they, or their substitutes.

        :return: res.users, in the same order; empty for an empty recordset
        """
        if not self:
            return self
        substitutes = self.env['ar.collector.absence']._get_substitutes(company)
        return self.browse([assignment.on_duty(user.id, substitutes) for user in self]) if substitutes else self
