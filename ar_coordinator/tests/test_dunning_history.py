"""The history of reminders on invoices and customers, filters, chatter notes, one customer's run, calls."""
from datetime import date

from markupsafe import Markup

from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.ar_coordinator.models.ar_bulk import log_notes

from .dunning_common import TODAY, DunningCommon, contact, instalment_terms


@tagged('post_install', '-at_install')
class TestDunningHistory(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-10', partner=cls.other_customer)
        cls.company.ar_dunning_quiet_days = 0

    def history(self, record, user=None):
        record = record.with_user(user or self.clerk).with_company(self.company)
        record.invalidate_recordset()
        return record.ar_reminder_count, record.ar_last_reminder_date, record.ar_dunning_level_id

    def found(self, model, field, value=True, operator='='):
        """Records of this test that a filter finds."""
        own = {'account.move': self.env['account.move'].search([('company_id', '=', self.company.id)]),
               'res.partner': self.customer + self.other_customer}[model]
        records = self.env[model].with_user(self.clerk).with_context(allowed_company_ids=self.company.ids)
        return records.search([(field, operator, value), ('id', 'in', own.ids)])

    def notes(self, record):
        return [message.body for message in record.message_ids if message.subtype_id == self.env.ref('mail.mt_note')
                and 'ar.dunning.letter' in message.body]

    def test_last_reminder(self):
        """Count, date and level on invoice, customer and contact; a draft counts for nothing."""
        buyer = contact(self.env, self.customer, "Buyer")
        self.ar_run()
        nothing = (0, False, self.env['ar.dunning.level'])
        self.assertEqual(self.history(self.first), nothing)
        self.ar_send('2026-03-10')
        for record in (self.first, self.customer, buyer):
            self.assertEqual(self.history(record), (1, date(2026, 3, 10), self.level_1))
        self.ar_send(TODAY)
        for record in (self.first, self.customer, buyer):
            self.assertEqual(self.history(record, self.reader), (2, date(2026, 3, 31), self.level_2))
        self.assertEqual(self.history(self.other), (1, date(2026, 3, 31), self.level_1))
        action = self.first.action_ar_view_reminders()
        self.assertEqual(
            [(line.level_id, line.amount_asked)
             for line in self.env['ar.dunning.letter.line'].search(action['domain'], order='date desc')],
            [(self.level_2, 100), (self.level_1, 100)])
        action = buyer.with_company(self.company).action_ar_view_reminders()
        self.assertEqual(
            self.env['ar.dunning.letter'].search(action['domain'] + [('state', '!=', 'draft')]).mapped('level_id.name'),
            [self.level_2.name, self.level_1.name])

    def test_search_last_reminder(self):
        self.ar_send('2026-03-10')
        self.ar_send(TODAY)
        for field, value, operator, moves in (
            ('ar_last_reminder_date', TODAY, '=', self.first + self.other),
            ('ar_last_reminder_date', TODAY, '<', self.first.browse()),
            ('ar_last_reminder_date', '2026-03-30', '>', self.first + self.other),
            ('ar_last_reminder_date', False, '=', self.first.browse()),
            ('ar_dunning_level_id', self.level_2.id, '=', self.first),
            ('ar_dunning_level_id', self.level_1.id, '=', self.other),
            ('ar_dunning_level_id', self.level_2.name, 'ilike', self.first),
            ('ar_dunning_level_id', False, '=', self.first.browse()),
        ):
            with self.subTest(field=field, value=value, operator=operator):
                self.assertEqual(self.found('account.move', field, value, operator), moves)
        new = self.ar_invoice(10, '2026-03-01')
        self.assertEqual(self.found('account.move', 'ar_dunning_level_id', False), new)
        self.assertEqual(self.found('account.move', 'ar_last_reminder_date', False), new)

    def test_instalments(self):
        """The last level of an invoice is the highest its instalments got on that day."""
        move = self.ar_invoice(1000, '2026-01-20', invoice_payment_term_id=instalment_terms(self.env).id)
        self.ar_send('2026-03-10')
        self.ar_send(TODAY)
        self.assertEqual(self.history(move), (2, date(2026, 3, 31), self.level_2))

    def test_filters(self):
        """To be reminded, never reminded, failed: as a run of today decides, and as the letters say."""
        not_due = self.ar_invoice(70, '2026-03-01', '2026-03-30')
        self.assertEqual(self.found('account.move', 'ar_is_to_remind'), self.other + self.first)
        self.assertEqual(self.found('account.move', 'ar_is_never_reminded'), not_due + self.other + self.first)
        self.assertFalse(self.found('account.move', 'ar_is_reminder_failed'))
        self.assertEqual(self.found('res.partner', 'ar_is_to_remind'), self.other_customer + self.customer)
        self.ar_dispute(self.other, 50)
        self.assertEqual(self.found('account.move', 'ar_is_to_remind'), self.first)
        self.assertEqual(self.found('res.partner', 'ar_is_to_remind'), self.customer)
        run = self.ar_send()
        self.assertFalse(self.found('res.partner', 'ar_is_reminder_failed'))
        self.assertEqual(self.found('account.move', 'ar_is_never_reminded'), not_due + self.other)
        self.assertEqual(self.found('res.partner', 'ar_is_never_reminded'), self.other_customer)
        self.ar_notification(run.letter_ids).write({'notification_status': 'bounce', 'failure_type': 'mail_bounce'})
        self.assertEqual(self.found('account.move', 'ar_is_reminder_failed'), self.first)
        self.assertEqual(self.found('res.partner', 'ar_is_reminder_failed'), self.customer)
        self.assertEqual(self.found('res.partner', 'ar_is_reminder_failed', False), self.other_customer)
        for record, flags in (
            (self.first, (True, True, True)), (self.customer, (True, True, True)),
            (self.other, (False, True, False)), (self.other_customer, (False, True, False)),
            (not_due, (False, True, False)),
        ):
            record.invalidate_recordset()
            record = record.with_user(self.clerk).with_company(self.company)
            self.assertEqual(
                (record.ar_is_to_remind, record.ar_is_never_reminded, record.ar_is_reminder_failed), flags)
        again = self.ar_send()
        self.assertEqual(again.letter_ids.channel, 'letter', "the address bounced: by post")
        self.assertFalse(self.found('account.move', 'ar_is_reminder_failed'))

    def test_paid_leaves_the_filters(self):
        run = self.ar_send()
        self.ar_notification(run.letter_ids[0]).write({'notification_status': 'bounce', 'failure_type': 'mail_bounce'})
        self.ar_pay(self.first, TODAY)
        self.ar_pay(self.other, TODAY)
        for name in ('ar_is_to_remind', 'ar_is_never_reminded', 'ar_is_reminder_failed'):
            self.assertFalse(self.found('account.move', name), name)
            self.assertFalse(self.found('res.partner', name), name)

    def test_chatter(self):
        """Customer and invoice note what was sent, and what came back."""
        run = self.ar_send()
        letter = run.letter_ids.filtered(lambda letter: letter.partner_id == self.customer)
        for record in (self.customer, self.first):
            [note] = self.notes(record)
            for text in (self.level_1.name, "100.00", "office@harbourfish.example.com", f'data-oe-id="{letter.id}"'):
                self.assertIn(text, note)
        self.ar_notification(letter).write({'notification_status': 'bounce', 'failure_type': 'mail_bounce'})
        for record in (self.customer, self.first):
            [note] = self.notes(record)[:1]
            self.assertIn("did not reach office@harbourfish.example.com", note)
        self.assertEqual(len(self.notes(self.other)), 1)

    def test_no_notes_on_invoices(self):
        self.company.ar_dunning_note_on_invoices = False
        self.ar_send()
        self.assertEqual((len(self.notes(self.customer)), len(self.notes(self.first))), (1, 0))

    def test_notes_cost_no_query_per_customer(self):
        """Ten customers more need no more queries for their notes than one, but for rows written in batches."""
        def count(number):
            partners = self.env['res.partner'].create([
                {'name': f"Customer {number}-{index}", 'email': f'c{number}-{index}@example.com'}
                for index in range(number)])
            for partner in partners:
                self.ar_invoice(10, '2026-02-01', '2026-03-01', partner=partner)
            run = self.ar_send()
            letters = run.sudo().letter_ids.filtered(lambda letter: letter.partner_id in partners)
            self.assertEqual(len(letters), number)
            self.env.flush_all()
            letters.mapped(lambda letter: (letter.recipient_id.display_name, letter.line_ids.move_id, letter.name))
            before = self.cr.sql_log_count
            letters._note_in_chatter()
            self.env.flush_all()
            return self.cr.sql_log_count - before
        count(1)
        self.assertLessEqual(count(10), count(1) + 3)

    def test_notes_are_what_odoo_writes(self):
        """Notes written in one statement differ from Odoo's own only in record and text, and are as clean."""
        records = self.customer + self.other_customer + contact(self.env, self.customer, "Buyer")
        records.mapped('message_ids')  # cached, and stale afterwards
        bodies = {
            record.id: Markup('<p style="color: red" onclick="steal()">%s</p>') % f"<{record.name}>"
            for record in records}
        own = records._message_log_batch(bodies)
        log_notes(records, bodies)
        columns = [
            name for name, field in own._fields.items() if field.store and field.type not in ('one2many', 'many2many')
            and name not in ('id', 'message_id')]
        for record, expected in zip(records, own, strict=True):
            note = record.message_ids[0]
            self.assertNotEqual(note, expected)
            self.assertEqual(*({**message.read(columns, load=False)[0], 'id': None} for message in (note, expected)))
            self.assertIn(Markup.escape(f"<{record.name}>"), note.body)
            self.assertNotIn('steal', note.body)
        log_notes(records, {})

    def test_history_survives(self):
        """Part payment, un-reconciling and archiving of policy and levels leave the history as it was."""
        self.ar_send('2026-03-10')
        self.ar_pay(self.first, '2026-03-20', amount=40)
        self.assertEqual(self.history(self.first)[0], 1)
        self.ar_lines(self.first).remove_move_reconcile()
        self.assertEqual(self.history(self.first), (1, date(2026, 3, 10), self.level_1))
        run = self.ar_run()
        self.assertEqual(
            run.outcome_ids.filtered(lambda outcome: outcome.move_id == self.first).level_id, self.level_2)
        self.policy.level_ids.action_archive()
        self.company.ar_dunning_policy_id = False
        self.policy.action_archive()
        self.assertEqual(self.history(self.first), (1, date(2026, 3, 10), self.level_1))
        self.assertIn("Payment reminder", self.env['ar.dunning.letter.line'].search(
            [('move_id', '=', self.first.id), ('state', '=', 'queued')]).letter_id.message)

    def test_history_survives_merging_customers(self):
        """Merged customers keep their letters, levels and what was sent; nothing is sent again."""
        run = self.ar_send()
        sent = {letter.id: (letter.level_id, letter.amount_total, str(letter.body_sent)) for letter in run.letter_ids}
        run.change_ids.sudo().create({
            'run_id': run.id, 'kind': 'customer', 'partner_id': self.other_customer.id, 'reason': "x",
            'user_id': self.clerk.id})
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.customer + self.other_customer).ids, self.customer)
        self.env.invalidate_all()
        letters = run.letter_ids
        self.assertEqual(letters.partner_id, self.customer)
        self.assertEqual(letters.line_ids.partner_id, self.customer)
        self.assertEqual(run.outcome_ids.partner_id, self.customer)
        self.assertEqual(run.change_ids.partner_id, self.customer)
        self.assertEqual(
            {letter.id: (letter.level_id, letter.amount_total, str(letter.body_sent)) for letter in letters}, sent)
        self.assertEqual(self.history(self.customer), (2, date(2026, 3, 31), self.level_1))
        again = self.ar_run()
        levels = {outcome.move_id: (outcome.level_id, outcome.reason) for outcome in again.outcome_ids}
        self.assertEqual(levels[self.other], (self.level_2, 'due'))
        self.assertEqual(levels[self.first], (self.level_2, 'due'))

    # === BUTTONS === #

    def test_send_reminder_now(self):
        """A run for one customer: previewed, gated and sent like any other."""
        buyer = contact(self.env, self.customer, "Buyer").with_user(self.clerk).with_company(self.company)
        action = buyer.action_ar_send_reminder()
        run = self.env[action['res_model']].browse(action['res_id'])
        self.assertEqual(
            (run.state, run.partner_id, run.letter_ids.partner_id), ('preview', self.customer, self.customer))
        self.assertEqual(run.outcome_ids.move_id, self.first)
        self.assertIn("Harbour Fish Ltd", run.name)
        self.ar_dispute(self.first, 100)
        with self.mock_mail_gateway():
            run.with_user(self.clerk).action_send()
        self.assertEqual(run.letter_ids.state, 'cancelled', "never around the gate")
        self.assertOutcome(run, self.first, 'skipped', 'disputed')

    def test_send_reminder_needs_the_role(self):
        with self.assertRaises(AccessError):
            self.customer.with_user(self.reader).with_company(self.company).action_ar_send_reminder()
        with self.assertRaises(AccessError):
            self.customer.with_user(self.reader).with_company(self.company).action_ar_call()

    def test_call(self):
        """The collector gets a call with the open items, or whoever plans it."""
        self.ar_dispute(self.first, 25)
        self.customer.phone = '+1 555 0123'
        customer = self.customer.with_user(self.clerk).with_company(self.company)
        customer.action_ar_call()
        self.customer.with_company(self.company).ar_collector_id = self.manager
        customer.action_ar_call()
        mine, theirs = self.customer.activity_ids.sorted('id')
        self.assertEqual((mine.user_id, theirs.user_id), (self.clerk, self.manager))
        self.assertEqual(mine.date_deadline, date(2026, 3, 31))
        self.assertEqual(mine.activity_type_id, self.env.ref('mail.mail_activity_data_call'))
        for text in (self.first.name, "100.00", "25.00", "03/01/2026", "+1 555 0123"):
            self.assertIn(text, mine.note)

    def test_run_title(self):
        self.company.partner_id.lang = 'en_US'
        self.assertEqual(self.ar_run(preview=False).name, f"Reminders 03/31/2026, {self.company.name}")
