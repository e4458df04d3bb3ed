"""What a credit rule would have done to the documents of the last 90 days, before it is switched on.

Each past day's documents are judged by the books as they stood the evening before and by what was ordered until then
and not invoiced yet, with today's limits and credit groups, whose customers share one exposure. What would have
happened afterwards because of a hold is not guessed: everything else is as it was. Bridges add their documents
(`_get_documents`) and what they commit (`_get_commitments`).
"""
from collections import defaultdict, namedtuple
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..engine import credit

KINDS = {
    'over_limit', 'without_credit', 'share_used', 'overdue_days', 'overdue_amount', 'order_size', 'broken_promises',
    'returned_payment'}
SHOWN = 200  # lines

PastDocument = namedtuple('PastDocument', 'document customer day amount kind of', defaults=((),))
PastDocument.__doc__ = """What was posted, confirmed or delivered: amount in company currency; kind as in engine.credit;
of: {key of a commitment: how much of it this uses up or makes}, see `_get_commitments`."""


class ArCreditSimulation(models.TransientModel):
    _name = 'ar.credit.simulation'
    _description = "Simulation of a Credit Rule"

    rule_id = fields.Many2one(comodel_name='ar.credit.rule', required=True, readonly=True, ondelete='cascade')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    days = fields.Integer(string="Days Back", required=True, default=90)
    line_ids = fields.One2many(
        comodel_name='ar.credit.simulation.line', inverse_name='simulation_id', string="Documents", readonly=True)
    document_count = fields.Integer(string="Looked at", readonly=True)
    held_count = fields.Integer(string="Stopped", readonly=True)
    held_amount = fields.Monetary(string="Value Stopped", readonly=True)
    customer_count = fields.Integer(string="Customers", readonly=True)
    is_done = fields.Boolean(readonly=True)

    def action_simulate(self):
        """Judge the past; the result is shown in the same dialog.

        :raise UserError: for rules about what is not kept by day, and a period that makes no sense
        """
        self.ensure_one()
        if self.rule_id.kind not in KINDS:
            kinds = dict(self.rule_id._fields['kind']._description_selection(self.env))
            raise UserError(self.env._(
                "%s cannot be simulated: its past is not kept day by day.", kinds[self.rule_id.kind]))
        if not 1 <= self.days <= 365:
            raise UserError(self.env._("Simulate between 1 and 365 days, not %s.", self.days))
        held, looked_at = self._simulate()
        self.write({
            'is_done': True, 'document_count': looked_at, 'held_count': len(held),
            'held_amount': sum(past.amount for past, _reason in held),
            'customer_count': len({past.customer for past, _reason in held}),
            'line_ids': [Command.clear(), *(Command.create({
                'name': past.document.display_name, 'document': f'{past.document._name},{past.document.id}',
                'partner_id': past.customer.id, 'date': past.day, 'amount': past.amount, 'reason': reason,
            }) for past, reason in held[:SHOWN])]})
        return {
            'type': 'ir.actions.act_window', 'res_model': self._name, 'res_id': self.id, 'views': [(False, 'form')],
            'target': 'new', 'name': self.env._("Simulation of %s", self.rule_id.name)}

    def _simulate(self):
        """Return ([(PastDocument, reason)] of what is stopped, number of documents looked at)."""
        company = self.company_id
        self = self.with_company(company)
        rule = self.rule_id._to_engine()
        date_from = company._ar_today() - timedelta(days=self.days)
        kinds = rule.documents & self._get_kinds()
        documents = [past for past in self._get_documents(date_from) if past.kind in kinds]
        customers = self.env['res.partner'].union(*(past.customer for past in documents))
        facts = _PastFacts(self, customers, date_from)
        by_day = defaultdict(list)
        for past in documents:
            by_day[past.day].append(past)
        held = []
        for day in sorted(by_day):
            facts.turn_to(day, self.env['res.partner'].union(*(past.customer for past in by_day[day])))
            for past in by_day[day]:
                adds = facts.take(past)
                held += [
                    (past, self.env['ar.credit.rule']._describe(decision, company)) for decision in credit.decide(
                        facts.of(past.customer, adds), [rule], credit.Document(past.kind, adds, past.amount))]
        return held, len(documents)

    @api.model
    def _get_kinds(self):
        """Hook: return the kinds of documents that are looked at."""
        return {credit.POSTING}

    @api.model
    def _get_documents(self, date_from):
        """Hook: return the PastDocuments of the current company from a day on, in the order they are judged in a day.

        :param date date_from: the first day
        """
        moves = self.env['account.move'].search_fetch([
            ('company_id', '=', self.env.company.id), ('state', '=', 'posted'), ('invoice_date', '>=', date_from),
            ('move_type', 'in', ('out_invoice', 'out_receipt')), ('commercial_partner_id', '!=', False)],
            ['name', 'commercial_partner_id', 'invoice_date', 'amount_total_signed'], order='invoice_date, id')
        of = self._get_commitments_of(moves)
        return [
            PastDocument(move, move.commercial_partner_id, move.invoice_date, move.amount_total_signed, credit.POSTING,
                         of.get(move.id, {})) for move in moves]

    @api.model
    def _get_commitments_of(self, moves):
        """Hook: return {invoice id: {key of a commitment: amount of it that was invoiced}}."""
        return {}

    @api.model
    def _get_commitments(self, customers, date_from):
        """Hook: return [(day, customer id, key, change)] in order: what was committed beside the books, order by order.

        A change of None ends the commitment. Days before `date_from` count too.
        """
        return []


class _PastBooks:
    """What customers owe one company day by day: by the books of the evening before, and by what was committed."""

    def __init__(self, simulation, company, customers, date_from):
        simulation = simulation.with_company(company)
        self.ledger, self.company, self.customers = simulation.env['ar.ledger'], company, customers
        self.changes = simulation._get_commitments(customers, date_from)
        self.done = 0  # of the changes
        self.rest = defaultdict(lambda: defaultdict(float))  # customer id: {key: amount}

    def turn_to(self, day, customers):
        """Go to a day: everything before it counts."""
        while self.done < len(self.changes) and self.changes[self.done][0] < day:
            _day, customer_id, key, change = self.changes[self.done]
            self.rest[customer_id][key] = 0.0 if change is None else self.rest[customer_id][key] + change
            self.done += 1
        self.figures = self.ledger._get_open_figures(
            self.customers & customers, self.company, as_of=day - timedelta(days=1), age_at=day)

    def exposure(self, customer_id):
        """Return the exposure of a customer in company currency."""
        figures = self.figures.get(customer_id, {})
        fault = figures.get('our_fault', 0.0) if self.company.ar_credit_exclude_our_fault else 0.0
        committed = sum(max(amount, 0.0) for amount in self.rest[customer_id].values())
        return figures.get('receivable', 0.0) - fault + committed


class _PastFacts:
    """The facts of customers day by day; those of a credit group share the exposure of all its companies."""

    def __init__(self, simulation, customers, date_from):
        self.env, self.company = simulation.env, simulation.company_id
        self.limits = customers._ar_get_limits(self.company, {})
        self.keys = customers._ar_get_limit_keys(self.company)
        self.promises = self.env['ar.promise']._get_broken_promises(customers, self.company)
        self.returned = self.env['ar.credit.rule']._get_returned_payments(customers, self.company)
        # sudo: a shared limit is about all companies of the group; only whether it is kept is shown
        groups = self.env['ar.credit.group'].sudo().browse(
            {number for model, number in self.keys.values() if model == 'ar.credit.group'})
        self.groups = {group.id: group for group in groups}
        self.own = _PastBooks(simulation, self.company, customers | groups.partner_ids.with_env(self.env), date_from)
        self.others = [
            _PastBooks(simulation.sudo(), company, groups.filtered(  # sudo: as above
                lambda group, company=company: company in group.company_ids).partner_ids, date_from)
            for company in groups.company_ids - self.company]

    def turn_to(self, day, customers):
        """Go to a day, on which these customers have documents."""
        self.day, self.added, self.used = day, defaultdict(float), defaultdict(float)
        groups = self.env['ar.credit.group'].sudo().browse(  # sudo: as above
            {number for model, number in map(self.keys.get, customers.ids) if model == 'ar.credit.group'})
        wanted = customers | groups.partner_ids.with_env(self.env)
        for books in (self.own, *self.others):
            books.turn_to(day, wanted.with_env(books.ledger.env))

    def take(self, past):
        """Return what a document adds to the exposure: not what its commitments have in it already."""
        rest, counted = self.own.rest[past.customer.id], 0.0
        for key, amount in dict(past.of).items():
            if past.kind == credit.ORDER:  # makes the commitment: an invoice of the same day is no second one
                self.used[key] -= amount
            else:
                found = min(amount, max(rest[key] - self.used[key], 0.0))
                self.used[key] += found if past.kind == credit.POSTING else 0.0
                counted += found
        return self.company.currency_id.round(0.0 if past.kind == credit.DELIVERY else past.amount - counted)

    def exposure(self, customer):
        """Return what the customer's limit is compared with, in company currency: of a group, its whole exposure."""
        model, number = self.keys[customer.id]
        if model != 'ar.credit.group':
            return self.own.exposure(customer.id)
        group = self.groups[number]
        total = sum(self.own.exposure(member_id) for member_id in group.partner_ids.ids)
        for books in self.others:
            if books.company in group.company_ids:
                total += books.company.currency_id._convert(
                    sum(books.exposure(member_id) for member_id in group.partner_ids.ids), self.company.currency_id,
                    self.company, self.day)
        return total

    def of(self, customer, adds):
        """Return the customer's Facts before a document that adds so much, which then counts for the day's next."""
        figures, limit, day = self.own.figures.get(customer.id, {}), self.limits[customer.id], self.day
        key = self.keys[customer.id]
        before = self.added[key]
        self.added[key] += adds
        return credit.Facts(
            mode=limit.mode, limit=limit.amount, overdue=figures.get('overdue_checked', 0.0),
            exposure=self.exposure(customer) + before, oldest_days=int(figures.get('oldest_days', 0)),
            broken_promises=tuple((day - past).days for past in self.promises.get(customer.id, ()) if past < day),
            returned_payments=tuple((day - past).days for past in self.returned.get(customer.id, ()) if past < day),
            risk_class=customer.ar_credit_class_id.id or None, country=customer.country_id.id or None,
            digits=self.company.currency_id.decimal_places)


class ArCreditSimulationLine(models.TransientModel):
    _name = 'ar.credit.simulation.line'
    _description = "Document in a Simulation of a Credit Rule"
    _order = 'date desc, id desc'

    simulation_id = fields.Many2one(comodel_name='ar.credit.simulation', required=True, index=True, ondelete='cascade')
    name = fields.Char(string="Number")
    document = fields.Reference(selection=lambda self: self.env['ar.credit.release']._selection_document())
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer")
    date = fields.Date()
    currency_id = fields.Many2one(related='simulation_id.currency_id')
    amount = fields.Monetary()
    reason = fields.Char()


class ArCreditRule(models.Model):
    _inherit = 'ar.credit.rule'

    def action_simulate(self):
        """Open the simulation of this rule."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'res_model': 'ar.credit.simulation', 'views': [(False, 'form')],
            'target': 'new', 'name': self.env._("Simulation of %s", self.name), 'context': {
                'default_rule_id': self.id, 'default_company_id': (self.company_id or self.env.company).id}}
