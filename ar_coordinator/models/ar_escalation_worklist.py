"""Escalations on the worklist, live: a step that is due, an escalation that was given back; and in the timeline."""
from odoo import models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date


class ArWorklist(models.AbstractModel):
    _inherit = 'ar.worklist'

    def _add_judgements(self, companies, facts, events):
        """Override: whom somebody should be told about, by the paths; and who was told already, in words."""
        result = super()._add_judgements(companies, facts, events)
        for company in companies:
            if self._has_escalations(company):
                own = {one.partner_id: one for one in facts if one.company_id == company.id}
                self._add_escalations(company, own, events)
        return result

    def _has_escalations(self, company):
        """Whether a path is in use, or something that was told lasts."""
        return bool(self.env['ar.escalation.path']._get_paths(company) or self.env['ar.escalation'].search_count(
            [('company_id', '=', company.id), ('date_ended', '=', False)], limit=1))

    def _add_escalations(self, company, facts, events):
        """Add what is due and what lasts, of one company's customers: {customer id: engine Facts}."""
        due = self.env['ar.escalation.path']._get_due(
            company, figures={partner_id: (own.chased, own.days) for partner_id, own in facts.items()})
        for partner_id, (step, _own) in due.items():
            if partner_id in facts:
                facts[partner_id].escalation = step.id
                events[partner_id, company.id].update(escalation=step.id, step=step)
        lasting = self.env['ar.escalation'].search_fetch(
            [('company_id', '=', company.id), ('date_ended', '=', False), ('state', '!=', 'withdrawn')],
            ['partner_id', 'state', 'user_id', 'date', 'date_answered', 'step_id'], order='id desc')
        for record in lasting:
            own, event = facts.get(record.partner_id.id), events[record.partner_id.id, company.id]
            if not own or 'escalated' in event:
                continue  # of several, the latest
            event['escalated'] = record
            if record.state != 'returned':
                event.setdefault('notes', []).append(self._describe_told(record))
            elif not own.contacted_on or own.contacted_on < record.date_answered:
                own.escalation = record.step_id.id
                event.setdefault('escalation', record.step_id.id)

    def _describe_told(self, record):
        """Say who was told, or has taken it on."""
        words = {
            'user': record.user_id.sudo().name or self.env._("nobody"),  # sudo: a colleague's name
            'day': format_date(self.env, record.date), 'step': record.step_id.name}
        if record.state == 'acknowledged':
            return self.env._("%(step)s: %(user)s has taken it on", **words)
        return self.env._("%(step)s: %(user)s was told on %(day)s", **words)

    def _describe_escalation(self, event):
        """Return the reason in words: what is due, or what somebody gave back."""
        if event.get('step'):
            return self.env._("To be escalated: %(step)s (%(when)s)", step=event['step'].name,
                              when=event['step'].description)
        record = event['escalated']
        # sudo: a colleague's name
        return self.env._("%(user)s gave it back: %(answer)s", user=record.answered_by_id.sudo().name or "",
                          answer=record.answer or "")

    def _open_escalate(self, partner, company):
        """Tell who is next, if a step is due; else show what was told."""
        due = self.env['ar.escalation.path']._get_due(company, partner_ids=partner.ids).get(partner.id)
        if due:
            # sudo: the log writes itself; the role and the company were checked (`_check_worker`)
            records = self.env['ar.escalation'].sudo()._tell(company, {partner.id: due}, asked_by=self.env.user)
            return {'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
                'type': 'success', 'message': self.env._(
                    "%(user)s was told about %(customer)s.", user=records.user_id.name or self.env._("Nobody"),
                    customer=partner.display_name), 'next': {'type': 'ir.actions.act_window_close'}}}
        records = self.env['ar.escalation'].search([
            ('company_id', '=', company.id), ('partner_id', '=', partner.id), ('date_ended', '=', False)])
        if not records:
            raise UserError(self.env._(
                "%s: nobody has to be told today. What was to be escalated is over.", partner.display_name))
        return self._open_records(records, self.env._("Escalations"))


class ArCustomerSheet(models.AbstractModel):
    _inherit = 'ar.customer.sheet'

    def _get_timeline_kinds(self):
        """Override: escalations."""
        return {**super()._get_timeline_kinds(), 'escalation': (self.env._("Escalations"), 'fa-level-up')}

    def _timeline_escalation(self, partner, company, limit):
        records = self.env['ar.escalation'].search(self._own(partner, company), limit=limit)
        return [self._entry(
            'escalation', record, record.date, record.step_id.name, " · ".join(filter(None, (
                self._state(record), record.answer or record.reason))), record.amount or None, record.currency_id,
            record.user_id.sudo().name) for record in records]  # sudo: a colleague's name
