"""Habits of payers: learned from confirmations, in effect after some, agreed by managers, taken back by undoing."""
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .test_cash_proposal import CashCase


@tagged('post_install', '-at_install')
class TestPayerHabit(CashCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.habits = cls.env['ar.payer.habit'].with_context(active_test=False)

    def habit(self, kind, partner=None):
        return self.habits.search([
            ('company_id', '=', self.company.id), ('partner_id', '=', (partner or self.customer).id),
            ('kind', '=', kind)])

    def confirm(self, amount, text, **values):
        proposal = self.propose(self.transaction(amount, text, **values))
        proposal.with_user(self.clerk).action_apply()
        return proposal

    def test_always_less_two_percent(self):
        """Three confirmed payments less 2 % of what was named: the fourth is understood."""
        for _time in range(3):
            invoice = self.ar_invoice(250, '2026-03-01', partner=self.other_customer)
            last = self.confirm(245, invoice.name)
            self.assertEqual((last.what, last.rest), ('short', -5))
        habit = self.habit('less', self.other_customer)
        self.assertEqual((habit.percent, habit.count, habit.is_in_effect, habit.is_agreement), (2, 3, True, False))
        invoice = self.ar_invoice(150, '2026-03-02', partner=self.other_customer)
        usual = self.propose(self.transaction(147, invoice.name))
        self.assertEqual((usual.what, usual.rest, usual.line_ids.deduction), ('less', -3, 3))
        self.assertIn("habit: Always keeps back a share", usual.reasons)
        usual.action_apply()
        self.assertEqual((invoice.amount_residual, habit.count), (3, 4))
        last.with_user(self.clerk).action_undo()
        usual.action_undo()
        self.assertEqual((habit.count, habit.is_in_effect), (2, False), "unlearned by undoing")

    def test_several_and_by_statement(self):
        self.confirm(1_500, f"{self.one.name} {self.two.name}")
        self.assertEqual((self.habit('several').count, self.habit('statement').count), (1, 1))
        self.ar_invoice(70, '2026-02-01')
        last = self.ar_invoice(60, '2026-02-02')
        self.confirm(60, last.name)
        self.assertEqual((self.habit('several').count, self.habit('several').against), (1, 0))
        self.assertEqual((self.habit('statement').count, self.habit('statement').against), (1, 1))

    def test_automatic_applications_teach_nothing(self):
        proposal = self.propose(self.transaction(1_500, f"{self.one.name} {self.two.name}"))
        proposal._apply(automatic=True)
        self.assertFalse(self.habits.search([('company_id', '=', self.company.id)]))

    def test_oldest_first_only_when_agreed(self):
        line = self.transaction(1_200, "payment", partner_id=self.customer.id)
        self.assertFalse(self.propose(line))
        habit = self.habits.create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'kind': 'oldest', 'is_agreement': False})
        habit.sudo().count = 20
        self.assertFalse(habit.is_in_effect)
        self.assertFalse(self.propose(line), "seen twenty times is not agreed")
        habit.is_agreement = True
        proposal = self.propose(line)
        self.assertEqual((proposal.what, proposal.line_ids.mapped('amount')), ('oldest', [1_000, 200]))
        self.assertGreater(proposal.confidence, 95)
        proposal.action_apply()
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [0, 300])
        habit.active = False
        self.assertFalse(self.propose(self.transaction(50, "payment", partner_id=self.customer.id)), "switched off")

    def test_a_choice_teaches_too(self):
        line = self.transaction(1_200, "payment")
        items = self.ar_lines(self.one) + self.ar_lines(self.two)
        self.env['ar.cash.proposal'].with_user(self.clerk)._apply_chosen(line, [
            {'move_line_id': items[0].id, 'amount': 1_000}, {'move_line_id': items[1].id, 'amount': 200}])
        self.assertEqual((self.habit('oldest').count, self.habit('oldest').is_in_effect), (1, False))

    def test_roles_and_checks(self):
        values = {'partner_id': self.customer.id, 'company_id': self.company.id, 'kind': 'less', 'percent': 3}
        with self.assertRaises(AccessError):
            self.env['ar.payer.habit'].with_user(self.clerk).create(values)
        manager = self.ar_user('habit_manager', 'ar_coordinator.group_ar_manager')
        habit = self.env['ar.payer.habit'].with_user(manager).create(values)
        self.assertEqual((habit.is_in_effect, habit.is_agreement), (True, True))
        with self.assertRaises(AccessError):
            habit.count = 5
        with self.assertRaises(AccessError):
            self.env['ar.payer.habit'].with_user(manager).create({**values, 'kind': 'several', 'count': 5})
        with self.assertRaisesRegex(ValidationError, "above 0 and below 50"):
            habit.percent = 0

    def test_family_is_told(self):
        child = self.env['res.partner'].create({
            'name': "Harbour Kiosk", 'is_company': True, 'parent_id': self.customer.id})
        invoice = self.ar_invoice(432, '2026-02-01', partner=child)
        proposal = self.propose(self.transaction(432, "thanks", partner_name="Harbour Fish"))
        self.assertEqual((proposal.partner_id, proposal.line_ids.move_id), (self.customer, invoice))
        self.assertIn("Harbour Fish Ltd pays for Harbour Kiosk.", proposal.reasons)

    def test_credit_group_is_a_family(self):
        self.env['ar.credit.group'].create({
            'name': "Harbour group", 'company_ids': self.company.ids,
            'partner_ids': [(6, 0, (self.customer + self.other_customer).ids)]})
        proposal = self.propose(self.transaction(300, "thanks", partner_name="Harbour Fish Ltd"))
        self.assertEqual((proposal.line_ids.move_id, proposal.partner_id), (self.three, self.customer))

    def test_order_number_and_typo_in_words(self):
        invoice = self.ar_invoice(815, '2026-02-01', ref="PO-778123", invoice_origin="S00991, S00992")
        proposal = self.propose(self.transaction(815, "order po 778123"))
        self.assertEqual((proposal.what, proposal.line_ids.move_id), ('referenced', invoice))
        origin = self.propose(self.transaction(815, "S00992"))
        self.assertEqual(origin.what, 'claimed')
        self.assertIn(f"{invoice.name} is claimed by the payment of 03/05/2026", origin.reasons)
        other = self.ar_invoice(816, '2026-02-01')
        number = other.name.split('/')
        typo = f"{number[0]}/{number[1]}/{int(number[2]) + 30:05}"
        misspelt = self.propose(self.transaction(816, typo, partner_id=self.customer.id))
        self.assertEqual((misspelt.what, misspelt.line_ids.move_id), ('referenced', other))
        self.assertIn(f"{other.name} is named with one digit off.", misspelt.reasons)
