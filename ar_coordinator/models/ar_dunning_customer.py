"""Reminders on the customer: their history, a run for one customer, a call with the open items at hand."""
from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from .ar_dunning_history import search_flag

ITEMS_IN_NOTE = 20  # of a call


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_reminder_count = fields.Integer(
        string="Reminders", compute='_compute_ar_reminders', groups='ar_coordinator.group_ar_base')
    ar_last_reminder_date = fields.Date(
        string="Last Reminder", compute='_compute_ar_reminders', search='_search_ar_last_reminder_date',
        groups='ar_coordinator.group_ar_base', help="To the whole customer, in the current company.")
    ar_dunning_level_id = fields.Many2one(
        comodel_name='ar.dunning.level', string="Dunning Level", compute='_compute_ar_reminders',
        groups='ar_coordinator.group_ar_base', help="The highest of the last reminder, in the current company.")
    ar_is_to_remind = fields.Boolean(
        string="To Be Reminded", compute='_compute_ar_reminder_flags', search='_search_ar_is_to_remind',
        groups='ar_coordinator.group_ar_base', help="A dunning run of today would write to the customer.")
    ar_is_never_reminded = fields.Boolean(
        string="Never Reminded", compute='_compute_ar_reminder_flags', search='_search_ar_is_never_reminded',
        groups='ar_coordinator.group_ar_base', help="Owes something overdue, and never got a reminder.")
    ar_is_reminder_failed = fields.Boolean(
        string="Reminder Failed", compute='_compute_ar_reminder_flags', search='_search_ar_is_reminder_failed',
        groups='ar_coordinator.group_ar_base', help="A reminder of something unpaid did not arrive.")

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_ar_reminders(self):
        customers = self._origin.commercial_partner_id
        history = self.env['ar.dunning.history']._last_reminders('partner_id', customers.ids, self.env.company)
        nothing = (0, False, self.env['ar.dunning.level'])
        for partner in self:
            partner.ar_reminder_count, partner.ar_last_reminder_date, partner.ar_dunning_level_id = history.get(
                partner._origin.commercial_partner_id.id, nothing)

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_ar_reminder_flags(self):
        history, company = self.env['ar.dunning.history'], self.env.company
        customers = self._origin.commercial_partner_id.ids
        due = history._due(company, customers)[1] if customers else ()
        never = history._never(company, customers)[1] if customers else ()
        failed = history._failed(company).partner_id.ids
        for partner in self:
            customer_id = partner._origin.commercial_partner_id.id
            partner.ar_is_to_remind = customer_id in due
            partner.ar_is_never_reminded = customer_id in never
            partner.ar_is_reminder_failed = customer_id in failed

    def _search_ar_last_reminder_date(self, operator, value):
        return self.env['ar.dunning.history']._search_last_date(
            'partner_id', operator, value, companies=self.env.company)

    def _search_ar_is_to_remind(self, operator, value):
        return search_flag(operator, value, lambda: Domain(
            'id', 'in', list(self.env['ar.dunning.history']._due(self.env.company)[1])))

    def _search_ar_is_never_reminded(self, operator, value):
        return search_flag(operator, value, lambda: Domain(
            'id', 'in', list(self.env['ar.dunning.history']._never(self.env.company)[1])))

    def _search_ar_is_reminder_failed(self, operator, value):
        return search_flag(operator, value, lambda: Domain(
            'id', 'in', self.env['ar.dunning.history']._failed(self.env.company).partner_id.ids))

    # === ACTION METHODS === #

    def action_ar_view_reminders(self):
        """Open the letters of the customer, as they were sent."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_dunning_letter_action')
        return {**action, 'name': self.env._("Reminders"), 'context': {'search_default_not_draft': 1}, 'domain': [
            ('partner_id', '=', self.commercial_partner_id.id), ('company_id', '=', self.env.company.id)]}

    def action_ar_send_reminder(self):
        """Preview a run for this customer alone; it is sent like any other.

        :raise AccessError: unless the user works the desk
        """
        self.ensure_one()
        run = self.env['ar.dunning.run'].create({
            'company_id': self.env.company.id, 'partner_id': self.commercial_partner_id.id,
            'as_of': self.env.company._ar_today()})
        run.action_preview()
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Send Reminder"), 'res_model': run._name,
            'res_id': run.id, 'views': [(False, 'form')]}

    def action_ar_call(self):
        """Plan a call for today, with the open items at hand; whoever looks after the customer gets it.

        :raise AccessError: unless the user works the desk
        """
        self.ensure_one()
        if not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Calls are planned by a Receivables: User."))
        self.check_access('read')
        customer, company = self.commercial_partner_id, self.env.company
        rows = [row for row in self.env['ar.ledger'].open_items({
            'as_of': company._ar_today(), 'company_ids': company.ids, 'partner_ids': customer.ids,
        }) if row['residual_currency']]
        currencies = {currency.id: currency for currency in self.env['res.currency'].browse(
            {row['currency_id'] for row in rows})}
        totals = {}
        for row in rows:
            totals[row['currency_id']] = totals.get(row['currency_id'], 0) + row['residual_currency']
        note = self.env['ir.qweb']._render('ar_coordinator.ar_call_note', {
            'rows': sorted(rows, key=lambda row: (row['age_date'], row['id']))[:ITEMS_IN_NOTE],
            'more': max(len(rows) - ITEMS_IN_NOTE, 0), 'currencies': currencies, 'totals': totals,
            'phone': self.phone or customer.phone, 'format_date': lambda day: format_date(self.env, day)})
        # sudo: role and company were checked; the role works customers without the right to change their data
        self.sudo().activity_schedule(
            'mail.mail_activity_data_call', date_deadline=company._ar_today(), note=note,
            summary=self.env._("Call about open items"),
            user_id=(customer.with_company(company).ar_collector_id or self.env.user)._ar_on_duty(company).id)


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Only Customer", readonly=True, index='btree_not_null', ondelete='restrict',
        help="Empty: all customers.")

    @api.depends('partner_id.name')
    def _compute_name(self):
        """Override: the run of one customer says whose."""
        result = super()._compute_name()
        for run in self.filtered('partner_id'):
            run.name = self.env._("%(run)s: %(customer)s", run=run.name, customer=run.partner_id.name)
        return result

    def _get_batches(self):
        """Override: a run for one customer looks at no others."""
        return [self.partner_id.commercial_partner_id.ids] if self.partner_id else super()._get_batches()

    def _evaluate(self, partner_ids=None):
        """Override: a run for one customer looks at no others."""
        if self.partner_id:
            partner_ids = self.partner_id.commercial_partner_id.ids
        return super()._evaluate(partner_ids)
