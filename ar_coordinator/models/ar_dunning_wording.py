"""A letter's own text instead of its template's, for one letter in a preview.

The table of items with all that belongs to it (claims, fees, bank account, link) and the sender stay; what stands above
and below is the user's. `{amount}` and `{date}` in it are what the letter asks for on the day it leaves, so that no
amount is written down that a payment has overtaken.
"""
from lxml import html
from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.tools import html_sanitize, is_html_empty

AMOUNT, DATE = '{amount}', '{date}'
PLACES = 'ar_dunning_places'  # context key: render marks instead of what changes until the letter leaves
FRAME = Markup('<div style="font-size: 14px; max-width: 760px;">%s</div>')
ITEMS_MARK, SENDER_MARK = Markup('<div id="ar_items"></div>'), Markup('<div id="ar_sender"></div>')


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    personal_text = fields.Html(
        string="Text Above the Items", readonly=True, sanitize_overridable=False,
        help="Instead of the template's, in this letter only.")
    personal_closing = fields.Html(string="Text Below the Items", readonly=True, sanitize_overridable=False)
    personal_text_user_id = fields.Many2one(comodel_name='res.users', string="Text by", readonly=True)

    # === RENDERING === #

    def _get_amount_to_pay(self):
        """Override: its place, where a text is taken from a template."""
        return AMOUNT if self.env.context.get(PLACES) else super()._get_amount_to_pay()

    def _get_date_to_pay(self):
        """Override: as above."""
        return DATE if self.env.context.get(PLACES) else super()._get_date_to_pay()

    def _render_items(self):
        """Override: as above."""
        return ITEMS_MARK if self.env.context.get(PLACES) else super()._render_items()

    def _render_sender(self):
        """Override: as above."""
        return SENDER_MARK if self.env.context.get(PLACES) else super()._render_sender()

    def _get_template_text(self):
        """Return (text above the items, text below) of the letter's template, as HTML, to be changed by hand."""
        self.ensure_one()
        # sudo: wording is managed by managers, read by everyone here
        template = self.level_id.mail_template_id.sudo().with_context(**{PLACES: True})
        body = template._render_field('body_html', self.ids, compute_lang=True)[self.id]
        tree = html.fragment_fromstring(str(body), create_parent='div')
        for mark in tree.xpath('.//*[@id="ar_sender"]'):
            mark.drop_tree()
        marks = tree.xpath('.//*[@id="ar_items"]')
        if not marks:
            return self._get_inner_html(tree), Markup()
        frame, place = marks[0].getparent(), marks[0].getparent().index(marks[0])
        below = html.Element('div')
        below.text = marks[0].tail
        below.extend(list(frame)[place + 1:])
        frame.remove(marks[0])
        return self._get_inner_html(frame), self._get_inner_html(below)

    @api.model
    def _get_inner_html(self, element):
        """Return what is inside an element, as clean HTML."""
        inner = escape(element.text or "") + Markup().join(  # lxml's own output, sanitized right after
            Markup(html.tostring(child, encoding='unicode')) for child in element)
        return Markup(html_sanitize(inner))

    def _render_own_text(self):
        """Return the letter with the text somebody wrote for it."""
        letter = self._localized()
        above, below = (
            (text or Markup()).replace(AMOUNT, escape(letter._get_amount_to_pay()))
            .replace(DATE, escape(letter._get_date_to_pay())) for text in (self.personal_text, self.personal_closing))
        return FRAME % (above + letter._render_items() + below + letter._render_sender())

    # === WRITING === #

    def set_personal_text(self, text, closing=None):
        """Write the text of a draft letter oneself (nothing: as the template has it); it is frozen when it is sent.

        :param str text: HTML, sanitized here, in the recipient's language; `{amount}` and `{date}` are filled in
        :param str closing: the same, below the items
        :raise AccessError: unless the user works the desk
        :raise UserError: for a letter that left
        """
        run, letter = self._lock_to_write()
        amount = escape(letter._localized()._get_amount_to_pay())
        above, below = (
            Markup(html_sanitize(part or "")).replace("&nbsp;", Markup("\xa0")).replace(amount, AMOUNT)
            for part in (text, closing))
        is_own = not is_html_empty(above)
        if is_own == bool(letter.personal_text) and (above, below) == (letter.personal_text, letter.personal_closing):
            return
        letter.write({
            'personal_text': is_own and above, 'personal_closing': is_own and below,
            'personal_text_user_id': is_own and self.env.uid})
        letter.invalidate_recordset(['message'])
        said = self.env._("the letter to %s has a text of its own", letter.partner_id.name) if is_own \
            else self.env._("the letter to %s has its template's text again", letter.partner_id.name)
        run._log_changes([said])


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _gate(self, letters):
        """Override: a text written for another level is not sent; the template's is."""
        levels = {letter: letter.level_id for letter in letters}
        left = super()._gate(letters)
        for letter in left.filtered('personal_text'):
            if letter.level_id != levels[letter]:
                letter.write({'personal_text': False, 'personal_closing': False, 'personal_text_user_id': False})
                letter._message_log(body=self.env._(
                    "The text written for level %(before)s was left out: by now it is level %(now)s.",
                    before=levels[letter].name, now=letter.level_id.name))
        return left


class MailTemplate(models.Model):
    _inherit = 'mail.template'

    def _render_field(self, field, res_ids, engine='inline_template', compute_lang=False, res_ids_lang=False,
                      set_lang=False, add_context=None, options=None):
        """Override of `mail`: letters with a text of their own say that one, in previews, on paper and in e-mails."""
        result = super()._render_field(
            field, res_ids, engine=engine, compute_lang=compute_lang, res_ids_lang=res_ids_lang, set_lang=set_lang,
            add_context=add_context, options=options)
        if field == 'body_html' and self.render_model == 'ar.dunning.letter' and not self.env.context.get(PLACES):
            letters = self.env['ar.dunning.letter'].browse(number for number in res_ids if number)
            for letter in letters.filtered('personal_text'):
                result[letter.id] = letter._render_own_text()
        return result
