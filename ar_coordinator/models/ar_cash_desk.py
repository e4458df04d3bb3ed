"""The desk of cash: money to apply on the left, the customer's open items on the right. What the screen asks and does.

Everything is read from `ar.ledger` and the proposals, in a number of queries that does not grow with either; everything
is done by the proposals' own methods, with their locks and checks. The screen is static/src/cash_desk.
"""
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_datetime

from .ar_cash_remains import OVER_ACTIONS, SHORT_ACTIONS
from .ar_ledger_cash import CASH_ORDERS, CASH_SHOWS

PAGE_SIZE = 40
APPLIED = 80  # what was applied today, newest first
STEP = 50  # proposals applied in one database transaction
KINDS = {'transaction': 'account.bank.statement.line', 'payment': 'account.move.line'}
OPTIONS = {'show', 'order', 'journal_id', 'search', 'company_ids', 'limit', 'offset'}
LOWEST = 50.0  # nothing less sure is applied in bulk


class ArCashDesk(models.AbstractModel):
    _name = 'ar.cash.desk'
    _description = "Desk of Cash"

    # === READING === #

    @api.model
    @api.readonly
    def get_receipts(self, options=None):
        """Return a page of the money that waits to be applied.

        :param dict options: show (one of CASH_SHOWS), order (one of CASH_ORDERS), journal_id, search, company_ids,
            limit, offset; all optional
        :return: dict: rows (see `_make_rows`), row_count, counts {show: number}, totals [{currency_id, amount}] of what
            is shown, journals [{id, name, company}], threshold (%, of the company), can_work, has_bank, ways [{action,
            label}] to get money into the books, applied (number of what was applied today)
        :raise AccessError: when the user may not read receivables, or not the companies'
        :raise UserError: when an option makes no sense
        """
        wanted, opts = self._read_options(options)
        rows, counts = self.env['ar.ledger']._cash_receipts(
            opts, show=wanted['show'], order=wanted['order'], journal_id=wanted['journal_id'],
            search=wanted['search'], collectors=self._get_collectors(opts))
        companies = self.env['res.company'].browse(opts['company_ids'])
        # sudo: names of bank accounts of companies the user may read the receivables of
        journals = self.env['account.journal'].sudo().search([
            ('company_id', 'in', companies.ids), ('type', 'in', ('bank', 'cash', 'credit'))])
        shown = [count for count in counts if count['show'] == wanted['show']]
        return {
            'rows': self._make_rows(rows),
            'row_count': sum(count['count'] for count in shown),
            'counts': {
                show: sum(count['count'] for count in counts if count['show'] == show) for show in CASH_SHOWS},
            'totals': [{'currency_id': count['currency_id'], 'amount': count['amount']} for count in shown],
            'journals': [
                {'id': journal.id, 'name': journal.name, 'company': journal.company_id.name} for journal in journals],
            'has_bank': bool(journals),
            'threshold': min(companies.mapped('ar_cash_threshold')),
            'can_work': self._can_work(),
            'ways': self._get_ways(),
            'applied': self.env['ar.cash.proposal'].search_count(self._get_applied_domain(companies)),
        }

    @api.model
    @api.readonly
    def get_items(self, kind, source_id, partner_id=None):
        """Return what a receipt may be for: the proposal, and the open items of the customer and its family.

        :param str kind: 'transaction' or 'payment'
        :param int source_id: of the bank transaction, or of the payment's journal item
        :param int partner_id: another customer than the proposed one
        :return: dict: receipt (see `_make_rows`, with reference, account_number and note), why (sentences that say why
            it is proposed), partner {id, name} or False, family (whether items are of several customers),
            items [{id, move_id, name, ref, customer, date, due, days, item_currency_id and item_residual (where it is
            in another currency: then `residual` is its worth at the rate of the day), residual, discount (available on
            the day the money came), discount_until, disputed, promised, is_taken (in part settled by a draft), chosen,
            amount (what the proposal settles, discount apart), discount_chosen}] in the receipt's currency,
            other_currencies (number of items in others that cannot be paid with it), rest_action, rest_reason_id,
            defaults {short, over (actions), small (difference written off), rates (share a rate may differ by),
            reason_id} of the customer or company,
            short_actions and over_actions [{value, label}], reasons [{id, name}], waiting (payments of this amount that
            are registered already: [{id, name, partner}]), can_apply, why_not (text when it cannot)
        :raise AccessError, UserError: as `get_receipts`; UserError when the money does not wait any more
        """
        source, row = self._get_source(kind, source_id)
        # sudo: role and company were checked; names and bank data of what the user may read the receivables of
        proposal = self.env['ar.cash.proposal'].sudo().browse(row['proposal_id'] or [])
        partner = self._get_partner(partner_id, proposal, row)
        is_proposed = not partner_id or proposal.partner_id.commercial_partner_id == partner
        items, others = self._make_items(source, row, partner, proposal if is_proposed else proposal.browse())
        can_apply, why_not = self._why_not(kind, row)
        return {
            'receipt': {**self._make_rows([row])[0], **self._get_details(kind, source)},
            'why': proposal._get_reasons() if proposal else [],
            'partner': {'id': partner.id, 'name': partner.display_name} if partner else False,
            'family': len({item['customer'] for item in items}) > 1,
            'items': items, 'other_currencies': others,
            'rest_action': (is_proposed and proposal.rest_action) or False,
            'rest_reason_id': (is_proposed and proposal.rest_reason_id.id) or False,
            'defaults': self._get_defaults(source, row, partner),
            'short_actions': self._get_actions(SHORT_ACTIONS), 'over_actions': self._get_actions(OVER_ACTIONS),
            'reasons': [
                {'id': reason.id, 'name': reason.name} for reason in self.env['ar.dispute.reason'].search([])],
            'waiting': self._get_waiting(source, row) if kind == 'transaction' else [],
            'can_apply': can_apply, 'why_not': why_not,
        }

    @api.model
    @api.readonly
    def find_customers(self, kind, source_id, search=''):
        """Return customers who may have sent the money, with what speaks for each.

        :param str search: part of a name, reference or document number; empty: by the payer's name and the amount
        :return: list of dict: id, name, why (text), owed (in the receipt's currency)
        :raise AccessError, UserError: as `get_items`
        """
        source, row = self._get_source(kind, source_id)
        search = (search or '').strip()
        found = self.env['ar.ledger']._cash_candidates(
            {'company_ids': [row['company_id']]}, row['currency_id'], row['amount'], row['payer'] or '', search)
        currency = source.env['res.currency'].browse(row['currency_id'])
        customers = [{
            'id': one['partner_id'], 'name': one['name'], 'owed': one['owed'],
            'why': self._explain_candidate(one, currency)} for one in found]
        if search:
            known = {customer['id'] for customer in customers}
            partners = self.env['res.partner'].search([
                ('parent_id', '=', False), '|', '|', ('complete_name', 'ilike', search), ('ref', '=', search),
                ('vat', 'ilike', search), ('company_id', 'in', (False, row['company_id'])),
                ('id', 'not in', list(known))], limit=8)
            customers += [{
                'id': partner.id, 'name': partner.display_name, 'owed': 0.0,
                'why': self.env._("Owes nothing in %s", currency.name)} for partner in partners]
        return customers

    @api.model
    @api.readonly
    def get_sure(self, threshold, options=None):
        """Return what `apply_sure` would apply: waiting, one reading, at least so sure.

        :param float threshold: confidence in %
        :param dict options: journal_id, search, show ('mine' or all), company_ids: as on the screen
        :return: dict: ids (of proposals), count, totals [{currency_id, count, amount}]
        :raise AccessError, UserError: as `get_receipts`; UserError for a threshold that is too low
        """
        self._check_clerk()
        threshold = self._read_threshold(threshold)
        wanted, opts = self._read_options(options)
        rows, _counts = self.env['ar.ledger']._cash_receipts(
            {'company_ids': opts['company_ids']}, show='mine' if wanted['show'] == 'mine' else 'all',
            journal_id=wanted['journal_id'], search=wanted['search'], collectors=self._get_collectors(opts))
        proposals = self.env['ar.cash.proposal'].search([
            ('id', 'in', [row['proposal_id'] for row in rows if row['proposal_id'] and not row['amount_booked']]),
            ('is_ambiguous', '=', False), ('confidence', '>=', threshold)], order='date, id')
        return {
            'ids': proposals.ids, 'count': len(proposals),
            'totals': [{
                'currency_id': currency.id, 'count': len(own), 'amount': currency.round(sum(own.mapped('amount')))}
                for currency, own in proposals.grouped('currency_id').items()],
        }

    @api.model
    @api.readonly
    def get_applied(self, options=None):
        """Return what was applied today, newest first.

        :param dict options: company_ids
        :return: dict: count, rows [{id, name, payer, amount, currency_id, partner, items (numbers), by, at (text),
            company_id}]
        :raise AccessError, UserError: as `get_receipts`
        """
        _wanted, opts = self._read_options(options)
        companies = self.env['res.company'].browse(opts['company_ids'])
        domain = self._get_applied_domain(companies)
        proposals = self.env['ar.cash.proposal'].search(domain, order='date_applied desc, id desc', limit=APPLIED)
        # sudo: names of users, customers and documents of proposals the user may read
        return {
            'count': self.env['ar.cash.proposal'].search_count(domain),
            'rows': [{
                'id': proposal.id, 'name': proposal.name, 'payer': proposal.payer or "", 'amount': proposal.amount,
                'currency_id': proposal.currency_id.id, 'partner': proposal.partner_id.display_name or "",
                'items': proposal.item_names or "", 'company_id': proposal.company_id.id,
                'by': self.env._("By itself") if proposal.is_automatic else proposal.applied_by_id.name or "",
                'at': format_datetime(self.env, proposal.date_applied, dt_format='short'),
            } for proposal in proposals.sudo()],
        }

    # === DOING === #

    @api.model
    def apply(self, kind, source_id, lines=None, rest_action=None, rest_reason_id=None, partner_id=None):
        """Apply money: as it is proposed, or as the user chose.

        :param str kind: 'transaction' or 'payment'
        :param int source_id: as `get_items`
        :param list lines: [{id (journal item), amount, discount}] in the receipt's currency: what is to be settled
            of each, discount apart; when that is more than the money, the last ones stay open in part, or what is
            missing is booked (a bank fee). None: as proposed
        :param rest_action: what happens to the difference, one of SHORT_ACTIONS or OVER_ACTIONS; None: as by default
        :param int rest_reason_id: of a dispute
        :param int partner_id: customer, for money without items
        :return: dict: id (of the proposal), message (text)
        :raise AccessError: unless the user works the desk, in this company
        :raise UserError: when something changed meanwhile, or makes no sense; nothing is applied then
        """
        self._check_clerk()
        source, row = self._get_source(kind, source_id)
        can_apply, why_not = self._why_not(kind, row)
        if not can_apply:
            raise UserError(why_not)
        proposal = self.env['ar.cash.proposal'].browse(row['proposal_id'] or [])
        reason = self.env['ar.dispute.reason'].browse(rest_reason_id or []).exists()
        if proposal and (lines is None or self._is_as_proposed(proposal, lines)):
            if rest_action and rest_action != proposal.rest_action:
                proposal.rest_action = rest_action
            if reason and reason != proposal.rest_reason_id:
                proposal.rest_reason_id = reason
            proposal.action_apply()
        else:
            proposal = self._apply_lines(source, row, lines or [], rest_action, reason, partner_id)
        return {'id': proposal.id, 'message': self.env._(
            "%(amount)s applied to %(items)s.", amount=proposal.currency_id.format(proposal.amount),
            items=proposal.item_names or proposal.partner_id.display_name)}

    @api.model
    def apply_sure(self, proposal_ids, threshold):
        """Apply proposals that wait and are sure enough; one that fails does not stop the others.

        :param list proposal_ids: as `get_sure` returned them, at most STEP
        :param float threshold: confidence in %
        :return: dict: applied [ids], totals [{currency_id, count, amount}], failed [{id, name, amount, currency_id,
            why}], skipped (number of those that somebody else dealt with, or that are not sure enough any more)
        :raise AccessError: unless the user works the desk
        :raise UserError: for a threshold that is too low, or too many at once
        """
        self._check_clerk()
        threshold = self._read_threshold(threshold)
        if len(proposal_ids) > STEP:
            raise UserError(self.env._("At most %s payments are applied in one step.", STEP))
        proposals = self.env['ar.cash.proposal'].search([
            ('id', 'in', proposal_ids), ('company_id', 'in', self.env.companies.ids), ('state', '=', 'proposed'),
            ('is_ambiguous', '=', False), ('confidence', '>=', threshold)], order='date, id')
        applied, failed = proposals.browse(), []
        for proposal in proposals:
            amount, currency = proposal.amount, proposal.currency_id
            try:
                with self.env.cr.savepoint():
                    proposal.action_apply()
                applied |= proposal
            except UserError as error:  # changed since, locked, a closed period: the list says why, the others go on
                failed.append({'id': proposal.id, 'name': proposal.name, 'amount': amount,
                               'currency_id': currency.id, 'why': str(error.args[0])})
        return {
            'applied': applied.ids, 'failed': failed, 'skipped': len(proposal_ids) - len(proposals),
            'totals': [{
                'currency_id': currency.id, 'count': len(own), 'amount': currency.round(sum(own.mapped('amount')))}
                for currency, own in applied.grouped('currency_id').items()],
        }

    @api.model
    def undo(self, proposal_id):
        """Take an application back.

        :return: dict: message (text), kind and id of the money, which waits again
        :raise AccessError: unless the user works the desk, in this company
        :raise UserError: when it is not applied, or was booked differently since
        """
        self._check_clerk()
        proposal = self.env['ar.cash.proposal'].browse(proposal_id).exists()
        if not proposal or proposal.company_id not in self.env.companies:
            raise UserError(self.env._("This is not applied any more: load the list again."))
        proposal.action_undo()
        return {
            'kind': 'transaction' if proposal.statement_line_id else 'payment',
            'id': proposal.statement_line_id.id or proposal.payment_line_id.id,
            'message': self.env._(
                "%(name)s is to apply again: %(amount)s.", name=proposal.name,
                amount=proposal.currency_id.format(proposal.amount))}

    @api.model
    def dismiss(self, proposal_id):
        """Not this: what is proposed is not proposed again for this money.

        :raise AccessError, UserError: as `undo`
        """
        self._check_clerk()
        proposal = self.env['ar.cash.proposal'].browse(proposal_id).exists()
        if not proposal or proposal.company_id not in self.env.companies:
            raise UserError(self.env._("This proposal was made anew: load the list again."))
        proposal.action_dismiss()
        return True

    @api.model
    def propose(self):
        """Make the proposals of the companies switched on anew; who does it second at the same time waits.

        :return: number of proposals that wait
        :raise AccessError: unless the user works the desk
        """
        self._check_clerk()
        self.env['ar.ledger']._take_turns(f'cash-{company.id}' for company in self.env.companies)
        return sum(len(self.env['ar.cash']._propose(company)) for company in self.env.companies)

    # === ACCESS AND OPTIONS === #

    def _can_work(self):
        return self.env.su or self.env.user.has_group('ar_coordinator.group_ar_user')

    def _check_clerk(self):
        if not self._can_work():
            raise AccessError(self.env._("Cash is applied by a Receivables: User."))

    def _read_options(self, options):
        """Return (what is wanted, the ledger's options), checked; see `get_receipts`."""
        options = dict(options or {})
        if unknown := set(options) - OPTIONS:
            raise UserError(self.env._("Unknown option: %s", ", ".join(sorted(unknown))))
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({
            'company_ids': options.get('company_ids'), 'limit': options.get('limit') or PAGE_SIZE,
            'offset': options.get('offset')})
        journal_id = options.get('journal_id') or None
        if journal_id is not None and not isinstance(journal_id, int):
            raise UserError(self.env._("There is no bank account %s.", journal_id))
        return {
            'show': ledger._read_choice('show', options.get('show'), tuple(CASH_SHOWS)),
            'order': ledger._read_choice('order', options.get('order'), tuple(CASH_ORDERS)),
            'journal_id': journal_id,
            'search': str(options.get('search') or '').strip(),
        }, {name: opts[name] for name in ('company_ids', 'limit', 'offset')}

    def _get_collectors(self, opts):
        """Return {company id: users whose customers are mine there}: myself, and whom I stand in for."""
        return {
            company.id: self.env['ar.worklist']._get_stood_in_for(self.env.uid, company)
            for company in self.env['res.company'].browse(opts['company_ids'])}

    def _read_threshold(self, threshold):
        if not isinstance(threshold, (int, float)) or not LOWEST <= threshold <= 100:
            raise UserError(self.env._(
                "Payments are applied together from a confidence of %s %% and more.", f'{LOWEST:g}'))
        return threshold

    def _get_source(self, kind, source_id):
        """Return (the bank transaction or journal item with superuser's eyes, its row), where it waits.

        :raise AccessError: when the user may not read receivables
        :raise UserError: when it does not wait any more, in the companies switched on
        """
        if kind not in KINDS or not isinstance(source_id, int):
            raise UserError(self.env._("Choose a bank transaction or a payment."))
        rows, _counts = self.env['ar.ledger']._cash_receipts({}, keys=[(kind, source_id)])
        if not rows:
            raise UserError(self.env._("This money was applied or changed meanwhile: load the list again."))
        # sudo: role and company were checked by what was just read; Odoo's accounting roles are not needed at the desk
        source = self.env[KINDS[kind]].sudo().browse(source_id)
        return source.with_company(source.company_id), rows[0]

    def _get_partner(self, partner_id, proposal, row):
        """Return whose items are shown: the chosen customer, the proposed, the one on the money, the last undone."""
        partners = self.env['res.partner'].sudo()  # sudo: names only; the items are read with the user's rights
        if partner_id:
            return self._get_chosen(partner_id, row).sudo()  # sudo: as above
        if proposal.partner_id or row['partner_id']:
            return (proposal.partner_id or partners.browse(row['partner_id'])).commercial_partner_id
        name = 'statement_line_id' if row['kind'] == 'transaction' else 'payment_line_id'
        last = proposal.search([
            (name, '=', row['id']), ('state', '=', 'undone'), ('partner_id', '!=', False)], order='id desc', limit=1)
        return last.partner_id.commercial_partner_id

    def _get_chosen(self, partner_id, row):
        """Return the customer somebody chose, as that user.

        :raise AccessError: when he may not see him
        :raise UserError: when there is none, or he is another company's
        """
        partner = self.env['res.partner'].browse(partner_id if isinstance(partner_id, int) else []).exists()
        if not partner:
            raise UserError(self.env._("This customer does not exist any more."))
        partner.check_access('read')
        if partner.company_id and partner.company_id.id != row['company_id']:
            raise UserError(self.env._(
                "%(customer)s is a customer of %(company)s only.", customer=partner.display_name,
                company=partner.company_id.name))
        return partner.commercial_partner_id

    def _get_applied_domain(self, companies):
        """Domain of the proposals that were applied since midnight, in each company's time zone."""
        domain = [('state', '=', 'applied')] + ['|'] * (len(companies) - 1)
        for company in companies:
            midnight = self.env['ar.ledger']._end_of_day(company, company._ar_today() - timedelta(days=1))
            domain += ['&', ('company_id', '=', company.id), ('date_applied', '>=', midnight)]
        return domain

    def _get_ways(self):
        """Return [{action (xml id), label}]: how money gets here when nothing waits. Hook."""
        if not self._can_work():
            return []
        return [
            {'action': 'ar_coordinator.ar_cash_file_action', 'label': self.env._("Load a Bank File")},
            {'action': 'ar_coordinator.ar_deposit_action', 'label': self.env._("Enter Cheques and Cash")}]

    # === ROWS === #

    def _make_rows(self, rows):
        """Return receipts as the screen shows them.

        :return: list of dict: key, kind, id, move_id, move_name, date, text, payer, amount, currency_id, company_id,
            company, journal_id, journal, is_partly (booked by hand in part), state ('sure', 'doubtful' or 'nothing'),
            proposal_id, confidence (%), is_ambiguous, partner {id, name} or False, who, what (texts), items (numbers),
            item_count, rest
        """
        # sudo: role and company were checked; names beside receipts the user may read
        sudo = self.env['ar.cash.proposal'].sudo()
        proposals = sudo.browse([row['proposal_id'] for row in rows if row['proposal_id']])
        partners = sudo.env['res.partner'].browse([row['partner_id'] for row in rows if row['partner_id']])
        journals = sudo.env['account.journal'].browse({row['journal_id'] for row in rows})
        names = {partner.id: partner.display_name for partner in partners | proposals.partner_id}
        banks = {journal.id: journal for journal in journals}
        who, what = (dict(sudo._fields[name]._description_selection(self.env)) for name in ('who', 'what'))
        own = {proposal.id: proposal for proposal in proposals}
        result = []
        for row in rows:
            proposal = own.get(row['proposal_id'], sudo)
            partner_id = proposal.partner_id.id or row['partner_id']
            journal = banks[row['journal_id']]
            result.append({
                'key': f'{row["kind"]}-{row["id"]}', 'kind': row['kind'], 'id': row['id'], 'move_id': row['move_id'],
                'move_name': row['move_name'], 'date': row['date'].isoformat(),
                'text': row['text'] or row['move_name'], 'payer': row['payer'] or "", 'amount': row['amount'],
                'currency_id': row['currency_id'], 'company_id': row['company_id'],
                'company': journal.company_id.name, 'journal_id': journal.id, 'journal': journal.name,
                'is_partly': bool(row['amount_booked']),
                'state': 'nothing' if not proposal else 'sure' if row['is_sure'] else 'doubtful',
                'proposal_id': proposal.id, 'confidence': proposal.confidence, 'is_ambiguous': proposal.is_ambiguous,
                'partner': {'id': partner_id, 'name': names[partner_id]} if partner_id else False,
                'who': who.get(proposal.who, ""), 'what': what.get(proposal.what, ""),
                'items': proposal.item_names or "", 'item_count': len(proposal.line_ids), 'rest': proposal.rest,
            })
        return result

    def _get_details(self, kind, source):
        """Return what else stands on the money."""
        if kind == 'payment':
            return {'reference': source.move_id.ref or "", 'account_number': "", 'note': ""}
        return {
            'reference': source.ref or "", 'account_number': source.account_number or "",
            'note': str(source.narration or "")}

    def _make_items(self, source, row, partner, proposal):
        """Return (items of the customer's family, those in other currencies at the rate of the day, and the number of
        items in other currencies that are not shown: credits, without a rate, or of a payment that is booked already).
        """
        if not partner:
            return [], 0
        family = self._get_family(partner) | proposal.line_ids.move_line_id.partner_id.commercial_partner_id
        facts = self.env['ar.ledger'].open_items({'partner_ids': family.ids, 'company_ids': [row['company_id']]})
        facts = [fact for fact in facts if fact['id'] != (source.id if row['kind'] == 'payment' else None)]
        chosen = {line.move_line_id.id: line for line in proposal.line_ids}
        currency = source.env['res.currency'].browse(row['currency_id'])
        own = [fact for fact in facts if fact['residual_currency'] and (
            fact['currency_id'] == currency.id or (row['kind'] == 'transaction' and fact['residual_currency'] > 0))]
        lines = source.env['account.move.line'].browse([fact['id'] for fact in own])
        worths = self.env['ar.cash']._get_worths(
            source.company_id, lines.filtered(lambda line: line.currency_id != currency), currency, row['date'])
        items = []
        for fact, line in zip(own, lines, strict=True):
            if line in worths and not worths[line]:
                continue  # no rate, no worth
            item = self._make_item(fact, line, row)
            if line in worths:
                item.update(
                    residual=worths[line], discount=0.0, discount_until=False, item_currency_id=line.currency_id.id,
                    item_residual=fact['residual_currency'])
                for name in ('disputed', 'promised'):
                    item[name] = currency.round(item[name] * worths[line] / fact['residual_currency'])
            if paid := chosen.get(fact['id']):
                short = proposal.rest < 0  # what is missing is shown as the difference, not as a smaller item
                item.update(chosen=True, discount_chosen=paid.discount, amount=currency.round(
                    item['residual'] - paid.discount) if short else paid.amount)
            items.append(item)
        items.sort(key=lambda item: (
            not item['chosen'], bool(item['item_currency_id']), item['customer'] != partner.complete_name, item['due'],
            item['id']))
        shown = {item['id'] for item in items}
        return items, len({
            fact['id'] for fact in facts if fact['currency_id'] != row['currency_id'] and fact['id'] not in shown})

    def _make_item(self, fact, line, row):
        in_time = row['kind'] == 'transaction' and line.discount_date and row['date'] <= line.discount_date
        discount = self.env['ar.cash']._get_discount(line) if in_time else 0.0
        return {
            'id': fact['id'], 'move_id': fact['move_id'], 'name': fact['move_name'], 'ref': fact['ref'] or "",
            'customer': fact['partner_name'], 'date': (fact['invoice_date'] or fact['date']).isoformat(),
            'due': fact['age_date'].isoformat(), 'days': fact['days'], 'residual': fact['residual_currency'],
            'discount': discount, 'discount_until': discount and line.discount_date.isoformat(),
            'disputed': fact['disputed_currency'], 'promised': fact['promised_currency'],
            'is_taken': bool(fact['draft_matched']), 'chosen': False, 'amount': 0.0, 'discount_chosen': 0.0,
            'item_currency_id': False, 'item_residual': 0.0,
        }

    def _get_family(self, partner):
        """Return the customer, its head and the head's subsidiaries: a parent may pay for its child."""
        head = partner
        while head.parent_id:
            head = head.parent_id
        return partner | partner.search([('id', 'child_of', head.id), ('is_company', '=', True)]).commercial_partner_id

    def _get_defaults(self, source, row, partner):
        """Return what happens to differences by default: the customer's way, else the company's."""
        company = source.env['res.company'].browse(row['company_id'])
        partner = partner.with_company(company)
        currency = source.env['res.currency'].browse(row['currency_id'])
        reason = partner.ar_cash_short_reason_id or company.ar_cash_short_reason_id or self.env.ref(
            'ar_coordinator.dispute_reason_unclear', raise_if_not_found=False)
        return {
            'short': partner.ar_cash_short_action or company.ar_cash_short_action,
            'over': partner.ar_cash_over_action or company.ar_cash_over_action,
            'small': company.currency_id._convert(company.ar_cash_small_difference, currency, company, row['date']),
            'rates': company.ar_cash_rate_tolerance / 100, 'reason_id': reason.id if reason else False}

    def _get_actions(self, actions):
        """Return [{value, label}] in the user's language."""
        labels = dict(self.env['ar.cash.proposal']._fields['rest_action']._description_selection(self.env))
        return [{'value': value, 'label': labels[value]} for value, _label in actions]

    def _get_waiting(self, source, row):
        """Return registered payments of this amount that wait for the bank: this may be that money."""
        payments = source.env['account.payment'].search([
            ('company_id', '=', row['company_id']), ('payment_type', '=', 'inbound'), ('state', '=', 'in_process'),
            ('is_matched', '=', False), ('amount', '=', row['amount']), ('currency_id', '=', row['currency_id']),
        ], limit=5)
        return [{'id': payment.id, 'name': payment.display_name, 'partner': payment.partner_id.display_name or ""}
                for payment in payments]

    def _explain_candidate(self, candidate, currency):
        """Return in words why a customer may have sent the money."""
        reasons = []
        if candidate['numbered']:
            reasons.append(self.env._("%s is open", candidate['numbered']))
        if candidate['exact']:
            reasons.append(self.env._("%s is exactly this amount", candidate['exact']))
        if candidate['is_named']:
            reasons.append(self.env._("The name is like the payer's"))
        reasons.append(self.env._(
            "%(count)s open, %(amount)s", count=candidate['item_count'], amount=currency.format(candidate['owed'])))
        return " · ".join(reasons)

    # === APPLYING === #

    def _why_not(self, kind, row):
        """Return (whether the money can be applied here, why not)."""
        if row['amount_booked']:
            return False, self.env._(
                "Part of %s was booked by hand: finish it on the bank transaction.", row['text'] or row['move_name'])
        return True, ""

    def _apply_lines(self, source, row, lines, rest_action, reason, partner_id):
        """Apply money to what the user chose, and return the proposal that was made of it."""
        proposals = self.env['ar.cash.proposal']
        currency = source.env['res.currency'].browse(row['currency_id'])
        rows = [{
            'move_line_id': line['id'], 'amount': currency.round(line['amount']),
            'discount': currency.round(line.get('discount') or 0.0)} for line in lines]
        missing = currency.round(sum(one['amount'] for one in rows) - row['amount'])
        if missing > 0 and not proposals._books_shortfall(source, rest_action):
            for one in reversed(rows):  # the last ones stay open in part
                taken = min(missing, max(one['amount'], 0.0))
                one['amount'] = currency.round(one['amount'] - taken)
                missing = currency.round(missing - taken)
            rows = [one for one in rows if not currency.is_zero(one['amount'])]
        partner = self._get_chosen(partner_id, row) if partner_id else self.env['res.partner']
        return proposals._apply_chosen(source.with_env(self.env), rows, rest_action or None, reason, partner)

    def _is_as_proposed(self, proposal, lines):
        """True when the choice is what the proposal says, of items that are open as they were."""
        if not proposal.line_ids and proposal.what != 'on_account':
            return False
        short = proposal.rest < 0
        round_ = proposal.currency_id.round
        for line in proposal.sudo().line_ids:  # sudo: journal items; the role was checked
            if line.item_currency_id:
                is_open = not line.item_currency_id.compare_amounts(
                    line.item_residual, line.move_line_id.amount_residual_currency)
            else:
                is_open = not proposal.currency_id.compare_amounts(
                    line.residual, line.move_line_id.amount_residual_currency)
            if not is_open:
                return False
        proposed = {
            line.move_line_id.id: (
                round_(line.residual - line.discount if short else line.amount), round_(line.discount))
            for line in proposal.line_ids}
        return proposed == {
            line['id']: (round_(line['amount']), round_(line.get('discount') or 0.0)) for line in lines}
