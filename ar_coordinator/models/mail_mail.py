"""Dunning letters are looked at once more before their e-mails leave Odoo's mail queue, and hear from it after a batch.

A worker that is killed after a mail server has taken a message, and before Odoo's commit, leaves a message that is sent
again. What letters have to do then would make that moment longer: it waits.
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
        """Override of `mail`: bring the letters of these e-mails in line when the batch is through."""
        # sudo: the mail queue reports here, whoever's e-mail it is
        kwargs = {
            'auto_commit': auto_commit, 'raise_exception': raise_exception, 'smtp_session': smtp_session,
            'alias_domain_id': alias_domain_id, 'mail_server': mail_server, 'post_send_callback': post_send_callback}
        letters = self.env['ar.dunning.letter'].sudo().search([('mail_message_id', 'in', self.mail_message_id.ids)])
        if not letters:
            return super()._send(**kwargs)
        self -= self._hold_back_outdated(letters)
        try:
            result = super(MailMail, self.with_context(ar_delivery_later=True))._send(**kwargs)
        except SMTPServerDisconnected:
            letters._refresh_delivery()
            raise
        if not auto_commit:
            letters._refresh_delivery()
            return result
        try:
            letters._refresh_delivery()
            self.env.cr.commit()  # pylint: disable=invalid-commit  # as core does after each message of the queue
        except OperationalError:  # the messages are gone and committed; `_cron_send` brings the letters in line
            self.env.cr.rollback()
            _logger.info("Dunning letters %s: somebody is working on them, their delivery is noted later", letters.ids)
        return result

    def _hold_back_outdated(self, letters):
        """Return the e-mails of `letters` that must not leave: outdated ones are cancelled with their letter.

        When that cannot be found out, none of the letters leaves now; other e-mails do, and the next call tries again.
        """
        try:
            with self.env.cr.savepoint():
                outdated = letters._withdraw_outdated()
                mails = self.filtered(lambda mail: mail.mail_message_id in outdated.mail_message_id)
                mails.cancel()
        except OperationalError:
            raise
        except Exception:
            _logger.exception("Dunning letters %s could not be checked and wait in the mail queue", letters.ids)
            mails = self.filtered(lambda mail: mail.mail_message_id in letters.mail_message_id)
        return mails
