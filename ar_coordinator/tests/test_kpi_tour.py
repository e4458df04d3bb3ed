"""The dashboard of key figures in a browser, over a ledger built by hand."""
from odoo.tests import HttpCase, tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestKpiTour(ArCommon, HttpCase):

    def test_kpi_dashboard(self):
        """semantics section 3: 15,000 owed, 10,000 sold in 30 days, 4,000 of it not due: DSO 45, best 12, ADD 33.

        Countback: March's 10,000 take 31 days, the 5,000 left are February's: 28 more. Payment delay:
        (6,000 * 11 + 5,000 * 31) / 11,000 = 20.1 days. Overdue 11,000 of 15,000, disputed 1,500 of them. The
        collector's customer owes 9,000.
        """
        self.ar_invoice(5_000, '2026-02-10', '2026-02-28')
        late = self.ar_invoice(6_000, '2026-03-05', '2026-03-20', partner=self.other_customer)
        self.ar_invoice(4_000, '2026-03-15', '2026-04-15')
        self.env['ar.dispute'].create({
            'move_id': late.id, 'amount': 1_500, 'date_open': '2026-03-25',
            'reason_id': self.env['ar.dispute.reason'].search([], limit=1).id})
        self.env['ar.kpi.target'].create({
            'kpi': 'dso', 'value': 40, 'date_from': '2026-01-01', 'company_id': self.company.id})
        self.customer.ar_collector_id = self.ar_user('ar_kit', 'ar_coordinator.group_ar_user', name="Kit Collector")
        self.ar_user('ar_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour('/odoo/ar-kpi?as_of=2026-03-31&window=30', 'ar_kpi_dashboard', login='ar_tour')

    def test_kpi_dashboard_empty(self):
        """Without any invoice the screen says so."""
        self.ar_user('ar_tour', 'ar_coordinator.group_ar_readonly')
        self.start_tour('/odoo/ar-kpi', 'ar_kpi_dashboard_empty', login='ar_tour')
