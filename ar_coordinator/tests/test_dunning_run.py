"""A run from preview to the mail queue: one customer at a time, exact amounts."""
from lxml import html

from odoo.exceptions import UserError
from odoo.tests import tagged

from .dunning_common import DunningCommon, instalment_terms


@tagged('post_install', '-at_install')
class TestDunningRun(DunningCommon):

    def test_preview_sends_nothing(self):
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        with self.new_mails() as mails:
            run = self.ar_run()
        self.assertFalse(mails.records)
        self.assertEqual(run.state, 'preview')
        self.assertOutcome(run, invoice, 'sent', 'due', 100.0)
        letter = run.letter_ids
        self.assertRecordValues(letter, [{
            'state': 'draft', 'partner_id': self.customer.id, 'recipient_id': self.customer.id, 'amount_total': 100.0,
            'level_id': self.level_1.id, 'channel': 'email', 'email_to': 'office@harbourfish.example.com'}])
        self.assertRecordValues(letter.line_ids, [{
            'name': invoice.name, 'days_overdue': 11, 'amount_original': 100.0, 'amount_open': 100.0,
            'amount_disputed': 0.0, 'amount_credit': 0.0, 'amount_asked': 100.0}])
        self.assertIn(invoice.name, letter.message)

    def test_preview_again_replaces_the_first(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        self.ar_invoice(50, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        run.action_preview()
        self.assertEqual(len(run.letter_ids), 2)
        self.assertEqual(len(run.outcome_ids), 2)

    def test_send_one_message_per_customer(self):
        """Several items, levels and contacts: one letter, in the tone of the highest level."""
        old = self.ar_invoice(100, '2026-01-01', due='2026-02-01')
        self.ar_send('2026-03-01')
        new = self.ar_invoice(40, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        with self.new_mails() as mails, self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(run.state, 'done')
        self.assertEqual(len(mails.records), 1)
        self.assertRecordValues(
            run.letter_ids, [{'state': 'queued', 'level_id': self.level_2.id, 'amount_total': 140.0}])
        self.assertEqual(
            [(line.name, line.level_id, line.amount_asked) for line in run.letter_ids.line_ids],
            [(old.name, self.level_2, 100.0), (new.name, self.level_1, 40.0)])
        self.assertEqual(mails.records.state, 'outgoing')
        self.assertEqual(mails.records.recipient_ids, self.customer)
        self.assertIn('ar@company.example.com', mails.records.email_from)
        notification = self.ar_notification(run.letter_ids)
        self.assertEqual(notification.res_partner_id, self.customer)

    def test_delivery_comes_back_to_the_letter(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        [mail] = self.ar_deliver(run.letter_ids)
        self.assertEqual(mail['email_to'], ['"Harbour Fish Ltd" <office@harbourfish.example.com>'])
        self.assertRecordValues(run.letter_ids, [{'state': 'sent', 'failure_reason': False}])
        self.assertTrue(run.letter_ids.date_sent)

    def test_failure_01_second_run_same_day(self):
        """The first letter is still unsent: a second run sends nothing and escalates nothing."""
        invoice = self.ar_invoice(100, '2025-10-01', due='2025-11-01')
        first = self.ar_send()
        self.assertEqual(first.letter_ids.state, 'queued')
        with self.new_mails() as mails:
            second = self.ar_send()
        self.assertFalse(mails.records)
        self.assertFalse(second.letter_ids)
        self.assertOutcome(second, invoice, 'held', 'quiet')
        self.company.ar_dunning_quiet_days = 0
        third = self.ar_run()
        self.assertEqual(third.letter_ids.level_id, self.level_2, "only without quiet days, and one level")

    def test_failure_01_two_previews_at_once(self):
        """Two people preview the same day and both send: the customer gets one message."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        first, second = self.ar_run(), self.ar_run(user=self.manager)
        with self.new_mails() as mails, self.mock_mail_gateway():
            first.action_send()
            second.action_send()
        self.assertEqual(len(mails.records), 1)
        self.assertOutcome(second, invoice, 'skipped', 'not_due')
        self.assertEqual(second.letter_ids.state, 'cancelled')
        self.assertEqual(second.state, 'done')

    def test_failure_02_sending_twice(self):
        """A letter is sent once, however often somebody says so."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        with self.new_mails() as mails, self.mock_mail_gateway():
            run.action_send()
            with self.assertRaisesRegex(UserError, "is in state Done"):
                run.action_send()
            run.sudo()._send_all()
            run.sudo()._send_batch(run.sudo().letter_ids)
        self.assertEqual(len(mails.records), 1)

    def test_failure_03_done_run_is_final(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        for action in (run.action_preview, run.action_send, run.action_cancel):
            with self.assertRaisesRegex(UserError, "not possible any more"):
                action()
        with self.assertRaises(UserError):
            run.as_of = '2026-03-30'
        with self.assertRaises(UserError):
            run.with_user(self.manager).unlink()

    def test_levels_one_per_run_from_the_first(self):
        """A debt 150 days old climbs one level per run, a week apart, and stops after the last."""
        invoice = self.ar_invoice(100, '2025-10-01', due='2025-11-01')
        levels = []
        for day in ('2026-03-01', '2026-03-07', '2026-03-08', '2026-03-15', '2026-03-22'):
            run = self.ar_send(day)
            levels.append((run.letter_ids.level_id.id, run.outcome_ids.reason))
        self.assertEqual(levels, [
            (self.level_1.id, 'due'), (False, 'quiet'), (self.level_2.id, 'due'), (self.level_3.id, 'due'),
            (False, 'last_level')])
        self.assertOutcome(run, invoice, 'skipped', 'last_level')

    def test_not_due_for_its_level(self):
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-29')
        not_overdue = self.ar_invoice(100, '2026-03-01', due='2026-03-31')
        run = self.ar_run()
        self.assertOutcome(run, invoice, 'skipped', 'not_due')
        self.assertNotIn(not_overdue, run.outcome_ids.move_id)

    def test_disputed_invoice_is_left_alone(self):
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.ar_dispute(invoice, 100)
        run = self.ar_send()
        self.assertOutcome(run, invoice, 'skipped', 'disputed', 0.0)
        self.assertFalse(run.letter_ids)

    def test_failure_13_part_payment_and_part_dispute(self):
        """1,000 less 300 paid less 150 disputed: 550 is asked, and the history stays when it is paid on."""
        invoice = self.ar_invoice(1000, '2026-02-01', due='2026-03-01')
        self.ar_pay(invoice, '2026-03-05', 300)
        self.ar_dispute(invoice, 150)
        run = self.ar_send('2026-03-10')
        self.assertOutcome(run, invoice, 'sent', 'due', 550.0)
        self.assertRecordValues(run.letter_ids.line_ids, [{
            'amount_original': 1000.0, 'amount_open': 700.0, 'amount_disputed': 150.0, 'amount_asked': 550.0}])
        self.assertIn('Of which disputed', run.letter_ids.message)
        self.ar_pay(invoice, '2026-03-15', 50)
        second = self.ar_send()
        self.assertEqual(second.letter_ids.level_id, self.level_2)
        self.assertOutcome(second, invoice, 'sent', 'due', 500.0)
        self.ar_lines(invoice).remove_move_reconcile()
        self.assertEqual(run.letter_ids.line_ids.move_line_id, self.ar_lines(invoice))

    def test_failure_12_instalments(self):
        """30 % in 10 days, 70 % in 60: only the first instalment is overdue and asked for."""
        invoice = self.ar_invoice(1000, '2026-03-01', invoice_payment_term_id=instalment_terms(self.env).id)
        run = self.ar_send()
        self.assertEqual(self.ar_outcomes(run), {invoice.name: ('sent', 'due', 300.0)})
        self.assertEqual(run.letter_ids.line_ids.date_due.isoformat(), '2026-03-11')
        self.assertEqual(run.letter_ids.line_ids.days_overdue, 20)

    def test_instalments_climb_by_themselves(self):
        invoice = self.ar_invoice(1000, '2026-01-05', invoice_payment_term_id=instalment_terms(self.env).id)
        first = self.ar_send('2026-03-01')
        self.assertEqual(first.letter_ids.amount_total, 300.0)
        second = self.ar_send()
        self.assertEqual(
            [(line.level_id, line.amount_asked) for line in second.letter_ids.line_ids],
            [(self.level_2, 300.0), (self.level_1, 700.0)])
        self.assertEqual(second.letter_ids.amount_total, 1000.0)
        self.assertEqual(second.letter_ids.line_ids.move_id, invoice)

    def test_failure_21_credit_covers(self):
        """Cash on account that covers everything holds everything; less is set against the oldest item."""
        old = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        new = self.ar_invoice(200, '2026-02-01', due='2026-03-10')
        self.ar_cash(300, '2026-03-20')
        run = self.ar_run()
        self.assertOutcome(run, old, 'held', 'covered', 0.0)
        self.assertOutcome(run, new, 'held', 'covered', 0.0)
        self.assertFalse(run.letter_ids)
        third = self.ar_invoice(50, '2026-03-01', due='2026-03-15')
        run.action_preview()
        self.assertOutcome(run, third, 'sent', 'due', 50.0)
        self.assertEqual(run.letter_ids.amount_total, 50.0)

    def test_credit_covers_a_part(self):
        old = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        new = self.ar_invoice(200, '2026-02-01', due='2026-03-10')
        self.ar_invoice(130, '2026-03-20', move_type='out_refund')
        run = self.ar_run()
        self.assertOutcome(run, old, 'held', 'covered', 0.0)
        self.assertOutcome(run, new, 'sent', 'due', 170.0)
        self.assertRecordValues(
            run.letter_ids.line_ids, [{'amount_open': 200.0, 'amount_credit': 30.0, 'amount_asked': 170.0}])
        self.assertIn('not yet assigned', run.letter_ids.message)

    def test_credits_named_and_not_deducted(self):
        """Where the company wants it: in full, with the credits beside; all of it or nothing."""
        self.company.ar_dunning_net_credits = False
        old = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        new = self.ar_invoice(200, '2026-02-01', due='2026-03-10')
        self.ar_invoice(130, '2026-03-20', move_type='out_refund')
        run = self.ar_run()
        self.assertOutcome(run, old, 'sent', 'due', 100.0)
        self.assertOutcome(run, new, 'sent', 'due', 200.0)
        letter = run.letter_ids
        self.assertEqual((letter.amount_total, sum(letter.line_ids.mapped('amount_credit'))), (300.0, 130.0))
        self.assertIn("Not deducted: payments and credit notes", letter.message)
        self.assertIn("130.00", letter.message)
        self.assertNotIn("Less payments", letter.message)
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual((letter.state, letter.amount_total), ('queued', 300.0))

    def test_failure_21_credits_that_cover_everything_are_deducted_in_any_case(self):
        self.company.ar_dunning_net_credits = False
        old = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        new = self.ar_invoice(200, '2026-02-01', due='2026-03-10')
        self.ar_cash(300, '2026-03-20')
        run = self.ar_run()
        self.assertOutcome(run, old, 'held', 'covered', 0.0)
        self.assertOutcome(run, new, 'held', 'covered', 0.0)
        self.assertFalse(run.letter_ids)

    def test_money_paid_out_is_no_debt(self):
        """A refund paid to the customer is not dunned; it uses up the credit note it pays back."""
        invoice = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        self.ar_invoice(80, '2026-03-01', move_type='out_refund')
        payout = self.ar_cash(80, '2026-03-05', payment_type='outbound')
        run = self.ar_run()
        self.assertOutcome(run, invoice, 'sent', 'due', 100.0)
        self.assertNotIn(payout.move_id, run.outcome_ids.move_id)

    def test_no_followup(self):
        invoice = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        invoice.no_followup = True
        self.assertOutcome(self.ar_run(), invoice, 'skipped', 'no_followup', 100.0)

    def test_draft_credit_note_is_respected(self):
        """Core shows 700 of 1,000 as unpaid once a draft credit note is matched: no more than that is asked."""
        invoice = self.ar_invoice(1000, '2026-02-01', due='2026-03-01')
        refund = self.ar_invoice(300, '2026-03-01', move_type='out_refund', post=False)
        (self.ar_lines(invoice) + self.ar_lines(refund)).reconcile()
        self.assertEqual(invoice.amount_residual, 700.0)
        self.assertOutcome(self.ar_run(), invoice, 'sent', 'due', 700.0)

    def test_post_dated_payment_is_respected(self):
        """A payment dated next week that is matched already settles the invoice as far as reminders go."""
        invoice = self.ar_invoice(1000, '2026-02-01', due='2026-03-01')
        self.ar_pay(invoice, '2026-04-07')
        self.assertOutcome(self.ar_run(), invoice, 'skipped', 'settled')

    def test_below_minimum(self):
        self.company.ar_dunning_minimum_amount = 20
        small = self.ar_invoice(19.99, '2026-02-01', due='2026-03-01')
        enough = self.ar_invoice(20, '2026-02-01', due='2026-03-01', partner=self.other_customer)
        run = self.ar_run()
        self.assertOutcome(run, small, 'held', 'below_minimum', 19.99)
        self.assertOutcome(run, enough, 'sent', 'due', 20.0)

    def test_failure_07_minimum_in_the_right_currency(self):
        """EUR 30 is worth 60 (rate 0.5) in the books: above a minimum of 50 in company currency, below one of 70."""
        invoice = self.ar_invoice(30, '2026-01-01', due='2026-02-20', currency_id=self.eur.id)
        self.assertEqual(self.ar_lines(invoice).amount_residual, 60.0)
        self.company.ar_dunning_minimum_amount = 50
        run = self.ar_run()
        self.assertOutcome(run, invoice, 'sent', 'due', 30.0)
        self.assertEqual(run.outcome_ids.amount_asked_company, 60.0)
        self.company.ar_dunning_minimum_amount = 70
        run.action_preview()
        self.assertOutcome(run, invoice, 'held', 'below_minimum', 30.0)

    def test_currencies_get_letters_of_their_own(self):
        usd = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        eur = self.ar_invoice(80, '2026-02-01', due='2026-03-01', currency_id=self.eur.id)
        run = self.ar_run()
        with self.new_mails() as mails, self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(len(mails.records), 2, "the letters of one run do not wait for each other")
        self.assertEqual(
            {letter.currency_id: (letter.amount_total, letter.line_ids.move_id, letter.state)
             for letter in run.letter_ids},
            {self.company.currency_id: (100.0, usd, 'queued'), self.eur: (80.0, eur, 'queued')})

    def test_policy_of_the_customer(self):
        policy = self.policy.copy({'name': "Gentle"})
        policy.level_ids[:1].delay_days = 14
        self.customer.with_company(self.company).ar_dunning_policy_id = policy
        gentle = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        strict = self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        run = self.ar_run()
        self.assertOutcome(run, gentle, 'skipped', 'not_due')
        self.assertOutcome(run, strict, 'sent', 'due')

    def test_without_policy(self):
        self.company.ar_dunning_policy_id = False
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.assertOutcome(self.ar_run(), invoice, 'skipped', 'no_policy')

    def test_reset_to_draft_keeps_the_history(self):
        """An invoice that is reset, changed and posted again goes on at its level."""
        invoice = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        run = self.ar_send('2026-03-10')
        invoice.button_draft()
        invoice.invoice_line_ids.price_unit = 90
        invoice.action_post()
        second = self.ar_send()
        self.assertEqual(second.letter_ids.level_id, self.level_2)
        self.assertOutcome(second, invoice, 'sent', 'due', 90.0)
        self.assertEqual(run.letter_ids.line_ids.amount_asked, 100.0, "what was sent stays as it was sent")

    def test_failure_23_thirty_days(self):
        """Exactly 30 days overdue here is exactly 30 days in the aged report: column 1-30."""
        invoice = self.ar_invoice(100, '2026-02-01', due='2026-03-01')
        run = self.ar_run()
        self.assertEqual(run.outcome_ids.days_overdue, 30)
        [item] = self.items('2026-03-31')
        self.assertEqual((item['move_id'], item['days'], item['bucket']), (invoice.id, 30, 1))
        self.assertEqual(run.letter_ids.line_ids.days_overdue, 30)

    def test_summary(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        disputed = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.ar_dispute(disputed, 100)
        self.ar_invoice(100, '2026-03-01', due='2026-03-30')
        run = self.ar_send()
        self.assertEqual(run._summary(), {
            'letters': 1, 'items_by_result_and_reason': {'sent': {'due': 1}, 'skipped': {'disputed': 1, 'not_due': 1}}})

    def test_summary_has_the_totals_of_what_goes_out(self):
        """Each customer once, by whatever means he is written to."""
        self.other_customer.email = False
        for amount, partner in ((100, self.customer), (50, self.customer), (30, self.other_customer)):
            self.ar_invoice(amount, '2026-03-01', due='2026-03-20', partner=partner)
        self.ar_invoice(1000, '2026-03-01', due='2026-03-30')
        table = html.fromstring(self.ar_run().summary_html)
        [total] = [[cell.text_content().strip() for cell in row] for row in table.xpath('//tfoot/tr')]
        self.assertEqual(total, ["Goes out in all", "3", "2", "$\N{NO-BREAK SPACE}180.00"])

    def test_stale_preview(self):
        """What was previewed yesterday is not sent today without another look."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run('2026-03-30')
        run.sudo().date_previewed = '2026-03-30 12:00:00'
        with self.assertRaisesRegex(UserError, "Preview again"):
            run.action_send()
        run.action_preview()
        run.action_send()
        self.assertEqual(run.state, 'done')

    def test_cancel(self):
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        run.action_cancel()
        self.assertEqual((run.state, run.letter_ids.state), ('cancelled', 'cancelled'))
        self.assertOutcome(run, invoice, 'held', 'cancelled')
        self.assertOutcome(self.ar_run(), invoice, 'sent', 'due', 100.0)

    def test_cancelled_letter_is_no_reminder(self):
        """An e-mail taken back from the queue is proposed again, at the same level."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        run.letter_ids.with_user(self.clerk).action_cancel()
        self.assertEqual(run.letter_ids.state, 'cancelled')
        self.assertEqual(self.ar_deliver(run.letter_ids), [])
        again = self.ar_run()
        self.assertOutcome(again, invoice, 'sent', 'due', 100.0)
        self.assertEqual(again.letter_ids.level_id, self.level_1)

    def test_failure_22_queries_do_not_grow_with_the_letters(self):
        """Evaluating and drafting takes as many queries for 53 customers as for 23 (both enough for the breaker)."""
        def measure():
            run = self.ar_run(preview=False).sudo()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            run.action_preview()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before, len(run.letter_ids)

        def invoice_customers(numbers):
            for number in numbers:
                self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=self.env['res.partner'].create(
                    {'name': f"Customer {number}", 'email': f'c{number}@example.com'}))
        invoice_customers(range(23))
        measure()  # warm
        few, letters = measure()
        self.assertEqual(letters, 23)
        invoice_customers(range(23, 53))
        many, letters = measure()
        self.assertEqual(letters, 53)
        self.assertLessEqual(many, few)
        self.assertLessEqual(many, 70)  # per run and batch; per 1,000 customers see test_dunning_volume
