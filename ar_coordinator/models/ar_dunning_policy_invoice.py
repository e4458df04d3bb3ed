"""Invoices with a dunning policy of their own.

A table of its own, with a row for the few invoices concerned: a field on account.move would widen the biggest table of
the database, and each write on an invoice recomputes much of it.
"""
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command, Domain


class ArDunningPolicyInvoice(models.Model):
    _name = 'ar.dunning.policy.invoice'
    _description = "Dunning Policy of an Invoice"
    _inherit = ['ar.guard']
    _rec_name = 'move_id'
    _check_company_auto = True

    move_id = fields.Many2one(
        comodel_name='account.move', string="Invoice", required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='move_id.company_id', store=True, precompute=True, index=True)
    policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', required=True, index=True, ondelete='cascade', check_company=True)

    _move_uniq = models.UniqueIndex("(move_id)", "An invoice follows one dunning policy only.")

    @api.constrains('move_id')
    def _check_move(self):
        for assignment in self:
            if assignment.move_id.move_type not in ('out_invoice', 'out_receipt'):
                raise ValidationError(self.env._(
                    "%s is not a customer invoice: it is not reminded of and needs no dunning policy.",
                    assignment.move_id.display_name))

    @api.model
    def _get_policies(self, company, move_ids):
        """Return {invoice id: policy} for those of these invoices that have a usable one; one query."""
        assignments = self.search_fetch([('move_id', 'in', list(move_ids))], ['move_id', 'policy_id'])
        policies = {
            assignment.move_id.id: assignment.policy_id._usable_in(company) for assignment in assignments}
        return {move_id: policy for move_id, policy in policies.items() if policy}


class AccountMove(models.Model):
    _inherit = 'account.move'

    ar_dunning_policy_invoice_ids = fields.One2many(
        comodel_name='ar.dunning.policy.invoice', inverse_name='move_id', groups='ar_coordinator.group_ar_base')
    ar_dunning_policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', string="Dunning Policy", compute='_compute_ar_dunning_policy_id',
        inverse='_inverse_ar_dunning_policy_id', search='_search_ar_dunning_policy_id',
        domain="[('company_id', 'in', (False, company_id))]", groups='ar_coordinator.group_ar_base',
        help="How this invoice is reminded of. Empty: like the customer's others.")

    @api.depends('ar_dunning_policy_invoice_ids.policy_id')
    def _compute_ar_dunning_policy_id(self):
        for move in self:
            move.ar_dunning_policy_id = move.ar_dunning_policy_invoice_ids.policy_id

    def _inverse_ar_dunning_policy_id(self):
        for move in self:
            policy = move.ar_dunning_policy_id
            if not policy:
                move.ar_dunning_policy_invoice_ids = [Command.clear()]
            elif move.ar_dunning_policy_invoice_ids:
                move.ar_dunning_policy_invoice_ids.policy_id = policy
            else:
                move.ar_dunning_policy_invoice_ids = [Command.create({'policy_id': policy.id})]

    def _search_ar_dunning_policy_id(self, operator, value):
        if operator not in ('in', 'any'):
            return NotImplemented
        wanted = Domain('ar_dunning_policy_invoice_ids.policy_id', operator, value)
        if operator == 'in' and False in value:
            wanted |= Domain('ar_dunning_policy_invoice_ids', '=', False)
        return wanted
