"""On the customer: the score from its own history with the working, and what is missing in its set-up."""
from odoo import api, fields, models

from ..engine import credit_score


class ResPartner(models.Model):
    _inherit = 'res.partner'

    ar_credit_score = fields.Integer(
        string="Score", compute='_compute_ar_credit_score', groups='ar_coordinator.group_ar_base',
        help="From the customer's own history in this company, 0 to 100. 0 also when there is no history.")
    ar_credit_score_text = fields.Html(
        string="Score and Working", compute='_compute_ar_credit_score', sanitize=False,
        groups='ar_coordinator.group_ar_base')
    ar_credit_missing = fields.Char(
        string="Set-up Missing", compute='_compute_ar_credit_missing', groups='ar_coordinator.group_ar_base',
        help="What a customer's account needs and does not have yet.")

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'lang')
    def _compute_ar_credit_score(self):
        company, labels = self.env.company, self._ar_get_score_labels()
        customers = self._origin.commercial_partner_id
        history = customers._ar_get_history(company)
        for partner in self:
            own = history.get(partner._origin.commercial_partner_id.id, credit_score.History())
            score, working = credit_score.score(own, company._ar_today())
            partner.ar_credit_score = score or 0
            partner.ar_credit_score_text = score is not None and self.env['ir.qweb']._render(
                'ar_coordinator.ar_credit_score', {
                    'score': score, 'working': [
                        (labels[key], f'{figure:.1f}' if isinstance(figure, float) else figure, taken)
                        for key, figure, taken in working]})

    def _ar_get_score_labels(self):
        return {
            'days_late': self.env._("Days late on average, weighted by amount, last 12 months"),
            'broken_promises': self.env._("Broken promises"),
            'disputes_lost': self.env._("Disputes rejected or withdrawn"),
            'returned_payments': self.env._("Returned payments"),
            'age': self.env._("Full years since the first invoice"),
        }

    def _ar_get_history(self, company):
        """Return {commercial partner id: engine History} in a company.

        The average delay is the KPI report's, which is asked customer by customer: for a form, not for lists.
        """
        rules = self.env['ar.credit.rule'].with_company(company)
        promises = self.env['ar.promise']._get_broken_promises(self, company)
        returned = rules._get_returned_payments(self, company)
        lost = {partner.id: count for partner, count in self.env['ar.dispute']._read_group([
            ('company_id', '=', company.id), ('partner_id', 'in', self.ids),
            ('state', 'in', ('rejected', 'withdrawn'))], ['partner_id'], ['__count'])}
        first = {partner.id: day for partner, day in self.env['account.move']._read_group([
            ('company_id', '=', company.id), ('commercial_partner_id', 'in', self.ids), ('state', '=', 'posted'),
            ('move_type', 'in', ('out_invoice', 'out_receipt'))], ['commercial_partner_id'], ['invoice_date:min'])}
        history = {}
        for partner in self:
            if partner.id in first:
                delay = self.env['ar.kpi.report'].with_company(company).get_data({
                    'partner_ids': partner.ids, 'company_ids': company.ids, 'window_days': 365, 'months': 1,
                })['average_payment_delay']
                history[partner.id] = credit_score.History(
                    first_invoice=first[partner.id], days_late=delay, broken_promises=len(promises.get(partner.id, ())),
                    disputes_lost=lost.get(partner.id, 0), returned_payments=len(returned.get(partner.id, ())))
        return history

    @api.depends(
        'street', 'city', 'country_id', 'vat', 'is_company', 'email', 'child_ids.ar_is_receivables_contact',
        'child_ids.email', 'property_payment_term_id', 'invoice_sending_method', 'bank_ids')
    @api.depends_context('company', 'lang')
    def _compute_ar_credit_missing(self):
        for partner in self:
            contacts = partner.child_ids.filtered('ar_is_receivables_contact')
            checks = (
                (self.env._("billing address"), partner.street and partner.city and partner.country_id),
                (self.env._("tax id"), partner.vat or not partner.is_company),
                (self.env._("receivables contact with an e-mail address"), any((contacts or partner).mapped('email'))),
                (self.env._("payment terms"), partner.property_payment_term_id),
                (self.env._("delivery of invoices"), partner.invoice_sending_method),
                (self.env._("bank account or mandate"), partner.bank_ids),
            )
            partner.ar_credit_missing = ", ".join(label for label, there in checks if not there)
