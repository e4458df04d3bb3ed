"""One turnstile per company with a daily cap: whoever queues letters goes through it, one transaction after the other.

Two transactions that queue letters at the same instant do not see each other's, and would count too few. Here both
have to write the same row: the second waits for the first, and then starts again with what the first has done. Only
companies with a cap have a turnstile; one company's never stops another's.
"""
from odoo import api, fields, models


class ArDunningCap(models.Model):
    _name = 'ar.dunning.cap'
    _description = "Turnstile of the Daily Cap"
    _rec_name = 'company_id'

    company_id = fields.Many2one(comodel_name='res.company', required=True, ondelete='cascade')
    passes = fields.Integer(help="How often letters went through; the number says nothing, its change does.")

    _company_uniq = models.UniqueIndex("(company_id)", "A company has one turnstile for its daily cap.")

    @api.model
    def _install(self, companies):
        """Give companies with a cap their turnstile."""
        known = self.search([('company_id', 'in', companies.ids)]).company_id
        self.create([{'company_id': company.id} for company in companies - known])

    @api.model
    def _pass(self, company):
        """Go through, and keep others out until the end of the transaction.

        :raise psycopg2.OperationalError: when somebody queued letters since this transaction began; start again
        """
        turnstile = self.search([('company_id', '=', company.id)]) or self.create({'company_id': company.id})
        turnstile.passes += 1
        turnstile.flush_recordset()


class ResCompany(models.Model):
    _inherit = 'res.company'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a company with a cap has a turnstile."""
        companies = super().create(vals_list)
        companies._ar_install_daily_cap()
        return companies

    def write(self, vals):
        """Override: a company with a cap has a turnstile."""
        result = super().write(vals)
        if vals.get('ar_dunning_daily_cap'):
            self._ar_install_daily_cap()
        return result

    def _ar_install_daily_cap(self):
        """Give these companies their turnstile, where they have a cap."""
        capped = self.filtered('ar_dunning_daily_cap')
        if capped:
            # sudo: whoever may change the company's setting makes what serves it
            self.env['ar.dunning.cap'].sudo()._install(capped)


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _gate(self, letters):
        """Override: letters are counted by one transaction at a time."""
        if letters and self.company_id.ar_dunning_daily_cap:
            self.env['ar.dunning.cap']._pass(self.company_id)
        return super()._gate(letters)
