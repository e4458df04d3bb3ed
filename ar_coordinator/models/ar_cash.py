"""Cash application: collects money that waits and open items, lets the engine read them, writes proposals.

Two queries or three for each kind of fact, whatever the number of receipts. What others know of payers and payments
comes in by `_get_known` and `_get_advices`.
"""
import logging
from collections import defaultdict
from dataclasses import replace

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import float_compare, split_every

from ..engine import cash, cash_claims, cash_rates
from .ar_bulk import insert_rows

_logger = logging.getLogger(__name__)
BATCH = 20  # payments that are applied by themselves before they are kept
SETTLED_DAYS = 400  # a text may name a document paid so long ago
# what is read of thousands of records: Odoo would fetch every column of each
TRANSACTION_FIELDS = (
    'move_id', 'journal_id', 'currency_id', 'foreign_currency_id', 'payment_ref', 'partner_name', 'account_number',
    'partner_id')
PAYMENT_FIELDS = ('move_id', 'currency_id', 'amount_residual_currency', 'date', 'partner_id')
ITEM_FIELDS = (
    'move_id', 'currency_id', 'discount_date', 'discount_amount_currency', 'amount_residual_currency',
    'matched_debit_ids', 'matched_credit_ids')


class ArCash(models.AbstractModel):
    _name = 'ar.cash'
    _description = "Cash Application"

    @api.model
    def _propose(self, company):
        """Make the company's proposals anew, in a number of queries that does not depend on how many there are.

        :return: the proposals that wait
        """
        env = self.with_company(company).sudo().env  # sudo: bank data of the company; who asks was checked
        proposals = env['ar.cash.proposal']
        receipts = self._get_receipts(env, company)
        if not receipts:
            proposals.search([('company_id', '=', company.id), ('state', '=', 'proposed')]).unlink()
            return proposals
        books = self._get_books(env, company, receipts)
        known = {self._source_of(old): old for old in proposals.search([
            ('company_id', '=', company.id), ('state', '=', 'proposed')])}
        refused = {
            (self._source_of(old), frozenset(old.line_ids.move_line_id.ids)) for old in proposals.search([
                ('company_id', '=', company.id), ('state', 'in', ('dismissed', 'undone'))])}
        wanted, kept = [], proposals
        readings = self._read(receipts, books)
        registered = self._find_registered(env, company, receipts, readings)
        for (currency, source), receipt in receipts.items():
            book, reading = books[currency, source[0]], readings[currency, source]
            if reading is None or (reading.paid and (source, frozenset(reading.paid)) in refused):
                continue
            if (currency, source) in registered:
                continue  # a payment of this customer waits for its bank transaction: the same money
            old = known.get(source)
            if old and self._is_same(old, reading, book):
                kept |= old
            else:
                wanted.append(self._prepare(company, currency, source, receipt, reading, book))
        (proposals.union(*known.values()) - kept).unlink()
        self._create_proposals(proposals, wanted)
        return proposals.search([('company_id', '=', company.id), ('state', '=', 'proposed')])

    def _create_proposals(self, proposals, rows):
        """Create proposals of [(values, values of the lines)]: thousands at once, without a note that each was made."""
        made = proposals.with_context(
            tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True).create(
            [values for values, _lines in rows])
        insert_rows(proposals.line_ids, [
            {**line, 'proposal_id': proposal.id, 'company_id': values['company_id'],
             'currency_id': values['currency_id']}
            for proposal, (values, lines) in zip(made, rows, strict=True) for line in lines])
        made.invalidate_recordset(['line_ids'])

    def _read(self, receipts, books):
        """Return {(currency, source): `Reading` or None}, all receipts together: no item is paid twice."""
        return cash_claims.propose_all(
            ((currency, source), books[currency, source[0]], receipt['receipt'])
            for (currency, source), receipt in receipts.items())

    def _source_of(self, proposal):
        if proposal.statement_line_id:
            return 'transaction', proposal.statement_line_id.id
        return 'payment', proposal.payment_line_id.id

    def _is_same(self, proposal, reading, book):
        """True when a proposal says what the reading says, of items that are open as they were."""
        cents = 10 ** proposal.currency_id.decimal_places
        now = {
            key: (amount, self._get_residual(book, reading, key), key in reading.foreign and book.foreign[key].residual)
            for key, amount in reading.paid.items()}
        then = {
            line.move_line_id.id: (
                round(line.amount * cents), round(line.residual * cents), bool(line.item_currency_id) and round(
                    line.item_residual * 10 ** line.item_currency_id.decimal_places))
            for line in proposal.line_ids}
        return now == then and not float_compare(
            proposal.confidence, reading.confidence * 100, precision_digits=1) and (
            proposal.what, proposal.who, proposal.is_ambiguous, proposal.reading) == (
            reading.what, reading.who, reading.ambiguous, self._describe(reading))

    def _get_residual(self, book, reading, key):
        """Return what is open of an item, or is worth at the rate of the day, in the book's smallest unit."""
        return reading.foreign[key][1] if key in reading.foreign else book.items[key].residual

    def _describe(self, reading):
        """Return what else a proposal keeps of its reading, as JSON."""
        return {
            'named': {str(key): how for key, how in reading.named.items()}, 'advice': reading.advice,
            'habit': reading.habit,
            'claims': [[item, *source] for item, (_currency, source) in reading.claims.items()],
            **({'repeats': reading.repeats.isoformat()} if reading.repeats else {})}

    def _prepare(self, company, currency, source, receipt, reading, book):
        """Return the values of a proposal, and those of its lines."""
        cents = 10 ** currency.decimal_places
        return {
            'name': receipt['name'], 'company_id': company.id, 'date': receipt['receipt'].date,
            'payer': receipt['receipt'].payer, 'partner_id': reading.customer, 'currency_id': currency.id,
            'statement_line_id': source[1] if source[0] == 'transaction' else False,
            'payment_line_id': source[1] if source[0] == 'payment' else False,
            'amount': receipt['receipt'].amount / cents, 'rest': reading.rest / cents, 'what': reading.what,
            'who': reading.who, 'confidence': reading.confidence * 100, 'is_ambiguous': reading.ambiguous,
            'reading': self._describe(reading),
        }, [{
            'sequence': place, 'move_line_id': key, 'residual': self._get_residual(book, reading, key) / cents,
            'amount': amount / cents, 'discount': reading.discounts.get(key, 0) / cents,
            'deduction': reading.deductions.get(key, 0) / cents,
            **self._prepare_foreign(book, reading, key),
        } for place, (key, amount) in enumerate(reading.paid.items())]

    def _prepare_foreign(self, book, reading, key):
        """Return the values of a line about an item in another currency."""
        if key not in reading.foreign:
            return {}
        currency = book.get_currency(key)
        return {
            'item_currency_id': currency.id,
            'item_residual': book.foreign[key].residual / 10 ** currency.decimal_places}

    def _get_receipts(self, env, company):
        """Return {(currency, (kind, id)): {name, receipt}} of the money that waits, oldest first."""
        found = {}
        transactions = env['account.bank.statement.line'].search_fetch([
            ('company_id', '=', company.id), ('is_reconciled', '=', False), ('amount', '>', 0),
            ('move_id.state', '=', 'posted')], TRANSACTION_FIELDS, order='date, id')
        transactions.move_id.fetch(['ref', 'narration', 'name', 'line_ids'])
        transactions.move_id.line_ids.fetch(['account_id', 'amount_currency', 'move_id'])
        for line in transactions:
            _liquidity, suspense, other = line._seek_for_lines()
            currency = line.foreign_currency_id or line.currency_id
            amount = -sum(suspense.mapped('amount_currency'))
            if other or len(suspense) != 1 or amount <= 0:
                continue
            found[currency, ('transaction', line.id)] = self._make_receipt(
                currency, line.id, amount, line.date, line.payment_ref or line.move_id.name,
                ' '.join(filter(None, (line.payment_ref, line.ref, line.narration and str(line.narration)))),
                line.partner_name, line.account_number, line.partner_id)
        payments = env['account.move.line'].search_fetch([
            ('company_id', '=', company.id), ('account_type', '=', 'asset_receivable'), ('reconciled', '=', False),
            ('parent_state', '=', 'posted'), ('amount_residual_currency', '<', 0),
            ('move_id.origin_payment_id', '!=', False)], PAYMENT_FIELDS, order='date, id')
        payments.move_id.fetch(['name', 'origin_payment_id'])
        for line in payments:
            payment = line.move_id.origin_payment_id
            found[line.currency_id, ('payment', line.id)] = self._make_receipt(
                line.currency_id, line.id, -line.amount_residual_currency, line.date, payment.memo or line.move_id.name,
                payment.memo or '', '', '', line.partner_id)
        tokens = self._get_tokens(env, company, [source for _currency, source in found])
        for (_currency, source), receipt in found.items():
            if source in tokens:
                receipt['receipt'] = replace(receipt['receipt'], token=tokens[source])
        return found

    def _find_registered(self, env, company, receipts, readings):
        """Return {(currency, source)} of the bank transactions that are the money of a payment registered already.

        Each payment stands for one transaction: the nearest of its amount and customer, no more than the company's
        days away. What never reached the bank hides nothing for longer.
        """
        registered = self._get_registered(env, company)
        near = []
        for (currency, source), receipt in receipts.items():
            reading, money = readings[currency, source], receipt['receipt']
            if source[0] != 'transaction' or reading is None:
                continue
            for place, (key, day) in enumerate(registered.get((currency, money.amount, reading.customer), ())):
                days = abs((money.date - day).days)
                if days <= company.ar_cash_registered_days:
                    near.append((days, money.date, source[1], place, key, (currency, source)))
        used, found = set(), set()
        for _days, _date, _id, _place, key, receipt in sorted(near, key=lambda row: row[:4]):
            if key not in used and receipt not in found:
                used.add(key)
                found.add(receipt)
        return found

    def _get_registered(self, env, company):
        """Return {(currency, amount, customer): [(payment id, day)]} of the payments that are registered and not seen
        in the bank yet.
        """
        found = defaultdict(list)
        for payment in env['account.payment'].search([
                ('company_id', '=', company.id), ('payment_type', '=', 'inbound'), ('state', '=', 'in_process'),
                ('is_matched', '=', False)], order='date, id'):
            currency = payment.currency_id
            found[
                currency, round(payment.amount * 10 ** currency.decimal_places),
                payment.partner_id.commercial_partner_id.id].append((payment.id, payment.date))
        return found

    def _get_earlier(self, env, company, receipts):
        """Return {currency: {(customer, amount): days}} of the bank transactions around those that wait that were
        applied already: an equal one may be the same payment made twice.
        """
        found = defaultdict(lambda: defaultdict(list))
        days = [receipt['receipt'].date for (_currency, source), receipt in receipts.items()
                if source[0] == 'transaction']
        if not days:
            return found
        for line in env['account.bank.statement.line'].search_fetch([
                ('company_id', '=', company.id), ('is_reconciled', '=', True), ('amount', '>', 0),
                ('partner_id', '!=', False), ('date', '>=', fields.Date.subtract(min(days), days=cash.REPEAT_DAYS)),
                ('date', '<=', fields.Date.add(max(days), days=cash.REPEAT_DAYS))],
                ('currency_id', 'foreign_currency_id', 'amount', 'amount_currency', 'move_id', 'partner_id')):
            currency = line.foreign_currency_id or line.currency_id
            amount = line.amount_currency if line.foreign_currency_id else line.amount
            found[currency][
                line.partner_id.commercial_partner_id.id, round(amount * 10 ** currency.decimal_places)
            ].append(line.date)
        return found

    def _get_settled_numbers(self, env, company, rows):
        """Return the numbers of the customer documents of the last `SETTLED_DAYS` that are not open any more."""
        open_moves = {row['move_id'] for row in rows}
        since = fields.Date.subtract(company._ar_today(), days=SETTLED_DAYS)
        return [
            move['name'] for move in env['account.move'].search_read([
                ('company_id', '=', company.id), ('state', '=', 'posted'), ('date', '>=', since),
                ('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt'))], ['name'], order='id')
            if move['id'] not in open_moves]

    def _make_receipt(self, currency, key, amount, day, name, text, payer, account, partner):
        return {'name': name, 'receipt': cash.Receipt(
            key, round(amount * 10 ** currency.decimal_places), day, text, payer or '', account or '',
            partner.commercial_partner_id.id or None)}

    def _get_books(self, env, company, receipts):
        """Return {(currency, kind of source): Book} of what is open in the currencies of the receipts."""
        kinds = {(currency, source[0]) for currency, source in receipts}
        if not kinds:
            return {}
        rows = env['ar.ledger'].open_items({'company_ids': company.ids})
        settled = self._get_settled_numbers(env, company, rows)
        money = {source[1] for _currency, source in receipts if source[0] == 'payment'}
        rows = [row for row in rows if row['id'] not in money and row['partner_id']]
        lines = env['account.move.line'].browse([row['id'] for row in rows])
        lines.fetch(ITEM_FIELDS)
        customers = env['res.partner'].browse({row['partner_id'] for row in rows})
        known = self._get_known(env, company, customers)
        advices = self._get_advices(env, company)
        numbers = self._get_numbers(env, lines.move_id)
        habits = env['ar.payer.habit']._get_rules(company)
        earlier = self._get_earlier(env, company, receipts)
        items = {
            kind: self._make_items(rows, lines, numbers, kind == 'transaction')
            for kind in {kind for _currency, kind in kinds}}
        parts = {}
        for currency, kind in kinds:
            with_terms = kind == 'transaction'  # a payment's entry cannot carry discounts and fees any more
            fee = company.currency_id._convert(company.ar_cash_fee, currency, company, company._ar_today())
            parts[currency, kind] = cash.Rules(
                fee=round(fee * 10 ** currency.decimal_places) if with_terms else 0,
                rates=company.ar_cash_rate_tolerance / 100, **habits)
        rates = self._get_rates(company, set(lines.currency_id) | {currency for currency, _k in kinds})
        del rows, lines, numbers
        env.invalidate_all()  # what was read is in the items now, and the books need as much memory again
        return {
            (currency, kind): cash.Book(
                items[kind].get(currency, ()), rules=rules, settled=settled, advices=advices.get(currency, ()),
                foreign=[(item, other) for other, own in items[kind].items() if other != currency for item in own]
                if kind == 'transaction' else (), rates=rates, into=currency,
                earlier=earlier[currency] if kind == 'transaction' else None, **known)
            for (currency, kind), rules in parts.items()}

    def _make_items(self, rows, lines, numbers, with_terms):
        """Return {currency: engine's items} of the ledger's rows."""
        found = defaultdict(list)
        for row, line in zip(rows, lines, strict=True):
            if not row['draft_matched']:
                currency = line.currency_id
                found[currency].append(self._make_item(
                    row, line, 10 ** currency.decimal_places, with_terms, numbers.get(row['move_id'], ())))
        return found

    @api.model
    def _get_worths(self, company, items, currency, day):
        """Return {item: what is open of it in another currency, at the rate of a day; None where there is no rate}.

        :param items: `account.move.line`
        """
        rates = self._get_rates(company, items.currency_id | currency)
        cents, worths = 10 ** currency.decimal_places, {}
        for item in items:
            rate = rates.worth(item.currency_id, currency, day)
            open_units = round(item.amount_residual_currency * 10 ** item.currency_id.decimal_places)
            worths[item] = rate and round(open_units * rate) / cents
        return worths

    def _get_rates(self, company, currencies):
        """Return the exchange rates of currencies, as Odoo looks them up: the company's own before the common ones.

        :param currencies: `res.currency`, any iterable
        :return: engine's `Rates`, per smallest unit of the currencies
        """
        own, common = defaultdict(list), defaultdict(list)
        for rate in self.env['res.currency.rate'].sudo().search_read([  # sudo: rates of the company, no secret
                ('currency_id', 'in', [currency.id for currency in currencies]), ('rate', '>', 0),
                ('company_id', 'in', (False, company.root_id.id))], ['currency_id', 'name', 'rate', 'company_id'],
                order='name'):
            (own if rate['company_id'] else common)[rate['currency_id'][0]].append((rate['name'], rate['rate']))
        known = {}
        for currency in currencies:
            mine = own[currency.id]
            rows = [row for row in common[currency.id] if not mine or row[0] < mine[0][0]] + mine
            if not rows and currency == company.currency_id:
                rows = [(fields.Date.to_date('1900-01-01'), 1.0)]
            known[currency] = [(day, rate * 10 ** currency.decimal_places) for day, rate in rows]
        return cash_rates.Rates(known)

    def _get_known(self, env, company, customers):
        """Return what is known of who pays; hook: add what else identifies a payer.

        :param env: the superuser's environment in the company
        :param customers: `res.partner` with open items
        :return: dict of dicts, arguments of the engine's `Book`: `names` {customer: list of names}, `parents`
            {customer: head of the family}, `aliases` {normalised name: customer}, `accounts` {normalised account:
            customer}, `tokens` {token of a card or mandate: customer}; customers are ids of commercial partners
        """
        return {
            'names': {partner.id: [partner.name] for partner in customers if partner.name},
            'parents': self._get_parents(customers),
            'aliases': {alias.name: alias.partner_id.commercial_partner_id.id for alias in env['ar.payer.alias'].search(
                [('company_id', '=', company.id)])},
            'accounts': {
                bank.sanitized_acc_number: bank.partner_id.commercial_partner_id.id
                for bank in env['res.partner.bank'].search([('partner_id.commercial_partner_id', 'in', customers.ids)])
                if bank.sanitized_acc_number},
            'tokens': {}}

    def _get_advices(self, env, company):
        """Return what customers announced and no payment was applied by yet; hook.

        :return: {`res.currency`: list of the engine's `Advice`}, amounts in the currency's smallest unit; the `key` of
            one that a proposal follows is in the proposal's `reading['advice']`
        """
        return {}

    def _get_tokens(self, env, company, receipts):
        """Return {(kind, id): token of the card or mandate the money was taken from}; hook.

        :param receipts: (kind, id) of the money that waits: 'transaction' and a bank transaction's id, or 'payment' and
            the id of the payment's receivable item
        """
        return {}

    def _get_parents(self, customers):
        """Return {customer: head of its family}: those above it, and all of one credit group are one family."""
        heads, groups = {}, {}
        for partner in customers:
            head = partner
            while head.parent_id:
                head = head.parent_id
            head = head.commercial_partner_id
            group = head.ar_credit_group_id or partner.ar_credit_group_id
            if group:
                head = groups.setdefault(group, head)
            if head != partner:
                heads[partner.id] = head.id
        return heads

    def _get_numbers(self, env, moves):
        """Return {move id: what a payment may name it by}; hook: add other documents' numbers, in a query for all."""
        moves.fetch(['name', 'payment_reference', 'ref', 'invoice_origin'])
        return {
            move.id: tuple(filter(None, (
                move.name, move.payment_reference, move.ref, *(move.invoice_origin or '').split(', '))))
            for move in moves}

    def _make_item(self, row, line, cents, with_terms, numbers):
        discount = round(self._get_discount(line) * cents) if with_terms else 0
        return cash.Item(
            row['id'], row['partner_id'], numbers,
            round(row['residual_currency'] * cents), row['date_maturity'] or row['date'], discount,
            line.discount_date or None)

    def _get_discount(self, line):
        """Return the early-payment discount of an item that nothing was paid of yet, in its currency, or 0.0."""
        if not line.discount_date or not line.discount_amount_currency or line.matched_debit_ids \
                or line.matched_credit_ids:
            return 0.0
        return line.currency_id.round(line.amount_residual_currency - line.discount_amount_currency)

    @api.model
    def _cron_apply(self):
        """Propose in all companies; apply what is sure enough where the company wants that.

        What was applied is kept every `BATCH` payments: a job that is stopped goes on where it was. One company's
        trouble stops no other.
        """
        companies = self.env['res.company'].search([('active', '=', True)], order='id')
        for number, company in enumerate(companies, 1):
            rest = len(companies) - number
            try:
                with self.env.cr.savepoint():
                    sure = self._get_sure(company, self._propose(company))
                self.env['ir.cron']._commit_progress(remaining=rest + len(sure))
                for ids in split_every(BATCH, sure.ids, list):
                    with self.env.cr.savepoint():
                        self._apply_sure(company, sure.browse(ids))
                    if not self.env['ir.cron']._commit_progress(len(ids)):
                        return  # goes on at once in another turn
            except OperationalError:
                _logger.info("%s: somebody is working on its payments, trying again later", company.name)
            except Exception:
                _logger.exception("Payments of %s could not be looked through", company.name)
            self.env['ir.cron']._commit_progress(1, remaining=rest)

    def _get_sure(self, company, proposals):
        """Return the proposals that a company lets be applied by themselves."""
        if not company.ar_cash_automatic:
            return proposals.browse()
        return proposals.filtered(lambda row: row.line_ids and not row.is_ambiguous and float_compare(
            row.confidence, company.ar_cash_threshold, precision_digits=1) >= 0)

    def _apply_sure(self, company, proposals):
        """Apply what one reading explains with at least the company's confidence; one failure does not stop the others.

        :return: the proposals that were applied
        """
        applied = proposals.browse()
        for proposal in self._get_sure(company, proposals):
            try:
                with self.env.cr.savepoint():
                    proposal._apply(automatic=True)
                applied |= proposal
            except UserError as error:  # changed since, a closed period: the next run or a person deals with it
                if not isinstance(error.__cause__, LockError):  # somebody has it: that is no problem
                    proposal._note_problem(error.args[0])
            except OperationalError:
                raise  # somebody else works on it: the next run
            except Exception:
                _logger.exception("%s could not be applied", proposal.display_name)
                proposal._note_problem(self.env._("An error came up, which the server's log describes."))
        return applied
