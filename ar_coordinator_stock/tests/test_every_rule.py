"""Every rule stops every kind of document, and says why; rules that are not for a kind let it pass."""
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.ar_coordinator.engine import credit

from .common import StockCreditCommon

# kind of rule: (its numbers, what the error says)
RULES = {
    'over_limit': ({}, r"over the limit of \$.1,000\.00"),
    'without_credit': ({}, "the customer has no credit"),
    'share_used': ({'percent': 90}, r"% of the limit of \$.1,000\.00 is used"),
    'overdue_days': ({'days': 10}, r"overdue for 60 days \(more than 10\)"),
    'overdue_amount': ({'amount': 99}, r"\$.300\.00 is overdue \(more than \$.99\.00\)"),
    'broken_promises': ({'count': 1, 'days': 30}, "promises broken: 1"),
    'dunning_step': ({'count': 1}, "reminders sent for an open item: 1"),
    'review_expired': ({'days': 5}, "the credit review was due on"),
    'returned_payment': ({'count': 1, 'days': 30}, "payments returned: 1"),
    'no_information': ({}, "there is no valid credit report"),
    'order_size': ({'amount': 499}, r"the document of \$.800\.00 is bigger than \$.499\.00"),
}


@tagged('post_install', '-at_install')
class TestEveryRule(StockCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({'ar_credit_check_posting': True, 'ar_dunning_working_hours': False})
        cls.customer.ar_credit_review_date = '2026-03-01'
        invoice = cls.ar_invoice(300, '2026-01-10', '2026-01-30')
        run = cls.env['ar.dunning.run'].create({'company_id': cls.company.id})
        run.action_preview()
        run.action_send()
        promise = cls.env['ar.promise']._promise(cls.ar_lines(invoice), '2026-04-10')
        promise.sudo().write({'state': 'broken', 'date_ended': '2026-03-20'})
        cls.ar_cash(20, '2026-03-19').move_id._reverse_moves([{'date': '2026-03-20'}], cancel=True)
        # what is to be posted, confirmed and delivered
        cls.draft = cls.ar_invoice(800, '2026-03-31', post=False)
        cls.quotation = cls.order(800, product=cls.stored, quantity=8)
        cls.confirmed = cls.order(800, product=cls.stored, quantity=8, confirm=True)
        cls.picking = cls.delivery(cls.confirmed, 8)

    def test_all_of_the_engine_s_rules_are_here(self):
        self.assertEqual(set(RULES), set(credit.CHECKS))
        self.assertEqual(set(RULES), set(dict(self.env['ar.credit.rule']._fields['kind'].selection)))

    def test_every_rule_stops_every_document(self):
        documents = {
            'on_posting': (self.draft, self.draft.action_post),
            'on_order': (self.quotation, self.quotation.action_confirm),
            'on_delivery': (self.picking, self.picking.button_validate)}
        for kind, (numbers, reason) in RULES.items():
            self.customer.write({'ar_credit_mode': 'none'} if kind == 'without_credit' else {'credit_limit': 1_000})
            rule = self.rule(kind, **numbers)
            for name, (document, go) in documents.items():
                with self.subTest(rule=kind, document=name):
                    rule.write({other: other == name for other in documents})
                    with self.assertRaisesRegex(UserError, reason), self.env.cr.savepoint():
                        go()
                    self.env.invalidate_all()
                    self.assertEqual(document.ar_credit_state, 'held')
                    rule.action = 'warn'
                    self.env.invalidate_all()
                    self.assertEqual(document.ar_credit_state, 'warning')
                    rule.write({'action': 'hold', name: False})
                    self.env.invalidate_all()
                    self.assertEqual(document.ar_credit_state, 'free')
            rule.active = False
        self.customer.credit_limit = 1_000_000
        for _document, go in documents.values():
            go()
        self.assertEqual((self.draft.state, self.quotation.state, self.picking.state), ('posted', 'sale', 'done'))

    def test_a_hold_by_hand_stops_the_documents_it_is_for(self):
        self.customer.credit_limit = 1_000_000
        for name, document in (
                ('on_posting', self.draft), ('on_order', self.quotation), ('on_delivery', self.picking)):
            hold = self.hold(**{other: other == name for other in ('on_posting', 'on_order', 'on_delivery')})
            self.env.invalidate_all()
            states = [other.ar_credit_state for other in (self.draft, self.quotation, self.picking)]
            self.assertEqual(states.count('held'), 1)
            self.assertEqual(document.ar_credit_state, 'held')
            hold.with_user(self.manager).action_lift("Paid")
