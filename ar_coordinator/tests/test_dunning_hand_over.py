"""Customers handed over: by the last level or by hand, left alone while they are, taken back by a manager."""
from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningHandOver(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(1000, '2026-03-01', due='2026-03-20')
        cls.level_1.hand_over = 'agency'

    def hand_overs(self, partner=None):
        return self.env['ar.hand.over'].search([('partner_id', '=', (partner or self.customer).id)])

    def test_level_hands_over(self):
        """With the letter, not with the preview; a task for a manager; the amounts are the ledger's."""
        self.level_1.hand_over_user_id = self.manager
        run = self.ar_run()
        self.assertFalse(self.hand_overs())
        with self.mock_mail_gateway():
            run.action_send()
        record = self.hand_overs()
        self.assertRecordValues(record, [{
            'company_id': self.company.id, 'to': 'agency', 'state': 'open', 'user_id': self.clerk.id,
            'letter_id': run.letter_ids.id, 'amount_receivable': 1000, 'amount_overdue': 1000}])
        self.assertEqual(record.reason, "Payment Reminder of 2026-03-31: $\N{NO-BREAK SPACE}1,000.00")
        self.assertRecordValues(record.activity_ids, [{
            'user_id': self.manager.id, 'summary': "Hand over Harbour Fish Ltd: Collection agency"}])
        self.assertFalse(run.letter_ids.step_failure)

    def test_task_goes_to_a_manager_only(self):
        """A clerk named on the level does not get it: only managers take customers back."""
        self.level_1.hand_over_user_id = self.clerk
        self.ar_send()
        user = self.hand_overs().activity_ids.user_id
        self.assertTrue(user.has_group('ar_coordinator.group_ar_manager'))
        self.assertIn(self.company, user.company_ids)

    def test_default_policy_hands_nobody_over(self):
        self.level_1.hand_over = 'none'
        self.ar_send()
        self.assertFalse(self.hand_overs())

    def test_no_reminder_while_handed_over(self):
        """All of the customer's items are left out, with the reason; other customers go on."""
        self.ar_send()
        other = self.ar_invoice(100, '2026-02-01', due='2026-02-10')
        theirs = self.ar_invoice(50, '2026-02-01', due='2026-02-10', partner=self.other_customer)
        self.company.ar_dunning_quiet_days = 0
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'skipped', 'handed_over')
        self.assertOutcome(run, other, 'skipped', 'handed_over')
        self.assertOutcome(run, theirs, 'sent', 'due', 50.0)

    def test_handed_over_between_preview_and_send(self):
        """The gate reads it again."""
        self.level_1.hand_over = 'none'
        run = self.ar_run()
        self.env['ar.hand.over'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'to': 'legal', 'reason': "Went to court"})
        run.action_send()
        self.assertEqual(run.letter_ids.state, 'cancelled')
        self.assertOutcome(run, self.invoice, 'skipped', 'handed_over')

    def test_take_back(self):
        """By a manager only, once; it sends nothing, and the next run proposes the next level."""
        self.ar_send()
        record = self.hand_overs()
        for user in (self.reader, self.clerk):
            with self.assertRaises(AccessError):
                record.with_user(user).action_return()
        with self.new_mails() as mails:
            record.with_user(self.manager).action_return()
        self.assertFalse(mails.records)
        self.assertRecordValues(record, [{
            'state': 'returned', 'returned_by_id': self.manager.id, 'activity_ids': []}])
        with self.assertRaises(UserError):
            record.with_user(self.manager).action_return()
        self.company.ar_dunning_quiet_days = 0
        self.invoice.line_ids.filtered('date_maturity').date_maturity = '2026-03-10'
        self.assertEqual(self.ar_run().letter_ids.level_id, self.level_2)

    def test_shown_on_customer_and_invoices(self):
        """To whom and since when, to those who may know; filters find them, in this company only."""
        self.ar_send()
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        note = "Collection agency since 03/31/2026: Payment Reminder of 2026-03-31: $\xa01,000.00"
        partners = (self.customer + contact + self.other_customer).with_user(self.reader).with_company(self.company)
        self.assertEqual(partners.mapped('ar_hand_over_note'), [note, note, False])
        own = [('id', 'in', partners.ids)]
        self.assertEqual(partners.search([*own, ('ar_is_handed_over', '=', True)]), partners[:2])
        self.assertEqual(partners.search([*own, ('ar_is_handed_over', '=', False)]), partners[2])
        other = self.ar_invoice(10, '2026-03-01', partner=self.other_customer)
        moves = (self.invoice + other).with_user(self.reader).with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(moves.mapped('ar_hand_over_note'), [note, False])
        own = [('id', 'in', moves.ids)]
        self.assertEqual(moves.search([*own, ('ar_is_handed_over', '=', True)]).ids, self.invoice.ids)
        self.assertEqual(moves.search([*own, ('ar_is_handed_over', '=', False)]).ids, other.ids)
        for record in (partners[1], moves[0]):
            action = record.action_ar_view_hand_over()
            self.assertEqual(self.env['ar.hand.over'].search(action['domain']), self.hand_overs())
        company = self.setup_other_company()['company']
        self.assertFalse(self.customer.with_company(company).ar_hand_over_note)
        self.hand_overs().with_user(self.manager).action_return()
        (partners + contact).invalidate_recordset()
        moves.invalidate_recordset()
        self.assertFalse(partners[0].ar_hand_over_note or moves[0].ar_hand_over_note)
        self.assertFalse(moves.search([*own, ('ar_is_handed_over', '=', True)]))
        with self.assertRaises(AccessError):
            self.customer.with_user(self.ar_user('hand_over_sales', 'base.group_user')).read(['ar_hand_over_note'])

    def test_roles(self):
        """Readers read, users hand over, nobody moves the state but by the button."""
        vals = {'partner_id': self.customer.id, 'to': 'management', 'reason': "Asked for by the board"}
        with self.assertRaises(AccessError):
            self.env['ar.hand.over'].with_user(self.reader).create(vals)
        record = self.env['ar.hand.over'].with_user(self.clerk).create(vals)
        self.assertEqual(record.with_user(self.reader).to, 'management')
        record.reason = "Asked for by the chair"
        for user in (self.clerk, self.manager):
            for change in ({'state': 'returned'}, {'partner_id': self.other_customer.id}):
                with self.subTest(user=user.login, **change), self.assertRaises(AccessError):
                    record.with_user(user).write(change)
            with self.assertRaises(AccessError):
                record.with_user(user).unlink()
        with self.assertRaises(AccessError):
            self.env['ar.hand.over'].with_user(self.clerk).create({**vals, 'state': 'returned'})

    def test_other_companies_do_not_see_it(self):
        self.ar_send()
        other = self.env['res.company'].create({'name': "Hand Over Other Co"})
        stranger = self.ar_user('hand_over_stranger', 'ar_coordinator.group_ar_manager')
        stranger.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        self.assertFalse(self.env['ar.hand.over'].with_user(stranger).search([]))
        self.assertEqual(self.env['ar.hand.over']._handed_over(other, self.customer.ids), set())

    def test_contact_counts_as_its_customer_and_once(self):
        contact = self.env['res.partner'].create({'name': "Jo", 'parent_id': self.customer.id})
        vals = {'to': 'legal', 'reason': "Court"}
        record = self.env['ar.hand.over'].create({**vals, 'partner_id': contact.id})
        self.assertEqual(record.partner_id, self.customer)
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
            self.env['ar.hand.over'].create({**vals, 'partner_id': self.customer.id})

    def test_two_currencies_one_hand_over(self):
        """Two letters to one customer hand him over once, and both go."""
        self.ar_invoice(500, '2026-03-01', due='2026-03-20', currency_id=self.eur.id)
        run = self.ar_send()
        self.assertEqual(run.letter_ids.mapped('state'), ['queued', 'queued'])
        self.assertEqual(len(self.hand_overs()), 1)
        self.assertFalse(any(run.letter_ids.mapped('step_failure')))

    def test_cancelled_or_bounced_letter_hands_nobody_over(self):
        for spoil in ('cancel', 'bounce'):
            with self.subTest(spoil):
                letter = self.ar_send().letter_ids
                if spoil == 'cancel':
                    letter.with_user(self.clerk).action_cancel()
                else:
                    self.ar_notification(letter).write({'notification_status': 'bounce'})
                self.assertEqual(letter.hand_over_ids.mapped('state'), ['returned'])
                self.assertFalse(letter.hand_over_ids.activity_ids)
