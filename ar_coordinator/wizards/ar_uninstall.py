"""Uninstalling: asks for the records of users first, and gives them along as files."""
import csv
import io
import zipfile

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..engine.history_file import quote_formula
from ..hooks import USERS_TABLES

BATCH = 1000  # records read at a time
LEFT_OUT = ('binary', 'one2many', 'properties', 'reference')  # of each record; files are in the filestore's backup


class BaseModuleUninstall(models.TransientModel):
    _inherit = 'base.module.uninstall'

    ar_record_count = fields.Integer(
        string="Records of the Receivables Desk", compute='_compute_ar_record_count',
        help="Letters, disputes, promises, holds and so on, of all companies, that uninstalling deletes for good.")
    ar_confirmed = fields.Boolean(string="Delete these records")

    @api.depends('module_ids')
    def _compute_ar_record_count(self):
        for wizard in self:
            concerned = 'ar_coordinator' in wizard._get_modules().mapped('name')
            wizard.ar_record_count = sum(
                model.search_count([]) for model in self._ar_get_models()) if concerned else 0

    def action_uninstall(self):
        """Override: records of users go only when that was asked for.

        :raise UserError: when there are records and nobody confirmed that they go
        """
        if unconfirmed := self.filtered(lambda wizard: wizard.ar_record_count and not wizard.ar_confirmed):
            raise UserError(self.env._(
                "Uninstalling AR Coordinator deletes %(count)s records: letters, disputes, promises and so on. Tick"
                " \"Delete these records\" if they may go; you can download them first.",
                count=unconfirmed[0].ar_record_count))
        return super().action_uninstall()

    def action_ar_download(self):
        """Download the records, see `_ar_get_zip`."""
        return {'type': 'ir.actions.act_url', 'url': '/ar_coordinator/records.zip', 'target': 'download'}

    @api.model
    def _ar_get_models(self):
        """Return the models of the records users made, those that others refer to first.

        As superuser: who may uninstall an app has to know of everything that goes.
        """
        models_by_table = {model._table: model for model in self.env.values() if model._auto and not model._transient}
        return [
            models_by_table[table].sudo().with_context(active_test=False)
            for table in reversed(USERS_TABLES) if table in models_by_table]

    @api.model
    def _ar_get_zip(self):
        """Return the records as a ZIP: one CSV file per model that has any, one row per record, links by name.

        :rtype: bytes
        :raise AccessError: for whoever may not uninstall apps
        """
        if not self.env.user._is_system():
            raise AccessError(self.env._("Only administrators can download the records of the receivables desk."))
        result = io.BytesIO()
        with zipfile.ZipFile(result, 'w', zipfile.ZIP_DEFLATED) as archive:
            for model in self._ar_get_models():
                if model.search_count([], limit=1):
                    archive.writestr(f'{model._table}.csv', self._ar_get_csv(model).encode('utf-8-sig'))
        return result.getvalue()

    def _ar_get_csv(self, model):
        names = [name for name, field in model._fields.items() if field.store and field.type not in LEFT_OUT]
        output = io.StringIO()
        writer = csv.writer(output)
        writer.writerow(names)
        last = 0
        while batch := model.search([('id', '>', last)], order='id', limit=BATCH):
            writer.writerows([self._ar_as_text(row[name]) for name in names] for row in batch._read_format(names))
            last = batch[-1].id
            batch.invalidate_recordset()  # what was read is not needed any more
        return output.getvalue()

    def _ar_as_text(self, value):
        """A cell of a CSV file: what a spreadsheet would take for a formula is text."""
        if isinstance(value, tuple):  # of a link: id, name
            value = value[1]
        if isinstance(value, str):
            return quote_formula(value)
        return "" if value is False or value is None else value
