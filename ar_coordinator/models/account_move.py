"""What an invoice knows about its receivable: disputes, pauses. Nothing stored here (see docs: write storms)."""
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .ar_import_loader import NUMBER_REGEX


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_dispute_ids = fields.One2many(
        comodel_name='ar.dispute', inverse_name='move_id', string="Disputes", groups='ar_coordinator.group_ar_base')
    ar_dispute_count = fields.Integer(
        string="Number of Disputes", compute='_compute_ar_dispute_count', groups='ar_coordinator.group_ar_base')
    ar_disputed_amount = fields.Monetary(
        string="Disputed", compute='_compute_ar_disputed_amount',
        groups='ar_coordinator.group_ar_base',
        help="Open disputes on this invoice, at most what is still unpaid, in the invoice's currency.")
    ar_is_paused = fields.Boolean(
        string="Reminders Paused", compute='_compute_ar_is_paused', search='_search_ar_is_paused',
        groups='ar_coordinator.group_ar_base',
        help="Reminders of this invoice, of an instalment of it, or of all of the customer's, wait today.")
    ar_pause_note = fields.Char(
        string="Paused", compute='_compute_ar_pause_note', groups='ar_coordinator.group_ar_base',
        help="Until when, why, and who answers for it.")

    # === COMPUTE METHODS === #

    def _compute_made_sequence_gap(self):
        """Numbers of an imported history have gaps by nature; core would mark every one of them."""
        imported = self.filtered(lambda move: move.journal_id.sequence_override_regex == NUMBER_REGEX)
        imported.made_sequence_gap = False
        return super(AccountMove, self - imported)._compute_made_sequence_gap()

    @api.depends('ar_dispute_ids')
    def _compute_ar_dispute_count(self):
        counts = dict(self.env['ar.dispute']._read_group([('move_id', 'in', self.ids)], ['move_id'], ['__count']))
        for move in self:
            move.ar_dispute_count = counts.get(move._origin, 0)

    @api.depends('ar_dispute_ids.amount_held', 'ar_dispute_ids.date_closed', 'amount_residual')
    def _compute_ar_disputed_amount(self):
        totals = dict(self.env['ar.dispute']._read_group(
            [('move_id', 'in', self.ids), ('is_open', '=', True)], ['move_id'], ['amount_held:sum']))
        for move in self:
            move.ar_disputed_amount = min(totals.get(move._origin, 0.0), move.amount_residual)

    @api.depends('commercial_partner_id', 'company_id')
    def _compute_ar_is_paused(self):
        self.ar_is_paused = False
        for company, moves in self.grouped('company_id').items():
            if company:
                pauses, who = self.env['ar.pause'], (company, company._ar_today(), moves.commercial_partner_id.ids)
                customers, paused = pauses._paused(*who)
                paused.update(pauses._paused_items(*who).values())
                for move in moves:
                    move.ar_is_paused = move.commercial_partner_id.id in customers or move._origin.id in paused

    @api.depends('commercial_partner_id', 'company_id')
    @api.depends_context('lang')
    def _compute_ar_pause_note(self):
        self.ar_pause_note = False
        for company, moves in self.grouped('company_id').items():
            customers, paused = self.env['ar.pause']._describe(
                company, moves.commercial_partner_id.ids) if company else ({}, {})
            for move in moves if customers or paused else ():
                move.ar_pause_note = "; ".join([*paused.get(move._origin.id, ()), *(
                    self.env._("all of the customer's, %s", line)
                    for line in customers.get(move.commercial_partner_id.id, ()))])

    def _search_ar_is_paused(self, operator, value):
        if operator != 'in':
            return NotImplemented
        wanted = set(value)
        if wanted == {True, False}:
            return Domain.TRUE
        pauses = self.env['ar.pause']
        paused = Domain.OR(
            Domain('company_id', '=', company.id) & (
                Domain('id', 'in', [*moves, *pauses._paused_items(company, today).values()])
                | Domain('commercial_partner_id', 'in', list(customers)))
            for company in self.env.companies
            for today in [company._ar_today()]
            for customers, moves in [pauses._paused(company, today)])
        return paused if True in wanted else ~paused

    # === ACTION METHODS === #

    def action_ar_view_pauses(self):
        """Open the pauses of the invoice and of its customer."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_pause_action')
        return {**action, 'domain': [
            ('company_id', '=', self.company_id.id), ('partner_id', '=', self.commercial_partner_id.id),
            ('move_id', 'in', (False, self.id))]}

    def action_ar_new_dispute(self):
        """Open the dialog that disputes this invoice: all, lines, an amount, or the difference of a short payment.

        :raise UserError: for anything but a posted customer invoice with such an amount
        """
        self._ar_get_undisputed()
        return {
            'name': self.env._("Dispute %s", self.name),
            'type': 'ir.actions.act_window',
            'res_model': 'ar.dispute.open.wizard',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_move_ids': self.ids},
        }

    def _ar_get_undisputed(self):
        """Return what is unpaid and not disputed yet, in the invoice's currency.

        :raise UserError: for anything but a posted customer invoice with such an amount
        """
        self.ensure_one()
        if self.move_type not in ('out_invoice', 'out_receipt') or self.state != 'posted':
            raise UserError(self.env._(
                "%s is not a posted customer invoice and cannot be disputed.", self.display_name))
        disputed = self.sudo().ar_disputed_amount  # sudo: customers open disputes too; the amount is not shown
        if self.currency_id.is_zero(self.amount_residual):
            raise UserError(self.env._("%s is settled: nothing of it is left to dispute.", self.display_name))
        undisputed = self.currency_id.round(self.amount_residual - disputed)
        if self.currency_id.compare_amounts(undisputed, 0) <= 0:
            raise UserError(self.env._(
                "%s: everything that is unpaid is disputed already, see its disputes.", self.display_name))
        return undisputed

    def action_ar_view_disputes(self):
        """Open the disputes of this invoice: the only one, or the list."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_dispute_action')
        action.update(domain=[('move_id', '=', self.id)], context={'default_move_id': self.id})
        if len(self.ar_dispute_ids) == 1:
            action.update(views=[(False, 'form')], res_id=self.ar_dispute_ids.id)
        else:
            action.update(views=[(False, 'list'), (False, 'form')])
        return action
