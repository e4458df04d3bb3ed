"""Fixtures of the till, on 2026-03-31: what is owed, who works the desk, transactions of the bank."""
from freezegun import freeze_time

from .common import ArCommon


class TillCase(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-03-31 12:00:00'))
        cls.clerk = cls.ar_user('till_clerk', 'ar_coordinator.group_ar_user')
        cls.other_clerk = cls.ar_user('till_other', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('till_manager', 'ar_coordinator.group_ar_manager')
        cls.one = cls.ar_invoice(1_000, '2026-01-10', '2026-02-10')
        cls.two = cls.ar_invoice(500, '2026-01-20', '2026-02-20')
        cls.three = cls.ar_invoice(300, '2026-01-15', '2026-03-01', partner=cls.other_customer)

    @classmethod
    def transaction(cls, amount, text="Transfer", date='2026-03-05', journal=None, **values):
        """A bank transaction that waits on the suspense account."""
        return cls.env['account.bank.statement.line'].create({
            'journal_id': (journal or cls.bank).id, 'date': date, 'payment_ref': text, 'amount': amount, **values})

    def total(self):
        """What is owed, tied out with the general ledger."""
        data = self.aged('2026-12-31')
        self.assertEqual((data['difference_to_ledger'], data['differences']), (0, []))
        return data['totals']['total']
