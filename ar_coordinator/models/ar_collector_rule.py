"""Rules that say who looks after which customer, and the job that gives new customers to somebody.

The first rule that is about a customer decides; of several collectors the one with the least work gets it. What a
person decided is never changed by a rule, unless a manager asks for it (wizard `ar.collector.assign`).
"""
import logging
from collections import defaultdict

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..engine import assignment
from .ar_wording import counted

_logger = logging.getLogger(__name__)


class ArCollectorRule(models.Model):
    _name = 'ar.collector.rule'
    _description = "Collector Assignment Rule"
    _inherit = ['ar.guard']
    _order = 'company_id, sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    collector_ids = fields.Many2many(
        comodel_name='res.users', relation='ar_collector_rule_collector_rel', string="Collectors", required=True,
        domain=[('share', '=', False)], help="Several share the work.")
    balance = fields.Selection(
        selection=[(assignment.NUMBER, "By number of customers"), (assignment.OVERDUE, "By overdue amount")],
        required=True, default=assignment.NUMBER,
        help="Of several collectors the one with the least gets the customer.")
    country_ids = fields.Many2many(comodel_name='res.country', relation='ar_collector_rule_country_rel')
    industry_ids = fields.Many2many(
        comodel_name='res.partner.industry', relation='ar_collector_rule_industry_rel', string="Industries")
    tag_ids = fields.Many2many(
        comodel_name='res.partner.category', relation='ar_collector_rule_tag_rel', string="Tags",
        help="The customer has one of them.")
    salesperson_ids = fields.Many2many(
        comodel_name='res.users', relation='ar_collector_rule_salesperson_rel', string="Salespersons",
        domain=[('share', '=', False)])
    amount_from = fields.Monetary(string="Owes From", help="What the customer owes today, credits deducted.")
    amount_to = fields.Monetary(string="Owes Below", help="0: no limit.")
    name_from = fields.Char(string="Names From", help="First letters, e.g. A.")
    name_to = fields.Char(string="Names To", help="First letters, e.g. K: Klein is in, Lang is not.")

    # === CONSTRAINT METHODS === #

    @api.constrains('amount_from', 'amount_to', 'name_from', 'name_to', 'collector_ids', 'company_id')
    def _check_conditions(self):
        for rule in self:
            if not rule.collector_ids:
                raise ValidationError(self.env._("%s: choose who gets the customers.", rule.name))
            if rule.amount_to and rule.amount_to <= rule.amount_from:
                raise ValidationError(self.env._(
                    "%s: no customer owes less than the one amount and more than the other.", rule.name))
            if rule.name_from and rule.name_to and rule.name_to.casefold() < rule.name_from.casefold():
                raise ValidationError(self.env._(
                    "%(rule)s: there are no names from %(first)s to %(last)s.", rule=rule.name, first=rule.name_from,
                    last=rule.name_to))
            # sudo: other users' companies, to say who could not work the customers
            for user in rule.collector_ids.sudo():
                if rule.company_id not in user.company_ids:
                    raise ValidationError(self.env._(
                        "%(rule)s: %(user)s does not work for %(company)s.", rule=rule.name, user=user.name,
                        company=rule.company_id.name))

    # === BUSINESS METHODS === #

    def _make_rules(self):
        """Return the engine's rules; collectors who left get nobody new."""
        return [assignment.Rule(
            id=rule.id, collectors=tuple(rule.collector_ids.filtered('active').ids), balance=rule.balance,
            countries=frozenset(rule.country_ids.ids), industries=frozenset(rule.industry_ids.ids),
            tags=frozenset(rule.tag_ids.ids), salespersons=frozenset(rule.salesperson_ids.ids),
            amount_from=rule.amount_from, amount_to=rule.amount_to, name_from=rule.name_from or '',
            name_to=rule.name_to or '') for rule in self]

    @api.model
    def _of_company(self, company):
        """Return the rules of a company, in order."""
        return self.search([('company_id', '=', company.id)])

    @api.model
    def _get_customers(self, company, only_new=False):
        """Return the customers (res.partner) of a company that rules may be about: who has been invoiced, or is marked
        a customer. As superuser.

        :param bool only_new: those without collector of whom nobody decided that they have none
        """
        domain = Domain([('customer_rank', '>', 0), ('company_id', 'in', (False, company.id))]) & (
            Domain('parent_id', '=', False) | Domain('is_company', '=', True))
        if only_new:
            domain &= Domain('ar_collector_id', '=', False)
        customers = self.env['res.partner'].with_company(company).search(domain)
        if only_new:
            by_hand = self.env['ar.collector.assignment']._get_made_by_hand(customers, company)
            customers = customers.filtered(lambda partner: partner.id not in by_hand)
        return customers

    @api.model
    def _propose(self, company, customers, rules=None):
        """Say who would get customers, changing nothing. A fixed number of queries.

        :param res.company company:
        :param res.partner customers: to be given out; those who have a collector count as given back first
        :param rules: ar.collector.rule; None: the company's
        :return: ({partner: (user, rule)}, {partner id: figures of `ar.ledger.exposure`},
            {user: engine's Load afterwards})
        """
        rules = self._of_company(company) if rules is None else rules
        figures = self.env['ar.ledger'].exposure(company=company)
        nothing = {'receivable': 0.0, 'overdue': 0.0}
        customers = customers.with_company(company)
        loads = self._get_loads(company, rules.collector_ids, customers, figures)
        facts = [assignment.Customer(
            id=partner.id, name=partner.name or '', country=partner.country_id.id or None,
            industry=partner.industry_id.id or None, tags=frozenset(partner.category_id.ids),
            salesperson=partner.user_id.id or None, open=figures.get(partner.id, nothing)['receivable'],
            overdue=figures.get(partner.id, nothing)['overdue']) for partner in customers]
        given = assignment.assign(facts, rules._make_rules(), loads)
        users, by_id = self.env['res.users'], {partner.id: partner for partner in customers}
        return (
            {by_id[partner]: (users.browse(user), self.browse(rule)) for partner, (user, rule) in given.items()},
            figures, {users.browse(user): load for user, load in loads.items()})

    @api.model
    def _get_loads(self, company, collectors, without, figures):
        """Return {user id: Load} of what collectors have, customers in `without` left out."""
        loads = defaultdict(assignment.Load, {user.id: assignment.Load() for user in collectors})
        partners = self.env['res.partner'].with_company(company)
        theirs = partners.search_fetch([('ar_collector_id', 'in', collectors.ids)], ['ar_collector_id'])
        for partner in theirs - without:
            load = loads[partner.ar_collector_id.id]
            load.number += 1
            load.overdue += figures.get(partner.id, {}).get('overdue', 0.0)
        return dict(loads)

    @api.model
    def _assign_new(self, company):
        """Give the customers of a company who have nobody to collectors, by its rules.

        :return: res.partner, those who have one now
        """
        rules = self._of_company(company)
        customers = self._get_customers(company, only_new=True) if rules else self.env['res.partner']
        proposed = self._propose(company, customers, rules)[0] if customers else {}
        for (user, rule), partners in group_by_value(proposed).items():
            partners.with_company(company)._ar_assign(user, 'rule', rule=rule)
        return self.env['res.partner'].union(*proposed)

    @api.model
    def _cron_assign(self):
        """Hourly job: new customers get a collector. One company's trouble stops no other."""
        companies = self.env['res.company'].union(*(company for [company] in self._read_group([], ['company_id'])))
        for number, company in enumerate(companies, 1):
            inside = self.with_company(company).with_context(allowed_company_ids=company.ids)
            try:
                with self.env.cr.savepoint():
                    inside._assign_new(inside.env.company)
            except OperationalError:
                _logger.info("%s: somebody is working on its customers, trying again later", company.name)
            except Exception:
                _logger.exception("New customers of %s could not be given to collectors", company.name)
            self.env['ir.cron']._commit_progress(1, remaining=len(companies) - number)

    def action_assign_new(self):
        """Give new customers to collectors at once, by the rules of the current company."""
        self.env['ar.collector.rule'].check_access('write')
        # sudo: the role was checked; it gives customers out without the right to change their data
        given = self.sudo()._assign_new(self.env.company)
        message = counted(
            len(given), self.env._("1 new customer has a collector now."),
            self.env._("%s new customers have a collector now.", len(given)))
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
                'type': 'success' if given else 'info',
                'message': message if given else self.env._("No new customer fits a rule."),
                'next': {'type': 'ir.actions.act_window_close'}}}


def group_by_value(proposed):
    """{value: partners together} of {partner: value}."""
    groups = {}
    for partner, value in proposed.items():
        groups[value] = groups.get(value, partner.browse()) | partner
    return groups
