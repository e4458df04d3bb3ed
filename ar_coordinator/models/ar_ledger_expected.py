"""When open items will be paid, as far as one can say: as promised, as planned, else as the customer's habit has it.

It is the cash forecast that says so (engine/forecast.py): one day per item here, chances week by week there, from the
same promises, plans and delay curves. Nothing of it is stored: the day moves with every promise, plan and payment, and
with the days on which nothing came.
"""
import operator as operators

from odoo import api, fields, models
from odoo.fields import Domain

OPERATORS = {'<': operators.lt, '<=': operators.le, '>': operators.gt, '>=': operators.ge}


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def expected_dates(self, options=None):
        """Return when open debit items will be paid. As many queries for one item as for all of them.

        :param dict options: as_of, company_ids, partner_ids, filters (see `_read_options`)
        :return: dict of line id -> {date (None: on no day within a year), source ('promise', 'plan' or 'habit'),
            move_id}. By habit: the first day by which it is as likely paid as not, given that it is unpaid by now. In a
            plan an item is paid with the instalment that completes it, the oldest items first. The day of a promise or
            an instalment may be over.
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        rows, forecaster = self.env['ar.cash.forecast']._get_facts({**opts, 'ends': [opts['as_of']]})
        moves = {row['line_id']: row['move_id'] for row in rows}
        return {
            line_id: {'date': day, 'source': source, 'move_id': moves[line_id]}
            for line_id, (day, source) in forecaster.expected_days(rows).items()}

    def _expected_by(self, key, options):
        """Return {line id or move id: date, None for no day} of what is owed; an entry is paid with the last of its
        items.

        :param str key: 'line_id' or 'move_id'
        """
        days = {}
        for line_id, fact in self.expected_dates(options).items():
            record_id = line_id if key == 'line_id' else fact['move_id']
            known = days.get(record_id, fact['date'])
            days[record_id] = max(known, fact['date']) if known and fact['date'] else None
        return days

    def _search_expected(self, key, operator, value):
        """Return the domain of journal items (key 'line_id') or entries ('move_id') by their expected day."""
        if operator == 'in':
            wanted = {fields.Date.to_date(day) for day in value if day}
        elif operator in OPERATORS and value:
            day = fields.Date.to_date(value)
        else:
            return NotImplemented
        expected = {record_id: own for record_id, own in self._expected_by(key, {}).items() if own}
        if operator != 'in':
            return Domain('id', 'in', [
                record_id for record_id, own in expected.items() if OPERATORS[operator](own, day)])
        domain = Domain('id', 'in', [record_id for record_id, own in expected.items() if own in wanted])
        if False in value:  # nothing is open, or nobody knows
            domain |= Domain('id', 'not in', list(expected))
        return domain


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    ar_expected_date = fields.Date(
        string="Expected on", compute='_compute_ar_expected_date', search='_search_ar_expected_date',
        groups='ar_coordinator.group_ar_base',
        help="When the open item will be paid: as promised, by the payment plan, else the first day by which it is as"
             " likely paid as not, by how the customer pays. As in the cash forecast.")

    def _compute_ar_expected_date(self):
        items = self._origin.filtered(lambda line: line.account_type == 'asset_receivable' and not line.reconciled)
        expected = self.env['ar.ledger']._expected_by('line_id', {
            'company_ids': items.company_id.ids, 'partner_ids': items.partner_id.ids}) if items else {}
        for line in self:
            line.ar_expected_date = expected.get(line._origin.id)

    def _search_ar_expected_date(self, operator, value):
        return self.env['ar.ledger']._search_expected('line_id', operator, value)


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_expected_date = fields.Date(
        string="Payment Expected", compute='_compute_ar_expected_date', search='_search_ar_expected_date',
        groups='ar_coordinator.group_ar_base',
        help="When all of the invoice will be paid: as promised, by the payment plan, else the first day by which it is"
             " as likely paid as not, by how the customer pays. As in the cash forecast.")

    def _compute_ar_expected_date(self):
        moves = self._origin.filtered(lambda move: move.state == 'posted' and move.amount_residual)
        expected = self.env['ar.ledger']._expected_by('move_id', {
            'company_ids': moves.company_id.ids, 'partner_ids': moves.commercial_partner_id.ids}) if moves else {}
        for move in self:
            move.ar_expected_date = expected.get(move._origin.id)

    def _search_ar_expected_date(self, operator, value):
        return self.env['ar.ledger']._search_expected('move_id', operator, value)
