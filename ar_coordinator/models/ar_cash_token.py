"""Who paid, by a saved card or mandate, or by an online payment: bank texts that name one of the customer's.

Providers put their reference (a charge, a mandate) or Odoo's reference of the payment into the bank's text. What is
compared are whole words of some length, one reference must be one customer's; short ones and those of two say nothing.
"""
import re
from collections import defaultdict

from odoo import models
from odoo.fields import Domain

SHORTEST = 8  # characters: shorter references stand in texts by chance
WORD = re.compile(r'[\w/.•*-]+')


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_known(self, env, company, customers):
        """Override: each customer's own key, which `_get_tokens` gives to what names his card or online payment."""
        known = super()._get_known(env, company, customers)
        known['tokens'] = {**known['tokens'], **{self._make_token(customer.id): customer.id for customer in customers}}
        return known

    def _get_tokens(self, env, company, receipts):
        """Override: look for references in the texts of bank transactions, all of them in two queries."""
        found = super()._get_tokens(env, company, receipts)
        lines = env['account.bank.statement.line'].browse(key for kind, key in receipts if kind == 'transaction')
        words = {line.id: self._get_words(line) for line in lines}
        payers = self._get_payers(env, company, sorted(set().union(*words.values())))
        for key, own in words.items():
            named = {payers[word] for word in own if word in payers}
            if len(named) == 1:
                found.setdefault(('transaction', key), self._make_token(named.pop()))
        return found

    def _make_token(self, customer_id):
        return f'customer {customer_id}'

    def _get_words(self, line):
        """Return the words of a bank transaction's text that are long enough to be a reference."""
        text = ' '.join(filter(None, (line.payment_ref, line.ref, line.narration and str(line.narration))))
        return {word.strip('.-') for word in WORD.findall(text) if len(word.strip('.-')) >= SHORTEST}

    def _get_payers(self, env, company, words):
        """Return {reference: id of the customer} of cards, mandates and online payments; those of two are left out."""
        if not words:
            return {}
        own = Domain('company_id', '=', company.id)
        payers = defaultdict(set)
        tokens = env['payment.token'].with_context(active_test=False).search_fetch(
            own & Domain('provider_ref', 'in', words), ['provider_ref', 'partner_id'])
        for token in tokens:
            payers[token.provider_ref].add(token.partner_id.commercial_partner_id.id)
        transactions = env['payment.transaction'].search_fetch(
            own & Domain('state', 'not in', ('draft', 'cancel', 'error'))
            & (Domain('reference', 'in', words) | Domain('provider_reference', 'in', words)),
            ['reference', 'provider_reference', 'partner_id'])
        for transaction in transactions:
            for reference in {transaction.reference, transaction.provider_reference} - {False}:
                payers[reference].add(transaction.partner_id.commercial_partner_id.id)
        return {reference: next(iter(own)) for reference, own in payers.items() if len(own) == 1}
