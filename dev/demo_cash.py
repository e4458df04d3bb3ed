"""A morning's cash in the demo's story: what came to the bank yesterday and today, and what is known of it.

`receive` needs the story's ledger. Some payments are sure, some doubtful: one is short with a deduction, one is from a
name nobody knows, one was announced by a remittance advice, one is from nobody's customer yet. Two were applied. Of
last week's cheques one bounced and one was typed on the wrong customer; today's slip is not confirmed yet.
"""
from datetime import timedelta

from odoo.fields import Command

from .demo_desk import QUIET
from .demo_story_data import COMPANIES

SURE = 6  # payments that name their invoice
AT_THE_BANK = SURE + 5  # invoices whose money comes by transfer
CHEQUES = 3  # invoices paid by cheque


def receive(env, today):
    """Add the scene of the cash desk to the story; the caller commits."""
    scene = Cash(env, today)
    for company in env['res.company'].search([('name', 'in', [data['name'] for data in COMPANIES.values()])]):
        journal = env['account.journal'].search([('company_id', '=', company.id), ('type', '=', 'bank')], limit=1)
        by_transfer, others = scene.get_payable(company, journal.currency_id or company.currency_id)
        if len(by_transfer) == AT_THE_BANK:  # else too small a ledger for the scene
            scene.bank_statement(company, journal, by_transfer)
        if len(others) >= CHEQUES:
            scene.till(company, journal, others[:CHEQUES], by_transfer[-1].partner_id)
    env.flush_all()


class Cash:
    def __init__(self, env, today):
        self.env = env(context={**env.context, **dict.fromkeys(QUIET, True)})
        self.today = today
        self.clerk = self.env['res.users'].search([('login', '=', 'clerk')])
        self.held = (self.env['ar.dispute'].search([]).partner_id | self.env['ar.promise'].search([]).partner_id
                     | self.env['ar.promise.plan'].search([]).partner_id | self.env['ar.pause'].search([]).partner_id)

    def bank_statement(self, company, journal, invoices):
        """Yesterday's and today's transactions of a bank account, with proposals; the clerk applied two."""
        sure, invoices = invoices[:SURE], invoices[SURE:]
        short, unknown, announced, misspelt, over = invoices[:5]
        lines = [(move, move.amount_residual, move.name, move.partner_id.name) for move in sure]
        lines += [
            (short, short.currency_id.round(short.amount_residual * 0.94), f"{short.name} less damaged goods",
             short.partner_id.name),
            (unknown, unknown.amount_residual, "Payment with thanks", "Seidel & Partner Trustees"),
            (misspelt, misspelt.amount_residual, f"inv {misspelt.name.rpartition('/')[2]}",
             misspelt.partner_id.name.upper()),
            (over, over.currency_id.round(over.amount_residual + 75), over.name, over.partner_id.name)]
        for number, (_move, amount, text, payer) in enumerate(lines):
            self._transaction(journal, amount, text, payer, number % 2)
        self._transaction(journal, 480.0, "Prepayment quotation 8841", "Okafor Marine Services", 0)
        self._announce(company, journal, announced)
        company = company.sudo()
        self.env['ar.cash']._propose(company)
        self._apply(company, sure[0] | sure[1])

    def get_payable(self, company, currency):
        """Invoices in full open that no other scene is about: those paid by transfer, one per customer, and others."""
        moves = self.env['account.move'].search([
            ('company_id', '=', company.id), ('move_type', '=', 'out_invoice'), ('state', '=', 'posted'),
            ('payment_state', '=', 'not_paid'), ('currency_id', '=', currency.id),
            ('commercial_partner_id', 'not in', self.held.commercial_partner_id.ids),
            ('invoice_date_due', '>=', self.today - timedelta(days=5))], order='invoice_date_due, id')
        first = {}
        moves = moves.filtered(lambda move: len(
            move.line_ids.filtered(lambda line: line.account_type == 'asset_receivable')) == 1)
        for move in moves:
            first.setdefault(move.commercial_partner_id, move)
        by_transfer = list(first.values())[:AT_THE_BANK]
        return by_transfer, [move for move in moves if move not in by_transfer]

    def till(self, company, journal, invoices, other):
        """Last week's deposit with what became of its cheques, and today's draft: on account, one for next month."""
        company.sudo().write({'ar_return_fee': 15, 'ar_return_cost_account_id': self.env['account.account'].search(
            [('company_ids', 'in', company.ids), ('account_type', '=', 'expense')], limit=1).id})
        self.env['ar.payment.return'].invalidate_model()
        paid, bounced, owed = invoices
        deposit = self._deposit(company, journal, "0871", 6, [
            (paid.partner_id, paid.amount_residual, paid.name),
            (bounced.partner_id, bounced.amount_residual, bounced.name),
            (other, owed.amount_residual, owed.name)])
        deposit.action_confirm()
        for move, line in zip((paid, bounced), deposit.sudo().line_ids, strict=False):
            items = (move | line.payment_id.move_id).line_ids
            items.filtered(lambda item: item.account_id.account_type == 'asset_receivable').reconcile()
        self._transaction(journal, deposit.amount_total, "DEPOSIT 0871", "", 5)
        deposit.action_match_bank()
        _first, second, third = deposit.sudo().line_ids.payment_id
        self._bounce(company, second)
        self._move(company, third, owed.partner_id)
        later = self._deposit(company, journal, "0872", 0, [
            (paid.partner_id, 640.0, "On account"), (other, 1_275.5, "On account"),
            (owed.partner_id, 900.0, "On account")])
        later.line_ids[-1].date_cheque = self.today + timedelta(days=28)
        later.control_total = later.amount_total

    def _as_clerk(self, company, model):
        return self.env[model].with_user(self.clerk).with_context(allowed_company_ids=company.ids)

    def _deposit(self, company, journal, reference, days_ago, cheques):
        """A slip the clerk typed, over [(customer, amount, what for)]."""
        return self._as_clerk(company, 'ar.deposit').create({
            'journal_id': journal.id, 'company_id': company.id, 'reference': reference,
            'date': self.today - timedelta(days=days_ago),
            'control_total': sum(amount for _partner, amount, _memo in cheques),
            'line_ids': [Command.create({
                'partner_id': partner.commercial_partner_id.id, 'number': f"{reference}{number:02}",
                'bank_name': "First Harbour Bank", 'amount': amount, 'memo': memo,
            }) for number, (partner, amount, memo) in enumerate(cheques, 1)]})

    def _bounce(self, company, payment):
        """The bank took a cheque back; its own transaction is not there yet."""
        record = self._as_clerk(company, 'ar.payment.return').create({
            'payment_id': payment.id, 'date': self.today - timedelta(days=2), 'reason': 'funds', 'bank_fee': 7.5,
            'charge_amount': 15})
        record.action_confirm()

    def _move(self, company, payment, partner):
        """A cheque was typed on the wrong customer."""
        record = self._as_clerk(company, 'ar.payment.move').create({
            'payment_id': payment.id, 'partner_to_id': partner.commercial_partner_id.id,
            'reason': "Typed on the wrong customer: the cheque is drawn by the other one."})
        record.action_confirm()

    def _transaction(self, journal, amount, text, payer, days_ago):
        return self.env['account.bank.statement.line'].with_company(journal.company_id).create({
            'journal_id': journal.id, 'date': self.today - timedelta(days=days_ago), 'payment_ref': text,
            'amount': amount, 'partner_name': payer})

    def _announce(self, company, journal, move):
        """A remittance advice with a deduction, and its money."""
        deduction = move.currency_id.round(move.amount_residual * 0.03)
        paid = move.currency_id.round(move.amount_residual - deduction)
        reference = f"REM-{self.today.year}-0{move.id % 1000:03}"
        advice = self.env['ar.remittance.advice'].with_user(self.clerk).with_context(
            allowed_company_ids=company.ids).create({
            'name': reference, 'company_id': company.id, 'partner_id': move.commercial_partner_id.id,
            'date': self.today, 'currency_id': move.currency_id.id, 'amount': paid,
            'line_ids': [Command.create({
                'number': move.name, 'amount': paid, 'deduction': deduction,
                'deduction_reason': "Freight, as agreed"})]})
        advice.action_match()
        self._transaction(journal, paid, reference, move.partner_id.name, 0)

    def _apply(self, company, moves):
        """The clerk applies the payments of these invoices."""
        proposals = self.env['ar.cash.proposal'].search(
            [('company_id', '=', company.id), ('state', '=', 'proposed')])
        for proposal in proposals.filtered(lambda row: row.line_ids.move_id in moves):
            proposal.with_user(self.clerk).with_context(allowed_company_ids=company.ids).action_apply()
