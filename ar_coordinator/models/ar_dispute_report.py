"""Analysis of disputes: how often, how much, how long, how much of it was accepted and what it cost, by cause, product,
salesperson, customer and month.

One row per disputed invoice line; a dispute over an amount is spread over the lines of its invoice. Amounts are in
company currency, at the rate the books have for the invoice. Merged duplicates do not count.
"""
from odoo import api, fields, models
from odoo.tools import SQL, date_utils

# disputes with the rate of their invoice in the books and what was credited for them
DISPUTES = SQL(
    """SELECT dispute.*,
              COALESCE(ABS(move.amount_total_signed) / NULLIF(ABS(move.amount_total), 0), 1) AS rate,
              move.invoice_user_id,
              COALESCE(credit.amount, 0) AS amount_credited
         FROM ar_dispute dispute
    LEFT JOIN account_move move ON move.id = dispute.move_id
    LEFT JOIN (SELECT rel.dispute_id, SUM(ABS(note.amount_total_signed)) AS amount
                 FROM ar_dispute_credit_move_rel rel
                 JOIN account_move note ON note.id = rel.move_id AND note.state = 'posted'
             GROUP BY rel.dispute_id) AS credit ON credit.dispute_id = dispute.id
        WHERE dispute.merged_into_id IS NULL""")
# what each dispute is about: its lines, else the lines of the invoice
PARTS = SQL(
    """SELECT line.dispute_id, line.product_id, line.amount FROM ar_dispute_line line
    UNION ALL
       SELECT dispute.id, item.product_id, item.price_total
         FROM ar_dispute dispute
         JOIN account_move_line item ON item.move_id = dispute.move_id AND item.display_type = 'product'
        WHERE NOT EXISTS (SELECT FROM ar_dispute_line line WHERE line.dispute_id = dispute.id)""")


class ArDisputeReport(models.Model):
    _name = 'ar.dispute.report'
    _description = "Dispute Analysis"
    _auto = False
    _order = 'date_open desc'
    _rec_name = 'dispute_id'

    dispute_id = fields.Many2one(comodel_name='ar.dispute', readonly=True)
    dispute_count = fields.Integer(string="Disputes", readonly=True, aggregator='count_distinct')
    move_id = fields.Many2one(comodel_name='account.move', string="Invoice", readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", readonly=True)
    product_id = fields.Many2one(comodel_name='product.product', readonly=True)
    salesperson_id = fields.Many2one(comodel_name='res.users', readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Owner", readonly=True)
    department_id = fields.Many2one(comodel_name='ar.dispute.department', readonly=True)
    reason_id = fields.Many2one(comodel_name='ar.dispute.reason', readonly=True)
    root_cause = fields.Selection(selection=lambda self: self._get_selection('root_cause'), readonly=True)
    state = fields.Selection(selection=lambda self: self._get_selection('state'), readonly=True)
    origin = fields.Selection(selection=lambda self: self._get_selection('origin'), readonly=True)
    closed_by = fields.Selection(
        selection=lambda self: self._get_selection('closed_by'), string="Closed because", readonly=True)
    date_open = fields.Date(string="Opened on", readonly=True)
    amount = fields.Monetary(string="Disputed", readonly=True)
    amount_decided = fields.Monetary(string="Decided", readonly=True, help="Disputed amount of what is decided.")
    amount_accepted = fields.Monetary(string="Accepted", readonly=True)
    amount_credited = fields.Monetary(
        string="Cost of Credit Notes", readonly=True, help="Posted credit notes, with tax.")
    share_accepted = fields.Float(
        string="Share Accepted (%)", readonly=True, aggregator='avg', digits=(16, 1),
        help="Accepted amount by decided amount, in per cent.")
    days_to_resolve = fields.Float(
        readonly=True, aggregator='avg', digits=(16, 1),
        help="From the opening to the decision, or to the end without one.")
    weight = fields.Float(readonly=True, help="The row's share of its dispute.")

    @api.model
    def _get_selection(self, name):
        return self.env['ar.dispute']._fields[name]._description_selection(self.env)

    @property
    def _table_query(self):
        for model in ('ar.dispute', 'ar.dispute.line', 'account.move', 'account.move.line'):
            self.env[model].flush_model()
        return SQL(
            """SELECT ROW_NUMBER() OVER (ORDER BY part.dispute_id, part.product_id) AS id, part.weight, part.product_id,
                      dispute.id AS dispute_id, dispute.id AS dispute_count, dispute.move_id, dispute.company_id,
                      dispute.partner_id, dispute.invoice_user_id AS salesperson_id, dispute.user_id,
                      dispute.department_id, dispute.reason_id, dispute.root_cause, dispute.state, dispute.origin,
                      dispute.closed_by, dispute.date_open,
                      dispute.amount * dispute.rate * part.weight AS amount,
                      CASE WHEN dispute.date_decided IS NULL THEN 0
                           ELSE dispute.amount * dispute.rate * part.weight END AS amount_decided,
                      CASE WHEN dispute.date_decided IS NULL THEN 0
                           ELSE dispute.amount_accepted * dispute.rate * part.weight END AS amount_accepted,
                      dispute.amount_credited * part.weight AS amount_credited,
                      CASE WHEN dispute.date_decided IS NOT NULL
                           THEN 100 * dispute.amount_accepted / NULLIF(dispute.amount, 0) END AS share_accepted,
                      COALESCE(dispute.date_decided, dispute.date_closed) - dispute.date_open AS days_to_resolve
                 FROM (%(disputes)s) AS dispute
                 JOIN (SELECT dispute.id AS dispute_id, part.product_id,
                              COALESCE(SUM(part.amount) / NULLIF(SUM(SUM(part.amount)) OVER (
                                  PARTITION BY dispute.id), 0),
                                  1.0 / COUNT(*) OVER (PARTITION BY dispute.id)) AS weight
                         FROM ar_dispute dispute
                    LEFT JOIN (%(parts)s) AS part ON part.dispute_id = dispute.id
                     GROUP BY dispute.id, part.product_id) AS part ON part.dispute_id = dispute.id""",
            disputes=DISPUTES, parts=PARTS)

    def _read_group_select(self, aggregate_spec, query):
        """Override: ratios of sums, not means of ratios; a dispute of many lines counts once in the mean of days."""
        ratios = {
            'share_accepted:avg': ('amount_accepted', 'amount_decided'),
            'days_to_resolve:avg': ('days_to_resolve', 'weight'),
        }
        if aggregate_spec not in ratios:
            return super()._read_group_select(aggregate_spec, query)
        above, below = (self._field_to_sql(self._table, name, query) for name in ratios[aggregate_spec])
        if aggregate_spec == 'days_to_resolve:avg':
            return SQL("SUM(%(days)s * %(weight)s) / NULLIF(SUM(%(weight)s) FILTER (WHERE %(days)s IS NOT NULL), 0)",
                       days=above, weight=below)
        return SQL("100 * SUM(%s) / NULLIF(SUM(%s), 0)", above, below)

    @api.model
    @api.readonly
    def get_top_causes(self, options=None):
        """Return what customers disputed most in the quarter of a day, for the dashboard.

        :param dict options: as_of (default today), company_ids, partner_ids (see `ar.ledger`)
        :return: {date_from, date_to (ISO), currency_id, causes: at most five dict of reason_id, name, count, amount,
            credited, largest amount first}
        :raise AccessError: when the user may not read receivables
        """
        options = options or {}
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({
            name: options[name] for name in ('as_of', 'company_ids', 'partner_ids') if name in options})
        currency, rates = ledger._report_currency(opts)
        date_from, date_to = date_utils.get_quarter(opts['as_of'])
        domain = fields.Domain([
            ('date_open', '>=', date_from), ('date_open', '<=', min(date_to, opts['as_of'])),
            ('company_id', 'in', opts['company_ids'])])
        if opts['partner_ids'] is not None:
            domain &= fields.Domain('partner_id', 'in', opts['partner_ids'])
        causes = {}
        for reason, company, count, amount, credited in self._read_group(
            domain, ['reason_id', 'company_id'],
            ['dispute_count:count_distinct', 'amount:sum', 'amount_credited:sum'],
        ):
            cause = causes.setdefault(reason, {
                'reason_id': reason.id, 'name': reason.name, 'count': 0, 'amount': 0.0, 'credited': 0.0})
            rate = float(rates.get(company.id, 1))
            cause['count'] += count
            cause['amount'] += currency.round(amount * rate)
            cause['credited'] += currency.round(credited * rate)
        return {
            'date_from': date_from.isoformat(), 'date_to': date_to.isoformat(), 'currency_id': currency.id,
            'causes': sorted(causes.values(), key=lambda cause: (-cause['amount'], cause['name']))[:5]}
