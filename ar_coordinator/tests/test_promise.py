"""A promise's life: given, kept, partly kept, broken, judged again; what it means for reminders and the aged report."""
from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .promise_common import TODAY, PromiseCommon


@tagged('post_install', '-at_install')
class TestPromise(PromiseCommon):

    def test_vector_promised_june_24_tolerance_1(self):
        """Promised 06-24, tolerance 1: open on 06-25, broken on 06-26; the collector gets a task."""
        promise = self.ar_promise(self.ar_invoice(1000, '2026-05-01'), '2026-06-24')
        self.ar_night('2026-06-25')
        self.assertEqual(promise.state, 'open')
        self.assertFalse(self.ar_tasks(promise))
        self.ar_night('2026-06-26')
        self.assertEqual((promise.state, promise.outcome), ('broken', 'not_in_time'))
        self.assertEqual(promise.date_ended.isoformat(), '2026-06-26')
        task = self.ar_tasks(promise)
        self.assertEqual(task.user_id, self.collector)
        self.assertIn("did not pay $\xa01,000.00", task.summary)

    def test_kept_by_the_payment_date_not_the_day_of_matching(self):
        """Money of the last day of tolerance keeps the promise, even if it is matched a week later."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        self.ar_night('2026-06-26')
        self.assertEqual(promise.state, 'broken')
        with freeze_time('2026-07-02 12:00:00'):
            self.ar_pay(invoice, '2026-06-25')
            self.ar_commit()
        self.assertEqual((promise.state, promise.outcome), ('kept', 'in_time'))
        self.assertFalse(self.ar_tasks(promise), "the task is taken back")

    def test_money_after_the_last_day_keeps_nothing(self):
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        with freeze_time('2026-06-26 12:00:00'):
            self.ar_pay(invoice, '2026-06-26')
            self.ar_commit()
        self.assertEqual(promise.state, 'broken')
        self.assertEqual((promise.amount_paid, promise.amount_in_time), (1000.0, 0.0))

    def test_some_of_it_is_partly_kept(self):
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        with freeze_time('2026-06-20 12:00:00'):
            self.ar_pay(invoice, '2026-06-20', 400)
            self.ar_commit()
            self.assertEqual((promise.state, promise.amount_in_time), ('open', 400.0))
        self.ar_night('2026-06-26')
        self.assertEqual((promise.state, promise.outcome), ('partly_kept', 'part_in_time'))
        self.assertIn("600.00", self.ar_tasks(promise).summary)

    def test_a_part_promised_and_paid_is_kept(self):
        """600 of 1,000 promised and paid: kept at once; the rest is due again."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        [item] = self.ar_lines(invoice)
        promise = self.ar_promise(invoice, '2026-06-24', {item.id: 600})
        self.assertEqual(promise.amount, 600.0)
        self.ar_pay(invoice, TODAY, 600)
        self.ar_commit()
        self.assertEqual(promise.state, 'kept')

    def test_payments_of_before_do_not_keep_it(self):
        """What was paid before the promise, and money matched again, is not paid as promised."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        payment = self.ar_pay(invoice, '2026-06-01', 300)
        promise = self.ar_promise(invoice, '2026-06-24')
        self.assertEqual(promise.amount, 700.0)
        self.ar_lines(payment).remove_move_reconcile()
        self.ar_match(invoice, payment)
        self.ar_commit()
        self.assertEqual((promise.state, promise.amount_paid), ('open', 0.0))

    def test_undoing_a_match_judges_again(self):
        """Kept; the match is undone in time: open; after the last day: broken, with a task; matched again: kept."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        payment = self.ar_pay(invoice, TODAY)
        self.ar_commit()
        self.assertEqual(promise.state, 'kept')
        self.ar_lines(payment).remove_move_reconcile()
        self.ar_commit()
        self.assertEqual((promise.state, promise.outcome, promise.date_ended), ('open', False, False))
        self.ar_match(invoice, payment)
        self.ar_commit()
        self.assertEqual(promise.state, 'kept')
        with freeze_time('2026-07-01 12:00:00'):
            self.ar_lines(payment).remove_move_reconcile()
            self.ar_commit()
            self.assertEqual(promise.state, 'broken')
            self.assertTrue(self.ar_tasks(promise))
            self.ar_match(invoice, payment)
            self.ar_commit()
        self.assertEqual(promise.state, 'kept')
        self.assertFalse(self.ar_tasks(promise))

    def test_a_credit_note_is_no_payment_but_clears(self):
        """Credited in full: withdrawn as cleared, no level, no task; credited in part: the rest is expected."""
        invoice, other = self.ar_invoice(1000, '2026-05-01'), self.ar_invoice(500, '2026-05-02')
        promise, second = self.ar_promise(invoice, '2026-06-24'), self.ar_promise(other, '2026-06-24')
        self.ar_match(invoice, self.ar_invoice(1000, TODAY, move_type='out_refund'))
        self.ar_match(other, self.ar_invoice(200, TODAY, move_type='out_refund'))
        self.ar_commit()
        self.assertEqual((promise.state, promise.outcome), ('withdrawn', 'cleared'))
        self.assertFalse(self.ar_tasks(promise))
        self.assertEqual((second.state, second.amount_paid), ('open', 0.0))
        self.ar_pay(other, TODAY)
        self.ar_commit()
        self.assertEqual((second.state, second.amount_in_time), ('kept', 300.0))

    def test_clearing_after_the_last_day_mends_nothing(self):
        """1,000 broken on 06-26, written off on 09-30; 40 of 100 in time, the rest credited 60 weeks later."""
        invoice, other = self.ar_invoice(1000, '2026-05-01'), self.ar_invoice(100, '2026-05-02')
        promise, second = self.ar_promise(invoice, '2026-06-24'), self.ar_promise(other, '2026-06-24')
        self.ar_pay(other, '2026-06-24', 40)
        self.ar_commit()
        self.ar_night('2026-06-26')
        self.assertEqual((promise.state, second.state), ('broken', 'partly_kept'))
        with freeze_time('2026-09-30 12:00:00'):
            self.ar_match(invoice, self.ar_misc(-1000, '2026-09-30'))
            self.ar_commit()
        with freeze_time('2027-08-18 12:00:00'):
            self.ar_match(other, self.ar_invoice(60, '2027-08-18', move_type='out_refund'))
            self.ar_commit()
        self.assertEqual((promise.state, promise.outcome), ('broken', 'not_in_time'))
        self.assertEqual((second.state, second.amount_in_time), ('partly_kept', 40.0))

    def test_other_currencies_convert_at_the_payment_date(self):
        """EUR 1,000 promised, paid with dollars: 0.40 per dollar in February, 0.625 from March on."""
        with freeze_time('2026-02-10 12:00:00'):
            invoice = self.ar_invoice(1000, '2026-01-05', currency_id=self.eur.id)
            promise = self.ar_promise(invoice, '2026-02-24')
            payment = self.ar_cash(1000, '2026-02-20', currency_id=self.company.currency_id.id)
            self.ar_match(invoice, payment)
            self.ar_commit()
            self.assertEqual((promise.currency_id, promise.amount_in_time, promise.state), (self.eur, 400.0, 'open'))
        with freeze_time('2026-03-10 12:00:00'):
            self.ar_match(invoice, self.ar_cash(1000, '2026-03-02', currency_id=self.company.currency_id.id))
            self.ar_commit()
        self.assertEqual((promise.amount_in_time, promise.amount_paid), (400.0, 1000.0))
        self.assertEqual(promise.state, 'partly_kept')

    def test_one_open_promise_per_item(self):
        """Refused with the day of the other; and by the database, whoever asks."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        promise = self.ar_promise(invoice, '2026-06-24')
        with self.assertRaisesRegex(UserError, r"is promised already, for 06/24/2026"):
            self.ar_promise(invoice, '2026-06-30')
        with self.assertRaises(UniqueViolation), mute_logger('odoo.sql_db'), self.env.cr.savepoint():
            self.env.cr.execute(
                "INSERT INTO ar_promise_line (promise_id, move_line_id, amount, is_open) "
                "SELECT promise_id, move_line_id, amount, TRUE FROM ar_promise_line WHERE promise_id = %s",
                [promise.id])

    def test_level_counts_unkept_promises_of_the_item(self):
        """Broken, then withdrawn, then a third: level 2. A kept one or one that was cleared counts nothing."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        first = self.ar_promise(invoice, '2026-06-12')
        self.ar_night('2026-06-14')
        with freeze_time('2026-06-14 12:00:00'):
            second = self.ar_promise(invoice, '2026-06-20')
            second.action_withdraw()
            third = self.ar_promise(invoice, '2026-06-30')
        self.assertEqual([promise.level for promise in (first, second, third)], [0, 1, 2])
        self.assertEqual((second.state, second.outcome), ('withdrawn', 'withdrawn'))

    def test_what_can_be_promised(self):
        invoice, foreign = self.ar_invoice(1000, '2026-05-01'), self.ar_invoice(
            900, '2026-05-01', currency_id=self.eur.id)
        [item] = self.ar_lines(invoice)
        with self.assertRaisesRegex(ValidationError, "1,200.00 cannot be promised"), self.env.cr.savepoint():
            self.ar_promise(invoice, '2026-06-24', {item.id: 1200})
        with self.assertRaisesRegex(ValidationError, "must be positive"), self.env.cr.savepoint():
            self.ar_promise(invoice, '2026-06-24', {item.id: -5})
        with self.assertRaisesRegex(ValidationError, "in the past"), self.env.cr.savepoint():
            self.ar_promise(invoice, '2026-06-09')
        with self.assertRaisesRegex(ValidationError, "one currency"), self.env.cr.savepoint():
            self.ar_promise(invoice + foreign, '2026-06-24')
        with self.assertRaisesRegex(ValidationError, "is not an item of Harbour Fish"), self.env.cr.savepoint():
            self.ar_promise(invoice + self.ar_invoice(5, '2026-05-02', partner=self.other_customer), '2026-06-24')
        self.ar_pay(invoice, TODAY)
        with self.assertRaisesRegex(UserError, "not an open item"), self.env.cr.savepoint():
            self.env['ar.promise'].with_user(self.clerk)._promise(item.with_user(self.clerk), '2026-06-24')

    def test_nobody_sets_the_verdict_by_hand(self):
        promise = self.ar_promise(self.ar_invoice(1000, '2026-05-01'), '2026-06-24')
        for user in (self.clerk, self.manager):
            with self.assertRaises(AccessError):
                promise.with_user(user).state = 'kept'
            with self.assertRaises(UserError):
                promise.with_user(user).date_promised = '2026-07-24'
            with self.assertRaises(UserError):
                promise.line_ids.with_user(user).amount = 1
        with self.assertRaises(AccessError):
            promise.with_user(self.reader).action_withdraw()

    def test_promised_items_wait_the_others_are_dunned(self):
        """The next run leaves the item alone; a broken promise is dunned again."""
        promised, other = self.ar_invoice(1000, '2026-05-01'), self.ar_invoice(500, '2026-05-02')
        self.ar_promise(promised, '2026-06-24')
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'as_of': TODAY, 'company_id': self.company.id})
        run.action_preview()
        results = {outcome.move_id: (outcome.result, outcome.reason) for outcome in run.outcome_ids.sudo()}
        self.assertEqual(results[promised], ('skipped', 'promised'))
        self.assertEqual(results[other], ('sent', 'due'))
        self.ar_night('2026-06-26')
        with freeze_time('2026-06-26 13:00:00'):
            run.as_of = '2026-06-26'
            run.action_preview()
        results = {outcome.move_id: (outcome.result, outcome.reason) for outcome in run.outcome_ids.sudo()}
        self.assertEqual(results[promised], ('sent', 'due'))

    def test_no_reminder_for_what_was_promised_after_the_run_was_computed(self):
        """Promised after the preview: taken off at the send gate; promised while in the mail queue: withdrawn."""
        early, late = self.ar_invoice(1000, '2026-05-01'), self.ar_invoice(
            500, '2026-05-02', partner=self.other_customer)
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'as_of': TODAY, 'company_id': self.company.id})
        run.action_preview()
        self.ar_promise(early, '2026-06-24')
        with self.mock_mail_gateway():
            run.action_send()
        letters = run.sudo().letter_ids.grouped('partner_id')
        self.assertEqual(letters[self.customer].state, 'cancelled')
        self.assertEqual(letters[self.other_customer].state, 'queued')
        self.ar_promise(late, '2026-06-24')
        mails = self.env['mail.mail'].sudo().search(
            [('mail_message_id', 'in', letters[self.other_customer].mail_message_id.ids)])
        with self.mock_mail_gateway():
            mails.send()
        self.assertFalse(self._mails)
        self.assertEqual(letters[self.other_customer].state, 'cancelled')
        self.assertEqual(set(run.outcome_ids.sudo().mapped('reason')), {'promised'})

    def test_promised_column_of_the_aged_report(self):
        """What is left of the promise, as of any day; 600 promised, 200 paid: 400."""
        invoice = self.ar_invoice(1000, '2026-05-01')
        [item] = self.ar_lines(invoice)
        self.ar_promise(invoice, '2026-06-24', {item.id: 600})
        self.assertEqual(self.aged(TODAY)['totals']['promised'], 600.0)
        self.assertEqual(self.aged('2026-06-09')['totals']['promised'], 0.0)
        with freeze_time('2026-06-15 12:00:00'):
            self.ar_pay(invoice, '2026-06-15', 200)
            self.ar_commit()
        self.assertEqual(self.aged('2026-06-15')['totals']['promised'], 400.0)
        self.assertEqual(self.aged(TODAY)['totals']['promised'], 600.0)
        self.ar_night('2026-06-26')
        self.assertEqual(self.aged('2026-06-26')['totals']['promised'], 0.0)
        self.assertEqual([row['promised'] for row in self.items('2026-06-25')], [400.0])
