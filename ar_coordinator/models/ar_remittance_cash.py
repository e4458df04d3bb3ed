"""Advices explain money: what is announced goes to the engine, and what a payment was applied by is used up."""
from collections import defaultdict

from odoo import api, fields, models

from ..engine import cash


class ArCash(models.AbstractModel):
    _inherit = 'ar.cash'

    def _get_advices(self, env, company):
        """Extended: the company's advices that wait for their money."""
        found = defaultdict(list, super()._get_advices(env, company))
        for advice in env['ar.remittance.advice'].search([
                ('company_id', '=', company.id), ('state', '=', 'open')], order='date, id'):
            if advice.statement_line_id.is_reconciled:
                continue
            cents = 10 ** advice.currency_id.decimal_places
            lines = defaultdict(lambda: [0, 0])
            for line in advice.line_ids.filtered('move_line_id'):
                lines[line.move_line_id.id][0] += round(line.amount * cents)
                lines[line.move_line_id.id][1] += round(line.deduction * cents)
            if lines:
                found[advice.currency_id].append(cash.Advice(
                    advice.id, advice.partner_id.id or None, round(advice.amount * cents), advice.date,
                    advice._get_reference(), tuple((key, *amounts) for key, amounts in lines.items()),
                    advice.is_proven))
        return found


class ArRemittanceAdvice(models.Model):
    _inherit = 'ar.remittance.advice'

    def _get_reference(self):
        """Return what the payment is announced to be named by; the name of a file is not."""
        self.ensure_one()
        return '' if self.name == self.file_id.name else self.name


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    def _get_advice(self):
        """Return the advice the proposal follows, or that came with its bank transaction."""
        advices = self.env['ar.remittance.advice'].sudo()  # sudo: of the proposal's own company
        key = (self.reading or {}).get('advice')
        if key:
            return advices.browse(key).exists()
        if not self.statement_line_id:
            return advices
        return advices.search([
            ('statement_line_id', '=', self.statement_line_id.id), ('state', 'in', ('open', 'check'))], limit=1)

    def _get_reasons(self):
        """Extended: why what follows an e-mail waits."""
        sentences = super()._get_reasons()
        advice = self._get_advice() if (self.reading or {}).get('advice') else None
        if advice and self.state == 'proposed' and not advice.is_proven:
            sentences.append(self.env._(
                "The advice %s came by e-mail, and an e-mail can say anything about who sent it: look at it, and"
                " apply the payment yourself or confirm the advice.", advice.name))
        return sentences

    def _apply(self, automatic=False):
        """Extended: the advice is used up."""
        result = super()._apply(automatic=automatic)
        self._get_advice().filtered(lambda advice: advice.state in ('open', 'check')).write(
            {'state': 'used', 'proposal_id': self.id})
        return result

    def _undo(self):
        """Extended: the advice waits for its money again."""
        result = super()._undo()
        # sudo: guarded field; who may undo was checked
        self.env['ar.remittance.advice'].sudo().search([('proposal_id', '=', self.id), ('state', '=', 'used')]).write(
            {'state': 'open', 'proposal_id': False})
        return result


class ArCashProposalLine(models.Model):
    _inherit = 'ar.cash.proposal.line'

    deduction_reason = fields.Char(
        compute='_compute_deduction_reason', help="Why the customer deducted it, as his advice says.")

    @api.depends('deduction', 'proposal_id.reading')
    def _compute_deduction_reason(self):
        keys = {line: (line.proposal_id.reading or {}).get('advice') for line in self if line.deduction}
        reasons = {
            (each.advice_id.id, each.move_line_id.id): each.deduction_reason
            for each in self.env['ar.remittance.advice.line'].search([
                ('advice_id', 'in', [key for key in keys.values() if key]), ('deduction', '!=', 0)])}
        for line in self:
            line.deduction_reason = reasons.get((keys.get(line), line.move_line_id.id), False)
