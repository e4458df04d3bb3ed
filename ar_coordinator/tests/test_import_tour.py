"""The import of a receivables history in a browser: file, columns, check, progress bar, invoices."""
from odoo.tests import HttpCase, tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestImportTour(ArCommon, HttpCase):

    def test_import_history(self):
        groups = 'ar_coordinator.group_ar_manager,account.group_account_manager,base.group_partner_manager'
        self.ar_user('ar_tour', groups)
        self.start_tour('/odoo/import-receivables', 'ar_import_history', login='ar_tour')
        moves = self.env['account.move'].search(
            [('journal_id', '=', self.company.ar_import_journal_id.id)], order='name')
        self.assertEqual(moves.mapped(lambda move: (move.name, move.payment_state, move.amount_total)), [
            ('700001', 'paid', 50.0), ('700002', 'paid', 60.5)])
