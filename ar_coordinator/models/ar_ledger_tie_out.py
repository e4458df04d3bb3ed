"""The open items against the general ledger, and the entries behind any difference."""
from odoo import api, models
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    @api.readonly
    def tie_out(self, options=None):
        """Compare the open items with the receivable accounts of the general ledger.

        :param dict options: as_of, company_ids, partner_ids
        :return: dict: ledger (balance of all receivable accounts), open_items, difference (ledger - open items) in the
            report currency, and `differences`: list of {company_id, kind, label, amount, move_line_ids}, which add up
            to the difference; kind: `non_trade` (accounts kept out of ageing), `other_company` (matched across
            companies), `residual` (an item's stored residual does not follow from its matchings). Every company is
            compared in its own currency, what is compared is converted then. `rounding`: what the total of the aged
            receivables, whose items are converted one by one, has more than `open_items`; 0.0 with one currency
        """
        opts = self._read_options(options)
        currency, rates = self._report_currency(opts)
        ledger = self._ledger_balances(opts)
        items, total_rounded = {}, 0
        for company_id, amount, converted in self.env.execute_query(SQL(
                "%s SELECT company_id, SUM(residual), SUM(%s) FROM item GROUP BY company_id",
                self._items_with(opts, is_lean=True), self._sql_converted(SQL("item.residual"), currency, rates))):
            items[company_id] = amount
            total_rounded += converted
        differences = []
        for company in self.env['res.company'].browse(opts['company_ids']):
            trade, other = ledger.get(company.id, (0, 0))
            if other:
                differences.append({
                    'company_id': company.id, 'kind': 'non_trade', 'amount': float(other), 'move_line_ids': [],
                    'label': self.env._("%s: receivable accounts marked non-trade, kept out of ageing", company.name)})
            if trade != items.get(company.id, 0):
                differences += self._explain(opts, company, trade - items.get(company.id, 0))

        def convert(company_id, amount):
            return currency.round(float(amount) * float(rates.get(company_id, 1)))
        total_ledger = sum(
            convert(company, trade) + convert(company, other) for company, (trade, other) in ledger.items())
        total_items = sum(convert(company, amount) for company, amount in items.items())
        for difference in differences:
            difference['amount'] = convert(difference['company_id'], difference['amount'])
        return {
            'ledger': currency.round(total_ledger),
            'open_items': currency.round(total_items),
            'difference': currency.round(total_ledger - total_items),
            'rounding': currency.round(float(total_rounded) - total_items) + 0.0,
            'differences': differences,
        }

    def _ledger_balances(self, opts):
        """{company_id: (trade balance, non-trade balance)} of the receivable accounts, from the posted lines."""
        balances = {}
        for non_trade in (False, True):
            query = self._lines(opts, non_trade=non_trade)
            for company_id, balance in self.env.execute_query(SQL(
                "SELECT account_move_line.company_id, SUM(account_move_line.balance) FROM %s WHERE %s"
                " GROUP BY account_move_line.company_id",
                query.from_clause, query.where_clause or SQL("TRUE"),
            )):
                balances.setdefault(company_id, [0, 0])[non_trade] = balance
        return balances

    def _explain(self, opts, company, difference):
        """Name the entries behind a difference between the ledger and the open items of one company.

        An item's residual is balance - matchings. Summed over all items that is the ledger, unless a matching has only
        one of its sides in the report (the other one is another company's), or a stored residual is wrong.
        """
        crossing = self._crossing_items(opts, company)
        wrong = self._wrong_items(opts, company)
        found = []
        for kind, label, rows in (
            ('other_company', self.env._("%s: items matched with another company or customer", company.name), crossing),
            ('residual', self.env._(
                "%s: items whose stored residual does not follow from their matchings", company.name), wrong),
        ):
            if rows:
                found.append({
                    'company_id': company.id, 'kind': kind, 'label': label, 'move_line_ids': [row[0] for row in rows],
                    'amount': float(sum(row[1] for row in rows))})
        rest = company.currency_id.round(float(difference) - sum(part['amount'] for part in found))
        if rest:
            found.append({
                'company_id': company.id, 'kind': 'unexplained', 'amount': rest, 'move_line_ids': [],
                'label': self.env._("%s: not explained by any entry", company.name)})
        return found

    def _crossing_items(self, opts, company):
        """[(line id, amount)]: matchings with only one of their sides among the company's items of the report."""
        query = self._lines({**opts, 'company_ids': company.ids})
        lines = SQL(
            "SELECT account_move_line.id, account_move_line.balance, account_move_line.amount_residual"
            " FROM %s WHERE %s",
            query.from_clause, query.where_clause or SQL("TRUE"))
        return self.env.execute_query(SQL(
            """WITH line AS MATERIALIZED (%s)
            SELECT CASE WHEN debit.id IS NULL THEN partial.credit_move_id ELSE partial.debit_move_id END,
                   CASE WHEN debit.id IS NULL THEN -partial.amount ELSE partial.amount END
              FROM account_partial_reconcile partial
         LEFT JOIN line debit ON debit.id = partial.debit_move_id
         LEFT JOIN line credit ON credit.id = partial.credit_move_id
              JOIN account_move_line debit_line ON debit_line.id = partial.debit_move_id
              JOIN account_move_line credit_line ON credit_line.id = partial.credit_move_id
             WHERE partial.max_date <= %s
               AND (debit.id IS NULL) != (credit.id IS NULL)
               AND debit_line.parent_state = 'posted' AND credit_line.parent_state = 'posted'""",
            lines, opts['as_of']))

    def _wrong_items(self, opts, company):
        """[(line id, amount)]: items whose stored residual does not follow from their matchings."""
        query = self._lines({**opts, 'company_ids': company.ids})
        lines = SQL(
            "SELECT account_move_line.id, account_move_line.balance, account_move_line.amount_residual"
            " FROM %s WHERE %s",
            query.from_clause, query.where_clause or SQL("TRUE"))
        return self.env.execute_query(SQL(
            """WITH line AS MATERIALIZED (%s)
            SELECT line.id, line.balance - line.amount_residual - COALESCE(matched.amount, 0)
              FROM line
         LEFT JOIN (SELECT line_id, SUM(amount) AS amount FROM (
                        SELECT debit_move_id AS line_id, amount FROM account_partial_reconcile
                    UNION ALL
                        SELECT credit_move_id, -amount FROM account_partial_reconcile) AS part
                  GROUP BY line_id) AS matched ON matched.line_id = line.id
             WHERE line.balance - line.amount_residual != COALESCE(matched.amount, 0)""", lines))
