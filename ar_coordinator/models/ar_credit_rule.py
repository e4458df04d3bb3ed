"""Credit rules of a company: what stops a customer or a document, or warns about it. engine/credit.py decides.

The facts of customers are collected here, for any number of them at once, and only those that the rules ask for.
"""
from collections import defaultdict
from datetime import timedelta
from functools import partial

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from ..engine import credit
from .ar_batch import shared
from .ar_wording import counted

KINDS = [
    ('over_limit', "Over the limit"),
    ('without_credit', "Customer without credit"),
    ('share_used', "Share of the limit used"),
    ('overdue_days', "Overdue for days"),
    ('overdue_amount', "Overdue amount"),
    ('broken_promises', "Broken promises"),
    ('dunning_step', "Reminders sent"),
    ('review_expired', "Review expired"),
    ('returned_payment', "Returned payments"),
    ('no_information', "No credit information"),
    ('order_size', "Document above a size"),
]

# of a customer; what is not read here is read one by one, with all there is
JUDGED_FIELDS = (
    'ar_credit_class_id', 'ar_credit_group_id', 'ar_credit_mode', 'ar_credit_review_date', 'commercial_partner_id',
    'country_id', 'credit_limit')


class ArCreditRule(models.Model):
    _name = 'ar.credit.rule'
    _description = "Credit Rule"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10, help="The first rule that applies is named first.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, default=lambda self: self.env.company, help="Empty: all companies.")
    currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_currency_id',
        help="Of the amount; each company's own if shared.")
    kind = fields.Selection(selection=KINDS, string="When", required=True, default='over_limit')
    action = fields.Selection(
        selection=[('warn', "Warn"), ('hold', "Hold")], string="What Happens", required=True, default='warn',
        help="Hold: documents cannot be posted, confirmed or delivered without a release.")
    amount = fields.Float(digits='Account', help="More than this, in the company's currency.")
    percent = fields.Float(
        string="Per Cent", digits=(6, 2),
        help="Tolerance above the limit, or share of the limit from which on it applies.")
    days = fields.Integer(help="More days than this; for promises and payments: looked back so many days, 0: for ever.")
    count = fields.Integer(string="Times", default=1, help="From so many on.")
    on_posting = fields.Boolean(
        string="Invoices", default=True, help="When invoices are posted, if the company checks them (Settings).")
    on_order = fields.Boolean(string="Orders", default=True, help="When orders are confirmed.")
    on_delivery = fields.Boolean(string="Deliveries", default=True, help="When deliveries are validated.")
    class_ids = fields.Many2many(
        comodel_name='ar.credit.class', string="Risk Classes", ondelete='restrict',  # else it would be for all
        help="Only for these. Empty: for all.")
    country_ids = fields.Many2many(
        comodel_name='res.country', string="Countries", help="Only for customers there. Empty: for all.")
    description = fields.Char(compute='_compute_description', string="In Words")

    # === COMPUTE METHODS === #

    @api.depends('company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for rule in self:
            rule.currency_id = (rule.company_id or self.env.company).currency_id

    @api.depends('kind', 'action', 'amount', 'percent', 'days', 'count', 'company_id')
    @api.depends_context('company', 'lang')
    def _compute_description(self):
        for rule in self:
            money = formatLang(self.env, rule.amount, currency_obj=rule.currency_id)
            last = counted(
                rule.days, self.env._("since yesterday"), self.env._("in the last %(days)s days", days=rule.days)
            ) if rule.days else self.env._("ever")
            rule.description = {
                'over_limit': self.env._("exposure above the limit plus %(percent)s %%", percent=f'{rule.percent:g}'),
                'without_credit': self.env._("a customer without credit would owe something"),
                'share_used': self.env._("%(percent)s %% of the limit or more used", percent=f'{rule.percent:g}'),
                'overdue_days': counted(
                    rule.days, self.env._("an item more than one day overdue"),
                    self.env._("an item more than %(days)s days overdue", days=rule.days)),
                'overdue_amount': self.env._("more than %(amount)s overdue", amount=money),
                'broken_promises': self.env._(
                    "%(count)s or more promises broken %(last)s", count=rule.count, last=last),
                'dunning_step': self.env._("%(count)s or more reminders for an open item", count=rule.count),
                'review_expired': counted(
                    rule.days, self.env._("credit review more than one day late"),
                    self.env._("credit review more than %(days)s days late", days=rule.days)),
                'returned_payment': self.env._(
                    "%(count)s or more payments returned %(last)s", count=rule.count, last=last),
                'no_information': self.env._("no valid credit report, and something owed"),
                'order_size': self.env._("one document above %(amount)s", amount=money),
            }.get(rule.kind, "")

    # === CONSTRAINT METHODS === #

    @api.constrains('amount', 'percent', 'days', 'count')
    def _check_numbers(self):
        for rule in self:
            if min(rule.amount, rule.percent, rule.days, rule.count) < 0:
                raise ValidationError(self.env._("%s: the numbers of a rule cannot be negative.", rule.name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self._rules_changed(rules)
        return rules

    def write(self, vals):
        result = super().write(vals)
        self._rules_changed(self)
        return result

    def unlink(self):
        self.env['ar.credit.hold'].sudo().search(  # sudo: the rule's own holds end with it
            [('rule_id', 'in', self.ids), ('date_end', '=', False)])._lift(self.env._("The rule was deleted."))
        result = super().unlink()
        self._rules_changed(self.browse())
        return result

    def _rules_changed(self, _rules):
        """Hook: what follows from rules. Forget what is cached."""
        self.env.registry.clear_cache()

    # === BUSINESS METHODS === #

    @api.model
    @tools.ormcache('company_id')
    def _get_rule_ids(self, company_id):
        """Return the ids of the rules that are in force in a company, in their order."""
        # sudo: rules apply to users who may not read them
        return tuple(self.sudo().search([('company_id', 'in', (False, company_id))]).ids)

    @api.model
    @tools.ormcache('company_id')
    def _get_hold_rule_ids(self, company_id):
        """Return the ids of those that place holds on customers, not only on documents."""
        rules = self.sudo().browse(self._get_rule_ids(company_id))  # sudo: as above
        return tuple(rules.filtered(lambda rule: rule.action == 'hold' and rule.kind != 'order_size').ids)

    @api.model
    def _get_rules(self, company):
        """Return (rules of the company in their order, the same for the engine)."""
        rules = self.sudo().browse(self._get_rule_ids(company.id))  # sudo: as above
        return rules, list(self._get_engine_rules(company.id))

    @api.model
    @tools.ormcache('company_id')
    def _get_engine_rules(self, company_id):
        """Return the rules of a company for the engine; they are values that never change, kept by each worker."""
        rules = self.sudo().browse(self._get_rule_ids(company_id))  # sudo: as above
        return tuple(rule._to_engine() for rule in rules)

    def _to_engine(self):
        """Return the engine's Rule."""
        self.ensure_one()
        documents = (
            (credit.POSTING, self.on_posting), (credit.ORDER, self.on_order), (credit.DELIVERY, self.on_delivery))
        return credit.Rule(
            id=self.id, kind=self.kind, action=self.action, amount=self.amount, percent=self.percent, days=self.days,
            count=self.count, documents=frozenset(kind for kind, chosen in documents if chosen),
            classes=frozenset(self.class_ids.ids), countries=frozenset(self.country_ids.ids))

    def _prepare_hold(self, decision, facts, partner_id, company):
        """Return the values of the hold that this rule places."""
        self.ensure_one()
        return {
            'partner_id': partner_id, 'company_id': company.id, 'rule_id': self.id, 'is_manual': False,
            'reason': self._describe(decision, company), 'figures': decision.get_key(),
            'exposure': facts.exposure, 'limit_amount': facts.limit,
            'overdue_amount': facts.overdue, 'on_posting': self.on_posting, 'on_order': self.on_order,
            'on_delivery': self.on_delivery}

    @api.model
    def _get_facts(self, customers, company, kinds=None):
        """Return what the rules have to know of customers, in a fixed number of queries.

        :param customers: res.partner, commercial partners
        :param company: res.company
        :param kinds: iterable of rule kinds that will be judged; None: all
        :return: dict of commercial partner id -> engine Facts
        """
        kinds = set(credit.CHECKS if kinds is None else kinds)
        # sudo: the caller decides what may be told about the customer; rules look at the whole customer, whoever acts
        self = self.sudo().with_company(company)
        customers = customers.sudo().with_company(company).with_prefetch(customers.ids)
        customers.fetch(JUDGED_FIELDS)  # and not their whole rows
        exposure = self.env['ar.ledger'].exposure(customers, company)
        limits = customers._ar_get_limits(company, exposure)
        today = company._ar_today()
        promises = (
            self.env['ar.promise']._get_broken_promises(customers, company) if 'broken_promises' in kinds else {})
        returned = self._get_returned_payments(customers, company) if 'returned_payment' in kinds else {}
        steps = self.env['ar.ledger']._get_dunning_steps(customers, company) if 'dunning_step' in kinds else {}
        informed = self._get_informed(customers, company) if 'no_information' in kinds else set()
        classes, countries = (
            {customer.id: customer[name].id for customer in customers if customer[name]} if customers[name] else {}
            for name in ('ar_credit_class_id', 'country_id'))
        facts, digits = {}, company.currency_id.decimal_places
        for customer in customers:
            own, limit = exposure[customer.id], limits[customer.id]
            review = customer.ar_credit_review_date
            facts[customer.id] = credit.Facts(
                mode=limit.mode, limit=limit.amount, exposure=limit.exposure, overdue=own['overdue_checked'],
                oldest_days=int(own['oldest_days']), dunning_step=steps.get(customer.id, 0),
                broken_promises=tuple((today - day).days for day in promises.get(customer.id, ())),
                returned_payments=tuple((today - day).days for day in returned.get(customer.id, ())),
                review_days=(today - review).days if review else None, has_information=customer.id in informed,
                risk_class=classes.get(customer.id), country=countries.get(customer.id), digits=digits)
        return facts

    @api.model
    def _get_informed(self, customers, company):
        """Hook: return the ids of customers with a credit report that is valid today."""
        return set()

    @api.model
    def _get_returned_payments(self, customers, company):
        """Return {commercial partner id: [day]} of customers' payments that were rejected, or booked back.

        A payment that is cancelled is a clerk's correction and does not count.
        """
        days = defaultdict(list)
        payments = self.env['account.payment'].search_fetch([
            ('company_id', '=', company.id), ('payment_type', '=', 'inbound'), ('partner_type', '=', 'customer'),
            ('partner_id.commercial_partner_id', 'in', customers.ids), ('state', '=', 'rejected'),
            ('ar_return_ids', 'not any', [('state', '=', 'confirmed')])],  # those are counted by their own day
            ['partner_id', 'date'])
        for payment in payments:
            days[payment.partner_id.commercial_partner_id.id].append(payment.date)
        reversals = self.env['account.move'].search_fetch([
            ('company_id', '=', company.id), ('state', '=', 'posted'),
            ('reversed_entry_id.origin_payment_id.payment_type', '=', 'inbound'),
            ('reversed_entry_id.origin_payment_id.partner_type', '=', 'customer'),
            ('reversed_entry_id.commercial_partner_id', 'in', customers.ids)], ['date', 'reversed_entry_id'])
        for reversal in reversals:
            days[reversal.reversed_entry_id.commercial_partner_id.id].append(reversal.date)
        return dict(days)

    @api.model
    def _describe(self, decision, company):
        """Return the reason of an engine Decision in words and figures, in the user's language."""
        figures = dict(decision.figures)
        currency, lang = company.currency_id, self.env.lang
        money = {
            name: shared(
                self.env, ('money', currency.id, lang, figures[name]),
                partial(formatLang, self.env, figures[name], currency_obj=currency))
            for name in ('exposure', 'amount', 'total', 'limit', 'overdue', 'size') if name in figures}
        return {
            'over_limit': self._describe_over_limit,
            'without_credit': lambda: self.env._(
                "the customer has no credit: %(total)s would be owed, payment in advance is needed", **money),
            'share_used': lambda: self.env._(
                "%(share)s %% of the limit of %(limit)s is used (%(total)s)", share=f"{figures['share']:.0f}", **money),
            'overdue_days': lambda: counted(
                figures['oldest_days'], self.env._("overdue since yesterday, %(overdue)s in all", **money),
                self.env._("overdue for %(oldest)s days (more than %(days)s), %(overdue)s in all",
                           oldest=figures['oldest_days'], days=figures['days'], **money)),
            'overdue_amount': lambda: self.env._(
                "%(overdue)s is overdue (more than %(amount)s)", **money),
            'broken_promises': lambda: self.env._("promises broken: %(number)s", number=figures['number']),
            'dunning_step': lambda: self.env._("reminders sent for an open item: %(step)s", step=figures['step']),
            'review_expired': lambda: self.env._(
                "the credit review was due on %(day)s", day=tools.format_date(
                    self.env, company._ar_today() - timedelta(days=figures['late']))),
            'returned_payment': lambda: self.env._("payments returned: %(number)s", number=figures['number']),
            'no_information': lambda: self.env._(
                "there is no valid credit report, and %(total)s would be owed", **money),
            'order_size': lambda: self.env._("the document of %(size)s is bigger than %(amount)s", **money),
        }[decision.rule.kind](*([figures, money] if decision.rule.kind == 'over_limit' else []))

    def _describe_over_limit(self, figures, money):
        tolerance = self.env._(" plus %(percent)s %%", percent=f"{figures['percent']:g}") if figures['percent'] else ""
        if figures['amount']:
            return self.env._(
                "over the limit of %(limit)s%(tolerance)s: %(total)s with this document of %(amount)s",
                tolerance=tolerance, **money)
        return self.env._("over the limit of %(limit)s%(tolerance)s: %(total)s", tolerance=tolerance, **money)
