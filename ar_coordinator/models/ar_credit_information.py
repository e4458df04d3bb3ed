"""What is known about a customer's credit: agencies' reports, what is insured or guaranteed, and reviews when due."""
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import format_date, formatLang


class ArCreditReport(models.Model):
    _name = 'ar.credit.report'
    _description = "Credit Report"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'date desc, id desc'
    _rec_name = 'source'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    source = fields.Char(required=True, help="The agency, bank or person it is from.")
    date = fields.Date(required=True, default=lambda self: self.env.company._ar_today())
    valid_until = fields.Date(help="Empty: until there is a newer one.")
    rating = fields.Char(help="As the source writes it, such as BB+ or 268.")
    limit_recommended = fields.Monetary(string="Recommended Limit")
    attachment_ids = fields.Many2many(comodel_name='ir.attachment', string="Files")
    note = fields.Text()

    @api.model_create_multi
    def create(self, vals_list):
        reports = super().create(vals_list)
        reports._judge_again()
        return reports

    def write(self, vals):
        result = super().write(vals)
        self._judge_again()
        return result

    def _judge_again(self):
        self.env['ar.credit.queue']._put({
            (report.partner_id.commercial_partner_id.id, report.company_id.id) for report in self.sudo()})  # sudo: ids


class ArCreditGuarantee(models.Model):
    _name = 'ar.credit.guarantee'
    _description = "Credit Insurance or Guarantee"
    _inherit = ['ar.guard', 'mail.thread']
    _order = 'date_to, id'

    name = fields.Char(string="Policy Number", help="Or number of the guarantee.")
    kind = fields.Selection(
        selection=[
            ('insurance', "Insurance"), ('bank', "Bank guarantee"), ('parent', "Guarantee of the parent"),
            ('deposit', "Deposit"), ('other', "Other security")],
        required=True, default='insurance')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    insurer_id = fields.Many2one(comodel_name='res.partner', string="Insurer or Guarantor", ondelete='restrict')
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, default=lambda self: self.env.company.currency_id)
    amount = fields.Monetary(required=True)
    date_from = fields.Date(string="From", required=True, default=lambda self: self.env.company._ar_today())
    date_to = fields.Date(string="Last Day")
    attachment_ids = fields.Many2many(comodel_name='ir.attachment', string="Files")
    note = fields.Text()

    @api.constrains('amount', 'date_from', 'date_to')
    def _check_values(self):
        for guarantee in self:
            if guarantee.amount <= 0:
                raise ValidationError(self.env._(
                    "%s: the amount insured or guaranteed is above zero.", guarantee.partner_id.display_name))
            if guarantee.date_to and guarantee.date_to < guarantee.date_from:
                raise ValidationError(self.env._(
                    "%s: the insurance ends before it begins.", guarantee.partner_id.display_name))

    @api.model
    def _get_valid(self, company, customers):
        """Return what is valid today for customers of a company."""
        today = company._ar_today()
        return self.search([
            ('company_id', '=', company.id), ('partner_id', 'in', customers.ids), ('date_from', '<=', today),
            '|', ('date_to', '=', False), ('date_to', '>=', today)])


class ArCreditRule(models.Model):
    _inherit = 'ar.credit.rule'

    @api.model
    def _get_informed(self, customers, company):
        """Override: customers with a report that is valid today."""
        informed = super()._get_informed(customers, company)
        today = company._ar_today()
        return informed | {partner.id for [partner] in self.env['ar.credit.report']._read_group([
            ('company_id', '=', company.id), ('partner_id', 'in', customers.ids), ('date', '<=', today),
            '|', ('valid_until', '=', False), ('valid_until', '>=', today)], ['partner_id'])}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_credit_review_months = fields.Integer(
        string="Review Every (months)", company_dependent=True, copy=False, groups='ar_coordinator.group_ar_base',
        help="0: as the risk class says.")
    ar_credit_report_ids = fields.One2many(
        comodel_name='ar.credit.report', inverse_name='partner_id', string="Credit Reports",
        groups='ar_coordinator.group_ar_base')
    ar_credit_guarantee_ids = fields.One2many(
        comodel_name='ar.credit.guarantee', inverse_name='partner_id', string="Insurance and Guarantees",
        groups='ar_coordinator.group_ar_base')

    def _ar_get_credit_beside(self, company):
        """Override: what is insured or guaranteed, and what the latest report says."""
        lines = super()._ar_get_credit_beside(company)
        labels = dict(self.env['ar.credit.guarantee']._fields['kind']._description_selection(self.env))
        for guarantee in self.env['ar.credit.guarantee']._get_valid(company, self):
            lines.append((
                self.env._("%(kind)s until %(day)s", kind=labels[guarantee.kind], day=format_date(
                    self.env, guarantee.date_to)) if guarantee.date_to else labels[guarantee.kind],
                formatLang(self.env, guarantee.amount, currency_obj=guarantee.currency_id)))
        report = self.env['ar.credit.report'].search(
            [('company_id', '=', company.id), ('partner_id', '=', self.id)], limit=1)
        if report:
            lines.append((
                f"{report.source}, {format_date(self.env, report.date)}",
                report.rating or formatLang(self.env, report.limit_recommended, currency_obj=company.currency_id)))
        return lines

    def action_ar_apply_class(self):
        """Give the customer what its risk class has: credit, terms, dunning policy, next review.

        :raise UserError: without a risk class, or when the limit needs a second person
        """
        for partner in self:
            risk_class = partner.ar_credit_class_id
            if not risk_class:
                raise UserError(self.env._("%s: choose a risk class first.", partner.display_name))
            vals = {'ar_credit_mode': risk_class.mode}
            if risk_class.mode == 'limited':
                vals['credit_limit'] = risk_class.limit_amount
            if risk_class.payment_term_id:
                vals['property_payment_term_id'] = risk_class.payment_term_id.id
            if risk_class.dunning_policy_id:
                vals['ar_dunning_policy_id'] = risk_class.dunning_policy_id.id
            if not partner.ar_credit_review_date and partner._ar_get_review_months():
                vals['ar_credit_review_date'] = partner._ar_next_review()
            partner.write(vals)

    def action_ar_reviewed(self):
        """The customer's credit was reviewed today: the next review is an interval away; its task is done.

        :raise UserError: when neither the customer nor its risk class has an interval
        """
        for partner in self:
            if not partner._ar_get_review_months():
                raise UserError(self.env._(
                    "%s: enter how often the credit is reviewed, here or in the risk class.", partner.display_name))
            partner.ar_credit_review_date = partner._ar_next_review()
            partner.activity_feedback(
                ['ar_coordinator.ar_activity_credit_review'],
                feedback=self.env._("Credit reviewed. Next: %s", format_date(self.env, partner.ar_credit_review_date)))
            partner.message_post(body=self.env._(
                "Credit reviewed. Next review: %s", format_date(self.env, partner.ar_credit_review_date)))

    def _ar_get_review_months(self):
        self.ensure_one()
        return self.ar_credit_review_months or self.ar_credit_class_id.review_months

    def _ar_next_review(self):
        return self.env.company._ar_today() + relativedelta(months=self._ar_get_review_months())

    @api.model
    def _ar_remind_of_reviews(self, company):
        """Give the collector (else a manager) a task for each customer whose review is due and has none yet."""
        # sudo: a job
        partners = self.sudo().with_company(company).search([('ar_credit_review_date', '<=', company._ar_today())])
        kind = self.env.ref('ar_coordinator.ar_activity_credit_review', raise_if_not_found=False)
        if not kind:
            return  # somebody deleted this type of task: nobody is to be reminded
        reminded = {activity.res_id for activity in self.env['mail.activity'].sudo().search_fetch([  # sudo: a job
            ('res_model', '=', 'res.partner'), ('activity_type_id', '=', kind.id), ('res_id', 'in', partners.ids)],
            ['res_id'])}
        managers = self.env['ar.credit.approver']._get_users(company, None, self.env['ar.credit.class'], self.env.user)
        for partner in partners.filtered(lambda partner: partner.id not in reminded):
            partner.activity_schedule(
                'ar_coordinator.ar_activity_credit_review', date_deadline=partner.ar_credit_review_date,
                summary=self.env._("Review the credit of %(customer)s (%(company)s)", customer=partner.name,
                                   company=company.name),
                user_id=(partner.ar_collector_id or managers[:1] or self.env.user)._ar_on_duty(company).id)


class ArCreditQueue(models.Model):
    _inherit = 'ar.credit.queue'

    @api.model
    def _cron_nightly(self):
        """Override: reviews that are due get a task."""
        result = super()._cron_nightly()
        for company in self.env['res.company'].search([('active', '=', True)]):
            self.env['res.partner']._ar_remind_of_reviews(company)
        return result
