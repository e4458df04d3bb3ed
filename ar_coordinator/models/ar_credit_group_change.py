"""Four eyes for credit groups: their limits, and who joins, are asked for and recorded like a customer's own limit.

Every limit is given for itself: a customer's own, a group's, and with membership the group's to the customer. Who
leaves a group goes back to the own limit, which was given like any other.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from ..engine import credit

LIMIT_FIELDS = {'limit_amount', 'currency_id', 'company_ids'}


class ArCreditChange(models.Model):
    _inherit = 'ar.credit.change'

    group_id = fields.Many2one(
        comodel_name='ar.credit.group', string="Credit Group", index='btree_not_null', ondelete='restrict',
        help="With a customer: the customer joins the group. Without: the group's own limit changes.")

    @api.depends('partner_id', 'group_id')
    def _compute_display_name(self):
        """Override: the customer, the group, or who joins what."""
        for change in self:
            names = [record.display_name for record in (change.partner_id, change.group_id) if record]
            change.display_name = " / ".join(names)

    @api.depends('group_id')
    def _compute_currency_id(self):
        """Override: a group has a currency of its own. Kept as it was when the change was asked for."""
        of_groups = self.filtered('group_id')
        for change in of_groups:
            change.currency_id = change.group_id.currency_id
        return super(ArCreditChange, self - of_groups)._compute_currency_id()

    @api.onchange('group_id', 'partner_id')
    def _onchange_group_id(self):
        if self.group_id and self.partner_id:
            self.limit_amount = self.group_id.limit_amount
            self.mode = 'limited'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: who joins a group is given the group's limit."""
        groups = self.env['ar.credit.group']
        return super().create([
            {**vals, 'limit_amount': groups.browse(vals['group_id']).limit_amount, 'mode': 'limited'}
            if vals.get('group_id') and vals.get('partner_id') else vals for vals in vals_list])

    @api.constrains('group_id')
    def _check_group_id(self):
        return self._check_values()

    def _is_for_something(self):
        return super()._is_for_something() or bool(self.group_id)

    def _check_may_ask(self):
        """Override: everybody who may change limits may ask; a limit of a group is not temporary."""
        self.ensure_one()
        group = self.group_id
        if not group:
            return super()._check_may_ask()
        group.check_access('read')
        if self.is_temporary or self.mode != 'limited' or not group.active:
            raise UserError(self.env._(
                "%s: a credit group has an amount, for good, as long as it is not archived.", group.name))
        if self.partner_id:
            self.partner_id.check_access('write')
            return {'old_mode': False, 'old_limit': 0.0, 'limit_amount': group.limit_amount,
                    'currency_id': group.currency_id.id}
        return {'old_mode': 'limited', 'old_limit': group.limit_amount, 'currency_id': group.currency_id.id}

    def _needs_approval(self):
        """Override: groups are for managers; for others, and above the amount of a company, somebody else decides."""
        self.ensure_one()
        if not self.group_id:
            return super()._needs_approval()
        return bool(self._get_exceeded()) or not self.env.user.has_group('ar_coordinator.group_ar_manager')

    def _get_exceeded(self):
        """Return {company: amount in its currency} where the change gives more than one person may."""
        group, partner = self.group_id.sudo(), self.partner_id.sudo()  # sudo: all companies of the group count
        if partner:
            return partner._ar_get_exceeded(group)
        return group._get_exceeded(group._get_amounts(), group._get_amounts(self.limit_amount))

    def _get_approvers(self):
        """Override: who may decide in every company whose amount is exceeded."""
        self.ensure_one()
        group = self.group_id.sudo()  # sudo: all companies of the group count
        if not group:
            return super()._get_approvers()
        amounts = self._get_exceeded()
        if not amounts:
            amounts = {self.company_id: group._get_amounts(self.limit_amount, self.company_id)[self.company_id]}
        approvers = None
        for company, amount in amounts.items():
            users = self.env['ar.credit.approver']._get_users(
                company, amount, self.partner_id.sudo().with_company(company).ar_credit_class_id,  # sudo: the class
                self.user_id)
            approvers = users if approvers is None else approvers & users
        return approvers

    def _write_credit(self):
        """Override: of the group, or of who joins it, as it was asked for.

        :raise UserError: when the group is not what it was
        """
        self.ensure_one()
        # sudo: the approval was checked; the context only keeps the history from saying it twice
        group = self.group_id.sudo().with_context(ar_change_is_recorded=True)
        if not group:
            return super()._write_credit()
        if group.currency_id != self.currency_id or (self.partner_id and group.currency_id.compare_amounts(
                group.limit_amount, self.limit_amount) > 0):
            raise UserError(self.env._(
                "%(group)s has another limit now (%(limit)s) than this was asked for with: refuse it and ask again.",
                group=group.name, limit=formatLang(self.env, group.limit_amount, currency_obj=group.currency_id)))
        if self.partner_id:
            self.partner_id.with_env(group.env).ar_credit_group_id = group
        else:
            group.limit_amount = self.limit_amount
        return None

    def _describe(self, mode, amount):
        """Override: say which group is joined."""
        text = super()._describe(mode, amount)
        if self.group_id and self.partner_id:
            return self.env._("joins %(group)s, %(credit)s", group=self.group_id.name, credit=text)
        return text


class ArCreditGroup(models.Model):
    _inherit = 'ar.credit.group'

    change_ids = fields.One2many(comodel_name='ar.credit.change', inverse_name='group_id', string="Changes")

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a group does not begin with more than one person may give."""
        groups = super().create(vals_list)
        groups._check_approval({})
        groups._record_changes({})
        return groups

    def write(self, vals):
        """Override: keep the history; what needs a second person is asked for, not written."""
        if LIMIT_FIELDS.isdisjoint(vals):
            return super().write(vals)
        before = {group.id: (group._get_amounts(), group.limit_amount, group.currency_id) for group in self}
        result = super().write(vals)
        self._check_approval(before)
        self._record_changes(before)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        for group in self:
            if group.change_ids:
                raise UserError(self.env._("%s is part of the customers' history: archive it instead.", group.name))

    def _get_amounts(self, limit=None, companies=None):
        """Return {company: the limit in its currency, at today's rate}.

        :param float limit: in the group's currency; the group's own by default
        :param companies: res.company; those of the group by default
        """
        self.ensure_one()
        amount = self.limit_amount if limit is None else limit
        return {
            company: self.currency_id._convert(amount, company.currency_id, company, company._ar_today())
            # sudo: also companies that the user does not work in
            for company in (self.sudo().company_ids if companies is None else companies).sudo()}

    @api.model
    def _get_exceeded(self, before, amounts):
        """Return {company: amount} of `amounts` above what one person may give, and more than `before`."""
        return {
            company: amount for company, amount in amounts.items()
            if company.ar_credit_approval_amount
            and company.currency_id.compare_amounts(amount, company.ar_credit_approval_amount) > 0
            and company.currency_id.compare_amounts(amount, before.get(company, 0.0)) > 0}

    def _check_approval(self, before):
        """Check limits that were written; `before` is {id: (amounts, limit, currency)}, new groups had none.

        :raise UserError: for a limit that somebody else has to approve; jobs and approvals (sudo) pass
        """
        if self.env.su:
            return
        for group in self:
            amounts = before[group.id][0] if group.id in before else {}
            for company in group._get_exceeded(amounts, group._get_amounts()):
                raise UserError(self.env._(
                    "%(group)s: a limit above %(amount)s in %(company)s needs a second person. Save the group with"
                    " less, then ask with Request Limit.", group=group.name, company=company.name,
                    amount=formatLang(self.env, company.ar_credit_approval_amount, currency_obj=company.currency_id)))

    def _record_changes(self, before):
        """Add to the history what differs from `before` ({id: (amounts, limit, currency)})."""
        # only sudo: an approved change is its own record; no caller's context keeps anything out of the history
        if self.env.su and self.env.context.get('ar_change_is_recorded'):
            return
        vals_list = []
        for group in self:
            _amounts, limit, currency = before.get(group.id, ({}, 0.0, group.currency_id))
            if (limit, currency) != (group.limit_amount, group.currency_id):
                company = group._get_record_company()
                vals_list.append({
                    **group._prepare_record(company), 'old_mode': 'limited' if limit else False,
                    'old_limit': currency._convert(limit, group.currency_id, company, company._ar_today())})
        # sudo: the history is written for everybody who may change the limit
        self.env['ar.credit.change'].sudo().create(vals_list)

    def _get_record_company(self):
        """Return the company of the history: the current one, if it is one of the group."""
        companies = self.sudo().company_ids  # sudo: the group may be of companies that the user does not work in
        return self.env.company if self.env.company in companies else companies[:1]

    def _prepare_record(self, company, partner=None):
        """Return the values of a change that is done: the group's limit, or that `partner` has joined."""
        self.ensure_one()
        return {
            'group_id': self.id, 'partner_id': partner.id if partner else False, 'company_id': company.id,
            'mode': 'limited', 'limit_amount': self.limit_amount, 'currency_id': self.currency_id.id, 'state': 'done',
            'user_id': self.env.uid, 'date_done': fields.Datetime.now()}

    def action_ar_request_limit(self):
        """Open a new change of the group's limit."""
        self.ensure_one()
        return {
            'name': self.env._("Request Limit"), 'type': 'ir.actions.act_window', 'res_model': 'ar.credit.change',
            'views': [(False, 'form')], 'target': 'current', 'context': {
                'default_group_id': self.id, 'default_limit_amount': self.limit_amount, 'default_mode': 'limited',
                'default_company_id': self._get_record_company().id}}

    def action_ar_view_changes(self):
        """Open the history of this group: its limit, and who joined."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_credit_change_action')
        return {**action, 'domain': list(Domain('group_id', '=', self.id)), 'context': {}}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: whatever a new customer's group comes from (values, defaults of the context), it is checked."""
        partners = super().create(vals_list)
        partners._ar_check_joining({})
        return partners

    def write(self, vals):
        """Override: a group is a limit, and limits are not everybody's to give."""
        if 'ar_credit_group_id' not in vals:
            return super().write(vals)
        before = {partner.id: partner.ar_credit_group_id for partner in self.sudo()}  # sudo: to compare with
        result = super().write(vals)
        self._ar_check_joining(before)
        return result

    def _ar_check_joining(self, before):
        """Check and record who joined a group; `before` is {id: group}, new customers had none.

        :raise AccessError: when others than managers let customers share a group's limit
        :raise UserError: when the group's limit is more than one person may give; jobs and approvals (sudo) pass
        """
        # sudo: groups of all companies; what is stored is judged, whoever may see it
        changed = self.sudo().filtered(
            lambda partner: partner.ar_credit_group_id != before.get(partner.id, partner.ar_credit_group_id.browse()))
        joined = changed.filtered('ar_credit_group_id')
        if joined and not self.env.su:
            if not self.env.user.has_group('ar_coordinator.group_ar_manager'):
                raise AccessError(self.env._("Customers join a credit group by a Receivables: Manager."))
            for partner in joined:
                exceeded = partner._ar_get_exceeded(
                    partner.ar_credit_group_id, before.get(partner.id, partner.ar_credit_group_id.browse()),
                    is_new=partner.id not in before)
                for company in exceeded:
                    raise UserError(self.env._(
                        "%(customer)s: the limit of %(group)s is above %(amount)s in %(company)s, so that somebody else"
                        " approves who joins. Ask for it with Request Limit, and choose the credit group.",
                        customer=partner.display_name, group=partner.ar_credit_group_id.name, company=company.name,
                        amount=formatLang(
                            self.env, company.ar_credit_approval_amount, currency_obj=company.currency_id)))
        if not (self.env.su and self.env.context.get('ar_change_is_recorded')):  # see `_ar_record_changes`
            changed._ar_record_groups(before)

    def _ar_get_exceeded(self, group, old_group=None, is_new=False):
        """Return {company: amount} where a group's limit is more than one person may give this customer."""
        self.ensure_one()
        exceeded = {}
        for company, amount in group._get_amounts().items():
            own = self.sudo().with_company(company)  # sudo: compared with what the customer has
            old = (own.ar_credit_mode, own.credit_limit)
            if is_new:
                old = (credit.NO_CREDIT, 0.0)
            elif old_group and old_group.active and company in old_group.company_ids and old[0] != credit.NO_CREDIT:
                old = (credit.LIMITED, old_group._get_amounts()[company])
            if own._ar_needs_approval(company, credit.LIMITED, amount, old):
                exceeded[company] = amount
        return exceeded

    def _ar_record_groups(self, before):
        """Add to the history who joined or left which group. Called with sudo."""
        vals_list = []
        for partner in self:
            group, old = partner.ar_credit_group_id, before.get(partner.id)
            company = (group or old)._get_record_company()
            if group:
                vals_list.append(group._prepare_record(company, partner))
            else:
                own = partner.with_company(company)
                vals_list.append({
                    'partner_id': partner.id, 'company_id': company.id, 'state': 'done', 'user_id': self.env.uid,
                    'mode': own.ar_credit_mode or 'unlimited', 'limit_amount': own.credit_limit,
                    'date_done': fields.Datetime.now(),
                    'reason': self.env._("Left the credit group %s", old.name)})
        self.env['ar.credit.change'].create(vals_list)
