"""Install on a database with data, update, uninstall: nothing in the log, nothing left behind, Odoo goes on working."""
import subprocess

import pytest

from dev.environment import Environment, bad_records

LEDGER = """
company = env.company
if not company.chart_template:
    env['account.chart.template'].try_loading('generic_coa', company, install_demo=False)
partner = env['res.partner'].create({'name': "Data Before", 'email': 'before@example.com', 'credit_limit': 500})
for number in range(3):
    invoice = env['account.move'].create({
        'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': f'2026-0{number + 1}-15',
        'invoice_line_ids': [(0, 0, {'name': "x", 'price_unit': 100, 'tax_ids': []})]})
    invoice.action_post()
env['account.payment.register'].with_context(active_model='account.move', active_ids=invoice.ids).create({
    'payment_date': '2026-04-01', 'amount': 40})._create_payments()
env.cr.commit()
"""
# a user's own changes to what was installed, and records of the addon
USED = """
data = env['ar.aging.report'].get_data({'as_of': '2026-12-31'})
assert data['totals']['total'] == 260 and data['difference_to_ledger'] == 0, data
level = env['ar.dunning.level'].search([], limit=1)
level.delay_days = 4
env.ref('ar_coordinator.dispute_reason_price').sla_days = 77
move = env['account.move'].search([('move_type', '=', 'out_invoice')], limit=1)
env['ar.dispute'].create({'move_id': move.id, 'reason_id': env.ref('ar_coordinator.dispute_reason_price').id})
run = env['ar.dunning.run'].create({})
run.action_preview()
env.cr.commit()
print('LEVEL', level.id)
"""
UPDATED = """
assert env['ar.dunning.level'].browse(%d).delay_days == 4
assert env.ref('ar_coordinator.dispute_reason_price').sla_days == 77
"""
GONE = """
cr = env.cr
cr.execute("SELECT table_name FROM information_schema.tables WHERE table_name ~ '^ar_'")
tables = [name for (name,) in cr.fetchall()]
cr.execute("SELECT table_name || '.' || column_name FROM information_schema.columns WHERE column_name ~ '^ar_'")
columns = [name for (name,) in cr.fetchall()]
cr.execute("SELECT indexname FROM pg_indexes WHERE indexname ~ '_ar_'")
indexes = [name for (name,) in cr.fetchall()]
left = {
    'tables': tables, 'columns': columns, 'indexes': indexes,
    'xmlids': env['ir.model.data'].search([('module', '=', 'ar_coordinator')]).mapped('complete_name'),
    'crons': env['ir.cron'].with_context(active_test=False).search([('code', 'like', 'ar.')]).mapped('name'),
    'menus': env['ir.ui.menu'].with_context(active_test=False).search([('name', '=', "Receivables")]).mapped('name'),
}
assert not any(left.values()), left
env['account.move'].get_view(view_type='form')
env['res.partner'].get_view(view_type='form')
invoice = env['account.move'].create({
    'move_type': 'out_invoice', 'partner_id': env['res.partner'].search([('name', '=', "Data Before")]).id,
    'invoice_line_ids': [(0, 0, {'name': "after", 'price_unit': 10, 'tax_ids': []})]})
invoice.action_post()
assert invoice.state == 'posted'
"""


def _run(env, *args, stdin=""):
    done = env.odoo(*args, check=False, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-6000:]
    assert not bad_records(done.stdout), bad_records(done.stdout)
    return done.stdout


@pytest.fixture
def database():
    env = Environment.prepare()
    with env.scratch(env.base_template()) as db:
        yield env, env.conf(db, log_level="warn"), db


def test_install_update_uninstall(database):
    env, conf, db = database
    server = ("server", "-c", conf, "-d", db, "--no-http", "--stop-after-init")
    shell = ("shell", "-c", conf, "-d", db, "--no-http")
    modules = ",".join(env.modules)
    _run(env, *shell, stdin=LEDGER)
    _run(env, *server, "-i", modules)
    level = int(_run(env, *shell, stdin=USED).split("LEVEL", 1)[1].split()[0])
    _run(env, *server, "-u", modules)
    _run(env, *shell, stdin=UPDATED % level)
    _run(env, "module", "uninstall", "-c", conf, "-d", db, *env.modules)
    _run(env, *shell, stdin=GONE)
