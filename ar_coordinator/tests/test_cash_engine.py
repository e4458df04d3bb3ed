"""Cash application, the engine alone: doctests, each way of matching with exact amounts, properties of all readings."""
import doctest
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.ar_coordinator.engine import cash, cash_claims, cash_references, cash_sums

DAY = date(2026, 6, 30)


def item(key, residual, customer=7, due=DAY, **values):
    return cash.Item(key, customer, (f"INV/2026/{key:05}", f"PO{key * 1111}"), residual, due, **values)


def receipt(amount, text='', payer='', **values):
    return cash.Receipt(1, amount, DAY, text, payer, **values)


@tagged('post_install', '-at_install')
class TestCashEngine(BaseCase):

    def book(self, *items, **kwargs):
        return cash.Book(items, names={7: ["Muller Ltd"], 8: ["Alder Inc."], 9: ["Alder Sub BV"]}, **kwargs)

    def assertReading(self, reading, what, paid, rest=0, ambiguous=False):
        self.assertEqual((reading.what, reading.paid, reading.rest, reading.ambiguous), (what, paid, rest, ambiguous))

    def test_doctests(self):
        for module in (cash, cash_claims, cash_references, cash_sums):
            with self.subTest(module=module.__name__):
                result = doctest.testmod(module, raise_on_error=False)
                self.assertEqual(result.failed, 0)
                self.assertGreater(result.attempted, 0)

    def test_named_in_full(self):
        best = self.book(item(1, 10_000), item(2, 5_000)).propose(receipt(15_000, "INV/2026/00001, 2026-2"))
        self.assertReading(best, cash.REFERENCED, {1: 10_000, 2: 5_000})
        self.assertGreater(best.confidence, 0.9)

    def test_named_by_purchase_order(self):
        self.assertReading(self.book(item(3, 700)).propose(receipt(700, "po 3333")), cash.REFERENCED, {3: 700})

    def test_named_with_a_typo_needs_the_amount(self):
        book = self.book(item(12345, 10_000))
        right = book.propose(receipt(10_000, "INV/2026/12354"))
        self.assertReading(right, cash.REFERENCED, {12345: 10_000})
        self.assertLess(right.confidence, 0.9, "nobody known, number misspelt: a person looks")
        known = book.propose(receipt(10_000, "INV/2026/12354", "Muller"))
        self.assertGreater(known.confidence, 0.9)

    def test_early_payment_discount_within_its_terms_only(self):
        due = item(1, 10_000, discount=200, discount_until=DAY)
        best = self.book(due).propose(receipt(9_800, "INV/2026/00001"))
        self.assertReading(best, cash.DISCOUNT, {1: 9_800})
        self.assertEqual(best.discounts, {1: 200})
        late = item(1, 10_000, discount=200, discount_until=date(2026, 6, 29))
        self.assertReading(self.book(late).propose(receipt(9_800, "INV/2026/00001")), cash.SHORT, {1: 9_800}, -200)
        grace = self.book(late, rules=cash.Rules(grace=1)).propose(receipt(9_800, "INV/2026/00001"))
        self.assertReading(grace, cash.DISCOUNT, {1: 9_800})

    def test_bank_fee_within_the_tolerance_only(self):
        rules = cash.Rules(fee=500)
        book = self.book(item(1, 10_000), rules=rules)
        self.assertReading(book.propose(receipt(9_500, "INV/2026/00001")), cash.FEE, {1: 10_000}, -500)
        self.assertReading(book.propose(receipt(9_499, "INV/2026/00001")), cash.SHORT, {1: 9_499}, -501)

    def test_short_and_over(self):
        book = self.book(item(1, 10_000, due=date(2026, 5, 1)), item(2, 5_000))
        text = "INV/2026/00001 INV/2026/00002"
        short = book.propose(receipt(12_000, text))
        self.assertReading(short, cash.SHORT, {1: 10_000, 2: 2_000}, -3_000)
        over = book.propose(receipt(16_000, text))
        self.assertReading(over, cash.OVER, {1: 10_000, 2: 5_000}, 1_000)
        self.assertLess(max(short.confidence, over.confidence), 0.9, "somebody looks at the difference")

    def test_credit_note_deducted(self):
        book = self.book(item(1, 10_000), item(2, -1_500), item(3, 600, due=date(2026, 1, 1)))
        best = book.propose(receipt(8_500, "INV/2026/00001"))
        self.assertReading(best, cash.WITH_OTHERS, {1: 10_000, 2: -1_500})

    def test_amount_alone_of_a_known_payer(self):
        book = self.book(item(1, 10_000), item(2, 5_001), item(3, 777))
        self.assertReading(book.propose(receipt(5_001, payer="MULLER LTD")), cash.ONE, {2: 5_001})
        self.assertReading(book.propose(receipt(15_778, payer="Muller")), cash.ALL, {1: 10_000, 2: 5_001, 3: 777})
        self.assertReading(book.propose(receipt(10_777, payer="Muller")), cash.SUM, {1: 10_000, 3: 777})

    def test_two_readings_are_never_applied(self):
        """No proposal that two readings make equally likely is ever applied by itself."""
        twins = self.book(item(1, 10_000), item(2, 10_000))
        best = twins.propose(receipt(10_000, payer="Muller"))
        self.assertTrue(best.ambiguous)
        self.assertLessEqual(best.confidence, 0.5)
        sums = self.book(item(1, 10_000), item(2, 10_000), item(3, 500), item(4, 9_100))
        self.assertTrue(sums.propose(receipt(10_500, payer="Muller")).ambiguous)
        everybody = self.book(item(1, 4_321), item(2, 4_321, customer=8))
        self.assertTrue(everybody.propose(receipt(4_321)).ambiguous)

    def test_text_that_names_something_else_waits(self):
        """A paid invoice, or another customer's, in the text: the same amount of another item is no proof."""
        book = self.book(item(98765, 30_000), item(3, 50_000, customer=8), settled=["INV/2026/00001"])
        for text in ("INV/2026/00001", "INV/2026/00003"):
            best = book.propose(receipt(30_000, text, "Muller Ltd", customer=7))
            self.assertReading(best, cash.ONE, {98765: 30_000}, ambiguous=True)
            self.assertLessEqual(best.confidence, 0.5)
        self.assertFalse(book.propose(receipt(30_000, "thanks", "Muller Ltd")).ambiguous)
        both = book.propose(receipt(30_000, "INV/2026/00001 INV/2026/98765", "Muller Ltd"))
        self.assertFalse(both.ambiguous, "the open one has the amount, the other was paid before")

    def test_nobody_known_and_nothing_named_waits(self):
        book = self.book(item(1, 4_321))
        best = book.propose(receipt(4_321, "thanks", "Treuhand"))
        self.assertReading(best, cash.ONE, {1: 4_321})
        self.assertLess(best.confidence, 0.9)
        self.assertIsNone(book.propose(receipt(4_322, "thanks", "Treuhand")))

    def test_who(self):
        items = (item(1, 4_000, customer=7), item(2, 4_000, customer=8))
        book = self.book(
            *items, aliases={cash.normalise_name("Treuhand Nord"): 8}, accounts={'DE1': 7})
        self.assertEqual(book.propose(receipt(4_000, payer="Treuhand Nord KG")).paid, {2: 4_000})
        self.assertEqual(book.propose(receipt(4_000, account="DE 1")).paid, {1: 4_000})
        self.assertEqual(book.propose(receipt(4_000, customer=8)).paid, {2: 4_000})
        self.assertEqual(book.propose(receipt(4_000, payer="ltd. MULLER")).who, cash.NAME)

    def test_parent_pays_for_child(self):
        book = self.book(item(1, 4_000, customer=9), item(2, 3_000, customer=8), parents={9: 8})
        self.assertReading(book.propose(receipt(7_000, payer="Alder Inc")), cash.ALL, {1: 4_000, 2: 3_000})
        self.assertReading(book.propose(receipt(4_000, payer="ALDER")), cash.ONE, {1: 4_000})

    def test_oldest_first_only_when_agreed(self):
        items = (item(1, 5_000, due=date(2026, 4, 1)), item(2, 5_050, due=date(2026, 5, 1)))
        self.assertIsNone(self.book(*items).propose(receipt(7_000, payer="Muller")))
        agreed = self.book(*items, rules=cash.Rules(oldest_first=frozenset({7})))
        self.assertReading(agreed.propose(receipt(7_000, payer="Muller")), cash.OLDEST, {1: 5_000, 2: 2_000}, -3_050)

    def test_family_and_own_items(self):
        """What the payer owes himself comes before what his subsidiaries owe."""
        items = (item(1, 4_000, customer=9), item(2, 3_000, customer=8), item(3, 3_500, customer=8))
        book = self.book(*items, parents={9: 8})
        self.assertReading(book.propose(receipt(6_500, payer="Alder Inc")), cash.ALL, {2: 3_000, 3: 3_500})
        self.assertReading(book.propose(receipt(10_500, payer="Alder Inc")), cash.ALL, {1: 4_000, 2: 3_000, 3: 3_500})

    def test_by_statement_beside_one_item_of_the_amount(self):
        items = [item(key, amount, due=date(2026, key, 1)) for key, amount in ((1, 1_000), (2, 500), (3, 1_500))]
        self.assertReading(self.book(*items).propose(receipt(1_500, payer="Muller")), cash.ONE, {3: 1_500})
        usual = self.book(*items, rules=cash.Rules(by_statement=frozenset({7})))
        best = usual.propose(receipt(1_500, payer="Muller"))
        self.assertReading(best, cash.UP_TO, {1: 1_000, 2: 500})
        self.assertEqual(best.habit, 'statement')
        self.assertGreater(best.confidence, 0.95)
        named = usual.propose(receipt(1_500, "INV/2026/00003", payer="Muller"))
        self.assertReading(named, cash.REFERENCED, {3: 1_500})

    def test_several_at_once_is_surer_of_sums(self):
        items = [item(1, 10_017), item(2, 5_093), item(3, 777)]
        amount = receipt(10_794, payer="Muller")
        plain = self.book(*items).propose(amount)
        usual = self.book(*items, rules=cash.Rules(several=frozenset({7}))).propose(amount)
        self.assertReading(usual, cash.SUM, plain.paid)
        self.assertLess(plain.confidence, 0.95)
        self.assertGreater(usual.confidence, 0.95)

    def test_always_less_two_percent(self):
        rules = cash.Rules(less={7: 200})
        book = self.book(item(1, 10_000), item(2, 5_055), rules=rules)
        best = book.propose(receipt(14_754, "INV/2026/00001 INV/2026/00002", "Muller"))
        self.assertReading(best, cash.LESS, {1: 9_800, 2: 4_954}, -301)
        self.assertEqual(best.deductions, {1: 200, 2: 101})
        self.assertReading(book.propose(receipt(4_954, payer="Muller")), cash.LESS, {2: 4_954}, -101)
        self.assertReading(book.propose(receipt(5_055, payer="Muller")), cash.ONE, {2: 5_055})
        self.assertIsNone(self.book(item(1, 10_000), item(2, 5_055)).propose(receipt(4_954, payer="Muller")))

    def test_advice_by_reference_and_by_amount(self):
        lines = ((1, 8_500, 1_500), (2, 5_000, 0))
        advice = cash.Advice(5, 7, 13_500, DAY, "REM-2026-118", lines)
        book = self.book(item(1, 10_000), item(2, 5_000), item(3, 13_500), advices=[advice])
        for money in (receipt(13_500, "rem 2026 118"), receipt(13_500, "thanks", "Muller")):
            best = book.propose(money)
            self.assertReading(best, cash.ADVISED, {1: 8_500, 2: 5_000}, -1_500)
            self.assertEqual((best.deductions, best.advice), ({1: 1_500}, 5))
            self.assertGreater(best.confidence, 0.95)
        late = cash.Receipt(1, 13_500, date(2026, 8, 30), "", "Muller")
        self.assertReading(book.propose(late), cash.ONE, {3: 13_500})

    def test_advice_that_contradicts_the_text_waits(self):
        advice = cash.Advice(5, 7, 10_000, DAY, "REM-2026-118", ((1, 10_000, 0),))
        book = self.book(item(1, 10_000), item(98765, 10_000), advices=[advice])
        best = book.propose(receipt(10_000, "rem 2026 118 INV/2026/98765"))
        self.assertTrue(best.ambiguous)

    def test_two_advices_of_one_amount_wait(self):
        advices = [cash.Advice(key, 7, 10_000, DAY, "", ((key, 10_000, 0),)) for key in (1, 2)]
        book = self.book(item(1, 10_000), item(2, 10_000), advices=advices)
        self.assertTrue(book.propose(receipt(10_000, payer="Muller")).ambiguous)

    def test_advice_of_items_that_are_not_open(self):
        """What is left of an advice is shown, and waits: a line is settled, one is partly."""
        advice = cash.Advice(5, 7, 16_000, DAY, "REM-2026-118", ((1, 10_000, 0), (2, 5_000, 0), (9, 1_000, 0)))
        best = self.book(item(1, 10_000), item(2, 4_000), advices=[advice]).propose(receipt(16_000, "rem 2026 118"))
        self.assertReading(best, cash.ADVISED, {1: 10_000}, 6_000)
        self.assertLess(best.confidence, 0.9)

    def test_card_token_says_who(self):
        book = self.book(item(1, 4_000), item(2, 4_000, customer=8), tokens={'tok_8': 8})
        best = book.propose(receipt(4_000, token='tok_8'))
        self.assertReading(best, cash.ONE, {2: 4_000})
        self.assertEqual(best.who, cash.TOKEN)

    def test_claims_the_surer_one_first(self):
        book = self.book(item(1, 10_000), item(2, 7_000))
        found = cash_claims.propose_all([
            ('vague', book, receipt(10_000, "thanks", "Muller")),
            ('named', book, receipt(10_000, "INV/2026/00001", "X")),
            ('other', book, receipt(7_000, "INV/2026/00002"))])
        self.assertReading(found['named'], cash.REFERENCED, {1: 10_000})
        self.assertReading(found['vague'], cash.CLAIMED, {}, 10_000)
        self.assertEqual((found['vague'].claims, found['vague'].confidence), ({1: 'named'}, 0))
        self.assertReading(found['other'], cash.REFERENCED, {2: 7_000})

    def test_claims_equally_sure_both_wait(self):
        """Two payments name the same item, as clearly as each other: neither is applied by itself."""
        book = self.book(item(1, 10_000), item(2, 5_000))
        found = cash_claims.propose_all([
            ('one', book, receipt(10_000, "INV/2026/00001", "Muller")),
            ('two', book, receipt(15_000, "INV/2026/00001 INV/2026/00002", "Muller"))])
        self.assertReading(found['one'], cash.REFERENCED, {1: 10_000}, ambiguous=True)
        self.assertReading(found['two'], cash.REFERENCED, {1: 10_000, 2: 5_000}, ambiguous=True)
        self.assertEqual(found['two'].claims, {1: 'one'})
        self.assertLessEqual(max(reading.confidence for reading in found.values()), 0.5)

    def test_claims_paid_twice(self):
        book = self.book(item(1, 10_000))
        found = cash_claims.propose_all([
            (key, book, receipt(10_000, "INV/2026/00001", "Muller")) for key in ('first', 'second')])
        self.assertReading(found['first'], cash.REFERENCED, {1: 10_000})
        self.assertReading(found['second'], cash.CLAIMED, {}, 10_000)

    @settings(max_examples=40, deadline=None)
    @given(
        residuals=st.lists(st.integers(-2_000, 5_000).filter(bool), min_size=1, max_size=6),
        rows=st.lists(st.tuples(st.integers(1, 9_000), st.lists(st.integers(1, 6), max_size=3)), max_size=5))
    def test_claims_never_pay_twice(self, residuals, rows):
        """Whatever is not ambiguous can be applied together: no item is paid more than is open; the same every time."""
        book = self.book(*(item(key, residual) for key, residual in enumerate(residuals, start=1)))
        asked = [
            (place, book, receipt(amount, ' '.join(f"INV/2026/{key:05}" for key in named), "Muller"))
            for place, (amount, named) in enumerate(rows)]
        found = cash_claims.propose_all(asked)
        self.assertEqual(found, cash_claims.propose_all(asked))
        paid = {}
        for reading in found.values():
            if reading and not reading.ambiguous:
                for key, amount in reading.paid.items():
                    paid[key] = paid.get(key, 0) + amount
        for key, amount in paid.items():
            self.assertLessEqual(abs(amount), abs(book.items[key].residual))

    def test_nothing_comes_in(self):
        self.assertIsNone(self.book(item(1, 100)).propose(receipt(0, "INV/2026/00001")))
        self.assertIsNone(self.book(item(1, 100)).propose(receipt(-100, "INV/2026/00001")))

    @settings(max_examples=40, deadline=None)
    @given(
        residuals=st.lists(st.integers(-2_000, 5_000).filter(bool), min_size=1, max_size=8),
        amount=st.integers(1, 12_000), named=st.lists(st.integers(1, 8), max_size=4), fee=st.integers(0, 300))
    def test_money_is_conserved(self, residuals, amount, named, fee):
        """What is paid and what is left over is what came in; nothing pays more than is open."""
        items = [item(key, residual) for key, residual in enumerate(residuals, start=1)]
        book = self.book(*items, rules=cash.Rules(fee=fee, oldest_first=frozenset({7})))
        best = book.propose(receipt(amount, ' '.join(f"INV/2026/{key:05}" for key in named), "Muller"))
        if best is None:
            return
        paid = sum(best.paid.values())
        for key, value in best.paid.items():
            residual = book.items[key].residual
            self.assertTrue(0 < value <= residual or residual <= value < 0)
        if best.rest > 0:
            self.assertEqual(paid + best.rest, amount)
        elif best.what in (cash.FEE, cash.ONE_FEE):
            self.assertEqual(paid + best.rest, amount)
            self.assertGreaterEqual(best.rest, -fee)
        else:
            self.assertEqual(paid, amount)
        self.assertTrue(0 <= best.confidence <= 1)
