"""What money that came in does elsewhere, before it is applied and after, and when that is undone: reminders, promises,
forecast, key figures, credit exposure. Tuesday 2026-03-31.
"""
from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .dunning_common import TODAY, DunningCommon


@tagged('post_install', '-at_install')
class TestCashEffects(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({
            'ar_dunning_bank_lines': 'warn', 'ar_dunning_working_hours': False, 'ar_promise_tolerance_days': 1})
        cls.old = cls.ar_invoice(1_000, '2026-01-10', '2026-02-10')
        cls.new = cls.ar_invoice(500, '2026-01-20', '2026-02-20')

    def transaction(self, amount, text, **values):
        """A bank transaction that waits, and its proposal."""
        line = self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': '2026-03-30', 'payment_ref': text, 'amount': amount, **values})
        return self.propose().filtered(lambda proposal: proposal.statement_line_id == line)

    def propose(self):
        return self.env['ar.cash']._propose(self.company)

    # === BEFORE IT IS APPLIED === #

    def test_what_a_sure_proposal_would_pay_is_not_asked_for(self):
        """semantics section 9, 11 and 21: the money is there, the clerk has not come to it yet."""
        proposal = self.transaction(500, self.new.name)
        self.assertEqual((proposal.what, proposal.is_ambiguous), ('referenced', False))
        run = self.ar_run()
        self.assertOutcome(run, self.new, 'held', 'incoming', 0.0)
        self.assertOutcome(run, self.old, 'sent', 'due', 1_000.0)
        self.assertEqual(run.letter_ids.amount_total, 1_000)
        proposal.action_dismiss()
        run.action_preview()
        self.assertOutcome(run, self.new, 'sent', 'due', 500.0)

    def test_money_comes_between_preview_and_gate(self):
        run = self.ar_run()
        self.transaction(1_500, f"{self.new.name} {self.old.name}")
        with self.mock_mail_gateway(), self.new_mails() as mails:
            run.action_send()
        self.assertFalse(mails.records)
        self.assertOutcome(run, self.old, 'held', 'incoming', 0.0)
        self.assertEqual(run.letter_ids.state, 'cancelled')

    def test_money_comes_while_the_letter_is_in_the_mail_queue(self):
        run = self.ar_send()
        self.transaction(500, self.new.name)
        self.assertFalse(self.ar_deliver(run.letter_ids))
        self.assertOutcome(run, self.new, 'held', 'incoming')
        self.assertEqual(run.letter_ids.state, 'cancelled')

    def test_part_of_an_item_is_coming(self):
        self.company.ar_cash_threshold = 70
        proposal = self.transaction(400, self.old.name)
        self.assertEqual((proposal.what, proposal.rest), ('short', -600))
        run = self.ar_run()
        self.assertOutcome(run, self.old, 'sent', 'due', 600.0)
        self.assertEqual(run.outcome_ids.filtered(lambda row: row.move_id == self.old).amount_credit, 400)
        self.company.ar_cash_threshold = 95
        run.action_preview()
        self.assertOutcome(run, self.old, 'sent', 'due', 1_000.0)

    def test_money_on_account_covers_what_it_names(self):
        """500 on account cover the oldest debt; once their text says for what they are, that one."""
        cash = self.ar_cash(500, '2026-03-30', memo=self.new.name)
        run = self.ar_run()
        self.assertOutcome(run, self.old, 'sent', 'due', 500.0)
        self.assertOutcome(run, self.new, 'sent', 'due', 500.0)
        self.propose()
        run.action_preview()
        self.assertOutcome(run, self.old, 'sent', 'due', 1_000.0)
        self.assertOutcome(run, self.new, 'held', 'incoming', 0.0)
        self.ar_match(cash, self.new)
        run.action_preview()
        self.assertOutcome(run, self.old, 'sent', 'due', 1_000.0)

    def test_doubtful_proposal_holds_the_customer_where_the_company_wants_that(self):
        """The payer's name is only like the customer's."""
        proposal = self.transaction(1_000, "thank you", partner_name="Harbour Fish Export")
        self.assertEqual((proposal.partner_id, proposal.who, proposal.what), (self.customer, 'similar', 'one'))
        self.assertLess(proposal.confidence, 95)
        run = self.ar_run()
        self.assertOutcome(run, self.old, 'sent', 'due', 1_000.0)
        self.company.ar_dunning_bank_lines = 'hold'
        run.action_preview()
        self.assertOutcome(run, self.old, 'held', 'bank_line', 1_000.0)

    def test_payer_whose_name_was_confirmed_holds_the_customer(self):
        self.company.ar_dunning_bank_lines = 'hold'
        self.transaction(77, "thank you", partner_name="Nordic Treuhand AG")
        run = self.ar_run()
        self.assertOutcome(run, self.old, 'sent', 'due', 1_000.0)
        self.env['ar.payer.alias']._learn(self.company, self.customer, "NORDIC TREUHAND")
        run.action_preview()
        self.assertOutcome(run, self.old, 'held', 'bank_line', 1_000.0)

    def test_bank_line_while_the_letter_is_in_the_mail_queue(self):
        self.company.ar_dunning_bank_lines = 'hold'
        run = self.ar_send()
        self.transaction(77, "thank you", partner_id=self.customer.id)
        self.assertFalse(self.ar_deliver(run.letter_ids))
        self.assertEqual(set(run.outcome_ids.mapped('reason')), {'bank_line'})

    # === AFTER IT WAS APPLIED === #

    def test_promise_is_kept_when_applied_and_open_or_broken_when_undone(self):
        """Judged by the day the money came, 03-30, and only by what was applied."""
        kept, late = (self.env['ar.promise'].with_user(self.clerk)._promise(
            self.ar_lines(move).with_user(self.clerk), day) for move, day in (
                (self.new, '2026-04-02'), (self.old, '2026-03-31')))
        proposal = self.transaction(1_500, f"{self.new.name} {self.old.name}")
        self.judge()
        self.assertEqual((kept.state, late.state), ('open', 'open'), "a proposal keeps nothing")
        proposal.action_apply()
        self.judge()
        self.assertEqual((kept.state, late.state), ('kept', 'kept'))
        self.assertEqual(kept.line_ids.amount_paid, 500)
        with self.on('2026-04-05'):
            proposal.action_undo()
            self.judge()
            self.assertEqual((kept.state, late.state), ('broken', 'broken'))
            self.assertEqual(kept.line_ids.amount_paid, 0)
        with self.on('2026-04-01'):
            kept._judge()
            self.assertEqual(kept.state, 'open', "one day of tolerance after 04-02")

    def test_forecast_key_figures_and_exposure_follow_the_application(self):
        """Applied: nothing is expected, 1,000 is collected, exposure is 500. Undone: as before, to the cent."""
        proposal = self.transaction(1_000, self.old.name)
        before = self.figures()
        self.assertEqual((before['exposure'], before['overdue_checked'], before['collected']), (1_500, 1_500, 0))
        self.assertEqual(before['forecast'], 1_500)
        proposal.action_apply()
        after = self.figures()
        self.assertEqual((after['exposure'], after['overdue_checked'], after['collected']), (500, 500, 1_000))
        self.assertEqual(after['forecast'], 500)
        self.assertEqual(set(before['expected']) - set(after['expected']), set(self.ar_lines(self.old).ids))
        proposal.action_undo()
        self.assertEqual(self.figures(), before)

    def test_payment_days_are_learned_and_unlearned(self):
        """Applications make the habit of paying 48 days late; it is read from the ledger, so undoing unlearns it."""
        moves = [self.ar_invoice(amount, '2026-01-01', '2026-02-10') for amount in (110, 120, 130)]
        item = self.ar_lines(self.ar_invoice(600, '2026-03-25', '2026-04-20'))
        proposals = self.env['ar.cash.proposal']
        for move in moves:
            proposals |= self.transaction(move.amount_total, move.name)
        unknown = self.expected(item)
        proposals.action_apply()
        learned = self.expected(item)
        self.assertLess(learned, unknown, "nothing said that this customer pays at all")
        self.assertEqual(learned, date(2026, 6, 19))
        proposals[0].action_undo()
        self.assertGreater(self.expected(item), learned)
        proposals[1:].action_undo()
        self.assertEqual(self.expected(item), unknown)

    def expected(self, item):
        """When an item will be paid, as of now."""
        self.env.flush_all()
        self.env.invalidate_all()
        return item.ar_expected_date

    def test_money_on_account_counts_once(self):
        """Unapplied or applied, what was paid on account lowers exposure and what counts as overdue by the same."""
        self.ar_cash(500, '2026-03-30', memo=self.new.name)
        before = self.figures()
        self.assertEqual((before['exposure'], before['overdue_checked'], before['unapplied']), (1_000, 1_000, -500))
        self.propose().action_apply()
        after = self.figures()
        self.assertEqual((after['exposure'], after['overdue_checked'], after['unapplied']), (1_000, 1_000, 0))

    # === HELPERS === #

    def judge(self):
        self.env.flush_all()
        self.env.cr.precommit.run()

    def on(self, day):
        return freeze_time(f'{day} 12:00:00')

    def figures(self):
        """What the other parts say of the customer today."""
        self.env.flush_all()
        self.env.invalidate_all()
        scope = {'as_of': TODAY, 'company_ids': self.company.ids}
        own = self.env['ar.ledger'].exposure(self.customer, self.company)[self.customer.id]
        kpis = self.env['ar.kpi.report'].get_data({**scope, 'months': 1})
        return {
            'exposure': own['exposure'], 'overdue_checked': own['overdue_checked'], 'unapplied': own['unapplied'],
            'collected': sum(amount for _day, amount in self.env['ar.ledger'].collected({
                'date_from': '2026-03-01', 'date_to': TODAY, 'company_ids': self.company.ids})),
            'expected': self.env['ar.ledger'].expected_dates(scope), 'dso': kpis['dso'],
            'forecast': self.env['ar.cash.forecast'].get_data(scope)['totals']['total'],
        }
