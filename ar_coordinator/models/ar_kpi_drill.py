"""What is behind a key figure: the action that opens the documents it was made of, for the same date and filters."""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..engine import kpi
from .ar_kpi_report import SCOPE
from .ar_ledger_collections import SUCCESS_DAYS
from .ar_ledger_series import SALES_TYPES

# these are amounts of the open items: the aged receivables of the day say what is behind them
AGED = {
    'dso', 'countback_dso', 'best_possible_dso', 'average_days_delinquent', 'receivable', 'overdue', 'overdue_share',
    'over_90_share'}


class ArKpiReport(models.AbstractModel):
    _inherit = 'ar.kpi.report'

    @api.model
    @api.readonly
    def get_drill(self, key, options=None):
        """Return the action that shows what a figure was made of.

        :param str key: of a figure, see `_get_definitions`; 'expected' for the weeks to come of the cash graph
        :param dict options: as_of (of the point), window_days and the filters, as `get_data`; for 'collected_week' the
            week is that of as_of
        :return: dict: an act_window action, or the client action of the aged receivables or the cash forecast
        :raise UserError: for an unknown figure
        """
        options = dict(options or {})
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({key: options[key] for key in ('as_of', *SCOPE) if key in options})
        window = self._positive(options, 'window_days', 90)
        end = opts['as_of']
        begin = end - timedelta(days=window)
        if key in AGED:
            return self._drill_screen('ar_aging_action', options, end)
        if key == 'expected':
            return self._drill_screen('ar_cash_forecast_action', options, end)
        known = {one['key'] for one in self._get_definitions()}
        make = getattr(self, f'_drill_{key}', None) if key in known else None
        if not make:
            raise UserError(self.env._("There is no key figure %s.", key))
        return {'type': 'ir.actions.act_window', 'views': [(False, 'list'), (False, 'form')], **make(opts, begin, end)}

    def _drill_screen(self, name, options, day):
        """Another report of the day, with the same filters: the options are for the screen's state."""
        action = self.env['ir.actions.actions']._for_xml_id(f'ar_coordinator.{name}')
        filters = {key: options[key] for key in SCOPE if options.get(key) and key != 'company_ids'}
        return {**action, 'params': {
            **(action['params'] or {}), 'options': {**filters, 'as_of': day.isoformat()}}}

    # === WHOSE === #

    def _of_customers(self, opts, partner='partner_id'):
        """Domain of records of the companies and customers in scope, as JSON can carry it.

        Filters on items (accounts, currencies) narrow it to the customers that have such items.

        :param str partner: path to the partner of a record; contacts count as their customer
        """
        domain = Domain('company_id', 'in', opts['company_ids'])
        customers = self.env['ar.ledger']._get_customers_in_scope(opts)
        if customers is None:
            return domain
        return domain & Domain.OR(
            Domain('company_id', '=', company_id)
            & Domain(f'{partner}.commercial_partner_id', 'in', customers.get(company_id, []))
            for company_id in opts['company_ids'])

    def _items(self, opts, begin, end):
        """Domain of receivable items posted in (begin, end]."""
        return self._of_customers(opts) & Domain([
            ('account_type', '=', 'asset_receivable'), ('account_id.non_trade', '=', False),
            ('parent_state', '=', 'posted'), ('date', '>', begin.isoformat()), ('date', '<=', end.isoformat())])

    def _drill_items(self, name, domain, view='account.view_move_line_tree'):
        return {
            'name': name, 'res_model': 'account.move.line', 'domain': list(domain),
            'views': [(self.env.ref(view).id, 'list'), (False, 'form')],
            'context': {'create': False}}

    def _drill_money(self, name, domain):
        """What came in, item by item: without what was written off with it."""
        return self._drill_items(name, domain, 'ar_coordinator.account_move_line_view_list_ar_collected')

    # === MONEY === #

    def _money(self, opts, begin, end):
        """Domain of the items that `ar.ledger._daily_collected` adds up."""
        # sudo: ids only
        imported = self.env['res.company'].browse(opts['company_ids']).sudo().ar_import_settlement_journal_id
        return self._items(opts, begin, end) & Domain('move_type', '=', 'entry') & (
            Domain('journal_id.type', 'in', ('bank', 'cash', 'credit'))
            | Domain('move_id.origin_payment_id', '!=', False) | Domain('journal_id', 'in', imported.ids))

    def _drill_collected(self, opts, _begin, end):
        return self._drill_money(
            self.env._("Collected in the Month"), self._money(opts, kpi.previous_month_end(end), end))

    def _drill_collected_week(self, opts, _begin, end):
        return self._drill_money(
            self.env._("Collected in the Week"), self._money(opts, kpi.week_start(end) - timedelta(days=1), end))

    def _drill_cei(self, opts, _begin, end):
        return self._drill_collected(opts, _begin, end)

    def _drill_average_payment_delay(self, opts, begin, end):
        """Items that were paid in the window; returned, refunded and moved money is none."""
        # sudo: ids only; which entries move money, in the companies of the report
        transfers = self.env['ar.payment.move'].sudo().search([
            ('company_id', 'in', opts['company_ids']), ('transfer_ids', '!=', False)]).transfer_ids
        exchange = self.env['res.company'].browse(opts['company_ids']).sudo().currency_exchange_journal_id
        no_item = Domain('move_type', '=', 'entry') & (
            Domain('journal_id.type', 'in', ('bank', 'cash', 'credit')) | Domain('journal_id', 'in', exchange.ids)
            | Domain('move_id.origin_payment_id', '!=', False) | Domain('move_id', 'in', transfers.ids))
        return self._drill_items(self.env._("Paid in the Window"), self._of_customers(opts) & Domain([
            ('account_type', '=', 'asset_receivable'), ('account_id.non_trade', '=', False),
            ('parent_state', '=', 'posted'),
            ('matched_credit_ids', 'any', [
                ('max_date', '>', begin.isoformat()), ('max_date', '<=', end.isoformat())])]) & ~no_item)

    # === INVOICES === #

    def _drill_sales(self, opts, begin, end):
        domain = self._of_customers(opts) & Domain([
            ('move_type', 'in', SALES_TYPES), ('state', '=', 'posted'), ('date', '>', begin.isoformat()),
            ('date', '<=', end.isoformat())])
        return {
            'name': self.env._("Sales of the Window"), 'res_model': 'account.move', 'domain': list(domain),
            'views': [(self.env.ref('account.view_out_invoice_tree').id, 'list'), (False, 'form')],
            'context': {'create': False, 'default_move_type': 'out_invoice'}}

    def _drill_turnover(self, opts, begin, end):
        return self._drill_sales(opts, begin, end)

    # === DISPUTES, PROMISES, LETTERS === #

    def _drill_disputed(self, opts, _begin, end):
        """Disputes that were open at the end of the day."""
        day = end.isoformat()
        now = Domain('date_held', '<=', day) & (Domain('date_closed', '=', False) | Domain('date_closed', '>', day))
        earlier = Domain('period_ids', 'any', [('date_held', '<=', day), ('date_closed', '>', day)])
        return {
            'name': self.env._("Disputed"), 'res_model': 'ar.dispute', 'context': {},
            'domain': list(self._of_customers(opts) & (now | earlier))}

    def _drill_disputed_share(self, opts, begin, end):
        return self._drill_disputed(opts, begin, end)

    def _drill_promise_kept_rate(self, opts, begin, end):
        return {
            'name': self.env._("Promises of the Window"), 'res_model': 'ar.promise', 'context': {},
            'domain': list(self._of_customers(opts) & Domain([
                ('state', 'in', ('kept', 'partly_kept', 'broken')), ('date_limit', '>', begin.isoformat()),
                ('date_limit', '<=', end.isoformat())]))}

    def _drill_dunning_success(self, opts, begin, end):
        """Items of letters whose days to pay ended in the window."""
        span = [(day - timedelta(days=SUCCESS_DAYS)).isoformat() for day in (begin, end)]
        return {
            'name': self.env._("Letters of the Window"), 'res_model': 'ar.dunning.letter.line', 'context': {},
            'views': [(False, 'list')],
            'domain': list(self._of_customers(opts) & Domain([
                ('state', '=', 'sent'), ('amount_asked', '>', 0), ('date', '>', span[0]), ('date', '<=', span[1])]))}


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    ar_collected_amount = fields.Monetary(
        string="Collected", compute='_compute_ar_collected_amount', currency_field='company_currency_id',
        groups='ar_coordinator.group_ar_base',
        help="The money that came with a payment's item: without write-off, discount and bank fee. Below zero: paid"
             " back.")

    def _compute_ar_collected_amount(self):
        amounts = self.env['ar.ledger']._collected_of(self._origin.ids) if self._origin else {}
        for line in self:
            line.ar_collected_amount = amounts.get(line._origin.id, 0.0)
