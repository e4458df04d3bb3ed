"""Automatic mode: a job that sleeps until it is wanted, one run per company and day, batches in own transactions."""
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from .dunning_common import DunningCommon

SEND = 'odoo.addons.ar_coordinator.models.ar_dunning_send'
RUN_LOG = 'odoo.addons.ar_coordinator.models.ar_outbox'


@tagged('post_install', '-at_install')
class TestDunningCron(DunningCommon, CronMixinCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref('ar_coordinator.ir_cron_ar_dunning_run')
        cls.env['res.company'].search([]).ar_dunning_automatic = False
        cls.invoice = cls.ar_invoice(100, '2026-03-01', due='2026-03-20')

    def _run_cron(self, cron=None):
        with self.enter_registry_test_mode(), self.mock_mail_gateway():
            (cron or self.cron).method_direct_trigger()

    def _runs(self):
        return self.env['ar.dunning.run'].search([('company_id', '=', self.company.id), ('is_automatic', '=', True)])

    def test_sleeps_until_wanted(self):
        self.assertFalse(self.cron.active)
        self.company.ar_dunning_automatic = True
        self.assertTrue(self.cron.active)
        self.company.ar_dunning_automatic = False
        self.assertFalse(self.cron.active)

    def test_daily_run(self):
        """One run a day, sent; asked again on the same day it does nothing; a week later it goes on."""
        self.company.ar_dunning_automatic = True
        self._run_cron()
        run = self._runs()
        self.assertRecordValues(run, [{'state': 'done', 'as_of': run.company_id._ar_today()}])
        self.assertRecordValues(
            run.letter_ids, [{'state': 'queued', 'level_id': self.level_1.id, 'amount_total': 100.0}])
        self._run_cron()
        self.assertEqual(self._runs(), run)
        self.assertEqual(len(run.letter_ids), 1)
        with freeze_time('2026-04-07 12:00:00'):
            self._run_cron()
        self.assertEqual(len(self._runs()), 2)
        self.assertEqual(self._runs()[:1].letter_ids.level_id, self.level_2)

    def test_approval_stops_the_automatic_run(self):
        self.company.write({'ar_dunning_automatic': True, 'ar_dunning_approval': True})
        self._run_cron()
        self.assertEqual(self._runs().state, 'to_approve')
        self.assertEqual(self._runs().letter_ids.state, 'draft')

    def test_failure_16_other_companies_go_on(self):
        """One company's run fails: it is logged, the other company's is sent all the same."""
        other = self.setup_other_company()['company']
        (self.company + other).ar_dunning_automatic = True
        original = type(self.env['ar.dunning.run'])._evaluate

        def evaluate(run, *args, **kwargs):
            if run.company_id == other:
                raise ValueError("books on fire")
            return original(run, *args, **kwargs)
        # the pre-existing companies of the database must not run in between
        with patch.object(type(self.env['ar.dunning.run']), '_evaluate', evaluate), \
                self.assertLogs(RUN_LOG, 'ERROR') as logs:
            self._run_cron()
        self.assertEqual(len(logs.output), 1)
        self.assertEqual(self._runs().state, 'done')
        self.assertFalse(self.env['ar.dunning.run'].search([('company_id', '=', other.id), ('state', '!=', 'draft')]))

    def test_background_job_finishes_what_was_started(self):
        """A run left in state sending is finished; one that nobody started is left alone."""
        started, waiting = self.ar_run().sudo(), self.ar_run().sudo()
        started.state = 'sending'
        self._run_cron(self.env.ref('ar_coordinator.ir_cron_ar_dunning_send'))
        self.assertEqual((started.state, started.letter_ids.state), ('done', 'queued'))
        self.assertEqual((waiting.state, waiting.letter_ids.state), ('preview', 'draft'))

    def test_many_files_go_in_the_background(self):
        """Nobody waits minutes for PDFs: a run with more of them to make than are made at once goes to the job."""
        self.level_1.write({'attach_invoices': 'all', 'attach_statement': True})
        self.ar_invoice(10, '2026-03-01', due='2026-03-20')
        run = self.ar_run()
        count = run.outcome_ids.search_count([('run_id', '=', run.id), ('result', '=', 'sent')])
        self.assertEqual(run.sudo()._count_missing_pdfs(), count + len(run.letter_ids))
        self.env['ir.attachment'].create({
            'name': "invoice.pdf", 'raw': b"PDF", 'res_model': 'account.move', 'res_field': 'invoice_pdf_report_file',
            'res_id': run.letter_ids.line_ids.move_id[0].id})
        run.letter_ids.line_ids.move_id.invalidate_recordset(['invoice_pdf_report_id'])
        self.assertEqual(run.sudo()._count_missing_pdfs(), count + len(run.letter_ids) - 1, "one is there")
        with patch(f'{SEND}.INLINE_PDFS', 1):
            run.action_send()
        self.assertEqual(set(run.letter_ids.mapped('state')), {'draft'})
        self.assertEqual(run.state, 'sending')

    def test_many_letters_go_in_the_background(self):
        run = self.ar_run()
        with patch(f'{SEND}.INLINE_LETTERS', 0), \
                self.capture_triggers('ar_coordinator.ir_cron_ar_dunning_send') as triggers:
            run.action_send()
        self.assertEqual(run.state, 'sending')
        self.assertEqual(len(triggers.records), 1)
