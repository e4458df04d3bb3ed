"""The aged receivables in a browser: saved filters, two levels, comparison, columns, currencies, keyboard, cells."""
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from .aging_common import AgingCommon


@tagged('post_install', '-at_install')
class TestAgedTour(AgingCommon, HttpCase):

    def test_views(self):
        """What a user makes of the report: the export carries it, and so does the filter that is kept."""
        user = self.ar_user('ar_tour', 'ar_coordinator.group_ar_user')
        self.env['ar.report.filter'].with_user(user).create({
            'name': "By country", 'report': 'ar.aging.report', 'is_default': True,
            'options': {'group_by': ['country', 'tag'], 'as_of': self.as_of}})
        exported = []
        report = self.env.registry['ar.aging.report']
        get_xlsx = report.get_xlsx

        def spy(model, options=None):
            exported.append(options)
            return get_xlsx(model, options)
        with patch.object(report, 'get_xlsx', spy):
            self.start_tour('/odoo/ar-aging', 'ar_aging_report_views', login='ar_tour')
        [options] = exported
        france = self.quick_ref('base.fr').id
        self.assertEqual(
            {name: options[name] for name in ('group_by', 'compare_to', 'bucket_by', 'columns', 'unfolded')}, {
                'group_by': ['country', 'tag'], 'compare_to': '2026-02-28', 'bucket_by': 'calendar',
                'columns': ['buckets', 'total', 'unapplied', 'promised', 'oldest_days'],
                'unfolded': [{'path': [france], 'currency_id': False}]})
        saved = self.env['ar.report.filter'].search([('name', '=', "Monthly")])
        self.assertTrue(saved.is_shared)
        self.assertEqual(saved.options['columns'], options['columns'])
        self.assertEqual(saved.options['bucket_by'], 'calendar')

    def test_own_customers(self):
        """A salesperson in a browser: the report works without any right on journal items."""
        seller = self.ar_user('ar_seller', 'ar_coordinator.group_ar_own_customers')
        self.customer.user_id = seller
        self.company.ar_own_customers = True
        self.start_tour(f'/odoo/ar-aging?as_of={self.as_of}', 'ar_aging_report_own_customers', login='ar_seller')
