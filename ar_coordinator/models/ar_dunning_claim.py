"""Late-payment interest in dunning letters: what is claimed for each item, frozen with the letter; how it is waived.

Everything dunning knows of interest is here; without a level that claims it nothing of this does anything. The claim
is stated in the letter and not booked. Each letter states all that has accrued up to its day, so that a later letter's
claim takes the place of the earlier one's and does not come on top.
"""
from collections import defaultdict
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date, formatLang

from ..engine import interest

INVOICE_TYPES = ('out_invoice', 'out_receipt')
CREDITED_STATES = ('accepted', 'partly_accepted', 'closed')  # disputes that end with a credit note


def to_decimal(amount, digits):
    """Return an amount of the ORM as Decimal with `digits` places."""
    return Decimal(f'{amount:.{digits}f}')


class ArDunningLevel(models.Model):
    _inherit = 'ar.dunning.level'

    claim_interest = fields.Boolean(
        help="The letter claims late-payment interest and compensation for its items at this level, "
             "under the law set for the company.")


class ArDunningLetterLine(models.Model):
    _inherit = 'ar.dunning.letter.line'

    amount_interest = fields.Monetary(string="Interest", readonly=True)
    amount_compensation = fields.Monetary(string="Compensation", readonly=True)
    interest_working = fields.Json(
        readonly=True,
        help="Rows (date_from, date_to, days, base, rate, interest unrounded, shown) and the compensation as the law "
             "has it.")


    def _prepare_interest(self, rows):
        """Return the values that freeze an item's working; rows are shown so that they add up to the claim."""
        digits = self.currency_id.decimal_places
        step = round(self.currency_id.rounding * 10 ** digits)
        shown = interest.round_rows([row.interest for row in rows], digits, step)
        return {
            'amount_interest': float(sum(shown)),
            'amount_compensation': 0.0,
            'interest_working': {'rows': [{
                'date_from': row.date_from.isoformat(), 'date_to': row.date_to.isoformat(), 'days': row.days,
                'base': float(row.base), 'rate': float(row.rate), 'interest': float(row.interest), 'shown': float(part),
            } for row, part in zip(rows, shown, strict=True)]},
        }

    def _add_compensation(self, claim, scheme, currency, debt):
        """Add the fixed compensation to an item's claim, converted at the rate of the letter's day.

        :param dict claim: what `_prepare_interest` returned
        :param currency: of the compensation by law
        :param float debt: what the invoice owed when interest began to run, in the letter's currency
        """
        letter = self.letter_id
        by_law = float(interest.compensation(scheme, to_decimal(
            self.currency_id._convert(debt, currency, letter.company_id, letter.date), currency.decimal_places)))
        claim['amount_compensation'] = currency._convert(by_law, self.currency_id, letter.company_id, letter.date)
        claim['interest_working']['compensation'] = {'amount': by_law, 'currency': currency.name}


class ArDunningOutcome(models.Model):
    _inherit = 'ar.dunning.outcome'

    amount_interest = fields.Monetary(string="Interest", readonly=True)
    amount_compensation = fields.Monetary(string="Compensation", readonly=True)


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    waiver_ids = fields.One2many(
        comodel_name='ar.interest.waiver', inverse_name='run_id', string="Waived Interest", readonly=True)

    def _write_preview(self, decisions):
        """Override: letters come with their claims."""
        letters = super()._write_preview(decisions)
        letters._set_claims()
        return letters

    def _gate(self, letters):
        """Override: what is claimed follows from the facts the gate has read."""
        leaving = super()._gate(letters)
        letters._set_claims()
        return leaving


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    amount_interest = fields.Monetary(string="Interest", readonly=True)
    amount_compensation = fields.Monetary(string="Compensation", readonly=True)
    amount_claim = fields.Monetary(
        string="Late-Payment Claim", readonly=True, help="Interest and compensation, on top of the amount asked.")
    claim_scheme = fields.Selection(
        selection=[('eu', "EU: directive 2011/7/EU"), ('uk', "UK: Late Payment Act 1998")], readonly=True)
    claim_note = fields.Char(
        string="No Claim Because", readonly=True, help="Why the letter claims less than its level is set to.")

    # === ACTION METHODS === #

    def action_waive_claim(self):
        """Ask for the reason, then take the claim out of the draft letter.

        :raise AccessError: unless the user is a manager
        """
        self._check_may_waive()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Waive Interest"),
            'res_model': 'ar.interest.waive.wizard',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_letter_ids': [fields.Command.set(self.ids)]},
        }

    def waive_claim(self, reason):
        """Take the claim out of draft letters; the letters themselves stay.

        :param str reason: why, kept with the letter's history
        :raise AccessError: unless the user is a manager and may see the letters
        :raise UserError: without a reason, or for a letter that is no draft or claims nothing
        """
        self._check_may_waive()
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why the interest is waived: the reason is kept with the letter."))
        letters = self.sudo()  # sudo: letters are read-only to users; role and company (read access) were checked
        locked = letters.try_lock_for_update(allow_referencing=True)
        letters.invalidate_recordset(['state', 'amount_claim'])
        for letter in letters:
            if letter not in locked or letter.state != 'draft':
                raise UserError(self.env._("%s has left already: its claim cannot be waived any more.", letter.name))
            if not letter.amount_claim:
                raise UserError(self.env._("%s claims no interest.", letter.name))
        self.env['ar.interest.waiver'].sudo().create([{  # sudo: as above
            'run_id': letter.run_id.id, 'partner_id': letter.partner_id.id, 'currency_id': letter.currency_id.id,
            'amount': letter.amount_claim, 'reason': reason, 'user_id': self.env.uid} for letter in letters])
        for letter in letters:
            amount = letter.currency_id.format(letter.amount_claim)
            letter.message_post(body=self.env._(
                "Late-payment claim of %(amount)s waived: %(reason)s", amount=amount, reason=reason))
            letter.run_id.message_post(body=self.env._(
                "%(letter)s: late-payment claim of %(amount)s waived: %(reason)s",
                letter=letter.name, amount=amount, reason=reason))
        letters._set_claims()

    def _check_may_waive(self):
        """:raise AccessError: unless the user is a manager and may see the letters."""
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Interest is waived by a Receivables: Manager."))

    # === RENDERING === #

    def _format_number(self, number, digits=2):
        """Format a number in the recipient's language."""
        return formatLang(self._localized().env, number, digits=digits)

    def _get_amount_to_pay(self):
        """Return what the letter asks for, its claim included, formatted. For mail templates."""
        return self._format_amount(self.amount_total + self.amount_claim)

    def _get_claim_rows(self):
        """Return the working for the letter: list of dict with number, date_from, date_to, days, base, rate, interest,
        formatted in the recipient's language.
        """
        return [{
            'number': line.name,
            'date_from': self._format_date(fields.Date.to_date(row['date_from'])),
            'date_to': self._format_date(fields.Date.to_date(row['date_to'])),
            'days': row['days'],
            'base': self._format_amount(row['base']),
            'rate': self._format_number(row['rate'], 2 if round(row['rate'], 2) == row['rate'] else 3),
            'interest': self._format_amount(row['shown']),
        } for line in self.line_ids for row in (line.interest_working or {}).get('rows', ())]

    def _get_claim_compensations(self):
        """Return the compensations for the letter: list of dict with number, amount, and `original` where converted."""
        compensations = []
        for line in self.line_ids.filtered('amount_compensation'):
            by_law = line.interest_working['compensation']
            original = f"{by_law['currency']} {self._format_number(by_law['amount'])}"
            compensations.append({
                'number': line.name, 'amount': self._format_amount(line.amount_compensation),
                'original': original if by_law['currency'] != self.currency_id.name else None})
        return compensations

    # === BUSINESS METHODS === #

    def _set_claims(self):
        """Work out and store what draft letters of one company claim; those with nothing to claim end up without.

        A constant number of queries for any number of letters.
        """
        letters = self.filtered(lambda letter: letter.state in ('draft', 'cancelled'))
        claiming = letters.filtered(lambda letter: any(letter.line_ids.level_id.mapped('claim_interest')))
        stale = letters.filtered('amount_claim') - claiming
        if not claiming and not stale:
            return
        notes, lines = claiming._split_claimable()
        claims = self._work_out(lines, notes) if lines else {}
        for line in (claiming + stale).line_ids:
            line.write(claims.get(line.id) or {
                'amount_interest': 0, 'amount_compensation': 0, 'interest_working': False})
        quiet = self.with_context(tracking_disable=True)
        for letter in quiet.browse((claiming + stale).ids):
            total_interest = sum(letter.line_ids.mapped('amount_interest'))
            total_compensation = sum(letter.line_ids.mapped('amount_compensation'))
            total = letter.currency_id.round(total_interest + total_compensation)
            letter.write({
                'amount_interest': total_interest, 'amount_compensation': total_compensation, 'amount_claim': total,
                'claim_scheme': letter.company_id.ar_interest_scheme if total else False,
                'claim_note': notes.get(letter.id, False)})
        self._set_claims_of_outcomes(claiming + stale)
        (claiming + stale).invalidate_recordset(['message'])

    @api.model
    def _set_claims_of_outcomes(self, letters):
        """Give the outcomes of the letters what their lines claim."""
        by_item = {(line.letter_id.id, line.move_line_id.id): line for line in letters.line_ids}
        for outcome in self.env['ar.dunning.outcome'].search([('letter_id', 'in', letters.ids)]):
            line = by_item.get((outcome.letter_id.id, outcome.move_line_id.id), self.env['ar.dunning.letter.line'])
            amounts = {'amount_interest': line.amount_interest, 'amount_compensation': line.amount_compensation}
            if any(outcome[name] != amount for name, amount in amounts.items()):
                outcome.write(amounts)

    def _split_claimable(self):
        """Return ({letter id: why it claims nothing}, the lines to work out).

        The law is for dealings between businesses: private customers are left alone, and so are entries that are no
        invoices.
        """
        notes, lines = {}, self.env['ar.dunning.letter.line']
        waivers = {
            (waiver.run_id, waiver.partner_id, waiver.currency_id): waiver
            for waiver in self.env['ar.interest.waiver'].search([('run_id', 'in', self.run_id.ids)])}
        claimable = []
        for letter in self:
            if waiver := waivers.get((letter.run_id, letter.partner_id, letter.currency_id)):
                notes[letter.id] = self.env._(
                    "Waived by %(user)s: %(reason)s", user=waiver.user_id.name, reason=waiver.reason)
            elif letter.company_id.ar_interest_scheme == 'none':
                notes[letter.id] = self.env._(
                    "%s has no law set for late-payment interest (Settings, Receivables).", letter.company_id.name)
            elif not letter.partner_id.is_company and not letter.partner_id.vat:
                notes[letter.id] = self.env._(
                    "%s is a private person; the law is for dealings between businesses.", letter.partner_id.name)
            else:
                claimable += [
                    line.id for line in letter.line_ids
                    if line.level_id.claim_interest and line.move_id.move_type in INVOICE_TYPES]
        return notes, lines.browse(claimable)

    def _work_out(self, lines, notes):
        """Return {line id: values to write}; add to `notes` {letter id: text} what is missing from a letter's claim."""
        company = lines.company_id.ensure_one()
        scheme = company.ar_interest_scheme
        terms = interest.Terms(
            scheme, Decimal(f'{company.ar_interest_points:.3f}'),
            self.env['ar.interest.rate']._get_rates(company, scheme))
        law_currency = self.env['res.currency'].with_context(active_test=False).search(
            [('name', '=', interest.CURRENCIES[scheme])])
        debts, disputes = self._get_claim_facts(lines)
        claims = {}
        for (letter, move), own in lines.grouped(lambda line: (line.letter_id, line.move_id)).items():
            try:
                working = interest.work_out(debts[move.id], disputes[move.id], letter.date, terms)
            except interest.MissingRate as error:
                notes[letter.id] = self.env._(
                    "There is no reference rate for the half-year from %(day)s: add it in Interest Rates and preview "
                    "again.", day=format_date(self.env, error.date_from))
                continue
            late = own.filtered(lambda line, working=working: working.get(line.move_line_id.id))
            for line in late:
                claims[line.id] = line._prepare_interest(working[line.move_line_id.id])
            if not late or not company.ar_interest_compensation:
                continue
            if letter._can_convert(law_currency):
                debt = float(sum(working[line.move_line_id.id][0].base for line in late))
                late[0]._add_compensation(claims[late[0].id], scheme, law_currency, debt)
            else:
                notes[letter.id] = self.env._(
                    "The compensation is not claimed: there is no exchange rate between %(law)s and %(currency)s.",
                    law=law_currency.name or interest.CURRENCIES[scheme], currency=letter.currency_id.name)
        return claims

    def _can_convert(self, currency):
        """Return whether there are exchange rates between the letter's currency and another."""
        company = self.company_id.root_id
        return bool(currency) and (currency == self.currency_id or all(
            one == company.currency_id or any((rate.company_id or company) == company for rate in one.rate_ids)
            for one in currency + self.currency_id))

    @api.model
    def _get_claim_facts(self, lines):
        """Return ({invoice id: engine debts of all its instalments}, {invoice id: engine disputes}) for letter lines.

        Unmatched credit that reduces what is asked for an item counts from the beginning, like a credit note. A dispute
        counts in full for as long as it is open, also when it was accepted in part, less what was credited for it.
        """
        items = self.env['account.move.line'].search_fetch(
            [('move_id', 'in', lines.move_id.ids), ('account_type', '=', 'asset_receivable'),
             ('amount_currency', '>', 0)],
            ['move_id', 'amount_currency', 'date_maturity', 'invoice_date', 'date', 'currency_id'])
        payments = self.env['ar.ledger'].payments_of(items.ids)
        credit = {line.move_line_id.id: line.amount_credit for line in lines if line.amount_credit}
        debts, credited = defaultdict(list), defaultdict(Decimal)
        for item in items:
            digits = item.currency_id.decimal_places
            paid = []
            for payment in payments.get(item.id, ()):
                is_credit_note = payment['move_type'] == 'out_refund'
                amount = to_decimal(payment['amount'], digits)
                paid.append((None if is_credit_note else payment['date'], amount))
                credited[item.move_id.id] += amount if is_credit_note else 0
            if item.id in credit:
                paid.append((None, to_decimal(credit[item.id], digits)))
            debts[item.move_id.id].append(interest.Debt(
                item.id, to_decimal(item.amount_currency, digits),
                item.date_maturity or item.invoice_date or item.date, tuple(paid)))
        disputes = defaultdict(list)
        for dispute in self.env['ar.dispute'].search([('move_id', 'in', lines.move_id.ids)], order='date_open, id'):
            amount, move_id = to_decimal(dispute.amount, dispute.currency_id.decimal_places), dispute.move_id.id
            if dispute.state in CREDITED_STATES:
                settled = min(amount, credited[move_id])
                credited[move_id] -= settled
                amount -= settled
            disputes[move_id].append(interest.Dispute(amount, dispute.date_held, dispute.date_closed or None))
        earlier = self.env['ar.dispute.period'].search([('move_id', 'in', lines.move_id.ids)], order='date_held, id')
        for period in earlier:
            disputes[period.move_id.id].append(interest.Dispute(
                to_decimal(period.amount, period.currency_id.decimal_places), period.date_held, period.date_closed))
        return debts, disputes
