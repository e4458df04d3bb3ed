"""Filters of reports that users keep: their own, or shared with everybody; one may be what the report opens with."""
from odoo import api, fields, models
from odoo.exceptions import AccessError


class ArReportFilter(models.Model):
    _name = 'ar.report.filter'
    _description = "Saved Report Filter"
    _inherit = ['ar.guard']
    _order = 'name, id'

    name = fields.Char(required=True)
    report = fields.Char(required=True, index=True, help="Model of the report.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Owner", required=True, index=True, ondelete='cascade',
        default=lambda self: self.env.user)
    is_shared = fields.Boolean(string="Shared", help="Everybody who sees the report can choose it.")
    is_default = fields.Boolean(string="Default", help="The report opens with it, for its owner.")
    options = fields.Json(required=True, help="As the report's `get_data` takes them.")

    _one_default = models.UniqueIndex(
        "(user_id, report) WHERE is_default", "A report opens with one filter only: choose which.")

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a new default takes the place of the former one; everybody makes his own filters."""
        if any(vals.get('is_default') for vals in vals_list):
            self._drop_defaults({vals['report'] for vals in vals_list if vals.get('is_default')})
        filters = super().create(vals_list)
        if not self.env.su and (others := filters.filtered(lambda record: record.user_id != self.env.user)):
            raise self.env['ir.rule']._make_access_error('create', others)
        return filters

    def write(self, vals):
        """Override: a new default takes the place of the former one; a filter stays its owner's."""
        given = self.filtered(lambda record: record.user_id.id != vals.get('user_id', record.user_id.id))
        if given and not self.env.su:
            raise self.env['ir.rule']._make_access_error('write', given)
        others = self.filtered(lambda record: record.user_id != self.env.user)
        if 'is_default' in vals and others and not self.env.su:
            raise AccessError(self.env._(
                "What their report opens with is for %(owner)s to decide: save “%(filter)s” under your own name to"
                " open the report with it.", owner=others[0].user_id.name, filter=others[0].name))
        if vals.get('is_default'):
            self._drop_defaults(set(self.mapped('report')), self)
        return super().write(vals)

    def _drop_defaults(self, reports, keep=()):
        """No filter of the user is the default of these reports any more."""
        self.search([
            ('user_id', '=', self.env.uid), ('report', 'in', list(reports)), ('is_default', '=', True),
            ('id', 'not in', list(keep and keep.ids))]).is_default = False
        self.flush_model(['is_default'])  # before the next one: the index allows one at any time
