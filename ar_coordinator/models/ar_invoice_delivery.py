"""What is known of an invoice's delivery beyond Odoo's messages: opened online, or delivered by other means.

Openings are noted down by the portal, and by the image of an e-mail (ar_mail_opening.py); the rest by users through the
dialog of the invoice, which goes to the invoice's chatter. Nothing is edited: what was wrong is taken back, and stays.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

from .ar_guard import without_defaults

KINDS = [
    ('opened', "Opened online"),
    ('opened_email', "E-mail opened"),
    ('hand', "By hand"),
    ('post', "By post"),
    ('customer_portal', "Customer's own portal"),
    ('email_elsewhere', "E-mail outside Odoo"),
    ('confirmed', "Confirmed by the customer"),
]
OPENED = ('opened', 'opened_email')  # noted by the system
GUARDED_FIELDS = {'move_id', 'kind', 'date', 'user_id', 'partner_id', 'note', 'active'}


class ArInvoiceDelivery(models.Model):
    _name = 'ar.invoice.delivery'
    _description = "Delivery of an Invoice"
    _order = 'date desc, id desc'
    _rec_name = 'move_id'

    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", required=True, index=True, ondelete='cascade', readonly=True)
    company_id = fields.Many2one(related='move_id.company_id', store=True, index=True, precompute=True)
    kind = fields.Selection(selection=KINDS, string="How", required=True, readonly=True)
    date = fields.Date(required=True, readonly=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Opened by", index='btree_not_null', ondelete='set null', readonly=True,
        help="Empty: somebody with the link.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Noted by", index='btree_not_null', ondelete='set null', readonly=True)
    note = fields.Char(readonly=True)
    active = fields.Boolean(default=True, readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su:
            raise AccessError(self.env._("A delivery is noted down by the button of the invoice."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._(
                "A delivery stays as it was noted down: take it back by its button, and note down another one."))
        return super().write(vals)

    # === ACTIONS === #

    def action_take_back(self):
        """It was not delivered after all: the record stays, and counts no more.

        :raise AccessError: unless the user works the desk and may see the invoices
        :raise UserError: for openings, which are facts, and for what was taken back
        """
        self._check_desk(self.move_id)
        for delivery in self:
            if delivery.kind in OPENED or not delivery.active:
                raise UserError(self.env._(
                    "%s: only what a user noted down can be taken back, and once.", delivery.move_id.display_name))
        # sudo: records are changed by this button only; role and invoices were checked
        self.sudo().active = False
        labels = dict(self._fields['kind']._description_selection(self.env))
        self.move_id._message_log_batch(bodies={
            delivery.move_id.id: self.env._(
                "Not delivered after all: %(how)s on %(day)s taken back.", how=labels[delivery.kind],
                day=format_date(self.env, delivery.date)) for delivery in self})

    # === BUSINESS METHODS === #

    @api.model
    def _check_desk(self, moves):
        """:raise AccessError: unless the user works the desk and may see these invoices."""
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Deliveries are noted down by users of the receivables desk."))
        moves.check_access('read')

    @api.model
    def _note_delivered(self, moves, kind, date, note):
        """Note down that invoices were delivered by other means than Odoo; their chatters tell who said so.

        :param moves: account.move, posted customer documents
        :param str kind: one of KINDS but those of OPENED
        :param date: date, not later than today
        :param str note: may be empty
        :return: ar.invoice.delivery
        :raise AccessError: see `_check_desk`
        :raise UserError: for other documents, kinds and days
        """
        self._check_desk(moves)
        labels = dict(self._fields['kind']._description_selection(self.env))
        if kind in OPENED or kind not in labels:
            raise UserError(self.env._("Choose how the invoices were delivered."))
        for move in moves:
            if not move.is_sale_document(include_receipts=True) or move.state != 'posted':
                raise UserError(self.env._("%s is not a posted customer invoice.", move.display_name))
            if date > move.company_id._ar_today() or (move.invoice_date and date < move.invoice_date):
                raise UserError(self.env._(
                    "%s can be delivered from its invoice date to today.", move.display_name))
        # sudo: records are made by the dialog only; role, invoices and values were checked
        deliveries = self.sudo().create([{
            'move_id': move.id, 'kind': kind, 'date': date, 'note': note, 'user_id': self.env.uid} for move in moves])
        text = self.env._("Delivered on %(day)s: %(how)s", day=format_date(self.env, date), how=labels[kind])
        moves._message_log_batch(bodies=dict.fromkeys(moves.ids, f'{text}. {note}' if note else text))
        return deliveries

    @api.model
    def _note_opened(self, move, partner, kind='opened'):
        """Note down that an invoice was opened, once a day and person. To be called with sudo.

        :param move: account.move, posted
        :param partner: res.partner; empty for somebody with the link
        :param str kind: one of OPENED
        """
        today = move.company_id._ar_today()
        if not self.search_count([
                ('move_id', '=', move.id), ('kind', '=', kind), ('date', '=', today),
                ('partner_id', '=', partner.id)], limit=1):
            self.create({'move_id': move.id, 'kind': kind, 'date': today, 'partner_id': partner.id})
