"""The call log: whom somebody called, what came of it, and when the customer is contacted again.

A call is logged once (`_log`): it makes what was agreed (a promise, disputes), a note in the customer's chatter and,
with a next contact date, a task for the collector; from that day on the customer is on the worklist. The next call
ends the follow-up of the earlier ones. What was agreed is not edited afterwards.
"""
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date

from .ar_guard import of_customers, without_defaults

FOLLOW_UP_ACTIVITY = 'ar_coordinator.mail_activity_type_follow_up'
OUTCOMES = [
    ('reached', "Reached"),
    ('promised', "Promised to pay"),
    ('disputed', "Disputes"),
    ('will_check', "Will check"),
    ('left_message', "Left a message"),
    ('no_answer', "No answer"),
    ('wrong_number', "Wrong number"),
]
SPOKEN = ('reached', 'promised', 'disputed', 'will_check')  # with somebody of the customer
EDITABLE = {'note', 'duration', 'contact_id', 'phone', 'date_next', 'activity_id', 'follow_up'}


class ArCall(models.Model):
    _name = 'ar.call'
    _description = "Call"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'date desc, id desc'
    _mail_post_access = 'read'
    _rec_names_search = ['partner_id', 'note']

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    contact_id = fields.Many2one(
        comodel_name='res.partner', string="Spoke to", index='btree_not_null', ondelete='set null',
        domain="[('commercial_partner_id', '=', partner_id)]")
    phone = fields.Char()
    user_id = fields.Many2one(
        comodel_name='res.users', string="Called by", required=True, readonly=True, index=True,
        default=lambda self: self.env.user)
    date = fields.Datetime(string="When", required=True, default=fields.Datetime.now, readonly=True)
    day = fields.Date(
        required=True, readonly=True, default=lambda self: self.env.company._ar_today(),
        help="In the company's time zone.")
    outcome = fields.Selection(selection=OUTCOMES, required=True, default='reached', tracking=True)
    duration = fields.Float(string="Minutes", digits=(6, 0), aggregator='sum')
    note = fields.Text(help="What was said.")
    promise_id = fields.Many2one(
        comodel_name='ar.promise', readonly=True, index='btree_not_null', ondelete='set null')
    dispute_ids = fields.Many2many(
        comodel_name='ar.dispute', relation='ar_call_dispute_rel', string="Disputes", readonly=True)
    date_next = fields.Date(string="Next Contact", tracking=True)
    follow_up = fields.Selection(
        selection=[('open', "To Do"), ('done', "Done")], string="Follow-up", readonly=True, copy=False, index=True)
    activity_id = fields.Many2one(
        comodel_name='mail.activity', string="Task", readonly=True, index='btree_not_null', ondelete='set null')

    _follow_up_idx = models.Index("(company_id, date_next) WHERE follow_up = 'open'")
    _day_idx = models.Index("(company_id, partner_id, day)")
    _duration_positive = models.Constraint('CHECK (duration >= 0)', "A call cannot last less than no time.")

    @api.depends('partner_id.name', 'outcome', 'day')
    @api.depends_context('lang')
    def _compute_name(self):
        labels = dict(self._fields['outcome']._description_selection(self.env))
        for call in self:
            call.name = self.env._(
                "%(customer)s: %(outcome)s, %(day)s", customer=call.partner_id.name or "",
                outcome=labels.get(call.outcome, ""), day=format_date(self.env, call.day) if call.day else "")

    @api.depends('name')
    def _compute_display_name(self):
        for call in self:
            call.display_name = call.name

    # === CONSTRAINT AND CRUD METHODS === #

    @api.constrains('contact_id', 'partner_id')
    def _check_contact(self):
        for call in self.filtered('contact_id'):
            # sudo: only whose contact it is
            if call.contact_id.sudo().commercial_partner_id != call.partner_id:
                raise ValidationError(self.env._(
                    "%(contact)s is not a contact of %(customer)s.", contact=call.contact_id.display_name,
                    customer=call.partner_id.display_name))

    @api.constrains('date_next', 'day')
    def _check_date_next(self):
        for call in self:
            if call.follow_up == 'open' and call.date_next and call.date_next < call.day:
                raise ValidationError(self.env._(
                    "%(call)s: the next contact cannot be before the call.", call=call.name))

    @api.model_create_multi
    def create(self, vals_list):
        guarded = {'user_id', 'date', 'day', 'promise_id', 'dispute_ids', 'follow_up', 'activity_id'}
        self = without_defaults(self, guarded)
        if not self.env.su and any(vals.get(name) for vals in vals_list for name in guarded):
            raise AccessError(self.env._("Who called and when, and what came of it, is recorded by itself."))
        vals_list = of_customers(self.env, vals_list)
        companies = {company_id: self.env['res.company'].browse(company_id)._ar_today()
                     for company_id in {vals.get('company_id') or self.env.company.id for vals in vals_list}}
        calls = super().create([{
            **vals, 'day': vals.get('day') or companies[vals.get('company_id') or self.env.company.id],
            'follow_up': 'open' if vals.get('date_next') else False} for vals in vals_list])
        calls._follow()
        calls._note_in_chatter()
        return calls

    def write(self, vals):
        if not self.env.su:
            if fixed := set(vals) - EDITABLE - {'message_main_attachment_id'}:
                raise UserError(self.env._(
                    "What was logged stays as it was (%s). Add a note, or log another call.",
                    ", ".join(sorted(self._fields[name]._description_string(self.env) for name in fixed))))
            if {'follow_up', 'activity_id'} & set(vals):
                raise AccessError(self.env._("A follow-up is done with its task, or by the next call."))
        result = super().write(vals)
        if 'date_next' in vals:
            self.sudo()._reschedule()  # sudo: the task belongs to the collector; the call could be written
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if not self.env.su:
            raise UserError(self.env._("A call is part of the customer's record and cannot be deleted."))

    # === ACTION METHODS === #

    def action_open_sheet(self):
        """Open the customer's sheet."""
        self.ensure_one()
        return self.env['ar.customer.sheet']._get_open_action(self.partner_id, self.company_id)

    # === BUSINESS METHODS === #

    @api.model
    def _log(self, partner, company, outcome, promise=None, disputes=None, **values):
        """Log a call.

        :param partner: res.partner, the customer or one of its contacts
        :param company: res.company
        :param str outcome: one of OUTCOMES
        :param promise: ar.promise that was given, or None
        :param disputes: ar.dispute that were opened, or None
        :param values: contact_id, phone, note, duration, date_next
        :return: ar.call
        :raise AccessError: unless the user may log calls
        """
        call = self.with_company(company).create({
            **values, 'partner_id': partner.commercial_partner_id.id, 'company_id': company.id, 'outcome': outcome})
        if promise or disputes:
            # sudo: what came of the call is not for users to write; they made it a moment ago
            call.sudo().write({
                'promise_id': promise.id if promise else False, 'dispute_ids': disputes.ids if disputes else []})
        return call

    def _follow(self):
        """End the follow-ups of earlier calls to the same customers, and make a task for the new ones."""
        # sudo: follow-ups are kept by calls; whoever may log one ends the earlier ones
        everybody = self.sudo()
        for company, own in everybody.grouped('company_id').items():
            earlier = everybody.search([
                ('company_id', '=', company.id), ('partner_id', 'in', own.partner_id.ids), ('follow_up', '=', 'open'),
                ('id', 'not in', own.ids)])
            earlier.activity_id.filtered('active').action_feedback(feedback=self.env._("Called again."))
            earlier.write({'follow_up': 'done'})
        everybody.filtered(lambda call: call.follow_up == 'open')._schedule()

    def _schedule(self):
        """Make a task for the next contact: the collector's, else the caller's."""
        for call in self:
            collector = call.partner_id.with_company(call.company_id).ar_collector_id._ar_on_duty(call.company_id)
            call.activity_id = call.activity_schedule(
                FOLLOW_UP_ACTIVITY, date_deadline=call.date_next, user_id=(
                    collector if collector.active and call.company_id in collector.company_ids else call.user_id).id,
                summary=self.env._("Contact %s again", call.partner_id.name))

    def _reschedule(self):
        """Bring task and follow-up in line with the next contact date."""
        for call in self:
            if not call.date_next:
                call.activity_id.filtered('active').unlink()
                call.follow_up = False
            elif call.activity_id.active:
                call.activity_id.date_deadline = call.date_next
            else:
                call.follow_up = 'open'
                call._schedule()

    def _note_in_chatter(self):
        """Leave a note on the customers. sudo: role and company were checked; the customer's data stays as it is."""
        labels = dict(self._fields['outcome']._description_selection(self.env))
        notes = {}
        for call in self:
            lines = [self.env._(
                "Call: %(outcome)s. %(contact)s %(phone)s", outcome=labels[call.outcome],
                contact=call.contact_id.name or "", phone=call.phone or "").strip()]
            lines += (call.note or "").splitlines()
            if call.date_next:
                lines.append(self.env._("Next contact: %s", format_date(self.env, call.date_next)))
            notes.setdefault(call.partner_id.id, []).append(Markup("<br/>").join(lines))
        self.env['res.partner'].sudo().browse(notes)._message_log_batch(
            {partner_id: Markup("<br/>").join(own) for partner_id, own in notes.items()},
            author_id=self.env.user.partner_id.id)

    @api.model
    def _get_contacts(self, company, since, partner_ids=None):
        """Return {customer id: day of the last call in which somebody was spoken to}, after `since`. One query.

        :param company: res.company
        :param date since: the last day that no longer counts
        :param partner_ids: iterable of ids of customers; None: all
        """
        domain = [('company_id', '=', company.id), ('outcome', 'in', SPOKEN), ('day', '>', since)]
        if partner_ids is not None:
            domain.append(('partner_id', 'in', list(partner_ids)))
        return {partner.id: day for partner, day in self._read_group(domain, ['partner_id'], ['day:max'])}


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    def _action_done(self, feedback=False, attachment_ids=None):
        """Override: whoever completes the task has contacted the customer again."""
        # sudo: completing the task was allowed; follow-ups are kept by calls
        calls = self.env['ar.call'].sudo().search([('activity_id', 'in', self.ids), ('follow_up', '=', 'open')])
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        calls.follow_up = 'done'
        return result


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_call_is_contact = fields.Boolean(
        string="Calls Count as Contact", default=True,
        help="A customer somebody spoke to on the phone gets no reminder within the quiet days, as after a letter.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_call_is_contact = fields.Boolean(related='company_id.ar_call_is_contact', readonly=False)


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _get_last_contacts(self, partner_ids):
        """Override: a call in which somebody was spoken to is a contact too, when the company wants it."""
        contacts = super()._get_last_contacts(partner_ids)
        if self.company_id.ar_call_is_contact and self.company_id.ar_dunning_quiet_days:
            since = fields.Date.subtract(self.as_of, days=self.company_id.ar_dunning_quiet_days)
            for partner_id, day in self.env['ar.call']._get_contacts(self.company_id, since, partner_ids).items():
                contacts[partner_id] = max(day, contacts.get(partner_id, day))
        return contacts


class ArWorklist(models.AbstractModel):
    _inherit = 'ar.worklist'

    @api.model
    def _get_events(self, companies, rules):
        """Override: next contact dates of calls."""
        events = super()._get_events(companies, rules)
        for partner, company, day in self.env['ar.call']._read_group(
                [('company_id', 'in', companies.ids), ('follow_up', '=', 'open')], ['partner_id', 'company_id'],
                ['date_next:max']):
            events[partner.id, company.id]['follow_up_on'] = day
        return events

    def _get_contacts(self, companies, rules):
        """Override: calls in which somebody was spoken to."""
        contacts = super()._get_contacts(companies, rules)
        for company in companies:
            for partner_id, day in self.env['ar.call']._get_contacts(
                    company, self._get_rest_start(company, rules)).items():
                key = (partner_id, company.id)
                contacts[key] = max(day, contacts.get(key, day))
        return contacts

    def _open_call(self, partner, company):
        """Override: the dialog that logs a call."""
        return self.env['ar.call.wizard']._get_open_action(partner, company)
