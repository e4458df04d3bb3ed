"""A dunning run in the browser: a clerk changes and sends one; a clerk asks, a manager approves; the progress bar."""
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from ..models import ar_dunning_limits, ar_dunning_send
from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningTour(DunningCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.third = cls.env['res.partner'].create({
            'name': "Cove Boats", 'email': 'boats@cove.example.com', 'lang': 'en_US'})
        cls.moves = cls.env['account.move']
        books = ((cls.customer, (100, 200)), (cls.other_customer, (50,)), (cls.third, (70, 30)))
        debts = [(partner, amount) for partner, amounts in books for amount in amounts]
        for number, (partner, amount) in enumerate(debts, 1):
            cls.moves += cls.ar_invoice(
                amount, '2026-02-01', '2026-03-20', partner=partner, name=f'TOUR/{number}')

    def letters(self):
        run = self.env['ar.dunning.run'].search([('company_id', '=', self.company.id)])
        return {letter.partner_id: letter for letter in run.letter_ids if letter.state != 'cancelled'}

    def test_clerk_changes_and_sends_a_run(self):
        self.start_tour('/odoo/ar-dunning', 'ar_dunning_run', login='dunning_clerk')
        letters = self.letters()
        self.assertEqual(set(letters), {self.customer, self.third})
        mine, theirs = letters[self.customer], letters[self.third]
        self.assertRecordValues(mine + theirs, [
            {'state': 'queued', 'amount_total': 200.0, 'level_id': self.level_1.id, 'user_id': self.clerk.id},
            {'state': 'queued', 'amount_total': 100.0, 'level_id': self.level_2.id, 'user_id': self.clerk.id}])
        self.assertIn("Thank you for our talk.", mine.body_sent)
        self.assertEqual((mine.subject, mine.mail_message_id.subject), ("Your account with us",) * 2)
        self.assertEqual(theirs.subject, f"{self.company.name}: second payment reminder")
        run = mine.run_id
        self.assertOutcome(run, self.moves[0], 'held', 'left_out')
        self.assertOutcome(run, self.moves[2], 'held', 'left_out')
        changes = self.env['ar.dunning.change'].with_context(active_test=False).search([('run_id', '=', run.id)])
        self.assertEqual(changes.sorted('id').mapped(lambda change: (change.kind, change.reason, change.active)), [
            ('item', "Wrong address on it", True), ('level', "Never pays before the last one", False),
            ('level', "Promised to look at it", True), ('customer', "The owner called this morning", True)])

    def test_approval_and_progress(self):
        """The breaker stops a clerk; a manager approves and sends; the background job's progress is seen."""
        with patch.object(ar_dunning_limits, 'BREAKER_LETTERS', 2), patch.object(ar_dunning_send, 'INLINE_LETTERS', 1):
            self.start_tour('/odoo/ar-dunning', 'ar_dunning_ask_approval', login='dunning_clerk')
            run = self.env['ar.dunning.run'].sudo().search([('company_id', '=', self.company.id)])
            self.assertEqual((run.state, run.letter_ids.mapped('state')), ('to_approve', ['draft'] * 3))
            self.start_tour(f'/odoo/ar-dunning/{run.id}', 'ar_dunning_approve_and_send', login='dunning_manager')
        self.assertRecordValues(run, [{'state': 'sending', 'approved_by_id': self.manager.id}])
        with self.mock_mail_gateway():
            run._send_batch(run.letter_ids[:1])
            self.env.flush_all()
            self.start_tour(f'/odoo/ar-dunning/{run.id}', 'ar_dunning_progress', login='dunning_manager')
            run._send_all()
        self.assertEqual((run.state, run.progress), ('done', {'total': 3, 'done': 3, 'failed': 0}))
        self.assertEqual(run.delivery_note, "3 on their way")
