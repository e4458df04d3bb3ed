"""One customer's statement in a run: how it goes out and what became of it, or why there is none.

Written by runs only. What was sent stays: the PDF (and XLSX) is made when the statement is queued and kept with it;
sending it again sends the same file.
"""
import io

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from .ar_dunning_channels import has_postal_address
from .ar_dunning_reply import REPLY_ACTIVITY
from .ar_statement_settings import KINDS

STATEMENT_REPORT = 'ar_coordinator.report_ar_statement_line'
REASONS = [
    ('no_address', "No e-mail address"), ('unreachable', "Neither e-mail nor postal address"),
    ('bounced', "E-mail address bounced"), ('blacklisted', "Blacklisted"),
    ('nothing', "Nothing open or posted"), ('zero', "Balance is zero"), ('not_overdue', "Nothing overdue"),
    ('unwanted', "Wants no statements"), ('not_now', "Wants one every quarter"),
    ('consolidated', "On the parent's statement"), ('paused', "Paused or handed over"), ('archived', "Archived"),
    ('already_sent', "Sent already for this day"), ('changed', "Changed since the preview"),
]


class ArStatementRunLine(models.Model):
    _name = 'ar.statement.run.line'
    _description = "Statement of a Customer"
    _inherit = ['ar.outbox.message', 'mail.thread', 'mail.activity.mixin']
    _order = 'run_id desc, partner_id, id'
    _mail_post_access = 'read'

    name = fields.Char(compute='_compute_name', store=True, precompute=True)
    run_id = fields.Many2one(
        comodel_name='ar.statement.run', index=True, ondelete='restrict', readonly=True, required=True)
    company_id = fields.Many2one(related='run_id.company_id', store=True, precompute=True, index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', readonly=True)
    section_partner_ids = fields.Many2many(
        comodel_name='res.partner', relation='ar_statement_run_line_section_rel', string="Covers", readonly=True,
        help="The customers on this statement: itself and, where it wants one for all, its subsidiaries.")
    recipient_id = fields.Many2one(
        comodel_name='res.partner', required=True, index=True, ondelete='restrict', readonly=True)
    other_recipient_ids = fields.Many2many(
        comodel_name='res.partner', relation='ar_statement_run_line_recipient_rel', string="Also to", readonly=True,
        help="The customer's other contacts who get statements, each by an e-mail of their own.")
    email_to = fields.Char(string="E-mail", readonly=True, help="Where it was sent, as the address was then.")
    lang = fields.Char(string="Language", readonly=True)
    channel = fields.Selection(
        selection=[('email', "E-mail"), ('letter', "Printed letter")], required=True, default='email', readonly=True)
    kind = fields.Selection(selection=KINDS, required=True, readonly=True)
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="Up to", required=True, readonly=True)
    balance = fields.Monetary(readonly=True, help="In company currency, as of the statement's last day.")
    overdue = fields.Monetary(readonly=True)
    balance_note = fields.Char(string="By Currency", readonly=True)
    state = fields.Selection(
        selection=[
            ('draft', "To send"), ('queued', "Queued"), ('sent', "Sent"), ('failed', "Failed"), ('bounced', "Bounced"),
            ('cancelled', "Cancelled"), ('skipped', "Left out")],
        default='draft', required=True, index=True, readonly=True, tracking=True)
    reason = fields.Selection(
        selection=REASONS, string="Why", readonly=True, help="Why it is left out, or printed instead of e-mailed.")
    failure_reason = fields.Text(readonly=True)
    date_sent = fields.Datetime(string="Sent on", readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Sent by", readonly=True)
    mail_message_id = fields.Many2one(
        comodel_name='mail.message', string="E-mail Message", index='btree_not_null', ondelete='set null',
        readonly=True)
    subject = fields.Char(readonly=True)
    body_sent = fields.Html(string="E-mail as Sent", sanitize=False, readonly=True)  # as it left the house
    attachment_id = fields.Many2one(
        comodel_name='ir.attachment', string="Statement", index='btree_not_null', ondelete='set null', readonly=True,
        help="The PDF as it was sent.")
    table_attachment_id = fields.Many2one(
        comodel_name='ir.attachment', string="As a Table", index='btree_not_null', ondelete='set null', readonly=True)

    is_merged = fields.Boolean(readonly=True, copy=False, help="Of a customer that was merged into this one.")

    # Whoever calls, and however many workers: a customer gets the statement of a day once.
    _sent_uniq = models.UniqueIndex(
        "(company_id, partner_id, kind, date_to) WHERE state IN ('queued', 'sent') AND is_merged IS NOT TRUE",
        "A customer gets the statement of a day only once.")
    _run_uniq = models.UniqueIndex(
        "(run_id, partner_id) WHERE is_merged IS NOT TRUE", "A customer has one statement in a run.")

    # === COMPUTE AND CRUD METHODS === #

    @api.depends('partner_id.name', 'date_to')
    def _compute_name(self):
        for line in self:
            lang = line.company_id.partner_id.lang or self.env.lang  # the name is stored: the same for everybody
            line.name = self.env._(
                "Statement %(day)s: %(customer)s", day=format_date(self.env, line.date_to, lang_code=lang),
                customer=line.partner_id.name)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_unsent(self):
        if any(line.state not in ('draft', 'skipped', 'cancelled') or line.mail_message_id for line in self):
            raise UserError(self.env._(
                "A statement that went out is part of the customer's history and cannot be deleted."))

    # === ACTION METHODS === #

    def action_print(self):
        """Return the statements as one PDF: as they were sent, or as they would be now.

        Printing says nothing about posting: the state stays.

        :raise UserError: for customers who were left out
        """
        for line in self:
            if line.state == 'skipped':
                raise UserError(self.env._("%s was left out: there is no statement to print.", line.name))
        return self.env.ref('ar_coordinator.action_report_ar_statement_line').report_action(self)

    def action_send_again(self):
        """Send statements that did not arrive (or were lost) once more: the same file, to today's address.

        :raise AccessError: for readers
        :raise UserError: for statements that have not left the house, or without an e-mail address to send them to
        """
        self._check_user()
        lines = self.sudo()  # sudo: as above
        lines.lock_for_update(allow_referencing=True)
        lines.invalidate_recordset(['state'])
        for line in lines:
            if line.state not in ('sent', 'failed', 'bounced') or not line.attachment_id:
                raise UserError(self.env._("%s has not left the house yet.", line.name))
            run = line.run_id._in_company()
            recipient, reason, others = run._get_recipients(line.partner_id)[line.partner_id.id]
            if reason and not has_postal_address(recipient):
                raise UserError(self.env._(
                    "%(statement)s: mend the address of %(customer)s first.", statement=line.name,
                    customer=recipient.display_name))
            # an e-mail of before that failed could still be sent by hand
            self.env['mail.mail'].sudo().search([
                ('mail_message_id', '=', line.mail_message_id.id), ('state', '!=', 'sent')]).cancel()
            line.write({
                'state': 'draft', 'recipient_id': recipient.id, 'failure_reason': False,
                'other_recipient_ids': [fields.Command.set(others.ids)],
                'email_to': recipient.email_normalized if not reason else False,
                'channel': 'letter' if reason else 'email', 'reason': reason or False})
        lines._queue()

    # === CONTENT === #

    def _get_statements(self):
        """Return {line id: [(customer, data of `ar.statement.get_many`)]}, the sections of each statement.

        A query set per kind and period, not per customer.
        """
        statements = {}
        for (company, kind, first, last), lines in self.grouped(
                lambda line: (line.company_id, line.kind, line.date_from, line.date_to)).items():
            # sudo: whoever may read the line may read what it says, see `check_access` of the callers
            many = self.env['ar.statement'].sudo().get_many(lines.section_partner_ids, company, kind, first, last)
            for line in lines:
                partners = line.section_partner_ids.sorted(
                    lambda partner, line=line: (partner != line.partner_id, partner.name))
                own = [(partner, many[partner.id]) for partner in partners]
                statements[line.id] = [section for section in own if section[1]['tables']] or own[:1]
        return statements

    def _get_totals(self, sections):
        """Return the totals by currency over all sections: [(currency, total, overdue)], formatted."""
        totals = {}
        for _partner, data in sections:
            for table in data['tables']:
                total = totals.setdefault(table['currency_id'], [0.0, 0.0])
                total[0] += table['total'] if data['kind'] == 'open' else table['closing']
                total[1] += table['overdue']
        currencies = self.env['res.currency'].browse(totals).sorted('name')
        return [(currency.name, *(
            self._format_amount(currency.round(amount), currency) for amount in totals[currency.id]))
            for currency in currencies]

    def _render_balance(self):
        """Return the balances as HTML, for the mail template."""
        line = self._localized()
        totals = line._get_totals(line._get_statements()[line.id])
        return line.env['ir.qweb']._render('ar_coordinator.ar_statement_mail_balance', {'totals': totals})

    def _render_sender(self):
        """Return the company's address block as HTML, for the mail template."""
        line = self._localized()
        return line.env['ir.qweb']._render('ar_coordinator.ar_dunning_letter_sender', {'letter': line})

    def _get_period_text(self):
        """Return the statement's day or period in the recipient's language."""
        line = self._localized()
        return line.env['ar.statement']._get_period({
            'kind': self.kind, 'date_from': self.date_from, 'date_to': self.date_to})

    def _get_reference(self):
        """Return what the statement calls itself, and what tells it from the others of a file."""
        return f"ST-{self._origin.id or 0:06}"

    # === QUEUEING === #

    @api.model
    def mail_allowed_qweb_expressions(self):
        """Override of `mail`: what templates may use without the right to write code, and is rendered the short way."""
        return (
            *super().mail_allowed_qweb_expressions(), 'object.lang', 'object.recipient_id.id',
            'object.recipient_id.name', 'object.company_id.name', 'object.company_id.email')

    def _get_template(self):
        """Override: the company's wording, else the standard one."""
        template = self.company_id.ar_statement_template_id or self.env.ref(
            'ar_coordinator.mail_template_ar_statement', raise_if_not_found=False)
        if not template:
            raise UserError(self.env._(
                "The standard text of statements was deleted: choose a template in the settings of %s.",
                self.company_id.name))
        return template

    def _freeze(self):
        """Make the files of statements that have none, and keep them: those of a batch in one go."""
        lines = self.filtered(lambda line: not line.attachment_id)
        if not lines:
            return
        reports = self.env['ir.actions.report']
        content, report_type = reports._pre_render_qweb_pdf(STATEMENT_REPORT, lines.ids)
        documents = reports._get_splitted_report(STATEMENT_REPORT, content, report_type)
        files = {'attachment_id': {line: ('pdf', documents[line.id]) for line in lines}}
        tables = lines.filtered(lambda line: line.run_id.with_xlsx)
        statements = tables._get_statements()
        files['table_attachment_id'] = {line: ('xlsx', line._make_xlsx(statements[line.id])) for line in tables}
        for name, contents in files.items():
            attachments = self.env['ir.attachment'].create([{
                'name': line._get_filename(extension), 'raw': raw, 'res_model': self._name, 'res_id': line.id,
            } for line, (extension, raw) in contents.items()])
            for line, attachment in zip(contents, attachments, strict=True):
                line[name] = attachment

    def _get_filename(self, extension):
        """Return a file's name in the recipient's language."""
        return self._localized().env['ar.statement']._get_filename(
            {'kind': self.kind, 'date_from': self.date_from, 'date_to': self.date_to}, extension)

    def _make_xlsx(self, sections):
        """Return the bytes of the statement as XLSX, in the recipient's language."""
        return self._localized().env['ar.statement']._write_xlsx(
            [(partner.name, data) for partner, data in sections], self.company_id)

    def _queue_prints(self, template):
        """Override: freeze what is printed; it waits for somebody to post it."""
        self._freeze()
        self.write({'state': 'queued', 'user_id': self.env.uid})
        self.env.flush_all()  # the database refuses a second statement of the day here, and not when all is committed
        self._note_in_chatter()

    def _queue_mails(self, template):
        """Override: freeze, and create the e-mails with notifications, which bounces find back."""
        self._freeze()
        self._create_mails(template, {line.id: line.attachment_id + line.table_attachment_id for line in self})
        self._queue_copies()
        self.filtered(lambda line: line.state == 'queued')._note_in_chatter()

    def _describe_failure_of(self, error):
        """Override: another run was quicker."""
        if isinstance(error, UniqueViolation):
            return self.env._("Another run has sent this customer the statement of this day.")
        return super()._describe_failure_of(error)

    def _note_in_chatter(self):
        """Leave a note on the customers, those whose figures are on a parent's statement too."""
        notes = {}
        for line in self:
            values = {
                'statement': line._get_html_link(), 'balance': line.balance_note or "",
                'to': ", ".join(
                    [line.email_to or line.recipient_id.display_name,
                     *(line.other_recipient_ids.mapped('email_normalized') if line.channel == 'email' else ())])}
            if line.channel == 'letter':
                note = self.env._("%(statement)s (%(balance)s) to print and post for %(to)s", **values)
            else:
                note = self.env._("%(statement)s (%(balance)s) sent to %(to)s", **values)
            for partner in line.partner_id + line.section_partner_ids:
                notes[partner.id] = note
        self.env['res.partner'].browse(notes)._message_log_batch(notes)

    # === AFTERWARDS === #

    def _message_receive_bounce(self, email, partner):
        """Override of `mail`: the statement did not arrive."""
        result = super()._message_receive_bounce(email, partner)
        for line in self.filtered(lambda line: line.state in ('queued', 'sent') and line.channel == 'email'):
            if line.recipient_id in partner or line.email_to == email:
                line.write({'state': 'bounced', 'failure_reason': self.env._("Bounced: %s", email)})
        return result

    def _get_undelivered_summary(self):
        """Override: it is a statement."""
        return self.env._("Statement not delivered to %s", self.partner_id.name)

    def _get_undelivered_todo(self):
        """Override: statements are sent again by hand."""
        return self.env._("Mend the address, then send it again: the same file goes out.")

    def _get_reply_user(self):
        """Return who looks after what comes back: the customer's collector, else whoever sent the run."""
        collector = self.partner_id.with_company(self.company_id).ar_collector_id
        candidates = (collector, self.run_id._get_responsible(), self.user_id)
        return next((user for user in candidates if user and user.active), self.env.user)

    def _get_reply_target(self, user):
        """Return the record the task belongs to: one its user may read."""
        sees_statements = user.has_group('ar_coordinator.group_ar_base') and self.company_id in user.company_ids
        return self if sees_statements else self.partner_id

    def message_update(self, msg_dict, update_vals=None):
        """Override of `mail`: an incoming e-mail for a statement is the customer's reply; its collector gets a task."""
        if not self.env.su:  # the gateway is; anybody could say that a customer wrote
            self.check_access('write')
        result = super().message_update(msg_dict, update_vals)
        author = self.env['res.partner'].browse(msg_dict.get('author_id') or [])
        if (not author or author.partner_share) and not self.env.context.get('ar_automatic_reply'):
            for line in self.filtered(lambda line: line.state != 'draft'):
                user = line._get_reply_user()
                line._get_reply_target(user).activity_schedule(
                    REPLY_ACTIVITY, date_deadline=line.company_id._ar_today(), user_id=user.id,
                    summary=self.env._("Reply of %s to a statement", line.partner_id.name), note=line._get_html_link())
        return result


class ArOutboxMessage(models.AbstractModel):
    _inherit = 'ar.outbox.message'

    @api.model
    def _get_outbox_models(self):
        """Override: statements go by the outbox, too."""
        return [*super()._get_outbox_models(), 'ar.statement.run.line']


class ReportArStatementLine(models.AbstractModel):
    _name = 'report.ar_coordinator.report_ar_statement_line'
    _description = "Statement of a Customer: PDF"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template shows, each statement in its recipient's language.

        :return: dict: docs (ar.statement.run.line), documents {line id: {sections: [(customer's name, tables)],
            totals, period}}
        """
        lines = self.env['ar.statement.run.line'].browse(docids)
        lines.check_access('read')
        documents = {}
        for line_id, sections in lines._get_statements().items():
            line = lines.browse(line_id)._localized()
            documents[line_id] = {
                'period': line._get_period_text(), 'totals': line._get_totals(sections),
                'is_past': line.date_to < line.company_id._ar_today(),
                'sections': [
                    (partner.name, line.env['ar.statement']._get_tables(data)) for partner, data in sections]}
        return {'doc_ids': docids, 'doc_model': lines._name, 'docs': lines, 'documents': documents}


class IrActionsReport(models.Model):
    _inherit = 'ir.actions.report'

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Override of `base`: statements that were sent are shown as they were, the others are rendered together."""
        if not res_ids or self._get_report(report_ref).report_name != STATEMENT_REPORT:
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        lines = self.env['ar.statement.run.line'].browse(dict.fromkeys(res_ids))
        lines.check_access('read')
        fresh = lines.filtered(lambda line: not line.attachment_id)
        streams = self._ar_render_streams(
            report_ref, data, fresh, lambda line: super(IrActionsReport, self)._render_qweb_pdf_prepare_streams(
                report_ref, dict(data or {}), res_ids=line.ids)[line.id]['stream'])
        # sudo: whoever may read the statement may read the file that was sent
        return {line.id: {
            'stream': streams.get(line.id) or io.BytesIO(line.sudo().attachment_id.raw), 'attachment': None,
        } for line in lines}

