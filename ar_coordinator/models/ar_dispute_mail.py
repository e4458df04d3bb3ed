"""E-mails of disputes: acknowledgement and outcome, in the customer's language.

They are messages of the dispute with a recipient, so that answers and bounces find back to it.
"""
from odoo import fields, models
from odoo.tools import format_amount, format_date

OUTCOME_TEMPLATES = {
    'accepted': 'ar_coordinator.mail_template_ar_dispute_accepted',
    'partly_accepted': 'ar_coordinator.mail_template_ar_dispute_partly',
    'rejected': 'ar_coordinator.mail_template_ar_dispute_rejected',
}


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    date_acknowledged = fields.Date(string="Acknowledged on", readonly=True, copy=False)

    # === ACTION METHODS === #

    def action_acknowledge(self):
        """Tell the customer that the dispute has arrived and who looks at it.

        :raise UserError: for a dispute without a customer
        """
        self.check_access('write')
        for dispute in self:
            if dispute._send_letter('ar_coordinator.mail_template_ar_dispute_acknowledgement'):
                # sudo: write access was checked above
                dispute.sudo().date_acknowledged = dispute.company_id._ar_today()

    # === BUSINESS METHODS === #

    def _send_outcome(self):
        """Tell customers how their disputes were decided, where the company wants it."""
        for dispute in self:
            if dispute.company_id.ar_dispute_letters:
                dispute._send_letter(OUTCOME_TEMPLATES[dispute.state])

    def _send_letter(self, template_xmlid):
        """Queue an e-mail to whoever raised the dispute; without an address its owner gets a task.

        :return: whether there was an address
        """
        self.ensure_one()
        recipient = self._get_recipient()
        if not recipient.email_normalized:
            self.activity_schedule(
                'mail.mail_activity_data_call', user_id=(self.user_id or self.env.user).id,
                date_deadline=self.company_id._ar_today(),
                summary=self.env._("%s has no e-mail address: tell them", self.partner_id.display_name or self.name))
            return False
        # sudo: templates and addresses; whoever decides may not write templates
        template = self.env.ref(template_xmlid, raise_if_not_found=False)
        if not template:
            self._message_log(body=self.env._(
                "The customer was not told: the text of this e-mail (%s) was deleted.", template_xmlid))
            return False
        self.sudo().message_mail_with_source(template.sudo(), force_send=False)
        self.env.ref('mail.ir_cron_mail_scheduler_action').sudo()._trigger()
        return True

    def _get_recipient(self):
        """Return who gets the letters: whoever raised the dispute, else the customer's receivables contact."""
        self.ensure_one()
        if self.contact_id.email_normalized or not self.partner_id:
            return self.contact_id
        partners = self.env['res.partner']
        return partners._ar_receivables_contacts(self.partner_id, self.company_id).get(self.partner_id.id, partners)

    def _get_lang(self):
        """Return the language of the letters."""
        return self._get_recipient().lang or self.partner_id.lang or self.company_id.partner_id.lang or self.env.lang

    def _notify_get_reply_to_batch(self, defaults=None, author_ids=None):
        """Override of `mail`: answers go to the department's address, where it has one."""
        result = super()._notify_get_reply_to_batch(defaults=defaults, author_ids=author_ids)
        for dispute in self.sudo():  # sudo: addresses only
            if address := dispute.department_id.alias_email:
                result[dispute.id] = self._notify_get_reply_to_formatted_email(
                    address, author_id=(author_ids or {}).get(dispute.id))
        return result

    # === HELPERS OF THE TEMPLATES === #

    def _format_amount(self, amount):
        """Return an amount of this dispute in its currency, written as the language of the letter does."""
        return format_amount(self.env, amount, self.currency_id, lang_code=self._get_lang())

    def _format_date(self, day):
        """Return a date as the language of the letter writes it."""
        return format_date(self.env, day, lang_code=self._get_lang())

    def _get_amount_owed(self):
        """Return what of the disputed amount is still to be paid."""
        return self._format_amount(self.amount - self._get_accepted())


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dispute_letters = fields.Boolean(
        string="Tell Customers the Outcome", default=True,
        help="A customer gets an e-mail when a dispute is accepted, partly accepted or rejected.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_dispute_letters = fields.Boolean(related='company_id.ar_dispute_letters', readonly=False)
