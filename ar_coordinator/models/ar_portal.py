"""What a customer may see and do on the pages of his own account (/my/receivables).

The controller finds out whose account it is (the user's commercial partner, in the user's companies) and calls these
methods with sudo; each of them reads that customer's records in that company only. Amounts are the ledger's, in the
items' own currency.
"""
import math

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

INVOICE_TYPES = ('out_invoice', 'out_receipt')
PENDING_STATES = ('pending', 'authorized')
BY_HAND_PROVIDERS = ('none', 'custom')  # bank transfer: Odoo knows no more than that the customer wants to pay so
SENT_STATEMENTS = 12  # a year of them
MAX_SELECTED = 200  # chosen one by one; "everything overdue" has no such limit


class ArPortal(models.AbstractModel):
    _name = 'ar.portal'
    _description = "Customer's Account Online"

    # === STATEMENTS === #

    @api.model
    def _get_sent_statements(self, partner, companies):
        """Return the latest statements that were sent to a customer.

        :param partner: res.partner, the commercial partner; statements of a company above it are not his
        :param companies: res.company
        :return: ar.statement.run.line, newest first, at most SENT_STATEMENTS, with their files
        """
        return self.env['ar.statement.run.line'].search([
            ('partner_id', '=', partner.id), ('company_id', 'in', companies.ids),
            ('state', 'in', ('queued', 'sent', 'bounced', 'failed')), ('attachment_id', '!=', False),
        ], order='date_to desc, id desc', limit=SENT_STATEMENTS)

    # === ACCOUNTS === #

    @api.model
    def _get_accounts(self, partner, companies):
        """Return the customer's accounts, one per company and currency, those with something overdue first.

        :param partner: res.partner, a commercial partner
        :param companies: res.company
        :return: list of dict: company, currency (records), as_of (date), and the numbers of
            `ar.ledger.customer_accounts`, with `to_pay` (overdue less its disputed part)
        """
        accounts = []
        for company in companies:  # few: the user's own
            today = company._ar_today()
            for row in self.env['ar.ledger'].customer_accounts(self._ledger_options(partner, company, today)):
                currency = self.env['res.currency'].browse(row['currency_id'])
                accounts.append({
                    **row, 'company': company, 'currency': currency, 'as_of': today,
                    'to_pay': currency.round(row['overdue'] - row['overdue_disputed'])})
        accounts.sort(key=lambda account: (account['overdue'] <= 0, account['company'].id, account['currency'].name))
        return accounts

    @api.model
    def _ledger_options(self, partner, company, today=None):
        """Return the options of ledger queries about this customer in this company."""
        return {'partner_ids': partner.ids, 'company_ids': company.ids, 'as_of': today or company._ar_today()}

    # === ITEMS === #

    @api.model
    def _get_items(self, partner, company, currency, limit=None, offset=0, **how):
        """Return a page of the account's open items with their states.

        :param how: show, order, search, line_ids of `ar.ledger.customer_items`
        :return: (list of dict as `ar.ledger.customer_items`, with what `_add_states` adds; number of all items)
        """
        options = {**self._ledger_options(partner, company), 'limit': limit, 'offset': offset}
        rows, count = self.env['ar.ledger'].customer_items(options, currency_id=currency.id, **how)
        self._add_states(rows, company, currency)
        return rows, count

    @api.model
    def _add_states(self, rows, company, currency):
        """Add to items what the customer is told about them, in a number of queries that does not grow with them.

        kind (invoice, refund, payment, entry), move (record), url (of Odoo's own page of it, or ''), processing (an
        online payment is under way), announced (a bank transfer was chosen online), payable (what can be paid online
        now, without the disputed part; 0: nothing), answerable (the customer can promise, dispute and so on), and the
        customer's own words: promised, planned, reported (dates, or None).
        """
        moves = self.env['account.move'].browse({row['move_id'] for row in rows})
        underway, announced = self._get_underway(moves)
        for row in rows:
            move = row['move'] = self.env['account.move'].browse(row['move_id']).with_prefetch(moves.ids)
            row['kind'] = (
                'invoice' if row['move_type'] in INVOICE_TYPES else 'refund' if row['move_type'] == 'out_refund'
                else 'payment' if row['payment_id'] else 'entry')
            row['url'] = f'/my/invoices/{move.id}' if row['move_type'] in ('out_invoice', 'out_refund') else ''
            row['processing'] = row['residual'] > 0 and move.id in underway
            row['announced'] = row['residual'] > 0 and move.id in announced and not row['processing']
            row['answerable'] = row['kind'] == 'invoice' and row['residual'] > 0 and not row['processing']
            row['payable'] = 0.0
            if row['kind'] == 'invoice' and move.id not in underway and move._has_to_be_paid():
                row['payable'] = max(currency.round(row['residual'] - row['settled'] - row['disputed']), 0.0)

        self._add_promises(rows, company)

    @api.model
    def _add_promises(self, rows, company):
        """Add for which day items are promised or planned, and on which day the customer says he paid them."""
        ids = [row['id'] for row in rows]
        open_lines = Domain([('move_line_id', 'in', ids), ('is_open', '=', True)])
        promised = {
            line.move_line_id.id: line.date_promised for line in self.env['ar.promise.line'].search(open_lines)}
        planned = {
            line.move_line_id.id: line.plan_id.next_date for line in self.env['ar.promise.plan.item'].search(
                open_lines & Domain('plan_id.state', 'in', ('accepted', 'running')))}
        reported = {
            line.move_line_id.id: line.answer_id.date for line in self.env['ar.customer.answer.line'].search([
                ('move_line_id', 'in', ids), ('kind', '=', 'paid'), ('pause_id.date_end', '>=', company._ar_today())])}
        for row in rows:
            row['planned'] = planned.get(row['id'])
            row['promised'] = None if row['planned'] else promised.get(row['id'])
            row['reported'] = reported.get(row['id'])

    @api.model
    def _get_underway(self, moves):
        """Return which invoices have an online payment that is not in the books yet.

        :return: (ids of those whose payment is being processed: nothing may be paid twice; ids of those for which
            the customer announced a bank transfer, which can still be paid in another way, as on Odoo's own pages)
        """
        transactions = self.env['payment.transaction'].search([
            ('invoice_ids', 'in', moves.ids), ('operation', '!=', 'validation'),
            '|', ('state', 'in', PENDING_STATES), '&', ('state', '=', 'done'), ('is_post_processed', '=', False)])
        announced = transactions.filtered(
            lambda tx: tx.state in PENDING_STATES and tx.provider_code in BY_HAND_PROVIDERS)
        return set((transactions - announced).invoice_ids.ids), set(announced.invoice_ids.ids)

    # === CONTACT === #

    @api.model
    def _get_contact(self, partner, company):
        """Return whom the customer may ask: the collector, else the salesperson, else the company's own address.

        :return: dict: name, email, phone
        """
        partner = partner.with_company(company)
        collector = partner.ar_collector_id._ar_on_duty(company)
        contact = (collector or partner.user_id).partner_id or company.partner_id
        return {
            'name': contact.name,
            'email': contact.email or company.email,
            'phone': contact.phone or company.phone,
        }

    # === PAYMENT === #

    @api.model
    def _get_payment(self, partner, company, currency, selection, with_disputed=False, credits=0.0):
        """Return what paying a selection of items comes to, right now.

        :param selection: 'overdue', 'open' (everything), ids of journal items with dashes between them or as a list
        :param bool with_disputed: pay disputed parts, too
        :param float credits: deduct the customer's unapplied credits up to this amount, the oldest items first
        :return: dict: rows (items with `pay`, what is paid of each, and `gross`, the same before credits), moves,
            amount, allocation ({journal item's id as text: amount}, for the transaction), netting (list of [item's id,
            credit's id, amount], for the transaction), credits (what is deducted), left_out (rows that cannot be paid
            online), discounted (invoices among them that have an early payment discount today)
        :raise UserError: when nothing of it can be paid, the credits cover it, or the selection makes no sense
        """
        how = {'show': 'overdue' if selection == 'overdue' else 'all'}
        if selection not in ('overdue', 'open'):
            how['line_ids'] = selection if isinstance(selection, list) else self._read_selection(selection)
        items, _count = self._get_items(partner, company, currency, **how)
        rows, left_out = [], []
        for row in items:
            row['pay'] = row['payable']
            if with_disputed and row['kind'] == 'invoice' and not row['processing'] and row['move']._has_to_be_paid():
                row['pay'] = currency.round(row['residual'] - row['settled'])
            row['gross'] = row['pay']
            if row['pay'] > 0:
                rows.append(row)
            elif row['residual'] > 0:
                left_out.append(row)
        if not rows:
            raise UserError(self.env._("There is nothing to pay online among these items."))
        netting = self._net(rows, partner, company, currency, credits) if credits else []
        amount = currency.round(sum(row['pay'] for row in rows))
        if amount <= 0:
            raise UserError(self.env._(
                "Your credits cover these invoices: there is nothing to pay. %s sets them off.", company.name))
        moves = self.env['account.move'].union(*(row['move'] for row in rows))
        return {
            'rows': rows,
            'moves': moves,
            'amount': amount,
            'allocation': {str(row['id']): row['pay'] for row in rows if row['pay'] > 0},
            'netting': netting,
            'credits': currency.round(sum(part for _item, _credit, part in netting)),
            'left_out': left_out,
            'discounted': moves.filtered(
                lambda move: move._is_eligible_for_early_payment_discount(currency, company._ar_today())),
        }

    @api.model
    def _net(self, rows, partner, company, currency, most):
        """Deduct the customer's free credits, `most` at most, from what is paid of the rows, by due date; changes their
        `pay`.

        Credits settle items of their own receivable account only, as matching does.

        :return: list of [item's id, credit's id, amount]
        """
        free, netting = self._get_free_credits(partner, company, currency), []
        for row in sorted(rows, key=lambda row: (row['due'], row['id'])):
            for credit in free:
                part = min(currency.round(min(row['pay'], credit['free'])), most)
                if part > 0 and credit['account_id'] == row['account_id']:
                    row['pay'] = currency.round(row['pay'] - part)
                    credit['free'] = currency.round(credit['free'] - part)
                    most = currency.round(most - part) if most < math.inf else most
                    netting.append([row['id'], credit['id'], part])
        return netting

    @api.model
    def _get_free_credits(self, partner, company, currency):
        """Return the customer's unapplied credits nobody has other plans with, oldest first, with `free`: how much.

        None where the company rather asks for everything in full, or where money paid out to the customer is not
        matched yet. Left aside is what waits to be applied to certain items, to be paid back, or is matched with a
        draft.
        """
        if not company.ar_dunning_net_credits:
            return []
        rows, _count = self.env['ar.ledger'].customer_items(
            self._ledger_options(partner, company), currency_id=currency.id)
        credits = [row for row in rows if row['residual'] < 0]
        entries = self.env['account.move'].browse(
            [row['move_id'] for row in rows if row['residual'] > 0 and row['move_type'] == 'entry'])
        if not credits or any(entry.journal_id.type in ('bank', 'cash', 'credit') for entry in entries):
            return []
        ids = [row['id'] for row in credits]
        planned = self.env['ar.cash.proposal'].search(
            [('payment_line_id', 'in', ids), ('state', '=', 'proposed')]).payment_line_id
        refunds = self.env['ar.write.off.line'].search([
            ('move_line_id', 'in', ids), ('request_id.kind', '=', 'refund'),
            ('request_id.state', 'in', ('draft', 'requested', 'done'))])
        taken = set((planned + refunds.move_line_id).ids)
        for row in credits:
            row['free'] = currency.round(row['settled'] - row['residual'])
        return [row for row in credits if row['id'] not in taken and row['free'] > 0]

    @api.model
    def _get_answerable(self, partner, company, currency, selection):
        """Return the items among a selection that the customer can say something about.

        :param str selection: ids of journal items with dashes between them
        :return: account.move.line, by due date
        :raise UserError: when there is none, or the selection makes no sense
        """
        rows, _count = self._get_items(
            partner, company, currency, line_ids=self._read_selection(selection))
        ids = [row['id'] for row in rows if row['answerable']]
        if not ids:
            raise UserError(self.env._("Please select at least one invoice that is still open."))
        return self.env['account.move.line'].browse(ids)

    @api.model
    def _read_selection(self, selection):
        """Return the ids in a selection like '12-15-17'.

        :raise UserError: for anything else, or too many
        """
        parts = (selection or '').split('-')
        if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
            raise UserError(self.env._("Please select at least one invoice."))
        if len(parts) > MAX_SELECTED:
            raise UserError(self.env._("Please select %s invoices at most.", MAX_SELECTED))
        return [int(part) for part in parts]

    @api.model
    def _get_payment_reference(self, payment, company):
        """Return the reference of the transaction: the invoice's number, or one for the batch."""
        moves = payment['moves']
        return moves.name if len(moves) == 1 else company.get_next_batch_payment_communication()

    # === LETTERS AND CASES === #

    @api.model
    def _letters_domain(self, partner, companies):
        """Return the domain of the letters that reached the customer."""
        return [('partner_id', '=', partner.id), ('company_id', 'in', companies.ids), ('state', '=', 'sent')]

    @api.model
    def _cases(self, what, partner, companies):
        """Return (model, domain) of the customer's 'disputes', 'promises', 'plans' or 'answers'.

        Instalments are shown with their plan; plans that the desk is still drawing up are not shown, unless the
        customer asked for them.
        """
        own = Domain([('partner_id', '=', partner.id), ('company_id', 'in', companies.ids)])
        return {
            'disputes': ('ar.dispute', own & Domain('closed_by', '!=', 'merged')),
            'promises': ('ar.promise', own & Domain('plan_id', '=', False)),
            'plans': ('ar.promise.plan', own & (Domain('state', '!=', 'draft') | Domain('origin', '!=', 'clerk'))),
            'answers': ('ar.customer.answer', own),
        }[what]
