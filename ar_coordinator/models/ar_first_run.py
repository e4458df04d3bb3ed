"""The first-run guide: five steps from an installed addon to a first preview, for receivables managers.

The steps are Odoo's onboarding records, with one progress per company. What can be seen in the data (company data
complete, collectors assigned, a run previewed) counts as done wherever it was done; the rest is marked when its button
was used. Nothing has to be done: the addon works without.
"""
from odoo import api, models
from odoo.exceptions import AccessError, UserError

STEPS = ('company', 'mail', 'policy', 'collector', 'preview')


class ArFirstRun(models.AbstractModel):
    _name = 'ar.first.run'
    _description = "Receivables: First Steps"

    @api.model
    @api.readonly
    def get_data(self):
        """Return {closed, text_completed, steps: [{key, title, description, button, done, done_text, method}]} of the
        current company. There are no steps for users who don't configure the desk.
        """
        guide = self._get_guide()
        if not guide or not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            return {'closed': True, 'text_completed': "", 'steps': []}
        done = self._get_done()
        steps = []
        for key in STEPS:
            step = self._get_step(key)
            if step and step in guide.step_ids:
                steps.append({
                    'key': key, 'title': step.title, 'description': step.description, 'button': step.button_text,
                    'done': key in done or step.current_step_state != 'not_done', 'done_text': step.done_text,
                    'method': step.panel_step_open_action_name})
        return {'closed': guide.is_onboarding_closed, 'text_completed': guide.text_completed, 'steps': steps}

    @api.model
    def set_closed(self, closed):
        """Hide the guide in the current company, or show it again.

        :raise AccessError: unless the user is a receivables manager
        """
        self._check_manager()
        guide = self._get_guide()
        if guide:  # an administrator may have deleted it
            guide._search_or_create_progress().is_onboarding_closed = bool(closed)

    @api.model
    def _check_manager(self):
        if not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("The first steps are taken by a Receivables: Manager."))

    @api.model
    def _get_guide(self):
        # sudo: onboarding records are for administrators; this one is ours and says nothing about anybody
        guide = self.env.ref('ar_coordinator.ar_first_run', raise_if_not_found=False)
        return guide and guide.sudo()

    @api.model
    def _get_step(self, key):
        step = self.env.ref(f'ar_coordinator.ar_first_run_step_{key}', raise_if_not_found=False)
        return step and step.sudo()  # sudo: as _get_guide

    @api.model
    def _set_done(self, key):
        """Remember that a step was taken in the current company."""
        guide, step = self._get_guide(), self._get_step(key)
        if guide and step:
            guide._search_or_create_progress()
            step.action_set_just_done()

    @api.model
    def _get_done(self):
        """Return the steps whose result is there, by the company's data."""
        company = self.env.company
        done = set()
        # sudo: the company's own address is on every document; whether there is a collector or a run says nothing
        address = company.sudo().partner_id
        if address.email and address.street and address.city and address.country_id:
            done.add('company')
        if self.env['res.partner'].sudo().search_count([('ar_collector_id', '!=', False)], limit=1):
            done.add('collector')
        if self.env['ar.dunning.run'].sudo().search_count([
                ('company_id', '=', company.id), ('date_previewed', '!=', False)], limit=1):
            done.add('preview')
        return done


class OnboardingStep(models.Model):
    _inherit = 'onboarding.onboarding.step'

    @api.model
    def action_open_step_ar_company(self):
        """Open the company's data, for those who may change them."""
        self.env['ar.first.run']._check_manager()
        company = self.env.company
        if not company.has_access('write'):
            raise UserError(self.env._(
                "The data of %s are changed by an administrator (Settings, Companies). Letters need its street, city, "
                "country and e-mail address.", company.name))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Company Data"),
            'res_model': 'res.company',
            'res_id': company.id,
            'views': [(self.env.ref('account.res_company_form_view_onboarding').id, 'form')],
            'target': 'new',
        }

    @api.model
    def action_open_step_ar_mail(self):
        """Open the dialog that says who letters come from and sends a sample."""
        self.env['ar.first.run']._check_manager()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Sender of Your Letters"),
            'res_model': 'ar.first.run.mail',
            'views': [(False, 'form')],
            'target': 'new',
        }

    @api.model
    def action_open_step_ar_policy(self):
        """Open the company's default policy, or the list where it has none."""
        self.env['ar.first.run']._check_manager()
        self.env['ar.first.run']._set_done('policy')
        action = self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_dunning_policy_action')
        policy = self.env.company.ar_dunning_policy_id
        if policy:
            action.update(res_id=policy.id, view_mode='form', views=[(False, 'form')])
        return action

    @api.model
    def action_open_step_ar_collector(self):
        """Open the customers who owe something, to choose their collectors."""
        self.env['ar.first.run']._check_manager()
        if not self.env['res.partner'].has_access('write'):
            raise UserError(self.env._(
                "You may not change customers: an administrator gives you the right (Contact Creation), or assigns the "
                "collectors."))
        return self.env['ir.actions.act_window']._for_xml_id('ar_coordinator.ar_first_run_collector_action')

    @api.model
    def action_open_step_ar_preview(self):
        """Open today's run with its preview; make it if there is none that waits."""
        self.env['ar.first.run']._check_manager()
        company = self.env.company
        runs = self.env['ar.dunning.run']
        waiting = [('company_id', '=', company.id), ('state', 'in', ('draft', 'preview', 'to_approve'))]
        run = runs.search(waiting, limit=1)
        run = run or runs.create({'company_id': company.id})
        if run.state == 'draft':
            run.action_preview()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("First Preview"),
            'res_model': 'ar.dunning.run',
            'res_id': run.id,
            'views': [(False, 'form')],
        }
