"""Fixtures shared by the tests: a company of its own, short helpers to build a ledger by hand."""
from odoo import Command
from odoo.tests import new_test_user

from .world import WorldCommon


class ArCommon(WorldCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data['company']
        cls.bank = cls.company_data['default_journal_bank']
        cls.receivable = cls.company_data['default_account_receivable']
        cls.revenue = cls.company_data['default_account_revenue']
        cls.customer = cls.env['res.partner'].create({
            'name': "Harbour Fish Ltd", 'email': 'office@harbourfish.example.com'})
        cls.other_customer = cls.env['res.partner'].create({'name': "Alder & Sons", 'email': 'post@alder.example.com'})
        cls.eur = cls.setup_other_currency(
            'EUR', rates=[('1900-01-01', 0.5), ('2026-02-01', 0.4), ('2026-03-01', 0.625)])

    @classmethod
    def ar_invoice(cls, amount, date, due=None, partner=None, post=True, **vals):
        """An invoice (or move_type='out_refund') over one untaxed line; `due` defaults to the invoice date."""
        move = cls.env['account.move'].create({
            'move_type': 'out_invoice',
            'partner_id': (partner or cls.customer).id,
            'invoice_date': date,
            'date': date,
            **({} if 'invoice_payment_term_id' in vals else {'invoice_date_due': due or date}),
            'invoice_line_ids': [Command.create({
                'name': "Goods", 'quantity': 1, 'price_unit': amount, 'tax_ids': [], 'account_id': cls.revenue.id})],
            **vals,
        })
        if post:
            move.action_post()
        return move

    @classmethod
    def ar_pay(cls, moves, date, amount=None, **vals):
        """Register a payment over `moves` (all of it, or `amount`), matched at its date."""
        return cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=moves.ids,
        ).create({
            'payment_date': date,
            'journal_id': cls.bank.id,
            **({'amount': amount} if amount is not None else {}),
            **vals,
        })._create_payments()

    @classmethod
    def ar_cash(cls, amount, date, partner=None, **vals):
        """Money on account: a posted payment that is matched with nothing."""
        payment = cls.env['account.payment'].create({
            'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': (partner or cls.customer).id,
            'amount': amount, 'date': date, 'journal_id': cls.bank.id, **vals})
        payment.action_post()
        return payment

    @classmethod
    def ar_misc(cls, amount, date, partner=None, post=True, **vals):
        """A miscellaneous entry of `amount` on the receivable account (negative: credit)."""
        move = cls.env['account.move'].create({
            'move_type': 'entry', 'date': date,
            'line_ids': [
                Command.create({'account_id': cls.receivable.id, 'balance': amount,
                                'partner_id': (partner or cls.customer).id, **vals}),
                Command.create({'account_id': cls.revenue.id, 'balance': -amount}),
            ]})
        if post:
            move.action_post()
        return move

    @classmethod
    def ar_lines(cls, moves):
        """The receivable journal items of moves or payments."""
        if moves._name == 'account.payment':
            moves = moves.move_id
        return moves.line_ids.filtered(lambda line: line.account_id.account_type == 'asset_receivable')

    @classmethod
    def ar_match(cls, *moves):
        """Reconcile the receivable items of `moves` with each other."""
        lines = cls.env['account.move.line']
        for move in moves:
            lines |= cls.ar_lines(move)
        lines.filtered(lambda line: not line.reconciled).reconcile()

    @classmethod
    def ar_tax_on_payment(cls):
        """A tax of 20 % that is due on payment: (tax, its account, the account where it waits)."""
        cls.company.tax_exigibility = True
        final, waiting = cls.env['account.account'].create([
            {'code': '252001', 'name': "VAT", 'account_type': 'liability_current'},
            {'code': '252002', 'name': "VAT not due", 'account_type': 'liability_current', 'reconcile': True}])
        tax = cls.env['account.tax'].create({
            'name': "20 on payment", 'amount': 20, 'type_tax_use': 'sale', 'tax_exigibility': 'on_payment',
            'cash_basis_transition_account_id': waiting.id, **{
                f'{kind}_repartition_line_ids': [
                    Command.create({'repartition_type': 'base'}),
                    Command.create({'repartition_type': 'tax', 'account_id': final.id})]
                for kind in ('invoice', 'refund')}})
        return tax, final, waiting

    @classmethod
    def ar_balances(cls, *accounts):
        """The posted balance of each account."""
        sums = dict(cls.env['account.move.line']._read_group(
            [('account_id', 'in', [account.id for account in accounts]), ('parent_state', '=', 'posted')],
            ['account_id'], ['balance:sum']))
        return tuple(sums.get(account, 0) for account in accounts)

    @classmethod
    def ar_user(cls, login, groups, **vals):
        """A user of the test company with these groups."""
        return new_test_user(
            cls.env, login=login, groups=groups, company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)], **vals)

    def aged(self, as_of, **options):
        """get_data for the test company only."""
        return self.env['ar.aging.report'].get_data(
            {'as_of': as_of, 'company_ids': self.company.ids, **options})

    def items(self, as_of, **options):
        return self.env['ar.ledger'].open_items({'as_of': as_of, 'company_ids': self.company.ids, **options})

    def ledger_balance(self, as_of, company=None):
        """Balance of the receivable accounts, straight from the journal items."""
        [(balance,)] = self.env['account.move.line']._read_group([
            ('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'), ('date', '<=', as_of),
            ('company_id', '=', (company or self.company).id)], [], ['balance:sum'])
        return self.company.currency_id.round(balance or 0.0)
