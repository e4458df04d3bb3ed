"""Letters or statements of a batch share one compiled mail template."""
from odoo import api, models

from .ar_batch import BATCH


class MailRenderMixin(models.AbstractModel):
    _inherit = 'mail.render.mixin'

    @api.model
    def _render_template_qweb(self, template_src, model, res_ids, add_context=None, options=None):
        """Override: compile the text once for all letters; compiling takes longer than rendering."""
        if model in self.env['ar.outbox.message']._get_outbox_models():
            self = self.with_context(**{BATCH: {}})
        return super()._render_template_qweb(template_src, model, res_ids, add_context=add_context, options=options)
