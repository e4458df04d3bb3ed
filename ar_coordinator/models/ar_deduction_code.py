"""Codes that customers write beside what they deduct, and what they mean: the reason of the dispute it becomes."""
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .ar_guard import of_customers


class ArDeductionCode(models.Model):
    _name = 'ar.deduction.code'
    _description = "Deduction Code"
    _inherit = ['ar.guard']
    _order = 'partner_id, code, id'
    _rec_name = 'code'

    code = fields.Char(
        required=True, help="As it stands on remittance advices: a code (“31”, “SHRT”) or words (“damaged goods”).")
    reason_id = fields.Many2one(
        comodel_name='ar.dispute.reason', required=True, index=True, ondelete='cascade')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index='btree_not_null', ondelete='cascade',
        help="Empty: whoever writes it.")
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, default=lambda self: self.env.company, help="Empty: all companies.")
    active = fields.Boolean(default=True)

    _code_uniq = models.UniqueIndex(
        "(UPPER(code), COALESCE(partner_id, 0), COALESCE(company_id, 0))", "This code has a meaning already.")

    @api.constrains('code')
    def _check_code(self):
        for code in self:
            if not _plain(code.code):
                raise ValidationError(self.env._("A deduction code has letters or digits: %s", code.code))

    @api.model_create_multi
    def create(self, vals_list):
        """Override: codes are of customers, not of their contacts."""
        return super().create(of_customers(self.env, vals_list))

    @api.model
    def _find_reason(self, company, partner, text):
        """Return what a text beside a deduction means, or nothing.

        The customer's own codes count more than those of all, longer ones more than shorter ones; a code is found as
        whole words only.

        :param company: res.company
        :param partner: res.partner, the customer or a contact of his
        :param str text: as the customer wrote it, or nothing
        :return: ar.dispute.reason
        """
        words = f' {_plain(text)} '
        if not words.strip():
            return self.env['ar.dispute.reason']
        # sudo: what codes mean is no secret to the company's cash
        codes = self.sudo().search([
            ('company_id', 'in', (False, company.id)),
            ('partner_id', 'in', (False, partner.commercial_partner_id.id))])
        found = codes.filtered(lambda code: f' {_plain(code.code)} ' in words)
        return found.sorted(lambda code: (not code.partner_id, not code.company_id, -len(code.code), code.id))[
            :1].reason_id.with_env(self.env)


def _plain(text):
    """Return words in capitals, without punctuation.

    >>> _plain("31/ damaged-goods.")
    '31 DAMAGED GOODS'
    """
    return ' '.join(re.findall(r'[^\W_]+', (text or '').upper()))
