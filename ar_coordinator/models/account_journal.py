"""What a bank journal is called in files: its lockbox, besides the bank account Odoo has."""
from odoo import fields, models
from odoo.fields import Domain

from ..engine.cash import normalise_account


class AccountJournal(models.Model):
    _inherit = 'account.journal'

    ar_lockbox_number = fields.Char(
        string="Lockbox", help="Number of the lockbox whose cheques are loaded into this journal.")

    def _ar_find_by_account(self, company, account, lockbox, currency):
        """Return the company's bank journal of an account as a file writes it; empty if there is none, or several.

        An IBAN is known by its whole, an account number also as the end of an IBAN (German and Dutch banks write bank
        code and account with a slash, others the currency behind it).

        :param str account: '' for a lockbox file
        :param str currency: of the file's statement, '' if it doesn't say
        """
        journals = self.search(Domain('company_id', '=', company.id) & Domain('type', '=', 'bank'))
        if lockbox:
            found = journals.filtered(lambda journal: (journal.ar_lockbox_number or '').strip() == lockbox)
            return found if len(found) == 1 else self.browse()
        wanted = normalise_account(account or '')
        names = {wanted, wanted.removesuffix(currency) if currency else wanted} - {''}
        if not names:
            return self.browse()
        known = {
            journal: normalise_account(journal.bank_account_id.acc_number)
            for journal in journals if journal.bank_account_id.acc_number}
        for fits in (
            lambda number: number in names,
            lambda number: any(len(name) >= 8 and number.endswith(name) for name in names),
            lambda number: any(len(number) >= 8 and name.endswith(number) for name in names),
        ):
            found = self.browse().union(*(journal for journal, number in known.items() if fits(number)))
            if len(found) > 1 and currency:
                found = found.filtered(
                    lambda journal: (journal.currency_id or company.currency_id).name == currency)
            if found:
                return found if len(found) == 1 else self.browse()
        return self.browse()
