"""Leave it alone for now: a customer or an invoice that gets no reminders until a day, with a reason and an owner.

Ending a pause sends nothing by itself: the next run proposes the items again. Odoo's own `no_followup` flag on an
invoice works like a pause without an end and is not kept here.
"""
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date


class ArPause(models.Model):
    _name = 'ar.pause'
    _description = "Pause of Reminders"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'date_end, id'
    _check_company_auto = True

    name = fields.Char(compute='_compute_name', store=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index='btree_not_null', ondelete='cascade', check_company=True,
        domain=[('move_type', 'in', ('out_invoice', 'out_receipt')), ('state', '=', 'posted')],
        help="Empty: everything of the customer waits.")
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Instalment", index='btree_not_null', ondelete='cascade',
        domain="[('move_id', '=', move_id), ('account_type', '=', 'asset_receivable')]",
        help="Empty: the whole invoice waits, with all its instalments.")
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade',
        compute='_compute_partner_id', store=True, readonly=False, precompute=True,
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    reason = fields.Char(required=True, tracking=True)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Owner", required=True, default=lambda self: self.env.user,
        domain=[('share', '=', False)], tracking=True)
    date_start = fields.Date(
        string="From", required=True, default=lambda self: self.env.company._ar_today())
    date_end = fields.Date(
        string="Last Day", required=True, tracking=True, help="Reminders may go out again the day after.")
    is_active = fields.Boolean(string="In Force", compute='_compute_is_active', search='_search_is_active')

    _company_partner_idx = models.Index("(company_id, partner_id, date_end)")
    _dates_ordered = models.Constraint('CHECK (date_end >= date_start)', "A pause cannot end before it starts.")

    # === COMPUTE METHODS === #

    @api.depends('move_id', 'partner_id.name', 'date_end')  # not on the invoice's name: see ar.dispute
    def _compute_name(self):
        for pause in self:
            pause.name = self.env._(
                "%(what)s paused until %(day)s",
                what=pause.move_id.name or pause.partner_id.name or "", day=pause.date_end)

    @api.depends('move_id')
    def _compute_partner_id(self):
        for pause in self:
            pause.partner_id = pause.move_id.commercial_partner_id or pause.partner_id

    @api.depends('date_start', 'date_end', 'company_id')
    @api.depends_context('uid')
    def _compute_is_active(self):
        for pause in self:
            today = pause.company_id._ar_today() if pause.company_id else None
            pause.is_active = bool(
                today and pause.date_start and pause.date_end and pause.date_start <= today <= pause.date_end)

    def _search_is_active(self, operator, value):
        if operator != 'in':
            return NotImplemented
        wanted = set(value)
        if wanted == {True, False}:
            return Domain.TRUE
        active = Domain.OR(
            Domain([('company_id', '=', company.id), ('date_start', '<=', today), ('date_end', '>=', today)])
            for company in self.env.companies for today in [company._ar_today()])
        return active if True in wanted else ~active

    # === CONSTRAINT METHODS === #

    @api.constrains('move_id', 'move_line_id', 'partner_id')
    def _check_customer(self):
        for pause in self:
            if pause.partner_id != pause.partner_id.commercial_partner_id:
                raise ValidationError(self.env._(
                    "%(contact)s is a contact: pause the customer %(customer)s.", contact=pause.partner_id.display_name,
                    customer=pause.partner_id.commercial_partner_id.display_name))
            if pause.move_id and pause.move_id.commercial_partner_id != pause.partner_id:
                raise ValidationError(self.env._(
                    "%(invoice)s is not an invoice of %(customer)s.", invoice=pause.move_id.name,
                    customer=pause.partner_id.display_name))
            if pause.move_line_id and pause.move_line_id.move_id != pause.move_id:
                raise ValidationError(self.env._(
                    "%(item)s is not an instalment of %(invoice)s.", item=pause.move_line_id.display_name,
                    invoice=pause.move_id.name or pause.partner_id.display_name))

    # === ACTION METHODS === #

    def action_end(self):
        """End pauses today; nothing is sent, the next run proposes the items again.

        :raise UserError: for a pause that is over
        """
        for pause in self:
            today = pause.company_id._ar_today()
            if pause.date_end < today:
                raise UserError(self.env._("%s is over already.", pause.name))
            yesterday = fields.Date.subtract(today, days=1)
            if pause.date_start > yesterday:
                pause.date_start = yesterday
            pause.date_end = yesterday

    # === BUSINESS METHODS === #

    @api.model
    def _describe(self, company, partner_ids):
        """Return what is paused today, in words, in one query whatever the number of customers.

        :param company: res.company
        :param partner_ids: iterable of ids of commercial partners
        :return: ({customer id: lines about the customer as a whole}, {invoice id: lines about the invoice})
        """
        today = company._ar_today()
        customers, moves = {}, {}
        for pause in self.search([
                ('company_id', '=', company.id), ('date_start', '<=', today), ('date_end', '>=', today),
                ('partner_id', 'in', list(partner_ids))]):
            line = self.env._(
                "until %(day)s: %(reason)s (%(owner)s)", day=format_date(self.env, pause.date_end),
                reason=pause.reason, owner=pause.user_id.name)
            if pause.move_line_id:
                line = self.env._(
                    "for the instalment due %(due)s, %(pause)s", pause=line,
                    due=format_date(self.env, pause.move_line_id.date_maturity))
            target, key = (moves, pause.move_id.id) if pause.move_id else (customers, pause.partner_id.id)
            target.setdefault(key, []).append(line)
        return customers, moves

    @api.model
    def _paused(self, company, day, partner_ids=None):
        """Return what is paused on `day`, in one query whatever the number of customers (None: all).

        :return: (set of ids of customers paused as a whole, set of ids of paused invoices)
        """
        customers, moves = set(), set()
        domain = Domain([
            ('company_id', '=', company.id), ('date_start', '<=', day), ('date_end', '>=', day),
            ('move_line_id', '=', False)])
        if partner_ids is not None:
            domain &= Domain('partner_id', 'in', list(partner_ids))
        for partner, move in self._read_group(domain, ['partner_id', 'move_id']):
            if move:
                moves.add(move.id)
            else:
                customers.add(partner.id)
        return customers, moves

    @api.model
    def _paused_items(self, company, day, partner_ids=None):
        """Return {item id: invoice id} of the items paused by themselves on `day`, in one query (None: of everybody).

        An invoice paused as a whole is not listed here, see `_paused`.
        """
        domain = Domain([
            ('company_id', '=', company.id), ('date_start', '<=', day), ('date_end', '>=', day),
            ('move_line_id', '!=', False)])
        if partner_ids is not None:
            domain &= Domain('partner_id', 'in', list(partner_ids))
        return {item.id: move.id for item, move in self._read_group(domain, ['move_line_id', 'move_id'])}
