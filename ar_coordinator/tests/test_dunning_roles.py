"""Who may do what with runs and letters, and in which company."""
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningRoles(DunningCommon):

    def test_clerk_works_runs(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        self.assertEqual(run.with_user(self.clerk).state, 'done')
        self.assertEqual(run.letter_ids.user_id, self.clerk)
        self.assertTrue(run.with_user(self.clerk).letter_ids.message)

    def test_records_are_written_by_runs_only(self):
        """Not even a manager sets a letter back to draft, writes an outcome, or moves a run past its buttons."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send().with_user(self.manager)
        for records, vals in (
            (run.letter_ids, {'state': 'draft'}), (run.letter_ids.line_ids, {'level_id': self.level_2.id}),
            (run.outcome_ids, {'result': 'held'}), (run, {'state': 'draft'}),
            (run, {'approved_by_id': self.manager.id}),
        ):
            with self.assertRaises(AccessError):
                records.write(vals)
        with self.assertRaises(AccessError):
            run.create({'state': 'sending'})
        with self.assertRaises(AccessError):
            run.letter_ids.unlink()

    def test_reader_reads(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run().with_user(self.reader)
        self.assertIn("Dear Sir", run.letter_ids.message)
        self.assertIn("Due for this level", run.summary_html)
        for action in (run.action_preview, run.action_send, run.action_cancel, run.action_approve,
                       run.letter_ids.action_cancel, run.letter_ids.action_mark_sent):
            with self.assertRaises(AccessError):
                action()
        with self.assertRaises(AccessError):
            run.create({})

    def test_sales_and_portal_see_nothing(self):
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        portal = new_test_user(self.env, 'dunning_portal', groups='base.group_portal')
        employee = self.ar_user('dunning_employee', 'base.group_user')
        for user in (portal, employee):
            for records in (run, run.letter_ids, run.letter_ids.line_ids, run.outcome_ids, self.policy):
                with self.assertRaises(AccessError):
                    records.with_user(user).check_access('read')

    def test_approval(self):
        """Where the company wants it, a clerk's run waits for a manager; a new preview needs a new approval."""
        self.company.ar_dunning_approval = True
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        run.action_send()
        self.assertEqual((run.state, run.letter_ids.state), ('to_approve', 'draft'))
        with self.assertRaises(AccessError):
            run.action_approve()
        with self.assertRaises(UserError):
            run.action_send()
        run.with_user(self.manager).action_approve()
        self.assertRecordValues(run, [{'state': 'preview', 'approved_by_id': self.manager.id}])
        run.action_preview()
        self.assertFalse(run.approved_by_id)
        run.with_user(self.manager).action_approve()
        with self.mock_mail_gateway():
            run.action_send()
        self.assertEqual(run.state, 'done')

    def test_two_companies(self):
        """A run sees its own company's items, rules and history; a clerk of another company does not see the run."""
        other = self.setup_other_company()
        company = other['company']
        company.write({
            'ar_dunning_policy_id': self.policy.id, 'email': 'ar@other.example.com', 'ar_dunning_minimum_amount': 500})
        (self.env.user + self.manager).company_ids += company
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        theirs = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-03-01',
            'invoice_date_due': '2026-03-20', 'company_id': company.id,
            'invoice_line_ids': [(0, 0, {'name': "Goods", 'quantity': 1, 'price_unit': 400, 'tax_ids': []})]})
        theirs.action_post()
        self.ar_send()
        run = self.ar_run(user=self.manager, company=company)
        self.assertOutcome(run, theirs, 'held', 'below_minimum', 400.0)
        company.ar_dunning_minimum_amount = 0
        run.action_preview()
        self.assertOutcome(run, theirs, 'sent', 'due', 400.0)
        self.assertNotIn(invoice, run.outcome_ids.move_id)
        with self.assertRaises(AccessError):
            run.with_user(self.clerk).read(['state'])
        with self.mock_mail_gateway():
            run.action_send()
        self.assertIn('ar@other.example.com', run.letter_ids.mail_message_id.email_from)

    def test_policy_of_another_company_is_ignored(self):
        other = self.setup_other_company()['company']
        foreign = self.policy.copy({'company_id': other.id})
        foreign.level_ids[:1].delay_days = 14
        self.customer.with_company(self.company).ar_dunning_policy_id = foreign
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.assertOutcome(self.ar_run(), invoice, 'sent', 'due')

    def test_day_of_the_company(self):
        """At 23:30 UTC it is tomorrow in Auckland: the item is 3 days overdue there, 2 days in New York."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-29')
        with freeze_time('2026-03-31 23:30:00'):
            self.company.partner_id.tz = 'Pacific/Auckland'
            self.assertEqual(self.company._ar_today().isoformat(), '2026-04-01')
            run = self.ar_run('2026-04-01')
            self.assertOutcome(run, invoice, 'sent', 'due')
            self.company.partner_id.tz = 'America/New_York'
            self.assertEqual(self.company._ar_today().isoformat(), '2026-03-31')
            with self.assertRaises(ValidationError):
                self.ar_run('2026-04-01')
            self.assertOutcome(self.ar_run('2026-03-31'), invoice, 'skipped', 'not_due')

    def test_dispute_opens_on_the_day_of_the_company(self):
        """A dispute entered by a user east of the company holds the invoice at once, not on the day after."""
        invoice = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.company.partner_id.tz = 'America/New_York'
        with freeze_time('2026-03-31 20:00:00'):
            reason = self.env['ar.dispute.reason'].search([], limit=1)
            dispute = self.env['ar.dispute'].with_context(tz='Pacific/Auckland').create({
                'move_id': invoice.id, 'amount': 100, 'reason_id': reason.id})
            self.assertEqual(dispute.date_open.isoformat(), '2026-03-31')
            self.assertOutcome(self.ar_run(), invoice, 'skipped', 'disputed')
            dispute.with_context(tz='Pacific/Auckland').action_withdraw()
            self.assertEqual(dispute.date_closed.isoformat(), '2026-03-31')
            self.assertOutcome(self.ar_run(), invoice, 'sent', 'due', 100.0)

    def test_used_records_stay(self):
        """Levels that were used, letters and runs that were sent cannot be deleted."""
        self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        run = self.ar_send()
        with self.assertRaises(ValidationError):
            self.level_1.unlink()
        with self.assertRaises(UserError):
            run.letter_ids.sudo().unlink()
        with self.assertRaises(UserError):
            run.with_user(self.manager).unlink()
