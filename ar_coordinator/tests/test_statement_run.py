"""Statement runs: who gets which statement, why somebody does not, and that nobody gets it twice."""
from contextlib import suppress
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import RecordCapturer, tagged
from odoo.tools import mute_logger

from .dunning_common import DunningCommon, contact

RUN = 'odoo.addons.ar_coordinator.models.ar_statement_run'
OUTBOX = 'odoo.addons.ar_coordinator.models.ar_outbox'
OUTBOX_LOG = 'odoo.addons.ar_coordinator.models.ar_outbox'


@tagged('post_install', '-at_install')
class TestStatementRun(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.env.ref('ar_coordinator.mail_template_ar_statement')

    def new_run(self, user=None, preview=True, **vals):
        run = self.env['ar.statement.run'].with_user(user or self.clerk).create({'kind': 'open', **vals})
        if preview:
            run.action_preview()
        return run

    def send(self, run=None, **vals):
        run = run or self.new_run(**vals)
        with self.mock_mail_gateway():
            run.action_send()
        return run

    def deliver(self, lines):
        """Let the mail queue send what is in it for these statements; return the e-mails that left."""
        with self.mock_mail_gateway():
            self.env['mail.mail'].sudo().search([('mail_message_id', 'in', lines.mail_message_id.ids)]).send()
        return list(self._mails)

    def states(self, run):
        """{customer's name: (state, reason)} of a run."""
        run.line_ids.invalidate_recordset()
        return {line.partner_id.name: (line.state, line.reason) for line in run.line_ids}

    def mails(self):
        return RecordCapturer(self.env['mail.mail'].sudo(), [('model', '=', 'ar.statement.run.line')])

    # === ONE RUN === #

    def test_preview_and_send(self):
        """A preview sends nothing; sending freezes the file, leaves by mail, and says so on the customer."""
        invoice = self.ar_invoice(1000, '2026-02-10', due='2026-03-10')
        self.ar_invoice(200, '2026-03-20', due='2026-04-20', currency_id=self.eur.id)
        with self.mails() as mails:
            run = self.new_run()
        self.assertFalse(mails.records)
        self.assertRecordValues(run.line_ids, [{
            'partner_id': self.customer.id, 'state': 'draft', 'channel': 'email', 'reason': False,
            'email_to': 'office@harbourfish.example.com', 'balance': 1320, 'overdue': 1000, 'kind': 'open'}])
        self.assertEqual(
            run.line_ids.balance_note.replace('\N{NO-BREAK SPACE}', ' '), "200.00 € · $ 1,000.00")
        self.send(run)
        self.assertEqual((run.state, run.line_ids.state), ('done', 'queued'))
        [mail] = self.deliver(run.line_ids)
        self.assertEqual(mail['email_to'], ['"Harbour Fish Ltd" <office@harbourfish.example.com>'])
        self.assertIn("statement of account, 03/31/2026", mail['subject'])
        self.assertIn("1,000.00", mail['body'])
        self.assertEqual([attachment[0] for attachment in mail['attachments']], ["Statement 2026-03-31.pdf"])
        self.assertEqual(run.line_ids.state, 'sent')
        self.assertTrue(run.line_ids.date_sent)
        html = run.line_ids.attachment_id.raw.decode()
        self.assertIn(invoice.name, html)
        note = self.customer.message_ids[0]
        self.assertIn("office@harbourfish.example.com", note.body)
        self.assertIn("03/31/2026", note.body)
        self.assertEqual(self.customer.with_user(self.clerk).ar_statement_count, 1)

    def test_frozen(self):
        """What was sent stays: printing it after a payment shows the file that left."""
        invoice = self.ar_invoice(1000, '2026-02-10')
        run = self.send()
        self.ar_pay(invoice, '2026-03-31')
        streams = self.env['ir.actions.report'].with_user(self.clerk)._render_qweb_pdf_prepare_streams(
            'ar_coordinator.report_ar_statement_line', {}, res_ids=run.line_ids.ids)
        self.assertEqual(streams[run.line_ids.id]['stream'].getvalue(), run.line_ids.attachment_id.raw)

    def test_gate(self):
        """Paid between preview and sending: nothing leaves, and the line says why; others get today's figures."""
        paid = self.ar_invoice(100, '2026-02-10')
        partly = self.ar_invoice(100, '2026-02-10', partner=self.other_customer)
        run = self.new_run()
        self.ar_pay(paid, '2026-03-31')
        self.ar_pay(partly, '2026-03-31', 40)
        self.send(run)
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('skipped', 'nothing'), "Alder & Sons": ('queued', False)})
        self.assertEqual(sum(run.line_ids.filtered(lambda line: line.state == 'queued').mapped('balance')), 60)

    def test_reasons(self):
        """Everybody who is left out is listed with the reason."""
        def partner(name, **vals):
            return self.env['res.partner'].with_company(self.company).create(
                {'name': name, 'email': f'{name}@example.com', **vals})
        partners = {name: partner(name, **vals) for name, vals in {
            'zero': {}, 'unwanted': {'ar_statement_frequency': 'none'}, 'paused': {}, 'handed': {},
            'lost': {'email': False}, 'post': {'email': False, 'street': "Quay 2", 'city': "Harbourtown"},
            'black': {'street': "Quay 3", 'city': "Harbourtown"}, 'plain': {}, 'later': {}, 'archived': {}}.items()}
        for name, one in partners.items():
            self.ar_invoice(100, '2026-02-10', due='2026-04-10' if name == 'later' else '2026-03-10', partner=one)
        self.ar_cash(100, '2026-03-01', partner=partners['zero'])
        self.env['ar.pause'].create({
            'partner_id': partners['paused'].id, 'reason': "Waits", 'date_end': '2026-05-31',
            'user_id': self.clerk.id, 'company_id': self.company.id})
        self.env['ar.hand.over'].create({
            'partner_id': partners['handed'].id, 'to': 'agency', 'reason': "Unpaid", 'company_id': self.company.id})
        self.env['mail.blacklist'].create({'email': 'black@example.com'})
        partners['archived'].active = False
        expected = {
            'zero': ('skipped', 'zero'), 'unwanted': ('skipped', 'unwanted'), 'paused': ('skipped', 'paused'),
            'handed': ('skipped', 'paused'), 'lost': ('skipped', 'unreachable'), 'post': ('draft', 'no_address'),
            'black': ('draft', 'blacklisted'), 'plain': ('draft', False), 'later': ('draft', False),
            'archived': ('skipped', 'archived')}
        run = self.new_run()
        self.assertEqual(self.states(run), expected)
        self.assertEqual(
            {line.partner_id.name for line in run.line_ids if line.channel == 'letter' and line.state == 'draft'},
            {'post', 'black'})
        run.write({'only_overdue': True, 'skip_zero': False, 'skip_paused': False})
        self.assertEqual(run.state, 'draft', "the preview was of something else")
        run.action_preview()
        self.assertEqual(self.states(run), {
            **expected, 'zero': ('draft', False), 'paused': ('draft', False), 'handed': ('draft', False),
            'later': ('skipped', 'not_overdue')})
        chosen = self.new_run(partner_ids=[Command.set(partners['unwanted'].ids)])
        self.assertEqual(self.states(chosen), {'unwanted': ('draft', False)}, "chosen by hand")

    def test_filters(self):
        """By tag, collector, risk class and customers; those not chosen are not listed."""
        tag = self.env['res.partner.category'].create({'name': "Key account"})
        risk = self.env['ar.credit.class'].create({'name': "Statement risk", 'mode': 'unlimited'})
        for partner in (self.customer, self.other_customer):
            self.ar_invoice(100, '2026-02-10', partner=partner)
        self.customer.write({'category_id': [Command.link(tag.id)]})
        self.customer.with_company(self.company).ar_collector_id = self.clerk
        self.customer.with_company(self.company).sudo().ar_credit_class_id = risk
        for vals in (
                {'category_ids': [Command.set(tag.ids)]}, {'collector_ids': [Command.set(self.clerk.ids)]},
                {'risk_class_ids': [Command.set(risk.ids)]}, {'partner_ids': [Command.set(self.customer.ids)]}):
            with self.subTest(vals=vals):
                self.assertEqual(self.new_run(**vals).line_ids.partner_id, self.customer)

    def test_kind_of_the_customer(self):
        """Each customer gets the kind he wants; activity covers the run's period."""
        for partner in (self.customer, self.other_customer):
            self.ar_invoice(100, '2026-02-10', partner=partner)
        self.customer.with_company(self.company).ar_statement_kind = 'activity'
        run = self.new_run(kind='customer', date_from='2026-02-01', date_to='2026-02-28')
        kinds = {line.partner_id: (line.kind, str(line.date_from or ""), str(line.date_to)) for line in run.line_ids}
        self.assertEqual(kinds, {
            self.customer: ('activity', '2026-02-01', '2026-02-28'),
            self.other_customer: ('open', '', '2026-02-28')})
        self.send(run)
        activity = run.line_ids.filtered(lambda line: line.kind == 'activity')
        html = activity.attachment_id.raw.decode()
        self.assertIn("Account activity", html)
        self.assertIn("not part of this statement", html)

    def test_consolidated(self):
        """A parent that wants it gets one statement, with a section per company and totals by currency."""
        child = self.env['res.partner'].create({
            'name': "Harbour North", 'parent_id': self.customer.id, 'is_company': True, 'email': 'n@example.com'})
        grandchild = self.env['res.partner'].create({
            'name': "Harbour Pier", 'parent_id': child.id, 'is_company': True, 'email': 'p@example.com'})
        self.assertEqual(child.commercial_partner_id, child)
        self.ar_invoice(100, '2026-02-10', due='2026-03-10', partner=child)
        pier = self.ar_invoice(30, '2026-02-10', partner=grandchild, currency_id=self.eur.id)
        run = self.new_run()
        self.assertEqual(run.line_ids.partner_id, child + grandchild, "each its own, unless the parent wants all")
        self.customer.with_company(self.company).ar_statement_with_subsidiaries = True
        run.action_preview()
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('draft', False), "Harbour North": ('skipped', 'consolidated'),
            "Harbour Pier": ('skipped', 'consolidated')})
        line = run.line_ids.filtered(lambda line: line.partner_id == self.customer)
        self.assertEqual((line.balance, line.overdue), (175, 175))
        self.send(run)
        html = line.attachment_id.raw.decode()
        for text in ("Harbour North", "Harbour Pier", pier.name, "All together"):
            self.assertIn(text, html)
        self.assertEqual([total[0] for total in line._get_totals(line._get_statements()[line.id])], ['EUR', 'USD'])
        self.assertIn("Harbour Fish", self.env['res.partner'].browse(child.id).message_ids[0].body)

    def test_gate_former_subsidiary(self):
        """A company that was sold after the preview is not on its former parent's statement; others leave."""
        child = self.env['res.partner'].create({
            'name': "Harbour North", 'parent_id': self.customer.id, 'is_company': True, 'email': 'n@example.com'})
        self.customer.with_company(self.company).ar_statement_with_subsidiaries = True
        for partner in self.customer + child + self.other_customer:
            self.ar_invoice(100, '2026-02-10', partner=partner)
        run = self.new_run()
        child.parent_id = False
        with self.mails() as mails:
            self.send(run)
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('skipped', 'changed'), "Harbour North": ('skipped', 'changed'),
            "Alder & Sons": ('queued', False)})
        self.assertEqual(len(mails.records), 1)
        self.assertFalse(run.line_ids.filtered(lambda line: line.state == 'skipped').attachment_id)
        self.assertEqual((run.state, run.skipped_count), ('done', 2))
        self.assertIn("Changed since the preview", run.summary_html)
        again = self.send(partner_ids=[Command.set((self.customer + child).ids)])
        self.assertEqual(self.states(again), {
            "Harbour Fish Ltd": ('queued', False), "Harbour North": ('queued', False)})
        self.assertEqual(again.line_ids.mapped('balance'), [100, 100])

    def test_gate_subsidiaries_no_longer_wanted(self):
        """What a parent's statement covers follows the parent's setting, and not the preview."""
        child = self.env['res.partner'].create({
            'name': "Harbour North", 'parent_id': self.customer.id, 'is_company': True, 'email': 'n@example.com'})
        settings = self.customer.with_company(self.company)
        for partner in self.customer + child:
            self.ar_invoice(100, '2026-02-10', partner=partner)
        for wanted in (True, False):
            settings.ar_statement_with_subsidiaries = wanted
            run = self.new_run()
            settings.ar_statement_with_subsidiaries = not wanted
            with self.mails() as mails:
                self.send(run)
            self.assertFalse(mails.records)
            self.assertEqual(self.states(run), {
                "Harbour Fish Ltd": ('skipped', 'changed'), "Harbour North": ('skipped', 'changed')})

    def test_consolidated_over_several_levels(self):
        """The topmost company that wants one statement gets it, also when one in between with nothing open does."""
        child = self.env['res.partner'].create({
            'name': "Harbour North", 'parent_id': self.customer.id, 'is_company': True, 'email': 'n@example.com'})
        grandchild = self.env['res.partner'].create({
            'name': "Harbour Pier", 'parent_id': child.id, 'is_company': True, 'email': 'p@example.com'})
        (self.customer + child).with_company(self.company).ar_statement_with_subsidiaries = True
        self.ar_invoice(30, '2026-02-10', partner=grandchild)
        run = self.send()
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('queued', False), "Harbour Pier": ('skipped', 'consolidated')})
        self.assertEqual(sum(run.line_ids.filtered(lambda line: line.state == 'queued').mapped('balance')), 30)

    def test_left_alone_is_on_no_parents_statement(self):
        """A subsidiary that is handed over or paused is not on its parent's statement, and its own line says why."""
        north, south = self.env['res.partner'].create([
            {'name': name, 'parent_id': self.customer.id, 'is_company': True, 'email': 'n@example.com'}
            for name in ("Harbour North", "Harbour South")])
        own, given = self.ar_invoice(10, '2026-01-01'), self.ar_invoice(777, '2026-01-01', partner=north)
        paused = self.ar_invoice(30, '2026-01-01', partner=south)
        self.customer.with_company(self.company).ar_statement_with_subsidiaries = True
        self.env['ar.hand.over'].create({
            'partner_id': north.id, 'to': 'agency', 'reason': "Unpaid", 'company_id': self.company.id})
        run = self.new_run()
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('draft', False), "Harbour North": ('skipped', 'paused'),
            "Harbour South": ('skipped', 'consolidated')})
        line = run.line_ids.filtered(lambda line: line.partner_id == self.customer)
        self.assertRecordValues(line, [{'balance': 40, 'section_partner_ids': (self.customer + south).ids}])
        self.env['ar.pause'].create({  # after the preview
            'partner_id': south.id, 'reason': "Waits", 'date_end': '2026-05-31', 'user_id': self.clerk.id,
            'company_id': self.company.id})
        self.send(run)
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('queued', False), "Harbour North": ('skipped', 'paused'),
            "Harbour South": ('skipped', 'paused')})
        self.assertRecordValues(line, [{'balance': 10, 'section_partner_ids': self.customer.ids}])
        html = line.attachment_id.raw.decode()
        self.assertIn(own.name, html)
        self.assertNotIn(given.name, html)
        self.assertNotIn(paused.name, html)
        everything = self.new_run(skip_paused=False, kind='activity')
        line = everything.line_ids.filtered(lambda line: line.partner_id == self.customer)
        self.assertRecordValues(line, [{'balance': 817, 'section_partner_ids': (self.customer + north + south).ids}])

    def test_language(self):
        """Failure 18 for statements: the whole statement is in the customer's language."""
        self.env['res.lang']._activate_lang('de_DE')
        self.env['ir.module.module']._load_module_terms(['ar_coordinator'], ['de_DE'])
        self.customer.lang = 'de_DE'
        self.ar_invoice(1234.5, '2026-02-10', due='2026-03-09')
        run = self.send()
        html = run.line_ids.attachment_id.raw.decode().replace('\N{NO-BREAK SPACE}', ' ')
        for text in ("Kontoauszug", "Fällig am", "$ 1.234,50", "09.03.2026", "31.03.2026"):
            self.assertIn(text, html)
        for text in ("Due date", "Statement of account", "Open amount"):
            self.assertNotIn(text, html)
        self.assertIn("31.03.2026", run.line_ids.subject)

    def test_xlsx(self):
        self.ar_invoice(100, '2026-02-10')
        run = self.send(with_xlsx=True)
        self.assertEqual(run.line_ids.table_attachment_id.name, "Statement 2026-03-31.xlsx")
        [mail] = self.deliver(run.line_ids)
        self.assertEqual(len(mail['attachments']), 2)

    def test_printed(self):
        """Without e-mail: all in one document, posted when somebody says so. Failure 9: printing marks nothing."""
        self.customer.email = False
        self.ar_invoice(100, '2026-02-10')
        run = self.send()
        self.assertEqual((run.line_ids.state, run.print_count), ('queued', 1))
        run.with_user(self.clerk).action_print()
        self.assertEqual(run.line_ids.state, 'queued')
        run.with_user(self.clerk).action_mark_sent()
        self.assertRecordValues(run.line_ids, [{'state': 'sent', 'user_id': self.clerk.id}])
        with self.assertRaises(UserError):
            run.action_print()

    # === NOTHING TWICE, NOTHING LOST === #

    def test_failure_1_second_run_of_the_day(self):
        """A statement of the day that is on its way is not sent again, whoever starts another run."""
        self.ar_invoice(100, '2026-02-10')
        first, second = self.new_run(), self.new_run()
        self.send(first)
        self.send(second)
        self.assertEqual(self.states(second), {"Harbour Fish Ltd": ('skipped', 'already_sent')})
        self.assertEqual(self.states(self.new_run()), {"Harbour Fish Ltd": ('skipped', 'already_sent')})

    @mute_logger('odoo.sql_db')  # the database refuses, which is the point
    def test_two_workers(self):
        """Two workers that do not see each other's work: the database lets one of them through."""
        self.ar_invoice(100, '2026-02-10')
        first, second = self.new_run(), self.new_run()
        self.send(first)
        run_class = self.registry['ar.statement.run']
        decide = run_class._decide

        def blind(run, sections):
            return {
                number: {**vals, 'state': 'draft', 'reason': False} for number, vals in decide(run, sections).items()}
        with patch.object(run_class, '_decide', blind), self.assertLogs(OUTBOX_LOG, 'WARNING'), self.mails() as mails:
            self.send(second)
        self.assertFalse(mails.records)
        self.assertRecordValues(second.line_ids, [{
            'state': 'failed', 'failure_reason': "Another run has sent this customer the statement of this day."}])

    def test_interrupted(self):
        """A run that is killed in the middle goes on where it stopped: everybody gets one e-mail."""
        partners = self.customer + self.other_customer + self.env['res.partner'].create(
            {'name': "Third Ltd", 'email': 'third@example.com'})
        for partner in partners:
            self.ar_invoice(100, '2026-02-10', partner=partner)
        run = self.new_run().sudo()
        run.state = 'sending'
        run_class = self.registry['ar.statement.run']
        send_batch, done = run_class._send_batch, []

        def killed(run, lines):
            if done:
                raise KeyboardInterrupt
            done.append(lines)
            return send_batch(run, lines)
        with self.mails() as mails, self.mock_mail_gateway(), patch(f'{RUN}.BATCH_LINES', 1):
            with patch.object(run_class, '_send_batch', killed), suppress(KeyboardInterrupt):
                run._send_all()  # assertRaises would undo what was done
            self.assertEqual(sorted(run.line_ids.mapped('state')), ['draft', 'draft', 'queued'])
            self.assertEqual(run.state, 'sending')
            run._send_all()
            self.assertEqual(run.state, 'done')
            run._send_all()
        self.assertEqual(mails.records.recipient_ids, partners)
        self.assertEqual(len(mails.records), 3)

    def test_failure_15_broken_template(self):
        """A template that fails for one customer is recorded there; the others get theirs."""
        self.template.body_html = """
            <p>Hello</p><t t-if="object.partner_id.name == 'Alder &amp; Sons'" t-out="1 / 0"/>"""
        for partner in (self.customer, self.other_customer):
            self.ar_invoice(100, '2026-02-10', partner=partner)
        run = self.new_run()
        with self.assertLogs(OUTBOX_LOG, 'WARNING'):
            self.send(run)
        self.assertEqual(self.states(run), {
            "Harbour Fish Ltd": ('queued', False), "Alder & Sons": ('failed', False)})
        failed = run.line_ids.filtered(lambda line: line.state == 'failed')
        self.assertIn("division by zero", failed.failure_reason)
        self.assertEqual(run.state, 'done')

    def test_mail_server_down(self):
        """The mail server refuses: the statement failed, a task says so, and it is sent again when the trouble is over.
        """
        self.ar_invoice(100, '2026-02-10')
        run = self.send()
        line = run.line_ids
        notification = self.ar_notification(line)
        first = notification.mail_mail_id
        first.write({'state': 'exception'})
        notification.write({
            'notification_status': 'exception', 'failure_type': 'mail_smtp', 'failure_reason': "Connection refused"})
        self.assertRecordValues(line, [{'state': 'failed', 'failure_reason': "Connection refused"}])
        self.assertEqual(run.activity_ids.user_id, self.clerk)
        file = line.attachment_id
        with self.mock_mail_gateway():
            line.with_user(self.clerk).action_send_again()
        self.assertEqual(first.state, 'cancel', "sending the old one by hand would send it twice")
        self.deliver(line)
        self.assertEqual((line.state, line.attachment_id), ('sent', file))
        self.assertFalse(run.activity_ids.filtered('active'), "delivered")

    def test_failure_20_bounce(self):
        """A bounced statement is a task for the collector; neither statements nor reminders use the address again."""
        self.customer.with_company(self.company).ar_collector_id = self.manager
        self.ar_invoice(100, '2026-02-10')
        run = self.send()
        line = run.line_ids
        self.deliver(line)
        self.env['mail.thread']._routing_handle_bounce(None, {
            'bounced_email': 'office@harbourfish.example.com', 'bounced_partner': self.customer,
            'bounced_msg_ids': [line.mail_message_id.message_id], 'bounced_message': line.mail_message_id,
            'body': "<p>Mailbox unknown</p>", 'email_from': 'daemon@example.com', 'to': 'x@example.com',
            'message_id': '<1>'})
        self.assertEqual(line.state, 'bounced')
        self.assertEqual(line.undelivered_activity_id.user_id, self.manager)
        self.assertEqual(line.undelivered_activity_id.summary, "Statement not delivered to Harbour Fish Ltd")
        again = self.new_run()
        self.assertRecordValues(again.line_ids, [{'state': 'draft', 'channel': 'letter', 'reason': 'bounced'}])
        self.assertEqual(self.ar_run().letter_ids.channel, 'letter', "reminders know as well")

    def test_reply(self):
        """An answer to a statement is a task for the collector."""
        self.customer.with_company(self.company).ar_collector_id = self.manager
        self.ar_invoice(100, '2026-02-10')
        line = self.send().line_ids
        self.deliver(line)
        line.sudo().message_update({'author_id': self.customer.id, 'subject': "Re: statement"})
        self.assertEqual(line.activity_ids.user_id, self.manager)
        self.assertEqual(line.activity_ids.summary, "Reply of Harbour Fish Ltd to a statement")

    # === AUTOMATIC === #

    def automatic(self, mode='send', **vals):
        self.company.write({'ar_statement_automatic': mode, 'ar_statement_day': 1, **vals})

    def cron(self):
        self.env['res.company'].search([('id', '!=', self.company.id)]).ar_statement_automatic = 'no'
        with self.mock_mail_gateway(), self.no_commit():
            self.env['ar.statement.run'].sudo()._cron_run()
        return self.env['ar.statement.run'].search(
            [('company_id', '=', self.company.id), ('is_automatic', '=', True)])

    def no_commit(self):
        """The job commits; here it must not."""
        return patch.object(self.registry['ir.cron'], '_commit_progress', lambda *args, **kwargs: 1)

    def test_cron(self):
        """Off by default; switched on it waits for its day, runs once, and covers the month before."""
        self.ar_invoice(100, '2026-02-10')
        self.assertFalse(self.company.ar_statement_next_date)
        self.automatic()
        self.assertEqual(str(self.company.ar_statement_next_date), '2026-04-01')
        self.assertFalse(self.cron(), "not before its day")
        with freeze_time('2026-04-01 12:00:00'):
            run = self.cron()
            self.assertRecordValues(run, [{
                'state': 'done', 'date_from': self.day('2026-03-01'), 'date_to': self.day('2026-03-31')}])
            self.assertEqual(self.states(run), {"Harbour Fish Ltd": ('queued', False)})
            self.assertEqual(self.cron(), run, "once")
        self.assertEqual(str(self.company.ar_statement_next_date), '2026-05-01')

    def day(self, text):
        return self.env['ar.ledger']._read_date(text)

    def test_cron_time_zone(self):
        """The day is the company's: on Tuesday noon UTC it is Wednesday in Kiritimati."""
        self.ar_invoice(100, '2026-02-10')
        self.automatic()
        self.company.partner_id.tz = 'Pacific/Kiritimati'
        self.assertEqual(str(self.company._ar_today()), '2026-04-01')
        self.assertTrue(self.cron())

    def test_cron_prepares(self):
        """Prepared only: a run in preview, and a task for a manager."""
        self.ar_invoice(100, '2026-02-10')
        self.automatic('prepare')
        with freeze_time('2026-04-01 12:00:00'):
            run = self.cron()
        self.assertEqual((run.state, run.line_ids.state), ('preview', 'draft'))
        self.assertEqual(run.activity_ids.summary, "Send the statements of the month")

    def test_quarterly(self):
        """Quarterly customers get theirs at the end of a quarter, over the whole of it."""
        self.ar_invoice(100, '2026-01-10')
        self.customer.with_company(self.company).write(
            {'ar_statement_frequency': 'quarterly', 'ar_statement_kind': 'activity'})
        self.ar_invoice(100, '2026-01-10', partner=self.other_customer)
        self.automatic()
        with freeze_time('2026-04-01 12:00:00'):
            run = self.cron()
            line = run.line_ids.filtered(lambda line: line.partner_id == self.customer)
            self.assertEqual((line.state, str(line.date_from)), ('queued', '2026-01-01'))
        with freeze_time('2026-05-01 12:00:00'):
            later = self.cron() - run
            self.assertEqual(self.states(later), {
                "Harbour Fish Ltd": ('skipped', 'not_now'), "Alder & Sons": ('queued', False)})

    def test_last_day_of_short_months(self):
        self.automatic(ar_statement_day=31)
        next_date = self.company._ar_next_statement_date
        self.assertEqual(str(next_date(self.day('2026-03-31'))), '2026-04-30')
        self.assertEqual(str(next_date(self.day('2026-02-27'))), '2026-02-28')
        self.assertEqual(str(next_date(self.day('2026-12-31'))), '2027-01-31')
        with self.assertRaises(ValidationError):
            self.company.ar_statement_day = 32

    def test_failure_16_one_company_stops_no_other(self):
        """A company whose statements fail is logged; the others get theirs."""
        self.ar_invoice(100, '2026-02-10')
        self.automatic()
        other = self.setup_other_company()['company']
        other.write({'ar_statement_automatic': 'send', 'ar_statement_day': 1})
        run_class = self.registry['ar.statement.run']
        automatically = run_class._run_automatically

        def broken(runs, company):
            if company == other:
                raise ValueError("broken")
            return automatically(runs, company)
        with freeze_time('2026-04-01 12:00:00'), patch.object(run_class, '_run_automatically', broken), \
                patch.object(self.env.cr, 'rollback', lambda: None), self.assertLogs(OUTBOX, 'ERROR'), \
                self.mock_mail_gateway(), self.no_commit():
            self.env['ar.statement.run'].sudo()._cron_run()
        runs = self.env['ar.statement.run'].search([('is_automatic', '=', True)])
        self.assertEqual(runs.company_id, self.company)
        self.assertEqual(runs.state, 'done')

    # === ROLES === #

    def test_roles(self):
        """Readers see runs and change nothing; nobody moves states past the buttons; other companies stay apart."""
        self.ar_invoice(100, '2026-02-10')
        run = self.new_run()
        with self.assertRaises(AccessError):
            run.with_user(self.reader).action_send()
        with self.assertRaises(AccessError):
            self.new_run(user=self.reader)
        with self.assertRaises(AccessError):
            run.with_user(self.clerk).state = 'done'
        with self.assertRaises(AccessError):
            run.line_ids.with_user(self.clerk).write({'state': 'sent'})
        with self.assertRaises(AccessError):
            run.line_ids.with_user(self.reader).action_mark_sent()
        sneaky = self.env['ar.statement.run'].with_user(self.clerk).with_context(default_state='sending').create({})
        self.assertEqual(sneaky.state, 'draft')
        self.assertEqual(run.with_user(self.reader).line_ids.balance, 100)
        other = self.setup_other_company()['company']
        with self.assertRaises(AccessError):
            self.env['ar.statement.run'].with_user(self.clerk).create({'company_id': other.id})

    def test_two_companies(self):
        """A run is one company's; the customer of both gets two statements."""
        other = self.setup_other_company()
        self.ar_invoice(100, '2026-02-10')
        self.env['account.move'].create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-02-10',
            'invoice_date_due': '2026-02-10', 'company_id': other['company'].id,
            'journal_id': other['default_journal_sale'].id,
            'invoice_line_ids': [Command.create({'name': "Goods", 'price_unit': 60, 'tax_ids': []})]}).action_post()
        self.assertEqual(self.new_run().line_ids.balance, 100)
        self.clerk.company_ids += other['company']
        theirs = self.new_run(company_id=other['company'].id)
        self.assertEqual(theirs.line_ids.balance, 60)

    def test_refuses_nonsense(self):
        with self.assertRaises(ValidationError):
            self.new_run(date_to='2026-04-01', preview=False)
        with self.assertRaises(ValidationError):
            self.new_run(kind='activity', date_from='2026-03-31', date_to='2026-03-01', preview=False)
        self.ar_invoice(100, '2026-02-10')
        run = self.send()
        with self.assertRaises(UserError):
            run.action_preview()
        with self.assertRaises(UserError):
            run.date_to = '2026-03-01'
        with self.assertRaises(UserError):
            run.with_user(self.manager).unlink()

    def test_contacts(self):
        """The statement goes to the receivables contact, in its language."""
        boss = contact(
            self.env, self.customer, "Carla", email='carla@example.com', ar_is_receivables_contact=True)
        self.ar_invoice(100, '2026-02-10')
        self.assertEqual(self.new_run().line_ids.recipient_id, boss)

    def test_several_recipients(self):
        """Contacts marked for statements get one each, in one state; who is marked for reminders only gets none."""
        def person(name, **vals):
            return contact(self.env, self.customer, name, email=f'{name.lower()}@example.com', **vals)
        person("Rita", ar_is_receivables_contact=True)
        anna, bert, carl = (person(name, ar_is_statement_contact=True) for name in ("Anna", "Bert", "Carl"))
        double = contact(self.env, self.customer, "Anna again", email='anna@example.com', ar_is_statement_contact=True)
        self.env['mail.blacklist'].create({'email': 'carl@example.com'})
        self.ar_invoice(100, '2026-02-10')
        line = self.new_run().line_ids
        self.assertRecordValues(line, [{
            'recipient_id': anna.id, 'other_recipient_ids': bert.ids, 'email_to': 'anna@example.com'}])
        self.assertNotIn(double, line.other_recipient_ids)
        carl.ar_is_statement_contact = False
        dora = person("Dora", ar_is_statement_contact=True)  # since the preview
        self.send(line.run_id)
        self.assertEqual(line.other_recipient_ids, bert + dora)
        mails = self.deliver(line)
        self.assertEqual(
            sorted(mail['email_to'][0] for mail in mails),
            [f'"{name}" <{name.lower()}@example.com>' for name in ("Anna", "Bert", "Dora")])
        for mail in mails:
            self.assertEqual([attachment[0] for attachment in mail['attachments']], ["Statement 2026-03-31.pdf"])
        self.assertEqual(line.state, 'sent')
        self.assertIn("anna@example.com, bert@example.com, dora@example.com", self.customer.message_ids[0].body)

    # === VOLUME === #

    def test_queries_do_not_grow_with_the_customers(self):
        """Failure 22 for statement runs: the decision about 40 customers costs hardly more queries than about 4."""
        def previewed(number):
            partners = self.env['res.partner'].create([
                {'name': f"Volume {number}", 'email': f'v{number}@example.com'} for number in range(number)])
            for partner in partners:
                self.ar_invoice(10, '2026-02-10', partner=partner)
            run = self.new_run(preview=False, partner_ids=[Command.set(partners.ids)]).sudo()
            sections = {partner.id: partner.ids for partner in partners}
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            run._decide(sections)
            return self.env.cr.sql_log_count - before
        previewed(2)
        self.assertLess(previewed(40), previewed(4) + 5)
