"""Customers handed over to management, an agency or lawyers: while they are, the company sends them no reminders.

The last level of a policy hands over by itself when its letter is queued; users hand over by hand. A manager takes a
customer back, and the next run proposes his items again: nothing is sent by taking back.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from ..engine import dunning
from .ar_dunning_history import search_flag
from .ar_guard import of_customers, without_defaults

HAND_OVER_TO = [('management', "Management"), ('agency', "Collection agency"), ('legal', "Lawyers")]
GUARDED_FIELDS = {'state', 'company_id', 'partner_id', 'date_returned', 'returned_by_id', 'letter_id'}


class ArHandOver(models.Model):
    _name = 'ar.hand.over'
    _description = "Customer Handed Over"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'state, date desc, id desc'
    _rec_name = 'partner_id'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', tracking=True,
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    to = fields.Selection(selection=HAND_OVER_TO, string="Handed Over to", required=True, tracking=True)
    date = fields.Date(required=True, default=lambda self: self.env.company._ar_today())
    user_id = fields.Many2one(
        comodel_name='res.users', string="Handed Over by", required=True, default=lambda self: self.env.user,
        domain=[('share', '=', False)])
    reason = fields.Char(required=True)
    letter_id = fields.Many2one(
        comodel_name='ar.dunning.letter', string="Last Letter", index='btree_not_null', ondelete='set null',
        readonly=True)
    state = fields.Selection(
        selection=[('open', "Handed over"), ('returned', "Taken back")], default='open', required=True, index=True,
        readonly=True, copy=False, tracking=True)
    date_returned = fields.Date(string="Taken Back on", readonly=True, copy=False)
    returned_by_id = fields.Many2one(
        comodel_name='res.users', string="Taken Back by", readonly=True, copy=False)
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount_receivable = fields.Monetary(
        string="Open", compute='_compute_amounts', help="What the customer owes today, credits deducted.")
    amount_overdue = fields.Monetary(string="Overdue", compute='_compute_amounts')

    _open_uniq = models.UniqueIndex(
        "(company_id, partner_id) WHERE state = 'open'", "This customer is handed over already.")

    # === COMPUTE METHODS === #

    @api.depends('partner_id', 'company_id')
    def _compute_amounts(self):
        for company, records in self.grouped('company_id').items():
            exposure = self.env['ar.ledger'].with_company(company).exposure(records.partner_id) if company else {}
            for record in records:
                figures = exposure.get(record.partner_id.id, {})
                record.amount_receivable = figures.get('receivable', 0.0)
                record.amount_overdue = figures.get('overdue', 0.0)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS - {'company_id', 'partner_id'})
        if not self.env.su and any(vals.get('state', 'open') != 'open' or vals.get('letter_id') for vals in vals_list):
            raise AccessError(self.env._("A customer is handed over first, and taken back by the button."))
        return super().create(of_customers(self.env, vals_list))

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._("A hand-over stays as it was: take the customer back, and hand over anew."))
        return super().write(vals)

    # === ACTION METHODS === #

    def action_return(self):
        """Take customers back: reminders go on with the next run.

        :raise AccessError: unless the user is a manager who may see the customers
        :raise UserError: for a customer who was taken back before
        """
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Customers are taken back by a Receivables: Manager."))
        for record in self:
            if record.state != 'open':
                raise UserError(self.env._("%s was taken back already.", record.partner_id.display_name))
        # sudo: the state moves by this button only; role and company (write access) were checked
        self.sudo()._return(self.env.user)

    # === BUSINESS METHODS === #

    def _return(self, user):
        """Take back open hand-overs; their tasks are done with."""
        self.write({
            'state': 'returned', 'returned_by_id': user.id, 'date_returned': fields.Date.context_today(self)})
        self.activity_ids.unlink()

    @api.model
    def _describe(self, company, partner_ids):
        """Return {customer id: to whom and since when} of customers handed over, in words.

        :param company: res.company
        :param partner_ids: iterable of ids of commercial partners
        """
        labels = dict(self._fields['to']._description_selection(self.env))
        return {record.partner_id.id: self.env._(
            "%(to)s since %(day)s: %(reason)s", to=labels[record.to], day=format_date(self.env, record.date),
            reason=record.reason) for record in self.search(
                [('company_id', '=', company.id), ('state', '=', 'open'), ('partner_id', 'in', list(partner_ids))])}

    @api.model
    def _open_of(self, partner, company):
        """Return the action that opens a customer's hand-overs in a company."""
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_hand_over_action')
        return {**action, 'domain': [('partner_id', '=', partner.id), ('company_id', '=', company.id)], 'context': {}}

    @api.model
    def _handed_over(self, company, partner_ids):
        """Return the set of ids of customers handed over in a company.

        :param company: res.company
        :param partner_ids: iterable of ids of commercial partners
        """
        return {partner.id for [partner] in self._read_group(
            [('company_id', '=', company.id), ('state', '=', 'open'), ('partner_id', 'in', list(partner_ids))],
            ['partner_id'])}


class ArDunningLevel(models.Model):
    _inherit = 'ar.dunning.level'

    hand_over = fields.Selection(
        selection=[('none', "No"), *HAND_OVER_TO], string="Hand Over to", default='none', required=True,
        help="With this letter the customer is handed over, and gets no more reminders until taken back.")
    hand_over_user_id = fields.Many2one(
        comodel_name='res.users', string="Manager in Charge", domain=[('share', '=', False)],
        help="Gets the task to hand the customer over. Empty: the responsible if he is a manager, else any manager.")


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _get_stops(self, rows):
        """Override: customers who were handed over get no reminders."""
        stops = super()._get_stops(rows)
        handed_over = self.env['ar.hand.over']._handed_over(
            self.company_id, {row['partner_id'] for row in rows if row['partner_id']})
        for row in rows:
            if row['partner_id'] in handed_over:
                stops.setdefault(row['id'], {})[dunning.HANDED_OVER] = True
        return stops


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    hand_over_ids = fields.One2many(comodel_name='ar.hand.over', inverse_name='letter_id', readonly=True)

    @api.model
    def _get_steps(self):
        """Override: the last level hands over."""
        return [*super()._get_steps(), ('_hand_over', lambda letter: letter.level_id.hand_over != 'none')]

    def _hand_over(self):
        """Hand the customers of the letters over, with a task for a manager; those who are already stay as they are."""
        done = {
            (company, partner_id) for company, letters in self.grouped('company_id').items()
            for partner_id in self.env['ar.hand.over']._handed_over(company, letters.partner_id.ids)}
        vals_list, managers = [], []
        for letter in self:
            if (letter.company_id, letter.partner_id.id) in done:
                continue
            done.add((letter.company_id, letter.partner_id.id))
            managers.append(letter._get_hand_over_manager())
            vals_list.append({
                'company_id': letter.company_id.id, 'partner_id': letter.partner_id.id, 'to': letter.level_id.hand_over,
                'date': letter.date, 'user_id': letter.run_id.user_id.id or self.env.uid, 'letter_id': letter.id,
                'reason': self.env._(
                    "%(level)s of %(day)s: %(amount)s", level=letter.level_id.name, day=letter.date,
                    amount=letter.currency_id.format(letter.amount_total))})
        records = self.env['ar.hand.over'].create(vals_list)
        todo = self.env.ref('mail.mail_activity_data_todo', raise_if_not_found=False)
        labels = dict(records._fields['to']._description_selection(self.env))
        self.env['mail.activity'].create([{
            'activity_type_id': todo.id if todo else False,
            'res_model_id': self.env['ir.model']._get_id('ar.hand.over'), 'res_id': record.id,
            'user_id': manager.id or False, 'date_deadline': record.company_id._ar_today(),
            'summary': self.env._(
                "Hand over %(customer)s: %(to)s", customer=record.partner_id.name, to=labels[record.to]),
        } for record, manager in zip(records, managers, strict=True)])

    def _get_hand_over_manager(self):
        """Return the user who gets the task: a manager of the company, as far as there is one."""
        group = self.env.ref('ar_coordinator.group_ar_manager')
        managers = group.all_user_ids.filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids).sorted('id')
        level = self.level_id
        return next((user for user in (level.hand_over_user_id, self.responsible_id) if user in managers), managers[:1])

    def _withdraw_steps(self):
        """Override: a letter that is no reminder hands nobody over."""
        result = super()._withdraw_steps()
        self.hand_over_ids.filtered(lambda record: record.state == 'open')._return(self.env.user)
        return result


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_hand_over_note = fields.Char(
        string="Handed Over", compute='_compute_ar_hand_over_note', groups='ar_coordinator.group_ar_base',
        help="To whom and since when, in the current company.")
    ar_is_handed_over = fields.Boolean(
        compute='_compute_ar_hand_over_note', search='_search_ar_is_handed_over',
        groups='ar_coordinator.group_ar_base')

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'lang')
    def _compute_ar_hand_over_note(self):
        notes = self.env['ar.hand.over']._describe(self.env.company, self._origin.commercial_partner_id.ids)
        for partner in self:
            partner.ar_hand_over_note = notes.get(partner._origin.commercial_partner_id.id, False)
            partner.ar_is_handed_over = bool(partner.ar_hand_over_note)

    def _search_ar_is_handed_over(self, operator, value):
        records = self.env['ar.hand.over']
        return search_flag(operator, value, lambda: Domain('commercial_partner_id', 'in', records.search(
            [('company_id', '=', self.env.company.id), ('state', '=', 'open')]).partner_id.ids))

    def action_ar_view_hand_over(self):
        """Open the hand-overs of the customer in the current company."""
        self.ensure_one()
        return self.env['ar.hand.over']._open_of(self.commercial_partner_id, self.env.company)


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_hand_over_note = fields.Char(
        string="Handed Over", compute='_compute_ar_hand_over_note', groups='ar_coordinator.group_ar_base',
        help="To whom and since when its customer was handed over.")
    ar_is_handed_over = fields.Boolean(
        compute='_compute_ar_hand_over_note', search='_search_ar_is_handed_over',
        groups='ar_coordinator.group_ar_base')

    @api.depends('commercial_partner_id', 'company_id')
    @api.depends_context('lang')
    def _compute_ar_hand_over_note(self):
        self.ar_hand_over_note = self.ar_is_handed_over = False
        for company, moves in self.grouped('company_id').items():
            notes = self.env['ar.hand.over']._describe(company, moves.commercial_partner_id.ids) if company else {}
            for move in moves if notes else ():
                move.ar_hand_over_note = notes.get(move.commercial_partner_id.id, False)
                move.ar_is_handed_over = bool(move.ar_hand_over_note)

    def _search_ar_is_handed_over(self, operator, value):
        return search_flag(operator, value, lambda: Domain.OR(
            Domain('company_id', '=', company.id) & Domain('commercial_partner_id', 'in', records.partner_id.ids)
            for company, records in self.env['ar.hand.over'].search(
                [('company_id', 'in', self.env.companies.ids), ('state', '=', 'open')]).grouped('company_id').items()))

    def action_ar_view_hand_over(self):
        """Open the hand-overs of the invoice's customer."""
        self.ensure_one()
        return self.env['ar.hand.over']._open_of(self.commercial_partner_id, self.company_id)
