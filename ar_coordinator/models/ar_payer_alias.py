"""Names payers use that are not the customer's: learned from what users confirm, to be looked at and switched off."""
from odoo import api, fields, models

from ..engine.cash import normalise_name


class ArPayerAlias(models.Model):
    _name = 'ar.payer.alias'
    _description = "Payer Name"
    _inherit = ['ar.guard']
    _order = 'count desc, id'
    _rec_name = 'payer'

    payer = fields.Char(required=True, help="As it stood on the payment that was confirmed first.")
    name = fields.Char(
        string="Normalised", compute='_compute_name', store=True, precompute=True, index=True,
        help="Without legal form, punctuation and order of words: what payments are compared with.")
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    count = fields.Integer(string="Confirmed", readonly=True, help="How often a user confirmed it.")
    date_last = fields.Date(string="Last Confirmed", readonly=True)
    active = fields.Boolean(
        default=True, help="Switched off, payments by this name are no longer taken for the customer's.")

    _unique_name = models.UniqueIndex("(company_id, name)", "This payer name belongs to a customer already.")

    @api.depends('payer')
    def _compute_name(self):
        for alias in self:
            alias.name = normalise_name(alias.payer or '')

    @api.model
    def _learn(self, company, partner, payer):
        """Note that a user took a payment by `payer` for the customer's; a name of two customers teaches nothing."""
        name = normalise_name(payer or '')
        if not name or normalise_name(partner.name or '') == name:
            return
        # sudo: clerks teach by confirming, managers manage the list
        aliases = self.sudo().with_context(active_test=False)
        alias = aliases.search([('company_id', '=', company.id), ('name', '=', name)], limit=1)
        today = company._ar_today()
        if not alias:
            aliases.create({
                'payer': payer, 'partner_id': partner.id, 'company_id': company.id, 'count': 1, 'date_last': today})
        elif alias.partner_id != partner:
            alias.write({'active': False, 'date_last': today})
        else:
            alias.write({'count': alias.count + 1, 'date_last': today})

    @api.model
    def _unlearn(self, company, partner, payer):
        """Take one confirmation back: the application it came from was undone."""
        # sudo: as _learn
        alias = self.sudo().with_context(active_test=False).search([
            ('company_id', '=', company.id), ('name', '=', normalise_name(payer or '')),
            ('partner_id', '=', partner.id)], limit=1)
        if alias:
            alias.count = max(alias.count - 1, 0)
            alias.active = alias.active and alias.count > 0
