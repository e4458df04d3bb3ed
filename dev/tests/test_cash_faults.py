"""Bank files and cash application under fire: real Odoo processes that are killed, or want the same money.

Faults inside one transaction are in the addon's own tests (test_cash_file.py, test_cash_exact.py). What is guaranteed:
a file is loaded in whole batches, each line once; money is applied whole and once, whoever is faster.
"""
import pytest

from dev.arena import Arena
from dev.environment import Environment

LINES = 250  # of the file: the first 100 are loaded with the upload, the others in two batches
HEAD = """
import psycopg2
from odoo.exceptions import UserError
from odoo.service.model import retrying
env = env(user=env.ref('base.user_admin'))
company = env.company
Cash, Proposal, Deposit, FileLine = (
    type(env[name]) for name in ('ar.cash', 'ar.cash.proposal', 'ar.deposit', 'ar.cash.file.line'))
LINES = %d
ROWS = ''.join(
    f"<STMTTRN><DTPOSTED>20260305<TRNAMT>{100 + number}.25<FITID>F-{number}<NAME>Payer {number}</STMTTRN>"
    for number in range(1, LINES + 1))
FILE = f"<OFX><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>000111</BANKACCTFROM>{ROWS}</STMTRS></OFX>".encode()
SUM = sum(100.25 + number for number in range(1, LINES + 1))
def prepare():
    if not company.chart_template:
        env['account.chart.template'].try_loading('generic_coa', company, install_demo=False)
        company.partner_id.tz = 'UTC'
        env['res.company'].search([]).ar_cash_automatic = False
    return env['account.journal'].search([('type', '=', 'bank'), ('company_id', '=', company.id)], limit=1)
def upload():
    attachment = env['ir.attachment'].create({'name': "bank.ofx", 'raw': FILE})
    return env['ar.cash.file'].create_document_from_attachment(attachment.ids)
def cron(name):
    env.ref(f'ar_coordinator.{name}').method_direct_trigger()
    env.cr.commit()
def refused(function):
    '''What a user is told, with what Odoo does around a call of the browser.'''
    try:
        retrying(function, env)
    except UserError as error:
        assert type(error) is UserError, type(error)  # of others the browser says that the server failed
        env.cr.rollback()
        return error.args[0]
    raise AssertionError("done twice")
""" % LINES


@pytest.fixture(scope="module")
def database():
    env = Environment.prepare()
    with env.scratch(env.addon_template()) as db:
        yield env, db


@pytest.fixture
def arena(database, tmp_path):
    arena = Arena(*database, tmp_path, HEAD)
    yield arena
    arena.close()


def loaded(arena):
    """(transactions, what they add up to, lines by state) of the bank file."""
    [[count, total]] = arena.env.psql("""
        SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM account_bank_statement_line WHERE payment_ref LIKE 'Payer %'
        """, arena.db)
    states = arena.env.psql("SELECT state, COUNT(*) FROM ar_cash_file_line GROUP BY state", arena.db)
    return int(count), float(total), {state: int(number) for state, number in states}


def first_sum(count):
    return sum(100.25 + number for number in range(1, count + 1))


def test_worker_killed_while_loading_a_bank_file(arena):
    """Killed with a batch booked and not committed: whole batches are there. The next worker loads the rest, and each
    line of the file is one transaction, even if the file is uploaded again."""
    worker = arena.work("""
prepare()
kept = env['ar.cash.file'].browse(upload()['res_id'])
kept.journal_id = prepare()
kept.action_load()
env.cr.commit()
create = FileLine._create_transactions
def create_and_stop(self, journal):
    create(self, journal)
    env.flush_all()
    at('the second batch')
with patch.object(FileLine, '_create_transactions', create_and_stop):
    cron('ir_cron_ar_cash_file')
""")
    worker.reach("the second batch")
    worker.kill()
    assert loaded(arena) == (100, first_sum(100), {"loaded": 100, "waiting": 150})
    arena.work("""
cron('ir_cron_ar_cash_file')
kept = env['ar.cash.file'].search([])
assert (kept.state, kept.loaded_count) == ('done', LINES), kept.read()
lines = env['account.bank.statement.line'].search([('payment_ref', '=like', 'Payer %')])
assert kept.line_ids.statement_line_id == lines
assert sorted(lines.mapped('payment_ref')) == sorted(f'Payer {number}' for number in range(1, LINES + 1))
bank = prepare().default_account_id
[[balance]] = env['account.move.line']._read_group(
    [('account_id', '=', bank.id), ('parent_state', '=', 'posted'), ('statement_line_id', 'in', lines.ids)], [],
    ['balance:sum'])
assert balance == SUM, balance
action = upload()
assert action['res_id'] == kept.id and "uploaded before" in action['context']['notifications']['bank.ofx']
cron('ir_cron_ar_cash_file')
env.cr.commit()
""").finish()
    assert loaded(arena) == (LINES, first_sum(LINES), {"loaded": LINES})


def test_two_workers_want_the_same_money(arena):
    """One receipt and one deposit are dealt with by two at once: once, and the slower one is told so. Then both apply
    what is sure, and one is killed in the middle of a batch: what was committed is whole, the other does the rest."""
    first = arena.work("""
bank = prepare()
day = company._ar_today()
def invoice(number, amount):
    partner = env['res.partner'].create({'name': f"Customer {number}"})
    move = env['account.move'].create({
        'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': day, 'name': f'INV/2026/9{number:04}',
        'invoice_line_ids': [(0, 0, {'name': "Goods", 'price_unit': amount, 'tax_ids': []})]})
    move.action_post()
    return move
invoices = [invoice(number, 1_000 + number) for number in range(1, 7)]
env['account.bank.statement.line'].sudo().create([{
    'journal_id': bank.id, 'date': day, 'payment_ref': move.name, 'partner_name': move.partner_id.name,
    'amount': move.amount_total} for move in invoices])
env['ar.cash']._propose(company)
one = env['ar.cash.proposal'].search([('amount', '=', 1_001)])
assert one.line_ids.move_line_id.move_id == invoices[0]
deposit = env['ar.deposit'].create({
    'journal_id': bank.id, 'date': day, 'control_total': 500, 'line_ids': [
        (0, 0, {'partner_id': invoices[0].partner_id.id, 'kind': 'cash', 'amount': amount}) for amount in (200, 300)]})
company.ar_cash_automatic = True
env.cr.commit()
def stop(model, method, point, when=lambda self: True):
    origin = getattr(model, method)
    def do_and_stop(self, *args):
        result = origin(self, *args)
        if when(self):
            env.flush_all()
            at(point)
        return result
    return patch.object(model, method, do_and_stop)
with stop(Proposal, '_apply_transaction', 'applying'):
    one.action_apply()
env.cr.commit()
with stop(Deposit, '_create_payments', 'depositing'):
    deposit.action_confirm()
env.cr.commit()
at('dealt with')
patch('odoo.addons.ar_coordinator.models.ar_cash.BATCH', 2).start()
taken = []
with stop(Proposal, '_close_rest', 'the second batch', lambda self: taken.append(self.id) or len(taken) == 3):
    cron('ir_cron_ar_cash')
""")
    first.reach("applying")
    second = arena.work("""
one = env['ar.cash.proposal'].search([('amount', '=', 1_001)])
busy = "is being worked on by somebody else"
assert busy in refused(one.action_apply)
at('receipt refused')
at('first deposits')
deposit = env['ar.deposit'].search([])
assert busy in refused(deposit.action_confirm)
env.cr.execute("SELECT 1")  # it sees the books as they are now, from here on
old = [one.state, deposit.state]
assert old == ['applied', 'draft'], old
at('deposit refused')
at('first is done')
assert "somebody dealt with it already" in refused(deposit.action_confirm)
assert "was dealt with already" in refused(one.action_apply)
patch('odoo.addons.ar_coordinator.models.ar_cash.BATCH', 2).start()
at('first is in the second batch')
env['ar.cash']._cron_apply()  # as on another server; Odoo lets no job run twice
def applied():
    return sorted(env['ar.cash.proposal'].search([('state', '=', 'applied')]).mapped('amount'))
assert applied() == [1_001, 1_002, 1_003, 1_005, 1_006], applied()
assert not any(env['ar.cash.proposal'].search([]).mapped('problem'))
at('beside the first')
at('first is dead')
cron('ir_cron_ar_cash')
assert applied() == [1_001, 1_002, 1_003, 1_004, 1_005, 1_006], applied()
cron('ir_cron_ar_cash')
proposals = env['ar.cash.proposal'].search([])
assert len(proposals.filtered(lambda row: row.state == 'applied')) == 6
assert len(proposals.statement_line_id) == 6 and all(proposals.statement_line_id.mapped('is_reconciled'))
invoices = env['account.move'].search([('name', '=like', 'INV/2026/9%')])
assert invoices.mapped('amount_residual') == [0] * 6
lines = invoices.line_ids.filtered(lambda line: line.account_type == 'asset_receivable')
assert sorted(lines.matched_credit_ids.mapped('amount')) == applied()
payments = env['account.payment'].search([])
assert sorted(payments.mapped('amount')) == [200, 300], payments
assert (deposit.state, deposit.line_ids.payment_id) == ('confirmed', payments)
assert deposit.move_id.amount_total == 500
[[owed]] = env['account.move.line']._read_group(
    [('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted')], [], ['balance:sum'])
assert owed == -500, owed  # the invoices are paid, what was deposited is on account
env.cr.commit()
""")
    second.reach("receipt refused")
    first.go("applying")
    first.reach("depositing")
    second.go("receipt refused")
    second.go("first deposits")
    second.reach("deposit refused")
    first.go("depositing")
    first.reach("dealt with")
    second.go("deposit refused")
    second.go("first is done")
    second.reach("first is in the second batch")
    first.go("dealt with")
    first.reach("the second batch")
    second.go("first is in the second batch")
    second.reach("beside the first")
    first.kill()
    second.go("beside the first")
    second.go("first is dead")
    second.finish(errors=["ar_deposit"])  # the statement that Odoo repeated with what first did in sight
