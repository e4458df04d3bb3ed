"""Jobs of a measured process about credit, see worker.py: exposure of all customers, evaluation of all rules."""
import importlib

BATCH = 4000  # customers per transaction, as the background job has it
LIMIT = 2_000
# A rule of each kind; floor_reports.CREDIT says the same. Those without figures apply to nobody, but have to look.
RULES = (
    {'kind': 'over_limit'}, {'kind': 'share_used', 'percent': 80}, {'kind': 'without_credit'},
    {'kind': 'overdue_days', 'days': 60}, {'kind': 'overdue_amount', 'amount': 500},
    {'kind': 'broken_promises', 'count': 1}, {'kind': 'dunning_step', 'count': 2}, {'kind': 'review_expired'},
    {'kind': 'returned_payment', 'count': 1})


class CreditJobs:
    """Methods of worker.OdooJobs."""

    def _all_customers(self, env):
        return env['res.partner'].search([('name', 'like', 'Customer ')], order='id')

    def credit_prepare(self, env):
        """Give every customer a limit, make a rule of each kind hold, place the first holds, and keep it all."""
        customers = self._all_customers(env)
        customers.credit_limit = LIMIT
        env['ar.credit.rule'].search([]).unlink()
        env['ar.credit.rule'].create([{'name': rule['kind'], 'action': 'hold', **rule} for rule in RULES])
        env.company.ar_credit_notify = False
        self.customers = customers.ids
        self.credit_evaluate(env)
        env.cr.commit()
        return {'counts': {'customers': len(customers), 'holds': env['ar.credit.hold'].search_count([])}}

    def credit_customers(self, env):
        self.customers = self._all_customers(env).ids

    def credit_evaluate(self, env):
        """Judge every customer by every rule, in batches; holds that stand stay."""
        holds = env['ar.credit.hold'].sudo()
        placed = lifted = 0
        for start in range(0, len(self.customers), BATCH):
            customers = env['res.partner'].sudo().browse(self.customers[start:start + BATCH])
            new, ended = holds._evaluate(env.company, customers)
            placed, lifted = placed + len(new), lifted + len(ended)
            env.flush_all()
            env.invalidate_all()
        return {'counts': {'customers': len(self.customers), 'placed': placed, 'lifted': lifted}}

    def credit_held(self, env):
        return env['ar.credit.hold'].sudo()._read_group([('date_end', '=', False)], ['partner_id'], ['__count'])

    @staticmethod
    def table_credit_held(groups):
        """{customer: number of holds}."""
        return {str(partner.id): count for partner, count in groups}

    def exposure(self, env):
        return env['ar.ledger'].exposure(None, env.company)

    @staticmethod
    def table_exposure(exposure):
        """{customer: exposure}."""
        return {str(partner_id): own['exposure'] for partner_id, own in exposure.items() if own['exposure']}

    def peer_exposure_prepare(self, env):
        customers = self._all_customers(env)
        importlib.import_module('benchmarks.peer_credit').prepare(env, customers)
        self.customers = customers.ids
        env.cr.commit()
        # it takes the company's amounts of items in another currency for that currency's; customers with such are
        # left out of the comparison
        foreign = env['account.move.line']._read_group(
            [('account_type', '=', 'asset_receivable'), ('currency_id', '!=', env.company.currency_id.id)],
            ['partner_id'])
        return {'counts': {'foreign': [str(partner.id) for [partner] in foreign]}}

    def peer_exposure(self, env):
        customers = env['res.partner'].browse(self.customers)
        return importlib.import_module('benchmarks.peer_credit').exposure(customers)

    @staticmethod
    def table_peer_exposure(amounts):
        return {str(partner_id): amount for partner_id, amount in amounts.items() if amount}
