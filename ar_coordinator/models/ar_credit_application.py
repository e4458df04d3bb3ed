"""Credit applications: what a customer tells us, in the portal or on paper, to be given a limit.

    draft -> submitted -> accepted (a change of credit is asked for) | refused
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date, formatLang

from .ar_guard import of_customers, without_defaults

GUARDED_FIELDS = {'state', 'change_id', 'decided_by_id', 'date_submitted'}
CUSTOMER_FIELDS = (
    'amount', 'contact_name', 'contact_email', 'vat', 'legal_form', 'bank', 'trade_references', 'note')


class ArCreditApplication(models.Model):
    _name = 'ar.credit.application'
    _description = "Credit Application"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _rec_name = 'partner_id'
    _mail_post_access = 'read'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount = fields.Monetary(string="Limit Asked for", required=True, tracking=True)
    legal_form = fields.Char(help="And number in the commercial register.")
    vat = fields.Char(string="Tax ID")
    contact_name = fields.Char(string="Contact for Invoices")
    contact_email = fields.Char(string="E-mail for Invoices")
    bank = fields.Char(help="Name of the bank, and account number.")
    trade_references = fields.Text(help="Suppliers who may be asked.")
    note = fields.Text()
    state = fields.Selection(
        selection=[
            ('draft', "Draft"), ('submitted', "Submitted"), ('accepted', "Accepted"), ('refused', "Refused")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True, group_expand=True)
    date_submitted = fields.Datetime(string="Submitted on", readonly=True, copy=False)
    decided_by_id = fields.Many2one(comodel_name='res.users', string="Decided by", readonly=True, copy=False)
    change_id = fields.Many2one(
        comodel_name='ar.credit.change', string="Change of Credit", readonly=True, copy=False, ondelete='set null')
    missing = fields.Char(related='partner_id.ar_credit_missing', string="Set-up Missing")

    _submitted_uniq = models.UniqueIndex(
        "(partner_id, company_id) WHERE state = 'submitted'", "An application of this customer waits already.")

    @api.constrains('amount')
    def _check_amount(self):
        for application in self:
            if application.amount <= 0:
                raise ValidationError(self.env._(
                    "%s: the limit asked for is above zero.", application.partner_id.display_name))

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(GUARDED_FIELDS & {name for name, value in vals.items() if value and value != 'draft'}
                                   for vals in vals_list):
            raise AccessError(self.env._("An application is submitted and decided with its buttons."))
        return super().create(of_customers(self.env, vals_list))

    def write(self, vals):
        if not self.env.su and GUARDED_FIELDS & set(vals):
            raise AccessError(self.env._("An application is submitted and decided with its buttons."))
        return super().write(vals)

    def action_submit(self):
        """Submit drafts: the approvers get a task.

        :raise UserError: for what was submitted already
        """
        self.check_access('write')
        self._expect('draft')
        self.sudo()._submit()  # sudo: the state moves by this button only; access was checked

    def action_accept(self):
        """Ask for the limit, and complete the customer's account with what it told us.

        :raise UserError: for what does not wait
        """
        self.check_access('write')
        self._expect('submitted')
        for application in self:
            partner = application.partner_id.with_company(application.company_id)
            partner.check_access('write')
            if application.vat and not partner.vat:
                partner.vat = application.vat
            if application.contact_email and not partner.child_ids.filtered('ar_is_receivables_contact'):
                self.env['res.partner'].create({
                    'parent_id': partner.id, 'name': application.contact_name or application.contact_email,
                    'email': application.contact_email, 'ar_is_receivables_contact': True, 'type': 'contact'})
            change = self.env['ar.credit.change'].create({
                'partner_id': partner.id, 'company_id': application.company_id.id, 'limit_amount': application.amount,
                'reason': self.env._("Application of %s", format_date(self.env, application.date_submitted))})
            change.action_request()
            # sudo: the state moves by this button only; access was checked
            application.sudo()._close('accepted', self.env.user, change)

    def action_refuse(self):
        """Refuse submitted applications.

        :raise UserError: for what does not wait
        """
        self.check_access('write')
        self._expect('submitted')
        for application in self.sudo():  # sudo: as in action_accept
            application._close('refused', self.env.user)

    def _expect(self, state):
        for application in self:
            if application.state != state:
                labels = dict(self._fields['state']._description_selection(self.env))
                raise UserError(self.env._(
                    "The application of %(customer)s is %(state)s.", customer=application.partner_id.display_name,
                    state=labels[application.state].lower()))

    def _submit(self):
        """Wait for a decision."""
        for application in self:
            application.write({'state': 'submitted', 'date_submitted': fields.Datetime.now()})
            partner = application.partner_id.with_company(application.company_id)
            for approver in self.env['ar.credit.approver']._get_users(
                    application.company_id, application.amount, partner.ar_credit_class_id, self.env['res.users']):
                application.activity_schedule(
                    'mail.mail_activity_data_todo', user_id=approver.id,
                    date_deadline=application.company_id._ar_today(), summary=self.env._(
                        "Credit application of %(customer)s: %(amount)s", customer=partner.name,
                        amount=formatLang(self.env, application.amount, currency_obj=application.currency_id)))

    def _close(self, state, user, change=None):
        """End an application; its tasks are done."""
        self.ensure_one()
        self.write({'state': state, 'decided_by_id': user.id, 'change_id': change.id if change else False})
        self.activity_ids.unlink()

    @api.model
    def _apply(self, partner, company, values):
        """Make and submit the application of a customer who fills in the form in the portal.

        :param partner: res.partner, commercial partner; the caller checked that it is the user's
        :param company: res.company
        :param dict values: of CUSTOMER_FIELDS, as text; others are ignored
        :return: the application
        :raise UserError: when one waits already, or the amount makes no sense
        """
        applications = self.sudo()  # sudo: a portal user has no rights to our models; see partner
        own = [('partner_id', '=', partner.id), ('company_id', '=', company.id)]
        if applications.search_count([*own, ('state', '=', 'submitted')], limit=1):
            raise UserError(self.env._("We have your application already, and will answer it soon."))
        vals = {name: (values.get(name) or '').strip()[:2000] for name in CUSTOMER_FIELDS}
        try:
            vals['amount'] = round(float(vals['amount'].replace(',', '')), company.currency_id.decimal_places)
        except ValueError as error:
            raise UserError(self.env._("Please enter the limit you need as a number.")) from error
        if not 0 < vals['amount'] < 1e12:
            raise UserError(self.env._("Please enter the limit you need as a number above zero."))
        application = applications.create({**vals, 'partner_id': partner.id, 'company_id': company.id})
        application._submit()
        return application
