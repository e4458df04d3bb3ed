"""Journal items behind a cell of the aged receivables: found by the table's options, with the amount of its date.

The domain carries the options, not ids: a cell may stand for a hundred thousand items.
"""
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    def _cell_lines(self, options):
        """SELECT of the ids of the journal items behind a cell (see `open_items`)."""
        opts = self._read_options(options)
        joins, condition = self._sql_path(opts)
        return SQL(
            """(%s SELECT item.line_id FROM item
             LEFT JOIN disputed ON disputed.line_id = item.line_id
             LEFT JOIN promised ON promised.line_id = item.line_id
                  %s WHERE %s)""", self._items_with(opts), joins, condition)

    def _open_amounts(self, options, line_ids):
        """{line id: (amount open as of the date of the options, in company currency, in the item's own)}."""
        opts = self._read_options({
            name: options[name] for name in ('as_of', 'company_ids') if options.get(name)})
        return {line_id: amounts for line_id, *amounts in self.env.execute_query(SQL(
            "%s SELECT line_id, residual, residual_currency FROM item",
            self._items_with({**opts, 'line_ids': list(line_ids)})))}


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    ar_aged_cell = fields.Char(
        string="Cell of the Aged Receivables", compute='_compute_ar_aged_cell', search='_search_ar_aged_cell',
        groups='ar_coordinator.group_ar_base', help="Only to search by: the options of the report, as JSON.")
    ar_open_amount = fields.Monetary(
        string="Open", compute='_compute_ar_open_amount', currency_field='company_currency_id',
        groups='ar_coordinator.group_ar_base', help="What was open on the date of the report, in company currency.")
    ar_open_amount_currency = fields.Monetary(
        string="Open in Currency", compute='_compute_ar_open_amount', currency_field='currency_id',
        groups='ar_coordinator.group_ar_base',
        help="What was open on the date of the report, in the document's currency.")

    def _compute_ar_aged_cell(self):
        self.ar_aged_cell = False

    def _search_ar_aged_cell(self, operator, value):
        if operator != 'in':
            return NotImplemented
        domain = fields.Domain.FALSE
        for text in value:
            try:
                options = json.loads(text)
            except (TypeError, ValueError) as error:
                raise UserError(self.env._("This is not a cell of the aged receivables: %s", text)) from error
            domain |= fields.Domain('id', 'in', self.env['ar.ledger']._cell_lines(options))
        return domain

    @api.depends_context('ar_aged_options')
    def _compute_ar_open_amount(self):
        options = json.loads(self.env.context.get('ar_aged_options') or '{}')
        amounts = self.env['ar.ledger']._open_amounts(options, self._origin.ids) if self._origin else {}
        for line in self:
            line.ar_open_amount, line.ar_open_amount_currency = amounts.get(line._origin.id, (0.0, 0.0))
