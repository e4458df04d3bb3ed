"""What customers owe and what else they have been trusted with: the exposure, in parts, for one customer or for all.

    exposure = sum of the parts: open items, less what is disputed as our fault, drafts if the company counts them,
    and what other apps add by extending `_get_exposure_parts` (orders, deliveries)

One query for the books and at most a few per other part, whatever the number of customers.
"""
from collections import defaultdict

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

FIGURES = (
    'receivable', 'not_due', 'overdue', 'unapplied', 'disputed', 'our_fault', 'overdue_checked', 'oldest_days')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def exposure(self, partners=None, company=None):
        """Return what customers owe now and their exposure, in the company's currency.

        :param partners: res.partner recordset or list of ids; contacts count as their commercial partner. None: every
            customer with anything
        :param company: res.company; the current one by default
        :return: dict of commercial partner id -> {receivable, not_due, overdue, unapplied, disputed: of the open items;
            our_fault: of disputed, what is taken out of the exposure; overdue_checked: overdue less open credits and
            less our_fault; oldest_days: of its oldest item (0: nothing); parts: {part: amount}; exposure: their sum}
        :raise AccessError: when the user may not read receivables, or not the company's
        """
        company = company or self.env.company
        self._read_options({'company_ids': company.ids})  # checks access to the receivables of the company
        customers = None if partners is None else self._get_customers(partners)
        self = self.with_company(company)
        figures = self._get_open_figures(customers, company)
        parts = self._get_exposure_parts(customers, company, figures)
        ids = set(customers.ids) if customers is not None else set().union(*parts.values())
        result, currency = {}, company.currency_id
        for partner_id in ids:
            own_parts = {part: amounts[partner_id] for part, amounts in parts.items() if amounts.get(partner_id)}
            result[partner_id] = {
                **(figures.get(partner_id) or dict.fromkeys(FIGURES, 0.0)),
                'parts': own_parts, 'exposure': currency.round(sum(own_parts.values())),
            }
        return result

    @api.model
    def _get_customers(self, partners):
        """Return the commercial partners of partners or ids. sudo: only to get from contacts to their customer."""
        ids = partners.ids if isinstance(partners, models.BaseModel) else list(partners)
        partners = self.env['res.partner'].sudo().browse(ids)
        partners.fetch(['commercial_partner_id'])  # a customer's whole row takes longer than all that is asked of it
        return partners.commercial_partner_id.sudo(self.env.su)

    @api.model
    def _get_exposure_parts(self, customers, company, figures=None):
        """Hook: return the parts of the exposure; other apps add theirs, in one query each.

        :param customers: res.partner, commercial partners; None: all. Never empty: nothing is asked then
        :param company: res.company, also the current company of `self`
        :param figures: what `_get_open_figures` returned, to save the query
        :return: dict of part -> {commercial partner id: amount in company currency}; an amount may be negative
        """
        if figures is None:
            figures = self._get_open_figures(customers, company)
        parts = {'open': {partner_id: own['receivable'] for partner_id, own in figures.items() if own['receivable']}}
        if company.ar_credit_exclude_our_fault:
            parts['our_fault'] = {
                partner_id: -own['our_fault'] for partner_id, own in figures.items() if own['our_fault']}
        return {**parts, **self._get_invoice_parts(customers, company)}

    @api.model
    def _get_exposure_labels(self):
        """Hook: return {part: what it is called on screens}, in the order they are shown."""
        return {
            'open': self.env._("Open items"),
            'our_fault': self.env._("Disputed, our fault"),
            'later': self.env._("Dated later than today"),
            'drafts': self.env._("Draft invoices"),
        }

    def _get_invoice_parts(self, customers, company):
        """Return the parts that invoices make which today's ledger does not have: one query, and a few if such
        invoices are settled.

        'later': posted, dated after today, in full: what settled them before their date is open credit in today's
        ledger. 'drafts': if the company counts them; draft credit notes may never come.
        """
        later = domain = Domain([('state', '=', 'posted'), ('date', '>', company._ar_today())])
        if company.ar_credit_include_drafts:
            domain |= Domain('state', '=', 'draft')
        whose = Domain([('company_id', '=', company.id), ('move_type', 'in', ('out_invoice', 'out_receipt'))])
        if customers is not None:
            whose &= Domain('commercial_partner_id', 'in', customers.ids)
        parts, settled = {'later': {}, 'drafts': {}}, False
        for partner, state, total, residual in self.env['account.move']._read_group(
                whose & domain, ['commercial_partner_id', 'state'],
                ['amount_total_signed:sum', 'amount_residual_signed:sum']):
            if partner and total:
                parts['drafts' if state == 'draft' else 'later'][partner.id] = total
                settled |= state == 'posted' and bool(company.currency_id.compare_amounts(total, residual))
        if settled:
            for partner_id, amount in self._get_settled_later(whose & later, company).items():
                parts['later'][partner_id] = company.currency_id.round(
                    parts['later'].get(partner_id, 0.0) - amount)
        return parts

    def _get_settled_later(self, domain, company):
        """Return {commercial partner id: what credits dated after today, too, settled of invoices}: not in the ledger.

        :param domain: Domain over account.move, the invoices
        """
        settled = defaultdict(float)
        for line, amount in self.env['account.partial.reconcile']._read_group([
                ('debit_move_id.move_id', 'any', domain), ('credit_move_id.parent_state', '=', 'posted'),
                ('credit_move_id.date', '>', company._ar_today())], ['debit_move_id'], ['amount:sum']):
            settled[line.move_id.commercial_partner_id.id] += amount
        return settled

    def _get_open_figures(self, customers, company, as_of=None, age_at=None):
        """Return {commercial partner id: FIGURES} of the customers' open items of a day (today), in one query.

        Open credits settle the oldest items first, so the oldest item that counts as overdue is the first one that
        they do not cover.
        """
        if customers is not None and not customers:
            return {}
        opts = self._read_options({'company_ids': company.ids, 'as_of': as_of, 'age_at': age_at})
        opts['partner_ids'] = None if customers is None else customers.ids
        fault = SQL("COALESCE(disputed.our_fault, 0)") if company.ar_credit_exclude_our_fault else SQL("0")
        rows = self.env.execute_query_dict(SQL(
            """
            %(with)s,
            owed AS (
                SELECT item.partner_id, item.residual, COALESCE(disputed.amount, 0) AS disputed,
                       %(fault)s AS our_fault, %(today)s - item.age_date AS days,
                       CASE WHEN item.residual > 0 THEN item.residual - %(fault)s ELSE 0 END AS checked,
                       SUM(CASE WHEN item.residual > 0 THEN item.residual - %(fault)s ELSE 0 END) OVER (
                           PARTITION BY item.partner_id ORDER BY item.age_date, item.line_id) AS running,
                       SUM(LEAST(item.residual, 0)) OVER (PARTITION BY item.partner_id) AS credits
                  FROM item
             LEFT JOIN disputed ON disputed.line_id = item.line_id
            )
            SELECT partner_id, SUM(residual) AS receivable,
                   COALESCE(SUM(residual) FILTER (WHERE residual >= 0 AND days <= 0), 0) AS not_due,
                   COALESCE(SUM(residual) FILTER (WHERE residual >= 0 AND days > 0), 0) AS overdue,
                   COALESCE(SUM(residual) FILTER (WHERE residual < 0), 0) AS unapplied,
                   SUM(disputed) AS disputed, SUM(our_fault) AS our_fault,
                   GREATEST(COALESCE(SUM(checked) FILTER (WHERE days > 0), 0) + MIN(credits), 0) AS overdue_checked,
                   COALESCE(MAX(days) FILTER (WHERE days > 0 AND checked > 0 AND running + credits > 0), 0)
                       AS oldest_days
              FROM owed
             WHERE partner_id IS NOT NULL
          GROUP BY partner_id
            """, **{'with': self._items_with(opts)}, today=opts['age_at'], fault=fault))
        return {
            row.pop('partner_id'): {
                **{name: float(value) for name, value in row.items()}, 'oldest_days': int(row['oldest_days'])}
            for row in rows}

    @api.model
    def _get_dunning_steps(self, customers, company):
        """Return {commercial partner id: reminders sent for the open, overdue item that had most of them}."""
        steps = defaultdict(int)
        self.env['ar.dunning.letter.line'].flush_model()
        self.env['account.move.line'].flush_model(['reconciled', 'amount_residual'])
        self.env['ar.dunning.level'].flush_model(['delay_days'])
        for partner_id, count in self.env.execute_query(SQL(
            """SELECT partner_id, COUNT(DISTINCT level_id)
                 FROM (%s) AS sent GROUP BY partner_id, move_line_id""", self._sent_lines(customers, company))):
            steps[partner_id] = max(steps[partner_id], count)
        return dict(steps)

    @api.model
    def _get_levels_reached(self, customers, company):
        """Return {commercial partner id: set of level ids sent for items that are still open}."""
        reached = defaultdict(set)
        self.env['ar.dunning.letter.line'].flush_model()
        self.env['account.move.line'].flush_model(['reconciled', 'amount_residual'])
        self.env['ar.dunning.level'].flush_model(['delay_days'])
        for partner_id, level_id in self.env.execute_query(SQL(
                "SELECT DISTINCT partner_id, level_id FROM (%s) AS sent", self._sent_lines(customers, company))):
            reached[partner_id].add(level_id)
        return dict(reached)

    def _sent_lines(self, customers, company):
        """SELECT partner_id, level_id, move_line_id of reminders (after the due date) for items that are open."""
        condition = SQL("TRUE") if customers is None else SQL("line.partner_id = ANY(%s)", customers.ids)
        return SQL(
            """SELECT line.partner_id, line.level_id, line.move_line_id
                 FROM ar_dunning_letter_line line
                 JOIN ar_dunning_level level ON level.id = line.level_id AND level.delay_days >= 0
                 JOIN account_move_line item ON item.id = line.move_line_id AND item.amount_residual > 0
                WHERE line.company_id = %s AND line.state IN ('queued', 'sent') AND %s""", company.id, condition)

    @api.model
    def _take_turns(self, keys):
        """Let transactions that use up the same limit pass one after the other.

        Two transactions that do not see each other's documents would both find room under the limit. The later one
        waits here and then fails to serialize, so that Odoo repeats it with the other's documents in sight.

        :param keys: iterable of texts, one per limit
        :raise psycopg2.errors.SerializationFailure: when another transaction used the limit meanwhile
        """
        keys = sorted(set(keys))  # in one order, so that no two wait for each other
        if keys:
            self.env.cr.execute(SQL(
                """INSERT INTO ar_credit_turn (name, number) SELECT key, 1 FROM unnest(%s) AS key
                    ON CONFLICT (name) DO UPDATE SET number = ar_credit_turn.number + 1""", keys))

    @api.model
    def _order_by_values(self, query, alias, values, direction, nulls):
        """Return SQL that orders a query over res.partner by figures that are not stored.

        :param dict values: {commercial partner id: number}; the others count as 0
        """
        query.add_join('LEFT JOIN', 'ar_figures', SQL(
            "(SELECT * FROM unnest(%s::int[], %s::float8[]) AS figures (partner_id, value))",
            list(values), [float(value) for value in values.values()]),
            SQL("ar_figures.partner_id = %s", SQL.identifier(alias, 'commercial_partner_id')))
        return SQL("COALESCE(ar_figures.value, 0) %s %s", direction, nulls)
