"""A dunning run: one company, one day. Preview what would happen to every overdue item and why, then send exactly that.

    draft -> preview [-> to_approve -> preview] -> sending -> done        (cancelled from any state before sending)

Preview and sending use the same decisions (`_evaluate`): sending takes them again, for the customers at hand and
under row locks, right before their message leaves (the send gate), and drops what is no longer due. Work goes in
batches, so that a run that is killed goes on where it stopped: a letter is either still a draft or has its e-mail in
Odoo's queue, never both.

Facts are those of today whatever the run's day, so that nothing is asked that was settled since; the run's day says
how many days an item is overdue and which entries the run looks at.
"""
import logging
from collections import defaultdict
from datetime import timedelta

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date, split_every

from ..engine import dunning
from .ar_bulk import insert_rows
from .ar_dunning_letter import write_changed
from .ar_dunning_outcome import GOING, REASONS, RESULTS
from .ar_guard import without_defaults
from .ar_outbox import COUNTED_STATES, describe

_logger = logging.getLogger(__name__)

BATCH_LETTERS = 50  # per transaction in the background
PREVIEW_CUSTOMERS = 2000  # decided about and written at a time
BATCH_MODELS = (
    'ar.dunning.letter', 'ar.dunning.letter.line', 'ar.dunning.outcome', 'account.move', 'account.move.line',
    'res.partner')
INLINE_LETTERS = 50  # at most so many are sent while the user waits
INLINE_PDFS = 10  # and with at most so many PDFs still to be made, which takes a second each
LOCKED_RETRY = timedelta(minutes=15)  # until an automatic run that was locked is tried again
GUARDED_FIELDS = {
    'state', 'letter_ids', 'outcome_ids', 'change_ids', 'preview_changes', 'approved_by_id', 'date_previewed',
    'date_done', 'is_automatic', 'user_id', 'warning', 'approval_reason'}


class ArDunningRun(models.Model):
    _name = 'ar.dunning.run'
    _description = "Dunning Run"
    _inherit = ['ar.guard', 'ar.outbox.run', 'mail.thread', 'mail.activity.mixin']
    _order = 'as_of desc, id desc'
    _check_company_auto = True
    _outbox_model = 'ar.dunning.letter'
    _outbox_cron = 'ar_coordinator.ir_cron_ar_dunning_send'

    name = fields.Char(compute='_compute_name', store=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")
    as_of = fields.Date(
        string="Day", required=True, default=lambda self: self.env.company._ar_today(), tracking=True,
        help="From this day the days overdue are counted.")
    state = fields.Selection(
        selection=[
            ('draft', "Draft"),
            ('preview', "Preview"),
            ('to_approve', "To Approve"),
            ('sending', "Sending"),
            ('done', "Done"),
            ('cancelled', "Cancelled"),
        ],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True)
    is_automatic = fields.Boolean(string="Automatic", readonly=True, copy=False)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Responsible", default=lambda self: self.env.user, readonly=True, copy=False)
    approved_by_id = fields.Many2one(
        comodel_name='res.users', string="Approved by", readonly=True, copy=False, tracking=True)
    date_previewed = fields.Datetime(string="Previewed on", readonly=True, copy=False)
    date_done = fields.Datetime(string="Done on", readonly=True, copy=False)
    letter_ids = fields.One2many(
        comodel_name='ar.dunning.letter', inverse_name='run_id', string="Letters", readonly=True)
    outcome_ids = fields.One2many(
        comodel_name='ar.dunning.outcome', inverse_name='run_id', string="Items", readonly=True)
    letter_count = fields.Integer(string="Number of Letters", compute='_compute_counts')
    outcome_count = fields.Integer(string="Number of Items", compute='_compute_counts')
    needs_approval = fields.Boolean(compute='_compute_needs_approval')
    summary_html = fields.Html(string="Summary", compute='_compute_summary_html', sanitize=False)

    _automatic_uniq = models.UniqueIndex(
        "(company_id, as_of) WHERE is_automatic AND state != 'cancelled'",
        "There is an automatic dunning run of this company for this day already.")

    # === COMPUTE METHODS === #

    @api.depends('company_id.name', 'as_of')
    def _compute_name(self):
        for run in self:
            lang = run.company_id.partner_id.lang or self.env.lang  # the name is stored: the same for everybody
            run.name = self.env._(
                "Reminders %(day)s, %(company)s", company=run.company_id.name,
                day=format_date(self.env, run.as_of, lang_code=lang))

    @api.depends('letter_ids', 'outcome_ids')
    def _compute_counts(self):
        letters = dict(self.env['ar.dunning.letter']._read_group(
            [('run_id', 'in', self.ids), ('state', '!=', 'cancelled')], ['run_id'], ['__count']))
        outcomes = dict(self.env['ar.dunning.outcome']._read_group(
            [('run_id', 'in', self.ids)], ['run_id'], ['__count']))
        for run in self:
            run.letter_count = letters.get(run, 0)
            run.outcome_count = outcomes.get(run, 0)

    @api.depends('company_id.ar_dunning_approval', 'approved_by_id')
    def _compute_needs_approval(self):
        for run in self:
            run.needs_approval = run.company_id.ar_dunning_approval and not run.approved_by_id

    @api.depends('outcome_ids.result', 'outcome_ids.reason', 'letter_ids.state')
    def _compute_summary_html(self):
        results, reasons = (
            dict(self.env['ar.dunning.outcome']._fields[name]._description_selection(self.env))
            for name in ('result', 'reason'))
        order = [(result, reason) for result, _label in RESULTS for reason, _reason_label in REASONS]
        for run in self:
            rows = {
                (result, reason): (count, customers, amount)
                for result, reason, count, customers, amount in self.env['ar.dunning.outcome']._read_group(
                    [('run_id', '=', run._origin.id)], ['result', 'reason'],
                    ['__count', 'partner_id:count_distinct', 'amount_asked_company:sum'])}
            [total] = self.env['ar.dunning.outcome']._read_group(
                [('run_id', '=', run._origin.id), ('result', 'in', GOING)], [],
                ['__count', 'partner_id:count_distinct', 'amount_asked_company:sum'])
            run.summary_html = self.env['ir.qweb']._render('ar_coordinator.ar_dunning_run_summary', {
                'currency': run.company_currency_id, 'total': total,
                'rows': [(results[key[0]], reasons[key[1]], key[0], *rows[key]) for key in order if key in rows],
            }) if rows else False

    # === CONSTRAINT AND CRUD METHODS === #

    @api.constrains('as_of', 'company_id')
    def _check_as_of(self):
        for run in self:
            if run.as_of > run.company_id._ar_today():
                raise ValidationError(self.env._("%s: a dunning run cannot be made for a day to come.", run.name))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(GUARDED_FIELDS & set(vals) for vals in vals_list):
            raise AccessError(self.env._("A dunning run moves by its own buttons: start it as a draft."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._("A dunning run moves by its own buttons: preview, approve, send, cancel."))
        is_scope_changed = bool({'as_of', 'company_id', 'partner_id'} & set(vals))
        if is_scope_changed and any(run.state not in ('draft', 'preview') for run in self):
            raise UserError(self.env._("The day and company of a run cannot be changed once it is on its way."))
        stale = self.browse()
        if is_scope_changed:
            stale = self.filtered(lambda run: run.state == 'preview')
        result = super().write(vals)
        if stale:
            stale.sudo()._reset_preview()  # sudo: the user may change the run; its letters are written by it only
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_only_unsent(self):
        if any(run.state not in ('draft', 'preview', 'cancelled') for run in self):
            raise UserError(self.env._("A run that sent letters is part of the record and cannot be deleted."))
        # sudo: letters are read-only to users; those of an unsent run are drafts, which `unlink` checks again
        self.sudo().letter_ids.unlink()

    # === ACTION METHODS === #

    def action_preview(self):
        """Show what would happen to every overdue item, and why; may be repeated until the run is sent.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a run that is being sent, done or cancelled
        """
        for run in self._lock_in_state('draft', 'preview', 'to_approve'):
            run._reset_preview()
            run._preview()
            run.write({'state': 'preview', 'date_previewed': fields.Datetime.now(), 'approved_by_id': False})

    def action_approve(self):
        """Approve a previewed run, so that it can be sent.

        :raise AccessError: unless the user is a manager
        :raise UserError: for a run that was not previewed
        """
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Dunning runs are approved by a Receivables: Manager."))
        self._lock_in_state('preview', 'to_approve').write({'state': 'preview', 'approved_by_id': self.env.uid})

    def action_send(self):
        """Send the previewed letters, or ask for approval where the company wants one.

        A few are sent at once, many in the background.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a run that was not previewed, or whose preview is of an earlier day
        """
        for run in self._lock_in_state('preview'):
            run._check_preview_is_fresh()
            if run.needs_approval:
                run._ask_approval()
                continue
            run.write({'state': 'sending', 'user_id': self.env.uid})
            if run._sends_at_once():
                run._send_all()
            if run.state == 'sending':
                run._trigger_send()

    def action_cancel(self):
        """Give a run up before it is sent; its drafts are withdrawn, what was decided stays readable.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a run that is being sent or done
        """
        for run in self._lock_in_state('draft', 'preview', 'to_approve'):
            run.letter_ids.filtered(lambda letter: letter.state == 'draft')._cancel(self.env.user)
            run.state = 'cancelled'

    def action_view_letters(self):
        """Open the letters of the run."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_dunning_letter_action')
        return {**action, 'name': self.env._("Letters"), 'domain': [('run_id', '=', self.id)], 'context': {}}

    def action_view_outcomes(self):
        """Open the items of the run, by customer."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_dunning_outcome_action')
        return {**action, 'domain': [('run_id', '=', self.id)], 'context': {'search_default_group_customer': 1}}

    def action_print_letters(self):
        """Print the letters of customers without e-mail; they stay in the list until marked as posted."""
        self.ensure_one()
        letters = self.letter_ids.filtered(
            lambda letter: (letter.channel == 'letter' or letter.also_printed) and letter.state != 'cancelled')
        if not letters:
            raise UserError(self.env._("%s has no letter to print.", self.name))
        return letters.action_print()

    # === STATE === #

    def _ask_approval(self):
        """Let a previewed run wait for a manager."""
        self.ensure_one()
        self.state = 'to_approve'

    def _check_preview_is_fresh(self):
        """:raise UserError: when the company's day has changed since the preview: what was seen would not go out"""
        timezone = self.company_id._ar_timezone()
        previewed = fields.Datetime.context_timestamp(self.with_context(tz=timezone), self.date_previewed).date()
        if previewed < self.company_id._ar_today():
            raise UserError(self.env._(
                "The preview of %(run)s is of %(day)s. Preview again before sending.", run=self.name, day=previewed))

    def _reset_preview(self):
        """Forget the previous preview."""
        self.letter_ids.unlink()
        self.outcome_ids.unlink()
        self.write({'state': 'draft', 'date_previewed': False, 'approved_by_id': False})

    # === FACTS AND DECISIONS === #

    def _evaluate(self, partner_ids=None):
        """Decide about the open items of the company, or of some customers, with today's facts.

        :return: list of engine decisions
        """
        self = self._in_company()
        rows = self._get_rows(partner_ids)
        partners = self.env['res.partner'].browse({row['partner_id'] for row in rows if row['partner_id']})
        levels, without_policy = self._get_levels(partners, rows)
        invoice_levels = self._get_invoice_levels(rows)
        earliest = min(
            (level.delay_days for own in (*levels.values(), *invoice_levels.values()) for level in own[:1]), default=1)
        considered, credits = self._split(rows, min(earliest, 1))
        sent_levels = self._get_sent_levels([row['id'] for row in considered], [row['move_id'] for row in considered])
        owing = {row['partner_id'] for row in considered}
        contacts = self._get_last_contacts(owing)
        customers = {
            partner_id: dunning.Customer(
                levels=levels.get(partner_id, ()), has_policy=partner_id not in without_policy,
                last_contact=contacts.get(partner_id), credits=credits.get(partner_id, {}))
            for partner_id in owing if partner_id}
        stops = self._get_stops(considered)
        items = [self._make_item(row, sent_levels, stops, invoice_levels) for row in considered]
        currencies = self.env['res.currency'].browse({row['currency_id'] for row in considered})
        return dunning.decide(items, customers, self._get_rules(currencies | self.company_id.currency_id))

    def _get_rows(self, partner_ids):
        """Return the ledger's open items of today, aged at the run's day; of some customers, or of all (None).

        Among the ids of customers, None stands for the items without one.
        """
        ledger = self.env['ar.ledger']
        options = {
            'as_of': max(self.company_id._ar_today(), self.as_of), 'age_at': self.as_of,
            'company_ids': self.company_id.ids}
        if partner_ids is None:
            return ledger.open_items(options)
        rows = ledger.open_items({**options, 'group_by': 'partner', 'group_id': 0}) if None in partner_ids else []
        return rows + ledger.open_items({**options, 'partner_ids': [number for number in partner_ids if number]})

    def _get_rules(self, currencies):
        """Return the company's rules for the engine."""
        pre_due = self.env['ar.dunning.level'].with_context(active_test=False).search([('delay_days', '<', 0)])
        return dunning.Rules(
            as_of=self.as_of, quiet_days=self.company_id.ar_dunning_quiet_days,
            minimum=self.company_id.ar_dunning_minimum_amount, company_currency_id=self.company_id.currency_id.id,
            digits={currency.id: currency.decimal_places for currency in currencies},
            pre_due=frozenset(pre_due.ids), net_credits=self.company_id.ar_dunning_net_credits)

    def _get_levels(self, partners, rows):
        """Return ({partner id: engine levels}, {ids of partners without policy}); see `ar.dunning.policy._resolve`."""
        overdue = defaultdict(float)
        for row in rows:
            if row['days'] > 0 and row['residual'] > 0:
                overdue[row['partner_id']] += row['residual']
        resolved = self.env['ar.dunning.policy']._resolve(self.company_id, partners, overdue)
        all_levels = self.env['ar.dunning.policy'].union(
            *(found.policy for found in resolved.values()))._engine_levels()
        return (
            {partner_id: all_levels[found.policy.id] for partner_id, found in resolved.items() if found.policy},
            {partner_id for partner_id, found in resolved.items() if not found.policy})

    def _get_invoice_levels(self, rows):
        """Return {invoice id: engine levels} for the invoices that were given a policy of their own."""
        policies = self.env['ar.dunning.policy.invoice']._get_policies(
            self.company_id, {row['move_id'] for row in rows})
        all_levels = self.env['ar.dunning.policy'].union(*policies.values())._engine_levels()
        return {move_id: all_levels[policy.id] for move_id, policy in policies.items()}

    def _split(self, rows, min_days):
        """Split ledger rows into items to consider and credits.

        Credits are {partner id: {currency id: (amount, in company currency)}}.

        Money paid out to a customer is no debt to remind him of: it uses up his credit.
        """
        considered, totals = [], defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
        candidates = [
            row for row in rows
            if row['residual_currency'] > 0 and (row['days'] >= min_days or row['move_type'] == 'entry')]
        lines = self.env['account.move.line'].with_context(active_test=False).search_fetch(
            [('id', 'in', [row['id'] for row in candidates])],
            ['amount_currency', 'amount_residual_currency', 'journal_id'])
        details = {line.id: line for line in lines}
        payouts = set()
        for row in candidates:
            line = details[row['id']]
            if row['move_type'] == 'entry' and line.journal_id.type in ('bank', 'cash', 'credit'):
                payouts.add(row['id'])
            elif row['days'] >= min_days and row['date'] <= self.as_of:
                considered.append({
                    **row, 'owed': line.amount_residual_currency, 'amount_original': line.amount_currency})
        for row in rows:
            if row['residual_currency'] < 0 or row['id'] in payouts:
                total = totals[row['partner_id']][row['currency_id']]
                total[0] -= row['residual_currency']
                total[1] -= row['residual']
        credits = {
            partner_id: {currency: tuple(total) for currency, total in by_currency.items() if total[0] > 0}
            for partner_id, by_currency in totals.items()}
        return considered, credits

    def _get_sent_levels(self, line_ids, move_ids):
        """Return {move line id: frozenset of level ids}: what letters that count have asked for, in any run.

        An invoice that was reset to draft gets new items; what was sent for the old ones counts for all of them.
        """
        lines = self.env['ar.dunning.letter.line']
        counted = [('company_id', '=', self.company_id.id), ('state', 'in', COUNTED_STATES)]
        by_line = {
            line.id: frozenset(levels) for line, levels in lines._read_group(
                [*counted, ('move_line_id', 'in', line_ids)], ['move_line_id'], ['level_id:array_agg'])}
        by_move = {
            move.id: frozenset(levels) for move, levels in lines._read_group(
                [*counted, ('move_line_id', '=', False), ('move_id', 'in', move_ids)],
                ['move_id'], ['level_id:array_agg'])}
        nothing = frozenset()
        return {
            line_id: by_line.get(line_id, nothing) | by_move.get(move_id, nothing)
            for line_id, move_id in zip(line_ids, move_ids, strict=True)}

    def _get_last_contacts(self, partner_ids):
        """Return {partner id: date of the last reminder} of other runs: letters of one run do not wait for others."""
        return {
            partner.id: last for partner, last in self.env['ar.dunning.letter']._read_group([
                ('company_id', '=', self.company_id.id), ('partner_id', 'in', list(partner_ids)),
                ('state', 'in', COUNTED_STATES), ('run_id', '!=', self._origin.id)], ['partner_id'], ['date:max'])}

    def _get_stops(self, rows):
        """Return {item id: {engine flag: True}} for items to leave alone. Hook: other reasons add theirs."""
        pauses, today = self.env['ar.pause'], self.company_id._ar_today()
        partner_ids = {row['partner_id'] for row in rows if row['partner_id']}
        customers, moves = pauses._paused(self.company_id, today, partner_ids)
        items = pauses._paused_items(self.company_id, today, partner_ids)
        return {
            row['id']: {'paused': True} for row in rows
            if row['partner_id'] in customers or row['move_id'] in moves or row['id'] in items}

    def _make_item(self, row, sent_levels, stops, invoice_levels):
        """Turn a ledger row into an engine item."""
        item = dunning.Item(
            id=row['id'], partner_id=row['partner_id'], currency_id=row['currency_id'], date_due=row['age_date'],
            days=row['days'], residual=row['residual_currency'], residual_company=row['residual'], owed=row['owed'],
            disputed=row['disputed_currency'], no_followup=bool(row['no_followup']), sent_levels=sent_levels[row['id']],
            levels=invoice_levels.get(row['move_id']), facts=row, **stops.get(row['id'], {}))
        return item

    # === PREVIEW === #

    def _preview(self):
        """Decide about all open items and store the decisions, some customers at a time: memory follows these and not
        the ledger.
        """
        run = self._in_company()
        for partner_ids in run._get_batches():
            run._write_preview(run._evaluate(partner_ids))
            run._forget_batch()
        run._finish_preview()

    def _forget_batch(self):
        """Let go of the records of the customers that were done; settings stay at hand."""
        self.env.flush_all()
        for model in BATCH_MODELS:
            self.env[model].invalidate_model(flush=False)

    def _get_batches(self):
        """Return what to give `_evaluate` one after the other: customers with something due; None is all at once."""
        [(earliest,)] = self.env['ar.dunning.level'].with_context(active_test=False)._read_group(
            [], [], ['delay_days:min'])
        customers = self.env['ar.ledger'].owing_customers({
            'as_of': max(self.company_id._ar_today(), self.as_of), 'company_ids': self.company_id.ids,
        }, due_by=self.as_of - timedelta(days=min(earliest or 1, 1)))
        if len(customers) <= PREVIEW_CUSTOMERS:
            return [None]
        return list(split_every(PREVIEW_CUSTOMERS, customers, list))

    def _finish_preview(self):
        """Hook: what follows from the preview as a whole."""

    def _write_preview(self, decisions):
        """Store the decisions: a draft letter per customer and currency, an outcome per item.

        :return: the letters, ar.dunning.letter
        """
        self = self._in_company()
        groups = defaultdict(list)
        for decision in decisions:
            if decision.result == dunning.SENT:
                groups[decision.item.partner_id, decision.item.currency_id].append(decision)
        for own in groups.values():
            own.sort(key=lambda decision: (decision.item.date_due, decision.item.id))
        addresses = self._get_addresses({partner_id for partner_id, _currency in groups})
        letters = self.env['ar.dunning.letter'].with_context(
            tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True, mail_notrack=True,
        ).create([
            self._prepare_letter(partner_id, currency_id, own, addresses[partner_id])
            for (partner_id, currency_id), own in groups.items()])
        letter_ids, lines = {}, []
        for letter, own in zip(letters, groups.values(), strict=True):
            related = {
                'letter_id': letter.id, 'company_id': self.company_id.id, 'partner_id': letter.partner_id.id,
                'state': letter.state, 'date': letter.date, 'currency_id': letter.currency_id.id}
            lines += [{**related, **self._prepare_line(decision)} for decision in own]
            letter_ids.update((decision.item.id, (letter.id, addresses[letter.partner_id.id])) for decision in own)
        insert_rows(self.env['ar.dunning.letter.line'], lines)
        insert_rows(self.env['ar.dunning.outcome'], [
            self._prepare_outcome(decision, *letter_ids.get(decision.item.id, (False, None)))
            for decision in decisions])
        letters.invalidate_recordset(['line_ids'])
        self.invalidate_recordset()
        return letters

    def _prepare_letter(self, partner_id, currency_id, decisions, address):
        """Return the values of a draft letter; the highest level among its items sets the tone."""
        recipient, reason = address
        return {
            'run_id': self.id,
            'date': self.as_of,
            'partner_id': partner_id,
            'currency_id': currency_id,
            'level_id': max(decisions, key=lambda decision: decision.level.delay_days).level.id,
            'line_count': len(decisions),
            'amount_total': sum(decision.amount for decision in decisions),
            **self._prepare_address(recipient, reason),
        }

    def _prepare_address(self, recipient, reason):
        """Return the letter's values that follow from the recipient."""
        return {
            'recipient_id': recipient.id,
            'email_to': recipient.email_normalized if not reason else False,
            'lang': self._get_language(recipient),
            'channel': 'letter' if reason else 'email',
        }

    def _prepare_line(self, decision):
        """Return the values of a letter's item."""
        row = decision.item.facts
        return {
            'move_line_id': row['id'],
            'move_id': row['move_id'],
            'level_id': decision.level.id,
            'name': row['move_name'],
            'date_invoice': row['invoice_date'] or row['date'],
            'date_due': row['age_date'],
            'days_overdue': row['days'],
            'amount_original': row['amount_original'],
            **self._prepare_amounts(decision),
        }

    def _prepare_amounts(self, decision):
        """Return the amounts a letter's item and an outcome have in common."""
        return {
            'amount_open': decision.open,
            'amount_disputed': decision.disputed,
            'amount_credit': decision.credit,
            'amount_asked': decision.amount,
        }

    def _prepare_outcome(self, decision, letter_id, address):
        """Return the values of an outcome; an item whose letter cannot go by e-mail says so."""
        row, result, reason = decision.item.facts, decision.result, decision.reason
        if address and address[1]:
            result, reason = dunning.LETTER, address[1]
        return {
            'run_id': self.id,
            'company_id': self.company_id.id,
            'company_currency_id': self.company_id.currency_id.id,
            'currency_id': row['currency_id'],
            'move_line_id': row['id'],
            'move_id': row['move_id'],
            'partner_id': row['partner_id'],
            'level_id': decision.level.id if decision.level else False,
            'result': result,
            'reason': reason,
            'letter_id': letter_id,
            'date_due': row['age_date'],
            'days_overdue': row['days'],
            'amount_asked_company': decision.amount_company,
            **self._prepare_amounts(decision),
        }

    # === SENDING === #

    def _sends_at_once(self):
        """Return whether the letters leave while the user waits: few, with few files still to be made."""
        return len(self.letter_ids) <= INLINE_LETTERS and self._count_missing_pdfs() <= INLINE_PDFS

    def _count_missing_pdfs(self):
        """Return how many PDFs have to be made before the letters leave. Hook: others add theirs."""
        moves = self.letter_ids.filtered(lambda letter: letter.level_id.attach_invoices == 'all').line_ids.move_id
        return len(moves.filtered(lambda move: move.is_invoice() and not move.invoice_pdf_report_id))

    def _get_batch_size(self):
        """Override: a setting of this file."""
        return BATCH_LETTERS

    def _prepare_batch(self, letters):
        """Override: PDFs take their time; the gate sees what came in meanwhile by a transaction that starts after them.
        """
        if any(letter._wants_attachments() for letter in letters):
            self._in_company()._render_missing_pdfs(letters)
            self.env['ir.cron']._commit_progress()

    def _send_batch(self, letters):
        """Render what is missing, lock, look at everything once more, queue."""
        self = self._in_company()
        self._render_missing_pdfs(letters)
        letters = letters.try_lock_for_update(allow_referencing=True)
        letters.invalidate_recordset()
        letters = letters.filtered(lambda letter: letter.state == 'draft')
        lines = letters.line_ids.move_line_id
        free = lines.try_lock_for_update(allow_referencing=True)
        letters = letters.filtered(lambda letter: letter.line_ids.move_line_id <= free)
        self._gate(letters)._queue()

    def _render_missing_pdfs(self, letters):
        """Render missing invoices before anything is locked: it takes a second each. Errors come up when queueing."""
        for letter in letters.filtered(
                lambda letter: letter.channel in ('email', 'letter') and letter._wants_attachments()):
            try:
                with self.env.cr.savepoint():
                    letter._get_attachments()
            except OperationalError:
                raise
            except Exception as error:
                _logger.warning("Dunning letter %s: an invoice could not be rendered", letter.id, exc_info=True)
                letter._fail(self.env._("An invoice could not be attached: %s", describe(error)))

    def _gate(self, letters):
        """Read everything again and drop what is no longer due; return the letters that may leave.

        Amounts are today's; an item that is settled, disputed, marked, covered or contacted meanwhile is taken off,
        with the reason; a letter without items is cancelled. The address is resolved again.
        """
        if not letters:
            return letters
        self.env.invalidate_all()
        fresh = {decision.item.id: decision for decision in self._evaluate(letters.partner_id.ids)}
        addresses = self._get_addresses(letters.partner_id.ids)
        outcomes = self.env['ar.dunning.outcome'].search([('letter_id', 'in', letters.ids)])
        outcomes = {(outcome.letter_id, outcome.move_line_id): outcome for outcome in outcomes}
        for letter in letters:
            recipient, reason = addresses[letter.partner_id.id]
            for line in letter.line_ids:
                decision = fresh.get(line.move_line_id.id)
                outcome = outcomes.get((letter, line.move_line_id), self.env['ar.dunning.outcome'])
                if decision and decision.result == dunning.SENT and decision.level.id == line.level_id.id:
                    amounts = self._prepare_amounts(decision)
                    write_changed(line, amounts)
                    write_changed(outcome, {
                        **amounts, 'amount_asked_company': decision.amount_company,
                        'result': dunning.LETTER if reason else dunning.SENT, 'reason': reason or dunning.DUE})
                else:
                    outcome.write(self._prepare_dropped(decision))
                    line.unlink()
            write_changed(letter, {
                'line_count': len(letter.line_ids),
                'amount_total': sum(letter.line_ids.mapped('amount_asked')),
                **self._prepare_address(recipient, reason)})
            if not letter.line_ids:
                letter.state = 'cancelled'
            else:
                write_changed(letter, {
                    'level_id': max(letter.line_ids.level_id, key=lambda level: level.delay_days).id})
        return letters.filtered(lambda letter: letter.state == 'draft')

    def _prepare_dropped(self, decision):
        """Return the outcome values of an item taken off its letter at the gate."""
        if not decision:
            return {'result': dunning.SKIPPED, 'reason': dunning.SETTLED, 'amount_asked': 0, 'amount_asked_company': 0}
        result, reason = decision.result, decision.reason
        if result == dunning.SENT:  # at another level by now
            result, reason = dunning.HELD, 'changed'
        return {
            'result': result, 'reason': reason, **self._prepare_amounts(decision),
            'amount_asked_company': decision.amount_company}

    # === AUTOMATIC === #

    @api.model
    def _cron_run(self):
        """Daily job: evaluate the companies that switched automatic on, then send; one's trouble stops no other."""
        companies = self.env['res.company'].search([('ar_dunning_automatic', '=', True)])
        runs = self.browse()
        for done, company in enumerate(companies, start=1):
            try:
                runs += self._run_automatically(company)
            except OperationalError:
                self.env.cr.rollback()
                self._retry_automatically(company)
            except Exception:
                self.env.cr.rollback()
                _logger.exception("Automatic dunning run of %s failed", company.name)
            self.env['ir.cron']._commit_progress(1, remaining=len(companies) - done)
        self._send_runs(runs)

    @api.model
    def _run_automatically(self, company):
        """Preview the company's run of today; return it when it is to be sent, else nothing.

        A run that somebody else holds a lock on is left for later: the other companies do not wait for it.
        """
        today = company._ar_today()
        run = self.search([
            ('company_id', '=', company.id), ('as_of', '=', today), ('is_automatic', '=', True),
            ('state', '!=', 'cancelled')])
        if not run:
            run = self.create({'company_id': company.id, 'as_of': today, 'is_automatic': True})
        elif not run.try_lock_for_update(allow_referencing=True):
            self._retry_automatically(company)
            return self.browse()
        if run.state == 'draft':
            run.action_preview()
        if run.state == 'preview':
            if run.needs_approval:
                run._ask_approval()
            else:
                run.state = 'sending'
        self.env['ir.cron']._commit_progress()
        return run if run.state == 'sending' else self.browse()

    @api.model
    def _retry_automatically(self, company):
        """Let the daily job run again soon, for a company whose run somebody else is working on."""
        _logger.info("Dunning run of %s: somebody is working on it, trying again later", company.name)
        self.env.ref('ar_coordinator.ir_cron_ar_dunning_run')._trigger(fields.Datetime.now() + LOCKED_RETRY)

    # === SUMMARY === #

    def _summary(self):
        """Return {letters: count without cancelled ones, items_by_result_and_reason: {result: {reason: count}}}."""
        self.ensure_one()
        items = defaultdict(dict)
        for result, reason, count in self.env['ar.dunning.outcome']._read_group(
                [('run_id', '=', self.id)], ['result', 'reason'], ['__count']):
            items[result][reason] = count
        return {'letters': self.letter_count, 'items_by_result_and_reason': dict(items)}
