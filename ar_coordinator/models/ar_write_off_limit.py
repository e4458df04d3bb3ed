"""How much a user may write off alone, and approve; other than what his role may."""
from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError


class ArWriteOffLimit(models.Model):
    _name = 'ar.write.off.limit'
    _description = "Write-Off Limit of a User"
    _inherit = ['ar.guard']
    _rec_name = 'user_id'
    _order = 'company_id, user_id'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        comodel_name='res.users', required=True, index=True, ondelete='cascade', domain=[('share', '=', False)])
    amount_alone = fields.Monetary(
        string="Without Approval", help="Per customer and year. Instead of what the role may do.")
    amount_approve = fields.Monetary(string="Approves up to", help="Managers only. 0: any amount.")

    _user_uniq = models.UniqueIndex("(company_id, user_id)", "A user has one limit per company.")

    @api.model_create_multi
    def create(self, vals_list):
        limits = super().create(vals_list)
        limits._check_not_own()
        return limits

    def write(self, vals):
        self._check_not_own()
        result = super().write(vals)
        self._check_not_own()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_not_own(self):
        self._check_not_own()

    def _check_not_own(self):
        """:raise AccessError: for one's own limit: it would be an approval of one's own requests"""
        if not self.env.su and self.env.user in self.user_id:
            raise AccessError(self.env._("Your own limit is set by another manager."))

    @api.constrains('amount_alone', 'amount_approve')
    def _check_amounts(self):
        for limit in self:
            if limit.amount_alone < 0 or limit.amount_approve < 0:
                raise ValidationError(self.env._("%s: limits cannot be negative.", limit.user_id.name))
