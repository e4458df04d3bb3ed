"""What the buttons of the worklist and of the customer sheet open: the dialogs and screens that exist, for one customer
in one company.
"""
from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..engine import worklist
from .ar_dispute import UNDECIDED_STATES

SNOOZE = 'snooze'


class ArWorklist(models.AbstractModel):
    _inherit = 'ar.worklist'

    @api.model
    def get_action(self, partner_id, company_id, action):
        """Return what a button opens.

        :param int partner_id: a customer
        :param int company_id: in whose books
        :param str action: one of engine.worklist.ACTIONS, or 'snooze'
        :return: dict, an action of the web client
        :raise AccessError: unless the user works the desk, in this company
        :raise UserError: when there is nothing to do it with (no open item, no reply that waits, ...)
        """
        if action not in (*worklist.ACTIONS, SNOOZE):
            raise UserError(self.env._("The worklist knows no action %s.", action))
        partner, company = self._check_worker(partner_id, company_id)
        desk = self.with_company(company)
        result = getattr(desk, f'_open_{action}')(partner.with_env(desk.env), company)
        return self._in_company(result, company)

    def _check_worker(self, partner_id, company_id):
        """Return (customer, company).

        :raise AccessError: unless the user works the desk, in this company, and may see the customer
        """
        self.env['ar.ledger']._read_options({'company_ids': [company_id]})
        if not self._can_work():
            raise AccessError(self.env._(
                "You may read the worklist. Ask for the role Receivables: User to work on it."))
        partner = self.env['res.partner'].browse(partner_id).commercial_partner_id
        partner.check_access('read')
        return partner, self.env['res.company'].browse(company_id)

    def _in_company(self, action, company):
        """Return the action in the company's environment, whatever company is switched on first."""
        if action.get('type') != 'ir.actions.act_window':
            return action
        context = action.get('context') or {}
        if isinstance(context, str):
            context = {}  # of the stored action: filters of its own, which the domain says better
        others = [company_id for company_id in self.env.companies.ids if company_id != company.id]
        return {**action, 'context': {**context, 'allowed_company_ids': [company.id, *others]}}

    # === ACTIONS === #

    def _open_call(self, partner, company):
        partner.action_ar_call()
        return {'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
            'type': 'success', 'message': self.env._("A call to %s is planned for today.", partner.display_name)}}

    def _open_write(self, partner, company):
        recipient = partner._ar_receivables_contacts(partner, company)[partner.id]
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Write to %s", recipient.display_name),
            'res_model': 'mail.compose.message', 'views': [(False, 'form')], 'target': 'new', 'context': {
                'default_model': 'res.partner', 'default_res_ids': partner.ids,
                'default_composition_mode': 'comment', 'default_partner_ids': [Command.link(recipient.id)]}}

    def _open_letter(self, partner, company):
        return partner.action_ar_send_reminder()

    def _open_promise(self, partner, company):
        return partner.action_ar_promise()

    def _open_dispute(self, partner, company):
        """Open the disputes that are late; without any, the dialog that disputes what is overdue."""
        late = self.env['ar.dispute'].search([
            ('company_id', '=', company.id), ('partner_id', '=', partner.id), ('state', 'in', UNDECIDED_STATES),
            ('date_deadline', '<', company._ar_today())])
        if late:
            return self._open_records(late, self.env._("Late Disputes"))
        rows = [row for row in self.env['ar.ledger'].open_items(
            {'partner_ids': partner.ids, 'company_ids': company.ids})
            if row['move_type'] in ('out_invoice', 'out_receipt') and row['days'] > 0
            and row['residual_currency'] > row['disputed_currency']]
        if not rows:
            raise UserError(self.env._(
                "%s: nothing overdue is left to dispute. Open an invoice to dispute it before its due date.",
                partner.display_name))
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Dispute"), 'res_model': 'ar.dispute.open.wizard',
            'views': [(False, 'form')], 'target': 'new',
            'context': {'default_move_ids': list(dict.fromkeys(row['move_id'] for row in rows))}}

    def _open_release(self, partner, company):
        """Open what was asked for already; else ask for the one document that waits, or for what somebody chooses."""
        asked = self.env['ar.credit.release'].search([
            ('company_id', '=', company.id), ('partner_id', '=', partner.id), ('state', '=', 'requested')])
        if asked:
            return self._open_records(asked, self.env._("Releases That Wait"))
        documents = [
            document for document, _amount in
            self.env['ar.credit.hold']._get_waiting(company, partner).get(partner.id, [])]
        if len(documents) == 1 and documents[0].ar_credit_state == 'held':
            release = self.env['ar.credit.release']._request_for(documents[0])
            return self._open_records(release.with_env(self.env), self.env._("Ask for Release"))
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Ask for Release"), 'res_model': 'ar.credit.release',
            'views': [(False, 'form')], 'target': 'current', 'context': {
                'default_partner_id': partner.id, 'default_company_id': company.id,
                'default_document': f'{documents[0]._name},{documents[0].id}' if len(documents) == 1 else False}}

    def _open_look(self, partner, company):
        """Open what the customer answered: answers through portal and links, replies to letters."""
        answers = self.env['ar.customer.answer'].search([
            ('company_id', '=', company.id), ('partner_id', '=', partner.id), ('state', '=', 'waiting')])
        letters = self.env['ar.dunning.letter'].search([
            ('company_id', '=', company.id), ('partner_id', '=', partner.id), ('reply_state', '=', 'waiting')])
        if not answers and not letters:
            raise UserError(self.env._("No reply of %s waits any more.", partner.display_name))
        return self._open_records(answers or letters, self.env._("Replies"))

    def _open_fix(self, partner, company):
        letters = self.env['ar.dunning.history']._failed(company).filtered(
            lambda line: line.partner_id == partner).letter_id
        if not letters:
            raise UserError(self.env._("The letters of %s have arrived meanwhile.", partner.display_name))
        return self._open_records(letters, self.env._("Letters That Did Not Arrive"))

    def _open_snooze(self, partner, company):
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_worklist_snooze_action_new')
        return {**action, 'name': self.env._("Put Off %s", partner.display_name), 'context': {
            'default_partner_id': partner.id, 'default_company_id': company.id}}

    def _open_records(self, records, name):
        """Return the action that shows one record, or a list."""
        if len(records) == 1:
            return {'type': 'ir.actions.act_window', 'name': name, 'res_model': records._name, 'res_id': records.id,
                    'views': [(False, 'form')]}
        return {'type': 'ir.actions.act_window', 'name': name, 'res_model': records._name,
                'views': [(False, 'list'), (False, 'form')], 'domain': [('id', 'in', records.ids)]}
