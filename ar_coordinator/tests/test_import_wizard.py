"""Importing a receivables history: what is asked, what is booked, what is left out, and nothing booked twice."""

import base64
import csv
import io
from unittest.mock import patch

import openpyxl

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from .common import ArCommon

IBM_HEAD = (
    "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,"
    "PaperlessBill,DaysToSettle,DaysLate"
)
# In IBM's format, written for these tests: three customers, paid early, late and (at most dates) not yet.
IBM = f"""{IBM_HEAD}
391,0001-AAAAA,4/6/2013,700001,1/2/2013,2/1/2013,50.00,No,1/15/2013,Paper,13,0
391,0001-AAAAA,4/6/2013,700002,3/10/2013,4/9/2013,60.50,Yes,4/30/2013,Paper,51,21
391,0001-AAAAA,4/6/2013,700003,4/20/2013,5/20/2013,70.25,No,5/20/2013,Electronic,30,0
818,0002-BBBBB,1/1/2012,700004,3/28/2013,4/27/2013,10.00,No,4/1/2013,Electronic,4,0
818,0002-BBBBB,1/1/2012,700005,3/31/2013,4/30/2013,20.00,Yes,6/15/2013,Electronic,76,46
406,0003-CCCCC,1/1/2014,700006,5/2/2013,6/1/2013,30.00,No,6/1/2013,Paper,30,0
"""
HEAD = "Customer No,Customer Name,Invoice No,Invoice Date,Due Date,Amount,Currency,Settled Date,Settled Amount,Disputed"


class ImportCommon(ArCommon):
    def wizard(self, text=IBM, **vals):
        data = text.encode() if isinstance(text, str) else text
        return self.env['ar.import.wizard'].create(
            {'file': base64.b64encode(data), 'file_name': 'history.csv', 'company_id': self.company.id, **vals}
        )

    def imported(self, text=IBM, **vals):
        wizard = self.wizard(text, **vals)
        wizard.action_check()
        wizard.action_import()
        return wizard

    def rows(self, *rows, head=HEAD):
        return "\n".join((head, *rows)) + "\n"

    def moves(self, wizard):
        return self.env['account.move'].search([('journal_id', '=', wizard.journal_id.id)], order='name')

    def totals(self, as_of, **options):
        return self.env['ar.aging.report'].get_data({'as_of': as_of, 'company_ids': self.company.ids, **options})[
            'totals'
        ]

    def messages(self, wizard):
        return [(problem.row, problem.column, problem.value) for problem in wizard.problem_ids]

    def counts(self, wizard):
        return wizard.new_count, wizard.settle_count, wizard.same_count, wizard.later_count, wizard.bad_count


@tagged('post_install', '-at_install')
class TestImportWizard(ImportCommon):
    # --- reading and asking

    def test_ibm_format_is_recognised_and_checked(self):
        wizard = self.wizard()
        wizard.action_read()
        self.assertEqual(wizard.state, 'setup')
        self.assertEqual(wizard.preset_id, self.env.ref('ar_coordinator.import_preset_ibm'))
        self.assertEqual(
            {column.header: column.target for column in wizard.column_ids if column.target},
            {
                'countryCode': 'tag',
                'customerID': 'partner_ref',
                'invoiceNumber': 'number',
                'InvoiceDate': 'invoice_date',
                'DueDate': 'due_date',
                'InvoiceAmount': 'amount',
                'Disputed': 'disputed',
                'SettledDate': 'settled_date',
                'PaperlessBill': 'delivery',
            },
        )
        self.assertEqual(wizard.column_ids[0].sample, "391 · 818 · 406")
        wizard.action_check()
        self.assertEqual((wizard.state, wizard.row_count, self.counts(wizard)), ('checked', 6, (6, 0, 0, 0, 0)))
        self.assertEqual(wizard.new_customer_count, 3)
        total = wizard.total_ids
        self.assertEqual(
            (total.currency_id, total.invoice_count, total.amount, total.settled_amount, total.open_amount),
            (self.company.currency_id, 6, 240.75, 240.75, 0),
        )
        self.assertIn('"1/15/2013"', wizard.date_evidence)
        self.assertEqual(
            wizard.sample_ids[1].mapped(
                lambda row: (
                    row.row,
                    row.customer,
                    row.number,
                    str(row.invoice_date),
                    str(row.due_date),
                    row.amount,
                    row.disputed,
                    row.status,
                )
            ),
            [(3, '0001-AAAAA', '700002', '2013-03-10', '2013-04-09', 60.5, True, 'new')],
        )

    def test_a_check_writes_nothing_to_the_books(self):
        before = [
            self.env[model].search_count([])
            for model in ('account.move', 'account.journal', 'res.partner', 'account.payment', 'res.partner.category')
        ]
        self.wizard().action_check()
        self.assertEqual(
            before,
            [
                self.env[model].search_count([])
                for model in (
                    'account.move',
                    'account.journal',
                    'res.partner',
                    'account.payment',
                    'res.partner.category',
                )
            ],
        )

    def test_ambiguous_dates_are_asked_for(self):
        wizard = self.wizard(self.rows("C1,One,1,1/2/2013,3/4/2013,5,,,,"))
        wizard.action_check()
        self.assertEqual(wizard.state, 'setup')
        self.assertEqual(
            wizard.question,
            'day/month/year / month/day/year are both possible; for example row 2, Invoice Date '
            'has "1/2/2013". Please choose.',
        )
        with self.assertRaisesRegex(UserError, "both possible"):
            wizard.action_import()
        wizard.date_order = 'mdy'
        wizard.action_check()
        self.assertEqual((wizard.state, str(wizard.sample_ids.invoice_date)), ('checked', '2013-01-02'))
        wizard.date_order = 'dmy'
        self.assertEqual(wizard.state, 'setup')
        wizard.action_check()
        self.assertEqual(str(wizard.sample_ids.invoice_date), '2013-02-01')

    def test_mixed_dates_are_asked_for_and_then_named(self):
        text = self.rows("C1,One,1,13/2/2013,14/4/2013,5,,,,", "C1,One,2,2/14/2013,14/4/2013,5,,,,")
        wizard = self.wizard(text)
        wizard.action_check()
        self.assertIn("mixes formats", wizard.question)
        self.assertIn('"2/14/2013", which is not day/month/year', wizard.question)
        wizard.date_order = 'dmy'
        wizard.action_check()
        self.assertEqual(self.messages(wizard), [(3, 'Invoice Date', '2/14/2013')])

    def test_ambiguous_amounts_are_asked_for(self):
        wizard = self.wizard("Customer No;Invoice No;Invoice Date;Due Date;Amount\nC1;1;2013-01-02;2013-02-01;1.234\n")
        wizard.action_check()
        self.assertIn('1,234.56 / 1.234,56 are both possible', wizard.question)
        wizard.decimal_mark = ','
        wizard.action_check()
        self.assertEqual(wizard.total_ids.amount, 1234)

    def test_german_file(self):
        text = (
            "Kundennr;Kunde;Rechnungsnr;Rechnungsdatum;Fällig am;Betrag\n"
            "10001;Müller & Söhne;RE-17;31.12.2012;30.01.2013;1.234,56\n"
        )
        wizard = self.imported(text.encode('latin-1'))
        self.assertIn("cp1252", wizard.file_info)
        move = self.moves(wizard)
        self.assertEqual(
            (move.name, move.partner_id.name, move.partner_id.ref, move.amount_total, str(move.invoice_date)),
            ('RE-17', "Müller & Söhne", '10001', 1234.56, '2012-12-31'),
        )

    def test_xlsx_file(self):
        book = openpyxl.Workbook()
        book.active.append(HEAD.split(','))
        book.active.append(['C1', "One", 611365, '2013-01-02', '2013-02-01', 99.9, None, None, None, 'yes'])
        out = io.BytesIO()
        book.save(out)
        wizard = self.imported(out.getvalue())
        self.assertEqual((self.moves(wizard).name, self.moves(wizard).amount_residual), ('611365', 99.9))

    def test_files_that_cannot_be_read_say_why(self):
        for data, message in (
            (b' ', "file is empty"),
            (self.rows(), "no rows"),
            (b'\xd0\xcf\x11\xe0 old', "old Excel"),
            (b'PK\x03\x04', "damaged"),
            (b'a,b\n"1,2\n', "quotation mark"),
        ):
            with self.assertRaisesRegex(UserError, message):
                self.wizard(data).action_read()
        with self.assertRaisesRegex(UserError, "not utf-8 text"):
            self.wizard("a,b\n\xe9,2\n".encode('latin-1'), encoding='utf-8').action_read()

    def test_missing_columns_are_named(self):
        with self.assertRaisesRegex(UserError, "Customer reference or name, Invoice number, Due date"):
            self.wizard("Invoice Date,Amount\n2013-01-02,5\n").action_check()

    def test_a_large_file_is_refused_at_once_with_its_size(self):
        line = b"C1,One,1,2013-01-02,2013-02-01,5,,,,\n"
        wizard = self.wizard(HEAD.encode() + b"\n" + line * (50 * 1048576 // len(line)))
        with self.assertRaisesRegex(UserError, r"The file has 50\.0 MB; at most 32\.0 MB"):
            wizard.action_check()
        self.env['ir.config_parameter'].set_param('ar_coordinator.import_max_rows', '3')
        with self.assertRaisesRegex(UserError, "more than 3 rows"):
            self.wizard(HEAD + "\n" + line.decode() * 4).action_check()

    def test_preset_is_saved_and_recognised(self):
        text = "Debtor;Doc;Day;Maturity;Sum\nC1;1;1/2/2013;2/3/2013;5\n"
        wizard = self.wizard(text)
        wizard.action_read()
        for column, target in zip(
            wizard.column_ids, ('partner_ref', 'number', 'invoice_date', 'due_date', 'amount'), strict=True
        ):
            column.target = target
        wizard.write({'date_order': 'dmy', 'preset_name': "Old ERP"})
        wizard.action_save_preset()
        preset = wizard.preset_id
        self.assertEqual((preset.name, preset.company_id, preset.date_order), ("Old ERP", self.company, 'dmy'))
        again = self.wizard(text)
        again.action_check()
        self.assertEqual((again.preset_id, again.state), (preset, 'checked'))
        again.preset_name = "Old ERP"
        again.action_save_preset()
        self.assertEqual(self.env['ar.import.preset'].search_count([('name', '=', "Old ERP")]), 1)

    # --- booking

    def test_invoices_payments_and_disputes(self):
        wizard = self.imported(email_domain='example.com')
        self.assertEqual((wizard.state, wizard.imported_count, wizard.done_count), ('done', 6, 6))
        moves = self.moves(wizard)
        self.assertEqual(moves.mapped('name'), ['70000%s' % number for number in range(1, 7)])
        self.assertEqual(set(moves.mapped('state')), {'posted'})
        self.assertEqual(set(moves.mapped('payment_state')), {'paid'})
        self.assertEqual(moves.mapped('made_sequence_gap'), [False] * 6)
        second = moves[1]
        self.assertEqual(
            (
                str(second.date),
                str(second.invoice_date),
                str(second.invoice_date_due),
                second.amount_total,
                second.payment_reference,
                second.invoice_payment_term_id.id,
            ),
            ('2013-03-10', '2013-03-10', '2013-04-09', 60.5, '700002', False),
        )
        line = second.line_ids.filtered(lambda line: line.account_id.account_type == 'asset_receivable')
        self.assertEqual(str(line.date_maturity), '2013-04-09')
        partial = line.matched_credit_ids
        self.assertEqual((str(partial.max_date), partial.amount), ('2013-04-30', 60.5))
        payment = second.reconciled_payment_ids
        self.assertEqual(
            (str(payment.date), payment.amount, payment.state, payment.memo), ('2013-04-30', 60.5, 'paid', '700002')
        )
        self.assertEqual(payment.journal_id, wizard.settlement_journal_id)
        dispute = second.ar_dispute_ids
        self.assertEqual(
            (dispute.state, str(dispute.date_open), str(dispute.date_closed), dispute.amount),
            ('closed', '2013-03-10', '2013-04-30', 60.5),
        )
        self.assertEqual(dispute.reason_id, self.env.ref('ar_coordinator.dispute_reason_imported'))
        self.assertFalse(moves[0].ar_dispute_ids)
        self.assertFalse(moves.filtered('invoice_pdf_report_id'))

    def test_customers_are_as_their_latest_invoice_says(self):
        wizard = self.imported(email_domain='example.com')
        first, second, third = self.moves(wizard).partner_id.sorted('ref').with_company(self.company)
        self.assertEqual(
            (first.name, first.email, first.invoice_sending_method, first.category_id.name),
            ('0001-AAAAA', '0001-aaaaa@example.com', 'email', '391'),
        )
        self.assertEqual((second.email, second.category_id.name), ('0002-bbbbb@example.com', '818'))
        self.assertEqual((third.email, third.invoice_sending_method), (False, 'manual'))
        self.assertTrue(first.is_company)

    def test_as_it_stood_the_customer_is_still_on_paper(self):
        wizard = self.imported(email_domain='example.com', as_of='2013-03-31')
        first = self.moves(wizard).partner_id.sorted('ref')[0].with_company(self.company)
        self.assertEqual((first.email, first.invoice_sending_method), (False, 'manual'))

    def test_no_address_is_invented_without_a_domain(self):
        self.assertEqual(set(self.moves(self.imported()).partner_id.mapped('email')), {False})

    def test_existing_customers_are_used_and_left_alone(self):
        partner = self.env['res.partner'].create(
            {'name': "Known", 'ref': '0001-AAAAA', 'email': 'known@known.example.com'}
        )
        wizard = self.imported(email_domain='example.com')
        self.assertEqual(wizard.new_customer_count, 2)
        self.assertIn(partner, self.moves(wizard).partner_id)
        self.assertEqual(
            (partner.name, partner.email, partner.category_id.ids), ("Known", 'known@known.example.com', [])
        )

    def test_customers_by_name(self):
        text = (
            "Name,Invoice No,Invoice Date,Due Date,Amount\n"
            "%s,1,2013-01-02,2013-02-01,5\nNew Ltd,2,2013-01-02,2013-02-01,6\n")
        wizard = self.imported(text % self.customer.name)
        self.assertEqual(self.moves(wizard).partner_id.mapped('name'), [self.customer.name, "New Ltd"])
        self.assertEqual(self.moves(wizard)[0].partner_id, self.customer)

    def test_as_of_reports_of_the_whole_file(self):
        self.imported()
        totals = self.totals('2013-03-31')
        self.assertEqual((totals['amounts'], totals['total'], totals['disputed']), ([90.5, 0, 0, 0, 0, 0], 90.5, 80.5))
        totals = self.totals('2013-03-31', basis='invoice')
        self.assertEqual(totals['amounts'], [20.0, 70.5, 0, 0, 0, 0])
        totals = self.totals('2013-05-10')
        self.assertEqual((totals['amounts'], totals['disputed']), ([100.25, 20.0, 0, 0, 0, 0], 20.0))
        self.assertEqual(self.totals('2014-01-01')['total'], 0)

    def test_as_it_stood_equals_the_as_of_report(self):
        wizard = self.imported(as_of='2013-03-31')
        self.assertEqual(self.counts(wizard), (4, 0, 0, 2, 0))
        self.assertEqual(self.moves(wizard).mapped('amount_residual'), [0, 60.5, 10, 20])
        for as_of in ('2013-03-31', '2026-01-01'):
            totals = self.totals(as_of, age_at='2013-03-31')
            self.assertEqual((totals['amounts'], totals['disputed']), ([90.5, 0, 0, 0, 0, 0], 80.5))
        disputes = self.moves(wizard).ar_dispute_ids
        self.assertEqual((disputes.mapped('state'), disputes.mapped('date_closed')), (['new', 'new'], [False, False]))

    def test_a_later_run_goes_on_where_the_ledger_stood(self):
        """As it stood in March, then the whole file: settlements are added, open imported disputes end."""
        self.imported(as_of='2013-03-31')
        wizard = self.imported()
        self.assertEqual((wizard.imported_count, wizard.settled_count, wizard.skipped_count), (2, 3, 1))
        self.assertEqual(set(self.moves(wizard).mapped('payment_state')), {'paid'})
        self.assertEqual(
            self.moves(wizard)
            .ar_dispute_ids.sorted('date_closed')
            .mapped(lambda dispute: (dispute.state, str(dispute.date_closed))),
            [('closed', '2013-04-30'), ('closed', '2013-06-15')],
        )
        totals = self.totals('2013-03-31')
        self.assertEqual((totals['total'], totals['disputed']), (90.5, 80.5))

    def test_part_settlement(self):
        wizard = self.imported(self.rows("C1,One,1,2013-01-02,2013-02-01,100,,2013-01-20,40,yes"))
        move = self.moves(wizard)
        self.assertEqual((move.amount_residual, move.payment_state, move.ar_dispute_ids.state), (60, 'partial', 'new'))
        self.assertEqual(self.totals('2013-01-19')['total'], 100)
        self.assertEqual((self.totals('2013-01-20')['total'], self.totals('2013-01-20')['disputed']), (60, 60))

    def test_credit_note(self):
        wizard = self.imported(
            self.rows("C1,One,1,2013-01-02,2013-02-01,-100,,2013-01-20,,", "C1,One,2,2013-01-02,2013-02-01,-30,,,,")
        )
        moves = self.moves(wizard)
        self.assertEqual(moves.mapped('move_type'), ['out_refund', 'out_refund'])
        self.assertEqual(moves.mapped('amount_residual'), [0, 30])
        self.assertEqual(self.totals('2013-01-10')['total'], -130)
        self.assertEqual(self.totals('2013-01-20')['total'], -30)

    def test_foreign_currency(self):
        wizard = self.imported(
            self.rows("C1,One,1,2026-01-10,2026-02-01,100,EUR,2026-02-10,,", "C1,One,2,2026-03-10,2026-04-01,50,EUR,,,")
        )
        moves = self.moves(wizard)
        self.assertEqual(moves.currency_id, self.eur)
        self.assertEqual(moves.mapped('amount_total_signed'), [200, 80])
        self.assertEqual(moves.mapped('payment_state'), ['paid', 'not_paid'])
        self.assertEqual(self.totals('2026-03-31')['total'], 80)

    def test_currency_without_a_rate_on_the_day(self):
        self.env['res.currency.rate'].search([('currency_id', '=', self.eur.id), ('name', '<', '2026-01-01')]).unlink()
        wizard = self.wizard(self.rows("C1,One,1,2026-01-10,2026-02-01,100,EUR,,,"))
        wizard.action_check()
        self.assertIn("no exchange rate of EUR on or before 2026-01-10", wizard.problem_ids.message)

    def test_included_tax_keeps_the_total(self):
        tax = self.env['account.tax'].create(
            {
                'name': "19 % included",
                'amount': 19,
                'type_tax_use': 'sale',
                'price_include_override': 'tax_included',
                'company_id': self.company.id,
            }
        )
        move = self.moves(self.imported(self.rows("C1,One,1,2013-01-02,2013-02-01,100,,,,"), tax_id=tax.id))
        self.assertEqual((move.amount_total, move.amount_untaxed, move.amount_tax), (100, 84.03, 15.97))

    def test_accounts_and_journals_can_be_chosen(self):
        receivable = self.receivable.copy({'name': "Old receivables", 'code': '121999'})
        clearing = self.env['account.account'].create(
            {
                'name': "Opening clearing",
                'code': '999777',
                'account_type': 'equity',
                'company_ids': [Command.link(self.company.id)],
            }
        )
        wizard = self.imported(
            receivable_account_id=receivable.id, income_account_id=clearing.id, settlement_journal_id=self.bank.id
        )
        moves = self.moves(wizard)
        self.assertEqual(moves.line_ids.account_id, receivable | clearing)
        self.assertEqual(set(moves.mapped('payment_state')), {'paid'})
        self.assertEqual(moves.reconciled_payment_ids.journal_id, self.bank)

    def test_a_journal_with_its_own_numbers_is_refused(self):
        self.ar_invoice(100, '2026-01-01')
        wizard = self.wizard(journal_id=self.company_data['default_journal_sale'].id)
        wizard.action_check()
        with self.assertRaisesRegex(UserError, "numbers its own invoices"):
            wizard.action_import()

    def test_history_journals_are_remembered(self):
        first = self.imported()
        second = self.wizard(self.rows("C9,Nine,9,2013-01-02,2013-02-01,5,,,,"))
        self.assertEqual(
            (second.journal_id, second.settlement_journal_id), (first.journal_id, first.settlement_journal_id)
        )

    def test_choosing_a_format_maps_the_columns(self):
        preset = self.env['ar.import.preset'].create({'name': "Other", 'date_order': 'dmy', 'column_ids': [
            Command.create({'header': 'Invoice Date', 'target': 'due_date'})]})
        wizard = self.wizard(self.rows("C1,One,1,2013-01-02,2013-02-01,5,,,,"))
        wizard.action_read()
        with Form(wizard) as form:
            form.preset_id = preset
        self.assertEqual(wizard.column_ids.filtered('target').mapped(lambda column: (column.header, column.target)), [
            ('Invoice Date', 'due_date')])
        self.assertEqual(wizard.date_order, 'dmy')

    def test_loading_does_not_leave_its_database_settings(self):
        self.imported()
        self.env.cr.execute("SHOW enable_seqscan")
        self.assertEqual(self.env.cr.fetchone(), ('on',))

    def test_numbers_that_look_like_years_are_kept(self):
        """Odoo reads years and months out of numbers and refuses those that don't match the date."""
        numbers = ['2012/0001', 'INV/2019/05/0007', '13-14/12', '20130000012345678', 'A', '2011-2012/3']
        wizard = self.imported(
            self.rows(*(f"C1,One,{number},2013-01-02,2013-02-01,5,,2013-01-03,," for number in numbers))
        )
        self.assertEqual(sorted(self.moves(wizard).mapped('name')), sorted(numbers))

    def test_a_credit_note_by_hand_in_the_history_journal(self):
        """An accepted dispute on an imported invoice ends with a credit note there."""
        move = self.moves(self.imported(as_of='2013-03-31'))[1]
        refund = move._reverse_moves([{'invoice_date': '2026-01-05', 'date': '2026-01-05'}])
        refund.action_post()
        self.assertTrue(refund.name)
        self.assertNotIn(refund.name, ('/', '700002'))

    # --- wrong rows

    def test_nothing_is_written_unless_everything_is_right(self):
        wizard = self.wizard(IBM.replace('4/20/2013', '4/31/2013'))
        wizard.action_check()
        self.assertEqual(self.counts(wizard), (5, 0, 0, 0, 1))
        self.assertEqual(self.messages(wizard), [(4, 'InvoiceDate', '4/31/2013')])
        with self.assertRaisesRegex(UserError, "because rows are wrong: 1"):
            wizard.action_import()
        self.assertFalse(self.env['res.partner'].search([('ref', '=', '0001-AAAAA')]))
        self.assertFalse(self.company.ar_import_journal_id)

    def test_good_rows_are_imported_and_bad_ones_come_back(self):
        wizard = self.imported(
            self.rows(
                "C1,=cmd|' /C calc'!A0,1,2013-01-02,2013-02-31,5,,,,",
                "C1,One,2,2013-01-02,2013-02-01,6,,,,",
                "C1,One,3,2013-01-02,2013-02-01,-7x,,,,",
            ),
            import_good_rows=True,
        )
        self.assertEqual(self.moves(wizard).mapped('name'), ['2'])
        data = base64.b64decode(wizard.bad_file)
        self.assertTrue(data.startswith(b'\xef\xbb\xbf'))
        head, first, second = csv.reader(io.StringIO(data.decode('utf-8-sig')))
        self.assertEqual(head, [*HEAD.split(','), "Row in the file", "Reason"])
        self.assertEqual(
            first[:3] + first[-2:], ['C1', "'=cmd|' /C calc'!A0", '1', '2', "Due Date: is not a day of the calendar"]
        )
        self.assertEqual(second[5:6] + second[-2:], ["'-7x", '4', "Amount: is not an amount with decimal mark \".\""])
        self.assertEqual(wizard.bad_file_name, 'history-wrong-rows.csv')

    def test_corrected_bad_rows_can_be_imported(self):
        wizard = self.imported(IBM.replace('4/20/2013', '4/31/2013'), import_good_rows=True)
        again = self.imported(base64.b64decode(wizard.bad_file).decode('utf-8-sig').replace('4/31/2013', '4/20/2013'))
        self.assertEqual((wizard.imported_count, again.imported_count), (5, 1))
        self.assertEqual(len(self.moves(again)), 6)

    def test_a_file_that_is_wrong_all_over_is_refused(self):
        wizard = self.wizard(self.rows(*("C1,One,1,2013-01-02,2013-02-31,5,,,," for _number in range(4))))
        with patch('odoo.addons.ar_coordinator.wizards.ar_import_wizard.MAX_BAD_ROWS', 3):
            with self.assertRaisesRegex(
                    UserError, 'More than 3 rows are wrong.* row 2, Due Date "2013-02-31" is not a day of the'):
                wizard.action_check()

    def test_duplicate_numbers_are_all_wrong(self):
        wizard = self.wizard(
            self.rows(
                "C1,One,1,2013-01-02,2013-02-01,5,,,,",
                "C2,Two,1,2013-01-02,2013-02-01,5,,,,",
                "C1,One,1,2013-01-02,2013-02-01,6,,,,",
            )
        )
        wizard.action_check()
        self.assertEqual(
            [problem.message for problem in wizard.problem_ids],
            ["the customer's same number is in row 4", "the customer's same number is in row 2"],
        )

    def test_two_customers_with_the_same_number(self):
        wizard = self.imported(
            self.rows("C1,One,1,2013-01-02,2013-02-01,5,,,,", "C2,Two,1,2013-01-02,2013-02-01,6,,,,")
        )
        self.assertEqual(
            self.moves(wizard).mapped(lambda move: (move.name, move.payment_reference)), [('1', '1'), ('1 (C2)', '1')]
        )
        again = self.wizard(self.rows("C1,One,1,2013-01-02,2013-02-01,5,,,,", "C2,Two,1,2013-01-02,2013-02-01,6,,,,"))
        again.action_check()
        self.assertEqual(self.counts(again), (0, 0, 2, 0, 0))

    def test_unknown_and_inactive_currencies(self):
        wizard = self.wizard(
            self.rows("C1,One,1,2013-01-02,2013-02-01,5,ZZZ,,,", "C1,One,2,2013-01-02,2013-02-01,5,XAF,,,")
        )
        wizard.action_check()
        self.assertEqual(self.messages(wizard), [(2, 'Currency', 'ZZZ'), (3, 'Currency', 'XAF')])

    def test_locked_periods_are_named_not_moved(self):
        """Odoo would post into the next open period: the invoice would be right and the ledger wrong."""
        self.company.fiscalyear_lock_date = '2013-03-31'
        wizard = self.wizard()
        wizard.action_check()
        self.assertEqual([problem.row for problem in wizard.problem_ids], [2, 2, 3, 5, 6])
        self.assertIn("locked up to 2013-03-31", wizard.problem_ids[0].message)

    def test_several_customers_with_the_reference(self):
        self.env['res.partner'].create([{'name': "A", 'ref': '0001-AAAAA'}, {'name': "B", 'ref': '0001-AAAAA'}])
        wizard = self.wizard()
        wizard.action_check()
        self.assertEqual(
            [problem.message for problem in wizard.problem_ids], ["several customers have this reference: A, B"] * 3
        )

    def test_an_invoice_that_is_booked_differently(self):
        self.imported(as_of='2013-03-31')
        wizard = self.wizard(IBM.replace('60.50', '61.50'))
        wizard.action_check()
        self.assertEqual(
            [(problem.row, problem.message) for problem in wizard.problem_ids],
            [(3, "invoice 700002 of this customer is already booked, with $\u00a060.50")],
        )

    def test_what_odoo_refuses_comes_back_alone(self):
        """Good rows mode: one row that cannot be booked leaves the others of its batch in."""
        loader = type(self.env['ar.import.loader'])
        check = loader._check_move

        def refuse(self, entry, move):
            if entry.number == '700004':
                raise UserError(self.env._("The auditor says no."))
            return check(self, entry, move)

        wizard = self.wizard(import_good_rows=True)
        wizard.action_check()
        with patch.object(loader, '_check_move', refuse):
            wizard.action_import()
        self.assertEqual(len(self.moves(wizard)), 5)
        self.assertEqual(
            (wizard.imported_count, wizard.bad_count, wizard.problem_ids.message), (5, 1, "The auditor says no.")
        )
        self.assertIn("700004", base64.b64decode(wizard.bad_file).decode())

    # --- again, and in the middle

    def test_a_second_run_changes_nothing(self):
        self.imported()
        before = [
            self.env[model].search_count([])
            for model in ('account.move', 'account.payment', 'ar.dispute', 'res.partner')
        ]
        again = self.imported()
        self.assertEqual(self.counts(again), (0, 0, 6, 0, 0))
        self.assertEqual((again.imported_count, again.settled_count, again.skipped_count), (0, 0, 6))
        self.assertEqual(
            before,
            [
                self.env[model].search_count([])
                for model in ('account.move', 'account.payment', 'ar.dispute', 'res.partner')
            ],
        )

    def test_stopped_between_batches_and_started_again(self):
        """What is booked is complete; the same wizard goes on, and so does a new one with the same file."""

        class Stop(Exception):
            pass

        def stop_after(number):
            def progress(done, total):
                self.assertEqual(total, 6)
                if done >= number:
                    raise Stop

            return progress

        def import_until(number):  # not assertRaises, which would take back what was booked before
            try:
                wizard._import_all(progress=stop_after(number), batch_size=2)
            except Stop:
                return True

        wizard = self.wizard()
        wizard.action_check()
        self.assertTrue(import_until(2))
        self.assertEqual((wizard.state, wizard.done_count, len(self.moves(wizard))), ('importing', 2, 2))
        self.assertEqual(set(self.moves(wizard).mapped('payment_state')), {'paid'})
        self.assertTrue(import_until(4))
        self.assertEqual(len(self.moves(wizard)), 4)
        other = self.wizard()
        other.action_check()
        self.assertEqual(self.counts(other), (2, 0, 4, 0, 0))
        other._import_all(batch_size=4)
        wizard._import_all()
        self.assertEqual((wizard.state, len(self.moves(wizard)), self.totals('2013-03-31')['total']), ('done', 6, 90.5))
        self.assertEqual(
            self.env['account.payment'].search_count([('journal_id', '=', wizard.settlement_journal_id.id)]), 6
        )

    def test_killed_within_a_batch_leaves_no_half_invoice(self):
        wizard = self.wizard()
        wizard.action_check()
        wizard._start_import()
        loader = type(self.env['ar.import.loader'])
        with patch.object(loader, '_create_disputes', side_effect=UserError("power cut")):
            with self.assertRaisesRegex(UserError, r"Rows 2 to 7 were not booked: power cut"):
                wizard.import_next()
        self.assertFalse(self.moves(wizard))
        self.assertEqual(wizard.import_next(), {'state': 'done', 'done': 6, 'total': 6, 'imported': 6, 'settled': 0})
        self.assertEqual(len(self.moves(wizard)), 6)

    def test_an_import_that_has_begun_cannot_be_changed(self):
        wizard = self.imported()
        with self.assertRaisesRegex(UserError, "import has begun"):
            wizard.as_of = '2013-01-01'
        with self.assertRaisesRegex(UserError, "at the step"):
            wizard.action_check()

    # --- who, where

    def test_roles(self):
        reader = new_test_user(
            self.env, 'import_reader', groups='ar_coordinator.group_ar_readonly', company_id=self.company.id
        )
        with self.assertRaises(AccessError):
            self.env['ar.import.wizard'].with_user(reader).create({'file': base64.b64encode(IBM.encode())})
        user = new_test_user(self.env, 'import_user', groups='ar_coordinator.group_ar_user', company_id=self.company.id)
        with self.assertRaises(AccessError):  # what a colleague has in his dialog is his
            self.wizard().with_user(user).action_check()
        wizard = self.env['ar.import.wizard'].with_user(user).create({
            'file': base64.b64encode(self.rows("C9,Nine,9,2013-01-02,2013-02-01,5,,2013-01-05,,yes").encode()),
            'company_id': self.company.id})
        wizard.action_check()
        with self.assertRaisesRegex(UserError, "only an accounting manager"):
            wizard.action_import()

    def test_a_user_imports_where_a_manager_prepared_it(self):
        manager = self.imported()
        groups = 'ar_coordinator.group_ar_user,base.group_partner_manager'
        user = new_test_user(self.env, 'import_user', groups=groups, company_id=self.company.id)
        wizard = (
            self.env['ar.import.wizard']
            .with_user(user)
            .create(
                {
                    'file': base64.b64encode(self.rows("C9,Nine,9,2013-01-02,2013-02-01,5,,2013-01-05,,yes").encode()),
                    'company_id': self.company.id,
                }
            )
        )
        wizard.action_check()
        wizard.action_import()
        self.assertEqual((wizard.journal_id, wizard.imported_count), (manager.journal_id, 1))

    def test_another_company_has_its_own_history(self):
        self.imported()
        other = self.setup_other_company()['company']
        wizard = self.wizard(company_id=other.id)
        wizard.action_check()
        self.assertEqual(self.counts(wizard), (6, 0, 0, 0, 0))
        self.assertEqual(wizard.new_customer_count, 0)
        wizard.action_import()
        self.assertEqual((wizard.journal_id.company_id, self.moves(wizard).company_id), (other, other))
        self.assertEqual(self.totals('2013-03-31')['total'], 90.5)
