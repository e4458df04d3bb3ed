"""The call log: what a call makes, when the customer is contacted again, what dunning makes of it; writing."""
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from .desk_common import DeskCommon


@tagged('post_install', '-at_install')
class TestCall(DeskCommon):

    def wizard(self, user=None, **vals):
        """The dialog as the worklist opens it."""
        action = self.env['ar.worklist'].with_user(user or self.clerk).get_action(
            self.customer.id, self.company.id, 'call')
        form = Form(self.env['ar.call.wizard'].with_user(user or self.clerk).with_context(**action['context']))
        for name, value in vals.items():
            form[name] = value
        return form.save()

    def log(self, **vals):
        self.wizard(**vals).action_log()
        return self.env['ar.call'].search([('partner_id', '=', self.customer.id)], limit=1)

    def test_promised(self):
        """The promise is about what is overdue; it ends the reason to call, and no task is needed."""
        self.ar_invoice(600, '2026-04-01')
        self.ar_invoice(400, '2026-06-01', '2026-07-01')  # not due
        call = self.log(outcome='promised', date_promised='2026-06-20', amount=500, note="After the holidays")
        promise = call.promise_id
        self.assertEqual((promise.amount, promise.date_promised.isoformat(), promise.note), (
            500.0, '2026-06-20', "After the holidays"))
        self.assertEqual((call.user_id, call.day.isoformat(), call.date_next), (self.clerk, '2026-06-10', False))
        self.assertEqual(self.env['ar.promise'].search_count([('partner_id', '=', self.customer.id)]), 1)
        self.assertIsNone(self.row(), "100 are left, and somebody spoke to him today")
        with freeze_time('2026-06-17 12:00:00'):
            self.assertEqual(self.row()['chased'], 100.0)
        self.assertIn("After the holidays", self.customer.message_ids[0].body)

    def test_promised_without_a_day_is_refused(self):
        self.ar_invoice(600, '2026-04-01')
        wizard = self.wizard()
        wizard.outcome = 'promised'
        with self.assertRaises(UserError):
            wizard.action_log()
        self.assertFalse(self.env['ar.call'].search([('partner_id', '=', self.customer.id)]))

    def test_disputed(self):
        invoice = self.ar_invoice(600, '2026-04-01')
        reason = self.env.ref('ar_coordinator.dispute_reason_price')
        call = self.log(outcome='disputed', reason_id=reason, note="Wrong price")
        self.assertEqual((call.dispute_ids.move_id, call.dispute_ids.amount, call.dispute_ids.customer_note), (
            invoice, 600.0, "Wrong price"))
        self.assertIsNone(self.row())

    def test_next_contact_makes_a_task_and_brings_him_back(self):
        """No answer: tomorrow again; until then he waits. The task is the collector's."""
        self.ar_invoice(600, '2026-04-01')
        call = self.log(outcome='no_answer')
        self.assertEqual((call.date_next.isoformat(), call.follow_up), ('2026-06-11', 'open'))
        self.assertEqual((call.activity_id.user_id, call.activity_id.date_deadline.isoformat()), (
            self.collector, '2026-06-11'))
        self.assertIsNone(self.row())
        with freeze_time('2026-06-11 12:00:00'):
            self.assertEqual(self.parts()['follow_up'], 35.0)
            self.assertEqual(self.row()['best'], 'write')
            later = self.log(outcome='left_message')
            self.assertEqual((call.follow_up, call.activity_id.active), ('done', False))
            self.assertEqual(later.date_next.isoformat(), '2026-06-15', "Saturday becomes Monday")
            self.assertIsNone(self.row())
        later.activity_id.with_user(self.collector).action_feedback()
        self.assertEqual(later.follow_up, 'done')
        with freeze_time('2026-06-15 12:00:00'):
            self.assertNotIn('follow_up', self.parts())

    def test_calls_count_for_the_team(self):
        self.log(outcome='no_answer')
        self.log(outcome='reached')
        rows = self.env['ar.collector.team'].with_user(self.manager).get_data(
            {'company_ids': self.company.ids})['rows']
        self.assertEqual({row['id']: row['calls'] for row in rows if row['calls']}, {self.clerk.id: 2})

    def test_rescheduled(self):
        call = self.log(outcome='will_check')
        call.with_user(self.clerk).date_next = '2026-06-30'
        self.assertEqual(call.activity_id.date_deadline.isoformat(), '2026-06-30')
        call.with_user(self.clerk).date_next = False
        self.assertEqual((call.follow_up, call.activity_id.exists()), (False, self.env['mail.activity']))

    def test_a_call_counts_as_contact_for_reminders(self):
        """Spoken to: no reminder within the quiet days; nobody answered: it goes out. A company may differ."""
        invoice = self.ar_invoice(600, '2026-04-01')
        self.company.ar_dunning_quiet_days = 7

        def reason():
            run = self.env['ar.dunning.run'].with_user(self.clerk).create({'company_id': self.company.id})
            run.action_preview()
            [outcome] = run.outcome_ids.sudo().filtered(lambda one: one.move_id == invoice)
            return outcome.reason
        self.log(outcome='no_answer')
        self.assertEqual(reason(), 'due')
        self.log(outcome='reached')
        self.assertEqual(reason(), 'quiet')
        self.company.ar_call_is_contact = False
        self.assertEqual(reason(), 'due')
        self.company.ar_call_is_contact = True
        with freeze_time('2026-06-17 12:00:00'):
            self.assertEqual(reason(), 'due')

    def test_what_was_logged_stays(self):
        call = self.log(outcome='reached', date_next=False)
        calls = self.env['ar.call'].with_user(self.clerk)
        for vals in ({'outcome': 'no_answer'}, {'partner_id': self.other_customer.id}, {'date': '2026-01-01'}):
            with self.assertRaises(UserError, msg=str(vals)):
                call.with_user(self.clerk).write(vals)
        with self.assertRaises(AccessError):
            call.with_user(self.clerk).follow_up = 'done'
        with self.assertRaises(AccessError):
            call.with_user(self.manager).unlink()
        values = {'partner_id': self.customer.id, 'company_id': self.company.id, 'outcome': 'reached'}
        with self.assertRaises(AccessError):
            calls.create({**values, 'user_id': self.manager.id})
        self.assertEqual(calls.with_context(default_user_id=self.manager.id).create(values).user_id, self.clerk)
        with self.assertRaises(ValidationError):
            calls.create({**values, 'date_next': '2026-06-09'})
        with self.assertRaises(ValidationError):
            calls.create({**values, 'contact_id': self.other_customer.id})

    def test_roles(self):
        call = self.log(outcome='reached')
        portal = new_test_user(self.env, login='call_portal', groups='base.group_portal')
        self.assertEqual(call.with_user(self.reader).outcome, 'reached')
        for user in (self.reader, self.sales, portal):
            with self.assertRaises(AccessError, msg=user.login):
                self.env['ar.call'].with_user(user).create({
                    'partner_id': self.customer.id, 'company_id': self.company.id, 'outcome': 'reached'})
            with self.assertRaises(AccessError, msg=user.login):
                self.env['ar.call.wizard'].with_user(user).create({
                    'partner_id': self.customer.id, 'company_id': self.company.id})
        for user in (self.sales, portal):
            with self.assertRaises(AccessError, msg=user.login):
                call.with_user(user).read(['note'])
            with self.assertRaises(AccessError, msg=user.login):
                self.env['ar.call.script'].with_user(user).search([])
        with self.assertRaises(AccessError):
            self.env.ref('ar_coordinator.ar_call_script_first').with_user(self.clerk).name = "x"

    def test_situation(self):
        """Which script is shown first."""
        wizard = self.env['ar.call.wizard'].with_user(self.clerk)
        self.assertEqual(wizard._get_situation(self.customer, self.company), 'first')
        invoice = self.ar_invoice(600, '2026-04-01')
        self.ar_late_dispute(invoice, 100)
        self.assertEqual(wizard._get_situation(self.customer, self.company), 'dispute')
        with freeze_time('2026-06-01 12:00:00'):
            self.ar_promise(invoice, '2026-06-05')
        self.ar_night('2026-06-08')
        self.assertEqual(wizard._get_situation(self.customer, self.company), 'broken')
        self.assertIn("What came in between", self.wizard().script)

    def test_write_in_the_customers_language_with_documents(self):
        """The composer has the text for the situation, the recipient, the items chosen and the statement."""
        invoice, other = self.ar_invoice(600, '2026-04-01'), self.ar_invoice(50, '2026-04-02')
        action = self.env['ar.customer.sheet'].with_user(self.clerk).get_action(
            self.customer.id, self.company.id, 'write', self.ar_lines(invoice).ids)
        wizard = Form(self.env['ar.write.wizard'].with_user(self.clerk).with_context(**action['context'])).save()
        self.assertEqual((wizard.recipient_ids, wizard.item_ids.move_id, wizard.attach_invoices), (
            self.customer, invoice, True))
        composer_action = wizard.action_compose()
        composer = Form(self.env['mail.compose.message'].with_user(self.clerk).with_context(
            **composer_action['context'])).save()
        self.assertIn(invoice.name, composer.body)
        self.assertIn("600.00", composer.body)
        self.assertNotIn(other.name, composer.body)
        self.assertEqual(composer.partner_ids, self.customer)
        self.assertEqual(len(composer.attachment_ids), 2, "the statement and the invoice")
        with self.mock_mail_gateway():
            composer._action_send_mail()
        message = self.customer.message_ids[0]
        self.assertEqual((message.author_id, len(message.attachment_ids)), (self.clerk.partner_id, 2))

    def test_never_another_customers_documents(self):
        """semantics 9.10: items, recipients and invoices of others are refused."""
        mine = self.ar_invoice(600, '2026-04-01')
        others = self.ar_invoice(50, '2026-04-02', partner=self.other_customer)
        with self.assertRaises(UserError):
            self.env['ar.customer.sheet'].with_user(self.clerk).get_action(
                self.customer.id, self.company.id, 'write', self.ar_lines(others).ids)
        wizard = self.env['ar.write.wizard'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'recipient_ids': self.customer.ids,
            'item_ids': self.ar_lines(others).ids, 'attach_statement': False})
        with self.assertRaises(UserError):
            wizard.action_compose()
        wizard.write({'recipient_ids': self.other_customer.ids, 'item_ids': self.ar_lines(mine).ids})
        with self.assertRaises(UserError):
            wizard.action_compose()
        body = self.customer.with_context(ar_item_ids=self.ar_lines(others).ids)._ar_render_open_items()
        self.assertNotIn(others.name, str(body))
