"""What the import wizard shows in tables: the file's columns, the first rows as read, totals, and what is wrong."""
from odoo import fields, models

from ..models.ar_import_preset import TARGETS


class ArImportWizardColumn(models.TransientModel):
    _name = 'ar.import.wizard.column'
    _description = "Column of an Imported File"
    _order = 'position'

    wizard_id = fields.Many2one(comodel_name='ar.import.wizard', required=True, index=True, ondelete='cascade')
    position = fields.Integer(required=True)
    header = fields.Char(string="Column")
    sample = fields.Char(string="First Values")
    target = fields.Selection(selection=TARGETS, string="Meaning", help="Empty: the column is not imported.")


class ArImportWizardSample(models.TransientModel):
    _name = 'ar.import.wizard.sample'
    _description = "Row of an Imported File as Read"
    _order = 'row'

    wizard_id = fields.Many2one(comodel_name='ar.import.wizard', required=True, index=True, ondelete='cascade')
    row = fields.Integer()
    customer = fields.Char()
    number = fields.Char(string="Invoice")
    invoice_date = fields.Date()
    due_date = fields.Date()
    currency_id = fields.Many2one(comodel_name='res.currency')
    amount = fields.Monetary()
    settled_date = fields.Date(string="Settled on")
    settled_amount = fields.Monetary(string="Settled")
    disputed = fields.Boolean()
    status = fields.Selection(
        selection=[('new', "New"), ('settle', "Settle"), ('same', "Already there")], string="What Happens")


class ArImportWizardTotal(models.TransientModel):
    _name = 'ar.import.wizard.total'
    _description = "Total of an Imported File"
    _order = 'currency_id'

    wizard_id = fields.Many2one(comodel_name='ar.import.wizard', required=True, index=True, ondelete='cascade')
    currency_id = fields.Many2one(comodel_name='res.currency')
    invoice_count = fields.Integer(string="Invoices")
    amount = fields.Monetary(string="Total")
    settled_amount = fields.Monetary(string="Settled")
    open_count = fields.Integer(string="Open Invoices")
    open_amount = fields.Monetary(string="Open")
    disputed_amount = fields.Monetary(string="Open and Disputed")


class ArImportWizardProblem(models.TransientModel):
    _name = 'ar.import.wizard.problem'
    _description = "Problem in an Imported File"
    _order = 'row, id'

    wizard_id = fields.Many2one(comodel_name='ar.import.wizard', required=True, index=True, ondelete='cascade')
    row = fields.Integer()
    column = fields.Char()
    value = fields.Char()
    message = fields.Char(string="What Is Wrong")
