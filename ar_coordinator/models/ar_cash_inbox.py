"""E-mail addresses that take bank files and remittance advices as attachments.

An e-mail can say anything about who sent it. So transactions of a bank file that came by e-mail always wait for
somebody to load them; an advice explains money only if the sender is a contact of one customer and all its documents
are that customer's, and what it explains waits for a person, unless somebody has confirmed the advice or the company's
own mail server vouches for the sender (RFC 8601; Odoo keeps no such result itself). Nothing is lost: what cannot be
read is kept and says why, an e-mail without attachment is kept as text.
"""
import re

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import email_normalize, html2plaintext

from ..parsers.base import one_line

BOUNCES = ('mailer-daemon', 'postmaster')
RESULT = re.compile(r'\s*(dmarc|dkim)\s*=\s*pass\b(.*)', re.DOTALL)
NOT_RESULTS = re.compile(r'"[^"]*"|\([^()]*\)')
DOMAIN = {'dmarc': re.compile(r'\sheader\.from=([\w.-]+)'), 'dkim': re.compile(r'\sheader\.d=([\w.-]+)')}
SMALL_PICTURE = 20_000  # bytes; pictures below are logos of signatures


class ArCashInbox(models.Model):
    _name = 'ar.cash.inbox'
    _description = "Cash E-mail Address"
    _inherit = ['ar.guard', 'ar.alias.guard']
    _order = 'name, id'

    name = fields.Char(required=True, default=lambda self: self.env._("Remittances"))
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Follower", domain=[('share', '=', False)],
        help="Hears of every file that came by this address.")
    file_count = fields.Integer(compute='_compute_file_count', string="Files")

    def _compute_file_count(self):
        counts = {inbox.id: count for inbox, count in self.env['ar.cash.file']._read_group(
            [('inbox_id', 'in', self.ids)], ['inbox_id'], ['__count'])}
        for inbox in self:
            inbox.file_count = counts.get(inbox.id, 0)

    def _alias_get_creation_values(self):
        """Override of `mail`: e-mails to the address become files of this company."""
        values = super()._alias_get_creation_values()
        values['alias_model_id'] = self.env['ir.model']._get_id('ar.cash.file')
        if self.id:
            values['alias_defaults'] = repr({'inbox_id': self.id, 'company_id': self.company_id.id})
        return values

    def write(self, vals):
        """Override: the address keeps files in the company the record moved to."""
        result = super().write(vals)
        if 'company_id' in vals:
            for inbox in self.filtered('alias_id'):
                # sudo: the record's write access was checked; its address follows it
                inbox.alias_id.sudo().write(inbox._alias_get_creation_values())
        return result

    def action_view_files(self):
        """Show what came by this address."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_file_action')
        action.update(domain=[('inbox_id', '=', self.id)], context={})
        return action


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    def _message_route_process(self, message, message_dict, routes):
        """Override: bounces and automatic replies are no advices."""
        if any(route[0] == 'ar.cash.file' for route in routes or ()) \
                and self.env['ar.cash.file']._is_automatic(message, message_dict):
            routes = [route for route in routes if route[0] != 'ar.cash.file']
        routes = [
            (route[0], route[1], {**(route[2] or {}), 'headers': message.get_all('Authentication-Results') or []},
             *route[3:]) if route[0] == 'ar.cash.file' else route for route in routes or ()]
        return super()._message_route_process(message, message_dict, routes)


class ArCashFile(models.Model):
    _inherit = 'ar.cash.file'

    @api.model
    def _is_automatic(self, message, message_dict):
        """Say whether an e-mail is a bounce or an automatic reply. Programs that send advices are not: with a file
        attached it counts, from whatever address.

        :param message: email.message.EmailMessage
        :param message_dict: dict, as `mail` parsed it
        """
        sender = email_normalize(message_dict.get('email_from') or '') or ''
        if message.get_content_type() == 'multipart/report' or sender.partition('@')[0] in BOUNCES:
            return True
        replied = (message.get('Auto-Submitted') or 'no').strip().lower() not in ('no', 'auto-generated') \
            or message.get('X-Autoreply') or message.get('X-Autorespond') \
            or (message.get('Precedence') or '').strip().lower() == 'auto_reply'
        return bool(replied) and not self._get_mailed_files(message_dict)

    @api.model
    def _get_mailed_files(self, msg_dict):
        """Return [(name, bytes)] of the attachments, without the pictures of signatures."""
        found = []
        for attachment in msg_dict.get('attachments') or ():
            name, content = attachment[0], attachment[1]
            data = content.encode() if isinstance(content, str) else content
            picture = data[:4] in (b'\x89PNG', b'GIF8') or data[:3] == b'\xff\xd8\xff'
            if name == 'original_email.eml' or (picture and len(data) < SMALL_PICTURE):
                continue
            found.append((name, data))
        return found

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Override of `mail`: each attachment becomes a file; the e-mail is posted on the first.

        :raise AccessError: for anybody but the mail gateway; who calls this says who wrote
        """
        if not self.env.su:
            raise AccessError(self.env._("E-mails are taken by the mail gateway only: use Upload."))
        values = custom_values or {}
        company = self.env['res.company'].browse(values.get('company_id')) or self.env.company
        inbox = self.env['ar.cash.inbox'].browse(values.get('inbox_id'))
        self = self.with_company(company)
        common = {
            'origin': 'email', 'inbox_id': inbox.id, 'sender': one_line(msg_dict.get('email_from'), 200),
            'partner_id': self._find_sender(msg_dict, company).id,
            'sender_verified': self._is_sender_verified(msg_dict, values.get('headers'), company)}
        files = self.browse()
        for name, data in self._get_mailed_files(msg_dict):
            file, is_new = self._keep(company, name, data, **common)
            if not is_new:
                file.sudo()._message_log(body=self.env._(  # sudo: the gateway's note
                    "The same file came again by e-mail from %s. Nothing was loaded again.", common['sender'] or "?"))
            files |= file
        if not files:
            files = self._keep_words(msg_dict, company, common)
        if inbox.user_id:
            files.sudo().message_subscribe(partner_ids=inbox.user_id.partner_id.ids)  # sudo: the gateway's
        return files[0]

    def _keep_words(self, msg_dict, company, common):
        """Keep an e-mail without attachment: somebody has to read it."""
        subject = one_line(msg_dict.get('subject'), 150)
        words = f"{subject}\n\n{html2plaintext(msg_dict.get('body') or '')}\n{msg_dict.get('message_id') or ''}"
        message = self.env._("The e-mail has no attachment. Read it, and enter the advice by hand.")
        file, _is_new = self._keep(
            company, subject or self.env._("E-mail"), words.encode(), read=False, state='refused', message=message,
            **common)
        return file

    @api.model
    def _is_sender_verified(self, msg_dict, headers, company):
        """Say whether the company's own mail server vouches for the sender's domain.

        Only the latest result with that server's name counts: it was written last, on top of what the sender wrote.

        :param list headers: values of Authentication-Results, as they came
        """
        server = (company.ar_cash_mail_server or '').strip().lower()
        domain = (email_normalize(msg_dict.get('email_from') or '') or '').rpartition('@')[2]
        if not server or not domain or not isinstance(headers, list):
            return False
        for header in headers:
            name, _semicolon, results = str(header).partition(';')
            if (name.split() or [''])[0].lower() != server:
                continue
            # what the sender may have written himself, in quotes or comments, is no result
            parts = NOT_RESULTS.sub('', results).lower().split(';')
            found = [(match[1], match[2]) for part in parts if (match := RESULT.match(part))]
            return any(domain in DOMAIN[kind].findall(properties) for kind, properties in found)
        return False

    def _find_sender(self, msg_dict, company):
        """Return the customer whose contact wrote, if there is exactly one with this address."""
        address = email_normalize(msg_dict.get('email_from') or '')
        partners = self.env['res.partner'].search([
            ('email_normalized', '=', address), ('partner_share', '=', True),
            ('company_id', 'in', (False, *company.parent_ids.ids))]) if address else self.env['res.partner']
        customers = partners.commercial_partner_id
        return customers if len(customers) == 1 else self.env['res.partner']
