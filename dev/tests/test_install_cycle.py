"""The released version on a database with data, upgraded, uninstalled: no warning, nothing lost, nothing left."""
import subprocess

import pytest

from dev import release
from dev.environment import Environment, bad_records

LEDGER = """
from datetime import timedelta
from odoo import fields
today, company = fields.Date.today(), env.company
if not company.chart_template:
    env['account.chart.template'].try_loading('generic_coa', company, install_demo=False)
partner = env['res.partner'].create({'name': "Data Before", 'email': 'before@example.com', 'credit_limit': 500})
for days in (300, 270, 240):
    invoice = env['account.move'].create({
        'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': today - timedelta(days),
        'invoice_date_due': today - timedelta(days - 30),
        'invoice_line_ids': [(0, 0, {'name': "x", 'price_unit': 100, 'tax_ids': []})]})
    invoice.action_post()
env['account.payment.register'].with_context(active_model='account.move', active_ids=invoice.ids).create({
    'payment_date': today - timedelta(100), 'amount': 40})._create_payments()
env.cr.commit()
"""
# what a user of the released version has: settings and texts of his own, records, a message that was sent
USED = """
from odoo import fields
data = env['ar.aging.report'].get_data({})
assert data['totals']['total'] == 260 and data['difference_to_ledger'] == 0, data
company, partner = env.company, env['res.partner'].search([('name', '=', "Data Before")], limit=1)
moves = env['account.move'].search([('move_type', '=', 'out_invoice')], order='id')
items = moves.line_ids.filtered(lambda line: line.account_id.account_type == 'asset_receivable')
company.write({'email': "ar@example.com", 'ar_dunning_quiet_days': 3, 'ar_dispute_limit': 123})
partner.write({'street': "1 Quay", 'city': "Harbourtown", 'country_id': env.ref('base.us').id})
partner.with_company(company).ar_collector_id = env.user
company.ar_dunning_policy_id.level_ids[0].write({'delay_days': 4, 'attach_invoices': 'no'})
env.ref('ar_coordinator.dispute_reason_price').sla_days = 77
env.ref('ar_coordinator.ir_cron_ar_promise').interval_number = 7
template = env['mail.template'].search([('model', '=', 'ar.dunning.letter')], order='id', limit=1)
template.subject = "Our own words"
env['ar.worklist.rule'].search([], order='id', limit=1).weight = 17
# one invoice is disputed, one promised, one reminded of
env['ar.dispute']._open(moves[0], reason=env.ref('ar_coordinator.dispute_reason_price'))
env['ar.promise']._promise(items[1], fields.Date.add(fields.Date.today(), days=5), note="by phone")
run = env['ar.dunning.run'].create({})
run.action_preview()
run.action_send()
[letter] = run.letter_ids
assert letter.state == 'queued' and letter.line_ids.move_id == moves[2] and letter.amount_total == 60, letter.read()
env['ar.credit.hold'].create({'partner_id': partner.id, 'company_id': company.id, 'reason': "Test"})
env['ar.call']._log(partner, company, 'reached', note="spoke about the weather")
env['account.payment'].create({
    'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': partner.id, 'amount': 60,
    'memo': moves[2].name}).action_post()
[proposal] = env['ar.cash']._propose(company)
env.cr.commit()
"""
# an upgrade changes nothing of it, and nobody is written to again
UPGRADED = """
from odoo import fields
company, partner = env.company, env['res.partner'].search([('name', '=', "Data Before")], limit=1)
moves = env['account.move'].search([('move_type', '=', 'out_invoice')], order='id')
assert company.ar_dunning_quiet_days == 3 and company.ar_dispute_limit == 123
assert partner.with_company(company).ar_collector_id == env.user
assert company.ar_dunning_policy_id.level_ids[0].delay_days == 4
assert env.ref('ar_coordinator.dispute_reason_price').sla_days == 77
assert env.ref('ar_coordinator.ir_cron_ar_promise').interval_number == 7
template = env['mail.template'].search([('model', '=', 'ar.dunning.letter')], order='id', limit=1)
assert template.subject == "Our own words"
assert env['ar.worklist.rule'].search([], order='id', limit=1).weight == 17
data = env['ar.aging.report'].get_data({})
totals = data['totals']
assert (totals['total'], totals['disputed'], totals['unapplied']) == (200, 100, -60), totals
assert data['difference_to_ledger'] == 0, data
[dispute], [promise] = env['ar.dispute'].search([]), env['ar.promise'].search([])
[letter] = env['ar.dunning.letter'].search([])
assert (dispute.move_id, dispute.amount_held, dispute.state) == (moves[0], 100, 'new'), dispute.read()
assert (promise.line_ids.move_id, promise.amount, promise.state) == (moves[1], 100, 'open'), promise.read()
assert (letter.line_ids.move_id, letter.state) == (moves[2], 'queued'), letter.read()
assert env['ar.call'].search([]).note == "spoke about the weather"
assert env['ar.credit.hold'].search([('partner_id', '=', partner.id)]).reason == "Test"
env['account.payment'].search([('state', '=', 'in_process'), ('is_reconciled', '=', False)]).action_cancel()
run = env['ar.dunning.run'].create({})
run.action_preview()
assert not run.letter_ids, run.letter_ids.line_ids.move_id.mapped('name')
for model in ('ar.dispute', 'ar.promise', 'ar.dunning.letter', 'ar.cash.proposal', 'account.move', 'res.partner'):
    env[model].get_view(view_type='form')
    env[model].search([]).read()
env.cr.rollback()
"""
# without the addons: Odoo does what it did before
AFTER = """
for model in ('account.move', 'res.partner', 'res.company', 'account.payment', 'res.config.settings', 'digest.digest'):
    env[model].get_view(view_type='form')
broken = [view.xml_id for view in env['ir.ui.view'].search([]) if 'ar_coordinator' in (view.arch_db or '')]
assert not broken, broken
invoice = env['account.move'].create({
    'move_type': 'out_invoice', 'partner_id': env['res.partner'].search([('name', '=', "%s")], limit=1).id,
    'invoice_line_ids': [(0, 0, {'name': "after", 'price_unit': 10, 'tax_ids': []})]})
invoice.action_post()
env['account.payment.register'].with_context(active_model='account.move', active_ids=invoice.ids).create(
    {})._create_payments()
assert invoice.payment_state in ('paid', 'in_payment') and invoice.amount_residual == 0, invoice.payment_state
env['res.partner'].create({'name': "After"}).unlink()
"""
# everything that can be left behind: what the database has, and what Odoo knows of, by name
DATABASE = """
SELECT 'relation ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION SELECT 'column ' || table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'
UNION SELECT 'constraint ' || conrelid::regclass || '.' || conname FROM pg_constraint
UNION SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION SELECT 'external id ' || module || '.' || name FROM ir_model_data WHERE model != 'ir.module.module'
UNION SELECT 'model ' || model FROM ir_model
UNION SELECT 'field ' || model || '.' || name FROM ir_model_fields
UNION SELECT 'selection ' || field_id || '.' || value FROM ir_model_fields_selection
UNION SELECT 'model constraint ' || name FROM ir_model_constraint
UNION SELECT 'model relation ' || name FROM ir_model_relation
UNION SELECT 'access ' || name FROM ir_model_access
UNION SELECT 'rule ' || name FROM ir_rule
UNION SELECT 'group ' || (name ->> 'en_US') FROM res_groups
UNION SELECT 'privilege ' || (name ->> 'en_US') FROM res_groups_privilege
UNION SELECT 'menu ' || (name ->> 'en_US') FROM ir_ui_menu
UNION SELECT 'view ' || name || coalesce(key, '') FROM ir_ui_view
UNION SELECT 'action ' || type || ' ' || (name ->> 'en_US') FROM ir_actions
UNION SELECT 'cron ' || cron_name FROM ir_cron
UNION SELECT 'parameter ' || key FROM ir_config_parameter
UNION SELECT 'sequence ' || name FROM ir_sequence
UNION SELECT 'default ' || field_id FROM ir_default
UNION SELECT 'filter ' || name FROM ir_filters WHERE model_id LIKE 'ar.%'
UNION SELECT 'paper ' || name FROM report_paperformat
UNION SELECT 'mail template ' || (name ->> 'en_US') FROM mail_template
UNION SELECT 'alias ' || coalesce(alias_name, '') || alias_model_id FROM mail_alias
UNION SELECT 'subtype ' || (name ->> 'en_US') FROM mail_message_subtype
UNION SELECT 'activity type ' || (name ->> 'en_US') FROM mail_activity_type
UNION SELECT 'activity ' || res_model FROM mail_activity
UNION SELECT 'follower of ' || res_model FROM mail_followers WHERE res_model LIKE 'ar.%'
UNION SELECT 'message of ' || model FROM mail_message WHERE model LIKE 'ar.%'
UNION SELECT 'attachment of ' || res_model FROM ir_attachment WHERE res_model LIKE 'ar.%'
UNION SELECT 'attachment ' || url FROM ir_attachment WHERE url LIKE '%ar_coordinator%'
UNION SELECT 'digest ' || (name ->> 'en_US') FROM digest_digest
UNION SELECT 'onboarding ' || route_name FROM onboarding_onboarding
UNION SELECT 'onboarding step ' || (title ->> 'en_US') FROM onboarding_onboarding_step
UNION SELECT 'scheduled ' || cron_id FROM ir_cron_trigger WHERE cron_id NOT IN (SELECT id FROM ir_cron)
"""
# the same of the addons alone, with what makes a difference: an upgraded database has what a new one has
SCHEMA = """
SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns
 WHERE table_name ~ '^ar_' OR column_name ~ '^ar_'
UNION SELECT indexdef FROM pg_indexes WHERE indexdef ~ '[ _]ar_' AND schemaname = 'public'
UNION SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid::regclass::text ~ '^ar_' OR conname ~ '_ar_'
UNION SELECT 'external id ' || module || '.' || name || ' ' || model || ' ' || noupdate FROM ir_model_data
 WHERE module ~ '^ar_coordinator'
UNION SELECT 'cron ' || cron_name || ' ' || active || ' ' || interval_type FROM ir_cron
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


def _rows(env, query, db):
    return {row[0] for row in env.psql(query, db)}


@pytest.fixture
def database(request):
    env = Environment.prepare()
    with env.scratch(env.base_template(core=getattr(request, "param", False))) as db:
        yield env, env.conf(db, log_level="warn"), db


def test_released_version_is_upgraded_and_uninstalled(database, tmp_path):
    """The version that was released last is installed and used, upgraded to this one, and uninstalled."""
    env, conf, db = database
    version = release.unpack(tmp_path)
    assert version != env.manifest("ar_coordinator")["version"], "the version has not been raised, see CONTRIBUTING.md"
    modules = ",".join(env.modules)
    old_path = ",".join(map(str, [tmp_path, *env.addons_path[1:]]))
    old_conf = env.conf(db, log_level="warn", addons_path=old_path)
    shell = ("shell", "-c", conf, "-d", db, "--no-http")
    server = ("server", "-d", db, "--no-http", "--stop-after-init")
    _run(env, *shell, stdin=LEDGER)
    before = _rows(env, DATABASE, db)
    _run(env, *server, "-c", old_conf, "-i", modules)
    _run(env, "shell", "-c", old_conf, "-d", db, "--no-http", stdin=USED)
    _run(env, *server, "-c", conf, "-u", modules)
    versions = _rows(env, "SELECT latest_version FROM ir_module_module WHERE name LIKE 'ar_coordinator%'", db)
    assert versions == {env.manifest(module)["version"] for module in env.modules}
    _run(env, *shell, stdin=UPGRADED)
    with env.scratch(env.addon_template()) as fresh:
        upgraded, new = _rows(env, SCHEMA, db), _rows(env, SCHEMA, fresh)
    assert upgraded == new, sorted(upgraded ^ new)
    _run(env, "module", "uninstall", "-c", conf, "-d", db, *env.modules)
    left = _rows(env, DATABASE, db) - before
    assert not left, sorted(left)
    gone = before - _rows(env, DATABASE, db)
    assert not gone, sorted(gone)
    _run(env, *shell, stdin=AFTER % "Data Before")


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
    _run(env, *shell, stdin=AFTER % "Ordering")
