"""Lines of bank files: each becomes one bank transaction, once, or says why not.

    waiting -> loaded
            -> twice      (was loaded before, from this or another file; can be loaded nevertheless)
            -> refused    (with the reason; can be corrected and loaded again)
    left out              (no money, or not booked by the bank yet)

What identifies a line is the bank's own reference with day and amount; where the bank gives none, everything the line
says. Equal lines of one account in one file are numbered, so that two equal payments of a day are two, and the same two
in an overlapping statement are the same two.
"""
import hashlib
import re
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..parsers.base import is_creditor_reference, is_qr_reference, one_line
from . import ar_cash_file_texts as texts
from .ar_guard import without_defaults

CORRECTABLE = {
    'date', 'amount', 'payer', 'account_number', 'text', 'reference', 'foreign_amount', 'foreign_currency_id'}
KEY_SIZE = 40


def _digest(*parts):
    return hashlib.sha256('\x1f'.join(map(str, parts)).encode()).hexdigest()[:KEY_SIZE]


def _figure(amount):
    """Return an amount as text, the same for 12.5 and 12.50."""
    return '' if amount is None else str(Decimal(str(amount)).normalize())


def _plain(text):
    return re.sub(r'[\W_]+', '', text or '').casefold()


class ArCashFileLine(models.Model):
    _name = 'ar.cash.file.line'
    _description = "Line of a Cash File"
    _inherit = ['ar.guard']
    _order = 'file_id desc, sequence, id'
    _rec_name = 'text'

    file_id = fields.Many2one(comodel_name='ar.cash.file', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='file_id.company_id', store=True, precompute=True)
    sequence = fields.Integer(string="No.")
    state = fields.Selection(
        selection=[
            ('waiting', "Waiting"), ('loaded', "Loaded"), ('twice', "Twice"), ('refused', "Refused"),
            ('left', "Left Out"),
        ], required=True, default='waiting', index=True)
    reason = fields.Char(help="Why it is not loaded.")
    bank_account = fields.Char(string="Own Account", help="The account of ours the file says it is on.")
    journal_id = fields.Many2one(comodel_name='account.journal', string="Bank Journal", ondelete='restrict')
    is_journal_found = fields.Boolean(help="The journal was found by the account; the file's choice leaves it.")
    currency_id = fields.Many2one(comodel_name='res.currency')
    date = fields.Date()
    value_date = fields.Date()
    amount = fields.Monetary(help="Above zero: money that came in.")
    foreign_currency_id = fields.Many2one(comodel_name='res.currency')
    foreign_amount = fields.Monetary(string="Ordered Amount", currency_field='foreign_currency_id')
    is_ordered_only = fields.Boolean(
        string="Ordered in It Only", help="The payer ordered that amount; the money came in the account's currency.")
    charges = fields.Monetary(help="The bank's charges, as the file states them; the amount is what was booked.")
    payer = fields.Char()
    account_number = fields.Char(string="Payer's Account")
    text = fields.Char()
    reference = fields.Char(string="Payer's Reference")
    bank_reference = fields.Char(string="Bank's Reference")
    is_reversal = fields.Boolean(string="Reversal")
    raw = fields.Text(string="As in the File")
    remitted = fields.Json(help="Documents the payment is for, as the file names them.")
    unique_key = fields.Char(index=True)
    batch_key = fields.Char(index=True)
    is_corrected = fields.Boolean(string="Corrected by Hand")
    statement_line_id = fields.Many2one(
        comodel_name='account.bank.statement.line', string="Bank Transaction", index='btree_not_null',
        ondelete='set null')

    _loaded_once = models.UniqueIndex(
        "(journal_id, unique_key) WHERE state = 'loaded'", "This transaction is loaded already.")

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("Lines come from files, not by hand."))
        return super(ArCashFileLine, without_defaults(self, set(self._fields))).create(vals_list)

    def write(self, vals):
        if not self.env.su:
            if vals.keys() - CORRECTABLE:
                raise AccessError(self.env._("Only what a refused line says can be corrected."))
            if any(line.state != 'refused' for line in self):
                raise UserError(self.env._("Only a refused line can be corrected."))
            self.check_access('write')
            self.sudo().is_corrected = True  # sudo: it says that the user corrected it, access was checked
        return super().write(vals)

    # === MADE OF A FILE === #

    @api.model
    def _prepare_statement(self, file, statement):
        """Return the values of a statement's lines.

        :param statement: parsers.base.Statement
        """
        journal = self.env['account.journal']._ar_find_by_account(
            file.company_id, statement.account, statement.lockbox, statement.currency)
        currencies = self._get_currencies(statement)
        rows, seen = [], {}
        for entry in statement.entries:
            entry.currency = entry.currency or statement.currency
            values = self._prepare_entry(entry, currencies)
            base = self._get_key(entry)
            seen[base] = seen.get(base, 0) + 1
            values.update({
                'file_id': file.id, 'journal_id': (journal or file.journal_id).id, 'is_journal_found': bool(journal),
                'bank_account': one_line(statement.account or statement.lockbox, 64),
                'unique_key': _digest(base, seen[base]),
                'batch_key': (entry.batch_reference and _digest(
                    'bank', entry.batch_reference, entry.date, _figure(entry.batch_amount))) or False})
            if not values['batch_key'] or (entry.bank_reference == entry.batch_reference):
                values['batch_key'] = values['batch_key'] and _digest(values['batch_key'], seen[base])
                values['unique_key'] = values['batch_key'] or values['unique_key']
            else:
                values['batch_key'] = _digest(values['batch_key'], 1)
            rows.append(values)
        return rows

    def _get_currencies(self, statement):
        names = {statement.currency} | {entry.foreign_currency for entry in statement.entries} \
            | {entry.currency for entry in statement.entries}
        return {currency.name: currency for currency in self.env['res.currency'].search([
            ('name', 'in', list(names - {''}))])}

    @staticmethod
    def _get_key(entry):
        """Return what identifies an entry, but for its number among equal ones."""
        if entry.bank_reference:
            return _digest('bank', entry.bank_reference, entry.date, _figure(entry.amount))
        return _digest(
            'text', entry.date, _figure(entry.amount), entry.currency, _plain(entry.payer), _plain(entry.account),
            _plain(entry.text), _plain(''.join(entry.references)), _plain(entry.end_to_end),
            entry.raw if entry.problem else '')

    def _prepare_entry(self, entry, currencies):
        currency, foreign = currencies.get(entry.currency), currencies.get(entry.foreign_currency)
        problem = entry.problem and (entry.problem.code, entry.problem.params)
        if not problem and entry.currency and not currency:
            problem = ('currency_unknown', {'currency': entry.currency})
        state, reason = 'waiting', False
        if problem:
            state, reason = 'refused', one_line(texts.sentence(self.env, texts.LINE_PROBLEMS, *problem))
        elif entry.is_pending or not entry.amount:
            state = 'left'
            reason = texts.sentence(self.env, texts.LEFT_OUT, 'pending' if entry.is_pending else 'zero')
        text = ' '.join(filter(None, (entry.text, *self._word_references(entry))))
        return {
            'state': state, 'reason': reason, 'date': entry.date, 'value_date': entry.value_date,
            'amount': float(entry.amount or 0), 'currency_id': currency.id if currency else False,
            'foreign_amount': float(entry.foreign_amount or 0) if foreign else 0,
            'foreign_currency_id': foreign.id if foreign else False, 'is_ordered_only': entry.is_ordered_only,
            'charges': float(entry.charges),
            'payer': entry.payer[:200], 'account_number': entry.account[:64], 'text': text[:1_000],
            'reference': entry.end_to_end[:200], 'bank_reference': entry.bank_reference[:200],
            'is_reversal': entry.is_reversal, 'raw': entry.raw.replace('\x00', ''),
            'remitted': [{
                'number': each.number, 'amount': each.amount and str(each.amount), 'reason': each.reason,
                'deduction': each.deduction and str(each.deduction), 'date': each.date and str(each.date),
            } for each in entry.remitted]}

    @staticmethod
    def _word_references(entry):
        """Return the structured references and the documents' numbers that are not in the text already."""
        text = entry.text.replace(' ', '')
        return [
            reference.replace(' ', '') if is_qr_reference(reference) or is_creditor_reference(reference) else reference
            for reference in (*entry.references, *(each.number for each in entry.remitted))
            if reference.replace(' ', '') not in text]

    # === TWICE === #

    def _mark_twice(self):
        """Mark the waiting lines that were loaded before, from any file; a handful of queries for all.

        A booking loaded as one sum is not loaded again as its details, nor the other way round.
        """
        lines = self.filtered(lambda line: line.state == 'waiting' and line.journal_id)
        keys = set(lines.mapped('unique_key')) | set(filter(None, lines.mapped('batch_key')))
        loaded = self.search([
            ('state', '=', 'loaded'), ('journal_id', 'in', lines.journal_id.ids),
            '|', ('unique_key', 'in', list(keys)), ('batch_key', 'in', list(keys))], order='id')
        by_key = {(line.journal_id, line.unique_key): line for line in loaded}
        by_batch = {(line.journal_id, line.batch_key): line for line in loaded if line.batch_key}
        for line in lines:
            how, other = 'line', by_key.get((line.journal_id, line.unique_key))
            if not other and line.batch_key:
                how, other = 'batch', by_key.get((line.journal_id, line.batch_key))
            if not other and line.batch_key:
                how, other = 'details', by_batch.get((line.journal_id, line.batch_key))
                other = other if other and other.file_id != line.file_id else None  # its own file's are its siblings
            if other:
                line.write({'state': 'twice', 'reason': texts.sentence(
                    self.env, texts.TWICE, how, {'file': other.file_id.name})})
                if how == 'batch':
                    line._mark_part(other)

    def _mark_part(self, other):
        """Note that the line is a detail of a booking that another line has loaded as one sum; hook."""

    # === LOADING === #

    def _load(self):
        """Make bank transactions of waiting lines; callers checked role and company and hold the files' locks.

        :raise psycopg2.errors.SerializationFailure: when another file was loaded into the journal meanwhile; Odoo
            repeats the transaction with that one's lines in sight
        """
        self.env['ar.ledger']._take_turns(f'ar_cash_file/{journal.id}' for journal in self.journal_id)
        self._mark_twice()
        good = self._refuse_impossible()
        for journal, lines in good.grouped('journal_id').items():
            lines._create_transactions(journal)
        self.filtered(lambda line: line.state == 'loaded' and line.remitted)._create_advices()

    def _refuse_impossible(self):
        """Refuse what cannot be booked; return the rest."""
        good = self.browse()
        for line in self.filtered(lambda each: each.state == 'waiting'):
            problem = line._find_problem()
            if problem:
                line._refuse(*problem)
            else:
                good |= line
        return good

    def _find_problem(self):
        currency = self.journal_id.currency_id or self.company_id.currency_id
        digits = currency.decimal_places
        if not self.date:
            return 'no_date', {}
        if not self.amount:
            return 'no_amount', {}
        if self.currency_id and self.currency_id != currency:
            return 'other_currency', {'currency': self.currency_id.name}
        if abs(Decimal(repr(self.amount)) - round(Decimal(repr(self.amount)), digits)) > 0:
            return 'decimals', {'digits': digits, 'currency': currency.name}
        locks = self.company_id._get_lock_date_violations(
            self.date, fiscalyear=True, sale=False, purchase=False, tax=False, hard=True)
        if locks:
            return 'locked', {'date': fields.Date.to_string(max(locks)[0])}
        return None

    def _refuse(self, code, params):
        self.write({'state': 'refused', 'reason': texts.sentence(self.env, texts.LINE_PROBLEMS, code, params)})

    def _create_transactions(self, journal):
        """Book the lines, all at once; where Odoo refuses, one by one, so that one does not stop the others."""
        transactions = self.env['account.bank.statement.line'].with_company(journal.company_id).with_context(
            tracking_disable=True)
        values = [line._prepare_transaction() for line in self]
        try:
            with self.env.cr.savepoint():
                created = transactions.create(values)
        except (UserError, ValidationError) as error:
            if len(self) == 1:
                self._refuse('odoo', {'reason': one_line(error.args[0], 500)})
                return
            for line in self:
                line._create_transactions(journal)
            return
        for line, transaction in zip(self, created, strict=True):
            line.write({'state': 'loaded', 'reason': False, 'statement_line_id': transaction.id})

    def _prepare_transaction(self):
        """Return the values of the line's bank transaction."""
        notes = []
        if self.charges:
            notes.append(self.env._("Bank charges: %s", self.currency_id.format(self.charges)))
        if self.value_date and self.value_date != self.date:
            notes.append(self.env._("Value date: %s", fields.Date.to_string(self.value_date)))
        if self.is_ordered_only and self.foreign_amount:
            notes.append(self.env._("Ordered: %s", self.foreign_currency_id.format(self.foreign_amount)))
        values = {
            'journal_id': self.journal_id.id, 'date': self.date, 'amount': self.amount, 'sequence': self.sequence,
            'payment_ref': self.text or self.payer or self.reference or self.file_id.name,
            'partner_name': self.payer, 'account_number': self.account_number, 'ref': self.reference,
            'narration': ". ".join(notes) or False}
        if self.foreign_currency_id and self.foreign_amount and self.foreign_currency_id != self.currency_id \
                and not self.is_ordered_only:
            values.update(foreign_currency_id=self.foreign_currency_id.id, amount_currency=self.foreign_amount)
        return values

    def _create_advices(self):
        """What the bank says a payment is for is a remittance advice of its own."""
        self.env['ar.remittance.advice']._create_from_lines(self)

    # === ACTIONS === #

    def action_load_again(self):
        """Load refused lines after they were corrected, or after what was in the way is gone."""
        self.file_id._check_clerk()
        self.check_access('write')
        if any(line.state != 'refused' and not line._is_gone() for line in self):
            raise UserError(self.env._(
                "Only refused lines, and those whose transaction was deleted, are loaded again."))
        self._load_now()
        return True

    def action_load_nevertheless(self):
        """Load lines that look like ones that were loaded before: they are payments of their own."""
        self.file_id._check_clerk()
        self.check_access('write')
        if any(line.state != 'twice' for line in self):
            raise UserError(self.env._("Only lines that were loaded before can be loaded nevertheless."))
        for line in self.sudo():  # sudo: guarded fields; role and access were checked
            line.write({'unique_key': _digest(line.unique_key, 'nevertheless', line.id), 'batch_key': False})
            line.file_id._message_log(body=self.env._(
                "%(line)s was loaded nevertheless: %(reason)s", line=line.text or line.payer or line.sequence,
                reason=line.reason or ""))
        self._load_now()
        return True

    def _is_gone(self):
        """Whether the bank transaction that was made of the line was deleted since."""
        return self.state == 'loaded' and not self.statement_line_id

    def _load_now(self):
        lines = self.sudo()  # sudo: bank entries; role and access were checked
        for file in lines.file_id:
            file._lock()
        lines.filtered('is_corrected')._renew_keys()
        lines.write({'state': 'waiting', 'reason': False})
        for line in lines.filtered(lambda each: not each.journal_id):
            line.journal_id = line.file_id.journal_id
        lines.file_id._check_journals()
        lines._load()
        (lines.file_id.filtered(lambda file: file.state == 'check' and not file.waiting_count)).state = 'done'

    def _renew_keys(self):
        """A line that was corrected by hand is known by what it says now, as if the bank had written it so."""
        for line in self:
            if line.bank_reference:
                key = _digest(_digest('bank', line.bank_reference, line.date, _figure(line.amount)), 1)
                line.write({'unique_key': key, 'batch_key': key})
                continue
            base = _digest(
                'text', line.date, _figure(line.amount), line.currency_id.name or '', _plain(line.payer),
                _plain(line.account_number), _plain(line.text), '', _plain(line.reference), '')
            line.write({'unique_key': _digest(base, 1), 'batch_key': False})
