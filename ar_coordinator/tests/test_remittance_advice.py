"""Remittance advices: from tables, bank files and e-mails; matched to open items, or with the reason why not."""
import base64
import io

import openpyxl

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .test_cash_file import CashFileCase
from .test_cash_parsers import sample

MAIL = """From: {sender}
To: remit-ar@cash.example.com
Subject: Remittance advice
Message-ID: <{number}@mail.example.com>
{extra}MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

Please see the attachment.
{parts}--b--
"""
PART = """--b
Content-Type: application/octet-stream; name="{name}"
Content-Disposition: attachment; filename="{name}"
Content-Transfer-Encoding: base64

{content}
"""


@tagged('post_install', '-at_install')
class TestRemittanceAdvice(CashFileCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.alias_domain_id = cls.env['mail.alias.domain'].create({
            'name': "cash.example.com", 'bounce_alias': 'bounce-cash', 'catchall_alias': 'catchall-cash'})
        cls.inbox = cls.env['ar.cash.inbox'].create({
            'name': "Remittances", 'company_id': cls.company.id, 'alias_name': 'remit-ar', 'user_id': cls.clerk.id})
        cls.buyer = cls.env['res.partner'].create({
            'name': "Bo Buyer", 'parent_id': cls.customer.id, 'email': "bo@harbourfish.example.com"})
        cls.good = sample('advice.csv').decode().replace(';;;;abc;;\n', '')
        cls.number = 0

    def receive(self, *attachments, sender="bo@harbourfish.example.com", extra=""):
        """An e-mail with files; return the files it made."""
        type(self).number += 1
        known = self.env['ar.cash.file'].search([])
        parts = "".join(PART.format(name=name, content=base64.b64encode(
            data.encode() if isinstance(data, str) else data).decode()) for name, data in attachments)
        self.env['mail.thread'].sudo().message_process(
            None, MAIL.format(sender=sender, number=self.number, extra=extra, parts=parts))
        return self.env['ar.cash.file'].search([]) - known

    def test_an_uploaded_table(self):
        file = self.upload(self.good, 'advice.csv')
        advice = file.advice_ids
        self.assertEqual((file.state, file.kind, advice.state), ('done', 'table', 'open'))
        self.assertEqual(
            (advice.name, advice.partner_id, advice.amount, advice.line_total, advice.deduction_total),
            ("HF-77", self.customer, 1_480, 1_480, 20))
        self.assertEqual(advice.line_ids.move_line_id.move_id, self.one + self.two)
        self.assertEqual(advice.line_ids.mapped('deduction_reason'), [False, "two boxes broken"])
        self.assertEqual(file.preset_id.partner_id, self.customer, "the columns are remembered for the customer")
        next_file = self.upload(self.good.replace('HF-77', 'HF-78'))
        self.assertEqual(next_file.preset_id, file.preset_id)

    def test_a_spreadsheet(self):
        workbook = openpyxl.Workbook()
        for row in (("Payment list", None), ("Document", "Net"), (self.one.name, 990.5), (self.two.name, -10)):
            workbook.active.append(row)
        workbook.active.delete_rows(1)
        stream = io.BytesIO()
        workbook.save(stream)
        advice = self.upload(stream.getvalue(), 'list.xlsx').advice_ids
        self.assertEqual(
            (advice.name, advice.amount, advice.line_ids.mapped('amount')), ("list.xlsx", 980.5, [990.5, -10]))

    def test_columns_are_asked_once(self):
        """Unknown headers, amounts that can be read in two ways: asked, remembered, read."""
        data = "Ref A;Sum\nINV/2026/00001;1,000\nINV/2026/00002;500\n"
        file = self.upload(data)
        self.assertEqual((file.state, file.advice_count), ('check', 0))
        self.assertIn("which columns", file.message)
        self.assertEqual(file.column_ids.mapped('sample'), ["INV/2026/00001 · INV/2026/00002", "1,000 · 500"])
        file.write({'column_ids': [
            Command.update(column.id, {'target': target})
            for column, target in zip(file.column_ids, ('number', 'amount'), strict=True)]})
        file.action_read_again()
        self.assertIn("two ways", file.message)
        file.decimal_mark = '.'
        file.action_read_again()
        self.assertEqual((file.state, file.advice_ids.amount, file.advice_ids.state), ('done', 1_500, 'open'))
        self.assertEqual(self.upload(data.replace('500\n', '400\n')).advice_ids.amount, 1_400)

    def test_what_needs_a_look(self):
        self.ar_pay(self.three, '2026-03-01')
        table = (
            "Invoice No.;Amount paid\nINV/2026/00001;1000,00\nINV/2026/00003;320,00\nINV/2026/77777;10,00\n"
            "INV/2026/00002;600,50\nINV/2026/00009;x\n")
        advice = self.upload(table).advice_ids
        self.assertEqual(advice.state, 'check')
        self.assertEqual(advice.line_ids.mapped('reason'), [
            False, "Nothing is open on it any more.", "No document of this company has this number.",
            "Only $ 500.00 are open on it.".replace("$ 500.00", self.company.currency_id.format(500)),
            "Row 6, Amount paid: is not an amount with decimal mark \",\"."])
        self.assertEqual(advice.partner_id, self.customer)
        wrong = advice.line_ids.filtered('is_refused')
        wrong.with_user(self.clerk).write({'number': "INV/2026/00002", 'amount': 0})
        advice.with_user(self.clerk).action_confirm()
        self.assertEqual(advice.state, 'open')
        with self.assertRaises(AccessError):
            advice.with_user(self.clerk).state = 'used'
        payable = self.env['account.move.line'].search([
            ('company_id', '=', self.company.id), ('account_type', '!=', 'asset_receivable')], limit=1)
        with self.assertRaisesRegex(ValidationError, "is no receivable"):
            advice.line_ids[0].with_user(self.clerk).move_line_id = payable
        with self.assertRaisesRegex(UserError, "is kept"):
            advice.with_user(self.clerk).unlink()
        advice.with_user(self.clerk).amount = 5
        self.assertEqual(advice.state, 'check', "what was changed is confirmed again")

    def test_instalments_are_paid_in_their_order(self):
        term = self.env['account.payment.term'].create({'name': "Two", 'line_ids': [
            (0, 0, {'value': 'percent', 'value_amount': 40, 'nb_days': 10}),
            (0, 0, {'value': 'percent', 'value_amount': 60, 'nb_days': 40})]})
        invoice = self.ar_invoice(1_000, '2026-02-01', invoice_payment_term_id=term.id)
        advice = self.upload(f"Invoice No.;Amount paid\n{invoice.name};700.00\n").advice_ids
        items = self.ar_lines(invoice).sorted('date_maturity')
        self.assertEqual(
            [(line.move_line_id, line.amount) for line in advice.line_ids.sorted('id')],
            [(items[0], 400), (items[1], 300)])
        self.assertEqual(advice.state, 'open')

    def test_another_currency(self):
        euro = self.ar_invoice(640, '2026-02-10', currency_id=self.eur.id)
        advice = self.upload(
            f"Invoice No.;Amount paid;Currency\n{euro.name};640.00;EUR\n").advice_ids
        self.assertEqual((advice.currency_id, advice.amount, advice.state), (self.eur, 640, 'open'))
        other = self.upload(f"Invoice No.;Amount paid\n{euro.name};640.00\n").advice_ids
        self.assertEqual((other.line_ids.reason, other.state), ("It is in EUR.", 'check'))

    def test_bank_files_bring_advices(self):
        self.bank.ar_lockbox_number = '1234567'
        file = self.upload(sample('deposit.lockbox'))
        self.assertEqual((file.state, file.loaded_count, file.advice_count), ('done', 2, 2))
        first, second = file.advice_ids.sorted('amount', reverse=True)
        self.assertEqual((first.partner_id, first.state), (self.customer, 'open'))
        self.assertEqual(first.statement_line_id.amount, 1_500)
        self.assertEqual(
            (second.partner_id, second.line_ids.amount, second.line_ids.deduction, second.line_ids.deduction_reason),
            (self.other_customer, 280, 20, "DMG"), "280 is paid, 20 of 320 deducted")

    def test_the_advice_explains_the_money(self):
        """Deductions stay open with their reason; undone, the advice waits again."""
        advice = self.upload(self.good, 'advice.csv').advice_ids
        line = self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': '2026-03-31', 'payment_ref': "HF-77", 'amount': 1_480})
        proposal = self.env['ar.cash']._propose(self.company).filtered(lambda each: each.statement_line_id == line)
        self.assertEqual((proposal.what, proposal.partner_id), ('advised', self.customer))
        self.assertEqual(
            [(each.move_line_id.move_id, each.amount, each.deduction, each.deduction_reason)
             for each in proposal.line_ids],
            [(self.one, 1_000, 0, False), (self.two, 480, 20, "two boxes broken")])
        proposal.with_user(self.clerk).action_apply()
        self.assertEqual((self.one + self.two).mapped('amount_residual'), [0, 20])
        self.assertEqual((advice.state, advice.proposal_id), ('used', proposal))
        settled = [('state', '=', 'open'), ('line_ids', 'not any', [('move_line_id.reconciled', '=', False)])]
        other = self.upload("Invoice No.;Amount paid\nINV/2026/00003;320.00\n").advice_ids
        self.assertFalse(other.search(settled))
        self.ar_pay(self.three, '2026-03-31')
        self.assertEqual(other.search(settled), other, "the filter of advices whose documents were paid otherwise")
        proposal.with_user(self.clerk).action_undo()
        self.assertEqual(((self.one + self.two).mapped('amount_residual'), advice.state), ([1_000, 500], 'open'))

    # === E-MAIL === #

    def test_the_advice_of_a_known_customer_counts(self):
        file = self.receive(('advice.csv', self.good))
        self.assertEqual(
            (file.origin, file.inbox_id, file.partner_id, file.state), ('email', self.inbox, self.customer, 'done'))
        self.assertEqual((file.advice_ids.state, file.advice_ids.amount), ('open', 1_480))
        self.assertIn(self.clerk.partner_id, file.message_follower_ids.partner_id)
        self.assertIn("Please see the attachment", "".join(file.message_ids.mapped('body')))
        self.assertFalse(self.receive(('advice.csv', self.good)), "the same again is noted on the first")
        self.assertIn("came again", "".join(file.message_ids.mapped('body')))

    def propose(self):
        """The customer's transfer of 1,480, which only an advice explains; return its proposal."""
        self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': '2026-03-31', 'payment_ref': "HF-77", 'amount': 1_480})
        return self.env['ar.cash']._propose(self.company).filtered(lambda each: each.amount == 1_480)

    def test_a_forged_advice_only_proposes(self):
        """A mail with the customer's From address explains the payment, and a person decides."""
        self.company.write({'ar_cash_automatic': True, 'ar_cash_threshold': 50.1})
        advice = self.receive(('advice.csv', self.good)).advice_ids
        self.assertEqual((advice.state, advice.is_proven), ('open', False))
        proposal = self.propose()
        self.assertEqual((proposal.what, proposal.confidence), ('advised', 45))
        self.assertIn("an e-mail can say anything about who sent it", proposal.reasons)
        self.env['ar.cash']._apply_sure(self.company, proposal)
        self.assertEqual((proposal.state, self.one.amount_residual), ('proposed', 1_000))
        desk = self.env['ar.cash.desk'].with_user(self.clerk)
        self.assertNotIn(proposal.id, desk.get_sure(50, {'company_ids': self.company.ids})['ids'])
        self.assertFalse(self.env['ar.cash']._get_incoming(self.company)[0], "reminders don't wait for it either")
        with self.assertRaises(AccessError):
            advice.with_user(self.clerk).confirmed_by_id = self.clerk
        with self.assertRaises(AccessError):
            advice.file_id.with_user(self.clerk).sender_verified = True
        advice.with_user(self.clerk).action_confirm()
        self.assertEqual((advice.is_proven, advice.confirmed_by_id), (True, self.clerk))
        with self.assertRaises(UserError):
            advice.with_user(self.clerk).action_confirm()
        proposal = self.env['ar.cash']._propose(self.company).filtered(lambda each: each.amount == 1_480)
        self.assertGreater(proposal.confidence, 95)
        self.assertNotIn("e-mail", proposal.reasons)

    def test_forged_authentication_results(self):
        """Only the company's own server is believed, its latest word, about the sender's own domain."""
        domain = 'harbourfish.example.com'
        good = f"mx.company.example.com; spf=pass smtp.mailfrom=x; dmarc=pass (p=reject) header.from={domain}"
        self.company.ar_cash_mail_server = 'mx.company.example.com'

        def verified(*headers, sender="bo@harbourfish.example.com"):
            return self.env['ar.cash.file']._is_sender_verified({'email_from': sender}, list(headers), self.company)
        self.assertTrue(verified(good))
        self.assertTrue(verified(good.replace("dmarc=pass", "dmarc=fail") + f"; dkim=pass header.d={domain}"))
        for headers in (
                (), (good.replace("mx.company", "mx.attacker"),), (good.replace("dmarc=pass", "dmarc=fail"),),
                (good.replace("dmarc=pass", "dmarc=fail"), good),
                ("mx.company.example.com; dkim=pass header.d=attacker.example.com",),
                ("mx.company.example.com; dmarc=pass header.from=harbourfish.example.com.attacker.example.com",),
                ('mx.company.example.com; spf=pass smtp.mailfrom="; dmarc=pass header.from=harbourfish.example.com"',),
                ("mx.company.example.com; spf=pass (; dmarc=pass header.from=harbourfish.example.com)",)):
            self.assertFalse(verified(*headers), headers)
        self.assertFalse(verified(good, sender="bo@attacker.example.com"))
        self.company.ar_cash_mail_server = False
        self.assertFalse(verified(good), "nobody is believed by default")
        self.company.ar_cash_mail_server = 'MX.company.example.com'
        advice = self.receive(('advice.csv', self.good), extra=f"Authentication-Results: {good}\n").advice_ids
        self.assertTrue(advice.is_proven)
        self.assertGreater(self.propose().confidence, 95)

    def test_an_advice_never_counts_for_anothers_documents(self):
        advice = self.receive(('a.csv', "Invoice No.;Amount paid\nINV/2026/00003;320.00\n")).advice_ids
        self.assertEqual(
            (advice.state, advice.line_ids.move_line_id.id, advice.line_ids.reason, advice.partner_id),
            ('check', False, "It is a document of another customer.", self.customer))
        stranger = self.receive(('b.csv', self.good), sender="x@elsewhere.example.com").advice_ids
        self.assertEqual((stranger.state, stranger.sender_known), ('check', False))
        self.assertIn("not known", stranger.message)

    def test_bank_files_by_e_mail_wait(self):
        for sender in ("x@elsewhere.example.com", "bo@harbourfish.example.com"):
            data = sample('statement.camt053.xml').decode() + f'<!-- {sender} -->'
            file = self.receive(('s.xml', data), sender=sender)
            self.assertEqual((file.state, file.loaded_count, file.waiting_count), ('check', 0, 7))
            self.assertIn("make sure that it is from your bank", file.message)
        with self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_cash_file').method_direct_trigger()
        self.assertFalse(self.transactions())
        file.with_user(self.clerk).action_load()
        self.assertEqual(file.loaded_count, 7)

    def test_nothing_is_lost_and_rubbish_is_ignored(self):
        files = self.receive(('a.pdf', b'%PDF-1.7'), ('b.bin', b'\x00\x01\x02'), ('logo.png', b'\x89PNG\r\n'))
        self.assertEqual(sorted(files.mapped('name')), ['a.pdf', 'b.bin'], "a signature's logo is no file")
        self.assertEqual(set(files.mapped('state')), {'refused'})
        words = self.receive()
        self.assertEqual(words.state, 'refused')
        self.assertIn("no attachment", words.message)
        self.assertFalse(self.receive(extra="Auto-Submitted: auto-replied\n"))
        self.assertFalse(self.receive(('a.csv', self.good), sender="MAILER-DAEMON@elsewhere.example.com"))
        robot = self.receive(
            ('r.csv', self.good), sender="noreply@x.example.com", extra="Auto-Submitted: auto-generated\n")
        self.assertTrue(robot.advice_ids, "programs send advices")
        with self.assertRaises(AccessError):  # nobody plays the mail gateway
            self.env['ar.cash.file'].with_user(self.manager).message_new({'email_from': "bo@harbourfish.example.com"})
