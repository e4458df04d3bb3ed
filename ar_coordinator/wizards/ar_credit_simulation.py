"""What a credit rule would have done to the invoices of the last 90 days, before it is switched on.

Each past day's documents are judged by the books as they stood the evening before, with today's limits. What would
have happened afterwards because of a hold is not guessed: everything else is as it was.
"""
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..engine import credit

KINDS = {
    'over_limit', 'without_credit', 'share_used', 'overdue_days', 'overdue_amount', 'order_size', 'broken_promises',
    'returned_payment'}
SHOWN = 200  # lines


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
    left_out_count = fields.Integer(
        string="Left Out", readonly=True, help="Documents of customers in credit groups, whose past is not known.")
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
        held, looked_at, left_out = self._simulate()
        self.write({
            'is_done': True, 'document_count': looked_at, 'held_count': len(held), 'left_out_count': left_out,
            'held_amount': sum(amount for _document, _customer, _day, amount, _reason in held),
            'customer_count': len({customer for _document, customer, _day, _amount, _reason in held}),
            'line_ids': [Command.clear(), *(Command.create({
                'name': document.display_name, 'document': f'{document._name},{document.id}', 'partner_id': customer,
                'date': day, 'amount': amount, 'reason': reason,
            }) for document, customer, day, amount, reason in held[:SHOWN])]})
        return {
            'type': 'ir.actions.act_window', 'res_model': self._name, 'res_id': self.id, 'views': [(False, 'form')],
            'target': 'new', 'name': self.env._("Simulation of %s", self.rule_id.name)}

    def _simulate(self):
        """Return ([(document, customer id, day, amount, reason)], documents looked at, documents left out)."""
        company = self.company_id
        self = self.with_company(company)
        ledger, rules = self.env['ar.ledger'], self.env['ar.credit.rule']
        rule = self.rule_id._to_engine()
        kind = next(iter(sorted(rule.documents)), credit.ORDER)
        by_day = defaultdict(list)
        left_out = 0
        documents = self._get_documents(company._ar_today() - timedelta(days=self.days))
        for document, customer, day, amount in documents:
            if customer.ar_credit_group_id:
                left_out += 1
            else:
                by_day[day].append((document, customer, amount))
        customers = self.env['res.partner'].union(*(customer for _document, customer, _day, _amount in documents))
        limits = customers._ar_get_limits(company, {})
        promises = self.env['ar.promise']._get_broken_promises(customers, company)
        returned = rules._get_returned_payments(customers, company)
        held = []
        for day in sorted(by_day):
            own = self.env['res.partner'].union(*(customer for _document, customer, _amount in by_day[day]))
            figures = ledger._get_open_figures(own, company, as_of=day - timedelta(days=1), age_at=day)
            added = defaultdict(float)
            for document, customer, amount in by_day[day]:
                books, limit = figures.get(customer.id, {}), limits[customer.id]
                fault = books.get('our_fault', 0.0) if company.ar_credit_exclude_our_fault else 0.0
                facts = credit.Facts(
                    mode=limit.mode, limit=limit.amount, overdue=books.get('overdue_checked', 0.0),
                    exposure=books.get('receivable', 0.0) - fault + added[customer.id],
                    oldest_days=int(books.get('oldest_days', 0)),
                    broken_promises=tuple((day - past).days for past in promises.get(customer.id, ()) if past < day),
                    returned_payments=tuple((day - past).days for past in returned.get(customer.id, ()) if past < day),
                    risk_class=customer.ar_credit_class_id.id or None, country=customer.country_id.id or None,
                    digits=company.currency_id.decimal_places)
                added[customer.id] += amount
                held += [
                    (document, customer.id, day, amount, rules._describe(decision, company))
                    for decision in credit.decide(facts, [rule], credit.Document(kind, amount, amount))]
        return held, len(documents), left_out

    @api.model
    def _get_documents(self, date_from):
        """Hook: return [(document, customer, day, amount in company currency)] from a day on, oldest first."""
        moves = self.env['account.move'].search_fetch([
            ('company_id', '=', self.env.company.id), ('state', '=', 'posted'), ('invoice_date', '>=', date_from),
            ('move_type', 'in', ('out_invoice', 'out_receipt')), ('commercial_partner_id', '!=', False)],
            ['name', 'commercial_partner_id', 'invoice_date', 'amount_total_signed'], order='invoice_date, id')
        return [(move, move.commercial_partner_id, move.invoice_date, move.amount_total_signed) for move in moves]


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
