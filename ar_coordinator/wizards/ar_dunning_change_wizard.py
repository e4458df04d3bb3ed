"""Ask for what a change of a previewed run needs: reason, level, words. The run and the letter do the rest."""
from odoo import api, fields, models
from odoo.exceptions import UserError


class ArDunningChangeWizard(models.TransientModel):
    _name = 'ar.dunning.change.wizard'
    _description = "Change a Dunning Run"

    run_id = fields.Many2one(comodel_name='ar.dunning.run', required=True, readonly=True)
    kind = fields.Selection(
        selection=[('item', "Leave out items"), ('customer', "Leave out customers"), ('level', "Send another level")],
        required=True, readonly=True)
    outcome_ids = fields.Many2many(comodel_name='ar.dunning.outcome', string="Items", readonly=True)
    partner_ids = fields.Many2many(comodel_name='res.partner', string="Customers", compute='_compute_partner_ids')
    allowed_level_ids = fields.Many2many(comodel_name='ar.dunning.level', compute='_compute_allowed_level_ids')
    level_id = fields.Many2one(
        comodel_name='ar.dunning.level', domain="[('id', 'in', allowed_level_ids)]")
    reason = fields.Char(required=True)

    @api.depends('outcome_ids')
    def _compute_partner_ids(self):
        for wizard in self:
            wizard.partner_ids = wizard.outcome_ids.partner_id

    @api.depends('outcome_ids', 'kind')
    def _compute_allowed_level_ids(self):
        for wizard in self:
            wizard.allowed_level_ids = wizard.outcome_ids._get_allowed_levels() if wizard.kind == 'level' else False

    @api.model
    def _open(self, kind, outcomes):
        """Return the dialog for a change of the run these outcomes belong to.

        :raise UserError: for outcomes of no run, or of several
        """
        if len(outcomes.run_id) != 1:
            raise UserError(self.env._("Choose items of one run."))
        titles = {
            'item': self.env._("Leave Out of This Run"),
            'customer': self.env._("Leave Customer Out of This Run"),
            'level': self.env._("Send Another Level"),
        }
        return {
            'type': 'ir.actions.act_window',
            'name': titles[kind],
            'res_model': self._name,
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_run_id': outcomes.run_id.id, 'default_kind': kind,
                'default_outcome_ids': [fields.Command.set(outcomes.ids)]},
        }

    def action_confirm(self):
        """Change the run; see `ar.dunning.run.change_preview`."""
        self.ensure_one()
        self.run_id.change_preview(self.kind, self.outcome_ids, self.reason, self.level_id)
        return {'type': 'ir.actions.act_window_close'}


class ArDunningNoteWizard(models.TransientModel):
    _name = 'ar.dunning.note.wizard'
    _description = "Add Personal Words to a Letter"

    letter_id = fields.Many2one(comodel_name='ar.dunning.letter', required=True, readonly=True)
    lang = fields.Char(compute='_compute_lang', string="Language")
    personal_subject = fields.Char(string="Subject")
    personal_note = fields.Html(string="Words")
    replaces_text = fields.Boolean(string="Write the Text Myself")
    personal_text = fields.Html(string="Above the Items")
    personal_closing = fields.Html(string="Below the Items")

    @api.depends('letter_id')
    def _compute_lang(self):
        names = dict(self.env['res.lang'].get_installed())
        for wizard in self:
            wizard.lang = names.get(wizard.letter_id.lang)

    @api.onchange('replaces_text')
    def _onchange_replaces_text(self):
        """Start from what the template says."""
        if self.replaces_text and not self.personal_text:
            self.personal_text, self.personal_closing = self.letter_id._get_template_text()

    def action_confirm(self):
        """Put the words and the subject into the letter.

        See `ar.dunning.letter.set_personal_note` and `set_personal_text`.
        """
        self.ensure_one()
        own = self.replaces_text
        self.letter_id.set_personal_text(own and self.personal_text, own and self.personal_closing)
        self.letter_id.set_personal_note(False if own else self.personal_note, self.personal_subject or "")
        return {'type': 'ir.actions.act_window_close'}
