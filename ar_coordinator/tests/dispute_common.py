"""Fixtures of the dispute tests: Tuesday 2026-03-31, invoices over several lines, the people of a desk."""
from freezegun import freeze_time

from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.mail.tests.common import MailCommon

from .common import ArCommon


class DisputeCommon(ArCommon, MailCommon):

    @classmethod
    def default_env_context(cls):
        return {}  # mail features on

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-03-31 12:00:00'))
        cls.reason = cls.env.ref('ar_coordinator.dispute_reason_short')
        cls.company.write({'ar_dispute_limit': 500, 'email': 'ar@company.example.com'})
        cls.clerk = cls.ar_user('dispute_clerk', 'ar_coordinator.group_ar_user')
        cls.colleague = cls.ar_user('dispute_colleague', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('dispute_manager', 'ar_coordinator.group_ar_manager')
        cls.second_manager = cls.ar_user('dispute_manager_2', 'ar_coordinator.group_ar_manager')
        cls.reader = cls.ar_user('dispute_reader', 'ar_coordinator.group_ar_readonly')
        cls.seller = cls.ar_user('dispute_seller', 'base.group_user')
        cls.portal = new_test_user(cls.env, login='dispute_portal', groups='base.group_portal')
        cls.tax_19 = cls.tax("19 %", 19)
        cls.tax_7 = cls.tax("7 %", 7)
        cls.tax_in = cls.tax("19 % included", 19, price_include_override='tax_included')

    @classmethod
    def tax(cls, name, amount, **vals):
        return cls.env['account.tax'].create({
            'name': name, 'amount': amount, 'type_tax_use': 'sale', 'company_id': cls.company.id, **vals})

    @classmethod
    def goods(cls, *lines, date='2026-03-01', due='2026-03-20', **vals):
        """A posted invoice over (price, quantity, taxes, discount) lines."""
        return cls.ar_invoice(0, date, due, invoice_line_ids=[
            Command.create({
                'name': f"Article {number}", 'price_unit': price, 'quantity': quantity, 'discount': discount,
                'tax_ids': [Command.set(taxes.ids)], 'account_id': cls.revenue.id})
            for number, (price, quantity, taxes, discount) in enumerate(lines, 1)], **vals)

    def open_dispute(self, move, user=None, **kwargs):
        """A dispute opened by the clerk."""
        user = user or self.clerk
        return self.env['ar.dispute'].with_user(user)._open(
            move.with_user(user), **{'reason': self.reason, **kwargs})

    def as_user(self, dispute, user):
        return dispute.with_user(user)

    def held(self, as_of='2026-03-31'):
        return self.aged(as_of)['totals']['disputed']

    def taxes_of(self, move):
        """{tax name: (base, tax)} of an invoice or credit note, from its tax lines."""
        return {
            line.tax_line_id.name: (abs(line.tax_base_amount), abs(line.amount_currency))
            for line in move.line_ids if line.tax_line_id}
