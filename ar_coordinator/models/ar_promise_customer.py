"""What an invoice and a customer know of promises: computed when looked at, nothing is stored on them."""
import operator as op

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .ar_promise import JUDGED_STATES

COMPARISONS = {'<': op.lt, '<=': op.le, '>': op.gt, '>=': op.ge}


class ArPromise(models.Model):
    _inherit = 'ar.promise'

    partner_kept_rate = fields.Float(
        string="Keeps (%)", compute='_compute_partner_kept_rate', digits=(5, 0),
        help="How much of what this customer promised came in time, on average.")
    partner_judged_count = fields.Integer(
        string="Promises Judged", compute='_compute_partner_kept_rate', help="Promises of this customer that are over.")

    def _compute_partner_kept_rate(self):
        for company, own in self.grouped('company_id').items():
            rates = self._get_kept_rates(company, own.partner_id)
            for promise in own:
                promise.partner_judged_count, promise.partner_kept_rate, _open = rates.get(
                    promise.partner_id.id, (0, 0.0, 0))

    @api.model
    def _get_broken_promises(self, partners, company, since=None):
        """Return the days on which customers' promises were broken or kept in part only, for credit rules. One query.

        A missed instalment counts once; what was withdrawn or cleared without payment does not.

        :param partners: res.partner, commercial partners
        :param company: res.company
        :param since: date; None: ever
        :return: {partner id: [date, oldest first]}; customers without are left out
        """
        domain = Domain([
            ('company_id', '=', company.id), ('partner_id', 'in', partners.ids),
            ('state', 'in', ('broken', 'partly_kept'))])
        if since:
            domain &= Domain('date_ended', '>=', since)
        days = {}
        for promise in self.search_fetch(domain, ['partner_id', 'date_ended'], order='date_ended, id'):
            days.setdefault(promise.partner_id.id, []).append(promise.date_ended)
        return days

    @api.model
    def _get_kept_rates(self, companies, partners=None):
        """Return {partner id: (number of promises judged, share kept in %, number open)} in one query.

        The share is the average over the judged promises: 100 for a kept one, what was paid in time of a partly kept
        one, 0 for a broken one.
        """
        domain = Domain([('company_id', 'in', companies.ids), ('state', 'in', ('open', *JUDGED_STATES))])
        if partners is not None:
            domain &= Domain('partner_id', 'in', partners.ids)
        figures = {}
        for partner, state, count, share in self._read_group(
                domain, ['partner_id', 'state'], ['__count', 'kept_share:sum']):
            own = figures.setdefault(partner.id, [0, 0.0, 0])
            if state == 'open':
                own[2] += count
            else:
                own[0] += count
                own[1] += share
        return {
            partner_id: (judged, share / judged if judged else 0.0, still_open)
            for partner_id, (judged, share, still_open) in figures.items()}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_promise_count = fields.Integer(
        string="Promises", compute='_compute_ar_promises', groups='ar_coordinator.group_ar_base',
        help="Promises of the whole customer that were judged, in the current company.")
    ar_promise_open_count = fields.Integer(
        string="Open Promises", compute='_compute_ar_promises', groups='ar_coordinator.group_ar_base')
    ar_promise_kept_rate = fields.Float(
        string="Promises Kept (%)", compute='_compute_ar_promises', search='_search_ar_promise_kept_rate',
        digits=(5, 0), groups='ar_coordinator.group_ar_base',
        help="How much of what was promised came in time, on average over the promises judged in the current company.")

    @api.depends_context('company')
    def _compute_ar_promises(self):
        rates = self.env['ar.promise']._get_kept_rates(self.env.company, self._origin.commercial_partner_id)
        for partner in self:
            count, rate, still_open = rates.get(partner._origin.commercial_partner_id.id, (0, 0.0, 0))
            partner.ar_promise_count = count
            partner.ar_promise_kept_rate = rate
            partner.ar_promise_open_count = still_open

    def _search_ar_promise_kept_rate(self, operator, value):
        """Customers without a judged promise are not found: they have no rate."""
        if operator not in COMPARISONS or isinstance(value, bool):
            return NotImplemented
        compare = COMPARISONS[operator]
        return Domain('commercial_partner_id', 'in', [
            partner_id for partner_id, (count, rate, _open) in
            self.env['ar.promise']._get_kept_rates(self.env.company).items() if count and compare(rate, value)])

    def action_ar_view_promises(self):
        """Open the promises of this customer in the current company."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_promise_action')
        return {
            **action, 'context': {}, 'domain': [
                ('partner_id', '=', self.commercial_partner_id.id), ('company_id', '=', self.env.company.id)]}

    def action_ar_promise(self):
        """Note down a promise about this customer's overdue items.

        :raise UserError: when nothing is open
        """
        return self._ar_open_wizard('ar.promise.wizard', self.env._("Promise to Pay"))

    def action_ar_plan(self):
        """Draw up a payment plan over this customer's overdue items.

        :raise UserError: when nothing is open
        """
        return self._ar_open_wizard('ar.promise.plan.wizard', self.env._("Payment Plan"))

    def _ar_open_wizard(self, model, name):
        """Return the action of a wizard over the customer's open items: the overdue ones, or all if none is."""
        self.ensure_one()
        customer = self.commercial_partner_id
        rows = [row for row in self.env['ar.ledger'].open_items(
            {'partner_ids': customer.ids, 'company_ids': self.env.company.ids})
            if row['residual_currency'] - row['disputed_currency'] > 0 and not row['promised_currency']]
        if not rows:
            raise UserError(self.env._(
                "%s has no open items that are neither promised nor disputed.", customer.display_name))
        overdue = [row for row in rows if row['days'] > 0] or rows
        currency = overdue[0]['currency_id']  # the currency of the oldest: one promise is in one currency
        return {
            'name': name, 'type': 'ir.actions.act_window', 'res_model': model, 'views': [(False, 'form')],
            'target': 'new', 'context': {
                'default_item_ids': [row['id'] for row in overdue if row['currency_id'] == currency]}}


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_promise_line_ids = fields.One2many(
        comodel_name='ar.promise.line', inverse_name='move_id', groups='ar_coordinator.group_ar_base')
    ar_promise_ids = fields.Many2many(
        comodel_name='ar.promise', string="Promises", compute='_compute_ar_promise_ids',
        search='_search_ar_promise_ids', groups='ar_coordinator.group_ar_base')
    ar_promise_count = fields.Integer(
        string="Number of Promises", compute='_compute_ar_promise_ids', groups='ar_coordinator.group_ar_base')
    ar_promised_date = fields.Date(
        string="Promised for", compute='_compute_ar_promised', search='_search_ar_promised_date',
        groups='ar_coordinator.group_ar_base', help="The latest day of the open promises about this invoice.")
    ar_promised_amount = fields.Monetary(
        string="Promised", compute='_compute_ar_promised', groups='ar_coordinator.group_ar_base',
        help="What is left of the open promises about this invoice.")
    ar_plan_id = fields.Many2one(
        comodel_name='ar.promise.plan', string="Payment Plan", compute='_compute_ar_promised',
        search='_search_ar_plan_id', groups='ar_coordinator.group_ar_base',
        help="The plan that is offered or agreed about this invoice.")

    def _compute_ar_promise_ids(self):
        for move in self:
            move.ar_promise_ids = move.ar_promise_line_ids.promise_id
            move.ar_promise_count = len(move.ar_promise_ids)

    def _search_ar_promise_ids(self, operator, value):
        return Domain('ar_promise_line_ids.promise_id', operator, value)

    @api.depends('amount_residual')
    def _compute_ar_promised(self):
        promised = {move.id: figures for move, *figures in self.env['ar.promise.line']._read_group(
            [('move_id', 'in', self._origin.ids), ('is_open', '=', True)], ['move_id'],
            ['date_promised:max', 'amount:sum', 'amount_paid:sum'])}
        planned = {item.move_id: item.plan_id for item in self.env['ar.promise.plan.item'].search(
            [('move_id', 'in', self._origin.ids), ('is_open', '=', True)])}
        for move in self:
            day, amount, paid = promised.get(move._origin.id, (False, 0.0, 0.0))
            move.ar_promised_date = day
            move.ar_promised_amount = min(amount - paid, move.amount_residual)
            move.ar_plan_id = planned.get(move._origin)

    def _search_ar_promised_date(self, operator, value):
        if operator == 'in' and set(value) == {False}:
            return ~Domain('ar_promise_line_ids.is_open', '=', True)
        if operator not in (*COMPARISONS, 'in') or False in (value if operator == 'in' else (value,)):
            return NotImplemented
        return Domain('ar_promise_line_ids', 'any', [('is_open', '=', True), ('date_promised', operator, value)])

    def _search_ar_plan_id(self, operator, value):
        """By the plans that are offered or agreed; `= False` finds invoices without one."""
        open_items = Domain('is_open', '=', True)
        if operator == 'in' and False in value:
            rest = [plan for plan in value if plan]
            none = Domain('id', 'not in', self.env['ar.promise.plan.item']._search(open_items).subselect('move_id'))
            return none | self._search_ar_plan_id('in', rest) if rest else none
        items = self.env['ar.promise.plan.item']._search(open_items & Domain('plan_id', operator, value))
        return Domain('id', 'in', items.subselect('move_id'))

    def _ar_open_receivables(self):
        """Return the open receivable items of posted customer invoices.

        :raise UserError: for other entries, and when nothing is open
        """
        wrong = self.filtered(lambda move: move.state != 'posted' or move.move_type not in (
            'out_invoice', 'out_receipt'))
        if wrong:
            raise UserError(self.env._(
                "%s is not a posted customer invoice: choose invoices that are to be paid.", wrong[0].display_name))
        items = self.line_ids.filtered(
            lambda line: line.account_type == 'asset_receivable' and line.amount_residual_currency > 0)
        if not items:
            raise UserError(self.env._("%s: nothing is left to be paid.", ", ".join(self.mapped('name'))))
        return items

    def action_ar_promise(self):
        """Note down a promise about these invoices.

        :raise UserError: for anything but posted customer invoices with something open
        """
        return self._ar_open_promise_wizard('ar.promise.wizard', self.env._("Promise to Pay"))

    def action_ar_plan(self):
        """Draw up a payment plan over these invoices.

        :raise UserError: as `action_ar_promise`
        """
        return self._ar_open_promise_wizard('ar.promise.plan.wizard', self.env._("Payment Plan"))

    def _ar_open_promise_wizard(self, model, name):
        """Return the action of a wizard over what is open on the invoices."""
        return {
            'name': name, 'type': 'ir.actions.act_window', 'res_model': model, 'views': [(False, 'form')],
            'target': 'new', 'context': {'default_item_ids': self._ar_open_receivables().ids}}

    def action_ar_view_promises(self):
        """Open the promises about this invoice: the only one, or the list."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_promise_action')
        action.update(domain=[('move_ids', 'in', self.ids)], context={})
        if len(self.ar_promise_ids) == 1:
            action.update(views=[(False, 'form')], res_id=self.ar_promise_ids.id)
        return action

    def action_ar_view_plan(self):
        """Open the payment plan this invoice is in."""
        self.ensure_one()
        return self.ar_plan_id._get_form_action()
