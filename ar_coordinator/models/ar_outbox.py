"""What runs that send messages to many customers have in common: dunning runs with letters, statement runs.

A run in state `sending` hands its drafts to Odoo's mail queue (or to the printer) in batches, each in a transaction of
its own: a run that is killed goes on where it stopped, because a message is either still a draft or has its e-mail in
the queue. What becomes of an e-mail is told by its notifications. One message's trouble is recorded on that message.
"""
import logging

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_amount, format_date

from .ar_batch import shared
from .ar_guard import without_defaults

_logger = logging.getLogger(__name__)

COUNTED_STATES = ('queued', 'sent')  # these reached the customer as far as we know; failed and bounced ones did not


def describe(error):
    """Return what an exception says to a user: its own words, or the root cause of a technical one."""
    root = error
    while root.__cause__:
        root = root.__cause__
    return str(root) if isinstance(root, UserError) else f"{type(root).__name__}: {root}"


def spoken(env, code):
    """Return a language's code if it is still installed, else that of the environment: what was sent long ago in a
    language nobody speaks any more stays readable."""
    return code if code and env['res.lang']._get_data(code=code) else env.lang


def write_changed(record, vals):
    """Write those of `vals` that differ: the gate reads everything again, and most of it is as it was."""
    now = {name: record._fields[name].convert_to_write(record[name], record) for name in vals}
    changed = {name: value for name, value in vals.items() if (now[name] or False) != (value or False)}
    if changed:
        record.write(changed)


class ArOutboxRun(models.AbstractModel):
    """Sends the drafts of a run. Models have `company_id`, `state` (with 'sending', 'done') and `date_done`."""

    _name = 'ar.outbox.run'
    _description = "Run That Sends Messages to Customers"

    _outbox_model = None  # name of the model of its messages; these have `run_id` and a state 'draft'
    _outbox_cron = None  # xmlid of the job that goes on with runs in state sending
    _outbox_guarded = frozenset()  # fields that only the run's buttons write
    _outbox_scope = frozenset()  # fields that say what a run is about: a preview of something else is forgotten

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a run starts as a draft, whatever the context says."""
        self = without_defaults(self, self._outbox_guarded)
        if not self.env.su and any(self._outbox_guarded & set(vals) for vals in vals_list):
            raise AccessError(self.env._("A run moves by its own buttons: start it as a draft."))
        return super().create(vals_list)

    def write(self, vals):
        """Override: only the buttons move a run; what it is about changes before it is on its way, not after."""
        if not self.env.su and self._outbox_guarded & set(vals):
            raise AccessError(self.env._(
                "%s: it moves by its own buttons, such as Preview, Send and Cancel.", ", ".join(self.mapped('name'))))
        is_scope_changed = bool(self._outbox_scope & set(vals))
        if is_scope_changed and any(run.state not in ('draft', 'preview') for run in self):
            raise UserError(self.env._(
                "%s is on its way: what it is about cannot be changed any more.", ", ".join(self.mapped('name'))))
        stale = self.filtered(lambda run: run.state == 'preview') if is_scope_changed else self.browse()
        result = super().write(vals)
        if stale:
            stale.sudo()._reset_preview()  # sudo: the user may change the run; its messages are written by it only
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_only_unsent(self):
        if any(run.state not in ('draft', 'preview', 'cancelled') for run in self):
            raise UserError(self.env._(
                "%s: a run that sent something is part of the record and cannot be deleted.",
                ", ".join(self.mapped('name'))))
        # sudo: messages are read-only to users; those of an unsent run are drafts, which `unlink` checks again
        self.env[self._outbox_model].sudo().search([('run_id', 'in', self.ids)]).unlink()

    def _reset_preview(self):
        """Forget the previous preview. Defined by the models."""
        raise NotImplementedError

    # === STATE === #

    def _lock_in_state(self, *states):
        """Lock the runs, check role, company and state, and return them as superuser in their company.

        :raise AccessError: unless the user works the desk and may write the runs
        :raise UserError: when a run is in another state, or being worked on by somebody else right now
        """
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._(
                "You may read these runs. Ask for the role Receivables: User to work with them."))
        self.check_access('write')
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['state'])
        labels = dict(self._fields['state']._description_selection(self.env))
        for run in self:
            if run.state not in states:
                raise UserError(self.env._(
                    "%(run)s is in state %(state)s: this step is not possible any more.",
                    run=run.name, state=labels[run.state]))
        # sudo: role and company were checked above; decisions must see every credit and dispute of a customer, and
        # messages are written by runs only
        return self.sudo()

    def _in_company(self):
        """Return the run in its own company's environment, whatever companies the user has switched on."""
        self.ensure_one()
        return self.with_company(self.company_id).with_context(allowed_company_ids=self.company_id.ids)

    # === ADDRESSES === #

    def _get_addresses(self, partner_ids):
        """Return {partner id: (recipient, reason it cannot be e-mail or None)}."""
        partners = self.env['res.partner'].browse(partner_ids)
        recipients = partners._ar_receivables_contacts(partners, self.company_id)
        bounced = self.env['ar.outbox.message']._get_bounced_emails(partners)
        addresses = {}
        for partner_id, recipient in recipients.items():
            reason = None
            if not recipient.email_normalized:
                reason = 'no_address'
            elif recipient.email_normalized in bounced:
                reason = 'bounced'
            elif recipient.is_blacklisted:
                reason = 'blacklisted'
            addresses[partner_id] = (recipient, reason)
        return addresses

    def _get_language(self, recipient):
        """Return the code of the language in which to write to this recipient: one that is installed."""
        languages = dict(self.env['res.lang'].get_installed())
        spoken = (recipient.lang, recipient.commercial_partner_id.lang, self.company_id.partner_id.lang)
        return next((lang for lang in spoken if lang in languages), self.env.lang or 'en_US')

    # === SENDING === #

    def _trigger_send(self):
        """Let the background job go on with the run."""
        # sudo: the run's state says that somebody with the right to do so started it
        self.env.ref(self._outbox_cron).sudo()._trigger()

    def _get_batch_size(self):
        """Return how many messages are queued per transaction."""
        return 50

    def _send_all(self, commit=False):
        """Send all drafts of a run in state sending, in batches; with `commit` each in a transaction of its own.

        Messages somebody else holds a lock on stay drafts for the next call.
        """
        self.ensure_one()
        done = self.env[self._outbox_model]
        while True:
            messages = done.search(
                [('run_id', '=', self.id), ('state', '=', 'draft'), ('id', 'not in', done.ids)],
                limit=self._get_batch_size(), order='id')
            if not messages:
                break
            done += messages
            if not commit:
                self._send_batch(messages)
            elif not self._send_batch_committed(messages):
                self._leave_rest()
                break
        if commit:
            self._close_committed()
        else:
            self._close()
        # sudo: Odoo's own mail queue; e-mails would wait up to an hour otherwise
        self.env.ref('mail.ir_cron_mail_scheduler_action').sudo()._trigger()
        if commit:
            self.env['ir.cron']._commit_progress()

    def _send_batch(self, messages):
        """Lock drafts, look at everything once more, queue. Defined by the models.

        :param messages: records of the outbox's model
        """
        raise NotImplementedError

    def _prepare_batch(self, messages):
        """Hook: what takes its time and is done before the messages are locked, committed by itself."""

    def _close(self):
        """Mark the run done when no draft is left. Whoever holds a lock on it leaves that to the next call."""
        if self.env[self._outbox_model].search_count([('run_id', '=', self.id), ('state', '=', 'draft')], limit=1):
            return
        if self.try_lock_for_update(allow_referencing=True):
            self.invalidate_recordset(['state'])
            if self.state == 'sending':
                self.write({'state': 'done', 'date_done': fields.Datetime.now()})
        else:
            self._trigger_send()

    def _close_committed(self):
        """Mark the run done and commit; of two workers that finish together, one does."""
        try:
            self._close()
            self.env.flush_all()
        except OperationalError:
            self.env.cr.rollback()
            self._trigger_send()
        self.env['ir.cron']._commit_progress()

    def _send_batch_committed(self, messages):
        """Send a batch and commit it; one that loses a race with another transaction is left for the next time.

        :return: whether there is time to go on
        """
        try:
            self._prepare_batch(messages)
            self._send_batch(messages)
        except OperationalError:
            self.env.cr.rollback()
            _logger.info(
                "%s %s: somebody is working on their items, trying again later", self._outbox_model, messages.ids)
            self._trigger_send()
        return self.env['ir.cron']._commit_progress(len(messages)) > 0 and self._may_send_now()

    def _may_send_now(self):
        """Return whether messages may leave at this hour. Hook; whoever says no sees to it that the job comes back."""
        self.ensure_one()
        return True

    def _leave_rest(self):
        """Leave the drafts that are left to the job's next call."""
        left = self.env[self._outbox_model].search_count([('run_id', '=', self.id), ('state', '=', 'draft')])
        if left and self._may_send_now():
            self._trigger_send()
            self.env['ir.cron']._commit_progress(remaining=left)

    @api.model
    def _run_companies(self, companies):
        """Daily job: prepare the runs of these companies, then send; one company's trouble stops no other."""
        runs = self.browse()
        for done, company in enumerate(companies, start=1):
            try:
                runs += self._run_automatically(company)
                self.env.flush_all()
            except OperationalError:
                self.env.cr.rollback()
                self._retry_automatically(company)
            except Exception:
                self.env.cr.rollback()
                _logger.exception("%s of %s: the automatic one failed", self._description, company.name)
            self.env['ir.cron']._commit_progress(1, remaining=len(companies) - done)
        self._send_runs(runs)

    @api.model
    def _run_automatically(self, company):
        """Prepare the company's run of today; return it when it is to be sent, else nothing. Defined by the models."""
        raise NotImplementedError

    @api.model
    def _retry_automatically(self, company):
        """Hook: see to it that the job comes back to a company whose run somebody else is working on."""
        _logger.info("%s of %s: somebody is working on it, the job comes back", self._description, company.name)

    @api.model
    def _cron_send(self):
        """Background job: go on with runs that are being sent, also those that were interrupted."""
        self._send_runs(self.search([('state', '=', 'sending')]))

    @api.model
    def _send_runs(self, runs):
        """Send the drafts of runs in state sending; one's trouble stops no other."""
        for run in runs:
            try:
                if run._may_send_now():
                    run._send_all(commit=True)
            except OperationalError:
                self.env.cr.rollback()
                _logger.info("Sending %s: somebody is working on it, trying again later", run.name)
                self._trigger_send()
            except Exception:
                self.env.cr.rollback()
                _logger.exception("Sending %s failed", run.name)
        try:
            self.env[self._outbox_model]._catch_up_delivery()
            self.env.flush_all()
        except OperationalError:
            self.env.cr.rollback()
            _logger.info("What became of sent messages: a mail worker is at it, the next call looks again")


class ArOutboxMessage(models.AbstractModel):
    """One message to one customer, on its way by Odoo's mail queue or on paper.

    Models have `run_id`, `company_id`, `partner_id`, `recipient_id`, `email_to`, `lang`, `channel` ('email',
    'letter', ...), `state`, `failure_reason`, `date_sent`, `user_id`, `mail_message_id` and `other_recipient_ids`, and
    inherit `mail.thread`.
    """

    _name = 'ar.outbox.message'
    _description = "Message to a Customer"

    # === MODELS === #

    @api.model
    def _get_outbox_models(self):
        """Return the names of the models whose messages go by this outbox."""
        return ['ar.dunning.letter']

    @api.model
    def _get_messages_of(self, mail_messages):
        """Return the messages of each model that these mail.messages belong to: list of non-empty recordsets."""
        found = (
            self.env[name].search([('mail_message_id', 'in', mail_messages.ids)])
            for name in self._get_outbox_models())
        return [messages for messages in found if messages]

    @api.model
    def _get_bounced_emails(self, partners):
        """Return the addresses of these customers that a message came back from: set of normalized addresses."""
        return {
            email for name in self._get_outbox_models() for [email] in self.env[name]._read_group(
                [('partner_id', 'in', partners.ids), ('state', '=', 'bounced')], ['email_to'])}

    # === QUEUEING === #

    def _localized(self):
        """Return self in the recipient's language."""
        self.ensure_one()
        return self.with_context(lang=spoken(self.env, self.lang))

    def _format_amount(self, amount, currency=None):
        """Format an amount, of the message's currency by default."""
        currency, lang = currency or self.currency_id, spoken(self.env, self.lang)
        return shared(
            self.env, ('amount', currency.id, lang, amount),
            lambda: format_amount(self.env, amount, currency, lang_code=lang))

    def _format_date(self, date):
        """Format a date; nothing for no date."""
        lang = spoken(self.env, self.lang)
        return shared(
            self.env, ('date', lang, date), lambda: format_date(self.env, date, lang_code=lang)) if date else ""

    def _get_sender_lines(self):
        """Return the company's address, phone, e-mail and tax number as lines, for the letterhead."""
        company = self.company_id
        address = company.partner_id._display_address(without_company=True).splitlines()
        lines = (*address, company.phone, company.email, company.vat)
        return [" ".join(line.split()) for line in lines if line and line.strip()]

    def _get_sender_line(self):
        """Return the company's address in one line, for the envelope's window."""
        partner = self.company_id.partner_id
        return " · ".join(part for part in (
            partner.name, partner.street, f"{partner.zip or ''} {partner.city or ''}".strip()) if part)

    def _get_template(self):
        """Return the mail.template of a message. Defined by the models."""
        raise NotImplementedError

    def _check_user(self):
        """:raise AccessError: unless the user works the desk and may see these messages."""
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._(
                "You may read these letters. Ask for the role Receivables: User to handle them."))

    def action_mark_sent(self):
        """Say that printed messages are in the post.

        :raise AccessError: for readers
        :raise UserError: for messages that do not wait for the post
        """
        self._check_user()
        for message in self:
            if message.channel != 'letter' or message.state != 'queued':
                raise UserError(self.env._("%s is not printed and waiting to be posted.", message.name))
        # sudo: messages are read-only to users; role, company (read access) and state were checked
        self.sudo().write({'state': 'sent', 'date_sent': fields.Datetime.now(), 'user_id': self.env.uid})

    def _create_mails(self, template, attachments):
        """Create the e-mails with notifications (which bounces find back), freeze what they say, queue the messages.

        :param dict attachments: {message id: ir.attachment}
        :raise UserError: for a message whose template makes no e-mail
        """
        mails = self.message_mail_with_source(template, force_send=False)
        by_message = {mail.res_id: mail for mail in mails}
        for message in self:
            mail = by_message.get(message.id)
            if not mail:
                raise UserError(self.env._("%s: the e-mail template made no message.", message.name))
            if files := attachments.get(message.id):
                mail.attachment_ids = [fields.Command.link(attachment) for attachment in files.ids]
            message.write({
                'mail_message_id': mail.mail_message_id.id, 'subject': mail.subject, 'body_sent': mail.body_html})
        self.write({'state': 'queued', 'user_id': self.env.uid})
        self.env.flush_all()  # the database refuses what was sent before here, and not when all is committed
        for mail in mails.filtered(lambda mail: mail.state in ('exception', 'cancel')):
            self.browse(mail.res_id)._fail(mail.failure_reason or self._get_failure_label(mail.failure_type))

    def _fail(self, reason):
        """Record why messages could not be sent."""
        self.write({'state': 'failed', 'failure_reason': reason})

    def _queue(self):
        """Hand checked drafts to the post: e-mails to Odoo's mail queue, printed ones to the user's printer.

        In a batch, and one by one when the batch fails, so that a bad message is recorded and takes no other with it.
        """
        for (channel, template), messages in self.grouped(
                lambda message: (message.channel, message._get_template())).items():
            queue = type(self)._queue_mails if channel == 'email' else type(self)._queue_prints
            try:
                with self.env.cr.savepoint():
                    queue(messages, template)
                continue
            except OperationalError:  # the whole transaction has to start again
                raise
            except Exception as error:
                _logger.info("%s %s: one by one, after %s", self._name, messages.ids, error)
            for message in messages:
                message._queue_one(queue, template)

    def _queue_one(self, queue, template):
        """Queue one message; whatever goes wrong is recorded on it."""
        try:
            with self.env.cr.savepoint():
                queue(self, template)
        except OperationalError:
            raise
        except Exception as error:
            _logger.warning("%s %s could not be sent", self._name, self.id, exc_info=True)
            self._fail(self._describe_failure_of(error))

    def _describe_failure_of(self, error):
        """Return what to say about a message that could not be queued. Hook."""
        return self.env._("The letter could not be made: %s", describe(error))

    def _queue_mails(self, template):
        """Create the e-mails with notifications (which bounces find back) and freeze what they say. By the models."""
        raise NotImplementedError

    def _queue_prints(self, template):
        """Freeze what printed messages say; they wait for somebody to post them. Defined by the models."""
        raise NotImplementedError

    def _get_copy_addresses(self):
        """Hook: addresses of our own that get a copy: list of normalized e-mail addresses."""
        return []

    def _queue_copies(self):
        """Queue the same message to everybody else (`other_recipient_ids`, `_get_copy_addresses`), an e-mail each: an
        address that is refused stops no other's. For queued messages, whose e-mails to the recipient are there."""
        messages = self.filtered(lambda message: message.state == 'queued' and (
            message.other_recipient_ids or message._get_copy_addresses()))
        if not messages:
            return
        mails = self.env['mail.mail'].search([('mail_message_id', 'in', messages.mail_message_id.ids)])
        vals_list, receivers = [], []
        for mail in mails:
            message = self.browse(mail.res_id)
            vals = {
                'mail_message_id': mail.mail_message_id.id, 'body_html': mail.body_html, 'headers': mail.headers,
                'references': mail.references, 'auto_delete': mail.auto_delete, 'scheduled_date': mail.scheduled_date,
                'is_notification': True}
            for other in message.other_recipient_ids:
                vals_list.append({**vals, 'recipient_ids': [fields.Command.link(other.id)]})
                receivers.append({'res_partner_id': other.id})
            for address in message._get_copy_addresses():
                vals_list.append({**vals, 'email_to': address})
                receivers.append({'mail_email_address': address})
        copies = self.env['mail.mail'].create(vals_list)
        self.env['mail.notification'].create([{
            **receiver, 'mail_message_id': copy.mail_message_id.id, 'mail_mail_id': copy.id,
            'notification_type': 'email', 'notification_status': 'ready', 'is_read': True,
            'author_id': copy.author_id.id,
        } for copy, receiver in zip(copies, receivers, strict=True)])

    # === BEFORE THEY LEAVE === #

    def _withdraw_outdated(self):
        """Hook: withdraw messages that are about to leave and no longer say what is true; return those."""
        return self.browse()

    # === DELIVERY === #

    def _get_failure_label(self, failure_type):
        """Return the words for a mail failure."""
        labels = dict(self.env['mail.notification']._fields['failure_type']._description_selection(self.env))
        return labels.get(failure_type) or self.env._("Unknown error")

    def _refresh_delivery(self):
        """Bring messages in line with what their notifications say: sent, failed, bounced or cancelled."""
        messages = self.filtered(lambda message: message.mail_message_id and message.channel == 'email')
        notifications = self.env['mail.notification'].search(
            [('mail_message_id', 'in', messages.mail_message_id.ids)]).grouped('mail_message_id')
        delivered = self.browse()
        for message in messages:
            own = notifications.get(message.mail_message_id)
            if not own:
                continue
            state = message._get_delivery(own)
            if (message.state, state) == ('queued', 'sent'):
                delivered += message
            elif state != message.state and (message.state, state) != ('cancelled', 'queued'):
                message._set_delivery(state, own)
        delivered.write({'state': 'sent', 'date_sent': fields.Datetime.now(), 'failure_reason': False})

    def _get_delivery(self, notifications):
        """Return the message's state by its e-mails' notifications: queued, sent, failed, bounced or cancelled.

        It is sent when it reached the customer at one address; copies to others do not count. The recipient's bounce
        undoes it all the same: that address is to be mended.
        """
        self.ensure_one()
        to_customer = notifications.filtered('res_partner_id') or notifications
        statuses = set(to_customer.mapped('notification_status'))
        recipient = to_customer.filtered(lambda one: one.res_partner_id == self.recipient_id)
        if 'bounce' in recipient.mapped('notification_status'):
            return 'bounced'
        if 'sent' in statuses:
            return 'sent'
        if statuses & {'ready', 'process', 'pending'}:
            return 'queued'
        return 'bounced' if 'bounce' in statuses else 'failed' if 'exception' in statuses else 'cancelled'

    def _prepare_delivery(self, state, notifications):
        """Return the values of a message that moves to `state`, with the reason a failure has."""
        vals = {'state': state}
        if state == 'sent':
            vals.update(date_sent=fields.Datetime.now(), failure_reason=False)
        elif state in ('failed', 'bounced'):
            failed = notifications.filtered('failure_type')[:1]
            vals['failure_reason'] = failed.failure_reason or self._get_failure_label(failed.failure_type)
        return vals

    def _set_delivery(self, state, notifications):
        """Move to `state`, with the reason a failure has."""
        self.write(self._prepare_delivery(state, notifications))

    @api.model
    def _catch_up_delivery(self):
        """Bring the messages in line whose mail worker was killed, or lost a race, before it noted their delivery."""
        self.search([('state', '=', 'queued'), ('channel', '=', 'email')])._refresh_delivery()
