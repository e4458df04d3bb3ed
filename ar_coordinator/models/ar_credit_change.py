"""Changes of credit: asked for, approved above an amount, temporary or for good; and the history of every change.

    requested -> approved | refused | cancelled          a change below the company's amount is done at once: done

A change is about a customer's own limit; ar_credit_group_change.py adds the limit of a group, and who joins one.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from ..engine import credit
from .ar_credit_partner import MODES, Limit
from .ar_guard import of_customers, without_defaults

IN_FORCE = ('done', 'approved')
DECIDED_FIELDS = {'state', 'user_id', 'approved_by_id', 'old_mode', 'old_limit', 'date_done', 'currency_id'}
FREE_FIELDS = {'message_main_attachment_id', 'activity_ids', 'message_ids', 'message_follower_ids'}


class ArCreditChange(models.Model):
    _name = 'ar.credit.change'
    _description = "Change of Credit"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _rec_name = 'partner_id'
    _mail_post_access = 'read'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index=True, ondelete='restrict',
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_currency_id', store=True, precompute=True)
    old_mode = fields.Selection(selection=MODES, string="Credit Before", readonly=True)
    old_limit = fields.Monetary(string="Limit Before", readonly=True)
    mode = fields.Selection(selection=MODES, string="Credit", required=True, default='limited')
    limit_amount = fields.Monetary(string="Limit")
    is_temporary = fields.Boolean(
        string="Temporary", help="From a day to a day; then the limit of before counts again.")
    date_from = fields.Date(string="From")
    date_to = fields.Date(string="Last Day")
    reason = fields.Char(help="Why, in the words of who asks.")
    state = fields.Selection(
        selection=[
            ('draft', "Draft"), ('requested', "Requested"), ('approved', "Approved"), ('done', "Done"),
            ('refused', "Refused"), ('cancelled', "Cancelled")],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True, group_expand=True)
    user_id = fields.Many2one(
        comodel_name='res.users', string="Asked for by", default=lambda self: self.env.user, readonly=True, copy=False)
    approved_by_id = fields.Many2one(
        comodel_name='res.users', string="Decided by", readonly=True, copy=False, tracking=True)
    date_done = fields.Datetime(string="Decided on", readonly=True, copy=False)
    may_approve = fields.Boolean(compute='_compute_may_approve')

    _temporary_idx = models.Index("(company_id, partner_id) WHERE is_temporary")

    @api.depends('state', 'user_id', 'limit_amount', 'mode')
    @api.depends_context('uid')
    def _compute_may_approve(self):
        for change in self:
            change.may_approve = change.state == 'requested' and self.env.user in change._get_approvers()

    @api.depends('company_id')
    def _compute_currency_id(self):
        for change in self:
            change.currency_id = change.company_id.currency_id

    # === CONSTRAINT METHODS === #

    @api.constrains('partner_id', 'mode', 'limit_amount', 'is_temporary', 'date_from', 'date_to')
    def _check_values(self):
        for change in self:
            name = change.display_name
            if not change._is_for_something():
                raise ValidationError(self.env._("Choose the customer whose credit is to change."))
            if change.state in ('draft', 'requested') and change.mode == 'limited' and change.limit_amount <= 0:
                raise ValidationError(self.env._(
                    "%s: enter a credit limit above zero, or choose Unlimited or No credit.", name))
            if change.is_temporary and (
                    not change.date_from or not change.date_to or change.date_to < change.date_from):
                raise ValidationError(self.env._("%s: a temporary limit has a first and a last day, in order.", name))

    @api.constrains('state', 'approved_by_id', 'user_id')
    def _check_four_eyes(self):
        for change in self:
            if change.state == 'approved' and (
                    not change.approved_by_id or change.approved_by_id == change.user_id):
                raise ValidationError(self.env._(
                    "%s: a limit is approved by somebody else than who asked for it.", change.display_name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, DECIDED_FIELDS)
        if not self.env.su and any(
                vals.get('state', 'draft') != 'draft' or vals.get('user_id', self.env.uid) != self.env.uid
                or vals.get('approved_by_id') or vals.get('currency_id') for vals in vals_list):
            raise AccessError(self.env._("A change of credit is asked for first, and decided with its buttons."))
        return super().create(of_customers(self.env, vals_list))

    def write(self, vals):
        if not self.env.su and set(vals) - FREE_FIELDS:
            if any(change.state != 'draft' for change in self):
                raise AccessError(self.env._("A change of credit that was asked for is part of the record."))
            if DECIDED_FIELDS & set(vals):
                raise AccessError(self.env._("A change of credit is decided with its buttons."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        if any(change.state != 'draft' for change in self):
            raise UserError(self.env._("Changes of credit are part of the customer's history."))

    # === ACTION METHODS === #

    def action_request(self):
        """Ask for drafts: what the company lets one person do is done at once, the rest goes to the approvers.

        :raise UserError: for what is no draft, or nobody may approve
        """
        self.check_access('write')
        for change in self:
            if change.state != 'draft':
                raise UserError(self.env._("This change for %s was asked for already.", change.display_name))
            before = change._check_may_ask()
            # sudo: the state moves by this button only; access was checked
            own = change.sudo()
            own.write({**before, 'user_id': self.env.uid})  # who asks may be another one than who drew it up
            if change._needs_approval():
                own._request()
            else:
                own._apply('done', self.env.user)

    def action_approve(self):
        """Approve requests; the limits are changed.

        :raise AccessError: for one's own request and for users who are not among the approvers
        :raise UserError: when it does not wait for a decision
        """
        self._check_decision()
        for change in self.sudo():  # sudo: the state moves by this button only; who may was checked
            change._apply('approved', self.env.user)

    def action_refuse(self):
        """Refuse requests; see `action_approve`."""
        self._check_decision()
        # sudo: as in action_approve
        self.sudo().write({
            'state': 'refused', 'approved_by_id': self.env.uid, 'date_done': fields.Datetime.now()})
        self.sudo()._tell_requester()

    def action_cancel(self):
        """Take back one's own request, or end a temporary limit.

        :raise AccessError: for somebody else's, unless a manager
        :raise UserError: for a change that is done for good
        """
        self.check_access('read')
        for change in self:
            running = change.is_temporary and change.state in IN_FORCE
            if change.state not in ('draft', 'requested') and not running:
                raise UserError(self.env._("The change for %s is done.", change.display_name))
            if change.user_id != self.env.user and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
                raise AccessError(self.env._("It was asked for by %s.", change.user_id.name))
        # sudo: the state moves by this button only; who may was checked
        self.sudo().write({'state': 'cancelled'})
        self.sudo().activity_ids.unlink()
        self._judge_again()

    # === BUSINESS METHODS === #

    def _check_decision(self):
        self.check_access('read')
        for change in self:
            name = change.display_name
            if change.state != 'requested':
                raise UserError(self.env._("The change for %s does not wait for a decision.", name))
            if change.user_id == self.env.user:
                raise AccessError(self.env._("%s: nobody approves their own request.", name))
            if self.env.user not in change._get_approvers():
                raise AccessError(self.env._(
                    "%(customer)s: you are not among the approvers (%(approvers)s).", customer=name,
                    approvers=", ".join(change._get_approvers().mapped('name'))))

    def _is_for_something(self):
        """Hook: tell whether the change says whose credit it is about."""
        return bool(self.partner_id)

    def _check_may_ask(self):
        """Hook: return the values of before, for the record.

        :raise AccessError: when the user may not ask for this change
        """
        self.ensure_one()
        partner = self.partner_id.with_company(self.company_id)
        partner.check_access('write')
        return {'old_mode': partner.ar_credit_mode, 'old_limit': partner.credit_limit}

    def _needs_approval(self):
        """Hook: tell whether somebody else has to approve the change."""
        self.ensure_one()
        return self.partner_id.with_company(self.company_id)._ar_needs_approval(
            self.company_id, self.mode, self.limit_amount)

    def _get_approvers(self):
        """Hook: return the users who may decide."""
        self.ensure_one()
        return self.env['ar.credit.approver']._get_users(
            self.company_id, self.limit_amount if self.mode == 'limited' else None,
            self.partner_id.sudo().with_company(self.company_id).ar_credit_class_id, self.user_id)  # sudo: the class

    def _request(self):
        """Wait for the approvers, who get a task."""
        self.ensure_one()
        self.state = 'requested'
        if not self._get_approvers():
            raise UserError(self.env._(
                "Nobody can approve this limit for %(customer)s in %(company)s: an approver other than you is needed.",
                customer=self.display_name, company=self.company_id.name))
        self._ask_approvers()

    def _ask_approvers(self):
        """Give those who may decide today a task, if they have none: stand-ins, too, once an approver is away."""
        for change in self:
            for approver in change._get_approvers() - change.activity_ids.user_id:
                change.activity_schedule(
                    'mail.mail_activity_data_todo', user_id=approver.id, date_deadline=change.company_id._ar_today(),
                    summary=self.env._("Credit of %(customer)s: %(credit)s", customer=change.display_name,
                                       credit=change._describe(change.mode, change.limit_amount)),
                    note=change.reason or False)

    def _apply(self, state, user):
        """Do the change; a temporary one only counts on its days."""
        self.ensure_one()
        self.write({
            'state': state, 'date_done': fields.Datetime.now(),
            **({'approved_by_id': user.id} if state == 'approved' else {})})
        if not self.is_temporary:
            self._write_credit()
        self._judge_again()
        if state == 'approved':
            self._tell_requester()

    def _write_credit(self):
        """Hook: what is done or approved takes effect."""
        self.ensure_one()
        vals = {'ar_credit_mode': self.mode}
        if self.mode == 'limited':
            vals['credit_limit'] = self.limit_amount
        self.partner_id.with_company(self.company_id)._ar_write_credit(vals)

    def _tell_requester(self):
        """Write the decision to who asked; the tasks are done."""
        states = dict(self._fields['state']._description_selection(self.env))
        for change in self:
            change.activity_ids.unlink()
            change.message_post(
                body=self.env._("%(state)s by %(user)s: %(credit)s", state=states[change.state],
                                user=change.approved_by_id.name,
                                credit=change._describe(change.mode, change.limit_amount)),
                subject=self.env._("Credit of %s", change.display_name), message_type='comment',
                subtype_xmlid='mail.mt_note', partner_ids=change.user_id.partner_id.ids)

    def _judge_again(self):
        """A limit that changes may hold the customer, or end a hold."""
        for company, changes in self.grouped('company_id').items():
            self.env['ar.credit.queue'].with_company(company)._touch('res.partner', changes.partner_id.ids)

    def _describe(self, mode, amount):
        """Return a limit in words."""
        label = dict(self._fields['mode']._description_selection(self.env))[mode or 'unlimited']
        if mode != 'limited':
            return label
        return f"{label} {formatLang(self.env, amount, currency_obj=self.currency_id or self.env.company.currency_id)}"

    @api.model
    def _get_temporary(self, customers, company):
        """Return {commercial partner id: the temporary change in force today}."""
        today = company._ar_today()
        changes = self.search([
            ('company_id', '=', company.id), ('partner_id', 'in', customers.ids), ('is_temporary', '=', True),
            ('state', 'in', IN_FORCE), ('date_from', '<=', today), ('date_to', '>=', today)], order='id')
        return {change.partner_id.id: change for change in changes}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_credit_change_ids = fields.One2many(
        comodel_name='ar.credit.change', inverse_name='partner_id', string="Changes of Credit",
        groups='ar_coordinator.group_ar_base')

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a limit that needs a second person does not come in with a new customer either."""
        partners = super().create(vals_list)
        # what came with values, with the context's defaults or with the user's: contacts follow their customer
        fallbacks = partners._ar_get_credit_fallbacks()
        # sudo: whoever makes a customer need not see its credit
        chosen = partners.sudo().filtered(
            lambda partner: (partner.ar_credit_mode, partner.credit_limit) != fallbacks
            and partner.commercial_partner_id == partner).with_env(self.env)
        if chosen:
            chosen._ar_check_approval({})
            chosen._ar_record_changes({})
        return partners

    def write(self, vals):
        """Override: keep the history; what needs a second person is asked for, not written."""
        contacts = self.browse()
        if 'parent_id' in vals or 'is_company' in vals:
            contacts = self.filtered(lambda partner: partner.commercial_partner_id != partner)
        if 'credit_limit' not in vals and 'ar_credit_mode' not in vals:
            result = super().write(vals)
        else:
            # sudo: the values of before, for the check and the history
            old = {partner.id: (partner.ar_credit_mode, partner.credit_limit) for partner in self.sudo()}
            result = super().write(vals)
            self._ar_check_approval(old)
            self._ar_record_changes(old)
        contacts.filtered(lambda partner: partner.commercial_partner_id == partner)._ar_start_alone()
        return result

    def _ar_get_credit_fallbacks(self):
        """Return the mode and limit of customers without one of their own, in the current company."""
        return tuple(
            self._fields[name].get_company_dependent_fallback(self) for name in ('ar_credit_mode', 'credit_limit'))

    def _ar_start_alone(self):
        """Contacts follow the limit of their customer: who becomes a customer of its own does not take it along where
        it takes a second person to give it.
        """
        # sudo: what nobody gave is taken back, whoever may change limits
        for company in self and self.env['res.company'].sudo().search([('ar_credit_approval_amount', '>', 0)]):
            partners = self.sudo().with_company(company)
            mode, limit = partners._ar_get_credit_fallbacks()
            most = max(company.ar_credit_approval_amount, limit)
            partners.filtered(lambda partner, most=most: partner.credit_limit > most).write({
                'ar_credit_mode': mode, 'credit_limit': limit})

    def _ar_needs_approval(self, company, mode, amount, old=None):
        """Tell whether a credit is more than the company lets one person give; less than before never is."""
        self.ensure_one()
        threshold = company.ar_credit_approval_amount
        if not threshold or mode == credit.NO_CREDIT:
            return False
        old_mode, old_amount = old or (self.ar_credit_mode, self.credit_limit)
        if mode == credit.LIMITED:
            return amount > threshold and not (
                old_mode in (False, credit.UNLIMITED) or (old_mode == credit.LIMITED and old_amount >= amount))
        return old_mode not in (False, credit.UNLIMITED)

    def _ar_check_approval(self, old):
        """Check credits that were written; `old` is {id: (mode, limit)}, new customers had none.

        :raise UserError: for a credit that somebody else has to approve; jobs and approvals (sudo) pass
        """
        company = self.env.company
        if self.env.su or not company.ar_credit_approval_amount:
            return
        for partner in self.sudo():  # sudo: compared with what was given
            before = old.get(partner.id, (credit.NO_CREDIT, 0.0))
            if partner._ar_needs_approval(company, partner.ar_credit_mode, partner.credit_limit, before):
                raise UserError(self.env._(
                    "%(customer)s: credit above %(amount)s needs a second person. Ask for it with Request Limit on the"
                    " customer's page Receivables.", customer=partner.display_name,
                    amount=formatLang(self.env, company.ar_credit_approval_amount, currency_obj=company.currency_id)))

    def _ar_record_changes(self, old):
        """Add to the history what differs from `old` ({id: (mode, limit)})."""
        # sudo: the history is written for everybody who may change the limit
        changes = self.env['ar.credit.change'].sudo()
        # only sudo: an approved change is its own record; no caller's context keeps anything out of the history
        recorded = self.env.su and self.env.context.get('ar_change_is_recorded')
        vals_list = []
        for partner in self.sudo():  # sudo: as above
            old_mode, old_limit = old.get(partner.id, (False, 0.0))
            if (old_mode, old_limit) != (partner.ar_credit_mode, partner.credit_limit) and (
                    partner.commercial_partner_id == partner) and not recorded:
                vals_list.append({
                    'partner_id': partner.id, 'company_id': self.env.company.id, 'old_mode': old_mode,
                    'old_limit': old_limit, 'mode': partner.ar_credit_mode or 'unlimited',
                    'limit_amount': partner.credit_limit, 'state': 'done', 'user_id': self.env.uid,
                    'date_done': fields.Datetime.now()})
        if vals_list:
            changes.create(vals_list)

    def _ar_write_credit(self, vals):
        """Change mode and limit for an approved change, which is the history of it."""
        # sudo: the approval was checked; the context only keeps the history from saying it twice
        return self.sudo().with_context(ar_change_is_recorded=True).write(vals)

    def _ar_get_limits(self, company, exposure):
        """Override: temporary limits count on their days."""
        limits = super()._ar_get_limits(company, exposure)
        # sudo: rules apply whoever acts
        for partner_id, change in self.env['ar.credit.change'].sudo()._get_temporary(self, company).items():
            if partner_id in limits:
                limits[partner_id] = Limit(
                    change.mode, change.limit_amount if change.mode == 'limited' else 0.0,
                    limits[partner_id].exposure)
        return limits

    def action_ar_request_limit(self):
        """Open a new change of this customer's credit."""
        self.ensure_one()
        return {
            'name': self.env._("Request Limit"), 'type': 'ir.actions.act_window', 'res_model': 'ar.credit.change',
            'views': [(False, 'form')], 'target': 'current', 'context': {
                'default_partner_id': self.commercial_partner_id.id, 'default_limit_amount': self.credit_limit,
                'default_mode': 'limited'}}

    def action_ar_view_changes(self):
        """Open the history of this customer's credit."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_credit_change_action')
        return {**action, 'domain': list(Domain('partner_id', '=', self.commercial_partner_id.id)), 'context': {}}
