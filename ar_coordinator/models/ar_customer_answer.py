"""What a customer answered, through a letter's signed link or the portal: the record of it, and what it sets off.

An answer is written once, by `_record`, after the company's limits were checked. It makes what was answered (promise,
dispute, pause, proposed plan), a task for the collector and a confirmation to the customer, and stands in the chatter
of customer and letter. Users read answers and say that they looked at them; nobody edits one.

What the kinds of answers check and make is in `ar_customer_answer_kind.py`, their forms are in
`ar_customer_answer_form.py`, the link is in `ar_answer_link.py`.
"""
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_amount, format_date

from .ar_outbox import spoken

ANSWER_ACTIVITY = 'ar_coordinator.mail_activity_type_answer'
DOUBLE_SUBMIT_SECONDS = 60


class ArCustomerAnswer(models.Model):
    _name = 'ar.customer.answer'
    _description = "Customer Answer"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _mail_post_access = 'read'
    _rec_names_search = ['partner_id', 'reference']

    name = fields.Char(compute='_compute_name')
    kind = fields.Selection(
        selection=[
            ('promise', "Promises to pay"),
            ('dispute', "Disputes"),
            ('plan', "Asks for a payment plan"),
            ('paid', "Has paid already"),
            ('contact', "Names another contact"),
        ],
        string="Answer", required=True, readonly=True, index=True)
    origin = fields.Selection(
        selection=[('link', "Link in a letter"), ('portal', "Portal")], string="Through", required=True, readonly=True)
    state = fields.Selection(
        selection=[('waiting', "Waiting"), ('handled', "Looked At")],
        default='waiting', required=True, readonly=True, index=True, tracking=True)
    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, readonly=True, index=True, ondelete='restrict')
    author_id = fields.Many2one(
        comodel_name='res.partner', string="Answered by", readonly=True, ondelete='restrict',
        help="Through the portal: who was logged in. Through a link: whom the letter was sent to; whoever has the "
             "letter can use its link.")
    letter_id = fields.Many2one(
        comodel_name='ar.dunning.letter', readonly=True, index='btree_not_null', ondelete='restrict')
    user_id = fields.Many2one(comodel_name='res.users', string="Collector", readonly=True, index='btree_not_null')
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    line_ids = fields.One2many(
        comodel_name='ar.customer.answer.line', inverse_name='answer_id', string="Items", readonly=True)
    amount = fields.Monetary(readonly=True, help="Promised, disputed or said to be paid, in the items' currency.")
    date = fields.Date(readonly=True, help="Promised day, day of the payment, or the first instalment.")
    instalments = fields.Integer(readonly=True, aggregator=None)
    interval = fields.Selection(
        selection=[('week', "Every week"), ('month', "Every month")], readonly=True, string="Instalments Come")
    reference = fields.Char(string="Payment Reference", readonly=True)
    reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', readonly=True, ondelete='restrict')
    note = fields.Text(string="Customer's Words", readonly=True)
    contact_name = fields.Char(readonly=True)
    contact_email = fields.Char(readonly=True)
    contact_phone = fields.Char(readonly=True)
    contact_id = fields.Many2one(
        comodel_name='res.partner', string="Contact Made", readonly=True, index='btree_not_null', ondelete='set null')
    lang = fields.Char(string="Language", readonly=True)
    ip_address = fields.Char(string="IP Address", readonly=True, groups='ar_coordinator.group_ar_manager')
    activity_id = fields.Many2one(
        comodel_name='mail.activity', string="Task", readonly=True, index='btree_not_null', ondelete='set null')
    promise_id = fields.Many2one(
        comodel_name='ar.promise', readonly=True, index='btree_not_null', ondelete='set null')
    plan_id = fields.Many2one(
        comodel_name='ar.promise.plan', string="Payment Plan", readonly=True, index='btree_not_null',
        ondelete='set null', help="Drawn up as the customer asked for it; nothing is offered yet.")
    dispute_ids = fields.Many2many(comodel_name='ar.dispute', compute='_compute_results', string="Disputes")
    pause_ids = fields.Many2many(comodel_name='ar.pause', compute='_compute_results', string="Pauses")
    not_found = fields.Boolean(
        string="Payment Not Found", readonly=True, index='btree_not_null',
        help="The payment the customer told us of has not arrived within the days the company waits.")
    date_handled = fields.Datetime(string="Looked at on", readonly=True)
    handled_by_id = fields.Many2one(comodel_name='res.users', string="Looked at by", readonly=True)
    summary = fields.Char(compute='_compute_summary')

    _ip_idx = models.Index("(ip_address, create_date) WHERE ip_address IS NOT NULL")

    # === COMPUTE METHODS === #

    @api.depends('kind', 'partner_id.name')
    @api.depends_context('lang')
    def _compute_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for answer in self:
            answer.name = f"{answer.partner_id.name or ''}: {kinds.get(answer.kind, '')}"

    @api.depends('line_ids.dispute_id', 'line_ids.pause_id')
    def _compute_results(self):
        for answer in self:
            answer.dispute_ids = answer.line_ids.dispute_id
            answer.pause_ids = answer.line_ids.pause_id

    @api.depends('kind', 'amount', 'date', 'line_ids')
    @api.depends_context('lang')
    def _compute_summary(self):
        for answer in self:
            answer.summary = answer._describe()

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A customer's answer is part of the record and cannot be deleted."))

    # === ACTION METHODS === #

    def action_handled(self):
        """Say that answers were looked at; their tasks are done. What they made (a promise, say) stays.

        :raise AccessError: for readers
        :raise UserError: for an answer that was looked at before
        """
        self._check_user()
        for answer in self:
            if answer.state != 'waiting':
                raise UserError(self.env._("%s was looked at already.", answer.name))
        answers = self.sudo()  # sudo: answers are read-only to users; role and company (read access) were checked
        answers._set_handled(self.env.user)
        answers.activity_id.filtered('active').action_done()

    def action_create_contact(self):
        """Make the contact the customer named a receivables contact of the customer; who may make contacts may do so.

        :raise AccessError: for readers, and users who may not create contacts
        :raise UserError: for other answers, or when it was done before
        """
        self._check_user()
        self.ensure_one()
        if self.kind != 'contact' or self.contact_id:
            raise UserError(self.env._("%s names no contact that is still to be made.", self.name))
        known = self.env['res.partner'].search([
            ('commercial_partner_id', '=', self.partner_id.id), ('email_normalized', '=', self.contact_email)], limit=1)
        values = {'ar_is_receivables_contact': True}
        if known:
            known.write(values)
        else:
            known = self.env['res.partner'].create({
                **values, 'parent_id': self.partner_id.id, 'name': self.contact_name, 'email': self.contact_email,
                'phone': self.contact_phone, 'type': 'contact', 'lang': self.lang})
        self.sudo().contact_id = known  # sudo: answers are read-only to users; role and company were checked
        self.message_post(body=self.env._("%s gets the reminders from now on.", known.display_name))
        if self.state == 'waiting':
            self.action_handled()
        return {
            'type': 'ir.actions.act_window', 'res_model': 'res.partner', 'res_id': known.id,
            'views': [(False, 'form')]}

    def action_open_results(self):
        """Open what the answer made: promise, plan, disputes or pauses."""
        self.ensure_one()
        records = self.promise_id or self.plan_id or self.dispute_ids or self.pause_ids
        action = {
            'type': 'ir.actions.act_window', 'name': self.name, 'res_model': records._name,
            'domain': [('id', 'in', records.ids)], 'views': [(False, 'list'), (False, 'form')]}
        if len(records) == 1:
            action.update(views=[(False, 'form')], res_id=records.id)
        return action

    def _check_user(self):
        """:raise AccessError: unless the user works the desk and may see these answers."""
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._(
                "You may read customers' answers. Ask for the role Receivables: User to handle them."))

    def _set_handled(self, user):
        """Note that waiting answers were looked at; who asked for a plan waits no longer (an offered plan waits)."""
        waiting = self.filtered(lambda answer: answer.state == 'waiting')
        waiting.write({'state': 'handled', 'date_handled': fields.Datetime.now(), 'handled_by_id': user.id})
        waiting.filtered(lambda answer: answer.kind == 'plan').pause_ids.filtered(
            lambda pause: pause.date_end >= pause.company_id._ar_today()).action_end()

    # === RECORDING === #

    @api.model
    def _record(self, kind, items, values, origin, partner, letter=None):
        """Write down what a customer answered and do what follows from it.

        The caller has made sure that the person may speak for these items: a valid link, or a portal user of the
        customer. Texts are in the language of the environment, the customer's.

        :param str kind: 'promise', 'dispute', 'plan', 'paid' or 'contact'
        :param items: account.move.line, receivable items of one customer, company and currency; may be empty for
            'contact', which is then for the environment's company
        :param dict values: by kind, amounts in the items' currency:
            promise: date, amounts ({item id: amount}, None: what is open and undisputed), note;
            dispute: reason (ar.dispute.reason), note, and amount (None: whatever is undisputed) or lines ({product
            line id: quantity}) when all items are of one invoice, attachments ([(name, bytes)]);
            plan: instalments, date (of the first), interval ('week' or 'month'), note;
            paid: date, reference, note;
            contact: contact_name, contact_email, contact_phone, note
        :param str origin: 'link' or 'portal'
        :param partner: res.partner, who answers and gets the confirmation
        :param letter: ar.dunning.letter, for origin 'link'
        :return: ar.customer.answer; the earlier one when these items were answered in this way before
        :raise UserError: said to the customer: not possible, above a limit, something is missing
        """
        # sudo: the public and portal users have no rights on receivables; the caller has checked whose items these are
        self = self.sudo()
        company = letter.company_id if letter else items.company_id or self.env.company
        customer = partner.commercial_partner_id if not letter else letter.partner_id
        self = self.with_company(company).with_context(allowed_company_ids=company.ids)
        items, partner = items.with_env(self.env), partner.with_env(self.env)
        letter = letter.with_env(self.env) if letter else self.env['ar.dunning.letter']
        if letter:
            letter._take_turn()
        items, earlier = self._leave_out_answered(kind, items, letter, partner)
        if earlier and not items:
            return earlier
        self._check_offered(kind, company)
        facts = self._get_facts(items, company, customer.with_env(self.env))
        values = getattr(self, f'_check_{kind}')(items, facts, dict(values), company)
        answer = self.create({
            'kind': kind, 'origin': origin, 'company_id': company.id, 'partner_id': customer.id,
            'author_id': partner.id, 'letter_id': letter.id, 'lang': self.env.lang,
            'user_id': self._get_collector(customer.with_env(self.env), company, letter).id,
            'currency_id': items.currency_id.id or letter.currency_id.id or company.currency_id.id,
            'ip_address': values.pop('ip_address', False),
            'line_ids': [Command.create({
                'move_line_id': item.id, 'amount': values['amounts'][item.id]})
                for item in items if values['amounts'].get(item.id)],
            'amount': sum(values['amounts'].values()),
            **{name: value for name, value in values.items() if name in self._fields},
        })
        getattr(answer._for_us(), f'_apply_{kind}')(values)
        answer._make_task()
        answer._note_in_chatters()
        answer._confirm()
        return answer

    @api.model
    def _leave_out_answered(self, kind, items, letter, partner):
        """Return (items not answered in this way yet, the earlier answer of the others or nothing).

        Through a link an item is answered once per kind and letter; in the portal only a form sent twice is left out.
        """
        domain = Domain('kind', '=', kind)
        if letter:
            domain &= Domain('letter_id', '=', letter.id)
        else:
            since = fields.Datetime.subtract(fields.Datetime.now(), seconds=DOUBLE_SUBMIT_SECONDS)
            domain &= Domain([
                ('origin', '=', 'portal'), ('author_id', '=', partner.id), ('create_date', '>=', since)])
        earlier = self.search(domain)
        if kind == 'contact':
            return items.browse() if earlier else items, earlier[:1]
        answered = earlier.line_ids.filtered(lambda line: line.move_line_id in items)
        return items - answered.move_line_id, answered.answer_id[:1]

    @api.model
    def _get_collector(self, customer, company, letter):
        """Return who looks at the answer: the customer's collector, else who sends the letters, else a manager; or
        their substitute."""
        letter = letter or letter.search(
            [('partner_id', '=', customer.id), ('company_id', '=', company.id)], limit=1)
        candidates = (customer.with_company(company).ar_collector_id, letter.run_id.user_id, letter.user_id)
        known = next((user for user in candidates if user and user.active and not user.share), None)
        known = known or self.env.ref('ar_coordinator.group_ar_manager').all_user_ids.filtered(
            lambda user: user.active and company in user.company_ids)[:1]
        return known._ar_on_duty(company)

    def _make_task(self):
        """Give the collector the task to look at the answer."""
        user = self.user_id or self.env.user
        sees_answers = user._has_group('ar_coordinator.group_ar_base') and self.company_id in user.company_ids
        answer = self._for_us()
        target = answer if sees_answers else answer.partner_id
        self.activity_id = target.activity_schedule(
            ANSWER_ACTIVITY, date_deadline=self.company_id._ar_today(), user_id=user.id, summary=answer._describe(),
            note=answer._get_html_link())

    def _note_in_chatters(self):
        """Let customer and letter say what was answered."""
        body = Markup("%s %s") % (self._for_us()._describe(), self._get_html_link())
        author = self.author_id or self.partner_id
        for record in (self.partner_id, self.letter_id):
            if record:
                record._message_log(body=body, author_id=author.id)

    def _confirm(self):
        """Queue the confirmation to the customer; without an e-mail address the page alone says it."""
        if self.author_id.email_normalized:
            template = self.env.ref('ar_coordinator.mail_template_ar_answer', raise_if_not_found=False)
            if template:
                self.message_mail_with_source(template, force_send=False)
                self.env.ref('mail.ir_cron_mail_scheduler_action')._trigger()

    # === WORDS === #

    def _format_amount(self, amount):
        """Format an amount of the answer in the language of the environment."""
        return format_amount(self.env, amount, self.currency_id, lang_code=self.env.lang)

    def _format_date(self, date):
        """Format a date in the language of the environment; nothing for no date."""
        return format_date(self.env, date, lang_code=self.env.lang) if date else ""

    def _for_us(self):
        """Return self in the language of whoever works it, for what is kept and what colleagues read."""
        return self.with_context(lang=self.user_id.lang or self.company_id.partner_id.lang)

    def _localized(self):
        """Return self in the customer's language."""
        return self.with_context(lang=spoken(self.env, self.lang))

    def _render_summary(self):
        """Return what was noted, as HTML in the customer's language, for the mail template."""
        answer = self._localized()
        return answer.env['ir.qweb']._render('ar_coordinator.answer_summary', {'answer': answer})

    def _render_sender(self):
        """Return the company's address block as HTML in the customer's language, for the mail template."""
        answer = self._localized()
        return answer.env['ir.qweb']._render('ar_coordinator.ar_dunning_letter_sender', {'letter': answer})


class ArCustomerAnswerLine(models.Model):
    _name = 'ar.customer.answer.line'
    _description = "Customer Answer Item"
    _order = 'answer_id desc, id'

    answer_id = fields.Many2one(
        comodel_name='ar.customer.answer', required=True, index=True, ondelete='cascade', readonly=True)
    company_id = fields.Many2one(related='answer_id.company_id', store=True, precompute=True, index=True)
    kind = fields.Selection(related='answer_id.kind', string="Kind of Answer", store=True, precompute=True)
    letter_id = fields.Many2one(
        related='answer_id.letter_id', store=True, precompute=True, index='btree_not_null')
    move_line_id = fields.Many2one(
        comodel_name='account.move.line', string="Open Item", readonly=True, index='btree_not_null',
        ondelete='set null')
    move_id = fields.Many2one(
        related='move_line_id.move_id', string="Invoice", store=True, precompute=True, index='btree_not_null',
        ondelete='set null')
    date_due = fields.Date(related='move_line_id.date_maturity', string="Due Date")
    currency_id = fields.Many2one(related='answer_id.currency_id')
    amount = fields.Monetary(readonly=True)
    dispute_id = fields.Many2one(
        comodel_name='ar.dispute', readonly=True, index='btree_not_null', ondelete='set null')
    pause_id = fields.Many2one(comodel_name='ar.pause', readonly=True, index='btree_not_null', ondelete='set null')

    # whoever sends the form twice, an item is answered once per kind and letter
    _once_uniq = models.UniqueIndex(
        "(letter_id, kind, move_line_id) WHERE letter_id IS NOT NULL",
        "This has been answered already.")


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    answer_ids = fields.One2many(
        comodel_name='ar.customer.answer', inverse_name='letter_id', string="Answers", readonly=True)
    answer_count = fields.Integer(compute='_compute_answer_count')
    date_answered = fields.Datetime(string="Answered on", readonly=True)
    answer_turn = fields.Integer(
        readonly=True, help="Counts the answers, so that of two at the same time one sees the other.")

    @api.depends('answer_ids')
    def _compute_answer_count(self):
        counts = dict(self.env['ar.customer.answer']._read_group(
            [('letter_id', 'in', self.ids)], ['letter_id'], ['__count']))
        for letter in self:
            letter.answer_count = counts.get(letter._origin, 0)

    def _take_turn(self):
        """Let an answer of this letter wait for another one that is being written; the database has it start again."""
        self.write({'date_answered': fields.Datetime.now(), 'answer_turn': self.answer_turn + 1})
        self.flush_recordset(['answer_turn'])

    def action_view_answers(self):
        """Open what the customer answered to this letter."""
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_customer_answer_action')
        return {**action, 'domain': [('letter_id', 'in', self.ids)], 'context': {}}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_answer_count = fields.Integer(
        string="Answers", compute='_compute_ar_answer_count', groups='ar_coordinator.group_ar_base')

    @api.depends_context('company', 'allowed_company_ids')
    def _compute_ar_answer_count(self):
        """Contacts show their customer's."""
        customers = self._origin.commercial_partner_id
        counts = dict(self.env['ar.customer.answer']._read_group(
            [('partner_id', 'in', customers.ids)], ['partner_id'], ['__count']))
        for partner in self:
            partner.ar_answer_count = counts.get(partner._origin.commercial_partner_id, 0)

    def action_ar_view_answers(self):
        """Open what the customer answered."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_customer_answer_action')
        return {**action, 'domain': [('partner_id', '=', self.commercial_partner_id.id)], 'context': {}}


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    def _action_done(self, feedback=False, attachment_ids=None):
        """Override: whoever completes the task has looked at the answer."""
        # sudo: completing the task was allowed; answers are read-only to users
        answers = self.env['ar.customer.answer'].sudo().search(
            [('activity_id', 'in', self.ids), ('state', '=', 'waiting')])
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        answers._set_handled(self.env.user)
        return result
