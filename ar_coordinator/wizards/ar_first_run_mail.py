"""Who letters come from, and a sample to oneself: the test that e-mail leaves before a customer waits for it."""
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.mail import email_normalize

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ..models.ar_outbox import describe

_logger = logging.getLogger(__name__)


class ArFirstRunMail(models.TransientModel):
    _name = 'ar.first.run.mail'
    _description = "Sender of Letters"

    company_id = fields.Many2one(comodel_name='res.company', required=True, default=lambda self: self.env.company)
    email_from = fields.Char(string="From", compute='_compute_sender')
    reply_note = fields.Char(string="Answers", compute='_compute_sender')
    warning = fields.Char(compute='_compute_sender')
    email_to = fields.Char(string="Send the Sample to", required=True, default=lambda self: self.env.user.email)

    @api.depends('company_id')
    def _compute_sender(self):
        for wizard in self:
            company = wizard.company_id.sudo()  # sudo: who letters come from, shown to the company's manager
            wizard.email_from = company.email_formatted or self.env.user.email_formatted
            wizard.reply_note = (
                self.env._("reach the letter in Odoo, through %s", company.catchall_email) if company.catchall_email
                else self.env._("go to that address only: no alias domain is set up, so Odoo does not see them"))
            wizard.warning = False if company.email else self.env._(
                "%s has no e-mail address: letters come from whoever sends them. Set it in the company's data.",
                company.name)

    def action_send(self):
        """Send the first level's sample letter to the address given, now.

        :raise UserError: for an address that is none, a company without policy, or when the e-mail could not leave
        """
        self.ensure_one()
        self.env['ar.first.run']._check_manager()
        address = email_normalize(self.email_to)
        if not address:
            raise UserError(self.env._("%s is not an e-mail address.", self.email_to))
        policy = self.company_id.ar_dunning_policy_id
        if not policy.level_ids:
            raise UserError(self.env._(
                "%s has no default dunning policy with a level: choose one in the dunning settings first.",
                self.company_id.name))
        sample = self.env['ar.dunning.sample'].with_company(self.company_id).new({
            'company_id': self.company_id.id, 'policy_id': policy.id, 'level_id': policy.level_ids[0].id,
            'partner_id': self.company_id.partner_id.id, 'lang': self.env.lang or 'en_US'})
        subject, body = sample._render()
        # sudo: e-mails are made by Odoo; this one goes to the address just typed and has made-up items
        mail = self.env['mail.mail'].sudo().create({
            'subject': self.env._("Sample: %s", subject), 'body_html': body, 'email_from': self.email_from,
            'email_to': address, 'auto_delete': False})
        try:
            mail.send(raise_exception=True)
        except (MailDeliveryException, OSError) as error:
            _logger.info("Sample letter to %s did not leave: %s", address, error)
            raise UserError(self.env._(
                "The sample did not leave: %(reason)s. Check the outgoing mail server (Settings, Technical, Outgoing "
                "Mail Servers).", reason=describe(error))) from error
        if mail.state != 'sent':
            raise UserError(self.env._("The sample did not leave: %s", mail.failure_reason or mail.state))
        self.env['ar.first.run'].with_company(self.company_id)._set_done('mail')
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification',
            'params': {
                'type': 'success', 'message': self.env._("A sample letter is on its way to %s.", address),
                'next': {'type': 'ir.actions.act_window_close'}},
        }
