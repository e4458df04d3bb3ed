"""What happens to an e-mail is told by its notifications; letters and statements listen."""
from odoo import models


class MailNotification(models.Model):
    _inherit = 'mail.notification'

    def write(self, vals):
        result = super().write(vals)
        if 'notification_status' in vals and not self.env.context.get('ar_delivery_later'):  # see mail_mail.py
            # sudo: the mail queue and the mail gateway report here, whoever's e-mail it is
            for messages in self.env['ar.outbox.message'].sudo()._get_messages_of(self.mail_message_id):
                messages._refresh_delivery()
        return result
