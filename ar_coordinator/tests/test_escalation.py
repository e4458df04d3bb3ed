"""Escalations: who is told, on which day, once; what ends them; who may answer. Wednesday 2026-06-10."""
import doctest

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.ar_coordinator.engine import escalation

from .desk_common import DeskCommon


@tagged('post_install', '-at_install')
class TestEscalation(DeskCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ar_dispute_manager_id = cls.manager
        cls.customer.user_id = cls.sales
        cls.rules['escalation'] = cls.env['ar.worklist.rule'].create({
            'name': "Escalation", 'kind': 'escalation', 'weight': 30, 'company_id': cls.company.id})
        cls.path = cls.ar_path(
            {'name': "Sales", 'days': 30, 'to': 'salesperson'},
            {'name': "Sixty days", 'days': 60, 'amount': 500, 'to': 'manager', 'repeat_days': 14},
            {'name': "Agency", 'days': 90, 'to': 'agency', 'wait_days': 14})

    @classmethod
    def ar_path(cls, *steps, **vals):
        """A path of the test company with these steps."""
        return cls.env['ar.escalation.path'].create({
            'name': "Path", 'company_id': cls.company.id, 'step_ids': [
                Command.create({'sequence': number, **step}) for number, step in enumerate(steps)], **vals})

    def cron(self, day='2026-06-10'):
        """What the job does for the test company on a day; return everything that was ever told, the oldest first."""
        escalations = self.env['ar.escalation'].sudo().with_context(allowed_company_ids=self.company.ids)
        with freeze_time(f'{day} 12:00:00'):
            escalations._close_over(self.company)
            escalations._tell(self.company, escalations._get_automatic(self.company))
        return self.env['ar.escalation'].search([('company_id', '=', self.company.id)], order='id')

    def job(self):
        """The hourly job itself, at noon of today."""
        with self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_escalation').method_direct_trigger()
        self.env.invalidate_all()

    def names(self, records):
        return records.mapped('step_id.name')

    # === WHEN === #

    def test_engine(self):
        self.assertEqual(doctest.testmod(escalation).failed, 0)

    def test_on_the_exact_day_once(self):
        """The 30th day, not the 29th; the facts of that day; nobody is told twice of the same state."""
        self.ar_invoice(400, '2026-05-01', due='2026-05-12')
        self.assertFalse(self.cron('2026-06-10'))
        told = self.cron('2026-06-11')
        self.assertEqual(
            (told.step_id.name, told.user_id, told.date.isoformat(), told.amount, told.days, told.state),
            ("Sales", self.sales, '2026-06-11', 400.0, 30, 'open'))
        self.assertIn("400.00", told.reason)
        self.assertIn("30 days", told.reason)
        task = told.activity_ids
        self.assertEqual((task.user_id, task.date_deadline.isoformat()), (self.sales, '2026-06-11'))
        self.assertIn("Harbour Fish", task.summary)
        for day in ('2026-06-11', '2026-06-12', '2026-07-10'):
            self.assertEqual(self.cron(day), told)  # 400 is less than the next step's 500
        self.assertEqual(len(told.activity_ids), 1)

    def test_old_debts_climb_one_step_at_a_time(self):
        """However old: a week between steps, two before the agency; the second is repeated after 14 days."""
        self.ar_invoice(1000, '2026-01-01')
        self.assertEqual(self.names(self.cron('2026-06-10')), ["Sales"])
        self.assertEqual(len(self.cron('2026-06-16')), 1)
        self.assertEqual(self.names(self.cron('2026-06-17')), ["Sales", "Sixty days"])
        self.assertEqual(len(self.cron('2026-06-30')), 2)
        told = self.cron('2026-07-01')
        self.assertEqual(self.names(told), ["Sales", "Sixty days", "Agency"])
        self.assertEqual(told[1:].mapped('user_id'), self.manager)
        self.assertEqual(self.cron('2026-12-01'), told, "who has it last is asked, nobody below")

    def test_repeated_by_the_path_only(self):
        path = self.ar_path({'name': "Weekly", 'days': 1, 'to': 'manager', 'repeat_days': 7}, partner_ids=self.customer)
        self.ar_invoice(10, '2026-06-01')
        first = self.cron('2026-06-10')
        self.assertEqual(self.cron('2026-06-16'), first)
        told = self.cron('2026-06-17')
        self.assertEqual((told.mapped('number'), told.mapped('state')), ([1, 2], ['closed', 'open']))
        self.assertEqual((first.ended_by, len(first.activity_ids)), ('repeated', 0))
        told[1].with_user(self.manager).action_withdraw()
        self.assertEqual(self.cron('2026-06-30'), told, "taken back: not repeated while it lasts")
        self.assertEqual(path.with_user(self.clerk).action_show_due()['domain'], [('id', 'in', [])])

    def test_paid_meanwhile(self):
        """What was paid closes by itself, the task goes; a new debt is a new state."""
        invoice = self.ar_invoice(400, '2026-05-01', due='2026-05-11')
        told = self.cron('2026-06-10')
        self.ar_pay(invoice, '2026-06-10')
        self.assertEqual(self.cron('2026-06-11'), told)
        self.assertEqual((told.state, told.ended_by, told.date_ended.isoformat(), len(told.activity_ids)),
                         ('closed', 'over', '2026-06-11', 0))
        self.ar_invoice(70, '2026-05-20', due='2026-05-20')
        self.assertEqual(self.cron('2026-06-18'), told)
        again = self.cron('2026-06-19') - told
        self.assertEqual((again.amount, again.days, again.number, again.state), (70.0, 30, 1, 'open'))

    def test_paid_is_over_at_once(self):
        """The last payment ends it before its commit, the job need not run; a part of it does not."""
        invoice = self.ar_invoice(1000, '2026-04-01', '2026-05-11')
        told = self.cron()
        self.assertTrue(told.activity_ids)
        self.ar_pay(invoice, '2026-06-10', amount=400)
        self.env.cr.precommit.run()
        self.assertFalse(told.date_ended)
        self.ar_pay(invoice, '2026-06-10')
        self.env.cr.precommit.run()
        self.assertEqual((told.state, told.ended_by, told.activity_ids), ('closed', 'over', told.activity_ids.browse()))

    def test_paid_between_the_decision_and_the_task(self):
        """Facts are read again for each batch."""
        invoice = self.ar_invoice(400, '2026-05-01')
        escalations = self.env['ar.escalation']
        self.assertEqual(list(escalations._get_automatic(self.company)), [self.customer.id])
        self.ar_pay(invoice, '2026-06-10')
        self.assertEqual(escalations._get_automatic(self.company, [self.customer.id]), {})

    def test_what_is_left_alone_is_not_escalated(self):
        """Promised, disputed, paused, covered by credits, handed over."""
        invoices = self.ar_invoice(100, '2026-04-01') + self.ar_invoice(200, '2026-04-02')
        self.ar_promise(invoices[0], '2026-06-20')
        self.env['ar.dispute']._open(invoices[1], amount=200)
        other = self.ar_invoice(50, '2026-04-01', partner=self.other_customer)
        self.ar_cash(60, '2026-06-01', partner=self.other_customer)
        self.assertFalse(self.cron())
        self.ar_invoice(300, '2026-04-03')
        pause = self.env['ar.pause'].create({
            'company_id': self.company.id, 'partner_id': self.customer.id, 'reason': "Talks",
            'date_start': '2026-06-01', 'date_end': '2026-06-30'})
        self.assertFalse(self.cron())
        pause.unlink()
        self.assertEqual(self.cron().amount, 300.0)
        self.assertEqual(other.amount_residual, 50.0)

    def test_promises_not_kept(self):
        self.path.active = False
        self.ar_path({'name': "Word", 'broken': 2, 'to': 'manager'})
        first, second = self.ar_invoice(100, '2026-05-01'), self.ar_invoice(200, '2026-05-01')
        self.ar_promise(first, '2026-06-12')
        self.ar_night('2026-06-14')
        self.assertFalse(self.cron('2026-06-14'), "one is not two")
        self.ar_promise(second, '2026-06-16')
        self.ar_night('2026-06-18')
        told = self.cron('2026-06-18')
        self.assertEqual((told.amount, told.user_id), (300.0, self.manager))
        self.assertIn("2 promises were not kept", told.reason)
        self.ar_pay(first, '2026-06-19')
        self.cron('2026-06-19')
        self.assertEqual(told.state, 'closed', "one of the two is paid")

    def test_dispute_past_its_deadline(self):
        self.path.active = False
        self.ar_path({'name': "Late", 'dispute_days': 26, 'to': 'manager'})
        dispute = self.ar_late_dispute(self.ar_invoice(100, '2026-04-01'), 100)  # since 2026-05-15
        self.assertFalse(self.cron('2026-06-09'))
        told = self.cron('2026-06-10')
        self.assertIn("26 days past its deadline", told.reason)
        self.assertEqual(told.amount, 0.0, "what is disputed is not chased")
        dispute.outcome_note = "As agreed"
        dispute.action_reject()
        self.cron('2026-06-11')
        self.assertEqual((told.state, told.ended_by), ('closed', 'over'))

    def test_reminders_without_an_answer(self):
        self.path.active = False
        self.ar_path({'name': "Silence", 'letters': 2, 'answer_days': 7, 'level': 2, 'to': 'manager'})
        invoice = self.ar_invoice(100, '2026-03-01')
        for day in ('2026-06-10', '2026-06-20'):
            with freeze_time(f'{day} 12:00:00'), self.mock_mail_gateway():
                run = self.env['ar.dunning.run'].with_user(self.clerk).create(
                    {'as_of': day, 'company_id': self.company.id})
                run.action_preview()
                run.action_send()
        self.assertEqual(invoice.ar_dunning_level_id, self.company.ar_dunning_policy_id.level_ids[1])
        self.assertFalse(self.cron('2026-06-26'), "the second one may still be answered")
        told = self.cron('2026-06-27')
        self.assertIn("2 reminders without an answer", told.reason)
        self.assertIn("level 2", told.reason)
        with freeze_time('2026-06-28 12:00:00'):
            self.env['ar.call'].with_user(self.clerk)._log(self.customer, self.company, 'reached')
        self.cron('2026-06-28')
        self.assertEqual(told.state, 'closed', "the customer spoke")

    # === FOR WHOM === #

    def test_path_of_customer_policy_company(self):
        policy = self.env['ar.dunning.policy'].create({'name': "Key accounts"})
        third = self.env['res.partner'].create({'name': "Quayside Catering"})
        third.with_company(self.company).ar_dunning_policy_id = policy
        self.ar_path({'name': "Policy", 'days': 5, 'to': 'manager'}, policy_ids=policy, sequence=50)
        contact = self.env['res.partner'].create({'name': "Ada", 'parent_id': self.other_customer.id})
        own = self.ar_path({'name': "Own", 'days': 5, 'to': 'manager'}, partner_ids=contact, sequence=90)
        self.assertEqual(own.partner_ids, self.other_customer)
        for partner in (self.customer, self.other_customer, third):
            self.ar_invoice(100, '2026-05-01', partner=partner)
        self.assertEqual(
            {told.partner_id: told.step_id.name for told in self.cron()},
            {self.customer: "Sales", self.other_customer: "Own", third: "Policy"})

    def test_who_is_told(self):
        """The collector's substitute, a person, the one of a role with the least to answer; else a manager."""
        step = self.path.step_ids[0]

        def find(customer):
            return step._find_user(customer, self.company)

        self.assertEqual(find(self.customer), (self.sales, False))
        self.assertEqual(find(self.other_customer), (self.manager, True), "no salesperson")
        self.sales.active = False
        self.assertEqual(find(self.customer), (self.manager, True), "who left is not told")
        step.to = 'collector'
        self.assertEqual(find(self.customer), (self.collector, False))
        self.env['ar.collector.absence'].create({
            'user_id': self.collector.id, 'substitute_id': self.clerk.id, 'date_from': '2026-06-01',
            'date_to': '2026-06-30'})
        self.assertEqual(find(self.customer), (self.clerk, False))
        step.write({'to': 'user', 'user_id': self.reader.id})
        self.assertEqual(find(self.customer), (self.reader, False))
        group = self.env['res.groups'].create({
            'name': "Lawyers in house", 'user_ids': [Command.set((self.clerk + self.reader).ids)]})
        first = min(self.clerk + self.reader, key=lambda user: user.id)
        step.write({'to': 'role', 'group_id': group.id})
        self.assertEqual(find(self.customer), (first, False))
        self.ar_invoice(100, '2026-05-01')
        self.assertEqual(self.cron().user_id, first)
        self.assertEqual(find(self.customer)[0], self.clerk + self.reader - first)

    def test_nobody_there(self):
        """A customer without a salesperson: the manager is told, and why it is he."""
        self.ar_invoice(100, '2026-05-01', partner=self.other_customer)
        told = self.cron()
        self.assertEqual(told.user_id, self.manager)
        self.assertIn("no salesperson", told.reason)

    def test_two_companies(self):
        """Each company's customers, amounts and paths are its own."""
        other, _invoice = self.other_books()
        self.ar_invoice(1000, '2026-05-01')
        self.assertEqual(self.cron().mapped('amount'), [1000.0])
        self.assertFalse(self.env['ar.escalation'].search([('company_id', '=', other.id)]))
        self.path.company_id = False
        self.job()
        self.assertEqual(len(self.cron()), 1)
        theirs = self.env['ar.escalation'].search([('company_id', '=', other.id)])
        self.assertEqual((theirs.partner_id, theirs.amount, theirs.days), (self.customer, 300.0, 40))
        self.assertNotEqual(theirs.user_id, self.sales, "who does not work there is not told")
        with self.assertRaises(AccessError):
            theirs.with_user(self.manager).read(['amount'])

    def test_off_until_switched_on(self):
        self.path.active = False
        self.ar_invoice(1000, '2025-01-01')
        self.assertFalse(self.env.ref('ar_coordinator.ar_escalation_path_usual').active)
        self.job()
        told = self.env['ar.escalation'].search([])
        self.assertFalse(told)
        self.env.ref('ar_coordinator.ar_escalation_path_usual').active = True
        self.job()
        told = told.search([('company_id', '=', self.company.id)])
        self.assertEqual(self.names(told), ["Sixty days"], "no dispute, no reminder, no promise before")

    # === ANSWERS === #

    def told(self):
        self.ar_invoice(400, '2026-05-01')
        return self.cron()

    def test_salesperson_takes_on(self):
        """Who was told reads and answers it, without any other right to receivables."""
        told = self.told()
        own = told.with_user(self.sales)
        self.assertEqual((own.amount, own.can_answer), (400.0, True))
        self.assertIn("400.00", own.reason)
        own.answer = "I talk to them on Friday"
        own.action_acknowledge()
        self.assertEqual((told.state, told.answered_by_id, told.date_answered.isoformat(), len(told.activity_ids)),
                         ('acknowledged', self.sales, '2026-06-10', 0))
        with self.assertRaises(UserError):
            own.action_acknowledge()
        with self.assertRaises(UserError):
            own.answer = "Something else"
        with self.assertRaises(AccessError):
            self.env['ar.worklist'].with_user(self.sales).get_page()
        self.ar_invoice(10, '2026-05-01', partner=self.other_customer)
        with self.assertRaises(AccessError):
            (self.cron() - told).with_user(self.sales).read(['reason'])

    def test_task_done_is_taken_on(self):
        told = self.told()
        told.activity_ids.with_user(self.sales).action_feedback(feedback="Done, they pay on Monday")
        self.assertEqual((told.state, told.answered_by_id, told.answer),
                         ('acknowledged', self.sales, "Done, they pay on Monday"))

    def test_tasks_of_others_answer_nothing(self):
        """Readers may write on an escalation, and so complete its tasks; the answer is that of who was told."""
        told = self.told()
        with self.assertRaisesRegex(AccessError, "Only who was told"):
            told.activity_ids.with_user(self.collector).action_feedback(feedback="Nothing to do")
        own = told.with_user(self.collector).activity_schedule(
            'mail.mail_activity_data_todo', user_id=self.collector.id)
        own.action_feedback(feedback="Nothing to do")
        self.assertEqual((told.state, told.answer), ('open', False))
        told.activity_ids.with_user(self.manager).action_feedback(feedback="I call them")
        self.assertEqual((told.state, told.answered_by_id), ('acknowledged', self.manager))

    def test_readers_cannot_take_the_task_away(self):
        """Nobody cancels, passes on or turns round the task of one that waits; who was told may move its day."""
        record = self.told()
        task = record.sudo().activity_ids
        reader = self.ar_user('escalation_reader', 'ar_coordinator.group_ar_readonly')
        for user in (reader, self.clerk, record.user_id):
            own = task.with_user(user)
            for vals in ({'user_id': reader.id}, {'active': False}, {'res_id': self.customer.id,
                         'res_model_id': self.env['ir.model']._get_id('res.partner')},
                         {'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id}):
                with self.subTest(user=user.login, vals=vals), self.assertRaises(AccessError):
                    own.write(vals)
            with self.assertRaises(AccessError):
                own.unlink()
            with self.assertRaises(AccessError):
                own.action_cancel() if hasattr(own, 'action_cancel') else own.unlink()
        task.with_user(record.user_id).date_deadline = '2026-06-20'
        self.assertEqual((record.sudo().activity_ids, task.user_id, record.state), (task, record.user_id, 'open'))
        record.with_user(record.user_id).action_acknowledge()
        self.assertFalse(record.sudo().activity_ids)

    def test_given_back(self):
        """With a reason; the collector gets a task and sees it on the worklist until he was in contact."""
        told = self.told()
        with self.assertRaises(UserError):
            told.with_user(self.sales).action_return()
        told.with_user(self.sales).write({'answer': "Not my customer"})
        told.with_user(self.sales).action_return()
        self.assertEqual((told.state, told.activity_ids.user_id), ('returned', self.collector))
        self.assertEqual(self.parts()['escalation'], 30.0)
        self.assertIn("Not my customer", " ".join(self.row()['reasons']))
        self.assertEqual(self.cron('2026-06-11'), told, "given back: not told again")
        with freeze_time('2026-06-11 12:00:00'):
            self.env['ar.call'].with_user(self.clerk)._log(self.customer, self.company, 'reached')
            self.assertIsNone(self.row())

    def test_due_on_the_worklist(self):
        """Live: what is due shows at once; a path that does not go by itself waits for the button."""
        self.path.is_automatic = False
        self.ar_invoice(400, '2026-05-01', due='2026-05-11')
        self.assertFalse(self.cron())
        row = self.row()
        self.assertEqual((row['best'], {part['kind']: part['points'] for part in row['parts']}['escalation']),
                         ('escalate', 30.0))
        self.assertIn("Sales (30 days overdue)", row['reasons'][0])
        desk = self.env['ar.worklist']
        with self.assertRaises(AccessError):
            desk.with_user(self.reader).get_action(self.customer.id, self.company.id, 'escalate')
        desk.with_user(self.clerk).get_action(self.customer.id, self.company.id, 'escalate')
        told = self.cron()
        self.assertEqual((told.user_id, told.asked_by_id), (self.sales, self.clerk))
        row = self.row()
        self.assertNotIn('escalation', [part['kind'] for part in row['parts']])
        self.assertIn("was told on", row['reasons'][-1])
        kinds = self.env['ar.customer.sheet'].with_user(self.reader).get_timeline(
            self.customer.id, self.company.id, ['escalation'])['entries']
        self.assertEqual([(entry['amount'], entry['date']) for entry in kinds], [(400.0, '2026-06-10')])

    def test_hand_over_is_a_managers_decision(self):
        """Nobody is handed over by the job; the button does, chasing stops, and what was open closes."""
        self.path.step_ids[:2].unlink()
        self.ar_invoice(1000, '2026-01-01')
        told = self.cron()
        self.assertEqual((told.to, told.user_id), ('agency', self.manager))
        self.assertFalse(self.customer.with_company(self.company).ar_is_handed_over)
        with self.assertRaises(AccessError):
            told.with_user(self.clerk).action_hand_over()
        action = told.with_user(self.manager).action_hand_over()
        hand_over = self.env['ar.hand.over'].browse(action['res_id'])
        self.assertEqual((hand_over.to, hand_over.state, told.hand_over_id), ('agency', 'open', hand_over))
        self.assertIn("1,000.00", hand_over.reason)
        self.assertEqual((told.state, told.ended_by), ('acknowledged', 'handed_over'))
        self.assertIsNone(self.row())
        self.assertEqual(self.cron('2026-06-30'), told)
        hand_over.with_user(self.manager).action_return()
        self.assertEqual(len(self.cron('2026-07-01')), 2, "back with us: the path goes on")

    def test_passed_on_by_managers(self):
        told = self.told()
        with self.assertRaises(AccessError):
            told.with_user(self.sales).user_id = self.clerk
        told.with_user(self.manager).user_id = self.clerk
        self.assertEqual(told.activity_ids.user_id, self.clerk)
        told.with_user(self.clerk).action_acknowledge()
        self.assertEqual(told.answered_by_id, self.clerk)

    # === GUARDS === #

    def test_the_log_writes_itself(self):
        told = self.told()
        for user in (self.sales, self.reader, self.clerk, self.manager):
            for change in (
                lambda user=user: told.with_user(user).write({'state': 'withdrawn'}),
                lambda user=user: told.with_user(user).write({'date_ended': '2026-06-10'}),
                lambda user=user: told.with_user(user).copy({'date_ended': '2026-06-10'}),
                lambda user=user: told.with_user(user).unlink(),
            ):
                with self.assertRaises(AccessError):
                    change()
        for user in (self.reader, self.clerk):
            for button in ('action_acknowledge', 'action_withdraw'):
                with self.assertRaises(AccessError):
                    getattr(told.with_user(user), button)()
        self.assertEqual(told.state, 'open')
        with self.assertRaises(AccessError):
            self.path.with_user(self.clerk).write({'name': "Mine"})

    def test_steps_make_sense(self):
        for step in ({'to': 'manager'}, {'days': 5, 'to': 'user'}, {'days': 5, 'to': 'role'}):
            with self.assertRaises(ValidationError):
                self.ar_path({'name': "Step", **step})
        self.told()
        with self.assertRaises(ValidationError):
            self.path.step_ids[0].unlink()
