"""The file for an agency, and what the agency reports."""
import io
import zipfile

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .dunning_common import DunningCommon, contact


@tagged('post_install', '-at_install')
class TestHandOverFile(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.ar_invoice(1000, '2026-03-01', due='2026-03-20')
        cls.theirs = cls.ar_invoice(77, '2026-03-01', due='2026-03-20', partner=cls.other_customer)
        contact(cls.env, cls.customer, "=Carla", email='carla@example.com')

    def hand_over(self):
        return self.env['ar.hand.over'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'to': 'agency', 'reason': "Does not pay"})

    def test_file(self):
        """Statement, letters, open invoices, contacts; of this customer only; kept with the hand-over."""
        letter = self.ar_send().letter_ids.filtered(lambda letter: letter.partner_id == self.customer)
        record = self.hand_over()
        action = record.action_make_file()
        attachment = record.message_ids.attachment_ids
        self.assertIn(f'/{attachment.id}?', action['url'])
        with zipfile.ZipFile(io.BytesIO(attachment.raw)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        self.assertEqual(set(files), {
            "Statement 2026-03-31.pdf", "Statement 2026-03-31.xlsx", "Contacts.csv", "Letters.csv", "Letters.pdf",
            self.invoice._get_invoice_report_filename().replace('/', '_')})
        trail = files["Letters.csv"].decode('utf-8-sig').splitlines()
        self.assertEqual(len(trail), 2)
        self.assertIn(f"{letter.level_id.name};E-mail;office@harbourfish.example.com;1000.00;USD;", trail[1])
        self.assertIn(self.invoice.name, trail[1])
        contacts = files["Contacts.csv"].decode('utf-8-sig')
        self.assertIn("'=Carla", contacts, "no formula for a spreadsheet")
        self.assertIn(self.invoice.name, files["Statement 2026-03-31.pdf"].decode())
        for content in files.values():
            self.assertNotIn(self.theirs.name.encode(), content)
            self.assertNotIn(b"Alder", content)

    def test_progress(self):
        record = self.hand_over()
        self.env['ar.hand.over.progress'].with_user(self.clerk).create([
            {'hand_over_id': record.id, 'kind': 'recovered', 'amount': 400, 'note': "First instalment"},
            {'hand_over_id': record.id, 'kind': 'fee', 'amount': 60, 'note': "15 %"},
            {'hand_over_id': record.id, 'note': "Promises the rest"}])
        self.assertEqual((record.amount_recovered, record.amount_fees), (400, 60))

    def test_progress_is_of_its_author_and_its_hand_over(self):
        record = self.hand_over()
        other = record.create({'partner_id': self.other_customer.id, 'to': 'agency', 'reason': "Does not pay"})
        company = self.setup_other_company(name="AR branch")['company']
        progress = self.env['ar.hand.over.progress'].with_user(self.clerk)
        entry = progress.with_context(default_user_id=self.manager.id).create(
            {'hand_over_id': record.id, 'company_id': company.id, 'note': "News"})
        self.assertEqual((entry.user_id, entry.company_id), (self.clerk, self.company))
        for vals in ({'hand_over_id': other.id}, {'company_id': company.id}, {'user_id': self.manager.id}):
            with self.assertRaises(AccessError):
                entry.write(vals)
        with self.assertRaises(AccessError):
            progress.create({'hand_over_id': record.id, 'note': "News", 'user_id': self.manager.id})
        theirs = self.env['ar.hand.over'].create({
            'partner_id': self.customer.id, 'company_id': company.id, 'to': 'agency', 'reason': "Does not pay"})
        with self.assertRaises(AccessError):
            progress.create({'hand_over_id': theirs.id, 'company_id': self.company.id, 'note': "News"})
        entry.note = "Other news"

    def test_roles(self):
        record = self.hand_over()
        with self.assertRaises(AccessError):
            record.with_user(self.reader).action_make_file()
        record.with_user(self.manager).action_return()
        with self.assertRaises(UserError):
            record.action_make_file()
