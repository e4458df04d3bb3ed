"""The cash desk points out that a bank transaction has the amount of a deposit on its way: it is matched there."""
from odoo import models


class ArCashDesk(models.AbstractModel):
    _inherit = 'ar.cash.desk'

    def _get_waiting(self, source, row):
        """Override: deposits on their way, too; their ids are negative, to be told from payments'."""
        found = super()._get_waiting(source, row)
        company = source.env['res.company'].browse(row['company_id'])
        candidates = source.env['ar.deposit']._get_in_transit(company)._get_candidates()
        return found + [
            {'id': -deposit.id, 'name': self.env._("Deposit %s", deposit.name), 'partner': "", 'model': deposit._name,
             'res_id': deposit.id}
            for deposit, transactions in candidates.items() if source in transactions]
