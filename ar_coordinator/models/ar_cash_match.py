"""Matching part of an item: Odoo's `reconcile` always takes as much as both sides have."""
from odoo import api, models


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    @api.model
    def _prepare_reconciliation_amls(self, values_list, shadowed_aml_values=None):
        """Override: `ar_cash_limits` of the context ({id: most that is matched, in the item's currency}) holds."""
        limits = self.env.context.get('ar_cash_limits') or {}
        for values in values_list:
            item, limit = values['aml'], limits.get(values['aml'].id)
            residual = values['amount_residual_currency']
            if limit is not None and item.currency_id.compare_amounts(abs(residual), limit) > 0:
                share = limit / abs(residual)
                values['amount_residual_currency'] = item.currency_id.round(residual * share)
                values['amount_residual'] = item.company_currency_id.round(values['amount_residual'] * share)
        return super()._prepare_reconciliation_amls(values_list, shadowed_aml_values=shadowed_aml_values)
