"""What is left alone: pauses and Odoo's mark "no follow-up" in one list, how old it is, how it ends; who may."""
from datetime import date

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .dunning_common import DunningCommon, instalment_terms


@tagged('post_install', '-at_install')
class TestLeftAlone(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.ar_invoice(100, '2025-11-01', '2025-12-01', invoice_user_id=cls.clerk.id)
        cls.second = cls.ar_invoice(200, '2026-02-01', '2026-03-01')
        cls.other = cls.ar_invoice(50, '2026-02-01', '2026-03-01', partner=cls.other_customer)

    def pause(self, user=None, **vals):
        return self.env['ar.pause'].with_user(user or self.clerk).create({
            'company_id': self.company.id, 'reason': "Talks about a delivery", 'date_end': '2026-04-15', **vals})

    def rows(self, *domain, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env['ar.left.alone'].with_user(user or self.clerk).with_context(
            allowed_company_ids=self.company.ids).search([('company_id', '=', self.company.id), *domain])

    def test_one_list(self):
        """A customer, an invoice, a mark: since when, how old, until when, whose, how much waits. Oldest first."""
        self.first.no_followup = True
        self.pause(partner_id=self.other_customer.id, date_start='2026-03-01')
        self.pause(move_id=self.second.id, date_start='2026-03-21', date_end='2026-05-31', user_id=self.manager.id)
        self.assertRecordValues(self.rows(), [{
            'kind': 'no_followup', 'partner_id': self.customer.id, 'move_id': self.first.id, 'date_end': False,
            'date_start': date(2025, 11, 1), 'days': 150, 'reason': "Marked no follow-up", 'amount_open': 100.0,
            'user_id': self.clerk.id, 'is_active': True,
        }, {
            'kind': 'customer', 'partner_id': self.other_customer.id, 'move_id': False, 'date_end': date(2026, 4, 15),
            'date_start': date(2026, 3, 1), 'days': 30, 'reason': "Talks about a delivery", 'amount_open': 50.0,
            'user_id': self.clerk.id, 'is_active': True,
        }, {
            'kind': 'invoice', 'partner_id': self.customer.id, 'move_id': self.second.id, 'date_end': date(2026, 5, 31),
            'date_start': date(2026, 3, 21), 'days': 10, 'reason': "Talks about a delivery", 'amount_open': 200.0,
            'user_id': self.manager.id, 'is_active': True,
        }])
        self.assertEqual(self.rows(('date_start', '<', 'today -90d')).move_id, self.first, "the old ones")
        self.assertEqual(self.rows(('reason', 'ilike', "delivery")).mapped('kind'), ['customer', 'invoice'])

    def test_mark_is_respected_and_leaves_the_list_with_the_debt(self):
        self.first.no_followup = True
        run = self.ar_run()
        self.assertOutcome(run, self.first, 'skipped', 'no_followup')
        self.assertOutcome(run, self.second, 'sent', 'due', 200.0)
        self.assertEqual(self.rows().move_id, self.first)
        self.ar_pay(self.first, '2026-03-30')
        self.assertFalse(self.rows())

    def test_instalments_are_one_row(self):
        move = self.ar_invoice(1000, '2026-01-01', invoice_payment_term_id=instalment_terms(self.env).id)
        move.no_followup = True
        self.assertRecordValues(self.rows(), [{'move_id': move.id, 'amount_open': 1000.0}])

    def test_paused_instalment(self):
        move = self.ar_invoice(1000, '2026-01-01', invoice_payment_term_id=instalment_terms(self.env).id)
        item = self.ar_lines(move).sorted('date_maturity')[0]
        self.pause(move_id=move.id, move_line_id=item.id)
        self.assertEqual(self.rows().amount_open, 300.0)
        self.assertEqual(
            move.with_user(self.clerk).ar_pause_note,
            "for the instalment due 01/11/2026, until 04/15/2026: Talks about a delivery (dunning_clerk)".replace(
                "dunning_clerk", self.clerk.name))

    def test_over_is_not_in_force(self):
        self.pause(partner_id=self.customer.id, date_start='2026-01-01', date_end='2026-03-30')
        self.assertEqual(self.rows().is_active, False)
        self.assertFalse(self.rows(('is_active', '=', True)))
        self.assertEqual(len(self.rows(('is_active', '=', False))), 1)

    def test_ending_sends_nothing(self):
        """Neither of a pause nor of a mark: the next run proposes the items."""
        self.first.no_followup = True
        self.pause(move_id=self.second.id)
        letters = self.env['ar.dunning.letter'].search_count([])
        with self.mock_mail_gateway():
            self.rows().action_end()
        self.assertFalse(self._new_mails)
        self.assertEqual(self.env['ar.dunning.letter'].search_count([]), letters)
        self.assertFalse(self.first.no_followup)
        self.assertIn("No longer marked no follow-up", self.first.message_ids[0].body)
        self.assertEqual(self.first.message_ids[0].author_id, self.clerk.partner_id)
        self.assertFalse(self.rows(('is_active', '=', True)))
        run = self.ar_run()
        self.assertOutcome(run, self.first, 'sent', 'due')
        self.assertOutcome(run, self.second, 'sent', 'due')

    def test_ended_pause_waits_for_the_next_automatic_run(self):
        """The run of the day that left the customer out does not come back to him; tomorrow's proposes him."""
        self.company.write({'ar_dunning_automatic': True, 'ar_dunning_working_hours': False})
        self.env['res.company'].search([('id', '!=', self.company.id)]).ar_dunning_automatic = False
        pause = self.pause(partner_id=self.customer.id)
        job = self.env.ref('ar_coordinator.ir_cron_ar_dunning_run')
        triggers = [('cron_id', '=', job.id)]
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            job.method_direct_trigger()
            before = self.env['ir.cron.trigger'].search_count(triggers)
            pause.action_end()
            self.assertEqual(self.env['ir.cron.trigger'].search_count(triggers), before, "it wakes nobody")
            job.method_direct_trigger()
        letters = self.env['ar.dunning.letter'].search([('company_id', '=', self.company.id)])
        self.assertEqual(letters.partner_id, self.other_customer)

    def test_give_a_mark_an_end(self):
        """The mark becomes a pause with reason, owner and end; it still waits."""
        self.first.no_followup = True
        action = self.rows().action_give_end()
        pause = self.env['ar.pause'].with_user(self.clerk).with_context(**action['context']).create(
            {'reason': "In court until May", 'date_end': '2026-05-31'})
        self.assertEqual((pause.move_id, pause.partner_id, pause.user_id), (self.first, self.customer, self.clerk))
        self.assertFalse(self.first.no_followup)
        self.assertEqual(self.rows().kind, 'invoice')
        self.assertOutcome(self.ar_run(), self.first, 'skipped', 'paused')
        with self.assertRaises(UserError):
            self.first.with_user(self.clerk).action_ar_give_end()

    def test_shown_on_the_customer_and_the_invoice(self):
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customer.id})
        self.pause(partner_id=self.customer.id)
        self.pause(move_id=self.first.id, date_end='2026-06-30')
        self.second.no_followup = True
        self.env.flush_all()
        partners = (self.customer + contact + self.other_customer).with_user(self.clerk).with_company(self.company)
        note = f"until 04/15/2026: Talks about a delivery ({self.clerk.name})"
        self.assertEqual(partners.mapped('ar_pause_note'), [note, note, ""])
        self.assertEqual(partners.mapped('ar_is_paused'), [True, True, False])
        self.assertEqual(partners.mapped('ar_left_alone_count'), [3, 3, 0])
        self.assertEqual(partners.search([('ar_is_paused', '=', True), ('id', 'in', partners.ids)]), partners[:2])
        self.assertEqual(self.first.with_user(self.clerk).ar_pause_note, (
            f"until 06/30/2026: Talks about a delivery ({self.clerk.name}); all of the customer's, {note}"))
        self.assertFalse(self.other.with_user(self.clerk).ar_pause_note)
        action = partners[0].action_ar_view_left_alone()
        self.assertEqual(len(self.env['ar.left.alone'].search(action['domain'])), 3)
        action = self.first.with_user(self.clerk).action_ar_view_pauses()
        self.assertEqual(len(self.env['ar.pause'].search(action['domain'])), 2)

    def test_as_many_queries_for_many_customers(self):
        for partner in (self.customer, self.other_customer):
            self.pause(partner_id=partner.id)
        partners = (self.customer + self.other_customer).with_company(self.company)
        self.env.flush_all()
        counts = []
        for own in (partners[:1], partners):
            self.env.invalidate_all()
            own.mapped('name')
            self.env['ar.pause'].search([]).user_id.mapped('name')
            start = self.cr.sql_log_count
            own.mapped('ar_pause_note')
            counts.append(self.cr.sql_log_count - start)
        self.assertEqual(counts[0], counts[1])

    # === WHO MAY === #

    def test_clerk_and_manager(self):
        for user in (self.clerk, self.manager):
            self.first.no_followup = True
            pause = self.pause(user=user, move_id=self.second.id)
            pause.with_user(user).date_end = '2026-04-20'
            self.assertEqual(len(self.rows(('is_active', '=', True), user=user)), 2)
            self.rows(('is_active', '=', True), user=user).action_end()
            self.assertFalse(self.rows(('is_active', '=', True)))
        with self.assertRaises(AccessError):
            pause.with_user(self.clerk).unlink()
        pause.with_user(self.manager).unlink()

    def test_reader_reads(self):
        self.first.no_followup = True
        pause = self.pause(move_id=self.second.id)
        rows = self.rows(user=self.reader)
        self.assertEqual(rows.mapped('reason'), ["Marked no follow-up", "Talks about a delivery"])
        for action in (rows.action_end, rows[0].action_give_end, pause.with_user(self.reader).action_end):
            with self.assertRaises(AccessError):
                action()
        self.assertTrue(self.first.no_followup)

    def test_sales_and_portal_see_nothing(self):
        self.first.no_followup = True
        self.pause(move_id=self.second.id)
        portal = new_test_user(self.env, 'left_portal', groups='base.group_portal', partner_id=False)
        for user in (self.ar_user('left_sales', 'sales_team.group_sale_salesman')
                     if 'crm.team' in self.env else self.ar_user('left_sales', 'base.group_user'), portal):
            for model in ('ar.left.alone', 'ar.pause'):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([])
            with self.assertRaises(AccessError):
                self.customer.with_user(user).read(['ar_pause_note'])

    def test_another_companys_clerk(self):
        self.first.no_followup = True
        pause = self.pause(partner_id=self.customer.id)
        company = self.setup_other_company()['company']
        stranger = new_test_user(
            self.env, 'left_stranger', groups='ar_coordinator.group_ar_user', company_id=company.id,
            company_ids=[(6, 0, company.ids)])
        self.env.flush_all()
        self.assertFalse(self.env['ar.left.alone'].with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            pause.with_user(stranger).action_end()
        customer = self.customer.with_user(stranger).with_company(company)
        self.assertEqual((customer.ar_is_paused, customer.ar_left_alone_count), (False, 0))
        mine = pause.with_user(stranger).with_company(company).create({
            'company_id': company.id, 'partner_id': self.customer.id, 'reason': "x", 'date_end': '2026-12-31'})
        self.assertEqual(self.env['ar.left.alone'].with_user(stranger).search([]).pause_id, mine)
        self.assertOutcome(self.ar_run(), self.second, 'skipped', 'paused')

    def test_a_write_off_that_waits_for_approval(self):
        """Its item gets no reminder, between preview and sending neither; the list says why. Refused, it goes on."""
        self.company.write({'ar_write_off_limit_user': 0, 'ar_dunning_quiet_days': 0})
        self.ar_user('dunning_manager_2', 'ar_coordinator.group_ar_manager')
        request = self.env['ar.write.off'].with_user(self.clerk).create({
            'partner_id': self.customer.id, 'company_id': self.company.id, 'cause': 'insolvent',
            'reason': "Insolvency file 12",
            'line_ids': [Command.create({'move_line_id': self.ar_lines(self.second).id})]})
        run = self.ar_run()
        self.assertOutcome(run, self.second, 'sent', 'due', 200.0)
        request.action_submit()
        self.assertEqual(request.state, 'requested')
        with self.mock_mail_gateway():
            run.action_send()
        self.assertOutcome(run, self.second, 'skipped', 'write_off')
        self.assertOutcome(run, self.first, 'sent', 'due', 100.0)
        row = self.rows(('kind', '=', 'write_off'))
        self.assertRecordValues(row, [{
            'partner_id': self.customer.id, 'move_id': self.second.id, 'user_id': self.clerk.id, 'date_end': False,
            'date_start': date(2026, 3, 31), 'amount_open': 200.0, 'is_active': True,
            'reason': "Write-off waits for approval: Insolvency file 12"}])
        self.assertEqual(self.rows(('reason', 'ilike', "file 12"), ('is_active', '=', True)), row)
        self.assertEqual(row.action_open()['res_model'], 'ar.write.off')
        with self.assertRaisesRegex(UserError, "approve, refuse or cancel"):
            row.action_end()
        request.with_user(self.manager).action_refuse()
        self.assertFalse(self.rows(('kind', '=', 'write_off')))
        self.assertOutcome(self.ar_run(), self.second, 'sent', 'due', 200.0)
