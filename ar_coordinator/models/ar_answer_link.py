"""The signed link of a dunning letter: who has the letter can answer for its items, without a login.

The link carries the letter's id, the number of its key and the day it ends, signed (HMAC-SHA256 with the database's
secret). Nothing is stored with it: making one costs a hash. It opens nothing but its own letter, and nothing at all
when it was changed, is too old, the letter is not on its way (draft, cancelled, failed, bounced), its key was renewed,
or the company switched links off. See SECURITY.md.
"""
import base64
import io
from datetime import datetime, time, timedelta

import pytz
import qrcode

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import hash_sign, verify_hash_signed

from .ar_outbox import COUNTED_STATES, spoken

SCOPE = 'ar_coordinator.answer'
PATH = '/ar/answer'
MAX_TOKEN = 200  # characters; ours have about 70
ANSWERS_PER_LETTER = 20  # within an hour
ANSWERS_PER_ADDRESS = 60  # IP address, within an hour


def read_signed(env, scope, token):
    """Return the values of a token that we signed (`hash_sign`), as we wrote it, and that has not ended; else None."""
    if not token or len(token) > MAX_TOKEN:
        return None
    try:
        content = base64.b64decode(token + '=' * (-len(token) % 4), altchars=b'-_', validate=True)
        if base64.urlsafe_b64encode(content).decode().rstrip('=') != token:
            return None  # another way to write the same: not what we sent
        return verify_hash_signed(env(su=True), scope, token)  # superuser: for the database's secret
    except ValueError:  # what tampering makes of it: no base64, no version of ours, no UTF-8
        return None


class TooManyAnswers(UserError):
    """So many answers in so short a time that no more are taken for now."""


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_answer_links = fields.Boolean(
        string="Links in Letters", default=True,
        help="Every dunning letter carries a link with which the customer can pay, promise, dispute or answer without "
             "a login. Off: the links that are out stop working as well.")
    ar_answer_link_days = fields.Integer(
        string="Links Are Valid (Days)", default=30,
        help="From the letter's date. Fewer days also shorten the links that are out, more don't lengthen them.")

    @api.constrains('ar_answer_link_days')
    def _check_ar_answer_link_days(self):
        for company in self:
            if not 1 <= company.ar_answer_link_days <= 365:
                raise ValidationError(self.env._("%s: links are valid between 1 and 365 days.", company.name))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_answer_links = fields.Boolean(related='company_id.ar_answer_links', readonly=False)
    ar_answer_link_days = fields.Integer(related='company_id.ar_answer_link_days', readonly=False)


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    link_number = fields.Integer(
        string="Number of the Link", readonly=True, help="Counts up when the link is revoked; the older ones end.")
    link_date_end = fields.Date(string="Link Ends on", compute='_compute_link_date_end')
    link_is_active = fields.Boolean(string="Link Works", compute='_compute_link_date_end')

    @api.depends('date', 'state', 'company_id.ar_answer_links', 'company_id.ar_answer_link_days')
    def _compute_link_date_end(self):
        for letter in self:
            company = letter.company_id
            letter.link_date_end = letter.date and company.ar_answer_links and (
                letter.date + timedelta(days=company.ar_answer_link_days))
            letter.link_is_active = bool(
                letter.link_date_end and letter.state in COUNTED_STATES and company._ar_today() <= letter.link_date_end)

    # === ACTION METHODS === #

    def action_revoke_link(self):
        """Make the links useless that are out for these letters.

        :raise AccessError: for readers
        """
        self._check_user()
        for letter in self.sudo():  # sudo: letters are read-only to users; role and company (read access) were checked
            letter.link_number += 1
            letter._message_log(body=self.env._("The link in this letter was revoked: it no longer works."))

    # === THE LINK === #

    def _get_answer_url(self):
        """Return the letter's link, or None where the company wants none; a sample letter's opens nothing."""
        self.ensure_one()
        if not self.link_date_end:
            return None
        token = 'sample'
        if self._origin.id:
            # sudo: for the database's secret, which signs
            token = hash_sign(
                self.sudo().env, SCOPE, [self._origin.id, self.link_number], expiration=self._get_link_expiration())
        return f'{self.get_base_url()}{PATH}/{token}'

    def _get_link_expiration(self):
        """Return the end of the link's last day in the company's time zone, as naive local time of the server."""
        midnight = datetime.combine(self.link_date_end + timedelta(days=1), time.min)
        zone = pytz.timezone(self.company_id._ar_timezone())
        return datetime.fromtimestamp(zone.localize(midnight).timestamp())

    def _get_answer_qr(self):
        """Return the link as a QR code, a data URI, for the printed letter."""
        image = io.BytesIO()
        qrcode.make(self._get_answer_url(), box_size=4, border=2).save(image, format='PNG', optimize=True)
        return f'data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}'

    @api.model
    def _find_by_token(self, token):
        """Return the letter a link opens, as superuser and in its company, or None: one answer for all reasons."""
        values = self._read_token(token)
        if values is None:
            return None
        letter_id, number = values
        # sudo: the link was signed by us; it opens this letter and nothing else
        letter = self.sudo().browse(letter_id).exists()
        if not letter or letter.link_number != number or not letter.link_is_active:
            return None
        letter = letter.with_company(letter.company_id).with_context(
            allowed_company_ids=letter.company_id.ids, lang=spoken(self.env, letter.lang))
        return letter.with_prefetch()

    @api.model
    def _read_token(self, token):
        """Return [letter id, number of the link] of a token that we signed and that has not ended, else None."""
        return read_signed(self.env, SCOPE, token)

    # === ANSWERS THROUGH THE LINK === #

    def _get_link_items(self):
        """Return the open items the letter asks for, in its order: all a link speaks of."""
        return self.line_ids.move_line_id

    def _answer(self, kind, form, files, ip_address=None):
        """Record what was posted through the link; see `ar.customer.answer._read_form` for the form.

        :return: ar.customer.answer
        :raise TooManyAnswers: for now
        :raise UserError: said to the customer
        """
        self.ensure_one()
        self._check_rate(ip_address)
        answers = self.env['ar.customer.answer']
        items, values = answers._read_form(kind, form, files, self._get_link_items())
        if values.get('lines') and not self._shows_invoice_lines():
            raise UserError(self.env._("Please enter the disputed amount instead."))
        values['ip_address'] = ip_address
        return answers._record(kind, items, values, 'link', self.recipient_id, letter=self)

    def _check_rate(self, ip_address):
        """:raise TooManyAnswers: when a letter, or an address, has answered too often within the last hour."""
        since = fields.Datetime.subtract(fields.Datetime.now(), hours=1)
        answers = self.env['ar.customer.answer']
        recent = answers.search_count(
            [('letter_id', '=', self.id), ('create_date', '>=', since)], limit=ANSWERS_PER_LETTER)
        if recent < ANSWERS_PER_LETTER and ip_address:
            recent = answers.search_count(
                [('ip_address', '=', ip_address), ('create_date', '>=', since)], limit=ANSWERS_PER_ADDRESS)
            if recent < ANSWERS_PER_ADDRESS:
                return
        elif recent < ANSWERS_PER_LETTER:
            return
        raise TooManyAnswers(self.env._("We have received many answers in a short time. Please try again in an hour."))

    def _shows_invoice_lines(self):
        """Return whether the link may show the lines of invoices: where the letter came with the invoices."""
        return self.level_id.attach_invoices == 'all'

    # === PAYING === #

    def _get_payment(self, selection):
        """Return what paying some of the letter's items comes to, see `ar.portal._get_payment`; credits are deducted
        as the letter does.

        :param str selection: 'all', or ids of journal items with dashes between them; what is not in the letter
            does not count
        :raise UserError: said to the customer: nothing of it can be paid online now
        """
        self.ensure_one()
        portal, own = self.env['ar.portal'], self._get_link_items()
        if selection != 'all':
            own &= own.browse(portal._read_selection(selection))
        if not own or not self._get_providers():
            raise UserError(self.env._("This cannot be paid online now."))
        return portal._get_payment(
            self.partner_id, self.company_id, self.currency_id, own.ids, credits=self._get_credits())

    def _get_payable(self):
        """Return ({item id: what can be paid of it online now, before credits}, ids of items being paid right now)."""
        items = self._get_link_items().filtered(lambda item: not item.reconciled)
        if not items:
            return {}, set()
        rows, _count = self.env['ar.portal']._get_items(
            self.partner_id, self.company_id, self.currency_id, line_ids=items.ids)
        payable = {row['id']: row['payable'] for row in rows if row['payable'] > 0}
        return payable if payable and self._get_providers() else {}, {row['id'] for row in rows if row['processing']}

    def _get_credits(self):
        """Return the customer's unapplied credits that the letter names and that are there still, as an amount."""
        named = sum(self.line_ids.mapped('amount_credit'))
        free = self.env['ar.portal']._get_free_credits(
            self.partner_id, self.company_id, self.currency_id) if named > 0 else ()
        return self.currency_id.round(min(named, sum(credit['free'] for credit in free)))

    def _get_providers(self):
        """Return the payment.provider records that customers of this company can pay with."""
        return self.env['payment.provider']._get_compatible_providers(
            self.company_id.id, self.recipient_id.id, self.amount_total, currency_id=self.currency_id.id)

    def _get_payment_url(self, move, amount):
        """Return Odoo's own page to pay `amount` of an invoice."""
        return self.env['payment.link.wizard'].with_context(active_model=move._name, active_id=move.id).create({
            'amount': amount, 'res_model': move._name, 'res_id': move.id}).link
