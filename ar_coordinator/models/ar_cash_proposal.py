"""Cash to apply: money that came in and is not matched yet, and what the engine proposes to match it with.

Sources are Odoo's own: bank transactions that are not reconciled, and customer payments with something on account.
Everything ends in Odoo's journal items and partial reconciles; a proposal notes what would be, was, or was undone.

    proposed -> applied -> undone        proposed -> dismissed

A proposal is made again whenever the facts changed; what a user dismissed or undid is not proposed again as it was.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from .ar_guard import without_defaults

GUARDED_FIELDS = {
    'state', 'company_id', 'statement_line_id', 'payment_line_id', 'partner_id', 'amount', 'currency_id', 'confidence',
    'what', 'who', 'rest', 'is_ambiguous', 'line_ids', 'match_ids', 'is_automatic', 'applied_by_id', 'date_applied',
    'payer', 'reading', 'is_partner_set', 'problem', 'name', 'date'}
WHAT = [
    ('chosen', "Chosen by a user"),
    ('advised', "The customer's remittance advice says so"),
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
    ('less', "The items, less what the customer always keeps back"),
    ('oldest', "Oldest items first, as agreed"),
    ('converted', "The text names items in another currency, the amount agrees at the rate of the day"),
    ('converted_one', "One item in another currency has about this amount at the rate of the day"),
    ('converted_off', "The text names items in another currency, the amount does not agree at the rate of the day"),
    ('on_account', "Nothing yet: on account"),
    ('claimed', "Nothing: its items go to a payment that is surer"),
]
WHO = [
    ('chosen', "The customer is set"),
    ('advised', "The payment is named by the customer's remittance advice"),
    ('account', "The bank account is the customer's"),
    ('token', "The card or mandate is the customer's"),
    ('alias', "The payer's name was confirmed for this customer before"),
    ('name', "The payer's name is the customer's"),
    ('named', "The text names the customer's items"),
    ('similar', "The payer's name is like the customer's"),
    ('nobody', "Nothing else says who paid"),
]


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
    reading = fields.Json(help="What else the reading is made of: names in the text, the advice, rival payments.")
    reasons = fields.Text(compute='_compute_reasons', help="Why this is proposed, in words.")
    match_ids = fields.Many2many(
        comodel_name='account.partial.reconcile', relation='ar_cash_proposal_match_rel', string="Matchings", copy=False,
        help="Made when it was applied: what undoing takes back.")
    line_ids = fields.One2many(comodel_name='ar.cash.proposal.line', inverse_name='proposal_id', string="Items")
    has_foreign_items = fields.Boolean(compute='_compute_has_foreign_items')
    item_names = fields.Char(string="Pays", compute='_compute_item_names')
    state = fields.Selection(
        selection=[
            ('proposed', "Proposed"), ('applied', "Applied"), ('undone', "Undone"), ('dismissed', "Dismissed"),
        ], required=True, default='proposed', index=True, tracking=True)
    problem = fields.Char(readonly=True, copy=False, help="Why it was not applied by itself.")
    is_partner_set = fields.Boolean(help="The customer was set on the bank transaction by applying this.")
    is_automatic = fields.Boolean(string="By Itself", readonly=True)
    applied_by_id = fields.Many2one(comodel_name='res.users', string="Applied by", readonly=True)
    date_applied = fields.Datetime(string="Applied on", readonly=True)

    _one_source = models.Constraint(
        "CHECK ((statement_line_id IS NULL) <> (payment_line_id IS NULL) OR state <> 'proposed')",
        "A proposal is for one bank transaction or one payment.")
    _one_proposal_per_transaction = models.UniqueIndex("(statement_line_id) WHERE state = 'proposed'")
    _one_proposal_per_payment = models.UniqueIndex("(payment_line_id) WHERE state = 'proposed'")

    @api.depends('line_ids.item_currency_id')
    def _compute_has_foreign_items(self):
        for proposal in self:
            proposal.has_foreign_items = bool(proposal.line_ids.item_currency_id)

    @api.depends('line_ids.move_line_id')
    def _compute_item_names(self):
        for proposal in self:
            proposal.item_names = ", ".join(proposal.line_ids.move_line_id.move_id.mapped('name'))

    @api.depends('what', 'who', 'reading', 'line_ids.move_line_id', 'line_ids.deduction', 'is_ambiguous')
    @api.depends_context('lang')
    def _compute_reasons(self):
        for proposal in self:
            proposal.reasons = "\n".join(proposal._get_reasons())

    def _get_reasons(self):
        """Return the sentences that say why this is proposed, and why it waits; hook."""
        self.ensure_one()
        sentences = [
            f"{label}." for label in (self._get_label('who'), self._get_label('what')) if label]
        reading = self.reading or {}
        others = self.line_ids.move_line_id.partner_id.commercial_partner_id - self.partner_id
        if self.partner_id and others:
            sentences.append(self.env._(
                "%(payer)s pays for %(customers)s.", payer=self.partner_id.name,
                customers=", ".join(others.mapped('name'))))
        names = {line.move_line_id.id: line.move_id.name for line in self.line_ids}
        for item, how in (reading.get('named') or {}).items():
            if int(item) in names and how in ('tail', 'typo'):
                sentences.append(
                    self.env._("%s is named by its running number alone.", names[int(item)]) if how == 'tail' else
                    self.env._("%s is named with one digit off.", names[int(item)]))
        sentences += [
            self.env._(
                "%(item)s: the customer kept back %(amount)s.", item=line.move_id.name,
                amount=self.currency_id.format(line.deduction))
            for line in self.line_ids.filtered('deduction')]
        sentences += [line._explain_rate() for line in self.line_ids if line.item_currency_id]
        sentences += self._get_claims(reading.get('claims') or [])
        if reading.get('repeats'):
            sentences.append(self.env._(
                "A payment of the same amount by this customer was applied on %s: this may be the same one, made"
                " twice.", format_date(self.env, reading['repeats'])))
        if self.is_ambiguous:
            sentences.append(self.env._("Something else is about as likely."))
        return sentences

    def _get_claims(self, claims):
        """Return a sentence for each item that another payment is surer of.

        :param list claims: [item id, kind of source, id of the source] each
        """
        sentences = []
        for item_id, kind, source_id in claims:
            item = self.env['account.move.line'].browse(item_id).exists()
            # sudo: the other payment is of the same company; only its date and amount are told
            model = 'account.bank.statement.line' if kind == 'transaction' else 'account.move.line'
            other = self.env[model].sudo().browse(source_id).exists()
            if item and other:
                amount = other.amount if kind == 'transaction' else -other.amount_currency
                sentences.append(self.env._(
                    "%(item)s is claimed by the payment of %(date)s over %(amount)s.", item=item.move_id.name,
                    date=format_date(self.env, other.date), amount=other.currency_id.format(amount)))
        return sentences

    def _get_label(self, name):
        """Return the label of a selection's value in the user's language."""
        return dict(self._fields[name]._description_selection(self.env)).get(self[name], "")

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
            proposal._learn()

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

    def _learn(self):
        """Note what a user's confirmation teaches; hook. Undoing takes it back (`_unlearn`)."""
        for proposal in self:
            if proposal.who in ('nobody', 'similar', 'named') or proposal.what in ('chosen', 'on_account'):
                self.env['ar.payer.alias']._learn(proposal.company_id, proposal.partner_id, proposal.payer)

    def _unlearn(self):
        """Take back what `_learn` noted; hook."""
        for proposal in self:
            self.env['ar.payer.alias']._unlearn(proposal.company_id, proposal.partner_id, proposal.payer)

    def _note_problem(self, problem):
        """Keep why it was not applied by itself; the chatter is told once, not every hour."""
        if problem != self.problem:
            self.sudo().problem = problem  # sudo: guarded field, noted by the background job
            self.message_post(body=self.env._("Not applied by itself: %s", problem))

    def _check_clerk(self):
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Cash is applied by a Receivables: User."))
        self.check_access('read')


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
    currency_id = fields.Many2one(related='proposal_id.currency_id', store=True, precompute=True)
    residual = fields.Monetary(string="Open", help="When it was proposed.")
    amount = fields.Monetary(string="Pays")
    discount = fields.Monetary(help="Early-payment discount within its terms.")
    deduction = fields.Monetary(help="What the customer kept back, by his advice: it stays open.")
    item_currency_id = fields.Many2one(
        comodel_name='res.currency', string="Item's Currency", help="Where it is not the payment's.")
    item_residual = fields.Monetary(
        string="Open in Its Currency", currency_field='item_currency_id', help="When it was proposed.")
    rate = fields.Float(
        string="Rate Used", compute='_compute_rate', digits=(12, 6),
        help="What one unit of the item's currency is worth in the payment's.")

    @api.depends('item_currency_id', 'item_residual', 'residual', 'amount', 'proposal_id.rest_action')
    def _compute_rate(self):
        for line in self:
            settled = line._get_settled() if line.item_currency_id else 0.0
            line.rate = line.amount / settled if settled else 0.0

    def _get_settled(self):
        """Return what of the item is settled, in the item's own currency.

        In another currency than the payment's that is its share at the rate of the day, or all of it where what is
        left is an exchange difference.
        """
        self.ensure_one()
        if not self.item_currency_id:
            return self.currency_id.round(self.amount + self.discount)
        if self.proposal_id.rest_action == 'rate' or not self.currency_id.compare_amounts(self.amount, self.residual):
            return self.item_residual
        return self.item_currency_id.round(self.item_residual * self.amount / self.residual)

    def _explain_rate(self):
        """Return the sentence that says what an item in another currency is worth."""
        self.ensure_one()
        return self.env._(
            "%(item)s: %(open)s are %(worth)s at the rate of %(day)s (1 %(currency)s = %(rate)s %(into)s).",
            item=self.move_line_id.move_id.name, open=self.item_currency_id.format(self.item_residual),
            worth=self.currency_id.format(self.residual), day=format_date(self.env, self.proposal_id.date),
            currency=self.item_currency_id.name, into=self.currency_id.name,
            rate=f'{self.residual / self.item_residual:.6g}' if self.item_residual else "")
