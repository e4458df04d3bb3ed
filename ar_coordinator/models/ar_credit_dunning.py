"""Dunning and credit: a reminder may place its customer on hold, which ends with what the reminder asked for."""
from odoo import models


class ArDunningLetter(models.Model):
    _inherit = 'ar.dunning.letter'

    def _request_credit_hold(self, partners, level):
        """Override: place the customers of these letters on hold, each in the letter's company."""
        result = super()._request_credit_hold(partners, level)
        for company, letters in self.grouped('company_id').items():
            customers = (letters.partner_id & partners).commercial_partner_id
            self.env['ar.credit.hold']._place(
                customers, company, self.env._("%(level)s was sent and is not paid", level=level.name), level)
        return result

    def _withdraw_steps(self):
        """Override: a letter that is no reminder holds nobody."""
        result = super()._withdraw_steps()
        self.env['ar.credit.queue']._put({
            (letter.partner_id.id, letter.company_id.id) for letter in self if letter.level_id.place_hold})
        return result
