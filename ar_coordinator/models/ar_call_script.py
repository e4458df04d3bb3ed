"""What to say on the phone: a text per situation, in the language of who calls."""
from odoo import api, fields, models

SITUATIONS = [
    ('first', "First reminder"),
    ('broken', "Promise not kept"),
    ('dispute', "Dispute"),
    ('final', "Final notice"),
]


class ArCallScript(models.Model):
    _name = 'ar.call.script'
    _description = "Call Script"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True, help="Empty: for all companies.")
    situation = fields.Selection(selection=SITUATIONS, required=True, default='first')
    body = fields.Html(string="Text", translate=True, required=True)
    mail_template_id = fields.Many2one(
        comodel_name='mail.template', string="E-mail", domain=[('model', '=', 'res.partner')], ondelete='set null',
        help="What is proposed when somebody writes in this situation; in the customer's language.")

    @api.model
    def _find(self, situation, company):
        """Return the script of a situation: the company's own, else the shared one; may be empty."""
        scripts = self.search([('situation', '=', situation), ('company_id', 'in', (False, company.id))])
        return scripts.sorted(lambda script: not script.company_id)[:1]
