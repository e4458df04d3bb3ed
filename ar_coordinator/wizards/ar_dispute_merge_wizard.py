"""Asks which of several disputes stays when they are merged, and over how much. The model does the rest."""
from odoo import api, fields, models


class ArDisputeMergeWizard(models.TransientModel):
    _name = 'ar.dispute.merge.wizard'
    _description = "Merge Disputes"

    dispute_ids = fields.Many2many(comodel_name='ar.dispute', string="Disputes", required=True)
    target_id = fields.Many2one(
        comodel_name='ar.dispute', string="Keep", required=True, domain="[('id', 'in', dispute_ids)]",
        compute='_compute_target_id', store=True, readonly=False)
    currency_id = fields.Many2one(related='target_id.currency_id')
    amount = fields.Monetary(
        string="Disputed Amount", compute='_compute_amount', store=True, readonly=False,
        help="What is disputed twice counts once.")

    @api.depends('dispute_ids')
    def _compute_target_id(self):
        for wizard in self:
            disputes = wizard.dispute_ids._origin.sorted(lambda dispute: (not dispute.move_id, dispute.id))
            wizard.target_id = disputes[:1]

    @api.depends('dispute_ids', 'target_id')
    def _compute_amount(self):
        for wizard in self:
            disputes = wizard.dispute_ids._origin
            if len(disputes) > 1 and wizard.target_id:
                wizard.target_id._check_mergeable(disputes)
            wizard.amount = disputes._get_merged_amount()[0] if disputes else 0

    def action_merge(self):
        """Merge and show the dispute that stays.

        :raise UserError: see `ar.dispute` `_merge`
        """
        self.ensure_one()
        self.target_id._merge(self.dispute_ids, amount=self.amount if self.target_id.move_id else None)
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_dispute_action')
        return {**action, 'views': [(False, 'form')], 'res_id': self.target_id.id, 'context': {}}
