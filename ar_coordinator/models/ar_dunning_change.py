"""What people change in a previewed run: leave out an item or a customer, choose another level, add words to a letter.

A change belongs to one run and is kept with who made it, when and why. It is not applied to letters: the run decides
again with it, at the preview and at the send gate alike, so that nothing a change touches takes a way of its own.
"""
from collections import defaultdict

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import html_sanitize, is_html_empty

from ..engine import dunning
from .ar_dunning_outcome import GOING as ASKED_RESULTS

EDITABLE_STATES = ('preview', 'to_approve')
TEXT_FIELDS = ('personal_text', 'personal_closing')  # with who wrote them
PERSONAL_FIELDS = ('personal_note', 'personal_subject', *TEXT_FIELDS, 'personal_text_user_id')
CHANGES_SHOWN = 100  # rows of "what changed since the last preview" that are kept


class ArDunningChange(models.Model):
    _name = 'ar.dunning.change'
    _description = "Change of a Dunning Run"
    _order = 'id desc'
    _rec_name = 'reason'

    run_id = fields.Many2one(
        comodel_name='ar.dunning.run', required=True, index=True, ondelete='cascade', readonly=True)
    company_id = fields.Many2one(related='run_id.company_id', store=True, precompute=True, index=True)
    active = fields.Boolean(default=True, readonly=True, help="Taken back when off.")
    kind = fields.Selection(
        selection=[('item', "Item left out"), ('customer', "Customer left out"), ('level', "Level chosen")],
        required=True, readonly=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', readonly=True)
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", index='btree_not_null', ondelete='set null',
        readonly=True)
    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", index='btree_not_null', ondelete='set null', readonly=True)
    level_id = fields.Many2one(comodel_name='ar.dunning.level', ondelete='restrict', readonly=True)
    level_before_id = fields.Many2one(
        comodel_name='ar.dunning.level', string="Instead of", ondelete='restrict', readonly=True)
    reason = fields.Char(required=True, readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="By", required=True, readonly=True)

    def action_undo(self):
        """Take changes back: their customers are decided about again.

        :raise AccessError: unless the user works the desk and may write the runs
        :raise UserError: for a run that is on its way
        """
        for run, changes in self.grouped('run_id').items():
            run = run._lock_in_state(*EDITABLE_STATES)
            changes = changes.sudo().filtered('active')  # sudo: written by runs only; role and company were checked
            changes.active = False
            run._preview_customers(changes.partner_id)
            run._log_changes([self.env._("taken back: %s", change._describe()) for change in changes])

    def _describe(self):
        """Return the change in a line."""
        self.ensure_one()
        what = self.move_id.name or self.partner_id.name
        if self.kind == 'level':
            return self.env._(
                "%(invoice)s gets level %(level)s (%(reason)s)", invoice=what, level=self.level_id.name,
                reason=self.reason)
        return self.env._("%(what)s left out (%(reason)s)", what=what, reason=self.reason)


class ArDunningOutcome(models.Model):
    _inherit = 'ar.dunning.outcome'

    change_id = fields.Many2one(
        comodel_name='ar.dunning.change', string="Changed by Hand", index='btree_not_null', ondelete='set null',
        readonly=True)
    run_state = fields.Selection(related='run_id.state', string="Run State")

    def action_leave_out(self):
        """Ask for the reason, then leave these items out of their run."""
        return self.env['ar.dunning.change.wizard']._open('item', self)

    def action_leave_out_customer(self):
        """Ask for the reason, then leave the customers of these items out of their run."""
        return self.env['ar.dunning.change.wizard']._open('customer', self)

    def action_change_level(self):
        """Ask for level and reason, then send these items that level in their run."""
        return self.env['ar.dunning.change.wizard']._open('level', self)

    def _get_allowed_levels(self):
        """Return the levels every one of these items of one run may be sent now.

        Not one it had, nor one below, nor a reminder before the due date for an overdue item.
        """
        run = self.run_id.ensure_one()._in_company()
        own, _without = run._get_levels(self.partner_id, run._get_rows(self.partner_id.ids))
        of_invoices = run._get_invoice_levels([{'move_id': outcome.move_id.id} for outcome in self])
        sent = run._get_sent_levels(self.move_line_id.ids, [outcome.move_id.id for outcome in self])
        pre_due = run._get_rules(self.currency_id).pre_due
        allowed = [
            {level.id for level in dunning.allowed_levels(
                of_invoices.get(outcome.move_id.id, own.get(outcome.partner_id.id, ())), sent[outcome.move_line_id.id],
                pre_due=pre_due)}
            if outcome.move_line_id and outcome.days_overdue > 0 else set() for outcome in self]
        return self.env['ar.dunning.level'].browse(set.intersection(*allowed) if allowed else ()).sorted('delay_days')


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    personal_note = fields.Html(
        string="Personal Words", readonly=True, sanitize_overridable=False,
        help="Stands above the items in this letter only.")
    personal_subject = fields.Char(string="Subject of Its Own", readonly=True, help="Instead of the template's.")

    def action_leave_out_customer(self):
        """Ask for the reason, then leave the customers of these letters out of their run."""
        outcomes = self.env['ar.dunning.outcome'].search([('letter_id', 'in', self.ids)])
        return outcomes.action_leave_out_customer()

    def action_personal_note(self):
        """Open the words to add to the draft letter."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Edit Letter"),
            'res_model': 'ar.dunning.note.wizard',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_letter_id': self.id, 'default_personal_note': self.personal_note,
                'default_replaces_text': bool(self.personal_text), 'default_personal_text': self.personal_text,
                'default_personal_closing': self.personal_closing,
                'default_personal_subject': self.personal_subject or self._render_subject()},
        }

    def _render_subject(self):
        """Return the subject in the recipient's language, as its level's template has it now."""
        self.ensure_one()
        template = self.level_id.mail_template_id.sudo()  # sudo: wording is managed by managers, read by everyone here
        return template._render_field('subject', self.ids, compute_lang=True)[self.id]

    def _queue_mails(self, template):
        """Override: subjects people wrote."""
        result = super()._queue_mails(template)
        for letter in self.filtered('personal_subject'):
            letter.mail_message_id.subject = letter.subject = letter.personal_subject
        return result

    def _queue_prints(self, template):
        """Override: subjects people wrote."""
        result = super()._queue_prints(template)
        for letter in self.filtered('personal_subject'):
            letter.subject = letter.personal_subject
        return result

    def _lock_to_write(self):
        """Return the run and the letter, as superuser, of a draft whose words somebody changes, under lock.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a letter that left, or a run that is not in preview
        """
        self._check_user()
        run = self.ensure_one().run_id._lock_in_state(*EDITABLE_STATES)
        letter = self.sudo()  # sudo: letters are read-only to users; role, company and state are checked
        letter.invalidate_recordset(['state'])
        if letter.state != 'draft':
            raise UserError(self.env._("%s has left already and cannot be changed any more.", letter.name))
        return run, letter

    def set_personal_note(self, note, subject=None):
        """Add words of one's own to a draft letter (nothing: take them out); they are frozen when it is sent.

        :param str note: HTML, sanitized here; text in the recipient's language
        :param str subject: of the e-mail; empty or the template's own: as the template has it; None: leave it
        :raise AccessError: unless the user works the desk
        :raise UserError: for a letter that left, or one whose template has no place for them
        """
        run, letter = self._lock_to_write()
        note = Markup(html_sanitize(note or ""))
        letter.personal_note = False if is_html_empty(note) else note
        if subject is not None:
            subject = " ".join(subject.split())
            letter.personal_subject = subject if subject != letter._render_subject() else False
        letter.invalidate_recordset(['message'])
        if letter.personal_note and letter.personal_note not in letter._render_body():
            raise UserError(self.env._(
                "The template %s has no place for personal words: it needs the table of items, "
                "object._render_items().",
                letter.level_id.mail_template_id.name))
        run._log_changes([self.env._("words added to the letter to %s", letter.partner_id.name)])


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    change_ids = fields.One2many(
        comodel_name='ar.dunning.change', inverse_name='run_id', string="Changes by Hand", readonly=True)
    preview_changes = fields.Json(
        readonly=True, copy=False,
        help="What the latest preview changed: {new, gone, changed: number of items, rows: the first of them}.")
    preview_changes_html = fields.Html(
        string="Since the Last Preview", compute='_compute_preview_changes_html', sanitize=False)

    # === COMPUTE METHODS === #

    @api.depends('preview_changes')
    def _compute_preview_changes_html(self):
        for run in self:
            changes = run.preview_changes or {}
            run.preview_changes_html = self.env['ir.qweb']._render(
                'ar_coordinator.ar_dunning_run_changes', run._prepare_changes_table(changes)
            ) if changes.get('rows') else False

    def _prepare_changes_table(self, changes):
        """Return the values of the template of changes: names in the reader's language."""
        rows = changes['rows']
        levels = self.env['ar.dunning.level'].browse({
            level for row in rows for level in (row['level'], row['level_before']) if level})
        names = {level.id: level.name for level in levels.exists()}
        currencies = {currency.id: currency for currency in self.env['res.currency'].with_context(
            active_test=False).search([])}
        reasons = dict(self.env['ar.dunning.outcome']._fields['reason']._description_selection(self.env))
        return {
            'counts': changes, 'more': changes['new'] + changes['gone'] + changes['changed'] - len(rows),
            'rows': [{
                **row, 'currency': currencies[row['currency']], 'why': reasons.get(row['why']),
                'level': names.get(row['level']), 'level_before': names.get(row['level_before'])} for row in rows]}

    # === ACTION METHODS === #

    def action_preview(self):
        """Override: what people wrote into letters stays, and what the preview changed is told."""
        before = {run.id: (run.date_previewed, run._snapshot(), run._get_notes()) for run in self.sudo()}
        # sudo above: only read; the call checks role and company
        result = super().action_preview()
        for run in self.sudo():
            previewed, snapshot, notes = before[run.id]
            run._set_notes(notes)
            run.preview_changes = run._compare(snapshot, run._snapshot()) if previewed else False
        return result

    # === CHANGES === #

    def change_preview(self, kind, outcomes, reason, level=None):
        """Change a previewed run: leave items or customers out, or send items another level. The rest stays as it is.

        :param str kind: 'item' or 'customer' (left out), 'level'
        :param outcomes: ar.dunning.outcome of this run
        :param str reason: why, kept with the change
        :param level: ar.dunning.level, for kind 'level'
        :return: the ar.dunning.change records
        :raise AccessError: unless the user works the desk and may write the run
        :raise UserError: without a reason, in another state, or for a level an item cannot get
        """
        run = self.ensure_one()._lock_in_state(*EDITABLE_STATES)
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why: the reason is kept with the run."))
        if outcomes.run_id != self:
            raise UserError(self.env._("%s was previewed again meanwhile: open it again.", self.name))
        outcomes = outcomes.sudo()  # sudo: as the run, see `_lock_in_state`
        if kind == 'level':
            run._check_level(outcomes, level)
        changes = self.env['ar.dunning.change'].sudo()  # sudo: written by runs only; see above
        own = run.change_ids.filtered(lambda change: change.kind == kind)
        if kind == 'customer':
            own.filtered(lambda change: change.partner_id in outcomes.partner_id).active = False
            values = [{'partner_id': partner.id} for partner in outcomes.partner_id]
        else:
            own.filtered(lambda change: change.move_line_id in outcomes.move_line_id).active = False
            values = [{
                'partner_id': outcome.partner_id.id, 'move_line_id': outcome.move_line_id.id,
                'move_id': outcome.move_id.id, 'level_before_id': kind == 'level' and outcome.level_id.id,
            } for outcome in outcomes if outcome.partner_id and outcome.move_line_id]
        changes = changes.create([{
            **vals, 'run_id': run.id, 'kind': kind, 'reason': reason, 'user_id': self.env.uid,
            'level_id': level.id if kind == 'level' else False} for vals in values])
        run._preview_customers(changes.partner_id)
        run._log_changes([change._describe() for change in changes])
        return changes.sudo(False)

    def _check_level(self, outcomes, level):
        """:raise UserError: unless each of the items may be sent the level now"""
        allowed = outcomes._get_allowed_levels()
        if not level or level not in allowed:
            raise UserError(self.env._(
                "%(invoices)s cannot be sent %(level)s. Possible: %(allowed)s.",
                invoices=", ".join(outcomes.move_id.mapped('name')), level=level.name if level else "",
                allowed=", ".join(allowed.mapped('name')) or self.env._("nothing any more")))

    def _log_changes(self, lines):
        """Note changes in the run's chatter; an approval given before does not cover them."""
        self.ensure_one()
        if self.approved_by_id:
            self.approved_by_id = False
        if lines:
            body = Markup("<br/>").join([self.env._("Changed by hand:"), *lines])
            self._message_log_batch({self.id: body})

    def _get_stops(self, rows):
        """Override: what people left out or chose another level for, in this run."""
        stops = defaultdict(dict, {item: dict(flags) for item, flags in super()._get_stops(rows).items()})
        changes = self.env['ar.dunning.change'].search([('run_id', '=', self._origin.id)]) if self._origin else ()
        customers = {change.partner_id.id: change for change in changes if change.kind == 'customer'}
        items = {(change.kind, change.move_line_id.id): change for change in changes if change.move_line_id}
        if not changes:
            return stops
        for row in rows:
            left_out = customers.get(row['partner_id']) or items.get(('item', row['id']))
            chosen = items.get(('level', row['id']))
            if left_out:
                stops[row['id']]['left_out'] = True
            if chosen:
                stops[row['id']]['chosen_level'] = chosen.level_id.id
            row['change_id'] = (left_out or chosen).id if left_out or chosen else False  # for the outcome
        return stops

    def _prepare_outcome(self, decision, letter_id, address):
        """Override: an outcome names the change behind it."""
        vals = super()._prepare_outcome(decision, letter_id, address)
        change_id = decision.item.facts.get('change_id')
        by_hand = decision.reason == dunning.LEFT_OUT or (
            decision.level and decision.level.id == decision.item.chosen_level)
        return {**vals, 'change_id': change_id if by_hand else False}

    def _preview_customers(self, partners):
        """Decide about some customers of a previewed run again; letters and outcomes of the others stay."""
        self.ensure_one()
        notes = self._get_notes()
        self.letter_ids.filtered(lambda letter: letter.partner_id in partners).unlink()
        self.outcome_ids.filtered(lambda outcome: outcome.partner_id in partners).unlink()
        self.invalidate_recordset(['letter_ids', 'outcome_ids'])
        self._write_preview(self._evaluate(partners.ids))
        self._finish_preview()
        self._set_notes(notes)

    # === WORDS IN LETTERS === #

    def _get_notes(self):
        """Return {(partner id, currency id): (level, {field: what people wrote})} of the run's letters."""
        letters = self.env['ar.dunning.letter'].search([
            ('run_id', '=', self.id), ('state', '=', 'draft'),
            *(['|'] * (len(PERSONAL_FIELDS) - 1)), *((name, '!=', False) for name in PERSONAL_FIELDS)])
        return {
            (letter.partner_id.id, letter.currency_id.id):
                (letter.level_id, {
                    name: letter._fields[name].convert_to_write(letter[name], letter)
                    for name in PERSONAL_FIELDS if letter[name]})
            for letter in letters}

    def _set_notes(self, notes):
        """Give new letters the words that were written for the ones they replace; a text of its own only at its level.
        """
        for letter in self.letter_ids if notes else ():
            level, words = notes.get((letter.partner_id.id, letter.currency_id.id), (None, {}))
            if level != letter.level_id:
                words = {name: value for name, value in words.items() if not name.startswith(TEXT_FIELDS)}
            if missing := {name: value for name, value in words.items() if not letter[name]}:
                letter.write(missing)

    # === WHAT CHANGED SINCE THE LAST PREVIEW === #

    def _snapshot(self):
        """Return {item id: dict of what the preview says about it}."""
        outcomes = self.env['ar.dunning.outcome'].search_fetch(
            [('run_id', '=', self.id), ('move_line_id', '!=', False)],
            ['move_line_id', 'move_id', 'partner_id', 'level_id', 'currency_id', 'result', 'reason', 'amount_asked'])
        return {outcome.move_line_id.id: {
            'outcome': outcome.id, 'move_id': outcome.move_id.id, 'partner_id': outcome.partner_id.id,
            'currency': outcome.currency_id.id, 'reason': outcome.reason,
            'level': outcome.level_id.id if outcome.result in ASKED_RESULTS else False,
            'amount': outcome.amount_asked if outcome.result in ASKED_RESULTS else False,
        } for outcome in outcomes}

    def _compare(self, before, after):
        """Return what is new on letters, gone from them, or on them with another amount or level.

        :return: {new, gone, changed: numbers of items, rows: list of dict, the first CHANGES_SHOWN}
        """
        differences = []
        for item in dict.fromkeys((*after, *before)):
            old, new = before.get(item, {}), after.get(item, {})
            was, now = old.get('level'), new.get('level')
            if (not was and not now) or (was, old.get('amount')) == (now, new.get('amount')):
                continue
            kind = 'changed' if was and now else 'new' if now else 'gone'
            differences.append((kind, item, old, new))
        counts = {kind: sum(1 for one in differences if one[0] == kind) for kind in ('new', 'gone', 'changed')}
        shown = differences[:CHANGES_SHOWN]
        facts = [new or old for _kind, _item, old, new in shown]
        moves = self.env['account.move'].browse({fact['move_id'] for fact in facts if fact['move_id']})
        partners = self.env['res.partner'].browse({fact['partner_id'] for fact in facts if fact['partner_id']})
        names = {move.id: move.name for move in moves}
        customers = {partner.id: partner.display_name for partner in partners}
        return {**counts, 'rows': [{
            'kind': kind, 'number': names.get(fact['move_id']), 'customer': customers.get(fact['partner_id']),
            'currency': fact['currency'], 'why': new.get('reason', dunning.SETTLED) if kind == 'gone' else False,
            'level': new.get('level'), 'level_before': old.get('level'),
            'amount': new.get('amount', False), 'amount_before': old.get('amount', False),
        } for (kind, _item, old, new), fact in zip(shown, facts, strict=True)]}
