"""Saved column mappings of history files: a company's own, and formats that come with the addon."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import history_file

TARGETS = [
    ('partner_ref', "Customer reference"),
    ('partner_name', "Customer name"),
    ('number', "Invoice number"),
    ('invoice_date', "Invoice date"),
    ('due_date', "Due date"),
    ('amount', "Amount including tax"),
    ('currency', "Currency (ISO code)"),
    ('settled_date', "Settled on"),
    ('settled_amount', "Settled amount"),
    ('disputed', "Disputed (yes/no)"),
    ('delivery', "Paper or electronic"),
    ('email', "Customer's e-mail"),
    ('country', "Customer's country (ISO code)"),
    ('tag', "Customer tag"),
]
DATE_ORDERS = [
    ('dmy', "day/month/year"),
    ('mdy', "month/day/year"),
    ('ymd', "year/month/day"),
]
DECIMAL_MARKS = [
    ('.', "1,234.56 (point)"),
    (',', "1.234,56 (comma)"),
]
DELIMITERS = [
    (',', "Comma"),
    (';', "Semicolon"),
    ('\t', "Tab"),
    ('|', "Vertical bar"),
]
ENCODINGS = [
    ('utf-8', "UTF-8"),
    ('utf-16', "UTF-16"),
    ('cp1252', "Windows-1252 (Western European)"),
    ('iso8859-15', "ISO 8859-15 (Western European)"),
    ('iso8859-2', "ISO 8859-2 (Central European)"),
    ('cp850', "DOS 850"),
]


class ArImportPreset(models.Model):
    _name = 'ar.import.preset'
    _description = "Receivables Import Format"
    _inherit = ['ar.guard']
    _order = 'sequence, name, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, help="Empty: every company may use it.")
    date_order = fields.Selection(
        selection=DATE_ORDERS, string="Dates", help="Empty: found in the file, or asked for where it can't be told.")
    decimal_mark = fields.Selection(
        selection=DECIMAL_MARKS, string="Amounts",
        help="Empty: found in the file, or asked for where it can't be told.")
    delimiter = fields.Selection(
        selection=DELIMITERS, string="Separator", help="Of CSV files. Empty: found in the file.")
    encoding = fields.Selection(selection=ENCODINGS, help="Of CSV files. Empty: found in the file.")
    column_ids = fields.One2many(
        comodel_name='ar.import.preset.column', inverse_name='preset_id', string="Columns", copy=True)

    @api.model
    def _recognise(self, headers, company):
        """Return the preset whose columns are all in `headers` (the one with most columns), or an empty recordset."""
        keys = {history_file.header_key(header) for header in headers}
        presets = self.search([('company_id', 'in', (False, company.id)), ('column_ids', '!=', False)])
        return max(
            (preset for preset in presets if preset._header_keys() <= keys),
            key=lambda preset: (len(preset.column_ids), bool(preset.company_id), -preset.id), default=self.browse())

    def _header_keys(self):
        return {history_file.header_key(column.header) for column in self.column_ids}

    def _match_columns(self, headers):
        """Return {field: column number} for the preset's columns found in `headers`."""
        self.ensure_one()
        keys = [history_file.header_key(header) for header in headers]
        return {
            column.target: keys.index(key)
            for column in self.column_ids if (key := history_file.header_key(column.header)) in keys}


class ArImportPresetColumn(models.Model):
    _name = 'ar.import.preset.column'
    _description = "Column of a Receivables Import Format"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    preset_id = fields.Many2one(comodel_name='ar.import.preset', required=True, index=True, ondelete='cascade')
    sequence = fields.Integer(default=10)
    header = fields.Char(string="Column in the File", required=True)
    target = fields.Selection(selection=TARGETS, string="Meaning", required=True)

    _target_uniq = models.Constraint('UNIQUE (preset_id, target)', "A format can use each meaning only once.")

    @api.constrains('header')
    def _check_header(self):
        for column in self:
            if not history_file.header_key(column.header):
                raise ValidationError(self.env._(
                    "%(preset)s: \"%(header)s\" is not the name of a column.",
                    preset=column.preset_id.name, header=column.header))
