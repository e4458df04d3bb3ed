"""Receivables in digest mails: exact figures of the days, who gets which, off until switched on, on Mondays."""
from freezegun import freeze_time

from odoo.tests import tagged

from .test_invoice_delivery import DeliveryCommon


@tagged('post_install', '-at_install')
class TestArDigest(DeliveryCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-03-31 12:00:00'))  # a Tuesday
        cls.digest = cls.env.ref('ar_coordinator.digest_ar')
        invoice = cls.ar_invoice(1_000, '2026-02-01', '2026-03-15')
        cls.ar_invoice(600, '2026-03-20', '2026-04-15')
        for day, amount in (('2026-03-30', 100), ('2026-03-26', 150), ('2026-03-10', 50), ('2026-03-31', 7)):
            cls.ar_pay(invoice, day, amount=amount)

    def test_figures(self):
        """Whole days: yesterday, seven, a month; what is open is that of yesterday, 700 of 1,300 overdue."""
        kpis = {kpi['kpi_name']: kpi for kpi in self.digest._compute_kpis(self.company, self.clerk)}
        self.assertEqual(set(kpis), {
            'kpi_ar_collected', 'kpi_ar_receivable', 'kpi_ar_overdue', 'kpi_ar_overdue_share'})
        self.assertEqual(
            [kpis['kpi_ar_collected'][f'kpi_col{column}']['value'].replace('\xa0', '') for column in (1, 2, 3)],
            ['$100', '$250', '$300'])
        self.assertEqual(kpis['kpi_ar_receivable']['kpi_col1']['value'], '$1.3k')
        self.assertEqual(kpis['kpi_ar_overdue']['kpi_col1']['value'], '$700')
        self.assertEqual(kpis['kpi_ar_overdue_share']['kpi_col1']['value'], '53.85')
        self.assertIn(str(self.env.ref('ar_coordinator.ar_aging_action').id), kpis['kpi_ar_overdue']['kpi_action'])

    def test_without_the_role(self):
        """Recipients without a role in receivables get none of it."""
        nobody = self.ar_user('digest_nobody', 'base.group_user')
        self.assertEqual(self.digest._compute_kpis(self.company, nobody), [])

    def test_off_by_default_and_on_mondays(self):
        self.assertEqual((self.digest.state, self.digest.user_ids), ('deactivated', self.env['res.users']))
        manager = self.ar_user('digest_manager', 'ar_coordinator.group_ar_manager', email='boss@company.example.com')
        self.digest.action_activate()
        self.assertIn(manager, self.digest.user_ids)
        self.assertNotIn(self.clerk, self.digest.user_ids)
        self.assertEqual(str(self.digest.next_run_date), '2026-04-06')
        self.assertEqual(self.digest.next_run_date.weekday(), 0)
        with freeze_time('2026-04-06 06:00:00'):
            self.assertEqual(str(self.digest._get_next_run_date()), '2026-04-13')
        other = self.env['digest.digest'].create({'name': "Mine", 'periodicity': 'weekly'})
        self.assertEqual(str(other._get_next_run_date()), '2026-04-07', "other digests come as they did")

    def test_mail(self):
        """The mail has the figures and leads to the reports."""
        self.digest.user_ids = self.clerk
        self.clerk.email = 'clerk@company.example.com'
        with self.mock_mail_gateway(mail_unlink_sent=False):
            self.digest.action_send_manual()
        [mail] = self._new_mails
        for text in ("Overdue share", "53.85", "Collected", "/odoo/action-"):
            self.assertIn(text, mail.body_html)
