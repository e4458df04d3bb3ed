"""The timeline of the customer sheet: what happened, newest first; one read per kind, whatever the customer's size."""
import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import html2plaintext

PAGE_SIZE = 30
FARTHEST = 1000  # entries one can page back to; the lists of each kind have the rest
TEXT_LENGTH = 240


class ArCustomerSheet(models.AbstractModel):
    _inherit = 'ar.customer.sheet'

    @api.model
    @api.readonly
    def get_timeline(self, partner_id, company_id=None, kinds=None, offset=0):
        """Return a page of what happened with a customer in a company.

        :param kinds: list of keys of `_get_timeline_kinds`; None: all
        :param int offset: entries to pass over
        :return: dict: kinds [{key, label, icon}], entries [{kind, date (ISO), title, text, amount, currency_id, model,
            res_id, user}], has_more. Amounts in the record's currency, None where there is none
        :raise AccessError: as `get_sheet`
        :raise UserError: for an unknown kind or a page that makes no sense
        """
        partner, company = self._check_reader(partner_id, company_id)
        offset = self.env['ar.ledger']._read_whole('offset', offset) or 0
        known = self._get_timeline_kinds()
        wanted = set(kinds or known)
        if unknown := wanted - set(known):
            raise UserError(self.env._(
                "The timeline has no entries of this kind: %s", ", ".join(sorted(map(str, unknown)))))
        if offset > FARTHEST:
            raise UserError(self.env._("The timeline goes back %s entries.", FARTHEST))
        desk, end = self.with_company(company), offset + PAGE_SIZE + 1
        entries = []
        for kind in known:
            if kind in wanted:
                entries += getattr(desk, f'_timeline_{kind}')(partner.with_env(desk.env), company, end)
        entries.sort(key=lambda entry: (entry['date'][:10], len(entry['date']), entry['date'], entry['res_id']),
                     reverse=True)
        page = entries[offset:end]
        return {
            'kinds': [{'key': key, 'label': label, 'icon': icon} for key, (label, icon) in known.items()],
            'entries': page[:PAGE_SIZE], 'has_more': len(page) > PAGE_SIZE and end <= FARTHEST + PAGE_SIZE}

    @api.model
    def _get_timeline_kinds(self):
        """Hook: return {kind: (label, icon)}; each has a method `_timeline_<kind>(partner, company, limit)`."""
        return {
            'invoice': (self.env._("Invoices"), 'fa-file-text-o'),
            'payment': (self.env._("Payments"), 'fa-money'),
            'letter': (self.env._("Letters"), 'fa-envelope-o'),
            'opened': (self.env._("Opened"), 'fa-eye'),
            'reply': (self.env._("Replies"), 'fa-reply'),
            'call': (self.env._("Calls"), 'fa-phone'),
            'promise': (self.env._("Promises"), 'fa-handshake-o'),
            'dispute': (self.env._("Disputes"), 'fa-exclamation-circle'),
            'pause': (self.env._("Pauses"), 'fa-pause'),
            'hold': (self.env._("Holds and Releases"), 'fa-lock'),
            'answer': (self.env._("Answers"), 'fa-comments-o'),
            'message': (self.env._("Messages and Notes"), 'fa-comment-o'),
        }

    def _entry(self, kind, record, date, title, text='', amount=None, currency=None, user=''):
        if isinstance(date, datetime.datetime):
            date = fields.Datetime.context_timestamp(self, date).replace(tzinfo=None).isoformat(timespec='minutes')
        elif date:
            date = date.isoformat()
        return {
            'kind': kind, 'date': date or '', 'title': title or '', 'text': (text or '')[:TEXT_LENGTH],
            'amount': amount, 'currency_id': currency.id if currency else False, 'model': record._name,
            'res_id': record.id, 'user': user or ''}

    def _own(self, partner, company):
        return Domain([('partner_id', '=', partner.id), ('company_id', '=', company.id)])

    def _state(self, record, name='state'):
        return dict(record._fields[name]._description_selection(self.env)).get(record[name], '')

    # === KINDS === #

    def _timeline_invoice(self, partner, company, limit):
        moves = self.env['account.move'].search([
            ('commercial_partner_id', '=', partner.id), ('company_id', '=', company.id), ('state', '=', 'posted'),
            ('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt'))],
            order='invoice_date desc, id desc', limit=limit)
        return [self._entry(
            'invoice', move, move.invoice_date or move.date, move.name, " · ".join(filter(None, (
                move.ref, self._state(move, 'payment_state')))),
            -move.amount_total if move.move_type == 'out_refund' else move.amount_total, move.currency_id)
            for move in moves]

    def _timeline_payment(self, partner, company, limit):
        lines = self.env['account.move.line'].search([
            ('partner_id.commercial_partner_id', '=', partner.id), ('company_id', '=', company.id),
            ('account_id.account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'),
            ('move_id.move_type', '=', 'entry'), ('amount_currency', '!=', 0)], order='date desc, id desc', limit=limit)
        return [self._entry(
            'payment', line.move_id, line.date, line.move_name, line.ref or line.name, -line.amount_currency,
            line.currency_id) for line in lines]

    def _timeline_letter(self, partner, company, limit):
        letters = self.env['ar.dunning.letter'].search(
            self._own(partner, company) & Domain('state', '!=', 'draft'), order='date desc, id desc', limit=limit)
        return [self._entry(
            'letter', letter, letter.date_sent or letter.date, letter.level_id.name, " · ".join(filter(None, (
                self._state(letter), letter.email_to, letter.failure_reason))), letter.amount_total,
            letter.currency_id, letter.user_id.sudo().name) for letter in letters]  # sudo: a colleague's name

    def _timeline_opened(self, partner, company, limit):
        """Invoices opened online, and e-mails that seem opened (ar.mail.opening)."""
        deliveries = self.env['ar.invoice.delivery'].search([
            ('move_id.commercial_partner_id', '=', partner.id), ('company_id', '=', company.id),
            ('kind', '=', 'opened')], limit=limit)
        entries = [self._entry(
            'opened', delivery.move_id, delivery.date, self.env._("%s opened online", delivery.move_id.name),
            user=delivery.partner_id.name or self.env._("Somebody with the link")) for delivery in deliveries]
        openings = self.env['ar.mail.opening'].search(
            [('customer_id', '=', partner.id), ('company_id', '=', company.id)], limit=limit)
        for model, group in openings.grouped('model').items():
            records = self.env[model].browse(group.mapped('res_id'))
            for opening, record in zip(group, records, strict=True):
                entries.append(self._entry(
                    'opened', record, opening.date, self.env._("E-mail opened: %s", record.display_name),
                    user=opening.partner_id.name))
        return entries

    def _timeline_reply(self, partner, company, limit):
        letters = self.env['ar.dunning.letter'].search(
            self._own(partner, company) & Domain('reply_state', '!=', False), order='id desc', limit=limit)
        messages = self.env['mail.message'].search([
            ('model', '=', 'ar.dunning.letter'), ('res_id', 'in', letters.ids), ('message_type', '=', 'email')],
            order='id desc', limit=limit)
        return [self._entry(
            'reply', self.env['ar.dunning.letter'].browse(message.res_id), message.date,
            message.subject or self.env._("Reply to a reminder"), html2plaintext(message.body or ''),
            user=message.author_id.name or message.email_from) for message in messages]

    def _timeline_call(self, partner, company, limit):
        calls = self.env['ar.call'].search(self._own(partner, company), limit=limit)
        return [self._entry(
            'call', call, call.date, " · ".join(filter(None, (self._state(call, 'outcome'), call.contact_id.name))),
            call.note, call.promise_id.amount or None, call.promise_id.currency_id,
            call.user_id.sudo().name) for call in calls]  # sudo: a colleague's name

    def _timeline_promise(self, partner, company, limit):
        promises = self.env['ar.promise'].search(
            self._own(partner, company), order='date_made desc, id desc', limit=limit)
        return [self._entry(
            'promise', promise, promise.date_made, promise.name, " · ".join(filter(None, (
                self._state(promise), promise.note))), promise.amount, promise.currency_id) for promise in promises]

    def _timeline_dispute(self, partner, company, limit):
        disputes = self.env['ar.dispute'].search(
            self._own(partner, company), order='date_open desc, id desc', limit=limit)
        return [self._entry(
            'dispute', dispute, dispute.date_open, " · ".join(filter(None, (dispute.name, dispute.reason_id.name))),
            " · ".join(filter(None, (self._state(dispute), dispute.customer_note))), dispute.amount,
            dispute.currency_id) for dispute in disputes]

    def _timeline_pause(self, partner, company, limit):
        pauses = self.env['ar.pause'].search(
            self._own(partner, company), order='date_start desc, id desc', limit=limit)
        return [self._entry(
            'pause', pause, pause.date_start, pause.name, pause.reason,
            user=pause.user_id.sudo().name) for pause in pauses]  # sudo: a colleague's name

    def _timeline_hold(self, partner, company, limit):
        own = self._own(partner, company)
        holds = self.env['ar.credit.hold'].search(own, limit=limit)
        releases = self.env['ar.credit.release'].search(own & Domain('state', '!=', 'draft'), limit=limit)
        entries = [self._entry(
            'hold', hold, hold.date_start, self.env._("On hold"), hold.reason,
            user=hold.user_id.sudo().name) for hold in holds]  # sudo: a colleague's name
        entries += [self._entry(
            'hold', hold, hold.date_end, self.env._("Hold lifted"), hold.lift_reason)
            for hold in holds if hold.date_end]
        return entries + [self._entry(
            'hold', release, release.date_decided or release.date_requested or release.create_date,
            self.env._("Release: %s", self._state(release)), release.reason, release.amount or None,
            release.currency_id) for release in releases]

    def _timeline_answer(self, partner, company, limit):
        answers = self.env['ar.customer.answer'].search(self._own(partner, company), limit=limit)
        return [self._entry(
            'answer', answer, answer.create_date, self._state(answer, 'kind'), answer.summary,
            answer.amount or None, answer.currency_id) for answer in answers]

    def _timeline_message(self, partner, company, limit):
        """E-mails and notes of people in the customer's chatter; what the other kinds show is no message of theirs."""
        messages = self.env['mail.message'].search([
            ('model', '=', 'res.partner'), ('res_id', '=', partner.id), ('message_type', 'in', ('comment', 'email'))],
            order='id desc', limit=limit)
        return [self._entry(
            'message', partner, message.date, message.subject or message.author_id.name or message.email_from,
            html2plaintext(message.body or ''), user=message.author_id.name) for message in messages]
