"""Answers to dunning letters, and further recipients: who else gets a letter, who looks at the reply.

A reply makes a task for the customer's collector; unless the company does not want it, the customer's next message
waits until somebody has marked the reply as handled, or the pause runs out. Automatic replies (out of office) only
stand in the chatter.
"""
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.mail import email_normalize_all, single_email_re

REPLY_ACTIVITY = 'ar_coordinator.mail_activity_type_reply'


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dunning_reply_pause = fields.Boolean(
        string="Wait When a Customer Replies", default=True,
        help="A customer who answers a letter gets no further reminder until the reply was handled.")
    ar_dunning_reply_days = fields.Integer(
        string="Wait at Most", default=14, help="Days after which reminders go on although nobody handled the reply.")
    ar_dunning_email_cc = fields.Char(
        string="Copy of Letters to", help="E-mail addresses that get a copy of every dunning e-mail, comma-separated.")

    @api.constrains('ar_dunning_reply_days')
    def _check_ar_dunning_reply_days(self):
        for company in self:
            if not 0 < company.ar_dunning_reply_days <= 365:
                raise ValidationError(self.env._(
                    "%s: after a reply, reminders wait between 1 and 365 days.", company.name))

    @api.constrains('ar_dunning_email_cc')
    def _check_ar_dunning_email_cc(self):
        for company in self.filtered('ar_dunning_email_cc'):
            if not all(single_email_re.match(part.strip()) for part in company.ar_dunning_email_cc.split(',')):
                raise ValidationError(self.env._(
                    "%(company)s: %(addresses)s are not e-mail addresses separated by commas.",
                    company=company.name, addresses=company.ar_dunning_email_cc))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_dunning_reply_pause = fields.Boolean(related='company_id.ar_dunning_reply_pause', readonly=False)
    ar_dunning_reply_days = fields.Integer(related='company_id.ar_dunning_reply_days', readonly=False)
    ar_dunning_email_cc = fields.Char(related='company_id.ar_dunning_email_cc', readonly=False)


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    def _message_route_process(self, message, message_dict, routes):
        """Override: tell automatic replies (RFC 3834) from a person's."""
        if (message.get('Auto-Submitted') or 'no').strip().lower() != 'no':
            self = self.with_context(ar_automatic_reply=True)
        return super()._message_route_process(message, message_dict, routes)


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    other_recipient_ids = fields.Many2many(
        comodel_name='res.partner', relation='ar_dunning_letter_recipient_rel', string="Also to", readonly=True,
        help="The customer's other receivables contacts.")
    email_cc = fields.Char(string="Copy to", readonly=True)
    reply_state = fields.Selection(
        selection=[('waiting', "Reply waiting"), ('handled', "Reply handled")], string="Reply", readonly=True,
        index='btree_not_null')
    reply_activity_id = fields.Many2one(
        comodel_name='mail.activity', string="Task for the Reply", index='btree_not_null', ondelete='set null',
        readonly=True)
    reply_pause_id = fields.Many2one(
        comodel_name='ar.pause', string="Pause for the Reply", index='btree_not_null', ondelete='set null',
        readonly=True)

    # === REPLIES === #

    def message_update(self, msg_dict, update_vals=None):
        """Override of `mail`: an incoming e-mail for a letter is the customer's reply."""
        if not self.env.su:  # the gateway is; anybody could say that a customer wrote
            self.check_access('write')
        result = super().message_update(msg_dict, update_vals)
        author = self.env['res.partner'].browse(msg_dict.get('author_id') or [])
        is_ours = author and not author.partner_share  # a colleague who answers by e-mail
        if not is_ours and not self.env.context.get('ar_automatic_reply'):
            # sudo: the mail gateway reports here, whoever's e-mail it is
            self.sudo().filtered(lambda letter: letter.state != 'draft')._receive_reply()
        return result

    def _receive_reply(self):
        """Make a task for the reply and let the customer's next message wait, as the company wants it."""
        for letter in self:
            company = letter.company_id
            today = company._ar_today()
            user = letter._get_reply_user()
            if not letter.reply_activity_id.active:
                letter.reply_activity_id = letter._get_reply_target(user).activity_schedule(
                    REPLY_ACTIVITY, date_deadline=today, user_id=user.id,
                    summary=self.env._("Reply of %s to a reminder", letter.partner_id.name),
                    note=letter._get_html_link())
            letter.reply_state = 'waiting'
            if not company.ar_dunning_reply_pause:
                continue
            date_end = fields.Date.add(today, days=company.ar_dunning_reply_days)
            if letter.reply_pause_id.is_active:
                letter.reply_pause_id.date_end = max(letter.reply_pause_id.date_end, date_end)
            else:
                letter.reply_pause_id = letter.reply_pause_id.create({
                    'company_id': company.id, 'partner_id': letter.partner_id.id, 'user_id': user.id,
                    'reason': self.env._("Reply waiting"), 'date_start': today, 'date_end': date_end})

    def _get_reply_user(self):
        """Return who looks at a reply: the customer's collector, else whoever sent the letter or its run; or their
        substitute."""
        collector = self.partner_id.with_company(self.company_id).ar_collector_id
        candidates = (collector, self.run_id.user_id, self.user_id)
        known = next((user for user in candidates if user and user.active), self.env.user)
        return known._ar_on_duty(self.company_id)

    def _get_reply_target(self, user):
        """Return the record the task belongs to: one its user may read."""
        sees_letters = user.has_group('ar_coordinator.group_ar_base') and self.company_id in user.company_ids
        return self if sees_letters else self.partner_id

    def action_reply_handled(self):
        """Say that replies were handled: the task is done and reminders may go on; nothing is sent now.

        :raise AccessError: for readers
        :raise UserError: for a letter without a reply that waits
        """
        self._check_user()
        for letter in self:
            if letter.reply_state != 'waiting':
                raise UserError(self.env._("%s has no reply that waits.", letter.name))
        letters = self.sudo()  # sudo: letters are read-only to users; role and company (read access) were checked
        letters._close_reply()
        letters.reply_activity_id.filtered('active').action_done()

    def _close_reply(self):
        """Close waiting replies and end their pauses."""
        self.reply_state = 'handled'
        self.reply_pause_id.filtered(lambda pause: pause.date_end >= pause.company_id._ar_today()).action_end()

    # === FURTHER RECIPIENTS === #

    def _set_other_recipients(self):
        """Store who else gets draft e-mails, in a constant number of queries."""
        letters = self.filtered(lambda letter: letter.channel == 'email')
        if not letters:
            return
        company = letters.company_id.ensure_one()
        contacts = self.env['res.partner'].search([
            ('commercial_partner_id', 'in', letters.partner_id.ids), ('ar_is_receivables_contact', '=', True),
            ('company_id', 'in', (False, company.id)), ('email_normalized', '!=', False)], order='id')
        bounced = {email for [email] in self._read_group(
            [('partner_id', 'in', letters.partner_id.ids), ('state', '=', 'bounced')], ['email_to'])}
        contacts = contacts.filtered(
            lambda contact: contact.email_normalized not in bounced and not contact.is_blacklisted)
        named = contacts.grouped('commercial_partner_id')
        for letter in letters:
            others = named.get(letter.partner_id, contacts.browse()) - letter.recipient_id
            others = others.filtered(lambda other, letter=letter: other.email_normalized != letter.email_to)
            if others != letter.other_recipient_ids:
                letter.other_recipient_ids = others
            if (letter.email_cc or False) != (company.ar_dunning_email_cc or False):
                letter.email_cc = company.ar_dunning_email_cc

    def _get_copy_addresses(self):
        """Override: the company's addresses for copies."""
        return email_normalize_all(self.email_cc)

    def _queue_mails(self, template):
        """Override: the letter also goes to the customer's other contacts, a copy to the company's addresses."""
        result = super()._queue_mails(template)
        self._queue_copies()
        return result


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _write_preview(self, decisions):
        """Override: letters name all their recipients."""
        letters = super()._write_preview(decisions)
        letters._set_other_recipients()
        return letters

    def _gate(self, letters):
        """Override: the contacts may be others by now."""
        leaving = super()._gate(letters)
        leaving._set_other_recipients()
        return leaving


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    def _action_done(self, feedback=False, attachment_ids=None):
        """Override: whoever completes the task has handled the reply."""
        # sudo: completing the task was allowed; letters are read-only to users
        letters = self.env['ar.dunning.letter'].sudo().search(
            [('reply_activity_id', 'in', self.ids), ('reply_state', '=', 'waiting')])
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        letters._close_reply()
        return result
