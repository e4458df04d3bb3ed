"""Escalations: who was told about a customer, when and why, and what came of it. The log writes itself.

One record per step and state: while what a step is about lasts (`date_ended` is empty), the database lets nobody be
told of it again. The hourly job tells who is next, and ends what is over: paid, promised, decided, handed over. Whoever
was told says that he takes it on, or gives it back to the collector with an answer.
"""
import logging

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import split_every
from odoo.tools.misc import format_amount

from ..engine import escalation
from .ar_escalation_path import HAND_OVER, TELL
from .ar_guard import without_defaults
from .ar_wording import counted

_logger = logging.getLogger(__name__)

ACTIVITY = 'ar_coordinator.mail_activity_type_escalation'
TASK_EDITABLE = {'date_deadline', 'note', 'summary'}  # of the task of an escalation that waits
BATCH = 100  # customers told in one transaction
EDITABLE = {'answer', 'message_main_attachment_id'}
STATES = [
    ('open', "Waiting"), ('acknowledged', "Taken on"), ('returned', "Given back"), ('withdrawn', "Withdrawn"),
    ('closed', "Closed")]
ENDS = [
    ('over', "Its cause is over"), ('handed_over', "Handed over"), ('repeated', "Told again"),
    ('merged', "Customers merged")]


class ArEscalation(models.Model):
    _name = 'ar.escalation'
    _description = "Escalation"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _mail_post_access = 'read'
    _rec_names_search = ['partner_id', 'reason']

    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, readonly=True, index=True, ondelete='cascade')
    step_id = fields.Many2one(
        comodel_name='ar.escalation.step', required=True, readonly=True, index=True, ondelete='restrict')
    path_id = fields.Many2one(related='step_id.path_id', store=True)
    to = fields.Selection(selection=TELL, required=True, readonly=True)
    number = fields.Integer(string="Time", readonly=True, default=1, help="2: told again, and so on.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Told", index='btree_not_null', ondelete='restrict', tracking=True,
        domain=[('share', '=', False)], help="Managers pass it on to somebody else here.")
    asked_by_id = fields.Many2one(
        comodel_name='res.users', string="Started by", readonly=True, ondelete='restrict', help="Empty: by itself.")
    date = fields.Date(string="Told on", required=True, readonly=True)
    reason = fields.Text(string="Why", required=True, readonly=True, help="As it was on that day.")
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount = fields.Monetary(string="Overdue Then", readonly=True)
    days = fields.Integer(string="Days Overdue Then", readonly=True)
    state = fields.Selection(
        selection=STATES, required=True, readonly=True, default='open', index=True, tracking=True, copy=False)
    answer = fields.Text(copy=False, help="What was done, or why it is given back.")
    date_answered = fields.Date(string="Answered on", readonly=True, copy=False)
    answered_by_id = fields.Many2one(
        comodel_name='res.users', string="Answered by", readonly=True, copy=False, ondelete='restrict')
    date_ended = fields.Date(
        string="Over since", readonly=True, copy=False,
        help="What it was about is over: from now on the same step may be taken again.")
    ended_by = fields.Selection(selection=ENDS, string="Over because", readonly=True, copy=False)
    hand_over_id = fields.Many2one(
        comodel_name='ar.hand.over', readonly=True, copy=False, index='btree_not_null', ondelete='set null')
    can_answer = fields.Boolean(compute='_compute_can_answer')

    _live_uniq = models.UniqueIndex(
        "(company_id, partner_id, step_id) WHERE date_ended IS NULL", "Somebody was told of this customer already.")

    # === COMPUTE METHODS === #

    @api.depends('partner_id.name', 'step_id.name')
    def _compute_display_name(self):
        for record in self:
            # sudo: the name of the step, for whoever reads the escalation
            record.display_name = f"{record.partner_id.name or ''}: {record.step_id.sudo().name or ''}"

    @api.depends('user_id', 'state')
    @api.depends_context('uid')
    def _compute_can_answer(self):
        for record in self:
            record.can_answer = record.state == 'open' and record._may_answer()

    def _may_answer(self):
        """Whether the user was told, stands in for who was, or is a manager."""
        return self.env.su or self.env.user in (self.user_id, self.user_id._ar_on_duty(self.company_id)) \
            or self.env.user.has_group('ar_coordinator.group_ar_manager')

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("Escalations are made by their paths, and by the button of the worklist."))
        self = without_defaults(self, set(self._fields))
        return super().create(vals_list)

    def write(self, vals):
        """Override: users write their answer; managers pass it on to somebody else, with the task."""
        if not self.env.su:
            own = EDITABLE | ({'user_id'} if self.env.user.has_group('ar_coordinator.group_ar_manager') else set())
            if set(vals) - own:
                raise AccessError(self.env._("An escalation stays as it was. Use its buttons to answer it."))
            if any(record.state != 'open' for record in self) and set(vals) & {'answer', 'user_id'}:
                raise UserError(self.env._("This escalation was answered, or is over: nothing about it changes."))
        result = super().write(vals)
        if vals.get('user_id'):
            # sudo: the task follows who has to answer; the right to pass it on was checked
            self.sudo().activity_ids.user_id = vals['user_id']
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if not self.env.su:
            raise UserError(self.env._("Who was told, and when, stays on record."))

    # === ACTION METHODS === #

    def action_acknowledge(self):
        """Take escalations on.

        :raise AccessError: for anybody but who was told, their substitute, or a manager
        :raise UserError: for one that does not wait
        """
        self._check_answer()
        # sudo: the state moves by buttons; who may answer was checked
        self.sudo()._answer('acknowledged', self.env.user)

    def action_return(self):
        """Give escalations back to the collectors, with the answer that says why.

        :raise AccessError, UserError: as `action_acknowledge`; without an answer
        """
        self._check_answer()
        for record in self:
            if not (record.answer or "").strip():
                raise UserError(self.env._(
                    "%s: write into the answer why you give it back.", record.partner_id.display_name))
        records = self.sudo()  # sudo: as above; the collector gets a task whoever gives it back
        records._answer('returned', self.env.user)
        for record in records:
            collector = record.partner_id.with_company(record.company_id).ar_collector_id._ar_on_duty(record.company_id)
            if collector.active and collector != self.env.user and record.company_id in collector.company_ids:
                record.activity_schedule(
                    ACTIVITY, user_id=collector.id, date_deadline=record.company_id._ar_today(),
                    summary=self.env._(
                        "%(user)s gave %(customer)s back", user=self.env.user.name, customer=record.partner_id.name),
                    note=record.answer)

    def action_withdraw(self):
        """Withdraw escalations: nobody has to answer, and the step is not repeated while its cause lasts.

        :raise AccessError: unless the user is a manager who may see them
        :raise UserError: for one that does not wait
        """
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Escalations are withdrawn by a Receivables: Manager."))
        self._check_open()
        self.sudo()._answer('withdrawn', self.env.user)  # sudo: the state moves by buttons; the role was checked

    def action_hand_over(self):
        """Hand the customer over to whom the step names: chasing stops, and what was open of the path is closed.

        :return: action that shows the hand-over
        :raise AccessError: unless the user is a manager
        :raise UserError: when the step hands nobody over, or it does not wait any more
        """
        self.ensure_one()
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Customers are handed over here by a Receivables: Manager."))
        self._check_open()
        if self.to not in HAND_OVER:
            raise UserError(self.env._("%s does not hand the customer over.", self.display_name))
        hand_over = self.env['ar.hand.over'].create({
            'company_id': self.company_id.id, 'partner_id': self.partner_id.id, 'to': self.to,
            'date': self.company_id._ar_today(), 'reason': self.reason.splitlines()[0]})
        record = self.sudo()  # sudo: the log writes itself; the role was checked
        record.hand_over_id = hand_over
        record._answer('acknowledged', self.env.user)
        record.search([
            ('company_id', '=', record.company_id.id), ('partner_id', '=', record.partner_id.id),
            ('date_ended', '=', False)])._end('handed_over')
        return {'type': 'ir.actions.act_window', 'res_model': 'ar.hand.over', 'res_id': hand_over.id,
                'views': [(False, 'form')], 'name': self.partner_id.display_name}

    def action_open_sheet(self):
        """Open the customer's sheet."""
        self.ensure_one()
        return self.env['ar.customer.sheet']._get_open_action(self.partner_id, self.company_id)

    def _check_open(self):
        for record in self:
            if record.state != 'open':
                raise UserError(self.env._(
                    "%s: this escalation was answered, or is over.", record.display_name))

    def _check_answer(self):
        """:raise AccessError, UserError: see `action_acknowledge`"""
        self.check_access('read')
        if not all(record._may_answer() for record in self):
            raise AccessError(self.env._("Only who was told, or a Receivables: Manager, answers an escalation."))
        self._check_open()

    # === BUSINESS METHODS === #

    def _answer(self, state, user):
        """Note the answer; the task is done."""
        activities = self.activity_ids
        for company, own in self.grouped('company_id').items():
            own.write({'state': state, 'answered_by_id': user.id, 'date_answered': company._ar_today()})
        if activities:
            activities.action_feedback()

    def _end(self, why):
        """What escalations were about is over: those that wait are closed, their tasks go."""
        for company, own in self.grouped('company_id').items():
            waiting = own.filtered(lambda record: record.state == 'open')
            own.activity_ids.unlink()
            own.write({'date_ended': company._ar_today(), 'ended_by': why})
            waiting.state = 'closed'

    @api.model
    def _get_told(self, company, partner_ids):
        """Return {customer id: {step id: engine Told}} of what lasts. One query.

        :param company: res.company
        :param partner_ids: list of ids of customers
        """
        # sudo: nobody is told twice, whoever may read what the others were told
        live = self.sudo().search_fetch(
            [('company_id', '=', company.id), ('partner_id', 'in', partner_ids), ('date_ended', '=', False)],
            ['partner_id', 'step_id', 'date', 'state'])
        told = {}
        for record in live:
            told.setdefault(record.partner_id.id, {})[record.step_id.id] = escalation.Told(
                record.date, record.state == 'withdrawn')
        return told

    @api.model
    def _close_over(self, company, partner_ids=None):
        """End escalations of a company whose cause is over, by live facts: paid, promised, decided, handed over.

        :param partner_ids: ids of the customers that are looked at; None: all
        :return: ar.escalation that were ended
        """
        domain = [('company_id', '=', company.id), ('date_ended', '=', False)]
        if partner_ids is not None:
            domain.append(('partner_id', 'in', list(partner_ids)))
        live = self.search(domain)
        if not live:
            return live
        facts = self.env['ar.escalation.path']._get_facts(
            company, live.step_id, partner_ids=live.partner_id.ids)
        handed_over = self.env['ar.hand.over']._handed_over(company, live.partner_id.ids)
        steps = {step.id: step for step in live.step_id._make_steps()}
        nothing = escalation.Facts()
        gone = live.filtered(lambda record: record.partner_id.id in handed_over)
        over = (live - gone).filtered(lambda record: not escalation.holds(
            steps[record.step_id.id], facts.get(record.partner_id.id, nothing)))
        gone._end('handed_over')
        over._end('over')
        return gone + over

    @api.model
    def _tell(self, company, due, asked_by=None):
        """Tell who is next, with a task that has the facts.

        :param company: res.company
        :param dict due: {customer id: (ar.escalation.step, engine Facts)}, see `ar.escalation.path._get_due`
        :param asked_by: res.users who asked for it, or None
        :return: ar.escalation
        """
        # two who tell of the same customer at the same instant: the second one sees what the first did, or waits
        self.env['ar.ledger']._take_turns(f'escalation,{company.id},{partner_id}' for partner_id in due)
        live = {
            (record.partner_id.id, record.step_id.id): record for record in self.search([
                ('company_id', '=', company.id), ('partner_id', 'in', list(due)), ('date_ended', '=', False)])}
        partners = self.env['res.partner'].with_company(company).browse(due)
        vals_list = []
        for partner in partners:
            step, facts = due[partner.id]
            earlier = live.get((partner.id, step.id), self.browse())
            earlier._end('repeated')
            user, is_other = step._find_user(partner, company)
            # sudo: the log is read in the language of who is told
            wording = self.with_context(lang=user.lang or self.env.lang)
            vals_list.append({
                'company_id': company.id, 'partner_id': partner.id, 'step_id': step.id, 'to': step.to,
                'number': earlier.number + 1, 'user_id': user.id, 'date': company._ar_today(),
                'asked_by_id': asked_by.id if asked_by else False, 'amount': facts.chased, 'days': facts.days,
                'reason': wording._describe(company, step.with_env(wording.env), facts, is_other)})
        self.flush_model(['date_ended'])  # the database lets nobody be told while the earlier one lasts
        records = self.create(vals_list)
        records._make_tasks()
        return records

    def _describe(self, company, step, facts, is_other):
        """Return the facts in words, what matters most first."""
        lines = []
        if facts.chased > 0:
            amount = format_amount(self.env, facts.chased, company.currency_id)
            lines.append(counted(
                facts.days, self.env._("%(amount)s overdue since yesterday", amount=amount),
                self.env._("%(amount)s overdue, for up to %(days)s days", amount=amount, days=facts.days)))
        if step.dispute_days:
            lines.append(counted(
                facts.dispute_days, self.env._("A dispute is one day past its deadline"),
                self.env._("A dispute is %s days past its deadline", facts.dispute_days)))
        if step.broken:
            lines.append(counted(
                facts.broken, self.env._("1 promise was not kept"),
                self.env._("%s promises were not kept", facts.broken)))
        if step.letters:
            lines.append(counted(
                len(facts.letters), self.env._("1 reminder without an answer"),
                self.env._("%s reminders without an answer", len(facts.letters))))
        if step.level:
            lines.append(self.env._("Reminded up to level %s", facts.level))
        if is_other:
            lines.append(self.env._(
                "You are told because there is no %s who could be.",
                dict(step._fields['to']._description_selection(self.env))[step.to].lower()))
        return "\n".join(lines)

    def _make_tasks(self):
        """Make a task for who was told; those without anybody stay on the list of escalations."""
        activity_type = self.env.ref(ACTIVITY, raise_if_not_found=False)
        self.env['mail.activity'].create([{
            'activity_type_id': activity_type.id if activity_type else False,
            'res_model_id': self.env['ir.model']._get_id(self._name), 'res_id': record.id,
            'user_id': record.user_id.id, 'date_deadline': record.date,
            'summary': self.with_context(lang=record.user_id.lang or self.env.lang).env._(
                "Escalation: %(customer)s, %(step)s", customer=record.partner_id.name,
                step=record.step_id.with_context(lang=record.user_id.lang).name),
            'note': Markup("<br/>").join(record.reason.splitlines()),
        } for record in self.filtered('user_id')])

    # === JOB === #

    @api.model
    def _cron_escalate(self):
        """Hourly job: end what is over, tell who is next. One company's trouble stops no other."""
        companies = self.env['res.company'].search([('active', '=', True)], order='id')
        for number, company in enumerate(companies, 1):
            inside = self.with_company(company).with_context(allowed_company_ids=company.ids)
            rest = len(companies) - number
            try:
                with self.env.cr.savepoint():
                    inside._close_over(inside.env.company)
                    waiting = sorted(inside._get_automatic(inside.env.company))
                self.env['ir.cron']._commit_progress(remaining=rest + len(waiting))
                for part in split_every(BATCH, waiting, list):
                    with self.env.cr.savepoint():
                        # judged again: who paid a moment ago is not told of
                        inside._tell(inside.env.company, inside._get_automatic(inside.env.company, part))
                    if not self.env['ir.cron']._commit_progress(len(part)):
                        return  # goes on at once in another turn
            except OperationalError:
                _logger.info("%s: somebody is working on its escalations, trying again later", company.name)
            except Exception:
                _logger.exception("Escalations of %s could not be looked through", company.name)
            self.env['ir.cron']._commit_progress(1, remaining=rest)

    def _get_automatic(self, company, partner_ids=None):
        """Return what is due (see `ar.escalation.path._get_due`) of paths that go on by themselves."""
        due = self.env['ar.escalation.path']._get_due(company, partner_ids=partner_ids)
        return {partner_id: (step, facts) for partner_id, (step, facts) in due.items() if step.path_id.is_automatic}


class ArCreditQueue(models.Model):
    _inherit = 'ar.credit.queue'

    @api.model
    def _put(self, pairs):
        """Override: who has paid is nobody's to be told of any more. One query, unless somebody was told of them.

        Before the commit of what was posted, matched, disputed or promised, with all customers of it at once.
        """
        pairs = set(pairs)
        # sudo: the log writes itself, whoever posts the payment
        live = pairs and self.env['ar.escalation'].sudo().search_fetch([
            ('partner_id', 'in', list({partner_id for partner_id, _company_id in pairs})), ('date_ended', '=', False)],
            ['company_id', 'partner_id'])
        if live:
            told = live.filtered(lambda record: (record.partner_id.id, record.company_id.id) in pairs)
            for company, records in told.grouped('company_id').items():
                records.with_company(company).with_context(allowed_company_ids=company.ids)._close_over(
                    company, records.partner_id.ids)
        return super()._put(pairs)


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    def _action_done(self, feedback=False, attachment_ids=None):
        """Override: whoever completes the task has taken the escalation on; what he wrote is his answer.

        :raise AccessError: for the task of somebody else, unless one may answer for him
        """
        records = self._ar_get_answered()
        records.state = 'acknowledged'  # an open escalation does not let go of its task
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if feedback and records:
            records.answer = feedback
        records._answer('acknowledged', self.env.user)
        return result

    def write(self, vals):
        """Override: the task of an escalation that waits stays with who was told; only its day moves.

        :raise AccessError: see `_ar_check_task`
        """
        if set(vals) - TASK_EDITABLE:
            self._ar_check_task()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_escalation(self):
        self._ar_check_task()

    def _ar_check_task(self):
        """:raise AccessError: for the task of an escalation that waits: it is answered, or a manager passes it on"""
        tasks = self.filtered(lambda activity: activity.res_model == 'ar.escalation')
        if self.env.su or not tasks:
            return
        # sudo: whether it waits, and for whom, whoever sees the task
        for record in self.env['ar.escalation'].sudo().browse(tasks.mapped('res_id')).exists():
            own = tasks.filtered(lambda task, record=record: task.res_id == record.id)
            if record.state == 'open' and record.user_id in own.user_id:
                raise AccessError(self.env._(
                    "%s waits for an answer and keeps its task: take it on or give it back, or let a manager pass it"
                    " on.", record.display_name))

    def _ar_get_answered(self):
        """Return the escalations that wait and that completing these tasks answers, with superuser's eyes.

        Readers may write tasks of their own on an escalation: these answer nothing.

        :raise AccessError: see `_action_done`
        """
        answered = []
        for activity in self.filtered(lambda activity: activity.res_model == 'ar.escalation'):
            # sudo: completing the task was allowed; who may answer is asked of the user
            record = self.env['ar.escalation'].sudo().browse(activity.res_id)
            if record.state != 'open' or activity.user_id != record.user_id:
                continue
            if not self.env.su and not record.with_env(self.env)._may_answer():
                raise AccessError(self.env._("Only who was told, or a Receivables: Manager, answers an escalation."))
            answered.append(record.id)
        return self.env['ar.escalation'].sudo().browse(answered)  # sudo: as above; the state moves by itself
