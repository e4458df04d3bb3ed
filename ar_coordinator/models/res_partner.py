"""Who looks after a customer's receivables, and what they owe: nothing that depends on today is stored."""
from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_collector_id = fields.Many2one(
        comodel_name='res.users', string="Collector", company_dependent=True, domain=[('share', '=', False)],
        groups='ar_coordinator.group_ar_base', help="Works this customer's open items, in this company.")
    ar_currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_ar_amounts', groups='ar_coordinator.group_ar_base')
    ar_receivable_amount = fields.Monetary(
        string="Receivable", compute='_compute_ar_amounts', currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base',
        help="Open items today, credits deducted, of the whole customer in the current company.")
    ar_overdue_amount = fields.Monetary(
        string="Overdue", compute='_compute_ar_amounts', currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base',
        help="Open items past their due date, of the whole customer in the current company; unapplied credits are not"
             " deducted.")

    # === COMPUTE METHODS === #

    @api.depends_context('company')
    def _compute_ar_amounts(self):
        """One ledger query for the whole batch; contacts show their customer's figures."""
        exposure = self.env['ar.ledger'].exposure(self._origin.filtered('id'))
        for partner in self:
            figures = exposure.get(partner._origin.commercial_partner_id.id, {})
            partner.ar_currency_id = self.env.company.currency_id
            partner.ar_receivable_amount = figures.get('receivable', 0.0)
            partner.ar_overdue_amount = figures.get('overdue', 0.0)

    # === ACTION METHODS === #

    def action_ar_open_items(self):
        """Open the aged receivables of this customer in the current company, with the open items unfolded."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_aging_action')
        return {**action, 'params': {
            'partner_ids': self.commercial_partner_id.ids, 'company_ids': self.env.company.ids, 'unfold': True}}
