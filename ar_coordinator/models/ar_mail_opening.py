"""Whether e-mails with invoices, statements and dunning letters were opened, where a company asks for it.

A tracking image is added to what leaves for a customer, never to the copy in the chatter. Its address is signed (HMAC
with the database's secret) and names one message and one recipient. The first time it is fetched is kept, nothing else:
no address, no device, no later visits. A fetched image is a sign, not a proof: some mail programs fetch images that
nobody has seen, others never fetch any.
"""
import logging
import re
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import hash_sign
from odoo.tools.mail import append_content_to_html

from .ar_answer_link import read_signed
from .ar_ledger_delivery import SENT_TYPES

_logger = logging.getLogger(__name__)

SCOPE = 'ar_coordinator.mail_opening'
PATH = '/ar/image'
DAYS = 180  # openings after that tell nothing
IMAGE = re.compile(rf'<img\b[^<>]{{0,500}}{PATH}/[^<>]{{0,500}}>', re.IGNORECASE)  # bounded: anybody may send us mail


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_track_openings = fields.Boolean(
        string="Track Opened E-mails",
        help="E-mails with invoices, statements and dunning letters carry an invisible image, and the first time it is "
             "fetched is noted with the recipient. In many countries that needs the recipient's consent. An image that "
             "was fetched does not prove that somebody read the e-mail (some mail programs fetch all images at once), "
             "and one that was not fetched does not prove the opposite (others show none).")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_track_openings = fields.Boolean(related='company_id.ar_track_openings', readonly=False)


class ArMailOpening(models.Model):
    _name = 'ar.mail.opening'
    _description = "Opened E-mail"
    _order = 'date desc, id desc'
    _rec_name = 'mail_message_id'

    mail_message_id = fields.Many2one(
        comodel_name='mail.message', string="E-mail", required=True, readonly=True, ondelete='cascade')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Recipient", required=True, readonly=True, index=True, ondelete='cascade')
    customer_id = fields.Many2one(
        comodel_name='res.partner', required=True, readonly=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True, ondelete='cascade')
    model = fields.Char(required=True, readonly=True)
    res_id = fields.Many2oneReference(string="Document", model_field='model', required=True, readonly=True)
    date = fields.Datetime(string="First Opened on", required=True, readonly=True)

    _once = models.UniqueIndex("(mail_message_id, partner_id)")

    # === WHAT IS TRACKED === #

    @api.model
    def _get_tracked_models(self):
        """Hook: names of the models whose e-mails to customers may be tracked; each has `company_id`."""
        return ['account.move', *self.env['ar.outbox.message']._get_outbox_models()]

    @api.model
    def _get_tracked(self, message):
        """Return the document of a mail.message whose e-mails are tracked now, as superuser; nothing for all others."""
        message = message.sudo()  # sudo: the mail queue and the image's route ask, whoever's message it is
        if message.model not in self._get_tracked_models() or not message.res_id:
            return None
        record = self.env[message.model].sudo().browse(message.res_id).exists()  # sudo: as above
        if not record or not record.company_id.ar_track_openings:
            return None
        if record._name == 'account.move':
            is_sent = record.state == 'posted' and record.move_type in SENT_TYPES and message.attachment_ids
            return record if is_sent else None
        return record if record.mail_message_id == message else None

    @api.model
    def _get_customer(self, record):
        """Return the customer of a tracked document."""
        return record.commercial_partner_id if record._name == 'account.move' else record.partner_id

    # === THE IMAGE === #

    @api.model
    def _add_image(self, body, record, message, partner):
        """Return the body of an e-mail with the image of this message and recipient at its end."""
        # sudo: for the database's secret, which signs
        token = hash_sign(self.sudo().env, SCOPE, [message.id, partner.id], expiration=timedelta(days=DAYS))
        url = f'{record.get_base_url()}{PATH}/{token}.gif'
        return append_content_to_html(
            body, f'<img src="{url}" width="1" height="1" alt="" style="border:0"/>', plaintext=False)

    @api.model
    def _note(self, token):
        """Note that the image of `token` was fetched, the first time; nothing for tokens that are not ours.

        Never an error: what cannot be kept (a database that only reads, a message that is gone) is not kept.
        """
        values = read_signed(self.env, SCOPE, token)
        if values is None:
            return
        message_id, partner_id = values
        # sudo: the token was signed by us; it names this message and this recipient and nothing else
        openings = self.sudo()
        try:
            with self.env.cr.savepoint():
                openings._note_first(
                    openings.env['mail.message'].browse(message_id).exists(),
                    openings.env['res.partner'].browse(partner_id).exists())
        except psycopg2.Error as error:  # somebody was quicker, or nothing can be written now
            _logger.info("An opened e-mail was not noted: %s", type(error).__name__)

    def _note_first(self, message, partner):
        """Keep the first opening of a message by a recipient; as superuser."""
        record = self._get_tracked(message)
        if not record or not partner or self.search_count(
                [('mail_message_id', '=', message.id), ('partner_id', '=', partner.id)], limit=1):
            return
        self.create({
            'mail_message_id': message.id, 'partner_id': partner.id, 'customer_id': self._get_customer(record).id,
            'company_id': record.company_id.id, 'model': record._name, 'res_id': record.id,
            'date': fields.Datetime.now()})
        if record._name == 'account.move':
            record.env['ar.invoice.delivery']._note_opened(record, partner, kind='opened_email')
        self.env.flush_all()


class ArOutboxMessage(models.AbstractModel):
    _inherit = 'ar.outbox.message'

    date_opened = fields.Datetime(
        string="E-mail Opened on", compute='_compute_opened',
        help="When its image was first fetched, where the company tracks that: a sign, not a proof, that it was read.")
    opened_by = fields.Char(string="Opened by", compute='_compute_opened')
    is_opened = fields.Boolean(string="E-mail Opened", compute='_compute_opened', search='_search_is_opened')

    @api.depends('mail_message_id')
    def _compute_opened(self):
        """One query for the whole batch. sudo: who reads a message may know whether it was opened."""
        openings = self.env['ar.mail.opening'].sudo()
        found = {message: (date, partners) for message, date, partners in openings._read_group(
            [('mail_message_id', 'in', self.mail_message_id.ids)], ['mail_message_id'],
            ['date:min', 'partner_id:recordset'])}
        for message in self:
            date, partners = found.get(message.mail_message_id.sudo(), (False, None))
            message.date_opened = date
            message.is_opened = bool(date)
            message.opened_by = ", ".join(partners.sorted('id').mapped('name')) if partners else False

    def _search_is_opened(self, operator, value):
        if operator != 'in':
            return NotImplemented
        # sudo: as above; the messages found are narrowed by their own rules
        opened = self.env['ar.mail.opening'].sudo()._search([('model', '=', self._name)])
        domain = Domain('mail_message_id', 'in', opened.subselect('mail_message_id'))
        return domain if True in value and False not in value else ~domain


class MailMail(models.Model):
    _inherit = 'mail.mail'

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Override of `mail`: the image goes into what leaves for a customer, one for each recipient.

        What leaves for our own users, and for addresses without a contact, has none.
        """
        emails = super()._prepare_outgoing_list(mail_server=mail_server, doc_to_followers=doc_to_followers)
        openings = self.env['ar.mail.opening']
        record = openings._get_tracked(self.mail_message_id)
        if record:
            for email in emails:
                partner = email['partner_id']
                if email['body'] and partner and partner.sudo().partner_share:  # sudo: the queue's user may not read it
                    email['body'] = openings._add_image(email['body'], record, self.mail_message_id, partner)
        return emails


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    @api.model
    def _message_parse_extract_payload_postprocess(self, message, payload_dict):
        """Override of `mail`: a reply that quotes our e-mail must not count its image when we read it."""
        body = payload_dict['body']
        if PATH in body:
            payload_dict['body'] = type(body)(IMAGE.sub('', body))
        return super()._message_parse_extract_payload_postprocess(message, payload_dict)
