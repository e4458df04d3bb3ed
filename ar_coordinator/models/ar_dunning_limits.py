"""What holds reminders back that are due: no news from the bank, the daily cap, working hours, the circuit breaker.

A hold is decided after the engine, for items that would be sent, in the preview and again right before they leave; its
reason is stored like any other. Other reasons (a credit hold, say) join by `_get_holds`.
"""
import re
from collections import defaultdict
from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import dunning

FIRST_LETTERS = 'ar_dunning_first_letters'  # context key: a set when the cap was applied to all, False: no cap now
BREAKER_LETTERS = 20  # fewer letters than this never stop a run
USUAL_RUNS, USUAL_RUNS_NEEDED = 5, 3  # how many earlier runs say what is usual, and how many it takes at least
WORK_AHEAD = timedelta(days=28)  # how far ahead working time is looked for


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_dunning_bank_days = fields.Integer(
        string="Bank Data Not Older Than (Days)",
        help="Reminders wait while the last bank transaction in the books is older than this. 0: no check.")
    ar_dunning_bank_lines = fields.Selection(
        selection=[('no', "Ignore"), ('warn', "Warn on the run"), ('hold', "Hold the customers they name")],
        string="Unreconciled Bank Transactions", default='hold', required=True,
        help="Money that is in the bank but not matched yet: reminders of customers it names wait.")
    ar_dunning_daily_cap = fields.Integer(
        string="Letters per Day",
        help="At most so many; the biggest debts first, the rest on the days after. 0: no cap.")
    ar_dunning_breaker_percent = fields.Integer(
        string="Stop above % of Customers", default=50,
        help="A run that would remind more than this share of the customers with open items waits for a manager."
             " 0: no check.")
    ar_dunning_breaker_factor = fields.Float(
        string="Stop above Times the Usual", default=2.0, digits=(6, 1),
        help="A run with more than so many times the letters of the last runs waits for a manager. 0: no check.")
    ar_dunning_working_hours = fields.Boolean(
        string="Send in Working Hours Only", default=True,
        help="Automatic runs start and send in the company's working hours, holidays excepted.")

    @api.constrains('ar_dunning_bank_days', 'ar_dunning_daily_cap', 'ar_dunning_breaker_percent',
                    'ar_dunning_breaker_factor')
    def _check_ar_dunning_limits(self):
        for company in self:
            if min(company.ar_dunning_bank_days, company.ar_dunning_daily_cap, company.ar_dunning_breaker_factor) < 0 \
                    or not 0 <= company.ar_dunning_breaker_percent <= 100:
                raise ValidationError(self.env._(
                    "%s: limits of dunning cannot be negative, and a share is at most 100 %%.", company.name))

    def _ar_next_working_time(self):
        """Return None when the company works now, else when it starts to work next (UTC, naive).

        A day counts from its first hour to its last: a lunch break does not stop anything. A company without fixed
        hours always works.
        """
        self.ensure_one()
        calendar = self.resource_calendar_id
        if not self.ar_dunning_working_hours or not calendar.attendance_ids or calendar.flexible_hours:
            return None
        timezone = pytz.timezone(calendar.tz or self._ar_timezone())
        now = pytz.utc.localize(fields.Datetime.now()).astimezone(timezone)
        midnight = timezone.localize(datetime.combine(now.date(), time.min))
        days = {}
        for start, end, _attendance in calendar._work_intervals_batch(midnight, midnight + WORK_AHEAD)[False]:
            first, last = days.get(start.date(), (start, end))
            days[start.date()] = min(first, start), max(last, end)
        for start, end in sorted(days.values()):
            if start <= now < end:
                return None
            if now < start:
                return start.astimezone(pytz.utc).replace(tzinfo=None)
        return fields.Datetime.now() + timedelta(days=1)  # closed for weeks: look again tomorrow


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    date_queued = fields.Datetime(string="Queued on", readonly=True, copy=False)

    def _queue(self):
        """Override: note when, for the daily cap."""
        result = super()._queue()
        self.filtered(lambda letter: letter.state != 'draft').date_queued = fields.Datetime.now()
        return result


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    warning = fields.Text(readonly=True, copy=False, help="What to mind before sending, as of the preview.")
    approval_reason = fields.Text(
        readonly=True, copy=False, help="Why a manager has to look at the run before it is sent.")
    is_outside_hours = fields.Boolean(compute='_compute_is_outside_hours')

    @api.depends('company_id')
    def _compute_is_outside_hours(self):
        for company, runs in self.grouped('company_id').items():
            # sudo: working hours of the run's own company, whoever looks
            runs.is_outside_hours = bool(company and company.sudo()._ar_next_working_time())

    @api.depends('approval_reason')
    def _compute_needs_approval(self):
        result = super()._compute_needs_approval()
        for run in self:
            run.needs_approval = run.needs_approval or bool(run.approval_reason and not run.approved_by_id)
        return result

    # === HOLDS === #

    def _evaluate(self, partner_ids=None):
        """Override: hold back what is due but had better wait."""
        decisions = super()._evaluate(partner_ids)
        run = self._in_company()
        holds = run._get_holds(decisions)
        for decision in decisions:
            if decision.result == dunning.SENT and decision.item.id in holds:
                decision.result, decision.reason = dunning.HELD, holds[decision.item.id]
        run._apply_daily_cap(decisions, partner_ids)
        return decisions

    def _get_holds(self, decisions):
        """Return {item id: reason} for items to hold back. Hook: others add theirs.

        :param decisions: list of engine decisions; those with result sent are about to be asked for
        """
        sent = [decision for decision in decisions if decision.result == dunning.SENT]
        if not sent:
            return {}
        if self._is_bank_stale():
            return dict.fromkeys((decision.item.id for decision in sent), 'bank_stale')
        if self.company_id.ar_dunning_bank_lines != 'hold':
            return {}
        named = self._get_customers_named_by_bank(sent)
        return {decision.item.id: 'bank_line' for decision in sent if decision.item.partner_id in named}

    # === BANK === #

    def _get_bank_domain(self):
        """Return the domain of the bank transactions of the company, its branches and the company they belong to."""
        return [
            ('company_id', 'child_of', self.company_id.root_id.ids), ('state', '=', 'posted'),
            ('journal_id.type', '=', 'bank')]

    def _is_bank_stale(self):
        """Return whether the last bank transaction is older than the company allows; none at all is, too."""
        if not self.company_id.ar_dunning_bank_days:
            return False
        [(last,)] = self.env['account.bank.statement.line']._read_group(self._get_bank_domain(), [], ['date:max'])
        return not last or (self.company_id._ar_today() - last).days > self.company_id.ar_dunning_bank_days

    def _get_unreconciled_lines(self):
        """Return the incoming bank transactions that are not reconciled."""
        return self.env['account.bank.statement.line'].search_fetch(
            [*self._get_bank_domain(), ('is_reconciled', '=', False), ('amount', '>', 0)],
            ['partner_id', 'partner_name', 'account_number', 'payment_ref', 'date'])

    def _get_customers_named_by_bank(self, decisions):
        """Return ids of the customers among these who an unreconciled transaction names, however old it is.

        By its partner, its partner's name, its bank account, or the number or payment reference of an item.
        """
        lines = self._get_unreconciled_lines()
        if not lines:
            return set()
        customers = self.env['res.partner'].browse({decision.item.partner_id for decision in decisions})
        named = set(lines.partner_id.commercial_partner_id.ids)
        names = {_plain(line.partner_name) for line in lines} - {''}
        named.update(partner.id for partner in customers if _plain(partner.name) in names)
        accounts = {_plain(line.account_number) for line in lines} - {''}
        banks = self.env['res.partner.bank'].search([
            ('sanitized_acc_number', 'in', [account.upper() for account in accounts]),
            ('partner_id.commercial_partner_id', 'in', customers.ids)])
        named.update(banks.partner_id.commercial_partner_id.ids)
        words = {_plain(word) for line in lines for word in re.split(r'[\s,;+&|]+', line.payment_ref or "")}
        text = " ".join(_plain(line.payment_ref) for line in lines)
        moves = self.env['account.move'].browse({decision.item.facts['move_id'] for decision in decisions})
        references = {move.id: {_plain(move.name), _plain(move.payment_reference)} - {''} for move in moves}
        named.update(
            decision.item.partner_id for decision in decisions
            if any(
                reference in words or _names(text, reference)
                for reference in references[decision.item.facts['move_id']]))
        return named

    def _get_bank_warning(self):
        """Return what to mind about the bank, or nothing."""
        if self.company_id.ar_dunning_bank_lines == 'no':
            return ""
        lines = self._get_unreconciled_lines()
        [(last,)] = self.env['account.bank.statement.line']._read_group(
            [*self._get_bank_domain(), ('is_reconciled', '=', True)], [], ['date:max'])
        newer = [line for line in lines if not last or line.date >= last]
        if not newer:
            return ""
        return self.env._(
            "%(count)s incoming bank transactions since the last reconciliation are not reconciled yet: some of these"
            " customers may have paid.", count=len(newer))

    # === DAILY CAP === #

    def _preview(self):
        """Override: who goes first is known when all customers were looked at, and these come some at a time."""
        batches = self._get_batches() if self.company_id.ar_dunning_daily_cap else ()
        if len(batches) > 1:
            self = self.with_context(**{FIRST_LETTERS: self._choose_first(batches)})
        return super()._preview()

    def _choose_first(self, batches):
        """Return the letters the cap leaves room for, as a set of (partner id, currency id)."""
        amounts = {}
        run = self.with_context(**{FIRST_LETTERS: False})
        for partner_ids in batches:
            amounts.update(self._sum_letters(run._evaluate(partner_ids)))
            self._forget_batch()
        left = max(self.company_id.ar_dunning_daily_cap - self._count_letters_today(None), 0)
        return set(self._rank_letters(amounts)[:left])

    @api.model
    def _sum_letters(self, decisions):
        """Return {(partner id, currency id): overdue amount in company currency} of what is about to be asked for."""
        amounts = defaultdict(float)
        for decision in decisions:
            if decision.result == dunning.SENT:
                amounts[decision.item.partner_id, decision.item.currency_id] += \
                    decision.amount_company if decision.item.days > 0 else 0.0
        return amounts

    @api.model
    def _rank_letters(self, amounts):
        """Return the letters in the order in which the cap lets them go: those that ask for most first."""
        return sorted(amounts, key=lambda letter: (-amounts[letter], letter))

    def _apply_daily_cap(self, decisions, partner_ids):
        """Hold back the letters above what the company sends per day."""
        cap, first = self.company_id.ar_dunning_daily_cap, self.env.context.get(FIRST_LETTERS)
        amounts = self._sum_letters(decisions) if cap and first is not False else ()
        if not amounts:
            return
        if first is None:
            left = max(cap - self._count_letters_today(partner_ids), 0)
            first = set(self._rank_letters(amounts)[:left])
        for decision in decisions:
            letter = (decision.item.partner_id, decision.item.currency_id)
            if decision.result == dunning.SENT and letter not in first:
                decision.result, decision.reason = dunning.HELD, 'daily_cap'

    def _count_letters_today(self, partner_ids):
        """Return how many letters were queued today, with the drafts of a preview that is decided anew in part."""
        timezone = pytz.timezone(self.company_id._ar_timezone())
        midnight = timezone.localize(datetime.combine(self.company_id._ar_today(), time.min))
        letters = self.env['ar.dunning.letter']
        count = letters.search_count([
            ('company_id', '=', self.company_id.id), ('state', 'not in', ('draft', 'cancelled')),
            ('date_queued', '>=', midnight.astimezone(pytz.utc).replace(tzinfo=None))])
        if partner_ids is not None and self.state in ('preview', 'to_approve'):
            count += letters.search_count([
                ('run_id', '=', self.id), ('state', '=', 'draft'), ('partner_id', 'not in', list(partner_ids))])
        return count

    # === CIRCUIT BREAKER === #

    def _finish_preview(self):
        """Override: look at the preview as a whole."""
        result = super()._finish_preview()
        run = self._in_company()
        run.write({'warning': run._get_bank_warning(), 'approval_reason': "\n".join(run._get_approval_reasons())})
        return result

    def _get_approval_reasons(self):
        """Return why a manager has to look at the run: it is bigger than it should be. Hook: others add theirs."""
        [(letters, customers)] = self.env['ar.dunning.letter']._read_group(
            [('run_id', '=', self.id), ('state', '!=', 'cancelled')], [], ['__count', 'partner_id:count_distinct'])
        if letters < BREAKER_LETTERS:
            return []
        reasons, company = [], self.company_id
        if company.ar_dunning_breaker_percent:
            everybody = self.env['ar.ledger'].aged_balance({'company_ids': company.ids, 'limit': 1})['row_count']
            if customers * 100 > company.ar_dunning_breaker_percent * everybody:
                reasons.append(self.env._(
                    "%(customers)s of %(everybody)s customers with open items would be reminded: more than %(percent)s"
                    " %%.", customers=customers, everybody=everybody, percent=company.ar_dunning_breaker_percent))
        usual = self._get_usual_letters() if company.ar_dunning_breaker_factor else None
        if usual and letters > company.ar_dunning_breaker_factor * usual:
            reasons.append(self.env._(
                "%(letters)s letters, while the last runs had %(usual)s on average: more than %(factor)s times as"
                " many.", letters=letters, usual=round(usual, 1), factor=company.ar_dunning_breaker_factor))
        return reasons

    def _get_usual_letters(self):
        """Return the mean number of letters of the last runs that had any; None when there are too few to tell.

        Runs for one customer do not count.
        """
        runs = self.search([
            ('company_id', '=', self.company_id.id), ('state', '=', 'done'), ('id', '!=', self.id),
            ('partner_id', '=', False), ('letter_ids.state', '!=', 'cancelled'),
        ], order='date_done desc, id desc', limit=USUAL_RUNS)
        if len(runs) < USUAL_RUNS_NEEDED:
            return None
        return sum(runs.mapped('letter_count')) / len(runs)

    # === APPROVAL === #

    def action_send(self):
        """Override: a manager who sends a run that is bigger than usual has approved it."""
        if self.env.su or self.env.user.has_group('ar_coordinator.group_ar_manager'):
            for run in self._lock_in_state('preview'):
                if run.approval_reason and not run.company_id.ar_dunning_approval:
                    run.approved_by_id = self.env.uid
        return super().action_send()

    def action_approve(self):
        """Override: an automatic run goes on by itself."""
        result = super().action_approve()
        if any(run.is_automatic for run in self):
            # sudo: approved by a manager, see super
            self.env.ref('ar_coordinator.ir_cron_ar_dunning_run').sudo()._trigger()
        return result

    def _ask_approval(self):
        """Override: tell the managers of the company."""
        result = super()._ask_approval()
        # sudo: who the managers are is no secret to the run
        managers = self.env.ref('ar_coordinator.group_ar_manager').sudo().all_user_ids.filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids)
        for manager in managers:
            self.activity_schedule(
                'ar_coordinator.ar_activity_approve_run', user_id=manager.id, note=self.approval_reason or "")
        return result

    def write(self, vals):
        """Override: the request is answered as soon as the run leaves the state."""
        answered = self.filtered(lambda run: run.state == 'to_approve') if 'state' in vals else self.browse()
        result = super().write(vals)
        if vals.get('state') != 'to_approve' and answered:
            answered.activity_unlink(['ar_coordinator.ar_activity_approve_run'])
        return result

    # === WORKING HOURS === #

    def _may_send_now(self):
        """Override: what nobody started by hand goes out in working hours only."""
        opens = self.is_automatic and self.company_id._ar_next_working_time()
        if opens:
            # sudo: the background job of a run that is under way
            self.env.ref('ar_coordinator.ir_cron_ar_dunning_send').sudo()._trigger(at=opens)
        return super()._may_send_now() and not opens

    @api.model
    def _run_automatically(self, company):
        """Override: start in working hours; a run of an earlier day that nobody approved gives way to today's."""
        if opens := company._ar_next_working_time():
            self.env.ref('ar_coordinator.ir_cron_ar_dunning_run')._trigger(at=opens)
            return self.browse()
        stale = self.search([
            ('company_id', '=', company.id), ('is_automatic', '=', True), ('as_of', '<', company._ar_today()),
            ('state', 'in', ('draft', 'preview', 'to_approve'))])
        stale.try_lock_for_update(allow_referencing=True).action_cancel()
        return super()._run_automatically(company)


def _plain(text):
    """Return letters and digits only, in lower case, to compare what banks and people write.

    >>> _plain("INV/2026/00012,"), _plain(None)
    ('inv202600012', '')
    """
    return re.sub(r'[\W_]+', '', text or "").casefold()


def _names(text, reference):
    """Return whether a number stands in a text, both as `_plain` leaves them, and not as a part of a longer number.

    >>> _names("reinv202600012inv202600013", "inv202600012"), _names("inv2026000129", "inv202600012")
    (True, False)
    >>> _names("10012", "0012"), _names("anno 0012x", "0012")
    (False, True)
    """
    start = text.find(reference)
    while start >= 0:
        before, after = text[start - 1:start], text[start + len(reference):start + len(reference) + 1]
        if not (reference[0].isdigit() and before.isdigit()) and not (reference[-1].isdigit() and after.isdigit()):
            return True
        start = text.find(reference, start + 1)
    return False
