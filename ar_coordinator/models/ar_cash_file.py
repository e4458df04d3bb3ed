"""Files of banks and payers: each is kept as it came, read once, checked, loaded line by line, and never lost.

    uploaded or e-mailed -> read -> (to check) -> loading -> loaded
                                 \\-> not readable (kept, with the reason)

What a file says goes into `ar.cash.file.line` (bank transactions) or `ar.remittance.advice` (what a payer pays). Only
`_keep` makes files. A file is known by its checksum, a line by the bank's reference or a fingerprint.
"""
import base64
import hashlib

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError

from .. import parsers
from . import ar_cash_file_texts as texts
from .ar_guard import without_defaults

GUARDED_FIELDS = {
    'name', 'company_id', 'kind', 'state', 'origin', 'sender', 'content', 'checksum', 'size', 'message', 'controls',
    'controls_agree', 'inbox_id', 'line_ids', 'advice_ids', 'sender_verified'}
MAX_MEGABYTES = 20  # ir.config_parameter ar_coordinator.cash_file_max_megabytes
TRIES = 5  # of a batch, when others load into the same journal
AT_ONCE = 100  # lines loaded while the user waits; more are loaded in the background
KINDS = [
    ('camt053', "camt.053 statement"), ('camt054', "camt.054 notification"), ('mt940', "MT940 statement"),
    ('ofx', "OFX statement"), ('bai2', "BAI2 statement"), ('lockbox', "BAI2 lockbox"),
    ('table', "Remittance advice"), ('unknown', "Unknown"),
]


class ArCashFile(models.Model):
    _name = 'ar.cash.file'
    _description = "Cash File"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'id desc'
    _check_company_auto = True

    name = fields.Char(string="File", required=True)
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    kind = fields.Selection(selection=KINDS, required=True, default='unknown')
    state = fields.Selection(
        selection=[
            ('check', "To Check"), ('loading', "Loading"), ('done', "Loaded"), ('refused', "Not Readable"),
            ('aside', "Set Aside"),
        ], required=True, default='check', index=True, tracking=True)
    origin = fields.Selection(selection=[('upload', "Upload"), ('email', "E-mail")], required=True, default='upload')
    sender = fields.Char(help="Who sent the e-mail it came with.")
    sender_verified = fields.Boolean(
        readonly=True, help="Our own mail server vouched for the sender's domain when the e-mail came in.")
    inbox_id = fields.Many2one(comodel_name='ar.cash.inbox', string="E-mail Address", ondelete='set null')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index='btree_not_null', ondelete='restrict',
        help="Whose remittance advice it is.")
    journal_id = fields.Many2one(
        comodel_name='account.journal', string="Bank Journal", check_company=True, domain=[('type', '=', 'bank')],
        help="Where transactions go whose account the file does not say, or no journal has.")
    preset_id = fields.Many2one(
        comodel_name='ar.remittance.preset', string="Remembered as", ondelete='set null', check_company=True,
        help="What the columns of a table mean.")
    content = fields.Binary(attachment=True, required=True)
    checksum = fields.Char(required=True, help="SHA-256 of the content: the same file is not loaded twice.")
    size = fields.Integer(string="Bytes")
    message = fields.Text(string="What Is to Be Done")
    controls = fields.Text(string="Control Figures", help="What the file says about itself, and what was found.")
    controls_agree = fields.Boolean(default=True)
    line_ids = fields.One2many(comodel_name='ar.cash.file.line', inverse_name='file_id', string="Transactions")
    advice_ids = fields.One2many(comodel_name='ar.remittance.advice', inverse_name='file_id', string="Advices")
    line_count = fields.Integer(string="Lines", compute='_compute_counts')
    loaded_count = fields.Integer(string="Loaded", compute='_compute_counts')
    twice_count = fields.Integer(string="Twice", compute='_compute_counts')
    refused_count = fields.Integer(string="Refused", compute='_compute_counts')
    waiting_count = fields.Integer(string="Waiting", compute='_compute_counts')
    left_count = fields.Integer(string="Left Out", compute='_compute_counts')
    advice_count = fields.Integer(compute='_compute_counts')
    proposal_count = fields.Integer(compute='_compute_proposal_count')

    _checksum_unique = models.Constraint(
        'UNIQUE (company_id, checksum)', "This very file was uploaded before, or is being uploaded by somebody else.")

    # === COMPUTE METHODS === #

    @api.depends('line_ids.state', 'advice_ids')
    def _compute_counts(self):
        counts = {
            (file.id, state): count for file, state, count in self.env['ar.cash.file.line']._read_group(
                [('file_id', 'in', self.ids)], ['file_id', 'state'], ['__count'])}
        advices = {file.id: count for file, count in self.env['ar.remittance.advice']._read_group(
            [('file_id', 'in', self.ids)], ['file_id'], ['__count'])}
        for file in self:
            for state in ('loaded', 'twice', 'refused', 'waiting', 'left'):
                file[f'{state}_count'] = counts.get((file.id, state), 0)
            file.line_count = sum(count for (found, _state), count in counts.items() if found == file.id)
            file.advice_count = advices.get(file.id, 0)

    @api.depends('line_ids.statement_line_id')
    def _compute_proposal_count(self):
        proposed = {line.id: count for line, count in self.env['ar.cash.proposal']._read_group([
            ('statement_line_id', 'in', self.line_ids.statement_line_id.ids), ('state', '=', 'proposed'),
        ], ['statement_line_id'], ['__count'])}
        for file in self:
            file.proposal_count = sum(proposed.get(line.id, 0) for line in file.line_ids.statement_line_id)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(self.env._("Files are uploaded or come by e-mail: use Upload."))
        return super(ArCashFile, without_defaults(self, GUARDED_FIELDS)).create(vals_list)

    def write(self, vals):
        if not self.env.su:
            if GUARDED_FIELDS.intersection(vals):
                raise AccessError(self.env._("What a file says is not written by hand: use its buttons."))
            if {'journal_id', 'partner_id', 'preset_id'} & vals.keys() and any(
                    file.state not in ('check', 'refused') for file in self):
                raise UserError(self.env._("Only of a file that is still to check this can be changed."))
        result = super().write(vals)
        if 'journal_id' in vals:
            for file in self:  # sudo: lines are guarded; the file's access was checked
                file.sudo().line_ids.filtered(lambda line: not line.is_journal_found).journal_id = file.journal_id
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._(
            "Files are kept: what was loaded can be traced back to them. Set a file aside if it is not needed."))

    # === KEEPING === #

    def create_document_from_attachment(self, attachment_ids):
        """Keep and read uploaded files; called by Odoo's upload button and drop zone.

        :param list attachment_ids: of ir.attachment, the uploads; they are replaced by the kept files
        :return: an action that shows the files, with a notification for each that was known already
        """
        self.browse()._check_clerk()
        attachments = self.env['ir.attachment'].browse(attachment_ids).exists()
        attachments.check_access('read')
        if not attachments:
            raise UserError(self.env._("Choose a file."))
        kept, notifications = self.browse(), {}
        for attachment in attachments:
            data = attachment.raw or b''
            file, is_new = self._keep(self.env.company, attachment.name, data)
            kept |= file
            if not is_new:
                notifications[attachment.name] = self.env._(
                    "This very file was uploaded before, as %(name)s on %(date)s by %(user)s. Nothing was loaded "
                    "again.",
                    name=file.name, date=fields.Date.to_string(fields.Datetime.context_timestamp(
                        self, file.create_date)), user=file.create_uid.name)
            elif file.state != 'refused' and file._may_load():
                file._start_loading()
        attachments.filtered(lambda each: each.create_uid == self.env.user and not each.res_id).unlink()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_file_action')
        if len(kept) == 1:
            action.update(view_mode='form', views=[(False, 'form')], res_id=kept.id)
        action.update(context={'notifications': notifications}, target='main')
        return action

    @api.model
    def _keep(self, company, name, data, read=True, **values):
        """Keep a file and read it; the same content in one company is kept once.

        :param bytes data: the content
        :param bool read: False where `values` say what it is
        :return: (file, whether it is new)
        """
        files = self.sudo().with_company(company)  # sudo: files are made here only; callers check who asks
        checksum = hashlib.sha256(data).hexdigest()
        known = files.search([('company_id', '=', company.id), ('checksum', '=', checksum)], limit=1)
        if known:
            return known.with_env(self.env), False
        file = files.create({
            'name': parsers.base.one_line(name, 200) or self.env._("File"), 'company_id': company.id, 'size': len(data),
            'content': base64.b64encode(data or b'\n'), 'checksum': checksum, **values})
        if read:
            file._read_content()
        return file.with_env(self.env), True

    # === READING === #

    def _read_content(self):
        """Read the file: make lines or an advice of it, or say why not. Only before anything was loaded."""
        self.ensure_one()
        self.line_ids.unlink()
        self.advice_ids.unlink()
        self.write({'message': False, 'controls': False, 'controls_agree': True})
        data = base64.b64decode(self.content)
        try:
            self._check_size(data)
            found = parsers.read_bank_file(data)
            if found is None:
                self.kind = 'table'
                self._read_table(data)
            else:
                self.kind = found.kind
                self._read_statements(found)
        except parsers.Unreadable as error:
            self.write({'state': 'refused', 'message': self._describe_problem(error)})

    def _check_size(self, data):
        limit = int(self.env['ir.config_parameter'].sudo().get_param(  # sudo: a limit, no secret
            'ar_coordinator.cash_file_max_megabytes', MAX_MEGABYTES))
        if len(data) > limit * 1024 * 1024:
            raise parsers.Unreadable('too_big', size=len(data) // 1024 // 1024 + 1, limit=limit)

    def _describe_problem(self, error):
        if error.code == 'table':  # the table reader's own code, worded with the history import
            from ..wizards.ar_import_texts import FILE_PROBLEMS  # wizards are loaded after models
            problem = error.params['problem']
            return parsers.base.one_line(texts.sentence(self.env, FILE_PROBLEMS, problem.code, problem.params))
        return parsers.base.one_line(texts.sentence(self.env, texts.FILE_PROBLEMS, error.code, error.params))

    def _read_statements(self, found):
        values, checks = [], []
        for statement in found.statements:
            values += self.env['ar.cash.file.line']._prepare_statement(self, statement)
            checks += [(statement, check) for check in statement.checks]
        if not values:
            raise parsers.Unreadable('nothing')
        for place, row in enumerate(values, 1):
            row['sequence'] = place
        lines = self.env['ar.cash.file.line'].create(values)
        if len(lines.journal_id) == 1 and all(lines.mapped('is_journal_found')):
            self.journal_id = lines.journal_id
        self._note_checks(checks)
        self.line_ids._mark_twice()
        self.state = 'check'
        self._say_what_is_to_be_done()

    def _note_checks(self, checks):
        """Write down the control figures; note whether they all agree."""
        rows, agree = [], True
        for statement, check in checks:
            same = check.expected == check.found
            agree = agree and same
            where = f"{statement.account or statement.lockbox} {statement.name}".strip()
            rows.append("%s %s: %s %s" % (
                "✓" if same else "✗", where, texts.sentence(self.env, texts.CHECKS, check.code, check.params),
                check.found if same else self.env._(
                    "is %(found)s, the file says %(expected)s", found=check.found, expected=check.expected)))
        self.write({'controls': "\n".join(rows), 'controls_agree': agree})

    def _say_what_is_to_be_done(self):
        """Put what keeps the file from being loaded into words."""
        self.ensure_one()
        message = []
        accounts = {
            line.bank_account or "?" for line in self.line_ids if not line.journal_id and line.state == 'waiting'}
        if accounts:
            message.append(self.env._(
                "No bank journal has the account %s: choose the journal, or set the account on it.",
                ", ".join(sorted(accounts))))
        if not self.controls_agree:
            message.append(self.env._(
                "Control figures of the file do not agree, see there: it may be incomplete. A manager can load it "
                "nevertheless."))
        if self.origin == 'email' and self.line_ids:
            message.append(self.env._(
                "It came by e-mail (%s): make sure that it is from your bank before you load it.", self.sender or "?"))
        self.message = "\n".join(message)

    # === ACTIONS === #

    def action_load(self):
        """Load what waits. The rest is loaded in the background where it is much.

        :raise UserError: when something has to be decided first, or somebody else is loading the file
        """
        self._check_clerk()
        for file in self:
            if file.state == 'refused':
                raise UserError(file.message)
            if file.state == 'aside':
                raise UserError(self.env._("%s was set aside: read it again first.", file.name))
            if not file.controls_agree and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
                raise UserError(self.env._(
                    "%s: its control figures do not agree; a Receivables: Manager can load it nevertheless.",
                    file.name))
            if not file.controls_agree and file.state == 'check':
                # sudo: a note; the role was checked
                file.sudo()._message_log(body=self.env._("Loaded although control figures do not agree."))
            file._start_loading()
        return True

    def action_read_again(self):
        """Read the file anew: after a package was installed, a journal got its account, or the columns were changed."""
        self._check_clerk()
        for file in self.sudo():  # sudo: guarded fields, the role was checked
            file._lock()
            if file.line_ids.filtered('statement_line_id'):
                raise UserError(self.env._("%s was loaded in part: correct its refused lines instead.", file.name))
            if any(advice.state not in ('check', 'open') for advice in file.advice_ids):
                raise UserError(self.env._("The advice of %s was used already.", file.name))
            file._read_content()
            if file.state != 'refused' and file.with_env(self.env)._may_load():
                file.with_env(self.env)._start_loading()
        return True

    def action_set_aside(self):
        """Keep the file, load nothing (more) of it."""
        self._check_clerk()
        if any(file.state == 'done' for file in self):
            raise UserError(self.env._("A loaded file cannot be set aside; its transactions are in the books."))
        self.sudo().state = 'aside'  # sudo: guarded field, the role was checked

    def action_view_lines(self):
        """Show the lines, or those of a state in the context."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_file_line_action')
        state = self.env.context.get('ar_state')
        action['domain'] = [('file_id', '=', self.id)]
        action['context'] = {f'search_default_{state}': 1} if state else {}
        return action

    def action_view_transactions(self):
        """Show the bank transactions that were made of the file."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Bank Transactions"), 'view_mode': 'list,form',
            'res_model': 'account.bank.statement.line', 'domain': [('id', 'in', self.line_ids.statement_line_id.ids)]}

    def action_view_advices(self):
        """Show the remittance advices that were made of the file."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_remittance_advice_action')
        action['domain'] = [('file_id', '=', self.id)]
        action['context'] = {}
        if len(self.advice_ids) == 1:
            action.update(view_mode='form', views=[(False, 'form')], res_id=self.advice_ids.id)
        return action

    def action_view_proposals(self):
        """Look for proposals, and show those for the file's transactions."""
        self.ensure_one()
        self._check_clerk()
        self.env['ar.cash']._propose(self.company_id)
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_cash_proposal_action')
        action['domain'] = [('statement_line_id', 'in', self.line_ids.statement_line_id.ids)]
        return action

    def _check_clerk(self):
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Files are loaded by a Receivables: User."))
        self.check_access('read')

    # === LOADING === #

    def _may_load(self):
        """Whether nothing has to be decided before the file is loaded."""
        self.ensure_one()
        return self.state == 'check' and not self.message and bool(self.line_ids)

    def _start_loading(self):
        """Load the first lines now, and leave the rest to the background job."""
        self.ensure_one()
        file = self.sudo()  # sudo: bank entries; callers checked role and company
        file._lock()
        file._check_journals()
        file.write({'state': 'loading', 'message': False})
        file._load_some(AT_ONCE)
        if file.state == 'loading':
            self.env.ref('ar_coordinator.ir_cron_ar_cash_file').sudo()._trigger()  # sudo: as above

    def _lock(self):
        try:
            self.lock_for_update()
        except LockError:
            raise UserError(self.env._(
                "%s is being loaded by somebody else: look at it again in a moment.", self.name)) from None
        self.invalidate_recordset()

    def _check_journals(self):
        waiting = self.line_ids.filtered(lambda line: line.state == 'waiting')
        for line in waiting.filtered(lambda line: not line.is_journal_found):
            if not line.journal_id:
                raise UserError(self.env._(
                    "%(file)s: choose the bank journal of account %(account)s.", file=self.name,
                    account=line.bank_account or "?"))
            known = line.journal_id.bank_account_id.acc_number
            if known and line.bank_account:
                raise UserError(self.env._(
                    "%(file)s is about account %(account)s, but the journal %(journal)s is for %(known)s. Choose the "
                    "journal of that account.", file=self.name, account=line.bank_account,
                    journal=line.journal_id.name, known=known))

    def _load_some(self, limit):
        """Load up to `limit` lines, which is one transaction's work; note when nothing is left.

        :return: how many lines are done
        """
        self.ensure_one()
        lines = self.line_ids.search([('file_id', '=', self.id), ('state', '=', 'waiting')], limit=limit)
        lines._load()
        if not self.line_ids.search_count([('file_id', '=', self.id), ('state', '=', 'waiting')], limit=1):
            self.state = 'done'
        return len(lines)

    @api.model
    def _cron_load(self):
        """Go on with files that are loading, batch by batch; one that fails waits for a look and stops no other."""
        for file in self.search([('state', '=', 'loading')], order='id'):
            while file._load_batch():
                waiting = self.env['ar.cash.file.line'].search_count([
                    ('file_id.state', '=', 'loading'), ('state', '=', 'waiting')])
                if not self.env['ir.cron']._commit_progress(1, remaining=waiting):
                    return

    def _load_batch(self):
        """Load one batch of the file, unless somebody else is at it.

        :return: whether there was one
        """
        self.ensure_one()
        for _attempt in range(TRIES):
            try:
                if not self.try_lock_for_update():
                    return False
                self.invalidate_recordset()
                if self.state != 'loading':
                    return False
                with self.env.cr.savepoint():
                    self._load_some(AT_ONCE)
            except UserError as error:
                self.write({'state': 'check', 'message': error.args[0]})
            except SerializationFailure:  # the file or another one was loaded meanwhile: again, with that in sight
                self.env.cr.rollback()
                continue
            return True
        return False
