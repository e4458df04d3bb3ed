"""What documents that can be held have in common: their request to the credit check, a banner, the way to a release.

A model that uses it defines `_ar_get_credit_request`, and calls `_ar_check_credit` where it is confirmed, in the model.
"""
from odoo import fields, models
from odoo.exceptions import UserError


class ArCreditMixin(models.AbstractModel):
    _name = 'ar.credit.mixin'
    _description = "Document under Credit Control"

    ar_credit_state = fields.Selection(
        selection=[('free', "Free"), ('warning', "Warning"), ('held', "On hold"), ('released', "Released")],
        string="Credit", compute='_compute_ar_credit_state', search='_search_ar_credit_state',
        groups='base.group_user')  # customers read their own documents over the portal, and nothing of this
    ar_credit_message = fields.Text(
        string="Credit Message", compute='_compute_ar_credit_state', groups='base.group_user')
    ar_release_id = fields.Many2one(
        comodel_name='ar.credit.release', string="Release", compute='_compute_ar_release_id', groups='base.group_user',
        help="The latest request for a release of this document.")
    ar_release_state = fields.Selection(
        selection=[
            ('draft', "Draft"), ('requested', "Requested"), ('approved', "Approved"), ('refused', "Refused"),
            ('expired', "Expired"), ('used', "Used"), ('cancelled', "Cancelled")],
        string="Release State", compute='_compute_ar_release_id', groups='base.group_user')

    def _compute_ar_credit_state(self):
        """What the check would say now; sudo inside: everybody who sees the document may know why it is held."""
        requests = [request for request in (document._ar_get_credit_request() for document in self) if request]
        verdicts = {
            verdict.request.document: verdict for verdict in self.env['ar.credit.hold']._judge(requests, apart=True)}
        for document in self:
            verdict = verdicts.get(document)
            state = 'free'
            if verdict and verdict.reasons:
                state = 'released' if verdict.release else 'held'
            elif verdict and verdict.warnings:
                state = 'warning'
            document.ar_credit_state = state
            document.ar_credit_message = verdict and "\n".join(verdict.reasons or verdict.warnings)

    def _search_ar_credit_state(self, operator, value):
        """Judge the documents that can be held at all, as many as there are, in a fixed number of queries."""
        if operator != 'in':
            return NotImplemented
        judged = self.search(self._ar_get_credit_domain())
        wanted = set(value)
        if 'free' in wanted:
            others = judged.filtered(lambda document: document.ar_credit_state not in wanted)
            return [('id', 'not in', others.ids)]
        return [('id', 'in', judged.filtered(lambda document: document.ar_credit_state in wanted).ids)]

    def _compute_ar_release_id(self):
        # sudo: who sees the document may know that a release was asked for
        releases = self.env['ar.credit.release'].sudo().search(
            [('document', 'in', [f'{self._name},{document_id}' for document_id in self._origin.ids])], order='id')
        latest = {release.document: release for release in releases}
        for document in self:
            release = latest.get(document._origin, releases.browse())
            document.ar_release_id = release.id
            document.ar_release_state = release.state

    # === HOOKS === #

    def _ar_get_credit_request(self):
        """Hook: return the CreditRequest of this document as it is now, or None when it cannot be held."""
        self.ensure_one()

    def _ar_get_credit_domain(self):
        """Hook: return the domain of the documents for which `_ar_get_credit_request` may return one."""
        return [('id', '=', False)]

    def _ar_get_release_documents(self):
        """Hook: return [(document, size in company currency)] whose releases also let this document pass.

        A delivery names its order, say: then a release of the order is good for the delivery, as long as the order has
        not grown past it.
        """
        self.ensure_one()
        return []

    # === BUSINESS METHODS === #

    def _ar_check_credit(self):
        """Stop these documents if their customers are held.

        :raise UserError: see `ar.credit.hold._check_requests`
        """
        requests = [request for request in (document._ar_get_credit_request() for document in self) if request]
        if requests:
            self.env['ar.credit.hold']._check_requests(requests)

    def _ar_get_held(self):
        """Return (documents that are held and have no release, the error text for them): for batches that go on."""
        requests = [request for request in (document._ar_get_credit_request() for document in self) if request]
        verdicts = [
            verdict for verdict in self.env['ar.credit.hold']._judge(requests)
            if verdict.reasons and not verdict.release]
        held = self.browse([verdict.request.document.id for verdict in verdicts])
        return held, self.env['ar.credit.hold']._explain(verdicts) if verdicts else ""

    # === ACTION METHODS === #

    def action_ar_request_release(self):
        """Ask for a release of this document: one click; the approvers get an activity.

        :return: a notification for the web client
        :raise AccessError: unless the user may change the document
        :raise UserError: when it is not held, or a request waits already
        """
        self.ensure_one()
        self.check_access('write')
        release = self.env['ar.credit.release']._request_for(self)
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
                'type': 'success', 'message': self.env._(
                    "Release requested from %(approvers)s.", approvers=release._get_approver_names()),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            }}

    def action_ar_view_release(self):
        """Open the release of this document."""
        self.ensure_one()
        if not self.ar_release_id:
            raise UserError(self.env._("Nobody asked for a release of %s yet.", self.display_name))
        return {
            'type': 'ir.actions.act_window', 'res_model': 'ar.credit.release', 'res_id': self.ar_release_id.id,
            'views': [(False, 'form')]}
