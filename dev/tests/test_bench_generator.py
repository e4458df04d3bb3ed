"""The ledgers of the benchmarks are what Odoo itself would have booked."""
import subprocess

from dev.cache import REPO
from dev.environment import Environment

SCRIPT = """
import datetime
from benchmarks.generator import InconsistentLedger, Parameters, check_books, generate, validate

def open_items():
    env.cr.execute('''
        SELECT partner.name, line.date, line.date_maturity, line.balance, line.amount_residual,
               line.amount_residual_currency
          FROM account_move_line line
          JOIN account_account account ON account.id = account_id
          JOIN res_partner partner ON partner.id = line.partner_id
         WHERE account_type = 'asset_receivable' AND line.reconciled IS NOT TRUE ORDER BY 1, 2, 3, 4, 5''')
    return env.cr.fetchall()

end = datetime.date(2026, 6, 30)
with env.cr.savepoint() as savepoint:
    counts = generate(env, Parameters(invoices=300, partners=30, seed=9, end=end))
    whole = open_items()
    print('values', validate(env, sample=150))
    env.cr.execute("SELECT SUM(balance) - SUM(amount_residual) FROM account_move_line"
                   "  JOIN account_account account ON account.id = account_id WHERE account_type = 'asset_receivable'")
    print('tie-out', env.cr.fetchone()[0])
    print('kinds', counts['partial'] > 250, counts['full'] > 200, len(whole) > 30, any(row[4] < 0 for row in whole),
          any(row[4] != row[5] for row in whole))
    env.cr.execute('''
        UPDATE account_move_line SET amount_residual = amount_residual + 1 WHERE id = (
            SELECT MAX(line.id) FROM account_move_line line JOIN account_account account ON account.id = account_id
             WHERE account_type = 'asset_receivable')''')
    env.invalidate_all()
    for check in (check_books, lambda env: validate(env, sample=10_000)):
        try:
            check(env)
            print('found nothing')
        except InconsistentLedger as error:
            print('found', str(error).splitlines()[0])
    savepoint.rollback()
env.invalidate_all()
generate(env, Parameters(invoices=300, partners=30, seed=9, end=end, paid_history=0.3))
print('same open items', open_items() == whole)
"""


def test_small_ledger_is_what_odoo_computes():
    """Tied out, agreeing with Odoo's recomputation; a wrong residual is noticed; open items don't depend on how much of
    the paid history is kept."""
    env = Environment.prepare()
    with env.scratch(env.base_template()) as db:
        done = env.odoo("shell", "-c", env.conf(db), "-d", db, "--no-http", "--log-level=warn", stdin=SCRIPT,
                        check=False, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = [line.partition(" ") for line in done.stdout.splitlines()]
    facts = {key: value for key, _space, value in said}
    assert int(facts["values"]) > 5_000, done.stdout
    assert float(facts["tie-out"]) == 0, done.stdout
    assert facts["kinds"] == "True True True True True", done.stdout
    assert [value.split(":")[0] for key, _space, value in said if key == "found"] == [
        "The ledger has items whose residual is not balance minus matchings",
        "The ledger is not what Odoo computes"], done.stdout
    assert "same open items True" in done.stdout, done.stdout
