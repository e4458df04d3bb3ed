"""Printed letters with statement, invoices and documents: one PDF per customer, a run's letters in one file."""
import io
import logging
from unittest.mock import patch

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger, pdf

from ..models import ar_dunning_print
from .dunning_common import DunningCommon

REPORT = 'ar_coordinator.action_report_ar_dunning_letter'
PRINT_LOG = 'odoo.addons.ar_coordinator.models.ar_dunning_print'


def make_pdf(*texts):
    """A PDF with a page for each text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    for text in texts:
        canvas.drawString(100, 700, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def read_pages(content):
    """The text of each page, without spaces."""
    reader = pdf.PdfFileReader(io.BytesIO(content))
    return ["".join(reader.getPage(number).extract_text().split()) for number in range(reader.getNumPages())]


class PrintCommon(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.customer + cls.other_customer).email = False
        cls.invoice = cls.ar_invoice(100, '2026-02-01', '2026-03-01')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-01', partner=cls.other_customer)

    def attach(self, move, name, content, mimetype='application/pdf'):
        """Make a file the main attachment of an invoice."""
        attachment = self.env['ir.attachment'].create({
            'name': name, 'raw': content, 'mimetype': mimetype, 'res_model': 'account.move', 'res_id': move.id})
        move.message_main_attachment_id = attachment
        return attachment

    def letter_to(self, run, partner):
        return run.letter_ids.sudo().filtered(lambda letter: letter.partner_id == partner)


@tagged('post_install', '-at_install')
class TestDunningEnclosures(PrintCommon):

    def test_documents_of_the_letter_and_of_nobody_else(self):
        """failure 10, on paper: each letter has its own customer's documents."""
        self.level_1.attach_documents = True
        mine = self.attach(self.invoice, "delivery.pdf", make_pdf("Delivered to the quay", "Second page"))
        theirs = self.attach(self.other, "proof.pdf", make_pdf("Delivered to the sons"))
        run = self.ar_send()
        letter, other = (self.letter_to(run, partner) for partner in (self.customer, self.other_customer))
        self.assertEqual((letter.enclosure_ids, other.enclosure_ids), (mine, theirs))
        [document], unreadable = letter.with_user(self.reader)._get_enclosed_documents()
        self.assertEqual((read_pages(document), unreadable), (["Deliveredtothequay", "Secondpage"], []))

    def test_pictures_become_pages(self):
        self.level_1.attach_documents = True
        picture = io.BytesIO()
        Image.new('RGBA', (200, 100), 'red').save(picture, format='png')
        self.attach(self.invoice, "proof.png", picture.getvalue(), 'image/png')
        letter = self.letter_to(self.ar_run(), self.customer)
        [document], unreadable = letter._get_enclosed_documents()
        self.assertEqual((len(read_pages(document)), unreadable), (1, []))

    def test_a_broken_file_is_left_out_and_named(self):
        """The letter goes all the same, and says what has to be printed by itself."""
        self.level_1.attach_documents = True
        self.attach(self.invoice, "broken.pdf", b"%PDF-1.4 nothing more")
        with self.assertLogs(PRINT_LOG, logging.INFO) as logs, mute_logger('pypdf._reader'):
            letter = self.letter_to(self.ar_send(), self.customer)
        self.assertIn("broken.pdf", logs.output[0])
        self.assertEqual(letter.state, 'queued')
        self.assertIn("broken.pdf", letter.step_failure)
        self.assertEqual(letter.enclosure_ids.name, "broken.pdf")

    def test_frozen_with_the_letter(self):
        """What went with it stays, whatever becomes the invoice's main attachment later."""
        self.level_1.attach_documents = True
        first = self.attach(self.invoice, "first.pdf", make_pdf("First"))
        run = self.ar_run()
        letter = self.letter_to(run, self.customer)
        self.assertEqual(read_pages(letter._get_enclosed_documents()[0][0]), ["First"])
        with self.mock_mail_gateway():
            run.action_send()
        self.attach(self.invoice, "second.pdf", make_pdf("Second"))
        self.assertEqual(letter.enclosure_ids, first)
        self.assertEqual(read_pages(letter._get_enclosed_documents()[0][0]), ["First"])

    def test_emails_keep_what_went_with_them(self):
        self.customer.email = 'office@harbourfish.example.com'
        self.level_1.attach_documents = True
        document = self.attach(self.invoice, "delivery.pdf", make_pdf("Delivered"))
        letter = self.letter_to(self.ar_send(), self.customer)
        self.assertEqual((letter.channel, letter.enclosure_ids), ('email', document))
        self.assertEqual(letter.mail_message_id.attachment_ids, document)

    def test_nothing_by_default(self):
        letter = self.letter_to(self.ar_send(), self.customer)
        self.assertFalse(letter.enclosure_ids)
        stream = io.BytesIO(b"as it is")
        self.assertIs(letter._enclose(stream), stream)

    def test_pages_of_letters_are_found_by_their_references(self):
        reader = pdf.PdfFileReader(io.BytesIO(make_pdf("Our reference: DL-1", "more", "DL-2", "DL-3 and DL-1")))
        self.assertEqual(ar_dunning_print._find_starts(reader, ["DL-1", "DL-2", "DL-3"]), [0, 2, 3])
        for references in (["DL-2", "DL-3"], ["DL-1", "DL-3", "DL-2"], ["DL-1", "DL-4"]):
            self.assertIsNone(ar_dunning_print._find_starts(reader, references))


@tagged('post_install', '-at_install')
class TestDunningPrint(PrintCommon, HttpCase):
    """With wkhtmltopdf itself."""

    def print_out(self, letters):
        """Pages of the printed letters."""
        report = self.env['ir.actions.report'].with_user(self.clerk).with_context(force_report_rendering=True)
        return read_pages(report._render_qweb_pdf(REPORT, letters.ids)[0])

    def send(self):
        """A run sent by the clerk, with real statements."""
        run = self.ar_run()
        with self.mock_mail_gateway():
            run.with_context(force_report_rendering=True).action_send()
        return run

    def test_one_pdf_per_customer_and_one_file_per_run(self):
        """Letter, statement, document of one customer, then those of the next; long letters keep together."""
        self.level_1.write({'attach_statement': True, 'attach_documents': True})
        self.attach(self.invoice, "delivery.pdf", make_pdf("Delivered to the quay"))
        for number in range(30):
            self.ar_invoice(10 + number, '2026-02-01', '2026-03-01', partner=self.other_customer)
        run = self.send()
        letter, other = (self.letter_to(run, partner) for partner in (self.customer, self.other_customer))
        self.assertEqual((letter.state, len(letter.enclosure_ids)), ('queued', 2))
        pages = self.print_out(letter)
        self.assertEqual(len(pages), 3)
        self.assertIn(letter._get_reference(), pages[0])
        self.assertIn("HarbourFishLtd", pages[0])
        self.assertEqual(sorted(page[:20] for page in pages[1:]), sorted([
            "Deliveredtothequay"[:20], f"{self.company.name}Statement".replace(" ", "")[:20]]))
        everything = self.print_out(letter + other)
        self.assertEqual(everything[:3], pages)
        self.assertIn(other._get_reference(), everything[3])
        self.assertGreaterEqual(len(everything), 6, "a letter of two pages and a statement")
        self.assertFalse([page for page in everything[3:] if "HarbourFish" in page or "quay" in page])
        self.assertEqual(
            [number for number, page in enumerate(everything) if "Ourreference" in page], [0, 3])
        self.assertEqual(letter.state, 'queued', "failure 9: printing does not mark it as sent")
        action = run.action_print_letters()
        self.assertEqual(sorted(action['context']['active_ids']), sorted((letter + other).ids))

    def test_letters_that_cannot_be_told_apart_are_printed_one_by_one(self):
        run = self.send()
        expected = [self.print_out(letter)[0] for letter in run.letter_ids]
        with patch.object(ar_dunning_print, '_find_starts', lambda reader, references: None), \
                self.assertLogs(PRINT_LOG, logging.INFO):
            self.assertEqual(self.print_out(run.letter_ids), expected)

    def test_snailmail_posts_the_enclosures(self):
        self.level_1.attach_documents = True
        self.attach(self.invoice, "delivery.pdf", make_pdf("Delivered to the quay"))
        self.company.ar_dunning_snailmail = True
        letter = self.letter_to(self.send(), self.customer)
        letter.with_user(self.clerk).action_snailmail()
        post = self.env['snailmail.letter'].search([('model', '=', letter._name), ('res_id', '=', letter.id)])
        _name, content = post.with_context(force_report_rendering=True)._generate_report_pdf(self.env.ref(REPORT))
        self.assertEqual(read_pages(content)[1:], ["Deliveredtothequay"])
