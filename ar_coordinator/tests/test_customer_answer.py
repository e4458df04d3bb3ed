"""What a customer's answer checks and sets off: the company's limits, records, task, confirmation, chatter."""
from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged

from .answer_common import AnswerCommon

PNG = (b'\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89'
       b'\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa7\x9a\xa0\xa0\x00\x00\x00\x00IEND\xaeB`\x82')


@tagged('post_install', '-at_install')
class TestCustomerAnswer(AnswerCommon):

    def outcomes(self):
        """What a run three weeks later would do."""
        with freeze_time('2026-04-20 12:00:00'):
            run = self.ar_run(as_of='2026-04-20')
        return {
            outcome.move_id: (outcome.result, outcome.reason, outcome.amount_asked)
            for outcome in run.outcome_ids if outcome.partner_id == self.customer}

    def assertRefused(self, words, kind, **values):
        """The customer is told why, and nothing is written."""
        before = self.env['ar.customer.answer'].search_count([])
        with self.assertRaisesRegex(UserError, words):
            self.answer(kind, **values)
        self.assertEqual(self.env['ar.customer.answer'].search_count([]), before)

    # === RECORD, TASK, CONFIRMATION === #

    def test_paid_already_pauses_just_those_items(self):
        letter = self.ar_letter()
        answer = self.answer(
            'paid', self.ar_lines(self.first), letter, date=date(2026, 3, 20), reference="RF18 5390")
        self.assertRecordValues(answer, [{
            'kind': 'paid', 'partner_id': self.customer.id, 'company_id': self.company.id, 'amount': 300.0,
            'date': date(2026, 3, 20), 'reference': "RF18 5390", 'state': 'waiting', 'user_id': self.clerk.id,
            'letter_id': letter.id, 'origin': 'link'}])
        self.assertEqual(answer.line_ids.mapped('amount'), [300.0])
        self.assertRecordValues(answer.pause_ids, [{
            'move_id': self.first.id, 'date_start': date(2026, 3, 31), 'date_end': date(2026, 4, 7),
            'user_id': self.clerk.id, 'reason': "Customer says paid on 03/20/2026, reference RF18 5390"}])
        run = self.ar_run()
        found = {
            outcome.move_id: outcome.reason for outcome in run.outcome_ids if outcome.partner_id == self.customer}
        self.assertEqual(found, {self.first: 'paused', self.second: 'quiet'})
        self.assertTrue(self.first.with_user(self.clerk).ar_is_paused)
        self.assertFalse(self.second.with_user(self.clerk).ar_is_paused)

    def test_only_the_instalment_waits(self):
        """An answer about one instalment leaves the invoice's others alone."""
        move = self.ar_invoice(1000, '2026-01-01', invoice_payment_term_id=self.pay_terms_b.id)
        first, second = self.ar_lines(move).sorted('date_maturity')
        self.answer('paid', first, origin='portal', date=date(2026, 3, 20), reference="X")
        outcomes = {outcome.move_line_id: outcome.reason for outcome in self.ar_run().outcome_ids}
        self.assertEqual((outcomes[first], outcomes[second]), ('paused', 'due'))
        self.assertTrue(move.with_user(self.clerk).ar_is_paused)

    def test_task_confirmation_and_chatter(self):
        letter = self.ar_letter()
        answer = self.answer(
            'contact', letter=letter, contact_name="Ann Lee", contact_email="Ann.Lee@HarbourFish.example.com")
        self.assertRecordValues(answer.activity_id, [{
            'user_id': self.clerk.id, 'res_model': 'ar.customer.answer', 'res_id': answer.id,
            'date_deadline': date(2026, 3, 31)}])
        [mail] = self._new_mails.filtered(lambda mail: mail.recipient_ids == self.customer)
        self.assertIn("ann.lee@harbourfish.example.com", mail.body_html)
        self.assertIn("we have received your answer", mail.subject)
        for record in (letter, self.customer):
            self.assertIn("Ann Lee", record.message_ids[:1].body)
        self.assertEqual(
            answer.activity_id.with_user(self.clerk).summary,
            "Asks to write to Ann Lee, ann.lee@harbourfish.example.com.")
        answer.activity_id.with_user(self.clerk).action_done()
        self.assertRecordValues(answer, [{'state': 'handled', 'handled_by_id': self.clerk.id}])

    def test_everybody_reads_it_in_his_language(self):
        """The customer's confirmation is French, the collector's task and the chatter are English."""
        self.env['res.lang']._activate_lang('fr_FR')
        letter = self.ar_letter()
        letter.lang = self.customer.lang = 'fr_FR'
        self.answers = self.answers.with_context(lang='fr_FR')
        answer = self.answer(
            'paid', self.ar_lines(self.first), letter, date=date(2026, 3, 20), reference="RF18")
        [mail] = self._new_mails.filtered(lambda mail: mail.recipient_ids == self.customer)
        self.assertIn("20/03/2026", mail.body_html)
        self.assertNotIn("03/20/2026", mail.body_html)
        self.assertIn("03/20/2026", answer.activity_id.summary)
        self.assertIn("03/20/2026", answer.pause_ids.reason)
        self.assertIn("03/20/2026", letter.message_ids[:1].body)

    def test_another_contact_is_proposed_not_made(self):
        """Whoever has the letter can't redirect the next ones: a clerk decides."""
        letter = self.ar_letter()
        answer = self.answer(
            'contact', letter=letter, contact_name="Ann Lee", contact_email="ann@harbourfish.example.com")
        contacts = self.env['res.partner']._ar_receivables_contacts(self.customer, self.company)
        self.assertEqual(contacts[self.customer.id], self.customer)
        self.assertFalse(self.customer.child_ids)
        self.clerk.group_ids += self.env.ref('base.group_partner_manager')
        answer.with_user(self.clerk).action_create_contact()
        self.assertRecordValues(answer.contact_id, [{
            'parent_id': self.customer.id, 'name': "Ann Lee", 'email': "ann@harbourfish.example.com",
            'ar_is_receivables_contact': True}])
        self.assertEqual(answer.state, 'handled')
        contacts = self.env['res.partner']._ar_receivables_contacts(self.customer, self.company)
        self.assertEqual(contacts[self.customer.id], answer.contact_id)
        with self.assertRaises(UserError):
            answer.with_user(self.clerk).action_create_contact()

    def test_dispute_of_a_part_leaves_the_rest_due(self):
        letter = self.ar_letter()
        answer = self.answer(
            'dispute', self.ar_lines(self.first), letter, amount=120.0, reason=self.price, note="Agreed on less",
            attachments=[('../photo.PNG', PNG)])
        self.assertRecordValues(answer.dispute_ids, [{
            'move_id': self.first.id, 'amount': 120.0, 'reason_id': self.price.id, 'customer_note': "Agreed on less",
            'state': 'new'}])
        self.assertEqual(answer.dispute_ids.message_ids.attachment_ids.mapped('name'), ['photo.png'])
        self.assertEqual(self.outcomes(), {
            self.first: ('sent', 'due', 180.0), self.second: ('sent', 'due', 100.0)})

    def test_no_second_dispute_after_a_rejected_one(self):
        """Else letter after letter could be answered with the same dispute, and the invoice never be asked for."""
        answer = self.answer('dispute', self.ar_lines(self.first), self.ar_letter(), amount=120.0, reason=self.price)
        answer.dispute_ids._transition(('new',), 'rejected')
        self.assertRefused(
            "answered a dispute about this invoice before", 'dispute', items=self.ar_lines(self.first),
            origin='portal', amount=10.0, reason=self.price)
        self.answer('dispute', self.ar_lines(self.second), origin='portal', amount=10.0, reason=self.price)

    def test_two_at_a_time_take_turns(self):
        """Each answer writes the letter, also within one second, so that the database lets one wait for the other."""
        letter = self.ar_letter()
        values = {'date': date(2026, 3, 20), 'reference': "A1"}
        for turn in (1, 2, 3):
            self.answer('paid', self.ar_lines(self.first), letter, **values)
            self.env.cr.execute("SELECT answer_turn FROM ar_dunning_letter WHERE id = %s", [letter.id])
            self.assertEqual(self.env.cr.fetchone(), (turn,))
        self.assertEqual(len(letter.answer_ids), 1)

    def test_dispute_of_lines(self):
        move = self.ar_invoice(100, '2026-02-01', invoice_line_ids=[
            (0, 0, {'name': "Cod", 'quantity': 4, 'price_unit': 25.0, 'tax_ids': []}),
            (0, 0, {'name': "Eel", 'quantity': 3, 'price_unit': 10.0, 'tax_ids': []})])
        cod, eel = move.invoice_line_ids
        answer = self.answer(
            'dispute', self.ar_lines(move), origin='portal', lines={cod.id: 1.0, eel.id: 3.0}, reason=self.price)
        self.assertEqual(answer.dispute_ids.amount, 55.0)
        self.assertRefused(
            "quantity", 'dispute', items=self.ar_lines(self.first), lines={cod.id: 1.0}, reason=self.price)

    def test_promise_of_a_part_oldest_first(self):
        letter = self.ar_letter()
        items = self.ar_lines(self.first + self.second)
        answer = self.answer('promise', items, letter, date=date(2026, 4, 10), amount=350.0, note="Budget in April")
        self.assertRecordValues(answer.promise_id, [{
            'date_promised': date(2026, 4, 10), 'amount': 350.0, 'origin': 'link', 'note': "Budget in April",
            'state': 'open', 'partner_id': self.customer.id}])
        self.assertEqual(
            {line.move_id: line.amount for line in answer.line_ids}, {self.first: 300.0, self.second: 50.0})
        with self.assertRaisesRegex(UserError, "promised already"):
            self.answer('promise', items, origin='portal', date=date(2026, 4, 11))

    def test_dispute_half_and_promise_the_rest(self):
        """Both halves wait now; when the promise is broken, the undisputed half is asked for and nothing more."""
        letter = self.ar_letter()
        item = self.ar_lines(self.first)
        self.answer('dispute', item, letter, amount=150.0, reason=self.price)
        promise = self.answer('promise', item, letter, date=date(2026, 4, 10)).promise_id
        self.assertEqual(promise.amount, 150.0)
        with freeze_time('2026-04-10 12:00:00'):
            waiting = {outcome.move_id: outcome.reason for outcome in self.ar_run(as_of='2026-04-10').outcome_ids}
            self.assertEqual(waiting[self.first], 'promised')
        with freeze_time('2026-04-20 12:00:00'):
            promise._judge()
        self.assertEqual(promise.state, 'broken')
        self.assertEqual(self.outcomes(), {
            self.first: ('sent', 'due', 150.0), self.second: ('sent', 'due', 100.0)})

    def test_plan_is_drawn_up_and_its_items_wait(self):
        letter = self.ar_letter()
        answer = self.answer('plan', None, letter, instalments=4, date=date(2026, 4, 15), interval='month')
        self.assertRecordValues(answer.plan_id, [{'state': 'draft', 'origin': 'link', 'partner_id': self.customer.id}])
        self.assertEqual(
            [(line.date, line.amount) for line in answer.plan_id.instalment_ids],
            [(date(2026, 4, 15), 100.0), (date(2026, 5, 15), 100.0), (date(2026, 6, 15), 100.0),
             (date(2026, 7, 15), 100.0)])
        reasons = {outcome.move_id: outcome.reason for outcome in self.ar_run().outcome_ids}
        self.assertEqual((reasons[self.first], reasons[self.second]), ('paused', 'paused'))
        answer.with_user(self.clerk).action_handled()
        reasons = {outcome.move_id: outcome.reason for outcome in self.ar_run().outcome_ids}
        self.assertEqual(reasons[self.first], 'quiet', "nothing was offered: its turn comes")

    def test_double_submit_is_one_answer(self):
        letter = self.ar_letter()
        values = {'date': date(2026, 3, 20), 'reference': "A1"}
        answer = self.answer('paid', self.ar_lines(self.first), letter, **values)
        self.assertEqual(self.answer('paid', self.ar_lines(self.first), letter, **values), answer)
        self.assertFalse(self._new_mails, "no second confirmation")
        both = self.answer('paid', None, letter, **values)
        self.assertEqual(both.line_ids.move_id, self.second, "what was not answered yet")
        self.assertEqual(len(letter.answer_ids), 2)
        portal = self.answer('contact', origin='portal', contact_name="A", contact_email="a@b.example.com")
        self.assertEqual(
            self.answer('contact', origin='portal', contact_name="A", contact_email="a@b.example.com"), portal)

    # === LIMITS === #

    def test_largest_dispute(self):
        self.company.ar_answer_dispute_percent = 50
        items = self.ar_lines(self.first)
        self.assertRefused(
            r"up to \$.150\.00 can be disputed here.*\+1 555 0100", 'dispute', items=items, amount=150.01,
            reason=self.price)
        self.answer('dispute', items, origin='portal', amount=100.0, reason=self.price)
        colleague = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        self.assertRefused("up to", 'dispute', items=items, amount=60.0, reason=self.price, partner=colleague)
        self.company.ar_answer_dispute_percent = 0
        self.assertRefused("cannot be answered online", 'dispute', amount=1.0, reason=self.price, partner=colleague)

    def test_longest_promise(self):
        """The last day is fine, the day after is not, and the customer is told whom to talk to."""
        self.assertRefused(r"until 04/14/2026 here.*ar@company.example.com", 'promise', date=date(2026, 4, 15))
        self.assertRefused("past", 'promise', date=date(2026, 3, 30))
        self.assertRefused("cannot promise more", 'promise', date=date(2026, 4, 14), amount=400.01)
        self.company.ar_answer_promise_days = 0
        self.assertRefused("cannot be answered online", 'promise', date=date(2026, 4, 1))
        self.company.ar_answer_promise_days = 14
        self.answer('promise', origin='portal', date=date(2026, 4, 14))

    def test_plans_allowed_or_not(self):
        values = {'date': date(2026, 4, 15), 'interval': 'month'}
        self.company.ar_answer_plan_count = 3
        self.assertRefused("2 to 3 instalments", 'plan', instalments=4, **values)
        self.assertRefused("2 to 3 instalments", 'plan', instalments=1, **values)
        self.assertRefused("between today and", 'plan', instalments=3, date=date(2026, 8, 1), interval='month')
        self.assertRefused("how often", 'plan', instalments=3, date=date(2026, 4, 15), interval='year')
        self.company.ar_answer_plans = False
        self.assertRefused("cannot be answered online", 'plan', instalments=3, **values)

    def test_settings_that_make_no_sense(self):
        for values in (
            {'ar_answer_promise_days': -1}, {'ar_answer_dispute_percent': 101}, {'ar_answer_plan_count': 1},
            {'ar_answer_paid_days': 0}, {'ar_answer_link_days': 0},
        ):
            with self.assertRaises(ValidationError):
                self.company.write(values)

    def test_no_more_than_is_open(self):
        self.ar_pay(self.first, '2026-03-15', 200)
        items = self.ar_lines(self.first)
        self.assertRefused(r"\$.100\.00 is open", 'dispute', items=items, amount=100.01, reason=self.price)
        self.ar_pay(self.first, '2026-03-16')
        self.assertRefused("nothing is open any more", 'dispute', items=items, reason=self.price)
        self.assertRefused(
            "nothing is open any more", 'paid', items=items, date=date(2026, 3, 1), reference="X")

    def test_paid_needs_a_day_and_a_reference(self):
        self.assertRefused("future", 'paid', date=date(2026, 4, 1), reference="X")
        self.assertRefused("that old", 'paid', date=date(2024, 4, 1), reference="X")
        self.assertRefused("reference", 'paid', date=date(2026, 3, 1), reference="  ")

    def test_files(self):
        items = self.ar_lines(self.first)
        for words, files in (
            ("PDF, PNG or JPEG", [('a.svg', b'<svg xmlns="http://www.w3.org/2000/svg"/>')]),
            ("PDF, PNG or JPEG", [('a.html', PNG)]),
            ("PDF, PNG or JPEG", [('a.png', b'<html/>')]),
            ("too big", [('a.png', PNG + b'0' * 5 * 1024 * 1024)]),
            ("at most 5 files", [(f'{number}.png', PNG) for number in range(6)]),
        ):
            self.assertRefused(words, 'dispute', items=items, amount=10.0, reason=self.price, attachments=files)

    # === FORMS === #

    def test_form_of_somebody_elses_item(self):
        """Ids that are not the customer's are as good as none."""
        items, foreign = self.ar_lines(self.first + self.second), self.ar_lines(self.foreign)
        with self.assertRaisesRegex(UserError, "tick at least one"):
            self.answers._read_form('paid', self.form(item=foreign.id, date='2026-03-20', reference="X"), [], items)
        with self.assertRaisesRegex(UserError, "choose the invoice"):
            self.answers._read_form('dispute', self.form(move=self.foreign.id, reason=self.price.id), [], items)
        chosen, values = self.answers._read_form(
            'paid', self.form(item=[*items.ids, foreign.id], date='2026-03-20', reference="X"), [], items)
        self.assertEqual(chosen, items)
        self.assertEqual(values, {'date': date(2026, 3, 20), 'reference': "X", 'note': ""})

    def test_form_values_show_what_is_open(self):
        self.ar_pay(self.second, '2026-03-15')
        self.answer('dispute', self.ar_lines(self.first), origin='portal', amount=120.0, reason=self.price)
        values = self.answers._get_form_values(
            self.ar_lines(self.first + self.second), self.company, self.customer)
        self.assertEqual(
            [(row['number'], row['open'], row['disputed'], row['to_pay'], row['is_paid']) for row in values['items']],
            [(self.first.name, 300.0, 120.0, 180.0, False), (self.second.name, 0.0, 0.0, 0.0, True)])

    # === ROLES === #

    def test_who_may(self):
        answer = self.answer('contact', origin='portal', contact_name="A", contact_email="a@b.example.com")
        sales = self.ar_user('answer_sales', 'base.group_user')
        portal = self.ar_user('answer_portal', 'base.group_portal')
        for user in (self.reader, self.clerk, self.manager):
            self.assertEqual(answer.with_user(user).contact_name, "A")
            with self.assertRaises(AccessError, msg=user.login):
                answer.with_user(user).write({'contact_name': "B"})
            with self.assertRaises(AccessError, msg=user.login):
                self.env['ar.customer.answer'].with_user(user).create({'kind': 'contact', 'origin': 'link'})
        for user in (sales, portal):
            with self.assertRaises(AccessError, msg=user.login):
                answer.with_user(user).read(['contact_name'])
        with self.assertRaises(AccessError):
            answer.with_user(self.reader).action_handled()
        with self.assertRaises(UserError):
            answer.with_user(self.manager).sudo().unlink()
        answer.with_user(self.clerk).action_handled()
        self.assertEqual(answer.state, 'handled')
        self.assertFalse(answer.activity_id.active)
        with self.assertRaises(UserError):
            answer.with_user(self.clerk).action_handled()

    def test_another_companys_clerk_sees_nothing(self):
        answer = self.answer('contact', origin='portal', contact_name="A", contact_email="a@b.example.com")
        other = self.setup_other_company()['company']
        stranger = self.ar_user('answer_stranger', 'ar_coordinator.group_ar_manager')
        stranger.write({'company_id': other.id, 'company_ids': [(6, 0, other.ids)]})
        self.assertFalse(self.env['ar.customer.answer'].with_user(stranger).search([('id', '=', answer.id)]))
        with self.assertRaises(AccessError):
            answer.with_user(stranger).read(['contact_name'])

    # === PAYMENTS WE WERE TOLD OF === #

    def watch(self, day):
        """The daily job on a day."""
        with freeze_time(f'{day} 12:00:00'), self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_customer_answer').method_direct_trigger()
        self.env.invalidate_all()

    def test_payment_arrives(self):
        """The pause ends by itself, the task is gone, nothing is left to do."""
        answer = self.answer(
            'paid', self.ar_lines(self.first), self.ar_letter(), date=date(2026, 3, 20), reference="RF18")
        task = answer.activity_id
        self.watch('2026-04-01')
        self.assertEqual((answer.state, answer.pause_ids.is_active), ('waiting', True))
        self.ar_pay(self.first, '2026-04-01')
        self.watch('2026-04-02')
        self.assertEqual((answer.state, answer.not_found), ('handled', False))
        self.assertEqual(answer.pause_ids.date_end, date(2026, 4, 1))
        self.assertFalse(task.exists())

    def test_payment_does_not_arrive(self):
        """After the company's days the collector gets a task, once, and reminders go on."""
        answer = self.answer(
            'paid', self.ar_lines(self.first), self.ar_letter(), date=date(2026, 3, 20), reference="RF18")
        answer.with_user(self.clerk).action_handled()
        self.watch('2026-04-07')
        self.assertEqual((answer.state, answer.not_found), ('handled', False), "the last day")
        self.watch('2026-04-08')
        self.assertEqual((answer.state, answer.not_found), ('waiting', True))
        self.assertTrue(answer.activity_id.active)
        self.assertEqual(answer.activity_id.user_id, self.clerk)
        task = answer.activity_id
        self.watch('2026-04-09')
        self.assertEqual(answer.activity_ids, task)
        self.assertEqual(self.outcomes()[self.first], ('sent', 'due', 300.0))
        self.assertRefused(
            "could not find the payment", 'paid', items=self.ar_lines(self.first), origin='portal',
            date=date(2026, 3, 21), reference="RF19")

    def test_one_of_two_payments_arrives(self):
        answer = self.answer('paid', None, self.ar_letter(), date=date(2026, 3, 20), reference="RF18")
        self.ar_pay(self.second, '2026-04-01')
        self.watch('2026-04-02')
        self.assertEqual(answer.state, 'waiting')
        pauses = {line.move_id: line.pause_id.date_end for line in answer.line_ids}
        self.assertEqual(pauses, {self.first: date(2026, 4, 7), self.second: date(2026, 4, 1)})
