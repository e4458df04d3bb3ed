"""The worklist: who is on it, why, in which order; and who is left alone."""
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged

from .desk_common import DeskCommon


@tagged('post_install', '-at_install')
class TestWorklist(DeskCommon):

    # === REASONS === #

    def test_overdue_amount_and_days_make_the_score(self):
        """40 * log10(1 + 9 * 1000 / 1000) = 40, 20 * 40 / 100 = 8."""
        self.ar_invoice(1000, '2026-04-01', '2026-05-01')
        row = self.row()
        self.assertEqual(self.parts(), {'overdue': 40.0, 'days': 8.0})
        self.assertEqual((row['score'], row['chased'], row['days'], row['receivable']), (48.0, 1000.0, 40, 1000.0))
        self.assertEqual(row['reasons'], [f"{self.company.currency_id.format(1000)} overdue, for up to 40 days"])
        self.assertEqual(sum(part['points'] for part in row['parts']), row['score'])

    def test_not_due_is_no_reason(self):
        self.ar_invoice(1000, '2026-06-01', '2026-06-10')  # due today: not overdue
        self.assertEqual(self.page()['rows'], [])

    def test_below_the_minimum_is_no_reason(self):
        """Customers who have paid nearly everything do not fill the list."""
        invoice = self.ar_invoice(1000, '2026-04-01', '2026-05-01')
        self.ar_pay(invoice, '2026-05-20', 990.01)
        self.assertIsNone(self.row())
        self.rules['overdue'].minimum = 9.99
        self.assertEqual(self.row()['chased'], 9.99)

    def test_disputed_promised_and_paused_are_left_alone(self):
        """100 of 1,000 are left to chase; the words say what is left alone."""
        disputed, promised = self.ar_invoice(400, '2026-04-01'), self.ar_invoice(300, '2026-04-02')
        paused, marked, free = (self.ar_invoice(amount, '2026-04-03') for amount in (150, 50, 100))
        self.ar_late_dispute(disputed, 400, date_deadline='2026-07-01')
        self.ar_promise(promised, '2026-06-20')
        self.env['ar.pause'].create({'move_id': paused.id, 'reason': "x", 'date_end': '2026-06-30'})
        marked.no_followup = True
        row = self.row()
        self.assertEqual(
            (row['chased'], row['overdue'], row['disputed'], row['promised']), (100.0, 1000.0, 400.0, 300.0))
        money = self.company.currency_id.format
        self.assertIn(f"left alone: {money(400)} disputed, {money(300)} promised", row['reasons'])
        self.ar_pay(free, '2026-06-01')
        self.assertIsNone(self.row(), "nobody is needed for what is left alone")

    def test_a_paused_customer_shows_for_what_still_needs_someone(self):
        self.ar_invoice(400, '2026-04-01')
        self.env['ar.pause'].create({'partner_id': self.customer.id, 'reason': "x", 'date_end': '2026-06-30'})
        self.assertIsNone(self.row())
        self.ar_answer()
        row = self.row()
        self.assertEqual((row['best'], row['chased']), ('look', 0.0))
        self.assertEqual(self.parts(), {'answer': 35.0})

    def test_a_customer_handed_over_is_not_chased(self):
        self.ar_invoice(400, '2026-04-01')
        self.env['ar.hand.over'].create({'partner_id': self.customer.id, 'to': 'agency', 'reason': "x"})
        self.assertIsNone(self.row())

    def test_open_credits_are_deducted_oldest_items_first(self):
        """300 on account covers the oldest 250: what is left is 450 of the item that is 31 days late."""
        self.ar_invoice(250, '2026-03-01')
        self.ar_invoice(500, '2026-05-10')
        self.ar_cash(300, '2026-06-01')
        row = self.row()
        self.assertEqual((row['chased'], row['days']), (450.0, 31))

    def test_credits_that_cover_everything_leave_nothing_to_chase(self):
        self.ar_invoice(250, '2026-03-01')
        self.ar_cash(250, '2026-06-01')
        self.assertIsNone(self.row())

    def test_matched_with_a_draft_is_not_chased(self):
        invoice = self.ar_invoice(100, '2026-04-01')
        refund = self.ar_invoice(40, '2026-05-01', move_type='out_refund')
        self.ar_match(invoice, refund)
        refund.button_draft()
        row = self.row()
        self.assertEqual((invoice.amount_residual, row['chased'], row['receivable']), (60.0, 60.0, 100.0))

    def test_broken_promise(self):
        """Broken on 06-08: promised for 06-06, tolerance 1; the next contact ends the reason."""
        invoice = self.ar_invoice(500, '2026-04-01')
        with freeze_time('2026-06-01 12:00:00'):
            self.ar_promise(invoice, '2026-06-06')
        self.ar_night('2026-06-08')
        row = self.row()
        self.assertEqual({part['kind'] for part in row['parts']}, {'broken', 'overdue', 'days'})
        self.assertEqual(row['best'], 'write')
        self.assertIn("Promise not kept", row['reasons'][0])
        self.customer.phone = '+1 555 0100'
        self.assertEqual(self.row()['best'], 'call')
        self.ar_promise(invoice, '2026-06-20')
        self.assertIsNone(self.row(), "promised again: he waits")

    def test_promise_due_today(self):
        invoice = self.ar_invoice(500, '2026-04-01')
        self.ar_promise(invoice, '2026-06-10', {self.ar_lines(invoice).id: 200})
        row = self.row()
        self.assertEqual(self.parts()['promise_due'], 15.0)
        self.assertEqual(row['chased'], 300.0)
        self.assertIn("200.00", row['reasons'][0])
        with freeze_time('2026-06-09 12:00:00'):
            self.assertNotIn('promise_due', self.parts())

    def test_dispute_past_its_deadline(self):
        invoice = self.ar_invoice(500, '2026-06-01', '2026-07-01')
        dispute = self.ar_late_dispute(invoice, 500)
        self.assertEqual(self.parts(), {'dispute_late': 20.0})
        self.assertEqual(self.row()['best'], 'dispute')
        action = self.env['ar.worklist'].with_user(self.clerk).get_action(
            self.customer.id, self.company.id, 'dispute')
        self.assertEqual((action['res_model'], action['res_id']), ('ar.dispute', dispute.id))

    def test_large_item_about_to_fall_due(self):
        self.ar_invoice(4999.99, '2026-06-01', '2026-06-12')
        self.assertIsNone(self.row())
        self.ar_invoice(5000, '2026-06-01', '2026-06-17')
        self.assertEqual(self.parts(), {'big_due': 10.0})
        self.ar_invoice(6000, '2026-06-01', '2026-06-18', partner=self.other_customer)
        self.assertIsNone(self.row(self.other_customer), "eight days ahead")

    def test_hold_with_documents_waiting(self):
        self.company.ar_credit_check_posting = True
        draft = self.ar_invoice(700, '2026-06-09', post=False)
        self.env['ar.credit.hold']._place(self.customer, self.company, "Not paid")
        self.assertEqual(self.parts(), {'held': 25.0})
        self.assertIn("700.00", self.row()['reasons'][0])
        action = self.env['ar.worklist'].with_user(self.clerk).get_action(
            self.customer.id, self.company.id, 'release')
        release = self.env['ar.credit.release'].browse(action['res_id'])
        self.assertEqual(
            (release.document, release.state, release.max_amount, release.requested_by_id, release.hold_reasons),
            (draft, 'requested', 700, self.clerk, "Not paid"))
        self.assertTrue(release.activity_ids)
        again = self.env['ar.worklist'].with_user(self.clerk).get_action(self.customer.id, self.company.id, 'release')
        self.assertEqual(again['res_id'], release.id, "what was asked for is shown, not asked for again")

    def test_a_release_drawn_up_by_hand(self):
        """It names the document; amount and reasons are the document's when it is asked for."""
        self.company.ar_credit_check_posting = True
        drafts = self.ar_invoice(700, '2026-06-09', post=False) + self.ar_invoice(50, '2026-06-09', post=False)
        self.env['ar.credit.hold']._place(self.customer, self.company, "Not paid")
        action = self.env['ar.worklist'].with_user(self.clerk).get_action(self.customer.id, self.company.id, 'release')
        self.assertFalse(action['context']['default_document'], "two wait: somebody has to choose")
        release = self.env['ar.credit.release'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id,
            'document': f'account.move,{drafts[0].id}'})
        release.action_request()
        self.assertEqual((release.state, release.max_amount, release.hold_reasons), ('requested', 700, "Not paid"))

    def test_letter_that_did_not_arrive(self):
        self.ar_invoice(700, '2026-04-01')
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'company_id': self.company.id})
        run.action_preview()
        with self.mock_mail_gateway():
            run.action_send()
        self.assertIsNone(self.row(), "written to today: he has a week to answer")
        run.letter_ids.sudo()._fail("No such mailbox")
        row = self.row()
        self.assertEqual(row['best'], 'fix')
        self.assertEqual(self.parts()['failed'], 25.0)

    def test_contacted_lately(self):
        """A letter gives a week; the reply that comes meanwhile shows at once."""
        self.ar_invoice(700, '2026-04-01')
        run = self.env['ar.dunning.run'].with_user(self.clerk).create({'company_id': self.company.id})
        run.action_preview()
        with self.mock_mail_gateway():
            run.action_send()
        self.assertIsNone(self.row())
        with freeze_time('2026-06-16 12:00:00'):
            self.assertIsNone(self.row())
        with freeze_time('2026-06-17 12:00:00'):
            self.assertEqual(self.row()['chased'], 700.0)
        run.letter_ids.sudo()._receive_reply()
        self.assertEqual(self.row()['best'], 'look')

    def test_letter_now_when_a_run_would_write(self):
        self.ar_invoice(700, '2026-04-01')
        row = self.row()
        self.assertEqual(row['best'], 'letter')
        action = self.env['ar.worklist'].with_user(self.clerk).get_action(self.customer.id, self.company.id, 'letter')
        run = self.env['ar.dunning.run'].browse(action['res_id'])
        self.assertEqual((run.state, run.letter_ids.sudo().amount_total), ('preview', 700.0))

    # === ORDER, FILTERS, PAGES === #

    def test_order_counts_and_filters(self):
        self.ar_invoice(1000, '2026-04-01', '2026-05-01')
        self.ar_invoice(100, '2026-04-01', '2026-06-09', partner=self.other_customer)
        self.ar_answer(self.other_customer)
        self.customer.with_company(self.company).ar_collector_id = self.collector
        page = self.page()
        self.assertEqual(
            [(row['partner_id'], row['score']) for row in page['rows']],
            [(self.customer.id, 48.0), (self.other_customer.id, 46.4)])
        self.assertEqual(page['counts'], {'overdue': 2, 'days': 2, 'answer': 1})
        self.assertEqual(page['totals'], [{'currency_id': self.company.currency_id.id, 'chased': 1100.0}])

        def names(**options):
            return [row['name'] for row in self.page(**options)['rows']]
        self.assertEqual(names(kinds=['answer']), ["Alder & Sons"])
        self.assertEqual(names(minimum=500), ["Harbour Fish Ltd"])
        self.assertEqual(names(collector='none'), ["Alder & Sons"])
        self.assertEqual(names(collector='me', user=self.collector), ["Harbour Fish Ltd"])
        self.assertEqual(names(collector='me'), [])
        self.assertEqual(names(collector=self.collector.id), ["Harbour Fish Ltd"])
        self.assertEqual(names(search='alder'), ["Alder & Sons"])
        self.assertEqual(names(limit=1, offset=1), names()[1:])
        self.assertEqual(self.page(limit=1, offset=1)['keys'], [[self.other_customer.id, self.company.id]])
        risky = self.env['ar.credit.class'].create({'name': "Risky", 'mode': 'unlimited'})
        self.other_customer.with_company(self.company).ar_credit_class_id = risky
        self.env['ar.worklist.rule'].create({
            'name': "Risky", 'kind': 'risk', 'weight': 50, 'class_ids': risky.ids, 'company_id': self.company.id})
        self.assertEqual(names(), ["Alder & Sons", "Harbour Fish Ltd"])
        self.assertEqual(self.parts(self.other_customer)['risk'], 50.0)
        self.assertEqual(names(class_ids=risky.ids), ["Alder & Sons"])

    def test_my_customers_are_those_i_stand_in_for_too(self):
        """The collector is on holiday: the clerk who stands in sees their customers as his own."""
        self.ar_invoice(1000, '2026-04-01')
        self.customer.with_company(self.company).ar_collector_id = self.collector
        self.assertEqual(self.page(collector='me')['rows'], [])
        self.env['ar.collector.absence'].create({
            'user_id': self.collector.id, 'substitute_id': self.clerk.id, 'company_id': self.company.id,
            'date_from': '2026-06-08', 'date_to': '2026-06-12'})
        for whose in ('me', self.clerk.id, self.collector.id):
            self.assertEqual([row['name'] for row in self.page(collector=whose)['rows']], ["Harbour Fish Ltd"], whose)
        self.assertEqual(self.page(collector=self.manager.id)['rows'], [])
        self.env['ar.collector.absence'].create({  # ill as well: whoever is there
            'user_id': self.clerk.id, 'substitute_id': self.manager.id, 'date_from': '2026-06-10',
            'date_to': '2026-06-10'})
        self.assertEqual(self.page(collector='me')['rows'], [])
        self.assertEqual(len(self.page(collector=self.manager.id)['rows']), 1)
        with freeze_time('2026-06-13 12:00:00'):
            self.assertEqual(self.page(collector='me')['rows'], [])

    def test_a_substitute_in_one_company_is_none_in_the_other(self):
        other, _invoice = self.other_books()
        self.clerk.company_ids += other
        self.ar_invoice(1000, '2026-04-01')
        self.customer.with_company(other).ar_collector_id = self.collector
        self.env['ar.collector.absence'].create({
            'user_id': self.collector.id, 'substitute_id': self.clerk.id, 'company_id': self.company.id,
            'date_from': '2026-06-08', 'date_to': '2026-06-12'})
        desk = self.env['ar.worklist'].with_user(self.clerk).with_context(
            allowed_company_ids=[self.company.id, other.id])
        self.assertEqual(desk.get_page({'collector': 'me'})['keys'], [[self.customer.id, self.company.id]])

    def test_rules_are_data(self):
        """A company's own rule takes the shared one's place; a weight of 0 switches a reason off."""
        self.ar_invoice(1000, '2026-04-01', '2026-05-01')
        self.rules['days'].weight = 0
        self.assertEqual(self.parts(), {'overdue': 40.0})
        shared = self.env.ref('ar_coordinator.ar_worklist_rule_overdue')
        shared.active = True
        self.assertEqual(self.parts(), {'overdue': 40.0}, "the company's own")
        self.rules['overdue'].active = False
        self.assertEqual(self.parts(), {'overdue': 11.2}, "40 * log10(1 + 9 * 1000 / 10000)")
        shared.active = False
        self.assertIsNone(self.row())

    def test_options_that_make_no_sense(self):
        for options in ({'kind': 'x'}, {'kinds': ['x']}, {'minimum': -1}, {'minimum': '5'}, {'collector': 'x'}):
            with self.assertRaises(UserError, msg=str(options)):
                self.env['ar.worklist'].with_user(self.clerk).get_page(options)

    def test_two_companies_two_rows(self):
        company, _invoice = self.other_books()
        self.ar_invoice(1000, '2026-04-01', '2026-05-01')
        self.env['ar.worklist.rule'].create([
            {'name': "x", 'kind': 'overdue', 'weight': 1, 'company_id': company.id}])
        self.clerk.company_ids += company
        worklist = self.env['ar.worklist'].with_user(self.clerk).with_context(
            allowed_company_ids=[self.company.id, company.id])
        page = worklist.get_page({})
        self.assertEqual(
            {(row['company_id'], row['chased'], row['currency_id']) for row in page['rows']},
            {(self.company.id, 1000.0, self.company.currency_id.id), (company.id, 300.0, company.currency_id.id)})
        with self.assertRaises(AccessError):
            self.page(user=self.reader, company_ids=company.ids)
        action = worklist.get_action(self.customer.id, company.id, 'promise')
        self.assertEqual(action['context']['allowed_company_ids'], [company.id, self.company.id])

    def test_items_in_another_currency(self):
        """Amounts are those of the books, in company currency."""
        self.ar_invoice(100, '2026-04-01', '2026-05-01', currency_id=self.eur.id)
        self.assertEqual(self.row()['chased'], 160.0)

    # === PUT OFF === #

    def test_put_off_until_a_day_with_a_reason(self):
        self.ar_invoice(700, '2026-04-01')
        snooze = self.env['ar.worklist.snooze'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'date_until': '2026-06-15',
            'reason': "Pays on the 15th"})
        self.assertIsNone(self.row())
        row = self.row(snoozed=True)
        self.assertEqual(row['snooze'], {
            'id': snooze.id, 'until': '2026-06-15', 'reason': "Pays on the 15th", 'user': self.clerk.name})
        self.assertIn("Pays on the 15th", self.customer.message_ids[0].body)
        with freeze_time('2026-06-15 12:00:00'):
            self.assertTrue(self.row())
        with self.assertRaises(UserError):
            snooze.write({'date_until': '2027-01-01'})
        with self.assertRaises(AccessError):
            snooze.unlink()
        snooze.action_end()
        self.assertEqual((snooze.ended_by_id, bool(snooze.date_ended)), (self.clerk, True))
        self.assertTrue(self.row())

    def test_a_reply_after_it_was_put_off_shows(self):
        self.ar_invoice(700, '2026-04-01')
        snooze = self.env['ar.worklist.snooze'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'reason': "x"})
        self.ar_answer()
        self.env.flush_all()
        self.env.cr.execute("UPDATE ar_worklist_snooze SET create_date = create_date - interval '1 hour' WHERE id = %s",
                            [snooze.id])
        self.env.invalidate_all()
        self.assertEqual(self.row()['best'], 'look')

    def test_put_off_to_the_past_is_refused(self):
        with self.assertRaises(ValidationError):
            self.env['ar.worklist.snooze'].with_user(self.clerk).create({
                'partner_id': self.customer.id, 'company_id': self.company.id, 'reason': "x",
                'date_until': '2026-06-10'})

    def test_a_new_decision_ends_the_earlier_one(self):
        snoozes = self.env['ar.worklist.snooze'].with_user(self.clerk)
        first = snoozes.create({'partner_id': self.customer.id, 'company_id': self.company.id, 'reason': "x"})
        second = snoozes.create({'partner_id': self.customer.id, 'company_id': self.company.id, 'reason': "y"})
        self.assertEqual((bool(first.date_ended), bool(second.date_ended)), (True, False))

    # === ROLES === #

    def test_roles(self):
        self.ar_invoice(700, '2026-04-01')
        portal = new_test_user(self.env, login='desk_portal', groups='base.group_portal')
        worklist = self.env['ar.worklist']
        for user in (self.reader, self.clerk, self.manager):
            self.assertEqual(len(self.page(user=user)['rows']), 1, user.login)
        self.assertFalse(self.page(user=self.reader)['can_work'])
        for user in (self.sales, portal):
            for method, args in (('get_page', [{}]), ('get_filters', []),
                                 ('get_action', [self.customer.id, self.company.id, 'call'])):
                with self.assertRaises(AccessError, msg=f"{user.login} {method}"):
                    getattr(worklist.with_user(user), method)(*args)
            with self.assertRaises(AccessError):
                self.env['ar.worklist.snooze'].with_user(user).search([])
            with self.assertRaises(AccessError):
                self.env['ar.worklist.rule'].with_user(user).search([])
        with self.assertRaises(AccessError):
            worklist.with_user(self.reader).get_action(self.customer.id, self.company.id, 'promise')
        values = {'partner_id': self.customer.id, 'company_id': self.company.id, 'reason': "x"}
        with self.assertRaises(AccessError):
            self.env['ar.worklist.snooze'].with_user(self.reader).create(values)
        with self.assertRaises(AccessError):
            self.env['ar.worklist.snooze'].with_user(self.clerk).create({**values, 'user_id': self.manager.id})
        snooze = self.env['ar.worklist.snooze'].with_user(self.clerk).with_context(
            default_user_id=self.manager.id).create(values)
        self.assertEqual(snooze.user_id, self.clerk)
        with self.assertRaises(AccessError):
            snooze.with_user(self.reader).action_end()
        with self.assertRaises(AccessError):
            self.rules['days'].with_user(self.clerk).weight = 5
        self.rules['days'].with_user(self.manager).weight = 5

    # === COST === #

    def test_queries_do_not_grow_with_the_customers(self):
        """The same number of queries for 3 customers as for 30, on the page and beside it."""
        def build(count, start):
            partners = self.env['res.partner'].create([{'name': f"Customer {start + n}"} for n in range(count)])
            for partner in partners:
                invoice = self.ar_invoice(100, '2026-04-01', partner=partner)
                self.ar_late_dispute(invoice, 10)
                self.ar_answer(partner)

        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertTrue(self.page()['rows'])
            return self.cr.sql_log_count - before
        build(3, 0)
        queries()
        few = queries()
        build(27, 3)
        self.assertLessEqual(queries(), few)
        self.assertLess(few, 80)
