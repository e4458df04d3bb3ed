"""Unapplied cash one by one: age, owner, next step, tasks, the worklist's reason; deduction codes. 2026-03-31."""
import doctest
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models import ar_deduction_code
from .common import ArCommon

TODAY = '2026-03-31'


@tagged('post_install', '-at_install')
class TestUnappliedFollow(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(f'{TODAY} 12:00:00'))
        cls.clerk = cls.ar_user('follow_clerk', 'ar_coordinator.group_ar_user')
        cls.collector = cls.ar_user('follow_collector', 'ar_coordinator.group_ar_user')
        cls.reader = cls.ar_user('follow_reader', 'ar_coordinator.group_ar_readonly')
        cls.customer.with_company(cls.company).ar_collector_id = cls.collector
        cls.ar_invoice(500, '2026-03-01', '2026-05-15')
        cls.cash = cls.ar_cash(120, '2026-03-10')  # 21 days
        cls.fresh = cls.ar_cash(40, '2026-03-20', partner=cls.other_customer, currency_id=cls.eur.id)
        cls.note = cls.ar_invoice(30, '2025-12-30', move_type='out_refund')

    def item(self, source, user=None):
        """The line of the list about a payment or credit note."""
        self.env.flush_all()
        items = self.env['ar.unapplied.item'].with_user(user or self.clerk).with_company(self.company)
        items.invalidate_model()
        return items.search([('move_line_id', '=', self.ar_lines(source).id)])

    def tasks(self, source):
        follow = self.env['ar.unapplied.follow'].search([('move_line_id', '=', self.ar_lines(source).id)])
        return follow.activity_ids

    def night(self):
        with patch.object(self.env.registry['ir.cron'], '_commit_progress', return_value=0):
            self.env['ar.unapplied.follow'].with_user(self.env.ref('base.user_root'))._cron_follow_up()

    def test_list_is_the_ledgers(self):
        items = self.env['ar.unapplied.item'].with_user(self.reader).search([('company_id', '=', self.company.id)])
        self.assertEqual(
            [(item.kind, item.days, item.amount, item.amount_company, item.user_id) for item in items], [
                ('credit_note', 91, -30, -30, self.collector), ('payment', 21, -120, -120, self.collector),
                ('payment', 11, -40, -64, self.env['res.users'])])
        self.assertEqual(sum(items.mapped('amount_company')), self.env['ar.unapplied.report'].get_data(
            {'as_of': TODAY, 'company_ids': self.company.ids})['totals']['unapplied'])
        self.ar_match(self.cash, self.env['account.move'].search([
            ('company_id', '=', self.company.id), ('move_type', '=', 'out_invoice')]))
        self.assertFalse(self.item(self.cash))

    def test_owner_is_the_collector_on_duty_until_somebody_takes_it(self):
        self.env['ar.collector.absence'].create({
            'user_id': self.collector.id, 'substitute_id': self.clerk.id, 'date_from': TODAY, 'date_to': TODAY})
        self.assertEqual(self.item(self.cash).user_id, self.clerk)
        self.item(self.cash, self.collector).action_take()
        item = self.item(self.cash)
        self.assertEqual((item.user_id, item.is_owner_chosen), (self.collector, True))
        mine = self.env['ar.unapplied.item'].search([('user_id', '=', self.clerk.id)])
        self.assertEqual(mine.move_id, self.note)

    def test_next_step_and_roles(self):
        item = self.item(self.cash)
        item.write({'next_step': 'ask', 'date_next': '2026-04-03', 'note': "called on Monday"})
        self.assertEqual((self.item(self.cash).next_step, self.item(self.cash).note), ('ask', "called on Monday"))
        with self.assertRaisesRegex(UserError, "cannot be written"):
            item.write({'amount': 0})
        for action in (
            lambda: self.item(self.cash, self.reader).write({'note': "x"}),
            lambda: self.item(self.cash, self.reader).action_refund(),
            lambda: self.env['ar.unapplied.follow'].with_user(self.clerk).search([]).write(
                {'move_line_id': self.ar_lines(self.note).id}),
        ):
            with self.assertRaises(AccessError):
                action()
        self.env['ar.unapplied.follow'].with_user(self.clerk).with_context(default_next_step='next_invoice').create(
            {'move_line_id': self.ar_lines(self.note).id})
        self.assertFalse(self.item(self.note).next_step, "kept since nobody knows when: the cash job would fail on it")
        report = self.env['ar.unapplied.report'].get_data({'as_of': TODAY, 'company_ids': self.company.ids})
        row = next(row for row in report['rows'] if row['id'] == self.customer.id)
        self.assertEqual(
            [(own['owner'], own['next_step'], own['date_next']) for own in row['items']],
            [(self.collector.name, "", None), (self.collector.name, "Ask the customer", '2026-04-03')])

    def test_task_for_the_owner_when_it_is_too_old_and_none_once_it_is_applied(self):
        """14 days are allowed: the payment of 21 days is a task, the one of 11 is not, a credit note never is."""
        self.night()
        self.assertEqual(self.tasks(self.cash).user_id, self.collector)
        self.assertIn("120.00", self.tasks(self.cash).summary)
        self.assertFalse(self.tasks(self.fresh) + self.tasks(self.note))
        self.night()
        self.assertEqual(len(self.tasks(self.cash)), 1, "one task for each")
        self.ar_match(self.cash, self.env['account.move'].search([
            ('company_id', '=', self.company.id), ('move_type', '=', 'out_invoice')]))
        self.night()
        self.assertFalse(self.tasks(self.cash))

    def test_a_date_says_when(self):
        self.item(self.cash).date_next = '2026-04-03'
        self.item(self.fresh).date_next = TODAY
        self.night()
        self.assertFalse(self.tasks(self.cash))
        self.assertEqual(len(self.tasks(self.fresh)), 1)
        self.company.ar_unapplied_days = 0
        self.assertEqual(
            self.env['ar.unapplied.item'].search([('is_due', '=', True), ('company_id', '=', self.company.id)]).move_id,
            self.fresh.move_id)

    def test_worklist_reason(self):
        def row():
            self.env.flush_all()
            page = self.env['ar.worklist'].with_user(self.clerk).get_page({'company_ids': self.company.ids})
            return {row['partner_id']: row for row in page['rows']}.get(self.customer.id)
        self.assertEqual([part['kind'] for part in row()['parts']], ['unapplied'])
        self.assertEqual((row()['best'], row()['reasons']), ('apply', ["$\xa0120.00 paid and not applied"]))
        action = self.env['ar.worklist'].with_user(self.clerk).get_action(self.customer.id, self.company.id, 'apply')
        self.assertEqual(self.env[action['res_model']].search(action['domain']).move_id, self.cash.move_id + self.note)
        self.item(self.cash).date_next = '2026-04-10'
        self.assertIsNone(row(), "it waits for its date")

    def test_pay_back(self):
        request = self.env['ar.write.off'].browse(self.item(self.cash).action_refund()['res_id'])
        self.assertEqual((request.kind, request.amount_total, request.state), ('refund', -120, 'draft'))
        with self.assertRaisesRegex(UserError, "one customer"):
            (self.item(self.cash) + self.item(self.fresh)).action_refund()

    def test_another_company_sees_nothing(self):
        stranger = self.ar_user('follow_stranger', 'ar_coordinator.group_ar_user')
        other = self.env['res.company'].create({'name': "Others"})
        self.item(self.cash).action_take()
        stranger.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        for model in ('ar.unapplied.item', 'ar.unapplied.follow'):
            self.assertFalse(self.env[model].with_user(stranger).search([]))

    def test_deduction_codes(self):
        """The customer's own meaning counts first, longer codes before shorter ones, whole words only."""
        failed, count = doctest.testmod(ar_deduction_code)
        self.assertEqual((failed, bool(count)), (0, True))
        price, short, quality = (
            self.env.ref(f'ar_coordinator.dispute_reason_{name}') for name in ('price', 'short', 'quality'))
        codes = self.env['ar.deduction.code']
        codes.create([
            {'code': "31", 'reason_id': price.id},
            {'code': "31", 'reason_id': short.id, 'partner_id': self.customer.id},
            {'code': "damaged goods", 'reason_id': quality.id}, {'code': "goods", 'reason_id': price.id}])
        contact = self.env['res.partner'].create({'name': "Desk", 'parent_id': self.customer.id})
        for partner, text, reason in (
            (contact, "31: 4 pcs", short), (self.other_customer, "31/4 pcs", price), (contact, "131", codes.reason_id),
            (self.other_customer, "Damaged-Goods, 2", quality), (self.other_customer, "", codes.reason_id),
        ):
            self.assertEqual(codes._find_reason(self.company, partner, text), reason, text)
        with self.assertRaises(ValidationError):
            codes.create({'code': "--", 'reason_id': price.id})
