"""A morning's cash in a browser, by keyboard, and the desk of cash on a phone."""
from odoo.tests import HttpCase, tagged

from .test_cash_proposal import CashCase


class CashTourCase(CashCase, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.four = cls.ar_invoice(480, '2026-01-25', '2026-03-25')
        cls.sure = cls.transaction(1_000, cls.one.name, partner_name="Harbour Fish")
        cls.second = cls.transaction(300, cls.three.name, partner_name="Alder & Sons")
        cls.short = cls.transaction(
            450, f"{cls.two.name} less damaged goods", date='2026-03-06', partner_name="Harbour Fish")
        cls.unknown = cls.transaction(77.7, "thank you", date='2026-03-07')
        cls.env['ar.cash']._propose(cls.company)


@tagged('post_install', '-at_install')
class TestCashTour(CashTourCase):

    def test_a_mornings_cash(self):
        """All sure ones, a doubtful one with another item and a dispute, one undone, the journal."""
        self.start_tour('/odoo/ar-cash-desk', 'ar_cash_morning', login='cash_clerk')
        self.assertEqual((self.one + self.two + self.three + self.four).mapped('amount_residual'), [0, 500, 300, 30])
        self.assertEqual((self.four.ar_disputed_amount, self.two.ar_disputed_amount), (30, 0))
        self.assertEqual((self.short.is_reconciled, self.second.is_reconciled), (True, False))
        self.assertEqual(self.total(), 830)


@tagged('post_install', '-at_install')
class TestCashTourPhone(CashTourCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_phone(self):
        self.start_tour('/odoo/ar-cash-desk', 'ar_cash_phone', login='cash_clerk')
        self.assertEqual((self.three.amount_residual, self.unknown.partner_id), (222.3, self.other_customer))
        self.assertTrue(self.unknown.is_reconciled)
