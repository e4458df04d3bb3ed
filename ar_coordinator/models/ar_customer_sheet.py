"""The customer sheet: everything about one customer in one company on one screen.

Figures come from ar.ledger and the engine; what happened (the timeline) is read set-based, one query per kind, a page
at a time. Every method checks access itself: an abstract model has no access rights of its own.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

ITEMS = 200  # open items shown
CONTACTS = 12
ACTIONS = ('call', 'write', 'promise', 'plan', 'dispute', 'pause', 'statement', 'form')  # others are the worklist's


class ArCustomerSheet(models.AbstractModel):
    _name = 'ar.customer.sheet'
    _description = "Customer Sheet"

    # === PUBLIC === #

    @api.model
    @api.readonly
    def get_sheet(self, partner_id, company_id=None):
        """Return what the sheet shows of a customer, besides timeline and payment behaviour.

        :param int partner_id: a customer, or one of its contacts
        :param int company_id: in whose books; the current company by default
        :return: dict: partner {id, name, ref, vat, country, lang}, company {id, name, currency_id}, can_work, today;
            ageing {buckets [{label, amount}], unapplied, total, disputed, promised, overdue} in company currency;
            accounts [{currency_id, total, overdue, not_due, credits, disputed}], one per currency, in that currency;
            items [as `_get_items`], item_count; contacts [{id, name, function, phone, email, is_receivables}]; note;
            people {collector, salesperson}; promises {count, kept, open}; states [text] (what holds the customer);
            credit {mode, limit, exposure, available, on_hold, hold_reason, risk_class} or False
        :raise AccessError: when the user may not read receivables, not the company's, or not the customer
        """
        partner, company = self._check_reader(partner_id, company_id)
        self = self.with_company(company)
        partner = partner.with_env(self.env)
        options = {'partner_ids': partner.ids, 'company_ids': company.ids}
        ledger = self.env['ar.ledger']
        accounts = ledger.customer_accounts(options)
        return {
            'partner': {
                'id': partner.id, 'name': partner.display_name, 'ref': partner.ref or "", 'vat': partner.vat or "",
                'country': partner.country_id.name or "", 'lang': partner.lang or ""},
            'company': {'id': company.id, 'name': company.name, 'currency_id': company.currency_id.id},
            'can_work': self._can_work(), 'today': company._ar_today().isoformat(),
            'ageing': self._get_ageing(options), 'accounts': accounts,
            'item_count': sum(account['item_count'] for account in accounts),
            'items': self._get_items(options), 'contacts': self._get_contacts(partner), 'note': partner.ar_note or "",
            'people': {'collector': partner.ar_collector_id.sudo().name or "",  # sudo: colleagues' names
                       'salesperson': partner.user_id.sudo().name or ""},
            'promises': {'count': partner.ar_promise_count, 'kept': partner.ar_promise_kept_rate,
                         'open': partner.ar_promise_open_count},
            'states': self._get_states(partner, company), 'credit': self._get_credit(partner),
        }

    @api.model
    @api.readonly
    def get_behaviour(self, partner_id, company_id=None):
        """Return how late the customer pays: [{month, delay}] of the last 12 months; None where nothing was paid.

        :raise AccessError: as `get_sheet`
        """
        partner, company = self._check_reader(partner_id, company_id)
        data = self.env['ar.kpi.report'].with_company(company).get_data(
            {'partner_ids': partner.ids, 'company_ids': company.ids, 'months': 12, 'window_days': 30})
        return [{'month': point['month'], 'delay': point['average_payment_delay']} for point in data['series']]

    @api.model
    def set_note(self, partner_id, company_id, text):
        """Pin a note on the customer in a company; the change is tracked in its chatter.

        :raise AccessError: unless the user works the desk
        """
        partner, company = self._check_worker(partner_id, company_id)
        # sudo: role, company and customer were checked; the role keeps the note without the right to change customers
        partner.sudo().with_company(company).ar_note = (text or "").strip() or False

    @api.model
    def get_action(self, partner_id, company_id, action, line_ids=()):
        """Return what a button opens, for chosen open items or the customer as a whole.

        :param str action: 'call', 'write', 'promise', 'plan', 'dispute', 'pause', 'letter', 'statement', 'snooze',
            'invoice' (post), 'form', or one of the worklist's
        :param line_ids: ids of account.move.line, open items of the customer
        :return: dict, an action of the web client
        :raise AccessError: unless the user works the desk, in this company
        :raise UserError: for items of others, and what the dialogs refuse
        """
        if action not in ACTIONS:
            return self.env['ar.worklist'].get_action(partner_id, company_id, action)
        partner, company = self._check_worker(partner_id, company_id)
        desk = self.with_company(company)
        items = desk._check_items(partner, company, line_ids)
        result = getattr(desk, f'_open_{action}')(partner.with_env(desk.env), company, items)
        return self.env['ar.worklist']._in_company(result, company)

    # === ACCESS === #

    def _check_reader(self, partner_id, company_id):
        """Return (customer, company).

        :raise AccessError: when the user may not read receivables, not the company's, or not the customer
        """
        if not isinstance(partner_id, int) or not isinstance(company_id or 0, int):
            raise UserError(self.env._("A customer sheet is about one customer in one company."))
        company = self.env['res.company'].browse(company_id or self.env.company.id)
        self.env['ar.ledger']._read_options({'company_ids': company.ids})
        partner = self.env['res.partner'].browse(partner_id).exists().commercial_partner_id
        if not partner:
            raise UserError(self.env._("This customer does not exist any more."))
        partner.check_access('read')
        return partner, company

    def _check_worker(self, partner_id, company_id):
        """Return (customer, company).

        :raise AccessError: unless the user works the desk, in this company
        """
        partner, company = self._check_reader(partner_id, company_id)
        if not self._can_work():
            raise AccessError(self.env._("You may read the customer sheet. Ask for the role Receivables: User."))
        return partner, company

    def _can_work(self):
        return self.env.su or self.env.user.has_group('ar_coordinator.group_ar_user')

    def _check_items(self, partner, company, line_ids):
        """Return the journal items, in the company's books and the customer's.

        :raise UserError: for others
        """
        items = self.env['account.move.line'].browse(line_ids or []).exists()
        items.check_access('read')
        if items.partner_id.commercial_partner_id - partner or items.company_id - company \
                or any(item.account_type != 'asset_receivable' for item in items):
            raise UserError(self.env._("Choose open items of %s.", partner.display_name))
        return items

    # === PARTS OF THE SHEET === #

    def _get_ageing(self, options):
        """Return the customer's aged totals in company currency."""
        data = self.env['ar.aging.report'].get_data({**options, 'group_by': 'company', 'tie_out': False})
        totals = data['totals']
        return {
            'buckets': [{'key': bucket['key'], 'label': bucket['label'], 'amount': amount}
                        for bucket, amount in zip(data['buckets'], totals['amounts'], strict=True)],
            'unapplied': totals['unapplied'], 'total': totals['total'], 'disputed': totals['disputed'],
            'promised': totals['promised'], 'overdue': sum(totals['amounts'][1:])}

    def _get_items(self, options):
        """Return the oldest open items: [{id, move_id, name, ref, move_type, currency_id, date, due, days, residual,
        disputed, promised}], amounts in the item's currency."""
        return [{
            'id': row['id'], 'move_id': row['move_id'], 'name': row['move_name'], 'ref': row['ref'] or "",
            'move_type': row['move_type'], 'currency_id': row['currency_id'],
            'date': (row['invoice_date'] or row['date']).isoformat(), 'due': row['age_date'].isoformat(),
            'days': row['days'], 'residual': row['residual_currency'], 'disputed': row['disputed_currency'],
            'promised': row['promised_currency'],
        } for row in self.env['ar.ledger'].open_items({**options, 'limit': ITEMS}) if row['residual_currency']]

    def _get_contacts(self, partner):
        """Return whom to call or write to: receivables contacts first, then the customer itself and others."""
        family = self.env['res.partner'].search(
            [('commercial_partner_id', '=', partner.id), '|', '|', ('phone', '!=', False), ('email', '!=', False),
             ('ar_is_receivables_contact', '=', True)], order='ar_is_receivables_contact desc, id', limit=CONTACTS)
        return [{
            'id': contact.id, 'name': contact.name or contact.display_name, 'function': contact.function or "",
            'phone': contact.phone or "", 'email': contact.email or "",
            'is_receivables': contact.ar_is_receivables_contact,
        } for contact in family]

    def _get_states(self, partner, company):
        """Return in words what holds the customer: handed over, paused, put off."""
        states = []
        if away := self.env['ar.hand.over']._describe(company, partner.ids).get(partner.id):
            states.append(self.env._("Handed over to %s", away))
        if partner.ar_pause_note:
            states.append(self.env._("Reminders paused %s", partner.ar_pause_note))
        if snooze := self.env['ar.worklist.snooze']._get_in_force(company).get((partner.id, company.id)):
            states.append(self.env._(
                "Not on the worklist before %(day)s: %(reason)s", day=format_date(self.env, snooze.date_until),
                reason=snooze.reason))
        return states

    def _get_credit(self, partner):
        """Return the credit panel; its fields are for readers of receivables only."""
        return {
            'mode': dict(partner._fields['ar_credit_mode']._description_selection(self.env)).get(
                partner.ar_credit_mode, ""),
            'limited': partner.ar_credit_mode == 'limited', 'limit': partner.ar_credit_limit,
            'exposure': partner.ar_exposure, 'available': partner.ar_credit_available,
            'used': partner.ar_credit_used, 'on_hold': partner.ar_on_hold, 'hold_reason': partner.ar_hold_reason or "",
            'risk_class': partner.ar_credit_class_id.name or "",
        }

    # === ACTIONS === #

    @api.model
    def _get_open_action(self, partner, company=None):
        """Return the action that opens the sheet."""
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_customer_sheet_action')
        return {**action, 'context': {'active_id': partner.commercial_partner_id.id}, 'params': {
            'partner_id': partner.commercial_partner_id.id, 'company_id': (company or self.env.company).id}}

    def _open_call(self, partner, company, items):
        return self.env['ar.call.wizard']._get_open_action(partner, company, items)

    def _open_write(self, partner, company, items):
        return self.env['ar.write.wizard']._get_open_action(partner, company, items)

    def _open_promise(self, partner, company, items):
        return self._open_wizard('ar.promise.wizard', self.env._("Promise to Pay"), items) if items \
            else partner.action_ar_promise()

    def _open_plan(self, partner, company, items):
        return self._open_wizard('ar.promise.plan.wizard', self.env._("Payment Plan"), items) if items \
            else partner.action_ar_plan()

    def _open_wizard(self, model, name, items):
        return {'type': 'ir.actions.act_window', 'name': name, 'res_model': model, 'views': [(False, 'form')],
                'target': 'new', 'context': {'default_item_ids': items.ids}}

    def _open_dispute(self, partner, company, items):
        moves = items.move_id.filtered(lambda move: move.move_type in ('out_invoice', 'out_receipt'))
        if not moves:
            return self.env['ar.worklist']._open_dispute(partner, company)
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Dispute"), 'res_model': 'ar.dispute.open.wizard',
            'views': [(False, 'form')], 'target': 'new', 'context': {'default_move_ids': moves.ids}}

    def _open_pause(self, partner, company, items):
        """Pause one invoice, or without a choice the customer as a whole."""
        if len(items.move_id) > 1:
            raise UserError(self.env._(
                "Choose one invoice to pause, or none to pause all reminders of %s.", partner.display_name))
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_pause_action_new')
        context = {'default_company_id': company.id}
        context.update({'default_move_id': items.move_id.id} if items else {'default_partner_id': partner.id})
        return {**action, 'context': context}

    def _open_statement(self, partner, company, items):
        return {'type': 'ir.actions.act_url', 'target': 'download',
                'url': f'/ar_coordinator/customer/{partner.id}/statement?company_id={company.id}'}

    def _open_form(self, partner, company, items):
        return {'type': 'ir.actions.act_window', 'res_model': 'res.partner', 'res_id': partner.id,
                'views': [(False, 'form')]}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_note = fields.Text(
        string="Pinned Note", company_dependent=True, tracking=True, copy=False,
        groups='ar_coordinator.group_ar_base', help="What whoever works this customer should know, in this company.")

    def _mail_get_operation_for_mail_message_operation(self, message_operation):
        """Override of `mail`: who works the desk writes to customers without the right to change their data."""
        result = super()._mail_get_operation_for_mail_message_operation(message_operation)
        if message_operation == 'create' and self.env.user.has_group('ar_coordinator.group_ar_user'):
            return dict.fromkeys(result, 'read')
        return result

    def action_ar_open_sheet(self):
        """Open the customer sheet in the current company."""
        self.ensure_one()
        return self.env['ar.customer.sheet']._get_open_action(self)

    def _ar_render_open_items(self):
        """Return the table of open items for e-mails, in the customer's language: those chosen, else the overdue ones.

        Only items of this customer in the current company, whatever was chosen.
        """
        self.ensure_one()
        customer = self.with_context(lang=self.lang or self.env.lang).commercial_partner_id
        rows = customer.env['ar.ledger'].open_items(
            {'partner_ids': customer.ids, 'company_ids': self.env.company.ids})
        chosen = self.env.context.get('ar_item_ids')
        rows = [row for row in rows if row['residual_currency'] > row['disputed_currency']
                and (row['id'] in chosen if chosen else row['days'] > 0)]
        currencies = {currency.id: currency for currency in self.env['res.currency'].browse(
            {row['currency_id'] for row in rows})}
        totals = {}
        for row in rows:
            row['asked'] = currencies[row['currency_id']].round(row['residual_currency'] - row['disputed_currency'])
            totals[row['currency_id']] = totals.get(row['currency_id'], 0.0) + row['asked']
        return customer.env['ir.qweb']._render('ar_coordinator.ar_mail_open_items', {
            'rows': rows, 'totals': totals, 'currencies': currencies,
            'format_amount': lambda amount, currency: currency.with_env(customer.env).format(amount),
            'format_date': lambda day: format_date(customer.env, day, lang_code=customer.lang)})
