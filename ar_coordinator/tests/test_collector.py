"""Assignment of collectors: rules, balancing, what people decided, history, substitutes, the team's figures."""
import doctest

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import BaseCase, Form, tagged

from ..engine import assignment
from .promise_common import PromiseCommon


class CollectorCommon(PromiseCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna, cls.ben = (
            cls.ar_user(f'collector_{name}', 'ar_coordinator.group_ar_user') for name in ('anna', 'ben'))
        cls.rules = cls.env['ar.collector.rule'].with_user(cls.manager)
        # customers of the test only: those of the company
        cls.partners = cls.env['res.partner'].create([
            {'name': name, 'customer_rank': 1, 'company_id': cls.company.id, **vals} for name, vals in (
                ("Adler", {'country_id': cls.env.ref('base.de').id}),
                ("Berg", {'country_id': cls.env.ref('base.nl').id}),
                ("Zander", {'country_id': cls.env.ref('base.nl').id}))])
        cls.adler, cls.berg, cls.zander = cls.partners

    def rule(self, collectors, **vals):
        return self.rules.create({
            'name': "Rule", 'company_id': self.company.id, 'collector_ids': [Command.set(collectors.ids)], **vals})

    def owner(self, partner):
        return partner.with_company(self.company).ar_collector_id

    def proposed(self, partners=None):
        """{name: login} that the rules propose."""
        given = self.rules.sudo()._propose(self.company, partners or self.partners)[0]
        return {partner.name: user.login.removeprefix('collector_') for partner, (user, _rule) in given.items()}

    def wizard(self, user=None, **vals):
        return self.env['ar.collector.assign'].with_user(user or self.manager).with_company(self.company).create(
            {'partner_ids': [Command.set(self.partners.ids)], **vals})


@tagged('post_install', '-at_install')
class TestAssignmentEngine(BaseCase):

    def test_doctests(self):
        result = doctest.testmod(assignment)
        self.assertGreater(result.attempted, 5)
        self.assertEqual(result.failed, 0)


@tagged('post_install', '-at_install')
class TestCollectorRules(CollectorCommon):

    def test_first_rule_that_fits(self):
        """By country first, else by name; who fits no rule gets nobody."""
        self.rule(self.anna, sequence=1, country_ids=[Command.set(self.env.ref('base.de').ids)])
        self.rule(self.ben, sequence=2, name_from="A", name_to="K")
        self.assertEqual(self.proposed(), {'Adler': 'anna', 'Berg': 'ben'})

    def test_conditions(self):
        """Industry, tag, salesperson and amount, each alone."""
        industry = self.env['res.partner.industry'].create({'name': "Fish"})
        tag = self.env['res.partner.category'].create({'name': "Key account"})
        self.adler.write({'industry_id': industry.id})
        self.berg.write({'category_id': [Command.link(tag.id)]})
        self.zander.write({'user_id': self.clerk.id})
        for vals, expected in (
                ({'industry_ids': [Command.set(industry.ids)]}, ['Adler']),
                ({'tag_ids': [Command.set(tag.ids)]}, ['Berg']),
                ({'salesperson_ids': [Command.set(self.clerk.ids)]}, ['Zander'])):
            rule = self.rule(self.anna, **vals)
            self.assertEqual(list(self.proposed()), expected)
            rule.active = False
        for partner, amount in zip(self.partners, (999.99, 1000, 5000), strict=True):
            self.ar_invoice(amount, '2026-06-01', partner=partner)
        self.rule(self.anna, amount_from=1000, amount_to=5000)
        self.assertEqual(self.proposed(), {'Berg': 'anna'}, "from 1,000 to below 5,000, credits deducted")

    def test_balance_by_number_and_by_overdue(self):
        for partner, amount in zip(self.partners, (900, 500, 300), strict=True):
            self.ar_invoice(amount, '2026-05-01', partner=partner)
        rule = self.rule(self.anna + self.ben, balance='overdue')
        self.assertEqual(self.proposed(), {'Adler': 'anna', 'Berg': 'ben', 'Zander': 'ben'})
        rule.balance = 'number'
        self.assertEqual(self.proposed(), {'Adler': 'anna', 'Berg': 'ben', 'Zander': 'ben'}, "equal, then less overdue")
        self.other_customer.with_company(self.company).ar_collector_id = self.ben
        self.assertEqual(self.proposed(), {'Adler': 'anna', 'Berg': 'ben', 'Zander': 'anna'}, "ben has one already")

    def test_who_left_gets_nobody(self):
        self.rule(self.anna + self.ben)
        self.anna.sudo().active = False
        self.assertEqual(set(self.proposed().values()), {'ben'})

    def test_rules_make_sense(self):
        stranger = self.env['res.users'].search([('company_ids', 'not in', self.company.ids)], limit=1)
        for vals in ({'amount_from': 10, 'amount_to': 10}, {'name_from': "K", 'name_to': "A"},
                     {'collector_ids': [Command.clear()]}, {'collector_ids': [Command.set(stranger.ids)]}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.rule(self.anna).write(vals)
        with self.assertRaises(AccessError):
            self.rules.with_user(self.clerk).create({'name': "x", 'collector_ids': [Command.set(self.clerk.ids)]})

    def test_job_gives_out_new_customers(self):
        """Who has nobody gets somebody; what a person decided stays, also that a customer has nobody."""
        self.adler.with_company(self.company).ar_collector_id = self.ben
        self.berg.with_company(self.company).ar_collector_id = self.ben
        self.berg.with_company(self.company).ar_collector_id = False
        rule = self.rule(self.anna, name="All")
        with self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_collector').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(
            [self.owner(partner) for partner in self.partners], [self.ben, self.env['res.users'], self.anna])
        [own] = self.zander.ar_assignment_ids
        self.assertEqual((own.origin, own.rule_id, own.reason, own.user_id), ('rule', rule.sudo(), "All", self.anna))

    def test_button(self):
        self.rule(self.anna)
        with self.assertRaises(AccessError):
            self.rules.with_user(self.clerk).with_company(self.company).action_assign_new()
        self.rules.with_company(self.company).action_assign_new()
        self.assertEqual(self.owner(self.zander), self.anna)

    def test_queries_do_not_grow(self):
        self.rule(self.anna + self.ben)
        counts = []
        for size in (3, 40):
            partners = self.env['res.partner'].create([
                {'name': f"Customer {size} {number}", 'customer_rank': 1} for number in range(size)])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.rules.sudo()._propose(self.company, partners)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])


@tagged('post_install', '-at_install')
class TestCollectorHistory(CollectorCommon):

    def test_every_change_is_kept(self):
        """By hand, through a form or RPC: who, when, from whom to whom; and the chatter says it."""
        customer = self.zander.with_user(self.env.user).with_company(self.company)
        customer.ar_collector_id = self.anna
        customer.ar_collector_id = self.anna  # no change
        customer.ar_collector_id = self.ben
        last, first = customer.ar_assignment_ids.sorted('id', reverse=True)
        self.assertEqual((first.from_user_id, first.user_id, last.from_user_id, last.user_id),
                         (self.env['res.users'], self.anna, self.anna, self.ben))
        self.assertEqual((last.origin, last.assigned_by_id, last.company_id), ('hand', self.env.user, self.company))
        self.assertIn(f"{self.anna.name} → {self.ben.name}", customer.message_ids[0].body)

    def test_new_customers_with_a_collector(self):
        partner = self.env['res.partner'].with_company(self.company).create(
            {'name': "New", 'ar_collector_id': self.anna.id})
        self.assertEqual(partner.ar_assignment_ids.mapped('origin'), ['hand'])

    def test_history_cannot_be_changed(self):
        self.zander.with_company(self.company).ar_collector_id = self.anna
        own = self.zander.ar_assignment_ids
        manager = own.with_user(self.manager)
        for change in (lambda: manager.write({'reason': "x"}), lambda: manager.unlink(), lambda: manager.create({
                'company_id': self.company.id, 'partner_id': self.zander.id, 'origin': 'rule'})):
            with self.assertRaises(AccessError):
                change()

    def test_nobody_pretends_to_be_a_rule(self):
        """What comes in the context from outside has no say."""
        self.zander.with_company(self.company).with_context(
            ar_collector_cause={'origin': 'rule'}).ar_collector_id = self.anna
        self.assertEqual(self.zander.ar_assignment_ids.origin, 'hand')


@tagged('post_install', '-at_install')
class TestCollectorWizard(CollectorCommon):

    def setUp(self):
        super().setUp()
        self.adler.with_company(self.company).ar_collector_id = self.ben  # by hand
        self.berg.with_company(self.company)._ar_assign(self.ben, 'rule')

    def test_preview_changes_nothing(self):
        self.ar_invoice(700, '2026-05-01', partner=self.zander)
        self.rule(self.anna)
        wizard = self.wizard()
        wizard.action_preview()
        [line] = wizard.line_ids
        self.assertEqual(
            (line.partner_id, line.from_user_id, line.user_id, line.overdue, line.is_by_hand),
            (self.zander, self.env['res.users'], self.anna, 700, False))
        self.assertEqual(
            [(load.user_id, load.number_now, load.number_then, load.overdue_then) for load in wizard.load_ids],
            [(self.anna, 0, 1, 700)])
        self.assertFalse(self.owner(self.zander))
        wizard.action_apply()
        self.assertEqual(self.owner(self.zander), self.anna)

    def test_scopes(self):
        """New ones; those of rules; and what a person decided only when it is asked for."""
        self.rule(self.anna)
        for scope, names in (('new', {"Zander"}), ('rule', {"Zander", "Berg"}), ('all', {"Zander", "Berg", "Adler"})):
            wizard = self.wizard(scope=scope)
            wizard.action_preview()
            self.assertEqual(set(wizard.line_ids.partner_id.mapped('name')), names)
        self.assertEqual(wizard.line_ids.filtered('is_by_hand').partner_id, self.adler)
        wizard.action_apply()
        self.assertEqual({self.owner(partner) for partner in self.partners}, {self.anna})

    def test_to_one_collector(self):
        """All customers of one go to another, with a reason."""
        wizard = self.wizard(
            by='user', scope='all', from_user_id=self.ben.id, user_id=self.anna.id, reason="New territories")
        wizard.action_preview()
        wizard.action_apply()
        self.assertEqual(
            [self.owner(partner) for partner in self.partners], [self.anna, self.anna, self.env['res.users']])
        last = self.adler.ar_assignment_ids.sorted('id')[-1]
        self.assertEqual((last.reason, last.assigned_by_id, last.origin), ("New territories", self.manager, 'hand'))

    def test_who_changed_in_between_is_left_alone(self):
        self.rule(self.anna)
        wizard = self.wizard()
        wizard.action_preview()
        self.zander.with_company(self.company).ar_collector_id = self.clerk
        wizard.action_apply()
        self.assertEqual(self.owner(self.zander), self.clerk)

    def test_managers_only(self):
        with self.assertRaises(AccessError):
            self.wizard(user=self.clerk)
        with self.assertRaises(UserError):
            self.wizard().action_apply()
        with self.assertRaises(UserError):
            self.wizard(by='user').action_preview()

    def test_from_the_list_of_customers(self):
        form = Form(self.env['ar.collector.assign'].with_user(self.manager).with_context(
            active_model='res.partner', active_ids=self.zander.ids))
        self.assertEqual((form.by, form.scope, form.partner_ids.ids), ('user', 'all', self.zander.ids))

    def test_my_customers(self):
        """The filter of the customers' list, in the current company."""
        found = self.env['res.partner'].with_user(self.ben).with_company(self.company).search(
            [('ar_collector_id', '=', self.ben.id), ('id', 'in', self.partners.ids)])
        self.assertEqual(found, self.adler + self.berg)


@tagged('post_install', '-at_install')
class TestCollectorAbsence(CollectorCommon):

    def away(self, user, substitute, first='2026-06-08', last='2026-06-12', **vals):
        return self.env['ar.collector.absence'].with_user(self.manager).create({
            'user_id': user.id, 'substitute_id': substitute.id, 'date_from': first, 'date_to': last, **vals})

    def test_tasks_go_to_the_substitute(self):
        """A call, a broken promise: to who is there. The customer stays the collector's."""
        self.away(self.collector_user, self.anna)
        self.customer.with_user(self.clerk).with_company(self.company).action_ar_call()
        call = self.customer.sudo().activity_ids
        self.assertEqual(call.user_id, self.anna)
        promise = self.ar_promise(self.ar_invoice(100, '2026-05-01'), '2026-06-10')
        self.ar_night('2026-06-12')
        self.assertEqual((promise.state, self.ar_tasks(promise).user_id), ('broken', self.anna))
        self.assertEqual(promise.user_id, self.collector_user)
        self.assertEqual(self.owner(self.customer), self.collector_user)

    def test_customers_are_shown_who_is_there(self):
        self.away(self.collector_user, self.anna)
        contact = self.env['ar.portal']._get_contact(self.customer, self.company)
        self.assertEqual(contact['name'], self.anna.name)

    def test_days_and_companies(self):
        """From the first to the last day, in the company it is about; substitutes of substitutes; not who left."""
        duty = self.collector_user._ar_on_duty
        self.assertEqual(duty(self.company), self.collector_user)
        absence = self.away(self.collector_user, self.anna)
        self.assertEqual(duty(self.company), self.anna)
        for day, who in (('2026-06-07', self.collector_user), ('2026-06-08', self.anna), ('2026-06-12', self.anna),
                         ('2026-06-13', self.collector_user)):
            with freeze_time(f'{day} 12:00:00'):
                self.assertEqual(duty(self.company), who, day)
        self.away(self.anna, self.ben)
        self.assertEqual(duty(self.company), self.ben)
        self.away(self.ben, self.collector_user)
        self.assertEqual(duty(self.company), self.collector_user, "nobody is there")
        absence.substitute_id = self.clerk
        self.assertEqual(duty(self.company), self.clerk)
        self.clerk.sudo().active = False
        self.assertEqual(duty(self.company), self.collector_user, "who left stands in for nobody")
        other = self.env['res.company'].create({'name': "Elsewhere"})
        self.assertEqual(self.anna._ar_on_duty(other), self.anna, "ben does not work there")

    def test_everybody_notes_down_their_own(self):
        mine = self.env['ar.collector.absence'].with_user(self.anna).create(
            {'substitute_id': self.ben.id, 'date_from': '2026-07-01', 'date_to': '2026-07-14'})
        self.assertEqual(mine.user_id, self.anna)
        with self.assertRaises(AccessError):
            mine.with_user(self.ben).write({'date_to': '2026-07-01'})
        with self.assertRaises(AccessError):
            self.env['ar.collector.absence'].with_user(self.ben).create(
                {'user_id': self.anna.id, 'substitute_id': self.ben.id, 'date_to': '2026-07-14'})
        other = self.env['res.company'].create({'name': "Elsewhere"})
        with self.assertRaises(ValidationError):
            self.away(self.anna, self.ben, company_id=other.id)

    @property
    def collector_user(self):
        """The collector of `customer`, see PromiseCommon."""
        return type(self).collector_of_customer

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.collector_of_customer = cls.customer.with_company(cls.company).ar_collector_id


@tagged('post_install', '-at_install')
class TestCollectorTeam(CollectorCommon):

    def team(self):
        return self.env['ar.collector.team'].with_user(self.reader).get_data(
            {'as_of': '2026-06-10', 'company_ids': self.company.ids})

    def test_exact_figures(self):
        """Customers, open, overdue, promises due, calls and money since Monday, against the target."""
        self.adler.with_company(self.company).ar_collector_id = self.anna
        self.berg.with_company(self.company).ar_collector_id = self.anna
        self.ar_invoice(1000, '2026-05-01', '2026-05-31', partner=self.adler)
        self.ar_invoice(200, '2026-06-01', '2026-06-30', partner=self.berg)
        self.ar_pay(self.ar_invoice(300, '2026-05-01', partner=self.berg), '2026-06-09')
        self.ar_pay(self.ar_invoice(40, '2026-05-01', partner=self.berg), '2026-06-07')  # Sunday
        self.ar_invoice(50, '2026-05-01', partner=self.zander)
        self.ar_pay(self.ar_invoice(60, '2026-05-01', partner=self.zander), '2026-06-10')
        promise = self.ar_promise(self.ar_invoice(70, '2026-05-01', partner=self.adler), '2026-06-10')
        self.assertEqual(promise.user_id, self.anna)
        self.env['ar.kpi.target'].create({
            'company_id': self.company.id, 'kpi': 'collected_week', 'user_id': self.anna.id, 'value': 600,
            'date_from': '2026-01-01'})
        for day in ('2026-06-07', '2026-06-08'):  # Sunday, Monday
            with freeze_time(f'{day} 12:00:00'):
                self.env['ar.call'].with_user(self.anna).with_company(self.company)._log(
                    self.adler, self.company, 'no_answer')
        self.env['ar.collector.absence'].create({
            'user_id': self.anna.id, 'substitute_id': self.ben.id, 'date_from': '2026-06-10', 'date_to': '2026-06-10'})
        data = self.team()
        anna = next(row for row in data['rows'] if row['id'] == self.anna.id)
        self.assertEqual(anna, {
            'id': self.anna.id, 'name': self.anna.name, 'away': self.ben.name, 'customers': 2, 'open': 1270,
            'overdue': 1070, 'promises_due': 1, 'calls': 1, 'collected': 300, 'target': 600, 'share': 0.5})
        self.assertEqual(data['rows'][-1]['id'], False, "nobody's customers come last")
        self.assertEqual(data['rows'][-1]['open'], 50)
        self.assertEqual((data['totals']['open'], data['totals']['collected']), (1320, 360))
        self.assertEqual(data['totals']['share'], 0.5, "of those who have a target")
        self.assertEqual(data['totals']['open'], self.ledger_balance('2026-06-10'))

    def test_board(self):
        """The cards have the figures of the list; each figure opens what it counts."""
        self.adler.with_company(self.company).ar_collector_id = self.anna
        self.ar_invoice(1000, '2026-05-01', partner=self.adler)
        self.ar_pay(self.ar_invoice(300, '2026-05-01', partner=self.adler), '2026-06-09')
        self.env['ar.call'].with_user(self.anna)._log(self.adler, self.company, 'no_answer')
        options = {'as_of': '2026-06-10', 'company_ids': self.company.ids}
        team = self.env['ar.collector.team']
        board = team.with_user(self.manager).get_board(options)
        anna = next(row for row in board['rows'] if row['id'] == self.anna.id)
        figures = {key: value for key, value in anna.items() if key != 'drills'}
        self.assertIn(figures, self.team()['rows'])
        drills = anna['drills']
        self.assertEqual(self.env['ar.call'].search_count(drills['calls']['domain']), anna['calls'])
        customers = self.env['res.partner'].with_company(self.company).search_count(drills['customers']['domain'])
        self.assertEqual(customers, anna['customers'])
        week = self.env['ar.collections.report'].with_user(self.manager).get_data(
            {**drills['collected']['options'], 'company_ids': self.company.ids})
        self.assertEqual((week['totals']['collected'], anna['collected']), (300, 300))
        page = self.env['ar.worklist'].with_user(self.manager).get_page(
            {**drills['worklist']['options'], 'company_ids': self.company.ids})
        self.assertEqual(page['keys'], [[self.adler.id, self.company.id]])
        self.assertTrue(board['can_assign'])
        self.assertFalse(team.with_user(self.reader).get_board(options)['can_assign'])

    def test_files_and_drill_down(self):
        self.adler.with_company(self.company).ar_collector_id = self.anna
        self.ar_invoice(1000, '2026-05-01', partner=self.adler)
        report = self.env['ar.collector.team'].with_user(self.reader)
        options = {'as_of': '2026-06-10', 'company_ids': self.company.ids}
        [table] = report.get_screen(options)['tables']
        row = next(row for row in table['rows'] if row['key'] == f'user-{self.anna.id}')
        self.assertEqual(row['drill']['domain'], [('ar_collector_id', '=', self.anna.id)])
        aged = self.env['ar.aging.report'].get_data(
            {**row['drills']['open']['options'], 'company_ids': self.company.ids})
        self.assertEqual(aged['totals']['total'], row['cells']['open'])
        self.assertTrue(report.get_xlsx(options))
        with self.assertRaises(AccessError):
            report.with_user(self.ar_user('team_stranger', 'base.group_user')).get_data(options)
