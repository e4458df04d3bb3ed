"""The history of reminders on invoices and customers: what they got last, who is to be reminded, notes in the chatter.

Nothing is stored on invoices or customers: letters and their items are the record, and who is to be reminded is
decided by the same code as a run. Notes go to the chatter in batches when letters leave, and when they come back.
"""
import operator as op

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from ..engine import dunning
from .ar_bulk import log_notes
from .ar_outbox import COUNTED_STATES

FAILED_STATES = ('failed', 'bounced')
COMPARISONS = {'<': op.lt, '<=': op.le, '>': op.gt, '>=': op.ge}


def search_flag(operator, value, domain):
    """Return the domain of a computed yes/no field; `domain()` says who has it."""
    if operator != 'in':
        return NotImplemented
    wanted = set(value)
    if wanted == {True, False}:
        return Domain.TRUE
    return domain() if True in wanted else ~domain()


class ArDunningHistory(models.AbstractModel):
    """Facts about reminders of one company, each set-based."""

    _name = 'ar.dunning.history'
    _description = "History of Reminders"

    @api.model
    def _last_reminders(self, field, ids, companies):
        """Return what was sent last, by `field` ('move_id', or 'partner_id' with one company).

        The last reminder is that of the latest day; its level is the highest of that day.

        :return: dict of id -> (number of letters, date, ar.dunning.level)
        """
        lines = self.env['ar.dunning.letter.line']
        domain = [(field, 'in', ids), *self._counted(companies)]
        counts = {
            record.id: (count, last) for record, count, last in lines._read_group(
                domain, [field], ['letter_id:count_distinct', 'date:max'])}
        levels = {}
        for record, day, level in lines._read_group(domain, [field, 'date:day', 'level_id']):
            if day == counts[record.id][1]:
                highest = levels.setdefault(record.id, level)
                if level.delay_days > highest.delay_days:
                    levels[record.id] = level
        return {record_id: (*figures, levels[record_id]) for record_id, figures in counts.items()}

    @api.model
    def _failed(self, company):
        """Return the letter items that did not arrive and were not sent again since, as ar.dunning.letter.line."""
        lines = self.env['ar.dunning.letter.line']
        failed = lines.search_fetch(
            [('company_id', '=', company.id), ('state', 'in', FAILED_STATES),
             ('move_line_id', '!=', False), ('move_line_id.reconciled', '=', False)],
            ['move_line_id', 'level_id', 'move_id', 'partner_id', 'letter_id'])
        later = {}
        for line in lines.search_fetch(
                [('move_line_id', 'in', failed.move_line_id.ids), ('state', 'in', COUNTED_STATES)],
                ['move_line_id', 'letter_id']):
            later[line.move_line_id.id] = max(later.get(line.move_line_id.id, 0), line.letter_id.id)
        return failed.filtered(lambda line: later.get(line.move_line_id.id, 0) < line.letter_id.id)

    @api.model
    def _due(self, company, partner_ids=None):
        """Return what a run of today would ask for: (set of invoice ids, set of customer ids)."""
        # sudo: decisions must see every credit and dispute of a customer; only ids leave, and searches filter them
        run = self.env['ar.dunning.run'].sudo().new({'company_id': company.id, 'as_of': company._ar_today()})
        asked = [decision for decision in run._evaluate(partner_ids) if decision.result == dunning.SENT]
        return {decision.item.facts['move_id'] for decision in asked}, {decision.item.partner_id for decision in asked}

    @api.model
    def _never(self, company, partner_ids=None):
        """Return who owes something overdue and never got a reminder for it, or at all.

        :return: (set of invoice ids without a reminder, set of customer ids without any)
        """
        rows = [row for row in self.env['ar.ledger'].open_items({
            'as_of': company._ar_today(), 'company_ids': company.ids, 'partner_ids': partner_ids,
        }) if row['days'] > 0 and row['residual_currency'] > 0]
        moves, partners = ({row[key] for row in rows if row[key]} for key in ('move_id', 'partner_id'))
        lines = self.env['ar.dunning.letter.line']
        counted = self._counted(company)
        reminded, customers = (
            {record.id for [record] in lines._read_group([*counted, (field, 'in', list(ids))], [field])}
            for field, ids in (('move_id', moves), ('partner_id', partners)))
        return moves - reminded, partners - customers

    @api.model
    def _search_last_date(self, field, operator, value, companies=None):
        """Return the domain of records by the date of their last reminder; without one the date is empty."""
        groups = self.env['ar.dunning.letter.line']._read_group(
            [(field, '!=', False), *self._counted(companies or self.env.companies)], [field], ['date:max'])
        if operator == 'in':
            days = {fields.Date.to_date(day) for day in value if day}
            domain = Domain('id', 'in', [record.id for record, day in groups if day in days])
            return domain | Domain('id', 'not in', [record.id for record, _day in groups]) \
                if False in value else domain
        if operator not in COMPARISONS or not value:
            return NotImplemented
        compare, limit = COMPARISONS[operator], fields.Date.to_date(value)
        return Domain('id', 'in', [record.id for record, day in groups if compare(day, limit)])

    @api.model
    def _counted(self, companies):
        """Return the domain of letter items that count as reminders."""
        return [('company_id', 'in', companies.ids), ('state', 'in', COUNTED_STATES)]


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    def _queue(self):
        """Override: customers and invoices note what was sent."""
        result = super()._queue()
        self.filtered(lambda letter: letter.state == 'queued')._note_in_chatter()
        return result

    def write(self, vals):
        """Override: customers and invoices note what came back."""
        back = self.filtered(lambda letter: letter.state in COUNTED_STATES) \
            if vals.get('state') in FAILED_STATES else self.browse()
        result = super().write(vals)
        back._note_in_chatter()
        return result

    def _message_track(self, fields_iter, initial_values_dict):
        """Override: notes about changes of state in one go, not letter by letter; that a letter was queued stands with
        its e-mail, which is a message of its own in the same chatter.
        """
        pending = self.env.cr.precommit.data
        if any(pending.get(f'mail.tracking.{what}.{self._name}') for what in ('message', 'author')):
            return super()._message_track(fields_iter, initial_values_dict)
        tracked = self.fields_get(fields_iter, attributes=('string', 'type', 'selection', 'currency_field'))
        letters = self.exists()
        tracking = {letter.id: letter._mail_track(tracked, initial_values_dict[letter.id]) for letter in letters}
        changed = letters.filtered(lambda letter: tracking[letter.id][1])
        messages = {
            letter: letter.mail_message_id for letter in changed
            if (initial_values_dict[letter.id].get('state'), letter.state) == ('draft', 'queued')}
        rest = changed.filtered(lambda letter: not messages.get(letter))
        messages.update(zip(rest, rest._message_log_batch({}), strict=True))
        # sudo: as Odoo does it; whoever changed the state was allowed to
        self.env['mail.tracking.value'].sudo().create([
            {**values, 'mail_message_id': message.id}
            for letter, message in messages.items() for _create, _id, values in tracking[letter.id][1]])
        return tracking

    def _note_in_chatter(self):
        """Leave a note on the customers of queued or failed letters, and on the invoices where the company wants it."""
        if not self:
            return
        partners, moves = {}, {}
        for letter in self:
            note = letter._prepare_note()
            partners.setdefault(letter.partner_id.id, []).append(note)
            for move in letter.line_ids.move_id if letter.company_id.ar_dunning_note_on_invoices else ():
                moves.setdefault(move.id, []).append(note)
        for model, notes in (('res.partner', partners), ('account.move', moves)):
            log_notes(self.env[model], {record_id: Markup("<br/>").join(own) for record_id, own in notes.items()})

    def _prepare_note(self):
        """Return what the chatter says about the letter now."""
        values = {
            'letter': self._get_html_link(title=self.level_id.name),
            'amount': self.currency_id.format(self.amount_total),
            'to': (self.channel == 'email' and self.email_to) or self.recipient_id.display_name,
            'day': format_date(self.env, self.date), 'why': self.failure_reason or "",
        }
        if self.state in FAILED_STATES:
            return self.env._("%(letter)s of %(day)s did not reach %(to)s: %(why)s", **values)
        if self.channel == 'letter':
            return self.env._("%(letter)s over %(amount)s to print and post for %(to)s", **values)
        if self.channel == 'call':
            return self.env._("%(letter)s over %(amount)s: a call to %(to)s was planned", **values)
        return self.env._("%(letter)s over %(amount)s sent to %(to)s", **values)


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dunning_note_on_invoices = fields.Boolean(
        string="Note Reminders on Invoices", default=True,
        help="Each invoice's chatter says which reminders asked for it; the customer's always does.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_dunning_note_on_invoices = fields.Boolean(
        related='company_id.ar_dunning_note_on_invoices', readonly=False)


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_reminder_count = fields.Integer(
        string="Reminders", compute='_compute_ar_reminders', groups='ar_coordinator.group_ar_base')
    ar_last_reminder_date = fields.Date(
        string="Last Reminder", compute='_compute_ar_reminders', search='_search_ar_last_reminder_date',
        groups='ar_coordinator.group_ar_base')
    ar_dunning_level_id = fields.Many2one(
        comodel_name='ar.dunning.level', string="Dunning Level", compute='_compute_ar_reminders',
        search='_search_ar_dunning_level_id', groups='ar_coordinator.group_ar_base',
        help="Of the last reminder; the highest, where instalments got several.")
    ar_is_to_remind = fields.Boolean(
        string="To Be Reminded", compute='_compute_ar_reminder_flags', search='_search_ar_is_to_remind',
        groups='ar_coordinator.group_ar_base', help="A dunning run of today would ask for it.")
    ar_is_never_reminded = fields.Boolean(
        string="Never Reminded", compute='_compute_ar_reminder_flags', search='_search_ar_is_never_reminded',
        groups='ar_coordinator.group_ar_base', help="Overdue, and no reminder was ever sent for it.")
    ar_is_reminder_failed = fields.Boolean(
        string="Reminder Failed", compute='_compute_ar_reminder_flags', search='_search_ar_is_reminder_failed',
        groups='ar_coordinator.group_ar_base', help="Its latest reminder did not arrive.")

    def _compute_ar_reminders(self):
        history = self.env['ar.dunning.history']._last_reminders('move_id', self._origin.ids, self._origin.company_id)
        nothing = (0, False, self.env['ar.dunning.level'])
        for move in self:
            move.ar_reminder_count, move.ar_last_reminder_date, move.ar_dunning_level_id = history.get(
                move._origin.id, nothing)

    def _compute_ar_reminder_flags(self):
        self.ar_is_to_remind = self.ar_is_never_reminded = self.ar_is_reminder_failed = False
        history = self.env['ar.dunning.history']
        for company, moves in self._origin.grouped('company_id').items():
            customers = moves.commercial_partner_id.ids
            if not company or not customers:
                continue
            due, never = history._due(company, customers)[0], history._never(company, customers)[0]
            failed = history._failed(company).move_id
            for move in self.filtered(lambda move, company=company: move.company_id == company):
                move.ar_is_to_remind = move._origin.id in due
                move.ar_is_never_reminded = move._origin.id in never
                move.ar_is_reminder_failed = move._origin in failed

    def _search_ar_last_reminder_date(self, operator, value):
        return self.env['ar.dunning.history']._search_last_date('move_id', operator, value)

    def _search_ar_dunning_level_id(self, operator, value):
        if operator == 'any':  # by name
            operator, value = 'in', self.env['ar.dunning.level'].with_context(active_test=False).search(value).ids
        if operator != 'in':
            return NotImplemented
        history, companies = self.env['ar.dunning.history'], self.env.companies
        groups = self.env['ar.dunning.letter.line']._read_group(
            [*history._counted(companies), ('level_id', 'in', [level for level in value if level])], ['move_id'])
        last = history._last_reminders('move_id', [move.id for [move] in groups], companies)
        domain = Domain('id', 'in', [move_id for move_id, figures in last.items() if figures[2].id in value])
        return domain | history._search_last_date('move_id', 'in', [False]) if False in value else domain

    def _search_ar_is_to_remind(self, operator, value):
        return search_flag(operator, value, lambda: Domain('id', 'in', [
            move for company in self.env.companies for move in self.env['ar.dunning.history']._due(company)[0]]))

    def _search_ar_is_never_reminded(self, operator, value):
        return search_flag(operator, value, lambda: Domain('id', 'in', [
            move for company in self.env.companies for move in self.env['ar.dunning.history']._never(company)[0]]))

    def _search_ar_is_reminder_failed(self, operator, value):
        return search_flag(operator, value, lambda: Domain('id', 'in', [
            move for company in self.env.companies
            for move in self.env['ar.dunning.history']._failed(company).move_id.ids]))

    def action_ar_view_reminders(self):
        """Open what the invoice was reminded of, item by item."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_dunning_letter_line_action')
        return {**action, 'domain': [('move_id', '=', self.id), ('state', 'not in', ('draft', 'cancelled'))]}
