"""What a clerk enters about money: a draft, confirmed once, then undone or not; part of the record ever after.

    draft -> confirmed -> (ended state)

Deposits, returned payments and payments of the wrong customer inherit this. They define `state` with their words, what
confirming and undoing does (`_confirm`, `_undo`), and which fields are not for callers to write (`_guarded_fields`) or
not once it is confirmed (`_content_fields`).
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError

from .ar_guard import without_defaults

GUARDED_FIELDS = frozenset({'state', 'confirmed_by_id', 'date_confirmed'})


class ArCashDocument(models.AbstractModel):
    _name = 'ar.cash.document'
    _description = "Document of Money"
    _inherit = ['mail.thread']

    _number_prefix = ''
    _guarded_fields = GUARDED_FIELDS
    _content_fields = frozenset()
    _ended = ('undone', 'undone_by_id')  # state and user of what is undone

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    date = fields.Date(required=True, tracking=True, default=lambda self: self.env.company._ar_today())
    confirmed_by_id = fields.Many2one(comodel_name='res.users', string="Confirmed by", readonly=True, copy=False)
    date_confirmed = fields.Datetime(string="Confirmed on", readonly=True, copy=False)

    def _compute_name(self):
        for record in self:
            record.name = record._get_number()

    def _get_number(self):
        return f"{self._number_prefix}-{self._origin.id:05}" if self._origin.id else self.env._("New")

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: only buttons confirm.

        :raise AccessError: for a value that is theirs
        """
        self = without_defaults(self, self._guarded_fields)
        if not self.env.su and any(
                self._guarded_fields & {name for name, value in vals.items() if value and value != 'draft'}
                for vals in vals_list):
            self._refuse_by_hand()
        return super().create(vals_list)

    def write(self, vals):
        """Override: only buttons confirm, and what was confirmed stays.

        :raise AccessError: for a value that is theirs
        :raise UserError: for the content of what was confirmed
        """
        if not self.env.su:
            if self._guarded_fields & set(vals):
                self._refuse_by_hand()
            if self._content_fields & set(vals) and any(record.state != 'draft' for record in self):
                raise UserError(self.env._(
                    "%s was confirmed and cannot be changed: undo it and enter it again.", self[:1].name))
        return super().write(vals)

    def _refuse_by_hand(self):
        raise AccessError(self.env._("%s: it is confirmed and undone with its buttons.", self._get_kind()))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        for record in self:
            if record.state != 'draft':
                raise UserError(self.env._("%s is part of the record: it cannot be deleted.", record.name))

    # === CONFIRMED AND UNDONE === #

    def action_confirm(self):
        """Do what the document says, and tell whoever has to know.

        :raise AccessError: unless the user works the desk and may do this
        :raise UserError: when it cannot be done, or somebody dealt with it already
        """
        self._check_clerk('write')
        self._check_may_confirm()
        for record in self._lock_in('draft'):
            record._confirm()

    def _set_confirmed(self, **values):
        """Note that it is done, by whom and when."""
        self.write({
            **values, 'state': 'confirmed', 'confirmed_by_id': self.env.uid, 'date_confirmed': fields.Datetime.now()})

    def _take_back(self):
        """Undo what confirming did; the body of the documents' buttons.

        :raise AccessError: unless the user may
        :raise UserError: when it cannot be undone, or somebody dealt with it already
        """
        self._check_clerk('write')
        self._check_may_undo()
        state, user = self._ended
        for record in self._lock_in('confirmed'):
            record._undo()
            record.write({'state': state, user: self.env.uid})

    def _confirm(self):
        """Do what the document says, as superuser in its company, and call `_set_confirmed`; hook."""
        raise NotImplementedError

    def _undo(self):
        """Undo it, as superuser in its company, and tell whoever has to know; hook."""
        raise NotImplementedError

    def _check_may_confirm(self):
        """:raise AccessError: when it takes more than a clerk; hook"""

    def _check_may_undo(self):
        """:raise AccessError: unless the user is a manager; hook"""
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("%s: undone by a Receivables: Manager.", self._get_kind()))

    # === RULES === #

    def _get_kind(self):
        """Return what such documents are called."""
        return self.env['ir.model']._get(self._name).name

    def _check_clerk(self, operation):
        """:raise AccessError: unless the user works the desk and may do this with these documents."""
        self.check_access(operation)
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("%s: dealt with by a Receivables: User.", self._get_kind()))

    def _lock_in(self, state):
        """Lock the documents, check their state, and return them as superuser in their company, one by one.

        :raise UserError: for a document in another state, or that somebody else works on right now
        """
        self._check_clerk('write')
        self._lock_others_out(self, ", ".join(self.mapped('name')))
        self.invalidate_recordset(['state'])
        labels = dict(self._fields['state']._description_selection(self.env))
        for record in self:
            if record.state != state:
                raise UserError(self.env._(
                    "%(name)s is in state %(state)s: somebody dealt with it already.", name=record.name,
                    state=labels[record.state]))
        # sudo: role and company (write access) were checked; entries of a bank journal are not for every clerk
        return [record.sudo().with_company(record.company_id) for record in self]

    @api.model
    def _lock_others_out(self, records, name):
        """Lock records until the end of the transaction.

        :raise UserError: when somebody else works on them; as it is it would come up as a fault of the server
        """
        try:
            records.lock_for_update(allow_referencing=True)
        except LockError:
            raise UserError(self.env._(
                "%s is being worked on by somebody else: try again in a moment.", name)) from None

    @api.model
    def _open(self, context):
        """Return the action that shows a new document, filled in from `context`."""
        self._check_clerk('create')
        action = self.env['ir.actions.act_window']._for_xml_id(f"ar_coordinator.{self._table}_action")
        return {**action, 'views': [(False, 'form')], 'context': context}
