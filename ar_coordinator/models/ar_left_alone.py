"""Everything that is left alone in one list: pauses, invoices marked "no follow-up", which is a pause without end, and
items whose write-off waits for approval (ar_write_off_dunning.py).

A view of what is elsewhere, to find what was forgotten. Nothing is stored here.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

ENDLESS = ('no_followup', 'write_off')  # kinds that last until somebody ends them


class ArLeftAlone(models.Model):
    _name = 'ar.left.alone'
    _description = "Left Alone"
    _auto = False
    _order = 'date_start, id'
    _rec_name = 'reason'

    kind = fields.Selection(
        selection=[('customer', "Customer paused"), ('invoice', "Invoice paused"), ('no_followup', "No follow-up")],
        readonly=True)
    pause_id = fields.Many2one(comodel_name='ar.pause', readonly=True)
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", readonly=True)
    move_id = fields.Many2one(comodel_name='account.move', string="Invoice", readonly=True)
    move_line_id = fields.Many2one(comodel_name='account.move.line', string="Open Item", readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(comodel_name='res.users', string="Owner", readonly=True)
    date_start = fields.Date(string="Since", readonly=True, help="Of an invoice marked no follow-up: its own day.")
    date_end = fields.Date(string="Last Day", readonly=True, help="Empty: without an end.")
    reason = fields.Char(compute='_compute_reason', search='_search_reason')
    days = fields.Integer(string="Age (Days)", compute='_compute_days')
    amount_open = fields.Monetary(string="Open", compute='_compute_amount_open', help="What waits for it today.")
    is_active = fields.Boolean(string="In Force", compute='_compute_days', search='_search_is_active')

    @property
    def _table_query(self):
        return self.env['ar.ledger']._left_alone_query()

    # === COMPUTE METHODS === #

    @api.depends('pause_id.reason', 'kind')
    def _compute_reason(self):
        for row in self:
            row.reason = row._get_reason()

    def _get_reason(self):
        """Return why it is left alone. Hook: other kinds say theirs."""
        return self.pause_id.reason or self.env._("Marked no follow-up")

    def _search_reason(self, operator, value):
        return Domain('pause_id.reason', operator, value) | Domain('write_off_id.reason', operator, value)

    @api.depends('date_start', 'date_end', 'company_id')
    def _compute_days(self):
        for company, rows in self.grouped('company_id').items():
            today = company._ar_today()
            for row in rows:
                row.days = max((today - row.date_start).days, 0)
                row.is_active = row.kind in ENDLESS or row.date_start <= today <= row.date_end

    def _search_is_active(self, operator, value):
        if operator != 'in':
            return NotImplemented
        wanted = set(value)
        if wanted == {True, False}:
            return Domain.TRUE
        pauses = self.env['ar.pause'].search([('is_active', '=', True)])
        active = Domain('kind', 'in', ENDLESS) | Domain('pause_id', 'in', pauses.ids)
        return active if True in wanted else ~active

    @api.depends('move_id', 'partner_id', 'company_id')
    def _compute_amount_open(self):
        """One ledger query per company; of an invoice its residual, of a customer what he owes, credits deducted."""
        for company, rows in self.grouped('company_id').items():
            customers = rows.filtered(lambda row: not row.move_id).partner_id
            exposure = self.env['ar.ledger'].with_company(company).exposure(customers) if customers else {}
            for row in rows:
                if item := row.pause_id.move_line_id or row.move_line_id:
                    row.amount_open = item.amount_residual
                elif row.move_id:
                    row.amount_open = row.move_id.amount_residual_signed
                else:
                    row.amount_open = exposure.get(row.partner_id.id, {}).get('receivable', 0.0)

    # === ACTION METHODS === #

    def action_open(self):
        """Open the pause, the invoice that is marked, or the request."""
        record = self.ensure_one()._get_record()
        return {
            'type': 'ir.actions.act_window', 'name': record.display_name, 'res_model': record._name,
            'res_id': record.id, 'views': [(False, 'form')]}

    def _get_record(self):
        """Return the record behind a row. Hook: other kinds have theirs."""
        return self.pause_id or self.move_id

    def action_end(self):
        """End these now: pauses by their own button, marks by taking them off. Nothing is sent; the next run proposes.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a pause that is over
        """
        self._check_user()
        self.pause_id.action_end()
        self.filtered(lambda row: row.kind == 'no_followup').move_id._ar_end_no_followup()

    def action_give_end(self):
        """Ask for the end and reason of a pause that takes the place of an invoice's mark.

        :raise AccessError: unless the user works the desk
        """
        self.ensure_one()
        self._check_user()
        return self.move_id.action_ar_give_end()

    def _check_user(self):
        """:raise AccessError: unless the user works the desk and may see these."""
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Pauses are kept by a Receivables: User."))


class ArPause(models.Model):
    _inherit = 'ar.pause'

    replaces_no_followup = fields.Boolean(
        string="Takes the Place of No Follow-up", help="The invoice's mark is taken off with this pause.")

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a pause that takes the place of a mark takes it off."""
        pauses = super().create(vals_list)
        pauses.filtered('replaces_no_followup').move_id._ar_end_no_followup()
        return pauses


class AccountMove(models.Model):
    _inherit = 'account.move'

    def action_ar_give_end(self):
        """Open a new pause that takes the place of the mark "no follow-up".

        :raise UserError: for an invoice that is not marked
        """
        self.ensure_one()
        if not self.no_followup:
            raise UserError(self.env._("%s is not marked no follow-up.", self.display_name))
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_pause_action_new')
        return {**action, 'context': {
            'default_move_id': self.id, 'default_company_id': self.company_id.id,
            'default_replaces_no_followup': True}}

    def _ar_end_no_followup(self):
        """Take the mark off; the chatter says who did."""
        marked = self.filtered('no_followup')
        # sudo: role and company were checked by who calls; nothing but the mark is written
        marked.sudo().no_followup = False
        marked._message_log_batch(bodies=dict.fromkeys(
            marked.ids, self.env._("No longer marked no follow-up: the next dunning run looks at it again.")))
