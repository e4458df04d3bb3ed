"""What dunning knows of money that came in and is not applied yet, in the preview, at the send gate and at the last
look.

- What a proposal would pay that is sure enough for the company is not asked for, whoever applies it and when.
- Money on account is the customer's credit (ar_dunning_run.py). Where a sure proposal says which items it is for, it
  covers these, and not the oldest ones.
- Bank transactions that wait hold the customers they name (ar_dunning_limits.py), by what cash application knows, too:
  payers' names that were confirmed, and the customers of proposals that are not sure.
"""
from collections import defaultdict

from odoo import models
from odoo.tools import float_compare

from ..engine.cash import normalise_name


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_incoming(self, company):
        """Return what money that waits is surely going to pay.

        :return: ({item id: amount in its currency}, {(customer id, currency id): of it, money that is booked as the
            customer's credit already})
        """
        items, booked = defaultdict(float), defaultdict(float)
        for proposal in self._get_waiting(company):
            if proposal.is_ambiguous or float_compare(
                    proposal.confidence, company.ar_cash_threshold, precision_digits=1) < 0:
                continue
            for line in proposal.line_ids:
                items[line.move_line_id.id] += line._get_settled()
                if proposal.payment_line_id:
                    payer = proposal.payment_line_id.partner_id.commercial_partner_id
                    booked[payer.id, proposal.currency_id.id] += line.amount
        return items, booked

    def _get_waiting(self, company):
        """Return the proposals of money that is still there to be applied."""
        # sudo: clerks see no bank transactions; of the company whose reminders are made
        return self.env['ar.cash.proposal'].sudo().search([
            ('company_id', '=', company.id), ('state', '=', 'proposed'),
            '|', '&', ('statement_line_id', '!=', False), ('statement_line_id.is_reconciled', '=', False),
            '&', ('payment_line_id.reconciled', '=', False), ('payment_line_id.parent_state', '=', 'posted')])


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _split(self, rows, min_days):
        """Override: items know what waits to be applied to them; credit that is meant for them is used up."""
        considered, credits = super()._split(rows, min_days)
        items, booked = self.env['ar.cash']._get_incoming(self.company_id)
        for row in considered:
            row['incoming'] = items.get(row['id'], 0.0)
        for (partner_id, currency_id), meant in booked.items():
            amount, company_amount = credits.get(partner_id, {}).get(currency_id, (0.0, 0.0))
            if amount:
                share = max(amount - meant, 0.0) / amount
                credits[partner_id][currency_id] = (max(amount - meant, 0.0), company_amount * share)
        return considered, credits

    def _get_stops(self, rows):
        """Override: hand on what waits to be applied."""
        stops = super()._get_stops(rows)
        for row in rows:
            if row['incoming'] > 0:
                stops.setdefault(row['id'], {})['incoming'] = row['incoming']
        return stops

    def _get_customers_named_by_bank(self, decisions):
        """Override: payers' names that users confirmed, and the customers of proposals, sure or not.

        That nothing but the amount agrees (`nobody`) says nothing about who paid.
        """
        named = super()._get_customers_named_by_bank(decisions)
        customers = {decision.item.partner_id for decision in decisions}
        names = {normalise_name(line.partner_name or "") for line in self._get_unreconciled_lines()} - {''}
        aliases = self.env['ar.payer.alias'].search([
            ('company_id', '=', self.company_id.id), ('name', 'in', list(names))]) if names else ()
        named.update(alias.partner_id.commercial_partner_id.id for alias in aliases)
        named.update(
            proposal.partner_id.id for proposal in self.env['ar.cash']._get_waiting(self.company_id)
            if proposal.statement_line_id and proposal.who != 'nobody')
        return named & customers
