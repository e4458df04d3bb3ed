"""When customers are judged again: a queue that payments, disputes, promises, limits and due dates fill.

Filling costs one query and one insert per transaction, whatever happens in it; nobody's posting or matching waits for
an evaluation. A job empties the queue at once, in batches; every night it takes all customers, because days pass.
What stops documents is judged live and does not wait for this (see ar_credit_hold.py).
"""
import logging
from collections import defaultdict

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools import split_every

_logger = logging.getLogger(__name__)

BATCH = 4000  # customers per transaction
TOUCHED = 'ar.credit.touched'  # precommit data: {(model name, company id or None): {ids}}


class ArCreditQueue(models.Model):
    _name = 'ar.credit.queue'
    _description = "Customers to Be Judged"
    _log_access = False  # thousands of short-lived rows

    # no unique index: two transactions that touch the same customer must not wait for each other
    partner_id = fields.Many2one(comodel_name='res.partner', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(comodel_name='res.company', required=True, ondelete='cascade')

    # === FILL === #

    @api.model
    def _touch(self, model, ids):
        """Note that records of `model` changed; their customers are queued before the commit.

        :param str model: 'account.move.line', 'account.move' or 'res.partner' (in the current company)
        :param ids: iterable of ids
        """
        key = (model, self.env.company.id if model == 'res.partner' else None)
        touched = self.env.cr.precommit.data.setdefault(TOUCHED, defaultdict(set))  # by model and company
        if not touched:
            # sudo: whoever posts or pays need not know of credit control
            self.env.cr.precommit.add(self.sudo()._queue_touched)
        touched[key].update(ids)

    @api.model
    def _queue_touched(self):
        """Queue the customers of what the transaction touched."""
        touched = self.env.cr.precommit.data.pop(TOUCHED, {})
        pairs = set()
        for (model, company_id), ids in touched.items():
            if model == 'res.partner':
                pairs |= {(partner.commercial_partner_id.id, company_id)
                          for partner in self.env['res.partner'].browse(ids).exists()}
            else:
                field = 'partner_id' if model == 'account.move.line' else 'commercial_partner_id'
                domain = [('id', 'in', list(ids)), (field, '!=', False)]
                domain.append(
                    ('account_type', '=', 'asset_receivable') if model == 'account.move.line'
                    else ('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt')))
                pairs |= {
                    (partner.commercial_partner_id.id, company.id) for partner, company in
                    self.env[model]._read_group(domain, [field, 'company_id'])}
        self._put(pairs)

    @api.model
    def _put(self, pairs):
        """Queue customers, where there is anything to judge.

        :param pairs: iterable of (commercial partner id, company id)
        """
        rules = self.env['ar.credit.rule']
        wanted = [{'partner_id': partner_id, 'company_id': company_id} for partner_id, company_id in pairs
                  if rules._get_hold_rule_ids(company_id)]
        if wanted:
            self.sudo().create(wanted)  # sudo: the queue is written for everybody
            self.env.flush_all()
            self.env.ref('ar_coordinator.ir_cron_ar_credit')._trigger()

    @api.model
    def _put_all(self):
        """Queue everybody who may be held or lifted, in every company that has rules or holds."""
        # sudo: a job; every company in turn
        self = self.sudo()
        waiting = {(partner.id, company.id) for partner, company in self._read_group([], ['partner_id', 'company_id'])}
        for company in self.env['res.company'].search([('active', '=', True)]):
            ids = set(self._get_candidate_ids(company))
            self.create([
                {'partner_id': partner_id, 'company_id': company.id} for partner_id in sorted(ids)
                if (partner_id, company.id) not in waiting])

    @api.model
    def _get_candidate_ids(self, company):
        """Return the ids of the customers that rules may hold, or whose holds may end: with exposure, or on hold."""
        held = self.env['ar.credit.hold']._get_held_ids(company)
        if not self.env['ar.credit.rule']._get_hold_rule_ids(company.id):
            return held
        return [*held, *self.env['ar.ledger'].with_company(company).exposure(None, company)]

    # === EMPTY === #

    @api.model
    def _cron_nightly(self):
        """Nightly job: everybody is judged, because days passed."""
        self._put_all()
        self.env.ref('ar_coordinator.ir_cron_ar_credit')._trigger()

    @api.model
    def _cron_evaluate(self):
        """Judge who is queued, in batches; a batch that fails is judged one by one, and its trouble is logged."""
        # sudo: a job
        self = self.sudo()
        pairs = self._read_group([], ['company_id', 'partner_id'], ['id:array_agg'])
        remaining = sum(len(ids) for _company, _partner, ids in pairs)
        by_company = defaultdict(list)
        for company, partner, ids in pairs:
            by_company[company].append((partner, ids))
        for company, queued in by_company.items():
            for batch in split_every(BATCH, queued, list):
                self._evaluate_committed(company, batch)
                done = sum(len(ids) for _partner, ids in batch)
                remaining -= done
                if not self.env['ir.cron']._commit_progress(processed=done, remaining=remaining):
                    return

    def _evaluate_committed(self, company, batch):
        """Judge one batch and take it off the queue; who could not be judged stays in it for the next time."""
        holds = self.env['ar.credit.hold'].with_company(company)
        partners = self.env['res.partner'].union(*(partner for partner, _ids in batch))
        failed = self.env['res.partner']
        try:
            with self.env.cr.savepoint():
                holds._evaluate(company, partners)
        except OperationalError:  # another transaction was in the way: the job is called again
            raise
        except Exception as error:
            _logger.info("Credit of %s customers: one by one, after %s", len(partners), error)
            for partner in partners:
                try:
                    with self.env.cr.savepoint():
                        holds._evaluate(company, partner)
                except OperationalError:
                    raise
                except Exception:
                    _logger.exception("The credit of %s (%s) could not be judged", partner.display_name, partner.id)
                    failed += partner
        self.browse([row_id for partner, ids in batch if partner not in failed for row_id in ids]).unlink()


class ArCreditTurn(models.Model):
    """A row per limit that is updated by every transaction that uses it; see `ar.ledger._take_turns`."""

    _name = 'ar.credit.turn'
    _description = "Turnstile of a Credit Limit"
    _log_access = False

    name = fields.Char(required=True)
    number = fields.Integer()

    _name_uniq = models.UniqueIndex("(name)")


class ArCreditRule(models.Model):
    _inherit = 'ar.credit.rule'

    def _rules_changed(self, rules):
        """Override: rules that changed judge everybody anew, in the background."""
        result = super()._rules_changed(rules)
        cron = self.env.ref('ar_coordinator.ir_cron_ar_credit_nightly', raise_if_not_found=False)
        if cron:
            # sudo: whoever may change rules wakes the job that applies them
            cron.sudo()._trigger()
        return result


class AccountPartialReconcile(models.Model):
    _inherit = 'account.partial.reconcile'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a payment may end a hold."""
        partials = super().create(vals_list)
        self.env['ar.credit.queue']._touch('account.move.line', {
            vals[side] for vals in vals_list for side in ('debit_move_id', 'credit_move_id')})
        return partials

    def unlink(self):
        """Override: so may a match that is undone, the other way round."""
        items = (self.debit_move_id | self.credit_move_id).ids
        result = super().unlink()
        self.env['ar.credit.queue']._touch('account.move.line', items)
        return result


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    def write(self, vals):
        """Override: a due date that changes may hold a customer, or end a hold."""
        result = super().write(vals)
        if 'date_maturity' in vals:
            posted = self.filtered(lambda line: line.parent_state == 'posted')
            if posted:
                self.env['ar.credit.queue']._touch('account.move.line', posted.ids)
        return result


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: what is our fault is no exposure."""
        disputes = super().create(vals_list)
        self.env['ar.credit.queue']._touch('account.move', disputes.move_id.ids)
        return disputes

    def write(self, vals):
        """Override: see `create`."""
        result = super().write(vals)
        if {'state', 'date_closed', 'amount', 'amount_accepted', 'reason_id', 'date_held'} & set(vals):
            self.env['ar.credit.queue']._touch('account.move', self.move_id.ids)
        return result


class ArPromise(models.Model):
    _inherit = 'ar.promise'

    def write(self, vals):
        """Override: a broken promise may hold a customer."""
        result = super().write(vals)
        if 'state' in vals:
            self.env['ar.credit.queue']._put({
                (promise.partner_id.id, promise.company_id.id) for promise in self.sudo()})  # sudo: ids only
        return result
