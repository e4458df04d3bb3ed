"""The figures over Odoo's JSON-2 API, as docs/developer.md shows it: the same for a reader, refused to a stranger."""
from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestRpc(ArCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ar_invoice(100, '2026-01-01')
        cls.reader = cls.ar_user('rpc_reader', 'ar_coordinator.group_ar_readonly')
        cls.employee = cls.ar_user('rpc_employee', 'base.group_user')

    def call(self, user, model, method, **body):
        key = self.env['res.users.apikeys'].with_user(user).sudo()._generate(
            'rpc', "test", fields.Datetime.add(fields.Datetime.now(), hours=1))
        return self.url_open(f'/json/2/{model}/{method}', json=body, headers={'Authorization': f'bearer {key}'})

    def test_get_data(self):
        options = {'as_of': '2026-03-31', 'bucket_limits': [15, 100], 'company_ids': self.company.ids}
        response = self.call(self.reader, 'ar.aging.report', 'get_data', options=options)
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(response.json(), self.env['ar.aging.report'].get_data(options))
        self.assertEqual(response.json()['totals']['amounts'], [0, 0, 100, 0])
        response = self.call(self.reader, 'ar.kpi.report', 'get_data', options={'as_of': '2026-03-31', 'months': 2})
        self.assertEqual((response.json()['receivable'], len(response.json()['series'])), (100, 2))

    def test_refused(self):
        with mute_logger('odoo.http'):
            response = self.call(self.employee, 'ar.aging.report', 'get_data', options={'as_of': '2026-03-31'})
            self.assertEqual(response.status_code, 403)
            response = self.call(self.reader, 'ar.aging.report', 'get_data', options={'as_of': 'yesterday'})
            self.assertEqual(response.status_code, 422)
