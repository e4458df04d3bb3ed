"""Editing a preview: items and customers left out, other levels, words in letters, what changed since the last one."""
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningChange(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.second = cls.ar_invoice(200, '2026-02-01', '2026-03-10')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-01', partner=cls.other_customer)

    def outcome(self, run, move):
        return run.outcome_ids.filtered(lambda outcome: outcome.move_id == move)

    def letter(self, run, partner=None):
        return run.letter_ids.filtered(lambda letter: letter.partner_id == (partner or self.customer))

    def confirm(self, action, user=None, **vals):
        """Fill in and confirm the dialog that `action` opens."""
        wizard = self.env[action['res_model']].with_user(user or self.clerk).with_context(**action['context'])
        with Form(wizard) as form:
            for name, value in vals.items():
                form[name] = value
        form.record.action_confirm()

    def send(self, run):
        with self.mock_mail_gateway():
            run.action_send()

    # === LEFT OUT === #

    def test_failure_19_one_item_left_out(self):
        """Removing one invoice from a letter does not suppress the customer's others."""
        run = self.ar_run()
        self.assertEqual(self.letter(run).amount_total, 300)
        self.confirm(self.outcome(run, self.first).action_leave_out(), reason="Clerk's own mistake")
        self.assertOutcome(run, self.first, 'held', 'left_out', 100)
        self.assertOutcome(run, self.second, 'sent', 'due', 200)
        self.assertOutcome(run, self.other, 'sent', 'due', 50)
        self.assertEqual(self.letter(run).amount_total, 200)
        self.assertRecordValues(run.change_ids, [{
            'kind': 'item', 'partner_id': self.customer.id, 'move_id': self.first.id, 'user_id': self.clerk.id,
            'reason': "Clerk's own mistake"}])
        self.assertEqual(self.outcome(run, self.first).change_id, run.change_ids)
        self.assertFalse(self.outcome(run, self.second).change_id)
        self.send(run)
        self.assertEqual(self.letter(run).line_ids.move_id, self.second)
        self.assertOutcome(run, self.first, 'held', 'left_out')
        self.company.ar_dunning_quiet_days = 0
        self.assertOutcome(self.ar_run(), self.first, 'sent', 'due', 100)

    def test_left_out_survives_previewing_again(self):
        run = self.ar_run()
        self.confirm(self.outcome(run, self.first).action_leave_out(), reason="x")
        run.action_preview()
        self.assertOutcome(run, self.first, 'held', 'left_out')
        self.assertEqual(self.letter(run).amount_total, 200)

    def test_customer_left_out(self):
        run = self.ar_run()
        kept = self.letter(run, self.other_customer)
        self.confirm(self.letter(run).action_leave_out_customer(), reason="Call first")
        self.assertOutcome(run, self.first, 'held', 'left_out')
        self.assertOutcome(run, self.second, 'held', 'left_out')
        self.assertEqual(run.letter_ids, kept, "the other customer's letter is not touched")
        late = self.ar_invoice(70, '2026-02-01', '2026-03-15')
        run.action_preview()
        self.assertOutcome(run, late, 'held', 'left_out', 70)
        self.send(run)
        self.assertEqual(run.letter_ids.partner_id, self.other_customer)

    def test_take_back(self):
        run = self.ar_run()
        self.confirm(self.letter(run).action_leave_out_customer(), reason="Call first")
        run.change_ids.with_user(self.clerk).action_undo()
        self.assertOutcome(run, self.first, 'sent', 'due', 100)
        self.assertEqual(self.letter(run).amount_total, 300)
        change = run.with_context(active_test=False).change_ids
        self.assertEqual((change.active, change.reason), (False, "Call first"), "kept on record")

    def test_credits_are_not_shifted(self):
        """Credit settles the oldest debt although it is left out: the others are asked for as before."""
        self.ar_cash(100, '2026-03-20')
        run = self.ar_run()
        self.assertOutcome(run, self.first, 'held', 'covered')
        self.assertOutcome(run, self.second, 'sent', 'due', 200)
        self.ar_cash(40, '2026-03-21')
        run.action_preview()
        self.assertOutcome(run, self.second, 'sent', 'due', 160)
        self.confirm(self.outcome(run, self.second).action_leave_out(), reason="x")
        self.assertFalse(self.letter(run))

    def test_left_out_at_the_gate(self):
        """Somebody leaves an item out while its letter is being sent in another window: the gate decides again."""
        run = self.ar_run()
        outcome = self.outcome(run, self.first).sudo()
        self.env['ar.dunning.change'].sudo().create({
            'run_id': run.id, 'kind': 'item', 'partner_id': self.customer.id, 'reason': "x", 'user_id': self.clerk.id,
            'move_line_id': outcome.move_line_id.id, 'move_id': self.first.id})
        self.send(run)
        self.assertOutcome(run, self.first, 'held', 'left_out')
        self.assertRecordValues(self.letter(run), [{'state': 'queued', 'amount_total': 200}])

    # === LEVELS === #

    def test_raise_a_level(self):
        """A raised level is sent, counts as that level and is never sent again."""
        run = self.ar_run()
        self.confirm(self.outcome(run, self.first).action_change_level(), level_id=self.level_2, reason="Ignored calls")
        self.assertRecordValues(self.outcome(run, self.first), [{
            'result': 'sent', 'level_id': self.level_2.id, 'amount_asked': 100}])
        self.assertEqual(self.outcome(run, self.second).level_id, self.level_1)
        self.assertEqual((self.letter(run).level_id, self.letter(run).amount_total), (self.level_2, 300))
        self.assertRecordValues(
            run.change_ids, [{'level_id': self.level_2.id, 'level_before_id': self.level_1.id}])
        self.send(run)
        self.assertEqual(
            {line.move_id: line.level_id for line in self.letter(run).line_ids},
            {self.first: self.level_2, self.second: self.level_1})
        self.company.ar_dunning_quiet_days = 0
        again = self.ar_run()
        self.assertOutcome(again, self.first, 'sent', 'due')
        self.assertEqual(self.outcome(again, self.first).level_id, self.level_3)
        self.assertEqual(self.outcome(again, self.first)._get_allowed_levels(), self.level_3)
        with self.assertRaisesRegex(UserError, "cannot be sent"):
            again.change_preview('level', self.outcome(again, self.first), "x", self.level_1)
        with self.assertRaisesRegex(UserError, "cannot be sent"):
            again.change_preview('level', self.outcome(again, self.first), "x", self.level_2)

    def test_lower_a_raised_level(self):
        run = self.ar_run()
        run.change_preview('level', self.outcome(run, self.first), "Angry", self.level_3)
        self.assertEqual(self.letter(run).level_id, self.level_3)
        run.change_preview('level', self.outcome(run, self.first), "Calmer", self.level_1)
        self.assertEqual(self.letter(run).level_id, self.level_1)
        self.assertEqual(run.change_ids.mapped('reason'), ["Calmer"])
        self.send(run)
        self.assertEqual(self.letter(run).line_ids.level_id, self.level_1)

    def test_send_early(self):
        """An item that is not due for its next level may be sent it by hand; the quiet days still hold."""
        late = self.ar_invoice(80, '2026-02-01', '2026-03-19', partner=self.other_customer)
        self.ar_send('2026-03-23')
        run = self.ar_run()
        self.assertOutcome(run, late, 'skipped', 'not_due')
        run.change_preview('level', self.outcome(run, late), "Bad news", self.level_3)
        self.assertRecordValues(self.outcome(run, late), [{'result': 'sent', 'level_id': self.level_3.id}])
        self.company.ar_dunning_quiet_days = 10
        self.send(run)
        self.assertOutcome(run, late, 'held', 'quiet')

    def test_level_of_another_policy(self):
        foreign = self.policy.copy()
        run = self.ar_run()
        with self.assertRaisesRegex(UserError, "cannot be sent"):
            run.change_preview('level', self.outcome(run, self.first), "x", foreign.level_ids[:1])
        self.assertEqual(self.letter(run).level_id, self.level_1)

    def test_level_sent_meanwhile(self):
        """Another run sent the chosen level before: this run does not send it again, nor another in its place."""
        self.company.ar_dunning_quiet_days = 0
        run, rival = self.ar_run(), self.ar_run()
        for one in (run, rival):
            one.change_preview('level', self.outcome(one, self.first), "x", self.level_2)
        self.send(rival)
        self.send(run)
        self.assertOutcome(run, self.first, 'held', 'changed')
        self.assertEqual(len(self.env['ar.dunning.letter.line'].search([
            ('move_id', '=', self.first.id), ('level_id', '=', self.level_2.id),
            ('state', 'in', ('queued', 'sent'))])), 1)

    # === WORDS === #

    def test_personal_note(self):
        """Shown above the items, kept when previewed again, sent, and frozen."""
        run = self.ar_run()
        self.confirm(self.letter(run).action_personal_note(), personal_note="<p>Thank you for our talk.</p>")
        self.assertIn("Thank you for our talk.", self.letter(run).message)
        self.assertNotIn("Thank you", self.letter(run, self.other_customer).message)
        run.action_preview()
        self.assertIn("Thank you for our talk.", self.letter(run).message)
        self.confirm(self.outcome(run, self.first).action_leave_out(), reason="x")
        self.assertIn("Thank you for our talk.", self.letter(run).message)
        self.send(run)
        self.assertIn("Thank you for our talk.", self.letter(run).body_sent)
        [mail] = [mail for mail in self.ar_deliver(self.letter(run)) if "harbourfish" in mail['email_to'][0]]
        self.assertIn("Thank you for our talk.", mail['body'])
        with self.assertRaises(UserError):
            self.letter(run).with_user(self.clerk).set_personal_note("<p>Too late</p>")

    def test_subject_of_its_own(self):
        """Proposed as the template has it; changed, kept when previewed again, sent; given back when it is emptied."""
        run = self.ar_run()
        standard = f"{self.company.name}: payment reminder"
        action = self.letter(run).action_personal_note()
        self.assertEqual(action['context']['default_personal_subject'], standard)
        self.confirm(action, personal_subject="Your  account\nwith us")
        run.action_preview()
        self.assertEqual(self.letter(run).personal_subject, "Your account with us")
        self.send(run)
        self.assertEqual(self.letter(run).subject, "Your account with us")
        self.assertEqual(self.letter(run, self.other_customer).subject, standard)
        [mail] = [mail for mail in self.ar_deliver(self.letter(run)) if "harbourfish" in mail['email_to'][0]]
        self.assertEqual(mail['subject'], "Your account with us")
        again = self.ar_run()
        self.assertFalse(again.letter_ids.filtered('personal_subject'))

    def test_template_subject_stays_the_templates(self):
        letter = self.letter(self.ar_run())
        self.confirm(letter.action_personal_note(), personal_note="<p>Hello</p>")
        self.assertFalse(letter.personal_subject)
        self.confirm(letter.action_personal_note(), personal_subject="Other")
        self.assertEqual(letter.personal_subject, "Other")
        self.confirm(letter.action_personal_note(), personal_subject="")
        self.assertFalse(letter.personal_subject)

    def test_personal_note_is_clean(self):
        run = self.ar_run()
        self.letter(run).set_personal_note("<p>Hello<script>alert(1)</script></p>")
        self.assertNotIn('script', self.letter(run).message)
        self.letter(run).set_personal_note("<p><br></p>")
        self.assertFalse(self.letter(run).personal_note)

    def test_personal_note_needs_its_place(self):
        self.level_1.mail_template_id.body_html = "<p>Pay, please.</p>"
        run = self.ar_run()
        with self.assertRaisesRegex(UserError, "no place for personal words"):
            self.letter(run).set_personal_note("<p>Hello</p>")

    def test_text_of_its_own(self):
        """Instead of the template's, the table stays; amounts are those of the day it leaves; who wrote it is kept."""
        run = self.ar_run()
        letter = self.letter(run)
        above, below = letter._get_template_text()
        self.assertIn("Dear Sir or Madam", above)
        self.assertIn("{date}", above + below)
        self.assertNotIn("<table", above + below)
        self.confirm(
            letter.action_personal_note(), replaces_text=True,
            personal_text=f"<p>Dear Jo, {letter._get_amount_to_pay()} is open<script>alert(1)</script>.</p>",
            personal_closing="<p>Until {date}, please.</p>")
        self.assertEqual(letter.personal_text, "<p>Dear Jo, {amount} is open.</p>")
        self.assertNotIn("Dear Sir or Madam", letter.message)
        self.assertNotIn("Dear Jo", self.letter(run, self.other_customer).message)
        run.action_preview()
        self.assertEqual(self.letter(run).personal_text_user_id, self.clerk)
        self.ar_pay(self.first, '2026-03-30', amount=10)
        self.send(run)
        letter = self.letter(run)
        [mail] = [mail for mail in self.ar_deliver(letter) if "harbourfish" in mail['email_to'][0]]
        for text in (letter.body_sent, mail['body']):
            self.assertIn(f"Dear Jo, {letter._get_amount_to_pay()} is open.", text)
            self.assertIn(f"Until {letter._get_date_to_pay()}, please.", text)
            self.assertLess(text.index("Dear Jo"), text.index(self.first.name))
            self.assertLess(text.index(self.first.name), text.index("Until "))
        self.assertEqual(letter.personal_text_user_id, self.clerk)
        self.assertIn("has a text of its own", "".join(run.message_ids.mapped('body')))

    def test_text_of_its_own_is_given_back(self):
        run = self.ar_run()
        self.letter(run).set_personal_text("<p>Mine</p>")
        self.assertIn("Mine", self.letter(run).message)
        self.confirm(self.letter(run).action_personal_note(), replaces_text=False)
        self.assertFalse(self.letter(run).personal_text or self.letter(run).personal_text_user_id)
        self.assertIn("Dear Sir or Madam", self.letter(run).message)
        with self.assertRaises(AccessError):
            self.letter(run).with_user(self.reader).set_personal_text("<p>x</p>")

    # === SINCE THE LAST PREVIEW === #

    def test_changes_since_the_last_preview(self):
        run = self.ar_run()
        self.assertFalse(run.preview_changes_html)
        self.ar_pay(self.second, '2026-03-30', amount=150)
        self.ar_pay(self.other, '2026-03-30')
        new = self.ar_invoice(70, '2026-02-01', '2026-03-15')
        run.action_preview()
        changes = run.preview_changes
        self.assertEqual((changes['new'], changes['gone'], changes['changed']), (1, 1, 1))
        self.assertEqual(
            {(row['kind'], row['number'], row['amount_before'], row['amount'], row['why']) for row in changes['rows']},
            {('new', new.name, False, 70, False), ('changed', self.second.name, 200, 50, False),
             ('gone', self.other.name, 50, False, 'settled')})
        html = run.preview_changes_html
        self.assertIn("1 new, 1 gone, 1 changed", html)
        for text in (new.name, "Settled meanwhile", "200.00", "70.00"):
            self.assertIn(text, html)
        run.action_preview()
        self.assertFalse(run.preview_changes_html)

    # === ROLES AND STATES === #

    def test_who_may(self):
        run = self.ar_run()
        outcome, letter = self.outcome(run, self.first), self.letter(run)
        for action in (
            lambda: run.with_user(self.reader).change_preview('item', outcome, "x"),
            lambda: letter.with_user(self.reader).set_personal_note("x"),
            lambda: self.env['ar.dunning.change.wizard'].with_user(self.reader).create(
                {'run_id': run.id, 'kind': 'item', 'reason': "x"}),
            lambda: self.env['ar.dunning.change'].with_user(self.clerk).create({
                'run_id': run.id, 'kind': 'item', 'partner_id': self.customer.id, 'reason': "x",
                'user_id': self.clerk.id}),
        ):
            with self.assertRaises(AccessError):
                action()
        self.assertOutcome(run, self.first, 'sent', 'due')

    def test_reason_needed(self):
        run = self.ar_run()
        with self.assertRaisesRegex(UserError, "Say why"):
            run.change_preview('item', self.outcome(run, self.first), "  ")

    def test_an_approval_does_not_cover_later_changes(self):
        self.company.ar_dunning_approval = True
        run = self.ar_run()
        run.with_user(self.manager).action_approve()
        self.assertFalse(run.needs_approval)
        run.change_preview('item', self.outcome(run, self.first), "x")
        self.assertTrue(run.needs_approval)

    def test_not_once_it_is_on_its_way(self):
        run = self.ar_send()
        with self.assertRaises(UserError):
            run.change_preview('item', self.outcome(run, self.first), "x")

    def test_outcomes_of_another_run(self):
        run, other = self.ar_run(), self.ar_run()
        with self.assertRaises(UserError):
            run.change_preview('item', self.outcome(other, self.first), "x")
