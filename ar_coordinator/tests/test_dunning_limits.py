"""What holds due reminders back: bank, daily cap, circuit breaker, working hours; exact numbers and amounts."""
import doctest
from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from ..models import ar_dunning_limits
from .dunning_common import DunningCommon

LIMITS = 'odoo.addons.ar_coordinator.models.ar_dunning_limits'
RUN = 'odoo.addons.ar_coordinator.models.ar_dunning_send'


class LimitsCommon(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(100, '2026-03-01', due='2026-03-20')

    @classmethod
    def debtors(cls, *amounts):
        """One new customer per amount, each with an invoice 11 days overdue; the invoices."""
        partners = cls.env['res.partner'].create([
            {'name': f"Debtor {number}", 'email': f'debtor{number}@example.com', 'lang': 'en_US'}
            for number in range(len(amounts))])
        moves = cls.env['account.move'].create([{
            'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': '2026-03-01', 'date': '2026-03-01',
            'invoice_date_due': '2026-03-20', 'invoice_line_ids': [Command.create({
                'name': "Goods", 'price_unit': amount, 'tax_ids': [], 'account_id': cls.revenue.id})],
        } for partner, amount in zip(partners, amounts, strict=True)])
        moves.action_post()
        return moves

    def amounts(self, run, result, reason):
        """Sorted amounts of the run's items that ended like this."""
        return sorted(run.sudo().outcome_ids.filtered(
            lambda outcome: (outcome.result, outcome.reason) == (result, reason)).mapped('amount_asked'))


@tagged('post_install', '-at_install')
class TestDunningBank(LimitsCommon):

    def line(self, date='2026-03-30', **vals):
        return self.env['account.bank.statement.line'].create(
            {'journal_id': self.bank.id, 'date': date, 'amount': 10, 'payment_ref': "Transfer", **vals})

    def test_bank_data_too_old(self):
        """5 days are allowed: a transaction 5 days old is fresh enough, 6 days old is not, none is not."""
        self.company.ar_dunning_bank_days = 5
        self.assertOutcome(self.ar_run(), self.invoice, 'held', 'bank_stale', 100.0)
        line = self.line('2026-03-25', amount=-5)
        self.assertOutcome(self.ar_run(), self.invoice, 'held', 'bank_stale', 100.0)
        line.move_id.button_draft()
        line.date = '2026-03-26'
        self.assertOutcome(self.ar_run(), self.invoice, 'held', 'bank_stale', 100.0)
        line.move_id.action_post()
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 100.0)
        self.company.ar_dunning_bank_days = 0
        line.unlink()
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 100.0)

    def test_customer_named_by_partner(self):
        other = self.ar_invoice(40, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        self.line(partner_id=self.env['res.partner'].create({'name': "Cashier", 'parent_id': self.customer.id}).id)
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'held', 'bank_line', 100.0)
        self.assertOutcome(run, other, 'sent', 'due', 40.0)
        self.assertEqual(run.letter_ids.mapped('amount_total'), [40.0])

    def test_customer_named_in_other_ways(self):
        account = self.env['res.partner.bank'].create({'acc_number': 'GB33 BUKB 2020 1555 5555 55',
                                                       'partner_id': self.customer.id})
        for vals in (
            {'partner_name': "HARBOUR FISH Ltd."}, {'account_number': account.acc_number.replace(" ", "")},
            {'payment_ref': f"thanks, {self.invoice.name}."}, {'payment_ref': self.invoice.payment_reference},
            {'payment_ref': f"XY/1,{self.invoice.name},00017"}, {'payment_ref': f"for {self.invoice.name} 4 pcs"},
            {'payment_ref': f"our no. {self.invoice.name.replace('/', ' ')} thank you"},
        ):
            line = self.line(**vals)
            with self.subTest(vals=vals):
                self.assertOutcome(self.ar_run(), self.invoice, 'held', 'bank_line', 100.0)
            line.unlink()

    def test_numbers_in_texts(self):
        failed, count = doctest.testmod(ar_dunning_limits)
        self.assertFalse(failed)
        self.assertGreater(count, 2)

    def test_lines_that_name_nobody_or_are_done(self):
        """Money that goes out, names somebody else, or is reconciled, holds nobody."""
        self.line(partner_id=self.customer.id, amount=-10)
        self.line(partner_id=self.other_customer.id)
        self.line(payment_ref=f"{self.invoice.name}9")
        part = self.ar_invoice(30, '2026-03-01', due='2026-03-20')
        self.pay_with_statement_line(part, self.bank.id, '2026-03-30', 30)
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 100.0)

    def test_money_between_preview_and_send(self):
        """The gate looks at the bank again: the letter stays, the reason is stored."""
        run = self.ar_run()
        self.line(partner_id=self.customer.id)
        with self.mock_mail_gateway(), self.new_mails() as mails:
            run.action_send()
        self.assertFalse(mails.records)
        self.assertOutcome(run, self.invoice, 'held', 'bank_line', 100.0)
        self.assertEqual(run.letter_ids.state, 'cancelled')

    def test_warning_instead_of_hold(self):
        self.company.ar_dunning_bank_lines = 'warn'
        part = self.ar_invoice(30, '2026-03-01', due='2026-03-20')
        self.pay_with_statement_line(part, self.bank.id, '2026-03-20', 30)
        self.line('2026-03-19')  # left over from before the last reconciliation
        self.line('2026-03-20', partner_id=self.customer.id)
        self.line('2026-03-30')
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'sent', 'due', 100.0)
        self.assertIn("2 incoming bank transactions", run.warning)
        self.company.ar_dunning_bank_lines = 'no'
        run.action_preview()
        self.assertFalse(run.warning)

    def test_bank_of_another_company(self):
        other = self.setup_other_company()
        self.env['account.bank.statement.line'].create({
            'journal_id': other['default_journal_bank'].id, 'date': '2026-03-30', 'amount': 10,
            'payment_ref': "Transfer", 'partner_id': self.customer.id})
        self.company.ar_dunning_bank_days = 5
        self.assertOutcome(self.ar_run(), self.invoice, 'held', 'bank_stale', 100.0)
        self.company.ar_dunning_bank_days = 0
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 100.0)

    def test_hold_hook(self):
        """Other reasons join by the hook; what is not due is left alone."""
        later = self.ar_invoice(70, '2026-03-01', due='2026-03-30')

        def holds(run, decisions):
            return {decision.item.id: 'hold' for decision in decisions}
        with patch.object(type(self.env['ar.dunning.run']), '_get_holds', holds):
            run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'held', 'hold', 100.0)
        self.assertOutcome(run, later, 'skipped', 'not_due')
        self.assertIn("Customer on hold", run.summary_html)


@tagged('post_install', '-at_install')
class TestDunningCap(LimitsCommon):

    def test_biggest_debts_first_the_rest_next_day(self):
        """Five letters, two a day: 500 and 400, then 300 and 200, then 100."""
        self.debtors(200, 500, 300, 400)
        self.company.ar_dunning_daily_cap = 2
        run = self.ar_send()
        self.assertEqual(self.amounts(run, 'sent', 'due'), [400.0, 500.0])
        self.assertEqual(self.amounts(run, 'held', 'daily_cap'), [100.0, 200.0, 300.0])
        again = self.ar_send()
        self.assertFalse(again.letter_ids)
        self.assertEqual(self.amounts(again, 'held', 'daily_cap'), [100.0, 200.0, 300.0])
        with freeze_time('2026-04-01 12:00:00'):
            run = self.ar_send('2026-04-01')
            self.assertEqual(self.amounts(run, 'sent', 'due'), [200.0, 300.0])
        with freeze_time('2026-04-02 12:00:00'):
            run = self.ar_send('2026-04-02')
            self.assertEqual(self.amounts(run, 'sent', 'due'), [100.0])
            self.assertFalse(self.amounts(run, 'held', 'daily_cap'))

    def test_two_previews_do_not_send_more(self):
        """Two runs previewed before either is sent: the second one's letters are held at the gate."""
        self.debtors(300)
        self.company.ar_dunning_daily_cap = 1
        first = self.ar_run()
        self.company.ar_dunning_daily_cap = 2
        second = self.ar_run()
        self.company.ar_dunning_daily_cap = 1
        with self.mock_mail_gateway():
            first.action_send()
            second.action_send()
        self.assertEqual(self.amounts(first, 'sent', 'due'), [300.0])
        self.assertEqual(self.amounts(second, 'sent', 'due'), [])
        self.assertEqual(self.amounts(second, 'held', 'daily_cap'), [100.0])

    def test_run_of_an_earlier_day_counts_today(self):
        self.debtors(300)
        self.company.ar_dunning_daily_cap = 1
        self.ar_send('2026-03-30')
        self.assertFalse(self.ar_send().letter_ids)


@tagged('post_install', '-at_install')
class TestDunningBreaker(LimitsCommon, CronMixinCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch(f'{LIMITS}.BREAKER_LETTERS', 3))
        cls.env['res.company'].search([]).ar_dunning_automatic = False
        cls.company.write({'ar_dunning_breaker_percent': 50, 'ar_dunning_breaker_factor': 2})

    def history(self, *counts):
        """Runs of earlier days with so many letters each, of customers who have paid since."""
        for day, count in enumerate(counts, start=1):
            with freeze_time(f'2026-03-{day:02} 12:00:00'):
                run = self.ar_run(f'2026-03-{day:02}', preview=False).sudo()
                self.env['ar.dunning.letter'].sudo().create([{
                    'run_id': run.id, 'date': run.as_of, 'partner_id': partner.id, 'recipient_id': partner.id,
                    'level_id': self.level_1.id, 'currency_id': self.company.currency_id.id, 'state': 'sent',
                } for partner in self.env['res.partner'].create([{'name': "Past"} for _number in range(count)])])
                run.write({'state': 'done', 'date_done': datetime.now()})

    def test_share_of_customers(self):
        """3 of 6 customers are 50 %: fine. 4 of 7 are more: a manager has to look."""
        moves = self.debtors(200, 300)
        for partner in self.env['res.partner'].create([{'name': name} for name in ("A", "B", "C")]):
            self.ar_invoice(50, '2026-03-01', due='2026-05-01', partner=partner)
        run = self.ar_run()
        self.assertEqual((len(run.letter_ids), run.approval_reason or "", run.needs_approval), (3, "", False))
        self.debtors(400)
        run.action_preview()
        self.assertEqual(
            run.approval_reason, "4 of 7 customers with open items would be reminded: more than 50 %.")
        self.assertTrue(run.needs_approval)
        self.company.ar_dunning_breaker_percent = 0
        run.action_preview()
        self.assertFalse(run.needs_approval)
        self.assertEqual(len(moves), 2)

    def test_few_letters_never_stop(self):
        self.debtors(200)
        run = self.ar_send()
        self.assertEqual((run.state, len(run.letter_ids)), ('done', 2))

    def test_more_than_twice_the_usual(self):
        """The last runs had 1, 2 and 3 letters, 2 on average: 4 letters are fine, 5 are not."""
        self.company.ar_dunning_breaker_percent = 0
        self.history(1, 2)
        self.debtors(200, 300, 400)
        run = self.ar_run()
        self.assertFalse(run.approval_reason, "two runs say nothing")
        self.history(3)
        run.action_preview()
        self.assertEqual((len(run.letter_ids), run.approval_reason or ""), (4, ""))
        self.debtors(500)
        run.action_preview()
        self.assertEqual(
            run.approval_reason, "5 letters, while the last runs had 2.0 on average: more than 2.0 times as many.")

    def test_clerk_asks_manager_approves(self):
        """The clerk's run waits; managers get an activity, which goes when it is approved; then it is sent."""
        self.debtors(200, 300)
        run = self.ar_run()
        run.action_send()
        self.assertEqual((run.state, set(run.letter_ids.mapped('state'))), ('to_approve', {'draft'}))
        activities = run.sudo().activity_ids
        self.assertIn(self.manager, activities.user_id)
        self.assertNotIn(self.clerk, activities.user_id)
        self.assertIn("3 of 3 customers", activities[0].note)
        run.with_user(self.manager).action_approve()
        self.assertFalse(run.sudo().activity_ids)
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual((run.state, set(run.letter_ids.mapped('state'))), ('done', {'queued'}))
        self.assertEqual(run.approved_by_id, self.manager)

    def test_manager_who_sends_has_approved(self):
        self.debtors(200, 300)
        run = self.ar_send(user=self.manager)
        self.assertEqual((run.state, run.approved_by_id), ('done', self.manager))

    def test_automatic_run_stops_and_goes_on(self):
        """The automatic run waits for a manager; approved, it goes on by itself; not approved, today's replaces it."""
        self.debtors(200, 300)
        self.company.ar_dunning_automatic = True
        cron = self.env.ref('ar_coordinator.ir_cron_ar_dunning_run')
        with self.enter_registry_test_mode(), self.mock_mail_gateway():
            cron.method_direct_trigger()
        run = self.env['ar.dunning.run'].search([('company_id', '=', self.company.id), ('is_automatic', '=', True)])
        self.assertEqual((run.state, set(run.letter_ids.mapped('state'))), ('to_approve', {'draft'}))
        self.assertIn(self.manager, run.activity_ids.user_id)
        with freeze_time('2026-04-01 12:00:00'):
            with self.enter_registry_test_mode(), self.mock_mail_gateway():
                cron.method_direct_trigger()
            self.assertEqual((run.state, set(run.letter_ids.mapped('state'))), ('cancelled', {'cancelled'}))
            run = self.env['ar.dunning.run'].search([
                ('company_id', '=', self.company.id), ('is_automatic', '=', True), ('state', '=', 'to_approve')])
            with self.capture_triggers('ar_coordinator.ir_cron_ar_dunning_run') as triggers:
                run.with_user(self.manager).action_approve()
            self.assertEqual(len(triggers.records), 1)
            with self.enter_registry_test_mode(), self.mock_mail_gateway():
                cron.method_direct_trigger()
            self.assertEqual((run.state, set(run.letter_ids.mapped('state'))), ('done', {'queued'}))


@tagged('post_install', '-at_install')
class TestDunningHours(LimitsCommon, CronMixinCase):
    """The company works Monday to Friday 8-12 and 13-17 in Brussels (UTC + 2 at the end of March)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.company'].search([]).ar_dunning_automatic = False
        cls.company.ar_dunning_automatic = True
        cls.company.resource_calendar_id = cls.env['resource.calendar'].create({
            'name': "Office", 'company_id': cls.company.id, 'tz': 'Europe/Brussels'})
        cls.cron = cls.env.ref('ar_coordinator.ir_cron_ar_dunning_run')

    def runs(self):
        return self.env['ar.dunning.run'].search([('company_id', '=', self.company.id), ('is_automatic', '=', True)])

    def next_time(self, now):
        with freeze_time(now):
            opens = self.company._ar_next_working_time()
        return opens and opens.isoformat(' ')

    def test_next_working_time(self):
        self.env['resource.calendar.leaves'].create({
            'name': "Holiday", 'calendar_id': self.company.resource_calendar_id.id, 'company_id': self.company.id,
            'date_from': '2026-04-05 22:00:00', 'date_to': '2026-04-06 21:59:59'})
        for now, expected in (
            ('2026-03-31 05:59:59', '2026-03-31 06:00:00'), ('2026-03-31 06:00:00', None),
            ('2026-03-31 10:30:00', None),  # lunch
            ('2026-03-31 14:59:59', None), ('2026-03-31 15:00:00', '2026-04-01 06:00:00'),
            ('2026-04-03 20:00:00', '2026-04-07 06:00:00'),  # Friday evening; Monday is a holiday
        ):
            with self.subTest(now=now):
                self.assertEqual(self.next_time(now), expected)
        self.company.ar_dunning_working_hours = False
        self.assertIsNone(self.next_time('2026-04-04 12:00:00'))

    def test_automatic_run_waits_for_the_morning(self):
        with freeze_time('2026-04-03 20:00:00'), \
                self.capture_triggers('ar_coordinator.ir_cron_ar_dunning_run') as later:
            with self.enter_registry_test_mode(), self.mock_mail_gateway():
                self.cron.method_direct_trigger()
            self.assertFalse(self.runs())
        self.assertEqual(later.records.mapped('call_at'), [datetime(2026, 4, 6, 6)])
        with freeze_time('2026-04-06 06:00:00'), self.enter_registry_test_mode(), self.mock_mail_gateway():
            self.cron.method_direct_trigger()
        self.assertEqual((self.runs().state, self.runs().letter_ids.state), ('done', 'queued'))

    def test_evening_falls_while_sending(self):
        """Batches of one: the second customer's letter leaves the next morning, the first is not sent again."""
        self.debtors(200)
        run = self.ar_run().sudo()
        run.write({'state': 'sending', 'is_automatic': True})
        send = self.env.ref('ar_coordinator.ir_cron_ar_dunning_send')
        answers = iter((None, datetime(2026, 4, 1, 6), datetime(2026, 4, 1, 6)))
        with patch(f'{RUN}.BATCH_LETTERS', 1), patch.object(
            type(self.company), '_ar_next_working_time', lambda company: next(answers)), \
                self.enter_registry_test_mode(), self.mock_mail_gateway():
            send.method_direct_trigger()
        self.assertEqual((run.state, sorted(run.letter_ids.mapped('state'))), ('sending', ['draft', 'queued']))
        with freeze_time('2026-04-01 06:00:00'), self.enter_registry_test_mode(), self.mock_mail_gateway():
            send.method_direct_trigger()
        self.assertEqual((run.state, run.letter_ids.mapped('state')), ('done', ['queued', 'queued']))
        self.assertEqual(len(run.letter_ids.mail_message_id), 2)

    def test_manual_send_only_warns(self):
        with freeze_time('2026-03-31 20:00:00'):
            run = self.ar_run()
            self.assertTrue(run.is_outside_hours)
            with self.mock_mail_gateway():
                run.action_send()
        self.assertEqual((run.state, run.letter_ids.state), ('done', 'queued'))


@tagged('post_install', '-at_install')
class TestDunningTime(LimitsCommon, CronMixinCase):

    def test_stops_when_the_time_of_the_job_is_used_up(self):
        """No time left after each batch: one batch, then the job is called again for the rest; nothing twice."""
        self.debtors(200, 300)
        run = self.ar_run().sudo()
        run.state = 'sending'
        progress = []

        def no_time(cron, processed=0, remaining=None, **kwargs):
            progress.append((processed, remaining))
            return 0
        with patch(f'{RUN}.BATCH_LETTERS', 1), self.mock_mail_gateway(), \
                patch.object(type(self.env['ir.cron']), '_commit_progress', no_time), \
                self.capture_triggers('ar_coordinator.ir_cron_ar_dunning_send') as triggers:
            run._cron_send()
            self.assertEqual(sorted(run.letter_ids.mapped('state')), ['draft', 'draft', 'queued'])
            self.assertEqual((run.state, len(triggers.records)), ('sending', 1))
            self.assertIn((0, 2), progress)
            run._cron_send()
            run._cron_send()
        self.assertEqual((run.state, run.letter_ids.mapped('state')), ('done', ['queued'] * 3))
        self.assertEqual(len(run.letter_ids.mail_message_id), 3)

    def test_evaluates_all_companies_before_sending(self):
        """Sending for one company does not put off the evaluation of the next."""
        other = self.setup_other_company()['company']
        self.env['res.company'].search([]).ar_dunning_automatic = False
        (self.company + other).write({'ar_dunning_automatic': True, 'ar_dunning_working_hours': False})
        order = []
        run_class = type(self.env['ar.dunning.run'])
        write_preview, send_all = run_class._write_preview, run_class._send_all

        def note_preview(run, decisions):
            order.append('preview')
            return write_preview(run, decisions)

        def note_send(run, commit=False):
            order.append('send')
            return send_all(run, commit=commit)
        with patch.object(run_class, '_write_preview', note_preview), \
                patch.object(run_class, '_send_all', note_send), \
                self.enter_registry_test_mode(), self.mock_mail_gateway():
            self.env.ref('ar_coordinator.ir_cron_ar_dunning_run').method_direct_trigger()
        self.assertEqual(order, ['preview', 'preview', 'send', 'send'])
