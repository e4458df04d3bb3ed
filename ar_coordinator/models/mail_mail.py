"""Letters and statements are looked at once more before their e-mails leave Odoo's queue, and hear from it afterwards.

A worker that is killed after a mail server has taken a message, and before Odoo's commit, leaves a message that is sent
again. What they have to do then would make that moment longer: it waits.
"""
import logging
from smtplib import SMTPServerDisconnected

from psycopg2 import OperationalError

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    _inherit = 'mail.mail'

    def _send(self, auto_commit=False, raise_exception=False, smtp_session=None, alias_domain_id=False,
              mail_server=False, post_send_callback=None):
        """Override of `mail`: bring the letters and statements of these e-mails in line when the batch is through."""
        # sudo: the mail queue reports here, whoever's e-mail it is
        kwargs = {
            'auto_commit': auto_commit, 'raise_exception': raise_exception, 'smtp_session': smtp_session,
            'alias_domain_id': alias_domain_id, 'mail_server': mail_server, 'post_send_callback': post_send_callback}
        groups = self.env['ar.outbox.message'].sudo()._get_messages_of(self.mail_message_id)
        if not groups:
            return super()._send(**kwargs)
        for messages in groups:
            self -= self._hold_back_outdated(messages)
        try:
            result = super(MailMail, self.with_context(ar_delivery_later=True))._send(**kwargs)
        except SMTPServerDisconnected:
            _refresh_delivery(groups)
            raise
        if not auto_commit:
            _refresh_delivery(groups)
            return result
        try:
            _refresh_delivery(groups)
            self.env.cr.commit()  # pylint: disable=invalid-commit  # as core does after each message of the queue
        except OperationalError:  # the messages are gone and committed; `_cron_send` brings the letters in line
            self.env.cr.rollback()
            _logger.info("%s: somebody is working on them, their delivery is noted later", groups)
        return result

    def _hold_back_outdated(self, messages):
        """Return the e-mails of `messages` that must not leave: outdated ones are cancelled with their message.

        When that cannot be found out, none of them leaves now; other e-mails do, and the next call tries again.
        """
        try:
            with self.env.cr.savepoint():
                outdated = messages._withdraw_outdated()
                mails = self.filtered(lambda mail: mail.mail_message_id in outdated.mail_message_id)
                mails.cancel()
        except OperationalError:
            raise
        except Exception:
            _logger.exception("%s could not be checked and wait in the mail queue", messages)
            mails = self.filtered(lambda mail: mail.mail_message_id in messages.mail_message_id)
        return mails


def _refresh_delivery(groups):
    """Bring the messages of each model in line with their e-mails."""
    for messages in groups:
        messages._refresh_delivery()
