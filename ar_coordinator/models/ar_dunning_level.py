"""One step of a dunning policy: when it is due, how it is worded and what goes with it."""
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ArDunningLevel(models.Model):
    _name = 'ar.dunning.level'
    _description = "Dunning Level"
    _inherit = ['ar.guard']
    _order = 'policy_id, delay_days, sequence, id'

    name = fields.Char(required=True, translate=True)
    policy_id = fields.Many2one(
        comodel_name='ar.dunning.policy', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='policy_id.company_id')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    delay_days = fields.Integer(
        string="Days after Due Date", required=True, help="Negative: a friendly reminder before the due date.")
    payment_days = fields.Integer(
        string="Days to Pay", default=7, required=True,
        help="The letter asks for payment within so many days of its date.")
    mail_template_id = fields.Many2one(
        comodel_name='mail.template', string="Letter", required=True, ondelete='restrict',
        domain=[('model', '=', 'ar.dunning.letter')],
        help="Wording of the e-mail and of the printed letter, in every language.")
    attach_invoices = fields.Selection(
        selection=[
            ('no', "None"),
            ('existing', "Those already generated"),
            ('all', "All, generating missing ones"),
        ],
        required=True, default='all')

    _delay_uniq = models.UniqueIndex(
        "(policy_id, delay_days) WHERE active", "Two levels of a policy cannot be due on the same day.")

    @api.constrains('payment_days')
    def _check_payment_days(self):
        for level in self:
            if level.payment_days < 0:
                raise ValidationError(self.env._("%s: the days to pay cannot be negative.", level.display_name))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_unused(self):
        used = self.env['ar.dunning.letter.line'].sudo()._read_group(  # sudo: letters of other companies count as well
            [('level_id', 'in', self.ids)], ['level_id'])
        if used:
            raise ValidationError(self.env._(
                "Letters were sent at level %s: archive it instead of deleting it.", used[0][0].display_name))
