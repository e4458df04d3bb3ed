"""Bank files end to end: bank transactions, each once; control figures, refusals, corrections, faults, roles."""
import base64
from unittest.mock import patch

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models import ar_cash_file
from .common import ArCommon
from .test_cash_parsers import sample

IBAN = 'CH5604835012345678009'


class CashFileCase(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.ar_user('file_clerk', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('file_manager', 'ar_coordinator.group_ar_manager')
        cls.reader = cls.ar_user('file_reader', 'ar_coordinator.group_ar_readonly')
        cls.bank.bank_account_id = cls.env['res.partner.bank'].create({
            'acc_number': "CH56 0483 5012 3456 7800 9", 'partner_id': cls.company.partner_id.id})
        cls.one = cls.ar_invoice(1_000, '2026-01-10', '2026-02-10', name='INV/2026/00001')
        cls.two = cls.ar_invoice(500, '2026-01-20', '2026-02-20', name='INV/2026/00002')
        cls.three = cls.ar_invoice(320, '2026-01-15', '2026-03-01', partner=cls.other_customer, name='INV/2026/00003')

    def upload(self, data, name='file', user=None):
        """Upload as the screen does; return the file."""
        data = data.encode() if isinstance(data, str) else data
        user = user or self.clerk
        attachment = self.env['ir.attachment'].with_user(user).create({'name': name, 'datas': base64.b64encode(data)})
        files = self.env['ar.cash.file'].with_user(user)
        action = files.create_document_from_attachment(attachment.ids)
        self.assertFalse(attachment.exists(), "the upload is replaced by the kept file")
        self.notifications = action['context']['notifications']
        return files.browse(action['res_id'])

    def states(self, file):
        return [line.state for line in file.line_ids.sorted('sequence')]

    def transactions(self, journal=None):
        return self.env['account.bank.statement.line'].search([('journal_id', '=', (journal or self.bank).id)])


@tagged('post_install', '-at_install')
class TestCashFile(CashFileCase):

    def test_camt_becomes_transactions(self):
        """Details, charges, another currency, a return; the balance of the bank is the file's difference."""
        file = self.upload(sample('statement.camt053.xml'), 'statement.xml')
        self.assertEqual((file.state, file.kind, file.message), ('done', 'camt053', False))
        self.assertEqual(self.states(file), ['loaded'] * 7 + ['left'])
        self.assertEqual((file.line_count, file.loaded_count, file.left_count, file.refused_count), (8, 7, 1, 0))
        lines = file.line_ids.statement_line_id.sorted('sequence')
        self.assertEqual(lines.mapped('amount'), [1_500, 300, 250, 300, 1_000, -15.75, -1_050])
        self.assertEqual(sum(lines.mapped('amount')), 3_284.25 - 1_000)
        self.assertEqual(
            (lines[0].payment_ref, lines[0].partner_name, lines[0].account_number, lines[0].ref, str(lines[0].date)),
            ("INV/2026/00001 and INV/2026/00002", "Harbour Fish Ltd", "GB33BUKB20201555555555", "HF-77", '2026-03-05'))
        self.assertEqual(
            lines[1:4].mapped('payment_ref'), ["210000000003139471430009017", "RF18539007547034", "INV/2026/00003"])
        self.assertFalse(lines[4].foreign_currency_id, "ordered in euros, moved in dollars")
        for note in ("24.00", "Ordered", "640.00"):
            self.assertIn(note, lines[4].narration)
        self.assertEqual(set(lines.move_id.mapped('state')), {'posted'})
        self.assertEqual(file.controls.count("✓"), 5)
        proposals = self.env['ar.cash']._propose(self.company)
        paid = proposals.filtered(lambda each: each.statement_line_id == lines[0])
        self.assertEqual(paid.line_ids.move_line_id.move_id, self.one + self.two)
        file.invalidate_recordset()
        self.assertGreaterEqual(file.proposal_count, 1)

    def test_the_same_file_and_overlapping_statements(self):
        data = sample('statement.camt053.xml').decode()
        file = self.upload(data)
        again = self.upload(data, 'other name', self.manager)
        self.assertEqual(again, file)
        self.assertIn("uploaded before", self.notifications['other name'])
        self.assertEqual(len(self.transactions()), 7)
        overlapping = data.replace('<NtryRef>4</NtryRef>', '').replace('BANK-0004', 'BANK-0009')
        other = self.upload(overlapping)
        self.assertEqual(
            self.states(other), ['twice'] * 5 + ['loaded'] + ['twice'] + ['left'], "one booking is new in it")
        self.assertIn(file.name, other.line_ids.filtered(lambda line: line.state == 'twice')[0].reason)
        self.assertEqual(len(self.transactions()), 8)

    def test_a_booking_is_loaded_as_a_sum_or_in_detail_not_both(self):
        self.upload(sample('statement.camt053.xml'))
        details = self.upload(sample('notification.camt054.xml'))
        self.assertEqual(self.states(details), ['twice', 'twice'], "its details are there under other references")
        whole = sample('statement.camt053.xml').decode().replace('BANK-', 'NEXT-')
        start, end = whole.index('<NtryDtls><Btch>'), whole.index('</NtryDtls>', whole.index('<NtryDtls><Btch>'))
        self.upload(whole[:start] + whole[end + len('</NtryDtls>'):])
        later = self.upload(sample('notification.camt054.xml').decode().replace('BANK-', 'NEXT-'))
        self.assertEqual(self.states(later), ['twice', 'twice'])
        self.assertIn("one sum", later.line_ids[0].reason)

    def test_a_sum_is_paid_out_to_its_parts(self):
        """One transaction, two payers in the details that come later: one proposal pays what each of them says."""
        whole = sample('statement.camt053.xml').decode().replace('BANK-', 'NEXT-')
        start, end = whole.index('<NtryDtls><Btch>'), whole.index('</NtryDtls>', whole.index('<NtryDtls><Btch>'))
        statement = self.upload(whole[:start] + whole[end + len('</NtryDtls>'):])
        [line] = statement.line_ids.statement_line_id.filtered(lambda each: each.amount == 850)
        first = self.ar_invoice(600, '2026-02-20', partner=self.other_customer)
        second = self.ar_invoice(250, '2026-02-21')
        details = sample('notification.camt054.xml').decode().replace('BANK-', 'NEXT-').replace(
            'N-A<', f'{first.name}<').replace('N-B<', f'{second.name}<')
        later = self.upload(details)
        self.assertEqual((later.line_ids.part_of_id, self.states(later)), (line, ['twice', 'twice']))
        proposal = self.env['ar.cash']._propose(self.company).filtered(lambda row: row.statement_line_id == line)
        self.assertEqual((proposal.what, proposal.rest, proposal.is_ambiguous), ('parts', 0, False))
        self.assertEqual(
            {row.move_id: row.amount for row in proposal.line_ids}, {first: 600, second: 250})
        found = self.env['ar.cash.desk'].get_items('transaction', line.id)['receipt']
        self.assertEqual(([part['amount'] for part in found['parts']], found['parts_agree']), ([600, 250], True))
        proposal.action_apply()
        self.assertEqual((first + second).mapped('amount_residual'), [0, 0])
        self.assertFalse(line.partner_id, "two customers' money")
        proposal.action_undo()
        self.assertEqual((first + second).mapped('amount_residual'), [600, 250])
        self.assertEqual(sum(self.transactions().mapped('amount')), sum(
            statement.line_ids.statement_line_id.mapped('amount')), "no money twice")

    def test_equal_payments_of_a_day_are_two(self):
        """Without the bank's reference: the fingerprint with the number of its occurrence."""
        journal = self.bank.copy({'currency_id': self.eur.id, 'bank_account_id': self.env['res.partner.bank'].create({
            'acc_number': 'NL91ABNA0417164300', 'partner_id': self.company.partner_id.id}).id})
        file = self.upload(sample('statement.mt940'))
        self.assertEqual((file.state, self.states(file)), ('done', ['loaded'] * 6))
        lines = file.line_ids.statement_line_id.sorted('sequence')
        self.assertEqual(lines.journal_id, journal)
        self.assertEqual(lines.mapped('amount'), [500, 250.5, -10.25, 10, 10, -100])
        usd = self.env.ref('base.USD')
        self.assertEqual((lines[1].foreign_currency_id, lines[1].amount_currency), (usd, 400))
        overlapping = sample('statement.mt940').decode().replace(
            ':62F:C260305EUR1660,25', ':61:2603050305C10,00NTRFNONREF\n:86:Thanks\n:62F:C260305EUR1670,25')
        other = self.upload(overlapping)
        self.assertEqual(self.states(other), ['twice'] * 6 + ['loaded'], "the third 10.00 is new")
        doubted = other.line_ids.filtered(lambda line: line.state == 'twice' and line.amount == 10)[0]
        doubted.action_load_nevertheless()
        self.assertEqual((doubted.state, doubted.statement_line_id.amount), ('loaded', 10))
        self.assertIn("nevertheless", "".join(other.message_ids.mapped('body')))
        self.assertEqual(len(self.transactions(journal)), 8)

    def test_control_figures_that_do_not_agree_wait_for_a_manager(self):
        file = self.upload(sample('statement.bai2').decode().replace('99,580000', '99,590000'))
        file.journal_id = self.bank
        self.assertEqual((file.state, file.controls_agree, len(self.transactions())), ('check', False, 0))
        self.assertIn("✗", file.controls)
        with self.assertRaisesRegex(UserError, "control figures"):
            file.action_load()
        self.bank.bank_account_id = False
        file.with_user(self.manager).action_load()
        self.assertEqual((file.state, self.states(file)), ('done', ['loaded'] * 3))
        self.assertIn("control figures do not agree", "".join(file.message_ids.mapped('body')))

    def test_a_journal_of_another_account_is_refused(self):
        file = self.upload(sample('statement.bai2'))
        self.assertIn("000111222333", file.message)
        with self.assertRaisesRegex(UserError, "choose the bank journal"):
            file.action_load()
        file.journal_id = self.bank
        with self.assertRaisesRegex(UserError, "but the journal"):
            file.action_load()
        self.assertFalse(self.transactions())

    def test_the_journal_of_an_account(self):
        """However the bank writes it: the IBAN, its end, with the currency behind; never a guess between two."""
        def find(account, currency='USD', lockbox=''):
            return self.env['account.journal']._ar_find_by_account(self.company, account, lockbox, currency)

        for account in ("CH56 0483 5012 3456 7800 9", "04835012345678009", "04835/012345678009", "012345678009USD"):
            self.assertEqual(find(account), self.bank, account)
        for account in ("", "8009", "CH5604835012345678010", "99999999"):
            self.assertFalse(find(account), account)
        other = self.bank.copy({'bank_account_id': self.env['res.partner.bank'].create({
            'acc_number': 'DE00012345678009', 'partner_id': self.company.partner_id.id}).id})
        self.assertFalse(find("012345678009"), "two journals fit")
        other.currency_id = self.eur
        self.assertEqual((find("012345678009", 'EUR'), find("012345678009")), (other, self.bank))
        other.ar_lockbox_number = '77'
        self.assertEqual((find("", lockbox='77'), find("", lockbox='78').id), (other, False))

    def test_refused_lines_are_corrected_and_loaded_again(self):
        file = self.upload(sample('statement.camt053.xml').decode().replace('>15.75<', '>15,75<').replace(
            '3284.25', '3300.00').replace('4515.75', '4500.00'))
        self.assertEqual((file.state, file.refused_count, file.loaded_count), ('done', 1, 6))
        wrong = file.line_ids.filtered(lambda line: line.state == 'refused')
        self.assertEqual(wrong.reason, "\"15,75\" is not an amount.")
        self.assertIn("BANK-0004", wrong.raw, "nothing is lost")
        wrong.action_load_again()
        self.assertEqual((wrong.state, wrong.reason), ('refused', "The amount is missing."))
        wrong.amount = -15.75
        wrong.action_load_again()
        self.assertEqual(
            (wrong.state, wrong.statement_line_id.amount, wrong.statement_line_id.payment_ref, wrong.is_corrected),
            ('loaded', -15.75, "Account fee", True))
        with self.assertRaisesRegex(UserError, "Only a refused line"):
            wrong.amount = 5
        right = self.upload(sample('statement.camt053.xml'), "corrected by the bank")
        self.assertEqual(set(self.states(right)), {'twice', 'left'})
        self.assertEqual(len(self.transactions()), 7)

    def test_a_deleted_transaction_can_be_loaded_again(self):
        file = self.upload(sample('statement.camt053.xml'))
        line = file.line_ids.sorted('sequence')[0]
        line.sudo().statement_line_id.unlink()
        line.invalidate_recordset()
        self.assertFalse(self.upload(sample('statement.camt053.xml').decode() + ' ').loaded_count, "it is known still")
        line.action_load_again()
        self.assertEqual((line.state, line.statement_line_id.amount), ('loaded', 1_500))
        with self.assertRaisesRegex(UserError, "Only refused lines"):
            line.action_load_again()

    def test_what_odoo_refuses_is_refused_with_its_reason(self):
        """A closed period, another currency: line by line, and the others are loaded."""
        self.company.fiscalyear_lock_date = '2026-03-04'
        data = sample('statement.camt053.xml').decode().replace(
            '<BookgDt><Dt>2026-03-05</Dt></BookgDt><ValDt>', '<BookgDt><Dt>2026-03-04</Dt></BookgDt><ValDt>')
        file = self.upload(data.replace('<Amt Ccy="USD">15.75<', '<Amt Ccy="EUR">15.75<'))
        self.assertEqual(self.states(file), ['refused', *['loaded'] * 4, 'refused', 'loaded', 'left'])
        self.assertEqual(
            file.line_ids.sorted('sequence').mapped('reason')[::5],
            ["The books are locked up to 2026-03-04.",
             "The amount is in EUR, which is not the currency of the bank journal."])
        self.company.fiscalyear_lock_date = False
        first = file.line_ids.sorted('sequence')[0]
        first.action_load_again()
        self.assertEqual((first.state, first.statement_line_id.amount), ('loaded', 1_500))

    def test_killed_in_the_middle_of_a_file(self):
        """What a batch has booked stays, what it had not is booked by the next run; no line twice, none lost."""
        with patch.object(ar_cash_file, 'AT_ONCE', 3):
            file = self.upload(sample('statement.camt053.xml')).sudo()
            self.assertEqual((file.state, file.loaded_count, file.waiting_count), ('loading', 3, 4))
            with self.assertRaises(psycopg2.OperationalError), self.env.cr.savepoint():
                file._load_some(3)
                raise psycopg2.OperationalError("the server went away")
            file.invalidate_recordset()
            self.assertEqual((file.loaded_count, len(self.transactions())), (3, 3), "the killed batch left nothing")
            with patch.object(type(file), 'try_lock_for_update', lambda files, **_kw: files.browse()):
                self.assertFalse(file._load_batch(), "somebody else is at it: nothing is done, nothing is noted")
            self.assertEqual((file.state, file.message, file.waiting_count), ('loading', False, 4))
            with self.enter_registry_test_mode():
                self.env.ref('ar_coordinator.ir_cron_ar_cash_file').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((file.state, file.loaded_count, file.waiting_count), ('done', 7, 0))
        self.assertEqual(sorted(self.transactions().mapped('amount')), [-1_050, -15.75, 250, 300, 300, 1_000, 1_500])

    def test_two_people_load_the_same_file(self):
        """The database keeps the checksum and the loaded line unique, whoever is first."""
        file = self.upload(sample('statement.camt053.xml')).sudo()
        values = {name: file[name] for name in ('name', 'checksum', 'content')}
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            file.create({**values, 'company_id': self.company.id})
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            line = file.line_ids[0]
            line.create({
                'file_id': file.id, 'state': 'loaded', 'journal_id': line.journal_id.id, 'unique_key': line.unique_key})
            self.env.flush_all()
        with patch.object(type(file), 'lock_for_update', side_effect=ar_cash_file.LockError("taken")), \
                self.assertRaisesRegex(UserError, "by somebody else"):
            file.action_read_again()

    def test_a_missing_package_keeps_the_file(self):
        with patch.dict('sys.modules', {'mt940': None}):
            file = self.upload(sample('statement.mt940'))
        self.assertEqual(file.state, 'refused')
        self.assertIn("mt-940", file.message)
        with self.assertRaisesRegex(UserError, "mt-940"):
            file.action_load()
        file.action_read_again()
        self.assertEqual((file.state, file.line_count), ('check', 6), "read once the package is there")

    def test_files_that_are_none(self):
        for data, words in ((b"%PDF-1.7 x", "PDF"), (b"\x89PNG\r\n", "picture"), (b"hello", "no kind of file"),
                            (b"", "empty"), (b"<a/>", "camt.053")):
            file = self.upload(data)
            self.assertEqual(file.state, 'refused')
            self.assertIn(words, file.message)
        self.env['ir.config_parameter'].sudo().set_param('ar_coordinator.cash_file_max_megabytes', 0)
        self.assertIn("at most 0 MB", self.upload(sample('statement.ofx')).message)

    def test_roles(self):
        with self.assertRaises(AccessError):
            self.upload(sample('statement.camt053.xml'), user=self.reader)
        file = self.upload(sample('statement.camt053.xml'))
        self.assertEqual(file.with_user(self.reader).loaded_count, 7, "readers look")
        with self.assertRaises(AccessError):
            file.with_user(self.reader).action_load()
        for vals in ({'state': 'done'}, {'content': b'eA=='}, {'controls_agree': True}, {'checksum': 'x'}):
            with self.assertRaises(AccessError):
                file.with_user(self.manager).write(vals)
        with self.assertRaises(AccessError):
            self.env['ar.cash.file'].with_user(self.manager).create({'name': "x", 'company_id': self.company.id})
        with self.assertRaises(AccessError):
            file.line_ids[0].with_user(self.manager).write({'state': 'waiting'})
        with self.assertRaises(AccessError):
            file.with_user(self.manager).unlink()
        branch = self.setup_other_company(name="Other")['company']
        stranger = new_test_user(
            self.env, login='file_stranger', groups='ar_coordinator.group_ar_manager', company_id=branch.id,
            company_ids=[Command.set(branch.ids)])
        with self.assertRaises(AccessError):
            file.with_user(stranger).read(['name'])
