"""Put off: a customer who is not on the worklist before a day, because somebody decided so and said why.

Every decision stays on record with who took it; bringing the customer back early does, too. A customer who writes is
heard all the same: a reply that comes after the decision shows at once.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from .ar_guard import of_customers, without_defaults

GUARDED_FIELDS = {'user_id', 'date_ended', 'ended_by_id'}


class ArWorklistSnooze(models.Model):
    _name = 'ar.worklist.snooze'
    _description = "Put Off on the Worklist"
    _order = 'id desc'
    _rec_name = 'partner_id'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    date_until = fields.Date(
        string="Not before", required=True, default=lambda self: fields.Date.add(self.env.company._ar_today(), days=7),
        help="From this day on the customer is on the worklist again, if there is still a reason.")
    reason = fields.Char(required=True)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Put off by", readonly=True, default=lambda self: self.env.user)
    date_ended = fields.Datetime(string="Brought Back on", readonly=True, copy=False)
    ended_by_id = fields.Many2one(comodel_name='res.users', string="Brought Back by", readonly=True, copy=False)

    _open_idx = models.Index("(company_id, date_until) WHERE date_ended IS NULL")

    @api.constrains('date_until', 'date_ended')
    def _check_date_until(self):
        for snooze in self:
            if not snooze.date_ended and snooze.date_until <= snooze.company_id._ar_today():
                raise ValidationError(self.env._(
                    "%(customer)s: choose a day to come, not %(day)s.", customer=snooze.partner_id.display_name,
                    day=format_date(self.env, snooze.date_until)))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(vals.get(name) for vals in vals_list for name in GUARDED_FIELDS):
            raise AccessError(self.env._("Who puts a customer off, and who brings it back, is recorded by itself."))
        snoozes = super().create(of_customers(self.env, vals_list))
        for snooze in snoozes:
            # sudo: the earlier decision about the same customer ends with this one
            self.sudo().search([
                *self._in_force(snooze.company_id), ('partner_id', '=', snooze.partner_id.id), ('id', '!=', snooze.id),
            ])._end(self.env.user)
        snoozes._note({snooze: self.env._(
            "Put off on the worklist until %(day)s: %(reason)s", day=format_date(self.env, snooze.date_until),
            reason=snooze.reason) for snooze in snoozes})
        return snoozes

    def write(self, vals):
        if not self.env.su:
            raise UserError(self.env._(
                "A decision stays as it was taken: bring the customer back, or put it off anew."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if not self.env.su:
            raise UserError(self.env._("Who put a customer off, and why, is part of the record."))

    def action_end(self):
        """Bring customers back to the worklist.

        :raise AccessError: unless the user works the desk and may see these
        """
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Customers are brought back to the worklist by a Receivables: User."))
        open_ones = self.filtered(lambda snooze: not snooze.date_ended)
        open_ones.sudo()._end(self.env.user)  # sudo: the end is set by this button only; role and company were checked
        open_ones._note({snooze: self.env._("Brought back to the worklist.") for snooze in open_ones})

    def _end(self, user):
        self.write({'date_ended': fields.Datetime.now(), 'ended_by_id': user.id})

    def _note(self, texts):
        """Leave a note on the customers. sudo: role and company were checked; the text is ours."""
        notes = {snooze.partner_id.id: text for snooze, text in texts.items()}
        self.env['res.partner'].sudo().browse(notes)._message_log_batch(notes, author_id=self.env.user.partner_id.id)

    @api.model
    def _in_force(self, companies):
        """Return the domain of the decisions in force today in the companies."""
        return Domain('date_ended', '=', False) & Domain.OR(
            Domain([('company_id', '=', company.id), ('date_until', '>', company._ar_today())])
            for company in companies)

    @api.model
    def _get_in_force(self, companies):
        """Return {(customer id, company id): ar.worklist.snooze} of today; one query."""
        return {(snooze.partner_id.id, snooze.company_id.id): snooze for snooze in self.search_fetch(
            self._in_force(companies), ['partner_id', 'company_id', 'date_until', 'reason', 'user_id'], order='id')}
