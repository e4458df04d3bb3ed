"""Pauses: a customer or an invoice left alone until a day; roles; ending one sends nothing."""
from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestPause(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.second = cls.ar_invoice(200, '2026-02-01', '2026-03-01')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-01', partner=cls.other_customer)

    def pause(self, user=None, **vals):
        return self.env['ar.pause'].with_user(user or self.clerk).create({
            'company_id': self.company.id, 'reason': "Talks about a delivery", 'date_end': '2026-04-15', **vals})

    def outcomes(self, run):
        return {
            outcome.move_id: (outcome.result, outcome.reason) for outcome in run.outcome_ids}

    def test_a_paused_invoice_waits_the_others_do_not(self):
        self.pause(move_id=self.first.id)
        run = self.ar_run()
        self.assertEqual(self.outcomes(run), {
            self.first: ('skipped', 'paused'), self.second: ('sent', 'due'), self.other: ('sent', 'due')})
        letter = run.letter_ids.filtered(lambda letter: letter.partner_id == self.customer)
        self.assertEqual(letter.amount_total, 200)

    def test_a_paused_customer_waits_whole(self):
        self.pause(partner_id=self.customer.id)
        run = self.ar_run()
        self.assertEqual(self.outcomes(run), {
            self.first: ('skipped', 'paused'), self.second: ('skipped', 'paused'), self.other: ('sent', 'due')})

    def test_paused_between_preview_and_send(self):
        """The send gate reads pauses again."""
        run = self.ar_run()
        self.pause(partner_id=self.customer.id)
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(self.outcomes(run)[self.first], ('skipped', 'paused'))
        queued = run.letter_ids.filtered(lambda letter: letter.state == 'queued')
        self.assertEqual(queued.partner_id, self.other_customer)

    def test_it_ends_by_itself_the_day_after(self):
        pause = self.pause(partner_id=self.customer.id, date_start='2026-03-01', date_end='2026-03-31')
        self.assertTrue(pause.is_active)
        self.assertEqual(self.outcomes(self.ar_run())[self.first], ('skipped', 'paused'))
        pause.date_end = '2026-03-30'
        self.assertFalse(pause.is_active)
        self.assertEqual(self.outcomes(self.ar_run())[self.first], ('sent', 'due'))

    def test_ending_a_pause_sends_nothing(self):
        pause = self.pause(partner_id=self.customer.id)
        letters = self.env['ar.dunning.letter'].search_count([])
        with self.mock_mail_gateway():
            pause.action_end()
        self.assertEqual((pause.date_end, pause.is_active), (date(2026, 3, 30), False))
        self.assertEqual(self.env['ar.dunning.letter'].search_count([]), letters)
        self.assertFalse(self._new_mails)
        self.assertEqual(self.outcomes(self.ar_run())[self.first], ('sent', 'due'), "the next run proposes it")
        with self.assertRaises(UserError):
            pause.action_end()

    def test_the_day_is_the_companys(self):
        """At noon in UTC it is tomorrow already on Kiritimati."""
        pause = self.pause(partner_id=self.customer.id, date_start='2026-03-01', date_end='2026-03-31')
        self.company.partner_id.tz = 'Pacific/Kiritimati'
        pause.invalidate_recordset()
        self.assertFalse(pause.is_active)
        self.assertNotIn(pause, self.env['ar.pause'].search([('is_active', '=', True)]))

    def test_search(self):
        pause = self.pause(partner_id=self.customer.id)
        over = self.pause(partner_id=self.customer.id, date_start='2026-01-01', date_end='2026-01-31')
        mine = [('id', 'in', (pause + over).ids)]
        pauses = self.env['ar.pause'].with_company(self.company)
        self.assertEqual(pauses.search([*mine, ('is_active', '=', True)]), pause)
        self.assertEqual(pauses.search([*mine, ('is_active', '=', False)]), over)

    def test_invoices_know(self):
        self.pause(move_id=self.first.id)
        moves = (self.first + self.second + self.other).with_user(self.clerk)
        self.assertEqual(moves.mapped('ar_is_paused'), [True, False, False])
        self.pause(partner_id=self.other_customer.id)
        moves.invalidate_recordset()
        self.assertEqual(moves.mapped('ar_is_paused'), [True, False, True])
        own = [('id', 'in', moves.ids)]
        paused = moves.with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(paused.search([*own, ('ar_is_paused', '=', True)]), self.first + self.other)
        self.assertEqual(paused.search([*own, ('ar_is_paused', '=', False)]), self.second)

    def test_the_customer_follows_the_invoice(self):
        self.assertEqual(self.pause(move_id=self.first.id).partner_id, self.customer)
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        with self.assertRaises(ValidationError):
            self.pause(partner_id=contact.id)

    def test_who_may(self):
        pause = self.pause(partner_id=self.customer.id)
        salesman = self.ar_user('pause_sales', 'base.group_user')
        self.assertEqual(pause.with_user(self.reader).reason, "Talks about a delivery")
        for user in (self.reader, salesman):
            with self.assertRaises(AccessError, msg=user.login):
                self.pause(user=user, partner_id=self.customer.id)
            with self.assertRaises(AccessError, msg=user.login):
                pause.with_user(user).write({'reason': "x"})
        with self.assertRaises(AccessError):
            pause.with_user(salesman).read(['reason'])
        with self.assertRaises(AccessError):
            pause.with_user(self.clerk).unlink()

    def test_another_companys_pause_does_not_count(self):
        other = self.setup_other_company()['company']
        self.env['ar.pause'].create({
            'company_id': other.id, 'partner_id': self.customer.id, 'reason': "x", 'date_end': '2026-12-31'})
        self.assertEqual(self.outcomes(self.ar_run())[self.first], ('sent', 'due'))
