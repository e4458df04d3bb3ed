"""Which items count: the filters that every report takes, and what customers are grouped and filtered by.

A filter is a list of record ids; 0 (or False) in it stands for "none": `collector_ids=[0]` are the customers without
collector. Filters narrow the journal items themselves (`ar.ledger._lines`), so that a filtered report, its totals, its
files and its comparison with the general ledger are about the same entries.
"""
from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from .ar_ledger import CUSTOMER_FILTERS, FILTERS, ITEM_FILTERS


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    def _read_filters(self, options):
        """Return {filter: list of ids, or None for all}.

        :raise UserError: for what is not a list of ids
        """
        return {name: self._read_ids(name, options.get(name)) for name in FILTERS}

    def _item_filters(self, opts):
        """Domain over journal items of the filters that are about the items themselves."""
        domain = Domain.TRUE
        for name in ITEM_FILTERS:
            if opts.get(name) is not None:
                domain &= Domain(name.removesuffix('s'), 'in', opts[name])
        return domain

    def _add_customer_filters(self, query, opts):
        """Narrow `query` (over account_move_line) to the customers asked for; joins them only then."""
        wanted = {name: opts[name] for name in CUSTOMER_FILTERS if opts.get(name) is not None}
        if not wanted and not opts.get('own_user_id'):
            return
        self._flush_groupings()
        query.add_join('LEFT JOIN', 'ar_contact', 'res_partner', SQL("ar_contact.id = account_move_line.partner_id"))
        query.add_join(
            'LEFT JOIN', 'ar_customer', 'res_partner', SQL("ar_customer.id = ar_contact.commercial_partner_id"))
        if opts.get('own_user_id'):
            query.add_where(SQL("ar_customer.user_id = %s", opts['own_user_id']))
        company = SQL("account_move_line.company_id")
        for name, ids in wanted.items():
            if name == 'tag_ids':
                condition = self._sql_tagged(ids)
            else:
                if name == 'salesperson_ids':
                    query.add_join(
                        'LEFT JOIN', 'ar_move', 'account_move', SQL("ar_move.id = account_move_line.move_id"))
                column = {
                    'collector_ids': self._sql_of_company('ar_collector_id', 'ar_customer', company, opts),
                    'risk_class_ids': self._sql_of_company('ar_credit_class_id', 'ar_customer', company, opts),
                    'salesperson_ids': SQL("COALESCE(ar_move.invoice_user_id, ar_customer.user_id)"),
                    'country_ids': SQL("ar_customer.country_id"),
                    'credit_group_ids': SQL("ar_customer.ar_credit_group_id"),
                }[name]
                condition = SQL("%s = ANY(%s)", column, [number for number in ids if number])
                if not all(ids):
                    condition = SQL("(%s OR %s IS NULL)", condition, column)
            query.add_where(condition)

    def _sql_tagged(self, ids):
        """SQL condition: the customer `ar_customer` has one of the tags (0: has none)."""
        tagged = SQL(
            """ar_customer.id IN (
                SELECT partner_id FROM res_partner_res_partner_category_rel WHERE category_id = ANY(%s))""",
            [number for number in ids if number])
        if all(ids):
            return tagged
        return SQL(
            """(%s OR NOT EXISTS (SELECT FROM res_partner_res_partner_category_rel tagged
                                   WHERE tagged.partner_id = ar_customer.id))""", tagged)

    def _sql_of_company(self, name, alias, company, opts):
        """SQL for the record id in a company-dependent field of the customer, in the company of the item.

        :param str name: a many2one field of res.partner
        :param str alias: the customer's table
        :param SQL company: id of the item's company
        """
        partners = self.env['res.partner']
        column = SQL.identifier(alias, name)
        value = SQL("(%s ->> %s::text)::int", column, company)
        fallbacks = {}  # what holds for customers of whom nothing was said, by company
        for record in self.env['res.company'].browse(opts['company_ids']):
            model = partners.with_company(record)
            if fallback := partners._fields[name].get_company_dependent_fallback(model):
                fallbacks[record.id] = fallback.id
        if not fallbacks:
            return value
        cases = SQL(" ").join(SQL("WHEN %s THEN %s", key, fallback) for key, fallback in fallbacks.items())
        return SQL(
            "CASE WHEN %(customer)s IS NULL THEN NULL WHEN jsonb_exists(%(column)s, %(company)s::text) THEN %(value)s"
            " ELSE CASE %(company)s %(cases)s END END",
            customer=SQL.identifier(alias, 'id'), column=column, company=company, value=value, cases=cases)

    def _flush_groupings(self):
        """Flush what customers are filtered and grouped by."""
        self.env['res.partner'].flush_model([
            'ar_collector_id', 'ar_credit_class_id', 'ar_credit_group_id', 'category_id', 'country_id', 'parent_id',
            'user_id', 'commercial_partner_id'])
        self.env['account.move'].flush_model(['invoice_user_id'])
