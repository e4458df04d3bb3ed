"""Letters and statements under fire: real Odoo processes that are killed, race each other and lose their mail server.

What customers got is counted in a real SMTP sink. Faults inside one transaction are in the addon's own
tests/test_dunning_faults.py.

What is guaranteed: a letter and its e-mail in Odoo's queue are written in one transaction, so no kill of a sending
worker can lose or double a letter. Odoo's mail queue commits after each message, so a kill there loses none and
repeats none of those before. What no sender can rule out with SMTP is a kill after the mail server has taken a message
and before Odoo has committed that (some milliseconds, which the addon keeps short, see models/mail_mail.py). That one
message is sent again by the next worker, under the same Message-ID, by which mailboxes may recognise the copy: see
`test_kill_before_the_answer_is_noted`.
"""
import email
import email.policy
import subprocess
import threading
from collections import Counter

import psycopg2
import pytest

from dev.arena import PATIENCE, Arena
from dev.environment import Environment, bad_records
from dev.smtp_sink import MailSink

CUSTOMERS = 200
FEW = 6
# Two companies: A with one overdue invoice for each of CUSTOMERS customers, B with one for each of FEW others.
BOOKS = """
from datetime import timedelta
level = env.ref('ar_coordinator.ar_dunning_level_1')
level.policy_id.level_ids.attach_invoices = 'no'
first = env.company
first.write({'name': "Company A", 'email': 'a@sender.example.com'})
second = env['res.company'].create({
    'name': "Company B", 'email': 'b@sender.example.com', 'currency_id': first.currency_id.id,
    'iap_enrich_auto_done': True})  # else Odoo asks a service on the internet who this is
for company, count in ((first, %d), (second, %d)):
    env['account.chart.template'].try_loading('generic_coa', company, install_demo=False)
    company.partner_id.tz = 'UTC'
    company.ar_dunning_working_hours = False  # these tests run at any hour
    own = env(context={**env.context, 'allowed_company_ids': company.ids})
    day = company._ar_today()
    letter = company.name[-1].lower()
    partners = own['res.partner'].create([
        {'name': f"{company.name} customer {number}", 'email': f'{letter}{number}@customer.example.com'}
        for number in range(1, count + 1)])
    moves = own['account.move'].create([{
        'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_date': day - timedelta(days=30),
        'invoice_date_due': day - timedelta(days=10), 'invoice_payment_term_id': False,
        'invoice_line_ids': [(0, 0, {'name': "Goods", 'price_unit': 100, 'tax_ids': []})]}
        for partner in partners])
    moves.action_post()
env.cr.commit()
"""
# At the head of every worker's script.
HEAD = """
Run, Letter, Mail = (type(env[name]) for name in ('ar.dunning.run', 'ar.dunning.letter', 'mail.mail'))
company_a, company_b = (env['res.company'].search([('name', '=', name)]) for name in ("Company A", "Company B"))
OTHERS_OF_A = [('company_id', '=', company_a.id), ('partner_id.name', '!=', "Company A customer 1")]
def start_run(company, **vals):
    run = env['ar.dunning.run'].create({'company_id': company.id, **vals})
    run.action_preview()
    run.write({'state': 'sending'})
    env.cr.commit()
    return run
def job(name):
    env.ref({'statements': 'ar_coordinator.ir_cron_ar_statement_send',
             'send': 'ar_coordinator.ir_cron_ar_dunning_send', 'run': 'ar_coordinator.ir_cron_ar_dunning_run',
             'mail': 'mail.ir_cron_mail_scheduler_action'}[name]).method_direct_trigger()
    env.cr.commit()
def states(run):
    env.invalidate_all()
    return sorted(run.letter_ids.mapped('state'))
def pay(move, environment=None):
    wizard = (environment or env)['account.payment.register'].with_context(
        active_model='account.move', active_ids=move.ids, allowed_company_ids=move.company_id.ids).create({})
    wizard._create_payments()
"""
LOCK_RUN_OF_A = """
    SELECT run.id FROM ar_dunning_run run JOIN res_company company ON company.id = run.company_id
     WHERE company.name = 'Company A' FOR UPDATE OF run"""
QUEUED_MAILS = """
    SELECT partner.email
      FROM mail_mail mail
      JOIN mail_message message ON message.id = mail.mail_message_id AND message.model = 'ar.dunning.letter'
      JOIN mail_mail_res_partner_rel link ON link.mail_mail_id = mail.id
      JOIN res_partner partner ON partner.id = link.res_partner_id
     WHERE mail.state = 'outgoing'"""
LETTERS = """
    SELECT partner.email, letter.state
      FROM ar_dunning_letter letter JOIN res_partner partner ON partner.id = letter.partner_id ORDER BY letter.id"""


class Sink(MailSink):
    """A mail server that fails when told.

    `hold` is the number of the message it never answers (with `keep_held` it took it), `cut` that at which it dies.
    """

    def __init__(self, folder, port=0, hold=None, keep_held=False, cut=None):
        super().__init__(folder, port)
        self.hold, self.keep_held, self.cut = hold, keep_held, cut
        self.holding, self.released = threading.Event(), threading.Event()

    def receive(self, transport, envelope):
        number = len(self.messages) + 1
        if number == self.cut:
            transport.abort()
            return "421 Dying"
        if number == self.hold:
            if self.keep_held:
                self.keep(envelope.content, envelope.rcpt_tos)
            self.hold = None
            self.holding.set()
            assert self.released.wait(PATIENCE)
            return "421 Too late"
        return super().receive(transport, envelope)

    def keep(self, content, recipients):
        """In memory; nobody is going to read them."""
        self.messages.append(email.message_from_bytes(content, policy=email.policy.default))

    def counted(self):
        """How many messages each address got."""
        return Counter(message["To"].addresses[0].addr_spec for message in self.messages)


class Letters(Arena):
    """An arena with letters in it."""

    def letters(self):
        """[(customer's address, state)] of all letters."""
        return [tuple(row) for row in self.env.psql(LETTERS, self.db)]

    def states(self):
        return Counter(state for _email, state in self.letters())


@pytest.fixture(scope="module")
def books():
    env = Environment.prepare()
    with env.scratch(env.addon_template()) as db:
        done = env.odoo(
            "shell", "-c", env.conf(db, log_level="warn"), "-d", db, "--no-http", stdin=BOOKS % (CUSTOMERS, FEW),
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0 and not bad_records(done.stdout), done.stdout[-6000:]
        yield env, db


@pytest.fixture
def arena(books, tmp_path):
    env, source = books
    with env.scratch(source) as db:
        arena = Letters(env, db, tmp_path, HEAD)
        yield arena
        arena.close()


def addresses(company, count):
    return {f"{company}{number}@customer.example.com" for number in range(1, count + 1)}


def test_worker_killed_while_sending_200_letters_and_again_in_the_mail_queue(arena):
    """Killed with e-mails of a batch written and not committed, then with a message half handed over: everybody has one
    message, but for those who paid, disputed or were marked while the run lay dead."""
    worker = arena.work("""
start_run(company_a)
create, made = Mail.create, []
def create_and_stop(self, vals_list):
    mails = create(self, vals_list)
    made.extend(mails.ids)
    if len(made) > 50:
        env.flush_all()
        at('the middle of a batch')
    return mails
with patch.object(Mail, 'create', create_and_stop):
    job('send')
""")
    worker.reach("the middle of a batch")
    worker.kill()
    assert arena.states() == {"queued": 50, "draft": CUSTOMERS - 50}
    assert len(arena.env.psql(QUEUED_MAILS, arena.db)) == 50, "a letter is a draft, or has its e-mail in the queue"

    with Sink(arena.folder / "mail", hold=80) as sink:
        worker = arena.work("""
run = env['ar.dunning.run'].search([])
paid, disputed, marked = run.letter_ids.filtered(lambda letter: letter.state == 'draft').line_ids.move_id[:3]
pay(paid)
reason = env['ar.dispute.reason'].search([], limit=1)
env['ar.dispute'].create({'move_id': disputed.id, 'amount': 100, 'reason_id': reason.id})
marked.no_followup = True
settled = [(paid, 'settled'), (disputed, 'disputed'), (marked, 'no_followup')]
(FOLDER / 'left out').write_text(' '.join(move.partner_id.email for move, _reason in settled))
env.cr.commit()
job('send')
assert run.state == 'done', run.state
for move, reason in settled:
    outcome = run.outcome_ids.filtered(lambda outcome: outcome.move_id == move)
    assert (outcome.result, outcome.reason, outcome.letter_id.state) == ('skipped', reason, 'cancelled'), outcome.read()
job('mail')
""", sink.port)
        worker.until(sink.holding.is_set, "message 80")
        worker.kill()
        sink.released.set()
        assert arena.states() == {"queued": CUSTOMERS - 3, "cancelled": 3}, "delivery is noted at the end of a batch"
        assert len(sink.messages) == 79

        worker = arena.work("job('send')\nat('caught up')\njob('mail')\njob('send')\njob('mail')", sink.port)
        worker.reach("caught up")
        assert arena.states() == {"sent": 79, "queued": CUSTOMERS - 79 - 3, "cancelled": 3}
        worker.go("caught up")
        worker.finish()
        left_out = set((arena.folder / "left out").read_text().split())
        assert len(left_out) == 3
        assert sink.counted() == dict.fromkeys(addresses("a", CUSTOMERS) - left_out, 1)
    assert {email for email, state in arena.letters() if state == "sent"} == addresses("a", CUSTOMERS) - left_out
    assert {email for email, state in arena.letters() if state == "cancelled"} == left_out
    assert len(arena.letters()) == CUSTOMERS


def test_kill_before_the_answer_is_noted(arena):
    """The window that SMTP leaves: one message, taken by the mail server without Odoo learning of it, is repeated under
    the same Message-ID. Nobody else gets anything twice, nobody goes without."""
    with Sink(arena.folder / "mail", hold=3, keep_held=True) as sink:
        worker = arena.work("start_run(company_b)\njob('send')\njob('mail')", sink.port)
        worker.until(sink.holding.is_set, "message 3")
        worker.kill()
        sink.released.set()
        arena.work("job('mail')\njob('send')", sink.port).finish()
        counted = sink.counted()
        assert set(counted) == addresses("b", FEW)
        [repeated] = [address for address, count in counted.items() if count == 2]
        assert counted.total() == FEW + 1
        copies = [message for message in sink.messages if message["To"].addresses[0].addr_spec == repeated]
        assert copies[0]["Message-ID"] == copies[1]["Message-ID"]
        assert len({message["Message-ID"] for message in sink.messages}) == FEW
    assert arena.states() == {"sent": FEW}


def test_two_workers_on_the_same_run(arena):
    """Two processes share one run, and the second starts while the first is inside a batch: each letter goes once."""
    script = """
gate, batches = Run._gate, []
def counted_gate(self, letters):
    kept = gate(self, letters)
    batches.append(len(kept))
    if NAME == 'first' and len(batches) == 1:
        at('batch of first')
    return kept
with patch.object(Run, '_gate', counted_gate):
    env['ar.dunning.run']._cron_send()
assert sum(batches) > 0, batches
(FOLDER / f'{NAME} sent').write_text(str(sum(batches)))
env.cr.commit()
"""
    first = arena.work("NAME = 'first'\nstart_run(company_a)" + script)
    first.reach("batch of first")
    second = arena.work("NAME = 'second'" + script)
    second.until(lambda: arena.states()["queued"] >= 50, "the second worker's first batch", pause=0.5)
    first.go("batch of first")
    first.finish()
    second.finish()
    shares = [int((arena.folder / f"{name} sent").read_text()) for name in ("first", "second")]
    assert arena.states() == {"queued": CUSTOMERS}
    assert sum(shares) == CUSTOMERS, shares
    [[state]] = arena.env.psql("SELECT state FROM ar_dunning_run", arena.db)
    assert state == "done"
    rows = arena.env.psql(QUEUED_MAILS, arena.db)
    assert Counter(email for [email] in rows) == dict.fromkeys(addresses("a", CUSTOMERS), 1)


def test_mail_server_down_then_dying_then_up(arena):
    """Letters that did not get through are failed, count as no reminder, and are proposed again at the same level; in
    the end everybody has one message."""
    port = arena.env.free_port()
    worker = arena.work("""
first = start_run(company_b)
job('send')
assert states(first) == ['queued'] * 6
job('mail')
assert states(first) == ['failed'] * 6
assert set(first.outcome_ids.mapped('result')) == {'failed'}
second = start_run(company_b)
assert set(second.letter_ids.level_id) == {env.ref('ar_coordinator.ar_dunning_level_1')}
job('send')
assert states(second) == ['queued'] * 6, states(second)
at('up, for three messages')
job('mail')
assert states(second) == ['failed', 'queued', 'queued', 'sent', 'sent', 'sent'], states(second)
third = start_run(company_b)
assert third.letter_ids.partner_id == second.letter_ids.filtered(lambda letter: letter.state == 'failed').partner_id
job('send')
at('up again')
job('mail')
assert states(first) == ['failed'] * 6
assert states(second) == ['failed', 'sent', 'sent', 'sent', 'sent', 'sent'], states(second)
assert states(third) == ['sent'], states(third)
assert len((first + second + third).letter_ids.line_ids.level_id) == 1
assert start_run(company_b).letter_ids.ids == []
assert not env['mail.mail'].search([('state', '=', 'outgoing'), ('model', '=', 'ar.dunning.letter')])
""", port)
    worker.reach("up, for three messages")
    with Sink(arena.folder / "dying", port, cut=4) as dying:
        worker.go("up, for three messages")
        worker.reach("up again")
    with Sink(arena.folder / "up", port) as up:
        worker.go("up again")
        worker.finish(["Exception while processing mail", "Failed processing mail queue"])
    assert len(dying.messages) == 3
    assert dying.counted() + up.counted() == dict.fromkeys(addresses("b", FEW), 1)


def test_two_sends_at_once_keep_to_the_daily_cap(arena):
    """Two processes send runs of one company at the same instant: the second waits at the turnstile, finds that its
    count is out of date and starts again. Together they keep to the cap; what is above it is held, and says why."""
    arena.work("""
company_b.ar_dunning_daily_cap = 2
for customer in env['res.partner'].search([('email', '=like', 'b%@customer.example.com')], order='id', limit=4):
    run = env['ar.dunning.run'].create({'company_id': company_b.id, 'partner_id': customer.id})
    run.action_preview()
    run.state = 'sending'
env.cr.commit()
""").finish()
    assert arena.states() == {"draft": 4}, "each preview by itself is within the cap"
    script = """
gate, passed = Run._gate, []
def gate_and_stop(self, letters):
    kept = gate(self, letters)
    passed.append(kept)
    if NAME == 'first' and len(passed) == 1:
        at('inside')
    return kept
with patch.object(Run, '_gate', gate_and_stop):
    env['ar.dunning.run']._send_runs(env['ar.dunning.run'].search([], order='id')[FROM:FROM + 2])
env.cr.commit()
"""
    first = arena.work("NAME, FROM = 'first', 0" + script)
    first.reach("inside")
    second = arena.work("NAME, FROM = 'second', 2" + script)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ar_dunning_cap%'"
    second.until(lambda: arena.env.psql(waiting, arena.db), "the second to wait for the first")
    first.go("inside")
    first.process.wait(PATIENCE)
    second.process.wait(PATIENCE)
    logs = "\n".join(worker.log.read_text() for worker in (first, second))
    assert "could not serialize access due to concurrent update" in logs, logs[-6000:]
    arena.work("job('send')").finish()
    assert arena.states() == {"queued": 2, "cancelled": 2}
    outcomes = arena.env.psql(
        "SELECT result, reason, count(*) FROM ar_dunning_outcome GROUP BY 1, 2 ORDER BY 1", arena.db)
    assert [tuple(row) for row in outcomes] == [("held", "daily_cap", "2"), ("sent", "due", "2")]


def test_payment_booked_while_a_batch_is_evaluated(arena):
    """A serialization failure in one batch: it is rolled back, the job triggers itself and tries again, the paid
    invoice is left alone, nothing goes twice."""
    with Sink(arena.folder / "mail") as sink:
        arena.work("""
import odoo.addons.ar_coordinator.models.ar_dunning_send as module
from odoo import api
run = start_run(company_b)
paid = run.letter_ids.sorted('id')[2].line_ids.move_id
send, tries = Run._send_batch, []
def send_with_payment(self, letters):
    tries.append(letters.ids)
    if len(tries) == 2:
        assert paid in letters.line_ids.move_id, "read before the payment"
        with env.registry.cursor() as other:
            pay(paid.with_env(api.Environment(other, env.uid, {})), api.Environment(other, env.uid, {}))
    return send(self, letters)
env['ir.cron.trigger'].search([]).unlink()
env.cr.commit()
with patch.object(module, 'BATCH_LETTERS', 2), patch.object(Run, '_send_batch', send_with_payment):
    env['ar.dunning.run']._cron_send()
assert len(tries) == 3 and run.state == 'sending', (tries, run.state)
assert states(run) == ['draft', 'draft', 'queued', 'queued', 'queued', 'queued'], states(run)
triggers = env['ir.cron.trigger'].search([('cron_id', '=', env.ref('ar_coordinator.ir_cron_ar_dunning_send').id)])
assert triggers, "the job has asked to be run again"
job('send')
assert run.state == 'done'
assert states(run) == ['cancelled', 'queued', 'queued', 'queued', 'queued', 'queued'], states(run)
job('mail')
(FOLDER / 'paid').write_text(paid.partner_id.email)
""", sink.port).finish(["FOR NO KEY UPDATE SKIP LOCKED"])  # Odoo logs what the database says
        paid = (arena.folder / "paid").read_text()
        assert sink.counted() == dict.fromkeys(addresses("b", FEW) - {paid}, 1)


def test_failing_and_locked_company_stops_no_other(arena):
    """Automatic runs: the database refuses something in company A's run, then somebody holds A's run locked; B's
    customers get their letters each time without waiting, and A's follow when the trouble is over."""
    with Sink(arena.folder / "mail") as sink:
        worker = arena.work("""
(company_a + company_b).ar_dunning_automatic = True
env['account.move'].search(OTHERS_OF_A).no_followup = True
env.cr.commit()
evaluate = Run._evaluate
def evaluate_and_fail(self, *args, **kwargs):
    if self.company_id == company_a:
        self.env.cr.execute("SELECT 1 / 0")
    return evaluate(self, *args, **kwargs)
with patch.object(Run, '_evaluate', evaluate_and_fail):
    job('run')
run_a, run_b = (env['ar.dunning.run'].search([('company_id', '=', company.id)]) for company in (company_a, company_b))
assert not run_a.letter_ids and run_b.state == 'done', (run_a.state, run_b.state)
job('mail')
run_b.letter_ids.sudo().write({'state': 'failed'})  # something to do for B once more
run_b.sudo().write({'is_automatic': False})
if not run_a:
    run_a = env['ar.dunning.run'].create({'company_id': company_a.id, 'is_automatic': True})
run_a.action_preview()
env.cr.commit()
at('lock')
job('run')
assert run_a.state == 'preview', run_a.state
second = env['ar.dunning.run'].search([('company_id', '=', company_b.id)]) - run_b
assert second.state == 'done' and states(second) == ['queued'] * 6, states(second)
job('mail')
at('unlock')
job('run')
assert run_a.state == 'done'
job('mail')
""", sink.port)
        worker.reach("lock")
        first = sink.counted()
        with psycopg2.connect(arena.env.psql_dsn(arena.db)) as connection, connection.cursor() as cursor:
            cursor.execute(LOCK_RUN_OF_A)
            worker.go("lock")
            worker.reach("unlock")
        connection.close()
        second = sink.counted()
        worker.go("unlock")
        worker.finish(["bad query", "Dunning Run of Company A: the automatic one failed"])
        assert first == dict.fromkeys(addresses("b", FEW), 1)
        assert second == dict.fromkeys(addresses("b", FEW), 2)
        assert sink.counted() - second == {"a1@customer.example.com": 1}


def test_clock_around_midnight_of_the_company(arena):
    """One instant, two companies, two days: an item that is due for its reminder from the next day on gets it in the
    first minute of that day where the company is, a run a day, whatever the server's and the user's clock say."""
    with Sink(arena.folder / "mail") as sink:
        arena.work("""
from datetime import timedelta
from freezegun import freeze_time
(company_a + company_b).ar_dunning_automatic = True
company_a.partner_id.tz, company_b.partner_id.tz = 'Asia/Tokyo', 'Pacific/Honolulu'  # 9 hours ahead, 10 behind
env.user.tz = 'Europe/Paris'
level = env.ref('ar_coordinator.ar_dunning_level_1')
due = env['account.move'].search([], limit=1).invoice_date_due
day = due + timedelta(days=level.delay_days)  # the first day of the first reminder
env['account.move'].search(OTHERS_OF_A).no_followup = True
env.cr.commit()
def runs(company):
    env.invalidate_all()
    return [(run.as_of.isoformat(), len(run.letter_ids.filtered(lambda letter: letter.state == 'queued')))
            for run in env['ar.dunning.run'].search([('company_id', '=', company.id)], order='as_of')]
def tick(instant):
    with freeze_time(instant):
        job('run')
before, after = (day - timedelta(days=1)).isoformat(), day.isoformat()
tick(f'{before} 09:59:00')   # 18:59 in Tokyo; 23:59 of the day before in Honolulu
assert runs(company_a) == [(before, 0)], runs(company_a)
tick(f'{before} 14:59:00')   # 23:59 in Tokyo
assert runs(company_a) == [(before, 0)], runs(company_a)
tick(f'{before} 15:00:00')   # midnight in Tokyo, 16:00 in Paris, 05:00 in Honolulu
assert runs(company_a) == [(before, 0), (after, 1)], runs(company_a)
early = (day - timedelta(days=2)).isoformat()
assert runs(company_b) == [(early, 0), (before, 0)], runs(company_b)
tick(f'{after} 09:59:00')    # 23:59 in Honolulu
assert runs(company_b) == [(early, 0), (before, 0)], runs(company_b)
tick(f'{after} 10:00:00')    # midnight there
assert runs(company_b) == [(early, 0), (before, 0), (after, 6)], runs(company_b)
assert runs(company_a) == [(before, 0), (after, 1)], runs(company_a)
job('mail')
""", sink.port).finish()
        assert sink.counted() == dict.fromkeys(addresses("b", FEW) | {"a1@customer.example.com"}, 1)


# Statements of company B's six customers, three in a transaction; a batch freezes no PDF here, that takes long.
STATEMENTS = """
Statement, Reports = (type(env[name]) for name in ('ar.statement.run.line', 'ir.actions.report'))
patch('odoo.addons.ar_coordinator.models.ar_statement_run.BATCH_LINES', 3).start()
patch.object(Reports, '_pre_render_qweb_pdf', lambda self, ref, ids, data=None: (b'', 'pdf')).start()
patch.object(Reports, '_get_splitted_report', lambda self, ref, content, kind: {
    line.id: line.name.encode() for line in env['ar.statement.run.line'].search([])}).start()
def start_statements():
    run = env['ar.statement.run'].with_company(company_b).create({'company_id': company_b.id, 'kind': 'open'})
    run.action_preview()
    run.state = 'sending'
    env.cr.commit()
"""
STATEMENT_LINES = """
    SELECT partner.email, line.state
      FROM ar_statement_run_line line JOIN res_partner partner ON partner.id = line.partner_id ORDER BY line.id"""


def statement_states(arena):
    return Counter(state for _email, state in arena.env.psql(STATEMENT_LINES, arena.db))


def test_worker_killed_while_sending_statements(arena):
    """Killed with the second half's files and e-mails written and not committed: the first half has its e-mails, the
    rest are drafts; in the end everybody has one message, with the file that is kept."""
    worker = arena.work(STATEMENTS + """
start_statements()
create, made = Mail.create, []
def create_and_stop(self, vals_list):
    mails = create(self, vals_list)
    made.extend(mails.ids)
    if len(made) > 3:
        env.flush_all()
        at('the second batch')
    return mails
with patch.object(Mail, 'create', create_and_stop):
    job('statements')
""")
    worker.reach("the second batch")
    worker.kill()
    assert statement_states(arena) == {"queued": 3, "draft": 3}
    with Sink(arena.folder / "mail") as sink:
        arena.work(STATEMENTS + """
job('statements')
job('mail')
job('statements')
lines = env['ar.statement.run.line'].search([])
assert lines.run_id.state == 'done', lines.run_id.state
assert [line.attachment_id.raw for line in lines] == [line.name.encode() for line in lines]
assert env['ir.attachment'].search_count([('res_model', '=', lines._name)]) == len(lines)
""", sink.port).finish()
        assert sink.counted() == dict.fromkeys(addresses("b", FEW), 1)
        assert all(len(list(message.iter_attachments())) == 1 for message in sink.messages)
    assert statement_states(arena) == {"sent": FEW}


def test_two_workers_on_the_same_statements(arena):
    """Two processes send one run, the second while the first is inside a batch: it takes the other half, and
    everybody gets one statement."""
    script = STATEMENTS + """
queue, batches = Statement._queue, []
def queue_and_stop(self):
    batches.append(len(self))
    if NAME == 'first' and len(batches) == 1:
        at('inside')
    queue(self)
with patch.object(Statement, '_queue', queue_and_stop):
    if NAME == 'first':
        start_statements()
    env['ar.statement.run']._cron_send()
(FOLDER / f'{NAME} sent').write_text(str(sum(batches)))
env.cr.commit()
"""
    first = arena.work("NAME = 'first'\n" + script)
    first.reach("inside")
    second = arena.work("NAME = 'second'\n" + script)
    second.until(lambda: statement_states(arena)["queued"] == 3, "the second worker's batch", pause=0.2)
    first.go("inside")
    first.finish()
    second.finish()
    assert [int((arena.folder / f"{name} sent").read_text()) for name in ("first", "second")] == [3, 3]
    with Sink(arena.folder / "mail") as sink:
        arena.work("job('mail')\njob('statements')", sink.port).finish()
        assert sink.counted() == dict.fromkeys(addresses("b", FEW), 1)
    assert statement_states(arena) == {"sent": FEW}
    [[state]] = arena.env.psql("SELECT state FROM ar_statement_run", arena.db)
    assert state == "done"
