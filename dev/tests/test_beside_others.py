"""Our addons beside the community's receivables addons (OCA, AGPL-3) in one database: all install, ours do their work.

The others are fetched from PyPI into the cache; nothing of them is part of this repository.
"""
import subprocess

import pytest

from dev.cache import build, cache_dir
from dev.environment import Environment, bad_records

PACKAGES = (
    "account-credit-control", "account-financial-risk", "account-reconcile-oca", "account-statement-base")
OTHERS = ("account_credit_control", "account_financial_risk", "account_reconcile_oca")

WORK = """
from datetime import date, timedelta
if not env.company.chart_template:
    env['account.chart.template'].try_loading('generic_coa', env.company, install_demo=False)
env.company.partner_id.write({'email': "ar@example.com", 'country_id': env.ref('base.us').id})
partner = env['res.partner'].create({
    'name': "Both", 'email': 'both@example.com', 'street': "1 Quay", 'credit_limit': 500})
today = date.today()

def invoice(amount, days):
    move = env['account.move'].create({
        'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': today - timedelta(days=days + 30),
        'invoice_date_due': today - timedelta(days=days),
        'invoice_line_ids': [(0, 0, {'name': "x", 'price_unit': amount, 'tax_ids': []})]})
    move.action_post()
    return move

late, paid = invoice(300, 20), invoice(100, 40)
for name in ('account.move', 'res.partner', 'res.company', 'account.payment', 'account.bank.statement.line'):
    env[name].get_view(view_type='form')
    env[name].get_view(view_type='list')
# money comes in through the bank and is matched on the statement line, as their reconciliation screen does
journal = env['account.journal'].search([('type', '=', 'bank'), ('company_id', '=', env.company.id)], limit=1)
line = env['account.bank.statement.line'].create({
    'journal_id': journal.id, 'date': today, 'payment_ref': "BANK 1", 'amount': 100})
receivable = paid.line_ids.filtered(lambda item: item.account_id.account_type == 'asset_receivable')
line._add_account_move_line(receivable)
line.reconcile_bank_line()
assert paid.payment_state in ('paid', 'in_payment'), paid.payment_state
# the next transaction is read and applied by ours; theirs shows it reconciled, may undo it and do it again
third = invoice(70, 5)
line = env['account.bank.statement.line'].create({
    'journal_id': journal.id, 'date': today, 'payment_ref': "Invoice %s" % third.name, 'amount': 70})
[proposal] = env['ar.cash']._propose(env.company)
assert proposal.line_ids.move_line_id.move_id == third, proposal.line_ids
proposal.action_apply()
assert line.is_reconciled and third.amount_residual == 0 and proposal.state == 'applied', proposal.state
proposal.action_undo()
assert not line.is_reconciled and third.amount_residual == 70, third.amount_residual
receivable = third.line_ids.filtered(lambda item: item.account_id.account_type == 'asset_receivable')
for turn in range(2):
    line.invalidate_recordset()
    line.clean_reconcile()
    line._add_account_move_line(receivable)
    line.reconcile_bank_line()
    assert line.is_reconciled and third.amount_residual == 0
    assert not env['ar.cash']._propose(env.company)
    if not turn:
        line.unreconcile_bank_line()
        assert not line.is_reconciled and third.amount_residual == 70
# a cheque over a deposit slip, and its return
fourth = invoice(50, 3)
company = env.company
company.ar_deposit_account_id = env['account.account'].create({
    'name': "Deposits in transit", 'code': '101777', 'account_type': 'asset_current', 'reconcile': True})
slip = env['ar.deposit'].create({'journal_id': journal.id, 'control_total': 50, 'line_ids': [
    (0, 0, {'partner_id': partner.id, 'kind': 'cheque', 'number': "1", 'amount': 50, 'memo': fourth.name})]})
slip.action_confirm()
assert slip.state == 'confirmed' and slip.line_ids.payment_id.amount == 50, slip.state
for proposal in env['ar.cash']._propose(company):
    proposal.action_apply()
assert fourth.amount_residual == 0, fourth.amount_residual
data = env['ar.aging.report'].get_data({'as_of': str(today)})
assert data['totals']['total'] == 300 and data['difference_to_ledger'] == 0, data['totals']
run = env['ar.dunning.run'].create({})
run.action_preview()
[letter] = run.letter_ids
assert letter.amount_total == 300 and letter.line_ids.move_id == late, letter
run.action_send()
assert letter.state == 'queued', letter.state
env['ar.credit.hold'].create({'partner_id': partner.id, 'company_id': env.company.id, 'reason': "Test"})
# their limits and lines go on working
risk = partner.read(['risk_invoice_open', 'risk_invoice_unpaid'])[0]
assert risk['risk_invoice_open'] + risk['risk_invoice_unpaid'] == 300, risk
control = env['credit.control.run'].create({'date': today})
env.cr.commit()
"""


def _run(env, *args, stdin=""):
    done = env.odoo(*args, check=False, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def others():
    """Folder with the other addons."""
    env = Environment.prepare()

    def install(folder):
        subprocess.run(
            [env.python, "-m", "pip", "install", "-q", "--no-input", "--no-deps", "--no-compile", "--target", folder,
             *(f"odoo-addon-{package}==19.0.*" for package in PACKAGES)],
            check=True, capture_output=True, text=True)
    folder = build(cache_dir() / "benchmarks" / "beside", "Fetching the community's addons from PyPI", install)
    return folder / "odoo/addons"


def test_beside_others(others):
    """Theirs first, then ours beside their data and views."""
    env = Environment.prepare()
    with env.scratch(env.base_template()) as db:
        path = ",".join(map(str, [*env.addons_path, others]))
        conf = env.conf(db, log_level="warn", addons_path=path)
        server = ("server", "-c", conf, "-d", db, "--no-http", "--stop-after-init")
        _run(env, *server, "-i", ",".join(OTHERS))
        log = _run(env, *server, "-i", ",".join(env.modules))
        assert not bad_records(log), bad_records(log)
        _run(env, "shell", "-c", conf, "-d", db, "--no-http", stdin=WORK)
