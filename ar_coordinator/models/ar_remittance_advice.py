"""Remittance advices: what a customer says a payment is for, document by document, with deductions and their reasons.

They come as tables (CSV, XLSX), with a bank's file (camt, lockbox), or are entered by hand. One that is waiting for its
money explains the receipt to the engine (`ar.cash._get_advices`); one that needs a look does not.

    to check -> waiting -> used
                        -> cancelled
"""
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import float_is_zero

from .. import parsers
from ..engine.cash_references import digits_of, groups_of
from ..parsers import advice
from ..parsers.base import one_line
from . import ar_cash_file_texts as texts
from .ar_guard import of_customers, without_defaults

GUARDED_FIELDS = {'state', 'origin', 'file_id', 'statement_line_id', 'message', 'proposal_id', 'sender_known',
                  'confirmed_by_id'}
PIECE_LENGTH = 6  # digits that name a document without its letters


class ArRemittanceAdvice(models.Model):
    _name = 'ar.remittance.advice'
    _description = "Remittance Advice"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'date desc, id desc'
    _check_company_auto = True

    name = fields.Char(required=True, string="Payment Reference", default=lambda self: self.env._("Remittance advice"))
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index='btree_not_null', ondelete='restrict')
    date = fields.Date(string="Payment Date", required=True, default=lambda self: self.env.company._ar_today())
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, default=lambda self: self.env.company.currency_id)
    amount = fields.Monetary(string="Total", help="What the customer pays with it.")
    line_total = fields.Monetary(string="Sum of Documents", compute='_compute_totals')
    deduction_total = fields.Monetary(string="Deductions", compute='_compute_totals')
    unmatched_count = fields.Integer(string="Not Found", compute='_compute_totals')
    state = fields.Selection(
        selection=[
            ('check', "To Check"), ('open', "Waiting for the Money"), ('used', "Used"), ('cancelled', "Cancelled"),
        ], required=True, default='check', index=True, tracking=True)
    origin = fields.Selection(
        selection=[('hand', "By Hand"), ('upload', "Upload"), ('email', "E-mail"), ('bank', "Bank File")],
        required=True, default='hand')
    file_id = fields.Many2one(comodel_name='ar.cash.file', index='btree_not_null', ondelete='set null')
    sender_known = fields.Boolean()
    confirmed_by_id = fields.Many2one(
        comodel_name='res.users', string="Confirmed by", copy=False, index='btree_not_null', ondelete='set null')
    is_proven = fields.Boolean(
        string="Customer's Own Word", compute='_compute_is_proven',
        help="Not for e-mails, which can say anything about who sent them, unless somebody has confirmed this one, or"
             " your mail server vouches for its sender (see the settings). What is not proven explains a payment, and"
             " never applies it by itself.")
    statement_line_id = fields.Many2one(
        comodel_name='account.bank.statement.line', string="Bank Transaction", index='btree_not_null',
        ondelete='set null', help="The transaction it came with.")
    proposal_id = fields.Many2one(
        comodel_name='ar.cash.proposal', string="Used for", index='btree_not_null', ondelete='set null')
    message = fields.Text(string="What Is to Be Checked")
    line_ids = fields.One2many(
        comodel_name='ar.remittance.advice.line', inverse_name='advice_id', string="Documents", copy=True)

    # === COMPUTE METHODS === #

    @api.depends('line_ids.amount', 'line_ids.deduction', 'line_ids.move_line_id')
    def _compute_totals(self):
        for each in self:
            each.line_total = sum(each.line_ids.mapped('amount'))
            each.deduction_total = sum(each.line_ids.mapped('deduction'))
            each.unmatched_count = len(each.line_ids.filtered(lambda line: not line.move_line_id))

    @api.depends('origin', 'confirmed_by_id', 'file_id')
    def _compute_is_proven(self):
        for each in self:
            # sudo: whether the mail server vouched for the sender, for whoever reads the advice
            each.is_proven = each.origin != 'email' or each.confirmed_by_id or each.file_id.sudo().sender_verified

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(GUARDED_FIELDS.intersection(vals) for vals in vals_list):
            raise AccessError(self.env._("An advice is entered as to be checked; its buttons do the rest."))
        return super(ArRemittanceAdvice, without_defaults(self, GUARDED_FIELDS)).create(of_customers(
            self.env, vals_list))

    def write(self, vals):
        if not self.env.su:
            if GUARDED_FIELDS.intersection(vals):
                raise AccessError(self.env._("An advice is confirmed and cancelled by its buttons."))
            if any(each.state in ('used', 'cancelled') for each in self):
                raise UserError(self.env._("An advice that was used or cancelled stays as it is."))
            if vals.keys() & {'partner_id', 'company_id', 'currency_id', 'amount', 'line_ids'}:
                # sudo: what was changed is to be confirmed again; the change itself is made with the user's rights
                self.filtered(lambda each: each.state == 'open').sudo().state = 'check'
        if vals.get('partner_id'):
            vals = of_customers(self.env, [vals])[0]
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_by_hand_only(self):
        if not self.env.su and any(each.origin != 'hand' or each.state == 'used' for each in self):
            raise UserError(self.env._("What a customer or bank sent is kept: cancel the advice instead."))

    # === MADE OF FILES === #

    @api.model
    def _create_from_table(self, file, table):
        """Make an advice of a table; `table` as parsers.advice.read_table returns it."""
        currency = self.env['res.currency'].search([('name', '=', (table['currency'] or '').upper())], limit=1) \
            or file.company_id.currency_id
        lines = [{
            'sequence': row, 'number': line.number, 'date': line.date, 'amount': float(line.amount or 0),
            'deduction': float(line.deduction or 0), 'deduction_reason': line.reason or False,
        } for row, line in table['lines']]
        lines += [{
            'sequence': row, 'number': text, 'is_refused': True, 'reason': self.env._(
                "Row %(row)s, %(column)s: %(problem)s.", row=row, column=column,
                problem=self._word_cell_problem(code, params)),
        } for row, text, column, code, params in table['refused']]
        total = table['total'] if table['total'] is not None else sum(
            (line.amount or Decimal(0) for _row, line in table['lines']), Decimal(0))
        each = self.create({
            'name': table['reference'] or file.name, 'company_id': file.company_id.id, 'file_id': file.id,
            'origin': file.origin, 'partner_id': file.partner_id.id, 'sender_known': bool(file.partner_id),
            'date': table['payment_date'] or file.company_id._ar_today(), 'currency_id': currency.id,
            'amount': float(total), 'line_ids': [fields.Command.create(line) for line in lines]})
        each._match()
        each._judge()
        return each

    def _word_cell_problem(self, code, params):
        if code == 'missing_amount':
            return self.env._("the amount is missing")
        from ..wizards.ar_import_texts import PROBLEMS  # wizards are loaded after models
        return texts.sentence(self.env, PROBLEMS, code, params)

    @api.model
    def _create_from_lines(self, lines):
        """Make an advice of each bank line that names documents.

        :param lines: ar.cash.file.line, loaded
        """
        created = self.create([{
            'name': line.reference or line.text or line.file_id.name, 'company_id': line.company_id.id,
            'file_id': line.file_id.id, 'origin': 'bank', 'date': line.date, 'amount': line.amount,
            'currency_id': (line.journal_id.currency_id or line.company_id.currency_id).id, 'sender_known': True,
            'statement_line_id': line.statement_line_id.id,
            'line_ids': [fields.Command.create({
                'sequence': place, 'number': one_line(document['number'], 64), 'date': document['date'],
                'amount': float(document['amount'] or (line.amount if len(line.remitted) == 1 else 0)),
                'deduction': float(document['deduction'] or 0), 'deduction_reason': document['reason'] or False,
            }) for place, document in enumerate(line.remitted, 1)]} for line in lines])
        for each in created:
            each._match()
            each._judge()
        return created

    # === MATCHING === #

    def _match(self):
        """Look for the open items the lines name; write the item, or why there is none."""
        self.ensure_one()
        rows = self.env['ar.ledger'].open_items({'company_ids': self.company_id.ids})
        known = self._index(rows)
        family = self._get_family()
        left = {row['id']: row['residual_currency'] for row in rows}
        for line in self.line_ids.filtered(lambda each: not each.is_refused):
            found = {row['id']: row for key in self._keys_of(line.number) for row in known.get(key, ())}
            own = [row for row in found.values() if not family or row['partner_id'] in family.ids]
            line._take(own, bool(found), left)
        if not self.partner_id:
            owners = self.line_ids.move_line_id.partner_id.commercial_partner_id
            self.partner_id = owners if len(owners) == 1 else False
        self._explain_unmatched()

    def _get_family(self):
        """Return the customers whose documents the customer may pay: its own, its parents' and its subsidiaries'."""
        if not self.partner_id:
            return self.env['res.partner']
        head = self.partner_id
        while head.parent_id:
            head = head.parent_id
        return self.env['res.partner'].search([('id', 'child_of', head.id)]).commercial_partner_id

    def _index(self, rows):
        """Return {key: open items} by everything a document may be named with."""
        lines = self.env['account.move.line'].browse([row['id'] for row in rows])
        found = {}
        for row, line in zip(rows, lines, strict=True):
            move = line.move_id
            numbers = (move.name, move.payment_reference, move.ref)
            for key in {key for number in numbers for key in self._keys_of(number)}:
                found.setdefault(key, []).append(row)
        return found

    @staticmethod
    def _keys_of(number):
        """Return what a number is compared by: its groups, and its digits in one piece if they are enough."""
        groups = groups_of(number or '')
        if not any(group[0].isdigit() for group in groups):
            return []
        digits = digits_of(number)
        return [tuple(groups), *([digits] if len(digits) >= PIECE_LENGTH else [])]

    def _explain_unmatched(self):
        """Say of the documents that are not open whether they are settled or unknown; one query."""
        lines = self.line_ids.filtered(lambda line: not line.move_line_id and not line.reason)
        numbers = list(set(lines.mapped('number')))
        settled = self.env['account.move'].search_fetch([
            ('company_id', '=', self.company_id.id), ('state', '=', 'posted'),
            ('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt')),
            '|', ('name', 'in', numbers), ('payment_reference', 'in', numbers)], ['name', 'payment_reference'])
        known = set(settled.mapped('name')) | set(settled.mapped('payment_reference'))
        for line in lines:
            line.reason = texts.sentence(
                self.env, texts.ADVICE_REASONS, 'settled' if line.number in known else 'unknown')

    def _judge(self):
        """Decide whether the advice counts without a look, and say what is to be looked at if not."""
        self.ensure_one()
        messages = []
        if not self.partner_id:
            messages.append(self.env._("Whose advice is it? Choose the customer."))
        elif self.origin == 'email' and not self.sender_known:
            messages.append(self.env._(
                "The sender is not known as a contact of a customer: check who wrote before you confirm it."))
        if not self.line_ids:
            messages.append(self.env._("It names no document."))
        wrong = self.line_ids.filtered(lambda line: line.reason or not line.move_line_id)
        if wrong:
            messages.append(self.env._("Documents that need a look, see the reasons: %s.", len(wrong)))
        if not float_is_zero(self.amount - self.line_total, precision_rounding=self.currency_id.rounding):
            messages.append(self.env._(
                "The documents add up to %(found)s, the total is %(total)s.",
                found=self.currency_id.format(self.line_total), total=self.currency_id.format(self.amount)))
        self.write({'message': "\n".join(messages), 'state': 'check' if messages else 'open'})

    # === ACTIONS === #

    def action_match(self):
        """Look for the items of the documents again, after numbers or the customer were corrected."""
        self._check_clerk()
        for each in self:
            if each.state not in ('check', 'open'):
                raise UserError(self.env._("%s was used or cancelled.", each.name))
            each.line_ids.filtered(lambda line: not line.is_refused and not line.is_chosen).write(
                {'move_line_id': False, 'reason': False})
            advice_su = each.sudo()  # sudo: guarded fields and the ledger; role and access were checked
            advice_su._match()
            advice_su._judge()
        return True

    def action_confirm(self):
        """Let the advice explain the money when it comes, although something about it was to be looked at.

        One that came by e-mail counts as the customer's own word from then on.

        :raise UserError: when nothing in it can explain money: no customer, no item
        """
        self._check_clerk()
        for each in self:
            if each.state != 'check' and (each.state != 'open' or each.is_proven):
                raise UserError(self.env._("%s is not to be checked.", each.name))
            if not each.partner_id:
                raise UserError(self.env._("%s: choose the customer first.", each.name))
            if not each.line_ids.move_line_id:
                raise UserError(self.env._("%s: none of its documents is an open item.", each.name))
        # sudo: guarded fields, role and access were checked
        self.sudo().write({'state': 'open', 'message': False, 'confirmed_by_id': self.env.uid})
        return True

    def action_cancel(self):
        """The advice explains nothing (any more); it is kept."""
        self._check_clerk()
        if any(each.state == 'used' for each in self):
            raise UserError(self.env._("An advice that was used is not cancelled: undo the application first."))
        self.sudo().state = 'cancelled'  # sudo: as above

    def action_reopen(self):
        """Take a cancelled advice back."""
        self._check_clerk()
        self.filtered(lambda each: each.state == 'cancelled').sudo().state = 'check'  # sudo: as above

    def action_view_file(self):
        """Open the file the advice came with."""
        self.ensure_one()
        return self.file_id.get_formview_action()

    def _check_clerk(self):
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Remittance advices are checked by a Receivables: User."))
        self.check_access('write')


class ArRemittanceAdviceLine(models.Model):
    _name = 'ar.remittance.advice.line'
    _description = "Document of a Remittance Advice"
    _inherit = ['ar.guard']
    _order = 'sequence, id'
    _rec_name = 'number'
    _check_company_auto = True

    advice_id = fields.Many2one(comodel_name='ar.remittance.advice', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='advice_id.company_id', store=True, precompute=True)
    currency_id = fields.Many2one(related='advice_id.currency_id')
    sequence = fields.Integer(default=10)
    number = fields.Char(string="Document", required=True, help="As the customer wrote it.")
    date = fields.Date(string="Document Date")
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", index='btree_not_null', ondelete='set null',
        check_company=True,
        domain="[('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'), "
               "('reconciled', '=', False), ('company_id', '=', company_id), ('currency_id', '=', currency_id)]")
    is_chosen = fields.Boolean(help="A user chose the item.")
    open_amount = fields.Monetary(string="Open", compute='_compute_open_amount')
    amount = fields.Monetary(string="Pays")
    deduction = fields.Monetary()
    deduction_reason = fields.Char(string="Reason of Deduction")
    reason = fields.Char(string="To Look At", help="Why no item was found, or what is odd about it.")
    is_refused = fields.Boolean(string="Could Not Be Read")

    @api.constrains('move_line_id')
    def _check_item(self):
        for line in self.filtered('move_line_id'):
            item = line.move_line_id
            if item.account_type != 'asset_receivable' or item.currency_id != line.advice_id.currency_id:
                raise ValidationError(self.env._(
                    "%(item)s is no receivable in %(currency)s: it can't be paid by %(advice)s.",
                    item=item.display_name, currency=line.advice_id.currency_id.name, advice=line.advice_id.name))

    @api.depends('move_line_id.amount_residual_currency')
    def _compute_open_amount(self):
        for line in self:
            line.open_amount = line.move_line_id.amount_residual_currency

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._check_open()
        return lines

    def write(self, vals):
        self._check_open()
        if not self.env.su:
            if vals.get('move_line_id'):
                vals = {**vals, 'is_chosen': True, 'reason': False}
            if {'number', 'amount'} & vals.keys():
                vals = {**vals, 'is_refused': False}
            # sudo: what was changed is to be confirmed again; the change itself is made with the user's rights
            self.advice_id.filtered(lambda each: each.state == 'open').sudo().state = 'check'
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_open(self):
        self._check_open()

    def _check_open(self):
        if not self.env.su and any(each.state in ('used', 'cancelled') for each in self.advice_id):
            raise UserError(self.env._("An advice that was used or cancelled stays as it is."))

    def _take(self, rows, is_known, left):
        """Take the open item among the candidates; several items of one document are paid in their order.

        :param rows: of ar.ledger.open_items, the customer's
        :param bool is_known: whether anybody has such a document
        :param dict left: {item: what is not spoken for by other lines}
        """
        self.ensure_one()
        currency = self.advice_id.currency_id
        same = [row for row in rows if row['currency_id'] == currency.id and not row['draft_matched']]
        code, params = None, {}
        if not rows:
            code = 'other' if is_known else None  # else `_explain_unmatched` knows more
        elif not same:
            code, params = 'currency', {'currency': self.env['res.currency'].browse(rows[0]['currency_id']).name}
        elif len({row['move_id'] for row in same}) > 1:
            code = 'several'
        if code:
            self.reason = texts.sentence(self.env, texts.ADVICE_REASONS, code, params)
        elif same:
            self._spread(same, left)

    def _spread(self, rows, left):
        """Put the amount on the document's items, the one due first before the others."""
        currency = self.advice_id.currency_id
        to_clear = self.amount + self.deduction
        open_sum = sum(left[row['id']] for row in rows)
        rows = sorted(rows, key=lambda row: (row['date_maturity'] or row['date'], row['id']))
        sign = 1 if to_clear >= 0 else -1
        reason = False
        if currency.compare_amounts(sign * to_clear, sign * open_sum) > 0:
            reason = texts.sentence(
                self.env, texts.ADVICE_REASONS, 'less_open', {'open': currency.format(open_sum)})
        line, rest, deduction = self, self.amount, self.deduction
        for place, row in enumerate(rows):
            part = rest
            if place < len(rows) - 1:
                part = sign * min(sign * rest, sign * (left[row['id']] - deduction))
            values = {
                'move_line_id': row['id'], 'amount': currency.round(part), 'deduction': deduction, 'reason': reason}
            if line:
                line.write(values)
            else:
                self.copy({**values, 'deduction_reason': False, 'advice_id': self.advice_id.id})
            left[row['id']] -= part + deduction
            rest, deduction, line = currency.round(rest - part), 0, None
            if currency.is_zero(rest):
                break


class ArCashFile(models.Model):
    _inherit = 'ar.cash.file'

    column_ids = fields.One2many(related='preset_id.column_ids', readonly=False)
    date_order = fields.Selection(related='preset_id.date_order', readonly=False)
    decimal_mark = fields.Selection(related='preset_id.decimal_mark', readonly=False)

    def _read_table(self, data):
        """Make an advice of a table, or ask what its columns mean.

        :raise parsers.Unreadable: when the table cannot be read
        """
        self.ensure_one()
        presets = self.env['ar.remittance.preset']
        source = advice.open_table(data, delimiter=self.preset_id.delimiter or None)
        if len([header for header in source.headers if header]) < 2:
            raise parsers.Unreadable('unknown')
        preset = self.preset_id or presets._recognise(source.headers, self.company_id, self.partner_id) \
            or presets._make(self.name, source, self.company_id, self.partner_id)
        columns = preset._match_columns(source.headers)
        self.write({'preset_id': preset.id, 'state': 'check'})
        if 'number' not in columns or not {'amount', 'gross'} & columns.keys():
            self.message = self.env._(
                "Say below which columns have the document number and the amount, then read the file again. It is "
                "remembered for the next one.")
            return
        table = advice.read_table(source, columns, preset.date_order, preset.decimal_mark)
        if table['question']:
            self.message = {
                'amounts': self.env._(
                    "Amounts like 1,234 can be read in two ways: say below how they are written, then read the "
                    "file again."),
                'dates': self.env._(
                    "The dates can be read in more than one way: say below how they are written, then read the "
                    "file again.")}[table['question']]
            return
        made = self.env['ar.remittance.advice']._create_from_table(self, table)
        if made.partner_id and not preset.partner_id and self.origin == 'upload':
            preset.partner_id = made.partner_id
        self.write({'state': 'done', 'partner_id': made.partner_id.id, 'message': made.message})
