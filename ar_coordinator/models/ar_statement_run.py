"""A statement run: one company, one day or period. Preview who gets a statement and why not, then send exactly that.

    draft -> preview -> sending -> done        (cancelled from draft and preview)

Preview and sending use the same decisions (`_decide`): right before a statement leaves, they are taken again. How
messages get out, how a run goes on after an interruption, and how failures are noticed is the outbox's (ar_outbox.py).
Statements are information and no reminders: they neither count against the letters per day nor as dunning levels.
"""
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_amount, format_date, split_every

from .ar_dunning_channels import has_postal_address
from .ar_outbox import COUNTED_STATES, write_changed
from .ar_statement_settings import KINDS

BATCH_CUSTOMERS = 1000  # decided about at a time
BATCH_LINES = 100  # per transaction in the background; their PDFs are made as one document
INLINE_LINES = 10  # at most so many are sent while the user waits
GUARDED_FIELDS = {'state', 'line_ids', 'date_previewed', 'date_done', 'is_automatic', 'user_id'}
SCOPE_FIELDS = {
    'company_id', 'kind', 'date_from', 'date_to', 'partner_ids', 'category_ids', 'collector_ids', 'risk_class_ids',
    'skip_zero', 'only_overdue', 'skip_paused', 'with_xlsx'}
QUARTER_ENDS = (3, 6, 9, 12)


class ArStatementRun(models.Model):
    _name = 'ar.statement.run'
    _description = "Statement Run"
    _inherit = ['ar.guard', 'ar.outbox.run', 'mail.thread', 'mail.activity.mixin']
    _order = 'date_to desc, id desc'
    _check_company_auto = True
    _outbox_model = 'ar.statement.run.line'
    _outbox_cron = 'ar_coordinator.ir_cron_ar_statement_send'
    _outbox_guarded = GUARDED_FIELDS
    _outbox_scope = SCOPE_FIELDS

    name = fields.Char(compute='_compute_name', store=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    kind = fields.Selection(
        selection=[('customer', "As set for each customer"), *KINDS], required=True, default='customer', tracking=True)
    date_to = fields.Date(
        string="Up to", required=True, default=lambda self: self.env.company._ar_today(), tracking=True,
        help="What is open at the end of this day.")
    date_from = fields.Date(
        string="From", default=lambda self: self.env.company._ar_today().replace(day=1),
        help="First day of account activity.")
    partner_ids = fields.Many2many(
        comodel_name='res.partner', relation='ar_statement_run_partner_rel', string="Customers",
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)],
        help="Empty: all customers with open items or activity.")
    category_ids = fields.Many2many(
        comodel_name='res.partner.category', relation='ar_statement_run_category_rel', string="Tags")
    collector_ids = fields.Many2many(
        comodel_name='res.users', relation='ar_statement_run_collector_rel', string="Collectors",
        domain=[('share', '=', False)])
    risk_class_ids = fields.Many2many(
        comodel_name='ar.credit.class', relation='ar_statement_run_risk_class_rel', string="Risk Classes")
    skip_zero = fields.Boolean(
        string="Leave out Balances of Zero", default=lambda self: self.env.company.ar_statement_skip_zero)
    only_overdue = fields.Boolean(default=lambda self: self.env.company.ar_statement_only_overdue)
    skip_paused = fields.Boolean(
        string="Leave out Paused Customers", default=lambda self: self.env.company.ar_statement_skip_paused,
        help="And those handed over to an agency or lawyers.")
    with_xlsx = fields.Boolean(string="Attach XLSX", default=lambda self: self.env.company.ar_statement_xlsx)
    state = fields.Selection(
        selection=[
            ('draft', "Draft"), ('preview', "Preview"), ('sending', "Sending"), ('done', "Done"),
            ('cancelled', "Cancelled")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True)
    is_automatic = fields.Boolean(string="Automatic", readonly=True, copy=False)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Responsible", default=lambda self: self.env.user, readonly=True, copy=False)
    date_previewed = fields.Datetime(string="Previewed on", readonly=True, copy=False)
    date_done = fields.Datetime(string="Done on", readonly=True, copy=False)
    line_ids = fields.One2many(
        comodel_name='ar.statement.run.line', inverse_name='run_id', string="Statements", readonly=True)
    statement_count = fields.Integer(string="Statements to Send", compute='_compute_counts')
    skipped_count = fields.Integer(string="Customers Left Out", compute='_compute_counts')
    print_count = fields.Integer(string="To Print", compute='_compute_counts')
    summary_html = fields.Html(string="Summary", compute='_compute_counts', sanitize=False)
    progress = fields.Json(compute='_compute_counts', help="{total, done, failed: number of statements}")

    _automatic_uniq = models.UniqueIndex(
        "(company_id, date_to) WHERE is_automatic AND state != 'cancelled'",
        "There is an automatic statement run of this company for this day already.")

    # === COMPUTE METHODS === #

    @api.depends('company_id.name', 'date_to')
    def _compute_name(self):
        for run in self:
            lang = run.company_id.partner_id.lang or self.env.lang  # the name is stored: the same for everybody
            run.name = self.env._(
                "Statements %(day)s, %(company)s", company=run.company_id.name,
                day=format_date(self.env, run.date_to, lang_code=lang))

    @api.depends('line_ids.state', 'line_ids.reason', 'line_ids.channel')
    @api.depends_context('lang')
    def _compute_counts(self):
        groups = defaultdict(list)
        for run, *row in self.env['ar.statement.run.line']._read_group(
                [('run_id', 'in', self._origin.ids)], ['run_id', 'state', 'channel', 'reason'], ['__count']):
            groups[run.id].append(row)
        for run in self:
            own = groups[run._origin.id]

            def count(*states, own=own, channel=None):
                return sum(number for state, found, _reason, number in own
                           if state in states and channel in (None, found))
            run.skipped_count = count('skipped')
            total = count('draft', 'queued', 'sent', 'failed', 'bounced')
            run.statement_count = total
            run.print_count = count('queued', channel='letter')
            run.progress = {'total': total, 'done': total - count('draft'), 'failed': count('failed', 'bounced')}
            run.summary_html = self.env['ir.qweb']._render(
                'ar_coordinator.ar_statement_run_summary', {'rows': run._describe_counts(own)}) if own else False

    def _describe_counts(self, counts):
        """Return the rows of the summary: (state, label of what happens, label of why, number)."""
        fields_by_name = self.env['ar.statement.run.line']._fields
        states, channels, reasons = (
            dict(fields_by_name[name]._description_selection(self.env)) for name in ('state', 'channel', 'reason'))
        rows = defaultdict(int)
        for state, channel, reason, number in counts:
            what = channels.get(channel, "") if state == 'draft' else states[state]
            rows[state == 'skipped', state, what, reasons.get(reason, "")] += number
        return [(state, what, why, number) for (_last, state, what, why), number in sorted(rows.items())]

    # === CONSTRAINT METHODS === #

    @api.constrains('date_from', 'date_to', 'kind', 'company_id')
    def _check_dates(self):
        for run in self:
            if run.date_to > run.company_id._ar_today():
                raise ValidationError(self.env._("%s: there is no statement of a day to come.", run.name))
            if run.kind != 'open' and (not run.date_from or run.date_from > run.date_to):
                raise ValidationError(self.env._(
                    "%s: account activity needs a first day, which is not after its last day.", run.name))

    # === ACTION METHODS === #

    def action_preview(self):
        """Show who would get a statement, how, and who would not, and why; may be repeated until the run is sent.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a run that is being sent, done or cancelled
        """
        for run in self._lock_in_state('draft', 'preview'):
            run._reset_preview()
            run._preview()
            run.write({'state': 'preview', 'date_previewed': fields.Datetime.now()})

    def action_send(self):
        """Send the previewed statements: a few at once, many in the background.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a run that was not previewed
        """
        for run in self._lock_in_state('preview'):
            run.write({'state': 'sending', 'user_id': self.env.uid})
            if run.statement_count <= INLINE_LINES:
                run._send_all()
            if run.state == 'sending':
                run._trigger_send()

    def action_cancel(self):
        """Give a run up before it is sent.

        :raise AccessError: unless the user works the desk
        :raise UserError: for a run that is being sent or done
        """
        for run in self._lock_in_state('draft', 'preview'):
            run.line_ids.filtered(lambda line: line.state == 'draft').write({'state': 'cancelled'})
            run.state = 'cancelled'

    def action_view_lines(self):
        """Open the statements of the run; with `ar_state` in the context only those left out."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_statement_run_line_action')
        skipped = self.env.context.get('ar_state') == 'skipped'
        return {**action, 'context': {}, 'domain': [
            ('run_id', '=', self.id), ('state', '=' if skipped else '!=', 'skipped')]}

    def action_print(self):
        """Return all statements that wait for the post as one PDF. Printing says nothing about posting.

        :raise UserError: when none waits
        """
        self.ensure_one()
        lines = self.line_ids.filtered(lambda line: line.channel == 'letter' and line.state == 'queued')
        if not lines:
            raise UserError(self.env._("%s has no statement to print.", self.name))
        return lines.action_print()

    def action_mark_sent(self):
        """Say that all printed statements of the run are in the post.

        :raise AccessError: for readers
        """
        for run in self:
            run.line_ids.filtered(lambda line: line.channel == 'letter' and line.state == 'queued').action_mark_sent()

    # === PREVIEW === #

    def _reset_preview(self):
        """Forget the previous preview."""
        self.line_ids.unlink()
        self.write({'state': 'draft', 'date_previewed': False})

    def _preview(self):
        """Decide about the customers, some at a time, and store the decisions."""
        run = self._in_company()
        sections = run._get_sections(run._get_customers())
        lines = self.env['ar.statement.run.line'].with_context(
            tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True, mail_notrack=True)
        for partner_ids in split_every(BATCH_CUSTOMERS, sections, list):
            lines.create(list(run._decide({number: sections[number] for number in partner_ids}).values()))
        self.invalidate_recordset()

    def _get_customers(self):
        """Return who the run looks at, as res.partner, archived ones too; the companies above them not yet."""
        customers = self.env['res.partner'].with_context(active_test=False)
        if self.partner_ids:
            domain = Domain('id', 'in', self.partner_ids.commercial_partner_id.ids)
        else:
            options = {'as_of': self.date_to, 'company_ids': self.company_id.ids}
            if self.kind != 'open':
                options['date_from'] = self._get_first_day('quarterly' if self.is_automatic else 'monthly')
            domain = Domain('id', 'in', self.env['ar.ledger'].statement_customers(options))
        if self.category_ids:
            domain &= Domain('category_id', 'child_of', self.category_ids.ids)
        if self.collector_ids:
            domain &= Domain('ar_collector_id', 'in', self.collector_ids.ids)
        if self.risk_class_ids:
            domain &= Domain('ar_credit_class_id', 'in', self.risk_class_ids.ids)
        return customers.search(domain, order='id')

    def _get_sections(self, customers):
        """Return {customer id: ids of the customers on his statement}, those of subsidiaries with an empty list.

        A parent that wants one statement for all gets one though nothing of its own is open.
        """
        parents, seen, above = {}, customers, customers
        while above:  # `_ar_statement_parents` names the nearest, whose own may go further up
            found = above._ar_statement_parents()
            parents.update(found)
            above = above.union(*found.values()) - seen
            seen += above
        sections = {partner.id: [partner.id] for partner in customers}
        for partner in customers:
            if parent := parents.get(partner.id):
                while parent.id in parents:
                    parent = parents[parent.id]
                sections.setdefault(parent.id, [parent.id]).append(partner.id)
                sections[partner.id] = []
        return sections

    # === DECISIONS === #

    def _get_first_day(self, frequency):
        """Return the first day of activity for customers of a frequency: automatic runs cover their whole period."""
        if self.is_automatic and frequency == 'quarterly':
            return fields.Date.subtract(self.date_from, months=2)
        return self.date_from

    def _decide(self, sections):
        """Decide about customers: who gets which statement, how, or why not. A constant number of queries.

        :param dict sections: {customer id: ids of the customers on his statement}
        :return: {customer id: values of ar.statement.run.line}
        """
        self = self._in_company()
        partners = self.env['res.partner'].with_context(active_test=False).browse(sections)
        everybody = sorted({number for own in sections.values() for number in own} | set(sections))
        excluded, moved = self._get_excluded(everybody), self._get_moved(everybody)
        sections = {  # who is left alone is on nobody's statement; its own line says why
            number: [one for one in own if one == number or one not in excluded] for number, own in sections.items()}
        totals = self.env['ar.ledger'].statement_totals({
            'as_of': self.date_to, 'company_ids': self.company_id.ids, 'partner_ids': everybody})
        recipients = self._get_recipients(partners)
        done = {(partner.id, kind) for partner, kind in self.env['ar.statement.run.line']._read_group([
            ('company_id', '=', self.company_id.id), ('partner_id', 'in', partners.ids),
            ('date_to', '=', self.date_to), ('state', 'in', COUNTED_STATES)], ['partner_id', 'kind'])}
        decisions = {}
        for partner in partners:
            own = [totals.get(number, {}) for number in sections[partner.id]]
            vals = self._prepare_line(partner, sections[partner.id], own, *recipients[partner.id])
            reason = self._get_skip_reason(
                partner, vals, sections[partner.id], own, excluded, moved,
                is_done=(partner.id, vals['kind']) in done)
            if reason:
                vals.update(state='skipped', reason=reason)
            decisions[partner.id] = vals
        return decisions

    def _get_recipients(self, partners):
        """Return {customer id: (recipient, reason it cannot be e-mail or None, others who get it too)}."""
        addresses = self._get_addresses(partners.ids)
        contacts = partners._ar_statement_contacts(partners, self.company_id)
        bounced = self.env['ar.outbox.message']._get_bounced_emails(partners)
        recipients = {}
        for partner_id, (recipient, reason) in addresses.items():
            by_email = {
                contact.email_normalized: contact for contact in reversed(contacts.get(partner_id, partners.browse()))
                if contact.email_normalized not in bounced and not contact.is_blacklisted}
            reached = partners.browse().union(*by_email.values()).sorted('id')
            if reached and recipient not in reached:
                recipient, reason = reached[0], None
            recipients[partner_id] = (recipient, reason, reached - recipient if not reason else partners.browse())
        return recipients

    def _get_excluded(self, partner_ids):
        """Return the ids of customers to leave alone: paused, or handed over."""
        if not self.skip_paused:
            return set()
        paused = self.env['ar.pause']._paused(self.company_id, self.company_id._ar_today(), partner_ids)[0]
        return {*paused, *self.env['ar.hand.over']._handed_over(self.company_id, partner_ids)}

    def _get_moved(self, partner_ids):
        """Return the ids of customers with activity or open items."""
        options = {'as_of': self.date_to, 'company_ids': self.company_id.ids, 'partner_ids': partner_ids}
        if self.kind == 'open':
            return set(self.env['ar.ledger'].statement_customers(options))
        first = self._get_first_day('quarterly' if self.is_automatic else 'monthly')
        return set(self.env['ar.ledger'].statement_customers({**options, 'date_from': first}))

    def _prepare_line(self, partner, section_ids, totals, recipient, email_reason, others):
        """Return the values of a customer's statement.

        :param list totals: of each section, see `ar.ledger.statement_totals`
        :param recipient: res.partner, with the reason why it is no e-mail, or None, and the others who get one
        """
        company = self.company_id
        kind = self.kind if self.kind != 'customer' else partner.ar_statement_kind or company.ar_statement_kind
        frequency = partner.ar_statement_frequency or company.ar_statement_frequency
        figures = [own for section in totals for own in section.values()]
        by_currency = defaultdict(float)
        for section in totals:
            for currency_id, own in section.items():
                by_currency[currency_id] += own['total']
        currencies = self.env['res.currency'].browse(by_currency).sorted('name')
        return {
            'run_id': self.id,
            'partner_id': partner.id,
            'section_partner_ids': [fields.Command.set(section_ids)],
            'kind': kind,
            'date_from': self._get_first_day(frequency) if kind == 'activity' else False,
            'date_to': self.date_to,
            'balance': sum(own['total_company'] for own in figures),
            'overdue': sum(own['overdue_company'] for own in figures),
            'balance_note': " · ".join(
                format_amount(self.env, by_currency[currency.id], currency) for currency in currencies) or False,
            'recipient_id': recipient.id,
            'other_recipient_ids': [fields.Command.set(others.ids)],
            'email_to': recipient.email_normalized if not email_reason else False,
            'lang': self._get_language(recipient),
            'channel': 'letter' if email_reason else 'email',
            'state': 'draft',
            'reason': email_reason or False,
        }

    def _get_skip_reason(self, partner, vals, section_ids, totals, excluded, moved, is_done):
        """Return why a customer gets no statement, or None."""
        company = self.company_id
        balances = [company.currency_id.round(own['total']) for section in totals for own in section.values()]
        frequency = partner.ar_statement_frequency or company.ar_statement_frequency
        is_chosen = partner in self.partner_ids.commercial_partner_id
        checks = (
            ('consolidated', not section_ids and partner.id not in excluded),
            ('archived', not partner.active),
            ('unwanted', frequency == 'none' and not is_chosen),
            ('not_now', self.is_automatic and frequency == 'quarterly' and self.date_to.month not in QUARTER_ENDS),
            ('paused', partner.id in excluded),
            ('already_sent', is_done),
            ('nothing', not moved & set(section_ids)),
            ('zero', self.skip_zero and not any(balances) and vals['kind'] == 'open'),
            ('not_overdue', self.only_overdue and company.currency_id.compare_amounts(vals['overdue'], 0) <= 0),
            ('unreachable', vals['channel'] == 'letter' and not has_postal_address(
                self.env['res.partner'].browse(vals['recipient_id']))),
        )
        return next((reason for reason, applies in checks if applies), None)

    # === SENDING === #

    def _get_batch_size(self):
        """Override: as many as are printed as one document."""
        return BATCH_LINES

    def _send_batch(self, lines):
        """Override: lock, decide once more, queue."""
        self = self._in_company()
        lines = lines.try_lock_for_update(allow_referencing=True)
        lines.invalidate_recordset()
        lines = lines.filtered(lambda line: line.state == 'draft')
        if not lines:
            return
        self.env.invalidate_all()
        lines -= self._leave_out_changed(lines)
        fresh = self._decide({line.partner_id.id: line.section_partner_ids.ids for line in lines})
        for line in lines:
            vals = fresh[line.partner_id.id]
            [[_command, _zero, others]] = vals['other_recipient_ids']
            if set(others) != set(line.other_recipient_ids.ids):
                line.other_recipient_ids = others
            write_changed(line, {name: value for name, value in vals.items() if name not in (
                'run_id', 'section_partner_ids', 'other_recipient_ids')})
            [[_command, _zero, covered]] = vals['section_partner_ids']
            if gone := set(line.section_partner_ids.ids) - set(covered):  # paused or handed over since the preview
                line.section_partner_ids -= line.section_partner_ids.browse(gone)
                self.line_ids.filtered(lambda own, gone=gone: own.partner_id.id in gone).reason = 'paused'
        lines.filtered(lambda line: line.state == 'draft')._queue()

    def _leave_out_changed(self, lines):
        """Leave out statements that would cover other customers by now than in the preview; return those lines.

        A company that was sold, or that is to get its own statement now, must not be on the former parent's. What it
        is to get instead nobody has previewed: that takes a new run.
        """
        customers = (lines.partner_id + lines.section_partner_ids).with_context(active_test=False)
        sections = self._get_sections(customers)
        changed = lines.filtered(
            lambda line: set(sections[line.partner_id.id]) != set(line.section_partner_ids.ids))
        if changed:
            covered = self.env['ar.statement.run.line'].search([
                ('run_id', '=', self.id), ('reason', '=', 'consolidated'),
                ('partner_id', 'in', changed.section_partner_ids.ids)])
            (changed + covered).write({'state': 'skipped', 'reason': 'changed'})
        return changed

    def _get_failure_note(self):
        """Override: statements are sent again by hand."""
        return self.env._("See the statements in state Failed, and send them again when the trouble is over.")

    # === AUTOMATIC === #

    @api.model
    def _cron_run(self):
        """Daily job: prepare the statements of companies whose day it is, then send; one's trouble stops no other."""
        self._run_companies(self.env['res.company'].search([('ar_statement_automatic', '!=', 'no')]))

    @api.model
    def _run_automatically(self, company):
        """Preview the company's statements when it is their day; return the run when it is to be sent, else nothing."""
        today = company._ar_today()
        if not company.ar_statement_next_date or company.ar_statement_next_date > today:
            return self.browse()
        first, last = company._ar_statement_period(today)
        company.ar_statement_next_date = company._ar_next_statement_date(today)
        if self.search_count([
                ('company_id', '=', company.id), ('date_to', '=', last), ('is_automatic', '=', True),
                ('state', '!=', 'cancelled')], limit=1):
            return self.browse()
        run = self.with_company(company).create({
            'company_id': company.id, 'date_from': first, 'date_to': last, 'is_automatic': True})
        run.action_preview()
        if not run.statement_count:
            run.action_cancel()
        elif company.ar_statement_automatic == 'send':
            run.state = 'sending'
            return run
        else:
            run.activity_schedule(
                'mail.mail_activity_data_todo', date_deadline=today, user_id=run._get_responsible().id,
                summary=self.env._("Send the statements of the month"))
        return self.browse()
