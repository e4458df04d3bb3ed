"""Releases: the audited way past a hold. Somebody asks, another approves; it ends with a document, a day or an amount.

    draft -> requested -> approved -> used        refused, cancelled, expired end it
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_date, formatLang

from ..engine import credit
from .ar_guard import of_customers, without_defaults

GUARDED_FIELDS = {
    'state', 'requested_by_id', 'approved_by_id', 'date_requested', 'date_decided', 'use_ids', 'hold_reasons', 'name'}
CONTENT_FIELDS = {'document', 'partner_id', 'company_id', 'amount', 'max_amount', 'valid_until', 'tolerance'}
USABLE_STATES = ('approved', 'used')


class ArCreditRelease(models.Model):
    _name = 'ar.credit.release'
    _description = "Credit Release"
    _inherit = ['ar.guard', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _mail_post_access = 'read'

    name = fields.Char(compute='_compute_name', store=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='restrict', tracking=True,
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    document = fields.Reference(
        selection='_selection_document', index='btree_not_null',
        help="The one document it is for. Empty: everything of the customer, until the day and up to the amount.")
    amount = fields.Monetary(string="Size When Requested", readonly=True, help="Of the document, in company currency.")
    max_amount = fields.Monetary(
        string="Up to", tracking=True, help="In company currency. Empty without a document: any amount until the day.")
    tolerance = fields.Float(
        string="Tolerance (%)", digits=(5, 2), tracking=True,
        help="A document may grow by this much after the approval.")
    valid_until = fields.Date(tracking=True, help="The last day. Empty: until the document is done.")
    reason = fields.Text(string="Why", help="Why it should pass, in the words of who asks.")
    hold_reasons = fields.Text(string="Held Because", readonly=True)
    decision_reason = fields.Char(string="Reason of the Decision", tracking=True)
    requested_by_id = fields.Many2one(
        comodel_name='res.users', string="Requested by", readonly=True, default=lambda self: self.env.user, copy=False)
    date_requested = fields.Datetime(string="Requested on", readonly=True, copy=False)
    approved_by_id = fields.Many2one(
        comodel_name='res.users', string="Decided by", readonly=True, copy=False, tracking=True)
    date_decided = fields.Datetime(string="Decided on", readonly=True, copy=False)
    state = fields.Selection(
        selection=[
            ('draft', "Draft"),
            ('requested', "Requested"),
            ('approved', "Approved"),
            ('refused', "Refused"),
            ('expired', "Expired"),
            ('used', "Used"),
            ('cancelled', "Cancelled"),
        ],
        default='draft', required=True, index=True, readonly=True, copy=False, tracking=True, group_expand=True)
    use_ids = fields.One2many(comodel_name='ar.credit.release.use', inverse_name='release_id', readonly=True)
    used_amount = fields.Monetary(compute='_compute_used_amount')
    may_approve = fields.Boolean(compute='_compute_may_approve')

    _usable_idx = models.Index("(company_id, partner_id) WHERE state IN ('approved', 'used')")

    # === COMPUTE METHODS === #

    @api.model
    def _selection_document(self):
        """Models whose documents can be released: those under credit control."""
        names = sorted(self.env.registry.descendants(['ar.credit.mixin'], '_inherit') - {'ar.credit.mixin'})
        return [(name, self.env[name]._description) for name in names]

    @api.depends('partner_id.name', 'document')
    def _compute_name(self):
        for release in self:
            # sudo: the document's name
            what = release.document.sudo().display_name if release.document else self.env._("all documents")
            release.name = self.env._("%(customer)s: %(what)s", customer=release.partner_id.name or "", what=what)

    @api.depends('use_ids.amount')
    def _compute_used_amount(self):
        for release in self:
            release.used_amount = sum(release.use_ids.mapped('amount'))

    @api.depends('state', 'requested_by_id', 'partner_id', 'max_amount', 'tolerance')
    @api.depends_context('uid')
    def _compute_may_approve(self):
        for release in self:
            release.may_approve = release.state == 'requested' and not release._why_not_approve(self.env.user)

    # === CONSTRAINT METHODS === #

    @api.constrains('requested_by_id', 'approved_by_id', 'state')
    def _check_four_eyes(self):
        for release in self:
            if release.state in USABLE_STATES and (
                    not release.approved_by_id or release.approved_by_id == release.requested_by_id):
                raise ValidationError(self.env._(
                    "%s: a release is approved by somebody else than who asked for it.", release.name))

    @api.constrains('document', 'max_amount', 'valid_until', 'tolerance', 'state')
    def _check_end(self):
        for release in self:
            if release.max_amount < 0 or release.tolerance < 0:
                raise ValidationError(self.env._("%s: amount and tolerance cannot be negative.", release.name))
            ends = release.document or release.valid_until or release.max_amount
            if release.state != 'draft' and not ends:
                raise ValidationError(self.env._(
                    "%s: a release ends with a document, at a day, or at an amount. Enter one of them.", release.name))

    @api.constrains('document', 'partner_id', 'company_id')
    def _check_document(self):
        for release in self.filtered('document'):
            document = release.document.sudo()  # sudo: whose it is, not what it says
            request = document._ar_get_credit_request()
            customer = request.partner.commercial_partner_id if request else document.partner_id.commercial_partner_id
            if customer != release.partner_id or document.company_id != release.company_id:
                raise ValidationError(self.env._(
                    "%(document)s is not a document of %(customer)s in %(company)s.", document=document.display_name,
                    customer=release.partner_id.display_name, company=release.company_id.name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, GUARDED_FIELDS)
        if not self.env.su and any(
                GUARDED_FIELDS & {name for name, value in vals.items() if value and value != 'draft'}
                for vals in vals_list):
            raise AccessError(self.env._("A release is asked for and approved with its buttons."))
        return super().create(of_customers(self.env, vals_list))

    def write(self, vals):
        if not self.env.su:
            if GUARDED_FIELDS & set(vals):
                raise AccessError(self.env._("A release is asked for and approved with its buttons."))
            if CONTENT_FIELDS & set(vals) and any(release.state not in ('draft', 'requested') for release in self):
                raise UserError(self.env._("A release that was decided cannot be changed: ask for another one."))
            if CONTENT_FIELDS & set(vals) and any(
                    release.state == 'requested' and release.requested_by_id != self.env.user
                    and release._why_not_approve(self.env.user) for release in self):
                raise AccessError(self.env._("A request is changed by who asked for it, or by an approver."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_draft(self):
        if any(release.state != 'draft' for release in self):
            raise UserError(self.env._("Releases are part of the record: cancel the request instead."))

    # === ACTION METHODS === #

    def action_request(self):
        """Ask for drafts: the approvers get an activity.

        :raise UserError: for a release that is no draft, or nobody may approve
        """
        self.check_access('write')
        for release in self:
            if release.state != 'draft':
                raise UserError(self.env._("%s was asked for already.", release.name))
        # sudo: the state moves by this button only; access was checked
        requests = self.sudo()
        requests.requested_by_id = self.env.uid  # who asks may be another one than who drew it up
        requests._request()

    def action_approve(self, reason=None):
        """Approve requests.

        :param str reason: shown to who asked
        :raise AccessError: for one's own request, and for users who are not among the approvers
        :raise UserError: when it does not wait for approval
        """
        self._decide('approved', reason)

    def action_refuse(self, reason=None):
        """Refuse requests; see `action_approve`."""
        self._decide('refused', reason)

    def action_ar_open_approve(self):
        """Ask why, then approve."""
        return self._open_decision('approve')

    def action_ar_open_refuse(self):
        """Ask why, then refuse."""
        return self._open_decision('refuse')

    def _open_decision(self, decision):
        action = self.env['ir.actions.act_window']._for_xml_id(
            f'ar_coordinator.ar_credit_reason_wizard_action_{decision}')
        return {**action, 'context': {'default_decision': decision, 'default_release_ids': self.ids}}

    def action_cancel(self):
        """Take back one's own request; approvers and managers may end any release.

        :raise AccessError: for somebody else's
        :raise UserError: for a release that has ended
        """
        self.check_access('read')
        for release in self:
            if release.state not in ('draft', 'requested', *USABLE_STATES):
                raise UserError(self.env._("%s has ended already.", release.name))
            if not self.env.su and release.requested_by_id != self.env.user \
                    and not self.env.user.has_group('ar_coordinator.group_ar_manager'):
                raise AccessError(self.env._("%s was asked for by somebody else.", release.name))
        # sudo: the state moves by this button only; who may was checked
        self.sudo().write({'state': 'cancelled'})
        self.sudo().activity_ids.unlink()

    # === BUSINESS METHODS === #

    @api.model
    def _request_for(self, document):
        """Make and request the release of a document, in the name of the user.

        :raise UserError: when it is not held, or a request waits
        """
        request = document._ar_get_credit_request()
        [verdict] = self.env['ar.credit.hold']._judge([request]) if request else [None]
        if not verdict or not verdict.reasons or verdict.release:
            raise UserError(self.env._("%s is not on hold: no release is needed.", document.display_name))
        # sudo: a salesperson asks; that he may change the document was checked, the content is the document's
        releases = self.sudo()
        if waiting := releases.search(
                [('document', '=', f'{document._name},{document.id}'), ('state', '=', 'requested')], limit=1):
            raise UserError(self.env._(
                "A release of %(document)s was asked for already, on %(day)s by %(user)s.",
                document=document.display_name, day=format_date(self.env, waiting.date_requested),
                user=waiting.requested_by_id.name))
        customer = request.partner.sudo().commercial_partner_id  # sudo: as above
        company = request.company
        release = releases.create({
            'company_id': company.id, 'partner_id': customer.id, 'document': f'{document._name},{document.id}',
            'requested_by_id': self.env.uid, **self._prepare_size(verdict)})
        release._request()
        return release

    @api.model
    def _prepare_size(self, verdict):
        """Return the values of a release that come from its document: size, tolerance and why it is held."""
        company = verdict.request.company
        # sudo: the customer's risk class gives the tolerance
        customer = verdict.request.partner.sudo().commercial_partner_id.with_company(company)
        return {
            'amount': verdict.size, 'max_amount': verdict.size, 'hold_reasons': "\n".join(verdict.reasons),
            'tolerance': customer.ar_credit_class_id.tolerance or company.ar_release_tolerance}

    def _complete(self):
        """Drafts that name a document and no amount are for what the document is."""
        for release in self.filtered(lambda release: release.document and not release.max_amount):
            request = release.document.sudo()._ar_get_credit_request()  # sudo: its size, for the approvers
            if request:
                [verdict] = self.env['ar.credit.hold']._judge([request])
                release.write(self._prepare_size(verdict))

    def _request(self):
        """Move drafts to requested; activities for the approvers, a note on the document."""
        self._complete()
        self.write({'state': 'requested', 'date_requested': fields.Datetime.now()})
        for release in self:
            if not release._get_approvers():
                raise UserError(self.env._(
                    "Nobody can approve a release for %(customer)s in %(company)s: an approver other than you is"
                    " needed.", customer=release.partner_id.display_name, company=release.company_id.name))
            release._ask_approvers()
            release._note(self.env._("%(user)s asked for a credit release.", user=release.requested_by_id.name))

    def _ask_approvers(self):
        """Give those who may decide today a task, if they have none: stand-ins, too, once an approver is away."""
        for release in self:
            for approver in release._get_approvers() - release.activity_ids.user_id:
                release.activity_schedule(
                    'mail.mail_activity_data_todo', user_id=approver.id, date_deadline=release.company_id._ar_today(),
                    summary=self.env._(
                        "Release for %(customer)s: %(amount)s", customer=release.partner_id.name,
                        amount=formatLang(self.env, release.max_amount, currency_obj=release.currency_id)),
                    note=release.hold_reasons or False)

    def _decide(self, state, reason):
        """Approve or refuse."""
        self.check_access('read')
        for release in self:
            if release.state != 'requested':
                raise UserError(self.env._("%s does not wait for a decision.", release.name))
            if why_not := release._why_not_approve(self.env.user):
                raise AccessError(why_not)
        for release in self.sudo():  # sudo: the state moves by this button only; who may was checked
            release.write({
                'state': state, 'approved_by_id': self.env.uid, 'date_decided': fields.Datetime.now(),
                **({'decision_reason': reason} if reason else {})})
            release.activity_ids.unlink()
            release._tell_requester()

    def _tell_requester(self):
        """Write the decision to who asked, and to the document's chatter."""
        self.ensure_one()
        label = dict(self._fields['state']._description_selection(self.env))[self.state]
        body = self.env._(
            "Credit release %(state)s by %(user)s.", state=label.lower(), user=self.approved_by_id.name)
        if self.decision_reason:
            body += " " + self.decision_reason
        self.message_post(
            body=body, subject=self.env._("Credit release: %s", self.name), message_type='comment',
            subtype_xmlid='mail.mt_note', partner_ids=self.requested_by_id.partner_id.ids)
        self._note(body)

    def _note(self, body):
        """Write a note into the document's chatter, if it has one."""
        for release in self:
            document = release.document
            if document and 'message_ids' in document._fields:
                document.sudo()._message_log(body=body)  # sudo: the trail is kept whoever decides

    def _get_approvers(self):
        """Return the users who are asked to decide: the approvers for amount and risk class, never who asked.

        The tolerance is part of the amount: what may pass in the end is what an approver answers for.
        """
        self.ensure_one()
        customer = self.partner_id.sudo().with_company(self.company_id)  # sudo: the risk class
        growth = self.tolerance / 100 if self.document else 0.0  # without a document nothing can grow
        most = self.currency_id.round(self.max_amount * (1 + growth))
        return self.env['ar.credit.approver']._get_users(
            self.company_id, most or None, customer.ar_credit_class_id, self.requested_by_id)

    def _get_approver_names(self):
        """Return the names of who was asked, for a sentence."""
        return ", ".join(self.sudo()._get_approvers().mapped('name'))  # sudo: who asks is told whom he asked

    def _why_not_approve(self, user):
        """Return why a user may not decide, or None; jobs do not decide either: somebody has to answer for it."""
        self.ensure_one()
        if user == self.requested_by_id:
            return self.env._("%s: nobody approves their own request.", self.name)
        if user not in self.sudo()._get_approvers():  # sudo: the record is judged, whoever may read it
            return self.env._("%(release)s: you are not among its approvers (%(approvers)s).",
                              release=self.name, approvers=self._get_approver_names())
        if self.company_id not in user.company_ids:
            return self.env._("%(release)s: you do not work in %(company)s.",
                              release=self.name, company=self.company_id.name)
        return None

    # === USE === #

    @api.model
    def _get_usable(self, company, customers):
        """Return the releases in force of customers in a company."""
        return self.search([
            ('company_id', '=', company.id), ('partner_id', 'in', customers.ids), ('state', 'in', USABLE_STATES),
            '|', ('valid_until', '=', False), ('valid_until', '>=', company._ar_today())], order='id')

    @api.model
    def _cron_expire(self):
        """Hourly job: end the releases whose last day is over, in each company's own time zone."""
        limited = [('state', 'in', ('requested', *USABLE_STATES)), ('valid_until', '!=', False)]
        for [company] in self._read_group(limited, ['company_id']):
            over = self.search([
                *limited, ('company_id', '=', company.id), ('valid_until', '<', company._ar_today())])
            over.write({'state': 'expired'})
            over.activity_ids.unlink()

    def _covering(self, verdict):
        """Return the release that lets a held document pass, or an empty record: those for the document first."""
        request = verdict.request
        customer = request.partner.sudo().commercial_partner_id  # sudo: ids are compared
        documents = [(request.document, verdict.size), *request.document._ar_get_release_documents()]
        sizes = {f'{document._name},{document.id}': size for document, size in documents}
        own = self.filtered(lambda release: release.partner_id == customer and (
            not verdict.manual_since or release.date_decided >= verdict.manual_since))
        for release in own.filtered('document'):
            size = sizes.get(f'{release.document._name},{release.document.id}')
            if size is not None and release._is_enough_for(size):
                return release
        for release in own.filtered(lambda release: not release.document):
            if release._is_enough_for(verdict.size, request.document):
                return release
        return self.browse()

    def _is_enough_for(self, size, document=None):
        """Tell whether the release covers a document of `size`, with what it was used for before."""
        digits = self.currency_id.decimal_places
        if self.document:
            return credit.covers(self.max_amount, self.tolerance, size, digits)
        if not self.max_amount or (document is not None and self._has_passed(document)):
            return True
        used = sum(use.amount for use in self.use_ids if use.document != document)
        return credit.covers(self.max_amount, 0.0, round(used + size, digits), digits)

    def _has_passed(self, document):
        """Tell whether what the document belongs to has used this release already: the order of a delivery, say."""
        sizes = {f'{other._name},{other.id}': size for other, size in document._ar_get_release_documents()}
        digits = self.currency_id.decimal_places
        uses = [(f'{use.document._name},{use.document.id}', use.amount) for use in self.use_ids if use.document]
        return any(credit.covers(amount, 0.0, sizes[name], digits) for name, amount in uses if name in sizes)

    def _use(self, verdict):
        """Record that the release let a document pass; locked, so that two documents do not use up the same amount."""
        self.ensure_one()
        document = verdict.request.document
        if not self.document:
            self.lock_for_update()
            self.invalidate_recordset(['use_ids', 'state'])
            if not self._is_enough_for(verdict.size, document):
                raise UserError(self.env['ar.credit.hold']._explain([verdict]))
        # a delivery takes nothing from a release that its order has used, or that is for the order
        taken = self.document != document if self.document else self._has_passed(document)
        amount = 0.0 if taken else verdict.size
        use = self.use_ids.filtered(lambda use: use.document == document)
        if use:
            use.amount = max(use.amount, amount)
        else:
            use.create({
                'release_id': self.id, 'document': f'{document._name},{document.id}', 'amount': amount,
                'user_id': self.env.uid})
            self._message_log(body=self.env._(
                "%(document)s passed: %(reasons)s", document=document.display_name, reasons="; ".join(verdict.reasons)))
            if 'message_ids' in document._fields:
                document.sudo()._message_log(body=self.env._(  # sudo: the trail is kept whoever acts
                    "Passed the credit hold with the release approved by %(user)s.", user=self.approved_by_id.name))
        if self.state == 'approved' and self._is_used_up():
            self.state = 'used'

    def _is_used_up(self):
        """A release for a document is used with it; one up to an amount when nothing is left."""
        if self.document:
            return bool(self.use_ids)
        return bool(self.max_amount) and self.currency_id.compare_amounts(
            sum(self.use_ids.mapped('amount')), self.max_amount) >= 0


class ArCreditReleaseUse(models.Model):
    _name = 'ar.credit.release.use'
    _description = "Use of a Credit Release"
    _order = 'id desc'
    _rec_name = 'document'

    release_id = fields.Many2one(
        comodel_name='ar.credit.release', required=True, index=True, ondelete='cascade', readonly=True)
    company_id = fields.Many2one(related='release_id.company_id', store=True, precompute=True)
    currency_id = fields.Many2one(related='release_id.currency_id')
    document = fields.Reference(selection='_selection_document', required=True, readonly=True)
    amount = fields.Monetary(readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Passed by", readonly=True)

    @api.model
    def _selection_document(self):
        return self.env['ar.credit.release']._selection_document()
