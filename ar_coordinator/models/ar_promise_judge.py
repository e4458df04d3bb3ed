"""What became of promises and plans: facts from the ledger, verdicts from engine/promises.py, effects here.

When payments of promised items are matched or undone, the promises concerned are judged before the transaction is
committed, or, if they are many, by the hourly job; that job also judges what has passed its last day, in each company's
own time zone. Every verdict is taken from all the facts again, so that it does not matter in which order things came.
"""
import logging

from psycopg2 import OperationalError

from odoo import api, models
from odoo.fields import Domain

from ..engine import promises
from .ar_promise_plan import AGREED_STATES

_logger = logging.getLogger(__name__)

AT_ONCE = 20  # promises judged with the transaction that matched their payments; more are left to the job
BATCH = 100  # promises per transaction of the job
OUTCOMES = {promises.KEPT: 'in_time', promises.PARTLY_KEPT: 'part_in_time', promises.BROKEN: 'not_in_time'}


def engine_items(lines):
    """Return ({id of promised or planned line: engine item}, lines that cannot be judged now).

    A line waits while its invoice is a draft: nobody knows what will be open on it.

    :param lines: ar.promise.line or ar.promise.plan.item, as superuser
    """
    ledger = lines.env['ar.ledger']
    item_ids = lines.move_line_id.ids
    residuals, settlements = ledger.residuals_of(item_ids), ledger.payments_of(item_ids)
    items, waiting = {}, lines.browse()
    for line in lines:
        fact = residuals.get(line.move_line_id.id)
        state = fact['state'] if fact else line.move_id.state
        if state == 'draft' or (not fact and state == 'posted'):
            waiting += line
            continue
        items[line.id] = promises.Item(
            id=line.id, promised=line.amount, residual=fact['residual'] if fact and state == 'posted' else 0.0,
            settlements=tuple(
                promises.Settlement(payment['line_id'], payment['date'], payment['amount'], payment['is_payment'])
                for payment in settlements.get(line.move_line_id.id, ()) if payment['is_posted']),
            before=tuple((int(number), amount) for number, amount in (line.settled_before or {}).items()))
    return items, waiting


def relink(lines):
    """Give lines whose item is gone (invoice reset to draft, changed, posted again) an item of the same invoice."""
    for line in lines.filtered(lambda line: not line.move_line_id and line.move_id.state == 'posted'):
        items = line.move_id.line_ids.filtered(lambda item: item.account_type == 'asset_receivable')
        taken = lines.filtered(lambda other, line=line: other.move_id == line.move_id).move_line_id
        free = (items - taken).sorted(
            lambda item, line=line: (item.date_maturity != line.date_maturity, item.date_maturity or item.date))
        line.move_line_id = free[:1] or items[:1]


def update_paid(lines, items):
    """Write what was paid since on promised or planned lines.

    :param dict items: {line id: engine item}; lines that are not in it stay as they are
    """
    for line in lines:
        if line.id in items:
            paid = line.currency_id.round(sum(amount for _day, amount in items[line.id].new_payments()))
            if line.currency_id.compare_amounts(line.amount_paid, paid):
                line.amount_paid = paid


class ArPromise(models.Model):
    _inherit = 'ar.promise'

    def _judge(self):
        """Judge promises from today's facts; those of plans with their plan. Ended ones may come back."""
        self = self.sudo()  # states are guarded, and all payments of the items count, whoever looks
        self.plan_id._judge()
        own = self.filtered(lambda promise: not promise.plan_id and (
            promise.state != 'withdrawn' or promise.outcome == 'cleared'))
        relink(own.line_ids)
        items, waiting = engine_items(own.line_ids)
        for company, ours in own.grouped('company_id').items():
            today = company._ar_today()
            for promise in ours - waiting.promise_id:
                verdict = promises.judge(
                    [items[line.id] for line in promise.line_ids], promise.date_limit, today,
                    promise.currency_id.decimal_places)
                promise._apply(verdict, today)
        update_paid(own.line_ids, items)
        self.filtered('to_judge').to_judge = False

    def _apply(self, verdict, today):
        """Write a verdict; a promise that would be open again stays ended when its items were promised anew."""
        self.ensure_one()
        if self.currency_id.compare_amounts(self.amount_in_time, verdict.paid):
            self.amount_in_time = verdict.paid
        if verdict.state == promises.CLEARED:
            self._move('withdrawn', 'cleared', today)
        elif verdict.state == promises.OPEN:
            if self.state != 'open' and not self._are_items_promised_anew():
                self._move('open', False, today)
        else:
            self._move(verdict.state, OUTCOMES[verdict.state], today)

    def _move(self, state, outcome, today):
        """Change state if it is another one, with the task that goes with it."""
        if (self.state, self.outcome) == (state, outcome):
            return
        self.write({
            'state': state, 'outcome': outcome, 'date_ended': today if state != 'open' else False})
        self._update_task()

    def _are_items_promised_anew(self):
        """Return whether another open promise or plan is about the same items."""
        items = self.line_ids.move_line_id.ids
        return bool(
            self.env['ar.promise.line'].search_count([
                ('move_line_id', 'in', items), ('is_open', '=', True), ('promise_id', '!=', self.id)], limit=1)
            or self.env['ar.promise.plan.item'].search_count([
                ('move_line_id', 'in', items), ('is_open', '=', True), ('plan_id', '!=', self.plan_id.id)], limit=1))

    def _update_task(self):
        """Give the collector a task for a promise that was not kept; take it back when it was kept after all."""
        for promise in self.filtered(lambda promise: not promise.plan_id):
            if promise.state in ('broken', 'partly_kept'):
                promise.activity_schedule(
                    'ar_coordinator.ar_activity_broken_promise', date_deadline=promise.company_id._ar_today(),
                    summary=self.env._(
                        "%(customer)s did not pay %(amount)s as promised", customer=promise.partner_id.name,
                        amount=promise.currency_id.format(promise.amount - promise.amount_in_time)),
                    user_id=promise.user_id._ar_on_duty(promise.company_id).id or False)
            else:
                promise.activity_unlink(['ar_coordinator.ar_activity_broken_promise'])

    # === WHEN === #

    @api.model
    def _payments_changed(self, item_ids):
        """Note that payments of items were matched or undone: their promises are judged before the commit."""
        touched = self.env.cr.precommit.data.setdefault('ar.promise.items', set())
        if not touched:
            # sudo: whoever works with payments need not know of promises
            self.env.cr.precommit.add(self.sudo()._judge_touched)
        touched.update(item_ids)

    @api.model
    def _judge_touched(self):
        """Judge the promises and plans of items whose payments changed; what fails or is too much waits for the job."""
        item_ids = list(self.env.cr.precommit.data.pop('ar.promise.items', ()))
        touched = self._of_items(item_ids)
        plans = self.env['ar.promise.plan']._of_items(item_ids)
        if not touched and not plans:
            return
        if len(touched) + len(plans) <= AT_ONCE:
            try:
                with self.env.cr.savepoint():
                    touched._judge()
                    plans._judge()
                return
            except OperationalError:  # the whole transaction has to start again
                raise
            except Exception:  # never in the way of booking a payment
                _logger.exception("%s, %s could not be judged, the job will try again", touched, plans)
        touched.to_judge = True
        plans.to_judge = True
        self.env.flush_all()
        self.env.ref('ar_coordinator.ir_cron_ar_promise')._trigger()

    @api.model
    def _of_items(self, item_ids):
        """Return the promises that payments of these items may change."""
        return self.search(
            Domain('line_ids.move_line_id', 'in', item_ids) & Domain('plan_id', '=', False)
            & (Domain('state', '!=', 'withdrawn') | Domain('outcome', '=', 'cleared')))

    @api.model
    def _to_judge(self, company, today):
        """Return the promises of a company to be judged on a day: those past their last day, and those marked."""
        return self.search(Domain('company_id', '=', company.id) & (
            Domain('to_judge', '=', True)
            | (Domain('state', '=', 'open') & Domain('date_limit', '<', today))))

    @api.model
    def _cron_judge(self):
        """Hourly job: judge what is past its last day or was marked, company by company; end offers out of date.

        One promise's trouble stops no other.
        """
        waiting = self._read_group(
            ['|', ('to_judge', '=', True), ('state', '=', 'open')], ['company_id'])
        waiting += self.env['ar.promise.plan']._read_group(
            ['|', ('to_judge', '=', True), ('state', '=', 'proposed')], ['company_id'])
        for company in self.env['res.company'].union(*(company for [company] in waiting)):
            inside = self.with_company(company).with_context(allowed_company_ids=company.ids)
            today = company._ar_today()
            plans = inside.env['ar.promise.plan']
            for records in (
                    inside._to_judge(company, today), plans._to_judge(company), plans._out_of_date(company, today)):
                inside._judge_in_batches(records)

    def _judge_in_batches(self, records):
        """Judge promises or plans, some per transaction, and one by one where that fails."""
        batches = [records[number:number + BATCH] for number in range(0, len(records), BATCH)]
        done = 0
        for batch in batches:
            try:
                batch._judge()
                self.env.flush_all()
            except OperationalError:
                self.env.cr.rollback()
                _logger.info("%s: somebody is working on them, trying again later", batch)
                self.env.ref('ar_coordinator.ir_cron_ar_promise')._trigger()
            except Exception as error:
                self.env.cr.rollback()
                _logger.info("%s: judged one by one, after %s", batch, error)
                for record in batch:
                    record._judge_alone()
            done += len(batch)
            self.env['ir.cron']._commit_progress(len(batch), remaining=len(records) - done)

    def _judge_alone(self):
        """Judge one record; what fails is logged and tried again by the next job."""
        try:
            with self.env.cr.savepoint():
                self._judge()
        except OperationalError:
            _logger.info("%s: somebody is working on it, trying again later", self)
        except Exception:
            _logger.exception("%s could not be judged", self)


class ArPromisePlan(models.Model):
    _inherit = 'ar.promise.plan'

    _judge_alone = ArPromise._judge_alone

    def _judge(self):
        """Judge plans from today's facts: instalments, the promise of the one whose turn it is, the plan itself."""
        self = self.sudo()  # as for promises
        self._expire()
        judged = self.filtered(lambda plan: plan.date_accepted)
        relink(judged.item_ids)
        items, waiting = engine_items(judged.item_ids)
        for plan in judged - waiting.plan_id:
            today = plan.company_id._ar_today()
            own = [items[item.id] for item in plan.item_ids]
            state, verdicts = promises.judge_plan(
                own, [(line.id, line.date, line.amount) for line in plan.instalment_ids], plan.grace_days, today,
                plan.currency_id.decimal_places)
            update_paid(plan.item_ids, items)
            if plan.state != 'cancelled' or plan.is_cleared:
                plan._apply(state, verdicts, {item.id: items[item.id] for item in plan.item_ids})
        lines = judged.promise_ids.line_ids
        relink(lines)
        update_paid(lines, engine_items(lines)[0])
        # nothing can be promised of items matched with drafts in full: the job looks again
        later = (judged - waiting.plan_id).filtered(
            lambda plan: plan.state in AGREED_STATES and 'open' not in plan.promise_ids.mapped('state'))
        later.filtered(lambda plan: not plan.to_judge).to_judge = True
        (self - later).filtered('to_judge').to_judge = False

    def _apply(self, state, verdicts, facts):
        """Write a verdict: first what ends, then the promise of the instalment whose turn it is."""
        self.ensure_one()
        if state == promises.CLEARED:
            self._clear()
            return
        first = next((line for line in self.instalment_ids if verdicts[line.id][0] != promises.KEPT), None)
        if state in (promises.OPEN, promises.BROKEN) and self.state not in AGREED_STATES and self._are_items_taken():
            return  # it ended, and something else was agreed since
        for line in self.instalment_ids:
            own, paid, _left = verdicts[line.id]
            is_later = first and line.sequence > first.sequence
            if own == promises.OPEN and is_later:
                own = 'planned'
            if state == promises.BROKEN and is_later:
                own = 'void'
            if (line.state, line.amount_paid) != (own, paid):
                line.write({'state': own, 'amount_paid': paid})
            if line.promise_id and (not is_later or line.promise_id.state == 'open') and own != promises.OPEN:
                line.promise_id._end_instalment(own, verdicts[line.id])
        if state == promises.KEPT:
            self._move('fulfilled')
        elif state == promises.BROKEN:
            self._move('broken')
        else:
            self._move('running' if any(paid for _state, paid, _left in verdicts.values()) else 'accepted')
            self._open_instalment(first, verdicts[first.id], facts)

    def _clear(self):
        """Cancel a plan of which nothing is left to be paid, and nothing was; it comes back if that is undone."""
        if self.is_cleared:
            return
        self.promise_ids.filtered(lambda promise: promise.state != 'withdrawn')._end('cleared')
        self.instalment_ids.write({'state': 'void', 'amount_paid': 0})
        self._finish('cancelled')
        self.is_cleared = True
        self.message_post(body=self.env._("Everything was cleared without payment: there is nothing left to pay."))

    def _move(self, state):
        """Change the plan's state if it is another one, with the task that goes with it."""
        if self.state == state:
            return
        ended = state in ('fulfilled', 'broken')
        self.write({
            'state': state, 'date_ended': self.company_id._ar_today() if ended else False, 'is_cleared': False})
        if state == 'broken':
            self.activity_schedule(
                'ar_coordinator.ar_activity_broken_promise', date_deadline=self.company_id._ar_today(),
                summary=self.env._(
                    "%(customer)s missed an instalment: %(amount)s are due again", customer=self.partner_id.name,
                    amount=self.currency_id.format(self.amount - self.amount_paid)),
                user_id=self.user_id.id or False)
        else:
            self.activity_unlink(['ar_coordinator.ar_activity_broken_promise'])

    def _open_instalment(self, line, verdict, facts):
        """See to it that the instalment whose turn it is has an open promise over what is missing."""
        promise = line.promise_id
        if promise and promise.state != 'open':
            self.env['ar.promise.line'].flush_model(['is_open'])  # what ended frees its items first
            promise.write({'state': 'open', 'outcome': False, 'date_ended': False})
        if promise:
            return
        # less what is matched with drafts: it may be judged as open, but cannot be promised
        residuals = self.env['ar.ledger'].residuals_of(self.item_ids.move_line_id.ids)
        spread = promises.allocate(
            verdict[2], [
                (item, min(facts[item.id].residual, residuals[item.move_line_id.id]['owed']))
                for item in self.item_ids if item.move_line_id.id in residuals],
            self.currency_id.decimal_places)
        if not spread:
            return
        items = self.env['account.move.line'].union(*(item.move_line_id for item in spread))
        line.promise_id = self.env['ar.promise'].with_context(ar_promise_of_plan=True)._promise(
            items, max(line.date, self.company_id._ar_today()),
            {item.move_line_id.id: amount for item, amount in spread.items()}, origin='plan',
            tolerance_days=self.grace_days)
        line.promise_id.write({'plan_id': self.id, 'user_id': self.user_id.id})

    def _are_items_taken(self):
        """Return whether an open promise or another plan is about the same items."""
        items = self.item_ids.move_line_id.ids
        return bool(
            self.env['ar.promise.line'].search_count([
                ('move_line_id', 'in', items), ('is_open', '=', True), ('plan_id', '!=', self.id)], limit=1)
            or self.env['ar.promise.plan.item'].search_count([
                ('move_line_id', 'in', items), ('is_open', '=', True), ('plan_id', '!=', self.id)], limit=1))

    def _expire(self):
        """End offers whose day has passed without an answer."""
        for plan in self.filtered(lambda plan: plan.state == 'proposed' and plan.date_valid):
            if plan.date_valid < plan.company_id._ar_today():
                plan._finish('cancelled')
                plan.message_post(body=self.env._("The offer has ended without an answer of the customer."))

    @api.model
    def _of_items(self, item_ids):
        """Return the agreed plans that payments of these items may change."""
        return self.search([('item_ids.move_line_id', 'in', item_ids), ('date_accepted', '!=', False)])

    @api.model
    def _to_judge(self, company):
        """Return the marked plans of a company; those with a missed instalment come with its promise."""
        return self.search([('company_id', '=', company.id), ('to_judge', '=', True)])

    @api.model
    def _out_of_date(self, company, today):
        """Return the offers of a company that have ended without an answer."""
        return self.search([
            ('company_id', '=', company.id), ('state', '=', 'proposed'), ('date_valid', '<', today)])


class ArPromiseOfPlan(models.Model):
    _inherit = 'ar.promise'

    def _end_instalment(self, state, verdict):
        """Give the promise of an instalment the verdict of its plan; one whose turn is not yet again is withdrawn."""
        self.ensure_one()
        today = self.company_id._ar_today()
        if state in OUTCOMES:
            self._move(state, OUTCOMES[state], today)
            self.amount_in_time = min(verdict[1], self.amount)
        else:
            self._move('withdrawn', 'plan_ended', today)


class AccountPartialReconcile(models.Model):
    _inherit = 'account.partial.reconcile'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: promises are judged from the payments matched with their items."""
        partials = super().create(vals_list)
        self.env['ar.promise']._payments_changed(
            {vals[side] for vals in vals_list for side in ('debit_move_id', 'credit_move_id')})
        return partials

    def unlink(self):
        """Override: undoing a match judges again."""
        items = self.debit_move_id | self.credit_move_id
        result = super().unlink()
        self.env['ar.promise']._payments_changed(items.ids)
        return result
