"""Dialogs of disputes: opening from one or several invoices, deciding, merging duplicates."""
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .dispute_common import DisputeCommon


@tagged('post_install', '-at_install')
class TestDisputeWizards(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.goods((100, 10, cls.tax_19, 0), (50, 4, cls.tax_7, 0))  # 1190 + 214

    def dialog(self, moves, user=None, **context):
        wizard = self.env['ar.dispute.open.wizard'].with_user(user or self.clerk)
        return Form(wizard.with_context(active_model='account.move', active_ids=moves.ids, **context))

    def decide(self, dispute):
        action = dispute.action_decide()
        return Form(self.env[action['res_model']].with_user(self.clerk).with_context(**action['context']))

    def test_chosen_lines(self):
        with self.dialog(self.invoice) as form:
            form.reason_id = self.reason
            form.scope = 'lines'
            with form.line_ids.edit(0) as line:
                line.quantity = 2
                self.assertEqual(line.amount, 238)
            with form.line_ids.edit(1) as line:
                line.quantity = 1
            self.assertEqual(form.amount, 291.5)
        dispute = self.env['ar.dispute'].browse(form.record.action_open()['res_id'])
        self.assertEqual((dispute.amount, dispute.line_ids.mapped('quantity')), (291.5, [2, 1]))

    def test_the_difference_of_a_short_payment(self):
        self.ar_pay(self.invoice, '2026-03-20', amount=1_400)
        with self.dialog(self.invoice) as form:
            self.assertTrue(form.is_part_paid)
            self.assertEqual((form.scope, form.amount), ('open', 4))
            form.reason_id = self.reason
        dispute = self.env['ar.dispute'].browse(form.record.action_open()['res_id'])
        self.assertEqual((dispute.amount, self.invoice.ar_disputed_amount), (4, 4))

    def test_several_invoices(self):
        other = self.goods((10, 1, self.tax_19, 0))
        with self.dialog(self.invoice | other) as form:
            form.reason_id = self.reason
            form.note = "Wrong order"
        disputes = self.env['ar.dispute'].search(form.record.action_open()['domain'])
        self.assertEqual({dispute.move_id: dispute.amount for dispute in disputes}, {self.invoice: 1_404, other: 11.9})
        self.assertEqual(set(disputes.mapped('customer_note')), {"Wrong order"})
        with self.dialog(self.invoice | other) as form:
            form.reason_id = self.reason
        with self.assertRaisesRegex(UserError, "everything that is unpaid is disputed already"):
            form.record.action_open()

    def test_nothing_chosen(self):
        with self.dialog(self.invoice) as form:
            form.reason_id = self.reason
            form.scope = 'lines'
        with self.assertRaisesRegex(UserError, "disputed quantity of at least one line"):
            form.record.action_open()

    def test_readers_have_no_dialog(self):
        with self.assertRaises(AccessError):
            self.dialog(self.invoice, user=self.reader)

    def test_decide_all_part_and_reject(self):
        first, second = self.invoice.invoice_line_ids
        dispute = self.open_dispute(self.invoice, lines={first: 3, second: 1})
        with self.decide(dispute) as form:
            self.assertEqual((form.amount, form.needs_approval), (410.5, False))
            form.decision = 'part'
            self.assertEqual(form.part_by, 'quantity')
            with form.line_ids.edit(0) as line:
                line.quantity = 1
            self.assertEqual(form.amount, 172.5)
            form.part_by = 'amount'
            form.amount = 200
        form.record.action_decide()
        self.assertEqual((dispute.state, dispute.credit_move_ids.amount_total), ('partly_accepted', 200))
        other = self.open_dispute(self.invoice, amount=600)
        with self.decide(other) as form:
            self.assertTrue(form.needs_approval)
            form.decision = 'reject'
            self.assertFalse(form.needs_approval)
            form.outcome_note = "Delivered, see the note."
        form.record.action_decide()
        self.assertEqual((other.state, other.amount_accepted), ('rejected', 0))


@tagged('post_install', '-at_install')
class TestDisputeMerge(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.goods((100, 10, cls.tax_19, 0), (50, 4, cls.tax_7, 0))

    def merge(self, disputes, user=None, **values):
        action = disputes.action_merge()
        wizard = self.env[action['res_model']].with_user(user or self.clerk).with_context(**action['context'])
        with Form(wizard) as form:
            for name, value in values.items():
                form[name] = value
        return self.env['ar.dispute'].browse(form.record.action_merge()['res_id'])

    def test_words_files_and_tasks_come_along(self):
        first = self.open_dispute(self.invoice, amount=300, note="One is broken")
        second = self.open_dispute(
            self.invoice, amount=200, note="Broken, see photo", attachments=[('photo.png', b"x")])
        second.message_post(body="Called them", message_type='comment', subtype_xmlid='mail.mt_note')
        second.activity_schedule('mail.mail_activity_data_call', user_id=self.colleague.id, summary="Call")
        loose = self.env['ir.attachment'].create({
            'name': "delivery.txt", 'raw': b"x", 'res_model': 'ar.dispute', 'res_id': second.id})
        self.assertEqual(self.held(), 500)
        kept = self.merge(first | second)
        self.assertEqual(kept, first)
        self.assertEqual((kept.amount, self.held()), (300, 300), "not doubled")
        self.assertEqual(kept.customer_note, "One is broken\n\nBroken, see photo")
        self.assertIn("Called them", "".join(kept.message_ids.mapped('body')))
        self.assertEqual(set(self.env['ir.attachment'].search([
            ('res_model', '=', 'ar.dispute'), ('res_id', '=', kept.id)]).mapped('name')), {"photo.png", "delivery.txt"})
        self.assertEqual(loose.res_id, kept.id)
        self.assertEqual(kept.activity_ids.user_id, self.colleague)
        self.assertEqual((second.state, second.closed_by, second.merged_into_id), ('closed', 'merged', kept))
        with self.assertRaisesRegex(UserError, "was merged into another dispute"):
            second.action_reopen()
        with self.assertRaisesRegex(UserError, "withdraw it instead"):
            kept.with_user(self.manager).unlink()

    def test_lines_are_united(self):
        """The same line in both: the larger quantity, once."""
        line, other = self.invoice.invoice_line_ids
        first = self.open_dispute(self.invoice, lines={line: 2})
        second = self.open_dispute(self.invoice, lines={line: 3, other: 1})
        kept = self.merge(first | second)
        self.assertEqual([(one.move_line_id, one.quantity) for one in kept.line_ids], [(line, 3), (other, 1)])
        self.assertEqual(kept.amount, 357 + 53.5)

    def test_a_larger_amount_without_lines_counts(self):
        first = self.open_dispute(self.invoice, lines={self.invoice.invoice_line_ids[0]: 1})
        second = self.open_dispute(self.invoice, amount=400)
        self.assertEqual(self.merge(first | second).amount, 400)
        third = self.open_dispute(self.invoice, amount=100)
        self.assertEqual(self.merge(first | third, amount=450).amount, 450)

    def test_past_days_count_it_once(self):
        first, second = (self.open_dispute(self.invoice, amount=amount) for amount in (300, 200))
        first.sudo().date_open, second.sudo().date_open = '2026-03-10', '2026-03-05'
        kept = self.merge(first | second)
        self.assertEqual(kept.date_open.isoformat(), '2026-03-05')
        self.assertEqual([self.held(day) for day in ('2026-03-04', '2026-03-05', '2026-03-10')], [0, 300, 300])

    def test_only_the_same_undecided_invoice(self):
        first = self.open_dispute(self.invoice, amount=100)
        second = self.open_dispute(self.goods((100, 1, self.tax_19, 0)), amount=50)
        with self.assertRaisesRegex(UserError, "Only disputes on one invoice can be merged"):
            first._merge(second)
        third = self.open_dispute(self.invoice, amount=50)
        third.action_withdraw()
        with self.assertRaisesRegex(UserError, "is decided or waits for approval"):
            first._merge(third)
        with self.assertRaisesRegex(UserError, "at least two"):
            first._merge(first)

    def test_readers_merge_nothing(self):
        first, second = (self.open_dispute(self.invoice, amount=amount) for amount in (300, 200))
        with self.assertRaises(AccessError):
            first.with_user(self.reader)._merge(second.with_user(self.reader))
