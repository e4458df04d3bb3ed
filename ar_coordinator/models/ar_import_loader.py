"""Writes a receivables history into the books: customers, posted invoices, payments at their date, disputes.

Works on batches of `history_file.Entry`; one batch is one transaction's work and is complete in itself, so that an
import can be stopped anywhere and started again. An invoice is the same if customer, number and company are the same:
what is already in the books is left alone.
"""
import re
from collections import defaultdict, namedtuple
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..engine.history_file import Problem
from .ar_wording import counted

# Any invoice number is a valid name in a history journal: no year or month is read into it.
NUMBER_REGEX = r'^(?P<prefix1>.*?)(?P<seq>\d{0,9})(?P<suffix>\D*?)$'
# Thousands of records that nobody needs to be told about one by one.
QUIET = {
    'tracking_disable': True,
    'mail_notrack': True,
    'mail_create_nolog': True,
    'mail_create_nosubscribe': True,
    'mail_activity_automation_skip': True,
    'no_reset_password': True,
}

Settings = namedtuple(
    'Settings', 'company journal settlement_journal income_account receivable_account tax email_domain')
Settings.__doc__ = "Where to book: records (journals may be empty before the import starts), and a domain or ''."

Plan = namedtuple('Plan', 'status entry partner move problems')
Plan.__doc__ = """What to do with an entry: status 'new' (partner may be empty: to be created), 'settle' (in the books,
but not yet paid there), 'same' (in the books), 'wrong' (see problems)."""


class ArImportLoader(models.AbstractModel):
    _name = 'ar.import.loader'
    _description = "Receivables History Loader"

    # === EXAMINE === #

    @api.model
    def _examine(self, entries, settings):
        """Compare entries with the database; reads only, in a handful of queries.

        :param list entries: of history_file.Entry
        :return: [Plan], in the same order
        """
        self = self.with_company(settings.company)
        partners = self._find_partners(entries, settings.company)
        moves = self._find_moves(entries, partners, settings.company)
        check_dates = self._date_checker(settings)
        check_rate = self._rate_checker(entries, settings.company)
        check_country = self._country_checker(entries)
        plans = []
        for entry in entries:
            candidates = partners[entry.customer]
            partner = candidates if len(candidates) == 1 else candidates.browse()
            move = moves.get((partner.id, entry.number))
            problems = []
            if len(candidates) > 1:
                problems.append(('ambiguous_customer', entry.partner_ref or entry.partner_name, {
                    'customers': ", ".join(candidates.mapped('display_name')[:3])}))
            if move:
                problems += self._compare(entry, move)
            if not problems:
                status = self._status(entry, move, settings)
                problems += check_dates(entry, status) + check_country(entry) + check_rate(entry)
            if problems:
                plans.append(Plan('wrong', entry, partner, move, [
                    Problem(entry.row, '', value, code, params) for code, value, params in problems]))
            else:
                plans.append(Plan(status, entry, partner, move, []))
        return plans

    def _find_partners(self, entries, company):
        """Return {entry.customer: customers with that reference (else name)}; archived ones only where no other is."""
        found = defaultdict(self.env['res.partner'].browse)
        refs = {entry.partner_ref for entry in entries if entry.partner_ref}
        names = {entry.partner_name for entry in entries if not entry.partner_ref}
        partners = self.env['res.partner'].with_context(active_test=False).search_fetch(
            Domain('company_id', 'in', (False, *company.parent_ids.ids))
            & (Domain('ref', 'in', list(refs)) | (Domain('parent_id', '=', False) & Domain('name', 'in', list(names)))),
            ['ref', 'name', 'active', 'parent_id', 'commercial_partner_id'], order='id')
        for partner in partners.sorted('active', reverse=True):
            keys = [partner.ref] if partner.ref in refs else []
            if partner.name in names and not partner.parent_id:
                keys.append(partner.name.casefold())
            for key in keys:
                if partner.active or not any(found[key].mapped('active')):
                    found[key] |= partner.commercial_partner_id
        return found

    def _find_moves(self, entries, partners, company):
        """Return {(customer id, number): invoice or credit note of the company}."""
        customers = self.env['res.partner'].union(*partners.values())
        numbers = list({entry.number for entry in entries})
        moves = self.env['account.move'].search_fetch([
            ('company_id', '=', company.id),
            ('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt')),
            ('state', '!=', 'cancel'),
            ('commercial_partner_id', 'in', customers.ids),
            '|', ('name', 'in', numbers), ('payment_reference', 'in', numbers),
        ], ['name', 'payment_reference', 'commercial_partner_id', 'move_type', 'state', 'amount_total',
            'amount_residual', 'invoice_date', 'currency_id', 'journal_id'], order='id desc') if customers else ()
        found = {}
        for move in moves:
            found[move.commercial_partner_id.id, move.payment_reference] = move
        for move in moves:
            found[move.commercial_partner_id.id, move.name] = move
        return found

    def _compare(self, entry, move):
        """Return why the invoice in the books is not the one in the file: [(code, value, params)]."""
        if move.state == 'draft':
            return [('exists_draft', entry.number, {})]
        total = -move.amount_total if move.move_type == 'out_refund' else move.amount_total
        if move.currency_id.name != entry.currency or move.currency_id.compare_amounts(total, float(entry.amount)):
            booked = move.currency_id.format(total)
            return [('exists_differs', entry.amount, {'number': entry.number, 'booked': booked})]
        if move.invoice_date != entry.invoice_date:
            return [('exists_differs', entry.invoice_date, {'number': entry.number, 'booked': str(move.invoice_date)})]
        return []

    def _status(self, entry, move, settings):
        if not move:
            return 'new'
        untouched = not move.currency_id.compare_amounts(move.amount_residual, move.amount_total)
        imported = settings.journal and move.journal_id == settings.journal
        return 'settle' if entry.settled_date and untouched and imported else 'same'

    def _date_checker(self, settings):
        """Return a function(entry, status) -> problems with lock dates; every date is looked up once."""
        company, known = settings.company, {}

        def locked(day, has_tax, journal_type):
            key = day, has_tax, journal_type
            if key not in known:
                locks = company._get_lock_date_violations(
                    day, sale=journal_type == 'sale', purchase=False, tax=has_tax)
                known[key] = max(locks)[0] if locks else None
            return known[key]

        def check(entry, status):
            problems = []
            if status == 'new' and (lock := locked(entry.invoice_date, bool(settings.tax), 'sale')):
                problems.append(('locked', entry.invoice_date, {'date': str(lock)}))
            if status in ('new', 'settle') and entry.settled_date:
                if lock := locked(entry.settled_date, False, 'bank'):
                    problems.append(('locked', entry.settled_date, {'date': str(lock)}))
            return problems

        return check

    def _rate_checker(self, entries, company):
        """Return a function(entry) -> problem where Odoo has no exchange rate yet on the invoice's date."""
        foreign = self.env['res.currency'].search([
            ('name', 'in', list({entry.currency for entry in entries} - {company.currency_id.name}))])
        first = {currency.name: day for currency, day in self.env['res.currency.rate']._read_group(
            [('company_id', 'in', (False, company.root_id.id)), ('currency_id', 'in', foreign.ids)],
            ['currency_id'], ['name:min'])}

        def check(entry):
            if entry.currency == company.currency_id.name:
                return []
            if entry.currency in first and first[entry.currency] <= entry.invoice_date:
                return []
            return [('no_rate', entry.currency, {'currency': entry.currency, 'date': str(entry.invoice_date)})]

        return check

    def _country_checker(self, entries):
        codes = {entry.country for entry in entries if entry.country}
        known = set(self.env['res.country'].search([('code', 'in', list(codes))]).mapped('code')) if codes else set()
        return lambda entry: [('country', entry.country, {})] if entry.country and entry.country not in known else []

    # === SET-UP === #

    @api.model
    def _prepare(self, settings):
        """Return the settings with the history journals, creating those the company doesn't have yet.

        :raise UserError: when the user may not create them, or the sales journal numbers invoices of its own
        """
        company = settings.company
        self = self.with_company(company).with_context(**QUIET)
        journal, settlement = settings.journal, settings.settlement_journal
        if not (journal and settlement) and not self.env['account.journal'].has_access('create'):
            raise UserError(self.env._(
                "The history needs journals of its own, and only an accounting manager may create them. Choose "
                "existing journals, or ask an accounting manager to start the import."))
        if not journal:
            journal = self._create_journal(company, 'sale', self.env._("Imported Invoices"), 'ARH')
            company.sudo().ar_import_journal_id = journal  # the user may create journals; this remembers which one
        self._check_journal(journal)
        if not settlement:
            settlement = self._create_journal(company, 'bank', self.env._("Imported Settlements"), 'ARS')
            methods = settlement.inbound_payment_method_line_ids + settlement.outbound_payment_method_line_ids
            methods.payment_account_id = settlement.default_account_id  # paid at once: no statement will ever come
            company.sudo().ar_import_settlement_journal_id = settlement  # as above
        return settings._replace(
            journal=journal, settlement_journal=settlement,
            income_account=settings.income_account or journal.default_account_id or self._income_account(company))

    def _create_journal(self, company, kind, name, code):
        taken = set(self.env['account.journal'].with_context(active_test=False).search(
            [('company_id', '=', company.id)]).mapped('code'))
        codes = (code, *(f'{code}{number}' for number in range(2, 100)))
        code = next(option for option in codes if option not in taken)
        return self.env['account.journal'].create({
            'name': name, 'code': code, 'type': kind, 'company_id': company.id, 'show_on_dashboard': False,
            'sequence_override_regex': NUMBER_REGEX,
        })

    def _check_journal(self, journal):
        """Make sure that the journal takes any invoice number and doesn't go on counting from it."""
        if journal.sequence_override_regex == NUMBER_REGEX:
            return
        if self.env['account.move'].search_count([('journal_id', '=', journal.id), ('state', '=', 'posted')], limit=1):
            raise UserError(self.env._(
                "The journal %(journal)s numbers its own invoices, and imported numbers would mix with them. Choose a "
                "sales journal without entries, or leave the journal empty to get a new one.",
                journal=journal.display_name))
        journal.sequence_override_regex = NUMBER_REGEX

    def _income_account(self, company):
        account = company.income_account_id or self.env['account.account'].search([
            *self.env['account.account']._check_company_domain(company), ('account_type', '=', 'income')], limit=1)
        if not account:
            raise UserError(self.env._(
                "%s has no income account. Choose the counterpart account of the invoices.", company.display_name))
        return account

    @api.model
    def _create_customers(self, customers, settings):
        """Create the customers that aren't in the database yet.

        :param dict customers: {entry.customer: latest Entry of that customer}; its delivery, e-mail, ... are taken
        :return: how many were created
        :raise UserError: when the user may not create contacts
        """
        self = self.with_company(settings.company).with_context(**QUIET)
        found = self._find_partners(list(customers.values()), settings.company)
        missing = [entry for key, entry in customers.items() if not found[key]]
        if not missing:
            return 0
        self._check_may_create_customers(len(missing))
        tags = self._tags({entry.tag for entry in missing if entry.tag})
        countries = {country.code: country.id for country in self.env['res.country'].search(
            [('code', 'in', list({entry.country for entry in missing if entry.country}))])}
        self.env['res.partner'].create([{
            'name': entry.partner_name or entry.partner_ref,
            'ref': entry.partner_ref or False,
            'is_company': True,
            'customer_rank': 1,
            'email': self._email(entry, settings.email_domain),
            'country_id': countries.get(entry.country),
            'category_id': [Command.set([tags[entry.tag]])] if entry.tag else False,
            'invoice_sending_method': {'electronic': 'email', 'paper': 'manual'}.get(entry.delivery, False),
        } for entry in missing])
        return len(missing)

    def _check_may_create_customers(self, count):
        if not self.env['res.partner'].has_access('create'):
            raise UserError(counted(count, self.env._(
                "One customer of the file is not in Odoo yet, and you may not create contacts. Ask an administrator "
                "for the right \"Contact: Creation\", or have the customer created first."), self.env._(
                "%s customers of the file are not in Odoo yet, and you may not create contacts. Ask an administrator "
                "for the right \"Contact: Creation\", or have the customers created first.", count)))

    def _email(self, entry, domain):
        """Return the customer's address; with a domain, electronic customers without one get reference@domain."""
        if entry.email or not domain or entry.delivery != 'electronic':
            return entry.email or False
        local = re.sub(r'[^A-Za-z0-9._-]', '-', entry.customer)
        return f'{local.strip(".-").lower() or "customer"}@{domain}'

    def _tags(self, names):
        tags = self.env['res.partner.category'].search([('name', 'in', list(names)), ('parent_id', '=', False)])
        known = {tag.name: tag.id for tag in tags}
        created = self.env['res.partner.category'].create([{'name': name} for name in sorted(names - known.keys())])
        return {**known, **{tag.name: tag.id for tag in created}}

    # === WRITE === #

    @api.model
    def _load(self, entries, settings):
        """Book one batch: invoices posted, settlements paid and reconciled at their date, disputes recorded.

        :param list entries: of history_file.Entry, customers exist (`_create_customers`)
        :param Settings settings: from `_prepare`
        :return: ({status: count}, [Problem] of the entries that were left out)
        :raise UserError: when Odoo refuses to book something; the caller rolls the batch back
        :raise LockError: while another import into the same journal is running
        """
        self = self.with_company(settings.company).with_context(**QUIET)
        settings.journal.lock_for_update()  # two imports of one file at once would both find nothing in the books
        plans = self._examine(entries, settings)
        problems = [problem for plan in plans for problem in plan.problems]
        unknown = [plan for plan in plans if plan.status == 'new' and not plan.partner]
        problems += [Problem(plan.entry.row, '', plan.entry.partner_ref or plan.entry.partner_name, 'no_customer', {})
                     for plan in unknown]
        new = [plan for plan in plans if plan.status == 'new' and plan.partner]
        settle = [plan for plan in plans if plan.status == 'settle']
        with self.env['ar.ledger']._index_plans():
            new = [plan._replace(move=move)
                   for plan, move in zip(new, self._create_moves(new, settings), strict=True)]
            self._close_disputes(settle)
            self._settle([plan for plan in new + settle if plan.entry.settled_date], settings)
            self._create_disputes([plan for plan in new if plan.entry.disputed])
        return {
            'new': len(new), 'settle': len(settle),
            'same': sum(plan.status == 'same' for plan in plans)}, problems

    def _create_moves(self, plans, settings):
        """Create and post the invoices (credit notes for negative amounts)."""
        names = self._free_names(plans, settings)
        currencies = {currency.name: currency for currency in self.env['res.currency'].search([])}
        moves = self.env['account.move'].create([{
            'move_type': 'out_invoice' if plan.entry.amount > 0 else 'out_refund',
            'name': name,
            'journal_id': settings.journal.id,
            'company_id': settings.company.id,
            'partner_id': plan.partner.id,
            'currency_id': currencies[plan.entry.currency].id,
            'invoice_date': plan.entry.invoice_date,
            'date': plan.entry.invoice_date,
            'invoice_date_due': plan.entry.due_date,
            'payment_reference': plan.entry.number,
            'invoice_payment_term_id': False,  # the file's due date counts
            'fiscal_position_id': False,  # the file's total counts
            'invoice_line_ids': [Command.create({
                'name': plan.entry.number,
                'quantity': 1,
                'price_unit': float(abs(plan.entry.amount)),
                'account_id': settings.income_account.id,
                'tax_ids': [Command.set(settings.tax.ids)],
            })],
        } for plan, name in zip(plans, names, strict=True)])
        if settings.receivable_account:
            lines = moves.line_ids.filtered(lambda line: line.display_type == 'payment_term')
            lines.account_id = settings.receivable_account
        moves._post(soft=False)
        for plan, move in zip(plans, moves, strict=True):
            self._check_move(plan.entry, move)
        return moves

    def _check_move(self, entry, move):
        """What was booked must be what the file says; anything else stops the batch."""
        lines = move.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        if (move.currency_id.compare_amounts(move.amount_total, float(abs(entry.amount)))
                or move.date != entry.invoice_date
                or set(lines.mapped('date_maturity')) != {entry.due_date}):
            raise UserError(self.env._(
                "Row %(row)s: invoice %(number)s was booked with %(total)s on %(date)s, due %(due)s, which is not what "
                "the file says. Look for rules or taxes that change imported invoices.",
                row=entry.row, number=entry.number, total=move.currency_id.format(move.amount_total), date=move.date,
                due=", ".join(str(day) for day in set(lines.mapped('date_maturity')))))

    def _free_names(self, plans, settings):
        """Return the invoices' names: their number; with the customer behind it where another customer has it."""
        numbers = [plan.entry.number for plan in plans]
        taken = set(self.env['account.move'].search(
            [('journal_id', '=', settings.journal.id), ('name', 'in', numbers)]).mapped('name'))
        names = []
        for plan in plans:
            entry = plan.entry
            name = entry.number
            if name in taken:
                name = f'{name} ({entry.partner_ref or entry.partner_name})'
            taken.add(name)
            names.append(name)
        return names

    def _settle(self, plans, settings):
        """Pay invoices (refund credit notes) on the date and with the amount of the file, and reconcile them."""
        journal = settings.settlement_journal
        methods = {
            kind: lines.filtered(lambda line: line.code == 'manual')[:1] or lines[:1]
            for kind, lines in (('inbound', journal.inbound_payment_method_line_ids),
                                ('outbound', journal.outbound_payment_method_line_ids))}
        invoice_lines = [
            plan.move.line_ids.filtered(lambda line: line.account_id.account_type == 'asset_receivable')
            for plan in plans]
        payments = self.env['account.payment'].create([{
            'payment_type': kind,
            'partner_type': 'customer',
            'partner_id': plan.partner.id,
            'amount': float(abs(plan.entry.settled_amount)),
            'currency_id': plan.move.currency_id.id,
            'date': plan.entry.settled_date,
            'journal_id': journal.id,
            'payment_method_line_id': methods[kind].id,
            'destination_account_id': lines.account_id.id,
            'memo': plan.entry.number,
        } for plan, lines in zip(plans, invoice_lines, strict=True)
            for kind in ('inbound' if plan.entry.amount > 0 else 'outbound',)])
        moves = self._post_payments(payments, plans, settings)
        self.env['account.move.line']._reconcile_plan([
            lines + move.line_ids.filtered_domain([('account_id', '=', lines.account_id.id)])
            for lines, move in zip(invoice_lines, moves, strict=True)])

    def _post_payments(self, payments, plans, settings):
        """Post payments like `account.payment.action_post`, but all entries in one go and, in a history journal, named
        after the invoice.

        The name saves a search for the next number per payment (a third of the queries), and the unique name in the
        journal makes the database refuse a second imported settlement of the same invoice.

        :return: the entries, in the payments' order
        """
        code = settings.settlement_journal.code
        own_numbers = settings.settlement_journal.sequence_override_regex != NUMBER_REGEX
        moves = self.env['account.move'].create([
            {**payment._generate_move_vals(), **({} if own_numbers else {'name': f'{code}/{plan.move.name}'})}
            for payment, plan in zip(payments, plans, strict=True)])
        for payment, move in zip(payments, moves, strict=True):
            payment.write({'move_id': move.id, 'state': 'in_process'})
        moves._post(soft=False)
        return moves

    def _create_disputes(self, plans):
        """Record the disputes from the invoice's date; what was settled in full was disputed until then."""
        reason = self.env['ar.dispute.reason']._get_standard('dispute_reason_imported')
        disputes = self.env['ar.dispute'].sudo()  # sudo: history comes with its end; the moves are the user's own
        disputes.create([{
            'move_id': plan.move.id,
            'amount': float(plan.entry.amount),
            'reason_id': reason.id,
            'date_open': plan.entry.invoice_date,
            'date_deadline': plan.entry.invoice_date + timedelta(days=reason.sla_days),
            **({'state': 'closed', 'date_closed': plan.entry.settled_date}
               if plan.entry.settled_amount == plan.entry.amount else {}),
        } for plan in plans])

    def _close_disputes(self, plans):
        """Close imported disputes of invoices that are settled in full by a later file."""
        closed = {
            plan.move.id: plan.entry.settled_date for plan in plans
            if plan.entry.settled_amount == plan.entry.amount}
        disputes = self.env['ar.dispute'].search([
            ('move_id', 'in', list(closed)), ('date_closed', '=', False),
            ('reason_id', '=', self.env['ar.dispute.reason']._get_standard('dispute_reason_imported').id)])
        for day, group in disputes.grouped(lambda dispute: closed[dispute.move_id.id]).items():
            # sudo: found with the user's rights; the state is not for users to write
            group.sudo().write({'state': 'closed', 'date_closed': fields.Date.to_string(day)})
