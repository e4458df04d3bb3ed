"""Month-end pack: one XLSX and one PDF with every receivables report of a period, for the auditor; kept and locked.

The files are attachments of the record, with checksums taken when they were made. A locked pack stays as it is: neither
it nor its files can be changed or deleted, and *Verify* says whether the files still are what was made.
"""
import hashlib
import io

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date

from ..engine import kpi
from ..reports.ar_aging_xlsx import open_workbook
from ..reports.ar_table_xlsx import TableWorkbook
from .ar_guard import without_defaults

GUARDED_FIELDS = {
    'state', 'xlsx_id', 'pdf_id', 'xlsx_checksum', 'pdf_checksum', 'made_by_id', 'made_at', 'locked_by_id', 'locked_at'}
SUBJECT = {'company_id', 'date_from', 'date_to', 'aging_group_by'}  # another one needs other files
INPUTS = {*SUBJECT, 'check_ids'}
FILES = {'xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'pdf': 'application/pdf'}


class ArMonthEndPack(models.Model):
    _name = 'ar.month.end.pack'
    _description = "Month-End Pack"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'date_to desc, id desc'

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    date_from = fields.Date(
        string="From", required=True, compute='_compute_date_from', store=True, readonly=False, precompute=True)
    date_to = fields.Date(
        string="To", required=True, default=lambda self: kpi.previous_month_end(self.env.company._ar_today()))
    aging_group_by = fields.Selection(
        selection='_get_groupings', string="Aged Receivables by", required=True, default='partner')
    state = fields.Selection(
        selection=[('draft', "New"), ('made', "Made"), ('locked', "Locked")], default='draft', required=True,
        index=True, readonly=True, copy=False, tracking=True)
    check_ids = fields.One2many(comodel_name='ar.month.end.check', inverse_name='pack_id', string="Checks", copy=False)
    has_findings = fields.Boolean(compute='_compute_has_findings')
    xlsx_id = fields.Many2one(
        comodel_name='ir.attachment', string="XLSX", readonly=True, copy=False, index='btree_not_null')
    pdf_id = fields.Many2one(
        comodel_name='ir.attachment', string="PDF", readonly=True, copy=False, index='btree_not_null')
    xlsx_checksum = fields.Char(string="SHA-256 of the XLSX", readonly=True, copy=False)
    pdf_checksum = fields.Char(string="SHA-256 of the PDF", readonly=True, copy=False)
    made_by_id = fields.Many2one(comodel_name='res.users', string="Made by", readonly=True, copy=False)
    made_at = fields.Datetime(string="Made at", readonly=True, copy=False)
    locked_by_id = fields.Many2one(comodel_name='res.users', string="Locked by", readonly=True, copy=False)
    locked_at = fields.Datetime(string="Locked at", readonly=True, copy=False)

    # === COMPUTE METHODS === #

    @api.depends('date_to', 'company_id')
    def _compute_name(self):
        for record in self:
            record.name = self.env._("Month end %(day)s, %(company)s", company=record.company_id.name or "",
                                     day=format_date(self.env, record.date_to) if record.date_to else "")

    @api.depends('date_to')
    def _compute_date_from(self):
        for record in self:
            record.date_from = record.date_to and record.date_to.replace(day=1)

    @api.depends('check_ids.is_ok')
    def _compute_has_findings(self):
        for record in self:
            record.has_findings = not all(record.check_ids.mapped('is_ok'))

    @api.model
    def _get_groupings(self):
        """Return what the aged receivables can be grouped by; a pack is of one company."""
        return [(key, label) for key, label in self.env['ar.aging.report']._group_labels().items() if key != 'company']

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for record in self:
            if record.date_from > record.date_to:
                raise ValidationError(self.env._("%s: the period ends before it starts.", record.name))
            if record.date_to > record.company_id._ar_today():
                raise ValidationError(self.env._("%s: the period is not over yet.", record.name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(GUARDED_FIELDS & set(vals) for vals in vals_list):
            raise AccessError(self.env._("A month-end pack is made by its button."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._("The files of a month-end pack and its status change by its buttons."))
        if (GUARDED_FIELDS | INPUTS) & set(vals):
            self._check_open()
        if not SUBJECT & set(vals):
            return super().write(vals)
        before = {record: record._get_subject() for record in self}
        result = super().write(vals)
        self.filtered(lambda record: record.state != 'draft' and record._get_subject() != before[record])._forget()
        return result

    def _get_subject(self):
        return self.company_id, self.date_from, self.date_to, self.aging_group_by

    def _forget(self):
        """Drop the files and checks of what the pack was about: it is new again."""
        packs = self.sudo()  # sudo: guarded fields, checks and files are the pack's; access was checked by write
        files = packs.xlsx_id | packs.pdf_id
        packs.check_ids.unlink()
        packs.write({
            'state': 'draft', **{f'{kind}_{name}': False for kind in FILES for name in ('id', 'checksum')},
            'made_by_id': False, 'made_at': False})
        files.unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self._check_open()

    def _check_open(self):
        """:raise UserError: when one is locked"""
        if locked := self.filtered(lambda record: record.state == 'locked'):
            raise UserError(self.env._("%s is locked and stays as it is.", ", ".join(locked.mapped('name'))))

    # === ACTIONS === #

    def action_make(self):
        """Make both files and the checks; made again, they replace the earlier ones.

        :raise AccessError: for others than managers
        :raise UserError: for a locked pack; when wkhtmltopdf is not installed
        """
        self.check_access('write')
        self._check_open()
        for record in self:
            reports = [
                (report, report.get_data(options))
                for report, options in record.with_company(record.company_id)._get_reports()]
            checks = record._get_checks({report._name: data for report, data in reports})
            record.check_ids.sudo().unlink()  # sudo: checks are the pack's, access was checked above
            record.sudo().check_ids = [Command.create(check) for check in checks]
            contents = {'xlsx': record._make_xlsx(reports, checks), 'pdf': record._make_pdf(reports, checks)}
            record._keep_files(contents)
            record.message_post(body=self.env._(
                "Made; SHA-256 of the XLSX %(xlsx)s, of the PDF %(pdf)s.", xlsx=record.xlsx_checksum,
                pdf=record.pdf_checksum))
        return True

    def action_lock(self):
        """Lock the pack: from now on it stays as it is.

        :raise AccessError, UserError: for others than managers; for a pack without files, or with changed ones
        """
        self.check_access('write')
        for record in self:
            if record.state != 'made':
                raise UserError(self.env._("%s: make the files first; a locked pack stays locked.", record.name))
            if changed := record._get_changed_files():
                raise UserError(self.env._(
                    "%(name)s: %(files)s is not what was made. Make the files again.", name=record.name,
                    files=", ".join(changed)))
            # sudo: guarded fields; access was checked above
            record.sudo().write({
                'state': 'locked', 'locked_by_id': self.env.uid, 'locked_at': fields.Datetime.now()})
        return True

    def action_verify(self):
        """Compare the files with their checksums and say the result in the chatter and on the screen."""
        self.check_access('read')
        self.ensure_one()
        changed = self._get_changed_files()
        text = self.env._("Changed since it was made: %s", ", ".join(changed)) if changed \
            else self.env._("Both files are what was made.")
        self.sudo().message_post(body=text, author_id=self.env.user.partner_id.id)  # sudo: a reader's check counts too
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification',
            'params': {'type': 'danger' if changed else 'success', 'message': text, 'sticky': bool(changed)}}

    def action_download_xlsx(self):
        """Return the action that downloads the XLSX."""
        return self._download('xlsx')

    def action_download_pdf(self):
        """Return the action that downloads the PDF."""
        return self._download('pdf')

    def _download(self, kind):
        self.ensure_one()
        return {'type': 'ir.actions.act_url', 'url': f'/web/content/{self[f"{kind}_id"].id}?download=true',
                'target': 'download'}

    # === FILES === #

    def _get_reports(self):
        """Return [(report, options)] of the pack, in order; a hook for others."""
        self.ensure_one()
        company = {'company_ids': self.company_id.ids}
        at = {**company, 'as_of': self.date_to.isoformat()}
        period = {**company, 'date_from': self.date_from.isoformat(), 'date_to': self.date_to.isoformat()}
        return [
            (self.env['ar.month.end.aging'], {**at, 'group_by': self.aging_group_by}),
            (self.env['ar.roll.forward'], {**period, 'group_by': 'account'}),
            (self.env['ar.sub.ledger'], at),
            (self.env['ar.unapplied.report'], at),
            (self.env['ar.month.end.provision'], at),
            (self.env['ar.loss.report'], at),
            (self.env['ar.month.end.kpi'], at),
        ]

    def _get_parameters(self):
        """[(label, value)]: the pack's own, who and when."""
        return [
            (self.env._("Company"), self.company_id.name), (self.env._("From"), self.date_from),
            (self.env._("To"), self.date_to), (self.env._("Currency"), self.currency_id.name),
            *self.env['ar.table.report']._get_signature()]

    def _get_check_table(self, checks):
        return {
            'key': 'checks', 'title': self.env._("Checks"), 'currency_id': self.currency_id.id, 'columns': [
                {'key': 'name', 'label': self.env._("Check"), 'type': 'text'},
                {'key': 'result', 'label': self.env._("Result"), 'type': 'text'},
                {'key': 'amount', 'label': self.env._("Amount or number"), 'type': 'number'}],
            'rows': [
                {'key': str(number), 'cells': {
                    'name': check['name'], 'amount': check['amount'],
                    'result': self.env._("In order") if check['is_ok'] else self.env._("To look at")}}
                for number, check in enumerate(checks)]}

    def _make_xlsx(self, reports, checks):
        buffer = io.BytesIO()
        with open_workbook(buffer) as workbook:
            workbook.set_properties({'title': self.name})
            writer = TableWorkbook(self.env, workbook)
            writer.add_table((self.name, self.company_id.name, ""), self._get_check_table(checks))
            for report, data in reports:
                writer.add_report(report, data)
            writer.add_parameters([
                *self._get_parameters(), *((report._get_title(data), report._get_subtitle(data))
                                           for report, data in reports)])
        return buffer.getvalue()

    def _make_pdf(self, reports, checks):
        renderer = self.env['ar.table.report']
        period = self.env._("%(first)s to %(last)s", first=format_date(self.env, self.date_from),
                            last=format_date(self.env, self.date_to))
        parts = renderer._get_pdf_parts(self._get_check_table(checks), self.currency_id.id)
        pages = [{'title': self.name, 'companies': self.company_id.name, 'subtitle': period,
                  'parts': [part for part, _height in parts]}]
        for report, data in reports:
            pages += report._get_pdf_pages(data)
        return renderer._print_pages(renderer._render_pages(pages))

    def _keep_files(self, contents):
        """Attach the files in the place of earlier ones, with their checksums."""
        old = self.xlsx_id | self.pdf_id
        values = {'state': 'made', 'made_by_id': self.env.uid, 'made_at': fields.Datetime.now()}
        for kind, content in contents.items():
            # sudo: the pack's own files; they are guarded, access to the pack was checked by the button
            attachment = self.env['ir.attachment'].sudo().create({
                'name': f'{self.name}.{kind}'.replace('/', '-'), 'raw': content, 'mimetype': FILES[kind],
                'res_model': self._name, 'res_id': self.id})
            values.update({
                f'{kind}_id': attachment.id, f'{kind}_checksum': hashlib.sha256(content).hexdigest()})
        self.sudo().write(values)
        old.sudo().unlink()

    def _get_changed_files(self):
        """Names of files that are gone or not what was made."""
        self.ensure_one()
        changed = []
        for kind in FILES:
            attachment = self[f'{kind}_id'].sudo()  # sudo: read for its checksum only
            if hashlib.sha256(attachment.raw or b'').hexdigest() != self[f'{kind}_checksum']:
                changed.append(attachment.name or kind)
        return changed

    # === CHECKS === #

    def _get_checks(self, data):
        """Return what has to be in order at month end: list of {name, is_ok, amount}.

        :param data: {report's name: its `get_data`}
        """
        [proof] = data['ar.roll.forward']['proofs']
        [difference] = data['ar.sub.ledger']['differences']
        currency = self.currency_id
        opening = currency.round(proof['opening'] - proof['opening_ledger'])
        closing = currency.round(proof['closing'] - proof['closing_ledger'])
        others = currency.round(sum(
            entry['amount'] for entry in data['ar.roll.forward']['entries'] if entry['kind'] == 'other'))
        cash = sum(item['residual'] for row in data['ar.unapplied.report']['rows'] for item in row['items']
                   if item['kind'] == 'payment')
        provisions = data['ar.month.end.provision']['provisions']
        booked = sum(values['total'] for values in provisions if values['state'] == 'booked')
        in_period = [
            ('company_id', '=', self.company_id.id), ('date', '>=', self.date_from), ('date', '<=', self.date_to)]
        drafts = self.env['account.move'].search_count([
            *in_period, ('state', '=', 'draft'), ('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt'))])
        nameless = self.env['account.move.line'].search_count([
            *in_period, ('parent_state', '=', 'posted'), ('account_id.account_type', '=', 'asset_receivable'),
            ('partner_id', '=', False)])
        return [
            {'name': name, 'amount': amount, 'is_ok': is_ok} for name, amount, is_ok in (
                (self.env._("Sub-ledger less general ledger"), difference['amount'], not difference['amount']),
                (self.env._("Roll-forward: opening less general ledger"), opening, not opening),
                (self.env._("Roll-forward: closing less general ledger"), closing, not closing),
                (self.env._("Roll-forward: entries that fit nowhere"), others, not others),
                (self.env._("Draft customer invoices of the period"), drafts, not drafts),
                (self.env._("Receivable items of the period without a customer"), nameless, not nameless),
                (self.env._("Unapplied cash"), currency.round(cash), not cash),
                (self.env._("Provision booked"), currency.round(booked), bool(booked)),
            )]
