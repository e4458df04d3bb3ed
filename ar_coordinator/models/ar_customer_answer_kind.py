"""The kinds of answers: what a customer may answer (the company's limits), and what each answer makes.

`_check_<kind>` says no in words a customer understands, and returns the values of the answer with `amounts`, {item id:
amount}. `_apply_<kind>` does what follows. Both are called by `ar.customer.answer._record` only.
"""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.mail import email_normalize
from odoo.tools.mimetypes import guess_mimetype

MAX_FILES = 5
MAX_FILE_SIZE = 5 * 1024 * 1024  # bytes
MAX_TEXT = 2000  # characters
FILE_TYPES = {
    'application/pdf': ('pdf',), 'image/png': ('png',), 'image/jpeg': ('jpg', 'jpeg'),
}  # what a file's first bytes say: the names it may have
PAID_DAYS_BACK = 365


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_answer_promise_days = fields.Integer(
        string="Longest Promise (Days)", default=14,
        help="Customers can promise a payment by themselves up to so many days ahead. 0: no promises.")
    ar_answer_dispute_percent = fields.Integer(
        string="Largest Dispute (%)", default=100,
        help="Customers can dispute this part of an invoice by themselves; for more they are asked to talk to us. "
             "0: no disputes.")
    ar_answer_plans = fields.Boolean(
        string="Payment Plans", default=True, help="Customers can ask for a payment plan.")
    ar_answer_plan_count = fields.Integer(
        string="Most Instalments", default=6, help="Customers can ask for so many instalments at most.")
    ar_answer_paid_days = fields.Integer(
        string="Wait for a Payment (Days)", default=7,
        help="Items a customer says he has paid are left alone for so many days, unless the payment arrives before.")

    @api.constrains(
        'ar_answer_promise_days', 'ar_answer_dispute_percent', 'ar_answer_plan_count', 'ar_answer_paid_days')
    def _check_ar_answer_limits(self):
        for company in self:
            if not 0 <= company.ar_answer_promise_days <= 365:
                raise ValidationError(self.env._(
                    "%s: the longest promise is between 0 and 365 days.", company.name))
            if not 0 <= company.ar_answer_dispute_percent <= 100:
                raise ValidationError(self.env._(
                    "%s: the largest dispute is between 0 and 100 %% of an invoice.", company.name))
            if not 2 <= company.ar_answer_plan_count <= 36:
                raise ValidationError(self.env._("%s: a plan has between 2 and 36 instalments.", company.name))
            if not 1 <= company.ar_answer_paid_days <= 60:
                raise ValidationError(self.env._(
                    "%s: a payment is waited for between 1 and 60 days.", company.name))


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_answer_promise_days = fields.Integer(related='company_id.ar_answer_promise_days', readonly=False)
    ar_answer_dispute_percent = fields.Integer(related='company_id.ar_answer_dispute_percent', readonly=False)
    ar_answer_plans = fields.Boolean(related='company_id.ar_answer_plans', readonly=False)
    ar_answer_plan_count = fields.Integer(related='company_id.ar_answer_plan_count', readonly=False)
    ar_answer_paid_days = fields.Integer(related='company_id.ar_answer_paid_days', readonly=False)


class ArCustomerAnswer(models.Model):
    _inherit = 'ar.customer.answer'

    # === FACTS === #

    @api.model
    def _get_facts(self, items, company, customer):
        """Return what is open on items today, by the ledger.

        :return: {item id: {open, disputed, to_pay, is_promised}} in the items' currency; an item that is settled has 0
            throughout; is_promised: there is an open promise or plan
        """
        rows = {row['id']: row for row in self.env['ar.ledger'].open_items({
            'company_ids': company.ids, 'partner_ids': customer.ids})} if items else {}
        promised, _moves = self.env['ar.promise']._get_waiting(company, items.ids, [])
        facts = {}
        for item in items:
            row = rows.get(item.id)
            # what is matched with a draft is on its way to be settled: nobody is asked for it
            still_open = max(0.0, min(row['residual_currency'], item.amount_residual_currency)) if row else 0.0
            disputed = min(row['disputed_currency'], still_open) if row else 0.0
            facts[item.id] = {
                'open': still_open, 'disputed': disputed,
                'to_pay': item.currency_id.round(still_open - disputed), 'is_promised': item.id in promised}
        return facts

    @api.model
    def _is_offered(self, kind, company):
        """Return whether customers of this company can answer in this way."""
        if kind == 'promise':
            return company.ar_answer_promise_days > 0
        if kind == 'dispute':
            return company.ar_answer_dispute_percent > 0
        if kind == 'plan':
            return company.ar_answer_plans
        return True

    @api.model
    def _check_offered(self, kind, company):
        """:raise UserError: for a kind of answer the company does not want."""
        if kind not in dict(self._fields['kind'].selection):
            raise UserError(self.env._("This cannot be answered here."))
        if not self._is_offered(kind, company):
            raise UserError(self.env._("This cannot be answered online. %s", self._say_whom_to_talk_to(company)))

    @api.model
    def _say_whom_to_talk_to(self, company):
        """Return how to reach us, for answers that are above a limit."""
        ways = [way for way in (company.phone, company.email) if way]
        if not ways:
            return self.env._("Please talk to us: %s.", company.name)
        return self.env._("Please talk to us: %(company)s, %(ways)s.", company=company.name, ways=", ".join(ways))

    # === CHECKS === #

    @api.model
    def _check_open(self, items, facts, key='to_pay'):
        """Return the items that have something open.

        :raise UserError: when none has
        """
        open_items = items.filtered(lambda item: item.currency_id.compare_amounts(facts[item.id][key], 0) > 0)
        if not open_items:
            raise UserError(self.env._(
                "%s: nothing is open any more. Thank you.", ", ".join(items.move_id.mapped('name'))))
        return open_items

    @api.model
    def _check_not_promised(self, items, facts, company):
        """:raise UserError: for items somebody has promised to pay, or that are in a plan, already"""
        if promised := items.filtered(lambda item: facts[item.id]['is_promised']):
            raise UserError(self.env._(
                "%(invoices)s: a payment is promised already. To change it: %(talk)s",
                invoices=", ".join(promised.move_id.mapped('name')), talk=self._say_whom_to_talk_to(company)))

    @api.model
    def _check_not_rejected(self, items, company):
        """:raise UserError: for invoices with a rejected dispute: the next one is talked about, not clicked"""
        rejected = self.env['ar.dispute'].search(
            [('move_id', 'in', items.move_id.ids), ('state', '=', 'rejected')], limit=1)
        if rejected:
            raise UserError(self.env._(
                "%(invoice)s: we have answered a dispute about this invoice before. %(talk)s",
                invoice=rejected.move_id.name, talk=self._say_whom_to_talk_to(company)))

    @api.model
    def _check_not_missed(self, items, company):
        """:raise UserError: for items of a payment we were told of and that never came"""
        missed = self.env['ar.customer.answer.line'].search([
            ('move_line_id', 'in', items.ids), ('kind', '=', 'paid'), ('answer_id.not_found', '=', True)], limit=1)
        if missed:
            raise UserError(self.env._(
                "%(invoice)s: we could not find the payment you told us of on %(day)s. %(talk)s",
                invoice=missed.move_id.name, day=self._format_date(missed.answer_id.create_date),
                talk=self._say_whom_to_talk_to(company)))

    @api.model
    def _check_text(self, values, *names):
        """Strip texts and cut them to a sensible length."""
        for name in ('note', *names):
            values[name] = (values.get(name) or '').strip()[:MAX_TEXT if name == 'note' else 200]

    @api.model
    def _check_promise(self, items, facts, values, company):
        """A promise: a date between today and the company's longest, amounts up to what is open and undisputed."""
        self._check_text(values)
        open_items = self._check_open(items, facts)
        self._check_not_promised(open_items, facts, company)
        today = company._ar_today()
        last = today + timedelta(days=company.ar_answer_promise_days)
        if values['date'] < today:
            raise UserError(self.env._("The day you will pay by cannot be in the past."))
        if values['date'] > last:
            raise UserError(self.env._(
                "You can promise a payment until %(day)s here. For a later day: %(talk)s",
                day=self._format_date(last), talk=self._say_whom_to_talk_to(company)))
        amounts = values.get('amounts')
        if amounts is None:
            amounts = {item.id: facts[item.id]['to_pay'] for item in open_items}
            if values.get('amount'):
                amounts = self._spread(values['amount'], open_items, facts)
        for item in items:
            if item.currency_id.compare_amounts(amounts.get(item.id, 0), facts[item.id]['to_pay']) > 0:
                raise UserError(self.env._(
                    "%(invoice)s: %(amount)s is open, you cannot promise more.", invoice=item.move_id.name,
                    amount=item.currency_id.format(facts[item.id]['to_pay'])))
        values['amounts'] = {item_id: amount for item_id, amount in amounts.items() if amount > 0}
        values.pop('amount', None)
        return values

    @api.model
    def _spread(self, amount, items, facts):
        """Return {item id: part of `amount`}, oldest items first.

        :raise UserError: when it is more than what is open
        """
        left, amounts = amount, {}
        for item in items.sorted(lambda item: (item.date_maturity or item.date, item.id)):
            part = min(left, facts[item.id]['to_pay'])
            if item.currency_id.compare_amounts(part, 0) > 0:
                amounts[item.id] = item.currency_id.round(part)
            left -= part
        if items.currency_id.compare_amounts(left, 0) > 0:
            raise UserError(self.env._(
                "%s is open on these items, you cannot promise more.",
                items.currency_id.format(sum(facts[item.id]['to_pay'] for item in items))))
        return amounts

    @api.model
    def _check_dispute(self, items, facts, values, company):
        """A dispute: a reason, the part within what is undisputed and within the company's limit, decent files."""
        self._check_text(values)
        self._check_open(items, facts)
        self._check_not_rejected(items, company)
        if not values.get('reason'):
            raise UserError(self.env._("Please choose what is wrong."))
        values['attachments'] = self._check_files(values.get('attachments') or [])
        wanted = self._get_disputed_amounts(items, facts, values)
        for move, own in items.grouped('move_id').items():
            undisputed = sum(facts[item.id]['to_pay'] for item in own)
            disputed = sum(facts[item.id]['disputed'] for item in own)
            amount = wanted[move.id]
            if move.currency_id.compare_amounts(amount, undisputed) > 0:
                raise UserError(self.env._(
                    "%(invoice)s: %(amount)s is open and not disputed yet, you cannot dispute more.",
                    invoice=move.name, amount=move.currency_id.format(undisputed)))
            limit = move.currency_id.round(move.amount_total * company.ar_answer_dispute_percent / 100)
            if company.ar_answer_dispute_percent < 100 and move.currency_id.compare_amounts(
                    amount + disputed, limit) > 0:
                raise UserError(self.env._(
                    "%(invoice)s: up to %(amount)s can be disputed here. For more: %(talk)s", invoice=move.name,
                    amount=move.currency_id.format(limit), talk=self._say_whom_to_talk_to(company)))
        values['by_move'] = wanted
        values['amounts'] = {}
        for move, own in items.grouped('move_id').items():
            left = wanted[move.id]
            for item in own.sorted(lambda item: (item.date_maturity or item.date, item.id)):
                part = min(left, facts[item.id]['to_pay'])
                values['amounts'][item.id] = move.currency_id.round(part)
                left -= part
        values.pop('amount', None)
        values['reason_id'] = values['reason'].id
        return values

    @api.model
    def _get_disputed_amounts(self, items, facts, values):
        """Return {invoice id: disputed amount}: the whole, an amount, or that of lines with quantities."""
        moves = items.move_id
        if values.get('amount') is None and values.get('lines') is None:
            return {move.id: sum(facts[item.id]['to_pay'] for item in own)
                    for move, own in items.grouped('move_id').items()}
        if len(moves) != 1:
            raise UserError(self.env._("Please dispute parts of one invoice at a time."))
        if values.get('lines') is None:
            return {moves.id: moves.currency_id.round(values['amount'])}
        if not values['lines']:
            raise UserError(self.env._("Please tick at least one line of the invoice."))
        quantities = {}
        own = moves.invoice_line_ids.filtered(lambda line: line.display_type == 'product').grouped('id')
        for line_id, quantity in values['lines'].items():
            line = own.get(line_id)
            if not line or not 0 < quantity <= line.quantity:
                raise UserError(self.env._(
                    "%s: the disputed quantity of a line is above zero and at most what was invoiced.", moves.name))
            quantities[line] = quantity
        # as the dispute will have it: shares of rounded totals would be a cent off where taxes are rounded per invoice
        amounts = self.env['ar.dispute.line']._compute_tax_included(quantities)
        return {moves.id: moves.currency_id.round(sum(amounts.values()))}

    @api.model
    def _check_files(self, attachments):
        """Return the files, with harmless names.

        :param attachments: list of (name, bytes)
        :raise UserError: for too many, too big ones, and types other than PDF, PNG and JPEG
        """
        if len(attachments) > MAX_FILES:
            raise UserError(self.env._("Please attach at most %s files.", MAX_FILES))
        checked = []
        for name, content in attachments:
            stem, dot, ending = (name or '').replace('\\', '/').rpartition('/')[2].strip()[-100:].rpartition('.')
            if len(content) > MAX_FILE_SIZE:
                raise UserError(self.env._(
                    "%(file)s is too big: at most %(size)s MB per file.", file=name,
                    size=MAX_FILE_SIZE // 1024 // 1024))
            if not dot or ending.lower() not in FILE_TYPES.get(guess_mimetype(content), ()):
                raise UserError(self.env._("%s: please attach PDF, PNG or JPEG files only.", name))
            checked.append((f'{stem}.{ending.lower()}', content))
        return checked

    @api.model
    def _check_plan(self, items, facts, values, company):
        """A plan: so many instalments as the company allows, the first within its longest promise."""
        self._check_text(values)
        open_items = self._check_open(items, facts)
        self._check_not_promised(open_items, facts, company)
        today = company._ar_today()
        if not 2 <= values['instalments'] <= company.ar_answer_plan_count:
            raise UserError(self.env._(
                "You can ask for 2 to %(most)s instalments here. For more: %(talk)s",
                most=company.ar_answer_plan_count, talk=self._say_whom_to_talk_to(company)))
        last = today + timedelta(days=max(company.ar_answer_promise_days, 31))
        if not today <= values['date'] <= last:
            raise UserError(self.env._(
                "The first instalment is due between today and %s.", self._format_date(last)))
        if values.get('interval') not in dict(self._fields['interval'].selection):
            raise UserError(self.env._("Please choose how often you will pay."))
        values['amounts'] = {item.id: facts[item.id]['open'] for item in open_items}  # as plans are drawn up
        return values

    @api.model
    def _check_paid(self, items, facts, values, company):
        """A payment made already: a day that is not in the future, and something to find it by."""
        self._check_text(values, 'reference')
        open_items = self._check_open(items, facts, key='open')
        self._check_not_missed(open_items, company)
        today = company._ar_today()
        if values['date'] > today:
            raise UserError(self.env._("The day you paid cannot be in the future."))
        if values['date'] < today - timedelta(days=PAID_DAYS_BACK):
            raise UserError(self.env._(
                "A payment that old must have been matched with something else. %s",
                self._say_whom_to_talk_to(company)))
        if not values['reference']:
            raise UserError(self.env._("Please enter the reference of your payment, so that we can find it."))
        values['amounts'] = {item.id: facts[item.id]['open'] for item in open_items}
        return values

    @api.model
    def _check_contact(self, items, facts, values, company):
        """Another contact: a name and an e-mail address."""
        self._check_text(values, 'contact_name', 'contact_email', 'contact_phone')
        if not values['contact_name']:
            raise UserError(self.env._("Please enter a name or department."))
        if not email_normalize(values['contact_email']):
            raise UserError(self.env._("Please enter the e-mail address we should write to."))
        values['contact_email'] = email_normalize(values['contact_email'])
        values['amounts'] = {}
        return values

    # === EFFECTS === #

    def _apply_dispute(self, values):
        """Open a dispute per invoice; the undisputed rest goes on being dunned."""
        product_lines = self.env['account.move.line'].browse((values.get('lines') or {}).keys())
        for move, lines in self.line_ids.grouped('move_id').items():
            lines.dispute_id = self.env['ar.dispute']._open(
                move, amount=values['by_move'][move.id], reason=values['reason'], note=values['note'],
                lines={line: values['lines'][line.id] for line in product_lines} or None, origin=self.origin,
                attachments=values['attachments'])

    def _apply_promise(self, values):
        """Note the promise down; its items wait for the day."""
        self.promise_id = self.env['ar.promise']._promise(
            self.line_ids.move_line_id, self.date, amounts=values['amounts'], origin=self.origin, note=values['note'])

    def _apply_plan(self, values):
        """Draw the plan up for the collector, who offers it or not; until he has looked at it, its items wait."""
        self.plan_id = self.env['ar.promise.plan']._propose(
            self.line_ids.move_line_id, self.instalments, self.date, interval=f'{self.interval}s', origin=self.origin,
            note=values['note'])
        self._pause_items(self.company_id.ar_dunning_reply_days, self.env._("Customer asks for a payment plan"))

    def _apply_paid(self, values):
        """Leave the items alone until the payment is here, or some days have passed."""
        self._pause_items(self.company_id.ar_answer_paid_days, self.env._(
            "Customer says paid on %(day)s, reference %(reference)s", day=self._format_date(self.date),
            reference=self.reference))

    def _pause_items(self, days, reason):
        """Leave just the answer's items alone for so many days."""
        today = self.company_id._ar_today()
        for line in self.line_ids:
            line.pause_id = self.env['ar.pause'].create({
                'company_id': self.company_id.id, 'partner_id': self.partner_id.id, 'user_id': self.user_id.id,
                'move_id': line.move_id.id, 'move_line_id': line.move_line_id.id, 'reason': reason,
                'date_start': today, 'date_end': today + timedelta(days=days)})

    def _apply_contact(self, values):
        """Nothing changes by itself: the collector decides on the proposed contact."""

    # === WORDS === #

    def _describe(self):
        """Return what was answered, as a sentence in the language of the environment."""
        self.ensure_one()
        texts = {
            'promise': lambda: self.env._(
                "Promises to pay %(amount)s by %(day)s for %(invoices)s.", **self._get_words()),
            'dispute': lambda: self.env._(
                "Disputes %(amount)s of %(invoices)s: %(reason)s.", **self._get_words()),
            'plan': lambda: self.env._(
                "Asks to pay %(amount)s in %(count)s instalments from %(day)s for %(invoices)s.", **self._get_words()),
            'paid': lambda: self.env._(
                "Has paid %(invoices)s on %(day)s, reference %(reference)s.", **self._get_words()),
            'contact': lambda: self.env._("Asks to write to %(name)s, %(email)s.", **self._get_words()),
        }
        return texts[self.kind]()

    def _get_words(self):
        """Return what the sentences about an answer are made of."""
        return {
            'amount': self._format_amount(self.amount), 'day': self._format_date(self.date),
            'invoices': ", ".join(name for name in self.line_ids.move_id.mapped('name') if name),
            'reason': self.reason_id.name or "", 'count': self.instalments, 'reference': self.reference or "",
            'name': self.contact_name or "", 'email': self.contact_email or "",
        }

    # === PAYMENTS WE WERE TOLD OF === #

    @api.model
    def _cron_watch_payments(self):
        """Daily job: end the pauses of items that were paid; give the collector a task where no payment came."""
        pauses = self.env['ar.customer.answer.line'].search([
            ('kind', '=', 'paid'), ('pause_id', '!=', False), ('answer_id.not_found', '=', False),
            '|', ('answer_id.state', '=', 'waiting'), ('pause_id.date_end', '>=', 'today -70d')])
        for answer in pauses.answer_id:
            answer._watch_payment()
            self.env['ir.cron']._commit_progress(1)

    def _watch_payment(self):
        """End what is over of a payment we were told of."""
        today = self.company_id._ar_today()
        running = self.pause_ids.filtered(lambda pause: pause.date_end >= today)
        arrived = self.line_ids.filtered(lambda line: not line.move_line_id or line.move_line_id.reconciled)
        (running & arrived.pause_id).action_end()
        if arrived == self.line_ids:
            if self.state == 'waiting':
                self.activity_id.filtered('active').unlink()
                self._set_handled(self.env.user)
                self._message_log(body=self.env._("The payment has arrived."))
        elif not running - arrived.pause_id:
            self.not_found = True
            self.state = 'waiting'
            if not self.activity_id.active:
                self._make_task()
            self._message_log(body=self.env._("The payment has not arrived in time; reminders go on."))
