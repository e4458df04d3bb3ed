"""What customers have ordered and was not invoiced yet, as parts of the exposure. The only SQL of this addon.

Of each line of a confirmed order the quantity that is left to invoice counts, at the line's price with taxes, in the
company's currency at the order's own rate. Invoices count when they are posted: from then on the open items have
them; drafts too when the company counts drafts. A down payment that was invoiced is an open item (or paid) and lowers
what is left of its order; the final invoice takes it off again, and both meet at zero.
"""
from odoo import api, models
from odoo.tools import SQL

ORDER_FIELDS = (
    'company_id', 'partner_invoice_id', 'state', 'currency_id', 'currency_rate', 'amount_total', 'validity_date')
LINE_FIELDS = (
    'order_id', 'display_type', 'is_downpayment', 'invoice_status', 'product_id', 'product_uom_id', 'product_uom_qty',
    'qty_delivered', 'price_unit', 'discount', 'price_total', 'tax_ids', 'invoice_lines')


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _get_exposure_parts(self, customers, company, figures=None):
        """Override: orders, and quotations if the company counts them; one query for both."""
        parts = super()._get_exposure_parts(customers, company, figures)
        for part, partner_id, amount in self._get_order_parts(customers, company):
            if amount:
                parts.setdefault(part, {})[partner_id] = amount
        return parts

    @api.model
    def _get_exposure_labels(self):
        """Override: names of the parts that orders add."""
        return {
            **super()._get_exposure_labels(),
            'orders': self.env._("Orders not invoiced"),
            'quotations': self.env._("Quotations sent"),
        }

    @api.model
    def _get_order_parts(self, customers, company):
        """Return [(part, commercial partner id, amount in company currency)] of all orders, in one query.

        :param customers: res.partner, commercial partners; None: all
        :param company: res.company
        """
        condition = SQL("TRUE")
        if customers is not None:
            condition = SQL("partner.commercial_partner_id = ANY(%s)", customers.ids)
        query = SQL(
            """%(orders)s
            SELECT 'orders', partner_id, SUM(total - delivered) FROM by_order GROUP BY partner_id
         UNION ALL
            SELECT 'delivered', partner_id, SUM(delivered) FROM by_order GROUP BY partner_id""",
            orders=self._with_orders(company, condition))
        if company.ar_credit_include_quotations:
            query = SQL(
                """%(query)s
         UNION ALL
            SELECT 'quotations', partner.commercial_partner_id,
                   SUM(ROUND(o.amount_total / COALESCE(NULLIF(o.currency_rate, 0), 1)::numeric, %(digits)s))
              FROM sale_order o
              JOIN res_partner partner ON partner.id = o.partner_invoice_id
             WHERE o.company_id = %(company)s AND o.state = 'sent'
               AND (o.validity_date IS NULL OR o.validity_date >= %(today)s) AND %(condition)s
          GROUP BY partner.commercial_partner_id""",
                query=query, company=company.id, today=company._ar_today(), condition=condition,
                digits=company.currency_id.decimal_places)
        self._flush_orders()
        return [(part, partner_id, float(amount)) for part, partner_id, amount in self.env.execute_query(query)]

    @api.model
    def _get_order_rest(self, orders, company):
        """Return {order id: what is left to invoice of it, in company currency} of confirmed orders."""
        self._flush_orders()
        return {order_id: float(total) for order_id, total in self.env.execute_query(SQL(
            "%s SELECT order_id, total FROM by_order",
            self._with_orders(company, SQL("o.id = ANY(%s)", orders.ids))))}

    @api.model
    def _get_orders_behind(self, customer, company):
        """Return {'orders' or 'delivered': ids of the orders that make this part of a customer's exposure}.

        :param customer: res.partner, commercial partner
        :param company: res.company
        """
        self._flush_orders()
        rows = self.env.execute_query(SQL(
            "%s SELECT order_id, total - delivered, delivered FROM by_order",
            self._with_orders(company, SQL("partner.commercial_partner_id = %s", customer.id))))
        return {
            'orders': {order_id for order_id, left, _delivered in rows if left},
            'delivered': {order_id for order_id, _left, delivered in rows if delivered}}

    def _with_orders(self, company, condition):
        """WITH clause giving `by_order`: order_id, partner_id (commercial), total, and how much of it is delivered.

        :param company: res.company; amounts are in its currency
        :param SQL condition: on the order `o` and the `partner` who gets its invoice
        """
        return SQL(
            """
            WITH wanted AS (
                SELECT o.id, partner.commercial_partner_id AS partner_id, o.currency_id,
                       COALESCE(NULLIF(o.currency_rate, 0), 1)::numeric AS rate
                  FROM sale_order o
                  JOIN res_partner partner ON partner.id = o.partner_invoice_id
                 WHERE o.company_id = %(company)s AND o.state = 'sale' AND %(condition)s
            ),
            line AS (
                SELECT wanted.id AS order_id, wanted.currency_id, wanted.rate, l.id, l.product_uom_id,
                       COALESCE(l.is_downpayment, FALSE) AND l.product_uom_qty = 0 AS is_downpayment,
                       %(target)s AS target, %(delivered)s AS delivered,
                       CASE WHEN l.product_uom_qty <> 0 THEN l.price_total / l.product_uom_qty
                            ELSE l.price_unit * (1 - COALESCE(l.discount, 0) / 100) * (1 + COALESCE(tax.rate, 0) / 100)
                        END AS price
                  FROM wanted
                  JOIN sale_order_line l ON l.order_id = wanted.id
             LEFT JOIN product_product product ON product.id = l.product_id
             LEFT JOIN product_template template ON template.id = product.product_tmpl_id
             LEFT JOIN LATERAL (
                       SELECT SUM(t.amount) AS rate
                         FROM account_tax_sale_order_line_rel rel
                         JOIN account_tax t ON t.id = rel.account_tax_id
                        WHERE rel.sale_order_line_id = l.id AND l.product_uom_qty = 0
                          AND t.amount_type = 'percent' AND %(tax_on_top)s) AS tax ON TRUE
                 WHERE l.display_type IS NULL
                   AND (l.invoice_status IN ('to invoice', 'no') OR l.id IN (%(in_drafts)s))
            ),
            invoiced AS (
                SELECT line.id,
                       SUM(sign.value * item.quantity * COALESCE(unit.factor, 1)
                           / COALESCE(NULLIF(line_unit.factor, 0), 1)) AS quantity,
                       SUM(sign.value * item.price_total * CASE
                           WHEN move.currency_id = line.currency_id THEN 1
                           ELSE line.rate / COALESCE(NULLIF(move.invoice_currency_rate, 0), 1)::numeric END) AS amount
                  FROM line
                  JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = line.id
                  JOIN account_move_line item ON item.id = rel.invoice_line_id
                  JOIN account_move move ON move.id = item.move_id
             LEFT JOIN uom_uom unit ON unit.id = item.product_uom_id
             LEFT JOIN uom_uom line_unit ON line_unit.id = line.product_uom_id,
               LATERAL (SELECT CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END AS value) AS sign
                 WHERE move.move_type IN ('out_invoice', 'out_refund', 'out_receipt') AND (%(counts)s)
              GROUP BY line.id
            ),
            rest AS (
                SELECT line.order_id, line.rate, line.is_downpayment, line.price,
                       COALESCE(invoiced.amount, 0) AS amount,
                       CASE WHEN line.target >= 0 THEN GREATEST(line.target - COALESCE(invoiced.quantity, 0), 0)
                            ELSE LEAST(line.target - COALESCE(invoiced.quantity, 0), 0) END AS quantity,
                       GREATEST(line.delivered - COALESCE(invoiced.quantity, 0), 0) AS delivered
                  FROM line
             LEFT JOIN invoiced ON invoiced.id = line.id
            ),
            summed AS (
                SELECT order_id,
                       SUM(CASE WHEN is_downpayment THEN -amount ELSE quantity * price END / rate) AS total,
                       COALESCE(SUM(LEAST(delivered, quantity) * price / rate) FILTER (WHERE NOT is_downpayment), 0)
                           AS delivered
                  FROM rest
              GROUP BY order_id
            ),
            by_order AS (
                SELECT wanted.id AS order_id, wanted.partner_id,
                       ROUND(GREATEST(summed.total, 0), %(digits)s) AS total,
                       ROUND(GREATEST(LEAST(summed.delivered, summed.total), 0), %(digits)s) AS delivered
                  FROM summed
                  JOIN wanted ON wanted.id = summed.order_id
            )""",
            company=company.id, condition=condition, target=self._sql_target(), delivered=self._sql_delivered(),
            counts=self._sql_counts(company), in_drafts=self._sql_in_drafts(company),
            tax_on_top=self._sql_tax_on_top(company), digits=company.currency_id.decimal_places)

    @api.model
    def _sql_target(self):
        """Hook: the quantity of the order line `l` that will be invoiced in the end, in its unit.

        What is invoiced by delivery (`template.invoice_policy`) is expected to be delivered as ordered.
        """
        return SQL(
            """CASE WHEN template.invoice_policy = 'delivery'
                    THEN GREATEST(l.product_uom_qty, COALESCE(l.qty_delivered, 0))
                    ELSE l.product_uom_qty END""")

    @api.model
    def _sql_delivered(self):
        """Hook: the delivered quantity of the order line `l`, where the exposure shows it as a part of its own."""
        return SQL("0::numeric")

    def _sql_tax_on_top(self, company):
        """The tax `t` is not included in the price."""
        if company.account_price_include == 'tax_included':
            return SQL("t.price_include_override = 'tax_excluded'")
        return SQL("t.price_include_override IS DISTINCT FROM 'tax_included'")

    def _sql_counts(self, company):
        """The invoice `move` is part of the exposure, so that its order is no more: posted, or a draft that counts."""
        counts = SQL("move.state = 'posted' OR move.payment_state = 'invoicing_legacy'")
        if company.ar_credit_include_drafts:
            counts = SQL("%s OR move.state = 'draft' AND move.move_type <> 'out_refund'", counts)
        return counts

    def _sql_in_drafts(self, company):
        """SELECT the order lines in draft invoices: core's status has them as invoiced."""
        return SQL(
            """SELECT draft_rel.order_line_id
                 FROM account_move draft
                 JOIN account_move_line draft_line ON draft_line.move_id = draft.id
                 JOIN sale_order_line_invoice_rel draft_rel ON draft_rel.invoice_line_id = draft_line.id
                WHERE draft.company_id = %s AND draft.state = 'draft'
                  AND draft.move_type IN ('out_invoice', 'out_refund', 'out_receipt')""", company.id)

    def _flush_orders(self):
        """What the query reads goes to the database first."""
        self.env['sale.order'].flush_model(ORDER_FIELDS)
        self.env['sale.order.line'].flush_model(LINE_FIELDS)
        self.env['account.move'].flush_model(
            ['state', 'move_type', 'payment_state', 'currency_id', 'invoice_currency_rate'])
        self.env['account.move.line'].flush_model(
            ['move_id', 'quantity', 'price_total', 'product_uom_id', 'sale_line_ids'])
        self.env['res.partner'].flush_model(['commercial_partner_id'])
        self.env['product.template'].flush_model(['invoice_policy'])
        self.env['uom.uom'].flush_model(['factor'])
        self.env['account.tax'].flush_model(['amount', 'amount_type', 'price_include_override'])
