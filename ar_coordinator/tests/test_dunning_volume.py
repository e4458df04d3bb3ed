"""Many letters at once: what each of them costs, and that a batch says nothing one letter would not have said."""
from unittest.mock import patch

from lxml import etree

from odoo.tests import tagged

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
