"""How statements are sent: the company's settings, and what a customer gets instead."""
import calendar

from odoo import api, fields, models
from odoo.exceptions import ValidationError

KINDS = [('open', "Open items"), ('activity', "Account activity")]
FREQUENCIES = [('none', "Never"), ('monthly', "Every month"), ('quarterly', "Every quarter")]


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_statement_automatic = fields.Selection(
        selection=[('no', "By hand only"), ('prepare', "Prepare every month"), ('send', "Send every month")],
        string="Statements", default='no', required=True,
        help="Prepare: a run is previewed and a manager gets a task to send it.")
    ar_statement_day = fields.Integer(
        string="Day of the Month", default=1, help="In shorter months the last day.")
    ar_statement_until = fields.Selection(
        selection=[('month', "The end of the month before"), ('today', "The day they are sent")],
        string="Statements Cover up to", default='month', required=True)
    ar_statement_next_date = fields.Date(string="Next Statement Run", readonly=True)
    ar_statement_kind = fields.Selection(
        selection=KINDS, string="Statements Show", default='open', required=True,
        help="Customers can be given another kind.")
    ar_statement_frequency = fields.Selection(
        selection=FREQUENCIES, string="Statements Go out", default='monthly', required=True,
        help="Customers can be given another frequency.")
    ar_statement_skip_zero = fields.Boolean(
        string="Leave out Balances of Zero", default=True,
        help="No statement to customers whose credits are as high as what they owe.")
    ar_statement_only_overdue = fields.Boolean(
        string="Overdue Only", help="Statements only for customers with something overdue.")
    ar_statement_skip_paused = fields.Boolean(
        string="Leave out Paused Customers", default=True,
        help="No statement to customers whose reminders are paused, or who are handed over to an agency or lawyers.")
    ar_statement_xlsx = fields.Boolean(string="Attach XLSX", help="The statement as a table, beside the PDF.")
    ar_statement_template_id = fields.Many2one(
        comodel_name='mail.template', string="Statement E-mail", ondelete='set null',
        domain=[('model', '=', 'ar.statement.run.line')], help="Empty: the standard text.")

    @api.constrains('ar_statement_day')
    def _check_ar_statement_day(self):
        for company in self:
            if not 1 <= company.ar_statement_day <= 31:
                raise ValidationError(self.env._(
                    "%(company)s: the day of statements is between 1 and 31, not %(day)s.", company=company.name,
                    day=company.ar_statement_day))

    @api.model_create_multi
    def create(self, vals_list):
        """Override: companies that send statements have a next day for it."""
        companies = super().create(vals_list)
        companies.filtered(lambda company: company.ar_statement_automatic != 'no')._ar_plan_statements()
        return companies

    def write(self, vals):
        """Override: another day is planned anew; today is never it, so that a setting sends nothing by itself."""
        result = super().write(vals)
        if {'ar_statement_automatic', 'ar_statement_day'} & set(vals):
            self._ar_plan_statements()
        return result

    def _ar_plan_statements(self):
        """Set the next day of statements, and let the daily job run as long as any company wants it."""
        for company in self:
            company.ar_statement_next_date = company.ar_statement_automatic != 'no' \
                and company._ar_next_statement_date(company._ar_today())
        # sudo: whoever may change the company's setting switches the job that serves it
        cron = self.env.ref('ar_coordinator.ir_cron_ar_statement_run', raise_if_not_found=False)
        if cron:
            cron.sudo().active = bool(self.sudo().search_count([('ar_statement_automatic', '!=', 'no')], limit=1))

    def _ar_next_statement_date(self, after):
        """Return the first day of statements after a day."""
        for month in (0, 1):
            first = fields.Date.add(after.replace(day=1), months=month)
            last = calendar.monthrange(first.year, first.month)[1]
            day = first.replace(day=min(self.ar_statement_day, last))
            if day > after:
                return day
        return fields.Date.add(after, months=1)

    def _ar_statement_period(self, day):
        """Return (first day, last day) of the month that statements of a day cover."""
        if self.ar_statement_until == 'today':
            return fields.Date.add(day, months=-1, days=1), day
        last = fields.Date.subtract(day.replace(day=1), days=1)
        return last.replace(day=1), last


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_statement_automatic = fields.Selection(
        related='company_id.ar_statement_automatic', readonly=False, required=True)
    ar_statement_day = fields.Integer(related='company_id.ar_statement_day', readonly=False)
    ar_statement_until = fields.Selection(related='company_id.ar_statement_until', readonly=False, required=True)
    ar_statement_next_date = fields.Date(related='company_id.ar_statement_next_date')
    ar_statement_kind = fields.Selection(related='company_id.ar_statement_kind', readonly=False, required=True)
    ar_statement_frequency = fields.Selection(
        related='company_id.ar_statement_frequency', readonly=False, required=True)
    ar_statement_skip_zero = fields.Boolean(related='company_id.ar_statement_skip_zero', readonly=False)
    ar_statement_only_overdue = fields.Boolean(related='company_id.ar_statement_only_overdue', readonly=False)
    ar_statement_skip_paused = fields.Boolean(related='company_id.ar_statement_skip_paused', readonly=False)
    ar_statement_xlsx = fields.Boolean(related='company_id.ar_statement_xlsx', readonly=False)
    ar_statement_template_id = fields.Many2one(related='company_id.ar_statement_template_id', readonly=False)


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_statement_kind = fields.Selection(
        selection=KINDS, string="Statements Show", company_dependent=True, groups='ar_coordinator.group_ar_base',
        help="In this company. Empty: what the company's settings say.")
    ar_statement_frequency = fields.Selection(
        selection=FREQUENCIES, string="Statements Go out", company_dependent=True,
        groups='ar_coordinator.group_ar_base', help="In this company. Empty: what the company's settings say.")
    ar_statement_with_subsidiaries = fields.Boolean(
        string="One Statement with Subsidiaries", company_dependent=True, groups='ar_coordinator.group_ar_base',
        help="In this company. The statements of the companies below this one go to this one, as sections of its own.")
    ar_is_statement_contact = fields.Boolean(
        string="Gets Statements", copy=False, tracking=True, groups='ar_coordinator.group_ar_base',
        help="Statements go to these contacts of the customer, to each by itself. With none, to the receivables"
             " contacts; without those, to the invoice address.")
    ar_statement_count = fields.Integer(
        string="Statements", compute='_compute_ar_statement_count', groups='ar_coordinator.group_ar_base',
        help="Sent to the customer by the current company.")

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_ar_statement_count(self):
        counts = dict(self.env['ar.statement.run.line']._read_group([
            ('partner_id', 'in', self._origin.commercial_partner_id.ids), ('company_id', '=', self.env.company.id),
            ('state', 'not in', ('draft', 'skipped', 'cancelled'))], ['partner_id'], ['__count']))
        for partner in self:
            partner.ar_statement_count = counts.get(partner._origin.commercial_partner_id, 0)

    def action_ar_view_statements(self):
        """Open the statements of the customer in the current company."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_statement_run_line_action')
        return {**action, 'domain': [
            ('partner_id', '=', self.commercial_partner_id.id), ('company_id', '=', self.env.company.id),
            ('state', 'not in', ('draft', 'skipped', 'cancelled'))], 'context': {}}

    def action_ar_new_statement_run(self):
        """Open a new statement run for these customers.

        :raise AccessError: unless the user works the desk
        """
        self.env['ar.statement.run'].check_access('create')
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_statement_run_action')
        return {**action, 'views': [(False, 'form')], 'context': {
            'default_partner_ids': self.commercial_partner_id.ids}}

    @api.model
    def _ar_statement_contacts(self, partners, company):
        """Return the contacts marked for statements, else the receivables contacts, in their order; with e-mail only.

        :param partners: res.partner, commercial partners
        :param company: res.company, which may use the contacts
        :return: dict of partner id -> res.partner, without customers who have named nobody
        """
        named = self.search([
            ('commercial_partner_id', 'in', partners.ids), ('email_normalized', '!=', False),
            ('company_id', 'in', (False, company.id)),
            '|', ('ar_is_statement_contact', '=', True), ('ar_is_receivables_contact', '=', True)], order='id')
        contacts = {}
        for partner, own in named.grouped('commercial_partner_id').items():
            contacts[partner.id] = own.filtered('ar_is_statement_contact') or own
        return contacts

    def _ar_statement_parents(self):
        """Return {customer id: customer} for those whose statement goes to a company above: the nearest that wants it.

        Reads the settings of the environment's company.
        """
        found, above = {}, {partner.id: partner.parent_id.commercial_partner_id for partner in self}
        while above := {partner_id: parent for partner_id, parent in above.items() if parent}:
            parents = self.union(*above.values())  # one query per level and not per customer
            for partner_id, parent in list(above.items()):
                parent = parent.with_prefetch(parents.ids)
                if parent.ar_statement_with_subsidiaries and parent.id != partner_id:
                    found[partner_id] = parent
                    del above[partner_id]
                else:
                    above[partner_id] = parent.parent_id.commercial_partner_id
        return found
