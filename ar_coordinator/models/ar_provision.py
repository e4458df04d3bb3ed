"""Provision for expected credit losses: a proposal per company and day, and the draft journal entry made of it.

The matrix takes what is open per bucket at a rate of its own, from history or set by hand; doubtful customers are taken
out of it and provided for one by one. The entry is a draft: it is posted in a second step. By default it books the
provision in full and is reversed on the first day of the next period, so that each period shows its change; a provision
may book the change against the one before instead.
"""
import json

from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date

from ..engine import buckets, kpi
from .ar_guard import without_defaults
from .ar_loss_report import MONTHS
from .ar_wording import counted

GUARDED_FIELDS = {'state', 'move_id', 'reversal_move_id', 'previous_id', 'amount_previous', 'basis', 'is_stale'}
INPUTS = {'date', 'company_id', 'bucket_limits', 'months', 'lost', 'rate_source'}


class ArProvision(models.Model):
    _name = 'ar.provision'
    _description = "Provision for Credit Losses"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date desc, id desc'
    _check_company_auto = True

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    date = fields.Date(
        required=True, tracking=True, default=lambda self: self._default_date(),
        help="The provision is for what is open at the end of this day.")
    bucket_limits = fields.Char(
        required=True, default="30, 60, 90, 120", help="Last day of each bucket but the last, which is open-ended.")
    rate_source = fields.Selection(
        selection=[('history', "From history"), ('previous', "Of the previous provision"), ('own', "Own rates")],
        default='history', required=True, tracking=True,
        help="Where rates come from when the proposal is calculated; every rate may then be changed by hand.")
    months = fields.Selection(
        selection=[(str(months), f"{months} months") for months in MONTHS], string="History", default='12',
        required=True)
    lost = fields.Selection(
        selection=[('written_off', "What was written off"),
                   ('open_too_long', "Written off, or open a year after its due date")],
        string="Lost Is", default='written_off', required=True)
    booking = fields.Selection(
        selection=[('reverse', "In full, reversed next period"), ('change', "Change against the previous one")],
        default='reverse', required=True, tracking=True)
    line_ids = fields.One2many(comodel_name='ar.provision.line', inverse_name='provision_id', string="Matrix")
    individual_ids = fields.One2many(
        comodel_name='ar.provision.individual', inverse_name='provision_id', string="Individual Provisions")
    amount_matrix = fields.Monetary(string="By Matrix", compute='_compute_amounts', store=True)
    amount_individual = fields.Monetary(string="Individual", compute='_compute_amounts', store=True)
    amount_total = fields.Monetary(string="Provision", compute='_compute_amounts', store=True, tracking=True)
    previous_id = fields.Many2one(
        comodel_name='ar.provision', string="Previous Provision", readonly=True, copy=False, ondelete='set null',
        index='btree_not_null')
    amount_previous = fields.Monetary(readonly=True, copy=False)
    amount_change = fields.Monetary(string="Change", compute='_compute_amounts', store=True)
    is_stale = fields.Boolean(
        string="To Calculate", default=True, readonly=True, copy=False,
        help="Something was changed since the last calculation.")
    basis = fields.Text(readonly=True, copy=False, help="What the rates were taken from, as JSON, for the auditor.")
    state = fields.Selection(
        selection=[('draft', "Proposal"), ('booked', "Booked"), ('cancelled', "Cancelled")], default='draft',
        required=True, index=True, readonly=True, copy=False, tracking=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Journal Entry", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    reversal_move_id = fields.Many2one(
        comodel_name='account.move', string="Reversal", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    move_state = fields.Selection(related='move_id.state', string="Entry Status")

    def _default_date(self):
        """The end of last month."""
        return kpi.previous_month_end(self.env.company._ar_today())

    # === COMPUTE METHODS === #

    @api.depends('date')
    def _compute_name(self):
        for record in self:
            record.name = self.env._(
                "Provision %(day)s", day=format_date(self.env, record.date)) if record.date else self.env._("Provision")

    @api.depends('line_ids.amount', 'individual_ids.amount', 'amount_previous')
    def _compute_amounts(self):
        for record in self:
            currency = record.currency_id or record.env.company.currency_id
            record.amount_matrix = currency.round(sum(record.line_ids.mapped('amount')))
            record.amount_individual = currency.round(sum(record.individual_ids.mapped('amount')))
            record.amount_total = currency.round(record.amount_matrix + record.amount_individual)
            record.amount_change = currency.round(record.amount_total - record.amount_previous)

    @api.constrains('bucket_limits')
    def _check_bucket_limits(self):
        for record in self:
            record._get_limits()

    @api.constrains('date')
    def _check_date(self):
        for record in self:
            if record.date > record.company_id._ar_today():
                raise ValidationError(self.env._(
                    "A provision for %(day)s cannot be calculated yet: the day is not over.",
                    day=format_date(self.env, record.date)))

    def _get_limits(self):
        self.ensure_one()
        try:
            return list(buckets.check_limits(int(part) for part in self.bucket_limits.split(',')))
        except ValueError as error:
            raise ValidationError(self.env._(
                "%(name)s: bucket limits are ascending whole days, for example 30, 60, 90; not %(limits)s.",
                name=self.name, limits=self.bucket_limits)) from error

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(GUARDED_FIELDS & set(vals) for vals in vals_list):
            raise AccessError(self.env._("A provision starts as a proposal; its buttons do the rest."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._(
                "What a provision was calculated from and booked with changes by its buttons."))
        own = {'line_ids', 'individual_ids', 'booking', *INPUTS} & set(vals)
        if own and any(record.state != 'draft' for record in self):
            raise UserError(self.env._(
                "%s is no proposal any more. Cancel it first, or make a new one.",
                ", ".join(self.filtered(lambda record: record.state != 'draft').mapped('name'))))
        if INPUTS & set(vals):
            vals = {**vals, 'is_stale': True}
        result = super().write(vals)
        if 'booking' in vals:
            for record in self:
                record._refresh_previous()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_booked(self):
        if booked := self.filtered(lambda record: record.state == 'booked'):
            raise UserError(self.env._("%s is booked. Cancel it first.", ", ".join(booked.mapped('name'))))

    # === ACTIONS === #

    def action_calculate(self):
        """Take what is open, the rates and the doubtful customers from the ledger; rates and customers that were set by
        hand stay.

        :raise AccessError: for others than managers
        :raise UserError: for what is no proposal
        """
        self.check_access('write')
        for record in self:
            record._check_draft()
            record._calculate()
            values = {
                'total': record.currency_id.format(record.amount_total),
                'matrix': record.currency_id.format(record.amount_matrix),
                'individual': record.currency_id.format(record.amount_individual), 'count': len(record.individual_ids)}
            record.message_post(body=counted(
                values['count'],
                self.env._(
                    "Calculated: %(total)s, of it %(matrix)s by the matrix and %(individual)s for one customer.",
                    **values),
                self.env._(
                    "Calculated: %(total)s, of it %(matrix)s by the matrix and %(individual)s for %(count)s customers.",
                    **values)))
        return True

    def action_book(self):
        """Make the draft journal entry; return the action that shows it.

        :raise AccessError: for others than managers
        :raise UserError: when there is nothing to book, an account is missing, or other provisions are in the way
        """
        self.check_access('write')
        for record in self:
            record._check_draft()
            if record.is_stale:
                raise UserError(self.env._("%s was changed since it was calculated. Calculate it again.", record.name))
            record._check_others()
            record._refresh_previous()
            move = self.env['account.move'].create(record._prepare_move())
            # sudo: guarded fields, written by this button only; access was checked above
            record.sudo().write({'state': 'booked', 'move_id': move.id})
            record.message_post(body=self.env._("Draft journal entry made: %s", move._get_html_link()))
            move.message_post(body=self.env._("Made from %s", record._get_html_link()))
        return self.action_open_move()

    def action_post(self):
        """Post the entry and, where the provision is booked in full, make its reversal for the next period.

        The reversal is a draft that Odoo posts at its date (`auto_post`).

        :raise AccessError, UserError: for others than managers; when nothing is booked
        """
        self.check_access('write')
        for record in self:
            if record.state != 'booked' or not record.move_id:
                raise UserError(self.env._("%s has no journal entry yet: book it first.", record.name))
            if record.move_id.state == 'draft':
                record.move_id.action_post()
            if record.booking == 'reverse' and not record.reversal_move_id:
                record._make_reversal()
        return True

    def action_cancel(self):
        """Cancel the provision; a draft entry goes with it, a posted one has to be reversed by an accountant.

        :raise AccessError, UserError: for others than managers; when the entry is posted
        """
        self.check_access('write')
        for record in self:
            if 'posted' in (record.move_id | record.reversal_move_id).mapped('state'):
                raise UserError(self.env._(
                    "The entry of %s is posted. Reset it to draft or reverse it first.", record.name))
            (record.move_id | record.reversal_move_id).filtered(lambda move: move.state == 'draft').unlink()
            record.sudo().state = 'cancelled'  # sudo: guarded, access was checked above
        return True

    def action_draft(self):
        """Make a cancelled provision a proposal again."""
        self.check_access('write')
        if any(record.state != 'cancelled' for record in self):
            raise UserError(self.env._("Only a cancelled provision can become a proposal again."))
        self.sudo().write({'state': 'draft'})  # sudo: guarded, access was checked above
        return True

    def action_open_move(self):
        """Return the action that shows the entry, and its reversal."""
        moves = self.move_id | self.reversal_move_id
        action = {'type': 'ir.actions.act_window', 'res_model': 'account.move', 'name': self.env._("Journal Entries")}
        if len(moves) == 1:
            return {**action, 'res_id': moves.id, 'views': [(False, 'form')]}
        return {**action, 'domain': [('id', 'in', moves.ids)], 'views': [(False, 'list'), (False, 'form')]}

    # === CALCULATION === #

    def _check_draft(self):
        self.ensure_one()
        if self.state != 'draft':
            raise UserError(self.env._("%s is no proposal any more.", self.name))

    def _calculate(self):
        """Fill previous provision, individual customers and matrix."""
        self._refresh_previous()
        self._propose_individuals()
        limits = self._get_limits()
        options = {'as_of': self.date, 'company_ids': self.company_id.ids, 'bucket_limits': limits}
        ledger = self.env['ar.ledger'].with_company(self.company_id)
        gross = ledger.gross_by_bucket(options, self.individual_ids.partner_id.ids)
        apart = [sum(amounts[number] for partner, amounts in gross.items() if partner)
                 for number in range(len(limits) + 2)]
        for individual in self.individual_ids.sudo():  # sudo: calculated, access was checked by the button
            individual.gross = self.currency_id.round(sum(gross.get(individual.partner_id.id, ())))
        rates, reached, lost, basis = self._get_rates(limits)
        old = {line.sequence: line for line in self.line_ids}
        commands = []
        for number, label in enumerate(self._get_labels(limits)):
            base = gross.get(None, [0.0] * (len(limits) + 2))[number]
            values = {
                'sequence': number, 'name': label, 'gross': self.currency_id.round(base + apart[number]),
                'apart': self.currency_id.round(apart[number]), 'base': self.currency_id.round(base),
                'reached': reached[number], 'lost': lost, 'proposed_rate': rates[number]}
            line = old.get(number)
            kept = bool(line and line.is_manual and line.name == label)
            if not kept:
                values.update(rate=rates[number], is_manual=False)
            commands.append(Command.update(line.id, values) if line else Command.create(values))
        commands += [Command.delete(line.id) for number, line in old.items() if number > len(limits) + 1]
        # sudo: lines are calculated, and what history they come from is guarded; access was checked by the button
        self.sudo().write({'line_ids': commands, 'basis': json.dumps(basis), 'is_stale': False})
        self.line_ids._spread()

    def _get_labels(self, limits):
        opts = self.env['ar.ledger']._read_options({'bucket_limits': limits, 'company_ids': self.company_id.ids})
        return [bucket['label'] for bucket in self.env['ar.aging.report']._buckets(opts)]

    def _get_rates(self, limits):
        """(rate per bucket, reached per bucket, lost, what they come from)"""
        count = len(limits) + 2
        if self.rate_source == 'history':
            data = self.env['ar.loss.report'].with_company(self.company_id).get_data({
                'as_of': self.date.isoformat(), 'months': int(self.months), 'lost': self.lost,
                'bucket_limits': limits, 'company_ids': self.company_id.ids})
            history = data['history']
            return [row['rate'] for row in data['matrix']], history['reached'], history['lost'], history
        rates = [0.0] * count
        latest = self.browse()
        if self.rate_source == 'previous':
            latest = self._get_booked([('date', '<', self.date)])[:1]
            if latest and latest._get_limits() != limits:
                raise UserError(self.env._(
                    "%(name)s: the rates of %(previous)s are for buckets of %(limits)s days. Take the same bucket "
                    "limits, or other rates.",
                    name=self.name, previous=latest.name, limits=", ".join(map(str, latest._get_limits()))))
            for line in latest.line_ids:
                rates[line.sequence] = line.rate
        return rates, [0.0] * count, 0.0, {'previous': latest.id or None}

    # === THE PROVISIONS BEFORE === #

    def _get_booked(self, domain):
        """Other booked provisions of the company, latest first."""
        return self.search([
            ('company_id', '=', self.company_id.id), ('state', '=', 'booked'), ('id', 'not in', self.ids), *domain],
            order='date desc, id desc')

    def _is_standing(self, date):
        """Return whether the entry is posted and not reversed by `date` (a reversal that posts itself counts)."""
        self.ensure_one()
        return self.move_id.state == 'posted' and not any(
            move.date <= date and (move.state == 'posted' or (move.state == 'draft' and move.auto_post == 'at_date'))
            for move in self.move_id.reversal_move_ids)

    def _get_standing(self):
        """Provisions before this one whose entries are in the books at its date, latest first."""
        return self._get_booked([('date', '<', self.date)]).filtered(lambda other: other._is_standing(self.date))

    def _refresh_previous(self):
        """The provision before this one, and what a change is booked against: what is in the books by now.

        Not those whose entry is a draft, was deleted, or was reversed: what they booked is not in the allowance. To one
        that is booked in full the one before is for comparison only, reversed for the next period as it is.
        """
        if self.booking == 'change':
            standing = self._get_standing()
            previous, amount = standing[:1], sum(other._get_amount_to_book() for other in standing)
        else:
            previous = self._get_booked([('date', '<', self.date)]).filtered(
                lambda other: other.move_id.state == 'posted' and 'posted' not in (
                    other.move_id.reversal_move_ids - other.reversal_move_id).mapped('state'))[:1]
            amount = previous.amount_total
        # sudo: guarded fields; access was checked by the button
        self.sudo().write({'previous_id': previous.id, 'amount_previous': self.currency_id.round(amount)})

    def _get_amount_to_book(self):
        return self.amount_total if self.booking == 'reverse' else self.amount_change

    def _check_others(self):
        """:raise UserError: when this provision and others together would book more or less than its total."""
        for other in self._get_booked([('move_id', '!=', False)]):
            if other.date >= self.date and (
                    other.move_id.state == 'draft' or other._is_standing(max(other.date, self.date))):
                raise UserError(self.env._("%s is booked. Cancel it first.", other.name))
            if other.move_id.state == 'draft':
                raise UserError(self.env._(
                    "The entry of %s is still a draft. Post it or cancel that provision first.", other.name))
        standing = self._get_standing()
        if in_full := standing.filtered(lambda other: other.booking == 'reverse')[:1]:
            raise UserError(self.env._(
                "%(previous)s was booked in full and is not reversed by %(day)s. Reverse it first.",
                previous=in_full.name, day=format_date(self.env, self.date)))
        if standing and self.booking == 'reverse':
            raise UserError(self.env._(
                "%(name)s is to be booked in full, but %(previous)s booked the change and stays in the books. Book "
                "this one as a change, too.", name=self.name, previous=standing[0].name))

    def _propose_individuals(self):
        """Add customers handed over to agency or lawyers, and those who dispute most of what they owe."""
        company = self.company_id
        known = self.individual_ids.partner_id
        proposals = {}
        handed = self.env['ar.hand.over'].search([
            ('company_id', '=', company.id), ('to', 'in', ('agency', 'legal')), ('date', '<=', self.date),
            '|', ('state', '=', 'open'), ('date_returned', '>', self.date)])
        for record in handed:
            proposals[record.partner_id.id] = ('handed_over', company.ar_provision_rate_handed_over, record.reason)
        options = {'as_of': self.date, 'company_ids': company.ids}
        for partner_id, gross, disputed in self.env['ar.ledger'].with_company(company).doubtful_customers(options):
            if disputed * 2 >= gross:
                proposals.setdefault(partner_id, (
                    'disputed', company.ar_provision_rate_disputed,
                    self.env._("%s disputed", self.currency_id.format(disputed))))
        self.individual_ids = [
            Command.create({'partner_id': partner_id, 'reason': reason, 'rate': rate / 100, 'note': note})
            for partner_id, (reason, rate, note) in proposals.items() if partner_id not in known.ids]

    # === ENTRY === #

    def _prepare_move(self):
        """Values of the draft entry.

        :raise UserError: for nothing to book, or a missing account
        """
        company = self.company_id
        amount = self._get_amount_to_book()
        if self.currency_id.is_zero(amount):
            raise UserError(self.env._("%s: there is nothing to book, the amount is zero.", self.name))
        expense, allowance = company.ar_provision_expense_account_id, company.ar_provision_allowance_account_id
        journal = company.ar_provision_journal_id or self.env['account.journal'].search(
            [*self.env['account.journal']._check_company_domain(company), ('type', '=', 'general')], limit=1)
        if not expense or not allowance or not journal:
            raise UserError(self.env._(
                "%s: choose the expense account, the allowance account and a journal under Settings > Receivables > "
                "Month End.", company.name))
        lines = [(expense, amount), (allowance, -amount)]
        return {
            'move_type': 'entry', 'company_id': company.id, 'journal_id': journal.id, 'date': self.date,
            'ref': self.name,
            'line_ids': [
                Command.create({'account_id': account.id, 'name': self.name, 'balance': balance,
                                'currency_id': self.currency_id.id, 'amount_currency': balance})
                for account, balance in lines]}

    def _make_reversal(self):
        """Odoo's own reversal of the entry, dated the first day of the next month, posted by Odoo on that day."""
        self.ensure_one()
        date = kpi.month_end(self.date) + relativedelta(days=1)
        reversal = self.move_id._reverse_moves([{
            'date': date, 'ref': self.env._("Reversal of: %s", self.name), 'auto_post': 'at_date'}])
        self.sudo().reversal_move_id = reversal  # sudo: guarded, access was checked by the button
        self.message_post(body=self.env._(
            "Reversal made for %(day)s: %(entry)s", day=format_date(self.env, date), entry=reversal._get_html_link()))
        if date <= self.company_id._ar_today():
            reversal.action_post()
