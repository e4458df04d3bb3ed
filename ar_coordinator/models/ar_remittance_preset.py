"""What the columns of a customer's remittance advices mean: asked once, remembered for the next file."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import history_file
from ..parsers import advice
from .ar_import_preset import DATE_ORDERS, DECIMAL_MARKS, DELIMITERS

TARGETS = [
    ('number', "Document number"),
    ('date', "Document date"),
    ('gross', "Amount before deduction"),
    ('amount', "Amount paid"),
    ('deduction', "Deduction"),
    ('reason', "Reason of the deduction"),
    ('reference', "Payment reference"),
    ('payment_date', "Payment date"),
    ('currency', "Currency (ISO code)"),
]


class ArRemittancePreset(models.Model):
    _name = 'ar.remittance.preset'
    _description = "Columns of Remittance Advices"
    _inherit = ['ar.guard']
    _order = 'partner_id, name, id'
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index='btree_not_null', ondelete='cascade',
        help="Empty: of every customer whose files have these columns.")
    date_order = fields.Selection(selection=DATE_ORDERS, string="Dates", help="Empty: as the file itself proves.")
    decimal_mark = fields.Selection(selection=DECIMAL_MARKS, string="Amounts", help="Empty: as the file itself proves.")
    delimiter = fields.Selection(
        selection=DELIMITERS, string="Separator", help="Of CSV files. Empty: found in the file.")
    column_ids = fields.One2many(
        comodel_name='ar.remittance.preset.column', inverse_name='preset_id', string="Columns", copy=True)

    @api.model
    def _recognise(self, headers, company, partner):
        """Return the preset whose columns are all in the file: the customer's own, else a common one; of a file whose
        customer isn't known, one of any customer if all customers with these columns mean the same by them."""
        keys = {history_file.header_key(header) for header in headers}
        presets = self.search([('company_id', '=', company.id), ('column_ids.target', '!=', False)], order='id desc')
        fitting = presets.filtered(lambda preset: preset._header_keys() <= keys)
        customer = partner.commercial_partner_id
        for candidates in (
            fitting.filtered(lambda preset: customer and preset.partner_id == customer),
            fitting.filtered(lambda preset: not preset.partner_id),
            fitting if not customer and len({preset._get_meaning() for preset in fitting}) == 1 else self.browse(),
        ):
            if candidates:
                return max(candidates, key=lambda preset: len(preset._header_keys()))
        return self.browse()

    def _get_meaning(self):
        """Return what decides how a file is read, to compare presets."""
        self.ensure_one()
        columns = self.column_ids.filtered('target')
        return (
            frozenset((history_file.header_key(each.header), each.target) for each in columns), self.decimal_mark,
            self.date_order)

    @api.model
    def _make(self, name, source, company, partner):
        """Remember a file's columns, with the meanings that speak for themselves."""
        targets = {column: target for target, column in advice.propose_columns(source.headers).items()}
        samples = advice.get_samples(source)
        return self.create({
            'name': name, 'company_id': company.id, 'partner_id': partner.commercial_partner_id.id,
            'column_ids': [fields.Command.create({
                'sequence': place, 'header': header, 'target': targets.get(place), 'sample': " · ".join(samples[place]),
            }) for place, header in enumerate(source.headers) if history_file.header_key(header)]})

    def _header_keys(self):
        return {history_file.header_key(column.header) for column in self.column_ids if column.target}

    def _match_columns(self, headers):
        """Return {meaning: column number} of the preset's columns in the file."""
        self.ensure_one()
        keys = [history_file.header_key(header) for header in headers]
        return {
            column.target: keys.index(history_file.header_key(column.header)) for column in self.column_ids
            if column.target and history_file.header_key(column.header) in keys}


class ArRemittancePresetColumn(models.Model):
    _name = 'ar.remittance.preset.column'
    _description = "Column of Remittance Advices"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    preset_id = fields.Many2one(comodel_name='ar.remittance.preset', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='preset_id.company_id', store=True, precompute=True)
    sequence = fields.Integer(default=10)
    header = fields.Char(string="Column in the File", required=True)
    sample = fields.Char(string="First Values", help="In the file it was made of.")
    target = fields.Selection(selection=TARGETS, string="Meaning")

    _target_uniq = models.Constraint('UNIQUE (preset_id, target)', "Each meaning can be given to one column only.")

    @api.constrains('header')
    def _check_header(self):
        for column in self:
            if not history_file.header_key(column.header):
                raise ValidationError(self.env._(
                    "%(preset)s: \"%(header)s\" is not the name of a column.", preset=column.preset_id.name,
                    header=column.header))
