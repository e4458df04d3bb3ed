"""A dunning run: one company, one day. Preview what would happen to every overdue item and why, then send exactly that.

    draft -> preview [-> to_approve -> preview] -> sending -> done        (cancelled from any state before sending)

Preview and sending use the same decisions (`_evaluate`): sending takes them again, for the customers at hand and
under row locks, right before their message leaves (the send gate), and drops what is no longer due. Work goes in
batches, so that a run that is killed goes on where it stopped: a letter is either still a draft or has its e-mail in
Odoo's queue, never both.

Facts are those of today whatever the run's day, so that nothing is asked that was settled since; the run's day says
how many days an item is overdue and which entries the run looks at.
"""
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date

from .ar_dunning_outcome import GOING, REASONS, RESULTS

LOCKED_RETRY = timedelta(minutes=15)  # until an automatic run that was locked is tried again
SCOPE_FIELDS = {'as_of', 'company_id', 'partner_id'}
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
    _outbox_guarded = GUARDED_FIELDS
    _outbox_scope = SCOPE_FIELDS

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

    # === CONSTRAINT METHODS === #

    @api.constrains('as_of', 'company_id')
    def _check_as_of(self):
        for run in self:
            if run.as_of > run.company_id._ar_today():
                raise ValidationError(self.env._("%s: a dunning run cannot be made for a day to come.", run.name))

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

    # === AUTOMATIC === #

    @api.model
    def _cron_run(self):
        """Daily job: evaluate the companies that switched automatic on, then send; one's trouble stops no other."""
        self._run_companies(self.env['res.company'].search([('ar_dunning_automatic', '=', True)]))

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
        """Override: let the daily job run again soon."""
        self.env.ref('ar_coordinator.ir_cron_ar_dunning_run')._trigger(fields.Datetime.now() + LOCKED_RETRY)
        return super()._retry_automatically(company)

    # === SUMMARY === #

    def _summary(self):
        """Return {letters: count without cancelled ones, items_by_result_and_reason: {result: {reason: count}}}."""
        self.ensure_one()
        items = defaultdict(dict)
        for result, reason, count in self.env['ar.dunning.outcome']._read_group(
                [('run_id', '=', self.id)], ['result', 'reason'], ['__count']):
            items[result][reason] = count
        return {'letters': self.letter_count, 'items_by_result_and_reason': dict(items)}
