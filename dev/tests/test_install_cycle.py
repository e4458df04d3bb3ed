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
    'move_type': 'out_invoice', 'partner_id': env['res.partner'].search([('name', '=', "Data Before")], limit=1).id,
    'invoice_line_ids': [(0, 0, {'name': "after", 'price_unit': 10, 'tax_ids': []})]})
invoice.action_post()
assert invoice.state == 'posted'
"""


# bridges: what an order does to the exposure and to a customer on hold, with and without them
ORDER = """
from odoo.exceptions import UserError
if not env.company.chart_template:
    env['account.chart.template'].try_loading('generic_coa', env.company, install_demo=False)
partner = env['res.partner'].create({'name': "Ordering"})
product = env['product.product'].create({'name': "Goods", 'type': 'consu', 'taxes_id': []})

def order(amount):
    return env['sale.order'].create({'partner_id': partner.id, 'order_line': [
        (0, 0, {'product_id': product.id, 'price_unit': amount, 'tax_ids': []})]})

def held(function):
    try:
        function()
    except UserError as error:
        assert "is on credit hold" in str(error), error
        return True
    return False

def bridges():
    return set(env['ir.module.module'].search([
        ('name', '=like', 'ar_coordinator_%'), ('state', '=', 'installed')]).mapped('name'))

first = order(300)
first.action_confirm()
exposure = env['ar.ledger'].exposure(partner, env.company)[partner.id]['parts']
env['ar.credit.hold'].create({'partner_id': partner.id, 'company_id': env.company.id, 'reason': "Test"})
second = order(200)
"""
WITH_SALE = ORDER + """
assert 'ar_coordinator_sale' in bridges(), bridges()
assert exposure == {'orders': 300}, exposure
assert held(second.action_confirm)
second.action_ar_request_release()
assert second.ar_release_state == 'requested'
env.cr.commit()
"""
WITH_STOCK = ORDER + """
assert bridges() == {'ar_coordinator_sale', 'ar_coordinator_stock'}, bridges()
assert held(second.action_confirm)
picking = first.picking_ids
picking.move_ids.write({'quantity': 1, 'picked': True})
assert picking.ar_credit_state == 'held' and held(picking.button_validate)
picking.action_ar_request_release()
env.cr.commit()
"""
WITHOUT_STOCK = ORDER + """
assert bridges() == {'ar_coordinator_sale'}, bridges()
assert exposure == {'orders': 300} and held(second.action_confirm)
picking = first.picking_ids
picking.move_ids.write({'quantity': 1, 'picked': True})
picking.button_validate()
assert picking.state == 'done'
exposure = env['ar.ledger'].exposure(partner, env.company)[partner.id]['parts']
assert exposure == {'orders': 300}, exposure
env['stock.picking'].get_view(view_type='form')
assert not [name for name in env['stock.picking']._fields if name.startswith('ar_')]
releases = env['ar.credit.release'].search([('name', 'ilike', '/OUT/')])
assert releases and set(releases.mapped('state')) == {'expired'} and not any(releases.mapped('document'))
"""
WITHOUT_SALE = ORDER + """
assert not bridges(), bridges()
assert not exposure, exposure
second.action_confirm()
assert second.state == 'sale'
for model in ('sale.order', 'res.partner', 'account.move', 'res.config.settings'):
    env[model].get_view(view_type='form')
releases = env['ar.credit.release'].search([])
assert releases and set(releases.mapped('state')) == {'expired'} and not any(releases.mapped('document'))
assert not [name for name in env['sale.order']._fields if name.startswith('ar_')]
env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name IN "
    "('sale_order', 'sale_order_line', 'stock_picking', 'stock_move') AND column_name ~ '^ar_'")
assert not env.cr.fetchall()
left = env['ir.model.data'].search([('module', '=like', 'ar_coordinator_%')])
assert not left, left.mapped('complete_name')
"""


def _run(env, *args, stdin=""):
    done = env.odoo(*args, check=False, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-6000:]
    assert not bad_records(done.stdout), bad_records(done.stdout)
    return done.stdout


@pytest.fixture
def database(request):
    env = Environment.prepare()
    with env.scratch(env.base_template(core=getattr(request, "param", False))) as db:
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


@pytest.mark.parametrize("database", [True], indirect=True, ids=["plain"])
def test_bridges_come_and_go(database):
    """They install themselves when the other app comes, and leave the core and the other app working when they go."""
    env, conf, db = database
    server = ("server", "-c", conf, "-d", db, "--no-http", "--stop-after-init")
    shell = ("shell", "-c", conf, "-d", db, "--no-http")
    _run(env, *server, "-i", "ar_coordinator")
    _run(env, *server, "-i", "sale_stock")
    _run(env, *shell, stdin=WITH_STOCK)
    _run(env, *shell, stdin=WITH_SALE)
    _run(env, "module", "uninstall", "-c", conf, "-d", db, "ar_coordinator_stock")
    _run(env, *shell, stdin=WITHOUT_STOCK)
    _run(env, "module", "uninstall", "-c", conf, "-d", db, "ar_coordinator_sale")
    _run(env, *shell, stdin=WITHOUT_SALE)
    _run(env, *server, "-i", "ar_coordinator_stock")
    _run(env, *shell, stdin=WITH_STOCK)
    _run(env, "module", "uninstall", "-c", conf, "-d", db, "ar_coordinator_sale")
    _run(env, *shell, stdin=WITHOUT_SALE)
    _run(env, "module", "uninstall", "-c", conf, "-d", db, "ar_coordinator")
    _run(env, *shell, stdin=GONE.replace("Data Before", "Ordering"))
