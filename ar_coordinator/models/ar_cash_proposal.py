"""Cash to apply: money that came in and is not matched yet, and what the engine proposes to match it with.

Sources are Odoo's own: bank transactions that are not reconciled, and customer payments with something on account.
Everything ends in Odoo's journal items and partial reconciles; a proposal notes what would be, was, or was undone.

    proposed -> applied -> undone        proposed -> dismissed

A proposal is made again whenever the facts changed; what a user dismissed or undid is not proposed again as it was.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError
from odoo.tools import float_compare

from ..engine import cash
from .ar_guard import without_defaults

GUARDED_FIELDS = {
    'state', 'company_id', 'statement_line_id', 'payment_line_id', 'partner_id', 'amount', 'currency_id', 'confidence',
    'what', 'who', 'rest', 'is_ambiguous', 'line_ids', 'match_ids', 'is_automatic', 'applied_by_id', 'date_applied',
    'payer'}
WHAT = [
    ('referenced', "The text names the items, the amount agrees"),
    ('discount', "The text names the items, less early-payment discount"),
    ('fee', "The text names the items, less a bank fee"),
    ('part_named', "Some of the items in the text add up to the amount"),
    ('with_others', "Items in the text and others add up to the amount"),
    ('short', "The text names the items, the amount is too small"),
    ('over', "The text names the items, the amount is too large"),
    ('one', "One open item has this amount"),
    ('one_discount', "One open item has this amount, less early-payment discount"),
    ('one_fee', "One open item has this amount, less a bank fee"),
    ('all', "Everything the customer owes"),
    ('up_to', "Everything the customer owes up to a due date"),
    ('sum', "Several open items add up to the amount"),
    ('sum_discount', "Several open items add up to the amount, less early-payment discount"),
    ('oldest', "Oldest items first, as agreed"),
]
WHO = [
    ('chosen', "The customer is set"),
    ('account', "The bank account is the customer's"),
    ('alias', "The payer's name was confirmed for this customer before"),
    ('name', "The payer's name is the customer's"),
    ('named', "The text names the customer's items"),
    ('similar', "The payer's name is like the customer's"),
    ('nobody', "Nothing else says who paid"),
]
SETTLED_DAYS = 400  # a text may name a document paid so long ago


class ArCashProposal(models.Model):
    _name = 'ar.cash.proposal'
    _description = "Cash to Apply"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'date desc, id desc'
    _check_company_auto = True

    name = fields.Char(required=True, string="Text", help="What stands on the bank transaction or payment.")
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    statement_line_id = fields.Many2one(
        comodel_name='account.bank.statement.line', string="Bank Transaction", ondelete='cascade',
        index='btree_not_null')
    payment_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Payment Item", ondelete='cascade', index='btree_not_null')
    payment_move_id = fields.Many2one(related='payment_line_id.move_id', string="Payment")
    date = fields.Date(required=True)
    payer = fields.Char()
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", index=True, ondelete='restrict')
    currency_id = fields.Many2one(comodel_name='res.currency', required=True)
    amount = fields.Monetary(required=True)
    rest = fields.Monetary(
        string="Difference", help="Above zero: stays on account. Below zero: stays open, or is a bank fee.")
    what = fields.Selection(selection=WHAT, string="For What")
    who = fields.Selection(selection=WHO, string="Who Paid")
    confidence = fields.Float(string="Confidence (%)", digits=(5, 1), aggregator='avg')
    is_ambiguous = fields.Boolean(string="More Than One Reading")
    match_ids = fields.Many2many(
        comodel_name='account.partial.reconcile', relation='ar_cash_proposal_match_rel', string="Matchings", copy=False,
        help="Made when it was applied: what undoing takes back.")
    line_ids = fields.One2many(comodel_name='ar.cash.proposal.line', inverse_name='proposal_id', string="Items")
    item_names = fields.Char(string="Pays", compute='_compute_item_names')
    state = fields.Selection(
        selection=[
            ('proposed', "Proposed"), ('applied', "Applied"), ('undone', "Undone"), ('dismissed', "Dismissed"),
        ], required=True, default='proposed', index=True, tracking=True)
    is_automatic = fields.Boolean(string="By Itself", readonly=True)
    applied_by_id = fields.Many2one(comodel_name='res.users', string="Applied by", readonly=True)
    date_applied = fields.Datetime(string="Applied on", readonly=True)

    _one_source = models.Constraint(
        "CHECK ((statement_line_id IS NULL) <> (payment_line_id IS NULL) OR state <> 'proposed')",
        "A proposal is for one bank transaction or one payment.")
    _one_proposal_per_transaction = models.UniqueIndex("(statement_line_id) WHERE state = 'proposed'")
    _one_proposal_per_payment = models.UniqueIndex("(payment_line_id) WHERE state = 'proposed'")

    @api.depends('line_ids.move_line_id')
    def _compute_item_names(self):
        for proposal in self:
            proposal.item_names = ", ".join(proposal.line_ids.move_line_id.move_id.mapped('name'))

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("Proposals are made from the bank's data, not by hand."))
        return super(ArCashProposal, without_defaults(self, GUARDED_FIELDS)).create(vals_list)

    def write(self, vals):
        if GUARDED_FIELDS.intersection(vals) and not self.env.su:
            raise AccessError(self.env._("Proposals are applied, undone and dismissed by their buttons."))
        return super().write(vals)

    # === ACTIONS === #

    def action_apply(self):
        """Match the money with the items, each proposal as it stands.

        :raise UserError: when something changed since, with what to do
        """
        self._check_clerk()
        for proposal in self:
            proposal._apply()
            if proposal.who in ('nobody', 'similar', 'named'):
                self.env['ar.payer.alias']._learn(proposal.company_id, proposal.partner_id, proposal.payer)

    def action_undo(self):
        """Take an application back: items are open again, the money is to apply again."""
        self._check_clerk()
        for proposal in self:
            proposal._undo()

    def action_dismiss(self):
        """Not this: the same items are not proposed for this money again."""
        self._check_clerk()
        for proposal in self:
            if proposal.state != 'proposed':
                raise UserError(self.env._(
                    "%s is not waiting: only proposals can be dismissed.", proposal.display_name))
        self.sudo().state = 'dismissed'  # sudo: guarded field, the role was checked

    def action_propose(self):
        """Make the proposals of the companies switched on anew, and show them."""
        self.browse()._check_clerk()
        for company in self.env.companies:
            self.env['ar.cash']._propose(company)
        return self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_proposal_action')

    def action_view_source(self):
        """Open the bank transaction's or payment's entry."""
        self.ensure_one()
        move = self.statement_line_id.move_id or self.payment_line_id.move_id
        return move.get_formview_action()

    def _check_clerk(self):
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Cash is applied by a Receivables: User."))
        self.check_access('read')

    # === APPLYING === #

    def _apply(self, automatic=False):
        """Apply one proposal under lock."""
        self.ensure_one()
        proposal = self.sudo().with_company(self.company_id)  # sudo: bank entries; role and company were checked
        proposal._lock()
        if proposal.state != 'proposed':
            raise UserError(self.env._("%s was dealt with already.", proposal.name))
        proposal._check_unchanged()
        if proposal.statement_line_id:
            proposal._apply_transaction()
        else:
            proposal._apply_payment()
        proposal.write({
            'state': 'applied', 'is_automatic': automatic, 'applied_by_id': self.env.uid,
            'date_applied': fields.Datetime.now()})

    def _lock(self):
        """Keep others off the money and its items until the end of the transaction."""
        try:
            self.lock_for_update()
            (self.statement_line_id or self.payment_line_id).lock_for_update(allow_referencing=True)
            self.line_ids.move_line_id.lock_for_update(allow_referencing=True)
        except LockError:
            raise UserError(self.env._(
                "%s is being worked on by somebody else: try again in a moment.", self.name)) from None
        self.invalidate_recordset()
        self.line_ids.move_line_id.invalidate_recordset()

    def _check_unchanged(self):
        """Refuse what is not open any more as it was when it was proposed."""
        money = self._get_open_money()
        if self.currency_id.compare_amounts(money, self.amount):
            raise UserError(self.env._(
                "%(name)s: %(open)s of it are open now, not %(amount)s. Look for proposals again.", name=self.name,
                open=self.currency_id.format(money), amount=self.currency_id.format(self.amount)))
        for line in self.line_ids:
            item = line.move_line_id
            if item.parent_state != 'posted' or self.currency_id.compare_amounts(
                    item.amount_residual_currency, line.residual):
                raise UserError(self.env._(
                    "%(item)s: %(now)s are open now, not %(before)s. Look for proposals again.",
                    item=item.move_id.name, now=self.currency_id.format(item.amount_residual_currency),
                    before=self.currency_id.format(line.residual)))

    def _get_open_money(self):
        if self.statement_line_id:
            _liquidity, suspense, other = self.statement_line_id._seek_for_lines()
            return -sum(suspense.mapped('amount_currency')) if not other else 0.0
        return -self.payment_line_id.amount_residual_currency

    def _apply_transaction(self):
        """Replace the transaction's line on the suspense account by one per item, and match each with its item."""
        transaction = self.statement_line_id
        _liquidity, suspense, _other = transaction._seek_for_lines()
        values = [self._prepare_counterpart(line.move_line_id, line.amount + line.discount) for line in self.line_ids]
        values += self._prepare_discounts()
        if self.rest > 0:
            last = self.line_ids[-1:].move_line_id
            values.append(self._prepare_counterpart(last, self.rest))
        elif self.rest < 0 and self.what in ('fee', 'one_fee'):
            values.append(self._prepare_fee())
        self._balance(values, suspense)
        move, before = transaction.move_id, transaction.move_id.line_ids
        move.with_context(skip_account_move_synchronization=True, force_delete=True, skip_readonly_check=True).write({
            'line_ids': [fields.Command.delete(suspense.id), *map(fields.Command.create, values)]})
        if not transaction.partner_id:
            transaction.with_context(skip_account_move_synchronization=True).partner_id = self.partner_id
        created = (move.line_ids - before).sorted('id')
        for line, counterpart in zip(self.line_ids, created[:len(self.line_ids)], strict=True):
            (counterpart + line.move_line_id).reconcile()

    def _prepare_counterpart(self, item, amount):
        """Return a receivable line of the transaction's entry that clears `amount` of the item (or of nothing yet)."""
        amounts = self.statement_line_id._prepare_counterpart_amounts_using_st_line_rate(
            self.currency_id, -amount, -amount)
        return {
            'name': self.name, 'account_id': item.account_id.id, 'partner_id': item.partner_id.id,
            'currency_id': self.currency_id.id, **amounts}

    def _prepare_fee(self):
        account = self.company_id.ar_cash_fee_account_id
        if not account:
            raise UserError(self.env._(
                "%(name)s: the bank kept %(fee)s. Set the account for bank fees (Settings, Receivables), or apply it "
                "by hand.", name=self.name, fee=self.currency_id.format(-self.rest)))
        amounts = self.statement_line_id._prepare_counterpart_amounts_using_st_line_rate(
            self.currency_id, -self.rest, -self.rest)
        return {
            'name': self.env._("Bank fee: %s", self.name), 'account_id': account.id, 'partner_id': self.partner_id.id,
            'currency_id': self.currency_id.id, **amounts}

    def _prepare_discounts(self):
        """Return the lines of the early-payment discounts, with their taxes, as Odoo works them out."""
        lines = self.line_ids.filtered('discount')
        if not lines:
            return []
        matched = [{
            'aml': line.move_line_id, 'amount_currency': -line.move_line_id.amount_residual_currency,
            'balance': self._to_company(-line.move_line_id.amount_residual_currency)} for line in lines]
        values = self.env['account.move']._get_invoice_counterpart_amls_for_early_payment_discount(
            matched, self._to_company(sum(lines.mapped('discount'))))
        return [row for rows in values.values() for row in rows]

    def _to_company(self, amount):
        return self.currency_id._convert(amount, self.company_id.currency_id, self.company_id, self.date)

    def _balance(self, values, suspense):
        """Put what rounding of rates left into the first line, so that the entry balances to the cent."""
        company_currency = self.company_id.currency_id
        missing = suspense.balance - sum(row['balance'] for row in values)
        if not company_currency.is_zero(missing):
            if self.currency_id == company_currency:
                raise UserError(self.env._(
                    "%s: the items don't add up to the amount. Look for proposals again.", self.name))
            values[0]['balance'] = company_currency.round(values[0]['balance'] + missing)

    def _apply_payment(self):
        """Match the payment's item on account with the items, in their order."""
        items = self.line_ids.move_line_id
        involved = self.payment_line_id + items
        before = involved.matched_debit_ids | involved.matched_credit_ids
        if self.rest >= 0:
            involved.reconcile()
        else:
            for item in items:  # the last one stays open in part
                (self.payment_line_id + item).reconcile()
        self.match_ids = (involved.matched_debit_ids | involved.matched_credit_ids) - before

    def _undo(self):
        """Undo one application under lock."""
        self.ensure_one()
        proposal = self.sudo().with_company(self.company_id)  # sudo: as _apply
        if proposal.state != 'applied':
            raise UserError(self.env._("%s is not applied: there is nothing to undo.", proposal.name))
        proposal._lock()
        if proposal.statement_line_id:
            proposal._check_still_applied()
            proposal.statement_line_id.action_undo_reconciliation()
        else:
            proposal.match_ids.unlink()  # those made since by others stay
        proposal.state = 'undone'
        self.env['ar.payer.alias']._unlearn(proposal.company_id, proposal.partner_id, proposal.payer)


    def _check_still_applied(self):
        """:raise UserError: when somebody booked the transaction differently since: that is not ours to undo"""
        items = self.line_ids.move_line_id
        _liquidity, suspense, other = self.statement_line_id._seek_for_lines()
        receivable = other.filtered(lambda line: line.account_id.account_type == 'asset_receivable')
        matches = receivable.matched_debit_ids | receivable.matched_credit_ids
        ours = matches.debit_move_id | matches.credit_move_id
        if suspense or not items or not items <= ours:
            raise UserError(self.env._(
                "%s was booked differently since: undo it on the bank transaction.", self.name))


class ArCashProposalLine(models.Model):
    _name = 'ar.cash.proposal.line'
    _description = "Item a Payment Is For"
    _order = 'sequence, id'

    proposal_id = fields.Many2one(
        comodel_name='ar.cash.proposal', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='proposal_id.company_id', store=True, precompute=True)
    sequence = fields.Integer()
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", required=True, index=True, ondelete='cascade')
    move_id = fields.Many2one(related='move_line_id.move_id', string="Invoice")
    date_maturity = fields.Date(related='move_line_id.date_maturity')
    currency_id = fields.Many2one(related='proposal_id.currency_id')
    residual = fields.Monetary(string="Open", help="When it was proposed.")
    amount = fields.Monetary(string="Pays")
    discount = fields.Monetary(help="Early-payment discount within its terms.")


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
        books = self._get_books(env, company, receipts)
        known = {self._source_of(old): old for old in proposals.search([
            ('company_id', '=', company.id), ('state', '=', 'proposed')])}
        refused = {
            (self._source_of(old), frozenset(old.line_ids.move_line_id.ids)) for old in proposals.search([
                ('company_id', '=', company.id), ('state', 'in', ('dismissed', 'undone'))])}
        registered = self._get_registered(env, company)
        wanted, kept = [], proposals
        for (currency, source), receipt in receipts.items():
            book = books[currency, source[0]]
            reading = book.propose(receipt['receipt'])
            if reading is None or (source, frozenset(reading.paid)) in refused:
                continue
            if source[0] == 'transaction' and (currency, receipt['receipt'].amount, reading.customer) in registered:
                continue  # a payment of this customer waits for its bank transaction: the same money
            old = known.get(source)
            if old and self._is_same(old, reading, book):
                kept |= old
            else:
                wanted.append(self._prepare(company, currency, source, receipt, reading, book))
        (proposals.union(*known.values()) - kept).unlink()
        proposals.create(wanted)
        return proposals.search([('company_id', '=', company.id), ('state', '=', 'proposed')])

    def _source_of(self, proposal):
        if proposal.statement_line_id:
            return 'transaction', proposal.statement_line_id.id
        return 'payment', proposal.payment_line_id.id

    def _is_same(self, proposal, reading, book):
        """True when a proposal says what the reading says, of items that are open as they were."""
        cents = 10 ** proposal.currency_id.decimal_places
        now = {key: (amount, book.items[key].residual) for key, amount in reading.paid.items()}
        then = {
            line.move_line_id.id: (round(line.amount * cents), round(line.residual * cents))
            for line in proposal.line_ids}
        return now == then and (proposal.what, proposal.who) == (reading.what, reading.who) and not float_compare(
            proposal.confidence, reading.confidence * 100, precision_digits=1)

    def _prepare(self, company, currency, source, receipt, reading, book):
        """Return the values of a proposal."""
        cents = 10 ** currency.decimal_places
        return {
            'name': receipt['name'], 'company_id': company.id, 'date': receipt['receipt'].date,
            'payer': receipt['receipt'].payer, 'partner_id': reading.customer, 'currency_id': currency.id,
            'statement_line_id': source[1] if source[0] == 'transaction' else False,
            'payment_line_id': source[1] if source[0] == 'payment' else False,
            'amount': receipt['receipt'].amount / cents, 'rest': reading.rest / cents, 'what': reading.what,
            'who': reading.who, 'confidence': reading.confidence * 100, 'is_ambiguous': reading.ambiguous,
            'line_ids': [fields.Command.create({
                'sequence': place, 'move_line_id': key, 'residual': book.items[key].residual / cents,
                'amount': amount / cents, 'discount': reading.discounts.get(key, 0) / cents,
            }) for place, (key, amount) in enumerate(reading.paid.items())]}

    def _get_receipts(self, env, company):
        """Return {(currency, (kind, id)): {name, receipt}} of the money that waits, oldest first."""
        found = {}
        for line in env['account.bank.statement.line'].search([
                ('company_id', '=', company.id), ('is_reconciled', '=', False), ('amount', '>', 0),
                ('move_id.state', '=', 'posted')], order='date, id'):
            _liquidity, suspense, other = line._seek_for_lines()
            currency = line.foreign_currency_id or line.currency_id
            amount = -sum(suspense.mapped('amount_currency'))
            if other or len(suspense) != 1 or amount <= 0:
                continue
            found[currency, ('transaction', line.id)] = self._make_receipt(
                currency, line.id, amount, line.date, line.payment_ref or line.move_id.name,
                ' '.join(filter(None, (line.payment_ref, line.ref, line.narration and str(line.narration)))),
                line.partner_name, line.account_number, line.partner_id)
        for line in env['account.move.line'].search([
                ('company_id', '=', company.id), ('account_type', '=', 'asset_receivable'), ('reconciled', '=', False),
                ('parent_state', '=', 'posted'), ('amount_residual_currency', '<', 0),
                ('move_id.origin_payment_id', '!=', False)], order='date, id'):
            payment = line.move_id.origin_payment_id
            found[line.currency_id, ('payment', line.id)] = self._make_receipt(
                line.currency_id, line.id, -line.amount_residual_currency, line.date, payment.memo or line.move_id.name,
                payment.memo or '', '', '', line.partner_id)
        return found

    def _get_registered(self, env, company):
        """Return {(currency, amount, customer)} of the payments that are registered and not seen in the bank yet."""
        return {
            (payment.currency_id, round(payment.amount * 10 ** payment.currency_id.decimal_places),
             payment.partner_id.commercial_partner_id.id)
            for payment in env['account.payment'].search([
                ('company_id', '=', company.id), ('payment_type', '=', 'inbound'), ('state', '=', 'in_process'),
                ('is_matched', '=', False)])}

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
        customers = env['res.partner'].browse({row['partner_id'] for row in rows})
        known = {
            'names': {partner.id: [partner.name] for partner in customers if partner.name},
            'parents': self._get_parents(customers),
            'aliases': {alias.name: alias.partner_id.commercial_partner_id.id for alias in env['ar.payer.alias'].search(
                [('company_id', '=', company.id)])},
            'accounts': {
                bank.sanitized_acc_number: bank.partner_id.commercial_partner_id.id
                for bank in env['res.partner.bank'].search([('partner_id.commercial_partner_id', 'in', customers.ids)])
                if bank.sanitized_acc_number}}
        books = {}
        for currency, kind in kinds:
            cents = 10 ** currency.decimal_places
            with_terms = kind == 'transaction'  # a payment's entry cannot carry discounts and fees any more
            fee = company.currency_id._convert(company.ar_cash_fee, currency, company, company._ar_today())
            items = [
                self._make_item(row, line, cents, with_terms) for row, line in zip(rows, lines, strict=True)
                if row['currency_id'] == currency.id and not row['draft_matched']]
            books[currency, kind] = cash.Book(
                items, rules=cash.Rules(fee=round(fee * cents) if with_terms else 0), settled=settled, **known)
        return books

    def _get_parents(self, customers):
        """Return {customer: head of its family}, by the hierarchy of companies."""
        heads = {}
        for partner in customers:
            head = partner
            while head.parent_id:
                head = head.parent_id
            if head != partner:
                heads[partner.id] = head.commercial_partner_id.id
        return heads

    def _make_item(self, row, line, cents, with_terms):
        move = line.move_id
        discount = 0
        if with_terms and line.discount_date and line.discount_amount_currency and not (
                line.matched_debit_ids or line.matched_credit_ids):
            discount = round((line.amount_residual_currency - line.discount_amount_currency) * cents)
        return cash.Item(
            row['id'], row['partner_id'], tuple(filter(None, (move.name, move.payment_reference, move.ref))),
            round(row['residual_currency'] * cents), row['date_maturity'] or row['date'], discount,
            line.discount_date or None)

    @api.model
    def _cron_apply(self):
        """Propose in all companies; apply what is sure enough where the company wants that."""
        companies = self.env['res.company'].search([])  # pylint: disable=no-search-all  # few, and all of them
        for company in companies:
            proposals = self._propose(company)
            if company.ar_cash_automatic:
                self._apply_sure(company, proposals)
            self.env['ir.cron']._commit_progress(1)

    def _apply_sure(self, company, proposals):
        """Apply what one reading explains with at least the company's confidence; one failure does not stop the others.

        :return: the proposals that were applied
        """
        applied = proposals.browse()
        for proposal in proposals.filtered(
                lambda row: not row.is_ambiguous and row.confidence >= company.ar_cash_threshold):
            try:
                with self.env.cr.savepoint():
                    proposal._apply(automatic=True)
                applied |= proposal
            except UserError as error:  # changed since, locked, a closed period: the next run or a person deals with it
                proposal.message_post(body=self.env._("Not applied by itself: %s", error.args[0]))
        return applied
