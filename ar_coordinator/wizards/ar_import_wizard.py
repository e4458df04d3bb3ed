"""Wizard "Import receivables history": read a file, map its columns, check everything, then book it in batches.

The check writes nothing but the wizard. It stages the good rows, so that exactly what was shown is imported. The import
then books batch by batch, each in one transaction with the wizard's own progress: whenever it is stopped, what is
booked is complete, and going on (or starting again with the same file) neither loses nor repeats anything.

From a script::

    wizard = env['ar.import.wizard'].create({'file': base64.b64encode(data), 'file_name': 'history.csv', 'as_of': day})
    wizard.action_check()
    wizard._import_all(progress=lambda done, total: env.cr.commit())
"""
import base64
import csv
import io
import json
import logging
from contextlib import contextmanager
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError
from odoo.fields import Command

from ..engine import history_file
from ..models.ar_import_loader import Settings
from ..models.ar_import_preset import DATE_ORDERS, DECIMAL_MARKS, DELIMITERS, ENCODINGS
from . import ar_import_texts as texts

_logger = logging.getLogger(__name__)

MAX_MEGABYTES = 32  # ir.config_parameter ar_coordinator.import_max_megabytes
MAX_ROWS = 200_000  # ir.config_parameter ar_coordinator.import_max_rows
MAX_BAD_ROWS = 20_000  # more are no typing errors: a column or a format is chosen wrongly
CHECK_CHUNK = 1000
BATCH = 100  # a batch takes a few seconds: short enough for a progress bar, far from a worker's time limit
SHOWN_ROWS = 10
SHOWN_PROBLEMS = 200# What the check's result depends on.
INPUTS = {
    'file', 'encoding', 'delimiter', 'sheet', 'date_order', 'decimal_mark', 'column_ids', 'as_of', 'currency_id',
    'company_id', 'journal_id', 'settlement_journal_id', 'income_account_id', 'receivable_account_id', 'tax_id',
    'email_domain',
}


class ArImportWizard(models.TransientModel):
    _name = 'ar.import.wizard'
    _description = "Import Receivables History"
    _transient_max_hours = 24.0  # people look things up between the check and the import
    _check_company_auto = True

    state = fields.Selection(
        selection=[
            ('upload', "File"), ('setup', "Columns"), ('checked', "Check"), ('importing', "Import"), ('done', "Done")],
        default='upload', required=True, readonly=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company,
        domain=lambda self: [('id', 'in', self.env.companies.ids)])
    company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")

    file = fields.Binary(help="CSV or XLSX; the first row has the column names.")
    file_name = fields.Char()
    preset_id = fields.Many2one(
        comodel_name='ar.import.preset', string="Format", domain="[('company_id', 'in', (False, company_id))]",
        check_company=True, help="A saved mapping. Empty: recognised from the column names.")
    preset_name = fields.Char(string="Save as")
    is_csv = fields.Boolean(readonly=True)
    encoding = fields.Selection(selection=ENCODINGS, help="Empty: from the file.")
    delimiter = fields.Selection(selection=DELIMITERS, string="Separator", help="Empty: from the file.")
    sheet = fields.Char(help="Of an XLSX file. Empty: the first.")
    file_info = fields.Char(string="Read as", readonly=True)
    column_ids = fields.One2many(comodel_name='ar.import.wizard.column', inverse_name='wizard_id', string="Columns")

    date_order = fields.Selection(selection=DATE_ORDERS, string="Dates are", help="Empty: as the file itself proves.")
    date_evidence = fields.Char(readonly=True)
    decimal_mark = fields.Selection(
        selection=DECIMAL_MARKS, string="Amounts are", help="Empty: as the file itself proves.")
    amount_evidence = fields.Char(readonly=True)
    question = fields.Text(readonly=True, help="What must be chosen before the file can be read.")

    as_of = fields.Date(
        string="As It Stood on",
        help="Invoices dated later are left out, later settlements are ignored. Empty: all of it.")
    currency_id = fields.Many2one(
        comodel_name='res.currency', help="Where the file has none. Empty: the company's.")
    journal_id = fields.Many2one(
        comodel_name='account.journal', string="Invoices Journal", check_company=True, domain=[('type', '=', 'sale')],
        compute='_compute_journals', store=True, readonly=False, precompute=True,
        help="A sales journal only for the history: invoices keep their numbers. Empty: created at the import.")
    settlement_journal_id = fields.Many2one(
        comodel_name='account.journal', string="Settlements Journal", check_company=True,
        domain=[('type', 'in', ('bank', 'cash'))],
        compute='_compute_journals', store=True, readonly=False, precompute=True,
        help="Where the payments go. Empty: a journal for the history is created at the import.")
    income_account_id = fields.Many2one(
        comodel_name='account.account', string="Counterpart Account", check_company=True,
        domain=[('account_type', 'not in', ('asset_receivable', 'liability_payable'))],
        help="Counterpart of the invoices. Empty: the journal's or company's income account. Choose a clearing account "
             "if the opening balance is already in the books.")
    receivable_account_id = fields.Many2one(
        comodel_name='account.account', check_company=True,
        domain=[('account_type', '=', 'asset_receivable')], help="Empty: each customer's own.")
    tax_id = fields.Many2one(
        comodel_name='account.tax', check_company=True,
        domain=[('type_tax_use', '=', 'sale'), ('price_include', '=', True)],
        help="Included in the file's amounts. Empty: none, as the tax was declared in the old system.")
    email_domain = fields.Char(
        string="E-mail Domain",
        help="New electronic customers without an address get reference@domain. For tests only.")
    import_good_rows = fields.Boolean(
        string="Import the good rows", help="Leave the wrong rows out and get them back as a file with the reason.")

    row_count = fields.Integer(string="Rows", readonly=True)
    new_count = fields.Integer(string="Invoices to Import", readonly=True)
    settle_count = fields.Integer(string="Settlements to Add", readonly=True)
    same_count = fields.Integer(string="Already There", readonly=True)
    later_count = fields.Integer(string="After the Date", readonly=True)
    bad_count = fields.Integer(string="Wrong Rows", readonly=True)
    new_customer_count = fields.Integer(string="New Customers", readonly=True)
    sample_ids = fields.One2many(comodel_name='ar.import.wizard.sample', inverse_name='wizard_id', readonly=True)
    total_ids = fields.One2many(comodel_name='ar.import.wizard.total', inverse_name='wizard_id', readonly=True)
    problem_ids = fields.One2many(comodel_name='ar.import.wizard.problem', inverse_name='wizard_id', readonly=True)
    problem_count = fields.Integer(string="Problems", readonly=True)
    bad_rows = fields.Json(readonly=True)  # {row: why}
    bad_file = fields.Binary(string="Wrong Rows as a File", readonly=True)
    bad_file_name = fields.Char(readonly=True)

    staged = fields.Binary(readonly=True)  # one JSON array per good row (history_file.Entry.dump), in file order
    staged_position = fields.Integer(readonly=True)  # in bytes: where the next batch begins
    done_count = fields.Integer(string="Rows Done", readonly=True)
    imported_count = fields.Integer(string="Invoices Imported", readonly=True)
    settled_count = fields.Integer(string="Settlements Added", readonly=True)
    skipped_count = fields.Integer(string="Left Alone", readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('company_id')
    def _compute_journals(self):
        for wizard in self:
            wizard.journal_id = wizard.company_id.ar_import_journal_id
            wizard.settlement_journal_id = wizard.company_id.ar_import_settlement_journal_id

    @api.depends('file_name')
    @api.depends_context('lang')
    def _compute_display_name(self):
        self.display_name = self.env._("Import Receivables History")

    # === CONSTRAINT METHODS AND ONCHANGES === #

    @api.onchange('preset_id')
    def _onchange_preset_id(self):
        """Map the columns as the chosen format does."""
        if self.state == 'setup' and self.preset_id:
            columns = self.preset_id._match_columns(self.column_ids.mapped('header'))
            targets = {position: target for target, position in columns.items()}
            for position, column in enumerate(self.column_ids):
                column.target = targets.get(position)
            self.date_order = self.preset_id.date_order or self.date_order
            self.decimal_mark = self.preset_id.decimal_mark or self.decimal_mark

    # === CRUD METHODS === #

    def write(self, vals):
        if INPUTS & vals.keys() and 'state' not in vals:
            if any(wizard.state in ('importing', 'done') for wizard in self):
                raise UserError(self.env._("The import has begun; nothing can be changed any more. Start a new one."))
            self.filtered(lambda wizard: wizard.state == 'checked').state = 'setup'  # something else was checked
            if 'file' in vals:
                vals = {**vals, 'state': 'upload', 'column_ids': [Command.clear()]}
        return super().write(vals)

    # === ACTION METHODS === #

    def action_read(self):
        """Open the file: column names, first values, format; nothing is guessed that isn't shown.

        :raise UserError: when the file can't be read
        """
        self.ensure_one()
        with self._file_errors():
            source = self._source()
            preset = self.preset_id or self.preset_id._recognise(source.headers, self.company_id)
            columns = preset._match_columns(source.headers) if preset else history_file.propose_columns(source.headers)
            samples = self._samples(source)
        targets = {position: target for target, position in columns.items()}
        self.write({
            'state': 'setup',
            'preset_id': preset.id,
            'is_csv': source.format == 'csv',
            'file_info': self._describe(source),
            'date_order': preset.date_order or self.date_order,
            'decimal_mark': preset.decimal_mark or self.decimal_mark,
            'date_evidence': False, 'amount_evidence': False, 'question': False,
            'column_ids': [Command.clear()] + [Command.create({
                'position': position,
                'header': header or self.env._("Column %s", position + 1),
                'sample': " · ".join(samples[position]),
                'target': targets.get(position),
            }) for position, header in enumerate(source.headers)],
        })
        return True

    def action_check(self):
        """Read and judge every row, compare with the books, and stage what can be imported. Books nothing.

        Ends in state 'checked', or in 'setup' with a `question` when dates or amounts can be read in more than one way.

        :raise UserError: when the file can't be read, or columns are missing
        """
        self.ensure_one()
        if self.state == 'upload':
            self.action_read()
        self._check_state('setup', 'checked')
        columns = self._columns()
        with self._file_errors():
            source = self._source()
            dates, amounts, repeated = history_file.survey(source, columns)
            if not self._note_evidence(dates, amounts):
                return True
            reader = history_file.RowReader(
                source.headers, columns, self.date_order or dates.verdict, self.decimal_mark or amounts.verdict,
                {currency.name: currency.decimal_places for currency in self.env['res.currency'].search([])},
                (self.currency_id or self.company_currency_id).name, repeated)
            _Check(self, source, reader).run()
        return True

    def action_back(self):
        """Return from the check to the columns."""
        self._check_state('checked', 'setup')
        self.state = 'setup'
        return True

    def action_restart(self):
        """Return to the choice of the file."""
        self._check_state('setup', 'checked', 'upload')
        self.write({'state': 'upload', 'preset_id': False, 'date_order': False, 'decimal_mark': False, 'sheet': False,
                    'encoding': False, 'delimiter': False, 'column_ids': [Command.clear()]})
        return True

    def action_save_preset(self):
        """Save the mapping under `preset_name`, or over the company's own format of that name.

        :raise UserError: without a name or without columns
        """
        self.ensure_one()
        columns = self.column_ids.filtered('target')
        if not (self.preset_name or '').strip() or not columns:
            raise UserError(self.env._("Enter a name for the format, and say what at least one column means."))
        vals = {
            'name': self.preset_name.strip(), 'company_id': self.company_id.id, 'date_order': self.date_order,
            'decimal_mark': self.decimal_mark, 'delimiter': self.delimiter, 'encoding': self.encoding,
            'column_ids': [Command.clear()] + [Command.create({
                'sequence': column.position, 'header': column.header, 'target': column.target}) for column in columns],
        }
        preset = self.env['ar.import.preset'].search(
            [('name', '=', vals['name']), ('company_id', '=', self.company_id.id)], limit=1)
        if preset:
            preset.write(vals)
        else:
            preset = preset.create(vals)
        self.write({'preset_id': preset.id, 'preset_name': False})
        return True

    def action_start_import(self):
        """Prepare journals and customers; the form then calls `import_next` until all is done."""
        self._start_import()
        return True

    def action_import(self):
        """Import everything that was checked in one go.

        :raise UserError: see `_import_all`
        """
        self._import_all()
        return True

    def import_next(self):
        """Import one batch; each call is a transaction of its own.

        :return: {state, done, total, imported, settled}
        :raise UserError: when Odoo refuses to book something; what was booked before stays, and calling again goes on
        """
        self.ensure_one()
        if self.state == 'importing':
            self._import_batch(BATCH)
        return {'state': self.state, 'done': self.done_count, 'total': self._total(),
                'imported': self.imported_count, 'settled': self.settled_count}

    def action_open_invoices(self):
        """Show the invoices of the history journal."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('account.action_move_out_invoice_type')
        return {
            **action,
            'domain': [('journal_id', '=', self.journal_id.id)],
            'context': {'create': False, 'default_move_type': 'out_invoice'},
        }

    # === FILE === #

    @contextmanager
    def _file_errors(self):
        """Turn what is wrong with the file as a whole into a sentence."""
        try:
            yield
        except history_file.FileProblem as problem:
            params = {name: round(value / 1048576, 1) if name in ('size', 'limit') and value > 10**6 else value
                      for name, value in problem.params.items()}
            sentence = self._text(texts.FILE_PROBLEMS[problem.code])
            raise UserError(sentence % params) from problem

    def _limit(self, name, default):
        # a limit of the installation, not a secret: read for every user
        value = self.env['ir.config_parameter'].sudo().get_param(f'ar_coordinator.{name}')
        return int(value) if (value or '').isdigit() else default

    def _source(self):
        """Open the file with the chosen encoding, separator and sheet."""
        max_bytes = self._limit('import_max_megabytes', MAX_MEGABYTES) * 1048576
        data = self.with_context(bin_size=False).file
        if not data:
            raise history_file.FileProblem('empty')
        if len(data) * 3 // 4 > max_bytes:
            raise history_file.FileProblem('too_big', size=len(data) * 3 // 4, limit=max_bytes)
        return history_file.Source(
            base64.b64decode(data), encoding=self.encoding or self.preset_id.encoding,
            delimiter=self.delimiter or self.preset_id.delimiter, sheet=self.sheet,
            max_rows=self._limit('import_max_rows', MAX_ROWS), max_unpacked=10 * max_bytes)

    def _describe(self, source):
        """Say how the file was read."""
        if source.format == 'xlsx':
            return self.env._(
                "XLSX, sheet \"%(sheet)s\" of %(sheets)s", sheet=source.sheet, sheets=", ".join(source.sheets))
        delimiters = dict(self._fields['delimiter']._description_selection(self.env))
        return self.env._(
            "CSV, encoding %(encoding)s (%(why)s), separator: %(separator)s", encoding=source.encoding,
            why=self._text(texts.ENCODING_SOURCES[source.encoding_source]), separator=delimiters[source.delimiter])

    def _text(self, text):
        """Return one of the constants in ar_import_texts.py in the user's language."""
        translate = self.env._  # not called by name: linters want literals, these are in that file
        return translate(text)

    def _samples(self, source):
        """Return the first different values of every column."""
        samples = [[] for _header in source.headers]
        for number, (_row, cells) in enumerate(source.rows()):
            if number >= 50:
                break
            for values, cell in zip(samples, cells, strict=False):
                text = history_file.printable(cell)[:40]
                if text and text not in values and len(values) < 4:
                    values.append(text)
        return samples

    def _columns(self):
        """Return {field: column number} as mapped.

        :raise UserError: when a meaning is missing or given twice
        """
        labels = dict(self.column_ids._fields['target']._description_selection(self.env))
        columns = {}
        for column in self.column_ids.filtered('target'):
            if column.target in columns:
                raise UserError(self.env._(
                    "Two columns are mapped to \"%(meaning)s\"; choose one.", meaning=labels[column.target]))
            columns[column.target] = column.position
        missing = [labels[name] for name in history_file.REQUIRED if name not in columns]
        if not {'partner_ref', 'partner_name'} & columns.keys():
            missing.insert(0, self.env._("Customer reference or name"))
        if missing:
            raise UserError(self.env._("Choose the columns for: %s.", ", ".join(missing)))
        return columns

    # === EVIDENCE === #

    def _note_evidence(self, dates, amounts):
        """Record how dates and amounts are read and why; return whether both are known."""
        questions = []
        vals = {}
        for name, evidence, choices in (
            ('date', dates, {key: self._text(text) for key, text in texts.DATE_NAMES.items()}),
            ('amount', amounts, {'.': "1,234.56", ',': "1.234,56"}),
        ):
            chosen = self.date_order if name == 'date' else self.decimal_mark
            vals[f'{name}_evidence'] = self._evidence_text(evidence, choices, chosen)
            if not chosen and not evidence.verdict:
                questions.append(vals[f'{name}_evidence'])
        vals['question'] = "\n".join(questions) or False
        if questions:
            vals['state'] = 'setup'
        self.write(vals)
        return not questions

    def _evidence_text(self, evidence, choices, chosen):
        """Say in one sentence, with the row that proves it, how the file can be read."""
        if evidence.status == 'same':
            return self.env._("The file can be read in only one way.")
        if evidence.status == 'sure':
            choice = evidence.possible[0]
            proof = next((evidence.against[other] for other in choices if other in evidence.against), evidence.example)
            text = self.env._("%(choice)s: row %(row)s, %(column)s has \"%(value)s\".",
                              choice=choices[choice], **self._place(proof))
            if chosen and chosen != choice:
                text = self.env._("Chosen: %(chosen)s. But the file looks like %(found)s",
                                  chosen=choices[chosen], found=text)
            return text
        if evidence.status == 'ambiguous':
            text = self.env._(
                "%(choices)s are both possible; for example row %(row)s, %(column)s has \"%(value)s\".",
                choices=" / ".join(choices[choice] for choice in evidence.possible), **self._place(evidence.example))
        else:
            text = self.env._("The file mixes formats: %s.", "; ".join(
                self.env._("row %(row)s, %(column)s has \"%(value)s\", which is not %(choice)s",
                           choice=choices[choice], **self._place(place))
                for choice, place in evidence.against.items()))
        if chosen:
            return self.env._("Chosen: %(chosen)s. %(text)s", chosen=choices[chosen], text=text)
        return self.env._("%(text)s Please choose.", text=text)

    def _place(self, place):
        return {'row': place[0], 'column': place[1], 'value': place[2][:40]}

    def _problem_text(self, problem):
        params = dict(problem.params)
        if 'order' in params:
            params['order'] = self._text(texts.DATE_NAMES[params['order']])
        sentence = self._text(texts.PROBLEMS[problem.code])
        return sentence % params

    # === IMPORT === #

    def _check_state(self, *states):
        self.ensure_one()
        if self.state not in states:
            labels = dict(self._fields['state']._description_selection(self.env))
            raise UserError(self.env._("This import is at the step \"%s\".", labels[self.state]))

    def _total(self):
        """Rows that were staged."""
        return self.new_count + self.settle_count + self.same_count

    def _settings(self):
        return Settings(
            self.company_id, self.journal_id, self.settlement_journal_id, self.income_account_id,
            self.receivable_account_id, self.tax_id, (self.email_domain or '').strip().lstrip('@'))

    def _start_import(self):
        """Create journals and customers and open the way for the batches.

        :raise UserError: when the file wasn't checked, a choice is open, or rows are wrong and shall not be left out
        """
        self.ensure_one()
        if self.state == 'setup' and self.question:
            raise UserError(self.question)
        self._check_state('checked')
        if self.bad_count and not self.import_good_rows:
            raise UserError(self.env._(
                "Nothing was imported, because rows are wrong: %(count)s. Correct them in the file and check it again, "
                "or choose \"Import the good rows\".", count=self.bad_count))
        if not self._total():
            raise UserError(self.env._("There is nothing to import."))
        loader = self.env['ar.import.loader']
        settings = loader._prepare(self._settings())
        customers = {}
        for entry in self._entries():
            latest = customers.get(entry.customer)
            if not latest or latest.invoice_date <= entry.invoice_date:
                customers[entry.customer] = entry
        loader._create_customers(customers, settings)
        self.write({
            'journal_id': settings.journal.id,
            'settlement_journal_id': settings.settlement_journal.id,
            'income_account_id': settings.income_account.id,
            'state': 'importing', 'staged_position': 0, 'done_count': 0,
            'imported_count': 0, 'settled_count': 0, 'skipped_count': 0,
        })

    def _entries(self, position=0, limit=None):
        """Yield the staged entries from a byte position on."""
        stream = io.BytesIO(base64.b64decode(self.with_context(bin_size=False).staged))
        stream.seek(position)
        for number, line in enumerate(stream):
            if number == limit:
                return
            yield history_file.Entry.load(json.loads(line))

    def _import_all(self, progress=None, batch_size=BATCH):
        """Import everything that was checked, from wherever an earlier call was stopped.

        :param progress: called as progress(rows done, rows in all) before the first and after every batch; a script
            commits there, then a stop loses at most one batch. An exception from it stops the import.
        :raise UserError: when the file wasn't checked, rows are wrong, or Odoo refuses to book something
        """
        self.ensure_one()
        if self.state != 'importing':
            self._start_import()
        progress = progress or (lambda done, total: None)
        progress(self.done_count, self._total())
        while self.state == 'importing':
            self._import_batch(batch_size)
            self.env.invalidate_all()  # also flushes; a long history must not pile up in memory
            progress(self.done_count, self._total())

    def _import_batch(self, size):
        """Book the next `size` staged rows and note how far the import is."""
        stream = io.BytesIO(base64.b64decode(self.with_context(bin_size=False).staged))
        stream.seek(self.staged_position)
        entries = []
        while len(entries) < size and (line := stream.readline()):
            entries.append(history_file.Entry.load(json.loads(line)))
        counts, problems = self._load_or_split(entries)
        if problems:
            self._leave_out(problems)
        total = self._total()
        self.write({
            'staged_position': stream.tell(),
            'done_count': self.done_count + len(entries),
            'imported_count': self.imported_count + counts['new'],
            'settled_count': self.settled_count + counts['settle'],
            'skipped_count': self.skipped_count + counts['same'],
            'state': 'done' if self.done_count + len(entries) >= total else 'importing',
        })
        if self.state == 'done':
            self._finish()

    def _load_or_split(self, entries):
        """Load a batch; where good rows count and Odoo refuses the batch, halve it until the wrong rows are alone.

        :return: ({'new', 'settle', 'same': count}, [Problem])
        """
        try:
            with self.env.cr.savepoint():
                counts, problems = self.env['ar.import.loader']._load(entries, self._settings())
                if problems and not self.import_good_rows:
                    raise UserError(self.env._(
                        "Row %(row)s: %(value)s %(problem)s. The books changed since the check; check the file again.",
                        row=problems[0].row, value=problems[0].value, problem=self._problem_text(problems[0])))
                return counts, problems
        except (AccessError, LockError):
            raise
        except UserError as error:
            if not self.import_good_rows:
                raise UserError(self.env._(
                    "Rows %(first)s to %(last)s were not booked: %(error)s\nWhat was imported before is complete.",
                    first=entries[0].row, last=entries[-1].row, error=error)) from error
            if len(entries) == 1:
                entry = entries[0]
                return dict.fromkeys(('new', 'settle', 'same'), 0), [
                    history_file.Problem(entry.row, '', entry.number, 'refused', {'reason': str(error)})]
        middle = len(entries) // 2
        (first, some), (second, others) = self._load_or_split(entries[:middle]), self._load_or_split(entries[middle:])
        return {key: first[key] + second[key] for key in first}, some + others

    def _leave_out(self, problems):
        """Add rows that only the books refused to the wrong rows."""
        reasons = dict(self.bad_rows or {})
        for problem in problems:
            reasons[str(problem.row)] = self._problem_text(problem)
        self.write({
            'bad_rows': reasons, 'bad_count': len(reasons), 'problem_count': self.problem_count + len(problems),
            'problem_ids': [Command.create(vals) for vals in self._problem_vals(problems)]})

    def _problem_vals(self, problems):
        return [{'row': problem.row, 'column': problem.column, 'value': str(problem.value)[:200],
                 'message': self._problem_text(problem)} for problem in problems[:SHOWN_PROBLEMS]]

    def _finish(self):
        """Give the wrong rows back as a file and note the import in the log."""
        if self.bad_rows:
            with self._file_errors():
                self.write(self._bad_file_vals(self._source(), self.bad_rows))
        _logger.info(
            "Receivables history %s imported into %s: %s invoices, %s settlements added, %s already there, %s wrong",
            self.file_name, self.company_id.name, self.imported_count, self.settled_count, self.skipped_count,
            self.bad_count)

    def _bad_file_vals(self, source, reasons):
        """Write the wrong rows as CSV: the file's columns, then row and reason; nothing in it can become a formula.

        :param dict reasons: {row as text: why}
        """
        out = io.StringIO()
        writer = csv.writer(out, delimiter=source.delimiter or ',')
        writer.writerow([history_file.safe_cell(header) for header in source.headers]
                        + [self.env._("Row in the file"), self.env._("Reason")])
        width = len(source.headers)
        for row, cells in source.rows():
            if reason := reasons.get(str(row)):
                writer.writerow([history_file.safe_cell(cell) for cell in cells[:width]]
                                + [row, history_file.safe_cell(reason)])
        name = (self.file_name or 'history').rsplit('.', 1)[0]
        return {
            'bad_file': base64.b64encode(out.getvalue().encode('utf-8-sig')),
            'bad_file_name': f'{name}-wrong-rows.csv'}


class _Check:
    """One pass over the file: judges rows, compares them with the books, stages and counts. Used by `action_check`."""

    def __init__(self, wizard, source, reader):
        self.wizard = wizard
        self.source = source
        self.reader = reader
        self.settings = wizard._settings()
        self.counts = dict.fromkeys(('row', 'new', 'settle', 'same', 'later'), 0)
        self.problems = []
        self.problem_count = 0
        self.reasons = {}
        self.totals = {}
        self.samples = []
        self.customers = set()
        self.staged = io.BytesIO()

    def run(self):
        """Check the file and write the result into the wizard."""
        chunk = []
        for row, cells in self.source.rows():
            self.counts['row'] += 1
            entry, problems = self.reader.read_row(row, cells)
            self._blame(problems)
            if entry and self.wizard.as_of and not entry.forget_after(self.wizard.as_of):
                self.counts['later'] += 1
            elif entry:
                chunk.append(entry)
            if len(chunk) == CHECK_CHUNK:
                self._compare(chunk)
                chunk = []
        if chunk:
            self._compare(chunk)
        self._store()

    def _blame(self, problems):
        if not problems:
            return
        self.problem_count += len(problems)
        self.problems += problems[:max(0, SHOWN_PROBLEMS - len(self.problems))]
        self.reasons[str(problems[0].row)] = "; ".join(
            ": ".join(filter(None, (problem.column, self.wizard._problem_text(problem)))) for problem in problems)
        if len(self.reasons) > MAX_BAD_ROWS:
            first = self.problems[0]
            raise history_file.FileProblem(
                'too_many_bad_rows', limit=MAX_BAD_ROWS, row=first.row, column=first.column, value=first.value[:40],
                problem=self.wizard._problem_text(first))

    def _compare(self, entries):
        """Compare a chunk with the books and stage what can be imported."""
        for plan in self.wizard.env['ar.import.loader']._examine(entries, self.settings):
            if plan.status == 'wrong':
                self._blame(plan.problems)
                continue
            self.counts[plan.status] += 1
            if plan.status == 'new':
                self._count(plan.entry)
                if not plan.partner:
                    self.customers.add(plan.entry.customer)
            if len(self.samples) < SHOWN_ROWS:
                self.samples.append(plan)
            self.staged.write(json.dumps(plan.entry.dump()).encode() + b'\n')

    def _count(self, entry):
        total = self.totals.setdefault(entry.currency, {
            'invoice_count': 0, 'open_count': 0,
            **dict.fromkeys(('amount', 'settled_amount', 'open_amount', 'disputed_amount'), Decimal(0))})
        rest = entry.amount - (entry.settled_amount or 0)
        total['invoice_count'] += 1
        total['open_count'] += bool(rest)
        total['amount'] += entry.amount
        total['settled_amount'] += entry.settled_amount or 0
        total['open_amount'] += rest
        total['disputed_amount'] += rest if entry.disputed else 0

    def _store(self):
        wizard = self.wizard
        currencies = {currency.name: currency.id for currency in wizard.env['res.currency'].search([])}
        wizard.write({
            'state': 'checked',
            **{f'{name}_count': count for name, count in self.counts.items()},
            'bad_count': len(self.reasons),
            'bad_rows': self.reasons,
            'problem_count': self.problem_count,
            'new_customer_count': len(self.customers),
            'staged': base64.b64encode(self.staged.getvalue()) if self.staged.tell() else False,
            'problem_ids': [Command.clear()] + [
                Command.create(vals) for vals in wizard._problem_vals(self.problems)],
            'total_ids': [Command.clear()] + [Command.create({
                'currency_id': currencies[code],
                **{name: float(value) if isinstance(value, Decimal) else value for name, value in total.items()},
            }) for code, total in sorted(self.totals.items())],
            'sample_ids': [Command.clear()] + [Command.create({
                'row': plan.entry.row,
                'customer': plan.entry.partner_ref or plan.entry.partner_name,
                'number': plan.entry.number,
                'invoice_date': plan.entry.invoice_date,
                'due_date': plan.entry.due_date,
                'currency_id': currencies[plan.entry.currency],
                'amount': float(plan.entry.amount),
                'settled_date': plan.entry.settled_date,
                'settled_amount': float(plan.entry.settled_amount or 0),
                'disputed': plan.entry.disputed,
                'status': plan.status,
            }) for plan in self.samples],
            'bad_file': False, 'bad_file_name': False,
            **(wizard._bad_file_vals(self.source, self.reasons) if self.reasons else {}),
        })
