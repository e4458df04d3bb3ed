"""Reports that are tables: one definition gives the screen, the XLSX, the PDF and RPC.

A report is an abstract model that inherits `ar.table.report` and says what its figures are (`get_data`), how they lie
in tables (`_get_tables`) and what its readers may choose (`_get_filters`). Everything else is here, in
reports/ar_table_xlsx.py and ar_table_export.py (files), controllers/ar_reports.py (downloads) and
static/src/table_report (the client action `ar_table_report`). docs/developer.md has an example.
"""
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date, format_datetime

ROWS_PER_STEP = 200  # rows of a table the screen starts with, and adds per click on "more"
COLUMN_TYPES = ('text', 'date', 'amount', 'percent', 'days', 'integer', 'number')


class ArTableReport(models.AbstractModel):
    _name = 'ar.table.report'
    _description = "Report Made of Tables"

    _is_ar_table_report = True  # what the download route may serve

    # === WHAT A REPORT DEFINES === #

    @api.model
    def get_data(self, options=None):
        """Return the figures as JSON, under keys of the report's own; access is checked here.

        :param dict options: what `_get_filters` offers, and company_ids; unknown ones are refused (`_read_options`)
        :return: dict; the options that took effect under their own names (as_of, group_by, ...), `currency_id` (of the
            report, for the parameters), `company_ids` and the figures
        :raise AccessError: for those who may not see them
        :raise UserError: for options that make no sense
        """
        raise NotImplementedError(f"{self._name} defines no get_data")

    def _get_title(self, data):
        """Return the report's name, for headings and files."""
        return self.env['ir.model']._get(self._name).name  # translated

    def _get_tables(self, data):
        """Return the tables of `data`, in order.

        :return: list of {
            key, title, note (text above, optional), empty (text when there are no rows, optional),
            currency_id (of amounts; default the report's),
            columns: [{key, label, type (one of COLUMN_TYPES; percent is a share: 0.2 for 20 %), title (tooltip),
                phone (False: not on a phone)}],
            rows: [{key (unique in the table), level (0, 1: part of the row above, or 'total'), cells: {key: value},
                currency_id (optional, of this row's amounts), drill, drills: {column key: drill}}]; dates are ISO text
                (any other text in their column stays as it is: the label of a total);
                a cell that is None has no meaning (a dash), one that is missing stays empty; drill is None or one of
                {model, domain, name, context}, {model, res_id}, {action: xml id of a client action, options},
                {method, args: of this report, returning an action},
            folded (True: rows of level 1 start hidden), checks: [{label, amount, ok, currency_id, drill}] (proofs below
                the table: a check mark or a warning; amount, currency and drill optional),
            chart: {title, type: 'line' or 'bar', labels, datasets: [{label, data}]} (screen only)};
            all but key, columns and rows optional
        """
        raise NotImplementedError(f"{self._name} defines no tables")

    def _get_filters(self):
        """Return what the reader may choose, in order: list of {key, type, label}, where type is

        'date' (key of one day), 'period' (with `keys`: names of the first and the last day), 'choice' (with `choices`:
        [{value, label}]), or 'records' (with `model`, and `domain`: a list of record ids). See the `_filter_*` helpers.
        """
        return []

    # === HELPERS FOR REPORTS === #

    def _filter_as_of(self, label=None):
        return {'key': 'as_of', 'type': 'date', 'label': label or self.env._("As of")}

    def _filter_period(self):
        return {'key': 'period', 'type': 'period', 'keys': ['date_from', 'date_to'], 'label': self.env._("Period")}

    def _filter_choice(self, key, label, choices):
        """`choices`: list of (value, label); values are text, whole numbers or booleans."""
        return {'key': key, 'type': 'choice', 'label': label,
                'choices': [{'value': value, 'label': name} for value, name in choices]}

    def _filter_customers(self):
        return {'key': 'partner_ids', 'type': 'records', 'model': 'res.partner', 'domain': [],
                'label': self.env._("Customers")}

    def _filter_keys(self):
        """Names of the options that the filters set."""
        return [key for choice in self._get_filters() for key in choice.get('keys', [choice['key']])]

    def _read_options(self, options, own=(), also=()):
        """Check and complete `options` by `ar.ledger._read_options`, refusing what this report does not know.

        :param own: names of options that are the report's; they are returned as they came (None: not given), for the
            report to check
        :param also: names of options of the ledger that no filter offers
        :return: dict (see `ar.ledger._read_options`)
        :raise AccessError, UserError: as there, and UserError for options that are not this report's
        """
        options = dict(options or {})
        if unknown := set(options) - {*self._filter_keys(), 'company_ids', *own, *also}:
            raise UserError(self.env._("Unknown option: %s", ", ".join(sorted(unknown))))
        mine = {name: options.pop(name, None) for name in own}  # not the ledger's defaults
        return {**self.env['ar.ledger']._read_options(options), **mine}

    def _read_choice(self, options, key, default):
        """Return the chosen value of a 'choice' filter.

        :raise UserError: for a value that is not offered
        """
        value = options.get(key)
        value = default if value is None else value
        choice = next(choice for choice in self._get_filters() if choice['key'] == key)
        offered = [(type(one['value']), one['value']) for one in choice['choices']]
        if (type(value), value) not in offered:
            raise UserError(self.env._("%(label)s: there is no choice %(value)s.", label=choice['label'], value=value))
        return value

    # === SCREEN === #

    @api.model
    @api.readonly
    def get_screen(self, options=None, shown=None, address=None):
        """Return everything the screen shows.

        :param dict options: as `get_data`
        :param dict shown: number of rows to send per table key, more than the first ones
        :param dict address: texts of the browser's address; what is an option of this report counts where `options`
            has none, anything else is left alone
        :return: dict: title, filters (`_get_filters`), options (those in force, without defaults), values (of each
            option, defaults included), currency_id, tables (with `row_count`; rows cut to what is shown)
        :raise AccessError, UserError: as `get_data`
        """
        options = {**self._from_address(address or {}), **(options or {})}
        data = self.get_data(options)
        tables = self._get_tables(data)
        shown = shown or {}
        for table in tables:
            table.setdefault('currency_id', data.get('currency_id'))
            table['row_count'] = len(table['rows'])
            table['rows'] = _first_rows(table['rows'], max(shown.get(table['key'], 0), ROWS_PER_STEP))
        return {
            'title': self._get_title(data),
            'filters': self._get_filters(),
            'options': options,
            'values': {key: data.get(key) for key in self._filter_keys()},
            'currency_id': data.get('currency_id'),
            'tables': tables,
        }

    def _from_address(self, address):
        """Options out of the texts of an address; what cannot be one is left out."""
        found = {}
        for choice in self._get_filters():
            for key in choice.get('keys', [choice['key']]):
                text = str(address.get(key) or '')
                if not text:
                    continue
                if choice['type'] in ('date', 'period'):
                    found[key] = text if is_date(text) else None
                elif choice['type'] == 'records':
                    numbers = text.split('-')
                    found[key] = [int(number) for number in numbers] if all(map(str.isdigit, numbers)) else None
                else:
                    found[key] = next(
                        (offered['value'] for offered in choice['choices'] if str(offered['value']) == text), None)
        return {key: value for key, value in found.items() if value is not None}

    # === TEXTS OF FILES === #

    def _get_parameters(self, data):
        """Return [(label, value)] of all one needs to make the report again; values are text, numbers or dates."""
        parameters = []
        for choice in self._get_filters():
            if choice['type'] == 'period':
                labels = (self.env._("From"), self.env._("To"))
                parameters += [
                    (label, fields.Date.to_date(data[key])) for label, key in zip(labels, choice['keys'], strict=True)]
                continue
            value = data.get(choice['key'])
            if choice['type'] == 'date':
                value = fields.Date.to_date(value)
            elif choice['type'] == 'records':
                if not value:
                    continue
                value = ", ".join(self.env[choice['model']].browse(value).exists().mapped('display_name'))
            else:
                value = next((str(offered['label']) for offered in choice['choices'] if offered['value'] == value), "")
            parameters.append((choice['label'], value))
        companies = self.env['res.company'].browse(data['company_ids'])
        parameters.append((self.env._("Companies"), ", ".join(companies.mapped('name'))))
        if data.get('currency_id'):
            parameters.append((self.env._("Currency"), self.env['res.currency'].browse(data['currency_id']).name))
        return parameters

    def _get_signature(self):
        """Return [(label, value)]: who made the file and when."""
        return [
            (self.env._("User"), self.env.user.name),
            (self.env._("Generated at"), format_datetime(self.env, fields.Datetime.now())),
        ]

    def _get_subtitle(self, data):
        """Return one line: the parameters, companies apart."""
        companies = self.env._("Companies")
        return " · ".join(
            f"{label}: {value if isinstance(value, str) else format_date(self.env, value)}"
            for label, value in self._get_parameters(data) if label != companies and value)


def _first_rows(rows, count):
    """The first `count` rows; totals are always among them."""
    if len(rows) <= count:
        return rows
    return [row for number, row in enumerate(rows) if number < count or row.get('level') == 'total']


def is_date(text):
    """Whether `text` is a day as ISO text (or a date), as cells of type date hold them."""
    try:
        fields.Date.to_date(text)
    except ValueError:
        return False
    return len(str(text)) == 10
