"""Deposits and cash application: a bank transaction that may be a deposit on its way is nobody's payment."""
import logging

from psycopg2 import OperationalError

from odoo import api, models

from .ar_in_transit import MODELS

_logger = logging.getLogger(__name__)


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_receipts(self, env, company):
        """Override: what may be a deposit on its way is nobody's payment."""
        found = super()._get_receipts(env, company)
        deposits = env['ar.deposit']._get_in_transit(company)
        if not deposits:
            return found
        taken = {transaction.id for candidates in deposits._get_candidates().values() for transaction in candidates}
        return {
            (currency, (kind, key)): receipt for (currency, (kind, key)), receipt in found.items()
            if kind != 'transaction' or key not in taken}

    @api.model
    def _cron_apply(self):
        """Override: deposits and returned payments first, where the company lets cash be applied by itself."""
        for company in self.env['res.company'].search([('ar_cash_automatic', '=', True)]):
            for model in MODELS:
                try:
                    with self.env.cr.savepoint():
                        self.env[model]._match_sure(company)
                except OperationalError:  # somebody works on them: the next run
                    _logger.info("%s: somebody is working on its deposits, trying again later", company.name)
        return super()._cron_apply()
