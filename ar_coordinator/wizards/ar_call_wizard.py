"""Log a call: outcome, what was promised or disputed, next contact; the script of the situation beside it."""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.ar_call import OUTCOMES
from ..models.ar_call_script import SITUATIONS

NEXT_DAYS = {'reached': 7, 'will_check': 3, 'left_message': 2, 'no_answer': 1}  # until the customer is called again


class ArCallWizard(models.TransientModel):
    _name = 'ar.call.wizard'
    _description = "Log a Call"

    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", required=True, readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)
    contact_id = fields.Many2one(
        comodel_name='res.partner', domain="[('commercial_partner_id', '=', partner_id)]")
    phone = fields.Char(compute='_compute_phone', store=True, readonly=False)
    situation = fields.Selection(selection=SITUATIONS, required=True, default='first')
    script = fields.Html(compute='_compute_script')
    outcome = fields.Selection(selection=OUTCOMES, required=True, default='reached')
    note = fields.Text(string="What Was Said")
    duration = fields.Float(string="Minutes", digits=(6, 0))
    date_next = fields.Date(
        string="Next Contact", compute='_compute_date_next', store=True, readonly=False,
        help="A task for the collector, and back on the worklist that day. Empty: none.")
    item_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_call_wizard_item_rel', string="Open Items",
        domain="[('id', 'in', choice_ids)]")
    choice_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_call_wizard_choice_rel', compute='_compute_choice_ids')
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_amount_open')
    amount_open = fields.Monetary(string="Open", compute='_compute_amount_open')
    date_promised = fields.Date(string="Promised for")
    amount = fields.Monetary(
        string="Promised Amount", compute='_compute_amount', store=True, readonly=False,
        help="Less than what is open: the oldest items first.")
    reason_id = fields.Many2one(comodel_name='ar.dispute.reason', string="Reason of the Dispute")

    @api.depends('contact_id', 'partner_id')
    def _compute_phone(self):
        for wizard in self:
            wizard.phone = wizard.contact_id.phone or wizard.partner_id.phone

    @api.depends('situation', 'company_id')
    @api.depends_context('lang')
    def _compute_script(self):
        for wizard in self:
            wizard.script = self.env['ar.call.script']._find(wizard.situation, wizard.company_id).body

    @api.depends('outcome', 'company_id')
    def _compute_date_next(self):
        for wizard in self:
            days = NEXT_DAYS.get(wizard.outcome)
            wizard.date_next = days and self._get_working_day(wizard.company_id._ar_today() + timedelta(days=days))

    def _get_working_day(self, day):
        """Return the day, or the Monday after a weekend."""
        return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)

    @api.depends('partner_id', 'company_id')
    def _compute_choice_ids(self):
        for wizard in self:
            wizard.choice_ids = [row['id'] for row in self._get_items(wizard.partner_id, wizard.company_id)]

    @api.depends('item_ids')
    def _compute_amount_open(self):
        for wizard in self:
            wizard.currency_id = wizard.item_ids._origin.currency_id[:1] or wizard.company_id.currency_id
            wizard.amount_open = sum(wizard.item_ids._origin.mapped('amount_residual_currency')) \
                if len(wizard.item_ids._origin.currency_id) == 1 else 0.0

    @api.depends('item_ids')
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = wizard.amount_open

    # === OPENING === #

    @api.model
    def _get_items(self, partner, company):
        """Return the customer's open debit items that are neither promised nor disputed in full, oldest first."""
        return [row for row in self.env['ar.ledger'].open_items(
            {'partner_ids': partner.ids, 'company_ids': company.ids})
            if row['residual_currency'] - row['disputed_currency'] > 0 and not row['promised_currency']]

    @api.model
    def _get_open_action(self, partner, company, items=None):
        """Return the action of the dialog, about these items or the overdue ones.

        :param partner: res.partner, a customer
        :param company: res.company
        :param items: account.move.line, or None
        """
        rows = self._get_items(partner, company)
        chosen = [row for row in rows if row['id'] in items.ids] if items else [
            row for row in rows if row['days'] > 0]
        currency = chosen[0]['currency_id'] if chosen else None
        contact = partner._ar_receivables_contacts(partner, company)[partner.id]
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Call %s", partner.display_name),
            'res_model': self._name, 'views': [(False, 'form')], 'target': 'new', 'context': {
                'default_partner_id': partner.id, 'default_company_id': company.id, 'default_contact_id': contact.id,
                'default_item_ids': [row['id'] for row in chosen if row['currency_id'] == currency],
                'default_situation': self._get_situation(partner, company)}}

    @api.model
    def _get_situation(self, partner, company):
        """Return what a call to the customer is most likely about: the script that is shown first."""
        lines = self.env['ar.promise.line']
        unkept = [('company_id', '=', company.id), ('partner_id', '=', partner.id),
                  ('state', 'in', ('broken', 'partly_kept')), ('move_line_id.reconciled', '=', False)]
        if lines.search_count(unkept, limit=1):
            return 'broken'
        if self.env['ar.dispute'].search_count([
                ('company_id', '=', company.id), ('partner_id', '=', partner.id), ('date_closed', '=', False),
        ], limit=1):
            return 'dispute'
        level = partner.with_company(company).ar_dunning_level_id
        return 'final' if level and level == level.policy_id.level_ids[-1:] else 'first'

    # === LOGGING === #

    def action_log(self):
        """Log the call and make what was agreed.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a promise without a day, a dispute without a reason, and what these refuse
        """
        self.ensure_one()
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Calls are logged by a Receivables: User."))
        desk = self.with_company(self.company_id)
        promise = desk._make_promise() if self.outcome == 'promised' else None
        disputes = desk._make_disputes() if self.outcome == 'disputed' else None
        call = desk.env['ar.call']._log(
            self.partner_id, self.company_id, self.outcome, promise=promise, disputes=disputes,
            contact_id=self.contact_id.id, phone=self.phone, note=self.note, duration=self.duration,
            date_next=self.date_next)
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
                'type': 'success', 'message': self.env._("Logged: %s", call.name),
                'next': {'type': 'ir.actions.act_window_close'}}}

    def _make_promise(self):
        """Note the promise down, as its own dialog does."""
        if not self.date_promised or not self.item_ids:
            raise UserError(self.env._("Enter what is promised, and for which day."))
        wizard = self.env['ar.promise.wizard'].create({
            'item_ids': self.item_ids.ids, 'date_promised': self.date_promised, 'note': self.note})
        if len(self.item_ids.currency_id) == 1:
            wizard.amount = self.amount
        known = self.item_ids.ids
        wizard.action_promise()
        return self.env['ar.promise.line'].search(
            [('move_line_id', 'in', known), ('is_open', '=', True)], order='id desc', limit=1).promise_id

    def _make_disputes(self):
        """Open a dispute over what is unpaid of each invoice."""
        moves = self.item_ids.move_id.filtered(lambda move: move.move_type in ('out_invoice', 'out_receipt'))
        if not self.reason_id or not moves:
            raise UserError(self.env._("Choose the disputed invoices and the reason."))
        disputes = self.env['ar.dispute']
        for move in moves:
            disputes |= disputes._open(move, reason=self.reason_id, note=self.note or "")
        return disputes
