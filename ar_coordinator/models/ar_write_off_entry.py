"""What an approved write-off does in the books: its entry, matched with the items; a refund's draft payment."""
from odoo import Command, models
from odoo.exceptions import UserError


class ArWriteOff(models.Model):
    _inherit = 'ar.write.off'

    def _execute(self):
        """Read the items again under lock, then post the entry or draft the payment."""
        self.ensure_one()
        if self.kind == 'refund':  # two that pay one credit back at the same instant would not see each other
            self.env['ar.ledger'].sudo()._take_turns(  # sudo: the table is no user's
                [f'ar.write.off,refund,{self.company_id.id},{self.partner_id.id}'])
        items = self.line_ids.move_line_id
        items.lock_for_update(allow_referencing=True)
        items.invalidate_recordset()
        self.line_ids.invalidate_recordset(['amount_open', 'amount_company'])
        self._check_content()
        for line in self.line_ids:  # the figures of what is done stay, whatever is matched
            line.amount_posted = line.amount_company
        today = self.company_id._ar_today()
        vals = {'state': 'done', 'date_done': today}
        if self.kind == 'refund':
            vals['payment_id'] = self._create_payment().id
        else:
            self.company_id._ar_check_open_period(today, self._get_journal(), self.name)
            vals['move_id'] = self._create_entry(today).id
        self.write(vals)

    def _create_payment(self):
        """Return the draft payment of a refund."""
        amount = -sum(self.line_ids.mapped('amount'))
        return self.env['account.payment'].create({
            'payment_type': 'outbound', 'partner_type': 'customer', 'partner_id': self.partner_id.id,
            'amount': amount, 'currency_id': self.currency_id.id, 'company_id': self.company_id.id,
            'memo': self.name, 'destination_account_id': self.line_ids.move_line_id.account_id[:1].id})

    def _create_entry(self, day):
        """Post the entry of a write-off or of small balances, match it with the items, and return it."""
        commands, matched = [], []
        for line in self.line_ids:
            item, amount, balance = line.move_line_id, line.amount, line.amount_company
            commands.append(Command.create({
                'account_id': item.account_id.id, 'partner_id': item.partner_id.id, 'name': self.name,
                'currency_id': self.currency_id.id, 'amount_currency': -amount, 'balance': -balance}))
            matched.append(item)
            commands += map(Command.create, self._prepare_counterparts(line))
        # taxes are computed here by Odoo's engine; left to itself the entry would compute them again
        moves = self.env['account.move'].with_context(skip_invoice_sync=True)
        move = moves.create({
            'move_type': 'entry', 'journal_id': self._get_journal().id, 'date': day, 'company_id': self.company_id.id,
            'ref': self.name, 'line_ids': commands})
        move.action_post()
        move._message_log(body=self.env._("Write-off: %s", self._get_html_link()))
        receivables = move.line_ids.filtered(lambda one: one.account_id.account_type == 'asset_receivable')
        for item, own in zip(matched, receivables.sorted('id'), strict=True):
            (item + own).reconcile()
        return move

    def _get_journal(self):
        """Return the journal of write-offs.

        :raise UserError: when the company has none
        """
        journal = self.company_id.ar_write_off_journal_id or self.env['account.journal'].search(
            [*self.env['account.journal']._check_company_domain(self.company_id), ('type', '=', 'general')], limit=1)
        if not journal:
            raise UserError(self.env._("%s has no journal for miscellaneous entries.", self.company_id.name))
        return journal

    def _get_account(self, amount):
        """Return the account that a write-off of `amount` (negative: a credit) goes to.

        :raise UserError: when the settings name none
        """
        company = self.company_id
        if self.kind == 'write_off':
            account = company.ar_write_off_account_id
        elif amount < 0:
            account = company.ar_small_balance_gain_account_id or company.ar_small_balance_account_id
        else:
            account = company.ar_small_balance_account_id or company.ar_write_off_account_id
        if not account:
            raise UserError(self.env._(
                "%(company)s: choose the account for this in the settings of Receivables, Write-offs.",
                company=company.name))
        return account

    def _prepare_counterparts(self, line):
        """Return the values of the other side of an item: expense, with the tax taken back where that is wanted."""
        account = self._get_account(line.amount)
        common = {'partner_id': self.partner_id.id, 'currency_id': self.currency_id.id, 'name': self.name}
        move = line.move_line_id.move_id
        taxes = move.is_sale_document() and move.line_ids.tax_ids.flatten_taxes_hierarchy()
        # a tax that is due on payment never fell due for what is not paid: left alone, matching would make it due
        is_never_due = taxes and set(taxes.mapped('tax_exigibility')) == {'on_payment'}
        if not (self.kind == 'write_off' and taxes and (self.with_tax_relief or is_never_due)):
            return [{
                **common, 'account_id': account.id, 'amount_currency': line.amount, 'balance': line.amount_company}]
        bases, taxes = self._compute_relief(move, line.amount, account)
        parts = [{**common, **values, 'account_id': account.id} for values in bases] + [
            {**common, **values} for values in taxes]
        # the books' value of the item is the truth: what rounding leaves goes to the expense
        bases_first = parts[0]
        for name, total in (('amount_currency', line.amount), ('balance', line.amount_company)):
            currency = self.currency_id if name == 'amount_currency' else self.company_currency_id
            rest = currency.round(total - sum(values[name] for values in parts))
            if abs(rest) > 100 * currency.rounding:
                raise UserError(self.env._(
                    "%(invoice)s: its taxes cannot be taken back in this amount. Write it off without the tax, or make"
                    " a credit note.", invoice=move.display_name))
            bases_first[name] = currency.round(bases_first[name] + rest)
        return parts

    def _compute_relief(self, move, amount, account):
        """Return (values of expense lines with taxes, values of tax lines) of `amount` of an invoice, tax included.

        By Odoo's tax engine, in the proportions of the invoice's lines, with the taxes' refund accounts and tags.
        """
        engine = self.env['account.tax']
        products = move.invoice_line_ids.filtered(lambda line: line.display_type == 'product')
        base_lines = self.env['ar.dispute.line']._prepare_base_lines({line: line.quantity for line in products})
        shares = engine._prepare_down_payment_lines(
            base_lines, self.company_id, 'fixed', amount, computation_key=f'ar_write_off,{self.id},{move.id}',
            grouping_function=lambda base_line: {'account_id': account})
        for share in shares:
            share.update(is_refund=True, sign=1)
        # a tax that is due on payment goes back to its waiting account; Odoo's entries for it, made when this entry
        # and the invoice are matched, cancel out. Only those carry its tags.
        engine._add_accounting_data_in_base_lines_tax_details(shares, self.company_id, include_caba_tags=False)
        result = engine._prepare_tax_lines(shares, self.company_id)
        bases = [{
            'amount_currency': values['amount_currency'], 'balance': values['balance'],
            'tax_tag_ids': values['tax_tag_ids'], 'tax_ids': [Command.set(share['tax_ids'].ids)],
        } for share, values in result['base_lines_to_update']]
        taxes = [
            {name: value for name, value in values.items() if name in self.env['account.move.line']._fields
             and name not in ('partner_id', 'currency_id')}
            for values in result['tax_lines_to_add']]
        return bases, taxes
