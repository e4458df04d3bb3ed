"""A morning's cash in the demo's story: what came to the bank yesterday and today, and what is known of it.

`receive` needs the story's ledger. Some payments are sure, some doubtful: one is short with a deduction, one is from a
name nobody knows, one was announced by a remittance advice, one is from nobody's customer yet. Two were applied.
"""
from datetime import timedelta

from odoo.fields import Command

from .demo_desk import QUIET
from .demo_story_data import COMPANIES

SURE = 6  # payments that name their invoice


def receive(env, today):
    """Add the scene of the cash desk to the story; the caller commits."""
    scene = Cash(env, today)
    for company in env['res.company'].search([('name', 'in', [data['name'] for data in COMPANIES.values()])]):
        scene.bank_statement(company)
    env.flush_all()


class Cash:
    def __init__(self, env, today):
        self.env = env(context={**env.context, **dict.fromkeys(QUIET, True)})
        self.today = today
        self.clerk = self.env['res.users'].search([('login', '=', 'clerk')])
        self.held = (self.env['ar.dispute'].search([]).partner_id | self.env['ar.promise'].search([]).partner_id
                     | self.env['ar.promise.plan'].search([]).partner_id | self.env['ar.pause'].search([]).partner_id)

    def bank_statement(self, company):
        """Yesterday's and today's transactions of a bank account, with proposals; the clerk applied two."""
        journal = self.env['account.journal'].search(
            [('company_id', '=', company.id), ('type', '=', 'bank')], limit=1)
        invoices = self._get_payable(company, journal.currency_id or company.currency_id)
        if len(invoices) < SURE + 5:
            return  # too small a ledger for the scene
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

    def _get_payable(self, company, currency):
        """Invoices in full open, one per customer, that no other scene is about."""
        moves = self.env['account.move'].search([
            ('company_id', '=', company.id), ('move_type', '=', 'out_invoice'), ('state', '=', 'posted'),
            ('payment_state', '=', 'not_paid'), ('currency_id', '=', currency.id),
            ('commercial_partner_id', 'not in', self.held.commercial_partner_id.ids),
            ('invoice_date_due', '>=', self.today - timedelta(days=5))], order='invoice_date_due, id')
        first = {}
        for move in moves:
            if len(move.line_ids.filtered(lambda line: line.account_type == 'asset_receivable')) == 1:
                first.setdefault(move.commercial_partner_id, move)
        return list(first.values())

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
