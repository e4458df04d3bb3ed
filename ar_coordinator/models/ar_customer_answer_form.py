"""The forms of customers' answers (templates `answer_form_*`): what they show, and what a posted one says.

The same for the page behind a letter's link and for the portal. Whether it may be answered is checked in
`ar_customer_answer_kind.py`.
"""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .ar_customer_answer_kind import FILE_TYPES, MAX_FILE_SIZE, MAX_FILES, PAID_DAYS_BACK


class ArCustomerAnswer(models.Model):
    _inherit = 'ar.customer.answer'

    # === SHOWING === #

    @api.model
    def _get_form_values(self, items, company, customer):
        """Return what the templates `answer_form_*` show: the same for the link's page and the portal.

        :param items: account.move.line, in the order to show
        :return: dict: items (list of dict: item, move, number, date, date_due, open, disputed, to_pay, is_promised,
            is_paid), open_items (those that are not settled), kinds (offered), company, currency, today,
            last_promise_date, first_paid_date, reasons, max_files, max_file_mb, accept (of the file input),
            format_amount and format_date (in the environment's language)
        """
        today = company._ar_today()
        # sudo: whoever calls has checked that these are the customer's items
        answers = self.sudo().with_company(company).with_context(allowed_company_ids=company.ids)
        items = items.with_env(answers.env)
        facts = answers._get_facts(items, company, customer)
        rows = [{
            'item': item, 'move': item.move_id, 'number': item.move_id.name, 'date': item.invoice_date or item.date,
            'date_due': item.date_maturity, 'is_paid': not facts[item.id]['open'], **facts[item.id],
        } for item in items]
        currency = items.currency_id[:1] or company.currency_id
        record = answers.new({'currency_id': currency.id})
        return {
            'items': rows,
            'open_items': [row for row in rows if not row['is_paid']],
            'kinds': [kind for kind in dict(answers._fields['kind'].selection) if answers._is_offered(kind, company)],
            'company': company.with_env(answers.env),
            'currency': currency,
            'today': today,
            'last_promise_date': today + timedelta(days=company.ar_answer_promise_days),
            'first_paid_date': today - timedelta(days=PAID_DAYS_BACK),
            'reasons': answers._get_reasons(),
            'max_files': MAX_FILES,
            'max_file_mb': MAX_FILE_SIZE // 1024 // 1024,
            'accept': ','.join(f'.{ending}' for endings in FILE_TYPES.values() for ending in endings),
            'format_amount': record._format_amount,
            'format_date': record._format_date,
        }

    @api.model
    def _get_reasons(self):
        """Return the dispute reasons customers choose from."""
        return self.env['ar.dispute.reason'].search([('code', '!=', 'imported')])

    # === READING A FORM === #

    @api.model
    def _read_form(self, kind, form, files, items):
        """Turn a posted form `answer_form_<kind>` into what `_record` takes.

        :param form: a mapping of text with `getlist`, as werkzeug's `request.form`
        :param files: list of werkzeug's FileStorage
        :param items: account.move.line the person may answer for; the form's ticked ones are chosen from them
        :return: (items, values)
        :raise UserError: said to the customer: nothing chosen, a date or number that is none
        """
        items = items.sudo()  # sudo: the caller has checked whose items these are
        chosen = {text for text in form.getlist('item') if text.isdecimal()}
        chosen_items = items.filtered(lambda item: str(item.id) in chosen)
        values = {'note': form.get('note', '')}
        if kind == 'contact':
            values.update((name, form.get(name, '')) for name in ('contact_name', 'contact_email', 'contact_phone'))
            return items, values
        if kind == 'dispute':
            return self._read_dispute(form, files, items, values)
        if not chosen_items:
            raise UserError(self.env._("Please tick at least one item."))
        values['date'] = self._read_date(form.get('date'))
        if kind == 'promise' and form.get('amount'):
            values['amount'] = self._read_number(form.get('amount'))
        elif kind == 'plan':
            values.update(interval=form.get('interval'), instalments=int(self._read_number(form.get('instalments'))))
        elif kind == 'paid':
            values['reference'] = form.get('reference', '')
        return chosen_items, values

    @api.model
    def _read_dispute(self, form, files, items, values):
        """Read the form of a dispute: one invoice; the whole, an amount, or lines with quantities."""
        move_id = form.get('move', '')
        items = items.filtered(lambda item: str(item.move_id.id) == move_id)
        if not items:
            raise UserError(self.env._("Please choose the invoice."))
        reason_id = form.get('reason', '')
        values['reason'] = self.sudo()._get_reasons().filtered(lambda reason: str(reason.id) == reason_id)
        scope = form.get('scope', 'all')
        if scope == 'part':
            values['amount'] = self._read_number(form.get('amount'))
        elif scope == 'lines':
            own = items.move_id.invoice_line_ids.filtered(lambda line: line.display_type == 'product')
            values['lines'] = {
                line.id: self._read_number(form.get(f'quantity_{line.id}') or str(line.quantity))
                for line in own if form.get(f'line_{line.id}')}
        values['attachments'] = [
            (upload.filename, upload.stream.read(MAX_FILE_SIZE + 1)) for upload in files[:MAX_FILES + 1]
            if upload.filename]
        return items, values

    @api.model
    def _read_date(self, text):
        """Return a date for a form's ISO text.

        :raise UserError: for anything else
        """
        try:
            return fields.Date.to_date((text or '').strip()[:10]) or self._miss_date()
        except ValueError:
            return self._miss_date()

    def _miss_date(self):
        """:raise UserError: always."""
        raise UserError(self.env._("Please enter a date."))

    @api.model
    def _read_number(self, text):
        """Return the number a form's field has (with a point, whatever the language; a comma is understood).

        :raise UserError: for text that is no positive number
        """
        try:
            number = float((text or '').strip().replace(',', '.'))
        except ValueError:
            number = 0.0
        if not 0 < number < 1e12:  # also refuses nan
            raise UserError(self.env._("Please enter an amount above zero."))
        return number
