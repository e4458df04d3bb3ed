"""Credit holds, and the one check that stops documents: posting, orders, deliveries.

A document is judged by live facts and the company's rules, and by the holds that somebody placed. Nothing in the
context, no sudo and no way of calling passes it; what does is a stored release (ar.credit.release). Holds of rules are
kept for people: they say since when a customer is held and why, and are brought up to date by evaluation.

    requests = [CreditRequest(document, partner, company, amount, currency, kind), ...]
    self.env['ar.credit.hold']._check_requests(requests)   raises one error that names every held document
    self.env['ar.credit.hold']._judge(requests)            returns verdicts, for banners and for batches that go on
"""
from collections import defaultdict, namedtuple
from dataclasses import replace

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import clean_context

from ..engine import credit
from .ar_batch import BATCH
from .ar_guard import of_customers, without_defaults

CreditRequest = namedtuple(
    'CreditRequest', 'document partner company amount currency kind date counted', defaults=(None, 0.0))
CreditRequest.__doc__ = """What is to happen: `amount` of the document in `currency`, and how much of it the exposure
has already (`counted`, company currency). kind: 'posting', 'order' or 'delivery'; date: of the rate, today if None."""

Verdict = namedtuple('Verdict', 'request reasons warnings release size manual_since')
Verdict.__doc__ = """`reasons` ([text]) hold the document unless `release` (ar.credit.release) covers it; `warnings`
([text]) do not. `size`: the document's amount in company currency."""

GUARDED_FIELDS = {
    'partner_id', 'company_id', 'rule_id', 'level_id', 'is_manual', 'date_start', 'date_end', 'user_id', 'lifted_by_id',
    'lift_reason', 'exposure', 'limit_amount', 'overdue_amount', 'figures'}
ON_FIELDS = {credit.POSTING: 'on_posting', credit.ORDER: 'on_order', credit.DELIVERY: 'on_delivery'}


def _by_customer(holds):
    """Return {commercial partner id: holds}: a customer that became another's contact brought its holds along."""
    # sudo: ids are compared
    return {partner.id: own for partner, own in holds.grouped(
        lambda hold: hold.sudo().partner_id.commercial_partner_id).items()}


class ArCreditHold(models.Model):
    _name = 'ar.credit.hold'
    _description = "Credit Hold"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date_start desc, id desc'
    _rec_name = 'partner_id'
    _mail_post_access = 'read'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    rule_id = fields.Many2one(comodel_name='ar.credit.rule', index='btree_not_null', ondelete='set null')
    level_id = fields.Many2one(
        comodel_name='ar.dunning.level', string="Dunning Level", index='btree_not_null', ondelete='set null',
        help="A reminder of this level placed the hold.")
    is_manual = fields.Boolean(string="Manual", default=True, readonly=True, help="Stays until somebody lifts it.")
    reason = fields.Char(required=True, tracking=True)
    figures = fields.Char(readonly=True, copy=False, help="What a rule's reason was worded from.")
    exposure = fields.Monetary(readonly=True, help="When the hold was placed.")
    limit_amount = fields.Monetary(string="Limit", readonly=True, help="When the hold was placed.")
    overdue_amount = fields.Monetary(string="Overdue", readonly=True, help="When the hold was placed.")
    date_start = fields.Datetime(string="Since", required=True, default=fields.Datetime.now, readonly=True)
    date_end = fields.Datetime(string="Lifted on", readonly=True, copy=False)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Placed by", default=lambda self: self.env.user, readonly=True)
    lifted_by_id = fields.Many2one(comodel_name='res.users', string="Lifted by", readonly=True, copy=False)
    lift_reason = fields.Char(string="Why Lifted", readonly=True, copy=False)
    on_posting = fields.Boolean(string="Invoices", default=True)
    on_order = fields.Boolean(string="Orders", default=True)
    on_delivery = fields.Boolean(string="Deliveries", default=True)
    is_open = fields.Boolean(string="In Force", compute='_compute_is_open', search='_search_is_open')
    age_days = fields.Integer(string="Days", compute='_compute_age_days', help="So long on hold.")

    _open_uniq = models.UniqueIndex(
        "(partner_id, company_id, COALESCE(rule_id, 0), COALESCE(level_id, 0)) WHERE date_end IS NULL",
        "This customer is on hold for the same reason already.")

    # === COMPUTE METHODS === #

    @api.depends('date_end')
    def _compute_is_open(self):
        for hold in self:
            hold.is_open = not hold.date_end

    def _search_is_open(self, operator, value):
        if operator != 'in':
            return NotImplemented
        wanted = set(value)
        if wanted == {True, False}:
            return fields.Domain.TRUE
        return [('date_end', '=' if True in wanted else '!=', False)]

    @api.depends('date_start', 'date_end')
    def _compute_age_days(self):
        now = fields.Datetime.now()
        for hold in self:
            hold.age_days = ((hold.date_end or now) - hold.date_start).days if hold.date_start else 0

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS - {'partner_id', 'company_id'})
        if not self.env.su and any((GUARDED_FIELDS - {'partner_id', 'company_id'}) & {
                name for name, value in vals.items() if value and name != 'is_manual'} for vals in vals_list):
            raise AccessError(self.env._(
                "Holds by hand have a customer, a reason and documents; the rest is recorded."))
        self.flush_model(['date_end'])  # what was lifted a moment ago makes room in the unique index
        holds = super().create(of_customers(self.env, vals_list))
        holds.filtered('is_manual')._fill_figures()
        return holds

    def write(self, vals):
        loosened = any(name in vals and not vals[name] for name in ON_FIELDS.values())  # what it stops may be added to
        if not self.env.su and (GUARDED_FIELDS & set(vals) or (
                loosened and not self.env.user.has_group('ar_coordinator.group_ar_manager'))):
            raise AccessError(self.env._("A hold stays as it was placed: lift it, and place another one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if not self.env.su:
            raise UserError(self.env._("Holds are part of the customer's history: lift them instead."))

    def _fill_figures(self):
        """Record the customers' figures of the moment."""
        for company, holds in self.grouped('company_id').items():
            # sudo: figures are recorded for readers; whoever may place holds reads them
            facts = self.env['ar.credit.rule'].sudo()._get_facts(holds.partner_id, company, ())
            for hold in holds.sudo():
                own = facts[hold.partner_id.id]
                hold.write({
                    'exposure': own.exposure, 'limit_amount': own.limit, 'overdue_amount': own.overdue})

    # === ACTION METHODS === #

    def action_lift(self, reason=None):
        """Lift manual holds.

        :param str reason: why; asked for by the dialog
        :raise AccessError: unless the user is a manager who may see the holds
        :raise UserError: for a hold of a rule, which lifts itself, and for one that was lifted
        """
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Holds are lifted by a Receivables: Manager."))
        for hold in self:
            if hold.date_end:
                raise UserError(self.env._("The hold of %s was lifted already.", hold.partner_id.display_name))
            if not hold.is_manual:
                raise UserError(self.env._(
                    "%(customer)s is held by %(cause)s: the hold ends by itself when its cause is gone. To let a"
                    " document pass before, approve a release.", customer=hold.partner_id.display_name,
                    cause=hold.rule_id.name or hold.level_id.name or self.env._("a rule")))
        # sudo: the end is set by this button only; role and company (write access) were checked
        self.sudo()._lift(reason or self.env._("Lifted by hand"), user=self.env.user)

    def action_ar_open_lift(self):
        """Ask why, then lift."""
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_credit_reason_wizard_action_lift')
        return {**action, 'context': {'default_decision': 'lift', 'default_hold_ids': self.ids}}

    def _lift(self, reason, user=None):
        """End open holds."""
        self.filtered('is_open').write({
            'date_end': fields.Datetime.now(), 'lift_reason': reason, 'lifted_by_id': (user or self.env.user).id})

    # === HOLDS IN FORCE === #

    @api.model
    def _get_open(self, company, partners=None):
        """Return {commercial partner id: open holds} of a company, in one query.

        :param company: res.company
        :param partners: res.partner, commercial partners; None: all
        """
        domain = [('company_id', '=', company.id), ('date_end', '=', False)]
        if partners is not None:
            domain.append(('partner_id.commercial_partner_id', 'in', partners.ids))
        return _by_customer(self.search(domain))

    @api.model
    def _get_held_ids(self, company):
        """Return the ids of the customers on hold in a company."""
        return [partner.id for [partner] in self._read_group(
            [('company_id', '=', company.id), ('date_end', '=', False)], ['partner_id.commercial_partner_id'])]

    @api.model
    def _place(self, customers, company, reason, level=None):
        """Place holds that somebody asked for, unless there is one for the same reason.

        :param customers: res.partner, commercial partners
        :param level: ar.dunning.level whose reminder asks for it; the hold then lifts itself when nothing the
            reminder asked for is open any more. None: a manual hold
        :return: the new holds
        """
        # sudo: called by runs and buttons, which checked who may
        holds = self.sudo()
        open_holds = holds._get_open(company, customers)
        new = customers.filtered(lambda customer: not any(
            not hold.rule_id and hold.level_id == (level or hold.level_id.browse())
            for hold in open_holds.get(customer.id, ())))
        placed = holds.create([{
            'partner_id': customer.id, 'company_id': company.id, 'reason': reason, 'user_id': self.env.uid,
            'is_manual': not level, 'level_id': level.id if level else False} for customer in new])
        placed.filtered('level_id')._fill_figures()
        return placed

    # === EVALUATION === #

    @api.model
    def _evaluate(self, company, customers):
        """Bring the automatic holds of customers up to date: place, lift, and tell what changed. Set-based.

        :param company: res.company
        :param customers: res.partner, commercial partners
        :return: (new holds, lifted holds)
        """
        # sudo: holds of rules are nobody's to write
        self = self.sudo().with_company(company).with_context(**{BATCH: {}})
        rules, engine_rules = self.env['ar.credit.rule']._get_rules(company)
        engine_rules = [rule for rule in engine_rules if rule.action == credit.HOLD]
        decisions = {}
        if engine_rules:
            facts = self.env['ar.credit.rule']._get_facts(customers, company, {rule.kind for rule in engine_rules})
            decisions = {
                (customer.id, decision.rule.id): (decision, facts[customer.id]) for customer in customers
                for decision in credit.decide(facts[customer.id], engine_rules)}
        open_holds = self.search([
            ('company_id', '=', company.id), ('date_end', '=', False), ('is_manual', '=', False),
            ('partner_id.commercial_partner_id', 'in', customers.ids)])
        ended, standing = self.browse(), set()
        level_holds = open_holds.filtered('level_id')
        reached = self.env['ar.ledger']._get_levels_reached(customers, company) if level_holds else {}
        for hold in open_holds:
            key = (hold.partner_id.id, hold.rule_id.id)
            if reached and hold.level_id.id in reached.get(key[0], ()):
                continue
            if key in decisions:
                standing.add(key)
                hold._update_reason(decisions[key][0])
            else:
                ended += hold
        ended._lift(self.env._("The cause is gone."))
        by_id = {rule.id: rule for rule in rules}
        # the record says all; a chatter line for each of thousands says it again
        placed = self.with_context(mail_create_nolog=True, tracking_disable=True).create([
            by_id[rule_id]._prepare_hold(decision, own, partner_id, company)
            for (partner_id, rule_id), (decision, own) in decisions.items() if (partner_id, rule_id) not in standing])
        placed = placed.with_env(self.env)
        self._tell(company, placed, ended)
        return placed, ended

    def _update_reason(self, decision):
        """Keep the words of a hold that stays up to date; its history is not told line by line."""
        figures = decision.get_key()
        if figures == self.figures:  # so are the words
            return
        reason = self.env['ar.credit.rule']._describe(decision, self.company_id)
        self.with_context(mail_notrack=True).write({'reason': reason, 'figures': figures})

    @api.model
    def _tell(self, company, placed, lifted):
        """Tell salespeople and collectors, in one message each, which of their customers rules hold or freed."""
        if not company.ar_credit_notify or not placed | lifted:
            return
        news = defaultdict(list)
        held = self._get_open(company, lifted.partner_id)
        for hold in placed:
            news[hold.partner_id].append(self.env._("on hold: %s", hold.reason))
        for hold in lifted:
            if hold.partner_id.id not in held:
                news[hold.partner_id].append(self.env._("no longer on hold"))
        by_user = defaultdict(list)
        for customer, texts in news.items():
            for user in customer.user_id | customer.ar_collector_id._ar_on_duty(company):
                by_user[user] += [f"{customer.display_name}: {text}" for text in dict.fromkeys(texts)]
        for user, lines in by_user.items():
            if user.active and user.partner_id:
                self.env['mail.thread'].with_context(lang=user.lang).message_notify(
                    partner_ids=user.partner_id.ids,
                    subject=self.env._("Credit holds: %(count)s changes in %(company)s", count=len(lines),
                                       company=company.name),
                    body=Markup("<ul>%s</ul>") % Markup().join(Markup("<li>%s</li>") % line for line in lines))

    @api.model
    def _get_waiting(self, company, customers):
        """Hook: return {commercial partner id: [(document, amount in company currency)]} that holds may stop.

        Bridges add their documents. Two queries at most for each kind, whatever the number of customers.
        """
        waiting = defaultdict(list)
        if company.ar_credit_check_posting:
            # sudo: amounts of the whole customer; shown to readers of receivables only
            for move in self.env['account.move'].sudo().search_fetch([
                    ('company_id', '=', company.id), ('state', '=', 'draft'),
                    ('move_type', 'in', ('out_invoice', 'out_receipt')),
                    ('commercial_partner_id', 'in', customers.ids)], ['commercial_partner_id', 'amount_total_signed']):
                waiting[move.commercial_partner_id.id].append((move, move.amount_total_signed))
        return dict(waiting)

    # === THE CHECK === #

    @api.model
    def _check(self, document, partner, company, amount, currency, kind):
        """Stop a document if its customer is held and no release covers it.

        :param document: record of a model with `ar.credit.mixin`
        :param partner: res.partner, any contact of the customer
        :param company: res.company, the document's
        :param float amount: of the document, in `currency`
        :param currency: res.currency
        :param str kind: 'posting', 'order' or 'delivery'
        :raise UserError: reason with figures, and what to do
        """
        self._check_requests([CreditRequest(document, partner, company, amount, currency, kind)])

    @api.model
    def _check_requests(self, requests):
        """Stop documents whose customer is held and that no release covers; record the releases that let others pass.

        :param requests: list of CreditRequest; documents of one customer add up in this order
        :return: the verdicts
        :raise UserError: names every held document, with reasons, figures and what to do
        """
        verdicts = self._judge(requests)
        held = [verdict for verdict in verdicts if verdict.reasons and not verdict.release]
        if held:
            raise UserError(self._explain(held))
        self._take_turns(verdicts)
        for verdict in verdicts:
            if verdict.reasons:
                # sudo: the use of a release is recorded whoever confirms the document
                verdict.release.sudo()._use(verdict)
        return verdicts

    @api.model
    def _take_turns(self, verdicts):
        """Documents that add to the exposure of customers with a limit pass one transaction after the other."""
        by_company = defaultdict(self.env['res.partner'].sudo)  # sudo: whether there is a limit, whoever acts
        for verdict in verdicts:
            by_company[verdict.request.company] |= verdict.request.partner.sudo().commercial_partner_id
        keys = []
        for company, customers in by_company.items():
            limited = customers.with_company(company).filtered(
                lambda customer: customer.ar_credit_mode == credit.NO_CREDIT or customer.credit_limit
                or customer.ar_credit_group_id)
            keys += [
                f'{model},{record_id},{company.id if model == "res.partner" else 0}'
                for model, record_id in limited._ar_get_limit_keys(company).values()]
        self.env['ar.ledger'].sudo()._take_turns(keys)

    @api.model
    def _judge(self, requests, apart=False):
        """Judge documents by live facts, in a fixed number of queries per company.

        :param requests: list of CreditRequest; documents of one customer add up in this order
        :param bool apart: judge each as if it were the only one (for screens)
        :return: list of Verdict, in the same order
        """
        # sudo: holds, rules and exposure of the whole customer count, whoever acts and whatever he may read;
        # clean context: no default of a caller gets in
        self = self.sudo().with_context(  # pylint: disable=context-overridden  # that is what it is for
            clean_context(self.env.context))
        verdicts = {}
        by_company = {}
        for number, request in enumerate(requests):
            by_company.setdefault(request.company, []).append((number, request))
        for company, numbered in by_company.items():
            own = self.with_company(company)._judge_company(
                company, [request for _number, request in numbered], apart)
            verdicts.update(zip((number for number, _request in numbered), own, strict=True))
        return [verdicts[number] for number in range(len(requests))]

    def _judge_company(self, company, requests, apart):
        """Judge the documents of one company."""
        customers = self.env['res.partner'].union(
            *(request.partner.sudo(self.env.su).commercial_partner_id for request in requests))
        _rules, engine_rules = self.env['ar.credit.rule']._get_rules(company)
        kinds = {rule.kind for rule in engine_rules}
        facts = self.env['ar.credit.rule']._get_facts(customers, company, kinds) if engine_rules else {}
        standing = self._get_standing(company, customers)
        keys = customers._ar_get_limit_keys(company)
        releases, added, verdicts = None, {}, []
        for request in requests:
            customer = request.partner.sudo(self.env.su).commercial_partner_id
            size = request.currency._convert(
                request.amount, company.currency_id, company, request.date or company._ar_today())
            adds = company.currency_id.round(size - request.counted)
            key = keys[customer.id]
            reasons, warnings, manual_since = [], [], None
            for hold in standing.get(customer.id, ()):
                if hold[ON_FIELDS[request.kind]]:
                    reasons.append(hold.reason)
                    manual_since = max(manual_since or hold.date_start, hold.date_start)
            if engine_rules:
                own = replace(facts[customer.id], exposure=facts[customer.id].exposure + added.get(key, 0.0))
                for decision in credit.decide(own, engine_rules, credit.Document(request.kind, adds, size)):
                    text = self.env['ar.credit.rule']._describe(decision, company)
                    (reasons if decision.rule.action == credit.HOLD else warnings).append(text)
            verdict = Verdict(request, reasons, warnings, None, size, manual_since)
            if reasons:
                if releases is None:
                    releases = self.env['ar.credit.release']._get_usable(company, customers)
                verdict = verdict._replace(release=releases._covering(verdict))
            if not apart and (not reasons or verdict.release):
                added[key] = added.get(key, 0.0) + adds
            verdicts.append(verdict)
        return verdicts

    @api.model
    def _get_standing(self, company, customers):
        """Return {commercial partner id: open holds that no rule placed} whose cause is not gone."""
        holds = self.search([
            ('company_id', '=', company.id), ('date_end', '=', False), ('rule_id', '=', False),
            ('partner_id.commercial_partner_id', 'in', customers.ids)])
        if holds.level_id:
            reached = self.env['ar.ledger']._get_levels_reached(customers, company)
            holds = holds.filtered(lambda hold: not hold.level_id or hold.level_id.id in reached.get(
                hold.partner_id.commercial_partner_id.id, ()))
        return _by_customer(holds)

    @api.model
    def _explain(self, verdicts):
        """Return the error for held documents: what is held, why with figures, and what to do."""
        blocks = []
        for verdict in verdicts:
            customer = verdict.request.partner.sudo().commercial_partner_id  # sudo: the name, to who acts for him
            blocks.append(self.env._(
                "%(document)s is on credit hold. %(customer)s, %(company)s:",
                document=verdict.request.document.display_name, customer=customer.display_name,
                company=verdict.request.company.name)
                + "".join(f"\n- {reason}" for reason in verdict.reasons))
        return "\n\n".join(blocks) + "\n\n" + self.env._(
            "Ask for a release with the button Request Release on the document, or have the customer pay what is open.")
