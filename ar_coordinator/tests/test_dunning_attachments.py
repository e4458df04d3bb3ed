"""Statement and supporting documents: what goes with a letter, and what never does."""
from odoo.tests import tagged

from .dunning_common import DunningCommon

NBSP = "\N{NO-BREAK SPACE}"
PDF = b'%PDF-1.4 proof of delivery'


@tagged('post_install', '-at_install')
class TestDunningAttachments(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(1000, '2026-03-01', due='2026-03-20')

    def file(self, record, name, raw=PDF, mimetype='application/pdf', main=False, **vals):
        attachment = self.env['ir.attachment'].create({
            'name': name, 'raw': raw, 'mimetype': mimetype, 'res_model': record._name, 'res_id': record.id, **vals})
        if main:
            record.message_main_attachment_id = attachment
        return attachment

    def mailed(self, letter):
        mail = self.env['mail.mail'].sudo().search([('mail_message_id', '=', letter.mail_message_id.id)])
        return mail.attachment_ids

    # === STATEMENT === #

    def test_nothing_by_default(self):
        self.file(self.invoice, "proof.pdf", main=True)
        self.assertFalse(self.mailed(self.ar_send().letter_ids))

    def test_statement(self):
        """Everything open with this customer in this company, not due and credits as well; nobody else's."""
        self.level_1.attach_statement = True
        later = self.ar_invoice(250, '2026-03-25', due='2026-04-24')
        self.ar_invoice(80, '2026-03-01', due='2026-03-10', currency_id=self.eur.id)
        theirs = self.ar_invoice(77, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        cash = self.ar_cash(100, '2026-03-25')
        run = self.ar_send()
        letter = run.letter_ids.filtered(
            lambda letter: letter.partner_id == self.customer and letter.currency_id == self.company.currency_id)
        rows = [{
            'currency_id': table['currency_id'], 'total': table['total'], 'rows': [
                {name: row[name] for name in ('number', 'date', 'due', 'days', 'open')} for row in table['rows']]}
            for table in letter._get_statement_rows()]
        self.assertEqual(rows, [
            {'currency_id': self.eur.id, 'total': 80.0, 'rows': [
                {'number': letter._get_statement_rows()[0]['rows'][0]['number'], 'date': self.day('2026-03-01'),
                 'due': self.day('2026-03-10'), 'days': 21, 'open': 80.0}]},
            {'currency_id': self.company.currency_id.id, 'total': 1150.0, 'rows': [
                {'number': self.invoice.name, 'date': self.day('2026-03-01'), 'due': self.day('2026-03-20'),
                 'days': 11, 'open': 1000.0},
                {'number': cash.move_id.name, 'date': self.day('2026-03-25'), 'due': self.day('2026-03-25'),
                 'days': 0, 'open': -100.0},
                {'number': later.name, 'date': self.day('2026-03-25'), 'due': self.day('2026-04-24'),
                 'days': 0, 'open': 250.0}]},
        ])
        [statement] = self.mailed(letter)
        self.assertEqual(statement.name, "Statement 2026-03-31.pdf")
        html = statement.raw.decode()
        for text in (self.invoice.name, later.name, "03/20/2026", "$&nbsp;1,150.00", "Statement of account"):
            self.assertIn(text.replace('&nbsp;', NBSP), html.replace('&nbsp;', NBSP))
        self.assertNotIn(theirs.name, html)

    def day(self, text):
        return self.env['ar.dunning.run']._fields['as_of'].to_date(text)

    def test_statement_language(self):
        """Failure 18 for the statement."""
        self.env['res.lang']._activate_lang('de_DE')
        self.env['ir.module.module']._load_module_terms(['ar_coordinator'], ['de_DE'])
        self.customer.lang = 'de_DE'
        self.level_1.attach_statement = True
        [statement] = self.mailed(self.ar_send().letter_ids)
        self.assertEqual(statement.name, "Kontoauszug 2026-03-31.pdf")
        html = statement.raw.decode().replace('&nbsp;', NBSP)
        for text in ("Kontoauszug", "Fällig am", "20.03.2026", "$&nbsp;1.000,00", "Tage überfällig"):
            self.assertIn(text.replace('&nbsp;', NBSP), html)
        for text in ("Statement", "Due date", "Days overdue", "Open amount", "Negative amounts"):
            self.assertNotIn(text, html)

    def test_statement_is_rendered_again_when_the_ledger_moved(self):
        """A statement that was made before a payment came does not go out with the letter."""
        self.level_1.attach_statement = True
        self.ar_invoice(500, '2026-03-01', due='2026-03-20')
        letter = self.ar_run().letter_ids.sudo()
        first = letter._get_statement()
        self.assertEqual(letter._get_statement(), first)
        self.ar_pay(self.invoice, '2026-03-31')
        second = letter._get_statement()
        self.assertNotEqual(second, first)
        self.assertNotIn(self.invoice.name, second.raw.decode())

    # === DOCUMENTS === #

    def test_documents(self):
        """Failure 10 for documents: the main attachment of the letter's own invoices; no other file, no other's."""
        self.level_1.attach_documents = True
        proof = self.file(self.invoice, "proof.pdf", main=True)
        self.file(self.invoice, "internal calculation.pdf", raw=b'%PDF-1.4 our margin')
        theirs = self.ar_invoice(77, '2026-03-01', due='2026-03-20', partner=self.other_customer)
        their_proof = self.file(theirs, "theirs.pdf", raw=b'%PDF-1.4 theirs', main=True)
        not_due = self.ar_invoice(50, '2026-03-01', due='2026-05-20')
        self.file(not_due, "not in the letter.pdf", raw=b'%PDF-1.4 later', main=True)
        letters = self.ar_send().letter_ids.grouped('partner_id')
        self.assertEqual(self.mailed(letters[self.customer]), proof)
        self.assertEqual(self.mailed(letters[self.other_customer]), their_proof)

    def test_foreign_or_odd_main_attachments_stay_here(self):
        """A main attachment that belongs to another record, or is neither PDF nor picture, is not sent."""
        self.level_1.attach_documents = True
        theirs = self.ar_invoice(77, '2026-03-01', due='2026-03-01', partner=self.other_customer)
        foreign = self.file(theirs, "theirs.pdf")
        self.invoice.message_main_attachment_id = foreign
        self.assertFalse(self.ar_run().letter_ids.filtered(
            lambda letter: letter.partner_id == self.customer).sudo()._get_documents())
        self.invoice.message_main_attachment_id = self.file(
            self.invoice, "prices.xlsx", raw=b'PK', mimetype='application/vnd.ms-excel')
        self.assertFalse(self.ar_run().letter_ids.filtered(
            lambda letter: letter.partner_id == self.customer).sudo()._get_documents())

    def test_a_file_goes_once(self):
        """The same delivery note at two invoices of the letter."""
        self.level_1.attach_documents = True
        second = self.ar_invoice(500, '2026-03-01', due='2026-03-20')
        for invoice in (self.invoice, second):
            self.file(invoice, "note.pdf", main=True)
        self.assertEqual(len(self.mailed(self.ar_send().letter_ids)), 1)
