"""Write to a customer: a text for the situation, in the customer's language, with chosen documents attached.

What it makes opens in Odoo's own composer, where it is read and sent.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..models.ar_call_script import SITUATIONS


class ArWriteWizard(models.TransientModel):
    _name = 'ar.write.wizard'
    _description = "Write to a Customer"

    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", required=True, readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)
    recipient_ids = fields.Many2many(
        comodel_name='res.partner', string="To", required=True,
        domain="[('commercial_partner_id', '=', partner_id)]")
    situation = fields.Selection(selection=SITUATIONS, required=True, default='first')
    template_id = fields.Many2one(
        comodel_name='mail.template', string="Text", compute='_compute_template_id', store=True, readonly=False,
        domain=[('model', '=', 'res.partner')])
    item_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_write_wizard_item_rel', string="Open Items",
        domain="[('id', 'in', choice_ids)]")
    choice_ids = fields.Many2many(
        comodel_name='account.move.line', relation='ar_write_wizard_choice_rel', compute='_compute_choice_ids')
    attach_invoices = fields.Boolean(
        compute='_compute_attach_invoices', store=True, readonly=False)
    attach_statement = fields.Boolean(default=True)

    @api.depends('situation', 'company_id')
    def _compute_template_id(self):
        for wizard in self:
            wizard.template_id = self.env['ar.call.script']._find(
                wizard.situation, wizard.company_id).mail_template_id

    @api.depends('partner_id', 'company_id')
    def _compute_choice_ids(self):
        for wizard in self:
            wizard.choice_ids = [row['id'] for row in self.env['ar.ledger'].open_items(
                {'partner_ids': wizard.partner_id.ids, 'company_ids': wizard.company_id.ids})]

    @api.depends('item_ids')
    def _compute_attach_invoices(self):
        for wizard in self:
            wizard.attach_invoices = bool(wizard.item_ids)

    @api.model
    def _get_open_action(self, partner, company, items=None):
        """Return the action of the dialog, about these items."""
        contact = partner._ar_receivables_contacts(partner, company)[partner.id]
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Write to %s", partner.display_name),
            'res_model': self._name, 'views': [(False, 'form')], 'target': 'new', 'context': {
                'default_partner_id': partner.id, 'default_company_id': company.id,
                'default_recipient_ids': contact.ids, 'default_item_ids': items.ids if items else [],
                'default_situation': self.env['ar.call.wizard']._get_situation(partner, company)}}

    def action_compose(self):
        """Open Odoo's composer with the text and the documents.

        :raise AccessError: unless the user works the desk
        :raise UserError: for recipients or invoices of others
        """
        self.ensure_one()
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Customers are written to by a Receivables: User."))
        if self.recipient_ids.commercial_partner_id != self.partner_id:
            raise UserError(self.env._("Write to contacts of %s only.", self.partner_id.display_name))
        files = self._get_statement() if self.attach_statement else []
        attachments = self.env['ir.attachment'].create([{
            'name': name, 'raw': content, 'mimetype': 'application/pdf', 'res_model': 'mail.compose.message',
            'res_id': 0} for name, content in files])
        if self.attach_invoices:
            attachments += self._get_invoices()
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Write to %s", self.partner_id.display_name),
            'res_model': 'mail.compose.message', 'views': [(False, 'form')], 'target': 'new', 'context': {
                'default_model': 'res.partner', 'default_res_ids': self.partner_id.ids,
                'default_composition_mode': 'comment', 'default_template_id': self.template_id.id,
                'default_partner_ids': [Command.set(self.recipient_ids.ids)],
                'default_attachment_ids': [Command.set(attachments.ids)],
                'ar_company_id': self.company_id.id, 'ar_item_ids': self.item_ids.ids,
                'allowed_company_ids': [
                    self.company_id.id, *(self.env.companies - self.company_id).ids]}}

    def _get_statement(self):
        """Return [(name, content)] of the statement of open items, in the customer's language."""
        statements = self.env['ar.statement'].with_context(lang=self.partner_id.lang or self.env.lang)
        return [statements.get_pdf(self.partner_id, self.company_id)]

    def _get_invoices(self):
        """Return the PDFs of the chosen items' invoices, all of this customer; missing ones are rendered."""
        attachments, reports = self.env['ir.attachment'], self.env['ir.actions.report']
        for move in self.item_ids.move_id.filtered(lambda move: move.is_invoice()):
            if move.commercial_partner_id != self.partner_id or move.company_id != self.company_id:
                raise UserError(self.env._(
                    "%(invoice)s is not an invoice of %(customer)s.", invoice=move.display_name,
                    customer=self.partner_id.display_name))
            if move.invoice_pdf_report_id:
                attachments += move.invoice_pdf_report_id
                continue
            content, report_type = reports._pre_render_qweb_pdf('account.account_invoices', move.ids)
            content = reports._get_splitted_report('account.account_invoices', content, report_type)[move.id]
            attachments += attachments.create({
                'name': move._get_invoice_report_filename(), 'raw': content, 'mimetype': 'application/pdf',
                'res_model': 'mail.compose.message', 'res_id': 0})
        return attachments
