"""Who decides about releases and limits: by amount and risk class, with a stand-in while somebody is away."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ArCreditApprover(models.Model):
    _name = 'ar.credit.approver'
    _description = "Credit Approver"
    _inherit = ['ar.guard']
    _order = 'company_id, amount_to, id'
    _rec_name = 'user_id'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        comodel_name='res.users', string="Approver", required=True, index=True, ondelete='cascade',
        domain=[('share', '=', False)])
    amount_to = fields.Monetary(
        string="Up to", help="Decides up to this amount, the tolerance of a release included. 0: any amount.")
    class_ids = fields.Many2many(
        comodel_name='ar.credit.class', string="Risk Classes", ondelete='restrict',  # else it would be for all
        help="Empty: all.")
    away_from = fields.Date()
    away_to = fields.Date(string="Away until")
    delegate_id = fields.Many2one(
        comodel_name='res.users', string="Stand-in", domain=[('share', '=', False)],
        help="Decides instead while the approver is away.")

    @api.constrains('amount_to', 'away_from', 'away_to', 'delegate_id', 'user_id')
    def _check_values(self):
        for approver in self:
            if approver.amount_to < 0:
                raise ValidationError(self.env._("%s: the amount cannot be negative.", approver.user_id.name))
            if approver.away_from and approver.away_to and approver.away_to < approver.away_from:
                raise ValidationError(self.env._("%s: the absence ends before it begins.", approver.user_id.name))
            if approver.away_from and not approver.delegate_id:
                raise ValidationError(self.env._("%s: choose a stand-in for the absence.", approver.user_id.name))
            for user in approver.user_id | approver.delegate_id:
                if approver.company_id not in user.company_ids:
                    raise ValidationError(self.env._(
                        "%(user)s does not work in %(company)s.", user=user.name, company=approver.company_id.name))

    @api.model_create_multi
    def create(self, vals_list):
        approvers = super().create(vals_list)
        approvers.company_id._ar_ask_approvers()
        return approvers

    def write(self, vals):
        companies = self.company_id
        result = super().write(vals)
        (companies | self.company_id)._ar_ask_approvers()
        return result

    def _is_away(self, day):
        """Tell whether the approver is away on a day."""
        self.ensure_one()
        return bool(self.away_from) and self.away_from <= day and (not self.away_to or day <= self.away_to)

    @api.model
    def _get_users(self, company, amount, risk_class, requester):
        """Return who may decide: the approvers for the amount and class, or their stand-ins; else the managers.

        :param company: res.company
        :param float amount: in company currency; None: without an upper end
        :param risk_class: ar.credit.class of the customer, may be empty
        :param requester: res.users, who never decides
        :return: res.users; empty when nobody but the requester is there
        """
        # sudo: who asks need not know who decides
        self = self.sudo()
        today = company._ar_today()
        users = self.env['res.users']
        for approver in self.search([('company_id', '=', company.id)]):
            enough = not approver.amount_to or (
                amount is not None and company.currency_id.compare_amounts(amount, approver.amount_to) <= 0)
            if enough and (not approver.class_ids or risk_class in approver.class_ids):
                users |= approver.delegate_id if approver._is_away(today) else approver.user_id
        users = users.filtered(lambda user: user.active and user != requester)
        if users or self.search_count([('company_id', '=', company.id)], limit=1):
            return users.sorted('id')
        managers = self.env.ref('ar_coordinator.group_ar_manager').all_user_ids
        return managers.filtered(
            lambda user: user.active and not user.share and company in user.company_ids and user != requester
        ).sorted('id')


class ResCompany(models.Model):
    _inherit = 'res.company'

    def _ar_ask_approvers(self):
        """Ask who may decide today about what waits: an approver who has gone away has a stand-in from then on."""
        # sudo: what waits is asked for again, whoever changes approvers; also a job
        for name in ('ar.credit.release', 'ar.credit.change'):
            self.env[name].sudo().search([('company_id', 'in', self.ids), ('state', '=', 'requested')])._ask_approvers()


class ArCreditRelease(models.Model):
    _inherit = 'ar.credit.release'

    @api.model
    def _cron_expire(self):
        """Override: the same job asks the stand-ins of who is away from today on."""
        result = super()._cron_expire()
        self.env['res.company'].sudo().search([('active', '=', True)])._ar_ask_approvers()  # sudo: a job
        return result
