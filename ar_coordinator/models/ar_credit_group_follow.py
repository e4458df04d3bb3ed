"""Credit groups of a parent company and its subsidiaries, which keep themselves.

A company below the group's parent company joins by itself where that gives it no more credit than it had; where it
does, joining is asked for. Nobody leaves by itself: that could end a shared limit, so it becomes a task.
"""
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import credit


class ArCreditGroup(models.Model):
    _name = 'ar.credit.group'
    _inherit = ['ar.credit.group', 'mail.activity.mixin']

    root_id = fields.Many2one(
        comodel_name='res.partner', string="Parent Company", index='btree_not_null', ondelete='set null', tracking=True,
        domain=[('is_company', '=', True)],
        help="It and its subsidiaries (companies below it) join the group by themselves.")

    _root_uniq = models.UniqueIndex(
        "(root_id) WHERE active AND root_id IS NOT NULL", "There is a credit group for this parent company already.")

    @api.constrains('root_id')
    def _check_root_id(self):
        for group in self:
            if group.root_id and group.root_id.commercial_partner_id != group.root_id:
                raise ValidationError(self.env._(
                    "%(partner)s is a contact of %(customer)s: choose the company.",
                    partner=group.root_id.display_name, customer=group.root_id.commercial_partner_id.display_name))

    @api.model_create_multi
    def create(self, vals_list):
        groups = super().create(vals_list)
        if groups.root_id:
            groups._follow()
        return groups

    def write(self, vals):
        result = super().write(vals)
        if {'root_id', 'active', 'limit_amount', 'company_ids'} & set(vals) and self.root_id:
            self._follow()
        return result

    @api.model
    def _follow(self, partners=None):
        """Let companies join the group of the nearest parent company above them that has one.

        :param partners: res.partner that may have moved, with those below them; None: all
        """
        # sudo: groups keep themselves, whoever moves a company
        groups = self.sudo().search([('root_id', '!=', False)])
        if not groups:
            return
        by_root = {group.root_id.id: group for group in groups}
        everybody = self.env['res.partner'].sudo().with_context(active_test=False)  # sudo: as above
        below = groups.root_id.ids if partners is None else partners.ids
        companies = everybody.search([('id', 'child_of', below), ('is_company', '=', True)])
        if partners is None:
            companies |= groups.with_context(active_test=False).partner_ids
        joining = []
        for customer in companies:
            wanted, current = customer._ar_get_parents_group(by_root), customer.ar_credit_group_id
            if wanted == current or (current and not current.root_id):
                continue  # a group that was chosen by hand stays
            if wanted:
                joining.append((customer, wanted))
            else:
                current._ask_about_leaving(customer)
        self._join(joining)

    @api.model
    def _join(self, joining):
        """Let customers join, or ask for it where it takes another person. Called by `_follow`.

        :param joining: list of (res.partner, ar.credit.group)
        """
        changes = self.env['ar.credit.change'].sudo()  # sudo: asked for by who moves a company, whoever he is
        asked = {(change.partner_id, change.group_id) for change in changes.search([
            ('partner_id', 'in', [customer.id for customer, _group in joining]), ('group_id', '!=', False),
            ('state', 'in', ('draft', 'requested', 'refused', 'cancelled'))])}
        manages = not self.env.su and self.env.user.has_group('ar_coordinator.group_ar_manager')
        for customer, group in joining:
            if not customer._ar_gets_more(group) or (manages and not customer._ar_get_exceeded(group)):
                customer.ar_credit_group_id = group
            elif (customer, group) not in asked:
                change = changes.create({
                    'partner_id': customer.id, 'group_id': group.id, 'company_id': group._get_record_company().id,
                    'mode': 'limited', 'limit_amount': group.limit_amount, 'user_id': self.env.uid,
                    'reason': self.env._("Subsidiary of %s", group.root_id.name)})
                if change._get_approvers():  # else it waits as a draft for who can ask
                    change._request()

    def _ask_about_leaving(self, customer):
        """Give a manager the task to look at a member that is no subsidiary any more; once."""
        self.ensure_one()
        summary = self.env._("%(customer)s is not below %(parent)s any more: take it out of the group?",
                             customer=customer.name, parent=self.root_id.name)
        company = self._get_record_company()
        managers = self.env['ar.credit.approver']._get_users(
            company, None, self.env['ar.credit.class'], self.env['res.users'])
        if managers and summary not in self.activity_ids.mapped('summary'):
            self.activity_schedule(
                'mail.mail_activity_data_todo', user_id=managers[:1].id, summary=summary,
                date_deadline=company._ar_today())


class ResPartner(models.Model):
    _inherit = 'res.partner'

    @api.model_create_multi
    def create(self, vals_list):
        """Override: subsidiaries join the group of their parent company."""
        partners = super().create(vals_list)
        companies = partners.filtered(lambda partner: partner.is_company and partner.parent_id)
        if companies:
            self.env['ar.credit.group']._follow(companies)
        return partners

    def write(self, vals):
        """Override: see `create`."""
        result = super().write(vals)
        if {'parent_id', 'is_company'} & set(vals):
            self.env['ar.credit.group']._follow(self)
        return result

    def _ar_get_parents_group(self, by_root):
        """Return the group of the nearest company above this one, itself included, that has one.

        :param dict by_root: {res.partner id: ar.credit.group}
        """
        self.ensure_one()
        partner = self
        while partner:
            if partner.id in by_root:
                return by_root[partner.id]
            partner = partner.parent_id
        return self.env['ar.credit.group']

    def _ar_gets_more(self, group):
        """Tell whether a group's limit is more than this customer has in one of the group's companies."""
        self.ensure_one()
        for company, amount in group._get_amounts().items():
            own = self.with_company(company)
            if own.ar_credit_mode == credit.NO_CREDIT or (
                    own.ar_credit_mode == credit.LIMITED and own.credit_limit < amount):
                return True
        return False


class ArCreditQueue(models.Model):
    _inherit = 'ar.credit.queue'

    @api.model
    def _cron_nightly(self):
        """Override: whatever moved a company, its group is right the next morning."""
        result = super()._cron_nightly()
        self.env['ar.credit.group']._follow()
        return result
