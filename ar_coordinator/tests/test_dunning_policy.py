"""Which policy an item follows: invoice, customer, rule, company's default; in which company, by whom."""
from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningPolicy(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ar.dunning.policy.rule'].search([]).unlink()
        cls.invoice = cls.ar_invoice(100, '2026-03-01', due='2026-03-20')
        cls.second = cls.ar_invoice(60, '2026-03-01', due='2026-03-21')
        cls.by_default, cls.by_rule, cls.by_customer, cls.by_invoice = (
            cls.new_policy(name) for name in ("By default", "By rule", "By customer", "By invoice"))
        cls.company.ar_dunning_policy_id = cls.by_default
        cls.germany, cls.france = cls.env.ref('base.de'), cls.env.ref('base.fr')
        cls.customer.country_id = cls.germany

    @classmethod
    def new_policy(cls, name, **vals):
        policy = cls.policy.copy({'name': name, **vals})
        policy.level_ids.name = name
        return policy

    def rule(self, policy=None, **vals):
        return self.env['ar.dunning.policy.rule'].create(
            {'policy_id': (policy or self.by_rule).id, 'company_id': self.company.id, **vals})

    def applied(self, **kwargs):
        """{invoice: name of the policy its level belongs to} in a new preview."""
        return {
            outcome.move_id: outcome.level_id.policy_id.name for outcome in self.ar_run(**kwargs).sudo().outcome_ids}

    def source(self, partner=None):
        partner = (partner or self.customer).with_user(self.reader).with_company(self.company)
        partner.invalidate_recordset(['ar_dunning_policy_source'])
        return partner.ar_dunning_policy_source

    def test_precedence_step_by_step(self):
        """Company's default, then a rule, then the customer's, then the invoice's; each takes the place of the last."""
        everything = self.invoice + self.second
        self.assertEqual(self.applied(), dict.fromkeys(everything, "By default"))
        self.assertEqual(self.source(), "By default, because it is the company's default")
        self.rule(country_ids=self.germany.ids)
        self.assertEqual(self.applied(), dict.fromkeys(everything, "By rule"))
        self.assertEqual(self.source(), "By rule, because of the rule for Germany")
        self.customer.with_company(self.company).ar_dunning_policy_id = self.by_customer
        self.assertEqual(self.applied(), dict.fromkeys(everything, "By customer"))
        self.assertEqual(self.source(), "By customer, because the customer was given it")
        self.invoice.with_user(self.clerk).ar_dunning_policy_id = self.by_invoice
        self.assertEqual(self.applied(), {self.invoice: "By invoice", self.second: "By customer"})
        self.invoice.with_user(self.clerk).ar_dunning_policy_id = False
        self.assertEqual(self.applied(), dict.fromkeys(everything, "By customer"))
        self.assertFalse(self.env['ar.dunning.policy.invoice'].search([('move_id', '=', self.invoice.id)]))

    def test_one_letter_over_two_policies(self):
        """Items of two policies go in one message to the customer, with the sum of both."""
        self.invoice.ar_dunning_policy_id = self.by_invoice
        letter = self.ar_send().letter_ids
        self.assertRecordValues(letter, [{'state': 'queued', 'amount_total': 160.0, 'line_count': 2}])
        self.assertEqual(letter.line_ids.level_id.policy_id, self.by_invoice + self.by_default)

    def test_invoice_policy_without_any_other(self):
        """Where nothing else applies, only the invoice that was given a policy is reminded."""
        self.company.ar_dunning_policy_id = False
        self.invoice.ar_dunning_policy_id = self.by_invoice
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'sent', 'due', 100.0)
        self.assertOutcome(run, self.second, 'skipped', 'no_policy')
        self.assertEqual(self.source(), "No policy: the customer is not reminded")

    def test_reminder_before_due_date_by_the_invoice_policy_only(self):
        early = self.new_policy("Early")
        early.level_ids[:1].delay_days = -5
        soon = self.ar_invoice(70, '2026-03-01', due='2026-04-04')
        also_soon = self.ar_invoice(80, '2026-03-01', due='2026-04-04')
        soon.ar_dunning_policy_id = early
        run = self.ar_run()
        self.assertOutcome(run, soon, 'sent', 'due', 70.0)
        self.assertNotIn(also_soon, run.sudo().outcome_ids.move_id)

    def test_rule_by_tag_includes_tags_below(self):
        keys = self.env['res.partner.category'].create({'name': "Key accounts"})
        gold = keys.create({'name': "Gold", 'parent_id': keys.id})
        other = keys.create({'name': "Other"})
        self.rule(category_ids=keys.ids)
        self.customer.category_id = other
        self.assertEqual(set(self.applied().values()), {"By default"})
        self.customer.category_id = other + gold
        self.assertEqual(set(self.applied().values()), {"By rule"})
        self.assertEqual(self.source(), "By rule, because of the rule for Key accounts")

    def test_rule_by_salesperson(self):
        self.rule(user_ids=self.clerk.ids)
        self.assertEqual(set(self.applied().values()), {"By default"})
        self.customer.user_id = self.clerk
        self.assertEqual(set(self.applied().values()), {"By rule"})

    def test_rule_by_amount_overdue(self):
        """160.00 is overdue; what is not due yet, and credits, do not count; below is below, from is from."""
        self.ar_invoice(1000, '2026-03-01', due='2026-04-30')
        self.ar_cash(20, '2026-03-25')
        overdue = self.invoice + self.second
        rule = self.rule(amount_from=160)
        for lower, upper, expected in (
            (160, 0, "By rule"), (160.01, 0, "By default"), (0, 160, "By default"), (0, 160.01, "By rule"),
            (100, 200, "By rule"),
        ):
            with self.subTest(lower=lower, upper=upper):
                rule.write({'amount_from': lower, 'amount_to': upper})
                applied = self.applied()
                self.assertEqual({applied[move] for move in overdue}, {expected})
                self.assertEqual(self.source().split(",")[0], expected)

    def test_amount_in_company_currency(self):
        """EUR 100 booked at 0.4 is 250.00 in company currency: 410.00 overdue, whatever the rate is today."""
        foreign = self.ar_invoice(100, '2026-02-15', due='2026-03-01', currency_id=self.eur.id)
        rule = self.rule(amount_from=410)
        self.assertEqual(self.applied()[foreign], "By rule")
        rule.amount_from = 410.01
        self.assertEqual(self.applied()[foreign], "By default")

    def test_all_conditions_must_fit_and_the_first_rule_wins(self):
        france = self.rule(self.by_invoice, country_ids=self.france.ids, sequence=1)
        both = self.rule(self.by_customer, country_ids=self.germany.ids, user_ids=self.clerk.ids, sequence=2)
        self.rule(country_ids=(self.germany + self.france).ids, sequence=3)
        self.assertEqual(set(self.applied().values()), {"By rule"})
        self.customer.user_id = self.clerk
        self.assertEqual(set(self.applied().values()), {"By customer"})
        both.sequence = 9
        self.assertEqual(set(self.applied().values()), {"By rule"})
        self.customer.country_id = self.france
        self.assertEqual(set(self.applied().values()), {"By invoice"})
        france.active = False
        self.assertEqual(set(self.applied().values()), {"By rule"})

    def test_archived_policies_are_passed_over(self):
        self.rule(country_ids=self.germany.ids)
        self.customer.with_company(self.company).ar_dunning_policy_id = self.by_customer
        self.invoice.ar_dunning_policy_id = self.by_invoice
        self.by_invoice.active = False
        self.assertEqual(set(self.applied().values()), {"By customer"})
        self.by_customer.active = False
        self.assertEqual(set(self.applied().values()), {"By rule"})
        self.by_rule.active = False
        self.assertEqual(set(self.applied().values()), {"By default"})

    def test_rules_of_another_company_do_not_apply(self):
        other = self.setup_other_company()['company']
        self.rule(company_id=other.id, country_ids=self.germany.ids)
        self.assertEqual(set(self.applied().values()), {"By default"})
        foreign = self.new_policy("Foreign", company_id=other.id)
        with self.assertRaises(UserError):
            self.rule(foreign, country_ids=self.germany.ids)
        with self.assertRaises(UserError):
            self.invoice.ar_dunning_policy_id = foreign

    def test_moving_to_another_policy_neither_repeats_nor_restarts(self):
        """Sent the first letter under the default, the invoice goes on with the second of its own policy."""
        self.ar_send()
        self.invoice.ar_dunning_policy_id = self.by_invoice
        run = self.ar_run(preview=False)
        self.company.ar_dunning_quiet_days = 0
        self.invoice.invoice_date_due = '2026-03-10'
        run.action_preview()
        outcome = run.sudo().outcome_ids.filtered(lambda outcome: outcome.move_id == self.invoice)
        self.assertEqual(outcome.level_id, self.by_invoice.level_ids[1])

    def test_rule_needs_a_condition_and_sane_amounts(self):
        for vals in ({}, {'amount_from': -1}, {'amount_from': 10, 'amount_to': 10}):
            with self.subTest(vals=vals), self.assertRaises(ValidationError):
                self.rule(**vals)

    def test_bill_takes_no_policy(self):
        bill = self.env['account.move'].create({'move_type': 'in_invoice', 'partner_id': self.customer.id})
        with self.assertRaises(ValidationError):
            bill.ar_dunning_policy_id = self.by_invoice

    def test_roles(self):
        """Clerks give invoices a policy, managers write rules, readers read."""
        rule = self.rule(country_ids=self.germany.ids)
        for user in (self.reader, self.clerk):
            with self.assertRaises(AccessError):
                rule.with_user(user).sequence = 3
            self.assertEqual(rule.with_user(user).name, "Germany")
        rule.with_user(self.manager).sequence = 3
        with self.assertRaises(AccessError):
            self.env['ar.dunning.policy.invoice'].with_user(self.reader).create(
                {'move_id': self.invoice.id, 'policy_id': self.by_invoice.id})
        self.invoice.with_user(self.clerk).ar_dunning_policy_id = self.by_invoice
        self.assertEqual(self.invoice.with_user(self.reader).ar_dunning_policy_id, self.by_invoice)

    def test_search_by_policy(self):
        mine = [('id', 'in', (self.invoice + self.second).ids)]
        moves = self.env['account.move'].with_user(self.reader)
        self.invoice.ar_dunning_policy_id = self.by_invoice
        self.assertEqual(moves.search([*mine, ('ar_dunning_policy_id', '=', self.by_invoice.id)]), self.invoice)
        self.assertEqual(moves.search([*mine, ('ar_dunning_policy_id', '=', False)]), self.second)
        self.assertEqual(moves.search([*mine, ('ar_dunning_policy_id', '!=', False)]), self.invoice)
        self.assertEqual(moves.search([*mine, ('ar_dunning_policy_id.name', '=', "By invoice")]), self.invoice)

    def test_posted_invoice_is_not_touched(self):
        """Giving a posted invoice a policy on its form leaves its books alone and survives a copy of the invoice."""
        with Form(self.invoice) as form:
            form.ar_dunning_policy_id = self.by_invoice
        self.assertRecordValues(self.invoice, [
            {'state': 'posted', 'amount_residual': 100.0, 'ar_dunning_policy_id': self.by_invoice.id}])
        self.assertFalse(self.invoice.copy().ar_dunning_policy_id)

    def test_as_many_queries_for_many_customers(self):
        """Resolving 60 customers takes as many queries as resolving 5."""
        tag = self.env['res.partner.category'].create({'name': "Many"})
        customers = self.env['res.partner'].create([
            {'name': f"Customer {number}", 'category_id': [Command.link(tag.id)]} for number in range(60)])
        self.rule(category_ids=tag.ids, amount_to=10)
        counts = []
        for some in (customers[:5], customers[:5], customers):  # the first round fills the registry's caches
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            resolved = self.env['ar.dunning.policy']._resolve(self.company, some)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual({found.policy for found in resolved.values()}, {self.by_rule})
        self.assertEqual(counts[1], counts[2])
