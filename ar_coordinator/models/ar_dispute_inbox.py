"""Customers' e-mails: a new dispute, or an answer to one.

An e-mail to a department's address opens a dispute over each unpaid invoice it names, if they are invoices of the
sender; the message itself stays with the first. Otherwise the dispute waits without invoice for somebody to look:
nothing about other customers' invoices goes into it where a customer could see it, and nothing is sent. Automatic
replies, bulk mail and empty messages open nothing.
"""
import re

from lxml import html
from markupsafe import Markup

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, html2plaintext, html_sanitize

REPLY_ACTIVITY = 'ar_coordinator.mail_activity_type_dispute_reply'
BULK = ('bulk', 'junk', 'list', 'auto_reply')
NOBODY = ('mailer-daemon', 'postmaster', 'noreply', 'no-reply', 'donotreply', 'do-not-reply', 'bounce', 'bounces')
MOST_NAMED = 5  # a message that names more is about the account; the desk decides about the others
WORDS = 20_000  # characters of a message that are read for numbers
NUMBER = re.compile(r'[A-Za-z0-9]+(?:[/._-][A-Za-z0-9]+)+|\d{4,}')


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    def _message_route_process(self, message, message_dict, routes):
        """Override: what no person wrote opens no dispute."""
        if any(route[0] == 'ar.dispute' and not route[1] for route in routes or ()) \
                and self.env['ar.dispute']._is_rubbish(message, message_dict):
            routes = [route for route in routes if route[0] != 'ar.dispute' or route[1]]
        return super()._message_route_process(message, message_dict, routes)


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    # === NEW MESSAGES === #

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Override of `mail`: a dispute over each invoice the message names, or one whose invoice is to be found."""
        values = dict(custom_values or {})
        company = self.env['res.company'].browse(values.get('company_id')) or self.env.company
        self = self.with_company(company)
        author = self.env['res.partner'].browse(msg_dict.get('author_id') or [])
        customer = author.commercial_partner_id if author.partner_share else author.browse()
        subject, words = (msg_dict.get('subject') or "").strip(), self._get_own_words(msg_dict.get('body') or "")
        moves = self._find_named_invoices(customer, company, subject) \
            or self._find_named_invoices(customer, company, words)
        values.update({
            'company_id': company.id,
            'reason_id': self.env['ar.dispute.reason']._get_standard().id,
            'contact_id': author.id if customer else False,
            'customer_note': f"{subject}\n\n{words}".strip(),
            'origin': 'email',
        })
        if moves:
            disputes = self.create([
                {**values, 'move_id': move.id, 'amount': move._ar_get_undisputed()} for move in moves[:MOST_NAMED]])
            disputes.action_acknowledge()
            dispute = disputes[0]
            dispute._note_siblings(disputes - dispute)
        else:
            dispute = self.create({
                **values, 'partner_id': customer.id, 'amount': 0,
                'name': subject or self.env._("Message of %s", msg_dict.get('email_from') or "?")})
        dispute._note_what_to_check(msg_dict, moves[MOST_NAMED:], f"{subject}\n{words}")
        return dispute

    def _note_siblings(self, siblings):
        """Let the disputes of one e-mail know of each other: the message and its attachments are with this one."""
        if not siblings:
            return
        self._message_log(body=self.env._(
            "The message also opened %s.", Markup(", ").join(one._get_html_link() for one in siblings)))
        siblings._message_log_batch(bodies=dict.fromkeys(siblings.ids, self.env._(
            "Opened by an e-mail that names several invoices; the message and its attachments are with %s.",
            self._get_html_link())))

    def _get_own_words(self, body):
        """Return what the sender wrote, as text: without the message they answer, which may name other invoices."""
        tree = html.fragment_fromstring(str(html_sanitize(body)), create_parent='div')
        for quote in tree.xpath('.//*[@data-o-mail-quote] | .//blockquote'):
            quote.drop_tree()
        return html2plaintext(html.tostring(tree, encoding='unicode'))[:WORDS].strip()

    def _find_named_invoices(self, customer, company, text):
        """Return the customer's unpaid, not yet disputed invoices whose number or payment reference is in `text`.

        Separators do not matter: "inv 2026 00017" is INV/2026/00017, but INV/2026/000171 is not.

        :return: account.move, in the order they are named
        """
        moves = self.env['account.move']
        if not customer or not text:
            return moves
        unpaid = moves.search_fetch([
            ('commercial_partner_id', '=', customer.id), ('company_id', '=', company.id), ('state', '=', 'posted'),
            ('move_type', 'in', ('out_invoice', 'out_receipt')), ('amount_residual', '!=', 0),
        ], ['name', 'payment_reference', 'amount_residual', 'currency_id'], order='id desc', limit=2_000)
        found = {}
        for move in unpaid:
            for number in {move.name, move.payment_reference} - {False, ""}:
                parts = [re.escape(part) for part in re.findall(r'[^\W_]+', number)]
                if sum(map(len, parts)) < 4:
                    continue  # a short number is in every text
                pattern = r'(?<![^\W_])' + r'[\W_]{0,3}'.join(parts) + r'(?![^\W_])'
                if match := re.search(pattern, text, re.IGNORECASE):
                    found[move.id] = min(match.start(), found.get(move.id, match.start()))
        named = moves.browse(sorted(found, key=found.get))
        return named.filtered(
            lambda move: move.currency_id.compare_amounts(move.amount_residual, move.ar_disputed_amount) > 0)

    def _note_what_to_check(self, msg_dict, others, text):
        """Write an internal note for whoever works the dispute; customers never see internal notes."""
        self.ensure_one()
        hints = []
        if others:
            hints.append(self.env._("The message also names %s.", ", ".join(others.mapped('name'))))
        if not self.move_id:
            numbers = list(dict.fromkeys(NUMBER.findall(text)))[:20]
            known = self.env['account.move'].search([
                ('name', 'in', [*numbers, *(number.upper() for number in numbers)]),
                ('company_id', '=', self.company_id.id), ('move_type', 'in', ('out_invoice', 'out_receipt')),
                ('state', '=', 'posted')], limit=5)
            if known:
                hints.append(self.env._(
                    "The message names %(invoices)s, which is not an unpaid, undisputed invoice of the sender "
                    "(%(sender)s). Check who wrote before you answer.",
                    invoices=", ".join(f"{move.name} ({move.commercial_partner_id.name})" for move in known),
                    sender=msg_dict.get('email_from') or "?"))
        if hints:
            self._message_log(body=" ".join(hints))

    def _is_rubbish(self, message, message_dict):
        """Say whether an e-mail was not written by a person, or says nothing.

        :param message: email.message.EmailMessage
        :param message_dict: dict, as `mail` parsed it
        """
        automatic = (message.get('Auto-Submitted') or 'no').strip().lower() != 'no'
        bulk = (message.get('Precedence') or '').strip().lower() in BULK or message.get('List-Unsubscribe')
        autoreply = message.get('X-Autoreply') or message.get('X-Autorespond')
        spam = (message.get('X-Spam-Flag') or '').strip().lower() == 'yes'
        sender = email_normalize(message_dict.get('email_from') or '') or ''
        nobody = not sender or sender.partition('@')[0] in NOBODY
        says_something = message_dict.get('attachments') or (message_dict.get('subject') or '').strip() \
            or html2plaintext(message_dict.get('body') or '').strip()
        return bool(automatic or bulk or autoreply or spam or nobody or not says_something)

    # === ANSWERS === #

    def message_update(self, msg_dict, update_vals=None):
        """Override of `mail`: an answer makes a task for the owner, also when the dispute is closed."""
        if not self.env.su:  # the gateway is; anybody could say that a customer wrote
            self.check_access('write')
        result = super().message_update(msg_dict, update_vals)
        author = self.env['res.partner'].browse(msg_dict.get('author_id') or [])
        if (author and not author.partner_share) or self.env.context.get('ar_automatic_reply'):
            return result
        for dispute in self.sudo():  # sudo: the mail gateway reports here, whoever's e-mail it is
            user = dispute.user_id or dispute.department_id.user_id or dispute.company_id.ar_dispute_manager_id
            if user and not dispute.activity_search([REPLY_ACTIVITY]):
                dispute.activity_schedule(
                    REPLY_ACTIVITY, user_id=user.id, date_deadline=dispute.company_id._ar_today(),
                    summary=self.env._("%s wrote again", author.name or msg_dict.get('email_from') or "?"))
        return result

    # === TRIAGE === #

    def write(self, vals):
        """Override: a dispute that gets its invoice is over what is unpaid of it, and its name says so."""
        without = self.filtered(lambda dispute: not dispute.move_id) if vals.get('move_id') else self.browse()
        if without and 'amount' not in vals and 'line_ids' not in vals:
            move = self.env['account.move'].browse(vals['move_id'])
            if move.move_type not in ('out_invoice', 'out_receipt'):
                raise UserError(self.env._("%s is not a customer invoice.", move.display_name))
            vals = {**vals, 'amount': move._ar_get_undisputed(), 'partner_id': move.commercial_partner_id.id}
        return super().write(vals)
