"""Who hears of a letter or statement that did not arrive: a task, on it for an address, on the run for everything else.

A letter that failed or bounced is no reminder. When it reached the customer but not everybody it was sent to (another
contact, a copy's address), it is one, and says whom it missed. The task is done with when the letter, or a later one to
this customer, arrives.
"""
from markupsafe import Markup

from odoo import fields, models

FAILED_STATES = ('failed', 'bounced')
# the trouble of a server or an account and not of an address: one task for the run, however many letters it stops
SERVER_FAILURES = {
    'mail_smtp', 'mail_from_invalid', 'mail_from_missing', 'sms_credit', 'sms_server', 'sms_acc', 'sn_credit',
    'sn_trial', 'sn_price', 'sn_format', 'sn_error'}
UNDELIVERED_ACTIVITY = 'ar_coordinator.mail_activity_type_undelivered'


class ArOutboxMessage(models.AbstractModel):
    _inherit = 'ar.outbox.message'

    delivery_note = fields.Text(
        string="Not Delivered to", readonly=True, help="Who did not get this letter while others of the customer did.")
    undelivered_activity_id = fields.Many2one(
        comodel_name='mail.activity', string="Task for the Failure", index='btree_not_null', ondelete='set null',
        readonly=True)

    def _refresh_delivery(self):
        """Override: note whom a letter missed that reached the customer."""
        result = super()._refresh_delivery()
        letters = self.filtered(lambda letter: letter.mail_message_id and letter.channel == 'email')
        # sudo: what became of a message is told by its notifications, whoever's they are
        missed = self.env['mail.notification'].sudo().search([
            ('mail_message_id', 'in', letters.mail_message_id.ids),
            ('notification_status', 'in', ('exception', 'bounce'))]).grouped('mail_message_id')
        news = letters.browse()
        for letter in letters:
            own = missed.get(letter.mail_message_id, ()) if letter.state == 'sent' else ()
            note = "\n".join(
                f"{notification.mail_email_address or notification.res_partner_id.email_formatted}: "
                f"{letter._describe_failure(notification)}" for notification in own) or False
            if note != letter.delivery_note:
                letter.delivery_note = note
                news += letter if note else letter.browse()
        news._make_undelivered_tasks()
        return result

    def _describe_failure(self, notification):
        """Return why a notification failed, on one line."""
        reason = notification.failure_reason or self._get_failure_label(notification.failure_type)
        return " ".join(reason.split())

    def write(self, vals):
        """Override: letters that did not arrive make tasks, those that did end them."""
        failing = self.filtered(lambda letter: letter.state not in FAILED_STATES) \
            if vals.get('state') in FAILED_STATES else self.browse()
        result = super().write(vals)
        if failing:
            failing._make_failure_tasks()
        if self and vals.get('state') == 'sent':
            self._end_failure_tasks()
        return result

    # === TASKS === #

    def _make_failure_tasks(self):
        """Make tasks for letters that did not arrive: one each where an address is to be mended, else one per run."""
        own = self.env['mail.notification'].sudo().search([  # sudo: as above
            ('mail_message_id', 'in', self.mail_message_id.ids),
            ('notification_status', 'in', ('exception', 'bounce'))])
        of_address = own.filtered(lambda one: one.failure_type not in SERVER_FAILURES).mail_message_id
        mendable = self.filtered(
            lambda letter: letter.state == 'bounced' or letter.mail_message_id & of_address)
        mendable._make_undelivered_tasks()
        (self - mendable).run_id._make_failure_task()

    def _make_undelivered_tasks(self):
        """Make a task for each letter that has none: mend the address. It is the customer's collector's."""
        activity_type = self.env.ref(UNDELIVERED_ACTIVITY, raise_if_not_found=False)
        letters = self.filtered(lambda letter: not letter.undelivered_activity_id.active)
        vals_list = []
        for letter in letters:
            user = letter._get_reply_user()
            target = letter._get_reply_target(user)
            vals_list.append({
                'activity_type_id': activity_type.id if activity_type else False,
                'res_model_id': self.env['ir.model']._get_id(target._name), 'res_id': target.id,
                'user_id': user.id, 'date_deadline': letter.company_id._ar_today(),
                'summary': letter._get_undelivered_summary(),
                'note': letter._get_undelivered_note(),
            })
        # without a mail to each user about each task: there may be many
        activities = self.env['mail.activity'].with_context(mail_activity_quick_update=True).create(vals_list)
        for letter, activity in zip(letters, activities, strict=True):
            letter.undelivered_activity_id = activity

    def _get_undelivered_summary(self):
        """Return the task's title. Hook."""
        return self.env._("Reminder not delivered to %s", self.partner_id.name)

    def _get_undelivered_todo(self):
        """Return what a failure means and what to do about it. Hook."""
        if self.state == 'sent':
            return self.env._("It reached the customer at another address and counts as a reminder.")
        return self.env._("It does not count as a reminder. Mend the address: the next run proposes the items again.")

    def _get_undelivered_note(self):
        """Return what went wrong and what to do about it, as HTML."""
        todo = self._get_undelivered_todo()
        why = self.delivery_note if self.state == 'sent' else self.failure_reason
        return Markup("<p>%s: %s</p><p>%s</p>") % (self._get_html_link(), why or "", todo)

    def _end_failure_tasks(self):
        """These letters arrived: the tasks of earlier ones to their customers are done with."""
        earlier = self.search([
            ('partner_id', 'in', self.partner_id.ids), ('company_id', 'in', self.company_id.ids),
            ('state', 'in', FAILED_STATES)])
        activities = (self + earlier).filtered(lambda letter: not letter.delivery_note).undelivered_activity_id
        activities += (self + earlier).run_id._get_failure_tasks_over()
        if done := activities.filtered('active'):
            done.action_feedback(feedback=self.env._("Delivered"))


class ArOutboxRun(models.AbstractModel):
    _inherit = 'ar.outbox.run'

    def _make_failure_task(self):
        """Tell whoever sent the runs that letters could not be sent, once per run however many these are."""
        for run in self:
            known = run.activity_search([UNDELIVERED_ACTIVITY])
            if known:
                continue
            run.activity_schedule(
                UNDELIVERED_ACTIVITY, date_deadline=run.company_id._ar_today(), user_id=run._get_responsible().id,
                summary=self.env._("Letters could not be sent"), note=run._get_failure_note())

    def _get_failure_note(self):
        """Return what to do about messages that could not be sent. Hook."""
        return self.env._("See the letters in state Failed. They do not count as reminders; the next run proposes them"
                          " again.")

    def _get_failure_tasks_over(self):
        """Return the tasks of runs none of whose failed letters waits for a later one to its customer any more."""
        tasks = self.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref(UNDELIVERED_ACTIVITY, raise_if_not_found=False))
        runs = self.browse(tasks.mapped('res_id'))
        letters = self.env[self._outbox_model]
        failed = letters.search([('run_id', 'in', runs.ids), ('state', 'in', FAILED_STATES)]) if runs else letters
        latest = {(company, partner): last for company, partner, last in letters._read_group(
            [('partner_id', 'in', failed.partner_id.ids), ('state', '=', 'sent')],
            ['company_id', 'partner_id'], ['id:max'])} if failed else {}
        waiting = failed.filtered(
            lambda letter: latest.get((letter.company_id, letter.partner_id), 0) < letter.id).run_id
        return tasks.filtered(lambda task: task.res_id not in waiting.ids)

    def _get_responsible(self):
        """Return who started the run; a manager of the company for an automatic one."""
        user = self.user_id
        if user and user.active and user != self.env.ref('base.user_root'):
            return user
        # sudo: who the managers are is no secret to the run
        managers = self.env.ref('ar_coordinator.group_ar_manager').sudo().all_user_ids.filtered(
            lambda manager: manager.active and not manager.share and self.company_id in manager.company_ids)
        return managers.sorted('id')[:1] or user
