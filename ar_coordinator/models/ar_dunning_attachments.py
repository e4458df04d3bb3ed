"""What goes with a letter besides invoices: the customer's statement and the invoices' supporting documents.

Both are the customer's own only: the statement is read from the ledger for the customer and the company of the letter,
a document is the main attachment of one of the letter's invoices and nothing else that people keep in its chatter.
"""
import hashlib
import json

from odoo import fields, models

DOCUMENT_TYPES = ('application/pdf', 'image/png', 'image/jpeg')


class ArDunningLevel(models.Model):
    _inherit = 'ar.dunning.level'

    attach_statement = fields.Boolean(
        string="Statement", help="A list of everything that is open with the customer, in the customer's language.")
    attach_documents = fields.Boolean(
        string="Supporting Documents",
        help="The main attachment of each invoice (a PDF or a picture, a proof of delivery, say); never the others.")


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _count_missing_pdfs(self):
        """Override: a statement for each letter whose level wants one."""
        return super()._count_missing_pdfs() + len(
            self.letter_ids.filtered(lambda letter: letter.level_id.attach_statement))


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    def _wants_attachments(self):
        """Override: statement and supporting documents may go with it."""
        level = self.level_id
        return super()._wants_attachments() or level.attach_statement or level.attach_documents

    def _get_attachments(self):
        """Override: statement and supporting documents, where the level wants them."""
        attachments = super()._get_attachments()
        if self.level_id.attach_statement:
            attachments += self._get_statement()
        if self.level_id.attach_documents:
            attachments += self._get_documents() - attachments
        return attachments

    # === STATEMENT === #

    def _get_statement(self):
        """Return the PDF of the customer's statement, kept with the letter and rendered again when it has changed."""
        digest = hashlib.sha256(json.dumps(self._get_statement_rows(), default=str).encode()).hexdigest()
        name = self._get_statement_name()
        attachments = self.env['ir.attachment']
        known = attachments.search([
            ('res_model', '=', self._name), ('res_id', '=', self.id), ('name', '=', name),
            ('description', '=', digest)], limit=1)
        if known:
            return known
        content, _type = self.env['ir.actions.report']._render_qweb_pdf(
            'ar_coordinator.action_report_ar_dunning_statement', self.ids)
        return attachments.create({
            'name': name, 'raw': content, 'res_model': self._name, 'res_id': self.id, 'mimetype': 'application/pdf',
            'description': digest})

    def _get_statement_name(self):
        """Return the file's name in the recipient's language."""
        return self._localized().env._("Statement %(day)s.pdf", day=self._get_statement_day())

    def _get_statement_day(self):
        """Return the day of the statement: today, as the amounts the letter asks for are today's."""
        return max(self.date, self.company_id._ar_today())

    def _get_statement_rows(self):
        """Return everything that is open with the customer today, by currency and due date.

        :return: list of {currency_id, rows: [{number, date, due, days, open}], total}, unformatted; credits
            are negative
        """
        self.ensure_one()
        return self.env['ar.statement']._get_open(self.partner_id, self.company_id, self._get_statement_day())

    def _get_statement_tables(self):
        """Return the statement formatted in the recipient's language: list of {currency, rows, total}."""
        statement = self._localized().env['ar.statement']
        return statement._get_tables({'kind': 'open', 'tables': self._get_statement_rows()})

    # === SUPPORTING DOCUMENTS === #

    def _get_documents(self):
        """Return the main attachments of the letter's own invoices: PDFs and pictures, not the invoice itself.

        Nothing else of an invoice's attachments: those may be internal. Each file once.
        """
        moves = self.line_ids.move_id.filtered(
            lambda move: move.commercial_partner_id == self.partner_id and move.company_id == self.company_id)
        documents, seen = self.env['ir.attachment'], set()
        for move in moves:
            document = move.message_main_attachment_id
            is_own = document.res_model == 'account.move' and document.res_id == move.id and not document.res_field
            if not is_own or document == move.invoice_pdf_report_id:
                continue
            if document.mimetype in DOCUMENT_TYPES and document.checksum not in seen:
                seen.add(document.checksum)
                documents += document
        return documents
