"""What the month end left in the demo's story: targets, write-offs, a provision, deliveries, statements, the pack.

`play` needs the ledger of `demo_story.py`; `close_month` makes PDFs and needs the web server as well (styles). Both go
the way a user would.
"""
from datetime import timedelta

from odoo.fields import Command

TARGETS = {'dso': 42, 'overdue_share': 20, 'cei': 80, 'collected_week': 45_000}
MAILED, NOT_SENT, OPENED = 4, 6, 10  # of the invoices that are not due yet
RATES = (0.004, 0.01, 0.03, 0.08, 0.2, 0.45)
STATEMENTS = 6  # customers who got last month's


def play(env, today):
    """Add targets, write-offs, deliveries and a provision; the caller commits."""
    for company in env['res.company'].search([]):
        close = Close(env, today, company)
        close.set_targets()
        close.deliver()
    close = Close(env, today, env.ref('base.main_company'))
    close.choose_accounts()
    close.write_off()
    close.provide()
    env.flush_all()


def close_month(env, today):
    """Send invoices and statements, and make the month-end pack; the caller commits."""
    close = Close(env, today, env.ref('base.main_company'))
    close.mail_invoices()
    close.send_statements()
    close.make_pack()


class Close:
    def __init__(self, env, today, company):
        self.company = company
        self.env = env(context={**env.context, 'allowed_company_ids': self.company.ids, 'tracking_disable': True})
        self.today, self.month_end = today, today.replace(day=1) - timedelta(days=1)
        self.clerk, self.manager = (
            env['res.users'].search([('login', '=', login)]) for login in ('clerk', 'manager'))

    def _as(self, user, model):
        return self.env[model].with_user(user).with_company(self.company)

    def choose_accounts(self):
        """Accounts for bad debts and the provision."""
        names = {'601001': ("Bad debts", 'expense'), '601002': ("Provision for credit losses", 'expense'),
                 '129001': ("Allowance for credit losses", 'asset_current')}
        accounts = {code: self.env['account.account'].create({
            'code': code, 'name': name, 'account_type': kind, 'company_ids': [Command.set(self.company.ids)]})
            for code, (name, kind) in names.items()}
        self.company.write({
            'ar_write_off_account_id': accounts['601001'].id, 'ar_write_off_limit_user': 500,
            'ar_provision_expense_account_id': accounts['601002'].id,
            'ar_provision_allowance_account_id': accounts['129001'].id})

    def set_targets(self):
        self._as(self.manager, 'ar.kpi.target').create([
            {'company_id': self.company.id, 'kpi': key, 'value': value,
             'date_from': self.today - timedelta(days=400)} for key, value in TARGETS.items()])

    # === WRITE-OFFS === #

    def write_off(self):
        """One request that waits for the manager, one that was approved: of the oldest items nobody talks about."""
        busy = self.env['res.partner'].union(*(
            self.env[model].search([]).partner_id for model in ('ar.dispute', 'ar.promise', 'ar.pause')))
        items = self.env['account.move.line'].search([
            ('company_id', '=', self.company.id), ('account_type', '=', 'asset_receivable'),
            ('parent_state', '=', 'posted'), ('reconciled', '=', False), ('move_type', '=', 'out_invoice'),
            ('currency_id', '=', self.company.currency_id.id), ('no_followup', '=', False),
            ('partner_id.commercial_partner_id', 'not in', busy.ids),
            ('date_maturity', '<', self.today - timedelta(days=30))], order='date_maturity, id', limit=2)
        reasons = ("The customer has closed; the liquidator pays nothing.", "A court would cost more than it brings.")
        for number, (item, reason) in enumerate(zip(items, reasons, strict=False)):
            request = self._as(self.clerk, 'ar.write.off').create({
                'company_id': self.company.id, 'partner_id': item.partner_id.commercial_partner_id.id,
                'currency_id': item.currency_id.id, 'reason': reason, 'cause': 'other',
                'line_ids': [Command.create({'move_line_id': item.id})]})
            request.action_submit()
            if number and request.state == 'requested':
                request.with_user(self.manager).action_approve()

    # === DELIVERY === #

    def _not_due(self):
        return self.env['account.move'].search([
            ('company_id', '=', self.company.id), ('move_type', '=', 'out_invoice'), ('state', '=', 'posted'),
            ('amount_residual', '>', 0), ('invoice_date_due', '>=', self.today)], order='invoice_date_due, id')

    def deliver(self):
        """Most went out by another system, as all that are overdue; some were opened online, some never left."""
        deliveries, moves = self._as(self.clerk, 'ar.invoice.delivery'), self._not_due()
        overdue = self.env['account.move'].search([
            ('company_id', '=', self.company.id), ('move_type', '=', 'out_invoice'), ('state', '=', 'posted'),
            ('amount_residual', '>', 0), ('invoice_date_due', '<', self.today)])
        for move in overdue + moves[MAILED + NOT_SENT:]:
            deliveries._note_delivered(move, 'email_elsewhere', move.invoice_date, "Sent by the order system.")
        for move in moves[MAILED + NOT_SENT:][:OPENED]:
            self.env['ar.invoice.delivery'].sudo()._note_opened(move, move.partner_id)

    def mail_invoices(self):
        """Some by e-mail: one came back, one was refused, the others arrived."""
        for number, move in enumerate(self._not_due().filtered('partner_id.email')[:MAILED]):
            self.env['account.move.send']._generate_and_send_invoices(move, sending_methods={'email'})
            notifications = move.message_ids.notification_ids.filtered(lambda one: one.notification_type == 'email')
            self.env['mail.mail'].search([('mail_message_id', 'in', move.message_ids.ids)]).unlink()
            status, kind, reason = (
                ('bounce', 'mail_bounce', "550 5.1.1 Recipient address rejected: user unknown"),
                ('exception', 'mail_smtp', "452 4.2.2 The mailbox is full"))[number] if number < 2 else (
                    'sent', False, False)
            notifications.write({
                'notification_status': status, 'failure_type': kind, 'failure_reason': reason})

    # === MONTH END === #

    def provide(self):
        """A provision for last month at rates of our own (nothing was written off before), as a draft entry."""
        provision = self._as(self.manager, 'ar.provision').create({
            'company_id': self.company.id, 'date': self.month_end, 'rate_source': 'own'})
        provision.action_calculate()
        for line, rate in zip(provision.line_ids, RATES, strict=False):
            line.rate = rate
        provision.action_book()

    def send_statements(self):
        """Last month's statements: a few customers have them, the run for all others is in preview."""
        runs = self._as(self.clerk, 'ar.statement.run')
        values = {'company_id': self.company.id, 'kind': 'open', 'date_to': self.month_end}
        run = runs.create(values)
        run.action_preview()
        few = run.line_ids.filtered(lambda line: line.state == 'draft' and line.channel == 'email')[:STATEMENTS]
        sent = runs.create({**values, 'partner_ids': [Command.set(few.partner_id.ids)]})
        sent.action_preview()
        sent.action_send()
        run.action_preview()

    def make_pack(self):
        pack = self._as(self.manager, 'ar.month.end.pack').create({
            'company_id': self.company.id, 'date_to': self.month_end})
        pack.action_make()
