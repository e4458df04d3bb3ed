"""Promises in a browser: a clerk notes one down on an invoice; a customer signs a payment plan on a phone."""
from odoo.tests import HttpCase, tagged

from .promise_common import TODAY, PromiseCommon


@tagged('post_install', '-at_install')
class TestPromiseTour(PromiseCommon, HttpCase):

    def test_promise_from_an_invoice(self):
        """Noted down on the invoice; the next run leaves the item alone and reminds of the other one."""
        invoice, other = self.ar_invoice(1000, '2026-05-01'), self.ar_invoice(500, '2026-05-02')
        self.start_tour(f'/odoo/action-account.action_move_out_invoice_type/{invoice.id}', 'ar_promise_from_invoice',
                        login='promise_clerk')
        promise = invoice.ar_promise_ids
        self.assertEqual((promise.amount, promise.date_promised.isoformat(), promise.state, promise.origin), (
            1000.0, '2026-06-24', 'open', 'clerk'))
        self.assertEqual((promise.user_id, promise.create_uid), (self.collector, self.clerk))
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'as_of': TODAY, 'company_id': self.company.id})
        run.action_preview()
        self.assertEqual(
            {outcome.move_id: outcome.reason for outcome in run.outcome_ids.sudo()},
            {invoice: 'promised', other: 'due'})


@tagged('post_install', '-at_install')
class TestPromisePhoneTour(PromiseCommon, HttpCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_customer_signs_the_plan(self):
        """From the link of the e-mail, without logging in."""
        invoice = self.ar_invoice(90, '2026-05-01')
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(
            self.ar_lines(invoice).with_user(self.clerk), 3, '2026-06-30')
        plan.action_propose()
        self.start_tour(plan.sudo().get_portal_url(), 'ar_plan_sign', login=None)
        self.assertEqual((plan.state, plan.signed_by), ('accepted', "Ada Harbour"))
        self.assertTrue(plan.signature)
        self.assertEqual(plan.promise_ids.amount, 30.0)
