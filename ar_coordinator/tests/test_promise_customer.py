"""What customers and invoices know of promises, by role and company; the wizards; uninstalling."""
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.ar_coordinator.hooks import USERS_TABLES

from .promise_common import TODAY, PromiseCommon


@tagged('post_install', '-at_install')
class TestPromiseCustomer(PromiseCommon):

    def test_kept_rate(self):
        """One kept, one half kept, one broken: 50 %; cleared, withdrawn and open ones do not count."""
        kept, half, broken, cleared, withdrawn, still_open = (
            self.ar_invoice(100, f'2026-05-0{day}') for day in range(1, 7))
        for invoice in (kept, half, broken, cleared, withdrawn):
            self.ar_promise(invoice, '2026-06-15')
        withdrawn.ar_promise_ids.with_user(self.clerk).action_withdraw()
        self.ar_promise(still_open, '2026-07-15')
        self.ar_pay(kept, TODAY)
        self.ar_pay(half, TODAY, 50)
        self.ar_match(cleared, self.ar_invoice(100, TODAY, move_type='out_refund'))
        self.ar_commit()
        self.ar_night('2026-06-17')
        customer = self.customer.with_user(self.reader)
        self.assertEqual((customer.ar_promise_count, customer.ar_promise_open_count), (3, 1))
        self.assertAlmostEqual(customer.ar_promise_kept_rate, 50.0)
        self.assertEqual(self.env['ar.promise'].search([('partner_id', '=', customer.id)])[0].partner_kept_rate, 50.0)
        partners = self.env['res.partner']
        self.assertIn(customer, partners.search([('ar_promise_kept_rate', '<', 60)]))
        self.assertNotIn(customer, partners.search([('ar_promise_kept_rate', '>', 60)]))
        self.assertNotIn(
            self.other_customer, partners.search([('ar_promise_kept_rate', '<', 60)]), "no promise, no rate")
        days = self.env['ar.promise']._get_broken_promises(self.customer + self.other_customer, self.company)
        self.assertEqual([day.isoformat() for day in days.pop(self.customer.id)], ['2026-06-17'] * 2)
        self.assertFalse(days)
        self.assertFalse(self.env['ar.promise']._get_broken_promises(
            self.customer, self.company, since=date(2026, 6, 18)))

    def test_invoice_shows_its_promise(self):
        invoice = self.ar_invoice(1000, '2026-05-01')
        item = self.ar_lines(invoice)
        self.assertFalse(invoice.ar_promised_date)
        promise = self.ar_promise(invoice, '2026-06-24', {item.id: 600})
        self.ar_pay(invoice, TODAY, 200)
        self.ar_commit()
        invoice.invalidate_recordset()
        self.assertEqual((invoice.ar_promised_date.isoformat(), invoice.ar_promised_amount), ('2026-06-24', 400.0))
        self.assertEqual((invoice.ar_promise_ids, invoice.ar_promise_count), (promise, 1))
        moves = self.env['account.move']
        self.assertEqual(moves.search([('ar_promised_date', '<', '2026-07-01')]), invoice)
        self.assertFalse(moves.search([('ar_promised_date', '>', '2026-07-01')]))
        self.assertIn(invoice, moves.search([('ar_promised_date', '!=', False)]))
        self.assertNotIn(invoice, moves.search([('ar_promised_date', '=', False)]))
        self.assertEqual(moves.search([('ar_promise_ids', 'in', promise.ids)]), invoice)

    def test_wizard_notes_a_part_oldest_first_and_replaces(self):
        """700 of 1,500: the older invoice in full; a second promise replaces the first, which counts as not kept."""
        older, newer = self.ar_invoice(500, '2026-05-01'), self.ar_invoice(1000, '2026-05-02')
        action = (newer + older).with_user(self.clerk).action_ar_promise()
        form = Form(self.env['ar.promise.wizard'].with_user(self.clerk).with_context(**action['context']))
        self.assertEqual((form.amount, form.amount_open), (1500.0, 1500.0))
        form.amount = 700
        form.date_promised = '2026-06-24'
        form.save().action_promise()
        self.assertEqual(
            {line.move_id: line.amount for line in (older + newer).ar_promise_ids.line_ids}, {older: 500, newer: 200})
        form = Form(self.env['ar.promise.wizard'].with_user(self.clerk).with_context(**action['context']))
        form.date_promised = '2026-06-30'
        form.save().action_promise()
        promises = (older + newer).ar_promise_ids.sorted('id')
        self.assertEqual(promises.mapped('state'), ['withdrawn', 'open'])
        self.assertEqual(promises.mapped('level'), [0, 1])
        form = Form(self.env['ar.promise.wizard'].with_user(self.clerk).with_context(**action['context']))
        form.date_promised = '2026-06-30'
        form.amount = 1501
        with self.assertRaisesRegex(UserError, "Enter an amount between 0 and"):
            form.save().action_promise()

    def test_wizard_makes_a_promise_for_each_customer_and_currency(self):
        own, foreign, others = (
            self.ar_invoice(500, '2026-05-01'), self.ar_invoice(100, '2026-05-01', currency_id=self.eur.id),
            self.ar_invoice(70, '2026-05-01', partner=self.other_customer))
        action = (own + foreign + others).with_user(self.clerk).action_ar_promise()
        form = Form(self.env['ar.promise.wizard'].with_user(self.clerk).with_context(**action['context']))
        form.date_promised = '2026-06-24'
        form.save().action_promise()
        self.assertEqual(
            sorted((promise.partner_id.name, promise.currency_id.name, promise.amount)
                   for promise in (own + foreign + others).ar_promise_ids),
            [("Alder & Sons", 'USD', 70.0), ("Harbour Fish Ltd", 'EUR', 100.0), ("Harbour Fish Ltd", 'USD', 500.0)])

    def test_plan_wizard(self):
        invoice = self.ar_invoice(100, '2026-05-01')
        action = invoice.with_user(self.clerk).action_ar_plan()
        form = Form(self.env['ar.promise.plan.wizard'].with_user(self.clerk).with_context(**action['context']))
        form.count, form.date_first, form.every, form.interval = 4, '2026-06-15', 2, 'weeks'
        self.assertIn("06/29/2026", form.preview)
        plan = self.env['ar.promise.plan'].browse(form.save().action_plan()['res_id'])
        self.assertEqual(
            [line.date.isoformat() for line in plan.instalment_ids],
            ['2026-06-15', '2026-06-29', '2026-07-13', '2026-07-27'])

    def test_customer_buttons_take_what_is_overdue_and_free(self):
        """Overdue, not promised, not disputed; what is not due only when nothing else is there."""
        overdue, promised, later = (
            self.ar_invoice(10, '2026-05-01'), self.ar_invoice(20, '2026-05-02'),
            self.ar_invoice(30, '2026-06-01', '2026-06-30'))
        self.ar_promise(promised, '2026-06-24')
        customer = self.customer.with_user(self.clerk).with_company(self.company)
        self.assertEqual(customer.action_ar_promise()['context']['default_item_ids'], self.ar_lines(overdue).ids)
        self.ar_pay(overdue, TODAY)
        self.assertEqual(customer.action_ar_plan()['context']['default_item_ids'], self.ar_lines(later).ids)
        self.ar_pay(later, TODAY)
        with self.assertRaisesRegex(UserError, "has no open items"):
            customer.action_ar_promise()
        with self.assertRaisesRegex(UserError, "not a posted customer invoice"):
            self.ar_invoice(10, '2026-05-01', post=False).action_ar_promise()

    def test_roles(self):
        """Clerks note down, readers look, salespeople and billing clerks of other desks see nothing."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        with self.assertRaises(AccessError):
            self.ar_promise(invoice, '2026-06-24', user=self.reader)
        promise = self.ar_promise(invoice, '2026-06-24')
        self.assertEqual(promise.with_user(self.reader).amount, 1000.0)
        outsider = self.ar_user('promise_sales', 'base.group_user')
        for record in (promise, promise.line_ids):
            with self.assertRaises(AccessError):
                record.with_user(outsider).read(['amount'])
        for user in (self.clerk, self.manager):
            with self.assertRaises(UserError):
                promise.with_user(user).unlink()

    def test_payments_of_users_without_the_desk_are_judged(self):
        """Whoever books payments need not know of promises."""
        biller = self.ar_user('promise_biller', 'account.group_account_invoice')
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        self.env['account.payment.register'].with_user(biller).with_context(
            active_model='account.move', active_ids=invoice.ids).create(
                {'payment_date': TODAY, 'journal_id': self.bank.id})._create_payments()
        self.ar_commit()
        self.assertEqual(promise.state, 'kept')

    def test_many_at_once_are_left_to_the_job(self):
        """Matching the payments of many promises marks them; the job judges them and takes the mark off."""
        invoices = self.ar_invoice(100, '2026-05-01') + self.ar_invoice(200, '2026-05-02')
        for invoice in invoices:
            self.ar_promise(invoice, '2026-06-24')
        promises = invoices.ar_promise_ids
        with patch('odoo.addons.ar_coordinator.models.ar_promise_judge.AT_ONCE', 1):
            self.ar_pay(invoices, TODAY, group_payment=True)
            self.ar_commit()
        self.assertEqual((promises.mapped('state'), promises.mapped('to_judge')), (['open'] * 2, [True] * 2))
        self.ar_night(TODAY)
        self.assertEqual((promises.mapped('state'), promises.mapped('to_judge')), (['kept'] * 2, [False] * 2))

    def test_trouble_with_promises_never_stops_a_payment(self):
        """What cannot be judged is logged and left to the job; there, one promise's trouble stops no other."""
        invoice, other = self.ar_invoice(100, '2026-05-01'), self.ar_invoice(200, '2026-05-02')
        promise, second = self.ar_promise(invoice, '2026-06-24'), self.ar_promise(other, '2026-06-24')
        apply = type(promise)._apply

        def fail(self, *args):
            if self.id == promise.id:
                raise ValueError("no verdict")
            return apply(self, *args)

        with patch.object(type(promise), '_apply', fail), \
                self.assertLogs('odoo.addons.ar_coordinator.models.ar_promise_judge', 'ERROR') as logs:
            payment = self.ar_pay(invoice + other, TODAY, group_payment=True)
            self.ar_commit()
            self.assertEqual((payment.state, promise.to_judge), ('paid', True))
            self.ar_night(TODAY)
        self.assertEqual(len(logs.output), 2)
        self.assertEqual((promise.state, second.state), ('open', 'kept'))
        self.ar_night(TODAY)
        self.assertEqual(promise.state, 'kept')

    def test_other_company(self):
        """A clerk of another company neither sees nor judges; each company has its own day."""
        other = self.setup_other_company(name="Southern Branch")['company']
        stranger = self.env['res.users'].create({
            'name': "Stranger", 'login': 'promise_stranger', 'company_id': other.id,
            'company_ids': [Command.set(other.ids)],
            'group_ids': [Command.link(self.env.ref('ar_coordinator.group_ar_user').id)]})
        promise = self.ar_promise(self.ar_invoice(1000, '2026-05-01'), '2026-06-24')
        self.assertFalse(self.env['ar.promise'].with_user(stranger).search([('id', '=', promise.id)]))
        with self.assertRaises(AccessError):
            promise.with_user(stranger).action_withdraw()
        rates = self.env['ar.promise']._get_kept_rates(other, self.customer)
        self.assertFalse(rates)

    def test_judged_in_the_companys_own_day(self):
        """23:30 UTC on 06-25 is 06-26 in Auckland, not in New York."""
        promise = self.ar_promise(self.ar_invoice(1000, '2026-05-01'), '2026-06-24')
        for timezone, state in (('America/New_York', 'open'), ('Pacific/Auckland', 'broken')):
            self.company.partner_id.tz = timezone
            with freeze_time('2026-06-25 23:30:00'), self.enter_registry_test_mode():
                self.env.ref('ar_coordinator.ir_cron_ar_promise').method_direct_trigger()
            self.env.invalidate_all()
            self.assertEqual(promise.state, state)

    def test_reset_to_draft_and_posted_again(self):
        """The promise waits while the invoice is a draft, and follows it to its new items."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        invoice.button_draft()
        self.ar_night('2026-06-26')
        self.assertEqual(promise.state, 'open', "nobody knows what will be open on it")
        invoice.invoice_line_ids.price_unit = 900
        invoice.action_post()
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'as_of': TODAY, 'company_id': self.company.id})
        run.action_preview()
        self.assertEqual(run.outcome_ids.sudo().reason, 'promised')
        self.ar_pay(invoice, '2026-06-20')
        self.ar_commit()
        self.ar_night('2026-06-26')
        self.assertEqual((promise.state, promise.amount_in_time), ('kept', 900.0))
        self.assertTrue(promise.line_ids.move_line_id)

    def test_uninstall_hook_knows_the_tables(self):
        """Children before what they refer to."""
        tables = [table for table in USERS_TABLES if table.startswith('ar_promise')]
        self.assertEqual(
            tables, ['ar_promise_instalment', 'ar_promise_line', 'ar_promise', 'ar_promise_plan_item',
                     'ar_promise_plan'])
