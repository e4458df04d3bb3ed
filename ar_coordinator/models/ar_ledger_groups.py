"""What the aged receivables are grouped by: keys in SQL, names, and the order of rows.

Every item is in exactly one group, so that the groups always add up to the total. A customer with several tags is in
the group of the first of them, by name (in the language of the database, so that everybody sees the same figures); with
a filter by tags, of the first that was asked for. Nothing (no country, no collector, ...) is a group of its own, 0.
"""
from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

SORTABLE = (
    'name', 'total', 'unapplied', 'disputed', 'promised', 'item_count', 'overdue', 'on_hold', 'oldest_days',
    'average_days', 'change', 'last_payment', 'last_payment_amount', 'limit', 'limit_used')
MEASURED = ('on_hold', 'oldest_days', 'average_days')  # only if their columns are asked for
# what is read after the query, of all rows when they are sorted by it
READ_LATER = ('last_payment', 'last_payment_amount', 'limit', 'limit_used')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    def _group_key(self, group_by, opts):
        """Return (SQL key, {alias: SQL join}) of a grouping of the table `item` (its lean columns, see
        `_items_with`); `partner`, the customer, is always joined. Hook for further groupings, with `_group_model` and
        GROUPS_BY.
        """
        joins = {'partner': SQL("LEFT JOIN res_partner partner ON partner.id = item.partner_id")}
        company = SQL("item.company_id")
        if group_by == 'salesperson':
            joins['invoice'] = SQL("LEFT JOIN account_move invoice ON invoice.id = item.move_id")
            key = SQL("COALESCE(invoice.invoice_user_id, partner.user_id)")
        elif group_by == 'collector':
            key = self._sql_of_company('ar_collector_id', 'partner', company, opts)
        elif group_by == 'risk_class':
            key = self._sql_of_company('ar_credit_class_id', 'partner', company, opts)
        elif group_by == 'country':
            key = SQL("partner.country_id")
        elif group_by == 'credit_group':
            key = SQL("partner.ar_credit_group_id")
        elif group_by == 'parent':
            joins['top'] = SQL("LEFT JOIN (%s) AS top ON top.id = item.partner_id", self._sql_parents())
            key = SQL("COALESCE(top.parent_id, item.partner_id)")
        elif group_by == 'tag':
            joins['tagged'] = SQL("LEFT JOIN (%s) AS tagged ON tagged.partner_id = item.partner_id",
                                  self._sql_tags(opts))
            key = SQL("tagged.tag_id")
        else:  # partner, currency, company, account
            key = SQL("item.%s", SQL.identifier(f'{group_by}_id'))
        return key, joins

    def _group_keys(self, groups, opts):
        """Return ([SQL key, 0 for none], SQL joins) of several groupings."""
        if set(groups) - {'partner', 'currency', 'company', 'account'}:
            self._flush_groupings()
        keys, joins = [], {}
        for group in groups:
            key, own_joins = self._group_key(group, opts)
            keys.append(SQL("COALESCE(%s, 0)", key))
            joins.update(own_joins)
        return keys, SQL(" ").join(joins.values())

    def _sql_parents(self):
        """SELECT id, parent_id: customers that belong to another one, with the one at the top."""
        return SQL(
            """WITH RECURSIVE up AS (
                SELECT own.id, above.commercial_partner_id AS parent_id, 1 AS level
                  FROM res_partner own JOIN res_partner above ON above.id = own.parent_id
                 WHERE own.commercial_partner_id = own.id
             UNION ALL
                SELECT up.id, above.commercial_partner_id, up.level + 1
                  FROM up
                  JOIN res_partner own ON own.id = up.parent_id
                  JOIN res_partner above ON above.id = own.parent_id
            )
            SELECT DISTINCT ON (id) id, parent_id FROM up ORDER BY id, level DESC""")

    def _sql_tags(self, opts):
        """SELECT partner_id, tag_id: customers that have tags, with the one they are counted under."""
        self.env['res.partner.category'].flush_model(['name'])
        wanted = [number for number in opts.get('tag_ids') or [] if number]
        condition = SQL("rel.category_id = ANY(%s)", wanted) if wanted else SQL("TRUE")
        return SQL(
            """SELECT DISTINCT ON (rel.partner_id) rel.partner_id, rel.category_id AS tag_id
                 FROM res_partner_res_partner_category_rel rel
                 JOIN res_partner_category tag ON tag.id = rel.category_id
                WHERE %s
             ORDER BY rel.partner_id, tag.name ->> 'en_US', tag.id""", condition)

    def _group_model(self, group_by):
        """Return (model of the group's records, what no record is called)."""
        return {
            'partner': ('res.partner', self.env._("No customer")),
            'parent': ('res.partner', self.env._("No customer")),
            'credit_group': ('ar.credit.group', self.env._("No credit group")),
            'salesperson': ('res.users', self.env._("No salesperson")),
            'collector': ('res.users', self.env._("No collector")),
            'country': ('res.country', self.env._("No country")),
            'tag': ('res.partner.category', self.env._("No tag")),
            'currency': ('res.currency', ""),
            'company': ('res.company', ""),
            'account': ('account.account', ""),
            'risk_class': ('ar.credit.class', self.env._("No risk class")),
        }[group_by]

    def _named_by_sql(self, group_by):
        """Whether a grouping may have thousands of rows: named in the query."""
        return group_by in ('partner', 'parent')

    def _sorted_later(self, opts):
        """Whether the order is by something that the query does not have."""
        return opts['order'].partition(' ')[0] in READ_LATER

    def _name_rows(self, rows, group_by):
        """Fill in the names of rows; those of customers come with the query."""
        model, missing = self._group_model(group_by)
        if not self._named_by_sql(group_by):
            # sudo: names of the groups the user's own items fall into
            records = self.env[model].sudo().browse([row['id'] for row in rows if row['id']])
            names = {record.id: record.display_name for record in records}
            for row in rows:
                row['name'] = names.get(row['id'])
        for row in rows:
            row['name'] = row['name'] or missing

    # === ORDER === #

    def _read_order(self, opts, columns):
        """Return (column, whether descending) of the option `order`.

        :raise UserError: an order that makes no sense
        """
        column, _blank, direction = opts['order'].partition(' ')
        if column not in (*SORTABLE, *columns) or direction.lower() not in ('', 'asc', 'desc') \
                or (column in (*MEASURED, *READ_LATER) and column not in opts['columns']) \
                or (column == 'change' and not opts['compare_to']):
            raise UserError(self.env._("Ageing cannot be sorted by %s.", opts['order']))
        return column, direction.lower() == 'desc'

    def _sql_order(self, opts, columns):
        """ORDER BY of the aged rows: '<column> [asc|desc]'; amounts of different currencies are not compared."""
        column, descending = self._read_order(opts, columns)
        expression = {
            'overdue': SQL(" + ").join(SQL.identifier(name) for name in columns[1:]),
            'change': SQL("total - before_total"),
            'average_days': SQL("weighted / NULLIF(debit, 0)"),
        }.get(column, SQL.identifier(column))
        order = SQL("%s %s NULLS LAST, key", expression, SQL("DESC") if descending else SQL())
        if opts['amounts_in'] == 'document':
            return SQL("%s, currency_id", order) if column == 'name' else SQL("currency_id, %s", order)
        return order

    def _sort_and_slice(self, rows, columns, opts):
        """What `_sql_order` and `_sql_limit` do, for rows that were named in Python."""
        column, descending = self._read_order(opts, columns)

        def value(row):
            if column in columns:
                return row['amounts'][columns.index(column)]
            if column == 'overdue':
                return sum(row['amounts'][1:])
            if column == 'change':
                return row['total'] - row['compare']['total']
            return row[column]
        rows.sort(key=lambda row: (row['id'] or 0, row.get('currency_id', 0)))
        known = [row for row in rows if value(row) is not None]
        known.sort(key=value, reverse=descending)
        rows = known + [row for row in rows if value(row) is None]
        if opts['amounts_in'] == 'document' and column != 'name':
            rows.sort(key=lambda row: row['currency_id'])
        end = None if opts['limit'] is None else opts['offset'] + opts['limit']
        return rows[opts['offset']:end]
