"""Opening disputes: over an amount, over chosen lines and quantities, over what is left of a short payment."""
from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestDisputeOpen(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env.ref('ar_coordinator.dispute_reason_short')
        cls.clerk = cls.ar_user('open_clerk', 'ar_coordinator.group_ar_user')
        cls.reader = cls.ar_user('open_reader', 'ar_coordinator.group_ar_readonly')
        cls.tax_19 = cls.tax("19 %", 19)
        cls.tax_7 = cls.tax("7 %", 7)
        cls.tax_in = cls.tax("19 % included", 19, price_include_override='tax_included')

    @classmethod
    def tax(cls, name, amount, **vals):
        return cls.env['account.tax'].create({
            'name': name, 'amount': amount, 'type_tax_use': 'sale', 'company_id': cls.company.id, **vals})

    def goods(self, *lines, **vals):
        """A posted invoice over (price, quantity, taxes, discount) lines."""
        return self.ar_invoice(0, '2026-03-01', '2026-03-31', invoice_line_ids=[
            Command.create({
                'name': f"Article {number}", 'price_unit': price, 'quantity': quantity, 'discount': discount,
                'tax_ids': [Command.set(taxes.ids)], 'account_id': self.revenue.id})
            for number, (price, quantity, taxes, discount) in enumerate(lines, 1)], **vals)

    def open(self, move, **kwargs):
        disputes = self.env['ar.dispute'].with_user(self.clerk)
        return disputes._open(move.with_user(self.clerk), reason=self.reason, **kwargs)

    def test_amount_of_chosen_quantities_is_the_tax_engines(self):
        """Discounts, several taxes, price-included taxes; quantities that are a part of the line."""
        move = self.goods((99.99, 7, self.tax_19, 3), (12.35, 11, self.tax_7, 0), (119, 4, self.tax_in, 0))
        first, second, third = move.invoice_line_ids
        # 99.99 * 3 * 0.97 = 290.9709 -> 290.97 net, 55.28 tax; 61.75 net, 4.32 tax; 119 of which 19 tax
        dispute = self.open(move, lines={first: 3, second: 5, third: 1})
        self.assertEqual(dispute.line_ids.mapped('amount'), [346.25, 66.07, 119.0])
        self.assertEqual(dispute.amount, 531.32)
        self.assertEqual(self.open(move, lines={third: 0.5}).amount, 59.5)

    def test_all_lines_in_full_are_the_invoice(self):
        for rounding in ('round_per_line', 'round_globally'):
            self.company.tax_calculation_rounding_method = rounding
            move = self.goods(*[(0.99 + number / 100, 1, self.tax_19, 0) for number in range(7)])
            dispute = self.open(move, lines={line: line.quantity for line in move.invoice_line_ids})
            self.assertEqual(dispute.amount, move.amount_total, rounding)

    def test_foreign_currency(self):
        move = self.goods((100, 3, self.tax_19, 0), currency_id=self.eur.id)
        dispute = self.open(move, lines={move.invoice_line_ids: 2})
        self.assertEqual((dispute.currency_id, dispute.amount), (self.eur, 238))

    def test_quantity_is_a_part_of_the_line(self):
        move = self.goods((100, 3, self.tax_19, 0))
        other = self.goods((100, 3, self.tax_19, 0))
        for quantity in (0, -1, 3.01):
            said = f"{float(quantity)} is not a part of the 3.0 on the invoice"
            with self.assertRaisesRegex(ValidationError, said), self.cr.savepoint():
                self.open(move, lines={move.invoice_line_ids: quantity})
        with self.assertRaisesRegex(UserError, "not a product line"), self.cr.savepoint():
            self.open(move, lines={other.invoice_line_ids: 1})

    def test_amount_follows_the_lines(self):
        move = self.goods((100, 3, self.tax_19, 0), (50, 2, self.tax_19, 0))
        dispute = self.open(move, lines={move.invoice_line_ids[0]: 1})
        self.assertEqual(dispute.amount, 119)
        dispute.line_ids = [Command.create({'move_line_id': move.invoice_line_ids[1].id})]
        self.assertEqual(dispute.amount, 238, "the whole line when no quantity is given")
        dispute.line_ids[0].quantity = 2
        self.assertEqual((dispute.amount, dispute.amount_held), (357, 357))

    def test_whole_part_and_the_difference_of_a_short_payment(self):
        move = self.goods((100, 10, self.tax_19, 0))
        self.ar_pay(move, '2026-03-20', amount=1_000)
        difference = self.open(move)
        self.assertEqual(difference.amount, 190)
        with self.assertRaisesRegex(UserError, "everything that is unpaid is disputed already"):
            self.open(move)
        difference.action_withdraw()
        self.assertEqual(self.open(move, amount=40).amount, 40)
        self.assertEqual(self.open(move).amount, 150, "what is not disputed yet")

    def test_attachments_words_and_origin(self):
        move = self.goods((100, 1, self.tax_19, 0))
        dispute = self.open(
            move, amount=10, note="Two broken", origin='portal', attachments=[('photo.txt', b"broken")])
        self.assertEqual((dispute.customer_note, dispute.origin), ("Two broken", 'portal'))
        self.assertEqual(dispute.message_ids.attachment_ids.mapped('name'), ['photo.txt'])

    def test_the_customer_is_never_the_owner(self):
        """Opened for a portal user by the system: the customer's collector owns it, not the customer."""
        move = self.goods((100, 1, self.tax_19, 0))
        portal = self.env['res.users'].create({
            'name': "Customer", 'login': 'open_portal', 'partner_id': self.customer.id,
            'group_ids': [Command.set(self.env.ref('base.group_portal').ids)]})
        self.customer.with_company(self.company).ar_collector_id = self.clerk
        dispute = self.env['ar.dispute'].with_user(portal).sudo()._open(move.with_user(portal).sudo(), origin='portal')
        self.assertEqual((dispute.user_id, dispute.reason_id.code), (self.clerk, 'unclear'))

    def test_readers_open_nothing(self):
        move = self.goods((100, 1, self.tax_19, 0))
        with self.assertRaises(AccessError):
            self.env['ar.dispute'].with_user(self.reader)._open(move.with_user(self.reader))

    def test_states_are_not_for_hands(self):
        """A clerk cannot write past the actions (and their approval), nor change what was decided about."""
        move = self.goods((100, 1, self.tax_19, 0))
        dispute = self.open(move)
        for vals in ({'state': 'accepted'}, {'date_closed': '2026-03-01'}, {'origin': 'email'},
                     {'credit_move_ids': [Command.link(move.id)]}):
            with self.assertRaisesRegex(AccessError, "not by hand"):
                dispute.write(vals)
        with self.assertRaisesRegex(AccessError, "not by hand"):
            dispute.create({'move_id': move.id, 'reason_id': self.reason.id, 'state': 'closed'})
        dispute.action_withdraw()
        with self.assertRaisesRegex(UserError, "is decided"):
            dispute.amount = 5
