"""A hand-built ledger with two customers of one family, another customer, one account more and three currencies."""
from odoo import Command

from .common import ArCommon


class AgingCommon(ArCommon):
    """As of 2026-03-31, company currency USD; EUR 1 = USD 1.60 then (2.00 in January), JPY 100 = USD 1.

    | who | due | amount | |
    |---|---|---|---|
    | Harbour Fish (collector ann, tags North and Retail, risky) | 2026-04-15 | 100 | |
    | | 2026-03-01 | 200 | 30 days |
    | | 2026-02-10 | EUR 30 = 60 | 49 days |
    | | | -40 | cash of 2026-03-05 |
    | Harbour Fish Scotland (Harbour Fish is above it; tag Retail) | 2026-01-31 | 500 | 59 days, by bob |
    | Alder (no tag) | 2025-12-01 | JPY 7,000 = 70 | 120 days |
    | nobody | 2026-01-01 | 9 on another account | 89 days |
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jpy = cls.setup_other_currency('JPY', rates=[('1900-01-01', 100.0)])
        cls.usd = cls.company.currency_id
        cls.ann = cls.ar_user('ann', 'ar_coordinator.group_ar_user', name="Ann")
        cls.bob = cls.ar_user('bob', 'ar_coordinator.group_ar_user', name="Bob")
        cls.north, cls.retail = cls.env['res.partner.category'].create([{'name': "North"}, {'name': "Retail"}])
        cls.risk = cls.env['ar.credit.class'].create({'name': "Risky", 'limit_amount': 100})
        cls.customer.write({
            'is_company': True, 'ar_collector_id': cls.ann.id,
            'category_id': [Command.set((cls.retail | cls.north).ids)],
            'ar_credit_class_id': cls.risk.id, 'country_id': cls.quick_ref('base.fr').id})
        cls.branch = cls.env['res.partner'].create({
            'name': "Harbour Fish Scotland", 'is_company': True, 'parent_id': cls.customer.id, 'type': 'other',
            'country_id': cls.quick_ref('base.uk').id, 'category_id': [Command.set(cls.retail.ids)]})
        cls.other_customer.country_id = cls.quick_ref('base.uk')
        cls.second = cls.receivable.copy({'code': '121999', 'name': "Receivables II"})
        nobody = {'invoice_user_id': False}
        cls.not_due = cls.ar_invoice(100, '2026-03-16', '2026-04-15', **nobody)
        cls.late = cls.ar_invoice(200, '2026-01-30', '2026-03-01', **nobody)
        cls.in_eur = cls.ar_invoice(30, '2026-01-11', '2026-02-10', currency_id=cls.eur.id, **nobody)
        cls.ar_cash(15, '2026-01-20')
        cls.cash = cls.ar_cash(25, '2026-03-05')
        cls.of_branch = cls.ar_invoice(500, '2026-01-01', '2026-01-31', partner=cls.branch, invoice_user_id=cls.bob.id)
        cls.in_jpy = cls.ar_invoice(
            7_000, '2025-11-01', '2025-12-01', partner=cls.other_customer, currency_id=cls.jpy.id, **nobody)
        cls.entry = cls.env['account.move'].create({'move_type': 'entry', 'date': '2026-01-01', 'line_ids': [
            Command.create({'account_id': cls.second.id, 'balance': 9, 'date_maturity': '2026-01-01'}),
            Command.create({'account_id': cls.revenue.id, 'balance': -9})]})
        cls.entry.action_post()
        cls.as_of = '2026-03-31'

    def get_table(self, **options):
        return self.env['ar.aging.report'].get_data({
            'as_of': self.as_of, 'company_ids': self.company.ids, **options})

    def get_totals(self, **options):
        """{name: total} of the rows, in their order."""
        return {row['name']: row['total'] for row in self.get_table(**options)['rows']}
