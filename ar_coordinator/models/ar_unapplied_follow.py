"""Unapplied credits one by one: how old they are, whose they are, what is next and when.

What is open is read live from the ledger; stored is only what people say of it (`ar.unapplied.follow`, one for an item
that somebody dealt with). The owner is the customer's collector on duty until somebody else takes it.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain

from .ar_guard import without_defaults

NEXT_STEPS = [
    ('match', "Find what it pays"),
    ('ask', "Ask the customer"),
    ('next_invoice', "Keep for the next invoice"),
    ('refund', "Pay it back"),
]
KINDS = [('payment', "Payment"), ('credit_note', "Credit note"), ('other', "Entry")]
SAID = {'user_id', 'next_step', 'date_next', 'note'}  # what people say of an item
FOLLOW_UP_ACTIVITY = 'mail.mail_activity_data_todo'


class ArUnappliedFollow(models.Model):
    _name = 'ar.unapplied.follow'
    _description = "Follow-Up of an Unapplied Credit"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date_next, id'
    _rec_name = 'move_line_id'

    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Credit", required=True, readonly=True, ondelete='cascade')
    company_id = fields.Many2one(related='move_line_id.company_id', store=True, precompute=True, index=True)
    partner_id = fields.Many2one(related='move_line_id.partner_id')
    currency_id = fields.Many2one(related='move_line_id.currency_id')
    amount = fields.Monetary(related='move_line_id.amount_residual_currency', string="Unapplied")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Owner", index='btree_not_null', tracking=True,
        domain=[('share', '=', False)], help="Empty: the customer's collector.")
    next_step = fields.Selection(selection=NEXT_STEPS, tracking=True)
    date_next = fields.Date(string="Follow-Up on", tracking=True)
    date_kept = fields.Datetime(
        string="Kept Since", readonly=True, help="Invoices made since are what it is kept for.")
    last_move = fields.Integer(string="Last Entry", readonly=True, help="When it was kept: later ones were made since.")
    note = fields.Char(tracking=True)

    _item_uniq = models.UniqueIndex("(move_line_id)", "This credit is followed up already.")

    @api.model_create_multi
    def create(self, vals_list):
        """Override: note since when something is kept for the next invoice."""
        self = without_defaults(self, {'move_line_id', 'next_step', 'date_kept', 'last_move'})
        for vals in vals_list:
            self._note_kept(vals)
        return super().create(vals_list)

    def write(self, vals):
        """Override: a follow-up stays with its credit.

        :raise AccessError: for another credit
        """
        if 'move_line_id' in vals and not self.env.su:
            raise AccessError(self.env._("A follow-up stays with its credit: write one for the other credit."))
        vals = dict(vals)
        self._note_kept(vals)
        return super().write(vals)

    def _note_kept(self, vals):
        """Set since when it is kept, where `vals` say whether."""
        for name in ('date_kept', 'last_move'):
            vals.pop(name, None)
        if 'next_step' in vals:
            is_kept = vals['next_step'] == 'next_invoice'
            vals['date_kept'] = fields.Datetime.now() if is_kept else False
            moves = self.env['account.move'].sudo()  # sudo: of all companies; only the number counts
            vals['last_move'] = moves.search([], order='id desc', limit=1).id if is_kept else 0

    @api.model
    def _of(self, items):
        """Return the follow-ups of credits, made where there are none.

        :param items: account.move.line, open credits
        """
        found = self.search([('move_line_id', 'in', items.ids)])
        missing = items - found.move_line_id
        return found | self.create([{'move_line_id': item.id} for item in missing])

    def _get_owner(self):
        """Return who follows this credit up today: its owner, else the customer's collector, on duty."""
        self.ensure_one()
        partner = self.partner_id.commercial_partner_id.with_company(self.company_id)
        return self.user_id or partner.ar_collector_id._ar_on_duty(self.company_id)

    def _close_settled(self):
        """Take the tasks back of credits that are not open any more."""
        self.filtered(lambda follow: follow.move_line_id.reconciled).activity_unlink([FOLLOW_UP_ACTIVITY])

    @api.model
    def _cron_follow_up(self):
        """Daily: a task for the owner of each payment that is unapplied too long, and none for what was applied since.

        What has a follow-up date in the future waits for it. One task for each credit.
        """
        self.search([('activity_ids', '!=', False)])._close_settled()
        companies = self.env['res.company'].search([('ar_unapplied_days', '>', 0)])
        for company in companies:
            inside = self.with_company(company).with_context(allowed_company_ids=company.ids)
            inside._make_tasks(company)
            self.env['ir.cron']._commit_progress(1)

    def _make_tasks(self, company):
        """Make the tasks of one company; see `_cron_follow_up`."""
        today = company._ar_today()
        items = self.env['ar.unapplied.item']
        waiting = items.search(
            Domain([('company_id', '=', company.id), ('kind', '=', 'payment')]) & items._is_due(company))
        follows = self._of(waiting.move_line_id)
        for follow in follows.filtered(lambda follow: not follow.activity_ids):
            owner = follow._get_owner()
            follow.activity_schedule(
                FOLLOW_UP_ACTIVITY, user_id=owner.id or False, date_deadline=follow.date_next or today,
                summary=self.env._(
                    "%(amount)s of %(customer)s are not applied", amount=follow.currency_id.format(-follow.amount),
                    customer=follow.partner_id.name or ""))


class ArUnappliedItem(models.Model):
    _name = 'ar.unapplied.item'
    _description = "Unapplied Credit"
    _inherit = ['ar.guard']
    _auto = False
    _order = 'date, id'
    _rec_name = 'move_id'

    move_line_id = fields.Many2one(comodel_name='account.move.line', string="Item", readonly=True)
    move_id = fields.Many2one(comodel_name='account.move', string="Document", readonly=True)
    ref = fields.Char(string="Reference", readonly=True)
    kind = fields.Selection(selection=KINDS, readonly=True)
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    company_currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    date = fields.Date(readonly=True)
    days = fields.Integer(string="Age", readonly=True, aggregator='max', help="Days since the accounting date.")
    amount = fields.Monetary(string="Unapplied", readonly=True, help="Credits are negative.")
    amount_company = fields.Monetary(
        string="In Company Currency", currency_field='company_currency_id', readonly=True)
    follow_id = fields.Many2one(comodel_name='ar.unapplied.follow', string="Follow-Up", readonly=True)
    is_owner_chosen = fields.Boolean(readonly=True, help="Else the owner is the customer's collector on duty.")
    user_id = fields.Many2one(comodel_name='res.users', string="Owner", domain=[('share', '=', False)])
    next_step = fields.Selection(selection=NEXT_STEPS)
    date_next = fields.Date(string="Follow-Up on")
    note = fields.Char()
    is_due = fields.Boolean(
        string="To Follow Up", compute='_compute_is_due', search='_search_is_due',
        help="Its follow-up date is reached; without one, it is older than the company lets payments be.")

    @property
    def _table_query(self):
        absences = self.env['ar.collector.absence']
        return self.env['ar.ledger']._unapplied_query(
            {company.id: absences._get_substitutes(company) for company in self.env.companies})

    @api.depends('days', 'date_next')
    def _compute_is_due(self):
        for company, items in self.grouped('company_id').items():
            due = items.filtered_domain(self._is_due(company))
            due.is_due = True
            (items - due).is_due = False

    def _search_is_due(self, operator, value):
        if operator != 'in':
            return NotImplemented
        due = Domain.OR(
            Domain('company_id', '=', company.id) & self._is_due(company) for company in self.env.companies)
        return due if set(value) == {True} else ~due if set(value) == {False} else Domain.TRUE

    @api.model
    def _is_due(self, company):
        """Return the domain of what has to be followed up today in a company."""
        planned = Domain('date_next', '<=', company._ar_today())
        if not company.ar_unapplied_days:
            return planned
        return planned | (Domain('date_next', '=', False) & Domain('days', '>', company.ar_unapplied_days))

    def write(self, vals):  # pylint: disable=method-required-super  # nothing is stored here
        """Override: what people say of an item is kept in its follow-up; the rest is the ledger's.

        :raise AccessError: unless the user works the desk, for an item he may see
        :raise UserError: for anything else than owner, next step, date and note
        """
        self.check_access('write')
        if unknown := set(vals) - SAID:
            raise UserError(self.env._("The ledger says what is unapplied: %s cannot be written.", ", ".join(unknown)))
        self.env['ar.unapplied.follow']._of(self.move_line_id).write(vals)
        self.env.flush_all()
        self.invalidate_recordset()
        return True

    # === ACTIONS === #

    def action_take(self):
        """Make these mine."""
        return self.write({'user_id': self.env.uid})

    def action_open(self):
        """Open the document."""
        return self.move_id.get_formview_action()

    def action_refund(self):
        """Draw up a request to pay these back: one customer's, in one currency.

        :return: action that shows the draft
        """
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Refunds are asked for by a Receivables: User."))
        if not self or any(len(self[name]) != 1 for name in ('partner_id', 'company_id', 'currency_id')):
            raise UserError(self.env._("Choose credits of one customer, in one currency, to pay them back."))
        request = self.env['ar.write.off'].create({
            'company_id': self.company_id.id, 'partner_id': self.partner_id.id, 'currency_id': self.currency_id.id,
            'kind': 'refund', 'cause': 'overpaid', 'reason': self.env._("Paid without anything open"),
            'line_ids': [Command.create({'move_line_id': item.id}) for item in self.move_line_id]})
        return {'type': 'ir.actions.act_window', 'name': request.name, 'res_model': 'ar.write.off',
                'res_id': request.id, 'views': [(False, 'form')]}


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_unapplied_days = fields.Integer(
        string="Follow Unapplied Cash Up after (Days)", default=14,
        help="Payments that pay nothing for longer are a task of their owner, and a reason on the worklist. 0: never.")

    _ar_unapplied_days = models.Constraint(
        'CHECK (ar_unapplied_days >= 0)', "Days until unapplied cash is followed up cannot be negative.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_unapplied_days = fields.Integer(related='company_id.ar_unapplied_days', readonly=False)


class ArWorklist(models.AbstractModel):
    _inherit = 'ar.worklist'

    @api.model
    def _get_events(self, companies, rules):
        """Override: payments that have to be followed up."""
        events = super()._get_events(companies, rules)
        for partner, company, count, amount in self.env['ar.unapplied.item']._read_group(
                [('company_id', 'in', companies.ids), ('partner_id', '!=', False), ('kind', '=', 'payment'),
                 ('is_due', '=', True)], ['partner_id', 'company_id'], ['__count', 'amount_company:sum']):
            events[partner.id, company.id].update(unapplied=count, unapplied_amount=-amount)
        return events

    def _get_actions(self, own, event, letter_due):
        """Override: look at what is not applied."""
        actions = super()._get_actions(own, event, letter_due)
        return [*actions, 'apply'] if event.get('unapplied') else actions

    def _open_apply(self, partner, company):
        """Open the unapplied credits of the customer."""
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_unapplied_item_action')
        return {**action, 'context': {}, 'domain': [
            ('partner_id', '=', partner.id), ('company_id', '=', company.id)]}
