"""Month-end pack: every report in one XLSX and one PDF, the checks, checksums, the lock, roles, two companies."""
import hashlib
import io
from unittest.mock import patch

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged

from ..models import ar_table_report
from ..reports import ar_table_export
from .test_roll_forward import RollForwardCommon


class MonthEndCommon(RollForwardCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.allowance = cls.env['account.account'].create({
            'code': '129001', 'name': "Allowance for credit losses", 'account_type': 'asset_current'})
        cls.company.write({
            'ar_provision_expense_account_id': cls.expense.id, 'ar_provision_allowance_account_id': cls.allowance.id})

    def make(self, **values):
        pack = self.env['ar.month.end.pack'].create(
            {'company_id': self.company.id, 'date_to': '2026-03-31', **values})
        pack.action_make()
        return pack


@tagged('post_install', '-at_install')
class TestMonthEnd(MonthEndCommon):

    def test_checks_and_files_are_of_the_period(self):
        """Nobody deletes a failed check, or locks another month than the one the files are about."""
        manager = self.ar_user('pack_manager', 'ar_coordinator.group_ar_manager')
        pack = self.make().with_user(manager)
        failed = pack.check_ids.filtered(lambda check: not check.is_ok)
        self.assertTrue(failed)
        for delete in (failed.unlink, lambda: pack.write({'check_ids': [Command.clear()]})):
            with self.assertRaises(AccessError):
                delete()
        failed[0].note = "Found out"
        pack.write({'date_from': pack.date_from, 'date_to': pack.date_to})
        self.assertEqual(pack.state, 'made', "the same period")
        files = (pack.xlsx_id | pack.pdf_id).sudo()
        pack.write({'date_from': '2026-02-01', 'date_to': '2026-02-28'})
        self.assertEqual(
            (pack.state, pack.xlsx_id.id, pack.pdf_id.id, pack.xlsx_checksum, pack.pdf_checksum, pack.check_ids.ids),
            ('draft', False, False, False, False, []))
        self.assertFalse(files.exists())
        with self.assertRaisesRegex(UserError, "make the files first"):
            pack.action_lock()
        pack.action_make()
        pack.action_lock()
        self.assertEqual(pack.state, 'locked')

    def test_xlsx_has_every_report(self):
        """The file reopened: the sheets, and the figures of each report's `get_data`."""
        provision = self.env['ar.provision'].create({
            'date': '2026-03-31', 'company_id': self.company.id, 'rate_source': 'own'})
        provision.action_calculate()
        provision.line_ids[0].rate = 0.1
        provision.action_book()
        pack = self.make()
        self.assertEqual(str(pack.date_from), '2026-03-01')
        workbook = load_workbook(io.BytesIO(pack.xlsx_id.raw))
        self.assertEqual(workbook.sheetnames, [
            "Checks", "Aged Receivables by Customer", "Receivables Roll-Forward", "Entries in Other",
            "Sub-Ledger and General Ledger", "Unapplied Credits", "Matrix", "Individual provisions", "Loss rates",
            "Roll rates", "Key Figures of Receivables", "Parameters"])

        def lines(name):
            return list(workbook[name].iter_rows(min_row=6, values_only=True))
        at = {'as_of': '2026-03-31', 'company_ids': self.company.ids}
        aged = self.env['ar.aging.report'].get_data(at)
        total = next(line for line in lines("Aged Receivables by Customer") if line[0] == "Total")
        self.assertEqual(total[1:9], (
            *aged['totals']['amounts'], aged['totals']['unapplied'], aged['totals']['total']))
        self.assertEqual(total[8], 1155)
        roll = self.data(group_by='account')
        self.assertEqual(lines("Receivables Roll-Forward")[0][1:], self.amounts(roll['rows'][0]))
        self.assertEqual(lines("Sub-Ledger and General Ledger")[0][4:7], (1155, 1155, 0))
        unapplied = self.env['ar.unapplied.report'].get_data(at)
        total = next(line for line in lines("Unapplied Credits") if line[0] == "Total")
        self.assertEqual(total[8], unapplied['totals']['unapplied'])
        [line] = [line for line in lines("Matrix") if line[0] == "Provision"]
        self.assertEqual(line[5], provision.amount_total)
        kpis = self.env['ar.kpi.report'].get_data({**at, 'months': 2})
        figures = {line[0]: line[2:4] for line in lines("Key Figures of Receivables")}
        self.assertEqual(figures["Receivables"], (1155, 1250))
        self.assertAlmostEqual(figures["DSO"][0], kpis['dso'])
        parameters = dict(workbook["Parameters"].iter_rows(values_only=True))
        self.assertEqual(
            (parameters["Company"], str(parameters["From"])[:10], str(parameters["To"])[:10], parameters["User"]),
            (self.company.name, '2026-03-01', '2026-03-31', self.env.user.name))
        self.assertIn("Generated at", parameters)
        self.assertIn("Group by: Account", parameters["Receivables Roll-Forward"])

    def test_pdf_has_every_report(self):
        pack = self.make()
        pages = [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pack.pdf_id.raw)).pages]
        whole = " ".join(pages)
        for title in ("Month end 03/31/2026", "Aged Receivables by Customer", "Receivables Roll-Forward",
                      "Sub-Ledger and General Ledger", "Unapplied Credits", "Provision for Expected Credit Losses",
                      "Roll Rates and Loss Rates", "Key Figures of Receivables"):
            self.assertIn(title, whole)
        for part in ("1,155.00", "-640.00", "There is no provision for this date", "In order", "To look at"):
            self.assertIn(part, whole)
        for number, page in enumerate(pages, start=1):
            self.assertIn(f"Page {number} of {len(pages)}", page)
            self.assertIn(self.env.user.name, page)

    def test_aged_receivables_by_another_grouping(self):
        """The pack's ageing by country; another grouping makes it new."""
        pack = self.make(aging_group_by='country')
        workbook = load_workbook(io.BytesIO(pack.xlsx_id.raw))
        sheet = workbook["Aged Receivables by Country"]
        heads, *_rows = [line for line in sheet.iter_rows(min_row=4, values_only=True) if any(line)]
        self.assertEqual(heads[0], "Country")
        data = self.aged('2026-03-31', group_by='country')
        names = [line[0] for line in sheet.iter_rows(min_row=6, values_only=True)]
        self.assertEqual(names[:len(data['rows'])], [row['name'] for row in data['rows']])
        pack.aging_group_by = 'currency'
        self.assertEqual(pack.state, 'draft')

    def test_checks(self):
        """What is in order and what is not: amounts as the reports have them."""
        self.ar_invoice(10, '2026-03-09', post=False)
        self.ar_cash(33, '2026-03-30')
        self.ar_entry('2026-03-30', (self.receivable, 5, self.env['res.partner']), (self.account_kit, -5))
        pack = self.make()
        self.assertEqual([(check.name, check.amount, check.is_ok) for check in pack.check_ids], [
            ("Sub-ledger less general ledger", 0, True),
            ("Roll-forward: opening less general ledger", 0, True),
            ("Roll-forward: closing less general ledger", 0, True),
            ("Roll-forward: entries that fit nowhere", 20, False),
            ("Draft customer invoices of the period", 1, False),
            ("Receivable items of the period without a customer", 1, False),
            ("Unapplied cash", -33, False),
            ("Provision booked", 0, False)])
        self.assertTrue(pack.has_findings)
        pack.check_ids[4].note = "Waits for the customer's order number"
        with self.assertRaises(AccessError):
            pack.check_ids[4].is_ok = True

    def test_checksums_and_lock(self):
        """Checksums are of the files; a locked pack and its files stay as they are."""
        pack = self.make()
        self.assertEqual(pack.xlsx_checksum, hashlib.sha256(pack.xlsx_id.raw).hexdigest())
        self.assertEqual(pack.pdf_checksum, hashlib.sha256(pack.pdf_id.raw).hexdigest())
        self.assertEqual((pack.made_by_id, pack.state), (self.env.user, 'made'))
        first = pack.xlsx_id
        pack.action_make()
        self.assertFalse(first.exists())
        pack.action_lock()
        self.assertEqual((pack.state, pack.locked_by_id), ('locked', self.env.user))
        for attempt in (pack.action_make, pack.unlink, pack.action_lock, pack.check_ids.unlink, pack.xlsx_id.unlink):
            with self.assertRaises(UserError, msg=attempt):
                attempt()
        for record, vals in (
            (pack, {'date_from': '2026-02-01'}), (pack.check_ids[0], {'note': "x"}), (pack.pdf_id, {'raw': b'x'}),
            (pack.pdf_id, {'res_id': 0}),
        ):
            with self.assertRaises(UserError, msg=vals):
                record.write(vals)
        self.assertEqual(pack.action_verify()['params']['type'], 'success')
        pack.pdf_id.sudo().raw = b'%PDF- something else'
        notification = pack.action_verify()['params']
        self.assertEqual(notification['type'], 'danger')
        self.assertIn(".pdf", notification['message'])

    def test_changed_files_are_not_locked(self):
        pack = self.make()
        pack.xlsx_id.sudo().raw = b'something else'
        with self.assertRaisesRegex(UserError, "is not what was made"):
            pack.action_lock()

    def test_dates(self):
        with self.assertRaisesRegex(ValidationError, "ends before it starts"):
            self.make(date_from='2026-04-01')
        with self.assertRaisesRegex(ValidationError, "not over yet"):
            self.make(date_to='2999-12-31')
        pack = self.env['ar.month.end.pack'].create({'company_id': self.company.id})
        self.assertLess(pack.date_to, self.company._ar_today())
        with self.assertRaisesRegex(UserError, "make the files first"):
            pack.action_lock()

    def test_roles(self):
        """Managers make and lock, others read and download; files and states are not for typing."""
        manager = self.ar_user('pack_manager', 'ar_coordinator.group_ar_manager')
        reader = self.ar_user('pack_reader', 'ar_coordinator.group_ar_readonly')
        stranger = self.ar_user('pack_stranger', 'base.group_user')
        pack = self.env['ar.month.end.pack'].with_user(manager).create({'date_to': '2026-03-31'})
        pack.action_make()
        self.assertEqual(pack.with_user(reader).pdf_id.raw[:5], b'%PDF-')
        self.assertEqual(pack.with_user(reader).action_verify()['params']['type'], 'success')
        for method in ('action_make', 'action_lock', 'unlink'):
            with self.assertRaises(AccessError):
                getattr(pack.with_user(reader), method)()
        with self.assertRaises(AccessError):
            pack.with_user(stranger).read(['state'])
        with self.assertRaises(AccessError):
            pack.xlsx_id.with_user(stranger).read(['raw'])
        for vals in ({'state': 'locked'}, {'xlsx_checksum': 'x'}, {'pdf_id': False}):
            with self.assertRaises(AccessError):
                pack.write(vals)
        sneaky = self.env['ar.month.end.pack'].with_user(manager).with_context(default_state='locked').create(
            {'date_to': '2026-03-31'})
        self.assertEqual(sneaky.state, 'draft')

    def test_two_companies(self):
        """A pack is of its company, in its currency, whatever company is switched on."""
        branch = self.setup_other_company(name="AR branch", currency_id=self.eur.id)['company']
        self.env.user.company_ids |= branch
        pack = self.make(company_id=branch.id)
        workbook = load_workbook(io.BytesIO(pack.xlsx_id.raw))
        parameters = dict(workbook["Parameters"].iter_rows(values_only=True))
        self.assertEqual((parameters["Company"], parameters["Currency"]), ("AR branch", 'EUR'))
        self.assertEqual(
            workbook["Aged Receivables by Customer"]['A6'].value, "No receivable was open on this date.")
        self.assertEqual(self.make().check_ids[0].amount, 0)
        outsider = self.ar_user('pack_outsider', 'ar_coordinator.group_ar_manager')
        self.assertFalse(self.env['ar.month.end.pack'].with_user(outsider).search([('company_id', '=', branch.id)]))

    def test_paper_ends_somewhere(self):
        """A table too long for paper says how many rows are left out, and keeps its total."""
        with patch.object(ar_table_export, 'MOST_ROWS', 1):
            pdf = PdfReader(io.BytesIO(self.env['ar.roll.forward'].get_pdf({**self.options, 'group_by': 'partner'})))
        text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
        self.assertIn("1 more row is not printed", text)
        self.assertIn("1,155.00", text)
        self.assertEqual(ar_table_report._first_rows([{'level': 0}, {'level': 0}, {'level': 'total'}], 1), [
            {'level': 0}, {'level': 'total'}])


@tagged('post_install', '-at_install')
class TestMonthEndTour(MonthEndCommon, HttpCase):

    def test_month_end(self):
        """New, make, look at the checks, lock.

        While wkhtmltopdf runs, Odoo's test server refuses the browser's other requests: it prints elsewhere
        (test_pdf_has_every_report).
        """
        self.ar_user('pack_tour', 'ar_coordinator.group_ar_manager')
        with patch.object(self.env.registry['ar.table.report'], '_print_pages', lambda _self, html: html.encode()):
            self.start_tour('/odoo/ar-month-end', 'ar_month_end', login='pack_tour')
        pack = self.env['ar.month.end.pack'].search([('company_id', '=', self.company.id)])
        self.assertEqual((pack.state, len(pack.check_ids)), ('locked', 8))
        self.authenticate('pack_tour', 'pack_tour')
        answer = self.url_open(pack.action_download_pdf()['url'])
        self.assertEqual(hashlib.sha256(answer.content).hexdigest(), pack.pdf_checksum)
