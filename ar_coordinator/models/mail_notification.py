"""What happens to an e-mail is told by its notifications; dunning letters listen."""
from odoo import models


class MailNotification(models.Model):
    _inherit = 'mail.notification'

    def write(self, vals):
        result = super().write(vals)
        if 'notification_status' in vals and not self.env.context.get('ar_delivery_later'):  # see mail_mail.py
            # sudo: the mail queue and the mail gateway report here, whoever's e-mail it is
            letters = self.env['ar.dunning.letter'].sudo().search([('mail_message_id', 'in', self.mail_message_id.ids)])
            letters._refresh_delivery()
        return result
