"""What an invoice shows of its delivery: state, channel and day, for lists, filters and groups; nothing is stored."""
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .ar_invoice_delivery import KINDS, OPENED

STATES = [
    ('not_sent', "Not sent"),
    ('bounced', "Bounced"),
    ('failed', "Failed"),
    ('untraced', "No trace"),
    ('sending', "Being sent"),
    ('sent', "Sent"),
    ('delivered', "Delivered"),
    ('opened', "Opened"),
]
PROBLEMS = ('not_sent', 'bounced', 'failed', 'untraced')  # the customer does not have it, as far as we know
CHANNELS = [
    ('email', "E-mail"), ('snail', "Letter"), ('einvoice', "E-invoice"), ('online', "Online"),
    ('opened_email', "E-mail opened"),
    ('answer', "Customer's answer"), ('manual', "Download"), ('imported', "Imported history"),
    *(kind for kind in KINDS if kind[0] not in OPENED)]
FIELD_COLUMNS = {'ar_delivery_state': 'state', 'ar_delivery_channel': 'channel', 'ar_delivery_date': 'day'}


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_delivery_state = fields.Selection(
        selection=STATES, string="Delivery", compute='_compute_ar_delivery', search='_search_ar_delivery_state',
        groups='ar_coordinator.group_ar_base',
        help="Whether the invoice reached the customer, from what Odoo sent and heard. No trace: marked as sent, but"
             " no e-mail, letter or e-invoice left Odoo.")
    ar_delivery_channel = fields.Selection(
        selection=CHANNELS, string="Delivered by", compute='_compute_ar_delivery',
        search='_search_ar_delivery_channel', groups='ar_coordinator.group_ar_base')
    ar_delivery_date = fields.Date(
        string="Delivered on", compute='_compute_ar_delivery', groups='ar_coordinator.group_ar_base',
        help="Opened, delivered or last sent on.")
    ar_delivery_reason = fields.Char(
        string="Why Not Delivered", compute='_compute_ar_delivery', groups='ar_coordinator.group_ar_base')
    ar_delivery_ids = fields.One2many(
        comodel_name='ar.invoice.delivery', inverse_name='move_id', string="Deliveries",
        groups='ar_coordinator.group_ar_base')
    ar_sending_method = fields.Selection(
        selection=lambda self: self.env['res.partner']._fields['invoice_sending_method']._description_selection(
            self.env), string="Sending Method", compute='_compute_ar_sending_method',
        groups='ar_coordinator.group_ar_base', help="How the customer gets invoices, as set on the customer.")

    # === COMPUTE METHODS === #

    @api.depends('state', 'is_move_sent', 'ar_delivery_ids.active')
    def _compute_ar_delivery(self):
        """One query for the whole batch."""
        found = self.env['ar.ledger']._delivery_of(self._origin.ids) if self._origin.ids else {}
        for move in self:
            delivery = found.get(move._origin.id, {})
            move.ar_delivery_state = delivery.get('state')
            move.ar_delivery_channel = delivery.get('channel')
            move.ar_delivery_date = delivery.get('day')
            move.ar_delivery_reason = delivery.get('reason')

    @api.depends('commercial_partner_id.invoice_sending_method', 'company_id')
    def _compute_ar_sending_method(self):
        for company, moves in self.grouped('company_id').items():
            for move in moves:
                customer = move.commercial_partner_id.with_company(company)
                move.ar_sending_method = customer and (customer.invoice_sending_method or 'email')

    def _field_to_sql(self, alias, fname, query=None):
        """Override: the delivery can be grouped and sorted by."""
        if fname in FIELD_COLUMNS:
            self._check_field_access(self._fields[fname], 'read')
            return self.env['ar.ledger']._sql_delivery_column(alias, FIELD_COLUMNS[fname])
        return super()._field_to_sql(alias, fname, query)

    def _search_ar_delivery_state(self, operator, value):
        return self._search_ar_delivery('ar_delivery_state', operator, value)

    def _search_ar_delivery_channel(self, operator, value):
        return self._search_ar_delivery('ar_delivery_channel', operator, value)

    def _search_ar_delivery(self, name, operator, value):
        """Judged per invoice, so that the other conditions of a search go first."""
        if operator != 'in':
            return NotImplemented
        values = [one for one in value if one]

        def to_sql(model, alias, query):
            column = model._field_to_sql(alias, name, query)
            found = SQL("%s = ANY(%s)", column, values)
            return SQL("(%s OR %s IS NULL)", found, column) if len(values) < len(value) else found
        return Domain.custom(to_sql=to_sql, predicate=lambda move: move[name] in value)

    # === ACTIONS === #

    def action_ar_send_again(self):
        """Open Odoo's own dialog that sends invoices, for one or many.

        :raise UserError: without any posted customer document
        """
        moves = self.filtered(lambda move: move.is_sale_document(include_receipts=True) and move.state == 'posted')
        if not moves:
            raise UserError(self.env._("Choose posted customer invoices to send."))
        return moves.action_send_and_print()

    def action_ar_note_delivery(self):
        """Open the dialog that notes down how invoices were delivered without Odoo."""
        self.env['ar.invoice.delivery']._check_desk(self)
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Delivered Otherwise"),
            'res_model': 'ar.invoice.delivery.wizard', 'views': [(False, 'form')], 'target': 'new',
            'context': {'default_move_ids': self.ids}}

    def action_ar_view_deliveries(self):
        """Open what was noted down about the delivery of this invoice."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_invoice_delivery_action')
        return {**action, 'domain': [('move_id', '=', self.id)], 'context': {'active_test': False}}
