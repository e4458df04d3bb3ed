"""One message to one customer in one currency: what it asks for, how it went out and what became of it.

Letters are written by runs only. Users read them, print those that go by post and say when these are posted;
everything else a letter goes through is done by the methods below, which check it.
"""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.mail import email_normalize

from .ar_batch import shared
from .ar_dunning_outcome import GOING
from .ar_outbox import COUNTED_STATES, describe


class ArDunningLetter(models.Model):
    _name = 'ar.dunning.letter'
    _description = "Dunning Letter"
    _inherit = ['ar.outbox.message', 'mail.thread', 'mail.activity.mixin']
    _order = 'date desc, id desc'
    _mail_post_access = 'read'

    name = fields.Char(compute='_compute_name', store=True, precompute=True)
    run_id = fields.Many2one(
        comodel_name='ar.dunning.run', index=True, ondelete='restrict', readonly=True, required=True)
    company_id = fields.Many2one(related='run_id.company_id', store=True, precompute=True, index=True)
    date = fields.Date(readonly=True, required=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', readonly=True)
    recipient_id = fields.Many2one(
        comodel_name='res.partner', required=True, index=True, ondelete='restrict', readonly=True)
    email_to = fields.Char(string="E-mail", readonly=True, help="Where it was sent, as the address was then.")
    lang = fields.Char(string="Language", readonly=True)
    channel = fields.Selection(
        selection=[('email', "E-mail"), ('letter', "Printed letter")], required=True, default='email', readonly=True)
    level_id = fields.Many2one(
        comodel_name='ar.dunning.level', required=True, index=True, ondelete='restrict', readonly=True,
        help="The highest level among its items sets the tone.")
    currency_id = fields.Many2one(comodel_name='res.currency', required=True, readonly=True)
    line_ids = fields.One2many(comodel_name='ar.dunning.letter.line', inverse_name='letter_id', readonly=True)
    line_count = fields.Integer(string="Items", readonly=True)
    amount_total = fields.Monetary(string="Asked", readonly=True)
    state = fields.Selection(
        selection=[
            ('draft', "Draft"),
            ('queued', "Queued"),
            ('sent', "Sent"),
            ('failed', "Failed"),
            ('bounced', "Bounced"),
            ('cancelled', "Cancelled"),
        ],
        default='draft', required=True, index=True, readonly=True, tracking=True, group_expand=True)
    failure_reason = fields.Text(readonly=True)
    date_sent = fields.Datetime(string="Sent on", readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Sent by", readonly=True)
    mail_message_id = fields.Many2one(
        comodel_name='mail.message', string="E-mail Message", index='btree_not_null', ondelete='set null',
        readonly=True)
    subject = fields.Char(readonly=True)
    body_sent = fields.Html(string="As Sent", sanitize=False, readonly=True)  # to the letter, as it left the house
    message = fields.Html(
        compute='_compute_message', sanitize=False,
        help="The letter as it was sent; before that, as it will look.")

    # === COMPUTE METHODS === #

    @api.depends('level_id.name', 'partner_id.name')
    def _compute_name(self):
        for letter in self:
            letter.name = f"{letter.level_id.name}: {letter.partner_id.name}"

    @api.depends('body_sent', 'line_ids')
    def _compute_message(self):
        for letter in self:
            try:
                letter.message = letter.body_sent or letter._render_body()
            except UserError as error:  # a broken template: the letter says so, and the others stay readable
                letter.message = self.env._("This letter cannot be shown: %s", describe(error))

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        if any(letter.state not in ('draft', 'cancelled') or letter.mail_message_id for letter in self):
            raise UserError(self.env._(
                "A letter that went out is part of the customer's history and cannot be deleted."))

    # === RENDERING: used by mail templates and the printed letter, always in the recipient's language === #

    @api.model
    def mail_allowed_qweb_expressions(self):
        """Override of `mail`: what templates may use without the right to write code, and is rendered the short way."""
        return (
            *super().mail_allowed_qweb_expressions(), 'object.lang', 'object.recipient_id.id',
            'object.recipient_id.name', 'object.company_id.name', 'object.company_id.email', 'object.level_id.name')

    def _render_body(self):
        """Return the letter's text in the recipient's language, as its level's template has it now."""
        self.ensure_one()
        template = self.level_id.mail_template_id.sudo()  # sudo: wording is managed by managers, read by everyone here
        return template._render_field('body_html', self.ids, compute_lang=True)[self.id]

    def _render_items(self):
        """Return the table of items as HTML, for the mail template."""
        letter = self._localized()
        return letter.env['ir.qweb']._render('ar_coordinator.ar_dunning_letter_items', {'letter': letter})

    def _render_sender(self):
        """Return the company's address block as HTML, for the mail template."""
        letter = self._localized()
        return shared(
            letter.env, ('sender', letter.company_id.id, letter.env.lang),
            lambda: letter.env['ir.qweb']._render('ar_coordinator.ar_dunning_letter_sender', {'letter': letter}))

    def _get_date_to_pay(self):
        """Return the day by which the letter asks for payment, formatted."""
        return self._format_date(self.date + timedelta(days=self.level_id.payment_days))

    def _is_credit_deducted(self):
        """Return whether the unmatched credits that the letter names are deducted from what it asks for."""
        in_full = sum(self.line_ids.mapped('amount_open')) - sum(self.line_ids.mapped('amount_disputed'))
        return self.currency_id.compare_amounts(self.amount_total, in_full) < 0

    def _get_bank_account(self):
        """Return the bank account the items' invoices name, when they name one and the same."""
        accounts = self.line_ids.move_id.partner_bank_id
        return accounts if len(accounts) == 1 else accounts.browse()

    # === ACTION METHODS === #

    def action_print(self):
        """Return the letters as PDF. Printing says nothing about posting: the state stays."""
        return self.env.ref('ar_coordinator.action_report_ar_dunning_letter').report_action(self)

    def action_cancel(self):
        """Take letters back that have not left the house: drafts, printed ones not posted, e-mails still in the queue.

        :raise AccessError: for readers
        :raise UserError: for letters that are gone
        """
        self._check_user()
        self.sudo()._refresh_delivery()  # sudo: a mail worker may not have come to it; the check of state below sees it
        letters = self.sudo().try_lock_for_update()  # sudo: role and company (read access) were checked
        for letter in self:
            if letter not in letters or letter.state not in ('draft', 'queued'):
                raise UserError(self.env._("%s has left already and cannot be cancelled.", letter.name))
        # sudo: as above
        mails = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', letters.mail_message_id.ids)])
        if len(mails.try_lock_for_update()) < len(mails) or any(mail.state == 'sent' for mail in mails):
            raise UserError(self.env._("The e-mail is being sent right now and cannot be cancelled."))
        mails.cancel()
        letters._cancel(self.env.user)

    # === BUSINESS METHODS === #

    def _cancel(self, user):
        """Cancel draft or queued letters, with their outcomes."""
        self.write({'state': 'cancelled', 'user_id': user.id})
        outcomes = self.env['ar.dunning.outcome'].search(
            [('letter_id', 'in', self.ids), ('result', 'in', GOING)])
        outcomes.write({'result': 'held', 'reason': 'cancelled'})

    def _fail(self, reason):
        """Override: letters that could not be sent do not count as reminders."""
        result = super()._fail(reason)
        self.env['ar.dunning.outcome'].search([('letter_id', 'in', self.ids)]).write(
            {'result': 'failed', 'reason': 'error'})
        return result

    def _get_template(self):
        """Override: letters have their level's wording."""
        return self.level_id.mail_template_id

    def _queue_prints(self, template):
        """Freeze what printed letters say; they wait for somebody to post them."""
        bodies = template._render_field('body_html', self.ids, compute_lang=True)
        subjects = template._render_field('subject', self.ids, compute_lang=True)
        self._cancel_superseded_mails()
        for letter in self:
            letter.write({'subject': subjects[letter.id], 'body_sent': bodies[letter.id]})
        self.write({'state': 'queued', 'user_id': self.env.uid})

    def _queue_mails(self, template):
        """Create the e-mails with notifications (which bounces find back) and freeze what they say."""
        attachments = {letter.id: letter._get_attachments() for letter in self}
        self._create_mails(template, attachments)
        self._cancel_superseded_mails()

    def _cancel_superseded_mails(self):
        """Stop earlier e-mails for the same items that failed and could still be sent again by hand."""
        earlier = self.env['ar.dunning.letter.line'].search([
            ('move_line_id', 'in', self.line_ids.move_line_id.ids), ('state', '=', 'failed'),
            ('letter_id', 'not in', self.ids),
        ]).letter_id.mail_message_id
        if earlier:
            mails = self.env['mail.mail'].search([('mail_message_id', 'in', earlier.ids), ('state', '!=', 'sent')])
            mails.cancel()

    def _wants_attachments(self):
        """Return whether anything may go with the letter. Hook for those who extend `_get_attachments`."""
        return self.level_id.attach_invoices != 'no'

    def _get_attachments(self):
        """Return the PDFs that go with the letter: of its own items' invoices, all of this customer.

        Those Odoo has stored with the invoice are used as they are; missing ones are rendered and kept with the letter.
        """
        self.ensure_one()
        wanted = self.level_id.attach_invoices
        attachments = self.env['ir.attachment']
        if wanted == 'no':
            return attachments
        own = attachments.search([('res_model', '=', self._name), ('res_id', '=', self.id), ('res_field', '=', False)])
        for move in self.line_ids.move_id:
            is_own = move.commercial_partner_id == self.partner_id and move.company_id == self.company_id
            if not is_own or not move.is_invoice():
                continue
            if move.invoice_pdf_report_id:
                attachments += move.invoice_pdf_report_id
            elif wanted == 'all':
                name = move._get_invoice_report_filename()
                attachments += own.filtered(lambda attachment, name=name: attachment.name == name)[:1] \
                    or self._render_invoice(move, name)
        return attachments

    def _render_invoice(self, move, name):
        """Render an invoice that has no PDF yet, and keep it with the letter; the invoice itself is left as it is."""
        reports = self.env['ir.actions.report']
        content, report_type = reports._pre_render_qweb_pdf('account.account_invoices', move.ids)
        content = reports._get_splitted_report('account.account_invoices', content, report_type)[move.id]
        return self.env['ir.attachment'].create({
            'name': name, 'raw': content, 'res_model': self._name, 'res_id': self.id, 'mimetype': 'application/pdf'})

    # === DELIVERY === #

    def _set_delivery(self, state, notifications):
        """Override: outcomes move with their letter; one that a newer letter took the place of stays as it is."""
        if state in COUNTED_STATES and self.state not in COUNTED_STATES and self._is_superseded():
            # a later letter took its place: the database would refuse to count both
            self.message_post(body=self.env._("Delivered late, after a newer letter for the same items."))
            return
        super()._set_delivery(state, notifications)
        outcomes = self.env['ar.dunning.outcome'].search([('letter_id', '=', self.id)])
        if state in ('failed', 'bounced'):
            outcomes.write({'result': 'failed', 'reason': 'bounced' if state == 'bounced' else 'error'})
        elif state in COUNTED_STATES:
            outcomes.filtered(lambda outcome: outcome.result == 'failed').write({'result': 'sent', 'reason': 'due'})
        elif state == 'cancelled':
            outcomes.write({'result': 'held', 'reason': 'cancelled'})

    def _is_superseded(self):
        """Return whether another letter has sent one of these items the same level."""
        levels = {(line.move_line_id.id, line.level_id.id) for line in self.line_ids}
        others = self.env['ar.dunning.letter.line'].search([
            ('move_line_id', 'in', self.line_ids.move_line_id.ids), ('state', 'in', COUNTED_STATES),
            ('letter_id', '!=', self.id)])
        return any((line.move_line_id.id, line.level_id.id) in levels for line in others)

    def _message_receive_bounce(self, email, partner):
        """Override of `mail`: a bounced letter is not a reminder."""
        result = super()._message_receive_bounce(email, partner)
        for letter in self.filtered(lambda letter: letter.state in COUNTED_STATES and letter._counts_by_email()):
            if letter.recipient_id not in partner and email_normalize(letter.email_to) != email_normalize(email):
                continue  # somebody else's copy of a message in the chatter
            letter.write({'state': 'bounced', 'failure_reason': self.env._("Bounced: %s", email)})
            self.env['ar.dunning.outcome'].search([('letter_id', '=', letter.id)]).write(
                {'result': 'failed', 'reason': 'bounced'})
        return result
