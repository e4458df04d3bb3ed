"""Who looks after a customer's receivables, and what they owe: nothing that depends on today is stored."""
from odoo import api, fields, models
from odoo.fields import Domain

from .ar_dunning_history import search_flag
from .ar_guard import without_defaults

# how the desk treats a customer: readers change nothing of it, whatever else they may change of contacts
DESK_FIELDS = {
    'ar_collector_id', 'ar_dunning_policy_id', 'ar_note', 'ar_statement_kind', 'ar_statement_frequency',
    'ar_statement_with_subsidiaries', 'ar_is_statement_contact', 'ar_cash_short_action', 'ar_cash_short_reason_id',
    'ar_cash_over_action', 'ar_credit_class_id', 'ar_credit_review_date'}


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
        string="Overdue", compute='_compute_ar_amounts', search='_search_ar_overdue_amount',
        currency_field='ar_currency_id',
        groups='ar_coordinator.group_ar_base',
        help="Open items past their due date, of the whole customer in the current company; unapplied credits are not"
             " deducted.")
    ar_dunning_policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', string="Dunning Policy", company_dependent=True,
        domain="['|', ('company_id', '=', False), ('company_id', 'in', allowed_company_ids)]",
        groups='ar_coordinator.group_ar_base',
        help="How this customer is reminded, in this company. Empty: the company's default.")
    ar_dunning_policy_source = fields.Char(
        string="Applies", compute='_compute_ar_dunning_policy_source', groups='ar_coordinator.group_ar_base',
        help="The policy this customer follows in the current company, and why.")
    ar_is_paused = fields.Boolean(
        string="Reminders Paused", compute='_compute_ar_pause_note', search='_search_ar_is_paused',
        groups='ar_coordinator.group_ar_base', help="All reminders of the customer wait today, in the current company.")
    ar_pause_note = fields.Char(
        string="Paused", compute='_compute_ar_pause_note', groups='ar_coordinator.group_ar_base',
        help="Until when, why, and who answers for it.")
    ar_left_alone_count = fields.Integer(
        string="Left Alone", compute='_compute_ar_left_alone_count', groups='ar_coordinator.group_ar_base',
        help="Pauses of the customer or its invoices, and invoices marked no follow-up, in the current company.")
    ar_is_receivables_contact = fields.Boolean(
        string="Receivables Contact", tracking=True,
        help="Gets the payment reminders of the customer this contact belongs to.")

    # === ACCESS === #

    def _has_field_access(self, field, operation):
        """Override: who works the desk says how a customer is treated."""
        if not super()._has_field_access(field, operation):
            return False
        return operation != 'write' or field.name not in DESK_FIELDS or self._ar_may_treat()

    @api.model_create_multi
    def create(self, vals_list):
        """Override: nor does a default of the context say it. Forms send what nobody chose, too: that says nothing."""
        if not self._ar_may_treat():
            self = without_defaults(self, DESK_FIELDS)
            unset = dict.fromkeys(DESK_FIELDS, False) | self.sudo().default_get([*DESK_FIELDS])  # sudo: to compare
            vals_list = [
                {name: value for name, value in vals.items() if name not in DESK_FIELDS or value != unset[name]}
                for vals in vals_list]
        return super().create(vals_list)

    @api.model
    def _ar_may_treat(self):
        """Return whether the user may say how customers are treated."""
        return self.env.su or self.env.user.has_group('ar_coordinator.group_ar_user')

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

    @api.depends('ar_dunning_policy_id', 'category_id', 'country_id', 'user_id')
    @api.depends_context('company', 'lang', 'uid')
    def _compute_ar_dunning_policy_source(self):
        """Say which policy applies and why; contacts show their customer's."""
        customers = self._origin.commercial_partner_id
        resolved = self.env['ar.dunning.policy']._resolve(self.env.company, customers)
        for partner in self:
            found = resolved.get(partner._origin.commercial_partner_id.id)
            partner.ar_dunning_policy_source = found and partner._ar_describe_policy(found)

    def _ar_describe_policy(self, found):
        """Return the words for an `ar.dunning.policy` Resolved."""
        policy, rule = found.policy.name, found.rule.name
        return {
            'customer': lambda: self.env._("%(policy)s, because the customer was given it", policy=policy),
            'rule': lambda: self.env._("%(policy)s, because of the rule for %(rule)s", policy=policy, rule=rule),
            'company': lambda: self.env._("%(policy)s, because it is the company's default", policy=policy),
            'none': lambda: self.env._("No policy: the customer is not reminded"),
        }[found.source]()

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'lang')
    def _compute_ar_pause_note(self):
        customers = self.env['ar.pause']._describe(self.env.company, self._origin.commercial_partner_id.ids)[0]
        for partner in self:
            lines = customers.get(partner._origin.commercial_partner_id.id, ())
            partner.ar_is_paused, partner.ar_pause_note = bool(lines), "; ".join(lines)

    def _search_ar_is_paused(self, operator, value):
        return search_flag(operator, value, lambda: Domain('commercial_partner_id', 'in', list(
            self.env['ar.pause']._paused(self.env.company, self.env.company._ar_today())[0])))

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_ar_left_alone_count(self):
        counts = dict(self.env['ar.left.alone']._read_group([
            ('partner_id', 'in', self._origin.commercial_partner_id.ids), ('company_id', '=', self.env.company.id),
            ('is_active', '=', True)], ['partner_id'], ['__count']))
        for partner in self:
            partner.ar_left_alone_count = counts.get(partner._origin.commercial_partner_id, 0)

    # === ACTION METHODS === #

    def action_ar_view_left_alone(self):
        """Open what is left alone of this customer in the current company."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_left_alone_action')
        return {**action, 'domain': [
            ('partner_id', '=', self.commercial_partner_id.id), ('company_id', '=', self.env.company.id)]}

    def action_ar_open_items(self):
        """Open the aged receivables of this customer in the current company, with the open items unfolded."""
        self.ensure_one()
        action = self.env['ir.actions.actions']._for_xml_id('ar_coordinator.ar_aging_action')
        return {**action, 'params': {
            'partner_ids': self.commercial_partner_id.ids, 'company_ids': self.env.company.ids, 'unfold': True}}

    # === BUSINESS METHODS === #

    @api.model
    def _ar_receivables_contacts(self, partners, company):
        """Return who gets the letters of each customer: receivables contact, else invoice address, else the customer.

        Among these the first with an e-mail address is chosen; without any, the first, for a printed letter. Only
        contacts of the customer itself (same commercial partner) that `company` may use.

        :param partners: res.partner, commercial partners
        :param company: res.company
        :return: dict of partner id -> res.partner
        """
        named = self.search([
            ('commercial_partner_id', 'in', partners.ids), ('ar_is_receivables_contact', '=', True),
            ('company_id', 'in', (False, company.id)),
        ], order='id').grouped('commercial_partner_id')
        invoice_ids = {partner.id: partner.address_get(['invoice'])['invoice'] for partner in partners}
        family = partners | self.browse(invoice_ids.values()) | self.union(*named.values())
        chosen = {}
        for partner in partners:
            invoice = self.browse(invoice_ids[partner.id]).with_prefetch(family.ids)
            if invoice.commercial_partner_id != partner or invoice.company_id not in (self.env['res.company'], company):
                invoice = partner
            candidates = [*named.get(partner, ()), invoice, partner]
            chosen[partner.id] = next(
                (candidate for candidate in candidates if candidate.email_normalized), candidates[0])
        everybody = self.union(*chosen.values()).ids  # read together from here on
        return {partner_id: recipient.with_prefetch(everybody) for partner_id, recipient in chosen.items()}
