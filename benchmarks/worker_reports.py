"""Jobs of a measured process about reports, see worker.py: KPIs, statements, XLSX, the first screen."""
import importlib
from pathlib import Path

PAGE = 80  # rows of the screen's first page
STATEMENT = 'ar_coordinator.report_ar_statement'


class ReportJobs:
    """Methods of worker.OdooJobs."""

    def kpi(self, env):
        return env['ar.kpi.report'].get_data({'months': 24})

    @staticmethod
    def table_kpi(data):
        """{month: [receivable, not due, overdue, over 90, sales of the window]}."""
        return {
            row['month']: [row['receivable'], row['not_due'], row['overdue'], row['over_90'], row['sales']]
            for row in data['series']}

    def screen(self, env, day=None):
        return env['ar.aging.report'].get_data({'as_of': day, 'limit': PAGE, 'offset': 0, 'tie_out': False})

    def table_screen(self, data):
        """{customer, or 'totals': [buckets ..., unapplied, total, number of items]}."""
        return {**self.table_aged(data), **self.table_aged({'rows': [{**data['totals'], 'name': "totals"}]})}

    def save_xlsx(self, env, path, day=None):
        """Write the file of `xlsx` to disk, for those who want its cells."""
        Path(path).write_bytes(env['ar.aging.report'].get_xlsx({'as_of': day}))

    # === WORKLIST === #

    def worklist_prepare(self, env):
        """Let every customer owe something overdue: copies of an open item and of what it was booked against."""
        env.cr.execute("""
            SELECT item.id, other.id
              FROM account_move_line item
              JOIN account_account account ON account.id = item.account_id AND account.account_type = 'asset_receivable'
              JOIN account_move_line other ON other.move_id = item.move_id AND other.account_id != item.account_id
              JOIN res_company company ON company.id = item.company_id AND company.currency_id = item.currency_id
             WHERE item.parent_state = 'posted' AND item.reconciled IS NOT TRUE AND item.balance > 0
               AND item.company_id = %s
             LIMIT 1""", [env.company.id])
        for line_id, sign, residual in zip(env.cr.fetchone(), (1, -1), ('amount', '0'), strict=True):
            env.cr.execute("SELECT * FROM account_move_line LIMIT 0")
            columns = [column.name for column in env.cr.description]
            put = {
                'id': "nextval('account_move_line_id_seq')", 'partner_id': 'partner.id',
                'balance': f'{sign} * amount', 'amount_currency': f'{sign} * amount',
                'debit': f'GREATEST({sign} * amount, 0)', 'credit': f'GREATEST({-sign} * amount, 0)',
                'amount_residual': residual, 'amount_residual_currency': residual,
                'date_maturity': 'CURRENT_DATE - 10 - partner.id %% 90'}
            env.cr.execute(
                'INSERT INTO account_move_line ({}) SELECT {} FROM account_move_line line, res_partner partner,'
                ' LATERAL (SELECT 100 + partner.id %% 5000 AS amount) AS own'
                " WHERE line.id = %s AND partner.name LIKE 'Customer %%'".format(
                    ", ".join(f'"{name}"' for name in columns),
                    ", ".join(put.get(name, f'line."{name}"') for name in columns)), [line_id])
        count = env.cr.rowcount
        env.cr.execute("ANALYZE account_move_line")
        env.cr.commit()
        return {'counts': {'customers': count}}

    def worklist(self, env, count):
        """The first page, with totals and counts."""
        page = env['ar.worklist'].get_page({'limit': 40})
        if page['row_count'] < 0.99 * count:  # credits cover what some of them owe
            raise AssertionError(f"{page['row_count']} of {count} customers are on the worklist.")

    # === STATEMENTS === #

    def statements_prepare(self, env, count):
        """Choose customers who owe something."""
        ids = [partner_id for partner_id in env['ar.ledger'].owing_customers() if partner_id][:count]
        self.customers = ids
        return {'counts': {'customers': len(ids)}}

    def statements(self, env):
        """The statements' data."""
        return env['ar.statement'].get_many(env['res.partner'].browse(self.customers), env.company)

    @staticmethod
    def table_statements(statements):
        """{customer and currency: total}."""
        return {
            f"{partner_id}/{table['currency_id']}": table['total']
            for partner_id, statement in statements.items() for table in statement['tables']}

    def statements_html(self, env):
        """The pages that are printed, a statement each, as a run makes them."""
        reports = env['ir.actions.report']
        for partner_id, statement in self.statements(env).items():
            page, _type = reports._render_qweb_html(
                STATEMENT, [partner_id], data={'statement': statement, 'company': env.company})
            if b'<table' not in page:
                raise AssertionError(f"The statement of customer {partner_id} has no table.")

    def peer_statements(self, env):
        return importlib.import_module('benchmarks.peer_statement').data(env['res.partner'].browse(self.customers))

    @staticmethod
    def table_peer_statements(data):
        return {
            f"{partner_id}/{currency_id}": amount for partner_id, own in data.items()
            for currency_id, amount in own.items()}

    def peer_statements_html(self, env):
        page = importlib.import_module('benchmarks.peer_statement').html(env['res.partner'].browse(self.customers))
        if page.count(b'<table') < len(self.customers):
            raise AssertionError("The peer did not render all statements.")
