"""What the key figures mean: name, unit, formula and where the numbers come from, for screens, files and mails."""
from odoo import api, models

from .ar_ledger_collections import SUCCESS_DAYS


class ArKpiReport(models.AbstractModel):
    _inherit = 'ar.kpi.report'

    @api.model
    def _get_definitions(self):
        """Return the key figures in the order of the dashboard.

        :return: list of dict: key (in `get_data`), label, unit ('days', 'percent', 'times' or 'amount'), formula and
            source (sentences in the user's language), better ('low', 'high' or False)
        """
        ledger = self.env._("From the open items of the day, as the aged receivables show them.")
        sales = self.env._("From posted customer invoices with tax, credit notes deducted, and the open items.")
        return [
            {'key': key, 'label': label, 'unit': unit, 'formula': formula, 'source': source, 'better': better}
            for key, label, unit, better, formula, source in (
                *self._define_dso(sales), *self._define_shares(ledger), *self._define_collecting(),
                *self._define_amounts(ledger))]

    def _define_dso(self, sales):
        """(key, label, unit, better, formula, source) of the DSO family."""
        return (
            ('dso', self.env._("DSO"), 'days', 'low', self.env._(
                "Days sales outstanding: receivables divided by the sales of the window, times its days."), sales),
            ('countback_dso', self.env._("Countback DSO"), 'days', 'low', self.env._(
                "How many days of the latest sales the receivables stand for, counted back month by month."), sales),
            ('best_possible_dso', self.env._("Best possible DSO"), 'days', 'low', self.env._(
                "The DSO if every customer paid on the due date: only what is not due yet counts."), sales),
            ('average_days_delinquent', self.env._("Average days delinquent"), 'days', 'low', self.env._(
                "DSO less best possible DSO: the part of the DSO that comes from paying late."), sales),
            ('cei', self.env._("Collection effectiveness"), 'percent', 'high', self.env._(
                "CEI: what was collected this month, in per cent of what could have been collected."), sales),
            ('average_payment_delay', self.env._("Average payment delay"), 'days', 'low', self.env._(
                "Days between due date and payment, weighted by amount, over what was paid in the window and what is"
                " overdue; early is negative."), self.env._(
                "From the matchings of invoices with payments, and the open items.")),
            ('turnover', self.env._("Receivables turnover"), 'times', 'high', self.env._(
                "Sales of the window divided by the mean of the receivables at its begin and end."), sales),
        )

    def _define_shares(self, ledger):
        """The same of the shares of what is open."""
        disputes = self.env._(
            "From the disputes that were open on the day, at most what was unpaid of their invoices.")
        return (
            ('overdue_share', self.env._("Overdue share"), 'percent', 'low', self.env._(
                "Items past their due date, in per cent of all open items; unapplied credits are not deducted."),
             ledger),
            ('over_90_share', self.env._("Over 90 days share"), 'percent', 'low', self.env._(
                "Items more than 90 days past their due date, in per cent of all open items; unapplied credits are not"
                " deducted."), ledger),
            ('disputed_share', self.env._("Disputed share"), 'percent', 'low', self.env._(
                "What customers dispute, in per cent of all open items; unapplied credits are not deducted."),
             disputes),
        )

    def _define_collecting(self):
        """The same of what collecting brings."""
        money = self.env._("From the receivable items of bank, cash and card entries and of payments, matched or not.")
        return (
            ('promise_kept_rate', self.env._("Promises kept"), 'percent', 'high', self.env._(
                "How much of what was promised came in time, on average over the promises whose last day was in the"
                " window: 100 for a kept one, 0 for a broken one."), self.env._(
                "From the promises that were judged, instalments of plans included.")),
            ('dunning_success', self.env._("Dunning success"), 'percent', 'high', self.env._(
                "What was paid within %(days)s days of a letter, in per cent of what the letter asked for, over the"
                " letters whose %(days)s days ended in the window.", days=SUCCESS_DAYS), self.env._(
                "From the items of letters that were sent, and the payments matched with them.")),
            ('collected_week', self.env._("Collected this week"), 'amount', 'high', self.env._(
                "Money that came in from Monday to the day of the report; what was paid back is deducted."), money),
            ('collected', self.env._("Collected this month"), 'amount', 'high', self.env._(
                "Money that came in from the first of the month to the day of the report; what was paid back is"
                " deducted."), money),
        )

    def _define_amounts(self, ledger):
        """The same of the amounts themselves."""
        return (
            ('receivable', self.env._("Receivables"), 'amount', False, self.env._(
                "All open items, unapplied credits deducted."), ledger),
            ('overdue', self.env._("Overdue"), 'amount', 'low', self.env._(
                "Open items past their due date; unapplied credits are not deducted."), ledger),
            ('disputed', self.env._("Disputed"), 'amount', 'low', self.env._(
                "The part of the receivables that customers dispute."), self.env._(
                "From the disputes that were open on the day, at most what was unpaid of their invoices.")),
            ('sales', self.env._("Sales"), 'amount', 'high', self.env._(
                "Invoiced in the window, with tax, credit notes deducted."), self.env._(
                "From posted customer invoices by accounting date.")),
        )
