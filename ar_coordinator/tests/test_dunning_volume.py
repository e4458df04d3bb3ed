"""Many letters at once: what each of them costs, and that batches decide and say what one by one would have."""
from unittest.mock import patch

from lxml import etree

from odoo import Command
from odoo.tests import tagged

from ..models import ar_dunning_preview
from .dunning_common import DunningCommon


class VolumeCommon(DunningCommon):

    def ar_customers(self, number):
        """New customers with an overdue invoice over 10, 20, ... each."""
        partners = self.env['res.partner'].create([
            {'name': f"Volume {number}-{index}", 'email': f'v{number}-{index}@example.com', 'lang': 'en_US'}
            for index in range(number)])
        for index, partner in enumerate(partners, start=1):
            self.ar_invoice(10 * index, '2026-02-01', '2026-03-01', partner=partner)
        return partners


@tagged('post_install', '-at_install')
class TestDunningVolume(VolumeCommon):

    def test_template_is_compiled_once_per_batch(self):
        """Letters of one level and language share one compiled template; another language has its own."""
        self.env['res.lang']._activate_lang('fr_FR')
        partners = self.ar_customers(6)
        partners[4:].lang = 'fr_FR'
        run = self.ar_run()
        compiled = []

        def note(qweb, template):
            if isinstance(template, etree._Element):
                compiled.append(qweb.env.context.get('lang'))
            return original(qweb, template)
        base = next(
            cls for cls in self.registry['ir.qweb'].__mro__
            if cls.__module__ == 'odoo.addons.base.models.ir_qweb' and '_generate_code_uncached' in vars(cls))
        original = base._generate_code_uncached
        with patch.object(base, '_generate_code_uncached', note), self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(set(run.letter_ids.mapped('state')), {'queued'})
        self.assertEqual(sorted(compiled), ['en_US', 'fr_FR'])

    def test_formats_are_each_letters_own(self):
        """What a batch formats once is told apart by language and currency: equal amounts and days in four ways."""
        for code in ('fr_FR', 'de_DE'):
            self.env['res.lang']._activate_lang(code)
        partners = self.env['res.partner'].create([
            {'name': f"Volume {lang}", 'email': f'{lang.lower()}@example.com', 'lang': lang}
            for lang in ('en_US', 'fr_FR', 'de_DE')])
        for partner in partners:
            self.ar_invoice(1234.5, '2026-02-01', '2026-03-20', partner=partner)
        other = self.setup_other_currency('EUR')
        self.ar_invoice(1234.5, '2026-02-01', '2026-03-20', partner=partners[0], currency_id=other.id)
        bodies = {
            (letter.partner_id, letter.currency_id): letter.body_sent for letter in self.ar_send().sudo().letter_ids}
        own = self.company.currency_id
        for key, amount, day in (
                ((partners[0], own), "$ 1,234.50", "03/20/2026"), ((partners[0], other), "1,234.50 €", "03/20/2026"),
                ((partners[1], own), "$ 1 234,50", "20/03/2026"), ((partners[2], own), "$ 1.234,50", "20.03.2026")):
            self.assertIn(amount.replace(" ", "\N{NO-BREAK SPACE}"), bodies[key])
            self.assertIn(day, bodies[key])

    def test_failure_10_nothing_passes_from_letter_to_letter(self):
        """What a template notes for one customer is unknown to the next one, though they share the compiled text."""
        template = self.level_1.mail_template_id
        template.body_html = """<p>
            <t t-if="object.amount_total == 10" t-set="secret" t-value="'for %s only' % object.partner_id.name"/>
            <t t-out="object.partner_id.name"/>: <t t-out="secret or 'nothing'"/></p>"""
        partners = self.ar_customers(3)
        letters = self.ar_send().sudo().letter_ids.sorted('amount_total')
        self.assertEqual(letters.partner_id, partners)
        first, *others = letters
        self.assertIn(f"for {first.partner_id.name} only", first.body_sent)
        for letter in others:
            self.assertIn(f"{letter.partner_id.name}: nothing", letter.body_sent)
            self.assertEqual(letter.mail_message_id.mail_ids.body_html, letter.body_sent)

    def test_change_of_state_in_the_chatter(self):
        """Who queued a letter and when stands with its e-mail; later changes have notes of their own."""
        self.ar_customers(3)
        letters = self.ar_send().sudo().letter_ids
        self.flush_tracking()
        for letter in letters:
            [change] = letter.message_ids.tracking_value_ids
            self.assertEqual(change.mail_message_id, letter.mail_message_id)
            self.assertEqual((change.old_value_char, change.new_value_char), ("Draft", "Queued"))
            self.assertEqual(letter.user_id, self.clerk)
            self.assertEqual(change.create_uid, self.clerk)
        self.ar_deliver(letters)
        self.flush_tracking()
        for letter in letters:
            [change] = letter.message_ids.tracking_value_ids - letter.mail_message_id.tracking_value_ids
            self.assertEqual((change.old_value_char, change.new_value_char), ("Queued", "Sent"))
            self.assertNotEqual(change.mail_message_id, letter.mail_message_id)

    def test_queries_per_letter(self):
        """Ten letters more are sent with at most three queries more each."""
        def count(number):
            self.ar_customers(number)
            run = self.ar_run()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            with self.mock_mail_gateway():
                run.action_send()
            self.flush_tracking()
            self.assertEqual(len(run.letter_ids), number)
            return self.cr.sql_log_count - before
        count(2)  # warm up
        few, many = count(5), count(15)
        self.assertLessEqual(many - few, 30)


@tagged('post_install', '-at_install')
class TestDunningBatches(VolumeCommon):
    """A preview decides about some customers at a time; what comes out is the same as for all at once."""

    def preview(self, size):
        """What a preview with batches of `size` customers says: rows of outcomes, rows of letters."""
        with patch.object(ar_dunning_preview, 'PREVIEW_CUSTOMERS', size):
            run = self.ar_run().sudo()
        outcomes = sorted(
            (outcome.move_id.name, outcome.partner_id.name or "", outcome.level_id.name or "", outcome.result,
             outcome.reason, outcome.letter_id.partner_id.name or "", outcome.amount_open, outcome.amount_disputed,
             outcome.amount_credit, outcome.amount_asked, outcome.amount_asked_company, outcome.company_id.id,
             outcome.company_currency_id.id) for outcome in run.outcome_ids)
        letters = sorted(
            (letter.partner_id.name, letter.currency_id.name, letter.amount_total, letter.line_count, letter.channel,
             letter.company_id.id, tuple(
                 (line.name, line.amount_original, line.amount_open, line.amount_disputed, line.amount_credit,
                  line.amount_asked, line.partner_id.id, line.company_id.id, line.currency_id.id, line.state,
                  line.date) for line in letter.line_ids.sorted('date_due')))
            for letter in run.letter_ids)
        reason, state = run.approval_reason, run.state
        run.action_cancel()
        return outcomes, letters, reason, state

    def assertSameInBatches(self):
        whole = self.preview(1000)
        for size in (1, 2, 3):
            self.assertEqual(self.preview(size), whole, f"batches of {size} customers")
        return whole

    def test_batches_decide_the_same(self):
        """Credits, disputes, a second currency, an entry without customer: batch by batch as all at once."""
        partners = self.ar_customers(5)
        self.ar_cash(4, '2026-03-15', partner=partners[0])
        self.ar_cash(1000, '2026-03-15', partner=partners[1])
        disputed = self.ar_invoice(70, '2026-02-01', due='2026-03-02', partner=partners[2])
        self.ar_dispute(disputed, 30)
        self.ar_invoice(90, '2026-02-01', due='2026-03-03', partner=partners[3], currency_id=self.eur.id)
        partners[4].email = False
        receivable = self.company_data['default_account_receivable']
        self.env['account.move'].create({
            'move_type': 'entry', 'date': '2026-02-01', 'line_ids': [
                Command.create({'account_id': receivable.id, 'debit': 25, 'date_maturity': '2026-03-01'}),
                Command.create({'account_id': self.company_data['default_account_revenue'].id, 'credit': 25})],
        }).action_post()
        outcomes, letters, _reason, _state = self.assertSameInBatches()
        self.assertEqual(len(letters), 5)  # one customer's credit covers everything, one has letters in two currencies
        self.assertIn('no_customer', {row[4] for row in outcomes})
        self.assertIn('covered', {row[4] for row in outcomes})

    def test_batches_and_the_daily_cap(self):
        """With a cap, those who owe most go first, in whatever batch they are looked at."""
        self.company.ar_dunning_daily_cap = 2
        self.ar_customers(5)
        outcomes, letters, _reason, _state = self.assertSameInBatches()
        self.assertEqual([row[2] for row in letters], [40.0, 50.0])
        self.assertEqual(sorted(row[6] for row in outcomes if row[4] == 'daily_cap'), [10.0, 20.0, 30.0])

    def test_batches_and_the_circuit_breaker(self):
        """The breaker looks at the run as a whole."""
        self.ar_customers(21)
        self.assertTrue(self.preview(4)[2])

    def test_run_for_one_customer(self):
        """A run for one customer is one batch, of him."""
        partners = self.ar_customers(4)
        with patch.object(ar_dunning_preview, 'PREVIEW_CUSTOMERS', 1):
            run = self.ar_run(preview=False)
            run.sudo().partner_id = partners[2]
            run.action_preview()
        self.assertEqual(run.letter_ids.partner_id, partners[2])
        self.assertEqual(len(run.outcome_ids), 1)

    def test_queries_per_thousand_customers(self):
        """Letters are written 100 to a query, and a batch has a fixed number of queries besides: with the size of
        batches this makes at most 60 queries for 1,000 customers.
        """
        def count(number):
            self.ar_customers(number)
            run = self.ar_run(preview=False).sudo()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            run._preview()
            self.env.flush_all()
            return self.cr.sql_log_count - before
        count(2)  # warm up
        fixed = count(22)  # enough for the circuit breaker
        self.assertLessEqual(1000 / 100 + fixed * 1000 / ar_dunning_preview.PREVIEW_CUSTOMERS, 60)
        self.assertLessEqual(count(40), fixed)
