"""When open items will be paid, as far as one can say: as promised, as planned, else as late as the customer usually
is.

Nothing of it is stored: the day moves with every promise, plan and payment. A day that is over means that the item is
later than that; the forecast decides what to make of it.
"""
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

HISTORY_DAYS = 730  # payments of the customer's last two years
LEAST_PAYMENTS = 3  # fewer say nothing about a habit: the due date counts
OPERATORS = {'<': SQL("<"), '<=': SQL("<="), '>': SQL(">"), '>=': SQL(">=")}


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def expected_dates(self, options=None):
        """Return when open debit items will be paid. One query for all of them.

        :param dict options: as_of, company_ids, partner_ids (see `_read_options`)
        :return: dict of line id -> {date, source ('promise', 'plan' or 'habit'), delay: the customer's median delay in
            days, None without enough payments, move_id}. In a plan an item is paid with the instalment that completes
            it, the oldest items first.
        :raise AccessError, UserError: as `open_items`
        """
        opts = self._read_options(options)
        return {
            row.pop('line_id'): row for row in self.env.execute_query_dict(SQL(
                "%s SELECT line_id, move_id, date, source, delay FROM expected", self._expected_with(opts)))}

    def _expected_with(self, opts):
        """WITH clause giving `expected`: line_id, move_id, date, source, delay of open debit items."""
        self.env['ar.promise.plan'].flush_model(['state'])
        self.env['ar.promise.instalment'].flush_model()
        self.env['account.move'].flush_model(['origin_payment_id', 'journal_id'])
        self.env['res.company'].flush_model(['ar_import_settlement_journal_id'])
        # the habit is read over the customer's whole history in the company, whatever the user's rules on entries: a
        # number of days is all that leaves
        return SQL(
            """%(with)s,
            settled AS (
                SELECT line.company_id, payer.commercial_partner_id AS partner_id,
                       MAX(other.date) - COALESCE(line.date_maturity, line.date) AS days
                  FROM account_move_line line
                  JOIN account_move invoice ON invoice.id = line.move_id
                       AND invoice.move_type IN ('out_invoice', 'out_receipt')
                  JOIN res_partner payer ON payer.id = line.partner_id
                  JOIN account_partial_reconcile partial ON partial.debit_move_id = line.id
                  JOIN account_move_line other ON other.id = partial.credit_move_id AND other.parent_state = 'posted'
                  JOIN account_move payment ON payment.id = other.move_id AND payment.move_type = 'entry'
                  JOIN account_journal journal ON journal.id = payment.journal_id
                  JOIN res_company company ON company.id = line.company_id
                 WHERE line.company_id = ANY(%(companies)s) AND line.account_id = ANY(%(accounts)s)
                       AND line.reconciled AND line.parent_state = 'posted'
                       AND line.date > %(as_of)s::date - %(history)s AND other.date <= %(as_of)s
                       AND payer.commercial_partner_id IN (SELECT partner_id FROM item)
                       AND (journal.type IN ('bank', 'cash', 'credit') OR payment.origin_payment_id IS NOT NULL
                            OR journal.id = company.ar_import_settlement_journal_id)
              GROUP BY line.id, payer.commercial_partner_id
            ),
            habit AS (
                SELECT company_id, partner_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY days)::int AS days
                  FROM settled GROUP BY company_id, partner_id HAVING COUNT(*) >= %(least)s
            ),
            planned AS (
                SELECT part.move_line_id AS line_id, MIN(rate.date) AS date
                  FROM (SELECT plan_id, move_line_id, amount, SUM(amount) OVER (
                               PARTITION BY plan_id ORDER BY date_maturity, id) AS until
                          FROM ar_promise_plan_item WHERE is_open) AS part
                  JOIN ar_promise_plan plan ON plan.id = part.plan_id AND plan.state IN ('accepted', 'running')
                  JOIN (SELECT plan_id, date, SUM(amount) OVER (PARTITION BY plan_id ORDER BY sequence) AS until
                          FROM ar_promise_instalment) AS rate
                       ON rate.plan_id = part.plan_id AND rate.until >= part.until
              GROUP BY part.move_line_id
            ),
            expected AS (
                SELECT item.line_id, item.move_id,
                       COALESCE(planned.date, promise.date_promised, item.age_date + COALESCE(habit.days, 0)) AS date,
                       CASE WHEN planned.date IS NOT NULL THEN 'plan'
                            WHEN promise.date_promised IS NOT NULL THEN 'promise' ELSE 'habit' END AS source,
                       habit.days AS delay
                  FROM item
             LEFT JOIN planned ON planned.line_id = item.line_id
             LEFT JOIN ar_promise_line promise ON promise.move_line_id = item.line_id AND promise.is_open
             LEFT JOIN habit ON habit.company_id = item.company_id AND habit.partner_id = item.partner_id
                 WHERE item.residual_currency > 0
            )""",
            **{'with': self._items_with({**opts, 'basis': 'due'})}, companies=opts['company_ids'],
            accounts=self._receivable_accounts(opts), as_of=opts['as_of'], history=HISTORY_DAYS, least=LEAST_PAYMENTS)

    def _search_expected(self, key, operator, value):
        """Return the domain of journal items (key 'line_id') or entries ('move_id') by their expected day.

        An entry is paid with the last of its items.
        """
        opts = self._read_options({})
        if operator == 'in':
            days = [fields.Date.to_date(day) for day in value if day]
            condition = SQL("MAX(date) = ANY(%s)", days)
        elif operator in OPERATORS and value:
            condition = SQL("MAX(date) %s %s", OPERATORS[operator], fields.Date.to_date(value))
        else:
            return NotImplemented
        column = SQL.identifier(key)
        rows = self.env.execute_query(SQL(
            "%s SELECT %s FROM expected GROUP BY %s HAVING %s", self._expected_with(opts), column, column, condition))
        domain = Domain('id', 'in', [record_id for [record_id] in rows])
        if operator == 'in' and False in value:  # nothing open: nothing is expected
            every = self.env.execute_query(SQL(
                "%s SELECT DISTINCT %s FROM expected", self._expected_with(opts), column))
            domain |= Domain('id', 'not in', [record_id for [record_id] in every])
        return domain


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    ar_expected_date = fields.Date(
        string="Expected on", compute='_compute_ar_expected_date', search='_search_ar_expected_date',
        groups='ar_coordinator.group_ar_base',
        help="When the open item will be paid: as promised, by the payment plan, else as late as the customer usually"
             " is.")

    def _compute_ar_expected_date(self):
        self.ar_expected_date = False
        items = self._origin.filtered(lambda line: line.account_type == 'asset_receivable' and not line.reconciled)
        expected = self.env['ar.ledger'].expected_dates({
            'company_ids': items.company_id.ids, 'partner_ids': items.partner_id.ids}) if items else {}
        for line in self:
            if fact := expected.get(line._origin.id):
                line.ar_expected_date = fact['date']

    def _search_ar_expected_date(self, operator, value):
        return self.env['ar.ledger']._search_expected('line_id', operator, value)


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_expected_date = fields.Date(
        string="Payment Expected", compute='_compute_ar_expected_date', search='_search_ar_expected_date',
        groups='ar_coordinator.group_ar_base',
        help="When all of the invoice will be paid: as promised, by the payment plan, else as late as the customer"
             " usually is.")

    def _compute_ar_expected_date(self):
        self.ar_expected_date = False
        moves = self._origin.filtered(lambda move: move.state == 'posted' and move.amount_residual)
        expected = self.env['ar.ledger'].expected_dates({
            'company_ids': moves.company_id.ids, 'partner_ids': moves.commercial_partner_id.ids}) if moves else {}
        latest = {}
        for fact in expected.values():
            latest[fact['move_id']] = max(fact['date'], latest.get(fact['move_id'], fact['date']))
        for move in self:
            move.ar_expected_date = latest.get(move._origin.id)

    def _search_ar_expected_date(self, operator, value):
        return self.env['ar.ledger']._search_expected('move_id', operator, value)
