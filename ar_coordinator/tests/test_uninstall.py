"""Uninstalling asks for users' records first, and gives them along."""
import csv
import io
import zipfile

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestUninstall(ArCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.env.ref('base.user_admin')
        cls.module = cls.env['ir.module.module'].search([('name', '=', 'ar_coordinator')])

    def wizard(self, module=None):
        return self.env['base.module.uninstall'].with_user(self.admin).create(
            {'module_ids': (module or self.module).ids})

    def test_records_go_only_when_asked_for(self):
        before = self.wizard().ar_record_count
        self.env['ar.dispute']._open(
            self.ar_invoice(100, '2026-01-01'), reason=self.env.ref('ar_coordinator.dispute_reason_price'))
        wizard = self.wizard()
        self.assertEqual(wizard.ar_record_count, before + 1)
        with self.assertRaisesRegex(UserError, "deletes %s records" % (before + 1)):
            wizard.action_uninstall()
        other = self.env['ir.module.module'].search([('name', '=', 'l10n_de')])
        self.assertEqual(self.wizard(other).ar_record_count, 0)

    def test_download(self):
        """One file per kind, names instead of numbers, nothing a spreadsheet would compute."""
        move = self.ar_invoice(100, '2026-01-01')
        dispute = self.env['ar.dispute']._open(
            move, amount=40, reason=self.env.ref('ar_coordinator.dispute_reason_price'), note="=1+1")
        self.authenticate('admin', 'admin')
        answer = self.url_open('/ar_coordinator/records.zip')
        self.assertEqual(answer.headers['Content-Type'], 'application/zip')
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            rows = list(csv.DictReader(io.StringIO(archive.read('ar_dispute.csv').decode('utf-8-sig'))))
        [row] = [row for row in rows if row['id'] == str(dispute.id)]
        self.assertEqual(
            (row['move_id'], row['amount'], row['partner_id'], row['state'], row['customer_note']),
            (move.display_name, '40.0', "Harbour Fish Ltd", 'new', "'=1+1"))
        manager = self.ar_user('u', 'ar_coordinator.group_ar_manager')
        with self.assertRaises(AccessError):
            self.env['base.module.uninstall'].with_user(manager)._ar_get_zip()
