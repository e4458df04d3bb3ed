"""The documents behind each figure of a customer's credit: what makes up a part of the exposure, and what waits.

The tables on the customer and on documents mark their rows with part and customer; a click asks
`action_ar_view_exposure` what to open. Bridges add their parts to `_ar_get_exposure_documents`.
"""
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_waiting_text = fields.Html(
        string="What Waits", compute='_compute_ar_waiting_text', sanitize=False,
        groups='ar_coordinator.group_ar_base')

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'lang')
    def _compute_ar_waiting_text(self):
        """What waits by kind of document, with number and value, where the customer is on hold."""
        company = self.env.company
        waiting = self._ar_get_waiting_documents(company)
        labels = self._ar_get_waiting_labels()
        for partner in self:
            customer = partner._origin.commercial_partner_id
            own = waiting.get(customer.id, {})
            partner.ar_waiting_text = own and self.env['ir.qweb']._render('ar_coordinator.ar_credit_waiting', {
                'customer': customer, 'company': company, 'currency': company.currency_id, 'rows': [
                    (f'waiting:{model}', labels.get(model, model), len(documents), amount)
                    for model, (documents, amount) in own.items()]})

    def _ar_get_waiting_documents(self, company):
        """Return {commercial partner id: {model: (documents, amount in company currency)}} of customers on hold."""
        result = {}
        held = self._origin.commercial_partner_id.filtered('ar_on_hold')
        if not held:
            return result
        for partner_id, own in self.env['ar.credit.hold']._get_waiting(company, held).items():
            by_model = result.setdefault(partner_id, {})
            for document, amount in own:
                documents, total = by_model.get(document._name, (document.browse(), 0.0))
                by_model[document._name] = (documents | document, total + amount)
        return result

    @api.model
    def _ar_get_waiting_labels(self):
        """Hook: return {model: what its documents that wait are called}."""
        return {'account.move': self.env._("Draft invoices that wait")}

    def action_ar_open_exposure(self):
        """Open the exposure in parts, and what waits, in a dialog."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'res_model': 'res.partner', 'res_id': self.commercial_partner_id.id,
            'views': [(self.env.ref('ar_coordinator.res_partner_view_form_ar_exposure').id, 'form')], 'target': 'new',
            'name': self.commercial_partner_id.display_name}

    def action_ar_view_exposure(self, part, company_id=None):
        """Open the documents behind a part of the exposure, or `waiting:<model>`: what a hold stops.

        :param str part: a key of `ar.ledger._get_exposure_labels`, or 'waiting:' and a model
        :param int company_id: the current company by default
        :return: an action
        :raise AccessError: when the user may not read receivables, or not the company's
        :raise UserError: when there are no documents of that kind
        """
        self.ensure_one()
        company = self.env['res.company'].browse(company_id) if company_id else self.env.company
        self.env['ar.ledger']._read_options({'company_ids': company.ids})  # checks access
        customer = self.commercial_partner_id.with_company(company)
        if part == 'open':
            return customer.action_ar_open_items()
        if part.startswith('waiting:'):
            model = part.partition(':')[2]
            documents, _amount = customer._ar_get_waiting_documents(company).get(customer.id, {}).get(model, (None, 0))
            found = documents and (model, [('id', 'in', documents.ids)], self._ar_get_waiting_labels().get(model))
        else:
            found = customer._ar_get_exposure_documents(part, company)
        if not found:
            raise UserError(self.env._("There is nothing of it any more. Load the page again."))
        model, domain, name = found
        view = self.env.ref('account.view_out_invoice_tree') if model == 'account.move' else self.env['ir.ui.view']
        return {
            'type': 'ir.actions.act_window', 'res_model': model, 'domain': list(Domain(domain)),
            'mobile_view_mode': 'kanban',
            'views': [(view.id, 'list'), (False, 'kanban'), (False, 'form')], 'context': {'create': False},
            'name': f"{name}: {customer.display_name}"}

    def _ar_get_exposure_documents(self, part, company):
        """Hook: return (model, domain, title) of the documents that a part of the exposure is made of, or None.

        :param str part: a key of `ar.ledger._get_exposure_labels`
        :param company: res.company
        """
        self.ensure_one()
        label = self.env['ar.ledger']._get_exposure_labels().get(part)
        own = Domain([('company_id', '=', company.id)])
        invoices = own & Domain([
            ('commercial_partner_id', '=', self.id), ('move_type', 'in', ('out_invoice', 'out_receipt'))])
        return {
            'our_fault': ('ar.dispute', own & Domain([
                ('partner_id', '=', self.id), ('reason_id.is_our_fault', '=', True), ('date_closed', '=', False)]),
                label),
            'later': ('account.move', invoices & Domain([
                ('state', '=', 'posted'), ('date', '>', company._ar_today())]), label),
            'drafts': ('account.move', invoices & Domain('state', '=', 'draft'), label),
        }.get(part)
