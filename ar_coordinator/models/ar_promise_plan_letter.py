"""The agreement of a payment plan: as a letter, by e-mail with a link to sign it, on the customer's page."""
from odoo import models
from odoo.exceptions import UserError
from odoo.tools.misc import format_amount, format_date


class ArPromisePlan(models.Model):
    _inherit = 'ar.promise.plan'

    # === ACTION METHODS === #

    def action_send(self):
        """Offer plans to their customers by e-mail: the agreement, and a link to sign it.

        :raise AccessError: unless the user works the desk
        :raise UserError: when a customer has no e-mail address; when the offer has ended, or was answered
        """
        for plan in self._lock_in_state('draft', 'proposed'):
            recipient = plan._get_recipient()
            if not recipient.email_normalized:
                raise UserError(self.env._(
                    "%s has no e-mail address: print the agreement, and note down when the customer agreed.",
                    recipient.display_name))
            if plan.state == 'draft':
                plan.action_propose()
            elif plan.date_valid < plan.company_id._ar_today():
                raise UserError(self.env._("The offer %s has ended: set a later day first.", plan.name))
            plan._send('ar_coordinator.mail_template_ar_plan_offer')

    def action_print(self):
        """Print the agreement; a draft does not become an offer by that."""
        return self.env.ref('ar_coordinator.action_report_ar_plan').report_action(self)

    def action_preview(self):
        """Open the page the customer sees."""
        self.ensure_one()
        self.check_access('write')  # the link signs in the customer's name
        return {'type': 'ir.actions.act_url', 'target': 'self', 'url': self.sudo().get_portal_url()}  # sudo: the token

    def _get_form_action(self):
        """Return the action that opens this plan."""
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Payment Plan"), 'res_model': self._name,
            'res_id': self.id, 'views': [(False, 'form')]}

    # === WORDS === #

    def _send(self, template):
        """Queue an e-mail to the customer; as superuser."""
        source = self.env.ref(template, raise_if_not_found=False)
        if not source:
            raise UserError(self.env._(
                "The text of this e-mail (%s) was deleted: update the app to get it back.", template))
        self.message_mail_with_source(source, force_send=False)
        self.env.ref('mail.ir_cron_mail_scheduler_action')._trigger()

    def _get_recipient(self):
        """Return who gets the agreement: as for reminders."""
        self.ensure_one()
        return self.partner_id._ar_receivables_contacts(self.partner_id, self.company_id)[self.partner_id.id]

    def _get_lang(self):
        """Return the language the customer is written to in."""
        recipient = self._get_recipient()
        languages = dict(self.env['res.lang'].get_installed())
        spoken = (recipient.lang, self.partner_id.lang, self.company_id.partner_id.lang)
        return next((lang for lang in spoken if lang in languages), self.env.lang or 'en_US')

    def _localized(self):
        """Return self in the customer's language."""
        self.ensure_one()
        return self.with_context(lang=self._get_lang())

    def _format_date(self, day):
        return format_date(self.env, day)

    def _format_amount(self, amount):
        return format_amount(self.env, amount, self.currency_id)

    def _get_report_base_filename(self):
        """Return the name of the agreement's file; the portal's download asks for it."""
        self.ensure_one()
        return self.name

    def _get_sender_lines(self):
        """Return the company's address, phone, e-mail and tax number as lines, for the letterhead."""
        company = self.company_id
        address = company.partner_id._display_address(without_company=True).splitlines()
        lines = (*address, company.phone, company.email, company.vat)
        return [" ".join(line.split()) for line in lines if line and line.strip()]

    def _get_link(self):
        """Return the address of the customer's page, with its token."""
        return self.get_base_url() + self.get_portal_url()

    def _render_instalments(self):
        """Return the table of instalments as HTML, for the mail template."""
        plan = self._localized()
        return plan.env['ir.qweb']._render('ar_coordinator.ar_plan_instalments', {'plan': plan})

    def _render_sender(self):
        """Return the company's address block as HTML, for the mail template."""
        plan = self._localized()
        return plan.env['ir.qweb']._render('ar_coordinator.ar_dunning_letter_sender', {'letter': plan})

    # === THE CUSTOMER'S PAGE === #

    def _can_be_signed(self):
        """Return whether the customer can accept or decline now."""
        self.ensure_one()
        return self.state == 'proposed' and self.date_valid >= self.company_id._ar_today()

    def _sign(self, name, signature):
        """The customer accepts on the page; as superuser, after the token was checked.

        :param str name: who signs
        :param signature: image, base64
        :raise UserError: when the offer has ended, was answered or withdrawn; said to the customer
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['state', 'date_valid'])
        if not self._can_be_signed():
            raise UserError(self.env._("This offer has ended or was answered already. Please talk to us."))
        self._accept(signed_by=name, signature=signature)
        self.message_post(
            body=self.env._("Accepted and signed by %s.", name), author_id=self.partner_id.id,
            subtype_xmlid='mail.mt_note')
        self._send('ar_coordinator.mail_template_ar_plan_agreed')

    def _decline(self, message):
        """The customer declines on the page: the collector gets a task; as superuser, after the token was checked.

        :raise UserError: as `_sign`
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['state', 'date_valid'])
        if not self._can_be_signed():
            raise UserError(self.env._("This offer has ended or was answered already. Please talk to us."))
        self._finish('cancelled')
        self.message_post(
            body=self.env._("Declined by the customer: %s", message or "-"), author_id=self.partner_id.id,
            subtype_xmlid='mail.mt_note')
        self.activity_schedule(
            'mail.mail_activity_data_todo', date_deadline=self.company_id._ar_today(),
            summary=self.env._("%s declined the payment plan", self.partner_id.name), user_id=self.user_id.id or False)
