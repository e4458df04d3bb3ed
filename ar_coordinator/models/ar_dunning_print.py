"""Printed letters with what goes with them: one PDF per customer, and all of a run's in one file.

What goes with a letter is frozen when it is queued, like its text. Many letters are printed as one document, which is
quick and works with every wkhtmltopdf (the unpatched ones print one document at a time), and are told apart by the
reference each of them carries on its first page; where that fails they are printed one by one.
"""
import io
import logging
import zlib

from PIL import UnidentifiedImageError

from odoo import fields, models
from odoo.tools import pdf

LETTER_REPORT = 'ar_coordinator.report_ar_dunning_letter'
LETTERS_PER_DOCUMENT = 100
UNREADABLE = (
    pdf.PdfReadError, pdf.DependencyError, zlib.error, UnidentifiedImageError, ValueError, TypeError, KeyError,
    NotImplementedError, OSError)

_logger = logging.getLogger(__name__)


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    enclosure_ids = fields.Many2many(
        comodel_name='ir.attachment', relation='ar_dunning_letter_enclosure_rel', column1='letter_id',
        column2='attachment_id', string="Enclosures", readonly=True, copy=False, help="What went with the letter.")

    # === FREEZING === #

    def _queue_prints(self, template):
        """Override: freeze what goes with printed letters, and say what of it cannot be printed with them."""
        result = super()._queue_prints(template)
        for letter in self:
            letter._set_enclosures(letter._get_attachments())
            letter._note_unprintable()
        return result

    def _queue_mails(self, template):
        """Override: freeze what goes with e-mails."""
        result = super()._queue_mails(template)
        for letter in self:
            letter._set_enclosures(letter.mail_message_id.attachment_ids)
            if letter.also_printed:
                letter._note_unprintable()
        return result

    def _set_enclosures(self, attachments):
        """Keep what goes with the letter."""
        if attachments or self.enclosure_ids:
            self.enclosure_ids = attachments

    def _note_unprintable(self):
        """Say on the letter which of its enclosures have to be printed by themselves."""
        _documents, unreadable = self._get_enclosed_documents()
        if unreadable:
            note = self.env._(
                "Print these by themselves, they cannot be joined to the letter: %s", ", ".join(unreadable))
            self.step_failure = "\n".join(filter(None, [self.step_failure, note]))

    # === PRINTING === #

    def _get_reference(self):
        """Return what the printed letter calls itself, and what tells it from the others of a file."""
        return f"DL-{self._origin.id or 0:06}"

    def _get_enclosed_documents(self):
        """Return ([PDF as bytes], [names of files that are none]) of what is printed with the letter.

        For a draft as it would be now, else as it was frozen. Pictures become pages.
        """
        self.ensure_one()
        # sudo: whoever may read the letter may read what goes with it, see `_get_attachments`
        letter = self.sudo()
        documents, unreadable = [], []
        for attachment in letter._get_attachments() if letter.state == 'draft' else letter.enclosure_ids.sorted('id'):
            try:
                documents.append(_read_document(attachment))
            except UNREADABLE as error:
                _logger.info("%s cannot be printed with dunning letter %s: %s", attachment.name, self.id, error)
                unreadable.append(attachment.name)
        return documents, unreadable

    def _enclose(self, stream):
        """Return the letter's PDF with everything that goes with it behind it."""
        documents, _unreadable = self._get_enclosed_documents()
        return io.BytesIO(pdf.merge_pdf([stream.getvalue(), *documents])) if documents else stream


class IrActionsReport(models.Model):
    _inherit = 'ir.actions.report'

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Override of `base`: dunning letters come with their enclosures."""
        if not res_ids or self._get_report(report_ref).report_name != LETTER_REPORT:
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        letters = self.env['ar.dunning.letter'].browse(dict.fromkeys(res_ids))
        streams = self._ar_render_streams(
            report_ref, data, letters, lambda letter: super(IrActionsReport, self)._render_qweb_pdf_prepare_streams(
                report_ref, dict(data or {}), res_ids=letter.ids)[letter.id]['stream'])
        return {
            letter.id: {'stream': letter._enclose(streams[letter.id]), 'attachment': None} for letter in letters}

    def _ar_render_streams(self, report_ref, data, letters, render):
        """Return {record id: PDF stream} of letters, or of other records with a reference on their first page.

        :param render: function that renders one of them, where they cannot be rendered together
        """
        streams = {}
        for start in range(0, len(letters), LETTERS_PER_DOCUMENT):
            part = letters[start:start + LETTERS_PER_DOCUMENT]
            joined = self._ar_render_joined(report_ref, data, part) if len(part) > 1 else None
            for letter in part:
                streams[letter.id] = joined[letter.id] if joined else render(letter)
        return streams

    def _ar_render_joined(self, report_ref, data, letters):
        """Return {letter id: PDF stream} of letters printed as one document; None when they cannot be told apart."""
        report = self._get_report(report_ref).with_context(debug=False)
        html = self.with_context(debug=False)._render_qweb_html(
            report_ref, letters.ids, data={**(data or {}), 'report_type': 'pdf', 'debug': False, 'is_joined': True})[0]
        bodies, _ids, header, footer, arguments = report._prepare_html(html, report_model=report.model)
        content = self._run_wkhtmltopdf(
            bodies, report_ref=report_ref, header=header, footer=footer, specific_paperformat_args=arguments)
        reader = pdf.PdfFileReader(io.BytesIO(content), strict=False)
        starts = _find_starts(reader, [letter._get_reference() for letter in letters])
        if not starts:
            _logger.info("%s cannot be told apart in one document: printed one by one", letters)
            return None
        streams = {}
        for letter, first, end in zip(letters, starts, [*starts[1:], reader.getNumPages()], strict=True):
            writer = pdf.PdfFileWriter()
            for number in range(first, end):
                writer.addPage(reader.getPage(number))
            streams[letter.id] = io.BytesIO()
            writer.write(streams[letter.id])
        return streams


def _read_document(attachment):
    """Return an attachment as PDF; a picture becomes a page.

    :raise: one of UNREADABLE when there is nothing to print
    """
    stream = pdf.to_pdf_stream(attachment)
    if not stream or not pdf.PdfFileReader(stream, strict=False).getNumPages():
        raise pdf.PdfReadError("no pages")
    return pdf.merge_pdf([stream.getvalue()])


def _find_starts(reader, references):
    """Return the numbers of the pages on which each of these references stands, or None unless they are all there.

    In this order, the first of them on the first page.
    """
    starts = []
    for number in range(reader.getNumPages()):
        text = "".join(reader.getPage(number).extract_text().split())
        if len(starts) < len(references) and references[len(starts)] in text:
            starts.append(number)
    return starts if len(starts) == len(references) and starts[0] == 0 else None
