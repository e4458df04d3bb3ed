"""Fixtures of the customer's pages: a portal user of one customer, ledgers relative to today."""
from datetime import timedelta

from odoo import Command
from odoo.tests import HttpCase, new_test_user

from odoo.addons.account_payment.tests.common import AccountPaymentCommon

from .common import ArCommon


class PortalCommon(ArCommon, AccountPaymentCommon):
    """One customer with a portal user (a contact of his), another one with his own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data['company']  # payment's own fixtures name another
        cls.currency = cls.company.currency_id
        cls.today = cls.company._ar_today()
        cls.customer.is_company = cls.other_customer.is_company = True
        cls.anna = cls.env['res.partner'].create({
            'name': "Anna Fisher", 'parent_id': cls.customer.id, 'email': 'anna@harbourfish.example.com'})
        cls.customer_user = cls.ar_portal_user('anna', cls.anna)
        cls.stranger = cls.ar_portal_user('alder', cls.other_customer)
        cls.dummy_provider.available_currency_ids = [Command.link(cls.currency.id)]

    @classmethod
    def ar_portal_user(cls, login, partner, company=None):
        """A portal user; password = login."""
        company = company or cls.company
        return new_test_user(
            cls.env, login=login, name=partner.name, groups='base.group_portal', partner_id=partner.id,
            company_id=company.id, company_ids=[Command.set(company.ids)])

    @classmethod
    def due(cls, days):
        """The day so many days ago (negative: ahead)."""
        return cls.today - timedelta(days=days)

    @classmethod
    def open_invoice(cls, amount, overdue, **vals):
        """An invoice that is `overdue` days overdue today (negative: due in so many days)."""
        return cls.ar_invoice(amount, cls.due(max(overdue, 0) + 30), due=cls.due(overdue), **vals)

    @classmethod
    def open_dispute(cls, move, amount):
        """A dispute of part of an invoice, open since today."""
        return cls.env['ar.dispute'].create({
            'move_id': move.id, 'amount': amount, 'reason_id': cls.env.ref('ar_coordinator.dispute_reason_price').id})

    def portal(self):
        """`ar.portal` as the controller calls it for the customer's user."""
        return self.env(user=self.customer_user)['ar.portal'].sudo()

    def accounts(self, partner=None):
        """The accounts of a customer, in the test company."""
        return self.portal()._get_accounts(partner or self.customer, self.company)

    def account_key(self, currency=None):
        """An account as it is named in the pages' addresses."""
        return f'{self.company.id}-{(currency or self.currency).id}'

    def pay_online(self, payment, **vals):
        """Create the transaction of a payment, as the controller does, let it succeed and post-process it."""
        transaction = self._create_transaction(
            'direct', amount=payment['amount'], currency_id=payment['rows'][0]['currency_id'],
            partner_id=self.anna.id, reference=f"TEST-{self.env['payment.transaction'].search_count([])}",
            invoice_ids=[Command.set(payment['moves'].ids)], ar_allocation=payment['allocation'], **vals)
        transaction._set_done()
        transaction._post_process()
        return transaction


class PortalHttpCommon(PortalCommon, HttpCase):

    def get(self, path, user='anna', **kwargs):
        """GET a page below /my/receivables as a user."""
        self.authenticate(user, user)
        return self.url_open(f'/my/receivables{path}', **kwargs)
