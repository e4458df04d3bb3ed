"""How a dunning level reaches the customer besides the e-mail: printed letter, SMS, call task; whose task it is.

A letter has one channel by which it counts as a reminder (e-mail, printed letter, SMS or call); what goes beside it is
made when it is queued, each step by itself, so that a failing SMS neither stops the e-mail nor another customer's.
Without these options on a level nothing here does anything, but for customers who can be written to by no means at
all: they get a call task.
"""
import logging
import re

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import format_amount, format_date

from .ar_outbox import COUNTED_STATES, describe, write_changed

_logger = logging.getLogger(__name__)

RESULT_OF_CHANNEL = {'email': 'sent', 'letter': 'letter', 'sms': 'sms', 'call': 'call'}
SMS_PLACEHOLDERS = ('company', 'customer', 'amount', 'date')
SMS_PLACEHOLDER_PATTERN = rf"%%|%\((?:{'|'.join(SMS_PLACEHOLDERS)})\)s"


def has_postal_address(partner):
    """Return whether a letter to this contact could arrive."""
    street = partner.street or partner.street2
    return bool(street and (partner.city or partner.zip)) or bool(partner.city and partner.zip)


class ArDunningLevel(models.Model):
    _inherit = 'ar.dunning.level'

    send_email = fields.Boolean(
        string="E-mail", default=True,
        help="Customers without a working e-mail address get a printed letter; without a postal address, a call.")
    send_letter = fields.Boolean(
        string="Printed Letter", help="A printed letter as well, also for customers with an e-mail address.")
    send_sms = fields.Boolean(string="SMS", help="By Odoo's SMS app, if it is installed; each message costs credits.")
    sms_text = fields.Char(
        string="SMS Text", translate=True,
        help="Empty: a short standard text in the customer's language. "
             "%(company)s, %(customer)s, %(amount)s and %(date)s are filled in.")
    call_activity = fields.Boolean(string="Call Task", help="The responsible gets a task to call, with the open items.")
    responsible = fields.Selection(
        selection=[('collector', "Collector"), ('salesperson', "Salesperson"), ('user', "Always the same user")],
        default='collector', required=True, help="Who gets the tasks of this level.")
    responsible_user_id = fields.Many2one(
        comodel_name='res.users', string="User", domain=[('share', '=', False)])
    place_hold = fields.Boolean(string="Ask for a Credit Hold", help="The request is recorded with the letter.")

    @api.constrains('send_email', 'send_letter', 'send_sms', 'call_activity')
    def _check_channels(self):
        for level in self:
            if not (level.send_email or level.send_letter or level.send_sms or level.call_activity):
                raise ValidationError(self.env._(
                    "%s reaches nobody: choose e-mail, printed letter, SMS or call task.", level.display_name))

    @api.constrains('responsible', 'responsible_user_id')
    def _check_responsible(self):
        for level in self:
            if level.responsible == 'user' and not level.responsible_user_id:
                raise ValidationError(self.env._("%s: choose the user who gets its tasks.", level.display_name))

    @api.constrains('sms_text')
    def _check_sms_text(self):
        for level in self:
            if '%' in re.sub(SMS_PLACEHOLDER_PATTERN, '', level.sms_text or ""):
                raise ValidationError(self.env._(
                    "%(level)s: the SMS text can use %(placeholders)s and nothing else; write %% for a per cent sign.",
                    level=level.display_name, placeholders=", ".join(f"%({name})s" for name in SMS_PLACEHOLDERS)))

    def _is_email_only(self):
        """Return whether the level does nothing but send an e-mail."""
        return self.send_email and not self.send_letter and not self.send_sms

    def _choose_channel(self, recipient, email_reason, sms_number):
        """Return (channel, reason): how a letter of this level counts as a reminder to this recipient.

        :param str email_reason: why there can be no e-mail, or None
        :param str sms_number: number for an SMS, or False
        """
        postal = has_postal_address(recipient)
        if self.send_email and not email_reason:
            return 'email', 'due'
        if self.send_email and postal:
            return 'letter', email_reason
        if self.send_letter and postal:
            return 'letter', 'due'
        if self.send_sms and sms_number:
            return 'sms', email_reason if self.send_email else 'due'
        if self.send_email and self.call_activity:
            return 'call', 'no_contact' if email_reason == 'no_address' else email_reason
        if self.send_email:  # to be printed all the same: the address is found by who posts it
            return 'letter', email_reason
        if self.send_letter:
            return 'call', 'no_post'
        return 'call', 'no_phone' if self.send_sms else 'due'


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _write_preview(self, decisions):
        """Override: letters take the channels of their level."""
        letters = super()._write_preview(decisions)
        self._in_company()._set_channels(letters)
        return letters

    def _gate(self, letters):
        """Override: the address may be another one by now."""
        leaving = super()._gate(letters)
        self._set_channels(leaving)
        return leaving

    def _set_channels(self, letters):
        """Give draft letters the channel of their level, and say where a part of it is not possible."""
        special = letters.filtered(
            lambda letter: letter.channel != 'email' or letter.also_printed or letter.channel_note
            or not letter.level_id._is_email_only())
        if not special:
            return
        addresses = self._get_addresses(special.partner_id.ids)
        numbers = special._get_sms_numbers()
        reasons = {}
        for letter in special:
            recipient, email_reason = addresses[letter.partner_id.id]
            channel, reason = letter.level_id._choose_channel(recipient, email_reason, numbers.get(letter.id))
            reasons[letter] = (RESULT_OF_CHANNEL[channel], reason)
            write_changed(letter, {
                'channel': channel,
                'email_to': recipient.email_normalized if channel == 'email' else False,
                'also_printed': channel == 'email' and letter.level_id.send_letter and has_postal_address(recipient),
                'channel_note': letter._get_channel_note(recipient, numbers.get(letter.id)),
            })
        for outcome in self.env['ar.dunning.outcome'].search([('letter_id', 'in', special.ids)]):
            result, reason = reasons[outcome.letter_id]
            if outcome.result in RESULT_OF_CHANNEL.values() and (outcome.result, outcome.reason) != (result, reason):
                outcome.write({'result': result, 'reason': reason})


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    channel = fields.Selection(
        selection_add=[('sms', "SMS"), ('call', "Phone call")],
        ondelete={'sms': 'cascade', 'call': 'cascade'})
    also_printed = fields.Boolean(
        string="Printed as Well", readonly=True, help="A printed letter goes beside the e-mail.")
    date_posted = fields.Datetime(string="Posted on", readonly=True)
    channel_note = fields.Char(string="Not Possible", readonly=True, help="What its level asks for and cannot be done.")
    responsible_id = fields.Many2one(comodel_name='res.users', readonly=True)
    call_activity_id = fields.Many2one(
        comodel_name='mail.activity', string="Call Task", index='btree_not_null', ondelete='set null', readonly=True)
    sms_message_id = fields.Many2one(
        comodel_name='mail.message', string="SMS Message", index='btree_not_null', ondelete='set null', readonly=True)
    hold_requested = fields.Boolean(string="Credit Hold Requested", readonly=True)
    step_failure = fields.Text(string="Not Done", readonly=True, help="What went wrong beside the letter itself.")
    can_snailmail = fields.Boolean(compute='_compute_can_snailmail')

    @api.depends(
        'company_id.ar_dunning_snailmail', 'channel', 'state', 'also_printed', 'date_posted', 'mail_message_id')
    def _compute_can_snailmail(self):
        is_installed = 'snailmail.letter' in self.env
        for letter in self:
            letter.can_snailmail = is_installed and letter.company_id.ar_dunning_snailmail and letter._waits_for_post()

    # === ACTION METHODS === #

    def action_mark_sent(self):
        """Override: also for letters beside an e-mail, and for calls that were made."""
        self._check_user()
        beside = self.filtered(lambda letter: letter.also_printed and letter._waits_for_post())
        # sudo: letters are read-only to users; role, company (read access) and state were checked
        beside.sudo().date_posted = fields.Datetime.now()
        calls = self.filtered(lambda letter: letter.channel == 'call' and letter.state == 'queued')
        rest = self - beside - calls
        result = None
        if rest:
            result = super(ArDunningLetter, rest).action_mark_sent()
            rest.sudo().date_posted = fields.Datetime.now()  # sudo: as above
        calls.sudo()._mark_called(self.env.user)  # sudo: as above
        # sudo: whoever made the call, the task is done with it
        calls.sudo().call_activity_id.filtered('active').action_done()
        return result

    def action_snailmail(self):
        """Hand printed letters to Odoo's Snailmail, which prints and posts them for credits, by its own queue.

        :raise AccessError: for readers
        :raise UserError: where it is not installed or not switched on, or a letter does not wait for the post
        """
        self._check_user()
        for letter in self:
            if not letter.can_snailmail:
                raise UserError(self.env._(
                    "%s cannot go by Snailmail: install the app, switch it on in the settings of Receivables, and "
                    "choose printed letters that wait for the post.", letter.name))
        letters = self.sudo()  # sudo: letters are read-only to users; role, company and state were checked
        letters.try_lock_for_update(allow_referencing=True)
        report = self.env.ref('ar_coordinator.action_report_ar_dunning_letter')
        posts = letters.env['snailmail.letter'].create([{
            'model': letter._name, 'res_id': letter.id, 'partner_id': letter.recipient_id.id,
            'company_id': letter.company_id.id, 'report_template': report.id, 'user_id': self.env.uid,
        } for letter in letters])
        for letter, post in zip(letters, posts, strict=True):
            if letter.channel == 'letter':
                letter.mail_message_id = post.message_id  # its notification says whether it was posted
            else:
                letter.date_posted = fields.Datetime.now()

    # === CHANNELS === #

    def _waits_for_post(self):
        """Return whether a printed letter has still to be posted."""
        self.ensure_one()
        if self.also_printed:
            return not self.date_posted and self.state in ('queued', 'sent')
        return self.channel == 'letter' and self.state == 'queued' and not self.mail_message_id

    def _get_sms_numbers(self):
        """Return {letter id: number to send an SMS to} for letters whose level wants one and where it is possible."""
        letters = self.filtered(lambda letter: letter.level_id.send_sms)
        if not letters or 'sms.sms' not in self.env:
            return {}
        numbers = {
            letter.id: next(filter(None, (
                partner._phone_format(fname='phone') for partner in (letter.recipient_id, letter.partner_id))), False)
            for letter in letters}
        # sudo: whoever sends, nobody who asked not to be messaged gets one
        blocked = set(self.env['phone.blacklist'].sudo().search(
            [('number', 'in', [number for number in numbers.values() if number])]).mapped('number'))
        return {letter_id: number for letter_id, number in numbers.items() if number and number not in blocked}

    def _get_channel_note(self, recipient, sms_number):
        """Return what the level asks for and cannot be done, or False."""
        notes = []
        if self.level_id.send_letter and not has_postal_address(recipient):
            notes.append(self.env._("No printed letter: %s has no postal address.", recipient.display_name))
        if self.level_id.send_sms and 'sms.sms' not in self.env:
            notes.append(self.env._("No SMS: Odoo's SMS app is not installed."))
        elif self.level_id.send_sms and not sms_number:
            notes.append(self.env._("No SMS: %s has no phone number that takes one.", recipient.display_name))
        return " ".join(notes) or False

    # === STEPS BESIDE THE MESSAGE === #

    def _queue(self):
        """Override: what goes beside the message, for letters that are on their way."""
        result = super()._queue()
        queued = self.filtered(lambda letter: letter.state == 'queued')
        queued._assign_responsible()
        for method, wanted in self._get_steps():
            if letters := queued.filtered(wanted):
                letters._do_step(method)
        return result

    @api.model
    def _get_steps(self):
        """Return what is done beside the message: list of (method of letters, which letters). Hook: others add theirs.
        """
        return [
            ('_queue_sms', lambda letter: letter.level_id.send_sms),
            ('_make_calls', lambda letter: letter.channel == 'call' or letter.level_id.call_activity),
            ('_request_holds', lambda letter: letter.level_id.place_hold),
        ]

    def _do_step(self, method):
        """Do a step for all letters, and one by one when that fails; what goes wrong is recorded on the letter."""
        try:
            with self.env.cr.savepoint():
                getattr(self, method)()
            return
        except OperationalError:  # the whole transaction has to start again
            raise
        except Exception as error:
            _logger.info("Dunning letters %s: %s one by one, after %s", self.ids, method, error)
        for letter in self:
            try:
                with self.env.cr.savepoint():
                    getattr(letter, method)()
            except OperationalError:
                raise
            except Exception as error:
                _logger.warning("Dunning letter %s: %s failed", letter.id, method, exc_info=True)
                letter._step_failed(method, error)

    def _step_failed(self, method, error):
        """Record a step that failed. A letter that is nothing but this step did not go out at all."""
        self.step_failure = "\n".join(filter(None, [self.step_failure, describe(error)]))
        if (self.channel, method) in (('sms', '_queue_sms'), ('call', '_make_calls')):
            self._fail(describe(error))

    def _assign_responsible(self):
        """Store who gets the tasks of the letters' levels: as the level says, else the collector, else the sender."""
        for letter in self:
            level, partner = letter.level_id, letter.partner_id.with_company(letter.company_id)
            users = {
                'collector': partner.ar_collector_id, 'salesperson': partner.user_id,
                'user': level.responsible_user_id}
            candidates = (users[level.responsible], partner.ar_collector_id, letter.run_id.user_id)
            user = next((user for user in candidates if user and user.active), self.env['res.users'])
            user = user._ar_on_duty(letter.company_id)
            if user != letter.responsible_id:
                letter.responsible_id = user

    def _queue_sms(self):
        """Put an SMS for each letter into Odoo's queue, in the recipient's language."""
        numbers = self._get_sms_numbers()
        for letter in self.filtered(lambda letter: letter.id in numbers):
            recipient = letter.recipient_id
            message = letter._message_sms(
                letter._get_sms_text(), partner_ids=recipient.ids,
                sms_pid_to_number={recipient.id: numbers[letter.id]}, put_in_queue=True)
            letter.sms_message_id = message
            if letter.channel == 'sms':
                letter.mail_message_id = message  # its notification says whether it arrived
        lost = self.filtered(lambda letter: letter.channel == 'sms' and letter.id not in numbers)
        if lost:
            raise UserError(self.env._("%s has no phone number that takes an SMS.", lost[0].recipient_id.display_name))

    def _get_sms_text(self):
        """Return the text of the SMS in the recipient's language."""
        letter = self._localized()
        text = letter.level_id.sms_text
        values = {
            'company': letter.company_id.name, 'customer': letter.partner_id.name,
            'amount': letter._get_amount_to_pay(), 'date': letter._get_date_to_pay()}
        if text:
            return text % values
        return letter.env._("%(company)s: please remember to pay %(amount)s by %(date)s. Thank you!", **{
            name: values[name] for name in ('company', 'amount', 'date')})

    def _make_calls(self):
        """Create the call tasks: on the letter, or on the customer for a user who does not see letters."""
        call_type = self.env.ref('mail.mail_activity_data_call', raise_if_not_found=False)
        models_ids = {name: self.env['ir.model']._get_id(name) for name in ('ar.dunning.letter', 'res.partner')}
        activities = self.env['mail.activity'].create([{
            'activity_type_id': call_type.id if call_type else False,
            'res_model_id': models_ids[target._name],
            'res_id': target.id,
            'user_id': letter.responsible_id.id or False,
            'date_deadline': letter.company_id._ar_today(),
            'summary': letter._get_call_summary(),
            'note': letter._get_call_note(),
        } for letter in self for target in [letter._get_call_target()]])
        for letter, activity in zip(self, activities, strict=True):
            letter.call_activity_id = activity

    def _get_call_target(self):
        """Return the record the call task belongs to: one its user may read."""
        user = self.responsible_id
        sees_letters = not user or (
            user.has_group('ar_coordinator.group_ar_base') and self.company_id in user.company_ids)
        return self if sees_letters else self.partner_id

    def _get_call_summary(self):
        """Return the task's title."""
        env = self.with_context(lang=self.responsible_id.lang or self.env.lang).env
        return env._(
            "Call %(customer)s about %(amount)s", customer=self.partner_id.name,
            amount=format_amount(env, self.amount_total, self.currency_id))

    def _get_call_note(self):
        """Return the open items as HTML, in the language of whoever calls."""
        env = self.with_context(lang=self.responsible_id.lang or self.env.lang).env
        phones = " / ".join(dict.fromkeys(filter(None, (self.recipient_id.phone, self.partner_id.phone))))
        items = Markup().join(
            Markup("<li>%s</li>") % env._(
                "%(number)s, due %(day)s: %(amount)s", number=line.name, day=format_date(env, line.date_due),
                amount=format_amount(env, line.amount_asked, self.currency_id))
            for line in self.line_ids)
        return Markup("<p>%s</p><ul>%s</ul>") % (phones or env._("No phone number."), items)

    def _mark_called(self, user):
        """The call was made: the letter counts as delivered."""
        self.write({'state': 'sent', 'date_sent': fields.Datetime.now(), 'user_id': user.id})

    def _request_holds(self):
        """Ask for a credit hold of the letters' customers, and say so on the letters."""
        for level, letters in self.grouped('level_id').items():
            letters._request_credit_hold(letters.partner_id, level)
        self.hold_requested = True
        self._message_log_batch(bodies={
            letter.id: self.env._("%(level)s: credit hold requested.", level=letter.level_id.name) for letter in self})

    def _request_credit_hold(self, partners, level):
        """Hook: place customers on credit hold, in the company of these letters. Here the request is only recorded.

        :param partners: res.partner, the customers of these letters
        :param level: ar.dunning.level that asks for it
        """

    # === DELIVERY === #

    def write(self, vals):
        """Override: a letter that is withdrawn takes what was made beside it with it."""
        result = super().write(vals)
        if vals.get('state') in ('failed', 'bounced', 'cancelled'):
            self._withdraw_steps()
        return result

    def _withdraw_steps(self):
        """Take back what was made beside letters that are no reminders. Hook: others add theirs."""
        cancelled = self.filtered(lambda letter: letter.state == 'cancelled')
        cancelled.call_activity_id.filtered('active').unlink()
        if sms_messages := cancelled.sms_message_id:
            self.env['sms.sms'].search(
                [('mail_message_id', 'in', sms_messages.ids), ('state', '=', 'outgoing')]).action_set_canceled()
        posted = cancelled.filtered(lambda letter: letter.channel == 'letter').mail_message_id
        if posted and 'snailmail.letter' in self.env:
            self.env['snailmail.letter'].search(
                [('message_id', 'in', posted.ids), ('state', '!=', 'sent')]).cancel()

    def _refresh_delivery(self):
        """Override: SMS and printed letters have notifications as well; core spells their cancellation differently."""
        result = super()._refresh_delivery()
        letters = self.filtered(lambda letter: letter.mail_message_id and letter.channel in ('letter', 'sms'))
        notifications = self.env['mail.notification'].search(
            [('mail_message_id', 'in', letters.mail_message_id.ids)]).grouped('mail_message_id')
        for letter in letters:
            own = notifications.get(letter.mail_message_id, self.env['mail.notification'])
            statuses = set(own.mapped('notification_status'))
            state = (
                'sent' if statuses & {'sent', 'pending'} else 'queued' if statuses & {'ready', 'process'}
                else 'bounced' if 'bounce' in statuses else 'failed' if 'exception' in statuses
                else 'cancelled' if 'canceled' in statuses else letter.state)
            if state == letter.state:
                continue
            letter._set_delivery(state, own)
            if state == 'sent' and letter.channel == 'letter':
                letter.date_posted = fields.Datetime.now()
        return result

    def _counts_by_email(self):
        """Return whether it is the e-mail that reminds the customer, and no printed letter in the post."""
        return self.channel == 'email' and not (self.also_printed and self.date_posted)

    def _set_delivery(self, state, notifications):
        """Override: a printed letter that is in the post reminds the customer, whatever became of the e-mail."""
        if state in ('failed', 'bounced') and self.channel == 'email' and not self._counts_by_email():
            self.message_post(body=self.env._("The e-mail did not arrive; the printed letter was posted."))
            return None
        result = super()._set_delivery(state, notifications)
        if self.state in COUNTED_STATES and self.channel != 'email':
            self.env['ar.dunning.outcome'].search([('letter_id', '=', self.id), ('result', '=', 'sent')]).write(
                {'result': RESULT_OF_CHANNEL[self.channel]})
        return result


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    def _action_done(self, feedback=False, attachment_ids=None):
        """Override: the call of a letter that is nothing but a call was made."""
        # sudo: whoever may complete the task says that the customer was called
        letters = self.env['ar.dunning.letter'].sudo().search([
            ('call_activity_id', 'in', self.ids), ('channel', '=', 'call'), ('state', '=', 'queued')])
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        letters._mark_called(self.env.user)
        return result


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dunning_snailmail = fields.Boolean(
        string="Post Letters by Snailmail",
        help="Printed letters get a button that hands them to Odoo's Snailmail, which posts them for credits.")
