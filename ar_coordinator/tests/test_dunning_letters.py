"""What a letter says, to whom, in which language, with which documents."""
from odoo import Command
from odoo.tests import tagged

from .dunning_common import DunningCommon, contact

# (language, heading, first words, table head, due date, amount, request) of the first level
FIRST_LETTERS = [
    ('en_US', "Payment reminder", "Dear Sir or Madam", "Days overdue", "03/20/2026", "$\N{NO-BREAK SPACE}1,234.50"),
    ('de_DE', "Zahlungserinnerung", "Sehr geehrte Damen und Herren", "Tage überfällig", "20.03.2026",
     "$\N{NO-BREAK SPACE}1.234,50"),
    ('fr_FR', "Rappel de paiement", "Madame, Monsieur", "Jours de retard", "20/03/2026",
     "$\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}234,50"),
    ('es_ES', "Recordatorio de pago", "Estimados señores", "Días de retraso", "20/03/2026",
     "$\N{NO-BREAK SPACE}1.234,50"),
    ('nl_NL', "Betalingsherinnering", "Geachte heer, mevrouw", "Dagen te laat", "20-03-2026",
     "$\N{NO-BREAK SPACE}1.234,50"),
]
# words of the English letter and table that must not be left over in another language
ENGLISH = (
    "Dear Sir", "Payment", "reminder", "Reminder", "overdue", "Due date", "Original amount", "Open amount", "disputed",
    "assigned", "Amount to pay", "transfer", "regards", "faithfully", "Phone", "Bank account", "invoice")


@tagged('post_install', '-at_install')
class TestDunningLetters(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        codes = [letter[0] for letter in FIRST_LETTERS]
        for code in codes:
            cls.env['res.lang']._activate_lang(code)
        cls.env['ir.module.module']._load_module_terms(['ar_coordinator'], codes)
        cls.company.phone = '+1 555 0100'

    def test_failure_18_languages(self):
        """Subject, text, table, dates and amounts are in the recipient's language, all of them, for all levels."""
        self.ar_dispute(self.ar_invoice(1734.5, '2026-03-01', due='2026-03-20'), 300)
        self.ar_cash(200, '2026-03-25')
        for lang, heading, salutation, table_head, due, amount in FIRST_LETTERS:
            with self.subTest(lang=lang):
                self.customer.lang = lang
                self.clerk.lang = 'fr_FR' if lang != 'fr_FR' else 'de_DE'
                letter = self.ar_run().letter_ids
                self.assertEqual(letter.lang, lang)
                self.assertEqual(letter.amount_total, 1234.5)
                message = letter.message
                for text in (heading, salutation, table_head, due, amount):
                    self.assertIn(text, message)
                if lang != 'en_US':
                    for level in self.policy.level_ids:
                        letter.sudo().level_id = level
                        letter.invalidate_recordset(['message'])
                        subjects = level.mail_template_id._render_field('subject', letter.ids, compute_lang=True)
                        for word in ENGLISH:
                            self.assertNotIn(word, letter.message)
                            self.assertNotIn(word, subjects[letter.id])

    def test_sent_message_is_the_recipients_language(self):
        """The e-mail itself, not only the preview; and what was sent is kept when the template changes."""
        self.clerk.lang = 'en_US'
        self.customer.lang = 'de_DE'
        self.ar_invoice(1234.5, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        letter = run.letter_ids
        mail = self.env['mail.mail'].sudo().search([('mail_message_id', '=', letter.mail_message_id.id)])
        self.assertEqual(mail.subject, f"{self.company.name}: Zahlungserinnerung")
        for text in ("Wir bitten Sie", "20.03.2026", "1.234,50", "10.04.2026", "Fällig am"):
            self.assertIn(text, mail.body_html)
        sent = letter.message
        self.assertIn("Wir bitten Sie", sent)
        self.level_1.mail_template_id.with_context(lang='de_DE').body_html = "<p>Neu</p>"
        letter.invalidate_recordset()
        self.assertEqual(letter.message, sent)

    def test_printed_letter(self):
        """PDF of a letter: address, date, text and table; printing marks nothing as sent (failure 9)."""
        self.customer.write({'email': False, 'street': "Hafenstraße 1", 'lang': 'de_DE'})
        invoice = self.ar_invoice(1234.5, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        letter = run.letter_ids
        self.assertRecordValues(letter, [{'channel': 'letter', 'state': 'queued', 'email_to': False}])
        self.assertOutcome(run, invoice, 'letter', 'no_address', 1234.5)
        html = self.env['ir.actions.report'].with_user(self.clerk)._render_qweb_html(
            'ar_coordinator.report_ar_dunning_letter', letter.ids)[0].decode()
        for text in ("Hafenstraße 1", "Sehr geehrte Damen und Herren", "31.03.2026", "1.234,50", invoice.name):
            self.assertIn(text, html)
        letter.with_user(self.clerk).action_print()
        run.action_print_letters()
        self.assertEqual(letter.state, 'queued', "printing says nothing about posting")
        letter.with_user(self.clerk).action_mark_sent()
        self.assertEqual(letter.state, 'sent')
        self.assertEqual(letter.user_id, self.clerk)

    def test_recipient_receivables_contact(self):
        """Receivables contact before invoice address before customer."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.assertEqual(self.ar_run().letter_ids.recipient_id, self.customer)
        invoice_contact = contact(
            self.env, self.customer, "Invoices", type='invoice', email='invoices@harbourfish.example.com')
        self.assertEqual(self.ar_run().letter_ids.recipient_id, invoice_contact)
        payer = contact(self.env, self.customer, "Paula Payer", email='paula@harbourfish.example.com', lang='en_US')
        payer.ar_is_receivables_contact = True
        run = self.ar_run()
        self.assertEqual(run.letter_ids.recipient_id, payer)
        self.assertEqual(run.letter_ids.partner_id, self.customer)
        payer.email = False
        self.assertEqual(self.ar_run().letter_ids.recipient_id, invoice_contact, "the first who can be written to")

    def test_recipient_is_never_another_customer(self):
        """A daughter company below the customer is a customer of its own; its people get none of our letters."""
        daughter = contact(
            self.env, self.customer, "Daughter Ltd", is_company=True, type='invoice', email='d@example.com')
        clerk = contact(self.env, daughter, "Clerk of daughter", type='invoice', email='c@example.com')
        clerk.ar_is_receivables_contact = True
        self.customer.is_company = True
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.assertEqual(self.ar_run().letter_ids.recipient_id, self.customer)

    def test_recipient_of_another_company(self):
        """A contact that belongs to another of our companies is not written to from here."""
        other = self.setup_other_company()['company']
        foreign = contact(self.env, self.customer, "Theirs", email='theirs@example.com', company_id=other.id)
        foreign.ar_is_receivables_contact = True
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.assertEqual(self.ar_run().letter_ids.recipient_id, self.customer)

    def test_contacts_roll_up(self):
        """Invoices to a customer's branch and to itself are one message."""
        branch = contact(self.env, self.customer, "Branch", type='delivery')
        self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner=branch)
        self.ar_invoice(50, '2026-03-01', due='2026-03-20')
        self.assertEqual(self.ar_run().letter_ids.amount_total, 150.0)

    def test_blacklisted_address_gets_a_letter(self):
        self.env['mail.blacklist']._add('office@harbourfish.example.com')
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        self.assertOutcome(run, invoice, 'letter', 'blacklisted', 100.0)
        self.assertEqual(run.letter_ids.channel, 'letter')

    def test_failure_10_attachments_of_this_customer_only(self):
        """Each e-mail carries the PDFs of its own items; stored ones as they are, missing ones rendered."""
        self.level_1.attach_invoices = 'all'
        mine = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        mine_stored = self.ar_invoice(50, '2026-03-01', due='2026-03-20')
        theirs = self.ar_invoice(70, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        stored = self.env['ir.attachment'].create({
            'name': 'stored.pdf', 'raw': b'%PDF stored', 'res_model': 'account.move', 'res_id': mine_stored.id,
            'res_field': 'invoice_pdf_report_file'})
        mine_stored.invalidate_recordset(['invoice_pdf_report_id', 'invoice_pdf_report_file'])
        run = self.ar_send()
        by_customer = {
            letter.partner_id: letter.mail_message_id.attachment_ids.mapped('name') for letter in run.letter_ids}
        self.assertEqual(set(by_customer[self.customer]), {mine._get_invoice_report_filename(), 'stored.pdf'})
        self.assertEqual(by_customer[self.other_customer], [theirs._get_invoice_report_filename()])
        self.assertIn(stored, run.letter_ids.mail_message_id.attachment_ids)
        self.assertFalse(mine.invoice_pdf_report_id, "the invoice is left as it is")
        [mail] = self.ar_deliver(run.letter_ids.filtered(lambda letter: letter.partner_id == self.customer))
        self.assertEqual({name for name, _content, _type in mail['attachments']},
                         {mine._get_invoice_report_filename(), 'stored.pdf'})

    def test_existing_attachments_only(self):
        self.level_1.attach_invoices = 'existing'
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        self.assertFalse(run.letter_ids.mail_message_id.attachment_ids)

    def test_text_of_the_customer_is_escaped(self):
        """An invoice number with markup stays text."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20', post=False)
        invoice.name = 'INV/<b>1</b>'
        invoice.action_post()
        self.assertIn('INV/&lt;b&gt;1&lt;/b&gt;', self.ar_run().letter_ids.message)

    def test_bank_account_of_the_invoices(self):
        bank = self.env['res.partner.bank'].create({
            'acc_number': 'DE44500105175407324931', 'partner_id': self.company.partner_id.id,
            'allow_out_payment': True})
        self.ar_invoice(100, '2026-03-01', due='2026-03-20', partner_bank_id=bank.id)
        self.assertIn('DE44500105175407324931', self.ar_run().letter_ids.message)

    def test_every_level_has_its_own_words(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        letter = self.ar_run().letter_ids.sudo()
        texts = set()
        for level in self.policy.level_ids:
            letter.level_id = level
            letter.invalidate_recordset(['message'])
            texts.add(letter.message)
        self.assertEqual(len(texts), 3)

    def test_pre_due_level(self):
        """A reminder before the due date is sent although an older item of the customer is in its quiet time."""
        old = self.ar_invoice(100, '2026-01-01', due='2026-03-01')
        self.ar_send('2026-03-30')
        self.policy.level_ids = [Command.create({
            'name': "Upcoming", 'delay_days': -3, 'mail_template_id': self.level_1.mail_template_id.id})]
        coming = self.ar_invoice(60, '2026-03-01', due='2026-04-02')
        run = self.ar_run()
        self.assertOutcome(run, old, 'held', 'quiet')
        self.assertOutcome(run, coming, 'sent', 'due', 60.0)
        self.assertEqual(run.letter_ids.line_ids.mapped('amount_asked'), [60.0])
