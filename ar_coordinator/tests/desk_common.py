"""Fixtures of the desk's tests: Wednesday 2026-06-10, a clerk, rules of their own with round weights."""
from odoo import Command

from .promise_common import TODAY, PromiseCommon

__all__ = ['TODAY', 'DeskCommon']


class DeskCommon(PromiseCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ar.worklist.rule'].search([('company_id', '=', False)]).active = False
        cls.rules = {
            kind: cls.env['ar.worklist.rule'].create({
                'name': kind, 'kind': kind, 'weight': weight, 'company_id': cls.company.id, **vals})
            for kind, weight, vals in (
                ('overdue', 40, {'minimum': 10, 'full_at': 1000}), ('days', 20, {'days': 100}), ('broken', 30, {}),
                ('answer', 35, {}), ('follow_up', 35, {}), ('failed', 25, {}), ('held', 25, {}),
                ('dispute_late', 20, {}), ('promise_due', 15, {}), ('big_due', 10, {'minimum': 5000, 'days': 7}),
                ('rest', 0, {'days': 7}))}
        cls.sales = cls.ar_user('desk_sales', 'base.group_user,sales_team.group_sale_salesman') \
            if cls.env.ref('sales_team.group_sale_salesman', raise_if_not_found=False) \
            else cls.ar_user('desk_sales', 'base.group_user')

    def page(self, user=None, **options):
        """A page of the worklist of the test company."""
        return self.env['ar.worklist'].with_user(user or self.clerk).get_page(
            {'company_ids': self.company.ids, **options})

    def row(self, partner=None, **options):
        """The customer's row, or None."""
        partner = partner or self.customer
        return next((row for row in self.page(**options)['rows'] if row['partner_id'] == partner.id), None)

    def parts(self, partner=None, **options):
        """{kind: points} of a customer's row; None when it is not on the worklist."""
        row = self.row(partner, **options)
        return row and {part['kind']: part['points'] for part in row['parts']}

    @classmethod
    def ar_late_dispute(cls, move, amount, **vals):
        """A dispute nobody decided before its deadline."""
        return cls.env['ar.dispute'].create({
            'move_id': move.id, 'amount': amount, 'date_open': '2026-05-01', 'date_deadline': '2026-05-15',
            'reason_id': cls.env['ar.dispute.reason'].search([], limit=1).id, **vals})

    @classmethod
    def ar_answer(cls, partner=None, **vals):
        """An answer of the customer that nobody looked at."""
        return cls.env['ar.customer.answer'].sudo().create({
            'kind': 'contact', 'origin': 'portal', 'company_id': cls.company.id,
            'partner_id': (partner or cls.customer).id, 'contact_name': "Ada",
            'currency_id': cls.company.currency_id.id, **vals})

    @classmethod
    def other_books(cls):
        """Another company with an invoice of the same customer."""
        data = cls.setup_other_company()
        invoice = cls.env['account.move'].create({
            'move_type': 'out_invoice', 'company_id': data['company'].id, 'partner_id': cls.customer.id,
            'invoice_date': '2026-04-01', 'invoice_date_due': '2026-05-01', 'invoice_line_ids': [Command.create({
                'name': "x", 'price_unit': 300, 'tax_ids': [], 'account_id': data['default_account_revenue'].id})]})
        invoice.action_post()
        return data['company'], invoice
