"""How disputes end: credit notes over exactly what was accepted, approval, rejection, taking up again, closing."""
import random

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .dispute_common import DisputeCommon


@tagged('post_install', '-at_install')
class TestDisputeCreditNote(DisputeCommon):

    def accept(self, dispute, **kwargs):
        """Accept (with approval where it is needed) and return the draft credit note."""
        dispute._accept(**kwargs)
        if dispute.approval_state == 'requested':
            self.as_user(dispute, self.manager).action_approve()
        note = dispute.credit_move_ids
        self.assertEqual((len(note), note.state, note.move_type), (1, 'draft', 'out_refund'))
        return note

    def test_quantities_with_their_taxes(self):
        """Lines, taxes and quantities as on the invoice; nothing is matched while it is a draft."""
        move = self.goods((99.99, 7, self.tax_19, 3), (12.35, 11, self.tax_7, 0), (119, 4, self.tax_in, 0))
        first, second, third = move.invoice_line_ids
        dispute = self.open_dispute(move, lines={first: 3, second: 5, third: 1})
        before = move.amount_residual
        note = self.accept(dispute)
        self.assertEqual(
            [(line.name, line.quantity, line.price_unit, line.discount, line.tax_ids, line.account_id)
             for line in note.invoice_line_ids],
            [("Article 1", 3, 99.99, 3, self.tax_19, self.revenue),
             ("Article 2", 5, 12.35, 0, self.tax_7, self.revenue),
             ("Article 3", 1, 119, 0, self.tax_in, self.revenue)])
        self.assertEqual(self.taxes_of(note), {
            "19 %": (290.97, 55.28), "7 %": (61.75, 4.32), "19 % included": (100, 19)})
        self.assertEqual((note.amount_total, dispute.state, move.amount_residual), (531.32, 'accepted', before))
        self.assertEqual((note.reversed_entry_id, note.partner_id), (move, move.partner_id))
        self.assertEqual(self.held(), 531.32, "until the credit note is in the books")

    def test_part_of_the_quantities(self):
        move = self.goods((100, 10, self.tax_19, 0), (10, 10, self.tax_7, 0))
        first, second = move.invoice_line_ids
        dispute = self.open_dispute(move, lines={first: 4, second: 5})
        lines = dict(zip(('first', 'second'), dispute.line_ids, strict=True))
        for wrong in ({lines['first']: 4.5}, {lines['first']: -1}, {lines['first']: 0}):
            with self.assertRaises(UserError, msg=wrong):
                dispute._accept(quantities=wrong)
        note = self.accept(dispute, quantities={lines['first']: 1, lines['second']: 2})
        self.assertEqual((note.amount_total, dispute.state), (119 + 21.4, 'partly_accepted'))
        self.assertEqual(dispute.line_ids.mapped('quantity_accepted'), [1, 2])
        self.assertEqual(self.held(), 140.4, "the rest is owed again")

    def test_amount_without_lines_is_shared_over_the_taxes(self):
        move = self.goods((100, 10, self.tax_19, 0), (50, 10, self.tax_7, 0))  # 1190 + 535 = 1725
        note = self.accept(self.open_dispute(move, amount=172.5))
        self.assertEqual(note.amount_total, 172.5)
        self.assertEqual(self.taxes_of(note), {"19 %": (100, 19), "7 %": (50, 3.5)})

    def test_the_total_is_exact_to_the_cent(self):
        """Any amount, any mix of taxes, any way to round, any currency: the credit note is over what was accepted, and
        each tax has its share."""
        chance = random.Random(4)
        taxes = (self.tax_19, self.tax_7, self.tax_in, self.tax_19 + self.tax_7, self.env['account.tax'])
        yen = self.setup_other_currency('JPY', rounding=1.0, rates=[('1900-01-01', 150)])
        for number in range(60):
            self.company.tax_calculation_rounding_method = chance.choice(('round_per_line', 'round_globally'))
            currency = chance.choice((self.company.currency_id, self.eur, yen))
            move = self.goods(*[
                (chance.randint(1, 99_999) / (1 if currency == yen else 100), chance.choice((1, 2, 3.5, 7)),
                 chance.choice(taxes), chance.choice((0, 0, 2.5)))
                for _line in range(chance.randint(1, 6))], currency_id=currency.id)
            accepted = currency.round(move.amount_total * chance.choice((0.01, 0.1, 1 / 3, 0.5, 0.77, 0.99)))
            if not accepted:
                continue
            note = self.accept(self.open_dispute(move, amount=accepted))
            self.assertEqual(note.amount_total, accepted, (number, currency.name))
            share = accepted / move.amount_total
            own, invoiced = self.taxes_of(note), self.taxes_of(move)
            for name, (_base, tax) in own.items():
                self.assertAlmostEqual(
                    tax, invoiced[name][1] * share, delta=2.01 * currency.rounding, msg=(number, name))

    def test_quantities_of_any_invoice_are_exact(self):
        """What a dispute says quantities cost is what the credit note says, whatever the rounding."""
        chance = random.Random(7)
        for number in range(40):
            self.company.tax_calculation_rounding_method = chance.choice(('round_per_line', 'round_globally'))
            move = self.goods(*[
                (chance.randint(1, 9_999) / 100, chance.choice((1, 3, 12)),
                 chance.choice((self.tax_19, self.tax_7, self.tax_in)), chance.choice((0, 3, 12.5)))
                for _line in range(chance.randint(2, 6))])
            chosen = {line: chance.choice((line.quantity, line.quantity / 2, 1)) for line in move.invoice_line_ids[1:]}
            dispute = self.open_dispute(move, lines=chosen)
            self.assertEqual(self.accept(dispute).amount_total, dispute.amount, number)

    def test_the_whole_invoice_is_reversed(self):
        move = self.goods((100, 3, self.tax_19, 0), (7.77, 1, self.tax_7, 0))
        note = self.accept(self.open_dispute(move))
        self.assertEqual((note.amount_total, note.invoice_line_ids.mapped('quantity')), (move.amount_total, [3, 1]))

    def test_part_of_the_amount_of_chosen_lines_takes_their_taxes(self):
        """A price reduction on the 7 % goods credits no 19 % tax."""
        move = self.goods((100, 10, self.tax_19, 0), (50, 10, self.tax_7, 0))
        dispute = self.open_dispute(move, lines={move.invoice_line_ids[1]: 10})
        note = self.accept(dispute, amount=107)
        self.assertEqual((note.amount_total, self.taxes_of(note)), (107, {"7 %": (100, 7)}))

    def test_posting_closes_the_dispute(self):
        """The credit note is matched with its invoice, the rest is dunned on, the dispute says how it ended."""
        move = self.goods((100, 10, self.tax_19, 0))
        dispute = self.open_dispute(move, amount=190)
        note = self.accept(dispute)
        note.with_user(self.clerk).action_post()
        self.assertEqual((dispute.state, dispute.closed_by, dispute.is_open), ('closed', 'credited', False))
        self.assertEqual((move.amount_residual, self.held()), (1_000, 0))

    def test_a_credit_note_cannot_outgrow_its_dispute(self):
        move = self.goods((100, 10, self.tax_19, 0))
        note = self.accept(self.open_dispute(move, amount=119))
        note.invoice_line_ids.price_unit = 500
        with self.assertRaisesRegex(UserError, "but only .*119.00 was accepted"):
            note.with_user(self.clerk).action_post()

    def test_a_cancelled_credit_note_is_owed_again(self):
        """A dispute closed by its credit note is open again, and held, as soon as the note is not in the books."""
        move = self.goods((100, 10, self.tax_19, 0))
        for whole, state in ((False, 'partly_accepted'), (True, 'accepted')):
            dispute = self.open_dispute(move, amount=300)
            note = self.accept(dispute, amount=300 if whole else 190)
            note.action_post()
            self.assertEqual((dispute.closed_by, self.held()), ('credited', 0), state)
            note.button_draft()
            note.button_cancel()
            accepted = 300 if whole else 190
            self.assertEqual(
                (dispute.state, dispute.date_closed, dispute.closed_by, self.held()), (state, False, False, accepted))
            self.assertIn(note.name, "".join(dispute.message_ids.mapped('body')))
            self.assertEqual(dispute.amount_to_credit, accepted)
            dispute.action_create_credit_note()
            again = dispute.credit_move_ids - note
            self.assertEqual((again.state, again.amount_total), ('draft', accepted))
            again.action_post()
            self.assertEqual((dispute.state, dispute.closed_by, self.held()), ('closed', 'credited', 0))

    def test_a_posted_credit_note_is_deleted(self):
        dispute = self.open_dispute(self.goods((100, 10, self.tax_19, 0)), amount=119)
        note = self.accept(dispute)
        note.action_post()
        note.with_context(force_delete=True).unlink()
        self.assertEqual((dispute.state, dispute.is_open, self.held()), ('accepted', True, 119))
        dispute.action_create_credit_note()
        self.assertEqual(dispute.credit_move_ids.amount_total, 119)

    def test_a_reduced_credit_note_leaves_the_rest(self):
        """Posted over less than accepted: the rest is still held and credited by another credit note."""
        move = self.goods((100, 10, self.tax_19, 0))
        dispute = self.open_dispute(move, amount=238)
        note = self.accept(dispute)
        note.invoice_line_ids.price_unit = 50
        note.action_post()
        total = note.amount_total
        rest = 238 - total
        self.assertGreater(rest, 0)
        self.assertEqual((dispute.state, dispute.is_open, self.held()), ('accepted', True, rest))
        self.assertIn(note.name, dispute.message_ids[0].body)
        dispute.action_create_credit_note()
        other = dispute.credit_move_ids - note
        self.assertEqual((other.state, other.amount_total), ('draft', rest))
        other.action_post()
        self.assertEqual((dispute.state, dispute.closed_by, self.held()), ('closed', 'credited', 0))
        self.assertEqual(move.amount_residual, 952)

    def test_each_round_is_credited(self):
        """The credit note of a first round does not count against, or for, what is accepted in the second."""
        dispute = self.open_dispute(self.goods((100, 10, self.tax_19, 0)), amount=400)
        first = self.accept(dispute, amount=250)
        first.action_post()
        dispute.action_reopen()
        dispute._accept(amount=100)
        second = dispute.credit_move_ids - first
        self.assertEqual((second.state, second.amount_total, dispute.state), ('draft', 100, 'partly_accepted'))
        second.action_post()
        self.assertEqual((dispute.state, dispute.closed_by), ('closed', 'credited'))

    def test_a_credit_note_for_somebody_else_or_in_another_currency(self):
        for vals in ({'partner_id': self.other_customer.id}, {'currency_id': self.eur.id}):
            dispute = self.open_dispute(self.goods((100, 10, self.tax_19, 0)), amount=119)
            note = self.accept(dispute)
            note.write(vals)
            with self.assertRaisesRegex(UserError, "customer and currency"):
                note.action_post()

    def test_disputes_together_credit_at_most_the_invoice(self):
        """What other disputes credit, or ask to credit, is not credited twice."""
        self.company.ar_dispute_limit = 10_000
        move = self.goods((1_000, 1, self.env['account.tax'], 0))
        first, second = self.open_dispute(move, amount=600), self.open_dispute(move, amount=400)
        first.action_accept()
        second.amount = 500
        with self.assertRaisesRegex(UserError, "at most .*400.00"):
            second.action_accept()
        second._accept(amount=400)
        self.assertEqual((second.state, second.amount_accepted), ('partly_accepted', 400))

    def test_a_deleted_draft_is_made_again(self):
        dispute = self.open_dispute(self.goods((100, 10, self.tax_19, 0)), amount=119)
        self.accept(dispute).unlink()
        action = dispute.action_create_credit_note()
        self.assertEqual(dispute.credit_move_ids.id, action['res_id'])
        self.assertEqual(dispute.credit_move_ids.amount_total, 119)
        with self.assertRaisesRegex(UserError, "has a credit note already"):
            dispute.action_create_credit_note()

    def test_analytic_distribution_and_currency(self):
        plan = self.env['account.analytic.plan'].create({'name': "Regions"})
        north = self.env['account.analytic.account'].create({'name': "North", 'plan_id': plan.id})
        move = self.goods((100, 10, self.tax_19, 0), currency_id=self.eur.id)
        move.invoice_line_ids.analytic_distribution = {str(north.id): 100}
        dispute = self.open_dispute(move, amount=119)
        note = self.accept(dispute)
        self.assertEqual((note.currency_id, note.amount_total), (self.eur, 119))
        self.assertEqual(note.invoice_line_ids.analytic_distribution, {str(north.id): 100})


@tagged('post_install', '-at_install')
class TestDisputeApproval(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.goods((1_000, 2, cls.env['account.tax'], 0))

    def test_up_to_the_limit_the_desk_decides(self):
        dispute = self.open_dispute(self.invoice, amount=500)
        dispute.action_accept()
        self.assertEqual((dispute.state, dispute.approval_state), ('accepted', False))
        self.assertEqual(dispute.decided_by_id, self.clerk)

    def test_above_it_another_manager_approves(self):
        self.company.ar_dispute_manager_id = self.second_manager
        dispute = self.open_dispute(self.invoice, amount=500.01)
        dispute.action_accept()
        self.assertEqual((dispute.state, dispute.approval_state), ('investigating', 'requested'))
        self.assertFalse(dispute.credit_move_ids)
        self.assertEqual(dispute.activity_ids.user_id, self.second_manager)
        for user in (self.clerk, self.colleague):
            with self.assertRaisesRegex(AccessError, "only a Receivables manager approves"):
                self.as_user(dispute, user).action_approve()
        self.assertFalse(self.as_user(dispute, self.clerk).can_approve)
        self.assertTrue(self.as_user(dispute, self.manager).can_approve)
        self.as_user(dispute, self.manager).action_approve()
        self.assertEqual((dispute.state, dispute.approval_state), ('accepted', 'approved'))
        self.assertEqual((dispute.approved_by_id, dispute.credit_move_ids.amount_total), (self.manager, 500.01))
        self.assertFalse(dispute.activity_ids)

    def test_nobody_approves_their_own_request(self):
        dispute = self.open_dispute(self.invoice, user=self.manager, amount=600)
        dispute.action_accept()
        self.assertEqual(dispute.approval_state, 'requested')
        with self.assertRaisesRegex(AccessError, "nobody approves their own request"):
            dispute.action_approve()
        with self.assertRaisesRegex(AccessError, "nobody approves their own request"):
            dispute.action_refuse_approval()
        self.as_user(dispute, self.second_manager).action_approve()
        self.assertEqual(dispute.approved_by_id, self.second_manager)

    def test_no_limit_means_four_eyes_always(self):
        self.company.ar_dispute_limit = 0
        dispute = self.open_dispute(self.invoice, amount=1)
        dispute.action_accept()
        self.assertEqual(dispute.approval_state, 'requested')

    def test_splitting_does_not_help(self):
        """All that is accepted on an invoice counts towards the limit, earlier rounds and waiting requests too."""
        first = self.open_dispute(self.invoice, amount=300)
        first.action_accept()
        second = self.open_dispute(self.invoice, amount=300)
        second.action_accept()
        self.assertEqual((first.state, second.approval_state), ('accepted', 'requested'))
        first.credit_move_ids.with_user(self.clerk).action_post()
        first.action_reopen()
        first.amount = 250
        first.action_accept()
        self.assertEqual(first.approval_state, 'requested')

    def test_the_limit_is_in_company_currency(self):
        """EUR 400 at 0.625 EUR per unit are 640 in the books."""
        move = self.goods((1_000, 1, self.env['account.tax'], 0), currency_id=self.eur.id)
        dispute = self.open_dispute(move, amount=400)
        dispute.action_accept()
        self.assertEqual(dispute.approval_state, 'requested')
        other = self.goods((1_000, 1, self.env['account.tax'], 0), currency_id=self.eur.id)
        smaller = self.open_dispute(other, amount=310)
        smaller.action_accept()
        self.assertEqual(smaller.state, 'accepted')

    def test_while_it_waits_nothing_changes(self):
        dispute = self.open_dispute(self.invoice, amount=600)
        dispute.action_accept()
        for vals in ({'amount': 700}, {'amount_accepted': 700}, {'move_id': self.invoice.id}):
            with self.assertRaisesRegex(UserError, "waits for approval"):
                dispute.write(vals)
        for action in ('action_accept', 'action_reject', 'action_withdraw'):
            dispute.outcome_note = "No"
            with self.assertRaisesRegex(UserError, "waits for approval"):
                getattr(dispute, action)()
        dispute.action_take_back_request()
        self.assertEqual((dispute.approval_state, dispute.amount_accepted, dispute.activity_ids.ids), (False, 0, []))
        dispute.amount = 100
        dispute.action_accept()
        self.assertEqual(dispute.state, 'accepted')

    def test_refused_goes_back_to_whoever_asked(self):
        dispute = self.open_dispute(self.invoice, amount=600)
        dispute.action_accept()
        self.as_user(dispute, self.manager).action_refuse_approval()
        self.assertEqual((dispute.state, dispute.approval_state), ('investigating', 'refused'))
        self.assertEqual(dispute.activity_ids.user_id, self.clerk)
        self.assertFalse(dispute.credit_move_ids)
        self.assertEqual(self.held(), 600)

    def test_without_a_second_manager_it_says_so(self):
        group = self.env.ref('ar_coordinator.group_ar_manager')
        others = group.all_user_ids.filtered(lambda user: self.company in user.company_ids) - self.manager
        others.group_ids -= group
        dispute = self.open_dispute(self.invoice, user=self.manager, amount=600)
        with self.assertRaisesRegex(UserError, "nobody else has the role"):
            dispute.action_accept()

    def test_approvals_are_not_for_hands(self):
        dispute = self.open_dispute(self.invoice, amount=600)
        dispute.action_accept()
        for vals in ({'approval_state': 'approved'}, {'requested_by_id': self.colleague.id},
                     {'approved_by_id': self.manager.id}, {'state': 'accepted'}):
            with self.assertRaises(AccessError, msg=vals):
                dispute.write(vals)


@tagged('post_install', '-at_install')
class TestDisputeEnds(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(1_000, '2026-03-01', '2026-03-20')

    def test_paid_closes_it_at_the_day_of_the_payment(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        dispute.sudo().date_open = '2026-03-05'
        self.ar_pay(self.invoice, '2026-03-25')
        self.assertEqual((dispute.state, dispute.closed_by), ('closed', 'paid'))
        self.assertEqual(dispute.date_closed.isoformat(), '2026-03-25')
        self.assertEqual((self.held('2026-03-24'), self.held('2026-03-25')), (400, 0))

    def test_credited_by_another_credit_note(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        note = self.ar_invoice(1_000, '2026-03-31', move_type='out_refund')
        self.ar_match(self.invoice, note)
        self.assertEqual((dispute.state, dispute.closed_by), ('closed', 'credited'))
        self.assertIn(note.name, dispute.message_ids[0].body)

    def test_written_off_by_an_entry_or_with_the_payment(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        self.ar_pay(self.invoice, '2026-03-31', amount=600)
        self.assertTrue(dispute.is_open)
        self.ar_match(self.invoice, self.ar_misc(-400, '2026-03-31'))
        self.assertEqual((dispute.state, dispute.closed_by), ('closed', 'written_off'))
        other = self.ar_invoice(100, '2026-03-01')
        dispute = self.open_dispute(other, amount=10)
        self.ar_pay(other, '2026-03-31', amount=90, payment_difference_handling='reconcile',
                    writeoff_account_id=self.revenue.id)
        self.assertEqual((dispute.state, dispute.closed_by), ('closed', 'written_off'))

    def test_a_draft_clears_nothing(self):
        """Matched with a draft credit note the invoice looks settled to Odoo, but it is owed: the dispute goes on."""
        dispute = self.open_dispute(self.invoice, amount=400)
        note = self.ar_invoice(1_000, '2026-03-31', move_type='out_refund', post=False)
        (self.ar_lines(self.invoice) + self.ar_lines(note)).reconcile()
        self.assertEqual(self.invoice.amount_residual, 0)
        self.assertTrue(dispute.is_open)

    def test_undoing_the_payment_reopens_nothing(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        self.ar_pay(self.invoice, '2026-03-31')
        self.ar_lines(self.invoice).remove_move_reconcile()
        self.assertEqual((dispute.state, self.held()), ('closed', 0))

    def test_a_request_that_waits_ends_with_the_invoice(self):
        dispute = self.open_dispute(self.invoice, amount=900)
        dispute.action_accept()
        self.ar_pay(self.invoice, '2026-03-31')
        self.assertEqual((dispute.state, dispute.approval_state, dispute.activity_ids.ids), ('closed', False, []))

    def test_paid_by_somebody_who_reads_no_disputes(self):
        """An accountant without a receivables role matches a payment: no access error, the dispute closes."""
        accountant = self.ar_user('dispute_accountant', 'account.group_account_invoice')
        dispute = self.open_dispute(self.invoice, amount=400)
        wizard = self.env['account.payment.register'].with_user(accountant).with_context(
            active_model='account.move', active_ids=self.invoice.ids)
        wizard.create({'payment_date': '2026-03-31', 'journal_id': self.bank.id}).action_create_payments()
        self.assertEqual(dispute.closed_by, 'paid')

    def test_taken_up_again_past_reports_stay(self):
        dispute = self.open_dispute(self.invoice, amount=400, note="Broken")
        dispute.sudo().date_open = '2026-03-05'
        dispute.outcome_note = "We have your signature."
        dispute._transition(('new',), 'rejected', date_closed='2026-03-15')
        self.assertEqual((self.held('2026-03-14'), self.held('2026-03-15'), self.held('2026-03-31')), (400, 0, 0))
        dispute.action_reopen()
        self.assertEqual((dispute.state, dispute.date_held.isoformat()), ('investigating', '2026-03-31'))
        self.assertEqual(
            [self.held(day) for day in ('2026-03-14', '2026-03-15', '2026-03-30', '2026-03-31')], [400, 0, 0, 400])
        self.assertEqual(
            [(period.state, period.amount, period.outcome_note) for period in dispute.period_ids],
            [('rejected', 400, "We have your signature.")])
        series = self.env['ar.kpi.report'].get_data(
            {'as_of': '2026-03-31', 'company_ids': self.company.ids, 'months': 1})
        self.assertEqual(series['disputed'], 400)
        with self.assertRaisesRegex(UserError, "is open"):
            dispute.action_reopen()

    def test_taken_up_again_for_what_was_not_credited(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        dispute._accept(amount=250)
        dispute.credit_move_ids.action_post()
        dispute.action_reopen()
        self.assertEqual((dispute.amount, self.held()), (150, 150))

    def test_taken_up_again_only_for_what_is_owed(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        dispute.action_withdraw()
        self.ar_pay(self.invoice, '2026-03-31', amount=800)
        dispute.action_reopen()
        self.assertEqual(dispute.amount, 200)
        dispute.action_withdraw()
        self.ar_pay(self.invoice, '2026-03-31')
        with self.assertRaisesRegex(UserError, "is settled: nothing of it is left"):
            dispute.action_reopen()


@tagged('post_install', '-at_install')
class TestDisputeDeadline(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(1_000, '2026-03-01', '2026-03-20')
        cls.department = cls.env['ar.dispute.department'].create({'name': "Logistics", 'user_id': cls.manager.id})

    def escalate(self):
        self.env['ar.dispute']._escalate_late(self.company)

    def test_working_days_and_holidays(self):
        """Ten working days from Tuesday 31 March, with Good Friday and Easter Monday off: 16 April."""
        calendar = self.env['resource.calendar'].create({
            'name': "Desk", 'company_id': self.company.id, 'tz': 'America/Los_Angeles'})
        self.company.resource_calendar_id = calendar
        for day, after in (('2026-04-03', '2026-04-04'), ('2026-04-06', '2026-04-07')):
            self.env['resource.calendar.leaves'].create({
                'name': "Easter", 'calendar_id': calendar.id, 'company_id': self.company.id,
                'date_from': f'{day} 07:00:00', 'date_to': f'{after} 06:59:59'})
        self.assertEqual(self.reason.sla_days, 10)
        self.assertEqual(self.open_dispute(self.invoice).date_deadline.isoformat(), '2026-04-16')

    def test_the_managers_task_once_per_deadline(self):
        self.reason.department_id = self.department
        dispute = self.open_dispute(self.invoice, amount=400)
        dispute.user_id = self.clerk
        dispute.date_deadline = '2026-03-31'
        self.escalate()
        self.assertFalse(dispute.activity_ids, "due today is not late")
        dispute.date_deadline = '2026-03-30'
        self.escalate()
        self.escalate()
        self.assertEqual(dispute.activity_ids.user_id, self.manager)
        self.assertEqual(len(dispute.activity_ids), 1)
        self.assertEqual(dispute.date_escalated.isoformat(), '2026-03-31')
        dispute.date_deadline = '2026-03-29'
        self.escalate()
        self.assertEqual(len(dispute.activity_ids), 2)

    def test_who_stands_above_the_owner(self):
        """The reason's name, the department's manager, the company's; never the owner while there is somebody else."""
        dispute = self.open_dispute(self.invoice, amount=400)
        dispute.user_id = self.manager
        self.company.ar_dispute_manager_id = self.second_manager
        dispute.department_id = self.department
        self.assertEqual(dispute._get_escalation_user(), self.second_manager)
        self.reason.escalation_user_id = self.colleague
        self.assertEqual(dispute._get_escalation_user(), self.colleague)

    def test_decided_disputes_are_not_late(self):
        dispute = self.open_dispute(self.invoice, amount=400)
        dispute.date_deadline = '2026-03-01'
        dispute.action_accept()
        self.escalate()
        self.assertFalse(dispute.activity_ids)

    def test_the_daily_job(self):
        """It closes disputes of cancelled invoices, escalates, and leaves other companies' alone."""
        other = self.setup_other_company()['company']
        dispute, late = self.open_dispute(self.invoice, amount=400), self.open_dispute(self.invoice, amount=50)
        cancelled = self.ar_invoice(10, '2026-03-01')
        gone = self.open_dispute(cancelled)
        cancelled.button_draft()
        cancelled.button_cancel()
        late.date_deadline = '2026-03-02'
        with self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_dispute').method_direct_trigger()
        self.assertEqual((gone.state, gone.closed_by), ('closed', 'cancelled'))
        self.assertEqual((dispute.state, dispute.activity_ids.ids), ('new', []))
        self.assertTrue(late.activity_ids)
        self.assertFalse(self.env['ar.dispute'].search([('company_id', '=', other.id)]))


@tagged('post_install', '-at_install')
class TestDisputeEffects(DisputeCommon):

    def test_our_fault_leaves_the_exposure(self):
        """Only what is our fault, at most what is unpaid, in the currency of the books."""
        fault, not_fault = self.reason, self.env.ref('ar_coordinator.dispute_reason_terms')
        self.assertEqual((fault.is_our_fault, not_fault.is_our_fault), (True, False))
        first = self.ar_invoice(1_000, '2026-03-01')
        second = self.ar_invoice(100, '2026-03-01', currency_id=self.eur.id)
        third = self.ar_invoice(80, '2026-03-01', partner=self.other_customer)
        self.open_dispute(first, amount=300)
        self.open_dispute(first, amount=200, reason=not_fault)
        self.open_dispute(second, amount=50)  # 80 in the books
        self.open_dispute(third, amount=80)
        self.ar_pay(third, '2026-03-31', amount=70)
        ledger = self.env['ar.ledger'].with_user(self.clerk)
        exposure = ledger.exposure(self.customer | self.other_customer)
        self.assertEqual(exposure[self.customer.id]['our_fault'], 380)
        self.assertEqual(exposure[self.other_customer.id]['our_fault'], 10)
        self.assertEqual(self.held(), 590, "the ageing shows all of it")
