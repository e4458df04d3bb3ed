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

    def hand_over(self, **vals):
        return self.env['ar.hand.over'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'to': 'agency', 'reason': "Does not pay", **vals})

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

    def test_fees_in_another_currency(self):
        """Counted in the company's currency, at the rate of the day."""
        record = self.hand_over()
        entry = self.env['ar.hand.over.progress'].with_user(self.clerk).create({
            'hand_over_id': record.id, 'kind': 'fee', 'amount': 50, 'currency_id': self.eur.id, 'note': "Fee",
            'date': '2026-03-10'})
        self.assertEqual((entry.amount_company, record.amount_fees), (80, 80))  # 0.625 EUR to the dollar

    def test_money_that_arrived_at_the_agency(self):
        """A payment of the customer, drawn up once; when it is posted it pays what was open."""
        record = self.hand_over()
        record.write({'agency_id': self.other_customer.id, 'agency_reference': "AZ 12"})
        self.assertEqual((record.amount_start, record.amount_receivable), (1000, 1000))
        entry = self.env['ar.hand.over.progress'].with_user(self.clerk).create({
            'hand_over_id': record.id, 'kind': 'recovered', 'amount': 400, 'note': "First", 'date': '2026-03-30'})
        action = entry.action_book()
        payment = self.env['account.payment'].browse(action['res_id'])
        self.assertRecordValues(payment, [{
            'partner_id': self.customer.id, 'amount': 400, 'state': 'draft', 'payment_type': 'inbound',
            'memo': "Alder & Sons AZ 12 First"}])
        self.assertEqual(entry.action_book()['res_id'], payment.id, "once")
        payment.action_post()
        self.ar_match(self.invoice, payment.move_id)
        self.env.invalidate_all()
        self.assertEqual(
            (record.amount_start, record.amount_receivable, self.invoice.amount_residual), (1000, 600, 600))
        for vals in ({'amount': 1}, {'kind': 'note'}):
            with self.assertRaises(UserError):
                entry.write(vals)
        with self.assertRaises(UserError):
            entry.with_user(self.manager).unlink()
        for vals in ({'payment_id': False}, {'bill_id': 1}):
            with self.assertRaises(AccessError):
                entry.write(vals)
        with self.assertRaises(AccessError):
            record.write({'amount_start': 5})

    def test_a_hand_over_entered_later(self):
        """What was open then is what the books say of that day, not of the day it is entered."""
        self.ar_pay(self.invoice, '2026-03-20', amount=300)
        record = self.hand_over(date='2026-03-15')
        self.assertEqual((record.amount_start, record.amount_receivable), (1000, 700))

    def test_fee_is_billed_by_the_agency(self):
        record = self.hand_over()
        entry = self.env['ar.hand.over.progress'].with_user(self.clerk).create({
            'hand_over_id': record.id, 'kind': 'fee', 'amount': 60, 'note': "15 %", 'date': '2026-03-30'})
        with self.assertRaises(UserError):  # whose bill?
            entry.action_book()
        record.agency_id = self.other_customer
        entry.action_book()
        bill = entry.bill_id
        self.assertEqual((bill.move_type, bill.state, bill.partner_id, bill.amount_untaxed), (
            'in_invoice', 'draft', self.other_customer, 60))
        news = entry.create({'hand_over_id': record.id, 'note': "News"})
        with self.assertRaises(UserError):
            news.action_book()
        with self.assertRaises(AccessError):
            entry.with_user(self.reader).action_book()

    def test_report_by_agency(self):
        """Handed over, recovered, fees and what is open, by agency; taken back ones only when asked for."""
        record = self.hand_over()
        record.agency_id = self.other_customer
        progress = self.env['ar.hand.over.progress'].with_user(self.clerk)
        progress.create([
            {'hand_over_id': record.id, 'kind': 'recovered', 'amount': 400, 'note': "First"},
            {'hand_over_id': record.id, 'kind': 'fee', 'amount': 60, 'note': "15 %"}])
        self.ar_pay(self.invoice, '2026-03-31', 400)
        self.env.invalidate_all()  # another request
        options = {'company_ids': self.company.ids}
        report = self.env['ar.hand.over.report'].with_user(self.reader)
        [row] = report.get_data(options)['rows']
        self.assertEqual(
            {key: row[key] for key in ('name', 'count', 'start', 'recovered', 'fees', 'open', 'share', 'cost')},
            {'name': "Alder & Sons", 'count': 1, 'start': 1000, 'recovered': 400, 'fees': 60, 'open': 600, 'share': 0.4,
             'cost': 0.15})
        self.assertTrue(report.get_xlsx(options))
        record.with_user(self.manager).action_return()
        self.assertEqual(report.get_data(options)['rows'], [])
        [row] = report.get_data({**options, 'show': 'all'})['rows']
        self.assertEqual((row['recovered'], row['open'], row['customers'][0]['state']), (400, 0, "Taken back"))

    def test_chasing_stops_and_goes_on_after_the_return(self):
        """No reminder and no place on the worklist while the customer is away; back with us, both."""
        desk = self.env['ar.worklist'].with_user(self.clerk)
        key = [self.customer.id, self.company.id]

        def is_chased():
            run = self.ar_run()
            return (key in desk.get_page({'company_ids': self.company.ids})['keys'],
                    self.customer in run.letter_ids.partner_id)
        self.assertEqual(is_chased(), (True, True))
        record = self.hand_over()
        self.assertEqual(is_chased(), (False, False))
        record.with_user(self.manager).action_return()
        self.assertEqual(is_chased(), (True, True))

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
