"""What goes to the agency or lawyers with a customer, and what comes back: the file, progress, money and fees.

The file is made once and kept: what was handed over can be shown later. It has the statement, the letters, the open
invoices, and lists of letters and contacts; only of this customer and company.
"""
import csv
import io
import zipfile

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tools.misc import format_date

from ..engine.history_file import quote_formula
from .ar_dunning_print import LETTER_REPORT
from .ar_guard import without_defaults

NOTED = {'user_id', 'payment_id', 'bill_id', 'amount_company'}  # of an entry, by itself
LETTER_STATES = ('queued', 'sent', 'failed', 'bounced')


class ArHandOver(models.Model):
    _inherit = 'ar.hand.over'

    agency_id = fields.Many2one(
        comodel_name='res.partner', string="Agency or Lawyers", index='btree_not_null', ondelete='restrict',
        tracking=True)
    agency_reference = fields.Char(string="Their Reference", tracking=True)
    progress_ids = fields.One2many(comodel_name='ar.hand.over.progress', inverse_name='hand_over_id')
    amount_start = fields.Monetary(
        string="Open Then", readonly=True, copy=False, help="What the customer owed when it was handed over.")
    amount_recovered = fields.Monetary(string="Recovered", compute='_compute_progress')
    amount_fees = fields.Monetary(string="Fees", compute='_compute_progress')

    @api.depends('progress_ids.kind', 'progress_ids.amount_company')
    def _compute_progress(self):
        for record in self:
            for name, kind in (('amount_recovered', 'recovered'), ('amount_fees', 'fee')):
                record[name] = sum(
                    record.progress_ids.filtered(lambda entry, kind=kind: entry.kind == kind).mapped('amount_company'))

    @api.model_create_multi
    def create(self, vals_list):
        """Override: keep what was open on that day."""
        self = without_defaults(self, {'amount_start'})
        if not self.env.su and any('amount_start' in vals for vals in vals_list):
            raise AccessError(self.env._("What was open is taken from the books."))
        records = super().create(vals_list)
        for record in records.sudo():  # sudo: a figure of the books, which creating the record does not let write
            company = record.company_id
            if record.date < company._ar_today():  # entered later: what was open at the end of that day
                figures = self.env['ar.ledger'].sudo().with_company(company)._get_open_figures(
                    record.partner_id, company, as_of=record.date)
                record.amount_start = figures.get(record.partner_id.id, {}).get('receivable', 0.0)
            else:
                record.amount_start = record.amount_receivable
        return records

    def write(self, vals):
        """Override: what was open then stays."""
        if 'amount_start' in vals and not self.env.su:
            raise AccessError(self.env._("What was open is taken from the books."))
        return super().write(vals)

    # === ACTION METHODS === #

    def action_make_file(self):
        """Make the ZIP for the agency, keep it with the hand-over, and download it.

        :return: action that downloads it
        :raise AccessError: unless the user works the desk
        :raise UserError: for a customer who was taken back
        """
        self.ensure_one()
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Files for agencies are made by a Receivables: User."))
        if self.state != 'open':
            raise UserError(self.env._("%s was taken back already.", self.partner_id.display_name))
        # sudo: role and company (write access) were checked; letters and invoices are this customer's in this company
        record = self.sudo().with_company(self.company_id)
        attachment = self.env['ir.attachment'].create({
            'name': self.env._("%(customer)s %(day)s", customer=self.partner_id.name, day=self.company_id._ar_today())
            + '.zip',
            'raw': record._make_zip(), 'mimetype': 'application/zip', 'res_model': self._name, 'res_id': self.id})
        self.message_post(body=self.env._("File for the agency made"), attachment_ids=attachment.ids)
        url = f'/web/content/{attachment.id}?download=true'
        return {'type': 'ir.actions.act_url', 'url': url, 'target': 'download'}

    # === FILE === #

    def _make_zip(self):
        """Return the bytes of the ZIP."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._get_files():
                archive.writestr(name.replace('/', '_').replace('\\', '_'), content)
        return buffer.getvalue()

    def _get_files(self):
        """Return what goes into the ZIP: list of (name, bytes). Hook: others add theirs."""
        statement, env = self.env['ar.statement'], self.env
        letters = env['ar.dunning.letter'].search([
            ('partner_id', '=', self.partner_id.id), ('company_id', '=', self.company_id.id),
            ('state', 'in', LETTER_STATES)], order='date, id')
        files = [
            statement.get_pdf(self.partner_id, self.company_id), statement.get_xlsx(self.partner_id, self.company_id),
            (env._("Contacts") + '.csv', self._make_contacts()),
            (env._("Letters") + '.csv', self._make_letter_trail(letters)),
        ]
        if letters:
            content, _type = env['ir.actions.report']._render_qweb_pdf(LETTER_REPORT, letters.ids)
            files.append((env._("Letters") + '.pdf', content))
        return files + self._get_invoices()

    def _get_invoices(self):
        """Return the PDFs of the invoices that are open: list of (name, bytes)."""
        rows = self.env['ar.ledger'].open_items({
            'as_of': self.company_id._ar_today(), 'company_ids': self.company_id.ids,
            'partner_ids': self.partner_id.ids})
        moves = self.env['account.move'].browse(
            {row['move_id'] for row in rows if row['residual_currency'] > 0}).sorted('id')
        invoices = moves.filtered(lambda move: move.is_sale_document())
        missing = invoices.filtered(lambda move: not move.invoice_pdf_report_id)
        rendered = {}
        if missing:
            reports = self.env['ir.actions.report']
            content, report_type = reports._pre_render_qweb_pdf('account.account_invoices', missing.ids)
            rendered = reports._get_splitted_report('account.account_invoices', content, report_type)
        return [
            (move._get_invoice_report_filename(), rendered.get(move.id) or move.invoice_pdf_report_id.raw)
            for move in invoices]

    def _make_contacts(self):
        """Return the customer's addresses and contacts as CSV."""
        partners = self.partner_id + self.env['res.partner'].search([
            ('commercial_partner_id', '=', self.partner_id.id), ('id', '!=', self.partner_id.id),
            ('company_id', 'in', (False, self.company_id.id))], order='id')
        head = (self.env._("Name"), self.env._("Function"), self.env._("Street"), self.env._("ZIP"), self.env._("City"),
                self.env._("Country"), self.env._("E-mail"), self.env._("Phone"), self.env._("Tax ID"))
        return _make_csv(head, [(
            partner.name, partner.function, " ".join(filter(None, (partner.street, partner.street2))), partner.zip,
            partner.city, partner.country_id.name, partner.email, partner.phone, partner.vat) for partner in partners])

    def _make_letter_trail(self, letters):
        """Return the list of letters as CSV."""
        states, channels = (
            dict(letters._fields[name]._description_selection(self.env)) for name in ('state', 'channel'))
        head = (self.env._("Date"), self.env._("Level"), self.env._("Channel"), self.env._("To"), self.env._("Amount"),
                self.env._("Currency"), self.env._("State"), self.env._("Invoices"))
        return _make_csv(head, [(
            format_date(self.env, letter.date), letter.level_id.name, channels[letter.channel],
            letter.email_to or letter.recipient_id.display_name,
            f"{letter.amount_total:.{letter.currency_id.decimal_places}f}", letter.currency_id.name,
            states[letter.state], ", ".join(filter(None, letter.line_ids.mapped('name')))) for letter in letters])


def _make_csv(head, rows):
    """Return rows as CSV for spreadsheets; text that a spreadsheet would take for a formula is quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=';')
    for row in (head, *rows):
        writer.writerow([quote_formula(str(cell or "")) for cell in row])
    return buffer.getvalue().encode('utf-8-sig')


class ArHandOverProgress(models.Model):
    _name = 'ar.hand.over.progress'
    _description = "Progress at an Agency"
    _inherit = ['ar.guard']
    _order = 'date desc, id desc'

    hand_over_id = fields.Many2one(comodel_name='ar.hand.over', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='hand_over_id.company_id', store=True, precompute=True, index=True)
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, precompute=True, store=True, readonly=False,
        compute='_compute_currency_id', help="Of what was recovered or charged.")
    company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")
    date = fields.Date(required=True, default=lambda self: self.env.company._ar_today())
    kind = fields.Selection(
        selection=[('note', "News"), ('recovered', "Recovered"), ('fee', "Fee"), ('outcome', "Outcome")],
        required=True, default='note')
    amount = fields.Monetary(help="Recovered by the agency, or charged by it.")
    amount_company = fields.Monetary(
        string="In Company Currency", currency_field='company_currency_id', compute='_compute_amount_company',
        store=True, help="At the rate of the day of the entry.")
    payment_id = fields.Many2one(
        comodel_name='account.payment', readonly=True, copy=False, index='btree_not_null', ondelete='set null')
    bill_id = fields.Many2one(
        comodel_name='account.move', string="Vendor Bill", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    is_booked = fields.Boolean(string="In the Books", compute='_compute_is_booked')
    note = fields.Char(required=True)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Noted by", default=lambda self: self.env.user, readonly=True)

    _not_negative = models.Constraint('CHECK (amount >= 0)', "What was recovered or charged cannot be negative.")

    @api.depends('hand_over_id')
    def _compute_currency_id(self):
        for entry in self:
            entry.currency_id = entry.currency_id or entry.hand_over_id.company_id.currency_id

    @api.depends('amount', 'currency_id', 'date', 'company_id')
    def _compute_amount_company(self):
        for entry in self:
            entry.amount_company = entry.currency_id._convert(
                entry.amount, entry.company_id.currency_id, entry.company_id, entry.date or fields.Date.today()
            ) if entry.currency_id and entry.company_id else 0.0

    @api.depends('payment_id', 'bill_id')
    def _compute_is_booked(self):
        for entry in self:
            entry.is_booked = bool(entry.payment_id or entry.bill_id)

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, NOTED)
        if not self.env.su and any(NOTED & set(vals) for vals in vals_list):
            raise AccessError(self.env._("Who noted it, and what was booked for it, is recorded by itself."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and ({'hand_over_id', 'company_id'} | NOTED) & set(vals):
            raise AccessError(self.env._("A hand-over stays as it was: take the customer back, and hand over anew."))
        if {'amount', 'currency_id', 'kind', 'date'} & set(vals) and any(entry.is_booked for entry in self):
            raise UserError(self.env._("%s is in the books already: correct it there.", self.filtered(
                'is_booked')[0].note))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_unbooked(self):
        for entry in self:
            if entry.is_booked:
                raise UserError(self.env._("%s is in the books already and stays.", entry.note))

    def action_book(self):
        """Draw up what an entry is in the books, to look at and post: a payment of the customer that the agency passed
        on, or the agency's bill for its fee. Once per entry.

        :return: action that shows the payment or the bill
        :raise AccessError: unless the user works the desk and may bill
        :raise UserError: for news, an entry without an amount, or a fee of nobody
        """
        self.ensure_one()
        self.check_access('write')
        if self.kind not in ('recovered', 'fee') or not self.amount:
            raise UserError(self.env._("%s: only amounts that were recovered or charged are booked.", self.note))
        if not self.is_booked:
            # sudo: who booked it is in the document's log; the right to make the document was checked by making it
            self.sudo()[{'recovered': 'payment_id', 'fee': 'bill_id'}[self.kind]] = getattr(
                self.with_company(self.company_id), f'_book_{self.kind}')()
        document = self.payment_id or self.bill_id
        return {'type': 'ir.actions.act_window', 'res_model': document._name, 'res_id': document.id,
                'views': [(False, 'form')], 'name': document.display_name}

    def _book_recovered(self):
        """Return a draft payment of the customer. Cash application matches it with his items when it is posted."""
        hand_over = self.hand_over_id
        return self.env['account.payment'].create({
            'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': hand_over.partner_id.id,
            'amount': self.amount, 'currency_id': self.currency_id.id, 'date': self.date,
            'company_id': self.company_id.id,
            'memo': " ".join(filter(None, (hand_over.agency_id.name, hand_over.agency_reference, self.note)))})

    def _book_fee(self):
        """Return a draft bill of the agency."""
        hand_over = self.hand_over_id
        if not hand_over.agency_id:
            raise UserError(self.env._("%s: say which agency or lawyers charge it.", hand_over.partner_id.display_name))
        return self.env['account.move'].create({
            'move_type': 'in_invoice', 'partner_id': hand_over.agency_id.id, 'company_id': self.company_id.id,
            'invoice_date': self.date, 'currency_id': self.currency_id.id, 'ref': hand_over.agency_reference,
            'invoice_line_ids': [Command.create({
                'name': self.env._("%(fee)s: %(customer)s", fee=self.note, customer=hand_over.partner_id.name),
                'quantity': 1, 'price_unit': self.amount})]})
