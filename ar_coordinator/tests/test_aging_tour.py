"""The aged receivables in a browser: date, grouping, unfolding, opening a document and back, export, the phone."""
import json
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tests.common import HttpCase

from .test_aging_export import AgingExportCommon


@tagged('post_install', '-at_install')
class TestAgingTour(AgingExportCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_customer.write({'name': "Alder & Sons", 'country_id': cls.env.ref('base.be').id})
        cls.ar_user('ar_tour', 'ar_coordinator.group_ar_user')

    def test_aging_report(self):
        """The road of a user through the report; the export carries the options of the screen."""
        exported = []
        report = self.env.registry['ar.aging.report']
        get_xlsx = report.get_xlsx

        def spy(model, options=None):
            exported.append(options)
            return get_xlsx(model, options)

        with patch.object(report, 'get_xlsx', spy):
            self.start_tour('/odoo/ar-aging?as_of=2017-04-04', 'ar_aging_report', login='ar_tour')
        [options] = exported
        self.assertEqual(
            {name: options[name] for name in ('as_of', 'group_by', 'basis', 'bucket_limits', 'company_ids')},
            {'as_of': '2016-12-31', 'group_by': ['country'], 'basis': 'due', 'bucket_limits': [15, 45],
             'company_ids': self.company.ids})

    def test_aging_report_from_customer(self):
        """The button on the customer opens the report on their open items, unfolded."""
        self.start_tour(f'/odoo/res.partner/{self.customer.id}', 'ar_aging_report_from_customer', login='ar_tour')

    def test_aging_report_difference(self):
        """A difference to the general ledger is shown with its amount and its entries."""
        self.receivable.copy({'non_trade': True, 'code': '121999', 'name': "Staff loans"})
        loans = self.env['account.account'].search([('code', '=', '121999')])
        self.ar_misc(75, '2017-01-01', account_id=loans.id)
        self.start_tour('/odoo/ar-aging?as_of=2017-04-04', 'ar_aging_report_difference', login='ar_tour')

    def test_one_users_date_is_not_anothers(self):
        """semantics 9.17: options live in the page; after one user's tour another user's request is unchanged."""
        self.ar_user('ar_other', 'ar_coordinator.group_ar_user')
        self.authenticate('ar_other', 'ar_other')

        def as_of():
            answer = self.make_jsonrpc_request('/web/dataset/call_kw', {
                'model': 'ar.aging.report', 'method': 'get_data', 'args': [{'tie_out': False}], 'kwargs': {}})
            return json.dumps([answer['as_of'], answer['totals']])

        before = as_of()
        self.start_tour('/odoo/ar-aging?as_of=2017-04-04', 'ar_aging_report', login='ar_tour')
        self.authenticate('ar_other', 'ar_other')
        self.assertEqual(as_of(), before)


@tagged('post_install', '-at_install')
class TestAgingTourPhone(AgingExportCommon, HttpCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_aging_report_phone(self):
        """Two amounts per customer fit a phone; unfolding shows the rest."""
        self.ar_user('ar_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour('/odoo/ar-aging?as_of=2017-04-04', 'ar_aging_report_phone', login='ar_tour')
